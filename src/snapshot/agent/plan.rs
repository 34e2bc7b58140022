//! What is created to read a node: one short Job without any rights, on that node.

use super::read::{HOST, RELEASE, UNITS};
use serde_json::{Value, json};

/// The container that reads.
pub const CONTAINER: &str = "node";
/// The argument of our image that reads the node.
pub const ARGUMENT: &str = "--node";

/// Which files of the node are mounted, read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mounts {
    All,
    /// The one that every distribution has.
    Release,
    None,
}

impl Mounts {
    /// The next smaller choice.
    pub fn fewer(self) -> Option<Mounts> {
        match self {
            Mounts::All => Some(Mounts::Release),
            Mounts::Release => Some(Mounts::None),
            Mounts::None => None,
        }
    }

    fn paths(self) -> &'static [(&'static str, &'static str, &'static str)] {
        const ALL: &[(&str, &str, &str)] = &[("release", RELEASE, "File"), ("units", UNITS, "Directory")];
        match self {
            Mounts::All => ALL,
            Mounts::Release => &ALL[..1],
            Mounts::None => &[],
        }
    }
}

/// The variable that says in the pod which files are mounted.
pub const MOUNTED: &str = "AICR_NODE_FILES";

/// For all nodes alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub run_id: String,
    pub namespace: String,
    /// Of everything that is created.
    pub labels: Value,
    pub image: String,
    pub pull_secrets: Vec<String>,
    /// Seconds that one node may take.
    pub timeout_seconds: u64,
    pub mounts: Mounts,
    /// How often the node was asked before.
    pub attempt: usize,
}

/// The namespace, where there is none of that name.
pub fn namespace(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

/// The Job that reads one node. `number` makes its name: names of nodes are too long for it.
pub fn job(node: &str, number: usize, options: &Options) -> Value {
    let labels = &options.labels;
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name(number, options), "namespace": options.namespace, "labels": labels},
        "spec": {
            "activeDeadlineSeconds": options.timeout_seconds,
            "backoffLimit": 0,
            // Should the program that started it be killed.
            "ttlSecondsAfterFinished": 600,
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(node, options)},
        },
    })
}

/// The name of the Job.
pub fn name(number: usize, options: &Options) -> String {
    let id: String = options.run_id.chars().filter(char::is_ascii_alphanumeric).collect();
    let again = if options.attempt > 0 { format!("-{}", options.attempt) } else { String::new() };
    format!("aicr-node-{}-{number}{again}", &id[id.len().saturating_sub(8)..])
}

/// A pod as the Job makes it, to ask whether it would be admitted.
pub fn trial(node: &str, options: &Options) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name(0, options), "namespace": options.namespace, "labels": options.labels},
        "spec": pod_spec(node, options),
    })
}

fn pod_spec(node: &str, options: &Options) -> Value {
    let mounted = options.mounts.paths();
    // With their types: without one, what is missing would be made on the node.
    let volumes: Vec<Value> = mounted
        .iter()
        .map(|(name, path, kind)| json!({"name": name, "hostPath": {"path": path, "type": kind}}))
        .collect();
    let names = mounted.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(",");
    let mounts: Vec<Value> = mounted
        .iter()
        .map(|(name, path, _)| json!({"name": name, "mountPath": format!("{HOST}{path}"), "readOnly": true}))
        .collect();
    let secrets: Vec<Value> = options.pull_secrets.iter().map(|name| json!({"name": name})).collect();
    let mut pod = json!({
        "restartPolicy": "Never",
        "nodeName": node,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 1,
        // A node that is tainted is read like any other.
        "tolerations": [{"operator": "Exists"}],
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": volumes,
        "containers": [{
            "name": CONTAINER,
            "image": options.image,
            "imagePullPolicy": "IfNotPresent",
            "args": [ARGUMENT],
            // Where the NVIDIA runtime is the usual one, nvidia-smi comes with this, and no GPU is held.
            "env": [
                {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
                {"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "utility"},
                {"name": MOUNTED, "value": names},
            ],
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
            "volumeMounts": mounts,
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
            },
        }],
    });
    if !secrets.is_empty() {
        pod["imagePullSecrets"] = secrets.into();
    }
    pod
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_has_no_rights_and_mounts_nothing_writable() {
        let options = Options {
            run_id: "20260114-091000-0123456789abcdef".into(),
            namespace: "aicr-validation".into(),
            image: "aicr/check:1".into(),
            pull_secrets: vec!["pull".into()],
            labels: json!({"app.kubernetes.io/name": "aicr"}),
            timeout_seconds: 60,
            mounts: Mounts::All,
            attempt: 0,
        };
        let job = job("gpu-1", 7, &options);
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(job["metadata"]["name"], "aicr-node-89abcdef-7");
        assert_eq!((&pod["automountServiceAccountToken"], &pod["nodeName"]), (&false.into(), &"gpu-1".into()));
        let container = &pod["containers"][0];
        assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
        assert!(container["volumeMounts"].as_array().unwrap().iter().all(|mount| mount["readOnly"] == true));
        assert!(
            pod.get("hostPID").is_none() && pod.get("hostNetwork").is_none() && pod.get("serviceAccountName").is_none()
        );
        assert_eq!(pod["volumes"][1]["hostPath"], json!({"path": UNITS, "type": "Directory"}));
        let bare = trial("gpu-1", &Options { mounts: Mounts::None, attempt: 2, ..options });
        assert_eq!(
            (&bare["spec"]["volumes"], &bare["metadata"]["name"]),
            (&json!([]), &"aicr-node-89abcdef-0-2".into())
        );
    }
}
