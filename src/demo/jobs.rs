//! The life of a Job: pods are created, counted and deleted until the Job is complete or has failed.
//!
//! Statuses, conditions and events come in the order and with the words of the Job controller of Kubernetes 1.34.

use super::{
    api::{DeleteOptions, Note, Options, Propagation, Tx},
    clock::between,
    controllers::without_finalizer,
    faults::Faults,
    kinds::own,
    state::Cluster,
    store::Key,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const COMPONENT: &str = "job-controller";
/// Between the first and the second condition of a pair, as between two syncs of the controller.
const SYNC: Duration = Duration::from_millis(15);
/// Before a pod that could not be created is tried again, and the longest such pause.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// Before a pod that failed is replaced; doubles with each.
const REPLACE: Duration = Duration::from_secs(10);

/// What to do next.
enum Step {
    /// Until something is written, or until this time.
    Wait(Option<Timestamp>),
    /// A sync later.
    Again,
    /// Nothing could be created.
    Refused,
    Finished,
    Gone,
}

/// Lives until the Job is gone.
pub async fn live(cluster: Arc<Cluster>, key: Key, uid: String) {
    let mut wakes = cluster.revisions();
    let mut pause = RETRY;
    tokio::time::sleep(between(cluster.seed, 10, 30, &["job", &key.name])).await;
    loop {
        wakes.borrow_and_update();
        let step = cluster.write(|tx| sync(tx, &cluster.faults, &key, &uid));
        match step {
            Step::Gone => return,
            Step::Finished => break,
            Step::Again => tokio::time::sleep(SYNC).await,
            Step::Refused => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_RETRY);
            }
            Step::Wait(until) => {
                let sleep = until.map(|until| left(&cluster, until));
                tokio::select! {
                    _ = wakes.changed() => {}
                    () = tokio::time::sleep(sleep.unwrap_or(Duration::MAX)), if sleep.is_some() => {}
                }
            }
        }
    }
    retire(&cluster, &key, &uid).await;
}

fn left(cluster: &Cluster, until: Timestamp) -> Duration {
    // A millisecond more, so that the time has come when it wakes.
    Duration::try_from(until.duration_since(cluster.clock.now())).unwrap_or_default() + Duration::from_millis(1)
}

/// Deletes a finished Job when its time to live is over.
async fn retire(cluster: &Cluster, key: &Key, uid: &str) {
    let mut wakes = cluster.revisions();
    let seconds = cluster.object(key, uid).and_then(|job| job["spec"]["ttlSecondsAfterFinished"].as_u64());
    let end = seconds.map(|seconds| tokio::time::Instant::now() + Duration::from_secs(seconds));
    loop {
        wakes.borrow_and_update();
        let sync = cluster.write(|tx| sync(tx, &cluster.faults, key, uid));
        if matches!(sync, Step::Gone) {
            return;
        }
        tokio::select! {
            changed = wakes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep_until(end.unwrap_or_else(tokio::time::Instant::now)), if end.is_some() => {
                let options = DeleteOptions { propagation: Some(Propagation::Foreground), uid: Some(uid.to_owned()), ..DeleteOptions::default() };
                // Somebody may have deleted it in this moment.
                let _ = cluster.write(|tx| tx.delete(key, &options));
                return;
            }
        }
    }
}

/// The pods of a Job, sorted by what they count as.
#[derive(Default)]
struct Pods {
    active: Vec<Key>,
    ready: u64,
    terminating: u64,
    /// Finished and not counted yet.
    succeeded: Vec<(Key, String)>,
    failed: Vec<(Key, String)>,
    last_failure: Option<Timestamp>,
}

impl Pods {
    fn of(tx: &Tx, namespace: &str, owner: &str) -> Pods {
        let mut pods = Pods::default();
        for (key, stored) in tx.store.range(own("pods"), namespace, None) {
            if stored.owners.iter().any(|uid| uid == owner) {
                pods.sort(key, &stored.uid, &stored.value());
            }
        }
        pods
    }

    fn sort(&mut self, key: &Key, uid: &str, pod: &Value) {
        let is_tracked = pod["metadata"]["finalizers"].as_array().is_some_and(|list| list.contains(&json!(TRACKING)));
        let phase = pod["status"]["phase"].as_str().unwrap_or_default();
        let is_deleting = pod["metadata"].get("deletionTimestamp").is_some();
        let is_over = matches!(phase, "Succeeded" | "Failed");
        if is_deleting && !is_over {
            self.terminating += 1;
        }
        match (phase, is_deleting) {
            ("Succeeded", _) if is_tracked => self.succeeded.push((key.clone(), uid.to_owned())),
            ("Failed", _) | (_, true) if is_tracked => self.failed.push((key.clone(), uid.to_owned())),
            ("Succeeded" | "Failed", _) | (_, true) => {}
            _ => self.active.push(key.clone()),
        }
        if !is_deleting && !is_over && has_condition(pod, "Ready") {
            self.ready += 1;
        }
        let ended = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
        let ended = ended.filter_map(|status| status["state"]["terminated"]["finishedAt"].as_str()?.parse().ok());
        if phase == "Failed" {
            self.last_failure = self.last_failure.max(ended.max());
        }
    }
}

fn has_condition(object: &Value, kind: &str) -> bool {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == kind && condition["status"] == "True")
}

/// One look at a Job and its pods, and what follows from it.
fn sync(tx: &mut Tx, faults: &Faults, key: &Key, uid: &str) -> Step {
    let Some(job) = tx.store.get(key).filter(|stored| stored.uid == uid).map(|stored| stored.value()) else {
        release(tx, &key.namespace, uid);
        return Step::Gone;
    };
    if job["metadata"].get("deletionTimestamp").is_some() {
        release(tx, &key.namespace, uid);
        return Step::Wait(None);
    }
    let is_over = has_condition(&job, "Complete") || has_condition(&job, "Failed");
    let pods = Pods::of(tx, &key.namespace, uid);
    let (succeeded, failed) = count(tx, key, uid, &job, &pods);
    if is_over {
        return Step::Finished;
    }
    if has_condition(&job, "FailureTarget") || has_condition(&job, "SuccessCriteriaMet") {
        return conclude(tx, key, uid, &job, &pods);
    }
    if job["spec"]["suspend"] == true {
        return Step::Wait(None);
    }
    let number = |field: &str| job["spec"][field].as_u64();
    let now = tx.clock.now();
    let begun = job["status"]["startTime"].as_str().and_then(|text| text.parse::<Timestamp>().ok()).unwrap_or(now);
    let deadline =
        number("activeDeadlineSeconds").and_then(|seconds| begun.checked_add(Duration::from_secs(seconds)).ok());
    if failed > number("backoffLimit").unwrap_or(6) {
        return fail(tx, key, uid, &pods, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    if deadline.is_some_and(|deadline| now >= deadline) {
        return fail(tx, key, uid, &pods, "DeadlineExceeded", "Job was active longer than specified deadline");
    }
    let completions = number("completions").unwrap_or(1);
    if succeeded >= completions {
        let message = "Reached expected number of succeeded pods";
        condition(tx, key, uid, "SuccessCriteriaMet", "CompletionsReached", message);
        return Step::Again;
    }
    let wanted = number("parallelism").unwrap_or(1).min(completions - succeeded);
    let replaced_at =
        pods.last_failure.and_then(|at| at.checked_add(REPLACE * 2_u32.pow(failed.clamp(1, 6) as u32 - 1)).ok());
    if let Some(later) = replaced_at.filter(|at| *at > now) {
        return Step::Wait(Some(deadline.map_or(later, |deadline| deadline.min(later))));
    }
    for _ in pods.active.len() as u64 + pods.terminating..wanted {
        if !create_pod(tx, faults, key, uid, &job) {
            return Step::Refused;
        }
    }
    Step::Wait(deadline)
}

/// Writes the counters, and takes from finished pods what holds them until they are counted. Gives totals.
fn count(tx: &mut Tx, key: &Key, uid: &str, job: &Value, pods: &Pods) -> (u64, u64) {
    let before = |field: &str| job["status"][field].as_u64().unwrap_or(0);
    let succeeded = before("succeeded") + pods.succeeded.len() as u64;
    let failed = before("failed") + pods.failed.len() as u64;
    let now = tx.clock.seconds();
    for (pod, pod_uid) in pods.succeeded.iter().chain(&pods.failed) {
        tx.change(pod, pod_uid, |value| without_finalizer(value, TRACKING));
    }
    tx.change(key, uid, |job| {
        let is_suspended = job["spec"]["suspend"] == true;
        let status = &mut job["status"];
        if status.get("startTime").is_none() && !is_suspended {
            status["startTime"] = json!(now);
        }
        status["ready"] = json!(pods.ready);
        status["terminating"] = json!(pods.terminating);
        status["uncountedTerminatedPods"] = json!({});
        for (field, number) in [("active", pods.active.len() as u64), ("succeeded", succeeded), ("failed", failed)] {
            if number > 0 {
                status[field] = json!(number);
            } else if let Some(status) = status.as_object_mut() {
                status.remove(field);
            }
        }
    });
    (succeeded, failed)
}

fn create_pod(tx: &mut Tx, faults: &Faults, key: &Key, uid: &str, job: &Value) -> bool {
    let template = &job["spec"]["template"];
    let mut metadata = json!({"generateName": format!("{}-", key.name), "finalizers": [TRACKING], "ownerReferences": [{
        "apiVersion": "batch/v1", "kind": "Job", "name": key.name, "uid": uid, "controller": true, "blockOwnerDeletion": true}]});
    for field in ["labels", "annotations"] {
        if let Some(value) = template["metadata"].get(field).filter(|value| !value.is_null()) {
            metadata[field] = value.clone();
        }
    }
    let pod = json!({"metadata": metadata, "spec": template["spec"]});
    if let Some(message) = faults.denial(&pod) {
        note(tx, key, "FailedCreate", &format!("Error creating: {message}"), true);
        return false;
    }
    match tx.create(own("pods"), &key.namespace, pod, &Options::default()) {
        Ok(pod) => {
            let message = format!("Created pod: {}", pod["metadata"]["name"].as_str().unwrap_or_default());
            note(tx, key, "SuccessfulCreate", &message, false);
            let ready = job["status"]["ready"].as_u64().unwrap_or(0);
            tx.change(key, uid, |job| {
                job["status"]["active"] = json!(job["status"]["active"].as_u64().unwrap_or(0) + 1);
                job["status"]["ready"] = json!(ready);
            });
            true
        }
        Err(refusal) => {
            note(tx, key, "FailedCreate", &format!("Error creating: {}", refusal.message()), true);
            false
        }
    }
}

/// The first sign of a failure; what still runs is deleted.
fn fail(tx: &mut Tx, key: &Key, uid: &str, pods: &Pods, reason: &str, message: &str) -> Step {
    condition(tx, key, uid, "FailureTarget", reason, message);
    for pod in &pods.active {
        if tx.delete(pod, &DeleteOptions::default()).is_ok() {
            note(tx, key, "SuccessfulDelete", &format!("Deleted pod: {}", pod.name), false);
        }
    }
    Step::Again
}

/// The second condition of the pair, once nothing runs any more.
fn conclude(tx: &mut Tx, key: &Key, uid: &str, job: &Value, pods: &Pods) -> Step {
    if !pods.active.is_empty() || pods.terminating > 0 {
        return Step::Wait(None);
    }
    let conditions = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let Some(first) = conditions.first() else { return Step::Again };
    let text = |field: &str| first[field].as_str().unwrap_or_default().to_owned();
    let (reason, message) = (text("reason"), text("message"));
    if first["type"] == "SuccessCriteriaMet" {
        let now = tx.clock.seconds();
        tx.change(key, uid, |job| job["status"]["completionTime"] = json!(now));
        condition(tx, key, uid, "Complete", &reason, &message);
        note(tx, key, "Completed", "Job completed", false);
    } else {
        condition(tx, key, uid, "Failed", &reason, &message);
        note(tx, key, &reason, &message, true);
    }
    Step::Finished
}

fn condition(tx: &mut Tx, key: &Key, uid: &str, kind: &str, reason: &str, message: &str) {
    let now = tx.clock.seconds();
    tx.change(key, uid, |job| {
        let condition = json!({"type": kind, "status": "True", "reason": reason, "message": message,
            "lastProbeTime": now, "lastTransitionTime": now});
        match job["status"]["conditions"].as_array_mut() {
            Some(conditions) => conditions.push(condition),
            None => job["status"]["conditions"] = json!([condition]),
        }
    });
}

fn note(tx: &mut Tx, key: &Key, reason: &str, message: &str, is_warning: bool) {
    tx.event(key, &Note { component: COMPONENT, reason, message, is_warning, ..Note::default() });
}

/// Pods of a Job that goes are not held any more.
fn release(tx: &mut Tx, namespace: &str, owner: &str) {
    let held: Vec<(Key, String)> = tx
        .store
        .range(own("pods"), namespace, None)
        .filter(|(_, stored)| stored.owners.iter().any(|uid| uid == owner))
        .map(|(key, stored)| (key.clone(), stored.uid.clone()))
        .collect();
    for (pod, uid) in held {
        tx.change(&pod, &uid, |value| without_finalizer(value, TRACKING));
    }
}
