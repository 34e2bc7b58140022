//! Rules over the labels of all GPU nodes: `NodeTopology.gpu-nodes.label`.
//!
//! `key=value`: every GPU node carries the label with exactly that value. `!key`: none carries it. A GPU node is one with
//! GKE's accelerator label. What the snapshot cannot say leaves the answer open.

use super::{Spread, Verdict};
use crate::{
    inventory::Inventory,
    snapshot::labels::{self, Carriers},
};
use std::collections::{BTreeMap, BTreeSet};

/// The label that makes a node a GPU node.
const GPU_NODE: &str = "cloud.google.com/gke-accelerator";

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeSet<'t> {
    /// Every node carries the label with this value.
    All {
        /// The label.
        key: &'t str,
        /// May be empty.
        value: &'t str,
    },
    /// No node carries the label.
    No {
        /// The label.
        key: &'t str,
    },
}

/// Reads `key=value` or `!key`.
///
/// # Errors
/// What is missing.
pub fn parse(text: &str) -> Result<NodeSet<'_>, &'static str> {
    let text = text.trim();
    let (set, key) = match (text.strip_prefix('!'), text.split_once('=')) {
        (Some(key), _) => (NodeSet::No { key }, key),
        (None, Some((key, value))) => (NodeSet::All { key, value }, key),
        (None, None) => return Err("expected `key=value` or `!key`"),
    };
    let is_key = !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || matches!(c, '=' | '!' | ','));
    if is_key { Ok(set) } else { Err("expected the name of a label in `key=value` or `!key`") }
}

/// Judges a rule on all GPU nodes.
pub fn judge(expression: &str, inventory: &Inventory) -> Verdict {
    decide(expression, inventory).unwrap_or_else(|reason| Verdict::Unknown { actual: None, reason, nodes: None })
}

fn decide(expression: &str, inventory: &Inventory) -> Result<Verdict, String> {
    let set = parse(expression)?;
    let read = |key: &str| labels::carriers(inventory, key).map_err(|error| error.to_string());
    let gpu_nodes: BTreeSet<String> = read(GPU_NODE)?.into_values().flatten().collect();
    if gpu_nodes.is_empty() {
        return Err(format!("no node of the snapshot has the label `{GPU_NODE}`"));
    }
    let (NodeSet::All { key, .. } | NodeSet::No { key }) = set;
    let by_node = by_node(read(key)?);
    let mut spread = Spread { of: gpu_nodes.len(), ..Spread::default() };
    for node in &gpu_nodes {
        let found = by_node.get(node).map(String::as_str);
        let holds = match set {
            NodeSet::All { value, .. } => found == Some(value),
            NodeSet::No { .. } => found.is_none(),
        };
        if holds {
            spread.holds += 1;
        } else {
            let reading = found.map_or_else(|| format!("no {key}"), |value| format!("{key}={value}"));
            spread.fails.entry(reading).or_default().push(node.clone());
        }
    }
    let actual = match spread.fails.is_empty() {
        true => expression.trim().to_owned(),
        false => spread.fails.keys().cloned().collect::<Vec<_>>().join(", "),
    };
    let nodes = (spread.of > 1).then(|| spread.clone());
    Ok(if spread.fails.is_empty() { Verdict::Pass { actual, nodes } } else { Verdict::Fail { actual, nodes } })
}

fn by_node(carriers: Carriers) -> BTreeMap<String, String> {
    let pairs =
        carriers.into_iter().flat_map(|(value, nodes)| nodes.into_iter().map(move |node| (node, value.clone())));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constraint::judge as judge_path;

    const FLAG: &str = "gke-no-default-nvidia-gpu-device-plugin";

    fn cluster(items: &[(&str, &str, &str)]) -> Inventory {
        let items = items.iter().map(|(key, value, nodes)| {
            format!(
                "{{context: {{key: {key}, value: \"{value}\"}}, data: {{node-list: \"{nodes}\", truncated: false}}}}"
            )
        });
        let items = items.collect::<Vec<_>>().join(", ");
        let text = format!(
            "kind: Snapshot\nmeasurements: [{{type: NodeTopology, subtypes: [{{subtype: label, items: [{items}]}}]}}]\n"
        );
        crate::snapshot::format::read(&text).unwrap()
    }

    #[track_caller]
    fn check(items: &[(&str, &str, &str)], expression: &str, expected: &str) {
        let path = crate::snapshot::address::GPU_NODE_LABEL;
        let verdict = judge_path(path, expression, &cluster(items));
        let (word, reason) = match &verdict {
            Verdict::Pass { .. } => ("pass", ""),
            Verdict::Fail { .. } => ("fail", ""),
            Verdict::Unknown { reason, .. } => ("unknown", reason.as_str()),
        };
        let nodes = verdict.nodes().map(Spread::words).unwrap_or_default();
        let shown = [word, verdict.actual().unwrap_or_default(), &nodes, reason];
        let shown: Vec<&str> = shown.into_iter().filter(|part| !part.is_empty()).collect();
        assert_eq!(shown.join(" | "), expected);
    }

    #[test]
    fn every_gpu_node_counts_and_no_other() {
        let flagged = [(GPU_NODE, "h100", "a,b"), (FLAG, "true", "a,b,c")];
        check(&flagged, &format!("{FLAG}=true"), &format!("pass | {FLAG}=true | 2 of 2 nodes"));
        check(&flagged, &format!("!{FLAG}"), &format!("fail | {FLAG}=true | 0 of 2 nodes; not on a, b ({FLAG}=true)"));
        let one = [(GPU_NODE, "h100", "a,b"), (FLAG, "true", "a"), (FLAG, "false", "b")];
        check(&one, &format!("{FLAG}=true"), &format!("fail | {FLAG}=false | 1 of 2 nodes; not on b ({FLAG}=false)"));
        let none = [(GPU_NODE, "h100", "a"), (FLAG, "true", "c")];
        check(&none, &format!("!{FLAG}"), &format!("pass | !{FLAG}"));
        check(&none, &format!("{FLAG}=true"), &format!("fail | no {FLAG}"));
        check(&[(GPU_NODE, "h100", "a"), (FLAG, "", "a")], &format!("{FLAG}="), &format!("pass | {FLAG}="));
    }

    #[test]
    fn an_answer_that_the_snapshot_cannot_give_is_open() {
        check(
            &[("x", "y", "a")],
            &format!("!{FLAG}"),
            &format!("unknown | no node of the snapshot has the label `{GPU_NODE}`"),
        );
        check(&[], &format!("!{FLAG}"), "unknown | the snapshot has no node labels");
        check(
            &[(GPU_NODE, "h100", "a (+1 more)")],
            &format!("!{FLAG}"),
            &format!("unknown | the snapshot lists only some of the nodes with `{GPU_NODE}`"),
        );
        for bad in ["flag", "=true", "!", "a b=c", "!a=b"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
