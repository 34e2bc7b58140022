//! Output of the selected check and of the workloads that it created, following its end until somebody scrolls up.
//!
//! A check may write a million lines; rows are made of those around the cursor, or of those that the filter means.

use super::{Table, checks, prelude::*};
use crate::{
    report::level::{self, LogLevel},
    workbench::model::CheckView,
};
use regex::Regex;

/// Lines that are rows at a time.
const WINDOW: usize = 5_000;

pub static PANE: Pane = Pane {
    name: "log",
    screen: Screen::Validate,
    place: Place::NONE.detail(9).short(column(1, 0)).four(column(1, 0).row(1)).all(column(1, 0)),
    jump: Some(Action::GoLog),
    needs: &[Need::Run, Need::Cursor(&checks::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::Follow, Action::Filter, Action::Mark, Action::Wide, Action::Copy],
    follows: true,
    build,
    on,
    ..Pane::BASE
};

fn on(view: &View<'_>, action: Action) -> Option<Step> {
    let check = || checks::check_of(view).and_then(|name| view.model.run.check(name));
    let under_cursor = || view.selected(&PANE).and_then(number);
    match action {
        Action::Details => checks::details(view),
        // Of all lines, not of the rows.
        Action::First if view.table().filter.is_empty() => Some(Step::Line(check()?.log.dropped())),
        Action::Mark => Some(Step::Mark(check()?.planned.name.clone(), under_cursor()?)),
        Action::NextMark => {
            let (marks, at) = (&check()?.marks, under_cursor().unwrap_or(0));
            let next = marks.range(at + 1..).next().or(marks.first());
            Some(next.map_or_else(|| Step::Say("no line is marked".to_owned()), |line| Step::Line(*line)))
        }
        _ => None,
    }
}

/// The number of the line that a row is of, or nearest to.
fn number(row: &RowId) -> Option<usize> {
    match row {
        RowId::Line("" | "above" | "below", number) | RowId::Piece(number, _) => Some(*number),
        _ => None,
    }
}

/// The numbers of the lines that are rows: what the filter means, or what is around the cursor.
fn shown(check: &CheckView, table: &Table) -> Vec<usize> {
    if let Some(wanted) = sought(&table.filter) {
        return check.log.search(&wanted, WINDOW);
    }
    let (first, end) = (check.log.dropped(), check.log.end());
    let newest = end.saturating_sub(WINDOW);
    let selected = table.selected.as_ref().filter(|_| !table.follow).and_then(number);
    let start = selected.map_or(newest, |line| line.saturating_sub(WINDOW / 2)).clamp(first, newest.max(first));
    (start..end.min(start + WINDOW)).collect()
}

/// What every line has that a filter means, where that can be said: its longest word. The table looks at the rest.
fn sought(filter: &str) -> Option<Regex> {
    if let Some(expression) = filter.strip_prefix("re:") {
        return Regex::new(expression).ok();
    }
    if filter.contains(['!', '~', '=', '<', '>']) || filter.contains(" | ") {
        return None;
    }
    let word = filter.split_whitespace().max_by_key(|word| word.len())?;
    // Upper case in a word asks for exactly that case.
    let case = match word.chars().any(char::is_uppercase) {
        true => "",
        false if word.is_ascii() => "(?i-u)",
        false => return None,
    };
    let choices: Vec<String> = word.split('|').filter(|choice| !choice.is_empty()).map(regex::escape).collect();
    Regex::new(&format!("{case}(?:{})", choices.join("|"))).ok()
}

fn build(view: &View<'_>) -> Content {
    let check = checks::check_of(view).and_then(|name| view.model.run.check(name));
    let Some(check) = check else {
        return Content {
            title: "log".to_owned(),
            says: Blank::Empty.says("no check with output is selected"),
            ordered: true,
            ..Content::default()
        };
    };
    let table = view.table();
    let sources = source_columns(check, view.width);
    let time = if view.timestamps { 14 } else { 1 };
    let width = view.width.saturating_sub(time + if sources > 0 { sources + 2 } else { 0 });
    let lines = shown(check, table);
    let mut rows = Vec::with_capacity(lines.len() + 2);
    let (first, end) = (check.log.dropped(), check.log.end());
    let is_window = sought(&table.filter).is_none();
    let beyond = |name, number, said| {
        let row = Row::new(
            RowId::Line(name, number),
            cells(Cell::default(), sources, Cell::default(), Cell::new(Role::Muted, said)),
        );
        Some(row).filter(|_| is_window)
    };
    match lines.first() {
        Some(start) if *start > first => {
            rows.extend(beyond("above", *start, format!("{} above", text::count(start - first, "line"))));
        }
        _ if first > 0 => {
            let said =
                format!("{} before this were dropped; the record of the run has them", text::count(first, "line"));
            rows.extend(beyond("dropped", 0, said));
        }
        _ => {}
    }
    for number in &lines {
        let Some((at_ms, line)) = check.log.get(*number) else { continue };
        let at = if view.timestamps { clock(at_ms) } else { String::new() };
        let role = role(line);
        let text = text::without_tabs(line);
        let source = match check.log.source(*number) {
            "" => Cell::new(Role::Muted, OWN),
            source => Cell::text(source),
        };
        let marker = check.marks.contains(number).then_some((Role::Focus, "▪"));
        if table.wide && text::width(&text) > width {
            for (part, piece) in text::wrap(&text::clean(&text), width).into_iter().enumerate() {
                let at = if part == 0 { Cell::new(Role::Muted, &at) } else { Cell::new(Role::Muted, "") };
                let marker = marker.filter(|_| part == 0);
                let source = if part == 0 { source.clone() } else { Cell::default() };
                let cells = cells(at, sources, source, Cell::new(role, piece));
                rows.push(Row { marker, ..Row::new(RowId::Piece(*number, part), cells) });
            }
        } else {
            let cells = cells(Cell::new(Role::Muted, at), sources, source, Cell::new(role, &text));
            rows.push(Row { marker, ..Row::new(RowId::Line("", *number), cells) });
        }
    }
    if let Some(last) = lines.last().filter(|last| *last + 1 < end) {
        rows.extend(beyond("below", *last, format!("{} below", text::count(end - last - 1, "line"))));
    }
    // The end of a check is the end of its output: its verdict, and why.
    if let Some(result) = &check.result {
        let (role, glyph, word) = checks::verdict(result);
        let room = width.saturating_sub(2);
        let mut said = vec![format!("{glyph} {word}")];
        said.extend(result.message.lines().flat_map(|line| text::wrap(&text::clean(line), room)));
        for (index, line) in said.into_iter().enumerate() {
            let cell = Cell::new(if index == 0 { role } else { Role::Strong }, line);
            let cells = cells(Cell::default(), sources, Cell::default(), cell);
            rows.push(Row::new(RowId::Line("verdict", index), cells));
        }
    }
    let follow = if table.follow { "FOLLOW" } else { "follow off" };
    let wrap = if table.wide { "wrap on" } else { "wrap off" };
    let time = if view.timestamps { 12 } else { 0 };
    let (time, text) = (Column::new("", time, time), Column::new("", 10, 10).grows());
    let from = u16::try_from(sources).unwrap_or(u16::MAX);
    let columns = match sources {
        0 => vec![time, text],
        _ => vec![time, Column::new("SOURCE", from, from).name_like(), text],
    };
    Content {
        title: format!("log {}", check.planned.name),
        note: format!("{follow}  {wrap}  {}", text::count(end, "line")),
        columns,
        // A check that has ended has a verdict for its last row.
        says: if rows.is_empty() { Blank::Loading.says("no output yet") } else { Vec::new() },
        rows,
        ordered: true,
        ..Content::default()
    }
}

/// What the check itself is called among the sources of its lines.
const OWN: &str = "check";
/// A longer name of a source is cut in its middle.
const SOURCE: usize = 36;

/// The width of the column that says where a line comes from; 0 where all of it is of the check itself.
fn source_columns(check: &CheckView, width: usize) -> usize {
    let widest = check.log.sources().iter().map(|source| text::width(source)).max();
    widest.map_or(0, |widest| widest.min(SOURCE).min(width / 2).max(OWN.len()))
}

/// The cells of a row, with its source where there is a column for it.
fn cells(at: Cell, sources: usize, source: Cell, text: Cell) -> Vec<Cell> {
    if sources == 0 { vec![at, text] } else { vec![at, source, text] }
}

/// Time of day in UTC, to the millisecond.
fn clock(at_ms: u64) -> String {
    let day = at_ms % 86_400_000;
    format!("{:02}:{:02}:{:02}.{:03}", day / 3_600_000, day / 60_000 % 60, day / 1000 % 60, day % 1000)
}

fn role(line: &str) -> Role {
    match level::of(line) {
        Some(LogLevel::Error) => Role::LogError,
        Some(LogLevel::Warn) => Role::LogWarn,
        Some(LogLevel::Debug) => Role::LogDebug,
        Some(LogLevel::Info) | None => Role::LogInfo,
    }
}
