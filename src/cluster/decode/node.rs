//! A Node object, as far as it is kept.

use super::{Entries, Quantity, nullable};
use crate::inventory::{
    Text, Texts,
    accelerator::{self, Registered},
    node::{Condition, NodeInfo, NodeReport, Taint},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A Node as the API server sends it, in JSON or protobuf.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct NodeObject {
    #[prost(message, required, tag = "1")]
    pub metadata: NodeMeta,
    #[prost(message, required, tag = "2")]
    #[serde(deserialize_with = "nullable")]
    spec: Spec,
    #[prost(message, required, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    status: Status,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeMeta {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "6")]
    pub resource_version: String,
    #[prost(btree_map = "string, string", tag = "11")]
    #[serde(deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "12")]
    #[serde(deserialize_with = "annotations")]
    annotations: Entries,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[prost(string, tag = "3")]
    #[serde(rename = "providerID")]
    provider_id: String,
    #[prost(bool, tag = "4")]
    unschedulable: bool,
    #[prost(message, repeated, tag = "5")]
    #[serde(deserialize_with = "nullable")]
    taints: Vec<TaintObject>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
struct TaintObject {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
    #[prost(string, tag = "3")]
    effect: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[prost(message, required, tag = "7")]
    #[serde(deserialize_with = "nullable")]
    node_info: Info,
    #[prost(message, repeated, tag = "4")]
    #[serde(deserialize_with = "nullable")]
    conditions: Vec<ConditionObject>,
    #[prost(btree_map = "string, message", tag = "1")]
    #[serde(deserialize_with = "nullable")]
    capacity: BTreeMap<String, Quantity>,
    #[prost(btree_map = "string, message", tag = "2")]
    #[serde(deserialize_with = "nullable")]
    allocatable: BTreeMap<String, Quantity>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Info {
    #[prost(string, tag = "3")]
    #[serde(rename = "bootID")]
    boot_id: String,
    #[prost(string, tag = "1")]
    #[serde(rename = "machineID")]
    machine_id: String,
    #[prost(string, tag = "2")]
    #[serde(rename = "systemUUID")]
    system_uuid: String,
    #[prost(string, tag = "5")]
    os_image: String,
    #[prost(string, tag = "9")]
    operating_system: String,
    #[prost(string, tag = "4")]
    kernel_version: String,
    #[prost(string, tag = "7")]
    kubelet_version: String,
    #[prost(string, tag = "6")]
    container_runtime_version: String,
    #[prost(string, tag = "10")]
    architecture: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
struct ConditionObject {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    kind: String,
    #[prost(string, tag = "2")]
    status: String,
    #[prost(string, tag = "5")]
    reason: String,
}

/// Beginnings of annotation keys that tell who installed a node.
const MARKS: [&str; 2] = ["kubeadm.alpha.kubernetes.io/", "kops.k8s.io/"];

/// Whether an annotation key is kept.
pub fn is_mark(key: &str) -> bool {
    MARKS.into_iter().any(|prefix| key.starts_with(prefix))
}

/// Keeps of a node what the inventory reads.
pub fn report(object: NodeObject, texts: &mut Texts) -> NodeReport {
    let NodeObject { metadata, spec, status } = object;
    let Status { node_info: info, conditions, capacity, allocatable } = status;
    let mut taints: Vec<Taint> = spec
        .taints
        .iter()
        .map(|taint| Taint {
            key: texts.get(&taint.key),
            value: texts.get(&taint.value),
            effect: texts.get(&taint.effect),
        })
        .collect();
    taints.sort();
    let conditions = conditions
        .iter()
        .map(|condition| Condition {
            kind: texts.get(&condition.kind),
            status: texts.get(&condition.status),
            reason: texts.get(&condition.reason),
        })
        .collect();
    let mut stated = |text: &str| (!text.is_empty()).then(|| texts.get(text));
    let info = NodeInfo {
        os_image: stated(&info.os_image),
        operating_system: stated(&info.operating_system),
        kernel: stated(&info.kernel_version),
        kubelet: stated(&info.kubelet_version),
        runtime: stated(&info.container_runtime_version),
        architecture: stated(&info.architecture),
        boot_id: stated(&info.boot_id),
        machine_id: stated(&info.machine_id),
        system_uuid: stated(&info.system_uuid),
    };
    NodeReport {
        name: texts.get(&metadata.name),
        labels: metadata.labels.iter().map(|(key, value)| (texts.get(key), texts.get(value))).collect(),
        marks: marks(&metadata.annotations, texts),
        registered: registered(&metadata.annotations),
        taints,
        conditions,
        unschedulable: Some(spec.unschedulable),
        provider_id: (!spec.provider_id.is_empty()).then(|| Text::from(spec.provider_id)),
        huge_pages: capacity
            .get("hugepages-2Mi")
            .and_then(|quantity| bytes(&quantity.text))
            .map(|bytes| bytes / (2 << 20)),
        capacity: resources(capacity.iter().map(|(name, quantity)| (name.as_str(), quantity.text.as_str())), texts),
        allocatable: resources(
            allocatable.iter().map(|(name, quantity)| (name.as_str(), quantity.text.as_str())),
            texts,
        ),
        info,
    }
}

fn marks(annotations: &Entries, texts: &mut Texts) -> Vec<Text> {
    let mut marks: Vec<Text> =
        annotations.iter().filter(|entry| is_mark(&entry.key)).map(|entry| texts.get(&entry.key)).collect();
    marks.sort();
    marks
}

fn annotations<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Entries, D::Error> {
    super::entries(from, |key| key == accelerator::REGISTER)
}

/// One that cannot be read says nothing.
fn registered(annotations: &Entries) -> Option<Registered> {
    let entry = annotations.iter().find(|entry| entry.key == accelerator::REGISTER)?;
    Registered::parse(std::str::from_utf8(&entry.value).ok()?)
}

/// Accelerators in a resource list, sorted by name. A quantity that is not a whole number is left out: extended
/// resources have no others.
pub fn resources<'q>(list: impl Iterator<Item = (&'q str, &'q str)>, texts: &mut Texts) -> Vec<(Text, u64)> {
    let accelerators = list.filter(|(name, _)| accelerator::resource::is_resource(name));
    let mut kept: Vec<(Text, u64)> =
        accelerators.filter_map(|(name, text)| Some((texts.get(name), quantity(text)?))).collect();
    kept.sort();
    kept
}

/// A whole quantity: digits, or digits with a decimal suffix, as the API server canonicalizes large numbers (`10k`).
fn quantity(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' => (&text[..text.len() - 1], 1_000),
        b'M' => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// A Kubernetes quantity in bytes, as far as memory is written: digits, or digits with Ki, Mi or Gi.
pub fn bytes(quantity: &str) -> Option<u64> {
    let (digits, shift) = match quantity.as_bytes() {
        [.., b'K', b'i'] => (&quantity[..quantity.len() - 2], 10),
        [.., b'M', b'i'] => (&quantity[..quantity.len() - 2], 20),
        [.., b'G', b'i'] => (&quantity[..quantity.len() - 2], 30),
        _ => (quantity, 0),
    };
    digits.parse::<u64>().ok()?.checked_shl(shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn read(value: serde_json::Value) -> NodeReport {
        report(serde_json::from_value(value).expect("an object as the API server sends it"), &mut Texts::default())
    }

    #[test]
    fn a_node_keeps_what_is_read_and_nothing_else() {
        let kept = read(json!({
            "metadata": {"name": "gpu-1", "annotations": {"big": "x", "kubeadm.alpha.kubernetes.io/cri-socket": "y",
                "hami.io/node-nvidia-register": "GPU-1,10,24576,100,NVIDIA-A10,0,true:"},
                "managedFields": [{}], "labels": {"node-role.kubernetes.io/worker": ""}},
            "spec": {"unschedulable": true, "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"},
                {"key": "a", "value": "b", "effect": "NoExecute"}]},
            "status": {"capacity": {"nvidia.com/gpu": "8", "nvidia.com/hostdev": "4", "cpu": "96", "hugepages-2Mi": "4Mi"},
                "allocatable": {"nvidia.com/gpu": "7"},
                "conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}],
                "nodeInfo": {"bootID": "b", "osImage": "Ubuntu 24.04.3 LTS", "kernelVersion": "6.8.0"},
                "images": [{"names": ["x"]}]}
        }));
        assert_eq!((kept.unschedulable, kept.huge_pages), (Some(true), Some(2)));
        assert_eq!(kept.capacity, [("nvidia.com/gpu".into(), 8)]);
        assert_eq!(kept.allocatable, [("nvidia.com/gpu".into(), 7)]);
        let taints: Vec<String> = kept.taints.iter().map(ToString::to_string).collect();
        assert_eq!(taints, ["a=b:NoExecute", "nvidia.com/gpu:NoSchedule"]);
        assert_eq!(kept.marks, ["kubeadm.alpha.kubernetes.io/cri-socket".into()]);
        assert_eq!(kept.registered.map(|it| (it.devices, it.replicas)), Some((1, 10)));
        assert_eq!(kept.info.kubelet, None, "what the node did not say is not an empty text");
    }

    #[test]
    fn explicit_nulls_are_read_as_absent() {
        let kept = read(json!({"metadata": {"name": "n", "labels": null, "annotations": null},
            "spec": {"taints": null}, "status": {"conditions": null, "capacity": null}}));
        assert_eq!((kept.conditions.len(), kept.taints.len(), kept.capacity.len()), (0, 0, 0));
        let kept = read(json!({"metadata": {"name": "n"}, "spec": null, "status": {"nodeInfo": null}}));
        assert_eq!((&*kept.name, kept.provider_id, kept.info.kubelet), ("n", None, None));
    }

    #[test]
    fn quantities_are_whole_numbers() {
        assert_eq!(
            ["8", "10k", "2M", "1.5", "x", ""].map(quantity),
            [Some(8), Some(10_000), Some(2_000_000), None, None, None]
        );
    }
}
