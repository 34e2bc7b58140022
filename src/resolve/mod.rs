//! Catalog + criteria (+ snapshot) → recipe, with the reason for every value.
//!
//! Pure: same input, same bytes. `select` chooses overlays, `merge` applies field rules, `order` sorts by dependency,
//! `hydrate` fills in values, `explain` reports who set what.
//! `fit` turns the question round: which overlays a cluster can have; `file` reads a resolved recipe back.

pub mod configuration;
mod coverage;
pub mod error;
mod exclude;
pub mod explain;
pub mod file;
mod finish;
pub mod fit;
pub mod hydrate;
pub mod merge;
pub mod order;
pub mod profile;
pub mod select;

pub use error::ResolveError;

use crate::{
    catalog::{Catalog, component::Component, edition::Edition, mixin::Mixin, overlay::Overlay},
    constraint::{Spread, Verdict},
    criteria::{Criteria, Dimension, Query, StatedBy},
    document::{
        selector::Selector,
        side::Side,
        traced::{Layer, LayerKind, Traced},
    },
    inventory::Inventory,
    recipe::{Configuration, Recipe, SelectedProfile, States},
};
use std::collections::BTreeMap;

/// How to resolve.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The answers of the reference's release of July 2026, where today's differ: whole chains lost on exclusion, and
    /// whatever `rule` says, a dimension that no overlay honors changes nothing.
    pub compat: bool,
    /// What a stated dimension that no applied overlay honors means.
    pub rule: CoverageRule,
}

impl Options {
    /// With a recipe for every query that has one, whatever it does not honor.
    pub const LENIENT: Options = Options { compat: false, rule: CoverageRule::Lenient };

    /// The reference's release of July 2026.
    pub const JULY: Options = Options { compat: true, rule: CoverageRule::Lenient };
}

/// What happens where no applied overlay is for a value that was stated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CoverageRule {
    /// An error, unless only a snapshot stated such values: then they are opened, and the recipe records it.
    #[default]
    Enforced,
    /// An error in every case, nodes included.
    Strict,
    /// It is recorded in the coverage, and changes nothing.
    Lenient,
}

/// A recipe and everything that explains it.
#[derive(Clone, Debug)]
pub struct Resolution {
    pub recipe: Recipe,
    /// Who could speak, lowest first; `document::traced::Origin::layer` indexes this list.
    pub layers: Vec<Layer>,
    /// The hydrated document, each value with its history: `constraints`, `components.<name>.{…,values}`,
    /// `deploymentOrder`, `validation`, in source order.
    pub document: Traced,
    /// Every overlay of the catalog, in the order base, applied, then the others by name.
    pub decisions: Vec<Decision>,
    /// One entry per stated dimension.
    pub coverage: Vec<Coverage>,
    /// What a snapshot stated and no overlay honors; `any` in the recipe's criteria.
    pub relaxed: Vec<Relaxed>,
    /// With a snapshot: each constraint of the merged set.
    pub constraints: Vec<JudgedConstraint>,
    /// What of the driver on a snapshot's nodes is worth a word.
    pub driver: Option<configuration::DriverNote>,
    /// Values that a layer took away again, by path; the last word of each history is the one that did it.
    pub removed: Vec<(Selector, Traced)>,
    pub catalog_digest: String,
    pub catalog_sources: Vec<String>,
    /// What the catalog says about itself and about the files that this recipe is made of.
    pub catalog_edition: Option<Edition>,
    /// The folder that took the place of the embedded catalog.
    pub catalog_folder: Option<String>,
}

impl From<&Resolution> for Side {
    fn from(resolution: &Resolution) -> Side {
        let criteria = Some(resolution.recipe.criteria.clone());
        Side { document: resolution.document.clone(), layers: resolution.layers.clone(), criteria }
    }
}

/// What happened to one overlay.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Decision {
    pub overlay: String,
    pub file: String,
    pub criteria: String,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Matched the query and was merged.
    Applied,
    /// Merged because a matching overlay builds on it.
    Ancestor { of: String },
    /// Did not match: the first dimension that differs, what the overlay wants, what the query says (`any` when open).
    Rejected { dimension: Dimension, wants: String, query: String },
    /// Matched, but one of its constraints does not hold on the snapshot.
    Excluded {
        constraint: String,
        expected: String,
        actual: String,
        /// On which nodes, where the constraint is one on nodes.
        #[serde(skip_serializing_if = "Option::is_none")]
        nodes: Option<Spread>,
        fallback: Option<String>,
    },
    /// Matched, or would have been inherited from, but the leaf that builds on it was excluded.
    DroppedWith { leaf: String },
    /// Has no criteria, so it can only be an ancestor.
    NeverSelected,
}

impl Outcome {
    /// Whether the overlay was merged, for itself or for one that builds on it.
    pub fn is_applied(&self) -> bool {
        matches!(self, Outcome::Applied | Outcome::Ancestor { .. })
    }
}

impl std::fmt::Display for Outcome {
    /// Why an overlay applied or did not, in a few words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Applied => f.write_str("applied"),
            Outcome::Ancestor { of } => write!(f, "ancestor of {of}"),
            Outcome::Rejected { dimension, wants, query } => {
                write!(f, "wants {} {wants}, not {query}", dimension.name())
            }
            Outcome::Excluded { constraint, expected, actual, fallback, .. } => {
                write!(f, "{constraint} is {actual}, needs {expected}")?;
                fallback.as_ref().map_or(Ok(()), |name| write!(f, ", {name} instead"))
            }
            Outcome::DroppedWith { leaf } => write!(f, "dropped with {leaf}"),
            Outcome::NeverSelected => f.write_str("has no criteria"),
        }
    }
}

/// Whether a stated dimension is honored.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    pub dimension: Dimension,
    pub value: String,
    /// Who stated it.
    #[serde(skip)]
    pub by: StatedBy,
    /// The applied overlay whose criteria name the value.
    pub honored_by: Option<String>,
    /// What else would have to be stated, when none does; smallest first.
    pub completions: Vec<Completion>,
    /// Overlays that are for the value and that the snapshot excluded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<LeftOut>,
    /// Criteria sets that name the value, nearest first, whatever they contradict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<String>,
}

/// Dimensions that a query left open and an overlay asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion(pub Vec<(Dimension, String)>);

impl std::fmt::Display for Completion {
    /// `intent=training, os=ubuntu`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entries: Vec<String> =
            self.0.iter().map(|(dimension, value)| format!("{}={value}", dimension.name())).collect();
        f.write_str(&entries.join(", "))
    }
}

impl serde::Serialize for Completion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An overlay that a snapshot excluded, and by which reading; written as its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub overlay: String,
    /// `OS.release.VERSION_ID is 22.04, needs 24.04; 3 of 4 nodes; not on gpu-d (22.04)`.
    pub because: String,
}

impl LeftOut {
    /// The record of an overlay that was excluded; `None` for one that was not.
    fn of(overlay: &str, outcome: &Outcome) -> Option<LeftOut> {
        let Outcome::Excluded { constraint, expected, actual, nodes, fallback: _ } = outcome else { return None };
        let nodes = nodes.as_ref().map(|nodes| format!("; {}", nodes.words())).unwrap_or_default();
        let because = format!("{constraint} is {actual}, needs {expected}{nodes}");
        Some(LeftOut { overlay: overlay.to_owned(), because })
    }
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.overlay, self.because)
    }
}

impl serde::Serialize for LeftOut {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.overlay)
    }
}

/// A value that only a snapshot stated, that no overlay honors, and that was opened for that.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Relaxed {
    pub dimension: Dimension,
    pub value: String,
    /// Overlays that are for the value and that the snapshot excluded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<LeftOut>,
}

impl Coverage {
    /// What would have to be stated, or why nothing helps, as the end of `accelerator 'h100' …`.
    pub fn problem(&self, criteria: &Criteria) -> String {
        let what = format!("{} `{}`", self.dimension.name(), self.value);
        // It was there to be honored: that something else can be stated too is not the cause.
        if !self.excluded.is_empty() {
            let excluded: Vec<String> = self.excluded.iter().map(ToString::to_string).collect();
            let excluded = excluded.join(", ");
            return format!("{what} is provided only by overlays that the snapshot's readings exclude: {excluded}");
        }
        if let [first, ..] = &*self.completions {
            let only = |completion: &Completion| completion.0.len() == 1 && completion.0[0].0 == first.0[0].0;
            if self.completions.iter().all(only) {
                let valid: Vec<&str> = self.completions.iter().map(|completion| &*completion.0[0].1).collect();
                return format!("{what} for {criteria} requires {} (valid: {})", first.0[0].0.name(), valid.join(", "));
            }
            let sets: Vec<String> = self.completions.iter().map(|completion| format!("({completion})")).collect();
            return format!("{what} requires additional criteria; supported combinations: {}", sets.join(", "));
        }
        format!("no overlay provides {what} for {criteria}")
    }

    /// Whether the recipe lacks what was asked for: no applied overlay is for the value, and somebody asked for it.
    ///
    /// A number of nodes that only a snapshot states asks for nothing: every cluster has one.
    pub fn is_missing(&self) -> bool {
        let asked = self.dimension != Dimension::Nodes || self.by != StatedBy::Snapshot;
        self.honored_by.is_none() && asked
    }
}

impl Resolution {
    /// The layer that set each constraint, by the name of the constraint.
    pub fn constraint_layers(&self) -> BTreeMap<String, String> {
        let layer =
            |judged: &JudgedConstraint| Some((judged.name.clone(), self.layers.get(judged.layer)?.name.clone()));
        self.constraints.iter().filter_map(layer).collect()
    }
}

#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct JudgedConstraint {
    pub name: String,
    pub expected: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Index of the layer that set it.
    pub layer: usize,
    /// Whether the author says that a cluster may go on without it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_warning: bool,
    /// What to do where it does not hold; empty where the author does not say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remediation: String,
}

/// Resolves a query.
///
/// Without a snapshot at least one dimension must be stated. With one, an overlay whose constraints do not hold is
/// replaced by its deepest ancestor whose constraints do (`compat`: it is dropped with its whole chain).
///
/// # Errors
/// Every [`ResolveError`].
pub fn resolve(
    catalog: &Catalog,
    query: impl Into<Query>,
    snapshot: Option<&Inventory>,
    options: Options,
) -> Result<Resolution, ResolveError> {
    let query: Query = query.into();
    let first = resolve_once(catalog, &query, snapshot, options, None);
    let Err(ResolveError::NotHonored { missing, .. }) = &first else { return first };
    // A person who did not say it is not owed it: the values of the snapshot are opened, once.
    if options.rule == CoverageRule::Strict || missing.iter().any(|entry| entry.by != StatedBy::Snapshot) {
        return first;
    }
    let mut opened = query.clone();
    missing.iter().for_each(|entry| opened.state(entry.dimension, None, StatedBy::Snapshot));
    let relaxed = |entry: &Coverage| {
        let Coverage { dimension, value, excluded, .. } = entry.clone();
        Relaxed { dimension, value, excluded }
    };
    let relaxed = missing.iter().map(relaxed).collect();
    match resolve_once(catalog, &opened, snapshot, options, Some(query.criteria())) {
        Ok(resolution) => Ok(Resolution { relaxed, ..resolution }),
        // Without the values of the snapshot there is no recipe either: the cause is what was wrong with them.
        Err(ResolveError::OsRequired { .. } | ResolveError::NotHonored { .. }) => first,
        Err(error) => Err(error),
    }
}

/// `asked`: the criteria before values of the snapshot were opened; what it excluded then is recorded too.
fn resolve_once(
    catalog: &Catalog,
    query: &Query,
    snapshot: Option<&Inventory>,
    options: Options,
    asked: Option<&Criteria>,
) -> Result<Resolution, ResolveError> {
    let criteria = query.criteria();
    if snapshot.is_none() && criteria.specificity() == 0 {
        return Err(ResolveError::NoCriteria);
    }
    if !options.compat {
        select::refuse_circles(catalog, criteria)?;
    }
    let candidates = select::leaves(catalog, criteria);
    select::require_os(catalog, criteria, &candidates)?;
    let selected = profile::select(catalog, &candidates, criteria.profile.as_ref())?;
    let mut screening = match snapshot {
        Some(snapshot) => exclude::screen(catalog, candidates, snapshot, options)?,
        None => exclude::Screening { leaves: candidates, ..exclude::Screening::default() },
    };
    if let (Some(snapshot), Some(asked)) = (snapshot, asked) {
        let before = exclude::screen(catalog, select::leaves(catalog, asked), snapshot, options)?;
        screening.record(before);
    }
    let mut build = Build::new(catalog);
    build.merge_chains(&screening.leaves)?;
    build.merge_mixins()?;
    if let (Some(snapshot), true) = (snapshot, options.compat)
        && exclude::screen_mixins(catalog, &mut screening, &build, snapshot)?
    {
        build = Build::new(catalog);
        build.merge_chains(&screening.leaves)?;
        build.merge_mixins()?;
    }
    screening.keep_fallbacks(&build.applied);
    configuration::apply(&mut build, query.configuration(), criteria, options)?;
    if let Some(selected) = &selected {
        profile::require_applied(selected, &build.applied, &screening.outcomes)?;
        profile::apply(&mut build, selected)?;
        configuration::check_disjoint(&build.configuration, build.profile.as_ref())?;
    }
    let coverage = coverage::of(catalog, query, &build.applied, &screening.outcomes);
    let counts = |entry: &&Coverage| {
        let exempt = entry.dimension == Dimension::Nodes && options.rule != CoverageRule::Strict;
        entry.is_missing() && !exempt
    };
    let missing: Vec<Coverage> = coverage.iter().filter(counts).cloned().collect();
    if !options.compat && options.rule != CoverageRule::Lenient && !missing.is_empty() {
        return Err(ResolveError::NotHonored { criteria: criteria.clone().into(), missing });
    }
    // What a cluster must confirm is judged in every case; the strictness is whether a recipe can do without.
    if let (Some(selected), Some(snapshot)) = (&selected, snapshot)
        && options.rule != CoverageRule::Lenient
    {
        profile::confirm(selected, snapshot)?;
    }
    let (states, driver) = configuration::observe(&mut build, snapshot, options)?;
    build.states = states;
    let decided = asked.unwrap_or(criteria);
    let decisions = select::decisions(catalog, decided, &screening.leaves, &build.applied, &screening.outcomes);
    if query.settings().is_empty() {
        let finished = finish::finish(catalog, criteria, snapshot, build, screening, coverage, decisions);
        return finished.map(|resolution| Resolution { driver, ..resolution });
    }
    let mut set = build.clone();
    profile::set(&mut set, query.settings())?;
    finish::keep_locked(catalog, &build, &set)?;
    let finished = finish::finish(catalog, criteria, snapshot, set, screening, coverage, decisions);
    finished.map(|resolution| Resolution { driver, ..resolution })
}

/// Layers merged so far.
#[derive(Clone)]
pub(crate) struct Build<'c> {
    catalog: &'c Catalog,
    merged: merge::Merged,
    layers: Vec<Layer>,
    /// `base`, then overlays in merge order.
    applied: Vec<String>,
    /// Mixins that were applied, in order.
    mixins: Vec<&'c Mixin>,
    /// The profile value that was applied.
    profile: Option<SelectedProfile>,
    /// The typed settings that were applied.
    configuration: Configuration,
    /// What the snapshot says about parts that settings depend on.
    states: States,
}

/// Index of the registry among the layers; the base follows.
const REGISTRY_LAYER: usize = 0;

impl<'c> Build<'c> {
    fn new(catalog: &'c Catalog) -> Build<'c> {
        let registry = Layer::new(LayerKind::RegistryDefault, "registry defaults", "registry.yaml", "");
        Build {
            catalog,
            merged: merge::Merged::default(),
            layers: vec![registry],
            applied: Vec::new(),
            mixins: Vec::new(),
            profile: None,
            configuration: Configuration::default(),
            states: States::default(),
        }
    }

    fn merge_chains(&mut self, leaves: &[&Overlay]) -> Result<(), ResolveError> {
        self.merge_overlay(&self.catalog.base, LayerKind::Base)?;
        for leaf in leaves {
            for overlay in select::chain(self.catalog, leaf)? {
                if !self.applied.contains(&overlay.name) {
                    self.merge_overlay(overlay, LayerKind::Overlay)?;
                }
            }
        }
        Ok(())
    }

    fn merge_overlay(&mut self, overlay: &Overlay, kind: LayerKind) -> Result<(), ResolveError> {
        let criteria = overlay.criteria.as_ref().map(Criteria::to_string).unwrap_or_default();
        let layer = self.layers.len();
        self.layers.push(Layer::new(kind, &overlay.name, overlay.file(), &criteria));
        overlay.check()?;
        let body = overlay.body();
        let writer = merge::Writer { layer, document: &body.document };
        self.merged.add(writer, &body.spec, kind == LayerKind::Base)?;
        self.applied.push(overlay.name.clone());
        Ok(())
    }

    fn merge_mixins(&mut self) -> Result<(), ResolveError> {
        let applied: Vec<&Overlay> = self.applied.iter().filter_map(|name| self.catalog.overlays.get(name)).collect();
        for overlay in applied {
            let body = overlay.body();
            for (name, at) in &body.mixins {
                if self.mixins.iter().any(|mixin| mixin.name == *name) {
                    continue;
                }
                let Some(mixin) = self.catalog.mixins.get(name) else {
                    let near = crate::criteria::near_matches(name, self.catalog.mixins.keys().map(String::as_str));
                    let at = body.document.location(*at);
                    return Err(ResolveError::UnknownMixin { mixin: name.clone(), at, near });
                };
                let layer = self.layers.len();
                self.layers.push(Layer::new(LayerKind::Mixin, name, mixin.file(), ""));
                let writer = merge::Writer { layer, document: &mixin.document };
                let registry = &self.catalog.registry.components;
                let open = |component: &str| registry.get(component).map(Component::open_to_mixins).unwrap_or_default();
                self.merged.add_mixin(writer, name, &mixin.spec, open)?;
                self.mixins.push(mixin);
            }
        }
        Ok(())
    }
}
