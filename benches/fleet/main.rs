//! What a fleet of 5,000 nodes costs, beside what others need for it: `cargo bench --bench fleet`.
//!
//! It starts a real API server on loopback (`tests/cluster/cluster api`, which builds it the first time and needs Go), fills
//! it with nodes of about 26 kB and measures whole programs: the workbench on a terminal, `aicr snapshot`, `aicr recipe`.
//! k9s is measured in the same run when it is there; how to get it is printed. It is a bench and no test, because its
//! figures depend on the machine: nothing here fails for being slow.
//!
//! The API server and the writer of the updates run at a lower priority than what is measured, because they are on other
//! machines where a fleet is real; and for what is measured live, on all processors but the first. A program that only
//! repeats each key (`cat`) gets a key after each one that the measured program gets: what it needs is what this machine
//! takes for waking a program and the reader of its screen, and is in every other figure too. What keys took is shown again
//! without the time in which the program or the reader of its screen was ready and not let run, because the server and the
//! writer take the processors of this machine, which they do not where they are elsewhere; and without the keys amid which
//! the host of a virtual machine took a processor away. The slowest keys are named with their moment and with all of that.
//!
//! `-- --nodes N` `--rate N` updates a second, `--keys N`, `--seconds N` of each measurement of a processor, `--runs N` of
//! what is started again (0 leaves them out), `--hours N` of simulated updates (0 leaves them out), `--k9s FILE`,
//! `--aicr FILE` for another build of this program, `--peer "other recipe --service eks"`.

#![expect(clippy::disallowed_methods, reason = "a bench starts programs and looks at clocks")]

mod keys;
mod node;
mod process;
mod screen;
mod server;
mod writer;

use keys::Keys;
use process::Processors;
use screen::{Looks, Screen};
use server::Server;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use writer::Writer;

/// Long enough for a cold program on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// After the view is complete, what follows from it is done.
const SETTLE: Duration = Duration::from_secs(8);
/// A kubelet writes the status of its node this often when nothing happens.
const STATUS_PERIOD: u64 = 300;

struct Options {
    nodes: usize,
    rate: u32,
    keys: usize,
    seconds: u64,
    runs: usize,
    hours: u64,
    k9s: PathBuf,
    aicr: PathBuf,
    peer: Option<Vec<String>>,
}

/// What one program on a terminal came to; `None` was not measured.
#[derive(Default)]
struct Figures {
    first_rows: Vec<f64>,
    complete: Vec<f64>,
    resident: Option<f64>,
    idle: Option<f64>,
    busy: Option<f64>,
    resident_after: Option<f64>,
    calm: Keys,
    storm: Keys,
    /// Updates a second that were written while it was measured.
    rate: Option<f64>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.split_first() {
        Some((verb, rest)) if verb == writer::VERB => writer::run(rest),
        _ => bench(&options(&arguments)),
    };
    if let Err(error) = ended {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

fn options(arguments: &[String]) -> Options {
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, or: u64| value(name).and_then(|text| text.parse().ok()).unwrap_or(or);
    Options {
        nodes: number("--nodes", 5_000) as usize,
        rate: number("--rate", 500) as u32,
        // So many that the slowest hundredth is ten of them.
        keys: number("--keys", 1_000) as usize,
        seconds: number("--seconds", 30),
        runs: number("--runs", 5) as usize,
        hours: number("--hours", 8),
        k9s: value("--k9s").map_or_else(default_k9s, PathBuf::from),
        aicr: value("--aicr").map_or_else(|| env!("CARGO_BIN_EXE_aicr").into(), PathBuf::from),
        peer: value("--peer").map(|text| text.split_whitespace().map(str::to_owned).collect()),
    }
}

/// Where `go install` of the note below puts it.
fn default_k9s() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    home.join(".cache/aicr-test-cluster/peer/k9s")
}

fn bench(options: &Options) -> Result<(), String> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().on_thread_start(aicr::term::yield_to_others).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let server = Server::start()?;
    println!("load before: {}", process::load());
    let begun = Instant::now();
    runtime.block_on(server.fill(options.nodes))?;
    println!("filled with {} nodes in {:.1} s", options.nodes, begun.elapsed().as_secs_f64());
    println!("one node: {} bytes of JSON", runtime.block_on(server.json_bytes())?);

    let ours = workbench(options, &server)?;
    let k9s = k9s(&options.k9s, &server)?;
    let (mut aicr, mut other) = (Figures::default(), Figures::default());
    let (mut raw, mut snapshots, mut recipes, mut peers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let environment = [("KUBECONFIG", server.kubeconfig.clone()), ("HOME", home.path().to_owned())];
    // In turns, so that all meet the same machine.
    let runs = if options.runs == 0 { 0 } else { options.runs + 1 };
    // The first one warms up.
    for run in 0..runs {
        let (time, bytes, nodes) = runtime.block_on(server.read())?;
        start(&ours, LOOKS, options.nodes, (run > 0).then_some(&mut aicr))?;
        if let Some(command) = &k9s {
            start(command, K9S_LOOKS, options.nodes, (run > 0).then_some(&mut other))?;
        }
        let snapshot = process::run(&aicr_command(options, &["snapshot"]), &environment)?;
        if run == 0 {
            println!("raw read: {nodes} nodes, {:.1} MB of protobuf", bytes as f64 / 1e6);
        } else {
            raw.push(time.as_secs_f64());
            snapshots.push(snapshot);
        }
    }
    for _ in 0..options.runs * 20 {
        recipes.push(process::run(&aicr_command(options, &RECIPE), &environment)?);
        if let Some(command) = &options.peer {
            peers.push(process::run(command, &environment)?);
        }
    }
    // Lists are read as fast as the whole machine can; when keys are measured, the server is elsewhere.
    server.place(Processors::ButFirst)?;
    live(&server, &ours, LOOKS, options, &mut aicr)?;
    if let Some(command) = &k9s {
        live(&server, command, K9S_LOOKS, options, &mut other)?;
    }
    let soak = if options.hours > 0 { soak(&server, &ours, options)? } else { "not run (--hours 0)".into() };
    // It may have been up before, for something else.
    server.place(Processors::All)?;
    println!("load after: {}\n", process::load());
    table(options, &aicr, k9s.as_ref().map(|_| &other), &raw, &snapshots, &recipes, &peers, &soak);
    Ok(())
}

const RECIPE: [&str; 11] = [
    "recipe",
    "--service",
    "eks",
    "--accelerator",
    "h100",
    "--os",
    "ubuntu",
    "--intent",
    "training",
    "--platform",
    "kubeflow",
];

fn aicr_command(options: &Options, arguments: &[&str]) -> Vec<String> {
    let program = options.aicr.display().to_string();
    [program].into_iter().chain(arguments.iter().map(|word| (*word).to_owned())).collect()
}

/// A program on a terminal with the environment that it needs.
struct Program {
    command: Vec<String>,
    environment: Vec<(&'static str, String)>,
    _home: tempfile::TempDir,
}

fn program(command: Vec<String>, server: &Server) -> Result<Program, String> {
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = home.path().display().to_string();
    let environment = vec![
        ("KUBECONFIG", server.kubeconfig.display().to_string()),
        ("HOME", folder.clone()),
        ("XDG_CONFIG_HOME", folder.clone()),
        ("XDG_DATA_HOME", folder.clone()),
        ("XDG_STATE_HOME", folder.clone()),
        ("XDG_CACHE_HOME", folder),
        ("PATH", std::env::var("PATH").unwrap_or_default()),
    ];
    Ok(Program { command, environment, _home: home })
}

fn workbench(options: &Options, server: &Server) -> Result<Program, String> {
    program(aicr_command(options, &[]), server)
}

fn k9s(path: &Path, server: &Server) -> Result<Option<Program>, String> {
    if !process::is_there(path) {
        println!(
            "k9s: not built; to compare, run\n  GOBIN={} CGO_ENABLED=0 go install github.com/derailed/k9s@v0.50.16",
            path.parent().unwrap_or(Path::new(".")).display()
        );
        return Ok(None);
    }
    let words = ["-c", "nodes", "--readonly", "--headless", "--splashless"];
    let command = [path.display().to_string()].into_iter().chain(words.map(str::to_owned)).collect();
    program(command, server).map(Some)
}

const LOOKS: Looks = Looks {
    has_rows: |screen| screen.contents().contains(" ip-10-"),
    is_complete: |screen, nodes| {
        let text = screen.contents();
        let first = text.lines().next().unwrap_or_default();
        first.contains("fresh") && counted(&text, "nodes ", nodes)
    },
    selected: |screen| {
        let text = screen.contents();
        let (_, after) = text.split_once("›ip-10-")?;
        after.split_whitespace().next().map(str::to_owned)
    },
};

const K9S_LOOKS: Looks = Looks {
    has_rows: |screen| screen.contents().contains("ip-10-"),
    is_complete: |screen, nodes| counted(&screen.contents(), "[", nodes),
    // The row that the cursor is on has a background of its own.
    selected: |screen| {
        let (rows, columns) = screen.size();
        let (rows, columns) = (rows.get(), columns.get());
        let lines: Vec<String> = screen.rows(0, columns).collect();
        let at = |row: u16| screen.cell(row, 3).map(|cell| (cell.bgcolor(), cell.inverse()));
        let nodes: Vec<u16> = (0..rows).filter(|row| lines[usize::from(*row)].contains("ip-10-")).collect();
        let odd = nodes.iter().find(|row| nodes.iter().filter(|other| at(**other) == at(**row)).count() == 1)?;
        Some(format!("{odd}: {}", lines[usize::from(*odd)]))
    },
};

/// Repeats each key at once and does nothing else.
fn repeater() -> Result<Program, String> {
    let command = ["sh", "-c", "stty raw -echo; echo ready; exec cat"].map(str::to_owned);
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let environment = vec![("PATH", std::env::var("PATH").unwrap_or_default())];
    Ok(Program { command: command.into(), environment, _home: home })
}

const REPEATER_LOOKS: Looks = Looks {
    has_rows: |_| true,
    is_complete: |_, _| true,
    selected: |screen| Some(screen.contents()).filter(|text| text.contains("ready")),
};

/// The number after a word, with or without a separator.
fn counted(text: &str, word: &str, number: usize) -> bool {
    let plain = number.to_string();
    let grouped = match plain.len() {
        4.. => format!("{},{}", &plain[..plain.len() - 3], &plain[plain.len() - 3..]),
        _ => plain.clone(),
    };
    [plain, grouped].iter().any(|number| text.contains(&format!("{word}{number}")))
}

fn begin(program: &Program) -> Result<Screen, String> {
    let environment: Vec<(&str, &str)> =
        program.environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Screen::start(&program.command, &environment)
}

/// From the start of the process to its first rows and to the complete view.
fn start(program: &Program, looks: Looks, nodes: usize, figures: Option<&mut Figures>) -> Result<(), String> {
    let begun = Instant::now();
    let mut screen = begin(program)?;
    let rows = screen.until("the first rows", PATIENCE, looks.has_rows)?;
    let complete = if (looks.is_complete)(screen.shown(), nodes) {
        rows
    } else {
        screen.until("the complete view", PATIENCE, |screen| (looks.is_complete)(screen, nodes))?
    };
    if let Some(figures) = figures {
        figures.first_rows.push((rows - begun).as_secs_f64());
        figures.complete.push((complete - begun).as_secs_f64());
    }
    Ok(())
}

/// Memory, processor and answers of one program, calm and while nodes change.
fn live(
    server: &Server,
    program: &Program,
    looks: Looks,
    options: &Options,
    figures: &mut Figures,
) -> Result<(), String> {
    let time = Duration::from_secs(options.seconds);
    let mut screen = begin(program)?;
    screen.until("the complete view", PATIENCE, |screen| (looks.is_complete)(screen, options.nodes))?;
    screen.rest(SETTLE);
    figures.resident = process::resident_mib(screen.pid());
    figures.idle = share(&mut screen, time);
    let mut repeater = begin(&repeater()?)?;
    repeater.until("the program that repeats keys", PATIENCE, |screen| screen.contents().contains("ready"))?;
    let keys = |screen: &mut Screen, repeater: &mut Screen, what: &str| {
        Keys::press(options.keys, screen, looks, repeater, REPEATER_LOOKS, what)
    };
    figures.calm = keys(&mut screen, &mut repeater, "calm")?;

    let writer = Writer::start(server, options.nodes, options.rate)?;
    // What is measured is the storm, not its beginning.
    screen.rest(Duration::from_secs(3));
    let (begun, before) = (Instant::now(), writer.done());
    figures.busy = share(&mut screen, time);
    figures.storm = keys(&mut screen, &mut repeater, "in the updates")?;
    figures.rate = Some((writer.done() - before) as f64 / begun.elapsed().as_secs_f64());
    figures.resident_after = process::resident_mib(screen.pid());
    writer.end()
}

/// Percent of one core over a time.
fn share(screen: &mut Screen, time: Duration) -> Option<f64> {
    let (begun, before) = (Instant::now(), process::processor_time(screen.pid())?);
    screen.rest(time);
    let used = process::processor_time(screen.pid())?.checked_sub(before)?;
    Some(used.as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0)
}

/// As many updates as the nodes make by themselves in some hours, as fast as the rate allows, and what the workbench holds.
fn soak(server: &Server, program: &Program, options: &Options) -> Result<String, String> {
    let updates = options.hours * 3600 / STATUS_PERIOD * options.nodes as u64;
    let mut screen = begin(program)?;
    screen.until("the complete view", PATIENCE, |screen| (LOOKS.is_complete)(screen, options.nodes))?;
    screen.rest(SETTLE);
    let mut writer = Writer::start(server, options.nodes, options.rate)?;
    let begun = Instant::now();
    // The first hour warms up: every node has changed at least once.
    let resident = |screen: &Screen| process::resident_mib(screen.pid()).unwrap_or_default();
    let mut samples = vec![resident(&screen)];
    for hour in 1..=options.hours {
        while writer.done() < updates * hour / options.hours {
            screen.rest(Duration::from_millis(500));
            if writer.is_over() {
                return writer.end().and(Err("the writer of updates ended early".to_owned()));
            }
        }
        samples.push(resident(&screen));
        // It takes long, and what was measured until it is cut short counts.
        eprintln!("hour {hour} of updates after {:.0} s: {samples:.0?} MiB", begun.elapsed().as_secs_f64());
        server.compact()?;
    }
    writer.end()?;
    let samples: Vec<String> = samples.iter().map(|mib| format!("{mib:.0}")).collect();
    let seconds = begun.elapsed().as_secs_f64();
    Ok(format!("{updates} updates in {seconds:.0} s: {} MiB at the beginning and after each hour", samples.join(" ")))
}

#[expect(clippy::too_many_arguments, reason = "one column of the table each")]
fn table(
    options: &Options,
    aicr: &Figures,
    k9s: Option<&Figures>,
    raw: &[f64],
    snapshots: &[(Duration, f64)],
    recipes: &[(Duration, f64)],
    peers: &[(Duration, f64)],
    soak: &str,
) {
    let seconds = |runs: &[(Duration, f64)]| runs.iter().map(|(time, _)| time.as_secs_f64()).collect::<Vec<_>>();
    let memory = |runs: &[(Duration, f64)]| runs.iter().map(|(_, mib)| *mib).collect::<Vec<_>>();
    let raw_read = median(raw);
    let times = |list: &[f64]| match (median(list), raw_read) {
        (Some(time), Some(raw)) => format!("{time:.2} s, {:.2} x", time / raw),
        _ => "not measured".to_owned(),
    };
    let peer = |show: &dyn Fn(&Figures) -> String| k9s.map_or_else(|| "not built".to_owned(), show);
    let show = |value: Option<f64>, digits: usize, unit: &str| {
        value.map_or_else(|| "not measured".to_owned(), |value| format!("{value:.digits$} {unit}"))
    };
    let row = |what: &str, ours: String, goal: &str, theirs: String| {
        println!("| {what:<44} | {ours:<24} | {goal:<18} | {theirs:<28} |");
    };
    println!(
        "{} nodes, {} runs of each whole process (medians), {} keys, {} s of processor time\n",
        options.nodes, options.runs, options.keys, options.seconds
    );
    row("what", "aicr".into(), "goal", "k9s, or who is named".into());
    println!("| {} | {} | {} | {} |", "-".repeat(44), "-".repeat(24), "-".repeat(18), "-".repeat(28));
    row("complete view, and x of the raw read", times(&aicr.complete), "<= 1.5 x", peer(&|k9s| times(&k9s.complete)));
    row("raw protobuf read, 500 a page", show(raw_read, 2, "s"), "", String::new());
    let rows = |list: &[f64]| show(median(list).map(|seconds| seconds * 1e3), 0, "ms");
    row("first rows", rows(&aicr.first_rows), "< 200 ms", peer(&|k9s| rows(&k9s.first_rows)));
    row("resident memory", show(aicr.resident, 0, "MiB"), "<= 100 MB", peer(&|k9s| show(k9s.resident, 0, "MiB")));
    row(
        "resident memory after the updates",
        show(aicr.resident_after, 0, "MiB"),
        "<= 100 MB",
        peer(&|k9s| show(k9s.resident_after, 0, "MiB")),
    );
    row("idle, percent of a core", show(aicr.idle, 2, "%"), "< 1 %", peer(&|k9s| show(k9s.idle, 2, "%")));
    let busy = |figures: &Figures| format!("{} at {}", show(figures.busy, 1, "%"), show(figures.rate, 0, "/s"));
    row(&format!("with {} updates a second", options.rate), busy(aicr), "< 25 %", peer(&busy));
    let keys = |times: &[f64]| match (at(times, 50), at(times, 99)) {
        (Some(half), Some(most)) => format!("p50 {half:.1}, p99 {most:.1} ms"),
        _ => "not measured".to_owned(),
    };
    for (what, measured, goal) in [
        ("calm", (|figures| &figures.calm) as fn(&Figures) -> &Keys, "p99 < 4 ms"),
        ("in the updates", |figures| &figures.storm, "p99 < 4 ms"),
    ] {
        let both = |show: &dyn Fn(&Keys) -> String| (show(measured(aicr)), peer(&|k9s| show(measured(k9s))));
        let (ours, theirs) = both(&|measured| keys(&measured.times()));
        row(&format!("key to cursor moved, {what}"), ours, goal, theirs);
        let (ours, theirs) = both(&|measured| keys(&measured.undisturbed()));
        row("without waits for a processor, host included", ours, "", theirs);
        let (ours, theirs) = both(&|measured| match measured.stolen() {
            Some((stolen, of)) => format!("{stolen} of {of}"),
            None => "not measured".to_owned(),
        });
        row("keys amid which the host took a processor", ours, "", theirs);
        let (ours, theirs) = both(&|measured| keys(measured.repeated()));
        row("the same to a program that repeats it", ours, "", theirs);
    }
    let whole = |runs: &[(Duration, f64)]| {
        format!("{}, {}", show(median(&seconds(runs)), 3, "s"), show(median(&memory(runs)), 0, "MiB"))
    };
    row("aicr snapshot", whole(snapshots), "<= 1.6 s, 80 MB", "3.2 s, 167 MB before".into());
    let reference = if peers.is_empty() { "91 ms, 77 MiB (reported)".to_owned() } else { whole(peers) };
    row("aicr recipe, beside the reference", whole(recipes), "1/15, <= 12 MiB", reference);
    let hours = if options.hours == 1 { "hour" } else { "hours" };
    row(&format!("{} {hours} of updates", options.hours), soak.to_owned(), "no growth", String::new());
}

fn median(list: &[f64]) -> Option<f64> {
    at(list, 50)
}

fn at(list: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = list.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() * percent / 100).min(sorted.len().checked_sub(1)?)).copied()
}
