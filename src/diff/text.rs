//! Two texts side by side with word emphasis; the only user of `similar`.

use crate::{
    document::selector::{self, Segment},
    yaml,
};
use similar::{ChangeTag, DiffOp, TextDiff};

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

/// Aligns two texts line by line.
pub fn side_by_side(left: &str, right: &str) -> Vec<Row> {
    let diff = TextDiff::from_lines(left, right);
    let (old, new): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    let mut rows = Vec::new();
    for op in diff.ops() {
        match *op {
            DiffOp::Equal { old_index, new_index, len } => rows.extend((0..len).map(|n| Row::Same {
                left: old_index + n + 1,
                right: new_index + n + 1,
                text: line(&old, old_index + n),
            })),
            DiffOp::Delete { old_index, old_len, .. } => {
                rows.extend((0..old_len).map(|n| changed(&old, Some(old_index + n), &new, None)));
            }
            DiffOp::Insert { new_index, new_len, .. } => {
                rows.extend((0..new_len).map(|n| changed(&old, None, &new, Some(new_index + n))));
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let index = |start: usize, len: usize, n: usize| (n < len).then_some(start + n);
                rows.extend(
                    (0..old_len.max(new_len))
                        .map(|n| changed(&old, index(old_index, old_len, n), &new, index(new_index, new_len, n))),
                );
            }
        }
    }
    rows
}

fn line(lines: &[&str], index: usize) -> String {
    lines.get(index).copied().unwrap_or_default().to_owned()
}

fn changed(old: &[&str], left: Option<usize>, new: &[&str], right: Option<usize>) -> Row {
    let (before, after) = match (left, right) {
        (Some(left), Some(right)) => words(&line(old, left), &line(new, right)),
        (left, right) => {
            let whole = |lines: &[&str], index: Option<usize>| {
                vec![(false, index.map_or_else(String::new, |n| line(lines, n)))]
            };
            (whole(old, left), whole(new, right))
        }
    };
    Row::Changed { left: left.map(|index| (index + 1, before)), right: right.map(|index| (index + 1, after)) }
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
}
