//! Which candidates hold on a snapshot, and what takes the place of those that do not.
//!
//! Ours: the constraints of a candidate's whole chain count, with its mixins', each at its final value; what cannot be
//! read excludes nothing; a failing leaf gives way to its deepest ancestor that holds. The reference's (`compat`): only
//! the leaf's own constraints count, what cannot be read counts as failed, and the whole chain is lost.

use super::{Build, Options, Outcome, ResolveError, select};
use crate::{
    catalog::{Catalog, overlay::Overlay},
    constraint::{self, Verdict},
    inventory::Inventory,
    recipe::{ConstraintWarning, ExcludedOverlay},
    yaml::Node,
};
use std::collections::{BTreeMap, BTreeSet};

/// The candidates that remain, and the record of those that do not.
#[derive(Debug, Default)]
pub(crate) struct Screening<'c> {
    pub leaves: Vec<&'c Overlay>,
    pub excluded: Vec<ExcludedOverlay>,
    pub warnings: Vec<ConstraintWarning>,
    pub outcomes: BTreeMap<String, Outcome>,
}

impl Screening<'_> {
    /// Takes over the record of overlays that were excluded while more was stated; it changes nothing about what remains.
    pub(super) fn record(&mut self, before: Screening<'_>) {
        let Screening { leaves: _, excluded, warnings, outcomes } = before;
        let known: BTreeSet<String> = self.outcomes.keys().cloned().collect();
        self.excluded.extend(excluded.into_iter().filter(|overlay| !known.contains(&overlay.name)));
        self.warnings.extend(warnings.into_iter().filter(|warning| !known.contains(&warning.overlay)));
        for (name, outcome) in outcomes {
            self.outcomes.entry(name).or_insert(outcome);
        }
    }

    /// An overlay takes the place of another one only where it was applied.
    pub(super) fn keep_fallbacks(&mut self, applied: &[String]) {
        for outcome in self.outcomes.values_mut() {
            if let Outcome::Excluded { fallback, .. } = outcome
                && fallback.as_ref().is_some_and(|name| !applied.contains(name))
            {
                *fallback = None;
            }
        }
    }
}

const OWN: &str = "constraint-failed";
const MIXIN: &str = "mixin-constraint-failed";

/// One constraint that counts for a candidate.
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) expected: String,
    from_mixin: bool,
}

pub(crate) fn screen<'c>(
    catalog: &'c Catalog,
    candidates: Vec<&'c Overlay>,
    snapshot: &Inventory,
    options: Options,
) -> Result<Screening<'c>, ResolveError> {
    let mut screening = Screening::default();
    let mut remaining = Vec::new();
    for leaf in candidates {
        let own = options.compat;
        let failures = failures(catalog, leaf, snapshot, own)?;
        let Some(first) = failures.first() else {
            remaining.push(leaf);
            continue;
        };
        let fallback = if own { None } else { fallback(catalog, leaf, snapshot)? };
        let reason = if first.0.from_mixin { MIXIN } else { OWN };
        let outcome = Outcome::Excluded {
            constraint: first.0.name.clone(),
            expected: first.0.expected.clone(),
            actual: actual(&first.1).unwrap_or_default(),
            nodes: first.1.nodes().cloned(),
            fallback: fallback.map(|overlay| overlay.name.clone()),
        };
        screening.outcomes.insert(leaf.name.clone(), outcome);
        screening.excluded.push(ExcludedOverlay { name: leaf.name.clone(), reason: reason.to_owned() });
        screening.warnings.extend(failures.iter().map(|(rule, verdict)| warning(leaf, rule, verdict)));
        remaining.extend(fallback);
    }
    screening.leaves = select::maximal(catalog, remaining);
    Ok(screening)
}

/// The nearest ancestor whose constraints hold.
fn fallback<'c>(
    catalog: &'c Catalog,
    leaf: &'c Overlay,
    snapshot: &Inventory,
) -> Result<Option<&'c Overlay>, ResolveError> {
    let chain = select::chain(catalog, leaf)?;
    for ancestor in chain.into_iter().rev().skip(1) {
        if failures(catalog, ancestor, snapshot, false)?.is_empty() {
            return Ok(Some(ancestor));
        }
    }
    Ok(None)
}

/// The constraints that a candidate does not meet. `own`: the reference's view.
fn failures(
    catalog: &Catalog,
    leaf: &Overlay,
    snapshot: &Inventory,
    own: bool,
) -> Result<Vec<(Rule, Verdict)>, ResolveError> {
    let rules = if own { own_rules(leaf) } else { chain_rules(catalog, leaf)? };
    let judged = rules.into_iter().map(|rule| {
        // The reference judges the one node that its file has room for.
        let judge = if own { constraint::judge_single } else { constraint::judge };
        let verdict = judge(&rule.name, &rule.expected, snapshot);
        (rule, verdict)
    });
    let fails = |verdict: &Verdict| match verdict {
        Verdict::Pass { .. } => false,
        Verdict::Fail { .. } => true,
        Verdict::Unknown { .. } => own,
    };
    Ok(judged.filter(|(_, verdict)| fails(verdict)).collect())
}

fn rule(node: &Node, from_mixin: bool) -> Option<Rule> {
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    Some(Rule { name: text("name")?, expected: text("value").unwrap_or_default(), from_mixin })
}

pub(super) fn own_rules(leaf: &Overlay) -> Vec<Rule> {
    leaf.body().spec.constraints.iter().filter_map(|node| rule(node, false)).collect()
}

/// The final constraints of a chain: later overlays replace earlier ones, mixins add.
pub(super) fn chain_rules(catalog: &Catalog, leaf: &Overlay) -> Result<Vec<Rule>, ResolveError> {
    let chain = select::chain(catalog, leaf)?;
    let mut rules: Vec<Rule> = Vec::new();
    for node in chain.iter().flat_map(|overlay| &overlay.body().spec.constraints) {
        let Some(rule) = rule(node, false) else { continue };
        match rules.iter_mut().find(|known| known.name == rule.name) {
            Some(known) => *known = rule,
            None => rules.push(rule),
        }
    }
    let names = chain.iter().flat_map(|overlay| &overlay.body().mixins);
    let mixins = names.filter_map(|(name, _)| catalog.mixins.get(name));
    rules.extend(mixins.flat_map(|mixin| &mixin.spec.constraints).filter_map(|node| rule(node, true)));
    Ok(rules)
}

/// The reference's second look: a mixin constraint that fails drops every leaf whose chain names the mixin.
///
/// Says whether any leaf was dropped, so that the recipe has to be built again.
pub(crate) fn screen_mixins<'c>(
    catalog: &'c Catalog,
    screening: &mut Screening<'c>,
    build: &Build<'_>,
    snapshot: &Inventory,
) -> Result<bool, ResolveError> {
    let mut rules: Vec<(&str, Rule)> = build
        .mixins
        .iter()
        .flat_map(|mixin| mixin.spec.constraints.iter().map(|node| (mixin.name.as_str(), node)))
        .filter_map(|(mixin, node)| Some((mixin, rule(node, true)?)))
        .collect();
    rules.sort_by(|left, right| left.1.name.cmp(&right.1.name));
    let mut dropped: Vec<&str> = Vec::new();
    for (mixin, rule) in &rules {
        let verdict = constraint::judge_single(&rule.name, &rule.expected, snapshot);
        if matches!(verdict, Verdict::Pass { .. }) {
            continue;
        }
        for leaf in &screening.leaves {
            let chain = select::chain(catalog, leaf)?;
            if !chain.iter().any(|overlay| overlay.body().mixins.iter().any(|(name, _)| name == mixin)) {
                continue;
            }
            screening.warnings.push(warning(leaf, rule, &verdict));
            if !dropped.contains(&leaf.name.as_str()) {
                dropped.push(&leaf.name);
                let outcome = Outcome::Excluded {
                    constraint: rule.name.clone(),
                    expected: rule.expected.clone(),
                    actual: actual(&verdict).unwrap_or_default(),
                    nodes: verdict.nodes().cloned(),
                    fallback: None,
                };
                screening.outcomes.insert(leaf.name.clone(), outcome);
                screening.excluded.push(ExcludedOverlay { name: leaf.name.clone(), reason: MIXIN.to_owned() });
            }
        }
    }
    let any = !dropped.is_empty();
    screening.leaves.retain(|leaf| !dropped.contains(&leaf.name.as_str()));
    Ok(any)
}

fn actual(verdict: &Verdict) -> Option<String> {
    verdict.actual().map(str::to_owned)
}

fn warning(leaf: &Overlay, rule: &Rule, verdict: &Verdict) -> ConstraintWarning {
    let expected = rule.expected.trim();
    let reason = match verdict {
        Verdict::Pass { actual, nodes } | Verdict::Fail { actual, nodes } => {
            let nodes = nodes.as_ref().map(|nodes| format!(" ({})", nodes.words())).unwrap_or_default();
            format!("expected {expected}, got {actual}{nodes}")
        }
        Verdict::Unknown { reason, .. } => reason.clone(),
    };
    let reason = if rule.from_mixin { format!("{MIXIN}: {reason}") } else { reason };
    ConstraintWarning {
        overlay: leaf.name.clone(),
        constraint: rule.name.clone(),
        expected: rule.expected.clone(),
        actual: actual(verdict),
        reason,
    }
}
