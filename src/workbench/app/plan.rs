//! The run of a validation: the question before it, its events, its end.

use super::State;
use crate::{
    deploy::progress::Progress,
    ops::{
        self, Failure,
        run::{Chosen, Prepared},
    },
    report::{
        plan,
        words::{Tone, Word},
    },
    validate::{
        event::{Body, Event, Status, Stop, Verdict},
        plan::CheckPlan,
    },
    workbench::{
        effect::Effect,
        keymap::Action,
        model::{Ahead, Run, Severity, What},
        overlay::{Kind, Overlay},
        panes::{CHECKS, Need, RowId},
        question::Question,
        widgets::text,
    },
};
use std::sync::Arc;

/// Until the plan is there.
const PLANNING: &str = "planning: a snapshot is taken for the run";

impl State {
    /// Asks the driver what a run would create.
    pub(super) fn ask_run(&mut self, what: What) -> Vec<Effect> {
        if self.say_unable(self.unable_to_run()) {
            return Vec::new();
        }
        let (Some(catalog), Some(recipe)) = (self.model.catalog.value.clone(), self.model.recipe.value.clone()) else {
            return Vec::new();
        };
        self.say(Severity::Info, PLANNING);
        self.asked.plan += 1;
        let chosen =
            Chosen { criteria: self.model.stated.clone().unwrap_or_default(), inherit: self.model.inherit.clone() };
        let what = What { setup: self.model.setup.clone(), recipe: chosen, ..what };
        vec![Effect::Plan { generation: self.asked.plan, catalog, recipe, what }]
    }

    pub(super) fn planned(&mut self, generation: u64, answer: Result<Arc<Prepared>, Failure>) {
        if generation != self.asked.plan {
            return;
        }
        // What it says is over.
        self.model.unsay(PLANNING);
        match answer {
            // A moment may have been opened since it was asked for.
            Ok(_) if self.say_unable(self.unable_to_begin_run()) => {}
            Ok(prepared) => {
                let context = self.model.cluster.context.clone();
                let width = usize::from(Overlay::question_width(self.desk.width));
                let whole = prepared.lines(&context);
                let lines = hanging(&whole, width);
                let number = prepared.plan.checks.iter().filter(|check| check.decided.is_none()).count();
                // A record of nothing would count as a validation.
                if number == 0 {
                    self.desk.overlay = Some(Overlay::notice("nothing to run", &lines));
                    return;
                }
                let title = format!("run {}?", text::count(number, "check"));
                self.ask_to_change(Question::Run, (&title, &lines), ["cancel", "run"], &context);
                // What is copied is for a shell and a file, which are as wide as a line is.
                if let Some(overlay) = &mut self.desk.overlay {
                    overlay.copy = overlay.copy.replace(&lines.join("\n"), &whole.join("\n"));
                }
                self.prepared = Some((prepared, context));
            }
            Err(failure) => {
                self.desk.overlay = Some(Overlay::failure(&failure));
                self.say_failure(failure);
            }
        }
    }

    pub(super) fn start_run(&mut self) -> Vec<Effect> {
        let Some((prepared, context)) = self.prepared.take() else { return Vec::new() };
        // Something else may have come into view while the question was open.
        if self.say_unable(self.unable_to_begin_run().or_else(|| self.is_for_another(&context))) {
            return Vec::new();
        }
        if let Some(refused) = ops::run::refused(&prepared) {
            self.desk.overlay = Some(Overlay::failure(&refused));
            self.say_failure(refused);
            return Vec::new();
        }
        self.model.records.replay = None;
        let end_follow = self.end_follow();
        self.model.run = Run { active: true, follows: true, started_ms: self.model.now_ms, ..Run::default() };
        self.model.run.id.clone_from(&prepared.plan.run_id);
        self.model.run.ahead = prepared.plan.checks.iter().map(ahead).collect();
        self.desk.mark(Need::Run);
        end_follow.into_iter().chain([Effect::Run(prepared)]).collect()
    }

    /// Forgets what was planned and asked, because it was about what was shown before; answers on their way are dropped.
    pub(super) fn forget_planned(&mut self) {
        self.asked.plan += 1;
        self.model.unsay(PLANNING);
        self.prepared = None;
        let deploy = &mut self.model.deploy;
        // One that is under way is not over because something else is looked at.
        if !deploy.active {
            deploy.asks = false;
            deploy.plan.clear();
            if deploy.started_ms == 0 {
                deploy.progress = Progress::default();
                deploy.notices.clear();
            }
        }
        let asks = |overlay: &Overlay| match &overlay.kind {
            Kind::Question { question, .. } | Kind::Confirm { question, .. } => {
                [Question::Run, Question::Deploy].contains(question)
            }
            _ => false,
        };
        self.desk.overlay.take_if(|overlay| asks(overlay));
        self.desk.mark(Need::Deploy);
    }

    pub(super) fn cancel_run(&mut self) -> Vec<Effect> {
        self.model.run.canceling = true;
        self.desk.mark(Need::Run);
        self.say(Severity::Warn, "canceling: Jobs end and what was created is removed");
        vec![Effect::CancelRun]
    }

    /// Puts the cursor on the check that runs, until a person moves it.
    pub(super) fn follow_run(&mut self) {
        if !self.model.run.follows {
            return;
        }
        let run = &self.model.run;
        let moving = run.checks.iter().filter(|check| check.result.is_none() && check.started_ms.is_some());
        // The one that began last; where none runs, the cursor stays where it is.
        let Some(name) = moving.max_by_key(|check| check.started_ms).map(|check| check.planned.name.clone()) else {
            return;
        };
        let row = RowId::Check(name);
        // Its rows are made before the cursor can go to one.
        self.desk.prepare(&self.model);
        if self.desk.table(&CHECKS).row().is_none_or(|selected| selected.id != row) {
            self.desk.table_mut(&CHECKS).select(&row);
            self.desk.mark(Need::Cursor(&CHECKS));
        }
    }

    /// What is said of a run that has stopped, until it goes on.
    fn paused_words(&self, before: &Stop) -> String {
        let [goes_on, cancels] = [Action::Pause, Action::Cancel].map(|action| self.desk.keys.key(action));
        let is_next = |ahead: &&Ahead| match before {
            Stop::Phase { phase } => ahead.phase == *phase,
            Stop::Check { check } => ahead.check == *check,
            Stop::Asked => false,
        };
        let (checks, objects) = self
            .model
            .run
            .ahead
            .iter()
            .filter(is_next)
            .fold((0, 0), |(checks, objects), next| (checks + 1, objects + next.objects));
        // The rows of the checks say of which kinds they are.
        let would = match (before, checks) {
            (_, 0) => String::new(),
            (Stop::Check { .. }, _) => format!(", which creates {}", text::count(objects, "object")),
            _ => format!(", {} that create {}", text::count(checks, "check"), text::count(objects, "object")),
        };
        format!("paused {before}{would}: {goes_on} goes on, {cancels} cancels")
    }

    pub(super) fn run_event(&mut self, event: Event) {
        let failed = match &event.body {
            Body::Finished { check, result } if result.status == Status::Failed => {
                Some((check.clone(), result.clone()))
            }
            _ => None,
        };
        let paused = match &event.body {
            Body::Paused { before } => Some(self.paused_words(before)),
            _ => None,
        };
        if let (Body::Resumed, Some(before)) = (&event.body, &self.model.run.paused) {
            self.model.unsay(&self.paused_words(before));
        }
        let verdict = match &event.body {
            Body::Ended { verdict } => Some(*verdict),
            _ => None,
        };
        // Output moves no check, and there may be much of it.
        let moves = !matches!(event.body, Body::Log { .. });
        let finished = match &event.body {
            Body::Finished { check, .. } => Some(check.clone()),
            _ => None,
        };
        self.model.run.fold(event);
        self.desk.mark(Need::Run);
        if moves {
            self.follow_run();
        }
        if let Some(said) = paused {
            self.say(Severity::Info, said);
        }
        self.update_quit();
        let nothing_left = if self.close_settled() { "; there is nothing left to cancel" } else { "" };
        match (failed, finished) {
            (Some((check, result)), _) => {
                let message = text::clean(result.message.lines().next().unwrap_or_default()).into_owned();
                self.say(Severity::Fail, format!("{check} failed{nothing_left}: {message}"));
            }
            (None, Some(check)) if !nothing_left.is_empty() => {
                self.say(Severity::Info, format!("{check} has ended{nothing_left}"));
            }
            _ => {}
        }
        if let Some(verdict) = verdict {
            self.model.keep_verdict();
            let word = Word::from(verdict);
            let severity = match word.tone() {
                Tone::Good => Severity::Ok,
                Tone::Bad => Severity::Fail,
                Tone::Open => Severity::Warn,
                Tone::Quiet => Severity::Info,
            };
            let more = match verdict {
                Verdict::Passed | Verdict::Canceled => String::new(),
                Verdict::NotReady => "; a readiness constraint does not hold, so no Job was created".to_owned(),
                Verdict::Failed | Verdict::Inconclusive => {
                    format!("; {} goes to the checks that did not pass", self.desk.keys.key(Action::NextThing))
                }
                Verdict::Skipped => "; nothing to check".to_owned(),
            };
            self.say(severity, format!("run ended: {word}{nothing_left}{more}"));
        }
    }

    /// A run of ours, or a deploy, has ended.
    pub(super) fn run_ended(&mut self, run_id: &str, answer: Result<(), Failure>) -> Vec<Effect> {
        let deploy = &self.model.deploy;
        if deploy.active && deploy.progress.run_id == run_id {
            let mut effects = self.deploy_ended(answer);
            effects.push(self.list_runs());
            return effects;
        }
        if run_id != self.model.run.id {
            return Vec::new();
        }
        self.model.run.active = false;
        self.model.run.canceling = false;
        self.close_settled();
        if let Err(failure) = answer {
            self.model.run.failure = Some(failure.clone());
            self.say_failure(failure);
        }
        self.desk.mark(Need::Run);
        vec![self.list_runs()]
    }

    /// Closes a question about what has ended while it was asked; whether one was closed.
    pub(super) fn close_settled(&mut self) -> bool {
        let Some(Overlay { kind: Kind::Question { question, .. }, .. }) = &self.desk.overlay else { return false };
        let (run, deploy) = (&self.model.run, &self.model.deploy);
        let is_settled = match question {
            Question::CancelRun => !run.active,
            Question::CancelCheck(name) => !run.active || run.check(name).is_none_or(|check| check.result.is_some()),
            Question::CancelDeploy => !deploy.active,
            Question::Quit | Question::Leave => !run.active && !deploy.active,
            Question::EndFollow => !self.model.follows(),
            Question::Run | Question::Deploy | Question::Overwrite | Question::WriteLog(_) => false,
        };
        if is_settled {
            self.desk.overlay = None;
        }
        is_settled
    }
}

fn ahead(check: &CheckPlan) -> Ahead {
    let (name, phase) = (check.check.name.clone(), check.check.phase);
    Ahead { check: name, phase, brief: plan::brief(check), objects: check.objects.len() }
}

/// Lines that fit a width; what is continued is indented below its beginning.
pub(super) fn hanging(lines: &[String], width: usize) -> Vec<String> {
    let mut fitted = Vec::new();
    for line in lines {
        let line = text::clean(line);
        let body = line.trim_start();
        let indent = line.len() - body.len() + if body.starts_with("! ") { 2 } else { 0 };
        if text::width(&line) <= width || width < 24 {
            fitted.push(line.into_owned());
            continue;
        }
        let deeper = indent + 2;
        let mut parts = text::wrap(body, width.saturating_sub(deeper)).into_iter();
        let lead = " ".repeat(line.len() - body.len());
        fitted.extend(parts.next().map(|part| format!("{lead}{part}")));
        fitted.extend(parts.map(|part| format!("{}{part}", " ".repeat(deeper))));
    }
    fitted
}
