//! cluster-autoscaling: pods that need a GPU make new nodes, by Karpenter or by the node groups of the cloud.

use super::{
    Block, Change, Check, Ending, Facts, Read, Rule, Step,
    facts::{ROLLOUT, name, number, rollout, text},
    probe::{self, Probe, Progress},
};
use crate::validate::input::Input;
use serde_json::{Value, json};

pub struct ClusterAutoscaling;

/// Seconds until a new node must be there.
const NODE_SECONDS: u64 = 300;
/// More nodes of a pool than this are not made full for a test.
const MOST_NODES: usize = 8;
const POOL_LABEL: &str = "karpenter.sh/nodepool";

impl Check for ClusterAutoscaling {
    fn name(&self) -> &'static str {
        "cluster-autoscaling"
    }

    fn about(&self) -> &'static str {
        "With Karpenter: pods that ask for a GPU make a NodePool with GPUs grow by a node. Without it, on EKS and GKE: GPU \
         nodes belong to a node group or a Cluster Autoscaler is available, which shows that scaling is set up, not that it \
         works."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let names: Vec<String> = (0..=MOST_NODES).map(|index| pod_name(input, index)).collect();
        let mut rules = vec![
            Rule::list("", &["nodes"]),
            Rule::list("apps", &["deployments"]),
            Rule::list("karpenter.sh", &["nodepools"]),
        ];
        rules.extend(Rule::make("", "pods", &input.place.namespace, &names));
        rules
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        let karpenters = ["app.kubernetes.io/name=karpenter", "app=karpenter"]
            .map(|labels| Read::list("apps/v1", "", "deployments", labels).keeping(ROLLOUT));
        let autoscalers =
            Read::list("apps/v1", "", "deployments", "app.kubernetes.io/name=aws-cluster-autoscaler").keeping(ROLLOUT);
        let reads = [karpenters[0].clone(), karpenters[1].clone(), autoscalers.clone(), nodes()];
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        if let Some(why) = facts.any_unread(&reads) {
            return Ending::no_verdict(why, Vec::new());
        }
        match karpenters.iter().flat_map(|read| facts.items(read)).next() {
            Some(karpenter) => by_karpenter(self.name(), input, facts, elapsed, karpenter),
            None => by_cloud(facts.items(&nodes()), facts.items(&autoscalers)),
        }
    }
}

fn nodes() -> Read {
    let keep = &["metadata.labels", "spec.providerID", "status.allocatable.nvidia~com/gpu"];
    Read::list("v1", "", "nodes", "").keeping(keep)
}

fn pod_name(input: &Input, index: usize) -> String {
    probe::object_name(input, &format!("scale-{index}"))
}

fn by_karpenter(check: &str, input: &Input, facts: &Facts, elapsed: u64, karpenter: &Value) -> Step {
    let (ready, healthy) = rollout("Deployment", karpenter);
    let controller = Block::new("Karpenter Controller", vec![format!("{}: {ready} available", name(karpenter))])
        .equivalent("kubectl get deployments -A -l app.kubernetes.io/name=karpenter");
    if !healthy || ready.starts_with("0/") {
        return Ending::fail(format!("Karpenter is not available: {ready} replicas"), vec![controller]);
    }
    let pools = Read::list("karpenter.sh/v1", "", "nodepools", "").keeping(&["spec.limits"]);
    if facts.get(&pools).is_none() {
        return Step::Read(vec![pools]);
    }
    let with_gpus = facts.items(&pools).iter().find(|pool| !pool["spec"]["limits"]["nvidia.com/gpu"].is_null());
    let Some(pool) = with_gpus.map(name) else {
        return match facts.unread(&pools) {
            Some(why) => Ending::no_verdict(why, vec![controller]),
            None => Ending::fail("no NodePool has a limit for nvidia.com/gpu", vec![controller]),
        };
    };
    let of_pool = |facts: &Facts| -> Vec<String> {
        let of_pool = facts.items(&nodes()).iter().filter(|node| node["metadata"]["labels"][POOL_LABEL] == pool);
        of_pool.map(|node| name(node).to_owned()).collect()
    };
    // One pod per node, so that one more pod than nodes needs one more node. The count is that of the first look: pods
    // that were made keep it.
    let made = (0..=MOST_NODES).take_while(|index| facts.change(&pod(check, input, pool, *index)).is_some()).count();
    let before = if made == 0 { of_pool(facts).len() } else { made - 1 };
    if before >= MOST_NODES {
        return Ending::no_verdict(
            format!("NodePool {pool} has {before} nodes; no more than {MOST_NODES} are filled for a test"),
            vec![controller],
        );
    }
    let pods: Vec<Change> = (0..=before).map(|index| pod(check, input, pool, index)).collect();
    if made == 0 {
        return Step::Change(pods);
    }
    if let Some(trouble) = pods.iter().find_map(|pod| facts.change(pod)?.trouble()) {
        return Ending::no_verdict(format!("the pods of the test were not created: {trouble}"), vec![controller]);
    }
    let after = of_pool(facts);
    let reads: Vec<Read> = pods.iter().map(|pod| Read::Get(pod.path())).chain([nodes()]).collect();
    let missing = facts.missing(&reads);
    if !missing.is_empty() {
        return Step::Read(missing);
    }
    let states: Vec<Progress> =
        pods.iter().filter_map(|pod| facts.object(&Read::Get(pod.path()))).map(probe::progress).collect();
    let lines = vec![format!("NodePool {pool}: {before} nodes before, {} after", after.len())];
    let block = Block::new("Cluster Autoscaling Behavioral Test", lines)
        .equivalent(format!("kubectl get nodes -l {POOL_LABEL}={pool}"));
    if after.len() > before {
        return Ending::of(Vec::new(), vec![controller, block]);
    }
    let began = pods.iter().filter_map(|pod| facts.changed_at(pod)).max().unwrap_or(0);
    // When the time of the check is up, how long was waited is not known.
    if elapsed.saturating_sub(began) < NODE_SECONDS || elapsed == u64::MAX {
        let waiting_for = format!("a new node of NodePool {pool}");
        return Step::Again { after: 5, reads, waiting_for };
    }
    let waiting = states.iter().find_map(|state| match state {
        Progress::Waiting(why) => Some(why.as_str()),
        _ => None,
    });
    let blocks = vec![controller, block];
    match waiting {
        Some(why) => Ending::fail(format!("NodePool {pool} did not grow within {NODE_SECONDS} s ({why})"), blocks),
        // Without a pod that waits for a node there was nothing to grow for.
        None => {
            let pods = pods.iter().map(|pod| Read::Get(pod.path())).collect::<Vec<_>>();
            let other = states.iter().find_map(|state| match state {
                Progress::Hopeless(why) | Progress::Interrupted(why) => Some(why.clone()),
                Progress::Failed(failed) => Some(probe::ended(failed)),
                _ => None,
            });
            let why = facts.any_unread(&pods).or(other).unwrap_or_else(|| "no pod waited for it".to_owned());
            Ending::no_verdict(format!("NodePool {pool} had no pod to grow for: {why}"), blocks)
        }
    }
}

fn pod(check: &str, input: &Input, pool: &str, index: usize) -> Change {
    let mut container = probe::container(input, "hold", Probe::Hold(NODE_SECONDS));
    container["resources"]["limits"]["nvidia.com/gpu"] = "1".into();
    container["resources"]["requests"]["nvidia.com/gpu"] = "1".into();
    let mut pod = probe::pod(input, check, &pod_name(input, index), vec![container]);
    pod["spec"]["nodeSelector"] = json!({ POOL_LABEL: pool });
    pod["spec"]["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "labelSelector": {"matchLabels": {probe::MADE_BY_LABEL: check}}, "topologyKey": "kubernetes.io/hostname"}]}});
    Change::create("pods", pod)
}

fn by_cloud(nodes: &[Value], autoscalers: &[Value]) -> Step {
    let providers: Vec<&str> =
        nodes.iter().filter_map(|node| text(node, "/spec/providerID").split_once("://")).map(|(p, _)| p).collect();
    let (cloud, group) = match providers.first() {
        Some(&"aws") => {
            ("EKS", ["eks.amazonaws.com/nodegroup", "nodeGroup", "alpha.eksctl.io/nodegroup-name"].as_slice())
        }
        Some(&"gce") => ("GKE", ["cloud.google.com/gke-nodepool"].as_slice()),
        other => {
            let other = other
                .map_or_else(|| "nodes without a provider".to_owned(), |provider| format!("provider `{provider}`"));
            return Ending::skip(format!("neither Karpenter nor a cloud whose autoscaling is known ({other})"));
        }
    };
    let label = |node: &Value, key: &str| node["metadata"]["labels"][key].as_str().map(str::to_owned);
    let has_gpu = |node: &&Value| label(node, "nvidia.com/gpu.present").as_deref() == Some("true");
    let gpu_nodes: Vec<&Value> = nodes.iter().filter(has_gpu).collect();
    let grouped: Vec<String> = gpu_nodes
        .iter()
        .filter_map(|node| Some(format!("{}: {}", name(node), group.iter().find_map(|key| label(node, key))?)))
        .collect();
    let autoscaler = autoscalers.iter().find(|item| number(item, "/status/availableReplicas") > 0);
    let mut problems = Vec::new();
    if gpu_nodes.is_empty() {
        problems.push("no node has the label nvidia.com/gpu.present=true".to_owned());
    } else if grouped.is_empty() && autoscaler.is_none() {
        problems
            .push(format!("no GPU node belongs to a node group of {cloud}, and no Cluster Autoscaler is available"));
    }
    let mut lines: Vec<String> = grouped.into_iter().take(20).collect();
    lines.extend(autoscaler.map(|found| format!("Cluster Autoscaler: {}", name(found))));
    lines.push(format!("{} GPU nodes", gpu_nodes.len()));
    Ending::of(
        problems,
        vec![
            Block::new(format!("{cloud} Cluster Autoscaling Result"), lines)
                .equivalent("kubectl get nodes --show-labels"),
        ],
    )
}
