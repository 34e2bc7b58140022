//! `UPGRADING.md`: what must be done by hand before an upgrade to a version of this bundle.

use super::plan::Bundle;
use crate::{
    catalog::{
        Catalog, CatalogError,
        upgrades::{self, Recorded},
    },
    constraint::release::Release,
};

/// The file; `None` where no record of a component has such a transition to the version in the bundle.
///
/// # Errors
/// A record that cannot be read.
pub fn text(catalog: &Catalog, bundle: &Bundle) -> Result<Option<String>, CatalogError> {
    let mut sections = String::new();
    for component in &bundle.components {
        let used = &component.used;
        let (Some(record), Some(version)) = (catalog.upgrades(&used.name)?, Release::parse(&used.version)) else {
            continue;
        };
        for transition in record.transitions.iter().filter(|transition| transition.to.contains(&version)) {
            let verdict = match transition.verdict {
                Recorded::Safe => continue,
                Recorded::Manual => "manual",
                Recorded::Blocked => "blocked",
            };
            sections += &format!(
                "\n## {}: {verdict}\n\n- This bundle has {}.\n- From {} to {}.\n- {}\n",
                used.name,
                used.version,
                transition.from.text,
                transition.to.text,
                transition.summary.trim()
            );
            if !transition.precondition.is_empty() {
                sections += &format!("- Precondition: {}\n", transition.precondition.trim());
            }
            sections += &match (transition.reversible, transition.reversible_notes.trim()) {
                (Some(false), "") => "- It cannot be undone.\n".to_owned(),
                (Some(false), notes) => format!("- It cannot be undone: {notes}\n"),
                (Some(true), notes) => format!("- It can be undone: {notes}\n"),
                (None, "") => String::new(),
                (None, notes) => format!("- Undoing it: {notes}\n"),
            };
            let steps = upgrades::steps(&transition.steps, bundle.options.deployer.name());
            if !steps.is_empty() {
                sections.push('\n');
            }
            for (index, step) in steps.iter().enumerate() {
                sections += &format!("{}. **{}**: {}\n", index + 1, step.id, step.description.trim());
                if !step.reason.is_empty() {
                    sections += &format!("   Why: {}\n", step.reason.trim());
                }
            }
            if !transition.references.is_empty() {
                let references = transition.references.iter().map(|url| format!("- <{}>\n", url.trim()));
                sections += &format!("\nMore:\n\n{}", references.collect::<String>());
            }
        }
    }
    let head = "# Before You Upgrade\n\nThese components of the bundle need attention when an older version is installed. \
                `aicr upgrade-check` says which of it concerns your cluster.\n";
    Ok((!sections.is_empty()).then(|| format!("{head}{sections}")))
}
