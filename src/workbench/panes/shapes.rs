//! Nodes that are alike, as one row: accelerator, driver, OS, kernel, kubelet, taints.

use super::{Need, Pane, PaneId, no_cluster};
use crate::workbench::{
    Screen,
    app::State,
    keymap::Action,
    theme::Role,
    widgets::{
        table::{Cell, Column, Content, Row},
        text,
    },
};

pub(super) static PANE: Pane = Pane {
    id: PaneId::Shapes,
    screen: Screen::Cluster,
    name: "shapes",
    needs: &[Need::Cluster],
    hints: &[Action::MoveDown, Action::Enter, Action::Filter, Action::NextPanel],
    build,
};

fn build(state: &State) -> Content {
    let shapes = &state.data.cluster.shapes;
    let rows = shapes.iter().enumerate().map(|(index, shape)| {
        let marker = (!shape.taints.is_empty()).then_some((Role::Warn, "!"));
        let cells = vec![
            Cell::text(shape.nodes.len().to_string()),
            super::nodes::product(&shape.accelerator).into(),
            super::or_dash((!shape.driver.is_empty()).then_some(&shape.driver)),
            shape.os_image.as_str().into(),
            shape.kernel.as_str().into(),
            shape.kubelet.as_str().into(),
        ];
        Row { marker, ..Row::new(format!("shape {index}"), cells) }
    });
    let rows: Vec<Row> = rows.collect();
    let says = if rows.is_empty() { no_cluster(state) } else { Vec::new() };
    Content {
        title: format!("shapes {}", rows.len()),
        note: text::count(state.data.cluster.nodes.len(), "node"),
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
