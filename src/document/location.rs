//! Where something is: a file as messages call it, and the place in it.

use crate::yaml::Position;
use std::{fmt, sync::Arc};

/// A place in a file, or a whole file or folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// As messages call it: `catalog/overlays/kind.yaml`, or a path as typed.
    pub file: Arc<str>,
    /// `None` for the file as a whole.
    pub at: Option<Position>,
}

impl Location {
    /// A place in a file.
    pub fn new(file: &Arc<str>, at: Position) -> Location {
        Location { file: file.clone(), at: Some(at) }
    }

    /// A file or folder as a whole.
    pub fn whole(file: impl Into<Arc<str>>) -> Location {
        Location { file: file.into(), at: None }
    }
}

impl fmt::Display for Location {
    /// `file:line:column`, or `file`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{}:{at}", self.file),
            None => f.write_str(&self.file),
        }
    }
}
