//! Deploys: the plan of a bundle, the question before anything is changed, the events, the end.

use super::{State, plan::hanging};
use crate::{
    deploy::event::{Body as Deploy, Outcome, State as Release, Way},
    ops::{Failure, deploy::Prepared, run::record::Record},
    text::count,
    validate::event::{Body, Event},
    workbench::{
        deploy::Target,
        effect::Effect,
        keymap::Action,
        model::{Severity, Source},
        overlay::Overlay,
        panes::{DEPLOY, Need},
        question::Question,
        widgets::text,
    },
};
use std::{path::PathBuf, sync::Arc};

impl State {
    /// `:deploy FOLDER`, `:undeploy FOLDER`: shows what would be done; nothing is changed.
    pub(super) fn deploy_command(&mut self, folder: &str, way: Way) -> Vec<Effect> {
        self.desk.focus_on(&DEPLOY);
        if self.say_unable(self.unable_command("deploy")) {
            return Vec::new();
        }
        let target = Target { folder: PathBuf::from(folder), way, context: String::new() };
        vec![self.plan_deploy(target, false)]
    }

    /// Plans for the cluster that is connected now.
    fn plan_deploy(&mut self, target: Target, asks: bool) -> Effect {
        let target = Target { context: self.model.cluster.context.clone(), ..target };
        let deploy = &mut self.model.deploy;
        deploy.asks = asks;
        let generation = deploy.plan.ask(target.clone());
        self.desk.mark(Need::Deploy);
        Effect::PlanDeploy { generation, target }
    }

    /// Reads the bundle again that could not be read.
    pub(super) fn retry_deploy_plan(&mut self) -> Option<Effect> {
        if self.unable_while_switching().is_some() {
            return None;
        }
        let plan = &self.model.deploy.plan;
        let target = plan.asked().filter(|_| plan.failure.is_some())?.clone();
        Some(self.plan_deploy(target, false))
    }

    /// r: plans again, and asks before anything is changed.
    pub(super) fn ask_deploy(&mut self) -> Vec<Effect> {
        if self.say_unable(self.unable_to_deploy()) {
            return Vec::new();
        }
        let target = self.model.deploy.plan.asked().cloned();
        target.map_or_else(Vec::new, |target| vec![self.plan_deploy(target, true)])
    }

    pub(super) fn deploy_planned(&mut self, generation: u64, answer: Result<Arc<Prepared>, Failure>) {
        let failure = answer.as_ref().err().cloned();
        if !self.model.deploy.plan.finish(generation, answer) {
            return;
        }
        self.desk.mark(Need::Deploy);
        if let Some(failure) = failure {
            self.say_failure(failure);
            return;
        }
        let Some((target, prepared)) = self.planned_deploy() else { return };
        let context = target.cluster();
        // What was reached stays to be seen until it goes on.
        if !self.model.deploy.asks {
            self.model.deploy.show(&prepared, context);
            return;
        }
        // A file may have been opened, or a moment, since it was asked for.
        if self.say_unable(self.unable_to_deploy()) {
            return;
        }
        let width = usize::from(Overlay::question_width(self.desk.width));
        let mut lines = prepared.lines(context);
        let releases = count(prepared.plan.releases.len(), "release");
        let way = prepared.wish.options.way;
        let title = format!("{} {releases} {} {context}?", way.verb(), way.to());
        let (choices, why) = match way {
            Way::Install => (
                ["cancel", "deploy"],
                "What is there with the same content is left as it is; what an earlier run left half-way is continued.",
            ),
            Way::Remove => (
                ["cancel", "remove"],
                "Secrets, ConfigMaps and whatever else is in a namespace that goes are deleted too.",
            ),
        };
        lines.extend([String::new(), why.to_owned()]);
        self.ask_to_change(Question::Deploy, (&title, &hanging(&lines, width)), choices, context);
    }

    /// The plan, and what it is one of.
    fn planned_deploy(&self) -> Option<(Target, Arc<Prepared>)> {
        self.model.deploy.plan.answer().map(|(target, prepared)| (target.clone(), prepared.clone()))
    }

    pub(super) fn start_deploy(&mut self) -> Vec<Effect> {
        let Some((target, prepared)) = self.planned_deploy() else { return Vec::new() };
        // Something else may have come into view while the question was open.
        if self.say_unable(self.unable_to_deploy().or_else(|| self.is_for_another(&target.context))) {
            return Vec::new();
        }
        self.model.deploy.show(&prepared, target.cluster());
        self.model.deploy.active = true;
        self.model.deploy.canceling = false;
        self.desk.mark(Need::Deploy);
        self.desk.focus_on(&DEPLOY);
        vec![Effect::Deploy(prepared)]
    }

    /// x: asks before the deploy is canceled.
    pub(super) fn ask_cancel_deploy(&mut self) {
        if !self.model.deploy.active {
            self.say(Severity::Info, "no deploy is active");
            return;
        }
        let moving: Vec<&str> = self.model.deploy.moving().map(|release| &*release.planned.name).collect();
        let lines = vec![
            format!("At work: {}", if moving.is_empty() { "-".to_owned() } else { moving.join(", ") }),
            String::new(),
            "Helm is asked to end; what is installed stays. The next deploy continues from there.".to_owned(),
        ];
        let choices = ["keep going", "cancel the deploy"];
        self.desk.overlay = Some(Overlay::question(Question::CancelDeploy, "cancel the deploy?", &lines, choices));
    }

    pub(super) fn cancel_deploy(&mut self) -> Vec<Effect> {
        self.model.deploy.canceling = true;
        self.desk.mark(Need::Deploy);
        self.say(Severity::Warn, "canceling: Helm is asked to end; what is installed stays");
        vec![Effect::CancelRun]
    }

    pub(super) fn deploy_event(&mut self, event: &Event) {
        self.model.deploy.fold(event);
        self.desk.mark(Need::Deploy);
        match &event.body {
            Body::Deploy(Deploy::State { release, state: Release::Failed { reason, .. } }) => {
                self.say(Severity::Fail, format!("{release} failed: {}", text::clean(reason)));
            }
            Body::Deploy(Deploy::Ended { outcome }) => {
                let summary = self.model.deploy.progress.summary();
                let (severity, more) = match outcome {
                    Outcome::Done => (Severity::Ok, String::new()),
                    Outcome::RestartWithheld => (Severity::Warn, String::new()),
                    Outcome::Failed => (Severity::Fail, String::new()),
                    Outcome::Canceled => {
                        (Severity::Warn, format!("; {} continues from here", self.desk.keys.key(Action::Run)))
                    }
                };
                self.say(severity, format!("{summary}: {}{more}", outcome.word()));
            }
            _ => {}
        }
    }

    /// Releases and workloads are read once, not watched: what a deploy changed of them is read again.
    pub(super) fn deploy_ended(&mut self, answer: Result<(), Failure>) -> Vec<Effect> {
        self.model.deploy.active = false;
        self.model.deploy.canceling = false;
        self.close_settled();
        if let Err(failure) = answer {
            self.say_failure(failure);
        }
        self.desk.mark(Need::Deploy);
        match self.model.cluster.source {
            Source::Live | Source::Demo => vec![self.watch()],
            Source::None | Source::Saved | Source::Past => Vec::new(),
        }
    }

    /// Shows a deploy as it was recorded.
    pub(super) fn show_deploy(&mut self, record: &Record) {
        if self.model.deploy.active {
            self.say_unable(self.deploy_is_active());
            return;
        }
        self.model.deploy = crate::workbench::deploy::Deploy::default();
        record.events.iter().for_each(|event| self.model.deploy.fold(event));
        self.desk.mark(Need::Deploy);
        self.desk.focus_on(&DEPLOY);
        self.say(Severity::Info, format!("run {} as it was recorded", record.stored.name));
    }
}
