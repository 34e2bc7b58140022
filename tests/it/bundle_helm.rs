//! A real Helm as the judge of every chart and every file of values in a bundle; ignored unless `AICR_TEST_HELM` names one
//! (`tests/cluster/cluster helm` builds it as `bin/helm` in the cluster's folder).

use crate::bundle::{catalog, criteria, documents, options};
use aicr::{
    bundle::{
        deployer,
        flags::{Flags, Override},
        plan::{BundlePlan, Options, plan},
    },
    resolve::{self, resolve},
};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

pub const RECIPES: [&str; 4] = [
    "--service eks --accelerator h100 --os ubuntu --intent training --platform kubeflow",
    "--service gke --accelerator h100 --os cos --intent inference --platform dynamo",
    "--service ocp --intent training",
    "--service kind --accelerator a100",
];

fn bundle(criteria_text: &str, deployer: &str, set: &[&str]) -> BundlePlan {
    let catalog = catalog();
    let resolved = resolve(&catalog, &criteria(criteria_text), None, resolve::Options::default());
    let recipe = resolved.unwrap_or_else(|error| panic!("{criteria_text}: {error}")).recipe;
    let overrides = set.iter().map(|text| Override::set_json(text).expect("it reads")).collect();
    let flags = Flags { overrides, ..Flags::default() };
    plan(&catalog, &recipe, Options { flags, readiness_hooks: deployer == "helm", ..options(deployer) })
        .unwrap_or_else(|error| panic!("{criteria_text} {deployer}: {error}"))
}

pub fn write(plan: &BundlePlan, folder: &Path) {
    for file in &plan.files {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, &file.bytes).expect("a file");
    }
}

#[track_caller]
fn helm(arguments: &[&str]) -> String {
    let program = std::env::var_os("AICR_TEST_HELM").expect("AICR_TEST_HELM names a Helm");
    let output = Command::new(program).args(arguments).output().expect("helm runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "helm {}: {said}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("text")
}

/// What Helm hands to a chart that shows all its values.
fn values_as_helm_reads_them(folder: &Path, files: &[&Path]) -> Value {
    let chart = folder.join("shows-values");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: shows-values\nversion: 1.0.0\n").expect("a file");
    std::fs::write(chart.join("templates/all.yaml"), "values: {{ .Values | toJson | quote }}\n").expect("a file");
    let chart = chart.display().to_string();
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let mut arguments = vec!["template", "x", &chart];
    files.iter().for_each(|file| arguments.extend(["-f", file]));
    let shown = documents(&helm(&arguments)).remove(0);
    serde_json::from_str(shown["values"].as_str().expect("a text")).expect("JSON")
}

/// Without what Helm takes out: keys that are null.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.iter().filter(|(_, child)| !child.is_null());
            Value::Object(kept.map(|(key, child)| (key.clone(), without_nulls(child))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[test]
#[ignore = "needs Helm: AICR_TEST_HELM"]
fn helm_takes_every_chart_and_renders_what_was_planned() {
    let mut charts = 0;
    for recipe in RECIPES {
        for deployer in deployer::ALL {
            let plan = bundle(recipe, deployer.name(), &[]);
            let folder = tempfile::tempdir().expect("a folder");
            write(&plan, folder.path());
            for release in plan.bundle.releases.iter().filter(|release| release.chart.is_local()) {
                let at = folder.path().join(deployer.folder(release)).display().to_string();
                helm(&["lint", "--quiet", &at]);
                let rendered = documents(&helm(&["template", &release.name, &at, "-n", &release.namespace]));
                let aicr::bundle::release::Chart::Local { manifests } = &release.chart else { continue };
                let planned = manifests.iter().flat_map(|manifest| &manifest.objects);
                for object in planned {
                    // Helm sorts by kind, and takes hooks out of the list only when it installs.
                    assert!(rendered.contains(object), "{} {}: {object}", deployer.name(), release.name);
                }
                charts += 1;
            }
        }
    }
    println!("{charts} charts");
    assert!(charts > 50, "{charts}");
}

#[test]
#[ignore = "needs Helm: AICR_TEST_HELM"]
fn values_reach_a_chart_as_they_were_planned_even_hostile_ones() {
    let hostile = "gpu-operator:odd={\"a\": \"$(id)\\n`id`\", \"b'\\\"\": {\"c: d\": \"{{ .x }} '\\\"\\\\\"}, \"n\": [\"1\", 1, true, \"on\", \"0x1\"]}";
    for recipe in RECIPES.iter().filter(|recipe| !recipe.contains("ocp")) {
        let plan = bundle(recipe, "helm", &[hostile]);
        let folder = tempfile::tempdir().expect("a folder");
        write(&plan, folder.path());
        for release in &plan.bundle.releases {
            let at = folder.path().join(release.folder());
            let files = [at.join("values.yaml"), at.join("cluster-values.yaml")];
            let read = values_as_helm_reads_them(folder.path(), &[&files[0], &files[1]]);
            // Helm shows numbers as JSON has them, and nulls are for the chart's own values.
            assert_eq!(without_nulls(&read), without_nulls(&release.values), "{}", release.name);
        }
    }
}

#[test]
#[ignore = "needs Helm: AICR_TEST_HELM"]
fn the_chart_of_argocd_helm_makes_an_application_for_each_release() {
    for recipe in RECIPES {
        let plan = bundle(recipe, "argocd-helm", &[]);
        let folder = tempfile::tempdir().expect("a folder");
        write(&plan, folder.path());
        let at = folder.path().display().to_string();
        helm(&["lint", "--quiet", &at, "--set", "repoURL=oci://r/p"]);
        let set = "repoURL=oci://r/p,gpuoperator.driver.version=9.9.9,deployer.namePrefix=a-";
        let rendered = documents(&helm(&["template", "x", &at, "--set", set]));
        assert_eq!(rendered.len(), plan.bundle.releases.len() + 1, "and the parent");
        for release in &plan.bundle.releases {
            let name = format!("a-{}", release.name);
            let child =
                rendered.iter().find(|one| one["metadata"]["name"] == *name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(child["spec"]["destination"]["namespace"], *release.namespace);
            let Some((_, _, version)) = release.chart.upstream() else { continue };
            let pinned = child["spec"]["source"]["targetRevision"].as_str().expect("a version");
            assert_eq!(pinned.trim_start_matches('v'), version.trim_start_matches('v'));
            let values = documents(child["spec"]["source"]["helm"]["values"].as_str().expect("values")).remove(0);
            let mut expected = (*release.values).clone();
            if release.name == "gpu-operator" {
                expected["driver"]["version"] = json!("9.9.9");
            }
            let expected = if expected.is_null() { json!({}) } else { expected };
            assert_eq!(without_nulls(&values), without_nulls(&expected), "{name}");
        }
    }
}
