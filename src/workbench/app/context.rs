//! Contexts: the list of them, and the switch from one cluster to another.

use super::State;
use crate::{
    cluster::Contexts,
    ops::Failure,
    workbench::{effect::Effect, keymap::Action, model::Severity},
};

impl State {
    /// `:context` lists them, `:context NAME` switches.
    pub(super) fn context_command(&mut self, name: &str) -> Vec<Effect> {
        if name.is_empty() {
            return vec![Effect::Contexts { pick: true }];
        } else if self.model.run.active {
            let key = self.desk.keys.key(Action::Cancel);
            self.say(Severity::Warn, format!("a run is active on this cluster; {key} cancels it, then switch"));
        } else if self.model.deploy.active {
            self.say_unable(self.deploy_is_active());
        } else if let Some(other) = &self.asked.context {
            self.say(Severity::Info, format!("still switching to `{other}`"));
        } else {
            // What is being planned is for the cluster that is left.
            self.asked.plan += 1;
            self.asked.context = Some(name.to_owned());
            return vec![Effect::SwitchContext(name.to_owned())];
        }
        Vec::new()
    }

    /// The contexts have been read.
    pub(super) fn contexts(&mut self, pick: bool, answer: Result<Contexts, Failure>) {
        match answer {
            Ok(contexts) => {
                let is_empty = contexts.names.is_empty();
                if let Some(current) = contexts.current.clone() {
                    self.know_cluster(&current);
                }
                self.model.contexts = contexts;
                match pick {
                    true if is_empty => self.say(Severity::Info, "there is one cluster here: the one of this pod"),
                    true => self.desk.overlay = Some(self.palette("context ")),
                    false => {}
                }
            }
            // At the start the connection fails for the same reason, and says so.
            Err(failure) if pick => self.say_failure(failure),
            Err(_) => {}
        }
    }
}
