//! The runtime of the NCCL benchmark that a recipe brings itself, in the place of one that this program knows.
//!
//! `nccl-benchmark-runtime-ref: <accelerator>/<service>` names a file of the catalog: a TrainingRuntime in which
//! `${NAMESPACE}`, `${WORKER_COUNT}`, `${GPU_COUNT_PER_NODE}`, `${GPU_COUNT}`, `${TEST_TYPE}`, `${MIN_MESSAGE_SIZE}` and
//! `${MAX_MESSAGE_SIZE}` are filled in. Other names in braces are the shell's and stay. The run of the reference names its
//! claim template for IMEX channels `nccl-all-reduce-imex`; here it has the name of the run, and claims follow it.

use super::probe;
use crate::{
    catalog::validator::Phase,
    validate::{input::Input, plan::RUN_LABEL},
    yaml,
};
use serde_json::{Map, Value};

pub const CONSTRAINT: &str = "nccl-benchmark-runtime-ref";
/// The constraint that chooses a known runtime instead.
pub const PROFILE: &str = "nccl-benchmark-profile";
/// The profiles that the reference knows, of which a recipe may name one.
pub const PROFILES: [&str; 12] = [
    "b200/any",
    "gb200/any",
    "gb200/eks",
    "gb200/gke",
    "gb200/oke",
    "gb300/eks",
    "gb300/generic",
    "h100/aks",
    "h100/eks",
    "h100/gke",
    "h200/eks",
    "vr200/rke2",
];
/// The line of output by which reports know that the recipe's runtime ran.
pub const SOURCE: &str = "runtime: brought by the recipe";
const API: &str = "trainer.kubeflow.org/v1alpha1";
const KIND: &str = "TrainingRuntime";
const IMEX: &str = "nccl-all-reduce-imex";
const TEST: &str = "all_reduce_perf";
/// The smallest and the largest message of the benchmark, whoever brings its runtime.
pub const SMALLEST: &str = "1K";
pub const LARGEST: &str = "16G";

/// Whether a check runs the benchmark.
pub fn is_of(check: &str) -> bool {
    [super::nccl_all_reduce::ANY, super::nccl_all_reduce::NET, super::nccl_all_reduce::NVLS]
        .iter()
        .any(|known| super::Check::name(known) == check)
}

/// The file of the catalog that a recipe names; `None` where it names none.
///
/// # Errors
/// A name of another form, or a recipe that chooses a known runtime as well.
pub fn file(input: &Input) -> Result<Option<String>, String> {
    let stated = |name| input.phase_constraint(Phase::Performance, name);
    let Some(name) = stated(CONSTRAINT) else { return Ok(None) };
    if let Some(profile) = stated(PROFILE) {
        return Err(format!(
            "`{CONSTRAINT}: {name}` and `{PROFILE}: {profile}` exclude each other; remove one of them"
        ));
    }
    let is_part = |part: &str| {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(is_plain)
    };
    match name.split_once('/') {
        Some((accelerator, service)) if is_part(accelerator) && is_part(service) => {
            Ok(Some(format!("validators/performance/testdata/{accelerator}/{service}/runtime.yaml")))
        }
        _ => Err(format!("`{CONSTRAINT}: {name}` is not of the form <accelerator>/<service>, for example h100/eks")),
    }
}

/// How large the benchmark is.
#[derive(Clone, Copy)]
pub struct Size {
    pub workers: u64,
    /// Of each node.
    pub gpus: u64,
}

/// The text with its variables filled in, as an object.
///
/// # Errors
/// What is not a TrainingRuntime with replicated jobs called `launcher` and `node`, as the reference's have them.
pub fn read(text: &str, namespace: &str, size: Size) -> Result<Value, String> {
    let variables = [
        ("NAMESPACE", namespace.to_owned()),
        ("WORKER_COUNT", size.workers.to_string()),
        ("GPU_COUNT_PER_NODE", size.gpus.to_string()),
        ("GPU_COUNT", (size.workers * size.gpus).to_string()),
        ("TEST_TYPE", TEST.to_owned()),
        ("MIN_MESSAGE_SIZE", SMALLEST.to_owned()),
        ("MAX_MESSAGE_SIZE", LARGEST.to_owned()),
    ];
    let filled =
        variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value));
    let runtime = yaml::parse(&filled).map_err(|error| error.to_string())?.to_value();
    let (api, kind) = (&runtime["apiVersion"], &runtime["kind"]);
    if api != API || kind != KIND {
        return Err(format!("expected a {KIND} of {API}, found kind {kind} of apiVersion {api}"));
    }
    let names: Vec<&str> = jobs(&runtime).filter_map(|job| job["name"].as_str()).collect();
    for needed in ["launcher", "node"] {
        if !names.contains(&needed) {
            return Err(format!("it has no replicated job `{needed}`; found: {}", or_none(&names.join(", "))));
        }
    }
    for job in jobs(&runtime) {
        let template = job.pointer("/template/spec/template").filter(|template| template.is_object());
        let template = template.ok_or_else(|| format!("its replicated job {} has no pod template", job["name"]))?;
        let is_map = |value: Option<&Value>| value.is_none_or(Value::is_object);
        if !is_map(template.get("metadata")) || !is_map(template.pointer("/metadata/labels")) {
            return Err(format!("the pod template of its replicated job {} has no mapping of labels", job["name"]));
        }
        let containers = template.pointer("/spec/containers").and_then(Value::as_array).into_iter().flatten();
        // Its log is what the result is read from.
        if job["name"] == "launcher" && !containers.clone().any(|container| container["name"] == "node") {
            return Err("the launcher has no container `node`".to_owned());
        }
        if containers.clone().any(|container| !container.is_object()) {
            return Err(format!("a container of its replicated job {} is not a mapping", job["name"]));
        }
    }
    Ok(runtime)
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

const JOBS: &str = "/spec/template/spec/replicatedJobs";

fn jobs(runtime: &Value) -> impl Iterator<Item = &Value> {
    runtime.pointer(JOBS).and_then(Value::as_array).into_iter().flatten()
}

/// The runtime as an object of this run: its name, its labels on all pods, its image and its claim template.
pub fn of_run(input: &Input, check: &str, name: &str, mut runtime: Value) -> Value {
    let metadata = probe::metadata(input, check, name);
    let labels = metadata["labels"].clone();
    let own = std::mem::replace(&mut runtime["metadata"], metadata);
    // What the file says of its own is kept where it does not say whose object it is.
    for key in ["labels", "annotations"] {
        for (label, value) in own[key].as_object().into_iter().flatten() {
            if runtime["metadata"][key].get(label).is_none() {
                runtime["metadata"][key][label.as_str()] = value.clone();
            }
        }
    }
    let jobs = runtime.pointer_mut(JOBS).and_then(Value::as_array_mut).into_iter().flatten();
    for job in jobs {
        let template = &mut job["template"]["spec"]["template"];
        for (label, value) in labels.as_object().into_iter().flatten() {
            template["metadata"]["labels"][label.as_str()] = value.clone();
        }
        let image = &input.place.nccl_image;
        let containers = template["spec"]["containers"].as_array_mut().into_iter().flatten();
        for container in containers.filter(|container| container["name"] == "node" && !image.is_empty()) {
            container["image"] = image.as_str().into();
        }
    }
    rename(&mut runtime, IMEX, name);
    debug_assert!(runtime["metadata"]["labels"].get(RUN_LABEL).is_some(), "without it a clean-up does not find it");
    runtime
}

/// Whether the pods of a runtime claim channels of an IMEX domain.
pub fn claims_channels(text: &str) -> bool {
    text.contains(IMEX)
}

/// Another name for a claim template wherever it is claimed.
fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(fields) => {
            let is_it =
                |fields: &Map<String, Value>| fields.get("resourceClaimTemplateName").is_some_and(|name| name == from);
            if is_it(fields) {
                fields["resourceClaimTemplateName"] = to.into();
            }
            fields.values_mut().for_each(|value| rename(value, from, to));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEXT: &str = "apiVersion: trainer.kubeflow.org/v1alpha1\nkind: TrainingRuntime\nmetadata: {name: mine, labels: {team: a}}\n\
        spec:\n  mlPolicy: {numNodes: ${WORKER_COUNT}}\n  template:\n    spec:\n      replicatedJobs:\n      - {name: launcher, template: {spec: {template: \
        {spec: {containers: [{name: node}]}}}}}\n      - name: node\n        \
        template: {spec: {template: {spec: {resourceClaims: [{name: imex, resourceClaimTemplateName: nccl-all-reduce-imex}], \
        containers: [{name: node, image: a, args: ['${TEST_TYPE} -b ${MIN_MESSAGE_SIZE} -e ${MAX_MESSAGE_SIZE} -np ${GPU_COUNT} ${HOME}']}]}}}}\n";

    fn sized(text: &str) -> Result<Value, String> {
        read(text, "ns", Size { workers: 2, gpus: 8 })
    }

    #[test]
    fn variables_are_filled_in_and_those_of_the_shell_stay() {
        let runtime = sized(TEXT).expect("a runtime");
        assert_eq!(runtime["spec"]["mlPolicy"]["numNodes"], json!(2));
        let container =
            &runtime.pointer(JOBS).expect("jobs")[1]["template"]["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["args"][0], "all_reduce_perf -b 1K -e 16G -np 16 ${HOME}");
    }

    #[test]
    fn a_runtime_of_a_run_has_its_name_labels_and_claims() {
        let mut input = Input::default();
        input.place.run_id = "run".into();
        input.place.nccl_image = "b".into();
        let runtime = of_run(&input, "check", "aicr-nccl", sized(TEXT).expect("a runtime"));
        assert_eq!(
            (&runtime["metadata"]["name"], &runtime["metadata"]["labels"]["team"]),
            (&json!("aicr-nccl"), &json!("a"))
        );
        let template = &runtime.pointer(JOBS).expect("jobs")[1]["template"]["spec"]["template"];
        assert_eq!(template["metadata"]["labels"][RUN_LABEL], "run");
        assert_eq!(template["spec"]["containers"][0]["image"], "b");
        assert_eq!(template["spec"]["resourceClaims"][0]["resourceClaimTemplateName"], "aicr-nccl");
    }

    #[test]
    fn other_documents_are_refused_with_what_was_found() {
        let error = |from: &str, to: &str| sized(&TEXT.replace(from, to)).expect_err("no runtime");
        assert_eq!(
            error("kind: TrainingRuntime", "kind: Pod"),
            "expected a TrainingRuntime of trainer.kubeflow.org/v1alpha1, found kind \"Pod\" of apiVersion \"trainer.kubeflow.org/v1alpha1\""
        );
        assert_eq!(error("- name: node", "- name: worker"), "it has no replicated job `node`; found: launcher, worker");
        assert_eq!(
            error("{name: launcher,", "{name: starter,"),
            "it has no replicated job `launcher`; found: starter, node"
        );
        assert_eq!(error("[{name: node}]}}}}}", "[{name: a}]}}}}}"), "the launcher has no container `node`");
        let labels = "{spec: {containers: [{name: node}]}}}}}";
        let odd = error(labels, "{metadata: {labels: text}, spec: {containers: [{name: node}]}}}}}");
        assert_eq!(odd, "the pod template of its replicated job \"launcher\" has no mapping of labels");
        assert_eq!(error(labels, "[]}}}"), "its replicated job \"launcher\" has no pod template");
        assert!(error("spec:\n", "spec: [\n").contains("line"), "{}", error("spec:\n", "spec: [\n"));
    }
}
