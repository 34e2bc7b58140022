//! Chooses the overlays that apply to a set of criteria, and tells what became of all the others.
//!
//! In: the catalog, the criteria, and whether an overlay's constraints hold. Out: leaves in merge order, and a decision
//! for every overlay. Ties on specificity go by name, so that two machines merge alike.

use super::{Decision, Outcome, ResolveError};
use crate::{
    catalog::{Catalog, CatalogError, CatalogProblem, overlay::Overlay},
    criteria::{Criteria, Dimension},
};
use std::collections::{BTreeMap, BTreeSet};

/// The first dimension in which an overlay asks for something that the query does not say; `None` when it matches.
///
/// `any` in an overlay matches everything; `any` in the query matches only `any`: a person who did not say which GPU they
/// have must not receive the settings of one.
pub fn mismatch(overlay: &Criteria, query: &Criteria) -> Option<Dimension> {
    Dimension::ALL.into_iter().find(|dimension| {
        let wants = overlay.stated(*dimension);
        wants.is_some() && wants != query.stated(*dimension)
    })
}

/// Overlays that match, without those that another match builds on; least specific first, then by name.
pub fn leaves<'c>(catalog: &'c Catalog, query: &Criteria) -> Vec<&'c Overlay> {
    maximal(catalog, matches(catalog, query).collect())
}

fn matches<'c>(catalog: &'c Catalog, query: &Criteria) -> impl Iterator<Item = &'c Overlay> {
    let matches = |overlay: &&Overlay| overlay.criteria.as_ref().is_some_and(|own| mismatch(own, query).is_none());
    catalog.overlays.values().filter(matches)
}

/// Overlays that build on each other in a circle are ancestors of one another, so none of them would be a leaf and all
/// would vanish without a word, as they do in the reference.
///
/// # Errors
/// A matching overlay whose chain turns back on itself.
pub fn refuse_circles(catalog: &Catalog, query: &Criteria) -> Result<(), CatalogError> {
    let turns_back = |overlay: &&Overlay| {
        let top = parents(catalog, overlay).pop().unwrap_or(overlay);
        top.parent.as_ref().is_some_and(|parent| catalog.overlays.contains_key(parent))
    };
    matches(catalog, query).find(turns_back).map_or(Ok(()), |overlay| chain(catalog, overlay).map(drop))
}

/// Drops overlays that others of the list build on, and sorts.
pub fn maximal<'c>(catalog: &'c Catalog, overlays: Vec<&'c Overlay>) -> Vec<&'c Overlay> {
    let ancestors: BTreeSet<&str> =
        overlays.iter().flat_map(|overlay| parents(catalog, overlay)).map(|parent| parent.name.as_str()).collect();
    let mut leaves: Vec<&Overlay> =
        overlays.into_iter().filter(|overlay| !ancestors.contains(overlay.name.as_str())).collect();
    leaves.sort_by_key(|overlay| (specificity(overlay), &overlay.name));
    leaves.dedup_by_key(|overlay| &overlay.name);
    leaves
}

/// How many dimensions an overlay states.
pub(super) fn specificity(overlay: &Overlay) -> usize {
    overlay.criteria.as_ref().map_or(0, Criteria::specificity)
}

/// The overlays that this one builds on, nearest first, without the base; ends at a repeat or a missing parent.
fn parents<'c>(catalog: &'c Catalog, overlay: &'c Overlay) -> Vec<&'c Overlay> {
    let mut chain: Vec<&Overlay> = Vec::new();
    let mut next = overlay.parent.as_deref();
    while let Some(parent) = next.and_then(|name| catalog.overlays.get(name)) {
        if parent.name == overlay.name || chain.iter().any(|known| known.name == parent.name) {
            break;
        }
        chain.push(parent);
        next = parent.parent.as_deref();
    }
    chain
}

/// The chain that is merged for a leaf: from the overlay above the base down to the leaf.
///
/// # Errors
/// A parent that does not exist, a chain that turns back on itself, an overlay that cannot be read.
pub fn chain<'c>(catalog: &'c Catalog, leaf: &'c Overlay) -> Result<Vec<&'c Overlay>, CatalogError> {
    let mut chain = vec![leaf];
    while let Some(name) = chain.last().and_then(|overlay| overlay.parent.as_deref()) {
        let child = chain[chain.len() - 1];
        let Some(parent) = catalog.overlays.get(name) else {
            let known = catalog.overlays.keys().map(String::as_str);
            let near = crate::criteria::near_matches(name, known);
            let problem = CatalogProblem::MissingParent { overlay: child.name.clone(), parent: name.to_owned(), near };
            return Err(child.error(problem));
        };
        if chain.iter().any(|known| known.name == parent.name) {
            let names = chain.iter().map(|overlay| overlay.name.clone()).chain([name.to_owned()]);
            return Err(child.error(CatalogProblem::Circle(names.collect())));
        }
        chain.push(parent);
    }
    chain.iter().try_for_each(|overlay| overlay.check())?;
    chain.reverse();
    Ok(chain)
}

/// Refuses a query whose service has only OS-specific overlays while it names no OS.
///
/// # Errors
/// [`ResolveError::OsRequired`] with the values that would match.
pub fn require_os(catalog: &Catalog, query: &Criteria, leaves: &[&Overlay]) -> Result<(), ResolveError> {
    let Some(service) = query.service.clone().filter(|_| query.os.is_none()) else { return Ok(()) };
    let exact = |criteria: &Criteria| criteria.service == query.service && criteria.accelerator == query.accelerator;
    if leaves.iter().any(|leaf| leaf.criteria.as_ref().is_some_and(exact)) {
        return Ok(());
    }
    let would_match = |overlay: &Overlay| {
        let criteria = overlay.criteria.as_ref()?;
        let os = criteria.os.clone()?;
        let asked = Criteria { os: Some(os.clone()), ..query.clone() };
        mismatch(criteria, &asked).is_none().then_some(os)
    };
    let valid: BTreeSet<String> = catalog.overlays.values().filter_map(would_match).collect();
    if valid.is_empty() {
        return Ok(());
    }
    let accelerator = query.accelerator.clone();
    Err(ResolveError::OsRequired { service, accelerator, valid: valid.into_iter().collect() })
}

/// What became of every overlay: base, then the applied ones in merge order, then the others by name.
pub fn decisions(
    catalog: &Catalog,
    query: &Criteria,
    leaves: &[&Overlay],
    applied: &[String],
    excluded: &BTreeMap<String, Outcome>,
) -> Vec<Decision> {
    let mut decisions: Vec<Decision> = applied
        .iter()
        .filter_map(|name| catalog.overlay(name))
        .map(|overlay| {
            let matches = overlay.criteria.as_ref().is_some_and(|criteria| mismatch(criteria, query).is_none());
            let descendant = leaves.iter().find(|leaf| {
                leaf.name != overlay.name && parents(catalog, leaf).iter().any(|parent| parent.name == overlay.name)
            });
            let outcome = match descendant {
                Some(descendant) if !matches => Outcome::Ancestor { of: descendant.name.clone() },
                _ => Outcome::Applied,
            };
            decision(overlay, outcome)
        })
        .collect();
    let others = catalog.overlays.values().filter(|overlay| !applied.contains(&overlay.name));
    decisions.extend(others.map(|overlay| {
        let outcome = match (excluded.get(&overlay.name), &overlay.criteria) {
            (Some(outcome), _) => outcome.clone(),
            (None, None) => Outcome::NeverSelected,
            (None, Some(criteria)) => match mismatch(criteria, query) {
                Some(dimension) => Outcome::Rejected {
                    dimension,
                    wants: criteria.get(dimension).unwrap_or_default(),
                    query: query.get(dimension).unwrap_or_else(|| "any".to_owned()),
                },
                None => Outcome::DroppedWith { leaf: descendants(catalog, overlay, excluded) },
            },
        };
        decision(overlay, outcome)
    }));
    decisions
}

/// Excluded leaves that build on an overlay, comma-joined.
fn descendants(catalog: &Catalog, overlay: &Overlay, excluded: &BTreeMap<String, Outcome>) -> String {
    let leaves = excluded.keys().filter_map(|name| catalog.overlays.get(name));
    let descendants = leaves.filter(|leaf| parents(catalog, leaf).iter().any(|parent| parent.name == overlay.name));
    descendants.map(|leaf| leaf.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn decision(overlay: &Overlay, outcome: Outcome) -> Decision {
    Decision {
        overlay: overlay.name.clone(),
        file: overlay.file().to_string(),
        criteria: overlay.criteria.as_ref().map(Criteria::to_string).unwrap_or_default(),
        outcome,
    }
}
