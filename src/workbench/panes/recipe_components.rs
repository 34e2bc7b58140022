//! Components of the recipe in deployment order.

use super::{prelude::*, stack, values};
use crate::{document::selector::Segment, recipe::Recipe};

pub static PANE: Pane = Pane {
    name: "recipe components",
    screen: Screen::Recipe,
    place: Place::NONE.short(column(0, 50).on_focus()).four(column(0, 50).row(1)).all(column(0, 50).row(1)),
    needs: &[Need::Recipe, Need::WhatIf],
    hints: &[Action::MoveDown, Action::Enter, Action::Filter, Action::Copy, Action::NextPanel],
    build,
    count: |view| {
        let components = &view.model.recipe.value.as_ref()?.recipe.components;
        Some(components.iter().filter(|component| component.is_enabled()).count().to_string())
    },
    on: |view, action| {
        let name = view.selected(&PANE)?.named()?;
        let path = format!("components.{}", Segment::Key(name.to_owned()));
        match action {
            Action::Enter => Some(Step::Select(&values::PANE, path.into())),
            Action::GoDefinition => Some(values::definition(view, &path)),
            Action::Copy => Some(Step::Copy(name.to_owned())),
            _ => None,
        }
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let Some(resolution) = &view.model.recipe.value else {
        return content(Vec::new(), String::new(), stack::no_recipe(view));
    };
    let recipe = &resolution.recipe;
    let place = |name: &str| recipe.deployment_order.iter().position(|other| other == name).unwrap_or(usize::MAX);
    let mut components: Vec<_> = recipe.components.iter().collect();
    components.sort_by_key(|component| (place(&component.name), component.name.clone()));
    let rows: Vec<Row> = components
        .iter()
        .map(|component| {
            let order = place(&component.name);
            let enabled = component.is_enabled();
            let role = if enabled { Role::Text } else { Role::Skip };
            let version = if component.version.is_empty() { &component.tag } else { &component.version };
            let depends = component.dependency_refs.join(", ");
            Row {
                marker: (!enabled).then_some((Role::Skip, "⊘")),
                ..Row::new(
                    &component.name,
                    vec![
                        Cell::new(Role::Muted, if enabled { (order + 1).to_string() } else { "-".to_owned() }),
                        Cell::new(role, &component.name).leading_to(page_of(view, &component.name)),
                        or_dash((!version.is_empty()).then_some(version)),
                        Cell::new(Role::Muted, &component.namespace),
                        Cell::new(Role::Muted, if depends.is_empty() { "-" } else { &depends }),
                    ],
                )
            }
        })
        .collect();
    let mut rows = rows;
    let mut note = format!("{} in order", recipe.deployment_order.len());
    let then = view.model.what_if.as_ref().and_then(|what_if| what_if.resolution.value.as_deref());
    if let Some(then) = then {
        let is_in = |recipe: &Recipe, name: &str| recipe.components.iter().any(|component| component.name == name);
        let mut goes = 0;
        for row in &mut rows {
            if row.id.named().is_some_and(|name| !is_in(&then.recipe, name)) {
                (row.marker, row.matters) = (Some((Role::Remove, "-")), true);
                goes += 1;
            }
        }
        let comes = then.recipe.components.iter().filter(|component| !is_in(recipe, &component.name));
        let before = rows.len();
        rows.extend(comes.map(|component| {
            let version = if component.version.is_empty() { &component.tag } else { &component.version };
            let cells = vec![
                Cell::default(),
                Cell::new(Role::Add, &component.name),
                or_dash((!version.is_empty()).then_some(version)),
                Cell::new(Role::Muted, &component.namespace),
                Cell::new(Role::Muted, component.dependency_refs.join(", ")),
            ];
            Row { marker: Some((Role::Add, "+")), matters: true, ..Row::new(&component.name, cells) }
        }));
        if rows.len() > before || goes > 0 {
            note += &format!(" +{} -{goes}", rows.len() - before);
        }
    }
    content(rows, note, Blank::Empty.says("the recipe has no components"))
}

fn content(rows: Vec<Row>, note: String, says: Vec<(Role, String)>) -> Content {
    Content {
        title: "components".to_owned(),
        note,
        columns: vec![
            Column::new("#", 2, 2).right(),
            Column::new("COMPONENT", 12, 24).name_like(),
            Column::new("VERSION", 7, 12).priority(1),
            Column::new("NAMESPACE", 8, 18).wide().priority(3),
            // A list of which the first word is seen says nothing.
            Column::new("DEPENDS", 16, 24).grows().priority(2),
        ],
        says: if rows.is_empty() { says } else { Vec::new() },
        rows,
        headers: true,
        ..Content::default()
    }
}
