//! Nodes grouped by what makes them differ.
//!
//! In: nodes. Out: [`Shape`]s, each with the attributes that all its nodes share, and which attributes differ between
//! shapes at all, so that a screen can show those and not the ones that are the same everywhere.

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
            Attribute::Division => "mig or sharing",
            Attribute::Driver => "driver",
            Attribute::Os => "os",
            Attribute::Kernel => "kernel",
            Attribute::Kubelet => "kubelet",
            Attribute::Runtime => "runtime",
            Attribute::Architecture => "arch",
            Attribute::InstanceType => "instance type",
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

/// Nodes that are alike in every [`Attribute`].
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    values: [Text; Attribute::ALL.len()],
    /// Sorted by name; never empty.
    pub nodes: Vec<Arc<Node>>,
    pub not_ready: usize,
    pub cordoned: usize,
    /// Physical accelerators, as far as they are counted.
    pub accelerators: u64,
    /// A few nodes that differ little from many: drift, rather than a group of its own.
    pub outlier: bool,
}

impl Shape {
    /// What all nodes of the shape have of an attribute; empty where it is not known.
    pub fn value(&self, attribute: Attribute) -> &str {
        &self.values[attribute as usize]
    }

    /// Attributes in which two shapes differ.
    pub fn differences(&self, other: &Shape) -> impl Iterator<Item = Attribute> {
        Attribute::ALL.into_iter().filter(|attribute| self.value(*attribute) != other.value(*attribute))
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

/// Groups nodes.
pub fn fleet(nodes: &[Arc<Node>]) -> Fleet {
    let mut groups: BTreeMap<[Text; Attribute::ALL.len()], Vec<Arc<Node>>> = BTreeMap::new();
    for node in nodes {
        groups.entry(Attribute::ALL.map(|attribute| attribute.of(node))).or_default().push(Arc::clone(node));
    }
    let mut shapes: Vec<Shape> = groups
        .into_iter()
        .map(|(values, mut nodes)| {
            nodes.sort_by(|left, right| left.name.cmp(&right.name));
            Shape {
                not_ready: nodes.iter().filter(|node| node.ready.get() == Some(false)).count(),
                cordoned: nodes.iter().filter(|node| node.schedulable.get() == Some(false)).count(),
                accelerators: nodes.iter().filter_map(|node| node.accelerators.count.get()).sum(),
                values,
                nodes,
                outlier: false,
            }
        })
        .collect();
    let is_outlier = |shape: &Shape| {
        let many = |other: &&Shape| other.nodes.len() >= shape.nodes.len() * SHARE;
        shapes.iter().filter(many).any(|other| shape.differences(other).take(LITTLE + 1).count() <= LITTLE)
    };
    let outliers: Vec<bool> = shapes.iter().map(is_outlier).collect();
    for (shape, outlier) in shapes.iter_mut().zip(outliers) {
        shape.outlier = outlier;
    }
    shapes.sort_by(|left, right| {
        let rank = |shape: &Shape| {
            (!shape.outlier, std::cmp::Reverse(shape.accelerators), std::cmp::Reverse(shape.nodes.len()))
        };
        rank(left).cmp(&rank(right)).then_with(|| left.nodes[0].name.cmp(&right.nodes[0].name))
    });
    let differs =
        |attribute: &Attribute| shapes.iter().any(|shape| shape.value(*attribute) != shapes[0].value(*attribute));
    let differing = Attribute::ALL.into_iter().filter(differs).collect();
    Fleet { shapes, differing }
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
                format!(
                    "{mark}{} {} {}",
                    shape.nodes.len(),
                    shape.value(Attribute::Accelerator),
                    shape.value(Attribute::Kernel)
                )
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
        let shapes = ["!1 8 x NVIDIA-H100 6.5", "8 8 x NVIDIA-H100 6.8", "20  6.8"];
        check(&nodes, &shapes, &[Attribute::Accelerator, Attribute::Kernel]);
    }

    #[test]
    fn a_state_of_a_node_is_not_a_shape() {
        let nodes = [node("a", "6.8", "", &[]), node("b", "6.8", "", &["node.kubernetes.io/not-ready"])];
        check(&nodes, &["2  6.8"], &[]);
        assert_eq!(fleet(&[]), Fleet::default());
    }
}
