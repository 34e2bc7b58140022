//! The recipe file: reading a `RecipeResult` (or refusing what is none) and writing it as YAML or JSON.

use super::{ComponentRef, Constraint, ConstraintWarning, ExcludedOverlay, Recipe, Validation, coherence};
use crate::{
    criteria::{Criteria, Dimension, normalize},
    document::header::{self, Accepted, Found, HeaderError},
    snapshot::API_VERSION,
    yaml::{self, Node, Position},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A document that is not a recipe.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecipeFormatError {
    /// It is something else, or of a version that is not read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A field of the wrong shape: what was expected and found.
    #[error("{message} (line {}, column {})", at.line, at.column)]
    Field {
        /// Where its value is.
        at: Position,
        /// What was expected, and what was found.
        message: String,
    },
    /// Refs that contradict themselves, one line each.
    #[error("it contradicts itself: {}", .0.join("; "))]
    Incoherent(Vec<String>),
}

impl RecipeFormatError {
    /// Where in the document, when the cause has a place.
    pub fn at(&self) -> Option<Position> {
        match self {
            RecipeFormatError::Header(error) => error.at(),
            RecipeFormatError::Field { at, .. } => Some(*at),
            RecipeFormatError::Incoherent(_) => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            RecipeFormatError::Header(error) => error.hint().unwrap_or(match error {
                HeaderError::Kind { found: Found::Kind(kind), .. } if kind == "RecipeMetadata" => {
                    "that is an overlay: resolve with `aicr recipe --data FOLDER`, the folder being the one that holds \
                     its `overlays/`, and give the recipe"
                }
                HeaderError::ApiVersion { .. } => "resolve the recipe again with this version",
                _ => "write a recipe with `aicr recipe -o recipe.yaml` and give that file",
            }),
            RecipeFormatError::Field { .. } | RecipeFormatError::Incoherent(_) => {
                "correct the file, or resolve it again"
            }
        }
    }
}

/// What [`read`] accepts.
///
/// The header moved with the reference's first release and the fields did not; what is new in `v1beta2` is named by
/// [`not_understood`].
const ACCEPTED: Accepted = Accepted {
    kind: "RecipeResult",
    implied_by: "componentRefs",
    versions: &[API_VERSION, "aicr.run/v1", "aicr.run/v1beta2", "aicr.run/v1alpha3", "aicr.nvidia.com/v1alpha1"],
};

/// Parts of a recipe document that change what is deployed and that this version does not understand; empty for a text
/// that is not a recipe.
pub fn not_understood(text: &str) -> Vec<&'static str> {
    let Ok(root) = header::read(text, &ACCEPTED) else { return Vec::new() };
    let profile = root.get("metadata").and_then(|metadata| metadata.get("selectedProfile"));
    let parts = [("metadata.selectedProfile", profile), ("configuration", root.get("configuration"))];
    parts.into_iter().filter(|(_, node)| node.is_some()).map(|(name, _)| name).collect()
}

/// Reads YAML or JSON (found by looking, not by file name).
///
/// # Errors
/// Another kind of document, another version, a field of the wrong shape, refs that contradict themselves.
pub fn read(text: &str) -> Result<Recipe, RecipeFormatError> {
    let root = header::read(text, &ACCEPTED)?;
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    let metadata = root.get("metadata");
    let mut components = list::<ComponentRef>(Some(&root), "componentRefs")?;
    components.iter_mut().for_each(complete_type);
    let recipe = Recipe {
        version: metadata.map(|metadata| text(metadata, "version")).unwrap_or_default(),
        applied_overlays: list(metadata, "appliedOverlays")?,
        excluded_overlays: excluded(metadata),
        constraint_warnings: list::<ConstraintWarning>(metadata, "constraintWarnings")?,
        criteria: criteria(root.get("criteria")),
        constraints: list::<Constraint>(Some(&root), "constraints")?,
        components,
        deployment_order: list(Some(&root), "deploymentOrder")?,
        validation: field::<Validation>(&root, "validation")?,
        extra: root.get("aicr").map_or(Value::Null, Node::to_value),
    };
    if let Some(component) = recipe.components.iter().find(|component| component.name == "deployer") {
        let problem = format!("the component name `{}` is reserved for options of deployers", component.name);
        return Err(RecipeFormatError::Incoherent(vec![problem]));
    }
    let problems = coherence(&recipe.components);
    if problems.is_empty() { Ok(recipe) } else { Err(RecipeFormatError::Incoherent(problems)) }
}

/// A type in any spelling, or none: then it is Kustomize where something is set that only Kustomize has.
fn complete_type(component: &mut ComponentRef) {
    let kustomize = !component.tag.is_empty() || !component.path.is_empty();
    match &*component.r#type.to_lowercase() {
        "" if component.is_enabled() => component.r#type = if kustomize { "Kustomize" } else { "Helm" }.to_owned(),
        "helm" => component.r#type = "Helm".to_owned(),
        "kustomize" => component.r#type = "Kustomize".to_owned(),
        _ => {}
    }
}

/// A mapping's field as a typed value; strings are read from the source text, so that `1.10` stays `1.10`.
fn field<T: DeserializeOwned>(node: &Node, key: &str) -> Result<Option<T>, RecipeFormatError> {
    let Some(value) = node.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    let typed = serde_json::from_value(texts(value, key));
    typed.map(Some).map_err(|error| RecipeFormatError::Field { at: value.at, message: format!("`{key}`: {error}") })
}

fn list<T: DeserializeOwned>(node: Option<&Node>, key: &str) -> Result<Vec<T>, RecipeFormatError> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let Some(value) = node.get(key).filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let read = |item: &Node| {
        let typed = serde_json::from_value(texts(item, ""));
        typed.map_err(|error| RecipeFormatError::Field { at: item.at, message: format!("`{key}`: {error}") })
    };
    if !matches!(value.kind, yaml::Kind::List(_)) {
        let message = format!("`{key}` must be a list, found {}", value.kind_name());
        return Err(RecipeFormatError::Field { at: value.at, message });
    }
    value.items().iter().map(read).collect()
}

/// The value with every scalar outside free-form mappings as its source text.
fn texts(node: &Node, key: &str) -> Value {
    match key {
        "overrides" | "cleanup" | "healthCheckSkip" | "maxNodes" => node.to_value(),
        _ => match (node.items(), node.entries(), node.text()) {
            (_, _, Some(text)) => Value::from(text),
            ([], [], None) => node.to_value(),
            ([], entries, None) => Value::Object(
                entries
                    .iter()
                    .filter(|entry| !entry.value.is_null())
                    .map(|entry| (entry.key.to_string(), texts(&entry.value, &entry.key)))
                    .collect(),
            ),
            (items, _, None) => items.iter().map(|item| texts(item, "")).collect(),
        },
    }
}

/// Objects, or plain names in files of older versions.
fn excluded(metadata: Option<&Node>) -> Vec<ExcludedOverlay> {
    let items = metadata.and_then(|metadata| metadata.get("excludedOverlays")).map_or(&[][..], Node::items);
    let read = |item: &Node| match item.text() {
        Some(name) => ExcludedOverlay { name: name.to_owned(), reason: String::new() },
        None => {
            let text = |key: &str| item.get(key).and_then(Node::text).unwrap_or_default().to_owned();
            ExcludedOverlay { name: text("name"), reason: text("reason") }
        }
    };
    items.iter().map(read).collect()
}

fn criteria(node: Option<&Node>) -> Criteria {
    let mut criteria = Criteria::default();
    for dimension in Dimension::ALL {
        if let Some(text) = node.and_then(|node| node.get(dimension.name())).and_then(Node::text) {
            criteria.set(dimension, normalize(dimension, text));
        }
    }
    criteria
}

/// The document in the reference's field order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'r> {
    kind: &'static str,
    api_version: &'static str,
    metadata: Metadata<'r>,
    criteria: CriteriaDocument,
    #[serde(skip_serializing_if = "<[Constraint]>::is_empty")]
    constraints: &'r [Constraint],
    component_refs: &'r [ComponentRef],
    deployment_order: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<&'r Validation>,
    #[serde(skip_serializing_if = "Value::is_null")]
    aicr: &'r Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'r> {
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'r str,
    applied_overlays: &'r [String],
    #[serde(skip_serializing_if = "<[ExcludedOverlay]>::is_empty")]
    excluded_overlays: &'r [ExcludedOverlay],
    #[serde(skip_serializing_if = "<[ConstraintWarning]>::is_empty")]
    constraint_warnings: &'r [ConstraintWarning],
}

#[derive(Serialize)]
struct CriteriaDocument {
    service: String,
    accelerator: String,
    intent: String,
    os: String,
    platform: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<u32>,
}

fn document(recipe: &Recipe) -> Document<'_> {
    let Recipe {
        version,
        applied_overlays,
        excluded_overlays,
        constraint_warnings,
        criteria,
        constraints,
        components,
        deployment_order,
        validation,
        extra,
    } = recipe;
    let text = |dimension: Dimension| criteria.get(dimension).unwrap_or_else(|| "any".to_owned());
    Document {
        kind: ACCEPTED.kind,
        api_version: API_VERSION,
        metadata: Metadata { version, applied_overlays, excluded_overlays, constraint_warnings },
        criteria: CriteriaDocument {
            service: text(Dimension::Service),
            accelerator: text(Dimension::Accelerator),
            intent: text(Dimension::Intent),
            os: text(Dimension::Os),
            platform: text(Dimension::Platform),
            nodes: (criteria.nodes > 0).then_some(criteria.nodes),
        },
        constraints,
        component_refs: components,
        deployment_order,
        validation: validation.as_ref(),
        aicr: extra,
    }
}

/// The document as a value.
pub fn to_value(recipe: &Recipe) -> Value {
    serde_json::to_value(document(recipe)).unwrap_or_else(|_| Value::Object(Map::new()))
}

/// JSON text in the reference's field order and escaping, two-space indent, final newline.
pub fn to_json(recipe: &Recipe) -> String {
    json_text(&document(recipe))
}

/// YAML text with sorted keys.
pub fn to_yaml(recipe: &Recipe) -> String {
    yaml::to_string(&to_value(recipe))
}

/// Indented JSON with `<`, `>` and `&` escaped as the reference escapes them, and a final newline.
pub fn json_text(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| "null".to_owned());
    // The three can only stand inside strings, so replacing them in the text is safe.
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "
kind: RecipeResult
apiVersion: aicr.run/v1alpha2
metadata: {appliedOverlays: [base]}
criteria: {service: kind, accelerator: any, intent: any, os: any, platform: any}
constraints:
  - {name: K8s.server.version, value: '>= 1.25'}
componentRefs:
  - {name: nfd, type: Helm, source: oci://example, version: 0.10, overrides: {replicas: 2, on: true}}
deploymentOrder: [nfd]
validation: {performance: {}}
";

    #[test]
    fn what_is_written_reads_back() {
        let recipe = read(SMALL).unwrap();
        assert_eq!(recipe.components[0].version, "0.10");
        assert_eq!(recipe.components[0].overrides["replicas"], 2);
        assert_eq!(recipe.validation.as_ref().unwrap().performance, Some(Default::default()));
        assert_eq!(read(&to_yaml(&recipe)), Ok(recipe.clone()));
        assert_eq!(read(&to_json(&recipe)), Ok(recipe));
    }

    #[test]
    fn json_has_the_references_order_and_escapes() {
        let json = to_json(&read(SMALL).unwrap());
        assert!(json.starts_with("{\n  \"kind\": \"RecipeResult\",\n  \"apiVersion\""), "{json}");
        assert!(json.contains(r#""value": "\u003e= 1.25""#), "{json}");
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn types_are_read_in_any_spelling_and_follow_from_the_fields() {
        let text = "kind: RecipeResult\ncomponentRefs:\n- {name: a, type: HELM, source: s, version: 1.0}\n\
                    - {name: b, source: s, version: 1.0}\n- {name: c, path: p}\n";
        let types: Vec<String> = read(text).unwrap().components.into_iter().map(|one| one.r#type).collect();
        assert_eq!(types, ["Helm", "Helm", "Kustomize"]);
    }

    #[test]
    fn other_documents_are_refused_with_what_they_are() {
        refused("kind: Snapshot\nmeasurements: []\n", "found `kind: Snapshot`");
        refused("just text", "found a string");
        refused("kind: RecipeResult\napiVersion: aicr.run/v9\n", "found `aicr.run/v9`");
        refused("kind: RecipeResult\ncomponentRefs: {}\n", "`componentRefs` must be a list");
        refused("kind: RecipeResult\ncomponentRefs: [{name: x, type: Helm}]\n", "nothing to deploy");
        refused("a: [", "neither YAML nor JSON");
    }
}
