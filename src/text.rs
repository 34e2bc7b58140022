//! Words for data that many messages need: counts with their plural, alternatives, causes.
#![warn(missing_docs)]

pub mod color;

use std::{cmp::Ordering, error::Error};

/// A count with its noun: `1 value`, `3 matches`, `2 entries`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {}", plural(number, noun))
}

/// A word as a shell takes it: quoted where it has to be.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./+:@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A number with its thousands set apart: `1,234,567`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The first names in their [`natural`] order, at most `most` of them (never 0), and how many there are besides: `gpu-2, gpu-10
/// and 3 more`.
pub fn listed(names: &[String], most: usize) -> String {
    let mut first: Vec<&str> = names.iter().map(String::as_str).collect();
    // Of thousands only those that are shown are put in order.
    if first.len() > most && most > 0 {
        first.select_nth_unstable_by(most - 1, |left, right| by_name(left, right));
        first.truncate(most);
    }
    first.sort_unstable_by(|left, right| by_name(left, right));
    let shown = first.join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

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

/// [`natural`], and by their letters those that are the same in it: different names are never equal.
pub fn by_name(left: &str, right: &str) -> Ordering {
    natural(left, right).then_with(|| left.cmp(right))
}

/// How long something took: `0.1 s`, `41.0 s`, and from a minute on as [`seconds`].
pub fn duration(milliseconds: u64) -> String {
    match milliseconds / 1000 {
        whole @ 0..60 => format!("{whole}.{} s", milliseconds % 1000 / 100),
        whole => seconds(whole),
    }
}

/// A limit, or a long time: `5 s`, `2 min`, `1 min 30 s`, `1 h 5 min`.
pub fn seconds(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A size: `512 bytes`, `4.2 kB`, `417 MB`; units of thousands.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} {}", if bytes == 1 { "byte" } else { "bytes" });
    }
    let (mut tenths, mut unit) = (bytes.saturating_add(50) / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        (tenths, unit) = ((tenths + 500) / 1000, unit + 1);
    }
    match (tenths / 10, tenths % 10) {
        (whole @ 0..10, tenth) => format!("{whole}.{tenth} {}", UNITS[unit]),
        (whole, _) => format!("{whole} {}", UNITS[unit]),
    }
}

/// A noun as that many of it are called; regular English plurals only.
pub fn plural(number: usize, noun: &str) -> String {
    if number == 1 {
        return noun.to_owned();
    }
    let sibilant = ["s", "x", "z", "ch", "sh"].iter().any(|ending| noun.ends_with(ending));
    match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u'])) {
        Some(stem) => format!("{stem}ies"),
        None if sibilant => format!("{noun}es"),
        None => format!("{noun}s"),
    }
}

/// `did you mean h100 or h200?`; `None` where nothing is near.
pub fn did_you_mean(near: &[String]) -> Option<String> {
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

/// The near ones of those that there are, else all of them: what to write instead.
pub fn near_or_all<'a>(near: &[String], all: impl Iterator<Item = &'a str>) -> String {
    did_you_mean(near).unwrap_or_else(|| format!("there are: {}", all.collect::<Vec<_>>().join(", ")))
}

/// What failed, then why, then why that: `it is neither YAML nor JSON: unclosed bracket (line 3, column 11)`.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// The words of an error without the numbers of the operating system, which say nothing that the words do not: `No such file
/// or directory (os error 2)` is `no such file or directory`, as other reasons begin.
pub fn reason(words: &str) -> String {
    const NUMBER: &str = " (os error ";
    let mut text = words.to_owned();
    while let Some(at) = text.find(NUMBER) {
        let digits = text[at + NUMBER.len()..].bytes().take_while(u8::is_ascii_digit).count();
        let end = at + NUMBER.len() + digits;
        if digits == 0 || !text[end..].starts_with(')') {
            break;
        }
        text.replace_range(at..=end, "");
        let begin = text[..at].rfind(": ").map_or(0, |colon| colon + 2);
        let mut letters = text[begin..].chars();
        // An abbreviation keeps its letters: `TLS alert`.
        if letters.next().is_some_and(|first| first.is_ascii_uppercase())
            && letters.next().is_some_and(|second| second.is_ascii_lowercase())
        {
            text[begin..=begin].make_ascii_lowercase();
        }
    }
    text
}

/// What is wrong with JSON, without the names of our types: `invalid type: null, expected an object at line 1 column 9`.
pub fn json_problem(error: &serde_json::Error) -> String {
    const OURS: [&str; 3] = ["expected struct ", "expected tuple struct ", "expected unit struct "];
    let text = error.to_string();
    let Some((before, rest)) = OURS.into_iter().find_map(|words| text.split_once(words)) else { return text };
    let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
    format!("{before}expected an object{rest}")
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
    fn the_first_names_of_a_list_are_those_with_the_lowest_numbers() {
        let names: Vec<String> = (1..=12).rev().map(|number| format!("gpu-{number}")).collect();
        assert_eq!(listed(&names, 3), "gpu-1, gpu-2, gpu-3 and 9 more");
        assert_eq!(listed(&names[2..4], 3), "gpu-9, gpu-10");
        assert_eq!((by_name("gpu-1", "gpu-01"), by_name("gpu-1", "gpu-1")), (Ordering::Greater, Ordering::Equal));
    }

    #[test]
    fn sizes_have_two_digits_or_three() {
        let sizes = [0, 1, 999, 1000, 4_249, 9_999, 41_499, 416_600, 999_949, 999_950, 1 << 20, 1 << 30, u64::MAX];
        let expected = [
            "0 bytes",
            "1 byte",
            "999 bytes",
            "1.0 kB",
            "4.2 kB",
            "10 kB",
            "41 kB",
            "416 kB",
            "999 kB",
            "1.0 MB",
            "1.0 MB",
            "1.1 GB",
            "18446744 TB",
        ];
        assert_eq!(sizes.map(size), expected);
    }

    #[test]
    fn nouns_follow_their_number() {
        let counted = [(0, "node"), (1, "match"), (2, "match"), (3, "entry"), (2, "key"), (4, "release"), (2, "class")];
        let counted = counted.map(|(number, noun)| count(number, noun));
        assert_eq!(counted, ["0 nodes", "1 match", "2 matches", "3 entries", "2 keys", "4 releases", "2 classes"]);
    }

    #[test]
    fn a_long_list_ends_with_how_many_more_there_are() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let of = |most| [0, 1, 2, 3].map(|number| listed(&names[..number], most));
        assert_eq!(of(2), ["", "a", "a, b", "a, b and 1 more"]);
        assert_eq!(of(1), ["", "a", "a and 1 more", "a and 2 more"]);
        assert_eq!(of(9), ["", "a", "a, b", "a, b, c"]);
    }

    #[test]
    fn times_have_a_space_before_each_unit() {
        assert_eq!([0, 199, 41_049, 59_999].map(duration), ["0.0 s", "0.1 s", "41.0 s", "59.9 s"]);
        assert_eq!([60_000, 125_000, 3_900_000].map(duration), ["1 min", "2 min 5 s", "1 h 5 min"]);
        assert_eq!(
            [5, 60, 90, 3600, 3661, 86_400].map(seconds),
            ["5 s", "1 min", "1 min 30 s", "1 h", "1 h 1 min", "24 h"]
        );
    }

    #[derive(Debug, serde::Deserialize)]
    struct Inner {
        #[serde(rename = "number")]
        _number: u8,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Outer {
        #[serde(rename = "inner")]
        _inner: Inner,
    }

    #[test]
    fn a_problem_of_json_names_no_type_of_ours() {
        let of = |text: &str| json_problem(&serde_json::from_str::<Outer>(text).unwrap_err());
        assert_eq!(of("{\"inner\": null}"), "invalid type: null, expected an object at line 1 column 14");
        assert_eq!(of("5"), "invalid type: integer `5`, expected an object at line 1 column 1");
        assert_eq!(of("{}"), "missing field `inner` at line 1 column 2");
        assert_eq!(
            of("{\"inner\": {\"number\": \"x\"}}"),
            "invalid type: string \"x\", expected u8 at line 1 column 24"
        );
    }

    #[test]
    fn reasons_have_the_words_of_the_system_without_its_numbers() {
        for (words, expected) in [
            ("No such file or directory (os error 2)", "no such file or directory"),
            (
                "cannot connect to [::1]:6443: tcp connect error: Connection refused (os error 111)",
                "cannot connect to [::1]:6443: tcp connect error: connection refused",
            ),
            ("first: Broken pipe (os error 32); then: Timed out (os error 110)", "first: broken pipe; then: timed out"),
            ("Kubernetes answers (os error x)", "Kubernetes answers (os error x)"),
            ("É (os error 5)", "É"),
            ("TLS alert (os error 104)", "TLS alert"),
        ] {
            assert_eq!(reason(words), expected);
        }
    }

    #[derive(Debug, thiserror::Error)]
    enum Step {
        #[error("cannot open the door")]
        Door(#[source] Box<Step>),
        #[error("the key is lost")]
        Key,
    }

    #[test]
    fn causes_follow_what_failed() {
        assert_eq!(causes(&Step::Key), "the key is lost");
        let nested = Step::Door(Box::new(Step::Door(Box::new(Step::Key))));
        assert_eq!(causes(&nested), "cannot open the door: cannot open the door: the key is lost");
    }
}
