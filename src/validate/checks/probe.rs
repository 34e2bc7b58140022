//! Pods that a check creates to look from inside: what they are made of, what they do, and how far they came.
//!
//! They run the image of the check itself, so that nothing else has to be pulled, under the restricted Pod Security
//! standard. They lie in the namespace of the run and belong to the pod of the check, so that they go with it.

use super::facts::text;
use crate::validate::{
    input::Input,
    plan::{NAME_LABEL, NAMESPACE_LABEL, RUN_LABEL},
};
use serde_json::{Value, json};
use std::{fmt, str::FromStr};

/// The check that created an object.
pub const MADE_BY_LABEL: &str = "aicr.run/made-by";

/// The exit code of a probe that saw something else than it was to see.
pub const NOT_AS_EXPECTED: i64 = 1;

/// What a container of such a pod does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Counts the GPU devices that it sees and succeeds if they are so many; with 0, there must be nothing of NVIDIA's.
    Devices(usize),
    /// Waits so many seconds and succeeds.
    Hold(u64),
    /// Reads a file of its node and succeeds if it says what it is to say.
    Host(HostFile),
}

/// A file of a node that the benchmark of NCCL depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFile {
    /// The parameters of the loaded driver, with `GrdmaPciTopoCheckOverride: 1`: without it NCCL does not use GPUDirect RDMA
    /// where the driver misreads the order of PCI devices.
    GrdmaOverride,
    /// What the installer of GPUDirect-TCPXO leaves for NCCL.
    TcpxoProfile,
}

impl HostFile {
    pub const ALL: [HostFile; 2] = [HostFile::GrdmaOverride, HostFile::TcpxoProfile];

    /// Its name as an argument.
    pub fn name(self) -> &'static str {
        match self {
            HostFile::GrdmaOverride => "grdma-override",
            HostFile::TcpxoProfile => "tcpxo-profile",
        }
    }

    /// What it holds, in words.
    pub fn about(self) -> &'static str {
        match self {
            HostFile::GrdmaOverride => "the driver's parameters",
            HostFile::TcpxoProfile => "the profile of GPUDirect-TCPXO",
        }
    }

    /// The folder that is mounted from the node, which is there also where the file is not: on every Linux, and on every node of GKE.
    pub fn folder_on_node(self) -> &'static str {
        match self {
            HostFile::GrdmaOverride => "/proc/driver/",
            HostFile::TcpxoProfile => "/home/kubernetes/bin/",
        }
    }

    pub fn folder_in_pod(self) -> &'static str {
        "/host"
    }

    /// Below the folder.
    pub fn path(self) -> &'static str {
        match self {
            HostFile::GrdmaOverride => "nvidia/params",
            HostFile::TcpxoProfile => "nvidia/lib64/nccl-env-profile.sh",
        }
    }

    /// The verdict over the file's text, with one line that says it; `None` where the node has no such file.
    pub fn judge(self, text: Option<&str>) -> (String, bool) {
        const WANTED: &str = "GrdmaPciTopoCheckOverride: 1";
        let file = format!("{}{}", self.folder_on_node(), self.path());
        match (self, text) {
            (_, None) => (format!("{file} is not there"), false),
            (HostFile::TcpxoProfile, Some(_)) => (format!("{file} is there"), true),
            (HostFile::GrdmaOverride, Some(text)) => {
                let name = WANTED.split(':').next().unwrap_or_default();
                match text.lines().map(str::trim).find(|line| line.split(':').next() == Some(name)) {
                    Some(line) if line == WANTED => (format!("{file}: {WANTED}"), true),
                    Some(line) => (format!("{file}: {line}, expected {WANTED} (NVreg_{name}=1)"), false),
                    None => (format!("{file} has no {name}, expected {WANTED} (NVreg_{name}=1)"), false),
                }
            }
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Probe::Devices(count) => write!(f, "devices={count}"),
            Probe::Hold(seconds) => write!(f, "hold={seconds}"),
            Probe::Host(file) => write!(f, "host={}", file.name()),
        }
    }
}

impl FromStr for Probe {
    type Err = String;

    fn from_str(text: &str) -> Result<Probe, String> {
        let unknown = || format!("`{text}` is not a probe; write devices=COUNT, hold=SECONDS or host=FILE");
        let (kind, number) = text.split_once('=').ok_or_else(unknown)?;
        match kind {
            "devices" => number.parse().map(Probe::Devices).map_err(|_| unknown()),
            "hold" => number.parse().map(Probe::Hold).map_err(|_| unknown()),
            "host" => HostFile::ALL.into_iter().find(|file| file.name() == number).map(Probe::Host).ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }
}

impl Probe {
    /// The verdict of [`Probe::Devices`] over the names in `/dev`: the lines to print, and whether they are as expected.
    pub fn count(expected: usize, names: &[String]) -> (Vec<String>, bool) {
        let of_nvidia: Vec<&String> = names.iter().filter(|name| name.starts_with("nvidia")).collect();
        let is_gpu = |name: &&&String| {
            let number = name.strip_prefix("nvidia").unwrap_or_default();
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let gpus = of_nvidia.iter().filter(is_gpu).count();
        let mut lines: Vec<String> = of_nvidia.iter().map(|name| format!("/dev/{name}")).collect();
        lines.push(format!("GPU devices: {gpus}, expected {expected}"));
        (lines, gpus == expected && (expected > 0 || of_nvidia.is_empty()))
    }
}

/// Name, labels and owner of an object that a check creates.
pub fn metadata(input: &Input, check: &str, name: &str) -> Value {
    let place = &input.place;
    let mut metadata = json!({
        "name": name,
        "namespace": place.namespace,
        "labels": {
            NAME_LABEL.0: NAME_LABEL.1, RUN_LABEL: place.run_id, NAMESPACE_LABEL: place.namespace, MADE_BY_LABEL: check,
        },
    });
    if let Some((name, uid)) = &place.pod {
        metadata["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}]);
    }
    metadata
}

/// The name of an object of a run: `aicr-gang-0-1a2b3c4d`.
pub fn object_name(input: &Input, what: &str) -> String {
    format!("aicr-{what}-{}", input.place.suffix())
}

/// A container that runs a probe.
pub fn container(input: &Input, name: &str, probe: Probe) -> Value {
    restricted(json!({
        "name": name,
        "image": input.place.image,
        "imagePullPolicy": input.place.pull_policy,
        "args": [format!("--probe={probe}")],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
    }))
}

/// The container with the security context that the restricted standard asks for.
pub fn restricted(mut container: Value) -> Value {
    container["securityContext"] =
        json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
    container
}

/// A pod that runs once, tolerates every taint and has no API token.
pub fn pod(input: &Input, check: &str, name: &str, containers: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata(input, check, name), "spec": spec(input, containers)})
}

/// The spec of such a pod.
pub fn spec(input: &Input, containers: Vec<Value>) -> Value {
    let mut spec = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"operator": "Exists"}],
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": containers,
    });
    if !input.place.pull_secrets.is_empty() {
        spec["imagePullSecrets"] = input.place.pull_secrets.iter().map(|secret| json!({ "name": secret })).collect();
    }
    spec
}

/// Affinity to these nodes and no others.
pub fn on_nodes(nodes: &[&str]) -> Value {
    json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": nodes
        .iter()
        .map(|node| json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}))
        .collect::<Vec<_>>()}}})
}

/// How long was waited: `within 180 s`. When the time of the check is up, `elapsed` is `u64::MAX`, and how long it was is
/// not known.
pub fn waited(limit: u64, elapsed: u64) -> String {
    match elapsed {
        u64::MAX => "within the time limit of the check".to_owned(),
        _ => format!("within {limit} s"),
    }
}

/// How far a pod came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// What it waits for.
    Waiting(String),
    /// It will never start: its image or its configuration.
    Hopeless(String),
    Succeeded,
    /// Its containers ended by themselves, and not all of them well.
    Failed(Vec<Ended>),
    /// It was ended from outside: evicted, preempted, out of memory, its node lost. What it would have seen is unknown.
    Interrupted(String),
}

impl Progress {
    /// Why a pod says nothing of what it was to see: `the test pod cannot start: …`; `None` where it ended by itself. `waited`
    /// is how long it was waited for, as [`waited`] says it.
    pub fn no_verdict(&self, what: &str, waited: &str) -> Option<String> {
        match self {
            Progress::Waiting(why) => Some(format!("{what} did not end {waited} ({why})")),
            Progress::Hopeless(why) => Some(format!("{what} cannot start: {why}")),
            Progress::Interrupted(why) => Some(format!("{what} was ended from outside: {why}")),
            Progress::Succeeded | Progress::Failed(_) => None,
        }
    }
}

/// A container that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub container: String,
    pub code: i64,
    /// Reason and message, as the kubelet says them.
    pub words: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "container {} ended with {}", self.container, self.code)?;
        if self.words.is_empty() { Ok(()) } else { write!(f, " {}", self.words) }
    }
}

/// The containers that failed, in one line.
pub fn ended(failed: &[Ended]) -> String {
    failed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// How a pod failed.
fn failure(pod: &Value) -> Progress {
    let words = |value: &Value| format!("{} {}", text(value, "/reason"), text(value, "/message")).trim().to_owned();
    let disrupted =
        conditions(pod).find(|one| text(one, "/type") == "DisruptionTarget" && text(one, "/status") == "True");
    if !text(&pod["status"], "/reason").is_empty() {
        return Progress::Interrupted(words(&pod["status"]));
    }
    if let Some(condition) = disrupted {
        return Progress::Interrupted(words(condition));
    }
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array).into_iter().flatten();
    let failed = statuses.filter_map(|status| {
        let ended = status.pointer("/state/terminated")?;
        let code = ended["exitCode"].as_i64().filter(|code| *code != 0)?;
        Some(Ended { container: text(status, "/name").to_owned(), code, words: words(ended) })
    });
    let failed: Vec<Ended> = failed.collect();
    match failed.iter().find(|ended| ended.words.starts_with("OOMKilled")) {
        Some(killed) => Progress::Interrupted(killed.to_string()),
        None if failed.is_empty() => Progress::Interrupted(match words(&pod["status"]) {
            words if words.is_empty() => "the pod failed without a reason".to_owned(),
            words => words,
        }),
        None => Progress::Failed(failed),
    }
}

fn conditions(pod: &Value) -> impl Iterator<Item = &Value> {
    pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten()
}

pub fn progress(pod: &Value) -> Progress {
    let statuses = || pod.pointer("/status/containerStatuses").and_then(Value::as_array).into_iter().flatten();
    match text(pod, "/status/phase") {
        "Succeeded" => Progress::Succeeded,
        "Failed" => failure(pod),
        phase => {
            for status in statuses() {
                let reason = text(status, "/state/waiting/reason");
                let hopeless = [
                    "ImagePullBackOff",
                    "ErrImagePull",
                    "InvalidImageName",
                    "ErrImageNeverPull",
                    "CreateContainerConfigError",
                    "CreateContainerError",
                    "CrashLoopBackOff",
                ];
                if hopeless.contains(&reason) {
                    return Progress::Hopeless(format!("{reason}: {}", text(status, "/state/waiting/message")));
                }
            }
            let unscheduled =
                conditions(pod).find(|one| text(one, "/type") == "PodScheduled" && text(one, "/status") == "False");
            Progress::Waiting(match unscheduled {
                Some(condition) => format!("not scheduled: {}", text(condition, "/message")),
                None => phase.to_lowercase(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_node_are_judged_by_what_they_say() {
        let check = |file: HostFile, text: Option<&str>, line: &str, good: bool| {
            assert_eq!(file.judge(text), (line.to_owned(), good));
            assert_eq!(Probe::Host(file).to_string().parse(), Ok(Probe::Host(file)));
        };
        let params = "ResmanDebugLevel: 4294967295\nGrdmaPciTopoCheckOverride: 1\n";
        let file = "/proc/driver/nvidia/params";
        check(HostFile::GrdmaOverride, Some(params), &format!("{file}: GrdmaPciTopoCheckOverride: 1"), true);
        let wanted = "expected GrdmaPciTopoCheckOverride: 1 (NVreg_GrdmaPciTopoCheckOverride=1)";
        let off = params.replace(": 1", ": 0");
        check(HostFile::GrdmaOverride, Some(&off), &format!("{file}: GrdmaPciTopoCheckOverride: 0, {wanted}"), false);
        check(HostFile::GrdmaOverride, Some(""), &format!("{file} has no GrdmaPciTopoCheckOverride, {wanted}"), false);
        check(HostFile::GrdmaOverride, None, &format!("{file} is not there"), false);
        let file = "/home/kubernetes/bin/nvidia/lib64/nccl-env-profile.sh";
        check(HostFile::TcpxoProfile, Some(""), &format!("{file} is there"), true);
        check(HostFile::TcpxoProfile, None, &format!("{file} is not there"), false);
    }

    #[test]
    fn probes_are_read_as_they_are_written() {
        for probe in [Probe::Devices(1), Probe::Hold(30)] {
            assert_eq!(probe.to_string().parse(), Ok(probe));
        }
        assert!("devices=some".parse::<Probe>().unwrap_err().contains("write devices=COUNT"));
    }

    #[test]
    fn gpus_are_counted_and_control_devices_betray_access() {
        let count = |expected, names: &[&str]| {
            Probe::count(expected, &names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).1
        };
        assert!(count(1, &["null", "nvidia0", "nvidiactl", "nvidia-uvm"]));
        assert!(!count(1, &["nvidia0", "nvidia1"]));
        assert!(count(0, &["null"]) && !count(0, &["nvidiactl"]));
    }

    #[test]
    fn a_pod_tells_how_far_it_came() {
        let with = |status: Value| progress(&json!({ "status": status }));
        assert_eq!(with(json!({"phase": "Succeeded"})), Progress::Succeeded);
        let ended = json!({"phase": "Failed", "containerStatuses": [
            {"name": "a", "state": {"terminated": {"exitCode": 0}}},
            {"name": "b", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]});
        let failed = Ended { container: "b".into(), code: 1, words: "Error".into() };
        assert_eq!(failed.to_string(), "container b ended with 1 Error");
        assert_eq!(with(ended), Progress::Failed(vec![failed]));
        let pulling = json!({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "no"}}}]});
        assert_eq!(with(pulling), Progress::Hopeless("ErrImagePull: no".into()));
        let killed = json!([{"name": "b", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}]);
        let interrupted = |status: Value, why: &str| assert_eq!(with(status), Progress::Interrupted(why.into()));
        interrupted(
            json!({"phase": "Failed", "reason": "Evicted", "message": "low", "containerStatuses": killed}),
            "Evicted low",
        );
        let target = json!([{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "for x"}]);
        interrupted(
            json!({"phase": "Failed", "conditions": target, "containerStatuses": killed}),
            "PreemptionByScheduler for x",
        );
        let memory = json!([{"name": "b", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]);
        interrupted(json!({"phase": "Failed", "containerStatuses": memory}), "container b ended with 137 OOMKilled");
        interrupted(json!({"phase": "Failed"}), "the pod failed without a reason");
        let why = |progress: Progress| progress.no_verdict("the pod", &waited(30, 31));
        assert_eq!(
            why(Progress::Waiting("pending".into())).as_deref(),
            Some("the pod did not end within 30 s (pending)")
        );
        assert_eq!(why(Progress::Hopeless("no image".into())).as_deref(), Some("the pod cannot start: no image"));
        assert_eq!(why(Progress::Succeeded), None);
        let full =
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1"}]});
        assert_eq!(with(full), Progress::Waiting("not scheduled: 0/1".into()));
    }
}
