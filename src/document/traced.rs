//! Values that know who wrote them.

use crate::yaml::Position;
use std::sync::Arc;

/// Who may write a value. The order of kinds is the order of precedence, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerKind {
    /// `registry.yaml` fills what nobody set.
    RegistryDefault,
    /// A component's `values.yaml` or the named values file.
    ValuesFile,
    Base,
    Overlay,
    Mixin,
    /// A typed setting of the recipe, decided or by default.
    Configuration,
    /// A value of the profile that an overlay declares.
    Profile,
    /// What a person sets over the recipe.
    CommandLine,
    /// Computed by the resolver (deployment order, embedded health checks).
    Derived,
    /// What was installed before, and is kept because it identifies objects.
    Inherited,
    /// A recipe that was read instead of resolved: whatever the catalog would not write now.
    RecipeFile,
    /// What a cluster runs.
    Cluster,
}

/// One participant of a resolution.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Layer {
    pub kind: LayerKind,
    /// `base`, `kind`, `os-ubuntu`, `components/gpu-operator/values.yaml`.
    pub name: String,
    pub file: String,
    /// Criteria of an overlay as text; empty for other kinds.
    pub criteria: String,
    /// Values that this layer wrote, and those of them that nobody hid.
    pub sets: usize,
    pub wins: usize,
}

impl LayerKind {
    /// Whether it is one of the layers that are stacked on each other, each over the whole recipe.
    pub fn is_stacked(self) -> bool {
        matches!(
            self,
            LayerKind::Base
                | LayerKind::Overlay
                | LayerKind::Mixin
                | LayerKind::Configuration
                | LayerKind::Profile
                | LayerKind::CommandLine
        )
    }

    /// What kind it is, where its name does not say so.
    pub fn note(self) -> &'static str {
        match self {
            LayerKind::Mixin => " (mixin)",
            LayerKind::Configuration => " (setting)",
            LayerKind::Profile => " (profile)",
            _ => "",
        }
    }
}

impl Layer {
    /// A layer that has not written anything yet.
    pub fn new(kind: LayerKind, name: &str, file: &str, criteria: &str) -> Layer {
        Layer { kind, name: name.to_owned(), file: file.to_owned(), criteria: criteria.to_owned(), sets: 0, wins: 0 }
    }
}

/// One layer's word on one value.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Origin {
    /// Index into `Resolution::layers`.
    pub layer: usize,
    /// File as shown in messages.
    pub file: Arc<str>,
    pub at: Position,
    pub wrote: Wrote,
}

/// What a layer did to a value.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrote {
    Set(serde_json::Value),
    /// Appended or re-stated an element of a list that layers build together.
    Appended,
    /// `null` or `[]` that took a value away.
    Removed,
}

/// A value and every layer that spoke about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    pub value: TracedValue,
    /// Lowest to highest precedence; the last one won. Empty only for a map whose children come from several layers.
    pub history: Vec<Origin>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TracedValue {
    /// Null, bool, number or string.
    Scalar(serde_json::Value),
    List(Vec<Traced>),
    /// In source order of the lowest layer, later additions behind.
    Map(Vec<(Arc<str>, Traced)>),
}

impl Traced {
    /// The winning origin; for a map, that of its first child.
    pub fn origin(&self) -> Option<&Origin> {
        self.history.last().or_else(|| match &self.value {
            TracedValue::Map(entries) => entries.first().and_then(|(_, child)| child.origin()),
            TracedValue::List(items) => items.first().and_then(Traced::origin),
            TracedValue::Scalar(_) => None,
        })
    }

    /// A value that no layer wrote: an empty source, a name taken as chart.
    pub fn unwritten(value: serde_json::Value) -> Traced {
        Traced { value: TracedValue::Scalar(value), history: Vec::new() }
    }

    /// A whole value that no known layer wrote: one that was read from a recipe file.
    pub fn from_value(value: &serde_json::Value) -> Traced {
        let value = match value {
            serde_json::Value::Object(map) => TracedValue::Map(
                map.iter().map(|(key, child)| (Arc::from(key.as_str()), Traced::from_value(child))).collect(),
            ),
            serde_json::Value::Array(items) => TracedValue::List(items.iter().map(Traced::from_value).collect()),
            scalar => TracedValue::Scalar(scalar.clone()),
        };
        Traced { value, history: Vec::new() }
    }

    /// A string scalar.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            TracedValue::Scalar(serde_json::Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The child under a key of a map.
    pub fn get(&self, key: &str) -> Option<&Traced> {
        let TracedValue::Map(entries) = &self.value else { return None };
        entries.iter().find(|(name, _)| &**name == key).map(|(_, child)| child)
    }

    /// Writes a value at a path of keys, with mappings on the way where something else is.
    pub fn put(&mut self, path: &[String], value: Traced) {
        let [key, rest @ ..] = path else {
            *self = value;
            return;
        };
        if !matches!(self.value, TracedValue::Map(_)) {
            self.value = TracedValue::Map(Vec::new());
        }
        let TracedValue::Map(entries) = &mut self.value else { return };
        let index = entries.iter().position(|(name, _)| **name == **key).unwrap_or_else(|| {
            entries.push((Arc::from(key.as_str()), Traced::unwritten(serde_json::Value::Null)));
            entries.len() - 1
        });
        // A mapping with children has no history of its own.
        self.history.clear();
        entries[index].1.put(rest, value);
    }

    /// The value without its history.
    pub fn to_value(&self) -> serde_json::Value {
        match &self.value {
            TracedValue::Scalar(value) => value.clone(),
            TracedValue::List(items) => items.iter().map(Traced::to_value).collect(),
            TracedValue::Map(entries) => serde_json::Value::Object(
                entries.iter().map(|(key, child)| (key.to_string(), child.to_value())).collect(),
            ),
        }
    }
}
