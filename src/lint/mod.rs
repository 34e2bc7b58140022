//! What is wrong, or looks wrong, in a catalog: every finding with its place and what to do.
//!
//! In: the files of a catalog. Out: [`Finding`]s, sorted by place. Loading a catalog stops at its first error; this reads
//! on. A family of rules is a file and a line in [`ALL`].
#![warn(missing_docs)]

mod checks;
mod components;
mod conflicts;
mod constraints;
mod criteria;
mod document;
mod exempt;
mod health;
mod mixins;
mod parents;
mod recipes;
mod upgrades;

use crate::{
    catalog::{
        Catalog, CatalogError, CatalogProblem, Files,
        overlay::{Overlay, Spec},
        parse::Document,
    },
    text::causes,
    yaml::Position,
};
use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Some query fails, or gives something else than the file says.
    Error,
    /// Works, and is probably not meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Finding {
    /// File as messages call it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// Name of the rule, for filters.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.severity == Severity::Error { "error" } else { "warning" };
        write!(f, "{}:{}:{}: {severity}[{}]: {}", self.file, self.line, self.column, self.rule, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Name of a rule, and what it looks for.
pub type Rule = (&'static str, &'static str);

/// Rules that are looked for together.
enum Family {
    /// In the files, whether or not they are a catalog.
    Files { rules: &'static [Rule], look: fn(&Files, &mut Findings) },
    /// In the catalog as a whole.
    Catalog { rules: &'static [Rule], look: fn(&Catalog, &mut Findings) },
    /// In each overlay, the base included.
    Overlay { rules: &'static [Rule], look: fn(&Catalog, &Overlay, &mut Findings) },
}

/// Every family, in the order in which documentation lists the rules.
const ALL: [Family; 16] = [
    document::FAMILY,
    parents::FAMILY,
    criteria::FAMILY,
    criteria::SAME,
    mixins::NAMED,
    mixins::UNUSED,
    components::FAMILY,
    components::REGISTRY,
    constraints::FAMILY,
    constraints::BOUNDS,
    checks::FAMILY,
    conflicts::FAMILY,
    health::CHECKS,
    health::COMPONENTS,
    recipes::FAMILY,
    upgrades::FAMILY,
];

/// All rules; documentation and SARIF are made from them.
pub fn rules() -> impl Iterator<Item = Rule> {
    let rules = |family: &Family| match family {
        Family::Files { rules, .. } | Family::Catalog { rules, .. } | Family::Overlay { rules, .. } => *rules,
    };
    ALL.iter().flat_map(rules).copied().chain([exempt::RULE])
}

/// Findings of a catalog, sorted by file and line.
pub fn lint(files: &Files) -> Vec<Finding> {
    let mut findings = Findings::default();
    let catalog = Catalog::whole(files.clone());
    for family in &ALL {
        match (family, &catalog) {
            (Family::Files { look, .. }, _) => look(files, &mut findings),
            (Family::Catalog { look, .. }, Ok(catalog)) => look(catalog, &mut findings),
            (Family::Overlay { look, .. }, Ok(catalog)) => {
                overlays(catalog).for_each(|overlay| look(catalog, overlay, &mut findings));
            }
            (_, Err(_)) => {}
        }
    }
    if let Err(error) = &catalog {
        match &error.problem {
            // What is wrong with a header is found with the document.
            CatalogProblem::Header(_) => {}
            CatalogProblem::Path(_) => findings.of_error("constraint", error),
            _ => findings.of_error("unreadable", error),
        }
    }
    let mut findings = findings.0;
    findings.sort();
    findings.dedup();
    exempt::apply(files, findings)
}

/// Every overlay, and the base.
fn overlays(catalog: &Catalog) -> impl Iterator<Item = &Overlay> {
    catalog.overlays.values().chain([&catalog.base])
}

/// What overlays, the base and mixins say.
fn layers(catalog: &Catalog) -> impl Iterator<Item = (&Document, &Spec)> {
    let mixins = catalog.mixins.values().map(|mixin| (&mixin.document, &mixin.spec));
    overlays(catalog).map(Overlay::body).map(|body| (&body.document, &body.spec)).chain(mixins)
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        rule: &'static str,
        document: &Document,
        at: Position,
        message: String,
    ) -> &mut Finding {
        self.place(severity, rule, &document.shown, at, message)
    }

    fn place(
        &mut self,
        severity: Severity,
        rule: &'static str,
        file: &str,
        at: Position,
        message: String,
    ) -> &mut Finding {
        let file = file.to_owned();
        self.0.push(Finding { file, line: at.line, column: at.column, severity, rule, message, hint: None });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    fn error(&mut self, rule: &'static str, document: &Document, at: Position, message: String) -> &mut Finding {
        self.add(Severity::Error, rule, document, at, message)
    }

    fn warn(&mut self, rule: &'static str, document: &Document, at: Position, message: String) -> &mut Finding {
        self.add(Severity::Warning, rule, document, at, message)
    }

    fn of_error(&mut self, rule: &'static str, error: &CatalogError) {
        let (file, message, hint) = (error.at.file.to_string(), causes(error), error.problem.hint());
        let Position { line, column } = error.at.at.unwrap_or(Position { line: 1, column: 1 });
        self.0.push(Finding { file, line, column, severity: Severity::Error, rule, message, hint });
    }
}

#[cfg(test)]
mod tests;
