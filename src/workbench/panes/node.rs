//! One node in full: facts, taints, labels.

use super::{no_cluster, nodes, prelude::*, shapes};
use crate::inventory::{Fact, Inventory, Node, Text, Unknown, accelerator::Accelerators};
use std::fmt::{self, Display, Write};

pub static PANE: Pane = Pane {
    name: "node",
    screen: Screen::Cluster,
    place: Place::NONE
        .detail(8)
        .short(column(1, 0).row(1).part(1, 2))
        .four(column(1, 0).row(1).part(11, 20))
        .all(column(2, 64)),
    needs: &[Need::Cluster, Need::Cursor(&nodes::PANE), Need::Cursor(&shapes::PANE)],
    hints: &[Action::MoveDown, Action::Filter, Action::Copy, Action::ZoomFull],
    build,
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let snapshot = view.model.cluster.snapshot.as_deref();
    let (node, alike) = selected(view);
    let node = snapshot.zip(node);
    let Some((snapshot, node)) = node else {
        let blind = snapshot.is_some_and(|snapshot| snapshot.no_nodes().is_some());
        let says = if blind { no_cluster(view) } else { Blank::Empty.says("no node is selected") };
        return Content { says, ..prose("node", Vec::new()) };
    };
    let state = match (node.ready.get(), node.schedulable.get()) {
        (Some(false), _) => Some("NOTREADY"),
        (None, _) => Some("readiness unknown"),
        (_, Some(false)) => Some("cordoned"),
        _ => None,
    };
    let labels = text::count(node.labels.len(), "label");
    let note = state.map(str::to_owned).into_iter().chain([labels]).collect::<Vec<_>>().join(", ");
    let alike = if alike > 1 { format!(", 1 of {} alike", text::thousands(alike)) } else { String::new() };
    let before = &view.table().content.rows;
    Content { note, ..prose(format!("node {}{alike}", node.name), rows(node, snapshot, before)) }
}

/// The node under the cursor, or one of the shape under it while shapes have the focus, with how many are alike.
fn selected<'v>(view: &View<'v>) -> (Option<&'v Node>, usize) {
    let cluster = &view.model.cluster;
    if let (true, Some(RowId::Shape(key))) = (view.focus == &shapes::PANE, view.selected(&shapes::PANE)) {
        let nodes = cluster.fleet.shape(key).map_or(&[][..], |shape| &shape.nodes);
        let in_trouble = nodes.iter().find(|node| node.ready.get() == Some(false));
        return (in_trouble.or(nodes.first()).map(|node| &**node), nodes.len());
    }
    let name = view.selected(&nodes::PANE).and_then(RowId::named);
    let node = cluster.snapshot.as_ref().zip(name).and_then(|(snapshot, name)| snapshot.node(name));
    (node.map(|node| &**node), 1)
}

/// Sources of what is known of a node, besides its own object.
const SOURCES: [&str; 4] = ["pods", "slices", "claims", "features"];

/// How many pods or claims hold, or why that is not known. Sources that could not be read are named above.
fn held(held: &Fact<u64>) -> String {
    match held {
        Fact::Known(reading) => format!("{} held", reading.value),
        Fact::Unknown(Unknown::Forbidden(_) | Unknown::Failed(_)) => "held unknown".to_owned(),
        Fact::Unknown(unknown) => format!("held unknown ({unknown})"),
    }
}

/// A fact with the object and field that said it.
fn sourced<T: Display>(fact: &Fact<T>) -> Cell {
    match fact {
        Fact::Known(reading) => Cell::text(reading.value.to_string()).and(Role::Muted, format!("  {}", reading.source)),
        Fact::Unknown(unknown) => Cell::new(Role::Muted, format!("- ({unknown})")),
    }
}

/// The line of a fact. Nodes of a fleet have most of them in common: where the one that the panel shows in this place reads
/// alike, it is that.
fn fact<'r, T: Display>(
    rows: &mut Vec<Row>,
    name: &str,
    fact: &Fact<T>,
    before: &mut (impl Iterator<Item = &'r Row> + Clone),
) {
    let id = RowId::Line("", rows.len());
    if let (Some(known), Fact::Known(reading)) = (next(before, |row| row.id == id), fact)
        && let [cell] = &known.cells[..]
        && let Some([label, value, source]) = cell.three()
        && label.trim_end() == name
        && is_written(value, &reading.value)
        && source.strip_prefix("  ").is_some_and(|source| is_written(source, &reading.source))
    {
        rows.push(known.clone());
        return;
    }
    pairs(rows, "", [(name, sourced(fact))]);
}

/// The next line of those that the panel shows that is the one looked for; where there is none, they stay where they are.
fn next<'r>(before: &mut (impl Iterator<Item = &'r Row> + Clone), is_meant: impl Fn(&Row) -> bool) -> Option<&'r Row> {
    let mut ahead = before.clone();
    let known = ahead.find(|row| is_meant(row))?;
    *before = ahead;
    Some(known)
}

/// Whether a text is how a value is written, which is not written for that.
fn is_written(text: &str, value: &impl Display) -> bool {
    let mut rest = Rest(text);
    write!(rest, "{value}").is_ok() && rest.0.is_empty()
}

/// What is left of a text behind what was written; an error where that is something else.
struct Rest<'t>(&'t str);

impl Write for Rest<'_> {
    fn write_str(&mut self, written: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(written).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// The product; where nothing names it, what says that there is something.
fn product(gpus: &Accelerators) -> Cell {
    match (&gpus.product, gpus.words(), gpus.present.source()) {
        (Fact::Unknown(_), Some(words), Some(source)) => Cell::text(words).and(Role::Muted, format!("  {source}")),
        (product, ..) => sourced(product),
    }
}

fn rows(node: &Node, snapshot: &Inventory, before: &[Row]) -> Vec<Row> {
    let mut rows = Vec::with_capacity(before.len().max(node.labels.len() + FACTS));
    let mut before = before.iter();
    let gpus = &node.accelerators;
    let roles = if node.roles.is_empty() {
        Cell::new(Role::Muted, "-")
    } else {
        Cell::text(node.roles.iter().map(|role| &**role).collect::<Vec<_>>().join(", "))
    };
    if let Some(mark) = &node.virtual_mark {
        pairs(&mut rows, "", [("virtual", Cell::new(Role::Warn, format!("not backed by a machine: {mark}")))]);
    }
    for condition in node.troubles() {
        let text = format!("{}={} {}", condition.kind, condition.status, condition.reason);
        pairs(&mut rows, "", [("condition", Cell::new(Role::Fail, text))]);
    }
    for gap in SOURCES.iter().filter_map(|source| snapshot.gap(source)) {
        pairs(&mut rows, "", [("unread", Cell::new(Role::Fail, gap))]);
    }
    pairs(&mut rows, "", [("roles", roles)]);
    if let (Some(closed), Some((_, all)), None) = (node.closed(), node.free(), &node.virtual_mark) {
        pairs(&mut rows, "", [("free", Cell::new(Role::Warn, format!("0 of {all}: {closed}")))]);
    }
    if gpus.has_any() || !gpus.resources.is_empty() {
        pairs(&mut rows, "", [("GPU", product(gpus))]);
        fact(&mut rows, "model", &gpus.model, &mut before);
        fact(&mut rows, "GPUs", &gpus.count, &mut before);
        let division = gpus.division();
        if !division.is_empty() {
            let strategy = gpus.mig.as_ref().map(|mig| format!("  strategy {}", mig.strategy)).unwrap_or_default();
            pairs(&mut rows, "", [("sharing", Cell::text(division).and(Role::Muted, strategy))]);
        }
        for resource in &gpus.resources {
            let allocatable = resource.allocatable.map_or_else(|| "?".to_owned(), |count| count.to_string());
            let text = match node.virtual_mark {
                Some(_) => format!("quota of {}, {}; no devices", resource.capacity, held(&resource.held)),
                None => format!("{} offered, {allocatable} allocatable, {}", resource.capacity, held(&resource.held)),
            };
            rows.push(Row::new(
                &*resource.name,
                vec![Cell::new(Role::Muted, format!("{}  ", resource.name)).and(Role::Text, &text)],
            ));
        }
        for pool in &gpus.pools {
            let text = format!("{} devices, {} by claims", pool.devices, held(&pool.held));
            rows.push(Row::new(
                &*pool.driver,
                vec![Cell::new(Role::Muted, format!("{}  ", pool.driver)).and(Role::Text, &text)],
            ));
        }
        let memory = gpus.memory_mib.clone().map(|memory| format!("{memory} MiB each"));
        fact(&mut rows, "driver", &gpus.driver, &mut before);
        fact(&mut rows, "CUDA", &gpus.cuda, &mut before);
        fact(&mut rows, "memory", &memory, &mut before);
        fact(&mut rows, "vendor", &gpus.vendor, &mut before);
        if gpus.fabric.is_known() {
            fact(&mut rows, "fabric", &gpus.fabric, &mut before);
        }
    } else {
        // Zero only where something counted: else it is not known, and why.
        fact(&mut rows, "GPUs", &gpus.count, &mut before);
    }
    let facts = [
        ("service", &node.service),
        ("cloud", &node.cloud),
        ("machine", &node.instance_type),
        ("region", &node.region),
        ("zone", &node.zone),
        ("OS", &node.os.image),
        ("OS id", &node.os.id),
        ("OS version", &node.os.version),
        ("kernel", &node.kernel),
        ("kubelet", &node.kubelet),
        ("runtime", &node.runtime),
        ("arch", &node.architecture),
        ("provider", &node.provider_id),
        ("machine id", &node.machine_id),
    ];
    for (name, reading) in facts {
        fact(&mut rows, name, reading, &mut before);
    }
    for taint in &node.taints {
        pairs(&mut rows, "", [("taint", Cell::new(Role::Warn, taint.to_string()))]);
    }
    if !node.labels.is_empty() {
        pairs(&mut rows, "labels", []);
    }
    let mut labels: Vec<_> = node.labels.iter().collect();
    labels.sort_by_cached_key(|(key, _)| rank(key));
    rows.extend(labels.into_iter().map(|(key, value)| label(key, value, &mut before)));
    rows
}

/// Lines of a node besides its labels, roughly.
const FACTS: usize = 40;

/// The line of a label. Nodes of a fleet have nearly all of them in common: what reads as the next one that the panel shows
/// is that.
fn label<'r>(key: &Text, value: &str, before: &mut (impl Iterator<Item = &'r Row> + Clone)) -> Row {
    let is_name = |text: &str| text.strip_suffix('=') == Some(&**key);
    if let Some(known) = next(before, |row| row.id.named() == Some(&**key) && !row.continues)
        && let [cell] = &known.cells[..]
        && cell.both().is_some_and(|[name, shown]| is_name(name) && shown == value)
    {
        return known.clone();
    }
    Row::new(key, vec![Cell::new(Role::Muted, format!("{key}=")).and(Role::Text, value)])
}

/// Where a label is among others, which are in the order of their keys: what a vendor says of its accelerators first, and last the
/// dozens of features of processors.
fn rank(key: &str) -> u8 {
    let domain = key.split('/').next().unwrap_or_default();
    let is_of_vendor = ["nvidia.com", "amd.com", "intel.com"]
        .iter()
        .any(|vendor| domain.strip_suffix(vendor).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    match key.strip_prefix("feature.node.kubernetes.io/") {
        Some(feature) if feature.starts_with("cpu-") => 2,
        _ if is_of_vendor => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn labels_of_accelerators_come_first_and_those_of_processors_last() {
        let mut keys = [
            "feature.node.kubernetes.io/cpu-cpuid.AVX",
            "feature.node.kubernetes.io/pci-10de.present",
            "kubernetes.io/arch",
            "mynvidia.com/x",
            "nvidia.com/gpu.product",
            "resource.nvidia.com/x",
        ];
        keys.sort_by_key(|key| rank(key));
        let expected = [
            "nvidia.com/gpu.product",
            "resource.nvidia.com/x",
            "feature.node.kubernetes.io/pci-10de.present",
            "kubernetes.io/arch",
            "mynvidia.com/x",
            "feature.node.kubernetes.io/cpu-cpuid.AVX",
        ];
        assert_eq!(keys, expected);
    }
}
