//! All nodes.

use super::{Collector, Update, list};
use crate::{
    cluster::{ClusterError, Connection, decode::node},
    inventory::{Texts, node::NodeReport},
};

pub const NAME: &str = "nodes";
pub const PATH: &str = "/api/v1/nodes";
pub const COLLECTOR: Collector =
    Collector { name: NAME, needs: "list nodes", concerns_nodes: true, read: |connection| Box::pin(read(connection)) };

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let listed = listed(connection, &mut Texts::default()).await?;
    Ok(update(listed.items))
}

/// All nodes, with the version from which they can be watched.
///
/// # Errors
/// Whatever the API server answers instead of the list.
pub async fn listed(connection: &Connection, texts: &mut Texts) -> Result<list::Listed<NodeReport>, ClusterError> {
    list::all(connection, "list nodes", PATH, |object| node::report(object, texts)).await
}

/// Takes a whole list.
pub fn update(reports: Vec<NodeReport>) -> Update {
    Box::new(move |parts| parts.reports = reports.into_iter().map(|report| (report.name.clone(), report)).collect())
}
