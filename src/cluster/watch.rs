//! A live view: list, then watch nodes and pods; each change that matters yields a new snapshot.
//!
//! In: a connection. Out: the latest [`LiveView`] in a channel. One task owns the facts and builds snapshots; each watch
//! is a task of its own that steps through [`Stage`]s and sends [`Change`]s; what cannot change by the minute is read
//! again by the minute. The last good snapshot stays while the connection is lost.

use super::{
    ClusterError, ClusterErrorKind, Connection,
    collect::{self, Assembler, Update, list::Pages, nodes, pods},
    decode::{
        node::{self, NodeObject},
        pod::{self, Pod, PodObject},
    },
    forms::{self, Events, Object},
    request::RequestPath,
    turn::Turn,
};
use crate::inventory::{Inventory, Text, Texts, node::NodeReport};
use futures::StreamExt;
use kube::core::WatchEvent;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

/// The newest state of a live view. The last good snapshot stays while the connection is lost.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    pub inventory: Option<Arc<Inventory>>,
    pub status: LiveStatus,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum LiveStatus {
    #[default]
    Connecting,
    /// `done` of `total` sources are read.
    Syncing {
        done: usize,
        total: usize,
    },
    Fresh,
    /// Attempt number and seconds until the next one.
    Reconnecting {
        attempt: u32,
        next_seconds: u64,
        error: ClusterError,
    },
    Failed {
        error: ClusterError,
    },
}

/// Between two snapshots, at least; a slow build stretches it, so that building never takes more than a fifth of a core.
const BUILD_PAUSE: Duration = Duration::from_millis(250);
const BUILD_SHARE: u32 = 4;
/// Between two readings of what is not watched.
pub const REFRESH: Duration = Duration::from_secs(60);
/// A watch is asked to end after this time, and taken for dead a little later: so a connection that a firewall dropped
/// without a word is noticed.
const WATCH_SECONDS: u64 = 120;
/// One that the server itself ended, and no proxy before it.
const WHOLE_WATCH: Duration = Duration::from_secs(WATCH_SECONDS - 5);
const WATCH_SILENCE: Duration = Duration::from_secs(WATCH_SECONDS + 15);
/// Back-off of a lost connection doubles between these.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A watch that ends sooner than this, without a word, is no sign of a healthy server.
const HEALTHY_WATCH: Duration = Duration::from_secs(1);

/// Watches until the receiver is dropped. The channel keeps the latest view; changes are coalesced.
pub fn start(connection: Connection) -> watch::Receiver<LiveView> {
    let (view, receiver) = watch::channel(LiveView::default());
    tokio::spawn(run(connection, view));
    receiver
}

/// What the watch tasks report to the owner of the facts.
enum Change {
    /// A source was read whole, or could not be.
    Read(&'static str, Result<Update, ClusterError>),
    /// Some nodes or pods: a page of their list, or one that changed.
    Nodes(Vec<NodeReport>),
    Pods(Vec<Pod>),
    NodeGone(Text),
    PodGone(Text),
    /// A list has come whole: what it does not name exists no longer.
    Listed(&'static str, HashSet<Text>),
    /// A watch lost its connection and waits.
    Lost {
        source: &'static str,
        attempt: u32,
        wait: Duration,
        error: ClusterError,
    },
    /// A watch is open again.
    Back(&'static str),
}

async fn run(connection: Connection, view: watch::Sender<LiveView>) {
    let (sender, mut changes) = mpsc::channel(256);
    let refresh = Arc::new(tokio::sync::Notify::new());
    let mut tasks = JoinSet::new(); // dropped, and its tasks ended, with this one
    tasks.spawn(follow(Nodes(Texts::default()), connection.clone(), sender.clone()));
    tasks.spawn(follow(Pods(Texts::default()), connection.clone(), sender.clone()));
    tasks.spawn(read_rest(connection.clone(), sender, Arc::clone(&refresh)));

    let mut state = Live::default();
    let mut next_build = Instant::now();
    // Held here until the next but one is made, when nobody shows it any more: whoever lets go of the last handle of thousands
    // of nodes pays for it, and that is not to be the thread that answers keys.
    let (mut shown, mut before) = (None, None);
    loop {
        tokio::select! {
            () = view.closed() => return,
            change = changes.recv() => {
                let Some(change) = change else { return };
                if matches!(change, Change::Back(_)) {
                    refresh.notify_one();
                }
                state.take(change);
                // What else has come is taken before anything is built.
                while let Ok(change) = changes.try_recv() {
                    state.take(change);
                }
                let status = state.status();
                view.send_if_modified(|view| {
                    // The last source has answered, and the snapshot that shows it is still to be built.
                    let syncing = matches!(view.status, LiveStatus::Connecting | LiveStatus::Syncing { .. });
                    if status == LiveStatus::Fresh && state.dirty && syncing {
                        return false;
                    }
                    let is_news = view.status != status;
                    view.status = status;
                    is_news
                });
            }
            () = sleep_until(next_build), if state.dirty && state.is_worth_showing() => {
                state.dirty = false;
                let begun = Instant::now();
                let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                let inventory = Arc::new(state.assembler.inventory(&connection.context, &now));
                let next = LiveView { inventory: Some(Arc::clone(&inventory)), status: state.status() };
                view.send_replace(next);
                drop(std::mem::replace(&mut before, shown.replace(inventory)));
                next_build = Instant::now() + BUILD_PAUSE.max(begun.elapsed() * BUILD_SHARE);
            }
        }
    }
}

/// Everything that the owning task knows.
#[derive(Default)]
struct Live {
    assembler: Assembler,
    /// Watches without a connection.
    lost: BTreeMap<&'static str, (u32, Duration, ClusterError)>,
    /// Something changed that a snapshot shows.
    dirty: bool,
}

impl Live {
    fn take(&mut self, change: Change) {
        match change {
            Change::Read(source, answer) => {
                self.assembler.take(source, answer);
                self.dirty = true;
            }
            // Heartbeats change a node every few seconds, but nothing of what was kept of it.
            Change::Nodes(reports) => {
                for report in reports {
                    self.dirty |= self.assembler.put_node(report);
                }
            }
            Change::Pods(pods) => {
                for pod in pods {
                    self.dirty |= self.assembler.put_pod(pod);
                }
            }
            Change::Listed(source, names) => {
                self.assembler.listed(source, &names);
                self.dirty = true;
            }
            Change::NodeGone(name) => self.dirty |= self.assembler.remove_node(&name),
            Change::PodGone(name) => self.dirty |= self.assembler.remove_pod(&name),
            Change::Lost { source, attempt, wait, error } => {
                self.lost.insert(source, (attempt, wait, error));
            }
            Change::Back(source) => {
                self.lost.remove(source);
            }
        }
    }

    fn answered(&self) -> usize {
        self.assembler.parts().states.len()
    }

    /// A screen that fills in parts would show a cluster without nodes first; so nodes come first, as many as are known,
    /// or have failed.
    fn is_worth_showing(&self) -> bool {
        let parts = self.assembler.parts();
        !parts.reports.is_empty() || (parts.states.contains_key(nodes::NAME) && !parts.is_blank())
    }

    fn status(&self) -> LiveStatus {
        let lost = self.lost.get(nodes::NAME).or_else(|| self.lost.values().next());
        if let Some((attempt, wait, error)) = lost {
            let next_seconds = wait.as_millis().div_ceil(1000) as u64;
            return LiveStatus::Reconnecting { attempt: *attempt, next_seconds, error: error.clone() };
        }
        match (self.answered(), collect::ALL.len()) {
            (0, _) if self.assembler.parts().reports.is_empty() => LiveStatus::Connecting,
            (done, total) if done < total => LiveStatus::Syncing { done, total },
            _ => match self.assembler.parts().worst() {
                Some(error) if self.assembler.parts().is_blank() => LiveStatus::Failed { error: error.clone() },
                _ => LiveStatus::Fresh,
            },
        }
    }
}

/// Reads the sources that are not watched: at once, then every [`REFRESH`], and when a connection is back.
async fn read_rest(connection: Connection, changes: mpsc::Sender<Change>, refresh: Arc<tokio::sync::Notify>) {
    loop {
        let rest = collect::ALL.iter().filter(|source| ![nodes::NAME, pods::NAME].contains(&source.name));
        let reading = rest.map(|source| async {
            let answer = collect::read(source, &connection).await;
            changes.send(Change::Read(source.name, answer)).await
        });
        if futures::future::join_all(reading).await.iter().any(Result::is_err) {
            return;
        }
        let _ = timeout(REFRESH, refresh.notified()).await;
    }
}

/// A kind of object that is watched.
trait Watched: Send + 'static {
    type Object: Object;
    type Kept: Send;
    const NAME: &'static str;
    const PATH: &'static str;
    const LIST: &'static str;
    fn version(object: &Self::Object) -> &str;
    fn keep(&mut self, object: Self::Object) -> Self::Kept;
    fn name(kept: &Self::Kept) -> &Text;
    fn put(kept: Vec<Self::Kept>) -> Change;
    fn removed(kept: Self::Kept) -> Change;
}

struct Nodes(Texts);

impl Watched for Nodes {
    type Object = NodeObject;
    type Kept = NodeReport;
    const NAME: &'static str = nodes::NAME;
    const PATH: &'static str = nodes::PATH;
    const LIST: &'static str = nodes::LIST;

    fn version(object: &NodeObject) -> &str {
        &object.metadata.resource_version
    }

    fn keep(&mut self, object: NodeObject) -> NodeReport {
        node::report(object, &mut self.0)
    }

    fn name(kept: &NodeReport) -> &Text {
        &kept.name
    }

    fn put(kept: Vec<NodeReport>) -> Change {
        Change::Nodes(kept)
    }

    fn removed(kept: NodeReport) -> Change {
        Change::NodeGone(kept.name)
    }
}

struct Pods(Texts);

impl Watched for Pods {
    type Object = PodObject;
    type Kept = Pod;
    const NAME: &'static str = pods::NAME;
    const PATH: &'static str = pods::PATH;
    const LIST: &'static str = pods::LIST;

    fn version(object: &PodObject) -> &str {
        &object.metadata.resource_version
    }

    fn keep(&mut self, object: PodObject) -> Pod {
        pod::pod(&object, &mut self.0)
    }

    fn name(kept: &Pod) -> &Text {
        &kept.name
    }

    fn put(kept: Vec<Pod>) -> Change {
        Change::Pods(kept)
    }

    fn removed(kept: Pod) -> Change {
        Change::PodGone(kept.name)
    }
}

/// The state of one watch. Every stage can be left again, whatever the server does.
enum Stage<T> {
    /// Nothing is known, or what is known is too old.
    Unlisted,
    /// Known up to this version.
    Listed { version: String },
    /// Changes are coming.
    Watching(Watching<T>),
    /// Lost; goes on from the version, or with a new list.
    Waiting { wait: Duration, version: Option<String> },
}

struct Watching<T> {
    version: String,
    events: Events<T>,
    opened: Instant,
    heard: bool,
}

impl<T> Watching<T> {
    /// Goes on to the version of an event. One without a version says nothing of where the watch is: to watch from no
    /// version is to miss what is deleted in between.
    fn reached(&mut self, version: &str) {
        if !version.is_empty() && version != "0" {
            version.clone_into(&mut self.version);
        }
    }
}

/// A watch: its kind, and how often it failed in a row.
struct Follower<W: Watched> {
    kind: W,
    connection: Connection,
    changes: mpsc::Sender<Change>,
    attempt: u32,
    turn: Turn,
}

/// The reader of changes was dropped, so the watch ends.
struct ReceiverClosed;

async fn follow<W: Watched>(kind: W, connection: Connection, changes: mpsc::Sender<Change>) {
    let mut follower = Follower { kind, connection, changes, attempt: 0, turn: Turn::default() };
    let mut stage = Stage::Unlisted;
    while let Ok(next) = follower.step(stage).await {
        stage = next;
    }
}

impl<W: Watched> Follower<W> {
    async fn step(&mut self, stage: Stage<W::Object>) -> Result<Stage<W::Object>, ReceiverClosed> {
        match stage {
            Stage::Unlisted => self.list().await,
            Stage::Listed { version } => self.open(version).await,
            Stage::Watching(watching) => self.read_events(watching).await,
            Stage::Waiting { wait, version } => {
                sleep(wait).await;
                Ok(version.map_or(Stage::Unlisted, |version| Stage::Listed { version }))
            }
        }
    }

    /// Lists, and hands over each page as it comes: thousands of objects take a second, the first ones do not.
    async fn list(&mut self) -> Result<Stage<W::Object>, ReceiverClosed> {
        let connection = self.connection.clone();
        let mut pages = Pages::new(&connection, W::LIST, W::PATH);
        let mut names = HashSet::new();
        loop {
            let kind = &mut self.kind;
            let page = tokio::select! {
                page = pages.next(|object| kind.keep(object)) => page,
                () = self.changes.closed() => return Err(ReceiverClosed),
            };
            match page {
                Ok(Some(page)) => {
                    if page.is_first {
                        names.clear();
                    }
                    names.extend(page.items.iter().map(|kept| W::name(kept).clone()));
                    self.send(W::put(page.items)).await?;
                }
                Ok(None) => {
                    self.send(Change::Listed(W::NAME, names)).await?;
                    self.recovered().await?;
                    return Ok(Stage::Listed { version: pages.resource_version });
                }
                Err(error) => {
                    self.send(Change::Read(W::NAME, Err(error.clone()))).await?;
                    return self.failed(error, None).await;
                }
            }
        }
    }

    async fn open(&mut self, version: String) -> Result<Stage<W::Object>, ReceiverClosed> {
        let url = RequestPath::new(W::PATH)
            .with("watch", 1)
            .with("allowWatchBookmarks", true)
            .with("timeoutSeconds", WATCH_SECONDS)
            .with("resourceVersion", &version);
        let doing = format!("watch {}", W::NAME);
        let at = self.connection.at();
        match forms::events::<W::Object>(&self.connection.client, url.as_str()).await {
            Ok(events) => {
                // It counts as connected now; attempts are counted on until the watch has proved to last.
                if self.attempt > 0 {
                    self.send(Change::Back(W::NAME)).await?;
                }
                Ok(Stage::Watching(Watching { version, events, opened: Instant::now(), heard: false }))
            }
            Err(error) if is_too_old(&error) => Ok(too_old::<W>()),
            Err(error) => self.failed(ClusterError::from_kube(&doing, &at, &error), Some(version)).await,
        }
    }

    /// Takes one event.
    async fn read_events(&mut self, mut watching: Watching<W::Object>) -> Result<Stage<W::Object>, ReceiverClosed> {
        let event = tokio::select! {
            event = timeout(WATCH_SILENCE, watching.events.next()) => event,
            () = self.changes.closed() => return Err(ReceiverClosed),
        };
        let doing = format!("watch {}", W::NAME);
        let at = self.connection.at();
        let change = match event {
            Err(_) => {
                tracing::info!(source = W::NAME, seconds = WATCH_SILENCE.as_secs(), "watch silent; opening it again");
                return Ok(Stage::Listed { version: watching.version });
            }
            // A server sends at least a bookmark before it ends a watch in its time. Where it did not, it may not know the
            // version that it was asked to go on from: it was restored, or it lied. Nothing would ever come after that.
            Ok(None) if !watching.heard && watching.opened.elapsed() >= WHOLE_WATCH => {
                self.attempt = 0;
                tracing::info!(source = W::NAME, "watch brought nothing; listing again");
                return Ok(Stage::Unlisted);
            }
            Ok(None) if watching.heard || watching.opened.elapsed() >= HEALTHY_WATCH => {
                self.attempt = 0;
                tracing::debug!(source = W::NAME, "watch ended; opening it again");
                return Ok(Stage::Listed { version: watching.version });
            }
            Ok(None) => {
                let error = ClusterError {
                    kind: ClusterErrorKind::Unreachable,
                    doing,
                    at,
                    found: "the server ended the watch at once".to_owned(),
                    hint: None,
                    cause: None,
                };
                return self.failed(error, Some(watching.version)).await;
            }
            Ok(Some(Err(error))) if is_too_old(&error) => return Ok(too_old::<W>()),
            Ok(Some(Err(error))) => {
                let error = ClusterError::from_kube(&doing, &at, &error);
                return self.failed(error, Some(watching.version)).await;
            }
            Ok(Some(Ok(WatchEvent::Error(status)))) => {
                let error = kube::Error::Api(status);
                if is_too_old(&error) {
                    return Ok(too_old::<W>());
                }
                return self.failed(ClusterError::from_kube(&doing, &at, &error), None).await;
            }
            Ok(Some(Ok(WatchEvent::Bookmark(bookmark)))) => {
                watching.reached(&bookmark.metadata.resource_version);
                None
            }
            Ok(Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)))) => {
                watching.reached(W::version(&object));
                Some(W::put(vec![self.kind.keep(object)]))
            }
            Ok(Some(Ok(WatchEvent::Deleted(object)))) => {
                watching.reached(W::version(&object));
                Some(W::removed(self.kind.keep(object)))
            }
        };
        if !watching.heard {
            watching.heard = true;
            self.recovered().await?;
        }
        if let Some(change) = change {
            self.send(change).await?;
        }
        self.turn.piece_done();
        Ok(Stage::Watching(watching))
    }

    async fn recovered(&mut self) -> Result<(), ReceiverClosed> {
        if self.attempt > 0 {
            tracing::info!(source = W::NAME, attempts = self.attempt, "watch restored");
            self.attempt = 0;
            self.send(Change::Back(W::NAME)).await?;
        }
        Ok(())
    }

    /// Waits before the next attempt. What the server refuses is asked for again too, seldom: rights change.
    async fn failed(
        &mut self,
        error: ClusterError,
        version: Option<String>,
    ) -> Result<Stage<W::Object>, ReceiverClosed> {
        use ClusterErrorKind::{Forbidden, NotFound, Rejected, Unauthorized};
        if matches!(error.kind, Forbidden | Unauthorized | NotFound | Rejected) {
            tracing::warn!(source = W::NAME, wait_ms = LONGEST_WAIT.as_millis(), "watch refused: {}", error.found);
            self.send(Change::Read(W::NAME, Err(error))).await?;
            return Ok(Stage::Waiting { wait: LONGEST_WAIT, version: None });
        }
        self.attempt += 1;
        let wait = back_off(self.attempt, getrandom::u32().unwrap_or(0));
        tracing::warn!(
            source = W::NAME,
            attempt = self.attempt,
            wait_ms = wait.as_millis(),
            "watch lost: {}",
            error.found
        );
        self.send(Change::Lost { source: W::NAME, attempt: self.attempt, wait, error }).await?;
        Ok(Stage::Waiting { wait, version })
    }

    async fn send(&self, change: Change) -> Result<(), ReceiverClosed> {
        self.changes.send(change).await.map_err(|_| ReceiverClosed)
    }
}

/// The version is gone; what is known is read again.
fn too_old<W: Watched>() -> Stage<W::Object> {
    tracing::info!(source = W::NAME, "watched version too old; listing again");
    Stage::Unlisted
}

/// The version is not one that can be watched from: too old, newer than the server, or no version at all. Only of a watch:
/// what else it is asked with is ours and does not change.
fn is_too_old(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let is_too_new = || {
        let causes = status.details.iter().flat_map(|details| &details.causes);
        status.message.contains("Too large resource version")
            || causes.into_iter().any(|cause| cause.reason == "ResourceVersionTooLarge")
    };
    let is_no_version = || status.code == 400 && status.message.to_lowercase().contains("resource version");
    status.code == 410 || is_too_new() || is_no_version()
}

/// Doubles from 1 s to 30 s, then up to a fifth more or less, so that many clients do not come back at the same moment.
fn back_off(attempt: u32, chance: u32) -> Duration {
    let doubled = SHORTEST_WAIT * 2_u32.pow(attempt.saturating_sub(1).min(5));
    let share = 0.8 + 0.4 * (f64::from(chance) / f64::from(u32::MAX));
    doubled.mul_f64(share).clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::Mutex;

    /// What the scripted server answers to one request.
    enum Answer {
        Json(u16, Value),
        /// Lines of a watch; then the stream ends, or stays open.
        Events(Vec<Value>, Then),
        Refused,
        /// A watch without a word that ends after this time.
        EndsAfter(Duration),
        /// Never.
        Silence,
    }

    #[derive(Clone, Copy, PartialEq)]
    enum Then {
        End,
        Stay,
    }

    /// A server: `answer` gets the path with its query and the number of earlier requests to that path.
    fn server(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> (Connection, Arc<Mutex<Vec<String>>>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&log);
        let answer = Arc::new(answer);
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let url = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
            let key = |url: &str| (url.split('?').next().unwrap_or_default().to_owned(), url.contains("watch=1"));
            let mut log = seen.lock().expect("one writer");
            let before = log.iter().filter(|earlier: &&String| key(earlier) == key(&url)).count();
            log.push(url.clone());
            let answer = answer(&url, before);
            async move {
                if matches!(answer, Answer::Silence) {
                    std::future::pending::<()>().await;
                }
                reply(answer)
            }
        });
        let client = kube::Client::new(service, "default");
        (
            Connection {
                client,
                context: "mock".into(),
                server: "http://mock".into(),
                services: Arc::new(crate::cluster::services::PlainHttp),
            },
            log,
        )
    }

    type Body = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, std::io::Error>;

    fn reply(answer: Answer) -> Result<http::Response<Body>, std::io::Error> {
        use http_body_util::{BodyExt, Full, StreamBody};
        let (status, body) = match answer {
            Answer::Refused | Answer::Silence => {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
            }
            Answer::Json(status, value) => {
                let full = Full::new(bytes::Bytes::from(value.to_string()));
                (status, full.map_err(|never| match never {}).boxed_unsync())
            }
            Answer::EndsAfter(time) => {
                let end = futures::stream::once(sleep(time)).filter_map(|()| std::future::ready(None));
                (200, BodyExt::boxed_unsync(StreamBody::new(end)))
            }
            Answer::Events(events, then) => {
                let lines = events.into_iter().map(|event| Ok(http_body::Frame::data(format!("{event}\n").into())));
                let lines = futures::stream::iter(lines);
                let body = match then {
                    Then::End => BodyExt::boxed_unsync(StreamBody::new(lines)),
                    Then::Stay => BodyExt::boxed_unsync(StreamBody::new(lines.chain(futures::stream::pending()))),
                };
                (200, body)
            }
        };
        Ok(http::Response::builder().status(status).body(body).expect("a response"))
    }

    fn node(name: &str, version: &str) -> Value {
        json!({"metadata": {"name": name, "resourceVersion": version}, "status": {"capacity": {"nvidia.com/gpu": "1"}}})
    }

    fn list(version: &str, items: Vec<Value>) -> Answer {
        Answer::Json(200, json!({"metadata": {"resourceVersion": version}, "items": items}))
    }

    fn event(kind: &str, object: Value) -> Value {
        json!({"type": kind, "object": object})
    }

    /// Everything but nodes: an empty cluster that never changes.
    fn quiet(url: &str) -> Answer {
        match url.split('?').next().unwrap_or_default() {
            "/version" => Answer::Json(200, json!({"gitVersion": "v1.34.0"})),
            "/api/v1/namespaces/kube-system" => {
                Answer::Json(200, json!({"metadata": {"name": "kube-system", "uid": "u"}}))
            }
            // Groups of operators that are not there, by themselves (`/apis/GROUP`) or with a resource.
            path if path.starts_with("/apis/nvidia.com")
                || path.starts_with("/apis/nfd")
                || path.matches('/').count() == 2 =>
            {
                Answer::Json(404, json!({"kind": "Status", "code": 404, "message": "not found", "reason": "NotFound"}))
            }
            _ if url.contains("watch=1") => Answer::Events(Vec::new(), Then::Stay),
            _ => list("1", Vec::new()),
        }
    }

    /// The first view that fits.
    async fn until(view: &mut watch::Receiver<LiveView>, what: &str, fits: impl Fn(&LiveView) -> bool) -> LiveView {
        let waiting = view.wait_for(|view| fits(view));
        match timeout(Duration::from_secs(600), waiting).await {
            Ok(Ok(view)) => view.clone(),
            _ => panic!("never saw {what}"),
        }
    }

    fn names(view: &LiveView) -> Vec<String> {
        view.inventory.iter().flat_map(|inventory| &inventory.nodes).map(|node| node.name.to_string()).collect()
    }

    fn missing(view: &LiveView) -> Vec<(&str, &str)> {
        view.inventory.iter().flat_map(|inventory| inventory.gaps()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_and_its_changes_become_snapshots() {
        let (connection, log) = server(|url, _| match url.split_once('?') {
            Some(("/api/v1/nodes", query)) if query.starts_with("watch=1") => {
                let events = vec![event("ADDED", node("b", "6")), event("DELETED", node("a", "7"))];
                Answer::Events(events, Then::Stay)
            }
            Some(("/api/v1/nodes", _)) => list("5", vec![node("a", "4")]),
            _ => quiet(url),
        });
        let mut view = start(connection);
        let seen =
            until(&mut view, "the change", |view| names(view) == ["b"] && view.status == LiveStatus::Fresh).await;
        assert_eq!(missing(&seen), []);
        assert!(
            log.lock().expect("log").iter().any(|url| url.contains("watch=1") && url.ends_with("resourceVersion=5"))
        );
    }

    fn page(items: Vec<Value>, next: &str) -> Answer {
        Answer::Json(200, json!({"metadata": {"resourceVersion": "5", "continue": next}, "items": items}))
    }

    fn too_old() -> Value {
        json!({"kind": "Status", "code": 410, "message": "too old", "reason": "Expired"})
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_page_is_shown_while_the_rest_is_coming() {
        let (connection, _) = server(|url, before| match (url.split('?').next(), before) {
            (Some("/api/v1/nodes"), 0) => page(vec![node("a", "4"), node("b", "4")], "more"),
            (Some("/api/v1/nodes"), _) => Answer::Silence,
            _ => quiet(url),
        });
        let begun = Instant::now();
        let mut view = start(connection);
        let seen = until(&mut view, "the first page", |view| view.inventory.is_some()).await;
        assert_eq!(names(&seen), ["a", "b"]);
        assert!(matches!(seen.status, LiveStatus::Syncing { .. }), "{:?}", seen.status);
        assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_whole_new_list_does_not_name_vanishes() {
        let (connection, _) = server(|url, before| match (url.split_once('?'), before) {
            (Some(("/api/v1/nodes", query)), watch) if query.starts_with("watch=1") => match watch {
                0 => Answer::Events(vec![event("ERROR", too_old())], Then::End),
                _ => Answer::Events(Vec::new(), Then::Stay),
            },
            (Some(("/api/v1/nodes", _)), 0) => page(vec![node("a", "4"), node("b", "4")], ""),
            (Some(("/api/v1/nodes", _)), 1) => page(vec![node("b", "4")], "more"),
            (Some(("/api/v1/nodes", query)), _) if query.contains("continue=more") => page(vec![node("c", "4")], ""),
            _ => quiet(url),
        });
        let mut view = start(connection);
        until(&mut view, "the new list", |view| names(view) == ["b", "c"] && view.status == LiveStatus::Fresh).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_grows_too_old_between_two_pages_is_begun_again() {
        let (connection, log) = server(|url, before| match (url.split_once('?'), before) {
            (Some(("/api/v1/nodes", query)), _) if query.starts_with("watch=1") => {
                Answer::Events(Vec::new(), Then::Stay)
            }
            (Some(("/api/v1/nodes", _)), 0) => page(vec![node("a", "4")], "more"),
            (Some(("/api/v1/nodes", _)), 1) => Answer::Json(410, too_old()),
            (Some(("/api/v1/nodes", query)), 2) if !query.contains("continue") => page(vec![node("b", "9")], ""),
            _ => quiet(url),
        });
        let mut view = start(connection);
        until(&mut view, "the second list", |view| names(view) == ["b"] && view.status == LiveStatus::Fresh).await;
        let lists = log.lock().expect("log").iter().filter(|url| url.starts_with("/api/v1/nodes?limit")).count();
        assert_eq!(lists, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_version_that_is_too_old_leads_to_a_new_list() {
        let gone = || json!({"kind": "Status", "code": 410, "message": "too old", "reason": "Expired"});
        let (connection, _) = server(move |url, before| match (url.split_once('?'), before) {
            (Some(("/api/v1/nodes", query)), 0) if query.starts_with("watch=1") => {
                Answer::Events(vec![event("ERROR", gone())], Then::End)
            }
            (Some(("/api/v1/nodes", query)), _) if query.starts_with("watch=1") => {
                Answer::Events(Vec::new(), Then::Stay)
            }
            (Some(("/api/v1/nodes", _)), 0) => list("5", vec![node("old", "4")]),
            (Some(("/api/v1/nodes", _)), _) => list("50", vec![node("new", "49")]),
            _ => quiet(url),
        });
        let mut view = start(connection);
        until(&mut view, "the new list", |view| names(view) == ["new"]).await;
    }

    /// Lists one node, `old`, then `new`; `first` is the answer to the first watch, later ones stay open.
    async fn lists_again_after(first: impl Fn() -> Answer + Send + Sync + 'static) -> Vec<String> {
        let (connection, log) = server(move |url, before| match (url.split_once('?'), before) {
            (Some(("/api/v1/nodes", query)), 0) if query.starts_with("watch=1") => first(),
            (Some(("/api/v1/nodes", query)), _) if query.starts_with("watch=1") => {
                Answer::Events(Vec::new(), Then::Stay)
            }
            (Some(("/api/v1/nodes", _)), 0) => list("5", vec![node("old", "4")]),
            (Some(("/api/v1/nodes", _)), _) => list("50", vec![node("new", "49")]),
            _ => quiet(url),
        });
        let mut view = start(connection);
        until(&mut view, "the new list", |view| names(view) == ["new"] && view.status == LiveStatus::Fresh).await;
        let log = log.lock().expect("log");
        log.iter().filter(|url| url.starts_with("/api/v1/nodes?watch")).cloned().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_version_that_the_server_does_not_know_leads_to_a_new_list_at_once() {
        let refused = |code: u16, message: &str, reason: &str| {
            let status = json!({"kind": "Status", "code": code, "message": message, "reason": reason});
            move || Answer::Json(code, status.clone())
        };
        let begun = Instant::now();
        lists_again_after(refused(504, "Too large resource version: 9, current: 5", "Timeout")).await;
        lists_again_after(refused(400, "Invalid resource version \"x\": strconv", "BadRequest")).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_brings_nothing_in_its_whole_time_leads_to_a_new_list() {
        let watches = lists_again_after(|| Answer::EndsAfter(Duration::from_secs(WATCH_SECONDS))).await;
        assert!(watches[0].ends_with("resourceVersion=5") && watches.last().is_some_and(|url| url.ends_with("=50")));
    }

    #[tokio::test(start_paused = true)]
    async fn events_that_lie_about_versions_do_not_lose_the_place() {
        let (connection, log) = server(|url, before| match (url.split_once('?'), before) {
            (Some(("/api/v1/nodes", query)), 0) if query.starts_with("watch=1") => {
                let without = json!({"metadata": {"name": "b"}});
                let bookmark = |version: Value| {
                    let metadata = json!({"resourceVersion": version});
                    event("BOOKMARK", json!({"kind": "Node", "apiVersion": "v1", "metadata": metadata}))
                };
                let events = vec![
                    event("MODIFIED", node("a", "6")),
                    event("ADDED", without),
                    event("DELETED", json!({"metadata": {"name": "never-seen", "resourceVersion": ""}})),
                    event("ADDED", node("a", "0")),
                    bookmark(json!("")),
                ];
                Answer::Events(events, Then::End)
            }
            (Some(("/api/v1/nodes", query)), _) if query.starts_with("watch=1") => {
                Answer::Events(vec![event("DELETED", node("a", "7"))], Then::Stay)
            }
            (Some(("/api/v1/nodes", _)), _) => list("5", vec![node("a", "4")]),
            _ => quiet(url),
        });
        let mut view = start(connection);
        until(&mut view, "the deletion", |view| names(view) == ["b"] && view.status == LiveStatus::Fresh).await;
        let log = log.lock().expect("log");
        let watches: Vec<&String> = log.iter().filter(|url| url.starts_with("/api/v1/nodes?watch")).collect();
        assert!(watches[0].ends_with("resourceVersion=5") && watches[1].ends_with("resourceVersion=6"), "{watches:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_another_version_or_kind_is_not_an_empty_cluster() {
        for (answer, found) in [
            (
                json!({"kind": "NodeList", "apiVersion": "v2", "items": []}),
                "list nodes: asked for the API version `v1`, and the server answered with the kind `NodeList` of `v2`",
            ),
            (
                json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}),
                "list nodes: asked for a list, and the server answered with the kind `Status` of `v1`",
            ),
            (json!({}), "list nodes: asked for a list, and the server answered with an object without a kind"),
        ] {
            let (connection, _) = server(move |url, _| match url.split('?').next() {
                Some("/api/v1/nodes") => Answer::Json(200, answer.clone()),
                _ => quiet(url),
            });
            let mut view = start(connection);
            let seen =
                until(&mut view, "the gap", |view| missing(view).iter().any(|(source, _)| *source == "nodes")).await;
            assert!(missing(&seen).contains(&("nodes", found)), "{:?}", missing(&seen));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_server_leaves_the_last_snapshot_and_comes_back() {
        let (connection, log) = server(|url, before| match (url.split_once('?'), before) {
            (Some(("/api/v1/nodes", query)), watch) if query.starts_with("watch=1") => match watch {
                0 => Answer::Events(vec![event("MODIFIED", node("a", "6"))], Then::End),
                1..=4 => Answer::Refused,
                _ => Answer::Events(vec![event("ADDED", node("b", "9"))], Then::Stay),
            },
            (Some(("/api/v1/nodes", _)), _) => list("5", vec![node("a", "4")]),
            _ => quiet(url),
        });
        let mut view = start(connection);
        let lost = until(&mut view, "the third attempt", |view| {
            matches!(view.status, LiveStatus::Reconnecting { attempt: 3, .. })
        })
        .await;
        assert_eq!(names(&lost), ["a"], "the last good snapshot stays");
        let LiveStatus::Reconnecting { next_seconds, error, .. } = lost.status else { unreachable!("just matched") };
        assert!((3..=5).contains(&next_seconds), "{next_seconds}");
        assert_eq!(error.kind, ClusterErrorKind::Unreachable);
        until(&mut view, "the return", |view| names(view) == ["a", "b"] && view.status == LiveStatus::Fresh).await;
        let log = log.lock().expect("log");
        let last = log.iter().rfind(|url| url.starts_with("/api/v1/nodes?watch")).expect("a watch");
        assert!(last.ends_with("resourceVersion=6"), "it goes on where it was: {last}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_is_forbidden_is_missing_and_the_rest_is_fresh() {
        let (connection, _) = server(|url, _| match url.split('?').next() {
            Some("/api/v1/pods") => Answer::Json(
                403,
                json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "pods is forbidden"}),
            ),
            Some("/api/v1/nodes") if !url.contains("watch=1") => list("5", vec![node("a", "4")]),
            _ => quiet(url),
        });
        let mut view = start(connection);
        let seen =
            until(&mut view, "a fresh view", |view| view.status == LiveStatus::Fresh && !names(view).is_empty()).await;
        assert_eq!(missing(&seen), [("pods", "list pods: pods is forbidden (403)")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_rejects_every_user_is_a_failure() {
        let (connection, _) = server(|_, _| {
            Answer::Json(
                401,
                json!({"kind": "Status", "code": 401, "reason": "Unauthorized", "message": "Unauthorized"}),
            )
        });
        let mut view = start(connection);
        let seen = until(&mut view, "the failure", |view| matches!(view.status, LiveStatus::Failed { .. })).await;
        assert_eq!(seen.inventory, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_watch_is_opened_again() {
        let (connection, log) = server(|url, _| match url.split('?').next() {
            Some("/api/v1/nodes") if !url.contains("watch=1") => list("5", vec![node("a", "4")]),
            _ => quiet(url),
        });
        let mut view = start(connection);
        until(&mut view, "a fresh view", |view| view.status == LiveStatus::Fresh).await;
        sleep(WATCH_SILENCE * 3).await;
        let watches = log.lock().expect("log").iter().filter(|url| url.starts_with("/api/v1/nodes?watch")).count();
        assert!((3..=4).contains(&watches), "{watches}");
    }

    #[tokio::test(start_paused = true)]
    async fn heartbeats_make_no_snapshots() {
        let (connection, _) = server(|url, _| match url.split('?').next() {
            Some("/api/v1/nodes") if url.contains("watch=1") => {
                let events = (0..1000).map(|index| event("MODIFIED", node("a", &format!("{}", index + 10)))).collect();
                Answer::Events(events, Then::Stay)
            }
            Some("/api/v1/nodes") => list("5", vec![node("a", "4")]),
            _ => quiet(url),
        });
        let mut view = start(connection);
        until(&mut view, "a fresh view", |view| view.status == LiveStatus::Fresh && !names(view).is_empty()).await;
        sleep(Duration::from_secs(5)).await; // whatever was under way is done
        view.mark_unchanged();
        sleep(Duration::from_secs(30)).await;
        assert!(!view.has_changed().expect("alive"), "a node that says the same again is no news");
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_its_last_reader() {
        let (connection, log) = server(|url, _| quiet(url));
        let mut view = start(connection);
        until(&mut view, "a fresh view", |view| view.status == LiveStatus::Fresh).await;
        drop(view);
        sleep(Duration::from_secs(1)).await;
        let before = log.lock().expect("log").len();
        sleep(REFRESH * 10).await;
        assert_eq!(log.lock().expect("log").len(), before);
    }

    #[test]
    fn back_off_doubles_to_half_a_minute_and_never_exceeds_it() {
        let seconds = |attempt| back_off(attempt, u32::MAX / 2).as_secs_f64().round();
        assert_eq!([1, 2, 3, 4, 5, 6, 100].map(seconds), [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert!(back_off(1, 0) >= SHORTEST_WAIT && back_off(9, u32::MAX) <= LONGEST_WAIT);
    }
}
