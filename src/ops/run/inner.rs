//! Follows the output of the workloads that checks create: of each container of a pod that carries the label of its check.
//!
//! In: pods as they are seen. Out: lines, each with the check and where it comes from. It decides nothing: a verdict follows
//! from what the check itself reads.

use crate::{
    cluster::{Connection, active_time::RunClock, logs, object_watch::Observed},
    validate::checks::MADE_BY_LABEL,
};
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

/// Outputs that are followed at a time: a check may create a pod on each of thousands of nodes.
const MOST: usize = 32;

/// A line of a workload.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) check: String,
    /// Pod, and container where the pod has several.
    pub(super) source: String,
    pub(super) text: String,
}

/// The outputs that are followed, and were.
#[derive(Default)]
pub(super) struct Inner {
    known: BTreeSet<(String, String)>,
    /// Dropped with it.
    followers: JoinSet<()>,
    /// Since when somebody follows a run that others started; 0 for who started it.
    pub(super) followed_since_ms: u64,
}

/// What is said where [`Inner::see`] does not follow all.
pub(super) fn too_many(namespace: &str, check: &str) -> String {
    format!(
        "the output of at most {MOST} containers is followed at a time; for the rest of {check}: \
         kubectl logs --namespace {namespace} --selector {MADE_BY_LABEL}={check}"
    )
}

/// The check that created a pod.
pub(super) fn made_by(pod: &Value) -> Option<&str> {
    pod["metadata"]["labels"][MADE_BY_LABEL].as_str().filter(|check| !check.is_empty())
}

impl Inner {
    /// Of a run that is followed since then.
    pub(super) fn since(followed_since_ms: u64) -> Inner {
        Inner { followed_since_ms, ..Inner::default() }
    }

    /// Follows those containers of a pod that have begun and were not followed before; `arrive` makes of a line what the channel
    /// takes. Whether all of them are.
    #[must_use = "outputs that are not followed have to be named"]
    pub(super) fn see<T: Send + 'static>(
        &mut self,
        pod: &Value,
        (connection, clock): (&Connection, &RunClock),
        arrivals: &mpsc::Sender<Observed<T>>,
        arrive: fn(Line) -> T,
    ) -> bool {
        let Some(check) = made_by(pod) else { return true };
        while self.followers.try_join_next().is_some() {}
        let metadata = |key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_owned();
        let (name, namespace) = (metadata("name"), metadata("namespace"));
        let count = |key: &str| pod["spec"][key].as_array().map_or(0, Vec::len);
        let containers = count("containers") + count("initContainers");
        for container in begun(pod) {
            let key = (metadata("uid"), container.to_owned());
            if self.known.contains(&key) {
                continue;
            }
            if self.followers.len() >= MOST {
                return false;
            }
            self.known.insert(key);
            let source = if containers > 1 { format!("{name}/{container}") } else { name.clone() };
            let output = logs::Output {
                namespace: namespace.clone(),
                pod: name.clone(),
                container: container.to_owned(),
                followed_since_ms: self.followed_since_ms,
            };
            let (lines, mut line) = mpsc::channel(64);
            let following = logs::follow(connection.clone(), output, clock.clone(), watch::channel(false).1, lines);
            let (arrivals, check) = (arrivals.clone(), check.to_owned());
            self.followers.spawn(async move {
                let passing = async {
                    // The end of an output says nothing of the check.
                    while let Some(Observed { at, what: Some(text) }) = line.recv().await {
                        let what = arrive(Line { check: check.clone(), source: source.clone(), text });
                        if arrivals.send(Observed { at, what }).await.is_err() {
                            return;
                        }
                    }
                };
                tokio::join!(following, passing);
            });
        }
        true
    }
}

/// The containers of a pod that run or have run.
fn begun(pod: &Value) -> impl Iterator<Item = &str> {
    let statuses = ["initContainerStatuses", "containerStatuses"].into_iter();
    let statuses = statuses.flat_map(move |key| pod["status"][key].as_array().into_iter().flatten());
    let has_begun = |status: &&Value| ["running", "terminated"].iter().any(|state| status["state"][*state].is_object());
    statuses.filter(has_begun).filter_map(|status| status["name"].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn containers_are_followed_from_when_they_begin() {
        let status = |name: &str, state: &str| json!({"name": name, "state": {state: {}}});
        let pod = json!({"status": {
            "initContainerStatuses": [status("keys", "terminated")],
            "containerStatuses": [status("one", "running"), status("two", "waiting")]}});
        assert_eq!(begun(&pod).collect::<Vec<_>>(), ["keys", "one"]);
        assert_eq!(begun(&json!({})).count(), 0);
    }

    #[test]
    fn only_pods_of_checks_are_workloads() {
        assert_eq!(made_by(&json!({"metadata": {"labels": {MADE_BY_LABEL: "dra-support"}}})), Some("dra-support"));
        assert_eq!(made_by(&json!({"metadata": {"labels": {"app": "x"}}})), None);
    }
}
