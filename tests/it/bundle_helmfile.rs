//! A real Helmfile as the judge of bundles in its dialect: what it reads, in which order, and what reaches the charts; ignored
//! unless `AICR_TEST_HELMFILE` and `AICR_TEST_HELM` name the programs (`tests/cluster/cluster helmfile` and `helm` build them).

use crate::{
    bundle::{catalog, criteria, documents, options},
    bundle_helm::{RECIPES, without_nulls, write},
};
use aicr::{
    bundle::{
        flags::{Flags, Override},
        plan::{BundlePlan, Options, plan},
        release::{Chart, Release},
    },
    resolve::{self, resolve},
    yaml,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

const HOSTILE: &str = "gpu-operator:odd={\"a\": \"$(id)\\n`id`\", \"b'\\\"\": {\"c: d\": \"{{ .x }} '\\\"\\\\\"}, \"n\": [\"1\", 1, \"on\"]}";

fn bundle(criteria_text: &str, serial: bool) -> BundlePlan {
    let catalog = catalog();
    let resolved = resolve(&catalog, &criteria(criteria_text), None, resolve::Options::default());
    let recipe = resolved.unwrap_or_else(|error| panic!("{criteria_text}: {error}")).recipe;
    let overrides = match recipe.components.iter().any(|one| one.name == "gpu-operator" && one.is_enabled()) {
        true => vec![Override::set_json(HOSTILE).expect("it reads")],
        false => Vec::new(),
    };
    let flags = Flags { overrides, ..Flags::default() };
    plan(&catalog, &recipe, Options { flags, serial, ..options("helmfile") })
        .unwrap_or_else(|error| panic!("{criteria_text}: {error}"))
}

/// What Helmfile prints for a folder.
#[track_caller]
fn helmfile(folder: &Path, arguments: &[&str]) -> String {
    let program = |name: &str| std::env::var_os(name).unwrap_or_else(|| panic!("{name} names a program"));
    let mut command = Command::new(program("AICR_TEST_HELMFILE"));
    command.arg("--helm-binary").arg(program("AICR_TEST_HELM")).args(["--no-color", "--quiet"]).args(arguments);
    command.current_dir(folder).env("HOME", folder.join(".home")).env_remove("KUBECONFIG");
    let output = command.output().expect("helmfile runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "helmfile {}: {said}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("text")
}

/// The folder and the number of levels, checked against what Helmfile makes of it.
fn written(plan: &BundlePlan) -> (tempfile::TempDir, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    write(plan, folder.path());
    (folder, plan.bundle.components.iter().map(|component| component.level + 1).max().expect("components"))
}

fn level_path(folder: &Path, level: usize) -> std::path::PathBuf {
    folder.join(format!("level-{level}.yaml"))
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field}: {value}"))
}

#[test]
#[ignore = "needs Helmfile: AICR_TEST_HELMFILE and AICR_TEST_HELM"]
fn helmfile_reads_the_releases_charts_and_versions_that_were_planned() {
    for recipe in RECIPES {
        let plan = bundle(recipe, false);
        let (folder, levels) = written(&plan);
        let mut releases: Vec<&Release> = plan.bundle.releases.iter().collect();
        for level in 0..levels {
            let path = level_path(folder.path(), level);
            let state = documents(&std::fs::read_to_string(&path).expect("a level")).remove(0);
            let path = path.display().to_string();
            let listed = helmfile(folder.path(), &["-f", &path, "list", "--skip-charts", "--output", "json"]);
            let listed = documents(&listed).remove(0);
            for entry in listed.as_array().expect("releases") {
                let at = releases.iter().position(|release| release.name == text(entry, "name")).expect("a release");
                let release = releases.remove(at);
                let tier = plan.bundle.component(release).level;
                assert_eq!((text(entry, "namespace"), level), (release.home(), tier), "{entry}");
                let Some((name, url, version)) = release.chart.upstream() else {
                    assert_eq!(text(entry, "chart"), format!("./{}", release.folder()));
                    continue;
                };
                assert_eq!(text(entry, "version"), version);
                let (repository, chart) = text(entry, "chart").split_once('/').expect("a repository");
                assert_eq!(chart, name);
                let mut known = state["repositories"].as_array().expect("repositories").iter();
                let known = known.find(|one| one["name"] == repository).unwrap_or_else(|| panic!("{repository}"));
                let is_oci = matches!(release.chart, Chart::Oci { .. });
                assert_eq!(known["oci"].as_bool().unwrap_or_default(), is_oci, "{known}");
                assert_eq!(text(known, "url"), url.trim_start_matches("oci://"));
            }
        }
        assert_eq!(releases, Vec::<&Release>::new(), "{recipe}");
    }
}

/// Charts that show what they get stand in the place of all others.
fn with_local_charts(folder: &Path, levels: usize) {
    let chart = folder.join("shows-values");
    std::fs::create_dir_all(chart.join("templates")).expect("a folder");
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: shows-values\nversion: 1.0.0\n").expect("a file");
    let template =
        "name: {{ .Release.Name }}\nnamespace: {{ .Release.Namespace }}\nvalues: {{ .Values | toJson | quote }}\n";
    std::fs::write(chart.join("templates/all.yaml"), template).expect("a file");
    for level in 0..levels {
        let path = level_path(folder, level);
        let mut file = documents(&std::fs::read_to_string(&path).expect("a level")).remove(0);
        let entries = file.as_object_mut().expect("a mapping");
        entries.remove("repositories");
        for entry in entries["releases"].as_array_mut().expect("releases") {
            entry["chart"] = json!("./shows-values");
            entry.as_object_mut().expect("a release").remove("version");
        }
        std::fs::write(path, yaml::to_string(&file)).expect("a file");
    }
}

/// When Helmfile deploys each release, `NAMESPACE/NAME`: in which of the files, which come one after the other, and in which of
/// the groups of that file.
fn turns(folder: &Path, levels: usize) -> BTreeMap<String, (usize, usize)> {
    let mut turns = BTreeMap::new();
    for level in 0..levels {
        let path = level_path(folder, level).display().to_string();
        for line in helmfile(folder, &["-f", &path, "show-dag", "--skip-deps"]).lines().skip(1) {
            let mut words = line.split_whitespace();
            let (group, name) = (words.next().expect("a group"), words.next().expect("a name"));
            turns.insert(name.to_owned(), (level, group.parse().expect("a number")));
        }
    }
    turns
}

#[test]
#[ignore = "needs Helmfile: AICR_TEST_HELMFILE and AICR_TEST_HELM"]
fn helmfile_hands_planned_values_to_charts_in_the_order_of_what_they_need() {
    for (recipe, serial) in RECIPES.into_iter().zip([false, false, true, true]) {
        let plan = bundle(recipe, serial);
        let (folder, levels) = written(&plan);
        with_local_charts(folder.path(), levels);
        let shown = documents(&helmfile(folder.path(), &["-f", "helmfile.yaml", "template", "--skip-deps"]));
        let turns = turns(folder.path(), levels);
        let turn = |release: &Release| turns[&format!("{}/{}", release.namespace, release.name)];
        assert_eq!(shown.len(), plan.bundle.releases.len(), "{recipe}");
        for release in &plan.bundle.releases {
            let one = shown.iter().find(|one| one["name"] == *release.name);
            let one = one.unwrap_or_else(|| panic!("{recipe}: {} is not installed", release.name));
            assert_eq!(text(one, "namespace"), release.namespace);
            let values: Value = serde_json::from_str(text(one, "values")).expect("JSON");
            let planned = if release.values.is_null() { json!({}) } else { (*release.values).clone() };
            assert_eq!(without_nulls(&values), without_nulls(&planned), "{recipe}: {}", release.name);
        }
        // One after the other is within a file here: levels stay, so that what counts is what a release really needs.
        let real = bundle(recipe, false).bundle.releases;
        for release in &real {
            for need in &release.needs {
                assert!(turn(&real[*need]) < turn(release), "{recipe}: {} needs {}", release.name, real[*need].name);
            }
        }
        let distinct: BTreeSet<(usize, usize)> = turns.values().copied().collect();
        assert_eq!(distinct.len() == turns.len(), serial, "{recipe}: one after the other, or not: {turns:?}");
    }
}
