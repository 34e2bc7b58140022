//! nccl-cre-all-reduce-bw and cre-training-goodput: NVIDIA's Cluster Readiness Engine (NVCRE) runs a benchmark, and what it
//! measured is held to the recipe.
//!
//! The check creates one Certification of one category on two nodes and reads the measurement that NVCRE leaves. NVCRE makes
//! and ends the workloads: what this check deletes is the Certification, and that its pods are deleted with it is NVCRE's to
//! do and not awaited here. Its own thresholds decide whether the Certification succeeds, the recipe's whether the check
//! passes. The module has no copy of NVCRE's kinds: they are those of its API reference (`nvcre.nvidia.com/v1alpha1`), and
//! no NVCRE has been met.

use super::{
    Answer, Block, Change, Check, Ending, Facts, Read, Rule, Step,
    facts::{definition, name, text},
    nccl_all_reduce::{network, rows, wanted, workers},
    probe,
};
use crate::validate::{curve::Measured, input::Input};
use serde_json::{Value, json};

/// What NVCRE measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    /// Bus bandwidth of NCCL's all-reduce in GB/s.
    BusBandwidth,
    /// The part of its time in which a training makes progress.
    Goodput,
}

pub struct Certified {
    name: &'static str,
    metric: Metric,
}

pub const BANDWIDTH: Certified = Certified { name: "nccl-cre-all-reduce-bw", metric: Metric::BusBandwidth };
pub const GOODPUT: Certified = Certified { name: "cre-training-goodput", metric: Metric::Goodput };

const GROUP: &str = "nvcre.nvidia.com";
const API: &str = "nvcre.nvidia.com/v1alpha1";
const KIND: &str = "certifications.nvcre.nvidia.com";
/// Service and accelerator for which the reference has measured what the categories reach; for others there is no threshold
/// that was ever met.
const QUALIFIED: [(&str, &str); 1] = [("eks", "h100")];
/// As many as were used then. Without a limit NVCRE takes every node that matches.
const NODES: usize = 2;
/// Seconds for the benchmark, for NVCRE to say that it is over, and for the measurement to be final after that.
const RUN_SECONDS: u64 = 1_500;
const VERDICT_SECONDS: u64 = 60;
const MEASUREMENT_SECONDS: u64 = 120;

/// Reasons of a measurement that counts; older versions give none.
const FINAL: [&str; 2] = ["JobSucceeded", ""];

impl Check for Certified {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        match self.metric {
            Metric::BusBandwidth => {
                "NVIDIA's Cluster Readiness Engine certifies NCCL's all-reduce on two GPU nodes, the largest bus bandwidth that \
                 it measured reaches the recipe's, and NCCL names a network other than sockets."
            }
            Metric::Goodput => {
                "NVIDIA's Cluster Readiness Engine certifies the training of a small model on two GPU nodes, and the part of \
                 the time in which the training made progress reaches the recipe's."
            }
        }
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let own = &*input.place.namespace;
        let mut rules = vec![
            Rule::list("", &["nodes"]),
            Rule::get("apiextensions.k8s.io", "customresourcedefinitions", vec![KIND.to_owned()]),
            // NVCRE chooses the names of these.
            Rule::to(&["get"], "", "configmaps").within(own),
            Rule::list(GROUP, &[self.measurements()]).within(own),
        ];
        if self.metric == Metric::BusBandwidth {
            rules.push(Rule::list("", &["pods"]).within(own));
            rules.push(Rule::to(&["get"], "", "pods/log").within(own));
        }
        rules.extend(Rule::make(GROUP, "certifications", own, &[self.object_name(input)]));
        rules
    }

    fn measured(&self, facts: &Facts) -> Vec<Measured> {
        rows(facts)
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        let (expression, threshold) = match wanted(input, self.name) {
            Ok(wanted) => wanted,
            Err(step) => return step,
        };
        let service = input.criteria.service.clone().unwrap_or_default();
        let accelerator = input.criteria.accelerator.clone().unwrap_or_default();
        if !QUALIFIED.contains(&(&*service, &*accelerator)) {
            return Ending::skip(format!("the certification is not qualified for {accelerator} on {service}"));
        }
        let (nodes, kind) = (nodes(), definition(KIND));
        let missing = facts.missing(&[nodes.clone(), kind.clone()]);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        if let Some(why) = facts.any_unread([&nodes, &kind]) {
            return Ending::no_verdict(why, Vec::new());
        }
        if facts.object(&kind).is_none() {
            return Ending::fail(format!("{KIND} is not defined: NVCRE is not deployed"), Vec::new());
        }
        let mut workers = match workers(input, facts.items(&nodes)) {
            Ok(workers) => workers,
            Err(step) => return step,
        };
        workers.sort_by_key(|node| name(node));
        workers.truncate(NODES);
        let test = Test { check: self, input, workers };
        match test.certification(facts, elapsed) {
            Ok(certification) => test.judge(facts, certification, elapsed, (expression, threshold)),
            Err(step) => step,
        }
    }
}

impl Certified {
    fn object_name(&self, input: &Input) -> String {
        let what = match self.metric {
            Metric::BusBandwidth => "cre-nccl",
            Metric::Goodput => "cre-training",
        };
        probe::object_name(input, what)
    }

    /// Domain and variant of NVCRE's catalog.
    fn category(&self) -> (&'static str, &'static str) {
        match self.metric {
            Metric::BusBandwidth => ("communication", "nccl-all-reduce"),
            Metric::Goodput => ("training", "nemotron5-8b"),
        }
    }

    /// The resource in which NVCRE writes what it measured.
    fn measurements(&self) -> &'static str {
        match self.metric {
            Metric::BusBandwidth => "bandwidthmeasurements",
            Metric::Goodput => "goodputmeasurements",
        }
    }
}

fn nodes() -> Read {
    Read::list("v1", "", "nodes", "").keeping(&[
        "metadata.labels",
        "spec.unschedulable",
        "spec.taints",
        "status.allocatable",
    ])
}

/// What holds of an object of NVCRE: the condition of that type with the status True.
fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| text(condition, "/type") == kind && text(condition, "/status") == "True")
}

/// `LogsUnavailable: the log is gone`, as much as there is of it.
fn why(condition: &Value) -> String {
    let parts = [text(condition, "/reason"), text(condition, "/message")];
    let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if said.is_empty() { "without a reason".to_owned() } else { said.join(": ") }
}

/// Taints that keep pods away and that all of these nodes have: NVCRE tolerates those that it is told.
fn common_taints(nodes: &[&Value]) -> Vec<Value> {
    let of = |node: &Value| -> Vec<Value> {
        let taints = node.pointer("/spec/taints").and_then(Value::as_array).into_iter().flatten();
        let keeps_away = taints.filter(|taint| ["NoSchedule", "NoExecute"].contains(&text(taint, "/effect")));
        let selector = keeps_away.map(|taint| {
            let mut selector = json!({"key": taint["key"], "effect": taint["effect"]});
            if !text(taint, "/value").is_empty() {
                selector["value"] = taint["value"].clone();
            }
            selector
        });
        selector.collect()
    };
    let Some((first, others)) = nodes.split_first() else { return Vec::new() };
    let others: Vec<Vec<Value>> = others.iter().map(|node| of(node)).collect();
    of(first).into_iter().filter(|taint| others.iter().all(|taints| taints.contains(taint))).collect()
}

/// One certification.
struct Test<'t> {
    check: &'t Certified,
    input: &'t Input,
    workers: Vec<&'t Value>,
}

impl<'t> Test<'t> {
    fn change(&self) -> Change {
        let (domain, variant) = self.check.category();
        let names: Vec<&str> = self.workers.iter().map(|node| name(node)).collect();
        let mut target = json!({"nodeNames": names});
        let taints = common_taints(&self.workers);
        if !taints.is_empty() {
            target["taintSelectors"] = taints.into();
        }
        let metadata = probe::metadata(self.input, self.check.name, &self.check.object_name(self.input));
        Change::create(
            "certifications",
            json!({"apiVersion": API, "kind": "Certification", "metadata": metadata, "spec": {
                "categories": [{"domain": domain, "variant": variant}],
                "gpusPerNode": super::nccl_all_reduce::gpus(self.workers[0]),
                "nodesPerJob": names.len(),
                "timeoutPerJob": format!("{RUN_SECONDS}s"),
                "target": target}}),
        )
    }

    /// The Certification when it is over; `Err` is what has to be done first.
    fn certification<'f>(&self, facts: &'f Facts, elapsed: u64) -> Result<&'f Value, Step> {
        let change = self.change();
        let made = match facts.change(&change) {
            None => return Err(Step::Change(vec![change])),
            Some(Answer::Found(_)) => Read::Get(change.path()),
            Some(answer) => {
                let trouble = answer.trouble().unwrap_or("Certifications are not served");
                return Err(Ending::no_verdict(format!("the Certification was not created: {trouble}"), Vec::new()));
            }
        };
        let waited = elapsed.saturating_sub(facts.changed_at(&change).unwrap_or(0));
        let found = match facts.get(&made) {
            None => return Err(Step::Read(vec![made])),
            Some(Answer::Found(found)) => Some(found),
            Some(Answer::NotFound) => {
                return Err(Ending::no_verdict("the Certification was deleted during the check", Vec::new()));
            }
            Some(_) => None,
        };
        if let Some(found) = found
            && let Some(failed) = condition(found, "Failed")
        {
            return Err(self.failed(facts, found, failed));
        }
        if let Some(found) = found
            && condition(found, "Succeeded").is_some()
        {
            return Ok(found);
        }
        let state = match found {
            Some(found) => self.state(found),
            None => facts.unread(&made).unwrap_or_default(),
        };
        if waited >= RUN_SECONDS + VERDICT_SECONDS {
            let waited = probe::waited(RUN_SECONDS + VERDICT_SECONDS, elapsed);
            return Err(Ending::no_verdict(
                format!("NVCRE did not end the certification {waited} ({state})"),
                Vec::new(),
            ));
        }
        let mut reads = vec![made];
        // Rows of the benchmark are shown while they come.
        if self.check.metric == Metric::BusBandwidth
            && let Some(workflow) = found.and_then(|found| self.workflow(found))
        {
            let pods = self.launchers(workflow);
            reads.extend(self.log(facts.items(&pods)));
            reads.push(pods);
        }
        let seen = self.check.measured(facts).last().map(|row| format!("; now at {} bytes", row.bytes));
        let waiting_for = format!("the certification ({state}{})", seen.unwrap_or_default());
        Err(Step::Again { after: 5, reads, waiting_for })
    }

    /// What the Certification says of its category.
    fn category<'f>(&self, certification: &'f Value) -> Option<&'f Value> {
        let (domain, variant) = self.check.category();
        let categories = certification.pointer("/status/categoryStatuses")?.as_array()?;
        categories.iter().find(|of| text(of, "/domain") == domain && text(of, "/variant") == variant)
    }

    fn workflow<'f>(&self, certification: &'f Value) -> Option<&'f str> {
        Some(text(self.category(certification)?, "/workflowRef/name")).filter(|name| !name.is_empty())
    }

    fn state(&self, certification: &Value) -> String {
        let status = self.category(certification).map_or("", |category| text(category, "/status"));
        match (status, condition(certification, "InProgress")) {
            ("", None) => "not started".to_owned(),
            ("", Some(progress)) => why(progress),
            (status, _) => status.to_owned(),
        }
    }

    /// The Certification failed: which nodes, as far as NVCRE says it.
    fn failed(&self, facts: &Facts, certification: &Value, failed: &Value) -> Step {
        let list = self.category(certification).map_or("", |category| text(category, "/failedNodesRef/name"));
        let mut blocks = Vec::new();
        if !list.is_empty() {
            let read = Read::object("v1", &self.input.place.namespace, "configmaps", list);
            let lines = match facts.get(&read) {
                None => return Step::Read(vec![read]),
                Some(Answer::Found(found)) => {
                    let data = found.get("data").and_then(Value::as_object).into_iter().flatten();
                    data.flat_map(|(_, words)| words.as_str().unwrap_or_default().lines().map(str::to_owned)).collect()
                }
                Some(_) => vec![facts.unread_or(&read, format!("ConfigMap {list}: not found"))],
            };
            let command = format!("kubectl get configmap -n {} {list} -o yaml", self.input.place.namespace);
            blocks.push(Block::new("Failed nodes", lines).equivalent(command));
        }
        Ending::fail(format!("the certification failed: {}", why(failed)), blocks)
    }

    /// Pods in which the benchmark was started.
    fn launchers(&self, workflow: &str) -> Read {
        let labels = format!(
            "jobset.sigs.k8s.io/jobset-name={workflow}-job-workload,jobset.sigs.k8s.io/replicatedjob-name=launcher"
        );
        Read::list("v1", &self.input.place.namespace, "pods", &labels)
            .keeping(&["metadata.creationTimestamp", "status.phase"])
    }

    /// The log of the youngest one: those before it were tries that failed.
    fn log(&self, launchers: &[Value]) -> Option<Read> {
        let begun = launchers.iter().filter(|pod| ["Running", "Succeeded"].contains(&text(pod, "/status/phase")));
        let youngest = begun.max_by_key(|pod| text(pod, "/metadata/creationTimestamp"))?;
        Some(Read::Log {
            namespace: self.input.place.namespace.clone(),
            pod: name(youngest).to_owned(),
            container: "node".to_owned(),
        })
    }

    fn judge(&self, facts: &Facts, certification: &Value, elapsed: u64, wanted: (&str, f64)) -> Step {
        let Some(workflow) = self.workflow(certification) else {
            return Ending::no_verdict(
                "the Certification names no Workflow, so its measurement is not known",
                Vec::new(),
            );
        };
        let measurement = match self.measurement(facts, workflow, elapsed) {
            Ok(measurement) => measurement,
            Err(step) => return step,
        };
        match self.check.metric {
            Metric::BusBandwidth => self.judge_bandwidth(facts, workflow, measurement, wanted),
            Metric::Goodput => self.judge_goodput(measurement, wanted),
        }
    }

    /// The final measurement of a Workflow; `Err` is what has to be done first.
    fn measurement<'f>(&self, facts: &'f Facts, workflow: &str, elapsed: u64) -> Result<&'f Value, Step> {
        let own = &self.input.place.namespace;
        let read = Read::list(API, own, self.check.measurements(), "").keeping(&[
            "metadata.ownerReferences",
            "spec.jobRef",
            "status",
        ]);
        if facts.get(&read).is_none() {
            return Err(Step::Read(vec![read]));
        }
        if let Some(why) = facts.unread(&read) {
            return Err(Ending::no_verdict(why, Vec::new()));
        }
        let job = format!("{workflow}-job");
        let is_of_workflow = |measurement: &&Value| {
            let owners = measurement.pointer("/metadata/ownerReferences").and_then(Value::as_array);
            let mut owners = owners.into_iter().flatten();
            owners.any(|owner| text(owner, "/kind") == "Workflow" && text(owner, "/name") == workflow)
                || text(measurement, "/spec/jobRef/name") == job
        };
        let found: Vec<&Value> = facts.items(&read).iter().filter(is_of_workflow).collect();
        // A Job that was tried again has left one that is not final.
        let is_final = |measurement: &&&Value| {
            condition(measurement, "Complete").is_some_and(|complete| FINAL.contains(&text(complete, "/reason")))
        };
        let found = found.iter().find(is_final).or(found.first()).copied();
        let kind = self.check.measurements();
        match found {
            Some(found) => match condition(found, "Complete") {
                Some(complete) if !FINAL.contains(&text(complete, "/reason")) => {
                    let why = format!("the measurement is not final: {}", why(complete));
                    Err(Ending::no_verdict(why, Vec::new()))
                }
                Some(_) => Ok(found),
                None => Err(self.wait(facts, read, elapsed, "NVCRE to finish the measurement")),
            },
            None => Err(self.wait(facts, read, elapsed, &format!("one of {kind} of Workflow {workflow}"))),
        }
    }

    /// Waits for what NVCRE writes after the Certification succeeded.
    fn wait(&self, facts: &Facts, read: Read, elapsed: u64, waiting_for: &str) -> Step {
        let waited = elapsed.saturating_sub(facts.changed_at(&self.change()).unwrap_or(0));
        if waited < RUN_SECONDS + VERDICT_SECONDS + MEASUREMENT_SECONDS {
            return Step::Again { after: 5, reads: vec![read], waiting_for: waiting_for.to_owned() };
        }
        Ending::no_verdict(
            format!("NVCRE certified the nodes and left no measurement: still waiting for {waiting_for}"),
            Vec::new(),
        )
    }

    fn judge_bandwidth(&self, facts: &Facts, workflow: &str, measurement: &Value, wanted: (&str, f64)) -> Step {
        let (expression, threshold) = wanted;
        let results = measurement.pointer("/status/results").and_then(Value::as_array).into_iter().flatten();
        let rows: Vec<Measured> = results
            .filter_map(|row| Some(Measured { bytes: row["sizeBytes"].as_u64()?, gb_per_s: number(&row["busBW"])? }))
            .collect();
        let blocks = vec![Block::new("Bus bandwidth by message size", rows.iter().map(ToString::to_string).collect())];
        let Some(best) = rows.iter().max_by(|a, b| a.gb_per_s.total_cmp(&b.gb_per_s)) else {
            return Ending::no_verdict("the measurement has no bus bandwidth", blocks);
        };
        let launchers = self.launchers(workflow);
        if facts.get(&launchers).is_none() {
            return Step::Read(vec![launchers]);
        }
        let log = self.log(facts.items(&launchers));
        if let Some(log) = &log
            && facts.get(log).is_none()
        {
            return Step::Read(vec![log.clone()]);
        }
        let output = match log.as_ref().and_then(|log| facts.get(log)) {
            Some(Answer::Log(output)) => Some(output),
            _ => None,
        };
        let mut problems = Vec::new();
        if best.gb_per_s < threshold {
            problems.push(format!("{:.2} GB/s at {} bytes, expected {expression}", best.gb_per_s, best.bytes));
        }
        let mut unknown = Vec::new();
        let transport = output.map(|output| network(output));
        match transport {
            Some(Some("Socket")) => problems.push("NCCL used Socket, not the fabric".to_owned()),
            Some(Some(_)) => {}
            Some(None) => unknown.push("NCCL does not say in its log which network it used".to_owned()),
            None => {
                let read = log.as_ref().unwrap_or(&launchers);
                let none = format!("the launcher of Workflow {workflow} was deleted");
                unknown.push(format!("the network that NCCL used is not known: {}", facts.unread_or(read, none)));
            }
        }
        let nodes: Vec<&str> = self.workers.iter().map(|node| name(node)).collect();
        let result = Block::new(
            "NVCRE certification",
            vec![
                format!("RESULT: {} bus bandwidth: {:.2} GB/s at {} bytes", self.check.name, best.gb_per_s, best.bytes),
                format!("Constraint: {expression}, without a tolerance"),
                format!("Network: {}", transport.flatten().unwrap_or("unknown")),
                format!("Nodes: {}", nodes.join(", ")),
            ],
        );
        Ending::of_known(problems, unknown, vec![blocks[0].clone(), result])
    }

    fn judge_goodput(&self, measurement: &Value, wanted: (&str, f64)) -> Step {
        let (expression, threshold) = wanted;
        let status = &measurement["status"];
        let Some(ratio) = number(&status["result"]) else {
            return Ending::no_verdict("the measurement has no goodput", Vec::new());
        };
        let nodes: Vec<&str> = self.workers.iter().map(|node| name(node)).collect();
        let mut lines = vec![
            format!("RESULT: goodput of the training: {ratio:.4}"),
            format!("Constraint: {expression}, without a tolerance"),
        ];
        for (field, what, unit) in [
            ("avgTFLOPSPerGPU", "Speed of a GPU", " TFLOPS"),
            ("avgStepTimeSec", "Time of a step", " s"),
            ("interruptionCount", "Interruptions", ""),
            ("lostWorkTimeSec", "Work lost by them", " s"),
        ] {
            if let Some(value) = number(&status[field]) {
                lines.push(format!("{what}: {value}{unit}"));
            }
        }
        lines.push(format!("Nodes: {}", nodes.join(", ")));
        let mut problems = Vec::new();
        if ratio < threshold {
            problems.push(format!("the goodput is {ratio:.4}, expected {expression}"));
        }
        Ending::of(problems, vec![Block::new("NVCRE certification", lines)])
    }
}

/// NVCRE writes numbers with a fraction as text.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (number.is_finite() && number >= 0.0).then_some(number)
}
