//! Nodes grouped by what makes them differ.
//!
//! In: nodes. Out: [`Shape`]s, each with the attributes that all its nodes share and those in which it differs from the
//! shape that it resembles most; and which attributes differ between shapes at all, so that a screen can show those and
//! not the ones that are the same everywhere.

use super::{node::Node, tally::Tally, text::Text};
use crate::text::by_name;
use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// A property by which nodes are told apart, in the order in which a person asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    Accelerator,
    Division,
    Driver,
    Os,
    Kernel,
    Kubelet,
    Runtime,
    Architecture,
    InstanceType,
    Service,
    Taints,
    Virtual,
}

impl Attribute {
    /// Every attribute, in order.
    pub const ALL: [Attribute; 12] = [
        Attribute::Accelerator,
        Attribute::Division,
        Attribute::Driver,
        Attribute::Os,
        Attribute::Kernel,
        Attribute::Kubelet,
        Attribute::Runtime,
        Attribute::Architecture,
        Attribute::InstanceType,
        Attribute::Service,
        Attribute::Taints,
        Attribute::Virtual,
    ];

    /// The name for a column.
    pub fn name(self) -> &'static str {
        match self {
            Attribute::Accelerator => "accelerator",
            Attribute::Division => "sharing",
            Attribute::Driver => "driver",
            Attribute::Os => "os",
            Attribute::Kernel => "kernel",
            Attribute::Kubelet => "kubelet",
            Attribute::Runtime => "runtime",
            Attribute::Architecture => "arch",
            Attribute::InstanceType => "machine",
            Attribute::Service => "service",
            Attribute::Taints => "taints",
            Attribute::Virtual => "virtual",
        }
    }

    /// What a node has of it; empty where it is not known or not there.
    pub fn of(self, node: &Node) -> Text {
        let text = |fact: &super::Fact<Text>| fact.value().cloned().unwrap_or_default();
        match self {
            // That none is there and that nothing looked are two things.
            Attribute::Accelerator => match node.accelerators.present.get() {
                Some(false) => "none".into(),
                _ => node.accelerators.words().unwrap_or_default().into(),
            },
            Attribute::Division => node.accelerators.division().into(),
            Attribute::Driver => text(&node.accelerators.driver),
            Attribute::Os => text(&node.os.image),
            Attribute::Kernel => text(&node.kernel),
            Attribute::Kubelet => text(&node.kubelet),
            Attribute::Runtime => text(&node.runtime),
            Attribute::Architecture => text(&node.architecture),
            Attribute::InstanceType => text(&node.instance_type),
            Attribute::Service => text(&node.service),
            Attribute::Taints => {
                // A taint that comes and goes with the state of the node does not make it another kind of node.
                let lasting = node.taints.iter().filter(|taint| !taint.key.starts_with("node.kubernetes.io/"));
                lasting.map(ToString::to_string).collect::<Vec<_>>().join(", ").into()
            }
            Attribute::Virtual => node.virtual_mark.clone().unwrap_or_default(),
        }
    }
}

/// What nodes of one shape have of every [`Attribute`]: the identity of the shape, whatever nodes come and go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<[Text; Attribute::ALL.len()]>);

impl Key {
    /// That of a node.
    pub fn of(node: &Node) -> Key {
        Key(Arc::new(Attribute::ALL.map(|attribute| attribute.of(node))))
    }

    /// What all nodes of the shape have of an attribute; empty where it is not known.
    pub fn value(&self, attribute: Attribute) -> &str {
        &self.0[attribute as usize]
    }

    /// In the order of [`Attribute::ALL`], to be written down.
    pub fn values(&self) -> Vec<&str> {
        self.0.iter().map(|value| &**value).collect()
    }

    /// As [`Key::values`] has them; `None` for those of a program with other attributes.
    pub fn from_values(values: Vec<String>) -> Option<Key> {
        let values: Vec<Text> = values.into_iter().map(Text::from).collect();
        values.try_into().ok().map(|values| Key(Arc::new(values)))
    }

    fn differences(&self, other: &Key) -> impl Iterator<Item = Attribute> {
        Attribute::ALL.into_iter().filter(|attribute| self.value(*attribute) != other.value(*attribute))
    }
}

/// Nodes that are alike in every [`Attribute`].
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub key: Key,
    /// In the order of [`by_name`]; never empty.
    pub nodes: Vec<Arc<Node>>,
    pub tally: Tally,
    /// A few nodes that differ little from many, which is drift rather than a group of its own; or machines with
    /// accelerators of which there are next to none.
    pub outlier: bool,
    /// The larger shape with the same accelerators that it resembles most; `None` for the largest of them.
    pub like: Option<Key>,
}

impl Shape {
    /// What all nodes of the shape have of an attribute; empty where it is not known.
    pub fn value(&self, attribute: Attribute) -> &str {
        self.key.value(attribute)
    }

    /// In what it differs from the shape that it resembles most: its value, and that of the other.
    pub fn differs(&self) -> impl Iterator<Item = (Attribute, &str, &str)> {
        self.like.iter().flat_map(move |like| {
            self.key.differences(like).map(move |attribute| (attribute, self.value(attribute), like.value(attribute)))
        })
    }
}

impl Fleet {
    /// The shape of that key, while there are nodes of it.
    pub fn shape(&self, key: &Key) -> Option<&Shape> {
        self.shapes.iter().find(|shape| shape.key == *key)
    }
}

/// The shapes of a cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    /// Outliers first, then the shapes with the most accelerators, then those with the most nodes.
    pub shapes: Vec<Shape>,
    /// Attributes that are not the same in all shapes.
    pub differing: Vec<Attribute>,
    /// All nodes together.
    pub tally: Tally,
}

/// A shape is an outlier of one that has this many times its nodes...
const SHARE: usize = 4;
/// ...and differs from it in this many attributes at most.
const LITTLE: usize = 2;
/// A shape with accelerators is an outlier too when this many times its nodes have accelerators.
const RARE: usize = 100;

/// Groups the nodes of a cluster again and again; a node that is the same one as before is not looked at again.
#[derive(Clone, Debug, Default)]
pub struct Grouping {
    /// The nodes of the last time in their order, with what they have.
    known: Vec<(Arc<Node>, Key)>,
    /// Every key that is there, once.
    keys: HashSet<Key>,
}

impl Grouping {
    /// Brings a fleet that was made here to other nodes, which are in the order of [`by_name`].
    pub fn update(&mut self, fleet: &mut Fleet, nodes: &[Arc<Node>]) {
        if !self.put(fleet, nodes) {
            // Keys that only the old one has are given up with it.
            *fleet = Fleet::default();
            *fleet = self.fleet(nodes);
        }
    }

    /// Puts nodes that changed in the places of those that they were, where each of them is still of its shape: then the
    /// others are not even counted as used. False where the fleet has to be made again; it may have changed by then.
    fn put(&mut self, fleet: &mut Fleet, nodes: &[Arc<Node>]) -> bool {
        let Grouping { known, .. } = self;
        if known.len() != nodes.len() || nodes.is_empty() {
            return false;
        }
        for ((known, key), node) in known.iter_mut().zip(nodes) {
            if Arc::ptr_eq(known, node) {
                continue;
            }
            if known.name != node.name || *key != Key::of(node) {
                return false;
            }
            let shape = fleet.shapes.iter_mut().find(|shape| Arc::ptr_eq(&shape.key.0, &key.0));
            let Some(shape) = shape else { return false };
            let Ok(at) = shape.nodes.binary_search_by(|other| by_name(&other.name, &node.name)) else { return false };
            let (was, is) = (Tally::of(known), Tally::of(node));
            // What the order of shapes follows from.
            if was.accelerators != is.accelerators {
                return false;
            }
            for tally in [&mut shape.tally, &mut fleet.tally] {
                tally.subtract(&was);
                tally.add(&is);
            }
            shape.nodes[at] = Arc::clone(node);
            *known = Arc::clone(node);
        }
        true
    }

    /// Groups nodes that are in the order of [`by_name`].
    pub fn fleet(&mut self, nodes: &[Arc<Node>]) -> Fleet {
        self.take(nodes);
        let mut groups: HashMap<*const Text, (Key, Vec<Arc<Node>>)> = HashMap::new();
        for (node, key) in &self.known {
            groups.entry(key.0.as_ptr()).or_insert_with(|| (key.clone(), Vec::new())).1.push(Arc::clone(node));
        }
        fleet_of(groups.into_values().map(|(key, nodes)| shape(key, nodes)).collect())
    }

    fn take(&mut self, nodes: &[Arc<Node>]) {
        let mut before = std::mem::take(&mut self.known).into_iter().peekable();
        self.known.reserve_exact(nodes.len());
        for node in nodes {
            // The same one stands where it stood, mostly; then names need not be looked at.
            let mut known = before.next_if(|(known, _)| Arc::ptr_eq(known, node));
            if known.is_none() {
                while before.next_if(|(known, _)| by_name(&known.name, &node.name) == Ordering::Less).is_some() {}
                known = before.next_if(|(known, _)| known.name == node.name);
            }
            let same = known.filter(|(known, _)| Arc::ptr_eq(known, node));
            let known = same.unwrap_or_else(|| (Arc::clone(node), self.key_of(node)));
            self.known.push(known);
        }
        drop(before);
        self.keys.retain(|key| Arc::strong_count(&key.0) > 1);
    }

    fn key_of(&mut self, node: &Node) -> Key {
        let key = Key::of(node);
        if let Some(known) = self.keys.get(&key) {
            return known.clone();
        }
        self.keys.insert(key.clone());
        key
    }
}

fn fleet_of(mut shapes: Vec<Shape>) -> Fleet {
    // By size, so that what is larger comes before.
    shapes.sort_by(|left, right| {
        right.nodes.len().cmp(&left.nodes.len()).then_with(|| left.nodes[0].name.cmp(&right.nodes[0].name))
    });
    // Nodes of one shape have accelerators or have none.
    let accelerated: usize =
        shapes.iter().filter(|shape| shape.nodes[0].accelerators.has_any()).map(|shape| shape.nodes.len()).sum();
    for shape in &mut shapes {
        shape.outlier = shape.nodes[0].accelerators.has_any() && accelerated >= shape.nodes.len() * RARE;
    }
    for index in 0..shapes.len() {
        let (larger, rest) = shapes.split_at_mut(index);
        compare(&mut rest[0], larger);
    }
    // Stable: shapes that are alike in this stay in the order of their sizes.
    shapes.sort_by_key(|shape| (!shape.outlier, std::cmp::Reverse(shape.tally.accelerators)));
    let differs =
        |attribute: &Attribute| shapes.iter().any(|shape| shape.value(*attribute) != shapes[0].value(*attribute));
    let differing = Attribute::ALL.into_iter().filter(differs).collect();
    let mut tally = Tally::default();
    shapes.iter().for_each(|shape| tally.add(&shape.tally));
    Fleet { shapes, differing, tally }
}

fn shape(key: Key, nodes: Vec<Arc<Node>>) -> Shape {
    Shape { tally: Tally::sum(nodes.iter().map(Arc::as_ref)), key, nodes, outlier: false, like: None }
}

/// Says of a shape how it stands to the larger ones, the largest of which comes first.
fn compare(shape: &mut Shape, larger: &[Shape]) {
    let little = |other: &Shape| shape.key.differences(&other.key).take(LITTLE + 1).count() <= LITTLE;
    let many = |other: &&Shape| other.nodes.len() >= shape.nodes.len() * SHARE;
    shape.outlier |= larger.iter().take_while(many).any(little);
    let alike = larger
        .iter()
        .filter(|other| other.value(Attribute::Accelerator) == shape.value(Attribute::Accelerator))
        .min_by_key(|other| shape.key.differences(&other.key).count());
    shape.like = alike.map(|other| other.key.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::{self, Evidence, NodeInfo, NodeReport, Taint};

    fn node(name: &str, kernel: &str, product: &str, taints: &[&str]) -> Arc<Node> {
        let labels: Vec<(&str, &str)> = if product.is_empty() {
            vec![]
        } else {
            vec![("nvidia.com/gpu.product", product), ("nvidia.com/gpu.count", "8")]
        };
        let report = NodeReport {
            name: name.into(),
            labels: labels.into_iter().collect(),
            taints: taints
                .iter()
                .map(|key| Taint { key: (*key).into(), effect: "NoSchedule".into(), ..Taint::default() })
                .collect(),
            info: NodeInfo { kernel: Some(kernel.into()), ..NodeInfo::default() },
            ..NodeReport::default()
        };
        Arc::new(node::of(&report, &Evidence::default()))
    }

    #[track_caller]
    fn check(nodes: &[Arc<Node>], shapes: &[&str], differing: &[Attribute]) {
        let fleet = Grouping::default().fleet(nodes);
        let shown: Vec<String> = fleet
            .shapes
            .iter()
            .map(|shape| {
                let mark = if shape.outlier { "!" } else { "" };
                let (accelerator, kernel) = (shape.value(Attribute::Accelerator), shape.value(Attribute::Kernel));
                let differs: Vec<&str> = shape.differs().map(|(attribute, ..)| attribute.name()).collect();
                format!("{mark}{} {accelerator} {kernel} {}", shape.nodes.len(), differs.join(","))
                    .trim_end()
                    .to_owned()
            })
            .collect();
        assert_eq!(shown, shapes);
        assert_eq!(fleet.differing, differing);
    }

    #[test]
    fn what_differs_little_from_many_comes_first() {
        let mut nodes: Vec<_> = (0..8).map(|n| node(&format!("g{n}"), "6.8", "NVIDIA-H100", &[])).collect();
        nodes.push(node("odd", "6.5", "NVIDIA-H100", &[]));
        nodes.extend((0..20).map(|n| node(&format!("c{n:02}"), "6.8", "", &[])));
        let shapes = ["!1 8 x NVIDIA-H100 6.5 kernel", "8 8 x NVIDIA-H100 6.8", "20  6.8"];
        check(&nodes, &shapes, &[Attribute::Accelerator, Attribute::Kernel]);
    }

    #[test]
    fn a_shape_differs_from_the_one_that_it_resembles_most() {
        let mut nodes: Vec<_> = (0..6).map(|n| node(&format!("a{n}"), "6.8", "NVIDIA-H100", &[])).collect();
        nodes.extend((0..4).map(|n| node(&format!("b{n}"), "6.5", "NVIDIA-H100", &["team"])));
        nodes.push(node("c", "6.4", "NVIDIA-H100", &["team"]));
        nodes.push(node("d", "6.8", "NVIDIA-A100", &[]));
        let shapes = [
            "!1 8 x NVIDIA-H100 6.4 kernel",
            "!1 8 x NVIDIA-A100 6.8",
            "6 8 x NVIDIA-H100 6.8",
            "4 8 x NVIDIA-H100 6.5 kernel,taints",
        ];
        check(&nodes, &shapes, &[Attribute::Accelerator, Attribute::Kernel, Attribute::Taints]);
    }

    #[test]
    fn a_state_of_a_node_is_not_a_shape() {
        let nodes = [node("a", "6.8", "", &[]), node("b", "6.8", "", &["node.kubernetes.io/not-ready"])];
        check(&nodes, &["2  6.8"], &[]);
        assert_eq!(Grouping::default().fleet(&[]), Fleet::default());
    }

    #[test]
    fn a_node_in_another_state_takes_the_place_of_what_it_was() {
        let mut nodes: Vec<Arc<Node>> = ["a", "b", "c"].map(|name| node(name, "6.8", "", &[])).into();
        let (mut grouping, mut fleet) = (Grouping::default(), Fleet::default());
        grouping.update(&mut fleet, &nodes);
        assert_eq!(fleet.tally.cordoned, 0);
        let report = NodeReport {
            name: "b".into(),
            unschedulable: Some(true),
            info: NodeInfo { kernel: Some("6.8".into()), ..NodeInfo::default() },
            ..NodeReport::default()
        };
        nodes[1] = Arc::new(node::of(&report, &Evidence::default()));
        assert!(grouping.put(&mut fleet, &nodes), "it is still of its shape");
        assert_eq!(fleet, Grouping::default().fleet(&nodes));
        assert_eq!((fleet.tally.cordoned, fleet.shapes[0].tally.cordoned), (1, 1));
        nodes[2] = node("c", "6.9", "", &[]);
        assert!(!grouping.put(&mut fleet, &nodes), "it is of another shape");
    }

    #[test]
    fn grouping_again_gives_what_grouping_anew_gives() {
        let mut grouping = Grouping::default();
        let mut nodes: Vec<Arc<Node>> = ["a", "b", "c", "e"].map(|name| node(name, "6.8", "NVIDIA-H100", &[])).into();
        let mut fleet = Fleet::default();
        let mut again = |nodes: &[Arc<Node>]| {
            grouping.update(&mut fleet, nodes);
            assert_eq!(fleet, Grouping::default().fleet(nodes));
            let tally = Tally::sum(nodes.iter().map(Arc::as_ref));
            assert_eq!((fleet.tally, fleet.tally.nodes), (tally, nodes.len() as u64));
        };
        again(&nodes);
        nodes[1] = node("b", "6.9", "NVIDIA-H100", &[]);
        again(&nodes);
        nodes.insert(3, node("d", "6.8", "NVIDIA-A100", &[]));
        again(&nodes);
        nodes.remove(0);
        nodes[0] = node("b", "6.8", "NVIDIA-H100", &[]);
        again(&nodes);
        again(&[]);
        again(&nodes[..1]);
        drop(nodes);
        again(&[]);
        assert_eq!((grouping.known.len(), grouping.keys.len()), (0, 0), "nothing piles up");
    }
}
