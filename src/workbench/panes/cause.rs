//! One change in full: both values and who caused it.

use super::{changes, prelude::*, upgrades};
use crate::{
    diff::{ChangeKind, effects::Effect},
    workbench::contrast,
};
use serde_json::Value;

pub static PANE: Pane = Pane {
    name: "change",
    screen: Screen::Diff,
    place: Place::NONE.detail(8).short(strip(8).part(1, 2).at_most(8)).four(strip(10)).all(strip(12)),
    presence: upgrades::unless_shown,
    needs: &[Need::Diff, Need::Cursor(&changes::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::GoDefinition, Action::Copy, Action::ZoomFull],
    build,
    on: |view, action| match action {
        Action::GoDefinition => Some(changes::definition(view, view.selected(&changes::PANE)?.named()?)),
        _ => None,
    },
    ..Pane::BASE
};

/// What is below the selected branch: its parts with the number of their changes.
fn group(view: &View<'_>) -> Vec<Row> {
    let table = view.tables.get(&changes::PANE);
    let Some(selected) = table.row() else { return Vec::new() };
    let all = table.content.rows.iter().skip_while(|row| row.id != selected.id).skip(1);
    let below: Vec<&Row> = all.take_while(|row| row.depth > selected.depth).collect();
    let mut rows = Vec::new();
    let changed = |rows: &[&Row]| rows.iter().filter(|row| row.branch.is_none()).count();
    line(&mut rows, Cell::new(Role::Muted, format!("{} below", text::count(changed(&below), "change"))));
    for (at, part) in below.iter().enumerate().filter(|(_, row)| row.depth == selected.depth + 1) {
        let end =
            below[at + 1..].iter().position(|row| row.depth <= part.depth).map_or(below.len(), |end| at + 1 + end);
        let name = part.cells.first().map(Cell::plain).unwrap_or_default();
        let name = name.split("  ").next().unwrap_or_default();
        let (role, glyph) = part.marker.unwrap_or((Role::Muted, " "));
        let count = match part.branch {
            Some(_) => format!("  {}", text::count(changed(&below[at + 1..end]), "change")),
            None => String::new(),
        };
        line(&mut rows, Cell::new(role, format!("{glyph} ")).and(Role::Text, name).and(Role::Muted, count));
    }
    let (next, inside) = (view.keys.key(Action::NextThing), view.keys.key(Action::Enter));
    line(&mut rows, Cell::new(Role::Muted, format!("{next} goes to the next change, {inside} folds")));
    rows
}

/// Every effect in one line.
fn effects(effects: &[Effect], view: &View<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for effect in effects {
        line(&mut rows, Cell::text(effect.to_string()));
    }
    let [inside, down] = [Action::Enter, Action::MoveDown].map(|action| view.keys.key(action));
    line(&mut rows, Cell::new(Role::Muted, format!("{inside} folds; {down} and {inside} on one goes to its change")));
    rows
}

fn build(view: &View<'_>) -> Content {
    let selected = view.selected(&changes::PANE);
    let changes = view.model.diff.changes.value.as_ref();
    if let (Some(all), Some(RowId::Line(changes::NOTES, at))) = (changes, selected)
        && let Some(note) = all.notes.get(*at)
    {
        let mut rows = Vec::new();
        line(&mut rows, Cell::text(note));
        return prose("not compared", rows);
    }
    if let Some(effect) = changes::effect_of(view) {
        let mut rows = Vec::new();
        line(&mut rows, Cell::text(effect.to_string()));
        if let Some(path) = &effect.path {
            let inside = view.keys.key(Action::Enter);
            line(&mut rows, Cell::new(Role::Muted, format!("{inside} goes to the change {path}")));
        }
        return prose("effect", rows);
    }
    let path = selected.and_then(RowId::named);
    let change = changes.zip(path).and_then(|(all, path)| all.changes.iter().find(|change| change.path == path));
    let Some(change) = change else {
        if let Some(RowId::Cause(cause)) = selected {
            return prose(format!("changes: {cause}"), group(view));
        }
        if let Some(all) = changes.filter(|all| !all.effects.is_empty())
            && selected == Some(&changes::effects_head())
        {
            return prose("effects", effects(&all.effects, view));
        }
        return Content { says: Blank::Empty.says("no change is selected"), ..prose("change", Vec::new()) };
    };
    let mut rows = Vec::new();
    if !change.cause.is_empty() {
        let criterion = changes.and_then(|all| all.criteria.get(&change.cause));
        let cause = Cell::new(Role::Muted, "cause  ").and(Role::Text, &change.cause);
        line(
            &mut rows,
            match criterion {
                Some(criterion) => cause.and(Role::Muted, format!("  for {criterion}")),
                None => cause,
            },
        );
    }
    if let (Some(Value::Array(left)), Some(Value::Array(right))) = (&change.left, &change.right) {
        elements(&mut rows, left, right);
        return prose(format!("change {}", change.path), rows);
    }
    for (glyph, role, value) in [("- ", Role::Remove, &change.left), ("+ ", Role::Add, &change.right)] {
        let Some(value) = value else {
            line(&mut rows, Cell::new(Role::Muted, format!("{glyph}(not there)")));
            continue;
        };
        whole(&mut rows, glyph, role, value);
    }
    prose(format!("change {}", change.path), rows)
}

/// A value in as many lines as it takes.
fn whole(rows: &mut Vec<Row>, glyph: &str, role: Role, value: &Value) {
    let written = match value {
        Value::String(text) => text.clone(),
        other => crate::yaml::to_string(other),
    };
    for (index, part) in written.lines().enumerate() {
        let glyph = if index == 0 { glyph } else { "  " };
        line(rows, Cell::new(role, glyph).and(role, part));
    }
}

/// Two lists as one: what both have, what is gone and what came.
fn elements(rows: &mut Vec<Row>, left: &[Value], right: &[Value]) {
    for (kind, value) in contrast::elements(left, right) {
        let (glyph, role) = match kind {
            None => ("  ", Role::Muted),
            Some(ChangeKind::Removed) => ("- ", Role::Remove),
            Some(_) => ("+ ", Role::Add),
        };
        whole(rows, glyph, role, value);
    }
}
