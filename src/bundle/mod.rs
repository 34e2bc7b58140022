//! What a recipe becomes for the tools that deploy it.
//!
//! So far the values that Helm gets; the files of the deployers are not written yet.

pub mod values;
