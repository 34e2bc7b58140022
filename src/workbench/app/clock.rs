//! Whether anything that is shown changes with the time alone: then the clock ticks, and otherwise it stands still.

use super::{Model, State};
use crate::workbench::waiting;

impl State {
    /// A run moves, or something is shown that goes away or grows old by itself.
    pub fn moves_by_itself(&self) -> bool {
        let Model { cluster, now_ms, .. } = &self.model;
        let grows_old = cluster.age_ms(*now_ms).is_some();
        let panels = &self.desk.layout.panels;
        let follows = !cluster.source.is_saved() && cluster.syncing_since_ms.is_some();
        let is_read = |pane| follows && waiting::counts_kinds(pane);
        let waits = panels.iter().any(|(pane, _)| waiting::waits_ms(&self.model, pane).is_some() || is_read(*pane));
        let passes = self.model.has_passing_message() || self.desk.is_passing();
        self.model.run_moves()
            || self.shows_moving_operations()
            || passes
            || grows_old
            || waits
            || self.has_open_elsewhere()
    }
}
