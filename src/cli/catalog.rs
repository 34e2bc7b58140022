//! `aicr catalog`: what the embedded catalog and `--data` folders hold.

use super::{Outcome, Printer, criteria_args::CriteriaArgs, exit::Exit, global::Global, table};
use crate::{
    catalog::{Catalog, overlay::Overlay},
    criteria::{Criteria, Dimension},
    recipe::format::json_text,
};
use serde_json::json;

/// List overlays, or name the catalog by its digest.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the overlays that name the given criteria, sorted by name.
    List(ListArgs),
    /// Print the digest over every catalog file, as recipes carry it.
    Digest,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    criteria: CriteriaArgs,
    /// In which form.
    #[arg(short = 't', long, value_enum, default_value = "table")]
    format: ListFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ListFormat {
    Table,
    Json,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let catalog = global.catalog()?;
    match &args.command {
        Command::Digest => printer.data(&format!("{}\n", catalog.digest()))?,
        Command::List(args) => list(args, &catalog, printer)?,
    }
    Ok(Exit::Good)
}

fn list(args: &ListArgs, catalog: &Catalog, printer: &Printer) -> Result<(), super::Stop> {
    let asked = args.criteria.criteria(catalog, Criteria::default())?;
    let named: Vec<&Overlay> = catalog.overlays.values().filter(|overlay| names(overlay, &asked)).collect();
    if args.format == ListFormat::Json {
        let rows: Vec<_> = named.iter().map(|overlay| row_json(catalog, overlay)).collect();
        return printer.data(&json_text(&rows));
    }
    let rows: Vec<[String; 5]> = named.iter().map(|overlay| row(catalog, overlay)).collect();
    printer.data(&table::render(["OVERLAY", "CRITERIA", "BUILDS ON", "LEAF", "FILE"], &rows))?;
    printer.note(format!("{} of {} overlays", rows.len(), catalog.overlays.len()));
    Ok(())
}

/// Whether an overlay's criteria name every value that was asked for.
fn names(overlay: &Overlay, asked: &Criteria) -> bool {
    Dimension::ALL.into_iter().all(|dimension| {
        let wanted = asked.get(dimension);
        wanted.is_none() || overlay.criteria.as_ref().and_then(|criteria| criteria.get(dimension)) == wanted
    })
}

/// Whether no other overlay builds on this one.
fn is_leaf(catalog: &Catalog, overlay: &Overlay) -> bool {
    !catalog.overlays.values().any(|other| other.parent.as_deref() == Some(&*overlay.name))
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
    let embedded = catalog.files.files.get(&overlay.path).is_some_and(|file| file.source == 0);
    json!({
        "name": overlay.name,
        "criteria": overlay.criteria.as_ref().map(stated),
        "base": overlay.parent,
        "isLeaf": is_leaf(catalog, overlay),
        "source": if embedded { "embedded" } else { "external" },
        "file": &**overlay.file(),
    })
}
