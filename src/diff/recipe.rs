//! Two recipes side by side: components, values, constraints, checks, order.
//!
//! Both documents are flattened to leaves by path; list elements that have a name go by it, other lists are one leaf.
//! The cause of a change is the layer that won on each side.

use super::{Change, ChangeKind, side::Side};
use crate::{
    recipe::query::Segment,
    resolve::provenance::{Traced, TracedValue},
};
use std::collections::BTreeMap;

/// Parts of the document that say how it was asked for, not what it is.
const ABOUT: [&str; 4] = ["kind", "apiVersion", "metadata", "criteria"];

/// Changes from left to right in document order; what only the right side has comes after what the left side has.
pub fn compare(left: &Side, right: &Side) -> Vec<Change> {
    let (before, after) = (flatten(left), flatten(right));
    let index = |leaves: &[(String, &Traced)]| -> BTreeMap<String, usize> {
        leaves.iter().enumerate().map(|(index, (path, _))| (path.clone(), index)).collect()
    };
    let (by_path_left, by_path_right) = (index(&before), index(&after));
    let mut changes = Vec::new();
    for (path, value) in &before {
        let other = by_path_right.get(path).map(|index| after[*index].1);
        changes.extend(change(path, Some((left, *value)), other.map(|other| (right, other))));
    }
    for (path, value) in after.iter().filter(|(path, _)| !by_path_left.contains_key(path)) {
        changes.extend(change(path, None, Some((right, *value))));
    }
    changes
}

fn change(path: &str, left: Option<(&Side, &Traced)>, right: Option<(&Side, &Traced)>) -> Option<Change> {
    let value = |side: Option<(&Side, &Traced)>| side.map(|(_, value)| value.to_value());
    let mut change = Change::of(path.to_owned(), value(left), value(right))?;
    if path == "deploymentOrder" {
        // The order follows from dependencies; a component that came or went is told where it is.
        change.kind = ChangeKind::Moved;
    }
    let layer = |side: Option<(&Side, &Traced)>| side.and_then(|(side, value)| side.author(value));
    change.cause = match (layer(left), layer(right)) {
        (Some(left), Some(right)) if left == right => left,
        (Some(left), Some(right)) => format!("{left} → {right}"),
        (Some(left), None) => format!("{left} → (nobody)"),
        (None, Some(right)) => format!("(nobody) → {right}"),
        (None, None) => String::new(),
    };
    Some(change)
}

fn flatten(side: &Side) -> Vec<(String, &Traced)> {
    let mut leaves = Vec::new();
    if let TracedValue::Map(entries) = &side.document.value {
        for (key, child) in entries.iter().filter(|(key, _)| !ABOUT.contains(&&**key)) {
            add(key.to_string(), child, &mut leaves);
        }
    }
    leaves
}

fn add<'d>(path: String, value: &'d Traced, leaves: &mut Vec<(String, &'d Traced)>) {
    match &value.value {
        TracedValue::Map(entries) if !entries.is_empty() => {
            for (key, child) in entries {
                add(format!("{path}.{}", Segment::Key(key.to_string())), child, leaves);
            }
        }
        TracedValue::List(items) if !items.is_empty() && items.iter().all(|item| name(item).is_some()) => {
            for item in items {
                let name = name(item).unwrap_or_default();
                add(format!("{path}[name={name}]"), item, leaves);
            }
        }
        _ => leaves.push((path, value)),
    }
}

fn name(item: &Traced) -> Option<&str> {
    item.get("name").and_then(Traced::as_text)
}
