//! Which stated dimensions a recipe honors, and what would honor the others.

use super::Coverage;
use crate::{
    catalog::Catalog,
    criteria::{Criteria, Dimension, Query, Stated},
};

/// One entry per stated dimension, in the order of dimensions.
pub fn of(catalog: &Catalog, query: &Query, applied: &[String]) -> Vec<Coverage> {
    let stated = |dimension: Dimension| query.get(dimension).map(|stated| (dimension, stated));
    let names_it = |dimension: Dimension, value: &str, name: &str| {
        let criteria = catalog.overlays.get(name).and_then(|overlay| overlay.criteria.as_ref());
        criteria.and_then(|criteria| criteria.stated(dimension)).is_some_and(|named| named == value)
    };
    Dimension::ALL
        .into_iter()
        .filter_map(stated)
        .map(|(dimension, Stated { value, by })| {
            let honored_by = applied.iter().rev().find(|name| names_it(dimension, &value, name)).cloned();
            let completions = match honored_by {
                Some(_) => Vec::new(),
                None => completions(catalog, query.criteria(), dimension, &value),
            };
            Coverage { dimension, value: value.into_owned(), by, honored_by, completions }
        })
        .collect()
}

/// Up to three criteria sets that name the value, those first that ask for the fewest other changes.
fn completions(catalog: &Catalog, query: &Criteria, dimension: Dimension, value: &str) -> Vec<String> {
    let mut near: Vec<(usize, String)> = catalog
        .overlays
        .values()
        .filter_map(|overlay| overlay.criteria.as_ref())
        .filter(|criteria| criteria.stated(dimension).as_deref() == Some(value))
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
