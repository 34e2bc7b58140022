//! Nodes of the shown cluster, one row each.

use super::{no_cluster, node, prelude::*, shapes};
use crate::snapshot::nodes::NodeRow;

pub static PANE: Pane = Pane {
    name: "nodes",
    screen: Screen::Cluster,
    place: Place::NONE.short(column(1, 0)).four(column(1, 0)).all(column(1, 0)),
    jump: Some(Action::GoNode),
    needs: &[Need::Cluster, Need::Cursor(&shapes::PANE)],
    hints: &[Action::MoveDown, Action::Enter, Action::Filter, Action::Sort, Action::CompareWith, Action::Copy],
    build,
    on: |view, action| match action {
        Action::Enter => Some(Step::Focus(&node::PANE)),
        Action::Copy => Some(Step::Copy(view.selected(&PANE)?.name().to_owned())),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let cluster = &view.model.cluster;
    let rows: Vec<Row> = cluster.nodes.iter().map(row).collect();
    let gpus: u64 = cluster.nodes.iter().filter_map(|node| node.gpu_capacity).sum();
    let says = if rows.is_empty() { no_cluster(view) } else { Vec::new() };
    Content {
        title: format!("nodes {}", text::thousands(rows.len())),
        note: if rows.is_empty() { String::new() } else { text::count(usize::try_from(gpus).unwrap_or(0), "GPU") },
        columns: vec![
            Column::new("NAME", 14, 30).grows().name_like(),
            Column::new("STATE", 5, 9),
            Column::new("GPU", 9, 22).name_like().priority(1),
            Column::new("FREE", 5, 5).right().priority(2),
            Column::new("DRIVER", 10, 11).priority(3),
            Column::new("KUBELET", 7, 9).priority(4),
            Column::new("OS", 8, 20).priority(5),
            Column::new("KERNEL", 8, 20).name_like().priority(6),
            Column::new("ARCH", 5, 6).wide().priority(7),
            Column::new("RUNTIME", 8, 20).wide().priority(8),
        ],
        rows,
        says,
        headers: true,
        ..Content::default()
    }
}

fn row(node: &NodeRow) -> Row {
    let (state, marker, matters) = match (node.ready, node.schedulable) {
        (Some(false), _) => (Cell::new(Role::Fail, "NOTREADY"), Some((Role::Fail, "✗")), true),
        (_, Some(false)) => (Cell::new(Role::Warn, "cordoned"), Some((Role::Warn, "!")), true),
        (Some(true), _) => (Cell::new(Role::Ok, "ready"), None, false),
        (None, _) => (Cell::new(Role::Muted, "-"), None, false),
    };
    let free = match (node.gpu_allocatable, node.gpu_requested, node.gpu_capacity) {
        (Some(allocatable), Some(requested), _) => {
            Cell::text(format!("{}/{allocatable}", allocatable.saturating_sub(requested)))
        }
        (_, _, Some(capacity)) => Cell::text(format!("-/{capacity}")),
        _ => Cell::new(Role::Muted, "-"),
    };
    Row {
        marker,
        matters,
        ..Row::new(
            &node.name,
            vec![
                node.name.as_str().into(),
                state,
                or_dash(node.gpu_product.as_deref().map(product)),
                free,
                or_dash(node.gpu_driver.as_ref()),
                or_dash(node.kubelet.as_ref()),
                or_dash(node.os_image.as_ref()),
                or_dash(node.kernel.as_ref()),
                or_dash(node.architecture.as_ref()),
                or_dash(node.runtime.as_ref()),
            ],
        )
    }
}

/// A GPU product without the maker's name, which stands before all of them.
pub(super) fn product(name: &str) -> &str {
    name.strip_prefix("NVIDIA-").unwrap_or(name)
}
