//! Facts → Snapshot: a function of values.
//!
//! Readings that the file holds for one node describe the first node with a GPU by name, else the first worker;
//! `metadata.source-node` says which. All nodes are in `NodeTopology`.

use super::{
    ALL, Facts,
    gpu::{self, Seen, number, put},
    images, os, service,
};
use crate::{
    cluster::prune::Node,
    snapshot::{
        Item, Measurement, Reading, Snapshot, Subtype,
        nodes::{NodeRow, to_subtypes},
    },
};
use std::collections::BTreeMap;

/// The snapshot of what is known. `now` is RFC 3339.
pub fn assemble(facts: &Facts, context: &str, now: &str) -> Snapshot {
    let source = source_node(facts);
    let mut metadata = BTreeMap::from([
        ("timestamp".to_owned(), now.to_owned()),
        ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("source-node".to_owned(), source.map(|node| node.row.name.clone()).unwrap_or_default()),
        ("context".to_owned(), context.to_owned()),
    ]);
    if let Some(uid) = &facts.identity {
        metadata.insert("cluster-uid".to_owned(), uid.clone());
    }
    let mut measurements = vec![kubernetes(facts, source)];
    if let Some(node) = source {
        let seen = seen(facts, node);
        measurements.push(gpu::measure(&seen));
        measurements.push(os::measure(&seen));
        measurements.push(Measurement { kind: "NodeTopology".to_owned(), subtypes: to_subtypes(&rows(facts)) });
    }
    Snapshot { metadata, measurements }
}

fn seen<'f>(facts: &'f Facts, node: &'f Node) -> Seen<'f> {
    let name = &node.row.name;
    Seen {
        node,
        features: facts.features.get(name),
        devices: facts.devices.iter().filter(|device| device.node == *name).collect(),
    }
}

fn source_node(facts: &Facts) -> Option<&Node> {
    let is_control_plane = |node: &Node| node.row.roles.iter().any(|role| role == "control-plane" || role == "master");
    let with_gpu = || facts.nodes.values().find(|node| seen(facts, node).has_gpu());
    let worker = || facts.nodes.values().find(|node| !is_control_plane(node));
    with_gpu().or_else(worker).or_else(|| facts.nodes.values().next())
}

/// Node rows with the GPUs that pods hold; not measured where pods could not be read.
fn rows(facts: &Facts) -> Vec<NodeRow> {
    let mut held: BTreeMap<&str, u64> = BTreeMap::new();
    for pod in facts.pods.values() {
        if let Some(node) = &pod.node {
            *held.entry(node).or_default() += pod.gpus;
        }
    }
    let pods_are_known = facts.states.get(super::pods::NAME).is_some_and(|state| state.error().is_none());
    facts
        .nodes
        .values()
        .map(|node| {
            let mut row = node.row.clone();
            if pods_are_known && row.gpu_capacity.is_some() {
                row.gpu_requested = Some(held.get(row.name.as_str()).copied().unwrap_or(0));
            }
            row
        })
        .collect()
}

fn kubernetes(facts: &Facts, source: Option<&Node>) -> Measurement {
    let subtypes = vec![
        server(facts),
        subtype("image", image(facts)),
        subtype("policy", policy(facts)),
        node(facts, source),
        subtype("helm", helm(facts)),
        workloads(facts),
        collection(facts),
    ];
    // `helm` and `workloads` are ours: empty, they would say no more than `collection` does.
    let told = |subtype: &Subtype| {
        let is_ours = matches!(subtype.name.as_str(), "helm" | "workloads");
        !(is_ours && subtype.data.is_empty() && subtype.items.is_empty())
    };
    Measurement { kind: "K8s".to_owned(), subtypes: subtypes.into_iter().filter(told).collect() }
}

fn subtype(name: &str, data: BTreeMap<String, Reading>) -> Subtype {
    Subtype { name: name.to_owned(), data, ..Subtype::default() }
}

fn server(facts: &Facts) -> Subtype {
    let mut data = BTreeMap::new();
    if let Some(version) = &facts.version {
        put(&mut data, "version", Some(version.git_version.clone()));
        put(&mut data, "platform", Some(version.platform.clone()));
        put(&mut data, "goVersion", Some(version.go_version.clone()));
    }
    subtype("server", data)
}

fn image(facts: &Facts) -> BTreeMap<String, Reading> {
    // Of two versions of one image the one of the later pod by name stays, as with the reference.
    let references = facts.pods.values().flat_map(|pod| &pod.images);
    references
        .map(|reference| images::short(reference))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, tag)| (name.to_owned(), Reading::Text(tag.to_owned())))
        .collect()
}

fn policy(facts: &Facts) -> BTreeMap<String, Reading> {
    let settings = facts.policies.iter().flat_map(|policy| &policy.settings);
    settings.map(|(key, value)| (key.clone(), Reading::Text(value.clone()))).collect()
}

fn node(facts: &Facts, source: Option<&Node>) -> Subtype {
    let (mut data, mut context) = (BTreeMap::new(), BTreeMap::new());
    if let Some(node) = source {
        let row = &node.row;
        put(&mut data, "source-node", Some(row.name.clone()));
        put(&mut data, "provider-id", row.provider_id.clone());
        put(&mut data, "provider", row.provider_id.as_deref().map(service::of_provider));
        put(&mut data, "container-runtime-id", row.runtime.clone());
        if let Some((name, version)) = row.runtime.as_deref().and_then(|runtime| runtime.split_once("://")) {
            put(&mut data, "container-runtime-name", Some(name));
            put(&mut data, "container-runtime-version", Some(version));
        }
        put(&mut data, "kubelet-version", row.kubelet.clone());
        put(&mut data, "kernel-version", row.kernel.clone());
        put(&mut data, "operating-system", Some(node.operating_system.clone()).filter(|name| !name.is_empty()));
        put(&mut data, "os-image", row.os_image.clone());
        if row.provider_id.is_none() {
            let version = facts.version.as_ref().map(|version| version.git_version.as_str());
            if let Some((guess, reason)) = service::guess(row, version.unwrap_or_default()) {
                put(&mut data, "provider-guess", Some(guess));
                context.insert("provider-guess".to_owned(), reason);
            }
        }
    }
    Subtype { name: "node".to_owned(), context, data, items: Vec::new() }
}

/// `<release>.namespace`, `.chart`, `.version` from what charts leave on workloads, `.revision` and `.status` from Helm.
fn helm(facts: &Facts) -> BTreeMap<String, Reading> {
    let mut data = BTreeMap::new();
    for workload in &facts.workloads {
        let (Some((release, namespace)), Some((chart, version))) = (&workload.release, &workload.chart) else {
            continue;
        };
        // A release holds the objects of its subcharts too; its own chart is the one it is named after, else the first.
        let key = |part: &str| format!("{release}.{part}");
        if !data.contains_key(&key("chart")) || chart == release {
            put(&mut data, &key("chart"), Some(chart.clone()));
            put(&mut data, &key("version"), Some(version.clone()));
            put(&mut data, &key("namespace"), Some(namespace.clone()));
        }
    }
    for release in &facts.releases {
        let key = |part: &str| format!("{}.{part}", release.name);
        put(&mut data, &key("namespace"), Some(release.namespace.clone()));
        put(&mut data, &key("status"), Some(release.status.clone()));
        data.insert(key("revision"), number(release.revision));
    }
    data
}

fn workloads(facts: &Facts) -> Subtype {
    let items = facts.workloads.iter().map(|workload| {
        let (chart, chart_version) = workload.chart.clone().unzip();
        let context = [
            ("kind", Some(workload.kind.to_owned())),
            ("namespace", Some(workload.namespace.clone())),
            ("name", Some(workload.name.clone())),
            ("component", workload.component.clone()),
            ("chart", chart),
            ("chart-version", chart_version.filter(|version| !version.is_empty())),
            ("release", workload.release.clone().map(|(name, _)| name)),
            ("version", workload.version.clone()),
            ("managed-by", workload.managed_by.clone()),
        ];
        Item {
            context: context.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect(),
            data: BTreeMap::from([
                ("desired".to_owned(), number(workload.desired)),
                ("ready".to_owned(), number(workload.ready)),
            ]),
        }
    });
    Subtype { name: "workloads".to_owned(), items: items.collect(), ..Subtype::default() }
}

/// Per source: `ok`, `forbidden`, `not served` or `failed`; the reason of the last two stands in the context.
fn collection(facts: &Facts) -> Subtype {
    let (mut data, mut context) = (BTreeMap::new(), BTreeMap::new());
    for source in ALL {
        let Some(state) = facts.states.get(source.name) else { continue };
        put(&mut data, source.name, Some(state.word()));
        if let Some(error) = state.error() {
            context.insert(source.name.to_owned(), format!("{}: {}", source.needs, error.found));
        }
    }
    Subtype { name: "collection".to_owned(), context, data, items: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{ClusterError, ClusterErrorKind, collect::Part, prune};
    use serde_json::json;

    fn node(name: &str, labels: serde_json::Value, gpus: Option<&str>) -> Node {
        let capacity = gpus.map_or(json!({}), |gpus| json!({"nvidia.com/gpu": gpus}));
        let object = json!({"metadata": {"name": name, "labels": labels}, "status": {"capacity": capacity,
            "nodeInfo": {"containerRuntimeVersion": "containerd://2.1.5", "osImage": "Ubuntu 24.04.3 LTS"}}});
        prune::node(serde_json::from_value(object).expect("a node"))
    }

    fn pod(name: &str, on: &str, image: &str, gpus: &str) -> prune::Pod {
        let object = json!({"metadata": {"name": name, "namespace": "ml"}, "spec": {"nodeName": on, "containers": [
            {"image": image, "resources": {"limits": {"nvidia.com/gpu": gpus}}}]}, "status": {"phase": "Running"}});
        prune::pod(&serde_json::from_value(object).expect("a pod"), &mut prune::Shared::default())
    }

    fn facts() -> Facts {
        let mut facts = Facts::default();
        let control_plane = json!({"node-role.kubernetes.io/control-plane": ""});
        facts.take(
            super::super::nodes::NAME,
            Ok(Part::Nodes(vec![
                node("a-control", control_plane, None),
                node("b-worker", json!({}), None),
                node("c-gpu", json!({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB"}), Some("8")),
            ])),
        );
        facts.take(super::super::pods::NAME, Ok(Part::Pods(vec![pod("p", "c-gpu", "r.io/x/train:1", "3")])));
        facts
    }

    #[test]
    fn the_first_node_with_a_gpu_speaks_for_the_cluster() {
        let snapshot = assemble(&facts(), "test", "2026-06-01T00:00:00Z");
        assert_eq!(snapshot.metadata["source-node"], "c-gpu");
        let text = |subtype: &str, key: &str| snapshot.reading("K8s", subtype, key).map(ToString::to_string);
        assert_eq!(text("node", "container-runtime-version").as_deref(), Some("2.1.5"));
        assert_eq!(text("image", "train").as_deref(), Some("1"));
        assert_eq!(snapshot.reading("OS", "release", "VERSION_ID").map(ToString::to_string).as_deref(), Some("24.04"));
    }

    #[test]
    fn without_a_gpu_a_worker_speaks_and_not_the_control_plane() {
        let mut facts = facts();
        facts.nodes.remove("c-gpu");
        assert_eq!(assemble(&facts, "test", "").metadata["source-node"], "b-worker");
    }

    #[test]
    fn requested_gpus_are_counted_where_pods_could_be_read_and_unknown_elsewhere() {
        let requested = |facts: &Facts| rows(facts)[2].gpu_requested;
        let mut facts = facts();
        assert_eq!(requested(&facts), Some(3));
        let forbidden = ClusterError {
            kind: ClusterErrorKind::Forbidden,
            doing: "list pods".into(),
            at: "x".into(),
            found: "no".into(),
            hint: None,
        };
        facts.take(super::super::pods::NAME, Err(forbidden));
        assert_eq!(requested(&facts), None);
        let snapshot = assemble(&facts, "test", "");
        let collection = snapshot.subtype("K8s", "collection").expect("always there");
        assert_eq!(collection.data["pods"], Reading::Text("forbidden".into()));
        assert_eq!(collection.context["pods"], "list pods: no");
    }

    #[test]
    fn the_chart_that_a_release_is_named_after_is_its_chart() {
        let workload = |name: &str, chart: &str| super::super::workloads::Workload {
            kind: "Deployment",
            name: name.into(),
            chart: Some((chart.into(), "1.0.0".into())),
            release: Some(("gpu-operator".into(), "gpu-operator".into())),
            ..Default::default()
        };
        let mut facts = facts();
        facts.workloads =
            vec![workload("a", "node-feature-discovery"), workload("b", "gpu-operator"), workload("c", "x")];
        assert_eq!(helm(&facts)["gpu-operator.chart"], Reading::Text("gpu-operator".into()));
    }
}
