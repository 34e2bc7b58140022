//! gpu-operator-version: the installed GPU operator satisfies the recipe's constraint.

use super::{
    Answer, Block, Check, Ending, Facts, Outcome, Rule, Step,
    facts::{name, text},
    gpu_operator_health::{find_operator, namespace, operators},
};
use crate::{catalog::validator::Phase, constraint, validate::input::Input};
use serde_json::Value;

pub struct GpuOperatorVersion;

const CONSTRAINT: &str = "Deployment.gpu-operator.version";

impl Check for GpuOperatorVersion {
    fn name(&self) -> &'static str {
        "gpu-operator-version"
    }

    fn about(&self) -> &'static str {
        "The version of the installed GPU operator, read from its Deployment, satisfies `Deployment.gpu-operator.version`."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        vec![Rule::list("apps", &["deployments"]).within(namespace(input))]
    }

    fn next(&self, input: &Input, facts: &Facts, _elapsed: u64) -> Step {
        let namespace = namespace(input);
        let read = operators(&namespace);
        let Some(answer) = facts.get(&read) else { return Step::Read(vec![read]) };
        let Some(operator) = find_operator(facts.items(&read)) else {
            let why = Answer::trouble(answer).unwrap_or("no Deployment of the GPU operator");
            return Ending::of(vec![format!("namespace {namespace}: {why}")], Vec::new());
        };
        let Some(version) = version(operator) else {
            let problem = format!("Deployment {namespace}/{} does not carry its version", name(operator));
            return Ending::of(vec![problem], Vec::new());
        };
        let mut block = Block::new("GPU operator version", vec![format!("Detected: {version}")]);
        let Some(expression) = input.phase_constraint(Phase::Deployment, CONSTRAINT) else {
            let reason = format!("the recipe sets no `{CONSTRAINT}`; the installed version is {version}");
            return Step::End(Ending { outcome: Outcome::Skip(reason), evidence: vec![block] });
        };
        let problems = match constraint::holds(expression, &version) {
            Ok(holds) => {
                block.lines.push(format!("Constraint: {expression} → {holds}"));
                if holds { Vec::new() } else { vec![format!("the GPU operator is {version}, expected {expression}")] }
            }
            Err(error) => vec![format!("`{CONSTRAINT}` `{expression}` cannot be evaluated: {error}")],
        };
        Ending::of(problems, vec![block])
    }
}

/// From the version label, the image tag, or the annotation; always with a leading `v`.
fn version(operator: &Value) -> Option<String> {
    let containers = operator.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let image = containers
        .into_iter()
        .flatten()
        .map(|container| text(container, "/image"))
        .find(|image| image.contains("gpu-operator"));
    let tag = image
        .and_then(|image| image.split('@').next()?.rsplit_once(':'))
        .map(|(_, tag)| tag.split('-').next().unwrap_or(tag));
    let candidates = [
        text(operator, "/metadata/labels/app.kubernetes.io~1version"),
        tag.unwrap_or_default(),
        text(operator, "/metadata/annotations/nvidia.com~1gpu-operator-version"),
    ];
    let version = candidates.into_iter().find(|version| !version.is_empty())?;
    Some(if version.starts_with('v') { version.to_owned() } else { format!("v{version}") })
}
