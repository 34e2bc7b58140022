//! Text broken into lines of a width, with the roles of its parts. No letter is lost: what does not fit goes on below.

use super::{
    cell::{Cell, Span},
    table::{Content, Row},
    text,
};
use crate::{text::color::Ink, workbench::theme::Role};

/// The lines of sentences in at most `columns`.
pub fn sentences(says: Vec<(Role, String)>, columns: usize) -> Vec<(Role, String)> {
    let lines = |(role, line): (Role, String)| {
        text::wrap(&text::clean(&line), columns).into_iter().map(move |line| (role, line)).collect::<Vec<_>>()
    };
    says.into_iter().flat_map(lines).collect()
}

/// As [`prose`], for lines with a column before the text.
pub fn lines<I: Clone>(content: Content<I>, columns: usize, piece: impl Fn(usize, usize) -> I) -> Content<I> {
    let before = content.rows.iter().filter(|row| row.cells.len() > 1).map(|row| row.cells[0].width() + 2).max();
    let columns = columns.saturating_sub(before.unwrap_or(0)).max(1);
    wrapped(content, columns, piece)
}

/// A text whose rows are broken into lines of at most `columns`; `piece` is what the lines after the first one are called.
///
/// They go on below the second part of a row: `name  value` stays two columns.
pub fn prose<I: Clone>(content: Content<I>, columns: usize, piece: impl Fn(usize, usize) -> I) -> Content<I> {
    if content.prose { wrapped(content, columns, piece) } else { content }
}

/// Rows whose cells go on below themselves, each in its column; a row of one cell has all columns.
pub fn cells<I: Clone>(content: Content<I>, widths: &[usize], piece: impl Fn(usize, usize) -> I) -> Content<I> {
    let all = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    let mut rows = Vec::with_capacity(content.rows.len() + 8);
    for (index, row) in content.rows.into_iter().enumerate() {
        let width = |at: usize| if row.cells.len() == 1 { all } else { widths.get(at).copied().unwrap_or(0) };
        let lines = |(at, cell): (usize, &Cell)| match width(at) {
            // A column that is not shown.
            0 => Vec::new(),
            width => cell.lines(width),
        };
        let cells: Vec<Vec<Cell>> = row.cells.iter().enumerate().map(lines).collect();
        for part in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let line = |lines: &Vec<Cell>| lines.get(part).cloned().unwrap_or_default();
            let line = std::sync::Arc::new(cells.iter().map(line).collect());
            rows.push(match part {
                0 => Row { cells: line, ..row.clone() },
                _ => Row { cells: line, continues: true, ..Row::new(piece(index, part), Vec::new()) },
            });
        }
    }
    Content { rows, ..content }
}

/// Rows whose last cell is broken into lines.
fn wrapped<I: Clone>(content: Content<I>, columns: usize, piece: impl Fn(usize, usize) -> I) -> Content<I> {
    if content.rows.iter().all(|row| row.cells.last().is_none_or(|cell| cell.width() <= columns)) {
        return content;
    }
    let mut rows = Vec::with_capacity(content.rows.len() + 8);
    for (index, row) in content.rows.into_iter().enumerate() {
        let Some((cell, before)) = row.cells.split_last() else { continue };
        if cell.width() <= columns {
            rows.push(row);
            continue;
        }
        let mut lines = cell.lines(columns).into_iter();
        let first = lines.next().unwrap_or_default();
        let rest: Vec<Row<I>> = lines
            .enumerate()
            .map(|(part, line)| {
                let cells = before.iter().map(|_| Cell::default()).chain([line]).collect();
                Row { continues: true, ..Row::new(piece(index, part + 1), cells) }
            })
            .collect();
        let cells = before.iter().cloned().chain([first]).collect();
        rows.push(Row { cells: std::sync::Arc::new(cells), ..row });
        rows.extend(rest);
    }
    Content { rows, ..content }
}

impl Cell {
    /// The text in lines of at most `columns`; those after the first one hang behind its indent.
    pub fn lines(&self, columns: usize) -> Vec<Cell> {
        if self.width() <= columns {
            return vec![self.clone()];
        }
        let first = self.spans.first().map_or(0, |span| text::width(&span.text));
        let begins = self.spans.first().map_or(0, |Span { text, .. }| text.len() - text.trim_start().len());
        let indent = if self.spans.len() > 1 && first <= columns / 2 { first } else { (begins + 2).min(columns / 4) };
        let mut lines = vec![Cell::default()];
        let mut used = 0;
        // A space at the end of a line is the end of the line.
        let mut space: Option<((Role, Ink), &str)> = None;
        for Span { role, ink, text } in &self.spans {
            let look = (*role, *ink);
            for word in words(text) {
                if word.trim().is_empty() {
                    if used > 0 || lines.len() == 1 {
                        space = Some((look, word));
                        // At the start it is an indent.
                        if used == 0 {
                            used += push(&mut lines, look, word);
                            space = None;
                        }
                    }
                    continue;
                }
                let gap = space.map_or(0, |(_, gap)| text::width(gap));
                if used + gap + text::width(word) <= columns {
                    if let Some((look, gap)) = space.take() {
                        used += push(&mut lines, look, gap);
                    }
                    used += push(&mut lines, look, word);
                    continue;
                }
                // The gap before the second part stays, and the part begins beside the first one.
                if let Some((look, gap)) = space.take().filter(|(_, gap)| used + text::width(gap) <= indent) {
                    used += push(&mut lines, look, gap);
                }
                let mut rest = word;
                // What is longer than a line is broken where the line ends.
                while !rest.is_empty() {
                    if used > indent {
                        lines.push(Cell::new(Role::Text, " ".repeat(indent)));
                        used = indent;
                    }
                    let head = text::head(rest, columns.saturating_sub(used).max(1));
                    // A character wider than the whole line cannot be shown.
                    if head.is_empty() {
                        break;
                    }
                    used += push(&mut lines, look, head);
                    rest = &rest[head.len()..];
                }
            }
        }
        lines
    }
}

/// Words and the spaces between them; a name with dots and slashes is one word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_space = rest.starts_with(' ');
        let end = rest.find(|c: char| (c == ' ') != is_space).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

/// Puts a part of a cell's text at the end of the last line; the columns that it takes.
fn push(lines: &mut [Cell], look: (Role, Ink), text: &str) -> usize {
    lines.last_mut().map_or(0, |line| line.push(look, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cell: Cell, columns: usize, expected: &[&str]) {
        let lines = cell.lines(columns);
        let shown: Vec<String> = lines.iter().map(|line| line.plain().into_owned()).collect();
        assert_eq!(shown, expected);
        let letters = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(letters(&shown.concat()), letters(&cell.plain()), "no letter is lost");
        assert!(lines.iter().all(|line| line.width() <= columns), "{shown:?}");
    }

    #[test]
    fn the_second_part_goes_on_below_itself() {
        let pair = |value: &str| Cell::new(Role::Muted, "node   ").with(&Cell::text(value));
        check(pair("worker-1"), 20, &["node   worker-1"]);
        check(pair("is not ready yet, look"), 20, &["node   is not ready", "       yet, look"]);
        check(pair("abcdefghijklmnopqrstuvwxyz"), 20, &["node   abcdefghijklm", "       nopqrstuvwxyz"]);
    }

    #[test]
    fn a_sentence_keeps_its_indent_and_roles() {
        let cell = Cell::text("  the quick brown fox").and(Role::Fail, " failed");
        check(cell.clone(), 14, &["  the quick", "   brown fox", "   failed"]);
        let last = cell.lines(14).pop().unwrap();
        assert_eq!(last.spans.last().map(|span| (span.role, &*span.text)), Some((Role::Fail, "failed")));
        check(Cell::text("日本語日本語"), 5, &["日本", " 語日", " 本語"]);
    }

    #[test]
    fn rows_that_go_on_are_named_by_their_row() {
        let content = Content {
            prose: true,
            rows: vec![Row::new(100usize, vec!["one two three".into()]), Row::new(200usize, vec!["four".into()])],
            ..Content::default()
        };
        let wrapped = prose(content, 8, |row, part| row * 10 + part);
        let ids: Vec<(usize, bool)> = wrapped.rows.iter().map(|row| (row.id, row.continues)).collect();
        assert_eq!(ids, [(100, false), (1, true), (200, false)]);
    }
}
