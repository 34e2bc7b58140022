//! What was set over a recipe, settled: whose it is, in which order, and that all of it can take effect.
//!
//! In: catalog, recipe, flags. Out: the recipe with its switches thrown and the overrides of each component, weakest first;
//! or the first thing that would have no effect, with what was probably meant. The reference passes over most of these in
//! silence.

use super::{
    flags::{DEPLOYER, Dynamic, Flags, Override, Scheduling, ValuePath},
    values::{self, LABELER},
};
use crate::{
    catalog::Catalog,
    criteria::near_matches,
    recipe::{
        ComponentRef, Recipe,
        locks::{Input, Locked, Locks, decides_advertiser},
    },
    text::did_you_mean,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The flags of a bundle, by component.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    by_component: BTreeMap<String, Vec<Override>>,
    dynamic: BTreeMap<String, BTreeSet<ValuePath>>,
    pub scheduling: Scheduling,
}

/// Why something that was set over a recipe is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettleError {
    /// A component that neither the recipe nor the registry has.
    #[error("unknown component `{name}`")]
    UnknownComponent {
        /// As typed.
        name: String,
        /// Names that look alike.
        near: Vec<String>,
        /// What the recipe has.
        known: Vec<String>,
    },
    /// A component that this recipe does not deploy.
    #[error("the component `{name}` is not in the recipe, so `{path}` has no effect")]
    NotInRecipe {
        /// The component.
        name: String,
        /// What was to be set.
        path: String,
        /// What the recipe has.
        known: Vec<String>,
    },
    /// A value for a component that is switched off.
    #[error("the component `{name}` is disabled, so `{path}` has no effect")]
    Disabled {
        /// The component.
        name: String,
        /// What was to be set.
        path: String,
    },
    /// A component cannot be switched on when it is bundled.
    #[error("the recipe leaves `{0}` out, and a bundle cannot add it")]
    CannotEnable(String),
    /// A switch that is neither `true` nor `false`.
    #[error("`{component}:enabled` is true or false, found `{found}`")]
    NotASwitch {
        /// The component.
        component: String,
        /// As JSON.
        found: String,
    },
    /// Two values of which one hides the other.
    #[error("`{component}: {above}` and `{below}` contradict each other: the first is not a mapping")]
    Contradiction {
        /// The component.
        component: String,
        /// The path above.
        above: String,
        /// The path below it.
        below: String,
    },
    /// A dynamic path that is not left to the installation.
    #[error("`{component}: {path}` cannot be dynamic: {reason}")]
    NotDynamic {
        /// The component.
        component: String,
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// What a profile or a setting owns.
    #[error(transparent)]
    Locked(#[from] Locked),
    /// Every component was left out.
    #[error("no component is left to deploy")]
    Nothing,
}

impl SettleError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            SettleError::UnknownComponent { near, known, .. } => {
                Some(did_you_mean(near).unwrap_or_else(|| format!("the recipe has {}", known.join(", "))))
            }
            SettleError::NotInRecipe { known, .. } => Some(format!("the recipe has {}", known.join(", "))),
            SettleError::Disabled { .. } => Some("leave one of the two out".to_owned()),
            SettleError::CannotEnable(_) => Some("resolve a recipe that has it, or leave the flag out".to_owned()),
            SettleError::NotASwitch { .. } => None,
            SettleError::Contradiction { .. } => Some("keep one of them".to_owned()),
            SettleError::NotDynamic { .. } => Some("set it now, with --set".to_owned()),
            SettleError::Locked(locked) => Some(locked.hint().to_owned()),
            SettleError::Nothing => Some("keep at least one component enabled".to_owned()),
        }
    }
}

impl Settled {
    /// The overrides of a component, weakest first.
    pub fn overrides(&self, component: &str) -> impl Iterator<Item = &Override> {
        self.by_component.get(component).into_iter().flatten()
    }

    /// Whether a path of a component is left to the installation.
    pub fn is_dynamic(&self, component: &str, path: &[String]) -> bool {
        self.dynamic.get(component).is_some_and(|paths| paths.iter().any(|dynamic| *dynamic.0 == *path))
    }

    /// The paths of a component that are left to the installation, in order.
    pub fn dynamic(&self, component: &str) -> impl Iterator<Item = &ValuePath> {
        self.dynamic.get(component).into_iter().flatten()
    }
}

/// The recipe with its switches thrown, disabled components left out, and its flags settled.
///
/// # Errors
/// The first flag that would have no effect or that is not allowed.
pub fn settle(catalog: &Catalog, recipe: &Recipe, flags: &Flags) -> Result<(Recipe, Settled), SettleError> {
    let locks = Locks::of(recipe);
    let names = Names { catalog, recipe };
    let (mut switched, mut settled) = (recipe.clone(), Settled::default());
    settled.scheduling = flags.scheduling.clone();
    for given in flags.overrides.iter().filter(|given| given.component != DEPLOYER) {
        let Some(value) = given.switch() else { continue };
        // To leave out what is not there is done already.
        let Some(name) = names.known(&given.component, *value == Value::Bool(false), &given.path)? else { continue };
        let Value::Bool(on) = value else {
            return Err(SettleError::NotASwitch { component: name.to_owned(), found: value.to_string() });
        };
        let Some(component) = switched.components.iter_mut().find(|known| known.name == name) else { continue };
        if *on && !component.is_enabled() {
            return Err(SettleError::CannotEnable(name.to_owned()));
        }
        component.overrides.insert("enabled".to_owned(), (*on).into());
    }
    if flags.scheduling.dra_eviction_node_label.is_none() {
        switched.components.retain(|component| component.name != LABELER);
    }
    let enabled: Vec<&str> = switched.components.iter().filter(|it| it.is_enabled()).map(|it| &*it.name).collect();
    if let Some(locks) = &locks {
        locks.check_subset(enabled.iter().copied())?;
    }
    if enabled.is_empty() {
        return Err(SettleError::Nothing);
    }
    let enabled: BTreeSet<String> = enabled.into_iter().map(str::to_owned).collect();
    for given in flags.overrides.iter().filter(|given| given.component != DEPLOYER && given.switch().is_none()) {
        let Some(name) = names.known(&given.component, false, &given.path)? else { continue };
        if !enabled.contains(name) {
            return Err(SettleError::Disabled { name: name.to_owned(), path: given.path.to_string() });
        }
        if let Some(locks) = &locks {
            locks.check_input(given.input, name, &given.path.to_string())?;
        }
        let known = settled.by_component.entry(name.to_owned()).or_default();
        // The last of several for one path wins, within its flag.
        known.retain(|known| (known.input, &known.path) != (given.input, &given.path));
        known.push(Override { component: name.to_owned(), ..given.clone() });
    }
    for overrides in settled.by_component.values_mut() {
        overrides.sort_by_key(|given| (strength(given.input), given.path.0.len()));
    }
    for (component, overrides) in &settled.by_component {
        contradiction(component, overrides)?;
    }
    for dynamic in &flags.dynamic {
        let Some(name) = names.known(&dynamic.component, false, &dynamic.path)? else { continue };
        check_dynamic(name, dynamic, &enabled, &switched, locks.as_ref())?;
        settled.dynamic.entry(name.to_owned()).or_default().insert(dynamic.path.clone());
    }
    for (component, paths) in &settled.dynamic {
        let mut pairs = paths.iter().zip(paths.iter().skip(1));
        if let Some((above, below)) = pairs.find(|(above, below)| below.0.starts_with(&above.0)) {
            let reason = format!("`{above}`, which is above it, is dynamic already");
            return Err(SettleError::NotDynamic { component: component.clone(), path: below.to_string(), reason });
        }
    }
    switched.components.retain(|component| enabled.contains(&component.name));
    switched.deployment_order.retain(|name| enabled.contains(name));
    Ok((switched, settled))
}

fn strength(input: Input) -> u8 {
    match input {
        Input::Set => 0,
        Input::SetFile => 1,
        Input::SetJson => 2,
    }
}

fn contradiction(component: &str, overrides: &[Override]) -> Result<(), SettleError> {
    let by_path: BTreeMap<&[String], &Override> = overrides.iter().map(|given| (&*given.path.0, given)).collect();
    for given in overrides {
        let above = (1..given.path.0.len()).filter_map(|length| by_path.get(&given.path.0[..length]));
        if let Some(above) = above.into_iter().find(|above| !above.value.is_object()) {
            let (above, below) = (above.path.to_string(), given.path.to_string());
            return Err(SettleError::Contradiction { component: component.to_owned(), above, below });
        }
    }
    Ok(())
}

fn check_dynamic(
    name: &str,
    dynamic: &Dynamic,
    enabled: &BTreeSet<String>,
    recipe: &Recipe,
    locks: Option<&Locks>,
) -> Result<(), SettleError> {
    let path = dynamic.path.to_string();
    if !enabled.contains(name) {
        return Err(SettleError::Disabled { name: name.to_owned(), path });
    }
    if let Some(locks) = locks {
        locks.check_dynamic(name, &path)?;
    }
    let refused = |reason: &str| {
        Err(SettleError::NotDynamic { component: name.to_owned(), path: path.clone(), reason: reason.to_owned() })
    };
    if path == "enabled" {
        return refused("a component is in the bundle or not");
    }
    let touches = |known: &Vec<String>| known.starts_with(&dynamic.path.0) || dynamic.path.0.starts_with(known);
    if decides_advertiser(name) && governing().iter().any(touches) {
        return refused("it decides who advertises GPUs, which the recipe does");
    }
    let component = recipe.components.iter().find(|component| component.name == name);
    if component.is_some_and(is_local) {
        return refused("its manifests are rendered now");
    }
    Ok(())
}

/// The values by which a component hands out GPUs.
pub(super) fn governing() -> [Vec<String>; 3] {
    ["devicePlugin.enabled", "resources.gpus.enabled", "gpuResourcesEnabledOverride"].map(values::split)
}

/// Whether a component has no chart of its own.
pub(super) fn is_local(component: &ComponentRef) -> bool {
    component.source.is_empty() || component.r#type == super::supplied::KUSTOMIZE
}

struct Names<'n> {
    catalog: &'n Catalog,
    recipe: &'n Recipe,
}

impl<'n> Names<'n> {
    /// The component of a name or an alias; `None` where it may be missing and is.
    fn known(&self, typed: &str, may_be_missing: bool, path: &ValuePath) -> Result<Option<&'n str>, SettleError> {
        let recipe = || self.recipe.components.iter();
        if let Some(component) = recipe().find(|component| component.name == typed) {
            return Ok(Some(&component.name));
        }
        let registry = || self.catalog.registry.components.values();
        let entry = registry()
            .find(|entry| entry.name == typed || entry.value_override_keys.iter().any(|alias| alias == typed));
        let known = || recipe().map(|component| component.name.clone()).collect();
        let Some(entry) = entry else {
            let all = recipe().map(|component| &*component.name);
            let aliases = registry()
                .filter(|entry| recipe().any(|component| component.name == entry.name))
                .flat_map(|entry| entry.value_override_keys.iter().map(String::as_str));
            let near = near_matches(typed, all.chain(aliases).collect::<BTreeSet<_>>().into_iter());
            return Err(SettleError::UnknownComponent { name: typed.to_owned(), near, known: known() });
        };
        match recipe().find(|component| component.name == entry.name) {
            Some(component) => Ok(Some(&component.name)),
            None if may_be_missing => Ok(None),
            None => {
                let (name, path) = (entry.name.clone(), path.to_string());
                Err(SettleError::NotInRecipe { name, path, known: known() })
            }
        }
    }
}

/// Values in two parts, both of them mappings.
#[derive(Debug, PartialEq)]
pub(super) struct Cut {
    pub fixed: Value,
    /// What goes to the installation.
    pub dynamic: Value,
    /// Paths for the installation that nothing is at. They are in neither part: null would take away the chart's default.
    pub unset: Vec<ValuePath>,
}

/// Cuts what goes to the installation out of the values.
pub(super) fn cut(mut fixed: Value, paths: &[ValuePath]) -> Cut {
    let (mut dynamic, mut unset) = (Value::Object(serde_json::Map::new()), Vec::new());
    for path in paths {
        match take(&mut fixed, &path.0).filter(|found| !found.is_null()) {
            // The path leads through new mappings only.
            Some(found) => drop(values::put(&mut dynamic, &path.0, found)),
            None => unset.push(path.clone()),
        }
    }
    Cut { fixed, dynamic, unset }
}

fn take(values: &mut Value, path: &[String]) -> Option<Value> {
    let (last, above) = path.split_last()?;
    let mut place = values;
    for key in above {
        place = place.get_mut(key)?;
    }
    place.as_object_mut()?.remove(last)
}
