//! Lint catalogs, and say which overlays fit a cluster.

use super::Failure;
use crate::{
    catalog::Catalog,
    criteria::Criteria,
    inventory::Inventory,
    lint::{self, Finding},
    resolve::fit::{self, Fit},
    store::catalog_dir::{self, Sources},
};
use std::path::Path;

/// Findings of a folder, or of the catalog that `sources` make.
///
/// A folder without a base of its own is read over the catalog of `sources`; only what stands in the folder is told then.
///
/// # Errors
/// A folder that cannot be read.
pub fn lint(folder: Option<&Path>, sources: &Sources) -> Result<Vec<Finding>, Failure> {
    let failed = super::recipe::folder_failure;
    let Some(folder) = folder else {
        return Ok(lint::lint(&catalog_dir::load(sources).map_err(failed)?));
    };
    let alone = catalog_dir::alone(folder).map_err(failed)?;
    if alone.get("overlays/base.yaml").is_some() {
        return Ok(lint::lint(&alone));
    }
    let over = Sources { catalog: sources.catalog.clone(), data: vec![folder.to_path_buf()] };
    let layered = catalog_dir::load(&over).map_err(failed)?;
    let own: Vec<String> = alone.iter().map(|(_, file)| file.shown.to_string()).collect();
    let mut findings = lint::lint(&layered);
    findings.retain(|finding| own.contains(&finding.file));
    Ok(findings)
}

/// The overlays that neither a cluster nor what a person stated contradicts, best first.
///
/// # Errors
/// An overlay whose chain cannot be followed.
pub fn fits<'c>(catalog: &'c Catalog, stated: &Criteria, snapshot: &Inventory) -> Result<Vec<Fit<'c>>, Failure> {
    fit::fits(catalog, stated, snapshot)
        .map_err(|error| super::recipe::resolve_failure(format!("look for what fits {stated}"), error))
}
