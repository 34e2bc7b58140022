//! Nodes beside each other, or groups of nodes that are alike.
//!
//! In: two or more groups. Out: their readings by name, those that differ first. Of a group, a reading is what all its nodes
//! have; where each node has a value of its own, such as its name, it says nothing about the group and is left out.

use super::inventory::node_texts;
use crate::{inventory::Node, text};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A reading, and what it is in each group; `None` where no node of it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub key: String,
    pub values: Vec<Option<String>>,
}

impl Reading {
    pub fn differs(&self) -> bool {
        self.values.windows(2).any(|pair| pair[0] != pair[1])
    }
}

/// Readings of the groups: those that differ, then the others, each by name.
pub fn of(groups: &[Vec<Arc<Node>>]) -> Vec<Reading> {
    let read: Vec<BTreeMap<String, Option<String>>> = groups.iter().map(|nodes| common(nodes)).collect();
    let keys: BTreeSet<&String> = read.iter().flat_map(BTreeMap::keys).collect();
    let is_own = |key: &&String| read.iter().any(|texts| texts.get(*key).is_some_and(Option::is_none));
    let reading = |key: &String| Reading {
        key: key.clone(),
        values: read.iter().map(|texts| texts.get(key).cloned().flatten()).collect(),
    };
    let mut readings: Vec<Reading> = keys.into_iter().filter(|key| !is_own(key)).map(reading).collect();
    readings.sort_by_key(|reading| !reading.differs());
    readings
}

/// What the nodes of a group have, by name; `None` where each has its own.
fn common(nodes: &[Arc<Node>]) -> BTreeMap<String, Option<String>> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in nodes {
        for (key, value) in node_texts(node) {
            values.entry(key).or_default().push(value);
        }
    }
    let said = |mut all: Vec<String>| {
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        match &all[..] {
            // Of one node alone, nothing is its own.
            [_] if count == nodes.len() => all.pop(),
            [one] => Some(format!("{one} ({count} of {})", nodes.len())),
            several if several.len() == nodes.len() => None,
            several => Some(text::count(several.len(), "value")),
        }
    };
    values.into_iter().map(|(key, all)| (key, said(all))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Fact, Source};

    fn node(name: &str, kernel: &str, kubelet: &str) -> Arc<Node> {
        let known = |text: &str| Fact::known(text.into(), Source::node("status"));
        let (kernel, kubelet, provider_id) = (known(kernel), known(kubelet), known(name));
        Arc::new(Node { name: name.into(), kernel, kubelet, provider_id, ..Node::default() })
    }

    #[track_caller]
    fn check(groups: &[Vec<Arc<Node>>], expected: &[&str]) {
        let line = |reading: Reading| {
            let values: Vec<String> = reading.values.into_iter().map(|value| value.unwrap_or("-".to_owned())).collect();
            format!("{}: {}", reading.key, values.join(" | "))
        };
        let shown: Vec<String> = of(groups).into_iter().map(line).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_differs_comes_first() {
        let (one, two) = (node("a", "6.1", "v1.34"), node("b", "6.2", "v1.34"));
        check(&[vec![one], vec![two]], &["kernel: 6.1 | 6.2", "providerID: a | b", "kubelet: v1.34 | v1.34"]);
    }

    #[test]
    fn a_group_has_what_its_nodes_have_in_common() {
        let group = vec![node("a", "6.1", "v1.34"), node("b", "6.1", "v1.34"), node("c", "6.1", "v1.33")];
        check(&[group, vec![node("d", "6.2", "v1.34")]], &["kernel: 6.1 | 6.2", "kubelet: 2 values | v1.34"]);
    }
}
