//! Entries of `validators/catalog.yaml`: which image runs which check, in which phase, for how long.

use std::collections::BTreeMap;

/// The phases in which checks run; readiness comes before them and runs no Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Deployment,
    Conformance,
    Performance,
}

impl Phase {
    /// Default execution order (performance last, because it occupies every GPU).
    pub const ALL: [Phase; 3] = [Phase::Deployment, Phase::Conformance, Phase::Performance];

    pub fn name(self) -> &'static str {
        match self {
            Phase::Deployment => "deployment",
            Phase::Conformance => "conformance",
            Phase::Performance => "performance",
        }
    }
}

/// One validator: a check, as the catalog declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Validator {
    pub name: String,
    pub phase: Phase,
    pub description: String,
    /// As written; `validate::plan` resolves tags and registries.
    pub image: String,
    pub timeout_seconds: u64,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// `(cpu, memory)` when the entry gives both.
    pub resources: Option<(String, String)>,
    pub dependency_affinity: Vec<DependencyAffinity>,
}

/// Attraction of a check's pod to pods of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct DependencyAffinity {
    pub component: String,
    pub pod_labels: BTreeMap<String, String>,
    pub required: bool,
    pub topology_key: String,
}
