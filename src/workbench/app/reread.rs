//! Records of runs that other programs write: read again while one of them goes on, and when runs are looked at.

use super::State;
use crate::{ops::run::record::Summary, workbench::effect::Effect};

/// From one reading to the next: every record is read for a list.
const REREAD_MS: u64 = 5_000;

impl State {
    /// A record of the list is written by another program, as far as is known.
    pub(super) fn has_open_elsewhere(&self) -> bool {
        let model = &self.model;
        let is_own = |run: &Summary| match run.report.deploy {
            Some(_) => model.deploy.active,
            None => model.run.active && model.run.id == run.stored.name,
        };
        let is_open = |run: &Summary| run.stored.is_open && run.verdict().is_none() && !run.is_left() && !is_own(run);
        model.records.list.value.iter().flat_map(|runs| runs.iter()).any(is_open)
    }

    /// Time went by, or the screen of the runs was gone to.
    pub(super) fn reread_runs(&mut self, is_looked_at: bool) -> Vec<Effect> {
        let list = &self.model.records.list;
        let is_due = self.model.now_ms.saturating_sub(self.asked.runs_read_ms) >= REREAD_MS;
        if list.loading || list.value.is_none() || !is_due || !(is_looked_at || self.has_open_elsewhere()) {
            return Vec::new();
        }
        vec![self.list_runs()]
    }
}
