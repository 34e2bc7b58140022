//! `aicr man`: manual pages, made from the same definitions as the help.

use super::{Outcome, Printer, Stop, exit::Exit, misuse};

/// Print a manual page in roff, for example: aicr man recipe | man -l -
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The verb (and its part, as in `catalog list`); without one, the program's own page.
    #[arg(value_name = "VERB")]
    verb: Vec<String>,
}

pub fn run(args: &Args, printer: &Printer) -> Outcome {
    let mut command = super::command();
    command.build();
    for verb in &args.verb {
        let shown = command.get_subcommands().filter(|verb| !verb.is_hide_set());
        let known: Vec<String> = shown.map(|verb| verb.get_name().to_owned()).collect();
        command = command.find_subcommand(verb).cloned().ok_or_else(|| {
            let because = format!("unknown command `{verb}`");
            misuse("print the manual page", &because, &format!("verbs: {}", known.join(", ")))
        })?;
    }
    let mut page = Vec::new();
    // What clap knows of a version is that of the whole program.
    let source = format!("aicr {}", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).source(source).render(&mut page).map_err(Stop::output)?;
    printer.page(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Good)
}
