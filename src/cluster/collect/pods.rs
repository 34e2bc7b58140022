//! All pods of all namespaces.

use super::{Collector, Update, list};
use crate::{
    cluster::{
        ClusterError, Connection,
        decode::pod::{self, Pod, PodObject},
    },
    inventory::Texts,
};

pub const NAME: &str = "pods";
pub const PATH: &str = "/api/v1/pods";
pub const COLLECTOR: Collector =
    Collector { name: NAME, needs: "list pods", concerns_nodes: true, read: |connection| Box::pin(read(connection)) };

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let listed = listed(connection, &mut Texts::default()).await?;
    Ok(update(listed.items))
}

/// All pods, with the version from which they can be watched.
///
/// # Errors
/// Whatever the API server answers instead of the list.
pub async fn listed(connection: &Connection, texts: &mut Texts) -> Result<list::Listed<Pod>, ClusterError> {
    list::all(connection, "list pods", PATH, |object: PodObject| pod::pod(&object, texts)).await
}

/// Takes a whole list.
pub fn update(pods: Vec<Pod>) -> Update {
    Box::new(move |parts| parts.pods = pods.into_iter().map(|pod| (pod.name.clone(), pod)).collect())
}
