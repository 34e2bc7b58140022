//! gke-gpu-nic-topology: every A3 node has its eight GPU NICs as eth1 to eth8.

use super::{
    Answer, Block, Check, Ending, Facts, Read, Rule, Step,
    facts::{name, text},
    gke_gpu_nic_networks::{COMPONENT, NICS},
};
use crate::validate::input::Input;
use serde_json::Value;
use std::collections::BTreeSet;

pub struct GkeGpuNicTopology;

/// What GKE writes about the NICs of a node when it is made.
const NIC_INFO: &str = "/metadata/annotations/networking.gke.io~1nic-info";

impl Check for GkeGpuNicTopology {
    fn name(&self) -> &'static str {
        "gke-gpu-nic-topology"
    }

    fn about(&self) -> &'static str {
        "By GKE's annotation, every A3 node knows eth1 to eth8, each at a PCI address of its own, so that no other NIC has \
         taken the place of a GPU NIC; a node without the annotation gives no verdict."
    }

    fn rules(&self, _input: &Input) -> Vec<Rule> {
        vec![Rule::list("", &["nodes"])]
    }

    fn next(&self, input: &Input, facts: &Facts, _elapsed: u64) -> Step {
        if input.enabled(COMPONENT).is_none() {
            return Ending::skip(format!("the recipe has no enabled {COMPONENT}"));
        }
        let keep = &["metadata.labels", "metadata.annotations.networking~gke~io/nic-info"];
        let read = Read::list("v1", "", "nodes", "").keeping(keep);
        let nodes = match facts.get(&read) {
            None => return Step::Read(vec![read]),
            Some(Answer::Items(items)) => items,
            Some(_) => {
                let none = format!("could not {read}: no answer");
                return Ending::no_verdict(facts.unread_or(&read, none), Vec::new());
            }
        };
        let is_a3 = |node: &&Value| text(node, "/metadata/labels/node.kubernetes.io~1instance-type").starts_with("a3-");
        let (mut problems, mut unknown, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for node in nodes.iter().filter(is_a3) {
            match missing(node) {
                None => unknown.push(format!("node {} has no annotation `networking.gke.io/nic-info`", name(node))),
                Some(missing) if missing.is_empty() => lines.push(format!("{}: eth1 to eth{NICS}", name(node))),
                Some(missing) => {
                    let problem = format!("node {}: no GPU NIC at {}", name(node), missing.join(", "));
                    lines.push(problem.clone());
                    problems.push(problem);
                }
            }
        }
        if lines.is_empty() && unknown.is_empty() {
            return Ending::fail("no node is an A3 machine", Vec::new());
        }
        let block = Block::new("GPU NICs", lines).equivalent("kubectl get nodes -o yaml");
        match unknown.as_slice() {
            [first, ..] if problems.is_empty() => Ending::no_verdict(first.clone(), vec![block]),
            _ => Ending::of(problems, vec![block]),
        }
    }
}

/// The interfaces of eth1 to eth8 that are not there; `None` where nothing tells.
fn missing(node: &Value) -> Option<Vec<String>> {
    let nics: Vec<Value> = serde_json::from_str(text(node, NIC_INFO)).ok()?;
    let mut addresses = BTreeSet::new();
    let known: BTreeSet<&str> = nics
        .iter()
        // Two names at one address are one NIC.
        .filter(|nic| addresses.insert(text(nic, "/pciAddress")))
        .map(|nic| text(nic, "/birthName"))
        .collect();
    Some((1..=NICS).map(|index| format!("eth{index}")).filter(|wanted| !known.contains(wanted.as_str())).collect())
}
