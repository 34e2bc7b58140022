//! Rows that a person marked, to do something with all of them.
//!
//! They are held by their identity, so that order, filter and new content keep them.

use super::table::{Identity, Row, Table};
use std::collections::HashSet;

/// Marked rows, and where a range begins that has no end yet.
#[derive(Clone, Debug)]
pub struct Marks<I> {
    rows: HashSet<I>,
    pub from: Option<I>,
}

// Derived, it would ask the same of `I`.
impl<I> Default for Marks<I> {
    fn default() -> Marks<I> {
        Marks { rows: HashSet::new(), from: None }
    }
}

impl<I: Identity> Marks<I> {
    pub fn contains(&self, row: &I) -> bool {
        !self.rows.is_empty() && self.rows.contains(row)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn clear(&mut self) {
        *self = Marks::default();
    }

    /// Also those of rows that are not there now.
    pub fn iter(&self) -> impl Iterator<Item = &I> {
        self.rows.iter()
    }
}

impl<I: Identity> FromIterator<I> for Marks<I> {
    fn from_iter<T: IntoIterator<Item = I>>(rows: T) -> Marks<I> {
        Marks { rows: rows.into_iter().collect(), from: None }
    }
}

impl<I: Identity> Table<I> {
    /// Marks the row under the cursor, or takes its mark away.
    pub fn toggle_mark(&mut self) {
        let Some(id) = self.row().map(|row| row.id.clone()) else { return };
        self.marks.from = None;
        if !self.marks.rows.remove(&id) {
            self.marks.rows.insert(id);
        }
        self.remarked();
    }

    /// Marks the row under the cursor.
    pub fn mark(&mut self) {
        self.marks.rows.extend(self.row().map(|row| row.id.clone()));
        self.remarked();
    }

    /// Begins a range at the row under the cursor, or marks all rows from where one was begun to here.
    pub fn mark_range(&mut self) {
        let from = self.marks.from.take();
        let begun = from.and_then(|id| self.visible.iter().position(|index| self.content.rows[*index].id == id));
        match begun {
            Some(begun) => {
                let (first, last) = (begun.min(self.cursor), begun.max(self.cursor));
                let places = self.visible.get(first..=last).unwrap_or_default();
                self.marks.rows.extend(places.iter().map(|index| self.content.rows[*index].id.clone()));
            }
            None => {
                self.marks.from = self.row().map(|row| row.id.clone());
                self.marks.rows.extend(self.marks.from.clone());
            }
        }
        self.remarked();
    }

    /// The filter may ask for marked rows.
    fn remarked(&mut self) {
        if !self.kept.is_empty() {
            self.refilter();
        }
    }

    /// The marked rows that are there, hidden or not, in their order.
    pub fn marked_rows(&self) -> impl Iterator<Item = &Row<I>> {
        let rows = if self.marks.is_empty() { &[][..] } else { &self.content.rows[..] };
        rows.iter().filter(|row| self.marks.contains(&row.id))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::table::{Column, Content},
        *,
    };

    fn marked(table: &Table<usize>) -> Vec<usize> {
        table.marked_rows().map(|row| row.id).collect()
    }

    #[test]
    fn marks_stay_with_their_rows_through_order_filter_and_new_content() {
        let content = |ids: &[usize]| Content {
            columns: vec![Column::new("N", 1, 3)],
            rows: ids.iter().map(|id| Row::new(*id, vec![id.to_string().into()])).collect(),
            ..Content::default()
        };
        let mut table: Table<usize> = Table::default();
        table.set(content(&[1, 2, 3, 4, 5]));
        table.move_to(1);
        table.mark_range();
        table.move_to(3);
        table.mark_range();
        assert_eq!(marked(&table), [2, 3, 4]);
        table.move_to(2);
        table.toggle_mark();
        assert_eq!(marked(&table), [2, 4]);
        table.sort_by_columns(&[(0, true)]);
        table.set(content(&[0, 1, 2, 4, 5]));
        assert_eq!(marked(&table), [2, 4]);
        table.filter = "marked".to_owned();
        table.refilter();
        assert_eq!(table.visible.len(), 2);
        table.filter = "!marked 5".to_owned();
        table.refilter();
        assert_eq!(table.row().map(|row| row.id), Some(5));
        // A range over rows that a filter hides marks those that are seen.
        table.marks.clear();
        table.filter = "re:[045]".to_owned();
        table.refilter();
        table.move_to(0);
        table.mark_range();
        table.move_to(2);
        table.mark_range();
        assert_eq!(marked(&table), [0, 4, 5]);
    }
}
