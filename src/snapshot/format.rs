//! The snapshot file: versioned shape, YAML and JSON, both `apiVersion`s, all absence shapes.

use super::Snapshot;

/// A document that is not a snapshot, or one of a version nobody knows.
#[derive(Clone, Debug, PartialEq)]
pub enum SnapshotFormatError {
    Syntax(crate::yaml::YamlError),
    /// What was found instead of `kind: Snapshot`.
    NotASnapshot {
        found: String,
    },
    ApiVersion {
        found: String,
    },
}

impl std::fmt::Display for SnapshotFormatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let _ = f;
        todo!("core")
    }
}
impl std::error::Error for SnapshotFormatError {}

/// Reads YAML or JSON (found by looking, not by file name).
pub fn read(text: &str) -> Result<Snapshot, SnapshotFormatError> {
    let _ = text;
    todo!("core")
}

/// The document with its fingerprint, as a value; `yaml::to_string` or serde_json writes it.
pub fn to_value(snapshot: &Snapshot) -> serde_json::Value {
    let _ = snapshot;
    todo!("core")
}
