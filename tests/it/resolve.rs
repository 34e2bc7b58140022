//! Laws of resolution, on the embedded catalog and on small ones made for the purpose.

use crate::sandbox::{Sandbox, golden};
use aicr::{
    catalog::{Catalog, File, Files},
    criteria::{Criteria, Dimension, Query, StatedBy},
    document::{
        header::Edition,
        traced::{LayerKind, Traced, TracedValue, Wrote},
    },
    inventory::{Inventory, Measurement, Record, Scalar, Subtype},
    ops,
    recipe::format,
    resolve::{CoverageRule, Options, Outcome, Resolution, resolve},
    snapshot,
    store::catalog_dir,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::new(catalog_dir::embedded()).expect("the embedded catalog is a catalog"));

fn small(files: &[(&str, &str)]) -> Catalog {
    let mut catalog = Files::default();
    for (path, text) in files {
        catalog.insert(path, File::new(0, *path, (*text).to_owned()));
    }
    Catalog::new(catalog).expect("a catalog")
}

const BASE: (&str, &str) = (
    "overlays/base.yaml",
    "metadata: {name: base}\nspec:\n  constraints: [{name: K8s.server.version, value: '>= 1.25'}]\n  componentRefs:\n  - {name: nfd, type: Helm, source: oci://x, version: 1.0.0, overrides: {a: {z: 1, l: [1, 2], m: {q: 1}}, gone: {x: 1}, s: text}}\n",
);

fn overlay(name: &str, rest: &str) -> String {
    format!("metadata: {{name: {name}}}\nspec:\n{rest}")
}

fn eks() -> Criteria {
    Criteria { service: Some("eks".into()), ..Criteria::default() }
}

#[track_caller]
fn resolved(catalog: &Catalog, criteria: &Criteria) -> Resolution {
    resolve(catalog, criteria, None, Options::LENIENT).expect("the query resolves")
}

/// The references' own example of the deep merge: lists replace, null stays, mappings replace scalars.
#[test]
fn overrides_merge_as_documented() {
    let child = overlay(
        "eks",
        "  criteria: {service: eks}\n  componentRefs:\n  - name: nfd\n    overrides: {a: {z: null, l: [], m: 3}, gone: null, s: {now: map}, new: {n: null}}\n",
    );
    let catalog = small(&[BASE, ("overlays/eks.yaml", &child)]);
    let overrides = Value::Object(resolved(&catalog, &eks()).recipe.components[0].overrides.clone());
    let expected =
        serde_json::json!({"a": {"l": [], "m": 3, "z": null}, "gone": null, "s": {"now": "map"}, "new": {"n": null}});
    assert_eq!(overrides, expected);
}

#[test]
fn a_value_lists_every_layer_that_wrote_it() {
    let parent = overlay("eks", "  criteria: {service: eks}\n  componentRefs: [{name: nfd, version: 2.0.0}]\n");
    let child = overlay(
        "eks-training",
        "  base: eks\n  criteria: {service: eks, intent: training}\n  componentRefs: [{name: nfd, version: 3.0.0}]\n",
    );
    let catalog = small(&[BASE, ("overlays/eks.yaml", &parent), ("overlays/eks-training.yaml", &child)]);
    let query = Criteria { intent: Some("training".into()), ..eks() };
    let told = ops::recipe::explain(&resolved(&catalog, &query), "components.nfd.version").expect("there is a version");
    let rungs: Vec<String> =
        told[0].ladder.iter().map(|rung| format!("{} {:?} {}", rung.layer_name, rung.value, rung.at)).collect();
    assert_eq!(
        rungs,
        [
            "eks-training Some(String(\"3.0.0\")) overlays/eks-training.yaml:5:40",
            "eks Some(String(\"2.0.0\")) overlays/eks.yaml:4:40",
            "base Some(String(\"1.0.0\")) overlays/base.yaml:5:55",
        ]
    );
}

fn cluster(version: &str) -> Inventory {
    let data = [("version".to_owned(), Scalar::Text(version.to_owned()))].into();
    let server = Subtype { name: "server".into(), data, ..Subtype::default() };
    let measurements = vec![Measurement { kind: "K8s".into(), subtypes: vec![server] }];
    snapshot::inventory(Record { measurements, ..Record::default() })
}

/// The reference drops the whole chain; here the deepest ancestor that holds takes the leaf's place.
#[test]
fn a_leaf_that_does_not_hold_falls_back_to_its_ancestor() {
    let version = |text: &str| format!("  constraints: [{{name: K8s.server.version, value: '>= {text}'}}]\n");
    let parent = overlay("eks", &format!("  criteria: {{service: eks}}\n{}", version("1.28")));
    let child = overlay("eks-new", &format!("  base: eks\n  criteria: {{service: eks}}\n{}", version("1.34")));
    let catalog = small(&[BASE, ("overlays/eks.yaml", &parent), ("overlays/eks-new.yaml", &child)]);
    let resolve = |cluster: &Inventory, compat| {
        resolve(&catalog, &eks(), Some(cluster), Options { compat, ..Options::default() }).expect("it resolves")
    };
    assert_eq!(resolve(&cluster("v1.34.1"), false).recipe.applied_overlays, ["base", "eks", "eks-new"]);
    let fallen = resolve(&cluster("v1.30.5"), false);
    assert_eq!(fallen.recipe.applied_overlays, ["base", "eks"]);
    assert_eq!(fallen.recipe.excluded_overlays[0].name, "eks-new");
    let outcome = &fallen.decisions.iter().find(|decision| decision.overlay == "eks-new").expect("it is told").outcome;
    assert!(matches!(outcome, Outcome::Excluded { fallback: Some(fallback), .. } if fallback == "eks"), "{outcome:?}");
    let lost = aicr::ops::recipe::resolve(&catalog, &(&eks()).into(), Some(&cluster("v1.30.5")), Options::default());
    let lost = lost.expect("it resolves").lost;
    let lost: Vec<_> = lost.iter().map(|lost| (lost.path.as_str(), &lost.wanted, &lost.got)).collect();
    let version = |text: &str| Some(Value::from(text));
    assert_eq!(lost, [("constraints[name=K8s.server.version].value", &version(">= 1.34"), &version(">= 1.28"))]);
    assert_eq!(resolve(&cluster("v1.30.5"), true).recipe.applied_overlays, ["base"]);
    // What the cluster does not tell excludes nothing here, and everything in the reference.
    assert_eq!(resolve(&Inventory::default(), false).recipe.applied_overlays, ["base", "eks", "eks-new"]);
    assert_eq!(resolve(&Inventory::default(), true).recipe.applied_overlays, ["base"]);
}

/// Every cluster has a number of nodes, and no overlay speaks of it: only a person can ask for one.
#[test]
fn strict_does_not_ask_for_a_number_of_nodes_that_only_the_snapshot_states() {
    let mut record = snapshot::record(&cluster("v1.34.1")).into_owned();
    let data = [("node-count".to_owned(), Scalar::Int(5))].into();
    let summary = Subtype { name: "summary".into(), data, ..Subtype::default() };
    record.measurements.push(Measurement { kind: "NodeTopology".into(), subtypes: vec![summary] });
    let cluster = snapshot::inventory(record);
    let options = Options { rule: CoverageRule::Strict, ..Options::default() };
    let seen = Query::of(Criteria { nodes: 5, ..eks() }, StatedBy::Snapshot);
    assert!(resolve(&CATALOG, &seen, Some(&cluster), options).is_ok());
    // A person may ask for the number that the cluster has.
    for nodes in ["5", "6"] {
        let mut asked = seen.clone();
        asked.state(Dimension::Nodes, Some(nodes.to_owned()), StatedBy::Flag);
        let refused = resolve(&CATALOG, &asked, Some(&cluster), options).expect_err("a number was asked for");
        assert!(refused.to_string().contains(&format!("nodes `{nodes}`")), "{refused}");
    }
}

/// What the catalog's folder has besides `BASE` and one overlay for eks, and how resolving eks fails.
#[track_caller]
fn refused(rest: &str, part: &str, at: &str) {
    let overlay = overlay("eks", &format!("  criteria: {{service: eks}}\n{rest}"));
    let error = resolve(&small(&[BASE, ("overlays/eks.yaml", &overlay)]), &eks(), None, Options::default());
    let error = error.expect_err("it is refused");
    assert!(error.to_string().contains(part), "{error}");
    assert_eq!(error.at().map(ToString::to_string).as_deref(), Some(at), "{error}");
}

#[test]
fn fields_of_the_wrong_shape_are_refused_with_their_position() {
    let component = |field: &str| format!("  componentRefs: [{{name: nfd, {field}}}]\n");
    refused(&component("patches: [{a: b}]"), "`patches` must be a string", "overlays/eks.yaml:4:41");
    refused(&component("expectedResources: [x]"), "must be a list of mappings", "overlays/eks.yaml:4:51");
    refused(&component("dependencyRefs: x"), "`dependencyRefs` must be a list", "overlays/eks.yaml:4:47");
    let phase = |field: &str| format!("  validation: {{performance: {{nodeSelection: {field}}}}}\n");
    refused(&phase("{maxNodes: many}"), "`maxNodes` must be a whole number", "overlays/eks.yaml:4:56");
    refused(&phase("{selector: {a: [b]}}"), "`a` must be a string", "overlays/eks.yaml:4:60");
}

/// Labels and names are text by type, whatever YAML would read them as.
#[test]
fn text_fields_keep_what_the_file_says() {
    let child = overlay(
        "eks",
        "  criteria: {service: eks}\n  componentRefs:\n  - {name: nfd, expectedResources: [{kind: Job, name: 010}]}\n  \
         validation: {performance: {nodeSelection: {selector: {gpu: true}, maxNodes: 2}}}\n",
    );
    let recipe = resolved(&small(&[BASE, ("overlays/eks.yaml", &child)]), &eks()).recipe;
    assert_eq!(recipe.components[0].expected_resources[0].name, "010");
    let performance = recipe.validation.and_then(|validation| validation.performance).expect("the phase is there");
    let selection = performance.node_selection.expect("nodes are selected");
    assert_eq!((selection.selector["gpu"].as_str(), selection.max_nodes), ("true", Some(2)));
}

#[test]
fn overlays_in_a_circle_are_refused_when_the_query_needs_them() {
    let ring = |name: &str, base: &str| overlay(name, &format!("  base: {base}\n  criteria: {{service: eks}}\n"));
    let catalog = small(&[BASE, ("overlays/a.yaml", &ring("a", "b")), ("overlays/b.yaml", &ring("b", "a"))]);
    let error = resolve(&catalog, &eks(), None, Options::default()).expect_err("a circle");
    assert!(error.to_string().contains("in a circle: a → b → a"), "{error}");
    let compat = resolve(&catalog, &eks(), None, Options { compat: true, ..Options::default() });
    assert_eq!(compat.expect("the reference lets them vanish").recipe.applied_overlays, ["base"]);
    let gke = Criteria { service: Some("gke".into()), ..Criteria::default() };
    assert!(resolve(&catalog, &gke, None, Options::LENIENT).is_ok());
}

#[test]
fn every_overlay_of_the_catalog_has_a_reason() {
    let run = Sandbox::new().aicr(&["explain", "--service", "kind", "--accelerator", "a100"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    golden("explain_decisions", &run.transcript);
    let told = resolved(&CATALOG, &Criteria { service: Some("kind".into()), ..Criteria::default() }).decisions;
    assert_eq!(told.len(), CATALOG.overlays.len() + 1);
}

/// `aicr explain` answers for what is not there any more, too.
#[test]
fn a_value_that_a_layer_removed_is_explained() {
    let values = ("components/nfd/values.yaml", "master: {replicas: 2, debug: true}\n");
    let parent = overlay(
        "eks",
        "  criteria: {service: eks}\n  componentRefs: [{name: nfd, valuesFile: components/nfd/values.yaml}]\n  \
         validation: {performance: {checks: [nccl, storage]}}\n",
    );
    let child = overlay(
        "eks-training",
        "  base: eks\n  criteria: {service: eks, intent: training}\n  componentRefs: [{name: nfd, overrides: {master: \
         {debug: null}}}]\n  validation: {performance: {checks: []}}\n",
    );
    let files = [BASE, values, ("overlays/eks.yaml", &parent), ("overlays/eks-training.yaml", &child)];
    let resolution = resolved(&small(&files), &Criteria { intent: Some("training".into()), ..eks() });
    let told = |selector: &str| -> Vec<String> {
        let explained = ops::recipe::explain(&resolution, selector).expect("it is told");
        let rungs = explained[0].ladder.iter().filter(|rung| rung.value.is_some());
        rungs.map(|rung| format!("{} {}", rung.layer_name, rung.value.as_ref().expect("it spoke"))).collect()
    };
    assert_eq!(told("components.nfd.values.master.debug"), ["eks-training null", "components/nfd/values.yaml true"]);
    assert_eq!(told("validation.performance.checks"), ["eks-training null", r#"eks ["nccl","storage"]"#]);
    let failure = ops::recipe::query(&resolution, "components.nfd.values.master.debug").expect_err("it is gone");
    assert!(failure.hint.as_deref().is_some_and(|hint| hint.contains("eks-training")), "{failure:?}");
    let performance = resolution.recipe.validation.and_then(|validation| validation.performance);
    assert_eq!(performance, Some(Default::default()));
}

#[test]
fn a_criterion_that_is_not_honored_is_an_error_and_a_warning_when_lenient() {
    let query = Criteria { platform: Some("runai".into()), ..eks() };
    let coverage = resolved(&CATALOG, &query).coverage;
    let told: Vec<_> = coverage.iter().map(|entry| (entry.dimension.name(), entry.honored_by.as_deref())).collect();
    assert_eq!(told, [("service", Some("eks")), ("platform", None)]);
    let refused = resolve(&CATALOG, &query, None, Options::default()).expect_err("runai is honored by nobody");
    assert_eq!(refused.to_string(), "no overlay provides platform `runai` for service=eks platform=runai");
}

/// The texts of the reference: one open dimension, several sets, nothing that helps, and two at once.
#[test]
fn what_would_complete_a_dimension_that_is_not_honored_is_named() {
    let overlays = [
        ("eks", "{service: eks}"),
        ("a", "{service: eks, accelerator: h100, intent: training}"),
        ("b", "{service: eks, accelerator: h100, intent: inference}"),
        ("c", "{service: eks, accelerator: a100, intent: training, os: ubuntu}"),
        ("d", "{service: gke, accelerator: a100, intent: inference}"),
        // Larger than `c` in every way, so it completes nothing that `c` does not.
        ("e", "{service: eks, accelerator: a100, intent: training, os: ubuntu, platform: slurm}"),
        ("f", "{accelerator: a100, platform: nim}"),
    ];
    let texts = overlays
        .map(|(name, criteria)| (format!("overlays/{name}.yaml"), overlay(name, &format!("  criteria: {criteria}\n"))));
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let catalog = small(&[&[BASE][..], &files].concat());
    #[track_caller]
    fn told(catalog: &Catalog, criteria: Criteria, expected: &str) {
        let refused = resolve(catalog, &criteria, None, Options::default()).expect_err("it is not honored");
        assert_eq!(refused.to_string(), expected);
    }
    let of = |accelerator: &str| Criteria { accelerator: Some(accelerator.into()), ..eks() };
    told(
        &catalog,
        of("h100"),
        "accelerator `h100` for service=eks accelerator=h100 requires intent (valid: inference, training)",
    );
    told(
        &catalog,
        of("a100"),
        "accelerator `a100` requires additional criteria; supported combinations: (platform=nim), (intent=training, os=ubuntu)",
    );
    told(
        &catalog,
        Criteria { platform: Some("nim".into()), ..of("b200") },
        "no overlay provides accelerator `b200` for service=eks accelerator=b200 platform=nim; no overlay provides \
         platform `nim` for service=eks accelerator=b200 platform=nim",
    );
    // Compatible with July, and lenient: it changes nothing.
    for options in [Options::JULY, Options::LENIENT] {
        let recipe = resolve(&catalog, &of("b200"), None, options).expect("it resolves").recipe;
        assert_eq!(recipe.applied_overlays, ["base", "eks"]);
    }
}

#[test]
fn what_only_a_snapshot_states_and_nothing_honors_is_opened_and_recorded() {
    let catalog = small(&[BASE, ("overlays/eks.yaml", &overlay("eks", "  criteria: {service: eks}\n"))]);
    let mut seen = Query::of(Criteria { os: Some("rhel".into()), ..eks() }, StatedBy::Snapshot);
    let cluster = cluster("v1.34.1");
    let resolved = ops::recipe::resolve(&catalog, &seen, Some(&cluster), Options::default()).expect("it resolves");
    let resolution = resolved.resolution;
    assert_eq!((resolution.recipe.criteria.os.as_deref(), resolution.relaxed.len()), (None, 1));
    assert_eq!(resolution.recipe.extra["relaxed"], json!([{"dimension": "os", "value": "rhel"}]));
    let strict = Options { rule: CoverageRule::Strict, ..Options::default() };
    assert!(resolve(&catalog, &seen, Some(&cluster), strict).is_err());
    // What a person states is never opened, and what the snapshot states is not opened beside it.
    seen.state(Dimension::Intent, Some("training".into()), StatedBy::Flag);
    let refused = resolve(&catalog, &seen, Some(&cluster), Options::default()).expect_err("training is asked for");
    assert!(refused.to_string().contains("intent `training`"), "{refused}");
}

#[test]
fn a_dimension_that_only_excluded_overlays_are_for_names_them() {
    let new = overlay(
        "eks-new",
        "  criteria: {service: eks, intent: training}\n  constraints: [{name: K8s.server.version, value: '>= 1.34'}]\n",
    );
    let old = overlay("eks", "  criteria: {service: eks}\n");
    let catalog = small(&[BASE, ("overlays/eks.yaml", &old), ("overlays/eks-new.yaml", &new)]);
    let query = Criteria { intent: Some("training".into()), ..eks() };
    let refused = resolve(&catalog, &query, Some(&cluster("v1.30.5")), Options::default());
    assert_eq!(
        refused.expect_err("its constraint fails").to_string(),
        "intent `training` is provided only by overlays that the snapshot's readings exclude: eks-new \
         (K8s.server.version is v1.30.5, needs >= 1.34)"
    );
}

/// A catalog of EKS, whose overlay for Ubuntu needs 1.34, with these files besides.
fn eks_on_ubuntu(more: &[(&str, &str)]) -> Catalog {
    let eks = overlay("eks", "  criteria: {service: eks}\n");
    let ubuntu = overlay(
        "eks-ubuntu",
        "  base: eks\n  criteria: {service: eks, os: ubuntu}\n  constraints: [{name: K8s.server.version, value: '>= 1.34'}]\n",
    );
    let own = [BASE, ("overlays/eks.yaml", eks.as_str()), ("overlays/eks-ubuntu.yaml", ubuntu.as_str())];
    small(&[&own[..], more].concat())
}

#[test]
fn an_overlay_that_a_snapshot_excluded_is_named_where_its_value_was_opened() {
    let catalog = eks_on_ubuntu(&[]);
    let seen = Query::of(Criteria { os: Some("ubuntu".into()), ..eks() }, StatedBy::Snapshot);
    let resolved = ops::recipe::resolve(&catalog, &seen, Some(&cluster("v1.30.5")), Options::default());
    let ops::recipe::Resolved { resolution, lost } = resolved.expect("it resolves");
    assert_eq!(resolution.recipe.criteria.os, None);
    let opened = json!([{"dimension": "os", "value": "ubuntu", "excluded": ["eks-ubuntu"]}]);
    assert_eq!(resolution.recipe.extra["relaxed"], opened);
    let excluded: Vec<&str> = resolution.recipe.excluded_overlays.iter().map(|overlay| overlay.name.as_str()).collect();
    assert_eq!(excluded, ["eks-ubuntu"]);
    let warnings: Vec<_> =
        resolution.recipe.constraint_warnings.iter().map(|warning| (&*warning.overlay, &*warning.reason)).collect();
    assert_eq!(warnings, [("eks-ubuntu", "expected >= 1.34, got v1.30.5")]);
    let decision = resolution.decisions.iter().find(|decision| decision.overlay == "eks-ubuntu").expect("it is told");
    assert_eq!(decision.outcome.to_string(), "K8s.server.version is v1.30.5, needs >= 1.34, eks instead");
    // The rule that would fail is what the recipe lacks.
    let lost: Vec<&str> = lost.iter().map(|lost| lost.path.as_str()).collect();
    assert_eq!(lost, ["constraints[name=K8s.server.version].value"]);
}

#[test]
fn a_snapshot_is_not_told_to_state_the_os_that_it_states() {
    let any = overlay("h100-any", "  criteria: {accelerator: h100}\n");
    let catalog = eks_on_ubuntu(&[("overlays/h100-any.yaml", &any)]);
    let h100 = Criteria { accelerator: Some("h100".into()), ..eks() };
    let on = |os: &str| Query::of(Criteria { os: Some(os.into()), ..h100.clone() }, StatedBy::Snapshot);
    let refused = |query: &Query| {
        let refused = resolve(&catalog, query, Some(&cluster("v1.30.5")), Options::default());
        refused.expect_err("no overlay for the OS applies")
    };
    let old = refused(&on("ubuntu"));
    assert_eq!(
        old.to_string(),
        "os `ubuntu` is provided only by overlays that the snapshot's readings exclude: eks-ubuntu \
         (K8s.server.version is v1.30.5, needs >= 1.34)"
    );
    let hint = old.hint().expect("there is something to do");
    assert!(hint.contains("--lenient") && !hint.contains("--os"), "{hint}");
    let other = refused(&on("rhel")).to_string();
    assert_eq!(other, "no overlay provides os `rhel` for service=eks accelerator=h100 os=rhel");
}

/// Completions are no way out where the snapshot excluded what was there: they come second.
#[test]
fn an_excluded_overlay_is_the_cause_before_what_else_could_be_stated() {
    let training =
        overlay("training", "  base: eks-ubuntu\n  criteria: {service: eks, os: ubuntu, intent: training}\n");
    let any = overlay("h100-any", "  criteria: {accelerator: h100}\n");
    let catalog = eks_on_ubuntu(&[("overlays/h100-any.yaml", &any), ("overlays/training.yaml", &training)]);
    let query = Criteria { accelerator: Some("h100".into()), os: Some("ubuntu".into()), ..eks() };
    let refused = resolve(&catalog, &query, Some(&cluster("v1.30.5")), Options::default());
    let refused = refused.expect_err("its constraint fails");
    assert!(refused.to_string().contains("exclude: eks-ubuntu (K8s.server.version is v1.30.5"), "{refused}");
    assert_eq!(
        refused.hint().as_deref(),
        Some(
            "let the cluster meet these constraints, state more (intent=training), or resolve with --lenient, without \
             what is not honored"
        )
    );
}

fn criteria() -> impl Strategy<Value = Criteria> {
    let choose = |dimension: Dimension| {
        let values = CATALOG.criteria_values(dimension);
        prop_oneof![1 => Just(None), 3 => prop::sample::select(values).prop_map(Some)]
    };
    (
        choose(Dimension::Service),
        choose(Dimension::Accelerator),
        choose(Dimension::Os),
        choose(Dimension::Intent),
        choose(Dimension::Platform),
    )
        .prop_map(|(service, accelerator, os, intent, platform)| Criteria {
            profile: None,
            configuration: Box::default(),
            service,
            accelerator,
            os,
            intent,
            platform,
            nodes: 0,
        })
}

/// Every scalar, list and empty mapping below a value.
fn leaves<'d>(value: &'d Traced, found: &mut Vec<&'d Traced>) {
    match &value.value {
        TracedValue::Map(entries) if !entries.is_empty() => entries.iter().for_each(|(_, child)| leaves(child, found)),
        TracedValue::List(items) if !items.is_empty() => items.iter().for_each(|item| leaves(item, found)),
        _ => found.push(value),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_same_query_gives_the_same_bytes(query in criteria()) {
        let answer = |catalog: &Catalog| {
            resolve(catalog, &query, None, Options::default()).map(|resolution| format::to_json(&resolution.recipe, Edition::V1))
        };
        prop_assert_eq!(answer(&CATALOG), answer(&CATALOG));
    }

    /// Files are read in path order, so renaming them is reordering them.
    #[test]
    fn the_order_of_files_is_irrelevant(query in criteria(), seed in any::<u64>()) {
        let mut renamed = Files::default();
        for (index, (path, file)) in catalog_dir::embedded().iter().enumerate() {
            let overlay = path.strip_prefix("overlays/").filter(|name| *name != "base.yaml");
            let path = match overlay {
                Some(name) => format!("overlays/{:04}-{name}", (index as u64).wrapping_mul(seed | 1) % 9973),
                None => path.to_owned(),
            };
            renamed.insert(&path, file.clone());
        }
        let catalog = Catalog::new(renamed).expect("a catalog");
        let answer = |catalog: &Catalog| {
            resolve(catalog, &query, None, Options::default()).map(|resolution| format::to_json(&resolution.recipe, Edition::V1))
        };
        prop_assert_eq!(answer(&CATALOG), answer(&catalog));
    }

    /// A query that says more still gets every overlay that it got before.
    #[test]
    fn a_more_specific_query_never_loses_a_layer(query in criteria(), more in criteria()) {
        let mut specific = query.clone();
        for dimension in Dimension::ALL {
            if specific.get(dimension).is_none() {
                specific.set(dimension, more.get(dimension));
            }
        }
        let applied = |query: &Criteria| {
            resolve(&CATALOG, query, None, Options::default()).ok().map(|resolution| resolution.recipe.applied_overlays)
        };
        if let (Some(general), Some(specific)) = (applied(&query), applied(&specific)) {
            for layer in general {
                prop_assert!(specific.contains(&layer), "{} lost {layer}", query);
            }
        }
    }

    /// Every layer's words, spoken again in order of precedence, make the document; values that nobody wrote are aside.
    #[test]
    fn provenance_rebuilds_the_document(query in criteria()) {
        let Ok(resolution) = resolve(&CATALOG, &query, None, Options::default()) else { return Ok(()) };
        let mut words = Vec::new();
        spoken(&resolution, &mut Vec::new(), &resolution.document, &mut words);
        for (path, value) in &resolution.removed {
            let mut path = path.segments.iter().map(ToString::to_string).collect();
            spoken(&resolution, &mut path, value, &mut words);
        }
        words.sort_by_key(|(rank, ..)| *rank);
        let mut rebuilt = Value::Null;
        for (_, path, wrote) in words {
            match wrote {
                Wrote::Set(value) => put(&mut rebuilt, &path, value.clone()),
                Wrote::Removed => put(&mut rebuilt, &path, Value::Null),
                Wrote::Appended => {}
            }
        }
        for (path, _) in &resolution.removed {
            take(&mut rebuilt, &path.segments.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
        prop_assert_eq!(rebuilt, written(&resolution.document));
    }
}

type Word<'r> = ((u8, usize), Vec<String>, &'r Wrote);

/// Every word of a value and of all below it, parents first, with the precedence of who spoke.
fn spoken<'r>(resolution: &Resolution, path: &mut Vec<String>, value: &'r Traced, words: &mut Vec<Word<'r>>) {
    let rank = |layer: usize| match resolution.layers[layer].kind {
        LayerKind::RegistryDefault => (0, 0),
        LayerKind::ValuesFile => (1, layer),
        _ => (2, layer),
    };
    words.extend(value.history.iter().map(|origin| (rank(origin.layer), path.clone(), &origin.wrote)));
    let mut below = |step: String, child: &'r Traced| {
        path.push(step);
        spoken(resolution, path, child, words);
        path.pop();
    };
    match &value.value {
        TracedValue::Map(entries) => entries.iter().for_each(|(key, child)| below(key.to_string(), child)),
        TracedValue::List(items) => {
            items.iter().enumerate().for_each(|(index, child)| below(format!("[{index}]"), child));
        }
        TracedValue::Scalar(_) => {}
    }
}

/// Sets what stands at a path; whatever is in the way becomes a mapping or a list.
fn put(at: &mut Value, path: &[String], value: Value) {
    let Some((step, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    let index: Option<usize> =
        step.strip_prefix('[').and_then(|step| step.strip_suffix(']')).and_then(|step| step.parse().ok());
    match index {
        Some(index) => {
            if !at.is_array() {
                *at = Value::Array(Vec::new());
            }
            let list = at.as_array_mut().expect("it is a list now");
            let length = list.len().max(index + 1);
            list.resize(length, Value::Null);
            put(&mut list[index], rest, value);
        }
        None => {
            if !at.is_object() {
                *at = Value::Object(Default::default());
            }
            put(
                at.as_object_mut().expect("it is a mapping now").entry(step.clone()).or_insert(Value::Null),
                rest,
                value,
            );
        }
    }
}

fn take(at: &mut Value, path: &[String]) {
    match path {
        [last] => drop(at.as_object_mut().and_then(|map| map.remove(last))),
        [step, rest @ ..] => at.get_mut(step).into_iter().for_each(|child| take(child, rest)),
        [] => {}
    }
}

/// The value without what no layer wrote; a list that a layer emptied is null, as its last word says.
fn written(value: &Traced) -> Value {
    let is_written = |child: &&(_, Traced)| {
        let mut found = Vec::new();
        leaves(&child.1, &mut found);
        found.iter().any(|leaf| !leaf.history.is_empty())
    };
    match (&value.value, value.history.last().map(|origin| &origin.wrote)) {
        (_, Some(Wrote::Removed)) => Value::Null,
        (TracedValue::Map(entries), _) => Value::Object(
            entries.iter().filter(is_written).map(|(key, child)| (key.to_string(), written(child))).collect(),
        ),
        (TracedValue::List(items), _) => items.iter().map(written).collect(),
        (TracedValue::Scalar(scalar), _) => scalar.clone(),
    }
}

#[test]
fn the_embedded_catalog_has_no_findings() {
    let findings = aicr::lint::lint(&catalog_dir::embedded());
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", shown.join("\n"));
}
