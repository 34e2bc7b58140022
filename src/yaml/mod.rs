//! YAML in and out: the only module that names the YAML crate.
//!
//! In: text. Out: a tree of [`Node`]s, every one with its line and column, from one parse. Untyped scalars follow the
//! dialect of the reference (Go `yaml.v3`); the source text of a scalar is kept, so that a field that is a string by type
//! reads `1.10` as `1.10`. Hostile input (depth, aliases, size) is refused by [`Limits`].
//!
//! `read` builds the tree, `go` is the dialect of scalars, `write` prints values, whole ones or
//! a `stream` of pieces: mappings sorted by key, and everything
//! quoted that YAML 1.1 or 1.2 would read as another type. `packed` keeps trees as bytes that need no parsing.
#![warn(missing_docs)]

mod go;
pub mod packed;
mod read;
pub mod stream;
mod write;

pub use go::{go_float, go_number};
pub use read::{First, first, first_of_last_keys, parse, parse_all, printable};
pub use write::{in_order, to_string, write};

use serde_json::{Number, Value};
use std::{fmt, sync::Arc};

/// Where a node starts: line and column, both from 1. `Position::NONE` for a value that no file wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// From 1; 0 in [`Position::NONE`].
    pub line: u32,
    /// From 1, in characters; 0 in [`Position::NONE`].
    pub column: u32,
}

impl Position {
    /// The place of a value that no file wrote.
    pub const NONE: Position = Position { line: 0, column: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One YAML node with its position; cheap to clone (collections are shared).
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it starts.
    pub at: Position,
    /// What it holds.
    pub kind: Kind,
}

/// What a node holds. Mappings keep the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `null`, `~`, an empty value or an empty document.
    Null,
    /// The source text is kept with the value: `on` in a string field stays `on`.
    Bool(bool, Arc<str>),
    /// Any finite number, with its source text.
    Number(Number, Arc<str>),
    /// `.inf` and `.nan`, which JSON has no number for, with their source text.
    NotFinite(Arc<str>),
    /// A plain date or date-time: the source text.
    Timestamp(Arc<str>),
    /// Every other scalar.
    String(Arc<str>),
    /// In the order of the file.
    List(Arc<[Node]>),
    /// In the order of the file; keys are unique.
    Map(Arc<[Entry]>),
}

/// One `key: value` of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key; always text.
    pub key: Arc<str>,
    /// Where the key starts.
    pub key_at: Position,
    /// The value.
    pub value: Node,
}

/// What hostile input may cost at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the text.
    pub bytes: usize,
    /// Of collections in collections.
    pub depth: usize,
    /// Nodes after aliases were expanded.
    pub nodes: usize,
}

impl Default for Limits {
    /// Generous for real documents: a snapshot of 5,000 nodes has about 40 MB and two million nodes.
    fn default() -> Limits {
        Limits { bytes: 256 << 20, depth: 128, nodes: 8 << 20 }
    }
}

/// Text that is not the YAML that was asked for: what is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (line {}, column {})", at.line, at.column)]
pub struct YamlError {
    /// Where the problem is, or was noticed.
    pub at: Position,
    /// What is wrong.
    pub problem: YamlProblem,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlProblem {
    /// The parser's own words.
    #[error("{0}")]
    Syntax(String),
    /// A key that the mapping has already.
    #[error("duplicate key `{key}`, first defined on line {}", first.line)]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where the mapping has it first.
        first: Position,
    },
    /// A collection as a key.
    #[error("a key must be text, found {found}")]
    KeyNotText {
        /// What was found, as [`Node::kind_name`] calls it.
        found: &'static str,
    },
    /// `<<` with something other than mappings.
    #[error("`<<` merges mappings, found {found}")]
    MergeOfOther {
        /// What was found, as [`Node::kind_name`] calls it.
        found: &'static str,
    },
    /// An alias inside the node that it refers to.
    #[error("the alias refers to the node that contains it")]
    EndlessAlias,
    /// More documents than one, where one was asked for.
    #[error("a second document starts here; expected one document")]
    SecondDocument,
    /// The events of the parser ended inside a document.
    #[error("the document is incomplete")]
    Incomplete,
    /// [`Limits::bytes`].
    #[error("the document has {bytes} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Size of the text.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// [`Limits::depth`].
    #[error("nested deeper than the {limit} levels allowed")]
    TooDeep {
        /// What is allowed.
        limit: usize,
    },
    /// [`Limits::nodes`].
    #[error("more than the {limit} nodes allowed, aliases counted as what they repeat")]
    TooManyNodes {
        /// What is allowed.
        limit: usize,
    },
}

impl YamlProblem {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            YamlProblem::SecondDocument => {
                Some("keep one document: split the file at `---`, or remove what follows it")
            }
            _ => None,
        }
    }
}

impl Node {
    /// The value without positions; timestamps in RFC 3339, non-finite numbers as text.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value, _) => Value::Bool(*value),
            Kind::Number(number, _) => Value::Number(number.clone()),
            Kind::NotFinite(text) => Value::String(text.to_string()),
            Kind::Timestamp(text) => Value::String(go::timestamp(text).unwrap_or_else(|| text.to_string())),
            Kind::String(text) => Value::String(text.to_string()),
            Kind::List(items) => items.iter().map(Node::to_value).collect(),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_value())).collect())
            }
        }
    }

    /// The entry `key` of a mapping; `None` for anything else.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    /// The entries of a mapping in file order; empty for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; empty for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// A scalar as a field that is a string by type reads it: its source text; `None` for null and collections.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Bool(_, text)
            | Kind::Number(_, text)
            | Kind::NotFinite(text)
            | Kind::Timestamp(text)
            | Kind::String(text) => Some(text),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// A boolean as a field that is one by type reads it: also `yes`, `no`, `on`, `off`, `y`, `n` (YAML 1.1).
    pub fn as_bool(&self) -> Option<bool> {
        match &self.kind {
            Kind::Bool(value, _) => Some(*value),
            Kind::String(text) => match &**text {
                "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
                "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the node is null or an empty document.
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// `a string`, `a list`, …: for messages about what was found.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Bool(..) => "a boolean",
            Kind::Number(..) | Kind::NotFinite(_) => "a number",
            Kind::Timestamp(_) => "a timestamp",
            Kind::String(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }
}

#[cfg(test)]
mod tests;
