//! secure-accelerator-access: a container sees the GPU that it was given, and one that was given none sees none.

use super::{
    Answer, Block, Change, Check, Ending, Facts, Outcome, Read, Rule, Step, gpu_allocation,
    gpu_pod::{self, GpuPod, Mechanism, Stage},
    probe::{self, Probe, Progress},
};
use crate::validate::{gpu::Policy, input::Input};

pub struct SecureAcceleratorAccess;

const NAME: &str = "secure-accelerator-access";
const STEM: &str = "access";
/// Seconds for the pod without a GPU to end.
const LIMIT: u64 = 120;

impl Check for SecureAcceleratorAccess {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "By the recipe's way to hand out GPUs, a container that asks for one sees exactly one, its neighbor in the same pod \
         and a pod without any on the same node see none, and no device is mounted from the node; on Slurm the check is \
         skipped."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let mut rules = gpu_allocation::rules();
        rules.extend(gpu_pod::rules(input, STEM));
        rules
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        if input.enabled("slinky-slurm").is_some() {
            return Ending::skip("Slurm hands out the GPUs of this recipe: see slinky-slurm-gpu-access");
        }
        let missing = gpu_allocation::reads(facts);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let allocation = gpu_allocation::inspect(facts);
        let mut blocks = allocation.blocks(input.gpu_policy);
        if let Some(trouble) = allocation.trouble.first() {
            return Ending::no_verdict(trouble.clone(), blocks);
        }
        if let Some(problem) = allocation.backs(input.gpu_policy) {
            return Ending::fail(problem, blocks);
        }
        let by_claim = match input.gpu_policy {
            Policy::DevicePlugin => false,
            Policy::ResourceClaim => true,
            Policy::Unspecified => allocation.claimable > 0,
        };
        let mechanism = match allocation.api.filter(|_| by_claim) {
            Some(api) => Mechanism::Claim(api),
            None if allocation.plugin_nodes.is_empty() => {
                return Ending::fail(format!("nothing hands out GPUs ({})", allocation.summary()), blocks);
            }
            None => Mechanism::DevicePlugin(allocation.plugin_nodes.clone()),
        };
        let mode = if by_claim { "ResourceClaim" } else { "device plugin" };
        blocks.push(Block::new("Secure access mode", vec![mode.to_owned()]));
        let seen = match (GpuPod { input, check: NAME, mechanism }).run(facts, elapsed) {
            Stage::Next(step) => return step,
            Stage::Done(seen) => seen,
        };
        blocks.extend(seen.blocks);
        if !seen.problems.is_empty() {
            return Ending::of(seen.problems, blocks);
        }
        if let Some(unknown) = seen.unknown {
            return Ending::with(Outcome::NoVerdict(vec![unknown]), blocks);
        }
        without_gpu(input, facts, elapsed, &seen.node, blocks)
    }
}

/// A pod that asks for nothing, on the node where the other one got its GPU.
fn without_gpu(input: &Input, facts: &Facts, elapsed: u64, node: &str, mut blocks: Vec<Block>) -> Step {
    let name = probe::object_name(input, &format!("{STEM}-none"));
    let mut pod = probe::pod(input, NAME, &name, vec![probe::container(input, "none", Probe::Devices(0))]);
    pod["spec"]["affinity"] = probe::on_nodes(&[node]);
    let change = Change::create("pods", pod);
    let Some(answer) = facts.change(&change) else { return Step::Change(vec![change]) };
    if let Some(trouble) = answer.trouble() {
        return Ending::no_verdict(format!("the pod without a GPU was not created: {trouble}"), blocks);
    }
    let read = Read::Get(change.path());
    let Some(answer) = facts.get(&read) else { return Step::Read(vec![read]) };
    let Answer::Found(found) = answer else {
        let why = facts.unread_or(&read, "the pod without a GPU is gone");
        return Ending::no_verdict(why, blocks);
    };
    let progress = probe::progress(found);
    let began = facts.changed_at(&change).unwrap_or(0);
    if let Progress::Waiting(why) = &progress
        && elapsed.saturating_sub(began) < LIMIT
    {
        return Step::Again { after: 2, reads: vec![read], waiting_for: format!("the pod without a GPU ({why})") };
    }
    if let Some(why) = progress.no_verdict("the pod without a GPU", &probe::waited(LIMIT, elapsed)) {
        return Ending::no_verdict(why, blocks);
    }
    let log = Read::Log { namespace: input.place.namespace.clone(), pod: name, container: "none".to_owned() };
    let Some(answer) = facts.get(&log) else { return Step::Read(vec![log]) };
    let lines: Vec<String> = match answer {
        Answer::Log(log) => log.lines().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    blocks.push(Block::new("No-allocation probe pod logs", lines.clone()));
    let Progress::Failed(failed) = progress else { return Ending::of(Vec::new(), blocks) };
    let devices: Vec<&str> = lines.iter().map(String::as_str).filter(|line| line.starts_with("/dev/")).collect();
    if let Some(why) = facts.unread(&log) {
        return Ending::no_verdict(
            format!("the pod without a GPU failed ({}), and {why}", probe::ended(&failed)),
            blocks,
        );
    }
    let has_looked = failed.iter().all(|ended| ended.code == probe::NOT_AS_EXPECTED);
    if !has_looked || devices.is_empty() {
        let why = format!("the pod without a GPU failed and names no device: {}", probe::ended(&failed));
        return Ending::no_verdict(why, blocks);
    }
    Ending::fail(format!("a pod without a GPU sees devices of node {node}: {}", devices.join(", ")), blocks)
}
