//! One node in full: facts, taints, labels.

use super::{nodes, prelude::*};
use crate::snapshot::nodes::NodeRow;

pub static PANE: Pane = Pane {
    name: "node",
    screen: Screen::Cluster,
    place: Place::NONE
        .detail(8)
        .short(column(1, 0).row(1).part(1, 2))
        .four(column(1, 0).row(1).part(11, 20))
        .all(column(2, 64)),
    needs: &[Need::Cluster, Need::Cursor(&nodes::PANE)],
    hints: &[Action::MoveDown, Action::Filter, Action::Copy, Action::ZoomFull],
    build,
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let selected = view.selected(&nodes::PANE).and_then(RowId::named);
    let node = selected.and_then(|name| view.model.cluster.nodes.iter().find(|node| node.name == name));
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
    for taint in &node.taints {
        pairs(&mut rows, "", &[("taint", Cell::new(Role::Warn, taint))]);
    }
    if !node.labels.is_empty() {
        pairs(&mut rows, "labels", &[]);
    }
    for (key, value) in &node.labels {
        rows.push(Row::new(key, vec![Cell::new(Role::Muted, format!("{key}=")).and(Role::Text, value)]));
    }
    rows
}
