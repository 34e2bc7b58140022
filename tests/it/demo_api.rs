//! The demo cluster as the rest of the crate meets it: its contents, its faults, its determinism.

use aicr::{
    cluster::{self, ClusterErrorKind, Connection},
    demo::{self, Demo, PodExit, PodRun, PodRunner},
    fingerprint,
    ops::{
        self,
        demo::{DemoOptions, to_demo},
        fault::Fault,
        place::Place,
    },
    snapshot::format,
};
use futures::{AsyncBufReadExt, StreamExt, future::BoxFuture};
use http::Request;
use kube::core::Status;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

fn options() -> DemoOptions {
    DemoOptions { start: Some("2026-06-12T10:41:07Z".parse().expect("a time")), ..DemoOptions::default() }
}

fn start(options: &DemoOptions) -> Demo {
    // Without a runner of their own these clusters have no program to run.
    let prepared = ops::demo::prepare(options).expect("a world");
    demo::start(&demo::Options { runner: options.runner.clone(), ..prepared }).expect("a demo")
}

fn connect(options: &DemoOptions) -> Connection {
    to_demo(&start(options))
}

fn faulty(fault: &str) -> Demo {
    let faults = vec![fault.parse::<Fault>().expect("a fault")];
    start(&DemoOptions { faults, ..options() })
}

fn with_fault(fault: &str) -> Connection {
    to_demo(&faulty(fault))
}

fn with_runner(run: impl Fn(PodRun) -> BoxFuture<'static, PodExit> + Send + Sync + 'static) -> DemoOptions {
    DemoOptions { runner: Some(PodRunner(Arc::new(run))), ..options() }
}

async fn send(connection: &Connection, method: &str, path: &str, body: Value) -> Result<Value, Status> {
    let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", media);
    match connection.client.request(request.body(body.to_string().into_bytes()).expect("a request")).await {
        Ok(value) => Ok(value),
        Err(kube::Error::Api(status)) => Err(*status),
        Err(error) => panic!("no answer: {error}"),
    }
}

async fn get(connection: &Connection, path: &str) -> Result<Value, Status> {
    send(connection, "GET", path, json!({})).await
}

async fn lines(
    connection: &Connection,
    path: &str,
) -> impl futures::Stream<Item = std::io::Result<Value>> + Unpin + use<> {
    let request = Request::get(path).body(Vec::new()).expect("a request");
    let body = Box::pin(connection.client.request_stream(request).await.expect("a stream")).lines();
    Box::pin(body.map(|line| Ok(serde_json::from_str(&line?).expect("JSON"))))
}

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";
const PODS: &str = "/api/v1/namespaces/default/pods";

fn job(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 60, "template": {
        "metadata": {"labels": {"aicr.run/validator": name}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "validator", "image": "aicr/check:1", "args": [name]}]}}}})
}

/// Runs a job to its end and gives its pod.
async fn run(connection: &Connection, job: Value) -> Value {
    let name = job["metadata"]["name"].as_str().expect("a name").to_owned();
    send(connection, "POST", JOBS, job).await.expect("created");
    let mut events = lines(connection, &format!("{PODS}?watch=true&labelSelector=job-name%3D{name}")).await;
    loop {
        let event = events.next().await.expect("an event").expect("no error");
        if matches!(event["object"]["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            return event["object"].clone();
        }
    }
}

fn ended(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]["state"]["terminated"]
}

async fn log(connection: &Connection, pod: &Value) -> String {
    let path = format!("{PODS}/{}/log", pod["metadata"]["name"].as_str().expect("a name"));
    connection.client.request_text(Request::get(path).body(Vec::new()).expect("a request")).await.expect("a log")
}

// -- Contents --------------------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_the_demo_is_whole() {
    let connection = connect(&options());
    let snapshot = cluster::collect::snapshot(&connection, "2026-06-12T10:41:07Z").await.expect("a snapshot");
    let record = aicr::snapshot::record(&snapshot);
    let states = record.subtype("K8s", "collection").expect("states of the sources");
    for (source, state) in &states.data {
        assert_eq!(state.to_string(), "ok", "{source}: {:?}", states.context);
    }
    let seen = fingerprint::of(&snapshot);
    assert_eq!(seen.accelerator.value.as_deref(), Some("a100"));
    assert_eq!(seen.node_count.value, Some(5));
}

#[tokio::test(start_paused = true)]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
async fn a_snapshot_of_the_demo_equals_the_reference_s_of_the_cluster_it_stands_for() {
    let snapshot = cluster::collect::snapshot(&connect(&options()), "2026-06-12T10:41:07Z").await.expect("a snapshot");
    let record = aicr::snapshot::record(&snapshot);
    let seen = fingerprint::of(&snapshot);
    let path = super::conformance::shared("conformance/snapshots/kind-a100.yaml");
    let text = std::fs::read_to_string(path).expect("the reference's snapshot");
    let reference = format::read(&text).expect("the reference's snapshot");
    let of_reference = fingerprint::of(&reference);
    let of_file = aicr::snapshot::record(&reference);
    let values = |one: &fingerprint::Fingerprint| {
        (
            one.accelerator.value.clone(),
            one.gpu_model.value.clone(),
            one.gpu_node_count.value,
            one.k8s_version.value.clone(),
            one.node_count.value,
            (one.os.value.clone(), one.os_version.value.clone()),
            one.service.value.clone(),
        )
    };
    assert_eq!(values(&seen), values(&of_reference));
    for subtype in ["label", "taint"] {
        let data =
            |record: &aicr::inventory::Record| record.subtype("NodeTopology", subtype).map(|one| one.data.clone());
        assert_eq!(data(&record), data(&of_file), "{subtype}");
    }
    let policy = |record: &aicr::inventory::Record| {
        let mut settings = record.subtype("K8s", "policy").map(|one| one.data.clone()).unwrap_or_default();
        settings.remove("status.state");
        settings
    };
    assert_eq!(policy(&record), policy(&of_file));
    let images = record.subtype("K8s", "image").expect("images");
    for (name, tag) in &of_file.subtype("K8s", "image").expect("images").data {
        // The agent that took the reference's snapshot is not there, and two operators share a short name.
        if name != "aicr" && name != "operator" {
            assert_eq!(images.data.get(name), Some(tag), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn services_answer_what_checks_ask() {
    let demo = start(&options());
    let connection = to_demo(&demo);
    let metrics = demo.http("http://nvidia-dcgm-exporter.gpu-operator.svc:9400/metrics").expect("an exporter");
    for name in ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_POWER_USAGE"] {
        assert!(metrics.body().contains(&format!("\n{name}{{gpu=\"0\"")), "{name}");
    }
    let query = |name: &str| {
        let url =
            format!("http://kube-prometheus-prometheus.monitoring.svc.cluster.local:9090/api/v1/query?query={name}");
        let answer = demo.http(&url).expect("Prometheus");
        serde_json::from_str::<Value>(answer.body()).expect("JSON")["data"]["result"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((query("DCGM_FI_DEV_GPU_UTIL"), query("up_and_away")), (1, 0));
    for nowhere in [
        "http://nvidia-dcgm-exporter.gpu-operator.svc:9401/metrics",
        "http://nvidia-dcgm-exporter.default.svc:9400/metrics",
        "http://example.com/",
        "https://nvidia-dcgm-exporter.gpu-operator.svc:9400/metrics",
        "no url",
    ] {
        assert!(demo.http(nowhere).is_none(), "{nowhere}");
    }
    let error = connection.http_get("http://gone.default.svc/").await.expect_err("nothing listens");
    assert_eq!(error.kind, ClusterErrorKind::Unreachable);
    let adapter = get(&connection, "/apis/custom.metrics.k8s.io/v1beta1").await.expect("an adapter");
    assert!(adapter["resources"].as_array().is_some_and(|list| !list.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn further_nodes_can_be_asked_for() {
    let connection = connect(&DemoOptions { nodes: Some(600), ..options() });
    let first = get(&connection, "/api/v1/nodes?limit=500").await.expect("a page");
    assert_eq!(first["items"].as_array().map(Vec::len), Some(500));
    assert_eq!(first["metadata"]["remainingItemCount"], 100);
}

#[test]
fn without_a_runtime_there_is_one_error() {
    let error = ops::demo::start(&options()).err().expect("no runtime");
    assert_eq!((error.kind, error.doing.as_str()), (ops::Kind::Internal, "start the demo cluster"));
}

// -- Containers ------------------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_events() {
    async fn story(seed: u64) -> Vec<String> {
        let options = with_runner(|run| {
            Box::pin(async move {
                for line in ["one", "two", "three"] {
                    run.log.send(line.to_owned()).expect("somebody listens");
                }
                PodExit { code: 1, termination_message: "why".to_owned() }
            })
        });
        let connection = connect(&DemoOptions { seed, ..options });
        let mut told = Vec::new();
        for name in ["first", "second"] {
            let pod = run(&connection, job(name)).await;
            told.push(pod.to_string());
            told.push(log(&connection, &pod).await);
        }
        told.push(get(&connection, "/api/v1/namespaces/default/events").await.expect("events").to_string());
        told
    }
    assert_eq!(story(7).await, story(7).await);
    assert_ne!(story(7).await, story(8).await);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_check_can_be_watched_and_is_over_soon() {
    let connection = connect(&with_runner(|run| {
        Box::pin(async move {
            for number in 0..12 {
                run.log.send(format!("line {number}")).expect("somebody listens");
            }
            PodExit { code: 0, termination_message: String::new() }
        })
    }));
    for name in ["first", "second"] {
        let began = tokio::time::Instant::now();
        run(&connection, job(name)).await;
        let took = began.elapsed();
        assert!((Duration::from_millis(1_200)..Duration::from_secs(3)).contains(&took), "{name}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_program_exits_127() {
    let connection = connect(&options());
    let pod = run(&connection, job("nothing")).await;
    assert_eq!(ended(&pod)["exitCode"], 127);
    assert_eq!(log(&connection, &pod).await, "exec nothing: the demo cluster has no such program\n");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_exit_code_and_not_the_end_of_the_cluster() {
    let options = with_runner(|run| {
        Box::pin(async move {
            assert_ne!(run.args, ["panics"], "on purpose");
            PodExit { code: 0, termination_message: String::new() }
        })
    });
    let connection = connect(&options);
    assert_eq!(ended(&run(&connection, job("panics")).await)["exitCode"], 101);
    assert_eq!(ended(&run(&connection, job("lives")).await)["exitCode"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_container_may_do_what_its_account_may() {
    let options = with_runner(|run| {
        Box::pin(async move {
            let mut message = String::new();
            for path in ["/api/v1/nodes/worker-1", "/api/v1/nodes", "/api/v1/secrets"] {
                let answer = get(&to_demo(&run.demo), path).await;
                message.push_str(&format!("{};", answer.map_or_else(|status| status.code, |_| 200)));
            }
            PodExit { code: 0, termination_message: message }
        })
    });
    let connection = connect(&options);
    assert_eq!(ended(&run(&connection, job("before")).await)["message"], "403;403;403;");
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let role =
        json!({"metadata": {"name": "r"}, "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]});
    send(&connection, "POST", &format!("{rbac}/clusterroles"), role).await.expect("created");
    let binding = json!({"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "r", "apiGroup": "rbac.authorization.k8s.io"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}]});
    send(&connection, "POST", &format!("{rbac}/clusterrolebindings"), binding).await.expect("created");
    assert_eq!(ended(&run(&connection, job("after")).await)["message"], "200;403;403;");
}

// -- Recordings ------------------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_recording_is_served_as_it_was_with_its_times_moved() {
    let original = connect(&options());
    let mut items = Vec::new();
    for (path, version, kind) in [("/api/v1/nodes", "v1", "Node"), ("/apis/nvidia.com/v1/clusterpolicies", "", "")] {
        let list = get(&original, path).await.expect("a list");
        for mut item in list["items"].as_array().expect("items").clone() {
            if !kind.is_empty() {
                (item["apiVersion"], item["kind"]) = (json!(version), json!(kind));
            }
            items.push(item);
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world.json");
    std::fs::write(&path, json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()).expect("a file");
    let start = "2027-01-01T00:00:00Z".parse().expect("a time");
    let copy = connect(&DemoOptions { world: Some(Place::File(path.clone())), start: Some(start), ..options() });

    let nodes = async |of: &Connection| get(of, "/api/v1/nodes").await.expect("nodes")["items"].clone();
    let (before, after) = (nodes(&original).await, nodes(&copy).await);
    for (before, after) in before.as_array().expect("items").iter().zip(after.as_array().expect("items")) {
        assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);
        assert_eq!(before["metadata"]["labels"], after["metadata"]["labels"]);
        assert_eq!(after["metadata"]["creationTimestamp"], "2026-12-22T00:00:00Z", "ten days old, as it was");
    }
    assert_eq!(get(&copy, "/version").await.expect("a version")["gitVersion"], "v1.34.0");
    assert!(get(&copy, "/apis/nvidia.com/v1/clusterpolicies/cluster-policy").await.is_ok());
    let absent = get(&copy, "/apis/cert-manager.io/v1/issuers").await.expect_err("the recording has none of these");
    assert_eq!(absent.code, 404);
    assert_eq!(get(&copy, "/api/v1/pods").await.expect("no pods")["items"], json!([]));

    let faults = vec!["check-fails=platform-health".parse().expect("a fault")];
    let failure = ops::demo::start(&DemoOptions { world: Some(Place::File(path)), faults, ..options() })
        .err()
        .expect("nothing to break");
    assert_eq!(failure.because, "the world does not contain Namespace nvsentinel");
}

// -- Faults ----------------------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_to_find_no_node_finds_none() {
    let connection = with_fault("unschedulable=stuck");
    send(&connection, "POST", JOBS, job("stuck")).await.expect("created");
    let mut events = lines(&connection, &format!("{PODS}?watch=true")).await;
    let told = loop {
        let event = events.next().await.expect("an event").expect("no error");
        let condition = &event["object"]["status"]["conditions"][0];
        if condition["reason"] == "Unschedulable" {
            break condition["message"].as_str().expect("a message").to_owned();
        }
    };
    assert_eq!(
        told,
        "0/5 nodes are available: 5 Insufficient cpu. no new claims to deallocate, preemption: 0/5 nodes are available: \
         5 No preemption victims found for incoming pod."
    );
    assert_eq!(ended(&run(&connection, job("other")).await)["exitCode"], 127, "others are scheduled");
}

#[tokio::test(start_paused = true)]
async fn each_breakable_check_has_something_broken_to_find() {
    let state = |object: Value, pointer: &str| object.pointer(pointer).cloned().unwrap_or_default();
    let policy = "/apis/nvidia.com/v1/clusterpolicies/cluster-policy";
    let plugin = "/apis/apps/v1/namespaces/nvidia-dra-driver/daemonsets/nvidia-dra-driver-gpu-kubelet-plugin";
    for (check, path, pointer, healthy, broken) in [
        ("gpu-operator-health", policy, "/status/state", json!("ready"), json!("notReady")),
        ("dra-support", plugin, "/status/numberReady", json!(1), json!(0)),
        ("platform-health", "/api/v1/namespaces/nvsentinel", "/status/phase", json!("Active"), json!("Terminating")),
    ] {
        let (well, ill) = (connect(&options()), with_fault(&format!("check-fails={check}")));
        assert_eq!(state(get(&well, path).await.expect("there"), pointer), healthy, "{check}");
        assert_eq!(state(get(&ill, path).await.expect("there"), pointer), broken, "{check}");
    }
    let ill = faulty("check-fails=accelerator-metrics");
    let metrics = ill.http("http://nvidia-dcgm-exporter.gpu-operator.svc:9400/metrics").expect("an exporter");
    assert!(!metrics.body().contains("DCGM_FI_DEV_POWER_USAGE") && metrics.body().contains("DCGM_FI_DEV_GPU_UTIL"));
    let ill = with_fault("check-fails=ai-service-metrics");
    assert_eq!(get(&ill, "/apis/custom.metrics.k8s.io/v1beta1").await.expect_err("no adapter").code, 503);
}

#[tokio::test(start_paused = true)]
async fn a_slow_api_takes_its_time() {
    let connection = with_fault("slow=200ms");
    let began = tokio::time::Instant::now();
    get(&connection, "/version").await.expect("an answer");
    assert_eq!(began.elapsed(), Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_watch_breaks_off() {
    let connection = with_fault("dropped-watch=3");
    let told: Vec<std::io::Result<Value>> = lines(&connection, "/api/v1/nodes?watch=true").await.collect().await;
    assert_eq!(told.iter().filter(|one| one.is_ok()).count(), 3);
    assert!(told.last().is_some_and(Result::is_err), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_verb_is_refused_and_known_beforehand() {
    let connection = with_fault("forbidden=create:jobs");
    let status = send(&connection, "POST", JOBS, job("x")).await.expect_err("forbidden");
    assert_eq!(
        status.message,
        "jobs.batch is forbidden: User \"kubernetes-admin\" cannot create resource \"jobs\" in API group \"batch\" in the \
         namespace \"default\""
    );
    assert!(get(&connection, JOBS).await.is_ok());
    let asked = json!({"namespace": "default", "verb": "create", "group": "batch", "resource": "jobs"});
    let review = json!({"spec": {"resourceAttributes": asked}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert_eq!(send(&connection, "POST", path, review).await.expect("a review")["status"]["allowed"], false);
}

#[tokio::test(start_paused = true)]
async fn what_the_demo_does_not_know_it_refuses() {
    let connection = connect(&options());
    let request =
        Request::patch("/api/v1/nodes/worker-1").header("content-type", "application/strategic-merge-patch+json");
    let answer = connection.client.request::<Value>(request.body(b"{}".to_vec()).expect("a request")).await;
    let Err(kube::Error::Api(status)) = answer else { panic!("{answer:?}") };
    assert_eq!(status.code, 415);
    assert!(status.message.contains("application/apply-patch+yaml"), "{}", status.message);
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_before_a_compaction_gets_expired() {
    let demo = start(&options());
    let connection = to_demo(&demo);
    let list = get(&connection, "/api/v1/namespaces/default/configmaps").await.expect("a list");
    let version = list["metadata"]["resourceVersion"].as_str().expect("a version");
    send(&connection, "POST", "/api/v1/namespaces/default/configmaps", json!({"metadata": {"name": "new"}}))
        .await
        .expect("created");
    demo.compact();
    let path = format!("/api/v1/namespaces/default/configmaps?watch=true&resourceVersion={version}");
    let told: Vec<Value> = lines(&connection, &path).await.map(|line| line.expect("no error")).collect().await;
    assert_eq!((told.len(), &told[0]["type"], &told[0]["object"]["code"]), (1, &json!("ERROR"), &json!(410)));
}

// -- In protobuf -----------------------------------------------------------------------------------------------------

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Media type, status and body of an answer.
async fn raw(
    connection: &Connection,
    method: &str,
    path: &str,
    accept: &str,
    body: (&str, Vec<u8>),
) -> (String, u16, Vec<u8>) {
    let request = Request::builder().method(method).uri(path).header("accept", accept).header("content-type", body.0);
    let request = request.body(kube::client::Body::from(body.1)).expect("a request");
    let answer = connection.client.send(request).await.expect("an answer");
    let media = answer.headers()["content-type"].to_str().expect("text").to_owned();
    let status = answer.status().as_u16();
    (media, status, answer.into_body().collect_bytes().await.expect("a body").to_vec())
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(start_paused = true)]
async fn nodes_and_pods_are_listed_and_watched_in_protobuf() {
    let connection = connect(&options());
    for (path, name) in [("/api/v1/nodes", "worker-1"), ("/api/v1/pods", "etcd-aicr")] {
        let (media, status, body) = raw(&connection, "GET", path, PROTOBUF, ("", Vec::new())).await;
        assert_eq!((media.as_str(), status), (PROTOBUF, 200));
        assert!(body.starts_with(b"k8s\0\x0a") && contains(&body, name), "{path}");
        let (_, _, json) = raw(&connection, "GET", path, "application/json", ("", Vec::new())).await;
        assert!(body.len() < json.len(), "{} and {} bytes", body.len(), json.len());
        let watch = format!("{path}?watch=1&timeoutSeconds=1");
        let accept = format!("{PROTOBUF};stream=watch");
        let (media, status, body) = raw(&connection, "GET", &watch, &accept, ("", Vec::new())).await;
        assert_eq!((media.as_str(), status), ("application/vnd.kubernetes.protobuf;stream=watch", 200));
        let (mut rest, mut frames) = (body.as_slice(), 0);
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (frame, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            assert!(frame.starts_with(b"\x0a\x05ADDED\x12") && contains(frame, "k8s\0"), "{path}");
            (rest, frames) = (after, frames + 1);
        }
        let listed: Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(Some(frames), listed["items"].as_array().map(Vec::len), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_no_binary_form_is_json_where_that_is_accepted() {
    let connection = connect(&options());
    let both = format!("{PROTOBUF},application/json");
    let path = "/apis/nvidia.com/v1/clusterpolicies";
    let (media, status, _) = raw(&connection, "GET", path, &both, ("", Vec::new())).await;
    assert_eq!((media.as_str(), status), ("application/json", 200));
    assert_eq!(raw(&connection, "GET", path, PROTOBUF, ("", Vec::new())).await.1, 406);
    assert_eq!(raw(&connection, "POST", path, &both, (PROTOBUF, b"k8s\0".to_vec())).await.1, 415);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_in_the_form_that_was_asked_for() {
    let connection = connect(&options());
    let (media, status, body) = raw(&connection, "GET", "/api/v1/nodes/none", PROTOBUF, ("", Vec::new())).await;
    assert_eq!((media.as_str(), status), (PROTOBUF, 404));
    assert!(contains(&body, "nodes \"none\" not found"));
    let (_, status, body) = raw(&connection, "POST", "/api/v1/namespaces", PROTOBUF, (PROTOBUF, b"{}".to_vec())).await;
    assert_eq!(status, 400);
    assert!(contains(&body, "unrecognized"));
}

// -- On a port -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn on_a_port_it_answers_like_any_cluster() {
    let demo = start(&options());
    let listener = demo::serve::listen(0).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    assert!(address.ip().is_loopback());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    std::fs::write(&path, demo::serve::kubeconfig(address)).expect("a file");
    let target = cluster::Target { kubeconfig: Some(path), ..cluster::Target::default() };
    let outside = cluster::connect(&target).await.expect("a client");
    let asking = async {
        let nodes = get(&outside, "/api/v1/nodes").await.expect("nodes");
        assert_eq!(nodes["items"].as_array().map(Vec::len), Some(5));
        let mut events = lines(&outside, "/api/v1/nodes?watch=true").await;
        assert_eq!(events.next().await.expect("an event").expect("no error")["type"], "ADDED");
    };
    tokio::select! {
        () = demo.serve(listener) => panic!("it serves until it is dropped"),
        () = asking => {}
    }
}

/// kubectl, where the test cluster has been built (`tests/cluster/cluster up`); `AICR_KUBECTL` names another.
fn kubectl() -> std::path::PathBuf {
    let built = || {
        let home = std::env::var_os("HOME").expect("a home folder");
        let cache = std::env::var_os("AICR_CLUSTER_DIR")
            .map_or_else(|| std::path::Path::new(&home).join(".cache/aicr-test-cluster"), Into::into);
        cache.join("bin/kubectl")
    };
    std::env::var_os("AICR_KUBECTL").map_or_else(built, Into::into)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl: AICR_KUBECTL, or tests/cluster/cluster up once"]
async fn kubectl_creates_lists_and_deletes() {
    let demo = start(&options());
    let listener = demo::serve::listen(0).await.expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    std::fs::write(&path, demo::serve::kubeconfig(listener.local_addr().expect("an address"))).expect("a file");
    let _server = tokio::spawn(async move { demo.serve(listener).await });
    let run = async |line: &str, expected: &str| {
        let mut command = tokio::process::Command::new(kubectl());
        command.env("KUBECONFIG", &path).env("HOME", folder.path()).args(line.split(' '));
        let output = command.output().await.expect("kubectl");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && printed.contains(expected), "kubectl {line}: {printed}");
    };
    run("create namespace x", "namespace/x created").await;
    run("create deployment web --image=busybox --namespace=x", "deployment.apps/web created").await;
    run("create configmap c --from-literal=a=b -n x", "configmap/c created").await;
    run("create secret generic s --from-literal=a=b -n x", "secret/s created").await;
    run("create serviceaccount robot -n x", "serviceaccount/robot created").await;
    run("create role reader --verb=get --resource=pods -n x", "role.rbac.authorization.k8s.io/reader created").await;
    run("create job one --image=busybox -n x", "job.batch/one created").await;
    run("create service clusterip web --tcp=80 -n x", "service/web created").await;
    run("create quota q --hard=pods=3 -n x", "resourcequota/q created").await;
    run("get deployment web -n x -o jsonpath={.spec.template.spec.containers[0].image}", "busybox").await;
    run("get nodes", "worker-1").await;
    run("get clusterpolicies", "cluster-policy").await;
    run("label node worker-1 a=b", "node/worker-1 labeled").await;
    run("delete deployment web -n x", "deployment.apps \"web\" deleted").await;
    run("delete namespace x", "namespace \"x\" deleted").await;
    run("auth can-i list pods", "yes").await;
    run("version", "Server Version: v1.34.0").await;
}
