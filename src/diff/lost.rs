//! What a recipe would have had if no overlay had been left out.
//!
//! In: the recipe as a snapshot left it, and the one that the same criteria give without a snapshot. Out: every value
//! that differs. A component or constraint that is missing is one entry, not one for each of its values.

use super::Change;
use crate::document::{
    selector::Segment,
    side::Side,
    traced::{Traced, TracedValue},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One value that an excluded overlay would have set.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Lost {
    /// `components.aws-efa`, `components.gpu-operator.values.driver.version`, `constraints[name=…].value`.
    pub path: String,
    /// What the overlay would have set; for a whole component its version, for a constraint its expression. `None` where
    /// it would have left the value out.
    pub wanted: Option<Value>,
    /// What the recipe has instead; `None` where it has nothing.
    pub got: Option<Value>,
}

impl Lost {
    /// The component, where a whole one is missing.
    pub fn component(&self) -> Option<&str> {
        self.path.strip_prefix("components.").filter(|rest| !rest.contains('.'))
    }
}

/// Values of the full recipe that the short one lacks, in document order.
pub fn of(full: &Side, short: &Side) -> Vec<Lost> {
    let there = parts(short);
    let missing: BTreeMap<String, &str> =
        parts(full).into_iter().filter(|(path, _)| !there.contains_key(path)).collect();
    let mut reported = BTreeSet::new();
    let mut lost = Vec::new();
    // The order follows from the components.
    let changes = super::recipe::compare(full, short).into_iter().filter(|change| change.path != "deploymentOrder");
    for Change { path, left, right, .. } in changes {
        let inside =
            |(whole, _): &(&String, &&str)| path.strip_prefix(*whole).is_some_and(|rest| rest.starts_with('.'));
        match missing.iter().find(inside) {
            Some((whole, wanted)) if reported.insert(whole) => {
                lost.push(Lost { path: whole.clone(), wanted: Some((*wanted).into()), got: None });
            }
            Some(_) => {}
            None => lost.push(Lost { path, wanted: left, got: right }),
        }
    }
    lost
}

/// Components with their version and constraints with their expression, by path.
fn parts(side: &Side) -> BTreeMap<String, &str> {
    fn text<'p>(part: &'p Traced, key: &str) -> &'p str {
        part.get(key).and_then(Traced::as_text).unwrap_or_default()
    }
    let children = |key: &str| side.document.get(key).map(|list| &list.value);
    let mut parts = BTreeMap::new();
    if let Some(TracedValue::Map(components)) = children("components") {
        let path = |name: &str| format!("components.{}", Segment::Key(name.to_owned()));
        parts.extend(components.iter().map(|(name, component)| (path(name), text(component, "version"))));
    }
    if let Some(TracedValue::List(constraints)) = children("constraints") {
        let path = |constraint| format!("constraints[name={}]", text(constraint, "name"));
        parts.extend(constraints.iter().map(|constraint| (path(constraint), text(constraint, "value"))));
    }
    parts
}
