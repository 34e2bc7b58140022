//! One node in full: facts, taints, labels.

use super::{nodes, prelude::*};
use crate::inventory::{Fact, Node, Text};

pub static PANE: Pane = Pane {
    name: "node",
    screen: Screen::Cluster,
    place: Place::NONE
        .detail(8)
        .short(column(1, 0).row(1).part(1, 2))
        .four(column(1, 0).row(1).part(11, 20))
        .all(column(2, 64)),
    needs: &[Need::Cluster, Need::Cursor(&nodes::PANE)],
    hints: &[Action::MoveDown, Action::Filter, Action::Copy, Action::ZoomFull],
    build,
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let selected = view.selected(&nodes::PANE).and_then(RowId::named);
    let node = selected.and_then(|name| view.model.cluster.snapshot.as_ref()?.node(name));
    match node {
        Some(node) => Content {
            note: format!("{} labels", node.labels.len()),
            ..prose(format!("node {}", node.name), rows(node))
        },
        None => Content {
            says: vec![(Role::Muted, "the selected node is shown here".to_owned())],
            ..prose("node", Vec::new())
        },
    }
}

/// A fact in words: the value, or why it is not known.
fn fact(fact: &Fact<Text>) -> Cell {
    match fact {
        Fact::Known(reading) => Cell::text(&*reading.value),
        Fact::Unknown(unknown) => Cell::new(Role::Muted, format!("- ({unknown})")),
    }
}

/// A fact with the object and field that said it.
fn sourced<T: ToString>(fact: &Fact<T>) -> Cell {
    match fact {
        Fact::Known(reading) => Cell::text(reading.value.to_string()).and(Role::Muted, format!("  {}", reading.source)),
        Fact::Unknown(unknown) => Cell::new(Role::Muted, format!("- ({unknown})")),
    }
}

fn rows(node: &Node) -> Vec<Row> {
    let mut rows = Vec::new();
    let gpus = &node.accelerators;
    let roles = if node.roles.is_empty() {
        Cell::new(Role::Muted, "-")
    } else {
        Cell::text(node.roles.iter().map(|role| &**role).collect::<Vec<_>>().join(", "))
    };
    if let Some(mark) = &node.virtual_mark {
        pairs(&mut rows, "", &[("virtual", Cell::new(Role::Warn, format!("not backed by a machine: {mark}")))]);
    }
    for condition in node.troubles() {
        let text = format!("{}={} {}", condition.kind, condition.status, condition.reason);
        pairs(&mut rows, "", &[("condition", Cell::new(Role::Fail, text))]);
    }
    pairs(&mut rows, "", &[("roles", roles)]);
    if gpus.has_any() || !gpus.resources.is_empty() {
        pairs(
            &mut rows,
            "",
            &[("GPU", sourced(&gpus.product)), ("model", sourced(&gpus.model)), ("GPUs", sourced(&gpus.count))],
        );
        let division = gpus.division();
        if !division.is_empty() {
            pairs(&mut rows, "", &[("sharing", Cell::text(division))]);
        }
        for resource in &gpus.resources {
            let count = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
            let text = format!(
                "{} offered, {} allocatable, {} held",
                resource.capacity,
                count(resource.allocatable),
                count(resource.held.get())
            );
            rows.push(Row::new(
                &*resource.name,
                vec![Cell::new(Role::Muted, format!("{}  ", resource.name)).and(Role::Text, &text)],
            ));
        }
        for pool in &gpus.pools {
            let held = pool.held.get().map_or_else(|| "?".to_owned(), |held| held.to_string());
            let text = format!("{} devices, {held} allocated to claims", pool.devices);
            rows.push(Row::new(
                &*pool.driver,
                vec![Cell::new(Role::Muted, format!("{}  ", pool.driver)).and(Role::Text, &text)],
            ));
        }
        pairs(&mut rows, "", &[("driver", fact(&gpus.driver)), ("CUDA", fact(&gpus.cuda))]);
        if let Some(memory) = gpus.memory_mib.get() {
            pairs(&mut rows, "", &[("memory", Cell::text(format!("{memory} MiB each")))]);
        }
        if gpus.fabric.is_known() {
            pairs(&mut rows, "", &[("fabric", fact(&gpus.fabric))]);
        }
    } else {
        // Zero only where something counted: else it is not known, and why.
        pairs(&mut rows, "", &[("GPUs", sourced(&gpus.count))]);
    }
    pairs(
        &mut rows,
        "",
        &[
            ("service", sourced(&node.service)),
            ("machine", or_dash(node.instance_type.text())),
            ("zone", or_dash(node.zone.text())),
            ("OS", or_dash(node.os.image.text())),
            ("kernel", or_dash(node.kernel.text())),
            ("kubelet", or_dash(node.kubelet.text())),
            ("runtime", or_dash(node.runtime.text())),
            ("provider", or_dash(node.provider_id.text())),
        ],
    );
    for taint in &node.taints {
        pairs(&mut rows, "", &[("taint", Cell::new(Role::Warn, taint.to_string()))]);
    }
    if !node.labels.is_empty() {
        pairs(&mut rows, "labels", &[]);
    }
    for (key, value) in node.labels.iter() {
        rows.push(Row::new(&**key, vec![Cell::new(Role::Muted, format!("{key}=")).and(Role::Text, value)]));
    }
    rows
}
