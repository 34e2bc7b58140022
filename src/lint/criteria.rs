//! Criteria of overlays: known values, in the spelling that queries are compared in, and no two alike.

use super::{Family, Findings};
use crate::{
    catalog::{
        Catalog,
        overlay::{BASE, Overlay},
    },
    criteria::{Dimension, built_in, near_matches, normalize},
    text::did_you_mean,
    yaml::Node,
};
use std::collections::BTreeMap;

pub(super) const FAMILY: Family = Family::Overlay {
    rules: &[
        ("criteria-value", "a criteria value that is unknown, or not written as queries are compared"),
        ("no-criteria", "an overlay that no query and no other overlay reaches"),
    ],
    look: overlay,
};

/// Overlays compared with each other.
pub(super) const SAME: Family =
    Family::Catalog { rules: &[("same-criteria", "two overlays with the same criteria")], look: same_criteria };

fn overlay(catalog: &Catalog, overlay: &Overlay, findings: &mut Findings) {
    let document = &overlay.body().document;
    if overlay.name == BASE {
        return;
    }
    let inherited = catalog.overlays.values().any(|other| other.parent.as_deref() == Some(&*overlay.name));
    if overlay.criteria.is_none() && !inherited {
        let message = format!("the overlay `{}` has no criteria, and no overlay builds on it", overlay.name);
        findings.error("no-criteria", document, document.root.at, message).hint =
            Some("add `spec.criteria`".to_owned());
    }
    let written = document.root.get("spec").and_then(|spec| spec.get("criteria")).map_or(&[][..], Node::entries);
    for entry in written {
        let Some(dimension) = Dimension::ALL.into_iter().find(|dimension| dimension.name() == &*entry.key) else {
            continue;
        };
        let text = entry.value.text().unwrap_or_default();
        let Some(value) = normalize(dimension, text).filter(|_| dimension != Dimension::Nodes) else { continue };
        if value != text {
            let message = format!(
                "`{text}` is compared as `{value}` here and verbatim by the reference, which then never matches"
            );
            findings.error("criteria-value", document, entry.value.at, message).hint = Some(format!("write `{value}`"));
        } else if !built_in(dimension).contains(&&*value) {
            let near = near_matches(&value, built_in(dimension).iter().copied());
            let found = findings.warn(
                "criteria-value",
                document,
                entry.value.at,
                format!("`{value}` is a new {}", dimension.name()),
            );
            found.hint = did_you_mean(&near);
        }
    }
}

fn same_criteria(catalog: &Catalog, findings: &mut Findings) {
    let mut seen: BTreeMap<String, &Overlay> = BTreeMap::new();
    for overlay in catalog.overlays.values() {
        let Some(criteria) = &overlay.criteria else { continue };
        match seen.get(&criteria.to_string()) {
            Some(first) => {
                let message = format!("`{}` and `{}` have the same criteria ({criteria})", first.name, overlay.name);
                findings.warn("same-criteria", &overlay.body().document, overlay.body().document.root.at, message);
            }
            None => {
                seen.insert(criteria.to_string(), overlay);
            }
        }
    }
}
