//! Rows of several lines that are gone through as one.
//!
//! In: a table whose content says that lines which go on belong to the row before them. Out: the row of a line, and how many
//! rows there are. The cursor is never on a line that goes on.

use super::table::{Identity, Table};

impl<I: Identity> Table<I> {
    fn goes_on_at(&self, place: usize) -> bool {
        self.visible.get(place).is_some_and(|index| self.content.rows[*index].continues)
    }

    /// The place of the row that a line is of.
    pub(super) fn row_at(&self, place: usize) -> usize {
        if !self.content.whole_rows {
            return place;
        }
        (0..=place).rev().find(|place| !self.goes_on_at(*place)).unwrap_or(0)
    }

    /// The place so many rows from the cursor; at the ends, the last one there is.
    pub(super) fn rows_from_cursor(&self, rows: i64) -> usize {
        let last = self.visible.len().saturating_sub(1);
        let target = |at: usize, last: usize| {
            let target = i64::try_from(at).unwrap_or(0).saturating_add(rows);
            usize::try_from(target.max(0)).unwrap_or(0).min(last)
        };
        if !self.content.whole_rows {
            return target(self.cursor, last);
        }
        let begins: Vec<usize> = (0..self.visible.len()).filter(|place| !self.goes_on_at(*place)).collect();
        let at = begins.partition_point(|place| *place <= self.cursor).saturating_sub(1);
        begins.get(target(at, begins.len().saturating_sub(1))).copied().unwrap_or(0)
    }

    /// The last line of the row under the cursor.
    pub(super) fn end_of_row(&self) -> usize {
        let lines = (self.cursor + 1..self.visible.len()).take_while(|place| self.goes_on_at(*place)).count();
        self.cursor + if self.content.whole_rows { lines } else { 0 }
    }

    /// The first line of a window that would begin at a place: that of a row, as long as the cursor is in it.
    pub(super) fn begin_of_window(&self, place: usize) -> usize {
        let is_within = |place: &usize| self.content.whole_rows && *place < self.cursor && self.goes_on_at(*place);
        (place..).find(|place| !is_within(place)).unwrap_or(place)
    }

    /// Which row the cursor is on, from 1 on, and how many there are.
    pub fn counted_rows(&self) -> (usize, usize) {
        if !self.content.whole_rows {
            return (self.cursor + 1, self.visible.len());
        }
        let begins = |to: usize| (0..to).filter(|place| !self.goes_on_at(*place)).count();
        (begins(self.cursor + 1), begins(self.visible.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::table::{Content, Row},
        *,
    };

    #[test]
    fn the_cursor_goes_from_row_to_row_and_all_lines_of_one_are_seen() {
        let row = |at: usize, continues| Row { continues, ..Row::new(at, vec!["x".into()]) };
        let rows = [false, true, false, true, true, false].into_iter().enumerate().map(|(at, more)| row(at, more));
        let mut table: Table<usize> = Table::default();
        table.set(Content { rows: rows.collect(), whole_rows: true, ..Content::default() });
        let mut places = Vec::new();
        for step in [1, 1, 1, -1, -2] {
            table.move_by(step);
            places.push((table.cursor, table.counted_rows()));
        }
        assert_eq!(places, [(2, (2, 3)), (5, (3, 3)), (5, (3, 3)), (2, (2, 3)), (0, (1, 3))]);
        table.move_to(4);
        assert_eq!(table.cursor, 2, "a line is of its row");
        table.scroll(3);
        assert_eq!(table.top, 2);
        table.move_by(-1);
        table.scroll(3);
        table.move_by(1);
        table.scroll(4);
        assert_eq!(table.top, 2, "down to its last line, and from the first one of a row");
        assert!(table.select(&3) && table.cursor == 2);
    }
}
