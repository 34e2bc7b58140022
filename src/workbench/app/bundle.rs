//! The bundle of the recipe, compared with one on disk.

use super::State;
use crate::{
    bundle::compare::There,
    ops::Failure,
    workbench::{
        effect::Effect,
        panes::{BUNDLE, Need},
    },
};
use std::{path::PathBuf, sync::Arc};

impl State {
    /// `:bundle FOLDER`: what the plan would change in the bundle that is there; without a folder, the plan alone.
    pub(super) fn bundle_command(&mut self, folder: &str) -> Vec<Effect> {
        self.desk.focus_on(&BUNDLE);
        self.desk.mark(Need::Bundle);
        if folder.is_empty() {
            self.model.bundle.clear();
            return Vec::new();
        }
        let folder = PathBuf::from(folder);
        vec![Effect::ReadBundle { generation: self.model.bundle.ask(folder.clone()), folder }]
    }

    pub(super) fn bundle_read(&mut self, generation: u64, answer: Result<Arc<There>, Failure>) {
        let failure = answer.as_ref().err().cloned();
        if !self.model.bundle.finish(generation, answer) {
            return;
        }
        self.desk.mark(Need::Bundle);
        if let Some(failure) = failure {
            self.say_failure(failure);
        }
    }
}
