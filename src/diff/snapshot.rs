//! Two snapshots side by side, reading by reading and node by node.
//!
//! Readings are compared in their textual form, as the reference does, so that `true` and `"true"` are equal. Labels and
//! taints are compared per node: in the file, one node more changes every shared entry.

use super::{Change, ChangeKind};
use crate::snapshot::{
    Item, Snapshot, Subtype,
    nodes::{self, NodeRow},
    path::TYPES,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Changes from left to right: measurements in type order, readings by path, then nodes by name.
pub fn compare(left: &Snapshot, right: &Snapshot) -> Vec<Change> {
    let mut changes = Vec::new();
    for kind in kinds(left, right) {
        let subtypes = |snapshot: &Snapshot| -> BTreeMap<String, Subtype> {
            let measurement = snapshot.measurement(&kind);
            measurement
                .into_iter()
                .flat_map(|found| found.subtypes.iter().cloned())
                .map(|found| (found.name.clone(), found))
                .collect()
        };
        let (before, after) = (subtypes(left), subtypes(right));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            if kind == "NodeTopology" && ["label", "taint", "nodes"].contains(&name.as_str()) {
                continue;
            }
            let empty = Subtype::default();
            let (before, after) = (before.get(name).unwrap_or(&empty), after.get(name).unwrap_or(&empty));
            compare_subtypes(&format!("{kind}.{name}"), before, after, &mut changes);
        }
    }
    compare_nodes(&nodes::rows(left), &nodes::rows(right), &mut changes);
    for change in &mut changes {
        change.noise = noise(&change.path);
    }
    changes
}

/// The reference's answer: readings only, sorted by path, label and taint entries as they stand in the file.
pub fn compare_readings(left: &Snapshot, right: &Snapshot) -> Vec<Change> {
    let flat = |snapshot: &Snapshot| -> BTreeMap<String, String> {
        let subtypes = snapshot
            .measurements
            .iter()
            .flat_map(|measurement| measurement.subtypes.iter().map(move |subtype| (&measurement.kind, subtype)));
        subtypes
            .flat_map(|(kind, subtype)| {
                subtype
                    .data
                    .iter()
                    .map(move |(key, reading)| (format!("{kind}.{}.{key}", subtype.name), reading.to_string()))
            })
            .collect()
    };
    pairs(&flat(left), &flat(right), |path| path.to_owned())
}

fn kinds(left: &Snapshot, right: &Snapshot) -> Vec<String> {
    let known = TYPES.iter().map(|kind| (*kind).to_owned());
    let all = || left.measurements.iter().chain(&right.measurements);
    let other: BTreeSet<String> =
        all().map(|measurement| measurement.kind.clone()).filter(|kind| !TYPES.contains(&kind.as_str())).collect();
    known.chain(other).filter(|kind| all().any(|measurement| measurement.kind == *kind)).collect()
}

fn compare_subtypes(path: &str, left: &Subtype, right: &Subtype, changes: &mut Vec<Change>) {
    let texts = |subtype: &Subtype| -> BTreeMap<String, String> {
        let context = subtype.context.iter().map(|(key, text)| (key.clone(), text.clone()));
        context.chain(subtype.data.iter().map(|(key, reading)| (key.clone(), reading.to_string()))).collect()
    };
    changes.extend(pairs(&texts(left), &texts(right), |key| format!("{path}.{key}")));
    for index in 0..left.items.len().max(right.items.len()) {
        let texts = |items: &[Item]| items.get(index).map(item_texts).unwrap_or_default();
        changes.extend(pairs(&texts(&left.items), &texts(&right.items), |key| format!("{path}[{index}].{key}")));
    }
}

fn item_texts(item: &Item) -> BTreeMap<String, String> {
    let context = item.context.iter().map(|(key, text)| (key.clone(), text.clone()));
    context.chain(item.data.iter().map(|(key, reading)| (key.clone(), reading.to_string()))).collect()
}

/// Changes of two sorted tables of texts.
fn pairs(
    left: &BTreeMap<String, String>,
    right: &BTreeMap<String, String>,
    path: impl Fn(&str) -> String,
) -> Vec<Change> {
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let value = |side: &BTreeMap<String, String>, key: &String| side.get(key).map(|text| Value::from(text.as_str()));
    keys.into_iter().filter_map(|key| Change::of(path(key), value(left, key), value(right, key))).collect()
}

fn compare_nodes(left: &[NodeRow], right: &[NodeRow], changes: &mut Vec<Change>) {
    let by_name = |rows: &[NodeRow]| -> BTreeMap<String, BTreeMap<String, String>> {
        rows.iter().map(|row| (row.name.clone(), row_texts(row))).collect()
    };
    let (before, after) = (by_name(left), by_name(right));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let path = format!("node[{name}]");
        match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) => changes.extend(pairs(before, after, |key| format!("{path}.{key}"))),
            (before, after) => {
                let kind = if after.is_some() { ChangeKind::Added } else { ChangeKind::Removed };
                let (left, right) = (before.map(|texts| json!(texts)), after.map(|texts| json!(texts)));
                changes.push(Change { kind, path, left, right, cause: String::new(), noise: None });
            }
        }
    }
}

fn row_texts(row: &NodeRow) -> BTreeMap<String, String> {
    let flag = |flag: &Option<bool>| flag.map(|flag| flag.to_string());
    let count = |count: &Option<u64>| count.map(|count| count.to_string());
    let facts = [
        ("ready", flag(&row.ready)),
        ("schedulable", flag(&row.schedulable)),
        ("osImage", row.os_image.clone()),
        ("kernel", row.kernel.clone()),
        ("kubelet", row.kubelet.clone()),
        ("runtime", row.runtime.clone()),
        ("gpu-driver", row.gpu_driver.clone()),
        ("gpu-capacity", count(&row.gpu_capacity)),
        ("gpu-allocatable", count(&row.gpu_allocatable)),
        ("gpu-requested", count(&row.gpu_requested)),
        ("taints", (!row.taints.is_empty()).then(|| row.taints.join(","))),
    ];
    let facts = facts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?)));
    facts.chain(row.labels.iter().map(|(key, value)| (format!("label.{key}"), value.clone()))).collect()
}

/// Why a reading is expected to differ between two looks at an unchanged cluster; `None` for one that is not.
pub fn noise(path: &str) -> Option<&'static str> {
    if let Some(key) = path.strip_prefix("OS.sysctl./proc/sys/") {
        return sysctl_noise(key);
    }
    if let Some(rest) = path.strip_prefix("SystemD.") {
        return systemd_noise(rest.rsplit('.').next().unwrap_or_default());
    }
    let counts = ["label-count", "taint-count"];
    if path.strip_prefix("NodeTopology.summary.").is_some_and(|key| counts.contains(&key)) {
        return Some("follows from labels and taints, which are compared per node");
    }
    if path.ends_with("nvidia.com/gfd.timestamp") {
        return Some("the time of the last feature discovery");
    }
    path.starts_with("K8s.collection").then_some("says how the snapshot was taken")
}

fn sysctl_noise(key: &str) -> Option<&'static str> {
    const ALWAYS: [&str; 11] = [
        "fs/dentry-state",
        "fs/file-nr",
        "fs/inode-nr",
        "fs/inode-state",
        "fs/aio-nr",
        "kernel/ns_last_pid",
        "kernel/random/uuid",
        "kernel/random/entropy_avail",
        "kernel/pty/nr",
        "kernel/perf_event_max_sample_rate",
        "vm/stat_refresh",
    ];
    const NODE: [&str; 6] = [
        "kernel/hostname",
        "kernel/domainname",
        "kernel/threads-max",
        "fs/epoll/max_user_watches",
        "vm/min_free_kbytes",
        "fs/file-max",
    ];
    if ALWAYS.contains(&key) || key.starts_with("fs/quota/") {
        Some("changes on an idle machine")
    } else if ["kernel/random/boot_id", "kernel/tainted"].contains(&key) {
        Some("changes at every boot")
    } else if NODE.contains(&key) || key.starts_with("user/max_") {
        Some("differs from node to node")
    } else {
        None
    }
}

fn systemd_noise(key: &str) -> Option<&'static str> {
    const COUNTERS: [&str; 8] = [
        "CPUUsageNSec",
        "TasksCurrent",
        "MainPID",
        "ControlPID",
        "ControlGroupId",
        "InvocationID",
        "StatusText",
        "NRestarts",
    ];
    let memory = key.starts_with("Memory") && ["Current", "Peak", "Available"].iter().any(|end| key.ends_with(end));
    let counters = COUNTERS.contains(&key) || key.starts_with("ExecMain") || key.starts_with("Exec");
    let moving = key.contains("Timestamp") || key.starts_with("IO") || key.starts_with("IP");
    (memory || counters || moving).then_some("a counter, a time or a process id")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Measurement, Reading};

    fn snapshot(version: &str, nodes: &[(&str, &str)]) -> Snapshot {
        let text = |text: &str| Reading::Text(text.to_owned());
        let subtype = |name: &str, data: &[(&str, &str)]| Subtype {
            name: name.into(),
            data: data.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect(),
            ..Subtype::default()
        };
        let rows: Vec<NodeRow> = nodes
            .iter()
            .map(|(name, zone)| NodeRow {
                name: (*name).into(),
                labels: [("zone".to_owned(), (*zone).to_owned())].into(),
                ..NodeRow::default()
            })
            .collect();
        let sysctl = subtype("sysctl", &[("/proc/sys/fs/file-nr", version), ("/proc/sys/vm/swappiness", "60")]);
        let measurement = |kind: &str, subtypes| Measurement { kind: kind.into(), subtypes };
        Snapshot {
            measurements: vec![
                measurement("K8s", vec![subtype("server", &[("version", version)])]),
                measurement("OS", vec![sysctl]),
                measurement("NodeTopology", nodes::to_subtypes(&rows)),
            ],
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_node_more_is_one_change_and_noise_is_marked() {
        let before = snapshot("v1.33.4", &[("a", "1")]);
        let after = snapshot("v1.34.0", &[("a", "1"), ("b", "2")]);
        let shown: Vec<String> = compare(&before, &after)
            .iter()
            .map(|change| format!("{}{} {}", change.kind.sign(), change.path, change.noise.unwrap_or("")))
            .collect();
        assert_eq!(
            shown,
            [
                "~K8s.server.version ",
                "~OS.sysctl./proc/sys/fs/file-nr changes on an idle machine",
                "~NodeTopology.summary.label-count follows from labels and taints, which are compared per node",
                "~NodeTopology.summary.node-count ",
                "+node[b] ",
            ]
        );
        assert!(compare(&before, &before).is_empty());
    }

    #[test]
    fn the_references_view_has_every_entry() {
        let before = snapshot("v1.33.4", &[("a", "1")]);
        let after = snapshot("v1.33.4", &[("a", "1"), ("b", "1")]);
        let paths: Vec<String> = compare_readings(&before, &after).into_iter().map(|change| change.path).collect();
        assert_eq!(paths, ["NodeTopology.label.zone", "NodeTopology.summary.node-count"]);
    }
}
