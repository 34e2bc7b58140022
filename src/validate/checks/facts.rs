//! What a check reads, and what came back.

use super::Block;
use serde_json::Value;
use std::collections::BTreeMap;

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// One object by API path: `/api/v1/namespaces/x/services/y`.
    Get(String),
    /// Objects by API path, with a label selector that may be empty.
    List { path: String, labels: String },
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
        Read::List { path: collection(api_version, namespace, resource), labels: labels.to_owned() }
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
    /// What stands in the way of an answer, in words; `None` for an answer.
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

/// How a workload stands, as `ready/wanted`, and whether that is enough.
pub fn rollout(kind: &str, value: &Value) -> (String, bool) {
    let (ready, wanted, minimum) = match kind {
        "DaemonSet" => (number(value, "/status/numberReady"), number(value, "/status/desiredNumberScheduled"), 0),
        "StatefulSet" => (number(value, "/status/readyReplicas"), replicas(value), 0),
        _ => (number(value, "/status/availableReplicas"), replicas(value), 0),
    };
    (format!("{ready}/{wanted}"), ready >= wanted && ready >= minimum)
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
