//! What a person should know about a bundle that is made all the same.

use super::{
    flags::Flags,
    manifest::Manifest,
    settle::Settled,
    supplied::Placeholder,
    values::{self, BundleValues, Rule},
};
use crate::{
    catalog::component::Component as Entry,
    criteria::near_matches,
    recipe::{ComponentRef, Recipe, locks::decides_advertiser},
};
use serde_json::{Value, json};
use std::fmt;

/// One remark.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub component: String,
    pub about: About,
}

/// What it is about.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// A claim would use the cluster's default class.
    NoStorageClass { path: String, flag: &'static str },
    /// A manifest that only says where the real one is.
    Placeholder(Placeholder),
    /// The load balancer admits everybody.
    OpenToAll,
    /// The cluster knows MariaDB's types, and nobody uses them.
    DatabaseKnown,
    /// No snapshot said whether the cluster has a MariaDB operator.
    DatabaseNotLookedAt,
    /// The recipe decides who hands out GPUs, and a flag changes it.
    Advertiser { path: String },
    /// A value that the recipe does not have, beside one that is nearly called so.
    UnknownPath { path: String, near: String },
    /// What the registry says about this component.
    Registry { message: String, is_warning: bool },
    /// A rule of the registry that this program does not know.
    NotJudged { rule: String },
}

impl Note {
    /// Whether it deserves a line by itself, rather than only in the plan.
    pub fn is_warning(&self) -> bool {
        !matches!(self.about, About::NotJudged { .. } | About::Registry { is_warning: false, .. })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.component;
        match &self.about {
            About::NoStorageClass { path, flag } => write!(
                f,
                "`{name}` claims storage without a class, so the cluster needs a default one; {flag} sets `{path}`"
            ),
            About::Placeholder(Placeholder { path, url: None, .. }) => write!(
                f,
                "`{name}` lacks the objects of `{path}`, whose origin is not known: give the file with --manifest, or apply \
                 them to the cluster first"
            ),
            About::Placeholder(Placeholder { path, url: Some(url), .. }) => write!(
                f,
                "`{name}` lacks the objects of `{path}`: --fetch-manifests gets them from {url}, --manifest gives the file; \
                 or apply them to the cluster first"
            ),
            About::OpenToAll => write!(f, "the load balancer of `{name}` admits every address"),
            About::DatabaseKnown => write!(
                f,
                "the cluster has the API of a MariaDB operator without databases; `{name}` installs the operator over it"
            ),
            About::DatabaseNotLookedAt => write!(
                f,
                "`{name}` installs MariaDB for Slurm's accounting, and no snapshot says whether the cluster has one: \
                 resolve the recipe with --snapshot"
            ),
            About::Advertiser { path } => {
                write!(f, "`{name}: {path}` decides who hands out GPUs, which the recipe decided otherwise")
            }
            About::UnknownPath { path, near } => {
                write!(f, "the recipe has no `{path}` in the values of `{name}`; did you mean `{near}`?")
            }
            About::Registry { message, .. } => write!(f, "`{name}`: {message}"),
            About::NotJudged { rule } => write!(f, "`{name}`: the rule {rule} of the registry is not checked here"),
        }
    }
}

/// Remarks on the values of a component.
pub(super) fn of_values(
    used: &ComponentRef,
    entry: Option<&Entry>,
    values: &BundleValues,
    settled: &Settled,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut say = |about: About| notes.push(Note { component: used.name.clone(), about });
    let at = |path: &[String]| values.values.as_object().and_then(|map| values::lookup(map, path));
    for (key, flag) in [("storageClassPaths", "--storage-class"), ("sharedStorageClassPaths", "--shared-storage-class")]
    {
        let keys = [key];
        for path in entry.into_iter().flat_map(|entry| values::paths(entry, &keys)) {
            let keys = values::split(path);
            let claims = at(&keys[..keys.len() - 1]).is_some_and(Value::is_object);
            let is_set = at(&keys).is_some_and(|class| class.as_str().is_some_and(|name| !name.is_empty()));
            if claims && !is_set && !settled.is_dynamic(&used.name, &keys) {
                say(About::NoStorageClass { path: path.to_owned(), flag });
            }
        }
    }
    if used.name == "agentgateway" {
        let ranges = values.values["allowedSourceRanges"].as_array();
        if ranges.into_iter().flatten().any(|range| range.as_str().is_some_and(|text| text.ends_with("/0"))) {
            say(About::OpenToAll);
        }
    }
    let known = values.hydrated.to_value();
    for given in values.added.iter().filter(|added| matches!(added.rule, Rule::Set | Rule::SetFile | Rule::SetJson)) {
        let path = given.path.join(".");
        let governed = ["devicePlugin.enabled", "resources.gpus.enabled", "gpuResourcesEnabledOverride"];
        if decides_advertiser(&used.name) && governed.contains(&&*path) {
            say(About::Advertiser { path: path.clone() });
        }
        if let Some(near) = misspelled(&known, &given.path) {
            say(About::UnknownPath { path, near });
        }
    }
    notes
}

/// The path that was probably meant, where the recipe has no such key but one that looks alike.
fn misspelled(known: &Value, path: &[String]) -> Option<String> {
    let mut place = known;
    for (depth, key) in path.iter().enumerate() {
        let entries = place.as_object()?;
        match entries.get(key) {
            Some(child) => place = child,
            None => {
                let near = near_matches(
                    key,
                    entries.keys().map(String::as_str).filter(|other| {
                        // `driver` and `drivers` are alike, `tls` and `tlsRoute` are two things.
                        other.len().abs_diff(key.len()) < 3
                    }),
                );
                let mut meant = path[..depth].to_vec();
                meant.push(near.into_iter().next()?);
                return Some(meant.join("."));
            }
        }
    }
    None
}

/// Remarks that the registry wants made.
pub(super) fn of_registry(used: &ComponentRef, entry: Option<&Entry>, recipe: &Recipe, flags: &Flags) -> Vec<Note> {
    let rules = entry.and_then(|entry| entry.node.get("validations"));
    let mut notes = Vec::new();
    for rule in rules.into_iter().flat_map(|rules| rules.items()) {
        let text = |key: &str| rule.get(key).and_then(|node| node.text()).unwrap_or_default();
        let conditions = rule.get("conditions").map_or(&[][..], |node| node.entries());
        let holds = conditions.iter().all(|condition| {
            let dimension =
                crate::criteria::Dimension::ALL.into_iter().find(|dimension| dimension.name() == &*condition.key);
            let value = dimension.and_then(|dimension| recipe.criteria.get(dimension));
            let wanted = condition.value.items().iter().filter_map(|item| item.text());
            value.is_some_and(|value| wanted.into_iter().any(|wanted| wanted == value))
        });
        if !holds {
            continue;
        }
        let scheduling = &flags.scheduling;
        let applies = match text("function") {
            "CheckWorkloadSelectorMissing" => scheduling.workload_selector.is_empty(),
            "CheckAcceleratedSelectorMissing" => scheduling.accelerated.selector.is_empty(),
            "CheckHostMofedWithoutNetworkOperator" => {
                let has_network = recipe
                    .components
                    .iter()
                    .any(|component| component.name == "network-operator" && component.is_enabled());
                let mofed = used.overrides.get("driver").and_then(|driver| driver.pointer("/rdma/useHostMofed"));
                !has_network && mofed == Some(&json!(true))
            }
            rule => {
                let about = About::NotJudged { rule: rule.to_owned() };
                notes.push(Note { component: used.name.clone(), about });
                continue;
            }
        };
        if applies {
            let message = text("message").to_owned();
            notes.push(Note {
                component: used.name.clone(),
                about: About::Registry { message, is_warning: text("severity") != "info" },
            });
        }
    }
    notes
}

/// That a manifest is only a placeholder.
pub(super) fn of_placeholder(used: &ComponentRef, manifest: &Manifest) -> Option<Note> {
    let about = About::Placeholder(manifest.placeholder.clone()?);
    Some(Note { component: used.name.clone(), about })
}
