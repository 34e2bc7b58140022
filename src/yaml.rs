//! YAML in and out: the only module that names the YAML crate.
//!
//! In: text. Out: a tree of [`Node`]s, every one with the line and column where it stands, from one parse. Untyped
//! scalars follow the dialect of the reference (Go `yaml.v3`); the source text of a scalar is kept, so that a field that
//! is a string by type reads `1.10` as `1.10`. Hostile input (depth, aliases, size) is refused by [`Limits`].
//!
//! Output sorts every mapping by key and quotes what YAML 1.1 or 1.2 would read as another type.
//!
//! The tree is built from the events of the crate behind `serde_yaml`, not through serde: serde knows no positions of
//! keys, no source text of numbers and no Go dialect.

use serde_json::{Number, Value};
use serde_yaml::granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, options};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt,
    fmt::Write as _,
    sync::Arc,
};

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
    /// The source text is kept beside the value: `on` in a string field stays `on`.
    Bool(bool, Arc<str>),
    /// Any finite number, with its source text.
    Number(Number, Arc<str>),
    /// `.inf` and `.nan`, which JSON has no number for, with their source text.
    NotFinite(Arc<str>),
    /// A plain date or date-time: the source text.
    Timestamp(Arc<str>),
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

impl Default for Limits {
    /// Generous for real documents: a snapshot of 5,000 nodes has about 40 MB and two million nodes.
    fn default() -> Limits {
        Limits { bytes: 256 << 20, depth: 128, nodes: 8 << 20 }
    }
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
///
/// # Errors
/// Syntax, duplicate keys, unknown anchors, and whatever exceeds the default [`Limits`]; also what follows the document
/// without starting another (`a` in one line, `b: c` in the next), which the reference drops without a word.
pub fn parse(text: &str) -> Result<Node, YamlError> {
    let null = Node { at: Position { line: 1, column: 1 }, kind: Kind::Null };
    let mut builder = Builder::new(text, Limits::default())?;
    let first = builder.document()?.unwrap_or(null);
    builder.parser.next_event().transpose().map_err(syntax)?;
    Ok(first)
}

/// Every document of `text`, in order.
///
/// # Errors
/// As [`parse`], for any document.
pub fn parse_all(text: &str) -> Result<Vec<Node>, YamlError> {
    let mut builder = Builder::new(text, Limits::default())?;
    std::iter::from_fn(|| builder.document().transpose()).collect()
}

impl Node {
    /// The value without positions; timestamps in RFC 3339, non-finite numbers as text.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value, _) => Value::Bool(*value),
            Kind::Number(number, _) => Value::Number(number.clone()),
            Kind::NotFinite(text) => Value::String(text.to_string()),
            Kind::Timestamp(text) => Value::String(timestamp(text).unwrap_or_else(|| text.to_string())),
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

/// A node under construction: a list, or a mapping with its pending key.
enum Open {
    List { at: Position, anchor: usize, items: Vec<Node> },
    Map { at: Position, anchor: usize, entries: Vec<Entry>, keys: Keys, pending: Option<Key> },
}

/// A key that waits for its value; `merge` for a plain `<<`.
struct Key {
    text: Arc<str>,
    at: Position,
    merge: bool,
}

/// Turns parser events into nodes, one document at a time.
struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    limits: Limits,
    anchors: HashMap<usize, Node>,
    /// Nodes so far, aliases counted with all they hold.
    nodes: usize,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str, limits: Limits) -> Result<Builder<'t>, YamlError> {
        if text.len() > limits.bytes {
            let message = format!("the document has {} bytes, more than the {} allowed", text.len(), limits.bytes);
            return Err(YamlError { at: Position { line: 1, column: 1 }, message });
        }
        let options = options! { emit_comments: false };
        let parser = Parser::new_from_str_with_options(text, options);
        Ok(Builder { parser, limits, anchors: HashMap::new(), nodes: 0 })
    }

    /// The next document, or `None` at the end of the stream.
    fn document(&mut self) -> Result<Option<Node>, YamlError> {
        loop {
            let Some(event) = self.parser.next_event() else { return Ok(None) };
            match event.map_err(syntax)?.0 {
                Event::StreamEnd => return Ok(None),
                Event::DocumentStart(..) => break,
                _ => {}
            }
        }
        self.anchors.clear();
        let mut open: Vec<Open> = Vec::new();
        loop {
            let Some(event) = self.parser.next_event() else {
                return Err(YamlError { at: Position::NONE, message: "the document ends too early".to_owned() });
            };
            let (event, span) = event.map_err(syntax)?;
            let at = position(&span.start);
            let done = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    // A tag that YAML does not know makes a text of what it stands before, as in the reference.
                    let tag = tag.as_ref().map(|tag| tag.core_suffix().unwrap_or("str"));
                    let plain = style == ScalarStyle::Plain;
                    if let Some(Open::Map { pending: pending @ None, .. }) = open.last_mut() {
                        let merge = plain && text == "<<";
                        *pending = Some(Key { text: text.into(), at, merge });
                        self.count(1, at)?;
                        continue;
                    }
                    let node = Node { at, kind: scalar(text, plain, tag) };
                    self.count(1, at)?;
                    self.remember(anchor, &node);
                    Some(node)
                }
                Event::SequenceStart(_, anchor, _) => {
                    self.enter(&open, at, "a list")?;
                    open.push(Open::List { at, anchor, items: Vec::new() });
                    None
                }
                Event::MappingStart(_, anchor, _) => {
                    self.enter(&open, at, "a mapping")?;
                    open.push(Open::Map { at, anchor, entries: Vec::new(), keys: Keys::default(), pending: None });
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(closed) = open.pop() else { continue };
                    let (anchor, node) = close(closed);
                    self.remember(anchor, &node);
                    Some(node)
                }
                Event::Alias(id) => {
                    if let Some(Open::Map { pending: pending @ None, .. }) = open.last_mut() {
                        let text = self.anchors.get(&id).and_then(Node::text).map(Arc::from);
                        let text = text.ok_or_else(|| not_a_key(at, "an alias of a collection"))?;
                        *pending = Some(Key { text, at, merge: false });
                        continue;
                    }
                    let Some(target) = self.anchors.get(&id).cloned() else {
                        let message = "an alias stands inside the node that it names".to_owned();
                        return Err(YamlError { at, message });
                    };
                    self.count(size(&target), at)?;
                    Some(target)
                }
                Event::DocumentEnd => return Ok(None),
                _ => None,
            };
            let Some(node) = done else { continue };
            match open.last_mut() {
                Some(Open::List { items, .. }) => items.push(node),
                Some(Open::Map { entries, keys, pending, .. }) => match pending.take() {
                    Some(key) if key.merge => merge(entries, keys, &node)?,
                    Some(key) => insert(entries, keys, key, node)?,
                    None => return Err(not_a_key(node.at, node.kind_name())),
                },
                None => {
                    // The event that ends the document.
                    self.parser.next_event().transpose().map_err(syntax)?;
                    return Ok(Some(node));
                }
            }
        }
    }

    fn enter(&mut self, open: &[Open], at: Position, what: &'static str) -> Result<(), YamlError> {
        if let Some(Open::Map { pending: None, .. }) = open.last() {
            return Err(not_a_key(at, what));
        }
        if open.len() >= self.limits.depth {
            let message = format!("nested deeper than the {} levels allowed", self.limits.depth);
            return Err(YamlError { at, message });
        }
        self.count(1, at)
    }

    fn count(&mut self, nodes: usize, at: Position) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.limits.nodes {
            let message =
                format!("more than the {} nodes allowed, aliases counted as what they repeat", self.limits.nodes);
            return Err(YamlError { at, message });
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }
}

fn close(open: Open) -> (usize, Node) {
    match open {
        Open::List { at, anchor, items } => (anchor, Node { at, kind: Kind::List(items.into()) }),
        Open::Map { at, anchor, entries, .. } => (anchor, Node { at, kind: Kind::Map(entries.into()) }),
    }
}

/// Which keys a mapping has: where each stands among the entries, and which came in through `<<`.
///
/// Small mappings are searched, larger ones hashed: most have a handful of keys, hostile ones have a million.
#[derive(Default)]
struct Keys {
    index: HashMap<Arc<str>, usize>,
    merged: HashSet<Arc<str>>,
}

impl Keys {
    const SEARCHED: usize = 16;

    fn find(&self, entries: &[Entry], key: &str) -> Option<usize> {
        if entries.len() <= Keys::SEARCHED {
            entries.iter().position(|entry| &*entry.key == key)
        } else {
            self.index.get(key).copied()
        }
    }

    fn push(&mut self, entries: &mut Vec<Entry>, entry: Entry) {
        entries.push(entry);
        let new = match entries.len() {
            ..=Keys::SEARCHED => return,
            length if self.index.is_empty() => 0..length,
            length => length - 1..length,
        };
        self.index.extend(new.map(|at| (entries[at].key.clone(), at)));
    }
}

/// An entry of the mapping itself; it replaces one that came in through `<<`, and may not repeat another.
fn insert(entries: &mut Vec<Entry>, keys: &mut Keys, key: Key, value: Node) -> Result<(), YamlError> {
    let entry = Entry { key: key.text, key_at: key.at, value };
    let Some(index) = keys.find(entries, &entry.key) else {
        keys.push(entries, entry);
        return Ok(());
    };
    if !keys.merged.remove(&entry.key) {
        let line = entries[index].key_at.line;
        let message = format!("the key `{}` stands twice in this mapping, first in line {line}", entry.key);
        return Err(YamlError { at: entry.key_at, message });
    }
    entries[index] = entry;
    Ok(())
}

/// What `<<` brings: entries of a mapping, or of several, that the mapping does not have yet.
fn merge(entries: &mut Vec<Entry>, keys: &mut Keys, source: &Node) -> Result<(), YamlError> {
    match &source.kind {
        Kind::Map(merged) => {
            for entry in merged.iter() {
                if keys.find(entries, &entry.key).is_none() {
                    keys.merged.insert(entry.key.clone());
                    keys.push(entries, entry.clone());
                }
            }
            Ok(())
        }
        Kind::List(sources) if sources.iter().all(|source| matches!(source.kind, Kind::Map(_))) => {
            sources.iter().try_for_each(|source| merge(entries, keys, source))
        }
        _ => {
            let message = format!("`<<` merges mappings, found {}", source.kind_name());
            Err(YamlError { at: source.at, message })
        }
    }
}

fn not_a_key(at: Position, found: &str) -> YamlError {
    YamlError { at, message: format!("a key must be text, found {found}") }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| 1 + size(&entry.value)).sum::<usize>(),
        _ => 1,
    }
}

fn position(marker: &Marker) -> Position {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: number(marker.line()), column: number(marker.col() + 1) }
}

fn syntax(error: ScanError) -> YamlError {
    YamlError { at: position(error.marker()), message: error.info() }
}

/// The kind of an untyped scalar, as Go's `yaml.v3` resolves it.
fn scalar(text: Cow<'_, str>, plain: bool, tag: Option<&str>) -> Kind {
    match tag {
        Some("str") => return Kind::String(text.into()),
        None if !plain => return Kind::String(text.into()),
        Some("null") => return Kind::Null,
        _ => {}
    }
    let source = || Arc::<str>::from(&*text);
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true, source()),
        "false" | "False" | "FALSE" => Kind::Bool(false, source()),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN"
        | ".NAN" => Kind::NotFinite(source()),
        _ => match number(&text) {
            Some(number) => Kind::Number(number, source()),
            None if timestamp(&text).is_some() => Kind::Timestamp(source()),
            None => Kind::String(text.into()),
        },
    }
}

/// Integers in all of Go's spellings (`010` and `0o10` are 8, `0x`, `0b`, `1_000`), then floats.
fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    if first == b'.' {
        return float(text);
    }
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, &*plain),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) => {
            (8, &digits[1..])
        }
        _ => (10, digits),
    };
    let is_integer = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    if is_integer && let Ok(magnitude) = u64::from_str_radix(digits, radix) {
        return match (negative, i64::try_from(magnitude)) {
            (false, _) => Some(magnitude.into()),
            (true, Ok(magnitude)) => Some((-magnitude).into()),
            (true, Err(_)) if magnitude == 1 << 63 => Some(i64::MIN.into()),
            (true, Err(_)) => Number::from_f64(-(magnitude as f64)),
        };
    }
    float(&plain)
}

/// `[-+]? (digits [. digits?] | . digits) ([eE] [-+]? digits)?`, and nothing else that Rust would read as a float.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(index) => (&unsigned[..index], Some(&unsigned[index + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent_ok = exponent.is_none_or(|text| {
        let text = text.strip_prefix(['-', '+']).unwrap_or(text);
        !text.is_empty() && digits(text)
    });
    let mantissa_ok = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    if !(mantissa_ok && exponent_ok) {
        return None;
    }
    Number::from_f64(text.parse().ok()?)
}

/// What Go reads as a timestamp, in RFC 3339: `2024-1-2`, `2024-01-02T03:04:05.6+02:00` with a zone, or
/// `2024-01-02 03:04:05` without one, which then is UTC.
fn timestamp(text: &str) -> Option<String> {
    let is_dated = |bytes: &[u8]| bytes.len() > 7 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-';
    if !text.is_ascii() || !is_dated(text.as_bytes()) {
        return None;
    }
    let (date, clock, zone) = match text.find(['T', 't', ' ']) {
        Some(at) if text.as_bytes()[at] == b' ' => (&text[..at], clock(text[at..].trim_start())?, "Z"),
        Some(at) => {
            let zone = at + text[at..].find(['Z', '+', '-'])?;
            (&text[..at], clock(&text[at + 1..zone])?, zone_of(&text[zone..])?)
        }
        None => (text, "00:00:00".to_owned(), "Z"),
    };
    let local = format!("{}T{clock}", padded(date, '-')?);
    local.parse::<jiff::civil::DateTime>().is_ok().then(|| local + zone)
}

fn zone_of(text: &str) -> Option<&str> {
    match text {
        "Z" | "+00:00" | "-00:00" => Some("Z"),
        _ => {
            let (hours, minutes) = text[1..].split_once(':')?;
            let below = |part: &str, limit: u8| part.len() == 2 && part.parse::<u8>().is_ok_and(|n| n < limit);
            (below(hours, 24) && below(minutes, 60)).then_some(text)
        }
    }
}

/// `3:4:5.6` as `03:04:05.6`.
fn clock(text: &str) -> Option<String> {
    let (whole, fraction) = text.find('.').map_or((text, ""), |at| text.split_at(at));
    (fraction.is_empty() || fraction.len() > 1 && fraction[1..].bytes().all(|b| b.is_ascii_digit()))
        .then(|| Some(padded(whole, ':')? + fraction.trim_end_matches(['0', '.'])))?
}

/// Three numbers with two digits at least: `2024-1-2` as `2024-01-02`.
fn padded(text: &str, separator: char) -> Option<String> {
    let parts: Vec<&str> = text.split(separator).collect();
    let is_number = |part: &&str| !part.is_empty() && part.len() < 5 && part.bytes().all(|b| b.is_ascii_digit());
    let [first, second, third] = parts[..] else { return None };
    let good = parts.iter().all(is_number) && second.len() < 3 && third.len() < 3;
    good.then(|| format!("{first:0>2}{separator}{second:0>2}{separator}{third:0>2}"))
}

/// YAML text of a value: keys sorted, two spaces, final newline; reads back as the same value in YAML 1.1 and 1.2.
pub fn to_string(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => write_map(&mut out, map, 0),
        Value::Array(list) if !list.is_empty() => write_list(&mut out, list, 0),
        // A block's indentation counts from a parent, which this one lacks.
        Value::String(text) if text.contains('\n') => {
            write_double_quoted(&mut out, text);
            out.push('\n');
        }
        scalar => {
            write_inline(&mut out, scalar, 0);
            out.push('\n');
        }
    }
    out
}

fn write_map(out: &mut String, map: &serde_json::Map<String, Value>, indent: usize) {
    // serde_json keeps maps sorted unless some crate turns on `preserve_order`; the order is part of our format.
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 || !opens_item(out) {
            pad(out, indent);
        }
        if key.len() <= SIMPLE_KEY {
            write_text(out, key, indent, true);
            out.push(':');
            write_value(out, value, indent);
        } else {
            out.push_str("? ");
            write_text(out, key, indent, true);
            out.push('\n');
            pad(out, indent);
            out.push_str(": ");
            write_item(out, value, indent);
        }
    }
}

/// Bytes of a key that stands before its colon. Go writes longer ones as `? key`; from 1,024 on readers must refuse them.
const SIMPLE_KEY: usize = 128;

/// Does a line stand at the place of an item, after `- ` or the `: ` of a long key?
fn opens_item(out: &str) -> bool {
    out.ends_with("- ") || out.ends_with(": ")
}

fn write_list(out: &mut String, list: &[Value], indent: usize) {
    for (index, value) in list.iter().enumerate() {
        if index > 0 || !opens_item(out) {
            pad(out, indent);
        }
        out.push_str("- ");
        write_item(out, value, indent);
    }
}

/// What stands behind `- `, or behind the colon of a long key.
fn write_item(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => write_map(out, map, indent + 2),
        Value::Array(list) if !list.is_empty() => write_list(out, list, indent + 2),
        scalar => {
            write_inline(out, scalar, indent);
            out.push('\n');
        }
    }
}

/// What stands behind `key:`.
fn write_value(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            write_map(out, map, indent + 2);
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            write_list(out, list, indent + 2);
        }
        scalar => {
            out.push(' ');
            write_inline(out, scalar, indent);
            out.push('\n');
        }
    }
}

fn write_inline(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&go_number(number)),
        Value::String(text) => write_text(out, text, indent, false),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// A number as Go prints it (`strconv`'s shortest `g`): integers in decimal; floats with an exponent below -4 and from 6.
pub fn go_number(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => go_float(value),
        _ => number.to_string(),
    }
}

/// A float in Go's shortest `g` form: `0.1`, `100000`, `1e+06`.
pub fn go_float(value: f64) -> String {
    if value == 0.0 {
        // Not `-0`, which reads back as the integer 0.
        return "0".to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{value}")
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// A string: plain when that is safe, a literal block when it has lines, else quoted.
fn write_text(out: &mut String, text: &str, indent: usize, key: bool) {
    if needs_double_quotes(text) || (key && text.contains('\n')) {
        write_double_quoted(out, text);
    } else if text.contains('\n') {
        write_literal(out, text, indent + 2);
    } else if resolves_to_other_type(text) {
        write_double_quoted(out, text);
    } else if needs_single_quotes(text) {
        let _ = write!(out, "'{}'", text.replace('\'', "''"));
    } else {
        out.push_str(text);
    }
}

fn write_literal(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    let trailing = text.len() - body.len();
    out.push('|');
    if text.starts_with([' ', '\n']) {
        // The first line cannot show how far the block is indented.
        out.push('2');
    }
    out.push_str(match trailing {
        0 => "-",
        1 => "",
        _ => "+",
    });
    for line in body.split('\n').chain(std::iter::repeat_n("", trailing.saturating_sub(1))) {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
}

/// Control characters, line breaks other than `\n`, and texts that a literal block would not show: blank ones, those with
/// spaces at the end of a line, and a tab in the first column, which Go takes for indentation.
fn needs_double_quotes(text: &str) -> bool {
    let has_lines = text.contains('\n');
    let odd = |c: char| {
        (c.is_control() && !(has_lines && matches!(c, '\n' | '\t')))
            || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars().any(odd)
        || has_lines
            && (text.trim().is_empty() || text.contains(" \n") || text.ends_with(' ') || text.starts_with('\t'))
}

/// Would a plain scalar of this text be read as something other than a string, by YAML 1.1 or 1.2?
fn resolves_to_other_type(text: &str) -> bool {
    if text.is_empty() || !matches!(scalar(Cow::Borrowed(text), true, None), Kind::String(_)) {
        return true;
    }
    const YAML_1_1_BOOLEANS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    if YAML_1_1_BOOLEANS.iter().any(|word| text.eq_ignore_ascii_case(word)) || matches!(text, "=" | "<<") {
        return true;
    }
    is_sexagesimal(text) || is_date_or_number_of_yaml_1_1(text)
}

/// Dates that are none (`2024-13-01` stops some readers), and numbers that only YAML 1.1 has (`.1_0`) or Go (`0o+14`).
fn is_date_or_number_of_yaml_1_1(text: &str) -> bool {
    let bytes = text.as_bytes();
    let dated = bytes.len() > 7 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-';
    let numeric = bytes[0].is_ascii_digit() || matches!(bytes[0], b'.' | b'+' | b'-');
    dated && bytes.iter().all(|b| b.is_ascii_digit() || b"-:.+TtZz ".contains(b))
        || numeric
            && text.contains(['_', 'o'])
            && bytes.iter().all(|b| b.is_ascii_hexdigit() || b"_.+-xXoO".contains(b))
}

/// A number to base 60 of YAML 1.1: `12:30`, `-1:02:03.5`, but not `0000:64:00.0`, whose second part exceeds 59.
fn is_sexagesimal(text: &str) -> bool {
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.trim_start_matches(['-', '+']).split(':');
    let first = parts.next().is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()) && is_digits(part));
    let mut below_60 = parts.map(|part| part.len() < 3 && part.parse().is_ok_and(|n: u8| n < 60)).peekable();
    first && is_digits(fraction) && below_60.peek().is_some() && below_60.all(|below| below)
}

/// Would a plain scalar be cut, or read as syntax?
fn needs_single_quotes(text: &str) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    let indicator = matches!(
        first,
        '[' | ']' | '{' | '}' | '|' | '>' | '*' | '&' | '!' | '%' | '@' | '`' | '\'' | '"' | ',' | '#' | ' '
    );
    let block = matches!(first, '-' | '?' | ':') && (text.len() == 1 || text[1..].starts_with(' '));
    indicator
        || block
        || text.ends_with(' ')
        || text.ends_with(':')
        || text.contains(": ")
        || text.contains(" #")
        || text.starts_with("---")
        || text.starts_with("...")
}

fn write_double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control()
                || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
