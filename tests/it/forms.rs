//! Nodes and pods in both forms of the API server: what is kept is the same.

use aicr::{
    cluster::{
        Connection,
        decode::{
            node::{self, NodeObject},
            pod::{self, PodObject},
            proto::{self, ListReader, Part},
        },
        watch::{self, LiveStatus},
    },
    inventory::Texts,
    ops::{
        connect::{Target, connect},
        demo::DemoOptions,
    },
};
use http_body_util::BodyExt;
use kube::core::Status;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

async fn demo(faults: &[&str]) -> Connection {
    let faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
    connect(&Target::Demo(DemoOptions { faults, ..DemoOptions::default() })).await.expect("the demo")
}

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

async fn body(connection: &Connection, path: &str, media: &str) -> bytes::Bytes {
    let request = http::Request::get(path).header("accept", media).body(kube::client::Body::from(Vec::new()));
    let answer = connection.client.send(request.expect("a request")).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], media);
    answer.into_body().collect().await.expect("a body").to_bytes()
}

async fn write(connection: &Connection, method: &str, path: &str, object: &Value) {
    let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = http::Request::builder().method(method).uri(path).header("content-type", media);
    let request = request.body(object.to_string().into_bytes()).expect("a request");
    connection.client.request::<Value>(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
}

/// Every object of a list, read from JSON and from protobuf.
async fn both<T: prost::Message + Default + DeserializeOwned>(connection: &Connection, path: &str) -> (Vec<T>, Vec<T>) {
    let json: Value = serde_json::from_slice(&body(connection, path, "application/json").await).expect("JSON");
    let items = json["items"].as_array().expect("items").iter();
    let of_json = items.map(|item| serde_json::from_value(item.clone()).expect("an object")).collect();

    let (mut reader, mut of_protobuf, mut version) = (ListReader::default(), Vec::new(), String::new());
    reader.push(&body(connection, path, PROTOBUF).await);
    while let Some(part) = reader.part().expect("a list") {
        match part {
            Part::Meta(meta) => version = meta.resource_version,
            Part::Item(object) => of_protobuf.push(object),
        }
    }
    assert!(reader.is_whole());
    assert_eq!(version, json["metadata"]["resourceVersion"]);
    (of_json, of_protobuf)
}

#[tokio::test]
async fn every_node_of_the_demo_is_the_same_in_both() {
    let connection = demo(&[]).await;
    let (nodes, _) = both::<NodeObject>(&connection, "/api/v1/nodes").await;
    let full = json!({
        "metadata": {"annotations": {"kubeadm.alpha.kubernetes.io/cri-socket": "x", "other": "y"}, "labels": {"empty": ""}},
        "spec": {"unschedulable": true, "providerID": "aws:///z/i-1", "taints": [
            {"key": "b", "value": "v", "effect": "NoSchedule"}, {"key": "a", "effect": "NoExecute"}]}
    });
    write(&connection, "PATCH", &format!("/api/v1/nodes/{}", nodes[0].metadata.name), &full).await;
    let status = json!({"status": {"capacity": {"hugepages-2Mi": "4Mi", "nvidia.com/gpu": "8", "nvidia.com/mig-1g.10gb": "7"},
        "nodeInfo": {"machineID": "m", "systemUUID": "u", "bootID": "o"},
        "conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "long"}]}});
    write(&connection, "PATCH", &format!("/api/v1/nodes/{}/status", nodes[0].metadata.name), &status).await;
    let (of_json, of_protobuf) = both::<NodeObject>(&connection, "/api/v1/nodes").await;
    let mut texts = Texts::default();
    let mut kept = |objects: Vec<NodeObject>| -> Vec<_> {
        objects.into_iter().map(|object| node::report(object, &mut texts)).collect()
    };
    let (of_json, of_protobuf) = (kept(of_json), kept(of_protobuf));
    assert_eq!(of_json, of_protobuf);
    let node = &of_json[0];
    assert_eq!((node.taints.len(), node.marks.len(), node.huge_pages, node.unschedulable), (2, 1, Some(2), Some(true)));
    assert_eq!((node.capacity.len(), node.conditions.len(), node.provider_id.as_deref()), (2, 1, Some("aws:///z/i-1")));
    let info =
        [&node.info.machine_id, &node.info.system_uuid, &node.info.boot_id, &node.info.kernel, &node.info.kubelet];
    assert!(info.into_iter().all(Option::is_some), "{:?}", node.info);
}

#[tokio::test]
async fn every_pod_of_the_demo_is_the_same_in_both() {
    let connection = demo(&[]).await;
    let asks = |image: &str, count: &str| {
        json!({"name": image, "image": image,
        "resources": {"limits": {"nvidia.com/gpu": count, "cpu": "1"}, "requests": {"nvidia.com/gpu": count}}})
    };
    let mut sidecar = asks("sidecar", "2");
    sidecar["restartPolicy"] = json!("Always");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "full", "namespace": "default"},
        "spec": {"nodeName": "somewhere", "containers": [asks("one", "1"), asks("two", "3")], "initContainers": [sidecar]}});
    write(&connection, "POST", "/api/v1/namespaces/default/pods", &pod).await;
    let (of_json, of_protobuf) = both::<PodObject>(&connection, "/api/v1/pods").await;
    let mut texts = Texts::default();
    let mut kept =
        |objects: Vec<PodObject>| -> Vec<_> { objects.iter().map(|object| pod::pod(object, &mut texts)).collect() };
    let (of_json, of_protobuf) = (kept(of_json), kept(of_protobuf));
    assert_eq!(of_json, of_protobuf);
    let full = of_json.iter().find(|pod| &*pod.name == "default/full").expect("the new pod");
    assert_eq!((&full.holds[..], full.node.as_deref()), (&[("nvidia.com/gpu".into(), 6)][..], Some("somewhere")));
    let images: Vec<&str> = full.images.iter().map(|image| &**image).collect();
    assert_eq!(images, ["one", "two", "sidecar"]);
}

#[tokio::test]
async fn a_refusal_says_the_same_in_both() {
    let connection = demo(&["forbidden=list:nodes"]).await;
    let of_json: Status =
        serde_json::from_slice(&body(&connection, "/api/v1/nodes", "application/json").await).expect("a status");
    let of_protobuf = proto::status(body(&connection, "/api/v1/nodes", PROTOBUF).await).expect("a status");
    let words = |status: Status| (status.code, status.reason, status.message);
    assert_eq!(words(of_protobuf), words(of_json.clone()));

    let taken = aicr::cluster::collect::snapshot(&connection, "").await.expect("the rest is read");
    let gaps: Vec<_> = taken.gaps().collect();
    let expected = format!("list nodes: {} (403)", of_json.message);
    assert_eq!(gaps, [("nodes", expected.as_str())]);
}

#[tokio::test]
async fn a_change_in_a_watch_of_protobuf_is_seen() {
    let connection = demo(&[]).await;
    let mut view = watch::start(connection.clone());
    let schedulable = |view: &watch::LiveView| {
        let node = view.inventory.as_ref()?.nodes.first()?.clone();
        Some((node.name.to_string(), node.schedulable.get()?))
    };
    let fresh = view.wait_for(|view| view.status == LiveStatus::Fresh && schedulable(view).is_some()).await;
    let (name, before) = schedulable(&fresh.expect("a view").clone()).expect("a node");
    assert!(before);
    write(&connection, "PATCH", &format!("/api/v1/nodes/{name}"), &json!({"spec": {"unschedulable": true}})).await;
    let changed = view.wait_for(|view| schedulable(view) == Some((name.clone(), false)));
    let limit = std::time::Duration::from_secs(60);
    tokio::time::timeout(limit, changed).await.expect("in time").expect("a view");
}
