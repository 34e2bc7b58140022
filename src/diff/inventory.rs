//! Two inventories side by side, reading by reading and node by node.
//!
//! Readings are compared in their textual form, as the reference does, so that `true` and `"true"` are equal. Nodes are
//! compared as nodes, with their labels and taints: in the file, one node more changes every entry that nodes share.
//! What one side could not read is one change of `K8s.collection`; it is not something that was removed.

use super::{Change, ChangeKind, noise};
use crate::{
    inventory::{Inventory, Item, Node, Record, Subtype},
    snapshot::{self, path::TYPES},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Changes from left to right: measurements in type order, readings by path, then nodes by name.
pub fn compare(left: &Inventory, right: &Inventory) -> Vec<Change> {
    let mut changes = Vec::new();
    let (before, after) = (snapshot::record_but_nodes(left), snapshot::record_but_nodes(right));
    for kind in kinds(&before, &after) {
        let subtypes = |record: &Record| -> BTreeMap<String, Subtype> {
            let measurement = record.measurement(&kind);
            measurement
                .into_iter()
                .flat_map(|found| found.subtypes.iter().cloned())
                .map(|found| (found.name.clone(), found))
                .collect()
        };
        let (before, after) = (subtypes(&before), subtypes(&after));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let empty = Subtype::default();
            let (before, after) = (before.get(name).unwrap_or(&empty), after.get(name).unwrap_or(&empty));
            // What was read before a source was lost is still compared.
            let unread = |inventory: &Inventory, subtype: &Subtype| {
                subtype.data.is_empty() && subtype.items.is_empty() && inventory.gap_of(&kind, name).is_some()
            };
            if !unread(left, before) && !unread(right, after) {
                compare_subtypes(&format!("{kind}.{name}"), before, after, &mut changes);
            }
        }
    }
    if left.no_nodes().is_none() && right.no_nodes().is_none() {
        compare_nodes(left, right, &mut changes);
    }
    for change in &mut changes {
        change.noise = noise::rule(&change.path).map(|rule| rule.why);
    }
    compare_sources(left, right, &mut changes);
    changes
}

/// Sources that one side could not read: never noise, and with the permission that is missing.
fn compare_sources(left: &Inventory, right: &Inventory, changes: &mut Vec<Change>) {
    let names: BTreeSet<&str> = left.gaps().chain(right.gaps()).map(|(name, _)| name).collect();
    for name in names {
        let path = format!("K8s.collection.{name}");
        let said = |inventory: &Inventory| {
            let state = inventory.source(name)?;
            Some(Value::from(state.brief().unwrap_or_else(|| state.word().to_owned())))
        };
        let change = Change::of(path.clone(), said(left), said(right));
        let place = changes.iter().position(|known| known.path == path).unwrap_or(changes.len());
        changes.splice(place..(place + 1).min(changes.len()), change);
    }
}

/// The reference's answer: readings only, sorted by path, label and taint entries as they stand in the file.
pub fn compare_readings(left: &Inventory, right: &Inventory) -> Vec<Change> {
    let flat = |inventory: &Inventory| -> BTreeMap<String, String> {
        let record = snapshot::record(inventory);
        let subtypes = record
            .measurements
            .iter()
            .flat_map(|measurement| measurement.subtypes.iter().map(move |subtype| (&measurement.kind, subtype)));
        subtypes
            .flat_map(|(kind, subtype)| {
                subtype
                    .data
                    .iter()
                    .map(move |(key, reading)| (format!("{kind}.{}.{key}", subtype.name), reading.to_string()))
            })
            .collect()
    };
    pairs(&flat(left), &flat(right), |path| path.to_owned())
}

fn kinds(left: &Record, right: &Record) -> Vec<String> {
    let known = TYPES.iter().map(|kind| (*kind).to_owned());
    let all = || left.measurements.iter().chain(&right.measurements);
    let other: BTreeSet<String> =
        all().map(|measurement| measurement.kind.clone()).filter(|kind| !TYPES.contains(&kind.as_str())).collect();
    known.chain(other).filter(|kind| all().any(|measurement| measurement.kind == *kind)).collect()
}

fn compare_subtypes(path: &str, left: &Subtype, right: &Subtype, changes: &mut Vec<Change>) {
    let texts = |subtype: &Subtype| -> BTreeMap<String, String> {
        let context = subtype.context.iter().map(|(key, text)| (key.clone(), text.clone()));
        context.chain(subtype.data.iter().map(|(key, reading)| (key.clone(), reading.to_string()))).collect()
    };
    changes.extend(pairs(&texts(left), &texts(right), |key| format!("{path}.{key}")));
    for index in 0..left.items.len().max(right.items.len()) {
        let texts = |items: &[Item]| items.get(index).map(item_texts).unwrap_or_default();
        changes.extend(pairs(&texts(&left.items), &texts(&right.items), |key| format!("{path}[{index}].{key}")));
    }
}

fn item_texts(item: &Item) -> BTreeMap<String, String> {
    let context = item.context.iter().map(|(key, text)| (key.clone(), text.clone()));
    context.chain(item.data.iter().map(|(key, reading)| (key.clone(), reading.to_string()))).collect()
}

/// Changes of two sorted tables of texts.
fn pairs(
    left: &BTreeMap<String, String>,
    right: &BTreeMap<String, String>,
    path: impl Fn(&str) -> String,
) -> Vec<Change> {
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let value = |side: &BTreeMap<String, String>, key: &String| side.get(key).map(|text| Value::from(text.as_str()));
    keys.into_iter().filter_map(|key| Change::of(path(key), value(left, key), value(right, key))).collect()
}

fn compare_nodes(left: &Inventory, right: &Inventory, changes: &mut Vec<Change>) {
    let unread = unread_of_nodes(left, right);
    let is_read = |key: &str| unread.iter().all(|prefix| !key.starts_with(prefix));
    let by_name = |nodes: &'_ [Arc<Node>]| -> BTreeMap<String, Arc<Node>> {
        nodes.iter().map(|node| (node.name.to_string(), Arc::clone(node))).collect()
    };
    let (before, after) = (by_name(&left.nodes), by_name(&right.nodes));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let path = format!("node[{name}]");
        match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) if Arc::ptr_eq(before, after) => {}
            (Some(before), Some(after)) => {
                let texts = |node: &Node| -> BTreeMap<String, String> {
                    node_texts(node).into_iter().filter(|(key, _)| is_read(key)).collect()
                };
                changes.extend(pairs(&texts(before), &texts(after), |key| format!("{path}.{key}")));
            }
            (before, after) => {
                let kind = if after.is_some() { ChangeKind::Added } else { ChangeKind::Removed };
                let texts = |node: Option<&Arc<Node>>| node.map(|node| json!(node_texts(node)));
                let (left, right) = (texts(before), texts(after));
                changes.push(Change { kind, path, left, right, cause: String::new(), noise: None });
            }
        }
    }
}

/// Beginnings of what is compared of a node that one side could not read, because other objects say it.
fn unread_of_nodes(left: &Inventory, right: &Inventory) -> Vec<&'static str> {
    let of_source: [(&str, &[&str]); 4] = [
        ("pods", &["held."]),
        ("claims", &["held-devices."]),
        ("slices", &["devices.", "held-devices.", "gpu-"]),
        ("features", &["gpu-"]),
    ];
    let is_unread = |source: &str| left.gap(source).or(right.gap(source)).is_some();
    of_source.into_iter().filter(|(source, _)| is_unread(source)).flat_map(|(_, keys)| keys).copied().collect()
}

/// What is compared of a node, by name.
pub fn node_texts(node: &Node) -> BTreeMap<String, String> {
    let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
    let count = |count: Option<u64>| count.map(|count| count.to_string());
    let text = |fact: &crate::inventory::Fact<crate::inventory::Text>| fact.text().map(str::to_owned);
    let gpus = &node.accelerators;
    let taints: Vec<String> = node.taints.iter().map(ToString::to_string).collect();
    let troubles: Vec<String> =
        node.troubles().map(|condition| format!("{}={}", condition.kind, condition.status)).collect();
    let facts = [
        ("ready", flag(node.ready.get())),
        ("schedulable", flag(node.schedulable.get())),
        ("conditions", (!troubles.is_empty()).then(|| troubles.join(","))),
        ("providerID", text(&node.provider_id)),
        ("service", text(&node.service)),
        ("osImage", text(&node.os.image)),
        ("kernel", text(&node.kernel)),
        ("kubelet", text(&node.kubelet)),
        ("runtime", text(&node.runtime)),
        ("gpu-product", text(&gpus.product)),
        ("gpu-count", count(gpus.count.get())),
        ("gpu-driver", text(&gpus.driver)),
        ("gpu-division", Some(gpus.division()).filter(|division| !division.is_empty())),
        ("taints", (!taints.is_empty()).then(|| taints.join(","))),
    ];
    let mut texts: BTreeMap<String, String> =
        facts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?))).collect();
    for resource in &gpus.resources {
        texts.insert(format!("capacity.{}", resource.name), resource.capacity.to_string());
        let more = [("allocatable", resource.allocatable), ("held", resource.held.get())];
        texts.extend(
            more.into_iter().filter_map(|(key, count)| Some((format!("{key}.{}", resource.name), count?.to_string()))),
        );
    }
    for pool in &gpus.pools {
        texts.insert(format!("devices.{}", pool.driver), pool.devices.to_string());
        texts.extend(pool.held.get().map(|held| (format!("held-devices.{}", pool.driver), held.to_string())));
    }
    texts.extend(node.labels.iter().map(|(key, value)| (format!("label.{key}"), value.to_string())));
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        Fact, Measurement, Object, Scalar, Source, SourceState, State,
        node::{self, Evidence, NodeReport},
        release::ServerVersion,
    };

    fn cluster(version: &str, nodes: &[(&str, &str)]) -> Inventory {
        let node = |(name, zone): &(&str, &str)| {
            let report = NodeReport {
                name: (*name).into(),
                labels: [("zone", *zone)].into_iter().collect(),
                ..NodeReport::default()
            };
            Arc::new(node::of(&report, &Evidence::default()))
        };
        let server = ServerVersion { git_version: version.into(), ..ServerVersion::default() };
        Inventory {
            server: Fact::known(server, Source::of(Object::Server, "/version")),
            nodes: nodes.iter().map(node).collect(),
            ..Inventory::default()
        }
    }

    fn shown(left: &Inventory, right: &Inventory) -> Vec<String> {
        let line = |change: &Change| format!("{}{} {}", change.kind.sign(), change.path, change.noise.unwrap_or(""));
        compare(left, right).iter().map(line).collect()
    }

    #[test]
    fn a_node_more_is_one_change() {
        let before = cluster("v1.33.4", &[("a", "1")]);
        let after = cluster("v1.34.0", &[("a", "1"), ("b", "2")]);
        let expected = ["~K8s.server.version ", "~NodeTopology.summary.node-count ", "+node[b] "];
        assert_eq!(shown(&before, &after), expected);
        assert!(compare(&before, &before).is_empty());
    }

    #[test]
    fn what_one_side_could_not_read_was_not_removed() {
        let before = Inventory {
            images: Arc::new(BTreeMap::from([("etcd".to_owned(), "3.6".to_owned())])),
            sources: ["nodes", "pods"].map(|name| SourceState { name: name.to_owned(), state: State::Ok }).to_vec(),
            ..cluster("v1.34.0", &[("a", "1"), ("b", "2")])
        };
        let forbid = |sources: &[&str]| {
            let state = |name: &&str| SourceState {
                name: (*name).to_owned(),
                state: State::Forbidden(format!("list {name}: {name} is forbidden: User \"x\" cannot list")),
            };
            sources.iter().map(state).collect::<Vec<_>>()
        };
        let blind = Inventory { sources: forbid(&["nodes", "pods"]), ..cluster("v1.34.0", &[]) };
        let both = ["~K8s.collection.nodes ", "~K8s.collection.pods "];
        assert_eq!(shown(&before, &blind), both);
        assert_eq!(shown(&blind, &before), both);
        let changes = compare(&before, &blind);
        assert_eq!(changes[0].right, Some("forbidden: list nodes".into()));
        let no_pods =
            Inventory { sources: [before.sources[..1].to_vec(), forbid(&["pods"])].concat(), ..before.clone() };
        let no_pods = Inventory { images: Arc::default(), ..no_pods };
        assert_eq!(shown(&before, &no_pods), [both[1]]);
        assert_eq!(shown(&blind, &blind), [""; 0]);
    }

    #[test]
    fn a_live_cluster_and_its_own_file_do_not_differ() {
        let live = cluster("v1.34.0", &[("a", "1"), ("b", "2")]);
        let file = snapshot::inventory(snapshot::record(&live).into_owned());
        assert_eq!(shown(&live, &file), [""; 0]);
    }

    #[test]
    fn readings_that_have_no_type_of_their_own_are_compared_as_those_of_a_file() {
        let storage =
            Subtype::of("default-storage-class", [("default-count".to_owned(), Scalar::Text("1".to_owned()))].into());
        let readings = vec![Measurement { kind: "K8s".into(), subtypes: vec![storage] }];
        let live = Inventory { readings, ..cluster("v1.34.0", &[("a", "1")]) };
        let file = snapshot::inventory(snapshot::record(&live).into_owned());
        assert_eq!(shown(&live, &file), [""; 0]);
        assert_eq!(shown(&live, &cluster("v1.34.0", &[("a", "1")])), ["-K8s.default-storage-class.default-count "]);
    }

    #[test]
    fn the_references_view_has_every_entry() {
        let before = cluster("v1.33.4", &[("a", "1")]);
        let after = cluster("v1.33.4", &[("a", "1"), ("b", "1")]);
        let paths: Vec<String> = compare_readings(&before, &after).into_iter().map(|change| change.path).collect();
        assert_eq!(paths, ["NodeTopology.label.zone", "NodeTopology.summary.node-count"]);
    }
}
