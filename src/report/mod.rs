//! All results of a run as one document. (validate)

pub mod ctrf;
pub mod text;
