//! ai-service-metrics: Prometheus has GPU series, and the custom metrics API answers.

use super::{
    Answer, Block, Check, Ending, Facts, Read, Rule, Step,
    facts::{Findings, name, text},
    metrics_api::CUSTOM,
};
use crate::validate::input::Input;
use serde_json::Value;

pub struct AiServiceMetrics;

/// Seconds during which a first scrape may come in.
const PATIENCE: u64 = 120;
const COMPONENT: &str = "kube-prometheus-stack";
const NAMESPACE: &str = "monitoring";
const QUERY: &str = "DCGM_FI_DEV_GPU_UTIL";
/// How Prometheus Services are labeled, by charts in this order.
const SELECTORS: [&str; 2] = ["app.kubernetes.io/name=prometheus", "self-monitor=true"];

impl Check for AiServiceMetrics {
    fn name(&self) -> &'static str {
        "ai-service-metrics"
    }

    fn about(&self) -> &'static str {
        "Prometheus of kube-prometheus-stack holds a series of DCGM_FI_DEV_GPU_UTIL and custom.metrics.k8s.io answers."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        vec![Rule::list("", &["services"]).within(input.namespace(COMPONENT, NAMESPACE)), CUSTOM.rule()]
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        if input.enabled(COMPONENT).is_none() {
            return Ending::of(vec![format!("the recipe has no enabled {COMPONENT} to ask")], Vec::new());
        }
        let namespace = &input.namespace(COMPONENT, NAMESPACE);
        let lists =
            SELECTORS.map(|selector| Read::list("v1", namespace, "services", selector).keeping(&["spec.ports"]));
        let (custom, registration) = (CUSTOM.discovery(), CUSTOM.registration());
        let missing = facts.missing(&[lists[0].clone(), lists[1].clone(), custom.clone(), registration.clone()]);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let Some(service) = lists.iter().flat_map(|list| facts.items(list)).find(|service| has_port(service, 9090))
        else {
            let mut findings = Findings::default();
            let unread = lists.iter().find(|list| facts.unread(list).is_some()).unwrap_or(&lists[0]);
            findings.absent(
                &format!("namespace {namespace}"),
                unread,
                facts,
                "no Service of Prometheus with port 9090",
            );
            return findings.end(Vec::new());
        };
        let url = format!("http://{}.{namespace}.svc:9090/api/v1/query?query={QUERY}", name(service));
        let query = Read::Http(url.clone());
        let Some(answer) = facts.get(&query) else { return Step::Read(vec![query]) };
        let mut findings = Findings::default();
        let series = match facts.unread(&query) {
            Some(why) => {
                findings.unread(format!("{why}; does a network policy block this namespace from Prometheus?"));
                0
            }
            None => series(&url, answer, &mut findings),
        };
        CUSTOM.judge(CUSTOM.0, &custom, facts, &mut findings);
        if !findings.is_empty() && elapsed < PATIENCE {
            let reads = vec![query, custom, registration];
            return Step::Again { after: 10, reads, waiting_for: findings.words() };
        }
        let resources =
            facts.object(&custom).and_then(|list| list["resources"].as_array().cloned()).unwrap_or_default();
        let names = resources.iter().take(20).map(|resource| text(resource, "/name").to_owned()).collect();
        let blocks = vec![
            Block::new(format!("Prometheus Query: {QUERY}"), vec![format!("series: {series}")])
                .equivalent(format!("curl -s '{url}'")),
            Block::new("Custom Metrics API", names).equivalent("kubectl get --raw /apis/custom.metrics.k8s.io/v1beta1"),
        ];
        findings.end(blocks)
    }
}

fn has_port(service: &Value, port: u64) -> bool {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array);
    ports.is_some_and(|ports| ports.iter().any(|known| known["port"] == port))
}

/// How many series the answer holds; what is wrong with it goes to `findings`.
fn series(url: &str, answer: &Answer, findings: &mut Findings) -> usize {
    let problem = match answer {
        Answer::Http { status: 200, body } => {
            let parsed: Value = serde_json::from_str(body).unwrap_or_default();
            match parsed.pointer("/data/result").and_then(Value::as_array) {
                Some(result) if !result.is_empty() => return result.len(),
                Some(_) => format!("Prometheus has no series of {QUERY} yet"),
                None => format!("{url}: the answer is not that of Prometheus"),
            }
        }
        Answer::Http { status, .. } => format!("{url} answered {status}"),
        _ => format!("{url}: no answer"),
    };
    findings.problems.push(problem);
    0
}
