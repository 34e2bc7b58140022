//! accelerator-metrics: the DCGM exporter of every GPU node serves live values of the metrics that dashboards need.

use super::{
    Answer, Block, Check, Ending, Facts, Outcome, Part, PartVerdict, Read, Rule, Step,
    facts::{name, text},
    gpu_operator_health::namespace,
};
use crate::{text::plural, validate::input::Input};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub struct AcceleratorMetrics;

/// What must be in each answer.
const REQUIRED: &[&str] =
    &["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_POWER_USAGE"];
const LABEL: &str = "app=nvidia-dcgm-exporter";

/// Seconds during which an exporter that starts may begin to answer.
const PATIENCE: u64 = 60;

impl Check for AcceleratorMetrics {
    fn name(&self) -> &'static str {
        "accelerator-metrics"
    }

    fn about(&self) -> &'static str {
        "On every GPU node a pod of the DCGM exporter serves a value of each required metric, for as many GPUs as the node \
         says it has; it asks the pods themselves, not their Service."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        vec![Rule::list("", &["nodes"]), Rule::list("", &["pods"]).within(namespace(input))]
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        let namespace = namespace(input);
        let nodes = Read::list("v1", "", "nodes", "nvidia.com/gpu.present=true").keeping(&["metadata.labels"]);
        let pods =
            Read::list("v1", &namespace, "pods", LABEL).keeping(&["spec.nodeName", "status.podIP", "status.phase"]);
        let missing = facts.missing(&[nodes.clone(), pods.clone()]);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        if let Some(why) = facts.any_unread([&nodes, &pods]) {
            return Ending::no_verdict(why, Vec::new());
        }
        if let Some(Answer::NoNamespace(why)) = facts.get(&pods) {
            return Ending::fail(why.clone(), Vec::new());
        }
        let nodes_found = facts.items(&nodes);
        if nodes_found.is_empty() {
            return Ending::fail("no node has the label nvidia.com/gpu.present=true", Vec::new());
        }
        let pages: BTreeMap<&str, Read> = facts.items(&pods).iter().filter_map(page).collect();
        let reads: Vec<Read> = pages.values().cloned().collect();
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let parts: Vec<Part> = nodes_found.iter().map(|node| judge(node, pages.get(name(node)), facts)).collect();
        let of = |verdict: PartVerdict| -> Vec<String> {
            let parts = parts.iter().filter(|part| part.verdict == verdict);
            parts.map(|part| format!("node {}: {}", part.name, part.detail)).collect()
        };
        let (failed, unknown) = (of(PartVerdict::Fail), of(PartVerdict::NoVerdict));
        if let Some(first) = failed.first().or(unknown.first()).filter(|_| elapsed < PATIENCE) {
            let mut again = reads;
            again.push(pods);
            return Step::Again { after: 5, reads: again, waiting_for: first.clone() };
        }
        let outcome = match (failed.is_empty(), unknown.is_empty()) {
            (false, _) => Outcome::Fail(failed),
            (true, false) => Outcome::NoVerdict(unknown),
            (true, true) => Outcome::Pass,
        };
        Step::End(Ending { outcome, evidence: evidence(&namespace, &pages, facts), parts })
    }
}

/// The node of an exporter that runs, and what to read from it.
fn page(pod: &Value) -> Option<(&str, Read)> {
    let address = text(pod, "/status/podIP");
    if address.is_empty() || text(pod, "/status/phase") != "Running" {
        return None;
    }
    let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    Some((text(pod, "/spec/nodeName"), Read::Samples { url: format!("http://{host}:9400/metrics"), names: REQUIRED }))
}

fn judge(node: &Value, page: Option<&Read>, facts: &Facts) -> Part {
    let (verdict, detail) = match page.and_then(|page| facts.unread(page)) {
        Some(why) => (PartVerdict::NoVerdict, why),
        None => match verdict(node, page, facts) {
            Ok(detail) => (PartVerdict::Pass, detail),
            Err(detail) => (PartVerdict::Fail, detail),
        },
    };
    Part { name: name(node).to_owned(), verdict, detail }
}

fn verdict(node: &Value, page: Option<&Read>, facts: &Facts) -> Result<String, String> {
    let page = page.ok_or("no pod of the DCGM exporter runs there")?;
    let body = match facts.get(page) {
        Some(Answer::Http { status: 200, body }) => body,
        Some(Answer::Http { status, .. }) => return Err(format!("the exporter answered {status}")),
        _ => return Err("the exporter did not answer".to_owned()),
    };
    let absent: Vec<&str> = REQUIRED.iter().copied().filter(|metric| values(body, metric).is_empty()).collect();
    if !absent.is_empty() {
        return Err(format!("metrics missing: {}", absent.join(", ")));
    }
    let gpus = REQUIRED.iter().map(|metric| values(body, metric).len()).min().unwrap_or(0);
    let expected = text(node, "/metadata/labels/nvidia.com~1gpu.count").parse().unwrap_or(0);
    if gpus < expected {
        return Err(format!("values of {gpus} {}, expected {expected}", plural(gpus, "GPU")));
    }
    Ok(format!("live values of {gpus} {}", plural(gpus, "GPU")))
}

/// The GPUs with a number for that metric; help texts, and what DCGM writes for a value that it cannot read, are none.
fn values<'b>(body: &'b str, metric: &str) -> BTreeSet<&'b str> {
    let sample = |line: &'b str| {
        let rest = line.strip_prefix(metric)?;
        let (labels, value) = match rest.strip_prefix('{') {
            Some(inside) => inside.rsplit_once('}')?,
            None => ("", rest.strip_prefix(' ')?),
        };
        // With a time stamp after it.
        let value: f64 = value.split_whitespace().next()?.parse().ok()?;
        value.is_finite().then(|| {
            labels
                .split_once("UUID=\"")
                .or(labels.split_once("gpu=\""))
                .map_or("", |(_, rest)| rest.split('"').next().unwrap_or(""))
        })
    };
    body.lines().filter_map(sample).collect()
}

fn evidence(namespace: &str, pages: &BTreeMap<&str, Read>, facts: &Facts) -> Vec<Block> {
    let sample = pages.values().find_map(|page| match facts.get(page) {
        Some(Answer::Http { body, .. }) => Some(body),
        _ => None,
    });
    let lines = sample.map_or_else(Vec::new, |body| body.lines().take(8).map(str::to_owned).collect());
    vec![
        Block::new("DCGM exporter pods", vec![format!("{} running", pages.len())])
            .equivalent(format!("kubectl get pods -n {namespace} -l {LABEL} -o wide")),
        Block::new("DCGM Exporter Metrics (sample)", lines),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_texts_and_values_that_are_none_are_no_values() {
        let body = "# HELP M x\nM{gpu=\"0\",UUID=\"a\"} 1\nM{gpu=\"1\",UUID=\"b\"} 2 1700000000\nM{gpu=\"2\",UUID=\"c\"} NaN\nMORE 1\n";
        assert_eq!(values(body, "M").into_iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(values("M 0\n", "M").len(), 1);
    }
}
