//! The checks of Slurm under Slinky: what the Kubernetes API tells of its controller, its nodes and its resources, and what
//! Slurm itself answers in a login pod.
//!
//! Commands run only where all that can be seen from outside is well. Nodes that are all at work are no fault of Slurm's, and
//! no verdict. The commands met a stand-in of Slurm's programs, never Slurm.

use super::{
    Answer, Block, Change, Check, Ending, Facts, Outcome, Read, Rule, Step,
    facts::{Findings, condition, definition, definitions, name, number, text},
};
use crate::{text::count, validate::input::Input};
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
                "Slurm's kinds are defined, its NodeSets have all their replicas available and a login pod is ready; there, its \
                 controller answers, a node takes jobs, a job runs, one with a GPU can open it and, where accounting is on, it answers."
            }
            Asks::GpuAccess => {
                "The same as slinky-slurm-health but for accounting, and a job that asks for no GPU can open no device of one."
            }
            Asks::ImexChannels => {
                "The same as slinky-slurm-health, the ComputeDomain and ResourceClaimTemplate of the IMEX channels exist, and of \
                 two jobs at the same time each has one channel, not that of the other."
            }
        }
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let namespace = input.namespace(COMPONENT, NAMESPACE);
        let mut rules = vec![
            Rule::get("apiextensions.k8s.io", "customresourcedefinitions", KINDS.map(str::to_owned).to_vec()),
            Rule::list(GROUP, &["loginsets", "nodesets"]).within(&*namespace),
            Rule::list("", &["pods"]).within(&*namespace),
            // A WebSocket is asked for by GET, and older and newer servers call that by these two verbs.
            Rule::to(&["create", "get"], "", "pods/exec").within(&*namespace),
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
        let missing = facts.missing(std::slice::from_ref(&login_sets));
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let pods = login_pods(&namespace, facts, &login_sets);
        let mut reads = vec![node_sets.clone(), login_sets.clone()];
        reads.extend(pods.clone());
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
        let Some(pod) = pods.iter().flat_map(|read| facts.items(read)).filter(is_ready).max_by_key(|pod| created(pod))
        else {
            return Ending::no_verdict("the login pod is gone", blocks);
        };
        blocks.push(Block::new("Selected login pod", vec![format!("{namespace}/{}", name(pod))]));
        let command = |script: &str| Change::Run {
            namespace: namespace.clone(),
            pod: name(pod).to_owned(),
            container: container(pod),
            command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        };
        let asked: Vec<(&Asked, Change)> = ASKED
            .iter()
            .filter(|asked| (asked.when)(self.asks, input))
            .map(|asked| (asked, command(asked.script)))
            .collect();
        // One after the other: jobs of one check must not keep each other from running.
        if let Some((asked, next)) = asked.iter().find(|(_, change)| facts.change(change).is_none()) {
            // What is started now could not be awaited, and would hold nodes behind us.
            if elapsed == u64::MAX {
                return Ending::no_verdict(format!("the time is up before `{}` was asked", asked.title), blocks);
            }
            return Step::Change(vec![next.clone()]);
        }
        let (mut problems, mut unknown) = (Vec::new(), Vec::new());
        for (asked, change) in &asked {
            let mut block = match facts.change(change) {
                Some(Answer::Ran { code, output, errors }) => {
                    match (asked.judge)(*code, output, errors) {
                        Ok(()) => {}
                        Err(Said::Wrong(why)) => problems.push(format!("{}: {why}", asked.title)),
                        Err(Said::Busy(why)) => unknown.push(format!("{}: {why}", asked.title)),
                    }
                    Block::new(asked.title, told(*code, output, errors))
                }
                other => {
                    let why = other.and_then(Answer::trouble).unwrap_or("the login pod is gone");
                    unknown.push(format!("{}: it could not be run: {why}", asked.title));
                    Block::new(asked.title, vec![why.to_owned()])
                }
            };
            // Longer scripts have quotes of their own.
            if !asked.script.contains(';') {
                let (pod, container) = (name(pod), container(pod));
                let command = format!("kubectl exec -n {namespace} {pod} -c {container} -- {}", asked.script);
                block.equivalent = Some(command);
            }
            blocks.push(block);
        }
        let outcome = match (problems.is_empty(), unknown.is_empty()) {
            (false, _) => Outcome::Fail(problems),
            (true, false) => Outcome::NoVerdict(unknown),
            (true, true) => Outcome::Pass,
        };
        Ending::with(outcome, blocks)
    }
}

/// What Slurm is asked in a login pod.
struct Asked {
    title: &'static str,
    script: &'static str,
    when: fn(Asks, &Input) -> bool,
    /// By exit code, output and errors.
    judge: fn(i32, &str, &str) -> Result<(), Said>,
}

/// What an answer of Slurm amounts to where it is not well.
enum Said {
    Wrong(String),
    /// It says nothing about Slurm: nodes at work, a command that was not run or not ended by itself.
    Busy(String),
}

/// How many GPUs a job can open; reading nothing of them.
macro_rules! open_gpus {
    ($options:literal) => {
        concat!(
            "timeout 90 srun --immediate=30 --time=0:30 --ntasks=1 ", $options, " /bin/sh -c '",
            "for d in /dev/nvidia[0-9]*; do if [ -e \"$d\" ] && ( : <\"$d\" ) 2>/dev/null; then echo GPU_DEVICE=$d; fi; done; ",
            "echo GPU_DEVICES_DONE'"
        )
    };
}

/// Each job says its channel and holds it, so that the other job needs another one.
const TWO_CHANNELS: &str = "job='n=0; for d in /dev/nvidia-caps-imex-channels/channel*; do [ -c \"$d\" ] && { n=$((n+1)); p=$d; }; done; \
     [ $n = 1 ] || { echo \"$n channels\" >&2; exit 1; }; echo IMEX_CHANNEL=$p; sleep 40'; \
     timeout 150 srun --immediate=30 --time=2:00 --ntasks=1 --gpus=1 /bin/sh -c \"$job\" & a=$!; \
     timeout 150 srun --immediate=30 --time=2:00 --ntasks=1 --gpus=1 /bin/sh -c \"$job\" & b=$!; \
     wait $a; x=$?; wait $b; y=$?; [ $x = 0 ] && [ $y = 0 ]";

const ASKED: [Asked; 7] = [
    Asked { title: "scontrol ping", script: "timeout 30 scontrol ping", when: |_, _| true, judge: says_something },
    Asked {
        title: "Slurm nodes",
        script: "timeout 30 sinfo --noheader --Node --format='%N %T'",
        when: |_, _| true,
        judge: takes_jobs,
    },
    Asked {
        title: "Slurm job",
        script: "timeout 60 srun --immediate=5 --time=0:03 hostname",
        when: |_, _| true,
        judge: says_something,
    },
    Asked {
        title: "Slurm accounting",
        script: "timeout 30 sacctmgr --noheader --parsable2 show cluster format=cluster",
        when: |asks, input| asks == Asks::Health && keeps_accounts(input),
        judge: says_something,
    },
    Asked {
        title: "Job with one GPU",
        script: open_gpus!("--gpus=1"),
        when: |asks, _| asks != Asks::ImexChannels,
        judge: |code, output, errors| opens(1, code, output, errors),
    },
    Asked {
        title: "Job without a GPU",
        script: open_gpus!("--gpus=0"),
        when: |asks, _| asks == Asks::GpuAccess,
        judge: |code, output, errors| opens(0, code, output, errors),
    },
    Asked {
        title: "Two jobs with IMEX channels",
        script: TWO_CHANNELS,
        when: |asks, _| asks == Asks::ImexChannels,
        judge: two_channels,
    },
];

/// What a command wrote, for the evidence: the first lines, behind a space, so that none is taken for a line of ours.
fn told(code: i32, output: &str, errors: &str) -> Vec<String> {
    const LINES: usize = 50;
    const LETTERS: usize = 400;
    let all = output.lines().chain(errors.lines());
    let total = all.clone().count();
    let mut lines: Vec<String> =
        all.take(LINES).map(|line| format!("  {}", line.chars().take(LETTERS).collect::<String>())).collect();
    if total > LINES {
        lines.push(format!("  … {} more", count(total - LINES, "line")));
    }
    lines.push(format!("exit code {code}"));
    lines
}

fn keeps_accounts(input: &Input) -> bool {
    let component = input.enabled(COMPONENT);
    component.is_some_and(|component| {
        component.overrides.get("accounting").is_some_and(|accounting| accounting["enabled"] == true)
    })
}

/// A command that failed; jobs that find no free node at once are no fault.
fn succeeded(code: i32, errors: &str) -> Result<(), Said> {
    let last = errors.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it wrote no error");
    let last: String = last.chars().take(400).collect();
    match code {
        0 => Ok(()),
        _ if errors.contains("Immediate execution impossible") || errors.contains("Requested nodes are busy") => {
            Err(Said::Busy(format!("no node was free: {last}")))
        }
        // Of the shell: the program cannot be run here, or a signal ended it. Neither was Slurm's answer.
        126 | 127 => Err(Said::Busy(format!("Slurm was not asked: exit code {code}: {last}"))),
        code if code >= 128 => Err(Said::Busy(format!("the command was ended from outside: exit code {code}"))),
        TIMED_OUT => Err(Said::Busy(format!("it had no answer in time: {last}"))),
        code => Err(Said::Wrong(format!("exit code {code}: {last}"))),
    }
}

/// The exit code of `timeout` for a command that it ended.
const TIMED_OUT: i32 = 124;

fn says_something(code: i32, output: &str, errors: &str) -> Result<(), Said> {
    succeeded(code, errors)?;
    if output.trim().is_empty() { Err(Said::Wrong("it wrote nothing".to_owned())) } else { Ok(()) }
}

/// Of the states that nodes have, one in which it takes jobs.
fn takes_jobs(code: i32, output: &str, errors: &str) -> Result<(), Said> {
    says_something(code, output, errors)?;
    let states: Vec<&str> = output.lines().filter_map(|line| Some(line.split_once(' ')?.1.trim())).collect();
    // A sign behind a state says more of the node: `*` that it does not respond, others that it is planned for or asleep.
    let is = |wanted: &[&str], signs: &[char]| {
        states.iter().any(|state| !state.contains('*') && wanted.contains(&state.trim_end_matches(signs)))
    };
    if is(&["idle", "mixed"], &['+']) {
        Ok(())
    } else if is(AT_WORK, &['+', '-', '~', '#', '!', '%', '@', '^', '$']) {
        Err(Said::Busy("no node is free: all that take jobs are at work".to_owned()))
    } else {
        Err(Said::Wrong(format!("no node takes jobs; their states: {}", states.join(", "))))
    }
}

/// States of nodes that are well and may take no job at this moment.
const AT_WORK: &[&str] = &[
    "idle",
    "mixed",
    "allocated",
    "completing",
    "planned",
    "reserved",
    "powering_up",
    "powered_down",
    "powering_down",
    "blocked",
];

fn opens(expected: usize, code: i32, output: &str, errors: &str) -> Result<(), Said> {
    succeeded(code, errors)?;
    if !output.lines().any(|line| line.trim() == "GPU_DEVICES_DONE") {
        return Err(Said::Wrong("the job did not come to its end".to_owned()));
    }
    let devices: Vec<&str> = output.lines().filter_map(|line| line.trim().strip_prefix("GPU_DEVICE=")).collect();
    if devices.len() == expected {
        return Ok(());
    }
    let found = if devices.is_empty() { "none".to_owned() } else { devices.join(", ") };
    Err(Said::Wrong(format!("the job can open {found}, expected {expected} of the GPUs")))
}

fn two_channels(code: i32, output: &str, errors: &str) -> Result<(), Said> {
    succeeded(code, errors)?;
    let channels: Vec<&str> = output.lines().filter_map(|line| line.trim().strip_prefix("IMEX_CHANNEL=")).collect();
    match channels[..] {
        [first, second] if first != second => Ok(()),
        [first, _] => Err(Said::Wrong(format!("both jobs have {first}"))),
        _ => Err(Said::Wrong(format!("the jobs say {}, expected 2", count(channels.len(), "channel")))),
    }
}

/// Lists of the pods that the LoginSets select; by the label of the chart where one has no selector.
fn login_pods(namespace: &str, facts: &Facts, sets: &Read) -> Vec<Read> {
    let keep: &'static [&'static str] = &[
        "status.phase",
        "status.conditions",
        "metadata.deletionTimestamp",
        "metadata.creationTimestamp",
        "metadata.annotations.kubectl~kubernetes~io/default-container",
        "spec.containers.*.name",
    ];
    let mut selectors: Vec<&str> = facts.items(sets).iter().map(|set| text(set, "/status/selector")).collect();
    selectors.iter_mut().filter(|selector| selector.is_empty()).for_each(|selector| *selector = LOGIN);
    if selectors.is_empty() {
        selectors.push(LOGIN);
    }
    selectors.sort_unstable();
    selectors.dedup();
    selectors.into_iter().map(|selector| Read::list("v1", namespace, "pods", selector).keeping(keep)).collect()
}

/// The label of login pods in Slinky's chart.
const LOGIN: &str = "app.kubernetes.io/name=login";

fn is_ready(pod: &&Value) -> bool {
    condition(pod, "Ready") == Some(true)
        && text(pod, "/status/phase") == "Running"
        && pod.pointer("/metadata/deletionTimestamp").is_none()
}

fn created(pod: &Value) -> &str {
    text(pod, "/metadata/creationTimestamp")
}

/// The container for commands: as the pod says, else the one called `login`, else the first.
fn container(pod: &Value) -> String {
    let stated = text(pod, "/metadata/annotations/kubectl.kubernetes.io~1default-container");
    let names: Vec<&str> =
        pod["spec"]["containers"].as_array().into_iter().flatten().map(|one| text(one, "/name")).collect();
    let chosen = match stated {
        "" if names.contains(&"login") => "login",
        "" => names.first().copied().unwrap_or_default(),
        stated => stated,
    };
    chosen.to_owned()
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

fn logins(namespace: &str, facts: &Facts, (sets, pods): (&Read, &[Read]), findings: &mut Findings) -> Block {
    if facts.items(sets).is_empty() {
        findings.absent(&format!("namespace {namespace}"), sets, facts, "no LoginSet");
    }
    let ready = pods.iter().flat_map(|read| facts.items(read)).filter(is_ready).count();
    // A list that was not read may have the pod that the others lack.
    if let (0, Some(why)) = (ready, facts.any_unread(pods)) {
        findings.unread(why);
    } else if let (0, Some(read)) = (ready, pods.first()) {
        findings.absent(&format!("namespace {namespace}"), read, facts, "no login pod is Running and Ready");
    }
    Block::new("Login pods", vec![format!("ready: {ready}")])
        .equivalent(format!("kubectl get pods -n {namespace} -l {LOGIN}"))
}
