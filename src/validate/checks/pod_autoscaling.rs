//! pod-autoscaling: a HorizontalPodAutoscaler scales pods up and down on the power that GPUs draw.

use super::{
    Block, Change, Check, Ending, Facts, Read, Rule, Step,
    facts::{Findings, number, text},
    metrics_api::{CUSTOM, EXTERNAL},
    probe::{self, Probe},
};
use crate::validate::input::Input;
use serde_json::{Value, json};

pub struct PodAutoscaling;

const COMPONENTS: [&str; 2] = ["prometheus-adapter", "prometheus-adapter-ocp"];
const METRIC: &str = "dcgm_gpu_power_usage";
/// Seconds for the metric to be there, for the first step up, and for each change of the Deployment.
const METRIC_SECONDS: u64 = 60;
const INTENT_SECONDS: u64 = 180;
const SCALE_SECONDS: u64 = 120;
/// Watts per replica: less than any idle GPU draws, and more than all of them.
const LOW: &str = "10";
const HIGH: &str = "999999";

impl Check for PodAutoscaling {
    fn name(&self) -> &'static str {
        "pod-autoscaling"
    }

    fn about(&self) -> &'static str {
        "The custom and external metrics APIs answer, dcgm_gpu_power_usage has a value, and on it an autoscaler takes a \
         Deployment from one replica to more and back to one; it needs a GPU that draws more than 10 W."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let own = &*input.place.namespace;
        let names = [object_name(input)];
        let mut rules =
            vec![Rule::to(&["get", "list"], EXTERNAL.0, METRIC).within(own), CUSTOM.rule(), EXTERNAL.rule()];
        rules.extend(Rule::make("apps", "deployments", own, &names));
        rules.extend(Rule::make("autoscaling", "horizontalpodautoscalers", own, &names));
        rules.push(Rule {
            names: names.to_vec(),
            ..Rule::to(&["patch"], "autoscaling", "horizontalpodautoscalers").within(own)
        });
        rules
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        if !COMPONENTS.iter().any(|component| input.enabled(component).is_some()) {
            return Ending::fail("the recipe has no enabled prometheus-adapter to ask for metrics", Vec::new());
        }
        let custom = CUSTOM.discovery();
        let external =
            Read::Get(format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{}/{METRIC}", input.place.namespace));
        let reads = vec![custom.clone(), external.clone(), CUSTOM.registration(), EXTERNAL.registration()];
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        let mut blocks = Vec::new();
        let findings = metrics(facts, &custom, &external, &mut blocks);
        if !findings.is_empty() && elapsed < METRIC_SECONDS {
            return Step::Again { after: 5, reads, waiting_for: findings.words() };
        }
        if !findings.is_empty() {
            return findings.end(blocks);
        }
        let (deployment, scaler) = (deployment(input), scaler(input));
        let changes = [deployment.clone(), scaler.clone()];
        let unmade = facts.unmade(&changes);
        if !unmade.is_empty() {
            return Step::Change(unmade);
        }
        if let Some(trouble) = changes.iter().find_map(|change| facts.change(change)?.trouble()) {
            return Ending::no_verdict(format!("the Deployment of the test was not created: {trouble}"), blocks);
        }
        scaled(input, facts, elapsed, &changes, blocks)
    }
}

/// Why there is no metric to scale on.
fn metrics(facts: &Facts, custom: &Read, external: &Read, blocks: &mut Vec<Block>) -> Findings {
    let mut findings = Findings::default();
    CUSTOM.judge(CUSTOM.0, custom, facts, &mut findings);
    EXTERNAL.judge(&format!("external metric {METRIC}"), external, facts, &mut findings);
    let values: Vec<String> = facts
        .object(external)
        .and_then(|list| list["items"].as_array())
        .into_iter()
        .flatten()
        .map(|item| text(item, "/value").to_owned())
        .collect();
    blocks.push(
        Block::new("External Metrics API", vec![format!("{METRIC}: {}", values.join(", "))])
            .equivalent(format!("kubectl get --raw {}", if let Read::Get(path) = external { path } else { "" })),
    );
    if values.is_empty() && findings.is_empty() {
        findings.problems.push(format!("external metric {METRIC} has no value"));
    }
    findings
}

fn object_name(input: &Input) -> String {
    probe::object_name(input, "hpa")
}

fn deployment(input: &Input) -> Change {
    let name = object_name(input);
    let mut template = probe::spec(input, vec![probe::container(input, "hold", Probe::Hold(3600))]);
    template["restartPolicy"] = "Always".into();
    let metadata = probe::metadata(input, PodAutoscaling.name(), &name);
    let mut labels = metadata["labels"].clone();
    labels["app"] = name.as_str().into();
    Change::create(
        "deployments",
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": labels}, "spec": template}},
        }),
    )
}

fn metric(target: &str) -> Value {
    json!([{"type": "External", "external": {"metric": {"name": METRIC}, "target": {"type": "AverageValue", "averageValue": target}}}])
}

fn scaler(input: &Input) -> Change {
    let name = object_name(input);
    Change::create(
        "horizontalpodautoscalers",
        json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": probe::metadata(input, PodAutoscaling.name(), &name),
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": 1, "maxReplicas": 3, "metrics": metric(LOW),
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
            },
        }),
    )
}

/// Up, then down.
fn scaled(input: &Input, facts: &Facts, elapsed: u64, changes: &[Change; 2], mut blocks: Vec<Block>) -> Step {
    let reads = changes.iter().map(|change| Read::Get(change.path())).collect::<Vec<_>>();
    let missing = facts.missing(&reads);
    if !missing.is_empty() {
        return Step::Read(missing);
    }
    let (Some(found), Some(scaler)) = (facts.object(&reads[0]), facts.object(&reads[1])) else {
        // How many replicas there are is not known: that is not none.
        let gone = || "the Deployment or the autoscaler of the test is gone".to_owned();
        return Ending::no_verdict(facts.any_unread(&reads).unwrap_or_else(gone), blocks);
    };
    let replicas = number(found, "/status/replicas");
    let desired = number(scaler, "/status/desiredReplicas");
    let down = Change::Patch { path: changes[1].path(), patch: json!({"spec": {"metrics": metric(HIGH)}}) };
    let began = facts.changed_at(&changes[1]).unwrap_or(0);
    let Some(answer) = facts.change(&down) else {
        let waited = elapsed.saturating_sub(began);
        let (what, limit) = if desired > 1 {
            ("the Deployment to have", INTENT_SECONDS + SCALE_SECONDS)
        } else {
            ("the autoscaler to want", INTENT_SECONDS)
        };
        if replicas > 1 {
            return Step::Change(vec![down]);
        }
        let waiting_for = format!("{what} more than one replica{}", reason(scaler));
        // When the time of the check is up, how long was waited is not known.
        if waited < limit || elapsed == u64::MAX {
            return Step::Again { after: 5, reads, waiting_for };
        }
        blocks.push(result(desired, replicas));
        return Ending::fail(format!("after {limit} s still waiting for {waiting_for}"), blocks);
    };
    if let Some(trouble) = answer.trouble() {
        return Ending::no_verdict(format!("the autoscaler could not be changed: {trouble}"), blocks);
    }
    if replicas > 1 {
        let waited = elapsed.saturating_sub(facts.changed_at(&down).unwrap_or(0));
        if waited < SCALE_SECONDS || elapsed == u64::MAX {
            return Step::Again { after: 5, reads, waiting_for: "the Deployment to go back to one replica".to_owned() };
        }
        blocks.push(result(desired, replicas));
        return Ending::fail(
            format!("the Deployment has {replicas} replicas {SCALE_SECONDS} s after the load went away"),
            blocks,
        );
    }
    let lines = vec![
        "scaled from 1 replica to more and back".to_owned(),
        format!("now {replicas} replicas in {}", input.place.namespace),
    ];
    blocks.push(Block::new("HPA Behavioral Test", lines));
    Ending::of(Vec::new(), blocks)
}

fn result(desired: u64, replicas: u64) -> Block {
    Block::new("HPA Behavioral Test", vec![format!("desired {desired}, replicas {replicas}")])
}

/// Why the autoscaler does not scale, in its own words.
fn reason(scaler: &Value) -> String {
    let conditions = scaler.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let stuck =
        conditions.into_iter().find(|one| text(one, "/status") == "False" && text(one, "/type") != "ScalingLimited");
    stuck.map(|one| format!(" ({}: {})", text(one, "/reason"), text(one, "/message"))).unwrap_or_default()
}
