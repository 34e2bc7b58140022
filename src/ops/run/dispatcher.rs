//! One run on a cluster: shared objects, phases one after the other, clean-up.

use super::{
    Prepared, Request, Requests,
    create::{self, Shared},
    inputs::Inputs,
    phase_run::PhaseRun,
    reporter::Reporter,
};
use crate::{
    catalog::validator::Phase,
    cluster::{ClusterError, Connection, active_time::RunClock},
    ops::{Failure, cleanup},
    report::{self, Report},
    validate::{
        event::{Body, PhaseStatus, Severity, Status, Verdict},
        plan::{CheckPlan, ValidationPlan},
    },
};
use std::sync::atomic::{AtomicBool, Ordering};

/// The reason of a check that a canceled run did not start.
pub(super) const NOT_STARTED: &str = "the run was canceled before it started";

/// Creates, runs and removes everything of a run.
///
/// # Errors
/// The shared objects cannot be created; what was created until then is removed.
pub(super) async fn execute(
    connection: &Connection,
    prepared: &Prepared,
    mut reporter: Reporter,
    clock: RunClock,
    mut requests: Requests,
) -> Result<Report, Failure> {
    let (plan, options) = (&prepared.plan, &prepared.options);
    let (shared, mut canceled) = match create_shared(connection, plan, &mut reporter, &mut requests).await {
        Ok(created) => created,
        Err(error) => {
            let outcome = cleanup::of_run(connection, &plan.namespace, &plan.run_id).await;
            reporter.report(Body::CleanedUp { removed: outcome.removed, left: outcome.left });
            reporter.end(Verdict::Inconclusive);
            return Err(error.into());
        }
    };
    let (mut inputs, arrivals) = Inputs::start(connection, plan, &clock, requests);
    let mut stopped = false;
    for phase in phases(plan) {
        let checks: Vec<&CheckPlan> = plan.checks.iter().filter(|check| check.check.phase == phase).collect();
        if canceled || stopped {
            for check in checks {
                match canceled {
                    true => reporter.conclude(check, Status::Other, NOT_STARTED),
                    false => reporter.skip(check, "skipped due to previous phase failure"),
                }
            }
            continue;
        }
        reporter.report(Body::PhaseStarted { phase });
        let phase_run = PhaseRun::new(connection, prepared, &shared.owner, &clock, &arrivals);
        canceled = phase_run.run(checks, &mut inputs, &mut reporter).await;
        let status = report::phase_status(phase, &reporter.report.results);
        reporter.report(Body::PhaseFinished { phase, status });
        stopped = options.fail_fast && matches!(status, PhaseStatus::Failed | PhaseStatus::Other);
    }
    drop(inputs);
    clean_up(connection, prepared, &shared, &mut reporter).await;
    let verdict = if canceled { Verdict::Canceled } else { report::verdict(&reporter.report.results) };
    Ok(reporter.end(verdict))
}

/// Creates what all checks share; whether the run was canceled meanwhile. A request under way comes to its end, because one
/// that is given up may still create its object after the clean-up.
async fn create_shared(
    connection: &Connection,
    plan: &ValidationPlan,
    reporter: &mut Reporter,
    requests: &mut Requests,
) -> Result<(Shared, bool), ClusterError> {
    let halted = AtomicBool::new(false);
    let creating = create::shared(connection, plan, reporter, &halted);
    tokio::pin!(creating);
    loop {
        tokio::select! {
            biased;
            request = requests.next() => match request {
                Request::Cancel => halted.store(true, Ordering::Relaxed),
            },
            created = &mut creating => return Ok((created?, halted.load(Ordering::Relaxed))),
        }
    }
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

async fn clean_up(connection: &Connection, prepared: &Prepared, shared: &Shared, reporter: &mut Reporter) {
    let (plan, options) = (&prepared.plan, &prepared.options);
    if options.keep {
        let text =
            format!("kept everything of run {}; remove it with `aicr cleanup --run-id {}`", plan.run_id, plan.run_id);
        return reporter.notice(Severity::Warn, text);
    }
    let mut outcome = cleanup::of_run(connection, &plan.namespace, &plan.run_id).await;
    if shared.made_namespace && !options.keep_namespace {
        outcome.left.extend(cleanup::of_namespace(connection, &plan.namespace).await);
    }
    reporter.report(Body::CleanedUp { removed: outcome.removed, left: outcome.left });
}
