//! Nodes that took the place of others: one change each, not one that was removed and one that was added.
//!
//! In: changes of which some are of whole nodes. Out: the same, in which a node that went and one that came are one change where
//! they have the same provider id, else the same shape, else the same hardware. The cause of that change says which, and its
//! sides have only what differs. Of several that are alike, those are paired that come first by name.

use super::{Change, ChangeKind, node_path};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// By what two nodes are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    ProviderId,
    Shape,
    Hardware,
}

const INSTANCE_TYPE: &str = "label.node.kubernetes.io/instance-type";
/// Beginnings of what is built into a node, as [`super::inventory::node_texts`] names it.
const HARDWARE: [&str; 6] = [
    "gpu-product",
    "gpu-count",
    "gpu-division",
    INSTANCE_TYPE,
    "label.kubernetes.io/arch",
    "label.node-role.kubernetes.io/",
];
/// What a shape has besides.
const SOFTWARE: [&str; 7] = ["service", "osImage", "kernel", "kubelet", "runtime", "gpu-driver", "taints"];

impl By {
    fn words(self) -> &'static str {
        match self {
            By::ProviderId => "same provider id",
            By::Shape => "same shape",
            By::Hardware => "same hardware",
        }
    }

    /// What has to be equal; `None` where a node does not say it.
    fn key(self, node: &Map<String, Value>) -> Option<Vec<(&str, &Value)>> {
        let of = |starts: &[&str]| -> Vec<(&str, &Value)> {
            let is_meant = |key: &str| starts.iter().any(|start| key.starts_with(start));
            node.iter().filter(|(key, _)| is_meant(key)).map(|(key, value)| (key.as_str(), value)).collect()
        };
        let key = match self {
            By::ProviderId => of(&["providerID"]),
            By::Shape => [of(&HARDWARE), of(&SOFTWARE)].concat(),
            By::Hardware => of(&HARDWARE),
        };
        let says = |name: &str| node.contains_key(name);
        // What nodes do not say makes no two of them alike: every node has an architecture.
        let is_enough = match self {
            By::Hardware => says(HARDWARE[0]) || says(INSTANCE_TYPE),
            By::ProviderId | By::Shape => !key.is_empty(),
        };
        is_enough.then_some(key)
    }
}

/// Makes one change of each pair of nodes, at the place of the one that came.
pub fn pair(changes: &mut Vec<Change>) {
    for by in [By::ProviderId, By::Shape, By::Hardware] {
        let mut went: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, change) in changes.iter().enumerate().filter(|(_, change)| change.kind == ChangeKind::Removed) {
            if let Some(key) = whole(change, &change.left).and_then(|node| by.key(node)) {
                went.entry(format!("{key:?}")).or_default().push(at);
            }
        }
        // The first one by name is the first one that is taken.
        went.values_mut().for_each(|places| places.reverse());
        let mut gone = vec![false; changes.len()];
        for at in 0..changes.len() {
            let came = &changes[at];
            let key = match came.kind {
                ChangeKind::Added => whole(came, &came.right).and_then(|node| by.key(node)),
                _ => None,
            };
            let Some(before) = key.and_then(|key| went.get_mut(&format!("{key:?}"))?.pop()) else { continue };
            changes[at] = replacement(&changes[before], came, by);
            gone[before] = true;
        }
        let mut gone = gone.into_iter();
        changes.retain(|_| !gone.next().unwrap_or_default());
    }
}

/// What is compared of a node, where the change is of the whole of it.
fn whole<'c>(change: &Change, side: &'c Option<Value>) -> Option<&'c Map<String, Value>> {
    let (_, key) = node_path::parse(&change.path)?;
    side.as_ref()?.as_object().filter(|_| key.is_empty())
}

fn replacement(went: &Change, came: &Change, by: By) -> Change {
    let empty = Map::new();
    let (before, after) = (whole(went, &went.left).unwrap_or(&empty), whole(came, &came.right).unwrap_or(&empty));
    let only = |side: &Map<String, Value>, other: &Map<String, Value>| {
        let differs = |(key, value): &(&String, &Value)| other.get(*key) != Some(value);
        let texts = side.iter().filter(differs).map(|(key, value)| (key.clone(), value.clone()));
        Some(Value::Object(texts.collect()))
    };
    let name = node_path::node_of(&went.path).unwrap_or_default();
    Change {
        kind: ChangeKind::Modified,
        path: came.path.clone(),
        left: only(before, after),
        right: only(after, before),
        cause: format!("replaces {name}, {}", by.words()),
        noise: None,
    }
}

/// The same change, reading by reading.
pub fn readings(change: &Change) -> Vec<Change> {
    let (empty, node) = (Map::new(), node_path::node_of(&change.path).unwrap_or_default());
    let [left, right] = [&change.left, &change.right].map(|side| whole(change, side).unwrap_or(&empty));
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let reading =
        |key: &String| Change::of(node_path::reading(node, key), left.get(key).cloned(), right.get(key).cloned());
    keys.into_iter().filter_map(reading).collect()
}

/// Whether a change is of a node that took the place of another.
pub fn is_one(change: &Change) -> bool {
    change.kind == ChangeKind::Modified && node_path::parse(&change.path).is_some_and(|(_, key)| key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(kind: ChangeKind, name: &str, left: Option<Value>, right: Option<Value>) -> Change {
        Change { kind, path: node_path::whole(name), left, right, cause: String::new(), noise: None }
    }

    #[track_caller]
    fn check(went: &[(&str, Value)], came: &[(&str, Value)], expected: &[&str]) {
        let removed = went.iter().map(|(name, node)| change(ChangeKind::Removed, name, Some(node.clone()), None));
        let added = came.iter().map(|(name, node)| change(ChangeKind::Added, name, None, Some(node.clone())));
        let mut changes: Vec<Change> = removed.chain(added).collect();
        pair(&mut changes);
        let said = |change: &Change| format!("{}{} {}", change.kind.sign(), change.path, change.cause);
        assert_eq!(changes.iter().map(said).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_node_that_was_replaced_is_one_change_that_says_by_what() {
        let node = |id: &str, gpus: &str, kernel: &str| json!({"providerID": id, "gpu-product": "H100", "gpu-count": gpus, "kernel": kernel, "ready": "true"});
        let one = |name, id, gpus, kernel| [(name, node(id, gpus, kernel))];
        check(&one("a", "i-1", "8", "6.8"), &one("b", "i-1", "4", "6.9"), &["~node[b] replaces a, same provider id"]);
        check(&one("a", "i-1", "8", "6.8"), &one("b", "i-2", "8", "6.8"), &["~node[b] replaces a, same shape"]);
        check(&one("a", "i-1", "8", "6.8"), &one("b", "i-2", "8", "6.9"), &["~node[b] replaces a, same hardware"]);
        check(&one("a", "i-1", "8", "6.8"), &one("b", "i-2", "4", "6.8"), &["-node[a] ", "+node[b] "]);
        // What is certain comes before what is likely, and nodes that say nothing are not alike.
        check(
            &[("a", node("i-1", "8", "6.8")), ("c", node("i-3", "8", "6.8"))],
            &[("x", node("i-9", "8", "6.8")), ("y", node("i-1", "8", "6.8"))],
            &["~node[x] replaces c, same shape", "~node[y] replaces a, same provider id"],
        );
        check(
            &[("a", node("i-1", "8", "6.8")), ("b", node("i-2", "8", "6.8"))],
            &[("x", node("i-9", "8", "6.8"))],
            &["-node[b] ", "~node[x] replaces a, same shape"],
        );
        check(&[("a", json!({"ready": "true"}))], &[("b", json!({"ready": "true"}))], &["-node[a] ", "+node[b] "]);
        let cpu = |kernel: &str| json!({"label.kubernetes.io/arch": "amd64", "kernel": kernel});
        check(&[("a", cpu("6.8"))], &[("b", cpu("6.9"))], &["-node[a] ", "+node[b] "]);
    }

    #[test]
    fn the_sides_of_a_replacement_have_what_differs() {
        let node = |kernel: &str| Some(json!({"gpu-product": "H100", "kernel": kernel, "ready": "true"}));
        let mut changes = vec![
            change(ChangeKind::Removed, "a", node("6.8"), None),
            change(ChangeKind::Added, "b", None, node("6.9")),
        ];
        pair(&mut changes);
        let [change] = &changes[..] else { panic!("{changes:?}") };
        assert_eq!(change.left, Some(json!({"kernel": "6.8"})));
        assert_eq!(change.right, Some(json!({"kernel": "6.9"})));
        assert!(is_one(change));
    }
}
