//! `:source`: one command for everything that can be looked at: the live cluster, another context, a file, a kept moment, a run.

use super::State;
use crate::{
    ops::run::record,
    workbench::{effect::Effect, msg::SnapshotSlot},
};
use std::path::PathBuf;

/// The cluster as it is now.
pub(in crate::workbench) const LIVE: &str = "live";

/// What a word names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Live,
    Moment,
    Run,
    Context,
    File,
}

impl State {
    /// Shows another source. What is shown stays until the new one has something to show.
    pub(super) fn source_command(&mut self, word: &str) -> Vec<Effect> {
        match self.named(word) {
            // The list of all that there is.
            _ if word.is_empty() => {
                self.offer("source ");
                vec![Effect::Contexts { pick: false }]
            }
            Named::Live => self.live_command(),
            Named::Moment => self.past_command(word),
            Named::Run => self.open_run(word.to_owned(), false),
            Named::Context => self.context_command(word),
            Named::File => vec![self.read(SnapshotSlot::Cluster, PathBuf::from(word))],
        }
    }

    /// What a word names; a file that is called like something else is named with its folder: `./lab`.
    fn named(&self, word: &str) -> Named {
        let records = self.model.records.list.value.as_deref().map_or(&[][..], Vec::as_slice);
        match word {
            LIVE => Named::Live,
            _ if word.starts_with('@') => Named::Moment,
            _ if record::is_id(word) || records.iter().any(|run| run.stored.name == word) => Named::Run,
            _ if word == "last" || word.ends_with(".jsonl") => Named::Run,
            _ if self.model.contexts.names.iter().any(|name| name == word) => Named::Context,
            _ => Named::File,
        }
    }

    /// Back to the cluster as it is now.
    pub(super) fn live_command(&mut self) -> Vec<Effect> {
        let mut effects = self.return_to_now();
        effects.push(self.watch());
        effects
    }
}
