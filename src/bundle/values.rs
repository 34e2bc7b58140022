//! The Helm values of a component in a bundle: those of the recipe, what bundling adds, and what a person sets over them.
//!
//! In: catalog, recipe, component, flags. Out: values, and every addition with the rule that made it. The rules are the
//! reference's: whoever tolerates nothing by name tolerates everything, DRA pods roll with the GPU operator, and an
//! inference gateway is private until somebody opens it. Two of its leaks are not kept: `overrides.enabled` does not reach
//! the values, and a selector flag does not wipe out what `--set` says below it.

use super::{flags::path_text, settle::Settled};
use crate::{
    catalog::{Catalog, component::Component as Entry},
    document::traced::{Layer, Traced},
    recipe::{ComponentRef, Recipe, locks::Input},
    resolve::{ResolveError, hydrate, merge::Fields},
};
use serde_json::{Map, Value, json};

#[derive(Clone, Debug, PartialEq)]
pub struct BundleValues {
    pub values: Value,
    /// In the order in which they were made.
    pub added: Vec<Added>,
    /// What the recipe holds, each value with the values file that wrote it.
    pub hydrated: Traced,
    /// Of `hydrated`.
    pub layers: Vec<Layer>,
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
    NodeSelector,
    /// Everything is tolerated.
    Tolerations,
    /// What a flag names is tolerated.
    GivenTolerations,
    WorkloadSelector,
    WorkloadGate,
    NodeCount,
    StorageClass,
    SharedStorageClass,
    DraEviction,
    Set,
    SetFile,
    SetJson,
    RollWithGpuOperator,
    PrivateSourceRanges,
}

impl Rule {
    pub fn why(self) -> &'static str {
        match self {
            Rule::NodeSelector => "a node selector was given",
            Rule::Tolerations => "no tolerations were asked for, so pods may run on every node",
            Rule::GivenTolerations => "tolerations were given",
            Rule::WorkloadSelector => "--workload-selector",
            Rule::WorkloadGate => "--workload-gate",
            Rule::NodeCount => "--nodes",
            Rule::StorageClass => "--storage-class",
            Rule::SharedStorageClass => "--shared-storage-class",
            Rule::DraEviction => "--dra-eviction-node-label",
            Rule::Set => "--set",
            Rule::SetFile => "--set-file",
            Rule::SetJson => "--set-json",
            Rule::RollWithGpuOperator => "a new version of the GPU operator restarts the pods of the DRA driver",
            Rule::PrivateSourceRanges => "the gateway's load balancer is for private networks until ranges are given",
        }
    }

    /// Whether a person asked for it, rather than bundling by itself.
    pub fn is_flag(self) -> bool {
        !matches!(self, Rule::Tolerations | Rule::RollWithGpuOperator | Rule::PrivateSourceRanges)
    }
}

/// Why a component has no values.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BundleError {
    /// A file that the recipe names.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A path leads through something that is not a mapping.
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

/// What Helm gets for a component of a recipe without flags.
///
/// # Errors
/// A values file that the catalog lacks; a path of the registry through a scalar.
pub fn of(catalog: &Catalog, recipe: &Recipe, component: &ComponentRef) -> Result<BundleValues, BundleError> {
    with(catalog, recipe, component, &Settled::default())
}

/// What Helm gets for a component of a recipe, with what was set over it.
///
/// # Errors
/// As [`of`]; a path of a flag through a scalar.
pub fn with(
    catalog: &Catalog,
    recipe: &Recipe,
    component: &ComponentRef,
    settled: &Settled,
) -> Result<BundleValues, BundleError> {
    // The switch of the resolver is none of the chart's; one that a values file sets is.
    let mut switched = component.overrides.clone();
    switched.remove("enabled");
    let mut fields = Fields::new();
    if !component.values_file.is_empty() {
        fields.insert("valuesFile", Traced::unwritten(component.values_file.as_str().into()));
    }
    if !switched.is_empty() {
        fields.insert("overrides", Traced::from_value(&Value::Object(switched)));
    }
    let mut layers = Vec::new();
    let hydrated = hydrate::hydrate(catalog, &component.name, &fields, &mut layers, &mut Vec::new())?;
    let mut values = hydrated.to_value();
    let mut added = match catalog.registry.components.get(&component.name) {
        Some(entry) => scheduling(entry, component, settled),
        None => Vec::new(),
    };
    added.extend(eviction(component, &values, settled));
    // Weakest first: `--set`, `--set-file`, `--set-json`.
    added.extend(settled.overrides(&component.name).map(|given| Added {
        path: given.path.0.clone(),
        value: given.value.clone(),
        rule: match given.input {
            Input::Set => Rule::Set,
            Input::SetFile => Rule::SetFile,
            Input::SetJson => Rule::SetJson,
        },
    }));
    added.retain(|added| !settled.is_dynamic(&component.name, &added.path) || added.rule.is_flag());
    added.extend(roll(recipe, component));
    for step in &added {
        apply(&mut values, step, component)?;
    }
    // Last, because whether ranges are given is for the flags to say.
    if let Some(ranges) = source_ranges(component, &values) {
        apply(&mut values, &ranges, component)?;
        added.push(ranges);
    }
    Ok(BundleValues { values, added, hydrated, layers })
}

fn apply(values: &mut Value, step: &Added, component: &ComponentRef) -> Result<(), BundleError> {
    let result = match step.rule {
        Rule::SetFile | Rule::SetJson => lay(values, &step.path, &step.value),
        _ => put(values, &step.path, step.value.clone()),
    };
    result.map_err(|(depth, found)| BundleError::NotAMapping {
        component: component.name.clone(),
        path: path_text(&step.path),
        above: path_text(&step.path[..depth]),
        found: found.to_string(),
    })
}

/// Values paths of a registry entry, below these keys.
pub(super) fn paths<'e>(entry: &'e Entry, keys: &[&str]) -> impl Iterator<Item = &'e str> {
    let node = keys.iter().try_fold(&entry.node, |node, key| node.get(key));
    node.into_iter().flat_map(|paths| paths.items()).filter_map(|path| path.text())
}

pub(super) fn split(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

/// Where pods run and what on, at the paths of the registry.
fn scheduling(entry: &Entry, component: &ComponentRef, settled: &Settled) -> Vec<Added> {
    let flags = &settled.scheduling;
    let mut added: Vec<Added> = Vec::new();
    // A path of both groups has the tolerations of the later one, and is written once.
    let mut tolerated: Vec<(&str, Added)> = Vec::new();
    for (group, nodes) in [("system", &flags.system), ("accelerated", &flags.accelerated)] {
        if !nodes.selector.is_empty() {
            added.extend(paths(entry, &["nodeScheduling", group, "nodeSelectorPaths"]).map(|path| Added {
                path: split(path),
                value: super::flags::labels(&nodes.selector),
                rule: Rule::NodeSelector,
            }));
        }
        let rule = if nodes.tolerations.is_empty() { Rule::Tolerations } else { Rule::GivenTolerations };
        for path in paths(entry, &["nodeScheduling", group, "tolerationPaths"]) {
            if let Some(value) = tolerations(component, path, nodes.tolerations()) {
                tolerated.retain(|(known, _)| *known != path);
                tolerated.push((path, Added { path: split(path), value, rule }));
            }
        }
    }
    added.extend(tolerated.into_iter().map(|(_, added)| added));
    let mut at = |keys: &[&str], value: Option<Value>, rule: Rule| {
        let Some(value) = value else { return };
        added.extend(paths(entry, keys).map(|path| Added { path: split(path), value: value.clone(), rule }));
    };
    let workload = (!flags.workload_selector.is_empty()).then(|| super::flags::labels(&flags.workload_selector));
    at(&["podScheduling", "workload", "workloadSelectorPaths"], workload, Rule::WorkloadSelector);
    let gate = flags.workload_gate.as_ref().map(|taint| taint.text().into());
    at(&["nodeScheduling", "accelerated", "taintStrPaths"], gate, Rule::WorkloadGate);
    at(&["nodeScheduling", "nodeCountPaths"], (flags.nodes > 0).then(|| flags.nodes.into()), Rule::NodeCount);
    let class = |name: &Option<String>| name.as_deref().map(Value::from);
    at(&["storageClassPaths"], class(&flags.storage_class), Rule::StorageClass);
    at(&["sharedStorageClassPaths"], class(&flags.shared_storage_class), Rule::SharedStorageClass);
    added
}

/// The list at a path: what the recipe tolerates, and these; `None` where the recipe opts out with an empty list.
fn tolerations(component: &ComponentRef, path: &str, given: Vec<Value>) -> Option<Value> {
    let mut list = match lookup(&component.overrides, &split(path)) {
        Some(Value::Array(items)) if items.is_empty() => return None,
        Some(Value::Object(entries)) if entries.is_empty() => return None,
        Some(Value::Array(items)) => items.clone(),
        _ => Vec::new(),
    };
    list.extend(given);
    Some(list.into())
}

/// What empties nodes of DRA pods by a label, in the three components that take part.
fn eviction(component: &ComponentRef, values: &Value, settled: &Settled) -> Vec<Added> {
    let Some(key) = &settled.scheduling.dra_eviction_node_label else { return Vec::new() };
    let added = |path: &[&str], value: Value| Added {
        path: path.iter().map(|key| (*key).to_owned()).collect(),
        value,
        rule: Rule::DraEviction,
    };
    match &*component.name {
        "nvidia-dra-driver-gpu" => vec![added(&["kubeletPlugin", "nodeSelector", key], "true".into())],
        "gpu-operator" => {
            let name = "NODE_LABEL_FOR_GPU_POD_EVICTION";
            let known = values.pointer("/driver/manager/env").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut env: Vec<Value> = known.into_iter().filter(|entry| entry["name"] != name).collect();
            env.push(json!({"name": name, "value": key}));
            vec![added(&["driver", "manager", "env"], env.into())]
        }
        LABELER => vec![added(&["enabled"], true.into()), added(&["labelKey"], key.as_str().into())],
        _ => Vec::new(),
    }
}

/// The component that is in a bundle only where nodes are emptied by a label.
pub(super) const LABELER: &str = "dra-node-labeler";

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
pub(super) fn lookup<'v>(overrides: &'v Map<String, Value>, path: &[String]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(overrides.get(first)?, |value, key| value.get(key))
}

/// Writes a value at a path, with mappings on the way where nothing is; the error is how many keys lead to what is there
/// instead, and what that is.
pub(super) fn put(values: &mut Value, path: &[String], value: Value) -> Result<(), (usize, Value)> {
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

/// Writes over a path: mappings are merged, `null` takes a key away, everything else replaces.
fn lay(values: &mut Value, path: &[String], over: &Value) -> Result<(), (usize, Value)> {
    let Some((last, above)) = path.split_last() else { return Ok(()) };
    let mut place = &mut *values;
    for (depth, key) in above.iter().enumerate() {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(entries) = place else { return Err((depth, place.clone())) };
        place = entries.entry(key.as_str()).or_insert(Value::Null);
    }
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    let Value::Object(entries) = place else { return Err((above.len(), place.clone())) };
    merge(entries, last, over);
    Ok(())
}

fn merge(entries: &mut Map<String, Value>, key: &str, over: &Value) {
    match (entries.get_mut(key), over) {
        (_, Value::Null) => drop(entries.remove(key)),
        (Some(Value::Object(known)), Value::Object(children)) => {
            children.iter().for_each(|(key, child)| merge(known, key, child));
        }
        _ => drop(entries.insert(key.to_owned(), over.clone())),
    }
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
