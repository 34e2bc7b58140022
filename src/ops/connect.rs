//! Connect to the cluster that a person named, or to a demo cluster with our checks in its containers.

use super::{Failure, Kind, check};
use crate::{
    cluster::{
        self, ClusterError, ClusterErrorKind, Connection, PluginOutput,
        services::{self, HttpAnswer, Services},
    },
    demo::{self, Demo, DemoOptions, PodRunner},
};
use futures::future::BoxFuture;
use std::sync::Arc;

/// Which cluster.
#[derive(Clone, Debug)]
pub enum Target {
    /// A real one.
    Cluster(cluster::Target),
    /// One in this process.
    Demo(DemoOptions),
}

impl Target {
    pub fn is_demo(&self) -> bool {
        matches!(self, Target::Demo(_))
    }

    /// Where credential plugins write to, and whether they may ask a person; a demo cluster has none.
    #[must_use]
    pub fn with_plugin_output(mut self, output: PluginOutput) -> Target {
        if let Target::Cluster(target) = &mut self {
            target.plugin_output = output;
        }
        self
    }
}

impl Default for Target {
    fn default() -> Target {
        Target::Cluster(cluster::Target::default())
    }
}

/// Connects to a cluster. A demo cluster lives until the last clone of its connection is dropped.
///
/// # Errors
/// No configuration, an unknown context, credentials that cannot be had.
pub async fn connect(target: &Target) -> Result<Connection, Failure> {
    match target {
        Target::Cluster(target) => Ok(cluster::connect(target).await?),
        Target::Demo(options) => Ok(to_demo(&start(options)?)),
    }
}

/// Starts a demo cluster that runs our checks, unless the options name another runner.
///
/// # Errors
/// Outside of a runtime.
pub fn start(options: &DemoOptions) -> Result<Demo, Failure> {
    let mut options = options.clone();
    options.runner.get_or_insert_with(|| PodRunner(Arc::new(|pod| Box::pin(check::in_demo(pod)))));
    demo::start(&options).map_err(|error| Failure::new(Kind::Internal, "start the demo cluster", error.to_string()))
}

/// A connection to a running demo cluster, as its caller.
pub fn to_demo(demo: &Demo) -> Connection {
    Connection {
        client: demo.client(),
        context: "demo".to_owned(),
        server: "in this process".to_owned(),
        services: Arc::new(DemoServices(demo.clone())),
    }
}

/// The Services of a demo cluster.
struct DemoServices(Demo);

impl Services for DemoServices {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<HttpAnswer, ClusterError>> {
        let answer =
            self.0.http(url).map(|answer| HttpAnswer { status: answer.status().as_u16(), body: answer.into_body() });
        let nothing = || {
            let found = "nothing listens there in the demo cluster".to_owned();
            services::failure(ClusterErrorKind::Unreachable, url, found)
        };
        Box::pin(std::future::ready(answer.ok_or_else(nothing)))
    }
}
