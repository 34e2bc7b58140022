//! The head of a document: what it says it is, and in which version.
//!
//! In: a text, and the row of [`ALL`] that a reader accepts. Out: the tree of the only document in the text. The table
//! says for every kind which versions there ever were and which one is written; the rest of the program names no version.
//!
//! The reference renamed its versions with its first release (`v1alpha2` became `v1` or `v1beta1`, by kind) and left the
//! fields as they were. The version is a contract with the content: where a kind has an extended version (`v1beta2`), a
//! document has it exactly where it carries one of the fields that came with it, and is then read strictly.

use crate::{
    document::{
        schema,
        shape::{self, Problem, Shape},
    },
    text::did_you_mean,
    yaml::{self, Node, Position, YamlError, YamlProblem},
};
use std::{fmt, str::FromStr};

/// Which line of releases a document is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edition {
    /// `aicr.nvidia.com/v1alpha1`: releases before 0.14. Read, never written.
    V1Alpha1,
    /// `v1alpha2`, and `v1alpha3` with extensions: releases 0.14 to 0.22.
    V1Alpha2,
    /// `v1`, `v1beta1`, and `v1beta2` with extensions: release 0.22 and later.
    #[default]
    V1,
}

impl Edition {
    /// Those that can be written, with the word that asks for them.
    pub const WRITTEN: [(&'static str, Edition); 2] = [("v1", Edition::V1), ("v1alpha2", Edition::V1Alpha2)];

    /// `v1`, `v1alpha2`.
    pub fn name(self) -> &'static str {
        match self {
            Edition::V1Alpha1 => "v1alpha1",
            Edition::V1Alpha2 => "v1alpha2",
            Edition::V1 => "v1",
        }
    }
}

impl FromStr for Edition {
    type Err = String;

    /// With or without the group: `v1`, `aicr.run/v1alpha2`.
    fn from_str(text: &str) -> Result<Edition, String> {
        let bare = text.strip_prefix("aicr.run/").unwrap_or(text);
        let known = Edition::WRITTEN.iter().find(|(word, _)| *word == bare);
        known.map(|(_, edition)| *edition).ok_or_else(|| "write v1 or v1alpha2".to_owned())
    }
}

/// One value of `apiVersion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// As written: `aicr.run/v1`.
    pub name: &'static str,
    /// The releases that wrote it.
    pub edition: Edition,
    /// Whether it is the one for documents with extensions.
    pub extended: bool,
}

const fn plain(name: &'static str, edition: Edition) -> Version {
    Version { name, edition, extended: false }
}

const fn extended(name: &'static str, edition: Edition) -> Version {
    Version { name, edition, extended: true }
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accepted {
    /// The value of `kind`.
    pub kind: &'static str,
    /// The field by which a document without `kind` is recognized; the first version wrote none. Empty: never.
    pub implied_by: &'static str,
    /// Every version that there ever was, the one that is written first. A document without one is accepted.
    pub versions: &'static [Version],
    /// Paths of fields that need an extended version.
    pub extensions: &'static [&'static [&'static str]],
    /// Its fields, where they are known: extended versions are read strictly.
    pub fields: Option<&'static Shape>,
}

const OLDEST: Version = plain("aicr.nvidia.com/v1alpha1", Edition::V1Alpha1);
const ALPHA: Version = plain("aicr.run/v1alpha2", Edition::V1Alpha2);
const ALPHA_EXTENDED: Version = extended("aicr.run/v1alpha3", Edition::V1Alpha2);
const BETA: Version = plain("aicr.run/v1beta1", Edition::V1);
const BETA_EXTENDED: Version = extended("aicr.run/v1beta2", Edition::V1);
const CHECKS: Version = plain("validator.nvidia.com/v1alpha1", Edition::V1);
const STABLE: Version = plain("aicr.run/v1", Edition::V1);

const fn simple(kind: &'static str, versions: &'static [Version]) -> Accepted {
    Accepted { kind, implied_by: "", versions, extensions: &[], fields: None }
}

/// What a cluster was found to be.
pub const SNAPSHOT: Accepted = Accepted {
    kind: "Snapshot",
    implied_by: "measurements",
    versions: &[STABLE, ALPHA, OLDEST],
    extensions: &[],
    fields: Some(&schema::SNAPSHOT),
};
/// A resolved recipe.
pub const RECIPE: Accepted = Accepted {
    kind: "RecipeResult",
    implied_by: "componentRefs",
    versions: &[STABLE, BETA_EXTENDED, ALPHA, ALPHA_EXTENDED, OLDEST],
    extensions: &[&["metadata", "selectedProfile"], &["configuration"]],
    fields: Some(&schema::RECIPE),
};
/// What a recipe is asked for.
pub const CRITERIA: Accepted = simple("RecipeCriteria", &[STABLE, ALPHA, OLDEST]);
/// An overlay of a catalog.
pub const OVERLAY: Accepted = Accepted {
    kind: "RecipeMetadata",
    implied_by: "",
    versions: &[BETA, BETA_EXTENDED, ALPHA, ALPHA_EXTENDED, OLDEST],
    extensions: &[&["spec", "profile"]],
    fields: Some(&schema::OVERLAY),
};
/// A mixin of a catalog.
pub const MIXIN: Accepted = simple("RecipeMixin", &[BETA, ALPHA, OLDEST]);
/// The components of a catalog.
pub const REGISTRY: Accepted = simple("ComponentRegistry", &[BETA, ALPHA, OLDEST]);
/// What is known about upgrades of one component.
pub const UPGRADES: Accepted = simple("ComponentUpgrades", &[BETA]);
/// The checks of a catalog: a group of its own, whose version never changed.
pub const VALIDATORS: Accepted =
    simple("ValidatorCatalog", &[CHECKS, Version { edition: Edition::V1Alpha2, ..CHECKS }]);
/// Defaults for flags.
pub const CONFIG: Accepted = simple("AICRConfig", &[BETA, ALPHA, OLDEST]);
/// Which charts a bundle was made from.
pub const PROVENANCE: Accepted = simple("BundleProvenance", &[STABLE, ALPHA]);
/// What a bundle was made from.
pub const BUNDLE_INFO: Accepted = simple("BundleInfo", &[STABLE]);

/// Every kind.
pub const ALL: [Accepted; 11] =
    [SNAPSHOT, RECIPE, CRITERIA, OVERLAY, MIXIN, REGISTRY, UPGRADES, VALIDATORS, CONFIG, PROVENANCE, BUNDLE_INFO];

/// The row of a kind, by the value of `kind`.
pub fn of_kind(kind: &str) -> Option<&'static Accepted> {
    const TABLE: &[Accepted] = &ALL;
    TABLE.iter().find(|accepted| accepted.kind == kind)
}

impl Accepted {
    /// Whether a document without `kind` is one of these all the same.
    fn is_implied(&self, document: &Node) -> bool {
        let has_field = !self.implied_by.is_empty() && document.get(self.implied_by).is_some();
        let is_first = |name: &str| {
            self.versions.iter().any(|version| version.name == name && version.edition == Edition::V1Alpha1)
        };
        has_field && document.get("apiVersion").is_none_or(|version| version.text().is_some_and(is_first))
    }

    /// The version that documents of an edition have, with or without extensions; `None` where there is no such form.
    pub fn version(&self, edition: Edition, extended: bool) -> Option<&'static Version> {
        self.versions.iter().find(|version| version.edition == edition && version.extended == extended)
    }

    /// The version that is written for a content. Extensions have no form before `v1`: their `v1alpha3` was read by few
    /// releases and never by one that wrote `v1alpha2`.
    ///
    /// # Errors
    /// The field that has no form in that edition.
    pub fn written(&self, edition: Edition, extension: Option<&str>) -> Result<&'static Version, NoSuchForm> {
        let version = match (edition, extension) {
            (Edition::V1, _) | (_, None) => self.version(edition, extension.is_some()),
            _ => None,
        };
        version.ok_or_else(|| NoSuchForm { kind: self.kind, edition, because: extension.map(str::to_owned) })
    }

    /// The first field of a document that needs an extended version, as a dotted path, with its place.
    pub fn extension(&self, document: &Node) -> Option<(String, Position)> {
        self.extensions.iter().find_map(|path| {
            let mut node = document;
            for key in *path {
                node = node.get(key)?;
            }
            (!node.is_null()).then(|| (path.join("."), node.at))
        })
    }

    /// The version of a document of this kind; `None` for one that names none.
    ///
    /// # Errors
    /// A version that this kind never had, and a content that its version cannot have.
    pub fn check(&self, document: &Node) -> Result<Option<&'static Version>, HeaderError> {
        let node = document.get("apiVersion").filter(|node| !node.is_null());
        let found = node.and_then(Node::text).unwrap_or_default();
        let at = node.map_or(document.at, |node| node.at);
        if found.is_empty() && node.is_none_or(|node| node.text().is_some()) {
            return Ok(None);
        }
        let Some(version) = self.versions.iter().find(|version| version.name == found) else {
            let (kind, versions) = (self.kind, self.versions);
            return Err(HeaderError::ApiVersion { kind, versions, found: found.to_owned(), at });
        };
        match self.extension(document) {
            Some((field, at)) if !version.extended => {
                let needs = self.version(Edition::V1, true).map_or("", |version| version.name);
                return Err(HeaderError::Extension { version: version.name, field, needs, at });
            }
            None if version.extended => {
                let fields = self.extensions.iter().map(|path| format!("`{}`", path.join("."))).collect::<Vec<_>>();
                let plain = self.version(version.edition, false).map_or("", |version| version.name);
                let fields = fields.join(" or ");
                return Err(HeaderError::NoExtension { version: version.name, fields, plain, at });
            }
            _ => {}
        }
        if let (true, Some(fields)) = (version.extended, self.fields) {
            let unknown = |misfit: shape::Misfit<'_>| match misfit.problem {
                Problem::UnknownField { near } => Some((misfit.path.to_string(), misfit.at, near)),
                Problem::Type { .. } | Problem::Word { .. } => None,
            };
            if let Some((field, at, near)) = shape::misfits(document, fields).into_iter().find_map(unknown) {
                return Err(HeaderError::UnknownField { version: version.name, field, near, at });
            }
        }
        Ok(Some(version))
    }
}

/// A document that an edition has no form for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct NoSuchForm {
    /// [`Accepted::kind`].
    pub kind: &'static str,
    /// What was asked for.
    pub edition: Edition,
    /// The field that has no form there; `None` where the kind itself came later.
    pub because: Option<String>,
}

impl fmt::Display for NoSuchForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoSuchForm { kind, edition, because } = self;
        match because {
            Some(field) => write!(f, "`{field}` of a {kind} has no form in {}", edition.name()),
            None => write!(f, "documents of kind {kind} came after {}", edition.name()),
        }
    }
}

/// What a document was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A mapping with this `kind`.
    Kind(String),
    /// A mapping without one.
    NoKind,
    /// No mapping, or an empty one; as [`Node::kind_name`] calls it.
    Other(&'static str),
}

impl Found {
    /// What a document is.
    pub fn of(document: &Node) -> Found {
        match document.get("kind").and_then(Node::text).unwrap_or_default() {
            _ if document.entries().is_empty() => Found::Other(document.kind_name()),
            "" => Found::NoKind,
            kind => Found::Kind(kind.to_owned()),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Kind(kind) => write!(f, "`kind: {kind}`"),
            Found::NoKind => f.write_str("no `kind`"),
            Found::Other(what) => f.write_str(what),
        }
    }
}

/// Why a text is not the document that was asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HeaderError {
    /// No YAML; JSON is YAML too.
    #[error("it is neither YAML nor JSON")]
    Syntax(#[source] YamlError),
    /// Another kind of document.
    #[error("expected `kind: {expected}`, found {found}")]
    Kind {
        /// [`Accepted::kind`].
        expected: &'static str,
        /// What it is instead.
        found: Found,
    },
    /// A version that the kind never had.
    #[error("expected `apiVersion: {}`, found `{found}`", versions[0].name)]
    ApiVersion {
        /// [`Accepted::kind`].
        kind: &'static str,
        /// [`Accepted::versions`].
        versions: &'static [Version],
        /// The value of `apiVersion`.
        found: String,
        /// Where it is.
        at: Position,
    },
    /// A field that its version does not have.
    #[error("`{field}` needs `apiVersion: {needs}`, found `{version}`")]
    Extension {
        /// What the document says it is.
        version: &'static str,
        /// The dotted path.
        field: String,
        /// The version that has it.
        needs: &'static str,
        /// Where the field is.
        at: Position,
    },
    /// An extended version without what it is for.
    #[error("`apiVersion: {version}` needs {fields}, which the document does not have")]
    NoExtension {
        /// What the document says it is.
        version: &'static str,
        /// Fields of which it needs one.
        fields: String,
        /// The version of a document without.
        plain: &'static str,
        /// Where it says so.
        at: Position,
    },
    /// A key that a version which is read strictly does not have.
    #[error("`apiVersion: {version}` has no field `{field}`")]
    UnknownField {
        /// What the document says it is.
        version: &'static str,
        /// The path.
        field: String,
        /// Fields that look alike.
        near: Vec<String>,
        /// Where the key is.
        at: Position,
    },
    /// The right document, with another one behind it.
    #[error("a second document starts on line {}; expected one document", at.line)]
    SecondDocument {
        /// The `---` that starts it.
        at: Position,
    },
}

impl HeaderError {
    /// Where in the text, when the cause has a place.
    pub fn at(&self) -> Option<Position> {
        match self {
            HeaderError::Syntax(error) => Some(error.at),
            HeaderError::ApiVersion { at, .. }
            | HeaderError::Extension { at, .. }
            | HeaderError::NoExtension { at, .. }
            | HeaderError::UnknownField { at, .. }
            | HeaderError::SecondDocument { at } => Some(*at),
            HeaderError::Kind { .. } => None,
        }
    }

    /// What to do about it, where that does not depend on the kind of document.
    pub fn hint(&self) -> Option<String> {
        match self {
            HeaderError::SecondDocument { .. } => YamlProblem::SecondDocument.hint().map(str::to_owned),
            HeaderError::ApiVersion { kind, versions, .. } => {
                let mut names: Vec<&str> = versions.iter().map(|version| version.name).collect();
                names.dedup();
                let names = names.join(", ");
                Some(format!("{kind} is read as {names}; is it from a newer release, or another document?"))
            }
            HeaderError::Extension { needs, .. } => Some(format!("write `apiVersion: {needs}`, or remove the field")),
            HeaderError::NoExtension { plain, .. } => Some(format!("write `apiVersion: {plain}`")),
            HeaderError::UnknownField { near, .. } => {
                Some(did_you_mean(near).unwrap_or_else(|| "this version is read strictly: remove the field".to_owned()))
            }
            _ => None,
        }
    }

    /// Whether the text is something else altogether, so that another reader may know it.
    pub fn is_other_document(&self) -> bool {
        matches!(self, HeaderError::Syntax(_) | HeaderError::Kind { .. })
    }
}

/// The only document of a text, if it is of the accepted kind and version, and its content is of that version.
///
/// The kind is looked at before a second document is complained about: the reader of that kind shall do it.
///
/// # Errors
/// Every [`HeaderError`].
pub fn read(text: &str, accepted: &Accepted) -> Result<Node, HeaderError> {
    let yaml::First { document, second } = yaml::first(text).map_err(HeaderError::Syntax)?;
    let is_implied = accepted.is_implied(&document);
    match Found::of(&document) {
        Found::Kind(kind) if kind == accepted.kind => {}
        Found::NoKind if is_implied => {}
        found => return Err(HeaderError::Kind { expected: accepted.kind, found }),
    }
    accepted.check(&document)?;
    match second {
        Some(at) => Err(HeaderError::SecondDocument { at }),
        None => Ok(document),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: Shape = Shape::Fields(&[
        ("kind", Shape::Text),
        ("apiVersion", Shape::Text),
        ("steps", Shape::Any),
        ("more", Shape::Fields(&[("loops", Shape::Any)])),
    ]);
    const ACCEPTED: Accepted = Accepted {
        kind: "Plan",
        implied_by: "steps",
        versions: &[
            plain("x/v2", Edition::V1),
            extended("x/v3", Edition::V1),
            plain("x/v1", Edition::V1Alpha2),
            plain("x/v0", Edition::V1Alpha1),
        ],
        extensions: &[&["more", "loops"]],
        fields: Some(&FIELDS),
    };

    #[track_caller]
    fn check(text: &str, expected: Result<(), &str>) {
        let read = read(text, &ACCEPTED).map(drop).map_err(|error| error.to_string());
        assert_eq!(read, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn accepted_kinds_and_versions_are_read() {
        check("kind: Plan\n", Ok(()));
        check("kind: Plan\napiVersion: x/v1\n", Ok(()));
        check("steps: []\n", Ok(()));
        check("steps: []\napiVersion: x/v0\n", Ok(()));
        check("{\"kind\": \"Plan\", \"apiVersion\": \"x/v2\"}", Ok(()));
    }

    #[test]
    fn other_documents_are_refused_with_what_they_are() {
        check("kind: Map\nsteps: []\n", Err("expected `kind: Plan`, found `kind: Map`"));
        check("a: 1\n", Err("expected `kind: Plan`, found no `kind`"));
        // Later versions always write it: a file that was cut off has lost it, and what follows it.
        check("apiVersion: x/v2\nsteps: []\n", Err("expected `kind: Plan`, found no `kind`"));
        check("[a]", Err("expected `kind: Plan`, found a list"));
        check("", Err("expected `kind: Plan`, found nothing"));
        check("kind: Plan\napiVersion: x/v9\n", Err("expected `apiVersion: x/v2`, found `x/v9`"));
        check("kind: Plan\napiVersion: [x/v2]\n", Err("expected `apiVersion: x/v2`, found ``"));
        check("kind: [", Err("it is neither YAML nor JSON"));
    }

    #[test]
    fn second_document_is_refused_after_the_kind_is_known() {
        check("kind: Plan\n---\nkind: Plan\n", Err("a second document starts on line 2; expected one document"));
        check("kind: Map\n---\nkind: Plan\n", Err("expected `kind: Plan`, found `kind: Map`"));
    }

    #[test]
    fn syntax_error_has_its_cause_as_source() {
        let error = read("kind: Plan\nkind: Plan\n", &ACCEPTED).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("duplicate key `kind`, first defined on line 1 (line 2, column 1)"));
    }

    #[test]
    fn version_is_a_contract_with_the_content() {
        check("kind: Plan\napiVersion: x/v3\nmore: {loops: 1}\n", Ok(()));
        check("kind: Plan\nmore: {loops: 1}\n", Ok(()));
        for version in ["x/v2", "x/v1", "x/v0"] {
            let message = format!("`more.loops` needs `apiVersion: x/v3`, found `{version}`");
            check(&format!("kind: Plan\napiVersion: {version}\nmore: {{loops: 1}}\n"), Err(&message));
        }
        let missing = "`apiVersion: x/v3` needs `more.loops`, which the document does not have";
        check("kind: Plan\napiVersion: x/v3\nmore: {loops: null}\n", Err(missing));
    }

    #[test]
    fn only_extended_versions_are_strict() {
        check("kind: Plan\napiVersion: x/v2\nstps: 1\n", Ok(()));
        let unknown = "`apiVersion: x/v3` has no field `more.lops`";
        let text = "kind: Plan\napiVersion: x/v3\nmore: {loops: 1, lops: 2}\n";
        check(text, Err(unknown));
        let error = super::read(text, &ACCEPTED).unwrap_err();
        assert_eq!((error.at().map(|at| at.line), error.hint().as_deref()), (Some(3), Some("did you mean loops?")));
    }

    #[test]
    fn every_kind_is_written_in_the_edition_that_was_asked_for() {
        let written = |accepted: &Accepted, edition, extension| {
            accepted.written(edition, extension).map_or_else(|error| error.to_string(), |version| version.name.into())
        };
        let shown = |edition, extension| ALL.map(|accepted| written(&accepted, edition, extension));
        assert_eq!(
            shown(Edition::V1, None),
            [
                "aicr.run/v1",
                "aicr.run/v1",
                "aicr.run/v1",
                "aicr.run/v1beta1",
                "aicr.run/v1beta1",
                "aicr.run/v1beta1",
                "aicr.run/v1beta1",
                "validator.nvidia.com/v1alpha1",
                "aicr.run/v1beta1",
                "aicr.run/v1",
                "aicr.run/v1",
            ]
        );
        for (accepted, version) in ALL.iter().zip(shown(Edition::V1Alpha2, None)) {
            let expected = match accepted.kind {
                "ValidatorCatalog" => "validator.nvidia.com/v1alpha1".to_owned(),
                kind @ ("BundleInfo" | "ComponentUpgrades") => format!("documents of kind {kind} came after v1alpha2"),
                _ => "aicr.run/v1alpha2".to_owned(),
            };
            assert_eq!(version, expected, "{}", accepted.kind);
        }
        let profile = Some("spec.profile");
        assert_eq!(written(&OVERLAY, Edition::V1, profile), "aicr.run/v1beta2");
        let refused = "`spec.profile` of a RecipeMetadata has no form in v1alpha2";
        assert_eq!(written(&OVERLAY, Edition::V1Alpha2, profile), refused);
    }

    #[test]
    fn the_reference_s_contracts_hold() {
        let read = |text: &str, accepted: &Accepted| super::read(text, accepted).map(drop).map_err(|e| e.to_string());
        let recipe = |version: &str, rest: &str| format!("kind: RecipeResult\napiVersion: aicr.run/{version}\n{rest}");
        let profile = "metadata: {selectedProfile: {name: a, value: b}}\n";
        for version in ["v1beta2", "v1alpha3"] {
            assert_eq!(read(&recipe(version, profile), &RECIPE), Ok(()));
            assert_eq!(read(&recipe(version, "configuration: {runtimeInventory: {mode: enabled}}\n"), &RECIPE), Ok(()));
            assert!(read(&recipe(version, "metadata: {}\n"), &RECIPE).is_err());
            assert!(read(&recipe(version, &format!("{profile}aicr: {{}}\n")), &RECIPE).is_err());
        }
        for version in ["v1", "v1alpha2"] {
            let needs = "`metadata.selectedProfile` needs `apiVersion: aicr.run/v1beta2`, found";
            assert_eq!(read(&recipe(version, profile), &RECIPE), Err(format!("{needs} `aicr.run/{version}`")));
        }
        let overlay =
            "kind: RecipeMetadata\napiVersion: aicr.run/v1beta1\nmetadata: {name: a}\nspec: {profile: {name: b}}\n";
        assert!(read(overlay, &OVERLAY).is_err());
        assert_eq!(read(&overlay.replace("v1beta1", "v1beta2"), &OVERLAY), Ok(()));
    }
}
