//! The run of a validation: the question before it, its events, its end.

use super::State;
use crate::{
    catalog::validator::Phase,
    ops::{Failure, run::Prepared},
    report::words::{Tone, Word},
    validate::event::{Body, Event, Status, Verdict},
    workbench::{
        effect::Effect,
        keymap::Action,
        model::{Run, Severity, Source},
        overlay::{Overlay, Question},
        panes::Need,
        widgets::text,
    },
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

impl State {
    /// r: asks the driver what a run would create.
    pub(super) fn ask_run(&mut self) -> Vec<Effect> {
        match (&self.model.catalog.value, &self.model.recipe.value, &self.model.cluster.snapshot) {
            _ if self.asked.context.is_some() => self.say(Severity::Info, "the context is being switched"),
            _ if self.model.run.active => {
                let key = self.desk.keys.key(Action::Cancel);
                self.say(Severity::Info, format!("a run is active; {key} cancels it"));
            }
            _ if self.model.cluster.source == Source::Saved => {
                let line = self.desk.keys.command("live");
                self.say(Severity::Info, format!("a saved snapshot cannot run Jobs; {line} goes back to the cluster"));
            }
            // Nobody can want the Jobs of a recipe that is not the one they asked for.
            (_, Some(_), _) if self.model.recipe.is_stale() => {
                let shown = self.model.criteria();
                let said = format!("not run: the recipe is STALE, for {shown}; the one asked for has not resolved");
                self.say(Severity::Warn, said);
            }
            (Some(catalog), Some(recipe), Some(_)) => {
                let (catalog, recipe) = (catalog.clone(), recipe.clone());
                self.say(Severity::Info, "planning: a snapshot is taken for the run");
                self.asked.plan += 1;
                return vec![Effect::Plan { generation: self.asked.plan, catalog, recipe }];
            }
            (_, None, _) => self.say(Severity::Info, "no recipe to validate yet"),
            _ => self.say(Severity::Info, "no cluster to validate yet"),
        }
        Vec::new()
    }

    pub(super) fn planned(&mut self, generation: u64, answer: Result<Arc<Prepared>, Failure>) {
        if generation != self.asked.plan {
            return;
        }
        match answer {
            Ok(prepared) => {
                let lines = plan_lines(&prepared, &self.model.cluster.name);
                let title = format!("run {}?", prepared.plan.run_id);
                self.desk.overlay = Some(Overlay::question(Question::Run, &title, &lines, ["Cancel", "Run"]));
                self.prepared = Some(prepared);
            }
            Err(failure) => {
                self.desk.overlay = Some(Overlay::failure(&failure));
                self.say_failure(failure);
            }
        }
    }

    pub(super) fn start_run(&mut self) -> Vec<Effect> {
        let Some(prepared) = self.prepared.take() else { return Vec::new() };
        self.model.run = Run { active: true, started_ms: self.model.now_ms, ..Run::default() };
        self.model.run.id.clone_from(&prepared.plan.run_id);
        self.desk.mark(Need::Run);
        vec![Effect::Run(prepared)]
    }

    /// x: asks before a run is canceled.
    pub(super) fn ask_cancel(&mut self) {
        if !self.model.run.active {
            self.say(Severity::Info, "no run is active");
            return;
        }
        let going: Vec<&str> = self
            .model
            .run
            .checks
            .iter()
            .filter(|check| check.result.is_none())
            .map(|check| check.planned.name.as_str())
            .collect();
        let lines = vec![
            format!("Run {} has not ended.", self.model.run.id),
            format!("No verdict yet: {}", if going.is_empty() { "-".to_owned() } else { going.join(", ") }),
            String::new(),
            "Canceling ends its Jobs and removes what it created; results so far stay here.".to_owned(),
        ];
        self.desk.overlay =
            Some(Overlay::question(Question::CancelRun, "cancel the run?", &lines, ["keep running", "cancel the run"]));
    }

    pub(super) fn cancel_run(&mut self) -> Vec<Effect> {
        self.model.run.canceling = true;
        self.desk.mark(Need::Run);
        self.say(Severity::Warn, "canceling: Jobs end and what was created is removed");
        vec![Effect::CancelRun]
    }

    /// Leaving while a run cleans up.
    pub(in crate::workbench) fn show_leaving(&mut self) {
        self.model.run.canceling = true;
        self.desk.mark(Need::Run);
        let lines = vec![
            format!("Run {} is canceled; what it created is being removed.", self.model.run.id),
            String::new(),
            "The workbench closes when that is done. Ctrl-C leaves at once, and says how to remove the rest."
                .to_owned(),
        ];
        self.desk.overlay = Some(Overlay::notice("cleaning up", &lines));
        self.dirty = true;
    }

    pub(super) fn run_event(&mut self, event: Event) {
        let failed = match &event.body {
            Body::Finished { check, result } if result.status == Status::Failed => {
                Some((check.clone(), result.clone()))
            }
            _ => None,
        };
        let verdict = match &event.body {
            Body::Ended { verdict } => Some(*verdict),
            _ => None,
        };
        self.model.run.fold(event);
        self.desk.mark(Need::Run);
        if let Some((check, result)) = failed {
            let message = text::clean(result.message.lines().next().unwrap_or_default()).into_owned();
            self.say(Severity::Fail, format!("{check} failed: {message}"));
        }
        if let Some(verdict) = verdict {
            let word = Word::from(verdict);
            let severity = match word.tone() {
                Tone::Good => Severity::Ok,
                Tone::Bad => Severity::Fail,
                Tone::Open | Tone::Quiet => Severity::Warn,
            };
            let more = match verdict {
                Verdict::Passed | Verdict::Canceled => String::new(),
                Verdict::NotReady => "; a readiness constraint does not hold, so no Job was created".to_owned(),
                Verdict::Failed | Verdict::Inconclusive => {
                    format!("; {} goes to the checks that did not pass", self.desk.keys.key(Action::NextThing))
                }
                Verdict::Skipped => "; nothing to check".to_owned(),
            };
            self.say(severity, format!("run ended: {word}{more}"));
        }
    }
}

/// What a run will create, as lines of the question.
fn plan_lines(prepared: &Prepared, cluster: &str) -> Vec<String> {
    let plan = &prepared.plan;
    let mut lines = vec![
        format!("On {cluster}, in namespace {}, this run creates:", plan.namespace),
        String::new(),
        "shared objects:".to_owned(),
    ];
    lines.extend(plan.shared.iter().map(|object| format!("  {}", named(object))));
    for phase in Phase::ALL {
        let checks: Vec<_> = plan.checks.iter().filter(|check| check.check.phase == phase).collect();
        if checks.is_empty() {
            continue;
        }
        lines.push(String::new());
        lines.push(format!("{} ({}):", phase.name(), text::count(checks.len(), "check")));
        for check in checks {
            let limit = text::duration(check.check.timeout_seconds * 1000);
            if let Some(why) = &check.cannot_run {
                lines.push(format!("  {}  cannot run: {why}", check.check.name));
                continue;
            }
            lines.push(format!("  {}  at most {limit}, image {}", check.check.name, check.check.image));
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            for object in &check.objects {
                *kinds.entry(object["kind"].as_str().unwrap_or("object")).or_default() += 1;
            }
            let kinds: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            lines.push(format!("    {}", kinds.join(", ")));
            lines.extend(rights(&check.objects).into_iter().map(|right| format!("    may {right}")));
        }
    }
    for notice in &plan.notices {
        lines.push(format!("! {notice}"));
    }
    lines.push(String::new());
    lines.push("Everything is removed at the end. The same from a shell:".to_owned());
    lines.push(format!("  aicr validate {}", criteria_flags(prepared)));
    lines
}

fn criteria_flags(prepared: &Prepared) -> String {
    let phases = prepared.plan.checks.iter().map(|check| check.check.phase);
    let mut names: Vec<&str> = phases.map(Phase::name).collect();
    names.dedup();
    let phases: Vec<String> = names.into_iter().map(|name| format!("--phase {name}")).collect();
    format!("--recipe recipe.yaml {} --namespace {}", phases.join(" "), prepared.plan.namespace)
}

fn named(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = object["metadata"]["namespace"].as_str().map_or(String::new(), |name| format!("{name}/"));
    format!("{} {namespace}{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// Rules of the roles, one line each: `get, list pods`.
fn rights(objects: &[Value]) -> Vec<String> {
    let list = |value: &Value| {
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let mut lines = Vec::new();
    for object in objects {
        let place = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in every namespace".to_owned(),
        };
        for rule in object["rules"].as_array().into_iter().flatten() {
            let what = if rule["nonResourceURLs"].is_array() { &rule["nonResourceURLs"] } else { &rule["resources"] };
            lines.push(format!("{} {} {place}", list(&rule["verbs"]), list(what)));
        }
    }
    lines
}
