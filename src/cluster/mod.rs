//! The edge to Kubernetes: one client for everything.
//!
//! Kubernetes objects end here: they become measurements (`collect`), observations of a run (`object_watch`,
//! `logs`) or [`ClusterError`]s.

pub mod active_time;
pub mod backoff;
pub mod client;
pub mod collect;
pub mod decode;
pub mod error;
pub mod logs;
pub mod object_watch;
pub mod objects;
pub mod releases;
pub mod services;
pub mod watch;

pub use client::{Connection, Target, connect};
pub use error::{ClusterError, ClusterErrorKind};
