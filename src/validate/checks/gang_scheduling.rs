//! gang-scheduling: KAI scheduler starts a group of pods together, and a group that does not fit not at all.

use super::{
    Answer, Block, Change, Check, Ending, Facts, Outcome, Read, Rule, Step,
    facts::{ROLLOUT, definition, definitions, name, rollout, text},
    probe::{self, Probe, Progress},
};
use crate::validate::input::Input;
use jiff::Timestamp;
use serde_json::{Value, json};

pub struct GangScheduling;

const COMPONENT: &str = "kai-scheduler";
const NAMESPACE: &str = "kai-scheduler";
const SCHEDULER: &str = "kai-scheduler";
const QUEUE: &str = "default-queue";
const GROUP: &str = "scheduling.run.ai";
const DEPLOYMENTS: [&str; 7] = [
    "kai-scheduler-default",
    "admission",
    "binder",
    "kai-operator",
    "pod-grouper",
    "podgroup-controller",
    "queue-controller",
];
const KINDS: [&str; 2] = ["queues.scheduling.run.ai", "podgroups.scheduling.run.ai"];
/// Pods in a group.
const MEMBERS: usize = 2;
/// Seconds for the control plane to come round, and for a group to end.
const PATIENCE: u64 = 60;
const LIMIT: u64 = 180;
/// Seconds between the first and the last pod of a group.
const TOGETHER: i64 = 30;
/// Seconds during which no pod of a group that does not fit may start.
const HELD_BACK: u64 = 15;
/// More than any node has.
const TOO_MUCH: &str = "100000";

impl Check for GangScheduling {
    fn name(&self) -> &'static str {
        "gang-scheduling"
    }

    fn about(&self) -> &'static str {
        "KAI scheduler's Deployments are available, it starts a group of two pods within 30 s of each other, and of a group \
         with one member that fits nowhere it starts none; the pods ask for no GPU."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let own = &*input.place.namespace;
        let groups: Vec<String> = Gang::ALL.map(|gang| gang.name(input)).to_vec();
        let pods: Vec<String> =
            Gang::ALL.iter().flat_map(|gang| (0..MEMBERS).map(|index| gang.pod_name(input, index))).collect();
        let mut rules = vec![
            Rule::list("apps", &["deployments"]).within(input.namespace(COMPONENT, NAMESPACE)),
            Rule::get("apiextensions.k8s.io", "customresourcedefinitions", KINDS.map(str::to_owned).to_vec()),
            Rule::get(GROUP, "queues", vec![QUEUE.to_owned()]),
        ];
        rules.extend(Rule::make("", "pods", own, &pods));
        rules.extend(Rule::make(GROUP, "podgroups", own, &groups));
        rules
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        if input.enabled(COMPONENT).is_none() {
            return Ending::fail(format!("the recipe has no enabled {COMPONENT}"), Vec::new());
        }
        let namespace = input.namespace(COMPONENT, NAMESPACE);
        let deployments = Read::list("apps/v1", &namespace, "deployments", "").keeping(ROLLOUT);
        let queue = Read::object(&format!("{GROUP}/v2"), "", "queues", QUEUE);
        let mut reads = vec![deployments.clone(), queue.clone()];
        reads.extend(KINDS.map(definition));
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let mut problems = Vec::new();
        let mut blocks = vec![
            control_plane(&namespace, facts, &deployments, &mut problems),
            definitions(&KINDS, facts, &mut problems),
        ];
        match facts.get(&queue) {
            Some(Answer::Found(_)) => {}
            other => {
                let why = other.and_then(Answer::trouble).unwrap_or("not found");
                problems.push(format!("Queue {QUEUE}: {why}"));
            }
        }
        if !problems.is_empty() && elapsed < PATIENCE {
            return Step::Again { after: 5, reads, waiting_for: problems.join("; ") };
        }
        if !problems.is_empty() {
            return Ending::of(problems, blocks);
        }
        match fitting(input, facts, elapsed, &mut blocks) {
            Ok(()) => {}
            Err(step) => return step,
        }
        not_fitting(input, facts, elapsed, blocks)
    }
}

fn control_plane(namespace: &str, facts: &Facts, read: &Read, problems: &mut Vec<String>) -> Block {
    let mut lines = Vec::new();
    if let Some(trouble) = facts.get(read).and_then(Answer::trouble) {
        problems.push(format!("Deployments in {namespace}: {trouble}"));
        return Block::new("KAI scheduler deployments", vec![trouble.to_owned()]);
    }
    for wanted in DEPLOYMENTS {
        let state = match facts.items(read).iter().find(|item| name(item) == wanted) {
            Some(found) => {
                let (ready, healthy) = rollout("Deployment", found);
                if !healthy || ready.starts_with("0/") {
                    problems.push(format!("Deployment {namespace}/{wanted}: {ready} replicas available"));
                }
                format!("{ready} available")
            }
            None => {
                problems.push(format!("Deployment {namespace}/{wanted}: not found"));
                "not found".to_owned()
            }
        };
        lines.push(format!("{wanted}: {state}"));
    }
    Block::new("KAI scheduler deployments", lines).equivalent(format!("kubectl get deployments -n {namespace}"))
}

/// A group of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gang {
    Fits,
    /// Its last member asks for more than any node has.
    DoesNotFit,
}

impl Gang {
    const ALL: [Gang; 2] = [Gang::Fits, Gang::DoesNotFit];

    fn name(self, input: &Input) -> String {
        probe::object_name(input, if self == Gang::Fits { "gang" } else { "gang-too-big" })
    }

    fn pod_name(self, input: &Input, index: usize) -> String {
        let stem = if self == Gang::Fits { "gang" } else { "gang-too-big" };
        probe::object_name(input, &format!("{stem}-{index}"))
    }

    fn group(self, input: &Input) -> Change {
        Change::create(
            "podgroups",
            json!({
                "apiVersion": format!("{GROUP}/v2alpha2"), "kind": "PodGroup",
                "metadata": probe::metadata(input, GangScheduling.name(), &self.name(input)),
                "spec": {"minMember": MEMBERS, "queue": QUEUE},
            }),
        )
    }

    fn pod(self, input: &Input, index: usize) -> Change {
        let mut container = probe::container(input, "worker", Probe::Hold(3));
        if self == Gang::DoesNotFit && index + 1 == MEMBERS {
            container["resources"]["requests"]["cpu"] = TOO_MUCH.into();
        }
        let mut pod = probe::pod(input, GangScheduling.name(), &self.pod_name(input, index), vec![container]);
        let group = self.name(input);
        pod["metadata"]["annotations"] = json!({"pod-group-name": group});
        for (label, value) in [
            ("pod-group.scheduling.run.ai/name", &*group),
            ("pod-group.scheduling.run.ai/group-id", &*group),
            ("kai.scheduler/queue", QUEUE),
        ] {
            pod["metadata"]["labels"][label] = value.into();
        }
        pod["spec"]["schedulerName"] = SCHEDULER.into();
        Change::create("pods", pod)
    }

    fn changes(self, input: &Input) -> Vec<Change> {
        let pods = (0..MEMBERS).map(|index| self.pod(input, index));
        [self.group(input)].into_iter().chain(pods).collect()
    }
}

/// The objects of a group, created and read; `Err` is what has to be done first.
fn pods<'f>(
    gang: Gang,
    input: &Input,
    facts: &'f Facts,
    blocks: &[Block],
) -> Result<(Vec<Read>, Vec<&'f Value>), Step> {
    let changes = gang.changes(input);
    let unmade = facts.unmade(&changes);
    if !unmade.is_empty() {
        return Err(Step::Change(unmade));
    }
    if let Some(trouble) = changes.iter().find_map(|change| facts.change(change)?.trouble()) {
        return Err(Ending::no_verdict(format!("the group of the test was not created: {trouble}"), blocks.to_vec()));
    }
    let reads: Vec<Read> = changes[1..].iter().map(|pod| Read::Get(pod.path())).collect();
    let missing = facts.missing(&reads);
    if !missing.is_empty() {
        return Err(Step::Read(missing));
    }
    let found = reads.iter().filter_map(|read| facts.object(read)).collect();
    Ok((reads, found))
}

fn began(gang: Gang, input: &Input, facts: &Facts) -> u64 {
    gang.changes(input).iter().filter_map(|change| facts.changed_at(change)).max().unwrap_or(0)
}

/// Both pods of the first group run and end, and start together.
fn fitting(input: &Input, facts: &Facts, elapsed: u64, blocks: &mut Vec<Block>) -> Result<(), Step> {
    let (reads, found) = pods(Gang::Fits, input, facts, blocks)?;
    let states: Vec<Progress> = found.iter().map(|pod| probe::progress(pod)).collect();
    let waiting = states.iter().find_map(|state| if let Progress::Waiting(why) = state { Some(why) } else { None });
    if let Some(why) = waiting
        && elapsed.saturating_sub(began(Gang::Fits, input, facts)) < LIMIT
    {
        return Err(Step::Again { after: 2, reads, waiting_for: format!("the group of two pods ({why})") });
    }
    let mut problems = Vec::new();
    let mut unknown = None;
    for (pod, state) in found.iter().zip(&states) {
        match state {
            Progress::Succeeded => {}
            Progress::Waiting(why) => problems.push(format!("pod {} did not end within {LIMIT} s ({why})", name(pod))),
            Progress::Failed(why) => problems.push(format!("pod {} failed: {why}", name(pod))),
            Progress::Hopeless(why) => unknown = Some(format!("pod {} cannot start: {why}", name(pod))),
        }
        if text(pod, "/spec/schedulerName") != SCHEDULER {
            problems.push(format!("pod {} was given to scheduler {}", name(pod), text(pod, "/spec/schedulerName")));
        }
    }
    if found.len() < MEMBERS {
        unknown = Some(format!("{} of {MEMBERS} pods of the group are gone", MEMBERS - found.len()));
    }
    let times: Vec<i64> = found.iter().filter_map(|pod| scheduled_at(pod)).map(Timestamp::as_second).collect();
    let mut lines: Vec<String> = found
        .iter()
        .map(|pod| format!("{}: {} on {}", name(pod), text(pod, "/status/phase"), text(pod, "/spec/nodeName")))
        .collect();
    if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
        lines.push(format!("scheduled within {} s", last - first));
        if last - first > TOGETHER {
            problems.push(format!("the pods were scheduled {} s apart, expected at most {TOGETHER} s", last - first));
        }
    }
    if times.len() < MEMBERS && problems.is_empty() && unknown.is_none() {
        problems.push("not every pod of the group was scheduled".to_owned());
    }
    blocks.push(
        Block::new("Group that fits", lines).equivalent(format!("kubectl get pods -n {}", input.place.namespace)),
    );
    match (problems.is_empty(), unknown) {
        (true, None) => Ok(()),
        (true, Some(unknown)) => Err(Ending::with(Outcome::NoVerdict(vec![unknown]), blocks.clone())),
        (false, _) => Err(Ending::of(problems, blocks.clone())),
    }
}

/// Of the second group, no pod starts.
fn not_fitting(input: &Input, facts: &Facts, elapsed: u64, mut blocks: Vec<Block>) -> Step {
    let (reads, found) = match pods(Gang::DoesNotFit, input, facts, &blocks) {
        Ok(pods) => pods,
        Err(step) => return step,
    };
    let started: Vec<&str> =
        found.iter().filter(|pod| !text(pod, "/spec/nodeName").is_empty()).map(|pod| name(pod)).collect();
    if started.is_empty() && elapsed.saturating_sub(began(Gang::DoesNotFit, input, facts)) < HELD_BACK {
        return Step::Again {
            after: 3,
            reads,
            waiting_for: "a group that does not fit, of which no pod may start".to_owned(),
        };
    }
    let line = match started.as_slice() {
        [] => format!("no pod of it was scheduled within {HELD_BACK} s"),
        started => format!("scheduled: {}", started.join(", ")),
    };
    blocks.push(Block::new("Group that does not fit", vec![line]));
    let problem = (!started.is_empty())
        .then(|| format!("of a group that does not fit as a whole, {} was started", started.join(", ")));
    Ending::of(problem.into_iter().collect(), blocks)
}

fn scheduled_at(pod: &Value) -> Option<Timestamp> {
    let conditions = pod.pointer("/status/conditions")?.as_array()?;
    let scheduled =
        conditions.iter().find(|one| text(one, "/type") == "PodScheduled" && text(one, "/status") == "True")?;
    text(scheduled, "/lastTransitionTime").parse().ok()
}
