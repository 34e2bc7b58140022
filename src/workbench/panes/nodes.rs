//! Nodes of the shown cluster, one row each.

use super::{no_cluster, node, prelude::*, shapes};
use crate::inventory::{
    Node,
    accelerator::Accelerators,
    shape::{Attribute, Key},
    tally::Tally,
};

pub static PANE: Pane = Pane {
    name: "nodes",
    screen: Screen::Cluster,
    place: Place::NONE.short(column(1, 0)).four(column(1, 0)).all(column(1, 0)),
    jump: Some(Action::GoNode),
    needs: &[Need::Cluster, Need::Recipe, Need::Cursor(&shapes::PANE)],
    live: Live::Cluster,
    hints: &[Action::MoveDown, Action::Enter, Action::Filter, Action::Sort, Action::CompareWith, Action::Copy],
    build,
    on: |view, action| match action {
        Action::Enter => Some(Step::Focus(&node::PANE)),
        Action::Copy => Some(Step::Copy(view.selected(&PANE)?.name().to_owned())),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let cluster = &view.model.cluster;
    let listed = cluster.listed();
    // A column in which nothing is would only take room from the others.
    let shares = match cluster.drilled() {
        Some((key, _)) => !key.value(Attribute::Division).is_empty(),
        None => cluster.fleet.shapes.iter().any(|shape| !shape.value(Attribute::Division).is_empty()),
    };
    let columns = columns(shares);
    let (rows, changed) = view.rows_of(&columns, listed, |node| row(node, shares));
    let (title, note) = match cluster.drilled() {
        None => {
            let title = format!("nodes {}", counted(view, listed.len()));
            let note = with_edition(view, &title, note(&cluster.fleet.tally));
            (title, note)
        }
        Some((key, shape)) => {
            let all = text::thousands(cluster.nodes().len());
            let tally = shape.map(|shape| shape.tally).unwrap_or_default();
            let differs = shape.map(|shape| shapes::differs(shape, false)).filter(|differs| !differs.is_empty());
            let shape = [shape_words(key)].into_iter().chain(differs).collect::<Vec<_>>().join(", ");
            let back = view.keys.key(Action::Back);
            let title = format!("nodes {} of {all}: {shape}", text::thousands(listed.len()));
            (title, [readiness(&tally), vec![format!("{back} lists all")]].concat().join(", "))
        }
    };
    let says = match (listed.is_empty(), cluster.drilled()) {
        (true, Some(_)) => {
            let back = view.keys.key(Action::Back);
            Blank::Empty.says(format!("no node is like this any more; {back} lists all"))
        }
        (true, None) => [no_cluster(view), other_ways(view)].concat(),
        (false, _) => Vec::new(),
    };
    Content { title, note, columns, rows, changed, says, headers: true, ..Content::default() }
}

/// What there is to look at without the cluster.
fn other_ways(view: &View<'_>) -> Vec<(Role, String)> {
    let cluster = &view.model.cluster;
    if cluster.failure.is_none() || cluster.snapshot.is_some() {
        return Vec::new();
    }
    let line = |word: &str, does: &str| (Role::Muted, format!("{word:<12}  {does}"));
    vec![
        (Role::Text, String::new()),
        (Role::Text, "without this cluster:".to_owned()),
        line(&view.keys.command("open FILE"), "a saved snapshot"),
        line(&view.keys.command("context"), "the cluster of another context"),
        line("aicr --demo", "a cluster to look around in"),
    ]
}

/// A shape in few words: what is built into its nodes.
fn shape_words(key: &Key) -> String {
    match key.value(Attribute::Accelerator) {
        "" => "accelerators unknown".to_owned(),
        "none" => "no accelerators".to_owned(),
        accelerator => product(accelerator),
    }
}

fn columns(shares: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::new("NAME", 14, 30).grows().host_like(),
        Column::new("STATE", 5, 9),
        Column::new("GPU", 17, 30).name_like().priority(1),
        Column::new("FREE", 7, 11).right().priority(2),
        Column::new("DRIVER", 10, 11).priority(4),
        Column::new("KUBELET", 12, 20).priority(5),
        Column::new("OS", 13, 26).priority(6),
        Column::new("KERNEL", 13, 24).name_like().priority(7),
        Column::new("ARCH", 5, 6).wide().priority(8),
        Column::new("RUNTIME", 8, 26).wide().priority(9),
    ];
    if shares {
        columns.insert(3, Column::new("SHARING", 10, 26).name_like().priority(3));
    }
    columns
}

/// With whose facts the cluster is compared, where there is room for all of it.
fn with_edition(view: &View<'_>, title: &str, note: String) -> String {
    let edition = view.model.catalog.value.as_ref().and_then(|catalog| catalog.edition.as_ref());
    let Some(edition) = edition.filter(|_| view.width >= 70) else { return note };
    let edition = format!("catalog {} of {}", edition.release, edition.date);
    let whole = if note.is_empty() { edition } else { format!("{note}; {edition}") };
    // Where nodes are left out, the place of the cursor is worth more.
    let place = if view.model.cluster.listed().len() >= view.height { PLACE } else { 0 };
    if text::width(title) + text::width(&whole) + BORDER + place <= view.width { whole } else { note }
}

/// Columns of a border that neither the title nor the note has.
pub(super) const BORDER: usize = 5;
/// Columns of a place among thousands of rows, with the gap before it.
const PLACE: usize = 13;

/// What a person wants to know of all nodes: how many accelerators there are, and how many nodes are in trouble.
fn note(tally: &Tally) -> String {
    if tally.nodes == 0 {
        return String::new();
    }
    let mut parts = readiness(tally);
    // None were found only where something looked on every node.
    if tally.accelerators > 0 || tally.counted == tally.nodes {
        parts.push(text::count(number(tally.accelerators), "GPU"));
    }
    if tally.uncounted > 0 {
        parts.push(format!("uncounted on {}", text::count(number(tally.uncounted), "node")));
    }
    match tally.unseen {
        0 => {}
        unseen if unseen == tally.nodes => parts.push("GPUs unknown".to_owned()),
        unseen => parts.push(format!("unknown on {}", text::count(number(unseen), "node"))),
    }
    parts.join(", ")
}

fn row(node: &Node, shares: bool) -> Row {
    let (state, marker, matters) = match (node.ready.get(), node.schedulable.get()) {
        (Some(false), _) => (Cell::new(Role::Fail, "NOTREADY"), Some((Role::Fail, "✗")), true),
        (_, Some(false)) => (Cell::new(Role::Warn, "cordoned"), Some((Role::Warn, "!")), true),
        (Some(true), _) => (Cell::new(Role::Ok, "ready"), None, false),
        (None, _) => (Cell::new(Role::Muted, "-"), None, false),
    };
    let gpus = &node.accelerators;
    let free = match node.free() {
        // Nothing is free there: no device is behind what may be asked for.
        Some(_) if node.virtual_mark.is_some() => Cell::new(Role::Muted, "-"),
        Some((Some(0), all)) if node.closed().is_some() => Cell::new(Role::Muted, format!("0/{all}")),
        Some((Some(free), all)) => Cell::text(format!("{free}/{all}")),
        Some((None, all)) => Cell::text(format!("?/{all}")),
        None => Cell::new(Role::Muted, "-"),
    };
    let quota = node.free().filter(|_| node.virtual_mark.is_some());
    let gpu = quota.map_or_else(|| products(gpus), |(_, all)| Cell::new(Role::Muted, format!("quota of {all}")));
    let mut cells = vec![(&*node.name).into(), state, gpu];
    if shares {
        let division = gpus.division();
        cells.push(or_dash((!division.is_empty()).then(|| division.replace(" x ", "x "))));
    }
    cells.extend([
        free,
        or_dash(gpus.driver.text()),
        or_dash(node.kubelet.text()),
        or_dash(node.os.image.text()),
        or_dash(node.kernel.text()),
        or_dash(node.architecture.text()),
        or_dash(node.runtime.text()),
    ]);
    Row { marker, matters, ..Row::new(&node.name, cells) }
}

/// What is built in; `none` where something looked and found none, which is more than nothing known.
pub(super) fn products(gpus: &Accelerators) -> Cell {
    match gpus.present.get() {
        Some(false) => Cell::new(Role::Muted, "none"),
        _ => or_dash(gpus.words().as_deref().map(product)),
    }
}

/// A product in few columns, without the maker's name, which most have: `8x H100-80GB-HBM3`.
fn product(name: &str) -> String {
    name.replacen("NVIDIA-", "", 1).replacen("NVIDIA ", "", 1).replacen(" x ", "x ", 1)
}
