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
        let mut problems = Vec::new();
        let mut unknown = Vec::new();
        unknown.extend([&deployments, &daemon_sets].into_iter().filter_map(|list| facts.unread(list)));
        let controller = find(facts.items(&deployments), "-controller");
        let plugin = find(facts.items(&daemon_sets), "-kubelet-plugin");
        if input.components.is_empty() && unknown.is_empty() && controller.is_none() && plugin.is_none() {
            return Ending::skip(format!("no recipe asks for {COMPONENT}, and none is in namespace {namespace}"));
        }
        unknown.extend(allocation.trouble.clone());
        let is_known = allocation.trouble.is_empty();
        if allocation.api.is_none() && is_known {
            problems.push(
                "resource.k8s.io is not served: Dynamic Resource Allocation needs Kubernetes 1.34 or its feature gate"
                    .to_owned(),
            );
        }
        let absent = match facts.get(&deployments) {
            Some(Answer::NoNamespace(why)) => format!(": {why}"),
            _ => String::new(),
        };
        let is_up = |found: Option<&Value>, ready| found.is_some_and(|found| number(found, ready) > 0);
        if facts.unread(&deployments).is_none() && !is_up(controller, "/status/availableReplicas") {
            problems
                .push(format!("no available controller Deployment of the DRA driver in namespace {namespace}{absent}"));
        }
        if facts.unread(&daemon_sets).is_none() && !is_up(plugin, "/status/numberReady") {
            problems
                .push(format!("no ready kubelet plugin DaemonSet of the DRA driver in namespace {namespace}{absent}"));
        }
        if allocation.api.is_some() && allocation.devices == 0 && is_known {
            problems.push("no ResourceSlice of an NVIDIA driver offers a usable device on a ready node".to_owned());
        }
        problems.extend(allocation.backs(input.gpu_policy).filter(|_| is_known));
        let is_ready = problems.is_empty() && unknown.is_empty();
        if !is_ready && elapsed < PATIENCE {
            let reads = facts.answers.keys().cloned().collect();
            return Step::Again { after: 5, reads, waiting_for: [problems, unknown].concat().join("; ") };
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
        let Some(api) = api.filter(|_| is_ready) else { return Ending::of_known(problems, unknown, blocks) };
        let test = GpuPod { input, check: self.name(), mechanism: Mechanism::Claim(api) };
        match test.run(facts, elapsed) {
            Stage::Next(step) => step,
            Stage::Done(seen) => {
                blocks.extend(seen.blocks);
                Ending::of_known(seen.problems, seen.unknown.into_iter().collect(), blocks)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{recipe::ComponentRef, validate::checks::Outcome};
    use serde_json::json;

    /// A cluster that has nothing of the driver, with other answers to reads whose path ends so.
    fn outcome(policy: Policy, answers: &[(&str, Answer)]) -> Outcome {
        let component = ComponentRef { name: COMPONENT.into(), ..ComponentRef::default() };
        let input = Input { components: vec![component], gpu_policy: policy, ..Input::default() };
        let mut facts = Facts::default();
        loop {
            let reads = match DraSupport.next(&input, &facts, PATIENCE) {
                Step::Read(reads) => reads,
                Step::End(ending) => return ending.outcome,
                other => panic!("{other:?}"),
            };
            for read in reads {
                let (Read::Get(path) | Read::List { path, .. }) = &read else { panic!("{read:?}") };
                let known = answers.iter().find(|(end, _)| path.ends_with(end)).map(|(_, answer)| answer.clone());
                let is_list = matches!(read, Read::List { .. });
                let none = if is_list { Answer::Items(Vec::new()) } else { Answer::NotFound };
                facts.answers.insert(read, known.unwrap_or(none));
            }
        }
    }

    #[test]
    fn what_could_not_be_read_is_unknown_and_what_is_not_there_a_failure() {
        let forbidden = || Answer::Forbidden("forbidden".into());
        let driver = json!({"metadata": {"name": "x-controller"}, "status": {"availableReplicas": 1}});
        let plugin = json!({"metadata": {"name": "x-kubelet-plugin"}, "status": {"numberReady": 1}});
        let good = [
            ("resource.k8s.io/v1", Answer::Found(json!({}))),
            ("/deployments", Answer::Items(vec![driver])),
            ("/daemonsets", Answer::Items(vec![plugin])),
        ];
        let with = |path: &'static str, answer: Answer| {
            let answers: Vec<_> = [(path, answer)].into_iter().chain(good.clone()).collect();
            outcome(Policy::Unspecified, &answers)
        };
        let none = "no ResourceSlice of an NVIDIA driver offers a usable device on a ready node".to_owned();
        assert_eq!(outcome(Policy::Unspecified, &good), Outcome::Fail(vec![none.clone()]));
        for (path, why) in [
            ("/resourceslices", "could not list resourceslices.resource.k8s.io: forbidden"),
            ("/nodes", "could not list nodes: forbidden"),
            ("resource.k8s.io/v1", "could not get /apis/resource.k8s.io/v1: forbidden"),
        ] {
            assert_eq!(with(path, forbidden()), Outcome::NoVerdict(vec![why.to_owned()]), "{path}");
        }
        // What was read still fails, and is all that does.
        assert_eq!(with("/deployments", forbidden()), Outcome::Fail(vec![none]));
        let unread = [("/deployments", forbidden()), ("/daemonsets", forbidden()), ("/nodes", forbidden())];
        let own = "in namespace nvidia-dra-driver";
        let expected = [format!("deployments.apps {own}"), format!("daemonsets.apps {own}"), "nodes".to_owned()];
        let expected = expected.map(|what| format!("could not list {what}: forbidden")).to_vec();
        for policy in [Policy::Unspecified, Policy::DevicePlugin, Policy::ResourceClaim] {
            assert_eq!(outcome(policy, &unread), Outcome::NoVerdict(expected.clone()));
        }
        let absent = with("/deployments", Answer::NoNamespace("namespace `nvidia-dra-driver` does not exist".into()));
        assert!(matches!(&absent, Outcome::Fail(problems) if problems[0].ends_with("does not exist")), "{absent:?}");
    }
}
