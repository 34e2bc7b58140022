//! The state of everything in one line of words, each part with the panel that says more.
//!
//! In: the model. Out: a few parts, the program and the cluster first. What is not known is said so and never counted.

use super::{
    keymap::Action,
    model::Model,
    panes::{self, Pane},
    theme::Role,
    widgets::text,
};
use crate::{
    constraint::Verdict,
    inventory::Inventory,
    report::words::{Tone, Word},
};

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub role: Role,
    pub text: String,
    /// Where there is little room.
    pub short: String,
    /// Where it is said in full.
    pub pane: &'static Pane,
}

/// All statements, in the order of the question "can I go on?".
pub fn parts(model: &Model) -> Vec<Part> {
    let mut parts = Vec::new();
    match &model.cluster.snapshot {
        Some(snapshot) => {
            parts.push(nodes(snapshot));
            parts.push(gpus(snapshot));
        }
        None => {
            let cluster = &model.cluster;
            let (role, said) = match (&cluster.failure, &cluster.reading) {
                (Some(_), _) => (Role::Fail, "cluster not read".to_owned()),
                (None, Some(file)) => (Role::Muted, format!("reading {}", text::clean(file))),
                (None, None) => (Role::Muted, "reading the cluster".to_owned()),
            };
            parts.push(part(role, said.clone(), said, &panes::NODES));
        }
    }
    parts.push(components(model));
    parts.push(constraints(model));
    parts.push(validation(model));
    parts
}

fn part(role: Role, text: impl Into<String>, short: impl Into<String>, pane: &'static Pane) -> Part {
    Part { role, text: text.into(), short: short.into(), pane }
}

fn nodes(snapshot: &Inventory) -> Part {
    let pane = &panes::NODES;
    if let Some(brief) = snapshot.no_nodes() {
        return part(Role::Fail, brief.clone(), brief, pane);
    }
    let all = snapshot.nodes.len();
    let down = snapshot.nodes.iter().filter(|node| node.ready.get() == Some(false)).count();
    let unknown = snapshot.nodes.iter().filter(|node| !node.ready.is_known()).count();
    let count = text::count(all, "node");
    match (all, down, unknown) {
        (0, ..) => part(Role::Warn, "no nodes", "no nodes", pane),
        (_, 0, 0) => part(Role::Ok, format!("{count} ready"), format!("{count} ready"), pane),
        (_, 0, unknown) => {
            let said = format!("readiness of {} of {count} unknown", text::thousands(unknown));
            part(Role::Muted, said, format!("{} of {count} unknown", text::thousands(unknown)), pane)
        }
        (_, down, _) => {
            let said = format!("{} of {count} not ready", text::thousands(down));
            part(Role::Fail, said.clone(), said, pane)
        }
    }
}

fn gpus(snapshot: &Inventory) -> Part {
    let pane = &panes::SHAPES;
    let (mut free, mut all, mut unknown) = (Some(0), 0, false);
    for node in &snapshot.nodes {
        match node.accelerators.free() {
            Some((here, count)) => {
                free = free.zip(here).map(|(free, here)| free + here);
                all += count;
            }
            None => {
                let has_none = node.accelerators.count.get() == Some(0) || node.virtual_mark.is_some();
                unknown |= !has_none;
            }
        }
    }
    let number = |count: u64| text::thousands(usize::try_from(count).unwrap_or(usize::MAX));
    let noun = if all == 1 { "GPU" } else { "GPUs" };
    match (free, all) {
        _ if snapshot.no_nodes().is_some() || snapshot.nodes.is_empty() => {
            part(Role::Muted, "GPUs unknown", "GPUs unknown", pane)
        }
        (_, 0) if unknown => part(Role::Muted, "GPUs unknown", "GPUs unknown", pane),
        (_, 0) => part(Role::Muted, "no GPUs", "no GPUs", pane),
        (Some(free), all) => {
            let more = if unknown { ", more unknown" } else { "" };
            let said = format!("{} of {} {noun} free{more}", number(free), number(all));
            part(Role::Text, said, format!("{}/{} {noun} free", number(free), number(all)), pane)
        }
        (None, all) => {
            let said = format!("{} {noun}, free unknown", number(all));
            part(Role::Muted, said.clone(), said, pane)
        }
    }
}

fn components(model: &Model) -> Part {
    let pane = &panes::COMPONENTS;
    let quiet = |said: &str| part(Role::Muted, said, said, pane);
    if model.recipe.is_stale() {
        return part(Role::Warn, "recipe STALE", "recipe STALE", pane);
    }
    let (resolution, snapshot) = match (&model.recipe.value, &model.cluster.snapshot) {
        (Some(resolution), Some(snapshot)) => (resolution, snapshot),
        (Some(_), None) => return quiet("components unknown"),
        (None, _) if model.recipe.failure.is_some() => {
            return part(Role::Fail, "no recipe", "no recipe", &panes::VALUES);
        }
        (None, _) => return quiet("no recipe"),
    };
    let found = panes::standing(resolution, snapshot);
    match (found.differ, found.missing, found.unknown) {
        (0, 0, 0) => part(Role::Ok, "components as in the recipe", "components match", pane),
        (0, 0, unknown) => {
            let said = format!("{} unknown", text::count(unknown, "component"));
            part(Role::Muted, said.clone(), said, pane)
        }
        (differ, missing, _) => {
            let verb = if differ == 1 { "differs" } else { "differ" };
            // A number without its noun says nothing to who sees it for the first time.
            let short = format!("{} {verb}", text::count(differ, "component"));
            let missing_ones = || format!("{} missing", text::count(missing, "component"));
            let (text, short) = match (differ, missing) {
                (_, 0) => (short.clone(), short),
                (0, _) => (missing_ones(), missing_ones()),
                (_, missing) => (format!("{short}, {missing} missing"), short),
            };
            part(Role::Change, text, short, pane)
        }
    }
}

fn constraints(model: &Model) -> Part {
    let pane = panes::with_jump(Action::GoConstraint);
    if model.recipe.value.is_none() || model.cluster.snapshot.is_none() {
        return part(Role::Muted, "constraints unknown", "constraints unknown", pane);
    }
    let of = |wanted: fn(&Verdict) -> bool| model.rules.iter().filter(|rule| wanted(&rule.verdict)).count();
    let met = of(|verdict| matches!(verdict, Verdict::Pass { .. }));
    let broken =
        model.rules.iter().filter(|rule| matches!(rule.verdict, Verdict::Fail { .. }) && !rule.is_warning).count();
    let (all, count) = (model.rules.len(), text::count(model.rules.len(), "constraint"));
    match (all, broken) {
        (0, _) => part(Role::Muted, "no constraints", "no constraints", pane),
        (all, 0) if met == all => part(Role::Ok, format!("{count} met"), format!("{count} met"), pane),
        (_, 0) => part(Role::Muted, format!("{met} of {count} met"), format!("{met} of {count} met"), pane),
        (_, broken) => part(Role::Fail, format!("{broken} of {count} FAIL"), format!("{broken} of {count} FAIL"), pane),
    }
}

fn validation(model: &Model) -> Part {
    let (run, pane) = (&model.run, panes::main_of(super::Screen::Validate));
    if run.active {
        return part(Role::Run, "» validating", "» validating", pane);
    }
    match run.verdict {
        Some(verdict) => {
            let word = Word::from(verdict);
            let role = match word.tone() {
                Tone::Good => Role::Ok,
                Tone::Bad => Role::Fail,
                Tone::Open | Tone::Quiet => Role::Warn,
            };
            let at = super::model::clock(run.last_ms);
            let at = at.get(..5).unwrap_or_default();
            part(role, format!("validated {at} UTC: {word}"), format!("{at} {word}"), pane)
        }
        None => part(Role::Muted, "not validated", "unvalidated", pane),
    }
}
