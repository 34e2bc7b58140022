//! What the cluster is as a whole, which nodes say otherwise, what a recipe for it leaves out, and what could not be read.

use super::{no_cluster, prelude::*};
use crate::{
    constraint::Verdict,
    criteria::Dimension as Asked,
    fingerprint::{self, Dimension, Fingerprint},
    text::listed,
    workbench::model::Rule,
};

pub static PANE: Pane = Pane {
    name: "identity",
    screen: Screen::Cluster,
    place: Place::NONE.four(strip(8)).all(strip(10)),
    needs: &[Need::Cluster, Need::Recipe],
    hints: &[Action::MoveDown, Action::Filter, Action::Copy, Action::NextPanel],
    build,
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let cluster = &view.model.cluster;
    let Some(snapshot) = &cluster.snapshot else {
        return Content { says: no_cluster(view), ..prose("identity", Vec::new()) };
    };
    let gaps = cluster.gaps();
    let mut rows = Vec::new();
    // What could not be read first: all else is only as good as that.
    for source in &snapshot.sources {
        let (Some(brief), Some(reason)) = (source.state.brief(), source.state.reason()) else { continue };
        let answer = reason.split_once(": ").map_or("", |(_, answer)| answer);
        let cell = Cell::new(Role::Fail, brief).and(Role::Muted, format!("  {answer}"));
        pairs(&mut rows, "", [(source.name.as_str(), cell)]);
    }
    let stated = view.model.stated.as_ref();
    // What a person stated stands, whatever the nodes say.
    let is_open = |asked: Asked| stated.is_none_or(|stated| stated.get(asked).is_none());
    for (_, line) in cluster.fingerprint.drops().into_iter().filter(|(asked, _)| is_open(*asked)) {
        pairs(&mut rows, "", [("! recipe", Cell::new(Role::Warn, line))]);
    }
    if let Some(resolution) = view.model.recipe.value.as_ref().filter(|_| !view.model.recipe.is_stale()) {
        for contradiction in cluster.fingerprint.contradictions(&resolution.recipe.criteria) {
            pairs(&mut rows, "", [("! recipe", Cell::new(Role::Warn, contradiction.to_string()))]);
        }
    }
    rules(&mut rows, view);
    dimensions(&mut rows, &cluster.fingerprint, is_open);
    let note = match gaps.len() {
        0 => String::new(),
        several => format!("{} not read", text::count(several, "source")),
    };
    Content { note, ..prose(format!("identity of {}", cluster.name), rows) }
}

/// Constraints that do not hold on every node, and overlays that the recipe goes without because of them.
fn rules(rows: &mut Vec<Row>, view: &View<'_>) {
    for Rule { name, expected, verdict, layer, set_by, is_warning, remediation } in &view.model.rules {
        let fails = if *is_warning { Role::Warn } else { Role::Fail };
        let (role, nodes) = match (verdict, verdict.nodes()) {
            (Verdict::Pass { .. }, _) => continue,
            (Verdict::Fail { .. }, Some(spread)) => (fails, spread.words()),
            (Verdict::Fail { actual, .. }, None) => (fails, format!("found {actual}")),
            (Verdict::Unknown { .. }, Some(spread)) => (Role::Muted, spread.words()),
            (Verdict::Unknown { reason, .. }, None) => (Role::Muted, reason.clone()),
        };
        let line = Cell::new(role, format!("{name} {expected}: {nodes}"));
        let without = layer.is_none().then(|| format!("  so without overlay {set_by}"));
        let line = without.into_iter().fold(line, |line, without| line.and(Role::Warn, without));
        let remedy = (!remediation.is_empty()).then(|| format!("  remedy: {remediation}"));
        let line = remedy.into_iter().fold(line, |line, remedy| line.and(Role::Text, remedy));
        pairs(rows, "", [("! rule", line)]);
    }
}

/// `is_told`: the line of the recipe names the nodes that say otherwise.
fn dimensions(rows: &mut Vec<Row>, found: &Fingerprint, is_told: impl Fn(Asked) -> bool) {
    let version = found.os_version.value.as_deref().unwrap_or_default();
    let os = found.os.value.as_ref().map(|os| format!("{os} {version}").trim_end().to_owned());
    let asked = |asked: Asked, value: Option<&String>, dimension: &Dimension<String>| {
        let cell = cell(value, dimension);
        if is_told(asked) { cell } else { dissenting(cell, dimension) }
    };
    let region = dissenting(cell(found.region.value.as_ref(), &found.region), &found.region);
    let cells = [
        ("service", asked(Asked::Service, found.service.value.as_ref(), &found.service)),
        ("accelerator", asked(Asked::Accelerator, found.accelerator.value.as_ref(), &found.accelerator)),
        ("os", asked(Asked::Os, os.as_ref(), &found.os)),
        ("Kubernetes", cell(found.k8s_version.value.as_ref(), &found.k8s_version)),
        ("region", region),
        ("nodes", cell(found.node_count.value.map(thousands).as_ref(), &found.node_count)),
        ("GPU nodes", cell(found.gpu_node_count.value.map(thousands).as_ref(), &found.gpu_node_count)),
    ];
    pairs(rows, "", cells);
}

fn thousands(count: u64) -> String {
    text::thousands(usize::try_from(count).unwrap_or(usize::MAX))
}

/// A value with where it was read, or why there is none.
fn cell<T>(value: Option<&String>, dimension: &Dimension<T>) -> Cell {
    match (value, &dimension.source, &dimension.note) {
        (Some(value), Some(source), _) => Cell::text(value).and(Role::Muted, format!("  {source}")),
        (Some(value), None, _) => Cell::text(value),
        (None, _, Some(note)) => Cell::new(Role::Muted, format!("- ({note})")),
        (None, _, None) => Cell::new(Role::Muted, "- (not reported)"),
    }
}

/// And the nodes that say otherwise: `a100 on gpu-7`.
fn dissenting(mut cell: Cell, dimension: &Dimension<String>) -> Cell {
    for (other, nodes) in &dimension.dissent {
        cell = cell.and(Role::Warn, format!("  {other} on {}", listed(nodes, fingerprint::LISTED)));
    }
    cell
}
