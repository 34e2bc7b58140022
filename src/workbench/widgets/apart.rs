//! Values that differ, cut so that what tells them apart is seen.
//!
//! In: texts that are beside each other, and the columns that each has. Out: each in its columns. They are cut where all texts
//! are cut, unless what is left would read alike; then what they have in common goes instead.

use super::text::{self, Cut};
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;

/// Columns before the first difference that stay, so that it is read in its word.
const BEFORE: usize = 3;

/// As [`text::fit`] for each of them, with what tells them apart.
pub fn fit<'t>(texts: &[&'t str], rooms: &[usize], cut: Cut) -> Vec<Cow<'t, str>> {
    let fitted = || texts.iter().zip(rooms).map(|(text, room)| text::fit(text, *room, cut));
    let least = rooms.iter().copied().min().unwrap_or(0);
    let reads_alike = |(at, one): (usize, &&str)| {
        let others = texts[at + 1..].iter().filter(|other| *other != one);
        others.into_iter().any(|other| text::fit(one, least, cut) == text::fit(other, least, cut))
    };
    // In so few columns there is nothing to choose.
    if least <= BEFORE || !texts.iter().enumerate().any(reads_alike) {
        return fitted().collect();
    }
    let (begin, end) = in_common(texts);
    let shown = |(text, room): (&&'t str, &usize)| match text::width(text) <= *room {
        true => Cow::Borrowed(*text),
        false => around(text, begin, text.len() - end, *room),
    };
    texts.iter().zip(rooms).map(shown).collect()
}

/// A text in fewer columns than it takes, with its bytes from `begin` to `end`, or what of them there is room for.
fn around(text: &str, begin: usize, end: usize, room: usize) -> Cow<'_, str> {
    let last = text::tail(text, room - 1);
    if text.len() - last.len() <= begin {
        return Cow::Owned(format!("…{last}"));
    }
    if text::width(&text[..end]) < room {
        return text::fit(text, room, Cut::End);
    }
    let before = text::tail(&text[..begin], BEFORE.min(room / 4));
    let from = &text[begin - before.len()..];
    // An ellipsis in place of one column says less than that.
    match text.len() == from.len() {
        true => text::fit(text, room, Cut::End),
        false => Cow::Owned(format!("…{}", text::fit(from, room - 1, Cut::End))),
    }
}

/// Bytes at the start and at the end that all of the texts have.
fn in_common(texts: &[&str]) -> (usize, usize) {
    let Some((first, others)) = texts.split_first() else { return (0, 0) };
    let mut begin = first.len();
    for other in others {
        let same = first.graphemes(true).zip(other.graphemes(true)).take_while(|(one, other)| one == other);
        begin = begin.min(same.map(|(one, _)| one.len()).sum());
    }
    let mut end = texts.iter().map(|text| text.len() - begin).min().unwrap_or(0);
    for other in others {
        let same = first.graphemes(true).rev().zip(other.graphemes(true).rev()).take_while(|(one, other)| one == other);
        end = end.min(same.map(|(one, _)| one.len()).sum());
    }
    // Not within a character.
    while !texts.iter().all(|text| text.is_char_boundary(text.len() - end)) {
        end -= 1;
    }
    (begin, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str], rooms: &[usize], expected: &[&str]) {
        let shown = fit(texts, rooms, Cut::Middle);
        assert_eq!(shown, expected);
        let fits = shown.iter().zip(rooms).all(|(text, room)| text::width(text) <= *room);
        assert!(fits, "{shown:?}");
    }

    #[test]
    fn values_that_would_read_alike_are_cut_where_they_are_the_same() {
        let (plain, eks) = ("components/gpu-operator/values.yaml", "components/gpu-operator/values-eks-training.yaml");
        check(&[plain, eks], &[12, 12], &["…values.yaml", "…ues-eks-tr…"]);
        check(&[plain, eks], &[8, 8], &["…es.yaml", "…es-eks…"]);
        // What one has more of than the other is no difference of the values.
        check(&[plain, eks], &[9, 8], &["…ues.yaml", "…es-eks…"]);
        check(&[plain, eks], &[35, 20], &[plain, "components…ning.yaml"]);
        let tags = ["registry.example/gpu:v1.2-ubuntu24.04-x86", "registry.example/gpu:v1.3-ubuntu24.04-x86"];
        check(&tags, &[11, 11], &["…1.2-ubunt…", "…1.3-ubunt…"]);
        check(&["a".repeat(30).as_str(), &"a".repeat(31)], &[8, 8], &["…aaaaaaa", "…aaaaaaa"]);
    }

    #[test]
    fn values_that_read_apart_are_cut_as_ever() {
        check(&["driver-580.173.02-open", "driver-570.86.16-closed"], &[11, 11], &["drive…-open", "drive…losed"]);
    }

    #[test]
    fn three_values_are_told_apart_where_two_of_them_are_the_same() {
        let [one, two] = ["registry.example/gpu-operator/v1-image", "registry.example/gpu-operator/v2-image"];
        check(&[one, one, two], &[12, 12, 12], &["…or/v1-image", "…or/v1-image", "…or/v2-image"]);
    }

    #[test]
    fn no_character_is_cut_in_two() {
        check(&["日本語日本語a日本語日本語", "日本語日本語b日本語日本語"], &[8, 8], &["…語a日…", "…語b日…"]);
        for room in 0..12 {
            fit(&["é\u{301}xé\u{301}abcdef", "é\u{301}yé\u{301}abcdef"], &[room, room], Cut::List);
        }
    }
}
