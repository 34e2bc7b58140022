//! `aicr paths`: which files of its own this program has, and where.

use super::{
    Outcome, Printer, crash,
    exit::Exit,
    formats::{ListFormat, Listed},
    table,
};
use crate::{
    store::{folders, log, records, snapshots},
    workbench::{preferences, session},
};
use serde_json::json;

/// Print the folders and files of this program: what it writes on its own (the log, the records of runs, kept snapshots, the last session, the
/// reports of panics), and where it looks for preferences and themes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    format: ListFormat,
}

pub fn run(args: &Args, printer: &Printer) -> Outcome {
    let mut rows: Vec<[String; 3]> = match folders::state() {
        Some(folder) => {
            let path = |name: &str| folder.path.join(name).display().to_string();
            let named_by = folder.named_by.unwrap_or("platform").to_owned();
            vec![
                ["state".to_owned(), folder.path.display().to_string(), named_by],
                ["log".to_owned(), path(log::FILE), "state".to_owned()],
                ["runs".to_owned(), path(records::FOLDER), "state".to_owned()],
                ["snapshots".to_owned(), path(snapshots::FOLDER), "state".to_owned()],
                ["session".to_owned(), path(session::FILE), "state".to_owned()],
                ["panics".to_owned(), path(&crash::file_name("TIME")), "state".to_owned()],
            ]
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
    let value =
        rows.iter().map(|[what, path, named_by]| json!({"what": what, "path": path, "namedBy": named_by})).collect();
    args.format.print(&Listed { table: table::render(["WHAT", "PATH", "NAMED BY"], &rows), value }, printer)?;
    Ok(Exit::Good)
}
