//! `aicr validate`: hold a cluster to a recipe, with live lines and a report.

use super::{
    Outcome, Printer, Stop,
    agent_args::AgentArgs,
    cluster,
    criteria_args::CriteriaArgs,
    exit::Exit,
    global::Global,
    input,
    live::Live,
    misuse,
    output::{self, deliver},
    printer::Stream,
};
use crate::{
    catalog::{Catalog, validator::Phase},
    cluster::Connection,
    inventory::Inventory,
    ops::{
        self, Failure,
        place::{self, Document, Place},
        snapshot,
        validate::{self, Conduct, Prepared},
    },
    recipe::Recipe,
    report::{Report, ctrf, text},
    resolve::Options,
    validate::{
        event::{Event, Verdict},
        plan::PlanOptions,
    },
};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The image that is asked for when nobody names one: this program, in this version.
pub const IMAGE: &str = concat!("aicr/check:", env!("CARGO_PKG_VERSION"));

/// Where Jobs run when nobody says otherwise.
pub const NAMESPACE: &str = "aicr-validation";

/// Check that a cluster is ready for a recipe, then run the recipe's checks as Jobs and report.
///
/// Live lines go to standard error. Without --output the report for people goes to standard output; with it, the CTRF
/// report goes there. Ctrl-C ends the run, removes what it created and still writes the report.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recipe: a file, `-` for standard input, or cm://NAMESPACE/NAME; without one, it is
    /// resolved for the cluster and the criteria given here.
    #[arg(short, long, value_name = "PLACE")]
    recipe: Option<String>,
    #[command(flatten)]
    criteria: CriteriaArgs,
    /// A snapshot to judge readiness on; without one, it is taken now.
    #[arg(short, long, value_name = "PLACE")]
    snapshot: Option<String>,
    /// A phase to run (repeatable, in the order given); without one, all.
    #[arg(long = "phase", value_enum, value_name = "PHASE")]
    phases: Vec<PhaseArg>,
    /// Run only this check of those that the recipe selects (repeatable).
    #[arg(long = "check", value_name = "NAME")]
    checks: Vec<String>,
    /// Where the CTRF report goes: a file, `-`, or cm://NAMESPACE/NAME.
    #[arg(short, long, value_name = "PLACE", value_parser = output::place)]
    output: Option<Place>,
    /// What to write: ctrf (the default with --output), text, or events as JSON lines while they happen.
    #[arg(short = 't', long, value_enum)]
    format: Option<ReportFormat>,
    /// Show every line that checks print.
    #[arg(long)]
    logs: bool,
    /// With false, failed checks do not change the exit code; a cluster that is not ready still does.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    fail_on_error: bool,
    /// Skip the remaining phases after one that did not pass.
    #[arg(long)]
    fail_fast: bool,
    /// Go on where a readiness constraint cannot be evaluated.
    #[arg(long)]
    allow_unknown: bool,
    /// Touch no cluster: judge readiness on --snapshot and list the checks as skipped.
    #[arg(long, requires = "snapshot")]
    no_cluster: bool,
    /// Leave everything that was created, for a look at it; remove it with `aicr cleanup`.
    #[arg(long)]
    no_cleanup: bool,
    /// The namespace of the Jobs.
    #[arg(short, long, env = "AICR_NAMESPACE", default_value = NAMESPACE)]
    namespace: String,
    /// The image that runs the checks: this program, statically linked.
    #[arg(long, env = "AICR_VALIDATOR_IMAGE", default_value = IMAGE)]
    image: String,
    /// A secret to pull images with (repeatable).
    #[arg(long = "image-pull-secret", value_name = "NAME")]
    image_pull_secrets: Vec<String>,
    /// Nodes for the workloads of checks (repeatable).
    #[arg(long = "node-selector", value_name = "KEY=VALUE", value_parser = key_value)]
    node_selector: Vec<(String, String)>,
    /// A toleration for the workloads of checks: KEY=VALUE:EFFECT, KEY:EFFECT or * (repeatable).
    #[arg(long = "toleration", value_name = "TOLERATION")]
    tolerations: Vec<String>,
    /// How long the snapshot may take.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = cluster::duration)]
    timeout: Duration,
    /// How long a pod may be unschedulable, refused or without its image before its check is given up.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = cluster::duration)]
    patience: Duration,
    /// How long each check may take, instead of what the catalog says.
    #[arg(long, value_name = "DURATION", value_parser = cluster::duration)]
    check_timeout: Option<Duration>,
    #[command(flatten)]
    agent: AgentArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PhaseArg {
    Deployment,
    Conformance,
    Performance,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    Ctrf,
    Text,
    Events,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let phases = phases(&args.phases)?;
    args.agent.warn(printer);
    if args.recipe.is_some() && !args.criteria.stated().is_empty() {
        let because = "criteria choose a recipe, and --recipe gives one already";
        return Err(misuse("choose the recipe", because, "leave out --recipe or the criteria").into());
    }
    if let Some(place) = &args.output {
        output::probe(place)?;
    }
    let catalog = global.catalog()?;
    let recipe = args.recipe.as_deref().map(|place| input::recipe(place, global)).transpose()?;
    let known = args.snapshot.as_deref().map(|place| input::snapshot(place, global)).transpose()?;
    cluster::block_on(async {
        let connection = connect(args, global).await?;
        let snapshot = match known {
            Some(snapshot) => snapshot,
            None => take(&connection, args.timeout, printer).await?,
        };
        let (recipe, name) = match (recipe, &args.recipe) {
            (Some(recipe), Some(place)) => (recipe, place.clone()),
            _ => {
                let resolved = resolve(&catalog, &snapshot, &args.criteria)?;
                printer.note(format!("resolved {}", resolved.1));
                resolved
            }
        };
        let options = args.plan_options(phases)?;
        let prepared = validate::prepare(&catalog, recipe, &name, snapshot, &options, args.conduct())?;
        finish(args, &connection, &prepared, printer).await
    })
}

/// Runs, shows and writes.
async fn finish(args: &Args, connection: &Connection, prepared: &Prepared, printer: &Printer) -> Outcome {
    let format = args.format.unwrap_or(if args.output.is_some() { ReportFormat::Ctrf } else { ReportFormat::Text });
    let mut live = Live::new(printer, Stream::Err, args.logs);
    let report = follow(connection, prepared, printer, |event| {
        if let Some(line) = live.line(event) {
            printer.note(line);
        }
        match format {
            // Events serialize: they hold texts and numbers only.
            ReportFormat::Events => printer.data(&format!("{}\n", serde_json::to_string(event).unwrap_or_default())),
            ReportFormat::Ctrf | ReportFormat::Text => Ok(()),
        }
    })
    .await?;
    let place = args.output.clone().unwrap_or(Place::Standard);
    match (format, &place) {
        (ReportFormat::Events, _) => {}
        (ReportFormat::Text, place) => deliver(printer, place, &text::render(&report))?,
        (ReportFormat::Ctrf, Place::ConfigMap { .. }) => {
            let (text, now) = (ctrf::to_json(&report), cluster::now());
            let document = Document { kind: "Report", format: place::Format::Json, text: &text, now: &now };
            place::write(&place, &document, async || Ok(connection.clone())).await?;
            printer.note(format!("wrote {place}"));
        }
        (ReportFormat::Ctrf, place) => deliver(printer, place, &ctrf::to_json(&report))?,
    }
    let verdict = report.verdict.unwrap_or(Verdict::Inconclusive);
    Ok(match verdict {
        Verdict::Failed | Verdict::Inconclusive if !args.fail_on_error => Exit::Good,
        // Nothing was to run, and nothing did.
        Verdict::Skipped if args.no_cluster => Exit::Good,
        verdict => verdict.into(),
    })
}

/// Runs a prepared validation until it ends or is interrupted; `show` sees every event.
///
/// When `show` fails, the run is cancelled and cleaned up, and its failure is returned.
///
/// # Errors
/// As `ops::validate::run` and `show`; a second interrupt.
pub async fn follow(
    connection: &Connection,
    prepared: &Prepared,
    printer: &Printer,
    mut show: impl FnMut(&Event) -> Result<(), Stop>,
) -> Result<Report, Stop> {
    let (sender, mut receiver) = mpsc::channel::<Event>(1024);
    let (cancel, cancelled) = watch::channel(false);
    let reading = async {
        let mut shown = Ok(());
        while let Some(event) = receiver.recv().await {
            if shown.is_ok() {
                shown = show(&event);
                if shown.is_err() {
                    cancel.send_replace(true);
                }
            }
        }
        shown
    };
    let work = async { tokio::join!(validate::run(connection, prepared, sender, cancelled), reading) };
    tokio::pin!(work);
    let mut interrupts = cluster::Interrupts::new()?;
    loop {
        tokio::select! {
            (report, shown) = &mut work => {
                let report = report?;
                shown?;
                return Ok(report);
            }
            () = interrupts.next() => {
                if *cancel.borrow() {
                    return Err(left_behind(prepared).into());
                }
                printer.warn("interrupted: removing what was created; once more to stop at once");
                cancel.send_replace(true);
            }
        }
    }
}

/// A second interrupt: nothing more is done, so a person has to know what is there.
fn left_behind(prepared: &Prepared) -> Failure {
    let (run, namespace) = (&prepared.plan.run_id, &prepared.plan.namespace);
    Failure::new(ops::Kind::Interrupted, "clean up", "interrupted twice")
        .at(format!("run {run}"))
        .hint(format!("remove what is left with: aicr cleanup --namespace {namespace} --run-id {run}"))
}

async fn connect(args: &Args, global: &Global) -> Result<Connection, Failure> {
    if args.no_cluster {
        // The run asks for a connection and, planned without a cluster, sends nothing through it.
        let nowhere = cluster::connect(&Global { demo: true, ..Global::default() }).await?;
        return Ok(Connection { context: "no cluster".to_owned(), server: String::new(), ..nowhere });
    }
    cluster::connect(global).await
}

/// A snapshot of the cluster, now.
///
/// # Errors
/// As `ops::snapshot::take`; `Timeout`.
pub async fn take(connection: &Connection, limit: Duration, printer: &Printer) -> Result<Inventory, Failure> {
    let now = cluster::now();
    let taking = snapshot::take(connection, &now);
    let taken = cluster::within(Some(limit), ("read the cluster", &connection.at()), taking).await?;
    for gap in super::snapshot::gaps(&taken) {
        printer.warn(gap);
    }
    Ok(taken)
}

/// The recipe for what a snapshot shows and a person states, and what to call it.
///
/// # Errors
/// A criterion that nobody knows; why there is no recipe.
pub fn resolve(catalog: &Catalog, snapshot: &Inventory, stated: &CriteriaArgs) -> Result<(Recipe, String), Failure> {
    let query = stated.query(catalog, Some(snapshot))?;
    let criteria = query.criteria();
    let resolved = ops::recipe::resolve(catalog, &query, Some(snapshot), Options::default())?;
    Ok((resolved.resolution.recipe, format!("the recipe for {criteria}")))
}

impl Args {
    fn plan_options(&self, phases: Vec<Phase>) -> Result<PlanOptions, Failure> {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(PlanOptions {
            run_id: validate::run_id(jiff::Timestamp::now())?,
            namespace: self.namespace.clone(),
            phases,
            only: self.checks.clone(),
            image: self.image.clone(),
            image_tag: env("AICR_VALIDATOR_IMAGE_TAG"),
            image_registry: env("AICR_VALIDATOR_IMAGE_REGISTRY"),
            pull_secrets: self.image_pull_secrets.clone(),
            timeout_seconds: self.check_timeout.map(|limit| limit.as_secs().max(1)),
            node_selector: self.node_selector.iter().cloned().collect(),
            tolerations: self.tolerations.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("AICR_COMMIT").map(str::to_owned),
        })
    }

    fn conduct(&self) -> Conduct {
        Conduct {
            fail_fast: self.fail_fast,
            allow_unknown: self.allow_unknown,
            no_cluster: self.no_cluster,
            keep: self.no_cleanup,
            keep_namespace: matches!(&self.output, Some(Place::ConfigMap { namespace, .. }) if *namespace == self.namespace),
            patience: self.patience,
        }
    }
}

/// The phases in the order given; empty for all.
fn phases(asked: &[PhaseArg]) -> Result<Vec<Phase>, Failure> {
    if asked.contains(&PhaseArg::All) && asked.len() > 1 {
        let because = "--phase all cannot be combined with other phases";
        return Err(misuse("choose the phases", because, "leave out --phase to run all"));
    }
    Ok(asked
        .iter()
        .filter_map(|phase| match phase {
            PhaseArg::Deployment => Some(Phase::Deployment),
            PhaseArg::Conformance => Some(Phase::Conformance),
            PhaseArg::Performance => Some(Phase::Performance),
            PhaseArg::All => None,
        })
        .collect())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}
