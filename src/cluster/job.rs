//! The objects of a run on a cluster: create, watch, follow output, delete, and prove that nothing is left.

use super::{
    ClusterError, ClusterErrorKind, Connection,
    collect::list::{self, encoded},
};
use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
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

/// Where objects of a kind stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// In the namespace of the run.
    Run,
    /// In namespaces that checks look at, so that their rights end there.
    Any,
    Cluster,
}

/// A kind that a run may create.
struct Made {
    kind: &'static str,
    /// `/apis/batch/v1`.
    api: &'static str,
    plural: &'static str,
    scope: Scope,
}

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// What a run may create, in the order in which it is deleted: what works first, what it needs after. Pods come before
/// their Jobs, whose deletion would give them their whole grace period; the kubelet does not shorten that afterwards.
const KINDS: [Made; 8] = [
    Made { kind: "Pod", api: "/api/v1", plural: "pods", scope: Scope::Run },
    Made { kind: "Job", api: "/apis/batch/v1", plural: "jobs", scope: Scope::Run },
    Made { kind: "ClusterRoleBinding", api: RBAC, plural: "clusterrolebindings", scope: Scope::Cluster },
    Made { kind: "ClusterRole", api: RBAC, plural: "clusterroles", scope: Scope::Cluster },
    Made { kind: "RoleBinding", api: RBAC, plural: "rolebindings", scope: Scope::Any },
    Made { kind: "Role", api: RBAC, plural: "roles", scope: Scope::Any },
    Made { kind: "ServiceAccount", api: "/api/v1", plural: "serviceaccounts", scope: Scope::Run },
    Made { kind: "ConfigMap", api: "/api/v1", plural: "configmaps", scope: Scope::Run },
];

/// Watches end on the server after this many seconds; the next one takes over where it ended. Short, because a
/// connection that died without a word is noticed only then.
const WATCH_SECONDS: u64 = 60;
/// A watch that is silent for this long has lost its connection.
const WATCH_LIMIT: Duration = Duration::from_secs(WATCH_SECONDS + 15);
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Of one line of output; the rest of a longer one is dropped.
const LINE_BYTES: usize = 16 << 10;
/// For a container to end by itself when it is told to.
const POD_GRACE_SECONDS: u64 = 2;
/// Requests under way at a time when objects are deleted.
const DELETIONS: usize = 16;

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
    let Made { api, plural, scope, .. } = KINDS.iter().find(|known| known.kind == kind)?;
    Some(match scope {
        Scope::Cluster => format!("{api}/{plural}"),
        Scope::Run | Scope::Any => format!("{api}/namespaces/{namespace}/{plural}"),
    })
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
            cause: None,
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
    // A pod's own grace period would only delay what nobody waits for any more.
    let grace = if kind == "Pod" { POD_GRACE_SECONDS } else { 0 };
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
    let lists: Vec<_> = KINDS.iter().map(|made| pieces_of(connection, made, namespace, selector)).collect();
    Ok(futures::future::try_join_all(lists).await?.concat())
}

async fn pieces_of(
    connection: &Connection,
    made: &Made,
    namespace: &str,
    selector: &str,
) -> Result<Vec<Piece>, ClusterError> {
    let Made { kind, api, plural, scope } = *made;
    let piece = |object: Value| Piece {
        kind,
        namespace: text(&object, "/metadata/namespace").to_owned(),
        name: text(&object, "/metadata/name").to_owned(),
        run_id: text(&object, "/metadata/labels/aicr.run~1run-id").to_owned(),
    };
    let path = match scope {
        Scope::Run => format!("{api}/namespaces/{namespace}/{plural}"),
        Scope::Any | Scope::Cluster => format!("{api}/{plural}"),
    };
    let doing = format!("list {plural}");
    match list::labelled(connection, &doing, &path, selector, piece).await {
        Ok(listed) => Ok(listed.items),
        Err(error) if error.kind == ClusterErrorKind::NotFound && scope == Scope::Run => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn delete_piece(connection: &Connection, piece: &Piece) -> Option<String> {
    let deleted = delete(connection, piece.kind, &piece.namespace, &piece.name).await;
    deleted.err().map(|error| format!("{piece} ({})", error.found))
}

/// Deletes pieces, pods first, several at a time; what was refused comes back with the reason.
pub async fn delete_all(connection: &Connection, pieces: &[Piece]) -> Vec<String> {
    let (pods, others): (Vec<&Piece>, Vec<&Piece>) = pieces.iter().partition(|piece| piece.kind == "Pod");
    let mut refused = Vec::new();
    for pieces in [pods, others] {
        // Collected first: a stream over the closure itself could not be sent between threads.
        let deletions: Vec<_> = pieces.into_iter().map(|piece| delete_piece(connection, piece)).collect();
        let done: Vec<Option<String>> = futures::stream::iter(deletions).buffered(DELETIONS).collect().await;
        refused.extend(done.into_iter().flatten());
    }
    refused
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
    let mut pause = SHORTEST_PAUSE;
    while !changes.is_closed() {
        let ended = match relist(&connection, &path, &selector, &mut known, &changes).await {
            Ok(version) => {
                pause = SHORTEST_PAUSE;
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
        let begun = tokio::time::Instant::now();
        let body = connection.client.request_stream(request.map_err(failed)?).await.map_err(failed)?;
        let mut lines = body.lines();
        loop {
            let line = tokio::select! {
                line = tokio::time::timeout(WATCH_LIMIT, lines.try_next()) => line,
                () = changes.closed() => return Ok(()),
            };
            let broken = |error: std::io::Error| ClusterError {
                kind: ClusterErrorKind::Unreachable,
                doing: doing.to_owned(),
                at: at.clone(),
                found: error.to_string(),
                hint: None,
                cause: None,
            };
            let silent = |_| ClusterError::timeout(doing, &at, WATCH_LIMIT.as_secs());
            let Some(line) = line.map_err(silent)?.map_err(broken)? else { break };
            let event: Value = serde_json::from_str(&line).map_err(|error| failed(kube::Error::SerdeError(error)))?;
            let object = &event["object"];
            match text(&event, "/type") {
                // Usually 410: the version is too old. Listing again is the answer to every such status.
                "ERROR" => {
                    tokio::time::sleep(SHORTEST_PAUSE).await;
                    return Ok(());
                }
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
        // Something between us and the server cuts watches at once: do not ask it as fast as it can refuse.
        if begun.elapsed() < Duration::from_secs(1) {
            tokio::time::sleep(SHORTEST_PAUSE).await;
        }
    }
}

/// Follows the output of a container to its end, line by line; `None` marks the end.
///
/// A connection that breaks, or ends while the container still runs, is taken up again where it was, by the time stamps
/// that the kubelet writes. Bytes that are no UTF-8 are replaced, lines longer than 16 KiB cut.
pub async fn follow_log(
    connection: Connection,
    namespace: String,
    pod: String,
    container: &'static str,
    lines: Sender<Option<String>>,
) {
    let mut last = String::new();
    let mut fruitless = 0u32;
    while fruitless < 8 && !lines.is_closed() {
        if fruitless > 0 {
            tokio::time::sleep(SHORTEST_PAUSE * fruitless).await;
        }
        fruitless += 1;
        let since = if last.is_empty() { String::new() } else { format!("&sinceTime={}", encoded(&last)) };
        let url = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&follow=true&timestamps=true{since}"
        );
        let Ok(request) = http::Request::get(url).body(Vec::new()) else { break };
        let Ok(body) = connection.client.request_stream(request).await else { continue };
        let mut body = std::pin::pin!(body);
        let resumed_at = last.clone();
        let ended = loop {
            let line = tokio::select! {
                line = next_line(&mut body) => line,
                () = lines.closed() => return,
            };
            let Ok(line) = line else { break false };
            let Some(line) = line else { break true };
            let (stamp, text) = line.split_once(' ').unwrap_or((&line, ""));
            // sinceTime includes the second that it names.
            if !resumed_at.is_empty() && stamp <= resumed_at.as_str() {
                continue;
            }
            fruitless = 1;
            last = stamp.to_owned();
            if lines.send(Some(text.to_owned())).await.is_err() {
                return;
            }
        };
        if ended && has_ended(&connection, &namespace, &pod, container).await {
            break;
        }
    }
    let _ = lines.send(None).await;
}

/// Whether a container is over, or nobody can tell any more.
async fn has_ended(connection: &Connection, namespace: &str, pod: &str, container: &str) -> bool {
    let Ok(Some(pod)) = find(connection, "Pod", namespace, pod).await else { return true };
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let mut statuses = statuses.into_iter().flatten();
    statuses.find(|status| status["name"] == container).is_none_or(|status| status.pointer("/state/running").is_none())
}

/// The next line without its end, shortened where it is longer than anybody reads; `None` at the end.
async fn next_line(body: &mut (impl futures::AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line: Vec<u8> = Vec::new();
    let mut dropped = 0;
    loop {
        let chunk = body.fill_buf().await?;
        if chunk.is_empty() && line.is_empty() {
            return Ok(None);
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let kept = part.len().min(LINE_BYTES - line.len());
        line.extend_from_slice(&part[..kept]);
        dropped += part.len() - kept;
        let (is_last, taken) = (chunk.is_empty() || end.is_some(), part.len() + usize::from(end.is_some()));
        body.consume_unpin(taken);
        if is_last {
            let mut line = String::from_utf8_lossy(&line).into_owned();
            if dropped > 0 {
                line.push_str(&format!(" … {dropped} more bytes"));
            }
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of an output that comes in pieces of three bytes.
    async fn lines(output: &[u8]) -> Vec<String> {
        let pieces = futures::stream::iter(output.chunks(3).map(Ok::<_, std::io::Error>));
        let mut body = std::pin::pin!(pieces.into_async_read());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut body).await.expect("no error in memory") {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn output_is_cut_at_line_ends_and_nowhere_else() {
        assert_eq!(lines(b"one\n\nthree\nno end").await, ["one", "", "three", "no end"]);
        assert_eq!(lines(b"").await, [""; 0]);
        assert_eq!(lines("größer\n".as_bytes()).await, ["größer"]);
        assert_eq!(lines(b"a\xffb\n").await, ["a\u{fffd}b"], "bytes that are no text stay visible");
    }

    #[tokio::test]
    async fn a_line_without_end_costs_no_more_than_its_beginning() {
        let output = [vec![b'x'; LINE_BYTES + 1000], b"\nnext\n".to_vec()].concat();
        let lines = lines(&output).await;
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("x … 1000 more bytes") && lines[0].len() < LINE_BYTES + 30, "{}", lines[0].len());
        assert_eq!(lines[1], "next");
    }
}
