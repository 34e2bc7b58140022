//! check-nvidia-smi: nvidia-smi answers on every GPU node, and the driver is as new as the recipe asks for.

use super::{
    Answer, Block, Change, Check, Ending, Facts, Outcome, Part, PartVerdict, Read, Rule, Step,
    facts::{name, text},
    probe::{self, Progress},
};
use crate::{
    catalog::validator::Phase,
    constraint,
    text::plural,
    validate::{
        coverage::{Nodes, SkipReason},
        gpu::Policy,
        input::Input,
    },
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct CheckNvidiaSmi;

const GPU: &str = "nvidia.com/gpu";
const CONSTRAINT: &str = "Deployment.gpu-driver.version";
const CONTAINER: &str = "nvidia-smi";
const SUCCESS: &str = "GPU_CHECK_SUCCESS";
/// What the output has to contain.
const MARKS: [&str; 4] = ["NVIDIA-SMI", "Driver Version:", "CUDA Version:", SUCCESS];
/// The image in which the container runtime puts nvidia-smi, where the catalog's `AICR_CUDA_IMAGE` names no other.
const IMAGE: &str = "nvcr.io/nvidia/cuda:13.0.0-base-ubuntu22.04";
/// Seconds in which a pod has to be pulled, run and ended.
const LIMIT: u64 = 570;

impl Check for CheckNvidiaSmi {
    fn name(&self) -> &'static str {
        "check-nvidia-smi"
    }

    fn about(&self) -> &'static str {
        "A pod with one GPU runs nvidia-smi on every schedulable GPU node that has a free one, and its driver version \
         satisfies `Deployment.gpu-driver.version`; nodes whose GPUs are all in use are named, not judged, and one GPU per \
         node is looked at."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let namespace = &*input.place.namespace;
        vec![
            Rule::list("", &["nodes", "pods"]),
            // How many nodes there are, and so the names of the pods, is not known before.
            Rule::to(&["create", "get", "delete"], "", "pods").within(namespace),
            Rule::to(&["get"], "", "pods/log").within(namespace),
        ]
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        let missing = facts.missing(&[nodes(), pods()]);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        if let Some(why) = facts.any_unread(&[nodes(), pods()]) {
            return Ending::no_verdict(why, Vec::new());
        }
        let gpus = gpu_nodes(facts);
        if gpus.is_empty() {
            let (why, words) = match input.gpu_policy {
                _ if facts.items(&nodes()).iter().any(|node| self::gpus(node) > 0) => (
                    SkipReason::NoSchedulableGpuNodes,
                    "no schedulable node has allocatable nvidia.com/gpu: all are cordoned",
                ),
                Policy::ResourceClaim => (
                    SkipReason::NoGpuNodes,
                    "no node advertises nvidia.com/gpu: GPUs are handed out through ResourceClaims",
                ),
                _ => (SkipReason::NoGpuNodes, "no schedulable node has allocatable nvidia.com/gpu"),
            };
            return Ending::skip_nodes(why, words);
        }
        let busy: Vec<&str> = gpus.iter().filter(|(_, free)| **free == 0).map(|(name, _)| *name).collect();
        if busy.len() == gpus.len() {
            let words = format!("all GPUs of {} {} are in use", busy.len(), plural(busy.len(), "node"));
            return Ending::skip_nodes(SkipReason::NodesBusy, words);
        }
        let free = gpus.iter().filter(|(_, free)| **free > 0).map(|(name, _)| *name);
        let tests: Vec<(&str, Change)> =
            free.enumerate().map(|(index, node)| (node, pod(input, node, index))).collect();
        let all: Vec<Change> = tests.iter().map(|(_, change)| change.clone()).collect();
        let unmade = facts.unmade(&all);
        if !unmade.is_empty() {
            return Step::Change(unmade);
        }
        let reads: Vec<Read> = created(facts, &all).map(|pod| Read::Get(pod.path())).collect();
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let began = all.iter().filter_map(|pod| facts.changed_at(pod)).max().unwrap_or(0);
        let waiting: Vec<(Read, String)> = reads
            .iter()
            .filter_map(|read| match facts.object(read).map(probe::progress) {
                Some(Progress::Waiting(why)) => Some((read.clone(), why)),
                _ => None,
            })
            .collect();
        if let Some((_, why)) = waiting.first().filter(|_| elapsed.saturating_sub(began) < LIMIT) {
            let waiting_for = format!("nvidia-smi on {} of {} nodes ({why})", waiting.len(), tests.len());
            return Step::Again { after: 2, reads: waiting.into_iter().map(|(read, _)| read).collect(), waiting_for };
        }
        let logs: Vec<Read> = created(facts, &all).map(|pod| log(input, pod)).collect();
        let missing = facts.missing(&logs);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        conclude(input, facts, elapsed, &tests, &busy)
    }
}

fn created<'c>(facts: &'c Facts, pods: &'c [Change]) -> impl Iterator<Item = &'c Change> {
    pods.iter().filter(|pod| matches!(facts.change(pod), Some(Answer::Found(_))))
}

pub fn nodes() -> Read {
    Read::list("v1", "", "nodes", "").keeping(&["spec.unschedulable", "status.allocatable.nvidia~com/gpu"])
}

pub fn pods() -> Read {
    Read::list("v1", "", "pods", "").keeping(&["spec.nodeName", "status.phase", "spec.containers.*.resources"])
}

fn log(input: &Input, pod: &Change) -> Read {
    let pod = pod.path().rsplit('/').next().unwrap_or_default().to_owned();
    Read::Log { namespace: input.place.namespace.clone(), pod, container: CONTAINER.to_owned() }
}

fn count(value: &Value) -> u64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// GPUs that a node of [`nodes`] can hand out.
pub fn gpus(node: &Value) -> u64 {
    count(&node["status"]["allocatable"][GPU])
}

/// Free GPUs by schedulable GPU node.
pub fn gpu_nodes(facts: &Facts) -> BTreeMap<&str, u64> {
    let mut used: BTreeMap<&str, u64> = BTreeMap::new();
    for pod in facts.items(&pods()) {
        if !["Succeeded", "Failed"].contains(&text(pod, "/status/phase")) {
            let containers = pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
            let asked = containers.map(|container| {
                let resources = &container["resources"];
                count(&resources["limits"][GPU]).max(count(&resources["requests"][GPU]))
            });
            *used.entry(text(pod, "/spec/nodeName")).or_default() += asked.sum::<u64>();
        }
    }
    facts
        .items(&nodes())
        .iter()
        .filter(|node| node.pointer("/spec/unschedulable") != Some(&Value::Bool(true)))
        .map(|node| (name(node), gpus(node)))
        .filter(|(_, gpus)| *gpus > 0)
        .map(|(node, gpus)| (node, gpus.saturating_sub(used.get(node).copied().unwrap_or(0))))
        .collect()
}

fn pod(input: &Input, node: &str, index: usize) -> Change {
    let image = if input.place.cuda_image.is_empty() { IMAGE } else { &input.place.cuda_image };
    let container = probe::restricted(json!({
        "name": CONTAINER,
        "image": image,
        "command": ["/bin/sh", "-c", format!("nvidia-smi && echo {SUCCESS}")],
        "resources": {"requests": {GPU: "1"}, "limits": {GPU: "1"}},
    }));
    let name = probe::object_name(input, &format!("smi-{index}"));
    let mut pod = probe::pod(input, CheckNvidiaSmi.name(), &name, vec![container]);
    pod["spec"]["affinity"] = probe::on_nodes(&[node]);
    Change::create("pods", pod)
}

fn conclude(input: &Input, facts: &Facts, elapsed: u64, tests: &[(&str, Change)], busy: &[&str]) -> Step {
    let floor = input.phase_constraint(Phase::Deployment, CONSTRAINT);
    let mut parts: Vec<Part> = tests
        .iter()
        .map(|(node, pod)| {
            let (verdict, detail) = verdict(input, facts, elapsed, pod, floor);
            Part { name: (*node).to_owned(), verdict, detail }
        })
        .collect();
    let part = |node: &&str| Part {
        name: (*node).to_owned(),
        verdict: PartVerdict::NoVerdict,
        detail: "all its GPUs are in use".to_owned(),
    };
    parts.extend(busy.iter().map(part));
    let of = |verdict: PartVerdict| -> Vec<String> {
        let tested = parts.iter().take(tests.len()).filter(|part| part.verdict == verdict);
        tested.map(|part| format!("node {}: {}", part.name, part.detail)).collect()
    };
    let (failed, unknown) = (of(PartVerdict::Fail), of(PartVerdict::NoVerdict));
    let outcome = match (failed.is_empty(), unknown.is_empty()) {
        (false, _) => Outcome::Fail(failed),
        (true, false) => Outcome::NoVerdict(unknown),
        (true, true) => Outcome::Pass,
    };
    let judged = parts.iter().filter(|part| part.verdict != PartVerdict::NoVerdict).count();
    let mut lines = vec![Nodes { validated: judged, total: parts.len() }.to_string()];
    lines.extend(floor.map(|floor| format!("Constraint: {CONSTRAINT} {floor}")));
    let sample = tests.first().and_then(|(_, pod)| match facts.get(&log(input, pod)) {
        Some(Answer::Log(log)) => Some(log.lines().take(20).map(str::to_owned).collect()),
        _ => None,
    });
    let mut evidence =
        vec![Block::new("GPU nodes", lines).equivalent("kubectl get nodes -l nvidia.com/gpu.present=true")];
    evidence.extend(sample.map(|lines| Block::new("nvidia-smi (first node)", lines)));
    Step::End(Ending { outcome, evidence, parts })
}

fn verdict(input: &Input, facts: &Facts, elapsed: u64, pod: &Change, floor: Option<&str>) -> (PartVerdict, String) {
    let trouble = facts.change(pod).and_then(Answer::trouble);
    if let Some(trouble) = trouble {
        return (PartVerdict::NoVerdict, format!("its pod was not created: {trouble}"));
    }
    let output = log(input, pod);
    let log = match facts.get(&output) {
        Some(Answer::Log(log)) => Ok(log.as_str()),
        _ => Err(facts.unread_or(&output, format!("could not {output}: not found"))),
    };
    let read = Read::Get(pod.path());
    match facts.object(&read).map(probe::progress) {
        Some(Progress::Succeeded) => {}
        Some(Progress::Failed(failed)) => {
            let last = log.as_ref().copied().unwrap_or_default().lines().last().unwrap_or_default();
            return (
                PartVerdict::Fail,
                format!("nvidia-smi failed: {}: {last}", probe::ended(&failed)).trim_end_matches([':', ' ']).to_owned(),
            );
        }
        Some(Progress::Waiting(why)) => {
            return (PartVerdict::NoVerdict, format!("no answer {} ({why})", probe::waited(LIMIT, elapsed)));
        }
        Some(other @ (Progress::Hopeless(_) | Progress::Interrupted(_))) => {
            return (PartVerdict::NoVerdict, other.no_verdict("its pod", "").unwrap_or_default());
        }
        None => return (PartVerdict::NoVerdict, facts.unread_or(&read, "its pod is gone")),
    }
    let log = match log {
        Ok(log) => log,
        Err(why) => return (PartVerdict::NoVerdict, why),
    };
    let absent: Vec<&str> = MARKS.into_iter().filter(|mark| !log.contains(mark)).collect();
    if !absent.is_empty() {
        return (PartVerdict::Fail, format!("the output lacks {}", absent.join(", ")));
    }
    let driver =
        log.split_once("Driver Version:").and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default();
    let Some(floor) = floor else { return (PartVerdict::Pass, format!("driver {driver}")) };
    match constraint::holds(floor, driver) {
        Ok(true) => (PartVerdict::Pass, format!("driver {driver}, expected {floor}")),
        Ok(false) => (PartVerdict::Fail, format!("driver {driver}, expected {floor}")),
        // A floor that cannot be measured blocks.
        Err(error) => (PartVerdict::Fail, format!("driver {driver}: `{floor}` cannot be evaluated: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "NVIDIA-SMI 580.1 Driver Version: 580.1 CUDA Version: 13.0\nGPU_CHECK_SUCCESS\n";

    fn of(created: Answer, phase: &str, output: Answer, elapsed: u64) -> (PartVerdict, String) {
        of_status(created, json!({"phase": phase}), output, elapsed)
    }

    fn of_status(created: Answer, status: Value, output: Answer, elapsed: u64) -> (PartVerdict, String) {
        let input = Input::default();
        let pod = pod(&input, "worker", 0);
        let found = Answer::Found(json!({ "status": status }));
        let mut facts = Facts::of([(Read::Get(pod.path()), found), (log(&input, &pod), output)]);
        facts.changed(&pod, created, 0);
        verdict(&input, &facts, elapsed, &pod, None)
    }

    #[test]
    fn a_node_that_was_not_measured_has_no_verdict() {
        let created = || Answer::Found(json!({}));
        let no_verdict = |detail: &str| (PartVerdict::NoVerdict, detail.to_owned());
        let written = || Answer::Log(LOG.to_owned());
        assert_eq!(of(created(), "Succeeded", written(), 9), (PartVerdict::Pass, "driver 580.1".to_owned()));
        let unread = of(created(), "Succeeded", Answer::Failed("timeout".into()), 9);
        assert_eq!(unread, no_verdict("could not read the log of container nvidia-smi of pod /aicr-smi-0-: timeout"));
        let refused = of(Answer::Refused("exceeded quota".into()), "Pending", Answer::NotFound, 9);
        assert_eq!(refused, no_verdict("its pod was not created: exceeded quota"));
        let late = |elapsed| of(created(), "Pending", Answer::NotFound, elapsed);
        assert_eq!(late(600), no_verdict("no answer within 570 s (pending)"));
        assert_eq!(late(u64::MAX), no_verdict("no answer within the time limit of the check (pending)"));
        let ended = json!([{"name": "nvidia-smi", "state": {"terminated": {"exitCode": 9, "reason": "Error"}}}]);
        let failing = json!({"phase": "Failed", "containerStatuses": ended});
        let failed = of_status(created(), failing.clone(), Answer::NotFound, 9);
        let why = "nvidia-smi failed: container nvidia-smi ended with 9 Error";
        assert_eq!(failed, (PartVerdict::Fail, why.to_owned()));
        let mut evicted = failing;
        evicted["reason"] = "Evicted".into();
        evicted["message"] = "the node was low on memory".into();
        let why = "its pod was ended from outside: Evicted the node was low on memory";
        assert_eq!(of_status(created(), evicted, Answer::NotFound, 9), no_verdict(why));
    }
}
