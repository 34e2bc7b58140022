//! gpu-operator-version: the installed GPU operator satisfies the recipe's constraint.

use super::{
    Block, Check, Ending, Facts, Outcome, Rule, Step,
    facts::{Findings, name, text},
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
        if facts.get(&read).is_none() {
            return Step::Read(vec![read]);
        }
        let Some(operator) = find_operator(facts.items(&read)) else {
            let mut findings = Findings::default();
            findings.absent(&format!("namespace {namespace}"), &read, facts, "no Deployment of the GPU operator");
            return findings.end(Vec::new());
        };
        let Some(version) = version(operator) else {
            let problem = format!("Deployment {namespace}/{} does not carry its version", name(operator));
            return Ending::no_verdict(problem, Vec::new());
        };
        let mut block = Block::new("GPU operator version", vec![format!("Detected: {version}")]);
        if let (Some(_), Some(label)) = (of_image(operator), labeled(operator).filter(|label| *label != version)) {
            block.lines.push(format!("The Deployment is labeled {label}, which is not what runs"));
        }
        let Some(expression) = input.phase_constraint(Phase::Deployment, CONSTRAINT) else {
            let reason = format!("the recipe sets no `{CONSTRAINT}`; the installed version is {version}");
            return Ending::with(Outcome::Skip(reason), vec![block]);
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

/// What is installed: as the image of the operator says, which is what runs; else the version label, the OLM bundle that owns the
/// Deployment, or the annotation. Always with a leading `v`. A digest, a date and a commit are not versions.
fn version(operator: &Value) -> Option<String> {
    of_image(operator).or_else(|| labeled(operator))
}

/// As the tag of the operator's own image has it.
fn of_image(operator: &Value) -> Option<String> {
    let containers = operator.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let images = containers.into_iter().flatten().map(|container| text(container, "/image"));
    images.filter_map(tag).find_map(read)
}

fn labeled(operator: &Value) -> Option<String> {
    // OLM names a bundle after its operator and version: `gpu-operator-certified.v25.10.1`.
    let bundle = text(operator, "/metadata/labels/olm.owner");
    let candidates = [
        text(operator, "/metadata/labels/app.kubernetes.io~1version"),
        bundle.split_once(".v").map_or("", |(_, version)| version),
        text(operator, "/metadata/annotations/nvidia.com~1gpu-operator-version"),
    ];
    candidates.into_iter().find_map(read)
}

/// A version of several numbers, with a leading `v`; of what follows them only a pre-release is a part of it.
fn read(text: &str) -> Option<String> {
    let version = constraint::parse::version(text).ok().filter(|version| version.parts.len() > 1)?;
    let numbers = version.parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    let suffix = if version.is_pre_release() { version.suffix.as_str() } else { "" };
    Some(format!("v{numbers}{suffix}"))
}

/// The tag of an image of the operator, not of what else is in its folder; the colon of a registry's port is not one of a tag.
fn tag(image: &str) -> Option<&str> {
    let (name, tag) = image.split('@').next()?.rsplit('/').next()?.split_once(':')?;
    name.starts_with("gpu-operator").then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(metadata: &Value, image: &str, expected: Option<&str>) {
        let containers = json!([{"image": "example.com/proxy:9"}, {"image": image}]);
        let operator = json!({"metadata": metadata, "spec": {"template": {"spec": {"containers": containers}}}});
        assert_eq!(version(&operator).as_deref(), expected, "{image}");
    }

    #[test]
    fn versions_are_read_from_labels_tags_digests_ports_and_olm() {
        let none = json!({});
        let digest = "nvcr.io/nvidia/gpu-operator@sha256:0011";
        check(&none, "nvcr.io/nvidia/gpu-operator:v25.10.1", Some("v25.10.1"));
        check(&none, "localhost:5000/nvidia/gpu-operator:25.10.1-ubi9", Some("v25.10.1"));
        check(&none, "nvcr.io/nvidia/gpu-operator:v25.3.0@sha256:0011", Some("v25.3.0"));
        check(&none, "localhost:5000/nvidia/gpu-operator", None);
        check(&none, digest, None);
        check(&none, "nvcr.io/nvidia/gpu-operator:latest", None);
        check(&none, "nvcr.io/nvidia/gpu-operator:20251127", None);
        check(&none, "nvcr.io/nvidia/gpu-operator:6c75c44", None);
        check(&none, "nvcr.io/nvidia/gpu-operator:v25.10.0-rc.1", Some("v25.10.0-rc.1"));
        check(&none, "registry.corp/gpu-operator/kube-rbac-proxy:v99.15.0", None);
        check(
            &json!({"labels": {"app.kubernetes.io/version": "v25.10.0"}}),
            "a.io/gpu-operator:v25.3.0",
            Some("v25.3.0"),
        );
        check(&json!({"labels": {"app.kubernetes.io/version": "v24.9.2"}}), digest, Some("v24.9.2"));
        check(&json!({"labels": {"olm.owner": "gpu-operator-certified.v25.10.1"}}), digest, Some("v25.10.1"));
        check(&json!({"annotations": {"nvidia.com/gpu-operator-version": "25.3.1"}}), digest, Some("v25.3.1"));
    }
}
