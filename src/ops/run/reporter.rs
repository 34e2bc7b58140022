//! Appends events to the log, and keeps the report that follows from them.

use super::{Prepared, Writer, inner};
use crate::{
    catalog::validator::Phase,
    cluster::active_time::RunClock,
    constraint::{self, Spread, Verdict as Judged},
    report::Report,
    validate::{
        event::{Body, CheckResult, PlannedCheck, ReadinessOutcome, Severity, Status, Verdict, Why},
        plan::{CHECK_LABEL, CheckPlan, Decided},
        pods::Pods,
    },
};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) struct Reporter {
    log: Writer,
    pub(super) report: Report,
    /// Notices that need no repetition.
    noticed: BTreeSet<String>,
    clock: RunClock,
    pods: Pods,
}

impl Reporter {
    pub(super) fn new(log: Writer, clock: RunClock) -> Reporter {
        Reporter { log, report: Report::default(), noticed: BTreeSet::new(), clock, pods: Pods::default() }
    }

    /// Something that was observed at a time, in milliseconds since the epoch.
    pub(super) fn observed(&mut self, at_ms: u64, body: Body) {
        trace(&body);
        let event = self.log.append(at_ms, body);
        self.report.on(&event);
    }

    /// Something that happens now.
    pub(super) fn report(&mut self, body: Body) {
        self.observed(self.clock.now().observed_at_ms, body);
    }

    /// What is new of a pod of a check that goes on. One that was told before is told to its end, whether or not its check has
    /// ended: a verdict comes before the end of the pod that it follows from.
    pub(super) fn pod(&mut self, at_ms: u64, pod: &Value, is_gone: bool, goes_on: impl Fn(&str) -> bool) {
        let made_by = inner::made_by(pod);
        let check = made_by.or(pod["metadata"]["labels"][CHECK_LABEL].as_str());
        let Some(check) = check.filter(|check| goes_on(check) || self.pods.knows(pod)).map(str::to_owned) else {
            return;
        };
        if let Some(pod) = self.pods.see(&check, pod, made_by.is_some(), is_gone) {
            self.observed(at_ms, Body::Pod { check, pod });
        }
    }

    /// Every pod that was told has had its end told.
    pub(super) fn pods_have_ended(&self) -> bool {
        self.pods.have_ended()
    }

    /// The pods of the run are gone, but for those that a clean-up left.
    pub(super) fn pods_are_removed(&mut self, left: &[String]) {
        for (check, pod) in self.pods.remove(left) {
            self.report(Body::Pod { check, pod });
        }
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        let at_ms = i64::try_from(self.clock.now().observed_at_ms).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::MAX)
    }

    pub(super) fn notice(&mut self, severity: Severity, text: String) {
        self.report(Body::Notice { severity, text });
    }

    pub(super) fn notice_once(&mut self, severity: Severity, text: String) {
        if self.noticed.insert(text.clone()) {
            self.notice(severity, text);
        }
    }

    pub(super) fn planned(&mut self, prepared: &Prepared, context: &str) {
        let plan = &prepared.plan;
        self.report(Body::Planned {
            run_id: plan.run_id.clone(),
            namespace: plan.namespace.clone(),
            context: context.to_owned(),
            recipe: prepared.recipe_name.clone(),
            criteria: prepared.recipe.criteria.to_string(),
            checks: listed(prepared),
        });
        for notice in &plan.notices {
            self.notice(Severity::Warn, notice.clone());
        }
    }

    /// Judges the recipe's constraints on the snapshot, one event each; whether the run may go on.
    pub(super) fn readiness(&mut self, prepared: &Prepared) -> bool {
        let mut ready = true;
        for constraint in &prepared.recipe.constraints {
            let judged = constraint::judge(&constraint.name, &constraint.value, &prepared.snapshot);
            let nodes = judged.nodes().map(Spread::words);
            let (found, actual, why) = match judged {
                Judged::Pass { actual, .. } => (ReadinessOutcome::Pass, Some(actual), None),
                Judged::Fail { actual, .. } => (ReadinessOutcome::Fail, Some(actual), None),
                Judged::Unknown { actual, reason, .. } => (ReadinessOutcome::Unknown, actual, Some(reason)),
            };
            let outcome = match found {
                ReadinessOutcome::Fail | ReadinessOutcome::Unknown if constraint.is_warning() => {
                    ReadinessOutcome::Warning
                }
                outcome => outcome,
            };
            ready &= match outcome {
                ReadinessOutcome::Pass | ReadinessOutcome::Warning => true,
                ReadinessOutcome::Fail => false,
                ReadinessOutcome::Unknown => prepared.options.allow_unknown,
            };
            // What the author of the recipe says to do helps only who has to do something.
            let remedy =
                Some(&constraint.remediation).filter(|text| outcome != ReadinessOutcome::Pass && !text.is_empty());
            let reason: Vec<String> = [why, nodes, remedy.cloned()].into_iter().flatten().collect();
            let reason = (!reason.is_empty()).then(|| reason.join("; "));
            let (name, expected) = (constraint.name.clone(), constraint.value.clone());
            let set_by = prepared.set_by.get(&name).cloned();
            self.report(Body::Readiness { name, expected, outcome, actual, reason, set_by });
        }
        ready
    }

    pub(super) fn end(mut self, verdict: Verdict) -> Report {
        self.report(Body::Ended { verdict });
        self.report
    }

    /// Ends the log of a run that is left with these checks whose Jobs go on.
    pub(super) fn leave(mut self, checks: Vec<String>) -> Report {
        self.report(Body::Left { checks });
        self.report
    }

    /// The result of a check that was known before the run.
    pub(super) fn decided(&mut self, check: &CheckPlan) {
        if let Some(Decided { status, why, reason }) = &check.decided {
            self.conclude(check, *status, *why, reason);
        }
    }

    /// A result without a run.
    pub(super) fn conclude(&mut self, check: &CheckPlan, status: Status, why: Why, reason: &str) {
        let at_ms = self.clock.now().observed_at_ms;
        let result = CheckResult {
            name: check.check.name.clone(),
            phase: check.check.phase,
            status,
            message: reason.to_owned(),
            exit_code: None,
            node: None,
            image: check.check.image.clone(),
            total_ms: 0,
            run_ms: 0,
            start_ms: at_ms,
            stop_ms: at_ms,
            stdout: Vec::new(),
            why: Some(why),
            way: check.check.way,
        };
        self.observed(at_ms, Body::Finished { check: check.check.name.clone(), result });
    }
}

/// The checks of a run, in each phase in the order of the recipe: a run groups them, and a person knows them as they are listed.
fn listed(prepared: &Prepared) -> Vec<PlannedCheck> {
    let mut checks: Vec<PlannedCheck> = prepared.plan.checks.iter().map(|check| check.check.clone()).collect();
    let mut phases: Vec<Phase> = checks.iter().map(|check| check.phase).collect();
    phases.dedup();
    let place = |check: &PlannedCheck| {
        let phase = phases.iter().position(|phase| *phase == check.phase);
        let spec = prepared.recipe.validation.as_ref().and_then(|validation| validation.phase(check.phase));
        let listed = spec.and_then(|spec| spec.checks.iter().position(|name| *name == check.name));
        (phase, listed.unwrap_or(usize::MAX))
    };
    checks.sort_by_key(place);
    checks
}

/// The steps of a run in the log of this program. What checks print is not repeated there.
fn trace(body: &Body) {
    match body {
        Body::Planned { run_id, namespace, context, checks, .. } => {
            tracing::info!(run_id, namespace, context, checks = checks.len(), "run started");
        }
        Body::Readiness { name, outcome, .. } => tracing::debug!(name, ?outcome, "constraint judged"),
        // Those are logged where they are made.
        Body::Deploy(_) => {}
        Body::PhaseStarted { phase } => tracing::info!(phase = phase.name(), "phase started"),
        Body::Paused { before } => tracing::info!(%before, "run paused"),
        Body::Resumed => tracing::info!("run resumed"),
        Body::State { check, state } => tracing::debug!(check, ?state, "check goes on"),
        Body::Pod { check, pod } => tracing::debug!(check, pod = pod.name, stand = pod.stand.word(), "pod changed"),
        Body::Log { .. } | Body::Measured { .. } => {}
        Body::Finished { check, result } => {
            tracing::info!(check, status = ?result.status, ms = result.total_ms, "check ended");
        }
        Body::PhaseFinished { phase, status } => tracing::info!(phase = phase.name(), ?status, "phase ended"),
        Body::Notice { severity: Severity::Info, text } => tracing::info!("{text}"),
        Body::Notice { text, .. } => tracing::warn!("{text}"),
        Body::CleanedUp { removed, left } if left.is_empty() => tracing::info!(removed, "run cleaned up"),
        Body::CleanedUp { removed, left } => tracing::warn!(removed, left = left.join(", "), "clean-up incomplete"),
        Body::Ended { verdict } => tracing::info!(?verdict, "run ended"),
        Body::Left { checks } => tracing::info!(checks = checks.join(", "), "run left, Jobs of these checks go on"),
    }
}
