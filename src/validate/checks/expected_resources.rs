//! expected-resources: every component of the recipe is there and healthy, in the order in which they are deployed.

use super::{
    Check, Ending, Facts, Outcome, Part, PartVerdict, Read, Rule, Step,
    health::{HealthCheck, Operation, Trouble},
    platform_health::{self, Resources},
};
use crate::{
    recipe::ComponentRef,
    text::{count, plural},
    validate::input::Input,
};
use std::collections::{BTreeMap, BTreeSet};

pub struct ExpectedResources;

impl Check for ExpectedResources {
    fn name(&self) -> &'static str {
        "expected-resources"
    }

    fn about(&self) -> &'static str {
        "The namespace of every enabled component is Active, the resources that the recipe expects are healthy and all \
         assertions of the component's health check hold at the same time; a component without a health check is judged \
         by its namespace alone."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let mut rules = platform_health::PlatformHealth.rules(input);
        let checks = parsed(input);
        let operations = checks.iter().filter_map(|part| part.check.as_ref().ok()).flat_map(|check| &check.operations);
        rules.extend(merged(operations.map(Operation::rule)));
        rules
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        if !platform_health::deploys(input) {
            return Ending::skip(platform_health::NOTHING_DEPLOYED);
        }
        let parts = parsed(input);
        let mut reads = platform_health::reads(input);
        reads.extend(parts.iter().flat_map(Component::reads));
        let missing: BTreeSet<Read> = facts.missing(&reads).into_iter().collect();
        if !missing.is_empty() {
            return Step::Read(missing.into_iter().collect());
        }
        let resources = Resources::judge(input, facts);
        let judged: Vec<Judged> = parts.iter().map(|part| part.judge(facts, &resources)).collect();
        let waiting: Vec<&Judged> = judged.iter().filter(|part| part.may_pass(elapsed)).collect();
        if let Some(first) = waiting.first() {
            let reads: BTreeSet<Read> = waiting.iter().flat_map(|part| part.component.reads()).collect();
            let more = waiting.len() - 1;
            let rest =
                if more > 0 { format!(", and {more} more {}", plural(more, "component")) } else { String::new() };
            let waiting_for = format!("{}: {}{rest}", first.component.name, first.words());
            return Step::Again { after: 5, reads: reads.into_iter().collect(), waiting_for };
        }
        Step::End(Ending {
            outcome: outcome(&judged),
            evidence: resources.blocks,
            parts: judged.iter().map(Judged::part).collect(),
        })
    }
}

fn outcome(judged: &[Judged]) -> Outcome {
    let failed: BTreeSet<&str> =
        judged.iter().filter(|part| !part.problems.is_empty()).map(|part| part.component.name).collect();
    let mut problems = Vec::new();
    for part in judged.iter().filter(|part| !part.problems.is_empty()) {
        let cause = part.component.needs.iter().find(|name| failed.contains(name.as_str()));
        let after = cause.map(|name| format!(" (it needs {name}, which failed too)")).unwrap_or_default();
        problems.push(format!("{}: {}{after}", part.component.name, part.problems.join("; ")));
    }
    if !problems.is_empty() {
        return Outcome::Fail(problems);
    }
    let unknown: Vec<String> = judged
        .iter()
        .filter(|part| !part.unknown.is_empty())
        .map(|part| format!("{}: {}", part.component.name, part.unknown.join("; ")))
        .collect();
    if unknown.is_empty() { Outcome::Pass } else { Outcome::NoVerdict(unknown) }
}

/// A component with its health check.
struct Component<'i> {
    name: &'i str,
    namespace: &'i str,
    needs: &'i [String],
    /// `Err`: a file that cannot be evaluated. Without operations where the component has none.
    check: Result<HealthCheck, String>,
}

impl Component<'_> {
    fn reads(&self) -> Vec<Read> {
        self.check.iter().flat_map(|check| &check.operations).map(Operation::read).collect()
    }

    fn judge(&self, facts: &Facts, resources: &Resources) -> Judged<'_> {
        let mut judged =
            Judged { component: self, problems: Vec::new(), unknown: Vec::new(), troubles: Vec::new(), count: 0 };
        if let Some(found) = resources.findings.get(self.name) {
            judged.problems.extend(found.problems.iter().cloned());
            judged.unknown.extend(found.unknown.iter().cloned());
        }
        match &self.check {
            Err(error) => judged.unknown.push(format!("its health check cannot be evaluated: {error}")),
            Ok(check) => {
                judged.count = check.operations.len();
                judged.troubles =
                    check.operations.iter().filter_map(|operation| operation.judge(facts).err()).collect();
            }
        }
        // The namespace is told once, not once for every object that is not in it.
        let lacks_namespace = judged.problems.iter().any(|problem| problem.starts_with("namespace "));
        for trouble in &judged.troubles {
            match trouble {
                Trouble::Absent(_) if lacks_namespace => {}
                Trouble::Unknown(text) => judged.unknown.push(text.clone()),
                other => judged.problems.push(other.words().to_owned()),
            }
        }
        judged
    }
}

/// The verdict on a component.
struct Judged<'c> {
    component: &'c Component<'c>,
    problems: Vec<String>,
    unknown: Vec<String>,
    troubles: Vec<Trouble>,
    /// How many assertions it has.
    count: usize,
}

impl Judged<'_> {
    fn may_pass(&self, elapsed: u64) -> bool {
        let budget = self.component.check.as_ref().map_or(0, |check| check.budget);
        // Nothing is won by waiting for one assertion where another has failed for good.
        !self.troubles.is_empty() && self.troubles.iter().all(|trouble| trouble.may_pass(elapsed, budget))
    }

    fn words(&self) -> &str {
        self.problems.first().or(self.unknown.first()).map_or("", String::as_str)
    }

    fn part(&self) -> Part {
        let (verdict, detail) = match (self.problems.as_slice(), self.unknown.as_slice(), self.count) {
            ([], [], 0) => {
                (PartVerdict::Pass, format!("namespace {} is Active; it has no health check", self.component.namespace))
            }
            ([], [], assertions) => (PartVerdict::Pass, holding(assertions)),
            ([], unknown, _) => (PartVerdict::NoVerdict, unknown.join("; ")),
            (problems, ..) => (PartVerdict::Fail, problems.join("; ")),
        };
        Part { name: self.component.name.to_owned(), verdict, detail }
    }
}

fn holding(assertions: usize) -> String {
    let verb = if assertions == 1 { "holds" } else { "hold" };
    format!("{} {verb}", count(assertions, "assertion"))
}

/// The enabled components, each after those that it depends on.
fn parsed(input: &Input) -> Vec<Component<'_>> {
    let mut rest: Vec<&ComponentRef> = input.components.iter().filter(|component| component.is_enabled()).collect();
    let mut sorted: Vec<&ComponentRef> = Vec::new();
    while !rest.is_empty() {
        let is_free = |component: &&ComponentRef| {
            let mut needs = component.dependency_refs.iter();
            needs.all(|name| !rest.iter().any(|waiting| waiting.name == *name))
        };
        // In a cycle the first goes first.
        let index = rest.iter().position(is_free).unwrap_or(0);
        sorted.push(rest.remove(index));
    }
    let component = |component: &'_ ComponentRef| -> Result<HealthCheck, String> {
        match component.health_check_asserts.as_str() {
            text if text.is_empty() || component.health_check_skip => {
                Ok(HealthCheck { budget: 0, operations: Vec::new() })
            }
            text => HealthCheck::parse(text, &component.namespace),
        }
    };
    sorted
        .into_iter()
        .map(|known| Component {
            name: &known.name,
            namespace: &known.namespace,
            needs: &known.dependency_refs,
            check: component(known),
        })
        .collect()
}

/// The same rights in fewer rules.
fn merged(rules: impl Iterator<Item = Rule>) -> Vec<Rule> {
    let mut merged: BTreeMap<(String, String, String, Vec<&'static str>), Rule> = BTreeMap::new();
    for rule in rules {
        let key = (rule.namespace.clone(), rule.group.to_string(), rule.resources.concat(), rule.verbs.clone());
        let known = merged.entry(key).or_insert_with(|| Rule { names: Vec::new(), ..rule.clone() });
        known.names.extend(rule.names);
        known.names.sort();
        known.names.dedup();
    }
    merged.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_are_counted_in_english() {
        assert_eq!([1, 2, 11].map(holding), ["1 assertion holds", "2 assertions hold", "11 assertions hold"]);
    }
}
