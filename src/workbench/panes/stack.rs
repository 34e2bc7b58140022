//! The overlay stack, winner on top, and every overlay that did not apply with its reason.

use super::{prelude::*, values};
use crate::{
    document::traced::{Layer, LayerKind},
    resolve::{Decision, Outcome, Resolution},
};

pub static PANE: Pane = Pane {
    name: "overlay stack",
    screen: Screen::Recipe,
    place: Place::NONE.short(column(0, 50)).four(column(0, 50).part(1, 2)).all(column(0, 50).part(1, 2)),
    needs: &[Need::Recipe, Need::WhatIf],
    hints: &[Action::MoveDown, Action::Right, Action::WhatIf, Action::CompareWith, Action::GoDefinition],
    build,
    count: |view| Some(view.model.recipe.value.as_ref()?.recipe.applied_overlays.len().to_string()),
    on: |view, action| match (action, view.row(&PANE)?) {
        (Action::Enter, row) if row.branch.is_some() => Some(Step::Fold),
        (Action::GoDefinition, row) => Some(definition(view, &row.id)),
        (Action::Details, row) => reason(view, &row.id),
        (Action::CompareWith, row) => match &row.id {
            RowId::Layer(name) | RowId::Overlay(name) => Some(Step::DiffOverlay(name.clone())),
            _ => None,
        },
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let Some(resolution) = &view.model.recipe.value else {
        return content("overlay stack", Vec::new(), String::new(), no_recipe(view));
    };
    let mut rows: Vec<Row> = Vec::new();
    let applied = stacked(resolution);
    let then = view.model.what_if.as_ref().and_then(|what_if| what_if.resolution.value.as_deref()).map(stacked);
    let is_in = |stack: &[(usize, &Layer)], name: &str| stack.iter().any(|(_, layer)| layer.name == name);
    let comes: Vec<&Layer> = then.iter().flatten().rev().map(|(_, layer)| *layer).collect();
    let comes: Vec<&Layer> = comes.into_iter().filter(|layer| !is_in(&applied, &layer.name)).collect();
    for layer in &comes {
        rows.push(Row {
            marker: Some((Role::Add, "+")),
            matters: true,
            ..Row::new(
                RowId::Overlay(layer.name.clone()),
                vec![
                    Cell::default(),
                    Cell::new(Role::Add, &layer.name).and(Role::Muted, layer.kind.note()),
                    layer.sets.to_string().into(),
                    layer.wins.to_string().into(),
                ],
            )
        });
    }
    let mut goes = 0;
    for (index, layer) in applied.iter().rev() {
        let is_gone = then.as_ref().is_some_and(|then| !is_in(then, &layer.name));
        goes += usize::from(is_gone);
        rows.push(Row {
            marker: is_gone.then_some((Role::Remove, "-")),
            matters: is_gone,
            ..Row::new(
                RowId::Layer(layer.name.clone()),
                vec![
                    Cell::new(Role::layer(*index), index.to_string()),
                    Cell::new(if is_gone { Role::Remove } else { Role::Text }, &layer.name)
                        .and(Role::Muted, layer.kind.note())
                        .leading_to(file_of(view, &layer.file)),
                    layer.sets.to_string().into(),
                    layer.wins.to_string().into(),
                ],
            )
        });
    }
    let changed = match (comes.len(), goes) {
        (0, 0) => String::new(),
        (comes, goes) => format!(" +{comes} -{goes}"),
    };
    let note = format!("{} applied{changed}", applied.len());
    let files: Vec<_> = resolution
        .layers
        .iter()
        .enumerate()
        .filter(|(_, layer)| !layer.kind.is_stacked() && layer.kind != LayerKind::Derived)
        .collect();
    if !files.is_empty() {
        rows.push(heading("files", format!("values files ({})", files.len())));
        for (index, layer) in files.iter().rev() {
            rows.push(Row {
                depth: 1,
                ..Row::new(
                    RowId::Layer(layer.name.clone()),
                    vec![
                        Cell::new(Role::Muted, values::sign(resolution, *index)),
                        Cell::new(Role::Muted, &layer.name).leading_to(file_of(view, &layer.file)),
                        Cell::new(Role::Muted, layer.sets.to_string()),
                        Cell::new(Role::Muted, layer.wins.to_string()),
                    ],
                )
            });
        }
    }
    add_others(&mut rows, resolution);
    content("overlay stack (top wins)", rows, note, stale(view).into_iter().collect())
}

/// The layers that lie on each other, with their places.
fn stacked(resolution: &Resolution) -> Vec<(usize, &Layer)> {
    resolution.layers.iter().enumerate().filter(|(_, layer)| layer.kind.is_stacked()).collect()
}

fn add_others(rows: &mut Vec<Row>, resolution: &Resolution) {
    let others: Vec<&Decision> = resolution
        .decisions
        .iter()
        .filter(|decision| !matches!(decision.outcome, Outcome::Applied | Outcome::Ancestor { .. }))
        .collect();
    if others.is_empty() {
        return;
    }
    rows.push(heading("others", format!("not applied ({})", others.len())));
    for decision in others {
        let excluded = matches!(decision.outcome, Outcome::Excluded { .. } | Outcome::DroppedWith { .. });
        rows.push(Row {
            depth: 1,
            marker: excluded.then_some((Role::Warn, "!")),
            matters: excluded,
            ..Row::new(
                RowId::Overlay(decision.overlay.to_string()),
                vec![
                    Cell::default(),
                    Cell::new(Role::Muted, &decision.overlay).and(Role::Muted, format!("  {}", decision.outcome)),
                ],
            )
        });
    }
}

/// Why an overlay does not apply, in full.
fn reason(view: &View<'_>, id: &RowId) -> Option<Step> {
    let RowId::Overlay(name) = id else { return None };
    let decision = view.model.recipe.value.as_ref()?.decisions.iter().find(|one| one.overlay == *name)?;
    Some(Step::Prose { title: format!("overlay {name}"), body: format!("not applied: {}", decision.outcome) })
}

/// The file of the layer or overlay under the cursor.
fn definition(view: &View<'_>, id: &RowId) -> Step {
    let file = view.model.recipe.value.as_ref().and_then(|resolution| match id {
        RowId::Layer(name) => resolution.layers.iter().find(|layer| layer.name == *name).map(|layer| &layer.file),
        RowId::Overlay(name) => resolution.decisions.iter().find(|one| one.overlay == *name).map(|one| &one.file),
        _ => None,
    });
    match file {
        Some(file) => Step::Source { file: file.to_string(), line: 1 },
        None => Step::Say("the selected row is not a file".to_owned()),
    }
}

fn heading(section: &'static str, text: String) -> Row {
    Row {
        branch: Some(false),
        ..Row::new(RowId::Line(section, 0), vec![Cell::default(), Cell::new(Role::Heading, text)])
    }
}

/// What recipe panels say without a recipe.
pub(super) fn no_recipe(view: &View<'_>) -> Vec<(Role, String)> {
    let data = view.model;
    if let Some(failure) = data.catalog.failure.as_ref().or(data.recipe.failure.as_ref()) {
        return failed(view, failure);
    }
    if data.catalog.loading || data.recipe.loading {
        return Blank::Loading.says("resolving …");
    }
    let (key, line) = (view.keys.key(Action::WhatIf), view.keys.command("recipe service=kind accelerator=a100"));
    vec![
        Blank::NotAsked.line("a recipe needs criteria, or a cluster that reveals them"),
        (Role::Muted, format!("{key} chooses criteria; {line} states them")),
        (Role::Muted, "on the command line: aicr recipe --service kind --accelerator a100".to_owned()),
    ]
}

fn content(title: &str, rows: Vec<Row>, note: String, says: Vec<(Role, String)>) -> Content {
    Content {
        title: title.to_owned(),
        note,
        columns: vec![
            Column::new("#", 2, 3),
            Column::new("OVERLAY", 12, 30).grows().name_like(),
            Column::new("SETS", 4, 4).right().priority(1),
            Column::new("WINS", 4, 4).right().priority(1),
        ],
        rows,
        says,
        headers: true,
        ordered: true,
        // Why an overlay does not apply is a sentence.
        goes_on: true,
        ..Content::default()
    }
}
