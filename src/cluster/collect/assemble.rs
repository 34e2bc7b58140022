//! Parts → Inventory, one node at a time.
//!
//! A node is derived again when something that speaks of it changed, and shared with the inventories before it when
//! nothing did. So a change of one node of thousands costs one node.

use super::{super::turn::Turn, ALL, Parts, images, node_selector::NodeSelector};
use crate::{
    cluster::decode::pod::Pod,
    inventory::{
        About, Fact, Inventory, Node, Object, Source, SourceState, State, Text, Unknown,
        node::{self, Device, Evidence, NodeReport},
        release,
    },
    text,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// What is known, and what was derived from it.
#[derive(Default)]
pub struct Assembler {
    parts: Parts,
    nodes: BTreeMap<Text, Arc<Node>>,
    /// What pods hold, by node.
    held: HashMap<Text, BTreeMap<Text, u64>>,
    images: Arc<BTreeMap<String, String>>,
    image_versions: Arc<BTreeMap<String, Vec<String>>>,
    stale: Stale,
    stale_images: bool,
}

/// Nodes that must be derived again.
enum Stale {
    Some(HashSet<Text>),
    All,
}

impl Default for Stale {
    fn default() -> Stale {
        Stale::Some(HashSet::new())
    }
}

impl Stale {
    fn add(&mut self, name: Text) {
        if let Stale::Some(names) = self {
            names.insert(name);
        }
    }
}

impl Assembler {
    /// What is known.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Takes what a source answered. After a failure its last good part stays.
    pub fn take(&mut self, source: &'static str, answer: Result<super::Update, crate::cluster::ClusterError>) {
        self.parts.take(source, answer);
        match source {
            super::nodes::NAME => self.stale = Stale::All,
            super::pods::NAME => self.count_pods(),
            _ if super::concerns_nodes(source) => self.stale = Stale::All,
            _ => {}
        }
    }

    /// The list of nodes or pods has been put whole: what it does not name exists no longer.
    pub fn listed(&mut self, source: &'static str, names: &HashSet<Text>) {
        let was_read = self.parts.states.get(source) == Some(&State::Ok);
        self.parts.take(source, Ok(Box::new(|_| ())));
        if source == super::nodes::NAME {
            self.parts.reports.retain(|name, _| names.contains(name));
            self.nodes.retain(|name, _| names.contains(name));
            return;
        }
        let vanished: Vec<Text> = self.parts.pods.keys().filter(|name| !names.contains(*name)).cloned().collect();
        for name in vanished {
            self.remove_pod(&name);
        }
        // What pods hold was unknown, and is known now.
        if !was_read {
            self.stale = Stale::All;
        }
    }

    fn count_pods(&mut self) {
        self.held.clear();
        for pod in self.parts.pods.values() {
            add(&mut self.held, pod);
        }
        self.stale = Stale::All;
        self.stale_images = true;
    }

    /// Takes a node; says whether anything that is kept of it changed. Heartbeats change nothing.
    pub fn put_node(&mut self, report: NodeReport) -> bool {
        if self.parts.reports.get(&report.name) == Some(&report) {
            return false;
        }
        self.stale.add(report.name.clone());
        self.parts.reports.insert(report.name.clone(), report);
        true
    }

    /// Forgets a node; says whether it was known.
    pub fn remove_node(&mut self, name: &str) -> bool {
        self.nodes.remove(name);
        self.parts.reports.remove(name).is_some()
    }

    /// Takes a pod; says whether anything that is kept of it changed.
    pub fn put_pod(&mut self, pod: Pod) -> bool {
        let known = self.parts.pods.get(&pod.name);
        if known == Some(&pod) {
            return false;
        }
        self.stale_images |= known.is_none_or(|known| (known.has_ended, &known.images) != (pod.has_ended, &pod.images));
        if let Some(known) = known.cloned() {
            self.give_back(&known);
        }
        add(&mut self.held, &pod);
        if let (Some(node), false) = (&pod.node, pod.holds.is_empty()) {
            self.stale.add(node.clone());
        }
        self.parts.pods.insert(pod.name.clone(), pod);
        true
    }

    /// Forgets a pod; says whether it was known.
    pub fn remove_pod(&mut self, name: &str) -> bool {
        let Some(pod) = self.parts.pods.remove(name) else { return false };
        self.give_back(&pod);
        self.stale_images = true;
        true
    }

    fn give_back(&mut self, pod: &Pod) {
        let Some(node) = &pod.node else { return };
        if pod.holds.is_empty() {
            return;
        }
        self.stale.add(node.clone());
        let Some(held) = self.held.get_mut(node) else { return };
        for (name, count) in &pod.holds {
            if let Some(total) = held.get_mut(name) {
                *total = total.saturating_sub(*count);
            }
        }
    }

    /// The inventory of what is known. `now` is RFC 3339.
    pub fn inventory(&mut self, context: &str, now: &str) -> Inventory {
        self.derive_nodes();
        if std::mem::take(&mut self.stale_images) {
            self.images = Arc::new(images_of(&self.parts));
            self.image_versions = Arc::new(image_versions(&self.parts));
        }
        let parts = &self.parts;
        let has_releases = ["helm", "workloads"].iter().any(|source| parts.states.get(source) == Some(&State::Ok));
        let releases = has_releases.then(|| release::releases(&parts.workloads, &parts.records));
        let server = parts.server.clone();
        Inventory {
            about: About {
                taken_at: now.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                context: context.to_owned(),
                cluster_uid: parts.identity.clone(),
            },
            server: Fact::or(server, Source::of(Object::Server, "/version"), missing(parts, "version", "get /version")),
            nodes: self.nodes.values().cloned().collect(),
            images: Arc::clone(&self.images),
            image_versions: Arc::clone(&self.image_versions),
            policy: parts.policies.iter().flat_map(|policy| policy.settings.clone()).collect(),
            releases: Fact::or(releases, Source::of(Object::Server, "secrets"), missing(parts, "helm", "list secrets")),
            workloads: parts.workloads.clone(),
            sources: ALL
                .iter()
                .filter_map(|source| {
                    let state = parts.states.get(source.name)?.clone();
                    Some(SourceState { name: source.name.to_owned(), state })
                })
                .collect(),
            readings: parts.readings.values().flatten().cloned().collect(),
            ..Inventory::default()
        }
    }

    fn derive_nodes(&mut self) {
        let stale = std::mem::take(&mut self.stale);
        let names: Vec<Text> = match stale {
            Stale::Some(names) => names.into_iter().collect(),
            Stale::All => {
                let reports = &self.parts.reports;
                self.nodes.retain(|name, _| reports.contains_key(name));
                reports.keys().cloned().collect()
            }
        };
        if names.is_empty() {
            return;
        }
        let sources = NodeSources::of(&self.parts, &self.held);
        let mut turn = Turn::default();
        for name in names {
            turn.piece_done();
            let Some(report) = self.parts.reports.get(&name) else { continue };
            let node = node::of(report, &sources.evidence(&name));
            // An equal node stays the same one, so that who compares inventories sees at once that nothing changed.
            if self.nodes.get(&name).is_none_or(|known| **known != node) {
                self.nodes.insert(name, Arc::new(node));
            }
        }
    }
}

fn add(held: &mut HashMap<Text, BTreeMap<Text, u64>>, pod: &Pod) {
    let Some(node) = pod.node.as_ref().filter(|_| !pod.holds.is_empty()) else { return };
    let by_name = held.entry(node.clone()).or_default();
    for (name, count) in &pod.holds {
        *by_name.entry(name.clone()).or_default() += count;
    }
}

/// Why a part is missing.
fn missing(parts: &Parts, source: &str, needs: &str) -> Unknown {
    match parts.states.get(source) {
        Some(State::Forbidden(_)) => Unknown::Forbidden(needs.into()),
        Some(State::Failed(reason)) => Unknown::Failed(reason.as_str().into()),
        Some(State::NotServed) => Unknown::NotInstalled("the API"),
        Some(State::Ok) | None => Unknown::NotAsked,
    }
}

/// Everything that other objects say of nodes, by node.
struct NodeSources<'p> {
    parts: &'p Parts,
    devices: HashMap<&'p str, Vec<&'p Device>>,
    allocated: HashMap<&'p str, BTreeMap<String, u64>>,
    held: &'p HashMap<Text, BTreeMap<Text, u64>>,
    none_held: BTreeMap<Text, u64>,
    none_allocated: BTreeMap<String, u64>,
}

impl<'p> NodeSources<'p> {
    fn of(parts: &'p Parts, held: &'p HashMap<Text, BTreeMap<Text, u64>>) -> NodeSources<'p> {
        let mut devices: HashMap<&str, Vec<&Device>> = HashMap::new();
        let mut allocated: HashMap<&str, BTreeMap<String, u64>> = HashMap::new();
        let named = parts.devices.iter().map(|device| (device.node.as_str(), device));
        let described =
            parts.described_devices.iter().filter_map(|(selector, device)| Some((only(parts, selector)?, device)));
        for (node, device) in named.chain(described) {
            devices.entry(node).or_default().push(device);
            let key = (device.driver.clone(), device.pool.clone(), device.name.clone());
            if parts.allocations.contains(&key) {
                *allocated.entry(node).or_default().entry(device.driver.clone()).or_default() += 1;
            }
        }
        NodeSources { parts, devices, allocated, held, none_held: BTreeMap::new(), none_allocated: BTreeMap::new() }
    }

    fn evidence(&self, name: &Text) -> Evidence<'_> {
        let was_read = |source: &str| self.parts.states.get(source) == Some(&State::Ok);
        let held = self.held.get(name).unwrap_or(&self.none_held);
        let allocated = self.allocated.get(&**name).unwrap_or(&self.none_allocated);
        Evidence {
            features: self.parts.features.get(&**name),
            devices: self.devices.get(&**name).cloned().unwrap_or_default(),
            held: if was_read("pods") { Ok(held) } else { Err(missing(self.parts, "pods", "list pods")) },
            allocated: if was_read("claims") {
                Ok(allocated)
            } else {
                Err(missing(self.parts, "claims", "list resourceclaims.resource.k8s.io"))
            },
        }
    }
}

/// The one node that a selector means. A device that several nodes can use is in none of them.
fn only<'p>(parts: &'p Parts, selector: &NodeSelector) -> Option<&'p str> {
    if let Some(name) = selector.name() {
        return parts.reports.get_key_value(name).map(|(name, _)| &**name);
    }
    let mut meant = parts.reports.values().filter(|report| selector.means(report));
    meant.next().filter(|_| meant.next().is_none()).map(|report| &*report.name)
}

fn images_of(parts: &Parts) -> BTreeMap<String, String> {
    // Of two versions of one image the one of the later pod by name stays, as with the reference; a pod that has ended speaks
    // only of what no other runs.
    let (ended, running): (Vec<&Pod>, Vec<&Pod>) = parts.pods.values().partition(|pod| pod.has_ended);
    let references = ended.into_iter().chain(running).flat_map(|pod| &pod.images);
    references
        .map(|reference| images::short(reference))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, tag)| (name.to_owned(), tag.to_owned()))
        .collect()
}

/// Every version of the images that run in more than one: in the middle of an upgrade, or where two projects call an image alike.
/// A pod that has ended is not running what it ran.
fn image_versions(parts: &Parts) -> BTreeMap<String, Vec<String>> {
    let mut tags: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for reference in parts.pods.values().filter(|pod| !pod.has_ended).flat_map(|pod| &pod.images) {
        let (name, tag) = images::short(reference);
        tags.entry(name).or_default().insert(tag);
    }
    let several = tags.into_iter().filter(|(name, tags)| !name.is_empty() && tags.len() > 1);
    several
        .map(|(name, tags)| {
            let mut tags: Vec<String> = tags.into_iter().map(str::to_owned).collect();
            tags.sort_by(|a, b| text::natural(a, b));
            (name.to_owned(), tags)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{ClusterError, ClusterErrorKind, collect::Update};

    fn report(name: &str, gpus: u64) -> NodeReport {
        let resources = if gpus == 0 { Vec::new() } else { vec![("nvidia.com/gpu".into(), gpus)] };
        NodeReport { name: name.into(), capacity: resources.clone(), allocatable: resources, ..NodeReport::default() }
    }

    fn pod(name: &str, node: &str, image: &str, gpus: u64) -> Pod {
        Pod {
            name: name.into(),
            node: Some(node.into()),
            images: vec![image.into()],
            has_ended: false,
            holds: vec![("nvidia.com/gpu".into(), gpus)],
        }
    }

    fn update(change: impl FnOnce(&mut Parts) + Send + 'static) -> Result<Update, ClusterError> {
        Ok(Box::new(change))
    }

    fn assembler() -> Assembler {
        let mut assembler = Assembler::default();
        let reports = ["a", "b", "c"].map(|name| (Text::from(name), report(name, if name == "c" { 8 } else { 0 })));
        assembler.take("nodes", update(|parts| parts.reports = reports.into_iter().collect()));
        let pods = [pod("ml/p", "c", "r.io/x/train:1", 3)].map(|pod| (pod.name.clone(), pod));
        assembler.take("pods", update(|parts| parts.pods = pods.into_iter().collect()));
        assembler
    }

    fn free(inventory: &Inventory) -> Option<(Option<u64>, u64)> {
        inventory.node("c").and_then(|node| node.accelerators.free())
    }

    #[test]
    fn a_change_of_one_node_leaves_the_others_as_they_are() {
        let mut assembler = assembler();
        let before = assembler.inventory("test", "");
        assert!(assembler.put_node(NodeReport { unschedulable: Some(true), ..report("b", 0) }));
        assert!(!assembler.put_node(report("a", 0)), "nothing of it changed");
        let after = assembler.inventory("test", "");
        let same = |name: &str| Arc::ptr_eq(before.node(name).expect("known"), after.node(name).expect("known"));
        assert_eq!(["a", "b", "c"].map(same), [true, false, true]);
        assert!(assembler.remove_node("a") && !assembler.remove_node("a"));
        assert_eq!(assembler.inventory("test", "").nodes.len(), 2);
    }

    #[test]
    fn devices_that_pods_hold_follow_the_pods() {
        let mut assembler = assembler();
        let inventory = assembler.inventory("test", "");
        assert_eq!((free(&inventory), inventory.images["train"].as_str()), (Some((Some(5), 8)), "1"));
        assembler.put_pod(pod("ml/q", "c", "r.io/x/train:2", 4));
        assembler.put_pod(pod("ml/p", "c", "r.io/x/train:1", 1));
        assert_eq!(free(&assembler.inventory("test", "")), Some((Some(3), 8)));
        assert!(assembler.remove_pod("ml/q"));
        assert_eq!(free(&assembler.inventory("test", "")), Some((Some(7), 8)));
        // A relist counts from nothing.
        assembler.take("pods", update(|parts| parts.pods.clear()));
        assert_eq!(free(&assembler.inventory("test", "")), Some((Some(8), 8)));
    }

    #[test]
    fn a_device_is_of_the_one_node_that_its_selector_means() {
        let mut assembler = assembler();
        let of = |names: &[&str]| -> NodeSelector {
            let requirement = serde_json::json!({"key": "metadata.name", "operator": "In", "values": names});
            serde_json::from_value(serde_json::json!({"nodeSelectorTerms": [{"matchFields": [requirement]}]}))
                .expect("a selector")
        };
        let device = |name: &str| Device {
            driver: "gpu.nvidia.com".into(),
            pool: "p".into(),
            name: name.into(),
            attributes: BTreeMap::from([("productName".into(), "NVIDIA A100".into())]),
            ..Device::default()
        };
        let described =
            vec![(of(&["a"]), device("gpu-0")), (of(&["b", "c"]), device("gpu-1")), (of(&["x"]), device("gpu-2"))];
        assembler.take("slices", update(|parts| parts.described_devices = described));
        let inventory = assembler.inventory("test", "");
        let devices = |name: &str| {
            inventory.node(name).expect("known").accelerators.pools.iter().map(|pool| pool.devices).sum::<u64>()
        };
        assert_eq!(["a", "b", "c"].map(devices), [1, 0, 0]);
    }

    #[test]
    fn every_version_of_an_image_that_runs_is_known() {
        let mut assembler = assembler();
        let tags = |assembler: &mut Assembler| {
            assembler.inventory("test", "").tags("train").map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(tags(&mut assembler), ["1"]);
        for (name, image) in [("ml/q", "r.io/x/train:10"), ("ml/r", "other.io/train:2"), ("ml/s", "r.io/x/train:10")] {
            assembler.put_pod(pod(name, "c", image, 0));
        }
        assert_eq!(tags(&mut assembler), ["1", "2", "10"]);
        assembler.put_pod(Pod { has_ended: true, ..pod("ml/p", "c", "r.io/x/train:1", 0) });
        assert_eq!(tags(&mut assembler), ["2", "10"], "a pod that has ended does not run its image");
        assembler.remove_pod("ml/r");
        assert_eq!(tags(&mut assembler), ["10"], "nor is it the one version, whatever its name");
        assembler.put_pod(Pod { has_ended: true, ..pod("ml/z", "c", "r.io/x/train:3", 0) });
        assert_eq!(tags(&mut assembler), ["10"]);
        assert!(assembler.inventory("test", "").image_versions.is_empty());
    }

    #[test]
    fn a_whole_list_removes_what_it_does_not_name() {
        let mut assembler = assembler();
        assert_eq!(free(&assembler.inventory("test", "")), Some((Some(5), 8)));
        let names = |names: &[&str]| -> HashSet<Text> { names.iter().map(|name| Text::from(*name)).collect() };
        assembler.put_node(report("d", 0));
        assembler.listed("nodes", &names(&["c", "d"]));
        assembler.listed("pods", &names(&[]));
        let inventory = assembler.inventory("test", "");
        let nodes: Vec<&str> = inventory.nodes.iter().map(|node| &*node.name).collect();
        assert_eq!((nodes, free(&inventory), inventory.images.len()), (vec!["c", "d"], Some((Some(8), 8)), 0));
    }

    #[test]
    fn what_pods_hold_is_unknown_until_their_list_is_whole() {
        let mut assembler = Assembler::default();
        assembler.put_node(report("c", 8));
        assembler.put_pod(pod("ml/p", "c", "x", 3));
        assert_eq!(free(&assembler.inventory("test", "")), Some((None, 8)), "a page of pods is not all of them");
        assembler.listed("pods", &["ml/p".into()].into());
        assert_eq!(free(&assembler.inventory("test", "")), Some((Some(5), 8)));
    }

    #[test]
    fn free_devices_are_unknown_where_pods_are_forbidden() {
        let mut assembler = Assembler::default();
        assembler.take("nodes", update(|parts| parts.reports = [("c".into(), report("c", 8))].into()));
        let forbidden = ClusterError {
            kind: ClusterErrorKind::Forbidden,
            doing: "list pods".into(),
            at: "x".into(),
            found: "no".into(),
            hint: None,
            cause: None,
        };
        assembler.take("pods", Err(forbidden));
        let inventory = assembler.inventory("test", "");
        assert_eq!(free(&inventory), Some((None, 8)));
        assert_eq!(inventory.gaps().collect::<Vec<_>>(), [("pods", "list pods: no")]);
        let held = inventory.node("c").map(|node| node.accelerators.resources[0].held.clone());
        assert_eq!(held.and_then(|held| held.unknown().cloned()), Some(Unknown::Forbidden("list pods".into())));
    }
}
