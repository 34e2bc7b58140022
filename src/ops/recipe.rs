//! Resolve, query, explain: load the catalog, resolve, answer. (core)

use super::Failure;
use crate::{
    catalog::Catalog,
    criteria::Criteria,
    resolve::{Options, Resolution},
    snapshot::Snapshot,
};
use std::{path::PathBuf, sync::Arc};

/// The catalog with `--data` folders layered over it.
pub fn load_catalog(data: &[PathBuf]) -> Result<Arc<Catalog>, Failure> {
    let _ = data;
    todo!("core")
}

/// Resolves; errors become failures with file:line and hint.
pub fn resolve(
    catalog: &Catalog,
    criteria: &Criteria,
    snapshot: Option<&Snapshot>,
    options: Options,
) -> Result<Resolution, Failure> {
    let _ = (catalog, criteria, snapshot, options);
    todo!("core")
}
