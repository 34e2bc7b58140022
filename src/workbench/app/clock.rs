//! Whether anything that is shown changes with the time alone: then the clock ticks, and otherwise it stands still.

use super::{Model, State};

impl State {
    /// A run moves, or something is shown that goes away or grows old by itself.
    pub fn moves_by_itself(&self) -> bool {
        let Model { cluster, now_ms, .. } = &self.model;
        let grows_old = cluster.age_ms(*now_ms).is_some();
        self.model.run_moves() || self.model.has_passing_message() || self.desk.has_passing_marks() || grows_old
    }
}
