//! Two recipes side by side: components, values, constraints, checks, order.

use super::Change;
use crate::document::{compare, side::Side};

/// Parts of the document that say how it was asked for, not what it is.
const ABOUT: [&str; 4] = ["kind", "apiVersion", "metadata", "criteria"];

/// Changes from left to right, as [`compare::compare`] orders them.
pub fn compare(left: &Side, right: &Side) -> Vec<Change> {
    compare::compare(left, right, &ABOUT)
}
