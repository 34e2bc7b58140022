//! Health checks: every component has one, and it does nothing but look.

use super::{Family, Findings};
use crate::{
    catalog::{Catalog, Files, parse::Document},
    yaml::{Entry, Node},
};

/// What the files of health checks do.
pub(super) const CHECKS: Family = Family::Files {
    rules: &[("health-check", "a component without a health check, or a check that does more than read")],
    look: checks,
};

/// Which components have one.
pub(super) const COMPONENTS: Family = Family::Catalog { rules: &[], look: registry };

fn checks(files: &Files, findings: &mut Findings) {
    for (_, file) in files.iter().filter(|(path, _)| path.starts_with("checks/") && path.ends_with(".yaml")) {
        // `document` reports what cannot be read.
        let documents = Document::parse_all(&file.shown, &file.text).unwrap_or_default();
        documents.iter().for_each(|document| health_check(document, findings));
    }
}

/// A health check may only look: `assert` and `error`.
fn health_check(document: &Document, findings: &mut Findings) {
    let spec = document.root.get("spec");
    let steps = spec.and_then(|spec| spec.get("steps")).map_or(&[][..], Node::items);
    for step in steps {
        let other = |entry: &&Entry| !["name", "description", "try"].contains(&&*entry.key);
        for entry in step.entries().iter().filter(other) {
            let message = format!("a step of a health check has `{}`", entry.key);
            findings.error("health-check", document, entry.key_at, message);
        }
        let operations = step.get("try").map_or(&[][..], Node::items).iter().flat_map(Node::entries);
        for entry in operations.filter(|entry| !["assert", "error"].contains(&&*entry.key)) {
            let message = format!("a health check may only `assert` and `error`, found `{}`", entry.key);
            findings.error("health-check", document, entry.key_at, message);
        }
    }
}

fn registry(catalog: &Catalog, findings: &mut Findings) {
    for entry in catalog.registry.components.values() {
        if entry.assert_file.is_empty() {
            let document = Document { shown: entry.file.clone(), root: entry.node.clone() };
            let message = format!("the component `{}` has no health check", entry.name);
            findings.warn("health-check", &document, entry.at, message);
        }
        if !entry.assert_file.is_empty() && catalog.text(&entry.assert_file).is_none() {
            let document = Document { shown: entry.file.clone(), root: entry.node.clone() };
            let message = format!("the health check `{}` is not in the catalog", entry.assert_file);
            findings.error("dangling-file", &document, entry.at, message);
        }
    }
}
