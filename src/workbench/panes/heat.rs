//! The whole fleet at once: one cell for each node, by shape; what differs comes first, then what is in trouble.

use super::{no_cluster, nodes, prelude::*, shapes};
use crate::inventory::{shape::Shape, tally::Tally};

pub static PANE: Pane = Pane {
    name: "fleet",
    screen: Screen::Cluster,
    place: Place::NONE.four(strip(8)).all(strip(14)),
    // A few nodes are seen at once as they are listed.
    presence: |model, _| match model.cluster.nodes().len() < FEWEST || model.time.open {
        true => Presence::Hidden,
        false => Presence::Shown,
    },
    needs: &[Need::Cluster, Need::Look],
    hints: &[Action::MoveDown, Action::NextThing, Action::Enter, Action::NextPanel],
    build,
    on: |view, action| match (action, view.selected(&PANE)?) {
        (Action::Enter, RowId::Shape(key)) => Some(Step::Drill(key.clone())),
        (Action::Enter, RowId::Piece(at, _)) => Some(Step::Drill(ordered(view)[*at].key.clone())),
        _ => None,
    },
    ..Pane::BASE
};

/// Nodes from which on they are drawn as cells.
const FEWEST: usize = 24;
/// Columns of what a shape is called, where its nodes take the others.
const NAME: usize = 30;
/// Columns of the marks, the gap and the space at the end.
const EDGES: usize = 6;

/// Shapes as they are drawn: those that differ, then those in trouble, then the large ones. A few nodes that differ would
/// be below thousands of cells of a shape of which one is not ready.
fn ordered<'v>(view: &View<'v>) -> Vec<&'v Shape> {
    let mut shapes: Vec<&Shape> = view.model.cluster.fleet.shapes.iter().collect();
    shapes.sort_by_key(|shape| (!shape.outlier, shape.tally.not_ready == 0, std::cmp::Reverse(shape.nodes.len())));
    shapes
}

fn build(view: &View<'_>) -> Content {
    let cluster = &view.model.cluster;
    let shapes = ordered(view);
    let names = |short| shapes.iter().map(|shape| name(shape, short)).collect::<Vec<Cell>>();
    let widest = |names: &[Cell]| names.iter().map(Cell::width).max().unwrap_or(0);
    // In full where one line for each shape has the room.
    let most = shapes.iter().map(|shape| shape.nodes.len()).max().unwrap_or(0);
    let full = names(false);
    let names = if widest(&full).max(NAME) + most + EDGES <= view.width { full } else { names(true) };
    let name_columns = widest(&names).min(view.width.saturating_sub(most + EDGES).max(NAME));
    let cells = view.width.saturating_sub(name_columns + EDGES).max(8);
    let mut rows = Vec::new();
    for (at, (shape, name)) in shapes.iter().copied().zip(names).enumerate() {
        let trouble = shape.tally.not_ready > 0;
        for (line, strip) in strips(shape, cells).into_iter().enumerate() {
            let (id, name) = match line {
                0 => (RowId::Shape(shape.key.clone()), name.clone()),
                _ => (RowId::Piece(at, line), Cell::default()),
            };
            let marker = match (line, trouble, shape.outlier) {
                (0, true, _) => Some((Role::Fail, "✗")),
                (0, false, true) => Some((Role::Warn, "!")),
                _ => None,
            };
            rows.push(Row { marker, matters: marker.is_some(), ..Row::new(id, vec![name, strip]) });
        }
    }
    let mut note = readiness(&cluster.fleet.tally);
    let outliers: usize =
        cluster.fleet.shapes.iter().filter(|shape| shape.outlier).map(|shape| shape.nodes.len()).sum();
    note.extend((outliers > 0).then(|| format!("{} differ", text::thousands(outliers))));
    note.extend(legend(&cluster.fleet.shapes));
    Content {
        title: format!("fleet {}", text::thousands(cluster.nodes().len())),
        note: note.join(", "),
        columns: vec![
            Column::new("", 16, u16::try_from(name_columns).unwrap_or(30)).name_like(),
            Column::new("", 8, 8).grows(),
        ],
        says: if rows.is_empty() { no_cluster(view) } else { Vec::new() },
        rows,
        ordered: true,
        ..Content::default()
    }
}

/// What the glyphs stand for that there are: `█ ready ✗ NOTREADY`.
fn legend(shapes: &[Shape]) -> Option<String> {
    let shown = |glyph| shapes.iter().any(|shape| states(shape).any(|(_, known, _)| known == glyph));
    let all = [("█", "ready"), ("▌", "differs"), ("!", "cordoned"), ("✗", "NOTREADY"), ("◌", "unknown")];
    let said = all.iter().filter(|(glyph, _)| shown(*glyph)).map(|(glyph, word)| format!("{glyph} {word}"));
    Some(said.collect::<Vec<_>>().join(" ")).filter(|said| !said.is_empty())
}

/// How many, and what they are: `4,500 8x H100-80GB-HBM3`.
fn name(shape: &Shape, short: bool) -> Cell {
    let count = Cell::text(text::thousands(shape.nodes.len()));
    let differs = shapes::differs(shape, short);
    let what = nodes::products(&shape.nodes[0].accelerators);
    match shape.like.is_some() && !differs.is_empty() {
        true => count.and(Role::Warn, format!(" {differs}")),
        false => count.and(Role::Muted, " ").with(&what),
    }
}

/// How many nodes of a shape are in each state that there is, the worst first, with its glyph.
///
/// From the sums of the shape: a panel that looked at each of thousands of nodes would do so for every change of one.
fn states(shape: &Shape) -> impl Iterator<Item = (Role, &'static str, u64)> {
    let Tally { nodes, not_ready, readiness_unknown, cordoned_ready, .. } = shape.tally;
    let ready = nodes - not_ready - readiness_unknown - cordoned_ready;
    let good = if shape.outlier { (Role::Warn, "▌", ready) } else { (Role::Ok, "█", ready) };
    let all =
        [(Role::Fail, "✗", not_ready), (Role::Muted, "◌", readiness_unknown), (Role::Warn, "!", cordoned_ready), good];
    all.into_iter().filter(|(.., count)| *count > 0)
}

/// The cells of a shape, in lines of so many.
fn strips(shape: &Shape, columns: usize) -> Vec<Cell> {
    let mut strips = Vec::new();
    let (mut strip, mut room) = (Cell::default(), columns);
    for (role, glyph, count) in states(shape) {
        let mut left = number(count);
        while left > 0 {
            let some = left.min(room);
            strip = strip.and(role, glyph.repeat(some));
            (left, room) = (left - some, room - some);
            if room == 0 {
                strips.push(std::mem::take(&mut strip));
                room = columns;
            }
        }
    }
    if room < columns {
        strips.push(strip);
    }
    strips
}
