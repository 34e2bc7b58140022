//! `bundle-info.yaml`: what a bundle is, for whoever reads it later.

use super::{checksum::digest, plan::Bundle};
use crate::{text, yaml};
use serde_json::{Map, Value, json};

/// The name of the file.
pub const FILE: &str = "bundle-info.yaml";

/// The file as the reference writes it: sorted, without a time, with paths inside the bundle.
pub fn text(bundle: &Bundle, recipe: &str) -> String {
    let (options, deployer) = (&bundle.options, bundle.options.deployer);
    let mut settings = json!({
        "checksums": true,
        "attested": false,
        "vendorCharts": options.vendored.is_some(),
        "readinessHooks": options.readiness_hooks,
        "serial": options.serial,
    });
    let mut state = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            settings[key] = value;
        }
    };
    let scheduling = &options.flags.scheduling;
    let repository = deployer.repository(&options.settings);
    state("repoURL", repository.map(Value::from));
    // A tool that reads Git only has a branch, wherever else the bundle is pushed to.
    let published = options.settings.published.as_ref();
    let is_artifact = published.is_some_and(|published| repository == Some(&*published.url));
    let revision = if is_artifact { options.settings.revision() } else { "main" };
    state("targetRevision", repository.map(|_| revision.into()));
    state("appName", deployer.app_name(&options.settings).map(Value::from));
    state("storageClass", scheduling.storage_class.as_deref().map(Value::from));
    state("sharedStorageClass", scheduling.shared_storage_class.as_deref().map(Value::from));
    let mut nodes = Map::new();
    for (name, group) in [("system", &scheduling.system), ("accelerated", &scheduling.accelerated)] {
        let mut stated = Map::new();
        if !group.selector.is_empty() {
            stated.insert("selector".to_owned(), super::flags::labels(&group.selector));
        }
        if !group.tolerations.is_empty() {
            stated.insert("tolerations".to_owned(), group.tolerations.clone().into());
        }
        if !stated.is_empty() {
            nodes.insert(name.to_owned(), stated.into());
        }
    }
    state("nodeScheduling", (!nodes.is_empty()).then(|| nodes.into()));
    let releases = bundle.releases.iter().map(|release| {
        let mut entry = json!({
            "name": release.name,
            "component": bundle.component(release).used.name,
            "namespace": release.namespace,
            "path": deployer.folder(release),
        });
        if let Some(manifest) = deployer.manifest(release) {
            entry["manifest"] = manifest.into();
        }
        entry
    });
    let mut info = json!({
        "apiVersion": "aicr.run/v1",
        "kind": "BundleInfo",
        "metadata": {"version": options.tool},
        "build": {
            "deployer": deployer.name(),
            "recipe": {
                "path": "recipe.yaml",
                "digest": format!("sha256:{}", digest(recipe.as_bytes())),
                "version": bundle.recipe.version,
            },
            "settings": settings,
        },
        "layout": {"entrypoint": deployer.entrypoint(), "releases": releases.collect::<Vec<_>>()},
    });
    if options.vendored.is_some() {
        info["layout"]["provenance"] = "provenance.yaml".into();
    }
    yaml::to_string(&info)
}

/// What a bundle holds, in one line.
pub fn summary(bundle: &Bundle) -> String {
    format!(
        "{} in {} and {}",
        text::count(bundle.components.len(), "component"),
        text::count(bundle.releases.len(), "release"),
        text::count(bundle.levels(), "level"),
    )
}
