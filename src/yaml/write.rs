//! Value → YAML text.

use super::{
    Kind, Node,
    go::{go_number, is_dated, scalar},
    stream::Stream,
};
use serde::Serialize;
use serde_json::Value;
use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

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

/// YAML text of what serializes, with keys in the order in which it has them; null for what does not.
pub fn in_order(value: &impl Serialize) -> String {
    // JSON keeps the order and is YAML, so the reader's tree has it.
    let json = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    let mut out = String::new();
    let written = super::parse(&json).map(|node| write(&mut out, ordered(&node)));
    if written.is_ok_and(|written| written.is_ok()) { out } else { to_string(&Value::Null) }
}

fn ordered(node: &Node) -> Stream<'_> {
    match &node.kind {
        Kind::Map(entries) => {
            Stream::map(entries.iter().map(|entry| (Cow::Borrowed(&*entry.key), ordered(&entry.value))))
        }
        Kind::List(items) => Stream::list(items.iter().map(ordered)),
        _ => Stream::Whole(node.to_value()),
    }
}

/// Writes what [`to_string`] would of the whole value, in pieces.
///
/// # Errors
/// Those of the sink.
pub fn write(sink: &mut dyn fmt::Write, stream: Stream<'_>) -> fmt::Result {
    let mut out = Pieces { sink, text: String::with_capacity(2 * PIECE) };
    match stream.settled() {
        Stream::Whole(value) => out.text = to_string(&value),
        Stream::Map(entries) => out.map(entries, 0)?,
        Stream::List(items) => out.list(items, 0)?,
    }
    out.sink.write_str(&out.text)
}

/// Bytes that are gathered before the sink gets them.
const PIECE: usize = 1 << 16;

/// Text on its way: what is not handed over yet.
struct Pieces<'w> {
    sink: &'w mut dyn fmt::Write,
    text: String,
}

impl Pieces<'_> {
    /// At the end of a line, so that what is written next can see what it stands behind.
    fn hand_over(&mut self) -> fmt::Result {
        if self.text.len() < PIECE || !self.text.ends_with('\n') {
            return Ok(());
        }
        self.sink.write_str(&self.text)?;
        self.text.clear();
        Ok(())
    }

    fn map<'s>(&mut self, entries: impl Iterator<Item = (Cow<'s, str>, Stream<'s>)>, indent: usize) -> fmt::Result {
        for (index, (key, value)) in entries.enumerate() {
            let is_long = write_key(&mut self.text, &key, index == 0, indent);
            match value.settled() {
                Stream::Whole(value) if is_long => write_item(&mut self.text, &value, indent),
                Stream::Whole(value) => write_value(&mut self.text, &value, indent),
                other => {
                    if !is_long {
                        self.text.push('\n');
                    }
                    self.collection(other, indent + 2)?;
                }
            }
            self.hand_over()?;
        }
        Ok(())
    }

    fn list<'s>(&mut self, items: impl Iterator<Item = Stream<'s>>, indent: usize) -> fmt::Result {
        for (index, item) in items.enumerate() {
            write_dash(&mut self.text, index == 0, indent);
            match item.settled() {
                Stream::Whole(value) => write_item(&mut self.text, &value, indent),
                other => self.collection(other, indent + 2)?,
            }
            self.hand_over()?;
        }
        Ok(())
    }

    fn collection(&mut self, stream: Stream<'_>, indent: usize) -> fmt::Result {
        match stream {
            Stream::Whole(value) => write_item(&mut self.text, &value, indent),
            Stream::Map(entries) => self.map(entries, indent)?,
            Stream::List(items) => self.list(items, indent)?,
        }
        Ok(())
    }
}

fn write_map(out: &mut String, map: &serde_json::Map<String, Value>, indent: usize) {
    // serde_json keeps maps sorted unless some crate turns on `preserve_order`; the order is part of our format.
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if write_key(out, key, index == 0, indent) {
            write_item(out, value, indent);
        } else {
            write_value(out, value, indent);
        }
    }
}

/// A key with its colon; says whether it is a long one, behind which a value stands as in a list.
fn write_key(out: &mut String, key: &str, is_first: bool, indent: usize) -> bool {
    if !is_first || !opens_item(out) {
        pad(out, indent);
    }
    if key.len() <= SIMPLE_KEY {
        write_text(out, key, indent, true);
        out.push(':');
        return false;
    }
    out.push_str("? ");
    write_text(out, key, indent, true);
    out.push('\n');
    pad(out, indent);
    out.push_str(": ");
    true
}

/// Bytes of a key that stands before its colon. Go writes longer ones as `? key`; from 1,024 on readers must refuse them.
const SIMPLE_KEY: usize = 128;

/// Does a line stand at the place of an item, after `- ` or the `: ` of a long key?
fn opens_item(out: &str) -> bool {
    out.ends_with("- ") || out.ends_with(": ")
}

fn write_list(out: &mut String, list: &[Value], indent: usize) {
    for (index, value) in list.iter().enumerate() {
        write_dash(out, index == 0, indent);
        write_item(out, value, indent);
    }
}

fn write_dash(out: &mut String, is_first: bool, indent: usize) {
    if !is_first || !opens_item(out) {
        pad(out, indent);
    }
    out.push_str("- ");
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
    if is_printable_ascii(text) {
        return false;
    }
    let has_lines = text.contains('\n');
    let odd = |c: char| {
        (c.is_control() && !(has_lines && matches!(c, '\n' | '\t')))
            || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars().any(odd)
        || has_lines
            && (text.trim().is_empty() || text.contains(" \n") || text.ends_with(' ') || text.starts_with('\t'))
}

/// One line without anything that is escaped. Sixty-four bytes at a time, which the compiler compares together: the names of
/// the nodes that carry a label are most of a large snapshot, and are such lines.
fn is_printable_ascii(text: &str) -> bool {
    let is_printable = |all: bool, byte: &u8| all & matches!(byte, b' '..=b'~');
    text.as_bytes().chunks(64).all(|chunk| chunk.iter().fold(true, is_printable))
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
    let numeric = bytes[0].is_ascii_digit() || matches!(bytes[0], b'.' | b'+' | b'-');
    is_dated(bytes) && bytes.iter().all(|b| b.is_ascii_digit() || b"-:.+TtZz ".contains(b))
        || numeric
            && text.contains(['_', 'o'])
            && bytes.iter().all(|b| b.is_ascii_hexdigit() || b"_.+-xXoO".contains(b))
}

/// A number to base 60 of YAML 1.1: `12:30`, `-1:02:03.5`, but not `0000:64:00.0`, whose second part exceeds 59.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.trim_start_matches(['-', '+']);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let first = parts.next().is_some_and(is_digits);
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
