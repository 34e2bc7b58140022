//! What the demo's Helm releases were installed with: what a bundle of the catalog's recipe for the demo gives them, and one
//! value that somebody changed by hand since.

use crate::{
    bundle,
    catalog::Catalog,
    criteria::Criteria,
    resolve::{self, Options},
    store::catalog_dir,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, error::Error, sync::LazyLock};

/// The same for every demo of a process.
static VALUES: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    // The embedded catalog is read by its own tests; without it the demo has releases without values.
    read().unwrap_or_default()
});

/// The `config` of a release; empty for one of no component.
pub fn of(release: &str) -> Value {
    VALUES.get(release).cloned().unwrap_or_else(|| json!({}))
}

fn read() -> Result<BTreeMap<String, Value>, Box<dyn Error>> {
    let catalog = Catalog::new(catalog_dir::load(&[])?)?;
    let criteria = Criteria { service: Some("kind".into()), accelerator: Some("a100".into()), ..Criteria::default() };
    let Ok(resolution) = resolve::resolve(&catalog, &criteria, None, Options::default()) else {
        return Ok(BTreeMap::new());
    };
    let recipe = &resolution.recipe;
    let values = recipe.components.iter().filter_map(|component| {
        let bundled = bundle::values::of(&catalog, recipe, component).ok()?;
        Some((component.name.clone(), bundled.values))
    });
    let mut values: BTreeMap<String, Value> = values.collect();
    if let Some(operator) = values.get_mut("gpu-operator") {
        operator["driver"]["version"] = "570.195.03".into();
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_component_of_the_recipe_has_its_values_and_one_was_changed() {
        assert!(super::read().is_ok_and(|values| values.len() >= 12));
        assert_eq!(super::of("gpu-operator")["driver"]["version"], "570.195.03");
    }
}
