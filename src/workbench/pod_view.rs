//! A pod of a check as a run shows it: what is known of it now, and when it was seen to begin and to end.

use crate::validate::{
    event::CheckResult,
    pods::{Pod, Stand},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodView {
    pub pod: Pod,
    /// When its containers were seen to run first; `None` where they ran before anybody looked.
    pub began_ms: Option<u64>,
    pub ended_ms: Option<u64>,
    /// How it ended is known from the verdict of its check, whatever is seen of it later.
    is_judged: bool,
}

impl PodView {
    /// Takes what is new of a pod; those of the Job of a check come first. `sees_begin`: who follows a run has seen its pods from
    /// their beginning.
    pub fn take(pods: &mut Vec<PodView>, pod: Pod, at_ms: u64, sees_begin: bool) {
        let place = pods.iter().position(|known| known.pod.name == pod.name);
        let (stand, is_known) = (pod.stand, place.is_some());
        let place = place.unwrap_or_else(|| {
            pods.push(PodView { pod: pod.clone(), began_ms: None, ended_ms: None, is_judged: false });
            pods.len() - 1
        });
        let view = &mut pods[place];
        if view.is_judged {
            return;
        }
        view.pod = pod;
        if stand == Stand::Running && (is_known || sees_begin) {
            view.began_ms.get_or_insert(at_ms);
        }
        if stand.has_ended() {
            view.ended_ms.get_or_insert(at_ms);
        }
        pods.sort_by_key(|view| view.pod.is_workload);
    }

    /// The check has its verdict. That it has an exit code says how the pod of its Job ended, where nobody saw that end: a record
    /// of an older program ends with a pod that runs, and a container beside the check may go on.
    pub fn judge(pods: &mut [PodView], result: &CheckResult) {
        let Some(code) = result.exit_code else { return };
        let own = pods.iter_mut().filter(|view| !view.pod.is_workload && !view.pod.stand.has_ended());
        let Some(view) = own.max_by_key(|view| view.pod.attempt) else { return };
        view.pod.stand = if code == 0 { Stand::Succeeded } else { Stand::Failed };
        view.pod.exit_code = Some(i64::from(code));
        view.ended_ms = Some(result.stop_ms);
        if result.run_ms > 0 {
            view.began_ms.get_or_insert(result.stop_ms.saturating_sub(result.run_ms));
        }
        view.is_judged = true;
    }

    /// What the run created was removed, but for what is named.
    pub fn remove(pods: &mut [PodView], left: &[String], at_ms: u64) {
        for view in pods.iter_mut().filter(|view| !view.pod.stand.has_ended() && view.pod.went(left)) {
            view.pod.stand = Stand::Gone;
            view.ended_ms = Some(at_ms);
        }
    }
}
