//! The recipe's constraints, judged on the shown cluster.

use super::{prelude::*, values};
use crate::constraint::Verdict;

pub static PANE: Pane = Pane {
    name: "constraints",
    screen: Screen::Cluster,
    place: Place::NONE
        .short(column(0, 44).row(1))
        .four(column(0, 50).row(2).part(1, 3))
        .all(column(2, 64).row(1).lines(14)),
    jump: Some(Action::GoConstraint),
    needs: &[Need::Cluster, Need::Recipe],
    hints: &[Action::MoveDown, Action::NextThing, Action::Enter, Action::NextPanel],
    build,
    on: |view, action| match (action, view.selected(&PANE)?) {
        (Action::Enter, RowId::Constraint(name)) => {
            Some(Step::Select(&values::PANE, format!("constraints[name={name}]").into()))
        }
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let Some(resolution) = &view.model.recipe.value else {
        let says = match &view.model.recipe.failure {
            Some(failure) => failed(view, failure),
            None => {
                let key = view.keys.key(Action::ScreenRecipe);
                vec![(Role::Muted, format!("constraints come with a recipe: press {key}"))]
            }
        };
        return content(Vec::new(), String::new(), says);
    };
    let (mut met, mut not) = (0, 0);
    let rows: Vec<Row> = resolution
        .constraints
        .iter()
        .map(|judged| {
            let (role, glyph, found) = match &judged.verdict {
                Verdict::Pass { actual, .. } => {
                    met += 1;
                    (Role::Ok, "✓", Cell::text(actual))
                }
                Verdict::Fail { actual, .. } => {
                    not += 1;
                    (Role::Fail, "✗", Cell::new(Role::Fail, actual))
                }
                Verdict::Unknown { actual, reason, .. } => {
                    let text = actual.as_ref().unwrap_or(reason);
                    (Role::Muted, "-", Cell::new(Role::Muted, text))
                }
            };
            let layer = resolution.layers.get(judged.layer).map_or("", |layer| layer.name.as_str());
            Row {
                marker: Some((role, glyph)),
                matters: matches!(judged.verdict, Verdict::Fail { .. }),
                ..Row::new(
                    RowId::Constraint(judged.name.clone()),
                    vec![
                        judged.name.as_str().into(),
                        judged.expected.as_str().into(),
                        found,
                        Cell::new(Role::layer(judged.layer), layer),
                    ],
                )
            }
        })
        .collect();
    let note = match (rows.len(), not) {
        (0, _) => String::new(),
        (all, 0) => format!("{met} of {all} met"),
        (all, not) => format!("{met} of {all} met, {not} FAIL"),
    };
    let says = if view.model.cluster.snapshot.is_none() {
        "constraints are judged when there is a cluster or a snapshot"
    } else {
        "the recipe has no constraints"
    };
    content(rows, note, vec![(Role::Muted, says.to_owned())])
}

fn content(rows: Vec<Row>, note: String, says: Vec<(Role, String)>) -> Content {
    Content {
        title: "constraints".to_owned(),
        note,
        columns: vec![
            Column::new("READING", 10, 26).grows().name_like(),
            Column::new("RULE", 6, 12),
            Column::new("FOUND", 6, 12),
            Column::new("SET BY", 6, 18).name_like().priority(1),
        ],
        says: if rows.is_empty() { says } else { Vec::new() },
        rows,
        headers: true,
        ..Content::default()
    }
}
