//! inference-gateway: the gateway for inference is programmed, its kinds are defined, and something answers behind it.

use super::{
    Block, Check, Ending, Facts, Read, Rule, Step,
    facts::{Findings, condition, definition, definitions, name, text},
    robust_controller::ready_endpoints,
};
use crate::validate::input::Input;
use serde_json::Value;

pub struct InferenceGateway;

const COMPONENT: &str = "agentgateway";
const NAMESPACE: &str = "agentgateway-system";
const CLASS: &str = "agentgateway";
const GATEWAY: &str = "inference-gateway";
const API: &str = "gateway.networking.k8s.io/v1";
const GROUP: &str = "gateway.networking.k8s.io";
const KINDS: [&str; 3] = [
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "inferencepools.inference.networking.x-k8s.io",
];
/// The pool of requests under its final name; either is enough.
const POOLS: &str = "inferencepools.inference.networking.k8s.io";

impl Check for InferenceGateway {
    fn name(&self) -> &'static str {
        "inference-gateway"
    }

    fn about(&self) -> &'static str {
        "GatewayClass agentgateway is Accepted, Gateway inference-gateway is Programmed, its kinds are defined and its data \
         plane has a ready endpoint; no request is sent through it, and an address open to everyone is reported, not failed."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let namespace = input.namespace(COMPONENT, NAMESPACE);
        vec![
            Rule::get(GROUP, "gatewayclasses", vec![CLASS.to_owned()]),
            Rule::get(GROUP, "gateways", vec![GATEWAY.to_owned()]).within(&*namespace),
            Rule::get(
                "apiextensions.k8s.io",
                "customresourcedefinitions",
                KINDS.iter().chain([&POOLS]).map(|name| (*name).to_owned()).collect(),
            ),
            Rule::list("discovery.k8s.io", &["endpointslices"]).within(&*namespace),
            Rule::list("", &["services"]).within(&*namespace),
        ]
    }

    fn next(&self, input: &Input, facts: &Facts, _elapsed: u64) -> Step {
        if input.enabled(COMPONENT).is_none() {
            return Ending::skip(format!("the recipe has no enabled {COMPONENT}"));
        }
        let namespace = input.namespace(COMPONENT, NAMESPACE);
        let class = Read::object(API, "", "gatewayclasses", CLASS);
        let gateway = Read::object(API, &namespace, "gateways", GATEWAY);
        let slices = Read::list("discovery.k8s.io/v1", &namespace, "endpointslices", "")
            .keeping(&["metadata.labels", "endpoints"]);
        let services = Read::list("v1", &namespace, "services", "").keeping(&["spec"]);
        let mut reads = vec![class.clone(), gateway.clone(), slices.clone(), services.clone(), definition(POOLS)];
        reads.extend(KINDS.map(definition));
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let mut findings = Findings::default();
        let mut blocks = vec![
            state("GatewayClass", "", CLASS, "Accepted", (&class, facts), &mut findings),
            state("Gateway", &namespace, GATEWAY, "Programmed", (&gateway, facts), &mut findings),
        ];
        // Of a pool of requests, the final name counts unless only the older one is there.
        let has_older = facts.object(&definition(KINDS[2])).is_some();
        let is_final = facts.object(&definition(POOLS)).is_some() || facts.unread(&definition(POOLS)).is_some();
        let kinds = if is_final && !has_older { [KINDS[0], KINDS[1], POOLS] } else { KINDS };
        blocks.push(definitions(&kinds, facts, &mut findings));
        let ready = ready_endpoints(facts.items(&slices), is_data_plane);
        if ready == 0 {
            let what = format!("namespace {namespace}");
            findings.absent(&what, &slices, facts, "no ready endpoint of the inference gateway");
        }
        blocks.push(
            Block::new("Gateway Data Plane", vec![format!("ready endpoints: {ready}")])
                .equivalent(format!("kubectl get endpointslices -n {namespace}")),
        );
        blocks.push(match facts.unread(&services) {
            // Exposure is reported and not judged, so that the verdict does not need it.
            Some(why) => Block::new(EXPOSURE, vec![why]),
            None => exposure(facts.items(&services)),
        });
        findings.end(blocks)
    }
}

/// Whether a Service carries requests, by its name.
fn is_data_plane(service: &str) -> bool {
    service.contains(GATEWAY) && !["controller-manager", "webhook", "metrics"].iter().any(|part| service.contains(part))
}

fn state(
    kind: &str,
    namespace: &str,
    name: &str,
    wanted: &str,
    (read, facts): (&Read, &Facts),
    findings: &mut Findings,
) -> Block {
    let title = if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") };
    let state = match facts.object(read).map(|found| condition(found, wanted)) {
        Some(Some(true)) => wanted.to_owned(),
        Some(other) => {
            let state = if other.is_some() { format!("not {wanted}") } else { format!("no condition {wanted}") };
            findings.problems.push(format!("{title}: {state}"));
            state
        }
        None => findings.absent(&title, read, facts, "not found"),
    };
    Block::new(kind, vec![format!("{title}: {state}")]).equivalent(format!("kubectl get {} -A", kind.to_lowercase()))
}

const EXPOSURE: &str = "Inference Gateway Exposure";

/// Who may reach the gateway from outside.
fn exposure(services: &[Value]) -> Block {
    let is_open = |service: &&Value| {
        let ranges = service.pointer("/spec/loadBalancerSourceRanges").and_then(Value::as_array);
        ranges.is_none_or(|ranges| {
            ranges.is_empty() || ranges.iter().any(|range| range == "0.0.0.0/0" || range == "::/0")
        })
    };
    let balanced =
        services.iter().filter(|service| text(service, "/spec/type") == "LoadBalancer" && is_data_plane(name(service)));
    let lines: Vec<String> = balanced
        .map(|service| {
            let word =
                if is_open(&service) { "WARNING: reachable from any address" } else { "limited to source ranges" };
            format!("LoadBalancer Service {}: {word}", name(service))
        })
        .collect();
    let none = vec!["no LoadBalancer Service".to_owned()];
    Block::new(EXPOSURE, if lines.is_empty() { none } else { lines })
}
