//! Which values of a recipe nobody may change, because a profile or a typed setting owns them, and whether an input would.
//!
//! In: a recipe, the final values of a component before and after an input, or the paths that an input leaves open. Out:
//! nothing, or why the input is refused. What counts is the final value: to say again what the profile says is fine.
//!
//! Beside the paths that the profile owns stand those that decide who hands out GPUs, where the profile touches that
//! question; they are worked out each time and never written.

use super::Recipe;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Values that decide whether a component advertises GPUs to Kubernetes.
const ADVERTISERS: [(&str, &[&str]); 3] = [
    ("gpu-operator", &["devicePlugin.enabled"]),
    ("gpu-operator-ocp", &["devicePlugin.enabled"]),
    ("nvidia-dra-driver-gpu", &["resources.gpus.enabled", "gpuResourcesEnabledOverride"]),
];

/// The switch of a component.
const ENABLED: &str = "enabled";

/// The locked paths of a recipe, by component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locks {
    /// Components that a profile or a setting owns values of, with the owner: `the profile gpuStack=oci-managed`.
    owned: BTreeMap<String, String>,
    /// Component to dotted path to owner: what is owned, and what decides who advertises GPUs.
    all: BTreeMap<String, BTreeMap<String, String>>,
}

/// How a person gives a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// `--set`.
    Set,
    /// `--set-json`.
    SetJson,
    /// `--set-file`.
    SetFile,
}

impl Input {
    /// The flag.
    pub fn flag(self) -> &'static str {
        match self {
            Input::Set => "--set",
            Input::SetJson => "--set-json",
            Input::SetFile => "--set-file",
        }
    }
}

/// Why an input is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Locked {
    /// It changes the final value.
    #[error("`{component}: {path}` belongs to {owner}: it is {before} and would be {after}")]
    Changed { component: String, path: String, owner: String, before: String, after: String },
    /// A switch given as JSON or from a file.
    #[error("`{component}: enabled` belongs to {owner} and cannot be given with {flag}")]
    Switch { component: String, owner: String, flag: &'static str },
    /// A value that is left open until installation.
    #[error("`{component}: {path}` cannot be dynamic: `{locked}` belongs to {owner}")]
    Dynamic { component: String, path: String, locked: String, owner: String },
    /// A part of the recipe that is left out.
    #[error("`{component}` cannot be left out: it belongs to {owner}")]
    LeftOut { component: String, owner: String },
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq)]
enum State<'v> {
    Present(&'v Value),
    Absent,
    /// Something that is not a mapping is above it.
    Blocked(String),
}

impl State<'_> {
    fn words(&self) -> String {
        match self {
            State::Present(value) => value.to_string(),
            State::Absent => "not set".to_owned(),
            State::Blocked(above) => format!("hidden by `{above}`"),
        }
    }
}

impl Locked {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        let (Locked::Changed { owner, .. }
        | Locked::Switch { owner, .. }
        | Locked::Dynamic { owner, .. }
        | Locked::LeftOut { owner, .. }) = self;
        match owner.starts_with(PROFILE) {
            true => "choose another value of the profile with --profile",
            false => "give the setting another value with its own flag",
        }
    }
}

/// How the name of an owner begins that is a profile.
const PROFILE: &str = "the profile ";

impl Locks {
    /// The locks of a recipe; `None` where it has neither a profile nor a typed setting.
    pub fn of(recipe: &Recipe) -> Option<Locks> {
        let enabled = |name: &str| recipe.components.iter().any(|known| known.name == name && known.is_enabled());
        let mut locks = Locks::default();
        if let Some(selected) = &recipe.selected_profile {
            let owner = format!("{PROFILE}{}", selected.choice());
            for (component, paths) in &selected.owned_paths {
                paths.iter().for_each(|path| locks.add(component, path, &owner));
                locks.owned.insert(component.clone(), owner.clone());
            }
            let touches = |(component, paths): &(&str, &[&str])| {
                let own = selected.owned_paths.get(*component).into_iter().flatten();
                own.into_iter().any(|own| paths.iter().any(|path| intersects(own, path)))
            };
            if selected.advertiser.is_some() || ADVERTISERS.iter().any(touches) {
                for (component, paths) in ADVERTISERS.iter().filter(|(component, _)| enabled(component)) {
                    paths.iter().chain([&ENABLED]).for_each(|path| locks.add(component, path, &owner));
                }
            }
        }
        for decided in recipe.configuration.decided() {
            let owner = format!("the setting {}", decided.name);
            for (component, path) in decided.owns {
                locks.add(component, path, &owner);
                // A part without what is off anyway lacks nothing.
                if enabled(component) {
                    locks.owned.insert(component.to_owned(), owner.clone());
                }
            }
        }
        (recipe.selected_profile.is_some() || !recipe.configuration.is_empty()).then_some(locks)
    }

    fn add(&mut self, component: &str, path: &str, owner: &str) {
        let paths = self.all.entry(component.to_owned()).or_default();
        paths.entry(path.to_owned()).or_insert_with(|| owner.to_owned());
    }

    /// The locked paths of a component, sorted.
    pub fn paths(&self, component: &str) -> impl Iterator<Item = &str> {
        self.locked(component).map(|(path, _)| path)
    }

    /// The same, each with its owner.
    fn locked(&self, component: &str) -> impl Iterator<Item = (&str, &String)> {
        self.all.get(component).into_iter().flatten().map(|(path, owner)| (path.as_str(), owner))
    }

    /// Whether a path of a component's values is locked, or has a locked one below or above it.
    pub fn touches(&self, component: &str, path: &str) -> bool {
        self.paths(component).any(|locked| intersects(locked, path))
    }

    /// Whether the final values of a component keep what is locked.
    ///
    /// # Errors
    /// The first locked path whose value differs.
    pub fn check_values(&self, component: &str, before: &Value, after: &Value) -> Result<(), Locked> {
        for (path, owner) in self.locked(component) {
            let (old, new) = (state(before, path), state(after, path));
            // A component that says nothing is enabled, so its switch may be said aloud.
            let said_aloud = path == ENABLED && old == State::Absent && new == State::Present(&Value::Bool(true));
            if old != new && !said_aloud {
                return Err(Locked::Changed {
                    component: component.to_owned(),
                    path: path.to_owned(),
                    owner: owner.clone(),
                    before: old.words(),
                    after: new.words(),
                });
            }
        }
        Ok(())
    }

    /// Whether a value at this path may be given in this way at all; its value is for [`Locks::check_values`].
    ///
    /// # Errors
    /// A locked switch as JSON or from a file.
    pub fn check_input(&self, input: Input, component: &str, path: &str) -> Result<(), Locked> {
        let switch = self.locked(component).find(|(locked, _)| path == ENABLED && *locked == ENABLED);
        match switch.filter(|_| input != Input::Set) {
            None => Ok(()),
            Some((_, owner)) => {
                let (component, owner) = (component.to_owned(), owner.clone());
                Err(Locked::Switch { component, owner, flag: input.flag() })
            }
        }
    }

    /// Whether a path may be left open until installation.
    ///
    /// # Errors
    /// It is locked, or a locked one lies below or above it.
    pub fn check_dynamic(&self, component: &str, path: &str) -> Result<(), Locked> {
        match self.locked(component).find(|(locked, _)| intersects(locked, path)) {
            None => Ok(()),
            Some((locked, owner)) => Err(Locked::Dynamic {
                component: component.to_owned(),
                path: path.to_owned(),
                locked: locked.to_owned(),
                owner: owner.clone(),
            }),
        }
    }

    /// Whether a part of the recipe has every component that the profile owns.
    ///
    /// # Errors
    /// The first that is left out.
    pub fn check_subset<'n>(&self, kept: impl IntoIterator<Item = &'n str>) -> Result<(), Locked> {
        let kept: BTreeSet<&str> = kept.into_iter().collect();
        match self.owned.iter().find(|(component, _)| !kept.contains(component.as_str())) {
            None => Ok(()),
            Some((component, owner)) => Err(Locked::LeftOut { component: component.clone(), owner: owner.clone() }),
        }
    }
}

/// Whether one dotted path is the other, or lies above it.
pub(super) fn intersects(one: &str, other: &str) -> bool {
    let above = |above: &str, below: &str| below.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'));
    one == other || above(one, other) || above(other, one)
}

fn state<'v>(values: &'v Value, path: &str) -> State<'v> {
    let mut value = values;
    let mut above = String::new();
    for key in path.split('.') {
        match value {
            Value::Object(entries) => match entries.get(key) {
                Some(child) => value = child,
                None => return State::Absent,
            },
            Value::Null => return State::Absent,
            _ => return State::Blocked(above),
        }
        above = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
    }
    State::Present(value)
}

/// What contradicts itself in the profile of a recipe that was read; empty for a recipe without one.
///
/// Every owned path must be set in the ref itself: a values file may change under an archived recipe. `enabled` is owned
/// with any other path, whether the file lists it (the reference insists on that) or not.
pub fn coherence(recipe: &Recipe) -> Vec<String> {
    let Some(selected) = &recipe.selected_profile else { return Vec::new() };
    let mut problems = Vec::new();
    if selected.owned_paths.is_empty() {
        problems.push("`metadata.selectedProfile` needs `ownedPaths`".to_owned());
    }
    for (name, paths) in &selected.owned_paths {
        let mut say = |text: String| problems.push(format!("profile {}={}: {text}", selected.name, selected.value));
        if !paths.windows(2).all(|pair| pair[0] < pair[1]) {
            say(format!("the owned paths of `{name}` must be sorted and different"));
        }
        if let Some(path) = paths.iter().find(|path| path.split('.').any(str::is_empty)) {
            say(format!("`{path}` is not a path in the values of `{name}`"));
        }
        let Some(component) = recipe.components.iter().find(|component| component.name == *name) else {
            say(format!("it owns `{name}`, which is not in the recipe"));
            continue;
        };
        if !component.is_enabled() {
            say(format!("it owns `{name}`, which is disabled"));
        }
        let overrides = Value::Object(component.overrides.clone());
        for path in paths.iter().filter(|path| *path != ENABLED) {
            if component.r#type == "Kustomize" {
                say(format!("it owns `{path}` of the Kustomize component `{name}`, which has no values"));
                continue;
            }
            match state(&overrides, path) {
                State::Present(_) => {}
                State::Absent => say(format!("`{path}` of `{name}` must be in its `overrides`")),
                State::Blocked(above) => {
                    say(format!("`{path}` of `{name}` is hidden by `{above}`, which is not a mapping"))
                }
            }
        }
    }
    problems
}

/// Whether the values of a component decide who advertises GPUs.
pub fn decides_advertiser(component: &str) -> bool {
    ADVERTISERS.iter().any(|(name, _)| *name == component)
}

/// Whether exactly one component advertises GPUs, as far as its values say; one line for each contradiction.
///
/// `values` are the final values of enabled components, by name; others are absent.
pub fn advertisers(external: bool, values: &BTreeMap<String, Value>) -> Vec<String> {
    let mut problems = Vec::new();
    let flag = |values: &Value, path: &str| match state(values, path) {
        State::Present(value) => value.as_bool(),
        State::Absent | State::Blocked(_) => None,
    };
    let mut plugin = None;
    for name in ["gpu-operator", "gpu-operator-ocp"] {
        // The chart's default is on.
        if values.get(name).is_some_and(|values| flag(values, "devicePlugin.enabled").unwrap_or(true)) {
            plugin = Some(name);
        }
    }
    if let (true, Some(plugin)) = (external, plugin) {
        problems.push(format!(
            "two components advertise GPUs: the provider, and `{plugin}` with `devicePlugin.enabled: true`"
        ));
    }
    if let Some(driver) = values.get("nvidia-dra-driver-gpu") {
        let gpus = flag(driver, "resources.gpus.enabled");
        let waiver = flag(driver, "gpuResourcesEnabledOverride").unwrap_or(false);
        let name = "nvidia-dra-driver-gpu";
        match (gpus, waiver) {
            (None, _) => problems.push(format!("`resources.gpus.enabled` of `{name}` must be set")),
            (Some(true), false) => problems.push(format!(
                "`resources.gpus.enabled` of `{name}` is true, which its chart refuses without \
                 `gpuResourcesEnabledOverride: true`"
            )),
            (Some(false), true) => problems.push(format!(
                "`gpuResourcesEnabledOverride` of `{name}` has no effect while `resources.gpus.enabled` is false"
            )),
            _ => {}
        }
        if let (Some(true), Some(plugin)) = (gpus, plugin) {
            problems.push(format!(
                "two components advertise GPUs: `{plugin}` with `devicePlugin.enabled: true`, and `{name}` with \
                 `resources.gpus.enabled: true`"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{ComponentRef, SelectedProfile};
    use serde_json::json;

    fn component(name: &str, overrides: Value) -> ComponentRef {
        let overrides = overrides.as_object().cloned().unwrap_or_default();
        ComponentRef { name: name.into(), r#type: "Helm".into(), overrides, ..ComponentRef::default() }
    }

    /// A recipe whose profile owns these paths of the GPU operator, with the DRA driver beside it.
    fn recipe(owned: &[&str], advertiser: Option<&str>) -> Recipe {
        let paths = owned.iter().map(|path| (*path).to_owned()).collect();
        let selected = SelectedProfile {
            name: "gpuStack".into(),
            value: "managed".into(),
            advertiser: advertiser.map(str::to_owned),
            owned_paths: [("gpu-operator".to_owned(), paths)].into(),
        };
        let operator = component("gpu-operator", json!({"driver": {"enabled": false}}));
        let components = vec![operator, component("nvidia-dra-driver-gpu", json!({}))];
        Recipe { selected_profile: Some(selected), components, ..Recipe::default() }
    }

    fn locks(owned: &[&str], advertiser: Option<&str>) -> Locks {
        Locks::of(&recipe(owned, advertiser)).expect("it has a profile")
    }

    const OWNED: [&str; 2] = ["driver.enabled", "enabled"];

    #[track_caller]
    fn set(after: Value, expected: Result<(), &str>) {
        let before = json!({"driver": {"enabled": false, "version": "1"}});
        let result = locks(&OWNED, None).check_values("gpu-operator", &before, &after);
        assert_eq!(result.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_final_value_may_be_said_again_and_not_changed() {
        set(json!({"driver": {"enabled": false, "version": "2"}}), Ok(()));
        set(json!({"driver": {"enabled": false}, "enabled": true}), Ok(()));
        let belongs = "belongs to the profile gpuStack=managed: it is";
        let error = |path: &str, rest: &str| format!("`gpu-operator: {path}` {belongs} {rest}");
        set(json!({"driver": {"enabled": true}}), Err(&error("driver.enabled", "false and would be true")));
        set(json!({"driver": {"enabled": "false"}}), Err(&error("driver.enabled", "false and would be \"false\"")));
        set(json!({"driver": {}}), Err(&error("driver.enabled", "false and would be not set")));
        set(json!({"driver": 3}), Err(&error("driver.enabled", "false and would be hidden by `driver`")));
        let off = json!({"driver": {"enabled": false}, "enabled": false});
        set(off, Err(&error("enabled", "not set and would be false")));
    }

    #[test]
    fn other_components_are_free() {
        let locks = locks(&OWNED, None);
        assert_eq!(locks.check_values("nfd", &json!({"enabled": true}), &json!({"enabled": false})), Ok(()));
        assert_eq!(locks.check_dynamic("nvidia-dra-driver-gpu", "resources.gpus.enabled"), Ok(()));
    }

    #[test]
    fn a_locked_switch_is_never_json_nor_a_file() {
        let locks = locks(&OWNED, None);
        assert_eq!(locks.check_input(Input::Set, "gpu-operator", "enabled"), Ok(()));
        for input in [Input::SetJson, Input::SetFile] {
            let error = locks.check_input(input, "gpu-operator", "enabled").expect_err("it is refused").to_string();
            assert!(error.contains(input.flag()), "{error}");
            assert_eq!(locks.check_input(input, "gpu-operator", "driver.enabled"), Ok(()));
            assert_eq!(locks.check_input(input, "nfd", "enabled"), Ok(()));
        }
    }

    #[test]
    fn a_locked_path_is_not_dynamic_nor_is_what_lies_above_or_below_it() {
        let locks = locks(&OWNED, None);
        for path in ["driver.enabled", "driver", "driver.enabled.x", "enabled"] {
            assert!(locks.check_dynamic("gpu-operator", path).is_err(), "{path}");
        }
        for path in ["driver.version", "driverX", "toolkit.enabled"] {
            assert_eq!(locks.check_dynamic("gpu-operator", path), Ok(()), "{path}");
        }
    }

    #[test]
    fn an_owned_component_is_not_left_out() {
        let locks = locks(&OWNED, None);
        assert_eq!(locks.check_subset(["nfd", "gpu-operator"]), Ok(()));
        let error = locks.check_subset(["nfd"]).expect_err("it is left out").to_string();
        assert_eq!(error, "`gpu-operator` cannot be left out: it belongs to the profile gpuStack=managed");
    }

    #[test]
    fn who_advertises_is_locked_where_the_profile_touches_the_question() {
        let paths = |locks: &Locks, component: &str| locks.paths(component).map(str::to_owned).collect::<Vec<_>>();
        let dra = ["enabled", "gpuResourcesEnabledOverride", "resources.gpus.enabled"];
        let plain = locks(&OWNED, None);
        assert_eq!(paths(&plain, "nvidia-dra-driver-gpu"), [""; 0]);
        let external = locks(&OWNED, Some("external"));
        assert_eq!(paths(&external, "nvidia-dra-driver-gpu"), dra);
        assert_eq!(paths(&external, "gpu-operator"), ["devicePlugin.enabled", "driver.enabled", "enabled"]);
        let plugin = locks(&["devicePlugin.enabled", "enabled"], None);
        assert_eq!(paths(&plugin, "nvidia-dra-driver-gpu"), dra);
        // A component that is off has nothing to lock.
        let mut off = recipe(&OWNED, Some("external"));
        off.components[1].overrides.insert("enabled".into(), false.into());
        assert_eq!(paths(&Locks::of(&off).expect("a profile"), "nvidia-dra-driver-gpu"), [""; 0]);
        assert_eq!(Locks::of(&Recipe::default()), None);
    }

    #[track_caller]
    fn incoherent(change: impl FnOnce(&mut Recipe), part: &str) {
        let mut recipe = recipe(&OWNED, None);
        change(&mut recipe);
        let problems = coherence(&recipe);
        assert!(problems.len() == 1 && problems[0].contains(part), "{problems:?}");
    }

    #[test]
    fn what_a_profile_owns_is_in_the_recipe() {
        assert_eq!(coherence(&recipe(&OWNED, None)), [""; 0]);
        let owned = |recipe: &mut Recipe, paths: &[&str]| {
            let paths = paths.iter().map(|path| (*path).to_owned()).collect();
            let selected = recipe.selected_profile.as_mut().expect("a profile");
            selected.owned_paths.insert("gpu-operator".into(), paths);
        };
        incoherent(|recipe| owned(recipe, &["enabled", "driver.enabled"]), "must be sorted and different");
        incoherent(|recipe| owned(recipe, &["enabled", "toolkit.enabled"]), "must be in its `overrides`");
        incoherent(|recipe| recipe.components.remove(0).name.clear(), "is not in the recipe");
        incoherent(
            |recipe| drop(recipe.components[0].overrides.insert("driver".into(), 3.into())),
            "hidden by `driver`",
        );
        incoherent(|recipe| recipe.components[0].r#type = "Kustomize".into(), "has no values");
        incoherent(
            |recipe| drop(recipe.components[0].overrides.insert("enabled".into(), false.into())),
            "which is disabled",
        );
        incoherent(
            |recipe| recipe.selected_profile.as_mut().expect("a profile").owned_paths.clear(),
            "needs `ownedPaths`",
        );
    }

    #[track_caller]
    fn advertise(external: bool, plugin: Option<bool>, driver: Value, expected: &[&str]) {
        let operator = plugin.map_or(json!({}), |enabled| json!({"devicePlugin": {"enabled": enabled}}));
        let mut values: BTreeMap<String, Value> = [("gpu-operator".to_owned(), operator)].into();
        if !driver.is_null() {
            values.insert("nvidia-dra-driver-gpu".into(), driver);
        }
        let problems = advertisers(external, &values);
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, part) in problems.iter().zip(expected) {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn one_component_advertises_gpus() {
        let dra = |gpus: bool, waiver: bool| json!({"resources": {"gpus": {"enabled": gpus}}, "gpuResourcesEnabledOverride": waiver});
        advertise(false, Some(true), dra(false, false), &[]);
        advertise(false, Some(false), dra(true, true), &[]);
        advertise(true, Some(false), dra(false, false), &[]);
        advertise(true, Some(true), dra(false, false), &["two components advertise GPUs: the provider"]);
        // The chart's default is on.
        advertise(true, None, Value::Null, &["two components advertise GPUs: the provider"]);
        advertise(false, Some(true), json!({}), &["must be set"]);
        advertise(false, Some(false), dra(true, false), &["which its chart refuses"]);
        advertise(false, Some(false), dra(false, true), &["has no effect"]);
        advertise(false, Some(true), dra(true, true), &["two components advertise GPUs: `gpu-operator`"]);
    }
}
