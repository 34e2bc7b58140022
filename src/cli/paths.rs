//! `aicr paths`: which files of its own this program has, and where.

use super::{
    Outcome, Printer,
    exit::Exit,
    formats::{ListFormat, Listed},
    table::Table,
};
use crate::{
    ops::storage::{self, Item},
    store::folders,
    workbench::preferences,
};
use serde_json::json;

/// Print the folders and files of this program: what it writes on its own (the log, the records of runs, kept snapshots, the last session, the
/// reports of panics) with what that takes, where it looks for preferences and themes, and what it only remembers to be quicker (what the terminal can do).
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    format: ListFormat,
}

pub fn run(args: &Args, printer: &Printer) -> Outcome {
    let items = storage::items();
    let mut rows: Vec<[String; 3]> = match folders::state() {
        Some(folder) => {
            let named_by = folder.named_by.unwrap_or("platform").to_owned();
            let files =
                items.iter().map(|item| [item.what.to_owned(), item.path.display().to_string(), "state".to_owned()]);
            std::iter::once(["state".to_owned(), folder.path.display().to_string(), named_by]).chain(files).collect()
        }
        None => vec![["state".to_owned(), "none".to_owned(), "set AICR_STATE_DIR".to_owned()]],
    };
    match folders::configuration() {
        Some(folder) => {
            let path = |name: &str| folder.path.join(name).display().to_string();
            let named_by = folder.named_by.unwrap_or("platform").to_owned();
            rows.push(["configuration".to_owned(), folder.path.display().to_string(), named_by]);
            rows.push(["preferences".to_owned(), path(preferences::FILE), "configuration".to_owned()]);
            rows.push(["themes".to_owned(), path(preferences::THEMES), "configuration".to_owned()]);
        }
        None => rows.push(["configuration".to_owned(), "none".to_owned(), "set AICR_CONFIG_DIR".to_owned()]),
    }
    match folders::cache() {
        Some(folder) => {
            let path = folder.path.join(folders::TERMINALS).display().to_string();
            let named_by = folder.named_by.unwrap_or("platform").to_owned();
            rows.push(["cache".to_owned(), folder.path.display().to_string(), named_by]);
            rows.push(["terminals".to_owned(), path, "cache".to_owned()]);
        }
        None => rows.push(["cache".to_owned(), "none".to_owned(), "set AICR_CACHE_DIR".to_owned()]),
    }
    let of = |what: &str| items.iter().find(|item| item.what == what);
    let value = rows.iter().map(|[what, path, named_by]| {
        let mut row = json!({"what": what, "path": path, "namedBy": named_by});
        if let Some(item) = of(what) {
            let held = item.held.as_ref().ok();
            row["files"] = json!(held.map(|held| held.files));
            row["bytes"] = json!(held.map(|held| held.bytes));
            row["limit"] = json!(item.limit);
        }
        row
    });
    let value = value.collect();
    let rows: Vec<[String; 4]> = rows
        .iter()
        .map(|[what, path, named_by]| {
            [what.clone(), path.clone(), of(what).map_or("-".to_owned(), Item::holds), named_by.clone()]
        })
        .collect();
    args.format.print(&Listed::new(Table::new(["WHAT", "PATH", "HOLDS", "NAMED BY"], &rows), value), printer)?;
    Ok(Exit::Good)
}
