//! Documents from one edition of the formats to another.
//!
//! In: a text. Out: the same text with other headers. Between editions only `apiVersion` moved, so nothing else is
//! touched: comments, order, quotes and fields that nobody here knows stay as they were. What comes out is read again and
//! compared with what went in, and a content that the edition has no form for is refused.

use super::{
    header::{self, Accepted, Edition, Found, HeaderError, NoSuchForm, Version},
    location::Location,
};
use crate::yaml::{self, Kind, Node, Position, YamlError};
use serde_json::Value;
use std::{fmt, sync::Arc};

/// A text in another edition.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversion {
    /// The whole text.
    pub text: String,
    /// What became of each document of ours, in order; never empty.
    pub documents: Vec<Converted>,
}

/// One document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Converted {
    /// The value of `kind`.
    pub kind: &'static str,
    /// The version that it had; `None` where it named none.
    pub from: Option<&'static str>,
    /// The version that it has now.
    pub to: &'static str,
}

impl Converted {
    /// Whether it was of that version before.
    pub fn is_same(&self) -> bool {
        self.from == Some(self.to)
    }
}

/// Why a text was not converted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConvertError {
    /// No YAML; JSON is YAML too.
    #[error("it is neither YAML nor JSON")]
    Syntax(#[source] YamlError),
    /// No document of ours in it: what the first one is.
    #[error("expected a document of aicr, found {0}")]
    NotOurs(Found),
    /// A version that there never was, or a content that its version cannot have.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The edition cannot hold it.
    #[error("{form}")]
    NoForm {
        /// What, and why.
        form: NoSuchForm,
        /// Where the field is.
        at: Position,
    },
    /// The text is written in a way in which its header cannot be replaced.
    #[error("the header cannot be replaced in this text")]
    Unreplaceable {
        /// The document.
        at: Position,
    },
}

impl ConvertError {
    /// Where in the text, when the cause has a place.
    pub fn at(&self) -> Option<Position> {
        match self {
            ConvertError::Syntax(error) => Some(error.at),
            ConvertError::NotOurs(_) => None,
            ConvertError::Header(error) => error.at(),
            ConvertError::NoForm { at, .. } | ConvertError::Unreplaceable { at } => Some(*at),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ConvertError::Syntax(_) => None,
            ConvertError::NotOurs(_) => {
                let kinds: Vec<&str> = header::ALL.iter().map(|accepted| accepted.kind).collect();
                Some(format!("there are: {}", kinds.join(", ")))
            }
            ConvertError::Header(error) => error.hint(),
            ConvertError::NoForm { form: NoSuchForm { because: None, .. }, .. } => {
                Some("an older reference has no use for it: leave the file out".to_owned())
            }
            ConvertError::NoForm { .. } => {
                Some("it cannot be carried to an older reference; keep the file as it is".to_owned())
            }
            ConvertError::Unreplaceable { .. } => {
                Some("write `apiVersion: VERSION` on a line of its own, without anchors or tags".to_owned())
            }
        }
    }
}

/// Whether a text that cannot be read is meant as one of ours.
pub fn looks_like_ours(text: &str) -> bool {
    header::ALL.iter().any(|accepted| accepted.versions.iter().any(|version| text.contains(version.name)))
}

/// The text in another edition.
///
/// A text may hold several documents; those that are not ours stay as they are.
///
/// # Errors
/// Every [`ConvertError`]; the text is then of no use in that edition.
pub fn convert(text: &str, edition: Edition) -> Result<Conversion, ConvertError> {
    let documents = yaml::parse_all(text).map_err(ConvertError::Syntax)?;
    let mut edits = Vec::new();
    let mut converted = Vec::new();
    for document in &documents {
        let Some(accepted) = kind_of(document) else { continue };
        let (from, to) = versions(accepted, document, edition)?;
        converted.push(Converted { kind: accepted.kind, from: from.map(|version| version.name), to: to.name });
        edits.extend(edits_of(text, document, accepted, (from, to))?);
    }
    if converted.is_empty() {
        return Err(ConvertError::NotOurs(documents.first().map_or(Found::Other("nothing"), Found::of)));
    }
    let text = apply(text, edits);
    verify(&text, &documents, &converted)?;
    Ok(Conversion { text, documents: converted })
}

/// The kind of a document, by what it says or, where it says nothing, by the field that implies it.
fn kind_of(document: &Node) -> Option<&'static Accepted> {
    match document.get("kind").and_then(Node::text).unwrap_or_default() {
        "" => {
            let implied =
                |accepted: &&Accepted| !accepted.implied_by.is_empty() && document.get(accepted.implied_by).is_some();
            header::of_kind(header::ALL.iter().find(implied)?.kind)
        }
        kind => header::of_kind(kind),
    }
}

fn versions(
    accepted: &Accepted,
    document: &Node,
    edition: Edition,
) -> Result<(Option<&'static Version>, &'static Version), ConvertError> {
    let from = accepted.check(document)?;
    let extension = accepted.extension(document);
    let at = extension.as_ref().map_or(document.at, |(_, at)| *at);
    let to = accepted.written(edition, extension.as_ref().map(|(path, _)| path.as_str()));
    Ok((from, to.map_err(|form| ConvertError::NoForm { form, at })?))
}

/// A piece of the text and what takes its place.
struct Edit {
    start: usize,
    end: usize,
    with: String,
}

fn edits_of(
    text: &str,
    document: &Node,
    accepted: &Accepted,
    (from, to): (Option<&Version>, &Version),
) -> Result<Vec<Edit>, ConvertError> {
    let unreplaceable = || ConvertError::Unreplaceable { at: document.at };
    let mut edits = Vec::new();
    match (from, document.get("apiVersion")) {
        (Some(from), _) if from.name == to.name => {}
        (Some(from), Some(node)) => {
            let start = offset(text, node.at).ok_or_else(unreplaceable)?;
            let line = text[start..].lines().next().unwrap_or_default();
            let start = start + line.find(from.name).ok_or_else(unreplaceable)?;
            edits.push(Edit { start, end: start + from.name.len(), with: to.name.to_owned() });
        }
        (None, None) => edits.push(insert(text, document, "apiVersion", to.name).ok_or_else(unreplaceable)?),
        _ => return Err(unreplaceable()),
    }
    if document.get("kind").is_none() {
        edits.push(insert(text, document, "kind", accepted.kind).ok_or_else(unreplaceable)?);
    }
    Ok(edits)
}

/// A new first field of a mapping.
fn insert(text: &str, document: &Node, key: &str, value: &str) -> Option<Edit> {
    let first = document.entries().first()?;
    let start = offset(text, document.at)?;
    if text[start..].starts_with('{') {
        return Some(Edit { start: start + 1, end: start + 1, with: format!("\"{key}\": \"{value}\", ") });
    }
    let start = offset(text, first.key_at)?;
    let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let indent = &text[line..start];
    indent.trim().is_empty().then(|| Edit { start, end: start, with: format!("{key}: {value}\n{indent}") })
}

/// The byte at a position.
fn offset(text: &str, at: Position) -> Option<usize> {
    let mut start = 0;
    for _ in 1..at.line {
        start += text[start..].find('\n')? + 1;
    }
    let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
    let line = &text[start..];
    line.char_indices().map(|(index, _)| index).chain([line.len()]).nth(column).map(|index| start + index)
}

fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.start);
    let mut out = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for Edit { start, end, with } in edits {
        out.push_str(&text[from..start]);
        out.push_str(&with);
        from = end;
    }
    out + &text[from..]
}

/// Reads what was written: every document is of its new version, and nothing else has changed.
fn verify(text: &str, before: &[Node], converted: &[Converted]) -> Result<(), ConvertError> {
    let at = before.first().map_or(Position::NONE, |document| document.at);
    let after = yaml::parse_all(text).map_err(|_| ConvertError::Unreplaceable { at })?;
    let mut expected = converted.iter();
    if after.len() != before.len() {
        return Err(ConvertError::Unreplaceable { at });
    }
    for (before, after) in before.iter().zip(&after) {
        if let Some(accepted) = kind_of(before) {
            let version = accepted.check(after)?.map(|version| version.name);
            let kind = after.get("kind").and_then(Node::text);
            let wanted = expected.next();
            if version != wanted.map(|one| one.to) || kind != wanted.map(|one| one.kind) {
                return Err(ConvertError::Unreplaceable { at: before.at });
            }
        }
        if rest(before) != rest(after) {
            return Err(ConvertError::Unreplaceable { at: before.at });
        }
    }
    Ok(())
}

/// A document without its header.
fn rest(document: &Node) -> Vec<(&str, Value)> {
    let Kind::Map(entries) = &document.kind else { return vec![("", document.to_value())] };
    let is_rest = |key: &str| !["kind", "apiVersion"].contains(&key);
    entries.iter().filter(|entry| is_rest(&entry.key)).map(|entry| (&*entry.key, entry.value.to_value())).collect()
}

/// Where a problem of a text is, as messages say it.
pub fn place(file: &str, error: &ConvertError) -> Location {
    Location { file: Arc::from(file), at: error.at() }
}

impl fmt::Display for Converted {
    /// `Snapshot: aicr.run/v1alpha2 → aicr.run/v1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Converted { kind, from, to } = self;
        write!(f, "{kind}: {} → {to}", from.unwrap_or("no version"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edition: Edition, text: &str, expected: &str) {
        let converted = convert(text, edition).map(|conversion| conversion.text).map_err(|error| error.to_string());
        assert_eq!(converted.as_deref().unwrap_or_else(|error| error), expected);
    }

    #[test]
    fn only_the_version_changes() {
        let text = |version: &str| {
            format!(
                "# why\nkind: Snapshot\napiVersion: \"{version}\" # old\nnew: {{a: [1,2]}}\nmeasurements:\n- type: K8s\n"
            )
        };
        for old in ["aicr.run/v1alpha2", "aicr.nvidia.com/v1alpha1", "aicr.run/v1"] {
            check(Edition::V1, &text(old), &text("aicr.run/v1"));
            check(Edition::V1Alpha2, &text(old), &text("aicr.run/v1alpha2"));
        }
        let json = |version: &str| {
            format!("{{\n  \"kind\":\"RecipeResult\",\"apiVersion\":\"{version}\",\n  \"componentRefs\": []}}")
        };
        check(Edition::V1, &json("aicr.run/v1alpha2"), &json("aicr.run/v1"));
        check(Edition::V1Alpha2, &json("aicr.run/v1"), &json("aicr.run/v1alpha2"));
    }

    #[test]
    fn a_missing_header_is_added() {
        check(
            Edition::V1,
            "# c\nmeasurements: []\n",
            "# c\napiVersion: aicr.run/v1\nkind: Snapshot\nmeasurements: []\n",
        );
        check(
            Edition::V1,
            "{\"measurements\": []}",
            "{\"apiVersion\": \"aicr.run/v1\", \"kind\": \"Snapshot\", \"measurements\": []}",
        );
        let overlay = "kind: RecipeMetadata\nmetadata: {name: a}\nspec: {profile: {name: p}}\n";
        check(Edition::V1, overlay, &format!("apiVersion: aicr.run/v1beta2\n{overlay}"));
    }

    #[test]
    fn each_document_of_a_text_is_converted_and_others_stay() {
        check(
            Edition::V1,
            "kind: RecipeMixin\napiVersion: aicr.run/v1alpha2\n---\nkind: Job\napiVersion: batch/v1\n---\nkind: AICRConfig\napiVersion: aicr.run/v1alpha2\n",
            "kind: RecipeMixin\napiVersion: aicr.run/v1beta1\n---\nkind: Job\napiVersion: batch/v1\n---\nkind: AICRConfig\napiVersion: aicr.run/v1beta1\n",
        );
    }

    #[test]
    fn what_has_no_form_is_refused() {
        let recipe =
            "kind: RecipeResult\napiVersion: aicr.run/v1beta2\nconfiguration: {runtimeInventory: {mode: enabled}}\n";
        check(Edition::V1Alpha2, recipe, "`configuration` of a RecipeResult has no form in v1alpha2");
        check(Edition::V1, &recipe.replace("v1beta2", "v1alpha3"), recipe);
        check(
            Edition::V1Alpha2,
            "kind: BundleInfo\napiVersion: aicr.run/v1\n",
            "documents of kind BundleInfo came after v1alpha2",
        );
        check(Edition::V1, "kind: Job\n", "expected a document of aicr, found `kind: Job`");
        check(Edition::V1, "a: [", "it is neither YAML nor JSON");
        let overlay = "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nspec: {profile: {}}\n";
        check(Edition::V1, overlay, "`spec.profile` needs `apiVersion: aicr.run/v1beta2`, found `aicr.run/v1alpha2`");
        // An extended version is strict, so a field that it does not have cannot be carried there.
        let unknown = "componentRefs: []\nnew: 1\nconfiguration: {runtimeInventory: {mode: enabled}}\n";
        check(Edition::V1, unknown, "`apiVersion: aicr.run/v1beta2` has no field `new`");
    }

    #[test]
    fn a_header_that_cannot_be_replaced_is_not_guessed() {
        check(Edition::V1, "kind: Snapshot\napiVersion:\n", "the header cannot be replaced in this text");
        check(
            Edition::V1,
            "v: &v aicr.run/v1alpha2\nkind: Snapshot\napiVersion: *v\n",
            "the header cannot be replaced in this text",
        );
        let escaped = "{\"kind\": \"Snapshot\", \"apiVersion\": \"aicr.run\\/v1alpha2\"}";
        check(Edition::V1, escaped, "the header cannot be replaced in this text");
    }
}
