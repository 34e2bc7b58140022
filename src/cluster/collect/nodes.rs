//! All nodes, pruned.

use super::{Part, list};
use crate::cluster::{
    ClusterError, Connection,
    prune::{self, Node},
};

pub const NAME: &str = "nodes";
pub const PATH: &str = "/api/v1/nodes";

pub async fn read(connection: &Connection) -> Result<Part, ClusterError> {
    Ok(Part::Nodes(listed(connection).await?.items))
}

/// All nodes, with the version from which they can be watched.
pub async fn listed(connection: &Connection) -> Result<list::Listed<Node>, ClusterError> {
    list::all(connection, "list nodes", PATH, prune::node).await
}
