//! Keeps in a new recipe what identifies the objects of an earlier installation: places, charts, manifests and names.
//!
//! Versions and values are the new recipe's. In: a resolution and what is installed. Out: what was kept; each value has the
//! earlier installation as its last layer, over the layer that it hides.

use super::identity::{self, ObjectNames};
use crate::{
    criteria::{Criteria, Dimension},
    document::{
        selector::{self, Segment, Selector},
        traced::{Layer, LayerKind, Origin, Traced, TracedValue, Wrote},
    },
    recipe::ComponentRef,
    resolve::Resolution,
    yaml::Position,
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is installed, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// File, folder or context, as a person named it.
    pub name: String,
    pub components: BTreeMap<String, Use>,
}

/// One component of an earlier installation.
#[derive(Clone, Debug, Default)]
pub struct Use {
    pub used: ComponentRef,
    /// `None` where they are not known: then they stay those of the new recipe.
    pub names: Option<ObjectNames>,
    /// The file that has the names.
    pub names_file: Arc<str>,
    /// The file that says so, and where it says what, by field.
    pub file: Arc<str>,
    pub at: BTreeMap<String, Position>,
}

/// A value that was kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kept {
    pub component: String,
    /// As a path below the component.
    pub field: String,
    /// Null for a name that the earlier installation does not have.
    pub value: Value,
}

/// The earlier installation is for another kind of cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is for {}={earlier}, and the recipe is for {now}", dimension.name())]
pub struct OtherCluster {
    pub dimension: Dimension,
    pub earlier: String,
    pub now: String,
}

/// Dimensions in which both have to agree, where both state one.
const SAME: [Dimension; 4] = [Dimension::Service, Dimension::Accelerator, Dimension::Intent, Dimension::Os];

/// Refuses an earlier installation whose objects cannot be those of the new recipe.
///
/// # Errors
/// The first dimension that differs.
pub fn same_cluster(earlier: &Criteria, now: &Criteria) -> Result<(), OtherCluster> {
    for dimension in SAME {
        if let (Some(earlier), Some(now)) = (earlier.get(dimension), now.get(dimension))
            && earlier != now
        {
            return Err(OtherCluster { dimension, earlier, now });
        }
    }
    Ok(())
}

/// Keeps what identifies the components that both have; the others are left as they are.
pub fn keep(resolution: &mut Resolution, earlier: &Earlier) -> Vec<Kept> {
    let layer = resolution.layers.len();
    resolution.layers.push(Layer::new(LayerKind::Inherited, "inherit-from", &earlier.name, ""));
    let mut components = std::mem::take(&mut resolution.recipe.components);
    let mut writer = Writer { layer, resolution, kept: Vec::new() };
    for component in &mut components {
        if let Some(old) = earlier.components.get(&component.name) {
            keep_component(&mut writer, component, old);
        }
    }
    let kept = writer.kept;
    if kept.is_empty() {
        resolution.layers.pop();
    }
    resolution.recipe.components = components;
    kept
}

fn keep_component(writer: &mut Writer<'_>, component: &mut ComponentRef, old: &Use) {
    let Use { used, names, .. } = old;
    let name = component.name.clone();
    let is_same_type = used.r#type.is_empty() || used.r#type.eq_ignore_ascii_case(&component.r#type);
    if keeps(&used.namespace, &component.namespace) {
        let moved = std::mem::replace(&mut component.namespace, used.namespace.clone());
        component.health_check_asserts = rebound(&component.health_check_asserts, &moved, &used.namespace);
        writer.set(&name, "namespace", used.namespace.as_str().into(), old);
    }
    if !is_same_type {
        return;
    }
    for (field, was, now) in [
        ("chart", &used.chart, &mut component.chart),
        ("source", &used.source, &mut component.source),
        ("path", &used.path, &mut component.path),
    ] {
        if keeps(was, now) {
            now.clone_from(was);
            writer.set(&name, field, was.as_str().into(), old);
        }
    }
    for (field, was, now) in [
        ("manifestFiles", &used.manifest_files, &mut component.manifest_files),
        ("preManifestFiles", &used.pre_manifest_files, &mut component.pre_manifest_files),
    ] {
        if !was.is_empty() && was != now {
            now.clone_from(was);
            writer.set(&name, field, was.clone().into(), old);
        }
    }
    if let Some(names) = names {
        keep_names(writer, component, names, old);
    }
}

fn keeps(was: &str, now: &str) -> bool {
    !was.is_empty() && was != now
}

fn keep_names(writer: &mut Writer<'_>, component: &mut ComponentRef, was: &ObjectNames, old: &Use) {
    let values = writer.value(&component.name, &[]).map(Traced::to_value).unwrap_or_default();
    let now = identity::object_names(&values);
    let stated = |names: &ObjectNames, path: &str| names.get(path).filter(|name| !name.is_empty()).cloned();
    let paths: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    for path in paths {
        let (was, now) = (stated(was, path), stated(&now, path));
        if was == now {
            continue;
        }
        // Paths of names are written by `identity`, so they can be read.
        let Ok(Selector { segments }) = selector::parse(path) else { continue };
        let keys: Vec<String> = segments
            .into_iter()
            .filter_map(|segment| match segment {
                Segment::Key(key) => Some(key),
                _ => None,
            })
            .collect();
        let value = was.map_or(Value::Null, Value::from);
        set(&mut component.overrides, &keys, value.clone());
        writer.name(&component.name, &keys, value, old);
    }
}

/// Writes a value into overrides, with mappings on the way.
fn set(overrides: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => drop(overrides.insert(last.clone(), value)),
        [first, rest @ ..] => {
            let below = overrides.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !below.is_object() {
                *below = Value::Object(Map::new());
            }
            if let Value::Object(below) = below {
                set(below, rest, value);
            }
        }
    }
}

/// A health check that looks into another namespace.
fn rebound(check: &str, from: &str, to: &str) -> String {
    if from.is_empty() {
        return check.to_owned();
    }
    let (needle, mut text, mut rest) = (format!("namespace: {from}"), String::new(), check);
    while let Some(at) = rest.find(&needle) {
        let (before, found) = rest.split_at(at);
        let after = &found[needle.len()..];
        let is_whole = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || "-._".contains(c));
        text += before;
        text += if is_whole { "namespace: " } else { &needle };
        text += if is_whole { to } else { "" };
        rest = after;
    }
    text + rest
}

/// Writes into the document of a resolution, as a layer of its own.
struct Writer<'r> {
    layer: usize,
    resolution: &'r mut Resolution,
    kept: Vec<Kept>,
}

impl Writer<'_> {
    /// A value of a component, by keys below its values.
    fn value(&self, component: &str, keys: &[String]) -> Option<&Traced> {
        let values = self.resolution.document.get("components")?.get(component)?.get("values")?;
        keys.iter().try_fold(values, |value, key| value.get(key))
    }

    fn set(&mut self, component: &str, field: &str, value: Value, old: &Use) {
        let path = ["components", component, field].map(str::to_owned);
        let history = self.resolution.document.get("components").and_then(|all| all.get(component)?.get(field));
        let history = history.map_or_else(Vec::new, |field| field.history.clone());
        let at = old.at.get(field).copied().unwrap_or(Position::NONE);
        self.write(&path, history, Wrote::Set(value.clone()), &value, (&old.file, at));
        self.kept.push(Kept { component: component.to_owned(), field: field.to_owned(), value });
    }

    /// A name of objects; null takes it away.
    fn name(&mut self, component: &str, keys: &[String], value: Value, old: &Use) {
        let above = ["components", component, "values"].map(str::to_owned);
        let path: Vec<String> = above.into_iter().chain(keys.iter().cloned()).collect();
        let history = self.value(component, keys).map_or_else(Vec::new, |name| name.history.clone());
        let selector = Selector { segments: path.iter().cloned().map(Segment::Key).collect() };
        let field = Selector { segments: selector.segments[2..].to_vec() }.to_string();
        let at = (&old.names_file, Position::NONE);
        if value.is_null() {
            self.write(&path, history, Wrote::Removed, &value, at);
            if let Some(gone) = take(&mut self.resolution.document, &path) {
                self.resolution.removed.push((selector, gone));
            }
        } else {
            self.write(&path, history, Wrote::Set(value.clone()), &value, at);
        }
        self.kept.push(Kept { component: component.to_owned(), field, value });
    }

    fn write(
        &mut self,
        path: &[String],
        mut history: Vec<Origin>,
        wrote: Wrote,
        value: &Value,
        (file, at): (&Arc<str>, Position),
    ) {
        let layers = &mut self.resolution.layers;
        if let Some(hidden) = history.last().and_then(|origin| layers.get_mut(origin.layer)) {
            hidden.wins = hidden.wins.saturating_sub(1);
        }
        let inherited = &mut layers[self.layer];
        inherited.sets += 1;
        inherited.wins += usize::from(!value.is_null());
        history.push(Origin { layer: self.layer, file: file.clone(), at, wrote });
        self.resolution.document.put(path, Traced { history, ..Traced::from_value(value) });
    }
}

/// Takes a value out of a document.
fn take(document: &mut Traced, path: &[String]) -> Option<Traced> {
    let [key, rest @ ..] = path else { return None };
    let TracedValue::Map(entries) = &mut document.value else { return None };
    let index = entries.iter().position(|(name, _)| **name == **key)?;
    if rest.is_empty() { Some(entries.remove(index).1) } else { take(&mut entries[index].1, rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::{Catalog, File, Files},
        resolve::{Options, explain, resolve},
    };

    const FILES: [(&str, &str); 4] = [
        (
            "registry.yaml",
            "kind: ComponentRegistry\ncomponents:\n- name: gpu\n  healthCheck: {assertFile: checks/gpu/health-check.yaml}\n  \
             helm: {defaultRepository: https://new, defaultChart: gpu, defaultVersion: v2.0.0, defaultNamespace: new}\n",
        ),
        (
            "overlays/base.yaml",
            "kind: RecipeMetadata\nmetadata: {name: base}\nspec:\n  componentRefs:\n  - name: gpu\n    manifestFiles: [m]\n    \
             overrides: {fullnameOverride: new, kept: {nameOverride: same}, added: {nameOverride: a, x: 1}}\n",
        ),
        ("overlays/kind.yaml", "kind: RecipeMetadata\nmetadata: {name: kind}\nspec: {criteria: {service: kind}}\n"),
        (
            "checks/gpu/health-check.yaml",
            "kind: Test\n# {namespace: new, x: 1}\n# namespace: newer\n# namespace: new\n",
        ),
    ];

    fn resolution() -> Resolution {
        let mut files = Files::default();
        for (path, text) in FILES.into_iter().chain([("m", "a: 1\n")]) {
            files.insert(path, File::new(0, path, text));
        }
        let criteria = Criteria { service: Some("kind".into()), ..Criteria::default() };
        resolve(&Catalog::new(files).unwrap(), &criteria, None, Options::LENIENT).unwrap()
    }

    fn earlier(change: impl FnOnce(&mut Use)) -> Earlier {
        let used = ComponentRef { name: "gpu".into(), r#type: "Helm".into(), ..ComponentRef::default() };
        let mut old = Use { used, file: "old.yaml".into(), ..Use::default() };
        change(&mut old);
        Earlier { name: "old.yaml".into(), components: [("gpu".to_owned(), old)].into() }
    }

    /// What is kept, as `field=value`.
    #[track_caller]
    fn check(resolution: &mut Resolution, earlier: &Earlier, expected: &[&str]) {
        let kept: Vec<String> =
            keep(resolution, earlier).iter().map(|kept| format!("{}={}", kept.field, kept.value)).collect();
        assert_eq!(kept, expected);
    }

    #[test]
    fn places_and_charts_are_kept_and_versions_are_new() {
        let mut resolution = resolution();
        let old = earlier(|old| {
            (old.used.namespace, old.used.chart) = ("old".into(), "gpu-old".into());
            (old.used.source, old.used.version) = ("https://old".into(), "v1.0.0".into());
            old.at.insert("chart".into(), Position { line: 7, column: 3 });
        });
        let expected = [r#"namespace="old""#, r#"chart="gpu-old""#, r#"source="https://old""#];
        check(&mut resolution, &old, &expected);
        let component = &resolution.recipe.components[0];
        assert_eq!((&*component.version, &*component.namespace, &*component.chart), ("v2.0.0", "old", "gpu-old"));
        let rebound = "kind: Test\n# {namespace: old, x: 1}\n# namespace: newer\n# namespace: old\n";
        assert_eq!(component.health_check_asserts, rebound);
        // The layer that it hides stays in the history.
        let explained = explain::explain(&resolution, &selector::parse("components.gpu.chart").unwrap()).unwrap();
        let text = serde_json::to_string(&explained).unwrap();
        let words = ["registry defaults", "inherit-from", "old.yaml", "gpu-old"];
        let places: Vec<usize> = words.map(|word| text.find(word).expect(word)).to_vec();
        assert!(places[1] < places[0], "the winner comes first: {text}");
        let layer = resolution.layers.last().unwrap();
        assert_eq!((layer.kind, layer.sets, layer.wins), (LayerKind::Inherited, 3, 3));
    }

    #[test]
    fn what_was_not_stated_or_is_the_same_is_not_kept() {
        let mut resolution = resolution();
        let layers = resolution.layers.clone();
        check(&mut resolution, &earlier(|old| old.used.namespace = "new".into()), &[]);
        assert_eq!(resolution.layers, layers, "no layer without a word");
        check(
            &mut resolution,
            &earlier(|old| old.used.manifest_files = vec!["old".into()]),
            &[r#"manifestFiles=["old"]"#],
        );
    }

    #[test]
    fn another_type_keeps_the_namespace_only() {
        let old = earlier(|old| {
            old.used.r#type = "Kustomize".into();
            (old.used.namespace, old.used.source) = ("old".into(), "https://old".into());
            old.names = Some(ObjectNames::new());
        });
        check(&mut resolution(), &old, &[r#"namespace="old""#]);
    }

    #[test]
    fn names_are_kept_where_they_are_known_and_new_ones_taken_away() {
        let mut resolution = resolution();
        let name = |path: &str, name: &str| (path.to_owned(), name.to_owned());
        let names =
            [name("fullnameOverride", "old"), name("kept.nameOverride", "same"), name("deep.nameOverride", "d")];
        let old = earlier(|old| old.names = Some(names.into()));
        let expected =
            ["values.added.nameOverride=null", r#"values.deep.nameOverride="d""#, r#"values.fullnameOverride="old""#];
        check(&mut resolution, &old, &expected);
        let overrides = Value::Object(resolution.recipe.components[0].overrides.clone());
        let expected = serde_json::json!({"fullnameOverride": "old", "kept": {"nameOverride": "same"},
            "added": {"nameOverride": null, "x": 1}, "deep": {"nameOverride": "d"}});
        assert_eq!(overrides, expected);
        let values = resolution.document.get("components").unwrap().get("gpu").unwrap().get("values").unwrap();
        let expected = serde_json::json!({"fullnameOverride": "old", "kept": {"nameOverride": "same"},
            "added": {"x": 1}, "deep": {"nameOverride": "d"}});
        assert_eq!(values.to_value(), expected);
        assert_eq!(resolution.removed.len(), 1);
    }

    #[test]
    fn another_kind_of_cluster_is_refused() {
        let criteria = |service: &str| Criteria { service: Some(service.into()), nodes: 8, ..Criteria::default() };
        let refused = same_cluster(&criteria("eks"), &criteria("kind")).unwrap_err();
        assert_eq!(refused.to_string(), "it is for service=eks, and the recipe is for kind");
        assert_eq!(same_cluster(&Criteria::default(), &criteria("kind")), Ok(()));
    }
}
