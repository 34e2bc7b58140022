//! Nodes grouped by what makes them differ.
//!
//! In: nodes. Out: [`Shape`]s, each with the attributes that all its nodes share and those in which it differs from the
//! shape that it resembles most; and which attributes differ between shapes at all, so that a screen can show those and
//! not the ones that are the same everywhere.

use super::{node::Node, text::Text};
use std::{collections::BTreeMap, sync::Arc};

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

    fn differences(&self, other: &Key) -> impl Iterator<Item = Attribute> {
        Attribute::ALL.into_iter().filter(|attribute| self.value(*attribute) != other.value(*attribute))
    }
}

/// Nodes that are alike in every [`Attribute`].
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub key: Key,
    /// Sorted by name; never empty.
    pub nodes: Vec<Arc<Node>>,
    pub not_ready: usize,
    pub cordoned: usize,
    /// Physical accelerators, as far as they are counted.
    pub accelerators: u64,
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
}

/// A shape is an outlier of one that has this many times its nodes...
const SHARE: usize = 4;
/// ...and differs from it in this many attributes at most.
const LITTLE: usize = 2;
/// A shape with accelerators is an outlier too when this many times its nodes have accelerators.
const RARE: usize = 100;

/// Groups nodes.
pub fn fleet(nodes: &[Arc<Node>]) -> Fleet {
    let mut groups: BTreeMap<Key, Vec<Arc<Node>>> = BTreeMap::new();
    for node in nodes {
        groups.entry(Key::of(node)).or_default().push(Arc::clone(node));
    }
    let mut shapes: Vec<Shape> = groups.into_iter().map(|(key, nodes)| shape(key, nodes)).collect();
    // By size, so that what is larger comes before.
    shapes.sort_by(|left, right| {
        right.nodes.len().cmp(&left.nodes.len()).then_with(|| left.nodes[0].name.cmp(&right.nodes[0].name))
    });
    let accelerated = nodes.iter().filter(|node| node.accelerators.has_any()).count();
    for shape in &mut shapes {
        shape.outlier = shape.nodes[0].accelerators.has_any() && accelerated >= shape.nodes.len() * RARE;
    }
    for index in 0..shapes.len() {
        let (larger, rest) = shapes.split_at_mut(index);
        compare(&mut rest[0], larger);
    }
    // Stable: shapes that are alike in this stay in the order of their sizes.
    shapes.sort_by_key(|shape| (!shape.outlier, std::cmp::Reverse(shape.accelerators)));
    let differs =
        |attribute: &Attribute| shapes.iter().any(|shape| shape.value(*attribute) != shapes[0].value(*attribute));
    let differing = Attribute::ALL.into_iter().filter(differs).collect();
    Fleet { shapes, differing }
}

fn shape(key: Key, mut nodes: Vec<Arc<Node>>) -> Shape {
    nodes.sort_by(|left, right| left.name.cmp(&right.name));
    Shape {
        not_ready: nodes.iter().filter(|node| node.ready.get() == Some(false)).count(),
        cordoned: nodes.iter().filter(|node| node.schedulable.get() == Some(false)).count(),
        accelerators: nodes.iter().filter_map(|node| node.accelerators.count.get()).sum(),
        key,
        nodes,
        outlier: false,
        like: None,
    }
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
        let fleet = fleet(nodes);
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
        assert_eq!(fleet(&[]), Fleet::default());
    }
}
