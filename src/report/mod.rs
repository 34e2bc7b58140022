//! All results of a run as one document. (validate)

pub mod ctrf;
pub mod escape;
pub mod text;
