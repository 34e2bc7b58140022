//! Lines of a log that are not in memory any more, as the record of the run has them.
//!
//! The record is the one file that a run writes; a log that outgrows its memory needs no other.

use crate::report::lines::Lines;
use std::sync::Arc;

/// A stretch of what a check wrote.
#[derive(Clone, Debug)]
pub struct Older {
    /// The run, by its id.
    pub run: String,
    pub check: String,
    /// They have the numbers that they have in the whole output.
    pub lines: Arc<Lines>,
}
