//! Which stated dimensions a recipe honors, and what would honor the others.
//!
//! A dimension is honored when an applied overlay names exactly its value. For one that is not, every overlay that names
//! the value and contradicts nothing else that was stated says what would have to be stated too.

use super::{Completion, Coverage, LeftOut, Outcome};
use crate::{
    catalog::Catalog,
    criteria::{Criteria, Dimension, Query, Stated},
};
use std::{borrow::Cow, collections::BTreeMap};

/// The order in which dimensions are checked, as the reference lists them; nodes last, because only we look at them.
const ORDER: [Dimension; 6] = [
    Dimension::Service,
    Dimension::Accelerator,
    Dimension::Intent,
    Dimension::Os,
    Dimension::Platform,
    Dimension::Nodes,
];

/// One entry per stated dimension; `outcomes` are the overlays that a snapshot excluded.
pub fn of(catalog: &Catalog, query: &Query, applied: &[String], outcomes: &BTreeMap<String, Outcome>) -> Vec<Coverage> {
    let stated = |dimension: Dimension| query.get(dimension).map(|stated| (dimension, stated));
    let names_it = |dimension: Dimension, value: &str, name: &str| {
        let criteria = catalog.overlay(name).and_then(|overlay| overlay.criteria.as_ref());
        criteria.and_then(|criteria| criteria.stated(dimension)).is_some_and(|named| named == value)
    };
    let entry = |(dimension, Stated { value, by }): (Dimension, Stated<Cow<'_, str>>)| {
        let honored_by = applied.iter().rev().find(|name| names_it(dimension, &value, name)).cloned();
        let mut entry = Coverage {
            dimension,
            value: value.to_string(),
            by,
            honored_by,
            completions: Vec::new(),
            excluded: Vec::new(),
            nearest: Vec::new(),
        };
        if entry.honored_by.is_none() {
            entry.completions = completions(catalog, query.criteria(), dimension, &value);
            let excluded = outcomes.iter().filter(|(name, _)| names_it(dimension, &value, name));
            entry.excluded = excluded.filter_map(|(name, outcome)| LeftOut::of(name, outcome)).collect();
            entry.nearest = nearest(catalog, query.criteria(), dimension, &value);
        }
        entry
    };
    ORDER.into_iter().filter_map(stated).map(entry).collect()
}

/// Criteria of the overlays that name a value.
fn naming<'c>(catalog: &'c Catalog, dimension: Dimension, value: &'c str) -> impl Iterator<Item = &'c Criteria> {
    let criteria = catalog.overlays.values().filter_map(|overlay| overlay.criteria.as_ref());
    criteria.filter(move |criteria| criteria.stated(dimension).as_deref() == Some(value))
}

/// What else would have to be stated, smallest first: none that another one is part of.
fn completions(catalog: &Catalog, query: &Criteria, dimension: Dimension, value: &str) -> Vec<Completion> {
    let missing = |criteria: &Criteria| -> Option<Completion> {
        let mut missing = Vec::new();
        for other in ORDER {
            match (criteria.stated(other), query.stated(other)) {
                (Some(wanted), Some(stated)) if wanted != stated => return None,
                (Some(wanted), None) => missing.push((other, wanted.into_owned())),
                _ => {}
            }
        }
        // Nothing is missing where a snapshot excluded the overlay: asking for it again would change nothing.
        (!missing.is_empty()).then_some(Completion(missing))
    };
    let all: Vec<Completion> = naming(catalog, dimension, value).filter_map(missing).collect();
    let is_smaller = |one: &Completion, other: &Completion| {
        one.0.len() < other.0.len() && one.0.iter().all(|entry| other.0.contains(entry))
    };
    let mut smallest: Vec<Completion> =
        all.iter().filter(|one| !all.iter().any(|other| is_smaller(other, one))).cloned().collect();
    smallest.sort_by_cached_key(|completion| (completion.0.len(), completion.to_string()));
    smallest.dedup();
    smallest
}

/// Up to three criteria sets that name the value, those first that ask for the fewest other changes.
fn nearest(catalog: &Catalog, query: &Criteria, dimension: Dimension, value: &str) -> Vec<String> {
    let mut near: Vec<(usize, String)> = naming(catalog, dimension, value)
        .map(|criteria| {
            let changes = Dimension::ALL
                .into_iter()
                .filter(|other| criteria.stated(*other).is_some() && criteria.stated(*other) != query.stated(*other))
                .count();
            (changes, criteria.to_string())
        })
        // Without a change it matches the query: it was left out, and asking for it again would change nothing.
        .filter(|(changes, _)| *changes > 0)
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, criteria)| criteria).collect()
}
