//! From a recipe to a verdict: what to run (`plan`), how a check goes on (`machine`), and the checks themselves.
//!
//! All of it is pure. `machine` is a state machine: observations of the cluster in, states and results out; `ops::run`
//! connects it to a cluster. Command line, Validate screen and report read the same [`event::Event`]s.

pub mod beforehand;
pub mod checks;
pub mod coverage;
pub mod curve;
pub mod event;
pub mod gpu;
pub mod input;
pub mod machine;
pub mod plan;
mod pod;
pub mod pods;
pub mod reference;
pub mod rights;
pub mod select;
