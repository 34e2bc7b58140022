//! Rows of shared values, of which only those are made that are not there yet.
//!
//! In: what a table shows, and values. Out: one row for each. Of thousands of nodes a few change at a time.

use super::table::{Column, Content, Identity, Placed, Row};
use std::{any::Any, collections::HashMap, fmt, sync::Arc};

/// The shared value that a row shows: while it is the same one, the row is the same as well.
#[derive(Clone)]
pub struct MadeOf(Arc<dyn Any + Send + Sync>);

impl MadeOf {
    pub fn value(&self) -> &dyn Any {
        &*self.0
    }

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

/// One row for each value; those of values that `before` has rows of are taken from there. Where each of them stays in its
/// place there, only those that changed, with their places, and no others: what did not change is not even touched.
///
/// A row must follow from its value and `columns` alone.
pub fn rows_of<I: Identity, T: Send + Sync + 'static>(
    before: &Content<I>,
    columns: &[Column],
    values: &[Arc<T>],
    make: impl Fn(&T) -> Row<I>,
) -> (Vec<Row<I>>, Option<Placed<I>>) {
    let known: &[Row<I>] = if before.columns == columns { &before.rows } else { &[] };
    let make = |value: &Arc<T>| Row { made_of: Some(MadeOf(Arc::clone(value) as _)), ..make(value) };
    match in_place(known, values, make) {
        Ok(changed) => (Vec::new(), Some(changed)),
        Err(made) => (all(known, values, made, make), None),
    }
}

/// Whether a row was made of a value.
fn is_of<I, T>(row: &Row<I>, value: &Arc<T>) -> bool {
    row.made_of.as_ref().is_some_and(|made_of| made_of.place() == Arc::as_ptr(value).cast())
}

/// Rows that changed and are still the same ones; where others came, went or moved, those that were made until that was seen.
fn in_place<I: Identity, T>(
    known: &[Row<I>],
    values: &[Arc<T>],
    make: impl Fn(&Arc<T>) -> Row<I>,
) -> Result<Placed<I>, Placed<I>> {
    if known.is_empty() || known.len() != values.len() {
        return Err(Vec::new());
    }
    let mut changed = Vec::new();
    for (at, (row, value)) in known.iter().zip(values).enumerate() {
        if is_of(row, value) {
            continue;
        }
        // One came or went before it.
        if [at.wrapping_sub(1), at + 1].iter().filter_map(|at| known.get(*at)).any(|row| is_of(row, value)) {
            return Err(changed);
        }
        let new = make(value);
        // One that folds or moves in a tree changes what others are shown.
        let is_same =
            new.id == row.id && (new.branch, new.depth, new.continues) == (row.branch, row.depth, row.continues);
        changed.push((at, new));
        if !is_same {
            return Err(changed);
        }
    }
    Ok(changed)
}

fn all<I: Clone, T>(
    known: &[Row<I>],
    values: &[Arc<T>],
    made: Placed<I>,
    make: impl Fn(&Arc<T>) -> Row<I>,
) -> Vec<Row<I>> {
    let mut made = made.into_iter().peekable();
    // Mostly every value stands where it stood; where one came or went, the others have moved.
    let mut moved: Option<HashMap<*const u8, &Row<I>>> = None;
    let mut find_moved = |value: &Arc<T>| {
        let places = || known.iter().filter_map(|row| Some((row.made_of.as_ref()?.place(), row))).collect();
        moved.get_or_insert_with(places).get(&Arc::as_ptr(value).cast()).copied()
    };
    let row = |(index, value): (usize, &Arc<T>)| {
        if let Some((_, row)) = made.next_if(|(at, _)| *at == index) {
            return row;
        }
        let same = known.get(index).filter(|row| is_of(row, value));
        same.or_else(|| find_moved(value)).cloned().unwrap_or_else(|| make(value))
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
            let (rows, changed) = rows_of(&table.content, columns, values, make);
            assert_eq!(made.take(), expected);
            table.set(Content { columns: columns.to_vec(), rows, changed, ..Content::default() });
            let shown: Vec<String> = table.content.rows.iter().map(Row::plain).collect();
            assert_eq!(shown, values.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(table.visible.len(), values.len());
            let content = &table.content;
            let anew: Vec<u16> = (0..).zip(columns).map(|(at, column)| natural_width(content, at, column)).collect();
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
