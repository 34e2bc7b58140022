//! Connect to the cluster that a person named: a real one, or a demo in this process.

use super::{
    Failure,
    demo::{self, DemoOptions},
};
use crate::cluster::{self, Connection, PluginOutput};

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
/// No configuration, an unknown context, credentials that cannot be had; for a demo as [`demo::start_anywhere`].
pub async fn connect(target: &Target) -> Result<Connection, Failure> {
    match target {
        Target::Cluster(target) => Ok(cluster::connect(target).await?),
        Target::Demo(options) => Ok(demo::in_context(&demo::start_anywhere(options).await?.0, options.context())),
    }
}
