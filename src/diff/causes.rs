//! Which criterion is behind the layers that caused a change.
//!
//! In: two recipes with their criteria and layers, and their changes. Out: for causes that follow from one criterion, what became
//! of it. A layer that several criteria let in is a cause of its own: none of them would have done it alone.

use super::Change;
use crate::{
    criteria::{Criteria, Dimension},
    document::side::Side,
};
use std::collections::{BTreeMap, BTreeSet};

/// By cause, as changes have it: `kind → eks` is `service kind → eks` where the service alone decides between the two.
pub fn criteria(left: &Side, right: &Side, changes: &[Change]) -> BTreeMap<String, String> {
    let causes: BTreeSet<&str> = changes.iter().map(|change| change.cause.as_str()).collect();
    let (Some(before), Some(after)) = (&left.criteria, &right.criteria) else { return BTreeMap::new() };
    let of = |side: &Side, name: &str| side.layers.iter().find(|layer| layer.name == name).map(|l| l.criteria.clone());
    let behind = |cause: &str| {
        let (from, to) = cause.split_once(" → ")?;
        let from = of(left, from).unwrap_or_default();
        behind((&from, before), (&of(right, to).unwrap_or_default(), after))
    };
    causes.into_iter().filter_map(|cause| Some((cause.to_owned(), behind(cause)?))).collect()
}

/// The criterion for which each of two layers is on its side only; each with the criteria of the recipe that it is part of.
fn behind(left: (&str, &Criteria), right: (&str, &Criteria)) -> Option<String> {
    let mut dimensions = BTreeSet::new();
    for (layer, other) in [(left.0, right.1), (right.0, left.1)] {
        for (name, value) in layer.split_whitespace().filter_map(|stated| stated.split_once('=')) {
            let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name)?;
            // A number of nodes is met by others as well.
            if dimension == Dimension::Nodes {
                return None;
            }
            if other.stated(dimension).as_deref() != Some(value) {
                dimensions.insert(name);
            }
        }
    }
    let mut dimensions = Dimension::ALL.into_iter().filter(|dimension| dimensions.contains(dimension.name()));
    let (Some(dimension), None) = (dimensions.next(), dimensions.next()) else { return None };
    let [before, after] = [left.1, right.1].map(|side| side.get(dimension).unwrap_or_else(|| "any".to_owned()));
    (before != after).then(|| format!("{} {before} → {after}", dimension.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: (&str, &str), right: (&str, &str), expected: Option<&str>) {
        let criteria = |text: &str| {
            let mut criteria = Criteria::default();
            for (name, value) in text.split_whitespace().filter_map(|stated| stated.split_once('=')) {
                let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name).unwrap();
                criteria.set(dimension, Some(value.to_owned()));
            }
            criteria
        };
        let found = behind((left.0, &criteria(left.1)), (right.0, &criteria(right.1)));
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn a_layer_that_one_criterion_lets_in_is_called_by_that() {
        let (kind, eks) = ("service=kind accelerator=a100", "service=eks accelerator=h100 os=ubuntu");
        check(("service=kind", kind), ("service=eks", eks), Some("service kind → eks"));
        check(("", kind), ("accelerator=h100", eks), Some("accelerator a100 → h100"));
        check(("", kind), ("os=ubuntu", eks), Some("os any → ubuntu"));
        // Of two layers that differ in two criteria, or one that needs two, none is the cause.
        check(("service=kind", kind), ("accelerator=h100", eks), None);
        check(("", kind), ("service=eks accelerator=h100", eks), None);
        // The other one has been the same on both sides.
        check(
            ("", "service=eks accelerator=a100"),
            ("service=eks accelerator=h100", eks),
            Some("accelerator a100 → h100"),
        );
        check(("", kind), ("", eks), None);
    }
}
