//! How much a line of output matters, by what the line itself says where its form has a place for it.
//!
//! Nothing is guessed from a word somewhere in a text: `no errors found` is no error.

use serde_json::{Map, Value};

/// From the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    /// As a person reads it in any color.
    pub const fn word(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "ERROR",
        }
    }
}

/// Words of levels, as loggers write them.
const WORDS: [(&str, LogLevel); 20] = [
    ("trace", LogLevel::Debug),
    ("trc", LogLevel::Debug),
    ("debug", LogLevel::Debug),
    ("dbg", LogLevel::Debug),
    ("info", LogLevel::Info),
    ("inf", LogLevel::Info),
    ("information", LogLevel::Info),
    ("notice", LogLevel::Info),
    ("warn", LogLevel::Warn),
    ("wrn", LogLevel::Warn),
    ("warning", LogLevel::Warn),
    ("error", LogLevel::Error),
    ("err", LogLevel::Error),
    ("fatal", LogLevel::Error),
    ("ftl", LogLevel::Error),
    ("panic", LogLevel::Error),
    ("crit", LogLevel::Error),
    ("critical", LogLevel::Error),
    ("alert", LogLevel::Error),
    ("emerg", LogLevel::Error),
];
/// Words of a line before which a level may stand: date, time, zone.
const AHEAD: usize = 3;

/// The level of a line; `None` where it names none.
pub fn of(line: &str) -> Option<LogLevel> {
    let line = line.trim_start();
    // What our own checks end with.
    for (start, level) in [("FAIL: ", LogLevel::Error), ("NO VERDICT: ", LogLevel::Warn), ("SKIP: ", LogLevel::Info)] {
        if line.starts_with(start) {
            return Some(level);
        }
    }
    if line.starts_with('{') {
        return of_object(&super::apart::object(line)?);
    }
    of_klog(line).or_else(|| of_key(line)).or_else(|| of_column(line))
}

fn word(text: &str) -> Option<LogLevel> {
    let known = |(word, _): &&(&str, LogLevel)| word.eq_ignore_ascii_case(text);
    WORDS.iter().find(known).map(|(_, level)| *level)
}

/// `{"level":"error", …}`
pub(super) fn of_object(object: &Map<String, Value>) -> Option<LogLevel> {
    ["level", "severity", "lvl"].into_iter().find_map(|key| word(object.get(key)?.as_str()?))
}

/// `E0714 07:31:00.070000       1 file.go:12] …`
fn of_klog(line: &str) -> Option<LogLevel> {
    let (letter, rest) = line.split_at_checked(1)?;
    let is_date =
        rest.split(' ').next().is_some_and(|day| day.len() == 4 && day.bytes().all(|digit| digit.is_ascii_digit()));
    if !is_date {
        return None;
    }
    match letter {
        "I" => Some(LogLevel::Info),
        "W" => Some(LogLevel::Warn),
        "E" | "F" => Some(LogLevel::Error),
        _ => None,
    }
}

/// `time=… level=warn msg=…`
fn of_key(line: &str) -> Option<LogLevel> {
    let value = |part: &str| {
        let (key, value) = part.split_once('=')?;
        ["level", "lvl", "severity"].contains(&key).then(|| word(value.trim_matches('"'))).flatten()
    };
    line.split(' ').find_map(value)
}

/// `2026-07-14T07:31:00Z  WARN target: …`, `[ERROR] …`, `WARNING: …`: in capitals, or set off.
fn of_column(line: &str) -> Option<LogLevel> {
    let columns = line.split_whitespace().take(AHEAD + 1).enumerate();
    for (place, column) in columns {
        let bare = column.trim_matches(['[', ']', '<', '>', '(', ')', ':', '|']);
        let is_set_off = bare.len() < column.len();
        let is_capital = bare.bytes().all(|letter| letter.is_ascii_uppercase());
        if let Some(level) = word(bare).filter(|_| is_capital || (is_set_off && place == 0)) {
            return Some(level);
        }
        // Only dates and times stand before a level.
        if !bare.bytes().any(|letter| letter.is_ascii_digit()) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<LogLevel>) {
        assert_eq!(of(line), expected, "{line}");
    }

    #[test]
    fn levels_are_read_where_loggers_write_them() {
        check(r#"{"level":"error","msg":"no GPU"}"#, Some(LogLevel::Error));
        check(r#"{"severity":"WARNING","msg":"slow"}"#, Some(LogLevel::Warn));
        check("E0714 07:31:00.070000       1 main.go:12] failed", Some(LogLevel::Error));
        check("I0714 07:31:00.070000       1 main.go:12] no error", Some(LogLevel::Info));
        check("time=\"2026-07-14T07:31:00Z\" level=warning msg=\"an error\"", Some(LogLevel::Warn));
        check("2026-07-14T07:31:00.070Z  WARN aicr::ops: slow", Some(LogLevel::Warn));
        check("2026-07-14 07:31:00 [DEBUG] looking", Some(LogLevel::Debug));
        check("[error] no GPU", Some(LogLevel::Error));
        check("error: no GPU", Some(LogLevel::Error));
        check("FAIL: 2 of 5 pods are not ready", Some(LogLevel::Error));
        check("NO VERDICT: the time is up", Some(LogLevel::Warn));
    }

    #[test]
    fn nothing_is_guessed() {
        check("no errors found", None);
        check("0 FAILED, 5 passed", None);
        check("DCGM_FI_DEV_XID_ERRORS found", None);
        check("checking WARN thresholds", None);
        check("error handling is enabled", None);
        check(r#"{"message":"level error"}"#, None);
        check("", None);
        check("Events: 3", None);
        check("É", None);
    }
}
