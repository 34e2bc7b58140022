//! `aicr upgrade-check`: may what is installed be replaced by what a recipe wants?

use super::{
    Outcome, Printer, cluster,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    input, misuse, output,
    printer::Role,
    table::Table,
};
use crate::{
    bundle::deployer,
    catalog::Catalog,
    diff::Change,
    ops::{
        self, Failure,
        place::Place,
        snapshot,
        upgrade::{self, AtRisk, Check, From, Report, Source, installed::Live},
    },
    recipe::format::json_text,
    report::escape,
    resolve::Options,
    text,
    upgrade::{Verdict, report::Row},
    yaml,
};
use serde_json::Value;
use std::path::Path;

static FORMATS: &[Format<Report>] = &[
    Format::laid_out("table", "For reading; no program should parse it", |report, printer| Ok(page(report, printer))),
    Format::plain("json", "", |report, _| Ok(json_text(report))),
    Format::plain("yaml", "", |report, _| Ok(yaml::in_order(report))),
    Format { suffix: "md", ..Format::plain("markdown", "For a change ticket", |report, _| Ok(markdown(report))) },
    Format { about: "The components, for spreadsheets", ..Format::csv(|report, _| Ok(components(report).csv())) },
];

/// Check whether installed components can be upgraded to those of a recipe.
///
/// For each component whose version or identity changes: a verdict from the catalog's upgrade records, the reason, the steps
/// to take, and the values that change. Only `safe` passes; what nobody has recorded is unknown. Nothing is changed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 when every verdict is safe, 2 when a component needs attention or the input is bad.\n\n\
                        Examples:\n  aicr upgrade-check --from recipe.yaml\n  \
                        aicr upgrade-check --from ./bundle --to recipe.yaml --deployer helm\n  \
                        aicr upgrade-check --from cluster --to recipe.yaml --deployer argocd -t markdown -o change.md"
)]
pub struct Args {
    /// What is installed: a recipe, a folder with a bundle, cm://NAMESPACE/NAME, or the word `cluster` (a folder of that
    /// name is ./cluster).
    #[arg(short, long, value_name = "PLACE")]
    from: String,
    /// What is wanted: a recipe, a folder with a bundle, or cm://NAMESPACE/NAME. Without it, what this catalog resolves for
    /// the criteria of --from.
    #[arg(long, value_name = "PLACE")]
    to: Option<String>,
    /// The deployer whose steps are shown. Needed with `cluster`, and where a component has steps.
    #[arg(short, long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(deployer::names()))]
    deployer: Option<String>,
    /// Look in the cluster for objects that the upgrade touches and that no deployer manages. Always on with `cluster`,
    /// unless it is false.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    scan_cluster: Option<bool>,
    /// With false, components that need attention do not change the exit code.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    fail_on_error: bool,
    /// Where to write: a file, or `-` for standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", value_parser = output::place)]
    output: Place,
    /// In which form; the default goes by the file's name, else it is a table.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS))]
    format: Option<&'static Format<Report>>,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    output::probe(&args.output)?;
    let report = check(args, global)?;
    formats::choose(args.format, FORMATS, &args.output).deliver(&report, &args.output, printer)?;
    if let Some(failure) = report.at_risk.kinds.iter().find_map(|kind| kind.failure.clone()) {
        return Err(failure.into());
    }
    Ok(if args.fail_on_error && report.needs_attention() { Exit::Usage } else { Exit::Good })
}

fn check(args: &Args, global: &Global) -> Result<Report, Failure> {
    let catalog = global.catalog()?;
    let is_cluster = args.from == "cluster";
    let doing = "check the upgrade";
    if is_cluster && args.to.is_none() {
        return Err(misuse(doing, "a cluster does not say which recipe it was made from", "add --to"));
    }
    if is_cluster && args.deployer.is_none() {
        let because = "releases are read differently for each deployer";
        return Err(misuse(doing, because, &format!("add --deployer; there are {}", deployer::names().join(", "))));
    }
    if args.from == "-" && args.to.as_deref() == Some("-") {
        let because = "--from and --to are both standard input, which can be read once";
        return Err(misuse(doing, because, "give a file for one of them"));
    }
    let from = if is_cluster { None } else { Some(source(&args.from, &catalog, global)?) };
    let to = match (&args.to, &from) {
        (Some(place), _) => source(place, &catalog, global)?,
        (None, Some(from)) => again(from, &catalog)?,
        (None, None) => return Err(misuse(doing, "missing target", "add --to")),
    };
    let deployer = args.deployer.as_deref();
    let scan = args.scan_cluster.unwrap_or(is_cluster);
    let Some(from) = &from else {
        return cluster::block_on(global, async {
            let connection = cluster::connect(global).await?;
            let inventory = snapshot::take(&connection, &cluster::now()).await?;
            let live = Live { connection: Some(&connection), name: &connection.context, inventory: &inventory };
            upgrade::cluster(&catalog, live, &to, deployer, scan).await
        });
    };
    let (mut report, affected) =
        upgrade::judge(Check { catalog: &catalog, from: From::Document(from), to: &to, deployer })?;
    if scan {
        let scanned = async { Ok::<_, Failure>(upgrade::scan(&cluster::connect(global).await?, &affected).await) };
        report.at_risk = cluster::block_on(global, scanned)?;
    } else if args.scan_cluster == Some(false) {
        report.at_risk = AtRisk::not_scanned(&affected, "the at-risk scan was explicitly turned off");
    }
    Ok(report)
}

/// A recipe or a bundle, by what is there.
fn source(place: &str, catalog: &Catalog, global: &Global) -> Result<Source, Failure> {
    if Path::new(place).is_dir() {
        return upgrade::from_bundle(catalog, Path::new(place));
    }
    let text = input::text("recipe", place, global)?;
    upgrade::from_recipe(catalog, &input::shown(place), &text)
}

/// What this catalog resolves for the criteria of a recipe.
fn again(from: &Source, catalog: &Catalog) -> Result<Source, Failure> {
    let query = from.recipe.query();
    let resolved = ops::recipe::resolve(catalog, &query, None, Options::LENIENT)?;
    let name = format!("this catalog's recipe for {}", from.recipe.criteria);
    Ok(upgrade::from_resolution(&name, &resolved.resolution))
}

/// For people: what was compared, a row for each component, then what needs attention.
fn page(report: &Report, printer: &Printer) -> String {
    let heading = |text: &str| printer.paint(Role::Heading, text);
    let mut page =
        format!("{} from {} to {}\n", heading("UPGRADE CHECK"), escape::line(&report.from), escape::line(&report.to));
    if let Some(source) = &report.source {
        page += &format!(
            "{} {}: {}{}\n",
            heading("READ FROM CLUSTER"),
            escape::line(&source.context),
            text::count(source.matched, "component"),
            counters(report)
        );
    }
    page += &format!("\n{}", components(report).text());
    for row in report.components.iter().filter(|row| row.fails_run) {
        page += &format!(
            "\n{} {}\n",
            printer.paint(Role::Bad, &escape::line(&row.component)),
            escape::line(&row.explanation)
        );
        for line in details(row, report) {
            page += &format!("  {}\n", escape::line(&line));
        }
    }
    for line in at_risk(&report.at_risk) {
        page += &format!("\n{}", escape::line(&line));
    }
    page += &format!("\n{}\n", last_line(report));
    page
}

fn components(report: &Report) -> Table {
    let rows: Vec<[String; 5]> = report.components.iter().map(cells).collect();
    Table::new(["COMPONENT", "FROM", "TO", "VERDICT", "NOTES"], &rows)
}

fn counters(report: &Report) -> String {
    let Some(source) = &report.source else { return String::new() };
    let mut parts = Vec::new();
    if let Some(helm) = &source.helm {
        parts.push(text::count(helm.records, "Helm release"));
        parts.push(format!("{} not of this recipe", helm.unattributed));
        parts.push(format!("{} without a version", helm.unreadable));
        parts.push(format!("{} uninstalled", helm.uninstalled));
        if helm.stamped_unmatched > 0 {
            parts.push(format!("{} of a bundle and not of this recipe", helm.stamped_unmatched));
        }
    }
    if let Some(argo) = &source.argo {
        parts.push(text::count(argo.applications, "Argo CD application"));
        parts.push(format!("{} not of this recipe", argo.unattributed));
        parts.push(format!("{} without a chart version", argo.unreadable));
        parts.push(format!("{} for other clusters", argo.remote));
    }
    format!(" of the recipe found; {}", parts.join(", "))
}

fn cells(row: &Row) -> [String; 5] {
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let verdict = row.verdict.map_or("-", Verdict::name);
    [row.component.clone(), or_dash(&row.from), or_dash(&row.to), verdict.to_owned(), row.notes.clone()]
}

/// Everything about a component that needs attention, a line each.
fn details(row: &Row, report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let stated = [("summary", &row.summary), ("before", &row.precondition)];
    lines.extend(
        stated.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("{name}: {}", text.trim())),
    );
    if let Some(found) = report.aicr.releases.get(&row.component) {
        let status = if found.status.is_empty() { String::new() } else { format!(", {}", found.status) };
        lines.push(format!("installed as: {} in namespace {}{status}", found.release, found.namespace));
    }
    lines.extend(row.identity_changes.iter().map(|change| {
        let or_none = |text: &str| if text.is_empty() { "(none)".to_owned() } else { text.to_owned() };
        format!("moved: {} from {} to {}", change.field, or_none(&change.from), or_none(&change.to))
    }));
    lines.extend(row.steps.iter().enumerate().map(|(index, step)| {
        let why = if step.reason.is_empty() { String::new() } else { format!(" ({})", step.reason.trim()) };
        format!("step {}: {}: {}{why}", index + 1, step.id, step.description.trim())
    }));
    let changes = report.aicr.value_changes.get(&row.component);
    lines.extend(changes.into_iter().flatten().map(|change| format!("value: {}", value_change(row, change))));
    lines
}

fn value_change(row: &Row, change: &Change) -> String {
    let prefix = format!("components.{}.values.", row.component);
    let path = change.path.strip_prefix(&prefix).unwrap_or(&change.path);
    let side = |value: &Option<Value>| {
        value.as_ref().map_or("(not set)".to_owned(), |value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    format!("{path} from {} to {}", side(&change.left), side(&change.right))
}

fn at_risk(at_risk: &AtRisk) -> Vec<String> {
    if at_risk.kinds.is_empty() {
        return Vec::new();
    }
    let group = |group: &str| if group.is_empty() { "core".to_owned() } else { group.to_owned() };
    if let Some(reason) = at_risk.reason {
        let kinds: Vec<String> =
            at_risk.kinds.iter().map(|kind| format!("{}/{}", group(&kind.of.group), kind.of.kind)).collect();
        return vec![format!("AT RISK not scanned: {reason}; the upgrade touches {}", kinds.join(", "))];
    }
    let mut lines = vec![format!("AT RISK {} that no deployer manages", text::count(at_risk.findings.len(), "object"))];
    lines.extend(at_risk.kinds.iter().map(|kind| {
        let looked = match (kind.present, kind.examined) {
            (Some(true), Some(examined)) => format!("{} examined", text::count(examined, "object")),
            (None, _) => {
                let why = kind.failure.as_ref().map(Failure::why);
                format!("not examined: {}", why.unwrap_or_else(|| "unknown".to_owned()))
            }
            _ => "the cluster does not have this kind".to_owned(),
        };
        format!("  {}/{}: {looked}", group(&kind.of.group), kind.of.kind)
    }));
    lines.extend(at_risk.findings.iter().map(|finding| {
        let name = if finding.namespace.is_empty() {
            finding.name.clone()
        } else {
            format!("{}/{}", finding.namespace, finding.name)
        };
        format!("  {} {name}, touched by {}", finding.of.kind, finding.of.components.join(", "))
    }));
    lines
}

fn last_line(report: &Report) -> String {
    let changes = match report.summary.components {
        0 => return "nothing changes".to_owned(),
        number => text::count(number, "component change"),
    };
    match report.summary.failing {
        0 => format!("{changes}, none needs attention"),
        1 => format!("{changes}, 1 needs attention"),
        several => format!("{changes}, {several} need attention"),
    }
}

/// For a change ticket: the same facts, with steps to tick off.
fn markdown(report: &Report) -> String {
    let cell = |text: &str| escape::line(text).replace('|', "\\|");
    let mut text = format!("# Upgrade check\n\nFrom `{}` to `{}`.\n\n", report.from, report.to);
    if let Some(source) = &report.source {
        let found = format!("{}{}", text::count(source.matched, "component"), counters(report));
        text += &format!("Read from the cluster `{}`: {found}.\n\n", source.context);
    }
    text += "| Component | From | To | Verdict | Notes |\n| --- | --- | --- | --- | --- |\n";
    for row in &report.components {
        text += &format!("| {} |\n", cells(row).map(|text| cell(&text)).join(" | "));
    }
    for row in report.components.iter().filter(|row| row.fails_run) {
        text += &format!("\n## {}\n\n{}.\n\n", escape::line(&row.component), row.explanation);
        for line in details(row, report) {
            let mark = if line.starts_with("step ") { "- [ ] " } else { "- " };
            text += &format!("{mark}{}\n", escape::line(&line));
        }
    }
    let lines = at_risk(&report.at_risk);
    if !lines.is_empty() {
        text += "\n## Objects at risk\n\n";
        text.extend(lines.iter().map(|line| format!("- {}\n", escape::line(line.trim()))));
    }
    text += &format!("\n{}.\n", last_line(report));
    text
}
