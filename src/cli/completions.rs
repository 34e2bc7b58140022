//! `aicr completions`: a completion script for a shell.

use super::{Outcome, Printer, exit::Exit};
use clap_complete::Shell;

/// Print a completion script, for example: aicr completions bash > ~/.local/share/bash-completion/completions/aicr
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(args: &Args, printer: &Printer) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "aicr", &mut script);
    printer.page(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Good)
}
