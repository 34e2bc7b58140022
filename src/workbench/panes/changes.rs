//! What differs between two recipes, by what causes it.

use super::{cause, prelude::*, upgrades, values};
use crate::{
    diff::{
        Change, ChangeKind,
        effects::{self, Became, Effect},
    },
    document::traced::Traced,
    workbench::{
        contrast::{self, shown as shown_value},
        model::{DiffView, With},
    },
};
use std::collections::{BTreeMap, HashMap};

pub static PANE: Pane = Pane {
    name: "changes",
    screen: Screen::Diff,
    place: Place::NONE.short(column(0, 0)).four(column(0, 0)).all(column(0, 76)),
    presence: upgrades::unless_shown,
    needs: &[Need::Recipe, Need::Diff],
    hints: &[
        Action::MoveDown,
        Action::NextThing,
        Action::DiffView,
        Action::GoDefinition,
        Action::Swap,
        Action::CompareWith,
    ],
    build,
    count: |view| {
        let (_, changes) = view.model.diff.changes.answer()?;
        Some(format!("{}~", text::thousands(changes.changes.len()))).filter(|count| count != "0~")
    },
    on: |view, action| match action {
        Action::Enter if effect_of(view).is_some() => Some(place_of(effect_of(view)?)),
        Action::Enter if view.row(&PANE)?.branch.is_some() => Some(Step::Fold),
        Action::Enter => Some(Step::Focus(&cause::PANE)),
        Action::Copy => Some(Step::Copy(view.selected(&PANE)?.named()?.to_owned())),
        Action::GoDefinition => Some(definition(view, view.selected(&PANE)?.named()?)),
        _ => None,
    },
    ..Pane::BASE
};

/// The line that wrote a changed value: at the right, and where nobody wrote it there, at the left.
pub(super) fn definition(view: &View<'_>, path: &str) -> Step {
    let (recipe, diff) = (view.model.recipe.value.as_deref(), &view.model.diff);
    let read = diff.other.value.as_deref().map(|side| &side.document);
    let (here, there) = match (&diff.with, diff.left.as_deref()) {
        (Some(With::OnCluster(_)), _) => (read, None),
        (_, Some(left)) => (Some(&left.document), read),
        (_, None) => (recipe.map(|recipe| &recipe.document), read),
    };
    let sides = if diff.swapped { [here, there] } else { [there, here] };
    let origin = |document: Option<&Traced>| values::at(document?, path)?.origin().cloned();
    match sides.into_iter().find_map(origin) {
        Some(origin) => values::source(&origin),
        None => Step::Say("no file of the catalog sets this value".to_owned()),
    }
}

/// The section of what could not be compared.
pub(super) const NOTES: &str = "notes";
/// The section of what the changes come to, and one of its rows.
const EFFECTS: &str = "effects";
const EFFECT: &str = "effect";
/// Effects that are read at once; more are folded, so that the changes are in sight.
const OPEN: usize = 6;

/// The row above all effects.
pub(super) fn effects_head() -> RowId {
    RowId::Line(EFFECTS, 0)
}

/// The effect under the cursor.
pub(super) fn effect_of<'s>(view: &View<'s>) -> Option<&'s Effect> {
    match view.selected(&PANE)? {
        RowId::Line(EFFECT, at) => view.model.diff.changes.value.as_deref()?.effects.get(*at),
        _ => None,
    }
}

/// Where an effect is among the changes.
fn place_of(effect: &Effect) -> Step {
    match &effect.path {
        Some(path) => Step::Select(&PANE, path.into()),
        None => Step::Say(format!("{} decides which layers apply, and so causes all other changes", effect.name)),
    }
}

/// What the changes come to, above them.
fn effect_rows(effects: &[Effect]) -> Vec<Row> {
    if effects.is_empty() {
        return Vec::new();
    }
    let head = Cell::new(Role::Strong, "effects").and(Role::Muted, format!("  {}", effects::totals(effects)));
    let is_open = Some(effects.len() <= OPEN);
    let mut rows = vec![Row { branch: is_open, ..Row::new(effects_head(), vec![head]) }];
    rows.extend(effects.iter().enumerate().map(|(at, effect)| {
        let kind = match effect.became {
            Became::Added => ChangeKind::Added,
            Became::Removed => ChangeKind::Removed,
            _ => ChangeKind::Modified,
        };
        let side = |value: &Option<String>, role| match value {
            Some(value) => Cell::new(role, value),
            None => Cell::new(Role::Muted, "-"),
        };
        let cells = vec![Cell::text(effect.head()), side(&effect.left, Role::Remove), side(&effect.right, Role::Add)];
        Row { depth: 1, marker: Some(mark(kind)), ..Row::new(RowId::Line(EFFECT, at), cells) }
    }));
    rows
}

fn build(view: &View<'_>) -> Content {
    let diff = &view.model.diff;
    let Some((sides, changes)) = diff.changes.answer() else {
        return content("changes".to_owned(), Vec::new(), String::new(), nothing(view));
    };
    let mut rows = effect_rows(&changes.effects);
    rows.extend(match diff.view {
        DiffView::Components => by_component(&changes.changes),
        _ => tree(&changes.changes, &changes.criteria),
    });
    let mut note = counts(&changes.changes.iter().collect::<Vec<_>>());
    if !changes.notes.is_empty() {
        note += &format!(", {} not compared", changes.notes.len());
        let row = |(at, note)| Row::new(RowId::Line(NOTES, at), vec![Cell::new(Role::Muted, note)]);
        rows.extend(changes.notes.iter().enumerate().map(row));
    }
    let same = match diff.with {
        Some(With::Cluster | With::OnCluster(_)) => "✓ the cluster runs what the recipe says",
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
    if matches!(diff.with, Some(With::Cluster | With::OnCluster(_))) && view.model.cluster.snapshot.is_none() {
        let key = view.keys.key(Action::ScreenCluster);
        return Blank::Loading.says(format!("the cluster is not read yet; {key} shows why"));
    }
    if diff.with.is_some() {
        return Blank::Loading.says("comparing …");
    }
    let keys = view.keys;
    let key = |action| keys.key(action);
    let other = keys.command("diff service=eks accelerator=h100 os=ubuntu");
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

/// Changes with what is left of their paths.
type Below<'c> = Vec<(&'c Change, &'c str)>;

/// Changes by the component that they are of, the most first; what is of none comes last, by its section.
fn by_component(changes: &[Change]) -> Vec<Row> {
    let mut groups: Vec<(bool, &str, Below<'_>)> = Vec::new();
    for change in changes {
        let (is_component, name, below) = match component_of(&change.path) {
            Some((component, below)) => (true, component, below),
            None => {
                let end = segments(&change.path).next().unwrap_or(change.path.len());
                (false, &change.path[..end], change.path[end..].trim_start_matches('.'))
            }
        };
        match groups.iter_mut().find(|(of, known, _)| (*of, *known) == (is_component, name)) {
            Some((.., group)) => group.push((change, below)),
            None => groups.push((is_component, name, vec![(change, below)])),
        }
    }
    groups.sort_by_key(|(is_component, _, group)| (!is_component, std::cmp::Reverse(group.len())));
    let mut rows = Vec::new();
    for (_, name, group) in groups {
        // One that came or went has one reason, whoever wrote its values.
        let whole = group.iter().find(|(change, below)| {
            matches!(below, &"" | &"name") && matches!(change.kind, ChangeKind::Added | ChangeKind::Removed)
        });
        let changes: Vec<&Change> = group.iter().map(|(change, _)| *change).collect();
        if let [(change, "")] = group[..] {
            rows.push(row(change, name, 0));
            continue;
        }
        let head = Cell::new(Role::Strong, name).and(Role::Muted, format!("  {}", counts(&changes)));
        let marker = whole.map(|(change, _)| mark(change.kind));
        let id = format!("component {name}");
        rows.push(Row { branch: Some(whole.is_none()), marker, ..Row::new(RowId::Cause(id.clone()), vec![head]) });
        // Most are of the values, which are named once.
        let (mut values, others): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|(_, below)| below.starts_with(VALUES));
        branches(&mut rows, &id, &others, 1);
        if values.len() < 2 {
            branches(&mut rows, &id, &values, 1);
            continue;
        }
        let begin = shared(&values);
        let name = values[0].1[..begin].trim_end_matches('.').to_owned();
        let id = format!("{id}.{name}");
        rows.push(Row { depth: 1, branch: Some(true), ..Row::new(RowId::Cause(id.clone()), vec![Cell::text(name)]) });
        values.iter_mut().for_each(|(_, below)| *below = below[begin..].trim_start_matches('.'));
        branches(&mut rows, &id, &values, 2);
    }
    rows
}

/// What paths of values begin with, below their component.
const VALUES: &str = "values.";

/// Changes by what causes them, the most first; a component and what its paths begin with stand once. Causes that follow from
/// one criterion are that criterion.
fn tree<'c>(changes: &'c [Change], criteria: &'c BTreeMap<String, String>) -> Vec<Row> {
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
        let cause = criteria.get(cause).map_or(cause, String::as_str);
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
                    let came_or_went = whole.get(component).copied();
                    let below = |change: &'c Change| component_of(&change.path).map_or(&*change.path, |(_, rest)| rest);
                    let mut below: Vec<(&Change, &str)> =
                        changes.iter().map(|change| (*change, below(change))).collect();
                    // What all of them begin with is part of the name.
                    let begin = if came_or_went.is_some() { 0 } else { shared(&below) };
                    let name = match begin {
                        0 => component.to_owned(),
                        begin => format!("{component}.{}", below[0].1[..begin].trim_end_matches('.')),
                    };
                    below.iter_mut().for_each(|(_, rest)| *rest = rest[begin..].trim_start_matches('.'));
                    let id = format!("{cause} {component}");
                    rows.push(component_row(&id, &name, &changes, came_or_went));
                    branches(&mut rows, &id, &below, 2);
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

/// Changes with what is left of their paths; what several begin with is a branch, so that it is read once.
fn branches(rows: &mut Vec<Row>, above: &str, changes: &[(&Change, &str)], depth: u16) {
    let first = |rest: &str| segments(rest).next().map_or(rest.len(), |end| end);
    let mut groups: Vec<Vec<(&Change, &str)>> = Vec::new();
    for (change, rest) in changes {
        let segment = &rest[..first(rest)];
        let known = groups.iter_mut().find(|group| &group[0].1[..first(group[0].1)] == segment);
        match known {
            Some(group) => group.push((change, rest)),
            None => groups.push(vec![(change, rest)]),
        }
    }
    for mut group in groups {
        let begin = if group.len() > 1 { shared(&group) } else { 0 };
        if begin < LEAST {
            rows.extend(group.into_iter().map(|(change, rest)| row(change, rest, depth)));
            continue;
        }
        let id = format!("{above}.{}", &group[0].1[..begin]);
        let name = Cell::text(group[0].1[..begin].trim_end_matches('.'));
        rows.push(Row { depth, branch: Some(true), ..Row::new(RowId::Cause(id.clone()), vec![name]) });
        group.iter_mut().for_each(|(_, rest)| *rest = rest[begin..].trim_start_matches('.'));
        branches(rows, &id, &group, depth + 1);
    }
}

/// Letters below which a branch would take more room than it gives back.
const LEAST: usize = 7;

/// Ends of the segments of a path, with the dot or bracket that follows left out.
fn segments(path: &str) -> impl Iterator<Item = usize> {
    let (mut quoted, mut inside) = (false, false);
    let ends = path.char_indices().filter(move |(at, c)| {
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted => {
                inside = true;
                return *at > 0;
            }
            ']' if !quoted => inside = false,
            _ => {}
        }
        *c == '.' && !quoted && !inside
    });
    ends.map(|(at, _)| at).chain([path.len()])
}

/// Bytes of the segments that all paths begin with; each keeps at least one of its own.
fn shared(changes: &[(&Change, &str)]) -> usize {
    let Some(((_, first), others)) = changes.split_first() else { return 0 };
    let all = |end: &usize| {
        let begins =
            |other: &str| other.len() > *end && other[..*end] == first[..*end] && segments(other).any(|at| at == *end);
        *end < first.len() && others.iter().all(|(_, other)| begins(other))
    };
    segments(first).take_while(all).last().unwrap_or(0)
}

/// The cause of what nobody wrote.
const RESOLVER: &str = "resolver";

/// Component and what follows it, of `components.NAME.…`.
fn component_of(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("components.")?;
    Some(rest.split_once('.').unwrap_or((rest, "")))
}

/// One row for a component; one that came or went is folded, with its version.
fn component_row(id: &str, component: &str, changes: &[&Change], whole: Option<&Change>) -> Row {
    let id = RowId::Cause(id.to_owned());
    let version = |of: fn(&Change) -> &Option<serde_json::Value>| {
        let version =
            changes.iter().find(|change| change.path.ends_with(".version")).and_then(|change| of(change).as_ref());
        version.map(shown_value)
    };
    let name = Cell::text(component);
    match whole {
        Some(change) => {
            let name = name.and(Role::Muted, format!("  {}", text::count(changes.len(), "value")));
            let versions = [version(|change| &change.left), version(|change| &change.right)];
            // Where there is no version at all, the name has the room.
            let is_known = versions.iter().any(Option::is_some);
            let cells = versions.map(|version| if is_known { or_dash(version) } else { Cell::default() });
            let cells = [name].into_iter().chain(cells).collect();
            Row { depth: 1, branch: Some(false), marker: Some(mark(change.kind)), matters: true, ..Row::new(id, cells) }
        }
        None => Row { depth: 1, branch: Some(true), ..Row::new(id, vec![name]) },
    }
}

fn row(change: &Change, shown: &str, depth: u16) -> Row {
    let side = |value: Option<String>, role| match value {
        Some(value) => Cell::new(role, value),
        None => Cell::new(Role::Muted, "-"),
    };
    let [left, right] = contrast::sides(change.left.as_ref(), change.right.as_ref());
    Row {
        marker: Some(mark(change.kind)),
        matters: true,
        depth,
        ..Row::new(&change.path, vec![Cell::text(shown), side(left, Role::Remove), side(right, Role::Add)])
    }
}

fn content(title: String, rows: Vec<Row>, note: String, says: Vec<(Role, String)>) -> Content {
    Content {
        title,
        note,
        columns: vec![
            // The value is in full below, and a path that is cut is none.
            Column::new("CAUSE / PATH", 20, 68).grows().name_like(),
            Column::new("- LEFT", 8, 22).list_like().side(),
            Column::new("+ RIGHT", 8, 22).list_like().side(),
        ],
        says: if rows.is_empty() { says } else { Vec::new() },
        rows,
        headers: true,
        ordered: true,
        ..Content::default()
    }
}
