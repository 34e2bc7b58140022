//! The two recipes as text: side by side or unified, unchanged runs folded.

use super::{changes, prelude::*, upgrades};
use crate::{diff::text::Row as Line, workbench::model::DiffView};

pub static PANE: Pane = Pane {
    name: "side by side",
    screen: Screen::Diff,
    place: Place::NONE.all(column(1, 0)),
    presence: |model, focus| {
        if upgrades::is_upgrade(focus) {
            return Presence::Hidden;
        }
        let text = model.diff.view != DiffView::Changes && *focus != changes::PANE;
        if text { Presence::Alone } else { Presence::Shown }
    },
    needs: &[Need::Recipe, Need::Diff, Need::Look],
    hints: &[Action::MoveDown, Action::NextThing, Action::DiffView, Action::GoDefinition, Action::MoreContext],
    build,
    on: |view, action| match action {
        Action::Copy => Some(Step::Copy(copied(view)?)),
        Action::GoDefinition => {
            let changes = view.model.diff.changes.value.as_deref()?;
            let change = changes.change_at(row_of(view.selected(&PANE)?)?)?;
            Some(changes::definition(view, &change.path))
        }
        _ => None,
    },
    ..Pane::BASE
};

/// The row of the texts that a line of the pane shows.
pub fn row_of(id: &RowId) -> Option<usize> {
    match id {
        RowId::Line("line" | "left" | "right", at) => Some(*at),
        _ => None,
    }
}

/// The line of the pane that shows a row of the texts, as each of the views calls it.
pub fn ids_of(row: usize) -> [RowId; 3] {
    ["line", "right", "left"].map(|name| RowId::Line(name, row))
}

/// The text of the selected line, without its number: of the right side where there are two.
fn copied(view: &View<'_>) -> Option<String> {
    let changes = view.model.diff.changes.value.as_deref()?;
    let RowId::Line(side, at) = view.selected(&PANE)? else { return None };
    let whole = |part: &Words| {
        let (_, parts) = part.as_ref()?;
        Some(parts.iter().map(|(_, text)| text.trim_end_matches('\n')).collect::<String>())
    };
    match changes.rows.get(*at).filter(|_| *side != "fold")? {
        Line::Same { text, .. } => Some(text.clone()),
        Line::Changed { left, right } if *side == "left" => whole(left).or_else(|| whole(right)),
        Line::Changed { left, right } => whole(right).or_else(|| whole(left)),
    }
}

/// Side by side needs this many columns; below, lines stand one under the other.
const SIDE_BY_SIDE: usize = 98;

fn build(view: &View<'_>) -> Content {
    let diff = &view.model.diff;
    let Some((sides, changes)) = diff.changes.answer() else {
        return Content {
            title: "recipes as text".to_owned(),
            says: changes::nothing(view),
            prose: true,
            ..Content::default()
        };
    };
    let wide = diff.view != DiffView::Unified && view.width >= SIDE_BY_SIDE;
    let mut rows = Vec::new();
    // `]` goes from change to change, not from line to line.
    let starts = |at: usize| !at.checked_sub(1).is_some_and(|before| is_changed(&changes.rows[before]));
    for (index, part) in fold(&changes.rows, diff.context).into_iter().enumerate() {
        match part {
            Part::Folded(count) => rows.push(Row::new(
                RowId::Line("fold", index),
                vec![Cell::new(Role::Muted, format!("··· {count} unchanged"))],
            )),
            Part::Line(at, line) if wide => rows.push(aligned_row(at, line, starts(at))),
            Part::Line(at, line) => rows.extend(under(at, line, starts(at))),
        }
    }
    let columns = if wide {
        vec![Column::new("", 20, 20).grows(), Column::new("", 20, 20).grows()]
    } else {
        vec![Column::new("", 20, 20).grows()]
    };
    let hunks = changes.rows.iter().filter(|row| is_changed(row)).count();
    Content {
        title: format!("- {}   + {}", sides.left, sides.right),
        note: format!("{hunks} changed lines, context {}", diff.context),
        columns,
        says: if rows.is_empty() { Blank::Empty.says("✓ both sides are the same") } else { Vec::new() },
        rows,
        ordered: true,
        ..Content::default()
    }
}

fn is_changed(line: &Line) -> bool {
    matches!(line, Line::Changed { .. })
}

enum Part<'r> {
    Line(usize, &'r Line),
    Folded(usize),
}

/// Changes with their context; what is farther away becomes one line.
fn fold(rows: &[Line], context: usize) -> Vec<Part<'_>> {
    let mut near = vec![false; rows.len()];
    for (index, row) in rows.iter().enumerate() {
        if is_changed(row) {
            let end = (index + context + 1).min(rows.len());
            near[index.saturating_sub(context)..end].fill(true);
        }
    }
    let mut parts = Vec::new();
    let mut hidden = 0;
    for (index, row) in rows.iter().enumerate() {
        if near[index] {
            if hidden > 0 {
                parts.push(Part::Folded(hidden));
                hidden = 0;
            }
            parts.push(Part::Line(index, row));
        } else {
            hidden += 1;
        }
    }
    if hidden > 0 && !parts.is_empty() {
        parts.push(Part::Folded(hidden));
    }
    parts
}

type Words = Option<(usize, Vec<(bool, String)>)>;

fn words(side: &Words, glyph: &str, plain: Role, word: Role) -> Cell {
    let Some((number, parts)) = side else { return Cell::new(Role::Muted, "") };
    let mut cell = Cell::new(Role::Muted, format!("{number:>4} ")).and(plain, format!("{glyph} "));
    for (emphasised, text) in parts {
        cell = cell.and(if *emphasised { word } else { plain }, text.trim_end_matches('\n'));
    }
    cell
}

/// `starts`: the line before it is not changed.
fn aligned_row(at: usize, line: &Line, starts: bool) -> Row {
    match line {
        Line::Same { left, right, text } => Row::new(
            RowId::Line("line", at),
            vec![
                Cell::new(Role::Muted, format!("{left:>4}   ")).and(Role::Text, text),
                Cell::new(Role::Muted, format!("{right:>4}   ")).and(Role::Text, text),
            ],
        ),
        Line::Changed { left, right } => Row {
            matters: starts,
            ..Row::new(
                RowId::Line("line", at),
                vec![words(left, "-", Role::Remove, Role::RemoveWord), words(right, "+", Role::Add, Role::AddWord)],
            )
        },
    }
}

fn under(at: usize, line: &Line, starts: bool) -> Vec<Row> {
    match line {
        Line::Same { right, text, .. } => {
            let cell = Cell::new(Role::Muted, format!("{right:>4}   ")).and(Role::Text, text);
            vec![Row::new(RowId::Line("line", at), vec![cell])]
        }
        Line::Changed { left, right } => {
            let sides =
                [(left, "-", Role::Remove, Role::RemoveWord, "left"), (right, "+", Role::Add, Role::AddWord, "right")];
            let there = sides.into_iter().filter(|(side, ..)| side.is_some());
            there
                .enumerate()
                .map(|(index, (side, glyph, plain, word, name))| Row {
                    matters: starts && index == 0,
                    ..Row::new(RowId::Line(name, at), vec![words(side, glyph, plain, word)])
                })
                .collect()
        }
    }
}
