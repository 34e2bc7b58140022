//! Typed settings of a recipe: which hold, what each writes, and what a cluster says about what they depend on.
//!
//! In: the settings that were decided, and what overlays and mixins made. Out: the settings that the recipe records, each
//! laid over overlays and below profiles as a layer of its own.

use super::{
    Build, CoverageRule, Options, ResolveError,
    finish::{derive, is_enabled},
    hydrate,
    merge::{self, Fields},
    select,
};
use crate::{
    catalog::{
        Catalog,
        overlay::{Overlay, Spec},
    },
    criteria::Criteria,
    document::traced::{Layer, LayerKind, Traced, TracedValue},
    inventory::{Inventory, Record},
    recipe::{
        Accounting, ComponentRef, Configuration, ConfigurationError, Recipe, RuntimeInventory, SelectedProfile, Slurm,
        States,
        configuration::{self, DATABASE, INVENTORY, INVENTORY_MODES, RUNTIME, SLURM, SLURM_MODES, TRAINER, TRANSPORT},
    },
    settings,
    snapshot::{path, record_but_nodes},
    yaml::{self, Node},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

impl From<ConfigurationError> for ResolveError {
    fn from(error: ConfigurationError) -> ResolveError {
        ResolveError::Configuration(Box::new(error))
    }
}

/// Lays the settings over what overlays and mixins made, and keeps them for the recipe.
///
/// # Errors
/// A setting that is none, or not one of these criteria and components; one that is needed and absent.
pub(super) fn apply(
    build: &mut Build<'_>,
    asked: &Configuration,
    criteria: &Criteria,
    options: Options,
) -> Result<(), ResolveError> {
    configuration::check_criteria(asked, criteria)?;
    let Configuration { slurm, runtime_inventory, gke } = asked;
    let inventory = runtime_inventory.as_ref().map(|inventory| inventory_of(build, inventory, criteria)).transpose()?;
    let slurm = slurm_of(build, slurm.as_ref(), criteria)?;
    let lacks = lacks_for_interfaces(&build.merged.components);
    match (gke, lacks) {
        (Some(_), Some(component)) => {
            let what = "--gke-tcpxo-interfaces";
            return Err(ConfigurationError::NoComponent { what, component }.into());
        }
        (None, None) if configuration::is_for_interfaces(criteria) && is_demanding(options) => {
            return Err(ConfigurationError::InterfacesNeeded.into());
        }
        _ => {}
    }
    let decided = Configuration { slurm, runtime_inventory: inventory, gke: gke.clone() };
    for setting in decided.decided() {
        let layer = build.layers.len();
        build.layers.push(Layer::new(LayerKind::Configuration, &setting.name, "", ""));
        for (component, path, value) in setting.writes {
            let known = build.merged.components.entry(component.to_owned());
            let fields = known.or_insert_with(|| granted(component, layer));
            put(fields, path, value, layer);
        }
    }
    build.configuration = decided;
    Ok(())
}

/// A setting that a person has a choice of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its flag.
    pub flag: &'static str,
    /// Empty for what only a person can write.
    pub modes: &'static [&'static str],
    /// The mode where nobody decides; `None` where the recipe stays as overlays made it.
    pub default: Option<&'static str>,
}

/// The settings that criteria have a choice of, in the order of their flags.
pub fn offered(catalog: &Catalog, criteria: &Criteria) -> Vec<Offered> {
    let mut offered = Vec::new();
    if criteria.platform.as_deref() == Some("slurm") {
        let default = Some(SLURM_MODES[0]);
        offered.push(Offered { flag: settings::SLURM_FLAG, modes: &SLURM_MODES, default });
    }
    let names = |node: &Node| node.get("name").and_then(Node::text) == Some(INVENTORY);
    let lists = |spec: &Spec| spec.components.iter().any(names);
    let has = |overlay: &&Overlay| {
        let body = overlay.body();
        let mut mixins = body.mixins.iter().filter_map(|(name, _)| catalog.mixins.get(name));
        lists(&body.spec) || mixins.any(|mixin| lists(&mixin.spec))
    };
    let leaves = select::leaves(catalog, criteria);
    let mut chains = leaves.into_iter().filter_map(|leaf| select::chain(catalog, leaf).ok()).flatten();
    if criteria.service.as_deref() == Some("gke")
        || lists(&catalog.base.body().spec)
        || chains.any(|overlay| has(&overlay))
    {
        offered.push(Offered { flag: settings::INVENTORY_FLAG, modes: &INVENTORY_MODES, default: None });
    }
    if configuration::is_for_interfaces(criteria) {
        offered.push(Offered { flag: settings::INTERFACES_FLAG, modes: &[], default: None });
    }
    offered
}

/// Whether a recipe that lacks what its owner must say is refused.
fn is_demanding(options: Options) -> bool {
    !options.compat && options.rule != CoverageRule::Lenient
}

/// Slurm's accounting is decided wherever a recipe has its parts.
fn slurm_of(build: &Build<'_>, asked: Option<&Slurm>, criteria: &Criteria) -> Result<Option<Slurm>, ResolveError> {
    let missing = [SLURM].into_iter().chain(DATABASE).find(|name| !build.merged.components.contains_key(*name));
    match (asked, missing) {
        (Some(_), Some(component)) => {
            let what = "--slurm-accounting-mode";
            Err(ConfigurationError::NoComponent { what, component }.into())
        }
        (Some(slurm), None) => {
            let mode = configuration::slurm_mode(&slurm.accounting.mode)?;
            Ok(Some(Slurm { accounting: Accounting { mode: mode.to_owned() } }))
        }
        (None, None) if criteria.platform.as_deref() == Some("slurm") => {
            Ok(Some(Slurm { accounting: Accounting { mode: SLURM_MODES[0].to_owned() } }))
        }
        (None, _) => Ok(None),
    }
}

/// The inventory of what runs: a recipe that has it keeps or loses it; on GKE one that does not mention it may get it.
fn inventory_of(
    build: &Build<'_>,
    asked: &RuntimeInventory,
    criteria: &Criteria,
) -> Result<RuntimeInventory, ResolveError> {
    let enable = asked.mode == INVENTORY_MODES[0];
    match build.merged.components.get(INVENTORY) {
        Some(fields) if enable && !is_enabled(fields) => return Err(ConfigurationError::Declined.into()),
        Some(_) => {}
        None if !enable || !build.catalog.registry.components.contains_key(INVENTORY) => {
            let what = "--runtime-inventory";
            return Err(ConfigurationError::NoComponent { what, component: INVENTORY }.into());
        }
        None if criteria.service.as_deref() != Some("gke") => {
            let what = "--runtime-inventory enabled";
            let wanted = "service=gke, or recipes with `k8s-aibom`,";
            return Err(ConfigurationError::NotFor { what, wanted, found: configuration::recipe_of(criteria) }.into());
        }
        None => {}
    }
    Ok(asked.clone())
}

/// A component that no overlay has, as one that has it would name it; the registry knows the rest.
fn granted(component: &str, layer: usize) -> Fields {
    let values = format!("components/{component}/values.yaml");
    let fields = [("name", component), ("type", "Helm"), ("valuesFile", &values)];
    fields.into_iter().map(|(key, text)| (key, derive(text.into(), layer))).collect()
}

/// The first component or manifest that the interfaces are for and that is not there.
fn lacks_for_interfaces(components: &BTreeMap<String, Fields>) -> Option<&'static str> {
    if let Some(missing) = [TRANSPORT, TRAINER.0].into_iter().find(|name| !components.contains_key(*name)) {
        return Some(missing);
    }
    let manifests = components[TRAINER.0].get("manifestFiles").map(|list| &list.value);
    let listed = match manifests {
        Some(TracedValue::List(items)) => items.iter().any(|item| item.as_text() == Some(RUNTIME)),
        _ => false,
    };
    (!listed).then_some(RUNTIME)
}

/// Whether a recipe was resolved without the interfaces that it needs.
pub fn lacks_interfaces(recipe: &Recipe) -> bool {
    let has = |name: &str| recipe.components.iter().find(|component| component.name == name);
    let lists = |component: &ComponentRef| component.manifest_files.iter().any(|file| file == RUNTIME);
    recipe.configuration.gke.is_none()
        && configuration::is_for_interfaces(&recipe.criteria)
        && has(TRANSPORT).is_some()
        && has(TRAINER.0).is_some_and(lists)
}

/// A value at a dotted path of a component's overrides, as the word of a layer.
fn put(fields: &mut Fields, path: &str, value: Value, layer: usize) {
    let mut value = derive(value, layer);
    for key in path.rsplit('.') {
        value = Traced { value: TracedValue::Map(vec![(Arc::from(key), value)]), history: Vec::new() };
    }
    match fields.get_mut("overrides") {
        Some(known) => merge::lay_over(known, value),
        None => drop(fields.insert("overrides", value)),
    }
}

/// The settings own no value that the profile owns.
///
/// # Errors
/// The first value that both own.
pub(super) fn check_disjoint(
    configuration: &Configuration,
    profile: Option<&SelectedProfile>,
) -> Result<(), ResolveError> {
    for setting in configuration.decided() {
        configuration::check_disjoint(&setting, profile)?;
    }
    Ok(())
}

/// The health check of Slurm, with a step that its accounting is there.
///
/// # Errors
/// A health check without a list of steps.
pub(super) fn check_accounting(component: &ComponentRef) -> Result<String, ResolveError> {
    let step = json!({
        "name": "validate-accounting-ready",
        "try": [{"assert": {"resource": {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": format!("{}-accounting", component.name), "namespace": component.namespace},
            "status": {"(availableReplicas > `0`)": true},
        }}}],
    });
    let mut check = yaml::parse(&component.health_check_asserts).map_or(Value::Null, |node| node.to_value());
    let steps = check.get_mut("spec").and_then(|spec| spec.get_mut("steps")).and_then(Value::as_array_mut);
    steps.ok_or(ConfigurationError::NoHealthCheck)?.push(step);
    Ok(yaml::to_string(&check))
}

/// What a snapshot shows of the driver, where that is worth a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriverNote {
    /// Some GPU nodes have a driver and others have none.
    Mixed,
    /// The nodes have a driver, and the recipe installs one.
    InstalledTwice,
    /// The nodes have no driver, and the recipe installs none.
    Missing,
    /// The nodes have a driver, which may be the one that the operator in the cluster has installed.
    OperatorRuns,
}

impl std::fmt::Display for DriverNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DriverNote::Mixed => {
                "some GPU nodes of the snapshot have a driver and others have none, so the recipe does not say which"
            }
            DriverNote::InstalledTwice => {
                "the GPU nodes of the snapshot have a driver and the recipe installs one: take a snapshot before the \
                 first deployment, or choose overlays for nodes that come with a driver"
            }
            DriverNote::OperatorRuns => {
                "the cluster has a ClusterPolicy already, so the driver of its nodes may be the one that the GPU operator \
                 installed: take a snapshot before the first deployment to know whether nodes come with one"
            }
            DriverNote::Missing => {
                "the GPU nodes of the snapshot have no driver, and the recipe expects that they come with one"
            }
        })
    }
}

/// The states of a cluster that the recipe records, and what of the driver is worth a word.
///
/// Where the nodes come with a driver and the values files already say so, the recipe says it in its own overrides too; a
/// value that a profile owns stays the profile's.
pub(super) fn observe(
    build: &mut Build<'_>,
    snapshot: Option<&Inventory>,
    options: Options,
) -> Result<(States, Option<DriverNote>), ResolveError> {
    let Some(snapshot) = snapshot.filter(|_| !options.compat) else { return Ok(Default::default()) };
    let record = record_but_nodes(snapshot);
    let state = |subtype: &str| Some(record.reading("K8s", subtype, "collection-state")?.to_string());
    let has = |name: &str| build.merged.components.contains_key(name);
    let mut states = States::default();
    if build.configuration.slurm.is_some() {
        states.mariadb_operator_state = state("mariadb-operator");
    }
    if has("nvsentinel-mongodb") {
        states.default_storage_class_state = state("default-storage-class");
        states.percona_operator_state = state("percona-server-mongodb");
    }
    let (driver, is_mixed) = driver(snapshot);
    states.gpu_driver_state = driver.map(|loaded| if loaded { "preinstalled" } else { "absent" }.to_owned());
    let note = match driver {
        None => is_mixed.then_some(DriverNote::Mixed),
        Some(loaded) => settle_driver(build, loaded, &record)?,
    };
    Ok((states, note))
}

/// Whether every GPU node has a driver or every one has none; else `None`, and whether they differ.
fn driver(snapshot: &Inventory) -> (Option<bool>, bool) {
    const LOADED: &str = "GPU.hardware.driver-loaded";
    let readings: Vec<Option<String>> = match path::by_node(LOADED, snapshot) {
        Some(nodes) => nodes.into_iter().map(|(_, reading)| reading).collect(),
        None => {
            let says = |path: &str, text: &str| path::find(path, snapshot).is_ok_and(|reading| reading == text);
            // The node that was looked at has no GPU, so it says nothing about a driver.
            if says("GPU.hardware.gpu-present", "false") || says("GPU.hardware.gpu-count", "0") {
                return (None, false);
            }
            vec![path::find(LOADED, snapshot).ok()]
        }
    };
    let all = |text: &str| readings.iter().all(|reading| reading.as_deref() == Some(text));
    let any = |text: &str| readings.iter().any(|reading| reading.as_deref() == Some(text));
    match (all("true"), all("false")) {
        (true, false) => (Some(true), false),
        (false, true) => (Some(false), false),
        _ => (None, any("true") && any("false")),
    }
}

fn settle_driver(build: &mut Build<'_>, loaded: bool, record: &Record) -> Result<Option<DriverNote>, ResolveError> {
    const OPERATOR: &str = "gpu-operator";
    let catalog: &Catalog = build.catalog;
    let layer = build.layers.len();
    let is_off = |component: &str, keys: [&str; 2], fields: &Fields| -> Result<bool, ResolveError> {
        let values = hydrate::hydrate(catalog, component, fields, &mut Vec::new(), &mut Vec::new())?.to_value();
        Ok(values.get(keys[0]).and_then(|value| value.get(keys[1])) == Some(&Value::Bool(false)))
    };
    let installer = build.merged.components.get("gcp-driver-installer").filter(|fields| is_enabled(fields));
    let installs = match installer {
        Some(fields) => !is_off("gcp-driver-installer", ["installer", "enabled"], fields)?,
        None => false,
    };
    let Some(fields) = build.merged.components.get_mut(OPERATOR).filter(|fields| is_enabled(fields)) else {
        return Ok(None);
    };
    let expects_driver = is_off(OPERATOR, ["driver", "enabled"], fields)?;
    let operator_runs = record.subtype("K8s", "policy").is_some_and(|policy| !policy.data.is_empty());
    match (loaded, expects_driver) {
        (true, true) => {
            let owned = build.profile.as_ref().and_then(|profile| profile.owned_paths.get(OPERATOR));
            let is_owned = owned.is_some_and(|paths| paths.iter().any(|path| path == "driver.enabled"));
            let stated = fields.get("overrides").and_then(|overrides| overrides.get("driver")?.get("enabled"));
            if !is_owned && stated.is_none() {
                put(fields, "driver.enabled", false.into(), layer);
                build.layers.push(Layer::new(LayerKind::Derived, "snapshot", "", ""));
            }
            Ok(operator_runs.then_some(DriverNote::OperatorRuns))
        }
        (true, false) if operator_runs => Ok(Some(DriverNote::OperatorRuns)),
        (true, false) => Ok(Some(DriverNote::InstalledTwice)),
        (false, true) => Ok((!installs).then_some(DriverNote::Missing)),
        (false, false) => Ok(None),
    }
}
