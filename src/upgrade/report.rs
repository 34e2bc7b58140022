//! The report of an upgrade check, as the reference writes it.
//!
//! Only components whose version or identity changes have a row. A component that comes or goes has a row without a
//! verdict, because nothing of what is installed is replaced.

use super::{
    Reason, Verdict,
    boundary::{self, Judgment},
    identity::{self, IdentityChange, ObjectNames},
};
use crate::{
    catalog::upgrades::{self, AffectedGroup, Recorded, Step, StepGroup, Upgrades},
    recipe::ComponentRef,
    text,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A component on one side.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    pub name: String,
    /// As written; empty where nobody says.
    pub version: String,
    /// How it is used; `None` where only its version is known, as in a cluster.
    pub used: Option<ComponentRef>,
    /// `None` where they are not known.
    pub object_names: Option<ObjectNames>,
}

impl Component {
    /// A component of a recipe, without the object names of its values.
    pub fn of(used: &ComponentRef) -> Component {
        let version = if used.version.is_empty() { &used.tag } else { &used.version };
        let (name, version) = (used.name.clone(), version.clone());
        Component { name, version, used: Some(used.clone()), object_names: None }
    }
}

/// What changes for a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Version,
    Added,
    Removed,
    Replaced,
    Identity,
}

/// One component that changes. Empty texts and lists are left out of the JSON, as the reference does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub component: String,
    pub change: ChangeKind,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identity_changes: Vec<IdentityChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub explanation: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub jump: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub covers: String,
    pub breaking: bool,
    pub downgrade: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub precondition: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    pub fails_run: bool,
}

/// An API kind that a crossed boundary touches, and the components that touch it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AffectedKind {
    /// Empty for the core API.
    pub group: String,
    pub kind: String,
    pub components: Vec<String>,
}

/// Rows, and what they touch.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// In the order of the target; what goes comes last.
    pub rows: Vec<Row>,
    /// By group and kind.
    pub affected: Vec<AffectedKind>,
    /// Whether object names were compared for every component that could have moved.
    pub names_compared: bool,
}

/// Steps depend on the deployer, and nobody said which one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upgrade of `{component}` has steps, and they differ by deployer")]
pub struct NeedsDeployer {
    pub component: String,
}

/// What becomes of every component that changes. `record` gives the upgrade record of a component.
///
/// # Errors
/// A row has steps, and `deployer` is `None`.
pub fn compare<'r>(
    from: &[Component],
    to: &[Component],
    record: impl Fn(&str) -> Option<&'r Upgrades>,
    deployer: Option<&str>,
) -> Result<Comparison, NeedsDeployer> {
    let installed: BTreeMap<&str, &Component> = from.iter().map(|component| (&*component.name, component)).collect();
    let wanted: BTreeSet<&str> = to.iter().map(|component| &*component.name).collect();
    let mut comparison = Comparison { rows: Vec::new(), affected: Vec::new(), names_compared: true };
    let mut replaced = BTreeSet::new();
    let mut touched: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for target in to {
        let known = record(&target.name);
        match installed.get(&*target.name) {
            Some(source) => {
                comparison.names_compared &= source.object_names.is_some();
                let judgment = boundary::judge(&source.version, &target.version, known);
                comparison.rows.extend(changed(source, target, &judgment, deployer)?);
                for AffectedGroup { group, kinds } in judgment.crossed.iter().flat_map(|crossed| &crossed.affected) {
                    for kind in kinds {
                        let components = touched.entry((group.clone(), kind.clone())).or_default();
                        components.insert(target.name.clone());
                    }
                }
            }
            None => {
                let gone = |name: &str| installed.contains_key(name) && !wanted.contains(name);
                let takes_over = known.and_then(|known| known.replaces.as_ref()).filter(|old| gone(&old.component));
                comparison.rows.push(match takes_over {
                    Some(old) => {
                        replaced.insert(old.component.as_str());
                        let from = installed.get(&*old.component).map_or("", |source| &source.version);
                        let notes = format!("replaces {}", old.component);
                        let verdict = recorded(old.verdict);
                        Row {
                            from: from.to_owned(),
                            verdict: Some(verdict),
                            reason: Some(Reason::Recorded),
                            explanation: Reason::Recorded.sentence().to_owned(),
                            summary: old.summary.clone(),
                            steps: steps(&target.name, &old.steps, deployer)?,
                            fails_run: verdict != Verdict::Safe,
                            ..row(target, ChangeKind::Replaced, notes)
                        }
                    }
                    None => row(target, ChangeKind::Added, "new component, nothing to do".to_owned()),
                });
            }
        }
    }
    for source in from.iter().filter(|source| !wanted.contains(&*source.name) && !replaced.contains(&*source.name)) {
        let notes = "stays installed; AICR does not uninstall it".to_owned();
        let gone = row(source, ChangeKind::Removed, notes);
        comparison.rows.push(Row { from: gone.to, to: String::new(), ..gone });
    }
    let kind = |((group, kind), components): ((String, String), BTreeSet<String>)| AffectedKind {
        group,
        kind,
        components: components.into_iter().collect(),
    };
    comparison.affected = touched.into_iter().map(kind).collect();
    Ok(comparison)
}

/// The row of a component that is on both sides; none where nothing changes.
fn changed(
    source: &Component,
    target: &Component,
    judgment: &Judgment<'_>,
    deployer: Option<&str>,
) -> Result<Option<Row>, NeedsDeployer> {
    let names = source.object_names.as_ref().zip(target.object_names.as_ref());
    let moved = match (&source.used, &target.used) {
        (Some(from), Some(to)) => identity::changes(from, to, names),
        _ => Vec::new(),
    };
    if source.version == target.version {
        return Ok((!moved.is_empty()).then(|| Row {
            from: source.version.clone(),
            identity_changes: moved,
            verdict: Some(Verdict::Unknown),
            reason: Some(Reason::IdentityChanged),
            explanation: Reason::IdentityChanged.sentence().to_owned(),
            fails_run: true,
            ..row(target, ChangeKind::Identity, String::new())
        }));
    }
    let Judgment { transition, stopped_at, jump, covers, breaking, downgrade, .. } = judgment;
    // Two charts need not number their versions as one: a lower number of another chart is no step back.
    let is_other_chart = *downgrade && moved.iter().any(|change| change.field == "chart");
    let jump = if is_other_chart { "" } else { jump.as_str() };
    let (breaking, downgrade) = (*breaking && !is_other_chart, *downgrade && !is_other_chart);
    let (verdict, reason) = match judgment.verdict {
        verdict if is_other_chart && judgment.reason == Reason::Downgrade => (verdict, Reason::IdentityChanged),
        // What was tried was an upgrade in place.
        Verdict::Safe if !moved.is_empty() => (Verdict::Unknown, Reason::IdentityChanged),
        verdict => (verdict, judgment.reason),
    };
    let steps = match transition {
        Some(transition) => steps(&target.name, &transition.steps, deployer)?,
        None => Vec::new(),
    };
    let verified = transition.is_some_and(|transition| !transition.verified_by.is_empty());
    let notes = [
        Some(jump.to_owned()),
        (verified && reason == Reason::Recorded).then(|| "verified".to_owned()),
        (reason == Reason::Recorded && !covers.is_empty()).then(|| format!("{} across {covers}", verdict.name())),
        (reason == Reason::NoBoundaryCrossed).then(|| "record exists, no boundary here".to_owned()),
        stopped_at.as_ref().map(|range| format!("stops at {range}")),
        (!steps.is_empty()).then(|| text::count(steps.len(), "step")),
    ];
    let notes: Vec<String> = notes.into_iter().flatten().filter(|note| !note.is_empty()).collect();
    Ok(Some(Row {
        from: source.version.clone(),
        identity_changes: moved,
        verdict: Some(verdict),
        reason: Some(reason),
        explanation: reason.sentence().to_owned(),
        jump: jump.to_owned(),
        covers: covers.clone(),
        breaking,
        downgrade,
        stopped_at: stopped_at.clone(),
        summary: transition.map(|transition| transition.summary.clone()).unwrap_or_default(),
        precondition: transition.map(|transition| transition.precondition.clone()).unwrap_or_default(),
        steps,
        fails_run: verdict != Verdict::Safe,
        ..row(target, ChangeKind::Version, notes.join(", "))
    }))
}

/// A row that only says that there is one.
fn row(component: &Component, change: ChangeKind, notes: String) -> Row {
    Row {
        component: component.name.clone(),
        change,
        from: String::new(),
        to: component.version.clone(),
        identity_changes: Vec::new(),
        verdict: None,
        notes,
        reason: None,
        explanation: String::new(),
        jump: String::new(),
        covers: String::new(),
        breaking: false,
        downgrade: false,
        stopped_at: None,
        summary: String::new(),
        precondition: String::new(),
        steps: Vec::new(),
        fails_run: false,
    }
}

fn recorded(verdict: Recorded) -> Verdict {
    match verdict {
        Recorded::Safe => Verdict::Safe,
        Recorded::Manual => Verdict::Manual,
        Recorded::Blocked => Verdict::Blocked,
    }
}

fn steps(component: &str, groups: &[StepGroup], deployer: Option<&str>) -> Result<Vec<Step>, NeedsDeployer> {
    match deployer {
        Some(deployer) => Ok(upgrades::steps(groups, deployer).to_vec()),
        None if groups.is_empty() => Ok(Vec::new()),
        None => Err(NeedsDeployer { component: component.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::parse::Document;

    fn component(name: &str, version: &str) -> Component {
        let used = ComponentRef { name: name.into(), version: version.into(), ..ComponentRef::default() };
        Component::of(&used)
    }

    fn moved(name: &str, version: &str, namespace: &str) -> Component {
        let mut component = component(name, version);
        component.used.as_mut().unwrap().namespace = namespace.to_owned();
        component
    }

    fn record(name: &str, body: &str) -> Upgrades {
        let text = format!("apiVersion: aicr.run/v1beta1\nkind: ComponentUpgrades\ncomponent: {name}\n{body}");
        upgrades::read(&Document::parse(&"upgrades.yaml".into(), &text).unwrap(), name).unwrap()
    }

    const SAFE: &str =
        "transitions: [{from: <1.2.0, to: '>=1.2.0 <2.0.0', verdict: safe, verifiedBy: a run, summary: s}]\n";
    const MANUAL: &str = "transitions:\n- {from: <2.0.0, to: '>=2.0.0 <3.0.0', verdict: manual, summary: s, \
                          affectedResources: [{group: x.io, kinds: [X]}], \
                          stepsByDeployer: [{steps: [{id: a, description: d}]}]}\n";

    /// Each row as component, change, verdict and notes.
    #[track_caller]
    fn check(from: &[Component], to: &[Component], records: &[Upgrades], expected: &[&str]) {
        let record = |name: &str| records.iter().find(|record| record.component == name);
        let rows: Vec<String> = compare(from, to, record, Some("helm"))
            .unwrap()
            .rows
            .iter()
            .map(|row| {
                let verdict = row.verdict.map_or("-", Verdict::name);
                let reason = row.reason.map_or("-", Reason::code);
                format!("{} {:?} {verdict}/{reason} fails={}: {}", row.component, row.change, row.fails_run, row.notes)
            })
            .collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn only_what_changes_has_a_row_and_only_a_verdict_can_fail() {
        check(
            &[component("a", "1.1.0"), component("b", "1.0.0"), component("c", "1.0.0"), component("d", "1.0.0")],
            &[component("e", "1.0.0"), component("a", "1.2.3"), component("b", "1.0.0"), component("d", "1.0.1")],
            &[record("a", SAFE)],
            &[
                "e Added -/- fails=false: new component, nothing to do",
                "a Version safe/recorded fails=false: 1 minor, verified, safe across 1 major",
                "d Version unknown/no-record fails=true: 1 patch",
                "c Removed -/- fails=false: stays installed; AICR does not uninstall it",
            ],
        );
    }

    #[test]
    fn a_move_withdraws_safe_and_nothing_else() {
        let records = [record("a", SAFE), record("b", MANUAL)];
        check(
            &[moved("a", "1.1.0", "x"), moved("b", "1.1.0", "x"), moved("c", "1.0.0", "x")],
            &[moved("a", "1.2.3", "y"), moved("b", "2.0.0", "y"), moved("c", "1.0.0", "y")],
            &records,
            &[
                "a Version unknown/identity-changed fails=true: 1 minor",
                "b Version manual/recorded fails=true: 1 major, manual across 1 major, 1 step",
                "c Identity unknown/identity-changed fails=true: ",
            ],
        );
    }

    #[test]
    fn a_component_that_takes_over_is_one_row() {
        let body = "replaces: {component: old, verdict: manual, summary: s, \
                    stepsByDeployer: [{steps: [{id: a, description: d}]}]}\n";
        let records = [record("new", body)];
        check(
            &[component("old", "1.0.0")],
            &[component("new", "2.0.0")],
            &records,
            &["new Replaced manual/recorded fails=true: replaces old"],
        );
        check(
            &[component("old", "1.0.0")],
            &[component("old", "1.0.0"), component("new", "2.0.0")],
            &records,
            &["new Added -/- fails=false: new component, nothing to do"],
        );
    }

    #[test]
    fn steps_need_a_deployer_and_kinds_of_crossed_boundaries_are_listed() {
        let manual = record("b", MANUAL);
        let (from, to) = ([component("b", "1.1.0")], [component("b", "2.1.0")]);
        let refused = compare(&from, &to, |_| Some(&manual), None).unwrap_err();
        assert_eq!(refused.component, "b");
        let comparison = compare(&from, &to, |_| Some(&manual), Some("flux")).unwrap();
        let affected = AffectedKind { group: "x.io".into(), kind: "X".into(), components: vec!["b".into()] };
        assert_eq!(comparison.affected, [affected]);
        assert!(!comparison.names_compared);
        let json = serde_json::to_string(&comparison.rows[0]).unwrap();
        let expected = [
            "component",
            "change",
            "from",
            "to",
            "verdict",
            "notes",
            "reason",
            "explanation",
            "jump",
            "covers",
            "breaking",
            "downgrade",
            "summary",
            "steps",
            "failsRun",
        ];
        let places: Vec<usize> = expected.map(|key| json.find(&format!("\"{key}\":")).expect(key)).to_vec();
        assert!(places.is_sorted(), "{json}");
    }
}
