//! What a check reads, and what came back.

use super::{Block, Ending, Step};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

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
    /// Of a page of metrics, the lines of these metrics: a page is far longer than what a check asks of it.
    Samples { url: String, names: &'static [&'static str] },
    /// What a container of a pod wrote, at most 1 MiB.
    Log { namespace: String, pod: String, container: String },
}

/// One thing to change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Creates an object of a resource, as long as the check runs. `trial`: the server admits or refuses it and does not
    /// keep it.
    Create { resource: &'static str, object: Value, trial: bool },
    /// Merges into what the check created: a JSON merge patch of an API path.
    Patch { path: String, patch: Value },
    /// Runs a command in a container that is there already. Never twice, because it may have done something.
    Run { namespace: String, pod: String, container: String, command: Vec<String> },
}

impl Change {
    pub fn create(resource: &'static str, object: Value) -> Change {
        Change::Create { resource, object, trial: false }
    }

    pub fn trial(resource: &'static str, object: Value) -> Change {
        Change::Create { resource, object, trial: true }
    }

    /// The API path of the object.
    pub fn path(&self) -> String {
        match self {
            Change::Create { object, .. } => format!("{}/{}", self.collection(), name(object)),
            Change::Patch { path, .. } => path.clone(),
            Change::Run { namespace, pod, .. } => format!("{}/{pod}/exec", collection("v1", namespace, "pods")),
        }
    }

    /// Where the object is created.
    pub fn collection(&self) -> String {
        match self {
            Change::Create { resource, object, .. } => {
                collection(text(object, "/apiVersion"), text(object, "/metadata/namespace"), resource)
            }
            Change::Patch { .. } | Change::Run { .. } => self.path(),
        }
    }

    /// What tells it from other changes of a check.
    fn key(&self) -> String {
        match self {
            Change::Create { .. } => format!("create {}", self.path()),
            Change::Patch { path, patch } => format!("patch {path} {patch}"),
            Change::Run { container, command, .. } => format!("run {} {container} {command:?}", self.path()),
        }
    }
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
            Read::Log { namespace, .. } => Some(namespace),
            Read::Http(_) | Read::Samples { .. } => None,
        }
    }
}

/// The verb and what it is about: `list deployments.apps in namespace gpu-operator`.
impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, path) = match self {
            Read::Get(path) => ("get", path),
            Read::List { path, .. } => ("list", path),
            Read::Http(url) | Read::Samples { url, .. } => return write!(f, "read {url}"),
            Read::Log { namespace, pod, container } => {
                return write!(f, "read the log of container {container} of pod {namespace}/{pod}");
            }
        };
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => ("", &[] as &[&str]),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let [resource, names @ ..] = rest else { return write!(f, "{verb} {path}") };
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        for name in names {
            write!(f, " {name}")?;
        }
        if !namespace.is_empty() {
            write!(f, " in namespace {namespace}")?;
        }
        Ok(())
    }
}

/// The lines of a page of metrics that are about these.
pub fn samples(page: &str, names: &[&str]) -> String {
    let is_meant =
        |line: &&str| names.iter().any(|name| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    page.lines().filter(is_meant).flat_map(|line| [line, "\n"]).collect()
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
    /// The server does not take the object: it is invalid, in conflict, or not admitted.
    Refused(String),
    Failed(String),
    /// The namespace that was to be read does not exist.
    NoNamespace(String),
    /// What a container wrote.
    Log(String),
    /// How a command ended, and what it wrote.
    Ran {
        code: i32,
        output: String,
        errors: String,
    },
}

impl Answer {
    /// Why there is not an answer, in words; `None` for an answer.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Answer::Forbidden(text) | Answer::Failed(text) | Answer::Refused(text) | Answer::NoNamespace(text) => {
                Some(text)
            }
            _ => None,
        }
    }

    /// Why it is unknown what is there. A namespace that does not exist is an answer: nothing is in it.
    pub fn unread(&self) -> Option<&str> {
        match self {
            Answer::NoNamespace(_) => None,
            other => other.trouble(),
        }
    }
}

/// Every answer so far.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub answers: BTreeMap<Read, Answer>,
    /// What came of changes, with the second of the check at which it did.
    changes: BTreeMap<String, (Answer, u64)>,
}

impl Facts {
    pub fn of(answers: impl IntoIterator<Item = (Read, Answer)>) -> Facts {
        Facts { answers: answers.into_iter().collect(), changes: BTreeMap::new() }
    }

    pub fn get(&self, read: &Read) -> Option<&Answer> {
        self.answers.get(read)
    }

    pub fn changed(&mut self, change: &Change, answer: Answer, elapsed: u64) {
        self.changes.insert(change.key(), (answer, elapsed));
    }

    /// What came of a change; `None` where it was not made.
    pub fn change(&self, change: &Change) -> Option<&Answer> {
        self.changes.get(&change.key()).map(|(answer, _)| answer)
    }

    /// The second of the check at which a change was made.
    pub fn changed_at(&self, change: &Change) -> Option<u64> {
        self.changes.get(&change.key()).map(|(_, at)| *at)
    }

    /// The changes that were not made yet.
    pub fn unmade(&self, changes: &[Change]) -> Vec<Change> {
        changes.iter().filter(|change| !self.changes.contains_key(&change.key())).cloned().collect()
    }

    /// The reads that have no answer yet.
    pub fn missing(&self, reads: &[Read]) -> Vec<Read> {
        reads.iter().filter(|read| !self.answers.contains_key(read)).cloned().collect()
    }

    /// Why it is unknown what a read would have found, with its verb and resource; `None` where that is known.
    pub fn unread(&self, read: &Read) -> Option<String> {
        self.get(read)?.unread().map(|why| format!("could not {read}: {why}"))
    }

    /// The same; where the read was answered, what that answer amounts to.
    pub fn unread_or(&self, read: &Read, otherwise: impl Into<String>) -> String {
        self.unread(read).unwrap_or_else(|| otherwise.into())
    }

    /// The first of these reads that was refused or failed.
    pub fn any_unread<'r>(&self, reads: impl IntoIterator<Item = &'r Read>) -> Option<String> {
        reads.into_iter().find_map(|read| self.unread(read))
    }

    /// An object that was found.
    pub fn object(&self, read: &Read) -> Option<&Value> {
        match self.answers.get(read) {
            Some(Answer::Found(value)) => Some(value),
            _ => None,
        }
    }

    /// Items of a list; empty when there was no list.
    pub fn items(&self, read: &Read) -> &[Value] {
        match self.answers.get(read) {
            Some(Answer::Items(items)) => items,
            _ => &[],
        }
    }
}

/// What a check found: what is wrong, and what it could not learn.
///
/// A read that was refused or failed says nothing about the cluster: it is neither a failure nor part of a pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub problems: Vec<String>,
    pub unknown: Vec<String>,
}

impl Findings {
    /// Something that a read did not find. Returns the reason: why it could not look, that the namespace does not exist,
    /// or `none`.
    pub fn absent(&mut self, what: &str, read: &Read, facts: &Facts, none: &str) -> String {
        if let Some(why) = facts.unread(read) {
            self.unread(why.clone());
            return why;
        }
        let why = facts.get(read).and_then(Answer::trouble).unwrap_or(none).to_owned();
        self.problems.push(format!("{what}: {why}"));
        why
    }

    /// What could not be read; once, however many parts needed it.
    pub fn unread(&mut self, why: impl Into<String>) {
        let why = why.into();
        if !self.unknown.contains(&why) {
            self.unknown.push(why);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.problems.is_empty() && self.unknown.is_empty()
    }

    /// All of it in one line.
    pub fn words(&self) -> String {
        [self.problems.as_slice(), self.unknown.as_slice()].concat().join("; ")
    }

    /// Fails where something is wrong, has no verdict where something is unknown, else passes.
    pub fn end(self, evidence: Vec<Block>) -> Step {
        Ending::of_known(self.problems, self.unknown, evidence)
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

/// Whether a condition of an object is True; `None` where it has no such condition.
pub fn condition(value: &Value, kind: &str) -> Option<bool> {
    let conditions = value.pointer("/status/conditions").and_then(Value::as_array)?;
    let found = conditions.iter().find(|condition| text(condition, "/type") == kind)?;
    Some(text(found, "/status") == "True")
}

/// A definition of custom resources.
pub fn definition(name: &str) -> Read {
    Read::object("apiextensions.k8s.io/v1", "", "customresourcedefinitions", name)
}

/// Judges definitions: a line for each, and what is wrong with it.
pub fn definitions(names: &[&str], facts: &Facts, findings: &mut Findings) -> Block {
    let mut lines = Vec::new();
    for name in names {
        let read = definition(name);
        let what = format!("CustomResourceDefinition {name}");
        let state = match facts.object(&read) {
            Some(found) if condition(found, "Established") == Some(true) => "established".to_owned(),
            Some(_) => {
                findings.problems.push(format!("{what}: not established"));
                "not established".to_owned()
            }
            None => findings.absent(&what, &read, facts, "not found"),
        };
        lines.push(format!("{name}: {state}"));
    }
    Block::new("Required CRDs", lines).equivalent(format!("kubectl get crd {}", names.join(" ")))
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
    fn a_read_names_its_verb_and_its_resource() {
        let said = |read: Read| read.to_string();
        assert_eq!(said(Read::list("v1", "", "nodes", "")), "list nodes");
        assert_eq!(said(Read::list("apps/v1", "a", "deployments", "x=y")), "list deployments.apps in namespace a");
        assert_eq!(said(Read::object("v1", "", "namespaces", "a")), "get namespaces a");
        assert_eq!(said(definition("x.y")), "get customresourcedefinitions.apiextensions.k8s.io x.y");
        assert_eq!(said(Read::Get("/apis/resource.k8s.io/v1".into())), "get /apis/resource.k8s.io/v1");
        assert_eq!(said(Read::Http("http://a/b".into())), "read http://a/b");
    }

    #[test]
    fn a_read_knows_its_namespace() {
        assert_eq!(Read::list("apps/v1", "gpu-operator", "deployments", "").namespace(), Some("gpu-operator"));
        assert_eq!(Read::object("v1", "", "namespaces", "monitoring").namespace(), None);
        assert_eq!(Read::list("v1", "", "nodes", "").namespace(), None);
        assert_eq!(Read::Http("http://a/".into()).namespace(), None);
    }
}
