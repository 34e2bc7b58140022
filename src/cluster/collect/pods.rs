//! All pods of all namespaces.

use super::{Collector, Update, list::Pages};
use crate::{
    cluster::{
        ClusterError, Connection,
        decode::pod::{self, PodObject},
    },
    inventory::Texts,
};

pub const NAME: &str = "pods";
pub const PATH: &str = "/api/v1/pods";
pub const LIST: &str = "list pods";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: LIST,
    concerns_nodes: true,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let mut texts = Texts::default();
    let pods = Pages::new(connection, LIST, PATH).all(|object: PodObject| pod::pod(&object, &mut texts)).await?;
    Ok(Box::new(move |parts| parts.pods = pods.into_iter().map(|pod| (pod.name.clone(), pod)).collect()))
}
