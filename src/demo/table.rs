//! Objects as rows of a table, which is how `kubectl get` asks for them.
//!
//! The columns are those of the API server for the kinds that people look at; all others have a name and an age.

use super::kinds::Kind;
use jiff::Timestamp;
use serde_json::{Value, json};

/// One column: its heading, whether it is shown without `-o wide`, and the cell of an object.
struct Column(&'static str, bool, fn(&Value, Timestamp) -> Value);

const NAME: Column = Column("Name", true, |object, _| object["metadata"]["name"].clone());
const AGE: Column = Column("Age", true, |object, now| json!(age(&object["metadata"]["creationTimestamp"], now)));

const PODS: &[Column] = &[
    NAME,
    Column("Ready", true, |pod, _| {
        let statuses = list(&pod["status"]["containerStatuses"]);
        let ready = statuses.filter(|status| status["ready"] == true).count();
        json!(format!("{ready}/{}", list(&pod["spec"]["containers"]).count()))
    }),
    Column("Status", true, |pod, _| json!(pod_status(pod))),
    Column("Restarts", true, |pod, _| {
        let restarts = list(&pod["status"]["containerStatuses"]).filter_map(|status| status["restartCount"].as_u64());
        json!(restarts.sum::<u64>().to_string())
    }),
    AGE,
    Column("IP", false, |pod, _| or_none(&pod["status"]["podIP"])),
    Column("Node", false, |pod, _| or_none(&pod["spec"]["nodeName"])),
];
const NODES: &[Column] = &[
    NAME,
    Column("Status", true, |node, _| {
        let ready = list(&node["status"]["conditions"]).find(|condition| condition["type"] == "Ready");
        let mut status = match ready.and_then(|ready| ready["status"].as_str()) {
            Some("True") => "Ready",
            Some("False") => "NotReady",
            _ => "Unknown",
        }
        .to_owned();
        if node["spec"]["unschedulable"] == true {
            status.push_str(",SchedulingDisabled");
        }
        json!(status)
    }),
    Column("Roles", true, |node, _| {
        let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
        let roles: Vec<&str> = labels.filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/")).collect();
        json!(if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") })
    }),
    AGE,
    Column("Version", true, |node, _| node["status"]["nodeInfo"]["kubeletVersion"].clone()),
    Column("OS-Image", false, |node, _| node["status"]["nodeInfo"]["osImage"].clone()),
    Column("Kernel-Version", false, |node, _| node["status"]["nodeInfo"]["kernelVersion"].clone()),
    Column("Container-Runtime", false, |node, _| node["status"]["nodeInfo"]["containerRuntimeVersion"].clone()),
];
const JOBS: &[Column] = &[
    NAME,
    Column("Status", true, |job, _| {
        let mut conditions = list(&job["status"]["conditions"]).filter(|condition| condition["status"] == "True");
        let last = conditions.next_back().and_then(|condition| condition["type"].as_str());
        json!(match last {
            Some("SuccessCriteriaMet") => "Complete",
            Some(kind) => kind,
            None if job["spec"]["suspend"] == true => "Suspended",
            None => "Running",
        })
    }),
    Column("Completions", true, |job, _| {
        json!(format!("{}/{}", number(&job["status"]["succeeded"]), number(&job["spec"]["completions"])))
    }),
    Column("Duration", true, |job, now| {
        let end = job["status"]["completionTime"].as_str().and_then(|text| text.parse().ok()).unwrap_or(now);
        json!(age(&job["status"]["startTime"], end))
    }),
    AGE,
];
const EVENTS: &[Column] = &[
    Column("Last Seen", true, |event, now| {
        let seen = ["lastTimestamp", "eventTime"].into_iter().map(|field| &event[field]).find(|time| time.is_string());
        json!(age(seen.unwrap_or(&event["metadata"]["creationTimestamp"]), now))
    }),
    Column("Type", true, |event, _| event["type"].clone()),
    Column("Reason", true, |event, _| event["reason"].clone()),
    Column("Object", true, |event, _| {
        let text = |field: &str| event["involvedObject"][field].as_str().unwrap_or_default();
        json!(format!("{}/{}", text("kind").to_lowercase(), text("name")))
    }),
    Column("Message", true, |event, _| event["message"].clone()),
];
const DEPLOYMENTS: &[Column] = &[
    NAME,
    Column("Ready", true, |set, _| {
        json!(format!("{}/{}", number(&set["status"]["readyReplicas"]), number(&set["spec"]["replicas"])))
    }),
    Column("Up-to-date", true, |set, _| json!(number(&set["status"]["updatedReplicas"]))),
    Column("Available", true, |set, _| json!(number(&set["status"]["availableReplicas"]))),
    AGE,
];
const REPLICA_SETS: &[Column] = &[
    NAME,
    Column("Desired", true, |set, _| json!(number(&set["spec"]["replicas"]))),
    Column("Current", true, |set, _| json!(number(&set["status"]["replicas"]))),
    Column("Ready", true, |set, _| json!(number(&set["status"]["readyReplicas"]))),
    AGE,
];
const STATEFUL_SETS: &[Column] = &[
    NAME,
    Column("Ready", true, |set, _| {
        json!(format!("{}/{}", number(&set["status"]["readyReplicas"]), number(&set["spec"]["replicas"])))
    }),
    AGE,
];
const DAEMON_SETS: &[Column] = &[
    NAME,
    Column("Desired", true, |set, _| json!(number(&set["status"]["desiredNumberScheduled"]))),
    Column("Current", true, |set, _| json!(number(&set["status"]["currentNumberScheduled"]))),
    Column("Ready", true, |set, _| json!(number(&set["status"]["numberReady"]))),
    Column("Up-to-date", true, |set, _| json!(number(&set["status"]["updatedNumberScheduled"]))),
    Column("Available", true, |set, _| json!(number(&set["status"]["numberAvailable"]))),
    AGE,
];
const SERVICES: &[Column] = &[
    NAME,
    Column("Type", true, |service, _| service["spec"]["type"].clone()),
    Column("Cluster-IP", true, |service, _| or_none(&service["spec"]["clusterIP"])),
    Column("Port(s)", true, |service, _| {
        let port = |port: &Value| format!("{}/{}", number(&port["port"]), port["protocol"].as_str().unwrap_or("TCP"));
        json!(list(&service["spec"]["ports"]).map(port).collect::<Vec<_>>().join(","))
    }),
    AGE,
];
const PHASED: &[Column] = &[NAME, Column("Status", true, |object, _| object["status"]["phase"].clone()), AGE];
const STATED: &[Column] = &[NAME, Column("Status", true, |object, _| object["status"]["state"].clone()), AGE];
const FILLED: &[Column] =
    &[NAME, Column("Data", true, |object, _| json!(object["data"].as_object().map_or(0, |data| data.len()))), AGE];
const PLAIN: &[Column] = &[NAME, AGE];

fn columns(kind: &Kind) -> &'static [Column] {
    match kind.plural {
        "pods" => PODS,
        "nodes" => NODES,
        "jobs" => JOBS,
        "events" => EVENTS,
        "deployments" => DEPLOYMENTS,
        "replicasets" => REPLICA_SETS,
        "statefulsets" => STATEFUL_SETS,
        "daemonsets" => DAEMON_SETS,
        "services" => SERVICES,
        "namespaces" => PHASED,
        "clusterpolicies" => STATED,
        "configmaps" | "secrets" => FILLED,
        _ => PLAIN,
    }
}

/// What the columns of a kind are, as a table says it.
pub fn definitions(kind: &Kind) -> Value {
    let define = |Column(name, is_shown, _): &Column| {
        json!({"name": name, "type": "string", "format": if *name == "Name" { "name" } else { "" }, "description": "",
            "priority": i32::from(!is_shown)})
    };
    columns(kind).iter().map(define).collect()
}

/// The row of one object; its metadata goes along, for the namespace column.
pub fn row(kind: &Kind, object: &Value, now: Timestamp) -> Value {
    let cells: Vec<Value> = columns(kind).iter().map(|Column(_, _, cell)| cell(object, now)).collect();
    json!({"cells": cells, "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"]}})
}

fn list(value: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn or_none(value: &Value) -> Value {
    value.as_str().filter(|text| !text.is_empty()).map_or(json!("<none>"), |text| json!(text))
}

fn pod_status(pod: &Value) -> &str {
    if pod["metadata"].get("deletionTimestamp").is_some() {
        return "Terminating";
    }
    let state = |status: &'_ Value, kind: &str| status["state"][kind]["reason"].as_str().is_some();
    let statuses = || list(&pod["status"]["containerStatuses"]);
    let reasons = ["waiting", "terminated"].into_iter().filter_map(|kind| {
        let status = statuses().find(|status| state(status, kind))?;
        status["state"][kind]["reason"].as_str()
    });
    let is_running = pod["status"]["phase"] == "Running" && statuses().all(|status| status["ready"] == true);
    let reason = reasons.into_iter().next().filter(|_| !is_running);
    reason.or_else(|| pod["status"]["phase"].as_str()).unwrap_or("Unknown")
}

/// `45s`, `3m12s`, `5h`, `10d`: as short as `kubectl` has it.
fn age(since: &Value, now: Timestamp) -> String {
    let Some(since) = since.as_str().and_then(|text| text.parse::<Timestamp>().ok()) else {
        return "<unknown>".to_owned();
    };
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => format!("{}m{}s", seconds / 60, seconds % 60),
        600..10_800 => format!("{}m", seconds / 60),
        10_800..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kinds::{ALL, own};

    #[track_caller]
    fn check(plural: &str, object: Value, expected: &str) {
        let now = "2026-01-01T00:10:00Z".parse().expect("a time");
        let row = row(&ALL[own(plural)], &object, now);
        let cells: Vec<String> =
            list(&row["cells"]).map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)).collect();
        assert_eq!(cells.join(" "), expected);
        let columns = definitions(&ALL[own(plural)]);
        assert_eq!(columns.as_array().map(Vec::len), Some(cells.len()));
    }

    #[test]
    fn a_pod_shows_the_status_of_its_worst_container() {
        let pod = |status: Value| {
            json!({"metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"}, "status": status,
                "spec": {"containers": [{}], "nodeName": "n"}})
        };
        let container = |state: Value, ready: bool| json!([{"ready": ready, "restartCount": 2, "state": state}]);
        let running = json!({"phase": "Running", "podIP": "10.0.0.1", "containerStatuses": container(json!({"running": {}}), true)});
        check("pods", pod(running), "p 1/1 Running 2 10m 10.0.0.1 n");
        let waiting = json!({"phase": "Pending", "containerStatuses": container(json!({"waiting": {"reason": "ErrImagePull"}}), false)});
        check("pods", pod(waiting), "p 0/1 ErrImagePull 2 10m <none> n");
        check("pods", pod(json!({"phase": "Pending"})), "p 0/1 Pending 0 10m <none> n");
    }

    #[test]
    fn jobs_and_nodes_have_the_columns_of_kubectl() {
        let job = json!({"metadata": {"name": "j", "creationTimestamp": "2026-01-01T00:09:30Z"}, "spec": {"completions": 1},
            "status": {"succeeded": 1, "startTime": "2026-01-01T00:09:30Z", "completionTime": "2026-01-01T00:09:33Z",
                "conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}]}});
        check("jobs", job, "j Complete 1/1 3s 30s");
        let node = json!({"metadata": {"name": "n", "creationTimestamp": "2025-12-01T00:00:00Z",
            "labels": {"node-role.kubernetes.io/control-plane": ""}}, "spec": {"unschedulable": true},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.34.0"}}});
        check("nodes", node, "n Ready,SchedulingDisabled control-plane 31d v1.34.0 null null null");
        check("leases", json!({"metadata": {"name": "l"}}), "l <unknown>");
    }
}
