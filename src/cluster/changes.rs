//! What a check changes on a cluster: create, patch and delete by API path, and what a container wrote.

use super::{ClusterError, ClusterErrorKind, Connection, collect::list, objects::send, request::RequestPath};
use serde_json::{Value, json};

/// Bytes of a log that are read.
const LOG_BYTES: usize = 1 << 20;
/// Seconds for the containers of a pod to end by themselves.
const GRACE_SECONDS: u64 = 1;

/// Creates an object in a collection; returns it as the server holds it. A trial is admitted or refused, and not kept.
///
/// # Errors
/// What the server refuses.
pub async fn create(
    connection: &Connection,
    collection: &str,
    object: &Value,
    trial: bool,
) -> Result<Value, ClusterError> {
    let path = RequestPath::new(collection).with_some("dryRun", if trial { "All" } else { "" });
    let request = http::Request::post(path.as_str())
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(object.to_string().into_bytes());
    send(connection, &format!("create {collection}"), collection, request).await
}

/// Merges into an object.
///
/// # Errors
/// What the server refuses.
pub async fn patch(connection: &Connection, path: &str, patch: &Value) -> Result<Value, ClusterError> {
    let request = http::Request::patch(path)
        .header(http::header::CONTENT_TYPE, "application/merge-patch+json")
        .body(patch.to_string().into_bytes());
    send(connection, &format!("patch {path}"), path, request).await
}

/// Deletes an object; one that does not exist is fine.
///
/// # Errors
/// What the server refuses.
pub async fn delete(connection: &Connection, path: &str) -> Result<(), ClusterError> {
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "gracePeriodSeconds": GRACE_SECONDS,
    });
    let request = http::Request::delete(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(options.to_string().into_bytes());
    match send(connection, &format!("delete {path}"), path, request).await {
        Err(error) if error.kind != ClusterErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The pods of a namespace that a label selector names: who has rights in that namespace alone can list them.
///
/// # Errors
/// What the server refuses.
pub async fn pods(connection: &Connection, namespace: &str, selector: &str) -> Result<Vec<Value>, ClusterError> {
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    list::labeled(connection, "list pods", &path, selector, |pod: Value| pod).await.map(|listed| listed.items)
}

/// What a container wrote, at most 1 MiB from its beginning.
///
/// # Errors
/// A pod that is not there, or a container that has not started.
pub async fn log(connection: &Connection, namespace: &str, pod: &str, container: &str) -> Result<String, ClusterError> {
    read_log(connection, (namespace, pod, container), "").await
}

/// The same of the container that ran before it was restarted.
///
/// # Errors
/// As [`log`]; a container that was not restarted.
pub async fn log_before(
    connection: &Connection,
    namespace: &str,
    pod: &str,
    container: &str,
) -> Result<String, ClusterError> {
    read_log(connection, (namespace, pod, container), "true").await
}

async fn read_log(
    connection: &Connection,
    (namespace, pod, container): (&str, &str, &str),
    previous: &str,
) -> Result<String, ClusterError> {
    let path = RequestPath::new(format!("/api/v1/namespaces/{namespace}/pods/{pod}/log"))
        .with("container", container)
        .with("limitBytes", LOG_BYTES)
        .with_some("previous", previous);
    let at = format!("{namespace}/{pod}, {container}");
    let failed = |error: kube::Error| ClusterError::from_kube("get pods/log", &at, &error);
    let request = http::Request::get(path.as_str()).body(Vec::new());
    let request = request.map_err(|error| failed(kube::Error::HttpError(error)))?;
    connection.client.request_text(request).await.map_err(failed)
}
