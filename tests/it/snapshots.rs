//! Kept snapshots, through the program: saved once, named, found wherever a snapshot is read, and compared as they come.

use crate::sandbox::{Run, Sandbox};
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

/// The files of the store, by folder.
fn files(sandbox: &Sandbox, folder: &str) -> usize {
    let folder = sandbox.home().join(".local/state/aicr/snapshots").join(folder);
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[track_caller]
fn good(run: Run) -> Run {
    assert_eq!(run.code, 0, "{}", run.transcript);
    run
}

/// Two snapshots of the demo, the later one with another kernel on a node.
fn two(sandbox: &Sandbox) {
    let text = good(sandbox.aicr(&["--demo", "snapshot"])).stdout;
    let stamp = text.lines().find(|line| line.trim_start().starts_with("timestamp: ")).expect("a time").to_owned();
    let timed = |text: &str, at: &str| text.replace(&stamp, &format!("  timestamp: '{at}'"));
    sandbox.file("monday.yaml", &timed(&text, "2026-01-12T09:00:00Z"));
    let changed = text.replace("6.12.54-linuxkit", "6.12.55-linuxkit");
    assert_ne!(text, changed);
    sandbox.file("friday.yaml", &timed(&changed, "2026-01-16T09:00:00Z"));
    good(sandbox.aicr(&["snapshots", "import", "monday.yaml", "--name", "monday"]));
    good(sandbox.aicr(&["snapshots", "import", "friday.yaml", "--name", "friday"]));
}

#[test]
fn equal_snapshots_take_room_once() {
    let sandbox = Sandbox::new();
    let first = good(sandbox.aicr(&["--demo", "snapshots", "save", "one"]));
    assert!(first.stderr.contains(" as @one: 0 changes since the previous snapshot"), "{}", first.transcript);
    let text = good(sandbox.aicr(&["snapshots", "export", "@one"])).stdout;
    let stamp = text.lines().find(|line| line.trim_start().starts_with("timestamp: ")).expect("a time").to_owned();
    sandbox.file("later.yaml", &text.replace(&stamp, "  timestamp: '2099-01-01T00:00:00Z'"));
    let second = good(sandbox.aicr(&["snapshots", "import", "later.yaml"]));
    assert!(second.stderr.contains("0 changes since the previous snapshot"), "{}", second.transcript);
    assert_eq!((files(&sandbox, "moments"), files(&sandbox, "contents")), (2, 1));
    let list = good(sandbox.aicr(&["snapshots", "list"]));
    let rows: Vec<&str> = list.stdout.lines().skip(1).collect();
    assert!(rows.len() == 2 && rows[0].contains("2099-01-01") && rows[1].contains("@one"), "{}", list.transcript);
}

#[test]
fn a_kept_snapshot_is_read_wherever_one_is_asked_for() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let diff = good(sandbox.aicr(&["diff", "@-1", "@", "-t", "table"]));
    assert!(diff.stdout.contains("node[worker-1].kernel"), "{}", diff.transcript);
    let noisy = good(sandbox.aicr(&["diff", "@-1", "@", "-t", "table", "--noise", "use"]));
    assert_eq!(noisy.stdout, diff.stdout, "nothing is held by pods: {}", noisy.transcript);
    let by_time = good(sandbox.aicr(&["diff", "@monday", "@2026-01-17", "-t", "table"]));
    assert_eq!(by_time.stdout, diff.stdout);
    let by_shape = good(sandbox.aicr(&["diff", "@-1", "@", "-t", "table", "--by", "shape"]));
    assert!(by_shape.stdout.lines().count() < diff.stdout.lines().count(), "{}", by_shape.transcript);
    let recipe = good(sandbox.aicr(&["recipe", "--snapshot", "@monday", "--service", "kind"]));
    assert!(recipe.stdout.contains("kind: Recipe"), "{}", recipe.transcript);
    let validate = sandbox.aicr(&["validate", "--snapshot", "@friday", "--service", "kind", "--no-cluster"]);
    assert!(!validate.stderr.contains("failed to read"), "{}", validate.transcript);
    let script = sandbox.file("keys", "wait\n").display().to_string();
    let compare = good(sandbox.aicr(&["tui", "@monday", "@friday", "--size", "160x45", "--script", &script]));
    assert!(compare.stdout.contains("kernel"), "{}", compare.transcript);
    let show = good(sandbox.aicr(&["snapshots", "show", "@"]));
    assert!(
        show.stdout.contains("~ node[worker-1].kernel: 6.12.54-linuxkit -> 6.12.55-linuxkit"),
        "{}",
        show.transcript
    );
}

#[test]
fn what_is_not_kept_is_not_found_and_nothing_is_written_to_it() {
    let sandbox = Sandbox::new();
    let missing = sandbox.aicr(&["diff", "@sunday", "@"]);
    assert_eq!(missing.code, 3, "{}", missing.transcript);
    assert!(missing.stderr.contains("unknown kept snapshot `sunday`"), "{}", missing.transcript);
    let written = sandbox.aicr(&["--demo", "snapshot", "-o", "@sunday"]);
    assert_eq!(written.code, 2, "{}", written.transcript);
    assert!(written.stderr.contains("aicr snapshots save"), "{}", written.transcript);
}

#[test]
fn names_are_given_taken_away_and_survive_pruning() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    good(sandbox.aicr(&["snapshots", "name", "@friday", "--remove"]));
    let pruned = good(sandbox.aicr(&["snapshots", "prune", "--keep", "0"]));
    assert!(pruned.stderr.contains("removed 0 snapshots"), "the newest stays: {}", pruned.transcript);
    good(sandbox.aicr(&["snapshots", "name", "@monday", "--remove"]));
    let pruned = good(sandbox.aicr(&["snapshots", "prune", "--keep", "0"]));
    assert!(pruned.stderr.contains("removed 1 snapshot"), "{}", pruned.transcript);
    assert_eq!((files(&sandbox, "moments"), files(&sandbox, "contents")), (1, 1));
}

/// Reads lines of a program until one fits, and ends the program as Ctrl-C does.
fn lines_until(sandbox: &Sandbox, arguments: &[&str], fits: impl Fn(&str) -> bool) -> (Vec<String>, i32) {
    let mut command = sandbox.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = Vec::new();
    // Open until the program has ended: it also ends where its reader has gone.
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for line in BufRead::lines(&mut output) {
        lines.push(line.unwrap());
        if fits(lines.last().unwrap()) {
            break;
        }
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    (lines, child.wait().unwrap().code().unwrap_or(-1))
}

#[test]
fn watching_keeps_the_first_and_an_idle_cluster_adds_nothing() {
    let sandbox = Sandbox::new();
    let (lines, code) =
        lines_until(&sandbox, &["--demo", "snapshot", "--watch"], |line| line.contains(" changes since "));
    assert_eq!((lines.len(), code), (2, 0), "{lines:?}");
    assert_eq!(files(&sandbox, "moments"), 1);
    // Of the same demo: what is read again says nothing that matters, so that the one difference is the only one.
    two(&sandbox);
    let (lines, _) =
        lines_until(&sandbox, &["--demo", "diff", "--live", "@friday", "--watch"], |line| line.contains("kernel"));
    assert!(lines.last().unwrap().contains("6.12.55-linuxkit -> 6.12.54-linuxkit"), "{lines:?}");
    let (json, _) = lines_until(&sandbox, &["--demo", "diff", "--live", "@friday", "--watch", "-t", "json"], |line| {
        line.contains("kernel")
    });
    let value: serde_json::Value = serde_json::from_str(json.last().unwrap()).unwrap();
    assert_eq!((&value["differs"], &value["severity"]), (&true.into(), &"info".into()), "{json:?}");
}

/// Where nothing more is to be written, only the pipe itself says that nobody reads it any more.
#[cfg(target_os = "linux")]
#[test]
fn a_watch_ends_when_its_reader_is_gone() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.aicr(&["--demo", "snapshot", "-o", "now.yaml"]).code, 0);
    for arguments in [&["--demo", "snapshot", "--watch"][..], &["--demo", "diff", "--live", "now.yaml", "--watch"]] {
        let mut child =
            sandbox.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut notes = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(notes.any(|line| line.contains("until interrupted")), "{arguments:?}");
        drop(child.stdout.take());
        let since = std::time::Instant::now();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            if since.elapsed() > std::time::Duration::from_secs(60) {
                child.kill().unwrap();
                break None;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        assert_eq!(ended, Some(141), "{arguments:?}");
    }
}

#[test]
fn the_past_of_the_demo_keeps_its_ids_and_gives_way_to_ones_own_names() {
    let sandbox = Sandbox::new();
    let ids = |run: &crate::sandbox::Run| -> Vec<String> {
        run.stdout.lines().skip(1).filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
    };
    let list = good(sandbox.aicr(&["--demo", "snapshots", "list"]));
    let past = ids(&list);
    // Whole hours before midnight: what one command prints is known to the next.
    assert!(past.len() == 6 && past.iter().all(|id| &id[11..16] == "0000-"), "{}", list.transcript);
    assert!(list.stdout.lines().skip(1).all(|line| line.ends_with(" -")), "no size: {}", list.transcript);
    assert!(
        list.stderr.starts_with("0 snapshots in ") && list.stderr.ends_with(", 6 of the demo's past\n"),
        "{}",
        list.transcript
    );
    good(sandbox.aicr(&["--demo", "snapshots", "show", &past[0]]));
    good(sandbox.aicr(&["--demo", "snapshots", "save", "yesterday"]));
    let own = good(sandbox.aicr(&["--demo", "snapshots", "show", "@yesterday"]));
    assert!(!past.iter().any(|id| own.stdout.contains(id)), "{}", own.transcript);
}

#[test]
fn an_idle_cluster_shows_no_drift() {
    let sandbox = Sandbox::new();
    good(sandbox.aicr(&["--demo", "snapshots", "save", "before"]));
    let diff = good(sandbox.aicr(&["--demo", "diff", "@before", "cluster", "--fail-on-drift", "-t", "table"]));
    assert_eq!(diff.stdout, "NO CHANGES\n", "{}", diff.transcript);
}

#[test]
fn what_breaks_a_constraint_comes_first_and_is_named() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let text = std::fs::read_to_string(sandbox.home().join("friday.yaml")).unwrap();
    let old = text.replace("v1.34.", "v1.29.").replace("2026-01-16", "2026-01-18");
    assert_ne!(text, old);
    sandbox.file("old.yaml", &old);
    good(sandbox.aicr(&["snapshots", "import", "old.yaml"]));
    let diff =
        good(sandbox.aicr(&["diff", "@friday", "@", "--recipe", "service=kind,accelerator=a100", "-t", "table"]));
    let first = diff.stdout.lines().nth(2).unwrap_or_default();
    assert!(first.contains("CRITICAL") && first.contains("K8s.server.version"), "{}", diff.transcript);
    assert!(diff.stderr.contains("a constraint no longer holds: K8s.server.version"), "{}", diff.transcript);
}

/// What the agent leaves in the demo cluster: nothing, which a second one in the same process could not tell, so the count of
/// what it says is what is looked at.
#[test]
fn nodes_are_asked_by_jobs_without_rights_and_what_they_say_is_in_the_snapshot() {
    let sandbox = Sandbox::new();
    let asked = good(sandbox.aicr(&["--demo", "snapshot", "--agent", "-o", "asked.yaml"]));
    assert!(asked.stderr.contains("agent: 1/1 instance-20260602-102458: "), "{}", asked.transcript);
    assert!(!asked.stderr.contains("clean-up incomplete"), "{}", asked.transcript);
    let query = |key: &str| good(sandbox.aicr(&["diff", "asked.yaml", key, "-t", "table"])).stdout;
    good(sandbox.aicr(&["--demo", "snapshot", "-o", "plain.yaml"]));
    let more = query("plain.yaml");
    for reading in [
        "OS.grub.quiet",
        "OS.sysctl./proc/sys/vm/swappiness",
        "GPU.smi.gpu.persistence-mode",
        "SystemD.kubelet.service.ActiveState",
        "NodeTopology.agent[0].state",
    ] {
        assert!(more.contains(reading), "{reading}:\n{more}");
    }
    good(sandbox.aicr(&["--demo", "snapshot", "--agent", "--agent-per", "shape", "-o", "again.yaml"]));
    assert_eq!(query("again.yaml"), "NO CHANGES\n", "an idle node says the same again");
}

#[test]
fn the_demo_has_a_week_with_one_drift_and_a_fleet_beside_it() {
    let sandbox = Sandbox::new();
    let list = good(sandbox.aicr(&["--demo", "snapshots", "list"]));
    assert_eq!(list.stdout.lines().count(), 7, "{}", list.transcript);
    for name in ["@last-week", "@before-the-drift", "@yesterday"] {
        assert!(list.stdout.contains(name), "{name}: {}", list.transcript);
    }
    let drift = good(sandbox.aicr(&["--demo", "diff", "@before-the-drift", "cluster", "-t", "table"]));
    assert!(drift.stdout.contains("node[instance-20260602-102458].gpu-driver"), "{}", drift.transcript);
    let quiet = good(sandbox.aicr(&["--demo", "diff", "@yesterday", "cluster", "-t", "table"]));
    assert_eq!(quiet.stdout, "NO CHANGES\n", "{}", quiet.transcript);
    let fleet = good(sandbox.aicr(&["--demo", "--context", "fleet", "snapshot", "-t", "table"]));
    assert_eq!(fleet.stdout.lines().filter(|line| line.contains(" not ready ")).count(), 12);
    assert!(fleet.stderr.contains("read 5,000 nodes of fleet"), "{}", fleet.stderr);
    let other = sandbox.aicr(&["--demo", "--context", "other", "snapshot"]);
    assert!(other.code == 2 && other.stderr.contains("the contexts demo and fleet only"), "{}", other.transcript);
}

/// Another UID of its namespace kube-system makes it another cluster.
#[test]
fn the_fleet_of_the_demo_has_a_past_of_its_own() {
    let sandbox = Sandbox::new();
    good(sandbox.aicr(&["--demo", "snapshots", "save", "d1"]));
    let fleet = good(sandbox.aicr(&["--demo", "--context", "fleet", "snapshots", "save", "f1"]));
    assert!(fleet.stderr.contains("none of its cluster was kept before"), "{}", fleet.transcript);
    let small = good(sandbox.aicr(&["--demo", "snapshots", "save", "d2"]));
    assert!(small.stderr.contains("0 changes since the previous snapshot"), "{}", small.transcript);
}

#[test]
fn a_name_goes_to_the_snapshot_that_is_listed() {
    let sandbox = Sandbox::new();
    good(sandbox.aicr(&["--demo", "snapshots", "save", "today"]));
    for reference in ["@-1", "@yesterday"] {
        let past = sandbox.aicr(&["--demo", "snapshots", "name", reference, "mine"]);
        assert_eq!(past.code, 2, "{}", past.transcript);
        assert!(past.stderr.contains("is of the demo's past, which cannot be changed"), "{}", past.transcript);
    }
    let named = good(sandbox.aicr(&["--demo", "snapshots", "name", "@", "mine"]));
    assert!(named.stderr.contains("is now @mine"), "{}", named.transcript);
    let list = good(sandbox.aicr(&["--demo", "snapshots", "list"]));
    assert!(list.stdout.lines().nth(1).is_some_and(|line| line.contains("@mine")), "{}", list.transcript);
}

/// What is kept is compared with what stands below it in the list.
#[test]
fn changes_are_those_since_the_snapshot_before_also_where_that_is_of_the_demos_past() {
    let sandbox = Sandbox::new();
    let saved = good(sandbox.aicr(&["--demo", "snapshots", "save", "today"]));
    assert!(saved.stderr.contains(" as @today: 0 changes since the previous snapshot"), "{}", saved.transcript);
    good(sandbox.aicr(&["--demo", "snapshots", "export", "@yesterday", "-o", "copy.yaml"]));
    let copy = good(sandbox.aicr(&["--demo", "snapshots", "import", "copy.yaml"]));
    assert!(copy.stderr.contains("0 changes since the previous snapshot"), "{}", copy.transcript);
    let list = good(sandbox.aicr(&["--demo", "snapshots", "list", "-t", "json"]));
    let rows: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    let rows = rows.as_array().unwrap();
    let ids: std::collections::BTreeSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!((ids.len(), rows.len()), (7, 7), "a copy is the same moment: {}", list.transcript);
    assert_eq!((&rows[0]["name"], &rows[0]["changes"]), (&"today".into(), &0.into()), "{}", list.transcript);
    assert_eq!((&rows[1]["name"], &rows[1]["changes"]), (&"yesterday".into(), &0.into()), "{}", list.transcript);
    // A whole id is that of one.
    good(sandbox.aicr(&["--demo", "snapshots", "show", rows[1]["id"].as_str().unwrap()]));
}

#[test]
fn what_would_be_pruned_is_listed_first() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    good(sandbox.aicr(&["snapshots", "name", "@monday", "--remove"]));
    let dry = good(sandbox.aicr(&["snapshots", "prune", "--keep", "0", "--dry-run"]));
    assert!(
        dry.stdout.contains("2026-01-12T09:00:00Z") && dry.stderr.contains("would remove 1 snapshot"),
        "{}",
        dry.transcript
    );
    assert_eq!(files(&sandbox, "moments"), 2, "nothing is removed");
}

/// They hold names of nodes and of images, as the last session does.
#[cfg(unix)]
#[test]
fn what_is_kept_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    good(sandbox.aicr(&["--demo", "snapshots", "save", "mine"]));
    let state = sandbox.home().join(".local/state/aicr");
    let mut folders = vec![state.join("snapshots")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            seen += 1;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }
    assert_eq!(seen, 4, "a lock, a content, a moment and a baseline");
}
