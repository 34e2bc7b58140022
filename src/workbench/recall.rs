//! What was typed into a field before, to find it again by some of its letters.
//!
//! In: filters that were kept or saved, or commands that were given, and what is typed. Out: rows, best first. Enter takes one
//! into the field that it was looked for from, Esc leaves that field as it was.

use super::{
    app::SIGN,
    keymap::Action,
    overlay::{Choice, Content, Field, Reads, Row},
    palette,
    theme::Role,
    widgets::{
        table::{Cell, Column},
        text,
    },
};

/// The field that is filled.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// That of the filter, which stays open below.
    Filter,
    /// That of the palette, as it was.
    Palette(Field),
}

/// A line, with the name that it was saved under.
struct Line<'l> {
    text: &'l str,
    name: Option<&'l str>,
}

/// Everything that can be found, the newest first; saved filters before those that were only kept.
fn lines<'l>(source: &Source, reads: &Reads<'l>) -> Vec<Line<'l>> {
    let newest = |lines: &'l [String]| lines.iter().rev().map(|line| Line { text: line, name: None });
    match source {
        Source::Palette(_) => newest(reads.history).collect(),
        Source::Filter => {
            let saved: Vec<Line<'l>> =
                reads.saved_filters.iter().map(|(name, text)| Line { text, name: Some(name) }).collect();
            // One that was recalled by its name, or saved after it was kept, is listed once.
            let is_saved =
                |line: &Line<'_>| line.text.starts_with(SIGN) || saved.iter().any(|one| one.text == line.text);
            let kept: Vec<Line<'l>> = newest(reads.filters).filter(|line| !is_saved(line)).collect();
            saved.into_iter().chain(kept).collect()
        }
    }
}

/// Whether there is anything to find.
pub fn is_empty(source: &Source, reads: &Reads<'_>) -> bool {
    lines(source, reads).is_empty()
}

/// Whether something other than the text itself is found by it.
pub fn finds(source: &Source, reads: &Reads<'_>, typed: &str) -> bool {
    rows(source, reads, typed).iter().any(|row| !matches!(&row.id, Choice::Recall(text) if text == typed))
}

fn rows(source: &Source, reads: &Reads<'_>, typed: &str) -> Vec<Row> {
    let row = |line: Line<'_>| {
        let name = line.name.map_or_else(String::new, |name| format!("{SIGN}{name}"));
        let cells = vec![Cell::text(line.text), Cell::new(Role::Muted, &name)];
        (format!("{} {name}", line.text), Row::new(Choice::Recall(line.text.to_owned()), cells))
    };
    palette::best(lines(source, reads).into_iter().map(row).collect(), typed)
}

/// The rows of the popup.
pub fn content(source: &Source, reads: &Reads<'_>, typed: &str) -> Content {
    let what = match source {
        Source::Filter => "filters saved, then those kept, newest first",
        Source::Palette(_) => "commands given, newest first",
    };
    let rows = rows(source, reads, typed);
    let says = match rows.is_empty() {
        true => vec![(Role::Muted, format!("nothing matches `{typed}`; {} goes back", reads.keys.key(Action::Back)))],
        false => Vec::new(),
    };
    Content {
        title: what.to_owned(),
        note: text::count_of(rows.len(), "match", "matches"),
        columns: vec![Column::new("", 18, 60).grows(), Column::new("", 4, 16).priority(1)],
        says,
        rows,
        ordered: true,
        goes_on: true,
        ..Content::default()
    }
}
