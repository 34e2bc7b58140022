//! A pod of two containers, one with a GPU and one without: created, waited for, and judged by what each of them saw.

use super::{
    Answer, Block, Change, Facts, Read, Rule, Step,
    facts::{name, text},
    gpu_allocation::DRIVER,
    probe::{self, Probe, Progress},
};
use crate::validate::input::Input;
use serde_json::{Value, json};

/// The container that asks for a GPU, and the one that does not.
const WITH: &str = "gpu-test";
const WITHOUT: &str = "unauthorized";
/// Seconds for both to end.
const LIMIT: u64 = 180;

/// How the pod asks for its GPU.
#[derive(Clone, Debug, PartialEq)]
pub enum Mechanism {
    /// `nvidia.com/gpu: 1`, on one of these nodes.
    DevicePlugin(Vec<String>),
    /// A ResourceClaim of this version of `resource.k8s.io`.
    Claim(&'static str),
}

/// How far the test is.
pub enum Stage {
    /// To do first.
    Next(Step),
    /// Both containers have ended, or never will.
    Done(Seen),
}

/// What was seen.
pub struct Seen {
    pub problems: Vec<String>,
    /// Why nothing can be said.
    pub unknown: Option<String>,
    pub blocks: Vec<Block>,
    /// Where the pod ran; empty where it did not.
    pub node: String,
}

pub struct GpuPod<'i> {
    pub input: &'i Input,
    pub check: &'static str,
    pub mechanism: Mechanism,
}

/// The rights that a test needs.
pub fn rules(input: &Input, stem: &str) -> Vec<Rule> {
    let namespace = &*input.place.namespace;
    let names = [probe::object_name(input, stem), probe::object_name(input, &format!("{stem}-none"))];
    let mut rules = Rule::make("", "pods", namespace, &names).to_vec();
    rules.extend(Rule::make("resource.k8s.io", "resourceclaims", namespace, &names[..1]));
    rules.push(Rule { names: names.to_vec(), ..Rule::to(&["get"], "", "pods/log").within(namespace) });
    rules
}

impl GpuPod<'_> {
    fn stem(&self) -> &'static str {
        if self.check == "dra-support" { "dra" } else { "access" }
    }

    fn name(&self) -> String {
        probe::object_name(self.input, self.stem())
    }

    fn claim(&self, api: &str) -> Change {
        let exactly = json!({"deviceClassName": DRIVER, "allocationMode": "ExactCount", "count": 1});
        let mut request = json!({"name": "gpu"});
        if api.ends_with("v1beta1") {
            for (key, value) in exactly.as_object().into_iter().flatten() {
                request[key] = value.clone();
            }
        } else {
            request["exactly"] = exactly;
        }
        Change::create(
            "resourceclaims",
            json!({
                "apiVersion": api, "kind": "ResourceClaim",
                "metadata": probe::metadata(self.input, self.check, &self.name()),
                "spec": {"devices": {"requests": [request]}},
            }),
        )
    }

    fn pod(&self) -> Change {
        let mut with = probe::container(self.input, WITH, Probe::Devices(1));
        let without = probe::container(self.input, WITHOUT, Probe::Devices(0));
        if let Mechanism::DevicePlugin(_) = self.mechanism {
            with["resources"]["limits"]["nvidia.com/gpu"] = "1".into();
            with["resources"]["requests"]["nvidia.com/gpu"] = "1".into();
        } else {
            with["resources"]["claims"] = json!([{"name": "gpu"}]);
        }
        let mut pod = probe::pod(self.input, self.check, &self.name(), vec![with, without]);
        match &self.mechanism {
            Mechanism::DevicePlugin(nodes) => {
                pod["spec"]["affinity"] = probe::on_nodes(&nodes.iter().map(String::as_str).collect::<Vec<_>>());
            }
            Mechanism::Claim(_) => {
                pod["spec"]["resourceClaims"] = json!([{"name": "gpu", "resourceClaimName": self.name()}]);
            }
        }
        Change::create("pods", pod)
    }

    /// Goes on until both containers have ended.
    pub fn run(&self, facts: &Facts, elapsed: u64) -> Stage {
        let claim = match self.mechanism {
            Mechanism::Claim(api) => Some(self.claim(api)),
            Mechanism::DevicePlugin(_) => None,
        };
        let pod = self.pod();
        let changes: Vec<Change> = claim.iter().cloned().chain([pod.clone()]).collect();
        if let Some(change) = facts.unmade(&changes).into_iter().next() {
            if let Some(trouble) = changes.iter().find_map(|change| facts.change(change)?.trouble()) {
                return Stage::Done(Seen::nothing(format!("the test could not be created: {trouble}")));
            }
            return Stage::Next(Step::Change(vec![change]));
        }
        match facts.change(&pod) {
            Some(Answer::Found(_)) => {}
            other => {
                let trouble = other.and_then(Answer::trouble).unwrap_or("no answer");
                return Stage::Done(Seen::nothing(format!("the test pod could not be created: {trouble}")));
            }
        }
        let mut reads = vec![Read::Get(pod.path())];
        reads.extend(claim.iter().map(|claim| Read::Get(claim.path())));
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Stage::Next(Step::Read(missing));
        }
        let Some(found) = facts.object(&reads[0]) else {
            return Stage::Done(Seen::nothing(facts.unread_or(&reads[0], "the test pod is gone")));
        };
        let progress = probe::progress(found);
        let began = facts.changed_at(&pod).unwrap_or(0);
        if let Progress::Waiting(why) = &progress
            && elapsed.saturating_sub(began) < LIMIT
        {
            return Stage::Next(Step::Again { after: 2, reads, waiting_for: format!("the test pod ({why})") });
        }
        let logs = [WITH, WITHOUT].map(|container| Read::Log {
            namespace: self.input.place.namespace.clone(),
            pod: self.name(),
            container: container.to_owned(),
        });
        let missing = facts.missing(&logs);
        if !missing.is_empty() {
            return Stage::Next(Step::Read(missing));
        }
        let claim = claim.and_then(|claim| facts.object(&Read::Get(claim.path())));
        Stage::Done(self.judge(found, &progress, claim, facts, elapsed, &logs))
    }

    fn judge(
        &self,
        pod: &Value,
        progress: &Progress,
        claim: Option<&Value>,
        facts: &Facts,
        elapsed: u64,
        logs: &[Read],
    ) -> Seen {
        let node = text(pod, "/spec/nodeName").to_owned();
        let mut seen = Seen { problems: Vec::new(), unknown: None, blocks: Vec::new(), node };
        let phase = text(pod, "/status/phase");
        seen.blocks.push(Block::new("Pod status", vec![format!("{}: {phase} on {}", name(pod), seen.node)]));
        for read in logs {
            if let (Read::Log { container, .. }, Some(Answer::Log(log))) = (read, facts.get(read)) {
                let lines = log.lines().map(str::to_owned).collect();
                seen.blocks.push(Block::new(format!("Pod logs ({container})"), lines));
            }
        }
        match progress {
            Progress::Succeeded => {}
            Progress::Hopeless(_) | Progress::Waiting(_) | Progress::Interrupted(_) => {
                seen.unknown = progress.no_verdict("the test pod", &probe::waited(LIMIT, elapsed));
            }
            Progress::Failed(all) => {
                // A probe that saw something else ends with 1; anything else means that it did not look.
                let failed = |container: &str| {
                    all.iter().any(|ended| ended.container == container && ended.code == probe::NOT_AS_EXPECTED)
                };
                if failed(WITH) {
                    seen.problems.push(format!(
                        "the container with one GPU does not see exactly one: {}",
                        last(facts, &logs[0])
                    ));
                }
                if failed(WITHOUT) {
                    seen.problems
                        .push(format!("a container without a GPU sees devices of one: {}", last(facts, &logs[1])));
                }
                if seen.problems.is_empty() {
                    seen.unknown = Some(format!("the test pod failed: {}", probe::ended(all)));
                }
            }
        }
        if matches!(self.mechanism, Mechanism::Claim(_)) {
            let results = claim.and_then(|claim| claim.pointer("/status/allocation/devices/results")?.as_array());
            let lines: Vec<String> = results
                .into_iter()
                .flatten()
                .map(|result| {
                    format!("{}/{}/{}", text(result, "/driver"), text(result, "/pool"), text(result, "/device"))
                })
                .collect();
            // Once the pod has ended, its device may be given back before anybody looks.
            if lines.len() > 1 {
                seen.problems.push(format!("the claim has {} devices, expected 1", lines.len()));
            }
            seen.blocks
                .push(Block::new("ResourceClaim status", lines).equivalent("kubectl get resourceclaims -o yaml"));
        }
        seen.problems.extend(self.structure(pod));
        seen
    }

    /// What is wrong with the pod as the server holds it: admission may have changed it.
    fn structure(&self, pod: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
        for volume in volumes.filter(|volume| text(volume, "/hostPath/path").starts_with("/dev/nvidia")) {
            problems.push(format!("the pod mounts {} from its node", text(volume, "/hostPath/path")));
        }
        let containers = pod.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
        for container in containers {
            let has_limit = !container["resources"]["limits"]["nvidia.com/gpu"].is_null();
            let has_claim = container["resources"]["claims"].as_array().is_some_and(|claims| !claims.is_empty());
            let by_claim = matches!(self.mechanism, Mechanism::Claim(_));
            let is_with = text(container, "/name") == WITH;
            if has_limit != (is_with && !by_claim) || has_claim != (is_with && by_claim) {
                problems
                    .push(format!("container {} does not ask for GPUs as it was created to", text(container, "/name")));
            }
        }
        problems
    }
}

impl Seen {
    fn nothing(why: String) -> Seen {
        Seen { problems: Vec::new(), unknown: Some(why), blocks: Vec::new(), node: String::new() }
    }
}

fn last<'f>(facts: &'f Facts, read: &Read) -> &'f str {
    match facts.get(read) {
        Some(Answer::Log(log)) => log.lines().last().unwrap_or("it wrote nothing"),
        _ => "its output was not read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_did_not_end_proves_nothing() {
        let input = Input::default();
        let mechanism = Mechanism::DevicePlugin(vec!["worker".into()]);
        let test = GpuPod { input: &input, check: "dra-support", mechanism };
        let Change::Create { object, .. } = test.pod() else { panic!("not created") };
        let unknown = |elapsed| {
            let waiting = Progress::Waiting("pending".into());
            let seen = test.judge(&object, &waiting, None, &Facts::default(), elapsed, &[]);
            assert_eq!(seen.problems, [""; 0]);
            seen.unknown.expect("something unknown")
        };
        assert_eq!(unknown(LIMIT), "the test pod did not end within 180 s (pending)");
        assert_eq!(unknown(u64::MAX), "the test pod did not end within the time limit of the check (pending)");
    }
}
