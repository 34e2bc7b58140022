//! A Pod object, as far as it is kept: where it runs, what it runs, which accelerators it holds.

use super::{Quantity, node, nullable};
use crate::inventory::{Text, Texts};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is kept of one pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    /// `namespace/name`.
    pub name: Text,
    pub node: Option<Text>,
    /// References as written in the spec: containers, then init containers, then ephemeral ones.
    pub images: Vec<Text>,
    /// It runs no more; what it ran stays in its spec.
    pub has_ended: bool,
    /// Accelerators that the scheduler counts for it, by resource name; empty once it has ended.
    pub holds: Vec<(Text, u64)>,
}

/// A Pod as the API server sends it, in JSON or protobuf.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct PodObject {
    #[prost(message, required, tag = "1")]
    pub metadata: PodMeta,
    #[prost(message, required, tag = "2")]
    #[serde(deserialize_with = "nullable")]
    spec: Spec,
    #[prost(message, required, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    status: Status,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodMeta {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    namespace: String,
    #[prost(string, tag = "6")]
    pub resource_version: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[prost(string, tag = "10")]
    node_name: String,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable")]
    containers: Vec<Container>,
    #[prost(message, repeated, tag = "20")]
    #[serde(deserialize_with = "nullable")]
    init_containers: Vec<Container>,
    #[prost(message, repeated, tag = "34")]
    #[serde(deserialize_with = "nullable")]
    ephemeral_containers: Vec<Ephemeral>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    #[prost(string, tag = "2")]
    image: String,
    #[prost(string, optional, tag = "24")]
    restart_policy: Option<String>,
    #[prost(message, required, tag = "8")]
    #[serde(deserialize_with = "nullable")]
    resources: Resources,
}

/// In protobuf a message of its own, in JSON not.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(transparent)]
struct Ephemeral {
    #[prost(message, required, tag = "1")]
    container: Container,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
struct Resources {
    #[prost(btree_map = "string, message", tag = "1")]
    #[serde(deserialize_with = "nullable")]
    limits: BTreeMap<String, Quantity>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
struct Status {
    #[prost(string, tag = "1")]
    phase: String,
}

/// What one container asks for.
pub struct Asks {
    /// Runs beside the containers although it is an init container.
    pub sidecar: bool,
    pub holds: Vec<(Text, u64)>,
}

/// Keeps of a pod what the inventory reads.
pub fn pod(object: &PodObject, texts: &mut Texts) -> Pod {
    let PodObject { metadata, spec, status } = object;
    let mut asks = |container: &Container| Asks {
        sidecar: container.restart_policy.as_deref() == Some("Always"),
        holds: node::resources(
            container.resources.limits.iter().map(|(name, quantity)| (name.as_str(), quantity.text.as_str())),
            texts,
        ),
    };
    let has_ended = has_ended(&status.phase);
    let holds = if has_ended {
        Vec::new()
    } else {
        let containers: Vec<Asks> = spec.containers.iter().map(&mut asks).collect();
        let init: Vec<Asks> = spec.init_containers.iter().map(&mut asks).collect();
        held(&containers, &init)
    };
    let ephemeral = spec.ephemeral_containers.iter().map(|ephemeral| &ephemeral.container);
    let every = spec.containers.iter().chain(&spec.init_containers).chain(ephemeral);
    Pod {
        name: format!("{}/{}", metadata.namespace, metadata.name).into(),
        node: (!spec.node_name.is_empty()).then(|| texts.get(&spec.node_name)),
        images: every.map(|container| texts.get(&container.image)).collect(),
        has_ended,
        holds,
    }
}

/// Whether a pod in this phase has given back what it held.
pub fn has_ended(phase: &str) -> bool {
    phase == "Succeeded" || phase == "Failed"
}

/// Accelerators as the scheduler counts them, by name: what runs at once, or more if an init container alone asks for
/// more. Requests of extended resources equal their limits, and only limits must be written.
pub fn held(containers: &[Asks], init: &[Asks]) -> Vec<(Text, u64)> {
    let mut together: BTreeMap<Text, u64> = BTreeMap::new();
    for asks in containers.iter().chain(init.iter().filter(|asks| asks.sidecar)) {
        for (name, count) in &asks.holds {
            *together.entry(name.clone()).or_default() += count;
        }
    }
    for asks in init.iter().filter(|asks| !asks.sidecar) {
        for (name, count) in &asks.holds {
            let most = together.entry(name.clone()).or_default();
            *most = (*most).max(*count);
        }
    }
    together.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> PodObject {
        serde_json::from_value(value).expect("an object as the API server sends it")
    }

    #[track_caller]
    fn check(spec: serde_json::Value, phase: &str, expected: &str) {
        let object =
            read(json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec, "status": {"phase": phase}}));
        let holds = pod(&object, &mut Texts::default()).holds;
        let shown: Vec<String> = holds.iter().map(|(name, count)| format!("{name}={count}")).collect();
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn accelerators_of_a_pod_are_counted_by_name_as_the_scheduler_does() {
        let asks = |name: &str, count: &str| json!({"image": "i", "resources": {"limits": {name: count, "cpu": "4"}}});
        let gpus = |count: &str| asks("nvidia.com/gpu", count);
        check(json!({"containers": [gpus("1"), gpus("2")]}), "Running", "nvidia.com/gpu=3");
        check(json!({"containers": [gpus("1")], "initContainers": [gpus("4")]}), "Pending", "nvidia.com/gpu=4");
        check(json!({"containers": [gpus("1")]}), "Succeeded", "");
        check(json!({"containers": [gpus("0")]}), "Running", "");
        let mixed = json!({"containers": [asks("nvidia.com/mig-2g.20gb", "1"), asks("nvidia.com/gpu.shared", "2")]});
        check(mixed, "Running", "nvidia.com/gpu.shared=2 nvidia.com/mig-2g.20gb=1");
        let mut sidecar = gpus("1");
        sidecar["restartPolicy"] = json!("Always");
        check(json!({"containers": [gpus("1")], "initContainers": [sidecar]}), "Running", "nvidia.com/gpu=2");
    }

    #[test]
    fn the_image_of_a_thousand_pods_is_kept_once() {
        let object = read(json!({"metadata": {"name": "p"}, "spec": {"containers": [{"image": "a/b:1"}]}}));
        let mut texts = Texts::default();
        let (one, two) = (pod(&object, &mut texts), pod(&object, &mut texts));
        assert!(std::sync::Arc::ptr_eq(&one.images[0], &two.images[0]));
    }
}
