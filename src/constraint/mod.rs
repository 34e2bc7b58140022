//! Rules on a cluster: `K8s.server.version` `>= 1.32.4`.
//!
//! In: an expression and an inventory. Out: a [`Verdict`] with its reason; what the cluster cannot reveal is Unknown,
//! never Fail. A rule on a reading of nodes concerns every node that it is made for: all must hold, and those that do
//! not are named. The arithmetic is the reference's (comparison at the precision of the shorter side).

pub mod eval;
pub mod node_set;
pub mod parse;
pub mod range;
pub mod release;
pub mod strictness;
mod suffix;

use crate::{
    inventory::{Inventory, Node, nodes_in_words},
    snapshot::{address::GPU_NODE_LABEL, path},
    text::listed,
};
use std::collections::{BTreeMap, HashSet};

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

impl Spread {
    /// The part of it that is about some of the nodes, all of which the rule concerns.
    pub fn among(&self, nodes: &HashSet<&str>) -> Spread {
        let ours = |names: &[String]| -> Vec<String> {
            names.iter().filter(|name| nodes.contains(name.as_str())).cloned().collect()
        };
        let fails = self.fails.iter().map(|(reading, names)| (reading.clone(), ours(names)));
        let fails: BTreeMap<String, Vec<String>> = fails.filter(|(_, names)| !names.is_empty()).collect();
        let unknown = ours(&self.unknown);
        let failed: usize = fails.values().map(Vec::len).sum();
        let holds = nodes.len().saturating_sub(failed + unknown.len());
        Spread { of: nodes.len(), holds, fails, unknown, only: None }
    }

    /// In words: `6 of 8 nodes; not on gpu-b (v1.34.1); not measured on gpu-h`.
    pub fn words(&self) -> String {
        if let Some(only) = &self.only {
            return format!("measured on 1 of {} ({only})", nodes_in_words(self.of));
        }
        let held = format!("{} of {}", self.holds, nodes_in_words(self.of));
        match self.exceptions() {
            none if none.is_empty() => held,
            exceptions => format!("{held}; {exceptions}"),
        }
    }

    /// Nodes on which it does not hold or that were not measured: `not on gpu-b (v1.34.1); not measured on gpu-h`.
    pub fn exceptions(&self) -> String {
        if let Some(only) = &self.only {
            return format!("measured on {only} only");
        }
        let fails = self.fails.iter().map(|(reading, names)| format!("not on {} ({reading})", listed(names, LISTED)));
        let unknown = (!self.unknown.is_empty()).then(|| format!("not measured on {}", listed(&self.unknown, LISTED)));
        fails.chain(unknown).collect::<Vec<_>>().join("; ")
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

    /// Whether it holds on each node that it concerns, whichever these are.
    pub fn holds_everywhere(&self) -> bool {
        let is_whole = |spread: &Spread| spread.only.is_none() && spread.fails.is_empty() && spread.unknown.is_empty();
        matches!(self, Verdict::Pass { .. }) && self.nodes().is_none_or(is_whole)
    }

    /// How it did on some of the nodes that it concerns.
    pub fn among(&self, nodes: &HashSet<&str>) -> Spread {
        let only = match self.nodes() {
            Some(spread) if spread.only.is_none() => return spread.among(nodes),
            // One node was measured, or there is no other.
            other => other.and_then(|spread| spread.only.as_deref()),
        };
        let is_measured = |name: &&&str| only.is_none_or(|only| only == **name);
        let owned = |name: &&str| (*name).to_owned();
        let measured: Vec<String> = nodes.iter().filter(is_measured).map(owned).collect();
        let unknown = nodes.iter().filter(|name| !is_measured(name)).map(owned).collect();
        let spread = Spread { of: nodes.len(), unknown, ..Spread::default() };
        match self {
            Verdict::Pass { .. } => Spread { holds: measured.len(), ..spread },
            Verdict::Fail { actual, .. } if !measured.is_empty() => {
                Spread { fails: BTreeMap::from([(actual.clone(), measured)]), ..spread }
            }
            Verdict::Fail { .. } => spread,
            Verdict::Unknown { .. } => Spread { unknown: nodes.iter().map(owned).collect(), ..spread },
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

/// Readings of images that run.
const IMAGE: &str = "K8s.image.";

/// Judges `expression` on the reading that `path` names: on every node that it concerns, where it is one of nodes.
pub fn judge(path: &str, expression: &str, inventory: &Inventory) -> Verdict {
    if path == GPU_NODE_LABEL {
        return node_set::judge(expression, inventory);
    }
    let versions = path.strip_prefix(IMAGE).and_then(|image| inventory.image_versions.get(image));
    if let Some(versions) = versions {
        return judge_versions(expression, versions);
    }
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

/// All versions of an image that run must hold: one of them does not speak for the others.
fn judge_versions(expression: &str, versions: &[String]) -> Verdict {
    let mut fails: Vec<&str> = Vec::new();
    let mut holding: Vec<&str> = Vec::new();
    let mut incomparable = None;
    for version in versions {
        match holds(expression, version) {
            Ok(true) => holding.push(version),
            Ok(false) => fails.push(version),
            Err(error) => incomparable = Some(error),
        }
    }
    let all = versions.join(", ");
    if fails.is_empty() {
        return Verdict::one(incomparable.map_or(Ok(true), Err), all, None);
    }
    let actual = match holding.is_empty() {
        true => fails.join(", "),
        false => format!("{}; also running: {}", fails.join(", "), holding.join(", ")),
    };
    Verdict::Fail { actual, nodes: None }
}

/// Judges `expression` as [`judge`] does, on some of the nodes only; `None` where it is not a rule on nodes, or where it
/// concerns none of these.
pub fn judge_among(path: &str, expression: &str, inventory: &Inventory, nodes: &HashSet<&str>) -> Option<Verdict> {
    let mut readings = path::by_node(path, inventory)?;
    readings.retain(|(node, _)| nodes.contains(&*node.name));
    (!readings.is_empty()).then(|| judge_nodes(path, expression, readings))
}

/// Judges `expression` on the one reading that the reference's file has room for, as the reference does.
pub fn judge_single(path: &str, expression: &str, inventory: &Inventory) -> Verdict {
    if path == GPU_NODE_LABEL {
        return node_set::judge(expression, inventory);
    }
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
    let (kind, rest) = path.split_once('.').unwrap_or_default();
    // What nobody was allowed to read is not what the cluster does not have, and a count of it is not 0.
    let gap = inventory.gap_of(kind, rest.split(['.', '[']).next().unwrap_or_default());
    let unknown = |reason| Verdict::Unknown { actual: None, reason, nodes: None };
    match (path::find(path, inventory), gap) {
        (Ok(_), Some(gap)) if inventory.no_nodes().as_ref() == Some(&gap) => unknown(gap),
        (Ok(actual), _) => Verdict::one(holds(&actual), actual, nodes),
        (Err(missing), gap) => unknown(gap.unwrap_or_else(|| missing.to_string())),
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
        let reason =
            incomparable.unwrap_or_else(|| format!("`{path}` is not measured on {}", listed(&spread.unknown, LISTED)));
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
    use crate::document::header::Edition;
    use crate::inventory::{
        SourceState, State,
        node::{self, Evidence, NodeInfo, NodeReport},
    };
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
    fn a_source_that_could_not_be_read_is_the_reason() {
        let state = State::Forbidden("list nodes: nodes is forbidden: User \"x\" cannot list".into());
        let sources = vec![SourceState { name: "nodes".into(), state }];
        let inventory = Inventory { sources, ..Inventory::default() };
        for path in [PATH, "OS.release.ID", "NodeTopology.summary.node-count"] {
            let verdict = judge(path, ">= 1", &inventory);
            assert!(
                matches!(&verdict, Verdict::Unknown { reason, .. } if reason == "forbidden: list nodes"),
                "{verdict:?}"
            );
        }
    }

    #[test]
    fn some_of_the_nodes_are_judged_alone() {
        let all = [("a", "v1.34.3"), ("b", "v1.33.1"), ("c", ""), ("d", "v1.35.0")];
        let inventory = cluster(&all);
        let verdict = judge(PATH, ">= 1.34", &inventory);
        let spread = verdict.nodes().expect("several nodes");
        let words = |nodes: &[&str]| {
            let nodes: HashSet<&str> = nodes.iter().copied().collect();
            let alone = judge_among(PATH, ">= 1.34", &inventory, &nodes);
            // One node alone has nothing to spread over.
            if let Some(alone) = alone.as_ref().and_then(Verdict::nodes) {
                assert_eq!(*alone, spread.among(&nodes));
            }
            spread.among(&nodes).words()
        };
        assert_eq!(words(&["a", "d"]), "2 of 2 nodes");
        assert_eq!(words(&["b", "c"]), "0 of 2 nodes; not on b (v1.33.1); not measured on c");
        assert_eq!(words(&["d"]), "1 of 1 node");
        assert_eq!(judge_among(PATH, ">= 1.34", &inventory, &HashSet::from(["x"])), None);
        assert_eq!(judge_among("K8s.server.version", ">= 1.34", &inventory, &HashSet::from(["a"])), None);
    }

    #[test]
    fn the_reading_of_one_node_says_nothing_of_the_others() {
        let only = Spread { of: 3, only: Some("a".into()), ..Spread::default() };
        let failed = Verdict::Fail { actual: "v1.33.0".into(), nodes: Some(only) };
        let words = |nodes: &[&str]| failed.among(&nodes.iter().copied().collect()).words();
        assert_eq!(words(&["a", "b"]), "0 of 2 nodes; not on a (v1.33.0); not measured on b");
        assert_eq!(words(&["b"]), "0 of 1 node; not measured on b");
        let alone = Verdict::Pass { actual: "v1.34.0".into(), nodes: None };
        assert_eq!(alone.among(&HashSet::from(["a"])).words(), "1 of 1 node");
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

    #[test]
    fn every_version_of_an_image_must_hold() {
        let of = |tags: &[&str], expression: &str| {
            let images = tags.iter().map(|tag| ("driver".to_owned(), (*tag).to_owned())).collect();
            let several = (tags.len() > 1).then(|| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>());
            let image_versions = several.map(|tags| ("driver".to_owned(), tags)).into_iter().collect();
            let inventory = Inventory {
                images: Arc::new(images),
                image_versions: Arc::new(image_versions),
                ..Inventory::default()
            };
            // As it is in a file, too: the other versions are in the context of the reading.
            let file = crate::snapshot::format::to_value(&inventory, Edition::V1);
            let read = crate::snapshot::format::read(&crate::yaml::to_string(&file)).unwrap();
            let [live, saved] = [&inventory, &read].map(|inventory| judge("K8s.image.driver", expression, inventory));
            assert_eq!(live, saved);
            match live {
                Verdict::Pass { actual, .. } => format!("pass {actual}"),
                Verdict::Fail { actual, .. } => format!("fail {actual}"),
                Verdict::Unknown { actual, reason, .. } => format!("unknown {actual:?} {reason}"),
            }
        };
        assert_eq!(of(&["v25.3.1"], ">= v25.3"), "pass v25.3.1");
        assert_eq!(of(&["v25.3.1", "v25.10.0"], ">= v25.3"), "pass v25.3.1, v25.10.0");
        assert_eq!(of(&["v24.9.2", "v25.10.0"], ">= v25.3"), "fail v24.9.2; also running: v25.10.0");
        assert_eq!(of(&["v25.10.0", "v24.9.2"], ">= v25.3"), "fail v24.9.2; also running: v25.10.0");
        assert_eq!(of(&["v24.6.0", "v24.9.2"], ">= v25.3"), "fail v24.6.0, v24.9.2");
        assert!(of(&["nightly", "v25.10.0"], ">= v25.3").starts_with("unknown Some(\"nightly, v25.10.0\")"));
        assert_eq!(of(&["nightly", "v24.9.2"], ">= v25.3"), "fail v24.9.2");
    }
}
