//! The binary form of Kubernetes objects.
//!
//! In and out: JSON as the store keeps it, and bytes as clients send and expect them: an envelope with the kind around an
//! encoded object, or events of a watch, each after its length. Kinds of custom resources and their definitions have only a
//! JSON form here.

mod schema;
mod wire;

pub use wire::{Malformed, WrongType};

use schema::SCHEMA;
use serde_json::{Value, json};

pub const MEDIA: &str = "application/vnd.kubernetes.protobuf";
pub const WATCH_MEDIA: &str = "application/vnd.kubernetes.protobuf;stream=watch";
/// What an envelope begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Whether objects of a kind have a binary form.
pub fn knows(api_version: &str, kind: &str) -> bool {
    SCHEMA.find(api_version, kind).is_some()
}

/// An object in its envelope.
///
/// # Errors
/// A value that does not have the type of its field; a kind without a binary form.
pub fn seal(object: &Value) -> Result<Vec<u8>, WrongType> {
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    let raw = encode(text("apiVersion"), text("kind"), object)?;
    Ok(envelope(text("apiVersion"), text("kind"), &raw))
}

fn encode(api_version: &str, kind: &str, object: &Value) -> Result<Vec<u8>, WrongType> {
    let message = SCHEMA
        .find(api_version, kind)
        .ok_or_else(|| WrongType { path: kind.to_owned(), expected: "a kind with a binary form" })?;
    wire::encode(message, object)
}

/// Adds an item to those of a list.
///
/// # Errors
/// As [`seal`].
pub fn put_item(items: &mut Vec<u8>, api_version: &str, kind: &str, object: &Value) -> Result<(), WrongType> {
    wire::put_bytes(items, 2, &encode(api_version, kind, object)?);
    Ok(())
}

/// A list in its envelope: its metadata, and items as [`put_item`] makes them.
///
/// # Errors
/// As [`seal`].
pub fn seal_list(api_version: &str, kind: &str, metadata: &Value, items: &[u8]) -> Result<Vec<u8>, WrongType> {
    let mut raw = encode(api_version, kind, &json!({"metadata": metadata}))?;
    raw.extend_from_slice(items);
    Ok(envelope(api_version, kind, &raw))
}

fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let mut type_meta = Vec::new();
    wire::put_bytes(&mut type_meta, 1, api_version.as_bytes());
    wire::put_bytes(&mut type_meta, 2, kind.as_bytes());
    let mut out = MAGIC.to_vec();
    wire::put_bytes(&mut out, 1, &type_meta);
    wire::put_bytes(&mut out, 2, raw);
    wire::put_bytes(&mut out, 3, b"");
    wire::put_bytes(&mut out, 4, b"");
    out
}

/// Opens an envelope. The object has its `apiVersion` and `kind`.
///
/// # Errors
/// Bytes that are not an envelope or not the message that it names; `Ok(None)` for a kind without a binary form.
pub fn open(bytes: &[u8]) -> Result<Option<Value>, Malformed> {
    let body = bytes.strip_prefix(MAGIC).ok_or(Malformed::Truncated)?;
    let type_meta = wire::inner(body, 1)?.unwrap_or_default();
    let part = |number| wire::inner(type_meta, number)?.map_or(Ok(String::new()), wire::text);
    let (api_version, kind) = (part(1)?, part(2)?);
    let Some(message) = SCHEMA.find(&api_version, &kind) else { return Ok(None) };
    let mut object = wire::decode(message, wire::inner(body, 2)?.unwrap_or_default())?;
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    Ok(Some(object))
}

/// One event of a watch, after its length.
///
/// # Errors
/// As [`seal`].
pub fn frame(event: &str, object: &Value) -> Result<Vec<u8>, WrongType> {
    let mut raw = Vec::new();
    wire::put_bytes(&mut raw, 1, &seal(object)?);
    let mut body = Vec::new();
    wire::put_bytes(&mut body, 1, event.as_bytes());
    wire::put_bytes(&mut body, 2, &raw);
    // An event is an object of the store, whose size is bounded by that of a request.
    let mut out = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    out.extend_from_slice(&body);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_keeps_version_and_kind() {
        let object =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replicas": 0}});
        assert_eq!(open(&seal(&object).expect("a kind")), Ok(Some(object)));
        let options = json!({"apiVersion": "apps/v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
        assert_eq!(open(&seal(&options).expect("of every group")), Ok(Some(options)));
    }

    /// A null in JSON says what an absent field says.
    fn without_nulls(value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
                Value::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
            other => other,
        }
    }

    #[test]
    fn every_object_of_the_world_goes_there_and_back() {
        let store = crate::demo::world::tests::store();
        let mut count = 0;
        for (key, object) in store.all().filter(|(key, _)| knows(&key.spec().api_version(), key.spec().kind)) {
            let value = without_nulls(object.value());
            let bytes = seal(&value).unwrap_or_else(|error| panic!("{key:?}: {error}"));
            assert_eq!(open(&bytes), Ok(Some(value)), "{key:?}");
            count += 1;
        }
        assert!(count > 100, "{count}");
    }

    #[test]
    fn what_is_not_an_envelope_is_refused() {
        assert_eq!(open(b"{}"), Err(Malformed::Truncated));
        assert_eq!(open(&envelope("nvidia.com/v1", "ClusterPolicy", b"")), Ok(None));
        let policy = json!({"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy"});
        assert_eq!(
            seal(&policy).expect_err("JSON only").to_string(),
            "ClusterPolicy: expected a kind with a binary form"
        );
    }
}
