//! Text → tree, from the events of the YAML parser.
//!
//! Not through serde: serde knows neither positions of keys, nor the source text of numbers, nor the Go dialect. That is
//! why only the event parser behind the dependency `serde_yaml` is used.

use super::{Entry, Kind, Limits, Node, Position, YamlError, YamlProblem, go::scalar};
use serde_yaml::granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, options};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The first document of a text, and where the next one starts.
#[derive(Clone, Debug, PartialEq)]
pub struct First {
    /// `Kind::Null` for an empty text.
    pub document: Node,
    /// The `---` of the next document that is not empty.
    pub second: Option<Position>,
}

/// The only document of `text`; an empty text is `Kind::Null`.
///
/// Empty documents before it and behind it (a final `---`) do not count.
///
/// # Errors
/// Syntax, duplicate keys, unknown anchors, and whatever exceeds the default [`Limits`]; a second document, and what
/// follows the document without starting another (`a` in one line, `b: c` in the next). The reference ignores both.
pub fn parse(text: &str) -> Result<Node, YamlError> {
    let First { document, second } = first(text)?;
    match second {
        Some(at) => Err(YamlError { at, problem: YamlProblem::SecondDocument }),
        None => Ok(document),
    }
}

/// The first document of `text`, for a reader that wants to know what it is before it complains about the others.
///
/// # Errors
/// As [`parse`], but for the second document. That one is not read.
pub fn first(text: &str) -> Result<First, YamlError> {
    let null = Node { at: Position { line: 1, column: 1 }, kind: Kind::Null };
    let text = readable(text);
    let mut builder = Builder::new(&text, Limits::default())?;
    let mut document = builder.document()?.unwrap_or(null);
    while document.kind == Kind::Null
        && let Some(next) = builder.document()?
    {
        document = next;
    }
    Ok(First { document, second: builder.next_start()? })
}

/// The first document of `text`, as Go reads JSON: of a key that a mapping has twice, the last one counts. Also the errors
/// that [`first`] would have reported instead.
///
/// # Errors
/// As [`first`], but for duplicate keys. A second document is not looked for.
pub fn first_of_last_keys(text: &str) -> Result<(Node, Vec<YamlError>), YamlError> {
    let null = Node { at: Position { line: 1, column: 1 }, kind: Kind::Null };
    let mut builder = Builder { duplicates: Some(Vec::new()), ..Builder::new(text, Limits::default())? };
    let document = builder.document()?.unwrap_or(null);
    Ok((document, builder.duplicates.unwrap_or_default()))
}

/// Every document of `text`, in order.
///
/// # Errors
/// As [`parse`], for any document.
pub fn parse_all(text: &str) -> Result<Vec<Node>, YamlError> {
    let text = readable(text);
    let mut builder = Builder::new(&text, Limits::default())?;
    std::iter::from_fn(|| builder.document().transpose()).collect()
}

/// JSON may have characters as they are that YAML wants escaped.
fn readable(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Cow::Borrowed(text);
    }
    // YAML may begin like that, too, and has strings in which nothing is escaped.
    match printable(text) {
        escaped @ Cow::Owned(_) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => escaped,
        _ => Cow::Borrowed(text),
    }
}

/// JSON in which what YAML calls not printable is escaped. Such a character can only stand inside a string.
pub fn printable(json: &str) -> Cow<'_, str> {
    let is_odd =
        |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    if !json.contains(is_odd) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match is_odd(c) {
            true => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => text.push(c),
        }
    }
    Cow::Owned(text)
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
    /// Every key so far, once: thousands of equal mappings, as a snapshot has them, share theirs.
    keys: HashSet<Arc<str>>,
    /// Nodes so far, aliases counted with all they hold.
    nodes: usize,
    /// Keys that a mapping has twice, where that is no error.
    duplicates: Option<Vec<YamlError>>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str, limits: Limits) -> Result<Builder<'t>, YamlError> {
        if text.len() > limits.bytes {
            let problem = YamlProblem::TooLarge { bytes: text.len(), limit: limits.bytes };
            return Err(YamlError { at: Position { line: 1, column: 1 }, problem });
        }
        let options = options! { emit_comments: false };
        let parser = Parser::new_from_str_with_options(text, options);
        Ok(Builder { parser, limits, anchors: HashMap::new(), keys: HashSet::new(), nodes: 0, duplicates: None })
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
                return Err(YamlError { at: Position::NONE, problem: YamlProblem::Incomplete });
            };
            let (event, span) = event.map_err(syntax)?;
            let at = position(&span.start);
            let done = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    // A tag that YAML does not know makes a text of what it stands before, as in the reference.
                    let tag = tag.as_ref().map(|tag| match [tag.handle(), tag.suffix()].concat().as_str() {
                        "tag:yaml.org,2002:binary" => "binary",
                        _ => tag.core_suffix().unwrap_or("str"),
                    });
                    let plain = style == ScalarStyle::Plain;
                    if let Some(Open::Map { pending: pending @ None, .. }) = open.last_mut() {
                        let merge = plain && text == "<<";
                        *pending = Some(Key { text: self.key(&text), at, merge });
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
                        return Err(YamlError { at, problem: YamlProblem::EndlessAlias });
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
                    Some(key) => insert(entries, keys, key, node, self.duplicates.as_mut())?,
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

    /// Where the next document starts that holds anything; reads no further than its first node.
    fn next_start(&mut self) -> Result<Option<Position>, YamlError> {
        let mut start = None;
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event.map_err(syntax)?;
            match event {
                Event::DocumentStart(..) => start = Some(position(&span.start)),
                // An empty document has a null that nobody wrote.
                Event::Scalar(text, ScalarStyle::Plain, ..) if scalar(text.clone(), true, None) == Kind::Null => {}
                Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => return Ok(start),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The shared text of a key.
    fn key(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.keys.get(text) {
            return Arc::clone(known);
        }
        let key: Arc<str> = text.into();
        self.keys.insert(Arc::clone(&key));
        key
    }

    fn enter(&mut self, open: &[Open], at: Position, what: &'static str) -> Result<(), YamlError> {
        if let Some(Open::Map { pending: None, .. }) = open.last() {
            return Err(not_a_key(at, what));
        }
        if open.len() >= self.limits.depth {
            return Err(YamlError { at, problem: YamlProblem::TooDeep { limit: self.limits.depth } });
        }
        self.count(1, at)
    }

    fn count(&mut self, nodes: usize, at: Position) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.limits.nodes {
            return Err(YamlError { at, problem: YamlProblem::TooManyNodes { limit: self.limits.nodes } });
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

/// An entry of the mapping itself; it replaces one that came in through `<<`, and may repeat another only where there is a
/// list of `duplicates`.
fn insert(
    entries: &mut Vec<Entry>,
    keys: &mut Keys,
    key: Key,
    value: Node,
    duplicates: Option<&mut Vec<YamlError>>,
) -> Result<(), YamlError> {
    let entry = Entry { key: key.text, key_at: key.at, value };
    let Some(index) = keys.find(entries, &entry.key) else {
        keys.push(entries, entry);
        return Ok(());
    };
    if !keys.merged.remove(&entry.key) {
        let problem = YamlProblem::DuplicateKey { key: entry.key.to_string(), first: entries[index].key_at };
        let error = YamlError { at: entry.key_at, problem };
        match duplicates {
            Some(duplicates) => duplicates.push(error),
            None => return Err(error),
        }
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
        _ => Err(YamlError { at: source.at, problem: YamlProblem::MergeOfOther { found: source.kind_name() } }),
    }
}

fn not_a_key(at: Position, found: &'static str) -> YamlError {
    YamlError { at, problem: YamlProblem::KeyNotText { found } }
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
    YamlError { at: position(error.marker()), problem: YamlProblem::Syntax(error.info()) }
}
