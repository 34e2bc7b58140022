//! Marked nodes, or shapes of them, beside each other.

use super::State;
use crate::{
    diff::beside,
    inventory::Node,
    workbench::{
        overlay::Overlay,
        panes::{Pane, RowId, SHAPES},
        widgets::{table::Identity, text},
    },
};
use std::sync::Arc;

impl State {
    /// What the marked rows are groups of: the nodes of each shape, or one node each.
    fn marked_groups(&self, pane: &'static Pane) -> Vec<(String, Vec<Arc<Node>>)> {
        let cluster = &self.model.cluster;
        let group = |id: &RowId| match id {
            RowId::Shape(key) => {
                let nodes = cluster.fleet.shape(key)?.nodes.clone();
                let more = if nodes.len() > 1 { format!(" +{}", nodes.len() - 1) } else { String::new() };
                Some((format!("{}{more}", nodes.first()?.name), nodes))
            }
            id => {
                let node = cluster.nodes().iter().find(|node| *node.name == *id.name())?;
                Some((node.name.to_string(), vec![node.clone()]))
            }
        };
        self.desk.table(pane).marked_rows().filter_map(|row| group(&row.id)).collect()
    }

    /// Shows the readings of the marked nodes or shapes; the number of rows has been looked at.
    pub(super) fn compare_marked_nodes(&mut self, pane: &'static Pane) {
        let (names, groups): (Vec<String>, Vec<Vec<Arc<Node>>>) = self.marked_groups(pane).into_iter().unzip();
        let readings = beside::of(&groups);
        let what = if pane == &SHAPES { "shape" } else { "node" };
        let title = format!("{} side by side", text::count(groups.len(), what));
        self.desk.overlay = Some(Overlay::readings(&title, &names, &readings));
    }
}
