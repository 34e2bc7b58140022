//! One node in full: facts, taints, labels.

use super::{Need, Pane, PaneId, or_dash, pairs, prose};
use crate::{
    snapshot::nodes::NodeRow,
    workbench::{
        Screen,
        app::State,
        keymap::Action,
        theme::Role,
        widgets::table::{Cell, Content, Row},
    },
};

pub(super) static PANE: Pane = Pane {
    id: PaneId::Node,
    screen: Screen::Cluster,
    name: "node",
    needs: &[Need::Cluster, Need::Cursor(PaneId::Nodes)],
    hints: &[Action::MoveDown, Action::Filter, Action::Copy, Action::ZoomFull],
    build,
};

fn build(state: &State) -> Content {
    let selected = state.table(PaneId::Nodes).row().map(|row| row.key.clone());
    let node = selected.and_then(|name| state.data.cluster.nodes.iter().find(|node| node.name == name));
    match node {
        Some(node) => Content {
            note: format!("{} labels", node.labels.len()),
            ..prose(format!("node {}", node.name), rows(node))
        },
        None => Content {
            says: vec![(Role::Muted, "the selected node is shown here".to_owned())],
            ..prose("node", Vec::new())
        },
    }
}

fn rows(node: &NodeRow) -> Vec<Row> {
    let mut rows = Vec::new();
    let gpu = match (&node.gpu_product, node.gpu_memory_mib) {
        (Some(product), Some(memory)) => Cell::text(format!("{product}, {memory} MiB each")),
        (product, _) => or_dash(product.as_ref()),
    };
    let count = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let gpus = if node.gpu_capacity.is_some() || node.gpu_allocatable.is_some() {
        Cell::text(format!(
            "{} present, {} allocatable, {} requested",
            count(node.gpu_capacity),
            count(node.gpu_allocatable),
            count(node.gpu_requested)
        ))
    } else {
        Cell::new(Role::Muted, "- (no GPU resource on this node)")
    };
    let roles = if node.roles.is_empty() { Cell::new(Role::Muted, "-") } else { Cell::text(node.roles.join(", ")) };
    pairs(
        &mut rows,
        "",
        &[
            ("roles", roles),
            ("GPU", gpu),
            ("GPUs", gpus),
            ("driver", or_dash(node.gpu_driver.as_ref())),
            ("OS", or_dash(node.os_image.as_ref())),
            ("kernel", or_dash(node.kernel.as_ref())),
            ("kubelet", or_dash(node.kubelet.as_ref())),
            ("runtime", or_dash(node.runtime.as_ref())),
            ("provider", or_dash(node.provider_id.as_ref())),
        ],
    );
    let taints: Vec<(&str, Cell)> = node.taints.iter().map(|taint| ("taint", Cell::new(Role::Warn, taint))).collect();
    for (index, (name, cell)) in taints.into_iter().enumerate() {
        let mut taint = Vec::new();
        pairs(&mut taint, "", &[(name, cell)]);
        rows.extend(taint.into_iter().map(|row| Row { key: format!("taint {index}"), ..row }));
    }
    if !node.labels.is_empty() {
        pairs(&mut rows, "labels", &[]);
    }
    for (key, value) in &node.labels {
        rows.push(Row::new(key, vec![Cell::new(Role::Muted, format!("{key}=")).and(Role::Text, value)]));
    }
    rows
}
