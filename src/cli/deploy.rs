//! `aicr deploy`: installs a bundle with the person's Helm, and says what each release waits for.

use super::{
    Outcome, Printer,
    cluster::{self, Interrupts},
    exit::Exit,
    follow::apart,
    global::Global,
    live::Live,
    misuse,
    printer::Stream,
    protect,
};
use crate::{
    cluster::Connection,
    deploy::{
        event::{Found, Outcome as End, Way},
        machine::Options,
        plan::Release,
    },
    ops::{
        Failure, Kind,
        deploy::{self, Prepared, Wish},
        run::{self, EventLog, record},
        snapshot,
    },
    report::{self, Report, escape},
    text::{count, shell_word},
    upgrade::report::Row,
    validate::event::Event,
};
use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Install a bundle with your Helm: releases in the order of their dependencies, each awaited until its objects are ready.
///
/// The plan is printed first and has to be confirmed, at the terminal or with --yes. Ctrl-C ends it cleanly; the next run
/// continues where this one was, and so does deploy.sh of the bundle. Exit codes are those of deploy.sh: 0 done, 1 a release
/// failed, 2 everything is installed but the DRA driver was not restarted, 130 interrupted.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  aicr deploy bundle --plan\n  aicr deploy bundle --dry-run\n  aicr deploy bundle --yes\n  \
                        aicr runs show last"
)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// One release after the other.
    #[arg(long)]
    serial: bool,
    /// Apply releases again that are there with the same content.
    #[arg(long)]
    all: bool,
    /// Do not wait until objects are ready.
    #[arg(long)]
    no_wait: bool,
    /// Go on after a failure with releases that do not need what has failed; the exit code tells of it all the same.
    #[arg(long)]
    best_effort: bool,
    /// Tries after the first of a failure that is known to settle by itself.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    retries: u32,
}

/// What deploying and removing share.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// The folder of the bundle, as `aicr bundle` wrote it for Helm.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Print the plan and do nothing; no cluster is asked.
    #[arg(long)]
    plan: bool,
    /// Say what would be done on this cluster, and change nothing.
    #[arg(long, conflicts_with = "plan")]
    dry_run: bool,
    /// Only the releases of this component (repeatable); what it needs is taken to be there.
    #[arg(long = "component", value_name = "NAME")]
    components: Vec<String>,
    /// How long each release may take, instead of its own limit.
    #[arg(long, value_name = "DURATION", value_parser = cluster::duration)]
    timeout: Option<Duration>,
    /// Do not ask; in a protected context (`protect` in the preferences) with its name: --yes=CONTEXT.
    #[arg(
        short,
        long,
        alias = "assume-yes",
        value_name = "CONTEXT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ""
    )]
    yes: Option<String>,
    /// The program of Helm 3 or 4; else the one in PATH.
    #[arg(long, value_name = "FILE")]
    helm: Option<PathBuf>,
    /// Use the bundle although its files are not as they were written: values for one cluster were added, for example.
    #[arg(long)]
    allow_changed: bool,
    /// Show every line that Helm prints.
    #[arg(long)]
    logs: bool,
    /// Keep no record of the run; see `aicr runs`.
    #[arg(long)]
    no_record: bool,
}

impl Common {
    /// What they ask for.
    pub fn wish(&self, options: Options) -> Wish {
        Wish {
            components: self.components.clone(),
            options: Options { timeout_seconds: self.timeout.map(|timeout| timeout.as_secs().max(1)), ..options },
            helm: self.helm.clone(),
            allow_changed: self.allow_changed,
            record: !self.no_record,
            ..Wish::default()
        }
    }
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let options = Options {
        best_effort: args.best_effort,
        wait: !args.no_wait,
        again: args.all,
        retries: args.retries,
        ..Options::default()
    };
    let wish = Wish { serial: args.serial, ..args.common.wish(options) };
    start(&args.common, wish, global, printer)
}

/// Plans, asks, runs.
pub fn start(common: &Common, wish: Wish, global: &Global, printer: &Printer) -> Outcome {
    let prepared = Arc::new(deploy::prepare(&common.bundle, wish)?);
    let page = |cluster: &str| printer.page(&escaped(&prepared.lines(cluster)));
    if common.plan {
        let contexts = cluster::session(global)?.contexts().ok().and_then(|contexts| contexts.current);
        page(contexts.as_deref().unwrap_or("no cluster"))?;
        return Ok(Exit::Good);
    }
    cluster::block_on(global, async {
        let connection = cluster::connect(global).await?;
        if common.dry_run {
            printer.page(&escaped(&dry_run(&connection, &prepared, global).await?))?;
            return Ok(Exit::Good);
        }
        page(&connection.context)?;
        if let Some(by) = global.read_only_by() {
            let because = "read-only: Helm was not started";
            let hint = format!("start without {by}, or look with --dry-run");
            let failure = Failure::new(Kind::Forbidden, "change the cluster", because);
            return Err(failure.at(connection.context.clone()).hint(hint).into());
        }
        // Who types the name does not have to say yes as well.
        let doing = prepared.wish.options.way.doing();
        let is_protected = protect::allow(&connection.context, common.yes.as_deref(), doing, printer)?;
        if common.yes.is_none() && !is_protected && !confirmed(&prepared, &connection, printer)? {
            printer.note("nothing was changed");
            return Ok(Exit::Interrupted);
        }
        follow(&connection, &prepared, common.logs, global, printer).await
    })
}

fn escaped(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{}\n", escape::line(line))).collect()
}

/// What would be done with each release, and which upgrades need attention before it.
async fn dry_run(connection: &Connection, prepared: &Prepared, global: &Global) -> Result<Vec<String>, Failure> {
    let found = deploy::look(connection, prepared).await?;
    let way = prepared.wish.options.way;
    let releases = prepared.plan.releases.iter().zip(&found);
    let place = |release: &Release| {
        let word = if way == Way::Install { "in" } else { "from" };
        format!("{word} {}", release.namespace)
    };
    let is_upgrade = |found: &Found| way == Way::Install && *found == Found::Other;
    if !found.iter().any(is_upgrade) {
        let line =
            |release: &Release, found| format!("{}: {} {}", release.name, deploy::would(way, found), place(release));
        return Ok(releases.map(|(release, found)| line(release, found)).collect());
    }
    let inventory = snapshot::take(connection, &cluster::now()).await?;
    let checked = deploy::upgrades(&*global.catalog()?, connection, prepared, &inventory).await;
    let rows = checked.as_ref().map_or(&[][..], |report| &report.components);
    let mut lines = Vec::new();
    let mut concerned = 0;
    for (release, found) in releases {
        // A component has further releases for its manifests; its version is that of the one with its name.
        let row = rows.iter().find(|row| is_upgrade(found) && row.component == release.name);
        let versions = match row {
            Some(Row { from, to, .. }) if !from.is_empty() && from != to => format!("from {from} to {to} "),
            Some(_) => "with other values ".to_owned(),
            None => String::new(),
        };
        lines.push(format!("{}: {} {versions}{}", release.name, deploy::would(way, found), place(release)));
        if let Some(row) = row.filter(|row| row.fails_run) {
            lines.push(format!("  needs attention: {}", row.explanation.trim()));
            concerned += 1;
        }
    }
    match &checked {
        Err(failure) => lines.push(format!("upgrades were not checked: {}", failure.why())),
        Ok(_) if concerned == 0 => {}
        Ok(_) => lines.push(format!(
            "{} before the upgrade; steps: aicr upgrade-check --from cluster --to {} --deployer helm",
            match concerned {
                1 => "1 component needs attention".to_owned(),
                more => format!("{} need attention", count(more, "component")),
            },
            shell_word(&prepared.name)
        )),
    }
    Ok(lines)
}

/// Asks a person at the terminal.
fn confirmed(prepared: &Prepared, connection: &Connection, printer: &Printer) -> Result<bool, Failure> {
    let way = prepared.wish.options.way;
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let hint = "add --yes to go on without a question; --plan and --dry-run change nothing";
        return Err(misuse(way.doing(), "there is no terminal to ask at, and --yes was not given", hint));
    }
    let releases = count(prepared.plan.releases.len(), "release");
    let at = escape::line(&connection.at()).into_owned();
    printer.note(format!("{} {releases} {} {at}? [y/N]", way.verb(), way.to()));
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::from_error(Kind::Usage, "read the answer", error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Runs while events are printed and signals are heard. A reader of our output that stops reading stops the printing and
/// nothing else.
async fn follow(
    connection: &Connection,
    prepared: &Arc<Prepared>,
    logs: bool,
    global: &Global,
    printer: &Printer,
) -> Outcome {
    let target = cluster::session(global)?.target();
    let mut interrupts = Interrupts::new()?;
    let (writer, log) = EventLog::new();
    let (control, requests) = run::control();
    let (queue, lines) = std::sync::mpsc::channel::<Arc<Event>>();
    let report = Arc::new(Mutex::new(Report::default()));
    let (shown, folded) = (printer.clone(), report.clone());
    let printed = apart(move || {
        let mut live = Live::new(shown.clone(), Stream::Err, logs);
        for event in lines {
            folded.lock().unwrap_or_else(PoisonError::into_inner).on(&event);
            if let Some(line) = live.line(&event) {
                shown.note(line);
            }
        }
    });
    let (mut reader, records) = (log.reader(), log.reader());
    drop(log);
    let reading = async move {
        while let Some(event) = reader.next().await {
            // The printing thread lives as long as its queue.
            let _ = queue.send(event);
        }
    };
    let recording = async move {
        if !prepared.wish.record {
            return;
        }
        if let Err(failure) = record::of_deploy(prepared, &connection.context, records).await {
            printer.warn(format!("no record is kept: {}", failure.why()));
        }
    };
    let running = deploy::run(connection, &target, prepared, writer, requests);
    let work = async { tokio::join!(running, reading, recording).0 };
    tokio::pin!(work);
    let mut interrupted = false;
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            () = interrupts.next() => {
                if interrupted {
                    return Err(deploy::abandoned(prepared).into());
                }
                interrupted = true;
                printer.warn("interrupted: Helm is asked to end; once more to stop at once");
                control.cancel();
            }
        }
    };
    // Whoever does not read our output is not waited for once the work is done and a person has asked to end.
    tokio::select! {
        _ = printed => {}
        () = interrupts.next() => {}
    }
    let end = ended?;
    let report = report.lock().unwrap_or_else(PoisonError::into_inner).clone();
    printer.page(&report::text::render(&report))?;
    Ok(Exit::from(end))
}

impl From<End> for Exit {
    fn from(end: End) -> Exit {
        match end {
            End::Done => Exit::Good,
            End::RestartWithheld => Exit::Usage,
            End::Failed => Exit::Verdict,
            End::Canceled => Exit::Interrupted,
        }
    }
}
