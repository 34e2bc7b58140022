//! Times of checks that had begun, or ended, before anybody looked: as their Jobs and pods state them.
//!
//! Whoever attaches to a run sees everything at that moment; without this a check of two minutes would have taken none.

use crate::validate::event::CheckResult;
use serde_json::Value;

/// Milliseconds by which a stated time may differ from what was seen: servers state whole seconds. What was seen is finer then.
const SEEN: u64 = 2_000;

/// What the objects of one check state; milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stated {
    /// Its Job was created.
    began: Option<u64>,
    /// Its container ended; where no pod says that, its Job.
    ended: Option<u64>,
}

impl Stated {
    pub(super) fn began(self) -> Option<u64> {
        self.began
    }

    pub(super) fn job(&mut self, job: &Value) {
        self.began = self.began.or_else(|| milliseconds(&job["metadata"]["creationTimestamp"]));
        let conditions = job["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
        let is_end = |condition: &&Value| {
            condition["status"] == "True" && (condition["type"] == "Complete" || condition["type"] == "Failed")
        };
        let ended = conditions.iter().find(is_end).and_then(|condition| milliseconds(&condition["lastTransitionTime"]));
        self.ended = self.ended.or(ended);
    }

    /// `container` is the name of the one that is the check.
    pub(super) fn pod(&mut self, pod: &Value, container: &str) {
        let statuses = pod["status"]["containerStatuses"].as_array().map_or(&[][..], Vec::as_slice);
        let status = statuses.iter().find(|status| status["name"] == container);
        let ended = status.and_then(|status| milliseconds(&status["state"]["terminated"]["finishedAt"]));
        self.ended = ended.or(self.ended);
    }

    /// A result with these times, where they are earlier than what was seen.
    pub(super) fn correct(self, result: &mut CheckResult) {
        let earlier = |stated: Option<u64>, seen: u64| stated.filter(|stated| stated.saturating_add(SEEN) < seen);
        let (began, ended) = (earlier(self.began, result.start_ms), earlier(self.ended, result.stop_ms));
        if began.is_none() && ended.is_none() {
            return;
        }
        result.start_ms = began.unwrap_or(result.start_ms);
        result.stop_ms = ended.unwrap_or(result.stop_ms).max(result.start_ms);
        result.total_ms = (result.stop_ms - result.start_ms).max(result.run_ms);
    }
}

fn milliseconds(text: &Value) -> Option<u64> {
    let timestamp: jiff::Timestamp = text.as_str()?.parse().ok()?;
    u64::try_from(timestamp.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::validator::Phase,
        validate::event::{Status, Way},
    };
    use serde_json::json;

    /// 2026-01-14T09:00:00Z
    const NINE: u64 = 1_768_381_200_000;

    fn result(start_ms: u64, stop_ms: u64, run_ms: u64) -> CheckResult {
        CheckResult {
            name: "a".into(),
            phase: Phase::Deployment,
            status: Status::Passed,
            message: String::new(),
            exit_code: Some(0),
            node: None,
            image: String::new(),
            total_ms: stop_ms - start_ms,
            run_ms,
            start_ms,
            stop_ms,
            stdout: Vec::new(),
            why: None,
            way: Way::Job,
        }
    }

    #[track_caller]
    fn check(objects: &[Value], seen: (u64, u64, u64), expected: (u64, u64, u64)) {
        let mut stated = Stated::default();
        for object in objects {
            match object["kind"] == "Job" {
                true => stated.job(object),
                false => stated.pod(object, "check"),
            }
        }
        let (start, stop, run) = seen;
        let mut result = result(NINE + start, NINE + stop, run);
        stated.correct(&mut result);
        assert_eq!((result.start_ms - NINE, result.stop_ms - NINE, result.total_ms), expected);
    }

    #[test]
    fn what_ended_before_somebody_looked_has_the_times_of_its_objects() {
        let complete = json!([{"type": "SuccessCriteriaMet", "status": "True", "lastTransitionTime": "2026-01-14T09:00:01Z"},
            {"type": "Complete", "status": "True", "lastTransitionTime": "2026-01-14T09:00:43Z"}]);
        let job = |conditions: Value| json!({"kind": "Job", "metadata": {"creationTimestamp": "2026-01-14T09:00:00Z"}, "status": {"conditions": conditions}});
        let pod = json!({"kind": "Pod", "status": {"containerStatuses": [
            {"name": "other", "state": {"terminated": {"finishedAt": "2026-01-14T09:00:59Z"}}},
            {"name": "check", "state": {"terminated": {"finishedAt": "2026-01-14T09:00:40Z"}}}]}});
        let late = (300_000, 300_000, 38_000);
        check(&[job(complete.clone()), pod.clone()], late, (0, 40_000, 40_000));
        check(&[pod, job(complete.clone())], late, (0, 40_000, 40_000));
        check(&[job(complete)], late, (0, 43_000, 43_000));
        // One that ends while it is looked at began earlier, and its end was seen.
        check(&[job(json!([]))], (20_000, 31_500, 11_000), (0, 31_500, 31_500));
        // What was seen is finer than whole seconds.
        check(&[job(json!([]))], (900, 3_100, 900), (900, 3_100, 2_200));
        check(&[], late, (300_000, 300_000, 0));
    }
}
