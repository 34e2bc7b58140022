//! What only a node itself can say: kernel modules, kernel parameters, boot parameters, distribution, systemd, PCI.
//!
//! [`read`] looks at the files of a node, in a pod without rights; [`lines`] carry what it found through the log of that
//! pod; [`plan`] says what is created for it; [`put`] adds what the nodes said to a snapshot. The readings have the types of the
//! reference's file, which has room for one node: the others are there with what they say otherwise.

pub mod lines;
pub mod plan;
pub mod read;

use crate::inventory::{Inventory, Item, Measurement, Scalar, Subtype};
use std::collections::BTreeMap;

/// What one node said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeFacts {
    /// By measurement type and subtype.
    pub tables: BTreeMap<(String, String), BTreeMap<String, Scalar>>,
    /// What could not be read, and why.
    pub unread: BTreeMap<String, String>,
}

/// What became of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeResult {
    pub node: String,
    /// Nodes of the same shape that were not asked.
    pub alike: usize,
    /// Why nothing is known.
    pub said: Result<NodeFacts, String>,
}

/// The subtype of `NodeTopology` with one item for each node that was asked.
pub const SUBTYPE: &str = "agent";

/// Adds what nodes said: whole for the node that the file's single readings are of, as differences for the others.
///
/// Where that node said nothing, the first one that did stands for the cluster, and the item of each says which it is.
///
/// `is_noise` says of a path that it differs from node to node by itself.
pub fn put(inventory: &mut Inventory, results: &[NodeResult], is_noise: fn(&str) -> bool) {
    let own = inventory.source_node().map(|node| node.name.to_string());
    let answered = || results.iter().filter_map(|result| Some((&result.node, result.said.as_ref().ok()?)));
    let first = answered().find(|(node, _)| Some(*node) == own.as_ref()).or_else(|| answered().next());
    if let Some((_, facts)) = first {
        for ((kind, name), data) in &facts.tables {
            let subtype = Subtype::of(name, data.clone());
            match inventory.readings.iter_mut().find(|known| known.kind == *kind) {
                Some(known) => known.subtypes.push(subtype),
                None => inventory.readings.push(Measurement { kind: kind.clone(), subtypes: vec![subtype] }),
            }
        }
    }
    let items = results.iter().map(|result| item(result, first, is_noise)).collect();
    let subtype = Subtype { items, ..Subtype::of(SUBTYPE, BTreeMap::new()) };
    inventory.readings.push(Measurement { kind: "NodeTopology".to_owned(), subtypes: vec![subtype] });
}

fn item(result: &NodeResult, first: Option<(&String, &NodeFacts)>, is_noise: fn(&str) -> bool) -> Item {
    let mut context = BTreeMap::from([("node".to_owned(), result.node.clone())]);
    let mut put = |key: &str, text: String| drop(context.insert(key.to_owned(), text));
    if result.alike > 0 {
        put("alike", result.alike.to_string());
    }
    let mut data = BTreeMap::new();
    match &result.said {
        Err(reason) => {
            put("state", "failed".to_owned());
            put("reason", reason.clone());
        }
        Ok(facts) => {
            put("state", if facts.unread.is_empty() { "ok" } else { "partial" }.to_owned());
            facts.unread.iter().for_each(|(what, why)| put(&format!("unread {what}"), why.clone()));
            if let Some((node, base)) = first
                && *node != result.node
            {
                put("compared-with", node.clone());
                data = differences(base, facts, is_noise);
            }
        }
    }
    Item { context, data }
}

/// Readings of a node that are not those of another one; what only the other has is empty.
fn differences(base: &NodeFacts, facts: &NodeFacts, is_noise: fn(&str) -> bool) -> BTreeMap<String, Scalar> {
    let mut found = BTreeMap::new();
    let tables: std::collections::BTreeSet<_> = base.tables.keys().chain(facts.tables.keys()).collect();
    for table in tables {
        let of = |facts: &'_ NodeFacts| facts.tables.get(table).cloned().unwrap_or_default();
        let (before, after) = (of(base), of(facts));
        // What was not read is not gone.
        let is_unread = facts.unread.keys().any(|what| table_is(what, table));
        for (key, value) in &after {
            let path = format!("{}.{}.{key}", table.0, table.1);
            if before.get(key) != Some(value) && !is_noise(&path) {
                found.insert(path, value.clone());
            }
        }
        for key in before.keys().filter(|key| !is_unread && !after.contains_key(*key)) {
            found.insert(format!("{}.{}.{key}", table.0, table.1), Scalar::Text(String::new()));
        }
    }
    found
}

fn table_is(what: &str, table: &(String, String)) -> bool {
    what == table.0
        || what.strip_prefix(&table.0).and_then(|rest| rest.strip_prefix('.')).is_some_and(|name| name == table.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::node::{self, Evidence, NodeReport},
        snapshot::{self, path},
    };
    use std::sync::Arc;

    fn facts(swappiness: &str, modules: &[&str]) -> NodeFacts {
        let text = |text: &str| Scalar::Text(text.to_owned());
        let table = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
        let sysctl = BTreeMap::from([("/proc/sys/vm/swappiness".to_owned(), text(swappiness))]);
        let modules = modules.iter().map(|name| ((*name).to_owned(), Scalar::Bool(true))).collect();
        let tables = [(table("OS", "sysctl"), sysctl), (table("OS", "kmod"), modules)].into();
        NodeFacts { tables, ..NodeFacts::default() }
    }

    fn cluster() -> Inventory {
        let node = |name: &str| {
            let labels = [("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3")].into_iter().collect();
            let mut node =
                node::of(&NodeReport { name: name.into(), labels, ..NodeReport::default() }, &Evidence::default());
            let source = crate::inventory::Source::of(crate::inventory::Object::Node, "status");
            node.kernel = crate::inventory::Fact::known("6.8.0".into(), source);
            Arc::new(node)
        };
        Inventory { nodes: vec![node("a"), node("b")], ..Inventory::default() }
    }

    fn asked(swappiness: &str) -> Inventory {
        let mut inventory = cluster();
        let result = |node: &str, said| NodeResult { node: node.to_owned(), alike: 0, said };
        let results = [
            result("a", Ok(facts("60", &["nvidia", "overlay"]))),
            result("b", Ok(facts(swappiness, &["overlay"]))),
            result("c", Err("the image cannot be pulled".to_owned())),
        ];
        put(&mut inventory, &results, |_| false);
        inventory
    }

    #[test]
    fn one_node_is_whole_and_the_others_are_what_they_say_otherwise() {
        let inventory = asked("10");
        let file = snapshot::inventory(snapshot::record(&inventory).into_owned());
        for inventory in [&inventory, &file] {
            assert_eq!(path::find("OS.sysctl./proc/sys/vm/swappiness", inventory).as_deref(), Ok("60"));
            assert_eq!(path::find("OS.sysctl./proc/sys/kernel/osrelease", inventory).as_deref(), Ok("6.8.0"));
            assert_eq!(path::find("OS.kmod.overlay", inventory).as_deref(), Ok("true"));
        }
        let record = snapshot::record(&inventory);
        let items = &record.subtype("NodeTopology", SUBTYPE).expect("it is there").items;
        let said: Vec<(String, String, Vec<&String>)> = items
            .iter()
            .map(|item| (item.context["node"].clone(), item.context["state"].clone(), item.data.keys().collect()))
            .collect();
        let (modules, swappiness) = ("OS.kmod.nvidia".to_owned(), "OS.sysctl./proc/sys/vm/swappiness".to_owned());
        assert_eq!(said[0], ("a".into(), "ok".into(), vec![]));
        assert_eq!(said[1], ("b".into(), "ok".into(), vec![&modules, &swappiness]));
        assert_eq!(said[2], ("c".into(), "failed".into(), vec![]));
    }

    #[test]
    fn a_snapshot_with_an_agent_reads_like_its_file() {
        let live = asked("10");
        let (written, file) = (snapshot::record(&live).into_owned(), snapshot::record(&live).into_owned());
        assert_eq!(snapshot::record(&snapshot::inventory(file)).into_owned().measurements, written.measurements);
    }
}
