//! Nodes of the demo cluster that are asked by Jobs, on a clock that jumps: what an agent waits for, how long, and what it says.

use super::validate::NAMESPACE;
use aicr::{
    cluster::{Connection, changes, objects},
    demo::{self, Fault},
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
    let start = "2026-06-01T08:00:00Z".parse().ok();
    let options = ops::demo::prepare(&DemoOptions { seed: 7, start, ..DemoOptions::default() }).expect("a world");
    let demo = demo::start(&demo::Options { faults, ..options }).expect("the demo");
    let connection = ops::demo::to_demo(&demo);
    let snapshot = ops::snapshot::take(&connection, "2026-06-01T08:00:00Z").await.expect("a snapshot");
    (connection, snapshot)
}

/// What came of it, the lines that were said, and how long it took.
async fn ask(connection: &Connection, snapshot: &mut Inventory, seconds: u64) -> (Answers, Vec<String>, Duration) {
    let options = AgentOptions {
        namespace: NAMESPACE.to_owned(),
        image: "aicr/check:1".to_owned(),
        pull_secrets: Vec::new(),
        per_shape: false,
        parallel: 8,
        timeout: Duration::from_secs(seconds),
    };
    let (began, mut said) = (Instant::now(), Vec::new());
    let asked = ops::agent::ask(connection, snapshot, &options, std::future::pending(), |line| said.push(line)).await;
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
    assert!(why.starts_with("it was not done after 40 s: its container is waiting (ImagePullBackOff)"), "{why}");
    let told: Vec<&String> = said.iter().filter(|line| line.contains(" waits: its container is waiting (")).collect();
    assert!(!told.is_empty(), "{said:?}");
    assert!(said.iter().all(|line| said.iter().filter(|other| *other == line).count() == 1), "once each: {said:?}");
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
