//! The catalog: registry, base, overlays, mixins, values, manifests, health checks and validators, as values.
//!
//! In: [`Files`], the text of every file under its catalog-relative path. Out: a [`Catalog`] whose every value knows the
//! file, line and column that wrote it. Reading a folder is `store::catalog_dir`'s work.
//!
//! Three things here are about speed and change no answer. The documents that the program carries come as trees, which the
//! build made of them, and of their overlays only what chooses them is looked at before somebody asks for the rest: one
//! recipe needs a tenth of a hundred. Values files are read when they are first asked for and kept behind a mutex, because
//! the workbench resolves again with every change of criteria. Folders are parsed by four threads that end before
//! [`Catalog::new`] returns. `cargo bench` measures all three.

pub mod component;
pub mod edition;
mod error;
pub mod mixin;
pub mod overlay;
pub mod parse;
pub mod paths;
pub mod profile;
pub mod upgrades;
pub mod validator;

pub use error::{CatalogError, CatalogProblem};

use crate::{
    criteria::Dimension,
    document::location::Location,
    yaml::{Kind, packed},
};
use component::Registry;
use edition::Edition;
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
    files: BTreeMap<String, File>,
    /// Lower versions of the files that merge by entry, by path and source.
    below: BTreeMap<(String, usize), File>,
    /// The folders given with `--data`, as typed, lowest first; the embedded catalog is not listed.
    pub sources: Vec<String>,
    /// The folder that took the place of the embedded catalog, as typed.
    pub replaced_by: Option<String>,
    /// What [`Catalog::digest`] says of these files, where that is known.
    digest: Option<&'static str>,
}

/// One catalog file.
#[derive(Clone, Debug)]
pub struct File {
    pub text: Cow<'static, str>,
    /// 0 for the embedded catalog or the folder in its place, n for the n-th `--data` folder.
    pub source: usize,
    /// What messages call it: `catalog/overlays/kind.yaml`, or the path under the `--data` folder as typed.
    pub shown: Arc<str>,
    /// The tree of the text, packed; empty where nobody packed it.
    pub packed: &'static [u8],
}

impl File {
    /// A file of a source.
    pub fn new(source: usize, shown: impl Into<Arc<str>>, text: impl Into<Cow<'static, str>>) -> File {
        File { text: text.into(), source, shown: shown.into(), packed: &[] }
    }

    /// Its only document.
    ///
    /// # Errors
    /// Not YAML, or several documents.
    pub fn document(&self) -> Result<Document, CatalogError> {
        match packed::unpack(self.packed) {
            Some(root) => Ok(Document { shown: self.shown.clone(), root }),
            None => Document::parse(&self.shown, &self.text),
        }
    }
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
    /// Reads registry, base, overlays and mixins; values, manifests, checks and validators when they are asked for, and of
    /// overlays that come packed all but their head.
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
            registry.add(&file.document()?)?;
        }
        let texts: Vec<&File> = files
            .iter()
            .filter(|(path, file)| is_layer(path) && file.packed.is_empty())
            .map(|(_, file)| file)
            .collect();
        let mut parsed = parse(&texts).into_iter();
        let mut document = |file: &File| match file.packed.is_empty() {
            true => parsed.next().unwrap_or_else(|| file.document()),
            false => file.document(),
        };
        for (path, file) in files.iter() {
            match role(path) {
                Role::Mixin => {
                    let mixin = Mixin::read(path, document(file)?)?;
                    keep(&mut mixins, mixin.name.clone(), file.source, mixin, |mixin| mixin.document.start())?;
                }
                Role::Overlay => {
                    let overlay = match file.packed.is_empty() {
                        true => Overlay::read(path, document(file)?)?,
                        false => Overlay::packed(path, file)?,
                    };
                    let Some(overlay) = overlay else { continue };
                    let overlay = match file.source > 0 && overlay.is_extension() {
                        true => {
                            extended.insert(path.to_owned());
                            files.extended(path, file.source, overlay)?
                        }
                        false => overlay,
                    };
                    if file.packed.is_empty() {
                        overlay.check_profile()?;
                    }
                    if file.source > 0 && overlay.criteria.as_ref().is_some_and(|criteria| criteria.nodes > 0) {
                        return Err(overlay.error(CatalogProblem::ExternalNodes));
                    }
                    if path == "overlays/base.yaml" {
                        base = Some(overlay);
                        continue;
                    }
                    if overlay.name == overlay::BASE {
                        let problem = CatalogProblem::Reserved { name: overlay::BASE, purpose: "`overlays/base.yaml`" };
                        return Err(overlay.error(problem));
                    }
                    keep(&mut overlays, overlay.name.clone(), file.source, overlay, Overlay::start)?;
                }
                Role::Other => {}
            }
        }
        let edition = match files.get(edition::FILE) {
            Some(file) => Some(Edition::read(&file.document()?)?),
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

    /// As [`Catalog::new`], with every overlay read whole.
    ///
    /// # Errors
    /// As [`Catalog::new`], also where only what an overlay says is wrong.
    pub fn whole(files: Files) -> Result<Catalog, CatalogError> {
        let catalog = Catalog::new(files)?;
        catalog.overlays.values().chain([&catalog.base]).try_for_each(Overlay::check)?;
        Ok(catalog)
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
        let document = file.document()?;
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
                paths::add_to_digest(path, &file.text, |bytes| hash.update(bytes));
            }
            hash.finalize().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
        };
        self.files.digest.map_or_else(|| self.digest.get_or_init(digest).clone(), str::to_owned)
    }

    /// The validator catalog, in execution order; empty when the catalog has none.
    ///
    /// # Errors
    /// An entry of the wrong shape.
    pub fn validators(&self) -> Result<Vec<validator::Validator>, CatalogError> {
        let mut validators = Vec::new();
        for file in self.files.stacked(VALIDATORS) {
            validator::read(&mut validators, &file.document()?)?;
        }
        Ok(validators)
    }
}

/// Parses documents, in the order in which they are given.
///
/// Four threads share the work: parsing the overlays is most of what it costs to read a folder.
fn parse(files: &[&File]) -> Vec<Result<Document, CatalogError>> {
    let parse = |files: &[&File]| -> Vec<_> { files.iter().map(|file| file.document()).collect() };
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
        self.digest = None;
    }

    /// The same, of which the digest is known; whatever is added makes it unknown.
    pub fn digested(self, digest: &'static str) -> Files {
        Files { digest: Some(digest), ..self }
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
            Some(((_, lower), file)) => match Overlay::read(path, file.document()?)? {
                Some(overlay) if *lower > 0 && overlay.is_extension() => Some(self.extended(path, *lower, overlay)?),
                overlay => overlay,
            },
            None => None,
        };
        let Some(mut overlay) = below else {
            return Err(added.extends_none(profile::Extension::NoProfile));
        };
        overlay.extend(&added)?;
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

/// What a file is, by its path.
enum Role {
    Mixin,
    Overlay,
    /// Registry, values, manifests, checks, validators, documentation.
    Other,
}

/// Whether a file holds an overlay or a mixin.
fn is_layer(path: &str) -> bool {
    !matches!(role(path), Role::Other)
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
    start: impl Fn(&T) -> Location,
) -> Result<(), CatalogError> {
    match known.get(&name) {
        Some((other, first)) if *other == source => Err(CatalogError {
            at: start(&value),
            problem: CatalogProblem::DuplicateName { name, first: start(first) },
        }),
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
            all.insert(path, File::new(0, *path, (*text).to_owned()));
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
    fn an_unknown_severity_is_refused_where_it_is_written() {
        let is = "`severity` must be one of error, warning, warn, info, informational, found";
        let rule = |severity: &str| format!("[{{name: K8s.server.version, value: v1, severity: {severity}}}]");
        let overlay = |spec: &str| format!("kind: RecipeMetadata\nmetadata: {{name: a}}\nspec:\n  {spec}\n");
        let constraints = overlay(&format!("constraints: {}", rule("banana")));
        refused(&[("overlays/a.yaml", &constraints)], &format!("overlays/a.yaml:4:65: {is} `banana`"));
        let phase = overlay(&format!("validation: {{deployment: {{constraints: {}}}}}", rule("5")));
        refused(&[("overlays/a.yaml", &phase)], &format!("overlays/a.yaml:4:91: {is} `5`"));
        let mixin = format!("kind: RecipeMixin\nmetadata: {{name: m}}\nspec:\n  constraints: {}\n", rule("high"));
        refused(&[("mixins/m.yaml", &mixin)], &format!("mixins/m.yaml:4:65: {is} `high`"));
        let registry = "components:\n  - name: nfd\n    validations: [{function: F, severity: fatal}]\n";
        refused(&[("registry.yaml", registry)], &format!("registry.yaml:3:43: {is} `fatal`"));
        let known = overlay(&format!("constraints: {}", rule("Warning")));
        assert!(Catalog::new(files(&[BASE, ("overlays/a.yaml", &known)])).is_ok());
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
    fn what_a_packed_overlay_says_is_read_when_it_is_asked_for() {
        let packed = |path: &str, text: &'static str| {
            let tree = packed::pack(&crate::yaml::parse(text).expect("YAML"));
            File { packed: Box::leak(tree.into_boxed_slice()), ..File::new(0, path, text) }
        };
        let good =
            "kind: RecipeMetadata\nmetadata: {name: good}\nspec: {base: bad, criteria: {os: ubuntu}, mixins: [m]}\n";
        let bad = "kind: RecipeMetadata\nmetadata: {name: bad}\nspec:\n  criteria: {service: eks}\n  constraints: 1\n";
        let mut all = files(&[BASE]);
        all.insert("overlays/good.yaml", packed("overlays/good.yaml", good));
        all.insert("overlays/bad.yaml", packed("overlays/bad.yaml", bad));
        let catalog = Catalog::new(all.clone()).expect("every head is good");
        let overlay = &catalog.overlays["good"];
        assert_eq!(
            (overlay.parent.as_deref(), overlay.start().to_string()),
            (Some("bad"), "overlays/good.yaml:1:1".into())
        );
        assert_eq!(overlay.criteria.as_ref().map(ToString::to_string), Some("os=ubuntu".to_owned()));
        assert_eq!(overlay.body().mixins[0].0, "m");
        assert_eq!(overlay.body().document.root, crate::yaml::parse(good).expect("YAML"));
        let expected = "overlays/bad.yaml:5:16: `constraints` must be a list, found a number";
        let shown = |error: CatalogError| format!("{}: {error}", error.at);
        let faults = [
            Catalog::whole(all).map(drop),
            catalog.overlays["bad"].check(),
            crate::resolve::select::chain(&catalog, overlay).map(drop),
        ];
        assert_eq!(faults.map(|fault| fault.map_err(shown)), [0; 3].map(|_| Err(expected.to_owned())));
    }

    #[test]
    fn registry_entries_of_lower_sources_stay_below_those_of_higher_ones() {
        let mut stack = files(&[BASE, ("registry.yaml", "components: [{name: low}, {name: both}]\n")]);
        let text = "components: [{name: high}, {name: both, displayName: Both}]\n";
        stack.insert("registry.yaml", File::new(1, "data/registry.yaml", text));
        let lower = stack.clone();
        let catalog = Catalog::new(stack).expect("a catalog");
        assert_eq!(catalog.registry.order, ["low", "both", "high"]);
        assert_eq!(catalog.registry.components["both"].display_name, "Both");
        assert_eq!(lower.get("registry.yaml").map(|file| file.source), Some(1));
        let alone = Catalog::new(files(&[BASE, ("registry.yaml", text)])).expect("a catalog");
        assert_ne!(alone.digest(), catalog.digest(), "what lies below counts");
    }
}
