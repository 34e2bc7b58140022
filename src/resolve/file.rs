//! A recipe file as the document that resolving gives, so that both can be compared and searched alike.
//!
//! In: the file with its positions, the catalog for values files, and what the file's criteria resolve to now. Out: the
//! document and its layers. A value that the catalog would still write belongs to the layer that writes it, any other to
//! its line in the file.

use super::{
    Resolution, ResolveError, finish,
    merge::{FIELDS, Fields, Rule, Writer},
};
use crate::{
    catalog::{Catalog, parse::Document},
    document::traced::{Layer, LayerKind, Traced, TracedValue},
    recipe::Recipe,
    yaml::Node,
};
use std::sync::Arc;

/// The document of a recipe file, with the layers that its origins name.
///
/// `recipe` is what was read from `document`; `known` is the resolution of its criteria, where there is one.
///
/// # Errors
/// A values file that the catalog lacks.
pub fn document(
    catalog: &Catalog,
    document: &Document,
    recipe: &Recipe,
    known: Option<&Resolution>,
) -> Result<(Traced, Vec<Layer>), ResolveError> {
    let mut layers = known.map_or_else(Vec::new, |known| known.layers.clone());
    let writer = Writer { layer: layers.len(), document };
    layers.push(Layer::new(LayerKind::RecipeFile, &document.shown, &document.shown, ""));
    let root = &document.root;
    let mut components = Vec::new();
    for (component, item) in recipe.components.iter().zip(root.get("componentRefs").into_iter().flat_map(Node::items)) {
        let fields = fields(&writer, item, &component.r#type);
        let document = finish::component_document(catalog, component, &fields, &mut layers, &mut Vec::new())?;
        components.push((Arc::from(component.name.as_str()), document));
    }
    let mut entries: Vec<(Arc<str>, Traced)> = Vec::new();
    let mut add = |key: &str| {
        let node = root.get(key).filter(|node| !node.is_null());
        entries.extend(node.map(|node| (Arc::from(key), writer.texts_of(node))));
    };
    // The first four say how it was asked for; without them the text of a file would seem to lack them.
    for key in
        ["kind", "apiVersion", "metadata", "criteria", "deploymentOrder", "configuration", "constraints", "validation"]
    {
        add(key);
    }
    let map = |entries| Traced { value: TracedValue::Map(entries), history: Vec::new() };
    entries.push(("components".into(), map(components)));
    let mut read = map(entries);
    if let Some(known) = known {
        blame(&mut read, &known.document);
    }
    Ok((read, layers))
}

/// The fields of a ref as layers would have written them.
fn fields(writer: &Writer<'_>, item: &Node, kind: &str) -> Fields {
    let mut fields = Fields::new();
    for (key, rule) in FIELDS {
        let Some(node) = item.get(key).filter(|node| !node.is_null()) else { continue };
        let traced = match rule {
            Rule::Text if key == "type" => writer.text(node, kind),
            Rule::Deep | Rule::Raise => writer.trace(node),
            _ => writer.texts_of(node),
        };
        fields.insert(key, traced);
    }
    // What a ref without the field is taken for was found out when it was read.
    fields.entry("type").or_insert_with(|| Traced::unwritten(kind.into()));
    fields
}

/// Gives every value that is equal to a known one the known one's history.
///
/// A list is known as a whole or, where its elements have names, element by element.
fn blame(read: &mut Traced, known: &Traced) {
    match (&mut read.value, &known.value) {
        (TracedValue::Map(entries), TracedValue::Map(_)) if !entries.is_empty() => {
            for (key, child) in entries {
                if let Some(known) = known.get(key) {
                    blame(child, known);
                }
            }
        }
        (TracedValue::List(items), TracedValue::List(others)) => {
            let name = |item: &Traced| item.get("name").and_then(Traced::as_text).map(str::to_owned);
            for item in items {
                if let Some(other) = others.iter().find(|other| name(item).is_some() && name(other) == name(item)) {
                    blame(item, other);
                }
            }
            if read.to_value() == known.to_value() {
                read.clone_from(known);
            }
        }
        (read_value, known_value) if read_value == known_value => read.history.clone_from(&known.history),
        _ => {}
    }
}
