//! Nodes that are alike, as one row, by what makes them differ; outliers first.

use super::{no_cluster, nodes, prelude::*};
use crate::{
    constraint::{Spread, Verdict},
    inventory::{
        Concern,
        shape::{Attribute, Shape},
    },
    snapshot::path,
};
use std::collections::HashSet;

pub static PANE: Pane = Pane {
    name: "shapes",
    screen: Screen::Cluster,
    place: Place::NONE
        .short(column(0, 50).part(1, 2))
        .four(column(0, 54).part(1, 3).at_most(14))
        .all(column(0, 54).part(2, 5)),
    needs: &[Need::Cluster, Need::Recipe, Need::Look],
    live: Live::Recipe,
    hints: &[Action::MoveDown, Action::Enter, Action::Filter, Action::NextPanel],
    build,
    count: |view| {
        let shapes = view.model.cluster.fleet.shapes.len();
        (view.model.cluster.snapshot.is_some() && shapes > 0).then(|| text::thousands(shapes))
    },
    on: |view, action| match (action, view.selected(&PANE)?) {
        (Action::Enter, RowId::Shape(key)) => Some(Step::Drill(key.clone())),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let cluster = &view.model.cluster;
    let fleet = &cluster.fleet;
    let rules = rules(view);
    // What is the same everywhere tells shapes apart as little as an empty column; with one shape all is the same.
    let mut shown: Vec<Attribute> = fleet.differing.clone();
    let usual = [Attribute::Driver, Attribute::Os, Attribute::Kernel, Attribute::Kubelet];
    shown.extend(usual.into_iter().filter(|attribute| !fleet.differing.contains(attribute)));
    shown.retain(|attribute| *attribute != Attribute::Accelerator);
    let differ = fleet.shapes.iter().any(|shape| shape.like.is_some());
    let short = view.width < 56;
    let row = |shape: &Shape| {
        let mut cells = vec![count(shape), nodes::products(&shape.nodes[0].accelerators)];
        cells.extend(differ.then(|| Cell::new(Role::Warn, differs(shape, short))));
        cells.extend(rules.as_ref().map(|rules| verdicts(shape, rules)));
        cells.extend(shown.iter().map(|attribute| value(shape, *attribute)));
        let marker = match (shape.tally.not_ready, shape.outlier) {
            (1.., _) => Some((Role::Fail, "✗")),
            (0, true) => Some((Role::Warn, "!")),
            (0, false) => None,
        };
        Row { marker, matters: marker.is_some(), ..Row::new(RowId::Shape(shape.key.clone()), cells) }
    };
    let rows: Vec<Row> = fleet.shapes.iter().map(row).collect();
    let says = if rows.is_empty() { no_cluster(view) } else { Vec::new() };
    let mut columns = vec![
        Column::new("NODES", 9, 14).right(),
        Column::new("ACCELERATOR", 12, if view.width < 44 { 18 } else { 24 }).name_like(),
    ];
    let (min, ideal) = if short { (10, 14) } else { (24, 44) };
    columns.extend(differ.then(|| Column::new("DIFFERS", min, ideal).list_like().grows()));
    columns.extend(rules.is_some().then(|| Column::new("RULES", 7, 28).priority(1)));
    let others = shown
        .iter()
        .zip(2..)
        .map(|(attribute, rank)| Column::new(heading(*attribute), least(*attribute), 28).priority(rank));
    columns.extend(others);
    let mut note = Vec::new();
    if !rows.is_empty() {
        note.extend(readiness(&cluster.fleet.tally));
        note.push(text::count(cluster.nodes().len(), "node"));
    }
    Content {
        title: format!("shapes {}", counted(view, rows.len())),
        note: note.join(", "),
        columns,
        rows,
        says,
        headers: true,
        // How many of what: together they say which shape it is.
        frozen: 2,
        ..Content::default()
    }
}

fn count(shape: &Shape) -> Cell {
    let nodes = Cell::text(text::thousands(shape.nodes.len()));
    match shape.tally.not_ready {
        0 => nodes,
        down => nodes.and(Role::Fail, format!(" -{}", text::thousands(number(down)))),
    }
}

fn value(shape: &Shape, attribute: Attribute) -> Cell {
    let value = shape.value(attribute);
    let short = || if attribute == Attribute::Division { value.replace(" x ", "x ") } else { value.to_owned() };
    or_dash((!value.is_empty()).then(short))
}

/// In what a shape differs from the one that it resembles most: `kernel 6.5.0, no taints`; at most three, a virtual node
/// first.
///
/// `short`: ends that both values have are left out, because there is no room for them.
pub(super) fn differs(shape: &Shape, short: bool) -> String {
    // No larger shape has its accelerator, so that is what tells it from all of them.
    if shape.like.is_none() && shape.outlier {
        return match (short, shape.value(Attribute::Accelerator)) {
            (true, _) => "accelerator",
            (false, "none") => "no accelerator",
            (false, "") => "accelerator unknown",
            (false, _) => "another accelerator",
        }
        .to_owned();
    }
    let mut differs: Vec<_> = shape.differs().collect();
    differs.sort_by_key(|(attribute, ..)| *attribute != Attribute::Virtual);
    let part = |(attribute, own, other): &(Attribute, &str, &str)| match *own {
        "" if matches!(attribute, Attribute::Taints | Attribute::Division) => format!("no {}", attribute.name()),
        "" => format!("{} unknown", attribute.name()),
        own if short => format!("{} {}", attribute.name(), without_common_end(own, other)),
        own => format!("{} {own}", attribute.name()),
    };
    let more = differs.len().saturating_sub(3);
    let mut parts: Vec<String> = differs.iter().take(3).map(part).collect();
    parts.extend((more > 0).then(|| format!("{more} more")));
    parts.join(", ")
}

/// `v1.32.0…` of `v1.32.0-eks-99d6cc0` beside `v1.33.4-eks-99d6cc0`.
fn without_common_end<'t>(own: &'t str, other: &str) -> std::borrow::Cow<'t, str> {
    let ends = own.char_indices().filter(|(_, c)| "-_ +.".contains(*c)).map(|(at, _)| at);
    match ends.filter(|at| *at > 0).find(|at| other.ends_with(&own[*at..])) {
        Some(at) => format!("{}…", &own[..at]).into(),
        None => own.into(),
    }
}

/// Columns below which a value says nothing.
fn least(attribute: Attribute) -> u16 {
    match attribute {
        Attribute::Architecture | Attribute::Service => 5,
        Attribute::Driver => 10,
        Attribute::Kubelet => 9,
        _ => 13,
    }
}

fn heading(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Accelerator => "ACCELERATOR",
        Attribute::Division => "SHARING",
        Attribute::Driver => "DRIVER",
        Attribute::Os => "OS",
        Attribute::Kernel => "KERNEL",
        Attribute::Kubelet => "KUBELET",
        Attribute::Runtime => "RUNTIME",
        Attribute::Architecture => "ARCH",
        Attribute::InstanceType => "MACHINE",
        Attribute::Service => "SERVICE",
        Attribute::Taints => "TAINTS",
        Attribute::Virtual => "VIRTUAL",
    }
}

/// The recipe's rules on nodes, and how they did.
struct Rules<'v> {
    verdicts: Vec<&'v Verdict>,
    concern: Concern,
}

/// Rules on the cluster as a whole are no matter of a shape; `None` where there is no other.
fn rules<'v>(view: &View<'v>) -> Option<Rules<'v>> {
    let snapshot = view.model.cluster.snapshot.as_ref()?;
    let of_nodes = view.model.rules.iter().filter(|rule| path::is_of_node(&rule.name));
    let verdicts: Vec<&Verdict> = of_nodes.map(|rule| &rule.verdict).collect();
    (!verdicts.is_empty()).then(|| Rules { concern: snapshot.concern(), verdicts })
}

/// The worst first: `1 FAIL, 2 unknown, 3 met`; `-` where no rule concerns these nodes.
fn verdicts(shape: &Shape, rules: &Rules<'_>) -> Cell {
    let (mut failed, mut unknown, mut met) = (0, 0, 0);
    let mut concerned = shape.nodes.iter().filter(|node| rules.concern.includes(node)).peekable();
    if concerned.peek().is_some() {
        // Thousands of names, at every change of one node: only where some rule did not hold everywhere.
        let mut nodes: Option<HashSet<&str>> = None;
        let mut names = || concerned.by_ref().map(|node| &*node.name).collect();
        for verdict in &rules.verdicts {
            if verdict.holds_everywhere() {
                met += 1;
                continue;
            }
            match verdict.among(nodes.get_or_insert_with(&mut names)) {
                Spread { fails, .. } if !fails.is_empty() => failed += 1,
                Spread { holds, of, .. } if holds == of => met += 1,
                _ => unknown += 1,
            }
        }
    }
    let parts = [(failed, Role::Fail, "FAIL"), (unknown, Role::Muted, "unknown"), (met, Role::Ok, "met")];
    let mut cell = Cell::default();
    for (count, role, word) in parts.into_iter().filter(|(count, ..)| *count > 0) {
        let comma = if cell.width() == 0 { "" } else { ", " };
        cell = cell.and(role, format!("{comma}{count} {word}"));
    }
    if cell.width() == 0 { Cell::new(Role::Muted, "-") } else { cell }
}
