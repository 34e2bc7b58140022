//! Criteria as toggles: each change resolves again beside the current recipe.

use super::{Need, Pane, PaneId};
use crate::{
    criteria::Dimension,
    diff::ChangeKind,
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
    id: PaneId::WhatIf,
    screen: Screen::Recipe,
    name: "what-if",
    needs: &[Need::Recipe, Need::WhatIf],
    hints: &[Action::MoveDown, Action::Left, Action::Right, Action::Enter, Action::KeepColumn, Action::Back],
    build,
};

fn build(state: &State) -> Content {
    let data = &state.data;
    let Some(what_if) = &data.what_if else {
        return Content {
            title: "what-if".to_owned(),
            says: vec![(Role::Muted, "i opens it: change a criterion and see what would change".to_owned())],
            ..Content::default()
        };
    };
    let rows = Dimension::ALL
        .into_iter()
        .map(|dimension| {
            let now = data.criteria.get(dimension);
            let then = what_if.criteria.get(dimension);
            let changed = now != then;
            let legal = data.catalog.value.as_ref().map(|catalog| catalog.criteria_values(dimension));
            let mut choices = Cell::default();
            for value in legal.unwrap_or_default() {
                let chosen = then.as_deref() == Some(&*value);
                choices = choices.and(if chosen { Role::Focus } else { Role::Muted }, format!("{value} "));
            }
            if dimension == Dimension::Nodes {
                choices = Cell::new(Role::Muted, "h and l halve and double");
            }
            let word = |value: Option<String>| value.unwrap_or_else(|| "any".to_owned());
            Row {
                marker: changed.then_some((Role::Change, "~")),
                matters: changed,
                ..Row::new(
                    dimension.name(),
                    vec![
                        Cell::new(Role::Muted, dimension.name()),
                        Cell::new(if changed { Role::Change } else { Role::Text }, word(then)),
                        Cell::new(Role::Muted, if changed { format!("was {}", word(now)) } else { String::new() }),
                        choices,
                    ],
                )
            }
        })
        .collect();
    Content {
        title: "what-if".to_owned(),
        note: summary(state),
        columns: vec![
            Column::new("CRITERION", 11, 11),
            Column::new("VALUE", 10, 13),
            Column::new("", 8, 14).priority(1),
            Column::new("LEGAL VALUES", 10, 20).grows(),
        ],
        rows,
        says: failure_line(state),
        headers: true,
        ordered: true,
        ..Content::default()
    }
}

fn failure_line(state: &State) -> Vec<(Role, String)> {
    let failure = state.data.what_if.as_ref().and_then(|what_if| what_if.resolution.failure.as_ref());
    failure.map_or_else(Vec::new, |failure| vec![(Role::Fail, format!("✗ {}", text::clean(&failure.because)))])
}

fn summary(state: &State) -> String {
    let Some(what_if) = &state.data.what_if else { return String::new() };
    if what_if.criteria == state.data.criteria {
        return "h l change a value, Esc reverts".to_owned();
    }
    match &what_if.changes.value {
        Some(changes) if !what_if.changes.loading => {
            let components = changes.iter().filter(|change| {
                matches!(change.kind, ChangeKind::Added | ChangeKind::Removed)
                    && change.path.strip_prefix("components.").is_some_and(|rest| !rest.contains('.'))
            });
            let count = components.count();
            let components = if count > 0 { format!(", {}", text::count(count, "component")) } else { String::new() };
            format!("{}{components}; Enter: Diff, K: column", text::count(changes.len(), "change"))
        }
        _ if what_if.resolution.failure.is_some() => "no recipe for these criteria".to_owned(),
        _ => "resolving …".to_owned(),
    }
}
