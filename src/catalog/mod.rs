//! The catalog: registry, base, overlays, mixins, values, manifests, health checks and validators, as values.
//!
//! In: [`Files`], the text of every file under its catalog-relative path. Out: a [`Catalog`] whose every value knows the
//! file, line and column that wrote it. Documents are parsed when they are first needed. Reading a folder is
//! `store::catalog_dir`'s work.

pub mod component;
pub mod lint;
pub mod mixin;
pub mod overlay;
pub mod parse;
pub mod validator;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// Catalog files by catalog-relative path; a later source replaces a file of the same path.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub files: BTreeMap<String, File>,
    /// The folders given with `--data`, as typed, lowest first; the embedded catalog is not listed.
    pub sources: Vec<String>,
}

/// One catalog file.
#[derive(Clone, Debug)]
pub struct File {
    pub text: Cow<'static, str>,
    /// 0 for the embedded catalog, n for the n-th `--data` folder.
    pub source: usize,
    /// What messages call it: `catalog/overlays/kind.yaml`, or the path under the `--data` folder as typed.
    pub shown: Arc<str>,
}

/// What stops a catalog from being read: one problem, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogError {
    /// `path:line:column` or `path`.
    pub at: String,
    pub message: String,
    pub hint: Option<String>,
}

impl std::fmt::Display for CatalogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.at)
    }
}
impl std::error::Error for CatalogError {}

/// A readable catalog.
#[derive(Debug)]
pub struct Catalog {
    pub files: Files,
}

impl Catalog {
    pub fn new(files: Files) -> Result<Catalog, CatalogError> {
        let _ = files;
        todo!("core")
    }

    /// Every legal value of a dimension, sorted: built-in ones and those that overlays contribute.
    pub fn criteria_values(&self, dimension: crate::criteria::Dimension) -> Vec<String> {
        let _ = dimension;
        todo!("core")
    }

    /// SHA-256 over all paths and texts, `sha256:…`.
    pub fn digest(&self) -> String {
        todo!("core")
    }

    /// The validator catalog, in execution order.
    pub fn validators(&self) -> Result<Vec<validator::Validator>, CatalogError> {
        todo!("core")
    }
}
