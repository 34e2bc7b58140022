//! What is cut off an object before it is kept.
//!
//! In: the JSON of the API server, read straight into types that hold nothing but what we use, so that annotations,
//! managed fields and image lists are never kept. Out: a [`Node`] and a [`Pod`] of a few hundred bytes each. Thousands of
//! nodes of 26 kB cost tens of megabytes this way; texts that many pods share are kept once ([`Shared`]).

use crate::snapshot::nodes::{self, NodeRow};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

/// One node: its row, and what only the file asks of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// `gpu_requested` stays empty here: pods know it.
    pub row: NodeRow,
    pub boot_id: String,
    pub operating_system: String,
    /// Number of reserved huge pages of 2 MiB.
    pub huge_pages: Option<u64>,
}

/// One pod: where it runs, what it runs, how many GPUs it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    /// `namespace/name`.
    pub name: String,
    pub node: Option<Arc<str>>,
    /// References as written in the spec: containers, then init containers, then ephemeral ones.
    pub images: Vec<Arc<str>>,
    /// Whole GPUs that the scheduler counts for it; 0 once it has ended.
    pub gpus: u64,
}

/// Texts kept once, however often they occur.
#[derive(Default)]
pub struct Shared(HashSet<Arc<str>>);

impl Shared {
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.0.insert(Arc::clone(&new));
        new
    }
}

/// Reads `null` as absent: Go writes an empty map or list so.
pub fn nullable<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// What is read of the metadata of any object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    pub name: String,
    pub namespace: String,
    pub uid: String,
    pub resource_version: String,
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeObject {
    pub metadata: Meta,
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: String,
    unschedulable: bool,
    #[serde(deserialize_with = "nullable")]
    taints: Vec<Taint>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Taint {
    key: String,
    value: String,
    effect: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeStatus {
    node_info: NodeInfo,
    #[serde(deserialize_with = "nullable")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "nullable")]
    capacity: BTreeMap<String, String>,
    #[serde(deserialize_with = "nullable")]
    allocatable: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeInfo {
    #[serde(rename = "bootID")]
    boot_id: String,
    os_image: String,
    operating_system: String,
    kernel_version: String,
    kubelet_version: String,
    container_runtime_version: String,
    architecture: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

/// The resource that a GPU is scheduled as; with time slicing also under the second name.
const GPU_RESOURCES: [&str; 2] = ["nvidia.com/gpu", "nvidia.com/gpu.shared"];

/// Keeps of a node what the snapshot and the screens read.
pub fn node(object: NodeObject) -> Node {
    let NodeObject { metadata, spec, status } = object;
    let NodeStatus { node_info: info, conditions, capacity, allocatable } = status;
    let mut taints: Vec<String> =
        spec.taints.iter().map(|taint| nodes::taint(&taint.key, &taint.value, &taint.effect)).collect();
    taints.sort();
    let mut row = NodeRow {
        name: metadata.name,
        ready: conditions
            .iter()
            .find(|condition| condition.kind == "Ready")
            .map(|condition| condition.status == "True"),
        schedulable: Some(!spec.unschedulable),
        provider_id: stated(spec.provider_id),
        os_image: stated(info.os_image),
        kernel: stated(info.kernel_version),
        kubelet: stated(info.kubelet_version),
        runtime: stated(info.container_runtime_version),
        architecture: stated(info.architecture),
        labels: metadata.labels,
        taints,
        ..NodeRow::default()
    };
    nodes::from_labels(&mut row);
    // A label tells how many GPUs are built in; what can be scheduled is what the device plugin offers.
    row.gpu_capacity = gpus(&capacity).or(row.gpu_capacity);
    row.gpu_allocatable = gpus(&allocatable);
    Node {
        row,
        boot_id: info.boot_id,
        operating_system: info.operating_system,
        huge_pages: capacity.get("hugepages-2Mi").and_then(|text| bytes(text)).map(|bytes| bytes / (2 << 20)),
    }
}

fn stated(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// GPUs in a resource list; `None` where the device plugin said nothing.
fn gpus(resources: &BTreeMap<String, String>) -> Option<u64> {
    let mut stated = GPU_RESOURCES.iter().filter_map(|name| resources.get(*name)?.parse::<u64>().ok()).peekable();
    stated.peek()?;
    Some(stated.sum())
}

/// A Kubernetes quantity in bytes, as far as memory is written: digits, or digits with Ki, Mi or Gi.
fn bytes(quantity: &str) -> Option<u64> {
    let (digits, shift) = match quantity.as_bytes() {
        [.., b'K', b'i'] => (&quantity[..quantity.len() - 2], 10),
        [.., b'M', b'i'] => (&quantity[..quantity.len() - 2], 20),
        [.., b'G', b'i'] => (&quantity[..quantity.len() - 2], 30),
        _ => (quantity, 0),
    };
    digits.parse::<u64>().ok()?.checked_shl(shift)
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodObject {
    pub metadata: Meta,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSpec {
    node_name: String,
    #[serde(deserialize_with = "nullable")]
    containers: Vec<Container>,
    #[serde(deserialize_with = "nullable")]
    init_containers: Vec<Container>,
    #[serde(deserialize_with = "nullable")]
    ephemeral_containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    image: String,
    restart_policy: Option<String>,
    resources: Resources,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    #[serde(deserialize_with = "nullable")]
    limits: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PodStatus {
    phase: String,
}

/// Keeps of a pod what the snapshot reads.
pub fn pod(object: &PodObject, shared: &mut Shared) -> Pod {
    let PodObject { metadata, spec, status } = object;
    let (containers, init) = (&spec.containers, &spec.init_containers);
    let ended = status.phase == "Succeeded" || status.phase == "Failed";
    let gpus = if ended { 0 } else { pod_gpus(containers, init) };
    let every = containers.iter().chain(init).chain(&spec.ephemeral_containers);
    Pod {
        name: format!("{}/{}", metadata.namespace, metadata.name),
        node: (!spec.node_name.is_empty()).then(|| shared.text(&spec.node_name)),
        images: every.map(|container| shared.text(&container.image)).collect(),
        gpus,
    }
}

/// GPUs as the scheduler counts them: what runs at once, or more if an init container alone asks for more. Requests of
/// extended resources equal their limits, and only limits must be written.
fn pod_gpus(containers: &[Container], init: &[Container]) -> u64 {
    let of = |container: &Container| gpus(&container.resources.limits).unwrap_or(0);
    let is_sidecar = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let together: u64 = containers.iter().chain(init.iter().filter(is_sidecar)).map(of).sum();
    init.iter().filter(|container| !is_sidecar(container)).map(of).fold(together, u64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).expect("an object as the API server sends it")
    }

    #[test]
    fn a_node_keeps_its_facts_and_nothing_else() {
        let kept = node(read(json!({
            "metadata": {"name": "gpu-1", "annotations": {"big": "x"}, "managedFields": [{}], "labels": {
                "node-role.kubernetes.io/worker": "", "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB",
                "nvidia.com/gpu.memory": "40960", "nvidia.com/cuda.driver.major": "580",
                "nvidia.com/cuda.driver.minor": "105", "nvidia.com/cuda.driver.rev": "08"}},
            "spec": {"unschedulable": true, "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"},
                {"key": "a", "value": "b", "effect": "NoExecute"}]},
            "status": {"capacity": {"nvidia.com/gpu": "8", "hugepages-2Mi": "4Mi"}, "allocatable": {"nvidia.com/gpu": "7"},
                "conditions": [{"type": "Ready", "status": "Unknown"}],
                "nodeInfo": {"bootID": "b", "osImage": "Ubuntu 24.04.3 LTS", "kernelVersion": "6.8.0"},
                "images": [{"names": ["x"]}]}
        })));
        let row = &kept.row;
        assert_eq!((row.ready, row.schedulable), (Some(false), Some(false)));
        assert_eq!((row.gpu_capacity, row.gpu_allocatable, row.gpu_memory_mib), (Some(8), Some(7), Some(40960)));
        assert_eq!(row.gpu_driver.as_deref(), Some("580.105.08"));
        assert_eq!(row.taints, ["a=b:NoExecute", "nvidia.com/gpu:NoSchedule"]);
        assert_eq!((row.roles.as_slice(), kept.huge_pages), (["worker".to_owned()].as_slice(), Some(2)));
        assert_eq!(row.kubelet, None, "what the node did not say is not an empty text");
    }

    #[test]
    fn a_node_without_a_device_plugin_has_no_gpu_count() {
        assert_eq!(node(read(json!({"metadata": {"name": "n"}}))).row.gpu_capacity, None);
    }

    #[test]
    fn explicit_nulls_are_read_as_absent() {
        let kept = node(read(
            json!({"metadata": {"name": "n"}, "spec": {"taints": null}, "status": {"conditions": null, "capacity": null}}),
        ));
        assert_eq!((kept.row.ready, kept.row.taints.len()), (None, 0));
    }

    #[track_caller]
    fn check_gpus(spec: serde_json::Value, phase: &str, expected: u64) {
        let object =
            read(json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec, "status": {"phase": phase}}));
        assert_eq!(pod(&object, &mut Shared::default()).gpus, expected);
    }

    #[test]
    fn gpus_of_a_pod_are_counted_as_the_scheduler_does() {
        let asks = |count: &str| json!({"image": "i", "resources": {"limits": {"nvidia.com/gpu": count}}});
        check_gpus(json!({"containers": [asks("1"), asks("2")]}), "Running", 3);
        check_gpus(json!({"containers": [asks("1")], "initContainers": [asks("4")]}), "Pending", 4);
        check_gpus(json!({"containers": [asks("1")]}), "Succeeded", 0);
        let mut sidecar = asks("1");
        sidecar["restartPolicy"] = json!("Always");
        check_gpus(json!({"containers": [asks("1")], "initContainers": [sidecar]}), "Running", 2);
    }

    #[test]
    fn the_image_of_a_thousand_pods_is_kept_once() {
        let object = read(json!({"metadata": {"name": "p"}, "spec": {"containers": [{"image": "a/b:1"}]}}));
        let mut shared = Shared::default();
        let (one, two) = (pod(&object, &mut shared), pod(&object, &mut shared));
        assert!(Arc::ptr_eq(&one.images[0], &two.images[0]));
    }
}
