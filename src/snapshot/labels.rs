//! Which nodes carry a label, from whatever says it: the nodes of a live cluster, the items of a file, or its entries.
//!
//! A file may be unable to say it: node lists that were cut, and entries in which two labels fold into one. Then the
//! answer is why, and never a guess.

use super::record;
use crate::inventory::{Inventory, Scalar, Subtype};
use std::collections::{BTreeMap, BTreeSet};

/// Values of a label, each with the nodes that carry it; empty where no node has the label.
pub type Carriers = BTreeMap<String, BTreeSet<String>>;

/// Why a file does not say which nodes carry a label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// No labels of nodes at all.
    #[error("the snapshot has no node labels")]
    NoLabels,
    /// The list of nodes was cut when the file was written.
    #[error("the snapshot lists only some of the nodes with `{0}`")]
    Truncated(String),
    /// Not the name of a node.
    #[error("the snapshot has `{name}` among the nodes with `{key}`, which is not the name of a node")]
    Name {
        /// The label.
        key: String,
        /// What is in the list.
        name: String,
    },
    /// Entries in which two labels look the same.
    #[error("the snapshot has no items for labels, and its entries do not say which nodes have `{0}`")]
    Ambiguous(String),
}

/// The nodes that carry a label.
///
/// # Errors
/// Why the file cannot say it.
pub fn carriers(inventory: &Inventory, key: &str) -> Result<Carriers, LabelError> {
    if inventory.record.is_none() {
        if inventory.nodes.iter().all(|node| node.labels.iter().next().is_none()) {
            return Err(LabelError::NoLabels);
        }
        let mut carriers = Carriers::new();
        for node in &inventory.nodes {
            if let Some(value) = node.labels.get(key) {
                carriers.entry(value.to_string()).or_default().insert(node.name.to_string());
            }
        }
        return Ok(carriers);
    }
    let labels = record::subtype(inventory, "NodeTopology", "label").ok_or(LabelError::NoLabels)?;
    match (labels.items.is_empty(), labels.data.is_empty()) {
        (false, _) => from_items(&labels, key),
        (true, false) => from_entries(&labels, key),
        (true, true) => Err(LabelError::NoLabels),
    }
}

fn from_items(labels: &Subtype, key: &str) -> Result<Carriers, LabelError> {
    let mut carriers = Carriers::new();
    for item in labels.items.iter().filter(|item| item.context.get("key").is_some_and(|own| own == key)) {
        let cut = match item.data.get("truncated") {
            None | Some(Scalar::Bool(false)) => false,
            Some(_) => true,
        };
        let list = item.data.get("node-list").map(ToString::to_string).unwrap_or_default();
        let nodes = names(&list, key)?;
        let counted = item.data.get("node-count").and_then(Scalar::as_count);
        if cut || counted.is_some_and(|count| count != nodes.len() as u64) {
            return Err(LabelError::Truncated(key.to_owned()));
        }
        let value = item.context.get("value").cloned().unwrap_or_default();
        carriers.entry(value).or_default().extend(nodes);
    }
    Ok(carriers)
}

/// `key = value|nodes`, and `key.value = value|nodes` where a label has several values in the cluster. The second may
/// as well be a label of that longer name, which only the first can rule out.
fn from_entries(labels: &Subtype, key: &str) -> Result<Carriers, LabelError> {
    let ambiguous = || LabelError::Ambiguous(key.to_owned());
    let mut carriers = Carriers::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let (mut has_plain, mut has_folded) = (false, false);
    for (entry, text) in &labels.data {
        let text = text.to_string();
        let Some((value, list)) = text.split_once('|') else { continue };
        let is_plain = entry == key;
        let is_folded = entry.strip_prefix(key).and_then(|rest| rest.strip_prefix('.')) == Some(value);
        if !(is_plain || is_folded) {
            continue;
        }
        has_plain |= is_plain;
        has_folded |= is_folded;
        for node in names(list, key)? {
            if !seen.insert(node.clone()) {
                return Err(ambiguous());
            }
            carriers.entry(value.to_owned()).or_default().insert(node);
        }
    }
    if has_folded && !has_plain { Err(ambiguous()) } else { Ok(carriers) }
}

/// The nodes of a list, all of them.
fn names(list: &str, key: &str) -> Result<BTreeSet<String>, LabelError> {
    if list.contains("(+") {
        return Err(LabelError::Truncated(key.to_owned()));
    }
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let is_name = |name: &str| !name.is_empty() && name.len() <= 253 && name.bytes().all(good);
    list.split(',')
        .map(|name| match is_name(name) {
            true => Ok(name.to_owned()),
            false => Err(LabelError::Name { key: key.to_owned(), name: name.to_owned() }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(label: &str, expected: Result<&str, &str>) {
        let text = format!(
            "kind: Snapshot\nmeasurements: [{{type: NodeTopology, subtypes: [{{subtype: label, {label}}}]}}]\n"
        );
        let inventory = super::super::format::read(&text).unwrap();
        let found = carriers(&inventory, "a.io/x").map_err(|error| error.to_string()).map(|carriers| {
            let shown = carriers.iter().map(|(value, nodes)| {
                format!("{value}: {}", nodes.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
            });
            shown.collect::<Vec<_>>().join("; ")
        });
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn items_say_it_whatever_the_entries_say() {
        check(
            "data: {a.io/x: 'z|n9'}, items: [{context: {key: a.io/x, value: '1'}, data: {node-list: 'n1,n2', node-count: 2, truncated: false}}, \
             {context: {key: a.io/x, value: '2'}, data: {node-list: n3}}, {context: {key: b, value: '2'}, data: {node-list: n3}}]",
            Ok("1: n1 n2; 2: n3"),
        );
        check("items: [{context: {key: b, value: c}, data: {node-list: n1}}]", Ok(""));
    }

    #[test]
    fn what_a_file_cannot_say_is_not_guessed() {
        check("data: {}", Err("the snapshot has no node labels"));
        let cut = Err("the snapshot lists only some of the nodes with `a.io/x`");
        let item = |data: &str| format!("items: [{{context: {{key: a.io/x, value: '1'}}, data: {{{data}}}}}]");
        check(&item("node-list: 'n1 (+2 more)', truncated: true"), cut);
        check(&item("node-list: n1, truncated: true"), cut);
        check(&item("node-list: n1, node-count: 3"), cut);
        check(
            &item("node-list: 'n1,N 2'"),
            Err("the snapshot has `N 2` among the nodes with `a.io/x`, which is not the name of a node"),
        );
    }

    #[test]
    fn entries_say_it_where_they_are_clear() {
        let ambiguous =
            Err("the snapshot has no items for labels, and its entries do not say which nodes have `a.io/x`");
        check("data: {a.io/x: '1|n1,n2', b: 'c|n1'}", Ok("1: n1 n2"));
        check("data: {a.io/x: '1|n1', a.io/x.2: '2|n2', a.io/x.y: 'z|n1'}", Ok("1: n1; 2: n2"));
        check("data: {a.io/x.1: '1|n1', a.io/x.2: '2|n2'}", ambiguous);
        check("data: {a.io/x: '1|n1', a.io/x.2: '2|n1'}", ambiguous);
        check("data: {b: 'c|n1'}", Ok(""));
    }
}
