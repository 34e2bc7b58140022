//! Components of layers: registered, with files that exist and versions that the registry has too.

use super::{Family, Findings};
use crate::{
    catalog::{Catalog, edition, parse::Document},
    criteria::near_matches,
    text::did_you_mean,
    yaml::Node,
};

pub(super) const FAMILY: Family = Family::Catalog {
    rules: &[
        ("dangling-file", "a file that is named and not there"),
        ("unregistered-component", "a component that is not in the registry"),
        ("pin-differs", "a version pin that differs from the registry's default"),
    ],
    look: |catalog, findings| {
        super::layers(catalog).for_each(|(document, spec)| layer(catalog, document, &spec.components, findings));
        for value in
            super::overlays(catalog).flat_map(|overlay| &overlay.body().profile).flat_map(|profile| &profile.values)
        {
            for (name, node) in &value.overrides {
                if !catalog.registry.components.contains_key(name) {
                    let message = format!("the component `{name}` is not in the registry");
                    findings.error("unregistered-component", &value.document, node.at, message);
                }
            }
        }
    },
};

/// What registry entries say of files.
pub(super) const REGISTRY: Family = Family::Catalog {
    rules: &[("component-class", "a component whose class is neither core nor ops")],
    look: registry,
};

fn registry(catalog: &Catalog, findings: &mut Findings) {
    if let (Some(edition), Some(file)) = (&catalog.edition, catalog.files.get(edition::FILE))
        && let Ok(document) = Document::parse(&file.shown, &file.text)
    {
        let paths = edition.unsure.iter().chain(&edition.old).chain(&edition.old_values);
        let missing = paths.filter(|path| catalog.text(path).is_none()).map(|path| format!("the file `{path}`"));
        let overlays = edition.inferred_conformance.iter().filter(|name| !catalog.overlays.contains_key(*name));
        for what in missing.chain(overlays.map(|name| format!("the overlay `{name}`"))) {
            let message = format!("the edition names {what}, which is not in the catalog");
            findings.error("dangling-file", &document, document.root.at, message);
        }
    }
    for entry in catalog.registry.components.values() {
        let document = Document { shown: entry.file.clone(), root: entry.node.clone() };
        for node in entry.node.get("manifestFiles").map_or(&[][..], Node::items) {
            let path = node.text().unwrap_or_default();
            if catalog.text(path).is_none() {
                let message = format!("`manifestFiles` names `{path}`, which is not in the catalog");
                findings.error("dangling-file", &document, node.at, message);
            }
        }
        if let Some(class) = entry.node.get("class")
            && !matches!(class.text(), Some("core" | "ops"))
        {
            let message = format!("the class of `{}` must be core or ops", entry.name);
            findings.error("component-class", &document, class.at, message);
        }
    }
}

fn layer(catalog: &Catalog, document: &Document, components: &[Node], findings: &mut Findings) {
    for node in components {
        let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default();
        let name = text("name");
        let Some(entry) = catalog.registry.components.get(name) else {
            let near = near_matches(name, catalog.registry.components.keys().map(String::as_str));
            let message = format!("the component `{name}` is not in the registry");
            findings.error("unregistered-component", document, node.at, message).hint = did_you_mean(&near);
            continue;
        };
        for key in ["valuesFile", "manifestFiles", "preManifestFiles"] {
            let Some(value) = node.get(key) else { continue };
            let named = value.items().iter().chain([value]).filter_map(|node| Some((node.text()?, node.at)));
            for (path, at) in named.filter(|(path, _)| catalog.text(path).is_none()) {
                findings.error(
                    "dangling-file",
                    document,
                    at,
                    format!("`{key}` names `{path}`, which is not in the catalog"),
                );
            }
        }
        let (group, key) =
            if entry.kind() == "Helm" { ("helm", "defaultVersion") } else { ("kustomize", "defaultTag") };
        let default = entry.default(group, key).and_then(Node::text).unwrap_or_default();
        if let Some(pin) = node.get("version").filter(|pin| !default.is_empty() && pin.text() != Some(default)) {
            let message = format!(
                "`{name}` is pinned to {}, the registry's default is {default}",
                pin.text().unwrap_or_default()
            );
            findings.warn("pin-differs", document, pin.at, message);
        }
    }
}
