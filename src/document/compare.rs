//! Two documents side by side, leaf by leaf.
//!
//! Maps align by key, lists by the names of their elements or else as a whole. The order of keys never counts. What is one leaf
//! on one side and many on the other, as an empty list is beside a filled one, is one change of the whole; the entries of a map
//! come and go one by one, because each has a layer of its own. The cause of a change is the layer that won on each side.

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
    let (before, after) = (flatten(&left.document, without), flatten(&right.document, without));
    let (filled_before, filled_after) = (filled(&before, &after), filled(&after, &before));
    let Flat { leaves: before, lists: lists_before, maps: maps_before } = before;
    let Flat { leaves: after, lists: lists_after, maps: maps_after } = after;
    let index = |leaves: &[(String, &Traced)]| -> BTreeMap<String, usize> {
        leaves.iter().enumerate().map(|(index, (path, _))| (path.clone(), index)).collect()
    };
    let (by_path_left, by_path_right) = (index(&before), index(&after));
    let mut changes = Vec::new();
    let mut told = BTreeSet::new();
    // Its entries say what has become of it.
    let is_filled = |path: &str, value: &Traced, maps: &[(String, &Traced)]| {
        is_empty_map(value) && maps.iter().any(|(known, _)| known == path)
    };
    for (path, value) in before.iter().filter(|(path, value)| !is_filled(path, value, &maps_after)) {
        // The right side has a leaf where this is a part.
        if let Some((whole, list)) = filled_before.around(path) {
            if told.insert(whole.clone()) {
                let other = by_path_right.get(whole).map(|index| (right, after[*index].1));
                changes.extend(change(whole, Some((left, list)), other));
            }
            continue;
        }
        let leaf = by_path_right.get(path).map(|index| after[*index].1);
        let other = leaf.or_else(|| filled_after.wholes.get(path).copied());
        changes.extend(change(path, Some((left, *value)), other.map(|other| (right, other))));
    }
    let is_new = |path: &String| !by_path_left.contains_key(path) && !filled_before.wholes.contains_key(path);
    let after = after.iter().filter(|(path, value)| is_new(path) && !is_filled(path, value, &maps_before));
    for (path, value) in after.filter(|(path, _)| filled_after.around(path).is_none()) {
        changes.extend(change(path, None, Some((right, *value))));
    }
    let other: BTreeMap<&str, &Traced> = lists_after.iter().map(|(path, list)| (path.as_str(), *list)).collect();
    for (path, list) in &lists_before {
        changes.extend(other.get(path.as_str()).and_then(|other| moved(path, (left, list), (right, other))));
    }
    changes
}

fn is_empty_map(value: &Traced) -> bool {
    matches!(&value.value, TracedValue::Map(entries) if entries.is_empty())
}

/// Maps and lists of one side that are a leaf on the other.
struct Filled<'d> {
    wholes: BTreeMap<String, &'d Traced>,
    /// Of each of their leaves, the path of the whole.
    of_leaf: BTreeMap<String, String>,
}

impl Filled<'_> {
    /// The whole that a leaf is part of.
    fn around(&self, path: &str) -> Option<(&String, &Traced)> {
        let whole = self.of_leaf.get(path)?;
        Some((whole, self.wholes.get(whole)?))
    }
}

fn filled<'d>(side: &Flat<'d>, other: &Flat<'_>) -> Filled<'d> {
    let leaves: BTreeMap<&str, &Traced> = other.leaves.iter().map(|(path, leaf)| (path.as_str(), *leaf)).collect();
    let is_leaf = |path: &str| leaves.get(path).copied();
    let lists = side.lists.iter().filter(|(path, _)| is_leaf(path).is_some());
    let maps = side.maps.iter().filter(|(path, _)| is_leaf(path).is_some_and(|leaf| !is_empty_map(leaf)));
    let wholes: BTreeMap<String, &Traced> = lists.chain(maps).cloned().collect();
    let begins = |path: &str, whole: &str| path.strip_prefix(whole).is_some_and(|rest| rest.starts_with(['.', '[']));
    let mut of_leaf = BTreeMap::new();
    for whole in wholes.keys() {
        of_leaf.extend(
            side.leaves.iter().filter(|(path, _)| begins(path, whole)).map(|(path, _)| (path.clone(), whole.clone())),
        );
    }
    Filled { wholes, of_leaf }
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

    /// An empty list or map is one leaf, a filled one is as many as it has.
    #[test]
    fn what_is_filled_or_emptied_is_one_change_of_the_whole() {
        let env = |names: &[&str]| -> Value {
            let items = names.iter().map(|name| json!({"name": name, "value": 1})).collect::<Vec<_>>();
            json!({"plugin": {"env": items, "envFrom": 1}, "z": 1})
        };
        check(env(&[]), env(&["a", "b"]), &["~ plugin.env"]);
        check(env(&["a", "b"]), env(&[]), &["~ plugin.env"]);
        check(json!({"x": {"y": {}}}), json!({"x": {"y": {"a": {"b": 1}, "c": []}}}), &["+ x.y.a.b", "+ x.y.c"]);
        check(json!({"x": {"y": {"a": {"b": 1}, "c": []}}}), json!({"x": {"y": {}}}), &["- x.y.a.b", "- x.y.c"]);
        check(json!({"x": 3, "y": 1}), json!({"x": {"a": 1, "b": 2}, "y": 2}), &["~ x", "~ y"]);
        // What the other side does not have at all comes and goes value by value.
        check(json!({"x": {"z": 1}}), json!({"x": {"y": {"a": 1, "b": 2}, "z": 1}}), &["+ x.y.a", "+ x.y.b"]);
    }

    #[test]
    fn a_list_of_the_same_values_in_another_order_has_moved() {
        check(json!({"checks": ["a", "b"]}), json!({"checks": ["b", "a"]}), &["> checks"]);
        check(json!({"checks": ["a", "b"]}), json!({"checks": ["b", "b"]}), &["~ checks"]);
        check(json!({"x": [1, [2]]}), json!({"x": [[2], 1]}), &["> x"]);
    }
}
