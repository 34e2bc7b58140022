//! Compare two snapshots or two recipes.

use crate::{
    diff::{self, Change, ChangeKind, Summary},
    resolve::Resolution,
    snapshot::Snapshot,
};
use serde_json::{Value, json};

/// Differences with what is needed to show them.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What was compared, as named by a person.
    pub left: String,
    pub right: String,
    /// Noise included; it is marked.
    pub changes: Vec<Change>,
    pub summary: Summary,
}

impl Comparison {
    fn new(left: &str, right: &str, changes: Vec<Change>) -> Comparison {
        let summary = diff::summary(&changes);
        Comparison { left: left.to_owned(), right: right.to_owned(), changes, summary }
    }

    /// Changes that are shown: without noise, unless `all`.
    pub fn shown(&self, all: bool) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| all || change.noise.is_none())
    }

    /// The reference's drift document: sources, changes, summary.
    ///
    /// Moves count as modified. Noise is left out unless `all`; then how much was hidden stands in the summary.
    pub fn to_value(&self, all: bool) -> Value {
        let kind = |change: &Change| match change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Modified | ChangeKind::Moved => "modified",
        };
        let changes: Vec<Value> = self
            .shown(all)
            .map(|change| {
                let mut value = json!({"kind": kind(change), "severity": "info", "path": change.path});
                for (key, side) in [("baseline", &change.left), ("target", &change.right)] {
                    if let Some(side) = side {
                        value[key] = side.as_str().map_or_else(|| side.clone(), Value::from);
                    }
                }
                if !change.cause.is_empty() {
                    value["cause"] = change.cause.as_str().into();
                }
                if let Some(noise) = change.noise {
                    value["noise"] = noise.into();
                }
                value
            })
            .collect();
        let count = |kind: &str| changes.iter().filter(|change| change["kind"] == kind).count();
        let summary = json!({
            "added": count("added"), "removed": count("removed"), "modified": count("modified"), "total": changes.len(),
            "hidden": if all { 0 } else { self.summary.noise },
        });
        json!({"baselineSource": self.left, "targetSource": self.right, "changes": changes, "summary": summary})
    }
}

/// Two snapshots: readings, and nodes by name.
pub fn snapshots(left_name: &str, left: &Snapshot, right_name: &str, right: &Snapshot) -> Comparison {
    Comparison::new(left_name, right_name, diff::snapshot::compare(left, right))
}

/// Two snapshots as the reference compares them: every reading, no noise, nodes as label entries.
pub fn readings(left_name: &str, left: &Snapshot, right_name: &str, right: &Snapshot) -> Comparison {
    Comparison::new(left_name, right_name, diff::snapshot::compare_readings(left, right))
}

/// Two resolved recipes, each change with the layers that caused it.
pub fn resolutions(left_name: &str, left: &Resolution, right_name: &str, right: &Resolution) -> Comparison {
    Comparison::new(left_name, right_name, diff::recipe::compare(left, right))
}
