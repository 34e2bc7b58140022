//! What differs between two recipes, as a list of changes with their cause.

use super::{cause, prelude::*, upgrades};
use crate::{
    diff::{Change, ChangeKind},
    workbench::model::With,
};

pub static PANE: Pane = Pane {
    name: "changes",
    screen: Screen::Diff,
    place: Place::NONE.short(column(0, 0)).four(column(0, 0)).all(column(0, 60)),
    presence: upgrades::unless_shown,
    needs: &[Need::Recipe, Need::Diff],
    hints: &[Action::MoveDown, Action::NextThing, Action::DiffView, Action::Swap, Action::CompareWith, Action::Filter],
    build,
    on: |view, action| match action {
        Action::Enter => Some(Step::Focus(&cause::PANE)),
        Action::Copy => Some(Step::Copy(view.selected(&PANE)?.named()?.to_owned())),
        _ => None,
    },
    ..Pane::BASE
};

/// The section of what could not be compared.
pub(super) const NOTES: &str = "notes";

fn build(view: &View<'_>) -> Content {
    let diff = &view.model.diff;
    let Some(changes) = &diff.changes.value else {
        return content(Vec::new(), String::new(), nothing(view));
    };
    let mut rows: Vec<Row> = changes.changes.iter().map(row).collect();
    let mut note = counts(&changes.changes);
    if !changes.notes.is_empty() {
        note += &format!(", {} not compared", changes.notes.len());
        let row = |(at, note)| Row::new(RowId::Line(NOTES, at), vec![Cell::new(Role::Muted, note)]);
        rows.extend(changes.notes.iter().enumerate().map(row));
    }
    let same = match diff.with {
        Some(With::Cluster) => "✓ the cluster runs what the recipe says",
        _ => "✓ both recipes are the same",
    };
    content(rows, note, Blank::Empty.says(same))
}

/// Why there is no diff, and how to get one.
pub(super) fn nothing(view: &View<'_>) -> Vec<(Role, String)> {
    let diff = &view.model.diff;
    if let Some(failure) = diff.other.failure.as_ref().or(diff.changes.failure.as_ref()) {
        return failed(view, failure);
    }
    if diff.with == Some(With::Cluster) && view.model.cluster.snapshot.is_none() {
        let key = view.keys.key(Action::ScreenCluster);
        return Blank::Loading.says(format!("the cluster is not read yet; {key} shows why"));
    }
    if diff.with.is_some() {
        return Blank::Loading.says("comparing …");
    }
    let keys = view.keys;
    let key = |action| keys.key(action);
    let other = keys.command("diff service=eks accelerator=h100");
    vec![
        Blank::NotAsked.line("this screen compares the recipe with another one or the cluster"),
        (
            Role::Muted,
            format!("{} chooses what; {other} compares with the recipe of other criteria", key(Action::CompareWith)),
        ),
        (
            Role::Muted,
            format!(
                "{} compares with the cluster, {} with a saved recipe",
                keys.command("diff cluster"),
                keys.command("diff FILE")
            ),
        ),
        (
            Role::Muted,
            format!(
                "{} tries criteria on the Recipe screen; {} there compares them here",
                key(Action::WhatIf),
                key(Action::Enter)
            ),
        ),
        (Role::Muted, format!("{} checks whether the cluster can be upgraded to the recipe", key(Action::GoUpgrade))),
        (Role::Muted, "on the command line: aicr diff recipe.yaml cluster".to_owned()),
    ]
}

/// Glyph and role of a kind of change.
pub(super) fn mark(kind: ChangeKind) -> (Role, &'static str) {
    match kind {
        ChangeKind::Added => (Role::Add, "+"),
        ChangeKind::Removed => (Role::Remove, "-"),
        ChangeKind::Modified => (Role::Change, "~"),
        ChangeKind::Moved => (Role::Run, "»"),
    }
}

/// `12 changed, 3 added, 1 removed`.
pub(super) fn counts(changes: &[Change]) -> String {
    let of = |kind| changes.iter().filter(|change| change.kind == kind).count();
    let parts: Vec<String> = [
        (of(ChangeKind::Modified), "changed"),
        (of(ChangeKind::Added), "added"),
        (of(ChangeKind::Removed), "removed"),
        (of(ChangeKind::Moved), "moved"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{} {word}", text::thousands(count)))
    .collect();
    if parts.is_empty() { "no changes".to_owned() } else { parts.join(", ") }
}

fn row(change: &Change) -> Row {
    let side = |value: &Option<serde_json::Value>, role| match value {
        Some(value) => Cell::new(role, shown_value(value)),
        None => Cell::new(Role::Muted, "-"),
    };
    Row {
        marker: Some(mark(change.kind)),
        matters: true,
        ..Row::new(
            &change.path,
            vec![
                Cell::text(&change.path),
                side(&change.left, Role::Remove),
                side(&change.right, Role::Add),
                Cell::new(Role::Muted, &change.cause),
            ],
        )
    }
}

/// A value in one line: texts as they are, collections by their size.
pub fn shown_value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        serde_json::Value::String(text) => text.lines().next().unwrap_or_default().to_owned(),
        serde_json::Value::Array(items) if items.len() > 3 => format!("[{}]", text::count(items.len(), "item")),
        serde_json::Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        serde_json::Value::Object(entries) => {
            let names: Vec<&str> = entries.keys().take(3).map(String::as_str).collect();
            format!("{{{}{}}}", names.join(", "), if entries.len() > 3 { ", …" } else { "" })
        }
        other => other.to_string(),
    }
}

fn content(rows: Vec<Row>, note: String, says: Vec<(Role, String)>) -> Content {
    Content {
        title: "changes".to_owned(),
        note,
        columns: vec![
            Column::new("PATH", 16, 44).grows().name_like(),
            Column::new("LEFT", 8, 24).name_like(),
            Column::new("RIGHT", 8, 24).name_like(),
            Column::new("CAUSE", 10, 34).name_like().priority(1),
        ],
        says: if rows.is_empty() { says } else { Vec::new() },
        rows,
        headers: true,
        ..Content::default()
    }
}
