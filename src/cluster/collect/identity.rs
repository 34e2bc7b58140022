//! The UID of namespace `kube-system`: the only name that one cluster has and no other.

use super::{Collector, Update, list};
use crate::cluster::{ClusterError, Connection, decode::Meta};
use serde::Deserialize;

pub const NAME: &str = "identity";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "get namespace kube-system",
    concerns_nodes: false,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

#[derive(Deserialize)]
struct Namespace {
    metadata: Meta,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let namespace: Namespace =
        list::get(connection, "get namespace kube-system", "/api/v1/namespaces/kube-system").await?;
    // An empty one would be the name of many clusters.
    let uid = Some(namespace.metadata.uid).filter(|uid| !uid.is_empty());
    Ok(Box::new(move |parts| parts.identity = uid))
}
