//! The edge to Kubernetes: one client for everything.
//!
//! Kubernetes objects end here: they become measurements (`collect`), observations of a run (`object_watch`,
//! `logs`) or [`ClusterError`]s.

pub mod active_time;
pub mod answer;
pub mod api_version;
pub mod applications;
pub mod backoff;
pub mod changes;
pub mod collect;
pub mod config_map;
pub mod connection;
pub mod credentials;
pub mod decode;
pub mod dial;
pub mod error;
pub mod exec;
mod explain;
mod forms;
pub mod helm;
pub mod helm_record;
mod kinds;
pub mod kubeconfig;
pub mod kustomize;
pub mod lease;
pub mod logs;
pub mod object_watch;
pub mod objects;
pub mod objects_at_risk;
pub mod pod_exec;
pub mod proxy;
pub mod raw;
mod read_only;
pub mod registry;
pub mod releases;
pub mod request;
mod retry;
pub mod services;
mod socks;
pub mod tls;
pub mod transport;
pub mod turn;
pub mod watch;
pub mod web;

pub use connection::{Connection, Contexts, Target, connect, contexts};
pub use error::{ClusterError, ClusterErrorKind, Refusal};
pub use exec::PluginOutput;

#[cfg(test)]
mod tests;
