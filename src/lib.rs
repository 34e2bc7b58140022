//! The AI Cluster Runtime workbench: what a GPU cluster is, what it should be, and whether it is so.
//!
//! The pipeline, in the order in which data flows and in which the modules are listed:
//!
//! ```text
//! cluster → Inventory → Fingerprint / Criteria → resolve (Catalog) → Recipe with provenance
//!            └→ snapshot file, and back                              ├→ ValidationPlan → events → Report
//!                                                                    └→ Change (diff)
//! ```
//!
//! The core modules are functions from values to values: no Kubernetes client, no runtime, no terminal, no files, no
//! environment, no clock, no printing. The edges are one outside world each. `ops` is the only place where both meet;
//! `cli` and `workbench` read the same events and results.

// -- pure core: values in, values out --------------------------------------------------------------------------------
pub mod accelerators;
pub mod bundle;
pub mod catalog;
pub mod config;
pub mod constraint;
pub mod criteria;
pub mod deploy;
pub mod diff;
pub mod document;
pub mod fingerprint;
pub mod image;
pub mod inventory;
pub mod lint;
pub mod recipe;
pub mod report;
pub mod resolve;
pub mod settings;
pub mod snapshot;
pub mod text;
pub mod upgrade;
pub mod validate;
pub mod yaml;
// -- edges: one outside world each -----------------------------------------------------------------------------------
#[expect(clippy::disallowed_methods, reason = "an edge: reads kubeconfigs, the environment and the clock")]
pub mod cluster;
#[expect(clippy::disallowed_methods, reason = "an edge: its API server has a clock")]
pub mod demo;
#[expect(clippy::disallowed_methods, reason = "an edge: files are its world")]
pub mod store;
#[expect(clippy::disallowed_methods, reason = "an edge: the terminal is its world")]
pub mod term;
// -- joints and consumers --------------------------------------------------------------------------------------------
#[expect(clippy::disallowed_methods, reason = "a consumer: streams, arguments and the environment come in here")]
pub mod cli;
#[expect(clippy::disallowed_methods, reason = "joins core and edges: reads the clock for them")]
pub mod ops;
#[expect(clippy::disallowed_methods, reason = "a consumer: its driver has a clock and starts the editor")]
pub mod workbench;
