//! Follows a run that somebody else started, perhaps on another machine, by the labels of its Jobs and pods. It reads, and
//! changes nothing.
//!
//! What happened before is seen as far as Jobs and pods still show it: readiness, and checks of earlier phases that were
//! removed, are known to the record on the machine that runs it. The run is over when its first ConfigMap is gone; one that
//! was left, when its Jobs have ended.

use super::{
    EventLog, Writer,
    inner::{self, Inner},
    late::Stated,
    reporter::Reporter,
};
use crate::{
    catalog::validator::Phase,
    cluster::{
        Connection,
        active_time::RunClock,
        logs,
        object_watch::{self, Change, Observed, Scope},
        objects,
    },
    ops::{Failure, Kind},
    report::{self, Report},
    text::count,
    validate::{
        curve::Measured,
        event::{Body, Moment, PlannedCheck, Severity, State, Verdict, Way},
        machine::{CONTAINER, Machine, Observation, Output},
        plan::{
            CHECK_LABEL, CHECKS_ANNOTATION, GIVE_UP_SECONDS, JOB_MARGIN_SECONDS, LEFT_ANNOTATION, NAME_LABEL,
            PHASE_LABEL, RUN_LABEL, cleanup_command, input_name,
        },
    },
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::MissedTickBehavior,
};

const TICK: Duration = Duration::from_millis(500);
/// Ticks between two looks at whether the run is over.
const LOOK: u64 = 4;
/// Milliseconds after the end of a run, or after it was left, for the last news of it.
const LAST_NEWS_MS: u64 = 3_000;
const WAITING: usize = 1024;

/// The runs that have Jobs in a namespace, the newest first.
///
/// # Errors
/// A list that is refused.
pub async fn runs(connection: &Connection, namespace: &str) -> Result<Vec<String>, Failure> {
    let (key, value) = NAME_LABEL;
    let selector = format!("{key}={value},{RUN_LABEL}");
    let found = objects::list_labeled_of("Job", connection, namespace, &selector).await?;
    let runs: BTreeSet<String> = found.into_iter().map(|object| object.run_id).collect();
    Ok(runs.into_iter().rev().collect())
}

/// The run of a name: an id, a part of one that no other has, or `last`.
///
/// # Errors
/// There is none, or there are several.
pub fn choose<'r>(runs: &'r [String], name: &str, namespace: &str) -> Result<&'r String, Failure> {
    let found: Vec<&String> = match name {
        "last" => runs.first().into_iter().collect(),
        name => runs.iter().filter(|run| run.contains(name)).collect(),
    };
    match found[..] {
        [run] => Ok(run),
        [] => {
            let because = match name {
                "last" => format!("no run has a Job in namespace {namespace}"),
                name => format!("unknown run `{name}`: it has no Job in namespace {namespace}"),
            };
            Err(Failure::new(Kind::NotFound, "find the run", because))
        }
        [..] => {
            let because = format!("`{name}` is part of the ids of {} runs", found.len());
            Err(Failure::new(Kind::Usage, "find the run", because))
        }
    }
}

/// What is seen of the run.
enum Seen {
    Job(Change),
    Pod(Change),
    Line(String, Option<String>),
    Inner(inner::Line),
}

/// The checks of a run as they are followed.
struct Attached<'c> {
    connection: &'c Connection,
    namespace: &'c str,
    clock: RunClock,
    reporter: Reporter,
    going: BTreeMap<String, Machine>,
    ended: BTreeSet<String>,
    /// Checks that were told to have begun.
    begun: BTreeSet<String>,
    /// What objects of the checks that go on state of their times.
    stated: BTreeMap<String, Stated>,
    /// Those that have had a Job so far.
    planned: Vec<PlannedCheck>,
    first: Option<First>,
    /// Pods whose Job was not seen yet, by UID: two watches answer in any order.
    early: BTreeMap<String, (Moment, Value)>,
    seen: mpsc::Sender<Observed<Seen>>,
    followers: JoinSet<()>,
    inner: Inner,
}

/// Jobs that are there when it is attached to; one event says which. They wait for the pods: a Job that is complete and has no
/// pod looks like one whose pod was deleted.
#[derive(Default)]
struct First {
    jobs: Vec<(Moment, Value)>,
    has_jobs: bool,
    has_pods: bool,
}

/// Follows a run to its end.
///
/// # Errors
/// No such run in the namespace.
pub async fn attach(connection: &Connection, namespace: &str, run_id: &str, log: Writer) -> Result<Report, Failure> {
    let owner = input_name(run_id);
    let exists = || objects::find(connection, "ConfigMap", namespace, &owner);
    let Some(first) = exists().await? else {
        let because = format!("no run `{run_id}` in namespace {namespace}");
        return Err(Failure::new(Kind::NotFound, "follow the run", because).at(connection.at()));
    };
    let checks = checks_of(&first);
    let clock = RunClock::start();
    let (seen, mut arrivals) = mpsc::channel(WAITING);
    let mut attached = Attached {
        connection,
        namespace,
        reporter: Reporter::new(log, clock.clone()),
        clock: clock.clone(),
        going: BTreeMap::new(),
        ended: BTreeSet::new(),
        begun: BTreeSet::new(),
        stated: BTreeMap::new(),
        planned: Vec::new(),
        first: Some(First::default()),
        early: BTreeMap::new(),
        seen,
        followers: JoinSet::new(),
        inner: Inner::since(clock.now().observed_at_ms),
    };
    attached.watch(format!("/apis/batch/v1/namespaces/{namespace}/jobs"), run_id, Seen::Job);
    attached.watch(format!("/api/v1/namespaces/{namespace}/pods"), run_id, Seen::Pod);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut tick, mut over): (u64, Option<Moment>) = (0, None);
    // When it was seen that who ran it has left.
    let (mut was_left, mut left): (bool, Option<Moment>) = (is_left(&first), None);
    loop {
        tokio::select! {
            biased;
            Some(Observed { at, what }) = arrivals.recv() => attached.take(at, what, run_id),
            _ = ticks.tick() => {
                let now = clock.now();
                tick += 1;
                attached.observe_all(now, &Observation::Tick);
                if over.is_none() && tick.is_multiple_of(LOOK) {
                    match exists().await {
                        Ok(None) => over = Some(now),
                        Ok(Some(first)) => was_left |= is_left(&first),
                        // Without an answer nothing is known of its end.
                        Err(_) => {}
                    }
                }
                if was_left && left.is_none() && attached.first.is_none() {
                    attached.say_left(run_id);
                    left = Some(now);
                }
                if over.is_some_and(|over| attached.going.is_empty() || now.since(over) >= LAST_NEWS_MS) {
                    break;
                }
                // Its last Jobs may not have been seen yet.
                if left.is_some_and(|left| attached.going.is_empty() && now.since(left) >= LAST_NEWS_MS) {
                    break;
                }
            }
        }
    }
    // Their Jobs went with the run, and their pods with those.
    if over.is_some() {
        attached.reporter.pods_are_removed(&[]);
    }
    attached.observe_all(clock.now(), &Observation::Cancel);
    let verdict = match (report::verdict(&attached.reporter.report.results), attached.unseen(checks.as_deref())) {
        // What was planned and has no result here has none that is known.
        (Verdict::Passed | Verdict::Skipped, Some(unseen)) => {
            attached.reporter.notice_once(Severity::Warn, unseen);
            Verdict::Inconclusive
        }
        (verdict, _) => verdict,
    };
    Ok(attached.reporter.end(verdict))
}

/// A log to attach with, and its reader.
pub fn log() -> (Writer, super::Reader) {
    let (writer, log) = EventLog::new();
    (writer, log.reader())
}

impl Attached<'_> {
    fn watch(&mut self, path: String, run_id: &str, seen: fn(Change) -> Seen) {
        let (changes, mut changed) = mpsc::channel(WAITING);
        let scope = Scope { path, selector: format!("{RUN_LABEL}={run_id}") };
        self.followers.spawn(object_watch::watch(self.connection.clone(), scope, self.clock.clone(), changes));
        let sender = self.seen.clone();
        self.followers.spawn(async move {
            while let Some(Observed { at, what }) = changed.recv().await {
                if sender.send(Observed { at, what: seen(what) }).await.is_err() {
                    return;
                }
            }
        });
    }

    fn take(&mut self, at: Moment, seen: Seen, run_id: &str) {
        match seen {
            Seen::Job(Change::Applied(job)) => match &mut self.first {
                Some(first) => first.jobs.push((at, job)),
                None => self.job(at, job, run_id),
            },
            Seen::Job(Change::Listed { .. }) => {
                self.listed(run_id, |first| first.has_jobs = true);
            }
            Seen::Job(Change::Deleted(job)) => self.observe(at, &check_of(&job), Observation::JobGone),
            Seen::Pod(Change::Applied(pod)) => self.pod(at, pod),
            Seen::Pod(Change::Deleted(pod)) => {
                self.early.remove(&uid(&pod));
                self.tell_pod(at, &pod, true);
                let check = check_of(&pod);
                self.observe(at, &check, Observation::Pod(pod));
                self.observe(at, &check, Observation::PodGone);
            }
            Seen::Pod(Change::Listed { .. }) => self.listed(run_id, |first| first.has_pods = true),
            Seen::Job(Change::Lost(error)) => self.lost(&error),
            Seen::Pod(Change::Lost(error)) => {
                self.lost(&error);
                // Pods that may not be listed hold up nothing.
                self.listed(run_id, |first| first.has_pods = true);
            }
            Seen::Inner(inner::Line { check, source, text }) => {
                // Of a check that has ended, nothing more is told.
                if self.going.contains_key(&check) {
                    self.reporter.observed(at.observed_at_ms, Body::Log { check, text, source });
                }
            }
            Seen::Line(check, line) => {
                self.observe(at, &check, line.map_or(Observation::LogEnd, Observation::Log));
            }
        }
    }

    fn lost(&mut self, error: &impl std::fmt::Display) {
        self.reporter.notice_once(Severity::Warn, format!("watch interrupted, trying again: {error}"));
    }

    /// One of the two lists is complete; begins where both are.
    fn listed(&mut self, run_id: &str, mark: fn(&mut First)) {
        let Some(first) = &mut self.first else { return };
        mark(first);
        let Some(First { jobs, .. }) = self.first.take_if(|first| first.has_jobs && first.has_pods) else { return };
        self.planned = jobs.iter().filter_map(|(_, job)| planned(job)).collect();
        self.report_planned(run_id);
        jobs.into_iter().for_each(|(at, job)| self.job(at, job, run_id));
    }

    fn pod(&mut self, at: Moment, pod: Value) {
        let check = check_of_pod(&pod);
        if !self.going.contains_key(&check) {
            match self.ended.contains(&check) {
                true => self.tell_pod(at, &pod, false),
                false => drop(self.early.insert(uid(&pod), (at, pod))),
            }
            return;
        }
        self.tell_pod(at, &pod, false);
        if inner::made_by(&pod).is_none() {
            self.observe(at, &check, Observation::Pod(pod));
        } else if !self.inner.see(&pod, (self.connection, &self.clock), &self.seen, Seen::Inner) {
            self.reporter.notice_once(Severity::Info, inner::too_many(self.namespace, &check));
        }
    }

    fn tell_pod(&mut self, at: Moment, pod: &Value, is_gone: bool) {
        self.reporter.pod(at.observed_at_ms, pod, is_gone, |check| self.going.contains_key(check));
    }

    fn say_left(&mut self, run_id: &str) {
        let clean = cleanup_command(self.namespace, run_id);
        let text = format!(
            "the run was left by its program: no other check starts, and nothing is removed; `{clean}` removes it"
        );
        self.reporter.notice(Severity::Warn, text);
    }

    /// What is said where not every check of the run has a result here; `None` for the names where the run does not say them.
    fn unseen(&self, checks: Option<&[String]>) -> Option<String> {
        let Some(checks) = checks else {
            return Some("the run does not say which checks it has; there may be more than were seen".to_owned());
        };
        let unseen: Vec<&str> =
            checks.iter().filter(|check| !self.ended.contains(*check)).map(String::as_str).collect();
        let others = count(unseen.len(), "check");
        (!unseen.is_empty()).then(|| format!("no result of {others} was seen here: {}", unseen.join(", ")))
    }

    fn report_planned(&mut self, run_id: &str) {
        self.reporter.report(Body::Planned {
            run_id: run_id.to_owned(),
            namespace: self.namespace.to_owned(),
            context: self.connection.context.clone(),
            recipe: String::new(),
            criteria: String::new(),
            checks: self.planned.clone(),
        });
    }

    fn job(&mut self, at: Moment, job: Value, run_id: &str) {
        let Some(check) = planned(&job) else { return };
        let name = check.name.clone();
        if self.planned.iter().all(|known| known.name != name) {
            self.planned.push(check.clone());
            self.report_planned(run_id);
        }
        if !self.ended.contains(&name) {
            // Whoever runs it decides how long it waits for what looks hopeless.
            self.going.entry(name.clone()).or_insert_with(|| Machine::new(check, u64::MAX, at));
        }
        self.stated.entry(name.clone()).or_default().job(&job);
        // Before the Job: the pod says how it ended, the Job only that it did.
        for (at, pod) in std::mem::take(&mut self.early).into_values() {
            self.pod(at, pod);
        }
        self.observe(at, &name, Observation::Job(job));
    }

    fn observe_all(&mut self, at: Moment, observation: &Observation) {
        let names: Vec<String> = self.going.keys().cloned().collect();
        names.into_iter().for_each(|name| self.observe(at, &name, observation.clone()));
    }

    fn observe(&mut self, at: Moment, name: &str, observation: Observation) {
        let Some(machine) = self.going.get_mut(name) else { return };
        let stated = self.stated.entry(name.to_owned()).or_default();
        match &observation {
            Observation::Job(job) => stated.job(job),
            Observation::Pod(pod) => stated.pod(pod, CONTAINER),
            _ => {}
        }
        let stated = *stated;
        let mut waiting = VecDeque::from(machine.on(at, observation));
        if machine.is_finished() {
            self.going.remove(name);
            self.ended.insert(name.to_owned());
        }
        while let Some(output) = waiting.pop_front() {
            let check = name.to_owned();
            let body = match output {
                Output::State(state) => {
                    // What began before anybody looked counts from its Job.
                    let is_first = state != State::Queued && self.begun.insert(check.clone());
                    let began = stated.began().filter(|began| is_first && *began < at.observed_at_ms);
                    self.reporter.observed(began.unwrap_or(at.observed_at_ms), Body::State { check, state });
                    continue;
                }
                Output::Log(text) => {
                    let row = Measured::of_line(&text);
                    self.reporter
                        .observed(at.observed_at_ms, Body::Log { check: check.clone(), text, source: String::new() });
                    let Some(row) = row else { continue };
                    Body::Measured { check, row }
                }
                Output::Finished(mut result) => {
                    stated.correct(&mut result);
                    Body::Finished { check, result: *result }
                }
                Output::FollowLog { pod } => {
                    self.follow(check, pod);
                    continue;
                }
                // Its Job says enough here.
                Output::LookAtNamespace => continue,
            };
            self.reporter.observed(at.observed_at_ms, body);
        }
    }

    fn follow(&mut self, check: String, pod: String) {
        let (lines, mut line) = mpsc::channel(64);
        let output = logs::Output {
            namespace: self.namespace.to_owned(),
            pod,
            container: CONTAINER.to_owned(),
            followed_since_ms: self.inner.followed_since_ms,
        };
        self.followers.spawn(logs::follow(
            self.connection.clone(),
            output,
            self.clock.clone(),
            watch::channel(false).1,
            lines,
        ));
        let seen = self.seen.clone();
        self.followers.spawn(async move {
            while let Some(Observed { at, what }) = line.recv().await {
                if seen.send(Observed { at, what: Seen::Line(check.clone(), what) }).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// The checks of a run, as its first ConfigMap names them; `None` for a run of a program that did not write them there.
fn checks_of(first: &Value) -> Option<Vec<String>> {
    let names = first["metadata"]["annotations"][CHECKS_ANNOTATION].as_str()?;
    Some(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// Whether who ran it has left, which its first ConfigMap says.
fn is_left(first: &Value) -> bool {
    first["metadata"]["annotations"][LEFT_ANNOTATION].is_string()
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

/// The check that a pod is of, as its own or as a workload.
fn check_of_pod(pod: &Value) -> String {
    inner::made_by(pod).map_or_else(|| check_of(pod), str::to_owned)
}

fn check_of(object: &Value) -> String {
    object["metadata"]["labels"][CHECK_LABEL].as_str().unwrap_or_default().to_owned()
}

/// The check that a Job was made for.
fn planned(job: &Value) -> Option<PlannedCheck> {
    let phase = job["metadata"]["labels"][PHASE_LABEL].as_str()?;
    let containers = job["spec"]["template"]["spec"]["containers"].as_array()?;
    let container = containers.iter().find(|container| container["name"] == CONTAINER)?;
    Some(PlannedCheck {
        name: Some(check_of(job)).filter(|name| !name.is_empty())?,
        phase: Phase::ALL.into_iter().find(|known| known.name() == phase)?,
        description: String::new(),
        image: container["image"].as_str().unwrap_or_default().to_owned(),
        timeout_seconds: job["spec"]["activeDeadlineSeconds"].as_u64()?.saturating_sub(JOB_MARGIN_SECONDS),
        grace_seconds: GIVE_UP_SECONDS,
        group: 0,
        way: Way::Job,
    })
}
