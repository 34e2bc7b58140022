//! `aicr paths`: where files of this program live.

use super::{Outcome, Printer, exit::Exit, table};
use crate::store::state_dir;

/// Print the folders for configuration, data, state and cache, and what decided each.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(Args {}: &Args, printer: &Printer) -> Outcome {
    let folders = state_dir::folders();
    let rows: Vec<[String; 3]> = folders
        .named()
        .into_iter()
        .map(|(name, folder)| {
            let path = folder.path.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
            [name.to_owned(), path, folder.named_by.unwrap_or("platform").to_owned()]
        })
        .collect();
    printer.data(&table::render(["FOLDER", "PATH", "NAMED BY"], &rows))?;
    Ok(Exit::Good)
}
