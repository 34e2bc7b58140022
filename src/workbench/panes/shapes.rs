//! Nodes that are alike, as one row, by what makes them differ; outliers first.

use super::{no_cluster, nodes, prelude::*};
use crate::inventory::shape::{Attribute, Shape};

pub static PANE: Pane = Pane {
    name: "shapes",
    screen: Screen::Cluster,
    place: Place::NONE
        .short(column(0, 44).part(1, 2))
        .four(column(0, 50).part(1, 3).at_most(10))
        .all(column(0, 50).part(1, 3)),
    needs: &[Need::Cluster],
    hints: &[Action::MoveDown, Action::Enter, Action::Filter, Action::NextPanel],
    build,
    on: |view, action| match (action, view.selected(&PANE)?) {
        (Action::Enter, RowId::Shape(index)) => {
            let node = view.model.cluster.fleet.shapes.get(*index)?.nodes.first()?;
            Some(Step::Select(&nodes::PANE, (&*node.name).into()))
        }
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let cluster = &view.model.cluster;
    let fleet = &cluster.fleet;
    // What is the same everywhere tells shapes apart as little as an empty column; with one shape all is the same.
    let mut shown: Vec<Attribute> = fleet.differing.clone();
    let usual = [Attribute::Accelerator, Attribute::Driver, Attribute::Os, Attribute::Kernel, Attribute::Kubelet];
    shown.extend(usual.into_iter().filter(|attribute| !fleet.differing.contains(attribute)));
    let rows: Vec<Row> = fleet.shapes.iter().enumerate().map(|(index, shape)| row(index, shape, &shown)).collect();
    let says = if rows.is_empty() { no_cluster(view) } else { Vec::new() };
    let not_ready: usize = fleet.shapes.iter().map(|shape| shape.not_ready).sum();
    let nodes = text::count(cluster.nodes().len(), "node");
    let mut columns = vec![Column::new("NODES", 5, 12).right()];
    for (index, attribute) in shown.iter().enumerate() {
        let column = Column::new(heading(*attribute), 7, 28).priority(u8::try_from(index).unwrap_or(u8::MAX));
        columns.push(if index == 0 { column.grows().name_like() } else { column });
    }
    Content {
        title: format!("shapes {}", rows.len()),
        note: if not_ready > 0 { format!("{nodes}, {not_ready} not ready") } else { nodes },
        columns,
        rows,
        says,
        headers: true,
        ..Content::default()
    }
}

fn heading(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Accelerator => "ACCELERATOR",
        Attribute::Division => "SHARING",
        Attribute::Driver => "DRIVER",
        Attribute::Os => "OS",
        Attribute::Kernel => "KERNEL",
        Attribute::Kubelet => "KUBELET",
        Attribute::Runtime => "RUNTIME",
        Attribute::Architecture => "ARCH",
        Attribute::InstanceType => "MACHINE",
        Attribute::Service => "SERVICE",
        Attribute::Taints => "TAINTS",
        Attribute::Virtual => "VIRTUAL",
    }
}

fn row(index: usize, shape: &Shape, shown: &[Attribute]) -> Row {
    let marker = match (shape.not_ready, shape.outlier) {
        (1.., _) => Some((Role::Fail, "✗")),
        (0, true) => Some((Role::Warn, "!")),
        (0, false) => None,
    };
    let nodes = match shape.not_ready {
        0 => shape.nodes.len().to_string(),
        down => format!("{} -{down}", shape.nodes.len()),
    };
    let mut cells = vec![Cell::text(nodes)];
    for attribute in shown {
        let value = shape.value(*attribute);
        let cell = match (attribute, value) {
            // Nothing says that the node has none, and nothing says that it has one.
            (Attribute::Accelerator, "") => Cell::new(Role::Muted, "-"),
            (Attribute::Accelerator, "none") => Cell::new(Role::Muted, "none"),
            (Attribute::Accelerator, value) => nodes::product(value).into(),
            (_, "") => Cell::new(Role::Muted, "-"),
            (_, value) => value.into(),
        };
        cells.push(cell);
    }
    Row { marker, matters: marker.is_some(), ..Row::new(RowId::Shape(index), cells) }
}
