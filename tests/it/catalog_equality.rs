//! The embedded catalog against the facts that it was written from: the recipe of every overlay, with every profile value.
//!
//! One digest is always there, so that whoever changes what a recipe contains sees it. The catalog of facts
//! (`reference-catalog-v1`), where it is at hand, shows what differs, and covers hydrated values, health checks and
//! validators too. Files of the two catalogs differ in everything but what they mean, so only resolved data is compared;
//! what a person reads (how to remedy a constraint, what a check is for) is ours.

use crate::conformance::shared;
use aicr::{
    catalog::{Catalog, Files, validator::Validator},
    criteria::{Criteria, ProfileChoice},
    resolve::{Options, Resolution, profile, resolve},
    store::catalog_dir::{self, Sources},
    yaml,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// Digest of every answer as JSON with hydrated values, without health checks, one line per query.
const ANSWERS_DIGEST: &str = "978836b1457c52ec38973ffc7acc61b0ab25e0dcfaf8536c21ef749082c850d8";

/// Key and outcome of every query.
type Sweep = Vec<(String, Result<Answer, String>)>;

/// What a query resolves to.
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

static EMBEDDED: LazyLock<Sweep> = LazyLock::new(|| sweep(&embedded()));

#[test]
fn embedded_catalog_gives_the_digest_of_its_edition() {
    let failed: Vec<_> = EMBEDDED.iter().filter_map(|(key, outcome)| Some((key, outcome.as_ref().err()?))).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(EMBEDDED.len(), 180, "overlays with criteria, those with a profile once for each value");
    let line = |(key, outcome): &(String, Result<Answer, String>)| {
        let answer = outcome.as_ref().expect("it resolves");
        format!("{key}|{}|{}\n", answer.recipe, json!(answer.values))
    };
    let text: String = EMBEDDED.iter().map(line).collect();
    let digest: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, ANSWERS_DIGEST);
}

#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn embedded_catalog_equals_the_facts_as_data() {
    let mut differences = Vec::new();
    let theirs: BTreeMap<String, _> = sweep(&reference_catalog()).into_iter().collect();
    let keys = |sweep: &mut dyn Iterator<Item = &String>| sweep.cloned().collect::<BTreeSet<String>>();
    assert_eq!(
        keys(&mut EMBEDDED.iter().map(|(key, _)| key)),
        keys(&mut theirs.keys()),
        "the same overlays and profiles"
    );
    for (key, ours) in EMBEDDED.iter() {
        match (ours, &theirs[key]) {
            (Ok(ours), Ok(theirs)) if ours.overlays != theirs.overlays => {
                differences.push(format!("{key}: overlays {} instead of {}", ours.overlays, theirs.overlays));
            }
            (Ok(ours), Ok(theirs)) => differences.extend(difference(ours, theirs).map(|what| format!("{key}: {what}"))),
            (ours, theirs) => {
                differences.push(format!("{key}: {:?} instead of {:?}", ours.as_ref().err(), theirs.as_ref().err()))
            }
        }
    }
    println!("{} of {} recipes equal", EMBEDDED.len() - differences.len(), EMBEDDED.len());
    assert!(
        differences.is_empty(),
        "{} of {} differ, the first:\n{}",
        differences.len(),
        EMBEDDED.len(),
        head(&differences)
    );
}

#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn validators_equal_the_reference_but_for_their_descriptions() {
    let reference = reference_catalog();
    let undescribed = |catalog: &Catalog| -> Vec<Validator> {
        let validators = catalog.validators().expect("validators are readable");
        validators.into_iter().map(|validator| Validator { description: String::new(), ..validator }).collect()
    };
    let (of_nvcre, others): (Vec<_>, Vec<_>) =
        undescribed(&embedded()).into_iter().partition(|validator| OF_NVCRE.contains(&&*validator.name));
    assert_eq!(others, undescribed(&reference));
    assert_eq!(of_nvcre.iter().map(|validator| &*validator.name).collect::<Vec<_>>(), OF_NVCRE);
}

/// Checks that the reference's releases list, and its newest text, which is compared here, does not.
const OF_NVCRE: [&str; 2] = ["nccl-cre-all-reduce-bw", "cre-training-goodput"];

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
            let is_gap = file.text.contains("\n# missing: ");
            let is_fetched = file.text.contains("\n# fetch: https://");
            assert!(
                is_fetched != is_gap,
                "`{path}` is empty: it is fetched from somewhere, or it says that it is missing"
            );
            assert_eq!(is_fetched, file.text.contains("\n# documents-sha256: "), "`{path}` is fetched with a digest");
        }
    }
}

// -- Resolving ---------------------------------------------------------------------------------------------------

/// Resolves the criteria of every overlay, with each value of the profile that they have a choice of.
fn sweep(catalog: &Catalog) -> Sweep {
    let outcome = |query: &Criteria| {
        let resolution = resolve(catalog, query, None, Options::LENIENT).map_err(|error| error.to_string());
        resolution.map(|resolution| answer(&resolution))
    };
    queries(catalog).into_iter().map(|(key, query)| (key, outcome(&query))).collect()
}

fn queries(catalog: &Catalog) -> Vec<(String, Criteria)> {
    let mut queries = Vec::new();
    for (name, overlay) in &catalog.overlays {
        let Some(criteria) = overlay.criteria.clone().filter(|criteria| criteria.specificity() > 0) else { continue };
        let Some(profile) = profile::offered(catalog, &criteria) else {
            queries.push((name.clone(), criteria));
            continue;
        };
        for value in profile.names() {
            let choice = ProfileChoice { name: profile.name.clone(), value: value.to_owned() };
            queries.push((format!("{name} {choice}"), Criteria { profile: Some(choice), ..criteria.clone() }));
        }
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
    let constraints =
        recipe.constraints.iter().map(|it| aicr::recipe::Constraint { remediation: String::new(), ..it.clone() });
    let plain: Vec<_> = constraints.collect();
    let versions: Vec<_> = components.iter().map(|it| format!("{}={}", it.name, it.version)).collect();
    let constraints: Vec<_> = recipe.constraints.iter().map(|it| format!("{} {}", it.name, it.value)).collect();
    let values = resolution.document.get("components").map(|all| all.to_value());
    Answer {
        overlays: recipe.applied_overlays.join(","),
        components: [versions.join(","), recipe.deployment_order.join(","), constraints.join(";")].join("|"),
        recipe: sorted(json!({
            "constraints": plain,
            "selectedProfile": recipe.selected_profile,
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
    catalog_dir::load(&Sources::default()).expect("the embedded catalog is readable")
}

fn embedded() -> Catalog {
    Catalog::new(embedded_files()).expect("the embedded catalog is a catalog")
}

/// The facts alone, not laid over ours: a file that ours lacks must not go unnoticed.
fn reference_catalog() -> Catalog {
    let sources = Sources { catalog: Some(shared("reference-catalog-v1")), ..Sources::default() };
    let files = catalog_dir::load(&sources).expect("the facts are readable");
    Catalog::new(files).expect("the facts are a catalog")
}
