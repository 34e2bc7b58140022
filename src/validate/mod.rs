//! From a recipe to a verdict: what to run (`plan`), how a run goes on (`run`), and the checks themselves.
//!
//! `plan` and `run` are pure. A run is a state machine: observations of the cluster in, actions and [`event::Event`]s
//! out; `ops::validate` connects it to a cluster. Command line, Validate screen and report read the same events.

pub mod checks;
pub mod event;
pub mod plan;
pub mod run;
