//! What nodes are together, as numbers: how many are in trouble, and how many devices there are and can be had.
//!
//! In: nodes. Out: a [`Tally`]. It is a sum, so that one node that changes is taken away as it was and added as it is, and
//! the thousands beside it are not looked at again.

use super::node::Node;

/// Devices that are offered, and those of them that nobody holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Of nodes whose holders could be counted.
    pub free: u64,
    pub all: u64,
    /// Nodes that offer some and whose holders could not be counted.
    pub uncounted: u64,
}

/// Numbers of nodes, and of devices in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub nodes: u64,
    pub not_ready: u64,
    /// Nodes that do not say whether they are ready.
    pub readiness_unknown: u64,
    pub cordoned: u64,
    /// Of the cordoned ones, those that are ready.
    pub cordoned_ready: u64,
    /// Physical accelerators, as far as they are counted.
    pub accelerators: u64,
    /// Nodes whose accelerators are counted; none is a count.
    pub counted: u64,
    /// Nodes that have accelerators and do not say how many.
    pub uncounted: u64,
    /// Nodes of machines where nothing says whether they have accelerators.
    pub unseen: u64,
    /// Whole devices of machines. The quota of a virtual node is none.
    pub whole: Offer,
    /// Slices and shares of devices.
    pub slices: Offer,
    /// What virtual nodes may be asked for: a number that somebody set, with no devices behind it.
    pub quota: u64,
    /// Physical accelerators of machines that offer none.
    pub unoffered: u64,
    /// Machines that offer no devices and do not say how many they have.
    pub unoffered_unknown: u64,
}

impl Tally {
    /// One node.
    pub fn of(node: &Node) -> Tally {
        let accelerators = &node.accelerators;
        let count = accelerators.count.get();
        let is_machine = node.virtual_mark.is_none();
        let mut tally = Tally {
            nodes: 1,
            not_ready: u64::from(node.ready.get() == Some(false)),
            readiness_unknown: u64::from(!node.ready.is_known()),
            cordoned: u64::from(node.schedulable.get() == Some(false)),
            cordoned_ready: u64::from(node.schedulable.get() == Some(false) && node.ready.get() == Some(true)),
            accelerators: count.unwrap_or(0),
            counted: u64::from(count.is_some()),
            uncounted: u64::from(accelerators.has_any() && count.is_none()),
            unseen: u64::from(is_machine && !accelerators.present.is_known()),
            ..Tally::default()
        };
        if !is_machine {
            tally.quota = node.free().map_or(0, |(_, all)| all);
            return tally;
        }
        match node.free() {
            Some((free, all)) => {
                let offer = Offer { free: free.unwrap_or(0), all, uncounted: u64::from(free.is_none()) };
                let is_divided = accelerators.mig.is_some() || accelerators.sharing.is_some();
                *(if is_divided { &mut tally.slices } else { &mut tally.whole }) = offer;
            }
            None => {
                tally.unoffered = count.unwrap_or(0);
                tally.unoffered_unknown = u64::from(count.is_none());
            }
        }
        tally
    }

    /// All of them.
    pub fn sum<'n>(nodes: impl IntoIterator<Item = &'n Node>) -> Tally {
        let mut sum = Tally::default();
        for node in nodes {
            sum.add(&Tally::of(node));
        }
        sum
    }

    pub fn add(&mut self, other: &Tally) {
        self.combine(other, |own, other| own + other);
    }

    /// Takes away what was added before.
    pub fn subtract(&mut self, other: &Tally) {
        self.combine(other, |own, other| own - other);
    }

    fn combine(&mut self, other: &Tally, with: impl Fn(u64, u64) -> u64) {
        // Every field is named, so that nobody forgets a new one.
        let Tally {
            nodes,
            not_ready,
            readiness_unknown,
            cordoned,
            cordoned_ready,
            accelerators,
            counted,
            uncounted,
            unseen,
            whole,
            slices,
            quota,
            unoffered,
            unoffered_unknown,
        } = other;
        let offer = |own: Offer, other: &Offer| Offer {
            free: with(own.free, other.free),
            all: with(own.all, other.all),
            uncounted: with(own.uncounted, other.uncounted),
        };
        *self = Tally {
            nodes: with(self.nodes, *nodes),
            not_ready: with(self.not_ready, *not_ready),
            readiness_unknown: with(self.readiness_unknown, *readiness_unknown),
            cordoned: with(self.cordoned, *cordoned),
            cordoned_ready: with(self.cordoned_ready, *cordoned_ready),
            accelerators: with(self.accelerators, *accelerators),
            counted: with(self.counted, *counted),
            uncounted: with(self.uncounted, *uncounted),
            unseen: with(self.unseen, *unseen),
            whole: offer(self.whole, whole),
            slices: offer(self.slices, slices),
            quota: with(self.quota, *quota),
            unoffered: with(self.unoffered, *unoffered),
            unoffered_unknown: with(self.unoffered_unknown, *unoffered_unknown),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        node::{self, Condition, Evidence, NodeReport},
        text::Text,
    };

    /// A node in words: `down`, `silent`, `cordoned` or `virtual`, and how many GPUs it offers.
    fn node(words: &str) -> Node {
        let mut report = NodeReport { name: "n".into(), ..NodeReport::default() };
        report.conditions = vec![Condition { kind: "Ready".into(), status: "True".into(), ..Condition::default() }];
        for word in words.split_whitespace() {
            match word {
                "down" => report.conditions[0].status = "False".into(),
                "silent" => report.conditions.clear(),
                "cordoned" => report.unschedulable = Some(true),
                "virtual" => report.labels = [("type", "virtual-kubelet")].into_iter().collect(),
                count => {
                    let gpus: Vec<(Text, u64)> = vec![("nvidia.com/gpu".into(), count.parse().unwrap())];
                    (report.capacity, report.allocatable) = (gpus.clone(), gpus);
                }
            }
        }
        node::of(&report, &Evidence::default())
    }

    #[test]
    fn nodes_are_counted_by_their_state_and_devices_by_what_offers_them() {
        let nodes = ["8", "8 down", "4 cordoned", "silent", ""].map(node);
        let tally = Tally::sum(&nodes);
        assert_eq!((tally.nodes, tally.not_ready, tally.cordoned, tally.readiness_unknown), (5, 1, 1, 1), "{tally:?}");
        assert_eq!(tally.whole.all, 20);
        // Nobody has looked for pods, so what is free on the node that takes some is not known; elsewhere it is none.
        assert_eq!((tally.whole.free, tally.whole.uncounted), (0, 1));
    }

    #[test]
    fn the_quota_of_a_virtual_node_is_counted_apart_from_devices() {
        let tally = Tally::sum(&["8", "virtual 64", "virtual"].map(node));
        assert_eq!((tally.whole.all, tally.quota, tally.nodes), (8, 64, 3), "{tally:?}");
    }

    #[test]
    fn what_was_added_can_be_taken_away_again() {
        let nodes = ["8", "8 down", "4 cordoned", "silent", "", "2", "virtual 64"].map(node);
        let mut tally = Tally::sum(&nodes);
        for node in &nodes[1..] {
            tally.subtract(&Tally::of(node));
        }
        assert_eq!(tally, Tally::of(&nodes[0]));
    }
}
