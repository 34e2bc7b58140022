//! Chains of overlays: every parent exists, and none goes in a circle or too deep.

use super::{Family, Findings};
use crate::{
    catalog::{
        Catalog, CatalogProblem,
        overlay::{BASE, Overlay},
    },
    resolve::select,
};

pub(super) const FAMILY: Family = Family::Overlay {
    rules: &[
        ("missing-parent", "an overlay that builds on one that does not exist"),
        ("cycle", "overlays that build on each other in a circle"),
        ("depth", "a chain of more than ten overlays"),
    ],
    look: overlay,
};

fn overlay(catalog: &Catalog, overlay: &Overlay, findings: &mut Findings) {
    let document = &overlay.body().document;
    if overlay.name == BASE {
        return;
    }
    match select::chain(catalog, overlay) {
        Err(error) => {
            let rule = match error.problem {
                CatalogProblem::Circle(_) => "cycle",
                _ => "missing-parent",
            };
            findings.of_error(rule, &error);
        }
        Ok(chain) if chain.len() > 9 => {
            let message = format!(
                "the chain of `{}` has {} overlays, with the base {}",
                overlay.name,
                chain.len(),
                chain.len() + 1
            );
            findings.warn("depth", document, document.root.at, message);
        }
        Ok(_) => {}
    }
}
