//! Builds the Kustomize components of a recipe, so that a bundle has them as manifests.

use super::{Failure, Kind};
use crate::{
    bundle::{
        flags::Flags,
        settle,
        supplied::{self, Manifests},
    },
    catalog::Catalog,
    cluster::kustomize::{self, KustomizeError},
    recipe::Recipe,
};
use std::path::Path;

/// The objects of every Kustomize component that is in the bundle, by its name; a path without a source is below `from`.
///
/// # Errors
/// A source that is not one, no program to build it with, what that says.
pub async fn build(catalog: &Catalog, recipe: &Recipe, flags: &Flags, from: &Path) -> Result<Manifests, Failure> {
    let mut built = Manifests::new();
    // What is wrong with flags is said by the plan.
    let Ok((kept, _)) = settle::settle(catalog, recipe, flags) else { return Ok(built) };
    for component in kept.components.iter().filter(|component| component.r#type == supplied::KUSTOMIZE) {
        let doing = format!("build the Kustomize component `{}`", component.name);
        let advised = |failure: Failure, hint: &str| {
            failure.hint(format!("{hint}, or leave it out with --set {}:enabled=false", component.name))
        };
        let target = supplied::kustomization(component)
            .map_err(|error| advised(Failure::from_error(Kind::Usage, &doing, error), "correct the recipe"))?;
        let text = kustomize::build(&target, from).await.map_err(|error| {
            let (kind, hint) = match &error {
                KustomizeError::NotInPath => (Kind::NotFound, "install kustomize or kubectl"),
                KustomizeError::Slow(_) => (Kind::Timeout, "try again"),
                _ => (Kind::Usage, "correct its source, path or tag in the recipe"),
            };
            advised(Failure::from_error(kind, &doing, error).at(&target), hint)
        })?;
        let objects = supplied::objects(&text).map_err(|error| {
            advised(Failure::from_error(Kind::Usage, &doing, error).at(&target), "correct the kustomization")
        })?;
        built.insert(component.name.clone(), objects.into());
    }
    Ok(built)
}
