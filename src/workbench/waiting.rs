//! What panels wait for, and for how long.
//!
//! In: the model and a panel. Out: words for its title. What takes no time worth a word is not mentioned.

use super::{
    Screen,
    model::Model,
    panes::{CHECKS, DEPLOY, NODES, Need, Pane, SHAPES},
    widgets::bar,
};
use crate::{cluster::watch::LiveStatus, text};

/// A wait that is worth a word, and one that is worth a number.
const WORD_MS: u64 = 150;
const NUMBER_MS: u64 = 2_000;

/// `loading 3 s`, where a panel waits.
pub(super) fn words(model: &Model, pane: &Pane) -> Option<String> {
    match waits_ms(model, pane)? {
        0..WORD_MS => None,
        WORD_MS..NUMBER_MS => Some("loading".to_owned()),
        waits => Some(format!("loading {}", text::seconds(waits / 1000))),
    }
}

/// Cells of a bar in a title, and columns from which on there is room for it.
const BAR: usize = 8;
const ROOM: u16 = 56;

/// How far long work is that a panel is about, where its end is known: reading a cluster, a run, a deploy.
pub(super) fn progress(model: &Model, pane: &Pane, columns: u16) -> Option<String> {
    let cells = if columns < ROOM { 0 } else { BAR };
    if counts_kinds(pane) {
        if model.cluster.source.is_saved() {
            return None;
        }
        let LiveStatus::Syncing { done, total } = model.cluster.status else { return None };
        let took_ms = model.now_ms.saturating_sub(model.cluster.syncing_since_ms?);
        return (took_ms >= NUMBER_MS).then(|| bar::words((done, total), cells, took_ms, "kinds"));
    }
    if columns < ROOM {
        return None;
    }
    // Checks and releases take as long as each of them takes: how many are left says nothing of how long.
    let since = |started_ms: u64| model.now_ms.saturating_sub(started_ms) >= NUMBER_MS;
    let run = &model.run;
    if pane == &CHECKS && run.active && run.paused.is_none() && since(run.started_ms) && !run.checks.is_empty() {
        let done = run.checks.iter().filter(|check| check.result.is_some()).count();
        return Some(bar::words((done, run.checks.len()), cells, 0, "checks"));
    }
    if pane == &DEPLOY && model.deploy.active {
        // The title has the numbers.
        let releases = &model.deploy.progress.releases;
        let over = releases.iter().filter(|release| release.state.as_ref().is_some_and(|state| state.is_over()));
        return (!releases.is_empty()).then(|| bar::cells((over.count(), releases.len()), cells));
    }
    None
}

/// Whether a panel says in its title how far the cluster has been read.
pub(super) fn counts_kinds(pane: &Pane) -> bool {
    pane == &NODES || pane == &SHAPES
}

/// For how long a panel has been waiting for what it is made of.
pub(super) fn waits_ms(model: &Model, pane: &Pane) -> Option<u64> {
    let now_ms = model.now_ms;
    let of = |need: &Need| match need {
        // What other panels show of it is beside what they are about.
        Need::Recipe if pane.screen == Screen::Recipe => model.recipe.waits_ms(now_ms),
        Need::Bundle => model.bundle.waits_ms(now_ms),
        Need::WhatIf => {
            let what_if = model.what_if.as_ref()?;
            what_if.resolution.waits_ms(now_ms).max(what_if.changes.waits_ms(now_ms))
        }
        Need::Diff => model.diff.other.waits_ms(now_ms).max(model.diff.changes.waits_ms(now_ms)),
        Need::Upgrade => model.upgrade.report.waits_ms(now_ms),
        Need::Runs => model.records.list.waits_ms(now_ms),
        Need::Deploy => model.deploy.plan.waits_ms(now_ms),
        Need::Compare => model.compare.changes.waits_ms(now_ms),
        Need::Time => model.time.moments.waits_ms(now_ms).filter(|_| model.time.open),
        _ => None,
    };
    pane.needs.iter().filter_map(of).max()
}

/// Notes what goes on at the time that it is.
pub(super) fn note(model: &mut Model) {
    let now_ms = model.now_ms;
    let Model { recipe, bundle, what_if, diff, upgrade, records, deploy, compare, time, .. } = model;
    recipe.note(now_ms);
    bundle.note(now_ms);
    if let Some(what_if) = what_if {
        what_if.resolution.note(now_ms);
        what_if.changes.note(now_ms);
    }
    diff.other.note(now_ms);
    diff.changes.note(now_ms);
    upgrade.report.note(now_ms);
    records.list.note(now_ms);
    deploy.plan.note(now_ms);
    compare.changes.note(now_ms);
    time.moments.note(now_ms);
}
