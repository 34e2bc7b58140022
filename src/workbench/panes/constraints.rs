//! The recipe's constraints, judged on the shown cluster: on all its nodes, or on those of one shape.

use super::{no_cluster, prelude::*, values};
use crate::{
    constraint::{self, Verdict},
    workbench::model::Rule,
};
use std::collections::HashSet;

pub static PANE: Pane = Pane {
    name: "constraints",
    screen: Screen::Cluster,
    place: Place::NONE
        .short(column(0, 44).row(1))
        .four(column(0, 50).row(2).part(1, 3))
        .all(column(2, 64).row(1).lines(14)),
    jump: Some(Action::GoConstraint),
    needs: &[Need::Cluster, Need::Recipe],
    live: Live::Recipe,
    hints: &[Action::MoveDown, Action::NextThing, Action::Enter, Action::NextPanel],
    build,
    count: |view| {
        let (_, rules) = rules(view);
        let fails = |is_warning: bool| {
            let failing = rules.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Fail { .. }));
            failing.filter(|(rule, _)| rule.is_warning == is_warning).count()
        };
        match (fails(false), fails(true)) {
            (0, 0) => (!rules.is_empty()).then(|| rules.len().to_string()),
            (0, warned) => Some(format!("{warned}!")),
            (not, _) => Some(format!("{not}✗")),
        }
    },
    on: |view, action| match (action, view.selected(&PANE)?) {
        (Action::Enter, RowId::Constraint(name)) => {
            Some(Step::Select(&values::PANE, format!("constraints[name={name}]").into()))
        }
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    if view.model.recipe.value.is_none() {
        let says = match &view.model.recipe.failure {
            Some(failure) => failed(view, failure),
            None => {
                let key = view.keys.key(Action::ScreenRecipe);
                Blank::NotAsked.says(format!("constraints come with a recipe: press {key}"))
            }
        };
        return content(Vec::new(), String::new(), says);
    }
    let (mut met, mut not, mut warned) = (0, 0, 0);
    let (drilled, rules) = rules(view);
    let rows: Vec<Row> = rules
        .iter()
        .map(|(rule, verdict)| {
            let (role, glyph, found) = match verdict {
                Verdict::Pass { actual, .. } => {
                    met += 1;
                    (Role::Ok, "✓", Cell::text(actual))
                }
                Verdict::Fail { actual, .. } if rule.is_warning => {
                    warned += 1;
                    (Role::Warn, "!", Cell::new(Role::Warn, actual))
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
            let set_by = match rule.layer {
                Some(layer) => Cell::new(Role::layer(layer), &rule.set_by),
                None => Cell::new(Role::Warn, format!("{}, left out", rule.set_by)),
            };
            let (spread, except) = match verdict.nodes() {
                Some(spread) if spread.only.is_none() => {
                    (format!("{} of {}", spread.holds, spread.of), spread.exceptions())
                }
                Some(spread) => (String::new(), spread.exceptions()),
                None => (String::new(), String::new()),
            };
            Row {
                marker: Some((role, glyph)),
                matters: matches!(verdict, Verdict::Fail { .. }),
                ..Row::new(
                    RowId::Constraint(rule.name.clone()),
                    vec![
                        rule.name.as_str().into(),
                        rule.expected.as_str().into(),
                        found,
                        Cell::new(role, spread),
                        set_by,
                        Cell::new(role, except),
                        // What holds needs no remedy.
                        if matches!(verdict, Verdict::Pass { .. }) {
                            "".into()
                        } else {
                            rule.remediation.as_str().into()
                        },
                    ],
                )
            }
        })
        .collect();
    let unknown = rows.len() - met - not - warned;
    let parts = [(met, "met"), (not, "FAIL"), (warned, "warned"), (unknown, "unknown")];
    let note = parts.iter().filter(|(count, word)| *count > 0 || *word == "met" && !rows.is_empty());
    let note: Vec<String> = note.map(|(count, word)| format!("{count} {word}")).collect();
    let says = if view.model.cluster.snapshot.is_none() {
        no_cluster(view)
    } else if drilled {
        Blank::Empty.says("no constraint concerns these nodes")
    } else {
        Blank::Empty.says("the recipe has no constraints")
    };
    let content = content(rows, note.join(", "), says);
    if drilled { Content { title: "constraints on these nodes".to_owned(), ..content } } else { content }
}

/// The rules with their verdicts: on the cluster, or on the nodes of the shape that alone are listed.
fn rules<'v>(view: &View<'v>) -> (bool, Vec<(&'v Rule, Verdict)>) {
    let cluster = &view.model.cluster;
    let (Some((_, shape)), Some(snapshot)) = (cluster.drilled(), &cluster.snapshot) else {
        return (false, view.model.rules.iter().map(|rule| (rule, rule.verdict.clone())).collect());
    };
    let nodes: HashSet<&str> = shape.iter().flat_map(|shape| &shape.nodes).map(|node| &*node.name).collect();
    let judge = |rule: &'v Rule| Some((rule, constraint::judge_among(&rule.name, &rule.expected, snapshot, &nodes)?));
    (true, view.model.rules.iter().filter_map(judge).collect())
}

fn content(rows: Vec<Row>, note: String, says: Vec<(Role, String)>) -> Content {
    // A column in which nothing is would only take room from the others.
    let is_used = |place: usize| rows.iter().any(|row| row.cells.get(place).is_some_and(|cell| cell.width() > 0));
    let column = |place, column: Column| if is_used(place) { column } else { Column::new("", 0, 0).priority(9) };
    Content {
        title: "constraints".to_owned(),
        note,
        columns: vec![
            Column::new("READING", 10, 26).grows().name_like(),
            Column::new("RULE", 6, 12),
            Column::new("FOUND", 6, 22),
            column(3, Column::new("NODES", 6, 14).priority(1)),
            Column::new("SET BY", 6, 24).name_like().priority(3),
            column(5, Column::new("EXCEPTIONS", 12, 80).priority(2)),
            column(6, Column::new("REMEDY", 12, 80).priority(2)),
        ],
        says: if rows.is_empty() { says } else { Vec::new() },
        rows,
        headers: true,
        ..Content::default()
    }
}
