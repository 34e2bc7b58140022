//! Whether a MariaDB operator is there, and whether anybody uses it.

use super::{
    Collector, Update,
    operators::{self, Found},
};
use crate::cluster::{ClusterError, Connection};

const NAME: &str = "mariadb";
const SUBTYPE: &str = "mariadb-operator";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list mariadbs.k8s.mariadb.com",
    concerns_nodes: false,
    unread: Some(|| operators::subtype(SUBTYPE, "unknown", Found::default())),
    read: |connection| Box::pin(read(connection)),
};

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let served = operators::served(connection, "k8s.mariadb.com").await?;
    let state = match &served {
        None => "absent",
        Some(version) if operators::names(connection, version, "mariadbs").await?.is_empty() => "api-detected",
        Some(_) => "crs-detected",
    };
    let data = operators::api(served.as_deref());
    Ok(operators::update(NAME, operators::subtype(SUBTYPE, state, Found { data, ..Found::default() })))
}
