//! The state machine of one check: observations of its Job in, states and a result out. No clock, no cluster.
//!
//! A machine receives observations with their time; it answers with what to show and what to do. It keeps its own copy of the
//! last pod and of the output, because the Job controller deletes pods and their evidence with them. States and reasons
//! are those of Kubernetes; what cannot get better by waiting ends the check after a short grace instead of at its limit.

use super::{
    event::{CheckResult, Moment, PlannedCheck, State, Status, Way, Why},
    pod::{self, End, condition, container, gates, text, unscheduled},
};
use crate::text::color;
use serde_json::Value;
use std::collections::VecDeque;

/// Lines of output that a report keeps.
const KEPT_LINES: usize = 1000;
/// Last lines of output that a result quotes where the check gave no reason.
const QUOTED_LINES: usize = 3;
/// Milliseconds that a pod may be unschedulable, refused or without its image before the check is given up: long enough
/// for the kubelet's second attempt at an image, far shorter than any limit.
pub const GRACE_MS: u64 = 20_000;
/// Milliseconds of silence between the end of a container and giving up on the rest of its output. What comes without a pause
/// is waited for: a long output may take longer to read than its check took to write it.
const OUTPUT_GRACE_MS: u64 = 5_000;
/// Milliseconds between a pod's disappearance and saying so: the Job or its namespace may still name the reason.
const VANISHED_GRACE_MS: u64 = 3_000;

/// The container whose result counts; injected sidecars do not.
pub const CONTAINER: &str = "validator";
/// Where a check runs that has no pod.
pub const THIS_PROCESS: &str = "this process";

/// Something that was seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The Job, as the API server holds it.
    Job(Value),
    JobGone,
    Pod(Value),
    PodGone,
    /// Whether the namespace of the run is being deleted, as it was asked for.
    Namespace {
        is_ending: bool,
    },
    /// A Kubernetes event about the Job or its pod.
    Event(Value),
    Log(String),
    /// The output has ended.
    LogEnd,
    /// An object of the check could not be created: what the server said.
    CreateFailed(String),
    /// The check has begun in this process.
    Started,
    /// The check has ended in this process: exit code and termination message.
    Exited {
        code: i32,
        message: String,
    },
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
    /// Something of the check is gone that this run did not delete: is its namespace?
    LookAtNamespace,
    /// Last; the machine takes no further part.
    Finished(Box<CheckResult>),
}

/// A verdict that waits for the rest of the output.
#[derive(Clone, Debug)]
struct Ending {
    end: End,
    since: Moment,
    /// A better reason may still come: objects disappear in any order.
    open: bool,
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
    /// What a deletion interrupted.
    interrupted: Option<State>,
    /// When the check was first seen running.
    running_since: Option<Moment>,
    pod: Option<Value>,
    pod_gone: Option<Moment>,
    job: Option<Value>,
    job_gone: bool,
    namespace_is_ending: Option<bool>,
    /// Reason and message of the newest event that explains a wait: about volumes, sandbox, pulling.
    trouble: Option<(String, String)>,
    following: bool,
    log_ended: bool,
    /// When the last line arrived.
    last_line: Option<Moment>,
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
            interrupted: None,
            running_since: None,
            pod: None,
            pod_gone: None,
            job: None,
            job_gone: false,
            namespace_is_ending: None,
            trouble: None,
            following: false,
            log_ended: false,
            last_line: None,
            log: VecDeque::new(),
            ending: None,
            finished: false,
        }
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Its verdict waits for the rest of the output.
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
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
        let asked_before = self.ending.as_ref().is_some_and(|ending| ending.open);
        match observation {
            Observation::Job(job) => {
                // Deletion in the foreground: the Job waits for its pods.
                self.job_gone |= pod::is_being_deleted(&job);
                self.job = Some(job);
            }
            Observation::JobGone => self.job_gone = true,
            Observation::Pod(pod) => {
                self.pod_gone = None;
                self.pod = Some(pod);
            }
            Observation::PodGone => self.pod_gone = Some(now),
            Observation::Namespace { is_ending } => self.namespace_is_ending = Some(is_ending),
            Observation::Event(event) => self.take_event(&event),
            Observation::Log(line) => {
                if self.log.len() == KEPT_LINES {
                    self.log.pop_front();
                }
                // A result is for reports and other programs, which have no colors.
                self.log.push_back(color::plain(&line).into_owned());
                self.last_line = Some(now);
                outputs.push(Output::Log(line));
            }
            Observation::LogEnd => self.log_ended = true,
            Observation::CreateFailed(message) => self.give_no_verdict(now, Why::CreateRefused, message),
            Observation::Started => {
                (self.following, self.running_since) = (true, Some(now));
            }
            Observation::Exited { code, message } => {
                self.log_ended = true;
                self.end(now, pod::outcome(code, message.trim(), ""));
            }
            Observation::Tick => {}
            Observation::Cancel => {
                let state = describe(&self.state);
                self.give_no_verdict(now, Why::Canceled, format!("canceled while {state}"));
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
            if matches!(state, State::Running { .. }) {
                self.running_since.get_or_insert(now);
            }
            let before = std::mem::replace(&mut self.state, state.clone());
            if matches!(state, State::Stopping { .. }) {
                self.interrupted.get_or_insert(before);
            }
            outputs.push(Output::State(state));
        }
        if self.ending.is_none() {
            self.give_up(now);
        }
        if let Some(pod) = self.pod_with_output().filter(|_| !self.following) {
            self.following = true;
            outputs.push(Output::FollowLog { pod });
        }
        if !asked_before && self.ending.as_ref().is_some_and(|ending| ending.open) {
            outputs.push(Output::LookAtNamespace);
        }
        outputs.extend(self.finish(now));
        outputs
    }

    /// What the last pod and Job say about the end.
    fn look(&mut self, now: Moment) {
        if let Some(end) = self.pod.as_ref().and_then(pod::end) {
            let is_open = end.why == Some(Why::PodDeleted);
            self.end(now, end);
            self.leave_open(is_open);
            return;
        }
        if self.job_gone {
            self.give_no_verdict(now, Why::JobDeleted, String::new());
            self.leave_open(true);
            return;
        }
        if self.pod_gone.is_some() {
            // A Job whose pod disappears may still say why it does.
            if self.job_reason().is_none() {
                self.give_no_verdict(now, Why::PodDeleted, String::new());
                self.leave_open(true);
                return;
            }
        }
        // Complete without a pod: somebody deleted the pod, and its verdict with it, before it was seen.
        if self.pod.is_none() && self.job.as_ref().is_some_and(|job| condition(job, "Complete").is_some()) {
            self.pod_gone.get_or_insert(now);
            return self.look(now);
        }
        let failed =
            self.job.as_ref().and_then(|job| condition(job, "Failed").or_else(|| condition(job, "FailureTarget")));
        let Some((reason, message)) = failed else { return };
        // The container's own exit is reported by its pod, which may arrive after the Job.
        if reason == "BackoffLimitExceeded" && self.pod.is_some() && self.pod_gone.is_none() {
            return;
        }
        let (why, message) = self.job_failed(&reason, &message);
        self.give_no_verdict(now, why, message);
    }

    /// Why the Job failed, where it says more than that its pod did.
    fn job_reason(&self) -> Option<(String, String)> {
        let failed = self.job.as_ref().and_then(|job| condition(job, "Failed"));
        failed.filter(|(reason, _)| reason != "BackoffLimitExceeded")
    }

    fn job_failed(&self, reason: &str, message: &str) -> (Why, String) {
        let why = if reason == "DeadlineExceeded" { Why::OutOfTime } else { Why::JobFailed };
        (why, format!("the Job failed ({reason}: {message}); last state: {}", describe(&self.state)))
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
            let (why, message) = match &self.state {
                State::PullFailing { .. } => {
                    (Why::ImageMissing, format!("the image {} cannot be pulled: {detail}", self.check.image))
                }
                State::Unscheduled { .. } => (Why::Unschedulable, format!("the pod cannot be scheduled: {detail}")),
                State::PodRefused { .. } => (Why::PodRefused, format!("the pod is refused: {detail}")),
                _ => (Why::ConfigError, format!("the container cannot be started: {detail}")),
            };
            self.give_no_verdict(now, why, message);
            return;
        }
        let limit_ms = (self.check.timeout_seconds + self.check.grace_seconds) * 1000;
        if now.since(self.created) >= limit_ms {
            let last = describe(&self.state);
            let message = format!("no verdict within {} s; last state: {last}", self.check.timeout_seconds);
            let unheard = self.pod.as_ref().filter(|pod| pod::is_out_of_reach(pod));
            let (why, message) = match unheard.map(|pod| text(pod, "/spec/nodeName")) {
                Some(node) => (Why::NodeLost, format!("node {node} does not report; {message}")),
                None => (Why::OutOfTime, message),
            };
            self.give_no_verdict(now, why, message);
            if let Some(ending) = &mut self.ending {
                ending.end.speechless = self.running_since.is_some();
            }
        }
    }

    fn give_no_verdict(&mut self, now: Moment, why: Why, message: String) {
        let end = End { status: Status::Other, why: Some(why), message, exit_code: None, speechless: false };
        self.end(now, end);
    }

    fn end(&mut self, now: Moment, end: End) {
        if self.ending.is_none() {
            self.ending = Some(Ending { end, since: now, open: false });
        }
    }

    fn leave_open(&mut self, is_open: bool) {
        if let Some(ending) = &mut self.ending {
            ending.open = is_open;
        }
    }

    /// What disappeared, by the largest thing that did: a namespace takes its Jobs with it, a Job its pods.
    fn close(&mut self, now: Moment) {
        let Some(mut ending) = self.ending.take() else { return };
        let failed = self.job_reason();
        let last = describe(self.interrupted.as_ref().unwrap_or(&self.state));
        let code = ending.end.exit_code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
        let (why, message) = match (self.namespace_is_ending, self.job_gone, failed) {
            (Some(true), ..) => (Why::NamespaceDeleted, format!("the namespace was deleted while {last}{code}")),
            (_, true, _) => (Why::JobDeleted, format!("the Job was deleted by somebody else while {last}{code}")),
            (.., Some((reason, message))) => self.job_failed(&reason, &message),
            _ if now.since(ending.since) < VANISHED_GRACE_MS => {
                self.ending = Some(ending);
                return;
            }
            _ => (Why::PodDeleted, format!("the pod was deleted by somebody else while {last}{code}")),
        };
        (ending.end.why, ending.end.message) = (Some(why), message);
        // A Job that was seen to go may have gone with its namespace, of which nothing is known yet.
        let waits =
            why == Why::JobDeleted && self.namespace_is_ending.is_none() && now.since(ending.since) < VANISHED_GRACE_MS;
        ending.open = waits;
        self.ending = Some(ending);
    }

    /// The result, once the output is complete or has had its time.
    fn finish(&mut self, now: Moment) -> Option<Output> {
        if self.ending.as_ref().is_some_and(|ending| ending.open) {
            self.close(now);
        }
        let ending = self.ending.as_ref().filter(|ending| !ending.open)?;
        let waited =
            self.last_line.map_or(now.since(ending.since), |last| now.since(last).min(now.since(ending.since)));
        // The output of a container that goes on has no end to wait for.
        if self.following && !self.log_ended && !self.is_running() && waited < OUTPUT_GRACE_MS {
            return None;
        }
        self.finished = true;
        let pod = self.pod.as_ref();
        let End { status, why, message, exit_code, speechless } = ending.end.clone();
        Some(Output::Finished(Box::new(CheckResult {
            name: self.check.name.clone(),
            phase: self.check.phase,
            status,
            message: color::plain(&if speechless { message + &self.last_words() } else { message }).into_owned(),
            exit_code,
            node: pod.map(|pod| text(pod, "/spec/nodeName").to_owned()).filter(|node| !node.is_empty()),
            image: self.check.image.clone(),
            total_ms: ending.since.observed_at_ms.saturating_sub(self.created.observed_at_ms),
            run_ms: self.run_ms(ending.since),
            start_ms: self.created.observed_at_ms,
            stop_ms: ending.since.observed_at_ms,
            stdout: self.log.iter().cloned().collect(),
            why,
            way: self.check.way,
        })))
    }

    /// Milliseconds from the start of the container to its end; 0 where it never started, and only there.
    ///
    /// The kubelet writes whole seconds. Where start and end are in the same one, what was seen decides.
    fn run_ms(&self, ended_at: Moment) -> u64 {
        let state = self.pod.as_ref().and_then(container).and_then(|status| status.get("state"));
        let time = |pointer: &str| state.and_then(|state| state.pointer(pointer)?.as_str()).and_then(milliseconds);
        let stated = match (time("/terminated/startedAt"), time("/terminated/finishedAt")) {
            (Some(start), Some(stop)) => Some(stop.saturating_sub(start)),
            _ => time("/running/startedAt").map(|start| ended_at.observed_at_ms.saturating_sub(start)),
        };
        let seen = self.running_since.map(|since| ended_at.observed_at_ms.saturating_sub(since.observed_at_ms));
        match (stated, seen) {
            (None, None) => 0,
            (Some(0), Some(seen)) => seen.clamp(1, 1000),
            (Some(stated), _) => stated.max(1),
            (None, Some(seen)) => seen.max(1),
        }
    }

    /// The end of the output, as a line below a message.
    fn last_words(&self) -> String {
        let lines: Vec<&str> = self.log.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        match &lines[lines.len().saturating_sub(QUOTED_LINES)..] {
            [] => "\nit wrote nothing".to_owned(),
            last => format!("\nlast output: {}", last.join("\n             ")),
        }
    }

    fn is_running(&self) -> bool {
        if self.check.way == Way::InProcess {
            return self.running_since.is_some() && !self.log_ended;
        }
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
        if self.check.way == Way::InProcess && self.running_since.is_some() {
            return State::Running { node: THIS_PROCESS.to_owned() };
        }
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
            return match pod::is_being_deleted(pod) {
                false => State::Running { node },
                true => State::Stopping { reason: "the pod is being deleted".to_owned() },
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

fn milliseconds(text: &str) -> Option<u64> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_millisecond()).ok()
}

/// A state in a sentence: `running on worker-2`, `unscheduled (0/1 nodes are available)`.
fn describe(state: &State) -> String {
    if let State::Scheduled { node } | State::Running { node } = state
        && !node.is_empty()
    {
        let on = if node == THIS_PROCESS { "in" } else { "on" };
        return format!("{} {on} {node}", state.word());
    }
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

    fn planned() -> PlannedCheck {
        PlannedCheck {
            name: "demo".into(),
            phase: Phase::Conformance,
            description: String::new(),
            image: "aicr/check:1".into(),
            timeout_seconds: 60,
            grace_seconds: 10,
            group: 0,
            way: Way::Job,
        }
    }

    /// The outputs of a machine for a script of (seconds, observation).
    fn run(script: Vec<(u64, Observation)>) -> Vec<(u64, Output)> {
        let mut machine = Machine::new(planned(), 10_000, at(0));
        let step = |(seconds, observation)| machine.on(at(seconds), observation).into_iter().map(move |o| (seconds, o));
        script.into_iter().flat_map(step).collect()
    }

    /// The same, one line each.
    fn lines(script: Vec<(u64, Observation)>) -> Vec<String> {
        let line = |(seconds, output)| match output {
            Output::State(state) => format!("{seconds}: {}", describe(&state)),
            Output::Log(line) => format!("{seconds}: log {line}"),
            Output::FollowLog { pod } => format!("{seconds}: follow {pod}"),
            Output::LookAtNamespace => format!("{seconds}: look at the namespace"),
            Output::Finished(result) => {
                format!("{seconds}: {:?} {:?} {}", result.status, result.exit_code, result.message)
            }
        };
        run(script).into_iter().map(line).collect()
    }

    #[track_caller]
    fn check(script: Vec<(u64, Observation)>, expected: &[&str]) {
        assert_eq!(lines(script), expected);
    }

    #[track_caller]
    fn check_last(script: Vec<(u64, Observation)>, expected: &str) {
        let lines = lines(script);
        assert!(lines.last().is_some_and(|line| line.starts_with(expected)), "{lines:#?}");
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
                "2: scheduled on n1",
                "3: pulling (aicr/check:1)",
                "4: pulled (pulled in 2s)",
                "5: running on n1",
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
            &script("2: Other Some(2) the check ended with exit code 2 (Error) without a reason\nit wrote nothing"),
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
        check(
            vec![(1, complete), (4, Observation::Tick)],
            &["1: look at the namespace", "4: Other None the pod was deleted by somebody else while creating"],
        );
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
                "1: scheduled on n1",
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
            &["1: scheduled on n1", "2: preparing (configmap not found)"],
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
                "1: running on n1",
                "1: follow p",
                "60: look at the namespace",
                "60: Other None the Job failed (DeadlineExceeded: too slow); last state: running on n1",
            ],
        );
        check(
            vec![(1, container_state(json!({"running": {}}))), (70, Observation::Tick)],
            &[
                "1: running on n1",
                "1: follow p",
                "70: Other None no verdict within 60 s; last state: running on n1\nit wrote nothing",
            ],
        );
        // Output that keeps coming is read to its end; silence is not waited for.
        let ended = || ended(0, "", "Completed");
        check_last(
            vec![
                (1, ended()),
                (5, Observation::Log("a".into())),
                (9, Observation::Log("b".into())),
                (13, Observation::LogEnd),
            ],
            "13: Passed",
        );
        check_last(vec![(1, ended()), (5, Observation::Log("a".into())), (10, Observation::Tick)], "10: Passed");
        // What the node controller leaves of a pod whose kubelet is silent.
        let unheard = pod(json!({"phase": "Running",
            "conditions": [{"type": "Ready", "status": "False"}, {"type": "ContainersReady", "status": "True"}],
            "containerStatuses": [{"name": "validator", "state": {"running": {}}}]}));
        check_last(
            vec![(1, unheard), (70, Observation::Tick)],
            "70: Other None node n1 does not report; no verdict within 60 s; last state: running on n1",
        );
        check(
            vec![(1, pod(json!({"phase": "Pending"}))), (70, Observation::Tick)],
            &["1: scheduled on n1", "70: Other None no verdict within 60 s; last state: scheduled on n1"],
        );
    }

    #[test]
    fn eviction_vanishing_and_canceling_have_reasons() {
        let evicted = pod(json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}));
        check(vec![(1, evicted)], &["1: scheduled on n1", "1: Other None Evicted: low on memory"]);
        let over_its_limit = pod(json!({"phase": "Failed", "reason": "Evicted", "message": "over its limit of 1Mi.  ",
            "containerStatuses": [{"name": "validator", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}]}));
        check_last(
            vec![(1, over_its_limit), (1, Observation::LogEnd)],
            "1: Other Some(137) Evicted: over its limit of 1Mi.",
        );
        check(
            vec![(1, pod(json!({"phase": "Pending"}))), (2, Observation::PodGone), (5, Observation::Tick)],
            &[
                "1: scheduled on n1",
                "2: look at the namespace",
                "5: Other None the pod was deleted by somebody else while scheduled on n1",
            ],
        );
        check(vec![(1, Observation::Cancel)], &["1: Other None canceled while creating"]);
        check(vec![(1, Observation::CreateFailed("forbidden".into()))], &["1: Other None forbidden"]);
    }

    #[test]
    fn a_crash_without_a_reason_quotes_the_last_output() {
        let said = |text: &str| (1, Observation::Log(text.into()));
        let script = vec![
            (1, container_state(json!({"running": {}}))),
            said("one"),
            said("two"),
            said(""),
            said("three"),
            said("Segmentation fault"),
            (7, ended(139, "", "Error")),
            (7, Observation::LogEnd),
        ];
        let expected = "7: Other Some(139) the check ended with exit code 139 (Error) without a reason\n\
                        last output: two\n             three\n             Segmentation fault";
        check_last(script, expected);
    }

    fn deleted(code: i32) -> Observation {
        Observation::Pod(json!({
            "metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"nodeName": "n1"},
            "status": {"phase": "Failed", "containerStatuses": [
                {"name": "validator", "state": {"terminated": {"exitCode": code, "reason": "Error"}}}]},
        }))
    }

    #[test]
    fn what_was_deleted_is_named_by_the_largest_thing() {
        let running = || (1, container_state(json!({"running": {}})));
        let told = (9, Observation::Namespace { is_ending: true });
        let none = (2, Observation::Namespace { is_ending: false });
        check_last(
            vec![running(), (2, deleted(137)), (2, Observation::LogEnd), none.clone(), (6, Observation::Tick)],
            "6: Other Some(137) the pod was deleted by somebody else while running on n1 (exit code 137)",
        );
        check_last(
            vec![running(), (2, deleted(143)), (2, Observation::LogEnd), none, (3, Observation::JobGone)],
            "3: Other Some(143) the Job was deleted by somebody else while running on n1 (exit code 143)",
        );
        check_last(
            vec![running(), (9, Observation::JobGone), (9, deleted(143)), (9, Observation::LogEnd), told],
            "9: Other None the namespace was deleted while running on n1",
        );
        // A verdict that was reached before is one.
        check_last(vec![running(), (2, deleted(1)), (2, Observation::LogEnd)], "2: Failed Some(1) the check failed");
    }

    #[test]
    fn a_check_that_ran_took_time() {
        let state = |state: &str, times: Value| container_state(json!({ state: times }));
        let run_ms = |script: Vec<(u64, Observation)>| {
            let outputs = run(script);
            let Some((_, Output::Finished(result))) = outputs.last() else { panic!("{outputs:?}") };
            result.run_ms
        };
        let times = |stop: &str| json!({"exitCode": 0, "startedAt": "1970-01-01T00:00:02Z", "finishedAt": format!("1970-01-01T00:00:{stop}Z")});
        let ended = |stop: &str| vec![(4, state("terminated", times(stop))), (4, Observation::LogEnd)];
        assert_eq!(run_ms(ended("04")), 2000);
        assert_eq!(run_ms(ended("02")), 1, "within one second, and never seen running");
        let started = (2, state("running", json!({"startedAt": "1970-01-01T00:00:02Z"})));
        assert_eq!(run_ms([vec![started.clone()], ended("02")].concat()), 1000, "no more than one second");
        assert_eq!(run_ms(vec![started, (50, Observation::Cancel)]), 48_000, "what is given up ran as well");
        assert_eq!(run_ms(vec![(50, Observation::Cancel)]), 0);
    }

    #[test]
    fn a_check_in_this_process_runs_ends_and_can_be_canceled() {
        let local = |script: Vec<(u64, Observation)>| {
            let mut machine = Machine::new(PlannedCheck { way: Way::InProcess, ..planned() }, 10_000, at(0));
            let outputs = script.into_iter().flat_map(|(seconds, seen)| machine.on(at(seconds), seen));
            let finished = outputs.filter_map(|output| match output {
                Output::Finished(result) => Some((result.status, result.message, result.run_ms, result.way)),
                _ => None,
            });
            finished.collect::<Vec<_>>()
        };
        let exited = |code, message: &str| (3, Observation::Exited { code, message: message.into() });
        let started = (1, Observation::Started);
        let failed = (Status::Failed, "no GPU".to_owned(), 2000, Way::InProcess);
        assert_eq!(local(vec![started.clone(), exited(1, "no GPU")]), [failed]);
        let canceled = (Status::Other, "canceled while running in this process".to_owned(), 1000, Way::InProcess);
        assert_eq!(local(vec![started, (1, Observation::Tick), (2, Observation::Cancel)]), [canceled]);
    }

    #[test]
    fn long_lines_and_many_lines_are_kept_as_the_report_promises() {
        let long = "x".repeat(600);
        let mut script = vec![(1, container_state(json!({"running": {}})))];
        script.extend((0..1_500).map(|number| (2, Observation::Log(format!("{number} {long}")))));
        script.extend([(3, Observation::LogEnd), (3, ended(0, "", "Completed"))]);
        let outputs = run(script);
        let whole = |line: &String| line.len() >= 602;
        let logged = outputs.iter().filter(|(_, output)| matches!(output, Output::Log(line) if whole(line))).count();
        assert_eq!(logged, 1_500, "all of them are told, uncut");
        let Some((_, Output::Finished(result))) = outputs.last() else { panic!("{:?}", outputs.last()) };
        assert_eq!((result.status, result.stdout.len()), (Status::Passed, 1_000));
        assert!(result.stdout[0].starts_with("500 ") && result.stdout.iter().all(whole), "{}", result.stdout[0]);
    }

    #[test]
    fn output_that_never_ends_does_not_hold_the_verdict() {
        check(
            vec![(1, ended(0, "", "Completed")), (5, Observation::Tick), (6, Observation::Tick)],
            &["1: follow p", "6: Passed Some(0) "],
        );
    }
}
