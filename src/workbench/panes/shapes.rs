//! Nodes that are alike, as one row: accelerator, driver, OS, kernel, kubelet, taints.

use super::{no_cluster, nodes, prelude::*};

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
            let node = view.model.cluster.shapes.get(*index)?.nodes.first()?;
            Some(Step::Select(&nodes::PANE, node.into()))
        }
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let shapes = &view.model.cluster.shapes;
    let rows = shapes.iter().enumerate().map(|(index, shape)| {
        let marker = (!shape.taints.is_empty()).then_some((Role::Warn, "!"));
        let cells = vec![
            Cell::text(shape.nodes.len().to_string()),
            nodes::product(&shape.accelerator).into(),
            or_dash((!shape.driver.is_empty()).then_some(&shape.driver)),
            shape.os_image.as_str().into(),
            shape.kernel.as_str().into(),
            shape.kubelet.as_str().into(),
        ];
        Row { marker, ..Row::new(RowId::Shape(index), cells) }
    });
    let rows: Vec<Row> = rows.collect();
    let says = if rows.is_empty() { no_cluster(view) } else { Vec::new() };
    Content {
        title: format!("shapes {}", rows.len()),
        note: text::count(view.model.cluster.nodes.len(), "node"),
        columns: vec![
            Column::new("NODES", 5, 5).right(),
            Column::new("ACCELERATOR", 10, 20).grows().name_like(),
            Column::new("DRIVER", 10, 11).priority(2),
            Column::new("OS", 8, 18).priority(3),
            Column::new("KERNEL", 8, 18).name_like().priority(4),
            Column::new("KUBELET", 7, 9).priority(1),
        ],
        rows,
        says,
        headers: true,
        ..Content::default()
    }
}
