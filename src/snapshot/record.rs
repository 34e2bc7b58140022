//! Inventory → the measurements of the file, and back.

use super::{node_readings, topology};
use crate::inventory::{
    About, Fact, Inventory, Item, Measurement, Object, Record, Scalar, Source, SourceState, State, Subtype, Unknown,
    release::{Release, ServerVersion, Workload},
};
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// The measurements of an inventory: of one that was read from a file as they stand there, else rendered.
pub fn record(inventory: &Inventory) -> Cow<'_, Record> {
    match &inventory.record {
        Some(record) => Cow::Borrowed(record),
        None => {
            let (metadata, measurements) = (metadata(inventory), measurements(inventory));
            Cow::Owned(Record { metadata, measurements, unknown: Vec::new() })
        }
    }
}

/// The measurements without what nodes say one by one: labels, taints, items, and the counts that follow from them.
pub fn record_but_nodes(inventory: &Inventory) -> Record {
    const COUNTS: [&str; 2] = ["label-count", "taint-count"];
    let mut record = match &inventory.record {
        Some(record) => Record::clone(record),
        None => {
            let bare = Inventory { nodes: Vec::new(), ..inventory.clone() };
            let mut measurements = measurements(&bare);
            if let Some(kubernetes) = measurements.first_mut() {
                kubernetes.subtypes = kubernetes_subtypes(inventory);
                let of_collectors = inventory.readings.iter().filter(|extra| extra.kind == kubernetes.kind);
                kubernetes.subtypes.extend(of_collectors.flat_map(|extra| extra.subtypes.iter().cloned()));
            }
            let of_kind = |kind: &str| node_subtypes(inventory, kind);
            let count = BTreeMap::from([("node-count".to_owned(), Scalar::count(inventory.nodes.len() as u64))]);
            let parts =
                [("GPU", of_kind("GPU")), ("OS", of_kind("OS")), ("NodeTopology", vec![Subtype::of("summary", count)])];
            for (kind, subtypes) in parts.into_iter().filter(|_| inventory.source_node().is_some()) {
                merge(&mut measurements, Measurement { kind: kind.to_owned(), subtypes });
            }
            Record { measurements, ..Record::default() }
        }
    };
    for measurement in record.measurements.iter_mut().filter(|measurement| measurement.kind == "NodeTopology") {
        measurement
            .subtypes
            .retain(|subtype| !["label", "taint", "nodes", "modules", "os-release"].contains(&subtype.name.as_str()));
        for subtype in &mut measurement.subtypes {
            subtype.data.retain(|key, _| !COUNTS.contains(&key.as_str()));
        }
    }
    record
}

fn merge(measurements: &mut Vec<Measurement>, extra: Measurement) {
    match measurements.iter_mut().find(|measurement| measurement.kind == extra.kind) {
        Some(measurement) => extra.subtypes.into_iter().for_each(|subtype| merge_subtype(measurement, subtype)),
        None => measurements.push(extra),
    }
}

/// What an agent read stands in the tables that are there already; what the API server says wins.
fn merge_subtype(measurement: &mut Measurement, extra: Subtype) {
    let Some(known) = measurement.subtypes.iter_mut().find(|known| known.name == extra.name) else {
        measurement.subtypes.push(extra);
        return;
    };
    for (key, value) in extra.data {
        known.data.entry(key).or_insert(value);
    }
    known.items.extend(extra.items);
}

fn node_subtypes(inventory: &Inventory, kind: &str) -> Vec<Subtype> {
    let tables = node_readings::ALL.into_iter().filter(|(own, name, _)| *own == kind && *name != "node");
    tables.filter_map(|(kind, name, _)| of_node(inventory, kind, name)).collect()
}

/// One subtype, rendered alone; `None` where the inventory has no such.
pub(super) fn subtype<'i>(inventory: &'i Inventory, kind: &str, name: &str) -> Option<Cow<'i, Subtype>> {
    if let Some(record) = &inventory.record {
        return record.subtype(kind, name).map(Cow::Borrowed);
    }
    let owned = match kind {
        "NodeTopology" => topology::subtypes(&inventory.nodes).into_iter().find(|subtype| subtype.name == name),
        "K8s" => kubernetes_subtypes(inventory).into_iter().find(|subtype| subtype.name == name),
        _ => of_node(inventory, kind, name),
    };
    let extra = || {
        let of_kind = inventory.readings.iter().filter(|measurement| measurement.kind == kind);
        of_kind.flat_map(|measurement| &measurement.subtypes).find(|subtype| subtype.name == name)
    };
    match (owned, extra()) {
        (None, extra) => extra.map(Cow::Borrowed),
        (Some(owned), None) => Some(Cow::Owned(owned)),
        (Some(owned), Some(extra)) => {
            let mut merged = Measurement { kind: kind.to_owned(), subtypes: vec![owned] };
            merge_subtype(&mut merged, extra.clone());
            merged.subtypes.pop().map(Cow::Owned)
        }
    }
}

/// Names of the subtypes of a measurement; `None` where the inventory has no such measurement.
pub(super) fn subtype_names(inventory: &Inventory, kind: &str) -> Option<Vec<String>> {
    let record = record(inventory);
    Some(record.measurement(kind)?.subtypes.iter().map(|subtype| subtype.name.clone()).collect())
}

fn of_node(inventory: &Inventory, kind: &str, name: &str) -> Option<Subtype> {
    let (_, _, read) = node_readings::ALL.into_iter().find(|(own, subtype, _)| (*own, *subtype) == (kind, name))?;
    let data = read(inventory.source_node()?);
    (!data.is_empty() || name == "hardware").then(|| Subtype::of(name, data))
}

pub(super) fn metadata(inventory: &Inventory) -> BTreeMap<String, String> {
    let About { taken_at, version, context, cluster_uid } = &inventory.about;
    let source = inventory.source_node();
    let mut metadata = BTreeMap::from([
        ("timestamp".to_owned(), taken_at.clone()),
        ("version".to_owned(), version.clone()),
        ("source-node".to_owned(), source.map(|node| node.name.to_string()).unwrap_or_default()),
        ("context".to_owned(), context.clone()),
    ]);
    // Which nodes the single readings stand for.
    let groups = inventory.groups();
    if let Some(group) = groups.first() {
        let all: usize = groups.iter().map(|group| group.nodes.len()).sum();
        metadata.insert("source-group".to_owned(), format!("{}: {} of {all} GPU nodes", group.name, group.nodes.len()));
    }
    if let Some(uid) = cluster_uid {
        metadata.insert("cluster-uid".to_owned(), uid.clone());
    }
    metadata
}

fn measurements(inventory: &Inventory) -> Vec<Measurement> {
    measurements_with(inventory, topology::subtypes(&inventory.nodes))
}

/// The measurements with these subtypes of `NodeTopology`, before those that collectors add.
pub(super) fn measurements_with(inventory: &Inventory, topology: Vec<Subtype>) -> Vec<Measurement> {
    let mut measurements = vec![("K8s", kubernetes_subtypes(inventory))];
    if inventory.source_node().is_some() {
        measurements.extend(["GPU", "OS"].map(|kind| (kind, node_subtypes(inventory, kind))));
        measurements.push((topology::KIND, topology));
    }
    let mut all: Vec<Measurement> =
        measurements.into_iter().map(|(kind, subtypes)| Measurement { kind: kind.to_owned(), subtypes }).collect();
    for extra in &inventory.readings {
        merge(&mut all, extra.clone());
    }
    all
}

fn texts(map: &BTreeMap<String, String>) -> BTreeMap<String, Scalar> {
    map.iter().map(|(key, text)| (key.clone(), Scalar::Text(text.clone()))).collect()
}

fn kubernetes_subtypes(inventory: &Inventory) -> Vec<Subtype> {
    let subtypes = vec![
        server(inventory),
        images(inventory),
        Subtype::of("policy", texts(&inventory.policy)),
        node(inventory),
        helm(inventory),
        workloads(inventory),
        collection(inventory),
    ];
    // `helm` and `workloads` are ours: empty, they would say no more than `collection` does.
    let says_something = |subtype: &Subtype| {
        let is_ours = matches!(subtype.name.as_str(), "helm" | "workloads");
        !(is_ours && subtype.data.is_empty() && subtype.items.is_empty())
    };
    subtypes.into_iter().filter(says_something).collect()
}

/// What the context says of an image that runs in several versions, behind its name: all of them. The reference has room for one.
const VERSIONS: &str = ".versions";

fn images(inventory: &Inventory) -> Subtype {
    let mut subtype = Subtype::of("image", texts(&inventory.images));
    for (name, tags) in inventory.image_versions.iter() {
        subtype.context.insert(format!("{name}{VERSIONS}"), tags.join(", "));
    }
    subtype
}

fn read_image_versions(record: &Record) -> BTreeMap<String, Vec<String>> {
    let context = record.subtype("K8s", "image").map(|subtype| &subtype.context);
    let versions = context.into_iter().flatten().filter_map(|(key, tags)| {
        let tags: Vec<String> = tags.split(", ").map(str::to_owned).collect();
        Some((key.strip_suffix(VERSIONS)?.to_owned(), tags))
    });
    versions.filter(|(_, tags)| tags.len() > 1).collect()
}

fn server(inventory: &Inventory) -> Subtype {
    let mut data = BTreeMap::new();
    if let Some(ServerVersion { git_version, platform, go_version }) = inventory.server.value() {
        let all = [("version", git_version), ("platform", platform), ("goVersion", go_version)];
        for (key, text) in all.into_iter().filter(|(_, text)| !text.is_empty()) {
            data.insert(key.to_owned(), Scalar::Text(text.to_string()));
        }
    }
    Subtype::of("server", data)
}

/// The readings of the source node, and what its service was read from.
fn node(inventory: &Inventory) -> Subtype {
    let mut subtype = of_node(inventory, "K8s", "node").unwrap_or_else(|| Subtype::of("node", BTreeMap::new()));
    let service = inventory.source_node().map(|node| &node.service);
    if let Some(Fact::Known(reading)) = service {
        let provider = subtype.data.get("provider").map(ToString::to_string);
        // The reference reads the service off the provider id; where other evidence says more, it is told beside it.
        if provider.as_deref() != Some(&*reading.value) {
            subtype.data.insert("service".to_owned(), Scalar::Text(reading.value.to_string()));
            subtype.context.insert("service".to_owned(), reading.source.to_string());
        }
    }
    subtype
}

/// `<release>.namespace`, `.chart`, `.version` from what charts leave on workloads, `.revision` and `.status` from Helm;
/// and one item per release, because two namespaces may have releases of one name.
fn helm(inventory: &Inventory) -> Subtype {
    let mut subtype = Subtype::of("helm", BTreeMap::new());
    for release in inventory.releases.value().into_iter().flatten() {
        let Release { name, namespace, chart, version, status, revision, kept_in: _ } = release;
        let fields = [("namespace", namespace), ("chart", chart), ("version", version), ("status", status)];
        let mut item = Item { context: BTreeMap::from([("name".to_owned(), name.clone())]), ..Item::default() };
        for (key, text) in fields {
            if let Some(text) = text {
                subtype.data.insert(format!("{name}.{key}"), Scalar::Text(text.clone()));
                item.context.insert(key.to_owned(), text.clone());
            }
        }
        if let Some(revision) = revision {
            subtype.data.insert(format!("{name}.revision"), Scalar::count(*revision));
            item.data.insert("revision".to_owned(), Scalar::count(*revision));
        }
        subtype.items.push(item);
    }
    subtype
}

fn workloads(inventory: &Inventory) -> Subtype {
    let items = inventory.workloads.iter().map(|workload| {
        let (chart, chart_version) = workload.chart.clone().unzip();
        let (release, release_namespace) = workload.release.clone().unzip();
        let context = [
            ("kind", Some(workload.kind.clone())),
            ("namespace", Some(workload.namespace.clone())),
            ("name", Some(workload.name.clone())),
            ("component", workload.component.clone()),
            ("chart", chart),
            ("chart-version", chart_version.filter(|version| !version.is_empty())),
            ("release", release),
            ("release-namespace", release_namespace.filter(|namespace| *namespace != workload.namespace)),
            ("version", workload.version.clone()),
            ("managed-by", workload.managed_by.clone()),
        ];
        Item {
            context: context.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect(),
            data: BTreeMap::from([
                ("desired".to_owned(), Scalar::count(workload.desired)),
                ("ready".to_owned(), Scalar::count(workload.ready)),
            ]),
        }
    });
    Subtype { name: "workloads".to_owned(), items: items.collect(), ..Subtype::default() }
}

/// Per source: `ok`, `forbidden`, `not served` or `failed`; the reason of the last two is in the context.
fn collection(inventory: &Inventory) -> Subtype {
    let mut subtype = Subtype::of("collection", BTreeMap::new());
    for SourceState { name, state } in &inventory.sources {
        subtype.data.insert(name.clone(), Scalar::Text(state.word().to_owned()));
        if let Some(reason) = state.reason() {
            subtype.context.insert(name.clone(), reason.to_owned());
        }
    }
    subtype
}

/// The typed facts of a file, which stays beside them.
pub fn inventory(record: Record) -> Inventory {
    let meta = |key: &str| record.metadata.get(key).cloned().unwrap_or_default();
    let about = About {
        taken_at: meta("timestamp"),
        version: meta("version"),
        context: meta("context"),
        cluster_uid: record.metadata.get("cluster-uid").cloned(),
    };
    let table = |subtype: &str| -> BTreeMap<String, String> {
        let data = record.subtype("K8s", subtype).map(|subtype| &subtype.data);
        data.into_iter().flatten().map(|(key, value)| (key.clone(), value.to_string())).collect()
    };
    let mut inventory = Inventory {
        about,
        server: read_server(&record),
        images: Arc::new(table("image")),
        image_versions: Arc::new(read_image_versions(&record)),
        policy: table("policy"),
        workloads: read_workloads(&record),
        sources: read_sources(&record),
        ..Inventory::default()
    };
    inventory.releases = read_releases(&record, &inventory);
    (inventory.nodes, inventory.unnamed_accelerated) = topology::nodes(&record, &inventory);
    inventory.record = Some(Arc::new(record));
    inventory
}

fn known(scalar: Option<&Scalar>) -> Option<String> {
    scalar.map(ToString::to_string).filter(|text| !text.is_empty() && text != super::format::NULL)
}

fn read_server(record: &Record) -> Fact<ServerVersion> {
    let read = |key: &str| known(record.reading("K8s", "server", key));
    let version = read("version").map(|version| ServerVersion {
        git_version: version.into(),
        platform: read("platform").unwrap_or_default().into(),
        go_version: read("goVersion").unwrap_or_default().into(),
    });
    Fact::or(version, Source::of(Object::Snapshot, "K8s.server"), Unknown::NotAsked)
}

fn read_sources(record: &Record) -> Vec<SourceState> {
    let Some(collection) = record.subtype("K8s", "collection") else { return Vec::new() };
    let state = |name: &str, word: &str| {
        // Files of the first version have the reason behind the word.
        let reason = || collection.context.get(name).cloned().unwrap_or_else(|| word.to_owned());
        match word {
            _ if word.starts_with("ok") => State::Ok,
            _ if word.starts_with("not served") => State::NotServed,
            _ if word.starts_with("forbidden") => State::Forbidden(reason()),
            _ => State::Failed(reason()),
        }
    };
    let states = collection.data.iter();
    states.map(|(name, word)| SourceState { name: name.clone(), state: state(name, &word.to_string()) }).collect()
}

fn read_releases(record: &Record, inventory: &Inventory) -> Fact<Vec<Release>> {
    let was_read = |source: &str| inventory.source(source) == Some(&State::Ok);
    let source = Source::of(Object::Snapshot, "K8s.helm");
    let Some(helm) = record.subtype("K8s", "helm") else {
        // Without releases the subtype is left out.
        let read = was_read("helm") || was_read("workloads");
        return Fact::or(read.then(Vec::new), source, Unknown::NotAsked);
    };
    if !helm.items.is_empty() {
        let release = |item: &Item| {
            let text = |key: &str| item.context.get(key).cloned();
            Some(Release {
                name: text("name")?,
                namespace: text("namespace"),
                chart: text("chart"),
                version: text("version"),
                status: text("status"),
                revision: item.data.get("revision").and_then(Scalar::as_count),
                ..Release::default()
            })
        };
        return Fact::known(helm.items.iter().filter_map(release).collect(), source);
    }
    let mut releases: BTreeMap<&str, Release> = BTreeMap::new();
    for (key, reading) in &helm.data {
        // A release's name may hold dots, the part behind the last one may not.
        let Some((name, part)) = key.rsplit_once('.') else { continue };
        let release = releases.entry(name).or_insert_with(|| Release { name: name.to_owned(), ..Release::default() });
        let text = Some(reading.to_string());
        match part {
            "chart" => release.chart = text,
            "version" => release.version = text,
            "namespace" => release.namespace = text,
            "status" => release.status = text,
            "revision" => release.revision = reading.as_count().or_else(|| reading.to_string().parse().ok()),
            _ => {}
        }
    }
    Fact::known(releases.into_values().collect(), source)
}

fn read_workloads(record: &Record) -> Vec<Workload> {
    let items = record.subtype("K8s", "workloads").map_or(&[][..], |subtype| &subtype.items);
    let workload = |item: &Item| {
        let text = |key: &str| item.context.get(key).cloned();
        let namespace = text("namespace").unwrap_or_default();
        let count = |key: &str| item.data.get(key).and_then(Scalar::as_count).unwrap_or(0);
        Workload {
            kind: text("kind").unwrap_or_default(),
            name: text("name").unwrap_or_default(),
            component: text("component"),
            chart: text("chart").map(|chart| (chart, text("chart-version").unwrap_or_default())),
            release: text("release")
                .map(|release| (release, text("release-namespace").unwrap_or_else(|| namespace.clone()))),
            version: text("version"),
            managed_by: text("managed-by"),
            desired: count("desired"),
            ready: count("ready"),
            namespace,
        }
    };
    items.iter().map(workload).collect()
}
