//! The state machine of one check: observations of its Job in, states and a result out. No clock, no cluster.
//!
//! A machine receives observations with their time; it answers with what to show and what to do. It keeps its own copy of the
//! last pod and of the output, because the Job controller deletes pods and their evidence with them. States and reasons
//! are those of Kubernetes; what cannot get better by waiting ends the check after a short grace instead of at its limit.

use super::event::{CheckResult, Moment, PlannedCheck, State, Status};
use serde_json::Value;
use std::collections::VecDeque;

/// Lines of output that a report keeps.
const KEPT_LINES: usize = 1000;
/// Milliseconds that a pod may be unschedulable, refused or without its image before the check is given up: long enough
/// for the kubelet's second attempt at an image, far shorter than any limit.
pub const GRACE_MS: u64 = 20_000;
/// Milliseconds between the end of a container and giving up on the rest of its output.
const OUTPUT_GRACE_MS: u64 = 5_000;
/// Milliseconds between a pod's disappearance and calling it vanished: the Job's condition may still name the reason.
const VANISHED_GRACE_MS: u64 = 3_000;
/// Milliseconds by which we wait longer than the check's own limit: the server reports the Job's deadline.
const DEADLINE_MARGIN_MS: u64 = 10_000;

/// The container whose result counts; injected sidecars do not.
pub const CONTAINER: &str = "validator";

/// Something that was seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The Job, as the API server holds it.
    Job(Value),
    JobGone,
    Pod(Value),
    PodGone,
    /// A Kubernetes event about the Job or its pod.
    Event(Value),
    Log(String),
    /// The output has ended.
    LogEnd,
    /// An object of the check could not be created: what the server said.
    CreateFailed(String),
    /// Time went by.
    Tick,
    Cancel,
}

/// What follows from an observation.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    State(State),
    Log(String),
    /// The container has begun: follow its output.
    FollowLog {
        pod: String,
    },
    /// Last; the machine takes no further part.
    Finished(Box<CheckResult>),
}

/// A verdict that waits for the rest of the output.
#[derive(Clone, Debug)]
struct Ending {
    status: Status,
    message: String,
    exit_code: Option<i32>,
    since: Moment,
}

/// One check on its way.
#[derive(Clone, Debug)]
pub struct Machine {
    check: PlannedCheck,
    created: Moment,
    grace_ms: u64,
    state: State,
    /// When a state of this kind began; its words may have changed since.
    state_since: Moment,
    pod: Option<Value>,
    pod_gone: Option<Moment>,
    job: Option<Value>,
    /// Reason and message of the newest event that explains a wait: about volumes, sandbox, pulling.
    trouble: Option<(String, String)>,
    following: bool,
    log_ended: bool,
    log: VecDeque<String>,
    ending: Option<Ending>,
    finished: bool,
}

impl Machine {
    /// A check whose objects are being created now. `grace_ms` is how long a wait that looks hopeless may last.
    pub fn new(check: PlannedCheck, grace_ms: u64, now: Moment) -> Machine {
        Machine {
            check,
            created: now,
            grace_ms,
            state: State::Creating,
            state_since: now,
            pod: None,
            pod_gone: None,
            job: None,
            trouble: None,
            following: false,
            log_ended: false,
            log: VecDeque::new(),
            ending: None,
            finished: false,
        }
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The pod that was seen last.
    pub fn pod_name(&self) -> Option<&str> {
        self.pod.as_ref().map(|pod| text(pod, "/metadata/name"))
    }

    /// Takes an observation; outputs in order.
    pub fn on(&mut self, now: Moment, observation: Observation) -> Vec<Output> {
        if self.finished {
            return Vec::new();
        }
        let mut outputs = Vec::new();
        match observation {
            Observation::Job(job) => self.job = Some(job),
            Observation::JobGone => {
                if self.ending.is_none() {
                    self.end(now, Status::Other, "the Job was deleted by somebody else".to_owned(), None);
                }
            }
            Observation::Pod(pod) => {
                self.pod_gone = None;
                self.pod = Some(pod);
            }
            Observation::PodGone => self.pod_gone = Some(now),
            Observation::Event(event) => self.take_event(&event),
            Observation::Log(line) => {
                if self.log.len() == KEPT_LINES {
                    self.log.pop_front();
                }
                self.log.push_back(line.clone());
                outputs.push(Output::Log(line));
            }
            Observation::LogEnd => self.log_ended = true,
            Observation::CreateFailed(message) => self.end(now, Status::Other, message, None),
            Observation::Tick => {}
            Observation::Cancel => {
                let state = describe(&self.state);
                self.end(now, Status::Other, format!("canceled while {state}"), None);
                self.log_ended = true;
            }
        }
        if self.ending.is_none() {
            self.look(now);
        }
        let state = self.state();
        if state != self.state {
            // The scheduler counts again whenever a node changes; that is still the same wait.
            if std::mem::discriminant(&state) != std::mem::discriminant(&self.state) {
                self.state_since = now;
            }
            self.state = state.clone();
            outputs.push(Output::State(state));
        }
        if self.ending.is_none() {
            self.give_up(now);
        }
        if let Some(pod) = self.pod_with_output().filter(|_| !self.following) {
            self.following = true;
            outputs.push(Output::FollowLog { pod });
        }
        outputs.extend(self.finish(now));
        outputs
    }

    /// What the last pod and Job say about the end.
    fn look(&mut self, now: Moment) {
        if let Some((status, message, exit_code)) = self.pod.as_ref().and_then(verdict) {
            self.end(now, status, message, exit_code);
            return;
        }
        // Complete without a pod: somebody deleted the pod, and its verdict with it, before it was seen.
        if self.pod.is_none() && self.job.as_ref().is_some_and(|job| condition(job, "Complete").is_some()) {
            self.pod_gone.get_or_insert(now);
        }
        let failed =
            self.job.as_ref().and_then(|job| condition(job, "Failed").or_else(|| condition(job, "FailureTarget")));
        let Some((reason, message)) = failed else { return };
        let last = describe(&self.state);
        // The container's own exit is reported by its pod, which may arrive after the Job.
        if reason == "BackoffLimitExceeded" && self.pod.is_some() && self.pod_gone.is_none() {
            return;
        }
        self.end(now, Status::Other, format!("the Job failed ({reason}: {message}); last state: {last}"), None);
    }

    /// Waits that end the check before its limit, and the limit.
    fn give_up(&mut self, now: Moment) {
        let waited = now.since(self.state_since);
        let detail = self.state.detail();
        let hopeless = match &self.state {
            State::PullFailing { reason, .. } => {
                matches!(&**reason, "InvalidImageName" | "ErrImageNeverPull") || waited >= self.grace_ms
            }
            State::Unscheduled { .. } | State::PodRefused { .. } | State::ConfigError { .. } => waited >= self.grace_ms,
            _ => false,
        };
        if hopeless {
            let message = match &self.state {
                State::PullFailing { .. } => format!("the image {} cannot be pulled: {detail}", self.check.image),
                State::Unscheduled { .. } => format!("the pod cannot be scheduled: {detail}"),
                State::PodRefused { .. } => format!("the pod is refused: {detail}"),
                _ => format!("the container cannot be started: {detail}"),
            };
            self.end(now, Status::Other, message, None);
            return;
        }
        if let Some(gone) = self.pod_gone.filter(|gone| now.since(*gone) >= VANISHED_GRACE_MS) {
            let message = format!("the pod vanished while {}", describe(&self.state));
            self.end(gone, Status::Other, message, None);
            return;
        }
        let limit_ms = self.check.timeout_seconds * 1000 + DEADLINE_MARGIN_MS;
        if now.since(self.created) >= limit_ms {
            let last = describe(&self.state);
            let message = format!("no verdict within {} s; last state: {last}", self.check.timeout_seconds);
            self.end(now, Status::Other, message, None);
        }
    }

    fn end(&mut self, now: Moment, status: Status, message: String, exit_code: Option<i32>) {
        if self.ending.is_none() {
            self.ending = Some(Ending { status, message, exit_code, since: now });
        }
    }

    /// The result, once the output is complete or has had its time.
    fn finish(&mut self, now: Moment) -> Option<Output> {
        let ending = self.ending.as_ref()?;
        let waited = now.since(ending.since);
        // The output of a container that goes on has no end to wait for.
        if self.following && !self.log_ended && !self.is_running() && waited < OUTPUT_GRACE_MS {
            return None;
        }
        self.finished = true;
        let pod = self.pod.as_ref();
        let ended = pod.and_then(container).and_then(|status| status.pointer("/state/terminated"));
        let time = |key: &str| ended.and_then(|ended| ended.get(key)?.as_str()).and_then(milliseconds);
        let run_ms = match (time("startedAt"), time("finishedAt")) {
            (Some(start), Some(stop)) => stop.saturating_sub(start),
            _ => 0,
        };
        Some(Output::Finished(Box::new(CheckResult {
            name: self.check.name.clone(),
            phase: self.check.phase,
            status: ending.status,
            message: ending.message.clone(),
            exit_code: ending.exit_code,
            node: pod.map(|pod| text(pod, "/spec/nodeName").to_owned()).filter(|node| !node.is_empty()),
            image: self.check.image.clone(),
            total_ms: ending.since.observed_at_ms.saturating_sub(self.created.observed_at_ms),
            run_ms,
            start_ms: self.created.observed_at_ms,
            stop_ms: ending.since.observed_at_ms,
            stdout: self.log.iter().cloned().collect(),
        })))
    }

    fn is_running(&self) -> bool {
        let status = self.pod.as_ref().filter(|_| self.pod_gone.is_none()).and_then(container);
        status.is_some_and(|status| status.pointer("/state/running").is_some())
    }

    /// A pod whose container runs or ran.
    fn pod_with_output(&self) -> Option<String> {
        let pod = self.pod.as_ref()?;
        let state = container(pod)?.get("state")?;
        let has_output = state.get("running").is_some() || state.get("terminated").is_some();
        has_output.then(|| text(pod, "/metadata/name").to_owned())
    }

    fn take_event(&mut self, event: &Value) {
        let reason = text(event, "/reason");
        let message = text(event, "/message").to_owned();
        let explains = match reason {
            "FailedCreate" | "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox" | "Pulling" | "Pulled" => {
                true
            }
            // It has other uses; the container's own state says more than they do.
            "Failed" => message.starts_with("Failed to pull image"),
            _ => false,
        };
        if explains {
            self.trouble = Some((reason.to_owned(), message));
        }
    }

    /// Rows from early to late; the last that applies wins.
    fn state(&self) -> State {
        let Some(pod) = &self.pod else {
            return match &self.trouble {
                Some((reason, message)) if reason == "FailedCreate" => State::PodRefused { message: message.clone() },
                _ => State::Creating,
            };
        };
        let node = text(pod, "/spec/nodeName").to_owned();
        let status = container(pod);
        let waiting = status.and_then(|status| status.pointer("/state/waiting"));
        let running = status.and_then(|status| status.pointer("/state/running"));
        if running.is_some() {
            return match text(pod, "/metadata/deletionTimestamp") {
                "" => State::Running { node },
                _ => State::Stopping { reason: "the pod is being deleted".to_owned() },
            };
        }
        if status.is_some_and(|status| status.pointer("/state/terminated").is_some()) {
            return self.state.clone();
        }
        if let Some(waiting) = waiting {
            let (reason, message) = (text(waiting, "/reason").to_owned(), text(waiting, "/message").to_owned());
            match &*reason {
                "ErrImagePull"
                | "ImagePullBackOff"
                | "InvalidImageName"
                | "ErrImageNeverPull"
                | "RegistryUnavailable" => {
                    return self.pull_failing(reason, message);
                }
                "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" | "CrashLoopBackOff" => {
                    return State::ConfigError { reason, message };
                }
                _ => {}
            }
        }
        if let Some((reason, message)) = unscheduled(pod) {
            return match &*reason {
                "SchedulingGated" => State::Gated { gates: gates(pod) },
                _ => State::Unscheduled { message },
            };
        }
        if node.is_empty() {
            return State::Creating;
        }
        match self.trouble.as_ref().map(|(reason, message)| (&**reason, message.clone())) {
            Some(("Pulling", _)) => State::Pulling { image: self.check.image.clone() },
            Some(("Pulled", message)) => State::Pulled { message },
            // The event of a failed pull may come before the pod says so: nothing went back to an earlier state.
            Some(("Failed", message)) => State::PullFailing { reason: "ErrImagePull".to_owned(), message },
            Some(("FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox", message)) => {
                State::Preparing { message }
            }
            _ => State::Scheduled { node },
        }
    }

    /// The kubelet alternates between the error and its back-off; both are one state with the fuller text.
    fn pull_failing(&self, reason: String, message: String) -> State {
        match &self.state {
            State::PullFailing { reason: known, message: fuller }
                if reason == "ImagePullBackOff" && known == "ErrImagePull" =>
            {
                State::PullFailing { reason: known.clone(), message: fuller.clone() }
            }
            State::PullFailing { reason: known, message: fuller } if reason == *known && !fuller.is_empty() => {
                State::PullFailing { reason, message: fuller.clone() }
            }
            _ => State::PullFailing { reason, message },
        }
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The status of the container that counts.
fn container(pod: &Value) -> Option<&Value> {
    let statuses = pod.pointer("/status/containerStatuses")?.as_array()?;
    statuses.iter().find(|status| status["name"] == CONTAINER)
}

/// Reason and message of a condition that is true.
fn condition(object: &Value, kind: &str) -> Option<(String, String)> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let found = conditions.iter().find(|condition| condition["type"] == kind && condition["status"] == "True")?;
    Some((text(found, "/reason").to_owned(), text(found, "/message").to_owned()))
}

fn unscheduled(pod: &Value) -> Option<(String, String)> {
    let conditions = pod.pointer("/status/conditions")?.as_array()?;
    let found =
        conditions.iter().find(|condition| condition["type"] == "PodScheduled" && condition["status"] == "False")?;
    Some((text(found, "/reason").to_owned(), text(found, "/message").to_owned()))
}

fn gates(pod: &Value) -> Vec<String> {
    let gates = pod.pointer("/spec/schedulingGates").and_then(Value::as_array);
    gates.into_iter().flatten().map(|gate| text(gate, "/name").to_owned()).collect()
}

/// What the pod's end means; `None` while it goes on.
fn verdict(pod: &Value) -> Option<(Status, String, Option<i32>)> {
    let ended = container(pod).and_then(|status| status.pointer("/state/terminated")).map(|ended| exit(pod, ended));
    // A check that reached its verdict before it was evicted keeps it; what the eviction killed has none.
    if let Some(ended @ (Status::Passed | Status::Failed | Status::Skipped, ..)) = ended {
        return Some(ended);
    }
    if let Some((reason, message)) = condition(pod, "DisruptionTarget") {
        let code = ended.and_then(|(_, _, code)| code);
        return Some((Status::Other, format!("the pod was disrupted ({reason}): {message}"), code));
    }
    if ended.is_some() {
        return ended;
    }
    match (text(pod, "/status/phase"), text(pod, "/status/reason")) {
        ("Failed", reason) => {
            let message = text(pod, "/status/message");
            let reason = if reason.is_empty() { "the pod failed" } else { reason };
            Some((Status::Other, format!("{reason}: {message}").trim_end_matches([':', ' ']).to_owned(), None))
        }
        (_, "NodeLost") => Some((Status::Other, format!("node {} was lost", text(pod, "/spec/nodeName")), None)),
        _ => None,
    }
}

/// 0 passes, 1 fails, 2 with a reason skips; a bare 2 is also what a crash looks like, so it gives no verdict.
fn exit(pod: &Value, ended: &Value) -> (Status, String, Option<i32>) {
    let code = ended.get("exitCode").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()).unwrap_or(-1);
    let message = text(ended, "/message").trim().to_owned();
    if text(ended, "/reason") == "OOMKilled" {
        let message = match memory_limit(pod) {
            Some(limit) => format!("out of memory: the container may use {limit}"),
            None => "out of memory on the node".to_owned(),
        };
        return (Status::Other, message, Some(code));
    }
    let said = |fallback: &str| if message.is_empty() { fallback.to_owned() } else { message.clone() };
    match code {
        0 => (Status::Passed, String::new(), Some(0)),
        1 => (Status::Failed, said("the check failed without a reason"), Some(1)),
        2 if !message.is_empty() => (Status::Skipped, message, Some(2)),
        code => {
            let reason = text(ended, "/reason");
            (
                Status::Other,
                said(&format!("the check ended with exit code {code} ({reason}) without a reason")),
                Some(code),
            )
        }
    }
}

fn memory_limit(pod: &Value) -> Option<&str> {
    let containers = pod.pointer("/spec/containers")?.as_array()?;
    containers.iter().find(|known| known["name"] == CONTAINER)?.pointer("/resources/limits/memory")?.as_str()
}

fn milliseconds(text: &str) -> Option<u64> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_millisecond()).ok()
}

/// A state in a sentence: `unscheduled (0/1 nodes are available)`.
fn describe(state: &State) -> String {
    match state.detail() {
        detail if detail.is_empty() => state.word().to_owned(),
        detail => format!("{} ({detail})", state.word()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::validator::Phase;
    use serde_json::json;

    fn at(seconds: u64) -> Moment {
        Moment { observed_at_ms: seconds * 1000, active_ms: seconds * 1000 }
    }

    /// The outputs of a machine, one line each, for a script of (seconds, observation).
    #[track_caller]
    fn check(script: Vec<(u64, Observation)>, expected: &[&str]) {
        let planned = PlannedCheck {
            name: "demo".into(),
            phase: Phase::Conformance,
            description: String::new(),
            image: "aicr/check:1".into(),
            timeout_seconds: 60,
        };
        let mut machine = Machine::new(planned, 10_000, at(0));
        let mut lines = Vec::new();
        for (seconds, observation) in script {
            for output in machine.on(at(seconds), observation) {
                lines.push(match output {
                    Output::State(state) => format!("{seconds}: {}", describe(&state)),
                    Output::Log(line) => format!("{seconds}: log {line}"),
                    Output::FollowLog { pod } => format!("{seconds}: follow {pod}"),
                    Output::Finished(result) => {
                        format!("{seconds}: {:?} {:?} {}", result.status, result.exit_code, result.message)
                    }
                });
            }
        }
        assert_eq!(lines, expected);
    }

    fn pod(status: Value) -> Observation {
        Observation::Pod(json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n1"}, "status": status}))
    }

    fn container_state(state: Value) -> Observation {
        pod(json!({"phase": "Running", "containerStatuses": [
            {"name": "sidecar", "state": {"running": {}}}, {"name": "validator", "state": state}]}))
    }

    fn ended(code: i32, message: &str, reason: &str) -> Observation {
        container_state(json!({"terminated": {"exitCode": code, "message": message, "reason": reason}}))
    }

    fn event(reason: &str, message: &str) -> Observation {
        Observation::Event(json!({"reason": reason, "message": message}))
    }

    fn waiting(reason: &str, message: &str) -> Observation {
        container_state(json!({"waiting": {"reason": reason, "message": message}}))
    }

    #[test]
    fn a_healthy_check_from_creation_to_verdict() {
        let script = vec![
            (1, Observation::Job(json!({}))),
            (2, pod(json!({"phase": "Pending"}))),
            (3, event("Pulling", "Pulling image")),
            (4, event("Pulled", "pulled in 2s")),
            (5, container_state(json!({"running": {}}))),
            (6, Observation::Log("hello".into())),
            (7, ended(0, "", "Completed")),
            (8, Observation::LogEnd),
        ];
        check(
            script,
            &[
                "2: scheduled (n1)",
                "3: pulling (aicr/check:1)",
                "4: pulled (pulled in 2s)",
                "5: running (n1)",
                "5: follow p",
                "6: log hello",
                "8: Passed Some(0) ",
            ],
        );
    }

    #[test]
    fn exit_codes_are_verdicts_and_a_bare_two_is_none() {
        let end = |observation| vec![(1, observation), (2, Observation::LogEnd)];
        let script = |line| ["1: follow p", line];
        check(end(ended(1, "no GPU", "Error")), &script("2: Failed Some(1) no GPU"));
        check(end(ended(2, "no driver", "Error")), &script("2: Skipped Some(2) no driver"));
        check(
            end(ended(2, "", "Error")),
            &script("2: Other Some(2) the check ended with exit code 2 (Error) without a reason"),
        );
        check(end(ended(137, "", "OOMKilled")), &script("2: Other Some(137) out of memory on the node"));
        let limited = Observation::Pod(json!({
            "metadata": {"name": "p"},
            "spec": {"containers": [
                {"name": "sidecar", "resources": {"limits": {"memory": "1Gi"}}},
                {"name": "validator", "resources": {"limits": {"memory": "256Mi"}}}]},
            "status": {"phase": "Failed", "containerStatuses": [
                {"name": "validator", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]},
        }));
        check(end(limited), &script("2: Other Some(137) out of memory: the container may use 256Mi"));
    }

    #[test]
    fn a_verdict_survives_an_eviction_and_what_it_killed_has_none() {
        let disrupted = |code: i32, message: &str| {
            pod(json!({
                "phase": "Failed",
                "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "drain"}],
                "containerStatuses": [{"name": "validator", "state": {"terminated": {"exitCode": code, "message": message}}}],
            }))
        };
        let end = |observation| vec![(1, observation), (2, Observation::LogEnd)];
        check(end(disrupted(1, "no GPU")), &["1: follow p", "2: Failed Some(1) no GPU"]);
        check(
            end(disrupted(143, "")),
            &["1: follow p", "2: Other Some(143) the pod was disrupted (EvictionByEvictionAPI): drain"],
        );
    }

    #[test]
    fn a_completed_job_without_an_observed_pod_is_not_waited_for() {
        let complete = Observation::Job(json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}));
        check(vec![(1, complete), (4, Observation::Tick)], &["4: Other None the pod vanished while creating"]);
    }

    #[test]
    fn a_new_message_for_the_same_wait_does_not_restart_it() {
        let unscheduled = |message: &str| {
            Observation::Pod(json!({"metadata": {"name": "p"}, "spec": {}, "status": {"conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]}}))
        };
        check(
            vec![(1, unscheduled("0/1 nodes")), (8, unscheduled("0/2 nodes")), (11, Observation::Tick)],
            &[
                "1: unscheduled (0/1 nodes)",
                "8: unscheduled (0/2 nodes)",
                "11: Other None the pod cannot be scheduled: 0/2 nodes",
            ],
        );
    }

    #[test]
    fn an_unschedulable_pod_is_reported_at_once_and_given_up_after_the_grace() {
        let unscheduled = || {
            Observation::Pod(
                json!({"metadata": {"name": "p"}, "spec": {}, "status": {"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}]}}),
            )
        };
        check(
            vec![(1, unscheduled()), (9, Observation::Tick), (11, Observation::Tick)],
            &[
                "1: unscheduled (0/1 nodes are available)",
                "11: Other None the pod cannot be scheduled: 0/1 nodes are available",
            ],
        );
    }

    #[test]
    fn a_pull_error_keeps_its_message_through_the_back_off() {
        check(
            vec![
                (1, waiting("ErrImagePull", "manifest unknown")),
                (3, waiting("ImagePullBackOff", "Back-off pulling image")),
                (11, Observation::Tick),
            ],
            &[
                "1: pull failing (ErrImagePull: manifest unknown)",
                "11: Other None the image aicr/check:1 cannot be pulled: ErrImagePull: manifest unknown",
            ],
        );
        check(
            vec![
                (1, pod(json!({"phase": "Pending"}))),
                (2, event("Pulling", "Pulling image")),
                (3, event("Failed", "Failed to pull image: manifest unknown")),
                (3, event("Failed", "Error: ErrImagePull")),
                (4, waiting("ErrImagePull", "manifest unknown")),
            ],
            &[
                "1: scheduled (n1)",
                "2: pulling (aicr/check:1)",
                "3: pull failing (ErrImagePull: Failed to pull image: manifest unknown)",
            ],
        );
        check(
            vec![(1, waiting("InvalidImageName", "bad"))],
            &[
                "1: pull failing (InvalidImageName: bad)",
                "1: Other None the image aicr/check:1 cannot be pulled: InvalidImageName: bad",
            ],
        );
    }

    #[test]
    fn refused_pods_config_errors_and_volumes_say_so() {
        check(
            vec![(1, event("FailedCreate", "exceeded quota")), (11, Observation::Tick)],
            &["1: refused (exceeded quota)", "11: Other None the pod is refused: exceeded quota"],
        );
        check(
            vec![(1, pod(json!({"phase": "Pending"}))), (2, event("FailedMount", "configmap not found"))],
            &["1: scheduled (n1)", "2: preparing (configmap not found)"],
        );
        check(
            vec![(1, waiting("CreateContainerConfigError", "secret not found")), (11, Observation::Tick)],
            &[
                "1: config error (CreateContainerConfigError: secret not found)",
                "11: Other None the container cannot be started: CreateContainerConfigError: secret not found",
            ],
        );
    }

    #[test]
    fn a_deadline_names_the_last_state_even_when_the_pod_was_removed() {
        let failed = Observation::Job(json!({"status": {"conditions": [
            {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too slow"}]}}));
        check(
            vec![
                (1, container_state(json!({"running": {}}))),
                (2, Observation::LogEnd),
                (60, Observation::PodGone),
                (60, failed),
            ],
            &[
                "1: running (n1)",
                "1: follow p",
                "60: Other None the Job failed (DeadlineExceeded: too slow); last state: running (n1)",
            ],
        );
        check(
            vec![(1, container_state(json!({"running": {}}))), (70, Observation::Tick)],
            &["1: running (n1)", "1: follow p", "70: Other None no verdict within 60 s; last state: running (n1)"],
        );
        check(
            vec![(1, pod(json!({"phase": "Pending"}))), (70, Observation::Tick)],
            &["1: scheduled (n1)", "70: Other None no verdict within 60 s; last state: scheduled (n1)"],
        );
    }

    #[test]
    fn eviction_vanishing_and_canceling_have_reasons() {
        let evicted = pod(json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}));
        check(vec![(1, evicted)], &["1: scheduled (n1)", "1: Other None Evicted: low on memory"]);
        check(
            vec![(1, pod(json!({"phase": "Pending"}))), (2, Observation::PodGone), (5, Observation::Tick)],
            &["1: scheduled (n1)", "5: Other None the pod vanished while scheduled (n1)"],
        );
        check(vec![(1, Observation::Cancel)], &["1: Other None canceled while creating"]);
        check(vec![(1, Observation::CreateFailed("forbidden".into()))], &["1: Other None forbidden"]);
    }

    #[test]
    fn output_that_never_ends_does_not_hold_the_verdict() {
        check(
            vec![(1, ended(0, "", "Completed")), (5, Observation::Tick), (6, Observation::Tick)],
            &["1: follow p", "6: Passed Some(0) "],
        );
    }
}
