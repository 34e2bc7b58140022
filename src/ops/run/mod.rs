//! Run a validation: plan, readiness, Jobs, events, report, clean-up.
//!
//! What happens is an append-only log of events (`event_log`); everything else reads it: live lines, the Validate screen,
//! reports. The `dispatcher` owns the machines of all checks and is the only writer. Watches, log followers and creations
//! stamp what they see when it arrives and send it there. Whatever happens, what the run created is removed, and what could
//! not be removed is named.

pub mod attach;
mod control;
mod create;
mod dispatcher;
mod event_log;
mod inner;
mod inputs;
mod invocation;
mod late;
pub mod live;
mod options;
pub mod past;
mod phase_run;
mod preflight;
pub mod previous;
pub mod record;
mod reporter;
mod rights;

use super::{Failure, Kind};
use crate::{
    catalog::Catalog,
    cluster::{Connection, active_time::RunClock},
    document::header::Edition,
    fingerprint,
    inventory::Inventory,
    recipe::Recipe,
    report::{Report, plan::About, words::went_on},
    resolve::hydrate,
    snapshot::format,
    text::seconds,
    validate::{
        checks::nccl_runtime,
        event::{Status, Verdict, Why},
        gpu::{self, Policy},
        input::Input,
        plan::{self, ValidationPlan},
    },
};
pub use control::{Control, Request, Requests, Step, control};
pub use event_log::{EventLog, Reader, Writer};
pub use invocation::{Chosen, Invocation};
pub use options::{IMAGE, NAMESPACE, RunOptions};
pub use preflight::look;
use reporter::Reporter;
pub use rights::{ask_rights, refused};
use std::{collections::BTreeMap, sync::Arc};

/// A validation that was planned and not started.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub plan: ValidationPlan,
    pub snapshot: Inventory,
    pub recipe: Recipe,
    /// What messages and reports call the recipe.
    pub recipe_name: String,
    pub options: RunOptions,
    /// What checks know of the recipe.
    pub input: Arc<Input>,
    /// The layer that set each readiness constraint, by the name of the constraint, where the recipe was resolved here.
    pub set_by: BTreeMap<String, String>,
    /// The command line that does the same; empty where it was given on one.
    pub command: String,
}

/// Plans a run; touches no cluster. A run id is made where the options have none.
///
/// # Errors
/// Unknown check names, values that contradict each other, documents too large for a ConfigMap.
pub fn prepare(
    catalog: &Catalog,
    recipe: Recipe,
    recipe_name: &str,
    snapshot: Inventory,
    options: &RunOptions,
) -> Result<Prepared, Failure> {
    let doing = "plan the validation";
    let policy = gpu_policy(catalog, &recipe)?;
    let mut input = Input::of(&recipe, policy);
    let validators = catalog.validators().map_err(super::recipe::catalog_failure)?;
    let text = crate::yaml::to_string(&format::to_value(&snapshot, Edition::default()));
    let mut options = options.clone();
    if options.plan.run_id.is_empty() {
        options.plan.run_id = run_id(jiff::Timestamp::now())?;
    }
    let planned = |input: &Input| {
        plan::plan(&recipe, input, &text, &validators, &options.plan).map_err(|error| {
            let hint = error.hint();
            Failure { hint, ..Failure::from_error(Kind::Usage, doing, error).at(recipe_name) }
        })
    };
    let mut plan = planned(&input)?;
    // A run without the benchmark does not need its runtime.
    if plan.checks.iter().any(|check| nccl_runtime::is_of(&check.check.name)) {
        input.nccl_runtime = nccl_runtime(catalog, &input, recipe_name)?;
        if !input.nccl_runtime.is_empty() {
            plan = planned(&input)?;
        }
    }
    // Its constraints may all hold on a cluster that it was not made for.
    let contradictions = fingerprint::of(&snapshot).contradictions(&recipe.criteria);
    plan.notices.extend(contradictions.iter().map(ToString::to_string));
    let (recipe_name, set_by) = (recipe_name.to_owned(), BTreeMap::new());
    let command = String::new();
    Ok(Prepared { plan, snapshot, recipe, recipe_name, options, input: input.into(), set_by, command })
}

/// The runtime that the recipe brings for the benchmark of NCCL; empty where it brings none.
fn nccl_runtime(catalog: &Catalog, input: &Input, recipe_name: &str) -> Result<String, Failure> {
    let refused = |why: String| {
        let doing = "read the runtime of the NCCL benchmark";
        Failure::new(Kind::Usage, doing, why).at(recipe_name)
    };
    let Some(path) = nccl_runtime::file(input).map_err(refused)? else { return Ok(String::new()) };
    let Some(text) = catalog.text(&path) else {
        return Err(refused(format!("the catalog has no `{path}`, which `{}` names", nccl_runtime::CONSTRAINT))
            .hint("give the folder that holds `validators/` as --data"));
    };
    let size = nccl_runtime::Size { workers: 2, gpus: 8 };
    match nccl_runtime::read(text, "default", size) {
        Ok(_) => Ok(text.to_owned()),
        Err(why) => Err(refused(format!("{path}: {why}"))),
    }
}

/// The GPU allocation policy that the recipe's values amount to; unspecified where the recipe has neither component.
fn gpu_policy(catalog: &Catalog, recipe: &Recipe) -> Result<Policy, Failure> {
    let component = |name: &str| recipe.components.iter().find(|known| known.name == name && known.is_enabled());
    let (driver, operator) =
        (component("nvidia-dra-driver-gpu"), component("gpu-operator").or_else(|| component("gpu-operator-ocp")));
    if driver.is_none() && operator.is_none() {
        return Ok(Policy::Unspecified);
    }
    let values = |component: Option<&crate::recipe::ComponentRef>| match component {
        Some(component) => hydrate::plain(catalog, component).map(Some),
        None => Ok(None),
    };
    let doing = "decide how the recipe hands out GPUs";
    let failed = |error| super::recipe::resolve_failure(doing, error);
    let (driver, operator) = (values(driver).map_err(failed)?, values(operator).map_err(failed)?);
    let external =
        recipe.selected_profile.as_ref().is_some_and(|selected| selected.advertiser.as_deref() == Some("external"));
    gpu::policy(driver.as_ref(), operator.as_ref(), external).map_err(|error| {
        Failure::from_error(Kind::Usage, doing, error)
            .hint("look with `aicr explain components.nvidia-dra-driver-gpu.values` and the same of gpu-operator")
    })
}

/// A run id: UTC time and 16 random hex digits.
///
/// # Errors
/// The system has no randomness to give.
pub fn run_id(now: jiff::Timestamp) -> Result<String, Failure> {
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes).map_err(|error| Failure::from_error(Kind::Internal, "make a run id", error))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{hex}", now.strftime("%Y%m%d-%H%M%S")))
}

impl Prepared {
    /// The plan for people.
    pub fn lines(&self, cluster: &str) -> Vec<String> {
        let criteria = self.recipe.criteria.to_string();
        let about = About {
            cluster,
            recipe: &self.recipe_name,
            criteria: &criteria,
            patience_seconds: self.options.patience.as_secs(),
            stops: match self.options.step {
                Step::None => "",
                Step::Phases => "before each phase, until you go on",
                Step::Checks => "before each check, until you go on",
            },
            keeps: self.options.keep,
            command: &self.command,
        };
        crate::report::plan::lines(&self.plan, &about)
    }
}

/// Judges readiness on the snapshot and reports every selected check as skipped; needs no cluster.
pub fn judge(prepared: &Prepared, log: Writer) -> Report {
    let mut reporter = Reporter::new(log, RunClock::start());
    reporter.planned(prepared, "no cluster");
    if !reporter.readiness(prepared) {
        return reporter.end(Verdict::NotReady);
    }
    for check in &prepared.plan.checks {
        match &check.decided {
            Some(_) => reporter.decided(check),
            None => reporter.conclude(
                check,
                Status::Skipped,
                Why::PlannedOnly,
                "planned only: --no-cluster does not create objects",
            ),
        }
    }
    reporter.end(Verdict::Skipped)
}

/// Runs to the end. Events are appended to `log` as they happen, `Ended` is the last one; the report holds the same.
///
/// `Request::Cancel` ends running checks at once, removes what was created, and still returns the report. Readers of the log
/// never hold up the run.
pub async fn run(connection: &Connection, prepared: &Prepared, log: Writer, requests: Requests) -> Report {
    let clock = RunClock::start();
    let mut reporter = Reporter::new(log, clock.clone());
    reporter.planned(prepared, &connection.context);
    if !reporter.readiness(prepared) {
        return reporter.end(Verdict::NotReady);
    }
    if prepared.plan.checks.iter().all(|check| check.decided.is_some()) {
        for check in &prepared.plan.checks {
            reporter.decided(check);
        }
        let verdict = crate::report::verdict(&reporter.report.results);
        return reporter.end(verdict);
    }
    dispatcher::execute(connection, prepared, reporter, clock, requests).await
}

/// What a person has to know of a run that they have left: what goes on, how to see it and how to remove it.
pub fn left_words(prepared: &Prepared, context: &str, checks: &[String]) -> Vec<String> {
    let (run, namespace) = (&prepared.plan.run_id, &prepared.plan.namespace);
    let (follow, clean) = (plan::follow_command(namespace, run), plan::cleanup_command(namespace, run));
    let goes_on = went_on(checks);
    vec![
        format!("run {run} was left in namespace {namespace} of {context}; {goes_on}"),
        format!("to see what becomes of it, until {} after the end of a Job: {follow}", seconds(plan::JOB_TTL_SECONDS)),
        format!("to remove it: {clean}"),
    ]
}

/// Why it is not known what of a run that was being left goes on.
pub fn not_waited_for(prepared: &Prepared) -> Failure {
    let (run, namespace) = (&prepared.plan.run_id, &prepared.plan.namespace);
    Failure::new(Kind::Interrupted, "leave the run", "interrupted before requests under way were answered")
        .at(format!("run {run}"))
        .hint(format!(
            "look with: {}; remove it with: {}",
            plan::follow_command(namespace, run),
            plan::cleanup_command(namespace, run)
        ))
}

/// Why a run ended without its clean-up, and how to catch up on it.
pub fn abandoned(prepared: &Prepared) -> Failure {
    let (run, namespace) = (&prepared.plan.run_id, &prepared.plan.namespace);
    Failure::new(Kind::Interrupted, "clean up", "interrupted twice")
        .at(format!("run {run}"))
        .hint(format!("remove what is left with: {}", plan::cleanup_command(namespace, run)))
}
