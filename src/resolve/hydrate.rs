//! The Helm values of a component: its values files, lowest first, then the recipe's overrides.

use super::{
    ResolveError,
    merge::{Fields, Removed, Writer, merge_values},
};
use crate::{
    catalog::{Catalog, parse::Document},
    document::traced::{Layer, LayerKind, Traced, TracedValue},
    recipe::ComponentRef,
};
use serde_json::Value;

/// The hydrated values; an empty mapping when nothing sets any.
///
/// Values files become layers of their own, appended to `layers`; what a null took away is added to `removed`.
///
/// # Errors
/// A values file that is missing or unreadable. The component's own `values.yaml` below a named one may be missing.
pub fn hydrate(
    catalog: &Catalog,
    component: &str,
    fields: &Fields,
    layers: &mut Vec<Layer>,
    removed: &mut Removed,
) -> Result<Traced, ResolveError> {
    let path = &mut Vec::new();
    let mut values = Traced { value: TracedValue::Map(Vec::new()), history: Vec::new() };
    let own = format!("components/{component}/values.yaml");
    let named = fields.get("valuesFile").and_then(Traced::as_text).unwrap_or_default();
    if !named.is_empty() {
        if named != own
            && let Some(document) = catalog.values(&own)?
        {
            merge_values(&mut values, file(&own, &document, layers), path, removed);
        }
        let missing = || ResolveError::MissingFile {
            component: component.to_owned(),
            field: "values file",
            path: named.to_owned(),
        };
        let document = catalog.values(named)?.ok_or_else(missing)?;
        let traced = file(named, &document, layers);
        // The first file is taken as it stands: its nulls reach Helm, where they remove a chart's default.
        if matches!(&values.value, TracedValue::Map(entries) if entries.is_empty()) {
            values = traced;
        } else {
            merge_values(&mut values, traced, path, removed);
        }
    }
    if let Some(overrides) = fields.get("overrides") {
        if named.is_empty() {
            values = overrides.clone();
        } else {
            merge_values(&mut values, overrides.clone(), path, removed);
        }
    }
    Ok(values)
}

/// The hydrated values of a component as a recipe file names it, without history.
///
/// # Errors
/// As [`hydrate`].
pub fn plain(catalog: &Catalog, component: &ComponentRef) -> Result<Value, ResolveError> {
    let mut fields = Fields::new();
    if !component.values_file.is_empty() {
        fields.insert("valuesFile", Traced::unwritten(component.values_file.as_str().into()));
    }
    if !component.overrides.is_empty() {
        fields.insert("overrides", Traced::from_value(&Value::Object(component.overrides.clone())));
    }
    Ok(hydrate(catalog, &component.name, &fields, &mut Vec::new(), &mut Vec::new())?.to_value())
}

fn file(path: &str, document: &Document, layers: &mut Vec<Layer>) -> Traced {
    let layer = layers.iter().position(|layer| layer.kind == LayerKind::ValuesFile && layer.name == path);
    let layer = layer.unwrap_or_else(|| {
        layers.push(Layer::new(LayerKind::ValuesFile, path, &document.shown, ""));
        layers.len() - 1
    });
    let traced = Writer { layer, document }.trace(&document.root);
    match traced.value {
        TracedValue::Scalar(Value::Null) => Traced { value: TracedValue::Map(Vec::new()), history: Vec::new() },
        _ => traced,
    }
}
