//! Deploy a bundle: what is installed in which order, what each release waits for, and what is done when.
//!
//! In: the files of a bundle that `aicr bundle` has written for Helm. Out: a [`plan::DeployPlan`] before anything happens, then,
//! driven by observations, a [`machine::Machine`] that says what to do next and reports every change as an
//! [`event::Body`]. Nothing here runs Helm or talks to a cluster. State is shared with `deploy.sh`: both mark a release with
//! what its folder holds, so that either continues what the other began.
#![warn(missing_docs)]

pub mod event;
pub mod machine;
pub mod mark;
pub mod plan;
pub mod progress;
pub mod readiness;
pub mod settle;
