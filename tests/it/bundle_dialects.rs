//! What a dialect must say where a recipe is odd: charts that create their namespace, manifests of odd names, components that
//! were left out between others.

use crate::{
    bundle::{catalog, documents, options},
    sandbox::Sandbox,
};
use aicr::{
    bundle::{
        flags::Override,
        plan::{BundlePlan, Options, PlanError, plan},
    },
    catalog::File,
    recipe::{ComponentRef, Recipe},
};
use serde_json::{Value, json};

/// A file of a plan.
fn file<'p>(plan: &'p BundlePlan, path: &str) -> std::borrow::Cow<'p, str> {
    plan.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path}")).shown()
}

fn object(plan: &BundlePlan, path: &str) -> Value {
    documents(&file(plan, path)).remove(0)
}

/// A component whose own namespace is in a manifest before its chart.
fn talos() -> Recipe {
    let operator = ComponentRef {
        name: "gpu-operator".to_owned(),
        namespace: "privileged-gpu-operator".to_owned(),
        chart: "gpu-operator".to_owned(),
        r#type: "Helm".to_owned(),
        source: "https://example.org/charts".to_owned(),
        version: "1.2.3".to_owned(),
        pre_manifest_files: vec!["components/gpu-operator/manifests/talos-namespace.yaml".to_owned()],
        ..ComponentRef::default()
    };
    Recipe { components: vec![operator], ..Recipe::default() }
}

#[test]
fn a_chart_that_creates_its_namespace_is_installed_in_one_that_is_there() {
    let own = "privileged-gpu-operator";
    let of = |deployer: &str| plan(&catalog(), &talos(), options(deployer)).expect(deployer);
    let helmfile = of("helmfile");
    let releases = object(&helmfile, "helmfile.yaml")["releases"].take();
    assert_eq!(releases[0]["name"], "gpu-operator-pre");
    assert_eq!((&releases[0]["namespace"], &releases[0]["createNamespace"]), (&json!("default"), &json!(false)));
    assert_eq!((&releases[1]["namespace"], &releases[1]["needs"]), (&json!(own), &json!(["default/gpu-operator-pre"])));
    let terraform = of("terraform");
    let modules = file(&terraform, "main.tf").replace(' ', "");
    let module =
        |name: &str| modules.split("module\"").find(|text| text.starts_with(&format!("{name}\""))).expect("one");
    assert!(module("gpu-operator-pre").contains("namespace=\"default\"\n"), "{modules}");
    assert!(module("gpu-operator").contains(&format!("namespace=\"{own}\"\n")), "{modules}");
    let fleet = of("fleet");
    assert_eq!(object(&fleet, "001-gpu-operator-pre/fleet.yaml")["defaultNamespace"], "default");
    assert_eq!(object(&fleet, "002-gpu-operator/fleet.yaml")["defaultNamespace"], own);
    // Flux keeps the record in its own namespace.
    let flux = of("flux");
    let spec = |name: &str| object(&flux, &format!("{name}/helmrelease.yaml"))["spec"].take();
    for (name, creates) in [("gpu-operator-pre", false), ("gpu-operator", true)] {
        let spec = spec(name);
        assert_eq!((&spec["targetNamespace"], &spec["install"]["createNamespace"]), (&json!(own), &json!(creates)));
    }
    // The scripts make it before Helm comes, as Helm's own.
    let helm = of("helm");
    let install = file(&helm, "001-gpu-operator-pre/install.sh").into_owned();
    assert!(install.contains("kind: Namespace") && install.contains(&format!("--namespace {own}")), "{install}");
}

/// A recipe with one component that has only these manifests, in a sandbox.
fn manifests(sandbox: &Sandbox, component: &str, files: &[(&str, &str)]) {
    let paths: Vec<String> = files.iter().map(|(name, _)| format!("components/{component}/manifests/{name}")).collect();
    for ((_, text), path) in files.iter().zip(&paths) {
        sandbox.file(&format!("more/{path}"), text);
    }
    let recipe = format!(
        "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {{version: 1.0.0}}\ncriteria: null\ncomponentRefs:\n\
         - {{name: {component}, namespace: own, type: Helm, manifestFiles: [{}]}}\ndeploymentOrder: [{component}]\n",
        paths.join(", ")
    );
    sandbox.file("recipe.yaml", &recipe);
}

fn bundled(sandbox: &Sandbox, deployer: &str) -> crate::sandbox::Run {
    sandbox.aicr(&["--data", "more", "bundle", "-r", "recipe.yaml", "-d", deployer, "-o", deployer])
}

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

#[test]
fn only_the_namespace_of_the_release_is_its_own() {
    let sandbox = Sandbox::new();
    let read = |path: &str| std::fs::read_to_string(sandbox.home().join(path)).expect(path);
    let namespace = |name: &str| format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    manifests(&sandbox, "mini", &[("a.yaml", OBJECT), ("n.yaml", &namespace("elsewhere"))]);
    for deployer in ["helm", "helmfile"] {
        let run = bundled(&sandbox, deployer);
        assert_eq!(run.code, 0, "{}", run.transcript);
    }
    assert!(read("helm/001-mini/install.sh").contains("--create-namespace"));
    let release = documents(&read("helmfile/helmfile.yaml")).remove(0)["releases"][0].take();
    assert_eq!((&release["namespace"], &release["createNamespace"]), (&json!("own"), &Value::Null));

    // And where it is, what does not say its namespace cannot be installed in another one.
    manifests(&sandbox, "mini", &[("a.yaml", OBJECT), ("n.yaml", &namespace("own"))]);
    for deployer in ["terraform", "fleet", "flux"] {
        let run = bundled(&sandbox, deployer);
        let is_refused = deployer != "flux";
        assert_eq!(run.code, if is_refused { 2 } else { 0 }, "{}", run.transcript);
        let words = "creates its own namespace and has objects without one";
        assert_eq!(run.stderr.contains(words), is_refused, "{}", run.transcript);
    }
}

#[test]
fn a_manifest_that_helm_passes_over_is_refused() {
    for name in ["_x.yaml", "NOTES.txt"] {
        let sandbox = Sandbox::new();
        manifests(&sandbox, "mini", &[("a.yaml", OBJECT), (name, OBJECT)]);
        let run = bundled(&sandbox, "helm");
        let words = format!("`mini` has a manifest called `{name}`, which Helm would not install");
        assert!(run.code == 2 && run.stderr.contains(&words), "{}", run.transcript);
    }
}

#[test]
fn flux_lists_its_own_objects_whatever_a_component_or_a_manifest_is_called() {
    let sandbox = Sandbox::new();
    manifests(&sandbox, "sources", &[("helmrelease.yaml", OBJECT)]);
    let run = bundled(&sandbox, "flux");
    assert_eq!(run.code, 0, "{}", run.transcript);
    let list = std::fs::read_to_string(sandbox.home().join("flux/kustomization.yaml")).expect("a list");
    let resources = documents(&list).remove(0)["resources"].take();
    let mut listed: Vec<&str> = resources.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    listed.retain(|path| !path.starts_with("sources/gitrepo-"));
    assert_eq!(listed, ["sources/helmrelease.yaml"], "{list}");
    assert_eq!(resources.as_array().map(Vec::len), Some(2), "{list}");
}

#[test]
fn what_comes_after_a_component_that_was_left_out_keeps_its_order() {
    let component = |name: &str, needs: &[&str]| ComponentRef {
        name: name.to_owned(),
        namespace: "n".to_owned(),
        chart: name.to_owned(),
        r#type: "Helm".to_owned(),
        source: "https://example.org/charts".to_owned(),
        version: "1.0.0".to_owned(),
        dependency_refs: needs.iter().map(|need| (*need).to_owned()).collect(),
        ..ComponentRef::default()
    };
    let components = vec![component("aaa", &["mmm"]), component("mmm", &["zzz"]), component("zzz", &[])];
    let recipe = Recipe { components, ..Recipe::default() };
    let mut given: Options = options("helm");
    given.flags.overrides = vec![Override::set("mmm:enabled=false").expect("it reads")];
    let bundle = plan(&catalog(), &recipe, given).expect("it plans");
    let levels: Vec<(&str, usize)> =
        bundle.bundle.releases.iter().map(|release| (&*release.name, release.level)).collect();
    assert_eq!(levels, [("zzz", 0), ("aaa", 1)]);
    // And `aicr deploy` reads it from the recipe in the bundle.
    let components = object(&bundle, "recipe.yaml")["componentRefs"].take();
    let aaa = components.as_array().expect("components").iter().find(|one| one["name"] == "aaa").expect("aaa");
    assert_eq!(aaa["dependencyRefs"], json!(["zzz"]));
}

#[test]
fn two_manifests_of_one_path_are_refused_before_anything_is_written() {
    let mut recipe = talos();
    recipe.criteria.service = Some("gke".into());
    let path = "components/gpu-operator/manifests/gke-critical-pods-quota.yaml";
    let mut catalog = catalog();
    let text = catalog.text("components/gpu-operator/manifests/talos-namespace.yaml").expect("a manifest").to_owned();
    catalog.files.insert(path, File::new(0, path, text));
    recipe.components[0].pre_manifest_files = vec![path.to_owned()];
    let error = plan(&catalog, &recipe, options("helm")).map(|_| ()).expect_err("two files of one path");
    assert!(
        matches!(error, PlanError::SamePath(ref path) if path.ends_with("gke-critical-pods-quota.yaml")),
        "{error}"
    );
}

/// The level of a release is what the README, the plan and a deploy call so.
#[test]
fn releases_of_one_level_do_not_need_each_other() {
    for deployer in ["helm", "helmfile", "argocd"] {
        let bundle = plan(&catalog(), &talos(), options(deployer)).expect(deployer).bundle;
        for release in &bundle.releases {
            let longest = release.needs.iter().map(|need| bundle.releases[*need].level + 1).max().unwrap_or(0);
            assert_eq!(release.level, longest, "{}", release.name);
        }
        assert_eq!(bundle.levels(), 2);
    }
}
