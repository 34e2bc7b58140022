//! Rows of shared values, of which only those are made that are not there yet.
//!
//! In: what a table shows, and values. Out: one row for each. Of thousands of nodes a few change at a time.

use super::table::{Column, Content, Row};
use std::{any::Any, collections::HashMap, fmt, sync::Arc};

/// The shared value that a row shows: while it is the same one, the row is the same as well.
#[derive(Clone)]
pub struct MadeOf(Arc<dyn Any + Send + Sync>);

impl MadeOf {
    /// Where the value is. Values that are held are at different places.
    fn place(&self) -> *const u8 {
        Arc::as_ptr(&self.0).cast()
    }
}

impl PartialEq for MadeOf {
    fn eq(&self, other: &MadeOf) -> bool {
        self.place() == other.place()
    }
}

impl fmt::Debug for MadeOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.place())
    }
}

/// One row for each value; those of values that `before` has rows of are taken from there.
///
/// A row must follow from its value and `columns` alone.
pub fn rows_of<I: Clone, T: Send + Sync + 'static>(
    before: &Content<I>,
    columns: &[Column],
    values: &[Arc<T>],
    make: impl Fn(&T) -> Row<I>,
) -> Vec<Row<I>> {
    let known: &[Row<I>] = if before.columns == columns { &before.rows } else { &[] };
    let is_of = |row: &&Row<I>, value: &Arc<T>| {
        row.made_of.as_ref().is_some_and(|made_of| made_of.place() == Arc::as_ptr(value).cast())
    };
    // Mostly every value stands where it stood; where one came or went, the others have moved.
    let mut moved: Option<HashMap<*const u8, &Row<I>>> = None;
    let mut find_moved = |value: &Arc<T>| {
        let places = || known.iter().filter_map(|row| Some((row.made_of.as_ref()?.place(), row))).collect();
        moved.get_or_insert_with(places).get(&Arc::as_ptr(value).cast()).copied()
    };
    let row = |(index, value): (usize, &Arc<T>)| {
        let same = known.get(index).filter(|row| is_of(row, value));
        match same.or_else(|| find_moved(value)) {
            Some(row) => row.clone(),
            None => Row { made_of: Some(MadeOf(Arc::clone(value) as _)), ..make(value) },
        }
    };
    values.iter().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::widgets::{table::Table, widths::natural_width};

    #[test]
    fn rows_of_values_that_stay_are_not_made_again() {
        let columns = [Column::new("NAME", 1, 9)];
        let mut table: Table<usize> = Table::default();
        let made = std::cell::RefCell::new(Vec::new());
        let mut show = |values: &[Arc<usize>], columns: &[Column], expected: &[usize]| {
            let make = |value: &usize| {
                made.borrow_mut().push(*value);
                Row::new(*value, vec![value.to_string().into()])
            };
            let rows = rows_of(&table.content, columns, values, make);
            assert_eq!(made.take(), expected);
            let shown: Vec<String> = rows.iter().map(Row::plain).collect();
            assert_eq!(shown, values.iter().map(ToString::to_string).collect::<Vec<_>>());
            let content = Content { columns: columns.to_vec(), rows, ..Content::default() };
            let anew: Vec<u16> = (0..).zip(columns).map(|(at, column)| natural_width(&content, at, column)).collect();
            table.set(content);
            assert_eq!(table.natural, anew);
        };
        let mut values: Vec<Arc<usize>> = (0..4).map(Arc::new).collect();
        show(&values, &columns, &[0, 1, 2, 3]);
        values[2] = Arc::new(9);
        show(&values, &columns, &[9]);
        values.remove(0);
        values.push(Arc::new(9));
        show(&values, &columns, &[9]);
        // Wider, as wide, narrower, with the widest gone.
        for wide in [1000, 2000, 77, 5] {
            values[1] = Arc::new(wide);
            show(&values, &columns, &[wide]);
        }
        show(&values, &[Column::new("OTHER", 1, 9)], &[1, 5, 3, 9]);
        show(&[], &columns, &[]);
    }
}
