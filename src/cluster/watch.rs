//! A live view: list, then watch nodes and pods; each change yields a new snapshot. (cluster)

use super::{ClusterError, Connection};
use crate::snapshot::Snapshot;
use std::sync::Arc;

/// The newest state of a live view. The last good snapshot stays while the connection is lost.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    pub snapshot: Option<Arc<Snapshot>>,
    pub status: LiveStatus,
    /// Sources that could not be read, with the reason.
    pub missing: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum LiveStatus {
    #[default]
    Connecting,
    /// `done` of `total` sources are read.
    Syncing {
        done: usize,
        total: usize,
    },
    Fresh,
    /// Attempt number and seconds until the next one.
    Reconnecting {
        attempt: u32,
        next_seconds: u64,
        error: ClusterError,
    },
    Failed {
        error: ClusterError,
    },
}

/// Watches until the receiver is dropped. The channel keeps the latest view; changes are coalesced.
pub fn start(connection: Connection) -> tokio::sync::watch::Receiver<LiveView> {
    let _ = connection;
    todo!("cluster")
}
