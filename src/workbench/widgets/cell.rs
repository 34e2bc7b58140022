//! One cell of a table: its text in pieces, each with a look.
//!
//! In: texts with their roles, and the colors that a program printed them in. Out: a cell that is cleaned, measured and cut by
//! its pieces. Where it goes is none of its business.

use super::text;
use crate::{term::link::Target, text::color::Ink, workbench::theme::Role};
use compact_str::CompactString;
use smallvec::SmallVec;
use std::borrow::Cow;

/// A piece of a cell's text with its look.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub role: Role,
    /// The colors that a program printed it in.
    pub ink: Ink,
    /// Short ones lie within the cell: a fleet has tens of thousands, which come and go with every update.
    pub text: CompactString,
}

/// Text of one cell in pieces, each with its look; always cleaned of what could steer a terminal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Nearly always one, which lies within the cell.
    pub(super) spans: SmallVec<[Span; 1]>,
    /// Columns that the text takes: asked for at every change of a list of thousands, so counted once.
    width: usize,
    /// Its last piece is left out whole where it has no room.
    pub(super) is_spare: bool,
    /// Its first and its last piece are what something was and what it becomes: none of the two goes for the other.
    pub(super) is_change: bool,
    /// Boxed, because few of the many cells of a fleet have one.
    pub(super) link: Option<Box<Target>>,
}

impl Cell {
    pub fn new<'t>(role: Role, text: impl Into<Cow<'t, str>>) -> Cell {
        Cell::default().and(role, text)
    }

    pub fn text<'t>(text: impl Into<Cow<'t, str>>) -> Cell {
        Cell::new(Role::Text, text)
    }

    pub fn and<'t>(self, role: Role, text: impl Into<Cow<'t, str>>) -> Cell {
        self.and_inked(role, Ink::default(), text)
    }

    /// The same in the colors that a program printed it in.
    pub fn and_inked<'t>(mut self, role: Role, ink: Ink, text: impl Into<Cow<'t, str>>) -> Cell {
        let text = text.into();
        // What is clean already is not copied.
        let text = match text::clean(&text) {
            Cow::Owned(cleaned) => CompactString::from(cleaned),
            Cow::Borrowed(_) => CompactString::from(text),
        };
        self.width += text::width(&text);
        self.spans.push(Span { role, ink, text });
        self
    }

    /// Goes on with a part of another cell's text, which is clean already: in the same piece where it has the same look. The
    /// columns that it takes.
    pub(super) fn push(&mut self, (role, ink): (Role, Ink), text: &str) -> usize {
        let width = text::width(text);
        self.width += width;
        match self.spans.last_mut().filter(|last| (last.role, last.ink) == (role, ink)) {
            Some(last) => last.text.push_str(text),
            None => self.spans.push(Span { role, ink, text: text.into() }),
        }
        width
    }

    /// What a program printed, with its colors where they begin; its tabs are as wide as in a log.
    pub fn printed(role: Role, text: &str, inks: impl IntoIterator<Item = (usize, Ink)>) -> Cell {
        let (mut cell, mut from, mut ink) = (Cell::default(), 0, Ink::default());
        for (at, next) in inks {
            if at > from {
                cell = cell.and_inked(role, ink, text::without_tabs(&text[from..at]));
            }
            (from, ink) = (at, next);
        }
        if from < text.len() || cell.spans.is_empty() {
            cell = cell.and_inked(role, ink, text::without_tabs(&text[from..]));
        }
        cell
    }

    /// A part of its text, which is one of [`Cell::plain`].
    pub fn part(&self, range: std::ops::Range<usize>) -> Cell {
        let (mut part, mut at) = (Cell::default(), 0);
        for Span { role, ink, text } in &self.spans {
            let (from, to) = (range.start.clamp(at, at + text.len()), range.end.clamp(at, at + text.len()));
            if from < to {
                part = part.and_inked(*role, *ink, &text[from - at..to - at]);
            }
            at += text.len();
        }
        part
    }

    /// With one more piece, which is left out whole where it has no room: half of it would say nothing.
    pub fn and_where_room<'t>(self, role: Role, text: impl Into<Cow<'t, str>>) -> Cell {
        Cell { is_spare: true, ..self.and(role, text) }
    }

    /// With what it becomes, where it is in one piece: of both as much is shown as tells them apart.
    pub fn becoming<'t>(self, role: Role, text: impl Into<Cow<'t, str>>) -> Cell {
        let is_change = self.spans.len() == 1;
        Cell { is_change, ..self.and(Role::Muted, " → ").and(role, text) }
    }

    /// The same text with that of another cell behind it.
    pub fn with(self, other: &Cell) -> Cell {
        self.before(other.clone())
    }

    /// As [`Cell::with`], where nobody else needs the other cell.
    pub fn before(mut self, mut other: Cell) -> Cell {
        self.spans.append(&mut other.spans);
        self.width += other.width;
        self
    }

    /// The texts of its pieces, where it has two.
    pub fn both(&self) -> Option<[&str; 2]> {
        match &self.spans[..] {
            [first, second] => Some([&first.text, &second.text]),
            _ => None,
        }
    }

    /// The texts of its pieces, where it has three.
    pub fn three(&self) -> Option<[&str; 3]> {
        match &self.spans[..] {
            [first, second, third] => Some([&first.text, &second.text, &third.text]),
            _ => None,
        }
    }

    /// It leads somewhere, where a terminal can show that.
    pub fn leading_to(self, target: Option<Target>) -> Cell {
        Cell { link: target.map(Box::new), ..self }
    }

    pub fn plain(&self) -> Cow<'_, str> {
        match &self.spans[..] {
            [Span { text, .. }] => Cow::Borrowed(text),
            spans => spans.iter().map(|span| span.text.as_str()).collect(),
        }
    }

    pub fn width(&self) -> usize {
        self.width
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::text(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::color;

    #[test]
    fn a_part_of_what_was_printed_keeps_its_colors() {
        let (plain, inks) = color::apart("a\u{1b}[31mred\t\u{1b}[0m end");
        let cell = Cell::printed(Role::Text, &plain, inks);
        assert_eq!((cell.plain().as_ref(), cell.width()), ("ared   end", 10));
        let part = cell.part(2..8);
        let spans: Vec<(Option<usize>, &str)> =
            part.spans.iter().map(|span| (span.ink.fore.map(|color| color.number()), &*span.text)).collect();
        assert_eq!(spans, [(Some(1), "ed  "), (None, " e")]);
        assert_eq!(Cell::printed(Role::Text, "", []).plain(), "");
    }
}
