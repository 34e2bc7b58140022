//! What a difference of two recipes comes to: other criteria, components that come, go or change their version, constraints
//! that become stricter or looser, checks that come or go.
//!
//! In: both sides, and their changes. Out: effects as data, in the order in which a person asks for them, each with the path of
//! the change that it follows from. What only a value says is no effect; it is among the changes.

use super::Change;
use crate::{
    constraint::{
        release::Release,
        strictness::{self, Strictness},
    },
    criteria::Dimension,
    document::{
        side::Side,
        traced::{Traced, TracedValue},
    },
    text::count,
};
use serde_json::{Value, json};
use std::fmt;

/// One effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub subject: Subject,
    pub name: String,
    /// Of a check, and of a constraint that one phase of validation has.
    pub phase: Option<String>,
    pub became: Became,
    /// Version, expression or value, where there is one.
    pub left: Option<String>,
    pub right: Option<String>,
    /// The change that it follows from; `None` for criteria, which decide which layers apply.
    pub path: Option<String>,
}

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Criterion,
    Component,
    Constraint,
    Check,
}

impl Subject {
    pub const ALL: [Subject; 4] = [Subject::Criterion, Subject::Component, Subject::Constraint, Subject::Check];

    pub fn word(self) -> &'static str {
        match self {
            Subject::Criterion => "criterion",
            Subject::Component => "component",
            Subject::Constraint => "constraint",
            Subject::Check => "check",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Subject::Criterion => "criteria",
            Subject::Component => "components",
            Subject::Constraint => "constraints",
            Subject::Check => "checks",
        }
    }
}

/// What becomes of it from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Became {
    Removed,
    Added,
    Upgraded,
    Downgraded,
    Stricter,
    Looser,
    Changed,
}

impl Became {
    const ALL: [Became; 7] = [
        Became::Removed,
        Became::Added,
        Became::Upgraded,
        Became::Downgraded,
        Became::Stricter,
        Became::Looser,
        Became::Changed,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Became::Removed => "removed",
            Became::Added => "added",
            Became::Upgraded => "upgraded",
            Became::Downgraded => "downgraded",
            Became::Stricter => "stricter",
            Became::Looser => "looser",
            Became::Changed => "changed",
        }
    }
}

impl Effect {
    /// What it is about, and what became of it: `constraint K8s.server.version of deployment stricter`.
    pub fn head(&self) -> String {
        let of = self.phase.as_ref().map_or_else(String::new, |phase| format!(" of {phase}"));
        format!("{} {}{of} {}", self.subject.word(), self.name, self.became.word())
    }

    /// As one object of a document.
    pub fn to_value(&self) -> Value {
        let Effect { subject, name, phase, became, left, right, path } = self;
        let mut value = json!({"subject": subject.word(), "name": name, "became": became.word()});
        let parts = [("phase", phase), ("baseline", left), ("target", right), ("path", path)];
        for (key, part) in parts {
            if let Some(part) = part {
                value[key] = part.as_str().into();
            }
        }
        value
    }
}

/// `component gpu-operator upgraded: v26.7.0 → v26.7.1`.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        match (&self.left, &self.right) {
            (Some(left), Some(right)) => write!(f, ": {left} → {right}"),
            (Some(only), None) | (None, Some(only)) => write!(f, ": {only}"),
            (None, None) => Ok(()),
        }
    }
}

/// How many effects of each kind: `1 criterion changed, 2 components added, 1 constraint stricter`.
pub fn summary(effects: &[Effect]) -> String {
    let mut parts = Vec::new();
    for subject in Subject::ALL {
        for became in Became::ALL {
            let number = effects.iter().filter(|effect| (effect.subject, effect.became) == (subject, became)).count();
            match number {
                0 => {}
                1 => parts.push(format!("{} {}", count(1, subject.word()), became.word())),
                several => parts.push(format!("{several} {} {}", subject.plural(), became.word())),
            }
        }
    }
    parts.join(", ")
}

/// The same by subject: `1 criterion, 3 components`.
pub fn totals(effects: &[Effect]) -> String {
    let number = |subject: Subject| effects.iter().filter(|effect| effect.subject == subject).count();
    let total = |subject: Subject| match number(subject) {
        0 => None,
        1 => Some(count(1, subject.word())),
        several => Some(format!("{several} {}", subject.plural())),
    };
    Subject::ALL.into_iter().filter_map(total).collect::<Vec<_>>().join(", ")
}

/// The effects of the changes from left to right.
pub fn of(left: &Side, right: &Side, changes: &[Change]) -> Vec<Effect> {
    let mut effects = criteria(left, right);
    effects.extend(components(left, right));
    effects.extend(constraints(left, right));
    effects.extend(checks(left, right));
    for effect in &mut effects {
        // The change itself, the first one below it, or the list that was filled or emptied with it.
        let wanted = effect.path.take();
        effect.path = wanted.and_then(|wanted| {
            let is = |change: &&Change| change.path == wanted;
            let below =
                |change: &&Change| change.path.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with(['.', '[']));
            let around =
                |change: &&Change| wanted.strip_prefix(&change.path).is_some_and(|rest| rest.starts_with(['.', '[']));
            let found = changes.iter().find(is).or_else(|| changes.iter().find(below));
            found.or_else(|| changes.iter().find(around)).map(|change| change.path.clone())
        });
    }
    effects
}

/// An effect where the two sides differ; `became` says what a value became that both have.
fn differ(
    (subject, name, phase): (Subject, &str, Option<&str>),
    (left, right): (Option<String>, Option<String>),
    became: impl FnOnce(&str, &str) -> Option<Became>,
) -> Option<Effect> {
    let became = match (&left, &right) {
        (None, None) => return None,
        (Some(_), None) => Became::Removed,
        (None, Some(_)) => Became::Added,
        (Some(left), Some(right)) if left == right => return None,
        (Some(left), Some(right)) => became(left, right)?,
    };
    // What is there without a version or a value has nothing to show.
    let [left, right] = [left, right].map(|side| side.filter(|text| !text.is_empty()));
    let (name, phase) = (name.to_owned(), phase.map(str::to_owned));
    Some(Effect { subject, name, phase, became, left, right, path: None })
}

fn criteria(left: &Side, right: &Side) -> Vec<Effect> {
    let (Some(before), Some(after)) = (&left.criteria, &right.criteria) else { return Vec::new() };
    let of = |dimension: Dimension| {
        let value =
            |criteria: &crate::criteria::Criteria| Some(criteria.get(dimension).unwrap_or_else(|| "any".to_owned()));
        differ((Subject::Criterion, dimension.name(), None), (value(before), value(after)), |_, _| {
            Some(Became::Changed)
        })
    };
    Dimension::ALL.into_iter().filter_map(of).collect()
}

/// Names in the order of the left side, with those that only the right one has behind.
fn names<'s>(left: &[&'s str], right: &[&'s str]) -> Vec<&'s str> {
    let mut names = left.to_vec();
    names.extend(right.iter().filter(|name| !left.contains(name)));
    names
}

fn texts(list: Option<&Traced>) -> Vec<&str> {
    match list.map(|list| &list.value) {
        Some(TracedValue::List(items)) => items.iter().filter_map(Traced::as_text).collect(),
        _ => Vec::new(),
    }
}

/// Components that are deployed: one that is turned off goes.
fn components(left: &Side, right: &Side) -> Vec<Effect> {
    let deployed = |side: &'_ Side| -> Vec<String> {
        texts(side.document.get("deploymentOrder")).into_iter().map(str::to_owned).collect()
    };
    let (before, after) = (deployed(left), deployed(right));
    let version = |side: &Side, there: &[String], name: &str| {
        let component = side.document.get("components").and_then(|all| all.get(name));
        let text =
            |key: &str| component.and_then(|it| it.get(key)).and_then(Traced::as_text).filter(|text| !text.is_empty());
        there.iter().any(|known| known == name).then(|| text("version").or(text("tag")).unwrap_or_default().to_owned())
    };
    let became = |left: &str, right: &str| {
        let order = Release::parse(left).zip(Release::parse(right)).map(|(left, right)| left.cmp(&right));
        Some(match order {
            Some(std::cmp::Ordering::Less) => Became::Upgraded,
            Some(std::cmp::Ordering::Greater) => Became::Downgraded,
            // The same release, written otherwise.
            Some(std::cmp::Ordering::Equal) => return None,
            None => Became::Changed,
        })
    };
    let [ours, theirs] = [&before, &after].map(|list| list.iter().map(String::as_str).collect::<Vec<_>>());
    let of = |name: &str| {
        let versions = (version(left, &before, name), version(right, &after, name));
        let both = versions.0.is_some() && versions.1.is_some();
        let effect = differ((Subject::Component, name, None), versions, became)?;
        let path = if both { format!("components.{}.version", key(name)) } else { format!("components.{}", key(name)) };
        Some(Effect { path: Some(path), ..effect })
    };
    let mut effects: Vec<Effect> = names(&ours, &theirs).into_iter().filter_map(of).collect();
    effects.sort_by_key(|effect| effect.became);
    effects
}

/// A key as it is written in a path.
fn key(name: &str) -> String {
    crate::document::selector::Segment::Key(name.to_owned()).to_string()
}

/// Names and expressions of a list of constraints.
fn rules<'d>(list: Option<&'d Traced>) -> Vec<(&'d str, &'d str)> {
    let items = match list.map(|list| &list.value) {
        Some(TracedValue::List(items)) => items.as_slice(),
        _ => &[],
    };
    let text = |item: &'d Traced, key: &str| item.get(key).and_then(Traced::as_text);
    items.iter().filter_map(|item| Some((text(item, "name")?, text(item, "value").unwrap_or_default()))).collect()
}

/// Phases of validation, in the order of the left side.
fn phases<'s>(left: &'s Side, right: &'s Side) -> Vec<&'s str> {
    let keys = |side: &'s Side| match side.document.get("validation").map(|validation| &validation.value) {
        Some(TracedValue::Map(entries)) => entries.iter().map(|(name, _)| &**name).collect(),
        _ => Vec::new(),
    };
    names(&keys(left), &keys(right))
}

fn of_phase<'s>(side: &'s Side, phase: &str, key: &str) -> Option<&'s Traced> {
    side.document.get("validation")?.get(phase)?.get(key)
}

fn constraints(left: &Side, right: &Side) -> Vec<Effect> {
    let became = |left: &str, right: &str| match strictness::compare(left, right) {
        Strictness::Same => None,
        Strictness::Stricter => Some(Became::Stricter),
        Strictness::Looser => Some(Became::Looser),
        Strictness::Other => Some(Became::Changed),
    };
    let compare = |phase: Option<&str>, left: Option<&Traced>, right: Option<&Traced>| {
        let (before, after) = (rules(left), rules(right));
        let value = |rules: &[(&str, &str)], name: &str| {
            rules.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let [ours, theirs] = [&before, &after].map(|rules| rules.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        let list =
            phase.map_or_else(|| "constraints".to_owned(), |phase| format!("validation.{}.constraints", key(phase)));
        let of = |name: &str| {
            let values = (value(&before, name), value(&after, name));
            let both = values.0.is_some() && values.1.is_some();
            let effect = differ((Subject::Constraint, name, phase), values, became)?;
            let path = format!("{list}[name={name}]{}", if both { ".value" } else { "" });
            Some(Effect { path: Some(path), ..effect })
        };
        names(&ours, &theirs).into_iter().filter_map(of).collect::<Vec<_>>()
    };
    let mut effects = compare(None, left.document.get("constraints"), right.document.get("constraints"));
    for phase in phases(left, right) {
        let list = |side| of_phase(side, phase, "constraints");
        effects.extend(compare(Some(phase), list(left), list(right)));
    }
    effects.sort_by_key(|effect| effect.became);
    effects
}

fn checks(left: &Side, right: &Side) -> Vec<Effect> {
    let mut effects = Vec::new();
    for phase in phases(left, right) {
        let [before, after] = [left, right].map(|side| texts(of_phase(side, phase, "checks")));
        let path = format!("validation.{}.checks", key(phase));
        let there = |list: &[&str], name: &str| list.contains(&name).then(String::new);
        let of = |name: &str| {
            let sides = (there(&before, name), there(&after, name));
            let effect = differ((Subject::Check, name, Some(phase)), sides, |_, _| None)?;
            Some(Effect { path: Some(path.clone()), ..effect })
        };
        effects.extend(names(&before, &after).into_iter().filter_map(of));
    }
    effects.sort_by_key(|effect| effect.became);
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{criteria::Criteria, diff::recipe};

    fn side(document: Value, criteria: Option<Criteria>) -> Side {
        Side { document: Traced::from_value(&document), layers: Vec::new(), criteria }
    }

    #[track_caller]
    fn check(left: Value, right: Value, expected: &[&str]) -> Vec<Effect> {
        let (left, right) = (side(left, None), side(right, None));
        let effects = of(&left, &right, &recipe::compare(&left, &right));
        assert_eq!(effects.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        effects
    }

    fn stack(components: Value) -> Value {
        let order: Vec<&String> = components.as_object().expect("a mapping").keys().collect();
        json!({"deploymentOrder": order, "components": components})
    }

    #[test]
    fn components_come_go_and_change_their_versions() {
        let left = stack(
            json!({"a": {"version": "v1.9.0"}, "b": {"version": "2.0.0"}, "c": {"version": "1.0.0"}, "d": {"version": "main"}, "e": {"version": "1.0.0"}}),
        );
        let right = stack(
            json!({"a": {"version": "v1.10.0"}, "b": {"version": "1.9.9"}, "d": {"version": "next"}, "e": {"version": "v1.0.0"}, "f": {"chart": "x"}}),
        );
        let effects = check(
            left,
            right,
            &[
                "component c removed: 1.0.0",
                "component f added",
                "component a upgraded: v1.9.0 → v1.10.0",
                "component b downgraded: 2.0.0 → 1.9.9",
                "component d changed: main → next",
            ],
        );
        let paths: Vec<&str> = effects.iter().filter_map(|effect| effect.path.as_deref()).collect();
        let expected = [
            "components.c.version",
            "components.f.chart",
            "components.a.version",
            "components.b.version",
            "components.d.version",
        ];
        assert_eq!(paths, expected, "each is a change that there is");
    }

    #[test]
    fn a_component_that_is_turned_off_goes() {
        let components = json!({"a": {"version": "1.0.0", "enabled": true}});
        let mut off = json!({"deploymentOrder": [], "components": components.clone()});
        off["components"]["a"]["enabled"] = false.into();
        let effects = check(stack(components), off, &["component a removed: 1.0.0"]);
        assert_eq!(effects[0].path.as_deref(), Some("components.a.enabled"));
    }

    #[test]
    fn constraints_of_the_recipe_and_of_phases_become_stricter_or_looser() {
        let rules = |version: &str, os: &str, operator: &[&str]| {
            let of_phase: Vec<Value> = operator
                .iter()
                .map(|value| json!({"name": "Deployment.gpu-operator.version", "value": value}))
                .collect();
            json!({
                "constraints": [{"name": "K8s.server.version", "value": version}, {"name": "OS.release.ID", "value": os}],
                "validation": {"deployment": {"constraints": of_phase, "checks": ["a"]}},
            })
        };
        let (one, other) = (rules(">= 1.32", "ubuntu", &[]), rules(">= 1.32.4", "rhel", &[">= v25.10.0"]));
        let effects = check(
            one.clone(),
            other.clone(),
            &[
                "constraint Deployment.gpu-operator.version of deployment added: >= v25.10.0",
                "constraint K8s.server.version stricter: >= 1.32 → >= 1.32.4",
                "constraint OS.release.ID changed: ubuntu → rhel",
            ],
        );
        assert_eq!(effects[1].path.as_deref(), Some("constraints[name=K8s.server.version].value"));
        assert_eq!(effects[0].path.as_deref(), Some("validation.deployment.constraints"), "an empty list was filled");
        check(
            other,
            one,
            &[
                "constraint Deployment.gpu-operator.version of deployment removed: >= v25.10.0",
                "constraint K8s.server.version looser: >= 1.32.4 → >= 1.32",
                "constraint OS.release.ID changed: rhel → ubuntu",
            ],
        );
        let same = |value: &str| rules(value, "ubuntu", &[]);
        check(same(">= 1.32"), same(">= v1.32"), &[]);
    }

    #[test]
    fn checks_come_and_go_by_phase_and_their_order_is_no_effect() {
        let checks = |deployment: &[&str], conformance: &[&str]| json!({"validation": {"deployment": {"checks": deployment}, "conformance": {"checks": conformance}}});
        let effects = check(
            checks(&["a", "b"], &["x"]),
            checks(&["b", "c"], &["x"]),
            &["check a of deployment removed", "check c of deployment added"],
        );
        assert!(effects.iter().all(|effect| effect.path.as_deref() == Some("validation.deployment.checks")));
        check(checks(&["a", "b"], &[]), checks(&["b", "a"], &[]), &[]);
    }

    #[test]
    fn criteria_come_first_and_the_summary_counts() {
        let of = |service: &str| Some(Criteria { service: Some(service.into()), ..Criteria::default() });
        let left = side(stack(json!({"a": {"version": "1.0.0"}})), of("kind"));
        let right = side(stack(json!({"b": {}, "c": {}})), of("eks"));
        let effects = super::of(&left, &right, &recipe::compare(&left, &right));
        assert_eq!(effects[0].to_string(), "criterion service changed: kind → eks");
        assert_eq!(summary(&effects), "1 criterion changed, 1 component removed, 2 components added");
        assert_eq!(totals(&effects), "1 criterion, 3 components");
        assert_eq!(
            effects[0].to_value(),
            json!({"subject": "criterion", "name": "service", "became": "changed", "baseline": "kind", "target": "eks"})
        );
    }
}
