//! Rows that are cut go on below themselves: the one under the cursor always, others as far as lines would stay empty.
//!
//! In: a table, the widths of its columns and the lines that it has. Out: which row is at which line. Nothing of the table
//! changes, so that a row stays one row, however many lines it takes.

use super::{
    table::{Cell, Identity, Table},
    widths::spans,
};
use crate::workbench::theme::Role;
use std::collections::BTreeMap;

/// Which rows are painted, and what of them goes on below.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// The place of the first row.
    pub first: usize,
    /// Lines below a row, by its place; the column that they are of.
    pub more: BTreeMap<usize, (usize, Vec<Cell>)>,
}

impl Spread {
    /// Places of the rows of which something is seen in so many lines; there are so many rows.
    pub(super) fn places(&self, room: usize, rows: usize) -> Vec<usize> {
        let mut left = room;
        let is_seen = |place: &usize| {
            let is_seen = left > 0;
            left = left.saturating_sub(1 + self.more.get(place).map_or(0, |(_, lines)| lines.len()));
            is_seen
        };
        (self.first..rows).take_while(is_seen).collect()
    }

    /// The place of the row that is at a line below the first one.
    pub fn place_at(&self, line: usize) -> usize {
        let mut at = self.first;
        let mut left = line;
        loop {
            let lines = 1 + self.more.get(&at).map_or(0, |(_, lines)| lines.len());
            match left.checked_sub(lines) {
                Some(less) => (at, left) = (at + 1, less),
                None => return at,
            }
        }
    }
}

/// How many lines below itself a row may take of so many: others stay in view, or nobody would see where in the list it is.
fn most(room: usize) -> usize {
    match room {
        0..3 => room.saturating_sub(1),
        3..6 => room - 2,
        _ => room - 3,
    }
}

impl<I: Identity> Table<I> {
    /// How rows are laid out in so many lines.
    pub fn spread(&self, room: usize, widths: &[u16], all: u16) -> Spread {
        let mut spread = Spread { first: self.top, more: BTreeMap::new() };
        let end = (self.top + room).min(self.visible.len());
        // What is scrolled sideways is read on there.
        let is_cut = self.content.goes_on && self.scrolled().is_none();
        if !is_cut || room < 2 || !(self.top..end).contains(&self.cursor) {
            return spread;
        }
        let mut free = room - (end - self.top);
        // Lines of a text are read one after the other: none of them goes for another.
        let most = if self.is_text() { free } else { most(room) };
        let rest = self.rest_of(self.cursor, widths, all).filter(|_| most > 0);
        if let Some((column, mut lines)) = rest {
            // What has no line goes behind the last one, which is cut then.
            let over = lines.split_off(lines.len().min(most));
            if let Some(last) = lines.last_mut() {
                *last = over.iter().fold(std::mem::take(last), |line, more| line.and(Role::Muted, " ").with(more));
            }
            // What comes after it makes room first, then what is before it.
            let lacking = lines.len().saturating_sub(free);
            free -= lines.len() - lacking;
            spread.first += lacking.saturating_sub(end - 1 - self.cursor);
            spread.more.insert(self.cursor, (column, lines));
        }
        let is_whole = spread.first == 0 && end == self.visible.len();
        for place in (self.top..end).filter(|place| is_whole && *place != self.cursor) {
            let rest = self.rest_of(place, widths, all);
            if let Some((column, lines)) = rest.filter(|(_, lines)| lines.len() <= free) {
                free -= lines.len();
                spread.more.insert(place, (column, lines));
            }
        }
        spread
    }

    /// Whether a panel of that size has no room for all rows.
    pub fn hides_rows(&self, columns: u16, height: u16) -> bool {
        let (rows, room) = (self.visible.len(), self.room(height));
        if rows > room || !self.content.goes_on {
            return rows > room;
        }
        let spread = self.spread(room, &self.widths_in(columns, height), columns);
        rows + spread.more.values().map(|(_, lines)| lines.len()).sum::<usize>() > room
    }

    /// What has no room in the column of a row that grows, as lines of that column.
    fn rest_of(&self, place: usize, widths: &[u16], all: u16) -> Option<(usize, Vec<Cell>)> {
        let (column, mut lines) = self.lines_of(place, widths, all)?;
        (lines.len() > 1).then(|| (column, lines.split_off(1)))
    }

    /// The lines of that column; `None` where the row has none that grows.
    fn lines_of(&self, place: usize, widths: &[u16], all: u16) -> Option<(usize, Vec<Cell>)> {
        let row = &self.content.rows[*self.visible.get(place)?];
        if spans(row, self.content.columns.len()) {
            return Some((0, row.cells[0].lines(usize::from(all))));
        }
        let column = self.content.columns.iter().position(|column| column.grows)?;
        if row.branch.is_some() || column == 0 || widths.get(column).is_none_or(|width| *width == 0) {
            return None;
        }
        let room = usize::from(self.reach(row, column, widths));
        Some((column, row.cells.get(column)?.lines(room)))
    }

    /// What the first line of a row shows of the column that goes on below it.
    pub(super) fn first_line(&self, place: usize, widths: &[u16], all: u16) -> Option<Cell> {
        self.lines_of(place, widths, all).and_then(|(_, lines)| lines.into_iter().next())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::table::{Column, Content, Row},
        *,
    };

    /// Rows of a name and of words, ten columns for these, in so many lines.
    fn spread(texts: &[&'static str], room: usize, cursor: usize) -> (Spread, Vec<String>) {
        let mut table: Table<usize> = Table::default();
        table.set(Content {
            columns: vec![Column::new("NAME", 4, 4), Column::new("WORDS", 10, 10).grows()],
            rows: texts
                .iter()
                .enumerate()
                .map(|(at, text)| Row::new(at, vec!["name".into(), (*text).into()]))
                .collect(),
            headers: true,
            ordered: true,
            goes_on: true,
            ..Content::default()
        });
        table.move_to(cursor);
        table.scroll(u16::try_from(room + 1).unwrap());
        let spread = table.spread(room, &[4, 10], 16);
        let mut lines = Vec::new();
        for place in spread.first..table.visible.len() {
            lines.push(format!("{place}"));
            lines
                .extend(spread.more.get(&place).into_iter().flat_map(|(_, more)| more).map(|cell| cell.plain().into()));
        }
        lines.truncate(room);
        (spread, lines)
    }

    const LONG: &str = "one two three four five";

    #[test]
    fn a_row_goes_on_below_where_lines_would_stay_empty() {
        let (_, lines) = spread(&["short", LONG, "short"], 9, 0);
        assert_eq!(lines, ["0", "1", "  three", "  four", "  five", "2"]);
        let (spread, _) = spread(&["short", LONG, "short"], 9, 0);
        let places: Vec<usize> = (0..6).map(|line| spread.place_at(line)).collect();
        assert_eq!(places, [0, 1, 1, 1, 1, 2]);
        assert_eq!(spread.places(5, 3), [0, 1]);
    }

    #[test]
    fn only_the_row_under_the_cursor_takes_the_lines_of_others() {
        let texts = [LONG, "short", "short", "short"];
        let (_, lines) = spread(&texts, 4, 1);
        assert_eq!(lines, ["0", "1", "2", "3"]);
        let (_, lines) = spread(&texts, 4, 0);
        assert_eq!(
            lines,
            ["0", "  three", "  four   five", "1"],
            "wider than its column, so that it is seen to be cut"
        );
        let (_, lines) = spread(&texts, 5, 0);
        assert_eq!(lines, ["0", "  three", "  four", "  five", "1"]);
        // At the end of the list those before it make room.
        let (spread, lines) = spread(&["short", "short", "short", LONG], 5, 3);
        assert_eq!(lines, ["2", "3", "  three", "  four", "  five"]);
        assert_eq!(spread.place_at(3), 3);
    }

    /// Others stay in view beside a row that would take every line.
    #[test]
    fn a_row_that_goes_on_leaves_lines_to_others() {
        const WHOLE: &str = "one two three four five six seven eight nine ten eleven twelve";
        let texts = ["short", "short", WHOLE, "short", "short"];
        for (room, others) in [(2, 0), (3, 1), (5, 1), (6, 2), (8, 2)] {
            let (spread, lines) = spread(&texts, room, 2);
            let rows = lines.iter().filter(|line| !line.starts_with(' ')).count();
            assert_eq!((lines.len(), rows), (room, 1 + others), "{room}: {lines:?}");
            assert_eq!(spread.more[&2].1.len(), room - 1 - others, "{room}");
        }
    }
}
