//! The objects of a run on a cluster: create, watch, follow output, delete, and prove that nothing is left.

use super::{
    ClusterError, ClusterErrorKind, Connection,
    collect::list::{self, encoded},
};
use futures::{AsyncBufReadExt, TryStreamExt};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::mpsc::Sender;

/// A change of a watched object.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// New, changed, or seen again after a gap.
    Applied(Value),
    Deleted(Value),
}

/// What a run may create, in the order in which it is deleted: kind, API path of the collection (`{ns}` for the
/// namespace), whether it is namespaced.
const KINDS: [(&str, &str, bool); 8] = [
    ("Job", "/apis/batch/v1/namespaces/{ns}/jobs", true),
    ("Pod", "/api/v1/namespaces/{ns}/pods", true),
    ("ClusterRoleBinding", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", false),
    ("ClusterRole", "/apis/rbac.authorization.k8s.io/v1/clusterroles", false),
    ("RoleBinding", "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings", true),
    ("Role", "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles", true),
    ("ServiceAccount", "/api/v1/namespaces/{ns}/serviceaccounts", true),
    ("ConfigMap", "/api/v1/namespaces/{ns}/configmaps", true),
];

/// Watches end on the server after this many seconds; the next one takes over where it ended.
const WATCH_SECONDS: u64 = 240;
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `Job aicr-validation/aicr-dra-support-1`, for messages.
pub fn title(object: &Value) -> String {
    let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
    match text(object, "/metadata/namespace") {
        "" => format!("{kind} {name}"),
        namespace => format!("{kind} {namespace}/{name}"),
    }
}

fn collection(kind: &str, namespace: &str) -> Option<String> {
    if kind == "Namespace" {
        return Some("/api/v1/namespaces".to_owned());
    }
    let (_, path, _) = KINDS.into_iter().find(|(known, ..)| *known == kind)?;
    Some(path.replace("{ns}", namespace))
}

/// The answer of one call, within 30 s.
async fn send(
    connection: &Connection,
    doing: &str,
    at: &str,
    request: Result<http::Request<Vec<u8>>, http::Error>,
) -> Result<Value, ClusterError> {
    const LIMIT: Duration = Duration::from_secs(30);
    let at = format!("{}, {at}", connection.at());
    let failed = |error: kube::Error| ClusterError::from_kube(doing, &at, &error);
    let request = request.map_err(|error| failed(kube::Error::HttpError(error)))?;
    match tokio::time::timeout(LIMIT, connection.client.request(request)).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(ClusterError::timeout(doing, &at, LIMIT.as_secs())),
    }
}

/// Creates or updates an object by server-side apply as manager `aicr`; returns it as the server holds it.
///
/// # Errors
/// What the server refuses, with the object's kind, namespace and name.
pub async fn apply(connection: &Connection, object: &Value) -> Result<Value, ClusterError> {
    let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
    let verb_on = format!("patch {}s", kind.to_lowercase());
    let Some(path) = collection(kind, text(object, "/metadata/namespace")) else {
        return Err(ClusterError {
            kind: ClusterErrorKind::Protocol,
            doing: verb_on,
            at: title(object),
            found: "a kind that runs do not create".to_owned(),
            hint: None,
        });
    };
    let request = http::Request::patch(format!("{path}/{name}?fieldManager=aicr&force=true"))
        .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
        .body(object.to_string().into_bytes());
    send(connection, &verb_on, &title(object), request).await
}

/// One object by kind, namespace and name; `None` when it does not exist.
///
/// # Errors
/// Any other answer of the server.
pub async fn find(
    connection: &Connection,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Option<Value>, ClusterError> {
    let Some(path) = collection(kind, namespace) else { return Ok(None) };
    let request = http::Request::get(format!("{path}/{name}")).body(Vec::new());
    match send(connection, &format!("get {}s", kind.to_lowercase()), name, request).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes an object; one that is gone already is fine.
///
/// # Errors
/// What the server refuses.
pub async fn delete(connection: &Connection, kind: &str, namespace: &str, name: &str) -> Result<(), ClusterError> {
    let Some(path) = collection(kind, namespace) else { return Ok(()) };
    // A pod's grace period would only delay what nobody waits for any more.
    let grace = if kind == "Pod" { 1 } else { 0 };
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "gracePeriodSeconds": grace,
    });
    let request = http::Request::delete(format!("{path}/{name}"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(options.to_string().into_bytes());
    let at = if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") };
    match send(connection, &format!("delete {}s", kind.to_lowercase()), &at, request).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// An object of a run, as far as clean-up needs to know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    pub kind: &'static str,
    pub namespace: String,
    pub name: String,
    pub run_id: String,
}

impl std::fmt::Display for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.namespace {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// Everything that a label selector names among what runs create, in the order in which to delete it.
///
/// A namespace that does not exist holds nothing.
///
/// # Errors
/// A list that is refused: then nobody can say that nothing is left.
pub async fn pieces(connection: &Connection, namespace: &str, selector: &str) -> Result<Vec<Piece>, ClusterError> {
    let mut pieces = Vec::new();
    for (kind, path, namespaced) in KINDS {
        let piece = |object: Value| Piece {
            kind,
            namespace: text(&object, "/metadata/namespace").to_owned(),
            name: text(&object, "/metadata/name").to_owned(),
            run_id: text(&object, "/metadata/labels/aicr.run~1run-id").to_owned(),
        };
        let path = path.replace("{ns}", namespace);
        let doing = format!("list {}s", kind.to_lowercase());
        match list::labelled(connection, &doing, &path, selector, piece).await {
            Ok(listed) => pieces.extend(listed.items),
            Err(error) if error.kind == ClusterErrorKind::NotFound && namespaced => {}
            Err(error) => return Err(error),
        }
    }
    Ok(pieces)
}

/// Watches the objects that a selector names until the receiver is gone. `path` is a collection.
///
/// Begins with a list, and lists again after every gap, so that no change is lost: what vanished in a gap is told as
/// deleted. Failures are retried with a growing pause; what they were is sent once each.
pub async fn watch(
    connection: Connection,
    path: String,
    selector: String,
    changes: Sender<Result<Change, ClusterError>>,
) {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    let mut pause = Duration::from_millis(250);
    while !changes.is_closed() {
        let ended = match relist(&connection, &path, &selector, &mut known, &changes).await {
            Ok(version) => {
                pause = Duration::from_millis(250);
                stream(&connection, &path, &selector, version, &mut known, &changes).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            if changes.send(Err(error)).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

async fn relist(
    connection: &Connection,
    path: &str,
    selector: &str,
    known: &mut BTreeMap<String, Value>,
    changes: &Sender<Result<Change, ClusterError>>,
) -> Result<String, ClusterError> {
    let listed = list::labelled(connection, "list objects of the run", path, selector, |item: Value| item).await?;
    let mut gone = std::mem::take(known);
    for item in listed.items {
        let uid = text(&item, "/metadata/uid").to_owned();
        gone.remove(&uid);
        known.insert(uid, item.clone());
        let _ = changes.send(Ok(Change::Applied(item))).await;
    }
    for item in gone.into_values() {
        let _ = changes.send(Ok(Change::Deleted(item))).await;
    }
    Ok(listed.resource_version)
}

/// One watch after the other from a version on; ends when the server has forgotten it, or fails.
async fn stream(
    connection: &Connection,
    path: &str,
    selector: &str,
    mut version: String,
    known: &mut BTreeMap<String, Value>,
    changes: &Sender<Result<Change, ClusterError>>,
) -> Result<(), ClusterError> {
    let at = connection.at();
    let doing = "watch objects of the run";
    loop {
        let selector =
            if selector.is_empty() { String::new() } else { format!("&labelSelector={}", encoded(selector)) };
        let url = format!(
            "{path}?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={version}{selector}"
        );
        let request = http::Request::get(url).body(Vec::new()).map_err(kube::Error::HttpError);
        let failed = |error: kube::Error| ClusterError::from_kube(doing, &at, &error);
        let body = connection.client.request_stream(request.map_err(failed)?).await.map_err(failed)?;
        let mut lines = body.lines();
        loop {
            let line = tokio::select! {
                line = lines.try_next() => line,
                () = changes.closed() => return Ok(()),
            };
            let broken = |error: std::io::Error| ClusterError {
                kind: ClusterErrorKind::Unreachable,
                doing: doing.to_owned(),
                at: at.clone(),
                found: error.to_string(),
                hint: None,
            };
            let Some(line) = line.map_err(broken)? else { break };
            let event: Value = serde_json::from_str(&line).map_err(|error| failed(kube::Error::SerdeError(error)))?;
            let object = &event["object"];
            match text(&event, "/type") {
                // Usually 410: the version is too old. Listing again is the answer to every such status.
                "ERROR" => return Ok(()),
                kind => {
                    version = text(object, "/metadata/resourceVersion").to_owned();
                    let uid = text(object, "/metadata/uid").to_owned();
                    let change = match kind {
                        "DELETED" => {
                            known.remove(&uid);
                            Change::Deleted(object.clone())
                        }
                        "BOOKMARK" => continue,
                        _ => {
                            known.insert(uid, object.clone());
                            Change::Applied(object.clone())
                        }
                    };
                    if changes.send(Ok(change)).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Follows the output of a container to its end, line by line; `None` marks the end.
///
/// A connection that breaks is taken up again where it broke, by the time stamps that the kubelet writes.
pub async fn follow_log(
    connection: Connection,
    namespace: String,
    pod: String,
    container: &'static str,
    lines: Sender<Option<String>>,
) {
    let mut last = String::new();
    for attempt in 0..5u32 {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_millis(300) * attempt).await;
        }
        let since = if last.is_empty() { String::new() } else { format!("&sinceTime={}", encoded(&last)) };
        let url = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&follow=true&timestamps=true{since}"
        );
        let Ok(request) = http::Request::get(url).body(Vec::new()) else { break };
        let Ok(body) = connection.client.request_stream(request).await else { continue };
        let mut stream = body.lines();
        let resumed_at = last.clone();
        loop {
            match stream.try_next().await {
                Ok(Some(line)) => {
                    let (stamp, text) = line.split_once(' ').unwrap_or((&line, ""));
                    // sinceTime includes the second that it names.
                    if !resumed_at.is_empty() && stamp <= resumed_at.as_str() {
                        continue;
                    }
                    last = stamp.to_owned();
                    if lines.send(Some(text.to_owned())).await.is_err() {
                        return;
                    }
                }
                Ok(None) => {
                    let _ = lines.send(None).await;
                    return;
                }
                Err(_) => break,
            }
        }
    }
    let _ = lines.send(None).await;
}
