//! Two documents side by side, leaf by leaf.
//!
//! Maps align by key, lists by the names of their elements or else as a whole. The order of keys never counts. The cause of a
//! change is the layer that won on each side.

use super::{
    flatten::{Flat, flatten, name},
    side::Side,
    traced::{Traced, TracedValue},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
    /// The name of the rule that explains a reading that changes by itself, on an idle machine or at a boot.
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

/// Changes from left to right in document order; what only the right side has comes after what the left side has. The keys
/// of the documents' tops in `without` are not compared.
pub fn compare(left: &Side, right: &Side, without: &[&str]) -> Vec<Change> {
    let (Flat { leaves: before, lists: lists_before }, Flat { leaves: after, lists: lists_after }) =
        (flatten(&left.document, without), flatten(&right.document, without));
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
    let other: BTreeMap<&str, &Traced> = lists_after.iter().map(|(path, list)| (path.as_str(), *list)).collect();
    for (path, list) in &lists_before {
        changes.extend(other.get(path.as_str()).and_then(|other| moved(path, (left, list), (right, other))));
    }
    changes
}

/// Named elements that both lists have, in another order: a change of the list itself.
fn moved(path: &str, left: (&Side, &Traced), right: (&Side, &Traced)) -> Option<Change> {
    let names = |list: &Traced, other: &Traced| -> Vec<String> {
        let there: BTreeSet<&str> = elements(other).filter_map(name).collect();
        elements(list).filter_map(name).filter(|name| there.contains(name)).map(str::to_owned).collect()
    };
    let (before, after) = (names(left.1, right.1), names(right.1, left.1));
    let change = Change::of(path.to_owned(), Some(before.into()), Some(after.into()))?;
    Some(Change { kind: ChangeKind::Moved, cause: cause(Some(left), Some(right)), ..change })
}

fn elements(list: &Traced) -> impl Iterator<Item = &Traced> {
    let items = if let TracedValue::List(items) = &list.value { items.as_slice() } else { &[] };
    items.iter()
}

fn change(path: &str, left: Option<(&Side, &Traced)>, right: Option<(&Side, &Traced)>) -> Option<Change> {
    let value = |side: Option<(&Side, &Traced)>| side.map(|(_, value)| value.to_value());
    let mut change = Change::of(path.to_owned(), value(left), value(right))?;
    // The deployment order follows from dependencies; a component that came or went is told where it is.
    if path == "deploymentOrder" || is_reordered(change.left.as_ref(), change.right.as_ref()) {
        change.kind = ChangeKind::Moved;
    }
    change.cause = cause(left, right);
    Some(change)
}

/// Two lists of the same elements.
fn is_reordered(left: Option<&Value>, right: Option<&Value>) -> bool {
    let sorted = |list: &Value| {
        let mut texts: Vec<String> = list.as_array()?.iter().map(Value::to_string).collect();
        texts.sort_unstable();
        Some(texts)
    };
    match (left.and_then(sorted), right.and_then(sorted)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// The authors on both sides.
fn cause(left: Option<(&Side, &Traced)>, right: Option<(&Side, &Traced)>) -> String {
    let layer = |side: Option<(&Side, &Traced)>| side.and_then(|(side, value)| side.author(value));
    match (layer(left), layer(right)) {
        (Some(left), Some(right)) if left == right => left,
        (Some(left), Some(right)) => format!("{left} → {right}"),
        (Some(left), None) => format!("{left} → (not set)"),
        (None, Some(right)) => format!("(not set) → {right}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Changes as sign and path.
    #[track_caller]
    fn check(left: Value, right: Value, expected: &[&str]) {
        let side = |value: Value| Side { document: Traced::from_value(&value), layers: Vec::new(), criteria: None };
        let told: Vec<String> = compare(&side(left), &side(right), &[])
            .into_iter()
            .map(|change| format!("{} {}", change.kind.sign(), change.path))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn elements_with_names_are_met_by_name_and_their_order_is_a_change_of_its_own() {
        let list = |names: &[(&str, u8)]| -> Value {
            names.iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>().into()
        };
        let env = |names| json!({"env": list(names)});
        check(env(&[("a", 1), ("b", 2)]), env(&[("b", 2), ("a", 1)]), &["> env"]);
        check(env(&[("a", 1), ("b", 2)]), env(&[("b", 3), ("a", 1)]), &["~ env[name=b].value", "> env"]);
        // One that comes or goes moves nothing.
        let added = ["+ env[name=c].name", "+ env[name=c].value"];
        check(env(&[("a", 1), ("b", 2)]), env(&[("c", 0), ("a", 1), ("b", 2)]), &added);
    }

    #[test]
    fn a_list_of_the_same_values_in_another_order_has_moved() {
        check(json!({"checks": ["a", "b"]}), json!({"checks": ["b", "a"]}), &["> checks"]);
        check(json!({"checks": ["a", "b"]}), json!({"checks": ["b", "b"]}), &["~ checks"]);
        check(json!({"x": [1, [2]]}), json!({"x": [[2], 1]}), &["> x"]);
    }
}
