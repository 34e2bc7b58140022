//! The command line: parse, call one op, render.
//!
//! One file per verb; [`Command`] is the registry, and help, completions and man pages are made from it. A verb returns an
//! [`Exit`] or the one failure that stopped it, and only [`main`] prints failures.

mod agent_args;
mod bundle;
mod catalog;
mod check;
mod cleanup;
mod cluster;
mod completions;
mod config;
mod config_args;
mod convert;
mod crash;
mod criteria_args;
mod demo;
mod deploy;
mod diff;
mod diff_markdown;
mod drift;
mod dump_args;
pub mod exit;
mod explain;
mod follow;
mod formats;
mod global;
mod image;
mod input;
mod keys;
mod lacking;
mod live;
mod man;
mod output;
mod paths;
mod preferences;
mod printer;
mod protect;
mod query;
mod recipe;
mod recipe_list;
mod run_args;
mod runs;
mod snapshot;
mod snapshots;
mod table;
mod tour;
mod tui;
mod undeploy;
mod upgrade_check;
mod validate;
mod verify;

use crate::{
    ops::{
        Failure, Kind,
        place::{self, Place},
    },
    report::words,
    term::color::When,
};
use clap::{ArgMatches, Args as _, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};
use exit::Exit;
use global::Global;
use printer::Printer;
use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    panic::AssertUnwindSafe,
    process::ExitCode,
    sync::LazyLock,
};

/// `aicr version 0.1.0 (commit: …, date: …)`, of which scripts take the third word. Whoever builds a release says the rest.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let told = |word: Option<&'static str>| word.filter(|word| !word.is_empty()).unwrap_or("unknown");
    let (commit, date) = (told(option_env!("AICR_BUILD_COMMIT")), told(option_env!("AICR_BUILD_DATE")));
    format!("version {} (commit: {commit}, date: {date})", env!("CARGO_PKG_VERSION"))
});

/// Terminal workbench and command line for GPU cluster recipes.
///
/// Snapshot a GPU Kubernetes cluster, resolve the recipe that fits it, validate the cluster against the recipe, and compare
/// clusters. Data goes to standard output, everything else to standard error. Without a verb it opens the workbench, and takes
/// the options of `aicr tui`.
#[derive(Debug, Parser)]
#[command(name = "aicr", version = &**VERSION, disable_version_flag = true)]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Option<Command>,
}

// What every verb shares. A doc comment would be the help of the whole program.
#[derive(Debug, clap::Args)]
struct Shared {
    #[command(flatten)]
    global: Global,
    /// Print the version.
    #[arg(short = 'v', short_alias = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
}

/// The verbs, in the order of help.
#[derive(Debug, Subcommand)]
enum Command {
    Snapshot(snapshot::Args),
    Snapshots(snapshots::Args),
    Recipe(recipe::Args),
    Query(query::Args),
    Explain(explain::Args),
    Validate(Box<validate::Args>),
    Runs(runs::Args),
    Cleanup(cleanup::Args),
    Diff(diff::Args),
    Convert(convert::Args),
    Config(config::Args),
    UpgradeCheck(upgrade_check::Args),
    Bundle(Box<bundle::Args>),
    Verify(verify::Args),
    Deploy(Box<deploy::Args>),
    Undeploy(undeploy::Args),
    Image(image::Args),
    #[command(hide = true)]
    Check(check::Args),
    Catalog(catalog::Args),
    Tui(tui::Args),
    Demo(demo::Args),
    Keys(keys::Args),
    Preferences(preferences::Args),
    Paths(paths::Args),
    #[command(visible_alias = "completion")]
    Completions(completions::Args),
    Man(man::Args),
}

/// How a verb ends.
type Outcome = Result<Exit, Stop>;

/// What ends a verb before its work is done.
#[derive(Debug)]
enum Stop {
    Failed(Box<Failure>),
    /// Whoever read standard output went away (`aicr recipe | head -1`): quiet, as other programs are.
    ClosedPipe,
}

impl Stop {
    fn output(error: io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::ClosedPipe,
            _ => place::unprintable(error).into(),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(Box::new(failure))
    }
}

/// Runs the program with these arguments, its own name first. A panic on this thread ends it with the code of a fault.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    crash::install();
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| run(arguments)));
    ran.unwrap_or_else(|_| Exit::Internal.into())
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = parse_quickly(&arguments).map_or_else(|| parse(command(), &arguments), Ok);
    let parsed = parsed.map(|parsed| (parsed, arguments.clone())).or_else(|error| parse_alone(&arguments, error));
    let (cli, verb, arguments) = match parsed {
        Ok(((cli, matches), arguments)) => (cli, matches.subcommand_name().unwrap_or_default().to_owned(), arguments),
        Err(error) => return usage(&error).into(),
    };
    crash::use_color(cli.shared.global.color);
    cli.shared.global.start_log();
    crash::on_request();
    let printer = Printer::new(cli.shared.global.color, cli.shared.global.debug);
    let outcome = match cli.shared.global.config.clone() {
        // The verb itself reads it, to say what is wrong with it.
        Some(place) if verb != "config" => configured(&place, (&arguments, &verb), cli, &printer),
        _ => start(cli, &printer),
    };
    printer.debug(|| "done".to_owned());
    match outcome {
        Ok(exit) => exit.into(),
        Err(Stop::ClosedPipe) => Exit::ClosedPipe.into(),
        Err(Stop::Failed(failure)) => {
            let exit = Exit::from(failure.kind);
            match exit {
                // Perhaps because the reader of our output does not read.
                Exit::Interrupted => follow::last_words(move || printer.failure(&failure)),
                _ => printer.failure(&failure),
            }
            exit.into()
        }
    }
}

type Augment = fn(clap::Command) -> clap::Command;

/// Verbs that scripts call often, with their arguments.
const QUICK: [(&str, Augment); 8] = [
    ("snapshot", snapshot::Args::augment_args),
    ("recipe", recipe::Args::augment_args),
    ("query", query::Args::augment_args),
    ("explain", explain::Args::augment_args),
    ("validate", validate::Args::augment_args),
    ("diff", diff::Args::augment_args),
    ("bundle", bundle::Args::augment_args),
    ("verify", verify::Args::augment_args),
];

/// The command line read with the arguments of its own verb only, so that a short verb does not make those of all others
/// first. `None` for whatever is not a plain call of such a verb, help and mistakes included, which the whole tree answers.
fn parse_quickly(arguments: &[OsString]) -> Option<(Cli, ArgMatches)> {
    let verb = arguments.get(1)?.to_str()?;
    let (name, augment) = QUICK.into_iter().find(|(name, _)| *name == verb)?;
    parse(alone_with(name, augment), arguments).ok()
}

fn alone_with(name: &'static str, augment: Augment) -> clap::Command {
    let program = clap::Command::new("aicr").version(&**VERSION).disable_version_flag(true);
    Shared::augment_args(program).subcommand(augment(clap::Command::new(name)))
}

fn parse(command: clap::Command, arguments: &[OsString]) -> Result<(Cli, ArgMatches), clap::Error> {
    let matches = command.try_get_matches_from(arguments)?;
    Ok((Cli::from_arg_matches(&matches)?, matches))
}

/// The command line and what was found in it.
type Parsed = ((Cli, ArgMatches), Vec<OsString>);

/// A command line without a verb, which clap refused: `aicr` alone opens the workbench, so its options are taken there, too.
/// A file is not, because a mistyped verb looks like one.
///
/// Not arguments of the whole program to clap: it would take them before every verb.
fn parse_alone(arguments: &[OsString], refused: clap::Error) -> Result<Parsed, clap::Error> {
    let all = command();
    let is_verb =
        |word: &OsString| word.to_str().is_some_and(|word| word == "help" || all.find_subcommand(word).is_some());
    let is_about_options = matches!(refused.kind(), ErrorKind::UnknownArgument);
    if !is_about_options {
        return Err(refused);
    }
    let mut with_verb = arguments.to_vec();
    with_verb.insert(1.min(arguments.len()), "tui".into());
    match parse(all.clone(), &with_verb) {
        Ok(parsed) if matches!(&parsed.0.command, Some(Command::Tui(args)) if !args.opens_files()) => {
            Ok((parsed, with_verb))
        }
        Ok(_) => Err(refused),
        // An option that neither knows is answered as one of the program.
        Err(error) if matches!(error.kind(), ErrorKind::UnknownArgument) => Err(refused),
        Err(_) if arguments.iter().skip(1).any(is_verb) => Err(refused),
        Err(error) => Err(error),
    }
}

fn start(cli: Cli, printer: &Printer) -> Outcome {
    match cli.command {
        Some(command) => command.run(&cli.shared.global, printer),
        None => alone(&cli.shared.global, printer),
    }
}

/// Starts a verb with the settings of a configuration as defaults of its flags.
fn configured(place: &Place, (arguments, verb): (&[OsString], &str), first: Cli, printer: &Printer) -> Outcome {
    let source = config_args::read(place, &first.shared.global)?;
    let command = config_args::with_defaults(command(), verb, &source.config);
    let (mut cli, matches) = match parse(command.clone(), arguments) {
        Ok(parsed) => parsed,
        // The arguments were understood without the settings, so that it is one of them.
        Err(error) => {
            let text = error.render().to_string();
            let because = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let failure = misuse("apply the configuration", &because, "correct the setting of that flag");
            return Err(failure.at(source.shown.to_string()).into());
        }
    };
    // Whatever reading the configuration has made is used again.
    cli.shared.global.cluster = first.shared.global.cluster;
    let applied = config_args::applied(source, &command, &matches, printer);
    cli.shared.global.apply(applied);
    start(cli, printer)
}

impl Command {
    fn run(self, global: &Global, printer: &Printer) -> Outcome {
        match self {
            Command::Snapshot(args) => snapshot::run(&args, global, printer),
            Command::Snapshots(args) => snapshots::run(&args, global, printer),
            Command::Recipe(args) => recipe::run(&args, global, printer),
            Command::Query(args) => query::run(&args, global, printer),
            Command::Explain(args) => explain::run(&args, global, printer),
            Command::Validate(args) => validate::run(&args, global, printer),
            Command::Runs(args) => runs::run(&args, global, printer),
            Command::Cleanup(args) => cleanup::run(&args, global, printer),
            Command::Diff(args) => diff::run(&args, global, printer),
            Command::Convert(args) => convert::run(&args, global, printer),
            Command::Config(args) => config::run(&args, global, printer),
            Command::UpgradeCheck(args) => upgrade_check::run(&args, global, printer),
            Command::Bundle(args) => bundle::run(&args, global, printer),
            Command::Verify(args) => verify::run(&args, global, printer),
            Command::Deploy(args) => deploy::run(&args, global, printer),
            Command::Undeploy(args) => undeploy::run(&args, global, printer),
            Command::Image(args) => image::run(&args, global, printer),
            Command::Check(args) => check::run(&args, global, printer),
            Command::Catalog(args) => catalog::run(&args, global, printer),
            Command::Tui(args) => tui::run(&args, global, printer),
            Command::Demo(args) => demo::run(&args, global, printer),
            Command::Keys(args) => keys::run(&args, printer),
            Command::Preferences(args) => preferences::run(&args, printer),
            Command::Paths(args) => paths::run(&args, printer),
            Command::Completions(args) => completions::run(&args, global, printer),
            Command::Man(args) => man::run(&args, printer),
        }
    }
}

/// The whole command line as clap knows it.
fn command() -> clap::Command {
    Cli::command().after_long_help(format!("{}\n{}", words::table(), exit::table()))
}

/// `aicr` without a verb: the workbench on a terminal, unless --no-tui forbids it; else the tour of the demo cluster, or
/// nothing to print.
fn alone(global: &Global, printer: &Printer) -> Outcome {
    if io::stdin().is_terminal() && io::stdout().is_terminal() && !global.no_tui {
        return tui::run(&tui::Args::default(), global, printer);
    }
    if global.demo {
        return tour::tour(global, printer);
    }
    Printer::new(When::Auto, false).note(command().render_help());
    Ok(Exit::Usage)
}

/// Prints what clap has to say: help to standard output, complaints to standard error.
fn usage(error: &clap::Error) -> Exit {
    if error.use_stderr() {
        let printer = Printer::new(When::Auto, false);
        match lacking::answer(error) {
            Some(failure) => printer.failure(&failure),
            None => {
                let text = error.render();
                let text = if printer.colors_notes() { text.ansi().to_string() } else { text.to_string() };
                printer.note(lacking::in_known_words(error, text).trim_end());
            }
        }
        return Exit::Usage;
    }
    match error.print() {
        Ok(()) => Exit::Good,
        Err(broken) if broken.kind() == io::ErrorKind::BrokenPipe => Exit::ClosedPipe,
        Err(_) => Exit::Internal,
    }
}

/// A usage failure of a verb's own making.
fn misuse(doing: &str, because: &str, hint: &str) -> Failure {
    Failure::new(Kind::Usage, doing, because).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }

    #[test]
    fn options_of_the_workbench_need_no_verb_and_are_an_error_with_another_one() {
        let line = |words: &str| words.split(' ').map(OsString::from).collect::<Vec<_>>();
        let alone = |words: &str| {
            let arguments = line(words);
            let refused = parse(command(), &arguments).expect_err(words);
            parse_alone(&arguments, refused).map(|(_, arguments)| arguments).map_err(|error| error.to_string())
        };
        for (words, expected) in [
            ("aicr --demo --fresh", "aicr tui --demo --fresh"),
            ("aicr --linear", "aicr tui --linear"),
            ("aicr --screen recipe --context fleet --demo", "aicr tui --screen recipe --context fleet --demo"),
        ] {
            assert_eq!(alone(words), Ok(line(expected)));
        }
        for (words, part) in [
            ("aicr --fresh keys", "unexpected argument '--fresh'"),
            ("aicr keys --fresh", "unexpected argument '--fresh'"),
            ("aicr --fresh snapshot.yaml", "unexpected argument '--fresh'"),
            ("aicr --freshh", "unexpected argument '--freshh'"),
            ("aicr --fresh --screen nowhere", "there are cluster, recipe, diff, validate and compare"),
            ("aicr recpie", "unrecognized subcommand 'recpie'"),
        ] {
            let refused = alone(words).expect_err(words);
            assert!(refused.contains(part), "{words}: {refused}");
        }
    }

    #[test]
    fn a_verb_alone_takes_what_it_takes_among_all() {
        let mut all = command();
        all.build();
        for (name, augment) in QUICK {
            let mut alone = alone_with(name, augment);
            alone.build();
            let arguments = |tree: &clap::Command| {
                let verb = tree.find_subcommand(name).unwrap();
                assert!(verb.get_all_aliases().next().is_none());
                verb.get_arguments().map(|argument| format!("{argument:?}")).collect::<Vec<_>>()
            };
            assert_eq!(arguments(&alone), arguments(&all), "{name}");
        }
        let line = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(parse_quickly(&line(&["aicr", "recipe", "--service", "eks"])).is_some());
        for other in [["aicr", "recipe", "--help"], ["aicr", "recipe", "--servise"], ["aicr", "help", "recipe"]] {
            assert!(parse_quickly(&line(&other)).is_none(), "{other:?}");
        }
    }
}
