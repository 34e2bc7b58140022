//! Changes of nodes, once for all nodes of a shape that changed alike: `kernel 6.8.0-1018 -> 6.8.0-1021` on 412 nodes.

use super::{Change, ChangeKind, node_path, severity::Severity};
use crate::inventory::{
    Inventory, Node,
    shape::{Attribute, Key},
};
use serde_json::Value;
use std::collections::HashMap;

/// One change that nodes share, or one that is of no node.
#[derive(Clone, Debug, PartialEq)]
pub struct ByShape<T = ()> {
    pub kind: ChangeKind,
    pub severity: Severity,
    /// What is built into the nodes; empty for a change of the cluster.
    pub shape: String,
    /// What is compared of the nodes, or the path.
    pub key: String,
    pub left: Option<Value>,
    pub right: Option<Value>,
    /// By name.
    pub nodes: Vec<String>,
    /// What else tells the changes apart.
    pub other: T,
}

/// Groups graded changes; the worst first, then those of the most nodes.
pub fn by_shape<'c>(
    changes: impl IntoIterator<Item = (&'c Change, Severity)>,
    sides: (&Inventory, &Inventory),
) -> Vec<ByShape> {
    by_shape_and(changes.into_iter().map(|(change, severity)| (change, severity, ())), sides)
}

/// As [`by_shape`], of changes that are alike only where something else of them is the same too.
pub fn by_shape_and<'c, T: Clone + Eq + std::hash::Hash>(
    changes: impl IntoIterator<Item = (&'c Change, Severity, T)>,
    (left, right): (&Inventory, &Inventory),
) -> Vec<ByShape<T>> {
    let mut groups: Vec<ByShape<T>> = Vec::new();
    let mut places: HashMap<(String, String, String, T), usize> = HashMap::new();
    for (change, severity, other) in changes {
        let Some((name, key)) = node_path::parse(&change.path) else {
            groups.push(ByShape {
                kind: change.kind,
                severity,
                shape: String::new(),
                key: change.path.clone(),
                left: change.left.clone(),
                right: change.right.clone(),
                nodes: Vec::new(),
                other,
            });
            continue;
        };
        let node = right.node(name).or_else(|| left.node(name));
        let shape = node.map_or_else(|| "unknown".to_owned(), |node| words(node));
        // A node that came or went is one of its shape; that its labels are its own says nothing.
        let is_whole = key.is_empty();
        let sides = match is_whole {
            true => format!("{:?}", change.kind),
            false => format!("{:?}{:?}", change.left, change.right),
        };
        let at = *places.entry((shape.clone(), key.to_owned(), sides, other.clone())).or_insert_with(|| {
            let value = |side: &Option<Value>| side.clone().filter(|_| !is_whole);
            let (left, right) = (value(&change.left), value(&change.right));
            let key = if is_whole { "node".to_owned() } else { key.to_owned() };
            groups.push(ByShape { kind: change.kind, severity, shape, key, left, right, nodes: Vec::new(), other });
            groups.len() - 1
        });
        groups[at].severity = groups[at].severity.min(severity);
        groups[at].nodes.push(name.to_owned());
    }
    groups.sort_by_key(|group| (group.severity, std::cmp::Reverse(group.nodes.len())));
    groups
}

/// What is built into a node: `8 x NVIDIA-H100-80GB-HBM3`.
fn words(node: &Node) -> String {
    match Key::of(node).value(Attribute::Accelerator) {
        "" => "accelerators unknown".to_owned(),
        "none" => "no accelerators".to_owned(),
        accelerator => accelerator.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::{self, Evidence, NodeReport};
    use std::sync::Arc;

    fn cluster(nodes: usize, zone: &str) -> Inventory {
        let node = |index: usize| {
            let labels = [("zone", if index < 40 { zone } else { "a" })].into_iter().collect();
            let report =
                NodeReport { name: format!("gpu-{index:02}").as_str().into(), labels, ..NodeReport::default() };
            Arc::new(node::of(&report, &Evidence::default()))
        };
        Inventory { nodes: (0..nodes).map(node).collect(), ..Inventory::default() }
    }

    #[test]
    fn nodes_that_changed_alike_are_one_row() {
        let (before, after) = (cluster(50, "a"), cluster(49, "b"));
        let changes = crate::diff::inventory::compare(&before, &after);
        let graded = changes.iter().map(|change| (change, Severity::Info));
        let groups = by_shape(graded, (&before, &after));
        let said: Vec<String> = groups.iter().map(|group| format!("{} {}", group.key, group.nodes.len())).collect();
        assert_eq!(said, ["label.zone 40", "node 1", "NodeTopology.summary.node-count 0"]);
        assert_eq!(groups[0].right, Some("b".into()));
    }
}
