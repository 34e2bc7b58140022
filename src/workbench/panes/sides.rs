//! The two recipes as text: side by side or unified, unchanged runs folded.

use super::{changes, prelude::*, upgrades};
use crate::{
    diff::text::Row as Line,
    workbench::{model::DiffView, widgets::table::text_columns},
};
use std::collections::BTreeSet;

pub static PANE: Pane = Pane {
    name: "text",
    screen: Screen::Diff,
    place: Place::NONE.all(column(1, 0)),
    presence: |model, focus| {
        if upgrades::is_upgrade(focus) {
            return Presence::Hidden;
        }
        let text = !model.diff.view.is_list() && *focus != changes::PANE;
        if text { Presence::Alone } else { Presence::Shown }
    },
    needs: &[Need::Recipe, Need::Diff, Need::Look],
    hints: &[
        Action::MoveDown,
        Action::NextThing,
        Action::DiffView,
        Action::GoDefinition,
        Action::MoreContext,
        Action::Wide,
    ],
    words: &[(Action::Wide, "wrap")],
    wraps: true,
    build,
    on: |view, action| match action {
        Action::Copy => Some(Step::Copy(copied(view)?)),
        Action::Enter => match view.selected(&PANE)? {
            RowId::Line("fold", at) => Some(Step::OpenFold(*at)),
            _ => None,
        },
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
        RowId::Line("line" | "left" | "right", at) | RowId::Piece(at, _) => Some(*at),
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
    let (side, at) = match view.selected(&PANE)? {
        RowId::Line(side, at) => (*side, at),
        RowId::Piece(at, part) => (if *part >= LEFT { "left" } else { "line" }, at),
        _ => return None,
    };
    let whole = |part: &Words| {
        let (_, parts) = part.as_ref()?;
        Some(parts.iter().map(|(_, text)| text.trim_end_matches('\n')).collect::<String>())
    };
    match changes.rows.get(*at).filter(|_| side != "fold")? {
        Line::Same { text, .. } => Some(text.clone()),
        Line::Changed { left, right } if side == "left" => whole(left).or_else(|| whole(right)),
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
    let wraps = view.table().wide;
    let all = text_columns(view.width);
    let side = if wide { all.saturating_sub(2) / 2 } else { all };
    let width = if wraps { side.saturating_sub(BEFORE).max(1) } else { usize::MAX };
    let parts = fold(&changes.rows, diff.context, &diff.opened);
    let behind = parts.iter().filter_map(|part| match part {
        Part::Folded { at, count, .. } => Some(at + count),
        Part::Line(..) => None,
    });
    let mut paths = paths(&changes.rows, behind).into_iter();
    for part in parts {
        match part {
            Part::Folded { at, count, is_open } => {
                let shown = if is_open { ", shown" } else { "" };
                let said = format!("··· {count} unchanged{shown}");
                // What follows is of something that is not seen.
                let path = paths.next().filter(|path| !path.is_empty());
                let said = path.map_or_else(|| said.clone(), |path| format!("{said}  {path}"));
                let said = Cell::new(Role::Muted, text::fit(&said, all, text::Cut::Middle));
                rows.push(Row::new(RowId::Line("fold", at), vec![said]));
            }
            Part::Line(at, line) if wide => rows.extend(aligned(at, line, starts(at), width)),
            Part::Line(at, line) => rows.extend(under(at, line, starts(at), width)),
        }
    }
    // What is wrapped is wrapped to a width that does not change with it.
    let column = match wraps {
        true => {
            let side = u16::try_from(side).unwrap_or(u16::MAX);
            Column::new("", side, side)
        }
        false => Column::new("", 20, 20).grows(),
    };
    let columns = if wide { vec![column.clone(), column] } else { vec![column] };
    let hunks = changes.rows.iter().filter(|row| is_changed(row)).count();
    let names = format!("- {}   + {}", sides.left, sides.right);
    let note = format!("{}, context {}", text::count(hunks, "changed line"), diff.context);
    let mut says = match (rows.is_empty(), changes.is_coarse) {
        (true, _) => Blank::Empty.says("✓ both sides are the same"),
        (false, true) => vec![(Role::Warn, COARSE.to_owned())],
        (false, false) => Vec::new(),
    };
    // The counts have the rest of the line.
    let title = match text::width(&names) + text::width(&note) + 20 < view.width {
        true => names,
        false => {
            says.insert(0, (Role::Muted, names));
            if wide { "side by side" } else { "unified" }.to_owned()
        }
    };
    Content { title, note, columns, says, rows, ordered: true, ..Content::default() }
}

fn is_changed(line: &Line) -> bool {
    matches!(line, Line::Changed { .. })
}

/// What is said above texts that could not be aligned to their ends.
const COARSE: &str =
    "coarse: the texts are too long to be aligned within 5 s, so equal lines may be among those that differ";

enum Part<'r> {
    Line(usize, &'r Line),
    /// So many unchanged lines from a row on; they follow where they are open.
    Folded {
        at: usize,
        count: usize,
        is_open: bool,
    },
}

/// Changes with their context; what is farther away becomes one line, or one above it where somebody opened it.
fn fold<'r>(rows: &'r [Line], context: usize, opened: &BTreeSet<usize>) -> Vec<Part<'r>> {
    let mut near = vec![false; rows.len()];
    for (index, row) in rows.iter().enumerate() {
        if is_changed(row) {
            let end = (index + context + 1).min(rows.len());
            near[index.saturating_sub(context)..end].fill(true);
        }
    }
    let mut parts = Vec::new();
    // Two texts that are the same have nothing to be near to.
    if !near.contains(&true) {
        return parts;
    }
    let mut at = 0;
    while at < rows.len() {
        let count = near[at..].iter().take_while(|near| !**near).count();
        let is_open = opened.contains(&at);
        if count > 0 {
            parts.push(Part::Folded { at, count, is_open });
        }
        let shown = if is_open { at } else { at + count };
        let end = at + count + near[at + count..].iter().take_while(|near| **near).count();
        parts.extend((shown..end).map(|index| Part::Line(index, &rows[index])));
        at = end;
    }
    parts
}

/// What the lines before these rows are part of, by the indentation of the text: `components.gpu-operator.values`.
fn paths(rows: &[Line], at: impl IntoIterator<Item = usize>) -> Vec<String> {
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut seen = 0;
    let path = |at: usize| {
        for row in &rows[seen.min(at)..at.min(rows.len())] {
            let line = line_of(row);
            let text = line.trim_start_matches([' ', '-']);
            let indent = line.len() - text.len();
            above.retain(|(other, _)| *other < indent);
            if let Some((key, _)) = text.split_once(':') {
                above.push((indent, key.trim_matches('"').to_owned()));
            }
        }
        seen = at;
        let Some(next) = rows.get(at).map(line_of) else { return String::new() };
        let indent = next.len() - next.trim_start_matches([' ', '-']).len();
        let keys = above.iter().filter(|(other, _)| *other < indent).map(|(_, key)| key.as_str());
        keys.collect::<Vec<_>>().join(".")
    };
    at.into_iter().map(path).collect()
}

/// The text of a row: of the right side where both have one.
fn line_of(row: &Line) -> String {
    let whole = |part: &Words| part.as_ref().map(|(_, parts)| parts.iter().map(|(_, text)| text.as_str()).collect());
    match row {
        Line::Same { text, .. } => text.clone(),
        Line::Changed { left, right } => whole(right).or_else(|| whole(left)).unwrap_or_default(),
    }
}

type Words = Option<(usize, Vec<(bool, String)>)>;

/// Columns of number and sign before each line.
const BEFORE: usize = 7;
/// Parts of lines of the left side are counted from here, where both sides have rows of their own.
const LEFT: usize = 1 << 20;

/// The lines that one side of a row takes, in a width: its number and sign before the first one, and as much room before the others.
fn lines(number: Option<usize>, glyph: &str, text: Cell, role: Role, width: usize) -> Vec<Cell> {
    let Some(number) = number else { return vec![Cell::new(Role::Muted, "")] };
    let before = |index: usize| match index {
        0 => Cell::new(Role::Muted, format!("{number:>4} ")).and(role, format!("{glyph} ")),
        _ => Cell::new(Role::Muted, " ".repeat(BEFORE)),
    };
    text.lines(width).iter().enumerate().map(|(index, line)| before(index).with(line)).collect()
}

fn words(side: &Words, glyph: &str, plain: Role, word: Role, width: usize) -> Vec<Cell> {
    let parts = side.iter().flat_map(|(_, parts)| parts);
    let text = parts.fold(Cell::default(), |cell, (emphasised, text)| {
        cell.and(if *emphasised { word } else { plain }, text.trim_end_matches('\n'))
    });
    lines(side.as_ref().map(|(number, _)| *number), glyph, text, plain, width)
}

fn removed(side: &Words, width: usize) -> Vec<Cell> {
    words(side, "-", Role::Remove, Role::RemoveWord, width)
}

fn added(side: &Words, width: usize) -> Vec<Cell> {
    words(side, "+", Role::Add, Role::AddWord, width)
}

/// Rows of lines that go on: the first one is the row, the others are pieces of it.
fn rows_of(id: RowId, at: usize, first_part: usize, matters: bool, cells: Vec<Vec<Cell>>) -> Vec<Row> {
    let row = |(part, cells): (usize, Vec<Cell>)| match part {
        0 => Row { matters, ..Row::new(id.clone(), cells) },
        _ => Row { continues: true, ..Row::new(RowId::Piece(at, first_part + part), cells) },
    };
    cells.into_iter().enumerate().map(row).collect()
}

/// Both sides beside each other. `starts`: the line before it is not changed.
fn aligned(at: usize, line: &Line, starts: bool, width: usize) -> Vec<Row> {
    let (left, right, matters) = match line {
        Line::Same { left, right, text } => {
            let side = |number: usize| lines(Some(number), " ", Cell::text(text), Role::Muted, width);
            (side(*left), side(*right), false)
        }
        Line::Changed { left, right } => (removed(left, width), added(right, width), starts),
    };
    let cell = |side: &[Cell], part: usize| side.get(part).cloned().unwrap_or_default();
    let cells = (0..left.len().max(right.len())).map(|part| vec![cell(&left, part), cell(&right, part)]).collect();
    rows_of(RowId::Line("line", at), at, 0, matters, cells)
}

fn under(at: usize, line: &Line, starts: bool, width: usize) -> Vec<Row> {
    let one = |cells: Vec<Cell>| cells.into_iter().map(|cell| vec![cell]).collect::<Vec<_>>();
    match line {
        Line::Same { right, text, .. } => {
            let cells = one(lines(Some(*right), " ", Cell::text(text), Role::Muted, width));
            rows_of(RowId::Line("line", at), at, 0, false, cells)
        }
        Line::Changed { left, right } => {
            let mut rows = Vec::new();
            if left.is_some() {
                rows.extend(rows_of(RowId::Line("left", at), at, LEFT, starts, one(removed(left, width))));
            }
            if right.is_some() {
                let is_first = starts && left.is_none();
                rows.extend(rows_of(RowId::Line("right", at), at, 0, is_first, one(added(right, width))));
            }
            rows
        }
    }
}
