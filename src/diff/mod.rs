//! What differs between two documents, and why.
//!
//! Structural first: maps align by key, lists by identity (`name`, `component`, `path`) or else as a whole. The order of
//! keys never counts. Volatile readings are marked as noise, not dropped.

pub mod inventory;
pub mod lost;
pub mod noise;
pub mod observed;
pub mod recipe;
pub mod severity;
pub mod shapes;
pub mod text;

pub use crate::document::compare::{Change, ChangeKind};
use std::collections::BTreeMap;

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
