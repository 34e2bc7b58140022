//! What Jobs and pods say about a check: conditions, container states, and what an end means.
//!
//! In: objects as the API server holds them. Out: texts, and an [`End`] with its structured reason.

use super::{
    event::{Status, Why},
    machine::CONTAINER,
};
use serde_json::Value;

/// Exit codes of a process that SIGTERM or SIGKILL ended.
const KILLED: [i32; 2] = [137, 143];

/// How a pod ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    pub status: Status,
    pub why: Option<Why>,
    pub message: String,
    pub exit_code: Option<i32>,
    /// The check gave no reason: its last lines of output are all that there is.
    pub speechless: bool,
}

impl End {
    fn of(status: Status, why: Option<Why>, message: String, exit_code: Option<i32>) -> End {
        End { status, why, message, exit_code, speechless: false }
    }
}

pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The status of the container that counts.
pub(super) fn container(pod: &Value) -> Option<&Value> {
    let statuses = pod.pointer("/status/containerStatuses")?.as_array()?;
    statuses.iter().find(|status| status["name"] == CONTAINER)
}

/// Reason and message of a condition that is true.
pub(super) fn condition(object: &Value, kind: &str) -> Option<(String, String)> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let found = conditions.iter().find(|condition| condition["type"] == kind && condition["status"] == "True")?;
    Some((text(found, "/reason").to_owned(), text(found, "/message").to_owned()))
}

/// Reason and message of a scheduler that found no node.
pub(super) fn unscheduled(pod: &Value) -> Option<(String, String)> {
    let conditions = pod.pointer("/status/conditions")?.as_array()?;
    let found =
        conditions.iter().find(|condition| condition["type"] == "PodScheduled" && condition["status"] == "False")?;
    Some((text(found, "/reason").to_owned(), text(found, "/message").to_owned()))
}

pub(super) fn gates(pod: &Value) -> Vec<String> {
    let gates = pod.pointer("/spec/schedulingGates").and_then(Value::as_array);
    gates.into_iter().flatten().map(|gate| text(gate, "/name").to_owned()).collect()
}

/// Somebody asked the API server to delete it.
pub(super) fn is_being_deleted(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

/// Its node does not report: the node controller then takes the readiness of its pods away, and changes nothing else of them.
pub(super) fn is_out_of_reach(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let is = |kind: &str, status: &str| {
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|condition| condition["type"] == kind && condition["status"] == status)
    };
    is("Ready", "False") && is("ContainersReady", "True") && pod.pointer("/spec/readinessGates").is_none()
}

/// What the pod's end means; `None` while it goes on.
pub(super) fn end(pod: &Value) -> Option<End> {
    let ended = container(pod).and_then(|status| status.pointer("/state/terminated")).map(|ended| exit(pod, ended));
    // A check that reached its verdict before it was evicted keeps it; what the eviction killed has none.
    if let Some(ended) = &ended
        && ended.status != Status::Other
    {
        return Some(ended.clone());
    }
    if let Some((reason, message)) = condition(pod, "DisruptionTarget") {
        let code = ended.and_then(|ended| ended.exit_code);
        let message = format!("the pod was disrupted ({reason}): {message}");
        return Some(End::of(Status::Other, Some(Why::Disrupted), message, code));
    }
    // For its own use of disk or memory a kubelet evicts without that condition, and its container ends as one that was killed.
    let (phase, reason) = (text(pod, "/status/phase"), text(pod, "/status/reason"));
    if (phase, reason) == ("Failed", "Evicted") {
        let message = format!("Evicted: {}", text(pod, "/status/message").trim());
        return Some(End::of(Status::Other, Some(Why::Disrupted), message, ended.and_then(|ended| ended.exit_code)));
    }
    if let Some(ended) = ended {
        let killed = ended.exit_code.is_some_and(|code| KILLED.contains(&code)) && ended.why == Some(Why::Crashed);
        return Some(match killed && is_being_deleted(pod) {
            true => End::of(Status::Other, Some(Why::PodDeleted), String::new(), ended.exit_code),
            false => ended,
        });
    }
    match (phase, reason) {
        ("Failed", reason) => {
            let message = text(pod, "/status/message");
            let reason = if reason.is_empty() { "the pod failed" } else { reason };
            let message = format!("{reason}: {message}").trim_end_matches([':', ' ']).to_owned();
            Some(End::of(Status::Other, Some(Why::Crashed), message, None))
        }
        (_, "NodeLost") => {
            let message = format!("node {} was lost", text(pod, "/spec/nodeName"));
            Some(End::of(Status::Other, Some(Why::NodeLost), message, None))
        }
        _ => None,
    }
}

/// 0 passes, 1 fails, 2 with a reason skips; a bare 2 is also what a crash looks like, so it gives no verdict.
fn exit(pod: &Value, ended: &Value) -> End {
    let code = ended.get("exitCode").and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok()).unwrap_or(-1);
    if text(ended, "/reason") == "OOMKilled" {
        let message = match memory_limit(pod) {
            Some(limit) => format!("out of memory: the container may use {limit}"),
            None => "out of memory on the node".to_owned(),
        };
        return End::of(Status::Other, Some(Why::OutOfMemory), message, Some(code));
    }
    outcome(code, text(ended, "/message").trim(), text(ended, "/reason"))
}

/// The verdict of an exit code with what the check said last.
pub(super) fn outcome(code: i32, said: &str, reason: &str) -> End {
    let speechless = said.is_empty() && code != 0;
    let (status, why, otherwise) = match code {
        0 => return End::of(Status::Passed, None, String::new(), Some(0)),
        1 => (Status::Failed, None, "the check failed without a reason".to_owned()),
        2 if !said.is_empty() => (Status::Skipped, None, String::new()),
        code => {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            let message = format!("the check ended with exit code {code}{reason} without a reason");
            (Status::Other, Some(Why::Crashed), message)
        }
    };
    let message = if said.is_empty() { otherwise } else { said.to_owned() };
    End { status, why, message, exit_code: Some(code), speechless }
}

fn memory_limit(pod: &Value) -> Option<&str> {
    let containers = pod.pointer("/spec/containers")?.as_array()?;
    containers.iter().find(|known| known["name"] == CONTAINER)?.pointer("/resources/limits/memory")?.as_str()
}
