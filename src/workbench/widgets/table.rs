//! The one list widget: rows with cells, folds, filter, cursor and window.
//!
//! In: [`Content`], what a pane says about the model. Out: which of its rows are shown, and the window of those that a panel
//! has room for; `paint` paints it. The cursor is held by the identity of its row, a value of the list's own type, so that
//! sorting, filtering and new data keep it.

pub use super::cell::Cell;
use super::{
    common::Common,
    filter::{self, Filter, Misread, Names},
    marks::Marks,
    recent::Recent,
    rows::MadeOf,
    states,
    text::Cut,
    widths::{natural_of, natural_width},
};
use crate::{text::natural, workbench::theme::Role};
use std::{
    any::Any,
    borrow::Cow,
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

/// What tells rows of one list apart.
pub trait Identity: Clone + Eq + Hash {
    /// What a filter finds besides the cells; empty where the identity is not a name.
    fn name(&self) -> &str {
        ""
    }

    /// What a filter finds by its name in the value that a row was made of: a label of a node.
    fn reading(_of: &dyn Any, _name: &str) -> Option<String> {
        None
    }
}

/// Rows of a text are told apart by their place.
impl Identity for usize {}

/// One row. Rows of a tree come in document order with their depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<I> {
    /// Unique within the list.
    pub id: I,
    pub depth: u16,
    /// Has children; folded at first or not.
    pub branch: Option<bool>,
    /// A change, a failure, a warning: what `]` goes to.
    pub matters: bool,
    /// In the column before the cells.
    pub marker: Option<(Role, &'static str)>,
    /// Shared, so that a row of which nothing changed costs nothing in the next content.
    pub cells: Arc<Vec<Cell>>,
    /// Set by [`super::rows::rows_of`].
    pub made_of: Option<MadeOf>,
    /// A line of a text that goes on from the row before it.
    pub continues: bool,
    /// What a filter finds besides the cells.
    pub also: Option<Box<str>>,
    /// It is shown for its place next to a row that the filter means, and is not meant itself.
    pub beside: bool,
}

impl<I> Row<I> {
    pub fn new(id: impl Into<I>, cells: Vec<Cell>) -> Row<I> {
        let cells = Arc::new(cells);
        Row {
            id: id.into(),
            depth: 0,
            branch: None,
            matters: false,
            marker: None,
            cells,
            made_of: None,
            continues: false,
            also: None,
            beside: false,
        }
    }

    /// A reading of what the row was made of.
    pub(super) fn reading(&self, name: &str) -> Option<String>
    where
        I: Identity,
    {
        I::reading(self.made_of.as_ref()?.value(), name)
    }

    pub fn plain(&self) -> String {
        self.cells.iter().map(Cell::plain).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// One column: how narrow it may get, and what happens to it when there is no room.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: &'static str,
    pub min: u16,
    /// What it takes when there is room; at most this.
    pub ideal: u16,
    /// Takes that much whatever its cells hold now, so that what is behind it does not move with them.
    pub keeps: u16,
    /// Takes a share of what is left over.
    pub grows: bool,
    /// 0 stays for ever; higher ones are hidden first.
    pub priority: u8,
    pub align: Align,
    pub cut: Cut,
    /// Only shown when wide columns are asked for.
    pub wide_only: bool,
    /// One of those that hold the same thing of different sides: what is in them is cut so that it is told apart.
    pub is_side: bool,
}

impl Column {
    pub const fn new(name: &'static str, min: u16, ideal: u16) -> Column {
        Column {
            name,
            min,
            ideal,
            keeps: 0,
            grows: false,
            priority: 0,
            align: Align::Left,
            cut: Cut::End,
            wide_only: false,
            is_side: false,
        }
    }

    /// At least that wide from the beginning.
    pub const fn steady(mut self, columns: u16) -> Column {
        self.keeps = columns;
        self
    }

    pub const fn grows(mut self) -> Column {
        self.grows = true;
        self
    }

    pub const fn priority(mut self, priority: u8) -> Column {
        self.priority = priority;
        self
    }

    pub const fn right(mut self) -> Column {
        self.align = Align::Right;
        self
    }

    pub const fn name_like(mut self) -> Column {
        self.cut = Cut::Middle;
        self
    }

    pub const fn host_like(mut self) -> Column {
        self.cut = Cut::Host;
        self
    }

    pub const fn list_like(mut self) -> Column {
        self.cut = Cut::List;
        self
    }

    pub const fn side(mut self) -> Column {
        self.is_side = true;
        self
    }

    pub const fn wide(mut self) -> Column {
        self.wide_only = true;
        self
    }
}

/// Rows with their places.
pub type Placed<I> = Vec<(usize, Row<I>)>;

/// What a pane shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Content<I> {
    pub title: String,
    /// At the right of the title: counts, FOLLOW.
    pub note: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Row<I>>,
    /// Rows that take the places of rows with the same identity, where all others are those that the table has; `rows` is
    /// empty then, until the table has taken it.
    pub changed: Option<Placed<I>>,
    /// What to show instead of rows, or above them when there are rows.
    pub says: Vec<(Role, String)>,
    /// Rows are lines of text: no cursor bar, long ones can be wrapped.
    pub prose: bool,
    /// Headers are drawn.
    pub headers: bool,
    /// Sorting makes no sense: trees, logs, texts.
    pub ordered: bool,
    /// Columns that stay where the others are scrolled sideways: they say which row it is.
    pub frozen: usize,
    /// The row under the cursor goes on below where it is cut, and others where there are lines for it.
    pub goes_on: bool,
    /// Lines that go on are not gone to: they belong to the row before them.
    pub whole_rows: bool,
    /// Rows that were not made, because the filter does not mean them: they are hidden like those that were.
    pub left_out: usize,
}

// Derived, it would ask the same of `I`.
impl<I> Default for Content<I> {
    fn default() -> Content<I> {
        Content {
            title: String::new(),
            note: String::new(),
            columns: Vec::new(),
            rows: Vec::new(),
            changed: None,
            says: Vec::new(),
            prose: false,
            headers: false,
            ordered: false,
            frozen: 1,
            goes_on: false,
            whole_rows: false,
            left_out: 0,
        }
    }
}

impl<I: Clone> Content<I> {
    /// Takes the rows that it shares with the content before.
    pub fn complete(&mut self, before: &Content<I>) {
        let Some(changed) = self.changed.take() else { return };
        self.rows.clone_from(&before.rows);
        for (at, row) in changed {
            self.rows[at] = row;
        }
    }
}

/// A pane's content and where the person is in it.
#[derive(Clone, Debug)]
pub struct Table<I> {
    pub content: Content<I>,
    /// Indexes of rows that folds and filter leave, in shown order.
    pub visible: Vec<usize>,
    /// Place in `visible`.
    pub cursor: usize,
    /// Identity of the row under the cursor.
    pub selected: Option<I>,
    /// The row that a person chose, while folds or a filter hide it.
    hidden_choice: Option<I>,
    /// First shown place.
    pub top: usize,
    /// How far it is scrolled sideways: a text by letters, a table by whole columns.
    pub left: usize,
    pub filter: String,
    /// The last filter that could be understood; what cannot leaves it as it is.
    pub(super) kept: Filter,
    /// Why the typed filter is not the one that is kept.
    pub misread: Option<Misread>,
    /// The last one that said anything: what `n` looks for when no filter hides rows.
    sought: Filter,
    /// Branches whose fold differs from the row's own wish.
    pub toggled: HashSet<I>,
    /// Column and direction; `None` keeps the pane's order.
    pub sort: Option<(usize, bool)>,
    /// What rows are sorted by that are alike in that.
    pub then: Vec<(usize, bool)>,
    /// The same by the names of columns, with those that are not there now.
    sort_keys: Vec<SortKey>,
    /// Names of the columns that are shown, with those that are not there now; empty for those that there is room for.
    pub chosen: Vec<String>,
    pub wide: bool,
    /// The cursor stays on the last row as rows arrive.
    pub follow: bool,
    /// Rows that the filter hides.
    pub hidden: usize,
    /// Rows that the filter means; others are shown because a match is below them.
    pub matching: usize,
    /// Somebody moved the cursor; until then it stays on the first row, whatever arrives.
    pub touched: bool,
    /// Rows have changed since they were sorted.
    pub is_late: bool,
    /// When they were sorted for new content last, in milliseconds.
    pub sorted_ms: u64,
    /// Rows that a person marked.
    pub marks: Marks<I>,
    /// Rows that changed lately.
    pub recent: Recent<I>,
    /// Columns that the content of each column takes.
    pub(super) natural: Vec<u16>,
    /// What the names in its rows have in common.
    pub(super) common: Option<Common>,
    /// How many rows take as much, by column, where it had to be counted.
    pub(super) widest: Vec<Option<usize>>,
}

impl<I> Default for Table<I> {
    fn default() -> Table<I> {
        Table {
            content: Content::default(),
            visible: Vec::new(),
            cursor: 0,
            selected: None,
            hidden_choice: None,
            top: 0,
            left: 0,
            filter: String::new(),
            kept: Filter::default(),
            misread: None,
            sought: Filter::default(),
            toggled: HashSet::new(),
            sort: None,
            then: Vec::new(),
            sort_keys: Vec::new(),
            chosen: Vec::new(),
            wide: false,
            follow: false,
            hidden: 0,
            matching: 0,
            touched: false,
            is_late: false,
            sorted_ms: 0,
            marks: Marks::default(),
            recent: Recent::default(),
            natural: Vec::new(),
            common: None,
            widest: Vec::new(),
        }
    }
}

/// A column by its name, and whether the order is descending.
pub type SortKey = (String, bool);

/// Columns before the cells: the row's marker and the cursor's.
pub(super) const MARGIN: u16 = 2;

/// What is left for text in a panel that is so wide inside.
pub fn text_columns(width: usize) -> usize {
    width.saturating_sub(usize::from(MARGIN) + 1)
}

impl<I: Identity> Table<I> {
    /// Takes new content; the cursor stays on its row, or on the nearest one left.
    ///
    /// Returns false when the selected row was removed.
    pub fn set(&mut self, content: Content<I>) -> bool {
        self.take(content, false)
    }

    /// As [`Table::set`]; with `keeps_order`, rows that were there stay in the order that they have, until they are sorted
    /// again: nobody can read rows that change their places meanwhile.
    pub fn take(&mut self, mut content: Content<I>, keeps_order: bool) -> bool {
        // Which rows are shown in which order follows from their texts only where they are filtered or sorted.
        let is_plain = self.filter.is_empty() && self.kept.is_empty() && !self.is_sorted();
        if is_plain && let Some(changed) = content.changed.take() {
            self.put(content, changed);
            return true;
        }
        content.complete(&self.content);
        self.widest.clear();
        self.natural = self.grown(&content).unwrap_or_else(|| {
            self.common = Common::of(&content);
            content.columns.iter().enumerate().map(|(index, column)| natural_width(&content, index, column)).collect()
        });
        let names = |columns: &[Column]| columns.iter().map(|column| column.name).collect::<Vec<_>>();
        let moved = names(&self.content.columns) != names(&content.columns);
        let before = std::mem::replace(&mut self.content, content);
        if moved {
            self.place_keys();
        }
        let keeps_order = keeps_order && self.is_sorted();
        let place = |(place, index): (usize, &usize)| (&before.rows[*index].id, place);
        let places: HashMap<&I, usize> = match keeps_order {
            true => self.visible.iter().enumerate().map(place).collect(),
            false => HashMap::new(),
        };
        let found = self.refilter();
        if !keeps_order {
            return found;
        }
        let rows = &self.content.rows;
        // New ones come after them.
        self.visible.sort_by_key(|index| places.get(&rows[*index].id).copied().unwrap_or(usize::MAX));
        self.is_late = true;
        self.find_selected() && found
    }

    /// Rows are in an order that a person chose.
    pub fn is_sorted(&self) -> bool {
        self.sort.is_some() && !self.content.ordered
    }

    /// What rows are sorted by, by the names of columns: these come and go with what is listed.
    pub fn sort_keys(&self) -> &[SortKey] {
        &self.sort_keys
    }

    /// Sorts by columns, the first one first; those that are not there count when they are.
    pub fn sort_by_keys(&mut self, keys: Vec<SortKey>) {
        self.sort_keys = keys;
        self.place_keys();
        self.refilter();
    }

    /// Sorts by columns by their places; by none, in the order of the panel.
    pub fn sort_by_columns(&mut self, keys: &[(usize, bool)]) {
        let name = |(column, descending): &(usize, bool)| {
            self.content.columns.get(*column).map(|column| (column.name.to_owned(), *descending))
        };
        let keys = keys.iter().filter_map(name).collect();
        self.sort_by_keys(keys);
    }

    fn place_keys(&mut self) {
        let place = |name: &str| self.content.columns.iter().position(|column| column.name == name);
        let mut keys = self.sort_keys.iter().filter_map(|(name, descending)| Some((place(name)?, *descending)));
        self.sort = keys.next();
        self.then = keys.collect();
    }

    /// Whether the filter says something: one that is not finished leaves all rows.
    pub fn is_filtered(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Computes `visible` again after a change of filter, folds or order.
    pub fn refilter(&mut self) -> bool {
        match self.with_names(|names| Filter::parse(&self.filter, names)) {
            Ok(filter) => (self.kept, self.misread) = (filter, None),
            Err(misread) => self.misread = Some(misread),
        }
        let filter = self.kept.clone();
        if !filter.is_empty() {
            self.sought = filter.clone();
        }
        let mut visible = Vec::with_capacity(self.content.rows.len());
        (self.hidden, self.matching) = (0, 0);
        if filter.is_empty() {
            // Of one that says nothing yet.
            self.matching = self.content.rows.iter().filter(|row| !row.continues).count();
            let mut folded_at: Option<u16> = None;
            for (index, row) in self.content.rows.iter().enumerate() {
                if folded_at.is_some_and(|depth| row.depth > depth) {
                    continue;
                }
                folded_at = (row.branch.is_some() && !self.is_open(row)).then_some(row.depth);
                visible.push(index);
            }
        } else {
            // A match brings its ancestors along, so that it is seen in its place.
            let mut ancestors: Vec<usize> = Vec::new();
            for (index, row) in self.content.rows.iter().enumerate() {
                if row.beside {
                    visible.push(index);
                    continue;
                }
                if row.continues {
                    if visible.last() == index.checked_sub(1).as_ref() {
                        visible.push(index);
                    }
                    continue;
                }
                ancestors.retain(|ancestor| self.content.rows[*ancestor].depth < row.depth);
                // A text of several lines is one row.
                let mut lines = self.content.rows[index + 1..].iter().take_while(|row| row.continues);
                let matches = |row: &Row<I>| self.fits(&filter, row);
                if matches(row) || lines.any(matches) {
                    visible.append(&mut ancestors);
                    visible.push(index);
                    self.matching += 1;
                } else if row.branch.is_some() {
                    ancestors.push(index);
                }
            }
            self.hidden = self.content.rows.len() - visible.len() + self.content.left_out;
        }
        if let Some((column, descending)) = self.sort
            && !self.content.ordered
        {
            let rows = &self.content.rows;
            let text = |index: usize, column: usize| rows[index].cells.get(column).map(Cell::plain).unwrap_or_default();
            let directed = |a: &str, b: &str, descending| match (is_absent(a), is_absent(b)) {
                (false, false) if descending => natural(a, b).reverse(),
                (false, false) => natural(a, b),
                // What is not there is neither the least nor the most.
                (a, b) => a.cmp(&b),
            };
            let mut keyed: Vec<(Cow<'_, str>, usize)> =
                visible.into_iter().map(|index| (text(index, column), index)).collect();
            keyed.sort_by(|(a, left), (b, right)| {
                let mut order = directed(a, b, descending);
                for (column, descending) in &self.then {
                    order = order.then_with(|| directed(&text(*left, *column), &text(*right, *column), *descending));
                }
                // Rows that are alike keep the pane's order in both directions.
                order.then(left.cmp(right))
            });
            visible = keyed.into_iter().map(|(_, index)| index).collect();
        }
        self.visible = visible;
        self.is_late = false;
        // Branches that are folded would take room for what nobody sees.
        if self.content.rows.iter().any(|row| row.branch.is_some()) {
            let rows = || self.visible.iter().map(|index| &self.content.rows[*index]);
            let columns = self.content.columns.iter().enumerate();
            self.natural = columns.map(|(index, column)| natural_of(&self.content, rows(), index, column)).collect();
        }
        self.find_selected()
    }

    fn find_selected(&mut self) -> bool {
        let last = self.visible.len().saturating_sub(1);
        if self.follow {
            self.cursor = last;
            self.remember();
            return true;
        }
        let Some(selected) = self.selected.as_ref().filter(|_| self.touched) else {
            self.cursor = if self.touched { self.cursor } else { 0 };
            self.cursor = self.cursor.min(last);
            self.remember();
            return true;
        };
        let shown = |wanted: &I| self.visible.iter().position(|index| self.content.rows[*index].id == *wanted);
        // What was chosen comes back as soon as nothing hides it any more.
        if let Some(place) = self.hidden_choice.as_ref().and_then(shown) {
            self.hidden_choice = None;
            self.cursor = place;
            self.remember();
            return true;
        }
        let place = shown(selected);
        let hidden = || self.content.rows.iter().position(|row| row.id == *selected);
        let (place, found) = match (place, place.is_none().then(hidden).flatten()) {
            (Some(place), _) => (place, true),
            // Folds or the filter hide it.
            (None, Some(index)) => {
                let place = self.nearest(index);
                if self.hidden_choice.is_none() {
                    self.hidden_choice = self.selected.clone();
                }
                (place, true)
            }
            (None, None) => (self.cursor.min(last), false),
        };
        self.cursor = place;
        if !self.visible.is_empty() {
            self.remember();
        }
        found || self.visible.is_empty()
    }

    /// Where the cursor goes while a row is hidden: to the branch that it is folded into, else to the next row that is left.
    fn nearest(&self, index: usize) -> usize {
        let last = self.visible.len().saturating_sub(1);
        if self.sort.is_some() && !self.content.ordered {
            return self.cursor.min(last);
        }
        let before = self.visible.partition_point(|place| *place < index);
        if !self.kept.is_empty() {
            return before.min(last);
        }
        let rows = &self.content.rows;
        let parent = (0..before).rev().find(|place| rows[self.visible[*place]].depth < rows[index].depth);
        parent.unwrap_or(before.min(last))
    }

    fn remember(&mut self) {
        if let Some(row) = self.row() {
            self.selected = Some(row.id.clone());
        }
    }

    /// The row under the cursor.
    pub fn row(&self) -> Option<&Row<I>> {
        self.visible.get(self.cursor).and_then(|index| self.content.rows.get(*index))
    }

    pub fn is_open(&self, row: &Row<I>) -> bool {
        row.branch.is_some_and(|open| open != self.toggled.contains(&row.id))
    }

    /// Moves the cursor by rows; at the ends it stays.
    pub fn move_by(&mut self, rows: i64) {
        self.move_to(self.rows_from_cursor(rows));
    }

    pub fn move_to(&mut self, place: usize) {
        self.cursor = self.row_at(place.min(self.visible.len().saturating_sub(1)));
        self.follow = false;
        self.touched = true;
        self.hidden_choice = None;
        self.remember();
    }

    /// Shows everything again; the cursor stays on its row, which is unfolded.
    pub fn unfilter(&mut self) {
        self.filter.clear();
        let selected = self.selected.clone().filter(|_| self.touched);
        if !selected.is_some_and(|id| self.select(&id)) {
            self.refilter();
        }
    }

    /// Puts the cursor on a row, unfolding what hides it; false when there is no such row.
    pub fn select(&mut self, id: &I) -> bool {
        let Some(index) = self.content.rows.iter().position(|row| row.id == *id) else { return false };
        let mut depth = self.content.rows[index].depth;
        for at in (0..index).rev() {
            let row = &self.content.rows[at];
            if row.depth < depth {
                depth = row.depth;
                if row.branch.is_some() && !self.is_open(row) {
                    toggle(&mut self.toggled, row.id.clone());
                }
            }
        }
        let row = (0..=index).rev().find(|at| !self.content.whole_rows || !self.content.rows[*at].continues);
        self.selected = Some(self.content.rows[row.unwrap_or(index)].id.clone());
        self.hidden_choice = None;
        self.follow = false;
        self.touched = true;
        self.refilter()
    }

    /// Goes to the next or previous row that matters, around the end, and unfolds what hides it; false when there is none.
    pub fn seek(&mut self, forward: bool) -> bool {
        let is_tree = self.kept.is_empty() && self.content.rows.iter().any(|row| row.branch.is_some());
        let order: Vec<usize> = if is_tree { (0..self.content.rows.len()).collect() } else { self.visible.clone() };
        let here = self.visible.get(self.cursor);
        let Some(at) = order.iter().position(|index| Some(index) == here) else { return false };
        let rows = order.len();
        let next = (1..=rows).find_map(|step| {
            let place = if forward { (at + step) % rows } else { (at + rows - step) % rows };
            self.content.rows[order[place]].matters.then_some(order[place])
        });
        let Some(id) = next.map(|index| self.content.rows[index].id.clone()) else { return false };
        self.select(&id)
    }

    /// Goes to the next or previous row that the filter means, or the last filter where none hides rows; false without one.
    pub fn find(&mut self, forward: bool) -> bool {
        let is_tree = self.kept.is_empty() && self.content.rows.iter().any(|row| row.branch.is_some());
        let order: Vec<usize> = if is_tree { (0..self.content.rows.len()).collect() } else { self.visible.clone() };
        let here = self.visible.get(self.cursor);
        let Some(at) = order.iter().position(|index| Some(index) == here) else { return false };
        let (rows, sought) = (order.len(), self.sought.clone());
        let next = (1..=rows).find_map(|step| {
            let place = if forward { (at + step) % rows } else { (at + rows - step) % rows };
            let matches = !sought.is_empty() && self.fits(&sought, &self.content.rows[order[place]]);
            matches.then_some(order[place])
        });
        let Some(id) = next.map(|index| self.content.rows[index].id.clone()) else { return false };
        self.select(&id)
    }

    /// What names in a filter mean here. Where a table has headings, a name is one of what the rows have.
    fn with_names<T>(&self, read: impl FnOnce(Names<'_>) -> T) -> T {
        let Content { columns, rows, headers, .. } = &self.content;
        let has_reading = |name: &str| rows.iter().any(|row| row.reading(name).is_some());
        let has_text = |text: &str| !headers || rows.iter().any(|row| filter::contains(row, text));
        let has_state = |column: usize, word: &str| states::is_known(rows, column, word);
        read(Names { columns, has_reading: &has_reading, has_text: &has_text, has_state: &has_state })
    }

    /// A filter as somebody has finished typing it.
    ///
    /// # Errors
    /// As [`Filter::finished`].
    pub fn finished(&self, typed: &str) -> Result<Filter, Misread> {
        self.with_names(|names| Filter::finished(typed, names))
    }

    /// The filter that counts in a table with these columns, for who makes rows by it.
    pub fn filter_on(&self, columns: &[Column]) -> Filter {
        Filter::parse(&self.filter, columns).unwrap_or_else(|_| self.kept.clone())
    }

    /// Whether a filter means a row.
    pub fn fits(&self, filter: &Filter, row: &Row<I>) -> bool {
        filter.matches(row, self.marks.contains(&row.id))
    }

    /// Looks for a text without hiding anything: goes to the first row from the cursor on that has it.
    pub fn look_for(&mut self, typed: &str) {
        match self.with_names(|names| Filter::parse(typed, names)) {
            Ok(filter) => (self.sought, self.misread) = (filter, None),
            Err(misread) => self.misread = Some(misread),
        }
        let matches = |row: Option<&Row<I>>| row.is_some_and(|row| self.fits(&self.sought, row));
        if !matches(self.row()) {
            self.find(true);
        }
    }

    /// What is marked in the shown text.
    pub(super) fn marked(&self, search: bool) -> Option<&Filter> {
        let filter = if search { &self.sought } else { &self.kept };
        (!filter.is_empty()).then_some(filter)
    }

    /// How many rows the search means, and which of them the cursor is on.
    pub fn matches(&self) -> (usize, usize) {
        let places = || {
            self.visible.iter().enumerate().filter(|(_, index)| self.fits(&self.sought, &self.content.rows[**index]))
        };
        (places().filter(|(place, _)| *place <= self.cursor).count(), places().count())
    }

    /// Folds the branch under the cursor, or goes to its parent; unfolds, or goes to the first child.
    pub fn fold(&mut self, open: bool) {
        let Some(row) = self.row() else { return };
        // What a filter leaves is open, whatever was folded before.
        if row.branch.is_some() && self.is_open(row) != open && self.kept.is_empty() {
            let id = row.id.clone();
            toggle(&mut self.toggled, id);
            self.refilter();
        } else if open && row.branch.is_some() {
            self.move_by(1);
        } else if !open {
            let depth = row.depth;
            let parent = (0..self.cursor).rev().find(|place| self.content.rows[self.visible[*place]].depth < depth);
            if let Some(parent) = parent {
                self.move_to(parent);
            }
        }
    }

    pub fn toggle_fold(&mut self) {
        if let Some(row) = self.row().filter(|row| row.branch.is_some()) {
            let id = row.id.clone();
            toggle(&mut self.toggled, id);
            self.refilter();
        }
    }

    /// Opens or closes every branch.
    pub fn fold_all(&mut self, open: bool) {
        let differing = self.content.rows.iter().filter(|row| row.branch.is_some_and(|wish| wish != open));
        self.toggled = differing.map(|row| row.id.clone()).collect();
        self.refilter();
    }

    /// Rows that fit into an area of that height.
    pub fn room(&self, height: u16) -> usize {
        let says = if self.content.rows.is_empty() { 0 } else { self.content.says.len() };
        usize::from(height).saturating_sub(says + usize::from(self.has_headers()))
    }

    pub(super) fn has_headers(&self) -> bool {
        self.content.headers && !self.visible.is_empty()
    }

    /// Moves the window so that the cursor is inside; prose scrolls by its window instead.
    pub fn scroll(&mut self, height: u16) {
        let room = self.room(height).max(1);
        let most = self.visible.len().saturating_sub(room);
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.end_of_row() >= self.top + room {
            // Its first line stays, however many it has.
            self.top = (self.end_of_row() + 1 - room).min(self.cursor);
        }
        self.top = self.begin_of_window(self.top.min(most));
    }
}

fn toggle<I: Identity>(set: &mut HashSet<I>, id: I) {
    if !set.remove(&id) {
        set.insert(id);
    }
}

/// Whether a cell says that there is nothing.
fn is_absent(text: &str) -> bool {
    matches!(text.trim(), "" | "-" | "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Identity for &str {}

    fn tree() -> Table<&'static str> {
        let row = |key: &'static str, depth, branch| Row { depth, branch, ..Row::new(key, vec![key.into()]) };
        let rows = vec![
            row("a", 0, Some(true)),
            row("a1", 1, None),
            row("a2", 1, Some(false)),
            row("a2x", 2, None),
            row("b", 0, None),
        ];
        let mut table = Table::default();
        table.set(Content { rows, columns: vec![Column::new("name", 4, 10).grows()], ..Content::default() });
        table
    }

    fn shown(table: &Table<&'static str>) -> Vec<&'static str> {
        table.visible.iter().map(|index| table.content.rows[*index].id).collect()
    }

    #[test]
    fn folds_hide_children_and_remember_the_cursor() {
        let mut table = tree();
        assert_eq!(shown(&table), ["a", "a1", "a2", "b"]);
        table.move_to(2);
        table.fold(true);
        assert_eq!(shown(&table), ["a", "a1", "a2", "a2x", "b"]);
        table.fold_all(false);
        assert_eq!(shown(&table), ["a", "b"]);
        assert!(table.select(&"a2x"));
        assert_eq!(table.row().map(|row| row.id), Some("a2x"));
    }

    #[test]
    fn a_match_brings_its_ancestors_and_the_rest_is_counted() {
        let mut table = tree();
        table.filter = "a2x".into();
        table.refilter();
        assert_eq!(shown(&table), ["a", "a2", "a2x"]);
        assert_eq!(table.hidden, 2);
    }

    #[test]
    fn the_cursor_follows_its_row_through_new_data() {
        let mut table = tree();
        table.move_to(3);
        let mut content = table.content.clone();
        content.rows.insert(0, Row::new("0", vec!["new".into()]));
        assert!(table.set(content.clone()));
        assert_eq!(table.row().map(|row| row.id), Some("b"));
        content.rows.pop();
        assert!(!table.set(content), "the selected row was removed");
        assert_eq!(table.row().map(|row| row.id), Some("a2"));
    }

    #[test]
    fn seeking_goes_around() {
        let mut table = tree();
        assert!(!table.seek(true));
        table.content.rows[1].matters = true;
        table.content.rows[4].matters = true;
        assert!(table.seek(true) && table.cursor == 1);
        assert!(table.seek(true) && table.cursor == 3);
        assert!(table.seek(true) && table.cursor == 1);
        assert!(table.seek(false) && table.cursor == 3);
    }

    #[test]
    fn seeking_finds_what_is_folded_away_and_unfolds_it() {
        let mut table = tree();
        table.content.rows[3].matters = true;
        table.fold_all(false);
        assert_eq!(shown(&table), ["a", "b"]);
        assert!(table.seek(true));
        assert_eq!(table.row().map(|row| row.id), Some("a2x"));
        table.filter = "b".into();
        table.refilter();
        assert!(!table.seek(true), "a filter says what is looked at");
    }

    #[test]
    fn folding_leaves_the_cursor_on_the_branch_and_a_filter_on_the_next_match() {
        let mut table = tree();
        assert!(table.select(&"a2x"));
        table.fold_all(false);
        assert_eq!(table.row().map(|row| row.id), Some("a"));
        assert!(table.select(&"a1"));
        table.filter = "b".into();
        table.refilter();
        assert_eq!(table.row().map(|row| row.id), Some("b"));
    }

    #[test]
    fn what_is_not_there_comes_last_in_both_directions() {
        let texts = ["none", "8x H100", "-", "16x H100", "1x A100"];
        let row = |text: &'static str| Row::new(text, vec![text.into()]);
        let mut table = Table::default();
        let columns = vec![Column::new("GPU", 4, 10)];
        table.set(Content { rows: texts.map(row).to_vec(), columns, ..Content::default() });
        table.sort_by_columns(&[(0, false)]);
        assert_eq!(shown(&table), ["1x A100", "8x H100", "16x H100", "none", "-"]);
        table.sort_by_columns(&[(0, true)]);
        assert_eq!(shown(&table), ["16x H100", "8x H100", "1x A100", "none", "-"]);
    }

    #[test]
    fn branches_whose_children_a_filter_shows_look_open() {
        let mut table = tree();
        table.filter = "a2x".into();
        table.refilter();
        assert!(table.is_shown_open(0) && table.is_shown_open(1) && !table.is_shown_open(2));
        table.filter = "a2 !a2x".into();
        table.refilter();
        assert_eq!(shown(&table), ["a", "a2"]);
        assert!(!table.is_shown_open(1));
    }
}
