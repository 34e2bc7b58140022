//! What containers of a check wrote before they were restarted: the kubelet keeps the output of the one before, until the next
//! restart or until the pod is gone.
//!
//! Their output is not part of the log of the run: that has what was read while it was written.

use super::inner;
use crate::{
    cluster::{ClusterError, Connection, changes},
    ops::Failure,
    validate::plan::{CHECK_LABEL, RUN_LABEL},
};
use serde_json::Value;

/// One container that ran before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// How often it was started again.
    pub restarts: u64,
    /// How it ended: `Error, exit code 4`.
    pub end: String,
    /// From its beginning, at most 1 MiB.
    pub text: String,
}

/// Those of a check of a run, by the names of their pods; empty where none was restarted, and where its pods are gone.
///
/// # Errors
/// Pods that cannot be listed. Output that cannot be read is none: why is in its place, so that it does not hide the others.
pub async fn of(connection: &Connection, namespace: &str, run_id: &str, check: &str) -> Result<Vec<Earlier>, Failure> {
    let pods = changes::pods(connection, namespace, &format!("{RUN_LABEL}={run_id}")).await?;
    let is_of_check = |pod: &&Value| {
        let label = pod["metadata"]["labels"][CHECK_LABEL].as_str();
        label == Some(check) || inner::made_by(pod) == Some(check)
    };
    let mut all: Vec<Earlier> = pods.iter().filter(is_of_check).flat_map(restarted).collect();
    all.sort_by(|one, other| (&one.pod, &one.container).cmp(&(&other.pod, &other.container)));
    for Earlier { namespace, pod, container, text, .. } in &mut all {
        *text = said(changes::log_before(connection, namespace, pod, container).await);
    }
    Ok(all)
}

/// What was written, or why it cannot be read: the kubelet may have removed it.
fn said(read: Result<String, ClusterError>) -> String {
    read.unwrap_or_else(|error| Failure::from(error).to_string())
}

/// The containers of a pod that ended and were started again, without what they wrote.
fn restarted(pod: &Value) -> Vec<Earlier> {
    let metadata = |key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_owned();
    let statuses = ["initContainerStatuses", "containerStatuses"].into_iter();
    let statuses = statuses.flat_map(|key| pod["status"][key].as_array().into_iter().flatten());
    let earlier = |status: &Value| {
        let ended = status.pointer("/lastState/terminated")?;
        let code = ended["exitCode"].as_i64().map(|code| format!("exit code {code}"));
        let reason = ended["reason"].as_str().map(str::to_owned);
        Some(Earlier {
            namespace: metadata("namespace"),
            pod: metadata("name"),
            container: status["name"].as_str().unwrap_or_default().to_owned(),
            restarts: status["restartCount"].as_u64().unwrap_or_default(),
            end: reason.into_iter().chain(code).collect::<Vec<_>>().join(", "),
            text: String::new(),
        })
    };
    statuses.filter_map(earlier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterErrorKind;
    use serde_json::json;

    #[test]
    fn only_containers_that_were_restarted_have_an_earlier_one() {
        let pod = json!({"metadata": {"name": "worker-0", "namespace": "checks"}, "status": {
            "initContainerStatuses": [{"name": "keys", "state": {"terminated": {"exitCode": 0}}, "lastState": {}}],
            "containerStatuses": [
                {"name": "one", "restartCount": 2, "lastState": {"terminated": {"exitCode": 4, "reason": "Error"}}},
                {"name": "two", "restartCount": 0, "lastState": {}}]}});
        let found = restarted(&pod);
        assert_eq!(found.len(), 1, "{found:?}");
        let Earlier { namespace, pod, container, restarts, end, .. } = &found[0];
        assert_eq!((namespace.as_str(), pod.as_str(), container.as_str()), ("checks", "worker-0", "one"));
        assert_eq!((*restarts, end.as_str()), (2, "Error, exit code 4"));
        assert!(restarted(&json!({})).is_empty());
    }

    #[test]
    fn output_that_is_gone_says_why_in_its_place() {
        let gone = ClusterError {
            kind: ClusterErrorKind::NotFound,
            doing: "get pods/log".into(),
            at: "checks/worker-0, one".into(),
            found: "previous terminated container \"one\" in pod \"worker-0\" not found".into(),
            hint: None,
            cause: None,
        };
        let said = said(Err(gone));
        assert!(said.contains("previous terminated container") && said.contains("get pods/log"), "{said}");
        assert_eq!(super::said(Ok("tried\n".into())), "tried\n");
    }
}
