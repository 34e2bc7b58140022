//! Representations: which one a request wants, and bodies in it.
//!
//! The first of the `Accept` header that a kind has is taken. Built-in kinds have JSON and protobuf, the others JSON alone;
//! metadata has both for every kind, and a table only JSON.

use super::{kinds::Kind, list::View, protobuf, status::Refusal};
use jiff::Timestamp;
use serde_json::Value;

const JSON: &str = "application/json";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Json,
    Protobuf,
}

/// How an answer is written, and how much of an object it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Representation {
    pub form: Form,
    pub view: View,
}

impl Form {
    pub fn media(self) -> &'static str {
        match self {
            Form::Json => JSON,
            Form::Protobuf => protobuf::MEDIA,
        }
    }

    pub fn watch_media(self) -> &'static str {
        match self {
            Form::Json => JSON,
            Form::Protobuf => protobuf::WATCH_MEDIA,
        }
    }

    /// An object with its `apiVersion` and `kind`.
    ///
    /// # Errors
    /// 500 when it does not have the types of its kind.
    pub fn write(self, object: &Value) -> Result<Vec<u8>, Refusal> {
        match self {
            Form::Json => Ok(object.to_string().into_bytes()),
            Form::Protobuf => Ok(protobuf::seal(object)?),
        }
    }
}

impl From<protobuf::WrongType> for Refusal {
    fn from(error: protobuf::WrongType) -> Refusal {
        Refusal::internal(format!("failed to encode the object: {error}"))
    }
}

/// What to answer with. `kind` is `None` for what is not a resource, at time `now`.
///
/// # Errors
/// 406 when the kind has nothing of what is accepted.
pub fn negotiate(accept: &str, kind: Option<&Kind>, now: Timestamp) -> Result<Representation, Refusal> {
    if accept.trim().is_empty() {
        return Ok(Representation { form: Form::Json, view: View::Whole });
    }
    let has_binary = kind.is_none_or(|kind| protobuf::knows(&kind.api_version(), kind.kind));
    let mut clauses = accept.split(',').filter_map(|clause| representation(clause, has_binary, now));
    clauses.next().ok_or_else(|| Refusal::not_acceptable(has_binary))
}

fn representation(clause: &str, has_binary: bool, now: Timestamp) -> Option<Representation> {
    let mut parts = clause.split(';').map(str::trim);
    let media = parts.next()?;
    let form = match media {
        JSON | "*/*" | "application/*" | "text/plain" => Form::Json,
        protobuf::MEDIA => Form::Protobuf,
        _ => return None,
    };
    let view = match parts.find_map(|part| part.strip_prefix("as=")) {
        Some("Table") => View::Table(now),
        Some("PartialObjectMetadata" | "PartialObjectMetadataList") => View::Metadata,
        // What is not known here is answered with the object, whose kind says that it is something else.
        _ => View::Whole,
    };
    let exists = match (form, view) {
        (Form::Json, _) | (_, View::Metadata) => true,
        (Form::Protobuf, View::Whole) => has_binary,
        (Form::Protobuf, View::Table(_)) => false,
    };
    exists.then_some(Representation { form, view })
}

/// The body of a request as an object. `kind` is what the request is about.
///
/// # Errors
/// 415 for a representation that the kind does not have; 400 for a body that is not in it.
pub fn read(media: &str, body: &[u8], kind: &Kind) -> Result<Value, Refusal> {
    let has_binary = protobuf::knows(&kind.api_version(), kind.kind);
    let unsupported = || {
        Refusal::unsupported_media_type(if has_binary {
            "application/json, application/vnd.kubernetes.protobuf"
        } else {
            JSON
        })
    };
    let bad = |error: &str| Refusal::bad_request(format!("the object provided is unrecognized: {error}"));
    match media.split(';').next().unwrap_or_default().trim() {
        "" | JSON | "application/apply-patch+yaml" => serde_json::from_slice(body)
            .map_err(|error| bad(&format!("couldn't get version/kind; json parse error: {error}"))),
        protobuf::MEDIA => {
            let object = protobuf::open(body).map_err(|error| bad(&error.to_string()))?;
            object.ok_or_else(unsupported)
        }
        _ => Err(unsupported()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kinds::{ALL, own};

    #[track_caller]
    fn check(plural: &str, accept: &str, expected: Option<(Form, View)>) {
        let found = negotiate(accept, Some(&ALL[own(plural)]), Timestamp::UNIX_EPOCH);
        assert_eq!(found.ok().map(|one| (one.form, one.view)), expected, "{plural}: {accept}");
    }

    #[test]
    fn the_first_representation_that_a_kind_has_is_taken() {
        let table = View::Table(Timestamp::UNIX_EPOCH);
        check("nodes", "", Some((Form::Json, View::Whole)));
        check("nodes", "application/vnd.kubernetes.protobuf, */*", Some((Form::Protobuf, View::Whole)));
        check("nodes", "application/json, application/vnd.kubernetes.protobuf", Some((Form::Json, View::Whole)));
        check("nodes", "application/vnd.kubernetes.protobuf;stream=watch", Some((Form::Protobuf, View::Whole)));
        check(
            "clusterpolicies",
            "application/vnd.kubernetes.protobuf,application/json",
            Some((Form::Json, View::Whole)),
        );
        check("clusterpolicies", "application/vnd.kubernetes.protobuf", None);
        let metadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        check("clusterpolicies", metadata, Some((Form::Protobuf, View::Metadata)));
        let rows = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        check("pods", rows, Some((Form::Json, table)));
        let binary_rows = "application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1,application/json;as=Table";
        check("pods", binary_rows, Some((Form::Json, table)));
        check("pods", "application/cbor", None);
    }

    #[test]
    fn bodies_are_read_in_what_their_kind_has() {
        let namespace = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}});
        let bytes = Form::Protobuf.write(&namespace).expect("a kind");
        let read = |media, body: &[u8], plural| read(media, body, &ALL[own(plural)]);
        assert_eq!(read(protobuf::MEDIA, &bytes, "namespaces"), Ok(namespace));
        assert_eq!(read(protobuf::MEDIA, b"{}", "namespaces").map_err(|refused| refused.code), Err(400));
        assert_eq!(read("application/cbor", b"{}", "namespaces").map_err(|refused| refused.code), Err(415));
        let definition = b"k8s\0\x0a\x2c\x0a\x17apiextensions.k8s.io/v1\x12\x11CustomDefinitions";
        assert_eq!(read(protobuf::MEDIA, definition, "clusterpolicies").map_err(|refused| refused.code), Err(415));
    }
}
