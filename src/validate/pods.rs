//! Pods of checks as a person sees them: which attempt each is, where it runs, how it stands, how it ended.
//!
//! In: pods as the API server holds them, one after the other. Out: what is new of each. It decides nothing: a verdict follows
//! from what the machine of a check reads.

use super::pod::{condition, is_being_deleted, text, unscheduled};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// How a pod stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stand {
    Pending,
    Running,
    Stopping,
    Succeeded,
    Failed,
    /// It was removed before it ended, or nobody saw it end.
    Gone,
}

impl Stand {
    pub fn word(self) -> &'static str {
        match self {
            Stand::Pending => "pending",
            Stand::Running => "running",
            Stand::Stopping => "stopping",
            Stand::Succeeded => "succeeded",
            Stand::Failed => "failed",
            Stand::Gone => "removed",
        }
    }

    pub fn has_ended(self) -> bool {
        matches!(self, Stand::Succeeded | Stand::Failed | Stand::Gone)
    }
}

/// A pod of a check: of its own Job, or of something that it created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    pub name: String,
    /// The check created it, or what it is of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_workload: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// 1 for the first pod of its Job, then one more for each that took the place of another.
    pub attempt: usize,
    /// How often its containers were started again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restarts: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    pub stand: Stand,
    /// Of the container that failed, or else of the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// What it waits for, or why it ended; empty where there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Pod {
    /// Whether a clean-up that names what it left took this pod with it. One that could not look does not know.
    pub fn went(&self, left: &[String]) -> bool {
        let is_named = |left: &String| {
            let of = |name: &str| left.split([' ', '/']).any(|word| word == name);
            left.starts_with("unknown") || of(&self.name) || self.job.as_deref().is_some_and(of)
        };
        !left.iter().any(is_named)
    }

    /// Whether a line of a log is of this pod, by its source: empty for that of the check itself.
    pub fn wrote(&self, source: &str) -> bool {
        let of_container =
            || source.strip_prefix(&self.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if self.is_workload { of_container() } else { source.is_empty() }
    }
}

/// The pods that were seen of a run.
#[derive(Debug, Default)]
pub struct Pods {
    /// By UID, as they were told last, each with its check.
    told: BTreeMap<String, (String, Pod)>,
    /// UIDs of the pods of a Job, and of one completion of it, in the order in which they came.
    of_jobs: BTreeMap<(String, String), Vec<String>>,
}

impl Pods {
    /// What a pod of a check is now, where that is other than it was told last.
    pub fn see(&mut self, check: &str, pod: &Value, is_workload: bool, is_gone: bool) -> Option<Pod> {
        let uid = text(pod, "/metadata/uid").to_owned();
        let job = job_of(pod);
        let attempt = job.map_or(1, |job| {
            let completion = text(pod, "/metadata/annotations/batch.kubernetes.io~1job-completion-index");
            let pods = self.of_jobs.entry((job.to_owned(), completion.to_owned())).or_default();
            let known = pods.iter().position(|known| *known == uid);
            known.unwrap_or_else(|| {
                pods.push(uid.clone());
                pods.len() - 1
            }) + 1
        });
        let mut seen = Pod { attempt, is_workload, ..as_it_is(pod) };
        if is_gone && !seen.stand.has_ended() {
            seen.stand = Stand::Gone;
        }
        // What kept it from running is why it did not; its deletion says nothing of that.
        let never_ran = seen.reason.is_empty() && seen.exit_code.is_none();
        if never_ran
            && matches!(seen.stand, Stand::Failed | Stand::Stopping | Stand::Gone)
            && let Some((_, told)) = self.told.get(&uid)
        {
            seen.reason.clone_from(&told.reason);
        }
        let is_news = self.told.get(&uid).is_none_or(|(_, told)| *told != seen);
        is_news.then(|| {
            self.told.insert(uid, (check.to_owned(), seen.clone()));
            seen
        })
    }

    /// Whether anything of a pod was told.
    pub fn knows(&self, pod: &Value) -> bool {
        self.told.contains_key(text(pod, "/metadata/uid"))
    }

    pub fn have_ended(&self) -> bool {
        self.told.values().all(|(_, pod)| pod.stand.has_ended())
    }

    /// The pods whose end nobody saw, and that a clean-up took with it: each is told as removed, with its check.
    pub fn remove(&mut self, left: &[String]) -> Vec<(String, Pod)> {
        let goes = |pod: &Pod| !pod.stand.has_ended() && pod.went(left);
        let gone = self.told.values_mut().filter(|(_, pod)| goes(pod));
        let gone = gone.map(|told| {
            told.1.stand = Stand::Gone;
            told.clone()
        });
        gone.collect()
    }
}

/// The Job that a pod is of.
fn job_of(pod: &Value) -> Option<&str> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find(|owner| owner["kind"] == "Job")?["name"].as_str()
}

fn as_it_is(pod: &Value) -> Pod {
    let statuses: Vec<&Value> = ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .flat_map(|key| pod.pointer(key).and_then(Value::as_array).into_iter().flatten())
        .collect();
    let ended = |status: &&Value| status.pointer("/state/terminated").cloned();
    let ends: Vec<Value> = statuses.iter().filter_map(ended).collect();
    let code = |end: &Value| end["exitCode"].as_i64();
    let failed = ends.iter().find(|end| code(end).is_some_and(|code| code != 0));
    let restarts = text(pod, "/spec/restartPolicy") == "Always";
    let stand = match text(pod, "/status/phase") {
        "Succeeded" => Stand::Succeeded,
        // A kubelet calls what is deleted before it ran a failure.
        "Failed" if is_being_deleted(pod) && ends.is_empty() && text(pod, "/status/reason").is_empty() => {
            Stand::Stopping
        }
        "Failed" => Stand::Failed,
        // Its phase comes after its containers, and after the verdict that follows from them.
        _ if !restarts && failed.is_none() && !ends.is_empty() && ends.len() == statuses.len() => Stand::Succeeded,
        _ if is_being_deleted(pod) => Stand::Stopping,
        _ if failed.is_some() && ends.len() == statuses.len() => Stand::Failed,
        "Running" => Stand::Running,
        _ => Stand::Pending,
    };
    let waits = statuses.iter().find_map(|status| status.pointer("/state/waiting"));
    let reason = match (stand, failed) {
        (Stand::Failed, _) if !text(pod, "/status/reason").is_empty() => {
            said(text(pod, "/status/reason"), text(pod, "/status/message"))
        }
        (Stand::Failed | Stand::Running | Stand::Stopping, Some(end)) => {
            said(text(end, "/reason"), text(end, "/message"))
        }
        (Stand::Pending, _) => match (unscheduled(pod), waits) {
            (Some((reason, message)), _) => said(&reason, &message),
            (None, Some(waits)) => said(text(waits, "/reason"), text(waits, "/message")),
            (None, None) => String::new(),
        },
        _ => condition(pod, "DisruptionTarget").map_or_else(String::new, |(reason, message)| said(&reason, &message)),
    };
    let node = text(pod, "/spec/nodeName");
    Pod {
        name: text(pod, "/metadata/name").to_owned(),
        is_workload: false,
        job: job_of(pod).map(str::to_owned),
        attempt: 1,
        restarts: statuses.iter().filter_map(|status| status["restartCount"].as_u64()).sum(),
        node: Some(node.to_owned()).filter(|node| !node.is_empty()),
        stand,
        exit_code: failed.or(ends.first().filter(|_| stand.has_ended())).and_then(code),
        reason,
    }
}

/// `OOMKilled`, `ImagePullBackOff: no such image`; the first line of what is said.
fn said(reason: &str, message: &str) -> String {
    let message = message.trim().lines().next().unwrap_or_default();
    match (reason.is_empty(), message.is_empty()) {
        (_, true) => reason.to_owned(),
        (true, false) => message.to_owned(),
        (false, false) => format!("{reason}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, status: &Value) -> Value {
        json!({
            "metadata": {"name": name, "uid": format!("uid-{name}"), "ownerReferences": [{"kind": "Job", "name": "aicr-dra"}]},
            "spec": {"nodeName": "worker-1"},
            "status": status,
        })
    }

    #[test]
    fn a_pod_is_told_when_it_changes_and_with_how_it_ended() {
        let mut pods = Pods::default();
        let waits = json!({"phase": "Pending", "containerStatuses": [
            {"name": "validator", "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image\nx"}}}]});
        let seen = pods.see("dra-support", &pod("one", &waits), false, false).unwrap();
        assert_eq!((seen.stand, &*seen.reason, seen.attempt), (Stand::Pending, "ImagePullBackOff: no such image", 1));
        assert_eq!(pods.see("dra-support", &pod("one", &waits), false, false), None, "nothing is new");
        let runs = json!({"phase": "Running", "containerStatuses": [
            {"name": "validator", "restartCount": 0, "state": {"running": {}}}]});
        let seen = pods.see("dra-support", &pod("one", &runs), false, false).unwrap();
        assert_eq!((seen.stand, seen.node.as_deref(), &*seen.reason), (Stand::Running, Some("worker-1"), ""));
        let ends = json!({"phase": "Failed", "containerStatuses": [{"name": "validator", "restartCount": 0, "state": {"terminated": {
            "exitCode": 137, "reason": "OOMKilled"}}}]});
        let seen = pods.see("dra-support", &pod("one", &ends), false, false).unwrap();
        assert_eq!((seen.stand, seen.exit_code, &*seen.reason), (Stand::Failed, Some(137), "OOMKilled"));
        assert_eq!(
            pods.see("dra-support", &pod("one", &ends), false, true),
            None,
            "one that has ended does not end once more by going"
        );
        let text = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Pod>(&text).unwrap(), seen);
    }

    /// The verdict follows from the container, and nobody looks at the pod any more when its phase comes.
    #[test]
    fn a_pod_whose_containers_have_succeeded_has_ended_before_its_phase_says_so() {
        let mut pods = Pods::default();
        let state = |state: Value| json!({"name": "validator", "restartCount": 0, "state": state});
        let ended = || state(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}));
        let seen = |pods: &mut Pods, statuses: Value, phase: &str| {
            let status = json!({"phase": phase, "containerStatuses": statuses});
            pods.see("dra-support", &pod("one", &status), false, false)
        };
        let other = seen(&mut pods, json!([ended(), state(json!({"running": {}}))]), "Running").unwrap();
        assert_eq!((other.stand, other.exit_code), (Stand::Running, None), "another container goes on");
        assert!(!pods.have_ended());
        let own = seen(&mut pods, json!([ended(), ended()]), "Running").unwrap();
        assert_eq!((own.stand, own.exit_code, &*own.reason), (Stand::Succeeded, Some(0), ""));
        assert!(pods.have_ended());
        assert_eq!(seen(&mut pods, json!([ended(), ended()]), "Succeeded"), None, "it has been told");
    }

    #[test]
    fn a_pod_that_is_deleted_before_it_ran_keeps_its_reason_and_is_removed() {
        let mut pods = Pods::default();
        let waits = json!({"phase": "Pending", "containerStatuses": [
            {"name": "validator", "restartCount": 0, "state": {"waiting": {"reason": "ErrImagePull"}}}]});
        pods.see("dra-support", &pod("one", &waits), false, false);
        let mut deleted = pod("one", &json!({"phase": "Failed"}));
        deleted["metadata"]["deletionTimestamp"] = json!("2026-01-14T09:00:00Z");
        let stopping = pods.see("dra-support", &deleted, false, false).unwrap();
        assert_eq!((stopping.stand, &*stopping.reason), (Stand::Stopping, "ErrImagePull"));
        let gone = pods.see("dra-support", &deleted, false, true).unwrap();
        assert_eq!((gone.stand, &*gone.reason), (Stand::Gone, "ErrImagePull"));
    }

    #[test]
    fn a_clean_up_takes_the_pods_with_it_that_it_does_not_name() {
        let mut pods = Pods::default();
        let running = json!({"phase": "Running", "containerStatuses": [{"name": "cuda", "state": {"running": {}}}]});
        let mut alone = pod("two", &running);
        alone["metadata"]["ownerReferences"] = json!([]);
        pods.see("a", &pod("one", &running), true, false);
        pods.see("b", &alone, true, false);
        assert_eq!(pods.remove(&["unknown: list pods is forbidden".into()]), []);
        assert_eq!(pods.remove(&["Pod aicr/two".into(), "Job aicr/aicr-dra (a finalizer)".into()]), []);
        let gone = pods.remove(&["Job aicr/aicr-dra".into()]);
        let gone: Vec<_> = gone.iter().map(|(check, pod)| (&**check, &*pod.name, pod.stand)).collect();
        assert_eq!(gone, [("b", "two", Stand::Gone)]);
        assert_eq!(pods.remove(&[]).len(), 1, "each once");
        assert!(pods.have_ended());
    }

    #[test]
    fn pods_of_one_job_are_attempts_and_completions_have_their_own() {
        let mut pods = Pods::default();
        let none = json!({"phase": "Pending"});
        let attempt = |pods: &mut Pods, pod: &Value| pods.see("dra-support", pod, true, false).unwrap().attempt;
        assert_eq!(attempt(&mut pods, &pod("one", &none)), 1);
        assert_eq!(attempt(&mut pods, &pod("two", &none)), 2);
        let mut other = pod("three", &none);
        other["metadata"]["annotations"] = json!({"batch.kubernetes.io/job-completion-index": "1"});
        assert_eq!(attempt(&mut pods, &other), 1);
        let gone = pods.see("dra-support", &pod("two", &none), true, true).unwrap();
        assert_eq!((gone.stand, gone.attempt), (Stand::Gone, 2));
        let bare = json!({"metadata": {"name": "bare", "uid": "b"}, "status": {"phase": "Running", "containerStatuses": [
            {"name": "cuda", "restartCount": 2, "state": {"running": {}}}]}});
        let bare = pods.see("dra-support", &bare, true, false).unwrap();
        assert_eq!((bare.attempt, bare.restarts, bare.job.as_deref()), (1, 2, None));
    }

    #[test]
    fn lines_are_of_the_pod_that_wrote_them() {
        let own = Pod { name: "aicr-dra-x".into(), ..as_it_is(&json!({})) };
        let work = Pod { name: "worker-1".into(), is_workload: true, ..own.clone() };
        assert!(own.wrote("") && !own.wrote("worker-1"));
        assert!(work.wrote("worker-1") && work.wrote("worker-1/cuda") && !work.wrote("worker-10") && !work.wrote(""));
    }
}
