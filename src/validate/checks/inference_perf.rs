//! inference-perf: a model served by Dynamo on one node reaches the throughput and the time to first token of the recipe.
//!
//! A DynamoGraphDeployment with one vLLM worker for each free GPU of the node that has most of them, AIPerf as the load, both
//! in the namespace of the run. The model is pulled by the workers; there is no cache that outlives them.

use super::{
    Answer, Block, Change, Check, Ending, Facts, Read, Rule, Step,
    check_nvidia_smi::{self, gpu_nodes},
    facts::{Findings, definition, name, text},
    nccl_all_reduce::threshold,
    probe::{self, Progress},
};
use crate::{
    catalog::validator::Phase,
    validate::{gpu::Policy, input::Input},
};
use serde_json::{Value, json};

pub struct InferencePerf;

const COMPONENT: &str = "dynamo-platform";
const KIND: &str = "dynamographdeployments.nvidia.com";
const GROUP: &str = "nvidia.com";
const THROUGHPUT: &str = "inference-throughput";
const FIRST_TOKEN: &str = "inference-ttft-p99";
const MODEL: &str = "inference-model";
const CONCURRENCY: &str = "inference-concurrency-per-gpu";
const ROUTING: &str = "inference-routing-mode";
const DEFAULT_MODEL: &str = "Qwen/Qwen3-8B";
const DEFAULT_CONCURRENCY: u64 = 256;
const ENGINE_IMAGE: &str = "nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.2.1";
/// The image of the load, where the catalog's `AICR_AIPERF_IMAGE` names no other.
const LOAD_IMAGE: &str = "ghcr.io/nvidia/aicr-validators/aiperf-bench:latest";
/// The schema of this version is the one that this program writes.
const VERSION: &str = "v1alpha1";
/// Seconds for the engine to load the model, for the frontend to answer, and for the load.
const READY_SECONDS: u64 = 600;
const ANSWER_SECONDS: u64 = 300;
const LOAD_SECONDS: u64 = 900;
const FEWEST_REQUESTS: u64 = 1_000;
const REQUESTS_PER_CONCURRENCY: u64 = 8;
const TOKENS: u64 = 128;
/// Before and after the result in the output of the load.
const SENTINEL: &str = "===AIPERF-RESULT===";
/// The parts of the thresholds that are enough.
const OF_THROUGHPUT: f64 = 0.9;
const OF_FIRST_TOKEN: f64 = 1.1;

/// What the recipe asks for.
struct Wanted<'i> {
    /// Tokens per second, with all GPUs of the node.
    throughput: Option<f64>,
    /// Milliseconds.
    first_token: Option<f64>,
    model: &'i str,
    per_gpu: u64,
}

impl Check for InferencePerf {
    fn name(&self) -> &'static str {
        "inference-perf"
    }

    fn about(&self) -> &'static str {
        "A model served by Dynamo and vLLM on all free GPUs of one node reaches 90 % of the recipe's tokens per second, and \
         its time to first token (p99) is at most 110 % of the recipe's; over Dynamo's own frontend and GPUs of the device \
         plugin only."
    }

    fn rules(&self, input: &Input) -> Vec<Rule> {
        let own = &*input.place.namespace;
        let load = [load_name(input)];
        let mut rules = vec![
            Rule::list("", &["nodes", "pods"]),
            Rule::get("apiextensions.k8s.io", "customresourcedefinitions", vec![KIND.to_owned()]),
        ];
        rules.extend(Rule::make(GROUP, "dynamographdeployments", own, &[graph_name(input)]));
        rules.extend(Rule::make("", "pods", own, &load));
        rules.push(Rule { names: load.to_vec(), ..Rule::to(&["get"], "", "pods/log").within(own) });
        rules
    }

    fn next(&self, input: &Input, facts: &Facts, elapsed: u64) -> Step {
        let wanted = match wanted(input) {
            Ok(wanted) => wanted,
            Err(step) => return step,
        };
        let (nodes, pods, kind) = (check_nvidia_smi::nodes(), check_nvidia_smi::pods(), definition(KIND));
        let reads = [nodes.clone(), pods, kind.clone()];
        let missing = facts.missing(&reads);
        if !missing.is_empty() {
            return Step::Read(missing);
        }
        if let Some(why) = facts.any_unread(&reads) {
            return Ending::no_verdict(why, Vec::new());
        }
        let Some(found) = facts.object(&kind) else {
            return Ending::fail(format!("{KIND} is not defined: Dynamo is not deployed"), Vec::new());
        };
        let versions = found.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
        if !versions.into_iter().any(|version| text(version, "/name") == VERSION && version["served"] == true) {
            return Ending::no_verdict(
                format!("{KIND} is not served in version {VERSION}, which this program writes"),
                Vec::new(),
            );
        }
        // Most free GPUs first, then by name.
        let free = gpu_nodes(facts);
        let Some((node, gpus)) = free.into_iter().rev().filter(|(_, free)| *free > 0).max_by_key(|(_, free)| *free)
        else {
            return Ending::no_verdict(
                "no schedulable node has a free nvidia.com/gpu to serve a model with",
                Vec::new(),
            );
        };
        let all = facts.items(&nodes).iter().find(|known| name(known) == node).map_or(gpus, check_nvidia_smi::gpus);
        let test = Test { input, wanted, node, gpus, all };
        test.run(facts, elapsed).unwrap_or_else(|step| step)
    }
}

/// The thresholds and settings of the recipe; `Err` ends the check.
fn wanted(input: &Input) -> Result<Wanted<'_>, Step> {
    let constraint = |name: &'static str| input.phase_constraint(Phase::Performance, name);
    if constraint(THROUGHPUT).is_none() && constraint(FIRST_TOKEN).is_none() {
        return Err(Ending::skip(format!("the recipe sets neither `{THROUGHPUT}` nor `{FIRST_TOKEN}`")));
    }
    if input.enabled(COMPONENT).is_none() {
        return Err(Ending::skip(format!("the recipe has no enabled {COMPONENT}")));
    }
    let number = |name: &'static str, sign: &str| match constraint(name) {
        None => Ok(None),
        Some(expression) => match threshold(expression).filter(|_| expression.starts_with(sign)) {
            Some(number) => Ok(Some(number)),
            None => {
                let why = format!("`{name}` `{expression}` is not a threshold; write `{sign}` and a number");
                Err(Ending::no_verdict(why, Vec::new()))
            }
        },
    };
    if let Some(mode) = constraint(ROUTING).filter(|mode| *mode != "dynamo-router") {
        let why = format!("this version does not measure with `{ROUTING}` `{mode}`, only with `dynamo-router`");
        return Err(Ending::no_verdict(why, Vec::new()));
    }
    if input.gpu_policy == Policy::ResourceClaim {
        let why = "this version does not measure where GPUs are handed out through ResourceClaims";
        return Err(Ending::no_verdict(why, Vec::new()));
    }
    let per_gpu = match constraint(CONCURRENCY).map(str::parse) {
        None => DEFAULT_CONCURRENCY,
        Some(Ok(number)) if number > 0 => number,
        Some(_) => {
            return Err(Ending::no_verdict(format!("`{CONCURRENCY}` is not a whole number above 0"), Vec::new()));
        }
    };
    Ok(Wanted {
        throughput: number(THROUGHPUT, ">=")?,
        first_token: number(FIRST_TOKEN, "<=")?,
        model: constraint(MODEL).unwrap_or(DEFAULT_MODEL),
        per_gpu,
    })
}

fn graph_name(input: &Input) -> String {
    probe::object_name(input, "infer")
}

fn load_name(input: &Input) -> String {
    probe::object_name(input, "aiperf")
}

/// One run.
struct Test<'t> {
    input: &'t Input,
    wanted: Wanted<'t>,
    node: &'t str,
    /// Free GPUs of the node, and all of them.
    gpus: u64,
    all: u64,
}

impl Test<'_> {
    fn graph(&self) -> Change {
        let place =
            json!({"nodeSelector": {"kubernetes.io/hostname": self.node}, "tolerations": [{"operator": "Exists"}]});
        let with = |container: Value| {
            let mut spec = place.clone();
            spec["mainContainer"] = container;
            spec
        };
        let engine = json!({"image": ENGINE_IMAGE, "workingDir": "/workspace", "command": ["python3", "-m", "dynamo.vllm"],
            "args": ["--model", self.wanted.model]});
        let metadata = probe::metadata(self.input, InferencePerf.name(), &graph_name(self.input));
        Change::create(
            "dynamographdeployments",
            json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": "DynamoGraphDeployment", "metadata": metadata,
                "spec": {"services": {
                    "Frontend": {"componentType": "frontend", "replicas": 1, "extraPodSpec": with(json!({"image": ENGINE_IMAGE}))},
                    "VllmWorker": {"componentType": "worker", "replicas": self.gpus, "resources": {"limits": {"gpu": "1"}},
                        "extraPodSpec": with(engine)}}}}),
        )
    }

    fn url(&self) -> String {
        format!("http://{}-frontend.{}.svc:8000", graph_name(self.input), self.input.place.namespace)
    }

    fn load(&self) -> Change {
        let concurrency = self.gpus * self.wanted.per_gpu;
        let requests = FEWEST_REQUESTS.max(concurrency * REQUESTS_PER_CONCURRENCY);
        let command = format!(
            "aiperf profile -m {} --endpoint-type chat --streaming --url {} --concurrency {concurrency} --request-count {requests} \
             --warmup-request-count {concurrency} --synthetic-input-tokens-mean {TOKENS} --synthetic-input-tokens-stddev 0 \
             --output-tokens-mean {TOKENS} --output-tokens-stddev 0 --num-dataset-entries 100 --random-seed 100 \
             --extra-inputs temperature:0 --artifact-dir /tmp/aiperf >&2 && echo {SENTINEL} && \
             cat /tmp/aiperf/profile_export_aiperf.json && echo && echo {SENTINEL}",
            self.wanted.model,
            self.url()
        );
        let image = match self.input.place.aiperf_image.as_str() {
            "" => LOAD_IMAGE,
            image => image,
        };
        let mut container =
            probe::restricted(json!({"name": "aiperf", "image": image, "command": ["/bin/sh", "-c", command]}));
        container["env"] = json!([{"name": "HOME", "value": "/tmp"}]);
        container["volumeMounts"] = json!([{"name": "tmp", "mountPath": "/tmp"}]);
        let mut pod = probe::pod(self.input, InferencePerf.name(), &load_name(self.input), vec![container]);
        pod["spec"]["volumes"] = json!([{"name": "tmp", "emptyDir": {}}]);
        Change::create("pods", pod)
    }

    /// `Err` is what has to be done first, or an early end.
    fn run(&self, facts: &Facts, elapsed: u64) -> Result<Step, Step> {
        let graph = self.graph();
        created(&graph, facts, "the model's deployment")?;
        let since = |change: &Change| match elapsed {
            // The time of the check is up; how long it was is not known.
            u64::MAX => u64::MAX,
            _ => elapsed.saturating_sub(facts.changed_at(change).unwrap_or(0)),
        };
        let load = self.load();
        if facts.change(&load).is_none() {
            self.served(&graph, since(&graph), facts)?;
        }
        created(&load, facts, "the load")?;
        let pod = Read::Get(load.path());
        let found = found(&pod, facts, "the pod of the load")?;
        let progress = probe::progress(found);
        let waited = probe::waited(LOAD_SECONDS, elapsed);
        if let Progress::Waiting(why) = &progress {
            if since(&load) < LOAD_SECONDS {
                return Err(Step::Again { after: 5, reads: vec![pod], waiting_for: format!("the load ({why})") });
            }
            let why = progress.no_verdict("the load", &waited).unwrap_or_default();
            return Err(Ending::no_verdict(why, Vec::new()));
        }
        let log = Read::Log {
            namespace: self.input.place.namespace.clone(),
            pod: load_name(self.input),
            container: "aiperf".to_owned(),
        };
        if facts.get(&log).is_none() && !matches!(progress, Progress::Hopeless(_)) {
            return Err(Step::Read(vec![log]));
        }
        let output = match facts.get(&log) {
            Some(Answer::Log(log)) => log.as_str(),
            _ => "",
        };
        let ended = match &progress {
            Progress::Failed(failed) => Some(format!("the load failed: {}", probe::ended(failed))),
            other => other.no_verdict("the load", &waited),
        };
        match ended.or_else(|| facts.unread(&log)) {
            Some(why) => {
                let lines: Vec<String> = output.lines().map(str::to_owned).collect();
                let last = lines[lines.len().saturating_sub(20)..].to_vec();
                Ok(Ending::no_verdict(why, vec![Block::new("AIPerf output (end)", last)]))
            }
            None => Ok(self.judge(output)),
        }
    }

    /// Waits until the model is served.
    fn served(&self, graph: &Change, waited: u64, facts: &Facts) -> Result<(), Step> {
        let read = Read::Get(graph.path());
        let state = text(found(&read, facts, "the model's deployment")?, "/status/state").to_owned();
        if state == "failed" {
            return Err(Ending::fail("Dynamo could not deploy the model: its state is `failed`", Vec::new()));
        }
        if state != "successful" {
            let state = if state.is_empty() { "no state yet" } else { &state };
            if waited < READY_SECONDS {
                return Err(Step::Again {
                    after: 5,
                    reads: vec![read],
                    waiting_for: format!("the model to be loaded ({state})"),
                });
            }
            let waited = probe::waited(READY_SECONDS, waited);
            let why = format!("Dynamo did not have the model ready {waited} ({state})");
            return Err(Ending::no_verdict(why, Vec::new()));
        }
        let models = Read::Http(format!("{}/v1/models", self.url()));
        let is_there = match facts.get(&models) {
            None => return Err(Step::Read(vec![models])),
            Some(Answer::Http { status: 200, body }) => body.contains(self.wanted.model),
            Some(_) => false,
        };
        if is_there {
            return Ok(());
        }
        if waited < READY_SECONDS + ANSWER_SECONDS {
            return Err(Step::Again {
                after: 10,
                reads: vec![models],
                waiting_for: "the frontend to list the model".to_owned(),
            });
        }
        let unlisted = format!("{}/v1/models does not list {}", self.url(), self.wanted.model);
        Err(Ending::no_verdict(facts.unread_or(&models, unlisted), Vec::new()))
    }

    fn judge(&self, output: &str) -> Step {
        let result = output.split(SENTINEL).nth(1).and_then(|text| serde_json::from_str::<Value>(text).ok());
        let Some(result) = result else {
            return Ending::no_verdict("AIPerf printed no result", Vec::new());
        };
        let mut findings = Findings::default();
        let mut lines = Vec::new();
        // With fewer GPUs than the node has, as much less is expected.
        let share = self.gpus as f64 / self.all.max(1) as f64;
        let values = [
            (
                "throughput",
                "tokens/s",
                "/output_token_throughput/avg",
                self.wanted.throughput.map(|wanted| wanted * share),
            ),
            ("time to first token (p99)", "ms", "/time_to_first_token/p99", self.wanted.first_token),
        ];
        for (index, (what, unit, path, wanted)) in values.into_iter().enumerate() {
            let Some(wanted) = wanted else { continue };
            let Some(value) = result.pointer(path).and_then(Value::as_f64) else {
                findings.unread(format!("AIPerf printed no {what}"));
                continue;
            };
            lines.push(format!("RESULT: inference {what}: {value:.2} {unit}"));
            let (limit, holds, words) = if index == 0 {
                (wanted * OF_THROUGHPUT, value >= wanted * OF_THROUGHPUT, "at least")
            } else {
                (wanted * OF_FIRST_TOKEN, value <= wanted * OF_FIRST_TOKEN, "at most")
            };
            if !holds {
                findings.problems.push(format!(
                    "{what} is {value:.2} {unit}, expected {words} {limit:.2} with the tolerance of 10 %"
                ));
            }
        }
        lines.push(format!("{} with {} of {} GPUs of node {}", self.wanted.model, self.gpus, self.all, self.node));
        findings.end(vec![Block::new("Inference performance", lines)])
    }
}

/// Creates an object; `Err` until it is there.
fn created(change: &Change, facts: &Facts, what: &str) -> Result<(), Step> {
    match facts.change(change) {
        None => Err(Step::Change(vec![change.clone()])),
        Some(Answer::Found(_)) => Ok(()),
        Some(answer) => {
            let why = answer.trouble().unwrap_or("its kind is not served");
            Err(Ending::no_verdict(format!("{what} was not created: {why}"), Vec::new()))
        }
    }
}

/// An object that was created, read.
fn found<'f>(read: &Read, facts: &'f Facts, what: &str) -> Result<&'f Value, Step> {
    match facts.get(read) {
        None => Err(Step::Read(vec![read.clone()])),
        Some(Answer::Found(found)) => Ok(found),
        Some(_) => Err(Ending::no_verdict(facts.unread_or(read, format!("{what} is gone")), Vec::new())),
    }
}
