//! Documents in ConfigMaps, in the reference's shape.
//!
//! In: a connection, namespace and name. Out: the text that is in it, or a ConfigMap that holds a text whole.

use super::{ClusterError, ClusterErrorKind, Connection};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use std::time::Duration;

/// For one reading or writing.
const LIMIT: Duration = Duration::from_secs(30);
/// What the API server takes as data of one ConfigMap, less room for its metadata, in bytes.
const LARGEST: usize = (1 << 20) - (16 << 10);

/// What a ConfigMap shall hold.
#[derive(Clone, Copy, Debug)]
pub struct Content<'c> {
    /// The label `app.kubernetes.io/component`.
    pub component: &'c str,
    /// `yaml` or `json`: the suffix of the key.
    pub format: &'c str,
    pub text: &'c str,
    /// RFC 3339.
    pub now: &'c str,
}

/// The document in a ConfigMap: key `snapshot.<format>` with the format that key `format` names, else the first of
/// `snapshot.yaml`, `snapshot.json`, `snapshot.txt`.
///
/// # Errors
/// `NotFound` where there is no such ConfigMap or none of these keys, and as every call.
pub async fn read(connection: &Connection, namespace: &str, name: &str) -> Result<String, ClusterError> {
    let doing = format!("read ConfigMap {namespace}/{name}");
    let at = connection.at();
    let api: Api<ConfigMap> = Api::namespaced(connection.client.clone(), namespace);
    let found = in_time(&doing, &at, api.get(name)).await?;
    let data = found.data.unwrap_or_default();
    let named = data.get("format").map_or("yaml", String::as_str);
    let keys = [format!("snapshot.{named}"), "snapshot.yaml".into(), "snapshot.json".into(), "snapshot.txt".into()];
    if let Some(text) = keys.iter().find_map(|key| data.get(key)) {
        return Ok(text.clone());
    }
    let there: Vec<&str> = data.keys().map(String::as_str).collect();
    let there = if there.is_empty() { "it is empty".to_owned() } else { format!("it has {}", there.join(", ")) };
    let found = format!("missing key `snapshot.yaml` or `snapshot.json`; {there}");
    let hint = format!("write one with: aicr snapshot -o cm://{namespace}/{name}");
    Err(ClusterError { kind: ClusterErrorKind::NotFound, doing, at, found, hint: Some(hint), cause: None })
}

/// Writes a document to a ConfigMap, whole; one that is there is replaced.
///
/// # Errors
/// `Rejected` for a text that no ConfigMap can hold, and as every call.
pub async fn write(
    connection: &Connection,
    namespace: &str,
    name: &str,
    content: &Content<'_>,
) -> Result<(), ClusterError> {
    let Content { component, format, text, now } = content;
    let doing = format!("write ConfigMap {namespace}/{name}");
    let at = connection.at();
    if text.len() > LARGEST {
        let found = format!("the document has {} bytes, and a ConfigMap holds at most {LARGEST}", text.len());
        let hint = Some("write it to a file instead: -o FILE".to_owned());
        return Err(ClusterError { kind: ClusterErrorKind::Rejected, doing, at, found, hint, cause: None });
    }
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/name": "aicr",
                "app.kubernetes.io/component": component,
                "app.kubernetes.io/version": env!("CARGO_PKG_VERSION"),
            },
        },
        "data": { "format": format, (format!("snapshot.{format}")): text, "timestamp": now },
    });
    let api: Api<ConfigMap> = Api::namespaced(connection.client.clone(), namespace);
    let params = PatchParams::apply("aicr").force();
    match in_time(&doing, &at, api.patch(name, &params, &Patch::Apply(object))).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind == ClusterErrorKind::NotFound => {
            let hint = format!("create the namespace first: kubectl create namespace {namespace}");
            Err(ClusterError { hint: Some(hint), ..error })
        }
        Err(error) => Err(error),
    }
}

async fn in_time<T>(doing: &str, at: &str, call: impl Future<Output = kube::Result<T>>) -> Result<T, ClusterError> {
    match tokio::time::timeout(LIMIT, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(ClusterError::from_kube(doing, at, &error)),
        Err(_) => Err(ClusterError::timeout(doing, at, LIMIT.as_secs())),
    }
}
