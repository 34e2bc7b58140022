//! A line of output taken apart, where a program wrote it for programs: JSON or `key=value`.
//!
//! In: one line. Out: its level, what it says, and everything else by name: pairs in the order of the line, JSON in that of
//! its names. Nothing of it is lost.

use super::level::{self, LogLevel};
use serde_json::{Map, Value};

/// What a line holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Apart {
    /// How much it matters, where the line says so.
    pub level: Option<LogLevel>,
    /// What it says.
    pub message: String,
    /// Everything else.
    pub fields: Vec<(String, String)>,
    /// What the line calls its level and what it says, with the values as they are written there.
    pub names: Vec<(String, String)>,
}

/// Keys of what a line says, in the order in which they are believed.
const MESSAGES: [&str; 3] = ["msg", "message", "log"];
const LEVELS: [&str; 3] = ["level", "severity", "lvl"];

/// The level of a line, and its parts; none of one that is plain text, or says nothing by name. JSON is read once for both.
pub fn read(line: &str) -> (Option<LogLevel>, Option<Apart>) {
    let line = line.trim();
    if !line.starts_with('{') {
        let level = level::of(line);
        return (level, of_pairs(line).and_then(|fields| parts(level, fields)));
    }
    let Some(object) = object(line) else { return (None, None) };
    let level = level::of_object(&object);
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let fields = object.into_iter().map(|(name, value)| (name, text(value))).collect();
    (level, parts(level, fields))
}

/// The parts of a line; `None` for one that is plain text, or says nothing by name.
pub fn apart(line: &str) -> Option<Apart> {
    read(line).1
}

/// JSON in words, without its brackets and quotes: what it says, then everything else by name, also what is within other
/// values. Of a document over several lines, a line is a part. `None` where it is not JSON.
pub fn words(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(name) = line.strip_suffix(['{', '[']).and_then(|line| line.trim_end().strip_suffix(':')) {
        // What is in it is on the next lines.
        return serde_json::from_str(name).ok();
    }
    let part = || {
        let pair = || format!("{{{}}}", line.trim_end_matches(','));
        line.starts_with('"').then(|| serde_json::from_str(&pair()).ok()).flatten()
    };
    let whole = || line.starts_with(['{', '[']).then(|| serde_json::from_str::<Value>(line).ok()).flatten();
    let value = whole().or_else(part)?;
    let level = value.as_object().and_then(level::of_object);
    let mut pairs = Vec::new();
    flatten("", &value, &mut pairs);
    pairs.retain(|(name, _)| level.is_none() || !LEVELS.contains(&name.as_str()));
    let level = level.filter(|level| *level != LogLevel::Info).map_or("", LogLevel::word);
    let said = MESSAGES.into_iter().find_map(|key| pairs.iter().position(|(name, _)| name == key));
    let message = said.map(|at| pairs.remove(at).1);
    let rest = pairs.into_iter().map(|(name, value)| if name.is_empty() { value } else { format!("{name}={value}") });
    let rest = rest.collect::<Vec<_>>().join(" ");
    let parts = [level.to_owned(), message.unwrap_or_default(), rest];
    Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  "))
}

/// The values of a tree, each with its path: `node.name`.
fn flatten(path: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| flatten(&below(name), value, pairs)),
        Value::Array(list) if list.iter().any(|value| value.is_object() || value.is_array()) => {
            list.iter().enumerate().for_each(|(at, value)| flatten(&below(&at.to_string()), value, pairs));
        }
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(plain).collect();
            pairs.push((path.to_owned(), list.join(", ")));
        }
        value => pairs.push((path.to_owned(), plain(value))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('\n', "; "),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn parts(level: Option<LogLevel>, fields: Vec<(String, String)>) -> Option<Apart> {
    let key = MESSAGES.into_iter().find(|key| fields.iter().any(|(name, _)| name == key))?;
    let (mut message, mut rest, mut names) = (None, Vec::new(), Vec::new());
    for (name, value) in fields {
        match name.as_str() {
            name_of if name_of == key && message.is_none() => {
                names.push((name, value.clone()));
                message = Some(value);
            }
            // What the level does not say itself, such as a number, stays.
            name_of if LEVELS.contains(&name_of) && level.is_some() => names.push((name, value)),
            _ => rest.push((name, value)),
        }
    }
    Some(Apart { level, message: message.unwrap_or_default(), fields: rest, names })
}

/// A line that is one object of JSON.
pub(super) fn object(line: &str) -> Option<Map<String, Value>> {
    #[cfg(test)]
    PARSED.with(|parsed| parsed.set(parsed.get() + 1));
    match serde_json::from_str(line).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
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
thread_local! {
    /// How often JSON was read: of each of the thousands of lines of a log, once is enough.
    pub(crate) static PARSED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, level: Option<LogLevel>, message: &str, fields: &[(&str, &str)]) {
        let (of_line, apart) = read(line);
        let apart = apart.unwrap_or_else(|| panic!("{line}"));
        let found: Vec<(&str, &str)> = apart.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!((apart.level, &*apart.message, &*found), (level, message, fields), "{line}");
        assert_eq!((of_line, level), (level::of(line), level::of(line)), "{line}");
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
    fn what_becomes_level_and_message_keeps_its_names() {
        let names = |line: &str| apart(line).map(|apart| apart.names).unwrap_or_default();
        let pairs = |expected: &[(&str, &str)]| -> Vec<(String, String)> {
            expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(names(r#"{"severity":"WARNING","msg":"slow"}"#), pairs(&[("msg", "slow"), ("severity", "WARNING")]));
        assert_eq!(names("lvl=err log=broken node=a"), pairs(&[("lvl", "err"), ("log", "broken")]));
        assert_eq!(names(r#"{"message":"ready","level":30}"#), pairs(&[("message", "ready")]));
    }

    #[test]
    fn json_is_read_once_for_level_and_parts() {
        PARSED.set(0);
        assert!(matches!(read(r#"{"level":"error","msg":"no GPU"}"#), (Some(LogLevel::Error), Some(_))));
        assert_eq!(PARSED.get(), 1);
    }

    #[test]
    fn json_is_said_in_words() {
        for (line, expected) in [
            (
                r#"{"phase":"Running","node":{"name":"worker-1","gpus":[0,1]}}"#,
                "node.gpus=0, 1 node.name=worker-1 phase=Running",
            ),
            (r#"{"msg":"no GPU","level":"info","node":{"name":"worker-1"}}"#, "no GPU  node.name=worker-1"),
            (r#"{"msg":"no GPU","level":"warn"}"#, "warn  no GPU"),
            (r#"[{"a":1},{"a":null}]"#, "0.a=1 1.a=-"),
            (r#"  "phase": "Running","#, "phase=Running"),
            (r#"  "nodes": ["#, "nodes"),
            (r#"["one", "two"]"#, "one, two"),
        ] {
            assert_eq!(words(line).as_deref(), Some(expected), "{line}");
        }
        for line in ["GPU devices: 0", "\"quoted\" words", "[1, 2", "{not json}", "level=warn msg=x", ""] {
            assert_eq!(words(line), None, "{line}");
        }
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
