//! The filter language.
//!
//! In: what a person typed and the columns of a table. Out: which rows stay, and which of their letters matched, or the
//! place of the word that cannot be understood. Words must all match; ` | ` between them starts another choice.

use super::{
    states,
    table::{Cell, Column, Identity, Row},
    text,
};
use crate::text::natural;
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};
use regex::Regex;
use std::{cmp::Ordering, ops::Range};

/// What a filter may say, for help and documentation: how it is written, what it means.
pub const GRAMMAR: &[(&str, &str)] = &[
    ("word", "rows with this text; upper case in it asks for exactly that case"),
    ("!word", "rows without it; ! turns every other form around as well"),
    ("a|b", "either text; a space before and after | separates whole filters"),
    ("column=text", "this text in a column; of a node also in a label or a reading, by its name"),
    ("column!=text", "another text in a column"),
    ("state=ready", "exactly this state, which NOTREADY is not; ready alone means it too"),
    ("column>=580", "at least; > < <= likewise, with versions and numbers by value"),
    ("~word", "the letters of the word in their order, with others between them"),
    ("re:expr", "a regular expression"),
    ("changed", "rows that differ, fail or warn"),
    ("overridden", "values that hide one of a lower layer, also while a what-if is shown"),
    ("marked", "rows that are marked"),
    ("layer:5", "values that this layer set; layer:v for files of values"),
    ("state:word", "as column=text, in the column STATE"),
];

/// A filter that cannot be understood: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// Bytes of the text.
    pub at: Range<usize>,
    pub why: String,
}

/// What the names in a filter can mean.
#[derive(Clone, Copy)]
pub struct Names<'n> {
    pub columns: &'n [Column],
    /// Whether a row has a reading of this name.
    pub has_reading: &'n dyn Fn(&str) -> bool,
    /// Whether a row has this text in it.
    pub has_text: &'n dyn Fn(&str) -> bool,
    /// Whether a word is the name of a state in the column of this place.
    pub has_state: &'n dyn Fn(usize, &str) -> bool,
}

impl<'n> From<&'n [Column]> for Names<'n> {
    /// Of rows that are texts: they can have everything in them.
    fn from(columns: &'n [Column]) -> Names<'n> {
        Names { columns, has_reading: &|_| false, has_text: &|_| true, has_state: &|_, _| false }
    }
}

impl<'n, const COUNT: usize> From<&'n [Column; COUNT]> for Names<'n> {
    fn from(columns: &'n [Column; COUNT]) -> Names<'n> {
        Names::from(&columns[..])
    }
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A row stays that matches every term of one of these.
    choices: Vec<Vec<Term>>,
}

#[derive(Clone, Debug)]
struct Term {
    not: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// Any of these texts in any cell, or in one.
    Words {
        column: Option<usize>,
        words: Vec<String>,
    },
    /// Any of these states in the column that says them, or any of the other words anywhere.
    State {
        column: usize,
        states: Vec<State>,
        words: Vec<String>,
    },
    /// Any of these texts in a reading of the row; a number is that number.
    Reading {
        name: String,
        words: Vec<String>,
    },
    /// How a cell or a reading compares with a text.
    Compare {
        of: Of,
        wanted: Vec<Ordering>,
        value: String,
    },
    Fuzzy(Pattern),
    Regex {
        column: Option<usize>,
        regex: Regex,
    },
    Matters,
    Marked,
}

#[derive(Clone, Debug)]
struct State {
    word: String,
    /// It is all of a state's name, and not one word of several.
    is_name: bool,
}

#[derive(Clone, Debug)]
enum Of {
    Column(usize),
    Reading(String),
}

impl Filter {
    /// # Errors
    /// A word names a column that is not there, or is not a regular expression.
    pub fn parse<'n>(typed: &str, names: impl Into<Names<'n>>) -> Result<Filter, Misread> {
        let names = names.into();
        let mut choices = vec![Vec::new()];
        for (at, word) in words(typed) {
            if word == "|" {
                choices.push(Vec::new());
            } else if let Some(term) = term(word, at, names)?
                && let Some(terms) = choices.last_mut()
            {
                terms.push(term);
            }
        }
        choices.retain(|terms| !terms.is_empty());
        Ok(Filter { choices })
    }

    /// The same of what somebody has finished typing.
    ///
    /// # Errors
    /// As [`Filter::parse`]; also a word that says nothing yet, such as `driver>`.
    pub fn finished<'n>(typed: &str, names: impl Into<Names<'n>>) -> Result<Filter, Misread> {
        let names = names.into();
        let filter = Filter::parse(typed, names)?;
        for (at, word) in words(typed).filter(|(_, word)| !word.is_empty() && *word != "|") {
            if word.trim_start_matches('!') == "re:" || term(word, at, names)?.is_none() {
                return Err(Misread { at: at..at + word.len(), why: format!("`{word}` is not finished") });
            }
        }
        Ok(filter)
    }

    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    pub fn matches<I: Identity>(&self, row: &Row<I>, is_marked: bool) -> bool {
        let holds = |term: &Term| {
            let test = &term.test;
            let holds = if matches!(test, Test::Marked) { is_marked } else { test.holds(row) };
            holds != term.not
        };
        self.choices.is_empty() || self.choices.iter().any(|terms| terms.iter().all(holds))
    }

    /// Which bytes of a shown text matched, in order.
    pub fn found(&self, shown: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for term in self.choices.iter().flatten().filter(|term| !term.not) {
            match &term.test {
                Test::Words { words, .. } => found.extend(words.iter().flat_map(|word| places(shown, word))),
                Test::State { states, words, .. } => {
                    found.extend(words.iter().flat_map(|word| places(shown, word)));
                    let is_state = states.iter().any(|state| states::fits(shown, &state.word, state.is_name));
                    found.extend(is_state.then_some(0..shown.len()));
                }
                Test::Regex { regex, .. } => found.extend(regex.find_iter(shown).map(|found| found.range())),
                Test::Reading { .. } | Test::Compare { .. } | Test::Fuzzy(_) | Test::Matters | Test::Marked => {}
            }
        }
        found.retain(|range| !range.is_empty());
        found.sort_by_key(|range| (range.start, range.end));
        found
    }
}

impl Test {
    fn holds<I: Identity>(&self, row: &Row<I>) -> bool {
        match self {
            Test::Words { column: None, words } => words.iter().any(|word| contains(row, word)),
            Test::Words { column: Some(index), words } => row.cells.get(*index).is_some_and(|cell| {
                let shown = cell.plain();
                // What is not known is written `-`, which stands in many names as well.
                words.iter().any(|word| if word == "-" { shown.trim() == "-" } else { has(&shown, word) })
            }),
            Test::State { column, states, words } => {
                let shown = row.cells.get(*column).map(Cell::plain).unwrap_or_default();
                states.iter().any(|state| states::fits(&shown, &state.word, state.is_name))
                    || words.iter().any(|word| contains(row, word))
            }
            Test::Reading { name, words } => row.reading(name).is_some_and(|text| {
                let is = |word: &String| match word.parse::<f64>() {
                    Ok(number) => text.parse() == Ok(number),
                    Err(_) => has(&text, word),
                };
                words.iter().any(is)
            }),
            Test::Compare { of, wanted, value } => {
                let shown = match of {
                    Of::Column(column) => row.cells.get(*column).map(|cell| cell.plain().into_owned()),
                    Of::Reading(name) => row.reading(name),
                };
                shown.is_some_and(|shown| {
                    let shown = number_first(shown.trim());
                    // Nothing is more or less than what is not known.
                    shown.starts_with(|c: char| c.is_ascii_digit()) && wanted.contains(&natural(shown, value))
                })
            }
            Test::Fuzzy(pattern) => {
                let mut matcher = Matcher::new(Config::DEFAULT);
                let mut buffer = Vec::new();
                let mut scores = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher).is_some();
                beside(row).any(&mut scores) || row.cells.iter().any(|cell| scores(&cell.plain()))
            }
            Test::Regex { column: Some(index), regex } => {
                row.cells.get(*index).is_some_and(|cell| regex.is_match(&cell.plain()))
            }
            Test::Regex { column: None, regex } => {
                beside(row).any(|text| regex.is_match(text))
                    || row.cells.iter().any(|cell| regex.is_match(&cell.plain()))
            }
            Test::Matters => row.matters,
            // The list knows.
            Test::Marked => false,
        }
    }
}

/// Words with their place.
fn words(typed: &str) -> impl Iterator<Item = (usize, &str)> {
    typed.split(' ').scan(0, |at, word| {
        let start = *at;
        *at += word.len() + 1;
        Some((start, word))
    })
}

/// `None` for what says nothing yet, such as `!` alone while it is typed.
fn term(word: &str, at: usize, names: Names<'_>) -> Result<Option<Term>, Misread> {
    let columns = names.columns;
    let whole = at..at + word.len();
    let (not, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
    if word.is_empty() {
        return Ok(None);
    }
    let found = |test| Ok(Some(Term { not, test }));
    if let Some(expression) = word.strip_prefix("re:") {
        let regex = Regex::new(expression).map_err(|error| Misread { at: whole, why: brief(&error) })?;
        return found(Test::Regex { column: None, regex });
    }
    if let Some(letters) = word.strip_prefix('~') {
        let pattern = Pattern::new(letters, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy);
        return if letters.is_empty() { Ok(None) } else { found(Test::Fuzzy(pattern)) };
    }
    if word == "changed" {
        return found(Test::Matters);
    }
    if word == "marked" {
        return found(Test::Marked);
    }
    let column = |name: &str| {
        let name = name.to_lowercase();
        let named = columns.iter().position(|column| !column.name.is_empty() && column.name.to_lowercase() == name);
        let begun = || columns.iter().position(|column| column.name.to_lowercase().starts_with(&name));
        named.or_else(begun)
    };
    let missing = |name: &str| {
        let names: Vec<&str> = columns.iter().map(|column| column.name).filter(|name| !name.is_empty()).collect();
        let there = if names.is_empty() { "none here".to_owned() } else { names.join(", ").to_lowercase() };
        Misread { at: whole.clone(), why: format!("no column `{name}`; there are {there}") }
    };
    if let Some(layer) = word.strip_prefix("layer:").filter(|layer| !layer.is_empty()) {
        let index = column("set by").ok_or_else(|| missing("set by"))?;
        // `v` are the files of values.
        let by_number = layer == "v" || layer.bytes().all(|byte| byte.is_ascii_digit());
        return found(match by_number {
            true => {
                let wanted = Regex::new(&format!(r"^{layer}\b|: (.* )?{layer}( |$)"));
                let regex = wanted.map_err(|error| Misread { at: whole, why: brief(&error) })?;
                Test::Regex { column: Some(index), regex }
            }
            false => Test::Words { column: Some(index), words: vec![layer.to_owned()] },
        });
    }
    let state = |column: usize, word: String| State { is_name: (names.has_state)(column, &word), word };
    let in_column = |column: usize, words: Vec<String>| match columns.get(column).is_some_and(states::is_state) {
        true => {
            let states = words.into_iter().map(|word| state(column, word)).collect();
            Test::State { column, states, words: Vec::new() }
        }
        false => Test::Words { column: Some(column), words },
    };
    if let Some(state) = word.strip_prefix("state:") {
        let index = column("state").ok_or_else(|| missing("state"))?;
        let words = either(state);
        return if words.is_empty() { Ok(None) } else { found(in_column(index, words)) };
    }
    let Some((name, sign, value)) = comparison(word) else {
        let words = either(word);
        if words.is_empty() {
            return Ok(None);
        }
        let Some(column) = states::column(columns) else { return found(Test::Words { column: None, words }) };
        let (named, words): (Vec<State>, Vec<State>) =
            words.into_iter().map(|word| state(column, word)).partition(|state| state.is_name);
        let words = words.into_iter().map(|state| state.word).collect();
        return found(match named.is_empty() {
            true => Test::Words { column: None, words },
            false => Test::State { column, states: named, words },
        });
    };
    if value.is_empty() {
        return Ok(None);
    }
    let reading = || (names.has_reading)(name).then(|| name.to_owned());
    let compared = |wanted: &[Ordering]| {
        let of = column(name).map(Of::Column).or_else(|| reading().map(Of::Reading)).ok_or_else(|| missing(name))?;
        let value = number_first(value).to_owned();
        Ok(Some(Term { not, test: Test::Compare { of, wanted: wanted.to_vec(), value } }))
    };
    let words = either(value);
    match sign {
        ">=" => compared(&[Ordering::Greater, Ordering::Equal]),
        "<=" => compared(&[Ordering::Less, Ordering::Equal]),
        ">" => compared(&[Ordering::Greater]),
        "<" => compared(&[Ordering::Less]),
        "!=" => {
            let test = match (column(name), reading()) {
                (Some(column), _) => in_column(column, words),
                (None, Some(name)) => Test::Reading { name, words },
                (None, None) => return Err(missing(name)),
            };
            Ok(Some(Term { not: !not, test }))
        }
        _ => match (column(name), reading()) {
            (Some(column), _) => found(in_column(column, words)),
            (None, Some(name)) => found(Test::Reading { name, words }),
            // No such column, and a text of that form.
            (None, None) if (names.has_text)(&format!("{name}=")) => {
                let words = words.into_iter().map(|value| format!("{name}={value}")).collect();
                found(Test::Words { column: None, words })
            }
            (None, None) => Err(missing(name)),
        },
    }
}

/// `a|b` as its parts.
fn either(word: &str) -> Vec<String> {
    word.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Name, sign and value of `driver>=580`.
fn comparison(word: &str) -> Option<(&str, &str, &str)> {
    let at = word.find(['=', '>', '<', '!']).filter(|at| *at > 0)?;
    let (name, rest) = word.split_at(at);
    let sign = [">=", "<=", "!=", ">", "<", "="].into_iter().find(|sign| rest.starts_with(sign))?;
    Some((name, sign, &rest[sign.len()..]))
}

/// A version without its `v`.
fn number_first(text: &str) -> &str {
    text.strip_prefix(['v', 'V']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(text)
}

/// The last line of what a regular expression is refused with; the others draw where.
fn brief(error: &regex::Error) -> String {
    let said = error.to_string();
    let line = said.lines().last().unwrap_or_default();
    text::clean(line.trim_start_matches("error: ")).into_owned()
}

/// Whether a row has a word anywhere.
pub fn contains<I: Identity>(row: &Row<I>, word: &str) -> bool {
    let mut beside = beside(row);
    beside.any(|text| has(text, word))
        || row.cells.iter().any(|cell| cell.spans.iter().any(|span| has(&span.text, word)))
}

/// What a row says besides its cells.
fn beside<I: Identity>(row: &Row<I>) -> impl Iterator<Item = &str> {
    [row.id.name()].into_iter().chain(row.also.as_deref())
}

/// Smart case: upper case in the word asks for exactly that.
fn has(text: &str, word: &str) -> bool {
    if word.chars().any(char::is_uppercase) {
        return text.contains(word);
    }
    if text.is_ascii() && word.is_ascii() {
        let (text, word) = (text.as_bytes(), word.as_bytes());
        return text.len() >= word.len() && text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    }
    text.to_lowercase().contains(&word.to_lowercase())
}

/// Where a word is in a text, as [`has`] finds it.
fn places(text: &str, word: &str) -> Vec<Range<usize>> {
    let exact = word.chars().any(char::is_uppercase);
    let mut found = Vec::new();
    let mut at = 0;
    while at + word.len() <= text.len() {
        let part = text.get(at..at + word.len());
        match part.is_some_and(|part| if exact { part == word } else { part.eq_ignore_ascii_case(word) }) {
            true => {
                found.push(at..at + word.len());
                at += word.len().max(1);
            }
            false => at += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::new("NAME", 1, 9),
        Column::new("STATE", 1, 9),
        Column::new("DRIVER", 1, 9),
        Column::new("SET BY", 1, 9),
    ];

    fn row(matters: bool) -> Row<&'static str> {
        let cells = ["gpu-node-1", "Ready", "580.159.03", "mixed: 4 17"];
        Row { matters, ..Row::new("k", cells.map(Into::into).to_vec()) }
    }

    #[test]
    fn filters_read_words_negations_and_columns() {
        for (filter, expected) in [
            ("gpu", true),
            ("GPU", false),
            ("!gpu", false),
            ("state=ready", true),
            ("state=not|ready", true),
            ("name=ready", false),
            ("gpu !state=ready", false),
            ("", true),
            ("!", true),
            ("foo | gpu", true),
            ("foo gpu | !gpu", false),
            ("driver>=580", true),
            ("driver>=580.159.03", true),
            ("driver>580.200", false),
            ("driver<v590", true),
            ("name>=1", false),
            ("driver!=580.159.03", false),
            ("driver!=-", true),
            ("driver=-", false),
            ("~gn1", true),
            ("~1ng", false),
            ("re:node-[0-9]$", true),
            ("re:^node", false),
            ("!re:^node", true),
            ("changed", true),
            ("!changed", false),
            ("layer:17", true),
            ("layer:7", false),
            ("layer:4", true),
            ("layer:mixed", true),
            ("state:ready|cordoned", true),
            ("state:cordoned", false),
        ] {
            let read = Filter::parse(filter, &COLUMNS).unwrap();
            assert_eq!(read.matches(&row(true), false), expected, "{filter}");
        }
        assert!(!Filter::parse("changed", &COLUMNS).unwrap().matches(&row(false), false));
    }

    #[test]
    fn states_are_compared_whole() {
        let rows = ["ready", "NOTREADY", "not ready", "cordoned", "scheduled", "unscheduled", "no verdict", "-"]
            .map(|state| Row::new(state, ["ready-1", state].map(Into::into).to_vec()));
        let found = |filter: &str, rows: &[Row<&'static str>]| {
            let has_state = |column: usize, word: &str| states::is_known(rows, column, word);
            let names = Names { has_state: &has_state, ..(&COLUMNS).into() };
            let filter = Filter::parse(filter, names).unwrap();
            rows.iter().filter(|row| filter.matches(row, false)).map(|row| row.id).collect::<Vec<_>>()
        };
        for (filter, expected) in [
            ("state=ready", &["ready"][..]),
            ("ready", &["ready"]),
            ("READY", &["ready"]),
            ("ready|cordoned", &["ready", "cordoned"]),
            ("state=not", &["not ready"]),
            ("state=notready", &["NOTREADY"]),
            ("state:scheduled", &["scheduled"]),
            ("unscheduled", &["unscheduled"]),
            ("state=verdict", &["no verdict"]),
            ("state=-", &["-"]),
            ("state=read", &[]),
        ] {
            assert_eq!(found(filter, &rows), expected, "{filter}");
            let others = |negated: &str| {
                let expected: Vec<_> = rows.iter().map(|row| row.id).filter(|id| !expected.contains(id)).collect();
                assert_eq!(found(negated, &rows), expected, "{negated}");
            };
            others(&format!("!{filter}"));
            if let Some(state) = filter.strip_prefix("state=") {
                others(&format!("state!={state}"));
            }
        }
        assert_eq!(found("read", &rows).len(), rows.len(), "a part of a name is a text");
        assert!(found("ready", &rows[1..2]).is_empty(), "no node is ready, which is what was asked");
        assert_eq!(found("ready", &rows[3..4]), ["cordoned"], "no state here is called so: a text");
        let marked = |shown: &str| {
            let names = Names { has_state: &|_, word| word == "ready", ..(&COLUMNS).into() };
            Filter::parse("ready", names).unwrap().found(shown)
        };
        assert_eq!(marked("ready").as_slice(), std::slice::from_ref(&(0..5)));
        assert!(marked("NOTREADY").is_empty());
    }

    #[test]
    fn what_cannot_be_understood_is_named_with_its_place() {
        let misread = |typed: &str| Filter::parse(typed, &COLUMNS).unwrap_err();
        let unclosed = misread("gpu re:[");
        assert_eq!(unclosed.at, 4..8);
        assert!(unclosed.why.contains("unclosed"), "{}", unclosed.why);
        let column = misread("kernel>=6 gpu");
        assert_eq!(column.at, 0..9);
        assert_eq!(column.why, "no column `kernel`; there are name, state, driver, set by");
    }

    #[test]
    fn letters_that_matched_are_known() {
        let found = |filter: &str, text: &str| Filter::parse(filter, &COLUMNS).unwrap().found(text);
        assert_eq!(found("gpu", "a GPU and a gpu"), [2..5, 12..15]);
        assert!(found("Gpu", "a GPU and a gpu").is_empty());
        assert!(found("!gpu", "gpu").is_empty());
        assert_eq!(found("re:n+", "inner 日本 n"), [1..3, 13..14]);
        assert_eq!(found("日", "日本日"), [0..3, 6..9]);
    }
}
