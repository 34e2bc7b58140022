//! Output of the selected check and of the workloads that it created, or of several checks by time, following its end until
//! somebody scrolls up.
//!
//! A check may write a million lines; rows are made of those around the cursor, or of those that the filter means.

use super::{checks, nodes::BORDER, prelude::*};
use crate::{
    report::{
        apart::{self, Apart, apart},
        level::LogLevel,
        lines::Wanted,
        merged::{LineId, Merged},
    },
    text::color::{self, Ink},
    validate::pods::Pod,
    workbench::{
        log_options::{LogOptions, Part, moment},
        merge::{self, letter},
        model::CheckView,
        older::Older,
        times::Times,
        widgets::{filter::Filter, table::text_columns},
    },
};
use regex::Regex;
use std::collections::HashSet;

/// Lines that are rows at a time.
const WINDOW: usize = 5_000;

/// How many lines are rows: all of them, where they are written to a file.
fn most(view: &View<'_>) -> usize {
    match view.written {
        Some(Part::Meant | Part::All) => usize::MAX,
        Some(Part::Seen) | None => WINDOW,
    }
}

/// What is filtered by.
fn filter<'v>(view: &View<'v>) -> &'v str {
    if view.written == Some(Part::All) { "" } else { &view.table().filter }
}

pub static PANE: Pane = Pane {
    name: "log",
    screen: Screen::Validate,
    place: Place::NONE.detail(9).short(column(1, 0)).four(column(1, 0).row(1)).all(column(1, 0)),
    jump: Some(Action::GoLog),
    needs: &[Need::Run, Need::Recipe, Need::Cursor(&checks::PANE), Need::Look],
    hints: &[Action::Follow, Action::Filter, Action::Enter, Action::Mark, Action::Wide, Action::LogOptions],
    words: &[(Action::Wide, "wrap")],
    follows: true,
    wraps: true,
    build,
    on,
    ..Pane::BASE
};

fn on(view: &View<'_>, action: Action) -> Option<Step> {
    let log = || Log::of(view);
    let under_cursor = || view.selected(&PANE).and_then(place_of);
    match action {
        Action::Details => match under_cursor().filter(|_| log().is_none_or(|log| log.pod.is_none())) {
            Some((check, _)) => checks::details_of(view.model.run.checks.get(check)?),
            None => checks::details(view),
        },
        Action::MoveUp | Action::HalfUp | Action::PageUp | Action::Enter if is_on(view, OLDER) => {
            Some(Step::Line(log()?.lines.dropped().saturating_sub(1)))
        }
        Action::MoveDown | Action::HalfDown | Action::PageDown | Action::Enter if is_on(view, NEWER) => {
            Some(Step::Line(log()?.lines.end()))
        }
        Action::Enter => in_full(view, under_cursor()?),
        // Of all lines, not of the rows.
        Action::First if is_window(view) => {
            let log = log()?;
            let is_whole = log.together.is_none() && view.log_options.since_ms.is_none() && log.has_record(view);
            Some(Step::Line(if is_whole { 0 } else { log.first(view.log_options) }))
        }
        Action::Mark => {
            let (check, line) = line_under_cursor(view)?;
            Some(Step::Mark(check, line))
        }
        Action::NextMark => {
            let log = log()?;
            let marks = log
                .checks
                .iter()
                .enumerate()
                // A recorded run may have been marked further on than it is shown now.
                .flat_map(|(log, (_, check))| {
                    check.marks.range(..check.log.end()).map(move |(line, _)| LineId { log, line: *line })
                });
            let after = under_cursor().and_then(|at| log.place(at));
            let next = log.lines.next_of(marks, after);
            Some(
                next.map_or_else(
                    || Step::Say("no line is marked".to_owned()),
                    |place| Step::Line(log.lines.number(place)),
                ),
            )
        }
        _ => None,
    }
}

/// What the pane shows: the output of one check, or of several.
struct Log<'m> {
    /// Each with its place in the run.
    checks: Vec<(usize, &'m CheckView)>,
    /// When the phase of each began: of thousands of lines each asks for it.
    began_ms: Vec<u64>,
    lines: Merged<'m>,
    /// How many lines there were.
    total: usize,
    /// What several checks are called together.
    together: Option<String>,
    /// The one pod of the check whose lines are shown.
    pod: Option<&'m Pod>,
}

impl<'m> Log<'m> {
    fn of(view: &View<'m>) -> Option<Log<'m>> {
        let (run, merge) = (&view.model.run, view.merge);
        let several = merge.of(run);
        let (checks, together) = match several.is_empty() {
            false => (several, merge.which.map(|which| merge.title(which, run))),
            true => {
                let name = checks::check_of(view)?;
                let place = run.checks.iter().position(|check| check.planned.name == name)?;
                (vec![(place, &run.checks[place])], None)
            }
        };
        let total = checks.iter().map(|(_, check)| check.log.end()).sum();
        let lines_of = |(_, check): &(usize, &'m CheckView)| {
            let older = view.model.records.older.as_ref().filter(|_| together.is_none());
            let is_meant = |older: &&Older| older.run == run.id && older.check == check.planned.name;
            older.filter(is_meant).map_or(&check.log, |older| &*older.lines)
        };
        let lines = Merged::new(checks.iter().map(lines_of).collect());
        let began_ms = checks.iter().map(|(_, check)| run.phase_began_ms(check.planned.phase)).collect();
        let pod = if together.is_none() { pod_of(view) } else { None };
        Some(Log { checks, began_ms, lines, total, together, pod })
    }

    /// Whether what memory has no more can be read from the record of the run.
    fn has_record(&self, view: &View<'_>) -> bool {
        view.model.has_record_of_run()
    }

    /// As the title has it.
    fn name(&self) -> String {
        let of_pod = self.pod.map_or_else(String::new, |pod| format!("/{}", text::clean(&pod.name)));
        self.together.clone().unwrap_or_else(|| self.checks[0].1.planned.name.clone() + &of_pod)
    }

    /// Of a line that is known by its check.
    fn place(&self, (check, line): (usize, usize)) -> Option<LineId> {
        let log = self.checks.iter().position(|(known, _)| *known == check)?;
        Some(LineId { log, line })
    }

    /// The number that a row has or is nearest to.
    fn number(&self, row: &RowId) -> Option<usize> {
        match row {
            RowId::Line("above" | "below", number) => Some(*number),
            RowId::Line("before", _) | OLDER => Some(self.lines.dropped()),
            NEWER => self.lines.end().checked_sub(1),
            row => Some(self.lines.number(self.place(place_of(row)?)?)),
        }
    }

    /// What a marked line is called; empty where its mark has no label.
    fn mark(&self, place: LineId) -> Option<&'m str> {
        self.checks[place.log].1.marks.get(&place.line).map(String::as_str)
    }

    /// A line that repeats the one before it: told once, with how often.
    fn repeats(&self, place: LineId, before: LineId) -> bool {
        let text = |place: LineId| self.lines.get(place).map(|(_, line)| (self.lines.source(place), line));
        // A mark is seen where it was made.
        (before.log, before.line + 1) == (place.log, place.line)
            && self.mark(place).is_none()
            && text(before) == text(place)
    }

    /// The number of the first line that may be a row.
    fn first(&self, options: &LogOptions) -> usize {
        options.since_ms.map_or(0, |since_ms| self.lines.first_at(since_ms)).max(self.lines.dropped())
    }

    /// What wrote a line, as it is chosen by.
    fn written_by(&self, log: usize, source: &str) -> String {
        match (&self.together, source) {
            (None, "") => OWN.to_owned(),
            (None, source) => source.to_owned(),
            (Some(_), "") => self.checks[log].1.planned.name.clone(),
            (Some(_), source) => format!("{}/{source}", self.checks[log].1.planned.name),
        }
    }

    /// The names of all that wrote lines.
    fn names(&self) -> Vec<String> {
        let of_log = |log: usize| self.lines.names(log).map(|source| self.written_by(log, source)).collect::<Vec<_>>();
        (0..self.checks.len()).flat_map(of_log).collect()
    }

    /// The lines that are rows: what filter and options mean, or what is around the cursor.
    fn shown(&self, view: &View<'_>) -> Vec<LineId> {
        let (table, options) = (view.table(), view.log_options);
        if !is_window(view) {
            let text = sought(filter(view));
            let is_named = |check: &CheckView| {
                self.together.is_some() && text.as_ref().is_some_and(|text| text.is_match(&check.planned.name))
            };
            let whole = self.checks.iter().enumerate().filter(|(_, (_, check))| is_named(check));
            let is_meant = |log, source: &str| {
                let is_chosen = options.sources.is_empty() || options.sources.contains(&self.written_by(log, source));
                is_chosen && self.pod.is_none_or(|pod| pod.wrote(source))
            };
            let of_log = |log: usize| self.lines.names(log).map(|source| is_meant(log, source)).collect();
            let sources: Vec<Vec<bool>> = match options.sources.is_empty() && self.pod.is_none() {
                true => Vec::new(),
                false => (0..self.checks.len()).map(of_log).collect(),
            };
            let since_ms = options.since_ms.unwrap_or_default();
            let wanted = Wanted { text: text.as_ref(), since_ms, level: options.level, sources: &[] };
            return self.lines.search(&wanted, &whole.map(|(log, _)| log).collect(), &sources, most(view));
        }
        let (first, end, most) = (self.first(options), self.lines.end(), most(view));
        let newest = end.saturating_sub(most);
        let selected = table.selected.as_ref().filter(|_| !table.follow).and_then(|row| self.number(row));
        let start = selected.map_or(newest, |line| line.saturating_sub(WINDOW / 2)).clamp(first, newest.max(first));
        self.lines.lines(start, most)
    }

    /// The lines that filter and options mean among some, with those around them; the newest where they are too many.
    fn with_those_around(&self, view: &View<'_>, columns: &[Column], lines: Vec<LineId>) -> Vec<Shown> {
        let (table, around) = (view.table(), view.log_options.around);
        let filter = if filter(view).is_empty() { Filter::default() } else { table.filter_on(columns) };
        if around == 0 || filter.is_empty() && !selects(view) {
            return lines.into_iter().map(|place| Shown { place, is_beside: false }).collect();
        }
        let is_meant = |place: &LineId| filter.is_empty() || table.fits(&filter, &self.row(view, columns, *place));
        let meant: Vec<LineId> = lines.into_iter().filter(is_meant).collect();
        let (first, end) = (self.first(view.log_options), self.lines.end());
        // Neighbors that meet are one stretch.
        let mut stretches: Vec<std::ops::Range<usize>> = Vec::new();
        let mut count = 0;
        for number in meant.iter().rev().map(|place| self.lines.number(*place)) {
            let (start, stop) = (number.saturating_sub(around).max(first), (number + around + 1).min(end));
            match stretches.last_mut().filter(|next| next.start <= stop) {
                Some(next) => {
                    count += next.start - start.min(next.start);
                    next.start = next.start.min(start);
                }
                None => {
                    count += stop - start;
                    stretches.push(start..stop);
                }
            }
            if count > most(view) {
                break;
            }
        }
        let meant: HashSet<LineId> = meant.into_iter().collect();
        let lines = stretches.into_iter().rev().flat_map(|stretch| self.lines.lines(stretch.start, stretch.len()));
        lines.map(|place| Shown { place, is_beside: !meant.contains(&place) }).collect()
    }

    /// A line as a row, which is as long as it is.
    fn row(&self, view: &View<'_>, columns: &[Column], place: LineId) -> Row {
        let (at_ms, line) = self.lines.get(place).unwrap_or_default();
        let Said { text, written } = Said::of(line, self.lines.inks(place));
        let source = self.source(place.log, self.lines.source(place));
        let at = Cell::new(Role::Muted, self.time(view, place, at_ms));
        let id = RowId::Output { check: self.checks[place.log].0, line: place.line, part: 0 };
        Row { also: written, ..Row::new(id, cells(at, columns.len() - 2, source, text)) }
    }

    /// The columns in front of the text: the time, where all of it is not of one check itself where it comes from, and of several
    /// checks their letters, which stay where names have no room. What is left is for the text.
    fn columns(&self, view: &View<'_>) -> (Vec<Column>, usize) {
        // Without a line, nothing has a time, and what is said instead has the room.
        let time = if self.total == 0 { 0 } else { view.times.columns() };
        let mut columns = vec![Column::new("", time, time)];
        let mut width = text_columns(view.width).saturating_sub(if time > 0 { usize::from(time) + 2 } else { 0 });
        let mut least = 10;
        let sources = |check: &CheckView| check.log.sources().iter().map(|source| text::width(source)).max();
        let narrow = |columns: usize| u16::try_from(columns).unwrap_or(u16::MAX);
        let source = match self.together {
            None => {
                let widest = self.checks.iter().filter_map(|(_, check)| sources(check)).max();
                widest.map(|widest| widest.min(SOURCE).min(view.width / 2).max(OWN.len()))
            }
            Some(_) => {
                let letters = self.checks.iter().map(|(at, _)| letter(*at).len()).max().unwrap_or_default();
                columns.push(Column::new("", narrow(letters), narrow(letters)));
                (width, least) = (width.saturating_sub(letters + 2), TEXT);
                let widest = self
                    .checks
                    .iter()
                    .map(|(_, check)| text::width(&check.planned.name) + sources(check).map_or(0, |inner| inner + 1));
                Some(widest.max().unwrap_or_default().min(SOURCE).min(view.width / 3).max(OWN.len()))
            }
        };
        if let Some(source) = source {
            columns.push(Column::new("SOURCE", narrow(source), narrow(source)).name_like().priority(1));
            // Where it has no room, the table leaves it out.
            let room = width.saturating_sub(source + 2);
            width = if self.together.is_none() || room >= usize::from(least) { room } else { width };
        }
        columns.push(Column::new("", least, least).grows());
        (columns, width.max(1))
    }

    /// Where a line comes from: what wrote it; among several checks, also which check it is of, by its letter and its name.
    fn source(&self, log: usize, source: &str) -> Vec<Cell> {
        let (at, check) = self.checks[log];
        match (&self.together, source) {
            (None, "") => vec![Cell::new(Role::Muted, OWN)],
            (None, source) => vec![Cell::text(source)],
            (Some(_), source) => {
                let inner = if source.is_empty() { String::new() } else { format!("/{source}") };
                let name = Cell::new(merge::role(at), format!("{}{inner}", check.planned.name));
                vec![Cell::new(merge::role(at), letter(at)), name]
            }
        }
    }

    /// What is before a line.
    fn time(&self, view: &View<'_>, place: LineId, at_ms: u64) -> String {
        let number = self.lines.number(place);
        let before = number.checked_sub(1).filter(|_| view.times == Times::Delta);
        let before = before.and_then(|number| self.lines.get(self.lines.place(number)?));
        view.times.of(at_ms, self.began_ms[place.log], before.map(|(at_ms, _)| at_ms))
    }

    /// What the letters stand for, where the names have no room beside the lines.
    fn legend(&self) -> String {
        let each = self.checks.iter().map(|(at, check)| format!("{}={}", letter(*at), check.planned.name));
        each.collect::<Vec<_>>().join(", ")
    }
}

/// The check that a row is of, by its place in the run, and the number of the line there.
fn place_of(row: &RowId) -> Option<(usize, usize)> {
    match row {
        RowId::Output { check, line, .. } => Some((*check, *line)),
        _ => None,
    }
}

/// A line as it was written, and what it holds by name.
fn in_full(view: &View<'_>, (at, number): (usize, usize)) -> Option<Step> {
    let (log, check) = (Log::of(view)?, view.model.run.checks.get(at)?);
    let (at_ms, line) = log.lines.get(log.place((at, number))?)?;
    let mut body = format!("{}  {line}\n", clock(at_ms));
    if let Some(apart) = apart(line) {
        let names = || apart.fields.iter().map(|(name, _)| text::width(name));
        let widest = names().max().unwrap_or(0).max("message".len());
        let mut row = |name: &str, value: &str| body += &format!("{name:<widest$}  {value}\n");
        row("", "");
        if let Some(level) = apart.level {
            row("level", level.word());
        }
        row("message", &color::plain(&apart.message));
        apart.fields.iter().for_each(|(name, value)| row(name, &color::plain(value)));
    }
    Some(Step::Prose { title: format!("line {} of {}", number + 1, check.planned.name), body })
}

/// Lines before the first one in memory: in the record of the run, or dropped.
const OLDER: &RowId = &RowId::Line("dropped", 0);
/// Lines behind what was read from the record.
const NEWER: &RowId = &RowId::Line("newer", 0);

fn is_on(view: &View<'_>, row: &RowId) -> bool {
    view.selected(&PANE) == Some(row)
}

/// The check whose line of a number is to be read from the record of the run; `None` where it is in memory, or among what was
/// read.
pub(in crate::workbench) fn older_of(view: &View<'_>, number: usize) -> Option<String> {
    let log = Log::of(view)?;
    let [(_, check)] = log.checks[..] else { return None };
    let is_there = (log.lines.dropped()..log.lines.end()).contains(&number);
    let is_older = log.together.is_none() && number < check.log.dropped() && !is_there;
    (is_older && log.has_record(view)).then(|| check.planned.name.clone())
}

/// The line under the cursor: the name of its check, and its number.
pub(in crate::workbench) fn line_under_cursor(view: &View<'_>) -> Option<(String, usize)> {
    let (check, line) = view.selected(&PANE).and_then(place_of)?;
    Some((view.model.run.checks.get(check)?.planned.name.clone(), line))
}

/// The log that is shown: what it is called, and how many lines it has had.
pub(in crate::workbench) fn lines_of(view: &View<'_>) -> Option<(String, usize)> {
    let log = Log::of(view)?;
    Some((log.name(), log.total))
}

/// The row that the line of a number is in: its own, or that of the lines that it repeats.
pub(in crate::workbench) fn row_at(view: &View<'_>, number: usize) -> Option<RowId> {
    let log = Log::of(view)?;
    let begins = |id: &&RowId| match id {
        RowId::Output { part: 0, .. } => log.number(id).is_some_and(|first| first <= number),
        _ => false,
    };
    view.table().content.rows.iter().rev().map(|row| &row.id).find(begins).cloned()
}

/// The row of a number, whether or not it is among the rows now.
pub(in crate::workbench) fn row_of(view: &View<'_>, number: usize) -> Option<RowId> {
    let log = Log::of(view)?;
    let LineId { log: at, line } = log.lines.place(number)?;
    Some(RowId::Output { check: log.checks[at].0, line, part: 0 })
}

/// A line that is a row.
#[derive(Clone, Copy)]
struct Shown {
    place: LineId,
    /// It is shown for its place next to a line that is meant.
    is_beside: bool,
}

/// What a line says, as a row shows it.
struct Said {
    /// What it says in the color of its level, then what else it holds; a plain one as it is.
    text: Cell,
    /// Of one that was taken apart: as it was written, with the names that the row does not show.
    written: Option<Box<str>>,
}

impl Said {
    /// What is taken apart has the color of its level; its message may have colors of its own.
    fn of(line: &str, inks: impl Iterator<Item = (usize, Ink)>) -> Said {
        let (level, apart) = apart::read(line);
        let role = match level {
            Some(LogLevel::Error) => Role::LogError,
            Some(LogLevel::Warn) => Role::LogWarn,
            Some(LogLevel::Debug) => Role::LogDebug,
            Some(LogLevel::Info) | None => Role::LogInfo,
        };
        let Some(Apart { level, message, fields, names }) = apart else {
            return Said { text: Cell::printed(role, line, inks), written: None };
        };
        let level = level.filter(|level| *level != LogLevel::Info).map_or("", LogLevel::word);
        let gap = if level.is_empty() { "" } else { "  " };
        let message = message.trim_end().replace('\n', "; ");
        let (message, inks) = color::apart(&message);
        let said = match level.is_empty() {
            true => Cell::printed(role, &message, inks),
            false => Cell::new(role, format!("{level}{gap}")).with(&Cell::printed(role, &message, inks)),
        };
        let fields: Vec<String> = fields.iter().map(pair).collect();
        let text = if fields.is_empty() { said } else { said.and(Role::Muted, format!("  {}", fields.join(" "))) };
        let names: Vec<String> = names.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Said { text, written: Some(format!("{line} {}", names.join(" ")).into()) }
    }
}

/// What a line says, without what programs write for programs.
pub(super) fn said(line: &str) -> String {
    let words = apart::words(line).map(|words| color::plain(&words).into_owned());
    words.unwrap_or_else(|| Said::of(line, std::iter::empty()).text.plain().into_owned())
}

/// A text in lines of at most `width`, each with the colors that it has there.
fn pieces(text: &Cell, width: usize) -> Vec<Cell> {
    let (whole, mut at) = (text.plain(), 0);
    let place = |piece: String| {
        let from = whole[at..].find(&piece).map_or(at, |found| at + found);
        at = (from + piece.len()).min(whole.len());
        text.part(from..at)
    };
    text::wrap(&whole, width).into_iter().map(place).collect()
}

fn pair((name, value): &(String, String)) -> String {
    let value = color::plain(value);
    match value.contains([' ', '"']) && !value.starts_with(['{', '[']) {
        true => format!("{name}={value:?}"),
        false => format!("{name}={value}"),
    }
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

/// Whether the rows are lines around the cursor, whatever they say; else those that filter or options mean, of all of them.
fn is_window(view: &View<'_>) -> bool {
    sought(filter(view)).is_none() && !selects(view)
}

/// Lines are left out by something else than a filter or their time.
fn selects(view: &View<'_>) -> bool {
    view.log_options.selects() || pod_of(view).is_some()
}

/// The pod whose lines alone are shown; where several checks share a log, or all of it is written, there is none.
fn pod_of<'v>(view: &View<'v>) -> Option<&'v Pod> {
    let is_whole = view.merge.which.is_some() || view.written == Some(Part::All);
    checks::pod_of(view).filter(|_| !is_whole).map(|(_, view)| &view.pod)
}

/// What wrote lines of the log that is shown.
pub(in crate::workbench) fn sources_of(view: &View<'_>) -> Vec<String> {
    Log::of(view).map(|log| log.names()).unwrap_or_default()
}

/// What to press for a log, where no check is selected.
fn no_check(view: &View<'_>) -> Vec<(Role, String)> {
    let [down, up, runs, records] =
        [Action::MoveDown, Action::MoveUp, Action::Run, Action::GoRuns].map(|action| view.keys.key(action));
    if !view.model.run.checks.is_empty() {
        return Blank::Empty.says(format!("no check is selected; {down} and {up} go to one in the list"));
    }
    Blank::NotAsked.says(match checks::can_run(view) {
        true => format!("{runs} runs checks, {records} lists the runs on record"),
        false => format!("{records} lists the runs on record"),
    })
}

fn build(view: &View<'_>) -> Content {
    let Some(log) = Log::of(view) else {
        return Content { title: "log".to_owned(), says: no_check(view), ordered: true, ..Content::default() };
    };
    let table = view.table();
    let (columns, width) = log.columns(view);
    let sources = columns.len() - 2;
    let lines = log.shown(view);
    let is_window = is_window(view);
    let start = lines.first().filter(|_| is_window).map(|place| log.lines.number(*place));
    let last = start.map(|start| start + lines.len()).filter(|last| *last < log.lines.end());
    let lines = log.with_those_around(view, &columns, lines);
    let mut rows = Vec::with_capacity(lines.len() + 2);
    let (dropped, first, end) = (log.lines.dropped(), log.first(view.log_options), log.lines.end());
    let beyond = |name, number, said| {
        let row = Row::new(
            RowId::Line(name, number),
            cells(Cell::default(), sources, Vec::new(), Cell::new(Role::Muted, said)),
        );
        Some(row).filter(|_| is_window)
    };
    let left_out = if is_window { 0 } else { (end - first).saturating_sub(lines.len()) };
    match start {
        Some(start) if start > first => {
            rows.extend(beyond("above", start, format!("{} above", text::count(start - first, "line"))));
        }
        _ if first > dropped => {
            let since = view.log_options.since_ms.map(moment).unwrap_or_default();
            rows.extend(beyond("before", 0, format!("{} before {since}", text::count(first, "line"))));
        }
        _ if first > 0 => {
            let lines = text::count(first, "line");
            let said = match log.has_record(view) {
                false => format!("{lines} before this were dropped: the run is not recorded"),
                true if log.together.is_some() => format!("{lines} before this: each check alone has them"),
                true => {
                    let key = view.keys.key(Action::MoveUp);
                    format!("{lines} before this: {key} reads them from the record of the run")
                }
            };
            rows.extend(beyond("dropped", 0, said));
        }
        _ => {}
    }
    let mut groups: Vec<(Shown, LineId)> = Vec::with_capacity(lines.len());
    for line in &lines {
        match groups.last_mut() {
            Some((_, last)) if view.written.is_none() && log.repeats(line.place, *last) => *last = line.place,
            _ => groups.push((*line, line.place)),
        }
    }
    let places: Vec<LineId> = lines.iter().map(|line| line.place).collect();
    let mut ends = ends(&log, &places, start.is_some_and(|start| start > first), last.is_some());
    let mut next = None;
    for (Shown { place, is_beside }, until) in &groups {
        let Some((at_ms, line)) = log.lines.get(*place) else { continue };
        // Lines that are not next to each other are told apart where each has its neighbors.
        let number = log.lines.number(*place);
        if view.log_options.around > 0 && next.is_some_and(|next| next < number) {
            let said = cells(Cell::default(), sources, Vec::new(), Cell::new(Role::Muted, GAP));
            rows.push(Row { beside: true, ..Row::new(RowId::Line("gap", number), said) });
        }
        next = Some(log.lines.number(*until) + 1);
        while let Some(end) = ends.pop_if(|end| end.at_ms < at_ms) {
            rows.push(end.row(&log, view, sources));
        }
        let at = log.time(view, *place, at_ms);
        let Said { mut text, written } = Said::of(line, log.lines.inks(*place));
        if *is_beside {
            text = Cell::new(Role::Muted, text.plain());
        }
        if until.line > place.line {
            let times = text::thousands(until.line - place.line + 1);
            let until = log.lines.get(*until).map(|(until_ms, _)| {
                view.times.of(until_ms, log.began_ms[place.log], Some(at_ms)).trim_start().to_owned()
            });
            let until = until.filter(|until| !until.is_empty());
            let until = until.map_or_else(String::new, |until| format!("  until {until}"));
            // Before the line, which may be longer than the panel is wide.
            text = Cell::new(Role::Muted, format!("x {times}  ")).with(&text).and(Role::Muted, until);
        }
        let mark = log.mark(*place);
        if let Some(label) = mark.filter(|label| !label.is_empty()) {
            text = Cell::new(Role::Focus, format!("[{}] ", text::clean(label))).with(&text);
        }
        let source = log.source(place.log, log.lines.source(*place));
        let beside = is_beside.then_some((Role::Muted, "-"));
        let marker = mark.map(|_| (Role::Focus, "▪")).or(beside);
        let id = |part| RowId::Output { check: log.checks[place.log].0, line: place.line, part };
        if table.wide && text.width() > width {
            for (part, piece) in pieces(&text, width).into_iter().enumerate() {
                let at = if part == 0 { Cell::new(Role::Muted, &at) } else { Cell::new(Role::Muted, "") };
                let marker = marker.filter(|_| part == 0);
                let source = if part == 0 { source.clone() } else { Vec::new() };
                let cells = cells(at, sources, source, piece);
                // A filter judges the line and not its pieces.
                let also = Some(written.clone().unwrap_or_else(|| line.into()));
                let (beside, continues) = (*is_beside, part > 0);
                rows.push(Row { marker, also, beside, continues, ..Row::new(id(part), cells) });
            }
        } else {
            let cells = cells(Cell::new(Role::Muted, at), sources, source, text);
            rows.push(Row { marker, also: written, beside: *is_beside, ..Row::new(id(0), cells) });
        }
    }
    rows.extend(ends.into_iter().rev().map(|end| end.row(&log, view, sources)));
    if let Some(last) = last {
        rows.extend(beyond(
            "below",
            last - 1,
            format!("{} below", text::count(log.total.saturating_sub(last), "line")),
        ));
    } else if end < log.total {
        let (lines, key) = (text::count(log.total.saturating_sub(end), "line"), view.keys.key(Action::MoveDown));
        rows.extend(beyond("newer", 0, format!("{lines} below: {key} reads them")));
    }
    // The end of a check is the end of its output: its verdict, and why.
    if end == log.total
        && log.pod.is_none_or(|pod| !pod.is_workload)
        && let (None, [(_, CheckView { result: Some(result), .. })]) = (&log.together, &log.checks[..])
    {
        let (role, glyph, word) = checks::verdict(result);
        let mut said = vec![format!("{glyph} {word}")];
        said.extend(result.message.lines().flat_map(|line| text::wrap(&text::clean(line), width)));
        for (index, line) in said.into_iter().enumerate() {
            let cell = Cell::new(if index == 0 { role } else { Role::Strong }, line);
            let cells = cells(Cell::default(), sources, Vec::new(), cell);
            rows.push(Row::new(RowId::Line("verdict", index), cells));
        }
    }
    let total = log.total;
    let since = view.followed.filter(|(name, _)| *name == log.name()).map_or(total, |(_, lines)| *lines);
    let follow = match total.saturating_sub(since) {
        _ if table.follow => "FOLLOW".to_owned(),
        0 => "follow off".to_owned(),
        new => format!("follow off, {} new", text::thousands(new)),
    };
    let options: String = view.log_options.words().iter().map(|word| format!("  {word}")).collect();
    let shown = lines.iter().filter(|line| !line.is_beside).count();
    // What a filter hides is said beside it.
    let of = match selects(view) && filter(view).is_empty() {
        true => format!("{} of ", text::thousands(shown)),
        false => String::new(),
    };
    let (front, text) = columns.split_at(columns.len() - 1);
    let front =
        front.iter().filter(|column| column.ideal > 0).map(|column| usize::from(column.ideal) + 2).sum::<usize>();
    let widest = rows.iter().filter_map(|row| row.cells.last()).map(Cell::width).max().unwrap_or_default();
    let whole = front + widest.min(usize::from(text[0].ideal));
    let names_are_hidden = log.together.is_some() && whole > text_columns(view.width);
    let says = match (rows.is_empty(), names_are_hidden) {
        // A check that has ended has a verdict for its last row.
        (true, _) if end > 0 && !options.is_empty() => {
            let key = view.keys.key(Action::LogOptions);
            Blank::Empty.says(format!("{}: none is {}; {key} shows others", text::count(end, "line"), options.trim()))
        }
        (true, _) if log.pod.is_some_and(|pod| pod.stand.has_ended()) => {
            Blank::Empty.says("nothing that this pod wrote was read")
        }
        // Nothing comes by itself: neither in a record that stands still, nor where nobody writes any more.
        (true, _) if view.model.records.replay.as_ref().is_some_and(|replay| !replay.playing) => {
            Blank::Empty.says(format!("no output up to here; {} goes on", view.keys.key(Action::StepOn)))
        }
        (true, _) => Blank::Loading.says("no output yet"),
        (false, true) => vec![(Role::Muted, log.legend())],
        (false, false) => Vec::new(),
    };
    // What a filter has not looked at is no miss: neither what memory has dropped nor what is behind lines of the record.
    let unsought = match total - (end - dropped) {
        beyond if is_window || beyond == 0 => String::new(),
        beyond => format!(", {} not searched", text::thousands(beyond)),
    };
    // The panel of the pod says of which check it is.
    let title = format!("log {}", log.pod.map_or_else(|| log.name(), |pod| text::clean(&pod.name).into_owned()));
    let wrap = if table.wide { "wrap on" } else { "wrap off" };
    // Blank lines are room for what is cut.
    let goes_on = !table.wide && rows.len() < view.height;
    Content {
        goes_on,
        note: match options.is_empty() {
            // How it is looked at says nothing of a file.
            _ if view.written.is_some() => format!("{of}{}{unsought}{options}", text::count(total, "line")),
            true => {
                let lines = format!("{of}{}{unsought}", text::count(total, "line"));
                // Whether lines are wrapped is seen, and that the last one is followed by the cursor on it.
                let least = if table.follow { lines.clone() } else { format!("{follow}  {lines}") };
                let notes = [format!("{follow}  {wrap}  {lines}"), format!("{follow}  {lines}")];
                let fits = |note: &String| text::width(&title) + text::width(note) + BORDER <= view.width;
                notes.into_iter().find(fits).unwrap_or(least)
            }
            // What is left out matters more than how lines are wrapped, which is seen.
            false => format!("{follow}  {of}{}{unsought}{options}", text::count(total, "line")),
        },
        title,
        columns,
        says,
        rows,
        ordered: true,
        left_out,
        ..Content::default()
    }
}

/// The end of one of several checks, as a line of their log.
struct End {
    at_ms: u64,
    log: usize,
}

impl End {
    fn row(&self, log: &Log<'_>, view: &View<'_>, sources: usize) -> Row {
        let (at, check) = log.checks[self.log];
        let time = view.times.of(self.at_ms, log.began_ms[self.log], None);
        let said = check.result.as_ref().map_or_else(Cell::default, |result| {
            let (role, glyph, word) = checks::verdict(result);
            let why = result.message.lines().next().filter(|line| !line.is_empty());
            let why = why.map_or_else(String::new, |line| format!("  {}", text::clean(line)));
            Cell::new(role, format!("{glyph} {word}")).and(Role::Strong, why)
        });
        Row::new(RowId::Line("end", at), cells(Cell::new(Role::Muted, time), sources, log.source(self.log, ""), said))
    }
}

/// The ends of several checks among some lines, the newest first; those before or behind lines that are no rows are not.
fn ends(log: &Log<'_>, lines: &[LineId], more_before: bool, more_behind: bool) -> Vec<End> {
    if log.together.is_none() {
        return Vec::new();
    }
    let time = |place: Option<&LineId>| place.and_then(|place| log.lines.get(*place)).map(|(at_ms, _)| at_ms);
    let oldest = time(lines.first()).filter(|_| more_before).unwrap_or_default();
    let newest = time(lines.last()).filter(|_| more_behind).unwrap_or(u64::MAX);
    let end = |(log, (_, check)): (usize, &(usize, &CheckView))| {
        let result = check.result.as_ref()?;
        // Its last line may have arrived after it.
        let last = check.log.last().map_or(0, |(at_ms, _)| at_ms);
        Some(End { at_ms: result.stop_ms.max(last), log })
    };
    let mut ends: Vec<End> = log.checks.iter().enumerate().filter_map(end).collect();
    ends.retain(|end| (oldest..=newest).contains(&end.at_ms));
    ends.sort_by_key(|end| std::cmp::Reverse((end.at_ms, end.log)));
    ends
}

/// What the check itself is called among the sources of its lines.
const OWN: &str = "check";
/// A longer name of a source is cut in its middle.
const SOURCE: usize = 36;

/// Between lines that are not next to each other.
const GAP: &str = "···";

/// Columns that text keeps beside the names of several checks.
const TEXT: u16 = 24;

/// The cells of a row, with its source where there are columns for it.
fn cells(at: Cell, sources: usize, mut source: Vec<Cell>, text: Cell) -> Vec<Cell> {
    source.resize(sources, Cell::default());
    [vec![at], source, vec![text]].concat()
}

/// Time of day in UTC, to the millisecond.
pub(in crate::workbench) fn clock(at_ms: u64) -> String {
    let day = at_ms % 86_400_000;
    format!("{:02}:{:02}:{:02}.{:03}", day / 3_600_000, day / 60_000 % 60, day / 1000 % 60, day % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::validator::Phase,
        term::color::Level,
        validate::event::{Body, Event, PlannedCheck, Way},
        workbench::{RunOptions, app::State, merge::Which, model},
    };

    #[test]
    fn when_a_phase_began_is_worked_out_once_for_all_lines_of_a_log() {
        let mut state = State::new(&RunOptions::default(), Level::None, 120, 40).unwrap();
        let check = |name: &str| PlannedCheck {
            name: name.into(),
            phase: Phase::Conformance,
            description: String::new(),
            image: String::new(),
            timeout_seconds: 60,
            grace_seconds: 0,
            group: 0,
            way: Way::Job,
        };
        let planned = Body::Planned {
            run_id: "run".into(),
            namespace: "ns".into(),
            context: "demo".into(),
            recipe: String::new(),
            criteria: String::new(),
            checks: ["one", "two"].map(check).to_vec(),
        };
        let log = |at: u64| Body::Log { check: "one".into(), text: format!("line {at}"), source: String::new() };
        let events = [planned].into_iter().chain((1..=300).map(log)).zip(1_000..);
        events.for_each(|(body, at)| {
            state.model.run.fold(Event { seq: 0, observed_at_ms: at, stated_at_ms: None, body })
        });
        (state.desk.times, state.desk.merge.which) = (Times::Relative, Some(Which::All));
        model::ASKED.set(0);
        let content = build(&state.desk.view(&state.model, &PANE));
        assert_eq!((content.rows.len(), model::ASKED.get()), (300, 2), "once for each check");
        assert_eq!(content.rows[299].cells[0].plain().trim(), "+0.300");
    }
}
