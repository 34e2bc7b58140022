//! Which rows a typed filter keeps, and in which order texts with numbers stand.

use super::table::{Column, Identity, Row};
use std::cmp::Ordering;

/// Compares texts with the numbers in them as numbers: `node-2` before `node-10`, `1.9` before `1.10`.
pub fn natural(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    loop {
        match (left.first(), right.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, rest_left) = digits(left);
                let (b, rest_right) = digits(right);
                let order = a.len().cmp(&b.len()).then_with(|| a.cmp(b));
                if order != Ordering::Equal {
                    return order;
                }
                (left, right) = (rest_left, rest_right);
            }
            (Some(a), Some(b)) if a == b => (left, right) = (&left[1..], &right[1..]),
            (Some(a), Some(b)) => return a.cmp(b),
        }
    }
}

/// The number at the start without leading zeros, and what follows.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let start = text[..end].iter().position(|byte| *byte != b'0').unwrap_or(end);
    (&text[start..end], &text[end..])
}

/// A filter: words that must match, `!word` that must not, `column=text`, `a|b` for either.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
struct Term {
    not: bool,
    column: Option<String>,
    /// Any of these; compared in lower case unless they hold upper case.
    words: Vec<String>,
}

impl Filter {
    pub fn parse(text: &str) -> Filter {
        let term = |word: &str| {
            let (not, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
            let (column, word) = match word.split_once('=') {
                Some((column, word)) if !column.is_empty() => (Some(column.to_lowercase()), word),
                _ => (None, word),
            };
            let words: Vec<String> = word.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            (!words.is_empty()).then_some(Term { not, column, words })
        };
        Filter { terms: text.split_whitespace().filter_map(term).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn matches<I: Identity>(&self, row: &Row<I>, columns: &[Column]) -> bool {
        self.terms.iter().all(|term| {
            let index = term.column.as_ref().and_then(|name| {
                columns.iter().position(|column| column.name.to_lowercase().starts_with(name.as_str()))
            });
            let found = match (&term.column, index) {
                // No such column: a label or any text of that form.
                (Some(column), None) => term.words.iter().any(|word| contains(row, &format!("{column}={word}"))),
                (_, Some(index)) => row.cells.get(index).is_some_and(|cell| {
                    term.words.iter().any(|word| cell.spans.iter().any(|(_, text)| has(text, word)))
                }),
                (None, None) => term.words.iter().any(|word| contains(row, word)),
            };
            found != term.not
        })
    }
}

fn contains<I: Identity>(row: &Row<I>, word: &str) -> bool {
    has(row.id.name(), word) || row.cells.iter().any(|cell| cell.spans.iter().any(|(_, text)| has(text, word)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts_sort_as_numbers() {
        let mut names = ["node-10", "node-2", "1.10", "1.9", "node-02b"];
        names.sort_by(|left, right| natural(left, right));
        assert_eq!(names, ["1.9", "1.10", "node-2", "node-02b", "node-10"]);
    }

    #[test]
    fn filters_read_words_negations_and_columns() {
        let columns = [Column::new("NAME", 1, 9), Column::new("STATE", 1, 9)];
        let row: Row<&str> = Row::new("k", vec!["gpu-node-1".into(), "Ready".into()]);
        for (filter, expected) in [
            ("gpu", true),
            ("GPU", false),
            ("!gpu", false),
            ("state=ready", true),
            ("state=not|ready", true),
            ("name=ready", false),
            ("gpu !state=ready", false),
            ("", true),
        ] {
            assert_eq!(Filter::parse(filter).matches(&row, &columns), expected, "{filter}");
        }
    }
}
