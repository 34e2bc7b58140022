//! The output of a check as it is kept for looking at: many lines in little memory, found by number and by search.
//!
//! Texts of lines lie behind each other in pieces; a line costs its bytes and sixteen more. Its level is read once, when it arrives,
//! and so are the colors that it is printed in: they are kept apart from its text, so that it is found, copied and saved without
//! them. What grows beyond the limit loses its oldest pieces, and says how many lines that were: the record of a run has all of
//! them.

use super::level::{self, LogLevel};
use crate::text::color::{self, Ink};
use regex::Regex;
use std::collections::VecDeque;

/// Bytes of a piece; a longer line is a piece of its own.
const PIECE: usize = 1 << 16;
/// What the lines of one check may take.
pub const LIMIT: usize = 64 << 20;
/// What those of all checks of a run may take together.
const LIMIT_OF_ALL: usize = 256 << 20;

/// How many bytes the lines of all checks of a run may take together.
#[derive(Clone, Copy, Debug)]
pub struct Room(pub usize);

impl Default for Room {
    fn default() -> Room {
        Room(LIMIT_OF_ALL)
    }
}

impl Room {
    /// Where the outputs take more than there is, the largest ones lose their oldest lines, and count them as dropped.
    pub fn make<'l>(self, outputs: impl IntoIterator<Item = &'l mut Lines>) {
        let mut outputs: Vec<&mut Lines> = outputs.into_iter().collect();
        let mut bytes: usize = outputs.iter().map(|lines| lines.bytes).sum();
        while bytes > self.0 {
            // The newest piece of each stays: what is written now is what is looked at.
            let largest = outputs.iter_mut().filter(|lines| lines.pieces.len() > 1).max_by_key(|lines| lines.bytes);
            let Some(largest) = largest else { return };
            bytes -= largest.drop_oldest();
        }
    }
}

/// Lines, the oldest first, each with its number and the time when it arrived.
#[derive(Clone, Debug)]
pub struct Lines {
    pieces: VecDeque<Piece>,
    /// The number of the first line that was taken.
    start: usize,
    /// Of all pieces.
    bytes: usize,
    limit: usize,
    /// What wrote lines besides the check itself, by the numbers that lines have; the first is 1.
    sources: Vec<String>,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines::within(LIMIT)
    }
}

#[derive(Clone, Debug)]
struct Piece {
    /// The number of its first line, counted from the start of the output.
    first: usize,
    /// Lines with a line end behind each.
    text: String,
    lines: Vec<Line>,
    /// Where in the text another look begins.
    inks: Vec<(u32, Ink)>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    /// Where it ends in the text, without its line end.
    end: u32,
    /// What wrote it; 0 for the check itself.
    source: u16,
    level: Option<LogLevel>,
    at_ms: u64,
}

impl Piece {
    fn bytes(&self) -> usize {
        let inks = self.inks.capacity() * size_of::<(u32, Ink)>();
        self.text.capacity() + self.lines.capacity() * size_of::<Line>() + inks + size_of::<Piece>()
    }

    fn line(&self, place: usize) -> Option<(u64, &str)> {
        let Line { end, at_ms, source: _, level: _ } = *self.lines.get(place)?;
        Some((at_ms, self.text.get(self.start(place)..end as usize)?))
    }

    fn start(&self, place: usize) -> usize {
        place.checked_sub(1).map_or(0, |before| self.lines[before].end as usize + 1)
    }

    /// Where in a line another look begins.
    fn inks(&self, place: usize) -> impl Iterator<Item = (usize, Ink)> {
        let start = self.start(place);
        let end = self.lines.get(place).map_or(start, |line| line.end as usize);
        let from = self.inks.partition_point(|(at, _)| (*at as usize) < start);
        let of_line = self.inks[from..].iter().take_while(move |(at, _)| (*at as usize) < end);
        of_line.map(move |(at, ink)| (*at as usize - start, *ink))
    }

    /// The places of lines that match, or whose source is one of those that are named.
    fn places(&self, text: &Regex, named: &[bool]) -> Vec<usize> {
        let mut places = Vec::new();
        let mut from = 0;
        while let Some(hit) = self.text.get(from..).and_then(|rest| text.find(rest)) {
            let at = from + hit.start();
            let place = self.lines.partition_point(|line| (line.end as usize) < at);
            let Some(line) = self.lines.get(place) else { break };
            places.push(place);
            // One match is enough of a line.
            from = line.end as usize + 1;
        }
        if named.contains(&true) {
            let is_named = |line: &Line| named.get(usize::from(line.source)).copied().unwrap_or_default();
            let of_source = self.lines.iter().enumerate().filter(|(_, line)| is_named(line));
            places.extend(of_source.map(|(place, _)| place));
            places.sort_unstable();
            places.dedup();
        }
        places
    }
}

/// Which lines are looked for; as it is by default, all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'w> {
    /// What is in their text, or in the name of what wrote them.
    pub text: Option<&'w Regex>,
    /// They arrived then or later.
    pub since_ms: u64,
    /// They matter as much or more; a line that names no level is information.
    pub level: Option<LogLevel>,
    /// Which sources are meant, in the order of [`Lines::names`]; empty for all.
    pub sources: &'w [bool],
}

impl Wanted<'_> {
    fn means(&self, line: &Line) -> bool {
        let level = line.level.unwrap_or(LogLevel::Info);
        let is_of_source = || self.sources.get(usize::from(line.source)).copied().unwrap_or_default();
        line.at_ms >= self.since_ms
            && self.level.is_none_or(|least| level >= least)
            && (self.sources.is_empty() || is_of_source())
    }
}

impl Lines {
    /// Lines that take no more than so many bytes.
    pub fn within(limit: usize) -> Lines {
        Lines::from(0, limit)
    }

    /// The same of an output whose earlier lines are not taken: the next one has this number.
    pub fn from(start: usize, limit: usize) -> Lines {
        Lines { pieces: VecDeque::new(), start, bytes: 0, limit, sources: Vec::new() }
    }

    /// The number of the oldest line that is kept; so many were dropped before it.
    pub fn dropped(&self) -> usize {
        self.pieces.front().map_or(self.start, |piece| piece.first)
    }

    /// The number behind the newest line: how many there were.
    pub fn end(&self) -> usize {
        self.pieces.back().map_or(self.start, |piece| piece.first + piece.lines.len())
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// What they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What wrote lines besides the check itself.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The same with the check itself, which has no name, as the first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once("").chain(self.sources.iter().map(String::as_str))
    }

    /// What wrote a line; empty for the check itself.
    pub fn source(&self, number: usize) -> &str {
        let line = self.piece(number).and_then(|piece| piece.lines.get(number - piece.first));
        line.map_or("", |line| self.named(line.source))
    }

    fn named(&self, source: u16) -> &str {
        usize::from(source).checked_sub(1).and_then(|place| self.sources.get(place)).map_or("", String::as_str)
    }

    /// Takes a line of the check itself; a line end within it is shown as a space.
    pub fn push(&mut self, at_ms: u64, text: &str) {
        self.push_of(at_ms, "", text);
    }

    /// Takes a line of something that the check created. Times do not go back: a line that several sources overtook has that of
    /// the line before it.
    pub fn push_of(&mut self, at_ms: u64, source: &str, text: &str) {
        let at_ms = self.last().map_or(at_ms, |(before_ms, _)| at_ms.max(before_ms));
        let source = self.number_of(source);
        let (text, inks) = color::apart(text);
        let fits = |piece: &Piece| piece.text.len() + text.len() < PIECE;
        if !self.pieces.back().is_some_and(fits) {
            // What a full piece does not need is given back.
            if let Some(full) = self.pieces.back_mut() {
                self.bytes -= full.bytes();
                full.text.shrink_to_fit();
                full.lines.shrink_to_fit();
                full.inks.shrink_to_fit();
                self.bytes += full.bytes();
            }
            let piece = Piece { first: self.end(), text: String::new(), lines: Vec::new(), inks: Vec::new() };
            self.bytes += piece.bytes();
            self.pieces.push_back(piece);
        }
        let Some(piece) = self.pieces.back_mut() else { return };
        self.bytes -= piece.bytes();
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        piece.inks.extend(inks.into_iter().map(|(at, ink)| (place(piece.text.len() + at), ink)));
        match text.contains('\n') {
            true => piece.text.push_str(&text.replace('\n', " ")),
            false => piece.text.push_str(&text),
        }
        let (end, level) = (place(piece.text.len()), level::of(&text));
        piece.lines.push(Line { end, source, level, at_ms });
        piece.text.push('\n');
        self.bytes += piece.bytes();
        while self.bytes > self.limit && self.pieces.len() > 1 {
            self.drop_oldest();
        }
    }

    /// The oldest piece goes; how many bytes it took.
    fn drop_oldest(&mut self) -> usize {
        let bytes = self.pieces.pop_front().map_or(0, |oldest| oldest.bytes());
        self.bytes -= bytes;
        bytes
    }

    fn number_of(&mut self, source: &str) -> u16 {
        if source.is_empty() {
            return 0;
        }
        let known = self.sources.iter().position(|known| known == source);
        let place = known.unwrap_or_else(|| {
            self.sources.push(source.to_owned());
            self.sources.len() - 1
        });
        u16::try_from(place + 1).unwrap_or(u16::MAX)
    }

    fn piece(&self, number: usize) -> Option<&Piece> {
        let place = self.pieces.partition_point(|piece| piece.first <= number).checked_sub(1)?;
        self.pieces.get(place)
    }

    /// A line by its number: when it arrived, and its text.
    pub fn get(&self, number: usize) -> Option<(u64, &str)> {
        let piece = self.piece(number)?;
        piece.line(number - piece.first)
    }

    /// The colors that a line was printed in: from where in its text on which are asked for.
    pub fn inks(&self, number: usize) -> impl Iterator<Item = (usize, Ink)> {
        self.piece(number).into_iter().flat_map(move |piece| piece.inks(number - piece.first))
    }

    /// The number of the first line that arrived at a time or after it; lines that were dropped came before.
    pub fn first_at(&self, at_ms: u64) -> usize {
        let is_before = |line: &Line| line.at_ms < at_ms;
        let place = self.pieces.partition_point(|piece| piece.lines.last().is_some_and(is_before));
        let within = |piece: &Piece| piece.first + piece.lines.partition_point(is_before);
        self.pieces.get(place).map_or(self.end(), within)
    }

    /// The newest line.
    pub fn last(&self) -> Option<(u64, &str)> {
        self.get(self.end().checked_sub(1)?)
    }

    /// The numbers of the newest lines that are wanted, at most so many, in their order.
    pub fn search(&self, wanted: &Wanted<'_>, most: usize) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        let is_named = |name: &str| wanted.text.is_some_and(|text| !name.is_empty() && text.is_match(name));
        let named: Vec<bool> = self.names().map(is_named).collect();
        for piece in self.pieces.iter().rev() {
            // Those of older pieces arrived earlier still.
            if piece.lines.last().is_some_and(|line| line.at_ms < wanted.since_ms) {
                break;
            }
            let mut places = match wanted.text {
                Some(text) => piece.places(text, &named),
                None => (0..piece.lines.len()).collect(),
            };
            places.retain(|place| wanted.means(&piece.lines[*place]));
            found.extend(places.into_iter().rev().map(|place| piece.first + place));
            if found.len() >= most {
                break;
            }
        }
        found.truncate(most);
        found.reverse();
        found
    }

    /// All lines that are kept, as text: each behind what is said of it by its number and time, and of what wrote it where that is
    /// not the check itself.
    pub fn text(&self, front: impl Fn(usize, u64) -> String) -> String {
        let mut whole = String::new();
        for piece in &self.pieces {
            for (place, line) in piece.lines.iter().enumerate() {
                let Some((at_ms, text)) = piece.line(place) else { continue };
                whole.push_str(&front(piece.first + place, at_ms));
                let source = self.named(line.source);
                if !source.is_empty() {
                    whole.extend(["[", source, "] "]);
                }
                whole.extend([text, "\n"]);
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_number_and_by_search() {
        let mut lines = Lines::default();
        assert_eq!((lines.get(0), lines.last(), lines.end()), (None, None, 0));
        for number in 0..10_000 {
            lines.push(number, &format!("line {number} of many"));
        }
        lines.push(10_000, "with\nan end");
        assert_eq!(lines.get(0), Some((0, "line 0 of many")));
        assert_eq!(lines.get(9_999), Some((9_999, "line 9999 of many")));
        assert_eq!((lines.last(), lines.end()), (Some((10_000, "with an end")), 10_001));
        let search = |expression: &str, most| {
            let text = Regex::new(expression).expect("an expression");
            lines.search(&Wanted { text: Some(&text), ..Wanted::default() }, most)
        };
        assert_eq!(search("line 77 ", 10), [77]);
        assert_eq!(search("line 99[0-9]{2} ", 3), [9_997, 9_998, 9_999], "the newest");
        assert_eq!(search("nothing", 3), [0; 0]);
        assert_eq!(lines.text(|_, _| String::new()).lines().count(), 10_001);
    }

    #[test]
    fn lines_of_workloads_keep_their_source_and_are_found_by_it() {
        let mut lines = Lines::default();
        lines.push(1, "create pod worker-0");
        lines.push_of(2, "worker-0", "GPU devices: 1");
        lines.push_of(3, "worker-1/cuda", "GPU devices: 0");
        lines.push(4, "worker-1 has none");
        assert_eq!(lines.sources(), ["worker-0", "worker-1/cuda"]);
        assert_eq!(
            (0..5).map(|number| lines.source(number)).collect::<Vec<_>>(),
            ["", "worker-0", "worker-1/cuda", "", ""]
        );
        let search = |expression: &str, most| {
            let text = Regex::new(expression).expect("an expression");
            lines.search(&Wanted { text: Some(&text), ..Wanted::default() }, most)
        };
        assert_eq!(search("worker-1", 10), [2, 3]);
        assert_eq!(search("worker", 2), [2, 3], "the newest");
        assert_eq!(search("devices", 10), [1, 2]);
        assert_eq!(search("^$", 10), [0; 0], "the check itself has no name to find it by");
        assert_eq!(
            lines.text(|_, _| String::new()),
            "create pod worker-0\n[worker-0] GPU devices: 1\n[worker-1/cuda] GPU devices: 0\nworker-1 has none\n"
        );
    }

    #[test]
    fn colors_are_kept_apart_from_the_text_that_is_found_and_saved() {
        let mut lines = Lines::default();
        lines.push(1, "plain");
        lines.push(2, "\u{1b}[31mERROR\u{1b}[0m no \u{1b}[1mGPU\u{1b}[0m");
        lines.push(3, "\u{1b}[32m");
        lines.push(4, "\u{1b}[2Jas it was");
        let places = |number| lines.inks(number).map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!(
            (0..5).map(places).collect::<Vec<_>>(),
            [vec![], vec![0, 5, 9, 12][..3].to_vec(), vec![], vec![], vec![]]
        );
        let inks: Vec<Ink> = lines.inks(1).map(|(_, ink)| ink).collect();
        assert_eq!((inks[0].fore.map(|color| color.number()), inks[1], inks[2].bold), (Some(1), Ink::default(), true));
        let text = Regex::new("^ERROR no GPU$").expect("an expression");
        let text = Regex::new(&format!("(?m){text}")).expect("an expression");
        assert_eq!(lines.search(&Wanted { text: Some(&text), ..Wanted::default() }, 9), [1]);
        let errors = Wanted { level: Some(LogLevel::Error), ..Wanted::default() };
        assert_eq!(lines.search(&errors, 9), [1], "a level is read without its color");
        assert_eq!(lines.text(|_, _| String::new()), "plain\nERROR no GPU\n\n\u{1b}[2Jas it was\n");
    }

    #[test]
    fn lines_are_found_by_time_level_and_source() {
        let mut lines = Lines::default();
        // Many pieces, with little in them that matters.
        for number in 0..10_000 {
            lines.push(number, &format!("line {number} of many"));
        }
        lines.push_of(10_000, "worker-0", "W0714 07:31:00.070000       1 main.go:12] slow");
        lines.push_of(10_001, "worker-1", r#"{"level":"error","msg":"no GPU"}"#);
        lines.push(10_002, "level=debug msg=\"try 2\"");
        let least = |level| lines.search(&Wanted { level: Some(level), ..Wanted::default() }, 3);
        assert_eq!(least(LogLevel::Warn), [10_000, 10_001]);
        assert_eq!(least(LogLevel::Error), [10_001]);
        assert_eq!(least(LogLevel::Info), [9_999, 10_000, 10_001], "a line without a level is information");
        let since = |since_ms| lines.search(&Wanted { since_ms, ..Wanted::default() }, usize::MAX);
        assert_eq!((since(9_998).len(), since(0).len(), since(20_000).len()), (5, 10_003, 0));
        let of = |sources: &[bool]| lines.search(&Wanted { sources, ..Wanted::default() }, 2);
        assert_eq!(of(&[false, true, true]), [10_000, 10_001]);
        assert_eq!(of(&[true, false, false]), [9_999, 10_002], "the check itself");
    }

    #[test]
    fn a_stretch_of_an_output_has_the_numbers_of_the_whole() {
        let mut lines = Lines::from(500, LIMIT);
        assert_eq!((lines.dropped(), lines.end()), (500, 500));
        lines.push(1, "line 500");
        lines.push(2, "line 501");
        assert_eq!((lines.dropped(), lines.end(), lines.get(501)), (500, 502, Some((2, "line 501"))));
        assert_eq!(lines.get(499), None);
    }

    #[test]
    fn all_outputs_together_have_a_limit_and_the_largest_loses_its_oldest_lines() {
        let output = |count: u64| {
            let mut lines = Lines::default();
            (0..count).for_each(|number| lines.push(number, "a line of output that says something about a check"));
            lines
        };
        let (mut small, mut large, mut larger) = (output(5_000), output(40_000), output(60_000));
        let before = small.bytes();
        let limit = (small.bytes() + large.bytes() + larger.bytes()) / 2;
        Room(limit).make([&mut small, &mut large, &mut larger]);
        let bytes = small.bytes() + large.bytes() + larger.bytes();
        assert!(
            bytes <= limit && bytes + 2 * PIECE * 3 > limit,
            "{bytes} of {limit}, and no more is lost than has to be"
        );
        assert_eq!((small.bytes(), small.dropped(), small.end()), (before, 0, 5_000));
        assert!(larger.dropped() > large.dropped() && larger.end() == 60_000, "the larger one loses more");
        let newest = larger.get(59_999).map(|(at_ms, _)| at_ms);
        assert_eq!((newest, larger.get(larger.dropped() - 1)), (Some(59_999), None));
        Room(1).make([&mut small, &mut large]);
        assert!(small.last().is_some() && large.last().is_some(), "what is written now stays");
        let all = Room::default();
        assert_eq!(all.0, 4 * LIMIT);
    }

    #[test]
    fn the_oldest_go_where_there_is_no_room() {
        let mut lines = Lines::within(10 * PIECE);
        for number in 0..100_000 {
            lines.push(number, "a line of output that says something about a check");
        }
        lines.push(0, &"x".repeat(3 * PIECE));
        assert!(lines.bytes() <= 10 * PIECE, "{} bytes", lines.bytes());
        let (dropped, end) = (lines.dropped(), lines.end());
        assert_eq!(end, 100_001);
        assert!(dropped > 80_000 && lines.get(dropped).is_some() && lines.get(dropped - 1).is_none(), "{dropped}");
        assert_eq!(lines.last().map(|(_, text)| text.len()), Some(3 * PIECE));
    }
}
