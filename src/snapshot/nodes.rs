//! The nodes of a snapshot, as rows and as shapes.
//!
//! In: a snapshot, ours (subtype `NodeTopology.nodes`) or the reference's (label and taint entries only). Out: one
//! [`NodeRow`] per node, and [`Shape`]s that group equal ones.

use super::Snapshot;
use std::collections::BTreeMap;

/// What a snapshot knows of one node. `None` is "not measured", never zero.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct NodeRow {
    pub name: String,
    pub ready: Option<bool>,
    pub schedulable: Option<bool>,
    pub roles: Vec<String>,
    pub provider_id: Option<String>,
    pub os_image: Option<String>,
    pub kernel: Option<String>,
    pub kubelet: Option<String>,
    pub runtime: Option<String>,
    pub architecture: Option<String>,
    pub gpu_product: Option<String>,
    pub gpu_memory_mib: Option<u64>,
    pub gpu_driver: Option<String>,
    pub gpu_capacity: Option<u64>,
    pub gpu_allocatable: Option<u64>,
    pub gpu_requested: Option<u64>,
    pub labels: BTreeMap<String, String>,
    /// `key=value:Effect`, sorted.
    pub taints: Vec<String>,
}

/// Nodes that are alike in accelerator, driver, OS, kernel, kubelet and taints.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Shape {
    /// Accelerator product or `cpu`.
    pub accelerator: String,
    pub driver: String,
    pub os_image: String,
    pub kernel: String,
    pub kubelet: String,
    pub taints: Vec<String>,
    /// Node names, sorted.
    pub nodes: Vec<String>,
}

/// One row per node, sorted by name.
pub fn rows(snapshot: &Snapshot) -> Vec<NodeRow> {
    let _ = snapshot;
    todo!("core")
}

/// Rows grouped by shape: most GPUs first, then most nodes, then by first node name.
pub fn shapes(rows: &[NodeRow]) -> Vec<Shape> {
    let _ = rows;
    todo!("core")
}
