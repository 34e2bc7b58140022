//! What only shows in resolved recipes: every overlay's own criteria are resolved and the result is looked at.

use super::{Family, Findings};
use crate::{
    catalog::{Catalog, overlay::Overlay},
    recipe::{ComponentRef, Recipe},
    resolve::{Options, ResolveError, hydrate, resolve},
};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const FAMILY: Family = Family::Catalog {
    rules: &[
        (
            "phases",
            "an accelerator's recipe without deployment and conformance checks, or a version check without its bound",
        ),
        ("driver-root", "GPU operator and DRA driver that disagree about where the driver is installed"),
    ],
    look: lint,
};

fn lint(catalog: &Catalog, findings: &mut Findings) {
    let mut reported = BTreeSet::new();
    for overlay in catalog.overlays.values() {
        let Some(criteria) = overlay.criteria.as_ref().filter(|criteria| criteria.specificity() > 0) else { continue };
        match resolve(catalog, criteria, None, Options::LENIENT) {
            Ok(resolution) => {
                if is_leaf(catalog, overlay) && criteria.accelerator.is_some() {
                    phases(overlay, &resolution.recipe, findings);
                }
                driver_root(catalog, overlay, &resolution.recipe, findings);
            }
            // These have findings of their own, or are no mistake of this overlay.
            Err(ResolveError::Catalog(_) | ResolveError::OsRequired { .. } | ResolveError::UnknownMixin { .. }) => {}
            Err(error) if reported.insert(error.to_string()) => {
                let message = format!("its criteria do not resolve: {error}");
                findings.error("unreadable", &overlay.body().document, overlay.body().document.root.at, message);
            }
            Err(_) => {}
        }
    }
}

fn is_leaf(catalog: &Catalog, overlay: &Overlay) -> bool {
    !catalog.overlays.values().any(|other| other.parent.as_deref() == Some(&*overlay.name))
}

/// A recipe for an accelerator on a service can be validated: it has deployment and conformance checks, and the bound
/// that a version check needs.
fn phases(overlay: &Overlay, recipe: &Recipe, findings: &mut Findings) {
    let validation = recipe.validation.clone().unwrap_or_default();
    let at = overlay.body().document.root.at;
    if recipe.criteria.service.is_some() {
        for (name, phase) in [("deployment", &validation.deployment), ("conformance", &validation.conformance)] {
            if phase.as_ref().is_none_or(|phase| phase.checks.is_empty()) {
                let message = format!("the recipe of `{}` has no {name} checks", overlay.name);
                findings.warn("phases", &overlay.body().document, at, message);
            }
        }
    }
    let Some(deployment) = &validation.deployment else { return };
    let checked = deployment.checks.iter().any(|check| check == "gpu-operator-version");
    let bounded = deployment.constraints.iter().any(|constraint| constraint.name == "Deployment.gpu-operator.version");
    if checked && !bounded {
        let message = format!("the recipe of `{}` checks gpu-operator-version and sets no bound for it", overlay.name);
        findings.warn("phases", &overlay.body().document, at, message);
    }
}

/// The DRA driver looks for the driver where the GPU operator puts it, and neither place is the node's root by accident.
fn driver_root(catalog: &Catalog, overlay: &Overlay, recipe: &Recipe, findings: &mut Findings) {
    let values = |name: &str| {
        let component: &ComponentRef =
            recipe.components.iter().find(|component| component.name == name && component.is_enabled())?;
        hydrate::plain(catalog, component).ok()
    };
    let Some(operator) = values("gpu-operator") else { return };
    let text = |values: &Value, path: &str| values.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let installed = text(&operator, "/hostPaths/driverInstallDir");
    let mut say = |message: String| {
        findings.error("driver-root", &overlay.body().document, overlay.body().document.root.at, message);
    };
    if installed.as_deref() == Some("/") {
        say(format!("the recipe of `{}` installs the driver into the node's root", overlay.name));
    }
    let managed = operator.pointer("/driver/enabled").and_then(Value::as_bool).unwrap_or(true);
    let Some(dra) = values("nvidia-dra-driver-gpu").filter(|_| managed) else { return };
    let looked_for = text(&dra, "/nvidiaDriverRoot");
    if installed.is_none() || installed != looked_for {
        let shown = |path: &Option<String>| path.clone().unwrap_or_else(|| "(the chart's default)".to_owned());
        say(format!(
            "in the recipe of `{}` the GPU operator installs the driver into {} and the DRA driver looks in {}",
            overlay.name,
            shown(&installed),
            shown(&looked_for)
        ));
    }
}
