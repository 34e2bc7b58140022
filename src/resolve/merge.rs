//! Field rules: how a later layer speaks over earlier ones.
//!
//! In: layers as positioned nodes, in merge order. Out: components, constraints and phases whose every value carries its
//! history. The rules are one table per document part; nothing here knows which overlays were chosen or why.

use super::error::{MixinConflict, ResolveError};
use crate::{
    catalog::{CatalogError, overlay::Spec, parse::Document},
    document::traced::{Origin, Traced, TracedValue, Wrote},
    yaml::{Entry, Kind, Node, Position},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// How one field of a componentRef merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A non-empty text replaces; it cannot be cleared.
    Text,
    /// Mappings merge recursively; anything else replaces, null included.
    Deep,
    /// A non-empty list of texts replaces.
    Replace,
    /// As `Replace`, for resources: kind, name and namespace.
    Resources,
    /// New entries are appended; none can be removed.
    Union,
    /// True sets; it cannot be unset.
    Raise,
}

/// The fields of a componentRef in the order of the recipe file, with their rules.
pub const FIELDS: [(&str, Rule); 18] = [
    ("name", Rule::Text),
    ("namespace", Rule::Text),
    ("chart", Rule::Text),
    ("type", Rule::Text),
    ("source", Rule::Text),
    ("version", Rule::Text),
    ("tag", Rule::Text),
    ("valuesFile", Rule::Text),
    ("overrides", Rule::Deep),
    ("patches", Rule::Replace),
    ("dependencyRefs", Rule::Union),
    ("manifestFiles", Rule::Union),
    ("preManifestFiles", Rule::Union),
    ("path", Rule::Text),
    ("cleanup", Rule::Raise),
    ("expectedResources", Rule::Resources),
    ("healthCheckAsserts", Rule::Text),
    ("healthCheckSkip", Rule::Raise),
];

/// What a mixin may not set on a component that exists already, in the order in which it is complained about; of its
/// overrides only those that the registry opens.
const CLOSED_TO_MIXINS: [&str; 12] = [
    "chart",
    "type",
    "source",
    "version",
    "tag",
    "path",
    "valuesFile",
    "patches",
    "cleanup",
    "expectedResources",
    "healthCheckAsserts",
    "healthCheckSkip",
];

const CONSTRAINT_FIELDS: [&str; 5] = ["name", "value", "severity", "remediation", "unit"];

const RESOURCE_FIELDS: [&str; 3] = ["kind", "name", "namespace"];

/// The phases of a validation block, in the order of the recipe file.
pub const PHASES: [&str; 4] = ["readiness", "deployment", "performance", "conformance"];

/// One componentRef: its fields that are set.
pub type Fields = BTreeMap<&'static str, Traced>;

/// Everything that layers build together.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// By constraint name; each a mapping.
    pub constraints: BTreeMap<String, Traced>,
    pub components: BTreeMap<String, Fields>,
    pub validation: Option<BTreeMap<&'static str, Phase>>,
}

/// One phase of the validation block. `Some(empty)` was cleared by `[]`.
#[derive(Clone, Debug, Default)]
pub struct Phase {
    pub timeout: Option<Traced>,
    /// In order of first mention, by name.
    pub constraints: Vec<(String, Traced)>,
    pub checks: Vec<Traced>,
    /// Who spoke about constraints and checks before `[]` cleared them, and who cleared them.
    pub cleared: Cleared,
    pub node_selection: Option<Traced>,
    pub infrastructure: Option<Traced>,
}

/// What is known of lists that a layer emptied; empty for a list that nobody did.
#[derive(Clone, Debug, Default)]
pub struct Cleared {
    constraints: Vec<Origin>,
    checks: Vec<Origin>,
}

/// The layer that speaks, for the origins of what it says.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'d> {
    pub layer: usize,
    pub document: &'d Document,
}

impl Writer<'_> {
    pub fn origin(&self, at: Position, wrote: Wrote) -> Origin {
        Origin { layer: self.layer, file: self.document.shown.clone(), at, wrote }
    }

    /// A node as this layer's word.
    pub fn trace(&self, node: &Node) -> Traced {
        match &node.kind {
            Kind::Map(entries) if !entries.is_empty() => Traced {
                value: TracedValue::Map(
                    entries.iter().map(|entry| (entry.key.clone(), self.trace(&entry.value))).collect(),
                ),
                history: Vec::new(),
            },
            Kind::Map(_) => Traced { value: TracedValue::Map(Vec::new()), history: vec![self.set(node)] },
            Kind::List(items) => {
                let items = items.iter().map(|item| self.trace(item)).collect();
                Traced { value: TracedValue::List(items), history: vec![self.set(node)] }
            }
            Kind::Null => {
                Traced { value: TracedValue::Scalar(Value::Null), history: vec![self.origin(node.at, Wrote::Removed)] }
            }
            _ => Traced { value: TracedValue::Scalar(node.to_value()), history: vec![self.set(node)] },
        }
    }

    /// A scalar as a text field reads it.
    pub fn text(&self, node: &Node, text: &str) -> Traced {
        let value = Value::from(text);
        Traced { history: vec![self.origin(node.at, Wrote::Set(value.clone()))], value: TracedValue::Scalar(value) }
    }

    /// A node with every scalar as a text field reads it.
    pub fn texts_of(&self, node: &Node) -> Traced {
        let mut traced = self.trace(node);
        match (&mut traced.value, &node.kind) {
            (TracedValue::Map(children), Kind::Map(entries)) => {
                for ((_, child), entry) in children.iter_mut().zip(entries.iter()) {
                    *child = self.texts_of(&entry.value);
                }
            }
            (TracedValue::List(children), Kind::List(items)) => {
                for (child, item) in children.iter_mut().zip(items.iter()) {
                    *child = self.texts_of(item);
                }
            }
            _ => traced = node.text().map_or(traced, |text| self.text(node, text)),
        }
        traced
    }

    /// A field that is a list of texts; `None` when absent or empty.
    fn texts(&self, node: &Node, key: &str) -> Result<Option<Traced>, CatalogError> {
        let Some(list) = self.document.field(node, key) else { return Ok(None) };
        let texts = self.document.texts(node, key)?;
        if texts.is_empty() {
            return Ok(None);
        }
        let items = list.items().iter().zip(texts).map(|(item, text)| self.text(item, &text)).collect();
        Ok(Some(Traced { value: TracedValue::List(items), history: vec![self.set(list)] }))
    }

    /// A mapping's fields that are texts by type, in the given order; others are left out, as the reference does.
    fn text_fields(&self, node: &Node, owner: &str, fields: &[&str]) -> Result<Traced, CatalogError> {
        if !matches!(node.kind, Kind::Map(_)) {
            return Err(self.wrong(node, owner, "a list of mappings"));
        }
        let mut entries = Vec::new();
        for key in fields {
            let text = self.document.text(node, key)?;
            entries.extend(self.document.field(node, key).map(|value| (Arc::from(*key), self.text(value, &text))));
        }
        Ok(Traced { value: TracedValue::Map(entries), history: Vec::new() })
    }

    /// Which nodes a phase may use: labels, how many, and which not.
    fn node_selection(&self, node: &Node) -> Result<Traced, CatalogError> {
        if !matches!(node.kind, Kind::Map(_)) {
            return Err(self.wrong(node, "nodeSelection", "a mapping"));
        }
        let mut entries: Vec<(Arc<str>, Traced)> = Vec::new();
        let labels = self.document.map(node, "selector")?;
        if !labels.is_empty() {
            let label = |entry: &Entry| match entry.value.text() {
                Some(text) => Ok((entry.key.clone(), self.text(&entry.value, text))),
                None => Err(self.wrong(&entry.value, &entry.key, "a string")),
            };
            let labels = labels.iter().map(label).collect::<Result<_, _>>()?;
            entries.push(("selector".into(), Traced { value: TracedValue::Map(labels), history: Vec::new() }));
        }
        if let Some(most) = self.document.field(node, "maxNodes") {
            match &most.kind {
                Kind::Number(number, _) if number.is_i64() => entries.push(("maxNodes".into(), self.trace(most))),
                _ => return Err(self.wrong(most, "maxNodes", "a whole number")),
            }
        }
        entries.extend(self.texts(node, "excludeNodes")?.map(|list| ("excludeNodes".into(), list)));
        let history = if entries.is_empty() { vec![self.set(node)] } else { Vec::new() };
        Ok(Traced { value: TracedValue::Map(entries), history })
    }

    fn set(&self, node: &Node) -> Origin {
        self.origin(node.at, Wrote::Set(node.to_value()))
    }

    fn wrong(&self, node: &Node, key: &str, expected: &'static str) -> CatalogError {
        self.document.wrong(node, key, expected)
    }
}

impl Merged {
    /// Merges one layer over what is there. `first` is the base, in which a repeated component replaces the earlier one.
    ///
    /// # Errors
    /// A field of the wrong shape.
    pub fn add(&mut self, writer: Writer<'_>, spec: &Spec, first: bool) -> Result<(), CatalogError> {
        for node in &spec.constraints {
            let (name, constraint) = read_constraint(writer, node)?;
            match self.constraints.get_mut(&name) {
                Some(known) => replace_constraint(known, constraint),
                None => {
                    self.constraints.insert(name, constraint);
                }
            }
        }
        for node in &spec.components {
            let name = writer.document.text(node, "name")?;
            let fields = self.components.entry(name).or_default();
            if first {
                fields.clear();
            }
            add_component(fields, writer, node)?;
        }
        if let Some(node) = &spec.validation {
            self.add_validation(writer, node)?;
        }
        Ok(())
    }

    /// Applies a mixin: new constraints and components, and small tweaks of components that exist.
    ///
    /// `open` are the override paths that mixins may set on a component that exists, by component.
    ///
    /// # Errors
    /// A constraint that is there already, a component field that mixins may not touch.
    pub fn add_mixin<'o>(
        &mut self,
        writer: Writer<'_>,
        name: &str,
        spec: &Spec,
        open: impl Fn(&str) -> Vec<&'o str>,
    ) -> Result<(), ResolveError> {
        for node in &spec.constraints {
            let constraint = writer.document.text(node, "name").map_err(ResolveError::Catalog)?;
            if self.constraints.contains_key(&constraint) {
                let conflict = MixinConflict::Constraint(constraint);
                return Err(ResolveError::Mixin { mixin: name.to_owned(), conflict });
            }
        }
        for node in &spec.components {
            let component = writer.document.text(node, "name").map_err(ResolveError::Catalog)?;
            if !self.components.contains_key(&component) {
                continue;
            }
            let refuse = |conflict| Err(ResolveError::Mixin { mixin: name.to_owned(), conflict });
            if let Some(field) = CLOSED_TO_MIXINS.into_iter().find(|field| is_stated(node.get(field))) {
                return refuse(MixinConflict::Field { component, field });
            }
            let safe = open(&component);
            if let Some(path) = node.get("overrides").and_then(|overrides| closed(overrides, "", &safe)) {
                return refuse(MixinConflict::Override { component, path });
            }
        }
        self.add(writer, spec, false).map_err(ResolveError::Catalog)
    }

    /// Constraints that a profile adds to the readiness phase; one of a name that is there takes its place.
    ///
    /// # Errors
    /// A field of the wrong shape.
    pub fn add_readiness(&mut self, writer: Writer<'_>, constraints: &[Node]) -> Result<(), CatalogError> {
        if constraints.is_empty() {
            return Ok(());
        }
        let phase = self.validation.get_or_insert_default().entry("readiness").or_default();
        constraints.iter().try_for_each(|node| add_phase_constraint(phase, writer, node))
    }

    fn add_validation(&mut self, writer: Writer<'_>, node: &Node) -> Result<(), CatalogError> {
        if !matches!(node.kind, Kind::Map(_)) {
            return Err(writer.wrong(node, "validation", "a mapping"));
        }
        let phases = self.validation.get_or_insert_default();
        for key in PHASES {
            let Some(node) = writer.document.field(node, key) else { continue };
            if !matches!(node.kind, Kind::Map(_)) {
                return Err(writer.wrong(node, key, "a mapping"));
            }
            add_phase(phases.entry(key).or_default(), writer, node)?;
        }
        Ok(())
    }
}

/// The first path of overrides that is not among the safe ones, nor below one of them.
fn closed(overrides: &Node, above: &str, safe: &[&str]) -> Option<String> {
    overrides.entries().iter().find_map(|entry| {
        let path = if above.is_empty() { entry.key.to_string() } else { format!("{above}.{}", entry.key) };
        if safe.contains(&&*path) {
            return None;
        }
        match &entry.value.kind {
            Kind::Map(entries) if !entries.is_empty() => closed(&entry.value, &path, safe),
            _ => Some(path),
        }
    })
}

fn is_stated(node: Option<&Node>) -> bool {
    match node.map(|node| &node.kind) {
        None | Some(Kind::Null) | Some(Kind::Bool(false, _)) => false,
        Some(Kind::String(text)) => !text.is_empty(),
        Some(Kind::List(items)) => !items.is_empty(),
        Some(Kind::Map(entries)) => !entries.is_empty(),
        Some(_) => true,
    }
}

/// A constraint with its name.
///
/// # Errors
/// A field of the wrong shape.
pub fn read_constraint(writer: Writer<'_>, node: &Node) -> Result<(String, Traced), CatalogError> {
    let mut fields = Vec::new();
    for key in CONSTRAINT_FIELDS {
        let text = writer.document.text(node, key)?;
        if let Some(value) = node.get(key).filter(|_| !text.is_empty() || key == "value") {
            fields.push((Arc::from(key), writer.text(value, &text)));
        }
    }
    let name = writer.document.text(node, "name")?;
    Ok((name, Traced { value: TracedValue::Map(fields), history: Vec::new() }))
}

/// The later constraint wins as a whole; fields of the same name keep what they hid.
pub fn replace_constraint(known: &mut Traced, mut constraint: Traced) {
    if let TracedValue::Map(fields) = &mut constraint.value {
        for (key, field) in fields {
            if let Some(hidden) = known.get(key) {
                field.history.splice(0..0, hidden.history.iter().cloned());
            }
        }
    }
    *known = constraint;
}

fn add_component(fields: &mut Fields, writer: Writer<'_>, node: &Node) -> Result<(), CatalogError> {
    for (key, rule) in FIELDS {
        let Some(value) = writer.document.field(node, key) else { continue };
        match rule {
            Rule::Text => {
                let text = writer.document.text(node, key)?;
                if !text.is_empty() {
                    put(fields, key, writer.text(value, &text));
                }
            }
            Rule::Deep => match (&value.kind, fields.get_mut(key)) {
                (Kind::Map(_), Some(known)) => merge_deep(known, writer, value),
                (Kind::Map(_), None) => {
                    fields.insert(key, writer.trace(value));
                }
                _ => return Err(writer.wrong(value, key, "a mapping")),
            },
            Rule::Replace => {
                if let Some(list) = writer.texts(node, key)? {
                    put(fields, key, list);
                }
            }
            Rule::Resources => {
                let items = writer.document.list(node, key)?.unwrap_or(&[]);
                if !items.is_empty() {
                    let resource = |item: &Node| writer.text_fields(item, key, &RESOURCE_FIELDS);
                    let items = items.iter().map(resource).collect::<Result<_, _>>()?;
                    put(fields, key, Traced { value: TracedValue::List(items), history: vec![writer.set(value)] });
                }
            }
            Rule::Union => {
                writer.document.list(node, key)?;
                let list = fields
                    .entry(key)
                    .or_insert_with(|| Traced { value: TracedValue::List(Vec::new()), history: Vec::new() });
                if let TracedValue::List(items) = &mut list.value {
                    union(items, writer, value.items())?;
                }
            }
            Rule::Raise => {
                if writer.document.flag(node, key)? {
                    let mut raised = writer.trace(value);
                    raised.value = TracedValue::Scalar(Value::Bool(true));
                    put(fields, key, raised);
                }
            }
        }
    }
    Ok(())
}

fn put(fields: &mut Fields, key: &'static str, value: Traced) {
    match fields.get_mut(key) {
        Some(known) => replace(known, value),
        None => {
            fields.insert(key, value);
        }
    }
}

/// The new value over the old one; the old one's origins stay below it.
pub fn replace(known: &mut Traced, mut value: Traced) {
    let mut history = origins_within(known);
    if value.history.is_empty() && !history.is_empty() {
        // A mapping over a scalar: it needs an origin of its own, or the hidden scalar would seem to have won.
        if let Some(origin) = value.origin() {
            let wrote = Wrote::Set(value.to_value());
            history.push(Origin { wrote, ..origin.clone() });
        }
    }
    history.append(&mut value.history);
    value.history = history;
    *known = value;
}

/// The origins of a value; for a mapping, one for each layer that wrote within it.
fn origins_within(value: &Traced) -> Vec<Origin> {
    let mut origins = value.history.clone();
    if let TracedValue::Map(entries) = &value.value {
        let whole = value.to_value();
        for origin in entries.iter().flat_map(|(_, child)| origins_within(child)) {
            if origins.iter().all(|known| known.layer != origin.layer) {
                origins.push(Origin { wrote: Wrote::Set(whole.clone()), ..origin });
            }
        }
        origins.sort_by_key(|origin| origin.layer);
    }
    origins
}

/// As [`merge_deep`], with a value that is traced already.
pub fn lay_over(known: &mut Traced, incoming: Traced) {
    match (&mut known.value, incoming.value) {
        (TracedValue::Map(entries), TracedValue::Map(children)) => {
            for (key, child) in children {
                match entries.iter_mut().find(|(name, _)| *name == key) {
                    Some((_, known)) => lay_over(known, child),
                    None => entries.push((key, child)),
                }
            }
        }
        (_, value) => replace(known, Traced { value, history: incoming.history }),
    }
}

/// Overrides over overrides: mappings recurse, everything else replaces; null is stored.
pub fn merge_deep(known: &mut Traced, writer: Writer<'_>, node: &Node) {
    match (&mut known.value, &node.kind) {
        (TracedValue::Map(entries), Kind::Map(incoming)) => {
            for entry in incoming.iter() {
                match entries.iter_mut().find(|(key, _)| *key == entry.key) {
                    Some((_, child)) => merge_deep(child, writer, &entry.value),
                    None => entries.push((entry.key.clone(), writer.trace(&entry.value))),
                }
            }
        }
        _ => replace(known, writer.trace(node)),
    }
}

/// Values that a later layer took away, each under its path.
pub type Removed = Vec<(Vec<Arc<str>>, Traced)>;

/// Values over values, as hydration does it: null takes a key away, but only where a mapping was there to lose it.
///
/// What was taken away is added to `removed`, its keys below `path`.
pub fn merge_values(known: &mut Traced, incoming: Traced, path: &mut Vec<Arc<str>>, removed: &mut Removed) {
    match (&mut known.value, incoming.value) {
        (TracedValue::Map(entries), TracedValue::Map(children)) => {
            for (key, child) in children {
                let index = entries.iter().position(|(name, _)| *name == key);
                path.push(key);
                match (index, &child.value) {
                    (Some(index), TracedValue::Scalar(Value::Null)) => {
                        let mut old = entries.remove(index).1;
                        replace(&mut old, child);
                        removed.push((path.clone(), old));
                    }
                    (None, TracedValue::Scalar(Value::Null)) => {}
                    (Some(index), _) => merge_values(&mut entries[index].1, child, path, removed),
                    (None, _) => entries.push((path[path.len() - 1].clone(), child)),
                }
                path.pop();
            }
        }
        (_, value) => replace(known, Traced { value, history: incoming.history }),
    }
}

/// Appends what is new; an entry that is there already gains a word.
fn union(items: &mut Vec<Traced>, writer: Writer<'_>, nodes: &[Node]) -> Result<(), CatalogError> {
    for node in nodes {
        let Some(text) = node.text() else { return Err(writer.wrong(node, "element", "a string")) };
        let known = items.iter_mut().find(|item| matches!(&item.value, TracedValue::Scalar(value) if value == text));
        match known {
            Some(item) => item.history.push(writer.origin(node.at, Wrote::Appended)),
            None => items.push(writer.text(node, text)),
        }
    }
    Ok(())
}

fn add_phase(phase: &mut Phase, writer: Writer<'_>, node: &Node) -> Result<(), CatalogError> {
    for (key, slot) in [("timeout", &mut phase.timeout), ("infrastructure", &mut phase.infrastructure)] {
        let text = writer.document.text(node, key)?;
        if let Some(value) = node.get(key).filter(|_| !text.is_empty()) {
            let value = writer.text(value, &text);
            match slot {
                Some(known) => replace(known, value),
                None => *slot = Some(value),
            }
        }
    }
    match writer.document.list(node, "checks")? {
        None => {}
        Some([]) => {
            clear(&mut phase.cleared.checks, std::mem::take(&mut phase.checks), writer, node.get("checks"));
        }
        Some(checks) => union(&mut phase.checks, writer, checks)?,
    }
    match writer.document.list(node, "constraints")? {
        None => {}
        Some([]) => {
            let constraints = std::mem::take(&mut phase.constraints).into_iter().map(|(_, constraint)| constraint);
            clear(&mut phase.cleared.constraints, constraints.collect(), writer, node.get("constraints"));
        }
        Some(constraints) => {
            for node in constraints {
                add_phase_constraint(phase, writer, node)?;
            }
        }
    }
    if let Some(selection) = writer.document.field(node, "nodeSelection") {
        let value = writer.node_selection(selection)?;
        match &mut phase.node_selection {
            Some(known) => replace(known, value),
            None => phase.node_selection = Some(value),
        }
    }
    Ok(())
}

fn add_phase_constraint(phase: &mut Phase, writer: Writer<'_>, node: &Node) -> Result<(), CatalogError> {
    let (name, constraint) = read_constraint(writer, node)?;
    match phase.constraints.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => replace_constraint(known, constraint),
        None => phase.constraints.push((name, constraint)),
    }
    Ok(())
}

/// Keeps what each layer had put into a list, and the word that emptied it. An empty list over nothing says nothing.
fn clear(words: &mut Vec<Origin>, items: Vec<Traced>, writer: Writer<'_>, node: Option<&Node>) {
    let at = node.map_or(Position::NONE, |node| node.at);
    for (item, origin) in
        items.iter().flat_map(|item| origins_within(item).into_iter().map(move |origin| (item, origin)))
    {
        let value = item.to_value();
        match words.iter_mut().find(|word| word.layer == origin.layer) {
            Some(Origin { wrote: Wrote::Set(Value::Array(list)), .. }) => list.push(value),
            _ => words.push(Origin { wrote: Wrote::Set(Value::Array(vec![value])), ..origin }),
        }
    }
    words.sort_by_key(|word| word.layer);
    if !words.is_empty() {
        words.push(writer.origin(at, Wrote::Removed));
    }
}

impl Phase {
    /// The phase with lists that were cleared as empty ones; the recipe leaves those out.
    pub fn to_traced(&self) -> Traced {
        let list = |items: Vec<Traced>, cleared: &[Origin]| {
            let history = if items.is_empty() { cleared.to_vec() } else { Vec::new() };
            let is_written = !items.is_empty() || !history.is_empty();
            is_written.then_some(Traced { value: TracedValue::List(items), history })
        };
        let mut entries: Vec<(Arc<str>, Traced)> = Vec::new();
        let mut push = |key: &str, value: Option<Traced>| entries.extend(value.map(|value| (Arc::from(key), value)));
        push("timeout", self.timeout.clone());
        let constraints: Vec<Traced> = self.constraints.iter().map(|(_, constraint)| constraint.clone()).collect();
        push("constraints", list(constraints, &self.cleared.constraints));
        push("checks", list(self.checks.clone(), &self.cleared.checks));
        push("nodeSelection", self.node_selection.clone());
        push("infrastructure", self.infrastructure.clone());
        Traced { value: TracedValue::Map(entries), history: Vec::new() }
    }
}
