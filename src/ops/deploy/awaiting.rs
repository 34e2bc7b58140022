//! Watches the objects of a release until they are ready, and says what each waits for.
//!
//! In: the objects of a release. Out: what is not ready, each time that changes; the list is empty once, at the end.
//! Workloads, their pods and events are watched; CRDs, API services and the endpoints of webhooks, which take seconds, are asked
//! for.

use crate::{
    cluster::{
        ClusterError, Connection,
        active_time::RunClock,
        object_watch::{self, Change, Observed, Scope},
        raw,
    },
    deploy::{
        event::Pending,
        machine::Observation,
        readiness::{self, Around, Awaited, Judgment, Kind},
    },
};
use serde_json::Value;
use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinSet};

/// Between two looks at what is not watched.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Workloads(Kind, String),
    Pods(String),
    Events(String),
}

impl Source {
    fn path(&self) -> String {
        match self {
            Source::Workloads(kind, namespace) => {
                let (api, plural) = kind.resource();
                format!("{api}/namespaces/{namespace}/{plural}")
            }
            Source::Pods(namespace) => format!("/api/v1/namespaces/{namespace}/pods"),
            Source::Events(namespace) => format!("/api/v1/namespaces/{namespace}/events"),
        }
    }
}

/// What was seen.
#[derive(Default)]
struct Seen {
    workloads: BTreeMap<Awaited, Value>,
    /// By uid.
    pods: BTreeMap<String, Value>,
    events: BTreeMap<String, Value>,
    /// Sources whose objects are all known.
    listed: BTreeSet<Source>,
    lost: BTreeMap<Source, String>,
}

impl Seen {
    fn take(&mut self, source: &Source, change: Change) {
        let uid = |object: &Value| object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let awaited = |kind: Kind, namespace: &str, object: &Value| Awaited {
            kind,
            namespace: namespace.to_owned(),
            name: object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        };
        match (source, change) {
            (_, Change::Listed { .. }) => {
                self.listed.insert(source.clone());
                self.lost.remove(source);
            }
            (_, Change::Lost(error)) => drop(self.lost.insert(source.clone(), error.found)),
            (Source::Workloads(kind, namespace), Change::Applied(object)) => {
                self.workloads.insert(awaited(*kind, namespace, &object), object);
            }
            (Source::Workloads(kind, namespace), Change::Deleted(object)) => {
                self.workloads.remove(&awaited(*kind, namespace, &object));
            }
            (Source::Pods(_), Change::Applied(pod)) => drop(self.pods.insert(uid(&pod), pod)),
            (Source::Pods(_), Change::Deleted(pod)) => drop(self.pods.remove(&uid(&pod))),
            (Source::Events(_), Change::Applied(event)) => drop(self.events.insert(uid(&event), event)),
            (Source::Events(_), Change::Deleted(event)) => drop(self.events.remove(&uid(&event))),
        }
    }

    /// How a workload is; `None` before its kind was listed. What is around it is only looked at where it is not ready.
    fn judge<'s>(
        &'s self,
        awaited: &Awaited,
        around: &LazyCell<Around<'s>, impl FnOnce() -> Around<'s>>,
    ) -> Option<Result<Option<Pending>, Pending>> {
        let source = Source::Workloads(awaited.kind, awaited.namespace.clone());
        if !self.listed.contains(&source) {
            let lost = self.lost.get(&source)?;
            return Some(Ok(Some(Pending { object: awaited.to_string(), why: format!("cannot be watched: {lost}") })));
        }
        let object = self.workloads.get(awaited);
        Some(match readiness::judge(awaited.kind, object) {
            Judgment::Ready => Ok(None),
            Judgment::NotYet(words) => Ok(Some(readiness::pending(awaited, &words, object, around))),
            Judgment::Never(words) => Err(readiness::pending(awaited, &words, object, around)),
        })
    }

    /// How each of these workloads is, in their order; `None` before all their kinds were listed.
    fn judge_all(&self, workloads: &[Awaited]) -> Option<Vec<Result<Option<Pending>, Pending>>> {
        // Once for all of them.
        let around = LazyCell::new(|| Around::new(self.pods.values(), self.events.values()));
        workloads.iter().map(|awaited| self.judge(awaited, &around)).collect()
    }
}

/// Reports until everything is ready or cannot be; then the last report is that.
pub(super) async fn until_ready(
    connection: &Connection,
    clock: &RunClock,
    awaited: Vec<Awaited>,
    mut said: impl FnMut(Observation) + Send,
) {
    let (workloads, others): (Vec<Awaited>, Vec<Awaited>) =
        awaited.into_iter().partition(|awaited| awaited.kind.is_namespaced());
    let mut sources = BTreeSet::new();
    for Awaited { kind, namespace, .. } in &workloads {
        sources.insert(Source::Workloads(*kind, namespace.clone()));
        sources.insert(Source::Pods(namespace.clone()));
        sources.insert(Source::Events(namespace.clone()));
    }
    let (sender, mut changes) = mpsc::channel::<(Source, Observed<Change>)>(256);
    // Dropped with this future.
    let mut watches = JoinSet::new();
    for source in sources {
        let (changed, mut arriving) = mpsc::channel(64);
        let scope = Scope { path: source.path(), selector: String::new() };
        watches.spawn(object_watch::watch(connection.clone(), scope, clock.clone(), changed));
        let sender = sender.clone();
        watches.spawn(async move {
            while let Some(change) = arriving.recv().await {
                if sender.send((source.clone(), change)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut seen = Seen::default();
    let mut unready = others;
    let mut others_pending: Vec<Pending> = Vec::new();
    let mut last: Option<Vec<Pending>> = None;
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            Some((source, change)) = changes.recv() => {
                seen.take(&source, change.what);
                while let Ok((source, change)) = changes.try_recv() {
                    seen.take(&source, change.what);
                }
            }
            _ = looks.tick(), if !unready.is_empty() => {
                (unready, others_pending) = look(connection, unready).await;
            }
            else => {}
        }
        let Some(judged) = seen.judge_all(&workloads).filter(|_| unready.is_empty() || !others_pending.is_empty())
        else {
            continue;
        };
        let mut pending = others_pending.clone();
        for judgment in judged {
            match judgment {
                Ok(one) => pending.extend(one),
                Err(never) => return said(Observation::Never(never)),
            }
        }
        let is_ready = pending.is_empty();
        if last.as_ref() != Some(&pending) {
            said(Observation::Pending(pending.clone()));
            last = Some(pending);
        }
        if is_ready {
            return;
        }
    }
}

/// Of objects that are asked for, those that are not ready, and why.
async fn look(connection: &Connection, awaited: Vec<Awaited>) -> (Vec<Awaited>, Vec<Pending>) {
    let (mut unready, mut pending) = (Vec::new(), Vec::new());
    for one in awaited {
        let why = match judge(connection, &one).await {
            Ok(Judgment::Ready) => continue,
            Ok(Judgment::NotYet(words) | Judgment::Never(words)) => words,
            Err(error) => format!("cannot be read: {}", error.found),
        };
        pending.push(Pending { object: one.to_string(), why });
        unready.push(one);
    }
    (unready, pending)
}

async fn judge(connection: &Connection, awaited: &Awaited) -> Result<Judgment, ClusterError> {
    let (api, plural) = awaited.kind.resource();
    let found = raw::get(connection, &format!("{api}/{plural}/{}", awaited.name)).await?;
    if let (true, Some(configuration)) = (awaited.kind.is_webhook(), &found) {
        for (namespace, service) in readiness::webhook_services(configuration) {
            let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
            let slices = raw::list(connection, &path, &format!("kubernetes.io/service-name={service}")).await?;
            if !readiness::has_endpoint(&slices) {
                return Ok(Judgment::NotYet(format!(
                    "its service {namespace}/{service} has no endpoint that is ready"
                )));
            }
        }
    }
    Ok(readiness::judge(awaited.kind, found.as_ref()))
}
