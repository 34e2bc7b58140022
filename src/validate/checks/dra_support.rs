//! dra-support: Dynamic Resource Allocation is served, NVIDIA's driver runs and publishes devices.

use super::{
    Answer, Block, Check, Ending, Facts, Read, Rule, Step,
    facts::{ROLLOUT, name, number, workloads},
    gpu_allocation,
    gpu_pod::{self, GpuPod, Mechanism, Stage},
};
use crate::validate::{gpu::Policy, input::Input};
use serde_json::Value;

pub struct DraSupport;

/// Seconds during which a driver that starts may publish its devices.
const PATIENCE: u64 = 60;
const COMPONENT: &str = "nvidia-dra-driver-gpu";
const NAMESPACE: &str = "nvidia-dra-driver";

impl Check for DraSupport {
    fn name(&self) -> &'static str {
        "dra-support"
    }

    fn about(&self) -> &'static str {
        "resource.k8s.io is served, the DRA driver's controller and kubelet plugin are ready, a device is published, the \
         recipe's allocation policy is backed, and, unless the device plugin hands out the GPUs, a pod gets exactly one \
         through a ResourceClaim."
    }

    fn takes_gpus(&self) -> bool {
        true
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let mut rules = gpu_allocation::rules();
        if input.gpu_policy != Policy::DevicePlugin {
            rules.extend(gpu_pod::rules(input, "dra"));
        }
        rules.push(Rule::list("apps", &["deployments", "daemonsets"]).within(input.namespace(COMPONENT, NAMESPACE)));
        rules
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        if !input.components.is_empty() && input.enabled(COMPONENT).is_none() {
            return Ending::skip(format!("the recipe has no enabled {COMPONENT}"));
        }
        let namespace = input.namespace(COMPONENT, NAMESPACE);
        let deployments = Read::list("apps/v1", &namespace, "deployments", "").keeping(ROLLOUT);
        let daemon_sets = Read::list("apps/v1", &namespace, "daemonsets", "").keeping(ROLLOUT);
        let mut missing = facts.missing(&[deployments.clone(), daemon_sets.clone()]);
        missing.extend(gpu_allocation::reads(facts));
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let allocation = gpu_allocation::inspect(facts);
        let mut problems: Vec<String> = allocation.trouble.clone();
        for list in [&deployments, &daemon_sets] {
            let trouble = facts.get(list).and_then(Answer::trouble);
            problems.extend(trouble.map(|text| format!("workloads in {namespace}: {text}")));
        }
        let controller = find(facts.items(&deployments), "-controller");
        let plugin = find(facts.items(&daemon_sets), "-kubelet-plugin");
        if input.components.is_empty() && controller.is_none() && plugin.is_none() {
            return Ending::skip(format!("no recipe asks for {COMPONENT}, and none is in namespace {namespace}"));
        }
        if allocation.api.is_none() {
            problems.push(
                "resource.k8s.io is not served: Dynamic Resource Allocation needs Kubernetes 1.34 or its feature gate"
                    .to_owned(),
            );
        }
        if controller.is_none_or(|controller| number(controller, "/status/availableReplicas") == 0) {
            problems.push(format!("no available controller Deployment of the DRA driver in namespace {namespace}"));
        }
        if plugin.is_none_or(|plugin| number(plugin, "/status/numberReady") == 0) {
            problems.push(format!("no ready kubelet plugin DaemonSet of the DRA driver in namespace {namespace}"));
        }
        if allocation.api.is_some() && allocation.devices == 0 {
            problems.push("no ResourceSlice of an NVIDIA driver offers a usable device on a ready node".to_owned());
        }
        problems.extend(allocation.backs(input.gpu_policy));
        if !problems.is_empty() && elapsed < PATIENCE {
            let reads = facts.answers.keys().cloned().collect();
            return Step::Again { after: 5, reads, waiting_for: problems.join("; ") };
        }
        let mut blocks = vec![
            Block::new("DRA driver namespace", vec![namespace.clone()]),
            Block::new("DRA API resources", vec![allocation.api.unwrap_or("not served").to_owned()])
                .equivalent("kubectl api-resources --api-group=resource.k8s.io"),
            workloads("DRA Controller Deployment", "Deployment", &controller.into_iter().collect::<Vec<_>>())
                .equivalent(format!("kubectl get deployments -n {namespace}")),
            workloads("DRA Kubelet Plugin DaemonSet", "DaemonSet", &plugin.into_iter().collect::<Vec<_>>())
                .equivalent(format!("kubectl get daemonsets -n {namespace}")),
        ];
        blocks.extend(allocation.blocks(input.gpu_policy));
        let api = match (input.gpu_policy, allocation.api) {
            (Policy::DevicePlugin, _) => {
                blocks.push(no_allocation("the recipe hands out GPUs through the device plugin"));
                None
            }
            (_, Some(api)) if allocation.claimable > 0 => Some(api),
            _ => {
                blocks.push(no_allocation("no device can be claimed"));
                None
            }
        };
        let Some(api) = api.filter(|_| problems.is_empty()) else { return Ending::of(problems, blocks) };
        let test = GpuPod { input, check: self.name(), mechanism: Mechanism::Claim(api) };
        match test.run(facts, elapsed) {
            Stage::Next(step) => step,
            Stage::Done(seen) => {
                blocks.extend(seen.blocks);
                match seen.unknown {
                    Some(unknown) if seen.problems.is_empty() => Ending::no_verdict(unknown, blocks),
                    _ => Ending::of(seen.problems, blocks),
                }
            }
        }
    }
}

fn no_allocation(why: &str) -> Block {
    Block::new("Behavioral GPU allocation", vec![format!("does not apply: {why}")])
}

fn find<'v>(items: &'v [Value], suffix: &str) -> Option<&'v Value> {
    items.iter().find(|item| name(item).ends_with(suffix))
}
