//! `GET /version`: what the API server is.

use super::{Part, list};
use crate::cluster::{ClusterError, Connection};
use serde::Deserialize;

pub const NAME: &str = "version";

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "camelCase")]
pub struct Version {
    /// With its leading `v` and the vendor's suffix: `v1.33.5-eks-113cf36`.
    pub git_version: String,
    pub platform: String,
    pub go_version: String,
}

pub async fn read(connection: &Connection) -> Result<Part, ClusterError> {
    list::get(connection, "read the server version", "/version").await.map(Part::Version)
}
