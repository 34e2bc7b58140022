//! All nodes.

use super::{Collector, Update, list::Pages};
use crate::{
    cluster::{ClusterError, Connection, decode::node},
    inventory::Texts,
};

pub const NAME: &str = "nodes";
pub const PATH: &str = "/api/v1/nodes";
pub const LIST: &str = "list nodes";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: LIST,
    concerns_nodes: true,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let mut texts = Texts::default();
    let reports = Pages::new(connection, LIST, PATH).all(|object| node::report(object, &mut texts)).await?;
    Ok(Box::new(move |parts| parts.reports = reports.into_iter().map(|report| (report.name.clone(), report)).collect()))
}
