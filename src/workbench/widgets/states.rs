//! Columns that say in which state a row is, for the filter: their words are compared whole.
//!
//! A state has another one in it that means the opposite: `NOTREADY` has `ready`, `unscheduled` has `scheduled`. Whoever asks
//! for the nodes that are not ready must not lose exactly those.

use super::table::{Column, Identity, Row};

/// Headings of such columns.
const HEADINGS: [&str; 3] = ["STATE", "VERDICT", "BECAME"];
/// What turns a state into its opposite, in front of it.
const NEGATIONS: [&str; 3] = ["not ", "not", "un"];

/// Whether the words of a column are states.
pub(super) fn is_state(column: &Column) -> bool {
    HEADINGS.contains(&column.name)
}

/// The state column of a table.
pub(super) fn column(columns: &[Column]) -> Option<usize> {
    columns.iter().position(is_state)
}

/// Whether a word is the name of a state here: some row is in it, or in its opposite.
pub(super) fn is_known<I: Identity>(rows: &[Row<I>], column: usize, word: &str) -> bool {
    let is_of = |shown: &str| {
        let is_opposite = NEGATIONS.iter().any(|not| strip(shown, not).is_some_and(|rest| is(rest, word)));
        is(shown, word) || is_opposite
    };
    rows.iter().filter_map(|row| row.cells.get(column)).any(|cell| is_of(cell.plain().trim()))
}

/// Whether a state is the one that is asked for: all of it, in any case, because `FAIL` and `fail` are one word.
///
/// A word that is not the name of a state is one of its words: `verdict` of `no verdict`.
pub(super) fn fits(shown: &str, word: &str, is_name: bool) -> bool {
    let shown = shown.trim();
    // What is not known is written `-`.
    if is_name || word == "-" {
        return is(shown, word);
    }
    is(shown, word) || shown.split(|c: char| !c.is_alphanumeric()).any(|part| is(part, word))
}

fn is(shown: &str, word: &str) -> bool {
    shown.eq_ignore_ascii_case(word)
}

fn strip<'t>(shown: &'t str, not: &str) -> Option<&'t str> {
    let (begin, rest) = shown.split_at_checked(not.len())?;
    is(begin, not).then_some(rest)
}
