//! The checks of Slurm under Slinky: what the Kubernetes API tells of its controller, its nodes and its resources.
//!
//! Whether Slurm runs a job is asked inside a login pod, which this version does not do: a cluster on which all that can be
//! seen is well gives no verdict, never a pass. What can be seen to be wrong fails.

use super::{
    Block, Check, Ending, Facts, Outcome, Read, Rule, Step,
    facts::{Findings, condition, definition, definitions, name, number, text},
};
use crate::validate::input::Input;
use serde_json::Value;

const COMPONENT: &str = "slinky-slurm";
const NAMESPACE: &str = "slurm";
const GROUP: &str = "slinky.slurm.net";
const API: &str = "slinky.slurm.net/v1beta1";
const KINDS: [&str; 3] = ["controllers.slinky.slurm.net", "loginsets.slinky.slurm.net", "nodesets.slinky.slurm.net"];
/// Seconds during which Slurm may come round.
const PATIENCE: u64 = 60;

/// What is asked of Slurm beyond its health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Health,
    GpuAccess,
    ImexChannels,
}

pub struct SlinkySlurm {
    name: &'static str,
    asks: Asks,
}

pub const HEALTH: SlinkySlurm = SlinkySlurm { name: "slinky-slurm-health", asks: Asks::Health };
pub const GPU_ACCESS: SlinkySlurm = SlinkySlurm { name: "slinky-slurm-gpu-access", asks: Asks::GpuAccess };
pub const IMEX: SlinkySlurm = SlinkySlurm { name: "slinky-slurm-imex-channel", asks: Asks::ImexChannels };

impl Check for SlinkySlurm {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        match self.asks {
            Asks::Health => {
                "Slurm's kinds are defined, its NodeSets have all their replicas available and a login pod is ready; it runs no \
                 job, so that it can fail and cannot pass."
            }
            Asks::GpuAccess => {
                "The same as slinky-slurm-health; which GPUs a Slurm job can open is not looked at, so that it can fail and \
                 cannot pass."
            }
            Asks::ImexChannels => {
                "The same as slinky-slurm-health, and the ComputeDomain and ResourceClaimTemplate of the IMEX channels exist; \
                 no job takes a channel, so that it can fail and cannot pass."
            }
        }
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let namespace = input.namespace(COMPONENT, NAMESPACE);
        let mut rules = vec![
            Rule::get("apiextensions.k8s.io", "customresourcedefinitions", KINDS.map(str::to_owned).to_vec()),
            Rule::list(GROUP, &["loginsets", "nodesets"]).within(&*namespace),
            Rule::list("", &["pods"]).within(&*namespace),
        ];
        if self.asks == Asks::ImexChannels {
            rules.push(Rule::get("resource.nvidia.com", "computedomains", vec![DOMAIN.to_owned()]).within(&*namespace));
            rules.push(
                Rule::get("resource.k8s.io", "resourceclaimtemplates", vec![CHANNELS.to_owned()]).within(&*namespace),
            );
        }
        rules
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        if input.enabled(COMPONENT).is_none() {
            return Ending::skip(format!("the recipe has no enabled {COMPONENT}"));
        }
        let namespace = input.namespace(COMPONENT, NAMESPACE);
        let node_sets = Read::list(API, &namespace, "nodesets", "").keeping(&["spec.replicas", "status"]);
        let login_sets = Read::list(API, &namespace, "loginsets", "").keeping(&["status"]);
        let pods = Read::list("v1", &namespace, "pods", "app.kubernetes.io/name=login").keeping(&[
            "status.phase",
            "status.conditions",
            "metadata.deletionTimestamp",
        ]);
        let mut reads = vec![node_sets.clone(), login_sets.clone(), pods.clone()];
        reads.extend(KINDS.map(definition));
        let channels = [
            Read::object("resource.nvidia.com/v1beta1", &namespace, "computedomains", DOMAIN),
            Read::object("resource.k8s.io/v1", &namespace, "resourceclaimtemplates", CHANNELS),
        ];
        if self.asks == Asks::ImexChannels {
            reads.extend(channels.clone());
        }
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let mut findings = Findings::default();
        let mut blocks = vec![definitions(&KINDS, facts, &mut findings)];
        if findings.problems.is_empty() {
            blocks.push(nodes(&namespace, facts, &node_sets, &mut findings));
            blocks.push(logins(&namespace, facts, (&login_sets, &pods), &mut findings));
        }
        if self.asks == Asks::ImexChannels {
            for (title, read) in [
                ("ComputeDomain slinky-slurm-imex", &channels[0]),
                ("ResourceClaimTemplate slinky-slurm-imex-channels", &channels[1]),
            ] {
                if facts.object(read).is_none() {
                    findings.absent(title, read, facts, "not found");
                }
            }
        }
        if !findings.is_empty() && elapsed < PATIENCE {
            return Step::Again { after: 5, reads, waiting_for: findings.words() };
        }
        if !findings.is_empty() {
            return findings.end(blocks);
        }
        let what = match self.asks {
            Asks::Health => "no Slurm job was run",
            Asks::GpuAccess => "no Slurm job was run, so the GPUs that it would open are unknown",
            Asks::ImexChannels => "no Slurm job was run, so the IMEX channel that it would get is unknown",
        };
        let why = format!(
            "all that the Kubernetes API tells is well, but {what}: this version does not run commands in pods"
        );
        Ending::with(Outcome::NoVerdict(vec![why]), blocks)
    }
}

const DOMAIN: &str = "slinky-slurm-imex";
const CHANNELS: &str = "slinky-slurm-imex-channels";

fn nodes(namespace: &str, facts: &Facts, read: &Read, findings: &mut Findings) -> Block {
    let found = facts.items(read);
    if found.is_empty() {
        findings.absent(&format!("namespace {namespace}"), read, facts, "no NodeSet");
    }
    let line = |set: &Value| {
        let available = number(set, "/status/availableReplicas");
        let wanted =
            set.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or_else(|| number(set, "/status/replicas"));
        (format!("{available}/{wanted} available"), available >= wanted && available > 0)
    };
    let mut lines = Vec::new();
    for set in found {
        let (state, healthy) = line(set);
        if !healthy {
            findings.problems.push(format!("NodeSet {namespace}/{}: {state}", name(set)));
        }
        lines.push(format!("{}: {state}", name(set)));
    }
    Block::new("NodeSets", lines).equivalent(format!("kubectl get nodesets.{GROUP} -n {namespace}"))
}

fn logins(namespace: &str, facts: &Facts, (sets, pods): (&Read, &Read), findings: &mut Findings) -> Block {
    if facts.items(sets).is_empty() {
        findings.absent(&format!("namespace {namespace}"), sets, facts, "no LoginSet");
    }
    let is_ready = |pod: &&Value| {
        condition(pod, "Ready") == Some(true)
            && text(pod, "/status/phase") == "Running"
            && pod.pointer("/metadata/deletionTimestamp").is_none()
    };
    let ready = facts.items(pods).iter().filter(is_ready).count();
    if ready == 0 {
        findings.absent(&format!("namespace {namespace}"), pods, facts, "no login pod is Running and Ready");
    }
    Block::new("Login pods", vec![format!("ready: {ready}")])
        .equivalent(format!("kubectl get pods -n {namespace} -l app.kubernetes.io/name=login"))
}
