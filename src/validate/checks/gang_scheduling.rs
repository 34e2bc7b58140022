//! gang-scheduling: KAI scheduler starts a group of pods together, and a group that does not fit not at all.

use super::{
    Block, Change, Check, Ending, Facts, Read, Rule, Step,
    facts::{Findings, ROLLOUT, definition, definitions, name, rollout, text},
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
/// The annotation by which KAI scheduler knows the group of a pod.
const GROUP_OF_POD: &str = "pod-group-name";
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
        let mut findings = Findings::default();
        let mut blocks = vec![
            control_plane(&namespace, facts, &deployments, &mut findings),
            definitions(&KINDS, facts, &mut findings),
        ];
        if facts.object(&queue).is_none() {
            findings.absent(&format!("Queue {QUEUE}"), &queue, facts, "not found");
        }
        if !findings.is_empty() && elapsed < PATIENCE {
            return Step::Again { after: 5, reads, waiting_for: findings.words() };
        }
        if !findings.is_empty() {
            return findings.end(blocks);
        }
        match fitting(input, facts, elapsed, &mut blocks) {
            Ok(()) => {}
            Err(step) => return step,
        }
        not_fitting(input, facts, elapsed, blocks)
    }
}

fn control_plane(namespace: &str, facts: &Facts, read: &Read, findings: &mut Findings) -> Block {
    let label = "KAI scheduler deployments";
    let mut lines = Vec::new();
    if facts.get(read).is_some_and(|answer| answer.trouble().is_some()) {
        let why = findings.absent(&format!("Deployments in {namespace}"), read, facts, "");
        return Block::new(label, vec![why]);
    }
    let problems = &mut findings.problems;
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
    Block::new(label, lines).equivalent(format!("kubectl get deployments -n {namespace}"))
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
        // KAI's pod-grouper leaves the group that a pod names only where nothing owns the pod; an owned one it moves to a group
        // of its topmost owner, which needs one pod to start. So these are found by their labels alone when a check is killed.
        if let Some(metadata) = pod["metadata"].as_object_mut() {
            metadata.remove("ownerReferences");
        }
        pod["metadata"]["annotations"] = json!({GROUP_OF_POD: group});
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

/// Why not every pod of a group can be judged; `None` where all of them were found.
fn absent(group: &str, reads: &[Read], facts: &Facts) -> Option<String> {
    let absent: Vec<&Read> = reads.iter().filter(|read| facts.object(read).is_none()).collect();
    let (count, all) = (absent.len(), reads.len());
    match facts.any_unread(absent) {
        _ if count == 0 => None,
        Some(why) => Some(format!("{count} of {all} pods of {group} are unknown: {why}")),
        None => Some(format!("{count} of {all} pods of {group} are gone")),
    }
}

/// Which pods are in another group than the one that they were created in: how those start says nothing about that one.
fn moved(gang: Gang, input: &Input, found: &[&Value]) -> Vec<String> {
    let wanted = gang.name(input);
    let group = |pod: &Value| text(pod, &format!("/metadata/annotations/{GROUP_OF_POD}")).to_owned();
    let elsewhere = found.iter().map(|pod| (name(pod), group(pod)));
    elsewhere
        .filter(|(_, group)| !group.is_empty() && *group != wanted)
        .map(|(pod, group)| format!("pod {pod} was moved from pod group {wanted} to {group}"))
        .collect()
}

fn began(gang: Gang, input: &Input, facts: &Facts) -> u64 {
    gang.changes(input).iter().filter_map(|change| facts.changed_at(change)).max().unwrap_or(0)
}

/// Both pods of the first group run and end, and start together.
fn fitting(input: &Input, facts: &Facts, elapsed: u64, blocks: &mut Vec<Block>) -> Result<(), Step> {
    let (reads, found) = pods(Gang::Fits, input, facts, blocks)?;
    let elsewhere = moved(Gang::Fits, input, &found);
    if !elsewhere.is_empty() {
        return Err(Ending::of_known(Vec::new(), elsewhere, blocks.clone()));
    }
    let states: Vec<Progress> = found.iter().map(|pod| probe::progress(pod)).collect();
    let waiting = states.iter().find_map(|state| if let Progress::Waiting(why) = state { Some(why) } else { None });
    if let Some(why) = waiting
        && elapsed.saturating_sub(began(Gang::Fits, input, facts)) < LIMIT
    {
        return Err(Step::Again { after: 2, reads, waiting_for: format!("the group of two pods ({why})") });
    }
    let mut problems = Vec::new();
    let mut unknown: Vec<String> = absent("the group", &reads, facts).into_iter().collect();
    for (pod, state) in found.iter().zip(&states) {
        match state {
            Progress::Succeeded => {}
            Progress::Failed(failed) => problems.push(format!("pod {} failed: {}", name(pod), probe::ended(failed))),
            Progress::Waiting(_) | Progress::Interrupted(_) | Progress::Hopeless(_) => {
                unknown.extend(state.no_verdict(&format!("pod {}", name(pod)), &probe::waited(LIMIT, elapsed)));
            }
        }
        if text(pod, "/spec/schedulerName") != SCHEDULER {
            problems.push(format!("pod {} was given to scheduler {}", name(pod), text(pod, "/spec/schedulerName")));
        }
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
    if times.len() < MEMBERS && problems.is_empty() && unknown.is_empty() {
        problems.push("not every pod of the group was scheduled".to_owned());
    }
    blocks.push(
        Block::new("Group that fits", lines).equivalent(format!("kubectl get pods -n {}", input.place.namespace)),
    );
    if problems.is_empty() && unknown.is_empty() {
        return Ok(());
    }
    Err(Ending::of_known(problems, unknown, blocks.clone()))
}

/// Of the second group, no pod starts.
fn not_fitting(input: &Input, facts: &Facts, elapsed: u64, mut blocks: Vec<Block>) -> Step {
    let (reads, found) = match pods(Gang::DoesNotFit, input, facts, &blocks) {
        Ok(pods) => pods,
        Err(step) => return step,
    };
    let elsewhere = moved(Gang::DoesNotFit, input, &found);
    if !elsewhere.is_empty() {
        return Ending::of_known(Vec::new(), elsewhere, blocks);
    }
    let started: Vec<&str> =
        found.iter().filter(|pod| !text(pod, "/spec/nodeName").is_empty()).map(|pod| name(pod)).collect();
    let held = elapsed.saturating_sub(began(Gang::DoesNotFit, input, facts));
    if started.is_empty()
        && let Some(why) = absent("the group that does not fit", &reads, facts)
    {
        return Ending::no_verdict(why, blocks);
    }
    // When the time of the check is up, how long the group was held back is not known.
    if started.is_empty() && (held < HELD_BACK || elapsed == u64::MAX) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::checks::{Answer, Outcome};

    /// Facts in which the groups were created in second 10, with these answers for their pods.
    fn facts(gang: Gang, answers: [Answer; MEMBERS]) -> Facts {
        let changes = gang.changes(&Input::default());
        let reads = changes[1..].iter().map(|change| Read::Get(change.path()));
        let mut facts = Facts::of(reads.zip(answers));
        for change in &changes {
            facts.changed(change, Answer::Found(json!({})), 10);
        }
        facts
    }

    fn pod(name: &str, node: &str) -> Answer {
        Answer::Found(json!({"metadata": {"name": name}, "status": {"phase": "Pending"},
            "spec": {"nodeName": node, "schedulerName": SCHEDULER}}))
    }

    fn outcome(step: Step) -> Outcome {
        match step {
            Step::End(ending) => ending.outcome,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_group_is_held_back_only_when_it_was_watched_that_long() {
        let judge =
            |answers, elapsed| not_fitting(&Input::default(), &facts(Gang::DoesNotFit, answers), elapsed, Vec::new());
        let held = || [pod("a", ""), pod("b", "")];
        assert_eq!(outcome(judge(held(), 25)), Outcome::Pass);
        assert!(matches!(judge(held(), 24), Step::Again { .. }));
        assert!(matches!(judge(held(), u64::MAX), Step::Again { .. }), "the time is up");
        let no_verdict = |why: &str| Outcome::NoVerdict(vec![why.to_owned()]);
        let gone = judge([pod("a", ""), Answer::NotFound], 25);
        assert_eq!(outcome(gone), no_verdict("1 of 2 pods of the group that does not fit are gone"));
        let unread = judge([Answer::Failed("timeout".into()), Answer::Failed("timeout".into())], 25);
        let why =
            "2 of 2 pods of the group that does not fit are unknown: could not get pods aicr-gang-too-big-0-: timeout";
        assert_eq!(outcome(unread), no_verdict(why));
        let started = outcome(judge([pod("a", "worker"), Answer::NotFound], u64::MAX));
        assert!(matches!(started, Outcome::Fail(_)), "{started:?}");
    }

    #[test]
    fn a_group_stays_the_one_that_its_pods_name() {
        let mut input = Input::default();
        input.place.pod = Some(("aicr-gang-scheduling-x".into(), "1".into()));
        assert!(probe::metadata(&input, "any", "other")["ownerReferences"].is_array());
        for gang in Gang::ALL {
            for pod in &gang.changes(&input)[1..] {
                let Change::Create { object, .. } = pod else { panic!("{pod:?}") };
                assert!(object["metadata"].get("ownerReferences").is_none(), "KAI would move it: {object}");
            }
        }
        let mut elsewhere = pod("a", "worker");
        if let Answer::Found(pod) = &mut elsewhere {
            pod["metadata"]["annotations"] = json!({GROUP_OF_POD: "pg-job-1"});
        }
        let no_verdict =
            |group: &str| Outcome::NoVerdict(vec![format!("pod a was moved from pod group {group} to pg-job-1")]);
        let answers = || [elsewhere.clone(), pod("b", "")];
        let facts_of = |gang| facts(gang, answers());
        let judged = not_fitting(&Input::default(), &facts_of(Gang::DoesNotFit), 12, Vec::new());
        assert_eq!(outcome(judged), no_verdict("aicr-gang-too-big-"));
        let judged = fitting(&Input::default(), &facts_of(Gang::Fits), 12, &mut Vec::new()).expect_err("a step");
        assert_eq!(outcome(judged), no_verdict("aicr-gang-"));
    }

    #[test]
    fn a_group_that_did_not_end_has_no_verdict() {
        let judge = |elapsed| {
            let facts = facts(Gang::Fits, [pod("a", ""), pod("b", "")]);
            outcome(fitting(&Input::default(), &facts, elapsed, &mut Vec::new()).expect_err("a step"))
        };
        let no_verdict = |waited: &str| {
            Outcome::NoVerdict(["a", "b"].map(|pod| format!("pod {pod} did not end {waited} (pending)")).to_vec())
        };
        assert_eq!(judge(190), no_verdict("within 180 s"));
        assert_eq!(judge(u64::MAX), no_verdict("within the time limit of the check"));
    }

    #[test]
    fn a_control_plane_that_cannot_be_read_has_no_verdict() {
        let component = crate::recipe::ComponentRef { name: COMPONENT.into(), ..Default::default() };
        let input = Input { components: vec![component], ..Input::default() };
        let judge = |deployments: Answer, other: Answer| {
            let list = Read::list("apps/v1", NAMESPACE, "deployments", "").keeping(ROLLOUT);
            let queue = Read::object(&format!("{GROUP}/v2"), "", "queues", QUEUE);
            let kinds = KINDS.map(|kind| (definition(kind), other.clone()));
            let facts = Facts::of([(list, deployments), (queue, other.clone())].into_iter().chain(kinds));
            outcome(GangScheduling.next(&input, &facts, PATIENCE))
        };
        let forbidden = || Answer::Forbidden("forbidden".into());
        let expected = [
            "list deployments.apps in namespace kai-scheduler",
            "get customresourcedefinitions.apiextensions.k8s.io queues.scheduling.run.ai",
            "get customresourcedefinitions.apiextensions.k8s.io podgroups.scheduling.run.ai",
            "get queues.scheduling.run.ai default-queue",
        ];
        let expected = expected.map(|read| format!("could not {read}: forbidden")).to_vec();
        assert_eq!(judge(forbidden(), forbidden()), Outcome::NoVerdict(expected));
        let absent = judge(Answer::NoNamespace("namespace `kai-scheduler` does not exist".into()), forbidden());
        let why = "Deployments in kai-scheduler: namespace `kai-scheduler` does not exist";
        assert_eq!(absent, Outcome::Fail(vec![why.to_owned()]));
        assert!(matches!(judge(forbidden(), Answer::NotFound), Outcome::Fail(problems) if problems.len() == 3));
    }
}
