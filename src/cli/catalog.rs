//! `aicr catalog`: what the embedded catalog and `--data` folders hold.

use super::{
    Outcome, Printer,
    criteria_args::DimensionArgs,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    input,
    table::Table,
};
use crate::{
    catalog::{Catalog, overlay::Overlay},
    constraint::Verdict,
    criteria::{Criteria, Dimension},
    lint::{Finding, Severity},
    ops::{
        self,
        catalog::{is_leaf, names},
    },
    recipe::format::json_text,
    report::escape,
    report::sarif,
    resolve::fit::{Fit, Judged, Match},
};
use serde_json::json;
use std::path::PathBuf;

/// List overlays, look for mistakes, or name the catalog by its digest.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the overlays that name the given criteria, sorted by name; with --snapshot, those that match its cluster.
    List(ListArgs),
    /// Look for what is wrong in a catalog: every finding with file, line and a hint.
    Lint(LintArgs),
    /// Print the digest over every catalog file, as recipes carry it.
    Digest,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    criteria: DimensionArgs,
    /// What fits this cluster: overlays that a snapshot does not contradict, each with what is left to choose and whether
    /// its constraints hold (a file, `-` for standard input, cm://NAMESPACE/NAME or a URL).
    #[arg(short, long, value_name = "PLACE")]
    snapshot: Option<String>,
    /// In which form.
    #[arg(short = 't', long, value_parser = formats::parser(LISTS), default_value = "table")]
    format: &'static Format<Listing>,
}

/// Overlays, for people and for programs.
struct Listing {
    table: Table,
    rows: Vec<serde_json::Value>,
}

static LISTS: &[Format<Listing>] = &[
    Format::plain("table", "", |list, _| Ok(list.table.text())),
    Format::plain("json", "", |list, _| Ok(json_text(&list.rows))),
    Format::csv(|list, _| Ok(list.table.csv())),
];

#[derive(Debug, clap::Args)]
struct LintArgs {
    /// The folder of a catalog; the embedded one (with `--data`) when left out. A folder without `overlays/base.yaml` is
    /// read over the embedded catalog.
    folder: Option<PathBuf>,
    /// In which form.
    #[arg(short = 't', long, value_parser = formats::parser(FINDINGS), default_value = "text")]
    format: &'static Format<[Finding]>,
}

static FINDINGS: &[Format<[Finding]>] = &[
    Format::laid_out("text", "", |findings, _| {
        Ok(findings.iter().map(|finding| format!("{}\n", escape::block(&finding.to_string()))).collect())
    }),
    Format::plain("json", "", |findings, _| Ok(json_text(&findings))),
    Format::plain("sarif", "For code hosts", |findings, _| Ok(json_text(&sarif::to_sarif(findings)))),
    Format::csv(|findings, _| Ok(found(findings).csv())),
];

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    match &args.command {
        Command::Digest => printer.data(&format!("{}\n", global.catalog()?.digest()))?,
        Command::List(args) => match &args.snapshot {
            Some(place) => fitting(args, place, global, printer)?,
            None => list(args, &*global.catalog()?, printer)?,
        },
        Command::Lint(args) => return lint(args, global, printer),
    }
    Ok(Exit::Good)
}

fn found(findings: &[Finding]) -> Table {
    let row = |finding: &Finding| {
        let Finding { file, line, column, severity, rule, message, hint } = finding;
        let severity = if *severity == Severity::Error { "error" } else { "warning" };
        let hint = hint.clone().unwrap_or_default();
        [file.clone(), line.to_string(), column.to_string(), severity.into(), (*rule).into(), message.clone(), hint]
    };
    let rows: Vec<[String; 7]> = findings.iter().map(row).collect();
    Table::new(["FILE", "LINE", "COLUMN", "SEVERITY", "RULE", "MESSAGE", "HINT"], &rows)
}

/// Ends with the verdict code when an error was found; warnings alone are good.
fn lint(args: &LintArgs, global: &Global, printer: &Printer) -> Outcome {
    let findings = ops::catalog::lint(args.folder.as_deref(), &global.sources())?;
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    args.format.print(&findings, printer)?;
    if args.format.laid_out {
        printer.note(format!("{errors} errors, {} warnings", findings.len() - errors));
    }
    Ok(if errors == 0 { Exit::Good } else { Exit::Verdict })
}

fn list(args: &ListArgs, catalog: &Catalog, printer: &Printer) -> Result<(), super::Stop> {
    let query = args.criteria.0.query(catalog, None)?;
    let asked = query.criteria();
    let named: Vec<&Overlay> = catalog.overlays.values().filter(|overlay| names(catalog, overlay, asked)).collect();
    let cells: Vec<[String; 5]> = named.iter().map(|overlay| row(catalog, overlay)).collect();
    let listing = Listing {
        table: Table::new(["OVERLAY", "CRITERIA", "BUILDS ON", "LEAF", "FILE"], &cells),
        rows: named.iter().map(|overlay| row_json(catalog, overlay)).collect(),
    };
    args.format.print(&listing, printer)?;
    printer.note(format!("{} of {} overlays; every recipe builds on base too", named.len(), catalog.overlays.len()));
    Ok(())
}

/// Overlays that a cluster does not contradict, best first.
fn fitting(args: &ListArgs, place: &str, global: &Global, printer: &Printer) -> Result<(), super::Stop> {
    let snapshot = input::snapshot(place, global)?;
    let catalog = global.catalog()?;
    let query = args.criteria.0.query(&catalog, Some(&snapshot))?;
    let stated = query.criteria();
    let mut fits = ops::catalog::fits(&catalog, stated, &snapshot)?;
    if let Some(choice) = &stated.profile {
        fits.retain(|fit| ops::catalog::offers(&catalog, fit.overlay, choice));
    }
    let cells: Vec<[String; 4]> = fits.iter().map(fit_row).collect();
    let listing = Listing {
        table: Table::new(["OVERLAY", "MATCHES", "LEFT TO CHOOSE", "BECAUSE"], &cells),
        rows: fits.iter().map(|fit| fit_json(&catalog, fit)).collect(),
    };
    args.format.print(&listing, printer)?;
    let matching = fits.iter().filter(|fit| fit.matched() == Match::Yes).count();
    let overlays = catalog.overlays.len();
    printer.note(format!(
        "{matching} of {overlays} overlays match {}; overlays for other clusters are not listed",
        escape::line(&stated.to_string())
    ));
    Ok(())
}

fn fit_row(fit: &Fit<'_>) -> [String; 4] {
    let chosen = fit.open.iter().map(|(dimension, value)| format!("{}={value}", dimension.name())).collect::<Vec<_>>();
    let because = |judged: &Judged| match &judged.verdict {
        Verdict::Pass { .. } => None,
        Verdict::Fail { actual, nodes } => {
            let nodes = nodes.as_ref().map(|nodes| format!(" ({})", nodes.words())).unwrap_or_default();
            Some(format!("{} is {actual}, needs {}{nodes}", judged.name, judged.expected))
        }
        Verdict::Unknown { reason, .. } => Some(format!("{}: {reason}", judged.name)),
    };
    let reasons: Vec<String> = fit.constraints.iter().filter_map(because).collect();
    let holds = match fit.constraints.len() {
        1 => "its constraint holds".to_owned(),
        several => format!("its {several} constraints hold"),
    };
    let because = if reasons.is_empty() { holds } else { reasons.join("; ") };
    [fit.overlay.name.clone(), fit.matched().name().to_owned(), chosen.join(" "), because]
}

fn fit_json(catalog: &Catalog, fit: &Fit<'_>) -> serde_json::Value {
    let mut row = row_json(catalog, fit.overlay);
    let open: serde_json::Map<String, serde_json::Value> =
        fit.open.iter().map(|(dimension, value)| (dimension.name().to_owned(), value.as_str().into())).collect();
    row["matches"] = json!(fit.matched());
    row["open"] = open.into();
    row["constraints"] = json!(fit.constraints);
    row
}

fn row(catalog: &Catalog, overlay: &Overlay) -> [String; 5] {
    let criteria = overlay.criteria.as_ref().map_or("none".to_owned(), ToString::to_string);
    let parent = overlay.parent.clone().unwrap_or_else(|| crate::catalog::overlay::BASE.to_owned());
    let leaf = if is_leaf(catalog, overlay) { "yes" } else { "" };
    [overlay.name.clone(), criteria, parent, leaf.to_owned(), overlay.file().to_string()]
}

fn row_json(catalog: &Catalog, overlay: &Overlay) -> serde_json::Value {
    let stated = |criteria: &Criteria| -> serde_json::Map<String, serde_json::Value> {
        let entry = |dimension: Dimension| Some((dimension.name().to_owned(), criteria.get(dimension)?.into()));
        Dimension::ALL.into_iter().filter_map(entry).collect()
    };
    let embedded = catalog.is_embedded(overlay);
    json!({
        "name": overlay.name,
        "criteria": overlay.criteria.as_ref().map(stated),
        "base": overlay.parent,
        "isLeaf": is_leaf(catalog, overlay),
        "source": if embedded { "embedded" } else { "external" },
        "profile": overlay.body().profile.as_ref().map(|profile| json!({
            "name": profile.name,
            "description": profile.description,
            "default": profile.default,
            "values": profile.names().collect::<Vec<_>>(),
        })),
        "file": &**overlay.file(),
    })
}
