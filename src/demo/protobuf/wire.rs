//! JSON to the wire format of protobuf and back, driven by the table of messages.
//!
//! What the table does not know is dropped in both directions, as a typed server does. Messages of the table do not contain
//! themselves, so that the depth of what a stranger sends is bounded by the table.

use super::schema::{Cardinality, Field, Message, SCHEMA, Type};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::fmt;

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

/// A value does not have the type of its field.
#[derive(Clone, Debug, PartialEq)]
pub struct WrongType {
    /// `spec.replicas`.
    pub path: String,
    pub expected: &'static str,
}

impl fmt::Display for WrongType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.path, self.expected)
    }
}

/// Bytes that are not the message they claim to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Malformed {
    /// A number, length or value goes on after the last byte.
    Truncated,
    /// A field has another wire type than the table says.
    WireType {
        field: u64,
    },
    NotUtf8,
    NotJson,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Truncated => f.write_str("unexpected EOF"),
            Malformed::WireType { field } => write!(f, "proto: wrong wireType for field {field}"),
            Malformed::NotUtf8 => f.write_str("a string is not UTF-8"),
            Malformed::NotJson => f.write_str("an embedded value is not JSON"),
        }
    }
}

/// # Errors
/// The first value that does not have the type of its field.
pub fn encode(message: &Message, value: &Value) -> Result<Vec<u8>, WrongType> {
    let mut out = Vec::new();
    put_message(&mut out, message, value)?;
    Ok(out)
}

fn put_message(out: &mut Vec<u8>, message: &Message, value: &Value) -> Result<(), WrongType> {
    if let [Field { name: "", .. }] = message.fields.as_slice() {
        return put_field(out, &message.fields[0], value);
    }
    if !value.is_object() {
        return Err(wrong("an object"));
    }
    for field in &message.fields {
        let value = if field.name == "+" { Some(value) } else { value.get(field.name) };
        if let Some(value) = value.filter(|value| !value.is_null()) {
            put_field(out, field, value).map_err(|error| error.below(field.name))?;
        }
    }
    Ok(())
}

fn put_field(out: &mut Vec<u8>, field: &Field, value: &Value) -> Result<(), WrongType> {
    match field.cardinality {
        Cardinality::One => put_value(out, field.number, field.of, value),
        Cardinality::List => {
            let items = value.as_array().ok_or_else(|| wrong("a list"))?;
            items.iter().try_for_each(|item| put_value(out, field.number, field.of, item))
        }
        Cardinality::Map => {
            for (key, value) in value.as_object().ok_or_else(|| wrong("an object"))? {
                let mut entry = Vec::new();
                put_bytes(&mut entry, 1, key.as_bytes());
                put_value(&mut entry, 2, field.of, value).map_err(|error| error.below(key))?;
                put_bytes(out, field.number, &entry);
            }
            Ok(())
        }
    }
}

fn put_value(out: &mut Vec<u8>, number: u64, of: Type, value: &Value) -> Result<(), WrongType> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong("a string"));
    match of {
        Type::Text => put_bytes(out, number, text(value)?.as_bytes()),
        Type::Bytes => {
            let bytes = BASE64_STANDARD.decode(text(value)?).map_err(|_| wrong("base64"))?;
            put_bytes(out, number, &bytes);
        }
        // What a client wrote as 2.0 is a whole number to the API server too.
        Type::Int => put_int(out, number, whole(value).ok_or_else(|| wrong("a whole number"))?),
        Type::Bool => put_int(out, number, i64::from(value.as_bool().ok_or_else(|| wrong("true or false"))?)),
        Type::Time | Type::MicroTime => {
            let at: Timestamp = text(value)?.parse().map_err(|_| wrong("a time"))?;
            let mut inner = Vec::new();
            put_int(&mut inner, 1, at.as_second());
            put_int(&mut inner, 2, i64::from(at.subsec_nanosecond()));
            put_bytes(out, number, &inner);
        }
        Type::Json => {
            let mut inner = Vec::new();
            put_bytes(&mut inner, 1, value.to_string().as_bytes());
            put_bytes(out, number, &inner);
        }
        Type::Quantity => {
            let quantity = if value.is_number() { value.to_string() } else { text(value)? };
            let mut inner = Vec::new();
            put_bytes(&mut inner, 1, quantity.as_bytes());
            put_bytes(out, number, &inner);
        }
        Type::IntOrString => {
            let mut inner = Vec::new();
            match value.as_str() {
                Some(text) => {
                    put_int(&mut inner, 1, 1);
                    put_bytes(&mut inner, 3, text.as_bytes());
                }
                None => put_int(&mut inner, 2, whole(value).ok_or_else(|| wrong("a whole number or a string"))?),
            }
            put_bytes(out, number, &inner);
        }
        Type::Message(place) => {
            let mut inner = Vec::new();
            put_message(&mut inner, SCHEMA.message(place), value)?;
            put_bytes(out, number, &inner);
        }
    }
    Ok(())
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64))
}

fn wrong(expected: &'static str) -> WrongType {
    WrongType { path: String::new(), expected }
}

impl WrongType {
    fn below(self, name: &str) -> WrongType {
        let path = match (name, self.path.as_str()) {
            ("+" | "", _) => self.path,
            (_, "") => name.to_owned(),
            (_, path) => format!("{name}.{path}"),
        };
        WrongType { path, ..self }
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_int(out: &mut Vec<u8>, number: u64, value: i64) {
    put_varint(out, number << 3 | VARINT);
    // Negative numbers are written as 64 bits of two's complement.
    put_varint(out, value as u64);
}

/// A field of bytes, text or an encoded message.
pub fn put_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(out, number << 3 | LENGTH);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// # Errors
/// Bytes that are not this message.
pub fn decode(message: &Message, bytes: &[u8]) -> Result<Value, Malformed> {
    if let [field @ Field { name: "", .. }] = message.fields.as_slice() {
        let mut items = Vec::new();
        for part in parts(bytes) {
            let (number, part) = part?;
            if number == field.number {
                items.push(value_of(field, part)?);
            }
        }
        return Ok(Value::Array(items));
    }
    let mut object = Map::new();
    take_message(&mut object, message, bytes)?;
    Ok(Value::Object(object))
}

fn take_message(object: &mut Map<String, Value>, message: &Message, bytes: &[u8]) -> Result<(), Malformed> {
    for part in parts(bytes) {
        let (number, part) = part?;
        let Some(field) = message.fields.iter().find(|field| field.number == number) else { continue };
        if let (Type::Message(place), "+") = (field.of, field.name) {
            let Part::Bytes(bytes) = part else { return Err(Malformed::WireType { field: number }) };
            take_message(object, SCHEMA.message(place), bytes)?;
            continue;
        }
        match field.cardinality {
            Cardinality::One => {
                let value = value_of(field, part)?;
                if !(value.is_null() || field.drops_zero && is_zero(&value)) {
                    object.insert(field.name.to_owned(), value);
                }
            }
            Cardinality::List => {
                let list = object.entry(field.name).or_insert_with(|| json!([]));
                let value = value_of(field, part)?;
                list.as_array_mut().into_iter().for_each(|list| list.push(value.clone()));
            }
            Cardinality::Map => {
                let (key, value) = entry(field, part)?;
                let map = object.entry(field.name).or_insert_with(|| json!({}));
                map[key] = value;
            }
        }
    }
    Ok(())
}

/// An entry of a map. A zero is what is not written.
fn entry(field: &Field, part: Part) -> Result<(String, Value), Malformed> {
    let Part::Bytes(bytes) = part else { return Err(Malformed::WireType { field: field.number }) };
    let (mut key, mut value) = (String::new(), None);
    for part in parts(bytes) {
        match part? {
            (1, Part::Bytes(bytes)) => key = text(bytes)?,
            (2, part) => value = Some(value_of(field, part)?),
            _ => {}
        }
    }
    let zero = || match field.of {
        Type::Message(_) => json!({}),
        Type::Quantity => json!("0"),
        _ => json!(""),
    };
    Ok((key, value.unwrap_or_else(zero)))
}

fn value_of(field: &Field, part: Part) -> Result<Value, Malformed> {
    let bytes = match (field.of, part) {
        (Type::Int, Part::Number(number)) => return Ok(json!(number as i64)),
        (Type::Bool, Part::Number(number)) => return Ok(json!(number != 0)),
        (Type::Int | Type::Bool, _) | (_, Part::Number(_)) => {
            return Err(Malformed::WireType { field: field.number });
        }
        (_, Part::Bytes(bytes)) => bytes,
    };
    match field.of {
        Type::Text => Ok(json!(text(bytes)?)),
        Type::Bytes => Ok(json!(BASE64_STANDARD.encode(bytes))),
        Type::Time => Ok(time(bytes)?.map_or(Value::Null, |at| json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))),
        Type::MicroTime => Ok(time(bytes)?.map_or(Value::Null, |at| json!(format!("{at:.6}")))),
        Type::Json => {
            inner(bytes, 1)?.map_or(Ok(Value::Null), |raw| serde_json::from_slice(raw).map_err(|_| Malformed::NotJson))
        }
        Type::Quantity => Ok(json!(inner(bytes, 1)?.map_or(Ok("0".to_owned()), text)?)),
        Type::IntOrString => int_or_string(bytes),
        Type::Message(place) => decode(SCHEMA.message(place), bytes),
        Type::Int | Type::Bool => Err(Malformed::WireType { field: field.number }),
    }
}

/// `None` for the time that was never set, which is an empty message.
fn time(bytes: &[u8]) -> Result<Option<Timestamp>, Malformed> {
    let (mut seconds, mut nanos) = (None, 0);
    for part in parts(bytes) {
        match part? {
            (1, Part::Number(number)) => seconds = Some(number as i64),
            (2, Part::Number(number)) => nanos = number as i32,
            _ => {}
        }
    }
    Ok(seconds.and_then(|seconds| Timestamp::new(seconds, nanos).ok()))
}

fn int_or_string(bytes: &[u8]) -> Result<Value, Malformed> {
    let (mut is_text, mut number, mut string) = (false, 0, String::new());
    for part in parts(bytes) {
        match part? {
            (1, Part::Number(kind)) => is_text = kind == 1,
            (2, Part::Number(value)) => number = value as i64,
            (3, Part::Bytes(bytes)) => string = text(bytes)?,
            _ => {}
        }
    }
    Ok(if is_text { json!(string) } else { json!(number) })
}

/// The last field of that number, as bytes.
pub fn inner(bytes: &[u8], wanted: u64) -> Result<Option<&[u8]>, Malformed> {
    let mut found = None;
    for part in parts(bytes) {
        if let (number, Part::Bytes(bytes)) = part?
            && number == wanted
        {
            found = Some(bytes);
        }
    }
    Ok(found)
}

pub fn text(bytes: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Malformed::NotUtf8)
}

fn is_zero(value: &Value) -> bool {
    *value == json!("") || *value == json!(0) || *value == json!(false)
}

enum Part<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

/// The fields of a message, in the order in which they were written.
fn parts(bytes: &[u8]) -> impl Iterator<Item = Result<(u64, Part<'_>), Malformed>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let next = part(&mut rest);
        if next.is_err() {
            rest = &[];
        }
        Some(next)
    })
}

fn part<'b>(rest: &mut &'b [u8]) -> Result<(u64, Part<'b>), Malformed> {
    let key = varint(rest)?;
    let length = match key & 7 {
        VARINT => return Ok((key >> 3, Part::Number(varint(rest)?))),
        LENGTH => usize::try_from(varint(rest)?).map_err(|_| Malformed::Truncated)?,
        FIXED64 => 8,
        FIXED32 => 4,
        _ => return Err(Malformed::WireType { field: key >> 3 }),
    };
    let (bytes, after) = rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
    *rest = after;
    Ok((key >> 3, Part::Bytes(bytes)))
}

fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, after) = rest.split_first().ok_or(Malformed::Truncated)?;
        *rest = after;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str) -> &'static Message {
        SCHEMA.find("v1", kind).expect("a message")
    }

    #[track_caller]
    fn round_trip(kind: &str, value: Value) {
        let bytes = encode(message(kind), &value).expect("it fits");
        assert_eq!(decode(message(kind), &bytes), Ok(value));
    }

    #[test]
    fn every_kind_of_value_goes_there_and_back() {
        round_trip(
            "Namespace",
            json!({"metadata": {"name": "x", "generation": 3, "labels": {"a": "", "b": "1"},
            "creationTimestamp": "2026-06-12T10:41:07Z", "deletionGracePeriodSeconds": 0,
            "managedFields": [{"manager": "m", "fieldsV1": {"f:metadata": {".": {}}}}]}, "spec": {"finalizers": ["kubernetes"]}}),
        );
        round_trip("Secret", json!({"data": {"a": "aGVsbG8="}, "immutable": false, "type": "Opaque"}));
        round_trip(
            "Pod",
            json!({"spec": {"tolerations": [{"operator": "Exists", "tolerationSeconds": -1}],
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "c", "configMap": {"name": "x"}}],
            "containers": [{"name": "c", "resources": {"limits": {"cpu": "500m"}},
                "readinessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 3}, "ports": [{"containerPort": 80}],
                "livenessProbe": {"tcpSocket": {"port": 80}}}]},
            "status": {"containerStatuses": [{"name": "c", "ready": false, "restartCount": 0, "state": {"running": {}}}]}}),
        );
        round_trip("Event", json!({"metadata": {}, "eventTime": "2026-06-12T10:41:07.000123Z", "count": 2}));
    }

    #[test]
    fn bytes_are_those_of_the_published_format() {
        let bytes = encode(message("Namespace"), &json!({"metadata": {"name": "x"}, "status": {"phase": "Active"}}));
        assert_eq!(bytes, Ok(b"\x0a\x03\x0a\x01x\x1a\x08\x0a\x06Active".to_vec()));
    }

    #[test]
    fn what_has_the_wrong_type_is_named_by_its_path() {
        let error = encode(message("Pod"), &json!({"spec": {"containers": [{"name": 3}]}})).expect_err("a number");
        assert_eq!(error.to_string(), "spec.containers.name: expected a string");
        let error = encode(message("Node"), &json!({"metadata": {"labels": {"a": true}}})).expect_err("a bool");
        assert_eq!(error.to_string(), "metadata.labels.a: expected a string");
    }

    #[test]
    fn cut_and_hostile_bytes_are_refused_and_unknown_fields_skipped() {
        let whole = encode(message("Namespace"), &json!({"metadata": {"name": "abc"}})).expect("it fits");
        for length in 1..whole.len() {
            assert_eq!(decode(message("Namespace"), &whole[..length]), Err(Malformed::Truncated), "{length}");
        }
        assert_eq!(
            decode(message("Namespace"), b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            Err(Malformed::Truncated)
        );
        assert_eq!(decode(message("Namespace"), b"\x08\x01"), Err(Malformed::WireType { field: 1 }));
        assert_eq!(decode(message("Namespace"), b"\xa0\x06\x01\x0a\x02\x0a\x00"), Ok(json!({"metadata": {}})));
    }
}
