//! `NodeTopology`: labels and taints by entry, and one item per node.
//!
//! `data` of `label` and `taint` is the reference's first form, in which a key with several values folds to
//! `<key>.<value>`; its items say the same without loss, and a reader prefers them. One item per node is ours, and so are
//! `modules` and `os-release`, an item for all nodes that have the same.

use super::{format, node_item};
use crate::{
    inventory::{
        Fact, Inventory, Item, Labels, Node, Object, Record, Scalar, Source, State, Subtype, Text, Texts, Unknown,
        node::{self, Condition, Evidence, NodeInfo, NodeReport, Taint},
    },
    yaml::stream::Stream,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

pub(super) const KIND: &str = "NodeTopology";

/// `summary`, `taint`, `label` as the reference writes them, and `nodes`.
pub(super) fn subtypes(nodes: &[Arc<Node>]) -> Vec<Subtype> {
    let mut labels: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for node in nodes {
        for (key, value) in node.labels.iter() {
            labels.entry(key).or_default().entry(value).or_default().push(&node.name);
        }
    }
    let label = label_subtype(&labels);
    let [mut summary, taint] = small(nodes);
    summary.data.insert("label-count".to_owned(), Scalar::count(label.items.len() as u64));
    let items = nodes.iter().map(|node| node_item::write(node)).collect();
    let nodes_subtype = Subtype { name: "nodes".to_owned(), items, ..Subtype::default() };
    [summary, taint, label, nodes_subtype].into_iter().chain(shared(nodes)).collect()
}

/// What node feature discovery read on nodes, most of which have the same: an item for all nodes that are alike.
const MODULES: &str = "modules";
const OS_RELEASE: &str = "os-release";

/// `modules` and `os-release`, where any node has them.
fn shared(nodes: &[Arc<Node>]) -> Vec<Subtype> {
    let (mut modules, mut releases) = (BTreeMap::new(), BTreeMap::new());
    for node in nodes {
        if let Some(names) = node.modules.value() {
            modules.entry(Arc::clone(names)).or_insert_with(Vec::new).push(&*node.name);
        }
        if let Some(fields) = node.os_release.value() {
            releases.entry(Arc::clone(fields)).or_insert_with(Vec::new).push(&*node.name);
        }
    }
    let joined = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    let item = |context: BTreeMap<String, String>, nodes: &[&str]| Item { context, data: carriers(nodes) };
    let modules =
        modules.iter().map(|(names, nodes)| item(BTreeMap::from([(MODULES.to_owned(), joined(names))]), nodes));
    let releases = releases.iter().map(|(fields, nodes)| item((**fields).clone(), nodes));
    let subtype = |name: &str, items: Vec<Item>| Subtype { name: name.to_owned(), items, ..Subtype::default() };
    let all = [subtype(MODULES, modules.collect()), subtype(OS_RELEASE, releases.collect())];
    all.into_iter().filter(|subtype| !subtype.items.is_empty()).collect()
}

/// What [`shared`] wrote, by node.
#[derive(Default)]
struct Shared {
    modules: BTreeMap<String, Arc<BTreeSet<String>>>,
    releases: BTreeMap<String, Arc<BTreeMap<String, String>>>,
}

impl Shared {
    fn of(record: &Record) -> Shared {
        let items = |name: &str| record.subtype(KIND, name).map_or(&[][..], |subtype| &subtype.items);
        let carriers = |item: &Item| -> Vec<String> {
            let list = item.data.get("node-list").map(ToString::to_string).unwrap_or_default();
            node_list(&list).0.into_iter().map(str::to_owned).collect()
        };
        let mut shared = Shared::default();
        for item in items(MODULES) {
            let names = item.context.get(MODULES).map(String::as_str).unwrap_or_default();
            let names: BTreeSet<String> = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let names = Arc::new(names);
            shared.modules.extend(carriers(item).into_iter().map(|node| (node, Arc::clone(&names))));
        }
        for item in items(OS_RELEASE) {
            let fields = Arc::new(item.context.clone());
            shared.releases.extend(carriers(item).into_iter().map(|node| (node, Arc::clone(&fields))));
        }
        shared
    }

    fn add_to(&self, node: &mut Node) {
        let feature = |field: &'static str| Source::of(Object::NodeFeature, field);
        if let Some(names) = self.modules.get(&*node.name) {
            node.modules = Fact::known(Arc::clone(names), feature("kernel.loadedmodule"));
            // A version tells it too, and is read before.
            if !node.accelerators.driver.is_known() {
                let is_loaded = names.contains("nvidia");
                node.accelerators.driver_loaded = Fact::known(is_loaded, feature("kernel.loadedmodule"));
            }
        }
        if let Some(fields) = self.releases.get(&*node.name) {
            node.os_release = Fact::known(Arc::clone(fields), feature("system.osrelease"));
        }
    }
}

/// Nodes by label.
type Carriers<'n> = BTreeMap<&'n str, BTreeMap<&'n str, Rc<Vec<&'n str>>>>;

/// What [`subtypes`] gives, made while it is written: the text of a label names every node that carries it, which for
/// thousands of nodes is most of a snapshot.
pub(super) fn streams(nodes: &[Arc<Node>]) -> Vec<Stream<'_>> {
    let mut labels: Carriers<'_> = BTreeMap::new();
    for node in nodes {
        for (key, value) in node.labels.iter() {
            let names = labels.entry(key).or_default().entry(value).or_default();
            // Nobody else has it yet, so nothing is cloned.
            Rc::make_mut(names).push(&node.name);
        }
    }
    let label = entries(&labels);
    let [mut summary, taint] = small(nodes);
    let items = labels.values().map(BTreeMap::len).sum::<usize>();
    summary.data.insert("label-count".to_owned(), Scalar::count(items as u64));
    let items = nodes.iter().map(|node| Stream::Whole(format::item_value(&node_item::write(node))));
    let named = |name: &str| ("subtype".into(), Stream::Whole(name.into()));
    let fixed = [
        Stream::Whole(format::subtype_value(&summary)),
        Stream::Whole(format::subtype_value(&taint)),
        label_stream(labels, label),
        Stream::map([("items".into(), Stream::list(items)), named("nodes")]),
    ];
    let shared = shared(nodes).into_iter().map(|subtype| Stream::Whole(format::subtype_value(&subtype)));
    fixed.into_iter().chain(shared).collect()
}

/// `summary` without the number of labels, and `taint`.
fn small(nodes: &[Arc<Node>]) -> [Subtype; 2] {
    let mut taints: BTreeMap<&str, BTreeMap<(&str, &str), Vec<&str>>> = BTreeMap::new();
    for node in nodes {
        for Taint { key, value, effect } in &node.taints {
            taints.entry(key).or_default().entry((effect, value)).or_default().push(&node.name);
        }
    }
    let taint = taint_subtype(&taints);
    let count = |count: usize| Scalar::count(count as u64);
    let summary = BTreeMap::from([
        ("node-count".to_owned(), count(nodes.len())),
        // What folds to one entry in `data` is still two.
        ("taint-count".to_owned(), count(taint.items.len())),
    ]);
    [Subtype::of("summary", summary), taint]
}

type Entry<'n> = (Cow<'n, str>, &'n str, Rc<Vec<&'n str>>);

/// The label entries of the reference's first form, sorted; of two that read alike the last one stays.
fn entries<'n>(labels: &Carriers<'n>) -> Vec<Entry<'n>> {
    let mut entries: Vec<Entry<'n>> = Vec::new();
    for (key, values) in labels {
        for (value, names) in values {
            let entry = if values.len() == 1 { (*key).into() } else { format!("{key}.{value}").into() };
            entries.push((entry, value, Rc::clone(names)));
        }
    }
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    entries.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            std::mem::swap(next, kept);
        }
        is_same
    });
    entries
}

fn label_stream<'n>(labels: Carriers<'n>, entries: Vec<Entry<'n>>) -> Stream<'n> {
    let mut fields = Vec::new();
    if !entries.is_empty() {
        let text = |value: &str, names: &[&str]| Stream::Whole(format!("{value}|{}", names.join(",")).into());
        let data = entries.into_iter().map(move |(entry, value, names)| (entry, text(value, &names)));
        let item = |key: &str, value: &str, names: &[&str]| {
            let item = Item { context: texts(&[("key", key), ("value", value)]), data: carriers(names) };
            Stream::Whole(format::item_value(&item))
        };
        let items = labels
            .into_iter()
            .flat_map(move |(key, values)| values.into_iter().map(move |(value, names)| item(key, value, &names)));
        fields.push(("data".into(), Stream::map(data)));
        fields.push(("items".into(), Stream::list(items)));
    }
    fields.push(("subtype".into(), Stream::Whole("label".into())));
    Stream::map(fields)
}

/// The items' data: which nodes carry the entry.
fn carriers(names: &[&str]) -> BTreeMap<String, Scalar> {
    BTreeMap::from([
        ("node-count".to_owned(), Scalar::count(names.len() as u64)),
        ("node-list".to_owned(), Scalar::Text(names.join(","))),
        ("truncated".to_owned(), Scalar::Bool(false)),
    ])
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn label_subtype(labels: &BTreeMap<&str, BTreeMap<&str, Vec<&str>>>) -> Subtype {
    let mut subtype = Subtype::of("label", BTreeMap::new());
    for (key, values) in labels {
        for (value, names) in values {
            let entry = if values.len() == 1 { (*key).to_owned() } else { format!("{key}.{value}") };
            subtype.data.insert(entry, Scalar::Text(format!("{value}|{}", names.join(","))));
            subtype.items.push(Item { context: texts(&[("key", key), ("value", value)]), data: carriers(names) });
        }
    }
    subtype
}

fn taint_subtype(taints: &BTreeMap<&str, BTreeMap<(&str, &str), Vec<&str>>>) -> Subtype {
    let mut subtype = Subtype::of("taint", BTreeMap::new());
    for (key, combinations) in taints {
        for ((effect, value), names) in combinations {
            let list = names.join(",");
            let (entry, text) = match combinations.len() {
                1 => ((*key).to_owned(), format!("{effect}|{value}|{list}")),
                _ => (format!("{key}.{effect}"), format!("{value}|{list}")),
            };
            subtype.data.insert(entry, Scalar::Text(text));
            let context = texts(&[("key", key), ("value", value), ("effect", effect)]);
            subtype.items.push(Item { context, data: carriers(names) });
        }
    }
    subtype
}

/// The listed names of a node list, and how many more it does not name.
fn node_list(list: &str) -> (Vec<&str>, u64) {
    let (names, more) = match list.split_once(" (+") {
        Some((names, rest)) => (names, rest.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)),
        None => (list, 0),
    };
    (names.split(',').filter(|name| !name.is_empty()).collect(), more)
}

/// Labels and taints by node, from whichever form a file has.
#[derive(Default)]
struct Entries {
    labels: BTreeMap<Text, Vec<(Text, Text)>>,
    taints: BTreeMap<Text, Vec<Taint>>,
    /// Nodes with a GPU product that the file counts and does not name, by product.
    unnamed: BTreeMap<Text, u64>,
}

impl Entries {
    fn of(record: &Record, texts: &mut Texts) -> Entries {
        let mut entries = Entries::default();
        if let Some(labels) = record.subtype(KIND, "label") {
            entries.add_labels(labels, texts);
        }
        if let Some(taints) = record.subtype(KIND, "taint") {
            entries.add_taints(taints, texts);
        }
        entries
    }

    fn label(&mut self, key: &str, value: &str, list: &str, texts: &mut Texts) {
        let (names, more) = node_list(list);
        if key == "nvidia.com/gpu.product" && more > 0 {
            *self.unnamed.entry(texts.get(value)).or_default() += more;
        }
        let (key, value) = (texts.get(key), texts.get(value));
        for name in names {
            self.labels.entry(texts.get(name)).or_default().push((key.clone(), value.clone()));
        }
    }

    fn taint(&mut self, [key, value, effect]: [&str; 3], list: &str, texts: &mut Texts) {
        let taint = Taint { key: texts.get(key), value: texts.get(value), effect: texts.get(effect) };
        for name in node_list(list).0 {
            self.taints.entry(texts.get(name)).or_default().push(taint.clone());
        }
    }

    fn add_labels(&mut self, subtype: &Subtype, texts: &mut Texts) {
        if subtype.items.is_empty() {
            for (key, entry) in &subtype.data {
                let entry = entry.to_string();
                let Some((value, list)) = entry.split_once('|') else { continue };
                // Several values in the cluster: the value is part of the key.
                let key = key.strip_suffix(value).and_then(|key| key.strip_suffix('.')).unwrap_or(key);
                self.label(key, value, list, texts);
            }
        }
        for item in &subtype.items {
            let (Some(key), Some(value)) = (item.context.get("key"), item.context.get("value")) else { continue };
            let mut list = item.data.get("node-list").map(ToString::to_string).unwrap_or_default();
            // A list that was cut may say so by its number alone.
            let count = item.data.get("node-count").and_then(Scalar::as_count).unwrap_or_default();
            let (names, more) = node_list(&list);
            let left = count.saturating_sub(names.len() as u64);
            if more == 0 && left > 0 {
                list = format!("{list} (+{left} more)");
            }
            self.label(key, value, &list, texts);
        }
    }

    /// `key = Effect|value|nodes`, or, where a key has several, `key.Effect = value|nodes`.
    fn add_taints(&mut self, subtype: &Subtype, texts: &mut Texts) {
        if subtype.items.is_empty() {
            for (key, entry) in &subtype.data {
                let entry = entry.to_string();
                let parts: Vec<&str> = entry.splitn(3, '|').collect();
                let (key, effect, value, list) = match parts.as_slice() {
                    [effect, value, list] => (key.as_str(), *effect, *value, *list),
                    [value, list] => match key.rsplit_once('.') {
                        Some((key, effect)) => (key, effect, *value, *list),
                        None => continue,
                    },
                    _ => continue,
                };
                self.taint([key, value, effect], list, texts);
            }
        }
        for item in &subtype.items {
            let text = |key: &str| item.context.get(key).map(String::as_str).unwrap_or_default();
            let list = item.data.get("node-list").map(ToString::to_string).unwrap_or_default();
            self.taint([text("key"), text("value"), text("effect")], &list, texts);
        }
    }
}

/// The nodes of a file, sorted by name: from our items where it has them, else from label and taint entries and the
/// readings of its source node. Names that a file left out (`(+3 more)`) have no node; how many of them have a GPU,
/// by product, is the second answer.
pub(super) fn nodes(record: &Record, inventory: &Inventory) -> (Vec<Arc<Node>>, BTreeMap<Text, u64>) {
    let mut texts = Texts::default();
    let mut entries = Entries::of(record, &mut texts);
    let unheld = match inventory.source("pods") {
        Some(State::Forbidden(_)) => Unknown::Forbidden("list pods".into()),
        Some(State::Failed(reason)) => Unknown::Failed(reason.as_str().into()),
        _ => Unknown::NotAsked,
    };
    let items = record.subtype(KIND, "nodes").map_or(&[][..], |nodes| &nodes.items);
    let shared = Shared::of(record);
    let mut nodes: BTreeMap<Text, Arc<Node>> = BTreeMap::new();
    for item in items {
        let name = item.context.get("name").map(|name| texts.get(name)).unwrap_or_default();
        let labels: Labels = entries.labels.remove(&name).unwrap_or_default().into_iter().collect();
        if let Some(mut node) = node_item::read(item, node_item::NodeContext { labels, unheld: &unheld }, &mut texts) {
            shared.add_to(&mut node);
            nodes.insert(name, Arc::new(node));
        }
    }
    let unnamed = if nodes.is_empty() { std::mem::take(&mut entries.unnamed) } else { BTreeMap::new() };
    if nodes.is_empty() {
        nodes = from_entries(record, entries, &mut texts);
    }
    (nodes.into_values().collect(), unnamed)
}

fn from_entries(record: &Record, mut entries: Entries, texts: &mut Texts) -> BTreeMap<Text, Arc<Node>> {
    let source = record.reading("K8s", "node", "source-node").or(record.reading("K8s", "node", "node-name"));
    let source = source.map(ToString::to_string).or_else(|| record.metadata.get("source-node").cloned());
    let mut names: Vec<Text> = entries.labels.keys().chain(entries.taints.keys()).cloned().collect();
    names.sort();
    names.dedup();
    let node = |name: Text| {
        let is_source = source.as_deref() == Some(&*name);
        let report = NodeReport {
            labels: entries.labels.remove(&name).unwrap_or_default().into_iter().collect(),
            taints: entries.taints.remove(&name).unwrap_or_default(),
            name: name.clone(),
            ..if is_source { source_report(record, texts) } else { NodeReport::default() }
        };
        let mut node = node::of(&report, &Evidence::default());
        if is_source {
            add_source_readings(record, &mut node, texts);
        }
        (name, Arc::new(node))
    };
    names.into_iter().map(node).collect()
}

/// What a reference snapshot says of the node that its agent ran on.
fn source_report(record: &Record, texts: &mut Texts) -> NodeReport {
    let mut read = |key: &str| {
        let text = record.reading("K8s", "node", key)?.to_string();
        (!text.is_empty() && text != super::format::NULL).then(|| texts.get(&text))
    };
    NodeReport {
        provider_id: read("provider-id"),
        conditions: Vec::<Condition>::new(),
        info: NodeInfo {
            os_image: read("os-image"),
            operating_system: read("operating-system"),
            kernel: read("kernel-version"),
            kubelet: read("kubelet-version"),
            runtime: read("container-runtime-id"),
            ..NodeInfo::default()
        },
        ..NodeReport::default()
    }
}

/// Readings of the agent itself, which looked at the machine and not at labels.
fn add_source_readings(record: &Record, node: &mut Node, texts: &mut Texts) {
    let mut text = |kind: &str, subtype: &str, key: &str, field: &'static str, fact: &mut Fact<Text>| {
        let found = record.reading(kind, subtype, key).map(ToString::to_string);
        if let Some(found) = found.filter(|text| !text.is_empty() && text != super::format::NULL) {
            *fact = Fact::known(texts.get(&found), Source::of(Object::Snapshot, field));
        }
    };
    text("OS", "release", "ID", "OS.release.ID", &mut node.os.id);
    text("OS", "release", "VERSION_ID", "OS.release.VERSION_ID", &mut node.os.version);
    let gpus = &mut node.accelerators;
    text("GPU", "hardware", "model", "GPU.hardware.model", &mut gpus.model);
    text("GPU", "smi", "gpu.model", "GPU.smi.gpu.model", &mut gpus.product);
    text("GPU", "smi", "driver", "GPU.smi.driver", &mut gpus.driver);
    text("GPU", "smi", "cuda-version", "GPU.smi.cuda-version", &mut gpus.cuda);
    let source = |field: &'static str| Source::of(Object::Snapshot, field);
    if let Some(count) = record.reading("GPU", "hardware", "gpu-count").and_then(Scalar::as_count) {
        gpus.count = Fact::known(count, source("GPU.hardware.gpu-count"));
        gpus.present = Fact::known(count > 0, source("GPU.hardware.gpu-count"));
    }
    if let Some(Scalar::Bool(loaded)) = record.reading("GPU", "hardware", "driver-loaded") {
        gpus.driver_loaded = Fact::known(*loaded, source("GPU.hardware.driver-loaded"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Measurement;

    fn node(name: &str, labels: &[(&str, &str)], taints: &[[&str; 3]]) -> Arc<Node> {
        let taint = |[key, value, effect]: &[&str; 3]| Taint {
            key: (*key).into(),
            value: (*value).into(),
            effect: (*effect).into(),
        };
        let report = NodeReport {
            name: name.into(),
            labels: labels.iter().copied().collect(),
            taints: taints.iter().map(taint).collect(),
            ..NodeReport::default()
        };
        Arc::new(node::of(&report, &Evidence::default()))
    }

    fn record(subtypes: Vec<Subtype>) -> Record {
        Record { measurements: vec![Measurement { kind: KIND.into(), subtypes }], ..Record::default() }
    }

    #[test]
    fn nodes_survive_the_file() {
        let written = vec![
            node("a", &[("gpu", "h100"), ("zone", "1")], &[["gpu", "present", "NoSchedule"]]),
            node("b", &[("zone", "2")], &[["gpu", "", "NoExecute"]]),
        ];
        let subtypes = subtypes(&written);
        let entries = |name: &str| {
            let subtype = subtypes.iter().find(|subtype| subtype.name == name).expect("it is written");
            subtype.data.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(entries("label"), ["gpu=h100|a", "zone.1=1|a", "zone.2=2|b"]);
        assert_eq!(entries("taint"), ["gpu.NoExecute=|b", "gpu.NoSchedule=present|a"]);
        assert_eq!(entries("summary"), ["label-count=3", "node-count=2", "taint-count=2"]);
        assert_eq!(nodes(&record(subtypes), &Inventory::default()).0, written);
    }

    #[test]
    fn what_was_read_on_each_node_survives_and_is_written_once() {
        let read = |name: &str, module: &str, codename: &str| {
            let features = node::Features {
                modules: Some(Arc::new([module.to_owned(), "overlay".to_owned()].into())),
                os_release: Arc::new([("VERSION_CODENAME".to_owned(), codename.to_owned())].into()),
                ..node::Features::default()
            };
            let report = NodeReport { name: name.into(), ..NodeReport::default() };
            Arc::new(node::of(&report, &Evidence { features: Some(&features), ..Evidence::default() }))
        };
        let written = vec![read("a", "nvidia", "noble"), read("b", "nvidia", "noble"), read("c", "ib_core", "jammy")];
        let subtypes = subtypes(&written);
        let items =
            |name: &str| subtypes.iter().find(|subtype| subtype.name == name).map(|subtype| subtype.items.len());
        assert_eq!((items(MODULES), items(OS_RELEASE)), (Some(2), Some(2)));
        assert_eq!(nodes(&record(subtypes), &Inventory::default()).0, written);
    }

    #[test]
    fn nodes_that_a_list_leaves_out_are_counted_by_product() {
        let item = |value: &str, count: u64, list: &str| Item {
            context: texts(&[("key", "nvidia.com/gpu.product"), ("value", value)]),
            data: BTreeMap::from([
                ("node-count".to_owned(), Scalar::count(count)),
                ("node-list".to_owned(), Scalar::Text(list.to_owned())),
            ]),
        };
        let items = vec![item("H100", 4500, "n1 (+4499 more)"), item("A100", 3, "z1,z2,z3"), item("L40S", 4, "y1")];
        let labels = Subtype { name: "label".to_owned(), items, ..Subtype::default() };
        let (_, unnamed) = nodes(&record(vec![labels]), &Inventory::default());
        let shown: Vec<String> = unnamed.iter().map(|(product, count)| format!("{product} {count}")).collect();
        assert_eq!(shown, ["H100 4499", "L40S 3"]);
    }

    #[test]
    fn items_are_believed_before_entries_that_fold_two_labels_into_one() {
        // `a` = `b.c` and `a.b` = `c` have the same entry.
        let written = vec![node("n", &[("a", "b.c"), ("a.b", "c")], &[]), node("o", &[("a", "d"), ("a.b", "e")], &[])];
        let subtypes = subtypes(&written);
        let folded = subtypes.iter().find(|subtype| subtype.name == "label").expect("it is written");
        assert_eq!((folded.data.len(), folded.items.len()), (3, 4));
        assert_eq!(nodes(&record(subtypes), &Inventory::default()).0, written);
    }

    #[test]
    fn a_reference_file_has_nodes_by_entry() {
        let text = |text: &str| Scalar::Text(text.to_owned());
        let label = BTreeMap::from([("zone.1".to_owned(), text("1|a,b (+3 more)")), ("os".to_owned(), text("x|a"))]);
        let taint = BTreeMap::from([("gpu".to_owned(), text("NoSchedule|present|b"))]);
        let (found, _) =
            nodes(&record(vec![Subtype::of("label", label), Subtype::of("taint", taint)]), &Inventory::default());
        let shown: Vec<String> =
            found.iter().map(|node| format!("{} {} {:?}", node.name, node.labels.len(), node.taints)).collect();
        assert_eq!(shown.len(), 2);
        assert!(shown[0].starts_with("a 2 []") && shown[1].starts_with("b 1 [Taint"), "{shown:?}");
        assert_eq!(node_list("n1,n2 (+3 more)"), (vec!["n1", "n2"], 3));
        assert_eq!(node_list(""), (vec![], 0));
    }
}
