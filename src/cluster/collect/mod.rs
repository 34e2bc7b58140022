//! Live readings, one collector per source, listed in [`ALL`]; each degrades alone. (cluster)

use super::{ClusterError, Connection};
use crate::snapshot::Snapshot;

/// One snapshot of a live cluster, agentless and read-only. `now` is RFC 3339.
///
/// Fails only when nothing at all can be read; what one source lacks is said in subtype `K8s.collection`.
pub async fn snapshot(connection: &Connection, now: &str) -> Result<Snapshot, ClusterError> {
    let _ = (connection, now);
    todo!("cluster")
}
