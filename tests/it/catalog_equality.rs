//! The embedded catalog against what it was written from: all 10,206 combinations of criteria.
//!
//! Two references, one stronger, one always there. The published digests (`spec/recipe-resolution.md` 18.3) cover every
//! component, version, override, constraint, check and the order. The reference's own catalog, where it is at hand,
//! shows what differs, and covers hydrated values, health checks and validators too. Files of the two catalogs differ in
//! everything but what they mean, so only resolved data is compared.

use crate::conformance::shared;
use aicr::{
    catalog::{Catalog, Files, validator::Validator},
    criteria::{Criteria, Dimension},
    resolve::{Options, Resolution, resolve},
    store::catalog_dir,
    yaml,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, LazyLock, Mutex},
    thread,
};

/// The values that the digests were made over, in the order of their keys.
const SPACE: [(Dimension, &[&str]); 5] = [
    (Dimension::Service, &["any", "aks", "bcm", "eks", "gke", "kind", "lke", "ocp", "oke"]),
    (Dimension::Accelerator, &["any", "a100", "b200", "gb200", "h100", "h200", "l40", "l40s", "rtx-pro-6000"]),
    (Dimension::Os, &["any", "amazonlinux", "cos", "rhel", "talos", "ubuntu", "ol"]),
    (Dimension::Intent, &["any", "inference", "training"]),
    (Dimension::Platform, &["any", "dynamo", "kubeflow", "nim", "runai", "slurm"]),
];

/// Digest of `name=version …|order|constraints`, one line per query.
const COMPONENTS_DIGEST: &str = "b7b5731c03a4cda92884b07eab2b9868d007f41741d1f4f085a493dc4af4421f";
/// Digest of the overlays that apply, one line per query.
const OVERLAYS_DIGEST: &str = "e6d6ffb557e3c29b7f7dcb114567ed582eb77ca659a1426b1380be99f4697fab";
/// Digest of the whole answer as JSON, without health checks and values, one line per query.
const ANSWERS_DIGEST: &str = "e7f412287834e803281f02449ac63370a2b3a0484e959081883000e9baa67fb7";

/// Every query's key and outcome, in the order of [`SPACE`].
type Sweep = Vec<(String, Result<Arc<Answer>, String>)>;

/// What one list of applied overlays resolves to; shared by all queries with that list.
#[derive(Debug, PartialEq)]
struct Answer {
    overlays: String,
    /// `name=version` of all components `|` deployment order `|` constraints.
    components: String,
    /// `constraints`, `componentRefs`, `deploymentOrder`, `validation`; keys sorted.
    recipe: Value,
    /// Health check of each component, as data: the catalogs may word it differently.
    health_checks: BTreeMap<String, Value>,
    /// Hydrated values of each component; absent where a component has none.
    values: BTreeMap<String, Value>,
}

static EMBEDDED: LazyLock<Sweep> =
    LazyLock::new(|| sweep(&Catalog::new(embedded_files()).expect("the embedded catalog is readable")));

#[test]
fn embedded_catalog_gives_the_published_digests() {
    let resolved = EMBEDDED.iter().filter(|(_, outcome)| outcome.is_ok()).count();
    assert_eq!((EMBEDDED.len(), resolved, distinct(&EMBEDDED)), (10_206, 9_881, 233));

    assert_eq!(digest(&EMBEDDED, |answer| answer.overlays.clone()), OVERLAYS_DIGEST);
    assert_eq!(digest(&EMBEDDED, |answer| answer.components.clone()), COMPONENTS_DIGEST);
    assert_eq!(digest(&EMBEDDED, |answer| answer.recipe.to_string()), ANSWERS_DIGEST);
}

#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn embedded_catalog_equals_the_reference_as_data() {
    let reference = reference_catalog();
    let mut differences = Vec::new();
    let mut compared = BTreeSet::new();
    for ((key, ours), (_, theirs)) in EMBEDDED.iter().zip(sweep(&reference)) {
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if ours.overlays != theirs.overlays => {
                differences.push(format!("{key}: overlays {} instead of {}", ours.overlays, theirs.overlays));
            }
            (Ok(ours), Ok(theirs)) => {
                if compared.insert(ours.overlays.clone()) {
                    differences.extend(difference(ours, &theirs).map(|what| format!("{key}: {what}")));
                }
            }
            (Err(ours), Err(theirs)) if *ours == theirs => {}
            (ours, theirs) => differences.push(format!("{key}: {:?} instead of {:?}", ours.is_ok(), theirs.is_ok())),
        }
    }
    assert!(differences.is_empty(), "{} differences, the first:\n{}", differences.len(), head(&differences));
    assert_eq!(compared.len(), 233);
}

#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn validators_equal_the_reference_but_for_their_descriptions() {
    let reference = reference_catalog();
    let undescribed = |catalog: &Catalog| -> Vec<Validator> {
        let validators = catalog.validators().expect("validators are readable");
        validators.into_iter().map(|validator| Validator { description: String::new(), ..validator }).collect()
    };
    let embedded = Catalog::new(embedded_files()).expect("the embedded catalog is readable");
    assert_eq!(undescribed(&embedded), undescribed(&reference));
}

/// A manifest is either there or a placeholder that says where to fetch it.
#[test]
fn every_file_that_a_recipe_names_is_in_the_catalog() {
    let files = embedded_files();
    let mut named = BTreeSet::new();
    for answer in EMBEDDED.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()) {
        for component in answer.recipe["componentRefs"].as_array().into_iter().flatten() {
            let lists = ["manifestFiles", "preManifestFiles"].map(|key| &component[key]);
            let paths = lists.into_iter().filter_map(Value::as_array).flatten();
            named.extend(paths.chain([&component["valuesFile"]]).filter_map(Value::as_str).map(str::to_owned));
        }
    }
    assert!(named.len() > 40, "only {} files are named", named.len());
    for path in named {
        let file = files.get(&path).unwrap_or_else(|| panic!("`{path}` is named, but not in the catalog"));
        let documents = file.text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        if documents == 0 && path.contains("/manifests/") {
            assert!(file.text.contains("\n# fetch: https://"), "`{path}` is empty and names no source");
            assert!(file.text.contains("\n# documents-sha256: "), "`{path}` is fetched without a digest");
        }
    }
}

// -- Resolving ---------------------------------------------------------------------------------------------------

/// Resolves every query, on all processors; an answer is worked out once per list of overlays.
fn sweep(catalog: &Catalog) -> Sweep {
    let queries = queries();
    let answers: Mutex<HashMap<Vec<String>, Arc<Answer>>> = Mutex::default();
    let workers = thread::available_parallelism().map_or(1, |count| count.get());
    thread::scope(|scope| {
        let work: Vec<_> = queries
            .chunks(queries.len().div_ceil(workers))
            .map(|chunk| {
                let answers = &answers;
                scope.spawn(move || -> Sweep {
                    chunk.iter().map(|(key, query)| (key.clone(), outcome(catalog, query, answers))).collect()
                })
            })
            .collect();
        work.into_iter().flat_map(|worker| worker.join().expect("resolving does not panic")).collect()
    })
}

fn outcome(
    catalog: &Catalog,
    query: &Criteria,
    answers: &Mutex<HashMap<Vec<String>, Arc<Answer>>>,
) -> Result<Arc<Answer>, String> {
    let resolution = resolve(catalog, query, None, Options::JULY).map_err(|error| error.to_string())?;
    let overlays = resolution.recipe.applied_overlays.clone();
    if let Some(answer) = answers.lock().expect("no panic while locked").get(&overlays) {
        return Ok(Arc::clone(answer));
    }
    let answer = Arc::new(answer(&resolution));
    answers.lock().expect("no panic while locked").insert(overlays, Arc::clone(&answer));
    Ok(answer)
}

fn queries() -> Vec<(String, Criteria)> {
    let mut queries = vec![(String::new(), Criteria::default())];
    for (dimension, values) in SPACE {
        queries = queries
            .iter()
            .flat_map(|(key, query)| {
                values.iter().map(move |value| {
                    let mut query = query.clone();
                    query.set(dimension, (*value != "any").then(|| (*value).to_owned()));
                    (if key.is_empty() { (*value).to_owned() } else { format!("{key}/{value}") }, query)
                })
            })
            .collect();
    }
    queries
}

fn answer(resolution: &Resolution) -> Answer {
    let recipe = &resolution.recipe;
    let mut components = recipe.components.clone();
    let mut health_checks = BTreeMap::new();
    for component in &mut components {
        let text = std::mem::take(&mut component.health_check_asserts);
        if !text.is_empty() {
            let check =
                yaml::parse(&text).unwrap_or_else(|error| panic!("health check of {}: {error}", component.name));
            health_checks.insert(component.name.clone(), sorted(check.to_value()));
        }
    }
    let versions: Vec<_> = components.iter().map(|it| format!("{}={}", it.name, it.version)).collect();
    let constraints: Vec<_> = recipe.constraints.iter().map(|it| format!("{} {}", it.name, it.value)).collect();
    let values = resolution.document.get("components").map(|all| all.to_value());
    Answer {
        overlays: recipe.applied_overlays.join(","),
        components: [versions.join(","), recipe.deployment_order.join(","), constraints.join(";")].join("|"),
        recipe: sorted(json!({
            "constraints": recipe.constraints,
            "componentRefs": components,
            "deploymentOrder": recipe.deployment_order,
            "validation": recipe.validation,
        })),
        health_checks,
        values: match values {
            Some(Value::Object(all)) => {
                all.into_iter().filter_map(|(name, it)| Some((name, sorted(it.get("values")?.clone())))).collect()
            }
            _ => BTreeMap::new(),
        },
    }
}

// -- Comparing ---------------------------------------------------------------------------------------------------

/// Where two answers differ; `None` when they do not.
fn difference(ours: &Answer, theirs: &Answer) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let parts = [
        ("recipe", ours.recipe.clone(), theirs.recipe.clone()),
        ("health checks", json!(ours.health_checks), json!(theirs.health_checks)),
        ("values", json!(ours.values), json!(theirs.values)),
    ];
    let places = parts.iter().filter_map(|(name, ours, theirs)| first_difference(ours, theirs, name));
    Some(places.collect::<Vec<_>>().join("; "))
}

/// The first place where two documents differ, as `path: ours instead of theirs`.
fn first_difference(ours: &Value, theirs: &Value, path: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| first_difference(value, &b[key], &format!("{path}.{key}")))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            (0..a.len()).find_map(|at| first_difference(&a[at], &b[at], &format!("{path}[{at}]")))
        }
        _ => (ours != theirs).then(|| format!("{path}: {ours} instead of {theirs}")),
    }
}

/// SHA-256 over one line `key|payload` per query, sorted; `E2` is the payload of a query without an answer.
fn digest(sweep: &Sweep, payload: impl Fn(&Answer) -> String) -> String {
    let mut lines: Vec<_> = sweep
        .iter()
        .map(|(key, outcome)| match outcome {
            Ok(answer) => format!("{key}|{}\n", payload(answer)),
            Err(_) => format!("{key}|E2\n"),
        })
        .collect();
    lines.sort_unstable();
    Sha256::digest(lines.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn distinct(sweep: &Sweep) -> usize {
    sweep.iter().filter_map(|(_, outcome)| Some(&outcome.as_ref().ok()?.overlays)).collect::<BTreeSet<_>>().len()
}

/// Maps in the order of their keys, whatever order the map type keeps; digests and messages depend on it.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let by_key: BTreeMap<_, _> = map.into_iter().collect();
            Value::Object(by_key.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        scalar => scalar,
    }
}

fn head(lines: &[String]) -> String {
    let shown = lines.iter().take(10).map(|line| line.chars().take(2_000).collect::<String>());
    shown.collect::<Vec<_>>().join("\n")
}

// -- Catalogs ----------------------------------------------------------------------------------------------------

fn embedded_files() -> Files {
    catalog_dir::load(&Default::default()).expect("the embedded catalog is readable")
}

/// The reference's catalog alone, not laid over ours: a file that ours lacks must not go unnoticed.
fn reference_catalog() -> Catalog {
    let files = catalog_dir::alone(&shared("reference-catalog")).expect("the reference's catalog is readable");
    Catalog::new(files).expect("the reference's catalog is a catalog")
}
