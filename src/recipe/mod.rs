//! The resolved specification: which components, in which versions, order and constraints, and which checks prove it.
//!
//! The same document as the reference's `RecipeResult`; what we add (coverage, catalog stamp, judged constraints) travels
//! under the top-level key `aicr`, which the reference ignores.

pub mod configuration;
pub mod format;
pub mod locks;
mod phase;

pub use crate::settings::{Accounting, Configuration, Gke, RuntimeInventory, Slurm, TcpxoInterface};
pub use configuration::ConfigurationError;
pub use locks::{Locked, Locks};
pub use phase::Phase;

use crate::{
    criteria::{Criteria, ProfileChoice, Query},
    document::{
        header::{self, Edition, NoSuchForm, Version},
        schema,
        selector::Selector,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    pub version: String,
    pub applied_overlays: Vec<String>,
    pub excluded_overlays: Vec<ExcludedOverlay>,
    pub constraint_warnings: Vec<ConstraintWarning>,
    pub criteria: Criteria,
    /// Sorted by name.
    pub constraints: Vec<Constraint>,
    /// Sorted by name; disabled components are listed too.
    pub components: Vec<ComponentRef>,
    /// Enabled components, dependencies first.
    pub deployment_order: Vec<String>,
    pub validation: Option<Validation>,
    /// The profile value that was selected, where the coordinate has one.
    pub selected_profile: Option<SelectedProfile>,
    /// Typed settings, each recorded only where it was decided.
    pub configuration: Configuration,
    /// What the snapshot says about parts that settings depend on.
    pub states: States,
    /// What we add under the key `aicr`: coverage, catalog digest and sources, judged constraints; null for nothing.
    pub extra: Value,
    /// Fields of a file that this program does not know, with their place: they are written again.
    pub unknown: Vec<(Selector, Value)>,
}

impl Recipe {
    /// The first field that needs an extended version, as a dotted path.
    pub fn extension(&self) -> Option<&'static str> {
        match (&self.selected_profile, self.configuration.is_empty()) {
            (Some(_), _) => Some("metadata.selectedProfile"),
            (None, false) => Some("configuration"),
            (None, true) => None,
        }
    }

    /// What the recipe was asked for, its typed settings included.
    pub fn query(&self) -> Query {
        let mut query = Query::from(&self.criteria);
        query.configure(self.configuration.clone());
        query
    }

    /// The version that the document of this recipe has in an edition.
    ///
    /// # Errors
    /// A profile or a typed configuration, which have no form before `v1`.
    pub fn version(&self, edition: Edition) -> Result<&'static Version, NoSuchForm> {
        header::RECIPE.written(edition, self.extension())
    }
}

/// Which value of a profile a recipe has, and which paths it owns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SelectedProfile {
    pub name: String,
    pub value: String,
    /// `external`, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertiser: Option<String>,
    /// Component to dotted paths in its values, sorted.
    #[serde(default)]
    pub owned_paths: BTreeMap<String, Vec<String>>,
}

impl SelectedProfile {
    /// As a person would choose it.
    pub fn choice(&self) -> ProfileChoice {
        ProfileChoice { name: self.name.clone(), value: self.value.clone() }
    }
}

/// States that a snapshot reveals, as the reference records them in `metadata`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct States {
    /// `preinstalled` or `absent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_driver_state: Option<String>,
    /// `absent`, `api-detected`, `crs-detected` or `unknown`.
    #[serde(rename = "mariaDBOperatorState", skip_serializing_if = "Option::is_none")]
    pub mariadb_operator_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_storage_class_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percona_operator_state: Option<String>,
}

/// What is wrong with a ref, and its place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoherence {
    pub index: usize,
    pub problem: String,
}

/// Contradictions within enabled refs, sorted, one line each; empty for a coherent list.
pub fn coherence(components: &[ComponentRef]) -> Vec<Incoherence> {
    let mut problems = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for (index, name) in components.iter().map(|component| component.name.as_str()).enumerate() {
        // Two of one name would be one release, with the settings of whichever comes last.
        if !name.is_empty() && !names.insert(name) {
            problems.push(Incoherence { index, problem: format!("component `{name}`: there are two of this name") });
        }
    }
    for (index, component) in components.iter().enumerate().filter(|(_, component)| component.is_enabled()) {
        let mut say = |text: &str| {
            let problem = match &*component.name {
                "" => format!("component {} of the list: {text}", index + 1),
                name => format!("component `{name}`: {text}"),
            };
            problems.push(Incoherence { index, problem });
        };
        if component.name.is_empty() {
            say("missing name");
        }
        if !component.patches.is_empty() {
            say("patches are not supported");
        }
        match &*component.r#type {
            "Helm" => helm_coherence(component, &mut say),
            "Kustomize" => {
                if component.path.is_empty() {
                    say("a Kustomize component needs a path");
                }
                if !component.tag.is_empty() && component.source.is_empty() {
                    say("a tag needs a source");
                }
                if !component.manifest_files.is_empty() {
                    say("a Kustomize component cannot have manifestFiles");
                }
            }
            other => say(&format!("the type must be Helm or Kustomize, found `{other}`")),
        }
    }
    problems.sort_by(|one, other| one.problem.cmp(&other.problem));
    problems
}

fn helm_coherence(component: &ComponentRef, say: &mut impl FnMut(&str)) {
    if !component.tag.is_empty() || !component.path.is_empty() {
        say("a Helm component cannot have a tag or a path");
    }
    for (name, text) in [("chart", &component.chart), ("source", &component.source), ("version", &component.version)] {
        if text.trim() != text {
            say(&format!("the {name} has white space around it"));
        }
    }
    if component.version == "v" {
        say("the version is only `v`");
    }
    if !component.source.is_empty() {
        if component.version.is_empty() {
            say("a chart source needs a version");
        }
    } else if !component.chart.is_empty() {
        say("a chart needs a source");
    } else if component.manifest_files.is_empty() {
        say("no source, no chart and no manifestFiles: nothing to deploy");
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExcludedOverlay {
    pub name: String,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConstraintWarning {
    pub overlay: String,
    pub constraint: String,
    pub expected: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    pub reason: String,
}

/// `name` is a measurement path at the top level and a validator's key inside a phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    pub name: String,
    pub value: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub severity: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remediation: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

impl Constraint {
    /// Whether the author says that a cluster may go on without it.
    pub fn is_warning(&self) -> bool {
        let is_error = self.severity.is_empty() || self.severity.eq_ignore_ascii_case("error");
        !is_error && schema::is_severity(&self.severity)
    }
}

/// The use of a component; field order is the reference's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ComponentRef {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chart: String,
    pub r#type: String,
    pub source: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub values_file: String,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub overrides: serde_json::Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependency_refs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub manifest_files: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pre_manifest_files: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cleanup: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected_resources: Vec<ExpectedResource>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub health_check_asserts: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub health_check_skip: bool,
}

/// Keys of overrides that turn a component off: people's, and that of typed settings.
pub const SWITCHES: [&str; 2] = ["enabled", "install"];

impl ComponentRef {
    /// False only where `overrides.enabled` or `overrides.install` is the boolean `false`.
    pub fn is_enabled(&self) -> bool {
        SWITCHES.iter().all(|switch| self.overrides.get(*switch) != Some(&Value::Bool(false)))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedResource {
    pub kind: String,
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Validation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness: Option<PhaseSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<PhaseSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance: Option<PhaseSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conformance: Option<PhaseSpec>,
}

impl Validation {
    pub fn phase(&self, phase: Phase) -> Option<&PhaseSpec> {
        match phase {
            Phase::Deployment => self.deployment.as_ref(),
            Phase::Conformance => self.conformance.as_ref(),
            Phase::Performance => self.performance.as_ref(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhaseSpec {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timeout: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selection: Option<NodeSelection>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub infrastructure: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelection {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_nodes: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_nodes: Vec<String>,
}
