//! The demo cluster: an in-process Kubernetes API server behind the ordinary client. (demo)
//!
//! Five nodes of a kind cluster with one A100 and its operators. What it claims is claimed by the same tests against a
//! real API server.

use super::{ClusterError, Connection};
use futures::future::BoxFuture;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// What a container of a check is started with, and the cluster as its service account sees it.
pub struct PodRun {
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// Mounted ConfigMap keys by absolute path.
    pub files: BTreeMap<String, String>,
    pub connection: Connection,
    /// Lines of output, without line ends.
    pub log: tokio::sync::mpsc::UnboundedSender<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PodExit {
    pub code: i32,
    pub termination_message: String,
}

/// Runs the program of a container in this process; `ops` gives the one that runs our checks.
#[derive(Clone)]
pub struct PodRunner(pub Arc<dyn Fn(PodRun) -> BoxFuture<'static, PodExit> + Send + Sync>);

impl fmt::Debug for PodRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PodRunner")
    }
}

/// What the demo should pretend.
#[derive(Clone, Debug, Default)]
pub struct DemoOptions {
    pub seed: u64,
    pub faults: Vec<Fault>,
    /// What runs in containers of our check image; without it they exit 127.
    pub runner: Option<PodRunner>,
}

/// One thing to go wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Pods of this check cannot be scheduled.
    Unschedulable { check: String },
    /// The image of this check cannot be pulled.
    ImagePull { check: String },
    /// This check fails: the thing it looks at is broken.
    CheckFails { check: String },
    /// Every answer takes this long.
    Slow { millis: u64 },
    /// Watches end after this many events.
    DroppedWatch { after: usize },
    /// The verb on the resource is forbidden (`list nodes`, `create jobs`).
    Forbidden { verb: String, resource: String },
}

/// A running demo cluster; clones share it.
#[derive(Clone)]
pub struct Demo {}

/// Starts a demo cluster and connects to it.
pub fn connect(options: &DemoOptions) -> Result<Connection, ClusterError> {
    let _ = options;
    todo!("demo")
}

impl Demo {
    /// What a Service of the demo answers to a GET of this URL; `None` where nothing listens.
    pub fn http(&self, url: &str) -> Option<super::client::HttpAnswer> {
        let _ = url;
        todo!("demo")
    }
}
