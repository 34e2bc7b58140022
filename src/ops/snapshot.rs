//! Take a snapshot of a cluster; read and write one where a person says: a file, standard input and output, or a
//! ConfigMap.
//!
//! In: a place as text, a connection. Out: a [`Snapshot`] or the text of one. Files themselves are read and written by
//! `store`; a ConfigMap is an object of a cluster and therefore handled here.

use super::{Failure, Kind};
use crate::{
    cluster::{self, ClusterError, Connection},
    inventory::Inventory,
    snapshot::format,
    text::causes,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use std::{fmt, path::PathBuf, time::Duration};

/// For one reading or writing of a ConfigMap.
const LIMIT: Duration = Duration::from_secs(30);
/// What the API server takes as data of one ConfigMap, less room for its metadata.
const LARGEST: usize = (1 << 20) - (16 << 10);

/// Where a document is or shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `-` or nothing: standard input or output.
    Standard,
    File(PathBuf),
    /// `cm://namespace/name`.
    ConfigMap {
        namespace: String,
        name: String,
    },
}

impl Place {
    /// Reads a `-o` or an input as typed.
    ///
    /// # Errors
    /// `Usage` for `cm://` without namespace or name.
    pub fn parse(text: &str) -> Result<Place, Failure> {
        let Some(rest) = text.strip_prefix("cm://") else {
            return Ok(if text.is_empty() || text == "-" { Place::Standard } else { Place::File(text.into()) });
        };
        match rest.split_once('/').map(|(namespace, name)| (namespace.trim(), name.trim())) {
            Some((namespace, name)) if is_name(namespace) && is_name(name) => {
                Ok(Place::ConfigMap { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err(Failure::new(
                Kind::Usage,
                "understand where the document is",
                "found a `cm://` that names no ConfigMap",
            )
            .at(text)
            .hint("write cm://NAMESPACE/NAME, for example cm://default/aicr-snapshot")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Standard => f.write_str("-"),
            Place::File(path) => write!(f, "{}", path.display()),
            Place::ConfigMap { namespace, name } => write!(f, "cm://{namespace}/{name}"),
        }
    }
}

/// A DNS subdomain, which names of namespaces and ConfigMaps are.
fn is_name(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !text.is_empty() && text.len() <= 253 && text.bytes().all(good) && !text.starts_with(['-', '.'])
}

/// The format in which a document is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Yaml,
    Json,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Yaml => "yaml",
            Format::Json => "json",
        }
    }
}

/// A snapshot of a live cluster. `now` is RFC 3339.
pub async fn take(connection: &Connection, now: &str) -> Result<Inventory, Failure> {
    Ok(cluster::collect::snapshot(connection, now).await?)
}

/// The text of a snapshot, with its fingerprint and a final newline.
pub fn text(snapshot: &Inventory, written: Format) -> String {
    let value = format::to_value(snapshot);
    match written {
        Format::Yaml => crate::yaml::to_string(&value),
        // Pretty printing of a value cannot fail: its keys are texts.
        Format::Json => serde_json::to_string_pretty(&value).unwrap_or_default() + "\n",
    }
}

/// The snapshot that a text holds; `at` names the text in the failure.
pub fn parse(text: &str, at: &str) -> Result<Inventory, Failure> {
    format::read(text).map_err(|error| {
        let at = error.at().map_or(at.to_owned(), |position| format!("{at}:{position}"));
        Failure::new(Kind::Usage, "read the snapshot", causes(&error)).at(at).hint(error.hint())
    })
}

/// The document in a ConfigMap: key `snapshot.<format>` with the format that key `format` names, else the first of
/// `snapshot.yaml`, `snapshot.json`, `snapshot.txt`.
pub async fn read_config_map(connection: &Connection, namespace: &str, name: &str) -> Result<String, Failure> {
    let doing = format!("read ConfigMap {namespace}/{name}");
    let at = connection.at();
    let api: Api<ConfigMap> = Api::namespaced(connection.client.clone(), namespace);
    let found = in_time(&doing, &at, api.get(name)).await?;
    let data = found.data.unwrap_or_default();
    let named = data.get("format").map_or("yaml", String::as_str);
    let keys = [format!("snapshot.{named}"), "snapshot.yaml".into(), "snapshot.json".into(), "snapshot.txt".into()];
    match keys.iter().find_map(|key| data.get(key)) {
        Some(text) => Ok(text.clone()),
        None => {
            let there: Vec<&str> = data.keys().map(String::as_str).collect();
            let found =
                if there.is_empty() { "it is empty".to_owned() } else { format!("it has {}", there.join(", ")) };
            let because = format!("found no key `snapshot.yaml` or `snapshot.json`; {found}");
            Err(Failure::new(Kind::NotFound, doing, because)
                .at(at)
                .hint(format!("write one with: aicr snapshot -o cm://{namespace}/{name}")))
        }
    }
}

/// Writes a document to a ConfigMap, whole, in the reference's shape; one that is there is replaced.
///
/// `kind` is what the document is (`Snapshot`), `now` is RFC 3339.
pub async fn write_config_map(
    connection: &Connection,
    (namespace, name): (&str, &str),
    (kind, written): (&str, Format),
    text: &str,
    now: &str,
) -> Result<(), Failure> {
    let doing = format!("write ConfigMap {namespace}/{name}");
    let at = connection.at();
    if text.len() > LARGEST {
        let because = format!("the document has {} bytes, and a ConfigMap holds at most {LARGEST}", text.len());
        return Err(Failure::new(Kind::Usage, doing, because).at(at).hint("write it to a file instead: -o FILE"));
    }
    let mut data = serde_json::Map::new();
    data.insert("format".to_owned(), json!(written.name()));
    data.insert(format!("snapshot.{}", written.name()), json!(text));
    data.insert("timestamp".to_owned(), json!(now));
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": "aicr",
                "app.kubernetes.io/component": kind,
                "app.kubernetes.io/version": env!("CARGO_PKG_VERSION"),
            },
        },
        "data": data,
    });
    let api: Api<ConfigMap> = Api::namespaced(connection.client.clone(), namespace);
    let params = PatchParams::apply("aicr").force();
    in_time(&doing, &at, api.patch(name, &params, &Patch::Apply(object))).await.map_err(|mut failure| {
        if failure.kind == Kind::NotFound {
            failure.hint = Some(format!("make the namespace first: kubectl create namespace {namespace}"));
        }
        failure
    })?;
    Ok(())
}

async fn in_time<T>(doing: &str, at: &str, call: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
    match tokio::time::timeout(LIMIT, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(ClusterError::from_kube(doing, at, &error).into()),
        Err(_) => Err(ClusterError::timeout(doing, at, LIMIT.as_secs()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match Place::parse(text) {
            Ok(place) => format!("{place:?}"),
            Err(failure) => failure.because,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_place_is_standard_a_file_or_a_config_map() {
        check("-", "Standard");
        check("", "Standard");
        check("a/b.yaml", "File(\"a/b.yaml\")");
        check("cm://ns/name", "ConfigMap { namespace: \"ns\", name: \"name\" }");
    }

    #[test]
    fn a_config_map_needs_both_names() {
        for text in ["cm://", "cm://ns", "cm:///name", "cm://ns/", "cm://../name", "cm://ns/a/b"] {
            check(text, "found a `cm://` that names no ConfigMap");
        }
    }
}
