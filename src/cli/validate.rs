//! `aicr validate`: hold a cluster to a recipe, with live lines and a report.

use super::{
    Outcome, Printer,
    agent_args::{self, AgentArgs, GpuArg},
    cluster,
    criteria_args::CriteriaArgs,
    dump_args::DumpArgs,
    exit::Exit,
    follow::follow,
    formats::{self, Named},
    global::Global,
    input,
    live::Live,
    misuse,
    output::{self, deliver},
    printer::Stream,
    run_args::RunArgs,
};
use crate::{
    catalog::{Catalog, validator::Phase},
    cluster::Connection,
    inventory::Inventory,
    ops::{
        self, Failure,
        place::{self, Document, Place},
        run::{self, Prepared, RunOptions},
        snapshot,
    },
    recipe::Recipe,
    report::{Report, ctrf, text},
    resolve::Options,
    snapshot::provider,
    validate::event::{Event, Verdict},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Check that a cluster is ready for a recipe, then run the recipe's checks as Jobs and report.
///
/// Live lines go to standard error. Without --output the report for people goes to standard output; with it, the CTRF
/// report goes there. Ctrl-C ends the run, removes what it created and still writes the report.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recipe: a file, `-` for standard input, cm://NAMESPACE/NAME or a URL; without one, it is
    /// resolved for the cluster and the criteria given here.
    #[arg(short, long, value_name = "PLACE")]
    recipe: Option<String>,
    #[command(flatten)]
    criteria: CriteriaArgs,
    /// A snapshot to judge readiness on, from the same places; without one, it is taken now.
    #[arg(short, long, value_name = "PLACE")]
    snapshot: Option<String>,
    /// A phase to run (repeatable, or several with commas, in the order given); without one, all.
    #[arg(long = "phase", value_enum, value_name = "PHASE", value_delimiter = ',')]
    phases: Vec<PhaseArg>,
    /// Run only this check of those that the recipe selects (repeatable).
    #[arg(long = "check", value_name = "NAME")]
    checks: Vec<String>,
    /// Where the CTRF report goes: a file, `-`, or cm://NAMESPACE/NAME.
    #[arg(short, long, value_name = "PLACE", value_parser = output::place)]
    output: Option<Place>,
    /// What to write: ctrf (the default with --output), text, or events as JSON lines while they happen.
    #[arg(short = 't', long, value_parser = formats::parser(REPORTS))]
    format: Option<&'static ReportFormat>,
    /// Show every line that checks print.
    #[arg(long)]
    logs: bool,
    /// With false, failed checks do not change the exit code; a cluster that is not ready still does.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    fail_on_error: bool,
    /// Skip the remaining phases after one that did not pass.
    #[arg(long, value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1,
          default_missing_value = "true", require_equals = true, hide_default_value = true, hide_possible_values = true)]
    fail_fast: bool,
    /// Go on where a readiness constraint cannot be evaluated.
    #[arg(long)]
    allow_unknown: bool,
    /// Touch no cluster: judge readiness on --snapshot and list the checks as skipped.
    #[arg(long, value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1,
          default_missing_value = "true", require_equals = true, hide_default_value = true, hide_possible_values = true)]
    no_cluster: bool,
    /// Leave everything that was created, for a look at it; remove it with `aicr cleanup`.
    #[arg(long, value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1,
          default_missing_value = "true", require_equals = true, hide_default_value = true, hide_possible_values = true)]
    no_cleanup: bool,
    #[command(flatten)]
    run: RunArgs,
    /// How long the snapshot may take.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = cluster::duration)]
    timeout: Duration,
    #[command(flatten)]
    gpu: GpuArg,
    #[command(flatten)]
    dumps: DumpArgs,
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

/// One form of a run: text at each event, or at the end; empty where it says nothing then.
#[derive(Debug)]
struct ReportFormat {
    name: &'static str,
    event: fn(&Event) -> String,
    report: fn(&Report) -> String,
    /// As which a ConfigMap holds it; none where it cannot.
    stored: Option<place::Format>,
}

impl Named for ReportFormat {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// The first is the default of a file, the second of standard output.
static REPORTS: &[ReportFormat] = &[
    ReportFormat { name: "ctrf", event: |_| String::new(), report: ctrf::to_json, stored: Some(place::Format::Json) },
    ReportFormat { name: "text", event: |_| String::new(), report: text::render, stored: None },
    // Events serialize: they hold texts and numbers only.
    ReportFormat {
        name: "events",
        event: |event| serde_json::to_string(event).unwrap_or_default() + "\n",
        report: |_| String::new(),
        stored: None,
    },
];

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let phases = phases(&args.phases)?;
    args.agent.warn(printer);
    if args.snapshot.is_none() && !args.no_cluster {
        agent_args::warn_environment(printer, |name| std::env::var(name).ok());
    }
    if args.recipe.is_some() && !args.criteria.is_empty() {
        let because = "criteria choose a recipe, and --recipe gives one already";
        return Err(misuse("choose the recipe", because, "leave out --recipe or the criteria").into());
    }
    if let Some(place) = &args.output {
        if matches!(place, Place::ConfigMap { .. }) && args.format().stored.is_none() {
            return Err(formats::not_stored(args.format().name, "report", place).into());
        }
        output::probe(place)?;
    }
    let dumps = args.dumps.read()?;
    if args.snapshot.is_some() && !dumps.is_empty() {
        let because = "readings of a provider belong to a snapshot that is taken now, and --snapshot gives one already";
        let hint = "leave out --snapshot, or give the file to `aicr snapshot`";
        return Err(misuse("choose the readings", because, hint).into());
    }
    let catalog = global.catalog()?;
    let recipe = args.recipe.as_deref().map(|place| input::recipe(place, global, printer)).transpose()?;
    let known = args.snapshot.as_deref().map(|place| input::snapshot(place, global)).transpose()?;
    cluster::block_on(global, async {
        let connection = if args.no_cluster { None } else { Some(cluster::connect(global).await?) };
        let snapshot = match (known, &connection) {
            (Some(snapshot), _) => snapshot,
            (None, Some(connection)) => {
                let mut taken = take(connection, args.timeout, printer).await?;
                dumps.into_iter().for_each(|dump| provider::put(&mut taken, dump));
                taken
            }
            (None, None) => {
                return Err(misuse("judge without a cluster", "missing snapshot", "add --snapshot").into());
            }
        };
        let at = connection.as_ref().map_or_else(|| args.snapshot.clone().unwrap_or_default(), Connection::at);
        args.gpu.check(&snapshot, &at)?;
        let (recipe, name) = match (recipe, &args.recipe) {
            (Some(recipe), Some(place)) => (recipe, input::named(place)),
            _ => {
                let resolved = resolve(&catalog, &snapshot, &args.criteria)?;
                printer.note(format!("resolved {}", resolved.1));
                resolved
            }
        };
        let name = global.applied().map_or_else(|| name.clone(), |applied| applied.named(&name));
        let prepared = run::prepare(&catalog, recipe, &name, snapshot, &args.options(phases))?;
        finish(args, connection.as_ref(), Arc::new(prepared), global, printer).await
    })
}

/// Runs, shows and writes.
async fn finish(
    args: &Args,
    connection: Option<&Connection>,
    prepared: Arc<Prepared>,
    global: &Global,
    printer: &Printer,
) -> Outcome {
    let format = args.format();
    let place = args.output.clone().unwrap_or(Place::Standard);
    // Kept for a file, which is written whole.
    let kept = Arc::new(Mutex::new(String::new()));
    let (keeps, is_live) = (kept.clone(), place == Place::Standard);
    let mut live = Live::new(printer.clone(), Stream::Err, args.logs);
    let lines = printer.clone();
    let show = move |event: &Event| {
        if let Some(line) = live.line(event) {
            lines.note(line);
        }
        match &*(format.event)(event) {
            "" => {}
            text if is_live => lines.data(text)?,
            text => keeps.lock().unwrap_or_else(PoisonError::into_inner).push_str(text),
        }
        Ok(())
    };
    let mut followed = follow(connection, &prepared, printer, show).await?;
    let report = (format.report)(&followed.report);
    let text = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner)) + &report;
    match (format.stored, place) {
        (Some(format), place @ Place::ConfigMap { .. }) => {
            let now = cluster::now();
            let document = Document { kind: "Report", format, text: &text, now: &now };
            place::write(&place, &document, cluster::session(global)?).await?;
            printer.note(format!("wrote {place}"));
        }
        (_, place) => {
            let printer = printer.clone();
            followed.write(move || deliver(&printer, &place, &text)).await?;
        }
    }
    let verdict = followed.report.verdict.unwrap_or(Verdict::Inconclusive);
    Ok(match verdict {
        Verdict::Failed | Verdict::Inconclusive if !args.fail_on_error => Exit::Good,
        // Nothing was to run, and nothing did.
        Verdict::Skipped if args.no_cluster => Exit::Good,
        verdict => verdict.into(),
    })
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
    fn format(&self) -> &'static ReportFormat {
        self.format.unwrap_or(if self.output.is_some() { &REPORTS[0] } else { &REPORTS[1] })
    }

    fn options(&self, phases: Vec<Phase>) -> RunOptions {
        let mut options = self.run.options();
        options.plan.phases = phases;
        options.plan.only.clone_from(&self.checks);
        let own_namespace = &self.run.namespace;
        RunOptions {
            fail_fast: self.fail_fast,
            allow_unknown: self.allow_unknown,
            keep: self.no_cleanup,
            keep_namespace: matches!(&self.output, Some(Place::ConfigMap { namespace, .. }) if namespace == own_namespace),
            ..options
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
