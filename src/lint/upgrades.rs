//! Upgrade records: each can be read, is named by a registry entry, and leads without a hole to the release that the
//! registry pins.
//!
//! What a record says about releases above the pin nobody can have tried with this catalog, so it cannot be safe.

use super::{Family, Findings, Severity};
use crate::{
    catalog::{
        Catalog,
        component::Component,
        parse::Document,
        upgrades::{Recorded, Transition, Upgrades},
    },
    constraint::release::{Bound, Release},
    yaml::Node,
};
use std::collections::BTreeSet;

pub(super) const FAMILY: Family = Family::Catalog {
    rules: &[
        ("upgrade-record", "an upgrade record that cannot be read"),
        ("upgrade-unnamed", "an upgrade record that is not named by any registry entry"),
        ("upgrade-pin", "a component with an upgrade record whose pinned version has no order"),
        ("upgrade-above-pin", "a safe transition to releases above the pinned version"),
        ("upgrade-hole", "releases up to the pinned version that no transition leads to or from"),
        ("upgrade-overlap", "two transitions to the same release from releases that overlap"),
    ],
    look,
};

fn look(catalog: &Catalog, findings: &mut Findings) {
    let mut named = BTreeSet::new();
    for (name, entry) in &catalog.registry.components {
        named.extend(entry.node.get("upgrades").and_then(|upgrades| upgrades.get("file")).and_then(Node::text));
        match catalog.upgrades(name) {
            Ok(Some(record)) => check(entry, &record, findings),
            Ok(None) => {}
            Err(error) => findings.of_error("upgrade-record", &error),
        }
    }
    for (path, file) in catalog.files.iter().filter(|(path, _)| !named.contains(*path)) {
        let is_record = path.starts_with("components/") && path.ends_with("/upgrades.yaml");
        if let (true, Ok(document)) = (is_record, Document::parse(&file.shown, &file.text)) {
            let message = format!("no registry entry names `{path}` in `upgrades.file`, so it has no effect");
            findings.warn("upgrade-unnamed", &document, document.root.at, message);
        }
    }
}

fn check(entry: &Component, record: &Upgrades, findings: &mut Findings) {
    overlaps(record, findings);
    let (group, key) = if entry.kind() == "Helm" { ("helm", "defaultVersion") } else { ("kustomize", "defaultTag") };
    let node = entry.default(group, key);
    let written = node.and_then(Node::text).unwrap_or_default();
    let Some(pin) = Release::parse(written) else {
        let at = node.map_or(entry.at, |node| node.at);
        let found = if written.is_empty() { "none".to_owned() } else { format!("`{written}`") };
        let message = format!(
            "`{}` has an upgrade record, which needs a pinned version such as `1.2.3`; found {found}",
            record.component
        );
        findings.place(Severity::Error, "upgrade-pin", &entry.file, at, message);
        return;
    };
    for transition in record.transitions.iter().filter(|transition| transition.verdict == Recorded::Safe) {
        if transition.to.upper.as_ref().is_some_and(|ceiling| is_above(ceiling, &pin)) {
            let message =
                format!("a safe transition leads to `{}`, and {written} is pinned: {ENDS}", transition.to.text);
            place(findings, "upgrade-above-pin", transition, message);
        }
    }
    holes(record, (&pin, written), findings);
}

const ENDS: &str = "end it at the pinned version, for example with `<=`";

/// Whether a range that ends so has releases above one. Between two patch releases there is none, so that `<1.2.4` ends
/// at 1.2.3.
fn is_above(ceiling: &Bound, pin: &Release) -> bool {
    let [major, minor, patch] = pin.parts();
    let next = Release::parse(&format!("{major}.{minor}.{}", patch + 1));
    let ends_there = !ceiling.inclusive && pin.pre_release().is_empty() && next.is_some_and(|it| it == ceiling.release);
    ceiling.release > *pin && !ends_there
}

/// Transitions by the releases that they lead to, lowest first.
fn sorted(record: &Upgrades) -> Vec<(&Transition, &Bound, &Bound)> {
    let bounded = record.transitions.iter().filter_map(|transition| {
        let Transition { to, .. } = transition;
        Some((transition, to.lower.as_ref()?, to.upper.as_ref()?))
    });
    let mut sorted: Vec<_> = bounded.collect();
    sorted.sort_by(|(_, one, _), (_, other, _)| one.release.cmp(&other.release));
    sorted
}

/// Whether no release is between what ends and what begins so; without a bound there is no end.
fn touches(upper: Option<&Bound>, lower: Option<&Bound>) -> bool {
    let (Some(upper), Some(lower)) = (upper, lower) else { return true };
    lower.release < upper.release || (lower.release == upper.release && (lower.inclusive || upper.inclusive))
}

/// Releases that no transition leads to, nor away from.
fn holes(record: &Upgrades, (pin, written): (&Release, &str), findings: &mut Findings) {
    let reaches = |bound: &Bound| bound.release > *pin || (bound.release == *pin && bound.inclusive);
    let sorted = sorted(record);
    let Some((mut last, _, mut covered)) = sorted.first().copied() else { return };
    for (transition, floor, ceiling) in sorted.iter().skip(1).copied() {
        let from = &transition.from;
        let meets = touches(Some(covered), Some(floor))
            || (touches(Some(covered), from.lower.as_ref()) && touches(from.upper.as_ref(), Some(floor)));
        if !meets && !reaches(covered) {
            let (below, above) = (&last.to.text, &transition.to.text);
            let message = format!("no transition knows the releases between `to: {below}` and `to: {above}`");
            place(findings, "upgrade-hole", transition, message);
        }
        if ceiling.release > covered.release || (ceiling.release == covered.release && ceiling.inclusive) {
            (last, covered) = (transition, ceiling);
        }
    }
    let below = sorted.iter().rev().map(|(transition, ..)| transition).find(|transition| !transition.to.is_above(pin));
    if let Some(below) = below
        && !sorted.iter().any(|(transition, ..)| transition.to.contains(pin))
    {
        let message =
            format!("no transition leads to the pinned version {written}; the one below ends `{}`", below.to.text);
        place(findings, "upgrade-hole", below, message);
    }
}

fn overlaps(record: &Upgrades, findings: &mut Findings) {
    for (index, transition) in record.transitions.iter().enumerate() {
        let earlier = record.transitions[..index].iter().find(|earlier| {
            let floor = |transition: &Transition| transition.to.lower.as_ref().map(|bound| bound.release.clone());
            floor(earlier) == floor(transition) && earlier.from.overlaps(&transition.from)
        });
        if let Some(earlier) = earlier {
            let (one, other) = (&earlier.from.text, &transition.from.text);
            let message = format!("`from: {other}` overlaps `from: {one}` of another transition to the same release");
            place(findings, "upgrade-overlap", transition, message);
        }
    }
}

fn place(findings: &mut Findings, rule: &'static str, transition: &Transition, message: String) {
    if let Some(at) = transition.at.at {
        findings.place(Severity::Error, rule, &transition.at.file, at, message);
    }
}
