//! Nodes in the order in which a person counts: `node-2` before `node-10`.
//!
//! In: nodes sorted by name, again and again. Out: the same in that order. Of thousands some change all the time, and the names
//! hardly ever: they are put in order when one came or went, and a node that changed takes the place of what it was.

use super::node::Node;
use crate::text;
use std::sync::Arc;

/// The nodes of a cluster.
#[derive(Clone, Debug, Default)]
pub struct InOrder {
    nodes: Vec<Arc<Node>>,
    /// Where each of them is, by its place among the names.
    places: Vec<usize>,
}

impl InOrder {
    /// All of them.
    pub fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// Takes other nodes, which are sorted by name.
    pub fn update(&mut self, nodes: &[Arc<Node>]) {
        if !self.put(nodes) {
            let mut order: Vec<usize> = (0..nodes.len()).collect();
            order.sort_unstable_by(|left, right| text::by_name(&nodes[*left].name, &nodes[*right].name));
            self.places = vec![0; nodes.len()];
            order.iter().enumerate().for_each(|(place, at)| self.places[*at] = place);
            self.nodes = order.into_iter().map(|at| Arc::clone(&nodes[at])).collect();
        }
    }

    /// Puts nodes that changed in the places of those that they were; false where they are not called as before.
    fn put(&mut self, nodes: &[Arc<Node>]) -> bool {
        if self.places.len() != nodes.len() {
            return false;
        }
        for (place, node) in self.places.iter().zip(nodes) {
            let known = &mut self.nodes[*place];
            if Arc::ptr_eq(known, node) {
                continue;
            }
            if known.name != node.name {
                return false;
            }
            *known = Arc::clone(node);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::{self, Evidence, NodeReport};

    fn node(name: &str) -> Arc<Node> {
        node::of(&NodeReport { name: name.into(), ..NodeReport::default() }, &Evidence::default()).into()
    }

    #[test]
    fn nodes_are_counted_and_one_that_changed_takes_its_place() {
        let mut order = InOrder::default();
        let mut nodes: Vec<Arc<Node>> = ["n-1", "n-10", "n-11", "n-2"].map(node).into();
        let named = |order: &InOrder| order.nodes().iter().map(|node| node.name.to_string()).collect::<Vec<_>>();
        order.update(&nodes);
        assert_eq!(named(&order), ["n-1", "n-2", "n-10", "n-11"]);
        nodes[1] = node("n-10");
        order.update(&nodes);
        assert!(Arc::ptr_eq(&order.nodes()[2], &nodes[1]), "the new one");
        assert!(Arc::ptr_eq(&order.nodes()[1], &nodes[3]), "the same one");
        // One went and another came.
        nodes.remove(0);
        nodes.push(node("n-3"));
        order.update(&nodes);
        assert_eq!(named(&order), ["n-2", "n-3", "n-10", "n-11"]);
        order.update(&[]);
        assert!(order.nodes().is_empty());
    }
}
