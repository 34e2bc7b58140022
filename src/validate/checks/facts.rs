//! What a check reads, and what came back.

use super::Block;
use serde_json::Value;
use std::collections::BTreeMap;

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// One object by API path: `/api/v1/namespaces/x/services/y`.
    Get(String),
    /// Objects by API path, with a label selector that may be empty. Of each object its name, namespace and the dotted
    /// paths of `keep` stay (`*` for every element of a list, `~` for a dot); all of it when that is empty.
    List { path: String, labels: String, keep: &'static [&'static str] },
    /// A plain HTTP URL of a Service.
    Http(String),
}

impl Read {
    /// A core object, or one of a group: `object("apps/v1", "gpu-operator", "deployments", "gpu-operator")`. An empty
    /// namespace is cluster scope.
    pub fn object(api_version: &str, namespace: &str, resource: &str, name: &str) -> Read {
        Read::Get(format!("{}/{name}", collection(api_version, namespace, resource)))
    }

    /// All objects of a resource, in one namespace or, when it is empty, everywhere.
    pub fn list(api_version: &str, namespace: &str, resource: &str, labels: &str) -> Read {
        Read::List { path: collection(api_version, namespace, resource), labels: labels.to_owned(), keep: &[] }
    }

    /// Keeps only these paths of each object of a list: a cluster may have thousands of nodes of 26 kB.
    pub fn keeping(self, keep: &'static [&'static str]) -> Read {
        match self {
            Read::List { path, labels, .. } => Read::List { path, labels, keep },
            other => other,
        }
    }

    /// The namespace that is read in; `None` where it is no namespace, or the cluster.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Read::Get(path) | Read::List { path, .. } => {
                path.split_once("/namespaces/").and_then(|(_, rest)| Some(rest.split_once('/')?.0))
            }
            Read::Http(_) => None,
        }
    }
}

/// What stays of an object of a list.
pub fn kept(object: &Value, keep: &[&str]) -> Value {
    if keep.is_empty() {
        return object.clone();
    }
    let paths: Vec<Vec<String>> = ["metadata.name", "metadata.namespace"]
        .iter()
        .chain(keep)
        .map(|path| path.split('.').map(|key| key.replace('~', ".")).collect())
        .collect();
    part(object, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn part(value: &Value, paths: &[&[String]]) -> Value {
    if paths.iter().any(|path| path.is_empty()) {
        return value.clone();
    }
    let below =
        |key: &str| -> Vec<&[String]> { paths.iter().filter(|path| path[0] == key).map(|path| &path[1..]).collect() };
    match value {
        Value::Array(items) => items.iter().map(|item| part(item, &below("*"))).collect(),
        Value::Object(fields) => {
            let wanted = fields.iter().map(|(key, value)| (key, value, below(key)));
            let wanted = wanted.filter(|(.., paths)| !paths.is_empty());
            Value::Object(wanted.map(|(key, value, paths)| (key.clone(), part(value, &paths))).collect())
        }
        _ => Value::Null,
    }
}

fn collection(api_version: &str, namespace: &str, resource: &str) -> String {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    match namespace {
        "" => format!("{root}/{api_version}/{resource}"),
        namespace => format!("{root}/{api_version}/namespaces/{namespace}/{resource}"),
    }
}

/// What a read gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Found(Value),
    /// All items of a list.
    Items(Vec<Value>),
    Http {
        status: u16,
        body: String,
    },
    /// 404: no such object, or a kind that is not served.
    NotFound,
    Forbidden(String),
    Failed(String),
}

impl Answer {
    /// Why there is not an answer, in words; `None` for an answer.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Answer::Forbidden(text) | Answer::Failed(text) => Some(text),
            _ => None,
        }
    }
}

/// Every answer so far.
#[derive(Clone, Debug, Default)]
pub struct Facts(pub BTreeMap<Read, Answer>);

impl Facts {
    pub fn get(&self, read: &Read) -> Option<&Answer> {
        self.0.get(read)
    }

    /// The reads that have no answer yet.
    pub fn missing(&self, reads: &[Read]) -> Vec<Read> {
        reads.iter().filter(|read| !self.0.contains_key(read)).cloned().collect()
    }

    /// An object that was found.
    pub fn object(&self, read: &Read) -> Option<&Value> {
        match self.0.get(read) {
            Some(Answer::Found(value)) => Some(value),
            _ => None,
        }
    }

    /// Items of a list; empty when there was no list.
    pub fn items(&self, read: &Read) -> &[Value] {
        match self.0.get(read) {
            Some(Answer::Items(items)) => items,
            _ => &[],
        }
    }
}

/// `/a/b` of an object as text; empty where it is absent.
pub fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `/a/b` of an object as a number; 0 where it is absent.
pub fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

pub fn name(value: &Value) -> &str {
    text(value, "/metadata/name")
}

/// What [`rollout`] reads.
pub const ROLLOUT: &[&str] = &["spec.replicas", "status"];

/// The rollout of a workload as `ready/wanted`, and whether that is enough.
pub fn rollout(kind: &str, value: &Value) -> (String, bool) {
    let (ready, wanted) = match kind {
        "DaemonSet" => (number(value, "/status/numberReady"), number(value, "/status/desiredNumberScheduled")),
        "StatefulSet" => (number(value, "/status/readyReplicas"), replicas(value)),
        _ => (number(value, "/status/availableReplicas"), replicas(value)),
    };
    (format!("{ready}/{wanted}"), ready >= wanted)
}

/// `spec.replicas`, which is 1 where it is absent.
fn replicas(value: &Value) -> u64 {
    value.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
}

/// Evidence about workloads: one line each with what is ready.
pub fn workloads(label: &str, kind: &str, items: &[&Value]) -> Block {
    let lines = items.iter().map(|item| {
        let (ready, _) = rollout(kind, item);
        format!("{}/{}  {ready} ready", text(item, "/metadata/namespace"), name(item))
    });
    Block::new(label, lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_long_object_the_named_paths_stay() {
        let node = json!({
            "metadata": {"name": "n1", "annotations": {"a": "long"}},
            "spec": {"unschedulable": true, "podCIDR": "x"},
            "status": {
                "allocatable": {"nvidia.com/gpu": "8", "cpu": "1"},
                "conditions": [{"type": "Ready", "status": "True", "message": "long"}],
            },
        });
        let keep = &["spec.unschedulable", "status.allocatable.nvidia~com/gpu", "status.conditions.*.type"];
        let expected = json!({
            "metadata": {"name": "n1"},
            "spec": {"unschedulable": true},
            "status": {"allocatable": {"nvidia.com/gpu": "8"}, "conditions": [{"type": "Ready"}]},
        });
        assert_eq!(kept(&node, keep), expected);
        assert_eq!(kept(&node, &[]), node);
    }

    #[test]
    fn a_read_knows_its_namespace() {
        assert_eq!(Read::list("apps/v1", "gpu-operator", "deployments", "").namespace(), Some("gpu-operator"));
        assert_eq!(Read::object("v1", "", "namespaces", "monitoring").namespace(), None);
        assert_eq!(Read::list("v1", "", "nodes", "").namespace(), None);
        assert_eq!(Read::Http("http://a/".into()).namespace(), None);
    }
}
