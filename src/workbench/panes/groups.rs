//! Differences of two snapshots, counted by kind of measurement; selecting one narrows the list.

use super::{Need, Pane, PaneId};
use crate::{
    diff::ChangeKind,
    workbench::{
        Screen,
        app::State,
        keymap::Action,
        theme::Role,
        widgets::table::{Cell, Column, Content, Row},
    },
};
use std::collections::BTreeMap;

pub(super) static PANE: Pane = Pane {
    id: PaneId::Groups,
    screen: Screen::Compare,
    name: "groups",
    needs: &[Need::Compare],
    hints: &[Action::MoveDown, Action::Enter, Action::Noise, Action::NextPanel],
    build,
};

/// The measurement and subtype of a path; all nodes are one group.
pub(super) fn group_of(path: &str) -> String {
    if path.starts_with("node[") {
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

fn build(state: &State) -> Content {
    let compare = &state.data.compare;
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut all = [0; 3];
    let changes = compare.changes.value.as_deref().map_or(&[][..], Vec::as_slice);
    for change in changes.iter().filter(|change| compare.noise || change.noise.is_none()) {
        let place = match change.kind {
            ChangeKind::Removed => 0,
            ChangeKind::Modified | ChangeKind::Moved => 1,
            ChangeKind::Added => 2,
        };
        counts.entry(group_of(&change.path)).or_default()[place] += 1;
        all[place] += 1;
    }
    let mut rows = Vec::new();
    if compare.changes.value.is_some() {
        rows.push(row("all", "all", all));
        rows.extend(counts.into_iter().map(|(group, counts)| row(&group, &group, counts)));
    }
    Content {
        title: "groups".to_owned(),
        columns: vec![
            Column::new("MEASUREMENT", 10, 20).grows().name_like(),
            Column::new("-A", 3, 4).right(),
            Column::new("~", 3, 4).right(),
            Column::new("+B", 3, 4).right(),
        ],
        says: if rows.is_empty() { vec![(Role::Muted, "counts by measurement".to_owned())] } else { Vec::new() },
        rows,
        headers: true,
        ..Content::default()
    }
}

fn row(key: &str, name: &str, [removed, changed, added]: [usize; 3]) -> Row {
    let cell = |count: usize, role| {
        if count == 0 { Cell::new(Role::Muted, "·") } else { Cell::new(role, count.to_string()) }
    };
    Row::new(key, vec![name.into(), cell(removed, Role::Remove), cell(changed, Role::Change), cell(added, Role::Add)])
}
