//! The last steps: dependencies, order, defaults, health checks, coherence, and the document with its history.

use super::{
    Build, Coverage, Decision, JudgedConstraint, REGISTRY_LAYER, Resolution, ResolveError, configuration,
    exclude::Screening,
    hydrate,
    merge::{FIELDS, Fields, PHASES, Removed},
    order,
    profile::ProfileError,
};
use crate::{
    catalog::{Catalog, CatalogError, CatalogProblem, component::Component},
    constraint,
    criteria::{Criteria, Dimension},
    document::{
        header::Edition,
        location::Location,
        selector::{Segment, Selector},
        traced::{Layer, LayerKind, Origin, Traced, TracedValue, Wrote},
    },
    inventory::Inventory,
    recipe::{
        ComponentRef, Configuration, Constraint, Locks, Recipe, SWITCHES, SelectedProfile, Validation, coherence,
        configuration::SLURM, locks,
    },
    yaml::Position,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub(crate) fn finish(
    catalog: &Catalog,
    criteria: &Criteria,
    snapshot: Option<&Inventory>,
    build: Build<'_>,
    screening: Screening<'_>,
    coverage: Vec<Coverage>,
    decisions: Vec<Decision>,
) -> Result<Resolution, ResolveError> {
    let Build { mut merged, mut layers, applied, profile: selected_profile, configuration, states, .. } = build;
    check_dependencies(&merged.components)?;
    let enabled: BTreeMap<&str, Vec<&str>> = merged
        .components
        .iter()
        .filter(|(_, fields)| is_enabled(fields))
        .map(|(name, fields)| (name.as_str(), texts(fields, "dependencyRefs")))
        .collect();
    let deployment_order = order::order(&enabled).map_err(ResolveError::Circle)?;
    for (name, fields) in &mut merged.components {
        canonical_type(fields);
        if let Some(entry) = catalog.registry.components.get(name) {
            fill_defaults(fields, entry);
        }
    }
    let components = components(catalog, &merged.components, &configuration)?;
    let problems = coherence(&components);
    if !problems.is_empty() {
        return Err(ResolveError::Incoherent(problems.into_iter().map(|found| found.problem).collect()));
    }
    if let Some(selected) = &selected_profile {
        one_advertiser(catalog, &components, selected.advertiser.is_some())?;
    }
    let validation = merged.validation.as_ref().map(|phases| {
        let entries = PHASES.iter().filter_map(|key| phases.get(key).map(|phase| (Arc::from(*key), phase.to_traced())));
        Traced { value: TracedValue::Map(entries.collect()), history: Vec::new() }
    });
    let recipe = Recipe {
        version: String::new(),
        applied_overlays: applied,
        excluded_overlays: screening.excluded,
        constraint_warnings: screening.warnings,
        criteria: with_choice(criteria, selected_profile.as_ref()),
        selected_profile,
        constraints: merged.constraints.values().map(plain::<Constraint>).collect::<Result<_, _>>()?,
        components,
        deployment_order,
        validation: validation.as_ref().map(plain::<Validation>).transpose()?,
        configuration,
        states,
        ..Recipe::default()
    };
    let mut removed = Vec::new();
    let merged_parts = (&merged.constraints, &merged.components);
    let document = document(catalog, &recipe, merged_parts, validation, &mut layers, &mut removed)?;
    count(&document, &mut layers);
    let constraints = snapshot.map_or_else(Vec::new, |snapshot| judge(&merged.constraints, snapshot));
    let catalog_edition = catalog
        .edition
        .as_ref()
        .map(|edition| edition.about(&sources(catalog, &recipe, &layers), &recipe.applied_overlays));
    Ok(Resolution {
        catalog_edition,
        recipe,
        layers,
        document,
        decisions,
        coverage,
        relaxed: Vec::new(),
        constraints,
        driver: None,
        removed,
        catalog_digest: catalog.digest(),
        catalog_sources: catalog.files.sources.clone(),
        catalog_folder: catalog.files.replaced_by.clone(),
    })
}

/// Catalog-relative paths of what a recipe is made of.
fn sources<'r>(catalog: &'r Catalog, recipe: &'r Recipe, layers: &'r [Layer]) -> BTreeSet<&'r str> {
    let mut paths: BTreeSet<&str> = BTreeSet::new();
    for layer in layers {
        match layer.kind {
            LayerKind::Base | LayerKind::Overlay => {
                paths.extend(catalog.overlay(&layer.name).map(|overlay| overlay.path.as_str()));
            }
            LayerKind::Mixin => paths.extend(catalog.mixins.get(&layer.name).map(|mixin| mixin.path.as_str())),
            LayerKind::ValuesFile => paths.extend([layer.name.as_str()]),
            _ => {}
        }
    }
    for component in &recipe.components {
        paths.extend(component.manifest_files.iter().chain(&component.pre_manifest_files).map(String::as_str));
        let entry = catalog.registry.components.get(&component.name);
        paths.extend(entry.map(|entry| entry.assert_file.as_str()));
    }
    paths
}

/// Criteria that say which profile value the recipe has, the default included; the recipe's settings are a field of its own.
fn with_choice(criteria: &Criteria, selected: Option<&SelectedProfile>) -> Criteria {
    let profile = selected.map(SelectedProfile::choice);
    Criteria { profile, configuration: Box::default(), ..criteria.clone() }
}

/// The merge rules admit only the shapes that these types have, so an error here is a rule that is missing there.
fn plain<T: serde::de::DeserializeOwned>(merged: &Traced) -> Result<T, ResolveError> {
    let read = serde_json::from_value(merged.to_value());
    read.map_err(|error| match merged.origin() {
        Some(origin) => ResolveError::Catalog(CatalogError {
            at: Location::new(&origin.file, origin.at),
            problem: CatalogProblem::Merged(error.to_string()),
        }),
        None => ResolveError::Incoherent(vec![error.to_string()]),
    })
}

/// Whether a component is deployed.
pub(super) fn is_enabled(fields: &Fields) -> bool {
    let overrides = fields.get("overrides");
    let is_off = |switch: &&str| {
        let value = overrides.and_then(|overrides| overrides.get(switch));
        value.is_some_and(|value| value.value == TracedValue::Scalar(Value::Bool(false)))
    };
    !SWITCHES.iter().any(is_off)
}

/// In a profiled recipe exactly one component advertises GPUs.
fn one_advertiser(catalog: &Catalog, components: &[ComponentRef], external: bool) -> Result<(), ResolveError> {
    let mut values = BTreeMap::new();
    for component in components.iter().filter(|component| component.is_enabled()) {
        if locks::decides_advertiser(&component.name) {
            values.insert(component.name.clone(), hydrate::plain(catalog, component)?);
        }
    }
    let problems = locks::advertisers(external, &values);
    if problems.is_empty() { Ok(()) } else { Err(ProfileError::Advertisers(problems).into()) }
}

/// Whether what a person sets keeps the values that a profile or a typed setting locks.
///
/// # Errors
/// The first locked value that it changes.
pub(super) fn keep_locked(catalog: &Catalog, before: &Build<'_>, after: &Build<'_>) -> Result<(), ResolveError> {
    let enabled = |(name, fields): (&String, &Fields)| {
        let switch = serde_json::Map::from_iter([("enabled".to_owned(), Value::Bool(is_enabled(fields)))]);
        ComponentRef { name: name.clone(), overrides: switch, ..ComponentRef::default() }
    };
    let components = before.merged.components.iter().map(enabled).collect();
    let recipe = Recipe {
        components,
        selected_profile: before.profile.clone(),
        configuration: before.configuration.clone(),
        ..Recipe::default()
    };
    let Some(locks) = Locks::of(&recipe) else { return Ok(()) };
    let values = |build: &Build<'_>, name: &str| match build.merged.components.get(name) {
        Some(fields) => {
            hydrate::hydrate(catalog, name, fields, &mut Vec::new(), &mut Vec::new()).map(|it| it.to_value())
        }
        None => Ok(Value::Null),
    };
    for name in before.merged.components.keys() {
        let kept = locks.check_values(name, &values(before, name)?, &values(after, name)?);
        kept.map_err(ProfileError::Locked)?;
    }
    Ok(())
}

fn texts<'f>(fields: &'f Fields, key: &str) -> Vec<&'f str> {
    match fields.get(key).map(|list| &list.value) {
        Some(TracedValue::List(items)) => items.iter().filter_map(Traced::as_text).collect(),
        _ => Vec::new(),
    }
}

/// Over all refs, disabled ones included: each dependency is in the recipe, and none goes in a circle.
fn check_dependencies(components: &BTreeMap<String, Fields>) -> Result<(), ResolveError> {
    let all: BTreeMap<&str, Vec<&str>> =
        components.iter().map(|(name, fields)| (name.as_str(), texts(fields, "dependencyRefs"))).collect();
    for (component, dependencies) in &all {
        if let Some(dependency) = dependencies.iter().find(|dependency| !all.contains_key(*dependency)) {
            let (component, dependency) = ((*component).to_owned(), (*dependency).to_owned());
            return Err(ResolveError::MissingDependency { component, dependency });
        }
    }
    order::cycle(&all).map_or(Ok(()), |circle| Err(ResolveError::Circle(circle)))
}

fn canonical_type(fields: &mut Fields) {
    let Some(kind) = fields.get_mut("type") else { return };
    let canonical = match kind.as_text().map(str::to_lowercase).as_deref() {
        Some("helm") => "Helm",
        Some("kustomize") => "Kustomize",
        _ => return,
    };
    kind.value = TracedValue::Scalar(Value::from(canonical));
}

/// What the registry says where no layer does; it never replaces a pin.
fn fill_defaults(fields: &mut Fields, entry: &Component) {
    if !fields.contains_key("type") {
        fields.insert("type", default(entry, entry.at, entry.kind()));
    }
    let kind = fields.get("type").and_then(Traced::as_text).unwrap_or_default().to_owned();
    let (group, defaults): (&str, &[(&str, &str)]) = match &*kind {
        "Helm" => (
            "helm",
            &[
                ("source", "defaultRepository"),
                ("version", "defaultVersion"),
                ("namespace", "defaultNamespace"),
                ("chart", "defaultChart"),
            ],
        ),
        "Kustomize" => ("kustomize", &[("source", "defaultSource"), ("tag", "defaultTag"), ("path", "defaultPath")]),
        _ => return,
    };
    if kind == "Helm"
        && texts(fields, "manifestFiles").is_empty()
        && let Some(list) = default_manifests(entry)
    {
        fields.insert("manifestFiles", list);
    }
    for (field, key) in defaults {
        let field = FIELDS.iter().find(|(name, _)| name == field).map_or("", |(name, _)| name);
        if fields.contains_key(field) {
            continue;
        }
        let Some((node, text)) = entry.default(group, key).and_then(|node| Some((node, node.text()?))) else {
            continue;
        };
        // A chart may carry a repository prefix, which is not part of its name.
        let text = if field == "chart" { text.rsplit('/').next().unwrap_or(text) } else { text };
        fields.insert(field, default(entry, node.at, text));
    }
}

/// Manifests that come with a component where no layer names any.
fn default_manifests(entry: &Component) -> Option<Traced> {
    let list = entry.node.get("manifestFiles").filter(|list| !list.items().is_empty())?;
    let items = list.items().iter().filter_map(|item| Some(default(entry, item.at, item.text()?))).collect();
    Some(Traced { value: TracedValue::List(items), history: Vec::new() })
}

fn default(entry: &Component, at: Position, text: &str) -> Traced {
    let value = Value::from(text);
    let wrote = Wrote::Set(value.clone());
    let origin = Origin { layer: REGISTRY_LAYER, file: entry.file.clone(), at, wrote };
    Traced { value: TracedValue::Scalar(value), history: vec![origin] }
}

fn components(
    catalog: &Catalog,
    merged: &BTreeMap<String, Fields>,
    settings: &Configuration,
) -> Result<Vec<ComponentRef>, ResolveError> {
    let component = |(name, fields): (&String, &Fields)| {
        let entries = fields.iter().map(|(key, field)| (Arc::from(*key), field.clone())).collect();
        let mut component: ComponentRef = plain(&Traced { value: TracedValue::Map(entries), history: Vec::new() })?;
        component.name.clone_from(name);
        if !component.health_check_skip
            && component.health_check_asserts.is_empty()
            && let Some(entry) = catalog.registry.components.get(name)
            && !entry.assert_file.is_empty()
        {
            let text = catalog.text(&entry.assert_file).ok_or_else(|| ResolveError::MissingFile {
                component: name.clone(),
                field: "health check",
                path: entry.assert_file.clone(),
            })?;
            component.health_check_asserts = text.to_owned();
        }
        if component.name == SLURM && settings.has_accounting() && !component.health_check_skip {
            component.health_check_asserts = configuration::check_accounting(&component)?;
        }
        Ok(component)
    };
    merged.iter().map(component).collect()
}

fn judge(constraints: &BTreeMap<String, Traced>, snapshot: &Inventory) -> Vec<JudgedConstraint> {
    let judged = |(name, constraint): (&String, &Traced)| {
        let value = constraint.get("value");
        let expected = value.and_then(Traced::as_text).unwrap_or_default().to_owned();
        let verdict = constraint::judge(name, &expected, snapshot);
        let layer = value.and_then(Traced::origin).map_or(REGISTRY_LAYER, |origin| origin.layer);
        let text = |key: &str| constraint.get(key).and_then(Traced::as_text).unwrap_or_default().to_owned();
        let is_warning = Constraint { severity: text("severity"), ..Constraint::default() }.is_warning();
        JudgedConstraint { name: name.clone(), expected, verdict, layer, is_warning, remediation: text("remediation") }
    };
    constraints.iter().map(judged).collect()
}

/// The resolved document in the reference's order of keys, with our additions behind.
fn document(
    catalog: &Catalog,
    recipe: &Recipe,
    (constraints, components): (&BTreeMap<String, Traced>, &BTreeMap<String, Fields>),
    validation: Option<Traced>,
    layers: &mut Vec<Layer>,
    removed: &mut Vec<(Selector, Traced)>,
) -> Result<Traced, ResolveError> {
    let derived = layers.len();
    layers.push(Layer::new(LayerKind::Derived, "resolver", "", ""));
    let derived_value = |value: Value| derive(value, derived);
    let list = |items: Vec<Traced>| Traced { value: TracedValue::List(items), history: Vec::new() };
    let criteria = Dimension::ALL.into_iter().map(|dimension| {
        let value = match dimension {
            Dimension::Nodes => Value::from(recipe.criteria.nodes),
            _ => Value::from(recipe.criteria.get(dimension).unwrap_or_else(|| "any".to_owned())),
        };
        (Arc::from(dimension.name()), derived_value(value))
    });
    let mut metadata = serde_json::json!({
        "version": recipe.version, "appliedOverlays": recipe.applied_overlays,
        "excludedOverlays": recipe.excluded_overlays, "constraintWarnings": recipe.constraint_warnings,
    });
    if let Some(selected) = &recipe.selected_profile {
        metadata["selectedProfile"] = serde_json::to_value(selected).unwrap_or_default();
    }
    if let (Value::Object(metadata), Ok(Value::Object(states))) = (&mut metadata, serde_json::to_value(&recipe.states))
    {
        metadata.extend(states);
    }
    let mut by_name = Vec::new();
    for component in &recipe.components {
        let fields = &components[&component.name];
        let mut dropped = Vec::new();
        let document = component_document(catalog, component, fields, layers, &mut dropped)?;
        by_name.push((Arc::from(&*component.name), document));
        removed.extend(dropped.into_iter().map(|(keys, value)| {
            let above = ["components", &component.name, "values"].map(|key| Segment::Key(key.to_owned()));
            let below = keys.iter().map(|key| Segment::Key(key.to_string()));
            (Selector { segments: above.into_iter().chain(below).collect() }, value)
        }));
    }
    let map = |entries: Vec<(Arc<str>, Traced)>| Traced { value: TracedValue::Map(entries), history: Vec::new() };
    let mut entries: Vec<(Arc<str>, Traced)> = vec![
        ("kind".into(), derived_value("RecipeResult".into())),
        ("apiVersion".into(), derived_value(api_version(recipe).into())),
        ("metadata".into(), derived_value(metadata)),
        ("criteria".into(), map(criteria.collect())),
        ("deploymentOrder".into(), derived_value(recipe.deployment_order.clone().into())),
    ];
    entries.extend(settings(&recipe.configuration, layers).map(|settings| ("configuration".into(), settings)));
    if !constraints.is_empty() {
        entries.push(("constraints".into(), list(constraints.values().cloned().collect())));
    }
    entries.push(("components".into(), map(by_name)));
    entries.extend(validation.map(|validation| ("validation".into(), validation)));
    Ok(map(entries))
}

/// The typed settings, each as the word of its own layer.
fn settings(configuration: &Configuration, layers: &[Layer]) -> Option<Traced> {
    let mut settings = Traced { value: TracedValue::Map(Vec::new()), history: Vec::new() };
    let values = serde_json::to_value(configuration).unwrap_or_default();
    for decided in configuration.decided() {
        let keys: Vec<String> = decided.field.split('.').map(str::to_owned).collect();
        let value = keys.iter().try_fold(&values, |value, key| value.get(key));
        let is_own = |layer: &Layer| layer.kind == LayerKind::Configuration && layer.name == decided.name;
        if let (Some(value), Some(layer)) = (value, layers.iter().position(is_own)) {
            settings.put(&keys, derive(value.clone(), layer));
        }
    }
    (!configuration.is_empty()).then_some(settings)
}

/// A resolved recipe has a version in the edition that is written by default.
fn api_version(recipe: &Recipe) -> &'static str {
    recipe.version(Edition::default()).map_or("", |version| version.name)
}

/// Fields of a component as the document shows them; overrides are part of `values`.
const SHOWN: [&str; 12] = [
    "type",
    "source",
    "namespace",
    "chart",
    "version",
    "tag",
    "path",
    "dependencyRefs",
    "valuesFile",
    "manifestFiles",
    "preManifestFiles",
    "expectedResources",
];

pub(super) fn component_document(
    catalog: &Catalog,
    component: &ComponentRef,
    fields: &Fields,
    layers: &mut Vec<Layer>,
    removed: &mut Removed,
) -> Result<Traced, ResolveError> {
    let values = hydrate::hydrate(catalog, &component.name, fields, layers, removed)?;
    let mut entries: Vec<(Arc<str>, Traced)> = Vec::new();
    entries.extend(fields.get("name").map(|name| (Arc::from("name"), name.clone())));
    for key in SHOWN {
        let field = fields.get(key).filter(|field| {
            !matches!(&field.value, TracedValue::List(items) if items.is_empty()) && field.as_text() != Some("")
        });
        match field {
            Some(field) => entries.push((key.into(), field.clone())),
            // The reference prints these two even when they are empty or follow from the name.
            None if key == "source" => entries.push((key.into(), Traced::unwritten("".into()))),
            None if key == "chart" && component.r#type == "Helm" && !component.source.is_empty() => {
                entries.push((key.into(), Traced::unwritten(component.name.as_str().into())));
            }
            None => {}
        }
    }
    if !matches!(&values.value, TracedValue::Map(entries) if entries.is_empty()) {
        entries.push(("values".into(), values));
    }
    Ok(Traced { value: TracedValue::Map(entries), history: Vec::new() })
}

/// A computed value: every scalar in it is the resolver's word.
pub(super) fn derive(value: Value, layer: usize) -> Traced {
    let word = |value: &Value| Origin { layer, file: "".into(), at: Position::NONE, wrote: Wrote::Set(value.clone()) };
    match value {
        Value::Object(map) => Traced {
            value: TracedValue::Map(
                map.into_iter().map(|(key, value)| (Arc::from(key), derive(value, layer))).collect(),
            ),
            history: Vec::new(),
        },
        Value::Array(items) => {
            let history = vec![word(&Value::Array(items.clone()))];
            let items = items.into_iter().map(|item| derive(item, layer)).collect();
            Traced { value: TracedValue::List(items), history }
        }
        scalar => Traced { history: vec![word(&scalar)], value: TracedValue::Scalar(scalar) },
    }
}

/// Counts for each layer what it wrote and what of that is seen.
fn count(value: &Traced, layers: &mut [Layer]) {
    match &value.value {
        TracedValue::Map(entries) if !entries.is_empty() => entries.iter().for_each(|(_, child)| count(child, layers)),
        TracedValue::List(items) if !items.is_empty() => items.iter().for_each(|item| count(item, layers)),
        _ => {
            for (index, origin) in value.history.iter().enumerate() {
                if let Some(layer) = layers.get_mut(origin.layer) {
                    layer.sets += 1;
                    layer.wins += usize::from(index + 1 == value.history.len());
                }
            }
        }
    }
}
