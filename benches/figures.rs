//! The figures that README.md states, measured on this machine: `cargo bench`.
//!
//! Whole processes are timed from spawn to exit with their output read; work inside the program is timed in this process.
//! `cargo bench -- --peer "other recipe --service eks"` times another program's command beside ours, alternating with it,
//! so that both meet the same machine. `--runs N` sets how often, `--only NAME` measures one group: `frames`, `updates`, …

#![expect(clippy::disallowed_methods, reason = "a bench starts programs and looks at clocks")]

use aicr::{
    catalog::{Catalog, File},
    cluster::{
        self, objects,
        watch::{LiveStatus, LiveView},
    },
    criteria::{Criteria, Dimension},
    inventory::{Fact, Inventory, Node, Source},
    ops::{self, connect::Target, demo::DemoOptions},
    report::lines::{Lines, Wanted},
    resolve::Options,
    store,
    term::{color::Level, input::Input, key},
    workbench::{RunOptions, app::State, effect::Effect, msg::Msg, painted::Painted},
};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::{
    cell::RefCell,
    io::Read,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// One combination with many layers: overlays, mixins, values files.
const CRITERIA: [(Dimension, &str); 5] = [
    (Dimension::Service, "eks"),
    (Dimension::Accelerator, "h100"),
    (Dimension::Os, "ubuntu"),
    (Dimension::Intent, "training"),
    (Dimension::Platform, "kubeflow"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let runs = value("--runs").and_then(|text| text.parse().ok()).unwrap_or(200);
    let peer = value("--peer").map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    println!("{runs} runs each; times in ms\n");
    println!("{:<52} {:>8} {:>8} {:>10}", "what", "p50", "p99", "peak MiB");
    let only = value("--only");
    let known = RefCell::new(Vec::new());
    let measure = |name: &'static str, work: &dyn Fn()| {
        known.borrow_mut().push(name);
        if only.as_ref().is_none_or(|only| only == name) {
            work();
        }
    };
    // First, because what this process has used before is used again.
    measure("lines", &|| million_lines(runs.min(20)));
    measure("processes", &|| processes(&ours(), peer.as_deref(), runs));
    measure("bundles", &|| bundles(runs));
    measure("large-bundle", &|| large_bundle(runs.min(5)));
    measure("resolve", &|| resolving(runs));
    measure("large-catalog", &|| resolving_large(runs));
    measure("first-frame", &|| first_frame(runs.min(50)));
    measure("frames", &|| frames(runs));
    measure("updates", &|| updates(runs));
    measure("compare", &|| comparing(runs.min(20)));
    measure("hours", &|| hours(runs));
    if let Ok(kubeconfig) = std::env::var("AICR_TEST_KUBECONFIG") {
        measure("overhead", &|| overhead(&kubeconfig, runs.min(5)));
    }
    let known = known.into_inner();
    if let Some(only) = only.filter(|only| !known.contains(&only.as_str())) {
        eprintln!("error: unknown group `{only}`; there are {}", known.join(", "));
        std::process::exit(2);
    }
}

/// `aicr recipe` for [`CRITERIA`].
fn ours() -> Vec<String> {
    let mut command = vec![env!("CARGO_BIN_EXE_aicr").to_owned(), "recipe".to_owned()];
    for (dimension, value) in CRITERIA {
        command.extend([format!("--{}", dimension.name()), value.to_owned()]);
    }
    command
}

/// `aicr bundle` of the same recipe from a file, and what writing its files costs by itself.
fn bundles(runs: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (recipe, target) = (folder.path().join("recipe.yaml"), folder.path().join("bundle"));
    let text = |path: &std::path::Path| path.display().to_string();
    run(&[ours(), vec!["-o".to_owned(), text(&recipe)]].concat());
    let command: Vec<String> =
        [&ours()[0], "bundle", "-r", &text(&recipe), "-o", &text(&target)].map(str::to_owned).to_vec();
    run(&command);
    let mut files = Vec::new();
    let mut folders = vec![target.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push((path.clone(), std::fs::read(path).expect("a file")))
            }
        }
    }
    assert!(files.len() > 60, "a bundle has {} files", files.len());
    let (mut whole, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        std::fs::remove_dir_all(&target).expect("the bundle can be removed");
        whole.push(time(|| run(&command)));
        std::fs::remove_dir_all(&target).expect("the bundle can be removed");
        floor.push(time(|| {
            for (path, bytes) in &files {
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
                std::fs::write(path, bytes).expect("a file");
            }
        }));
    }
    std::fs::remove_dir_all(&target).expect("the bundle can be removed");
    row("process: aicr bundle -r FILE -o DIR", whole, peak_kib(&command));
    row(&format!("of that: writing {} files", files.len()), floor, None);
}

/// `aicr bundle` of a recipe with 10,000 components, for the dialect that has no limit of folders.
fn large_bundle(runs: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (recipe, target) = (folder.path().join("recipe.yaml"), folder.path().join("bundle"));
    let mut text =
        String::from("apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {version: 1.0.0}\ncomponentRefs:\n");
    for n in 0..10_000 {
        let needs = if n == 0 { String::new() } else { format!("c{}", n / 2) }.replace(&format!("c{n}"), "");
        text += &format!(
            "- {{name: c{n}, namespace: n, chart: c, type: Helm, source: \"https://example.org/c\", version: 1.2.3, dependencyRefs: [{needs}]}}\n"
        );
    }
    std::fs::write(&recipe, text).expect("a recipe");
    let path = |path: &std::path::Path| path.display().to_string();
    let command: Vec<String> =
        [&ours()[0], "bundle", "-r", &path(&recipe), "-d", "flux", "-o", &path(&target)].map(str::to_owned).to_vec();
    let mut times = Vec::new();
    for _ in 0..runs {
        times.push(time(|| run(&command)));
        std::fs::remove_dir_all(&target).expect("the bundle can be removed");
    }
    let peak = peak_kib(&command);
    row("process: aicr bundle of 10,000 components (flux)", times, peak);
}

/// Spawn to exit, with everything the system does around it.
fn processes(ours: &[String], peer: Option<&[String]>, runs: usize) {
    let smallest = [ours[0].clone(), "--version".to_owned()];
    let mut rows = vec![("process: aicr recipe", ours), ("process: aicr --version (nothing but starting)", &smallest)];
    rows.extend(peer.map(|command| ("process: the peer", command)));
    let mut times = vec![Vec::new(); rows.len()];
    for _ in 0..runs {
        for ((_, command), times) in rows.iter().zip(&mut times) {
            times.push(time(|| run(command)));
        }
    }
    for ((name, command), times) in rows.iter().zip(times) {
        row(name, times, peak_kib(command));
    }
}

/// Two snapshots of 5,000 nodes: one that differs from the other on every node, and one that a store has kept.
fn comparing(runs: usize) {
    let options = DemoOptions { nodes: Some(5000), ..DemoOptions::default() };
    let before = snapshot(&Target::Demo(options));
    let mut after = Inventory::clone(&before);
    for node in &mut after.nodes {
        let kernel = Fact::known("6.8.0-1021".into(), Source::node("status.nodeInfo.kernelVersion"));
        *node = Arc::new(Node { kernel, ..Node::clone(node) });
    }
    let rules = vec![("OS.sysctl./proc/sys/kernel/osrelease".to_owned(), ">= 6.8".to_owned())];
    let compare = |left: &Inventory, right: &Inventory| {
        let drift = ops::diff::drift(left, right, None, &rules);
        assert!(drift.changes.len() >= 5000, "{} changes", drift.changes.len());
    };
    let times: Vec<Duration> = (0..runs).map(|_| time(|| compare(&before, &after))).collect();
    let slowest = times.iter().max().copied().unwrap_or_default();
    row("in process: compare two snapshots of 5,000 nodes", times, None);
    assert!(slowest < Duration::from_secs(1), "comparing took {slowest:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let kept = ops::snapshots::save(folder.path(), &before, None, ops::snapshots::How::Saved).expect("it is kept").0;
    let reads = (0..runs).map(|_| time(|| drop(ops::snapshots::open(folder.path(), &kept)))).collect();
    row("in process: read a kept snapshot of 5,000 nodes", reads, None);
}

/// The same work without a process around it.
fn resolving(runs: usize) {
    let catalog = ops::recipe::load_catalog(&Default::default()).expect("the embedded catalog is good");
    let loads = (0..runs).map(|_| time(|| drop(ops::recipe::load_catalog(&Default::default())))).collect();
    row("in process: read the catalog", loads, None);
    let resolves = (0..runs).map(|_| time(|| resolve(&catalog))).collect();
    row("in process: resolve", resolves, None);
}

/// Resolving when thousands of overlays do not match.
fn resolving_large(runs: usize) {
    let mut files = store::catalog_dir::embedded();
    for n in 0..10_000 {
        let (service, accelerator) = (format!("service-{}", n / 100), format!("gpu-{}", n % 100));
        let text = format!(
            "metadata: {{name: o{n}}}\nspec:\n  criteria: {{service: {service}, accelerator: {accelerator}}}\n  \
             componentRefs: [{{name: gpu-operator, overrides: {{driver: {{version: v{n}}}}}}}]\n"
        );
        let path = format!("overlays/o{n}.yaml");
        files.insert(&path, File::new(0, path.as_str(), text));
    }
    let loads = (0..runs.div_ceil(20)).map(|_| time(|| drop(Catalog::new(files.clone())))).collect();
    row("in process: read a catalog of 10,098 overlays", loads, None);
    let catalog = Catalog::new(files).expect("the catalog is good");
    let resolves = (0..runs).map(|_| time(|| resolve(&catalog))).collect();
    row("in process: resolve on it", resolves, None);
}

fn resolve(catalog: &Catalog) {
    let stated = CRITERIA.map(|(dimension, value)| (dimension, value.to_owned()));
    let query = ops::recipe::criteria(catalog, Default::default(), &stated, false).expect("known criteria");
    let resolved = ops::recipe::resolve(catalog, &query, None, Options::default()).expect("a recipe");
    assert!(!resolved.resolution.recipe.components.is_empty());
}

/// Spawn to the first whole frame on a terminal of 120x40: the cluster need not have answered, but tabs and hints stand.
fn first_frame(runs: usize) {
    let size = PtySize { cols: 120, rows: 40, pixel_width: 0, pixel_height: 0 };
    let mut times = Vec::new();
    for _ in 0..runs {
        let terminal = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_aicr"));
        command.arg("--demo");
        command.env("TERM", "xterm-256color");
        let mut output = terminal.master.try_clone_reader().expect("its output");
        let start = Instant::now();
        let mut child = terminal.slave.spawn_command(command).expect("the program runs");
        let mut seen = Vec::new();
        let mut bytes = [0; 1 << 16];
        // The last line of a frame holds the hints, and the frame is one write.
        while !contains(&seen, b"help") {
            match output.read(&mut bytes) {
                Ok(count) if count > 0 => seen.extend_from_slice(&bytes[..count]),
                _ => panic!("the workbench ended before its first frame: {}", String::from_utf8_lossy(&seen)),
            }
        }
        times.push(start.elapsed());
        child.kill().expect("it can be ended");
        child.wait().expect("it ends");
    }
    row("workbench: process to first frame, 120x40", times, None);
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// What one key and its frame cost at 200x60: update, layout, tables, drawing into a buffer.
fn frames(runs: usize) {
    for (nodes, name) in
        [(5, "workbench: key to frame, 200x60, 5 nodes"), (5000, "workbench: key to frame, 200x60, 5,000 nodes")]
    {
        let (mut state, mut painted) = (state(nodes), Painted::default());
        let mut keys = ["Down", "Up"].iter().cycle();
        let times = (0..runs)
            .map(|_| {
                let keys = key::sequence(keys.next().expect("an endless cycle")).expect("known keys");
                time(|| {
                    for key in keys {
                        state.update(Msg::Input(Input::Key(key)));
                    }
                    frame(&mut state, &mut painted);
                })
            })
            .collect();
        row(name, times, None);
    }
    let (mut state, mut painted) = (state(5), Painted::default());
    state.update(Msg::Input(Input::Key(key::sequence("2").expect("a known key")[0])));
    let times = (0..runs).map(|_| time(|| frame(&mut state, &mut painted))).collect();
    row("workbench: one frame of the Recipe screen, 200x60", times, None);
}

/// What one batch of updates costs the thread that takes keys, and a key that comes right after it, 200x60.
///
/// 125 of 5,000 nodes are what 500 updates a second change in the quarter of a second between two views.
fn updates(runs: usize) {
    let (mut state, mut painted) = (state(5000), Painted::default());
    let mut keys = ["Down", "Up"].iter().cycle();
    let (mut batches, mut builds, mut longest, mut answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..runs {
        let view = changed(&state, run * 125, 125);
        batches.push(time(|| drop(state.update(Msg::Live { generation: 1, view }))));
        let mut steps = Vec::new();
        while state.is_behind() {
            steps.push(time(|| state.prepare_next()));
        }
        builds.push(steps.iter().sum());
        longest.push(steps.into_iter().max().unwrap_or_default());
        let keys = key::sequence(keys.next().expect("an endless cycle")).expect("known keys");
        answers.push(time(|| {
            for key in keys {
                state.update(Msg::Input(Input::Key(key)));
            }
            frame(&mut state, &mut painted);
        }));
    }
    // A key that comes meanwhile waits for the taking or for one pane.
    let waits = batches.iter().zip(&longest).zip(&answers);
    let waits = waits.map(|((batch, step), answer)| *batch.max(step) + *answer).collect();
    row("workbench: key amid 125 changed nodes to frame, at most", waits, None);
    row("  of it: taking the changes", batches, None);
    row("  building what is shown of them", builds, None);
    row("  of it: building the pane that takes longest", longest, None);
    row("  of it: the key and its frame", answers, None);
}

/// What this process holds after each of eight hours of a cluster of 5,000 nodes, each of which changes every five minutes,
/// with a frame after each quarter of a second of 500 updates; fewer with fewer than 100 runs.
fn hours(runs: usize) {
    let (mut state, mut painted) = (state(5000), Painted::default());
    let (hours, batches) = (8, 5000 * 12 / 125 * runs.min(100) / 100);
    let mut held = vec![resident_mib()];
    for hour in 0..hours {
        for batch in 0..batches {
            let view = changed(&state, (hour * batches + batch) * 125, 125);
            state.update(Msg::Live { generation: 1, view });
            frame(&mut state, &mut painted);
        }
        held.push(resident_mib());
    }
    let held: Vec<String> = held.iter().map(|mib| format!("{mib:.1}")).collect();
    println!("workbench: MiB before and after each of {hours} hours of {} changes: {}", batches * 125, held.join(" "));
}

/// Five conformance checks on real Kubernetes (`tests/cluster/cluster up`, `check-image`, `gpu-stack`), end to end, and what
/// the containers of the checks ran of that. Several run at the same time, so that the sum is not a lower bound. Each run begins
/// when the namespace of the one before is gone, for which Kubernetes takes 5 s; nobody waits for that but who runs again.
fn overhead(kubeconfig: &str, runs: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = folder.path().join("recipe.yaml").display().to_string();
    let aicr = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aicr"));
        command.args(arguments).env("HOME", folder.path()).env("XDG_STATE_HOME", folder.path());
        command.stdin(Stdio::null()).stderr(Stdio::null()).output().expect("the binary runs")
    };
    let criteria = ["--service", "kind", "--accelerator", "a100"];
    assert!(aicr(&[&["recipe"], &criteria[..], &["-o", &recipe]].concat()).status.success(), "a recipe");
    let (mut whole, mut own, mut over) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        without_namespace(kubeconfig);
        let begun = Instant::now();
        let arguments = ["validate", "--kubeconfig", kubeconfig, "-r", &recipe, "--phase", "conformance"];
        let output = aicr(&[&arguments[..], &["--check-image", "aicr/check:test", "-t", "ctrf"]].concat());
        let took = begun.elapsed();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
        let tests = report["results"]["tests"].as_array().expect("checks");
        assert!(output.status.success() && tests.len() == 5, "five checks pass: {report}");
        let ran: u64 = tests.iter().filter_map(|test| test["duration"].as_u64()).sum();
        let ran = Duration::from_millis(ran);
        whole.push(took);
        own.push(ran);
        over.push(took.saturating_sub(ran));
    }
    row("five checks on Kubernetes, end to end", whole, None);
    row("  the checks' own run times, summed", own, None);
    row("  what is more than that (goal 3000)", over, None);
}

/// Waits until the namespace of the runs is gone.
fn without_namespace(kubeconfig: &str) {
    let target = cluster::Target { kubeconfig: Some(kubeconfig.into()), ..cluster::Target::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let connection = cluster::connect(&target).await.expect("a connection");
        let find = || objects::find(&connection, "Namespace", "", ops::run::NAMESPACE);
        while find().await.expect("an answer").is_some() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
}

/// A million lines of one check's output: what they take, and how long a search of all of them takes.
fn million_lines(runs: usize) {
    let before = resident_mib();
    let mut lines = Lines::default();
    let said = ["looking at pod gpu-operator", "node worker is ready", "metric DCGM_FI_DEV_GPU_UTIL found", "waiting"];
    for number in 0..1_000_000_u64 {
        lines.push(number, &format!("2026-07-14T07:31:00Z {} {number}", said[number as usize % said.len()]));
    }
    lines.push(1_000_000, "the needle");
    assert_eq!((lines.end(), lines.dropped()), (1_000_001, 0), "all of them are kept");
    let kept = lines.bytes() as f64 / f64::from(1 << 20);
    println!("{:<52} {:>8} {:>8} {:>10.1}", "a million lines of a log, kept", "-", "-", resident_mib() - before);
    println!("{:<52} {:>8} {:>8} {kept:>10.1}", "  as it counts them", "-", "-");
    for (name, wanted) in [
        ("  search: one line", "(?i-u)needle"),
        ("  search: every fourth line", "(?i-u)ready"),
        ("  search: nothing", "(?i-u)xyzzy"),
    ] {
        let text = regex::Regex::new(wanted).expect("an expression");
        let wanted = Wanted { text: Some(&text), ..Wanted::default() };
        let times = (0..runs).map(|_| time(|| drop(std::hint::black_box(lines.search(&wanted, 5_000)))));
        row(name, times.collect(), None);
    }
}

/// What this process holds, on Linux.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

/// The shown cluster with some nodes whose readiness is another.
fn changed(state: &State, from: usize, count: usize) -> LiveView {
    let mut inventory = Inventory::clone(state.model.cluster.snapshot.as_ref().expect("a cluster"));
    for index in from..from + count {
        let place = index % inventory.nodes.len();
        let mut node = Node::clone(&inventory.nodes[place]);
        node.ready = Fact::known(node.ready.get() == Some(false), Source::node("status.conditions"));
        inventory.nodes[place] = Arc::new(node);
    }
    LiveView { inventory: Some(Arc::new(inventory)), status: LiveStatus::Fresh }
}

/// Paints over the frame before, as the program does.
fn frame(state: &mut State, painted: &mut Painted) {
    state.prepare();
    painted.paint(state);
    assert_eq!(painted.frame.area.width, 200);
}

/// The workbench on a demo cluster of that many nodes, with its recipe, settled.
fn state(nodes: usize) -> State {
    let criteria = Criteria { service: Some("kind".into()), accelerator: Some("a100".into()), ..Criteria::default() };
    let demo = DemoOptions { nodes: Some(nodes), ..DemoOptions::default() };
    let target = Target::Demo(demo);
    let options = RunOptions { target: target.clone(), criteria: Some(criteria), ..RunOptions::default() };
    let mut state = State::new(&options, Level::True, 200, 60).expect("a known theme");
    let mut waiting = state.begin();
    waiting.extend(state.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() }));
    let view = LiveView { inventory: Some(snapshot(&target)), status: LiveStatus::Fresh };
    waiting.extend(state.update(Msg::Live { generation: 1, view }));
    while let Some(effect) = waiting.pop() {
        let answer = match effect {
            Effect::LoadCatalog { generation } => {
                Msg::Catalog { generation, answer: ops::recipe::load_catalog(&Default::default()) }
            }
            Effect::Resolve { slot, generation, catalog, query, snapshot, .. } => {
                let answer = ops::recipe::resolve(&catalog, &query, snapshot.as_deref(), Options::default());
                Msg::Resolved { slot, generation, answer: answer.map(|resolved| Arc::new(resolved.resolution)) }
            }
            _ => continue,
        };
        state.prepare();
        waiting.extend(state.update(answer));
    }
    state
}

fn snapshot(target: &Target) -> Arc<Inventory> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let taken = runtime.expect("a runtime").block_on(async {
        let connection = ops::connect::connect(target).await.expect("the demo");
        ops::snapshot::take(&connection, "2026-01-14T09:10:00Z").await.expect("a snapshot")
    });
    Arc::new(taken)
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn run(command: &[String]) {
    let output = Command::new(&command[0]).args(&command[1..]).stdin(Stdio::null()).output().expect("the program runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn row(name: &str, mut times: Vec<Duration>, peak_kib: Option<u64>) {
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    let peak = peak_kib.map_or("-".to_owned(), |kib| format!("{:.1}", kib as f64 / 1024.0));
    println!("{name:<52} {:>8.2} {:>8.2} {peak:>10}", at(50), at(99));
}

/// The most memory that a process ever held, in KiB; Linux only.
///
/// A process that prints more than a pipe holds blocks near its end until we read; by then it has what it will need.
/// One that prints less is watched until it ends.
fn peak_kib(command: &[String]) -> Option<u64> {
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let status = format!("/proc/{}/status", child.id());
    let (mut peak, mut since) = (None, Instant::now());
    while since.elapsed() < Duration::from_millis(50) {
        let now = high_water_mark(&std::fs::read_to_string(&status).unwrap_or_default());
        if now > peak {
            (peak, since) = (now, Instant::now());
        }
        if child.try_wait().ok()?.is_some() {
            return peak;
        }
    }
    child.stdout.take()?.read_to_end(&mut Vec::new()).ok()?;
    child.wait().ok()?;
    peak
}

fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok().filter(|kib| *kib > 0)
}
