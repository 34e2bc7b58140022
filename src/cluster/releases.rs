//! What Helm releases were installed with, from the content of the secrets or ConfigMaps that Helm keeps them in.
//!
//! Such content may hold passwords, so nobody reads it by the way: only a person who asks for values does.

use super::{ClusterError, ClusterErrorKind, Connection, collect::list};
use crate::inventory::release::{Content, KeptIn};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::ByteString;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, io::Read};

/// A release has at most 1 MiB in its secret; unpacked it is refused beyond this.
const UNPACKED_BYTES: u64 = 64 << 20;

/// Secrets that are asked for at the same time.
const AT_ONCE: usize = 8;

/// The revision of a release that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    pub namespace: String,
    pub name: String,
    pub revision: String,
    pub kept_in: KeptIn,
}

#[derive(Deserialize)]
struct Secret {
    #[serde(default)]
    data: BTreeMap<String, ByteString>,
}

#[derive(Deserialize)]
struct ConfigMap {
    #[serde(default)]
    data: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    chart: Chart,
    #[serde(default)]
    config: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chart {
    metadata: Metadata,
    values: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    version: String,
    annotations: BTreeMap<String, String>,
}

/// On the chart of a bundle: the version of what it wraps, which its own version is not.
const COMPONENT_VERSION: &str = "aicr.run/component-version";

/// The content of releases by namespace and name, in no more than a few requests at a time.
///
/// # Errors
/// The first record that cannot be read, or holds no release.
pub async fn contents(
    connection: &Connection,
    revisions: Vec<Revision>,
) -> Result<BTreeMap<(String, String), Content>, ClusterError> {
    let reading = revisions.into_iter().map(|revision| async move {
        let content = content(connection, &revision).await?;
        Ok(((revision.namespace, revision.name), content))
    });
    futures::stream::iter(reading).buffer_unordered(AT_ONCE).try_collect().await
}

async fn content(connection: &Connection, revision: &Revision) -> Result<Content, ClusterError> {
    let Revision { namespace, name, revision, kept_in } = revision;
    let record = format!("sh.helm.release.v1.{name}.v{revision}");
    let (kind, plural) = match kept_in {
        KeptIn::Secret => ("secret", "secrets"),
        KeptIn::ConfigMap => ("configmap", "configmaps"),
    };
    let doing = format!("get {kind} {namespace}/{record}");
    let path = format!("/api/v1/namespaces/{}/{plural}/{}", list::encoded(namespace), list::encoded(&record));
    let packed = match kept_in {
        KeptIn::Secret => {
            let Secret { mut data } = list::get(connection, &doing, &path).await?;
            data.remove("release").map(|bytes| bytes.0).unwrap_or_default()
        }
        KeptIn::ConfigMap => {
            let ConfigMap { mut data } = list::get(connection, &doing, &path).await?;
            data.remove("release").unwrap_or_default().into_bytes()
        }
    };
    unpack(&packed).map_err(|error| {
        let (doing, at) = (format!("read the Helm release {name}"), format!("{kind} {namespace}/{record}"));
        ClusterError::new(ClusterErrorKind::Protocol, doing, at)
            .caused_by(error)
            .hint("is it Helm's? `helm get values` shows what Helm makes of it")
    })
}

/// Bytes that are not a release of Helm's. What they are is not repeated: they may hold passwords.
#[derive(Debug, thiserror::Error)]
enum UnpackError {
    #[error("not base64")]
    NotText(#[source] std::str::Utf8Error),
    #[error("not base64")]
    NotBase64,
    #[error("not gzip")]
    NotGzip(#[source] std::io::Error),
    #[error("it unpacks to more than {UNPACKED_BYTES} bytes")]
    TooLarge,
    #[error("not a release (line {line}, column {column})")]
    NotARelease { line: usize, column: usize },
}

/// Base64 of gzip of JSON, or of JSON alone, which Helm reads as well.
fn unpack(packed: &[u8]) -> Result<Content, UnpackError> {
    let json = to_json(packed)?;
    let Release { namespace, chart: Chart { mut metadata, values }, config } =
        serde_json::from_slice(&json).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            UnpackError::NotARelease { line, column }
        })?;
    let told = |text: String| Some(text).filter(|text| !text.is_empty());
    let component_version = metadata.annotations.remove(COMPONENT_VERSION).and_then(told);
    let (namespace, chart, version) = (told(namespace), told(metadata.name), told(metadata.version));
    Ok(Content { namespace, chart, version, config, defaults: values, component_version })
}

/// The JSON of a release; `None` for bytes that are none.
pub(super) fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    to_json(packed).ok()
}

fn to_json(packed: &[u8]) -> Result<Vec<u8>, UnpackError> {
    let text = std::str::from_utf8(packed).map_err(UnpackError::NotText)?;
    // Its error quotes the text.
    let decoded: ByteString = serde_json::from_value(text.into()).map_err(|_| UnpackError::NotBase64)?;
    let mut json = Vec::new();
    if decoded.0.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = flate2::read::GzDecoder::new(&*decoded.0).take(UNPACKED_BYTES + 1);
        unpacked.read_to_end(&mut json).map_err(UnpackError::NotGzip)?;
    } else {
        json = decoded.0;
    }
    match json.len() as u64 > UNPACKED_BYTES {
        true => Err(UnpackError::TooLarge),
        false => Ok(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Write;

    fn packed(json: &str, zip: bool) -> String {
        let mut bytes = json.as_bytes().to_vec();
        if zip {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(&bytes).expect("memory takes it");
            bytes = encoder.finish().expect("memory takes it");
        }
        serde_json::to_value(ByteString(bytes)).expect("a text").as_str().expect("a text").to_owned()
    }

    #[test]
    fn a_release_is_unpacked_with_and_without_gzip() {
        let json = r#"{"name": "x", "namespace": "n", "config": {"a": 1}, "chart": {"values": {"a": 0}, "metadata": {"name": "c",
            "version": "1.2.3", "annotations": {"aicr.run/component-version": "v2.0.0"}}}}"#;
        for zip in [true, false] {
            let content = unpack(packed(json, zip).as_bytes()).expect("it is a release");
            let (config, defaults) = (json!({"a": 1}), json!({"a": 0}));
            let component_version = Some("v2.0.0".into());
            let (chart, version) = (Some("c".into()), Some("1.2.3".into()));
            let namespace = Some("n".into());
            let expected = Content { namespace, chart, version, config, defaults, component_version };
            assert_eq!(content, expected);
        }
    }

    #[test]
    fn a_bad_release_names_the_step_that_failed() {
        let refused = |bytes: &[u8]| unpack(bytes).expect_err("it is no release").to_string();
        assert!(refused(b"***").starts_with("not base64"));
        assert!(refused(packed("\u{1f}", false).as_bytes()).starts_with("not a release"));
        let mut cut = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        cut.write_all(b"{}").expect("memory takes it");
        let mut cut = cut.finish().expect("memory takes it");
        cut.truncate(cut.len() - 9);
        let text = serde_json::to_value(ByteString(cut)).expect("a text");
        assert!(refused(text.as_str().expect("a text").as_bytes()).starts_with("not gzip"));
    }

    #[test]
    fn a_bomb_is_refused_without_being_kept() {
        let bomb = packed(&" ".repeat(usize::try_from(UNPACKED_BYTES).expect("it fits") + 10), true);
        assert!(bomb.len() < 1 << 20, "it would fit into a secret");
        assert!(unpack(bomb.as_bytes()).expect_err("it is too large").to_string().contains("more than"));
    }
}
