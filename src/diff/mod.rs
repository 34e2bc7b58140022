//! What differs between two documents, and why.
//!
//! Structural first: maps align by key, lists by identity (`name`, `component`, `path`) or else as a whole. The order of
//! keys never counts. Volatile readings are marked as noise, not dropped.

pub mod inventory;
pub mod lost;
pub mod observed;
pub mod recipe;
pub mod text;

use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Added,
    Removed,
    Modified,
    Moved,
}

impl ChangeKind {
    /// The sign in a gutter.
    pub fn sign(self) -> char {
        match self {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Modified => '~',
            ChangeKind::Moved => '>',
        }
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<&'static str>,
}

impl Change {
    /// The change between two values, one of which may be absent; `None` when they are equal.
    pub fn of(path: String, left: Option<Value>, right: Option<Value>) -> Option<Change> {
        let kind = match (&left, &right) {
            (None, None) => return None,
            (Some(left), Some(right)) if left == right => return None,
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Removed,
            (Some(_), Some(_)) => ChangeKind::Modified,
        };
        Some(Change { kind, path, left, right, cause: String::new(), noise: None })
    }
}

/// How many changes there are, for headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    pub added: usize,
    pub removed: usize,
    pub modified: usize,
    pub moved: usize,
    /// Hidden by default.
    pub noise: usize,
    /// Without noise, by the first segment of the path.
    pub areas: BTreeMap<String, usize>,
}

impl Summary {
    /// Changes that are shown by default.
    pub fn total(&self) -> usize {
        self.added + self.removed + self.modified + self.moved
    }
}

/// Counts changes.
pub fn summary(changes: &[Change]) -> Summary {
    let mut summary = Summary::default();
    for change in changes {
        if change.noise.is_some() {
            summary.noise += 1;
            continue;
        }
        match change.kind {
            ChangeKind::Added => summary.added += 1,
            ChangeKind::Removed => summary.removed += 1,
            ChangeKind::Modified => summary.modified += 1,
            ChangeKind::Moved => summary.moved += 1,
        }
        let area = change.path.split(['.', '[']).next().unwrap_or_default();
        *summary.areas.entry(area.to_owned()).or_default() += 1;
    }
    summary
}
