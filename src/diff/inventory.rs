//! Two inventories side by side, reading by reading and node by node.
//!
//! Readings are compared in their textual form, as the reference does, so that `true` and `"true"` are equal. Nodes are
//! compared as nodes, with their labels and taints: in the file, one node more changes every entry that nodes share.
//! What one side could not read is one change of `K8s.collection`; it is not something that was removed.

use super::{Change, ChangeKind, node_path, noise, replaced};
use crate::{
    inventory::{Inventory, Node, Scalar, State, Subtype, source_of},
    snapshot::{self, path::TYPES},
    text,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    iter::Peekable,
    sync::Arc,
};

type Texts = BTreeMap<String, String>;

/// What is compared of an inventory, but for its nodes: small enough to be kept beside each snapshot of thousands of nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    tables: Vec<Table>,
    /// What each source came to.
    sources: Texts,
    /// Of the sources, those that could not be read.
    gaps: BTreeSet<String>,
    /// Whether nodes could be read.
    has_nodes: bool,
    /// How many nodes belong to it.
    pub nodes: usize,
}

/// One subtype of a measurement as texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Table {
    kind: String,
    name: String,
    texts: Texts,
    items: Vec<Texts>,
}

/// One node as texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeBaseline {
    name: String,
    texts: Texts,
}

impl NodeBaseline {
    /// Every node of an inventory, in the order of the names, as [`compare_kept`] wants them.
    pub fn all(inventory: &Inventory) -> impl Iterator<Item = NodeBaseline> {
        by_name(inventory).map(|node| NodeBaseline { name: node.name.to_string(), texts: node_texts(node) })
    }
}

impl Baseline {
    /// What is compared of this inventory. Its nodes are compared one by one: see [`NodeBaseline`].
    pub fn of(inventory: &Inventory) -> Baseline {
        let record = snapshot::record_but_nodes(inventory);
        let mut tables: Vec<Table> = Vec::new();
        for measurement in &record.measurements {
            let kind = &measurement.kind;
            // Only the first measurement of a type is read.
            if tables.iter().any(|table| table.kind == *kind) {
                continue;
            }
            // Of two subtypes of one name the last one is meant.
            let subtypes: BTreeMap<&String, &Subtype> =
                measurement.subtypes.iter().map(|subtype| (&subtype.name, subtype)).collect();
            tables.extend(subtypes.into_values().map(|subtype| Table {
                kind: kind.clone(),
                name: subtype.name.clone(),
                texts: texts(&subtype.context, &subtype.data),
                items: subtype.items.iter().map(|item| texts(&item.context, &item.data)).collect(),
            }));
        }
        let said = |state: &State| state.brief().unwrap_or_else(|| state.word().to_owned());
        Baseline {
            tables,
            sources: inventory.sources.iter().map(|source| (source.name.clone(), said(&source.state))).collect(),
            gaps: inventory.gaps().map(|(name, _)| name.to_owned()).collect(),
            has_nodes: inventory.no_nodes().is_none(),
            nodes: by_name(inventory).count(),
        }
    }
}

impl Baseline {
    fn tables_of(&self, kind: &str) -> BTreeMap<&str, &Table> {
        self.tables.iter().filter(|table| table.kind == kind).map(|table| (table.name.as_str(), table)).collect()
    }
}

/// A node on one side.
enum Side {
    Shared(Arc<Node>),
    Kept(NodeBaseline),
}

impl Side {
    fn name(&self) -> &str {
        match self {
            Side::Shared(node) => &node.name,
            Side::Kept(baseline) => &baseline.name,
        }
    }

    fn into_texts(self) -> Texts {
        match self {
            Side::Shared(node) => node_texts(&node),
            Side::Kept(baseline) => baseline.texts,
        }
    }
}

/// Nodes in the order of their names.
fn by_name(inventory: &Inventory) -> impl Iterator<Item = &Arc<Node>> {
    inventory.nodes.iter().map(|node| (&*node.name, node)).collect::<BTreeMap<_, _>>().into_values()
}

fn sides(inventory: &Inventory) -> impl Iterator<Item = Side> {
    by_name(inventory).map(|node| Side::Shared(Arc::clone(node)))
}

/// Changes from left to right: measurements in type order, readings by path, then nodes as a person counts them; a node that took the place of
/// another is one change.
pub fn compare(left: &Inventory, right: &Inventory) -> Vec<Change> {
    compare_baselines((&Baseline::of(left), sides(left)), (&Baseline::of(right), sides(right)))
}

/// As [`compare`], where of the left side only what is compared was kept: its nodes in the order of their names.
pub fn compare_kept(left: &Baseline, nodes: impl Iterator<Item = NodeBaseline>, right: &Inventory) -> Vec<Change> {
    compare_baselines((left, nodes.map(Side::Kept)), (&Baseline::of(right), sides(right)))
}

fn compare_baselines(
    left: (&Baseline, impl Iterator<Item = Side>),
    right: (&Baseline, impl Iterator<Item = Side>),
) -> Vec<Change> {
    let ((left, left_nodes), (right, right_nodes)) = (left, right);
    let mut changes = Vec::new();
    let none = Table::default();
    for kind in kinds(left, right) {
        let (before, after) = (left.tables_of(kind), right.tables_of(kind));
        let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        for name in names {
            let (before, after) =
                (before.get(name).copied().unwrap_or(&none), after.get(name).copied().unwrap_or(&none));
            // What was read before a source was lost is still compared.
            let unread = |side: &Baseline, table: &Table| {
                let is_empty = table.texts.is_empty() && table.items.is_empty();
                is_empty && source_of(kind, name).is_some_and(|source| side.gaps.contains(source))
            };
            if !unread(left, before) && !unread(right, after) {
                let path = format!("{kind}.{name}");
                changes.extend(pairs(&before.texts, &after.texts, |key| format!("{path}.{key}")));
                // Releases are in the table by name, and once more as items, of which two can have one name.
                if (kind, name) != ("K8s", "helm") || !(before.is_by_name() && after.is_by_name()) {
                    compare_items(&path, &before.items, &after.items, &mut changes);
                }
            }
        }
    }
    if left.has_nodes && right.has_nodes {
        let unread = unread_of_nodes(left, right);
        let mut of_nodes = Vec::new();
        compare_nodes(left_nodes.peekable(), right_nodes.peekable(), &unread, &mut of_nodes);
        replaced::pair(&mut of_nodes);
        // They are met in the order of their letters, and listed as a person counts them.
        of_nodes.sort_by(|left, right| text::by_name(node_of(left), node_of(right)));
        changes.append(&mut of_nodes);
    }
    for change in &mut changes {
        change.noise = noise::rule(&change.path).map(|rule| rule.name);
    }
    compare_sources(left, right, &mut changes);
    changes
}

/// Sources that one side could not read: never noise, and with the permission that is missing.
fn compare_sources(left: &Baseline, right: &Baseline, changes: &mut Vec<Change>) {
    for name in left.gaps.union(&right.gaps) {
        let path = format!("K8s.collection.{name}");
        let said = |baseline: &Baseline| baseline.sources.get(name).map(|said| Value::from(said.as_str()));
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

fn kinds<'b>(left: &'b Baseline, right: &'b Baseline) -> Vec<&'b str> {
    let all: BTreeSet<&str> = left.tables.iter().chain(&right.tables).map(|table| table.kind.as_str()).collect();
    let other = all.iter().copied().filter(|kind| !TYPES.contains(kind));
    TYPES.iter().copied().filter(|kind| all.contains(kind)).chain(other).collect()
}

impl Table {
    /// Whether its texts say everything that its items say: no two items have one name.
    fn is_by_name(&self) -> bool {
        let names: BTreeSet<_> = self.items.iter().map(|item| item.get("name")).collect();
        names.len() == self.items.len() && (self.items.is_empty() || !self.texts.is_empty())
    }
}

/// Items by what they are called, those without a name by their place. The path has the place on the right, else on the left.
fn compare_items(path: &str, left: &[Texts], right: &[Texts], changes: &mut Vec<Change>) {
    let (left, right) = (identities(left), identities(right));
    let none = Texts::new();
    let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
    for key in keys {
        let (before, after) = (left.get(key), right.get(key));
        let index = after.or(before).map_or(0, |(index, _)| *index);
        let [before, after] = [before, after].map(|side| side.map_or(&none, |(_, texts)| *texts));
        changes.extend(pairs(before, after, |key| format!("{path}[{index}].{key}")));
    }
}

type Identity<'t> = (Option<&'t String>, Option<&'t String>, usize);

/// Each item with its place, by name, namespace, and place among those that have both.
fn identities(items: &[Texts]) -> BTreeMap<Identity<'_>, (usize, &Texts)> {
    let mut found = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let (name, namespace) = (item.get("name"), item.get("namespace"));
        let taken = |nth: &usize| found.contains_key(&(name, namespace, *nth));
        let nth = (0..).find(|nth| !taken(nth)).unwrap_or(index);
        found.insert((name, namespace, nth), (index, item));
    }
    found
}

fn texts(context: &Texts, data: &BTreeMap<String, Scalar>) -> Texts {
    let context = context.iter().map(|(key, text)| (key.clone(), text.clone()));
    context.chain(data.iter().map(|(key, reading)| (key.clone(), reading.to_string()))).collect()
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

/// The node that a change is of.
fn node_of(change: &Change) -> &str {
    node_path::node_of(&change.path).unwrap_or_default()
}

/// Compares nodes that come in the order of their names, one at a time.
fn compare_nodes(
    mut left: Peekable<impl Iterator<Item = Side>>,
    mut right: Peekable<impl Iterator<Item = Side>>,
    unread: &[&str],
    changes: &mut Vec<Change>,
) {
    let is_read = |key: &str| unread.iter().all(|prefix| !key.starts_with(prefix));
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(before), Some(after)) => before.name().cmp(after.name()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let before = if order.is_le() { left.next() } else { None };
        let after = if order.is_ge() { right.next() } else { None };
        match (before, after) {
            (Some(Side::Shared(before)), Some(Side::Shared(after))) if Arc::ptr_eq(&before, &after) => {}
            (Some(before), Some(after)) => {
                let name = before.name().to_owned();
                let texts =
                    |side: Side| -> Texts { side.into_texts().into_iter().filter(|(key, _)| is_read(key)).collect() };
                changes.extend(pairs(&texts(before), &texts(after), |key| node_path::reading(&name, key)));
            }
            (Some(one), None) | (None, Some(one)) => {
                let path = node_path::whole(one.name());
                let texts = Some(json!(one.into_texts()));
                let (kind, left, right) = match order {
                    Ordering::Less => (ChangeKind::Removed, texts, None),
                    _ => (ChangeKind::Added, None, texts),
                };
                changes.push(Change { kind, path, left, right, cause: String::new(), noise: None });
            }
            (None, None) => return,
        }
    }
}

/// Beginnings of what is compared of a node that one side could not read, because other objects say it.
fn unread_of_nodes(left: &Baseline, right: &Baseline) -> Vec<&'static str> {
    let of_source: [(&str, &[&str]); 4] = [
        ("pods", &["held."]),
        ("claims", &["held-devices."]),
        ("slices", &["devices.", "held-devices.", "gpu-"]),
        ("features", &["gpu-"]),
    ];
    let is_unread = |source: &str| left.gaps.contains(source) || right.gaps.contains(source);
    of_source.into_iter().filter(|(source, _)| is_unread(source)).flat_map(|(_, keys)| keys).copied().collect()
}

/// What is compared of a node, by name.
pub fn node_texts(node: &Node) -> Texts {
    let gpus = &node.accelerators;
    let mut texts: BTreeMap<String, String> =
        FACTS.iter().filter_map(|name| Some(((*name).to_owned(), node_text(node, name)?))).collect();
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

/// What is told of every node, by the names of [`node_text`].
const FACTS: [&str; 14] = [
    "ready",
    "schedulable",
    "conditions",
    "providerID",
    "service",
    "osImage",
    "kernel",
    "kubelet",
    "runtime",
    "gpu-product",
    "gpu-count",
    "gpu-driver",
    "gpu-division",
    "taints",
];

/// One of the facts of a node as [`node_texts`] has it; `None` where it is not known, and for every other name.
pub fn node_text(node: &Node, name: &str) -> Option<String> {
    let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
    let text = |fact: &crate::inventory::Fact<crate::inventory::Text>| fact.text().map(str::to_owned);
    let joined = |all: Vec<String>| (!all.is_empty()).then(|| all.join(","));
    let gpus = &node.accelerators;
    match name {
        "ready" => flag(node.ready.get()),
        "schedulable" => flag(node.schedulable.get()),
        "conditions" => {
            joined(node.troubles().map(|condition| format!("{}={}", condition.kind, condition.status)).collect())
        }
        "providerID" => text(&node.provider_id),
        "service" => text(&node.service),
        "osImage" => text(&node.os.image),
        "kernel" => text(&node.kernel),
        "kubelet" => text(&node.kubelet),
        "runtime" => text(&node.runtime),
        "gpu-product" => text(&gpus.product),
        "gpu-count" => gpus.count.get().map(|count| count.to_string()),
        "gpu-driver" => text(&gpus.driver),
        "gpu-division" => Some(gpus.division()).filter(|division| !division.is_empty()),
        "taints" => joined(node.taints.iter().map(ToString::to_string).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        Fact, Measurement, Object, Scalar, Source, SourceState, State,
        node::{self, Evidence, NodeInfo, NodeReport},
        release::{Release, ServerVersion},
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
        let changes = compare(left, right);
        assert_eq!(compare_kept(&written(&Baseline::of(left)), kept_nodes(left), right), changes, "from what was kept");
        changes.iter().map(line).collect()
    }

    /// Releases by name and namespace, as the collector writes them: a table by name, and items.
    fn with_releases(releases: &[(&str, &str)]) -> Inventory {
        let mut cluster = cluster("v1.33.5", &[]);
        let facts = |name: &str, namespace: &str| Release {
            name: name.into(),
            namespace: Some(namespace.into()),
            chart: Some(name.into()),
            version: Some("1.0.0".into()),
            ..Release::default()
        };
        let releases = releases.iter().map(|(name, namespace)| facts(name, namespace)).collect();
        cluster.releases = Fact::known(releases, Source::of(Object::Server, "/version"));
        cluster
    }

    #[test]
    fn one_more_release_of_a_known_name_is_the_only_change() {
        let before = with_releases(&[("gpu-operator", "gpu"), ("kueue", "team-a")]);
        let after = with_releases(&[("gpu-operator", "gpu"), ("kueue", "team-a"), ("kueue", "team-b")]);
        let changes = shown(&before, &after);
        assert!(
            !changes.is_empty() && changes.iter().all(|change| !change.contains("[0]") && !change.contains("[1]")),
            "{changes:?}"
        );
        assert_eq!(shown(&after, &after), [""; 0]);
    }

    /// Written to a file and read again.
    fn written<T: Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
        serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
    }

    fn kept_nodes(inventory: &Inventory) -> impl Iterator<Item = NodeBaseline> {
        NodeBaseline::all(inventory).map(|node| written(&node))
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
    fn a_node_in_the_place_of_another_is_one_change() {
        let cluster = |names: &[&str], kernel: &str| {
            let node = |name: &&str| {
                let report = NodeReport {
                    name: (*name).into(),
                    info: NodeInfo { kernel: Some(kernel.into()), ..NodeInfo::default() },
                    labels: [("node.kubernetes.io/instance-type", "p5.48xlarge")].into_iter().collect(),
                    ..NodeReport::default()
                };
                Arc::new(node::of(&report, &Evidence::default()))
            };
            Inventory { nodes: names.iter().map(node).collect(), ..cluster("v1.34.0", &[]) }
        };
        let of_nodes = |before: &Inventory, after: &Inventory| -> Vec<String> {
            // What is kept of a snapshot says the same.
            assert!(!shown(before, after).is_empty());
            let changes = compare(before, after).into_iter().filter(|change| node_path::parse(&change.path).is_some());
            changes.map(|change| format!("{}{} {}", change.kind.sign(), change.path, change.cause)).collect()
        };
        let (before, after) = (cluster(&["a", "b"], "6.8"), cluster(&["b", "c"], "6.8"));
        assert_eq!(of_nodes(&before, &after), ["~node[c] replaces a, same shape"]);
        let (before, after) = (cluster(&["a"], "6.8"), cluster(&["c"], "6.9"));
        assert_eq!(of_nodes(&before, &after), ["~node[c] replaces a, same hardware"]);
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
