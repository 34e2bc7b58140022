//! The catalog: registry, base, overlays, mixins, values, manifests, health checks and validators, as values.
//!
//! In: [`Files`], the text of every file under its catalog-relative path. Out: a [`Catalog`] whose every value knows the
//! file, line and column that wrote it. Reading a folder is `store::catalog_dir`'s work.
//!
//! Two things here are about speed and change no answer. Overlays are parsed by four threads that end before [`Catalog::new`]
//! returns, because parsing a hundred of them is most of what one recipe costs. Values files are parsed when they are first
//! asked for and kept behind a mutex, because one recipe needs a tenth of them and the workbench resolves again with every
//! change of criteria. `cargo bench` measures both.

pub mod component;
pub mod edition;
mod error;
pub mod mixin;
pub mod overlay;
pub mod parse;
pub mod profile;
pub mod upgrades;
pub mod validator;

pub use error::{CatalogError, CatalogProblem};

use crate::{criteria::Dimension, document::location::Location, yaml::Kind};
use component::Registry;
use edition::Edition;
use mixin::Mixin;
use overlay::Overlay;
use parse::Document;
use profile::ProfileProblem;
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
};

/// Catalog files by catalog-relative path; a later source replaces a file of the same path.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: BTreeMap<String, File>,
    /// Lower versions of the files that merge by entry, by path and source.
    below: BTreeMap<(String, usize), File>,
    /// The folders given with `--data`, as typed, lowest first; the embedded catalog is not listed.
    pub sources: Vec<String>,
    /// The folder that took the place of the embedded catalog, as typed.
    pub replaced_by: Option<String>,
}

/// One catalog file.
#[derive(Clone, Debug)]
pub struct File {
    pub text: Cow<'static, str>,
    /// 0 for the embedded catalog or the folder in its place, n for the n-th `--data` folder.
    pub source: usize,
    /// What messages call it: `catalog/overlays/kind.yaml`, or the path under the `--data` folder as typed.
    pub shown: Arc<str>,
}

/// A readable catalog.
#[derive(Debug)]
pub struct Catalog {
    pub files: Files,
    pub registry: Registry,
    pub base: Overlay,
    /// By name; the base is not among them.
    pub overlays: BTreeMap<String, Overlay>,
    pub mixins: BTreeMap<String, Mixin>,
    /// What it says about itself.
    pub edition: Option<Edition>,
    /// Paths of overlays to which a higher source only adds: what lies below counts.
    extended: BTreeSet<String>,
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
    /// A document of the wrong shape, a duplicate name in one source, no base.
    pub fn new(files: Files) -> Result<Catalog, CatalogError> {
        let mut registry = Registry::default();
        let mut base = None;
        let mut overlays: BTreeMap<String, (usize, Overlay)> = BTreeMap::new();
        let mut mixins: BTreeMap<String, (usize, Mixin)> = BTreeMap::new();
        let mut extended = BTreeSet::new();
        for file in files.stacked(REGISTRY) {
            registry.add(&Document::parse(&file.shown, &file.text)?)?;
        }
        let layers: Vec<(&str, &File)> = files.iter().filter(|(path, _)| !matches!(role(path), Role::Other)).collect();
        for (&(path, file), document) in layers.iter().zip(parse(&layers)) {
            match role(path) {
                Role::Mixin => {
                    let mixin = Mixin::read(path, document?)?;
                    keep(&mut mixins, mixin.name.clone(), file.source, mixin, |mixin| &mixin.document)?;
                }
                Role::Overlay => {
                    let Some(overlay) = Overlay::read(path, document?)? else { continue };
                    let overlay = match file.source > 0 && overlay.is_extension() {
                        true => {
                            extended.insert(path.to_owned());
                            files.extended(path, file.source, overlay)?
                        }
                        false => overlay,
                    };
                    if let Some(profile) = &overlay.profile {
                        profile.check(&overlay.document)?;
                    }
                    if file.source > 0 && overlay.criteria.as_ref().is_some_and(|criteria| criteria.nodes > 0) {
                        return Err(overlay.document.error(overlay.document.root.at, CatalogProblem::ExternalNodes));
                    }
                    if path == "overlays/base.yaml" {
                        base = Some(overlay);
                        continue;
                    }
                    if overlay.name == overlay::BASE {
                        let problem = CatalogProblem::Reserved { name: overlay::BASE, purpose: "`overlays/base.yaml`" };
                        return Err(overlay.document.error(overlay.document.root.at, problem));
                    }
                    keep(&mut overlays, overlay.name.clone(), file.source, overlay, |overlay| &overlay.document)?;
                }
                Role::Other => {}
            }
        }
        let edition = match files.get(edition::FILE) {
            Some(file) => Some(Edition::read(&Document::parse(&file.shown, &file.text)?)?),
            None => None,
        };
        let base = base.ok_or_else(|| CatalogError {
            at: Location::whole("overlays/base.yaml"),
            problem: CatalogProblem::NoBase,
        })?;
        let overlays = overlays.into_iter().map(|(name, (_, value))| (name, value)).collect();
        let mixins = mixins.into_iter().map(|(name, (_, value))| (name, value)).collect();
        let (values, digest) = (Mutex::default(), OnceLock::new());
        Ok(Catalog { files, registry, base, overlays, mixins, edition, extended, values, digest })
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
        let criteria = self
            .overlays
            .values()
            .filter(|overlay| self.is_embedded(overlay))
            .filter_map(|overlay| overlay.criteria.as_ref());
        let contributed = criteria.filter_map(|criteria| criteria.get(dimension));
        let built_in = crate::criteria::built_in(dimension).iter().map(|value| value.to_string());
        built_in.chain(contributed).collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// Whether an overlay is the catalog's own, though a folder over it may have extended its profile.
    pub fn is_embedded(&self, overlay: &Overlay) -> bool {
        let own = self.files.get(&overlay.path).is_some_and(|file| file.source == 0);
        own || self.extended.contains(&overlay.path)
    }

    /// A catalog file's text by catalog-relative path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(|file| &*file.text)
    }

    /// A parsed values file; `None` when there is no such file.
    ///
    /// # Errors
    /// Not YAML, or not a mapping.
    pub fn values(&self, path: &str) -> Result<Option<Arc<Document>>, CatalogError> {
        let Some(file) = self.files.get(path) else { return Ok(None) };
        let mut values = self.values.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = values.get(path) {
            return Ok(Some(known.clone()));
        }
        let document = Document::parse(&file.shown, &file.text)?;
        if !matches!(document.root.kind, Kind::Map(_) | Kind::Null) {
            return Err(document.wrong(&document.root, path, "a mapping"));
        }
        let document = Arc::new(document);
        values.insert(path.to_owned(), document.clone());
        Ok(Some(document))
    }

    /// SHA-256 over all paths and texts, those that lie below others first, else in path order: `sha256:…`.
    pub fn digest(&self) -> String {
        let digest = || {
            let mut hash = Sha256::new();
            let counts = |path: &str| is_stacked(path) || self.extended.contains(path);
            for (path, file) in self.files.versions(counts) {
                for part in [path, &file.text] {
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
fn parse(files: &[(&str, &File)]) -> Vec<Result<Document, CatalogError>> {
    let parse = |files: &[(&str, &File)]| -> Vec<_> {
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
    /// Adds a file of a source; of files that merge by entry (registry, validators), and of overlays, whose profile may be
    /// extended, every source's text is kept.
    pub fn insert(&mut self, path: &str, file: File) {
        let may_lie_over = is_stacked(path) || matches!(role(path), Role::Overlay);
        if may_lie_over
            && let Some(lower) = self.files.get(path)
            && lower.source != file.source
        {
            self.below.insert((path.to_owned(), lower.source), lower.clone());
        }
        self.files.insert(path.to_owned(), file);
    }

    /// All versions of a file that merges by entry, lowest source first.
    fn stacked<'f>(&'f self, path: &'static str) -> impl Iterator<Item = &'f File> {
        let below = self.below.iter().filter(move |((known, _), _)| known == path).map(|(_, file)| file);
        below.chain(self.files.get(path))
    }

    /// The overlay that `added` of a source extends, with the values of all extensions up to that source.
    fn extended(&self, path: &str, source: usize, added: Overlay) -> Result<Overlay, CatalogError> {
        let lower = self.below.range(..(path.to_owned(), source)).next_back().filter(|((known, _), _)| known == path);
        let below = match lower {
            Some(((_, lower), file)) => match Overlay::read(path, Document::parse(&file.shown, &file.text)?)? {
                Some(overlay) if *lower > 0 && overlay.is_extension() => Some(self.extended(path, *lower, overlay)?),
                overlay => overlay,
            },
            None => None,
        };
        let Some(mut overlay) = below else {
            let at = added.profile.as_ref().map_or(added.document.root.at, |profile| profile.at);
            let problem = ProfileProblem::Extension(profile::Extension::NoProfile);
            return Err(added.document.error(at, CatalogProblem::Profile(problem.into())));
        };
        overlay.extend(added)?;
        Ok(overlay)
    }

    /// The file of the highest source that has one of that path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Paths in order, each with the file of the highest source that has it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// Every version that counts: as [`Files::iter`], with what lies below the files of which that `counts`.
    fn versions(&self, counts: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &File)> {
        let below = self.below.iter().map(|((path, _), file)| (path.as_str(), file));
        let below = below.filter(move |(path, _)| counts(path));
        below.chain(self.iter())
    }

    /// Number of paths.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file at all.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Whether versions of a file merge by entry.
fn is_stacked(path: &str) -> bool {
    path == REGISTRY || path == VALIDATORS
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
    if !path.ends_with(".yaml")
        || other.iter().any(|folder| path.starts_with(folder))
        || path == REGISTRY
        || path == edition::FILE
    {
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
    document: impl Fn(&T) -> &Document,
) -> Result<(), CatalogError> {
    match known.get(&name) {
        Some((other, first)) if *other == source => {
            let (first, second) = (document(first), document(&value));
            let first = first.location(first.root.at);
            Err(second.error(second.root.at, CatalogProblem::DuplicateName { name, first }))
        }
        Some((other, _)) if *other > source => Ok(()),
        _ => {
            known.insert(name, (source, value));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: (&str, &str) = ("overlays/base.yaml", "kind: RecipeMetadata\nmetadata: {name: base}\n");

    fn files(files: &[(&str, &str)]) -> Files {
        let mut all = Files::default();
        for (path, text) in files {
            all.insert(path, File { text: (*text).to_owned().into(), source: 0, shown: (*path).into() });
        }
        all
    }

    /// What is wrong with the catalog, as `where: what`.
    #[track_caller]
    fn refused(extra: &[(&str, &str)], expected: &str) {
        let files = files(&[&[BASE], extra].concat());
        let error = match Catalog::new(files) {
            Ok(catalog) => catalog.validators().expect_err("the catalog is refused"),
            Err(error) => error,
        };
        assert_eq!(format!("{}: {error}", error.at), expected);
    }

    #[test]
    fn duplicate_overlay_name_reports_both_locations() {
        refused(
            &[
                ("overlays/a.yaml", "# one\n# two\n# three\n\nkind: RecipeMetadata\nmetadata: {name: twin}\n"),
                ("overlays/b.yaml", "# one\nkind: RecipeMetadata\nmetadata: {name: twin}\n"),
            ],
            "overlays/b.yaml:2:1: duplicate name `twin`, first defined at overlays/a.yaml:5:1",
        );
    }

    #[test]
    fn duplicate_mixin_name_reports_both_locations() {
        refused(
            &[
                ("mixins/a.yaml", "\n\nkind: RecipeMixin\nmetadata: {name: twin}\n"),
                ("mixins/b.yaml", "kind: RecipeMixin\nmetadata: {name: twin}\n"),
            ],
            "mixins/b.yaml:1:1: duplicate name `twin`, first defined at mixins/a.yaml:3:1",
        );
    }

    #[test]
    fn duplicate_component_reports_both_lines() {
        refused(
            &[("registry.yaml", "components:\n  - name: nfd\n  - name: other\n  - name: nfd\n")],
            "registry.yaml:4:5: duplicate component `nfd`, first defined on line 2",
        );
    }

    #[test]
    fn duplicate_validator_reports_both_lines() {
        let entry = "  - {name: a, phase: deployment, image: x}\n";
        refused(
            &[("validators/catalog.yaml", &format!("\nvalidators:\n{entry}{entry}"))],
            "validators/catalog.yaml:4:5: duplicate validator `a`, first defined on line 3",
        );
    }

    #[test]
    fn second_document_of_a_catalog_file_is_refused() {
        refused(
            &[("overlays/a.yaml", "kind: RecipeMetadata\nmetadata: {name: a}\n---\nmetadata: {name: b}\n")],
            "overlays/a.yaml:3:1: a second document starts here; expected one document",
        );
    }

    #[test]
    fn registry_entries_of_lower_sources_stay_below_those_of_higher_ones() {
        let mut stack = files(&[BASE, ("registry.yaml", "components: [{name: low}, {name: both}]\n")]);
        let text = "components: [{name: high}, {name: both, displayName: Both}]\n";
        stack.insert("registry.yaml", File { text: text.into(), source: 1, shown: "data/registry.yaml".into() });
        let lower = stack.clone();
        let catalog = Catalog::new(stack).expect("a catalog");
        assert_eq!(catalog.registry.order, ["low", "both", "high"]);
        assert_eq!(catalog.registry.components["both"].display_name, "Both");
        assert_eq!(lower.get("registry.yaml").map(|file| file.source), Some(1));
        let alone = Catalog::new(files(&[BASE, ("registry.yaml", text)])).expect("a catalog");
        assert_ne!(alone.digest(), catalog.digest(), "what lies below counts");
    }
}
