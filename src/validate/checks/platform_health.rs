//! platform-health: every enabled component has its namespace, and the resources that the recipe expects are healthy.

use super::{
    Block, Check, Ending, Facts, Read, Rule, Step,
    facts::{Findings, rollout, text},
};
use crate::{
    recipe::{ComponentRef, ExpectedResource},
    validate::input::Input,
};
use std::collections::{BTreeMap, BTreeSet};

pub struct PlatformHealth;

impl Check for PlatformHealth {
    fn name(&self) -> &'static str {
        "platform-health"
    }

    fn about(&self) -> &'static str {
        "Namespaces of all enabled components are Active and the recipe's expectedResources are healthy; it does not look \
         at workloads that the recipe does not name."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let mut rules = match namespaces(input) {
            // A rule without names would allow all.
            names if names.is_empty() => Vec::new(),
            names => vec![Rule::get("", "namespaces", names)],
        };
        let expected = expected(input);
        for (kind, group, resource) in KINDS {
            let mut by_namespace: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for wanted in expected.iter().filter(|wanted| wanted.kind == kind) {
                by_namespace.entry(&wanted.namespace).or_default().push(wanted.name.clone());
            }
            let rule = |(namespace, names)| Rule::get(group, resource, names).within(namespace);
            rules.extend(by_namespace.into_iter().map(rule));
        }
        rules
    }

    fn next(&self, input: &Input, facts: &Facts, _elapsed: u64) -> Step {
        if !deploys(input) {
            return Ending::skip(NOTHING_DEPLOYED);
        }
        let missing = facts.missing(&reads(input));
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let Resources { findings, blocks } = Resources::judge(input, facts);
        // A namespace of several components is told once.
        let mut all = Findings::default();
        let problems: BTreeSet<String> = findings.values().flat_map(|found| found.problems.clone()).collect();
        all.problems.extend(problems);
        findings.into_values().flat_map(|found| found.unknown).for_each(|why| all.unread(why));
        all.end(blocks)
    }
}

/// Namespaces and resources that the recipe expects, judged.
pub struct Resources {
    /// By component.
    pub findings: BTreeMap<String, Findings>,
    pub blocks: Vec<Block>,
}

/// What [`Resources::judge`] needs.
pub fn reads(input: &Input) -> Vec<Read> {
    let mut reads: Vec<Read> = namespaces(input).iter().map(|name| namespace(name)).collect();
    reads.extend(expected(input).iter().filter_map(resource));
    reads
}

impl Resources {
    /// Judges the facts of [`reads`].
    pub fn judge(input: &Input, facts: &Facts) -> Resources {
        let mut findings: BTreeMap<String, Findings> = BTreeMap::new();
        let mut lines = Vec::new();
        let names = namespaces(input);
        for name in &names {
            let read = namespace(name);
            let what = format!("namespace {name}");
            let mut found = Findings::default();
            let status = match facts.object(&read).map(|found| text(found, "/status/phase")) {
                Some("Active") => "Active".to_owned(),
                Some(phase) => {
                    found.problems.push(format!("{what}: {phase}"));
                    phase.to_owned()
                }
                None => found.absent(&what, &read, facts, "not found"),
            };
            if !found.is_empty() {
                for component in enabled(input).filter(|component| component.namespace == *name) {
                    findings.insert(component.name.clone(), found.clone());
                }
            }
            lines.push(format!("Namespace {name}: {status}"));
        }
        let mut blocks = vec![
            Block::new("Component namespaces", lines).equivalent(format!("kubectl get namespaces {}", names.join(" "))),
        ];
        let mut lines = Vec::new();
        for component in enabled(input).filter(|component| !component.expected_resources.is_empty()) {
            let found = findings.entry(component.name.clone()).or_default();
            lines.extend(judge_resources(&component.expected_resources, facts, found));
        }
        if !lines.is_empty() {
            blocks.push(Block::new("Expected resources", lines));
        }
        Resources { findings, blocks }
    }
}

/// Kinds that a recipe may expect: kind, API group, resource.
const KINDS: [(&str, &str, &str); 6] = [
    ("Deployment", "apps", "deployments"),
    ("DaemonSet", "apps", "daemonsets"),
    ("StatefulSet", "apps", "statefulsets"),
    ("Service", "", "services"),
    ("ConfigMap", "", "configmaps"),
    ("Secret", "", "secrets"),
];

/// Why a check of components is skipped where there are none: nothing was looked at, so nothing passed.
pub const NOTHING_DEPLOYED: &str = "the recipe deploys no component";

/// Whether there is a component to look at.
pub fn deploys(input: &Input) -> bool {
    enabled(input).next().is_some()
}

fn enabled(input: &Input) -> impl Iterator<Item = &ComponentRef> {
    input.components.iter().filter(|component| component.is_enabled())
}

fn namespaces(input: &Input) -> Vec<String> {
    let named = enabled(input).map(|component| component.namespace.clone()).filter(|namespace| !namespace.is_empty());
    named.collect::<BTreeSet<String>>().into_iter().collect()
}

fn expected(input: &Input) -> Vec<&ExpectedResource> {
    enabled(input).flat_map(|component| &component.expected_resources).collect()
}

fn namespace(name: &str) -> Read {
    Read::object("v1", "", "namespaces", name)
}

fn resource(wanted: &&ExpectedResource) -> Option<Read> {
    let (_, group, resource) = KINDS.into_iter().find(|(kind, ..)| *kind == wanted.kind)?;
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    Some(Read::object(&version, &wanted.namespace, resource, &wanted.name))
}

/// One line for each resource; what is wrong goes to `findings`.
fn judge_resources(expected: &[ExpectedResource], facts: &Facts, findings: &mut Findings) -> Vec<String> {
    let mut lines = Vec::new();
    for wanted in expected {
        let title = format!("{} {}/{}", wanted.kind, wanted.namespace, wanted.name);
        let status = match resource(&wanted) {
            None => {
                findings.problems.push(format!("{title}: unsupported kind"));
                "unsupported kind".to_owned()
            }
            Some(read) => match facts.object(&read) {
                Some(found) if ["Deployment", "DaemonSet", "StatefulSet"].contains(&&*wanted.kind) => {
                    let (ready, healthy) = rollout(&wanted.kind, found);
                    if !healthy {
                        findings.problems.push(format!("{title}: {ready} ready"));
                    }
                    format!("{ready} ready")
                }
                Some(_) => "exists".to_owned(),
                None => findings.absent(&title, &read, facts, "not found"),
            },
        };
        lines.push(format!("  [expectedResources] {title}: {status}"));
    }
    lines
}
