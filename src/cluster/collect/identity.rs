//! The UID of namespace `kube-system`: the only name that one cluster has and no other.

use super::{Part, list};
use crate::cluster::{ClusterError, Connection, prune::Meta};
use serde::Deserialize;

pub const NAME: &str = "identity";

#[derive(Deserialize)]
struct Namespace {
    metadata: Meta,
}

pub async fn read(connection: &Connection) -> Result<Part, ClusterError> {
    let namespace: Namespace =
        list::get(connection, "get namespace kube-system", "/api/v1/namespaces/kube-system").await?;
    Ok(Part::Identity(namespace.metadata.uid))
}
