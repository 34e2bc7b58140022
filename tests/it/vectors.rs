//! The acceptance vectors of the reference's validation, one row each: which tests show what we want of it. Those that the
//! program alone can show are shown here.

use crate::sandbox::Sandbox;
use serde_json::{Value, json};
use std::path::Path;

/// A vector: its number, its setup, and the tests that show it, as `topic::name` in this crate and `path::name` beside the
/// code.
type Vector = (usize, &'static str, &'static [&'static str]);

const VECTORS: [Vector; 30] = [
    (
        1,
        "a constraint that does not hold",
        &["vectors::readiness_that_does_not_hold_or_is_unknown_stops_before_any_job"],
    ),
    (
        2,
        "a constraint path that is not in the snapshot",
        &["vectors::readiness_that_does_not_hold_or_is_unknown_stops_before_any_job"],
    ),
    (
        3,
        "--no-cluster without --snapshot",
        &["vectors::without_a_cluster_a_snapshot_is_needed_and_only_selected_checks_are_planned"],
    ),
    (
        4,
        "--no-cluster, all phases",
        &["vectors::without_a_cluster_a_snapshot_is_needed_and_only_selected_checks_are_planned"],
    ),
    (
        5,
        "an unknown check in the recipe",
        &[
            "vectors::unknown_checks_and_contradicting_phases_stop_before_anything",
            "src/validate/plan.rs::every_problem_with_declared_checks_is_in_one_error",
        ],
    ),
    (
        6,
        "a recipe without validation",
        &[
            "vectors::a_recipe_without_checks_and_one_whose_checks_all_skip_are_skipped",
            "report::a_run_without_checks_has_an_empty_list_of_tests",
        ],
    ),
    (7, "phases in the order given", &["src/validate/plan.rs::checks_run_in_catalog_order_and_phases_as_given"]),
    (8, "--phase all with another", &["vectors::unknown_checks_and_contradicting_phases_stop_before_anything"]),
    (9, "exit codes 0, 1, 2, 3", &["src/validate/machine.rs::exit_codes_are_verdicts_and_a_bare_two_is_none"]),
    (10, "out of memory", &["src/validate/machine.rs::exit_codes_are_verdicts_and_a_bare_two_is_none"]),
    (
        11,
        "an image that does not exist",
        &[
            "validate::an_image_that_cannot_be_pulled_says_why",
            "real_cluster::an_image_that_cannot_be_pulled_is_reported_within_seconds",
        ],
    ),
    (
        12,
        "an unschedulable pod",
        &[
            "validate::a_pod_that_cannot_be_scheduled_is_given_up_and_the_others_go_on",
            "real_cluster::an_unschedulable_pod_is_reported_within_seconds_and_an_interrupt_cleans_up",
        ],
    ),
    (
        13,
        "a check that goes on past its limit",
        &["steering::a_check_that_goes_on_is_given_up_at_its_limit_and_the_grace_that_the_plan_states"],
    ),
    (
        14,
        "a pod evicted before it started",
        &["src/validate/machine.rs::eviction_vanishing_and_canceling_have_reasons"],
    ),
    (15, "one of several checks fails", &["vectors::one_check_that_fails_fails_the_run_and_stops_no_other"]),
    (16, "--fail-fast", &["validate::a_check_that_is_not_implemented_says_so_and_fail_fast_skips_what_follows"]),
    (17, "--fail-on-error=false", &["vectors::one_check_that_fails_fails_the_run_and_stops_no_other"]),
    (18, "every check skips", &["vectors::a_recipe_without_checks_and_one_whose_checks_all_skip_are_skipped"]),
    (
        19,
        "SIGINT while a check runs",
        &[
            "validate::a_canceled_run_removes_everything_and_still_reports",
            "real_cluster::an_unschedulable_pod_is_reported_within_seconds_and_an_interrupt_cleans_up",
        ],
    ),
    (
        20,
        "a snapshot that no ConfigMap holds",
        &[
            "src/validate/plan.rs::a_snapshot_that_no_config_map_holds_is_left_out_unless_an_image_of_others_is_promised_it",
        ],
    ),
    (21, "--kubeconfig beside KUBECONFIG", &["vectors::the_kubeconfig_of_the_flag_wins_over_that_of_the_environment"]),
    (22, "two runs at once in one namespace", &["checks::two_runs_at_once_create_nothing_of_the_same_name"]),
    (23, "a catalog entry with a bad name", &["vectors::a_catalog_entry_with_a_bad_name_is_an_error_with_its_place"]),
    (
        24,
        "a line of 600 bytes",
        &["src/validate/machine.rs::long_lines_and_many_lines_are_kept_as_the_report_promises"],
    ),
    (25, "1,500 lines", &["src/validate/machine.rs::long_lines_and_many_lines_are_kept_as_the_report_promises"]),
    (26, "another registry", &["src/validate/plan.rs::images_resolve_like_the_references"]),
    (27, "another registry and tag", &["src/validate/plan.rs::images_resolve_like_the_references"]),
    (28, "a digest and another tag", &["src/validate/plan.rs::images_resolve_like_the_references"]),
    (29, "a build between releases", &["src/validate/plan.rs::images_resolve_like_the_references"]),
    (
        30,
        "a required neighbor that is disabled",
        &["src/validate/plan.rs::a_required_neighbor_that_is_not_deployed_stops_that_check_only"],
    ),
];

#[test]
fn every_vector_is_shown_by_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (index, (number, setup, tests)) in VECTORS.iter().enumerate() {
        assert!(*number == index + 1 && !tests.is_empty(), "{setup}");
        for test in *tests {
            let (place, name) = test.split_once("::").expect("a place and a name");
            let path = if place.ends_with(".rs") { place.to_owned() } else { format!("tests/it/{place}.rs") };
            let text = std::fs::read_to_string(root.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(text.contains(&format!("fn {name}(")), "vector {number}: {path} has no {name}");
        }
    }
}

/// A sandbox with a recipe for the demo, changed.
fn with_recipe(change: impl FnOnce(&mut Value)) -> Sandbox {
    let sandbox = Sandbox::new();
    let made = sandbox.aicr(&["recipe", "--service", "kind", "--accelerator", "a100"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let mut recipe = aicr::yaml::parse(&made.stdout).expect("YAML").to_value();
    change(&mut recipe);
    sandbox.file("recipe.yaml", &aicr::yaml::to_string(&recipe));
    sandbox
}

/// Validates it; the exit code and the report, null where none was written.
fn validate(sandbox: &Sandbox, more: &[&str]) -> (i32, Value, String) {
    let run = sandbox.aicr(&[&["validate", "--recipe", "recipe.yaml", "-o", "report.json"], more].concat());
    let report = std::fs::read_to_string(sandbox.home().join("report.json"));
    let report = report.map_or(Value::Null, |text| serde_json::from_str(&text).expect("JSON"));
    (run.code, report, run.stderr)
}

/// `name status` of every test.
fn tests(report: &Value) -> Vec<String> {
    let all = report["results"]["tests"].as_array().cloned().unwrap_or_default();
    let text = |test: &Value, key: &str| test[key].as_str().unwrap_or_default().to_owned();
    all.iter().map(|test| format!("{} {}", text(test, "name"), text(test, "status"))).collect()
}

#[test]
fn readiness_that_does_not_hold_or_is_unknown_stops_before_any_job() {
    for (name, value, status, why) in [
        ("K8s.server.version", ">= 1.99", "failed", "expected >= 1.99, got v1."),
        ("K8s.helm.absent.version", ">= 1.0", "other", "the snapshot does not contain the reading"),
    ] {
        let constraint = json!({"name": name, "value": value});
        let sandbox = with_recipe(|recipe| recipe["constraints"].as_array_mut().expect("constraints").push(constraint));
        let (code, report, _) = validate(&sandbox, &["--demo"]);
        assert_eq!((code, &report["results"]["extra"]["verdict"]), (1, &json!("not-ready")));
        assert_eq!(tests(&report), ["K8s.server.version passed".to_owned(), format!("{name} {status}")]);
        let test = &report["results"]["tests"][1];
        assert!(test["message"].as_str().is_some_and(|message| message.starts_with(why)), "{test:#}");
        let (code, ..) = validate(&sandbox, &["--demo", "--compat-exit-codes"]);
        assert_eq!(code, 2);
    }
}

#[test]
fn without_a_cluster_a_snapshot_is_needed_and_only_selected_checks_are_planned() {
    let sandbox = with_recipe(|_| {});
    let (code, report, _) = validate(&sandbox, &["--no-cluster"]);
    assert_eq!((code, report), (2, Value::Null));
    assert_eq!(sandbox.aicr(&["--demo", "snapshot", "-o", "snapshot.yaml"]).code, 0);
    let (_, report, _) = validate(&sandbox, &["--no-cluster", "--snapshot", "snapshot.yaml"]);
    let all = tests(&report);
    // Nine that the recipe selects, not the two dozen of the catalog.
    assert_eq!(all.len(), 9, "{all:?}");
    assert!(all.iter().all(|test| test.ends_with(" skipped")), "{all:?}");
}

#[test]
fn unknown_checks_and_contradicting_phases_stop_before_anything() {
    let sandbox =
        with_recipe(|recipe| recipe["validation"]["deployment"]["checks"] = json!(["operator-health", "typo"]));
    let (code, report, said) = validate(&sandbox, &["--demo"]);
    assert_eq!((code, report), (2, Value::Null));
    assert!(said.contains("unknown check `typo`"), "{said}");
    let (code, report, said) = validate(&with_recipe(|_| {}), &["--demo", "--phase", "all", "--phase", "deployment"]);
    assert_eq!((code, report), (2, Value::Null));
    assert!(said.contains("--phase all cannot be combined"), "{said}");
}

#[test]
fn a_recipe_without_checks_and_one_whose_checks_all_skip_are_skipped() {
    let without = with_recipe(|recipe| drop(recipe.as_object_mut().expect("a recipe").remove("validation")));
    let (code, report, _) = validate(&without, &["--demo"]);
    assert_eq!((code, &report["results"]["tests"]), (9, &json!([])));
    let skips =
        with_recipe(|recipe| recipe["validation"] = json!({"deployment": {"checks": ["gke-gpu-nic-networks"]}}));
    let (code, report, _) = validate(&skips, &["--demo"]);
    assert_eq!((code, &report["results"]["extra"]["verdict"]), (9, &json!("skipped")));
    assert_eq!(tests(&report), ["gke-gpu-nic-networks skipped"]);
}

#[test]
fn one_check_that_fails_fails_the_run_and_stops_no_other() {
    let sandbox = with_recipe(|_| {});
    let failing = ["--demo", "--fault", "check-fails=platform-health", "--phase", "conformance"];
    let (code, report, _) = validate(&sandbox, &failing);
    let mut all = tests(&report);
    all.sort();
    let expected = [
        "accelerator-metrics passed",
        "ai-service-metrics passed",
        "dra-support passed",
        "gpu-operator-health passed",
        "platform-health failed",
    ];
    assert_eq!((code, all), (1, expected.map(str::to_owned).to_vec()));
    let (code, again, _) = validate(&sandbox, &[&failing[..], &["--fail-on-error=false"]].concat());
    assert_eq!((code, &again["results"]["extra"]["verdict"]), (0, &json!("failed")));
}

#[test]
fn the_kubeconfig_of_the_flag_wins_over_that_of_the_environment() {
    let sandbox = with_recipe(|_| {});
    let other = sandbox.kubeconfig("http://127.0.0.1:1");
    let text = std::fs::read_to_string(&other).expect("a kubeconfig");
    let named = sandbox.file("named", &text.replace("127.0.0.1:1", "127.0.0.1:2"));
    let arguments = ["validate", "--recipe", "recipe.yaml", "--kubeconfig", &named.display().to_string()];
    let output = sandbox.command(&arguments).env("KUBECONFIG", &other).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("127.0.0.1:2") && !said.contains("127.0.0.1:1\n"), "{said}");
}

#[test]
fn a_catalog_entry_with_a_bad_name_is_an_error_with_its_place() {
    let sandbox = with_recipe(|_| {});
    let catalog = "apiVersion: validator.nvidia.com/v1alpha1\nkind: ValidatorCatalog\nmetadata: {name: x, version: '1'}\nvalidators:\n\
                   - {name: Not_A_Label, phase: conformance, image: 'example.com/x:1'}\n";
    sandbox.file("data/validators/catalog.yaml", catalog);
    let (code, report, said) = validate(&sandbox, &["--demo", "--data", "data"]);
    assert_eq!((code, report), (2, Value::Null));
    assert!(said.contains("data/validators/catalog.yaml:5") && said.contains("Not_A_Label"), "{said}");
}
