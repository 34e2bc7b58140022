//! Looking up a path in a resolved document.
//!
//! The reference's grammar (`components.gpu-operator.values.driver.version`, one optional leading dot) plus quoted
//! segments (`"nvidia.com/gpu"`), indexes (`[0]`), list keys (`[name=x]`) and wildcards (`*`). A segment without quotes
//! may hold anything but `.`, `[` and `"`, as in the reference.

use crate::{
    criteria::near_matches,
    document::traced::{Traced, TracedValue},
    text::did_you_mean,
    yaml,
};
use serde_json::Value;
use std::fmt;

/// A parsed selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Key(String),
    Index(usize),
    /// The element of a list whose field has that text.
    Where {
        key: String,
        value: String,
    },
    /// Every child.
    Any,
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Key(key) if key.is_empty() || key == "*" || key.contains(['.', '[', '"']) => {
                write!(f, "\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Segment::Key(key) => f.write_str(key),
            Segment::Index(index) => write!(f, "[{index}]"),
            Segment::Where { key, value } => write!(f, "[{key}={value}]"),
            Segment::Any => f.write_str("*"),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            let dot = index > 0 && matches!(segment, Segment::Key(_) | Segment::Any);
            write!(f, "{}{segment}", if dot { "." } else { "" })?;
        }
        Ok(())
    }
}

/// A selector that cannot be read, or one that names nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Not in the grammar.
    #[error("the selector `{selector}` cannot be read at column {column}: {message}")]
    Syntax {
        /// As typed.
        selector: String,
        /// In characters, from 1.
        column: usize,
        /// What was expected there.
        message: String,
    },
    /// A segment that names nothing.
    #[error("`{selector}` has no `{segment}`")]
    NotFound {
        /// The segments that were found; `.` for the document.
        selector: String,
        /// The first that was not.
        segment: String,
        /// What there is instead.
        available: Vec<String>,
    },
}

impl QueryError {
    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            QueryError::Syntax { .. } => {
                Some("segments are separated by dots; quote one that holds a dot: labels.\"nvidia.com/gpu\"".to_owned())
            }
            QueryError::NotFound { available, .. } if available.is_empty() => None,
            QueryError::NotFound { segment, available, .. } => {
                let near = near_matches(segment, available.iter().map(String::as_str));
                let question = did_you_mean(&near).map(|question| question + " ").unwrap_or_default();
                Some(format!("{question}there are: {}", available.join(", ")))
            }
        }
    }
}

/// Reads a selector; empty or `.` names the whole document.
///
/// # Errors
/// [`QueryError::Syntax`].
pub fn parse(text: &str) -> Result<Selector, QueryError> {
    let mut reader = Reader { text, rest: text.strip_prefix('.').unwrap_or(text) };
    let mut segments = Vec::new();
    while !reader.rest.is_empty() {
        match reader.rest.chars().next() {
            Some('[') => segments.push(reader.bracket()?),
            _ => segments.push(reader.key()?),
        }
        match reader.rest.chars().next() {
            Some('.') => {
                reader.rest = &reader.rest[1..];
                if reader.rest.is_empty() {
                    segments.push(Segment::Key(String::new()));
                }
            }
            Some('[') | None => {}
            Some(other) => return Err(reader.wrong(format!("expected `.` or `[`, found `{other}`"))),
        }
    }
    Ok(Selector { segments })
}

struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
}

impl Reader<'_> {
    fn wrong(&self, message: impl Into<String>) -> QueryError {
        let read = &self.text[..self.text.len() - self.rest.len()];
        QueryError::Syntax { selector: self.text.to_owned(), column: read.chars().count() + 1, message: message.into() }
    }

    fn key(&mut self) -> Result<Segment, QueryError> {
        if self.rest.starts_with('"') {
            return self.quoted().map(Segment::Key);
        }
        let end = self.rest.find(['.', '[', '"']).unwrap_or(self.rest.len());
        let (key, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(if key == "*" { Segment::Any } else { Segment::Key(key.to_owned()) })
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((index, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[index + 1..];
                    return Ok(text);
                }
                '\\' => text.extend(chars.next().map(|(_, c)| c)),
                c => text.push(c),
            }
        }
        Err(self.wrong("the quote is not closed"))
    }

    fn bracket(&mut self) -> Result<Segment, QueryError> {
        let Some(end) = self.rest.find(']') else { return Err(self.wrong("the bracket is not closed")) };
        let inner = &self.rest[1..end];
        let segment = match (inner, inner.split_once('=')) {
            ("*", _) => Segment::Any,
            (_, Some((key, value))) if !key.trim().is_empty() && !value.trim().is_empty() => {
                let value = value.trim().trim_matches('"');
                Segment::Where { key: key.trim().to_owned(), value: value.to_owned() }
            }
            _ => match inner.parse() {
                Ok(index) => Segment::Index(index),
                Err(_) => return Err(self.wrong(format!("expected an index, `*` or `key=value`, found `{inner}`"))),
            },
        };
        self.rest = &self.rest[end + 1..];
        Ok(segment)
    }
}

/// The values that a selector names, each with its concrete path; at least one.
///
/// # Errors
/// [`QueryError::NotFound`] when nothing is named.
pub fn find<'d>(document: &'d Traced, selector: &Selector) -> Result<Vec<(Selector, &'d Traced)>, QueryError> {
    let mut found = vec![(Selector { segments: Vec::new() }, document)];
    for segment in &selector.segments {
        let mut next = Vec::new();
        for (path, value) in &found {
            for (step, child) in children(value, segment) {
                let segments = path.segments.iter().cloned().chain([step]).collect();
                next.push((Selector { segments }, child));
            }
        }
        if next.is_empty() {
            let (path, value) = &found[0];
            return Err(QueryError::NotFound {
                selector: if path.segments.is_empty() { ".".to_owned() } else { path.to_string() },
                segment: segment.to_string(),
                available: available(value),
            });
        }
        found = next;
    }
    Ok(found)
}

fn children<'d>(value: &'d Traced, segment: &Segment) -> Vec<(Segment, &'d Traced)> {
    match (&value.value, segment) {
        (TracedValue::Map(entries), Segment::Key(key)) => {
            entries.iter().filter(|(name, _)| **name == **key).map(|(_, child)| (segment.clone(), child)).collect()
        }
        (TracedValue::Map(entries), Segment::Any) => {
            entries.iter().map(|(name, child)| (Segment::Key(name.to_string()), child)).collect()
        }
        (TracedValue::List(items), Segment::Any) => {
            items.iter().enumerate().map(|(index, child)| (Segment::Index(index), child)).collect()
        }
        (TracedValue::List(items), Segment::Index(index)) => {
            items.get(*index).map(|child| (segment.clone(), child)).into_iter().collect()
        }
        (TracedValue::List(items), Segment::Where { key, value }) => {
            let has = |item: &&Traced| item.get(key).is_some_and(|field| plain(&field.to_value()) == *value);
            items.iter().filter(has).map(|child| (segment.clone(), child)).collect()
        }
        _ => Vec::new(),
    }
}

/// What could have been asked for instead.
fn available(value: &Traced) -> Vec<String> {
    match &value.value {
        TracedValue::Map(entries) => {
            let mut keys: Vec<String> =
                entries.iter().map(|(key, _)| Segment::Key(key.to_string()).to_string()).collect();
            keys.sort();
            keys
        }
        TracedValue::List(items) => {
            let name = |(index, item): (usize, &Traced)| match item.get("name").and_then(Traced::as_text) {
                Some(name) => format!("[name={name}]"),
                None => format!("[{index}]"),
            };
            items.iter().enumerate().map(name).collect()
        }
        TracedValue::Scalar(_) => Vec::new(),
    }
}

/// A value as `query` prints it: scalars raw, everything else as YAML. Ends with a line end.
pub fn print(value: &Value) -> String {
    match value {
        Value::Object(_) | Value::Array(_) => yaml::to_string(value),
        scalar => plain(scalar) + "\n",
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => yaml::go_number(number),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match parse(text) {
            Ok(selector) => format!("{:?}", selector.segments.iter().map(Segment::to_string).collect::<Vec<_>>()),
            Err(QueryError::Syntax { column, message, .. }) => format!("{column}: {message}"),
            Err(other) => other.to_string(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn the_references_grammar_and_ours() {
        check("", "[]");
        check(".", "[]");
        check(".components.gpu-operator.values", r#"["components", "gpu-operator", "values"]"#);
        check("constraints[0].name", r#"["constraints", "[0]", "name"]"#);
        check("constraints[name=K8s.server.version].value", r#"["constraints", "[name=K8s.server.version]", "value"]"#);
        check(r#"labels."nvidia.com/gpu""#, r#"["labels", "\"nvidia.com/gpu\""]"#);
        check("components.*.version", r#"["components", "*", "version"]"#);
        check("a..b", r#"["a", "\"\"", "b"]"#);
        check("a[x]", "2: expected an index, `*` or `key=value`, found `x`");
        check("a[0", "2: the bracket is not closed");
        check("\"a", "1: the quote is not closed");
    }

    #[test]
    fn a_selector_prints_as_it_reads() {
        for text in ["a.b[0][name=x].*", r#"a."b.c".d"#, "a[0].b"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }
}
