//! The panels: one file each, listed in [`ALL`] in the order in which Tab visits them.
//!
//! A pane is a function from the state to [`Content`]; what it reads is listed in `needs`, so that it is built again only
//! when that changed. Moving, folding, filtering and painting are the table's work.

mod cause;
mod changes;
mod check;
mod checks;
mod components;
mod constraints;
mod groups;
mod ladder;
mod log;
mod node;
mod nodes;
mod reading;
mod readings;
mod recipe_components;
mod shapes;
mod sides;
mod stack;
mod values;
mod what_if;

use super::{
    Screen,
    app::State,
    keymap::Action,
    theme::Role,
    widgets::{
        table::{Cell, Column, Content, Row},
        text,
    },
};
use crate::{cluster::watch::LiveStatus, ops::Failure};

pub use changes::shown_value;
pub use checks::{check_of, plan_lines};
pub use values::{path_of, traced_at};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaneId {
    Shapes,
    Nodes,
    Node,
    Components,
    Constraints,
    Stack,
    RecipeComponents,
    Values,
    Ladder,
    WhatIf,
    Changes,
    Sides,
    Cause,
    Checks,
    Check,
    Log,
    Groups,
    Readings,
    Reading,
}

/// What a pane reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Cluster,
    Recipe,
    WhatIf,
    Diff,
    Run,
    Compare,
    /// The row under the cursor of another pane.
    Cursor(PaneId),
    /// Its own width or a switch such as blame or timestamps.
    Look,
}

/// One panel.
pub struct Pane {
    pub id: PaneId,
    pub screen: Screen,
    /// In palette and help.
    pub name: &'static str,
    pub needs: &'static [Need],
    /// For the hint line, ordered by use.
    pub hints: &'static [Action],
    pub build: fn(&State) -> Content,
}

/// Every pane, by screen; the first of a screen has the focus at first.
pub static ALL: [&Pane; 19] = [
    &nodes::PANE,
    &node::PANE,
    &shapes::PANE,
    &components::PANE,
    &constraints::PANE,
    &values::PANE,
    &ladder::PANE,
    &stack::PANE,
    &recipe_components::PANE,
    &what_if::PANE,
    &changes::PANE,
    &cause::PANE,
    &sides::PANE,
    &checks::PANE,
    &log::PANE,
    &check::PANE,
    &readings::PANE,
    &reading::PANE,
    &groups::PANE,
];

impl PaneId {
    pub const COUNT: usize = 19;

    pub fn index(self) -> usize {
        self as usize
    }

    pub fn pane(self) -> &'static Pane {
        // Every id has its pane; a test walks them.
        ALL.iter().find(|pane| pane.id == self).unwrap_or(&ALL[0])
    }
}

/// The panes of a screen, in Tab order.
pub fn of_screen(screen: Screen) -> Vec<PaneId> {
    ALL.iter().filter(|pane| pane.screen == screen).map(|pane| pane.id).collect()
}

/// Lines of a detail panel: `name  value`, values aligned.
fn pairs(rows: &mut Vec<Row>, section: &str, entries: &[(&str, Cell)]) {
    if !section.is_empty() {
        if !rows.is_empty() {
            rows.push(Row::new(format!("{section} gap"), vec![Cell::default()]));
        }
        rows.push(Row::new(section, vec![Cell::new(Role::Heading, section)]));
    }
    for (name, value) in entries {
        let mut cell = Cell::new(Role::Muted, format!("{name:<12} "));
        cell.spans.extend(value.spans.iter().cloned());
        rows.push(Row::new(format!("{section}/{name}"), vec![cell]));
    }
}

/// A panel of text lines.
fn prose(title: impl Into<String>, rows: Vec<Row>) -> Content {
    Content {
        title: title.into(),
        columns: vec![Column::new("", 1, 1).grows()],
        rows,
        prose: true,
        ordered: true,
        ..Content::default()
    }
}

/// What was not measured is `-`, never 0.
fn or_dash(value: Option<impl ToString>) -> Cell {
    match value {
        Some(value) => Cell::text(value.to_string()),
        None => Cell::new(Role::Muted, "-"),
    }
}

/// What a panel of the cluster says while there is no snapshot.
fn no_cluster(state: &State) -> Vec<(Role, String)> {
    let cluster = &state.data.cluster;
    if let Some(failure) = &cluster.failure {
        return failed(failure);
    }
    match &cluster.status {
        LiveStatus::Connecting => vec![(Role::Run, "connecting …".to_owned())],
        LiveStatus::Syncing { done, total } => vec![(Role::Run, format!("syncing, {done} of {total} sources read"))],
        LiveStatus::Fresh => vec![(Role::Muted, "empty: the cluster has nothing of this".to_owned())],
        LiveStatus::Reconnecting { attempt, next_seconds, error } => vec![
            (Role::Warn, format!("reconnecting, attempt {attempt}, next in {next_seconds} s")),
            (Role::Muted, text::clean(&error.found).into_owned()),
        ],
        LiveStatus::Failed { error } => failed(&Failure::from(error.clone())),
    }
}

/// A failure in a panel: what failed, why, what to do, where more is.
fn failed(failure: &Failure) -> Vec<(Role, String)> {
    let word = if failure.kind == crate::ops::Kind::Forbidden { "forbidden" } else { "failed" };
    let mut lines = vec![
        (Role::Fail, format!("✗ {word} to {}", text::clean(&failure.doing))),
        (Role::Text, text::clean(&failure.because).into_owned()),
    ];
    if let Some(hint) = &failure.hint {
        lines.push((Role::Muted, text::clean(hint).into_owned()));
    }
    lines.push((Role::Muted, "R tries again, D shows everything".to_owned()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pane_is_listed_once_and_has_hints() {
        let mut ids: Vec<PaneId> = ALL.iter().map(|pane| pane.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), PaneId::COUNT);
        for pane in ALL {
            assert_eq!(pane.id.pane().name, pane.name);
            assert!(!pane.hints.is_empty() && pane.hints.len() <= 6, "{}", pane.name);
        }
    }
}
