//! `aicr upgrade-check` as a person sees it, on a small catalog with upgrade records.

use crate::sandbox::{Run, Sandbox, golden};
use aicr::upgrade::{Reason, Verdict};
use std::{collections::BTreeSet, fs};

pub const REGISTRY: &str = "\
kind: ComponentRegistry
apiVersion: aicr.run/v1beta1
components:
- name: driver
  upgrades: {file: components/driver/upgrades.yaml}
  helm: {defaultRepository: https://charts.example, defaultChart: driver, defaultVersion: v2.0.3, defaultNamespace: gpu}
- name: metrics
  helm: {defaultRepository: https://charts.example, defaultChart: metrics, defaultVersion: 1.1.0, defaultNamespace: metrics}
- name: queue
  helm: {defaultRepository: https://charts.example, defaultChart: queue, defaultVersion: 1.0.0, defaultNamespace: queue}
";

pub const BASE: &str = "\
kind: RecipeMetadata
apiVersion: aicr.run/v1beta1
metadata: {name: base}
spec:
  componentRefs:
  - {name: driver, type: Helm, overrides: {replicas: 3, image: {tag: \"2\"}}}
  - {name: metrics, type: Helm}
  - {name: queue, type: Helm}
";

pub const KIND: &str = "\
kind: RecipeMetadata
apiVersion: aicr.run/v1beta1
metadata: {name: kind}
spec: {criteria: {service: kind}}
";

pub const RECORD: &str = "\
apiVersion: aicr.run/v1beta1
kind: ComponentUpgrades
component: driver
transitions:
- {from: <1.2.0, to: '>=1.2.0 <2.0.0', verdict: safe, verifiedBy: a run, summary: a patch}
- from: '>=1.2.0 <2.0.0'
  to: '>=2.0.0 <2.1.0'
  verdict: manual
  summary: the kind Driver becomes Gpu
  precondition: no Driver is being changed
  affectedResources: [{group: '', kinds: [ConfigMap]}, {group: gpu.example, kinds: [Driver]}]
  stepsByDeployer:
  - deployers: [helm, helmfile]
    steps: [{id: delete-old, description: kubectl delete crd drivers, reason: both claim one short name}]
  - steps: [{id: sync, description: sync the application}]
";

/// A folder with the catalog, and what was installed before.
fn sandbox(record: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let home = sandbox.home();
    for folder in ["cat/overlays", "cat/components/driver"] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    for (path, text) in [
        ("cat/registry.yaml", REGISTRY),
        ("cat/overlays/base.yaml", BASE),
        ("cat/overlays/kind.yaml", KIND),
        ("cat/components/driver/upgrades.yaml", record),
        ("installed.yaml", &installed("v1.5.0", "metrics")),
    ] {
        fs::write(home.join(path), text).unwrap();
    }
    sandbox
}

/// A recipe with a driver of that version and metrics in that namespace.
fn installed(driver: &str, namespace: &str) -> String {
    format!(
        "kind: RecipeResult\napiVersion: aicr.run/v1\nmetadata: {{version: '1'}}\ncriteria: {{service: kind}}\ncomponentRefs:\n\
         - {{name: driver, type: Helm, source: 'https://charts.example', chart: driver, version: {driver}, \
         namespace: gpu, overrides: {{replicas: 2, image: {{tag: \"2\"}}}}}}\n\
         - {{name: metrics, type: Helm, source: 'https://charts.example', chart: metrics, version: 1.1.0, \
         namespace: {namespace}}}\n\
         - {{name: old, type: Helm, source: 'https://charts.example', chart: example/old, version: 1.0.0, namespace: old}}\n\
         deploymentOrder: [driver, metrics, old]\n"
    )
}

fn check(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let verb = ["--catalog", "cat", "upgrade-check", "--from", "installed.yaml"];
    sandbox.aicr(&[&verb[..], arguments].concat())
}

/// Rancher Fleet and Terraform have the steps of the group that names no deployer.
#[test]
fn steps_are_shown_for_every_deployer_that_bundles_are_made_for() {
    let sandbox = Sandbox::new();
    let recipe = sandbox.aicr(&["recipe", "--service", "kind", "--accelerator", "a100", "-o", "recipe.yaml"]);
    assert_eq!(recipe.code, 0, "{}", recipe.transcript);
    // Argo CD has no applications on the demo cluster.
    for deployer in aicr::bundle::deployer::names().into_iter().filter(|name| !name.starts_with("argocd")) {
        let line = ["--demo", "upgrade-check", "--from", "cluster", "--to", "recipe.yaml", "-d", deployer];
        let run = sandbox.aicr(&line);
        assert!(run.code == 2 && run.stdout.contains("manual across 1 minor, "), "{}", run.transcript);
        assert!(!run.stdout.contains("minor, 0 steps"), "{}", run.transcript);
    }
}

#[test]
fn a_recipe_is_held_against_what_the_catalog_resolves_now() {
    let run = check(&sandbox(RECORD), &["--deployer", "helm"]);
    assert_eq!(run.code, 2, "{}", run.transcript);
    golden("upgrade_table", &run.transcript);
}

#[test]
fn the_report_for_programs_and_for_a_ticket() {
    let sandbox = sandbox(RECORD);
    let run = check(&sandbox, &["-d", "flux", "-t", "json", "--fail-on-error=false"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    golden("upgrade_json", &run.transcript);
    let run = check(&sandbox, &["-d", "flux", "-t", "markdown", "--fail-on-error=false"]);
    golden("upgrade_markdown", &run.transcript);
}

#[test]
fn what_moves_is_another_component() {
    let sandbox = sandbox(RECORD);
    fs::write(sandbox.home().join("installed.yaml"), installed("v2.0.3", "elsewhere")).unwrap();
    let run = check(&sandbox, &[]);
    assert_eq!(run.code, 2, "{}", run.transcript);
    assert!(run.stdout.contains("moved: namespace from elsewhere to metrics"), "{}", run.transcript);
}

#[test]
fn steps_need_a_deployer_and_a_broken_record_is_no_record_never() {
    let run = check(&sandbox(RECORD), &[]);
    assert!(run.code == 2 && run.stderr.contains("they differ by deployer"), "{}", run.transcript);
    let run = check(&sandbox(&RECORD.replace("summary: a patch", "sumary: a patch")), &["-d", "helm"]);
    let named =
        run.stderr.contains("cat/components/driver/upgrades.yaml:5:") && run.stderr.contains("did you mean summary?");
    assert!(run.code == 2 && named, "{}", run.transcript);
}

#[test]
fn a_bundle_brings_its_deployer_and_the_names_of_its_objects() {
    let sandbox = sandbox(RECORD);
    let bundle = sandbox.home().join("bundle");
    fs::create_dir_all(bundle.join("001-metrics")).unwrap();
    fs::write(bundle.join("recipe.yaml"), installed("v2.0.3", "metrics")).unwrap();
    fs::write(bundle.join("001-metrics/values.yaml"), "sub: {fullnameOverride: old-name}\n").unwrap();
    let info = "apiVersion: aicr.run/v1\nkind: BundleInfo\nbuild: {deployer: helm}\nlayout:\n  releases:\n  \
                - {name: metrics, component: metrics, namespace: metrics, path: PATH}\n";
    let run = |path: &str| {
        fs::write(bundle.join("bundle-info.yaml"), info.replace("PATH", path)).unwrap();
        sandbox.aicr(&["--catalog", "cat", "upgrade-check", "--from", "bundle"])
    };
    let moved = run("001-metrics");
    let told = "moved: sub.fullnameOverride from old-name to (none)";
    assert!(moved.code == 2 && moved.stdout.contains(told), "{}", moved.transcript);
    let outside = run("../x");
    assert!(outside.code == 2 && outside.stderr.contains("outside the bundle"), "{}", outside.transcript);
    fs::remove_file(bundle.join("recipe.yaml")).unwrap();
    let neither = run("001-metrics");
    assert!(neither.code == 3 && neither.stderr.contains("neither a recipe nor a bundle"), "{}", neither.transcript);
}

#[test]
fn a_cluster_is_read_by_its_releases_and_objects_at_risk_are_named() {
    let sandbox = Sandbox::new();
    let recipe = sandbox.aicr(&["recipe", "--service", "kind", "--accelerator", "a100", "-o", "recipe.yaml"]);
    assert_eq!(recipe.code, 0, "{}", recipe.transcript);
    let verb = ["--demo", "upgrade-check", "--from", "cluster"];
    let run = sandbox.aicr(&[&verb[..], &["--to", "recipe.yaml", "--deployer", "helm"]].concat());
    golden("upgrade_cluster", &run.transcript);
    for (arguments, missing) in [(&["--to", "recipe.yaml"][..], "--deployer"), (&["-d", "helm"], "--to")] {
        let run = sandbox.aicr(&[&verb[..], arguments].concat());
        assert!(run.code == 2 && run.stderr.contains(missing), "{}", run.transcript);
    }
}

/// Upgrades of one component that come to every verdict for every reason: the record, installed and wanted, namespaces
/// installed and wanted, and what is said.
pub struct Case {
    /// What is replaced in [`RECORD`].
    pub record: (&'static str, &'static str),
    pub versions: (&'static str, &'static str),
    pub namespaces: (&'static str, &'static str),
    pub expected: &'static str,
}

const fn case(from: &'static str, to: &'static str, expected: &'static str) -> Case {
    Case { record: ("", ""), versions: (from, to), namespaces: ("gpu", "gpu"), expected }
}

/// For the component `driver`, but for the last: `queue` has no record.
pub const CASES: [Case; 14] = [
    case("1.1.0", "1.2.3", "safe/recorded"),
    case("1.5.0", "2.0.3", "manual/recorded"),
    Case { record: ("verdict: manual", "verdict: blocked"), ..case("1.5.0", "2.0.3", "blocked/recorded") },
    Case { record: ("verdict: manual", "verdict: blocked"), ..case("1.1.0", "2.0.3", "blocked/record-blocks") },
    case("1.2.0", "1.9.0", "unknown/no-boundary-crossed"),
    case("1.1.0", "2.0.3", "blocked/multiple-boundaries"),
    case("1.2.0", "2.5.0", "blocked/beyond-record-ceiling"),
    case("2.0.3", "2.5.0", "blocked/beyond-record-ceiling"),
    case("2.0.3", "2.0.1", "unknown/downgrade"),
    case("1.2.0", "1.3", "unversioned/not-comparable"),
    Case { record: ("from: <1.2.0", "from: '>=1.0.0 <1.2.0'"), ..case("0.9.0", "1.2.3", "blocked/undefined-origin") },
    Case { namespaces: ("gpu", "other"), ..case("1.2.0", "1.2.0", "unknown/identity-changed") },
    Case { namespaces: ("gpu", "other"), ..case("1.1.0", "1.2.3", "unknown/identity-changed") },
    case("1.0.0", "2.0.0", "unknown/no-record"),
];

impl Case {
    /// The record of `driver`.
    pub fn record(&self) -> String {
        let (from, to) = self.record;
        assert!(RECORD.contains(from), "{from}");
        if from.is_empty() { RECORD.to_owned() } else { RECORD.replacen(from, to, 1) }
    }

    pub fn component(&self) -> &'static str {
        if self.expected.ends_with("no-record") { "queue" } else { "driver" }
    }

    /// A recipe that wants one version of the component in a namespace, and nothing else.
    pub fn recipe(&self, version: &str, namespace: &str) -> String {
        let name = self.component();
        format!(
            "kind: RecipeResult\napiVersion: aicr.run/v1\nmetadata: {{version: '1'}}\ncriteria: {{service: kind}}\n\
             componentRefs:\n- {{name: {name}, type: Helm, source: 'https://charts.example', chart: {name}, \
             version: '{version}', namespace: {namespace}}}\ndeploymentOrder: [{name}]\n"
        )
    }

    /// What a report says of it, as `verdict/reason`.
    pub fn said(&self, report: &str) -> String {
        let report: serde_json::Value =
            serde_json::from_str(report).unwrap_or_else(|error| panic!("{error}: {report}"));
        let rows = report["components"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["component"] == self.component()).expect("a row");
        format!("{}/{}", row["verdict"].as_str().unwrap_or("-"), row["reason"].as_str().unwrap_or("-"))
    }
}

/// All that can be said is said by the cases.
pub fn all_said(said: &BTreeSet<String>) {
    for verdict in Verdict::ALL {
        assert!(said.iter().any(|said| said.starts_with(verdict.name())), "{verdict:?} is not in {said:?}");
    }
    for reason in Reason::ALL {
        assert!(said.iter().any(|said| said.ends_with(reason.code())), "{reason:?} is not in {said:?}");
    }
}

#[test]
fn every_verdict_and_every_reason_is_said_of_files() {
    let sandbox = sandbox(RECORD);
    let mut said = BTreeSet::new();
    for case in &CASES {
        let ((from, to), (here, there)) = (case.versions, case.namespaces);
        sandbox.file("cat/components/driver/upgrades.yaml", &case.record());
        sandbox.file("from.yaml", &case.recipe(from, here));
        sandbox.file("to.yaml", &case.recipe(to, there));
        let verb = ["--catalog", "cat", "upgrade-check", "--from", "from.yaml", "--to", "to.yaml"];
        let run = sandbox.aicr(&[&verb[..], &["-d", "helm", "-t", "json"]].concat());
        assert_eq!(run.code, if case.expected.starts_with("safe") { 0 } else { 2 }, "{}", run.transcript);
        assert_eq!(case.said(&run.stdout), case.expected, "{from} to {to}");
        said.insert(case.expected.to_owned());
    }
    all_said(&said);
}

#[test]
fn what_may_not_be_listed_is_said_next_to_the_verdicts() {
    let sandbox = sandbox(&RECORD.replace("kinds: [ConfigMap]", "kinds: [Secret]"));
    let fault = ["--catalog", "cat", "--demo", "--fault", "forbidden=list:secrets"];
    let run = sandbox
        .aicr(&[&fault[..], &["upgrade-check", "-f", "installed.yaml", "-d", "helm", "--scan-cluster"]].concat());
    assert!(run.stdout.contains("driver") && run.stdout.contains("core/Secret: not examined: "), "{}", run.transcript);
    assert!(run.code == 4 && run.stderr.contains("failed to list objects of kind Secret"), "{}", run.transcript);
    let cluster = ["upgrade-check", "-f", "cluster", "--to", "installed.yaml", "-d", "helm"];
    let run = sandbox.aicr(&[&fault[..], &cluster].concat());
    assert!(run.code == 4 && run.stderr.contains("right to list secrets and configmaps"), "{}", run.transcript);
}

#[test]
fn what_is_installed_stays_where_it_is_and_versions_are_new() {
    let sandbox = sandbox(RECORD);
    fs::write(sandbox.home().join("installed.yaml"), installed("v1.5.0", "elsewhere")).unwrap();
    let verb = |verb: &str, rest: &[&str]| {
        let query = ["--catalog", "cat", verb, "--service", "kind", "--inherit-from", "installed.yaml"];
        sandbox.aicr(&[&query[..], rest].concat())
    };
    let run = verb("recipe", &["-o", "new.yaml"]);
    assert!(
        run.code == 0 && run.stderr.contains("names of objects stay those of the new recipe"),
        "{}",
        run.transcript
    );
    let recipe = fs::read_to_string(sandbox.home().join("new.yaml")).unwrap();
    let recipe: serde_json::Value = aicr::yaml::parse(&recipe).unwrap().to_value();
    let inherited = serde_json::json!({"from": "installed.yaml",
        "kept": [{"component": "metrics", "field": "namespace", "value": "elsewhere"}],
        "namesUnknown": "object names are known only of a bundle with `bundle-info.yaml`"});
    assert_eq!(recipe["aicr"]["inherited"], inherited);
    assert_eq!(verb("query", &["components.metrics.namespace"]).stdout, "elsewhere\n");
    assert_eq!(verb("query", &["components.driver.version"]).stdout, "v2.0.3\n");
    golden("inherit_explain", &verb("explain", &["components.metrics.namespace"]).transcript);
    // Nothing moves any more.
    let check = ["--catalog", "cat", "upgrade-check", "--from", "installed.yaml", "--to", "new.yaml", "-d", "helm"];
    let run = sandbox.aicr(&check);
    assert!(run.stdout.contains("manual") && !run.stdout.contains("  moved: "), "{}", run.transcript);
}

#[test]
fn a_bundle_keeps_the_names_of_its_objects() {
    let sandbox = sandbox(RECORD);
    sandbox.file("bundle/recipe.yaml", &installed("v2.0.3", "metrics"));
    sandbox.file("bundle/001-metrics/values.yaml", "sub: {fullnameOverride: old-name}\n");
    let info = "apiVersion: aicr.run/v1\nkind: BundleInfo\nbuild: {deployer: helm}\nlayout:\n  releases:\n  \
                - {name: metrics, component: metrics, namespace: metrics, path: 001-metrics}\n";
    sandbox.file("bundle/bundle-info.yaml", info);
    let query = ["--catalog", "cat", "query", "--service", "kind", "--inherit-from", "bundle"];
    let run = sandbox.aicr(&[&query[..], &["components.metrics.values.sub.fullnameOverride"]].concat());
    assert!(run.code == 0 && run.stdout == "old-name\n", "{}", run.transcript);
    assert!(run.stderr.contains("does not have the values of driver, old"), "{}", run.transcript);
    let explain = ["--catalog", "cat", "explain", "--service", "kind", "--inherit-from", "bundle"];
    let run = sandbox.aicr(&[&explain[..], &["components.metrics.values.sub.fullnameOverride"]].concat());
    assert!(
        run.stdout.contains("inherit-from") && run.stdout.contains("bundle/001-metrics/values.yaml"),
        "{}",
        run.transcript
    );
}

#[test]
fn a_bundle_for_flux_has_its_names_in_the_helm_release_or_does_not_know_them() {
    let sandbox = sandbox(RECORD);
    sandbox.file("bundle/recipe.yaml", &installed("v2.0.3", "metrics"));
    let info = "apiVersion: aicr.run/v1\nkind: BundleInfo\nbuild: {deployer: flux}\nlayout:\n  releases:\n  \
                - {name: metrics, component: metrics, namespace: metrics, path: metrics, manifest: metrics/helmrelease.yaml}\n";
    sandbox.file("bundle/bundle-info.yaml", info);
    let name = |spec: &str| {
        let release = format!("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {spec}\n");
        sandbox.file("bundle/metrics/helmrelease.yaml", &release);
        let query =
            ["--catalog", "cat", "query", "--service", "kind", "--inherit-from", "bundle", "components.metrics"];
        let run = sandbox.aicr(&query);
        assert_eq!(run.code, 0, "{}", run.transcript);
        (run.stdout.contains("nameOverride: old-name"), run.stderr.contains("values of driver, metrics, old"))
    };
    assert_eq!(name("{values: {sub: {nameOverride: old-name}}}"), (true, false));
    assert_eq!(
        name("{values: {sub: {nameOverride: old-name}}, valuesFrom: [{kind: ConfigMap, name: x}]}"),
        (false, true)
    );
}

#[test]
fn only_what_was_installed_on_such_a_cluster_is_inherited_from() {
    let sandbox = sandbox(RECORD);
    sandbox.file("empty/x", "");
    sandbox.file("eks.yaml", &installed("v1.5.0", "metrics").replace("service: kind", "service: eks"));
    for (place, expected) in [
        ("missing.yaml", "it does not exist"),
        ("empty", "neither a recipe nor a bundle"),
        ("cm://a/b", "a ConfigMap cannot be inherited from"),
        ("eks.yaml", "it is for service=eks, and the recipe is for kind"),
    ] {
        let run = sandbox.aicr(&["--catalog", "cat", "recipe", "--service", "kind", "--inherit-from", place]);
        assert!(run.code == 2 && run.stderr.contains(expected), "{}", run.transcript);
    }
}

#[test]
fn a_live_cluster_keeps_places_charts_and_names() {
    let sandbox = Sandbox::new();
    let criteria = ["--service", "kind", "--accelerator", "a100"];
    let run =
        sandbox.aicr(&[&["--demo", "recipe"], &criteria[..], &["--inherit-from", "cluster", "-o", "r.yaml"]].concat());
    assert_eq!(run.code, 0, "{}", run.transcript);
    let recipe = aicr::yaml::parse(&fs::read_to_string(sandbox.home().join("r.yaml")).unwrap()).unwrap().to_value();
    assert_eq!(recipe["aicr"]["inherited"]["from"], "cluster demo");
    let kept = recipe["aicr"]["inherited"]["kept"].as_array().unwrap();
    let chart = kept.iter().find(|kept| kept["component"] == "nodewright-operator" && kept["field"] == "chart");
    assert_eq!(chart.map(|kept| &kept["value"]), Some(&"skyhook-operator".into()), "{kept:?}");
    // Held against the same cluster, nothing of it moves.
    let check = ["--demo", "upgrade-check", "--from", "cluster", "--to", "r.yaml", "--deployer", "helm"];
    let run = sandbox.aicr(&check);
    assert!(run.stdout.contains("nvsentinel") && !run.stdout.contains("  moved: "), "{}", run.transcript);
}
