//! Helmfile: a file for each level of components with their releases and repositories, over the same folders as for Helm.

use super::{
    Deployer, DeployerError, Setting, Settings,
    flux::{self, name_of},
    helm,
};
use crate::{
    bundle::{
        plan::{Bundle, File},
        release::{Chart, Release},
    },
    yaml,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct Helmfile;

impl Deployer for Helmfile {
    fn name(&self) -> &'static str {
        "helmfile"
    }

    fn about(&self) -> &'static str {
        "A release graph for helmfile"
    }

    fn entrypoint(&self) -> &'static str {
        "helmfile.yaml"
    }

    fn takes(&self, setting: Setting) -> bool {
        matches!(setting, Setting::Serial | Setting::Dynamic)
    }

    fn check(&self, bundle: &Bundle) -> Result<(), DeployerError> {
        super::check_homes(bundle)?;
        flux::distinct(bundle)
    }

    fn files(&self, bundle: &Bundle) -> Vec<File> {
        let mut files: Vec<File> = bundle.releases.iter().flat_map(|release| helm::folder(bundle, release)).collect();
        let levels = bundle.components.iter().map(|component| component.level + 1).max().unwrap_or(1);
        let file = |level: usize| yaml::to_string(&level_file(bundle, level));
        if levels == 1 {
            files.push(File::text("helmfile.yaml", file(0)));
            return files;
        }
        let names: Vec<String> = (0..levels).map(|level| format!("level-{level}.yaml")).collect();
        let paths: Vec<Value> = names.iter().map(|name| json!({"path": name})).collect();
        files.push(File::text("helmfile.yaml", yaml::to_string(&json!({"helmfiles": paths}))));
        files.extend(names.into_iter().enumerate().map(|(level, name)| File::text(name, file(level))));
        files
    }

    fn guide(&self, _: &Bundle) -> String {
        "## Deploy\n\n```sh\nhelmfile diff    # what would change\nhelmfile apply\n```\n\nFiles of levels are applied one after the other.\n\n\
         ## Change\n\nValues that were left to the installation are in `NNN-NAME/cluster-values.yaml`.\n\n\
         ## Remove\n\n```sh\nhelmfile destroy\n```\n"
            .to_owned()
    }

    fn steps(&self, folder: &str, _: &Settings) -> Vec<String> {
        vec![format!("cd {folder}"), "helmfile diff".to_owned(), "helmfile apply".to_owned()]
    }
}

fn level_file(bundle: &Bundle, level: usize) -> Value {
    let releases: Vec<&Release> =
        bundle.releases.iter().filter(|release| bundle.component(release).level == level).collect();
    let urls: BTreeMap<String, Value> = releases
        .iter()
        .filter_map(|release| match &release.chart {
            Chart::Repository { url, .. } => {
                let name = name_of(url);
                Some((name.clone(), json!({"name": name, "url": url})))
            }
            Chart::Oci { url, .. } => {
                let name = name_of(url);
                let url = url.strip_prefix("oci://").unwrap_or(url);
                Some((name.clone(), json!({"name": name, "url": url, "oci": true})))
            }
            Chart::Local { .. } | Chart::Vendored { .. } => None,
        })
        .collect();
    let mut file = json!({
        "helmDefaults": {"wait": true, "timeout": 600, "createNamespace": true},
        "releases": releases.iter().map(|release| entry(bundle, release)).collect::<Vec<_>>(),
    });
    if !urls.is_empty() {
        file["repositories"] = urls.into_values().collect();
    }
    file
}

fn entry(bundle: &Bundle, release: &Release) -> Value {
    let folder = release.folder();
    let mut values = vec![format!("./{folder}/values.yaml")];
    if release.is_dynamic() {
        values.push(format!("./{folder}/cluster-values.yaml"));
    }
    let mut entry = json!({"name": release.name, "namespace": release.home(), "values": values});
    match release.chart.upstream() {
        Some((name, url, version)) => {
            entry["chart"] = format!("{}/{name}", name_of(url)).into();
            entry["version"] = version.into();
        }
        None => entry["chart"] = format!("./{folder}").into(),
    }
    // Other levels were applied before this file is read. One after the other means within a level here.
    let within = |other: &&Release| bundle.component(other).level == bundle.component(release).level;
    let before = bundle.releases.iter().take_while(|other| other.number < release.number);
    let needs: Vec<&Release> = match bundle.options.serial {
        true => before.filter(within).last().into_iter().collect(),
        false => release.needs.iter().map(|need| &bundle.releases[*need]).filter(within).collect(),
    };
    let needs: Vec<String> = needs
        .into_iter()
        .map(|need| match need.home() == release.home() {
            true => need.name.clone(),
            false => format!("{}/{}", need.home(), need.name),
        })
        .collect();
    if !needs.is_empty() {
        entry["needs"] = needs.into();
    }
    if !release.is_awaited() {
        entry["wait"] = false.into();
        entry["timeout"] = release.timeout().into();
    }
    if release.is_unchecked {
        entry["disableValidation"] = true.into();
    }
    if release.owns_namespace {
        entry["createNamespace"] = false.into();
    }
    entry
}
