//! `GET /version`: what the API server is.

use super::{Collector, Update, list};
use crate::{
    cluster::{ClusterError, Connection},
    inventory::release::ServerVersion,
};
use serde::Deserialize;

const NAME: &str = "version";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "get /version",
    concerns_nodes: false,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Version {
    git_version: String,
    platform: String,
    go_version: String,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let Version { git_version, platform, go_version } =
        list::get(connection, "read the server version", "/version").await?;
    let version =
        ServerVersion { git_version: git_version.into(), platform: platform.into(), go_version: go_version.into() };
    Ok(Box::new(move |parts| parts.server = Some(version)))
}
