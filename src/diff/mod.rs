//! What differs between two documents, and why.
//!
//! Structural first: maps align by key, lists by identity (`name`, `component`, `path`) or else by longest common
//! subsequence. Volatile readings are marked as noise, not dropped.

pub mod recipe;
pub mod snapshot;
pub mod text;

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Added,
    Removed,
    Modified,
    Moved,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Change {
    pub kind: ChangeKind,
    /// Selector-like path.
    pub path: String,
    pub left: Option<Value>,
    pub right: Option<Value>,
    /// Who caused it: layer names on both sides for recipes (`kind → h100-eks-training`), empty when unknown.
    pub cause: String,
    /// A reading that changes on an idle machine, or by reboot: why it is hidden by default.
    pub noise: Option<&'static str>,
}
