//! What the workbench costs a person at a terminal of 200x60, beside its budgets: `cargo bench --bench budget`.
//!
//! The program runs in a pseudo-terminal with the small demo cluster and with a saved snapshot of 5,000 nodes. Measured are
//! the first frame, a key until the bytes came that show it, what an idle program writes and computes, and memory. Nothing
//! fails for being slow, because the figures depend on the machine; what is over its budget says so.
//!
//! `-- --nodes N` `--runs N` starts, `--keys N`, `--seconds N` idle.

#![expect(clippy::disallowed_methods, reason = "a bench starts programs and looks at clocks")]

#[path = "fleet/process.rs"]
#[expect(dead_code, reason = "the other bench needs more of it")]
mod process;
#[path = "fleet/screen.rs"]
#[expect(dead_code, reason = "the other bench needs more of it")]
mod screen;

use aicr::{
    document::header::Edition,
    ops::{
        self,
        connect::Target,
        demo::DemoOptions,
        snapshot::{Format, take, text},
    },
};
use screen::{Looks, Screen};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, or: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(or)
    };
    let measured = Measured {
        nodes: number("--nodes", 5000),
        runs: number("--runs", 20).max(1),
        keys: number("--keys", 200).max(1),
        idle: Duration::from_secs(number("--seconds", 10) as u64),
    };
    if let Err(error) = bench(&measured) {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

struct Measured {
    nodes: usize,
    runs: usize,
    keys: usize,
    idle: Duration,
}

/// What one size came to, in the order of [`BUDGETS`].
type Figures = [f64; 8];

/// Measure, unit, and the budget at 5 nodes and at thousands.
const BUDGETS: [(&str, &str, [f64; 2]); 8] = [
    ("process start to first frame, p50", "ms", [50.0, 50.0]),
    ("process start to first frame, p99", "ms", [100.0, 100.0]),
    ("process start to all nodes shown, p50", "ms", [150.0, 1500.0]),
    ("key to bytes, p50", "ms", [4.0, 4.0]),
    ("key to bytes, p99", "ms", [16.0, 16.0]),
    ("bytes written while idle", "bytes", [0.0, 0.0]),
    ("processor while idle", "ms", [0.0, 0.0]),
    ("resident memory", "MiB", [40.0, 150.0]),
];

fn bench(measured: &Measured) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("fleet.yaml");
    let demo = DemoOptions { nodes: Some(measured.nodes), ..DemoOptions::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let taken = runtime.map_err(|error| error.to_string())?.block_on(async {
        let connection = ops::connect::connect(&Target::Demo(demo)).await?;
        take(&connection, "2026-01-14T09:10:00Z").await
    });
    let snapshot = text(&taken.map_err(|failure| failure.to_string())?, Format::Yaml, Edition::default());
    std::fs::write(&file, &snapshot).map_err(|error| error.to_string())?;
    let program = env!("CARGO_BIN_EXE_aicr").to_owned();
    let home = folder.path().display().to_string();
    let small = figures(&[program.clone(), "--demo".to_owned(), "tui".to_owned()], &home, measured)?;
    let saved = [program, "tui".to_owned(), file.display().to_string()];
    let large = figures(&saved, &home, measured)?;
    let load = process::load();
    println!(
        "terminal of 200x60; {} starts, {} keys, {} s idle; load {load}",
        measured.runs,
        measured.keys,
        measured.idle.as_secs()
    );
    println!("the snapshot of {} nodes has {:.1} MB\n", measured.nodes, snapshot.len() as f64 / 1e6);
    println!("| measure | budget | demo, 5 nodes | saved, {} nodes |\n| --- | ---: | ---: | ---: |", measured.nodes);
    for ((name, unit, budget), (small, large)) in BUDGETS.iter().zip(small.iter().zip(&large)) {
        let shown = |value: f64, most: f64| format!("{value:.1}{}", if value > most { " OVER" } else { "" });
        let most =
            if budget[0] == budget[1] { budget[0].to_string() } else { format!("{} / {}", budget[0], budget[1]) };
        println!("| {name} | {most} {unit} | {} | {} |", shown(*small, budget[0]), shown(*large, budget[1]));
    }
    Ok(())
}

/// The row that the cursor is on.
const LOOKS: Looks = Looks {
    has_rows: |screen| screen.contents().contains("? help"),
    is_complete: |screen, _| {
        let text = screen.contents();
        let has_nodes = text.contains("nodes ready") || text.contains("not ready");
        has_nodes && (text.contains("DEMO fresh") || text.contains("SNAP"))
    },
    selected: |screen| {
        let text = screen.contents();
        let line = text
            .lines()
            .find(|line| line.split(['│', '┃']).any(|cell| cell.starts_with(" ›") && line.contains('┃')))?;
        Some(line.to_owned())
    },
};

fn figures(command: &[String], home: &str, measured: &Measured) -> Result<Figures, String> {
    let environment = [("HOME", home)];
    let (mut first, mut complete) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..measured.runs {
        let begun = Instant::now();
        let mut screen = Screen::start(command, &environment)?;
        first.push(screen.until("the first frame", PATIENCE, LOOKS.has_rows)?.saturating_duration_since(begun));
        let all = match (LOOKS.is_complete)(screen.shown(), 0) {
            true => Instant::now(),
            false => screen.until("the nodes", PATIENCE, |shown| (LOOKS.is_complete)(shown, 0))?,
        };
        complete.push(all.saturating_duration_since(begun));
        last = Some(screen);
    }
    let Some(mut screen) = last else { return Err("nothing was started".to_owned()) };
    // What is said at the start goes away, and what follows from the nodes is worked out.
    screen.rest(Duration::from_secs(10));
    let (pid, before) = (screen.pid(), screen.shown().contents());
    let used = process::processor_time(pid);
    let written = screen.rest(measured.idle);
    let idle = process::processor_time(pid).zip(used).map(|(now, then)| now.saturating_sub(then));
    if written > 0 && screen.shown().contents() == before {
        eprintln!("note: an idle program wrote {written} bytes that change nothing");
    }
    let mut answers = Vec::new();
    for turn in 0..measured.keys {
        let key = if turn % 2 == 0 { "j" } else { "k" };
        answers.push(screen.answer(key, LOOKS)?);
        screen.rest(Duration::from_millis(30));
    }
    let at = |mut times: Vec<Duration>, percent: usize| {
        times.sort_unstable();
        times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3
    };
    Ok([
        at(first.clone(), 50),
        at(first, 99),
        at(complete, 50),
        at(answers.clone(), 50),
        at(answers, 99),
        written as f64,
        idle.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3),
        process::resident_mib(pid).unwrap_or(f64::NAN),
    ])
}
