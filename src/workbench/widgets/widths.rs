//! How wide the columns of a table are.
//!
//! In: columns, rows and the room that there is. Out: a width for each column. Nothing is cut while there is room beside it.

use super::{
    common::{Common, Without, name},
    table::{Align, Column, Content, Identity, MARGIN, Placed, Row, Table},
    text::{self, Cut},
};
use ratatui::layout::Rect;
use std::{borrow::Cow, sync::Arc};

impl<I: Identity> Table<I> {
    /// The natural widths of content in which few rows differ from those that are there; `None` where they have to be
    /// found anew, because a row that was as wide as its column is not there any more.
    pub(super) fn grown(&self, content: &Content<I>) -> Option<Vec<u16>> {
        let before = &self.content;
        if before.columns != content.columns
            || before.headers != content.headers
            || before.rows.len() != content.rows.len()
            || self.natural.len() != content.columns.len()
            // Those of trees are of what is unfolded.
            || content.rows.iter().any(|row| row.branch.is_some())
        {
            return None;
        }
        let mut natural = self.natural.clone();
        let natural_columns = content.columns.len();
        for (old, new) in before.rows.iter().zip(&content.rows) {
            if Arc::ptr_eq(&old.cells, &new.cells) && (old.depth, old.branch) == (new.depth, new.branch) {
                continue;
            }
            for (index, natural) in natural.iter_mut().enumerate() {
                let (was, is) = (cell_width(old, index, natural_columns), cell_width(new, index, natural_columns));
                let is_renamed = || content.columns[index].cut == Cut::Host && name(old, index) != name(new, index);
                if was > is && was >= usize::from(*natural) || is_renamed() {
                    return None;
                }
                *natural = (*natural).max(u16::try_from(is).unwrap_or(u16::MAX));
            }
        }
        Some(natural)
    }

    /// Takes content whose rows are those that are there, but for these in their places; columns become as wide as they would
    /// be if all were looked at.
    pub(super) fn put(&mut self, content: Content<I>, changed: Placed<I>) {
        let mut rows = std::mem::take(&mut self.content.rows);
        let columns = content.columns.len();
        self.content = content;
        self.widest.resize(columns, None);
        // By column: rows that took the whole width and do not any more, that take it now, and the widest of them.
        let mut news = vec![(0, 0, 0); columns];
        let hosts = self.content.columns.iter().position(|column| column.cut == Cut::Host);
        let mut is_renamed = false;
        for (at, row) in changed {
            let old = std::mem::replace(&mut rows[at], row);
            is_renamed |= hosts.is_some_and(|column| name(&old, column) != name(&rows[at], column));
            for (index, (fewer, more, widest)) in news.iter_mut().enumerate() {
                let natural = usize::from(self.natural[index]);
                let (was, is) = (cell_width(&old, index, columns), cell_width(&rows[at], index, columns));
                *fewer += usize::from(was >= natural);
                *more += usize::from(is >= natural);
                *widest = is.max(*widest);
            }
        }
        self.content.rows = rows;
        if is_renamed {
            self.common = Common::of(&self.content);
        }
        for (index, (fewer, more, widest)) in news.into_iter().enumerate() {
            let natural = usize::from(self.natural[index]);
            if widest > natural {
                (self.natural[index], self.widest[index]) = (u16::try_from(widest).unwrap_or(u16::MAX), None);
                continue;
            }
            let known = self.widest[index].map(|count| count + more - fewer);
            // The header alone may be as wide.
            let column = &self.content.columns[index];
            let holds = self.content.headers && text::width(column.name) >= natural;
            self.widest[index] = match known {
                None if fewer <= more || holds => None,
                None => {
                    let takes_all = |row: &&Row<I>| cell_width(row, index, columns) >= natural;
                    Some(self.content.rows.iter().filter(takes_all).count())
                }
                known => known,
            };
            if self.widest[index] == Some(0) && !holds {
                (self.natural[index], self.widest[index]) = (natural_width(&self.content, index, column), None);
            }
        }
    }

    /// Widths of the columns in a row of that many columns; 0 for a hidden one.
    ///
    /// Each takes what its content needs, up to its ideal, and without limit where it grows. If that is too much, it
    /// shrinks, then hides, from the highest priority number on; room that is left over goes back.
    pub fn widths(&self, columns: u16) -> Vec<u16> {
        self.widths_of(columns, &self.natural)
    }

    /// The same in a panel of that height: where a value that is seen would be cut, the rows that are seen share the room.
    ///
    /// Which columns there are does not depend on where one is in the list.
    pub fn widths_in(&self, columns: u16, height: u16) -> Vec<u16> {
        let widths = self.widths(columns);
        // Texts beside each other would move against each other as one scrolls.
        if self.are_texts_beside_each_other() {
            return widths;
        }
        let is_whole = |needed: &[u16]| widths.iter().zip(needed).all(|(width, needed)| *width == 0 || width >= needed);
        if is_whole(&self.natural) {
            return widths;
        }
        let places: Vec<usize> = match self.content.goes_on {
            true => self.spread(self.room(height), &widths, columns).places(self.room(height), self.visible.len()),
            false => self.window(height).collect(),
        };
        let seen = || places.iter().map(|place| &self.content.rows[self.visible[*place]]);
        let specs = self.content.columns.iter().enumerate();
        let natural: Vec<u16> = specs
            .zip(&widths)
            .map(|((index, column), width)| match width {
                0 => 0,
                _ => natural_of(&self.content, seen(), index, column).max(1),
            })
            .collect();
        if is_whole(&natural) { widths } else { self.widths_of(columns, &natural) }
    }

    /// Places of the rows that a panel of that height shows.
    pub fn window(&self, height: u16) -> std::ops::Range<usize> {
        let end = (self.top + self.room(height)).min(self.visible.len());
        self.top.min(end)..end
    }

    /// Where something has no room, names are shown without what all of them end with, and where that is not enough for them,
    /// without what they begin with.
    fn widths_of(&self, columns: u16, natural: &[u16]) -> Vec<u16> {
        let mut widths = self.shared_out(columns, natural);
        let Some(common) = &self.common else { return widths };
        let passed = self.passed();
        let is_meant = |at: usize| self.is_listed(&self.content.columns[at]) && !passed.contains(&at);
        let lacks = |widths: &[u16], natural: &[u16], at: usize| is_meant(at) && widths[at] < natural[at];
        let mut natural = natural.to_vec();
        let whole = natural[common.column];
        for way in common.ways() {
            let is_enough = match way {
                Without::Both => !lacks(&widths, &natural, common.column),
                _ => !(0..natural.len()).any(|at| lacks(&widths, &natural, at)),
            };
            if is_enough || widths[common.column] == 0 {
                break;
            }
            let header = if self.content.headers { text::width(self.content.columns[common.column].name) } else { 0 };
            let header = u16::try_from(header).unwrap_or(u16::MAX);
            let less = u16::try_from(common.columns(way)).unwrap_or(u16::MAX);
            natural[common.column] = whole.saturating_sub(less).max(header);
            widths = self.shared_out(columns, &natural);
        }
        // What is left over is for the header, which says what names are shown without.
        if natural[common.column] < whole {
            let left = columns.saturating_sub(total(&widths));
            widths[common.column] += left.min(whole - widths[common.column].min(whole));
        }
        widths
    }

    /// Room by what columns hold and how they are ranked.
    fn shared_out(&self, columns: u16, natural: &[u16]) -> Vec<u16> {
        let specs = &self.content.columns;
        let passed = self.passed();
        let wanted: Vec<u16> = specs
            .iter()
            .zip(natural)
            .enumerate()
            .map(|(index, (column, natural))| {
                let most = if column.grows { u16::MAX } else { column.ideal.max(column.min) };
                // One that holds nothing takes nothing, and no gap either.
                if self.is_listed(column) && !passed.contains(&index) { (*natural).min(most) } else { 0 }
            })
            .collect();
        let mut widths = wanted.clone();
        // What grows gives first, down to its ideal.
        for (index, column) in specs.iter().enumerate().filter(|(_, column)| column.grows) {
            let over = total(&widths).saturating_sub(columns);
            widths[index] = widths[index].saturating_sub(over).max(column.ideal.min(widths[index]));
        }
        let mut order: Vec<usize> = (0..specs.len()).collect();
        order.sort_by_key(|index| (std::cmp::Reverse(specs[*index].priority), std::cmp::Reverse(*index)));
        // Columns that may be hidden shrink to their minimum; those that stay only half-way, before others are hidden.
        for index in &order {
            let column = &specs[*index];
            let floor =
                if column.priority > 0 { column.min } else { u16::midpoint(column.min, column.ideal.max(column.min)) };
            let over = total(&widths).saturating_sub(columns);
            widths[*index] = widths[*index].saturating_sub(over).max(floor.min(widths[*index]));
        }
        for index in &order {
            if total(&widths) > columns && specs[*index].priority > 0 {
                widths[*index] = 0;
            }
        }
        for index in &order {
            let over = total(&widths).saturating_sub(columns);
            widths[*index] = widths[*index].saturating_sub(over).max(specs[*index].min.min(widths[*index]));
        }
        for index in 0..specs.len() {
            let left = columns.saturating_sub(total(&widths));
            if widths[index] > 0 {
                widths[index] += left.min(wanted[index] - widths[index]);
            }
        }
        // Nothing is cut while there is room beside it, whatever a column is content with.
        for index in 0..specs.len() {
            let left = columns.saturating_sub(total(&widths));
            if widths[index] > 0 {
                widths[index] += left.min(natural[index].saturating_sub(widths[index]));
            }
        }
        if total(&widths) > columns {
            // Narrower than every minimum: what stays for ever is cut from the right.
            let mut left = columns;
            for (index, width) in widths.iter_mut().enumerate() {
                let fits = (*width).min(left);
                // A column of a letter or two says nothing.
                *width = if index > 0 && fits < *width && fits < LEAST { 0 } else { fits };
                left = left.saturating_sub(if *width > 0 { *width + GAP } else { 0 });
            }
            for index in 0..specs.len() {
                let left = columns.saturating_sub(total(&widths));
                if widths[index] > 0 {
                    widths[index] += left.min(natural[index].saturating_sub(widths[index]));
                }
            }
        }
        // Halves of a text stand at the same places whatever they hold, unless one is cut beside room that another leaves.
        if self.are_texts_beside_each_other() {
            let count = u16::try_from(specs.len()).unwrap_or(1);
            let half = columns.saturating_sub(GAP * (count - 1)) / count;
            let mut spare: u16 = natural.iter().map(|needed| half.saturating_sub(*needed)).sum();
            let mut lacking: u16 =
                natural.iter().fold(0, |sum, needed| sum.saturating_add(needed.saturating_sub(half)));
            // A column that no half has.
            let odd = columns.saturating_sub(GAP * (count - 1)) % count;
            lacking = lacking.min(spare + odd);
            spare = lacking.saturating_sub(odd);
            for (width, needed) in widths.iter_mut().zip(natural) {
                let (more, less) = (needed.saturating_sub(half).min(lacking), half.saturating_sub(*needed).min(spare));
                (lacking, spare) = (lacking - more, spare - less);
                *width = half + more - less;
            }
        }
        widths
    }

    fn are_texts_beside_each_other(&self) -> bool {
        let columns = &self.content.columns;
        columns.len() > 1 && columns.iter().all(|column| column.grows)
    }

    /// Whether a column is one of those that are shown where there is room.
    fn is_listed(&self, column: &Column) -> bool {
        let is_chosen = |column: &Column| self.chosen.iter().any(|name| name == column.name);
        // Columns come and go with what is listed: where none of those is there, no column would be left.
        match self.content.columns.iter().any(is_chosen) {
            true => is_chosen(column),
            false => !column.wide_only || self.wide,
        }
    }

    /// The columns that can be scrolled away: those behind the frozen ones that hold something.
    fn movable(&self) -> Vec<usize> {
        let columns = self.content.columns.iter().zip(&self.natural).enumerate().skip(self.content.frozen);
        columns.filter(|(_, (column, natural))| self.is_listed(column) && **natural > 0).map(|(at, _)| at).collect()
    }

    /// How many columns hold something and have no room.
    pub fn without_room(&self, columns: u16) -> usize {
        let (widths, passed) = (self.widths(columns), self.passed());
        self.movable().into_iter().filter(|at| widths[*at] == 0 && !passed.contains(at)).count()
    }

    /// The columns that are scrolled away; one is always left.
    fn passed(&self) -> Vec<usize> {
        if self.left == 0 || self.is_text() {
            return Vec::new();
        }
        let mut columns = self.movable();
        columns.truncate(self.left.min(columns.len().saturating_sub(1)));
        columns
    }

    /// Lines of text in columns, which are read on to the right letter by letter.
    pub fn is_text(&self) -> bool {
        !self.content.headers
    }

    /// Letters of a text that are scrolled away in a column: in its last one, or in each of several texts beside each other.
    pub(super) fn skipped(&self, column: &Column) -> usize {
        let columns = &self.content.columns;
        let is_last = columns.last().is_some_and(|last| std::ptr::eq(last, column));
        let moves = column.grows && (is_last || columns.iter().all(|column| column.grows));
        if moves && self.is_text() { self.left } else { 0 }
    }

    /// Scrolls sideways in so many columns and lines, as far as there is something to see; whether it moved.
    ///
    /// What says which row it is stays: the frozen columns of a table, and all but the text of lines of text.
    pub fn shift(&mut self, right: bool, columns: u16, height: u16) -> bool {
        let before = self.left;
        self.left = match (right, self.is_text()) {
            (false, true) => before.saturating_sub(LETTERS),
            (false, false) => before.min(self.passed().len()).saturating_sub(1),
            (true, true) => (before + LETTERS).min(self.overflow(columns, height)).max(before),
            (true, false) => before + usize::from(self.has_more(columns, height)),
        };
        self.left != before
    }

    /// Letters of the longest line that there is no room for.
    fn overflow(&self, columns: u16, height: u16) -> usize {
        let widths = self.widths_in(columns, height);
        let texts = self.content.columns.iter().zip(&self.natural).zip(widths).filter(|((column, _), _)| column.grows);
        texts.map(|((_, natural), width)| usize::from(natural.saturating_sub(width))).max().unwrap_or(0)
    }

    /// A column behind the frozen ones is hidden or cut, and another one can make room for it.
    fn has_more(&self, columns: u16, height: u16) -> bool {
        let widths = self.widths_in(columns, height);
        let movable = self.movable();
        let left = movable.get(self.passed().len()..).unwrap_or_default();
        left.len() > 1 && left.iter().any(|index| widths[*index] < self.natural[*index])
    }

    /// What is scrolled away, for the title: `← 2 columns`.
    pub fn scrolled(&self) -> Option<String> {
        match (self.left, self.is_text()) {
            (0, _) => None,
            (letters, true) => Some(format!("← {letters}")),
            (_, false) => Some(self.passed().len())
                .filter(|count| *count > 0)
                .map(|count| format!("← {}", text::count(count, "column"))),
        }
    }

    /// Columns that a cell of a row may take: its own, and those of the cells right of it that hold nothing.
    pub fn reach(&self, row: &Row<I>, index: usize, widths: &[u16]) -> u16 {
        let columns = &self.content.columns;
        let own = widths.get(index).copied().unwrap_or_default();
        if own == 0 || columns.get(index).is_none_or(|column| column.align == Align::Right) {
            return own;
        }
        let holds = |at: usize| row.cells.get(at).is_some_and(|cell| cell.width() > 0);
        let free = (index + 1..columns.len()).take_while(|at| !holds(*at));
        free.map(|at| widths.get(at).copied().unwrap_or_default())
            .filter(|width| *width > 0)
            .fold(own, |sum, width| sum.saturating_add(GAP).saturating_add(width))
    }

    /// The widths of one row: where a text leaves room, what is before it and would be cut takes that, and the text begins
    /// further right. Not while the text is scrolled, nor for texts beside each other, which stand at the same places.
    pub fn widths_of_row<'w>(&self, row: &Row<I>, widths: &'w [u16]) -> Cow<'w, [u16]> {
        if !self.is_text() {
            return self.widths_of_table_row(row, widths);
        }
        let columns = &self.content.columns;
        let is_plain = self.left == 0 && row.depth == 0 && row.branch.is_none();
        let grows_last = columns.last().is_some_and(|last| last.grows) && !columns.iter().all(|column| column.grows);
        let last = columns.len().saturating_sub(1);
        let needs = |index: usize| u16::try_from(cell_width(row, index, columns.len())).unwrap_or(u16::MAX);
        let text = needs(last);
        if !is_plain || !grows_last || text == 0 || widths.len() != columns.len() {
            return Cow::Borrowed(widths);
        }
        let lacks = |index: usize| if widths[index] == 0 { 0 } else { needs(index).saturating_sub(widths[index]) };
        let lacking: u16 = (0..last).map(lacks).sum();
        if lacking == 0 || text.saturating_add(lacking) > widths[last] {
            return Cow::Borrowed(widths);
        }
        let mut own: Vec<u16> = (0..last).map(|index| widths[index] + lacks(index)).collect();
        own.push(widths[last] - lacking);
        Cow::Owned(own)
    }

    /// The same of a table with sides: a cell that would be cut takes what others of its row do not need, the nearest first. A value
    /// that is read whole is worth more than one that begins where the one above it does.
    fn widths_of_sides<'w>(&self, seen: &[usize], needs: impl Fn(usize) -> u16, widths: &'w [u16]) -> Cow<'w, [u16]> {
        let columns = &self.content.columns;
        if !seen.iter().any(|at| needs(*at) > widths[*at]) {
            return Cow::Borrowed(widths);
        }
        let mut own = widths.to_vec();
        let moves = |at: &&usize| columns[**at].align == Align::Left;
        let (sides, others): (Vec<usize>, Vec<usize>) = seen.iter().filter(moves).partition(|at| columns[**at].is_side);
        for at in sides.into_iter().chain(others) {
            let mut near: Vec<usize> = seen.iter().filter(moves).copied().filter(|other| *other != at).collect();
            near.sort_by_key(|other| (other.abs_diff(at), *other));
            for other in near {
                let lacking = needs(at).saturating_sub(own[at]);
                let spare = own[other].saturating_sub(needs(other).max(1));
                own[at] += lacking.min(spare);
                own[other] -= lacking.min(spare);
            }
        }
        Cow::Owned(own)
    }

    /// The same of a table: a cell that would be cut takes what its neighbor does not need. The last one begins further left
    /// where nothing is before it, and further right where it leaves room to the one before it.
    fn widths_of_table_row<'w>(&self, row: &Row<I>, widths: &'w [u16]) -> Cow<'w, [u16]> {
        let columns = &self.content.columns;
        let seen: Vec<usize> = (0..columns.len().min(widths.len())).filter(|at| widths[*at] > 0).collect();
        let is_alone = spans(row, columns.len());
        let &[.., before, last] = &seen[..] else { return Cow::Borrowed(widths) };
        // Names that are shown in part have room by their columns.
        let is_name = self.common.as_ref().is_some_and(|common| common.column == before);
        // What goes on below does so in its column.
        if is_name || is_alone || self.left > 0 || self.content.goes_on || columns[last].align == Align::Right {
            return Cow::Borrowed(widths);
        }
        let needs = |at: usize| u16::try_from(cell_width(row, at, columns.len())).unwrap_or(u16::MAX);
        let lacks = |at: usize| needs(at).saturating_sub(widths[at]);
        if columns.iter().any(|column| column.is_side) {
            return self.widths_of_sides(&seen, needs, widths);
        }
        let mut own = widths.to_vec();
        let is_first = before == seen[0];
        if lacks(last) > 0 && needs(before) == 0 && !is_first {
            match lacks(last) {
                lacking if lacking < widths[before] => {
                    (own[before], own[last]) = (widths[before] - lacking, needs(last))
                }
                _ => (own[before], own[last]) = (0, widths[last] + GAP + widths[before]),
            }
            return Cow::Owned(own);
        }
        let spare = widths[last].saturating_sub(needs(last));
        let lacking = lacks(before);
        // A letter or two more are not worth that the last one begins elsewhere.
        let is_little = lacking > spare && spare < LEAST;
        if lacking == 0 || is_little || needs(last) == 0 || columns[before].align == Align::Right {
            return Cow::Borrowed(widths);
        }
        let moved = lacking.min(spare);
        (own[before], own[last]) = (widths[before] + moved, widths[last] - moved);
        Cow::Owned(own)
    }

    /// The column whose header is at a column of the frame.
    pub fn column_at(&self, area: Rect, x: u16) -> Option<usize> {
        let mut from = area.left() + MARGIN;
        let widths = self.widths_in(area.width.saturating_sub(MARGIN + 1), area.height);
        widths.into_iter().enumerate().filter(|(_, width)| *width > 0).find_map(|(index, width)| {
            let end = from.saturating_add(width).saturating_add(GAP);
            let here = (from..end).contains(&x);
            from = end;
            here.then_some(index)
        })
    }
}

/// What the widest cell of a column takes, with the header and the indent of a tree.
pub(super) fn natural_width<I>(content: &Content<I>, index: usize, column: &Column) -> u16 {
    natural_of(content, content.rows.iter(), index, column)
}

/// As [`natural_width`], of some of the rows.
pub(super) fn natural_of<'r, I: 'r>(
    content: &Content<I>,
    rows: impl Iterator<Item = &'r Row<I>>,
    index: usize,
    column: &Column,
) -> u16 {
    let cells = rows.map(|row| cell_width(row, index, content.columns.len()));
    let header = if content.headers { text::width(column.name) } else { 0 };
    u16::try_from(cells.max().unwrap_or(0).max(header)).unwrap_or(u16::MAX).max(column.keeps)
}

/// A row of one cell, such as a heading, has the whole line for it.
pub(super) fn spans<I>(row: &Row<I>, columns: usize) -> bool {
    row.cells.len() == 1 && columns > 1
}

/// What a cell takes, with the indent of a tree; 0 where the row has none.
fn cell_width<I>(row: &Row<I>, index: usize, columns: usize) -> usize {
    if spans(row, columns) {
        return 0;
    }
    let indent = if index == 0 { usize::from(row.depth) * 2 + if row.branch.is_some() { 2 } else { 0 } } else { 0 };
    row.cells.get(index).map_or(0, |cell| cell.width() + indent)
}

/// What columns take with the gaps between them.
fn total(widths: &[u16]) -> u16 {
    let gaps = u16::try_from(widths.iter().filter(|width| **width > 0).count().saturating_sub(1)).unwrap_or(0);
    widths.iter().fold(gaps * GAP, |sum, width| sum.saturating_add(*width))
}

/// Columns between columns.
pub(super) const GAP: u16 = 2;

/// Letters by which a text is scrolled.
const LETTERS: usize = 8;

/// Columns below which a value that is cut says nothing.
const LEAST: u16 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of each column in a panel of that width: its first letter, in capitals where all of it is.
    fn seen(table: &Table<&str>, columns: u16) -> String {
        let widths = table.widths_in(columns, 9);
        let names =
            table.content.columns.iter().zip(widths.iter().zip(&table.natural)).filter(|(_, (width, _))| **width > 0);
        let letter = |(column, (width, natural)): (&Column, (&u16, &u16))| match width >= natural {
            true => column.name[..1].to_uppercase(),
            false => column.name[..1].to_lowercase(),
        };
        names.map(letter).collect()
    }

    #[test]
    fn columns_are_scrolled_past_until_the_last_one_is_seen_whole_and_the_key_stays() {
        let mut table: Table<&str> = Table::default();
        let cells = [8, 12, 6, 10, 9].map(|width| "x".repeat(width).into()).to_vec();
        table.set(Content {
            columns: vec![
                Column::new("KEY", 8, 8),
                Column::new("A", 4, 12).priority(1),
                Column::new("B", 4, 6).priority(2),
                Column::new("C", 4, 10).priority(3),
                Column::new("D", 4, 9).priority(4),
            ],
            rows: vec![Row::new("row", cells)],
            headers: true,
            ..Content::default()
        });
        // With room for all there is nothing to scroll to.
        assert_eq!(seen(&table, 60), "KABCD");
        assert!(!table.shift(true, 60, 9));
        assert_eq!(seen(&table, 24), "Kab");
        let mut all = Vec::new();
        while table.shift(true, 24, 9) {
            all.push(seen(&table, 24));
        }
        assert_eq!(all, ["KBc", "Kcd", "KD"]);
        assert_eq!(table.scrolled().as_deref(), Some("← 3 columns"));
        // In a wider panel as much comes back as somebody asks for.
        assert!(table.shift(false, 60, 9) && table.shift(false, 60, 9) && table.shift(false, 60, 9));
        assert!(!table.shift(false, 60, 9) && table.scrolled().is_none());
        assert_eq!(seen(&table, 60), "KABCD");
    }

    #[test]
    fn a_text_is_scrolled_to_the_end_of_its_longest_line_and_what_is_before_it_stays() {
        let mut table: Table<&str> = Table::default();
        let row = |id, text: String| Row::new(id, vec!["09:12".into(), text.into()]);
        table.set(Content {
            columns: vec![Column::new("", 5, 5), Column::new("", 10, 10).grows()],
            rows: vec![row("short", "x".repeat(10)), row("long", "x".repeat(40))],
            ..Content::default()
        });
        // 5 and a gap of 2 leave 23 of 30.
        let places = std::iter::from_fn(|| table.shift(true, 30, 9).then_some(table.left)).collect::<Vec<_>>();
        assert_eq!(places, [8, 16, 17]);
        assert_eq!(table.skipped(&table.content.columns[1]), 17);
        assert_eq!(table.skipped(&table.content.columns[0]), 0);
        assert!(table.shift(false, 30, 9) && table.left == 9);
    }

    /// Two texts beside each other have halves, until one would be cut beside room that the other leaves.
    #[test]
    fn texts_beside_each_other_share_the_room_that_one_of_them_leaves() {
        let check_in = |room: u16, left: usize, right: usize, expected: [u16; 2]| {
            let mut table: Table<&str> = Table::default();
            table.set(Content {
                columns: vec![Column::new("", 5, 5).grows(), Column::new("", 5, 5).grows()],
                rows: vec![Row::new("row", vec!["x".repeat(left).into(), "y".repeat(right).into()])],
                ..Content::default()
            });
            assert_eq!(table.widths(room), expected, "{left} {right}");
        };
        let check = |left, right, expected| check_in(42, left, right, expected);
        check(4, 9, [20, 20]);
        check(24, 9, [24, 16]);
        check(9, 24, [16, 24]);
        check(60, 15, [25, 15]);
        check(60, 60, [20, 20]);
        check_in(43, 60, 15, [26, 15]);
        check_in(43, 60, 60, [21, 20]);
        check_in(43, 21, 9, [21, 20]);
        check_in(43, 4, 9, [20, 20]);
    }

    /// A name before a short text is whole in its row; the columns of the others stay.
    #[test]
    fn a_name_takes_the_room_that_the_text_behind_it_leaves() {
        let mut table: Table<&str> = Table::default();
        let row = |id, name: usize, text: usize| Row::new(id, vec!["n".repeat(name).into(), "t".repeat(text).into()]);
        table.set(Content {
            columns: vec![Column::new("", 6, 6).priority(1), Column::new("", 10, 10).grows()],
            rows: vec![row("short", 12, 5), row("long", 12, 30), row("fits", 4, 5)],
            ..Content::default()
        });
        let widths = table.widths(30);
        let own = |at: usize| table.widths_of_row(&table.content.rows[at], &widths).into_owned();
        assert_eq!(widths, [6, 22]);
        assert_eq!((own(0), own(1), own(2)), (vec![12, 16], vec![6, 22], vec![6, 22]));
        table.left = 8;
        assert_eq!(table.widths_of_row(&table.content.rows[0], &widths).into_owned(), [6, 22]);
    }

    /// In a row of a table the last cell gives room to the one before it, or takes that of one that is empty.
    #[test]
    fn a_cell_of_a_table_takes_what_its_neighbor_does_not_need() {
        let mut table: Table<&str> = Table::default();
        let row = |id, widths: [usize; 3]| Row::new(id, widths.map(|width| "x".repeat(width).into()).to_vec());
        table.set(Content {
            columns: vec![Column::new("NAME", 6, 6), Column::new("VALUE", 8, 8).grows(), Column::new("SET BY", 10, 10)],
            rows: vec![
                row("cut", [6, 12, 6]),
                row("whole", [6, 4, 10]),
                row("neither fits", [6, 14, 8]),
                row("empty", [6, 0, 14]),
                row("longer", [6, 0, 40]),
                row("much is left", [6, 40, 2]),
            ],
            headers: true,
            ..Content::default()
        });
        let widths = [6, 8, 10];
        let own = |table: &Table<&str>, at: usize| table.widths_of_row(&table.content.rows[at], &widths).into_owned();
        assert_eq!(
            [0, 1, 2, 3, 4, 5].map(|at| own(&table, at)),
            [vec![6, 12, 6], vec![6, 8, 10], vec![6, 8, 10], vec![6, 4, 14], vec![6, 0, 20], vec![6, 16, 2]]
        );
        table.content.columns[2].align = Align::Right;
        assert_eq!(own(&table, 0), widths, "numbers stay below each other");
    }

    /// Sides take what the other ones and the path leave, and the path what they leave.
    #[test]
    fn sides_of_a_row_share_what_it_leaves() {
        let mut table: Table<&str> = Table::default();
        let row = |id, widths: [usize; 3]| Row::new(id, widths.map(|width| "x".repeat(width).into()).to_vec());
        table.set(Content {
            columns: vec![
                Column::new("PATH", 10, 20).grows(),
                Column::new("LEFT", 8, 8).side(),
                Column::new("RIGHT", 8, 8).side(),
            ],
            rows: vec![
                row("fits", [20, 8, 8]),
                row("right", [20, 1, 15]),
                row("right and path", [12, 1, 20]),
                row("left", [20, 10, 2]),
                row("path", [24, 2, 2]),
                row("nothing is left", [20, 1, 30]),
                row("all are cut", [30, 9, 9]),
            ],
            headers: true,
            ..Content::default()
        });
        let widths = [20, 8, 8];
        let own = |at: usize| table.widths_of_row(&table.content.rows[at], &widths).into_owned();
        assert_eq!(own(0), widths);
        assert_eq!(own(1), [20, 1, 15]);
        assert_eq!(own(2), [15, 1, 20]);
        assert_eq!(own(3), [20, 10, 6]);
        assert_eq!(own(4), [24, 4, 8]);
        assert_eq!(own(5), [20, 1, 15]);
        assert_eq!(own(6), widths);
    }

    #[test]
    fn columns_take_what_they_need_then_shrink_then_hide() {
        let mut table: Table<&str> = Table::default();
        let cells = vec!["x".repeat(30).into(), "y".repeat(12).into(), "z".repeat(6).into()];
        table.set(Content {
            columns: vec![
                Column::new("NAME", 8, 20).grows(),
                Column::new("GPU", 4, 10).priority(1),
                Column::new("AGE", 4, 6).priority(2),
            ],
            rows: vec![Row::new("row", cells)],
            ..Content::default()
        });
        assert_eq!(table.widths(60), [30, 12, 6], "room that nobody else needs");
        assert_eq!(table.widths(40), [20, 10, 6]);
        assert_eq!(table.widths(34), [20, 6, 4]);
        assert_eq!(table.widths(26), [14, 4, 4]);
        // A name cut to less than half-way is worth less than the columns beside it.
        assert_eq!(table.widths(20), [14, 4, 0]);
        assert_eq!(table.widths(16), [16, 0, 0]);
        assert_eq!(table.widths(5), [5, 0, 0]);
    }
}
