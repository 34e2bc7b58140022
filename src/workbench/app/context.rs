//! Contexts: the list of them, and the switch from one cluster to another.

use super::State;
use crate::{
    cluster::Contexts,
    ops::Failure,
    workbench::{
        deploy::Deploy,
        effect::Effect,
        keymap::Action,
        model::{Cluster, Run, Severity},
        overlay::{Kind, Overlay, Question},
        panes::Need,
    },
};

impl State {
    /// `:context` lists them, `:context NAME` switches.
    pub(super) fn context_command(&mut self, name: &str) -> Vec<Effect> {
        if self.start.demo {
            self.say(
                Severity::Info,
                "the demo does not switch contexts; start `aicr --demo --context fleet`, or without --demo",
            );
        } else if name.is_empty() {
            return vec![Effect::Contexts { pick: true }];
        } else if self.model.run.active {
            let key = self.desk.keys.key(Action::Cancel);
            self.say(Severity::Warn, format!("a run is active on this cluster; {key} cancels it, then switch"));
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

    /// The session is on another context: nothing that was read from the old cluster stays in view.
    pub(super) fn switched(&mut self, answer: Result<String, Failure>) -> Vec<Effect> {
        self.asked.context = None;
        let Some(context) = self.good(answer) else { return Vec::new() };
        self.say(Severity::Ok, format!("context {context}"));
        let end_follow = self.end_follow();
        let name = context.clone();
        let model = &mut self.model;
        model.contexts.current = Some(context.clone());
        model.cluster = Cluster { name: context, generation: model.cluster.generation, ..Cluster::default() };
        model.run = Run::default();
        // What was planned and asked was about the cluster before.
        model.deploy = Deploy::default();
        let asks = |overlay: &Overlay| match &overlay.kind {
            Kind::Question { question, .. } | Kind::Confirm { question, .. } => {
                [Question::Run, Question::Deploy].contains(question)
            }
            _ => false,
        };
        self.desk.overlay.take_if(|overlay| asks(overlay));
        model.records.in_cluster = None;
        // Runs that are being looked for are those of the old cluster.
        self.asked.run += 1;
        self.asked.attach = None;
        model.what_if = None;
        model.recipe.clear();
        model.rules.clear();
        model.diff.changes.clear();
        model.upgrade.report.clear();
        model.upgrade.basis = None;
        model.compare.changes.clear();
        model.time.past = None;
        model.cluster.paused = None;
        for need in [
            Need::Cluster,
            Need::Recipe,
            Need::WhatIf,
            Need::Diff,
            Need::Upgrade,
            Need::Run,
            Need::Runs,
            Need::Compare,
            Need::Time,
        ] {
            self.desk.mark(need);
        }
        let mut effects = vec![self.watch()];
        effects.extend(end_follow);
        effects.extend(self.forget_evaluated());
        self.change_cluster(&name);
        effects.extend(self.resolve());
        effects
    }
}
