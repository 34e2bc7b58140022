//! One run on a cluster: shared objects, phases one after the other, clean-up.

use super::{
    Prepared, Request, Requests, Step,
    create::{self, Shared},
    inputs::{Arrival, Input, Inputs, Source},
    phase_run::PhaseRun,
    reporter::Reporter,
};
use crate::{
    catalog::validator::Phase,
    cluster::{
        Connection,
        active_time::{self, RunClock},
        object_watch::{Change, Observed},
        objects,
    },
    ops::cleanup,
    report::{self, Report},
    validate::{
        event::{Body, PhaseStatus, Severity, Status, Stop, Verdict, Why},
        plan::{CheckPlan, LEFT_ANNOTATION, ValidationPlan, cleanup_command},
    },
};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// For the ends of pods that a clean-up has removed, after it.
const LAST_NEWS: Duration = Duration::from_millis(500);

/// How a person steers the run: what holds from one phase to the next.
pub(super) struct Steering {
    pub(super) step: Step,
    pub(super) paused: bool,
    pub(super) canceled: bool,
    /// A person has left, with these checks whose Jobs go on.
    pub(super) left: Option<Vec<String>>,
    /// Checks that are not to start any more.
    pub(super) dropped: BTreeSet<String>,
}

impl Steering {
    pub(super) fn new(step: Step) -> Steering {
        Steering { step, paused: false, canceled: false, left: None, dropped: BTreeSet::new() }
    }

    pub(super) fn stop(&mut self, before: Stop, reporter: &mut Reporter) {
        if !self.paused {
            self.paused = true;
            reporter.report(Body::Paused { before });
        }
    }

    pub(super) fn resume(&mut self, to_end: bool, reporter: &mut Reporter) {
        if to_end {
            self.step = Step::None;
        }
        if self.paused {
            self.paused = false;
            reporter.report(Body::Resumed);
        }
    }
}

/// The reason of a check that a canceled run did not start.
pub(super) const NOT_STARTED: &str = "the run was canceled before it started";

/// Creates, runs and removes everything of a run. Where what all checks share is refused, no Job can be created, and the
/// report says what was refused.
pub(super) async fn execute(
    connection: &Connection,
    prepared: &Prepared,
    mut reporter: Reporter,
    clock: RunClock,
    mut requests: Requests,
) -> Report {
    let (plan, options) = (&prepared.plan, &prepared.options);
    let mut steering = Steering::new(options.step);
    let shared = create_shared(connection, plan, &mut reporter, &mut requests, &mut steering).await;
    if let Some(refused) = &shared.refused {
        reporter.notice(Severity::Error, refused.clone());
    }
    let (mut inputs, arrivals) = Inputs::start(connection, plan, &clock, requests);
    let mut stopped = false;
    for phase in phases(plan) {
        if steering.left.is_some() {
            break;
        }
        let checks: Vec<&CheckPlan> = plan.checks.iter().filter(|check| check.check.phase == phase).collect();
        if steering.canceled || stopped {
            for check in checks {
                match steering.canceled {
                    _ if check.decided.is_some() => reporter.decided(check),
                    true => reporter.conclude(check, Status::Other, Why::NotStarted, NOT_STARTED),
                    false => {
                        let reason = "skipped due to previous phase failure";
                        reporter.conclude(check, Status::Skipped, Why::PreviousPhaseFailed, reason);
                    }
                }
            }
            continue;
        }
        let phase_run = PhaseRun::new(connection, prepared, &shared, &clock, &arrivals);
        phase_run.run(phase, checks, &mut steering, &mut inputs, &mut reporter).await;
        if steering.left.is_some() {
            break;
        }
        let status = report::phase_status(phase, &reporter.report.results);
        reporter.report(Body::PhaseFinished { phase, status });
        stopped = options.fail_fast && matches!(status, PhaseStatus::Failed | PhaseStatus::Other);
    }
    if let Some(checks) = steering.left {
        drop(inputs);
        mark_as_left(connection, &shared, &mut reporter).await;
        return reporter.leave(checks);
    }
    clean_up(connection, prepared, &shared, &mut inputs, &mut reporter).await;
    let verdict = if steering.canceled { Verdict::Canceled } else { report::verdict(&reporter.report.results) };
    reporter.end(verdict)
}

/// Creates what all checks share, and takes what is asked meanwhile. A request under way comes to its end, because one
/// that is given up may still create its object after the clean-up.
async fn create_shared(
    connection: &Connection,
    plan: &ValidationPlan,
    reporter: &mut Reporter,
    requests: &mut Requests,
    steering: &mut Steering,
) -> Shared {
    let halted = AtomicBool::new(false);
    let mut asked_to_pause = false;
    let mut creating = Box::pin(create::shared(connection, plan, reporter, &halted));
    let shared = loop {
        tokio::select! {
            biased;
            request = requests.next() => match request {
                Request::Cancel => {
                    steering.canceled = true;
                    halted.store(true, Ordering::SeqCst);
                }
                Request::Leave if steering.canceled => {}
                Request::Leave => {
                    steering.left = Some(Vec::new());
                    halted.store(true, Ordering::SeqCst);
                }
                Request::CancelCheck(name) => drop(steering.dropped.insert(name)),
                Request::Pause => asked_to_pause = true,
                Request::Continue { .. } => asked_to_pause = false,
            },
            shared = &mut creating => break shared,
        }
    };
    drop(creating);
    if asked_to_pause {
        steering.stop(Stop::Asked, reporter);
    }
    shared
}

/// The phases of a plan, in its order.
fn phases(plan: &ValidationPlan) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    for check in &plan.checks {
        if !phases.contains(&check.check.phase) {
            phases.push(check.check.phase);
        }
    }
    phases
}

/// Says in the cluster that nobody removes what is there, nor starts another check: who follows the run waits for neither.
async fn mark_as_left(connection: &Connection, shared: &Shared, reporter: &mut Reporter) {
    if shared.owner.is_null() {
        return;
    }
    let now = reporter.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if let Err(error) = objects::annotate(connection, &shared.owner, LEFT_ANNOTATION, &now).await {
        let why = create::words(&error);
        reporter.notice(
            Severity::Warn,
            format!("failed to mark the run as left, so who follows it does not see that: {why}"),
        );
    }
}

async fn clean_up(
    connection: &Connection,
    prepared: &Prepared,
    shared: &Shared,
    inputs: &mut Inputs,
    reporter: &mut Reporter,
) {
    let (plan, options) = (&prepared.plan, &prepared.options);
    if plan.shared.is_empty() {
        return;
    }
    if options.keep {
        mark_as_left(connection, shared, reporter).await;
        let (id, namespace) = (&plan.run_id, &plan.namespace);
        let clean = cleanup_command(namespace, id);
        let text = format!("kept everything of run {id}; remove it with `{clean}`");
        return reporter.notice(Severity::Warn, text);
    }
    let removing = async {
        let mut outcome = cleanup::of_run(connection, &plan.namespace, &plan.run_id).await;
        if shared.made_namespace && !options.keep_namespace {
            outcome.left.extend(cleanup::of_namespace(connection, &plan.namespace).await);
        }
        outcome
    };
    let mut removing = Box::pin(removing);
    // How a pod ended comes with its deletion, and is told nowhere else.
    let mut outcome = loop {
        tokio::select! {
            biased;
            input = inputs.next() => see_end(input, reporter),
            outcome = &mut removing => break outcome,
        }
    };
    drop(removing);
    let rest = async {
        while !reporter.pods_have_ended() {
            see_end(inputs.next().await, reporter);
        }
    };
    // What has not come by then is not known, but that it is gone.
    let _ = active_time::timeout(LAST_NEWS, rest).await;
    reporter.pods_are_removed(&outcome.left);
    let may_be_left = outcome.unlisted.iter().filter(|unlisted| plan.lets_create(&unlisted.resource));
    let may_be_left: Vec<String> = may_be_left.map(ToString::to_string).collect();
    outcome.left.extend(may_be_left);
    reporter.report(Body::CleanedUp { removed: outcome.removed, left: outcome.left });
}

/// What becomes of a pod while the run is cleaned up; every check has its result.
fn see_end(input: Input, reporter: &mut Reporter) {
    let Input::Arrived(Observed { at, what: Arrival::Object(Source::Pods, change) }) = input else { return };
    match change {
        Change::Applied(pod) => reporter.pod(at.observed_at_ms, &pod, false, |_| false),
        Change::Deleted(pod) => reporter.pod(at.observed_at_ms, &pod, true, |_| false),
        Change::Listed { .. } | Change::Lost(_) => {}
    }
}
