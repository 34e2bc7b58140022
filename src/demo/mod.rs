//! The demo cluster: an in-process Kubernetes API server behind the ordinary client.
//!
//! In: objects to begin with, a seed, faults, and what runs in containers. Out: a `kube::Client` like any other, and what
//! its Services answer. It names no type of this crate: what it is plugged into lies in `ops`. Requests never leave the
//! process. Jobs and Pods that are created live their lives on the runtime's clock. What it claims is claimed by the same
//! tests against a real API server.
//!
//! Of the relatives of Deployments it runs only those, knows no strategic merge patch, and checks the contents of objects
//! only where the tests say so.

mod admission;
mod api;
mod apply;
mod clock;
mod containers;
mod controllers;
mod faults;
mod helm;
mod http;
mod jobs;
mod kinds;
mod kubelet;
mod list;
mod logs;
mod media;
mod patch;
mod protobuf;
mod rbac;
mod recording;
mod scheduler;
mod selectors;
pub mod serve;
mod service;
mod state;
mod status;
mod store;
mod table;
mod watch;
mod workloads;
mod world;

pub use faults::Fault;
pub use world::{DAMAGE, FILES, FLEET, NothingToPatch, RUNS, WEEK, World, WorldError, WorldFault};

use clock::Clock;
use faults::Faults;
use futures::future::BoxFuture;
use rbac::Caller;
use service::Service;
use state::Cluster;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// What a container is started with.
pub struct PodRun {
    pub image: String,
    /// Entry point of the container; empty for that of the image.
    pub command: Vec<String>,
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// Mounted ConfigMap keys by absolute path.
    pub files: BTreeMap<String, String>,
    /// The cluster as the service account of the pod sees it.
    pub demo: Demo,
    /// Names of the device files that the container gets besides those of every container.
    pub devices: Vec<String>,
    /// Labels of the node that it runs on.
    pub node_labels: BTreeMap<String, String>,
    /// Lines of output, without line ends.
    pub log: tokio::sync::mpsc::UnboundedSender<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PodExit {
    pub code: i32,
    pub termination_message: String,
}

/// Runs the program of a container in this process.
#[derive(Clone)]
pub struct PodRunner(pub Arc<dyn Fn(PodRun) -> BoxFuture<'static, PodExit> + Send + Sync>);

impl fmt::Debug for PodRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PodRunner")
    }
}

/// What a demo cluster is made of.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Of identifiers, and of how long steps take.
    pub seed: u64,
    pub world: Arc<World>,
    pub faults: Vec<Fault>,
    /// What runs in containers; without it they exit 127.
    pub runner: Option<PodRunner>,
    /// Time at which the cluster's clock starts; now when absent.
    pub start: Option<jiff::Timestamp>,
    /// How many nodes there are at least; the further ones are copies of the last. For measuring.
    pub nodes: Option<usize>,
}

/// A demo cluster as one caller sees it. Clones share the cluster.
#[derive(Clone)]
pub struct Demo {
    cluster: Arc<Cluster>,
    caller: Caller,
    /// Of requests that do not name one.
    namespace: String,
}

/// Why a demo cluster does not start.
#[derive(Clone, Debug, PartialEq)]
pub enum StartError {
    /// It lives on the clock and the tasks of a tokio runtime.
    NoRuntime,
    NothingToPatch(NothingToPatch),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::NoRuntime => f.write_str("not inside an asynchronous runtime"),
            StartError::NothingToPatch(NothingToPatch { object }) => write!(f, "the world does not contain {object}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Starts a demo cluster, for the person who looks at it and may do everything.
///
/// # Errors
/// Outside of a tokio runtime; a fault that patches what is not there.
pub fn start(options: &Options) -> Result<Demo, StartError> {
    tokio::runtime::Handle::try_current().map_err(|_| StartError::NoRuntime)?;
    let start = options.start.unwrap_or_else(jiff::Timestamp::now);
    let faults = Faults::new(options.faults.clone());
    let patches = options.faults.iter().filter_map(|fault| match fault {
        Fault::Damage { patches } => Some(patches),
        _ => None,
    });
    let mut world = Arc::clone(&options.world);
    for patch in patches.flatten() {
        Arc::make_mut(&mut world).patch(patch).map_err(StartError::NothingToPatch)?;
    }
    let built = world::build(&world, options.seed, start, options.nodes);
    let cluster = Arc::new(Cluster::new(options.seed, Clock::new(start), faults, options.runner.clone(), built));
    controllers::start(&cluster);
    Ok(Demo { cluster, caller: Caller::admin(), namespace: "default".to_owned() })
}

impl Demo {
    /// A client whose requests never leave the process.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.service(), self.namespace.clone())
    }

    /// What a Service of the demo answers to a GET of this URL; `None` where nothing listens.
    pub fn http(&self, url: &str) -> Option<::http::Response<String>> {
        http::get(&self.cluster, url)
    }

    /// From now on these things go wrong, and no others; what is damaged in the world stays so.
    pub fn break_by(&self, faults: Vec<Fault>) {
        self.cluster.faults.set(faults);
        self.cluster.wake();
    }

    /// Forgets older versions, so that a request for one gets 410, as after compaction on a real cluster.
    pub fn compact(&self) {
        self.cluster.write(|tx| tx.store.compact());
    }

    fn service(&self) -> Service {
        Service { cluster: Arc::clone(&self.cluster), caller: self.caller.clone() }
    }
}
