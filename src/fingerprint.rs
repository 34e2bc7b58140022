//! Snapshot → Fingerprint: each dimension with the reading that revealed it.
//!
//! The rules are the reference's, so that equal snapshots give equal criteria. What they cannot decide stays empty with
//! a note; nothing is guessed.

use crate::{
    accelerators,
    criteria::{Criteria, built_in, normalize},
    snapshot::{Reading, Snapshot, nodes},
};
use serde_json::{Value, json};

/// One derived dimension: its value, the reading it came from, and why it is empty when it is.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Dimension<T> {
    pub value: Option<T>,
    pub source: Option<String>,
    pub note: Option<String>,
}

/// The identity of a cluster, derived from a snapshot.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Fingerprint {
    pub service: Dimension<String>,
    pub accelerator: Dimension<String>,
    pub gpu_model: Dimension<String>,
    pub os: Dimension<String>,
    pub os_version: Dimension<String>,
    pub k8s_version: Dimension<String>,
    pub region: Dimension<String>,
    pub node_count: Dimension<u64>,
    pub gpu_node_count: Dimension<u64>,
}

const PRODUCT: &str = "nvidia.com/gpu.product";
const REGION: &str = "topology.kubernetes.io/region";

/// The fingerprint of a snapshot.
pub fn of(snapshot: &Snapshot) -> Fingerprint {
    let text = |kind: &str, subtype: &str, key: &str| match snapshot.reading(kind, subtype, key) {
        Some(Reading::Text(text)) if !text.is_empty() && text != crate::snapshot::format::NULL => Some(text.clone()),
        _ => None,
    };
    let os = text("OS", "release", "ID").and_then(|id| os_name(&id));
    let node_count = match snapshot.reading("NodeTopology", "summary", "node-count") {
        Some(Reading::Int(count)) if *count > 0 => Some(count.unsigned_abs()),
        Some(Reading::UInt(count)) => Some(*count),
        Some(Reading::Float(count)) if *count > 0.0 && count.fract() == 0.0 => Some(*count as u64),
        _ => None,
    };
    let gpu_model = text("GPU", "hardware", "model");
    Fingerprint {
        service: found(text("K8s", "node", "provider").map(|provider| service(&provider)), "k8s.node.provider"),
        accelerator: accelerator(snapshot, gpu_model.as_deref()),
        gpu_model: found(gpu_model, "gpu.hardware.model"),
        os_version: found(os.as_ref().and_then(|_| text("OS", "release", "VERSION_ID")), "os.release"),
        os: found(os, "os.release"),
        k8s_version: found(
            text("K8s", "server", "version").map(|version| version.strip_prefix('v').unwrap_or(&version).to_owned()),
            "k8s.server.version",
        ),
        region: region(snapshot),
        node_count: found(node_count, "nodeTopology.summary.node-count"),
        gpu_node_count: gpu_node_count(snapshot),
    }
}

fn found<T>(value: Option<T>, source: &str) -> Dimension<T> {
    let source = value.is_some().then(|| source.to_owned());
    Dimension { value, source, note: None }
}

fn service(provider: &str) -> String {
    if provider.starts_with("ocid1.") || provider.starts_with("oci://") || provider == "oci" {
        "oke".to_owned()
    } else if provider.starts_with("linode://") || provider == "linode" {
        "lke".to_owned()
    } else {
        provider.to_owned()
    }
}

fn os_name(id: &str) -> Option<String> {
    let name = match &*id.trim().to_lowercase() {
        "ubuntu" => "ubuntu",
        "rhel" | "redhat" | "redhatenterpriselinux" => "rhel",
        "cos" => "cos",
        "amazonlinux" | "amzn" | "amazon" | "al2" | "al2023" => "amazonlinux",
        "ol" => "ol",
        "talos" => "talos",
        _ => return None,
    };
    Some(name.to_owned())
}

/// Entries of the label subtype for a key: its one entry, or one per value (`<key>.<value>`).
fn label<'s>(snapshot: &'s Snapshot, key: &str) -> Vec<&'s str> {
    let Some(labels) = snapshot.subtype("NodeTopology", "label") else { return Vec::new() };
    let text = |reading: &'s Reading| match reading {
        Reading::Text(text) => Some(text.as_str()),
        _ => None,
    };
    match labels.data.get(key) {
        Some(entry) => text(entry).into_iter().collect(),
        None => {
            let prefix = format!("{key}.");
            labels
                .data
                .iter()
                .filter(|(name, _)| name.starts_with(&prefix))
                .filter_map(|(_, entry)| text(entry))
                .collect()
        }
    }
}

fn accelerator(snapshot: &Snapshot, model: Option<&str>) -> Dimension<String> {
    let mut dimension = Dimension::default();
    match label(snapshot, PRODUCT).as_slice() {
        [] => {}
        [entry] => {
            let product = entry.split('|').next().unwrap_or_default();
            let source = format!("nodeTopology.label.{PRODUCT}");
            match accelerators::by_product(product) {
                Some(known) => return found(Some(known.name.to_owned()), &source),
                None => dimension.note = Some("unknown-sku".to_owned()),
            }
        }
        _ => {
            dimension.note = Some("multi-gpu".to_owned());
            return dimension;
        }
    }
    match model {
        Some(model) if built_in(crate::criteria::Dimension::Accelerator).contains(&model) => {
            found(Some(model.to_owned()), "gpu.hardware.model")
        }
        Some(_) => Dimension { note: Some("unknown-sku".to_owned()), ..dimension },
        None => dimension,
    }
}

fn region(snapshot: &Snapshot) -> Dimension<String> {
    match label(snapshot, REGION).as_slice() {
        [] => Dimension::default(),
        [entry] => {
            let value = entry.split('|').next().unwrap_or_default();
            found(Some(value.to_owned()).filter(|value| !value.is_empty()), &format!("nodeTopology.label.{REGION}"))
        }
        _ => Dimension { note: Some("multi-region".to_owned()), ..Dimension::default() },
    }
}

/// Distinct nodes over all product entries; names that the file left out (`(+3 more)`) are counted too.
fn gpu_node_count(snapshot: &Snapshot) -> Dimension<u64> {
    let entries = label(snapshot, PRODUCT);
    let mut names = std::collections::BTreeSet::new();
    let mut unnamed = 0;
    for entry in &entries {
        let (_, list) = entry.split_once('|').unwrap_or(("", ""));
        let (listed, more) = nodes::node_list(list);
        names.extend(listed);
        unnamed += more;
    }
    let count = names.len() as u64 + unnamed;
    found((!entries.is_empty()).then_some(count), &format!("nodeTopology.label.{PRODUCT}"))
}

impl Fingerprint {
    /// What may be asked of the catalog for this cluster; intent and platform stay open.
    ///
    /// A service that no catalog knows by itself is kept: `resolve` then honors it or says that nothing does.
    pub fn criteria(&self) -> Criteria {
        use crate::criteria::Dimension::{Accelerator, Os, Service};
        let value = |dimension, found: &Dimension<String>| {
            found.value.as_deref().and_then(|text| normalize(dimension, text)).filter(|text| {
                // The reference drops what is no legal value of its own lists.
                built_in(dimension).contains(&text.as_str())
            })
        };
        Criteria {
            service: value(Service, &self.service),
            accelerator: value(Accelerator, &self.accelerator),
            os: value(Os, &self.os),
            nodes: self.node_count.value.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
            ..Criteria::default()
        }
    }
}

/// The fingerprint block of the snapshot file, in the reference's shape.
pub fn to_value(fingerprint: &Fingerprint) -> Value {
    let Fingerprint {
        service,
        accelerator,
        gpu_model,
        os,
        os_version,
        k8s_version,
        region,
        node_count,
        gpu_node_count,
    } = fingerprint;
    let text = |dimension: &Dimension<String>| block(dimension, dimension.value.clone().unwrap_or_default().into());
    let count = |dimension: &Dimension<u64>| block(dimension, dimension.value.unwrap_or(0).into());
    let mut value = json!({
        "service": text(service), "accelerator": text(accelerator), "os": text(os), "k8sVersion": text(k8s_version),
        "nodeCount": count(node_count), "gpuNodeCount": count(gpu_node_count),
    });
    if let Some(version) = &os_version.value {
        value["os"]["version"] = version.as_str().into();
    }
    for (key, dimension) in [("gpuModel", gpu_model), ("region", region)] {
        if dimension.value.is_some() || dimension.note.is_some() {
            value[key] = text(dimension);
        }
    }
    value
}

fn block<T>(dimension: &Dimension<T>, value: Value) -> Value {
    let mut block = json!({ "value": value });
    for (key, text) in [("source", &dimension.source), ("note", &dimension.note)] {
        if let Some(text) = text {
            block[key] = text.as_str().into();
        }
    }
    block
}
