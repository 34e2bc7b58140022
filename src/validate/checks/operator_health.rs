//! operator-health: the GPU operator's pods run and are ready.

use super::{
    Answer, Block, Check, Facts, Read, Rule, Step,
    facts::{Findings, name, text},
    gpu_operator_health::namespace,
};
use crate::validate::input::Input;
use serde_json::Value;

pub struct OperatorHealth;

/// Seconds during which a starting pod may become ready.
const PATIENCE: u64 = 60;

impl Check for OperatorHealth {
    fn name(&self) -> &'static str {
        "operator-health"
    }

    fn about(&self) -> &'static str {
        "At least one pod of the GPU operator is Running and Ready; a crash loop does not count as running."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        vec![Rule::list("", &["pods"]).within(namespace(input))]
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        let namespace = namespace(input);
        let read = Read::list("v1", &namespace, "pods", "app=gpu-operator");
        let Some(answer) = facts.get(&read) else { return Step::Read(vec![read]) };
        let pods = facts.items(&read);
        let ready: Vec<&Value> = pods.iter().filter(|pod| is_ready(pod)).collect();
        let mut findings = Findings::default();
        match (pods, ready.as_slice()) {
            ([], _) => {
                if let Some(why) = facts.unread(&read) {
                    findings.unread(why);
                } else if let Answer::NoNamespace(why) = answer {
                    findings.problems.push(why.clone());
                } else {
                    findings.problems.push(format!("no pod with label app=gpu-operator in namespace {namespace}"));
                }
            }
            (_, []) => findings.problems.push(format!("none of {} GPU operator pods is Running and Ready", pods.len())),
            _ => {}
        }
        if !findings.is_empty() && elapsed < PATIENCE {
            return Step::Again { after: 5, reads: vec![read], waiting_for: findings.words() };
        }
        let mut lines: Vec<String> =
            pods.iter().map(|pod| format!("{}: {}", name(pod), text(pod, "/status/phase"))).collect();
        lines.push(format!("Running: {}/{}", ready.len(), pods.len()));
        let block = Block::new("GPU operator pods", lines)
            .equivalent(format!("kubectl get pods -n {namespace} -l app=gpu-operator"));
        findings.end(vec![block])
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let ready = |condition: &Value| text(condition, "/type") == "Ready" && text(condition, "/status") == "True";
    text(pod, "/status/phase") == "Running" && conditions.is_some_and(|conditions| conditions.iter().any(ready))
}
