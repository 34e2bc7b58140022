//! Two texts side by side with word emphasis; the only user of `similar`.

use crate::{
    document::selector::{self, Segment},
    yaml,
};
use similar::{ChangeTag, DiffOp, TextDiff};
use std::time::Duration;

/// Parts of a line; `true` marks what the other side does not have.
pub type Parts = Vec<(bool, String)>;

/// One row of a side-by-side view.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// Line numbers from 1 on both sides.
    Same { left: usize, right: usize, text: String },
    /// Either side may be absent.
    Changed { left: Option<(usize, Parts)>, right: Option<(usize, Parts)> },
}

/// The line, from 1, on which each path of a document that was written as YAML begins; of a list that is in it as a whole,
/// the line of the list.
pub fn lines_of<'p>(text: &str, paths: impl IntoIterator<Item = &'p str>) -> Vec<Option<usize>> {
    let document = yaml::parse(text).ok();
    let line = |path: &str| {
        let selector = selector::parse(path).ok()?;
        let (mut node, mut line) = (document.as_ref()?, None);
        for segment in &selector.segments {
            let (next, at) = match segment {
                Segment::Key(key) => {
                    let entry = node.entries().iter().find(|entry| *entry.key == **key)?;
                    (&entry.value, entry.key_at)
                }
                Segment::Index(index) => node.items().get(*index).map(|item| (item, item.at))?,
                Segment::Where { key, value } => {
                    let is_meant =
                        |item: &&yaml::Node| item.get(key).and_then(yaml::Node::text) == Some(value.as_str());
                    node.items().iter().find(is_meant).map(|item| (item, item.at))?
                }
                Segment::Any => return None,
            };
            (node, line) = (next, usize::try_from(at.line).ok());
        }
        line
    };
    paths.into_iter().map(line).collect()
}

/// Lines longer than this, in bytes, are compared as a whole.
const LONGEST: usize = 4000;
/// Texts that share less than this are not the same line changed, but two lines.
const SIMILAR: f32 = 0.4;

/// How long a comparison may take.
#[derive(Clone, Copy)]
pub struct Limit<'l> {
    pub duration: Duration,
    /// Whether it has passed: whoever compares has the clock.
    pub is_over: &'l dyn Fn() -> bool,
}

/// Two texts, aligned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aligned {
    pub rows: Vec<Row>,
    /// The time was not enough: some lines are shown as removed and added that are the same or alike.
    pub is_coarse: bool,
}

/// Aligns two texts line by line, however long that takes.
pub fn side_by_side(left: &str, right: &str) -> Vec<Row> {
    within(left, right, None).rows
}

/// Aligns two texts line by line as far as the limit allows; what is left then stays as it is, line by line.
pub fn within(left: &str, right: &str, limit: Option<Limit<'_>>) -> Aligned {
    let mut aligning = TextDiff::configure();
    if let Some(limit) = limit {
        aligning.timeout(limit.duration);
    }
    let diff = aligning.diff_lines(left, right);
    let is_over = || limit.is_some_and(|limit| (limit.is_over)());
    let mut is_coarse = is_over();
    let (old, new): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    let mut rows = Vec::new();
    let mut pair = |left: Option<usize>, right: Option<usize>| {
        is_coarse |= is_over();
        changed(&old, left, &new, right, is_coarse)
    };
    for op in diff.ops() {
        match *op {
            DiffOp::Equal { old_index, new_index, len } => rows.extend((0..len).map(|n| Row::Same {
                left: old_index + n + 1,
                right: new_index + n + 1,
                text: line(&old, old_index + n),
            })),
            DiffOp::Delete { old_index, old_len, .. } => {
                rows.extend((0..old_len).map(|n| pair(Some(old_index + n), None)));
            }
            DiffOp::Insert { new_index, new_len, .. } => {
                rows.extend((0..new_len).map(|n| pair(None, Some(new_index + n))));
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let index = |start: usize, len: usize, n: usize| (n < len).then_some(start + n);
                rows.extend(
                    (0..old_len.max(new_len)).map(|n| pair(index(old_index, old_len, n), index(new_index, new_len, n))),
                );
            }
        }
    }
    Aligned { rows, is_coarse }
}

fn line(lines: &[&str], index: usize) -> String {
    lines.get(index).copied().unwrap_or_default().to_owned()
}

/// `is_coarse`: there is no time to look for the words that differ.
fn changed(old: &[&str], left: Option<usize>, new: &[&str], right: Option<usize>, is_coarse: bool) -> Row {
    let (before, after) = match (left, right) {
        (Some(left), Some(right)) if !is_coarse => words(&line(old, left), &line(new, right)),
        (left, right) => {
            let whole = |lines: &[&str], index: Option<usize>| {
                vec![(false, index.map_or_else(String::new, |n| line(lines, n)))]
            };
            (whole(old, left), whole(new, right))
        }
    };
    Row::Changed { left: left.map(|index| (index + 1, before)), right: right.map(|index| (index + 1, after)) }
}

/// What turns one text into another, as `patch -p1` and `git apply` take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// A unified diff.
    pub text: String,
    pub added: usize,
    pub removed: usize,
}

/// The patch from one text to another, both called `name`. Where the time is not enough, it is longer than it has to be.
pub fn patch(name: &str, left: &str, right: &str, longest: Duration) -> Patch {
    let diff = TextDiff::configure().timeout(longest).diff_lines(left, right);
    let (mut added, mut removed) = (0, 0);
    for op in diff.ops() {
        match *op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete { old_len, .. } => removed += old_len,
            DiffOp::Insert { new_len, .. } => added += new_len,
            DiffOp::Replace { old_len, new_len, .. } => (added, removed) = (added + new_len, removed + old_len),
        }
    }
    let text = diff.unified_diff().header(&format!("a/{name}"), &format!("b/{name}")).to_string();
    Patch { text, added, removed }
}

/// Both lines in parts, with what differs marked; nothing is marked in lines that have little in common.
pub fn words(left: &str, right: &str) -> (Parts, Parts) {
    let whole = |text: &str| vec![(false, text.to_owned())];
    if left.len().max(right.len()) > LONGEST {
        return (whole(left), whole(right));
    }
    let diff = TextDiff::from_words(left, right);
    if diff.ratio() < SIMILAR {
        return (whole(left), whole(right));
    }
    let (mut before, mut after): (Parts, Parts) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        let text = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                push(&mut before, false, text);
                push(&mut after, false, text);
            }
            ChangeTag::Delete => push(&mut before, true, text),
            ChangeTag::Insert => push(&mut after, true, text),
        }
    }
    (before, after)
}

fn push(parts: &mut Parts, marked: bool, text: &str) {
    match parts.last_mut() {
        Some((known, last)) if *known == marked => last.push_str(text),
        _ => parts.push((marked, text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_has_names_context_and_counts() {
        let left: String = (1..=20).map(|line| format!("{line}\n")).collect();
        let right = left.replace("10\n", "ten\nand more\n");
        let made = patch("list.txt", &left, &right, Duration::from_secs(5));
        let expected =
            "--- a/list.txt\n+++ b/list.txt\n@@ -7,7 +7,8 @@\n 7\n 8\n 9\n-10\n+ten\n+and more\n 11\n 12\n 13\n";
        assert_eq!((made.text.as_str(), made.added, made.removed), (expected, 2, 1));
        let without_end = patch("a", "x\n", "x", Duration::from_secs(5)).text;
        assert!(without_end.ends_with("-x\n+x\n\\ No newline at end of file\n"), "{without_end}");
    }

    #[test]
    fn lines_align_and_changed_words_are_marked() {
        let rows = side_by_side("a\nversion: 1.2\nb\n", "a\nversion: 1.3\nb\nc\n");
        let shown: Vec<String> = rows
            .iter()
            .map(|row| {
                let side = |side: &Option<(usize, Parts)>| match side {
                    Some((number, parts)) => parts.iter().fold(format!("{number} "), |text, (marked, part)| {
                        text + &if *marked { format!("[{part}]") } else { part.clone() }
                    }),
                    None => "-".to_owned(),
                };
                match row {
                    Row::Same { left, right, text } => format!("{left}={right} {text}"),
                    Row::Changed { left, right } => format!("{} | {}", side(left), side(right)),
                }
            })
            .collect();
        assert_eq!(shown, ["1=1 a", "2 version: [1.2] | 2 version: [1.3]", "3=3 b", "- | 4 c"]);
    }

    #[test]
    fn a_comparison_ends_with_its_time_and_says_that_it_is_coarse() {
        // Two texts that share every other line, in which a shortest script of changes takes very long to find.
        let text =
            |side: usize| (0..4_000).map(|n| format!("{}\n", if n % 2 == 0 { n } else { n * 7 + side })).collect();
        let (left, right): (String, String) = (text(1), text(2));
        let limit = |is_over| Some(Limit { duration: Duration::ZERO, is_over });
        let coarse = within(&left, &right, limit(&|| true));
        assert!(coarse.is_coarse);
        // Every line is there, on its side.
        let sides = |rows: &[Row]| {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for row in rows {
                match row {
                    Row::Same { left: one, right: other, .. } => (left.push(*one), right.push(*other)),
                    Row::Changed { left: one, right: other } => {
                        (left.extend(one.iter().map(|(at, _)| *at)), right.extend(other.iter().map(|(at, _)| *at)))
                    }
                };
            }
            (left, right)
        };
        let all: Vec<usize> = (1..=4_000).collect();
        assert_eq!(sides(&coarse.rows), (all.clone(), all.clone()));
        let whole = within(&left, &right, None);
        assert_eq!((whole.is_coarse, sides(&whole.rows)), (false, (all.clone(), all)));
        // Words are looked for as long as there is time.
        let marked = |aligned: &Aligned| {
            let is_marked =
                |part: &Option<(usize, Parts)>| part.iter().any(|(_, parts)| parts.iter().any(|(marked, _)| *marked));
            aligned.rows.iter().any(|row| matches!(row, Row::Changed { left, .. } if is_marked(left)))
        };
        let one = |is_over| within("version: 1.2\n", "version: 1.3\n", limit(is_over));
        assert!(marked(&one(&|| false)) && !marked(&one(&|| true)));
    }
}
