//! Keep in a new recipe what identifies the objects of an earlier recipe, a bundle, or a live cluster.

use super::{
    Failure, Kind,
    place::{self, Place},
    recipe::Resolved,
    upgrade::{
        self, Source,
        installed::{self, Live},
    },
};
use crate::{
    catalog::{Catalog, parse::Document},
    upgrade::{
        inherit::{self, Earlier, Use},
        report::Component,
    },
    yaml::{Node, Position},
};
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

const DOING: &str = "keep what is installed";

/// An earlier installation, and what of it is not known.
#[derive(Clone, Debug)]
pub struct Found {
    earlier: Earlier,
    /// Why names stay those of the new recipe.
    pub unknown: Option<String>,
}

/// A recipe file, or a folder that a bundle was written to.
///
/// # Errors
/// `Usage` for what is neither, and for an installation on another kind of cluster than the recipe's.
pub fn from_place(catalog: &Catalog, place: &str, resolved: &Resolved) -> Result<Found, Failure> {
    let refuse = |because: &str, hint: &str| Err(Failure::new(Kind::Usage, DOING, because).at(place).hint(hint));
    if place.starts_with("cm://") {
        return refuse("a ConfigMap cannot be inherited from", "give a recipe file, a bundle folder, or `cluster`");
    }
    let path = Path::new(place);
    if !path.exists() {
        return refuse("it does not exist", "give a recipe file, a bundle folder, or `cluster`");
    }
    let usage = |failure: Failure| Failure { kind: Kind::Usage, ..failure };
    let (source, file) = if path.is_dir() {
        (upgrade::from_bundle(catalog, path).map_err(usage)?, path.join("recipe.yaml"))
    } else {
        let text = place::read_local(&Place::File(path.to_owned()), "recipe")?;
        (upgrade::from_recipe(catalog, place, &text)?, path.to_owned())
    };
    inherit::same_cluster(&source.recipe.criteria, &resolved.resolution.recipe.criteria)
        .map_err(|error| Failure::from_error(Kind::Usage, DOING, error).at(place))?;
    let shown = file.display().to_string();
    let text = place::read_local(&Place::File(file), "recipe")?;
    let at = positions(&shown, &text);
    let components = source.components.iter().filter_map(|component| {
        let mut used = of(component, &shown)?;
        used.at = at.get(&component.name).cloned().unwrap_or_default();
        if let Some(file) = source.names_files.get(&component.name) {
            used.names_file = file.as_str().into();
        }
        Some((component.name.clone(), used))
    });
    let earlier = Earlier { name: place.to_owned(), components: components.collect() };
    Ok(Found { earlier, unknown: source.names_skipped.clone() })
}

/// What a live cluster has installed of the recipe's components.
///
/// # Errors
/// Releases that may not be listed.
pub async fn from_cluster(catalog: &Catalog, live: Live<'_>, resolved: &Resolved) -> Result<Found, Failure> {
    let target: Source = upgrade::from_resolution("the recipe", &resolved.resolution);
    let (deployer, _) = installed::deployer(live, &target).await;
    let found = installed::installed(catalog, live, &target, deployer).await?;
    let file = format!("cluster {}", live.name);
    let components =
        found.components.iter().filter_map(|component| Some((component.name.clone(), of(component, &file)?)));
    let unknown = found.unknown().map(str::to_owned);
    Ok(Found { earlier: Earlier { name: file.clone(), components: components.collect() }, unknown })
}

fn of(component: &Component, file: &str) -> Option<Use> {
    let names = component.object_names.clone();
    let used = component.used.clone()?;
    Some(Use { used, names, file: file.into(), names_file: file.into(), at: BTreeMap::new() })
}

/// Where a recipe file says what, by component and field.
fn positions(shown: &str, text: &str) -> BTreeMap<String, BTreeMap<String, Position>> {
    let Ok(document) = Document::parse(&shown.into(), text) else { return BTreeMap::new() };
    let components = document.root.get("componentRefs").map_or(&[][..], Node::items);
    let fields = |node: &Node| node.entries().iter().map(|entry| (entry.key.to_string(), entry.value.at)).collect();
    let named = |node: &Node| Some((node.get("name")?.text()?.to_owned(), fields(node)));
    components.iter().filter_map(named).collect()
}

/// Keeps it; the recipe says so under `aicr.inherited`.
pub fn keep(resolved: &mut Resolved, found: &Found) {
    let kept = inherit::keep(&mut resolved.resolution, &found.earlier);
    let extra = &mut resolved.resolution.recipe.extra;
    if extra.is_null() {
        *extra = json!({});
    }
    extra["inherited"] = json!({"from": found.earlier.name, "kept": kept});
}
