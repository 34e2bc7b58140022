//! `aicr completions`: a completion script for a shell.

use super::{Outcome, Printer, exit::Exit, global::Global};
use crate::{catalog::Catalog, criteria::Dimension};
use clap::builder::PossibleValuesParser;

/// Print a completion script, for example: aicr completions bash > ~/.local/share/bash-completion/completions/aicr
///
/// Criteria complete to the values of the catalog, with those of --data.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell; pwsh is another name of powershell.
    #[arg(value_enum)]
    shell: Script,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Script {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
    Zsh,
}

impl From<Script> for clap_complete::Shell {
    fn from(shell: Script) -> clap_complete::Shell {
        match shell {
            Script::Bash => clap_complete::Shell::Bash,
            Script::Elvish => clap_complete::Shell::Elvish,
            Script::Fish => clap_complete::Shell::Fish,
            Script::PowerShell => clap_complete::Shell::PowerShell,
            Script::Zsh => clap_complete::Shell::Zsh,
        }
    }
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let mut command = with_criteria(super::command(), &values(&*global.catalog()?));
    let mut script = Vec::new();
    clap_complete::generate(clap_complete::Shell::from(args.shell), &mut command, "aicr", &mut script);
    printer.page(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Good)
}

/// What each criterion can be; clap keeps the words for as long as the program runs.
fn values(catalog: &Catalog) -> Vec<(&'static str, Vec<&'static str>)> {
    let legal = |dimension| catalog.criteria_values(dimension).into_iter().map(|value| &*value.leak()).collect();
    let named = Dimension::ALL.into_iter().filter(|dimension| *dimension != Dimension::Nodes);
    named.map(|dimension| (dimension.name(), legal(dimension))).collect()
}

/// The command line with these values for the flags of that name, in every verb: they are not known before the catalog is.
fn with_criteria(mut command: clap::Command, values: &[(&'static str, Vec<&'static str>)]) -> clap::Command {
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for verb in verbs {
        command = command.mut_subcommand(verb, |verb| with_criteria(verb, values));
    }
    for (name, legal) in values {
        // `snapshot --os` shapes a pod.
        let is_criterion = |known: &clap::Arg| known.get_id() == *name && !known.is_hide_set();
        if command.get_arguments().any(is_criterion) {
            command = command.mut_arg(name, |flag| flag.value_parser(PossibleValuesParser::new(legal)));
        }
    }
    command
}
