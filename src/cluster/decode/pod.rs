//! A Pod object, as far as it is kept: where it runs, what it runs, which accelerators it holds.

use super::{Meta, node, nullable};
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
    /// Accelerators that the scheduler counts for it, by resource name; empty once it has ended.
    pub holds: Vec<(Text, u64)>,
}

/// A Pod as the API server writes it in JSON.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodObject {
    pub metadata: Meta,
    spec: Spec,
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
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
struct Status {
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
            container.resources.limits.iter().map(|(name, text)| (name.as_str(), text.as_str())),
            texts,
        ),
    };
    let holds = if has_ended(&status.phase) {
        Vec::new()
    } else {
        let containers: Vec<Asks> = spec.containers.iter().map(&mut asks).collect();
        let init: Vec<Asks> = spec.init_containers.iter().map(&mut asks).collect();
        held(&containers, &init)
    };
    let every = spec.containers.iter().chain(&spec.init_containers).chain(&spec.ephemeral_containers);
    Pod {
        name: format!("{}/{}", metadata.namespace, metadata.name).into(),
        node: (!spec.node_name.is_empty()).then(|| texts.get(&spec.node_name)),
        images: every.map(|container| texts.get(&container.image)).collect(),
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
