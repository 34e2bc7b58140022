//! Snapshot → Fingerprint: each dimension with the reading that revealed it.

use crate::{criteria::Criteria, snapshot::Snapshot};

/// One derived dimension: its value, the reading it came from, and why it is empty when it is.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Dimension<T> {
    pub value: Option<T>,
    pub source: Option<String>,
    pub note: Option<String>,
}

/// The identity of a cluster, derived from a snapshot.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Fingerprint {
    pub service: Dimension<String>,
    pub accelerator: Dimension<String>,
    pub gpu_model: Dimension<String>,
    pub os: Dimension<String>,
    pub os_version: Dimension<String>,
    pub k8s_version: Dimension<String>,
    pub region: Dimension<String>,
    pub node_count: Dimension<u64>,
    pub gpu_node_count: Dimension<u64>,
}

/// The fingerprint of a snapshot.
pub fn of(snapshot: &Snapshot) -> Fingerprint {
    let _ = snapshot;
    todo!("core")
}

impl Fingerprint {
    /// What may be asked of the catalog for this cluster; intent and platform stay open.
    pub fn criteria(&self) -> Criteria {
        todo!("core")
    }
}
