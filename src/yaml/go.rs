//! The dialect of scalars: what Go's `yaml.v3` reads in an untyped scalar, and how Go prints numbers.

use super::Kind;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Number;
use std::{borrow::Cow, sync::Arc};

/// The kind of an untyped scalar, as Go's `yaml.v3` resolves it.
pub(super) fn scalar(text: Cow<'_, str>, plain: bool, tag: Option<&str>) -> Kind {
    match tag {
        Some("str") => return Kind::String(text.into()),
        None if !plain => return Kind::String(text.into()),
        Some("null") => return Kind::Null,
        Some("binary") => return Kind::String(binary(&text).unwrap_or_else(|| text.into())),
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

/// What `!!binary` stands for; `None` where it is not base64, or not of text.
fn binary(text: &str) -> Option<Arc<str>> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    String::from_utf8(STANDARD.decode(text).ok()?).ok().map(Arc::from)
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
pub(super) fn timestamp(text: &str) -> Option<String> {
    if !is_dated(text.as_bytes()) || !text.is_ascii() {
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

/// Does it begin as a date does, with a year and a hyphen?
pub(super) fn is_dated(bytes: &[u8]) -> bool {
    bytes.len() > 7 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-'
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
