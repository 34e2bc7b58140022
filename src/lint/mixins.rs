//! Mixins: every one that is named exists, and every one that exists is named.

use super::{Family, Findings};
use crate::{
    catalog::{
        Catalog,
        overlay::{BASE, Overlay},
    },
    criteria::near_matches,
    text::did_you_mean,
};

pub(super) const NAMED: Family =
    Family::Overlay { rules: &[("missing-mixin", "a mixin that does not exist")], look: overlay };

pub(super) const UNUSED: Family =
    Family::Catalog { rules: &[("unused-mixin", "a mixin that is not used by any overlay")], look: unused };

fn overlay(catalog: &Catalog, overlay: &Overlay, findings: &mut Findings) {
    let document = &overlay.body().document;
    if overlay.name == BASE {
        return;
    }
    for (name, at) in &overlay.body().mixins {
        if !catalog.mixins.contains_key(name) {
            let near = near_matches(name, catalog.mixins.keys().map(String::as_str));
            let found = findings.error("missing-mixin", document, *at, format!("the mixin `{name}` does not exist"));
            found.hint = did_you_mean(&near);
        }
    }
}

fn unused(catalog: &Catalog, findings: &mut Findings) {
    for mixin in catalog.mixins.values() {
        let names_it = |overlay: &Overlay| overlay.body().mixins.iter().any(|(name, _)| *name == mixin.name);
        if !catalog.overlays.values().any(names_it) {
            let message = format!("the mixin `{}` is not used by any overlay", mixin.name);
            findings.warn("unused-mixin", &mixin.document, mixin.document.root.at, message);
        }
    }
}
