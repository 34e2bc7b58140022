//! What stops a catalog from being read.

use super::{profile::ProfileProblem, upgrades::RecordProblem};
use crate::{
    document::{header::HeaderError, location::Location},
    snapshot::address::AddressError,
    yaml::{Position, YamlProblem},
};
use std::{error::Error, fmt};

/// One problem of a catalog, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogError {
    /// The file, and the place in it where that is known.
    pub at: Location,
    /// What is wrong.
    pub problem: CatalogProblem,
}

impl fmt::Display for CatalogError {
    /// The problem; the place is shown by who shows the error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl Error for CatalogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

/// What is wrong with a document of a catalog, or with how documents refer to each other.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CatalogProblem {
    /// A file that is not one YAML document.
    #[error(transparent)]
    Syntax(YamlProblem),
    /// A version that there never was, or one that cannot have the document's content.
    #[error(transparent)]
    Header(Box<HeaderError>),
    /// A constraint on a reading that no snapshot has.
    #[error(transparent)]
    Path(Box<AddressError>),
    /// A document of another kind than its folder holds.
    #[error("expected `kind: {expected}`, found `kind: {found}`")]
    Kind {
        /// What the folder holds.
        expected: &'static str,
        /// What the document says.
        found: String,
    },
    /// A value of the wrong type.
    #[error("`{field}` must be {expected}, found {found}")]
    Type {
        /// The field, or what the whole document is.
        field: String,
        /// With its article: `a list`.
        expected: &'static str,
        /// As `yaml::Node::kind_name` calls it.
        found: &'static str,
    },
    /// A value of the right type that is not allowed.
    #[error("{what} must be {expected}, found `{found}`")]
    Value {
        /// Whose value it is: ``the timeout of `x` ``.
        what: String,
        /// What is allowed.
        expected: &'static str,
        /// The value as written.
        found: String,
    },
    /// A field that has to be there.
    #[error("{owner} needs {field}")]
    MissingField {
        /// With its article: `an overlay`.
        owner: String,
        /// In backticks, because it may be several: ``  `name`  ``.
        field: &'static str,
    },
    /// A field that the document cannot have.
    #[error("{owner} has no field `{field}`")]
    UnknownField {
        /// With its article: `a mixin`.
        owner: &'static str,
        /// The key.
        field: String,
    },
    /// A field of a document that is read strictly.
    #[error("unknown field `{field}`")]
    UnknownKey {
        /// Its path.
        field: String,
        /// Fields that look alike.
        near: Vec<String>,
    },
    /// A text that is not one of the allowed ones.
    #[error("`{field}` must be one of {}, found `{found}`", allowed.join(", "))]
    Word {
        /// Its path.
        field: String,
        /// All of them.
        allowed: &'static [&'static str],
        /// As written.
        found: String,
    },
    /// A broken rule of upgrade records.
    #[error(transparent)]
    Record(Box<RecordProblem>),
    /// A name that has a meaning of its own.
    #[error("the name `{name}` is reserved for {purpose}")]
    Reserved {
        /// The name.
        name: &'static str,
        /// What it is reserved for.
        purpose: &'static str,
    },
    /// Two documents of one name in one catalog folder.
    #[error("duplicate name `{name}`, first defined at {first}")]
    DuplicateName {
        /// `metadata.name` of both.
        name: String,
        /// The other document.
        first: Location,
    },
    /// Two entries of one name in one file.
    #[error("duplicate {what} `{name}`, first defined on line {}", first.line)]
    DuplicateEntry {
        /// `component` or `validator`.
        what: &'static str,
        /// The name of both.
        name: String,
        /// The other entry.
        first: Position,
    },
    /// No `overlays/base.yaml`.
    #[error("the catalog has no base")]
    NoBase,
    /// An overlay that builds on one that does not exist.
    #[error("the overlay `{overlay}` builds on `{parent}`, which does not exist")]
    MissingParent {
        /// The overlay with the `spec.base`.
        overlay: String,
        /// What it names.
        parent: String,
        /// Names that look alike.
        near: Vec<String>,
    },
    /// An overlay of a `--data` folder for a number of nodes, which the reference refuses too.
    #[error("an overlay of an external catalog cannot set `criteria.nodes`")]
    ExternalNodes,
    /// A profile that cannot be used.
    #[error(transparent)]
    Profile(Box<ProfileProblem>),
    /// Overlays that build on each other; the first is repeated at the end.
    #[error("overlays build on each other in a circle: {}", .0.join(" → "))]
    Circle(Vec<String>),
    /// Merged layers that do not have the shape of a recipe: a rule that merging lacks.
    #[error("the merged value is not valid: {0}")]
    Merged(String),
}

impl CatalogProblem {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            CatalogProblem::Header(error) => error.hint(),
            CatalogProblem::Path(error) => error.hint(),
            CatalogProblem::UnknownKey { near, .. } => crate::text::did_you_mean(near),
            CatalogProblem::Syntax(problem) => problem.hint().map(str::to_owned),
            CatalogProblem::MissingField { owner, .. } if owner == "an overlay" => {
                Some("add the name that other overlays can put into `spec.base`".to_owned())
            }
            CatalogProblem::Reserved { name: "base", .. } => {
                Some("rename the overlay, or put the file there to replace the base".to_owned())
            }
            CatalogProblem::DuplicateName { .. } => Some("give one of them another `metadata.name`".to_owned()),
            CatalogProblem::NoBase => {
                Some("every catalog needs `overlays/base.yaml` of kind RecipeMetadata".to_owned())
            }
            CatalogProblem::MissingParent { near, .. } => crate::text::did_you_mean(near),
            CatalogProblem::Circle(_) => Some("remove one `spec.base` of the circle".to_owned()),
            _ => None,
        }
    }
}
