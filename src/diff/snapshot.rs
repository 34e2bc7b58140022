//! Two snapshots side by side, reading by reading and node by node.

use super::Change;
use crate::snapshot::Snapshot;

/// Changes from left to right: measurements in type order, readings by path, then nodes by name.
pub fn compare(left: &Snapshot, right: &Snapshot) -> Vec<Change> {
    let _ = (left, right);
    todo!("core")
}
