//! YAML in and out: the only module that names the YAML crate.
//!
//! In: text. Out: a tree of [`Node`]s, every one with the line and column where it stands, from one parse. Untyped
//! scalars follow the dialect of the reference (Go `yaml.v3`); the source text of a scalar is kept, so that a field that
//! is a string by type reads `1.10` as `1.10`. Hostile input (depth, aliases, size) is refused by [`Limits`].
//!
//! Output sorts every mapping by key and quotes what YAML 1.1 or 1.2 would read as another type.

use std::{fmt, sync::Arc};

/// Where a node starts: line and column, both from 1. `Position::NONE` for a value that no file wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Position {
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
    pub at: Position,
    pub kind: Kind,
}

/// What a node holds. Mappings keep the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    /// Any number; the source text is kept beside it.
    Number(serde_json::Number, Arc<str>),
    String(Arc<str>),
    List(Arc<[Node]>),
    Map(Arc<[Entry]>),
}

/// One `key: value` of a mapping. Keys are text; `key_at` is where the key stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: Arc<str>,
    pub key_at: Position,
    pub value: Node,
}

/// What hostile input may cost at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: usize,
    pub depth: usize,
    /// Nodes after aliases were expanded.
    pub nodes: usize,
}

/// Text that is not the YAML that was asked for: what, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct YamlError {
    pub at: Position,
    pub message: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.message, self.at.line, self.at.column)
    }
}

impl std::error::Error for YamlError {}

/// The first document of `text`; an empty text is `Kind::Null`.
pub fn parse(text: &str) -> Result<Node, YamlError> {
    let _ = text;
    todo!("core")
}

impl Node {
    /// The value without positions.
    pub fn to_value(&self) -> serde_json::Value {
        todo!("core")
    }

    /// The entry `key` of a mapping; `None` for anything else.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Kind::Map(entries) = &self.kind else { return None };
        entries.iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }
}

/// YAML text of a value: keys sorted, two spaces, final newline; reads back as the same value in YAML 1.1 and 1.2.
pub fn to_string(value: &serde_json::Value) -> String {
    let _ = value;
    todo!("core")
}
