//! `aicr preferences`: what the workbench's own file says, what counts, and where it was set.

use super::{
    Outcome, Printer,
    exit::Exit,
    formats::{self, Format},
    misuse, output,
    table::{self, Table},
};
use crate::{
    ops::{Failure, Kind, place::Place},
    recipe::format::json_text,
    report::escape,
    store::write,
    term::color::Level,
    text::count,
    workbench::preferences::{
        self, Origin, Preferences,
        file::{path, read, themes},
    },
    yaml,
};
use clap::Subcommand;
use serde_json::{Value, json};

/// Preferences of the workbench: what counts, and where it was set.
///
/// The file is config.toml in the folder for configuration (see aicr paths). Flags win over variables of the environment,
/// those over the file. What a file gets wrong is reported at the start and keeps its default.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// What to print: table (the default), yaml, json or csv.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS))]
    format: Option<&'static Format<[Row]>>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a file with every preference at its default, explained.
    Init {
        /// Where to write it; without, to the place where the workbench looks for it. `-` is standard output.
        #[arg(short, long, value_name = "FILE", value_parser = output::place)]
        output: Option<Place>,
        /// Replace a file that is there.
        #[arg(long)]
        force: bool,
    },
    /// Print the JSON schema of the file, by which an editor checks and completes it.
    Schema {
        /// Where to write it: a file, or `-` for standard output.
        #[arg(short, long, value_name = "FILE", default_value = "-", value_parser = output::place)]
        output: Place,
    },
    /// Report what the file gets wrong; exit 2 when there is anything.
    Check,
    /// List the themes: those of the program and those of the folder for themes.
    Themes,
}

/// One preference, and what counts.
struct Row {
    name: String,
    value: String,
    from: String,
}

static FORMATS: &[Format<[Row]>] = &[
    Format::plain("table", "", |rows, _| Ok(as_table(rows).text())),
    Format::plain("yaml", "", |rows, _| Ok(yaml::to_string(&as_value(rows)))),
    Format::plain("json", "", |rows, _| Ok(json_text(&as_value(rows)))),
    Format::csv(|rows, _| Ok(as_table(rows).csv())),
];

pub fn run(args: &Args, printer: &Printer) -> Outcome {
    match &args.verb {
        None => {
            let read = read();
            args.format.unwrap_or(&FORMATS[0]).print(&rows(&read)[..], printer)?;
            warn(&read, printer);
            Ok(Exit::Good)
        }
        Some(Verb::Init { output, force }) => init(output.as_ref(), *force, printer),
        Some(Verb::Schema { output }) => {
            output::deliver(printer, output, &json_text(&preferences::schema()))?;
            Ok(Exit::Good)
        }
        Some(Verb::Check) => check(printer),
        Some(Verb::Themes) => {
            let themes = themes();
            let mut problems = Vec::new();
            let mut row = |name: String| {
                let mode = match themes.load(&name, Level::True) {
                    Ok(theme) => {
                        problems.extend(themes.warnings(&name));
                        format!("{:?}", theme.mode).to_lowercase()
                    }
                    Err(error) => {
                        problems.push(format!("{error}; it cannot be used"));
                        "-".to_owned()
                    }
                };
                [escape::line(&name).into(), mode]
            };
            let rows: Vec<[String; 2]> = themes.names().into_iter().map(&mut row).collect();
            printer.data(&table::render(["THEME", "MODE"], &rows))?;
            problems.iter().for_each(|problem| printer.warn(problem));
            Ok(Exit::Good)
        }
    }
}

fn warn(read: &Preferences, printer: &Printer) {
    for problem in &read.problems {
        printer.warn(problem.to_string());
    }
}

fn init(output: Option<&Place>, force: bool, printer: &Printer) -> Outcome {
    let text = preferences::template();
    let place = match output {
        Some(place) => place.clone(),
        None => {
            let doing = "write the preferences";
            let path =
                path().ok_or_else(|| misuse(doing, "no folder for configuration is known", "set AICR_CONFIG_DIR"))?;
            if let Some(folder) = path.parent() {
                write::folder(folder).map_err(|error| {
                    let failure = Failure::from_error(Kind::Usage, doing, error);
                    failure
                        .at(folder.display().to_string())
                        .hint("set AICR_CONFIG_DIR to a folder that can be written to")
                })?;
            }
            Place::File(path)
        }
    };
    if place.is_taken() && !force {
        let failure =
            misuse("write the preferences", "the file exists", "replace it with --force, or name another with -o");
        return Err(failure.at(place.to_string()).into());
    }
    output::deliver(printer, &place, &text)?;
    Ok(Exit::Good)
}

/// Ends with the verdict code when something is wrong.
fn check(printer: &Printer) -> Outcome {
    let read = read();
    let themes = themes();
    let named = read.theme().map(|name| (name, themes.load(name, Level::True)));
    let mut problems: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    match named {
        Some((_, Err(error))) => {
            problems.push(format!("{}: {error}", read.origin(read.value(&preferences::THEME))));
        }
        Some((name, Ok(_))) => problems.extend(themes.warnings(name)),
        None => {}
    }
    for problem in &problems {
        printer.data(&format!("{}\n", escape::block(problem)))?;
    }
    let file = path().map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    printer.note(match (problems.len(), &read.file) {
        (0, Some(_)) => format!("{file} has no problems"),
        (0, None) => format!("{file} does not exist; the defaults apply"),
        (several, _) => count(several, "problem"),
    });
    // A bad file, as the table of exit codes has it.
    Ok(if problems.is_empty() { Exit::Good } else { Exit::Usage })
}

fn rows(read: &Preferences) -> Vec<Row> {
    let mut rows: Vec<Row> = preferences::ALL
        .iter()
        .map(|preference| {
            let value = read.value(preference);
            Row { name: preference.name.to_owned(), value: value.text.clone(), from: read.origin(value) }
        })
        .collect();
    let preset = &read.preset;
    rows.push(Row { name: "keys.preset".to_owned(), value: preset.text.clone(), from: read.origin(preset) });
    for (action, keys, line) in &read.bound {
        let value = if keys.is_empty() { "none".to_owned() } else { keys.clone() };
        let from = preferences::Value { text: String::new(), origin: Origin::File(*line) };
        rows.push(Row { name: format!("keys.{action}"), value, from: read.origin(&from) });
    }
    rows
}

fn as_table(rows: &[Row]) -> Table {
    let shown: Vec<[String; 3]> =
        rows.iter().map(|row| [row.name.clone(), row.value.clone(), row.from.clone()]).collect();
    Table::new(["PREFERENCE", "VALUE", "FROM"], &shown)
}

fn as_value(rows: &[Row]) -> Value {
    rows.iter().map(|row| json!({"name": row.name, "value": row.value, "from": row.from})).collect()
}
