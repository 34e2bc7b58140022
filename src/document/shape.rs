//! Which fields a document can have, as data, and what of a document does not fit.
//!
//! In: a tree and a [`Shape`]. Out: every key that the shape does not know, with names that look alike, and every value
//! of another type. Whether that is an error is for the reader: some versions are read strictly, others keep what they do
//! not know.

use crate::{
    criteria::near_matches,
    document::selector::{Segment, Selector},
    yaml::{Kind, Node, Position},
};
use serde_json::Value;

/// What may be at one place of a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Anything: free-form values.
    Any,
    /// Any scalar, read as its source text.
    Text,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// A boolean.
    Flag,
    /// A whole number from 0.
    Count,
    /// A list of that.
    List(&'static Shape),
    /// Keys of a person's own, with values of that shape.
    Map(&'static Shape),
    /// These keys and no others.
    Fields(&'static [(&'static str, Shape)]),
}

/// One thing in a document that its shape does not have.
#[derive(Clone, Debug, PartialEq)]
pub struct Misfit<'n> {
    /// Where in the document, from its root.
    pub path: Selector,
    /// Where in the text: of the key, or of a value of another type.
    pub at: Position,
    /// What does not fit.
    pub problem: Problem,
    /// The value that is there.
    pub value: &'n Node,
}

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A key that the mapping cannot have.
    UnknownField {
        /// Keys that look alike.
        near: Vec<String>,
    },
    /// A value of another type.
    Type {
        /// With its article: `a list`.
        expected: &'static str,
        /// As [`Node::kind_name`] calls it.
        found: &'static str,
    },
    /// A text that is not one of the allowed ones.
    Word {
        /// What is allowed.
        allowed: &'static [&'static str],
        /// What is there.
        found: String,
        /// Allowed ones that look alike.
        near: Vec<String>,
    },
}

/// Everything in a document that its shape does not have, in the order of the text. Null fits everywhere.
pub fn misfits<'n>(node: &'n Node, shape: &Shape) -> Vec<Misfit<'n>> {
    let mut found = Vec::new();
    look(node, shape, &mut Vec::new(), &mut found);
    found
}

fn look<'n>(node: &'n Node, shape: &Shape, path: &mut Vec<Segment>, found: &mut Vec<Misfit<'n>>) {
    let expected = match (shape, &node.kind) {
        (_, Kind::Null) | (Shape::Any, _) => return,
        (Shape::Fields(fields), Kind::Map(entries)) => {
            for entry in entries.iter() {
                path.push(Segment::Key(entry.key.to_string()));
                match fields.iter().find(|(name, _)| *name == &*entry.key) {
                    Some((_, shape)) => look(&entry.value, shape, path, found),
                    None => {
                        let near = near_matches(&entry.key, fields.iter().map(|(name, _)| *name));
                        let (problem, path) = (Problem::UnknownField { near }, Selector { segments: path.clone() });
                        found.push(Misfit { path, at: entry.key_at, problem, value: &entry.value });
                    }
                }
                path.pop();
            }
            return;
        }
        (Shape::Map(shape), Kind::Map(entries)) => {
            for entry in entries.iter() {
                path.push(Segment::Key(entry.key.to_string()));
                look(&entry.value, shape, path, found);
                path.pop();
            }
            return;
        }
        (Shape::List(shape), Kind::List(items)) => {
            for (index, item) in items.iter().enumerate() {
                path.push(Segment::Index(index));
                look(item, shape, path, found);
                path.pop();
            }
            return;
        }
        (Shape::Word(allowed), _) => match node.text() {
            Some(text) if allowed.contains(&text) => return,
            Some(text) => {
                let near = near_matches(text, allowed.iter().copied());
                let problem = Problem::Word { allowed, found: text.to_owned(), near };
                found.push(Misfit { path: Selector { segments: path.clone() }, at: node.at, problem, value: node });
                return;
            }
            None => "a string",
        },
        (Shape::Text, _) if node.text().is_some() => return,
        (Shape::Flag, _) if node.as_bool().is_some() => return,
        (Shape::Count, Kind::Number(number, _)) if number.as_u64().is_some() => return,
        (Shape::Text, _) => "a string",
        (Shape::Flag, _) => "true or false",
        (Shape::Count, _) => "a whole number from 0",
        (Shape::List(_), _) => "a list",
        (Shape::Map(_) | Shape::Fields(_), _) => "a mapping",
    };
    let problem = Problem::Type { expected, found: node.kind_name() };
    found.push(Misfit { path: Selector { segments: path.clone() }, at: node.at, problem, value: node });
}

/// Keys that a shape does not know, each with the value that a writer has to put back.
pub fn unknown(node: &Node, shape: &Shape) -> Vec<(Selector, Value)> {
    let is_unknown = |misfit: &Misfit<'_>| matches!(misfit.problem, Problem::UnknownField { .. });
    misfits(node, shape).into_iter().filter(is_unknown).map(|misfit| (misfit.path, misfit.value.to_value())).collect()
}

/// Puts a value where [`unknown`] found it; whatever has changed since, nothing that is there is replaced.
pub fn restore(document: &mut Value, path: &Selector, value: &Value) {
    let Some((Segment::Key(last), above)) = path.segments.split_last() else { return };
    let mut place = document;
    for segment in above {
        let next = match segment {
            Segment::Key(key) => place.get_mut(key),
            Segment::Index(index) => place.get_mut(index),
            Segment::Where { .. } | Segment::Any => None,
        };
        let Some(next) = next else { return };
        place = next;
    }
    if let Value::Object(fields) = place {
        fields.entry(last.clone()).or_insert_with(|| value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Shape = Shape::Fields(&[("name", Shape::Text), ("size", Shape::Count), ("free", Shape::Any)]);
    const PLAN: Shape = Shape::Fields(&[
        ("kind", Shape::Word(&["Plan", "Idea"])),
        ("steps", Shape::List(&STEP)),
        ("labels", Shape::Map(&Shape::Text)),
        ("on", Shape::Flag),
    ]);

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let node = crate::yaml::parse(text).unwrap();
        let found: Vec<String> = misfits(&node, &PLAN)
            .iter()
            .map(|misfit| {
                let what = match &misfit.problem {
                    Problem::UnknownField { near } => format!("unknown, near {near:?}"),
                    Problem::Type { expected, found } => format!("{found} for {expected}"),
                    Problem::Word { found, near, .. } => format!("{found}, near {near:?}"),
                };
                format!("{} at {}: {what}", misfit.path, misfit.at)
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_fits_has_no_misfits() {
        check("{kind: Plan, steps: [{name: a, size: 2, free: {x: [1]}}], labels: {a: b, c: 1}, on: yes}", &[]);
        check("{kind: null, steps: null}", &[]);
        check("", &[]);
    }

    #[test]
    fn unknown_keys_and_other_types_are_found_where_they_are() {
        check(
            "kind: Pan\nsteps:\n- nam: a\n- size: -1\nlabels: [a]\n\"o.n\": 1\n",
            &[
                "kind at 1:7: Pan, near [\"Plan\"]",
                "steps[0].nam at 3:3: unknown, near [\"name\"]",
                "steps[1].size at 4:9: a number for a whole number from 0",
                "labels at 5:9: a list for a mapping",
                "\"o.n\" at 6:1: unknown, near [\"on\"]",
            ],
        );
    }

    #[test]
    fn unknown_fields_go_back_where_they_were() {
        let node = crate::yaml::parse("steps: [{name: a}, {name: b, new: [1]}]\nmore: {x: 1}\n").unwrap();
        let unknown = unknown(&node, &PLAN);
        let mut written = serde_json::json!({"steps": [{"name": "a"}, {"name": "b"}]});
        unknown.iter().for_each(|(path, value)| restore(&mut written, path, value));
        assert_eq!(written, node.to_value());
    }
}
