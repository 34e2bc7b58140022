//! Nodes beside each other, or groups of nodes that are alike.
//!
//! In: two or more groups. Out: their readings by name, those that differ first. Of a group, a reading is what its nodes have;
//! where in every group each node has a value of its own, such as its name, it says nothing about the groups and is left out.

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
    /// The groups do not have the same values, however these are told.
    pub differs: bool,
}

/// Readings of the groups: those that differ, then the others, each by name.
pub fn of(groups: &[Vec<Arc<Node>>]) -> Vec<Reading> {
    let read: Vec<BTreeMap<String, Said>> = groups.iter().map(|nodes| common(nodes)).collect();
    let keys: BTreeSet<&String> = read.iter().flat_map(BTreeMap::keys).collect();
    // Of one node alone, nothing is its own.
    let several = || read.iter().zip(groups).filter(|(_, nodes)| nodes.len() > 1);
    let is_own = |key: &&String| {
        several().count() > 0 && several().all(|(texts, _)| texts.get(*key).is_some_and(|said| said.is_own))
    };
    let reading = |key: &String| {
        let said: Vec<Option<&Said>> = read.iter().map(|texts| texts.get(key)).collect();
        Reading {
            key: key.clone(),
            values: said.iter().map(|said| said.map(|said| said.text.clone())).collect(),
            differs: said.windows(2).any(|pair| pair[0].map(Said::values) != pair[1].map(Said::values)),
        }
    };
    let mut readings: Vec<Reading> = keys.into_iter().filter(|key| !is_own(key)).map(reading).collect();
    readings.sort_by_key(|reading| !reading.differs);
    readings
}

/// What the nodes of a group say of one thing.
struct Said {
    /// Each value, and how many nodes have it.
    all: BTreeMap<String, usize>,
    text: String,
    /// Each of them says something else.
    is_own: bool,
    is_whole: bool,
}

impl Said {
    /// The different values, and whether every node has one.
    fn values(&self) -> (Vec<&String>, bool) {
        (self.all.keys().collect(), self.is_whole)
    }
}

/// Values that are listed before they are counted.
const LISTED: usize = 3;

/// What the nodes of a group have, by name.
fn common(nodes: &[Arc<Node>]) -> BTreeMap<String, Said> {
    let mut values: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for node in nodes {
        for (key, value) in node_texts(node) {
            *values.entry(key).or_default().entry(value).or_default() += 1;
        }
    }
    let said = |all: BTreeMap<String, usize>| {
        let (different, count) = (all.len(), all.values().sum::<usize>());
        let listed: Vec<&str> = all.keys().take(LISTED).map(String::as_str).collect();
        let mut text = listed.join(", ");
        if different > LISTED {
            let last = all.keys().next_back().map_or("", String::as_str);
            text = format!("{}: {text}, … {last}", text::count(different, "value"));
        }
        if count < nodes.len() {
            text = format!("{text} ({count} of {})", nodes.len());
        }
        Said { all, text, is_own: different == nodes.len() && different > 1, is_whole: count == nodes.len() }
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
        // Of two nodes with two kernels the kernel is not left out beside a group that has one.
        let two = vec![node("a", "6.1", "v1.34"), node("b", "6.2", "v1.34")];
        let others = vec![node("c", "6.3", "v1.34"), node("d", "6.3", "v1.34")];
        check(&[two.clone(), others.clone()], &["kernel: 6.1, 6.2 | 6.3", "kubelet: v1.34 | v1.34"]);
        let third = vec![node("e", "7.1", "v1.34"), node("f", "7.1", "v1.34"), node("g", "7.2", "v1.34")];
        let fourth = vec![node("h", "8.1", "v1.34"), node("i", "8.1", "v1.34"), node("j", "8.2", "v1.34")];
        check(&[third, fourth], &["kernel: 7.1, 7.2 | 8.1, 8.2", "kubelet: v1.34 | v1.34"]);
        // Those that read alike because the middle is left out differ all the same.
        let many = |odd: &str| ["1", "2", "3", odd, "5", "5"].map(|kernel| node("n", kernel, "v1.34")).to_vec();
        let differs =
            of(&[many("4"), many("4.1")]).into_iter().any(|reading| reading.key == "kernel" && reading.differs);
        assert!(differs);
        check(&[group, vec![node("d", "6.2", "v1.34")]], &["kernel: 6.1 | 6.2", "kubelet: v1.33, v1.34 | v1.34"]);
    }
}
