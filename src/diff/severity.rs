//! How much a difference of two snapshots matters: first what breaks a constraint of the recipe, then trouble, then the rest.
//!
//! In: changes, both snapshots, the constraints that hold for the cluster. Out: the constraints that held on the left side
//! and do not hold on the right one, and a grade for each change. Without constraints nothing breaks one.

use super::{Change, node_path, replaced};
use crate::{
    constraint::{self, Verdict},
    inventory::Inventory,
    text::listed,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The grade of a change, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It breaks a constraint.
    Critical,
    /// A node or a GPU is missing, not ready or in trouble, or something could not be read any more.
    Warning,
    Info,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

/// A constraint that held on the left side and fails on the right one.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    pub constraint: String,
    pub expected: String,
    pub before: String,
    pub after: String,
    /// Nodes on which it held before and fails now, by name; empty for a reading of the cluster.
    pub nodes: Vec<String>,
}

/// Names that a sentence lists.
const LISTED: usize = 3;

impl Broken {
    /// `OS.release.ID ubuntu: was ubuntu, is rhel on gpu-7`.
    pub fn words(&self) -> String {
        let Broken { constraint, expected, before, after, nodes } = self;
        let nodes = if nodes.is_empty() { String::new() } else { format!(" on {}", listed(nodes, LISTED)) };
        format!("{constraint} {expected}: was {before}, is {after}{nodes}")
    }
}

/// The constraints, by path and expression, that the change from left to right breaks. One that could not be judged before
/// or cannot be now is not among them: unknown is not a failure.
pub fn broken<'c>(
    constraints: impl IntoIterator<Item = (&'c str, &'c str)>,
    left: &Inventory,
    right: &Inventory,
) -> Vec<Broken> {
    let breaks = |(path, expression): (&str, &str)| {
        let (before, after) = (constraint::judge(path, expression, left), constraint::judge(path, expression, right));
        let nodes: Vec<String> = failing(&after).difference(&failing(&before)).map(|name| (*name).to_owned()).collect();
        let is_known = matches!(after, Verdict::Fail { .. }) && !matches!(before, Verdict::Unknown { .. });
        let is_new = matches!(before, Verdict::Pass { .. }) || !nodes.is_empty();
        let said = |verdict: &Verdict| verdict.actual().unwrap_or("unknown").to_owned();
        (is_known && is_new).then(|| Broken {
            constraint: path.to_owned(),
            expected: expression.to_owned(),
            before: said(&before),
            after: failing_readings(&after, &nodes).unwrap_or_else(|| said(&after)),
            nodes,
        })
    };
    constraints.into_iter().filter_map(breaks).collect()
}

fn failing(verdict: &Verdict) -> BTreeSet<&str> {
    verdict.nodes().into_iter().flat_map(|spread| spread.fails.values().flatten()).map(String::as_str).collect()
}

/// What the nodes that fail now say.
fn failing_readings(verdict: &Verdict, nodes: &[String]) -> Option<String> {
    let fails = &verdict.nodes()?.fails;
    let of_these = fails.iter().filter(|(_, names)| names.iter().any(|name| nodes.contains(name)));
    let readings: Vec<&str> = of_these.map(|(reading, _)| reading.as_str()).collect();
    (!readings.is_empty()).then(|| readings.join(", "))
}

/// Grades changes; made once for many of them.
#[derive(Clone, Debug, Default)]
pub struct Grades<'b> {
    paths: BTreeSet<&'b str>,
    /// For a node, what is compared of it that a broken constraint reads; empty for all of it.
    nodes: BTreeMap<&'b str, Vec<&'static [&'static str]>>,
}

impl<'b> Grades<'b> {
    pub fn new(broken: &'b [Broken]) -> Grades<'b> {
        let mut grades = Grades::default();
        for Broken { constraint, nodes, .. } in broken {
            grades.paths.insert(constraint);
            for node in nodes {
                grades.nodes.entry(node).or_default().push(read_by(constraint));
            }
        }
        grades
    }

    pub fn of(&self, change: &Change) -> Severity {
        let Some((node, key)) = node_path::parse(&change.path) else {
            return match () {
                () if self.paths.contains(&*change.path) => Severity::Critical,
                () if change.path.starts_with("K8s.collection.") => Severity::Warning,
                () => Severity::Info,
            };
        };
        // A node in the place of another: as bad as the worst of what differs.
        if replaced::is_one(change) {
            return replaced::readings(change).iter().map(|reading| self.of(reading)).min().unwrap_or(Severity::Info);
        }
        let breaks = |keys: &[&str]| keys.is_empty() || keys.iter().any(|prefix| key.starts_with(prefix));
        if self.nodes.get(node).is_some_and(|read| read.iter().any(|keys| breaks(keys))) {
            return Severity::Critical;
        }
        if is_trouble(key, change) { Severity::Warning } else { Severity::Info }
    }
}

/// Beginnings of what a comparison of nodes calls a reading that a constraint names; empty where that is not known.
fn read_by(constraint: &str) -> &'static [&'static str] {
    const TABLE: &[(&str, &[&str])] = &[
        ("OS.release.", &["osImage", "label.feature.node.kubernetes.io/system-os_release"]),
        ("OS.sysctl./proc/sys/kernel/osrelease", &["kernel"]),
        ("K8s.node.kernel-version", &["kernel"]),
        ("K8s.node.os-image", &["osImage"]),
        ("K8s.node.kubelet-version", &["kubelet"]),
        ("K8s.node.container-runtime", &["runtime"]),
        ("K8s.node.provider", &["providerID", "service"]),
        ("GPU.smi.driver", &["gpu-driver", "label.nvidia.com/cuda.driver", "label.nvidia.com/gpu.driver"]),
        ("GPU.hardware.gpu-count", &["gpu-count", "capacity."]),
        ("GPU.hardware.model", &["gpu-product"]),
    ];
    TABLE.iter().find(|(prefix, _)| constraint.starts_with(prefix)).map_or(&[], |(_, keys)| keys)
}

fn is_trouble(key: &str, change: &Change) -> bool {
    let text = |side: &Option<Value>| side.as_ref().and_then(Value::as_str).map(str::to_owned);
    let (left, right) = (text(&change.left), text(&change.right));
    match key {
        // A node that was removed, and one that is new and not ready.
        "" => {
            let ready = change.right.as_ref().map(|node| node.get("ready").and_then(Value::as_str) == Some("true"));
            !ready.unwrap_or(false)
        }
        "ready" => right.as_deref() != Some("true"),
        "schedulable" => right.as_deref() == Some("false"),
        "conditions" => right.is_some(),
        _ if ["capacity.", "allocatable.", "devices.", "gpu-count"].iter().any(|start| key.starts_with(start)) => {
            let number = |side: Option<String>| side.and_then(|text| text.parse::<u64>().ok());
            match (number(left), number(right)) {
                (Some(left), Some(right)) => right < left,
                (Some(_), None) => true,
                (None, _) => false,
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::{self, Evidence, NodeReport};
    use std::sync::Arc;

    fn node(name: &str, kernel: &str) -> Arc<node::Node> {
        let mut node = node::of(&NodeReport { name: name.into(), ..NodeReport::default() }, &Evidence::default());
        node.kernel = crate::inventory::Fact::known(
            kernel.into(),
            crate::inventory::Source::of(crate::inventory::Object::Node, "status.nodeInfo.kernelVersion"),
        );
        Arc::new(node)
    }

    fn cluster(kernels: [&str; 2]) -> Inventory {
        Inventory { nodes: vec![node("a", kernels[0]), node("b", kernels[1])], ..Inventory::default() }
    }

    #[test]
    fn what_breaks_a_constraint_is_found_on_the_node_that_breaks_it() {
        let (before, after) = (cluster(["6.8.0", "6.8.0"]), cluster(["6.8.0", "5.15.0"]));
        let rules = [("OS.sysctl./proc/sys/kernel/osrelease", ">= 6.8"), ("OS.release.ID", "ubuntu")];
        let broken = broken(rules, &before, &after);
        let said: Vec<String> = broken.iter().map(Broken::words).collect();
        assert_eq!(said, ["OS.sysctl./proc/sys/kernel/osrelease >= 6.8: was 6.8.0, is 5.15.0 on b"]);
        let grades = Grades::new(&broken);
        let changes = crate::diff::inventory::compare(&before, &after);
        let graded: Vec<(&str, &str)> =
            changes.iter().map(|change| (change.path.as_str(), grades.of(change).word())).collect();
        assert!(graded.contains(&("node[b].kernel", "critical")), "{graded:?}");
        assert!(super::broken(rules, &after, &before).is_empty(), "the way back breaks nothing");
        assert!(super::broken(rules, &after, &after).is_empty(), "what was broken before is not broken by this");
    }

    #[test]
    fn less_than_before_is_a_warning_and_more_is_not() {
        let change = |path: &str, left: Option<&str>, right: Option<&str>| {
            let value = |side: Option<&str>| side.map(Value::from);
            Change::of(path.to_owned(), value(left), value(right)).expect("a change")
        };
        let grades = Grades::default();
        let of = |path, left, right| grades.of(&change(path, left, right)).word();
        assert_eq!(of("node[a].ready", Some("true"), Some("false")), "warning");
        assert_eq!(of("node[a].ready", Some("false"), Some("true")), "info");
        assert_eq!(of("node[a].capacity.nvidia.com/gpu", Some("8"), Some("7")), "warning");
        assert_eq!(of("node[a].capacity.nvidia.com/gpu", Some("7"), Some("8")), "info");
        assert_eq!(of("node[a]", Some("x"), None), "warning");
        let replaced = |ready: Option<&str>| {
            let right = ready.map_or_else(|| serde_json::json!({}), |ready| serde_json::json!({"ready": ready}));
            let left = serde_json::json!({"gpu-driver": "570"});
            let change = Change::of("node[b]".into(), Some(left), Some(right));
            Grades::default().of(&change.expect("they differ")).word()
        };
        assert_eq!([replaced(None), replaced(Some("false")), replaced(Some("true"))], ["info", "warning", "info"]);
        assert_eq!(of("K8s.server.version", Some("a"), Some("b")), "info");
    }
}
