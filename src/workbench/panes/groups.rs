//! Differences of two snapshots, counted by kind of measurement; selecting one narrows the list.

use super::{prelude::*, readings};
use crate::diff::{
    Change, ChangeKind, node_path,
    noise::{self, RULES, Shown as Noise},
};
use std::collections::BTreeMap;

pub static PANE: Pane = Pane {
    name: "groups",
    screen: Screen::Compare,
    place: Place::NONE.short(column(0, 36)).four(column(0, 36)).all(column(0, 44)),
    needs: &[Need::Compare],
    hints: &[Action::MoveDown, Action::Enter, Action::Noise, Action::NextPanel],
    build,
    count: |view| {
        let (_, drift) = view.model.compare.changes.answer()?;
        let shown = drift.changes.iter().filter(|change| view.model.compare.noise.shows(change));
        let groups: std::collections::BTreeSet<String> = shown.map(|change| group_of(&change.path)).collect();
        (!groups.is_empty()).then(|| groups.len().to_string())
    },
    on: |view, action| match (action, view.selected(&PANE)) {
        (Action::Enter | Action::FoldToggle, Some(RowId::Line(NOISE, at))) => Some(Step::SwitchNoise(RULES[*at].name)),
        (Action::Enter, _) => Some(Step::Focus(&readings::PANE)),
        _ => None,
    },
    ..Pane::BASE
};

/// The measurement and subtype of a path; all nodes are one group.
pub(super) fn group_of(path: &str) -> String {
    if node_path::parse(path).is_some() {
        return "nodes".to_owned();
    }
    let mut parts = path.splitn(3, '.');
    match (parts.next(), parts.next()) {
        (Some(kind), Some(subtype)) => {
            let subtype = subtype.split('[').next().unwrap_or(subtype);
            format!("{kind}.{subtype}")
        }
        (Some(kind), None) => kind.to_owned(),
        _ => String::new(),
    }
}

/// The section of rules on noise.
const NOISE: &str = "noise";

/// Rules on noise that have something to hide, and whether they do; Enter switches one.
fn noise_rows(changes: &[Change], noise: &Noise, columns: usize) -> Vec<Row> {
    let explained = noise::hidden(changes, &Noise::default());
    let mut rows = Vec::new();
    for (rule, count) in explained {
        let at = RULES.iter().position(|known| known.name == rule.name).unwrap_or(0);
        let state = if noise.holds(rule) { "hidden" } else { "shown" };
        let mut cells = vec![Cell::default(); columns + 1];
        cells[0] = Cell::new(Role::Muted, format!("{state}: {}", rule.name));
        cells[2] = Cell::new(Role::Muted, text::thousands(count));
        rows.push(Row::new(RowId::Line(NOISE, at), cells));
    }
    rows
}

/// The row that narrows nothing.
const ALL: &str = "all";

fn build(view: &View<'_>) -> Content {
    let compare = &view.model.compare;
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    let mut all = Counts::default();
    let drift = compare.changes.value.as_deref();
    let changes = drift.map_or(&[][..], |drift| &drift.changes);
    for change in changes.iter().filter(|change| compare.noise.shows(change)) {
        let place = match change.kind {
            ChangeKind::Removed => 0,
            ChangeKind::Modified | ChangeKind::Moved => 1,
            ChangeKind::Added => 2,
        };
        counts.entry(group_of(&change.path)).or_default()[place] += 1;
        all[place] += 1;
    }
    // The third one is compared with A as well.
    let third = drift.and_then(|drift| drift.third.as_deref());
    for change in third.unwrap_or_default().iter().filter(|change| compare.noise.shows(change)) {
        counts.entry(group_of(&change.path)).or_default()[C] += 1;
        all[C] += 1;
    }
    let columns = if third.is_some() { C + 1 } else { C };
    let mut rows = Vec::new();
    if drift.is_some() {
        rows.push(row(RowId::Line(ALL, 0), ALL, &all[..columns]));
        rows.extend(counts.into_iter().map(|(group, counts)| row((&group).into(), &group, &counts[..columns])));
        rows.extend(noise_rows(changes, &compare.noise, columns));
    }
    let names = ["-A", "~", "+B", "C"];
    let first = Column::new("MEASUREMENT", 10, 20).grows().name_like();
    Content {
        title: "groups".to_owned(),
        columns: std::iter::once(first)
            .chain(names[..columns].iter().map(|name| Column::new(name, 3, 4).right()))
            .collect(),
        says: if rows.is_empty() { readings::nothing(view).into_iter().take(1).collect() } else { Vec::new() },
        rows,
        headers: true,
        ..Content::default()
    }
}

/// What is only in A, what differs, what is only in B; then what C says otherwise than A.
type Counts = [usize; 4];
const C: usize = 3;

fn row(id: RowId, name: &str, counts: &[usize]) -> Row {
    let roles = [Role::Remove, Role::Change, Role::Add, Role::Change];
    let cell = |(count, role): (&usize, Role)| match count {
        0 => Cell::new(Role::Muted, "·"),
        count => Cell::new(role, count.to_string()),
    };
    Row::new(id, std::iter::once(name.into()).chain(counts.iter().zip(roles).map(cell)).collect())
}
