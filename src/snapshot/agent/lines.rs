//! What a node said, as lines of a log: each table of readings in pieces that no log cuts, and a last line that says that all
//! of it is there. Lines of others in between are passed over.

use super::NodeFacts;
use crate::inventory::Scalar;
use serde_json::{Map, Value, json};

/// What every line begins with.
const MARK: &str = "aicr-node ";
/// Bytes of one line, about; container runtimes cut lines at 16 KiB.
const LINE: usize = 8 << 10;

/// The lines of what a node said.
pub fn write(facts: &NodeFacts) -> Vec<String> {
    let mut lines = Vec::new();
    let mut push = |value: Value| lines.push(format!("{MARK}{value}"));
    for ((kind, name), data) in &facts.tables {
        let mut piece = Map::new();
        let mut bytes = 0;
        let mut is_first = true;
        for (key, value) in data {
            let value = json!(value);
            bytes += key.len() + value.as_str().map_or(24, str::len) + 8;
            piece.insert(key.clone(), value);
            if bytes > LINE {
                push(json!({"type": kind, "subtype": name, "data": std::mem::take(&mut piece)}));
                (bytes, is_first) = (0, false);
            }
        }
        // A table without a row says that there are none.
        if is_first || !piece.is_empty() {
            push(json!({"type": kind, "subtype": name, "data": piece}));
        }
    }
    for (what, why) in &facts.unread {
        push(json!({"unread": what, "reason": why}));
    }
    let count = lines.len();
    lines.push(format!("{MARK}{}", json!({"end": count})));
    lines
}

/// What the lines of a log say.
///
/// # Errors
/// Something is missing: the log ends too early.
pub fn read(log: &str) -> Result<NodeFacts, String> {
    let mut facts = NodeFacts::default();
    let mut count = 0;
    for line in log.lines() {
        let Some(value) = line.strip_prefix(MARK).and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            continue;
        };
        if let Some(end) = value["end"].as_u64() {
            let is_whole = usize::try_from(end) == Ok(count);
            return is_whole.then_some(facts).ok_or_else(|| format!("its log has {count} of {end} lines"));
        }
        count += 1;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        if value.get("unread").is_some() {
            facts.unread.insert(text("unread"), text("reason"));
            continue;
        }
        let table = facts.tables.entry((text("type"), text("subtype"))).or_default();
        let data = value["data"].as_object().into_iter().flatten();
        table.extend(data.map(|(key, value)| (key.clone(), scalar(value))));
    }
    let last = log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
    Err(format!("its log ends before the last line; the last one is: {last}"))
}

fn scalar(value: &Value) -> Scalar {
    match value {
        Value::Bool(value) => Scalar::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Scalar::Int(value),
            (None, Some(value)) => Scalar::UInt(value),
            (None, None) => Scalar::Float(number.as_f64().unwrap_or(0.0)),
        },
        Value::String(text) => Scalar::Text(text.clone()),
        other => Scalar::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn facts() -> NodeFacts {
        let many = (0..4000).map(|n| (format!("/proc/sys/x/{n}"), Scalar::Text(format!("{n}\n\"quoted\"")))).collect();
        let few = [("gpu-count".to_owned(), Scalar::Int(8)), ("gpu-present".to_owned(), Scalar::Bool(true))].into();
        let table = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
        NodeFacts {
            tables: [
                (table("OS", "sysctl"), many),
                (table("GPU", "hardware"), few),
                (table("OS", "kmod"), BTreeMap::new()),
            ]
            .into(),
            unread: [("OS.release".to_owned(), "no such file".to_owned())].into(),
        }
    }

    #[test]
    fn what_is_written_is_read_whatever_stands_between() {
        let lines = write(&facts());
        assert!(lines.len() > 10 && lines.iter().all(|line| line.len() < 16 << 10), "{}", lines.len());
        let log = lines.join("\nW1126 something else said this\n") + "\n";
        assert_eq!(read(&log), Ok(facts()));
    }

    #[test]
    fn a_log_that_ends_too_early_is_not_taken_for_a_whole_one() {
        let mut lines = write(&facts());
        let end = lines.pop().unwrap();
        assert!(read(&lines.join("\n")).unwrap_err().starts_with("its log ends before the last line"));
        lines.remove(3);
        let cut = format!("{}\n{end}", lines.join("\n"));
        assert!(read(&cut).unwrap_err().contains(" lines"), "a line is missing in the middle");
        assert!(read("panic").unwrap_err().ends_with("panic"));
    }
}
