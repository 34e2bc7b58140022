//! `aicr diff`: what changed between two snapshots, or differs between recipes, or between a recipe and a cluster.

use super::{
    Outcome, Printer, cluster, diff_markdown, drift,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    input::{self, Document},
    misuse, output,
    printer::Role,
    protect::YesArg,
    runs,
    table::{self, Table},
};
use crate::{
    catalog::Catalog,
    diff::{
        Change, ChangeKind,
        effects::{self, Effect},
        noise::{self, Shown as Noise},
        observed::Contents,
        patch::{self, Operation},
        severity::Severity,
        shapes::{self, ByShape},
    },
    document::{header::Edition, side::Side},
    inventory::Inventory,
    ops::{
        self, Failure, Kind,
        diff::{self, Comparison, Rules, Running},
        place::Place,
        run::record,
    },
    recipe::{Recipe, format::json_text},
    report::{compare::Became, escape},
    resolve::Options,
    text::{count, listed},
    yaml,
};
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::Value;
use std::sync::Arc;

/// Compare snapshots, recipes, or a recipe with what a cluster runs.
///
/// Two recorded runs (`aicr runs list`) are compared check by check. Else each side is a snapshot, a recipe, criteria (service=kind,accelerator=a100: the recipe that they resolve to), or the word
/// `cluster`: a snapshot of it as it is now.
///
/// Two snapshots are compared reading by reading, the worst first: what breaks a constraint (of `--recipe`), then what is missing or
/// not ready. Readings that change on an idle machine are left out and counted by rule; --noise shows those of one rule, --all
/// shows all. With --live the second side is the cluster, and --watch prints every change as it comes. Two recipes are compared value by value, and every difference names the layers or lines that caused it. A
/// recipe and a snapshot are compared in what the snapshot shows of it: chart, version and namespace of every component by
/// Helm releases and workloads, and each constraint; what could not be compared is listed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  aicr diff before.yaml after.yaml\n  aicr diff --baseline before.yaml --target after.yaml --fail-on-drift\n  \
                        aicr diff --baseline service=kind,accelerator=a100 --target service=eks,accelerator=h100\n  \
                        aicr diff --baseline recipe.yaml --target cluster --values -t table\n  aicr diff recipe.yaml edited.yaml -t json-patch -o patch.json\n  \
                        aicr diff @-1 @ --recipe service=eks,accelerator=h100 --by shape -t table\n  \
                        aicr diff --live @friday --watch"
)]
pub struct Args {
    /// What to compare from: a file, `-`, cm://NAMESPACE/NAME, a URL, criteria, or `cluster`.
    #[arg(value_name = "BASELINE")]
    left: Option<String>,
    /// What to compare to, likewise.
    #[arg(value_name = "TARGET")]
    right: Option<String>,
    /// BASELINE as a flag.
    #[arg(short, long, value_name = "PLACE", conflicts_with = "left")]
    baseline: Option<String>,
    /// TARGET as a flag.
    #[arg(long, value_name = "PLACE", conflicts_with = "right")]
    target: Option<String>,
    /// With a recipe and `cluster`: compare the values of Helm releases too, read from the content of their secrets (which
    /// may hold passwords: a value whose name says so is not shown).
    #[arg(long)]
    values: bool,
    /// The second side is the cluster as it is now; the same as the word `cluster`.
    #[arg(long, conflicts_with_all = ["right", "target"])]
    live: bool,
    /// Go on until interrupted, and print what begins and ends to differ as the cluster changes.
    #[arg(long, requires = "live", conflicts_with_all = ["values", "compat", "output"])]
    watch: bool,
    /// For two snapshots: a recipe (or criteria) whose constraints grade the changes.
    #[arg(long, value_name = "PLACE")]
    recipe: Option<String>,
    /// How a table lists changes of nodes: each reading, or once for all nodes of a shape that changed alike.
    #[arg(long, value_name = "HOW", default_value = "reading", value_parser = ["reading", "shape"])]
    by: String,
    /// Exit with 1 when anything differs.
    #[arg(long)]
    fail_on_drift: bool,
    /// Drift ends with 2, the code of the reference.
    #[arg(long, env = "AICR_COMPAT_EXIT_CODES", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    compat_exit_codes: bool,
    /// Show readings that change by themselves as well.
    #[arg(long)]
    all: bool,
    /// Show those that one of the rules hides (repeatable).
    #[arg(long, value_name = "RULE", value_parser = noise_rules())]
    noise: Vec<String>,
    /// Compare snapshots as the reference does: no reading is noise, and nodes are label entries.
    #[arg(long)]
    compat: bool,
    /// Where to write: a file, `-` for standard output, or cm://NAMESPACE/NAME.
    #[arg(short, long, value_name = "PLACE", default_value = "-", value_parser = output::place)]
    output: Place,
    #[command(flatten)]
    yes: YesArg,
    /// In which form; the default goes by the file's name, else it is YAML.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS))]
    format: Option<&'static Format<Shown>>,
}

impl Args {
    /// The name of the form that was asked for.
    pub(super) fn form(&self) -> Option<&'static str> {
        self.format.map(|format| format.name)
    }
}

/// The rules on noise as values of clap.
fn noise_rules() -> PossibleValuesParser {
    PossibleValuesParser::new(noise::RULES.iter().map(|rule| PossibleValue::new(rule.name).help(rule.why)))
}

/// A comparison, and how it is shown.
pub(super) struct Shown {
    pub(super) comparison: Comparison,
    pub(super) noise: Noise,
    /// Changes that nodes of one shape share are one row.
    by_shape: Option<Vec<ByShape>>,
}

/// What turns one document into the other; that is of documents as they are, and of nothing else.
static PATCH: Format<[Operation]> = Format::plain("json-patch", "", |operations, _| {
    Ok(json_text(&Value::Array(operations.iter().map(Operation::to_value).collect())))
});

static FORMATS: &[Format<Shown>] = &[
    Format::plain("yaml", "", |shown, _| Ok(yaml::to_string(&shown.comparison.to_value(&shown.noise)))),
    Format::plain("json", "", |shown, _| Ok(json_text(&shown.comparison.to_value(&shown.noise)))),
    Format::plain("table", "For reading; no program should parse it", |shown, _| Ok(page(shown))),
    Format {
        suffix: "md",
        ..Format::plain("markdown", "For a review or a ticket, by cause", |shown, _| Ok(diff_markdown::render(shown)))
    },
    Format {
        suffix: "",
        ..Format::plain(
            "json-patch",
            "The operations (RFC 6902) that turn the document BASELINE into TARGET, noise included",
            |shown, _| Err(no_document(&shown.comparison.left)),
        )
    },
    Format { about: "The changes, for spreadsheets", ..Format::csv(|shown, _| Ok(spreadsheet(shown))) },
];

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    if args.form() == Some(PATCH.name) {
        return patch(args, global, printer);
    }
    if let Ok((left, right)) = args.sides()
        && record::are_names(left, right)
    {
        return runs_of(args, (left, right), global, printer);
    }
    if args.watch {
        return drift::watch(args, global, printer);
    }
    let (comparison, by_shape) = compare(args, global, printer)?;
    let noise = args.shown_noise();
    let shown = Shown { comparison, noise, by_shape };
    let format = formats::choose(args.format, FORMATS, &args.output);
    format.send(&shown, "Diff", (&args.output, &args.yes), (global, printer))?;
    let Shown { comparison, noise, .. } = shown;
    let changes = comparison.shown(&noise).count();
    let hidden = comparison.changes.len() - changes;
    let counted = count(changes, "change");
    let line = match hidden {
        0 => counted,
        hidden => {
            let rules = noise::in_words(&comparison.hidden(&noise));
            format!("{counted}, {hidden} hidden that come by themselves ({rules}; --noise RULE or --all shows them)")
        }
    };
    printer.note(printer.paint_note(Role::Quiet, &line));
    for broken in &comparison.broken {
        printer.warn(format!("a constraint no longer holds: {}", escape::line(&broken.words())));
    }
    for note in &comparison.notes {
        printer.note(printer.paint_note(Role::Quiet, &format!("not compared: {}", escape::line(note))));
    }
    Ok(args.exit(changes > 0))
}

/// A document as whoever applies a patch has it.
struct Whole {
    /// What it is a document of.
    what: &'static str,
    text: String,
    value: Value,
}

/// What turns the document on the left into the one on the right.
fn patch(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let doing = "make a patch";
    let (baseline, target) = args.sides()?;
    if record::are_names(baseline, target) {
        return Err(misuse(doing, "recorded runs are compared check by check", "leave out -t json-patch").into());
    }
    if args.watch || args.values || args.compat || args.recipe.is_some() {
        let because =
            "a patch is of two documents as they are, and nothing in it is graded, left out or read from a cluster";
        return Err(misuse(doing, because, "leave out --watch, --values, --compat and --recipe").into());
    }
    if baseline == "-" && target == "-" {
        return Err(both_are_input().into());
    }
    let (left, right) = (whole(baseline, global)?, whole(target, global)?);
    if left.what != right.what {
        let because =
            format!("one side is a {}, the other a {}: no patch turns one into the other", left.what, right.what);
        return Err(misuse(doing, &because, "give two recipes or two snapshots").into());
    }
    let operations = patch::between(&left.value, &right.value);
    PATCH.deliver(&operations[..], &patched_to(&args.output)?, printer)?;
    printer.note(printer.paint_note(Role::Quiet, &count(operations.len(), "operation")));
    if operations.is_empty() && left.text != right.text {
        let said = "the files differ only in what a patch cannot express: comments, the order of keys, or how values are written";
        printer.warn(said.to_owned());
    }
    Ok(args.exit(!operations.is_empty()))
}

/// A patch is no document that a ConfigMap has.
fn patched_to(place: &Place) -> Result<Place, Failure> {
    match place {
        Place::ConfigMap { .. } => Err(formats::not_stored(PATCH.name, "patch", place)),
        place => Ok(place.clone()),
    }
}

fn no_document(name: &str) -> Failure {
    misuse("make a patch", &format!("`{name}` is not a document"), "give two recipes or two snapshots")
}

/// The document of one side: a file as it is written, else as this program would write it.
fn whole(text: &str, global: &Global) -> Result<Whole, Failure> {
    let unread =
        |error: yaml::YamlError| Failure::from_error(Kind::Usage, "read the document", error).at(input::shown(text));
    let read = |what: &'static str, text: String| {
        let value = yaml::parse(&text).map_err(unread)?.to_value();
        Ok(Whole { what, text, value })
    };
    if text == LIVE {
        let snapshot = cluster::block_on(global, async {
            let connection = cluster::connect(global).await?;
            ops::snapshot::take(&connection, &cluster::now()).await
        })?;
        return read("snapshot", ops::snapshot::text(&snapshot, ops::snapshot::Format::Json, Edition::default()));
    }
    if ops::recipe::is_criteria_text(text) {
        let catalog = global.catalog()?;
        let query = ops::recipe::criteria_of_text(&catalog, text)?;
        let recipe = ops::recipe::resolve(&catalog, &query, None, Options::default())?.resolution.recipe;
        return read("recipe", ops::recipe::text(&recipe, ops::snapshot::Format::Json, Edition::default())?);
    }
    let written = input::text("document", text, global)?;
    let what = match input::recognized(&written, text)? {
        Document::Snapshot(_) => "snapshot",
        Document::Recipe(_) => "recipe",
    };
    read(what, written)
}

/// Two recorded runs, check by check.
fn runs_of(args: &Args, (left, right): (&str, &str), global: &Global, printer: &Printer) -> Outcome {
    let compared = runs::compare(left, right, global)?;
    let wanted = args.format.map_or("table", |format| format.name);
    let format = runs::COMPARISONS.iter().find(|format| format.name == wanted).unwrap_or(&runs::COMPARISONS[0]);
    format.send(&compared, "RunComparison", (&args.output, &args.yes), (global, printer))?;
    let changed = compared.rows.iter().filter(|row| row.became != Became::Same).count();
    printer.note(format!("{changed} of {} differ", count(compared.rows.len(), "row")));
    Ok(args.exit(changed > 0))
}

/// The word for the cluster as it is now.
const LIVE: &str = "cluster";

impl Args {
    pub(super) fn shown_noise(&self) -> Noise {
        if self.all || self.compat { Noise::all() } else { Noise::without(&self.noise) }
    }

    /// The constraints that grade changes of snapshots; none without a recipe.
    pub(super) fn rules(&self, global: &Global, printer: &Printer) -> Result<Rules, Failure> {
        let Some(text) = &self.recipe else { return Ok(Rules::new()) };
        if ops::recipe::is_criteria_text(text) {
            let catalog = global.catalog()?;
            let query = ops::recipe::criteria_of_text(&catalog, text)?;
            return Ok(diff::rules(
                &ops::recipe::resolve(&catalog, &query, None, Options::default())?.resolution.recipe,
            ));
        }
        Ok(diff::rules(&input::recipe(text, global, printer)?))
    }

    pub(super) fn exit(&self, differs: bool) -> Exit {
        match (self.fail_on_drift && differs, self.compat_exit_codes) {
            (false, _) => Exit::Good,
            (true, true) => Exit::Reference(Exit::OF_DRIFT),
            (true, false) => Exit::Verdict,
        }
    }

    /// What to compare from and to.
    ///
    /// # Errors
    /// One side is missing.
    pub(super) fn sides(&self) -> Result<(&str, &str), Failure> {
        let live = self.live.then_some(LIVE);
        let right = self.right.as_deref().or(self.target.as_deref()).or(live);
        match (self.left.as_deref().or(self.baseline.as_deref()), right) {
            (Some(baseline), Some(target)) => Ok((baseline, target)),
            (baseline, _) => {
                let because = if baseline.is_none() { "missing BASELINE" } else { "missing TARGET" };
                Err(misuse("compare", because, "give two places: aicr diff BASELINE TARGET"))
            }
        }
    }
}

fn both_are_input() -> Failure {
    let because = "both sides are standard input, which can be read once";
    misuse("read the snapshots", because, "give a file for one of them")
}

/// What one side of the comparison is.
enum Subject {
    Snapshot(String, Box<Inventory>, Contents),
    Recipe(Side),
}

fn compare(args: &Args, global: &Global, printer: &Printer) -> Result<(Comparison, Option<Vec<ByShape>>), Failure> {
    let (baseline, target) = args.sides()?;
    if baseline == "-" && target == "-" {
        return Err(both_are_input());
    }
    let catalog = std::cell::OnceCell::new();
    let (left, right) = documents((baseline, target), global)?;
    let subject = |text: &str, document| subject((text, document), args.values, global, &catalog);
    let sides = (subject(baseline, left)?, subject(target, right)?);
    let (left_name, right_name) = (&input::named(baseline), &input::named(target));
    if args.compat && !matches!(sides, (Subject::Snapshot(..), Subject::Snapshot(..))) {
        let because = "the reference compares snapshots only";
        return Err(misuse("compare as the reference does", because, "leave out --compat"));
    }
    let is_recipe = |side: &Subject| matches!(side, Subject::Recipe(_));
    let cluster_and_recipe =
        [left_name, right_name].iter().any(|name| *name == "cluster") && (is_recipe(&sides.0) || is_recipe(&sides.1));
    if args.values && !cluster_and_recipe {
        let because = "values are read from a live cluster and compared with those of a recipe";
        return Err(misuse(
            "compare values",
            because,
            "give a recipe or criteria on one side and `cluster` on the other",
        ));
    }
    if args.recipe.is_some() && !matches!(sides, (Subject::Snapshot(..), Subject::Snapshot(..))) {
        let because = "constraints grade the changes of two snapshots";
        return Err(misuse("compare with --recipe", because, "leave out --recipe, or give two snapshots"));
    }
    let comparison = match sides {
        (Subject::Snapshot(left_name, left, _), Subject::Snapshot(right_name, right, _)) if args.compat => {
            diff::readings(&left_name, &left, &right_name, &right)
        }
        (Subject::Snapshot(left_name, left, _), Subject::Snapshot(right_name, right, _)) => {
            let rules = args.rules(global, printer)?;
            let comparison = diff::snapshots(&left_name, &left, &right_name, &right, &rules);
            let noise = args.shown_noise();
            let by_shape = (args.by == "shape").then(|| shapes::by_shape(comparison.graded(&noise), (&left, &right)));
            return Ok((comparison, by_shape));
        }
        (Subject::Recipe(left), Subject::Recipe(right)) => diff::recipes(left_name, &left, right_name, &right),
        (Subject::Recipe(recipe), Subject::Snapshot(name, snapshot, contents)) => {
            let running = Running { name: &name, snapshot: &snapshot, contents: &contents };
            diff::cluster(left_name, &recipe, &running, false)
        }
        (Subject::Snapshot(name, snapshot, contents), Subject::Recipe(recipe)) => {
            let running = Running { name: &name, snapshot: &snapshot, contents: &contents };
            diff::cluster(right_name, &recipe, &running, true)
        }
    };
    Ok((comparison, None))
}

/// The documents of both sides; `None` for the word `cluster` and for criteria.
///
/// The snapshot of a fleet takes a second to parse, so both are parsed at the same time.
fn documents(
    (baseline, target): (&str, &str),
    global: &Global,
) -> Result<(Option<Document>, Option<Document>), Failure> {
    let read = |source: &str| match source == LIVE || ops::recipe::is_criteria_text(source) {
        true => Ok(None),
        false => input::text("snapshot", source, global).map(Some),
    };
    let (left, right) = (read(baseline)?, read(target)?);
    let parse = |text: Option<String>, source| text.map(|text| input::recognized(&text, source)).transpose();
    let (left, right) = std::thread::scope(|scope| {
        let right = scope.spawn(|| parse(right, target));
        (parse(left, baseline), right.join())
    });
    let right = right.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    Ok((left?, right?))
}

fn subject(
    (text, document): (&str, Option<Document>),
    values: bool,
    global: &Global,
    catalog: &std::cell::OnceCell<Arc<Catalog>>,
) -> Result<Subject, Failure> {
    // Next to what Helm was given, a recipe is what Helm would be given.
    let recipe = |side: Side, catalog: &Catalog, recipe: &Recipe| {
        Ok(Subject::Recipe(if values { diff::bundled(side, catalog, recipe)? } else { side }))
    };
    let load = || match catalog.get() {
        Some(known) => Ok(known.clone()),
        None => global.catalog().map(|read| catalog.get_or_init(|| read).clone()),
    };
    match document {
        Some(Document::Snapshot(snapshot)) => {
            let name = match text.starts_with('@') {
                true => format!("{text} ({})", snapshot.about.taken_at),
                false => input::named(text),
            };
            Ok(Subject::Snapshot(name, snapshot, None))
        }
        Some(Document::Recipe(read)) => {
            let catalog = load()?;
            let (side, read) = diff::read_recipe(&catalog, &input::shown(text), &read)?;
            recipe(side, &catalog, &read)
        }
        None if text == LIVE => cluster::block_on(global, async {
            let connection = cluster::connect(global).await?;
            let snapshot = ops::snapshot::take(&connection, &cluster::now()).await?;
            let contents = if values { diff::contents(&connection, &snapshot).await? } else { None };
            Ok(Subject::Snapshot(connection.context.clone(), Box::new(snapshot), contents))
        }),
        None => {
            let catalog = load()?;
            let query = ops::recipe::criteria_of_text(&catalog, text)?;
            let resolution = ops::recipe::resolve(&catalog, &query, None, Options::default())?.resolution;
            recipe((&resolution).into(), &catalog, &resolution.recipe)
        }
    }
}

/// The reference's table, with columns for severity and cause where anything has one.
fn page(shown: &Shown) -> String {
    let Shown { comparison, noise, by_shape } = shown;
    let graded: Vec<_> = comparison.graded(noise).collect();
    if graded.is_empty() {
        return "NO CHANGES\n".to_owned();
    }
    let rows = rows(shown, &graded, NODES, side);
    let is_empty = |column: usize| rows.iter().all(|row| row[column].is_empty());
    let last = match (is_empty(5), by_shape.is_some()) {
        (true, _) => "",
        (false, true) => "NODES",
        (false, false) => "WHY",
    };
    let table = match is_empty(1) {
        true => {
            let rows: Vec<[String; 5]> =
                rows.into_iter().map(|[kind, _, path, left, right, why]| [kind, path, left, right, why]).collect();
            table::render(["KIND", "PATH", "BASELINE", "TARGET", last], &rows)
        }
        false => table::render(["KIND", "SEVERITY", "PATH", "BASELINE", "TARGET", last], &rows),
    };
    let effects = effects_table(&comparison.effects);
    format!("{effects}CHANGES ({})\n{table}\nDRIFT DETECTED\n", heading(&graded).join(", "))
}

/// Kind, severity, path, both sides, and why; or which nodes, of which `most` are named.
fn rows(
    shown: &Shown,
    graded: &[(&Change, Severity)],
    most: usize,
    side: fn(&Option<Value>) -> String,
) -> Vec<[String; 6]> {
    let word = |kind: ChangeKind| match kind {
        ChangeKind::Added => "ADDED",
        ChangeKind::Removed => "REMOVED",
        ChangeKind::Modified => "MODIFIED",
        ChangeKind::Moved => "MOVED",
    };
    let grade =
        |severity: Severity| if severity == Severity::Info { String::new() } else { severity.word().to_uppercase() };
    match &shown.by_shape {
        Some(groups) => groups
            .iter()
            .map(|group| {
                let ByShape { kind, severity, shape, key, left, right, nodes, other: () } = group;
                let of = if shape.is_empty() { String::new() } else { format!("{shape}: {}", listed(nodes, most)) };
                [word(*kind).to_owned(), grade(*severity), key.clone(), side(left), side(right), of]
            })
            .collect(),
        None => graded
            .iter()
            .map(|(change, severity)| {
                let note = noise::why(change).map_or(change.cause.clone(), str::to_owned);
                let (left, right) = (side(&change.left), side(&change.right));
                [word(change.kind).to_owned(), grade(*severity), change.path.clone(), left, right, note]
            })
            .collect(),
    }
}

/// Every change with its values as they are.
fn spreadsheet(shown: &Shown) -> String {
    let graded: Vec<_> = shown.comparison.graded(&shown.noise).collect();
    let rows = rows(shown, &graded, usize::MAX, whole_side);
    let last = if shown.by_shape.is_some() { "NODES" } else { "WHY" };
    Table::new(["KIND", "SEVERITY", "PATH", "BASELINE", "TARGET", last], &rows).csv()
}

/// What the changes come to, above them.
fn effects_table(effects: &[Effect]) -> String {
    if effects.is_empty() {
        return String::new();
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let row = |effect: &Effect| {
        let phase = effect.phase.as_ref().map_or_else(String::new, |phase| format!(" of {phase}"));
        [
            effect.became.word().to_uppercase(),
            effect.subject.word().to_owned(),
            format!("{}{phase}", effect.name),
            or_dash(&effect.left),
            or_dash(&effect.right),
        ]
    };
    let rows: Vec<[String; 5]> = effects.iter().map(row).collect();
    let table = table::render(["EFFECT", "OF", "NAME", "BASELINE", "TARGET"], &rows);
    format!("EFFECTS ({})\n{table}\n", effects::summary(effects))
}

/// How many changes of each kind there are.
pub(super) fn heading(graded: &[(&Change, Severity)]) -> Vec<String> {
    let count = |kind: ChangeKind| graded.iter().filter(|(change, _)| change.kind == kind).count();
    let counts = [(ChangeKind::Added, "added"), (ChangeKind::Removed, "removed"), (ChangeKind::Modified, "modified")];
    let mut heading: Vec<String> = counts.iter().map(|(kind, name)| format!("{} {name}", count(*kind))).collect();
    if count(ChangeKind::Moved) > 0 {
        heading.push(format!("{} moved", count(ChangeKind::Moved)));
    }
    heading
}

/// Names of nodes that a row lists.
const NODES: usize = 4;

/// Columns of a cell that holds a value; YAML and JSON have the whole of it.
const CELL: usize = 60;

/// An absent side is `-`; an empty text is visible; a long one is cut.
pub(super) fn side(value: &Option<Value>) -> String {
    let text = whole_side(value);
    let start: String = text.chars().take(CELL).take_while(|letter| *letter != '\n').collect();
    if start.len() == text.len() { text } else { start + "…" }
}

/// The same with the whole of its text.
fn whole_side(value: &Option<Value>) -> String {
    match value {
        None => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
