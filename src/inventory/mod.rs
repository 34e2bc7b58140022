//! What a cluster is: typed facts, each with the object and field that said it.
//!
//! Filled by the collectors of `cluster::collect` or read back from a snapshot file; the file is a rendering of this and
//! never the model. What could not be read is unknown with its reason. The cluster is what its nodes are together: no
//! node speaks for the others, and where they differ the groups are named.

pub mod accelerator;
mod fact;
mod in_order;
pub mod machine;
pub mod measurement;
pub mod node;
pub mod os;
pub mod release;
pub mod service;
pub mod shape;
pub mod tally;
pub mod text;

pub use fact::{Fact, Object, Reading, Source, Unknown};
pub use in_order::InOrder;
pub use measurement::{Item, Measurement, Record, Scalar, Subtype};
pub use node::Node;
pub use text::{Labels, Text, Texts};

use crate::text::{plural, thousands};
use release::{Release, ServerVersion, Workload};
use std::{collections::BTreeMap, sync::Arc};

/// Everything that is known of a cluster at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    pub about: About,
    pub server: Fact<ServerVersion>,
    /// Sorted by name.
    pub nodes: Vec<Arc<Node>>,
    /// Nodes with accelerators that a file counts and does not name, by product.
    pub unnamed_accelerated: BTreeMap<Text, u64>,
    /// Running images: short name and tag.
    pub images: Arc<BTreeMap<String, String>>,
    /// Of images that run in several versions at once, each of their tags, as a person counts them.
    pub image_versions: Arc<BTreeMap<String, Vec<String>>>,
    /// Settings of the GPU operator's policy under dotted keys.
    pub policy: BTreeMap<String, String>,
    /// By name, then namespace; unknown where neither Helm's records nor workloads could be read.
    pub releases: Fact<Vec<Release>>,
    pub workloads: Vec<Workload>,
    /// How each source was read, in the order of the collectors.
    pub sources: Vec<SourceState>,
    /// Readings of collectors that have no type of their own, by measurement type.
    pub readings: Vec<Measurement>,
    /// The file that this was read from, as it was: what it says beyond the typed facts is kept.
    pub record: Option<Arc<Record>>,
}

/// When, by whom and where it was taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// RFC 3339, UTC.
    pub taken_at: String,
    /// The program that took it.
    pub version: String,
    pub context: String,
    /// UID of namespace `kube-system`, which outlives renamed contexts and moved endpoints.
    pub cluster_uid: Option<String>,
}

/// How one source was read.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceState {
    pub name: String,
    pub state: State,
}

/// The outcome of reading a source.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Ok,
    /// What is forbidden: `list pods: pods is forbidden: …`.
    Forbidden(String),
    /// The cluster does not know the resource: the operator that brings it is not installed.
    NotServed,
    /// Why it could not be read.
    Failed(String),
}

impl State {
    /// The word in the file.
    pub fn word(&self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Forbidden(_) => "forbidden",
            State::NotServed => "not served",
            State::Failed(_) => "failed",
        }
    }

    /// What is missing in a few words: `forbidden: list nodes`; `None` for a source that answered or has nothing to answer
    /// with.
    pub fn brief(&self) -> Option<String> {
        let reason = self.reason()?;
        Some(format!("{}: {}", self.word(), reason.split_once(": ").map_or(reason, |(needs, _)| needs)))
    }

    /// The reason why something is missing; `None` for a source that answered or has nothing to answer with.
    pub fn reason(&self) -> Option<&str> {
        match self {
            State::Ok | State::NotServed => None,
            State::Forbidden(reason) | State::Failed(reason) => Some(reason),
        }
    }
}

/// Nodes with the same accelerator.
#[derive(Clone, Debug)]
pub struct Group<'i> {
    /// The model under its catalog name, else the product as its source writes it, else the vendor.
    pub name: Text,
    /// Whether the name is a model of the catalog.
    pub is_model: bool,
    pub nodes: Vec<&'i Node>,
}

/// Nodes that a rule on a node reading concerns: the first of these of which there are some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// Machines with Linux that have accelerators.
    Accelerated,
    /// Machines with Linux that are no part of the control plane.
    Workers,
    /// Machines with Linux.
    Machines,
    All,
}

impl Concern {
    pub fn includes(self, node: &Node) -> bool {
        match self {
            Concern::Accelerated => node.is_linux_machine() && node.accelerators.has_any(),
            Concern::Workers => node.is_linux_machine() && !node.is_control_plane(),
            Concern::Machines => node.is_linux_machine(),
            Concern::All => true,
        }
    }
}

impl Inventory {
    /// The node of that name.
    pub fn node(&self, name: &str) -> Option<&Arc<Node>> {
        let index = self.nodes.binary_search_by(|node| (*node.name).cmp(name)).ok()?;
        Some(&self.nodes[index])
    }

    /// The tags of an image that runs: several where several versions of it do.
    pub fn tags(&self, image: &str) -> impl Iterator<Item = &str> {
        let several = self.image_versions.get(image).map_or(&[][..], Vec::as_slice);
        let single = self.images.get(image).filter(|_| several.is_empty());
        several.iter().chain(single).map(String::as_str)
    }

    /// How a source was read; `None` where nothing asked for it.
    pub fn source(&self, name: &str) -> Option<&State> {
        self.sources.iter().find(|source| source.name == name).map(|source| &source.state)
    }

    /// Whether criteria, and rules on everything but `NodeTopology`, read the same in both.
    ///
    /// What may differ is when they were taken, and the state of nodes: see [`Node::reads_like`].
    pub fn reads_like(&self, other: &Inventory) -> bool {
        // Every field is named, so that nobody forgets a new one.
        let Inventory {
            about,
            server,
            nodes,
            unnamed_accelerated,
            images,
            image_versions,
            policy,
            releases,
            workloads,
            sources,
            readings,
            record,
        } = other;
        let About { taken_at: _, version, context, cluster_uid } = about;
        let alike = |(own, other): (&Arc<Node>, &Arc<Node>)| Arc::ptr_eq(own, other) || own.reads_like(other);
        (&self.about.version, &self.about.context, &self.about.cluster_uid) == (version, context, cluster_uid)
            && (&self.server, &self.unnamed_accelerated) == (server, unnamed_accelerated)
            && self.nodes.len() == nodes.len()
            && (Arc::ptr_eq(&self.images, images) || self.images == *images)
            && (Arc::ptr_eq(&self.image_versions, image_versions) || self.image_versions == *image_versions)
            && (&self.policy, &self.releases, &self.workloads) == (policy, releases, workloads)
            && (&self.sources, &self.readings, &self.record) == (sources, readings, record)
            && self.nodes.iter().zip(nodes).all(alike)
    }

    /// Sources that could not be read, with the reason.
    pub fn gaps(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.iter().filter_map(|source| Some((source.name.as_str(), source.state.reason()?)))
    }

    /// Why a source could not be read, in a few words: `forbidden: list nodes`; `None` where it was, or was not asked.
    pub fn gap(&self, source: &str) -> Option<String> {
        self.source(source)?.brief()
    }

    /// Why nothing is known of any node, where that is so because nodes could not be read.
    pub fn no_nodes(&self) -> Option<String> {
        self.gap("nodes").filter(|_| self.nodes.is_empty())
    }

    /// Why a measurement, as the file names it, cannot be there: its source could not be read.
    pub fn gap_of(&self, kind: &str, subtype: &str) -> Option<String> {
        self.gap(source_of(kind, subtype)?)
    }

    /// Machines that have accelerators.
    pub fn accelerated(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().map(|node| &**node).filter(|node| node.virtual_mark.is_none() && node.accelerators.has_any())
    }

    /// Which nodes a rule on a node reading concerns.
    pub fn concern(&self) -> Concern {
        let fits = |concern: &Concern| self.nodes.iter().any(|node| concern.includes(node));
        [Concern::Accelerated, Concern::Workers, Concern::Machines].into_iter().find(fits).unwrap_or(Concern::All)
    }

    /// The nodes that a rule on a node reading concerns.
    pub fn concerned(&self) -> Vec<&Node> {
        let concern = self.concern();
        self.nodes.iter().map(|node| &**node).filter(|node| concern.includes(node)).collect()
    }

    /// Machines with accelerators grouped by model: the group with the most nodes first, then by name.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: BTreeMap<Text, Group<'_>> = BTreeMap::new();
        for node in self.accelerated() {
            let Accelerated { name, is_model } = accelerated(node);
            let new = || Group { name: name.clone(), is_model, nodes: Vec::new() };
            groups.entry(name.clone()).or_insert_with(new).nodes.push(node);
        }
        let mut groups: Vec<Group<'_>> = groups.into_values().collect();
        groups.sort_by(|left, right| right.nodes.len().cmp(&left.nodes.len()).then_with(|| left.name.cmp(&right.name)));
        groups
    }

    /// The node whose readings stand where the reference's file has room for one node: the first by name of the largest
    /// group, else the first of the nodes that rules concern.
    pub fn source_node(&self) -> Option<&Node> {
        if let Some(name) = self.record.as_ref().and_then(|record| record.metadata.get("source-node"))
            && let Some(node) = self.node(name)
        {
            return Some(node);
        }
        let groups = self.groups();
        let largest = groups.first().and_then(|group| group.nodes.first().copied());
        largest.or_else(|| self.concerned().first().copied())
    }
}

/// `1 node`, `4,500 nodes`.
pub fn nodes_in_words(count: usize) -> String {
    format!("{} {}", thousands(count), plural(count, "node"))
}

struct Accelerated {
    name: Text,
    is_model: bool,
}

fn accelerated(node: &Node) -> Accelerated {
    let accelerators = &node.accelerators;
    match accelerators.model.value() {
        Some(model) => Accelerated { name: model.clone(), is_model: true },
        None => {
            let product = accelerators.product.text().map(|text| Text::from(crate::accelerators::product(text)));
            let name = product.or(accelerators.vendor.value().cloned()).unwrap_or_else(|| "unknown".into());
            Accelerated { name, is_model: false }
        }
    }
}

/// The source that a measurement, as the file names it, is read from; `None` where it is not one of the API server.
pub fn source_of<'s>(kind: &str, subtype: &'s str) -> Option<&'s str> {
    match (kind, subtype) {
        ("K8s", "server") => Some("version"),
        ("K8s", "image") => Some("pods"),
        ("K8s", "policy" | "helm" | "workloads") => Some(subtype),
        ("K8s", "node") | ("GPU" | "OS" | "NodeTopology", _) => Some("nodes"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node::{Evidence, NodeReport};

    fn node(name: &str, labels: &[(&str, &str)]) -> Arc<Node> {
        let report =
            NodeReport { name: name.into(), labels: labels.iter().copied().collect(), ..NodeReport::default() };
        Arc::new(node::of(&report, &Evidence::default()))
    }

    fn inventory(nodes: Vec<Arc<Node>>) -> Inventory {
        Inventory { nodes, ..Inventory::default() }
    }

    #[test]
    fn the_largest_group_gives_the_single_readings() {
        let (h100, a100) =
            (("nvidia.com/gpu.product", "NVIDIA-H100-SHARED"), ("nvidia.com/gpu.product", "NVIDIA-A100"));
        let inventory = inventory(vec![node("a", &[a100]), node("b", &[h100]), node("c", &[h100]), node("d", &[])]);
        assert_eq!(inventory.source_node().map(|node| &*node.name), Some("b"));
        let groups: Vec<String> =
            inventory.groups().iter().map(|group| format!("{} {}", group.name, group.nodes.len())).collect();
        assert_eq!(groups, ["h100 2", "a100 1"]);
        assert_eq!(inventory.concerned().len(), 3);
    }

    #[test]
    fn a_rule_concerns_workers_where_nothing_has_accelerators() {
        let control = node("a", &[("node-role.kubernetes.io/control-plane", "")]);
        let (virtual_node, windows) =
            (node("v", &[("type", "virtual-kubelet")]), node("x", &[("kubernetes.io/os", "windows")]));
        let names =
            |inventory: &Inventory| inventory.concerned().iter().map(|node| node.name.to_string()).collect::<Vec<_>>();
        let worker = node("w", &[]);
        assert_eq!(names(&inventory(vec![control.clone(), virtual_node.clone(), worker, windows])), ["w"]);
        assert_eq!(names(&inventory(vec![control, virtual_node.clone()])), ["a"]);
        assert_eq!(names(&inventory(vec![virtual_node])), ["v"]);
    }
}
