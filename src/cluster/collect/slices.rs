//! GPUs that a Dynamic Resource Allocation driver published as ResourceSlices.
//!
//! The newest served version of the API is read. Only slices of a pool's highest generation count: older ones are what
//! the driver is about to delete.

use super::{Collector, Update, list, node_selector::NodeSelector};
use crate::{
    cluster::{ClusterError, ClusterErrorKind, Connection, decode::node::bytes},
    inventory::{accelerator::DRIVERS, node::Device},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const NAME: &str = "slices";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list resourceslices.resource.k8s.io",
    concerns_nodes: true,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

#[derive(Clone, Deserialize)]
struct Object {
    spec: Spec,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    driver: String,
    node_name: String,
    node_selector: Option<NodeSelector>,
    /// Each device names its own node.
    per_device_node_selection: bool,
    pool: Pool,
    devices: Option<Vec<Value>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Pool {
    name: String,
    generation: i64,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let listed = served(connection, "resourceslices", |object: Object| object.spec).await?;
    let (devices, described) = devices(listed);
    Ok(Box::new(move |parts| (parts.devices, parts.described_devices) = (devices, described)))
}

/// The list of a resource of Dynamic Resource Allocation, in the newest version that the server has.
///
/// # Errors
/// Whatever the API server answers instead of the list; `NotFound` where it has no version of it.
pub(super) async fn served<T: serde::de::DeserializeOwned, K>(
    connection: &Connection,
    resource: &str,
    mut keep: impl FnMut(T) -> K,
) -> Result<Vec<K>, ClusterError> {
    let doing = format!("list {resource}.resource.k8s.io");
    let mut last = None;
    for version in ["v1", "v1beta2", "v1beta1"] {
        let path = format!("/apis/resource.k8s.io/{version}/{resource}");
        match list::all(connection, &doing, &path, &mut keep).await {
            Ok(listed) => return Ok(listed.items),
            Err(error) if error.kind == ClusterErrorKind::NotFound => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    // Not reachable without an error: every version was asked for.
    Err(last.unwrap_or_else(|| ClusterError::timeout(&doing, &connection.at(), 0)))
}

/// Devices that name their node, in the order of nodes, and those that a selector gives one to.
fn devices(slices: Vec<Spec>) -> (Vec<Device>, Vec<(NodeSelector, Device)>) {
    let mut generation: BTreeMap<(String, String), i64> = BTreeMap::new();
    for slice in &slices {
        let newest = generation.entry((slice.driver.clone(), slice.pool.name.clone())).or_insert(i64::MIN);
        *newest = slice.pool.generation.max(*newest);
    }
    let (mut kept, mut described) = (Vec::new(), Vec::new());
    for slice in slices.into_iter().filter(|slice| DRIVERS.iter().any(|(driver, _)| slice.driver == *driver)) {
        if generation.get(&(slice.driver.clone(), slice.pool.name.clone())) != Some(&slice.pool.generation) {
            continue;
        }
        for device in slice.devices.unwrap_or_default() {
            let name = device.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            // v1beta1 wraps what later versions hold directly.
            let body = device.get("basic").unwrap_or(&device);
            let own = || body.get("nodeName").and_then(Value::as_str).unwrap_or_default().to_owned();
            let own_selector = || NodeSelector::deserialize(body.get("nodeSelector")?).ok();
            let (node, selector) = match slice.per_device_node_selection {
                true => (own(), own_selector()),
                false => (slice.node_name.clone(), slice.node_selector.clone()),
            };
            let device = Device {
                node,
                driver: slice.driver.clone(),
                pool: slice.pool.name.clone(),
                name,
                attributes: attributes(body),
                memory_mib: memory_mib(body),
                shares_counters: body
                    .get("consumesCounters")
                    .and_then(Value::as_array)
                    .is_some_and(|of| !of.is_empty()),
            };
            match selector.filter(|_| device.node.is_empty()) {
                Some(selector) => described.push((selector, device)),
                None => kept.push(device),
            }
        }
    }
    kept.sort_by(|a, b| (&a.node, &a.name).cmp(&(&b.node, &b.name)));
    described.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    (kept, described)
}

/// `capacity.memory`, which later versions wrap into `{value: …}`.
fn memory_mib(device: &Value) -> Option<u64> {
    let memory = device.get("capacity")?.get("memory")?;
    let text = memory.get("value").unwrap_or(memory).as_str()?;
    Some(bytes(text)? >> 20)
}

fn attributes(device: &Value) -> BTreeMap<String, String> {
    let Some(Value::Object(map)) = device.get("attributes") else { return BTreeMap::new() };
    map.iter()
        .filter_map(|(key, value)| {
            // `{string: …}`, `{version: …}`, `{int: …}` or `{bool: …}`.
            let value = value.as_object()?.values().next()?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some((key.rsplit('/').next().unwrap_or(key).to_owned(), text))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_newest_generation_of_a_gpu_pool_counts() {
        let slice = |driver: &str, generation: i64, device: Value| -> Spec {
            serde_json::from_value(
                json!({"driver": driver, "nodeName": "n", "pool": {"name": "n", "generation": generation},
                "devices": [device]}),
            )
            .expect("a slice")
        };
        let plain = json!({"name": "gpu-0", "attributes": {"productName": {"string": "NVIDIA A100"}, "x.io/minor": {"int": 0}}});
        let wrapped = json!({"name": "gpu-1", "basic": {"attributes": {"driverVersion": {"version": "580.105.8"}}}});
        let (kept, _) = devices(vec![
            slice("gpu.nvidia.com", 1, json!({"name": "gone"})),
            slice("gpu.nvidia.com", 2, plain),
            slice("gpu.nvidia.com", 2, wrapped),
            slice("compute-domain.nvidia.com", 9, json!({"name": "channel-0"})),
        ]);
        let names: Vec<&str> = kept.iter().map(|device| device.name.as_str()).collect();
        assert_eq!(names, ["gpu-0", "gpu-1"]);
        assert_eq!(kept[0].attributes.get("minor").map(String::as_str), Some("0"));
        assert_eq!(kept[1].attributes.get("driverVersion").map(String::as_str), Some("580.105.8"));
    }

    #[test]
    fn a_device_may_name_its_own_node_and_have_another_vendor() {
        let slice: Spec = serde_json::from_value(json!({
            "driver": "gpu.amd.com", "perDeviceNodeSelection": true, "pool": {"name": "rack", "generation": 1},
            "devices": [{"name": "gpu-0", "nodeName": "n1"}, {"name": "gpu-1", "nodeName": "n2"}, {"name": "gpu-2",
            "nodeSelector": {"nodeSelectorTerms": []}}, {"name": "gpu-3", "allNodes": true}]}))
        .expect("a slice");
        let (named, described) = devices(vec![slice]);
        let nodes: Vec<(&str, &str)> = named.iter().map(|device| (&*device.name, &*device.node)).collect();
        assert_eq!(nodes, [("gpu-3", ""), ("gpu-0", "n1"), ("gpu-1", "n2")]);
        assert_eq!(described.iter().map(|(_, device)| &*device.name).collect::<Vec<_>>(), ["gpu-2"]);
    }
}
