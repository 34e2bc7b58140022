//! Lint catalogs, list what is in them, and say which overlays fit a cluster.

use super::Failure;
use crate::{
    catalog::{Catalog, overlay::Overlay},
    constraint::parse,
    criteria::{Criteria, Dimension, ProfileChoice, Query},
    inventory::Inventory,
    lint::{self, Finding},
    recipe::{ComponentRef, ConfigurationError, Recipe, Validation, configuration},
    resolve::{
        self, Options, ResolveError,
        fit::{self, Fit},
    },
    store::catalog_dir::{self, Sources},
};
use std::path::Path;

/// Findings of a folder, or of the catalog that `sources` make.
///
/// A folder without a base of its own is read over the catalog of `sources`; only what stands in the folder is told then.
///
/// # Errors
/// A folder that cannot be read.
pub fn lint(folder: Option<&Path>, sources: &Sources) -> Result<Vec<Finding>, Failure> {
    let failed = super::recipe::folder_failure;
    let Some(folder) = folder else {
        return Ok(lint::lint(&catalog_dir::load(sources).map_err(failed)?));
    };
    let alone = catalog_dir::alone(folder).map_err(failed)?;
    if alone.get("overlays/base.yaml").is_some() {
        return Ok(lint::lint(&alone));
    }
    let over = Sources { catalog: sources.catalog.clone(), data: vec![folder.to_path_buf()] };
    let layered = catalog_dir::load(&over).map_err(failed)?;
    let own: Vec<String> = alone.iter().map(|(_, file)| file.shown.to_string()).collect();
    let mut findings = lint::lint(&layered);
    findings.retain(|finding| own.contains(&finding.file));
    Ok(findings)
}

/// The overlays that neither a cluster nor what a person stated contradicts, best first.
///
/// # Errors
/// An overlay whose chain cannot be followed.
pub fn fits<'c>(catalog: &'c Catalog, stated: &Criteria, snapshot: &Inventory) -> Result<Vec<Fit<'c>>, Failure> {
    fit::fits(catalog, stated, snapshot)
        .map_err(|error| super::recipe::resolve_failure(format!("look for what fits {stated}"), error))
}

/// An overlay of a catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub name: String,
    /// Empty for an overlay that only others build on.
    pub criteria: Criteria,
    /// Whether no other overlay builds on it.
    pub is_leaf: bool,
    /// Whether it is of the catalog itself, not of a folder layered over it.
    pub is_embedded: bool,
    /// The profile that it has or inherits.
    pub profile: Option<ProfileEntry>,
    /// Of leaves, where it was asked for.
    pub health: Option<Health>,
}

/// A choice that an overlay offers.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileEntry {
    pub name: String,
    pub description: String,
    pub default: String,
    /// Sorted.
    pub values: Vec<String>,
}

/// Whether the recipe of a leaf is sound, judged without a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Nothing is graded that could not be looked at: without a recipe there is only `resolves`.
    pub dimensions: Vec<Graded>,
    /// The checks and constraints that the recipe declares; none without a recipe.
    pub validation: Option<Validation>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Graded {
    pub name: &'static str,
    pub grade: Grade,
}

/// Worst last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Pass,
    /// Why it cannot be said.
    Unknown(String),
    /// What is wrong.
    Fail(String),
}

impl Grade {
    fn of(problem: Option<String>) -> Grade {
        problem.map_or(Grade::Pass, Grade::Fail)
    }

    pub fn name(&self) -> &'static str {
        match self {
            Grade::Pass => "pass",
            Grade::Unknown(_) => "unknown",
            Grade::Fail(_) => "fail",
        }
    }

    /// Why it is not a pass.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Grade::Pass => None,
            Grade::Unknown(reason) | Grade::Fail(reason) => Some(reason),
        }
    }
}

impl Health {
    /// The worst of what was looked at.
    pub fn status(&self) -> &'static str {
        self.dimensions.iter().map(|graded| &graded.grade).max().map_or("unknown", Grade::name)
    }
}

/// The overlays that [`names`] finds, by name; `health` resolves each leaf.
pub fn list(catalog: &Catalog, asked: &Criteria, health: bool) -> Vec<Entry> {
    let entry = |overlay: &Overlay| {
        let is_leaf = is_leaf(catalog, overlay);
        Entry {
            name: overlay.name.clone(),
            criteria: overlay.criteria.clone().unwrap_or_default(),
            is_leaf,
            is_embedded: catalog.is_embedded(overlay),
            profile: profile(catalog, overlay),
            health: (health && is_leaf)
                .then(|| overlay.criteria.as_ref().map(|criteria| grade(catalog, criteria)))
                .flatten(),
        }
    };
    catalog.overlays.values().filter(|overlay| names(catalog, overlay, asked)).map(entry).collect()
}

/// Whether an overlay's criteria name every value that was asked for, and it offers the profile value that was chosen.
pub fn names(catalog: &Catalog, overlay: &Overlay, asked: &Criteria) -> bool {
    let named = Dimension::ALL.into_iter().all(|dimension| {
        let wanted = asked.get(dimension);
        wanted.is_none() || overlay.criteria.as_ref().and_then(|criteria| criteria.get(dimension)) == wanted
    });
    named && asked.profile.as_ref().is_none_or(|choice| offers(catalog, overlay, choice))
}

/// Whether a person who asks for an overlay can choose a value of a profile.
pub fn offers(catalog: &Catalog, overlay: &Overlay, choice: &ProfileChoice) -> bool {
    let profile = profile(catalog, overlay);
    profile.is_some_and(|profile| profile.name == choice.name && profile.values.contains(&choice.value))
}

/// Whether no other overlay builds on this one.
pub fn is_leaf(catalog: &Catalog, overlay: &Overlay) -> bool {
    !catalog.overlays.values().any(|other| other.parent.as_deref() == Some(&*overlay.name))
}

/// The nearest profile of an overlay and those that it builds on; a chain has no more overlays than the catalog.
fn profile(catalog: &Catalog, overlay: &Overlay) -> Option<ProfileEntry> {
    let parent = |overlay: &&Overlay| catalog.overlay(overlay.parent.as_deref()?);
    let chain = std::iter::successors(Some(overlay), parent).take(catalog.overlays.len());
    let found = chain.filter_map(|overlay| overlay.body().profile.as_ref()).next()?;
    let mut values: Vec<String> = found.values.iter().map(|value| value.name.clone()).collect();
    values.sort();
    let (name, description, default) = (found.name.clone(), found.description.clone(), found.default.clone());
    Some(ProfileEntry { name, description, default, values })
}

fn grade(catalog: &Catalog, criteria: &Criteria) -> Health {
    let graded = |name, grade| Graded { name, grade };
    let unresolved = |grade| Health { dimensions: vec![graded("resolves", grade)], validation: None };
    if criteria.specificity() == 0 {
        let reason = "the overlay is for any cluster, so no recipe is its own; the other recipes have it";
        return unresolved(Grade::Unknown(reason.to_owned()));
    }
    let resolve = |query: Query| resolve::resolve(catalog, query, None, Options::default());
    let resolved = match resolve(criteria.into()) {
        // Only a person knows the networks of the machines; the recipe is as sound with any eight.
        Err(ResolveError::Configuration(error)) if *error == ConfigurationError::InterfacesNeeded => {
            let mut query = Query::from(criteria);
            query.configure(configuration::with_any_interfaces());
            resolve(query)
        }
        resolved => resolved,
    };
    let recipe = match resolved {
        Ok(resolution) => resolution.recipe,
        Err(error) => return unresolved(Grade::Fail(error.to_string())),
    };
    let dimensions = vec![
        graded("resolves", Grade::Pass),
        graded("chart_pinned", Grade::of(unpinned(&recipe))),
        graded("constraints_wellformed", Grade::of(unreadable(&recipe))),
    ];
    Health { dimensions, validation: Some(recipe.validation.unwrap_or_default()) }
}

/// Charts without a version; a component of manifests alone has no chart.
fn unpinned(recipe: &Recipe) -> Option<String> {
    let has_chart = |component: &&ComponentRef| {
        component.r#type == "Helm"
            && component.is_enabled()
            && !(component.chart.is_empty() && component.source.is_empty())
    };
    let is_pinned = |version: &str| !version.trim_start_matches('v').trim().is_empty();
    let charts = recipe.components.iter().filter(has_chart).filter(|component| !is_pinned(&component.version));
    let names: Vec<&str> = charts.map(|component| &*component.name).collect();
    (!names.is_empty()).then(|| format!("chart without a version: {}", names.join(", ")))
}

/// The first constraint whose expression cannot be read.
fn unreadable(recipe: &Recipe) -> Option<String> {
    recipe.constraints.iter().find_map(|constraint| {
        let error = parse::expressions(&constraint.value).err()?;
        Some(format!("{}: {error}", constraint.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Constraint;

    #[test]
    fn a_chart_without_a_version_and_a_constraint_without_a_value_are_problems() {
        let component = |version: &str| ComponentRef {
            name: "x".to_owned(),
            r#type: "Helm".to_owned(),
            source: "https://charts.example.org".to_owned(),
            version: version.to_owned(),
            ..ComponentRef::default()
        };
        let recipe = |version: &str, value: &str| Recipe {
            components: vec![component(version), ComponentRef { source: String::new(), ..component("") }],
            constraints: vec![Constraint { name: "a".to_owned(), value: value.to_owned(), ..Constraint::default() }],
            ..Recipe::default()
        };
        assert_eq!((unpinned(&recipe("v1", ">= 1")), unreadable(&recipe("v1", ">= 1"))), (None, None));
        assert_eq!(unpinned(&recipe("v", "1")).as_deref(), Some("chart without a version: x"));
        assert!(unreadable(&recipe("v1", ">=")).is_some_and(|problem| problem.starts_with("a: ")));
    }
}
