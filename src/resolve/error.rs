//! Why there is no recipe.

use super::{Coverage, profile::ProfileError};
use crate::{
    catalog::CatalogError, criteria::Criteria, document::location::Location, recipe::ConfigurationError,
    text::did_you_mean,
};

/// Why there is no recipe.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ResolveError {
    /// A document of the catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Neither criteria nor a snapshot.
    #[error("no criteria given; at least one must be set")]
    NoCriteria,
    /// Only OS-specific overlays exist for the service.
    #[error(
        "the catalog has only OS-specific overlays for service `{service}`{}",
        accelerator.as_ref().map(|name| format!(" with accelerator `{name}`")).unwrap_or_default()
    )]
    OsRequired {
        /// As asked for.
        service: String,
        /// As asked for.
        accelerator: Option<String>,
        /// The values of `os` that would match.
        valid: Vec<String>,
    },
    /// An overlay that names a mixin that does not exist.
    #[error("the mixin `{mixin}` does not exist")]
    UnknownMixin {
        /// The name.
        mixin: String,
        /// Where it is named.
        at: Location,
        /// Names that look alike.
        near: Vec<String>,
    },
    /// A mixin that cannot be applied to what the overlays made.
    #[error("the mixin `{mixin}` cannot be applied: {conflict}")]
    Mixin {
        /// The name.
        mixin: String,
        /// What it collides with.
        conflict: MixinConflict,
    },
    /// A dependency that is not in the recipe.
    #[error("the component `{component}` depends on `{dependency}`, which is not in the recipe")]
    MissingDependency {
        /// Who depends.
        component: String,
        /// On what.
        dependency: String,
    },
    /// Components that depend on each other in a circle, the first repeated at the end.
    #[error("components depend on each other in a circle: {}", .0.join(" → "))]
    Circle(Vec<String>),
    /// Refs that contradict themselves, one line each.
    #[error("{}", .0.join("; "))]
    Incoherent(Vec<String>),
    /// A file that the recipe names and the catalog lacks.
    #[error("the {field} of component `{component}` is not in the catalog: {path}")]
    MissingFile {
        /// Whose file it is.
        component: String,
        /// `values file` or `health check`.
        field: &'static str,
        /// Catalog-relative.
        path: String,
    },
    /// A profile, or what a person sets over the recipe.
    #[error(transparent)]
    Profile(Box<ProfileError>),
    /// A typed setting.
    #[error(transparent)]
    Configuration(Box<ConfigurationError>),
    /// Stated dimensions that no applied overlay is for.
    #[error("{}", missing.iter().map(|entry| entry.problem(criteria)).collect::<Vec<_>>().join("; "))]
    NotHonored {
        /// What was asked for.
        criteria: Box<Criteria>,
        /// At least one.
        missing: Vec<Coverage>,
    },
}

/// What a mixin collides with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MixinConflict {
    /// An override of a component that an overlay has, which the registry does not open to mixins.
    #[error("the component `{component}` exists already, and its `{path}` is not open to mixins")]
    Override {
        /// The name.
        component: String,
        /// The dotted path.
        path: String,
    },
    /// A constraint that an overlay has.
    #[error("the constraint `{0}` is set already")]
    Constraint(String),
    /// A field of a component that an overlay has.
    #[error("the component `{component}` exists already, and a mixin may not set its `{field}`")]
    Field {
        /// The name.
        component: String,
        /// The field.
        field: &'static str,
    },
}

impl ResolveError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            ResolveError::Catalog(error) => error.problem.hint(),
            ResolveError::NoCriteria => Some(
                "give at least one of --service, --accelerator, --os, --intent, --platform, --nodes, or --snapshot"
                    .to_owned(),
            ),
            ResolveError::OsRequired { valid, .. } => {
                let flags = valid.iter().map(|value| format!("--os {value}")).collect::<Vec<_>>().join(", ");
                Some(if valid.len() == 1 { format!("add {flags}") } else { format!("add one of {flags}") })
            }
            ResolveError::UnknownMixin { near, .. } => did_you_mean(near),
            ResolveError::Profile(error) => error.hint(),
            ResolveError::Configuration(error) => error.hint(),
            ResolveError::NotHonored { missing, .. } => {
                if let Some(entry) = missing.iter().find(|entry| !entry.excluded.is_empty()) {
                    let more: Vec<String> = entry.completions.iter().map(ToString::to_string).collect();
                    let more =
                        if more.is_empty() { String::new() } else { format!(", state more ({})", more.join("; ")) };
                    return Some(format!(
                        "let the cluster meet these constraints{more}, or resolve with --lenient, without what is not honored"
                    ));
                }
                Some(match missing.iter().find(|entry| !entry.nearest.is_empty()) {
                    Some(entry) => format!(
                        "nearest that are supported for {}={}: {}; --lenient resolves without what is not honored",
                        entry.dimension.name(),
                        entry.value,
                        entry.nearest.join("; ")
                    ),
                    None => "--lenient resolves without what is not honored".to_owned(),
                })
            }
            _ => None,
        }
    }

    /// Where the cause is, when it has a place.
    pub fn at(&self) -> Option<&Location> {
        match self {
            ResolveError::Catalog(error) => Some(&error.at),
            ResolveError::UnknownMixin { at, .. } => Some(at),
            _ => None,
        }
    }
}
