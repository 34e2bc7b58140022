//! `aicr diff`: what changed between two snapshots, or differs between two recipes.

use super::{
    Outcome, Printer, criteria_args,
    exit::Exit,
    global::Global,
    input, misuse,
    output::{self, Format, deliver},
    printer::Role,
    table,
};
use crate::{
    diff::ChangeKind,
    ops::{
        Failure,
        diff::{self, Comparison},
        snapshot::Place,
    },
    recipe::format::json_text,
    resolve::Resolution,
    yaml,
};
use serde_json::Value;

/// Compare two snapshots reading by reading, or two recipes value by value.
///
/// Readings that change on an idle machine are left out and counted; --all shows them. With --recipes, --baseline and
/// --target are criteria, and every difference names the layers that caused it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  aicr diff --baseline before.yaml --target after.yaml --fail-on-drift\n  \
                        aicr diff --recipes --baseline service=kind,accelerator=a100 --target service=eks,accelerator=h100")]
pub struct Args {
    /// What to compare from: a file, `-`, cm://NAMESPACE/NAME, or criteria.
    #[arg(short, long, value_name = "PLACE")]
    baseline: String,
    /// What to compare to.
    #[arg(long, value_name = "PLACE")]
    target: String,
    /// Compare the recipes of two sets of criteria, written as service=kind,accelerator=a100.
    #[arg(long)]
    recipes: bool,
    /// Exit with 1 when anything differs.
    #[arg(long)]
    fail_on_drift: bool,
    /// Show readings that change by themselves as well.
    #[arg(long)]
    all: bool,
    /// Compare as the reference does: no reading is noise, and nodes are label entries.
    #[arg(long, conflicts_with = "recipes")]
    compat: bool,
    /// Where to write: a file, or `-` for standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", value_parser = output::place)]
    output: Place,
    /// In which form; the default goes by the file's name, else it is YAML.
    #[arg(short = 't', long, value_enum)]
    format: Option<Format>,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let comparison = if args.recipes { recipes(args, global)? } else { snapshots(args, global)? };
    let all = args.all || args.compat;
    let text = match Format::of(args.format, &args.output) {
        Format::Yaml => yaml::to_string(&comparison.to_value(all)),
        Format::Json => json_text(&comparison.to_value(all)),
        Format::Table => page(&comparison, all),
    };
    deliver(printer, &args.output, &text)?;
    let changes = comparison.shown(all).count();
    let hidden = comparison.changes.len() - changes;
    let told = match hidden {
        0 => format!("{changes} changes"),
        hidden => format!("{changes} changes, {hidden} hidden that come by themselves (--all shows them)"),
    };
    printer.note(printer.paint_note(Role::Quiet, &told));
    Ok(if args.fail_on_drift && changes > 0 { Exit::Verdict } else { Exit::Good })
}

fn snapshots(args: &Args, global: &Global) -> Result<Comparison, Failure> {
    if args.baseline == "-" && args.target == "-" {
        let because = "--baseline and --target are both standard input, which can be read once";
        return Err(misuse("read the snapshots", because, "give a file for one of them"));
    }
    let (left, right) = (input::snapshot(&args.baseline, global)?, input::snapshot(&args.target, global)?);
    let compare = if args.compat { diff::readings } else { diff::snapshots };
    Ok(compare(&args.baseline, &left, &args.target, &right))
}

fn recipes(args: &Args, global: &Global) -> Result<Comparison, Failure> {
    let catalog = global.catalog()?;
    let resolve = |text: &str| -> Result<Resolution, Failure> { criteria_args::resolve_text(&catalog, text) };
    let (left, right) = (resolve(&args.baseline)?, resolve(&args.target)?);
    Ok(diff::resolutions(&args.baseline, &left, &args.target, &right))
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

/// An absent side is `-`; an empty text is visible.
fn side(value: &Option<Value>) -> String {
    match value {
        None => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
