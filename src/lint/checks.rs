//! Checks that overlays name: the validator catalog has them, in that phase.

use super::{Family, Findings};
use crate::{
    catalog::{Catalog, overlay::Overlay},
    criteria::near_matches,
    text::did_you_mean,
    yaml::Node,
};
use std::collections::BTreeMap;

pub(super) const FAMILY: Family = Family::Catalog {
    rules: &[("unknown-check", "a check that the validator catalog does not have in that phase")],
    look,
};

fn look(catalog: &Catalog, findings: &mut Findings) {
    let validators = catalog.validators().unwrap_or_else(|error| {
        findings.of_error("unreadable", &error);
        Vec::new()
    });
    let phases = validators.into_iter().map(|validator| (validator.name, validator.phase.name())).collect();
    super::overlays(catalog).for_each(|overlay| checks(overlay, &phases, findings));
}

fn checks(overlay: &Overlay, phases: &BTreeMap<String, &'static str>, findings: &mut Findings) {
    for phase in overlay.body().spec.validation.as_ref().map_or(&[][..], Node::entries) {
        for check in phase.value.get("checks").map_or(&[][..], Node::items) {
            let name = check.text().unwrap_or_default();
            let problem = match phases.get(name) {
                Some(belongs) if *belongs == &*phase.key => continue,
                Some(belongs) => format!("`{name}` is a {belongs} check"),
                None => format!("unknown check `{name}`"),
            };
            let near = near_matches(name, phases.keys().map(String::as_str));
            let found = findings.error("unknown-check", &overlay.body().document, check.at, problem);
            found.hint = did_you_mean(&near).filter(|_| !phases.contains_key(name));
        }
    }
}
