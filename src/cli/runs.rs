//! `aicr runs`: the runs that were recorded on this machine.

use super::{
    Outcome, Printer, Stop,
    exit::Exit,
    follow::apart,
    formats::{Format, ListFormat, Listed},
    global::Global,
    live::Live,
    misuse, output,
    printer::Stream,
    table::Table,
};
use crate::{
    ops::{
        Failure, Kind,
        place::Place,
        run::{
            NAMESPACE, attach,
            record::{self, Record, RecordEnd, Summary},
        },
    },
    recipe::format::json_text,
    report::{
        self, FORMS, Report,
        compare::{self as runs, Row},
        markdown::cell,
        words::{self, Word},
    },
    text::{count, duration},
    validate::{
        event::{Body, Event},
        plan::{cleanup_command, follow_command},
    },
    yaml,
};
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use std::time::Duration;

/// List, show, replay, export and prune recorded runs.
///
/// Every validation and every deploy is recorded as it happens: its plan, its events, the output of its checks or of Helm. RUN is the id of a run, a part
/// of it that no other has, `last`, or a file. No cluster is needed, except while a run goes on. With --demo there are runs of
/// the demo's past as well.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  aicr runs list\n  aicr runs show last\n  aicr runs replay last --speed 10\n  \
                        aicr runs export last -t junit -o report.xml\n  aicr runs follow --cluster\n  aicr diff RUN RUN")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List recorded runs, the newest first.
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Show the report of a run, or its plan.
    Show {
        /// The run.
        #[arg(value_name = "RUN", default_value = "last")]
        run: String,
        /// The plan that was made before it, instead of its report.
        #[arg(long)]
        plan: bool,
    },
    /// Write a run as a report, or as its record.
    Export {
        /// The run.
        #[arg(value_name = "RUN")]
        run: String,
        /// Where it goes: a file, or `-`.
        #[arg(short, long, value_name = "FILE", default_value = "-", value_parser = output::place)]
        output: Place,
        /// What to write: ctrf, text, junit, markdown, csv, sarif, or events as JSON lines.
        #[arg(short = 't', long, default_value = "ctrf", value_parser = forms())]
        format: String,
    },
    /// Show a run again as it happened, without its cluster.
    Replay {
        /// The run.
        #[arg(value_name = "RUN", default_value = "last")]
        run: String,
        /// How many times faster than it was; 0 for at once.
        #[arg(long, value_name = "FACTOR", default_value_t = 1)]
        speed: u32,
        /// Wait for Enter before each line instead.
        #[arg(long, conflicts_with = "speed")]
        step: bool,
        /// Show every line that checks printed.
        #[arg(long)]
        logs: bool,
    },
    /// Follow a run that goes on in another terminal of this machine, from its beginning to its end; or, on the cluster, one
    /// that anybody started.
    Follow {
        /// The run.
        #[arg(value_name = "RUN", default_value = "last")]
        run: String,
        /// Look for it on the cluster, by the labels of its Jobs and pods in this namespace.
        #[arg(long, value_name = "NAMESPACE", num_args = 0..=1, require_equals = true, default_missing_value = NAMESPACE)]
        cluster: Option<String>,
        /// Show every line that checks print.
        #[arg(long)]
        logs: bool,
    },
    /// Remove the records of old runs.
    Prune {
        /// How many of the newest stay.
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        keep: usize,
        /// Only list what would be removed.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Forms of reports, and the record itself.
fn forms() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMS.iter().map(|form| form.name).chain([EVENTS]))
}

const EVENTS: &str = "events";

fn report(form: &str, record: &Record) -> String {
    report::form(form).map_or_else(|| events(record), |form| (form.render)(&record.report()))
}

fn events(record: &Record) -> String {
    // Events serialize: they hold texts and numbers only.
    record.events.iter().map(|event| serde_json::to_string(event).unwrap_or_default() + "\n").collect()
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let shelf = record::shelf(&global.target()?);
    match &args.verb {
        Verb::List { format } => {
            let all = shelf.list()?;
            let rows: Vec<[String; 6]> = all.iter().map(row).collect();
            let heading = ["RUN", "STARTED", "CLUSTER", "RECIPE", "VERDICT", "CHECKS"];
            let keys = ["run", "started", "cluster", "recipe", "verdict", "checks"];
            let cell =
                |(key, text): (&str, &String)| (key.to_owned(), if text == "-" { Value::Null } else { json!(text) });
            let value = rows.iter().map(|row| Value::Object(keys.into_iter().zip(row).map(cell).collect())).collect();
            format.print(&Listed::new(Table::new(heading, &rows), value), printer)?;
            let own = count(all.len() - shelf.of_demo(), "run");
            let own = record::folder().map_or(own.clone(), |folder| format!("{own} in {}", folder.display()));
            printer.note(match shelf.of_demo() {
                0 => own,
                past => format!("{own}, {past} of the demo's past"),
            });
        }
        Verb::Show { run, plan } => {
            let record = shelf.open(run)?;
            let text = match plan {
                true => record.facts.plan.iter().map(|line| format!("{line}\n")).collect(),
                false => format!("run {} on {}\n{}", record.stored.name, record.facts.cluster, report("text", &record)),
            };
            printer.data(&text)?;
        }
        Verb::Export { run, output, format } => {
            let record = shelf.open(run)?;
            if record.report().deploy.is_some() && ![EVENTS, "text"].contains(&&**format) {
                let because =
                    format!("run {} is a deploy, which has no checks to write as {format}", record.stored.name);
                return Err(misuse("export the run", &because, "write it with -t text or -t events").into());
            }
            output::deliver(printer, output, &report(format, &record))?;
        }
        Verb::Replay { run, speed, step, logs } => {
            let record = shelf.open(run)?;
            return super::cluster::block_on(global, async {
                tokio::select! {
                    ended = replay(&record, (*speed, *step), *logs, printer) => ended,
                    () = super::cluster::reader_gone() => Err(Stop::ClosedPipe),
                }
            });
        }
        Verb::Follow { run, cluster: Some(namespace), logs } => {
            return super::cluster::block_on(global, attach(namespace, run, *logs, global, printer));
        }
        Verb::Follow { run, cluster: None, logs } => {
            let mut live = Live::new(printer.clone(), Stream::Out, *logs);
            let mut broken = None;
            let mut verdict = None;
            let mut clean = "aicr cleanup".to_owned();
            let mut on_cluster = String::new();
            let shown = |event: Event| {
                if let Body::Planned { run_id, namespace, .. } = &event.body {
                    clean = cleanup_command(namespace, run_id);
                    on_cluster = follow_command(namespace, run_id);
                }
                if let Body::Ended { verdict: ended } = event.body {
                    verdict = Some(ended);
                }
                let line = live.line(&event);
                broken = line.and_then(|line| printer.page(&format!("{line}\n")).err());
                broken.is_none()
            };
            let folder = record::folder()?;
            let ended = super::cluster::block_on(global, async {
                tokio::select! {
                    ended = record::follow(&folder, run, shown) => Ok::<_, Stop>(ended?),
                    () = super::cluster::reader_gone() => Err(Stop::ClosedPipe),
                }
            })?;
            if let Some(stop) = broken {
                return Err(stop);
            }
            match ended {
                RecordEnd::Ended => {}
                RecordEnd::Left => printer.warn(format!(
                    "the record ends here: the run was left; `{on_cluster}` follows its Jobs, `{clean}` removes it"
                )),
                RecordEnd::Interrupted => printer.warn(format!(
                    "the record ends here: its program did not see the end of the run; `{clean}` removes what it left"
                )),
            }
            return Ok(verdict.map_or(Exit::Inconclusive, Exit::from));
        }
        Verb::Prune { keep, dry_run } => {
            let folder = record::folder()?;
            let of = |runs: usize| format!("the records of {}", count(runs, "run"));
            if *dry_run {
                let beyond = record::prunable(&folder, *keep)?;
                let time = |run: &str| record::began(run).map_or(String::new(), |at| format!("{at}Z"));
                let times: Vec<String> = beyond.iter().map(|stored| time(&stored.name)).collect();
                let listed = beyond.iter().zip(&times).map(|(stored, at)| (&*stored.name, &**at));
                return super::snapshots::would_remove(printer, listed, &of(beyond.len()));
            }
            printer.note(format!("removed {}", of(record::prune(&folder, *keep)?.len())));
        }
    }
    Ok(Exit::Good)
}

fn row(summary: &Summary) -> [String; 6] {
    let report = &summary.report;
    let started = i64::try_from(report.start_ms).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let started = started.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
    let verdict = match (summary.verdict(), summary.stored.is_open) {
        (Some(verdict), _) => Word::from(verdict).text().to_owned(),
        (None, _) if summary.is_left() => "left".to_owned(),
        (None, true) => "running".to_owned(),
        (None, false) => "interrupted".to_owned(),
    };
    let checks = match &report.deploy {
        Some(deploy) => deploy.summary(),
        None => words::counts(&report.results).join(", "),
    };
    let checks = if checks.is_empty() { "-".to_owned() } else { checks };
    let (cluster, recipe) = (summary.facts.cluster.clone(), summary.facts.recipe.clone());
    [summary.stored.name.clone(), started, cluster, recipe, verdict, checks]
}

/// Prints the lines of a run at its own speed, faster, or one by one.
async fn replay(record: &Record, (speed, step): (u32, bool), logs: bool, printer: &Printer) -> Outcome {
    let mut live = Live::new(printer.clone(), Stream::Out, logs);
    let mut last_ms = None;
    for event in &record.events {
        let Some(line) = live.line(event) else { continue };
        let waited = event.observed_at_ms.saturating_sub(last_ms.unwrap_or(event.observed_at_ms));
        last_ms = Some(event.observed_at_ms);
        if step {
            let mut answer = String::new();
            // Without anybody who presses Enter, there is nobody who reads on.
            // Not waited for where the reader of the lines has gone.
            let read = apart(move || std::io::stdin().read_line(&mut answer).unwrap_or(0));
            if read.await.unwrap_or(0) == 0 {
                break;
            }
        } else if speed > 0 {
            tokio::time::sleep(Duration::from_millis(waited) / speed).await;
        }
        printer.page(&format!("{line}\n"))?;
    }
    Ok(Exit::Good)
}

/// Follows a run by what is seen of it on the cluster.
async fn attach(namespace: &str, name: &str, logs: bool, global: &Global, printer: &Printer) -> Outcome {
    let connection = super::cluster::connect(global).await?;
    let runs = attach::runs(&connection, namespace).await?;
    let run = attach::choose(&runs, name, namespace).map_err(|failure| {
        let failure = failure.at(connection.at());
        match failure.kind {
            Kind::NotFound => failure.hint("a run in another namespace: --cluster=NAMESPACE"),
            _ => failure,
        }
    })?;
    let mut live = Live::new(printer.clone(), Stream::Out, logs);
    let (writer, mut reader) = attach::log();
    let showing = async {
        while let Some(event) = reader.next().await {
            if let Some(line) = live.line(&event) {
                printer.page(&format!("{line}\n"))?;
            }
        }
        Ok::<_, Stop>(())
    };
    let (report, shown) = tokio::select! {
        both = async { tokio::join!(attach::attach(&connection, namespace, run, writer), showing) } => both,
        () = super::cluster::reader_gone() => return Err(Stop::ClosedPipe),
    };
    shown?;
    Ok(report?.verdict.map_or(Exit::Inconclusive, Exit::from))
}

/// `aicr diff RUN RUN`.
pub struct Compared {
    left: Report,
    right: Report,
    pub rows: Vec<Row>,
}

pub static COMPARISONS: &[Format<Compared>] = &[
    Format {
        suffix: "txt",
        ..Format::plain("table", "For reading; no program should parse it", |compared, _| Ok(page(compared)))
    },
    Format {
        suffix: "md",
        ..Format::plain("markdown", "For a review or a ticket", |compared, _| Ok(markdown(compared)))
    },
    Format::plain("yaml", "", |compared, _| {
        Ok(yaml::to_string(&runs::to_value((&compared.left, &compared.right), &compared.rows)))
    }),
    Format::plain("json", "", |compared, _| {
        Ok(json_text(&runs::to_value((&compared.left, &compared.right), &compared.rows)))
    }),
    Format::csv(|compared, _| Ok(rows(compared).csv())),
];

/// Compares two records.
///
/// # Errors
/// As [`record::Shelf::open`].
pub fn compare(left: &str, right: &str, global: &Global) -> Result<Compared, Failure> {
    let shelf = record::shelf(&global.target()?);
    let [left, right] = [shelf.open(left)?.report(), shelf.open(right)?.report()];
    if let Some(deploy) = left.deploy.as_ref().or(right.deploy.as_ref()) {
        let because = format!("run {} is a deploy, and only runs of checks are compared", deploy.run_id);
        return Err(misuse("compare two runs", &because, "`aicr runs show RUN` shows what became of its releases"));
    }
    let rows = runs::compare(&left, &right);
    Ok(Compared { left, right, rows })
}

/// A line for each check: what became of it, phase, name, both sides and why.
fn lines(compared: &Compared) -> Vec<[String; 6]> {
    let side = |side: &Option<runs::Side>| match side {
        None => "-".to_owned(),
        Some(side) if side.run_ms == 0 => side.word.text().to_owned(),
        Some(side) => format!("{} {}", side.word, duration(side.run_ms)),
    };
    let first = |message: &str| message.lines().next().unwrap_or_default().to_owned();
    compared
        .rows
        .iter()
        .map(|row| {
            let said = [&row.right, &row.left].into_iter().flatten().map(|side| first(&side.message));
            let why = said.into_iter().find(|said| !said.is_empty()).unwrap_or_default();
            let (phase, check) = (row.phase.to_owned(), row.check.clone());
            [row.became.word().to_owned(), phase, check, side(&row.left), side(&row.right), why]
        })
        .collect()
}

fn markdown(compared: &Compared) -> String {
    let row = |cells: [String; 6]| format!("| {} |\n", cells.map(|text| cell(&text)).join(" | "));
    let head = ["became", "phase", "check", &compared.left.run_id, &compared.right.run_id, "why"].map(str::to_owned);
    let rule = format!("|{}\n", " --- |".repeat(head.len()));
    let rows: String = lines(compared).into_iter().map(row).collect();
    format!("## Runs {} and {}\n\n{}{rule}{rows}", cell(&head[3]), cell(&head[4]), row(head.clone()))
}

fn page(compared: &Compared) -> String {
    format!("{} -> {}\n{}", compared.left.run_id, compared.right.run_id, rows(compared).text())
}

fn rows(compared: &Compared) -> Table {
    Table::new(["BECAME", "PHASE", "CHECK", "BASELINE", "TARGET", "WHY"], &lines(compared))
}
