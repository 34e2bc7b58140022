//! A line of output taken apart, where a program wrote it for programs: JSON or `key=value`.
//!
//! In: one line. Out: its level, what it says, and everything else by name: pairs in the order of the line, JSON in that of
//! its names. Nothing of it is lost.

use super::level::{self, LogLevel};
use serde_json::Value;

/// What a line holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Apart {
    /// How much it matters, where the line says so.
    pub level: Option<LogLevel>,
    /// What it says.
    pub message: String,
    /// Everything else.
    pub fields: Vec<(String, String)>,
}

/// Keys of what a line says, in the order in which they are believed.
const MESSAGES: [&str; 3] = ["msg", "message", "log"];
const LEVELS: [&str; 3] = ["level", "severity", "lvl"];

/// The parts of a line; `None` for one that is plain text, or says nothing by name.
pub fn apart(line: &str) -> Option<Apart> {
    let line = line.trim();
    let fields = if line.starts_with('{') { of_json(line)? } else { of_pairs(line)? };
    let key = MESSAGES.into_iter().find(|key| fields.iter().any(|(name, _)| name == key))?;
    let level = level::of(line);
    let (mut message, mut rest) = (String::new(), Vec::new());
    for (name, value) in fields {
        match name.as_str() {
            name if name == key && message.is_empty() => message = value,
            // What the level does not say itself, such as a number, stays.
            name if LEVELS.contains(&name) && level.is_some() => {}
            _ => rest.push((name, value)),
        }
    }
    Some(Apart { level, message, fields: rest })
}

fn of_json(line: &str) -> Option<Vec<(String, String)>> {
    let Value::Object(fields) = serde_json::from_str(line).ok()? else { return None };
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Some(fields.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// `time=… level=warn msg="two words"`: all of the line, or it is text.
fn of_pairs(line: &str) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._-/@".contains(c);
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted)?,
            None => {
                let (value, after) = after.split_once(' ').unwrap_or((after, ""));
                (value.to_owned(), after)
            }
        };
        fields.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    (fields.len() > 1).then_some(fields)
}

/// A value up to its closing quote, and what comes after it.
fn quoted_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, level: Option<LogLevel>, message: &str, fields: &[(&str, &str)]) {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(apart(line), Some(Apart { level, message: message.to_owned(), fields }), "{line}");
    }

    #[test]
    fn lines_for_programs_are_taken_apart() {
        let json = r#"{"level":"error","ts":1789.5,"msg":"no GPU","node":{"name":"worker-1"},"tries":3}"#;
        let fields = [("node", r#"{"name":"worker-1"}"#), ("tries", "3"), ("ts", "1789.5")];
        check(json, Some(LogLevel::Error), "no GPU", &fields);
        let pairs = r#"time=09:12 level=warn msg="said \"no\"" node=worker-1"#;
        check(pairs, Some(LogLevel::Warn), "said \"no\"", &[("time", "09:12"), ("node", "worker-1")]);
        check(r#"{"message":"ready","level":30}"#, None, "ready", &[("level", "30")]);
        check("msg=done took=", None, "done", &[("took", "")]);
    }

    #[test]
    fn plain_text_stays_text() {
        for line in [
            "GPU devices: 0, expected 0",
            "driver=570.86.16",
            "set level=warn and msg=x",
            r#"msg="never closed"#,
            r#"{"phase":"Running"}"#,
            "{not json}",
            "[1, 2]",
            "",
        ] {
            assert_eq!(apart(line), None, "{line}");
        }
    }
}
