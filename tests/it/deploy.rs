//! `aicr deploy` and `aicr undeploy` without a real cluster: on the demo cluster, where a stand-in takes Helm's place, and
//! with a program that stands in for Helm against a demo that is served.

use super::sandbox::{Run, Sandbox, golden};
use aicr::{
    cluster::{Connection, collect, lease, raw},
    demo::{Demo, Fault, serve},
    deploy::{
        event::{Body as Deploy, Outcome, State, Way},
        machine::Options,
    },
    ops::{
        self,
        connect::Target,
        demo::DemoOptions,
        deploy::{self, Prepared, Wish},
        run::{self, EventLog},
    },
    report::{self, Report},
    validate::event::{Body, Event, Verdict},
};
use serde_json::json;
use std::{collections::BTreeSet, path::Path, process::Stdio, sync::Arc, time::Duration};
use tokio::io::{AsyncBufReadExt, BufReader};

const RECIPE: &str = "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {version: 1.0.0}\ncriteria: null\ncomponentRefs:
  - {name: one, namespace: ns-one, chart: one, type: Helm, source: 'https://charts.example.com', version: 1.2.3}
  - {name: two, namespace: ns-two, chart: two, type: Helm, source: 'https://charts.example.com', version: 2.0.0}
  - {name: three, namespace: ns-two, chart: three, type: Helm, source: 'oci://registry.example.com/charts', version: 3.0.0, dependencyRefs: [one, two]}
deploymentOrder: [one, two, three]\n";

/// `--yes` alone is for contexts that are not protected.
#[test]
fn a_deploy_in_a_protected_context_needs_the_name_of_it() {
    let sandbox = bundled();
    sandbox.file(".config/aicr/config.toml", "protect = [\"de*\"]\n");
    for verb in ["deploy", "undeploy"] {
        golden(&format!("protected_{verb}"), &sandbox.aicr(&[verb, "bundle", "--demo"]).transcript);
        for without in [&[][..], &["--yes"], &["--yes=lab"]] {
            let refused = sandbox.aicr(&[&[verb, "bundle", "--demo"][..], without].concat());
            has(&refused, 2, &["--yes=demo"]);
            assert!(!refused.transcript.contains("done"), "{}", refused.transcript);
        }
    }
    has(&sandbox.aicr(&["deploy", "bundle", "--demo", "--dry-run"]), 0, &["would be installed"]);
    has(&sandbox.aicr(&["deploy", "bundle", "--demo", "--yes=demo"]), 0, &["3 of 3 releases installed: done"]);
    has(&sandbox.aicr(&["undeploy", "bundle", "--demo", "--yes=demo"]), 0, &["  undeploy      done"]);
}

/// A sandbox with a bundle of three components in two levels.
fn bundled() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("recipe.yaml", RECIPE);
    let run = sandbox.aicr(&["bundle", "-r", "recipe.yaml", "-o", "bundle"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    sandbox
}

#[track_caller]
fn has(run: &Run, code: i32, words: &[&str]) {
    let missing: Vec<&&str> = words.iter().filter(|words| !run.transcript.contains(**words)).collect();
    assert!(run.code == code && missing.is_empty(), "missing {missing:?}\n{}", run.transcript);
}

#[test]
fn a_deploy_is_planned_run_recorded_shown_and_replayed() {
    let sandbox = bundled();
    let plan = sandbox.aicr(&["deploy", "bundle", "--demo", "--plan"]);
    let expected = "deploy bundle to demo: 3 releases in 2 levels
level 0
  one    ns-one  one 1.2.3
         chart one of https://charts.example.com
         values values.yaml, cluster-values.yaml
         until its Deployments, DaemonSets, StatefulSets, Jobs, CRDs and webhooks are ready, 600 s at most
  two    ns-two  two 2.0.0
         chart two of https://charts.example.com
         values values.yaml, cluster-values.yaml
         until its Deployments, DaemonSets, StatefulSets, Jobs, CRDs and webhooks are ready, 600 s at most
level 1
  three  ns-two  three 3.0.0  behind one, two
         chart oci://registry.example.com/charts/three
         values values.yaml, cluster-values.yaml
         until its Deployments, DaemonSets, StatefulSets, Jobs, CRDs and webhooks are ready, 600 s at most
";
    assert_eq!((plan.code, plan.stdout.as_str()), (0, expected), "{}", plan.transcript);
    has(&sandbox.aicr(&["deploy", "bundle", "--demo", "--dry-run"]), 0, &["three: would be installed in ns-two"]);
    let done = sandbox.aicr(&["deploy", "bundle", "--demo", "--yes"]);
    has(
        &done,
        0,
        &[
            "one    installing",
            "three  waiting       for one, two",
            "not ready     Deployment ns-one/one: 0 of 1 available",
            "3 of 3 releases installed: done",
            "with a stand-in for Helm",
        ],
    );
    let order = |words: &str| done.stderr.find(words).unwrap_or_else(|| panic!("{words}: {}", done.stderr));
    assert!(order("one    ready") < order("three  installing") && order("two    ready") < order("three  installing"));
    let list = sandbox.aicr(&["runs", "list"]);
    has(&list, 0, &["deploy of bundle", "pass", "3 of 3 releases installed"]);
    has(&sandbox.aicr(&["runs", "show", "last"]), 0, &["deploy of bundle to demo", "3 of 3 releases installed: done"]);
    has(&sandbox.aicr(&["runs", "show", "last", "--plan"]), 0, &["three  ns-two  three 3.0.0  behind one, two"]);
    let replay = sandbox.aicr(&["runs", "replay", "last", "--speed", "0"]);
    has(&replay, 0, &["one    ready", "deploy        done"]);
    has(&sandbox.aicr(&["runs", "export", "last", "-t", "junit"]), 2, &["is a deploy"]);
    has(&sandbox.aicr(&["runs", "export", "last", "-t", "events"]), 0, &["\"event\":\"deploy\",\"deploy\":\"state\""]);
}

#[test]
fn a_dry_run_names_both_versions_and_what_speaks_against_an_upgrade() {
    let sandbox = Sandbox::new();
    let asked = ["recipe", "--service", "kind", "--accelerator", "a100", "-o", "recipe.yaml"];
    has(&sandbox.aicr(&asked), 0, &[]);
    has(&sandbox.aicr(&["bundle", "-r", "recipe.yaml", "-o", "bundle"]), 0, &[]);
    let planned = sandbox.aicr(&["deploy", "bundle", "--demo", "--dry-run"]);
    let expected = "gpu-operator: would be upgraded from v25.10.1 to v26.7.1 in gpu-operator
  needs attention: the record does not cover an upgrade from the installed version
";
    has(&planned, 0, &[expected, "7 components need attention before the upgrade; steps: aicr upgrade-check "]);
    // What it says is what the check says.
    let check = ["--demo", "upgrade-check", "--from", "cluster", "--to", "bundle", "--deployer", "helm", "-t", "json"];
    let checked: serde_json::Value = serde_json::from_str(&sandbox.aicr(&check).stdout).unwrap();
    let failing = checked["components"].as_array().unwrap().iter().filter(|row| row["failsRun"] == true).count();
    assert_eq!(planned.stdout.matches("  needs attention: ").count(), failing, "{}", planned.transcript);
    // A recipe that says nothing of its components is enough to deploy, and the dry run says what it does not know.
    sandbox.file("bundle/recipe.yaml", "deploymentOrder: [gpu-operator]\n");
    let planned = sandbox.aicr(&["deploy", "bundle", "--demo", "--dry-run", "--allow-changed"]);
    has(&planned, 0, &["upgrades were not checked: "]);
}

#[test]
fn a_deploy_is_refused_without_a_confirmation_and_for_what_verify_refuses() {
    let sandbox = bundled();
    let refused = sandbox.aicr(&["deploy", "bundle", "--demo"]);
    has(&refused, 2, &["--yes was not given", "--dry-run change nothing", "deploy bundle to demo: 3 releases"]);
    has(&sandbox.aicr(&["undeploy", "bundle", "--demo"]), 2, &["--yes was not given"]);
    // What ends is what was asked for.
    let removed = sandbox.aicr(&["undeploy", "bundle", "--demo", "--yes"]);
    has(&removed, 0, &["  undeploy      done"]);
    assert!(!removed.stderr.contains("deploy        done"), "{}", removed.transcript);
    has(&sandbox.aicr(&["deploy", "bundle", "--demo", "--component", "tow", "--plan"]), 2, &["did you mean two?"]);
    has(&sandbox.aicr(&["deploy", "nowhere", "--plan"]), 3, &["failed to deploy the bundle"]);
    let part = sandbox.aicr(&["deploy", "bundle", "--demo", "--component", "two", "--plan"]);
    has(&part, 0, &["1 release in 1 level"]);
    sandbox.file("bundle/002-two/cluster-values.yaml", "x: 1\n");
    let changed = sandbox.aicr(&["deploy", "bundle", "--demo", "--yes"]);
    has(&changed, 4, &["002-two/cluster-values.yaml", "--allow-changed deploys the files as they are"]);
    let allowed = sandbox.aicr(&["deploy", "bundle", "--demo", "--yes", "--allow-changed"]);
    has(&allowed, 0, &["the bundle is not as it was written", "3 of 3 releases installed: done"]);
    let other = sandbox.aicr(&["bundle", "-r", "recipe.yaml", "-d", "argocd", "-o", "argo"]);
    assert_eq!(other.code, 0, "{}", other.transcript);
    has(&sandbox.aicr(&["deploy", "argo", "--plan"]), 2, &["the bundle is for `argocd`", "-d helm"]);
}

#[cfg(unix)]
#[test]
fn a_file_of_a_release_that_cannot_be_read_is_not_left_out_of_a_deploy() {
    let sandbox = bundled();
    let link = |path: &str| {
        let path = sandbox.home().join("bundle").join(path);
        drop(std::fs::remove_file(&path));
        std::os::unix::fs::symlink(sandbox.home().join("recipe.yaml"), path).expect("a link");
    };
    let allowed = ["deploy", "bundle", "--demo", "--yes", "--allow-changed"];
    link("notes");
    has(&sandbox.aicr(&allowed), 0, &["`notes` is a symbolic link", "3 of 3 releases installed: done"]);
    link("002-two/cluster-values.yaml");
    let refused = sandbox.aicr(&allowed);
    has(&refused, 2, &["`002-two/cluster-values.yaml` is a symbolic link", "write the bundle again"]);
    assert!(!refused.transcript.contains("notes"), "{}", refused.transcript);
    let other = sandbox.aicr(&[&allowed[..], &["--component", "one"]].concat());
    has(&other, 0, &["1 of 1 release installed: done"]);
    let removed = sandbox.aicr(&["undeploy", "bundle", "--demo", "--plan", "--allow-changed"]);
    has(&removed, 0, &["3 releases in 2 levels"]);
    // Also where nothing lists what belongs there.
    std::fs::remove_file(sandbox.home().join("bundle/checksums.txt")).expect("a list");
    has(&sandbox.aicr(&allowed), 2, &["`002-two/cluster-values.yaml` is a symbolic link"]);
    link("bundle-info.yaml");
    link("checksums.txt");
    has(&sandbox.aicr(&allowed), 2, &["the bundle has no `bundle-info.yaml`"]);
}

#[test]
fn a_folder_that_is_not_a_bundle_is_not_read() {
    let sandbox = Sandbox::new();
    let large = sandbox.file("folder/large", "");
    let file = std::fs::OpenOptions::new().write(true).open(large).expect("a file");
    // More than there is memory for.
    file.set_len(1 << 42).expect("a file with a hole");
    let read = ops::bundle::read(&sandbox.home().join("folder")).expect("a folder");
    assert!(read.files.is_empty() && read.unread.is_empty());
    has(&sandbox.aicr(&["deploy", "folder", "--plan"]), 4, &["the folder has no `checksums.txt`"]);
    let allowed = sandbox.aicr(&["deploy", "folder", "--plan", "--allow-changed"]);
    has(&allowed, 2, &["the bundle has no `bundle-info.yaml`"]);
    has(
        &sandbox.aicr(&["bundle", "--service", "kind", "--plan", "--against", "folder"]),
        2,
        &["has no `checksums.txt`"],
    );
}

#[test]
fn what_a_pod_waits_for_is_said_and_a_deploy_that_takes_too_long_fails() {
    let sandbox = bundled();
    // A world whose only node takes no pods.
    let world = "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}\n  - apiVersion: v1\n    kind: Node\n    metadata: {name: n1}\n    \
                 spec: {unschedulable: true, taints: [{key: node.kubernetes.io/unschedulable, effect: NoSchedule}]}\n    \
                 status: {capacity: {cpu: '4', memory: 8Gi, pods: '10'}, allocatable: {cpu: '4', memory: 8Gi, pods: '10'}}\n";
    sandbox.file("world.yaml", world);
    let arguments = ["deploy", "bundle", "--demo", "--world", "world.yaml", "--yes", "--timeout", "4s"];
    let failed = sandbox.aicr(&arguments);
    has(
        &failed,
        1,
        &[
            "0/1 nodes are available",
            "failed",
            "not ready after 4 s",
            "three  not started   it needs one",
            "0 of 3 releases installed: failed",
        ],
    );
    has(&sandbox.aicr(&["runs", "list"]), 0, &["fail", "0 of 3 releases installed"]);
}

// -- one demo for several deploys --------------------------------------------------------------------------------------

fn demo() -> (Demo, Connection) {
    let demo = ops::demo::start(&DemoOptions { seed: 7, ..DemoOptions::default() }).expect("the demo");
    let connection = ops::demo::to_demo(&demo);
    (demo, connection)
}

fn prepared(sandbox: &Sandbox, wish: Wish) -> Prepared {
    deploy::prepare(&sandbox.home().join("bundle"), wish).expect("a plan")
}

fn removing() -> Wish {
    Wish { options: Options { way: Way::Remove, ..Options::default() }, ..Wish::default() }
}

/// Runs a deploy; canceled as soon as an event is such.
async fn until(
    connection: &Connection,
    prepared: &Prepared,
    cancels: impl Fn(&Event) -> bool,
) -> (Result<Outcome, ops::Failure>, Vec<Arc<Event>>) {
    let (writer, log) = EventLog::new();
    let (control, requests) = run::control();
    let target = Target::Demo(DemoOptions::default());
    let mut reader = log.reader();
    let reading = async {
        let mut events = Vec::new();
        while let Some(event) = reader.next().await {
            if cancels(&event) {
                control.cancel();
            }
            events.push(event);
        }
        events
    };
    tokio::join!(deploy::run(connection, &target, prepared, writer, requests), reading)
}

fn states(events: &[Arc<Event>], name: &str) -> Vec<&'static str> {
    let of = |event: &Arc<Event>| match &event.body {
        Body::Deploy(Deploy::State { release, state }) if release == name => Some(state.word()),
        _ => None,
    };
    let mut words: Vec<&str> = events.iter().filter_map(of).collect();
    words.dedup();
    words
}

async fn namespaces(connection: &Connection) -> Vec<String> {
    let all = raw::list(connection, "/api/v1/namespaces", "").await.expect("namespaces");
    all.iter().map(|one| one["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect()
}

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/aicr-deploy";

#[tokio::test]
async fn a_deploy_that_was_canceled_is_continued_and_removed_without_a_trace() {
    let sandbox = bundled();
    let (_demo, connection) = demo();
    let before = namespaces(&connection).await;
    let all = prepared(&sandbox, Wish::default());
    let begun = |event: &Event| matches!(&event.body, Body::Deploy(Deploy::State { release, state: State::NotReady { .. } }) if release == "one");
    let (outcome, events) = until(&connection, &all, begun).await;
    assert_eq!(outcome, Ok(Outcome::Canceled));
    assert_eq!(states(&events, "one").last(), Some(&"canceled"));
    assert_eq!(states(&events, "three"), ["waiting", "not started"]);
    assert_eq!(raw::get(&connection, LEASE).await.expect("an answer"), None);
    // A run of its own has an id of its own.
    let again = prepared(&sandbox, Wish::default());
    let (outcome, events) = until(&connection, &again, |_| false).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    assert!(!states(&events, "one").contains(&"installing"), "it is there: {:?}", states(&events, "one"));
    assert_eq!(states(&events, "three").last(), Some(&"ready"));
    let found = deploy::look(&connection, &again).await.expect("records");
    assert!(
        found.iter().all(|found| deploy::would(Way::Install, found) == "already installed, would be left as it is")
    );
    let (outcome, events) = until(&connection, &prepared(&sandbox, removing()), |_| false).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    let mut report = Report::default();
    events.iter().for_each(|event| report.on(event));
    let report = report::text::render(&report);
    assert!(report.contains("removal of ") && report.contains(" from demo\n"), "{report}");
    assert_eq!(states(&events, "one"), ["waiting", "looking", "removing", "removed"]);
    assert_eq!(namespaces(&connection).await, before);
}

/// Releases that the demo has already: what its snapshot says of them is what was deployed, and nothing of what was removed.
#[tokio::test]
async fn a_deploy_over_releases_of_the_demo_changes_their_versions_and_a_removal_takes_them_away() {
    const WANTED: &str = "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {version: 1.0.0}\ncriteria: null\ncomponentRefs:
  - {name: gpu-operator, namespace: gpu-operator, chart: gpu-operator, type: Helm, source: 'https://charts.example.com', version: v99.1.0}
  - {name: new, namespace: new, chart: charts/other, type: Helm, source: 'oci://registry.example.com', version: 1.2.3+build.4}
deploymentOrder: [gpu-operator, new]\n";
    let sandbox = Sandbox::new();
    sandbox.file("recipe.yaml", WANTED);
    let run = sandbox.aicr(&["bundle", "-r", "recipe.yaml", "-o", "bundle"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let (_demo, connection) = demo();
    let version = async |name: &str| {
        let inventory = collect::snapshot(&connection, "2026-01-01T00:00:00Z").await.expect("a snapshot");
        let releases = inventory.releases.value().cloned().expect("releases");
        releases.into_iter().find(|release| release.name == name).map(|release| release.version)
    };
    let before = version("gpu-operator").await.flatten();
    assert!(before.as_deref().is_some_and(|version| version != "v99.1.0"), "{before:?}");
    let (outcome, _) = until(&connection, &prepared(&sandbox, Wish::default()), |_| false).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    assert_eq!(version("gpu-operator").await, Some(Some("v99.1.0".to_owned())));
    assert_eq!(version("new").await, Some(Some("1.2.3+build.4".to_owned())));
    let (outcome, _) = until(&connection, &prepared(&sandbox, removing()), |_| false).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    assert_eq!((version("gpu-operator").await, version("new").await), (None, None));
}

#[tokio::test]
async fn two_deploys_do_not_work_at_once() {
    let sandbox = bundled();
    let (_demo, connection) = demo();
    let lock = lease::take(&connection, "another-run", |_, _| {}).await.expect("the lock");
    let renewing = async {
        loop {
            assert!(lock.renew().await.expect("an answer"));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let all = prepared(&sandbox, Wish::default());
    let (outcome, events) = tokio::select! {
        ended = until(&connection, &all, |_| false) => ended,
        () = renewing => unreachable!("it goes on"),
    };
    let failure = outcome.expect_err("it is held");
    assert!(failure.because.starts_with("held by run another-run, which is renewing it"), "{failure}");
    assert!(states(&events, "one").is_empty(), "nothing was begun");
    // The lock of a run that is gone is taken over.
    let (outcome, events) = until(&connection, &all, |_| false).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    let waited = |event: &Arc<Event>| matches!(&event.body, Body::Notice { text, .. } if text.contains("run another-run holds the lock"));
    assert!(events.iter().any(waited));
}

/// Eight seconds for each answer: what is looked at before the first release takes longer than the lock holds.
#[tokio::test(start_paused = true)]
async fn the_lock_is_renewed_before_the_first_release_and_given_back_by_a_cancel_then() {
    let sandbox = bundled();
    let faults = vec![ops::fault::Fault::Slow { millis: 8_000 }];
    let options = DemoOptions { seed: 7, faults, ..DemoOptions::default() };
    let demo = ops::demo::start(&options).expect("the demo");
    let connection = ops::demo::to_demo(&demo);
    let all = prepared(&sandbox, Wish::default());
    let (writer, log) = EventLog::new();
    let (control, requests) = run::control();
    let watching = async {
        let renewed = async {
            let mut versions = BTreeSet::new();
            while versions.len() < 2 {
                let lease = raw::get(&connection, LEASE).await.expect("an answer");
                versions.extend(lease.map(|lease| lease["metadata"]["resourceVersion"].to_string()));
            }
        };
        tokio::time::timeout(Duration::from_secs(600), renewed).await.expect("the lock is renewed");
        control.cancel();
    };
    let target = Target::Demo(options.clone());
    let mut reader = log.reader();
    let reading = async {
        let mut events = Vec::new();
        while let Some(event) = reader.next().await {
            events.push(event);
        }
        events
    };
    let running = deploy::run(&connection, &target, &all, writer, requests);
    let (outcome, (), events) = tokio::join!(running, watching, reading);
    assert_eq!(outcome, Ok(Outcome::Canceled));
    assert!(states(&events, "one").is_empty(), "nothing was begun: {:?}", states(&events, "one"));
    assert_eq!(raw::get(&connection, LEASE).await.expect("an answer"), None);
}

/// The notices of a run.
fn notices(events: &[Arc<Event>]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Notice { text, .. } => Some(&**text),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_cancel_before_the_lock_was_asked_for_does_not_look_for_one() {
    let sandbox = bundled();
    let (demo, connection) = demo();
    demo.break_by(vec![Fault::Down]);
    let (writer, log) = EventLog::new();
    let (control, requests) = run::control();
    control.cancel();
    let all = prepared(&sandbox, Wish::default());
    let outcome = deploy::run(&connection, &Target::Demo(DemoOptions::default()), &all, writer, requests).await;
    assert_eq!(outcome, Ok(Outcome::Canceled));
    let (mut reader, mut events) = (log.reader(), Vec::new());
    while let Some(event) = reader.next().await {
        events.push(event);
    }
    assert_eq!(notices(&events), [""; 0]);
}

/// What somebody has put to run into a namespace of a deploy keeps it; what is owned, or only stored, does not.
#[tokio::test(start_paused = true)]
async fn a_namespace_with_a_workload_of_somebody_is_kept() {
    let sandbox = bundled();
    let (_demo, connection) = demo();
    let (outcome, _) = until(&connection, &prepared(&sandbox, Wish::default()), |_| false).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    let create = async |path: &str, kind: &str, metadata: serde_json::Value| {
        let version = path.trim_start_matches("/apis/").trim_start_matches("/api/").split("/namespaces").next();
        let object = json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {}});
        raw::create(&connection, path, &object).await.expect(kind).expect("a new object");
    };
    let cron = "/apis/batch/v1/namespaces/ns-one/cronjobs";
    create(cron, "CronJob", json!({"name": "users-own", "namespace": "ns-one"})).await;
    let owners = json!([{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}]);
    let owned = json!({"name": "owned", "namespace": "ns-two", "ownerReferences": owners});
    create("/apis/batch/v1/namespaces/ns-two/cronjobs", "CronJob", owned).await;
    create("/api/v1/namespaces/ns-two/configmaps", "ConfigMap", json!({"name": "c", "namespace": "ns-two"})).await;
    let plan = prepared(&sandbox, removing());
    let lines = plan.lines("demo").join("\n");
    let named = "then the namespaces that deploying has made, with everything in them\n  ns-two, ns-one\n  kept where another \
                 release, workload or volume claim is in it";
    assert!(lines.ends_with(named), "{lines}");
    let (outcome, events) = until(&connection, &plan, |_| false).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    let notices = notices(&events);
    assert!(notices.contains(&"namespace ns-one: kept, because of CronJob users-own"), "{notices:?}");
    let left = namespaces(&connection).await;
    assert!(left.contains(&"ns-one".to_owned()) && !left.contains(&"ns-two".to_owned()), "{left:?}");
    let cron = raw::get(&connection, &format!("{cron}/users-own")).await.expect("an answer");
    assert!(cron.is_some());
}

/// A namespace that an object holds: nobody does what its finalizer is for.
#[tokio::test(start_paused = true)]
async fn a_lock_that_is_not_renewed_while_a_namespace_is_removed_is_reported_and_a_cancel_then_is_not_a_failure() {
    let sandbox = bundled();
    let (demo, connection) = demo();
    let (outcome, _) = until(&connection, &prepared(&sandbox, Wish::default()), |_| false).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    let held = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": "ns-one", "finalizers": ["example.com/hold"]}});
    raw::create(&connection, "/api/v1/namespaces/ns-one/configmaps", &held).await.expect("a ConfigMap");
    let says = |event: &Event, words: &str| matches!(&event.body, Body::Notice { text, .. } if text.contains(words));
    let cancels = |event: &Event| {
        if says(event, "namespace ns-one: removing") {
            demo.break_by(vec![Fault::Forbidden { verb: "patch".into(), resource: "leases".into() }]);
        }
        says(event, "the lock was not renewed")
    };
    let (outcome, events) = until(&connection, &prepared(&sandbox, removing()), cancels).await;
    let notices = notices(&events);
    assert_eq!(outcome, Ok(Outcome::Canceled), "{notices:?}");
    assert!(notices.iter().any(|text| text.starts_with("the lock was not renewed: ")), "{notices:?}");
    assert!(matches!(&events.last().expect("events").body, Body::Ended { verdict: Verdict::Canceled }), "{events:?}");
}

// -- a program in the place of Helm ------------------------------------------------------------------------------------

/// A Helm that writes down how it is called, and then does as this script says.
fn helm(sandbox: &Sandbox, script: &str) -> String {
    let text = format!(
        "#!/bin/sh\n[ \"$1\" != version ] || {{ echo v4.0.1; exit; }}\n{{ pwd; echo \"$@\"; env; }} >>\"{}/called\"\n{script}\n",
        sandbox.home().display()
    );
    let path = sandbox.file("tools/helm", &text);
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
    path.display().to_string()
}

/// Deploys with that Helm to a served demo.
async fn with_helm(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let demo = ops::demo::start(&DemoOptions { seed: 7, ..DemoOptions::default() }).expect("the demo");
    let listener = serve::listen(0).await.expect("a port");
    sandbox.kubeconfig(&format!("http://{}", listener.local_addr().expect("an address")));
    let mut command =
        tokio::process::Command::from(sandbox.command(&[&["deploy", "bundle", "--yes"], arguments].concat()));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HELM_KUBETOKEN", "of-another-cluster");
    let output = command.stdin(Stdio::null()).output();
    let output = tokio::select! {
        output = output => output.expect("it runs"),
        () = demo.serve(listener) => unreachable!("it serves until it is dropped"),
    };
    sandbox.run(arguments, output)
}

#[tokio::test]
async fn helm_is_called_as_install_sh_does_and_never_gets_credentials() {
    let sandbox = bundled();
    let helm = helm(&sandbox, "echo \"Error: chart with password=hunter2 not found\" >&2; exit 1");
    let failed = with_helm(&sandbox, &["--helm", &helm, "--component", "one", "--logs"]).await;
    has(&failed, 1, &["with Helm 4.0.1", "failed        Helm: Error: chart with", "0 of 1 release installed: failed"]);
    assert!(!failed.transcript.contains("Try") && !failed.transcript.contains("retrying"), "{}", failed.transcript);
    let called = std::fs::read_to_string(sandbox.home().join("called")).expect("it was called");
    let line = "upgrade --install one one --namespace ns-one --create-namespace -f values.yaml -f cluster-values.yaml --repo \
                https://charts.example.com --version 1.2.3 --server-side=true --force-conflicts --description aicr bundle ";
    assert!(called.contains(line) && called.contains("--timeout 600s --kube-context test"), "{called}");
    // A copy, which is gone with the deploy.
    let folder = Path::new(called.lines().next().expect("a line"));
    assert!(folder.ends_with("001-one") && !folder.starts_with(sandbox.home()), "{called}");
    assert!(!folder.parent().expect("a folder").exists(), "{called}");
    assert!(!called.contains("stale") && !called.contains("of-another-cluster"), "{called}");
    let state = record(sandbox.home());
    assert!(!state.contains("hunter2") && state.contains("[redacted]"), "{state}");
}

#[tokio::test]
async fn what_was_checked_is_what_is_applied() {
    let sandbox = bundled();
    let home = sandbox.home().display();
    let helm = helm(
        &sandbox,
        &format!(
            "case $3 in\none) echo 'replaced: yes' >>{home}/bundle/003-three/values.yaml ;;\nthree) cp values.yaml {home}/three ;;\nesac"
        ),
    );
    let before = std::fs::read_to_string(sandbox.home().join("bundle/003-three/values.yaml")).expect("values");
    let done = with_helm(&sandbox, &["--helm", &helm]).await;
    has(&done, 0, &["3 of 3 releases installed: done"]);
    let changed = std::fs::read_to_string(sandbox.home().join("bundle/003-three/values.yaml")).expect("values");
    assert!(changed.contains("replaced: yes"), "{changed}");
    assert_eq!(std::fs::read_to_string(sandbox.home().join("three")).expect("it was applied"), before);
}

/// `aicr deploy | head -1`: releases are not left half-way because nobody reads the report.
#[tokio::test]
async fn a_reader_that_goes_away_before_a_deploy_stops_it_and_later_does_not() {
    let sandbox = bundled();
    let home = sandbox.home().to_owned();
    let helm = helm(&sandbox, &format!("while [ ! -e {}/go ]; do sleep 0.05; done", home.display()));
    let (demo, connection) = demo();
    let listener = serve::listen(0).await.expect("a port");
    sandbox.kubeconfig(&format!("http://{}", listener.local_addr().expect("an address")));
    tokio::spawn(async move { demo.serve(listener).await });
    let arguments = ["deploy", "bundle", "--yes", "--helm", &helm];
    let command = || {
        let mut command = tokio::process::Command::from(sandbox.command(&arguments));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    };
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let before = command().stdout(writer).spawn().expect("it runs").wait_with_output().await.expect("it runs");
    assert_eq!((before.status.code(), String::from_utf8_lossy(&before.stderr).as_ref()), (Some(141), ""));
    assert!(!home.join("called").exists() && !home.join(".local/state/aicr/runs").exists(), "nothing was begun");

    let mut child = command().stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let first = lines.next_line().await.expect("a line").expect("a line");
    assert!(first.starts_with("deploy bundle to test: 3 releases"), "{first}");
    let called = async {
        while !home.join("called").exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), called).await.expect("Helm is called");
    drop(lines);
    std::fs::write(home.join("go"), "").expect("a file");
    let ended = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await.expect("its end");
    let ended = ended.expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(141) && !said.contains("error") && !said.contains("warning"), "{said}");
    let record = record(&home);
    assert!(record.contains("\"event\":\"ended\",\"verdict\":\"passed\""), "{record}");
    assert_eq!(raw::get(&connection, LEASE).await.expect("an answer"), None, "the lock was given back");
    let folders = std::fs::read_to_string(home.join("called")).expect("calls");
    let folders = folders.lines().filter(|line| line.starts_with('/') && line.contains("-three"));
    assert!(
        folders.clone().count() == 1 && folders.clone().all(|folder| !Path::new(folder).exists()),
        "its copy is gone"
    );
}

/// The only record of a sandbox.
fn record(home: &Path) -> String {
    let folder = home.join(".local/state/aicr/runs");
    let mut files = std::fs::read_dir(&folder).expect("records").flatten();
    std::fs::read_to_string(files.next().expect("a record").path()).expect("a record")
}

#[tokio::test]
async fn without_helm_the_hint_says_how_to_name_one() {
    let sandbox = bundled();
    let missing = with_helm(&sandbox, &["--helm", "/nonexistent/helm"]).await;
    has(&missing, 3, &["failed to find Helm", "`/nonexistent/helm` does not exist", "--helm FILE"]);
    let not_helm = sandbox.file("tools/other", "");
    let other = with_helm(&sandbox, &["--helm", &not_helm.display().to_string()]).await;
    has(&other, 2, &["cannot be started", "Helm 3 or 4"]);
}
