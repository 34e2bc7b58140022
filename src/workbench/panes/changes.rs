//! What differs between two recipes, by what causes it.

use super::{cause, prelude::*, upgrades};
use crate::{
    diff::{Change, ChangeKind},
    workbench::model::With,
};
use std::collections::HashMap;

pub static PANE: Pane = Pane {
    name: "changes",
    screen: Screen::Diff,
    place: Place::NONE.short(column(0, 0)).four(column(0, 0)).all(column(0, 60)),
    presence: upgrades::unless_shown,
    needs: &[Need::Recipe, Need::Diff],
    hints: &[Action::MoveDown, Action::NextThing, Action::DiffView, Action::Swap, Action::CompareWith, Action::Filter],
    build,
    on: |view, action| match action {
        Action::Enter if view.row(&PANE)?.branch.is_some() => Some(Step::Fold),
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
    let Some((sides, changes)) = diff.changes.answer() else {
        return content("changes".to_owned(), Vec::new(), String::new(), nothing(view));
    };
    let mut rows = tree(&changes.changes);
    let mut note = counts(&changes.changes.iter().collect::<Vec<_>>());
    if !changes.notes.is_empty() {
        note += &format!(", {} not compared", changes.notes.len());
        let row = |(at, note)| Row::new(RowId::Line(NOTES, at), vec![Cell::new(Role::Muted, note)]);
        rows.extend(changes.notes.iter().enumerate().map(row));
    }
    let same = match diff.with {
        Some(With::Cluster) => "✓ the cluster runs what the recipe says",
        _ => "✓ both recipes are the same",
    };
    let names = format!("- {}   + {}", sides.left, sides.right);
    if rows.is_empty() {
        return content(format!("changes: {names}"), rows, note, Blank::Empty.says(same));
    }
    // The counts have the rest of the line.
    match text::width(&names) + text::width(&note) + 20 < view.width {
        true => content(format!("changes: {names}"), rows, note, Vec::new()),
        false => Content { says: vec![(Role::Muted, names)], ..content("changes".to_owned(), rows, note, Vec::new()) },
    }
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
fn counts(changes: &[&Change]) -> String {
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

/// Changes by what causes them, the most first; a component and what its paths begin with stand once.
fn tree(changes: &[Change]) -> Vec<Row> {
    // A component that came or went did so for one reason, whoever wrote its values.
    let whole: HashMap<&str, &Change> = changes
        .iter()
        .filter(|change| matches!(change.kind, ChangeKind::Added | ChangeKind::Removed))
        .filter_map(|change| {
            let (component, rest) = component_of(&change.path)?;
            matches!(rest, "" | "name").then_some((component, change))
        })
        .collect();
    let owner = |change: &&Change| component_of(&change.path).and_then(|(component, _)| whole.get(component).copied());
    let mut causes: Vec<(&str, Vec<&Change>)> = Vec::new();
    for change in changes {
        let cause = owner(&change).unwrap_or(change).cause.as_str();
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, group)) => group.push(change),
            None => causes.push((cause, vec![change])),
        }
    }
    // What follows from the others says least.
    causes.sort_by_key(|(cause, group)| (*cause == RESOLVER, std::cmp::Reverse(group.len())));
    let mut rows = Vec::new();
    for (cause, group) in causes {
        let said = if cause.is_empty() { "no cause known" } else { cause };
        let count = Cell::new(Role::Strong, said).and(Role::Muted, format!("  {}", counts(&group)));
        rows.push(Row { branch: Some(true), ..Row::new(RowId::Cause(cause.to_owned()), vec![count]) });
        let mut components: Vec<(Option<&str>, Vec<&Change>)> = Vec::new();
        for change in group {
            let component = component_of(&change.path).map(|(component, _)| component);
            match components.iter_mut().find(|(known, _)| *known == component && component.is_some()) {
                Some((_, changes)) => changes.push(change),
                None => components.push((component, vec![change])),
            }
        }
        for (component, changes) in components {
            match (component, &changes[..]) {
                (Some(component), [_, _, ..]) => {
                    rows.push(component_row(cause, component, &changes, whole.get(component).copied()));
                    rows.extend(changes.into_iter().map(|change| {
                        row(change, component_of(&change.path).map_or(&*change.path, |(_, rest)| rest), 2)
                    }));
                }
                _ => rows.extend(
                    changes
                        .into_iter()
                        .map(|change| row(change, change.path.strip_prefix("components.").unwrap_or(&change.path), 1)),
                ),
            }
        }
    }
    rows
}

/// The cause of what nobody wrote.
const RESOLVER: &str = "resolver";

/// Component and what follows it, of `components.NAME.…`.
fn component_of(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("components.")?;
    Some(rest.split_once('.').unwrap_or((rest, "")))
}

/// One row for a component; one that came or went is folded, with its version.
fn component_row(cause: &str, component: &str, changes: &[&Change], whole: Option<&Change>) -> Row {
    let id = RowId::Cause(format!("{cause} {component}"));
    let version = |of: fn(&Change) -> &Option<serde_json::Value>| {
        let version =
            changes.iter().find(|change| change.path.ends_with(".version")).and_then(|change| of(change).as_ref());
        or_dash(version.map(shown_value))
    };
    let name = Cell::text(component);
    match whole {
        Some(change) => {
            let name = name.and(Role::Muted, format!("  {}", text::count(changes.len(), "value")));
            let cells = vec![name, version(|change| &change.left), version(|change| &change.right)];
            Row { depth: 1, branch: Some(false), marker: Some(mark(change.kind)), matters: true, ..Row::new(id, cells) }
        }
        None => Row { depth: 1, branch: Some(true), ..Row::new(id, vec![name]) },
    }
}

fn row(change: &Change, shown: &str, depth: u16) -> Row {
    let side = |value: &Option<serde_json::Value>, role| match value {
        Some(value) => Cell::new(role, shown_value(value)),
        None => Cell::new(Role::Muted, "-"),
    };
    Row {
        marker: Some(mark(change.kind)),
        matters: true,
        depth,
        ..Row::new(
            &change.path,
            vec![Cell::text(shown), side(&change.left, Role::Remove), side(&change.right, Role::Add)],
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

fn content(title: String, rows: Vec<Row>, note: String, says: Vec<(Role, String)>) -> Content {
    Content {
        title,
        note,
        columns: vec![
            Column::new("CAUSE / PATH", 20, 56).grows().name_like(),
            Column::new("- LEFT", 8, 30).name_like(),
            Column::new("+ RIGHT", 8, 30).name_like(),
        ],
        says: if rows.is_empty() { says } else { Vec::new() },
        rows,
        headers: true,
        ordered: true,
        ..Content::default()
    }
}
