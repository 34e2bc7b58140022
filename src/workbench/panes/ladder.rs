//! Who set the selected value: every layer that spoke or could have, winner first.

use super::{changes, prelude::*, values};
use crate::{document::traced::TracedValue, resolve::explain};

pub static PANE: Pane = Pane {
    name: "ladder",
    screen: Screen::Recipe,
    place: Place::NONE
        .detail(9)
        .short(column(1, 0).row(1).part(1, 2).at_most(9))
        .four(column(1, 0).row(1).lines(13))
        .all(column(2, 64)),
    needs: &[Need::Recipe, Need::Cursor(&values::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::GoDefinition, Action::Copy, Action::ZoomFull],
    build,
    on: |view, action| match action {
        Action::Enter | Action::GoDefinition => Some(definition(view)),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let path = values::path_of(view);
    let found = view
        .model
        .recipe
        .value
        .as_ref()
        .zip(path)
        .and_then(|(resolution, path)| Some((resolution, path, values::traced_at(resolution, path)?)));
    let Some((resolution, path, traced)) = found else {
        return Content {
            title: "ladder: who set this value".to_owned(),
            says: Blank::Empty.says("no value is selected"),
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
            Some(value) => Cell::new(if wins { Role::Strong } else { Role::Text }, changes::shown_value(value)),
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
                RowId::Rung(place),
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

/// The line that the layer under the cursor wrote.
fn definition(view: &View<'_>) -> Step {
    let origin = || {
        let RowId::Rung(place) = view.selected(&PANE)? else { return None };
        let traced = values::traced_at(view.model.recipe.value.as_ref()?, values::path_of(view)?)?;
        // The ladder begins with the layers that wrote, the last one on top.
        traced.history.iter().rev().nth(*place)
    };
    origin().map_or_else(|| Step::Say("this layer does not set the value".to_owned()), values::source)
}
