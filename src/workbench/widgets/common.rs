//! What the names of a column have in common, which its header says once where they have no room for it.
//!
//! In: the names of a column of machines. Out: the words with which all of them begin and end, and how many columns a name is
//! shorter by without them. Words end at `-` and `.`, so that what is left of a name is read as it is said. Names stay whole
//! where they have room, and everywhere else: what is copied, filtered and sorted is the whole name.

use super::{
    cell::Cell,
    table::{Content, Identity, Row, Table},
    text::{self, Cut},
};

/// What all names of a column begin and end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Common {
    pub column: usize,
    /// Ends with `-` or `.`, or is empty.
    before: String,
    /// Begins with `.`, or is empty.
    after: String,
}

/// What names are shown without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Without {
    #[default]
    Nothing,
    /// What they end with.
    Domain,
    /// What they end and what they begin with.
    Both,
}

impl Common {
    /// Of the first column of names of machines; none where the names share no word.
    pub fn of<I>(content: &Content<I>) -> Option<Common> {
        let column = content.columns.iter().position(|column| column.cut == Cut::Host)?;
        let names = || content.rows.iter().filter_map(|row| name(row, column));
        let (before, after) = shared(names)?;
        Some(Common { column, before: before.to_owned(), after: after.to_owned() })
    }

    /// Columns by which a name is shorter.
    pub fn columns(&self, without: Without) -> usize {
        match without {
            Without::Nothing => 0,
            Without::Domain => text::width(&self.after),
            Without::Both => text::width(&self.after) + text::width(&self.before),
        }
    }

    /// A name as it is shown.
    pub fn short(&self, cell: &Cell, without: Without) -> Cell {
        let name = cell.plain();
        let from = if without == Without::Both { self.before.len() } else { 0 };
        let end = if without == Without::Nothing { name.len() } else { name.len() - self.after.len() };
        let mut short = cell.part(from..end);
        short.link.clone_from(&cell.link);
        short
    }

    /// Behind the name of the column: `ip-10-….us-west-2.compute.internal`.
    pub fn said(&self, without: Without) -> String {
        match without {
            Without::Nothing => String::new(),
            Without::Domain => format!("…{}", self.after),
            Without::Both => format!("{}…{}", self.before, self.after),
        }
    }

    /// Ways to show names in part, the longest first.
    pub fn ways(&self) -> impl Iterator<Item = Without> {
        let domain = (!self.after.is_empty()).then_some(Without::Domain);
        let both = (!self.before.is_empty()).then_some(Without::Both);
        domain.into_iter().chain(both)
    }
}

impl<I: Identity> Table<I> {
    /// How the names in rows that are seen are shown in a column of that width.
    pub(super) fn without(&self, widths: &[u16], height: u16) -> Without {
        let Some(common) = &self.common else { return Without::Nothing };
        let room = usize::from(widths.get(common.column).copied().unwrap_or_default());
        let seen = self.window(height).map(|place| &self.content.rows[self.visible[place]]);
        // A heading is no name: it may be shorter than what all names share.
        let longest = seen.filter_map(|row| name(row, common.column)).map(Cell::width).max().unwrap_or(0);
        if longest <= room || room == 0 {
            return Without::Nothing;
        }
        let fits = |way: &Without| longest - common.columns(*way) <= room;
        common.ways().find(fits).or(common.ways().last()).unwrap_or_default()
    }
}

/// The name in a row; a heading has none.
pub(super) fn name<I>(row: &Row<I>, column: usize) -> Option<&Cell> {
    row.cells.get(column).filter(|_| row.cells.len() > 1)
}

/// The words that all texts begin and end with; something is left of each between them.
fn shared<'t, T: Iterator<Item = &'t Cell>>(names: impl Fn() -> T) -> Option<(String, String)> {
    let first = names().next()?.plain();
    let (mut begin, mut end, mut least) = (first.len(), first.len(), first.len());
    let mut is_alone = true;
    for cell in names().skip(1) {
        let name = cell.plain();
        let same = |pair: &(u8, u8)| pair.0 == pair.1;
        begin = begin.min(first.bytes().zip(name.bytes()).take_while(same).count());
        end = end.min(first.bytes().rev().zip(name.bytes().rev()).take_while(same).count());
        least = least.min(name.len());
        is_alone = false;
        if begin == 0 && end == 0 {
            return None;
        }
    }
    if is_alone {
        return None;
    }
    // Both marks are ASCII, so that no character is cut in two.
    let after = first.as_bytes()[first.len() - end..].iter().position(|byte| *byte == b'.').map_or(0, |at| end - at);
    let before = first.as_bytes()[..begin].iter().rposition(|byte| matches!(byte, b'-' | b'.')).map_or(0, |at| at + 1);
    let after = if after < least { after } else { 0 };
    let before = if before + after < least { before } else { 0 };
    (before + after > 0).then(|| (first[..before].to_owned(), first[first.len() - after..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: Option<(&str, &str)>) {
        let cells: Vec<Cell> = names.iter().map(|name| Cell::text(*name)).collect();
        let shared = shared(|| cells.iter());
        assert_eq!(shared.as_ref().map(|(before, after)| (&**before, &**after)), expected, "{names:?}");
    }

    #[test]
    fn names_share_whole_words_and_something_is_left_of_each() {
        let [one, two] = ["ip-10-16-201-1.us-west-2.compute.internal", "ip-10-16-201-11.us-west-2.compute.internal"];
        check(&[one, two], Some(("ip-10-16-201-", ".us-west-2.compute.internal")));
        check(&[one, "ip-10-16-3-1.eu-west-2.compute.internal"], Some(("ip-10-16-", ".compute.internal")));
        check(&["gke-prod-a100-7f3c-xk9d", "gke-prod-h100-7f3c-2b9d"], Some(("gke-prod-", "")));
        check(&["worker-1", "worker-2", "worker-3"], Some(("worker-", "")));
        check(&["worker-1", "worker-2", "control"], None);
        check(&["gpu1.lab", "gpu1.lab"], Some(("", ".lab")));
        // A name that is the end or the start of another one.
        check(&["lab.x", "node.lab.x"], Some(("", ".x")));
        check(&[".lab", "a.lab"], None);
        check(&["a-", "a-b"], None);
        check(&[one], None);
        check(&[], None);
        check(&["日-é.本", "日-è.本"], Some(("日-", ".本")));
    }
}
