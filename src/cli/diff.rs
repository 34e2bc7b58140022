//! `aicr diff`: what changed between two snapshots, or differs between recipes, or between a recipe and a cluster.

use super::{
    Outcome, Printer, cluster,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    input::{self, Document},
    misuse, output,
    printer::Role,
    runs, table,
};
use crate::{
    catalog::Catalog,
    diff::{ChangeKind, observed::Contents},
    document::side::Side,
    inventory::Inventory,
    ops::{
        self, Failure,
        diff::{self, Comparison, Running},
        place::Place,
        run::record,
    },
    recipe::{Recipe, format::json_text},
    report::{compare::Became, escape},
    resolve::Options,
    text::count,
    yaml,
};
use serde_json::Value;
use std::sync::Arc;

/// Compare snapshots, recipes, or a recipe with what a cluster runs.
///
/// Two recorded runs (`aicr runs list`) are compared check by check. Else each side is a snapshot, a recipe, criteria (service=kind,accelerator=a100: the recipe that they resolve to), or the word
/// `cluster`: a snapshot of it as it is now.
///
/// Two snapshots are compared reading by reading; readings that change on an idle machine are left out and counted, --all
/// shows them. Two recipes are compared value by value, and every difference names the layers or lines that caused it. A
/// recipe and a snapshot are compared in what the snapshot shows of it: chart, version and namespace of every component by
/// Helm releases and workloads, and each constraint; what could not be compared is listed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  aicr diff before.yaml after.yaml\n  aicr diff --baseline before.yaml --target after.yaml --fail-on-drift\n  \
                        aicr diff --baseline service=kind,accelerator=a100 --target service=eks,accelerator=h100\n  \
                        aicr diff --baseline recipe.yaml --target cluster --values -t table"
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
    /// Exit with 1 when anything differs.
    #[arg(long)]
    fail_on_drift: bool,
    /// Drift ends with 2, the code of the reference.
    #[arg(long, env = "AICR_COMPAT_EXIT_CODES", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    compat_exit_codes: bool,
    /// Show readings that change by themselves as well.
    #[arg(long)]
    all: bool,
    /// Compare snapshots as the reference does: no reading is noise, and nodes are label entries.
    #[arg(long)]
    compat: bool,
    /// Where to write: a file, `-` for standard output, or cm://NAMESPACE/NAME.
    #[arg(short, long, value_name = "PLACE", default_value = "-", value_parser = output::place)]
    output: Place,
    /// In which form; the default goes by the file's name, else it is YAML.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS))]
    format: Option<&'static Format<Shown>>,
}

/// A comparison, and whether readings that change by themselves are in.
struct Shown {
    comparison: Comparison,
    all: bool,
}

static FORMATS: &[Format<Shown>] = &[
    Format::plain("yaml", "", |shown, _| Ok(yaml::to_string(&shown.comparison.to_value(shown.all)))),
    Format::plain("json", "", |shown, _| Ok(json_text(&shown.comparison.to_value(shown.all)))),
    Format::plain("table", "For reading; no program should parse it", |shown, _| {
        Ok(page(&shown.comparison, shown.all))
    }),
];

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    if let Ok((left, right)) = args.sides()
        && record::is_name(left)
        && record::is_name(right)
    {
        return runs_of(args, (left, right), global, printer);
    }
    let all = args.all || args.compat;
    let shown = Shown { comparison: compare(args, global)?, all };
    formats::choose(args.format, FORMATS, &args.output).send(&shown, "Diff", &args.output, (global, printer))?;
    let comparison = shown.comparison;
    let changes = comparison.shown(all).count();
    let hidden = comparison.changes.len() - changes;
    let counted = if changes == 1 { "1 change".to_owned() } else { format!("{changes} changes") };
    let line = match hidden {
        0 => counted,
        hidden => format!("{counted}, {hidden} hidden that come by themselves (--all shows them)"),
    };
    printer.note(printer.paint_note(Role::Quiet, &line));
    for note in &comparison.notes {
        printer.note(printer.paint_note(Role::Quiet, &format!("not compared: {}", escape::line(note))));
    }
    Ok(args.exit(changes > 0))
}

/// Two recorded runs, check by check.
fn runs_of(args: &Args, (left, right): (&str, &str), global: &Global, printer: &Printer) -> Outcome {
    let compared = runs::compare(left, right)?;
    let wanted = args.format.map_or("table", |format| format.name);
    let format = runs::COMPARISONS.iter().find(|format| format.name == wanted).unwrap_or(&runs::COMPARISONS[0]);
    format.send(&compared, "RunComparison", &args.output, (global, printer))?;
    let changed = compared.rows.iter().filter(|row| row.became != Became::Same).count();
    printer.note(format!("{changed} of {} differ", count(compared.rows.len(), "row")));
    Ok(args.exit(changed > 0))
}

impl Args {
    fn exit(&self, differs: bool) -> Exit {
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
    fn sides(&self) -> Result<(&str, &str), Failure> {
        match (self.left.as_ref().or(self.baseline.as_ref()), self.right.as_ref().or(self.target.as_ref())) {
            (Some(baseline), Some(target)) => Ok((baseline, target)),
            (baseline, _) => {
                let because = if baseline.is_none() { "missing BASELINE" } else { "missing TARGET" };
                Err(misuse("compare", because, "give two places: aicr diff BASELINE TARGET"))
            }
        }
    }
}

/// What one side of the comparison is.
enum Subject {
    Snapshot(String, Box<Inventory>, Contents),
    Recipe(Side),
}

fn compare(args: &Args, global: &Global) -> Result<Comparison, Failure> {
    let (baseline, target) = args.sides()?;
    if baseline == "-" && target == "-" {
        let because = "both sides are standard input, which can be read once";
        return Err(misuse("read the snapshots", because, "give a file for one of them"));
    }
    let catalog = std::cell::OnceCell::new();
    let subject = |text: &str| subject(text, args.values, global, &catalog);
    let sides = (subject(baseline)?, subject(target)?);
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
    Ok(match sides {
        (Subject::Snapshot(left_name, left, _), Subject::Snapshot(right_name, right, _)) => {
            let compare = if args.compat { diff::readings } else { diff::snapshots };
            compare(&left_name, &left, &right_name, &right)
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
    })
}

fn subject(
    text: &str,
    values: bool,
    global: &Global,
    catalog: &std::cell::OnceCell<Arc<Catalog>>,
) -> Result<Subject, Failure> {
    if text == "cluster" {
        return cluster::block_on(global, async {
            let connection = cluster::connect(global).await?;
            let snapshot = ops::snapshot::take(&connection, &cluster::now()).await?;
            let contents = if values { diff::contents(&connection, &snapshot).await? } else { None };
            Ok(Subject::Snapshot(connection.context.clone(), Box::new(snapshot), contents))
        });
    }
    // Next to what Helm was given, a recipe is what Helm would be given.
    let recipe = |side: Side, catalog: &Catalog, recipe: &Recipe| {
        Ok(Subject::Recipe(if values { diff::bundled(side, catalog, recipe)? } else { side }))
    };
    let load = || match catalog.get() {
        Some(known) => Ok(known.clone()),
        None => global.catalog().map(|read| catalog.get_or_init(|| read).clone()),
    };
    if ops::recipe::is_criteria_text(text) {
        let catalog = load()?;
        let query = ops::recipe::criteria_of_text(&catalog, text)?;
        let resolution = ops::recipe::resolve(&catalog, &query, None, Options::default())?.resolution;
        return recipe((&resolution).into(), &catalog, &resolution.recipe);
    }
    match input::document(text, global)? {
        Document::Snapshot(snapshot) => Ok(Subject::Snapshot(input::named(text), snapshot, None)),
        Document::Recipe(read) => {
            let catalog = load()?;
            let (side, read) = diff::read_recipe(&catalog, &input::shown(text), &read)?;
            recipe(side, &catalog, &read)
        }
    }
}

/// The reference's table, with a column for the cause where anything has one.
fn page(comparison: &Comparison, all: bool) -> String {
    let shown: Vec<_> = comparison.shown(all).collect();
    if shown.is_empty() {
        return "NO CHANGES\n".to_owned();
    }
    let word = |kind: ChangeKind| match kind {
        ChangeKind::Added => "ADDED",
        ChangeKind::Removed => "REMOVED",
        ChangeKind::Modified => "MODIFIED",
        ChangeKind::Moved => "MOVED",
    };
    let count = |kind: ChangeKind| shown.iter().filter(|change| change.kind == kind).count();
    let counts = [(ChangeKind::Added, "added"), (ChangeKind::Removed, "removed"), (ChangeKind::Modified, "modified")];
    let mut heading: Vec<String> = counts.iter().map(|(kind, name)| format!("{} {name}", count(*kind))).collect();
    if count(ChangeKind::Moved) > 0 {
        heading.push(format!("{} moved", count(ChangeKind::Moved)));
    }
    let rows: Vec<[String; 5]> = shown
        .iter()
        .map(|change| {
            let note = change.noise.map_or(change.cause.clone(), str::to_owned);
            [word(change.kind).to_owned(), change.path.clone(), side(&change.left), side(&change.right), note]
        })
        .collect();
    let last = if rows.iter().all(|row| row[4].is_empty()) { "" } else { "WHY" };
    let table = table::render(["KIND", "PATH", "BASELINE", "TARGET", last], &rows);
    format!("CHANGES ({})\n{table}\nDRIFT DETECTED\n", heading.join(", "))
}

/// Columns of a cell that holds a value; YAML and JSON have the whole of it.
const CELL: usize = 60;

/// An absent side is `-`; an empty text is visible; a long one is cut.
fn side(value: &Option<Value>) -> String {
    let text = match value {
        None => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let start: String = text.chars().take(CELL).take_while(|letter| *letter != '\n').collect();
    if start.len() == text.len() { text } else { start + "…" }
}
