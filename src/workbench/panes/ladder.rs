//! Who set the selected value: every layer that spoke or could have, winner first.

use super::{Need, Pane, PaneId};
use crate::{
    document::traced::TracedValue,
    resolve::explain,
    workbench::{
        Screen,
        app::State,
        keymap::Action,
        theme::Role,
        widgets::{
            table::{Cell, Column, Content, Row},
            text,
        },
    },
};

pub(super) static PANE: Pane = Pane {
    id: PaneId::Ladder,
    screen: Screen::Recipe,
    name: "ladder",
    needs: &[Need::Recipe, Need::Cursor(PaneId::Values), Need::Look],
    hints: &[Action::MoveDown, Action::GoDefinition, Action::Copy, Action::ZoomFull],
    build,
};

fn build(state: &State) -> Content {
    let path = super::path_of(state);
    let found = state
        .data
        .recipe
        .value
        .as_ref()
        .zip(path)
        .and_then(|(resolution, path)| Some((resolution, path, super::traced_at(resolution, path)?)));
    let Some((resolution, path, traced)) = found else {
        return Content {
            title: "ladder: who set this value".to_owned(),
            says: vec![(Role::Muted, "select a value to see which layers set it".to_owned())],
            ..Content::default()
        };
    };
    let rungs = explain::ladder(resolution, traced);
    let spoke = rungs.iter().filter(|rung| rung.value.is_some()).count();
    let mut rows: Vec<Row> = Vec::new();
    for (place, rung) in rungs.iter().enumerate() {
        let wins = place == 0 && rung.value.is_some();
        let role = if rung.value.is_some() { Role::layer(rung.layer) } else { Role::Muted };
        let value = match &rung.value {
            Some(value) => Cell::new(if wins { Role::Strong } else { Role::Text }, super::shown_value(value)),
            None => Cell::new(Role::Muted, "(not set)"),
        };
        let note = match (wins, rung.hidden_by) {
            (true, _) => Cell::new(Role::Ok, "wins"),
            (_, Some(by)) => Cell::new(Role::Muted, format!("hidden by {by}")),
            _ => Cell::default(),
        };
        rows.push(Row {
            marker: wins.then_some((Role::Run, "»")),
            ..Row::new(
                format!("{place} {}", rung.layer_name),
                vec![
                    Cell::new(role, rung.layer.to_string()),
                    Cell::new(role, &rung.layer_name),
                    value,
                    note,
                    Cell::new(Role::Muted, &rung.at),
                    Cell::new(Role::Muted, if rung.criteria.is_empty() { "-" } else { &rung.criteria }),
                ],
            )
        });
    }
    let mut says = Vec::new();
    if !matches!(traced.value, TracedValue::Scalar(_)) && spoke == 0 {
        says.push((Role::Muted, "several layers built this; go in to see who set which part".to_owned()));
    }
    Content {
        title: format!("ladder {path}"),
        note: if spoke > 0 { format!("{spoke} of {}", text::count(rungs.len(), "layer")) } else { String::new() },
        columns: vec![
            Column::new("#", 2, 2).right(),
            Column::new("LAYER", 12, 20).name_like(),
            Column::new("VALUE", 8, 14).grows(),
            Column::new("", 11, 14).priority(1),
            Column::new("WRITTEN AT", 16, 60).name_like().priority(2),
            Column::new("CRITERIA", 8, 40).wide().priority(3),
        ],
        rows,
        says,
        headers: true,
        ordered: true,
        ..Content::default()
    }
}
