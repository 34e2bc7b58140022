//! `aicr upgrade-check` and `--inherit-from cluster` against real Kubernetes, with releases that a real Helm has made.
//!
//! Ignored unless asked for, like `real_cluster`; `tests/cluster/cluster helm` builds Helm. The charts hold a ConfigMap each.

use crate::{
    real_cluster::{Real, cluster_script, text},
    upgrade::{BASE, CASES, KIND, RECORD, REGISTRY, all_said},
};
use aicr::{
    criteria::{ProfileChoice, Query},
    ops,
    resolve::{Options, profile, resolve},
    store::catalog_dir::Sources,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Command, Output},
};

const CRD: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: PLURAL, singular: SINGULAR, kind: KIND}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"#;

/// A catalog with records, and a Helm, on a cluster without the releases of an earlier test.
struct Helm {
    real: Real,
}

impl Helm {
    fn new() -> Helm {
        let real = Real::cluster();
        cluster_script(&real, &["helm"]);
        let helm = Helm { real };
        for (path, text) in [
            ("cat/registry.yaml", REGISTRY),
            ("cat/overlays/base.yaml", BASE),
            ("cat/overlays/kind.yaml", KIND),
            ("cat/components/driver/upgrades.yaml", RECORD),
        ] {
            helm.file(path, text);
        }
        helm.clean();
        helm
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.real.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    fn clean(&self) {
        let kubectl = |arguments: &[&str]| self.real.kubectl_must(arguments);
        kubectl(&["delete", "namespace", "gpu", "other", "flux-system", "--ignore-not-found", "--wait"]);
        kubectl(&["delete", "crd", "drivers.gpu.example", "applications.argoproj.io", "--ignore-not-found", "--wait"]);
    }

    fn helm(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("helm runs")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let folder = self.real.kubeconfig.parent().expect("the cluster's folder");
        let mut command = Command::new(folder.join("bin/helm"));
        command.env("HOME", self.real.path("helm")).args(arguments).arg("--kubeconfig").arg(&self.real.kubeconfig);
        command
    }

    /// A chart with a ConfigMap.
    fn chart(&self, name: &str, version: &str, data: &str) -> String {
        let head = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        let chart =
            Path::new(&self.file(&format!("charts/{name}/Chart.yaml"), &head)).parent().expect("a folder").to_owned();
        self.file(&format!("charts/{name}/values.yaml"), "replicas: 1\nimage: {tag: \"1\"}\n");
        let object = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}-config}}\ndata: {data}\n");
        self.file(&format!("charts/{name}/templates/config.yaml"), &object);
        chart.display().to_string()
    }

    #[track_caller]
    fn install(&self, name: &str, version: &str, namespace: &str, values: &[&str]) {
        let chart = self.chart(name, version, "{a: b}");
        let verb = ["upgrade", "--install", name, &chart, "--namespace", namespace, "--create-namespace"];
        let output = self.helm(&[&verb[..], values].concat());
        assert!(output.status.success(), "{}", text(&output));
    }

    fn uninstall(&self, name: &str, namespace: &str) {
        let output = self.helm(&["uninstall", name, "--namespace", namespace, "--wait"]);
        assert!(output.status.success(), "{}", text(&output));
    }

    /// Checks the cluster against a recipe; the report and the exit code.
    fn check(&self, recipe: &str, arguments: &[&str]) -> (String, Option<i32>) {
        let to = self.file("to.yaml", recipe);
        let verb = ["--catalog", "cat", "upgrade-check", "--from", "cluster", "--to", &to, "-t", "json"];
        let output = self.real.aicr(&[&verb[..], arguments].concat());
        assert!(!output.stdout.is_empty(), "{}", text(&output));
        (String::from_utf8(output.stdout).expect("text"), output.status.code())
    }
}

impl Drop for Helm {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.clean();
        }
    }
}

fn json(report: &str) -> serde_json::Value {
    serde_json::from_str(report).expect("JSON")
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn every_verdict_and_reason_is_said_of_releases_of_a_real_helm() {
    let helm = Helm::new();
    let mut said = BTreeSet::new();
    for case in &CASES {
        let ((from, to), (here, there)) = (case.versions, case.namespaces);
        helm.file("cat/components/driver/upgrades.yaml", &case.record());
        helm.install(case.component(), from, here, &[]);
        let (report, code) = helm.check(&case.recipe(to, there), &["-d", "helm"]);
        assert_eq!(case.said(&report), case.expected, "{from} to {to}: {report}");
        assert_eq!(code, Some(if case.expected.starts_with("safe") { 0 } else { 2 }), "{report}");
        said.insert(case.expected.to_owned());
        helm.uninstall(case.component(), here);
        let counts = &json(&helm.check(&case.recipe(to, there), &["-d", "helm"]).0)["components"];
        assert_eq!(counts[0]["change"], "added", "nothing of it is installed: {counts}");
    }
    all_said(&said);
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn objects_values_and_failed_upgrades_of_a_real_cluster_are_in_the_report() {
    let helm = Helm::new();
    let crd = CRD
        .replace("PLURAL", "drivers")
        .replace("GROUP", "gpu.example")
        .replace("SINGULAR", "driver")
        .replace("KIND", "Driver");
    helm.real.kubectl_must(&["apply", "-f", &helm.file("crd.yaml", &crd)]);
    helm.real.kubectl_must(&["wait", "--for=condition=Established", "crd/drivers.gpu.example", "--timeout=30s"]);
    helm.install("driver", "1.5.0", "gpu", &["--set", "replicas=2"]);
    let legacy = "apiVersion: gpu.example/v1alpha1\nkind: Driver\nmetadata: {name: legacy, namespace: gpu}\n";
    helm.real.kubectl_must(&["apply", "-f", &helm.file("legacy.yaml", legacy)]);
    let case = &CASES[1];
    let recipe = case.recipe("2.0.3", "gpu").replace("namespace: gpu}", "namespace: gpu, overrides: {replicas: 3}}");
    let (report, code) = helm.check(&recipe, &["-d", "helm"]);
    assert_eq!((case.said(&report).as_str(), code), ("manual/recorded", Some(2)), "{report}");
    let report = json(&report);
    assert_eq!(report["components"][0]["steps"][0]["id"], "delete-old");
    let findings = report["atRisk"]["findings"].as_array().expect("findings");
    let found = |name: &str| findings.iter().any(|finding| finding["name"] == name && finding["namespace"] == "gpu");
    assert!(found("legacy") && !found("driver-config"), "Helm manages the ConfigMap of the chart: {findings:?}");
    let change = &report["aicr"]["valueChanges"]["driver"][0];
    assert_eq!((&change["left"], &change["right"]), (&2.into(), &3.into()), "{report}");
    assert_eq!(report["aicr"]["releases"]["driver"]["namespace"], "gpu");
    assert_eq!(report["objectNamesCompared"], true);

    // Helm refuses the object, after it has written the revision.
    let broken = helm.chart("driver", "2.0.3", "[not, a, mapping]");
    let output = helm.helm(&["upgrade", "driver", &broken, "--namespace", "gpu"]);
    assert!(!output.status.success(), "{}", text(&output));
    let (report, code) = helm.check(&case.recipe("2.0.3", "gpu"), &["-d", "helm"]);
    assert_eq!((case.said(&report).as_str(), code), ("unversioned/not-comparable", Some(2)), "{report}");
    assert_eq!(json(&report)["aicr"]["releases"]["driver"]["status"], "failed");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn applications_of_a_real_cluster_are_read_and_rights_are_asked_for() {
    let helm = Helm::new();
    let crd = CRD
        .replace("PLURAL", "applications")
        .replace("GROUP", "argoproj.io")
        .replace("SINGULAR", "application")
        .replace("KIND", "Application");
    helm.real.kubectl_must(&["apply", "-f", &helm.file("crd.yaml", &crd)]);
    helm.real.kubectl_must(&["wait", "--for=condition=Established", "crd/applications.argoproj.io", "--timeout=30s"]);
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: driver, namespace: default}\n\
        spec: {destination: {server: 'https://kubernetes.default.svc', namespace: gpu}, source: {chart: driver, targetRevision: 2.0.3}}\n\
        status: {sync: {revision: 1.5.0}}\n";
    helm.real.kubectl_must(&["apply", "-f", &helm.file("application.yaml", application)]);
    let case = &CASES[1];
    let (report, _) = helm.check(&case.recipe("2.0.3", "gpu"), &["-d", "argocd"]);
    assert_eq!(case.said(&report), "manual/recorded", "{report}");
    assert_eq!(json(&report)["components"][0]["steps"][0]["id"], "sync");
    assert_eq!(json(&report)["source"]["argo"]["applications"], 1);

    let few = helm.real.user("aicr-test-upgrade", &[("list,watch", "nodes")]);
    let to = helm.real.path("to.yaml").display().to_string();
    for deployer in ["helm", "argocd"] {
        let arguments = ["--catalog", "cat", "upgrade-check", "-f", "cluster", "--to", &to, "-d", deployer];
        let output = helm.real.command(&few, &arguments).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    }
    helm.real.forget_user("aicr-test-upgrade", 1);
}

/// Flux itself does not run here: its objects are accepted by the CRDs that its own types make, and the releases are where
/// and as its Helm library keeps them.
#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn releases_of_flux_are_read_where_it_keeps_them() {
    let helm = Helm::new();
    cluster_script(&helm.real, &["flux"]);
    let crds = helm.real.kubeconfig.parent().expect("the cluster's folder").join("flux").display().to_string();
    helm.real.kubectl_must(&["apply", "--server-side", "-f", &crds]);
    let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
    helm.real.kubectl_must(&established);
    let objects = "apiVersion: v1\nkind: Namespace\nmetadata: {name: flux-system}\n---\n\
        apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: driver, namespace: flux-system}\n\
        spec: {interval: 10m, url: 'oci://registry.example/driver', ref: {tag: 1.5.0}}\n---\n\
        apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: driver, namespace: flux-system}\n\
        spec: {interval: 10m, targetNamespace: gpu, chartRef: {kind: OCIRepository, name: driver}, values: {replicas: 2}}\n";
    helm.real.kubectl_must(&["apply", "-f", &helm.file("flux.yaml", objects)]);
    let refused = helm.file("refused.yaml", &objects.replace("interval: 10m, target", "interval: soon, target"));
    let output = helm.real.kubectl(&["apply", "-f", &refused]);
    assert!(!output.status.success(), "the CRDs check what Flux would: {}", text(&output));

    let chart = helm.chart("driver", "1.5.0", "{a: b}");
    let verb = ["install", "gpu-driver", &chart, "--namespace", "gpu", "--create-namespace", "--set", "replicas=2"];
    let output = helm.helm(&verb);
    assert!(output.status.success(), "{}", text(&output));
    // The record goes to the namespace of the HelmRelease.
    let record = ["get", "secret", "sh.helm.release.v1.gpu-driver.v1", "-n", "gpu", "-o", "json"];
    let mut record = json(&helm.real.kubectl_must(&record));
    let labels = record["metadata"]["labels"].clone();
    record["metadata"] =
        serde_json::json!({"name": record["metadata"]["name"], "namespace": "flux-system", "labels": labels});
    helm.real.kubectl_must(&["apply", "-f", &helm.file("record.json", &record.to_string())]);
    helm.real.kubectl_must(&["delete", "secret", "sh.helm.release.v1.gpu-driver.v1", "-n", "gpu"]);

    let case = &CASES[1];
    let (report, code) = helm.check(&case.recipe("2.0.3", "gpu"), &["-d", "flux"]);
    assert_eq!((case.said(&report).as_str(), code), ("manual/recorded", Some(2)), "{report}");
    let report = json(&report);
    assert_eq!(report["deployer"], "flux");
    assert_eq!(report["aicr"]["releases"]["driver"]["release"], "gpu-driver");
    assert_eq!(report["aicr"]["releases"]["driver"]["namespace"], "gpu", "where its objects are: {report}");
    assert_eq!(report["components"][0]["identityChanges"], serde_json::Value::Null, "it has not moved: {report}");
    helm.real.kubectl_must(&["delete", "-f", &helm.file("flux.yaml", objects), "--wait"]);
    helm.real.kubectl_must(&["delete", "-f", &crds, "--wait"]);
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn releases_that_helm_keeps_in_config_maps_are_read() {
    let helm = Helm::new();
    let chart = helm.chart("driver", "1.5.0", "{a: b}");
    let mut command = helm.command(&["install", "driver", &chart, "--namespace", "gpu", "--create-namespace"]);
    let output = command.env("HELM_DRIVER", "configmap").output().expect("helm runs");
    assert!(output.status.success(), "{}", text(&output));
    let case = &CASES[1];
    let (report, code) = helm.check(&case.recipe("2.0.3", "gpu"), &["-d", "helm"]);
    assert_eq!((case.said(&report).as_str(), code), ("manual/recorded", Some(2)), "{report}");
    assert_eq!(json(&report)["objectNamesCompared"], true, "its content is read too: {report}");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_recipe_keeps_what_a_real_helm_has_installed() {
    let helm = Helm::new();
    helm.install("driver", "1.5.0", "other", &["--set", "fullnameOverride=kept"]);
    let query = |selector: &str| {
        let verb = ["--catalog", "cat", "query", "--service", "kind", "--inherit-from", "cluster", selector];
        helm.real.must(&verb)
    };
    assert_eq!(query("components.driver.namespace"), "other\n");
    assert_eq!(query("components.driver.values.fullnameOverride"), "kept\n");
    assert_eq!(query("components.driver.version"), "v2.0.3\n");
    let new = helm.real.path("new.yaml").display().to_string();
    helm.real.must(&["--catalog", "cat", "recipe", "--service", "kind", "--inherit-from", "cluster", "-o", &new]);
    let recipe = std::fs::read_to_string(&new).expect("a recipe");
    let (report, _) = helm.check(&recipe, &["-d", "helm"]);
    let driver = &json(&report)["components"][0];
    assert_eq!(
        (&driver["component"], &driver["identityChanges"]),
        (&"driver".into(), &serde_json::Value::Null),
        "{report}"
    );
}

/// The charts that a deployer would get hold manifests that are templates of values: each is rendered with the values of every
/// recipe that has it, as they are and with the pods' nodes chosen.
#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn every_manifest_of_the_catalog_renders_to_objects() {
    let helm = Helm::new();
    let catalog = ops::recipe::load_catalog(&Sources::default()).expect("the catalog");
    let mut wanted: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let nodes = serde_json::json!({"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}],
        "acceleratedNodeSelector": {"a": "b"}, "acceleratedTolerations": [{"operator": "Exists"}],
        "workloadSelector": {"a": "b"}});
    for overlay in catalog.overlays.values() {
        // One that asks for nothing applies to every recipe.
        let Some(criteria) = overlay.criteria.clone().filter(|criteria| criteria.specificity() > 0) else { continue };
        let offered = profile::offered(&catalog, &criteria);
        let choices = offered.iter().flat_map(|profile| profile.names().map(|value| (profile.name.clone(), value)));
        let chosen = choices.map(|(name, value)| ProfileChoice { name, value: value.to_owned() });
        for choice in chosen.map(Some).chain([None]) {
            let mut query = Query::from(&criteria);
            query.choose(choice);
            let resolution = resolve(&catalog, query, None, Options::LENIENT).unwrap_or_else(|error| panic!("{error}"));
            for component in &resolution.recipe.components {
                let path = format!("components.{}.values", component.name);
                let mut values = ops::recipe::query(&resolution, &path).unwrap_or(serde_json::json!({}));
                for file in component.manifest_files.iter().chain(&component.pre_manifest_files) {
                    let all = wanted.entry((component.name.clone(), file.clone())).or_default();
                    all.insert(values.to_string());
                }
                let known = values.as_object_mut().expect("a mapping");
                known.extend(nodes.as_object().expect("a mapping").clone());
                for file in component.manifest_files.iter().chain(&component.pre_manifest_files) {
                    let all = wanted.entry((component.name.clone(), file.clone())).or_default();
                    all.insert(values.to_string());
                }
            }
        }
    }
    let (mut rendered, mut objects, mut wrong) = (0, 0, Vec::new());
    for ((component, file), all) in &wanted {
        let text = catalog.text(file).unwrap_or_else(|| panic!("{file} is not in the catalog"));
        for values in all {
            let head = format!("apiVersion: v2\nname: {component}\nversion: 1.0.0\n");
            let folder = Path::new(&helm.file("rendered/Chart.yaml", &head)).parent().expect("a folder").to_owned();
            helm.file("rendered/values.yaml", &format!("{{\"{component}\": {values}}}"));
            helm.file("rendered/templates/manifest.yaml", text);
            let output = helm.helm(&["template", component, &folder.display().to_string(), "--namespace", "somewhere"]);
            rendered += 1;
            if !output.status.success() {
                wrong.push(format!("{file}: {}", text_of(&output.stderr)));
                continue;
            }
            let out = text_of(&output.stdout);
            match aicr::yaml::parse_all(&out) {
                Ok(documents) => {
                    for document in documents.iter().filter(|document| !document.is_null()) {
                        objects += 1;
                        wrong.extend(lacks(document).map(|what| format!("{file}: an object {what}")));
                    }
                }
                Err(error) => wrong.push(format!("{file}: {error}\n{out}")),
            }
        }
    }
    println!("{} manifests, {rendered} renderings, {objects} objects", wanted.len());
    assert_eq!(wrong, [""; 0]);
    assert!(wanted.len() > 40 && objects > 80, "{} manifests, {objects} objects", wanted.len());
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a document needs to be an object of Kubernetes.
fn lacks(document: &aicr::yaml::Node) -> Option<String> {
    let has = |node: Option<&aicr::yaml::Node>| node.and_then(|node| node.text()).is_some_and(|text| !text.is_empty());
    let metadata = document.get("metadata");
    if !has(document.get("apiVersion")) || !has(document.get("kind")) {
        return Some("has no `apiVersion` or `kind`".to_owned());
    }
    if !has(metadata.and_then(|metadata| metadata.get("name"))) {
        return Some("has no name".to_owned());
    }
    let texts = ["labels", "annotations"].iter().filter_map(|key| metadata?.get(key));
    let wrong = texts.flat_map(|map| map.entries()).find(|entry| !entry.value.to_value().is_string());
    wrong.map(|entry| format!("has `{}`, which is not a text", entry.key))
}
