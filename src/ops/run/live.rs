//! Evaluates the checks that only read over the caller's own connection: the code, the limits and the verdicts of a run with
//! `--in-process`, without readiness and without anything else that a run does. Nothing is created.
//!
//! In: a recipe, or none for every check of the catalog. Out: the events of the checks, as of a run.

use super::{
    Prepared, RunOptions, Step, Writer, control, create::Shared, dispatcher::Steering, inputs::Inputs,
    phase_run::PhaseRun, prepare, reporter::Reporter,
};
use crate::{
    catalog::{
        Catalog,
        validator::{Phase, Validator},
    },
    cluster::{Connection, active_time::RunClock},
    inventory::Inventory,
    ops::Failure,
    recipe::{PhaseSpec, Recipe, Validation},
    report::{self, Report},
    validate::{
        event::{PlannedCheck, Way},
        plan::{CheckPlan, PlanOptions},
        reference::Validators,
    },
};
use std::time::Duration;

/// Between two evaluations, at least.
pub const PAUSE: Duration = Duration::from_secs(300);
/// An evaluation may take this part of the time: on a large cluster it costs more, and comes less often.
const PART: u32 = 200;
/// And no longer than this: a check that waits takes long without any cost, and is the one that somebody looks at.
const LONGEST: Duration = Duration::from_secs(1200);

/// Checks that can be evaluated without a Job.
#[derive(Clone, Debug)]
pub struct Live {
    prepared: Prepared,
    /// The other checks that were asked for: they create something, or run from an image of somebody else.
    pub others: Vec<String>,
}

/// Which checks of a recipe can be evaluated without a Job; without a recipe, which of the catalog.
///
/// # Errors
/// Checks that the recipe should not name.
pub fn checks(catalog: &Catalog, recipe: Option<&Recipe>, options: &RunOptions) -> Result<Live, Failure> {
    let recipe = match recipe {
        Some(recipe) => recipe.clone(),
        None => everything(&catalog.validators().map_err(crate::ops::recipe::catalog_failure)?),
    };
    let plan = PlanOptions {
        run_id: "live".to_owned(),
        in_process: true,
        validators: Validators::Own,
        phases: Vec::new(),
        only: Vec::new(),
        // What runs leave out is looked at all the same.
        skip: Vec::new(),
        ..options.plan.clone()
    };
    let options = RunOptions { plan, step: Step::None, record: false, ..options.clone() };
    // Without a pod, nobody reads the snapshot.
    let mut prepared = prepare(catalog, recipe, "", Inventory::default(), &options)?;
    let (here, others): (Vec<CheckPlan>, Vec<CheckPlan>) =
        prepared.plan.checks.into_iter().partition(|check| check.check.way == Way::InProcess);
    (prepared.plan.checks, prepared.plan.shared) = (here, Vec::new());
    Ok(Live { prepared, others: others.into_iter().map(|check| check.check.name).collect() })
}

/// A recipe that selects every check and deploys nothing.
fn everything(validators: &[Validator]) -> Recipe {
    let spec = |phase: Phase| {
        let of_phase = validators.iter().filter(|validator| validator.phase == phase);
        let checks = of_phase.map(|validator| validator.name.clone()).collect();
        Some(PhaseSpec { checks, ..PhaseSpec::default() })
    };
    let [deployment, conformance, performance] = [Phase::Deployment, Phase::Conformance, Phase::Performance].map(spec);
    let validation = Validation { readiness: None, deployment, performance, conformance };
    Recipe { validation: Some(validation), ..Recipe::default() }
}

impl Live {
    pub fn planned(&self) -> impl Iterator<Item = &PlannedCheck> {
        self.prepared.plan.checks.iter().map(|check| &check.check)
    }
}

/// Evaluates each check once, all phases together: one that waits holds up no other, as far as few run at the same time.
pub async fn evaluate(connection: &Connection, live: &Live, log: Writer) -> Report {
    let prepared = &live.prepared;
    let (clock, shared) = (RunClock::start(), Shared::default());
    let mut reporter = Reporter::new(log, clock.clone());
    reporter.planned(prepared, &connection.context);
    // Whoever does not want it any more drops it: what only reads leaves nothing behind.
    let (_control, requests) = control();
    let (mut inputs, arrivals) = Inputs::start(connection, &prepared.plan, &clock, requests);
    let mut steering = Steering::new(Step::None);
    let checks: Vec<&CheckPlan> = prepared.plan.checks.iter().collect();
    let phase = checks.first().map_or(Phase::Deployment, |check| check.check.phase);
    let together = PhaseRun::new(connection, prepared, &shared, &clock, &arrivals);
    together.run(phase, checks, &mut steering, &mut inputs, &mut reporter).await;
    let verdict = report::verdict(&reporter.report.results);
    reporter.end(verdict)
}

/// How long to wait after an evaluation that took so long.
pub fn pause(took: Duration) -> Duration {
    took.saturating_mul(PART).clamp(PAUSE, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_longer_is_evaluated_less_often() {
        assert_eq!(pause(Duration::from_millis(300)), PAUSE);
        assert_eq!(pause(Duration::from_secs(3)), Duration::from_secs(600));
        assert_eq!(pause(Duration::from_secs(120)), LONGEST);
    }
}
