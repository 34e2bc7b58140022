//! A pod of a check as a run shows it: what is known of it now, and when it was seen to begin and to end.

use crate::validate::pods::{Pod, Stand};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodView {
    pub pod: Pod,
    /// When its containers were seen to run first; `None` where they ran before anybody looked.
    pub began_ms: Option<u64>,
    pub ended_ms: Option<u64>,
}

impl PodView {
    /// Takes what is new of a pod; those of the Job of a check come first. `sees_begin`: who follows a run has seen its pods from
    /// their beginning.
    pub fn take(pods: &mut Vec<PodView>, pod: Pod, at_ms: u64, sees_begin: bool) {
        let place = pods.iter().position(|known| known.pod.name == pod.name);
        let (stand, is_known) = (pod.stand, place.is_some());
        let place = place.unwrap_or_else(|| {
            pods.push(PodView { pod: pod.clone(), began_ms: None, ended_ms: None });
            pods.len() - 1
        });
        let view = &mut pods[place];
        view.pod = pod;
        if stand == Stand::Running && (is_known || sees_begin) {
            view.began_ms.get_or_insert(at_ms);
        }
        if stand.has_ended() {
            view.ended_ms.get_or_insert(at_ms);
        }
        pods.sort_by_key(|view| view.pod.is_workload);
    }
}
