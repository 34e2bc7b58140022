//! The phases of a validation.

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

    /// As in recipes, flags and reports.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Deployment => "deployment",
            Phase::Conformance => "conformance",
            Phase::Performance => "performance",
        }
    }
}
