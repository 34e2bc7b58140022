//! robust-controller: the operator of the AI platform runs, and its webhook refuses an object that makes no sense.

use super::{
    Answer, Block, Change, Check, Ending, Facts, Outcome, Read, Rule, Step,
    facts::{ROLLOUT, definition, definitions, name, rollout, text},
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
        let mut problems = Vec::new();
        let mut blocks = vec![
            deployment(operator, &namespace, facts, &deployments, &mut problems),
            webhook(operator, &namespace, facts, (&webhooks, &slices), &mut problems),
            definitions(&[&operator.definition()], facts, &mut problems),
        ];
        let Some(version) = facts.object(&kind).and_then(served) else { return Ending::of(problems, blocks) };
        let object = json!({
            "apiVersion": format!("{}/{version}", operator.group), "kind": operator.kind,
            "metadata": probe::metadata(input, self.name(), &probe::object_name(input, "robust")),
            "spec": (operator.nonsense)(),
        });
        let trial = Change::trial(operator.resource, object);
        let Some(answer) = facts.change(&trial) else { return Step::Change(vec![trial]) };
        let mut unknown = None;
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
                unknown = Some(format!("the webhook could not be tried: {text}"));
                text
            }
        };
        blocks.push(Block::new("Webhook Rejection Test", vec![line]));
        match unknown {
            Some(unknown) if problems.is_empty() => Ending::with(Outcome::NoVerdict(vec![unknown]), blocks),
            _ => Ending::of(problems, blocks),
        }
    }
}

/// The first version of a definition that is served.
fn served(definition: &Value) -> Option<&str> {
    let versions = definition.pointer("/spec/versions")?.as_array()?;
    versions.iter().find(|version| version["served"] == true).map(|version| text(version, "/name"))
}

fn deployment(operator: &Operator, namespace: &str, facts: &Facts, read: &Read, problems: &mut Vec<String>) -> Block {
    let found = facts.items(read).iter().find(|item| name(item).ends_with(operator.deployment));
    let line = match found {
        Some(found) => {
            let (ready, healthy) = rollout("Deployment", found);
            if !healthy || ready.starts_with("0/") {
                problems.push(format!("Deployment {namespace}/{}: {ready} replicas available", name(found)));
            }
            format!("{}: {ready} available", name(found))
        }
        None => {
            let trouble = facts.get(read).and_then(Answer::trouble);
            let why = trouble.map_or_else(|| format!("no Deployment named *{}", operator.deployment), str::to_owned);
            problems.push(format!("namespace {namespace}: {why}"));
            why
        }
    };
    Block::new("Operator Deployment", vec![line]).equivalent(format!("kubectl get deployments -n {namespace}"))
}

fn webhook(
    operator: &Operator,
    namespace: &str,
    facts: &Facts,
    (webhooks, slices): (&Read, &Read),
    problems: &mut Vec<String>,
) -> Block {
    let mut lines = Vec::new();
    match facts.items(webhooks).iter().find(|item| name(item).contains(operator.webhook)) {
        None => {
            let trouble = facts.get(webhooks).and_then(Answer::trouble);
            let why = trouble.map_or_else(
                || format!("no ValidatingWebhookConfiguration named *{}*", operator.webhook),
                str::to_owned,
            );
            problems.push(why.clone());
            lines.push(why);
        }
        Some(found) => {
            let webhooks = found["webhooks"].as_array().into_iter().flatten();
            let services: std::collections::BTreeSet<&str> = webhooks
                .filter(|webhook| text(webhook, "/clientConfig/service/namespace") == namespace)
                .map(|webhook| text(webhook, "/clientConfig/service/name"))
                .collect();
            if services.is_empty() {
                problems.push(format!("{} calls no Service in namespace {namespace}", name(found)));
            }
            for service in services {
                let ready = ready_endpoints(facts.items(slices), |of| of == service);
                if ready == 0 {
                    problems.push(format!("webhook Service {namespace}/{service} has no ready endpoint"));
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
