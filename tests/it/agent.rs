//! Nodes of the demo cluster that are asked by Jobs, on a clock that jumps: what an agent waits for, how long, and what it says.

use super::validate::NAMESPACE;
use aicr::{
    cluster::{Connection, changes, objects},
    demo::{self, Demo, Fault},
    inventory::Inventory,
    ops::{
        self,
        agent::{AgentOptions, Answers},
        demo::DemoOptions,
    },
};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

async fn cluster(faults: Vec<Fault>) -> (Connection, Inventory) {
    let (_, connection, snapshot) = demo_cluster(faults).await;
    (connection, snapshot)
}

async fn demo_cluster(faults: Vec<Fault>) -> (Demo, Connection, Inventory) {
    let start = "2026-06-01T08:00:00Z".parse().ok();
    let options = ops::demo::prepare(&DemoOptions { seed: 7, start, ..DemoOptions::default() }).expect("a world");
    let demo = demo::start(&demo::Options { faults, ..options }).expect("the demo");
    let connection = ops::demo::to_demo(&demo);
    let snapshot = ops::snapshot::take(&connection, "2026-06-01T08:00:00Z").await.expect("a snapshot");
    (demo, connection, snapshot)
}

fn options(seconds: u64) -> AgentOptions {
    AgentOptions {
        namespace: NAMESPACE.to_owned(),
        image: "aicr/check:1".to_owned(),
        pull_secrets: Vec::new(),
        per_shape: false,
        parallel: 8,
        timeout: Duration::from_secs(seconds),
    }
}

/// What came of it, the lines that were said, and how long it took.
async fn ask(connection: &Connection, snapshot: &mut Inventory, seconds: u64) -> (Answers, Vec<String>, Duration) {
    let (began, mut said) = (Instant::now(), Vec::new());
    let asked =
        ops::agent::ask(connection, snapshot, &options(seconds), std::future::pending(), |line| said.push(line)).await;
    let answers = asked.expect("an answer");
    assert_eq!(answers.left, [""; 0], "nothing stays");
    (answers, said, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_node_is_waited_for_until_its_limit_and_what_it_waits_for_is_told() {
    let no_image = Fault::ImagePull { label: ("app.kubernetes.io/component".to_owned(), "agent".to_owned()) };
    let (connection, mut snapshot) = cluster(vec![no_image]).await;
    let (answers, said, took) = ask(&connection, &mut snapshot, 40).await;
    assert!(took >= Duration::from_secs(40), "given up after {took:?}");
    let why = answers.results[0].said.as_ref().expect_err("no image");
    assert!(why.starts_with("timed out after 40 s; last state: its container is waiting (ImagePullBackOff)"), "{why}");
    let why =
        |line: &String| line.split_once(": ").is_some_and(|(_, why)| why.starts_with("its container is waiting ("));
    assert!(said.iter().any(why), "{said:?}");
    assert!(said.iter().all(|line| said.iter().filter(|other| *other == line).count() == 1), "once each: {said:?}");
}

/// The server goes after the namespace was made, and before a Job is.
#[tokio::test(start_paused = true)]
async fn a_namespace_that_a_failure_leaves_is_named() {
    let (demo, connection, mut snapshot) = demo_cluster(Vec::new()).await;
    demo.break_by(vec![Fault::Slow { millis: 1_000 }]);
    let goes = async {
        // Between two answers to the one who asks.
        tokio::time::sleep(Duration::from_millis(500)).await;
        while !matches!(objects::find(&connection, "Namespace", "", NAMESPACE).await, Ok(Some(_))) {}
        demo.break_by(vec![Fault::Down]);
        std::future::pending().await
    };
    let asked = ops::agent::ask(&connection, &mut snapshot, &options(40), goes, drop).await;
    let failure = asked.expect_err("the server is gone");
    let hint = failure.hint.as_deref().unwrap_or_default();
    assert!(hint.contains("clean-up incomplete: Namespace aicr-validation ("), "{failure}");
    assert!(hint.ends_with("; remove it with `kubectl delete namespace aicr-validation`"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_being_deleted_is_waited_for() {
    let (connection, mut snapshot) = cluster(Vec::new()).await;
    let create = |path: &'static str, object| changes::create(&connection, path, object, false);
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    create("/api/v1/namespaces", &namespace).await.expect("a namespace");
    let held = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": NAMESPACE, "finalizers": ["example.com/held"]}});
    create("/api/v1/namespaces/aicr-validation/configmaps", &held).await.expect("a ConfigMap");
    objects::delete(&connection, "Namespace", "", NAMESPACE).await.expect("deleted");
    let free = async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let path = "/api/v1/namespaces/aicr-validation/configmaps/held";
        changes::patch(&connection, path, &json!({"metadata": {"finalizers": null}})).await.expect("freed");
    };
    let ((answers, said, took), ()) = tokio::join!(ask(&connection, &mut snapshot, 60), free);
    assert!(answers.results[0].said.is_ok(), "{said:?}");
    assert!(took >= Duration::from_secs(20), "{took:?}");
    let waiting = format!("waiting for namespace {NAMESPACE}, which is being deleted");
    assert_eq!(said.iter().filter(|line| **line == waiting).count(), 1, "{said:?}");
    let found = objects::find(&connection, "Namespace", "", NAMESPACE).await.expect("an answer");
    assert!(found.is_none_or(|found| found["status"]["phase"] == "Terminating"), "the one that it made goes");
}
