//! The one stream of a validation run. Events serialize, so that a run can be recorded and replayed.

use super::{curve::Measured, pods::Pod};
use crate::{catalog::validator::Phase, deploy};
use serde::{Deserialize, Serialize};
use std::fmt;

/// When something was observed, stamped where it arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub observed_at_ms: u64,
    /// Milliseconds of the run without those in which this process was stopped or asleep; limits are counted in these.
    pub active_ms: u64,
}

impl Moment {
    /// Active milliseconds since an earlier moment.
    pub fn since(self, earlier: Moment) -> u64 {
        self.active_ms.saturating_sub(earlier.active_ms)
    }
}

/// An event, its place in the run, and when it was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// 0 for the first event of a run, then one more for each.
    pub seq: u64,
    /// Milliseconds since the Unix epoch; RFC 3339 where it is written.
    #[serde(rename = "observed_at", with = "rfc3339")]
    pub observed_at_ms: u64,
    /// When it happened, as the cluster states it, where that was long before it was observed: whoever attaches to a run sees
    /// what was before.
    #[serde(rename = "stated_at", with = "rfc3339_where_known", default, skip_serializing_if = "Option::is_none")]
    pub stated_at_ms: Option<u64>,
    #[serde(flatten)]
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Body {
    /// First: what will run, in order. Once more where a run of somebody else is followed and more of it becomes known.
    Planned {
        run_id: String,
        namespace: String,
        context: String,
        recipe: String,
        /// What the recipe was resolved for, in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        criteria: String,
        checks: Vec<PlannedCheck>,
    },
    /// One per readiness constraint.
    Readiness {
        name: String,
        expected: String,
        outcome: ReadinessOutcome,
        actual: Option<String>,
        reason: Option<String>,
        /// The layer of the recipe that set the constraint; `None` where the recipe is a file, which does not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        set_by: Option<String>,
    },
    PhaseStarted {
        phase: Phase,
    },
    /// No further check starts until a person says so; those that run go on.
    Paused {
        before: Stop,
    },
    Resumed,
    /// What a check does or waits for, each time that changes.
    State {
        check: String,
        state: State,
    },
    /// A pod of the check's Job, or of something that the check created: each time that more is known of it.
    Pod {
        check: String,
        pod: Pod,
    },
    /// A line of the check's output, in order, or of a workload that it created.
    Log {
        check: String,
        text: String,
        /// Where a line of a workload comes from: its pod, and the container where the pod has several. Empty for the check
        /// itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        source: String,
    },
    /// A row of the curve of a benchmark, as soon as it is known.
    Measured {
        check: String,
        #[serde(flatten)]
        row: Measured,
    },
    Finished {
        check: String,
        result: CheckResult,
    },
    PhaseFinished {
        phase: Phase,
        status: PhaseStatus,
    },
    /// Something a person should know that belongs to no check.
    Notice {
        severity: Severity,
        text: String,
    },
    /// Objects of the run are being removed; `left` names what could not be (kind namespace/name).
    CleanedUp {
        removed: usize,
        left: Vec<String>,
    },
    /// What happens in a deploy, which is recorded as a validation is.
    Deploy(deploy::event::Body),
    /// Last.
    Ended {
        verdict: Verdict,
    },
    /// Last, instead of an end: who ran it has left. Jobs that were created go on and end by themselves, no other check starts, and
    /// nothing is removed.
    Left {
        /// The checks whose Jobs went on.
        checks: Vec<String>,
    },
}

/// Where a run that goes step by step has stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stop", rename_all = "kebab-case")]
pub enum Stop {
    Phase {
        phase: Phase,
    },
    Check {
        check: String,
    },
    /// A person asked for it.
    Asked,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Phase { phase } => write!(f, "before the {} phase", phase.name()),
            Stop::Check { check } => write!(f, "before {check}"),
            Stop::Asked => f.write_str("as asked"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedCheck {
    pub name: String,
    pub phase: Phase,
    pub description: String,
    pub image: String,
    pub timeout_seconds: u64,
    /// Seconds after its limit at which a check that goes on is given up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grace_seconds: u64,
    /// Checks of one phase with the same number may run at the same time; numbers go up as groups follow each other.
    #[serde(default, skip_serializing_if = "is_default")]
    pub group: usize,
    #[serde(default, skip_serializing_if = "is_default")]
    pub way: Way,
}

/// How a verdict is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// In a pod of the cluster.
    #[default]
    Job,
    /// In this process, over its own connection, with the rights of whoever runs it.
    InProcess,
}

/// The structured reason of a result that is no plain verdict of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The caller excluded it.
    NamedInSkipChecks,
    PreviousPhaseFailed,
    /// No cluster was touched.
    PlannedOnly,
    /// Known before the run that it cannot run.
    CannotRun,
    Canceled,
    /// The run was canceled before it started.
    NotStarted,
    /// The run goes on, and the check has not ended.
    NotEnded,
    /// Who ran it left before the check had ended.
    Left,
    CreateRefused,
    PodRefused,
    Unschedulable,
    ImageMissing,
    ConfigError,
    OutOfTime,
    OutOfMemory,
    Disrupted,
    NodeLost,
    PodDeleted,
    JobDeleted,
    NamespaceDeleted,
    JobFailed,
    /// It ended with an exit code that is no verdict.
    Crashed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadinessOutcome {
    Pass,
    Fail,
    /// Does not hold or is not known, and its severity says that this stops nothing.
    Warning,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warn,
    Error,
}

/// What a check is doing, from early to late; each carries the detail to show with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    Queued,
    /// The Job is being created, or has no pod yet.
    Creating,
    /// The Job exists but its pod is refused (quota, Pod Security, admission): the event's message.
    PodRefused {
        message: String,
    },
    /// The scheduler's own words.
    Unscheduled {
        message: String,
    },
    Gated {
        gates: Vec<String>,
    },
    Scheduled {
        node: String,
    },
    /// Volumes or sandbox are not ready: the event's message.
    Preparing {
        message: String,
    },
    Pulling {
        image: String,
    },
    Pulled {
        message: String,
    },
    PullFailing {
        reason: String,
        message: String,
    },
    ConfigError {
        reason: String,
        message: String,
    },
    Running {
        node: String,
    },
    Stopping {
        reason: String,
    },
}

impl State {
    /// One or two words for a state column.
    pub fn word(&self) -> &'static str {
        match self {
            State::Queued => "waiting",
            State::Creating => "creating",
            State::PodRefused { .. } => "refused",
            State::Unscheduled { .. } => "unscheduled",
            State::Gated { .. } => "gated",
            State::Scheduled { .. } => "scheduled",
            State::Preparing { .. } => "preparing",
            State::Pulling { .. } => "pulling",
            State::Pulled { .. } => "pulled",
            State::PullFailing { .. } => "pull failing",
            State::ConfigError { .. } => "config error",
            State::Running { .. } => "running",
            State::Stopping { .. } => "stopping",
        }
    }

    /// What it waits for or what went wrong, for a detail line; empty when the word says all.
    pub fn detail(&self) -> String {
        match self {
            State::Queued | State::Creating => String::new(),
            State::PodRefused { message } | State::Unscheduled { message } | State::Preparing { message } => {
                message.clone()
            }
            State::Pulled { message } => message.clone(),
            State::Gated { gates } => gates.join(", "),
            State::Scheduled { node } | State::Running { node } => node.clone(),
            State::Pulling { image } => image.clone(),
            State::PullFailing { reason, message } | State::ConfigError { reason, message } => {
                format!("{reason}: {message}")
            }
            State::Stopping { reason } => reason.clone(),
        }
    }
}

/// A check's verdict, as CTRF names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Passed,
    Failed,
    Skipped,
    /// The check gave no verdict: crash, deadline, eviction, pull error, cancellation.
    Other,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    pub name: String,
    pub phase: Phase,
    pub status: Status,
    /// Why it failed, was skipped or gave no verdict; empty on pass.
    pub message: String,
    pub exit_code: Option<i32>,
    pub node: Option<String>,
    pub image: String,
    /// Job creation to end, with scheduling and pulling.
    pub total_ms: u64,
    /// Container start to end; 0 when it never started.
    pub run_ms: u64,
    pub start_ms: u64,
    pub stop_ms: u64,
    /// Last 1000 lines of output.
    pub stdout: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub way: Way,
}

/// What was added to events later is left out where it says nothing, so that records of older programs read and write alike.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Status of a phase, from its checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhaseStatus {
    Passed,
    Failed,
    Other,
    Skipped,
}

/// The verdict of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Passed,
    /// A readiness constraint does not hold; no Job was created.
    NotReady,
    Failed,
    /// Nothing failed, but some check gave no verdict.
    Inconclusive,
    /// Nothing ran: no check selected, or every check skipped.
    Skipped,
    Canceled,
}

/// Milliseconds since the epoch as RFC 3339 in UTC, with three digits after the second.
mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(milliseconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        let at = i64::try_from(*milliseconds).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        let at = at.unwrap_or(jiff::Timestamp::MAX);
        serializer.collect_str(&format_args!("{at:.3}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        u64::try_from(at.as_millisecond()).map_err(D::Error::custom)
    }
}

/// The same where there is one.
mod rfc3339_where_known {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    struct At(#[serde(with = "super::rfc3339")] u64);

    pub fn serialize<S: Serializer>(milliseconds: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match milliseconds {
            Some(milliseconds) => super::rfc3339::serialize(milliseconds, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(Option::<At>::deserialize(deserializer)?.map(|At(at)| at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_with_its_number_and_time_and_read_back() {
        let body = Body::Ended { verdict: Verdict::Passed };
        let event = Event { seq: 7, observed_at_ms: 1_784_014_260_070, stated_at_ms: None, body };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(text, r#"{"seq":7,"observed_at":"2026-07-14T07:31:00.070Z","event":"ended","verdict":"passed"}"#);
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
        let stated = Event { stated_at_ms: Some(1_784_014_200_000), ..event };
        let text = serde_json::to_string(&stated).unwrap();
        assert!(text.contains(r#""stated_at":"2026-07-14T07:30:00.000Z","#), "{text}");
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), stated);
    }
}
