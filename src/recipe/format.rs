//! The recipe file: reading a `RecipeResult` (or refusing what is none) and writing it as YAML or JSON.

use super::{
    ComponentRef, Configuration, Constraint, ConstraintWarning, ExcludedOverlay, Recipe, SelectedProfile, States,
    Validation, coherence,
    configuration::{self, ConfigurationError},
    locks,
};
use crate::{
    criteria::{Criteria, Dimension, normalize},
    document::{
        header::{self, Edition, Found, HeaderError, NoSuchForm},
        schema,
        selector::{Segment, Selector},
        shape,
    },
    snapshot::address::{self, AddressError},
    text::json_problem,
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
    /// A constraint on a reading that no snapshot has.
    #[error("{error} (line {}, column {})", at.line, at.column)]
    Path {
        /// Where its name is.
        at: Position,
        /// What is wrong with it.
        error: Box<AddressError>,
    },
    /// A typed setting that is not one, or not one of this recipe.
    #[error("{error} (line {}, column {})", at.line, at.column)]
    Configuration {
        /// Where the settings are.
        at: Position,
        /// What is wrong with them.
        error: ConfigurationError,
    },
    /// Refs that contradict themselves, one line each.
    #[error("it contradicts itself: {}", problems.join("; "))]
    Incoherent {
        /// The first component that has one.
        at: Option<Position>,
        /// All of them.
        problems: Vec<String>,
    },
}

const CORRECT: &str = "correct the file, or resolve it again";

impl RecipeFormatError {
    /// Where in the document, when the cause has a place.
    pub fn at(&self) -> Option<Position> {
        match self {
            RecipeFormatError::Header(error) => error.at(),
            RecipeFormatError::Field { at, .. }
            | RecipeFormatError::Path { at, .. }
            | RecipeFormatError::Configuration { at, .. } => Some(*at),
            RecipeFormatError::Incoherent { at, .. } => *at,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let fixed = match self {
            RecipeFormatError::Header(error) => match error {
                HeaderError::Kind { found: Found::Kind(kind), .. } if kind == "RecipeMetadata" => {
                    "that is an overlay: resolve with `aicr recipe --data FOLDER`, the folder being the one that holds \
                     its `overlays/`, and give the recipe"
                }
                _ => match error.hint() {
                    Some(hint) => return hint,
                    None => "write a recipe with `aicr recipe -o recipe.yaml` and give that file",
                },
            },
            RecipeFormatError::Path { error, .. } => match error.hint() {
                Some(hint) => return hint,
                None => CORRECT,
            },
            RecipeFormatError::Configuration { error, .. } => match error.hint() {
                Some(hint) => return hint,
                None => CORRECT,
            },
            RecipeFormatError::Field { .. } | RecipeFormatError::Incoherent { .. } => CORRECT,
        };
        fixed.to_owned()
    }
}

/// Reads YAML or JSON (found by looking, not by file name).
///
/// # Errors
/// Another kind of document, another version, a field of the wrong shape, refs that contradict themselves.
pub fn read(source: &str) -> Result<Recipe, RecipeFormatError> {
    let root = header::read(source, &header::RECIPE)?;
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    let metadata = root.get("metadata");
    let mut components = list::<ComponentRef>(Some(&root), "componentRefs")?;
    components.iter_mut().for_each(complete_type);
    let mut recipe = Recipe {
        version: metadata.map(|metadata| text(metadata, "version")).unwrap_or_default(),
        applied_overlays: list(metadata, "appliedOverlays")?,
        excluded_overlays: excluded(metadata),
        constraint_warnings: list::<ConstraintWarning>(metadata, "constraintWarnings")?,
        criteria: criteria(root.get("criteria")),
        constraints: list::<Constraint>(Some(&root), "constraints")?,
        components,
        deployment_order: list(Some(&root), "deploymentOrder")?,
        validation: field::<Validation>(&root, "validation")?,
        selected_profile: match metadata {
            Some(metadata) => field::<SelectedProfile>(metadata, "selectedProfile")?,
            None => None,
        },
        configuration: field::<Configuration>(&root, "configuration")?.unwrap_or_default(),
        states: field::<States>(&root, "metadata")?.unwrap_or_default(),
        extra: root.get("aicr").map_or_else(|| commented(source), Node::to_value),
        unknown: shape::unknown(&root, &schema::RECIPE).into_iter().filter(|(path, _)| !is_ours(path)).collect(),
    };
    recipe.criteria.profile = recipe.selected_profile.as_ref().map(SelectedProfile::choice);
    let refs = root.get("componentRefs").map_or(&[][..], Node::items);
    let place = |index: usize| refs.get(index).map(|node| node.at);
    if let Some(index) = recipe.components.iter().position(|component| component.name == "deployer") {
        let problems = vec!["the component name `deployer` is reserved for options of deployers".to_owned()];
        return Err(RecipeFormatError::Incoherent { at: place(index), problems });
    }
    check_paths(&root)?;
    check_severities(&root)?;
    let profile = recipe.selected_profile.as_ref();
    configuration::check(&recipe.configuration, &recipe.criteria, &recipe.components, profile).map_err(|error| {
        let at = root.get("configuration").map_or(root.at, |node| node.at);
        RecipeFormatError::Configuration { at, error }
    })?;
    let incoherent = coherence(&recipe.components);
    let at = incoherent.iter().map(|incoherence| incoherence.index).min().and_then(place);
    let mut problems: Vec<String> = incoherent.into_iter().map(|incoherence| incoherence.problem).collect();
    problems.extend(locks::coherence(&recipe));
    if problems.is_empty() { Ok(recipe) } else { Err(RecipeFormatError::Incoherent { at, problems }) }
}

/// Whether snapshots can have the readings that the recipe's constraints name.
fn check_paths(root: &Node) -> Result<(), RecipeFormatError> {
    let readiness = root.get("validation").and_then(|validation| validation.get("readiness"));
    for place in [Some(root), readiness].into_iter().flatten() {
        for name in place.get("constraints").map_or(&[][..], Node::items).iter().filter_map(|rule| rule.get("name")) {
            let checked = address::check(name.text().unwrap_or_default());
            checked.map_err(|error| RecipeFormatError::Path { at: name.at, error: Box::new(error) })?;
        }
    }
    Ok(())
}

/// Whether the constraints of the recipe and of its phases have severities that there are.
fn check_severities(root: &Node) -> Result<(), RecipeFormatError> {
    let phases = root.get("validation").map_or(&[][..], Node::entries).iter().map(|phase| &phase.value);
    let rules = [root].into_iter().chain(phases).filter_map(|place| place.get("constraints")).flat_map(Node::items);
    for severity in rules.filter_map(|rule| rule.get("severity")) {
        let found = severity.text().unwrap_or_default();
        if !schema::is_severity(found) {
            let known = schema::SEVERITIES.join(", ");
            let message = format!("`severity` must be one of {known}, found `{found}`");
            return Err(RecipeFormatError::Field { at: severity.at, message });
        }
    }
    Ok(())
}

/// Whether a path is that of [`Recipe::extra`].
fn is_ours(path: &Selector) -> bool {
    matches!(&*path.segments, [Segment::Key(key)] if key == "aicr")
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
    typed.map(Some).map_err(|error| RecipeFormatError::Field {
        at: value.at,
        message: format!("`{key}`: {}", json_problem(&error)),
    })
}

fn list<T: DeserializeOwned>(node: Option<&Node>, key: &str) -> Result<Vec<T>, RecipeFormatError> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let Some(value) = node.get(key).filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let read = |item: &Node| {
        let typed = serde_json::from_value(texts(item, ""));
        typed.map_err(|error| RecipeFormatError::Field {
            at: item.at,
            message: format!("`{key}`: {}", json_problem(&error)),
        })
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
    #[serde(skip_serializing_if = "Configuration::is_empty")]
    configuration: &'r Configuration,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    selected_profile: &'r Option<SelectedProfile>,
    #[serde(flatten)]
    states: &'r States,
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

fn document(recipe: &Recipe, edition: Edition) -> Result<Document<'_>, NoSuchForm> {
    let version = recipe.version(edition)?;
    let Recipe {
        version: program,
        applied_overlays,
        excluded_overlays,
        constraint_warnings,
        criteria,
        constraints,
        components,
        deployment_order,
        validation,
        selected_profile,
        configuration,
        states,
        extra,
        unknown: _,
    } = recipe;
    let text = |dimension: Dimension| criteria.get(dimension).unwrap_or_else(|| "any".to_owned());
    Ok(Document {
        kind: header::RECIPE.kind,
        api_version: version.name,
        metadata: Metadata {
            version: program,
            applied_overlays,
            excluded_overlays,
            constraint_warnings,
            selected_profile,
            states,
        },
        criteria: CriteriaDocument {
            service: text(Dimension::Service),
            accelerator: text(Dimension::Accelerator),
            intent: text(Dimension::Intent),
            os: text(Dimension::Os),
            platform: text(Dimension::Platform),
            nodes: (criteria.nodes > 0).then_some(criteria.nodes),
        },
        configuration,
        constraints,
        component_refs: components,
        deployment_order,
        validation: validation.as_ref(),
        // The reference reads extended versions strictly and would refuse the file for it.
        aicr: if version.extended { &Value::Null } else { extra },
    })
}

/// The document as a value.
///
/// # Errors
/// A profile or a typed configuration in an edition that has no form for it.
pub fn to_value(recipe: &Recipe, edition: Edition) -> Result<Value, NoSuchForm> {
    let document = document(recipe, edition)?;
    let mut value = serde_json::to_value(document).unwrap_or_else(|_| Value::Object(Map::new()));
    // An extended version is read strictly; only a file that named no version can have had more.
    if !recipe.version(edition)?.extended {
        recipe.unknown.iter().for_each(|(path, unknown)| shape::restore(&mut value, path, unknown));
    }
    Ok(value)
}

/// JSON text in the reference's field order and escaping, two-space indent, final newline.
///
/// # Errors
/// As [`to_value`].
pub fn to_json(recipe: &Recipe, edition: Edition) -> Result<String, NoSuchForm> {
    if !recipe.unknown.is_empty() {
        return Ok(json_text(&to_value(recipe, edition)?));
    }
    Ok(json_text(&document(recipe, edition)?))
}

/// What begins a comment that holds [`Recipe::extra`].
const COMMENT: &str = "# aicr:\n";

/// YAML text with sorted keys.
///
/// Where the version is read strictly, what we add is a comment in front, which [`read`] reads again.
///
/// # Errors
/// As [`to_value`].
pub fn to_yaml(recipe: &Recipe, edition: Edition) -> Result<String, NoSuchForm> {
    let text = yaml::to_string(&to_value(recipe, edition)?);
    if recipe.extra.is_null() || !recipe.version(edition)?.extended {
        return Ok(text);
    }
    let lines = yaml::to_string(&recipe.extra);
    let comment = lines.lines().fold(COMMENT.to_owned(), |comment, line| comment + "#   " + line + "\n");
    Ok(comment + &text)
}

/// What we add, from the comment in front of a text; null where there is none that can be read.
fn commented(text: &str) -> Value {
    let Some(rest) = text.strip_prefix(COMMENT) else { return Value::Null };
    let lines =
        rest.lines().map_while(|line| line.strip_prefix("#   ")).fold(String::new(), |text, line| text + line + "\n");
    yaml::parse(&lines).map_or(Value::Null, |node| node.to_value())
}

/// Indented JSON with `<`, `>` and `&` escaped as the reference escapes them, and a final newline.
pub fn json_text(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| "null".to_owned());
    // The three can only stand inside strings, so replacing them in the text is safe.
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026") + "\n";
    yaml::printable(&text).into_owned()
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
        for edition in [Edition::V1, Edition::V1Alpha2] {
            assert_eq!(read(&to_yaml(&recipe, edition).unwrap()), Ok(recipe.clone()));
            assert_eq!(read(&to_json(&recipe, edition).unwrap()), Ok(recipe.clone()));
        }
    }

    #[test]
    fn unknown_fields_are_written_again() {
        let text = SMALL
            .replace("metadata: {", "new: [1]\nmetadata: {later: {a: 1}, ")
            .replace("type: Helm,", "type: Helm, x: 1,");
        let recipe = read(&text).unwrap();
        let written = to_value(&recipe, Edition::V1).unwrap();
        assert_eq!(
            (&written["new"], &written["metadata"]["later"]),
            (&serde_json::json!([1]), &serde_json::json!({"a": 1}))
        );
        assert_eq!(written["componentRefs"][0]["x"], 1);
        let again = read(&to_json(&recipe, Edition::V1).unwrap()).unwrap();
        assert_eq!(to_value(&again, Edition::V1), Ok(written));
    }

    #[test]
    fn extensions_are_written_strictly_and_have_no_older_form() {
        let text = SMALL
            .replace("v1alpha2", "v1beta2")
            .replace("metadata: {", "configuration: {runtimeInventory: {mode: disabled}}\nmetadata: {gpuDriverState: absent, selectedProfile: {name: p, value: v, ownedPaths: {nfd: [enabled, replicas]}}, ");
        let mut recipe = read(&text).unwrap();
        recipe.extra = serde_json::json!({"catalog": {"digest": "sha256:0"}, "sources": ["a\nb"]});
        let value = to_value(&recipe, Edition::V1).unwrap();
        assert_eq!((value["apiVersion"].as_str(), value.get("aicr")), (Some("aicr.run/v1beta2"), None));
        assert_eq!(value["metadata"]["gpuDriverState"], "absent");
        let yaml = to_yaml(&recipe, Edition::V1).unwrap();
        assert!(yaml.starts_with("# aicr:\n#   catalog:\n#     digest: sha256:0\n"), "{yaml}");
        assert_eq!(read(&yaml), Ok(recipe.clone()));
        let refused = to_value(&recipe, Edition::V1Alpha2).unwrap_err().to_string();
        assert_eq!(refused, "`metadata.selectedProfile` of a RecipeResult has no form in v1alpha2");
        recipe.selected_profile = None;
        let refused = to_value(&recipe, Edition::V1Alpha2).unwrap_err().to_string();
        assert_eq!(refused, "`configuration` of a RecipeResult has no form in v1alpha2");
    }

    #[test]
    fn json_has_the_references_order_and_escapes() {
        let json = to_json(&read(SMALL).unwrap(), Edition::V1Alpha2).unwrap();
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
    fn an_unknown_severity_is_refused_with_its_place() {
        let message = "`severity` must be one of error, warning, warn, info, informational, found";
        let of = |severity: &str| SMALL.replace("'>= 1.25'}", &format!("'>= 1.25', severity: {severity}}}"));
        refused(&of("banana"), &format!("{message} `banana` (line 7, column 60)"));
        refused(&of("5"), &format!("{message} `5`"));
        let phase = "validation: {conformance: {constraints: [{name: x, value: y, severity: high}]}}";
        refused(&SMALL.replace("validation: {performance: {}}", phase), &format!("{message} `high`"));
        for (known, is_warning) in [("Error", false), ("''", false), ("WARN", true), ("info", true)] {
            assert_eq!(read(&of(known)).unwrap().constraints[0].is_warning(), is_warning, "{known}");
        }
    }

    #[test]
    fn other_documents_are_refused_with_what_they_are() {
        refused("kind: Snapshot\nmeasurements: []\n", "found `kind: Snapshot`");
        refused("just text", "found a string");
        refused("kind: RecipeResult\napiVersion: aicr.run/v9\n", "found `aicr.run/v9`");
        refused("kind: RecipeResult\ncomponentRefs: {}\n", "`componentRefs` must be a list");
        refused(
            "kind: RecipeResult\nconstraints: [text]\n",
            "`constraints`: invalid type: string \"text\", expected an object",
        );
        refused("kind: RecipeResult\ncomponentRefs: [{name: x, type: Helm}]\n", "nothing to deploy");
        let one = "{name: x, type: Helm, source: oci://example, version: 1.0}";
        refused(&format!("kind: RecipeResult\ncomponentRefs: [{one}, {one}]\n"), "there are two of this name");
        refused("kind: RecipeResult\ncomponentRefs: [{type: Helm}]\n", "component 1 of the list: missing name");
        let at = |text: &str| read(text).unwrap_err().at().map(|at| (at.line, at.column));
        let two = format!("kind: RecipeResult\ncomponentRefs:\n  - {one}\n  - {{name: y, type: Helm}}\n");
        assert_eq!(at(&two), Some((4, 5)), "the component that is wrong");
        let reserved = format!("kind: RecipeResult\ncomponentRefs:\n  - {one}\n  - {}\n", one.replace('x', "deployer"));
        assert_eq!(at(&reserved), Some((4, 5)));
        refused("a: [", "neither YAML nor JSON");
    }
}
