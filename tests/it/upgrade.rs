//! `aicr upgrade-check` as a person sees it, on a small catalog with upgrade records.

use crate::sandbox::{Run, Sandbox, golden};
use std::fs;

const REGISTRY: &str = "\
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

const BASE: &str = "\
kind: RecipeMetadata
apiVersion: aicr.run/v1beta1
metadata: {name: base}
spec:
  componentRefs:
  - {name: driver, type: Helm, overrides: {replicas: 3, image: {tag: \"2\"}}}
  - {name: metrics, type: Helm}
  - {name: queue, type: Helm}
";

const KIND: &str = "\
kind: RecipeMetadata
apiVersion: aicr.run/v1beta1
metadata: {name: kind}
spec: {criteria: {service: kind}}
";

const RECORD: &str = "\
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
