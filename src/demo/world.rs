//! What is in a demo cluster when it starts: objects as an API server prints them.
//!
//! In: documents, from [`FILES`] or from a recording of another cluster, and patches of them. Out: a store, and what else
//! the documents say. Identifiers that are missing are made from the seed, references to owners find them, and all times
//! are moved so that the newest is the time at which the cluster starts: ages are those of the recording.
//!
//! Two kinds of document are no objects. `Pages` (`demo/v1`) is what the Service of its name answers over HTTP; `Version` is
//! the answer to `GET /version`.

use super::{
    clock::{Ids, chance},
    helm,
    http::Pages,
    kinds::{self, ALL, KindId, own},
    patch, protobuf, rbac, recording,
    store::{Key, Store},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

macro_rules! files {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("world/", $name)))),*] };
}

/// The demo cluster: five nodes of a kind cluster, one of them with an A100, and its operators. The facts are those of a
/// real cluster whose snapshot is public.
pub const FILES: &[(&str, &str)] = files![
    "namespaces.yaml",
    "nodes.yaml",
    "definitions.yaml",
    "cluster.yaml",
    "default.yaml",
    "kube-system.yaml",
    "local-path-storage.yaml",
    "cert-manager.yaml",
    "gpu-operator.yaml",
    "kai-scheduler.yaml",
    "monitoring.yaml",
    "node-feature-discovery.yaml",
    "nvidia-dra-driver.yaml",
    "nvidia-network-operator.yaml",
    "nvsentinel.yaml",
    "skyhook.yaml",
];

/// Groups of nodes that make a fleet of the demo cluster.
pub const FLEET: &str = include_str!("world/fleet.yaml");

/// What was otherwise in the demo cluster during the last week.
pub const WEEK: &str = include_str!("world/week.yaml");

/// What was run in the demo cluster during the last week: how many hours ago, and what a program wrote of it then.
pub const RUNS: &[(i64, &str)] =
    &[(90, include_str!("world/runs/good.jsonl")), (66, include_str!("world/runs/failed.jsonl"))];

/// Patches that break something in the demo cluster.
pub const DAMAGE: &[(&str, &str)] = files![
    "damage/dra-plugin-crashes.yaml",
    "damage/exporter-lacks-fields.yaml",
    "damage/gpu-open-to-all.yaml",
    "damage/gpu-operator-crashes.yaml",
    "damage/gpu-operator-not-ready.yaml",
    "damage/gpu-operator-old.yaml",
    "damage/gpu-without-device.yaml",
    "damage/kai-binder-down.yaml",
    "damage/metrics-adapter-unavailable.yaml",
    "damage/namespace-terminating.yaml",
    "damage/nfd-worker-missing.yaml",
];

/// Group and version of documents that are no objects.
const OURS: &str = "demo/v1";
/// Resource version at which the cluster begins; a number as of a cluster that has lived for days.
const FIRST_REVISION: u64 = 812_000;

/// Documents that a cluster can start with.
#[derive(Clone, Debug, Default)]
pub struct World {
    documents: Vec<Value>,
    /// How many objects are of kinds that the demo does not serve, by `apiVersion kind`. They are left out.
    pub unserved: BTreeMap<String, usize>,
}

/// A document that no cluster can start with.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldError {
    /// Which document, from 0.
    pub document: usize,
    pub fault: WorldFault,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WorldFault {
    /// A field that every object has is missing or not a text.
    Field(&'static str),
    /// An object of this kind needs a namespace.
    NoNamespace { kind: &'static str },
    /// An object of this kind belongs to no namespace.
    Namespace { kind: &'static str },
    /// Another document, from 0, is the same object.
    Duplicate { first: usize },
    /// A value does not have the type of its field.
    Type { path: String, expected: &'static str },
}

impl fmt::Display for WorldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorldFault::Field(field) => write!(f, "not a Kubernetes object: `{field}` is missing or not a string"),
            WorldFault::NoNamespace { kind } => write!(f, "a {kind} needs `metadata.namespace`"),
            WorldFault::Namespace { kind } => write!(f, "a {kind} does not have a `metadata.namespace`"),
            WorldFault::Duplicate { .. } => f.write_str("duplicate object"),
            WorldFault::Type { path, expected } => write!(f, "`{path}` is not {expected}"),
        }
    }
}

/// A patch is about an object that the world does not have.
#[derive(Clone, Debug, PartialEq)]
pub struct NothingToPatch {
    /// `ClusterPolicy cluster-policy`.
    pub object: String,
}

impl World {
    /// # Errors
    /// The first document that is not an object, or that is the same object as an earlier one.
    pub fn new(documents: Vec<Value>) -> Result<World, WorldError> {
        let mut world = World::default();
        let mut seen: HashMap<[String; 4], usize> = HashMap::new();
        for (index, document) in documents.into_iter().enumerate() {
            let wrong = |fault| WorldError { document: index, fault };
            let is_served = check(&document).map_err(wrong)?;
            if let Some(first) = seen.insert(identity(&document), index) {
                return Err(wrong(WorldFault::Duplicate { first }));
            }
            if is_served {
                world.documents.push(document);
            } else {
                let [version, kind, ..] = identity(&document);
                *world.unserved.entry(format!("{version} {kind}")).or_default() += 1;
            }
        }
        Ok(world)
    }

    /// Adds nodes that are like one that is there but for a merge patch: the prefix and a number from 1 on are their names.
    ///
    /// # Errors
    /// There is no such node.
    pub fn add_nodes(&mut self, like: &str, prefix: &str, count: usize, patch: &Value) -> Result<(), NothingToPatch> {
        let is_meant = |document: &&Value| document["kind"] == "Node" && text(&document["metadata"]["name"]) == like;
        let Some(node) = self.documents.iter().find(is_meant) else {
            return Err(NothingToPatch { object: format!("Node {like}") });
        };
        let mut node = node.clone();
        patch::merge(&mut node, patch);
        for number in 1..=count {
            let name = format!("{prefix}{number}");
            let mut copy = node.clone();
            copy["metadata"]["labels"]["kubernetes.io/hostname"] = name.as_str().into();
            copy["metadata"]["name"] = name.into();
            self.documents.push(copy);
        }
        Ok(())
    }

    /// Merges a patch into the document that it names.
    ///
    /// # Errors
    /// There is none.
    pub fn patch(&mut self, patch: &Value) -> Result<(), NothingToPatch> {
        let meant = identity(patch);
        match self.documents.iter_mut().find(|document| identity(document) == meant) {
            Some(document) => patch::merge(document, patch),
            None => {
                let [_, kind, namespace, name] = meant;
                let slash = if namespace.is_empty() { "" } else { "/" };
                return Err(NothingToPatch { object: format!("{kind} {namespace}{slash}{name}") });
            }
        }
        Ok(())
    }
}

/// Whether the demo serves what the document is.
fn check(document: &Value) -> Result<bool, WorldFault> {
    for (pointer, field) in [("/apiVersion", "apiVersion"), ("/kind", "kind"), ("/metadata/name", "metadata.name")] {
        if document.pointer(pointer).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(WorldFault::Field(field));
        }
    }
    if document["apiVersion"] == OURS {
        return Ok(matches!(text(&document["kind"]), "Pages" | "Version"));
    }
    let Some(kind) = kind_of(document) else { return Ok(false) };
    let spec = &ALL[kind];
    match (spec.namespaced, document["metadata"].get("namespace").is_some_and(Value::is_string)) {
        (true, false) => return Err(WorldFault::NoNamespace { kind: spec.kind }),
        (false, true) => return Err(WorldFault::Namespace { kind: spec.kind }),
        _ => {}
    }
    if protobuf::knows(&spec.api_version(), spec.kind) {
        protobuf::seal(document).map_err(|error| WorldFault::Type { path: error.path, expected: error.expected })?;
    }
    Ok(true)
}

fn kind_of(document: &Value) -> Option<KindId> {
    let id = kinds::of_object(text(&document["apiVersion"]), text(&document["kind"]))?;
    (!ALL[id].review).then_some(id)
}

/// `apiVersion`, kind, namespace, name.
fn identity(document: &Value) -> [String; 4] {
    let metadata = &document["metadata"];
    [&document["apiVersion"], &document["kind"], &metadata["namespace"], &metadata["name"]]
        .map(|value| text(value).to_owned())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A world in place.
pub struct Built {
    pub store: Store,
    pub pages: Vec<Pages>,
    pub version: Value,
    /// Custom resources that have a definition or an object.
    pub custom: HashSet<KindId>,
}

/// Everything, as it was before the first request.
///
/// `nodes` adds copies of the last node until there are so many, for measuring.
pub fn build(world: &World, seed: u64, start: Timestamp, nodes: Option<usize>) -> Built {
    let mut documents = world.documents.clone();
    recording::move_to(&mut documents, start);
    documents.iter_mut().for_each(helm::pack);
    let (ours, mut objects): (Vec<Value>, Vec<Value>) =
        documents.into_iter().partition(|document| document["apiVersion"] == OURS);
    expand(&mut objects, nodes.unwrap_or_default());
    furnish(&mut objects, start);
    identify(&mut objects, &mut Ids::new(chance(seed, &["world"])));
    let custom = custom_kinds(&objects);
    let version = ours.iter().find(|document| document["kind"] == "Version");
    let version = version.map_or_else(|| recording::version(&objects), |document| document["version"].clone());
    let pages = ours.iter().filter(|document| document["kind"] == "Pages").map(Pages::new).collect();
    let mut store = Store::new(FIRST_REVISION);
    for object in objects {
        let metadata = &object["metadata"];
        if let Some(kind) = kind_of(&object) {
            store.seed(Key::new(kind, text(&metadata["namespace"]), text(&metadata["name"])), object);
        }
    }
    Built { store, pages, version, custom }
}

/// Copies of the last node, under numbers.
fn expand(objects: &mut Vec<Value>, count: usize) {
    let mut nodes = objects.iter().filter(|object| object["kind"] == "Node");
    let Some(last) = nodes.clone().next_back().cloned() else { return };
    let (name, first) = (text(&last["metadata"]["name"]).to_owned(), nodes.by_ref().count());
    for number in first..count {
        let mut node = last.clone();
        rename(&mut node, &name, &format!("gpu-{number:05}"));
        for address in node["status"]["addresses"].as_array_mut().into_iter().flatten() {
            if address["type"] == "InternalIP" {
                address["address"] = json!(format!("172.19.{}.{}", number / 250, 2 + number % 250));
            }
        }
        let mut ids = Ids::new(chance(0, &["node", text(&node["metadata"]["name"])]));
        let info = &mut node["status"]["nodeInfo"];
        info["bootID"] = json!(ids.uid());
        info["systemUUID"] = json!(ids.uid());
        info["machineID"] = json!(ids.uid().replace('-', ""));
        node["metadata"].as_object_mut().map(|metadata| metadata.remove("uid"));
        objects.push(node);
    }
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, from, to)),
        _ => {}
    }
}

/// What a cluster has that nobody writes into a file: roles that the API server makes, and the account and the certificate
/// of every namespace.
fn furnish(objects: &mut Vec<Value>, start: Timestamp) {
    let known: HashSet<[String; 4]> = objects.iter().map(identity).collect();
    let oldest = objects.iter().filter_map(|object| object["metadata"]["creationTimestamp"].as_str()).min();
    let oldest = oldest.map_or_else(|| super::clock::seconds(start), str::to_owned);
    let mut more = Vec::new();
    let mut add = |plural: &str, namespace: &str, mut object: Value| {
        let spec = &ALL[own(plural)];
        object["apiVersion"] = json!(spec.api_version());
        object["kind"] = json!(spec.kind);
        object["metadata"]["creationTimestamp"] = json!(oldest);
        if !namespace.is_empty() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        if !known.contains(&identity(&object)) {
            more.push(object);
        }
    };
    for (plural, name, mut body) in rbac::built_in() {
        body["metadata"] = json!({"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}});
        add(plural, "", body);
    }
    for namespace in objects.iter().filter(|object| object["kind"] == "Namespace") {
        for (plural, object) in furniture() {
            add(plural, text(&namespace["metadata"]["name"]), object);
        }
    }
    objects.extend(more);
}

/// What every namespace gets.
pub fn furniture() -> [(&'static str, Value); 2] {
    let certificate = json!({"metadata": {"name": "kube-root-ca.crt", "annotations": {"kubernetes.io/description":
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal \
         service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."}},
        "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nthe demo cluster speaks no TLS\n-----END CERTIFICATE-----\n"}});
    [("serviceaccounts", json!({"metadata": {"name": "default"}})), ("configmaps", certificate)]
}

/// Gives an identifier to every object that lacks one, and to references that name an owner without it.
fn identify(objects: &mut [Value], ids: &mut Ids) {
    let mut uids: HashMap<[String; 4], String> = HashMap::new();
    for object in objects.iter_mut() {
        let metadata = &mut object["metadata"];
        if text(&metadata["uid"]).is_empty() {
            metadata["uid"] = json!(ids.uid());
        }
        let uid = text(&metadata["uid"]).to_owned();
        uids.insert(identity(object), uid);
    }
    for object in objects {
        let namespace = text(&object["metadata"]["namespace"]).to_owned();
        for owner in object["metadata"]["ownerReferences"].as_array_mut().into_iter().flatten() {
            let of = |namespace: &str| {
                let named = [text(&owner["apiVersion"]), text(&owner["kind"]), namespace, text(&owner["name"])];
                uids.get(&named.map(str::to_owned))
            };
            if text(&owner["uid"]).is_empty()
                && let Some(uid) = of(&namespace).or_else(|| of(""))
            {
                owner["uid"] = json!(uid);
            }
        }
    }
}

fn custom_kinds(objects: &[Value]) -> HashSet<KindId> {
    let defined: HashSet<&str> = objects
        .iter()
        .filter(|object| object["kind"] == "CustomResourceDefinition")
        .map(|object| text(&object["metadata"]["name"]))
        .collect();
    let present: HashSet<KindId> = objects.iter().filter_map(kind_of).collect();
    let is_there = |id: &KindId| present.contains(id) || defined.contains(ALL[*id].qualified().as_str());
    (0..ALL.len()).filter(|id| ALL[*id].is_custom() && is_there(id)).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The demo cluster's own world.
    pub fn embedded() -> World {
        let documents = FILES.iter().flat_map(|(name, text)| {
            let documents = crate::yaml::parse_all(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            documents.into_iter().map(|document| document.to_value())
        });
        World::new(documents.collect()).expect("a world")
    }

    pub fn store() -> Store {
        build(&embedded(), 0, Timestamp::UNIX_EPOCH, None).store
    }

    fn pod(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "n"}})
    }

    #[track_caller]
    fn check(documents: Vec<Value>, document: usize, says: &str) {
        let error = World::new(documents).expect_err("not a world");
        assert_eq!((error.document, error.fault.to_string().as_str()), (document, says));
    }

    #[test]
    fn the_same_seed_builds_the_same_cluster() {
        let world = embedded();
        let dump = |seed| {
            let store = build(&world, seed, Timestamp::UNIX_EPOCH, None).store;
            store.all().map(|(_, object)| String::from_utf8_lossy(object.json()).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(dump(1), dump(1));
        assert_ne!(dump(1), dump(2));
    }

    #[test]
    fn every_owner_and_every_account_of_a_pod_is_there() {
        let store = store();
        let uids: Vec<&str> = store.all().map(|(_, object)| object.uid.as_str()).collect();
        let mut count = 0;
        for (key, object) in store.range(own("pods"), "", None) {
            let pod = object.value();
            assert!(
                !object.owners.is_empty() && object.owners.iter().all(|uid| uids.contains(&uid.as_str())),
                "{key:?}"
            );
            let node = Key::new(own("nodes"), "", text(&pod["spec"]["nodeName"]));
            assert!(store.get(&node).is_some(), "{key:?}");
            assert!(store.get(&Key::new(own("namespaces"), "", &key.namespace)).is_some(), "{key:?}");
            let account = Key::new(own("serviceaccounts"), &key.namespace, text(&pod["spec"]["serviceAccountName"]));
            assert!(store.get(&account).is_some(), "{key:?}");
            count += 1;
        }
        assert_eq!(count, 61);
    }

    #[test]
    fn all_of_the_demo_s_own_world_is_served_and_every_damage_finds_its_object() {
        let mut world = embedded();
        assert_eq!(world.unserved, BTreeMap::new());
        for (name, text) in DAMAGE {
            for patch in crate::yaml::parse_all(text).expect("YAML") {
                assert_eq!(world.patch(&patch.to_value()), Ok(()), "{name}");
            }
        }
        assert!(World::new(world.documents).is_ok());
    }

    #[test]
    fn bad_documents_are_refused_with_their_place() {
        check(vec![pod("a"), json!(3)], 1, "not a Kubernetes object: `apiVersion` is missing or not a string");
        check(
            vec![json!({"apiVersion": "v1", "kind": "Pod"})],
            0,
            "not a Kubernetes object: `metadata.name` is missing or not a string",
        );
        let of = |kind: &str, metadata: Value| json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
        check(vec![of("Pod", json!({"name": "a"}))], 0, "a Pod needs `metadata.namespace`");
        check(
            vec![of("Node", json!({"name": "a", "namespace": "b"}))],
            0,
            "a Node does not have a `metadata.namespace`",
        );
        check(vec![pod("a"), pod("b"), pod("a")], 2, "duplicate object");
        let mut odd = pod("a");
        odd["spec"] = json!({"hostNetwork": "yes"});
        check(vec![odd], 0, "`spec.hostNetwork` is not true or false");
    }

    #[test]
    fn kinds_that_are_not_served_are_counted_and_custom_ones_need_a_trace() {
        let strange = json!({"apiVersion": "example.com/v1", "kind": "Strange", "metadata": {"name": "x"}});
        let world = World::new(vec![pod("a"), strange]).expect("a world");
        assert_eq!(world.unserved, BTreeMap::from([("example.com/v1 Strange".to_owned(), 1)]));
        assert_eq!(build(&world, 0, Timestamp::UNIX_EPOCH, None).custom, HashSet::new());
        let policy = json!({"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": {"name": "p"}});
        let world = World::new(vec![policy]).expect("a world");
        assert_eq!(build(&world, 0, Timestamp::UNIX_EPOCH, None).custom, HashSet::from([own("clusterpolicies")]));
    }

    #[test]
    fn copies_of_the_last_node_differ_in_what_is_theirs() {
        let store = build(&embedded(), 0, Timestamp::UNIX_EPOCH, Some(7)).store;
        let nodes: Vec<Value> = store.range(own("nodes"), "", None).map(|(_, node)| node.value()).collect();
        let names: Vec<&str> = nodes.iter().map(|node| text(&node["metadata"]["name"])).collect();
        assert_eq!(&names[1..3], ["gpu-00005", "gpu-00006"]);
        assert_eq!(nodes[1]["metadata"]["labels"]["kubernetes.io/hostname"], "gpu-00005");
        assert_eq!(nodes[1]["status"]["capacity"]["nvidia.com/gpu"], "1");
        for field in ["bootID", "machineID", "systemUUID"] {
            let of = |place: usize| nodes[place]["status"]["nodeInfo"][field].clone();
            assert_ne!(of(1), of(2), "{field}");
        }
    }
}
