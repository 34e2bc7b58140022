//! `aicr validate`: hold a cluster to a recipe, with live lines and a report.

use super::{
    Outcome, Printer,
    agent_args::{self, AgentArgs, GpuArg},
    cluster,
    criteria_args::CriteriaArgs,
    dump_args::DumpArgs,
    exit::Exit,
    follow::{self, follow},
    formats::{self, Named},
    global::Global,
    input,
    live::Live,
    misuse,
    output::{self, deliver},
    printer::Stream,
    protect::YesArg,
    run_args::RunArgs,
};
use crate::{
    catalog::{Catalog, validator::Phase},
    cluster::Connection,
    inventory::Inventory,
    ops::{
        self, Failure, Kind,
        place::{self, Document, Place},
        run::{self, Prepared, RunOptions},
        snapshot,
    },
    report::{self, FORMS, Report, markdown},
    resolve::{Options, Resolution},
    snapshot::provider,
    text::count,
    validate::event::{Body, Event, Verdict},
};
use std::{
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

/// Check that a cluster is ready for a recipe, then run the recipe's checks as Jobs and report.
///
/// Live lines go to standard error. A terminal and --no-cluster get the report for people; a pipe, a file and --output get CTRF. The report is
/// written again after each check, and however the run ends. Ctrl-C ends the run, removes what it created and still reports.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
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
    /// What to write: ctrf (the default but on a terminal and with --no-cluster), text, junit, markdown, csv, sarif, or events as JSON lines while they
    /// happen.
    #[arg(short = 't', long, value_parser = formats::parser(&REPORTS))]
    format: Option<&'static ReportFormat>,
    /// List what the run would create, with which rights and for how long, and create nothing.
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    yes: YesArg,
    /// Append the report as Markdown to this file; on GitHub, "$GITHUB_STEP_SUMMARY".
    #[arg(long, value_name = "FILE")]
    step_summary: Option<PathBuf>,
    /// Write Markdown evidence into this folder: a file for each requirement that a check speaks about, and an index.
    #[arg(long, value_name = "DIR")]
    evidence_dir: Option<PathBuf>,
    /// Show every line that checks print.
    #[arg(long)]
    logs: bool,
    /// With false, failed checks do not change the exit code; a cluster that is not ready still does.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    fail_on_error: bool,
    /// Verdicts end with the codes of the reference: 2 not ready, 8 failed or no verdict, 9 canceled.
    #[arg(long, env = "AICR_COMPAT_EXIT_CODES", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    compat_exit_codes: bool,
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

const EXAMPLES: &str = "\
Examples:
  aicr validate -r recipe.yaml --plan                       list what would be created, and create nothing
  aicr validate -r recipe.yaml --phase conformance --step   stop before the phase until Enter is pressed
  aicr validate -r recipe.yaml --check dra-support --check-timeout 10m
  aicr validate -r recipe.yaml --skip-check gang-scheduling -o report.json
  aicr validate -r recipe.yaml -t junit -o report.xml --step-summary \"$GITHUB_STEP_SUMMARY\"";

/// Examples, and which checks a person can see fail in the demo.
fn after_help() -> String {
    let names: Vec<&str> = ops::fault::breakable().collect();
    let lines: Vec<String> = names.chunks(4).map(|names| format!("  {}", names.join(", "))).collect();
    format!("{EXAMPLES}\n\nChecks that --demo --fault check-fails=CHECK makes fail:\n{}", lines.join(",\n"))
}

/// What happens, as it does.
const EVENTS: &str = "events";

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

/// The first is the default but on a terminal, which gets the second.
static REPORTS: LazyLock<Vec<ReportFormat>> = LazyLock::new(|| {
    let report = |form: &report::Form| ReportFormat {
        name: form.name,
        event: |_| String::new(),
        report: form.render,
        // A ConfigMap holds documents, of which the first is one.
        stored: (form.name == FORMS[0].name).then_some(place::Format::Json),
    };
    // Events serialize: they hold texts and numbers only.
    let events = ReportFormat {
        name: EVENTS,
        event: |event| serde_json::to_string(event).unwrap_or_default() + "\n",
        report: |_| String::new(),
        stored: None,
    };
    FORMS.iter().map(report).chain([events]).collect()
});

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let phases = phases(&args.phases)?;
    args.agent.warn(printer);
    args.run.warn(printer);
    if args.snapshot.is_none() && !args.no_cluster {
        agent_args::warn_environment(printer, |name| std::env::var(name).ok());
    }
    if args.recipe.is_some() && !args.criteria.is_empty() {
        let because = "criteria choose a recipe, and --recipe gives one already";
        return Err(misuse("choose the recipe", because, "leave out --recipe or the criteria").into());
    }
    if let Some(place) = &args.output {
        let format = args.format(printer);
        if matches!(place, Place::ConfigMap { .. }) && format.stored.is_none() {
            return Err(formats::not_stored(format.name, "report", place).into());
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
        let (recipe, name, set_by) = match (recipe, &args.recipe) {
            (Some(recipe), Some(place)) => (recipe, input::named(place), Default::default()),
            _ => {
                let (resolution, name) = resolve(&catalog, &snapshot, &args.criteria)?;
                printer.note(format!("resolved {name}"));
                let set_by = resolution.constraint_layers();
                (resolution.recipe, name, set_by)
            }
        };
        let name = global.applied().map_or_else(|| name.clone(), |applied| applied.named(&name));
        let mut prepared = run::prepare(&catalog, recipe, &name, snapshot, &args.options(phases))?;
        prepared.set_by = set_by;
        if args.plan {
            if let Some(connection) = &connection {
                run::look(connection, &mut prepared).await;
            }
            let cluster = connection.as_ref().map_or("none", |connection| &connection.context);
            let lines: String = prepared.lines(cluster).iter().map(|line| format!("{line}\n")).collect();
            printer.data(&lines)?;
            return Ok(Exit::Good);
        }
        let by = global.read_only_by();
        if let Some(by) = by.filter(|_| connection.is_some() && !prepared.plan.shared.is_empty()) {
            let failure = Failure::new(Kind::Forbidden, "run checks", "read-only: no Job was created").at(at);
            let others = prepared.plan.checks.iter().filter(|check| !check.objects.is_empty());
            let others: Vec<&str> = others.map(|check| check.check.name.as_str()).collect();
            let only_reads = match prepared.options.plan.in_process {
                true => format!("`--skip-check {}` leaves out those that need more than to read", others.join(",")),
                false => "`--in-process` runs checks that only read".to_owned(),
            };
            let hint = format!("`--plan` lists what would be created; {only_reads}; or start without {by}");
            return Err(failure.hint(hint).into());
        }
        if let Some(connection) = connection.as_ref().filter(|_| !prepared.plan.shared.is_empty()) {
            args.yes.allow(&connection.context, "run checks", printer)?;
        }
        if let Some(place) = &args.output {
            args.yes.writes(place, (global, printer)).await?;
        }
        if let Some(connection) = &connection {
            run::ask_rights(connection, &mut prepared).await;
            if let Some(refused) = run::refused(&prepared) {
                return Err(refused.into());
            }
        }
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
    let format = args.format(printer);
    let place = args.output.clone().unwrap_or(Place::Standard);
    // Kept for a file, which is written whole.
    let kept = Arc::new(Mutex::new(String::new()));
    let so_far = Arc::new(Mutex::new(Report::default()));
    let mut live = Live::new(printer.clone(), Stream::Err, args.logs);
    // The printing thread may wait for the API server; the run does not wait for it.
    let (runtime, session) = (tokio::runtime::Handle::current(), cluster::session(global).ok().cloned());
    let show = {
        let (kept, so_far, lines, place) = (kept.clone(), so_far.clone(), printer.clone(), place.clone());
        let mut unwritten = false;
        move |event: &Event| {
            if let Some(line) = live.line(event) {
                lines.note(line);
            }
            match &*(format.event)(event) {
                "" => {}
                text if place == Place::Standard => lines.data(text)?,
                text => held(&kept).push_str(text),
            }
            let mut so_far = held(&so_far);
            if so_far.verdict.is_some() {
                // Given up: the report of that is in the file, and stays.
                return Ok(());
            }
            so_far.on(event);
            // Whatever happens later, what is known by now is in the file.
            if matches!(event.body, Body::Finished { .. }) && place != Place::Standard && !unwritten {
                let text = held(&kept).clone() + &(format.report)(&so_far.so_far());
                let written = match (format.stored, &session) {
                    (Some(format), Some(session)) if matches!(place, Place::ConfigMap { .. }) => {
                        // Nobody else writes it before the end, and an interrupt must not wait for the API server.
                        drop(so_far);
                        let now = cluster::now();
                        let document = Document { kind: "Report", format, text: &text, now: &now };
                        runtime.block_on(place::write(&place, &document, session))
                    }
                    _ => place::write_local(&place, &text),
                };
                if let Err(failure) = written {
                    unwritten = true;
                    lines.warn(format!("the report so far was not written: {}", failure.why()));
                }
            }
            Ok(())
        }
    };
    // Only events are printed while they happen.
    let streams = place == Place::Standard && format.name == EVENTS;
    let mut followed = match follow(connection, &prepared, printer, streams, show).await {
        Ok(followed) => followed,
        Err(stop) => {
            // Interrupted twice: the report says how far the run came.
            // Held until it is written: the thread that prints may have events left, and would write an older one over it.
            let mut report = held(&so_far);
            if !report.planned.is_empty() && report.verdict.is_none() {
                report.abandon(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0));
                match &place {
                    Place::File(_) => {
                        place::write_local(&place, &(held(&kept).clone() + &(format.report)(&report)))?;
                    }
                    Place::Standard => {
                        let (text, printer) = ((format.report)(&report), printer.clone());
                        // Whoever reads it may have stopped to.
                        follow::last_words(move || drop(printer.data(&text)));
                    }
                    _ => {}
                }
                extras(args, &report, printer)?;
            }
            return Err(stop);
        }
    };
    let text = std::mem::take(&mut *held(&kept)) + &(format.report)(&followed.report);
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
    extras(args, &followed.report, printer)?;
    let verdict = followed.report.verdict.unwrap_or(Verdict::Inconclusive);
    Ok(match verdict {
        Verdict::Failed | Verdict::Inconclusive if !args.fail_on_error => Exit::Good,
        // Nothing was to run, and nothing did.
        Verdict::Skipped if args.no_cluster => Exit::Good,
        verdict if args.compat_exit_codes => Exit::of_reference(verdict),
        verdict => verdict.into(),
    })
}

/// A panic of the other thread does not make what it held unreadable.
fn held<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Evidence and the summary of a step, where they are asked for.
fn extras(args: &Args, report: &Report, printer: &Printer) -> Result<(), Failure> {
    if let Some(folder) = &args.evidence_dir {
        let files = markdown::evidence(report);
        place::write_folder(folder, &files)?;
        printer.note(format!("wrote {} of evidence to {}", count(files.len(), "file"), folder.display()));
    }
    if let Some(path) = &args.step_summary {
        place::append_local(path, &markdown::render(report))?;
        printer.note(format!("appended the report to {}", path.display()));
    }
    Ok(())
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
pub fn resolve(
    catalog: &Catalog,
    snapshot: &Inventory,
    stated: &CriteriaArgs,
) -> Result<(Resolution, String), Failure> {
    let query = stated.query(catalog, Some(snapshot))?;
    let criteria = query.criteria();
    let resolved = ops::recipe::resolve(catalog, &query, Some(snapshot), Options::default())?;
    Ok((resolved.resolution, format!("the recipe for {criteria}")))
}

impl Args {
    fn format(&self, printer: &Printer) -> &'static ReportFormat {
        // Without a cluster nothing runs, and what readiness says is read by people and by grep alike.
        let for_people = self.output.is_none() && (printer.is_terminal() || self.no_cluster);
        self.format.unwrap_or(&REPORTS[usize::from(for_people)])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cluster::Target as Cluster,
        criteria::{Criteria, Query, StatedBy},
        ops::{
            connect::Target,
            demo::DemoOptions,
            run::{Chosen, Invocation, Step},
        },
        store::catalog_dir::Sources,
        validate::{plan::PlanOptions, reference::Validators},
    };
    use std::ffi::OsString;

    /// Words as a shell takes them.
    fn words(line: &str) -> Vec<OsString> {
        let script = format!("set -- {line}; printf '%s\\n' \"$@\"");
        let done = std::process::Command::new("sh").arg("-c").arg(script).output().expect("a shell");
        let text = String::from_utf8(done.stdout).expect("text");
        text.lines().map(OsString::from).collect()
    }

    /// What the program takes a line for.
    #[track_caller]
    fn read(line: &str) -> (Global, Box<Args>) {
        let (cli, _) = super::super::parse(super::super::command(), &words(line))
            .unwrap_or_else(|error| panic!("{line}\n{error}"));
        match cli.command {
            Some(super::super::Command::Validate(args)) => (cli.shared.global, args),
            other => panic!("{line}: {other:?}"),
        }
    }

    /// The line of a run is read as that run: the same cluster, catalog, recipe and way.
    #[track_caller]
    fn check(invocation: &Invocation, options: &RunOptions) -> String {
        let line = invocation.line(options);
        let (global, args) = read(&line);
        let asked = args.options(phases(&args.phases).expect("phases"));
        assert_eq!(format!("{asked:#?}"), format!("{options:#?}"), "{line}");
        assert_eq!(
            format!("{:#?}", global.target().expect("a cluster")),
            format!("{:#?}", invocation.target),
            "{line}"
        );
        assert_eq!(global.sources(), invocation.catalog, "{line}");
        // On a cluster that says something else.
        let catalog = Global::default().catalog().expect("the embedded catalog");
        let found =
            Criteria { service: Some("kind".into()), os: Some("ubuntu".into()), nodes: 3, ..Criteria::default() };
        let stated = &invocation.recipe.criteria;
        let expected = match stated.specificity() {
            0 => Criteria {
                profile: stated.profile.clone(),
                configuration: stated.configuration.clone(),
                ..found.clone()
            },
            _ => stated.clone(),
        };
        let query = args.criteria.on(&catalog, Query::of(found, StatedBy::Snapshot)).expect("criteria");
        assert_eq!(*query.criteria(), expected, "{line}");
        line
    }

    fn options(change: impl FnOnce(&mut RunOptions)) -> RunOptions {
        let mut options = RunOptions::default();
        change(&mut options);
        options
    }

    #[test]
    fn the_command_line_of_a_plan_is_read_as_the_same_run() {
        let demo = |options| Invocation { target: Target::Demo(options), ..Invocation::default() };
        let line = check(&demo(DemoOptions::default()), &RunOptions::default());
        assert_eq!(line, "aicr validate --demo --namespace aicr-validation");
        // Of the fleet, what failed and nothing else, with more time.
        let fleet = DemoOptions {
            fleet: true,
            faults: vec!["forbidden=get:pods/log".parse().unwrap(), "slow=200ms".parse().unwrap()],
            world: Some(Place::File("a world.yaml".into())),
            ..DemoOptions::default()
        };
        let retry = options(|run| {
            run.plan.only = vec!["dra-support".into(), "gpu-operator-health".into()];
            run.plan.timeout_seconds = Some(600);
        });
        let line = check(&demo(fleet), &retry);
        assert!(line.contains("--context fleet") && line.contains("--world 'a world.yaml'"), "{line}");
        assert!(line.ends_with("--check dra-support --check gpu-operator-health --check-timeout 600s"), "{line}");
        let phase = options(|run| run.plan.phases = vec![Phase::Performance, Phase::Deployment]);
        check(&demo(DemoOptions::default()), &phase);
    }

    #[test]
    fn the_command_line_of_a_plan_holds_everything_that_was_chosen_whatever_it_is_called() {
        let real = Cluster {
            kubeconfig: Some("my team's/kube config".into()),
            context: Some("arn:aws:eks:eu-west-1:1234:cluster/\"prod\" $(touch x) `y` !".into()),
            ..Cluster::default()
        };
        let criteria =
            Criteria { service: Some("eks".into()), accelerator: Some("h100".into()), ..Criteria::default() };
        let invocation = Invocation {
            target: Target::Cluster(real),
            catalog: Sources { catalog: Some("my catalog".into()), data: vec!["-odd".into(), "b".into()] },
            recipe: Chosen { criteria, inherit: None },
            ..Invocation::default()
        };
        let all = options(|run| {
            run.plan = PlanOptions {
                namespace: "checks".into(),
                skip: vec!["gang-scheduling".into()],
                in_process: true,
                validators: Validators::Reference { tag: "v1.2".into() },
                image: "example.org/aicr:1".into(),
                pull_secrets: vec!["one".into(), "two".into()],
                node_selector: [("pool".to_owned(), "gpu pool".to_owned())].into(),
                tolerations: vec!["*".into(), "nvidia.com/gpu=present:NoSchedule".into()],
                ..run.plan.clone()
            };
            (run.fail_fast, run.allow_unknown, run.keep, run.record) = (true, true, true, false);
            (run.step, run.patience) = (Step::Checks, Duration::from_millis(1500));
        });
        check(&invocation, &all);
        let words = words(&invocation.line(&RunOptions::default()));
        assert!(words.contains(&"my team's/kube config".into()), "{words:?}");
        // A profile or a setting alone leaves the dimensions to the cluster.
        let catalog = Global::default().catalog().expect("the embedded catalog");
        let chosen =
            ops::recipe::criteria_of_text(&catalog, "profile=gpuStack=operator-managed runtime-inventory=enabled");
        let criteria = chosen.expect("criteria").criteria().clone();
        check(
            &Invocation { recipe: Chosen { criteria, inherit: None }, ..Invocation::default() },
            &RunOptions::default(),
        );
    }

    #[test]
    fn the_command_line_of_a_plan_names_the_context_in_use_variables_and_what_is_kept() {
        let invocation = Invocation { context: "-prod".into(), ..Invocation::default() };
        let (global, _) = read(&invocation.line(&RunOptions::default()));
        assert_eq!(global.context.as_deref(), Some("-prod"));
        let pod = Invocation { context: "in-cluster".into(), ..Invocation::default() };
        let tagged = options(|run| run.plan.image_tag = Some("v 9".into()));
        assert_eq!(pod.line(&tagged), "AICR_VALIDATOR_IMAGE_TAG='v 9' aicr validate --namespace aicr-validation");
        let recipe = Chosen { inherit: Some("cluster".into()), ..Chosen::default() };
        let inherits = Invocation { context: "prod".into(), recipe, ..Invocation::default() };
        let line = inherits.line(&RunOptions::default());
        let parts: Vec<&str> = line.split(" | ").collect();
        for part in &parts {
            super::super::parse(super::super::command(), &words(part))
                .unwrap_or_else(|error| panic!("{part}\n{error}"));
        }
        assert_eq!(
            parts,
            [
                "aicr snapshot --context prod",
                "aicr recipe --context prod --snapshot - --inherit-from cluster",
                "aicr validate --context prod --recipe - --namespace aicr-validation",
            ]
        );
    }
}
