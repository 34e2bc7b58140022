//! Runs that were recorded: listed, shown, replayed, exported, compared, pruned; followed while they go on, and read after
//! their program was killed.

use super::sandbox::Sandbox;
use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

const VALIDATE: [&str; 5] = ["--demo", "validate", "--service", "kind", "--check"];

/// The records of a sandbox, the oldest first.
fn records(sandbox: &Sandbox) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(sandbox.home().join(".local/state/aicr/runs")) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A run that takes its time, as soon as its record has that word.
fn start(sandbox: &Sandbox, word: &str) -> Child {
    let mut command = sandbox.command(&["--demo", "--fault", "slow=150ms", "validate", "--service", "kind"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let has_word = || {
        records(sandbox).first().is_some_and(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains(word)))
    };
    while !has_word() {
        assert!(began.elapsed() < Duration::from_secs(120) && child.try_wait().unwrap().is_none(), "no `{word}`");
        std::thread::yield_now();
    }
    child
}

#[test]
fn a_run_is_kept_and_can_be_shown_exported_replayed_and_compared() {
    let sandbox = Sandbox::new();
    let passed = sandbox.aicr(&[&VALIDATE[..], &["platform-health", "-o", "report.json"]].concat());
    assert_eq!(passed.code, 0, "{}", passed.transcript);
    let faulty = [&["--fault", "check-fails=platform-health"], &VALIDATE[..], &["platform-health"]].concat();
    assert_eq!(sandbox.aicr(&faulty).code, 1);
    let ids: Vec<String> =
        records(&sandbox).iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(ids.len(), 2);
    let list = sandbox.aicr(&["runs", "list"]);
    let rows: Vec<&str> = list.stdout.lines().skip(1).collect();
    assert!(rows[0].starts_with(&ids[1]) && rows[0].contains("fail"), "{}", list.transcript);
    assert!(rows[1].starts_with(&ids[0]) && rows[1].contains("1 pass"), "{}", list.transcript);

    let shown = sandbox.aicr(&["runs", "show", "last"]);
    assert!(shown.stdout.contains("fail") && shown.stdout.contains("platform-health"), "{}", shown.transcript);
    let plan = sandbox.aicr(&["runs", "show", &ids[0], "--plan"]);
    assert!(plan.stdout.contains("Everything is removed at the end."), "{}", plan.transcript);
    // What is exported is what was written then.
    let exported = sandbox.aicr(&["runs", "export", &ids[0], "-t", "ctrf"]);
    assert_eq!(exported.stdout, std::fs::read_to_string(sandbox.home().join("report.json")).unwrap());
    let xml = sandbox.aicr(&["runs", "export", "last", "-t", "junit"]).stdout;
    assert!(xml.contains("<failure message=") && xml.contains("failures=\"1\""), "{xml}");
    let replayed = sandbox.aicr(&["runs", "replay", "last", "--speed", "0"]);
    assert!(replayed.stdout.contains("planned") && replayed.stdout.contains("ended"), "{}", replayed.transcript);

    let differ = sandbox.aicr(&["diff", &ids[0], &ids[1], "--fail-on-drift"]);
    let worse = differ.stdout.lines().any(|line| line.starts_with("worse") && line.contains("platform-health"));
    assert!(worse && differ.code == 1, "{}", differ.transcript);
    let compat = sandbox.aicr(&["diff", &ids[0], &ids[1], "--fail-on-drift", "--compat-exit-codes", "-t", "json"]);
    assert_eq!((compat.code, compat.stdout.contains("\"became\": \"worse\"")), (2, true), "{}", compat.transcript);
    assert_eq!(sandbox.aicr(&[&faulty[..], &["--compat-exit-codes", "--no-record"]].concat()).code, 8);
    assert_eq!(records(&sandbox).len(), 2, "not recorded where that is asked");

    // What would go is listed as of snapshots: by ids and times.
    let dry = sandbox.aicr(&["runs", "prune", "--keep", "1", "--dry-run"]);
    let began = format!("{}-{}-{}T", &ids[0][..4], &ids[0][4..6], &ids[0][6..8]);
    assert!(dry.code == 0 && dry.stdout.starts_with(&format!("{}  {began}", ids[0])), "{}", dry.transcript);
    assert!(dry.stderr.contains("would remove the records of 1 run\n"), "{}", dry.transcript);
    assert_eq!(records(&sandbox).len(), 2, "nothing is removed");
    let pruned = sandbox.aicr(&["runs", "prune", "--keep", "1"]);
    assert!(pruned.code == 0 && records(&sandbox).len() == 1, "{}", pruned.transcript);
    let missing = sandbox.aicr(&["runs", "show", &ids[0]]);
    assert!(missing.code == 3 && missing.stderr.contains("unknown run `"), "{}", missing.transcript);
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_what_it_had_seen() {
    let sandbox = Sandbox::new();
    let mut child = start(&sandbox, "\"event\":\"state\"");
    child.kill().unwrap();
    child.wait().unwrap();
    let list = sandbox.aicr(&["runs", "list"]);
    assert!(list.stdout.contains("interrupted"), "{}", list.transcript);
    let shown = sandbox.aicr(&["runs", "replay", "last", "--speed", "0"]);
    assert!(shown.code == 0 && shown.stdout.contains("creating"), "{}", shown.transcript);
    let followed = sandbox.aicr(&["runs", "follow", "last"]);
    assert!(followed.code == 9 && followed.stderr.contains("did not see the end"), "{}", followed.transcript);
}

#[cfg(unix)]
#[test]
fn a_run_is_followed_from_a_second_terminal_to_its_end() {
    let sandbox = Sandbox::new();
    let mut child = start(&sandbox, "\"event\":\"planned\"");
    let list = sandbox.aicr(&["runs", "list"]);
    assert!(list.stdout.contains("running"), "{}", list.transcript);
    let exported = sandbox.aicr(&["runs", "export", "last", "-t", "junit"]);
    // It may have ended since.
    if child.try_wait().unwrap().is_none() {
        let all = exported.stdout.lines().find(|line| line.starts_with("<testsuites")).unwrap_or_default();
        let says = exported.stdout.contains("the run has not ended, and has no verdict");
        assert!(says && !all.contains("errors=\"0\""), "{}", exported.transcript);
    }
    let followed = sandbox.aicr(&["runs", "follow", "last"]);
    let ended = child.wait().unwrap().code();
    assert_eq!(Some(followed.code), ended, "{}", followed.transcript);
    assert!(followed.stdout.lines().last().is_some_and(|line| line.contains("ended")), "{}", followed.transcript);
}

/// `aicr runs replay | head -1`: between two lines there may be minutes, or an Enter that does not come.
#[test]
fn a_replay_ends_with_its_reader() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.aicr(&[&VALIDATE[..], &["platform-health"]].concat()).code, 0);
    let record = std::fs::read_to_string(&records(&sandbox)[0]).unwrap();
    // A hundred years lie between readiness and the checks.
    let is_early =
        |line: &str| ["planned", "readiness"].iter().any(|event| line.contains(&format!("\"event\":\"{event}\"")));
    let moved = |line: &str| match is_early(line) {
        true => line.to_owned(),
        false => line.replace("\"observed_at\":\"20", "\"observed_at\":\"21"),
    };
    let text: String = record.lines().map(|line| moved(line) + "\n").collect();
    sandbox.file("slow.jsonl", &text);
    for arguments in [["slow.jsonl", "--speed=1"], ["last", "--step"]] {
        let mut command = sandbox.command(&[&["runs", "replay"], &arguments[..]].concat());
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // Stays open: nobody presses Enter a second time.
        let mut keys = child.stdin.take().unwrap();
        keys.write_all(b"\n").unwrap();
        let (mut first, mut lines) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        lines.read_line(&mut first).unwrap();
        assert!(first.contains("  planned  "), "{arguments:?}: {first}");
        drop(lines);
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
                panic!("{arguments:?} goes on without a reader");
            }
            std::thread::yield_now();
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

/// An answer for each stop; then standard input ends.
#[test]
fn a_run_steps_by_answers_on_standard_input() {
    let sandbox = Sandbox::new();
    let arguments = [&VALIDATE[..], &["platform-health", "--step", "-t", "text"]].concat();
    let went_on = sandbox.aicr_with(&arguments, "\n");
    assert!(went_on.code == 0 && went_on.stderr.contains("before the conformance phase"), "{}", went_on.transcript);
    let canceled = sandbox.aicr_with(&arguments, "");
    assert!(canceled.code == 130 && canceled.stdout.contains("canceled"), "{}", canceled.transcript);
}
