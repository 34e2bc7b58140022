//! The checks: one file each, listed in [`ALL`].
//!
//! A check is a pure decision. It declares the rights that it needs ([`Check::rules`]) and, given the facts read so far,
//! says what to do next ([`Check::next`]): read more, read again later, create something, or end. `ops::check` does it, and
//! deletes what the check created on every ending. In a pod it runs as `aicr check <name>` under the validator contract:
//! exit 0 pass, 1 fail, 2 skip, anything else no verdict; the reason in the termination log, evidence on standard output.
//!
//! What a check creates lies in the namespace of the run, is named after the run and belongs to the pod of the check: no
//! check may create namespaces or anything in those of others.

mod accelerator_metrics;
mod ai_service_metrics;
mod check_nvidia_smi;
mod cluster_autoscaling;
mod dra_support;
mod expected_resources;
mod facts;
mod gang_scheduling;
mod gke_gpu_nic_networks;
mod gke_gpu_nic_topology;
mod gpu_allocation;
mod gpu_operator_health;
mod gpu_operator_version;
mod gpu_pod;
mod health;
mod inference_gateway;
mod inference_perf;
mod metrics_api;
mod nccl_all_reduce;
mod nccl_platform;
mod nccl_preflight;
pub mod nccl_runtime;
mod operator_health;
mod platform_health;
mod pod_autoscaling;
mod probe;
mod readiness_engine;
mod robust_controller;
mod secure_accelerator_access;
mod slinky_slurm;

pub use facts::{Answer, Change, Facts, Read, kept, samples};
pub use probe::{MADE_BY_LABEL, Probe};

use super::{coverage::SkipReason, curve::Measured, input::Input};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Every check that this program implements, in catalog order.
pub const ALL: [&dyn Check; 26] = [
    &operator_health::OperatorHealth,
    &expected_resources::ExpectedResources,
    &gpu_operator_version::GpuOperatorVersion,
    &check_nvidia_smi::CheckNvidiaSmi,
    &gke_gpu_nic_networks::GkeGpuNicNetworks,
    &gke_gpu_nic_topology::GkeGpuNicTopology,
    &nccl_all_reduce::ANY,
    &inference_perf::InferencePerf,
    &readiness_engine::BANDWIDTH,
    &readiness_engine::GOODPUT,
    &dra_support::DraSupport,
    &gang_scheduling::GangScheduling,
    &accelerator_metrics::AcceleratorMetrics,
    &ai_service_metrics::AiServiceMetrics,
    &inference_gateway::InferenceGateway,
    &pod_autoscaling::PodAutoscaling,
    &cluster_autoscaling::ClusterAutoscaling,
    &robust_controller::RobustController,
    &secure_accelerator_access::SecureAcceleratorAccess,
    &slinky_slurm::HEALTH,
    &slinky_slurm::IMEX,
    &slinky_slurm::GPU_ACCESS,
    &gpu_operator_health::GpuOperatorHealth,
    &platform_health::PlatformHealth,
    &nccl_all_reduce::NET,
    &nccl_all_reduce::NVLS,
];

/// One check.
pub trait Check: Sync {
    /// Its name in catalogs, Jobs and reports.
    fn name(&self) -> &'static str;

    /// What it proves, in one sentence, and what it does not.
    fn about(&self) -> &'static str;

    /// What its role must allow.
    fn rules(&self, input: &Input) -> Vec<Rule>;

    /// What a benchmark has measured so far; rows are only ever added, and each is told as soon as it is known.
    fn measured(&self, _facts: &Facts) -> Vec<Measured> {
        Vec::new()
    }

    /// What to do next. `elapsed` is in seconds since the check started.
    ///
    /// Called again after every step with the facts of all reads so far; a read that is asked for again replaces its
    /// old answer.
    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step;
}

/// Whether a check changes nothing, by its rights.
pub fn only_reads(check: &dyn Check, input: &Input) -> bool {
    check.rules(input).iter().all(|rule| rule.verbs.iter().all(|verb| ["get", "list"].contains(verb)))
}

/// The implemented check of that name.
pub fn find(name: &str) -> Option<&'static dyn Check> {
    ALL.into_iter().find(|check| check.name() == name)
}

/// How a line of output begins that says what a check waits for.
pub const WAITING: &str = "waiting for: ";

/// What a check wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Read(Vec<Read>),
    /// Changes the cluster, one after the other; what came of it is in the facts. What is created is deleted at the end.
    Change(Vec<Change>),
    /// Reads once more after that many seconds, saying what is waited for.
    Again {
        after: u64,
        reads: Vec<Read>,
        waiting_for: String,
    },
    End(Ending),
}

/// The verdict of a check with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    pub outcome: Outcome,
    pub evidence: Vec<Block>,
    /// Verdicts on parts, in the order in which they were judged; empty for a check that judges one thing.
    pub parts: Vec<Part>,
}

/// The verdict on one part of what a check looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub verdict: PartVerdict,
    /// Why, or what was seen.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartVerdict {
    Pass,
    Fail,
    NoVerdict,
}

/// The block of evidence that holds the verdicts on parts.
pub const PARTS: &str = "Sub-results";

impl PartVerdict {
    const ALL: [PartVerdict; 3] = [PartVerdict::Pass, PartVerdict::Fail, PartVerdict::NoVerdict];

    pub fn word(self) -> &'static str {
        match self {
            PartVerdict::Pass => "pass",
            PartVerdict::Fail => "fail",
            PartVerdict::NoVerdict => "no verdict",
        }
    }
}

impl Part {
    /// `pass: cert-manager: 14 assertions hold`, as it is printed in the block.
    pub fn line(&self) -> String {
        format!("{}: {}: {}", self.verdict.word(), self.name, self.detail.replace('\n', " "))
    }

    /// The parts in the output of a check.
    pub fn read(output: &[String]) -> Vec<Part> {
        let start = format!("--- {PARTS} ---");
        let block = output.iter().skip_while(|line| **line != start).skip(1);
        let lines = block.take_while(|line| !line.starts_with("--- "));
        let part = |line: &String| {
            let (word, rest) = line.split_once(": ")?;
            let (name, detail) = rest.split_once(": ")?;
            let verdict = PartVerdict::ALL.into_iter().find(|verdict| verdict.word() == word)?;
            Some(Part { name: name.to_owned(), verdict, detail: detail.to_owned() })
        };
        lines.filter_map(part).collect()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Pass,
    /// One line per problem.
    Fail(Vec<String>),
    Skip(String),
    /// What would decide it is not known.
    NoVerdict(Vec<String>),
}

/// One block of evidence: a label, the command that shows the same, and lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub label: String,
    pub equivalent: Option<String>,
    pub lines: Vec<String>,
}

impl Block {
    pub fn new(label: impl Into<String>, lines: Vec<String>) -> Block {
        Block { label: label.into(), equivalent: None, lines }
    }

    pub fn equivalent(mut self, command: impl Into<String>) -> Block {
        self.equivalent = Some(command.into());
        self
    }
}

impl Ending {
    /// Fails when there are problems, else passes.
    pub fn of(problems: Vec<String>, evidence: Vec<Block>) -> Step {
        let outcome = if problems.is_empty() { Outcome::Pass } else { Outcome::Fail(problems) };
        Ending::with(outcome, evidence)
    }

    /// Fails when there are problems; without any, gives no verdict when something is unknown; else passes.
    pub fn of_known(problems: Vec<String>, unknown: Vec<String>, evidence: Vec<Block>) -> Step {
        if problems.is_empty() && !unknown.is_empty() {
            return Ending::with(Outcome::NoVerdict(unknown), evidence);
        }
        Ending::of(problems, evidence)
    }

    pub fn with(outcome: Outcome, evidence: Vec<Block>) -> Step {
        Step::End(Ending { outcome, evidence, parts: Vec::new() })
    }

    pub fn fail(problem: impl Into<String>, evidence: Vec<Block>) -> Step {
        Ending::of(vec![problem.into()], evidence)
    }

    pub fn skip(reason: impl Into<String>) -> Step {
        Ending::with(Outcome::Skip(reason.into()), Vec::new())
    }

    /// Skipped for one of the reasons that reports name.
    pub fn skip_nodes(why: SkipReason, reason: impl Into<String>) -> Step {
        Ending::with(Outcome::Skip(reason.into()), vec![Block::new("GPU nodes", vec![why.line()])])
    }

    pub fn no_verdict(problem: impl Into<String>, evidence: Vec<Block>) -> Step {
        Ending::with(Outcome::NoVerdict(vec![problem.into()]), evidence)
    }
}

/// Rights on resources of one API group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where they hold; empty for the whole cluster.
    pub namespace: String,
    pub group: Cow<'static, str>,
    pub resources: Vec<Cow<'static, str>>,
    pub verbs: Vec<&'static str>,
    /// Only objects of these names; empty for all. A list cannot be limited by name.
    pub names: Vec<String>,
}

impl Rule {
    /// To do something with all objects of a resource.
    pub fn to(
        verbs: &[&'static str],
        group: impl Into<Cow<'static, str>>,
        resource: impl Into<Cow<'static, str>>,
    ) -> Rule {
        let (namespace, names) = (String::new(), Vec::new());
        Rule { namespace, group: group.into(), resources: vec![resource.into()], verbs: verbs.to_vec(), names }
    }

    /// To list all objects of these resources.
    pub fn list(group: &'static str, resources: &[&'static str]) -> Rule {
        let resources = resources.iter().map(|resource| Cow::Borrowed(*resource)).collect();
        Rule { resources, ..Rule::to(&["list"], group, "") }
    }

    /// To get the objects of these names.
    pub fn get(
        group: impl Into<Cow<'static, str>>,
        resource: impl Into<Cow<'static, str>>,
        names: Vec<String>,
    ) -> Rule {
        Rule { names, ..Rule::to(&["get"], group, resource) }
    }

    /// To create objects of a resource in a namespace, and to look at and delete those of these names.
    pub fn make(group: &'static str, resource: &'static str, namespace: &str, names: &[String]) -> [Rule; 2] {
        let named = Rule { names: names.to_vec(), ..Rule::to(&["get", "delete"], group, resource) };
        [Rule::to(&["create"], group, resource).within(namespace), named.within(namespace)]
    }

    /// The same in one namespace only.
    pub fn within(self, namespace: impl Into<String>) -> Rule {
        Rule { namespace: namespace.into(), ..self }
    }

    /// The rule as a Role writes it.
    pub fn to_value(&self) -> Value {
        let mut rule = json!({"apiGroups": [self.group], "resources": self.resources, "verbs": self.verbs});
        if !self.names.is_empty() {
            rule["resourceNames"] = json!(self.names);
        }
        rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_from_the_output() {
        let part = Part { name: "a".into(), verdict: PartVerdict::NoVerdict, detail: "b: c\nd".into() };
        let output = ["x", "--- Sub-results ---", &part.line(), "--- Other ---", "pass: e: f"].map(str::to_owned);
        assert_eq!(Part::read(&output), [Part { detail: "b: c d".into(), ..part }]);
    }

    #[test]
    fn every_check_is_listed_once_with_words_and_rights() {
        let mut names: Vec<&str> = ALL.iter().map(|check| check.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for check in ALL {
            assert!(check.about().ends_with('.'), "{}", check.name());
            let rules = check.rules(&Input::default());
            let may_write = |rule: &Rule| rule.verbs.iter().any(|verb| !["get", "list"].contains(verb));
            let of_the_run = |rule: &Rule| rule.namespace == Input::default().place.namespace;
            // Slurm is asked where it is; nothing else is done outside the namespace of the run.
            let enters = |rule: &Rule| rule.resources == ["pods/exec"] && check.name().starts_with("slinky-slurm-");
            let writes = rules.iter().filter(|rule| may_write(rule) && !enters(rule));
            assert!(writes.into_iter().all(of_the_run), "{}", check.name());
            assert_eq!(find(check.name()).map(Check::name), Some(check.name()));
        }
    }
}
