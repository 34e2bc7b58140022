//! nccl-all-reduce-bw and its variants: NCCL's all-reduce over all GPU nodes reaches the bus bandwidth of the recipe.
//!
//! The benchmark runs as a TrainJob of Kubeflow Trainer: one launcher that starts nccl-tests over MPI, and a worker for each
//! node. What the launcher prints is the result; the rows are told while they come.

use super::{
    Answer, Block, Change, Check, Ending, Facts, Outcome, Read, Rule, Step,
    facts::{definition, name, text},
    gke_gpu_nic_networks::{NICS, interfaces, networks},
    nccl_platform::{Fabric, Interface, OF_RECIPE, Platform, ROCE, Variant, claim, nics, platform},
    nccl_preflight,
    nccl_runtime::{self, PROFILE, PROFILES, Size},
    probe::{self, HostFile, Progress},
};
use crate::{
    catalog::validator::Phase,
    validate::{
        curve::{self, Measured},
        input::Input,
    },
};
use serde_json::{Value, json};

pub struct NcclAllReduce {
    name: &'static str,
    variant: Variant,
}

pub const ANY: NcclAllReduce = NcclAllReduce { name: "nccl-all-reduce-bw", variant: Variant::Any };
pub const NET: NcclAllReduce = NcclAllReduce { name: "nccl-all-reduce-bw-net", variant: Variant::Net };
pub const NVLS: NcclAllReduce = NcclAllReduce { name: "nccl-all-reduce-bw-nvls", variant: Variant::Nvls };

const GROUP: &str = "trainer.kubeflow.org";
const API: &str = "trainer.kubeflow.org/v1alpha1";
const KIND: &str = "trainjobs.trainer.kubeflow.org";
const GPU: &str = "nvidia.com/gpu";
/// Names the network of EKS in the catalog's `env`.
const FABRIC: &str = "AICR_NCCL_FABRIC";
/// The part of a threshold that is enough.
const TOLERANCE: f64 = 0.9;
/// Seconds for the webhook to see the runtime, for the launcher to appear, and for the benchmark.
const WEBHOOK_SECONDS: u64 = 60;
const LAUNCHER_SECONDS: u64 = 300;
const RUN_SECONDS: u64 = 1_500;

impl Check for NcclAllReduce {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        match self.variant {
            Variant::Any => {
                "NCCL's all-reduce over all GPUs of the recipe's accelerator reaches 90 % of the recipe's bus bandwidth at the \
                 largest message, over whatever transport NCCL chooses."
            }
            Variant::Net => {
                "The same as nccl-all-reduce-bw over the network between nodes; NCCL has to name a network other than sockets."
            }
            Variant::Nvls => {
                "The same as nccl-all-reduce-bw over NVLink SHARP in an IMEX domain; NCCL has to say that it uses it."
            }
        }
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let own = &*input.place.namespace;
        let names = [self.object_name(input)];
        let mut rules = vec![
            Rule::list("", &["nodes"]),
            Rule::list("", &["pods"]).within(own),
            // The name of the launcher's pod is known to the JobSet only.
            Rule::to(&["get"], "", "pods/log").within(own),
            Rule::get("apiextensions.k8s.io", "customresourcedefinitions", vec![KIND.to_owned()]),
        ];
        rules.extend(Rule::make(GROUP, "trainingruntimes", own, &names));
        rules.extend(Rule::make(GROUP, "trainjobs", own, &names));
        if self.needs_domain(input) {
            rules.extend(Rule::make("resource.nvidia.com", "computedomains", own, &names));
        }
        match self.platform(input).map(|platform| platform.fabric) {
            Ok(Fabric::Tcpxo) => rules.push(Rule::list("networking.gke.io", &["networks"])),
            Ok(Fabric::Roce) => rules.extend(Rule::make("resource.k8s.io", "resourceclaimtemplates", own, &names)),
            _ => {}
        }
        if self.looked_at(input).is_some() {
            // How many nodes there are, and so the names of the pods, is not known before.
            rules.push(Rule::to(&["create", "get", "delete"], "", "pods").within(own));
        }
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
        let platform = match self.platform(input) {
            Ok(platform) => platform,
            Err(step) => return step,
        };
        let (nodes, kind, of_nics) = (nodes(), definition(KIND), networks());
        let mut reads = vec![nodes.clone(), kind.clone()];
        if platform.fabric == Fabric::Tcpxo && interfaces(input).is_empty() {
            reads.push(of_nics.clone());
        }
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        if let Some(why) = facts.any_unread(&reads) {
            return Ending::no_verdict(why, Vec::new());
        }
        if facts.object(&kind).is_none() {
            return Ending::fail(format!("{KIND} is not defined: Kubeflow Trainer is not deployed"), Vec::new());
        }
        let workers = match workers(input, facts.items(&nodes)) {
            Ok(workers) => workers,
            Err(step) => return step,
        };
        let found = facts.items(&of_nics).iter().map(name).filter(|name| name.contains("gpu-nic"));
        let networks = nics(input, &found.map(str::to_owned).collect::<Vec<_>>());
        if platform.fabric == Fabric::Tcpxo && networks.len() != NICS {
            return Ending::fail(format!("{} networks for GPU NICs, expected {NICS}", networks.len()), Vec::new());
        }
        if let Some(file) = self.looked_at(input)
            && let Err(step) = nccl_preflight::look(input, self.name, file, &workers, facts, elapsed)
        {
            return step;
        }
        let test = Test { check: self, input, platform, gpus: gpus(workers[0]), workers, networks };
        match test.create(facts, elapsed) {
            Ok(()) => test.follow(facts, elapsed, expression, threshold),
            Err(step) => step,
        }
    }
}

impl NcclAllReduce {
    fn object_name(&self, input: &Input) -> String {
        probe::object_name(
            input,
            match self.variant {
                Variant::Any => "nccl",
                Variant::Net => "nccl-net",
                Variant::Nvls => "nccl-nvls",
            },
        )
    }

    /// Accelerator and service: the recipe's profile, else its criteria.
    fn profile(input: &Input) -> String {
        let of_criteria = || {
            let accelerator = input.criteria.accelerator.clone().unwrap_or_default();
            format!("{accelerator}/{}", input.criteria.service.clone().unwrap_or_default())
        };
        let stated = input.phase_constraint(Phase::Performance, PROFILE).map(str::to_owned);
        stated.unwrap_or_else(of_criteria)
    }

    /// Whether the workers claim channels of an IMEX domain.
    fn needs_domain(&self, input: &Input) -> bool {
        match &*input.nccl_runtime {
            "" => self.variant == Variant::Nvls,
            runtime => nccl_runtime::claims_channels(runtime),
        }
    }

    /// The file that is looked at on every node before the benchmark.
    fn looked_at(&self, input: &Input) -> Option<HostFile> {
        match (self.variant, self.platform(input).ok()?.fabric) {
            (_, Fabric::Tcpxo) => Some(HostFile::TcpxoProfile),
            (Variant::Net, Fabric::Resource { .. })
                if ["gb200/eks", "gb300/eks"].contains(&&*NcclAllReduce::profile(input)) =>
            {
                Some(HostFile::GrdmaOverride)
            }
            _ => None,
        }
    }

    /// The runtime that the recipe brings, else by its profile.
    fn platform(&self, input: &Input) -> Result<Platform, Step> {
        if !input.nccl_runtime.is_empty() {
            return Ok(OF_RECIPE);
        }
        match nccl_runtime::file(input) {
            Ok(None) => {}
            // Planning reads the file; a document of another program may name it without bringing it.
            Ok(Some(file)) => {
                let why = format!("`{}` names {file}, which was not given to the check", nccl_runtime::CONSTRAINT);
                return Err(Ending::no_verdict(why, Vec::new()));
            }
            Err(why) => return Err(Ending::no_verdict(why, Vec::new())),
        }
        let profile = NcclAllReduce::profile(input);
        let is_stated = input.phase_constraint(Phase::Performance, PROFILE).is_some();
        if is_stated && !PROFILES.contains(&&*profile) {
            let why = format!("`{PROFILE}` is `{profile}`; there are {}", PROFILES.join(", "));
            return Err(Ending::fail(why, Vec::new()));
        }
        let on_eks = profile.ends_with("/eks");
        match &*input.place.nccl_fabric.to_lowercase() {
            // It is the choice of one check on one cloud.
            _ if self.variant != Variant::Net || !on_eks => {}
            "" | "efa" => {}
            "roce" => return Ok(ROCE),
            other => {
                let why = format!("`{FABRIC}` is `{other}`; there are efa and roce");
                return Err(Ending::no_verdict(why, Vec::new()));
            }
        }
        platform(self.variant, &profile)
            .ok_or_else(|| Ending::skip(format!("the benchmark does not apply to {profile}")))
    }
}

/// The rows of nccl-tests in the logs that were read.
pub fn rows(facts: &Facts) -> Vec<Measured> {
    let logs = facts.answers.values().filter_map(|answer| match answer {
        Answer::Log(log) => Some(curve::of_nccl(log)),
        _ => None,
    });
    logs.flatten().collect()
}

/// What the recipe asks of a benchmark, as it is written and its number; `Err` where it asks for nothing, or for no number.
pub fn wanted<'i>(input: &'i Input, name: &str) -> Result<(&'i str, f64), Step> {
    let Some(expression) = input.phase_constraint(Phase::Performance, name) else {
        return Err(Ending::skip(format!("the recipe sets no `{name}`")));
    };
    match threshold(expression) {
        Some(threshold) => Ok((expression, threshold)),
        None => Err(Ending::no_verdict(format!("`{name}` `{expression}` has no number"), Vec::new())),
    }
}

/// The network between nodes that NCCL says it uses.
pub fn network(output: &str) -> Option<&str> {
    output.split("Using network ").nth(1)?.split_whitespace().next()
}

/// The number of an expression, as the reference reads it: `>= 300 GB/s` is 300.
pub fn threshold(expression: &str) -> Option<f64> {
    let number = expression.trim_start_matches(['>', '<', '=', '!', ' ']).split_whitespace().next()?;
    number.parse().ok().filter(|number: &f64| number.is_finite())
}

fn nodes() -> Read {
    Read::list("v1", "", "nodes", "").keeping(&["metadata.labels", "spec.unschedulable", "status.allocatable"])
}

/// GPUs that a node offers.
pub fn gpus(node: &Value) -> u64 {
    node["status"]["allocatable"][GPU].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The nodes to run on: schedulable, with GPUs of the recipe's model where nodes tell it, and of one machine type.
pub fn workers<'f>(input: &Input, nodes: &'f [Value]) -> Result<Vec<&'f Value>, Step> {
    let label = |node: &'f Value, key: &str| node["metadata"]["labels"][key].as_str().unwrap_or_default();
    let usable = |node: &&Value| node["spec"]["unschedulable"] != true && gpus(node) > 0;
    let mut found: Vec<&Value> = nodes.iter().filter(usable).collect();
    if found.is_empty() {
        return Err(Ending::fail("no schedulable node has allocatable nvidia.com/gpu", Vec::new()));
    }
    let product = "nvidia.com/gpu.product";
    let model = input.criteria.accelerator.clone().unwrap_or_default().to_uppercase();
    if found.iter().any(|node| !label(node, product).is_empty()) {
        let wanted = format!("NVIDIA-{model}");
        found.retain(|node| {
            let is = label(node, product);
            is == wanted || is.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('-'))
        });
        if found.is_empty() {
            return Err(Ending::fail(format!("no GPU node has the model {model}"), Vec::new()));
        }
    }
    let machine = label(found[0], "node.kubernetes.io/instance-type");
    found.retain(|node| label(node, "node.kubernetes.io/instance-type") == machine);
    if found.len() < 2 {
        return Err(Ending::skip(format!(
            "{} GPU node of machine type {machine}; traffic between nodes needs two",
            found.len()
        )));
    }
    Ok(found)
}

/// One run of the benchmark.
struct Test<'t> {
    check: &'t NcclAllReduce,
    input: &'t Input,
    platform: Platform,
    workers: Vec<&'t Value>,
    /// Of each node.
    gpus: u64,
    /// The interfaces of GPU NICs, where the platform has some.
    networks: Vec<Interface>,
}

impl Test<'_> {
    fn name(&self) -> String {
        self.check.object_name(self.input)
    }

    fn metadata(&self) -> Value {
        probe::metadata(self.input, self.check.name, &self.name())
    }

    fn domain(&self) -> Change {
        Change::create(
            "computedomains",
            json!({"apiVersion": "resource.nvidia.com/v1beta1", "kind": "ComputeDomain", "metadata": self.metadata(),
                   "spec": {"numNodes": 0, "channel": {"resourceClaimTemplate": {"name": self.name()}}}}),
        )
    }

    /// The runtime that the recipe brings, or the one of the platform.
    fn runtime(&self) -> Result<Change, Step> {
        if self.input.nccl_runtime.is_empty() {
            return Ok(self.known_runtime());
        }
        let size = Size { workers: self.workers.len() as u64, gpus: self.gpus };
        let runtime = nccl_runtime::read(&self.input.nccl_runtime, &self.input.place.namespace, size)
            .map_err(|why| Ending::no_verdict(format!("the runtime of the recipe: {why}"), Vec::new()))?;
        let runtime = nccl_runtime::of_run(self.input, self.check.name, &self.name(), runtime);
        Ok(Change::create("trainingruntimes", runtime))
    }

    fn known_runtime(&self) -> Change {
        let ranks = self.gpus * self.workers.len() as u64;
        let image = match self.input.place.nccl_image.as_str() {
            "" => self.platform.image,
            image => image,
        };
        let launcher = json!({"name": "node", "image": image, "command": ["/bin/sh", "-c", self.platform.launch(ranks)],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "2", "memory": "512Mi"}}});
        let resources = json!({ GPU: self.gpus.to_string() });
        let worker = json!({"name": "node", "image": image, "command": ["/bin/sh", "-c", self.platform.serve()],
            "resources": {"requests": resources, "limits": resources},
            "securityContext": {"capabilities": {"add": ["IPC_LOCK"]}},
            "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}]});
        let tolerations = json!([{"operator": "Exists"}]);
        let names: Vec<&str> = self.workers.iter().map(|node| name(node)).collect();
        let mut pod = json!({"tolerations": tolerations, "affinity": probe::on_nodes(&names), "containers": [worker],
            "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory"}}]});
        pod["affinity"]["podAntiAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": [{
            "labelSelector": {"matchLabels": {"aicr.run/nccl": self.name()}}, "topologyKey": "kubernetes.io/hostname"}]});
        let mut annotations = json!({});
        self.platform.connect(&mut pod, &mut annotations, self.workers[0], &self.name(), &self.networks);
        if self.check.variant == Variant::Nvls {
            claim(&mut pod, "imex", &self.name());
        }
        // The pods carry the labels of the run as well: what they write is part of what the check writes.
        let mut labels = self.metadata()["labels"].clone();
        let of_launcher = labels.clone();
        labels["aicr.run/nccl"] = self.name().into();
        Change::create(
            "trainingruntimes",
            json!({"apiVersion": API, "kind": "TrainingRuntime", "metadata": self.metadata(), "spec": {
            "mlPolicy": {"numNodes": self.workers.len(), "mpi": {"numProcPerNode": self.gpus, "mpiImplementation": "OpenMPI",
                "sshAuthMountPath": "/tmp/mpi-keys", "runLauncherAsNode": false}},
            "template": {"spec": {
                "network": {"enableDNSHostnames": true, "publishNotReadyAddresses": true},
                "successPolicy": {"operator": "All", "targetReplicatedJobs": ["launcher"]},
                "replicatedJobs": [
                    {"name": "launcher", "replicas": 1, "template": {"spec": {"template": {"metadata": {"labels": of_launcher}, "spec": {
                        "restartPolicy": "Never", "tolerations": tolerations, "containers": [launcher]}}, "backoffLimit": 0}}},
                    {"name": "node", "replicas": 1, "template": {
                        "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
                        "spec": {"template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod}}}},
                ]}}}}),
        )
    }

    fn job(&self) -> Change {
        Change::create(
            "trainjobs",
            json!({"apiVersion": API, "kind": "TrainJob", "metadata": self.metadata(), "spec": {
                "runtimeRef": {"apiGroup": GROUP, "kind": "TrainingRuntime", "name": self.name()},
                "trainer": {"numNodes": self.workers.len()}}}),
        )
    }

    /// Creates what the benchmark is made of; `Err` is what has to be done first.
    fn create(&self, facts: &Facts, elapsed: u64) -> Result<(), Step> {
        let mut first: Vec<Change> = self.check.needs_domain(self.input).then(|| self.domain()).into_iter().collect();
        first.extend(self.platform.template(self.input, self.check.name, &self.name(), self.gpus));
        first.push(self.runtime()?);
        let unmade = facts.unmade(&first);
        if !unmade.is_empty() {
            return Err(Step::Change(unmade));
        }
        let failed = |why: &str| Err(Ending::no_verdict(format!("the benchmark was not created: {why}"), Vec::new()));
        if let Some(change) = first.iter().find(|change| !matches!(facts.change(change), Some(Answer::Found(_)))) {
            return failed(facts.change(change).and_then(Answer::trouble).unwrap_or("a kind of it is not served"));
        }
        let job = self.job();
        let began = first.iter().filter_map(|change| facts.changed_at(change)).max().unwrap_or(0);
        match facts.change(&job) {
            Some(Answer::Found(_)) => Ok(()),
            None => Err(Step::Change(vec![job])),
            // The webhook learns of the runtime a moment after it was created.
            Some(Answer::Refused(why))
                if why.contains("webhook") && elapsed.saturating_sub(began) < WEBHOOK_SECONDS =>
            {
                let last = facts.changed_at(&job).unwrap_or(0);
                if elapsed > last {
                    return Err(Step::Change(vec![job]));
                }
                Err(Step::Again {
                    after: 3,
                    reads: Vec::new(),
                    waiting_for: format!("the webhook of Kubeflow Trainer ({why})"),
                })
            }
            Some(answer) => failed(answer.trouble().unwrap_or("TrainJobs are not served")),
        }
    }

    fn follow(&self, facts: &Facts, elapsed: u64, expression: &str, threshold: f64) -> Step {
        let labels = format!("jobset.sigs.k8s.io/jobset-name={}", self.name());
        let pods = Read::list("v1", &self.input.place.namespace, "pods", &labels).keeping(&[
            "metadata.labels",
            "spec.nodeName",
            "status",
        ]);
        if facts.get(&pods).is_none() {
            return Step::Read(vec![pods]);
        }
        let role = |pod: &Value| text(pod, "/metadata/labels/jobset.sigs.k8s.io~1replicatedjob-name").to_owned();
        let launcher = facts.items(&pods).iter().find(|pod| role(pod) == "launcher");
        let began = facts.changed_at(&self.job()).unwrap_or(0);
        let waited = elapsed.saturating_sub(began);
        let workers = facts
            .items(&pods)
            .iter()
            .filter(|pod| role(pod) == "node" && text(pod, "/status/phase") == "Running")
            .count();
        let ready = format!("{workers} of {} workers run", self.workers.len());
        let Some(launcher) = launcher else {
            if waited >= LAUNCHER_SECONDS
                && let Some(why) = facts.unread(&pods)
            {
                return Ending::no_verdict(why, Vec::new());
            }
            if waited < LAUNCHER_SECONDS {
                return Step::Again { after: 3, reads: vec![pods], waiting_for: format!("the launcher ({ready})") };
            }
            let waited = probe::waited(LAUNCHER_SECONDS, elapsed);
            return Ending::no_verdict(format!("Kubeflow Trainer made no launcher {waited}"), Vec::new());
        };
        let log = Read::Log {
            namespace: self.input.place.namespace.clone(),
            pod: name(launcher).to_owned(),
            container: "node".to_owned(),
        };
        let output = match facts.get(&log) {
            Some(Answer::Log(log)) => log.as_str(),
            _ => "",
        };
        let progress = probe::progress(launcher);
        let is_over = matches!(progress, Progress::Succeeded | Progress::Failed(_) | Progress::Interrupted(_));
        if !is_over {
            if let (Progress::Hopeless(_), Some(why)) = (&progress, progress.no_verdict("the launcher", "")) {
                return Ending::no_verdict(why, Vec::new());
            }
            if waited >= RUN_SECONDS {
                let waited = probe::waited(RUN_SECONDS, elapsed);
                let why = format!("the benchmark did not end {waited} ({ready})");
                return Ending::no_verdict(why, vec![curve_block(output)]);
            }
            let mut reads = vec![pods];
            if text(launcher, "/status/phase") == "Running" {
                reads.push(log);
            }
            let waiting_for = match curve::of_nccl(output).last() {
                Some(row) => format!("the benchmark (now at {} bytes)", row.bytes),
                None => format!("the benchmark ({ready})"),
            };
            return Step::Again { after: 2, reads, waiting_for };
        }
        // What was read while it ran may lack the last rows.
        let is_whole = output.contains("Avg bus bandwidth");
        if !is_whole && facts.get(&log).is_none() {
            return Step::Read(vec![log]);
        }
        if !is_whole && matches!(progress, Progress::Succeeded) && waited < RUN_SECONDS {
            return Step::Again {
                after: 2,
                reads: vec![log],
                waiting_for: "the last rows of the benchmark".to_owned(),
            };
        }
        if let Some(why) = facts.unread(&log) {
            return Ending::no_verdict(why, Vec::new());
        }
        self.judge(output, &progress, expression, threshold)
    }

    fn judge(&self, output: &str, progress: &Progress, expression: &str, threshold: f64) -> Step {
        let blocks = vec![curve_block(output)];
        if let Some(why) = progress.no_verdict("the launcher", "") {
            return Ending::no_verdict(why, blocks);
        }
        if let Progress::Failed(failed) = progress {
            let why = probe::ended(failed);
            let lines: Vec<&str> = output.lines().collect();
            let last = lines[lines.len().saturating_sub(3)..].join(" | ");
            return Ending::fail(format!("the benchmark failed: {why}: {last}"), blocks);
        }
        let Some(Measured { bytes: size, gb_per_s: bus }) = curve::of_nccl(output).last().copied() else {
            return Ending::no_verdict("the launcher printed no row of results", blocks);
        };
        let mut problems = Vec::new();
        if bus < threshold * TOLERANCE {
            problems.push(format!(
                "{bus:.2} GB/s at {size} bytes, expected {expression} (at least {:.2} with a tolerance of 10 %)",
                threshold * TOLERANCE
            ));
        }
        // Where there is a fabric of its own to use, sockets are a fall back.
        let needs_fabric = self.check.variant == Variant::Net || self.platform.fabric == Fabric::Tcpxo;
        match (self.check.variant, network(output)) {
            (_, used @ (None | Some("Socket"))) if needs_fabric => {
                problems.push(format!("NCCL used {}, not the fabric", used.unwrap_or("no network that it names")));
            }
            (Variant::Nvls, _)
                if !(output.contains("NVLS multicast support is available") && output.contains("NVLS comm")) =>
            {
                problems.push("NCCL does not say that it used NVLink SHARP".to_owned());
            }
            _ => {}
        }
        let ranks = self.gpus * self.workers.len() as u64;
        let mut lines = vec![
            format!("RESULT: NCCL All Reduce bandwidth ({}): {bus:.2} GB/s at {size} bytes", self.check.name),
            format!("Constraint: {expression}, with a tolerance of 10 %"),
            format!("{ranks} ranks on {} nodes", self.workers.len()),
        ];
        if !self.input.nccl_runtime.is_empty() {
            lines.push(nccl_runtime::SOURCE.to_owned());
        }
        let result = Block::new("NCCL All Reduce", lines);
        let outcome = if problems.is_empty() { Outcome::Pass } else { Outcome::Fail(problems) };
        Ending::with(outcome, vec![blocks[0].clone(), result])
    }
}

/// The block of evidence that holds the curve.
const CURVE: &str = "Bus bandwidth by message size";

fn curve_block(output: &str) -> Block {
    Block::new(CURVE, curve::of_nccl(output).iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_numbers_with_a_sign_before_them() {
        assert_eq!(threshold(">= 300"), Some(300.0));
        assert_eq!(threshold(">=300.5 GB/s"), Some(300.5));
        assert_eq!(threshold("fast"), None);
    }
}
