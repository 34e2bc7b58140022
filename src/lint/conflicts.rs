//! Overlays of equal rank that set one field differently.

use super::{Family, Findings};
use crate::{
    catalog::{Catalog, overlay::Overlay},
    criteria::{Criteria, Dimension},
    resolve::select,
    yaml::{Node, Position},
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const FAMILY: Family = Family::Catalog {
    rules: &[(
        "conflict",
        "overlays of equal specificity that set one field differently, so that the alphabet decides",
    )],
    look: conflicts,
};

/// Pairs that one query can select together, with equal rank, and that disagree about a field.
fn conflicts(catalog: &Catalog, findings: &mut Findings) {
    let overlays: Vec<(&Overlay, &Criteria)> =
        catalog.overlays.values().filter_map(|overlay| Some((overlay, overlay.criteria.as_ref()?))).collect();
    let related = |left: &Overlay, right: &Overlay| {
        let builds_on = |child: &Overlay, parent: &Overlay| {
            select::chain(catalog, child).is_ok_and(|chain| chain.iter().any(|known| known.name == parent.name))
        };
        builds_on(left, right) || builds_on(right, left)
    };
    for (index, (left, asked)) in overlays.iter().enumerate() {
        for (right, other) in &overlays[index + 1..] {
            let compatible = Dimension::ALL.into_iter().all(|dimension| {
                let (asked, other) = (asked.get(dimension), other.get(dimension));
                asked.is_none() || other.is_none() || asked == other
            });
            if !compatible || asked.specificity() != other.specificity() || related(left, right) {
                continue;
            }
            let (ours, theirs) = (settings(left), settings(right));
            for (field, (value, at)) in &theirs {
                if let Some((mine, _)) = ours.get(field).filter(|(mine, _)| mine != value) {
                    let message = format!(
                        "`{}` and `{}` can apply together and set {field} to {mine} and {value}; the later name wins",
                        left.name, right.name
                    );
                    findings.warn("conflict", &right.body().document, *at, message);
                }
            }
        }
    }
}

/// Scalars that an overlay sets on components, by path.
fn settings(overlay: &Overlay) -> BTreeMap<String, (Value, Position)> {
    fn add(path: &str, node: &Node, settings: &mut BTreeMap<String, (Value, Position)>) {
        match node.entries() {
            [] => {
                settings.insert(path.to_owned(), (node.to_value(), node.at));
            }
            entries => entries.iter().for_each(|entry| add(&format!("{path}.{}", entry.key), &entry.value, settings)),
        }
    }
    let mut found = BTreeMap::new();
    for node in &overlay.body().spec.components {
        let name = node.get("name").and_then(Node::text).unwrap_or_default();
        for key in ["namespace", "chart", "source", "version", "valuesFile", "overrides"] {
            node.get(key).into_iter().for_each(|value| add(&format!("{name}.{key}"), value, &mut found));
        }
    }
    found
}
