//! robust-controller: the operator of the AI platform runs, and its webhook refuses an object that makes no sense.

use super::{
    Answer, Block, Change, Check, Ending, Facts, Read, Rule, Step,
    facts::{Findings, ROLLOUT, definition, definitions, name, rollout, text},
    probe,
};
use crate::validate::input::Input;
use serde_json::{Value, json};

pub struct RobustController;

/// An operator that this check knows.
struct Operator {
    component: &'static str,
    namespace: &'static str,
    /// How the name of its Deployment ends.
    deployment: &'static str,
    /// A part of the name of its webhook configuration.
    webhook: &'static str,
    group: &'static str,
    resource: &'static str,
    kind: &'static str,
    /// What its webhook has to refuse.
    nonsense: fn() -> Value,
}

const OPERATORS: [Operator; 2] = [
    Operator {
        component: "dynamo-platform",
        namespace: "dynamo-system",
        deployment: "dynamo-operator-controller-manager",
        webhook: "dynamo",
        group: "nvidia.com",
        resource: "dynamographdeployments",
        kind: "DynamoGraphDeployment",
        nonsense: || json!({"services": {}, "components": []}),
    },
    Operator {
        component: "kubeflow-trainer",
        namespace: "kubeflow",
        deployment: "trainer-controller-manager",
        webhook: "validator.trainer.kubeflow.org",
        group: "trainer.kubeflow.org",
        resource: "trainjobs",
        kind: "TrainJob",
        nonsense: || json!({"runtimeRef": {"kind": "TrainingRuntime", "name": "aicr-does-not-exist"}}),
    },
];

impl Operator {
    fn definition(&self) -> String {
        format!("{}.{}", self.resource, self.group)
    }
}

fn operator(input: &Input) -> Option<&'static Operator> {
    OPERATORS.iter().find(|operator| input.enabled(operator.component).is_some())
}

impl Check for RobustController {
    fn name(&self) -> &'static str {
        "robust-controller"
    }

    fn about(&self) -> &'static str {
        "The operator of Dynamo or Kubeflow Trainer is available, its kind is defined, its webhook has ready endpoints and \
         refuses an object that makes no sense; the object is tried, never kept, and nothing is reconciled."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let Some(operator) = operator(input) else { return Vec::new() };
        let namespace = input.namespace(operator.component, operator.namespace);
        vec![
            Rule::list("apps", &["deployments"]).within(&*namespace),
            Rule::list("discovery.k8s.io", &["endpointslices"]).within(&*namespace),
            Rule::list("admissionregistration.k8s.io", &["validatingwebhookconfigurations"]),
            Rule::get("apiextensions.k8s.io", "customresourcedefinitions", vec![operator.definition()]),
            // Of trials only; the API server keeps nothing.
            Rule::to(&["create"], operator.group, operator.resource).within(&*input.place.namespace),
        ]
    }

    fn next(&self, input: &Input, facts: &Facts, _elapsed: u64) -> Step {
        let Some(operator) = operator(input) else {
            return Ending::skip("the recipe has neither dynamo-platform nor kubeflow-trainer");
        };
        let namespace = input.namespace(operator.component, operator.namespace);
        let deployments = Read::list("apps/v1", &namespace, "deployments", "").keeping(ROLLOUT);
        let slices = Read::list("discovery.k8s.io/v1", &namespace, "endpointslices", "")
            .keeping(&["metadata.labels", "endpoints"]);
        let webhooks = Read::list("admissionregistration.k8s.io/v1", "", "validatingwebhookconfigurations", "")
            .keeping(&["webhooks"]);
        let kind = definition(&operator.definition());
        let missing = facts.missing(&[deployments.clone(), slices.clone(), webhooks.clone(), kind.clone()]);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let mut findings = Findings::default();
        let mut blocks = vec![
            deployment(operator, &namespace, facts, &deployments, &mut findings),
            webhook(operator, &namespace, facts, (&webhooks, &slices), &mut findings),
            definitions(&[&operator.definition()], facts, &mut findings),
        ];
        let Some(version) = facts.object(&kind).and_then(served) else {
            if facts.object(&kind).is_some() {
                findings.problems.push(format!("{} is served in no version", operator.definition()));
            }
            return findings.end(blocks);
        };
        let object = json!({
            "apiVersion": format!("{}/{version}", operator.group), "kind": operator.kind,
            "metadata": probe::metadata(input, self.name(), &probe::object_name(input, "robust")),
            "spec": (operator.nonsense)(),
        });
        let trial = Change::trial(operator.resource, object);
        let Some(answer) = facts.change(&trial) else { return Step::Change(vec![trial]) };
        let problems = &mut findings.problems;
        let line = match answer {
            Answer::Refused(text) if text.contains("admission webhook") => format!("refused, as it should be: {text}"),
            Answer::Refused(text) => {
                problems.push(format!(
                    "a {} that makes no sense was refused, but not by the webhook: {text}",
                    operator.kind
                ));
                text.clone()
            }
            Answer::Found(_) => {
                problems.push(format!("the webhook admits a {} that makes no sense", operator.kind));
                "admitted".to_owned()
            }
            Answer::Failed(text) if text.contains("webhook") => {
                problems.push(format!("the webhook does not answer: {text}"));
                text.clone()
            }
            other => {
                let text = other.trouble().unwrap_or("no answer").to_owned();
                findings.unread(format!("the webhook could not be tried: {text}"));
                text
            }
        };
        blocks.push(Block::new("Webhook Rejection Test", vec![line]));
        findings.end(blocks)
    }
}

/// The first version of a definition that is served.
fn served(definition: &Value) -> Option<&str> {
    let versions = definition.pointer("/spec/versions")?.as_array()?;
    versions.iter().find(|version| version["served"] == true).map(|version| text(version, "/name"))
}

fn deployment(operator: &Operator, namespace: &str, facts: &Facts, read: &Read, findings: &mut Findings) -> Block {
    let found = facts.items(read).iter().find(|item| name(item).ends_with(operator.deployment));
    let line = match found {
        Some(found) => {
            let (ready, healthy) = rollout("Deployment", found);
            if !healthy || ready.starts_with("0/") {
                let problem = format!("Deployment {namespace}/{}: {ready} replicas available", name(found));
                findings.problems.push(problem);
            }
            format!("{}: {ready} available", name(found))
        }
        None => {
            let none = format!("no Deployment named *{}", operator.deployment);
            findings.absent(&format!("namespace {namespace}"), read, facts, &none)
        }
    };
    Block::new("Operator Deployment", vec![line]).equivalent(format!("kubectl get deployments -n {namespace}"))
}

fn webhook(
    operator: &Operator,
    namespace: &str,
    facts: &Facts,
    (webhooks, slices): (&Read, &Read),
    findings: &mut Findings,
) -> Block {
    let mut lines = Vec::new();
    match facts.items(webhooks).iter().find(|item| name(item).contains(operator.webhook)) {
        None => {
            let why = facts.unread(webhooks);
            let none = || format!("no ValidatingWebhookConfiguration named *{}*", operator.webhook);
            lines.push(why.clone().unwrap_or_else(none));
            match why {
                Some(why) => findings.unread(why),
                None => findings.problems.push(none()),
            }
        }
        Some(found) => {
            let webhooks = found["webhooks"].as_array().into_iter().flatten();
            let services: std::collections::BTreeSet<&str> = webhooks
                .filter(|webhook| text(webhook, "/clientConfig/service/namespace") == namespace)
                .map(|webhook| text(webhook, "/clientConfig/service/name"))
                .collect();
            if services.is_empty() {
                findings.problems.push(format!("{} calls no Service in namespace {namespace}", name(found)));
            }
            for service in services {
                let ready = ready_endpoints(facts.items(slices), |of| of == service);
                match facts.unread(slices) {
                    Some(why) => findings.unread(why),
                    None if ready > 0 => {}
                    None => {
                        findings.problems.push(format!("webhook Service {namespace}/{service} has no ready endpoint"))
                    }
                }
                lines.push(format!("{}: Service {service}, ready endpoints: {ready}", name(found)));
            }
        }
    }
    Block::new("Validating Webhook", lines).equivalent("kubectl get validatingwebhookconfigurations")
}

/// Ready endpoints of Services by name; an endpoint that does not say is ready, as the API defines it.
pub fn ready_endpoints(slices: &[Value], is_meant: impl Fn(&str) -> bool) -> usize {
    let of_service = |slice: &&Value| is_meant(text(slice, "/metadata/labels/kubernetes.io~1service-name"));
    let endpoints =
        slices.iter().filter(of_service).flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten());
    endpoints.filter(|endpoint| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false))).count()
}
