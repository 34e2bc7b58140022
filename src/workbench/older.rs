//! Lines of a log that are not in memory any more, as the record of the run has them.
//!
//! The record is the one file that a run writes; a log that outgrows its memory needs no other.

use super::{elsewhere::RunOrigin, model::Model};
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

impl Model {
    /// Whether the shown run has a record on this machine, which has the lines that memory has no more.
    pub fn has_record_of_run(&self) -> bool {
        match self.run.origin {
            RunOrigin::Own => !self.records.are_not_kept,
            RunOrigin::Record => true,
            RunOrigin::Cluster => false,
        }
    }
}
