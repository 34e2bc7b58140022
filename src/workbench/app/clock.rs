//! Whether anything that is shown changes with the time alone: then the clock ticks, and otherwise it stands still.

use super::State;

impl State {
    /// A run moves, or something is shown that goes away by itself.
    pub fn moves_by_itself(&self) -> bool {
        self.model.run_moves() || self.model.has_passing_message() || self.desk.has_passing_marks()
    }
}
