//! What the lines of a list were painted from, so that the next frame paints only those that read otherwise.
//!
//! A line is painted again where anything that it is made of differs; what all lines are made of is compared first. Whoever
//! keeps lines promises that nothing else is painted over them.

use super::{
    common::Without,
    table::{Cell, Column, SortKey},
};
use crate::{term::link::Link, workbench::theme::Role};
use ratatui::layout::Rect;
use std::sync::Arc;

/// The lines of one list as they are on the screen.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    pub(super) layout: Option<Layout>,
    /// From the first row on; `None` for a line that is painted anew each time.
    lines: Vec<Option<Line>>,
}

/// What every line of a list depends on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub area: Rect,
    pub widths: Vec<u16>,
    pub without: Without,
    pub columns: Vec<Column>,
    pub left: usize,
    pub is_prose: bool,
    pub goes_on: bool,
    pub sort_keys: Vec<SortKey>,
    pub says: Vec<(Role, String)>,
    pub has_headers: bool,
}

/// What one line is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Made {
    pub cells: Shared,
    pub depth: u16,
    pub is_branch: bool,
    pub is_open: bool,
    pub marker: Option<(Role, &'static str)>,
    pub is_marked: bool,
    pub is_recent: bool,
    /// The cursor is on it.
    pub has_cursor: bool,
    /// It lies under the bar of the cursor.
    pub has_bar: bool,
}

/// Cells that are held, so that no others can come to their place in memory: equal pointers are equal cells.
#[derive(Clone, Debug)]
pub(super) struct Shared(pub Arc<Vec<Cell>>);

impl PartialEq for Shared {
    fn eq(&self, other: &Shared) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

#[derive(Clone, Debug)]
struct Line {
    made: Made,
    links: Vec<Link>,
}

impl Lines {
    /// Nothing is known of what is on the screen.
    pub(super) fn forget(&mut self) {
        *self = Lines::default();
    }

    /// The links of a line, where it is on the screen as it would be painted now.
    pub(super) fn links_of(&self, at: usize, made: &Made) -> Option<&[Link]> {
        let line = self.lines.get(at)?.as_ref()?;
        (line.made == *made).then_some(&line.links)
    }

    /// A line was painted.
    pub(super) fn put(&mut self, at: usize, painted: Option<(Made, &[Link])>) {
        if self.lines.len() <= at {
            self.lines.resize_with(at + 1, || None);
        }
        self.lines[at] = painted.map(|(made, links)| Line { made, links: links.to_vec() });
    }

    /// Lines behind these are free; how many were not.
    pub(super) fn truncate(&mut self, lines: usize) -> usize {
        let over = self.lines.len().saturating_sub(lines);
        self.lines.truncate(lines);
        over
    }
}
