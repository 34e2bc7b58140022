//! All pods of all namespaces, pruned.

use super::{Part, list};
use crate::cluster::{
    ClusterError, Connection,
    prune::{self, Pod, PodObject, Shared},
};

pub const NAME: &str = "pods";
pub const PATH: &str = "/api/v1/pods";

pub async fn read(connection: &Connection) -> Result<Part, ClusterError> {
    Ok(Part::Pods(listed(connection, &mut Shared::default()).await?.items))
}

/// All pods, with the version from which they can be watched.
pub async fn listed(connection: &Connection, shared: &mut Shared) -> Result<list::Listed<Pod>, ClusterError> {
    list::all(connection, "list pods", PATH, |object: PodObject| prune::pod(&object, shared)).await
}
