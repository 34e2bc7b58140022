//! Lists and watches the objects that a selector names, each change stamped when it arrives.
//!
//! Begins with a list, and lists again after every gap, so that no change is lost: what vanished in a gap is reported as
//! deleted. A pause of the process is such a gap too: connections that look open may be dead, and what happened meanwhile
//! has to be read before anything is concluded from silence.

use super::{
    ClusterError, ClusterErrorKind, Connection,
    active_time::{self, RunClock},
    backoff::Backoff,
    collect::list::{self, encoded},
    objects::text,
};
use crate::validate::event::Moment;
use futures::{AsyncBufReadExt, TryStreamExt};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::{mpsc::Sender, watch};

/// What a watch reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// New, changed, or seen again after a gap.
    Applied(Value),
    /// The last version of an object that was removed.
    Deleted(Value),
    /// All objects of a list have been reported; `pauses` is how many pauses had been noticed when it was asked for.
    Listed { pauses: u64 },
    /// The watch is interrupted and will be resumed.
    Lost(ClusterError),
}

/// A change, and when it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed<T> {
    pub at: Moment,
    pub what: T,
}

/// Watches end on the server after this many seconds; the next one takes over where it ended. Short, because a
/// connection that died silently is noticed only then.
const WATCH_SECONDS: u64 = 60;
/// A watch that is silent for this long has lost its connection.
const WATCH_LIMIT: Duration = Duration::from_secs(WATCH_SECONDS + 15);
pub(super) const SHORTEST_WAIT: Duration = Duration::from_millis(250);
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What to watch.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The collection: `/api/v1/namespaces/x/pods`.
    pub path: String,
    /// A label selector; empty for all objects of the collection.
    pub selector: String,
}

/// Watches until the receiver is dropped. Failures are reported and retried after a growing wait.
pub async fn watch(connection: Connection, scope: Scope, clock: RunClock, changes: Sender<Observed<Change>>) {
    let mut watch = ObjectWatch { connection, scope, pauses: clock.pauses(), clock, changes, known: BTreeMap::new() };
    let mut backoff = Backoff::new(SHORTEST_WAIT, LONGEST_WAIT);
    while !watch.changes.is_closed() {
        let ended = match watch.list().await {
            Ok(version) => {
                backoff.succeeded();
                watch.stream(version).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            let wait = backoff.failed();
            let (path, attempt) = (&watch.scope.path, backoff.attempt());
            tracing::warn!(path, attempt, wait_ms = wait.as_millis(), "watch lost: {}", error.found);
            watch.report(Change::Lost(error)).await;
            active_time::sleep(wait).await;
        }
    }
}

struct ObjectWatch {
    connection: Connection,
    scope: Scope,
    clock: RunClock,
    pauses: watch::Receiver<active_time::Pauses>,
    changes: Sender<Observed<Change>>,
    /// By uid.
    known: BTreeMap<String, Value>,
}

impl ObjectWatch {
    async fn report(&self, change: Change) {
        // Stamped before the channel, whose reader may be busy.
        let observed = Observed { at: self.clock.now(), what: change };
        // Without a reader, the next round ends the watch.
        let _ = self.changes.send(observed).await;
    }

    /// Lists, reports what is there and what vanished; the version from which to watch.
    async fn list(&mut self) -> Result<String, ClusterError> {
        let pauses = self.pauses.borrow_and_update().count;
        let Scope { path, selector } = &self.scope;
        let doing = "list objects of the run";
        let listed = list::labelled(&self.connection, doing, path, selector, |item: Value| item).await?;
        let mut vanished = std::mem::take(&mut self.known);
        for item in listed.items {
            let uid = text(&item, "/metadata/uid").to_owned();
            vanished.remove(&uid);
            self.known.insert(uid, item.clone());
            self.report(Change::Applied(item)).await;
        }
        for item in vanished.into_values() {
            self.report(Change::Deleted(item)).await;
        }
        self.report(Change::Listed { pauses }).await;
        Ok(listed.resource_version)
    }

    /// One watch after the other from a version on; ends when the list has to be read again, or with a failure.
    async fn stream(&mut self, mut version: String) -> Result<(), ClusterError> {
        let (at, doing) = (self.connection.at(), "watch objects of the run");
        loop {
            let began = tokio::time::Instant::now();
            let failed = |error: kube::Error| ClusterError::from_kube(doing, &at, &error);
            let request = http::Request::get(self.url(&version)).body(Vec::new()).map_err(kube::Error::HttpError);
            let body = self.connection.client.request_stream(request.map_err(failed)?).await.map_err(failed)?;
            let mut lines = body.lines();
            loop {
                let line = tokio::select! {
                    biased;
                    () = self.changes.closed() => return Ok(()),
                    // What the socket holds is read by the list as well; the connection may be dead.
                    _ = self.pauses.changed() => {
                        tracing::info!(path = self.scope.path, "this process was paused; listing again");
                        return Ok(());
                    }
                    line = active_time::timeout(WATCH_LIMIT, lines.try_next()) => line,
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
                let event: Value =
                    serde_json::from_str(&line).map_err(|error| failed(kube::Error::SerdeError(error)))?;
                // Usually 410: the version is too old. Listing again is the answer to every such status.
                if text(&event, "/type") == "ERROR" {
                    let code = event.pointer("/object/code").and_then(Value::as_u64);
                    tracing::info!(path = self.scope.path, code, "watch ended by the server; listing again");
                    active_time::sleep(SHORTEST_WAIT).await;
                    return Ok(());
                }
                // One without a version says nothing of where the watch is.
                match text(&event, "/object/metadata/resourceVersion") {
                    "" | "0" => {}
                    reached => reached.clone_into(&mut version),
                }
                self.take(event).await;
            }
            // Something between us and the server cuts watches at once: do not ask it as fast as it can refuse.
            if began.elapsed() < Duration::from_secs(1) {
                active_time::sleep(SHORTEST_WAIT).await;
            }
        }
    }

    async fn take(&mut self, mut event: Value) {
        let object = event["object"].take();
        let uid = text(&object, "/metadata/uid").to_owned();
        match text(&event, "/type") {
            "BOOKMARK" => {}
            "DELETED" => {
                self.known.remove(&uid);
                self.report(Change::Deleted(object)).await;
            }
            _ => {
                self.known.insert(uid, object.clone());
                self.report(Change::Applied(object)).await;
            }
        }
    }

    fn url(&self, version: &str) -> String {
        let Scope { path, selector } = &self.scope;
        let selector =
            if selector.is_empty() { String::new() } else { format!("&labelSelector={}", encoded(selector)) };
        format!(
            "{path}?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={version}{selector}"
        )
    }
}
