//! `aicr recipe list`: the overlays of the catalog as the reference lists them, for its scripts.
//!
//! `aicr catalog list` lists the same for people, and what fits a cluster.

use super::{
    Outcome, Printer,
    criteria_args::DimensionArgs,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    table::Table,
};
use crate::{
    catalog::validator::Phase,
    criteria::{Criteria, Dimension},
    ops::catalog::{self, Entry, Health, ProfileEntry},
    recipe::{PhaseSpec, Validation, format::json_text},
    yaml,
};
use serde_json::{Map, Value, json};

/// List the overlays of the catalog with their criteria, and whether each leaf resolves to a sound recipe.
///
/// The form of the reference, for scripts; `aicr catalog list` says more.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    criteria: DimensionArgs,
    /// Do not resolve the leaves: no status, no coverage.
    #[arg(long, visible_alias = "skip-health")]
    no_health: bool,
    /// In which form.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS), default_value = "table")]
    format: &'static Format<Vec<Entry>>,
}

static FORMATS: &[Format<Vec<Entry>>] = &[
    Format::plain("table", "For reading; no program should parse it", |entries, _| Ok(table(entries).text())),
    Format::plain("json", "", |entries, _| Ok(json_text(&value(entries)))),
    Format::plain("yaml", "", |entries, _| Ok(yaml::to_string(&value(entries)))),
    Format::csv(|entries, _| Ok(table(entries).csv())),
];

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let catalog = global.catalog()?;
    let query = args.criteria.0.query(&catalog, None)?;
    let entries = catalog::list(&catalog, query.criteria(), !args.no_health);
    args.format.print(&entries, printer)?;
    printer.note(format!("{} of {} overlays; every recipe builds on base too", entries.len(), catalog.overlays.len()));
    Ok(Exit::Good)
}

fn table(entries: &[Entry]) -> Table {
    let rows: Vec<[String; 10]> = entries.iter().map(row).collect();
    let heading =
        ["NAME", "SERVICE", "ACCELERATOR", "INTENT", "OS", "PLATFORM", "IS_LEAF", "STATUS", "COVERAGE", "SOURCE"];
    Table::new(heading, &rows)
}

fn row(entry: &Entry) -> [String; 10] {
    let or_any = |dimension: Dimension| entry.criteria.get(dimension).unwrap_or_else(|| "any".to_owned());
    let dash = || "-".to_owned();
    let health = entry.health.as_ref();
    [
        entry.name.clone(),
        or_any(Dimension::Service),
        or_any(Dimension::Accelerator),
        or_any(Dimension::Intent),
        or_any(Dimension::Os),
        or_any(Dimension::Platform),
        entry.is_leaf.to_string(),
        health.map_or_else(dash, |health| health.status().to_owned()),
        health.and_then(|health| health.validation.as_ref()).map_or_else(dash, compact),
        source(entry).to_owned(),
    ]
}

fn source(entry: &Entry) -> &'static str {
    if entry.is_embedded { "embedded" } else { "external" }
}

/// The phases in the reference's order; readiness runs no checks of ours, but may name some.
fn phases(validation: &Validation) -> [(&'static str, &'static str, Option<&PhaseSpec>); 4] {
    let of = |phase: Phase| validation.phase(phase);
    [
        ("R", "readiness", validation.readiness.as_ref()),
        ("D", "deployment", of(Phase::Deployment)),
        ("P", "performance", of(Phase::Performance)),
        ("C", "conformance", of(Phase::Conformance)),
    ]
}

/// How many checks each phase names: `R:0 D:4 P:1 C:10`.
fn compact(validation: &Validation) -> String {
    let word = |(letter, _, spec): (&str, &str, Option<&PhaseSpec>)| {
        format!("{letter}:{}", spec.map_or(0, |spec| spec.checks.len()))
    };
    phases(validation).map(word).join(" ")
}

fn value(entries: &[Entry]) -> Value {
    entries.iter().map(entry_value).collect()
}

fn entry_value(entry: &Entry) -> Value {
    let mut value = json!({
        "name": entry.name,
        "criteria": criteria(&entry.criteria),
        "is_leaf": entry.is_leaf,
        "source": source(entry),
    });
    if let Some(ProfileEntry { name, description, default, values }) = &entry.profile {
        value["profile"] = json!({ "name": name, "description": description, "default": default, "values": values });
    }
    if let Some(health) = &entry.health {
        value["health"] = health_value(health);
    }
    value
}

/// Stated dimensions only.
fn criteria(criteria: &Criteria) -> Map<String, Value> {
    let number = |dimension: Dimension, text: String| match (dimension, text.parse::<u32>()) {
        (Dimension::Nodes, Ok(nodes)) => Value::from(nodes),
        _ => Value::from(text),
    };
    let stated = |dimension: Dimension| {
        let text = criteria.get(dimension)?;
        Some((dimension.name().to_owned(), number(dimension, text)))
    };
    Dimension::ALL.into_iter().filter_map(stated).collect()
}

fn health_value(health: &Health) -> Value {
    let graded = health.dimensions.iter().map(|graded| (graded.name.to_owned(), Value::from(graded.grade.name())));
    let mut value = json!({ "status": health.status(), "dimensions": graded.collect::<Map<_, _>>() });
    let detail: Map<String, Value> = health
        .dimensions
        .iter()
        .filter_map(|graded| Some((graded.name.to_owned(), graded.grade.reason()?.into())))
        .collect();
    if !detail.is_empty() {
        value["detail"] = detail.into();
    }
    if let Some(validation) = &health.validation {
        let coverage = phases(validation).map(|(_, name, spec)| (name.to_owned(), coverage(spec)));
        value["coverage"] = coverage.into_iter().collect::<Map<_, _>>().into();
    }
    value
}

fn coverage(spec: Option<&PhaseSpec>) -> Value {
    let mut value = json!({ "declared": spec.is_some(), "constraints": spec.map_or(0, |spec| spec.constraints.len()) });
    if let Some(spec) = spec.filter(|spec| !spec.checks.is_empty()) {
        let mut checks = spec.checks.clone();
        checks.sort();
        value["checks"] = checks.into();
    }
    value
}
