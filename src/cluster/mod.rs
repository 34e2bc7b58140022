//! The edge to Kubernetes: one client for everything.
//!
//! Kubernetes objects end here: they become measurements (`collect`), observations of a run (`job`) or [`ClusterError`]s.

pub mod client;
pub mod collect;
pub mod config_map;
pub mod decode;
pub mod error;
pub mod job;
pub mod releases;
pub mod services;
pub mod watch;

pub use client::{Connection, Target, connect};
pub use error::{ClusterError, ClusterErrorKind};
