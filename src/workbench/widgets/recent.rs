//! Rows that changed lately: which they are, and until when they are marked.
//!
//! In: what a list showed, what it shows now, and the time. Out: the rows to mark. Only rows that changed are held, and rows
//! whose cells are shared with the list before are passed over by their place.

use super::{
    cell::Span,
    table::{Content, Identity, Row},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// How long a changed row is marked, from when it is first seen.
pub const MARKED_MS: u64 = 5_000;

/// Changed rows by their identity.
#[derive(Clone, Debug)]
pub struct Recent<I> {
    /// Rows that are seen, with the time at which their mark goes.
    until: HashMap<I, u64>,
    /// Rows of a list that is not seen now.
    unseen: HashSet<I>,
}

// Derived, it would ask the same of `I`.
impl<I> Default for Recent<I> {
    fn default() -> Recent<I> {
        Recent { until: HashMap::new(), unseen: HashSet::new() }
    }
}

impl<I: Identity> Recent<I> {
    /// Marks rows of a list that have changed.
    pub fn add(&mut self, rows: Vec<I>, list: &Content<I>) {
        self.unseen.extend(rows);
        // Rows come and go for hours in a list that nobody looks at.
        if self.unseen.len() > list.rows.len() {
            let there: HashSet<&I> = list.rows.iter().map(|row| &row.id).collect();
            self.unseen.retain(|row| there.contains(row));
        }
    }

    /// The list is seen at this time: marks whose time is over go, and that of new ones begins.
    pub fn seen(&mut self, now_ms: u64) {
        if self.is_empty() {
            return;
        }
        self.until.retain(|_, until| *until > now_ms);
        for row in self.unseen.drain() {
            self.until.insert(row, now_ms + MARKED_MS);
        }
        if self.until.is_empty() {
            // What a burst took is given back.
            *self = Recent::default();
        }
    }

    pub fn contains(&self, row: &I) -> bool {
        !self.until.is_empty() && self.until.contains_key(row)
    }

    /// Nothing is marked, and nothing will be.
    pub fn is_empty(&self) -> bool {
        self.until.is_empty() && self.unseen.is_empty()
    }

    /// How many rows are held.
    pub fn len(&self) -> usize {
        self.until.len() + self.unseen.len()
    }

    pub fn clear(&mut self) {
        *self = Recent::default();
    }
}

/// The rows that read otherwise than before, and with `added` those that were not there.
///
/// Only columns that both have say something of a row: a panel of another width has other ones.
pub fn changed<I: Identity>(before: &Content<I>, now: &Content<I>, added: bool) -> Vec<I> {
    let is_same = before.columns == now.columns;
    let place = |index: usize| before.columns.iter().position(|column| *column == now.columns[index]);
    let shared: Vec<(usize, usize)> = match is_same {
        true => (0..now.columns.len()).map(|index| (index, index)).collect(),
        false => (0..now.columns.len()).filter_map(|index| Some((place(index)?, index))).collect(),
    };
    let differs = |old: &Row<I>, new: &Row<I>| {
        let same_cells = is_same && Arc::ptr_eq(&old.cells, &new.cells);
        !same_cells && shared.iter().any(|(left, right)| spans(old, *left) != spans(new, *right))
    };
    // Mostly every row stands where it stood; where one came or went, the others have moved.
    let mut moved: Option<HashMap<&I, &Row<I>>> = None;
    let mut changed = Vec::new();
    for (index, row) in now.rows.iter().enumerate() {
        let in_place = before.rows.get(index).filter(|old| Arc::ptr_eq(&old.cells, &row.cells) || old.id == row.id);
        let old = in_place.or_else(|| {
            let known = || before.rows.iter().map(|row| (&row.id, row)).collect();
            moved.get_or_insert_with(known).get(&row.id).copied()
        });
        if old.map_or(added, |old| differs(old, row)) {
            changed.push(row.id.clone());
        }
    }
    changed
}

/// The same where rows take the places of others.
pub fn replaced<I: Identity>(before: &Content<I>, changed: &[(usize, Row<I>)]) -> Vec<I> {
    let differs = |(at, row): &&(usize, Row<I>)| {
        let old = before.rows.get(*at);
        old.is_some_and(|old| (0..before.columns.len()).any(|index| spans(old, index) != spans(row, index)))
    };
    changed.iter().filter(differs).map(|(_, row)| row.id.clone()).collect()
}

/// What a cell says and how; not where it leads.
fn spans<I>(row: &Row<I>, index: usize) -> &[Span] {
    row.cells.get(index).map_or(&[], |cell| &cell.spans[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::{
        theme::Role,
        widgets::table::{Cell, Column},
    };

    fn content(columns: &[Column], rows: &[(usize, &str)]) -> Content<usize> {
        let row = |(id, text): &(usize, &str)| Row::new(*id, vec![id.to_string().into(), (*text).into()]);
        Content { columns: columns.to_vec(), rows: rows.iter().map(row).collect(), ..Content::default() }
    }

    const COLUMNS: [Column; 2] = [Column::new("ID", 1, 3), Column::new("SAYS", 1, 9)];

    #[track_caller]
    fn check(before: &[(usize, &str)], now: &[(usize, &str)], expected: &[usize]) {
        assert_eq!(changed(&content(&COLUMNS, before), &content(&COLUMNS, now), true), expected);
    }

    #[test]
    fn rows_that_read_otherwise_and_new_ones_are_changed() {
        check(&[(1, "a"), (2, "b")], &[(1, "a"), (2, "b")], &[]);
        check(&[(1, "a"), (2, "b")], &[(1, "a"), (2, "c")], &[2]);
        // Those that only moved are not.
        check(&[(1, "a"), (3, "c")], &[(1, "a"), (2, "b"), (3, "c")], &[2]);
        check(&[(1, "a"), (2, "b"), (3, "c")], &[(2, "b"), (3, "d")], &[3]);
        let (before, now) = (content(&COLUMNS, &[(1, "a")]), content(&COLUMNS, &[(1, "b"), (2, "b")]));
        assert_eq!(changed(&before, &now, false), [1]);
    }

    #[test]
    fn another_color_is_a_change_and_another_set_of_columns_is_none() {
        let before = content(&COLUMNS, &[(1, "a")]);
        let mut now = before.clone();
        now.rows[0].cells = Arc::new(vec!["1".into(), Cell::new(Role::Fail, "a")]);
        assert_eq!(changed(&before, &now, true), [1]);
        let narrow = [Column::new("ID", 1, 3), Column::new("SAYS", 1, 4)];
        assert!(changed(&before, &content(&narrow, &[(1, "a…")]), true).is_empty());
        assert!(changed(&before, &content(&narrow[..1], &[(1, "")]), true).is_empty());
    }

    #[test]
    fn a_mark_lasts_from_when_it_is_seen() {
        let list = content(&COLUMNS, &[(1, "a"), (2, "b")]);
        let mut recent = Recent::default();
        recent.add(vec![1, 2], &list);
        assert!(!recent.contains(&1), "nobody has seen the list yet");
        recent.seen(60_000);
        assert!(recent.contains(&1) && recent.contains(&2) && !recent.contains(&3));
        recent.seen(64_999);
        assert!(recent.contains(&1));
        // Changed once more: its time begins again.
        recent.add(vec![2], &list);
        recent.seen(64_999);
        recent.seen(65_000);
        assert!(!recent.contains(&1) && recent.contains(&2));
        assert_eq!(recent.len(), 1);
        recent.seen(69_999);
        assert!(recent.is_empty());
    }

    #[test]
    fn rows_that_come_and_go_unseen_are_not_heaped_up() {
        let mut recent = Recent::default();
        for round in 0..1000 {
            recent.add(vec![round], &content(&COLUMNS, &[(round, "new"), (5000, "old")]));
        }
        assert!(recent.len() <= 2, "{}", recent.len());
    }
}
