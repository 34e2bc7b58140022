//! Rules on a cluster: `K8s.server.version` `>= 1.32.4`.
//!
//! In: an expression and an inventory. Out: a [`Verdict`] with its reason; what the cluster cannot reveal is Unknown,
//! never Fail. A rule on a reading of nodes concerns every node that it is made for: all must hold, and those that do
//! not are named. The arithmetic is the reference's (comparison at the precision of the shorter side).

pub mod eval;
pub mod parse;
pub mod range;
mod suffix;

use crate::{
    inventory::{Inventory, Node},
    snapshot::path,
};
use std::collections::BTreeMap;

/// What became of a constraint on a cluster.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    Pass {
        actual: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        nodes: Option<Spread>,
    },
    Fail {
        actual: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        nodes: Option<Spread>,
    },
    /// Not measured, or measured and not comparable (then `actual` is there): why.
    Unknown {
        actual: Option<String>,
        reason: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        nodes: Option<Spread>,
    },
}

/// How a rule on a reading of nodes did on each of them.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// Nodes that the rule concerns.
    pub of: usize,
    /// Nodes on which it holds.
    pub holds: usize,
    /// Nodes on which it does not, by reading.
    pub fails: BTreeMap<String, Vec<String>>,
    /// Nodes whose reading is missing or cannot be compared.
    pub unknown: Vec<String>,
    /// The only node that was measured, where the file has the readings of one node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
}

/// Names that a sentence lists before it says how many more there are.
const LISTED: usize = 5;

/// `gpu-a, gpu-b and 3 more`.
fn listed(names: &[String]) -> String {
    let shown = names[..names.len().min(LISTED)].join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl Spread {
    /// In words: `6 of 8 nodes; not on gpu-b (v1.34.1); not measured on gpu-h`.
    pub fn words(&self) -> String {
        if let Some(only) = &self.only {
            return format!("measured on 1 of {} nodes ({only})", self.of);
        }
        let mut words = format!("{} of {} nodes", self.holds, self.of);
        for (reading, names) in &self.fails {
            words += &format!("; not on {} ({reading})", listed(names));
        }
        if !self.unknown.is_empty() {
            words += &format!("; not measured on {}", listed(&self.unknown));
        }
        words
    }
}

impl Verdict {
    /// What was found; on nodes that differ, the readings that decide.
    pub fn actual(&self) -> Option<&str> {
        match self {
            Verdict::Pass { actual, .. } | Verdict::Fail { actual, .. } => Some(actual),
            Verdict::Unknown { actual, .. } => actual.as_deref(),
        }
    }

    /// How nodes did, where the reading belongs to nodes.
    pub fn nodes(&self) -> Option<&Spread> {
        match self {
            Verdict::Pass { nodes, .. } | Verdict::Fail { nodes, .. } | Verdict::Unknown { nodes, .. } => {
                nodes.as_ref()
            }
        }
    }

    fn one(result: Result<bool, parse::ExpressionError>, actual: String, nodes: Option<Spread>) -> Verdict {
        match result {
            Ok(true) => Verdict::Pass { actual, nodes },
            Ok(false) => Verdict::Fail { actual, nodes },
            Err(error) => Verdict::Unknown { actual: Some(actual), reason: error.to_string(), nodes },
        }
    }
}

/// Judges `expression` on the reading that `path` names: on every node that it concerns, where it is one of nodes.
pub fn judge(path: &str, expression: &str, inventory: &Inventory) -> Verdict {
    match path::by_node(path, inventory) {
        Some(readings) => judge_nodes(path, expression, readings),
        None => {
            let only = path::only_node(path, inventory).map(|(node, of)| Spread {
                of,
                only: Some(node.name.to_string()),
                ..Spread::default()
            });
            judge_record(path, inventory, only, |actual| holds(expression, actual))
        }
    }
}

/// Judges `expression` on the one reading that the reference's file has room for, as the reference does.
pub fn judge_single(path: &str, expression: &str, inventory: &Inventory) -> Verdict {
    judge_record(path, inventory, None, |actual| {
        let clauses = parse::expressions(expression)?;
        clauses.iter().try_fold(true, |all, clause| Ok(eval::holds_as_reference(clause, actual)? && all))
    })
}

fn judge_record(
    path: &str,
    inventory: &Inventory,
    nodes: Option<Spread>,
    holds: impl Fn(&str) -> Result<bool, parse::ExpressionError>,
) -> Verdict {
    match path::find(path, inventory) {
        Ok(actual) => Verdict::one(holds(&actual), actual, nodes),
        Err(missing) => Verdict::Unknown { actual: None, reason: missing.to_string(), nodes: None },
    }
}

fn judge_nodes(path: &str, expression: &str, readings: Vec<(&Node, Option<String>)>) -> Verdict {
    let mut spread = Spread { of: readings.len(), ..Spread::default() };
    let mut values: Vec<String> = Vec::new();
    let mut incomparable = None;
    for (node, reading) in readings {
        let name = || node.name.to_string();
        let Some(reading) = reading else {
            spread.unknown.push(name());
            continue;
        };
        match holds(expression, &reading) {
            Ok(true) => spread.holds += 1,
            Ok(false) => spread.fails.entry(reading.clone()).or_default().push(name()),
            Err(error) => {
                spread.unknown.push(name());
                incomparable.get_or_insert_with(|| error.to_string());
            }
        }
        if !values.contains(&reading) {
            values.push(reading);
        }
    }
    let all = values.join(", ");
    // A cluster of one node has nothing to spread over.
    let nodes = |spread: Spread| (spread.of > 1).then_some(spread);
    if !spread.fails.is_empty() {
        let actual = spread.fails.keys().cloned().collect::<Vec<_>>().join(", ");
        return Verdict::Fail { actual, nodes: nodes(spread) };
    }
    if !spread.unknown.is_empty() {
        let reason = incomparable.unwrap_or_else(|| format!("`{path}` is not measured on {}", listed(&spread.unknown)));
        return Verdict::Unknown { actual: (!all.is_empty()).then_some(all), reason, nodes: nodes(spread) };
    }
    Verdict::Pass { actual: all, nodes: nodes(spread) }
}

/// Judges `expression` on a text that was read elsewhere (a phase constraint of a check).
///
/// # Errors
/// An expression that cannot be read, or sides that cannot be compared.
pub fn holds(expression: &str, actual: &str) -> Result<bool, parse::ExpressionError> {
    let clauses = parse::expressions(expression)?;
    clauses.iter().try_fold(true, |all, clause| Ok(eval::holds(clause, actual)? && all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::{self, Evidence, NodeInfo, NodeReport};
    use std::sync::Arc;

    const PATH: &str = "K8s.node.kubelet-version";

    fn cluster(kubelets: &[(&str, &str)]) -> Inventory {
        let node = |(name, kubelet): &(&str, &str)| {
            let report = NodeReport {
                name: (*name).into(),
                labels: [("nvidia.com/gpu.present", "true")].into_iter().collect(),
                info: NodeInfo { kubelet: (!kubelet.is_empty()).then(|| (*kubelet).into()), ..NodeInfo::default() },
                ..NodeReport::default()
            };
            Arc::new(node::of(&report, &Evidence::default()))
        };
        Inventory { nodes: kubelets.iter().map(node).collect(), ..Inventory::default() }
    }

    #[track_caller]
    fn check(kubelets: &[(&str, &str)], expression: &str, expected: &str) {
        let verdict = judge(PATH, expression, &cluster(kubelets));
        let word = match &verdict {
            Verdict::Pass { .. } => "pass",
            Verdict::Fail { .. } => "fail",
            Verdict::Unknown { .. } => "unknown",
        };
        let nodes = verdict.nodes().map(Spread::words).unwrap_or_default();
        assert_eq!(format!("{word} {} | {nodes}", verdict.actual().unwrap_or("-")), expected);
    }

    #[test]
    fn a_rule_on_nodes_holds_on_all_or_names_those_on_which_it_does_not() {
        let skewed = [("gpu-a", "v1.34.3"), ("gpu-b", "v1.34.1"), ("gpu-c", "v1.34.3")];
        check(&skewed, ">= 1.34.2", "fail v1.34.1 | 2 of 3 nodes; not on gpu-b (v1.34.1)");
        check(&skewed, ">= 1.34", "pass v1.34.3, v1.34.1 | 3 of 3 nodes");
        check(&skewed[..1], ">= 1.34", "pass v1.34.3 | ");
        let names: Vec<String> = (0..8).map(|n| format!("n{n}")).collect();
        let old: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v1.33.0")).collect();
        check(&old, ">= 1.34", "fail v1.33.0 | 0 of 8 nodes; not on n0, n1, n2, n3, n4 and 3 more (v1.33.0)");
    }

    #[test]
    fn a_node_that_was_not_measured_leaves_the_answer_open() {
        check(&[("a", "v1.34.3"), ("b", "")], ">= 1.34", "unknown v1.34.3 | 1 of 2 nodes; not measured on b");
        check(
            &[("a", "v1.33.3"), ("b", "")],
            ">= 1.34",
            "fail v1.33.3 | 0 of 2 nodes; not on a (v1.33.3); not measured on b",
        );
    }
}
