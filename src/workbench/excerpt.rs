//! Lines of a file of the catalog with those around them, as a person reads why a value is what it is.
//!
//! In: the catalog and the places that wrote a value, the winner first. Out: for each place a few lines with their numbers, and
//! which of them is meant. Nothing is read from disk: the catalog holds its files.

use crate::{
    catalog::Catalog,
    document::traced::Origin,
    workbench::{
        theme::Role,
        widgets::{table::Cell, text},
    },
};

/// Lines before and after the one that is meant.
const AROUND: usize = 1;
/// Columns before a line: its glyph, its number, and what is between them.
const BEFORE: usize = 9;

/// One place with the lines around it.
pub(super) struct Excerpt<'c> {
    /// The file as a person calls it.
    file: &'c str,
    /// From 1 on.
    number: usize,
    lines: Vec<(usize, &'c str)>,
}

impl<'c> Excerpt<'c> {
    /// `None` where the file is not one of the catalog, or has no such line.
    pub fn of(catalog: &'c Catalog, origin: &'c Origin, named: fn(&'c str) -> &'c str) -> Option<Excerpt<'c>> {
        let is_it = |path: &str, shown: &str| shown == &*origin.file || path == &*origin.file;
        let (_, file) = catalog.files.iter().find(|(path, file)| is_it(path, &file.shown))?;
        let number = usize::try_from(origin.at.line).ok().filter(|line| *line > 0)?;
        let first = number.saturating_sub(AROUND).max(1);
        let lines = file.text.lines().enumerate().skip(first - 1).take(number + AROUND + 1 - first);
        let lines: Vec<(usize, &str)> = lines.map(|(at, line)| (at + 1, line)).collect();
        let is_there = lines.iter().any(|(at, _)| *at == number);
        is_there.then(|| Excerpt { file: named(&origin.file), number, lines })
    }

    /// The file, and below it its lines; the one that is meant goes on where it is longer than that.
    pub fn with_context(&self, columns: usize) -> Vec<Cell> {
        // Lines keep their indents to each other, and no more of it.
        let indent = |line: &str| line.len() - line.trim_start().len();
        let filled = self.lines.iter().filter(|(_, line)| !line.trim().is_empty());
        let shared = filled.map(|(_, line)| indent(line)).min().unwrap_or(0);
        let mut cells = vec![Cell::new(Role::Heading, self.file)];
        for (number, line) in &self.lines {
            let line = text::clean(line.get(shared..).unwrap_or_default().trim_end()).into_owned();
            let is_meant = *number == self.number;
            let (glyph, role) = if is_meant { ("»", Role::Text) } else { (" ", Role::Muted) };
            let room = columns.saturating_sub(BEFORE).max(1);
            let before = Cell::new(if is_meant { Role::Run } else { Role::Muted }, glyph)
                .and(Role::Muted, format!(" {number:>5}  "));
            match is_meant {
                false => cells.push(before.and(role, text::fit(&line, room, text::Cut::End))),
                true => {
                    cells.extend(Cell::new(role, line).lines(room).iter().enumerate().map(|(part, line)| match part {
                        0 => before.clone().with(line),
                        _ => Cell::text(" ".repeat(BEFORE)).with(line),
                    }))
                }
            }
        }
        cells
    }

    /// `overlays/kind.yaml:15  driver: {enabled: false}`.
    pub fn in_one_line(&self) -> Cell {
        let line = self.lines.iter().find(|(number, _)| *number == self.number).map_or("", |(_, line)| line.trim());
        Cell::new(Role::Muted, format!("{}:{}  {line}", self.file, self.number))
    }
}

/// As many of them as have room in so many lines: each has its line before any of them has its context, the first one first.
pub(super) fn shown(excerpts: &[Excerpt<'_>], lines: usize, columns: usize) -> Vec<Vec<Cell>> {
    let mut left = lines;
    let brief = excerpts.iter().map(|excerpt| excerpt.in_one_line().lines(columns));
    let mut parts: Vec<Vec<Cell>> = brief
        .take_while(|part| {
            let has_room = part.len() <= left;
            left = left.saturating_sub(part.len());
            has_room
        })
        .collect();
    for (part, excerpt) in parts.iter_mut().zip(excerpts) {
        let whole = excerpt.with_context(columns);
        let more = whole.len().saturating_sub(part.len());
        if more > left {
            break;
        }
        left -= more;
        *part = whole;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "values:\n\n  # Of the host.\n  driver: {enabled: false}\n  toolkit: {}\n";

    fn excerpt(number: usize) -> Excerpt<'static> {
        let lines = FILE.lines().enumerate().map(|(at, line)| (at + 1, line));
        let lines = lines.filter(|(at, _)| at.abs_diff(number) <= AROUND).collect();
        Excerpt { file: "kind.yaml", number, lines }
    }

    #[track_caller]
    fn check(lines: usize, expected: &[&[&str]]) {
        let parts = shown(&[excerpt(4), excerpt(1)], lines, 34);
        let parts: Vec<Vec<String>> =
            parts.iter().map(|part| part.iter().map(|cell| cell.plain().trim_end().to_owned()).collect()).collect();
        assert_eq!(parts, expected);
    }

    #[test]
    fn each_source_has_its_line_before_one_has_its_context() {
        let (driver, values) = (
            ["kind.yaml", "      3  # Of the host.", "»     4  driver: {enabled: false}", "      5  toolkit: {}"],
            ["kind.yaml", "»     1  values:", "      2"],
        );
        check(0, &[]);
        check(1, &[]);
        check(2, &[&["kind.yaml:4  driver: {enabled:", "  false}"]]);
        check(3, &[&["kind.yaml:4  driver: {enabled:", "  false}"], &["kind.yaml:1  values:"]]);
        check(5, &[&driver, &["kind.yaml:1  values:"]]);
        check(7, &[&driver, &values]);
    }

    #[test]
    fn the_line_that_is_meant_goes_on_and_those_around_it_are_cut() {
        let lines: Vec<String> = excerpt(4).with_context(22).iter().map(|cell| cell.plain().into_owned()).collect();
        assert_eq!(
            lines,
            [
                "kind.yaml",
                "      3  # Of the hos…",
                "»     4  driver:",
                "           {enabled:",
                "           false}",
                "      5  toolkit: {}"
            ]
        );
    }
}
