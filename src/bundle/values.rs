//! The Helm values of one component in a bundle without flags: those of the recipe, and what bundling adds.
//!
//! In: catalog, recipe, component. Out: values, and every addition with the rule that made it. The rules are the
//! reference's: whoever tolerates nothing by name tolerates everything, DRA pods roll with the GPU operator, and an
//! inference gateway is private until somebody opens it. Only its leak of `overrides.enabled` into the values is not kept.

use crate::{
    catalog::Catalog,
    recipe::{ComponentRef, Recipe},
    resolve::{ResolveError, hydrate},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

#[derive(Clone, Debug, PartialEq)]
pub struct BundleValues {
    pub values: Value,
    /// In the order in which they were made.
    pub added: Vec<Added>,
}

/// One value that the recipe does not hold.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Added {
    /// Keys from the top of the values.
    pub path: Vec<String>,
    pub value: Value,
    pub rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    Tolerations,
    RollWithGpuOperator,
    PrivateSourceRanges,
}

impl Rule {
    pub fn why(self) -> &'static str {
        match self {
            Rule::Tolerations => "no tolerations were asked for, so pods may run on every node",
            Rule::RollWithGpuOperator => "a new version of the GPU operator restarts the pods of the DRA driver",
            Rule::PrivateSourceRanges => "the gateway's load balancer is for private networks until ranges are given",
        }
    }
}

/// Why a component has no values.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BundleError {
    /// A file that the recipe names.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A path of the registry leads through something that is not a mapping.
    #[error("cannot set `{path}` in the values of `{component}`: `{above}` is `{found}`, not a mapping")]
    NotAMapping {
        /// Whose values.
        component: String,
        /// What was to be set.
        path: String,
        /// The part of the path that is in the way.
        above: String,
        /// What is there, as JSON.
        found: String,
    },
}

/// Networks that no router of the internet carries.
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// What Helm gets for a component of a recipe.
///
/// # Errors
/// A values file that the catalog lacks; a path of the registry through a scalar.
pub fn of(catalog: &Catalog, recipe: &Recipe, component: &ComponentRef) -> Result<BundleValues, BundleError> {
    // The switch of the resolver is none of the chart's; one that a values file sets is.
    let mut switched = component.clone();
    switched.overrides.remove("enabled");
    let mut values = hydrate::plain(catalog, &switched)?;
    let mut added = tolerations(catalog, component);
    added.extend(roll(recipe, component));
    added.extend(source_ranges(component, &values));
    for Added { path, value, .. } in &added {
        put(&mut values, path, value.clone()).map_err(|(depth, found)| BundleError::NotAMapping {
            component: component.name.clone(),
            path: path.join("."),
            above: path[..depth].join("."),
            found: found.to_string(),
        })?;
    }
    Ok(BundleValues { values, added })
}

/// At every path of the registry, unless the recipe says otherwise: an empty list there opts out, a longer one is kept.
fn tolerations(catalog: &Catalog, component: &ComponentRef) -> Vec<Added> {
    let scheduling =
        catalog.registry.components.get(&component.name).and_then(|entry| entry.node.get("nodeScheduling"));
    let groups =
        ["system", "accelerated"].into_iter().filter_map(|group| scheduling?.get(group)?.get("tolerationPaths"));
    let mut seen = BTreeSet::new();
    groups
        .flat_map(|paths| paths.items())
        .filter_map(|path| path.text())
        .filter(|path| seen.insert(*path))
        .filter_map(|path| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            let mut list = match lookup(&component.overrides, &path) {
                Some(Value::Array(items)) if items.is_empty() => return None,
                Some(Value::Object(entries)) if entries.is_empty() => return None,
                Some(Value::Array(items)) => items.clone(),
                _ => Vec::new(),
            };
            list.push(json!({"operator": "Exists"}));
            Some(Added { path, value: list.into(), rule: Rule::Tolerations })
        })
        .collect()
}

/// The operator's version as an annotation of the DRA driver's pods.
fn roll(recipe: &Recipe, component: &ComponentRef) -> Vec<Added> {
    let operator = recipe.components.iter().find(|other| other.name == "gpu-operator" && other.is_enabled());
    let version = operator.map(|operator| &operator.version).filter(|version| !version.is_empty());
    let Some(version) = version.filter(|_| component.name == "nvidia-dra-driver-gpu") else { return Vec::new() };
    let path = |pods: &str| [pods, "podAnnotations", "aicr.run/gpu-operator-chart-version"].map(str::to_owned).to_vec();
    let annotate = |pods| Added { path: path(pods), value: version.as_str().into(), rule: Rule::RollWithGpuOperator };
    ["controller", "kubeletPlugin"].map(annotate).to_vec()
}

fn source_ranges(component: &ComponentRef, values: &Value) -> Option<Added> {
    let key = "allowedSourceRanges";
    let given = values.get(key).is_some_and(|ranges| !ranges.is_null() && *ranges != json!([]));
    (component.name == "agentgateway" && !given).then(|| Added {
        path: vec![key.to_owned()],
        value: json!(PRIVATE),
        rule: Rule::PrivateSourceRanges,
    })
}

/// The value at a path; `None` where a key is missing or its parent is not a mapping.
fn lookup<'v>(overrides: &'v Map<String, Value>, path: &[String]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(overrides.get(first)?, |value, key| value.get(key))
}

/// Writes a value at a path, with mappings on the way where nothing is; the error is how many keys lead to what is there
/// instead, and what that is.
fn put(values: &mut Value, path: &[String], value: Value) -> Result<(), (usize, Value)> {
    let mut place = values;
    for (depth, key) in path.iter().enumerate() {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(entries) = place else { return Err((depth, place.clone())) };
        place = entries.entry(key.as_str()).or_insert(Value::Null);
    }
    *place = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::catalog_dir;

    fn catalog() -> Catalog {
        Catalog::new(catalog_dir::load(&Default::default()).expect("the embedded catalog"))
            .expect("the embedded catalog")
    }

    fn component(name: &str, overrides: Value) -> ComponentRef {
        let overrides = overrides.as_object().cloned().unwrap_or_default();
        ComponentRef { name: name.into(), version: "v1.2.3".into(), overrides, ..ComponentRef::default() }
    }

    #[track_caller]
    fn check(components: &[ComponentRef], path: &str, expected: Value) {
        let recipe = Recipe { components: components.to_vec(), ..Recipe::default() };
        let bundled = of(&catalog(), &recipe, &components[0]).expect("there are values");
        assert_eq!(bundled.values.pointer(path).unwrap_or(&Value::Null), &expected);
        for added in &bundled.added {
            let pointer: String = added.path.iter().map(|key| format!("/{}", key.replace('/', "~1"))).collect();
            assert_eq!(bundled.values.pointer(&pointer), Some(&added.value), "{added:?}");
        }
    }

    #[test]
    fn pods_tolerate_everything_unless_the_recipe_says_otherwise() {
        let at = "/daemonsets/tolerations";
        let everything = json!({"operator": "Exists"});
        check(&[component("gpu-operator", json!({}))], at, json!([everything]));
        check(&[component("gpu-operator", json!({"daemonsets": {"tolerations": []}}))], at, json!([]));
        check(&[component("gpu-operator", json!({"daemonsets": {"tolerations": {}}}))], at, json!({}));
        let named = json!({"key": "gpu"});
        let own = component("gpu-operator", json!({"daemonsets": {"tolerations": [named]}}));
        check(&[own], at, json!([named, everything]));
    }

    #[test]
    fn the_switch_of_a_recipe_does_not_reach_the_chart_and_that_of_a_values_file_does() {
        check(&[component("gpu-operator", json!({"enabled": true}))], "/enabled", Value::Null);
        let file = "components/prometheus-operator-crds/values.yaml".to_owned();
        let crds = ComponentRef { values_file: file, ..component("prometheus-operator-crds", json!({})) };
        check(&[crds], "/enabled", json!(true));
    }

    #[test]
    fn a_path_of_both_groups_is_written_once() {
        let bundled = of(&catalog(), &Recipe::default(), &component("nfd", json!({}))).expect("there are values");
        let worker = bundled.added.iter().filter(|added| added.path == ["worker", "tolerations"]).count();
        assert_eq!(worker, 1);
        assert_eq!(bundled.values["worker"]["tolerations"], json!([{"operator": "Exists"}]));
    }

    #[test]
    fn the_dra_driver_rolls_with_an_enabled_gpu_operator_only() {
        let at = "/controller/podAnnotations/aicr.run~1gpu-operator-chart-version";
        let driver = component("nvidia-dra-driver-gpu", json!({}));
        check(&[driver.clone(), component("gpu-operator", json!({}))], at, json!("v1.2.3"));
        check(&[driver.clone(), component("gpu-operator", json!({"enabled": false}))], at, Value::Null);
        check(&[driver], at, Value::Null);
    }

    #[test]
    fn a_gateway_is_private_until_ranges_are_given() {
        let at = "/allowedSourceRanges";
        check(&[component("agentgateway", json!({}))], at, json!(PRIVATE));
        check(&[component("agentgateway", json!({"allowedSourceRanges": []}))], at, json!(PRIVATE));
        let given = json!(["192.0.2.0/24"]);
        check(&[component("agentgateway", json!({"allowedSourceRanges": given}))], at, given);
    }

    #[test]
    fn a_path_through_a_scalar_is_an_error_that_names_it() {
        let odd = component("gpu-operator", json!({"daemonsets": 3}));
        let error = of(&catalog(), &Recipe::default(), &odd).expect_err("`daemonsets` is a number");
        assert_eq!(
            error.to_string(),
            "cannot set `daemonsets.tolerations` in the values of `gpu-operator`: `daemonsets` is `3`, not a mapping"
        );
    }
}
