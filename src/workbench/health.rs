//! The state of everything in one line of words, each part with the panel that says more.
//!
//! In: the model. Out: a few parts, the program and the cluster first. What is not known is said so and never counted.

use super::{
    keymap::Action,
    model::Model,
    panes::{self, Pane, number},
    theme::Role,
    widgets::text,
};
use crate::{
    catalog::validator::Phase,
    constraint,
    fingerprint::Contradiction,
    inventory::{
        Inventory,
        tally::{Offer, Tally},
    },
    ops::run::record::Summary,
    report::words::{Tone, Word},
    resolve::Resolution,
    validate::event::{CheckResult, Status, Verdict},
};
use std::sync::Arc;

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub role: Role,
    pub text: String,
    /// Where there is little room.
    pub short: String,
    /// Where there is even less, and it would be left out otherwise.
    pub brief: String,
    /// Where it is said in full.
    pub pane: &'static Pane,
}

/// What a run came to, kept when another one is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Validated {
    /// The cluster that it was a run on, as the first line names it.
    pub cluster: String,
    /// Of its recipe; empty where a run says nothing of it.
    pub criteria: String,
    pub verdict: Verdict,
    /// Checks that were part of it.
    pub checks: usize,
    pub ended_ms: u64,
    /// What it and runs before it said last of each check: that it passed or failed, and when.
    pub judged: Vec<Judged>,
}

/// The last verdict of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub check: String,
    pub failed: bool,
    pub at_ms: u64,
}

/// The verdicts of a run that ended at a time. What gave none leaves those that there are.
fn judged<'r>(results: impl Iterator<Item = &'r CheckResult>, at_ms: u64) -> Vec<Judged> {
    let of = |result: &CheckResult| {
        let failed = match result.status {
            Status::Passed => false,
            Status::Failed => true,
            Status::Skipped | Status::Other => return None,
        };
        Some(Judged { check: result.name.clone(), failed, at_ms })
    };
    results.filter_map(of).collect()
}

/// Of each check the newest of several.
fn newest(mut all: Vec<Judged>) -> Vec<Judged> {
    all.sort_by(|a, b| (&a.check, b.at_ms).cmp(&(&b.check, a.at_ms)));
    all.dedup_by(|later, first| later.check == first.check);
    all
}

/// All statements, in the order of the question "can I go on?".
pub fn parts(model: &Model) -> Vec<Part> {
    let mut parts = Vec::new();
    match &model.cluster.snapshot {
        Some(snapshot) => {
            let is_so_far = model.cluster.is_so_far();
            let tally = &model.cluster.fleet.tally;
            parts.push(nodes(snapshot, tally, is_so_far));
            parts.push(if is_so_far { so_far(gpus(snapshot, tally)) } else { gpus(snapshot, tally) });
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
    let is_so_far = model.is_so_far();
    parts.push(if is_so_far { components_so_far(model) } else { components(model) });
    parts.push(if is_so_far { so_far(constraints(model)) } else { constraints(model) });
    parts.push(validation(model));
    parts
}

fn part(role: Role, text: impl Into<String>, short: impl Into<String>, pane: &'static Pane) -> Part {
    let short = short.into();
    Part { role, text: text.into(), brief: short.clone(), short, pane }
}

impl Part {
    fn briefly(self, brief: impl Into<String>) -> Part {
        Part { brief: brief.into(), ..self }
    }

    /// How it is said: in full, shorter, in the fewest words.
    fn form(&self, form: usize) -> &str {
        [&self.text, &self.short, &self.brief][form]
    }

    /// What goes first where there is no room: what is well, then what nobody knows, then what differs, at last what is not
    /// well. A verdict, and how the nodes are, are looked for here, so that without them nobody would know that they are good.
    fn rank(&self, at: usize) -> usize {
        match self.role {
            _ if at == 0 => 6,
            Role::Muted => 1,
            _ if self.pane == panes::main_of(super::Screen::Validate) => 5,
            Role::Ok => 0,
            Role::Text => 1,
            Role::Change => 2,
            Role::Fail => 4,
            _ => 3,
        }
    }
}

/// Columns of ` · ` behind each statement.
const GAP: usize = 3;

/// The statements that so many columns have room for: shorter ones come before fewer ones.
pub(super) fn fitted(parts: &[Part], columns: usize) -> Vec<(&Part, &str)> {
    let mut forms: Vec<Option<usize>> = vec![Some(0); parts.len()];
    let fits = |forms: &[Option<usize>]| {
        let said = parts.iter().zip(forms).filter_map(|(part, form)| Some(part.form((*form)?)));
        said.map(|said| text::width(said) + GAP).sum::<usize>() <= columns
    };
    let shorten = |forms: &mut Vec<Option<usize>>, form| {
        for at in (0..parts.len()).rev() {
            if !fits(forms) {
                forms[at] = forms[at].map(|_| form);
            }
        }
    };
    let mut by_rank: Vec<usize> = (0..parts.len()).collect();
    by_rank.sort_by_key(|at| (parts[*at].rank(*at), std::cmp::Reverse(*at)));
    let (well, others): (Vec<usize>, Vec<usize>) = by_rank.into_iter().partition(|at| parts[*at].rank(*at) == 0);
    let mut left_out = Vec::new();
    let mut leave_out = |forms: &mut Vec<Option<usize>>, some: Vec<usize>| {
        for at in some {
            if !fits(forms) {
                forms[at] = None;
                left_out.push(at);
            }
        }
    };
    shorten(&mut forms, 1);
    // What is well may go before the others are said in so few words that they have to be known.
    leave_out(&mut forms, well);
    shorten(&mut forms, 2);
    leave_out(&mut forms, others);
    // One that was left out may have been longer than there was need for: what was left out last comes back first.
    for at in left_out.into_iter().rev() {
        let form = (1..=2).find(|form| {
            forms[at] = Some(*form);
            fits(&forms)
        });
        forms[at] = form;
    }
    parts.iter().zip(forms).filter_map(|(part, form)| Some((part, part.form(form?)))).collect()
}

/// What may come out otherwise when everything has been read: it is neither good nor bad yet.
fn so_far(found: Part) -> Part {
    let text = |said: String| if said.ends_with("unknown") { said } else { format!("{said} so far") };
    let (long, short, brief) = (text(found.text), text(found.short), text(found.brief));
    Part { role: Role::Muted, text: long, short, brief, ..found }
}

/// What is not seen may be in a source that is still being read, so only what differs is counted.
fn components_so_far(model: &Model) -> Part {
    let said = match (&model.recipe.value, &model.cluster.snapshot) {
        (Some(resolution), Some(snapshot)) if !model.recipe.is_stale() => {
            match panes::standing(resolution, snapshot).differ {
                0 => "reading components".to_owned(),
                1 => "1 component differs so far".to_owned(),
                differ => format!("{} differ so far", text::count(differ, "component")),
            }
        }
        _ => return components(model),
    };
    part(Role::Muted, said.clone(), said, &panes::COMPONENTS)
}

fn nodes(snapshot: &Inventory, tally: &Tally, is_so_far: bool) -> Part {
    let pane = &panes::NODES;
    if let Some(brief) = snapshot.no_nodes() {
        return part(Role::Fail, brief.clone(), brief, pane);
    }
    let all = snapshot.nodes.len();
    let (down, unknown) = (number(tally.not_ready), number(tally.readiness_unknown));
    let count = text::count(all, "node");
    if is_so_far {
        let said = format!("{count} so far");
        return part(Role::Muted, said.clone(), said, pane);
    }
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

/// `3 of 8 GPUs free` and `3/8 GPUs free`; neither where nothing is offered.
fn offer_in_words(offer: &Offer, one: &str, many: &str) -> Option<(String, String)> {
    let count = |count: u64| text::thousands(number(count));
    let noun = if offer.all == 1 { one } else { many };
    let all = count(offer.all);
    match (offer.all, offer.uncounted) {
        (0, _) => None,
        (_, 0) => {
            let free = count(offer.free);
            Some((format!("{free} of {all} {noun} free"), format!("{free}/{all} {noun} free")))
        }
        _ => Some((format!("{all} {noun}, free unknown"), format!("{all} {noun}, free unknown"))),
    }
}

/// What can be had. A slice of a device is not a device, and the quota of a virtual node is neither.
fn gpus(snapshot: &Inventory, tally: &Tally) -> Part {
    let pane = &panes::SHAPES;
    let quiet = |said: &str| part(Role::Muted, said, said, pane);
    if snapshot.no_nodes().is_some() || snapshot.nodes.is_empty() {
        return quiet("GPUs unknown");
    }
    let Tally { whole, slices, unoffered, unoffered_unknown, quota, .. } = tally;
    // Nobody should take it for devices that are free.
    let virtual_ones = match *quota {
        0 => String::new(),
        quota => format!("; virtual nodes: quota of {}", text::thousands(number(quota))),
    };
    let unknown = *unoffered_unknown > 0;
    let parts = [offer_in_words(whole, "GPU", "GPUs"), offer_in_words(slices, "GPU slice", "GPU slices")];
    let said: Vec<(String, String)> = parts.into_iter().flatten().collect();
    let more = if unknown { ", more unknown" } else { "" };
    match said.first() {
        None if *unoffered > 0 => {
            let noun = if *unoffered == 1 { "GPU" } else { "GPUs" };
            let said = format!("{} {noun}, none offered", text::thousands(number(*unoffered)));
            part(Role::Warn, format!("{said}{virtual_ones}"), said, pane)
        }
        None => {
            let said = if unknown { "GPUs unknown" } else { "no GPUs" };
            part(Role::Muted, format!("{said}{virtual_ones}"), said, pane)
        }
        Some((_, short)) => {
            let (offer, one) = if whole.all > 0 { (whole, "GPU") } else { (slices, "GPU slice") };
            let short = match (unknown, offer.uncounted) {
                (false, _) => short.clone(),
                (true, 0) => format!("{} known to be free", text::count(number(offer.free), one)),
                (true, _) => format!("at least {short}"),
            };
            let role = if whole.uncounted + slices.uncounted == 0 { Role::Text } else { Role::Muted };
            // Where there is little room, the whole devices.
            let long: Vec<&str> = said.iter().map(|(long, _)| long.as_str()).collect();
            part(role, format!("{}{more}{virtual_ones}", long.join(", ")), short, pane)
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
    // What differs from a recipe for something else says nothing of this cluster.
    if let Some(Contradiction { dimension, wanted, has }) =
        model.cluster.fingerprint.contradictions(&resolution.recipe.criteria).into_iter().next()
    {
        let text = format!("recipe for {}={wanted}, cluster has {has}", dimension.name());
        return part(Role::Warn, text, format!("recipe for {wanted}"), pane);
    }
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
            let missing_ones = || format!("{} not seen", text::count(missing, "component"));
            let (text, short) = match (differ, missing) {
                (_, 0) => (short.clone(), short),
                (0, _) => (missing_ones(), missing_ones()),
                (_, missing) => (format!("{short}, {missing} not seen"), short),
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
    let of = |wanted: fn(&constraint::Verdict) -> bool| model.rules.iter().filter(|rule| wanted(&rule.verdict)).count();
    let met = of(|verdict| matches!(verdict, constraint::Verdict::Pass { .. }));
    let broken = model
        .rules
        .iter()
        .filter(|rule| matches!(rule.verdict, constraint::Verdict::Fail { .. }) && !rule.is_warning)
        .count();
    let (all, count) = (model.rules.len(), text::count(model.rules.len(), "constraint"));
    match (all, broken) {
        (0, _) => part(Role::Muted, "no constraints", "no constraints", pane),
        (all, 0) if met == all => part(Role::Ok, format!("{count} met"), format!("{count} met"), pane),
        (_, 0) => part(Role::Muted, format!("{met} of {count} met"), format!("{met} of {count} met"), pane),
        (_, broken) => part(Role::Fail, format!("{broken} of {count} FAIL"), format!("{broken} of {count} FAIL"), pane),
    }
}

impl Model {
    /// Names of the checks that the recipe selects, in the order of their phases.
    pub fn known_checks(&self) -> Vec<&str> {
        let validation = self.recipe.value.as_ref().and_then(|resolution| resolution.recipe.validation.as_ref());
        let phases = Phase::ALL.into_iter().filter_map(|phase| validation?.phase(phase));
        phases.flat_map(|phase| phase.checks.iter().map(String::as_str)).collect()
    }

    /// Why there is nothing that a run could run.
    pub fn why_no_checks(&self) -> Option<&'static str> {
        if self.recipe.value.is_none() || !self.known_checks().is_empty() {
            return None;
        }
        let is_blind = self.cluster.snapshot.as_ref().is_some_and(|snapshot| snapshot.no_nodes().is_some());
        Some(match is_blind && !self.is_stated() {
            true => "no check: the criteria are unknown, because nodes cannot be listed",
            false => "no check: the recipe selects none",
        })
    }

    /// The run that is shown has ended: what it came to is kept, whichever run is shown next.
    pub(super) fn keep_verdict(&mut self) {
        let Some(verdict) = self.run.verdict else { return };
        // The record of a run that another program goes on with may be of another cluster.
        let context = Some(&self.run.report.context).filter(|name| self.follows() && !name.is_empty());
        let cluster = context.unwrap_or(&self.cluster.name).clone();
        let criteria = self.run.criteria.clone();
        let (checks, ended_ms) = (self.run.checks.len(), self.run.last_ms);
        let mut judged = judged(self.run.checks.iter().filter_map(|check| check.result.as_ref()), ended_ms);
        self.validated.retain_mut(|known| {
            let is_other = (&known.cluster, &known.criteria) != (&cluster, &criteria);
            if !is_other {
                judged.append(&mut known.judged);
            }
            is_other
        });
        self.validated.push(Validated { cluster, criteria, verdict, checks, ended_ms, judged: newest(judged) });
    }

    /// The last validation of this cluster and this recipe: one that was shown, or the newest one on record; with the last
    /// verdict of each check, whichever run it is of.
    fn validated(&self) -> Option<Validated> {
        let criteria = self.recipe.value.as_ref().map(|resolution| resolution.recipe.criteria.to_string());
        let until_ms = self.until_ms();
        let is_of_this = |known: &Validated| {
            let is_of_recipe = criteria.as_ref().is_none_or(|criteria| known.criteria == *criteria);
            let is_before = known.ended_ms <= until_ms;
            is_before && known.cluster == self.cluster.name && (known.criteria.is_empty() || is_of_recipe)
        };
        let shown = self.validated.iter().filter(|known| is_of_this(known)).cloned();
        let mut all: Vec<Validated> = shown.chain(self.recorded().filter(is_of_this)).collect();
        let judged = all.iter_mut().flat_map(|known| std::mem::take(&mut known.judged)).collect();
        let last = all.into_iter().max_by_key(|known| known.ended_ms)?;
        Some(Validated { judged: newest(judged), ..last })
    }

    /// What had not happened by then is not told: a past moment is shown as it was.
    fn until_ms(&self) -> u64 {
        let Some(past) = &self.time.past else { return u64::MAX };
        let at: Option<jiff::Timestamp> = past.moment.at.parse().ok();
        at.and_then(|at| u64::try_from(at.as_millisecond()).ok()).unwrap_or_default()
    }

    /// What the runs of this cluster came to that are on record and have an end.
    fn recorded(&self) -> impl Iterator<Item = Validated> {
        let runs = self.records.list.value.iter().flat_map(|runs| runs.iter());
        let is_of_cluster = |run: &&Summary| {
            let is_known = !run.facts.criteria.is_empty() && run.report.deploy.is_none();
            is_known && run.facts.cluster == self.cluster.name
        };
        runs.filter(is_of_cluster).filter_map(|run| {
            Some(Validated {
                cluster: run.facts.cluster.clone(),
                criteria: run.facts.criteria.clone(),
                verdict: run.verdict()?,
                checks: run.report.planned.len(),
                ended_ms: run.report.stop_ms,
                judged: judged(run.report.results.iter(), run.report.stop_ms),
            })
        })
    }

    /// Whether the shown run is one of the recipe that is shown; an attached run says nothing of its recipe.
    pub fn is_run_of_this_recipe(&self) -> bool {
        let is_asked = |resolution: &Arc<Resolution>| resolution.recipe.criteria.to_string() == self.run.criteria;
        self.run.criteria.is_empty() || self.recipe.value.as_ref().is_some_and(is_asked)
    }
}

fn validation(model: &Model) -> Part {
    let pane = panes::main_of(super::Screen::Validate);
    if model.run.active {
        return part(Role::Run, "» validating", "» validating", pane);
    }
    if model.follows() {
        return part(Role::Run, "» following a run", "» following", pane);
    }
    let Some(last) = model.validated() else {
        // A run of another recipe says nothing of this one.
        let is_of_other = model.recorded().any(|known| known.ended_ms <= model.until_ms());
        let said = if is_of_other { "not validated for this recipe" } else { "not validated" };
        return part(Role::Muted, said, "unvalidated", pane);
    };
    let word = Word::from(last.verdict);
    let role = match word.tone() {
        Tone::Good => Role::Ok,
        Tone::Bad => Role::Fail,
        Tone::Open => Role::Warn,
        Tone::Quiet => Role::Muted,
    };
    let now_ms = model.now_ms;
    // Over a past moment, a time of day and `3 d ago` could be of it or of now.
    let when = |at_ms: u64| match &model.time.past {
        Some(_) => (1, super::model::date_and_time(at_ms).get(..10).unwrap_or_default().to_owned()),
        None => when(at_ms, now_ms),
    };
    let (days, ended) = when(last.ended_ms);
    let known = model.known_checks();
    let (ran, all) = (last.checks, known.len());
    // A later run of other checks does not take back what failed.
    let is_known = |judged: &&Judged| known.is_empty() || known.contains(&judged.check.as_str());
    let failed: Vec<&Judged> =
        last.judged.iter().filter(|judged| judged.failed && judged.at_ms < last.ended_ms).filter(is_known).collect();
    if role != Role::Fail && !failed.is_empty() {
        let (short, what) = match &failed[..] {
            [Judged { check, at_ms, .. }] => {
                let at = when(*at_ms).1;
                (format!("{check} fails"), format!("{check} failed {at} and has not passed since"))
            }
            several => {
                let checks = text::count(several.len(), "check");
                (format!("{checks} fail"), format!("{checks} failed before and have not passed since"))
            }
        };
        return part(Role::Fail, format!("{what}; last run {ended}: {word}"), format!("validated: {short}"), pane)
            .briefly(short);
    }
    if role == Role::Ok && ran < all {
        let said = format!("{ran} of {}", text::count(all, "check"));
        return match days {
            0 => part(Role::Warn, format!("validated: {said}, {word}"), format!("validated: {said}"), pane),
            _ => part(Role::Warn, format!("validated: {said}, {word} {ended}"), format!("run {ended}: {said}"), pane),
        }
        .briefly(format!("{ran} of {all} {word}"));
    }
    // What is old says so also where there is little room.
    let short = if days == 0 { format!("validated: {word}") } else { format!("run {ended}: {word}") };
    let time = ended.trim_end_matches(" UTC");
    part(role, format!("validated {ended}: {word}"), short, pane).briefly(format!("{word} {time}"))
}

/// How many whole days something is old, and that in words; of less than a day, the time of day, which stays true on a screen that
/// nothing changes.
fn when(at_ms: u64, now_ms: u64) -> (u64, String) {
    let days = now_ms.saturating_sub(at_ms) / 86_400_000;
    let said = match days {
        0 => format!("{} UTC", super::model::clock(at_ms).get(..5).unwrap_or_default()),
        days => format!("{days} d ago"),
    };
    (days, said)
}

#[cfg(test)]
mod tests {
    use super::{Part, Role, fitted, part, when};
    use crate::workbench::{Screen, panes};

    fn said(parts: &[Part], columns: usize) -> String {
        fitted(parts, columns + 3).iter().map(|(_, said)| *said).collect::<Vec<_>>().join(" · ")
    }

    /// What is well goes first and what is wrong last; a verdict stays also where it is a good one, in few words.
    #[test]
    fn what_has_no_room_goes_by_what_it_says() {
        let validate = panes::main_of(Screen::Validate);
        let verdict = |role, word: &str| {
            part(role, format!("validated 09:12 UTC: {word}"), format!("validated: {word}"), validate)
                .briefly(format!("{word} 09:12"))
        };
        let parts = |constraints: Part, verdict: Part| {
            let gpus = part(Role::Text, "1 of 1 GPU free", "1/1 GPU free", &panes::SHAPES);
            let components = part(Role::Change, "6 components differ", "6 components differ", &panes::COMPONENTS);
            [part(Role::Ok, "5 nodes ready", "5 nodes ready", &panes::NODES), gpus, components, constraints, verdict]
        };
        let met = part(Role::Ok, "1 constraint met", "1 constraint met", &panes::NODES);
        let broken = part(Role::Fail, "1 of 2 FAIL", "1 of 2 FAIL", &panes::NODES);
        let good = parts(met.clone(), verdict(Role::Ok, "pass"));
        for (columns, expected) in [
            (
                200,
                "5 nodes ready · 1 of 1 GPU free · 6 components differ · 1 constraint met · validated 09:12 UTC: pass",
            ),
            (87, "5 nodes ready · 1/1 GPU free · 6 components differ · 1 constraint met · validated: pass"),
            (82, "5 nodes ready · 1/1 GPU free · 6 components differ · validated: pass"),
            (65, "5 nodes ready · 1/1 GPU free · 6 components differ · pass 09:12"),
            (50, "5 nodes ready · 6 components differ · pass 09:12"),
            // The one that was left out has room again.
            (43, "5 nodes ready · 1/1 GPU free · pass 09:12"),
            (30, "5 nodes ready · pass 09:12"),
            (20, "5 nodes ready"),
        ] {
            assert_eq!(said(&good, columns), expected, "{columns}");
        }
        let bad = parts(broken, verdict(Role::Fail, "fail"));
        assert_eq!(said(&bad, 40), "5 nodes ready · 1 of 2 FAIL · fail 09:12");
        let unknown = parts(met, part(Role::Muted, "not validated", "unvalidated", validate));
        assert_eq!(said(&unknown, 65), "5 nodes ready · 1/1 GPU free · 6 components differ · unvalidated");
        assert_eq!(said(&unknown, 40), "5 nodes ready · 6 components differ");
    }

    #[test]
    fn what_is_not_of_today_says_how_many_days_old_it_is() {
        const DAY: u64 = 86_400_000;
        let nine = 20_000 * DAY + 9 * 3_600_000 + 12 * 60_000;
        for (later, days, said) in [
            (5000, 0, "09:12 UTC"),
            (DAY - 1, 0, "09:12 UTC"),
            (DAY, 1, "1 d ago"),
            (3 * DAY + 7_200_000, 3, "3 d ago"),
        ] {
            assert_eq!(when(nine, nine + later), (days, said.to_owned()));
        }
    }
}
