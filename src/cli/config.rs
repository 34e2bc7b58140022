//! `aicr config`: write, check and explain a configuration.

use super::{
    Outcome, Printer, cluster, config_args,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    misuse,
    output::{self, deliver},
    table::Table,
};
use crate::{
    bundle::deployer::{self, Deployer},
    config::{self, Section},
    ops::{self, config::Source, place::Place},
    recipe::format::json_text,
    report::escape,
    text::count,
    yaml,
};
use clap::Command;
use serde_json::{Value, json};

/// Write a configuration, check one, or show which values count and where each comes from.
///
/// A configuration holds defaults for flags: `aicr recipe --config FILE`. Flags and environment variables win over it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Print a configuration with every field, most of them as comments.
    Init(InitArgs),
    /// Look for what is wrong in a configuration: every finding with line, column and what was probably meant.
    Check(CheckArgs),
    /// Show the value of every flag that a configuration can set, and whether it is from the file, the environment or
    /// the program.
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct InitArgs {
    /// Where to write: a file, or `-` for standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", value_parser = output::place)]
    output: Place,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The configuration: a file or URL; else the one that --config names.
    #[arg(value_name = "PLACE", value_parser = output::place)]
    place: Option<Place>,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The configuration: a file or URL; else the one that --config names, else none.
    #[arg(value_name = "PLACE", value_parser = output::place)]
    place: Option<Place>,
    /// In which form.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS))]
    format: Option<&'static Format<[Effective]>>,
}

static FORMATS: &[Format<[Effective]>] = &[
    Format::plain("table", "For reading; no program should parse it", |rows, _| Ok(as_table(rows).text())),
    Format::plain("yaml", "", |rows, _| Ok(yaml::to_string(&as_value(rows)))),
    Format::plain("json", "", |rows, _| Ok(json_text(&as_value(rows)))),
    Format::csv(|rows, _| Ok(as_table(rows).csv())),
];

/// One field of a configuration, and what counts for it.
struct Effective {
    path: String,
    /// The verb and the flag; none where this program has none.
    flag: Option<String>,
    values: Vec<String>,
    from: String,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    match &args.command {
        Verb::Init(args) => {
            if args.output.is_taken() && !args.force {
                let hint = "replace it with --force, or name another with -o";
                return Err(misuse("write the configuration", "the file exists", hint)
                    .at(args.output.to_string())
                    .into());
            }
            deliver(printer, &args.output, &config::template())?;
            Ok(Exit::Good)
        }
        Verb::Check(args) => check(args, global, printer),
        Verb::Show(args) => {
            let place = args.place.as_ref().or(global.config.as_ref());
            let source = place.map(|place| config_args::read(place, global)).transpose()?;
            let rows = effective(&super::command(), source.as_ref());
            args.format.unwrap_or(&FORMATS[0]).print(&rows, printer)?;
            Ok(Exit::Good)
        }
    }
}

/// Ends with the code of a bad file when something is wrong.
fn check(args: &CheckArgs, global: &Global, printer: &Printer) -> Outcome {
    let Some(place) = args.place.as_ref().or(global.config.as_ref()) else {
        return Err(misuse("check a configuration", "none was named", "give a file or a URL").into());
    };
    let session = cluster::session(global)?;
    let findings = cluster::block_on(global, ops::config::check(place, global.has_own_catalog(), session))?;
    for (at, finding) in &findings {
        let hint = finding.hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
        printer.data(&format!("{}\n", escape::block(&format!("{at}: {}{hint}", finding.message))))?;
    }
    printer.note(match findings.len() {
        0 => format!("{} is a configuration", place.source()),
        several => count(several, "problem"),
    });
    Ok(if findings.is_empty() { Exit::Good } else { Exit::Usage })
}

/// Every field that has a flag, and every one that a configuration sets, in the order of the file.
fn effective(command: &Command, source: Option<&Source>) -> Vec<Effective> {
    let mut rows = Vec::new();
    for section in Section::ALL {
        let verb = config_args::verbs(section).first().copied().unwrap_or(section.name());
        for path in config::paths(section) {
            let setting = source.and_then(|source| Some((source, source.config.get(&path)?)));
            let set =
                setting.map(|(source, setting)| (setting.values.clone(), format!("{}:{}", source.shown, setting.at)));
            let argument = config_args::argument(command, verb, &path);
            let (flag, values, from) = match (argument, set) {
                (None, None) => continue,
                (None, Some((values, at))) => (None, values, format!("{at}, without effect")),
                (Some((row, argument)), set) => {
                    let environment = argument.get_env().and_then(|name| {
                        Some((name.to_string_lossy(), std::env::var(name).ok().filter(|value| !value.is_empty())?))
                    });
                    let defaults = || match argument.get_default_values() {
                        [] => unsaid(&path).into_iter().collect(),
                        values => values.iter().map(|value| value.to_string_lossy().into()).collect(),
                    };
                    let (values, from) = match (environment, set) {
                        (Some((name, value)), Some((_, at))) => (vec![value], format!("{name}, over {at}")),
                        (Some((name, value)), None) => (vec![value], name.into_owned()),
                        (None, Some(set)) => set,
                        (None, None) => (defaults(), "default".to_owned()),
                    };
                    (Some(format!("{verb} --{}", row.flag)), values, from)
                }
            };
            rows.push(Effective { path: format!("spec.{path}"), flag, values, from });
        }
    }
    rows
}

/// What counts where nobody says anything and clap knows no default, because another flag may decide it first.
fn unsaid(path: &str) -> Option<String> {
    (path == "bundle.deployment.deployer").then(|| Deployer::name(deployer::ALL[0]).to_owned())
}

fn as_table(rows: &[Effective]) -> Table {
    let shown: Vec<[String; 4]> = rows
        .iter()
        .map(|row| {
            let value = if row.values.is_empty() { "-".to_owned() } else { row.values.join(",") };
            let flag = row.flag.clone().unwrap_or_else(|| "-".to_owned());
            [row.path.clone(), value, row.from.clone(), flag]
        })
        .collect();
    Table::new(["FIELD", "VALUE", "FROM", "FLAG"], &shown)
}

fn as_value(rows: &[Effective]) -> Value {
    let row = |row: &Effective| json!({"field": row.path, "values": row.values, "from": row.from, "flag": row.flag});
    rows.iter().map(row).collect()
}
