//! Every check in its Job on the demo cluster, with the rights that it declares: what passes on a cluster that is well, and
//! what each of them says when one thing is broken. The clock jumps from one thing to the next.

use aicr::{
    catalog::validator::Phase,
    criteria::Criteria,
    demo,
    ops::{
        self, cleanup,
        demo::DemoOptions,
        fault::{BREAKABLE, Fault},
        place::Place,
        run::{self, EventLog, RunOptions},
    },
    recipe::Recipe,
    report::{Report, ctrf},
    resolve::Options,
    validate::event::{Body, Event, Status, Verdict},
    yaml,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

const NAMESPACE: &str = "aicr-validation";
/// An EKS cluster with two machines of eight H100, as additions to the demo's own world.
const EKS: &str = include_str!("../worlds/eks-h100.yaml");

fn documents(text: &str) -> Vec<Value> {
    let documents = yaml::parse_all(text).expect("YAML");
    documents.iter().map(|document| document.to_value()).filter(|document| !document.is_null()).collect()
}

/// The demo's own world with more objects, and with merge patches of those that it has.
fn world(more: &[&str]) -> Vec<Value> {
    let identity = |object: &Value| {
        let metadata = &object["metadata"];
        [&object["kind"], &metadata["namespace"], &metadata["name"]].map(ToString::to_string)
    };
    let mut world: Vec<Value> = demo::FILES.iter().flat_map(|(_, text)| documents(text)).collect();
    for document in more.iter().flat_map(|text| documents(text)) {
        match world.iter_mut().find(|known| identity(known) == identity(&document)) {
            Some(known) => merge(known, &document),
            None => world.push(document),
        }
    }
    world
}

fn merge(object: &mut Value, patch: &Value) {
    match patch {
        Value::Object(fields) => {
            for (key, value) in fields {
                match object.as_object_mut() {
                    Some(object) if value.is_null() => drop(object.remove(key)),
                    _ => merge(&mut object[key.as_str()], value),
                }
            }
        }
        value => *object = value.clone(),
    }
}

/// What one run gave.
struct Ran {
    report: Report,
    events: Vec<Arc<Event>>,
    /// What it left.
    left: Vec<String>,
}

impl Ran {
    fn results(&self) -> BTreeMap<&str, (Status, &str)> {
        self.report.results.iter().map(|result| (&*result.name, (result.status, &*result.message))).collect()
    }
}

/// Runs checks of a recipe, or all that it lists, on a demo cluster.
async fn validate(options: DemoOptions, criteria: Criteria, only: &[&str]) -> Ran {
    let start = "2026-06-01T08:00:00Z".parse().ok();
    let demo = ops::demo::start(&DemoOptions { seed: 7, start, ..options }).expect("the demo");
    let connection = ops::demo::to_demo(&demo);
    let catalog = ops::recipe::load_catalog(&Default::default()).expect("the embedded catalog");
    let snapshot = ops::snapshot::take(&connection, "2026-06-01T08:00:00Z").await.expect("a snapshot");
    let resolved = ops::recipe::resolve(&catalog, &(&criteria).into(), Some(&snapshot), Options::default());
    let mut recipe: Recipe = resolved.expect("a recipe").resolution.recipe;
    let mut options = RunOptions::default();
    options.plan.run_id = "20260601-080000-00000000c0ffee00".into();
    options.plan.image = "aicr/check:1".into();
    // What a machine itself tells, the demo's snapshot does not have.
    options.allow_unknown = true;
    let validators = catalog.validators().expect("validators");
    for name in only {
        let phase = validators.iter().find(|known| known.name == *name).expect("a check of that name").phase;
        let validation = recipe.validation.get_or_insert_default();
        let spec = match phase {
            Phase::Deployment => &mut validation.deployment,
            Phase::Performance => &mut validation.performance,
            Phase::Conformance => &mut validation.conformance,
        };
        let spec = spec.get_or_insert_default();
        if !spec.checks.iter().any(|known| known == name) {
            spec.checks.push((*name).to_owned());
        }
        options.plan.only.push((*name).to_owned());
    }
    let prepared = run::prepare(&catalog, recipe, "recipe.yaml", snapshot, &options).expect("a plan");
    let (writer, log) = EventLog::new();
    let (_control, requests) = run::control();
    let report = run::run(&connection, &prepared, writer, requests).await;
    let left = cleanup::leftovers(&connection, NAMESPACE).await.expect("a list");
    let mut reader = log.reader();
    let events = std::iter::from_fn(|| reader.ready()).collect();
    Ran { report, events, left: left.iter().map(ToString::to_string).collect() }
}

fn eks_criteria() -> Criteria {
    Criteria {
        service: Some("eks".into()),
        accelerator: Some("h100".into()),
        os: Some("ubuntu".into()),
        intent: Some("training".into()),
        platform: Some("kubeflow".into()),
        ..Criteria::default()
    }
}

/// The recipe of EKS, H100 and Kubeflow on such a cluster, with patches.
async fn eks(broken: &str, only: &[&str]) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world.yaml");
    let text: Vec<String> = world(&[EKS, broken]).iter().map(yaml::to_string).collect();
    std::fs::write(&path, text.join("---\n")).expect("a file");
    validate(DemoOptions { world: Some(Place::File(path)), ..DemoOptions::default() }, eks_criteria(), only).await
}

#[tokio::test(start_paused = true)]
async fn a_healthy_eks_cluster_with_h100_and_kubeflow_passes_every_check_of_its_recipe() {
    let ran = eks("", &[]).await;
    let passed = |(_, (status, _)): &(&&str, &(Status, &str))| *status == Status::Passed;
    let results = ran.results();
    let others: Vec<_> = results.iter().filter(|result| !passed(result)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(results.len(), 15, "{results:?}");
    assert_eq!((ran.report.verdict, ran.left), (Some(Verdict::Passed), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn the_rows_of_the_benchmark_are_a_live_curve_and_in_the_report() {
    let ran = eks("", &["nccl-all-reduce-bw"]).await;
    let place = |wanted: &dyn Fn(&Body) -> bool| ran.events.iter().position(|event| wanted(&event.body));
    let rows: Vec<_> = ran
        .events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Measured { check, row } if check == "nccl-all-reduce-bw" => Some(*row),
            _ => None,
        })
        .collect();
    assert_eq!(rows.len(), 25);
    assert!(rows.windows(2).all(|pair| pair[0].bytes * 2 == pair[1].bytes && pair[0].gb_per_s <= pair[1].gb_per_s));
    let first = place(&|body| matches!(body, Body::Measured { .. }));
    let finished = place(&|body| matches!(body, Body::Finished { .. }));
    assert!(first.is_some() && first < finished, "{first:?} {finished:?}");
    let report: Value = serde_json::from_str(&ctrf::to_json(&ran.report)).expect("JSON");
    let curve = &report["results"]["tests"][0]["extra"]["curve"];
    assert_eq!(*curve, serde_json::to_value(&rows).expect("JSON"), "{curve}");
    assert_eq!(curve[24]["bytes"], 17_179_869_184_u64);
}

#[track_caller]
fn judge(check: &str, ran: &Ran, status: Status, message: &str) {
    let results = ran.results();
    let (found, why) = results[check];
    assert_eq!(found, status, "{check}: {why}");
    assert!(why.starts_with(message), "{check}: expected `{message}`, found `{why}`");
    assert_eq!(ran.left, [""; 0], "{check}");
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_on_eks_is_found() {
    let down = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: kubeflow-trainer-controller-manager, namespace: kubeflow}, \
                status: {availableReplicas: 0}}";
    let unhooked = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: kubeflow-trainer-controller-manager-1, \
                    namespace: kubeflow}, endpoints: []}";
    let ungrouped = "{apiVersion: v1, kind: Node, metadata: {name: instance-20260602-102458, labels: {eks.amazonaws.com/nodegroup: null}}}\n\
                     ---\n{apiVersion: v1, kind: Node, metadata: {name: worker-3, labels: {eks.amazonaws.com/nodegroup: null}}}";
    let idle = "{apiVersion: demo/v1, kind: Pages, metadata: {name: prometheus-adapter, namespace: monitoring}, paths: \
                {'/apis/external.metrics.k8s.io/v1beta1/namespaces/*/dcgm_gpu_power_usage': '{\"items\": [{\"value\": \"0\"}]}'}}";
    let few = "{apiVersion: demo/v1, kind: Pages, metadata: {name: nvidia-dcgm-exporter, namespace: gpu-operator}, paths: {/metrics: \
               'DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 0'}}";
    let open = "{apiVersion: v1, kind: Node, metadata: {name: worker-3, annotations: {demo/devices: all}}}\n---\n\
                {apiVersion: v1, kind: Node, metadata: {name: instance-20260602-102458, annotations: {demo/devices: all}}}";
    let nodes = world(&[]).into_iter().filter(|object| object["kind"] == "Node");
    let slow: Vec<String> = nodes
        .map(|node| {
            format!(
                "{{apiVersion: v1, kind: Node, metadata: {{name: {}, labels: {{demo/busbw: '90'}}}}}}\n",
                node["metadata"]["name"]
            )
        })
        .collect();
    let slow = &slow.join("---\n");
    for (check, broken, message) in [
        (
            "robust-controller",
            unhooked,
            "webhook Service kubeflow/kubeflow-trainer-controller-manager has no ready endpoint",
        ),
        ("expected-resources", down, "kubeflow-trainer: Deployment kubeflow/kubeflow-trainer-controller-manager"),
        ("cluster-autoscaling", ungrouped, "no GPU node belongs to a node group of EKS"),
        ("pod-autoscaling", idle, "after 180 s still waiting for the autoscaler to want more than one replica"),
        ("accelerator-metrics", few, "node instance-20260602-102458: metrics missing: DCGM_FI_DEV_FB_USED"),
        (
            "secure-accelerator-access",
            open,
            "the container with one GPU does not see exactly one: GPU devices: 8, expected 1",
        ),
        ("nccl-all-reduce-bw", slow, "89.98 GB/s at 17179869184 bytes, expected >= 300"),
    ] {
        judge(check, &eks(broken, &[check]).await, Status::Failed, message);
    }
}

#[tokio::test(start_paused = true)]
async fn every_breakable_check_passes_on_the_demo_and_fails_when_it_is_broken() {
    let criteria =
        || Criteria { service: Some("kind".into()), accelerator: Some("h100".into()), ..Criteria::default() };
    for (check, _) in BREAKABLE {
        // The demo's own cluster has no external metrics, and its operator no constraint.
        let well = validate(DemoOptions::default(), criteria(), &[*check]).await;
        let status = well.results()[check].0;
        let expected = if *check == "pod-autoscaling" { Status::Failed } else { Status::Passed };
        assert_eq!(status, expected, "{check}: {:?}", well.results());
        let faults = vec![Fault::CheckFails { check: (*check).to_owned() }];
        let ill = validate(DemoOptions { faults, ..DemoOptions::default() }, criteria(), &[*check]).await;
        judge(check, &ill, Status::Failed, "");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_check_created_is_gone_when_its_time_is_up() {
    // A claim on every GPU of the cluster that nobody gives back: the pods of the benchmark fit nowhere.
    let holder = |node: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: holder-{node}, namespace: default}}, spec: {{nodeName: {node}, \
             serviceAccountName: default, containers: [{{name: a, image: b, resources: {{requests: {{nvidia.com/gpu: '8'}}, limits: \
             {{nvidia.com/gpu: '8'}}}}}}]}}, status: {{phase: Running}}}}"
        )
    };
    let full = format!("{}\n---\n{}", holder("worker-3"), holder("instance-20260602-102458"));
    let ran = eks(&full, &["secure-accelerator-access"]).await;
    judge(
        "secure-accelerator-access",
        &ran,
        Status::Other,
        "the test pod did not end within 180 s (not scheduled: 0/5 nodes",
    );
    let ran = eks(&full, &["check-nvidia-smi"]).await;
    judge("check-nvidia-smi", &ran, Status::Skipped, "all GPUs of 2 nodes are in use");
}
