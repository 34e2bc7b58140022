//! Output of the selected check and of the workloads that it created, following its end until somebody scrolls up.
//!
//! A check may write a million lines; rows are made of those around the cursor, or of those that the filter means.

use super::{Table, checks, prelude::*};
use crate::{
    report::{
        apart::{self, Apart, apart},
        level::LogLevel,
    },
    workbench::{model::CheckView, widgets::table},
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
    hints: &[Action::Follow, Action::Filter, Action::Enter, Action::Mark, Action::Wide, Action::Copy],
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
        Action::Enter => in_full(check()?, under_cursor()?),
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

/// A line as it was written, and what it holds by name.
fn in_full(check: &CheckView, number: usize) -> Option<Step> {
    let (at_ms, line) = check.log.get(number)?;
    let mut body = format!("{}  {line}\n", clock(at_ms));
    if let Some(apart) = apart(line) {
        let names = || apart.fields.iter().map(|(name, _)| text::width(name));
        let widest = names().max().unwrap_or(0).max("message".len());
        let mut row = |name: &str, value: &str| body += &format!("{name:<widest$}  {value}\n");
        row("", "");
        if let Some(level) = apart.level {
            row("level", level.word());
        }
        row("message", &apart.message);
        apart.fields.iter().for_each(|(name, value)| row(name, value));
    }
    Some(Step::Text { title: format!("line {} of {}", number + 1, check.planned.name), body })
}

/// The log that is shown: of which check, and how many lines it has had.
pub(in crate::workbench) fn lines_of(view: &View<'_>) -> Option<(String, usize)> {
    let check = view.model.run.check(checks::check_of(view)?)?;
    Some((check.planned.name.clone(), check.log.end()))
}

/// The number of the line that a row begins with; of a text that is wrapped, its first row.
pub(in crate::workbench) fn first_of(row: &RowId) -> Option<usize> {
    match row {
        RowId::Line("", number) | RowId::Piece(number, 0) => Some(*number),
        _ => None,
    }
}

/// A line that repeats the one before it: told once, with how often.
fn repeats(check: &CheckView, number: usize, before: usize) -> bool {
    let text = |number: usize| check.log.get(number).map(|(_, line)| (check.log.source(number), line));
    // A mark is seen where it was made.
    before + 1 == number && !check.marks.contains(&number) && text(before) == text(number)
}

/// A line as a row shows it.
struct Shown {
    role: Role,
    /// What it says in the color of its level, then what else it holds; a plain one as it is.
    text: Cell,
    /// Of one that was taken apart: as it was written, with the names that the row does not show.
    written: Option<Box<str>>,
}

impl Shown {
    fn of(line: &str) -> Shown {
        let (level, apart) = apart::read(line);
        let role = match level {
            Some(LogLevel::Error) => Role::LogError,
            Some(LogLevel::Warn) => Role::LogWarn,
            Some(LogLevel::Debug) => Role::LogDebug,
            Some(LogLevel::Info) | None => Role::LogInfo,
        };
        let Some(Apart { level, message, fields, names }) = apart else {
            return Shown { role, text: Cell::new(role, text::without_tabs(line)), written: None };
        };
        let level = level.filter(|level| *level != LogLevel::Info).map_or("", LogLevel::word);
        let gap = if level.is_empty() { "" } else { "  " };
        let message = message.trim_end().replace('\n', "; ");
        let said = Cell::new(role, format!("{level}{gap}{}", text::without_tabs(&message)));
        let fields: Vec<String> = fields.iter().map(pair).collect();
        let text = if fields.is_empty() { said } else { said.and(Role::Muted, format!("  {}", fields.join(" "))) };
        let names: Vec<String> = names.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Shown { role, text, written: Some(format!("{line} {}", names.join(" ")).into()) }
    }
}

fn pair((name, value): &(String, String)) -> String {
    match value.contains([' ', '"']) && !value.starts_with(['{', '[']) {
        true => format!("{name}={value:?}"),
        false => format!("{name}={value}"),
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
fn sought<'f>(filter: &'f str) -> Option<Regex> {
    if let Some(expression) = filter.strip_prefix("re:") {
        return Regex::new(expression).ok();
    }
    let is_of_row = |word: &str| ["changed", "marked"].contains(&word);
    if filter.contains(['!', '~', '<', '>']) || filter.contains(" | ") || filter.split(' ').any(is_of_row) {
        return None;
    }
    // The name of a field is in its line, its value perhaps in another form; sources have a column of their own.
    let of_line = |word: &'f str| match word.split_once('=') {
        None => Some(word),
        Some((name, _)) => Some(name).filter(|name| !name.is_empty() && !"source".starts_with(&name.to_lowercase())),
    };
    let word = filter.split_whitespace().filter_map(of_line).max_by_key(|word| word.len())?;
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
    let time = if view.timestamps { 14 } else { 0 };
    let before = time + if sources > 0 { sources + 2 } else { 0 };
    let width = table::text_columns(view.width).saturating_sub(before).max(1);
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
    let mut groups: Vec<(usize, usize)> = Vec::with_capacity(lines.len());
    for number in &lines {
        match groups.last_mut() {
            Some((_, last)) if repeats(check, *number, *last) => *last = *number,
            _ => groups.push((*number, *number)),
        }
    }
    for (number, last) in &groups {
        let Some((at_ms, line)) = check.log.get(*number) else { continue };
        let at = if view.timestamps { clock(at_ms) } else { String::new() };
        let Shown { role, mut text, written } = Shown::of(line);
        if last > number {
            let until = check.log.get(*last).map(|(at_ms, _)| clock(at_ms)).filter(|_| view.timestamps);
            let until = until.map_or_else(String::new, |until| format!("  until {until}"));
            // Before the line, which may be longer than the panel is wide.
            let times = format!("x {}  ", text::thousands(last - number + 1));
            text = Cell::new(Role::Muted, times).with(&text).and(Role::Muted, until);
        }
        let source = match check.log.source(*number) {
            "" => Cell::new(Role::Muted, OWN),
            source => Cell::text(source),
        };
        let marker = check.marks.contains(number).then_some((Role::Focus, "▪"));
        if table.wide && text.width() > width {
            for (part, piece) in text::wrap(&text.plain(), width).into_iter().enumerate() {
                let at = if part == 0 { Cell::new(Role::Muted, &at) } else { Cell::new(Role::Muted, "") };
                let marker = marker.filter(|_| part == 0);
                let source = if part == 0 { source.clone() } else { Cell::default() };
                let cells = cells(at, sources, source, Cell::new(role, piece));
                let also = written.clone();
                rows.push(Row { marker, also, ..Row::new(RowId::Piece(*number, part), cells) });
            }
        } else {
            let cells = cells(Cell::new(Role::Muted, at), sources, source, text);
            rows.push(Row { marker, also: written, ..Row::new(RowId::Line("", *number), cells) });
        }
    }
    if let Some(last) = lines.last().filter(|last| *last + 1 < end) {
        rows.extend(beyond("below", *last, format!("{} below", text::count(end - last - 1, "line"))));
    }
    // The end of a check is the end of its output: its verdict, and why.
    if let Some(result) = &check.result {
        let (role, glyph, word) = checks::verdict(result);
        let mut said = vec![format!("{glyph} {word}")];
        said.extend(result.message.lines().flat_map(|line| text::wrap(&text::clean(line), width)));
        for (index, line) in said.into_iter().enumerate() {
            let cell = Cell::new(if index == 0 { role } else { Role::Strong }, line);
            let cells = cells(Cell::default(), sources, Cell::default(), cell);
            rows.push(Row::new(RowId::Line("verdict", index), cells));
        }
    }
    let since = view.followed.filter(|(name, _)| *name == check.planned.name).map_or(end, |(_, lines)| *lines);
    let follow = match end.saturating_sub(since) {
        _ if table.follow => "FOLLOW".to_owned(),
        0 => "follow off".to_owned(),
        new => format!("follow off, {} new", text::thousands(new)),
    };
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
