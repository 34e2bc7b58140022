//! What panels wait for, and for how long.
//!
//! In: the model and a panel. Out: words for its title. What takes no time worth a word is not mentioned.

use super::{
    Screen,
    model::Model,
    panes::{Need, Pane},
};
use crate::text;

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
