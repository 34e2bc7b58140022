//! `aicr keys`: the key map of the workbench, as it is bound.

use super::{Outcome, Printer, exit::Exit};
use crate::workbench::{keymap::Keymap, preferences::file};

/// Print the keys of the workbench.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// As a Markdown table.
    #[arg(long)]
    markdown: bool,
    /// Report keys that mean two things, and keys that terminal multiplexers eat; exit 2 when there are any.
    #[arg(long, conflicts_with = "markdown")]
    check: bool,
    /// As the program comes, without preferences of your own.
    #[arg(long)]
    default: bool,
}

pub fn run(args: &Args, printer: &Printer) -> Outcome {
    let keys = if args.default { Keymap::default() } else { file::read().keys };
    if args.check {
        let problems: Vec<String> = keys.conflicts().iter().cloned().chain(keys.problems()).collect();
        for problem in &problems {
            printer.warn(problem);
        }
        return Ok(if problems.is_empty() { Exit::Good } else { Exit::Usage });
    }
    let text = if args.markdown { keys.markdown() } else { keys.plain() };
    printer.page(&text)?;
    Ok(Exit::Good)
}
