//! What lies over a screen: help, palette, messages, a text to read, a question.
//!
//! Each is a table, some with a text field above it; a question has choices below it.

use super::{
    Screen,
    app::State,
    keymap::{Action, Group, Keymap, Scope},
    log_options::{Does, Offer},
    model::{Message, Model, Severity, clock},
    msg::Log,
    operations::{Key, Operation, Operations},
    palette,
    panes::{Pane, RowId, Tables},
    preferences::{self, Preferences},
    question::{Answer, Question},
    recall,
    session::SavedFilters,
    sizes,
    theme::{Role, Themes},
    widgets::{
        table::{self, Cell, Column, Identity},
        text, wrap,
    },
    wording,
};
use crate::{
    diff::beside::Reading,
    ops::{
        Failure,
        storage::{self, Item},
    },
};
use std::collections::VecDeque;
use tracing::Level;
use unicode_segmentation::UnicodeSegmentation;

/// One line of text being typed; the cursor is a byte offset at a character's edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    pub text: String,
    pub cursor: usize,
}

impl Field {
    pub fn with(text: &str) -> Field {
        Field { text: text.to_owned(), cursor: text.len() }
    }

    pub fn insert(&mut self, text: &str) {
        // A pasted line end would be shown as `^J`; in one line it is a space.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
    }

    pub fn backspace(&mut self) {
        if let Some(grapheme) = self.text[..self.cursor].graphemes(true).next_back() {
            let from = self.cursor - grapheme.len();
            self.text.replace_range(from..self.cursor, "");
            self.cursor = from;
        }
    }

    /// Removes the word before the cursor.
    pub fn delete_word(&mut self) {
        let head = self.text[..self.cursor].trim_end();
        let from = head.rfind(' ').map_or(0, |at| at + 1);
        self.text.replace_range(from..self.cursor, "");
        self.cursor = from;
    }

    pub fn clear(&mut self) {
        *self = Field::default();
    }

    pub fn left(&mut self) {
        self.cursor -= self.text[..self.cursor].graphemes(true).next_back().map_or(0, str::len);
    }

    pub fn right(&mut self) {
        self.cursor += self.text[self.cursor..].graphemes(true).next().map_or(0, str::len);
    }
}

/// Columns of the keys in the help; more of them go on below.
const KEYS: usize = 16;

/// Columns that a question takes at most.
pub const QUESTION_WIDTH: u16 = 96;

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Help,
    Palette,
    /// What was typed into a field before.
    Recall(recall::Source),
    Messages,
    /// What can be chosen: preferences, with who set each; what a log shows.
    Preferences,
    /// Work in the background.
    Operations,
    /// A text to read: a file, YAML, a failure.
    Text,
    /// The first answer does no harm, and has the focus.
    Question {
        question: Question,
        answers: Vec<Answer>,
        chosen: usize,
    },
    /// It is answered by typing a name.
    Confirm {
        question: Question,
        name: String,
    },
}

/// What a row of an overlay is, and what Enter does on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// A line to read.
    Line(usize),
    /// What a wrapped line goes on with.
    Piece(usize, usize),
    Act(Action),
    /// Put the command into the field and go on typing.
    Take(String),
    Run(String),
    /// Put the line into the field that it was looked for from.
    Recall(String),
    /// Put the cursor of a pane on a row.
    Go(&'static Pane, RowId),
    /// Show the failure of a message, by its place in the history.
    Message(usize),
    /// Show a line of the log in full, by its place in the log.
    Logged(usize),
    /// Work in the background.
    Operation(Key),
}

impl Identity for Choice {}

pub(super) type Row = table::Row<Choice>;
pub(super) type Content = table::Content<Choice>;
type Table = table::Table<Choice>;

/// What palette and help are made of.
#[derive(Clone, Copy, Debug)]
pub struct Reads<'s> {
    pub model: &'s Model,
    pub tables: &'s Tables,
    pub keys: &'s Keymap,
    pub screen: Screen,
    /// The panel with the focus.
    pub pane: &'static Pane,
    /// Commands that were given, oldest first.
    pub history: &'s [String],
    /// Filters that were kept, oldest first.
    pub filters: &'s [String],
    pub saved_filters: &'s SavedFilters,
    pub files: &'s Files,
    pub themes: &'s Themes,
    pub preferences: &'s Preferences,
    /// Contexts and files that were used, newest first.
    pub recent_contexts: &'s [String],
    pub recent_files: &'s [String],
    /// Why an action cannot be done now, and why a command cannot.
    pub state: &'s State,
}

/// What a folder holds, for completion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// As it was typed, with its `/`; empty for the current one.
    pub folder: String,
    pub names: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Overlay {
    pub kind: Kind,
    pub field: Option<Field>,
    pub table: Table,
    /// What `y` copies from a text.
    pub copy: String,
    /// How many of the first rows Enter takes without a choice.
    pub certain: usize,
    /// There are lines that were typed into its field before.
    has_history: bool,
    /// The place in the history that the field was taken from.
    pub recalled: Option<usize>,
    /// Whether lines of a text that are longer than the popup go on below; `None` as preferred.
    wraps: Option<bool>,
    /// Columns that its lines are wrapped to now.
    wrapped_to: usize,
    /// The lines before they were wrapped.
    whole: Option<Content>,
}

impl Overlay {
    pub fn help(reads: &Reads<'_>) -> Overlay {
        let mut overlay = Overlay::new(Kind::Help, Some(Field::default()), help(reads, ""));
        overlay.table.move_to(overlay.first_action());
        overlay
    }

    pub fn palette(reads: &Reads<'_>, start: &str) -> Overlay {
        let found = palette::palette(reads, start);
        let overlay = Overlay::new(Kind::Palette, Some(Field::with(start)), found.content);
        Overlay { certain: found.certain, has_history: !reads.history.is_empty(), ..overlay }
    }

    /// What was typed into a field before, by some of its letters.
    pub fn recall(reads: &Reads<'_>, source: recall::Source, start: &str) -> Overlay {
        let content = recall::content(&source, reads, start);
        Overlay::new(Kind::Recall(source), Some(Field::with(start)), content)
    }

    /// What was said, then what the program logged; newest first.
    pub fn messages(messages: &VecDeque<Message>, log: &Log) -> Overlay {
        let said = messages.iter().enumerate().rev().map(|(index, message)| {
            let (role, glyph) = mark(message.severity);
            let cells = vec![Cell::new(Role::Muted, &message.at), Cell::new(role, &message.text)];
            Row { marker: Some((role, glyph)), ..Row::new(Choice::Message(index), cells) }
        });
        let logged = log.lines.iter().enumerate().rev().map(|(index, line)| {
            let (role, glyph) = mark(match line.level {
                Level::ERROR => Severity::Fail,
                Level::WARN => Severity::Warn,
                _ => Severity::Info,
            });
            let at = clock(u64::try_from(line.at_ms).unwrap_or(0));
            let text = Cell::new(Role::Muted, format!("{}  ", line.target)).and(Role::Text, &line.text);
            let cells = vec![Cell::new(Role::Muted, at), text];
            Row { marker: Some((role, glyph)), ..Row::new(Choice::Logged(index), cells) }
        });
        let heading =
            |at, text: &str| Row::new(Choice::Line(at), vec![Cell::default(), Cell::new(Role::Heading, text)]);
        let mut rows: Vec<Row> = said.collect();
        if !log.lines.is_empty() {
            rows.push(heading(0, "log of this program"));
            rows.extend(logged);
        }
        let content = Content {
            title: "messages, newest first".to_owned(),
            note: log.file.as_ref().map_or_else(String::new, |file| format!("log file: {}", file.display())),
            columns: vec![Column::new("", 8, 8), Column::new("", 10, 10).grows()],
            says: match rows[..] {
                [] => vec![(Role::Muted, "no messages yet".to_owned())],
                _ => Vec::new(),
            },
            rows,
            ordered: true,
            ..Content::default()
        };
        Overlay::new(Kind::Messages, None, content)
    }

    /// A text with line numbers; the line at `at` (from 1) is selected.
    pub fn text(title: &str, body: &str, at: usize) -> Overlay {
        let digits = body.lines().count().to_string().len();
        let rows = body.lines().enumerate().map(|(index, line)| {
            let number = format!("{:>digits$}", index + 1);
            Row::new(Choice::Line(index), vec![Cell::new(Role::Muted, number), Cell::text(text::without_tabs(line))])
        });
        let content = Content {
            title: title.to_owned(),
            note: text::count(body.lines().count(), "line"),
            columns: vec![Column::new("", u16::try_from(digits).unwrap_or(9), 1), Column::new("", 10, 10).grows()],
            rows: rows.collect(),
            ordered: true,
            ..Content::default()
        };
        let mut overlay = Overlay::new(Kind::Text, None, content);
        overlay.table.move_to(at.saturating_sub(1));
        overlay.copy = body.to_owned();
        overlay
    }

    /// What this program keeps.
    pub fn storage(items: &[Item]) -> Overlay {
        match items {
            [] => Overlay::notice(
                "what is kept",
                &["Nothing: no state directory is known; set AICR_STATE_DIR.".to_owned()],
            ),
            items => Overlay::text("what is kept", &storage::lines(items), 1),
        }
    }

    /// Work in the background.
    pub fn operations(content: Content) -> Overlay {
        Overlay::new(Kind::Operations, None, content)
    }

    /// What counts, where each was set, and what it may be.
    ///
    /// A session that only reads does so to its end.
    pub fn preferences(preferences: &Preferences, themes: &Themes, is_read_only: bool) -> Overlay {
        let row = |at: usize, name: &str, value: &str, from: String, about: String, is_set: bool| {
            let choice = match is_set {
                true => Choice::Take(format!("set {name} ")),
                // It says where it is set.
                false if name == preferences::READ_ONLY.name => Choice::Run(format!("set {name} off")),
                false if preferences::ALL.iter().any(|known| known.name == name) => Choice::Run(format!("set {name}")),
                false => Choice::Line(at),
            };
            let cells =
                vec![Cell::text(name), Cell::new(Role::Strong, value), Cell::new(Role::Muted, from), Cell::text(about)];
            Row::new(choice, cells)
        };
        // The title has the whole name of the file.
        let from = |value: &preferences::Value| {
            let origin = preferences.origin(value);
            origin.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
        };
        let mut rows: Vec<Row> = Vec::new();
        for (at, preference) in preferences::ALL.iter().enumerate() {
            let value = preferences.value(preference);
            let starts = preferences::again::AT_THE_START.iter().any(|other| other.name == preference.name);
            let is_patterns = preference.values == preferences::Values::Patterns;
            let is_held = is_read_only && preference.name == preferences::READ_ONLY.name;
            let is_set = !starts && !is_patterns && !is_held;
            let about = match is_set {
                false if is_held => "holds until this session ends".to_owned(),
                false if is_patterns => "set in the file: names of contexts".to_owned(),
                true => preference.choices(themes).join(", "),
                false => "takes effect at the next start".to_owned(),
            };
            let shown = if is_held { "on" } else { preferences::spoken(preference, &value.text) };
            rows.push(row(at, preference.name, shown, from(value), about, is_set));
        }
        let preset = &preferences.preset;
        let bound = format!("{} of the file", text::count(preferences.bound.len(), "binding"));
        rows.push(row(rows.len(), "keys.preset", &preset.text, from(preset), bound, false));
        let content = Content {
            title: "preferences".to_owned(),
            note: preferences.file.as_deref().unwrap_or("no file").to_owned(),
            columns: vec![
                Column::new("NAME", 12, 14),
                Column::new("VALUE", 6, 14),
                Column::new("FROM", 8, 16).name_like(),
                Column::new("VALUES", 10, 10).grows(),
            ],
            headers: true,
            rows,
            ordered: true,
            ..Content::default()
        };
        Overlay::new(Kind::Preferences, None, content)
    }

    /// What a log shows, and what it could show.
    pub fn log_options(name: &str, offers: Vec<Offer>) -> Overlay {
        let row = |Offer { name, now, choices, does }: Offer| {
            let choice = match does {
                Does::Act(action) => Choice::Act(action),
                Does::Take(line) => Choice::Take(line.to_owned()),
                Does::Run(line) => Choice::Run(line.to_owned()),
            };
            Row::new(choice, vec![Cell::text(name), Cell::new(Role::Strong, now), Cell::text(choices)])
        };
        let content = Content {
            title: format!("options of log {name}"),
            columns: vec![
                Column::new("NAME", 8, 8),
                Column::new("NOW", 6, 24).name_like(),
                Column::new("CHOICES", 10, 10).grows(),
            ],
            headers: true,
            rows: offers.into_iter().map(row).collect(),
            ordered: true,
            ..Content::default()
        };
        Overlay::new(Kind::Preferences, None, content)
    }

    /// In full: what a small popup has no room for goes on below.
    pub fn failure(failure: &Failure) -> Overlay {
        let failure = &wording::here(failure.clone());
        let mut text = failure.to_string();
        if let Some(refusal) = failure.refusal() {
            text += &format!("\n\nrequest: {}", refusal.request);
            text += &refusal.audit_id.as_ref().map_or_else(String::new, |id| format!("\naudit id: {id}"));
        }
        Overlay::wrapped("what failed", &text)
    }

    /// A text of sentences: what the popup has no room for goes on below, whatever is preferred for files.
    pub fn wrapped(title: &str, body: &str) -> Overlay {
        Overlay { wraps: Some(true), ..Overlay::text(title, body, 1) }
    }

    /// Readings in columns, those that differ first.
    pub fn readings(title: &str, names: &[String], readings: &[Reading]) -> Overlay {
        let differ = readings.iter().filter(|reading| reading.differs).count();
        let row = |(at, reading): (usize, &Reading)| {
            let (role, mark) = match reading.differs {
                true => (Role::Text, Some((Role::Change, "~"))),
                false => (Role::Muted, None),
            };
            let value = |value: &Option<String>| Cell::new(role, value.as_deref().unwrap_or("-"));
            let cells = [Cell::new(role, &reading.key)].into_iter().chain(reading.values.iter().map(value)).collect();
            Row { marker: mark, ..Row::new(Choice::Line(at + 1), cells) }
        };
        let named = [Cell::new(Role::Heading, "READING")].into_iter();
        let named = named.chain(names.iter().map(|name| Cell::new(Role::Heading, name))).collect();
        let rows = [Row::new(Choice::Line(0), named)].into_iter().chain(readings.iter().enumerate().map(row));
        let columns = [Column::new("", 12, 50).name_like()].into_iter();
        let content = Content {
            title: title.to_owned(),
            note: format!("{} differ", text::count(differ, "reading")),
            columns: columns.chain(names.iter().map(|_| Column::new("", 8, 40).name_like())).collect(),
            rows: rows.collect(),
            ordered: true,
            ..Content::default()
        };
        let lines = content.rows.iter().map(|row| {
            let cells: Vec<String> = row.cells.iter().map(|cell| cell.plain().into_owned()).collect();
            cells.join("\t")
        });
        let copy = lines.collect::<Vec<_>>().join("\n");
        let mut overlay = Overlay::new(Kind::Text, None, content);
        (overlay.copy, overlay.wraps) = (copy, Some(false));
        overlay
    }

    /// A question whose second answer is yes.
    pub fn question(question: Question, title: &str, lines: &[String], [no, yes]: [&'static str; 2]) -> Overlay {
        let answers = vec![Answer::no(no), Answer::to(yes, question.clone())];
        Overlay::question_of(question, title, lines, answers)
    }

    /// A question with more answers than no and yes.
    pub fn question_of(question: Question, title: &str, lines: &[String], answers: Vec<Answer>) -> Overlay {
        let kind = Kind::Question { question, answers, chosen: 0 };
        let mut overlay = Overlay::new(kind, None, prose(title, lines));
        overlay.copy = lines.join("\n");
        overlay
    }

    /// A question that is answered with a name, because what it leads to is not for a slip of the finger.
    pub fn confirm(question: Question, title: &str, lines: &[String], name: &str) -> Overlay {
        let kind = Kind::Confirm { question, name: name.to_owned() };
        let mut overlay = Overlay::new(kind, Some(Field::default()), prose(title, lines));
        overlay.copy = lines.join("\n");
        overlay
    }

    /// Columns of a question's text on a screen of that width.
    pub fn question_width(screen: u16) -> u16 {
        let outside = if screen > 60 { 4 } else { 0 };
        QUESTION_WIDTH.min(screen.saturating_sub(outside)).saturating_sub(4)
    }

    /// Sentences to read.
    pub fn notice(title: &str, lines: &[String]) -> Overlay {
        let mut overlay = Overlay::new(Kind::Text, None, prose(title, lines));
        overlay.copy = lines.join("\n");
        overlay
    }

    fn new(kind: Kind, field: Option<Field>, content: Content) -> Overlay {
        let mut table = Table::default();
        table.set(content);
        let wraps = table.content.prose.then_some(true);
        Overlay {
            kind,
            field,
            table,
            copy: String::new(),
            certain: usize::MAX,
            has_history: false,
            recalled: None,
            wraps,
            wrapped_to: 0,
            whole: None,
        }
    }

    /// Keys that do something here, by use; the last one leaves.
    pub fn hints(&self, operations: &Operations) -> Vec<(Action, &'static str)> {
        use Action as A;
        match self.kind {
            Kind::Text | Kind::Messages if self.field.is_some() => vec![(A::Enter, "keep"), (A::Back, "clear")],
            Kind::Text => vec![
                (A::MoveDown, "move"),
                (A::Filter, "search"),
                (A::Wide, if self.wrapped_to == usize::MAX || self.wrapped_to == 0 { "wrap" } else { "unwrap" }),
                (A::Copy, "copy"),
                (A::Pager, "pager"),
                (A::Close, "close"),
            ],
            Kind::Messages => vec![
                (A::MoveDown, "move"),
                (A::Enter, "in full"),
                (A::Filter, "search"),
                (A::Copy, "copy"),
                (A::Close, "close"),
            ],
            Kind::Question { .. } => {
                vec![(A::NextAnswer, "choose"), (A::Enter, "answer"), (A::Copy, "copy"), (A::Back, "close")]
            }
            Kind::Operations => {
                let mut hints = vec![(A::MoveDown, "move"), (A::Enter, "go to")];
                if let Some(Choice::Operation(key)) = self.choice()
                    && operations.get(key).is_some_and(Operation::can_be_canceled)
                {
                    hints.push((A::CancelOperation, "cancel"));
                }
                hints.push((A::Close, "close"));
                hints
            }
            Kind::Preferences => {
                vec![(A::MoveDown, "move"), (A::Enter, "change"), (A::Copy, "copy"), (A::Close, "close")]
            }
            Kind::Confirm { .. } => vec![(A::Enter, "answer"), (A::PageDown, "page"), (A::Back, "close")],
            Kind::Help => vec![(A::NextMatch, "next"), (A::Enter, "do it"), (A::Back, "close")],
            Kind::Palette => {
                let mut hints = vec![(A::Complete, "complete"), (A::NextMatch, "next"), (A::Enter, "do it")];
                if self.has_history {
                    hints.push((A::Recall, "old ones"));
                }
                hints.push((A::Back, "close"));
                hints
            }
            Kind::Recall(_) => vec![(A::NextMatch, "next"), (A::Enter, "take it"), (A::Back, "go back")],
        }
    }

    pub fn toggle_wrap(&mut self) {
        let wraps = self.wrapped_to != usize::MAX && self.wrapped_to != 0;
        (self.wraps, self.wrapped_to) = (Some(!wraps), 0);
    }

    /// Whether Enter takes the row under the cursor: in the palette, one that a person chose or certainly means.
    pub fn takes_row(&self) -> bool {
        let is_number = || self.field.as_ref().is_some_and(|field| field.text.trim().parse::<usize>().is_ok());
        self.kind != Kind::Palette || self.table.touched || (self.certain > 0 && !is_number())
    }

    /// The first row that does something; headings do not.
    fn first_action(&self) -> usize {
        let rows = &self.table.content.rows;
        rows.iter().position(|row| matches!(row.id, Choice::Act(_))).unwrap_or(0)
    }

    /// What the row under the cursor is; a line that goes on is what its first line is.
    pub fn choice(&self) -> Option<&Choice> {
        let at = *self.table.visible.get(self.table.cursor)?;
        let mut rows = self.table.content.rows[..=at].iter().rev();
        let goes_on = matches!(self.kind, Kind::Help | Kind::Preferences);
        rows.find(|row| !goes_on || !row.continues).map(|row| &row.id)
    }

    /// Keys and what they do, each in its column: names only where nothing has to be broken for them.
    fn fit_help(&mut self, columns: usize) {
        if self.wrapped_to == columns {
            return;
        }
        self.wrapped_to = columns;
        let whole = self.whole.get_or_insert_with(|| self.table.content.clone()).clone();
        let widest = |at: usize| {
            let cells = whole.rows.iter().filter(|row| row.cells.len() > 1).filter_map(|row| row.cells.get(at));
            cells.map(Cell::width).max().unwrap_or(0)
        };
        let keys = widest(0).min(KEYS).min(columns / 3);
        let texts = columns.saturating_sub(keys + 2);
        let names = widest(2) + 2;
        let widths = match widest(1) + names <= texts {
            true => [keys, texts - names, names - 2],
            false => [keys, texts, 0],
        };
        let mut content = wrap::cells(whole, &widths, Choice::Piece);
        for (column, width) in content.columns.iter_mut().zip(widths) {
            let width = u16::try_from(width).unwrap_or(u16::MAX);
            *column = Column { grows: false, wide_only: width == 0, ..Column::new("", width, width) };
        }
        self.table.set(content);
    }

    /// What a preference may be goes on below, in the last column.
    fn fit_preferences(&mut self, columns: usize) {
        if self.wrapped_to == columns {
            return;
        }
        self.wrapped_to = columns;
        let whole = self.whole.get_or_insert_with(|| self.table.content.clone()).clone();
        let widest = |(at, column): (usize, &Column)| {
            let cells = whole.rows.iter().filter_map(|row| row.cells.get(at)).map(Cell::width);
            cells.chain([text::width(column.name)]).max().unwrap_or(0).min(usize::from(column.ideal))
        };
        // What can be chosen is in the last one, and goes on below.
        let others = whole.columns.len().saturating_sub(1);
        let mut widths: Vec<usize> = whole.columns.iter().take(others).enumerate().map(widest).collect();
        widths.push(columns.saturating_sub(widths.iter().map(|width| width + 2).sum()).max(8));
        self.table.set(wrap::cells(whole, &widths, Choice::Piece));
    }

    /// Wraps lines to that many columns, or unwraps them; to be called before it is drawn.
    pub fn fit(&mut self, columns: usize, prefers_wrap: bool) {
        match self.kind {
            Kind::Help => return self.fit_help(columns),
            Kind::Preferences => return self.fit_preferences(columns),
            _ => {}
        }
        let wraps = self.wraps.unwrap_or(prefers_wrap && self.kind == Kind::Text);
        let wanted = if wraps { columns } else { usize::MAX };
        let is_text = matches!(self.kind, Kind::Text | Kind::Question { .. } | Kind::Confirm { .. });
        if !is_text || self.wrapped_to == wanted || !wraps && self.whole.is_none() {
            return;
        }
        self.wrapped_to = wanted;
        let whole = self.whole.get_or_insert_with(|| self.table.content.clone()).clone();
        let piece = |line: usize, part: usize| Choice::Piece(line, part);
        self.table.set(wrap::lines(whole, wanted, piece));
    }

    /// Takes the field's text into account after it changed.
    pub fn typed(&mut self, reads: &Reads<'_>) {
        let Some(field) = &self.field else { return };
        if matches!(self.kind, Kind::Text | Kind::Messages) {
            return self.table.look_for(&field.text);
        }
        let content = match &self.kind {
            Kind::Help => help(reads, &field.text),
            Kind::Palette => {
                let found = palette::palette(reads, &field.text);
                self.certain = found.certain;
                found.content
            }
            Kind::Recall(source) => recall::content(source, reads, &field.text),
            _ => return,
        };
        self.table = Table::default();
        self.table.set(content);
        (self.whole, self.wrapped_to) = (None, 0);
    }
}

/// Sentences; lines that end in a colon are headings.
fn prose(title: &str, lines: &[String]) -> Content {
    let rows = lines.iter().enumerate().map(|(index, line)| {
        let heading = !line.starts_with(' ') && line.ends_with(':');
        Row::new(Choice::Line(index), vec![Cell::new(if heading { Role::Heading } else { Role::Text }, line)])
    });
    Content {
        title: title.to_owned(),
        columns: vec![Column::new("", 10, 10).grows()],
        rows: rows.collect(),
        prose: true,
        ordered: true,
        ..Content::default()
    }
}

/// Key map of a screen, narrowed by what is typed; `@Ctrl-D` searches keys.
fn help(reads: &Reads<'_>, typed: &str) -> Content {
    let (keys, screen) = (reads.keys, reads.screen);
    let mut rows = Vec::new();
    let is_off = |action: Action| reads.model.read_only && action.changes_cluster();
    let row = |binding: &super::keymap::Binding| {
        let help = match is_off(binding.action) {
            true => Cell::new(Role::Muted, format!("{} (not now: read-only)", binding.help)),
            false => Cell::text(binding.help),
        };
        let cells = vec![
            Cell::new(Role::Key, format!("  {}", keys.keys(binding.action))),
            help,
            Cell::new(Role::Muted, binding.name),
        ];
        Row::new(Choice::Act(binding.action), cells)
    };
    if typed.is_empty() && !keys.conflicts().is_empty() {
        rows.push(Row::new(Choice::Line(rows.len()), vec![Cell::new(Role::Heading, "keys that could not be bound")]));
        for conflict in keys.conflicts() {
            let cells = vec![Cell::new(Role::Warn, "  !"), Cell::new(Role::Warn, conflict)];
            rows.push(Row::new(Choice::Line(rows.len()), cells));
        }
    }
    if typed.is_empty() {
        // What a person can do here comes before how to move.
        rows.push(Row::new(Choice::Line(rows.len()), vec![Cell::new(Role::Heading, screen.about())]));
        let here = reads.pane.hints.iter().filter(|action| **action != Action::MoveDown && !is_off(**action));
        rows.extend(here.map(|action| row(super::keymap::binding(*action))));
        for action in [Action::Palette, Action::Filter, Action::NextPanel, Action::Close] {
            if !reads.pane.hints.contains(&action) {
                rows.push(row(super::keymap::binding(action)));
            }
        }
    }
    let (moves, others): (Vec<Group>, Vec<Group>) = Group::ALL.into_iter().partition(|group| *group == Group::Move);
    for group in others.into_iter().chain(moves) {
        let here = keys.rows().map(|(binding, _)| binding).filter(|binding| {
            binding.group == group && (binding.acts_on(screen) || matches!(binding.scope, Scope::In(_)))
        });
        let matching: Vec<_> = here
            .filter(|binding| match typed.strip_prefix('@') {
                Some(key) => keys.keys(binding.action).contains(key),
                None => {
                    let typed = typed.to_lowercase();
                    binding.help.to_lowercase().contains(&typed) || binding.name.contains(&typed)
                }
            })
            .collect();
        if matching.is_empty() {
            continue;
        }
        let heading = vec![Cell::new(Role::Heading, group.name())];
        rows.push(Row::new(Choice::Line(rows.len()), heading));
        rows.extend(matching.into_iter().map(row));
    }
    let sizes = if typed.starts_with('@') { Vec::new() } else { sizes::matching(typed) };
    if !sizes.is_empty() {
        rows.push(Row::new(Choice::Line(rows.len()), vec![Cell::new(Role::Heading, sizes::HEADING)]));
    }
    for (size, said) in sizes {
        let cells = vec![Cell::new(Role::Key, format!("  {size}")), Cell::text(said)];
        rows.push(Row::new(Choice::Line(rows.len()), cells));
    }
    Content {
        title: format!("help: {}", screen.name()),
        note: format!("type to search, @key for keys, {} does it", keys.key(Action::Enter)),
        // What a key does is worth more than the name of it.
        columns: vec![Column::new("", 16, 16), Column::new("", 20, 110).grows(), Column::new("", 16, 16).priority(1)],
        says: if rows.is_empty() { vec![(Role::Muted, format!("no key matches `{typed}`"))] } else { Vec::new() },
        rows,
        ordered: true,
        ..Content::default()
    }
}

/// Commands of the palette that are no keys: word, arguments, what they do.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "recipe",
        "[service=kind accelerator=a100 …]",
        "resolve a recipe for these criteria; without any, for the cluster",
    ),
    (
        "diff",
        "service=eks … | OVERLAY | FILE | A B | cluster",
        "compare the recipe with another one, or with what the cluster runs; or two recipes with each other",
    ),
    (
        "inherit",
        "[RECIPE | BUNDLE | cluster]",
        "keep namespaces, charts and names of what is installed; without a place, no more",
    ),
    ("upgrade", "[NAME]", "whether the cluster can be upgraded to the recipe, with the steps for a deployer"),
    ("compare", "[A] [B] [C]", "compare snapshots (files, or kept ones like @-1), one with the cluster, or two runs"),
    ("sort", "[COLUMN -COLUMN …]", "sort the focused panel by several columns, - for descending"),
    ("columns", "[COLUMN …]", "choose the columns of the focused panel; without a name, those that there is room for"),
    ("noise", "[RULE]", "show or hide the readings that a rule on noise hides; without a rule, list them"),
    ("past", "[@friday|@-1|now]", "show a kept snapshot of this cluster, or the cluster as it is now"),
    (
        "source",
        "[live | CONTEXT | FILE | @MOMENT | RUN]",
        "show something else: the cluster as it is now, another one, a saved snapshot, a kept moment, a recorded run",
    ),
    ("label", "[TEXT]", "mark the line of the log under the cursor, and call the mark so"),
    ("open", "FILE", "show a saved snapshot instead of the cluster"),
    ("live", "", "back to the live cluster"),
    ("forward", "", "the view of this screen that was gone back from"),
    ("context", "[NAME]", "switch to the cluster of another context"),
    (
        "save",
        "FILE",
        "write the snapshot of the cluster as .yaml or .json, on every screen; asks before a file is replaced",
    ),
    (
        "export",
        "[FILE]",
        "write this view: .svg or .txt the frame; .md, .json, .yaml or .csv all rows of the focused panel",
    ),
    (
        "edit",
        "",
        "a private copy of the text shown, or of the document behind this screen, in $EDITOR; changes come back as a patch, and nothing is applied",
    ),
    (
        "patch",
        "[FILE]",
        "what was changed in the last copy in the editor; with a file, write it there, for `patch -p1` or `git apply`",
    ),
    ("link", "", "copy a command line that opens this view: source, criteria, screen, what is selected, filter, run"),
    ("node", "NAME", "go to a node"),
    ("component", "NAME", "go to a component of the recipe"),
    ("value", "PATH", "go to a resolved value"),
    ("filter", "WORDS | @NAME", "filter the focused panel, also by a saved filter"),
    ("filters", "", "the saved filters, to choose one"),
    ("save-filter", "NAME [WORDS]", "save the filter of the focused panel, or words, under a name"),
    ("delete-filter", "NAME", "delete a saved filter"),
    ("step", "[phases|checks|off]", "stop the next run before each phase or check"),
    ("skip", "[CHECK …]", "checks that the next runs do not run; without a name, run all again"),
    ("retry", "[LIMIT]", "run the selected check again, or what failed, with another time limit"),
    (
        "merge",
        "[all | PHASE | CHECK … | off]",
        "one log of several checks, their lines by time; without a name, of the whole run",
    ),
    (
        "since",
        "[5m | 09:12 | TIME]",
        "show the log since a duration before its newest line, or since a time; without one, all of it",
    ),
    ("level", "[debug|info|warn|error]", "show log lines of this level and above; without a level, all"),
    ("sources", "[NAME …]", "show log lines from these sources; without a name, all"),
    ("around", "[LINES]", "show this many lines of context around each match of the filter, the level or the sources"),
    ("previous", "", "show the output of restarted containers of the selected check, from before their last restart"),
    (
        "save-log",
        "[FILE]",
        "write the output of the selected check, or of those that share the log; without a name, under one with cluster, check and time",
    ),
    ("runs", "", "the recorded runs of this machine"),
    ("attach", "[RUN] [NAMESPACE]", "follow a run that goes on in the cluster, whoever started it"),
    ("report", "[FORM]", "the report of the shown run: text, ctrf, junit, markdown, csv or sarif"),
    (
        "save-report",
        "FILE",
        "write the report of the shown run, by the name of the file: .json (CTRF), .xml (JUnit), .md, .csv, .sarif or .txt",
    ),
    ("speed", "FACTOR", "how many times faster a recorded run plays"),
    ("in-process", "[off]", "run checks that only read in this process, without pods"),
    ("bundle", "[FOLDER]", "the bundle of the recipe, and what it would change in the one in a folder"),
    ("deploy", "FOLDER", "plan a bundle for the cluster; nothing is installed before a question"),
    ("undeploy", "FOLDER", "plan to remove a bundle from the cluster; nothing is removed before a question"),
    (
        "set",
        "[NAME [VALUE]]",
        "change a preference until this session ends: hints off, wrap, times delta; without a name, list them all",
    ),
    ("theme", "NAME", "another theme"),
    (
        "ops",
        "",
        "what is under way in the background and what has ended: runs, deploys, reading, comparing; to cancel it",
    ),
    ("messages", "", "all messages and the newest lines of the log"),
    ("storage", "", "what this program keeps: recorded runs, snapshots, the log; how much, and how it is removed"),
    ("quit", "", "leave"),
];

/// Role and glyph of a message.
pub fn mark(severity: Severity) -> (Role, &'static str) {
    match severity {
        Severity::Info => (Role::Muted, "·"),
        Severity::Ok => (Role::Ok, "✓"),
        Severity::Warn => (Role::Warn, "!"),
        Severity::Fail => (Role::Fail, "✗"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_edit_by_grapheme() {
        let mut field = Field::default();
        field.insert("a👩‍💻b\n");
        assert_eq!(field.text, "a👩‍💻b ");
        field.backspace();
        field.left();
        field.backspace();
        assert_eq!((field.text.as_str(), field.cursor), ("ab", 1));
        field.insert("x y");
        field.delete_word();
        assert_eq!(field.text, "ax b");
        field.left();
        field.right();
        field.right();
        field.right();
        field.right();
        assert_eq!(field.cursor, 4);
    }
}
