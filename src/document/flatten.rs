//! A document by paths.
//!
//! List elements that have a name go by it (`constraints[name=K8s.server.version].value`); any other list is one leaf.

use super::{
    selector::Segment,
    traced::{Traced, TracedValue},
};

/// The leaves of a document.
#[derive(Debug, Default)]
pub struct Flat<'d> {
    /// In document order.
    pub leaves: Vec<(String, &'d Traced)>,
    /// Lists whose elements have names; these stand among the leaves.
    pub lists: Vec<(String, &'d Traced)>,
    /// Maps whose entries stand among the leaves.
    pub maps: Vec<(String, &'d Traced)>,
}

/// The leaves under the keys of a document's top, without those that the caller leaves out.
pub fn flatten<'d>(document: &'d Traced, without: &[&str]) -> Flat<'d> {
    let mut flat = Flat::default();
    if let TracedValue::Map(entries) = &document.value {
        for (key, child) in entries.iter().filter(|(key, _)| !without.contains(&&**key)) {
            add(key.to_string(), child, &mut flat);
        }
    }
    flat
}

fn add<'d>(path: String, value: &'d Traced, flat: &mut Flat<'d>) {
    match &value.value {
        TracedValue::Map(entries) if !entries.is_empty() => {
            flat.maps.push((path.clone(), value));
            for (key, child) in entries {
                add(format!("{path}.{}", Segment::Key(key.to_string())), child, flat);
            }
        }
        TracedValue::List(items) if !items.is_empty() && items.iter().all(|item| name(item).is_some()) => {
            flat.lists.push((path.clone(), value));
            for item in items {
                let name = name(item).unwrap_or_default();
                add(format!("{path}[name={name}]"), item, flat);
            }
        }
        _ => flat.leaves.push((path, value)),
    }
}

/// What an element of a list is known by.
pub fn name(item: &Traced) -> Option<&str> {
    item.get("name").and_then(Traced::as_text)
}
