//! The reference's answers of July 2026, on its catalog of that time in the place of ours, by the rules of that time. Ignored where that data is absent; `.ci/run` wants it.

use aicr::{
    catalog::Catalog,
    criteria::{Criteria, Dimension, normalize_july},
    document::header::Edition,
    resolve::{Options, ResolveError, resolve},
    store::catalog_dir::{self, Sources},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{io::Read, path::PathBuf};

/// A file or folder of the reference's data: below `AICR_SHARED`, else `../shared`.
///
/// Absolute, because the program under test runs in a folder of its own.
///
/// # Panics
/// When it is not there: tests that need it are ignored where the data was absent when they were built.
pub fn shared(path: &str) -> PathBuf {
    let root = std::env::var_os("AICR_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = root.join(path);
    path.canonicalize().unwrap_or_else(|error| panic!("{} is not there: {error}", path.display()))
}

pub fn reference_catalog() -> Catalog {
    let sources = Sources { catalog: Some(shared("reference-catalog")), ..Sources::default() };
    let files = catalog_dir::load(&sources).expect("the reference's catalog is readable");
    Catalog::new(files).expect("the reference's catalog is a catalog")
}

pub fn cases(name: &str) -> Vec<Value> {
    let file = std::fs::File::open(shared(&format!("conformance/{name}.jsonl.gz"))).expect("the cases are readable");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("the cases are gzip");
    text.lines().map(|line| serde_json::from_str(line).expect("a case is JSON")).collect()
}

fn criteria(case: &Value) -> Criteria {
    let mut criteria = Criteria::default();
    for dimension in Dimension::ALL {
        if let Some(text) = case["criteria"][dimension.name()].as_str() {
            criteria.set(dimension, normalize_july(dimension, text));
        }
    }
    criteria
}

/// A recipe as the cases write it: without health checks, version and what we add.
fn stripped(recipe: &aicr::recipe::Recipe) -> Value {
    let mut value = aicr::recipe::format::to_value(recipe, Edition::V1Alpha2).expect("July's recipes have July's form");
    for component in value["componentRefs"].as_array_mut().into_iter().flatten() {
        component.as_object_mut().map(|fields| fields.remove("healthCheckAsserts"));
    }
    value.as_object_mut().map(|fields| fields.remove("aicr"));
    value["metadata"].as_object_mut().map(|fields| fields.remove("version"));
    value
}

#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn recipes_equal_the_reference() {
    let (catalog, cases) = (reference_catalog(), cases("recipe-cases"));
    let mut different = Vec::new();
    for case in &cases {
        let resolved = resolve(&catalog, &criteria(case), None, Options::JULY);
        let equal = match &resolved {
            Ok(resolution) => case["rc"] == 0 && stripped(&resolution.recipe) == case["recipe"],
            Err(_) => case["rc"] == 2,
        };
        if !equal {
            different.push(format!("{}: {:?}", case["criteria"], resolved.err()));
        }
    }
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), cases.len(), different.join("\n"));
    println!("{} of {} recipes equal", cases.len() - different.len(), cases.len());
}

const SPACE: [(&str, &[&str]); 5] = [
    ("service", &["any", "aks", "bcm", "eks", "gke", "kind", "lke", "ocp", "oke"]),
    ("accelerator", &["any", "a100", "b200", "gb200", "h100", "h200", "l40", "l40s", "rtx-pro-6000"]),
    ("os", &["any", "amazonlinux", "cos", "rhel", "talos", "ubuntu", "ol"]),
    ("intent", &["any", "inference", "training"]),
    ("platform", &["any", "dynamo", "kubeflow", "nim", "runai", "slurm"]),
];

/// Every combination of the self-check: key and criteria.
pub fn space() -> Vec<(String, Criteria)> {
    let mut keys: Vec<Vec<&str>> = vec![Vec::new()];
    for (_, values) in SPACE {
        keys = keys.iter().flat_map(|key| values.iter().map(|value| [key.as_slice(), &[*value]].concat())).collect();
    }
    let dimensions =
        [Dimension::Service, Dimension::Accelerator, Dimension::Os, Dimension::Intent, Dimension::Platform];
    keys.into_iter()
        .map(|key| {
            let mut criteria = Criteria::default();
            for (dimension, value) in dimensions.into_iter().zip(&key) {
                criteria.set(dimension, normalize_july(dimension, value));
            }
            (key.join("/"), criteria)
        })
        .collect()
}

fn digest(mut lines: Vec<String>) -> String {
    lines.sort();
    let text = lines.into_iter().fold(String::new(), |text, line| text + &line + "\n");
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn all_10206_combinations_have_the_references_digests() {
    let catalog = reference_catalog();
    let (mut overlays, mut versions, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    let mut outcomes = [0usize; 3];
    let (mut honored, mut unhonored) = (0, [0usize; 5]);
    for (key, criteria) in space() {
        let recipe = match resolve(&catalog, &criteria, None, Options::JULY) {
            Ok(resolution) => {
                let lacking = resolution.coverage.iter().filter(|entry| entry.honored_by.is_none());
                let lacking: Vec<usize> = lacking.map(|entry| entry.dimension as usize).collect();
                honored += usize::from(lacking.is_empty());
                lacking.into_iter().for_each(|dimension| unhonored[dimension] += 1);
                resolution.recipe
            }
            Err(error) => {
                outcomes[if error == ResolveError::NoCriteria { 2 } else { 1 }] += 1;
                for lines in [&mut overlays, &mut versions, &mut documents] {
                    lines.push(format!("{key}|E2"));
                }
                continue;
            }
        };
        outcomes[0] += 1;
        let value = stripped(&recipe);
        let components: Vec<String> =
            recipe.components.iter().map(|component| format!("{}={}", component.name, component.version)).collect();
        let constraints: Vec<String> =
            recipe.constraints.iter().map(|constraint| format!("{} {}", constraint.name, constraint.value)).collect();
        let order = recipe.deployment_order.join(",");
        overlays.push(format!("{key}|{}", recipe.applied_overlays.join(",")));
        versions.push(format!("{key}|{}|{order}|{}", components.join(","), constraints.join(";")));
        let document = json!({
            "constraints": value["constraints"], "componentRefs": value["componentRefs"],
            "deploymentOrder": value["deploymentOrder"], "validation": value["validation"],
        });
        documents.push(format!("{key}|{document}"));
    }
    assert_eq!(outcomes, [9881, 324, 1], "resolved, OS required, no criteria");
    assert_eq!(honored, 232, "queries of which everything is honored");
    assert_eq!(unhonored, [1602, 1098, 8334, 2154, 8192], "service, accelerator, OS, intent, platform");
    assert_eq!(
        digest(overlays),
        "e6d6ffb557e3c29b7f7dcb114567ed582eb77ca659a1426b1380be99f4697fab",
        "applied overlays"
    );
    assert_eq!(
        digest(versions),
        "b7b5731c03a4cda92884b07eab2b9868d007f41741d1f4f085a493dc4af4421f",
        "versions and order"
    );
    assert_eq!(digest(documents), "e7f412287834e803281f02449ac63370a2b3a0484e959081883000e9baa67fb7", "documents");
}

#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn snapshots_resolve_like_the_reference() {
    let (catalog, cases) = (reference_catalog(), cases("snapshot-cases"));
    let mut different = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let text = case["snapshot"].as_str().map_or_else(|| case["snapshot"].to_string(), str::to_owned);
        let snapshot = aicr::snapshot::format::read(&text).expect("a case holds a snapshot");
        let mut criteria = aicr::fingerprint::of_reference(&snapshot, &aicr::snapshot::record(&snapshot)).criteria();
        for (dimension, value) in flags(&case["flags"]) {
            criteria.set(dimension, normalize_july(dimension, &value));
        }
        let resolved = resolve(&catalog, &criteria, Some(&snapshot), Options::JULY);
        let equal = match &resolved {
            Ok(resolution) => {
                case["rc"] == 0 && same_but_for_error_texts(stripped(&resolution.recipe), case["recipe"].clone())
            }
            Err(_) => case["rc"] == 2,
        };
        if !equal {
            let ours = resolved.map(|resolution| stripped(&resolution.recipe)["metadata"].clone());
            different.push(format!("{number} {}: {ours:?}\n  reference {}", case["flags"], case["recipe"]["metadata"]));
        }
    }
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), cases.len(), different.join("\n"));
    println!("{} of {} recipes with a snapshot equal", cases.len() - different.len(), cases.len());
}

/// `--intent training` as dimension and value.
fn flags(flags: &Value) -> Vec<(Dimension, String)> {
    let words: Vec<&str> = flags.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let dimension = |flag: &str| {
        let name = flag.trim_start_matches('-');
        Dimension::ALL
            .into_iter()
            .find(|dimension| dimension.name() == name || name == "gpu" && dimension.name() == "accelerator")
    };
    words.chunks(2).filter_map(|pair| Some((dimension(pair.first()?)?, (*pair.get(1)?).to_owned()))).collect()
}

/// Equal as data; where the reference puts an error of its evaluator into `reason`, our words may differ.
fn same_but_for_error_texts(mut ours: Value, mut theirs: Value) -> bool {
    let warnings = |recipe: &mut Value| recipe["metadata"]["constraintWarnings"].as_array_mut().map(std::mem::take);
    let (Some(mine), Some(reference)) = (warnings(&mut ours), warnings(&mut theirs)) else { return ours == theirs };
    let is_error = |reason: &Value| {
        reason.as_str().is_some_and(|text| text.contains("[INTERNAL]") || text.contains("[NOT_FOUND]"))
    };
    let same = |(mine, reference): (&Value, &Value)| {
        let (mut mine, mut reference) = (mine.clone(), reference.clone());
        if is_error(&reference["reason"]) {
            (mine["reason"], reference["reason"]) = (Value::Null, Value::Null);
        }
        mine == reference
    };
    ours == theirs && mine.len() == reference.len() && mine.iter().zip(&reference).all(same)
}

/// Every values file of the reference's bundles whose folder is named after a component, nothing left out.
#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn bundled_values_equal_the_references() {
    let (catalog, cases) = (reference_catalog(), cases("values-cases"));
    let (mut compared, mut passed_over, mut different) = (0, Vec::new(), Vec::new());
    for case in &cases {
        let resolution = resolve(&catalog, &criteria(case), None, Options::JULY).expect("the case resolves");
        let recipe = &resolution.recipe;
        for (folder, theirs) in case["values"].as_object().into_iter().flatten() {
            // `007-gpu-operator`, and `006-gpu-operator-pre` for manifests of the same component.
            let name = &folder[4..];
            let known = |name: &str| recipe.components.iter().find(|component| component.name == name);
            let around = || ["-pre", "-post"].iter().find_map(|suffix| known(name.strip_suffix(suffix)?));
            let Some(component) = known(name).or_else(around) else {
                passed_over.push(folder.clone());
                continue;
            };
            let ours = aicr::bundle::values::of(&catalog, recipe, component).expect("the values are there").values;
            compared += 1;
            if ours != *theirs {
                different.push(format!("{} {folder}\n  ours   {ours}\n  theirs {theirs}", case["criteria"]));
            }
        }
    }
    assert!(compared > 500, "only {compared} compared");
    assert_eq!(passed_over, [""; 0], "folders of no component");
    assert!(
        different.is_empty(),
        "{} of {compared} differ:\n{}",
        different.len(),
        different[..different.len().min(5)].join("\n")
    );
    println!("{compared} of {compared} values files equal, in {} bundles", cases.len());
}
