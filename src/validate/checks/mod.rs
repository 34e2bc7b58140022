//! The checks: one file each, listed in [`ALL`].
//!
//! A check is a pure decision. It declares the rights that it needs ([`Check::rules`]) and, given the facts read so far,
//! says what to do next ([`Check::next`]): read more, read again later, or end. `ops::check` reads for it. In a pod it
//! runs as `aicr check <name>` under the validator contract: exit 0 pass, 1 fail, 2 skip, the reason in the termination
//! log, evidence on standard output.

mod accelerator_metrics;
mod ai_service_metrics;
mod dra_support;
mod facts;
mod gpu_allocation;
mod gpu_operator_health;
mod gpu_operator_version;
mod operator_health;
mod platform_health;

pub use facts::{Answer, Facts, Read, kept};

use super::input::Input;
use serde_json::{Value, json};

/// Every check that this program implements, in catalog order.
pub const ALL: [&dyn Check; 7] = [
    &operator_health::OperatorHealth,
    &gpu_operator_version::GpuOperatorVersion,
    &dra_support::DraSupport,
    &accelerator_metrics::AcceleratorMetrics,
    &ai_service_metrics::AiServiceMetrics,
    &gpu_operator_health::GpuOperatorHealth,
    &platform_health::PlatformHealth,
];

/// One check.
pub trait Check: Sync {
    /// Its name in catalogs, Jobs and reports.
    fn name(&self) -> &'static str;

    /// What it proves, in one sentence, and what it does not.
    fn about(&self) -> &'static str;

    /// The reads that its role must allow.
    fn rules(&self, input: &Input) -> Vec<Rule>;

    /// What to do next. `elapsed` is in seconds since the check started.
    ///
    /// Called again after every step with the facts of all reads so far; a read that is asked for again replaces its
    /// old answer.
    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step;
}

/// The implemented check of that name.
pub fn find(name: &str) -> Option<&'static dyn Check> {
    ALL.into_iter().find(|check| check.name() == name)
}

/// What a check wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Read(Vec<Read>),
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
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Pass,
    /// One line per problem.
    Fail(Vec<String>),
    Skip(String),
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
        Step::End(Ending { outcome, evidence })
    }

    pub fn skip(reason: impl Into<String>) -> Step {
        Step::End(Ending { outcome: Outcome::Skip(reason.into()), evidence: Vec::new() })
    }
}

/// Rights on resources of one API group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where they hold; empty for the whole cluster.
    pub namespace: String,
    pub group: &'static str,
    pub resources: Vec<&'static str>,
    pub verbs: Vec<&'static str>,
    /// Only objects of these names; empty for all. A list cannot be limited by name.
    pub names: Vec<String>,
}

impl Rule {
    /// To list all objects of these resources.
    pub fn list(group: &'static str, resources: &[&'static str]) -> Rule {
        let (namespace, names) = (String::new(), Vec::new());
        Rule { namespace, group, resources: resources.to_vec(), verbs: vec!["list"], names }
    }

    /// To get the objects of these names.
    pub fn get(group: &'static str, resource: &'static str, names: Vec<String>) -> Rule {
        Rule { namespace: String::new(), group, resources: vec![resource], verbs: vec!["get"], names }
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
    fn every_check_is_listed_once_with_words_and_rights() {
        let mut names: Vec<&str> = ALL.iter().map(|check| check.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for check in ALL {
            assert!(check.about().ends_with('.'), "{}", check.name());
            let rules = check.rules(&Input::default());
            assert!(rules.iter().all(|rule| rule.verbs.iter().all(|verb| ["get", "list"].contains(verb))));
            assert_eq!(find(check.name()).map(Check::name), Some(check.name()));
        }
    }
}
