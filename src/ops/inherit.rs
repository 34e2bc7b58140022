//! Keep in a new recipe what identifies the objects of an earlier recipe, a bundle, or a live cluster.

use super::{
    Failure, Kind,
    config::Applied,
    place::{self, Place},
    recipe::{self, Resolved},
    session::Session,
    upgrade::{
        self, Source,
        installed::{self, Live},
    },
};
use crate::{
    catalog::{Catalog, parse::Document},
    criteria::Query,
    inventory::Inventory,
    resolve::{Options, Resolution},
    upgrade::{
        inherit::{self, Earlier, Use},
        report::Component,
    },
    yaml::{Node, Position},
};
use serde_json::json;
use std::{collections::BTreeMap, path::Path, sync::Arc};

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

/// What may be asked for: a recipe file, a bundle folder, or a live cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// As a person wrote it; `cluster` is the cluster.
    pub place: String,
    /// What the cluster is called.
    pub cluster: String,
    /// The cluster is a saved snapshot, which has no connection.
    pub is_saved: bool,
    /// Why the cluster is not asked: the session may be with another one already.
    pub refused: Option<String>,
}

/// What a recipe depends on beside the catalog, the criteria and the cluster.
#[derive(Clone, Debug, Default)]
pub struct Basis {
    /// What of an earlier installation is kept.
    pub inherit: Option<Wanted>,
    /// What was taken from a configuration, which the recipe names.
    pub configuration: Option<Arc<Applied>>,
}

/// Resolves on what is shown of a cluster: a recipe for every query that has one, with what is to be kept of what is
/// installed.
///
/// # Errors
/// As [`recipe::resolve`], [`from_place`] and [`from_cluster`].
pub async fn resolve(
    catalog: &Catalog,
    query: &Query,
    (session, inventory): (&Session, Option<&Inventory>),
    basis: &Basis,
) -> Result<Resolution, Failure> {
    let mut resolved = recipe::resolve(catalog, query, inventory, Options::LENIENT)?;
    if let Some(wanted) = &basis.inherit {
        apply(catalog, wanted, (session, inventory), &mut resolved).await?;
    }
    if let Some(applied) = &basis.configuration {
        applied.stamp(&mut resolved.resolution.recipe);
    }
    Ok(resolved.resolution)
}

async fn apply(
    catalog: &Catalog,
    wanted: &Wanted,
    (session, inventory): (&Session, Option<&Inventory>),
    resolved: &mut Resolved,
) -> Result<(), Failure> {
    let found = if wanted.place == "cluster" {
        let unread = || Failure::new(Kind::NotFound, DOING, "the cluster is not read yet");
        let inventory = inventory.ok_or_else(unread)?;
        if let Some(because) = &wanted.refused {
            return Err(Failure::new(Kind::Usage, DOING, because).hint("ask again when the other cluster is shown"));
        }
        let connection = if wanted.is_saved { None } else { Some(session.connection().await?) };
        let live = Live { connection: connection.as_ref(), name: &wanted.cluster, inventory };
        from_cluster(catalog, live, resolved).await?
    } else {
        from_place(catalog, &wanted.place, resolved)?
    };
    keep(resolved, &found);
    Ok(())
}

/// Keeps it; the recipe says so under `aicr.inherited`, and why names of objects are not among it.
pub fn keep(resolved: &mut Resolved, found: &Found) {
    let kept = inherit::keep(&mut resolved.resolution, &found.earlier);
    let extra = &mut resolved.resolution.recipe.extra;
    if extra.is_null() {
        *extra = json!({});
    }
    extra["inherited"] = json!({"from": found.earlier.name, "kept": kept});
    if let Some(why) = &found.unknown {
        extra["inherited"]["namesUnknown"] = json!(why);
    }
}
