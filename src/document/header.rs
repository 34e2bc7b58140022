//! The head of a document: what it says it is, and in which version.
//!
//! In: a text, and what a reader accepts. Out: the tree of the only document in the text. Which fields the document has
//! is for the reader. What differs between kinds (name, versions) is data in [`Accepted`].

use crate::yaml::{self, Node, Position, YamlError, YamlProblem};

/// What a reader accepts.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// The value of `kind`.
    pub kind: &'static str,
    /// The field by which a document without `kind` is recognized; early versions wrote none.
    pub implied_by: &'static str,
    /// Values of `apiVersion`, the one that we write first. A document without one is accepted.
    pub versions: &'static [&'static str],
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

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    /// A version that the reader does not accept.
    #[error("expected `apiVersion: {}`, found `{found}`", expected[0])]
    ApiVersion {
        /// [`Accepted::versions`].
        expected: &'static [&'static str],
        /// The value of `apiVersion`.
        found: String,
        /// Where it is.
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
            HeaderError::ApiVersion { at, .. } | HeaderError::SecondDocument { at } => Some(*at),
            HeaderError::Kind { .. } => None,
        }
    }

    /// What to do about it, where that does not depend on the kind of document.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            HeaderError::SecondDocument { .. } => YamlProblem::SecondDocument.hint(),
            _ => None,
        }
    }

    /// Whether the text is something else altogether, so that another reader may know it.
    pub fn is_other_document(&self) -> bool {
        matches!(self, HeaderError::Syntax(_) | HeaderError::Kind { .. })
    }
}

/// The only document of a text, if it is of the accepted kind and version.
///
/// The kind is looked at before a second document is complained about: the reader of that kind shall do it.
///
/// # Errors
/// Every [`HeaderError`].
pub fn read(text: &str, accepted: &Accepted) -> Result<Node, HeaderError> {
    let yaml::First { document, second } = yaml::first(text).map_err(HeaderError::Syntax)?;
    let text = |key: &str| document.get(key).and_then(Node::text).unwrap_or_default();
    let other = |found| HeaderError::Kind { expected: accepted.kind, found };
    if document.entries().is_empty() {
        return Err(other(Found::Other(document.kind_name())));
    }
    match text("kind") {
        kind if kind == accepted.kind => {}
        "" if document.get(accepted.implied_by).is_some() => {}
        "" => return Err(other(Found::NoKind)),
        kind => return Err(other(Found::Kind(kind.to_owned()))),
    }
    let version = text("apiVersion");
    if !version.is_empty() && !accepted.versions.contains(&version) {
        let at = document.get("apiVersion").map_or(document.at, |node| node.at);
        return Err(HeaderError::ApiVersion { expected: accepted.versions, found: version.to_owned(), at });
    }
    match second {
        Some(at) => Err(HeaderError::SecondDocument { at }),
        None => Ok(document),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPTED: Accepted = Accepted { kind: "Plan", implied_by: "steps", versions: &["x/v2", "x/v1"] };

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
        check("{\"kind\": \"Plan\", \"apiVersion\": \"x/v2\"}", Ok(()));
    }

    #[test]
    fn other_documents_are_refused_with_what_they_are() {
        check("kind: Map\nsteps: []\n", Err("expected `kind: Plan`, found `kind: Map`"));
        check("a: 1\n", Err("expected `kind: Plan`, found no `kind`"));
        check("[a]", Err("expected `kind: Plan`, found a list"));
        check("", Err("expected `kind: Plan`, found nothing"));
        check("kind: Plan\napiVersion: x/v3\n", Err("expected `apiVersion: x/v2`, found `x/v3`"));
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
}
