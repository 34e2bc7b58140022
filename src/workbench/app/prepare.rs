//! Building what a frame shows.
//!
//! What a key asked for is there in the frame that answers it. What the cluster has changed is built pane by pane, so that a
//! key that comes meanwhile waits for one pane at most; the frame that shows the change comes when all of them are built.

use super::State;
use crate::workbench::{model::Severity, widgets::text};

impl State {
    /// Lays out, builds what is stale and shown, and scrolls; to be called before a frame is drawn.
    pub fn prepare(&mut self) {
        self.desk.catch_up();
        self.prepare_for_key();
    }

    /// As [`State::prepare`], without panes that the cluster has changed since: they show what they showed before.
    pub fn prepare_for_key(&mut self) {
        self.refresh_operations();
        let removed = self.desk.prepare(&self.model);
        self.say_removed(removed);
    }

    /// The cluster has changed panes that are not built yet.
    pub fn is_behind(&self) -> bool {
        self.desk.is_behind()
    }

    /// Builds one pane that the cluster has changed.
    pub fn prepare_next(&mut self) {
        // The frame of a key that came meanwhile has not shown it.
        self.dirty = true;
        let removed = self.desk.build_next(&self.model);
        self.say_removed(removed);
    }

    fn say_removed(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            self.say(Severity::Info, format!("{} was removed; the nearest row is selected", text::clean(&name)));
        }
    }
}
