//! Catalog + criteria (+ snapshot) → recipe, with the reason for every value.
//!
//! Pure: same input, same bytes. `select` chooses overlays, `merge` applies field rules, `order` sorts by dependency,
//! `provenance` carries who wrote what, `explain` tells it.

pub mod explain;
pub mod merge;
pub mod order;
pub mod provenance;
pub mod select;

use crate::{
    catalog::Catalog,
    constraint::Verdict,
    criteria::{Criteria, Dimension},
    recipe::Recipe,
    snapshot::Snapshot,
};
use provenance::{Layer, Traced};

/// How to resolve.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The reference's answers where ours differ on purpose: whole chains lost on exclusion, loose coverage.
    pub compat: bool,
    /// A stated dimension that no applied overlay honours is an error.
    pub strict: bool,
}

/// A recipe and everything that explains it.
#[derive(Clone, Debug)]
pub struct Resolution {
    pub recipe: Recipe,
    /// Who could speak, lowest first; `provenance::Origin::layer` indexes this list.
    pub layers: Vec<Layer>,
    /// The hydrated document, each value with its history: `constraints`, `components.<name>.{…,values}`,
    /// `deploymentOrder`, `validation`, in source order.
    pub document: Traced,
    /// Every overlay of the catalog, in the order base, applied, then the others by name.
    pub decisions: Vec<Decision>,
    /// One entry per stated dimension.
    pub coverage: Vec<Coverage>,
    /// With a snapshot: each constraint of the merged set.
    pub constraints: Vec<JudgedConstraint>,
    pub catalog_digest: String,
    pub catalog_sources: Vec<String>,
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
    Excluded { constraint: String, expected: String, actual: String, fallback: Option<String> },
    /// Has no criteria, so it can only be an ancestor.
    NeverSelected,
}

/// Whether a stated dimension is honoured.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Coverage {
    pub dimension: Dimension,
    pub value: String,
    /// The applied overlay whose criteria name the value.
    pub honoured_by: Option<String>,
    /// Nearest criteria sets that would honour it, when none does.
    pub completions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct JudgedConstraint {
    pub name: String,
    pub expected: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Index of the layer that set it.
    pub layer: usize,
}

/// Why there is no recipe.
#[derive(Clone, Debug, PartialEq)]
pub enum ResolveError {
    Catalog(crate::catalog::CatalogError),
    NoCriteria,
    /// Only OS-specific overlays exist for the service: the usable values.
    OsRequired {
        service: String,
        accelerator: Option<String>,
        valid: Vec<String>,
    },
    UnknownMixin {
        mixin: String,
        overlay: String,
    },
    MixinConflict {
        mixin: String,
        what: String,
    },
    Dependency {
        message: String,
    },
    Incoherent(Vec<String>),
    /// `strict`: dimensions that nothing honours.
    NotHonoured(Vec<Coverage>),
}
impl std::fmt::Display for ResolveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let _ = f;
        todo!("core")
    }
}
impl std::error::Error for ResolveError {}

/// Resolves a query.
pub fn resolve(
    catalog: &Catalog,
    criteria: &Criteria,
    snapshot: Option<&Snapshot>,
    options: Options,
) -> Result<Resolution, ResolveError> {
    let _ = (catalog, criteria, snapshot, options);
    todo!("core")
}
