//! The catalog: registry, base, overlays, mixins, values, manifests, health checks and validators, as values.
//!
//! In: [`Files`], the text of every file under its catalog-relative path. Out: a [`Catalog`] whose every value knows the
//! file, line and column that wrote it. Documents are parsed when they are first needed. Reading a folder is
//! `store::catalog_dir`'s work.

pub mod component;
pub mod mixin;
pub mod overlay;
pub mod parse;
pub mod validator;

use crate::{criteria::Dimension, yaml::Kind};
use component::Registry;
use mixin::Mixin;
use overlay::Overlay;
use parse::Document;
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
};

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
    pub registry: Registry,
    pub base: Overlay,
    /// By name; the base is not among them.
    pub overlays: BTreeMap<String, Overlay>,
    pub mixins: BTreeMap<String, Mixin>,
    /// Values files that were asked for.
    values: Mutex<BTreeMap<String, Arc<Document>>>,
    digest: OnceLock<String>,
}

impl Catalog {
    /// Reads registry, base, overlays and mixins; values, manifests, checks and validators when they are asked for.
    ///
    /// A file of a higher source replaces an overlay or mixin of the same name in a lower one, whatever its path.
    ///
    /// # Errors
    /// A document of the wrong shape, a name that stands twice in one source, no base.
    pub fn new(files: Files) -> Result<Catalog, CatalogError> {
        let mut registry = Registry::default();
        let mut base = None;
        let mut overlays: BTreeMap<String, (usize, Overlay)> = BTreeMap::new();
        let mut mixins: BTreeMap<String, (usize, Mixin)> = BTreeMap::new();
        for file in files.stacked(REGISTRY) {
            registry.add(&Document::parse(&file.shown, &file.text)?)?;
        }
        let layers: Vec<(&String, &File)> =
            files.files.iter().filter(|(path, _)| !matches!(role(path), Role::Other)).collect();
        for ((path, file), document) in layers.iter().zip(parse(&layers)) {
            match role(path) {
                Role::Mixin => {
                    let mixin = Mixin::read(path, document?)?;
                    let at = mixin.document.root.at;
                    keep(&mut mixins, mixin.name.clone(), file.source, mixin, |other| {
                        format!("{}:{at}", other.document.shown)
                    })?;
                }
                Role::Overlay => {
                    let Some(overlay) = Overlay::read(path, document?)? else { continue };
                    if *path == "overlays/base.yaml" {
                        base = Some(overlay);
                        continue;
                    }
                    if overlay.name == overlay::BASE {
                        return Err(CatalogError {
                            at: format!("{}:{}", file.shown, overlay.document.root.at),
                            message: "the name `base` belongs to `overlays/base.yaml`".to_owned(),
                            hint: Some(
                                "name the overlay otherwise, or put the file there to replace the base".to_owned(),
                            ),
                        });
                    }
                    let at = overlay.document.root.at;
                    keep(&mut overlays, overlay.name.clone(), file.source, overlay, |other| {
                        format!("{}:{at}", other.document.shown)
                    })?;
                }
                Role::Other => {}
            }
        }
        let base = base.ok_or_else(|| CatalogError {
            at: "overlays/base.yaml".to_owned(),
            message: "the catalog has no base".to_owned(),
            hint: Some("every catalog needs `overlays/base.yaml` of kind RecipeMetadata".to_owned()),
        })?;
        let strip = |(name, (_, value))| (name, value);
        let overlays = overlays.into_iter().map(strip).collect();
        let mixins = mixins.into_iter().map(|(name, (_, value))| (name, value)).collect();
        let (values, digest) = (Mutex::default(), OnceLock::new());
        Ok(Catalog { files, registry, base, overlays, mixins, values, digest })
    }

    /// The base, or an overlay by name.
    pub fn overlay(&self, name: &str) -> Option<&Overlay> {
        if name == overlay::BASE { Some(&self.base) } else { self.overlays.get(name) }
    }

    /// Every legal value of a dimension, sorted: built-in ones and those that overlays contribute.
    pub fn criteria_values(&self, dimension: Dimension) -> Vec<String> {
        let mut values: BTreeSet<String> =
            crate::criteria::built_in(dimension).iter().map(|value| value.to_string()).collect();
        if dimension != Dimension::Nodes {
            let criteria = self.overlays.values().filter_map(|overlay| overlay.criteria.as_ref());
            values.extend(criteria.filter_map(|criteria| criteria.get(dimension)));
        }
        values.into_iter().collect()
    }

    /// As [`Catalog::criteria_values`], without what only `--data` folders contribute.
    pub fn embedded_criteria_values(&self, dimension: Dimension) -> Vec<String> {
        let is_embedded = |overlay: &&Overlay| self.files.files.get(&overlay.path).is_some_and(|file| file.source == 0);
        let criteria = self.overlays.values().filter(is_embedded).filter_map(|overlay| overlay.criteria.as_ref());
        let contributed = criteria.filter_map(|criteria| criteria.get(dimension));
        let built_in = crate::criteria::built_in(dimension).iter().map(|value| value.to_string());
        built_in.chain(contributed).collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// A catalog file's text by catalog-relative path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.files.get(path).map(|file| &*file.text)
    }

    /// A parsed values file; `None` when there is no such file.
    ///
    /// # Errors
    /// Not YAML, or not a mapping.
    pub fn values(&self, path: &str) -> Result<Option<Arc<Document>>, CatalogError> {
        let Some(file) = self.files.files.get(path) else { return Ok(None) };
        let mut values = self.values.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = values.get(path) {
            return Ok(Some(known.clone()));
        }
        let document = Document::parse(&file.shown, &file.text)?;
        if !matches!(document.root.kind, Kind::Map(_) | Kind::Null) {
            let found = document.root.kind_name();
            return Err(document.error(document.root.at, format!("a values file must be a mapping, found {found}")));
        }
        let document = Arc::new(document);
        values.insert(path.to_owned(), document.clone());
        Ok(Some(document))
    }

    /// SHA-256 over all paths and texts in path order, `sha256:…`.
    pub fn digest(&self) -> String {
        let digest = || {
            let mut hash = Sha256::new();
            for (path, file) in &self.files.files {
                for part in [path.as_str(), &file.text] {
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part.as_bytes());
                }
            }
            hash.finalize().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
        };
        self.digest.get_or_init(digest).clone()
    }

    /// The validator catalog, in execution order; empty when the catalog has none.
    ///
    /// # Errors
    /// An entry of the wrong shape.
    pub fn validators(&self) -> Result<Vec<validator::Validator>, CatalogError> {
        let mut validators = Vec::new();
        for file in self.files.stacked(VALIDATORS) {
            validator::read(&mut validators, &Document::parse(&file.shown, &file.text)?)?;
        }
        Ok(validators)
    }
}

/// Parses documents, in the order in which they are given.
///
/// Four threads share the work: parsing a hundred overlays is most of what resolving one recipe costs.
fn parse(files: &[(&String, &File)]) -> Vec<Result<Document, CatalogError>> {
    let parse = |files: &[(&String, &File)]| -> Vec<_> {
        files.iter().map(|(_, file)| Document::parse(&file.shown, &file.text)).collect()
    };
    let mut shares = files.chunks(files.len().div_ceil(4).max(16));
    let own = shares.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = shares.map(|share| (share, scope.spawn(move || parse(share)))).collect();
        let mut documents = parse(own);
        for (share, other) in others {
            // A thread that died of a panic is done again here, where the panic has its usual way out.
            documents.extend(other.join().unwrap_or_else(|_| parse(share)));
        }
        documents
    })
}

const REGISTRY: &str = "registry.yaml";
const VALIDATORS: &str = "validators/catalog.yaml";

impl Files {
    /// Adds a file of a source; of files that merge by entry (registry, validators) every source's text is kept.
    pub fn insert(&mut self, path: &str, file: File) {
        if (path == REGISTRY || path == VALIDATORS)
            && let Some(lower) = self.files.get(path)
            && lower.source != file.source
        {
            self.files.insert(format!("{path}\0{}", lower.source), lower.clone());
        }
        self.files.insert(path.to_owned(), file);
    }

    /// All versions of a file that merges by entry, lowest source first.
    fn stacked<'f>(&'f self, path: &'static str) -> impl Iterator<Item = &'f File> {
        let mut files: Vec<&File> =
            self.files.iter().filter(|(key, _)| key.split('\0').next() == Some(path)).map(|(_, file)| file).collect();
        files.sort_by_key(|file| file.source);
        files.into_iter()
    }
}

/// Whether a file can be part of a catalog, by its catalog-relative path: YAML, and what components and checks bring.
pub fn is_catalog_file(path: &str) -> bool {
    [".yaml", ".yml"].iter().any(|ending| path.ends_with(ending))
        || ["components/", "checks/"].iter().any(|folder| path.starts_with(folder))
}

/// What a file is, by its path.
enum Role {
    Mixin,
    Overlay,
    /// Registry, values, manifests, checks, validators, documentation.
    Other,
}

fn role(path: &str) -> Role {
    let other = ["components/", "checks/", "validators/"];
    if !path.ends_with(".yaml") || other.iter().any(|folder| path.starts_with(folder)) || path == REGISTRY {
        Role::Other
    } else if path.starts_with("mixins/") {
        Role::Mixin
    } else {
        Role::Overlay
    }
}

/// Keeps the document of the highest source; two of one name in one source are an error.
fn keep<T>(
    known: &mut BTreeMap<String, (usize, T)>,
    name: String,
    source: usize,
    value: T,
    place: impl Fn(&T) -> String,
) -> Result<(), CatalogError> {
    match known.get(&name) {
        Some((other, first)) if *other == source => Err(CatalogError {
            at: place(&value),
            message: format!("the name `{name}` is taken, first by {}", place(first)),
            hint: Some("give one of them another `metadata.name`".to_owned()),
        }),
        Some((other, _)) if *other > source => Ok(()),
        _ => {
            known.insert(name, (source, value));
            Ok(())
        }
    }
}
