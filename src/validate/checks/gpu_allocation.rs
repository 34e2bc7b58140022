//! Who hands out GPUs on this cluster, as far as nodes, DeviceClasses and ResourceSlices tell.

use super::{
    Block, Facts, Read, Rule,
    facts::{name, text},
};
use crate::{
    text::{count, plural},
    validate::gpu::Policy,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const VERSIONS: [&str; 3] = ["resource.k8s.io/v1", "resource.k8s.io/v1beta2", "resource.k8s.io/v1beta1"];
pub const DRIVER: &str = "gpu.nvidia.com";
/// Nodes that evidence names.
const SHOWN_NODES: usize = 20;
const ALLOCATABLE: &str = "status.allocatable.nvidia~com/gpu";

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allocation {
    /// The served version of `resource.k8s.io`; `None` when it is not served.
    pub api: Option<&'static str>,
    /// Ready, uncordoned nodes with allocatable `nvidia.com/gpu`.
    pub plugin_nodes: Vec<String>,
    /// Devices of the GPU driver on eligible nodes, in complete pools, untainted.
    pub claimable: usize,
    /// The same for every driver of NVIDIA, compute domains included.
    pub devices: usize,
    /// Drivers of NVIDIA with slices.
    pub drivers: BTreeSet<String>,
    /// What kept an answer away.
    pub trouble: Vec<String>,
}

/// The rights that [`reads`] needs.
pub fn rules() -> Vec<Rule> {
    vec![
        Rule::list("", &["nodes"]),
        Rule::list("resource.k8s.io", &["resourceslices"]),
        Rule::get("resource.k8s.io", "deviceclasses", vec![DRIVER.to_owned()]),
    ]
}

fn nodes() -> Read {
    let keep = &["spec.unschedulable", "status.conditions.*.type", "status.conditions.*.status", ALLOCATABLE];
    Read::list("v1", "", "nodes", "").keeping(keep)
}

fn slices(api: &str) -> Read {
    let keep = &["spec.driver", "spec.nodeName", "spec.pool", "spec.devices.*.taints", "spec.devices.*.basic.taints"];
    Read::list(api, "", "resourceslices", "").keeping(keep)
}

/// What to read next; empty when all is known.
pub fn reads(facts: &Facts) -> Vec<Read> {
    let groups = VERSIONS.map(|version| Read::Get(format!("/apis/{version}")));
    let mut wanted = vec![nodes()];
    wanted.extend(groups);
    if let Some(api) = served(facts) {
        wanted.push(slices(api));
        wanted.push(Read::object(api, "", "deviceclasses", DRIVER));
    }
    facts.missing(&wanted)
}

fn served(facts: &Facts) -> Option<&'static str> {
    VERSIONS.into_iter().find(|version| facts.object(&Read::Get(format!("/apis/{version}"))).is_some())
}

/// Judges the facts of [`reads`].
pub fn inspect(facts: &Facts) -> Allocation {
    let eligible: BTreeSet<&str> = facts.items(&nodes()).iter().filter(|node| is_eligible(node)).map(name).collect();
    let gpus = |node: &&Value| {
        let allocatable = text(node, "/status/allocatable/nvidia.com~1gpu");
        allocatable.parse::<u64>().is_ok_and(|count| count > 0)
    };
    let mut allocation = Allocation {
        api: served(facts),
        plugin_nodes: facts
            .items(&nodes())
            .iter()
            .filter(|node| eligible.contains(name(node)))
            .filter(gpus)
            .map(|node| name(node).to_owned())
            .collect(),
        ..Allocation::default()
    };
    allocation.trouble.extend(facts.unread(&nodes()));
    let Some(api) = allocation.api else {
        // A version that could not be asked for may be served.
        allocation.trouble.extend(facts.any_unread(&VERSIONS.map(|version| Read::Get(format!("/apis/{version}")))));
        return allocation;
    };
    let slices = slices(api);
    allocation.trouble.extend(facts.unread(&slices));
    let class = Read::object(api, "", "deviceclasses", DRIVER);
    allocation.trouble.extend(facts.unread(&class));
    let has_class = facts.object(&class).is_some();
    for slice in current(facts.items(&slices)) {
        let driver = text(slice, "/spec/driver");
        if !driver.ends_with(".nvidia.com") {
            continue;
        }
        allocation.drivers.insert(driver.to_owned());
        if !eligible.contains(text(slice, "/spec/nodeName")) {
            continue;
        }
        let usable = devices(slice).filter(|device| is_untainted(device)).count();
        allocation.devices += usable;
        if driver == DRIVER && has_class {
            allocation.claimable += usable;
        }
    }
    allocation
}

fn is_eligible(node: &Value) -> bool {
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    let ready = |condition: &Value| text(condition, "/type") == "Ready" && text(condition, "/status") == "True";
    let cordoned = node.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false);
    !cordoned && conditions.is_some_and(|conditions| conditions.iter().any(ready))
}

/// Slices of the highest generation of each pool, of pools of which all slices are there.
fn current(slices: &[Value]) -> impl Iterator<Item = &Value> {
    let mut pools: BTreeMap<(&str, &str), (i64, Vec<&Value>)> = BTreeMap::new();
    for slice in slices {
        let generation = slice.pointer("/spec/pool/generation").and_then(Value::as_i64).unwrap_or(0);
        let pool = pools.entry((text(slice, "/spec/driver"), text(slice, "/spec/pool/name"))).or_default();
        if pool.1.is_empty() || generation > pool.0 {
            *pool = (generation, vec![slice]);
        } else if generation == pool.0 {
            pool.1.push(slice);
        }
    }
    let is_whole = |slices: &Vec<&Value>| {
        let wanted =
            |slice: &&Value| slice.pointer("/spec/pool/resourceSliceCount").and_then(Value::as_u64).unwrap_or(1);
        slices.iter().all(|slice| wanted(slice) == slices.len() as u64)
    };
    pools.into_values().map(|(_, slices)| slices).filter(is_whole).flatten()
}

fn devices(slice: &Value) -> impl Iterator<Item = &Value> {
    slice.pointer("/spec/devices").and_then(Value::as_array).into_iter().flatten()
}

/// Taints stand in the device, in `v1beta1` one level deeper.
fn is_untainted(device: &Value) -> bool {
    let taints = ["/taints", "/basic/taints"].into_iter().filter_map(|path| device.pointer(path)?.as_array());
    taints.flatten().next().is_none()
}

impl Allocation {
    /// Whether what was found backs the recipe's policy; the problem when it does not.
    pub fn backs(&self, policy: Policy) -> Option<String> {
        match policy {
            Policy::DevicePlugin if self.plugin_nodes.is_empty() => Some(format!(
                "the recipe hands out GPUs through the device plugin, but no ready node has allocatable nvidia.com/gpu ({})",
                self.summary()
            )),
            Policy::ResourceClaim if self.claimable == 0 => Some(format!(
                "the recipe hands out GPUs through ResourceClaims, but no usable device of {DRIVER} is published ({})",
                self.summary()
            )),
            _ => None,
        }
    }

    /// One line for messages and evidence.
    pub fn summary(&self) -> String {
        format!(
            "device plugin on {}, {}, {} of {}",
            count(self.plugin_nodes.len(), "node"),
            count(self.claimable, "claimable device"),
            count(self.devices, "device"),
            if self.drivers.is_empty() {
                "no NVIDIA driver".to_owned()
            } else {
                self.drivers.iter().cloned().collect::<Vec<_>>().join(", ")
            }
        )
    }

    /// Evidence about the policy and what backs it.
    pub fn blocks(&self, policy: Policy) -> Vec<Block> {
        let mut lines = vec![self.summary()];
        lines.extend(self.plugin_nodes.iter().take(SHOWN_NODES).map(|node| format!("nvidia.com/gpu on {node}")));
        let rest = self.plugin_nodes.len().saturating_sub(SHOWN_NODES);
        if rest > 0 {
            lines.push(format!("and on {rest} more {}", plural(rest, "node")));
        }
        vec![
            Block::new("GPU allocation policy", vec![policy.name().to_owned()]),
            Block::new("GPU allocation mode", lines).equivalent("kubectl get resourceslices; kubectl get nodes"),
        ]
    }
}
