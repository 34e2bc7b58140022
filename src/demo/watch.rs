//! Watches: every change of what a selector chooses, from a version on.

use super::{
    kinds::{ALL, Kind, KindId},
    list::{View, version},
    media::{Form, Representation},
    protobuf,
    selectors::Selector,
    state::Cluster,
    status::Refusal,
    store::{Change, Object},
};
use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::{Value, json};
use std::{collections::VecDeque, io, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Between two bookmarks, and before the end of a watch.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);
/// Of a watch that does not say how long it wants to be.
const LONGEST: Duration = Duration::from_secs(3_600);

/// What a watch is asked for with.
#[derive(Clone, Debug)]
pub struct Query {
    selector: Selector,
    /// `None`: begin with what is there.
    from: Option<u64>,
    bookmarks: bool,
    /// Tell by a bookmark when what was there has been told.
    initial_events: bool,
    lasts: Duration,
}

impl Query {
    /// # Errors
    /// 400 for a selector or version that is none.
    pub fn parse(kind: &Kind, of: impl Fn(&str) -> Option<String>) -> Result<Query, Refusal> {
        let text = |name: &str| of(name).unwrap_or_default();
        let is_set = |name: &str| matches!(text(name).as_str(), "true" | "1");
        let initial_events = is_set("sendInitialEvents");
        let from = version(&text("resourceVersion"))?.filter(|version| *version > 0 && !initial_events);
        let lasts = text("timeoutSeconds").parse().map_or(LONGEST, Duration::from_secs);
        Ok(Query {
            selector: Selector::parse(kind, &text("labelSelector"), &text("fieldSelector"))?,
            from,
            bookmarks: is_set("allowWatchBookmarks"),
            initial_events,
            lasts,
        })
    }
}

struct Watching {
    cluster: Arc<Cluster>,
    kind: KindId,
    namespace: String,
    query: Query,
    wanted: Representation,
    /// Everything up to this version was told.
    at: u64,
    pending: VecDeque<Bytes>,
    wakes: tokio::sync::watch::Receiver<u64>,
    next_bookmark: Instant,
    ends: Instant,
    /// Events until the connection is lost, by a fault.
    left: Option<usize>,
    is_over: bool,
}

/// Starts a watch. Its stream gives one line for each event, and an error when the connection is lost. What is wrong with
/// a version is told by an event, as the API server does.
pub fn start(
    cluster: Arc<Cluster>,
    kind: KindId,
    namespace: String,
    query: Query,
    wanted: Representation,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let now = Instant::now();
    let ends = now + query.lasts;
    let mut next_bookmark = now + BOOKMARK_EVERY;
    if ends.duration_since(now) > BOOKMARK_BEFORE_END {
        next_bookmark = next_bookmark.min(ends - BOOKMARK_BEFORE_END);
    }
    let mut watching = Watching {
        wakes: cluster.revisions(),
        left: cluster.faults.watch_ends_after(),
        at: query.from.unwrap_or_default(),
        pending: VecDeque::new(),
        is_over: false,
        cluster,
        kind,
        namespace,
        query,
        wanted,
        next_bookmark,
        ends,
    };
    if watching.query.from.is_none() {
        watching.tell_present();
    }
    stream::unfold(watching, |mut watching| async move {
        let piece = watching.next().await?;
        Some((piece, watching))
    })
}

impl Watching {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            let is_lost = self.cluster.faults.is_down() || self.cluster.faults.is_unauthorized();
            if (self.left == Some(0) || is_lost) && !self.is_over {
                self.is_over = true;
                return Some(Err(io::Error::from(io::ErrorKind::ConnectionReset)));
            }
            if let Some(line) = self.pending.pop_front() {
                self.left = self.left.map(|left| left - 1);
                return Some(Ok(line));
            }
            if self.is_over {
                return None;
            }
            self.wakes.borrow_and_update();
            self.tell_changes();
            if self.pending.is_empty() && !self.is_over {
                self.wait().await;
            }
        }
    }

    async fn wait(&mut self) {
        let wake = if self.query.bookmarks { self.next_bookmark.min(self.ends) } else { self.ends };
        tokio::select! {
            changed = self.wakes.changed() => self.is_over = changed.is_err(),
            () = tokio::time::sleep_until(wake) => {}
        }
        let now = Instant::now();
        if self.query.bookmarks && now >= self.next_bookmark {
            self.next_bookmark = now + BOOKMARK_EVERY;
            self.tell_changes();
            self.bookmark(Value::Null);
        }
        if now >= self.ends {
            self.is_over = true;
        }
    }

    fn tell_present(&mut self) {
        let (objects, revision) = self.cluster.read(|store| {
            let all: Vec<Arc<Object>> =
                store.range(self.kind, &self.namespace, None).map(|(_, object)| Arc::clone(object)).collect();
            (all, store.revision())
        });
        for object in objects {
            if self.chooses(Some(&object)) {
                self.line("ADDED", &object);
            }
        }
        self.at = revision;
        if self.query.initial_events {
            self.bookmark(json!({"k8s.io/initial-events-end": "true"}));
        }
    }

    fn tell_changes(&mut self) {
        match self.changes() {
            Ok((changes, revision)) => {
                for change in changes {
                    self.change(&change);
                }
                self.at = revision;
            }
            Err(refusal) => {
                self.send("ERROR", &refusal.to_value());
                self.is_over = true;
            }
        }
    }

    /// New changes of what is watched, and the version up to which they go. A version of the future is waited for.
    fn changes(&self) -> Result<(Vec<Change>, u64), Refusal> {
        self.cluster.read(|store| {
            let changes = store.changes_since(self.at)?;
            let mine = changes
                .filter(|change| change.key.kind == self.kind)
                .filter(|change| self.namespace.is_empty() || change.key.namespace == self.namespace);
            Ok((mine.cloned().collect(), store.revision().max(self.at)))
        })
    }

    /// An object that begins or ceases to be chosen is added or deleted for this watch.
    fn change(&mut self, change: &Change) {
        let was = self.chooses(change.before.as_ref());
        let is = !change.is_deletion && self.chooses(Some(&change.after));
        match (was, is) {
            (false, true) => self.line("ADDED", &change.after),
            (true, true) => self.line("MODIFIED", &change.after),
            (true, false) => self.line("DELETED", &change.after),
            (false, false) => {}
        }
    }

    fn chooses(&self, object: Option<&Arc<Object>>) -> bool {
        object.is_some_and(|object| self.query.selector.is_everything() || self.query.selector.matches(&object.value()))
    }

    fn line(&mut self, event: &str, object: &Object) {
        match self.wanted {
            Representation { form: Form::Json, view: View::Whole } => self.push(event, object.json()),
            Representation { view, .. } => self.send(event, &view.of(&ALL[self.kind], &object.value())),
        }
    }

    fn bookmark(&mut self, annotations: Value) {
        let spec = &ALL[self.kind];
        let mut object = json!({"kind": spec.kind, "apiVersion": spec.api_version(),
            "metadata": {"resourceVersion": self.at.to_string()}});
        if !annotations.is_null() {
            object["metadata"]["annotations"] = annotations;
        }
        if self.wanted.view == View::Metadata {
            object = View::Metadata.of(spec, &object);
        }
        self.send("BOOKMARK", &object);
    }

    fn send(&mut self, event: &str, object: &Value) {
        if self.wanted.form == Form::Json {
            self.push(event, object.to_string());
            return;
        }
        match protobuf::frame(event, object) {
            Ok(frame) => self.pending.push_back(Bytes::from(frame)),
            Err(error) => {
                self.send("ERROR", &Refusal::from(error).to_value());
                self.is_over = true;
            }
        }
    }

    fn push(&mut self, event: &str, object: impl AsRef<[u8]>) {
        let mut line = format!("{{\"type\":\"{event}\",\"object\":").into_bytes();
        line.extend_from_slice(object.as_ref());
        line.extend_from_slice(b"}\n");
        self.pending.push_back(Bytes::from(line));
    }
}
