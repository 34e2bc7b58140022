//! Two resolutions side by side: components, values, constraints, checks, order.

use super::Change;
use crate::resolve::Resolution;

/// Changes from left to right in document order.
pub fn compare(left: &Resolution, right: &Resolution) -> Vec<Change> {
    let _ = (left, right);
    todo!("core")
}
