//! What a recipe would have had if no overlay had been left out.
//!
//! In: the recipe as the snapshot left it. Out: every value that differs from what the same criteria give without a
//! snapshot. A component or constraint that is gone is one entry, not one for each of its values.

use super::{Options, Resolution, resolve};
use crate::{
    catalog::Catalog,
    diff::{self, Change},
    document::selector::Segment,
    recipe::Recipe,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// One value that went with an overlay that was left out.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Lost {
    /// `components.aws-efa`, `components.gpu-operator.values.driver.version`, `constraints[name=…].value`.
    pub path: String,
    /// What the overlay would have set; for a whole component its version, for a constraint its expression. `None` where it would have left the value out.
    pub wanted: Option<Value>,
    /// What stands there instead; `None` where nothing does.
    pub got: Option<Value>,
}

impl Lost {
    /// The component, where a whole one is gone.
    pub fn component(&self) -> Option<&str> {
        self.path.strip_prefix("components.").filter(|rest| !rest.contains('.'))
    }
}

/// Values of the full answer that `short` lacks, in document order; empty where the full answer cannot be built.
pub fn of(catalog: &Catalog, short: &Resolution, options: Options) -> Vec<Lost> {
    let options = Options { strict: false, ..options };
    let Ok(full) = resolve(catalog, &short.recipe.criteria, None, options) else { return Vec::new() };
    let gone = gone(&full.recipe, &short.recipe);
    let mut told = BTreeSet::new();
    let mut lost = Vec::new();
    // The order follows from the components.
    let changes = diff::recipe::compare(&(&full).into(), &short.into())
        .into_iter()
        .filter(|change| change.path != "deploymentOrder");
    for Change { path, left, right, .. } in changes {
        let below = |(whole, _): &&(String, String)| path.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'));
        match gone.iter().find(below) {
            Some((whole, wanted)) if told.insert(whole) => {
                lost.push(Lost { path: whole.clone(), wanted: Some(wanted.as_str().into()), got: None });
            }
            Some(_) => {}
            None => lost.push(Lost { path, wanted: left, got: right }),
        }
    }
    lost
}

/// Components and constraints that only the full recipe has: path, and version or expression.
fn gone(full: &Recipe, short: &Recipe) -> Vec<(String, String)> {
    let components = full.components.iter().filter(|one| short.components.iter().all(|other| other.name != one.name));
    let constraints =
        full.constraints.iter().filter(|one| short.constraints.iter().all(|other| other.name != one.name));
    let components =
        components.map(|one| (format!("components.{}", Segment::Key(one.name.clone())), one.version.clone()));
    components.chain(constraints.map(|one| (format!("constraints[name={}]", one.name), one.value.clone()))).collect()
}
