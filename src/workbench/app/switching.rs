//! From the cluster of one context to that of another: what is shown stays until there is something to show of the other one.
//!
//! Until then the session is with the other cluster already, so nothing is done that would need the one that is shown.

use super::{State, unable::Unable};
use crate::{
    cluster::watch::LiveStatus,
    ops::Failure,
    workbench::{
        deploy::Deploy,
        effect::Effect,
        model::{Cluster, Run, Severity, Switching},
        panes::Need,
        widgets::text,
    },
};

impl State {
    /// The session is on another context; what is shown stays until its cluster has been read, where anything is shown.
    pub(super) fn switched(&mut self, answer: Result<String, Failure>) -> Vec<Effect> {
        self.asked.context = None;
        let Some(context) = self.good(answer) else { return Vec::new() };
        self.model.contexts.current = Some(context.clone());
        // What was planned, asked and listed was about the cluster before.
        self.forget_planned();
        self.model.records.in_cluster = None;
        // Runs that are being looked for are those of the old cluster.
        self.asked.run += 1;
        self.asked.attach = None;
        let cluster = &mut self.model.cluster;
        if cluster.snapshot.is_none() {
            self.say(Severity::Ok, format!("context {context}"));
            let left = self.leave_cluster(context);
            let mut effects = vec![self.watch()];
            effects.extend(self.past_of_demo());
            effects.extend(left);
            effects.extend(self.resolve());
            return effects;
        }
        let shown = text::clean(&cluster.name).into_owned();
        cluster.switching = Some(Switching { name: context.clone(), ..Switching::default() });
        self.say(Severity::Ok, format!("context {context}; {shown} is shown until it has been read"));
        self.desk.mark(Need::Cluster);
        let mut effects = vec![self.watch()];
        effects.extend(self.past_of_demo());
        effects
    }

    /// Each cluster of the demo brings what is kept and recorded of it; what this machine has is of all clusters.
    fn past_of_demo(&mut self) -> Vec<Effect> {
        if self.start.demo { vec![self.list_runs(), self.list_moments()] } else { Vec::new() }
    }

    /// There is something to show of the other cluster.
    pub(super) fn switch_view(&mut self) -> Vec<Effect> {
        let Some(Switching { name, server, .. }) = self.model.cluster.switching.take() else { return Vec::new() };
        // What was said of the cluster before is not so any more.
        self.say(Severity::Ok, format!("context {} is shown now", text::clean(&name)));
        let effects = self.leave_cluster(name);
        (self.model.cluster.server, self.model.cluster.source) = (server, self.watched());
        effects
    }

    /// Nothing that was read from the cluster before stays in view.
    pub(super) fn leave_cluster(&mut self, name: String) -> Vec<Effect> {
        let end_follow = self.end_follow();
        // So are a moment and the output of a container that are on their way.
        self.asked.moment += 1;
        self.asked.previous += 1;
        let model = &mut self.model;
        let generation = model.cluster.generation;
        model.cluster = Cluster { name: name.clone(), context: name.clone(), generation, ..Cluster::default() };
        model.run = Run::default();
        // Its count goes on, so that an answer on its way is not taken for that to the next question.
        let mut plan = std::mem::take(&mut model.deploy.plan);
        plan.clear();
        model.deploy = Deploy { plan, ..Deploy::default() };
        model.records.in_cluster = None;
        (model.what_if, model.tried) = (None, None);
        model.recipe.clear();
        model.rules.clear();
        model.diff.changes.clear();
        model.upgrade.report.clear();
        model.upgrade.basis = None;
        model.compare.changes.clear();
        model.time.past = None;
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
        let mut effects: Vec<Effect> = end_follow.into_iter().collect();
        effects.extend(self.forget_evaluated());
        self.change_cluster(&name);
        effects
    }

    /// Why nothing is asked of a cluster while another one is shown.
    pub(super) fn unable_while_switching(&self) -> Option<Unable> {
        let cluster = &self.model.cluster;
        if let Some(name) = &self.asked.context {
            return Unable::info(format!("not done: the context is being switched to {}", text::clean(name)));
        }
        let switching = cluster.switching.as_ref()?;
        let (name, shown) = (text::clean(&switching.name), text::clean(&cluster.name));
        Unable::info(match &switching.failure {
            Some(_) if matches!(switching.status, LiveStatus::Failed { .. }) => {
                format!("not done: nothing of {name} can be read, and what is shown is of {shown}")
            }
            Some(_) => format!("not done: there is no connection to {name}, and what is shown is of {shown}"),
            None => format!("not done: {name} is being read, and what is shown is of {shown} until then"),
        })
    }
}
