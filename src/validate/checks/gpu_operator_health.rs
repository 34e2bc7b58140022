//! gpu-operator-health: the operator is available, its ClusterPolicy is ready, and a DCGM exporter answers for GPUs.

use super::{
    Block, Check, Facts, Read, Rule, Step,
    facts::{Findings, name, number, rollout, text},
};
use crate::validate::input::Input;
use serde_json::Value;

pub struct GpuOperatorHealth;

/// Seconds during which a rollout may still come round.
const PATIENCE: u64 = 60;

impl Check for GpuOperatorHealth {
    fn name(&self) -> &'static str {
        "gpu-operator-health"
    }

    fn about(&self) -> &'static str {
        "The GPU operator's Deployment is available, ClusterPolicy `cluster-policy` is ready and the DCGM exporter has a \
         ready pod."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let namespace = namespace(input);
        vec![
            Rule::list("apps", &["deployments"]).within(&*namespace),
            Rule::get("apps", "daemonsets", vec!["nvidia-dcgm-exporter".to_owned()]).within(&*namespace),
            Rule::get("nvidia.com", "clusterpolicies", vec!["cluster-policy".to_owned()]),
        ]
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        let namespace = namespace(input);
        let operators = operators(&namespace);
        let policy = Read::object("nvidia.com/v1", "", "clusterpolicies", "cluster-policy");
        let exporter = Read::object("apps/v1", &namespace, "daemonsets", "nvidia-dcgm-exporter");
        let reads = vec![operators.clone(), policy.clone(), exporter.clone()];
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let mut findings = Findings::default();
        let operator = operator_block(&namespace, &operators, facts, &mut findings);
        let policy = policy_block(&policy, facts, &mut findings);
        let exporter = exporter_block(&namespace, &exporter, facts, &mut findings);
        if !findings.is_empty() && elapsed < PATIENCE {
            return Step::Again { after: 5, reads, waiting_for: findings.words() };
        }
        findings.end(vec![operator, policy, exporter])
    }
}

/// The operator's namespace, by the recipe.
pub fn namespace(input: &Input) -> String {
    let component = if input.enabled("gpu-operator").is_some() { "gpu-operator" } else { "gpu-operator-ocp" };
    input.namespace(component, "gpu-operator")
}

/// The operator's Deployments; by namespace, since charts differ in labels.
pub fn operators(namespace: &str) -> Read {
    Read::list("apps/v1", namespace, "deployments", "")
}

/// The operator among the Deployments of its namespace.
pub fn find_operator(items: &[Value]) -> Option<&Value> {
    let labeled = |item: &&Value| {
        ["/metadata/labels/app.kubernetes.io~1name", "/metadata/labels/app"]
            .iter()
            .any(|path| text(item, path) == "gpu-operator")
    };
    items.iter().find(labeled).or_else(|| items.iter().find(|item| name(item) == "gpu-operator"))
}

fn operator_block(namespace: &str, read: &Read, facts: &Facts, findings: &mut Findings) -> Block {
    let line = match find_operator(facts.items(read)) {
        Some(operator) => {
            let (ready, healthy) = rollout("Deployment", operator);
            if !healthy {
                let problem = format!("Deployment {namespace}/{}: {ready} replicas available", name(operator));
                findings.problems.push(problem);
            }
            format!("Deployment {namespace}/{}: {ready} available", name(operator))
        }
        None => findings.absent(&format!("namespace {namespace}"), read, facts, "no Deployment of the GPU operator"),
    };
    Block::new("GPU operator Deployment", vec![line]).equivalent(format!("kubectl get deployments -n {namespace}"))
}

fn policy_block(read: &Read, facts: &Facts, findings: &mut Findings) -> Block {
    let what = "ClusterPolicy cluster-policy";
    let state = match facts.object(read).map(|policy| text(policy, "/status/state")) {
        Some("ready") => "ready".to_owned(),
        Some(state) => {
            let state = if state.is_empty() { "no state" } else { state };
            findings.problems.push(format!("{what}: {state}"));
            state.to_owned()
        }
        None => findings.absent(what, read, facts, "not found"),
    };
    Block::new("ClusterPolicy status", vec![format!("cluster-policy: {state}")])
        .equivalent("kubectl get clusterpolicy cluster-policy -o jsonpath={.status.state}")
}

fn exporter_block(namespace: &str, read: &Read, facts: &Facts, findings: &mut Findings) -> Block {
    let what = format!("DaemonSet {namespace}/nvidia-dcgm-exporter");
    let line = match facts.object(read) {
        Some(exporter) => {
            if number(exporter, "/status/numberReady") == 0 {
                findings.problems.push(format!("{what}: no ready pod"));
            }
            format!("nvidia-dcgm-exporter: {} ready", rollout("DaemonSet", exporter).0)
        }
        None => findings.absent(&what, read, facts, "not found"),
    };
    Block::new("DCGM exporter DaemonSet", vec![line])
        .equivalent(format!("kubectl get daemonset nvidia-dcgm-exporter -n {namespace}"))
}
