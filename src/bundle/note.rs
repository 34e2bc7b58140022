//! What a person should know about a bundle that is made all the same.

use super::{
    flags::{Flags, Scheduling, ValuePath, path_text},
    manifest::Manifest,
    plan::{Component, PlanError},
    settle::{self, Settled},
    supplied::Placeholder,
    values::{self, Added, BundleValues, Rule},
};
use crate::{
    catalog::{Catalog, component::Component as Entry},
    criteria::near_matches,
    recipe::{ComponentRef, Recipe, locks::decides_advertiser},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};

/// One remark.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Empty for one on the whole bundle.
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
    /// A value that is left to the installation, and that nothing has a value for.
    Unset { path: String },
    /// A chart that nothing said the digest of.
    NotCompared { chart: String },
    /// A flag for which no component has a use.
    NoEffect { flag: &'static str, why: &'static str },
    /// What the registry says about this component.
    Registry { message: String, severity: Severity },
    /// Rules of the registry, of one severity, that this program does not know.
    NotJudged { rules: Vec<String>, severity: Severity },
}

/// How much a rule of the registry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Info,
    Warning,
    /// There is no bundle where it does not hold.
    Error,
}

impl Severity {
    fn read(text: &str) -> Severity {
        match text {
            "info" => Severity::Info,
            "error" => Severity::Error,
            _ => Severity::Warning,
        }
    }
}

impl Note {
    /// Whether it deserves a line by itself, rather than only in the plan.
    pub fn is_warning(&self) -> bool {
        match self.about {
            About::Registry { severity, .. } => severity != Severity::Info,
            // Whether a rule holds that must is not known.
            About::NotJudged { severity, .. } => severity == Severity::Error,
            _ => true,
        }
    }

    pub(super) fn no_effect(flag: &'static str, why: &'static str) -> Note {
        Note { component: String::new(), about: About::NoEffect { flag, why } }
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
            About::Unset { path } => write!(
                f,
                "`{name}: {path}` is left to the installation and has no value: the chart's default holds until one is given"
            ),
            About::NotCompared { chart } => write!(
                f,
                "the chart `{chart}` of `{name}` is in the bundle as its repository served it: its index gives no digest"
            ),
            About::NoEffect { flag, why } => write!(f, "{flag} has no effect: {why}"),
            About::NotJudged { rules, severity } => write!(
                f,
                "`{name}`: rules of the registry{} were not checked, because only their names are known here: {}",
                if *severity == Severity::Error { " that must hold" } else { "" },
                rules.join(", ")
            ),
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
        let path = path_text(&given.path);
        let governed = settle::governing().into_iter().filter(|governed| gives(given, governed));
        for governed in governed.filter(|_| decides_advertiser(&used.name)) {
            say(About::Advertiser { path: path_text(&governed) });
        }
        if let Some(near) = misspelled(&known, &given.path) {
            say(About::UnknownPath { path, near });
        }
    }
    notes
}

/// Whether a flag says something about a value, by itself or with all that is around it.
fn gives(given: &Added, path: &[String]) -> bool {
    match path.strip_prefix(&given.path[..]) {
        Some(below) => below.iter().try_fold(&given.value, |value, key| value.get(key)).is_some(),
        None => given.path.starts_with(path),
    }
}

/// That nothing has a value for what is left to the installation.
pub(super) fn of_unset(used: &ComponentRef, path: &ValuePath) -> Note {
    Note { component: used.name.clone(), about: About::Unset { path: path.to_string() } }
}

/// Flags for which no component of the bundle has a use.
pub(super) fn of_flags(
    catalog: &Catalog,
    recipe: &Recipe,
    components: &[Component],
    scheduling: &Scheduling,
) -> Vec<Note> {
    let entries = || components.iter().filter_map(|known| catalog.registry.components.get(&known.used.name));
    let used = |keys: &[&str]| entries().any(|entry| values::paths(entry, keys).next().is_some());
    let (system, accelerated) = (&scheduling.system, &scheduling.accelerated);
    let is_quota = |entry: &&Entry| entry.node.get("gkeCriticalPriority").and_then(|node| node.as_bool()) == Some(true);
    let counts_nodes = recipe.criteria.service == Some("gke".into()) && entries().any(|entry| is_quota(&entry));
    let is_criterion = u64::from(recipe.criteria.nodes) == scheduling.nodes;
    let nodes = "no component of the bundle says on which nodes it runs";
    let tolerations = "no component of the bundle says what its pods tolerate";
    let given: [(&'static str, bool, &[&str], &'static str); 9] = [
        (
            "--system-node-selector",
            !system.selector.is_empty(),
            &["nodeScheduling", "system", "nodeSelectorPaths"],
            nodes,
        ),
        (
            "--system-node-toleration",
            !system.tolerations.is_empty(),
            &["nodeScheduling", "system", "tolerationPaths"],
            tolerations,
        ),
        (
            "--accelerated-node-selector",
            !accelerated.selector.is_empty(),
            &["nodeScheduling", "accelerated", "nodeSelectorPaths"],
            nodes,
        ),
        (
            "--accelerated-node-toleration",
            !accelerated.tolerations.is_empty(),
            &["nodeScheduling", "accelerated", "tolerationPaths"],
            tolerations,
        ),
        (
            "--workload-gate",
            scheduling.workload_gate.is_some(),
            &["nodeScheduling", "accelerated", "taintStrPaths"],
            "no component of the bundle keeps workloads off nodes",
        ),
        (
            "--workload-selector",
            !scheduling.workload_selector.is_empty(),
            &["podScheduling", "workload", "workloadSelectorPaths"],
            "no component of the bundle waits for workloads",
        ),
        (
            "--nodes",
            scheduling.nodes > 0 && !counts_nodes && !is_criterion,
            &["nodeScheduling", "nodeCountPaths"],
            "no component of the bundle depends on the number of nodes",
        ),
        (
            "--storage-class",
            scheduling.storage_class.is_some(),
            &["storageClassPaths"],
            "no component of the bundle claims storage",
        ),
        (
            "--shared-storage-class",
            scheduling.shared_storage_class.is_some(),
            &["sharedStorageClassPaths"],
            "no component of the bundle claims storage that several nodes mount",
        ),
    ];
    let useless = given.into_iter().filter(|(_, is_given, keys, _)| *is_given && !used(keys));
    let mut notes: Vec<Note> = useless.map(|(flag, _, _, why)| Note::no_effect(flag, why)).collect();
    if scheduling.dra_eviction_node_label.is_some() {
        let find = |name: &str| components.iter().find(|known| known.used.name == name);
        let manages = |operator: &Component| operator.values.values.pointer("/driver/enabled") != Some(&json!(false));
        let why = match (find("nvidia-dra-driver-gpu"), find("gpu-operator").is_some_and(manages)) {
            (None, _) => Some("the bundle has no DRA driver"),
            (_, false) => Some("no component of the bundle manages the GPU driver"),
            _ => None,
        };
        notes.extend(why.map(|why| Note::no_effect("--dra-eviction-node-label", why)));
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
                return Some(path_text(&meant));
            }
        }
    }
    None
}

/// Remarks that the registry wants made.
///
/// # Errors
/// A rule that must hold and does not.
pub(super) fn of_registry(
    (used, values): (&ComponentRef, &Value),
    entry: Option<&Entry>,
    recipe: &Recipe,
    flags: &Flags,
) -> Result<Vec<Note>, PlanError> {
    let rules = entry.and_then(|entry| entry.node.get("validations"));
    let mut notes = Vec::new();
    let mut unknown: BTreeMap<Severity, Vec<String>> = BTreeMap::new();
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
        let (scheduling, severity) = (&flags.scheduling, Severity::read(text("severity")));
        let applies = match text("function") {
            "CheckWorkloadSelectorMissing" => scheduling.workload_selector.is_empty(),
            "CheckAcceleratedSelectorMissing" => scheduling.accelerated.selector.is_empty(),
            "CheckHostMofedWithoutNetworkOperator" => {
                let has_network = recipe
                    .components
                    .iter()
                    .any(|component| component.name == "network-operator" && component.is_enabled());
                !has_network && values.pointer("/driver/rdma/useHostMofed") == Some(&json!(true))
            }
            rule => {
                unknown.entry(severity).or_default().push(rule.to_owned());
                continue;
            }
        };
        if !applies {
            continue;
        }
        let (component, message) = (used.name.clone(), text("message").to_owned());
        if severity == Severity::Error {
            return Err(PlanError::Rule { component, rule: text("function").to_owned(), message });
        }
        notes.push(Note { component, about: About::Registry { message, severity } });
    }
    let about = |(severity, rules)| About::NotJudged { rules, severity };
    notes.extend(unknown.into_iter().map(about).map(|about| Note { component: used.name.clone(), about }));
    Ok(notes)
}

/// That a manifest is only a placeholder.
pub(super) fn of_placeholder(used: &ComponentRef, manifest: &Manifest) -> Option<Note> {
    let about = About::Placeholder(manifest.placeholder.clone()?);
    Some(Note { component: used.name.clone(), about })
}
