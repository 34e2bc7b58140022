//! `aicr keys`: the key map of the workbench, as it is bound.

use super::{
    Outcome, Printer,
    exit::Exit,
    formats::{ListFormat, Listed},
    table::Table,
};
use crate::workbench::{
    keymap::{self, Keymap},
    preferences::file,
};
use serde_json::json;

/// Print the keys of the workbench.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// As a Markdown table.
    #[arg(long)]
    markdown: bool,
    /// Report keys that mean two things, keys that terminal multiplexers eat, and actions without a key; exit 2 when there are any.
    #[arg(long, conflicts_with = "markdown")]
    check: bool,
    /// As the program comes, without preferences of your own.
    #[arg(long)]
    default: bool,
    #[command(flatten)]
    format: ListFormat,
}

pub fn run(args: &Args, printer: &Printer) -> Outcome {
    let keys = if args.default { Keymap::default() } else { file::read().keys };
    if args.check {
        // One that is known from the file has its line as well.
        let conflicts = keys.conflicts();
        let more = keys.problems().into_iter().filter(|said| !conflicts.iter().any(|known| known.contains(said)));
        let problems: Vec<String> = conflicts.iter().cloned().chain(more).collect();
        for problem in &problems {
            printer.warn(problem);
        }
        return Ok(if problems.is_empty() { Exit::Good } else { Exit::Usage });
    }
    if args.markdown {
        printer.page(&keys.markdown())?;
        return Ok(Exit::Good);
    }
    let value = keys
        .rows()
        .map(|(binding, _)| {
            let (name, group, place) = (binding.name, binding.group.name(), keymap::place(binding));
            json!({"action": name, "keys": keys.texts(binding.action), "group": group, "where": place, "help": binding.help})
        })
        .collect();
    let row = |(binding, _): (&'static keymap::Binding, _)| {
        let texts = keys.texts(binding.action).join(", ");
        [texts, binding.name.to_owned(), keymap::place(binding), binding.help.to_owned()]
    };
    let rows: Vec<[String; 4]> = keys.rows().map(row).collect();
    let table = Table::new(["KEYS", "ACTION", "WHERE", "HELP"], &rows);
    args.format.print(&Listed { text: Some(keys.plain()), ..Listed::new(table, value) }, printer)?;
    Ok(Exit::Good)
}
