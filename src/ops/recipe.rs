//! Resolve, query, explain: load the catalog, resolve, answer.

use super::{Failure, Kind, place::Format};
use crate::{
    catalog::{Catalog, CatalogError, overlay::Overlay, parse::Document},
    criteria::{Dimension, NotAProfile, Query, StatedBy, parse_value},
    diff::{self, lost::Lost},
    document::{
        header::Edition,
        selector::{self, QueryError, Segment, Selector},
        traced::Traced,
    },
    inventory::Inventory,
    recipe::{
        Accounting, Configuration, ConfigurationError, Gke, Recipe, RuntimeInventory, Slurm, configuration, format,
    },
    resolve::{self, CoverageRule, Options, Relaxed, Resolution, ResolveError, explain::Explanation},
    settings,
    store::catalog_dir::{self, CatalogDirError, CatalogDirProblem, Sources},
    yaml,
};
use serde_json::{Value, json};
use std::{io, sync::Arc};

/// The catalog that these sources make: the embedded one or a folder in its place, with folders layered over it.
///
/// # Errors
/// A folder or document that cannot be read, with its place.
pub fn load_catalog(sources: &Sources) -> Result<Arc<Catalog>, Failure> {
    let files = catalog_dir::load(sources).map_err(folder_failure)?;
    Catalog::new(files).map(Arc::new).map_err(catalog_failure)
}

pub(super) fn catalog_failure(error: CatalogError) -> Failure {
    let (at, hint) = (error.at.to_string(), error.problem.hint());
    Failure { hint, ..Failure::from_error(Kind::Usage, "read the catalog", error).at(at) }
}

pub(super) fn folder_failure(error: CatalogDirError) -> Failure {
    let (at, hint) = (error.path.display().to_string(), error.hint().map(str::to_owned));
    let kind = match &error.problem {
        CatalogDirProblem::Folder(error) if error.kind() == io::ErrorKind::NotFound => Kind::NotFound,
        _ => Kind::Usage,
    };
    Failure { hint, ..Failure::from_error(kind, "read the catalog", error).at(at) }
}

/// Whether any constraint of the catalog reads the state of nodes, which changes by itself all the time.
///
/// Where none does, a recipe stays what it is while inventories read alike ([`Inventory::reads_like`]).
pub fn reads_state(catalog: &Catalog) -> bool {
    let overlays = catalog.overlays.values().chain([&catalog.base]).map(|overlay| &overlay.body().spec);
    let specs = overlays.chain(catalog.mixins.values().map(|mixin| &mixin.spec));
    let mut names = specs.flat_map(|spec| &spec.constraints).filter_map(|rule| rule.get("name")?.text());
    names.any(|name| name.starts_with("NodeTopology."))
}

/// Criteria as a person typed them, in any spelling: `(dimension, text)` in order, later ones over earlier ones and over
/// `start`.
///
/// `strict` leaves out values that only `--data` folders contribute.
///
/// # Errors
/// A value that nobody knows, with near matches.
pub fn criteria(
    catalog: &Catalog,
    start: Query,
    stated: &[(Dimension, String)],
    strict: bool,
) -> Result<Query, Failure> {
    let mut query = start;
    for (dimension, text) in stated {
        let legal =
            if strict { catalog.embedded_criteria_values(*dimension) } else { catalog.criteria_values(*dimension) };
        let value = parse_value(*dimension, text, &legal).map_err(|unknown| {
            let doing = format!("read --{}", dimension.name());
            let hint = unknown.hint();
            Failure::from_error(Kind::Usage, doing, unknown).hint(hint)
        })?;
        query.state(*dimension, value, StatedBy::Flag);
    }
    Ok(query)
}

/// Criteria as words: `service=gke accelerator=h100 profile=gpuStack=gke-default runtime-inventory=enabled`; commas separate
/// as blanks do, so that the eight networks of `gke-tcpxo-interfaces=eth1=…,…,eth8=…` are words of their own.
///
/// # Errors
/// A word that is no criterion; a value that nobody knows, with near matches.
pub fn criteria_of_text(catalog: &Catalog, text: &str) -> Result<Query, Failure> {
    let (mut stated, mut profile, mut configuration) = (Vec::new(), None, Configuration::default());
    let mut interfaces: Vec<&str> = Vec::new();
    let refused = |because: String, hint: String| Failure::new(Kind::Usage, READING, because).at(text).hint(hint);
    for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
        match name {
            "gpu" => stated.push((Dimension::Accelerator, value.to_owned())),
            "profile" => {
                let refused = |error: NotAProfile| Failure::from_error(Kind::Usage, READING, error);
                profile = Some(value.parse().map_err(refused)?);
            }
            settings::SLURM_FLAG => {
                let mode = configuration::slurm_mode(value).map_err(setting_failure)?.to_owned();
                configuration.slurm = Some(Slurm { accounting: Accounting { mode } });
            }
            settings::INVENTORY_FLAG => {
                let mode = configuration::inventory_mode(value).map_err(setting_failure)?.to_owned();
                configuration.runtime_inventory = Some(RuntimeInventory { mode });
            }
            settings::INTERFACES_FLAG => interfaces.push(value),
            _ if name.starts_with("eth") && !interfaces.is_empty() => interfaces.push(word),
            _ => match dimension {
                Some(dimension) => stated.push((dimension, value.to_owned())),
                None => {
                    let dimensions = Dimension::ALL.map(Dimension::name).join(", ");
                    let hint =
                        format!("write NAME=VALUE with one of {dimensions}, profile, {}", settings::FLAGS.join(", "));
                    return Err(refused(format!("unknown criterion `{word}`"), hint));
                }
            },
        }
    }
    if !interfaces.is_empty() {
        let tcpxo_interfaces = configuration::interfaces(interfaces.into_iter()).map_err(setting_failure)?;
        configuration.gke = Some(Gke { tcpxo_interfaces });
    }
    // Nobody who typed words here has heard of flags.
    let refused = |failure: Failure| Failure { doing: READING.to_owned(), ..failure };
    let mut query = criteria(catalog, Query::default(), &stated, false).map_err(refused)?;
    query.choose(profile);
    query.configure(configuration);
    Ok(query)
}

const READING: &str = "read the criteria";

fn setting_failure(error: ConfigurationError) -> Failure {
    let hint = error.hint();
    Failure { hint, ..Failure::from_error(Kind::Usage, READING, error) }
}

/// Whether a text is meant as criteria: its first word is the name of one, with a value.
pub fn is_criteria_text(text: &str) -> bool {
    let is_name = |name: &str| {
        ["gpu", "profile"].contains(&name)
            || settings::FLAGS.contains(&name)
            || Dimension::ALL.iter().any(|dimension| dimension.name() == name)
    };
    let first = text.split([',', ' ']).find(|word| !word.is_empty());
    first.and_then(|word| word.split_once('=')).is_some_and(|(name, _)| is_name(name))
}

/// A recipe, and what it lacks because of the snapshot.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub resolution: Resolution,
    /// What overlays that the snapshot excluded would have set, in document order.
    pub lost: Vec<Lost>,
}

/// Resolves; the recipe carries coverage, catalog digest, sources, judged constraints and what was lost under `aicr`.
///
/// Where a snapshot excludes overlays this resolves twice, because what was lost is the difference.
///
/// # Errors
/// Why there is no recipe, with file:line and hint.
pub fn resolve(
    catalog: &Catalog,
    query: &Query,
    snapshot: Option<&Inventory>,
    options: Options,
) -> Result<Resolved, Failure> {
    let mut resolution = resolve::resolve(catalog, query, snapshot, options)
        .map_err(|error| resolve_failure(format!("resolve a recipe for {}", query.criteria()), error))?;
    resolution.recipe.version = env!("CARGO_PKG_VERSION").to_owned();
    let lost = lost(catalog, &resolution, options);
    resolution.recipe.extra = stamp(&resolution, &lost);
    Ok(Resolved { resolution, lost })
}

/// Empty where no overlay was excluded, and where the full recipe cannot be resolved.
fn lost(catalog: &Catalog, short: &Resolution, options: Options) -> Vec<Lost> {
    if short.recipe.excluded_overlays.is_empty() {
        return Vec::new();
    }
    let options = Options { rule: CoverageRule::Lenient, ..options };
    let mut query = short.recipe.query();
    // What was opened because of them was asked for, too.
    for Relaxed { dimension, value, .. } in &short.relaxed {
        query.state(*dimension, Some(value.clone()), StatedBy::Snapshot);
    }
    let full = resolve::resolve(catalog, query, None, options);
    full.map_or_else(|_| Vec::new(), |full| diff::lost::of(&(&full).into(), &short.into()))
}

pub(super) fn resolve_failure(doing: impl Into<String>, error: ResolveError) -> Failure {
    let (at, hint) = (error.at().map(ToString::to_string), error.hint());
    Failure { at, hint, ..Failure::from_error(Kind::Usage, doing, error) }
}

fn stamp(resolution: &Resolution, lost: &[Lost]) -> Value {
    let mut stamp = json!({
        "catalog": { "digest": resolution.catalog_digest, "sources": resolution.catalog_sources },
        "coverage": resolution.coverage,
    });
    if let Some(edition) = &resolution.catalog_edition {
        stamp["catalog"]["edition"] = serde_json::to_value(edition).unwrap_or_default();
    }
    if let Some(folder) = &resolution.catalog_folder {
        stamp["catalog"]["folder"] = folder.as_str().into();
    }
    if !resolution.relaxed.is_empty() {
        stamp["relaxed"] = serde_json::to_value(&resolution.relaxed).unwrap_or_default();
    }
    if !resolution.constraints.is_empty() {
        let judged = resolution.constraints.iter().map(|judged| {
            let layer = resolution.layers.get(judged.layer).map(|layer| layer.name.clone());
            let mut value = serde_json::to_value(judged).unwrap_or_default();
            value["layer"] = layer.into();
            value
        });
        stamp["constraints"] = judged.collect();
    }
    if !lost.is_empty() {
        stamp["lost"] = serde_json::to_value(lost).unwrap_or_default();
    }
    stamp
}

/// The text of a recipe in an edition of the formats, with a final newline.
///
/// # Errors
/// `Usage` where the recipe has no form in that edition.
pub fn text(recipe: &Recipe, written: Format, edition: Edition) -> Result<String, Failure> {
    let text = match written {
        Format::Yaml => format::to_yaml(recipe, edition),
        Format::Json => format::to_json(recipe, edition),
    };
    text.map_err(|error| {
        Failure::from_error(Kind::Usage, format!("write the recipe as {}", edition.name()), error)
            .hint("leave out --api-version: releases that read v1alpha2 cannot use this recipe")
    })
}

/// Whether a recipe loses what we add to it when it is written as JSON: versions that are read strictly have no field for
/// it, and JSON has no comments.
pub fn is_bare_as_json(recipe: &Recipe, edition: Edition) -> bool {
    !recipe.extra.is_null() && recipe.version(edition).is_ok_and(|version| version.extended)
}

/// The recipe for the criteria of an overlay, from the file of the overlay, with the overlay's name.
///
/// What else the file says counts as far as the catalog says it too: the reference reads overlays so.
///
/// # Errors
/// Not an overlay, or one without criteria; why there is no recipe.
pub fn of_overlay(catalog: &Catalog, text: &str, at: &str) -> Result<(String, Resolved), Failure> {
    let document = Document::parse(&Arc::from(at), text).map_err(catalog_failure)?;
    let refused = |because: &str| {
        Failure::new(Kind::Usage, "read the overlay", because)
            .at(at)
            .hint("give a recipe, or criteria instead of a file")
    };
    let overlay = Overlay::read(at, document).map_err(catalog_failure)?.ok_or_else(|| refused("not an overlay"))?;
    let criteria = overlay.criteria.ok_or_else(|| refused("the overlay has no criteria of its own"))?;
    let needs_interfaces = configuration::is_for_interfaces(&criteria);
    let resolved = resolve(catalog, &Query::of(criteria.clone(), StatedBy::Flag), None, Options::default());
    let resolved = resolved.map_err(|failure| match needs_interfaces {
        // An overlay cannot say what its recipe needs, and who reads one has no flag for it.
        true => failure.at(at).hint(format!(
            "resolve the recipe with `aicr recipe` and --{}, and give that instead of the overlay",
            settings::INTERFACES_FLAG
        )),
        false => failure,
    })?;
    Ok((overlay.name, resolved))
}

/// Whether a text is that of an overlay.
pub fn is_overlay(text: &str) -> bool {
    let kind = |document: &yaml::Node| document.get("kind").and_then(yaml::Node::text) == Some("RecipeMetadata");
    yaml::first(text).is_ok_and(|first| kind(&first.document))
}

/// Keys of the resolved document that the reference does not have; they are there for who asks for one by its name.
const OURS_AT_ROOT: [&str; 1] = ["validation"];
const OURS_IN_COMPONENTS: [&str; 3] = ["valuesFile", "manifestFiles", "preManifestFiles"];

/// A value at a path as the reference prints it.
fn as_reference(mut value: Value, path: &Selector) -> Value {
    let lean = |component: &mut Value| {
        if let Value::Object(fields) = component {
            fields.retain(|key, _| !OURS_IN_COMPONENTS.contains(&&**key));
        }
    };
    let all = |components: &mut Value| {
        if let Value::Object(components) = components {
            components.values_mut().for_each(lean);
        }
    };
    let is_components = |segment: &Segment| matches!(segment, Segment::Key(key) if key == "components");
    match &*path.segments {
        [] => {
            if let Value::Object(fields) = &mut value {
                fields.retain(|key, _| !OURS_AT_ROOT.contains(&&**key));
            }
            value.get_mut("components").into_iter().for_each(all);
        }
        [first] if is_components(first) => all(&mut value),
        [first, _] if is_components(first) => lean(&mut value),
        _ => {}
    }
    value
}

/// The value that a selector names; several, and whatever a wildcard names, as a list.
///
/// A value that holds keys which the reference does not have comes without them.
///
/// # Errors
/// A selector that cannot be read, or one that names nothing: with what there is.
pub fn query(resolution: &Resolution, selector: &str) -> Result<Value, Failure> {
    let parsed = selector::parse(selector).map_err(query_failure)?;
    let many = parsed.segments.contains(&selector::Segment::Any);
    let mut document = resolution.document.clone();
    let version = Value::from(resolution.recipe.version.as_str());
    document.put(&["metadata", "version"].map(str::to_owned), Traced::from_value(&version));
    let mut found = selector::find(&document, &parsed).map_err(|error| {
        let failure = query_failure(error);
        match resolution.removed.iter().find(|(path, _)| *path == parsed).and_then(|(_, value)| value.origin()) {
            Some(origin) => {
                let layer = &resolution.layers[origin.layer].name;
                failure.hint(format!("`{layer}` took it away at {}:{}; see `aicr explain`", origin.file, origin.at))
            }
            None => failure,
        }
    })?;
    match found.pop() {
        Some((path, value)) if !many && found.is_empty() => Ok(as_reference(value.to_value(), &path)),
        Some(last) => {
            let values = found.into_iter().chain([last]);
            Ok(values.map(|(path, value)| as_reference(value.to_value(), &path)).collect())
        }
        None => Ok(Value::Null),
    }
}

/// Who set the values that a selector names.
///
/// # Errors
/// As [`query`].
pub fn explain(resolution: &Resolution, selector: &str) -> Result<Vec<Explanation>, Failure> {
    let parsed = selector::parse(selector).map_err(query_failure)?;
    resolve::explain::explain(resolution, &parsed).map_err(query_failure)
}

fn query_failure(error: QueryError) -> Failure {
    let kind = match &error {
        QueryError::Syntax { .. } => Kind::Usage,
        QueryError::NotFound { .. } => Kind::NotFound,
    };
    let hint = error.hint();
    Failure { hint, ..Failure::from_error(kind, "look up the selector", error) }
}
