//! Which answers are still wanted: a newer request makes those to older ones late.

use super::log_export::LogFile;
use crate::workbench::msg::SnapshotSlot;

/// Numbers of the newest requests; answers to older ones are dropped.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) cluster: u64,
    pub(super) a: u64,
    pub(super) b: u64,
    pub(super) c: u64,
    pub(super) moment: u64,
    pub(super) plan: u64,
    pub(super) run: u64,
    /// When the records of runs were read last.
    pub(super) runs_read_ms: u64,
    pub(super) kept: u64,
    /// Writes that were begun.
    pub(super) write: u64,
    pub(super) previous: u64,
    pub(super) older: u64,
    /// Runs that were followed.
    pub(super) follow: u64,
    /// The record that is read without anybody having asked.
    pub(super) quietly: Option<u64>,
    pub(super) output: u64,
    /// Where a log goes, while it is asked which lines of it, or while they are read.
    pub(super) log_file: Option<LogFile>,
    /// The run that a person wants to follow, by what they call it; `None` for whichever there is.
    pub(super) attach: Option<String>,
    /// A context that the session is being switched to; one at a time.
    pub(super) context: Option<String>,
}

impl Asked {
    pub(super) fn of(&self, slot: SnapshotSlot) -> u64 {
        match slot {
            SnapshotSlot::Cluster => self.cluster,
            SnapshotSlot::A => self.a,
            SnapshotSlot::B => self.b,
            SnapshotSlot::C => self.c,
        }
    }

    pub(super) fn snapshot(&mut self, slot: SnapshotSlot) -> &mut u64 {
        match slot {
            SnapshotSlot::Cluster => &mut self.cluster,
            SnapshotSlot::A => &mut self.a,
            SnapshotSlot::B => &mut self.b,
            SnapshotSlot::C => &mut self.c,
        }
    }
}
