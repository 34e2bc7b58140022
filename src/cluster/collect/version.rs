//! `GET /version`: what the API server is.

use super::{Collector, Update, list};
use crate::{
    cluster::{
        ClusterError, Connection,
        api_version::{Mismatch, Types},
    },
    inventory::release::ServerVersion,
};
use serde::Deserialize;

pub const NAME: &str = "version";
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
    /// What it says that it is: a version says nothing.
    #[serde(flatten)]
    types: Types,
    git_version: Option<String>,
    platform: String,
    go_version: String,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    const DOING: &str = "read the server version";
    let Version { types, git_version, platform, go_version } = list::get(connection, DOING, "/version").await?;
    let Some(git_version) = git_version else {
        let error = Mismatch::NotAVersion { found: types.words() };
        return Err(list::refused(connection, DOING, error));
    };
    // An empty one is not known, and no version of its own.
    let is_known = !git_version.is_empty();
    let version =
        ServerVersion { git_version: git_version.into(), platform: platform.into(), go_version: go_version.into() };
    Ok(Box::new(move |parts| parts.server = is_known.then_some(version)))
}
