//! The view of the cluster stands still, until it follows the cluster again: what has come meanwhile is then shown at once.

use super::{State, Unable};
use crate::workbench::{
    effect::Effect,
    keymap::Action,
    model::{Paused, Severity, Source},
    panes::Need,
};

impl State {
    /// p, where no run is shown.
    pub(super) fn pause_view(&mut self) -> Vec<Effect> {
        if self.says_unable(Action::Pause) {
            return Vec::new();
        }
        let now_ms = self.model.now_ms;
        let cluster = &mut self.model.cluster;
        let generation = cluster.generation;
        self.desk.mark(Need::Cluster);
        let Some(paused) = cluster.paused.take() else {
            cluster.fresh_ms = if cluster.age_ms(now_ms).is_none() { now_ms } else { cluster.fresh_ms };
            cluster.paused = Some(Paused::default());
            let key = self.desk.keys.key(Action::Pause);
            self.say(Severity::Info, format!("paused: the cluster is still watched, and {key} shows what has changed"));
            return Vec::new();
        };
        let said = match paused.updates {
            0 => "the view follows the cluster again; nothing came meanwhile".to_owned(),
            _ => "the view follows the cluster again".to_owned(),
        };
        self.say(Severity::Info, said);
        paused.newest.map_or_else(Vec::new, |newest| self.live(generation, newest))
    }

    pub(super) fn unable_to_pause_the_view(&self) -> Option<Unable> {
        let cluster = &self.model.cluster;
        match cluster.source {
            _ if cluster.paused.is_some() => None,
            Source::Saved => Unable::info("a saved snapshot does not change, so there is nothing to pause"),
            Source::Past => Unable::info("a kept moment does not change, so there is nothing to pause"),
            _ if cluster.snapshot.is_none() => Unable::info("no cluster is shown yet"),
            _ if cluster.is_so_far() => {
                Unable::info("the cluster is still being read; it can be paused when it is read")
            }
            _ => None,
        }
    }
}
