//! The output of several checks as one: their lines in the order in which they arrived.
//!
//! In: the lines of each check. Out: lines by their number in all of them, found by time; nothing is copied. Lines of the
//! same millisecond keep the order of the checks. Of one check, numbers are those that its lines have.

use super::lines::{Lines, Wanted};
use crate::text::color::Ink;
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
};

/// A line of one of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineId {
    /// The check, by its place among those that are merged.
    pub log: usize,
    /// The number that the line has there.
    pub line: usize,
}

/// What orders lines: the time, then the check, then the number.
pub type Key = (u64, usize, usize);

#[derive(Clone, Debug)]
pub struct Merged<'l> {
    logs: Vec<&'l Lines>,
}

impl<'l> Merged<'l> {
    pub fn new(logs: Vec<&'l Lines>) -> Merged<'l> {
        Merged { logs }
    }

    /// How many lines are not kept any more; they come before all others.
    pub fn dropped(&self) -> usize {
        self.logs.iter().map(|log| log.dropped()).sum()
    }

    /// The number behind the newest line: how many there were.
    pub fn end(&self) -> usize {
        self.logs.iter().map(|log| log.end()).sum()
    }

    /// When a line arrived, and its text.
    pub fn get(&self, place: LineId) -> Option<(u64, &'l str)> {
        self.logs.get(place.log)?.get(place.line)
    }

    /// The colors that a line was printed in, as [`Lines::inks`] has them.
    pub fn inks(&self, place: LineId) -> impl Iterator<Item = (usize, Ink)> {
        self.logs.get(place.log).into_iter().flat_map(move |log| log.inks(place.line))
    }

    /// What wrote lines of a check, itself first, without a name.
    pub fn names(&self, log: usize) -> impl Iterator<Item = &'l str> {
        self.logs.get(log).into_iter().flat_map(|log| log.names())
    }

    /// What wrote a line; empty for the check itself.
    pub fn source(&self, place: LineId) -> &'l str {
        self.logs.get(place.log).map_or("", |log| log.source(place.line))
    }

    fn key(&self, place: LineId) -> Key {
        (self.get(place).map_or(0, |(at_ms, _)| at_ms), place.log, place.line)
    }

    /// The first line of a check that comes after another line, or is it.
    fn first_after(&self, log: usize, (at_ms, other, line): Key) -> usize {
        match log.cmp(&other) {
            std::cmp::Ordering::Equal => line,
            std::cmp::Ordering::Less => self.logs[log].first_at(at_ms.saturating_add(1)),
            std::cmp::Ordering::Greater => self.logs[log].first_at(at_ms),
        }
    }

    /// The number of a line in all of them.
    pub fn number(&self, place: LineId) -> usize {
        let key = self.key(place);
        (0..self.logs.len()).map(|log| self.first_after(log, key)).sum()
    }

    /// The line of a number; `None` for one that is not kept, or is not there yet.
    pub fn place(&self, number: usize) -> Option<LineId> {
        if let [only] = self.logs[..] {
            let is_kept = (only.dropped()..only.end()).contains(&number);
            return is_kept.then_some(LineId { log: 0, line: number });
        }
        if !(self.dropped()..self.end()).contains(&number) {
            return None;
        }
        let before = |at_ms: u64| self.logs.iter().map(|log| log.first_at(at_ms)).sum::<usize>();
        // The last time before which there are no more lines than that.
        let (mut from, mut to) = (0, u64::MAX);
        while from < to {
            let middle = from + (to - from).div_ceil(2);
            match before(middle) <= number {
                true => from = middle,
                false => to = middle - 1,
            }
        }
        let mut left = number - before(from).min(number);
        for (log, lines) in self.logs.iter().enumerate() {
            let first = lines.first_at(from);
            let there = lines.first_at(from.saturating_add(1)).saturating_sub(first);
            if left < there {
                return Some(LineId { log, line: first + left });
            }
            left -= there;
        }
        None
    }

    /// So many lines in their order, from a number on.
    pub fn lines(&self, start: usize, most: usize) -> Vec<LineId> {
        let Some(first) = self.place(start) else { return Vec::new() };
        let key = self.key(first);
        // The next line of each check, the oldest first.
        let mut next: BinaryHeap<Reverse<Key>> = BinaryHeap::with_capacity(self.logs.len());
        let head = |log: usize, line: usize| {
            let at_ms = self.logs[log].get(line)?.0;
            Some(Reverse((at_ms, log, line)))
        };
        next.extend((0..self.logs.len()).filter_map(|log| head(log, self.first_after(log, key))));
        let mut lines = Vec::with_capacity(most.min(self.end() - start.min(self.end())));
        while let Some(Reverse((_, log, line))) = next.pop().filter(|_| lines.len() < most) {
            lines.push(LineId { log, line });
            next.extend(head(log, line + 1));
        }
        lines
    }

    /// How many lines arrived before a time, or are not kept any more.
    pub fn first_at(&self, at_ms: u64) -> usize {
        self.logs.iter().map(|log| log.first_at(at_ms)).sum()
    }

    /// The newest lines that are wanted, at most so many, in their order; of a check that is meant as a whole, whatever their
    /// text is. `sources` are those of each check.
    pub fn search(
        &self,
        wanted: &Wanted<'_>,
        whole: &HashSet<usize>,
        sources: &[Vec<bool>],
        most: usize,
    ) -> Vec<LineId> {
        let of_one = |(log, lines): (usize, &&Lines)| {
            let sources = sources.get(log).map_or(&[][..], Vec::as_slice);
            let text = wanted.text.filter(|_| !whole.contains(&log));
            let found = lines.search(&Wanted { text, sources, ..*wanted }, most);
            found.into_iter().map(move |line| LineId { log, line }).collect::<Vec<_>>()
        };
        let mut found: Vec<LineId> = self.logs.iter().enumerate().flat_map(of_one).collect();
        if self.logs.len() > 1 {
            found.sort_by_cached_key(|place| self.key(*place));
            found.drain(..found.len().saturating_sub(most));
        }
        found
    }

    /// Of some lines, the next one after another in their order, around the end.
    pub fn next_of(&self, lines: impl Iterator<Item = LineId>, after: Option<LineId>) -> Option<LineId> {
        let after = after.map(|place| self.key(place));
        let mut keys: Vec<(Key, LineId)> = lines.map(|place| (self.key(place), place)).collect();
        keys.sort_by_key(|(key, _)| *key);
        let next = keys.iter().find(|(key, _)| after.is_some_and(|after| *key > after));
        next.or(keys.first()).map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    fn log(lines: &[(u64, &str)]) -> Lines {
        let mut log = Lines::default();
        lines.iter().for_each(|(at_ms, text)| log.push(*at_ms, text));
        log
    }

    fn texts(merged: &Merged<'_>, places: Vec<LineId>) -> Vec<String> {
        places.into_iter().filter_map(|place| Some(merged.get(place)?.1.to_owned())).collect()
    }

    #[test]
    fn lines_of_several_checks_are_in_the_order_in_which_they_arrived() {
        let (a, b) = (log(&[(1, "a1"), (5, "a2"), (5, "a3"), (9, "a4")]), log(&[(0, "b1"), (5, "b2"), (7, "b3")]));
        let (empty, merged) = (Lines::default(), Merged::new(vec![&a, &b]));
        let order = ["b1", "a1", "a2", "a3", "b2", "b3", "a4"];
        assert_eq!(texts(&merged, merged.lines(0, 99)), order);
        assert_eq!(texts(&Merged::new(vec![&a, &empty, &b]), Merged::new(vec![&a, &empty, &b]).lines(0, 99)), order);
        assert_eq!((merged.dropped(), merged.end()), (0, 7));
        for start in 0..8 {
            let expected: Vec<&str> = order[start.min(7)..].iter().copied().take(3).collect();
            assert_eq!(texts(&merged, merged.lines(start, 3)), expected, "from {start}");
        }
        assert!(Merged::new(Vec::new()).lines(0, 3).is_empty());
    }

    #[test]
    fn a_line_has_one_number_in_all_of_them() {
        // Checks that write at very different rates, often in the same millisecond.
        let logs: Vec<Lines> = [1_u64, 3, 7, 50]
            .into_iter()
            .map(|rate| {
                let mut log = Lines::default();
                (0..2_000 / rate).for_each(|at| log.push(at * rate, &format!("{rate} {at}")));
                log
            })
            .collect();
        let merged = Merged::new(logs.iter().collect());
        let all = merged.lines(0, usize::MAX);
        assert_eq!(all.len(), merged.end());
        for (number, place) in all.iter().enumerate() {
            assert_eq!((merged.number(*place), merged.place(number)), (number, Some(*place)));
        }
        assert_eq!(merged.place(merged.end()), None);
    }

    #[test]
    fn lines_that_are_not_kept_are_counted_before_all_others() {
        let mut long = Lines::within(1 << 18);
        (0..20_000).for_each(|at| long.push(at, "a line that says something about a check"));
        let short = log(&[(0, "first"), (19_999, "last")]);
        let merged = Merged::new(vec![&long, &short]);
        let (dropped, end) = (merged.dropped(), merged.end());
        assert!(dropped > 0 && end == 20_002, "{dropped} of {end}");
        assert_eq!(merged.place(dropped - 1), None);
        assert_eq!(
            merged.place(dropped),
            Some(LineId { log: 1, line: 0 }),
            "it is older than what is kept of the other"
        );
        assert_eq!(merged.place(end - 1), Some(LineId { log: 1, line: 1 }));
        assert_eq!(merged.lines(dropped, usize::MAX).len(), end - dropped);
    }

    #[test]
    fn lines_are_searched_in_all_of_them_and_the_newest_are_kept() {
        let (a, b) = (log(&[(1, "gpu 1"), (4, "gpu 2")]), log(&[(2, "gpu 3"), (3, "cpu"), (5, "gpu 4")]));
        let merged = Merged::new(vec![&a, &b]);
        let gpu = Regex::new("gpu").expect("an expression");
        let search = |whole: &[usize], most| {
            let wanted = Wanted { text: Some(&gpu), ..Wanted::default() };
            texts(&merged, merged.search(&wanted, &whole.iter().copied().collect(), &[], most))
        };
        assert_eq!(search(&[], 9), ["gpu 1", "gpu 3", "gpu 2", "gpu 4"]);
        assert_eq!(search(&[], 2), ["gpu 2", "gpu 4"]);
        assert_eq!(search(&[1], 9), ["gpu 1", "gpu 3", "cpu", "gpu 2", "gpu 4"], "all of a check that is meant");
        let since = Wanted { since_ms: 3, ..Wanted::default() };
        let found = |sources: &[Vec<bool>]| texts(&merged, merged.search(&since, &HashSet::new(), sources, 9));
        assert_eq!(found(&[]), ["cpu", "gpu 2", "gpu 4"]);
        assert_eq!(found(&[vec![true], vec![false]]), ["gpu 2"], "of the sources of each check");
        assert_eq!(merged.first_at(3), 2);
    }

    #[test]
    fn marks_are_gone_through_in_the_order_of_the_lines() {
        let (a, b) = (log(&[(1, "a1"), (4, "a2")]), log(&[(2, "b1")]));
        let merged = Merged::new(vec![&a, &b]);
        let [a1, a2, b1] = [(0, 0), (0, 1), (1, 0)].map(|(log, line)| LineId { log, line });
        let next = |after| merged.next_of([a2, a1, b1].into_iter(), after);
        assert_eq!(
            (next(Some(a1)), next(Some(b1)), next(Some(a2)), next(None)),
            (Some(b1), Some(a2), Some(a1), Some(a1))
        );
        assert_eq!(merged.next_of(std::iter::empty(), Some(a1)), None);
    }
}
