//! Documents by themselves: can they be read, are they what their folder holds, are all their fields known.

use super::{Family, Findings};
use crate::{
    catalog::{File, Files, edition, parse::Document},
    criteria::near_matches,
    document::header,
    text::did_you_mean,
    yaml::{Entry, Kind, Node},
};
use std::collections::BTreeMap;

pub(super) const FAMILY: Family = Family::Files {
    rules: &[
        ("unreadable", "a document that cannot be loaded"),
        ("unknown-field", "an unknown field, usually a typo"),
        ("kind", "a document without `kind`, or of another kind than its folder holds"),
        ("api-version", "a missing apiVersion, one that there never was, or one that cannot have the content"),
        ("duplicate-name", "a name that two documents or two entries share"),
    ],
    look,
};

fn look(files: &Files, findings: &mut Findings) {
    for (path, file) in files.iter() {
        if path.ends_with(".yaml") && !path.contains("/manifests/") {
            document(path, file, findings);
        }
    }
}

/// Fields by the kind of mapping that holds them. `*` at the end: free below.
const FIELDS: [(&str, &[&str]); 13] = [
    ("overlay", &["kind", "apiVersion", "metadata", "spec"]),
    ("metadata", &["name"]),
    ("spec", &["base", "criteria", "mixins", "constraints", "componentRefs", "profile", "validation"]),
    ("profile", &["name", "description", "default", "values"]),
    ("profile value", &["advertiser", "constraints", "readinessConstraints", "componentRefs"]),
    ("profile componentRef", &["name", "overrides"]),
    ("criteria", &["service", "accelerator", "os", "intent", "platform", "nodes"]),
    ("constraint", &["name", "value", "severity", "remediation", "unit"]),
    (
        "componentRef",
        &[
            "name",
            "namespace",
            "chart",
            "type",
            "source",
            "version",
            "tag",
            "valuesFile",
            "overrides",
            "patches",
            "dependencyRefs",
            "manifestFiles",
            "preManifestFiles",
            "path",
            "cleanup",
            "expectedResources",
            "healthCheckAsserts",
            "healthCheckSkip",
        ],
    ),
    ("validation", &["readiness", "deployment", "performance", "conformance"]),
    ("phase", &["timeout", "constraints", "checks", "nodeSelection", "infrastructure"]),
    (
        "catalog edition",
        &["apiVersion", "kind", "name", "release", "date", "gaps", "unsure", "old", "oldValues", "inferredConformance"],
    ),
    (
        "registry entry",
        &[
            "name",
            "displayName",
            "documentation",
            "valueOverrideKeys",
            "helm",
            "kustomize",
            "nodeScheduling",
            "podScheduling",
            "storageClassPaths",
            "validations",
            "healthCheck",
            "gkeCriticalPriority",
            "hasSelfRefCRDs",
            "manifestsUseChartCRDs",
            "testTier",
            "upgrades",
            "manifestFiles",
            "ownsCRDs",
            "mixinSafeOverridePaths",
            "sharedStorageClassPaths",
            "class",
        ],
    ),
];

fn document(path: &str, file: &File, findings: &mut Findings) {
    let (folder, _) = path.split_once('/').unwrap_or(("", path));
    let is_values = path.rsplit('/').next().is_some_and(|name| name.starts_with("values"));
    // Health checks (`health` looks at them) and files for bundles may hold several documents.
    if folder == "checks" || folder == "components" && !is_values {
        if let Err(error) = Document::parse_all(&file.shown, &file.text) {
            findings.of_error("unreadable", &error);
        }
        return;
    }
    let document = match Document::parse(&file.shown, &file.text) {
        Ok(document) => document,
        Err(error) => return findings.of_error("unreadable", &error),
    };
    let root = &document.root;
    let kind = root.get("kind").and_then(Node::text).unwrap_or_default();
    let wanted = match folder {
        "components" => return values(&document, findings),
        "mixins" => "RecipeMixin",
        "validators" => "ValidatorCatalog",
        "" if path == "registry.yaml" => "ComponentRegistry",
        "" if path == edition::FILE => return edition(&document, findings),
        _ => "RecipeMetadata",
    };
    if kind != wanted {
        let message = format!("expected `kind: {wanted}`, found {}", if kind.is_empty() { "none" } else { kind });
        findings.error("kind", &document, root.at, message);
    }
    let Some(accepted) = header::of_kind(wanted) else { return };
    match accepted.check(root) {
        Ok(Some(_)) => {}
        Ok(None) => {
            let message = format!("missing `apiVersion: {}`", accepted.versions[0].name);
            findings.warn("api-version", &document, root.at, message);
        }
        Err(error) => {
            let at = error.at().unwrap_or(root.at);
            findings.error("api-version", &document, at, error.to_string()).hint = error.hint();
        }
    }
    match wanted {
        "RecipeMetadata" | "RecipeMixin" => overlay_fields(&document, findings),
        "ComponentRegistry" => {
            for entry in root.get("components").map_or(&[][..], Node::items) {
                fields("registry entry", entry, &document, findings);
            }
        }
        _ => {}
    }
}

/// The catalog's own words about itself: what it names is there.
fn edition(document: &Document, findings: &mut Findings) {
    fields("catalog edition", &document.root, document, findings);
}

/// Values files are mappings; other files of a component are read when bundles are made.
fn values(document: &Document, findings: &mut Findings) {
    if !matches!(document.root.kind, Kind::Map(_) | Kind::Null) {
        let message = format!("a values file must be a mapping, found {}", document.root.kind_name());
        findings.error("unreadable", document, document.root.at, message);
    }
}

fn overlay_fields(document: &Document, findings: &mut Findings) {
    let root = &document.root;
    fields("overlay", root, document, findings);
    let within = |key: &str| root.get("spec").and_then(|spec| spec.get(key));
    for (what, node) in [
        ("metadata", root.get("metadata")),
        ("spec", root.get("spec")),
        ("criteria", within("criteria")),
        ("validation", within("validation")),
    ] {
        node.into_iter().for_each(|node| fields(what, node, document, findings));
    }
    let items = |key: &str| within(key).map_or(&[][..], Node::items);
    items("constraints").iter().for_each(|node| fields("constraint", node, document, findings));
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for node in items("componentRefs") {
        fields("componentRef", node, document, findings);
        let name = node.get("name").and_then(Node::text).unwrap_or_default();
        if let Some(line) = seen.insert(name, node.at.line) {
            let message = format!("duplicate component `{name}`, first defined on line {line}");
            findings.warn("duplicate-name", document, node.at, message);
        }
    }
    if let Some(profile) = within("profile") {
        fields("profile", profile, document, findings);
        for value in profile.get("values").map_or(&[][..], Node::entries) {
            fields("profile value", &value.value, document, findings);
            let items = |key: &str| value.value.get(key).map_or(&[][..], Node::items);
            for node in items("constraints").iter().chain(items("readinessConstraints")) {
                fields("constraint", node, document, findings);
            }
            items("componentRefs").iter().for_each(|node| fields("profile componentRef", node, document, findings));
        }
    }
    for phase in within("validation").map_or(&[][..], Node::entries) {
        fields("phase", &phase.value, document, findings);
        let constraints = phase.value.get("constraints").map_or(&[][..], Node::items);
        constraints.iter().for_each(|node| fields("constraint", node, document, findings));
    }
}

fn fields(what: &'static str, node: &Node, document: &Document, findings: &mut Findings) {
    let Some((_, known)) = FIELDS.iter().find(|(name, _)| *name == what) else { return };
    let unknown = |entry: &&Entry| !known.contains(&&*entry.key);
    for entry in node.entries().iter().filter(unknown) {
        let near = near_matches(&entry.key, known.iter().copied());
        let found =
            findings.error("unknown-field", document, entry.key_at, format!("a {what} has no field `{}`", entry.key));
        found.hint = did_you_mean(&near);
    }
}
