//! Nodes of the shown cluster, one row each.

use super::{no_cluster, node, prelude::*, shapes};
use crate::inventory::{Node, accelerator::Accelerators};
use std::sync::Arc;

pub static PANE: Pane = Pane {
    name: "nodes",
    screen: Screen::Cluster,
    place: Place::NONE.short(column(1, 0)).four(column(1, 0)).all(column(1, 0)),
    jump: Some(Action::GoNode),
    needs: &[Need::Cluster, Need::Recipe, Need::Cursor(&shapes::PANE)],
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
    // A column in which nothing is would only take room from the others.
    let shares = cluster.nodes().iter().any(|node| !node.accelerators.division().is_empty());
    let rows: Vec<Row> = cluster.nodes().iter().map(|node| row(node, shares)).collect();
    let says = if rows.is_empty() { no_cluster(view) } else { Vec::new() };
    Content {
        title: format!("nodes {}", text::thousands(rows.len())),
        note: with_edition(view, note(cluster.nodes())),
        columns: columns(shares),
        rows,
        says,
        headers: true,
        ..Content::default()
    }
}

fn columns(shares: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::new("NAME", 14, 30).grows().name_like(),
        Column::new("STATE", 5, 9),
        Column::new("GPU", 9, 30).name_like().priority(1),
        Column::new("FREE", 5, 5).right().priority(2),
        Column::new("DRIVER", 10, 11).priority(4),
        Column::new("KUBELET", 7, 20).priority(5),
        Column::new("OS", 8, 26).priority(6),
        Column::new("KERNEL", 8, 24).name_like().priority(7),
        Column::new("ARCH", 5, 6).wide().priority(8),
        Column::new("RUNTIME", 8, 26).wide().priority(9),
    ];
    if shares {
        columns.insert(3, Column::new("SHARING", 7, 24).name_like().priority(3));
    }
    columns
}

/// With whose facts the cluster is compared, where there is room for it.
fn with_edition(view: &View<'_>, note: String) -> String {
    let edition = view.model.catalog.value.as_ref().and_then(|catalog| catalog.edition.as_ref());
    match edition.filter(|_| view.width >= 70) {
        Some(edition) if note.is_empty() => format!("catalog {} of {}", edition.release, edition.date),
        Some(edition) => format!("{note}; catalog {} of {}", edition.release, edition.date),
        None => note,
    }
}

/// What a person wants to know of all nodes: how many accelerators there are, and how many nodes are in trouble.
fn note(nodes: &[Arc<Node>]) -> String {
    if nodes.is_empty() {
        return String::new();
    }
    let counted: Vec<u64> = nodes.iter().filter_map(|node| node.accelerators.count.get()).collect();
    let uncounted =
        nodes.iter().filter(|node| node.accelerators.has_any() && !node.accelerators.count.is_known()).count();
    let mut parts = Vec::new();
    if !counted.is_empty() {
        parts.push(text::count(usize::try_from(counted.iter().sum::<u64>()).unwrap_or(0), "GPU"));
    }
    if uncounted > 0 {
        parts.push(format!("not counted on {}", text::count(uncounted, "node")));
    }
    if parts.is_empty() {
        parts.push("GPUs unknown".to_owned());
    }
    let not_ready = nodes.iter().filter(|node| node.ready.get() == Some(false)).count();
    if not_ready > 0 {
        parts.push(format!("{not_ready} not ready"));
    }
    parts.join(", ")
}

fn row(node: &Node, shares: bool) -> Row {
    let (state, marker, matters) = match (node.ready.get(), node.schedulable.get()) {
        (Some(false), _) => (Cell::new(Role::Fail, "NOTREADY"), Some((Role::Fail, "✗")), true),
        (_, Some(false)) => (Cell::new(Role::Warn, "cordoned"), Some((Role::Warn, "!")), true),
        (Some(true), _) => (Cell::new(Role::Ok, "ready"), None, false),
        (None, _) => (Cell::new(Role::Muted, "-"), None, false),
    };
    let gpus = &node.accelerators;
    let free = match gpus.free() {
        Some((Some(free), all)) => Cell::text(format!("{free}/{all}")),
        Some((None, all)) => Cell::text(format!("?/{all}")),
        None => Cell::new(Role::Muted, "-"),
    };
    let mut cells = vec![(&*node.name).into(), state, products(gpus)];
    if shares {
        let division = gpus.division();
        cells.push(or_dash((!division.is_empty()).then_some(division)));
    }
    cells.extend([
        free,
        or_dash(gpus.driver.text()),
        or_dash(node.kubelet.text()),
        or_dash(node.os.image.text()),
        or_dash(node.kernel.text()),
        or_dash(node.architecture.text()),
        or_dash(node.runtime.text()),
    ]);
    Row { marker, matters, ..Row::new(&*node.name, cells) }
}

/// What is built in; `none` where something looked and found none, which is more than nothing known.
fn products(gpus: &Accelerators) -> Cell {
    match gpus.present.get() {
        Some(false) => Cell::new(Role::Muted, "none"),
        _ => or_dash(gpus.words().as_deref().map(product)),
    }
}

/// A product in few columns, without the maker's name, which most have: `8x H100-80GB-HBM3`.
pub(super) fn product(name: &str) -> String {
    name.replacen("NVIDIA-", "", 1).replacen("NVIDIA ", "", 1).replacen(" x ", "x ", 1)
}
