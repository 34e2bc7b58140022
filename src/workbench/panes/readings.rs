//! Two snapshots aligned by identity: what is only in A, only in B, or differs.

use super::{changes, groups, prelude::*, reading};
use crate::diff::Change;

pub static PANE: Pane = Pane {
    name: "differences",
    screen: Screen::Compare,
    place: Place::NONE.short(column(1, 0)).four(column(1, 0)).all(column(1, 0)),
    needs: &[Need::Compare, Need::Cluster, Need::Cursor(&groups::PANE)],
    hints: &[Action::MoveDown, Action::NextThing, Action::Noise, Action::Swap, Action::Filter, Action::CompareWith],
    build,
    on: |view, action| match action {
        Action::Enter => Some(Step::Focus(&reading::PANE)),
        Action::Copy => Some(Step::Copy(view.selected(&PANE)?.name().to_owned())),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let compare = &view.model.compare;
    let Some((sides, changes)) = compare.changes.answer() else {
        return content("differences".to_owned(), String::new(), Vec::new(), nothing(view));
    };
    let title = format!("A {}   B {}", sides.left, sides.right);
    let group = view.selected(&groups::PANE).and_then(RowId::named);
    let shown: Vec<&Change> = changes.iter().filter(|change| compare.noise || change.noise.is_none()).collect();
    let hidden = changes.len() - shown.len();
    let in_group = |change: &&Change| group.is_none_or(|group| groups::group_of(&change.path) == group);
    let rows: Vec<Row> = shown.iter().copied().filter(in_group).map(row).collect();
    let note = match (hidden, compare.noise) {
        (0, _) => format!("{} differ", rows.len()),
        (hidden, _) => format!("{} differ, {hidden} noisy hidden ({})", rows.len(), view.keys.key(Action::Noise)),
    };
    let same = Blank::Empty.says("✓ nothing differs");
    content(title, note, rows, same)
}

pub(super) fn nothing(view: &View<'_>) -> Vec<(Role, String)> {
    let compare = &view.model.compare;
    if let Some(failure) = &compare.changes.failure {
        return failed(view, failure);
    }
    if compare.changes.loading {
        return Blank::Loading.says("comparing …");
    }
    vec![
        Blank::NotAsked.line("this screen compares two snapshots"),
        (
            Role::Muted,
            format!(
                "{} keeps the cluster as it is now as A; B is the cluster as it changes",
                view.keys.key(Action::CompareWith)
            ),
        ),
        (
            Role::Muted,
            format!(
                "{} compares a file with the cluster, two names two files",
                view.keys.command("compare before.yaml")
            ),
        ),
        (Role::Muted, "on the command line: aicr snapshot -o before.yaml; aicr diff before.yaml after.yaml".to_owned()),
    ]
}

fn row(change: &Change) -> Row {
    let side = |value: &Option<serde_json::Value>, role| match value {
        Some(value) => Cell::new(role, changes::shown_value(value)),
        None => Cell::new(Role::Muted, "-"),
    };
    let quiet = change.noise.is_some();
    let role = |role| if quiet { Role::Muted } else { role };
    Row {
        marker: Some(changes::mark(change.kind)),
        matters: !quiet,
        ..Row::new(
            &change.path,
            vec![
                Cell::new(role(Role::Text), &change.path),
                side(&change.left, role(Role::Remove)),
                side(&change.right, role(Role::Add)),
            ],
        )
    }
}

fn content(title: String, note: String, rows: Vec<Row>, says: Vec<(Role, String)>) -> Content {
    Content {
        title,
        note,
        columns: vec![
            Column::new("READING", 16, 40).grows().name_like(),
            Column::new("A", 10, 34).name_like(),
            Column::new("B", 10, 34).name_like(),
        ],
        says: if rows.is_empty() { says } else { Vec::new() },
        rows,
        headers: true,
        ..Content::default()
    }
}
