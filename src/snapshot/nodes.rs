//! The nodes of a snapshot, as rows and as shapes.
//!
//! In: a snapshot, ours (subtype `NodeTopology.nodes`) or the reference's (label and taint entries only). Out: one
//! [`NodeRow`] per node, and [`Shape`]s that group equal ones.

use super::{Item, Reading, Snapshot, Subtype};
use std::collections::BTreeMap;

/// What a snapshot knows of one node. `None` is "not measured", never zero.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct NodeRow {
    pub name: String,
    pub ready: Option<bool>,
    pub schedulable: Option<bool>,
    pub roles: Vec<String>,
    pub provider_id: Option<String>,
    pub os_image: Option<String>,
    pub kernel: Option<String>,
    pub kubelet: Option<String>,
    pub runtime: Option<String>,
    pub architecture: Option<String>,
    pub gpu_product: Option<String>,
    pub gpu_memory_mib: Option<u64>,
    pub gpu_driver: Option<String>,
    pub gpu_capacity: Option<u64>,
    pub gpu_allocatable: Option<u64>,
    pub gpu_requested: Option<u64>,
    pub labels: BTreeMap<String, String>,
    /// `key=value:Effect`, sorted.
    pub taints: Vec<String>,
}

/// Nodes that are alike in accelerator, driver, OS, kernel, kubelet and taints.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Shape {
    /// Accelerator product or `cpu`.
    pub accelerator: String,
    pub driver: String,
    pub os_image: String,
    pub kernel: String,
    pub kubelet: String,
    pub taints: Vec<String>,
    /// Node names, sorted.
    pub nodes: Vec<String>,
}

/// One row per node, sorted by name.
///
/// From our items where the file has them; labels always, and everything else in the reference's files, from the label
/// and taint entries. Names that a file left out (`(+3 more)`) have no row.
pub fn rows(snapshot: &Snapshot) -> Vec<NodeRow> {
    let mut rows: BTreeMap<String, NodeRow> = BTreeMap::new();
    let items = snapshot.subtype("NodeTopology", "nodes").map_or(&[][..], |nodes| &nodes.items);
    for row in items.iter().filter_map(from_item) {
        rows.insert(row.name.clone(), row);
    }
    let measured = !rows.is_empty();
    if let Some(labels) = snapshot.subtype("NodeTopology", "label") {
        for (key, entry) in &labels.data {
            let entry = entry.to_string();
            let Some((value, list)) = entry.split_once('|') else { continue };
            // Several values in the cluster: the value is part of the key.
            let key = key.strip_suffix(value).and_then(|key| key.strip_suffix('.')).unwrap_or(key);
            for name in node_list(list).0 {
                let row = rows
                    .entry(name.to_owned())
                    .or_insert_with(|| NodeRow { name: name.to_owned(), ..NodeRow::default() });
                row.labels.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    if !measured {
        add_taints(snapshot, &mut rows);
        for row in rows.values_mut() {
            from_labels(row);
        }
        add_source_node(snapshot, &mut rows);
    }
    rows.into_values().collect()
}

/// The listed names of a node list, and how many more it does not name.
pub fn node_list(list: &str) -> (Vec<&str>, u64) {
    let (names, more) = match list.split_once(" (+") {
        Some((names, rest)) => (names, rest.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)),
        None => (list, 0),
    };
    (names.split(',').filter(|name| !name.is_empty()).collect(), more)
}

fn from_item(item: &Item) -> Option<NodeRow> {
    let text = |key: &str| item.context.get(key).cloned();
    let list = |key: &str| -> Vec<String> {
        item.context.get(key).map_or_else(Vec::new, |text| text.split(',').map(str::to_owned).collect())
    };
    let flag = |key: &str| match item.data.get(key) {
        Some(Reading::Bool(value)) => Some(*value),
        _ => None,
    };
    let count = |key: &str| match item.data.get(key) {
        Some(Reading::Int(value)) => u64::try_from(*value).ok(),
        Some(Reading::UInt(value)) => Some(*value),
        _ => None,
    };
    Some(NodeRow {
        name: text("name")?,
        ready: flag("ready"),
        schedulable: flag("schedulable"),
        roles: list("roles"),
        provider_id: text("providerID"),
        os_image: text("osImage"),
        kernel: text("kernel"),
        kubelet: text("kubelet"),
        runtime: text("runtime"),
        architecture: text("architecture"),
        gpu_product: text("gpuProduct"),
        gpu_driver: text("gpuDriver"),
        gpu_memory_mib: count("gpu-memory-mib"),
        gpu_capacity: count("gpu-capacity"),
        gpu_allocatable: count("gpu-allocatable"),
        gpu_requested: count("gpu-requested"),
        labels: BTreeMap::new(),
        taints: list("taints"),
    })
}

fn to_item(row: &NodeRow) -> Item {
    let NodeRow {
        name,
        ready,
        schedulable,
        roles,
        provider_id,
        os_image,
        kernel,
        kubelet,
        runtime,
        architecture,
        gpu_product,
        gpu_memory_mib,
        gpu_driver,
        gpu_capacity,
        gpu_allocatable,
        gpu_requested,
        labels: _, // they stand in the label subtype
        taints,
    } = row;
    let joined = |list: &[String]| (!list.is_empty()).then(|| list.join(","));
    let context = [
        ("name", Some(name.clone())),
        ("roles", joined(roles)),
        ("providerID", provider_id.clone()),
        ("osImage", os_image.clone()),
        ("kernel", kernel.clone()),
        ("kubelet", kubelet.clone()),
        ("runtime", runtime.clone()),
        ("architecture", architecture.clone()),
        ("gpuProduct", gpu_product.clone()),
        ("gpuDriver", gpu_driver.clone()),
        ("taints", joined(taints)),
    ];
    let count =
        |count: &Option<u64>| count.map(|count| i64::try_from(count).map_or(Reading::UInt(count), Reading::Int));
    let data = [
        ("ready", ready.map(Reading::Bool)),
        ("schedulable", schedulable.map(Reading::Bool)),
        ("gpu-memory-mib", count(gpu_memory_mib)),
        ("gpu-capacity", count(gpu_capacity)),
        ("gpu-allocatable", count(gpu_allocatable)),
        ("gpu-requested", count(gpu_requested)),
    ];
    let owned = |key: &str| key.to_owned();
    Item {
        context: context.into_iter().filter_map(|(key, value)| Some((owned(key), value?))).collect(),
        data: data.into_iter().filter_map(|(key, value)| Some((owned(key), value?))).collect(),
    }
}

/// Facts that GPU feature discovery and node feature discovery put into labels.
pub fn from_labels(row: &mut NodeRow) {
    let text = |key: &str| row.labels.get(key).filter(|value| !value.is_empty()).cloned();
    let number = |key: &str| row.labels.get(key).and_then(|value| value.parse().ok());
    row.gpu_product = text("nvidia.com/gpu.product");
    row.gpu_memory_mib = number("nvidia.com/gpu.memory");
    row.gpu_driver = text("nvidia.com/cuda.driver-version.full").or_else(|| {
        let parts = ["major", "minor", "rev"].map(|part| text(&format!("nvidia.com/cuda.driver.{part}")));
        let [Some(major), Some(minor), rev] = parts else { return None };
        Some([Some(major), Some(minor), rev].into_iter().flatten().collect::<Vec<_>>().join("."))
    });
    if row.gpu_capacity.is_none() {
        row.gpu_capacity = number("nvidia.com/gpu.count");
    }
    if row.architecture.is_none() {
        row.architecture = text("kubernetes.io/arch");
    }
    if row.kernel.is_none() {
        row.kernel = text("feature.node.kubernetes.io/kernel-version.full");
    }
    if row.os_image.is_none() {
        let id = text("feature.node.kubernetes.io/system-os_release.ID");
        let version = text("feature.node.kubernetes.io/system-os_release.VERSION_ID");
        row.os_image = id.map(|id| [Some(id), version].into_iter().flatten().collect::<Vec<_>>().join(" "));
    }
    if row.roles.is_empty() {
        row.roles = roles(&row.labels);
    }
}

/// Roles by label: `node-role.kubernetes.io/control-plane`.
pub fn roles(labels: &BTreeMap<String, String>) -> Vec<String> {
    labels.keys().filter_map(|key| key.strip_prefix("node-role.kubernetes.io/")).map(str::to_owned).collect()
}

/// `key = Effect|value|nodes`, or, where a key has several, `key.Effect = value|nodes`.
fn add_taints(snapshot: &Snapshot, rows: &mut BTreeMap<String, NodeRow>) {
    let Some(taints) = snapshot.subtype("NodeTopology", "taint") else { return };
    for (key, entry) in &taints.data {
        let entry = entry.to_string();
        let parts: Vec<&str> = entry.splitn(3, '|').collect();
        let (key, effect, value, list) = match parts.as_slice() {
            [effect, value, list] => (key.as_str(), *effect, *value, *list),
            [value, list] => match key.rsplit_once('.') {
                Some((key, effect)) => (key, effect, *value, *list),
                None => continue,
            },
            _ => continue,
        };
        for name in node_list(list).0 {
            if let Some(row) = rows.get_mut(name) {
                row.taints.push(taint(key, value, effect));
            }
        }
    }
}

/// `key=value:Effect`, or `key:Effect` without a value.
pub fn taint(key: &str, value: &str, effect: &str) -> String {
    if value.is_empty() { format!("{key}:{effect}") } else { format!("{key}={value}:{effect}") }
}

/// What a reference snapshot knows of the one node that its agent ran on.
fn add_source_node(snapshot: &Snapshot, rows: &mut BTreeMap<String, NodeRow>) {
    let read = |key: &str| snapshot.reading("K8s", "node", key).map(ToString::to_string);
    let Some(row) = read("source-node").and_then(|name| rows.get_mut(&name)) else { return };
    row.os_image = read("os-image").or(row.os_image.take());
    row.kernel = read("kernel-version").or(row.kernel.take());
    row.kubelet = read("kubelet-version");
    row.runtime = read("container-runtime-id");
    row.provider_id = read("provider-id");
}

/// The subtypes of `NodeTopology` for live rows: `summary`, `taint`, `label` as the reference encodes them, and `nodes`.
pub fn to_subtypes(rows: &[NodeRow]) -> Vec<Subtype> {
    let mut sorted: Vec<&NodeRow> = rows.iter().collect();
    sorted.sort_by_key(|row| &row.name);
    let mut labels: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    let mut taints: BTreeMap<&str, BTreeMap<(&str, &str), Vec<&str>>> = BTreeMap::new();
    for row in &sorted {
        for (key, value) in &row.labels {
            labels.entry(key).or_default().entry(value).or_default().push(&row.name);
        }
        for text in &row.taints {
            let Some((rest, effect)) = text.rsplit_once(':') else { continue };
            let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
            taints.entry(key).or_default().entry((effect, value)).or_default().push(&row.name);
        }
    }
    let mut label_data = BTreeMap::new();
    for (key, values) in &labels {
        for (value, names) in values {
            let entry = if values.len() == 1 { (*key).to_owned() } else { format!("{key}.{value}") };
            label_data.insert(entry, Reading::Text(format!("{value}|{}", names.join(","))));
        }
    }
    let mut taint_data = BTreeMap::new();
    for (key, combinations) in &taints {
        for ((effect, value), names) in combinations {
            let names = names.join(",");
            let (entry, text) = match combinations.len() {
                1 => ((*key).to_owned(), format!("{effect}|{value}|{names}")),
                _ => (format!("{key}.{effect}"), format!("{value}|{names}")),
            };
            taint_data.insert(entry, Reading::Text(text));
        }
    }
    let count = |count: usize| Reading::Int(count as i64);
    let summary = BTreeMap::from([
        ("node-count".to_owned(), count(sorted.len())),
        ("taint-count".to_owned(), count(taint_data.len())),
        ("label-count".to_owned(), count(label_data.len())),
    ]);
    let subtype = |name: &str, data| Subtype { name: name.to_owned(), data, ..Subtype::default() };
    let items = sorted.into_iter().map(to_item).collect();
    vec![
        subtype("summary", summary),
        subtype("taint", taint_data),
        subtype("label", label_data),
        Subtype { name: "nodes".to_owned(), items, ..Subtype::default() },
    ]
}

/// Rows grouped by shape: most GPUs first, then most nodes, then by first node name.
pub fn shapes(rows: &[NodeRow]) -> Vec<Shape> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    // Accelerator, driver, OS, kernel, kubelet, taints.
    type Key = (String, String, String, String, String, Vec<String>);
    let mut shapes: BTreeMap<Key, (u64, Vec<String>)> = BTreeMap::new();
    for row in rows {
        let accelerator = row.gpu_product.clone().unwrap_or_else(|| match row.gpu_capacity {
            Some(count) if count > 0 => "gpu".to_owned(),
            _ => "cpu".to_owned(),
        });
        let mut taints = row.taints.clone();
        taints.sort();
        let key =
            (accelerator, text(&row.gpu_driver), text(&row.os_image), text(&row.kernel), text(&row.kubelet), taints);
        let (gpus, names) = shapes.entry(key).or_default();
        *gpus += row.gpu_capacity.unwrap_or(0);
        names.push(row.name.clone());
    }
    let mut ordered: Vec<_> = shapes
        .into_iter()
        .map(|((accelerator, driver, os_image, kernel, kubelet, taints), (gpus, mut nodes))| {
            nodes.sort();
            (gpus, Shape { accelerator, driver, os_image, kernel, kubelet, taints, nodes })
        })
        .collect();
    ordered.sort_by(|(left_gpus, left), (right_gpus, right)| {
        let key = |gpus: &u64, shape: &Shape| (std::cmp::Reverse(*gpus), std::cmp::Reverse(shape.nodes.len()));
        key(left_gpus, left).cmp(&key(right_gpus, right)).then_with(|| left.nodes.cmp(&right.nodes))
    });
    ordered.into_iter().map(|(_, shape)| shape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Measurement;

    fn row(name: &str, labels: &[(&str, &str)], taints: &[&str]) -> NodeRow {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let taints = taints.iter().map(|taint| (*taint).to_owned()).collect();
        NodeRow { name: name.to_owned(), ready: Some(true), labels, taints, ..NodeRow::default() }
    }

    #[test]
    fn rows_survive_the_file() {
        let rows_in = vec![
            row("a", &[("zone", "1"), ("gpu", "h100")], &["gpu=present:NoSchedule"]),
            row("b", &[("zone", "2")], &["gpu:NoExecute"]),
        ];
        let subtypes = to_subtypes(&rows_in);
        let entries = |name: &str| {
            let subtype = subtypes.iter().find(|subtype| subtype.name == name).unwrap();
            subtype.data.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(entries("label"), ["gpu=h100|a", "zone.1=1|a", "zone.2=2|b"]);
        assert_eq!(entries("taint"), ["gpu.NoExecute=|b", "gpu.NoSchedule=present|a"]);
        assert_eq!(entries("summary"), ["label-count=3", "node-count=2", "taint-count=2"]);
        let measurement = Measurement { kind: "NodeTopology".into(), subtypes };
        let snapshot = Snapshot { measurements: vec![measurement], ..Snapshot::default() };
        assert_eq!(rows(&snapshot), rows_in);
    }

    #[test]
    fn a_list_that_was_cut_still_counts() {
        assert_eq!(node_list("n1,n2 (+3 more)"), (vec!["n1", "n2"], 3));
        assert_eq!(node_list(""), (vec![], 0));
    }

    #[test]
    fn gpus_come_first_among_shapes() {
        let mut gpu = row("g", &[], &[]);
        (gpu.gpu_product, gpu.gpu_capacity) = (Some("NVIDIA-H100".into()), Some(8));
        let shapes = shapes(&[row("a", &[], &[]), row("b", &[], &[]), gpu]);
        let shown: Vec<_> = shapes.iter().map(|shape| (shape.accelerator.as_str(), shape.nodes.len())).collect();
        assert_eq!(shown, [("NVIDIA-H100", 1), ("cpu", 2)]);
    }
}
