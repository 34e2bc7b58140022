//! Which overlays match a cluster: what each asks for against what a snapshot shows.
//!
//! In: the catalog, the criteria that the cluster and a person state, a snapshot. Out: every overlay that contradicts
//! neither, best first, with what is left to choose and every constraint of its chain judged.

use super::{ResolveError, exclude, select};
use crate::{
    catalog::{Catalog, overlay::Overlay},
    constraint::{self, Verdict},
    criteria::{Criteria, Dimension},
    inventory::Inventory,
};

/// One overlay that the cluster does not contradict.
#[derive(Clone, Debug)]
pub struct Fit<'c> {
    pub overlay: &'c Overlay,
    /// What the overlay asks for and nobody stated: intent and platform, which no cluster shows, and what the snapshot lacks.
    pub open: Vec<(Dimension, String)>,
    /// The constraints of its chain with those of the base and of mixins, at their final values.
    pub constraints: Vec<Judged>,
}

/// A constraint of an overlay's chain on the snapshot.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Judged {
    pub name: String,
    pub expected: String,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether an overlay matches a cluster. The order is the one in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    Yes,
    /// Nothing fails, but not every constraint could be read.
    Unknown,
    No,
}

impl Match {
    pub fn name(self) -> &'static str {
        match self {
            Match::Yes => "yes",
            Match::Unknown => "unknown",
            Match::No => "no",
        }
    }
}

impl Fit<'_> {
    pub fn matched(&self) -> Match {
        let worst = |judged: &Judged| match judged.verdict {
            Verdict::Pass { .. } => Match::Yes,
            Verdict::Unknown { .. } => Match::Unknown,
            Verdict::Fail { .. } => Match::No,
        };
        self.constraints.iter().map(worst).max().unwrap_or(Match::Yes)
    }
}

/// Overlays that contradict nothing in `stated`: those that match first, the most specific first among these, then by name.
///
/// Overlays without criteria are left out: no query selects them.
///
/// # Errors
/// A chain that cannot be followed.
pub fn fits<'c>(catalog: &'c Catalog, stated: &Criteria, snapshot: &Inventory) -> Result<Vec<Fit<'c>>, ResolveError> {
    let mut fits = Vec::new();
    for overlay in catalog.overlays.values() {
        let Some(open) = overlay.criteria.as_ref().and_then(|own| open(own, stated)) else { continue };
        let judge = |rule: exclude::Rule| {
            let verdict = constraint::judge(&rule.name, &rule.expected, snapshot);
            Judged { name: rule.name, expected: rule.expected, verdict }
        };
        let mut rules = exclude::chain_rules(catalog, overlay)?;
        let base = exclude::own_rules(&catalog.base).into_iter();
        let inherited: Vec<_> = base.filter(|rule| rules.iter().all(|known| known.name != rule.name)).collect();
        rules.splice(0..0, inherited);
        let constraints = rules.into_iter().map(judge).collect();
        fits.push(Fit { overlay, open, constraints });
    }
    let specificity = |fit: &Fit<'_>| select::specificity(fit.overlay);
    fits.sort_by_cached_key(|fit| (fit.matched(), std::cmp::Reverse(specificity(fit)), fit.overlay.name.clone()));
    Ok(fits)
}

/// What an overlay asks for beyond what is stated; `None` when it asks for something else.
fn open(own: &Criteria, stated: &Criteria) -> Option<Vec<(Dimension, String)>> {
    let mut open = Vec::new();
    for dimension in Dimension::ALL {
        match (own.get(dimension), stated.stated(dimension)) {
            (Some(wanted), None) => open.push((dimension, wanted)),
            (Some(wanted), Some(known)) if wanted != known => return None,
            _ => {}
        }
    }
    Some(open)
}
