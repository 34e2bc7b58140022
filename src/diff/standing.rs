//! How a value of a recipe stands: which constraints speak about it or its component, and what the cluster runs in its place.
//!
//! In: the recipe's document, what is known of the cluster, the path of a value. Out: rules and readings, each judged. Where no
//! release or node says what runs, nothing is said; what could not be read is unknown.

use super::observed;
use crate::{
    constraint::{self, Verdict},
    document::{
        selector::{self, Segment},
        traced::{Traced, TracedValue},
    },
    inventory::Inventory,
};

/// What is said of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    pub rules: Vec<Rule>,
    /// What the cluster has in its place: it passes where it is the same.
    pub running: Option<Running>,
}

/// A constraint, on the cluster as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub name: String,
    /// The phase of validation that has it.
    pub phase: Option<String>,
    pub expected: String,
    pub verdict: Verdict,
}

/// What runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// `release gpu-operator in gpu-operator`, or `nodes`.
    pub place: String,
    pub verdict: Verdict,
}

/// The component whose values choose the driver, and what nodes say of it.
const DRIVER: (&str, &str) = ("gpu-operator", "GPU.smi.driver");
const DRIVER_RULE: &str = "Deployment.gpu-driver.version";

/// How the value at a path stands; without an inventory, which constraints speak about it.
pub fn of(document: &Traced, inventory: Option<&Inventory>, path: &str) -> Standing {
    let Ok(selector) = selector::parse(path) else { return Standing::default() };
    match &selector.segments[..] {
        [Segment::Key(top), Segment::Key(name), below @ ..] if top == "components" => {
            let keys: Vec<&str> = below.iter().map_while(key).collect();
            component(document, inventory, name, &keys)
        }
        [Segment::Key(top), Segment::Where { value, .. }, ..] if top == "constraints" => {
            only(rules(document, inventory), |rule| rule.phase.is_none() && rule.name == *value)
        }
        [Segment::Key(top), Segment::Key(phase), Segment::Key(list), Segment::Where { value, .. }, ..]
            if top == "validation" && list == "constraints" =>
        {
            only(rules(document, inventory), |rule| rule.phase.as_ref() == Some(phase) && rule.name == *value)
        }
        _ => Standing::default(),
    }
}

fn key(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Key(key) => Some(key),
        _ => None,
    }
}

fn only(rules: Vec<Rule>, is_meant: impl Fn(&Rule) -> bool) -> Standing {
    Standing { rules: rules.into_iter().filter(is_meant).collect(), running: None }
}

fn component(document: &Traced, inventory: Option<&Inventory>, name: &str, keys: &[&str]) -> Standing {
    let is_driver = name == DRIVER.0 && keys.starts_with(&["values", "driver"]);
    let version = format!("Deployment.{name}.version");
    // Of its many values, only those of the driver have a constraint of their own.
    let is_value = keys.first() == Some(&"values");
    let is_meant = |rule: &Rule| match is_value {
        true => is_driver && rule.name == DRIVER_RULE,
        false => rule.name == version,
    };
    let mut standing = only(rules(document, inventory), is_meant);
    let Some(inventory) = inventory else { return standing };
    let wanted = |key: &str| {
        let part = keys.iter().fold(document.get("components").and_then(|all| all.get(name)), |at, key| at?.get(key));
        let own = document.get("components").and_then(|all| all.get(name)).and_then(|it| it.get(key));
        if keys.is_empty() { own } else { part }.and_then(Traced::as_text).filter(|text| !text.is_empty())
    };
    if is_driver && keys == ["values", "driver", "version"] {
        standing.running = wanted("version").and_then(|wanted| {
            let verdict = constraint::judge(DRIVER.1, &format!("== {wanted}"), inventory);
            verdict.actual().is_some().then(|| Running { place: "nodes".to_owned(), verdict })
        });
        return standing;
    }
    let field = match keys {
        [] => "version",
        ["version" | "chart" | "namespace"] => keys[0],
        _ => return standing,
    };
    standing.running = wanted(field).and_then(|wanted| {
        let release = observed::release_of(document, inventory, name)?;
        let found = observed::field(&release, field)?.to_owned();
        let of = release.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in {namespace}"));
        let verdict = match observed::same(field, wanted, &found) {
            true => Verdict::Pass { actual: found, nodes: None },
            false => Verdict::Fail { actual: found, nodes: None },
        };
        Some(Running { place: format!("release {}{of}", release.name), verdict })
    });
    standing
}

/// Every constraint of a recipe, judged.
fn rules(document: &Traced, inventory: Option<&Inventory>) -> Vec<Rule> {
    let list = |phase: Option<&str>, list: Option<&Traced>| {
        let items = match list.map(|list| &list.value) {
            Some(TracedValue::List(items)) => items.as_slice(),
            _ => &[],
        };
        let rule = |item: &Traced| {
            let text = |key: &str| item.get(key).and_then(Traced::as_text).map(str::to_owned);
            let (name, expected) = (text("name")?, text("value").unwrap_or_default());
            let verdict = judge(document, inventory, (&name, &expected));
            Some(Rule { name, phase: phase.map(str::to_owned), expected, verdict })
        };
        items.iter().filter_map(rule).collect::<Vec<_>>()
    };
    let mut rules = list(None, document.get("constraints"));
    if let Some(TracedValue::Map(phases)) = document.get("validation").map(|phases| &phases.value) {
        for (phase, spec) in phases {
            rules.extend(list(Some(phase), spec.get("constraints")));
        }
    }
    rules
}

/// A constraint on a snapshot as such, and one on what is deployed, which checks of validation read, as far as it is known here.
fn judge(document: &Traced, inventory: Option<&Inventory>, (name, expected): (&str, &str)) -> Verdict {
    let unknown = |reason: &str| Verdict::Unknown { actual: None, reason: reason.to_owned(), nodes: None };
    let Some(inventory) = inventory else { return unknown("no cluster is shown") };
    if name == DRIVER_RULE {
        return constraint::judge(DRIVER.1, expected, inventory);
    }
    let component = name.strip_prefix("Deployment.").and_then(|rest| rest.strip_suffix(".version"));
    let Some(component) = component else { return constraint::judge(name, expected, inventory) };
    let release = observed::release_of(document, inventory, component);
    match release.and_then(|release| release.version) {
        None => unknown("no release says which version runs"),
        Some(actual) => match constraint::holds(expected, &actual) {
            Ok(true) => Verdict::Pass { actual, nodes: None },
            Ok(false) => Verdict::Fail { actual, nodes: None },
            Err(error) => Verdict::Unknown { actual: Some(actual), reason: error.to_string(), nodes: None },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        Fact, Object, Source,
        release::{KeptIn, Release},
    };
    use serde_json::json;

    fn cluster(version: &str) -> Inventory {
        let release = Release {
            name: "gpu-operator".into(),
            namespace: Some("gpu".into()),
            chart: Some("gpu-operator".into()),
            version: Some(version.into()),
            status: Some("deployed".into()),
            revision: Some(1),
            kept_in: KeptIn::default(),
        };
        let releases = Fact::known(vec![release], Source::of(Object::Node, "test"));
        Inventory { releases, ..Inventory::default() }
    }

    fn recipe() -> Traced {
        Traced::from_value(&json!({
            "constraints": [{"name": "K8s.server.version", "value": ">= 1.32"}],
            "components": {
                "gpu-operator": {"chart": "gpu-operator", "version": "v26.3.0", "namespace": "gpu", "values": {"driver": {"version": "580.1"}}},
                "nfd": {"chart": "nfd", "version": "1.0.0"},
            },
            "validation": {"deployment": {"constraints": [
                {"name": "Deployment.gpu-operator.version", "value": ">= v25.10.0"},
                {"name": "Deployment.gpu-driver.version", "value": ">= 575"},
            ]}},
        }))
    }

    /// Rules and what runs, in one line each.
    #[track_caller]
    fn check(inventory: Option<&Inventory>, path: &str, expected: &[&str]) {
        let word = |verdict: &Verdict| match verdict {
            Verdict::Pass { actual, .. } => format!("pass {actual}"),
            Verdict::Fail { actual, .. } => format!("fail {actual}"),
            Verdict::Unknown { reason, .. } => format!("unknown: {reason}"),
        };
        let standing = of(&recipe(), inventory, path);
        let rules =
            standing.rules.iter().map(|rule| format!("{} {}: {}", rule.name, rule.expected, word(&rule.verdict)));
        let running = standing.running.iter().map(|running| format!("{}: {}", running.place, word(&running.verdict)));
        assert_eq!(rules.chain(running).collect::<Vec<_>>(), expected, "{path}");
    }

    #[test]
    fn the_version_of_a_component_has_its_constraint_and_its_release() {
        let rule = "Deployment.gpu-operator.version >= v25.10.0";
        let met = [format!("{rule}: pass v26.3.0"), "release gpu-operator in gpu: pass v26.3.0".to_owned()];
        let met: Vec<&str> = met.iter().map(String::as_str).collect();
        check(Some(&cluster("v26.3.0")), "components.gpu-operator.version", &met);
        check(Some(&cluster("v26.3.0")), "components.gpu-operator", &met);
        let older = [format!("{rule}: fail v24.6.0"), "release gpu-operator in gpu: fail v24.6.0".to_owned()];
        let older: Vec<&str> = older.iter().map(String::as_str).collect();
        check(Some(&cluster("v24.6.0")), "components.gpu-operator.version", &older);
        let unknown = format!("{rule}: unknown: no release says which version runs");
        check(Some(&Inventory::default()), "components.gpu-operator.version", &[&unknown]);
        check(None, "components.gpu-operator.version", &[&format!("{rule}: unknown: no cluster is shown")]);
    }

    #[test]
    fn a_value_of_the_driver_has_the_constraint_on_the_driver_and_others_have_none() {
        let inventory = cluster("v26.3.0");
        let standing = of(&recipe(), Some(&inventory), "components.gpu-operator.values.driver.version");
        let names: Vec<&str> = standing.rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["Deployment.gpu-driver.version"]);
        assert_eq!(standing.running, None, "no node says its driver");
        check(Some(&inventory), "components.gpu-operator.values.toolkit.enabled", &[]);
        check(Some(&inventory), "components.nfd.version", &[]);
        check(Some(&inventory), "deploymentOrder", &[]);
        check(
            Some(&inventory),
            "components.gpu-operator.namespace",
            &["Deployment.gpu-operator.version >= v25.10.0: pass v26.3.0", "release gpu-operator in gpu: pass gpu"],
        );
    }

    #[test]
    fn a_constraint_is_judged_where_it_stands() {
        let standing = of(&recipe(), Some(&cluster("v24.6.0")), "constraints[name=K8s.server.version].value");
        assert_eq!(standing.rules.len(), 1);
        assert!(matches!(standing.rules[0].verdict, Verdict::Unknown { .. }), "{standing:?}");
        let path = "validation.deployment.constraints[name=Deployment.gpu-operator.version].value";
        check(Some(&cluster("v24.6.0")), path, &["Deployment.gpu-operator.version >= v25.10.0: fail v24.6.0"]);
    }
}
