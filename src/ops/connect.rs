//! Connect to the cluster that a person named, or to the demo with our checks in its containers.

use super::{Failure, check};
use crate::{
    cluster::{self, Connection, Target},
    demo::PodRunner,
};
use std::sync::Arc;

/// Like `cluster::connect`, with the runner of our checks given to a demo target.
///
/// # Errors
/// No configuration, an unknown context, credentials that cannot be had.
pub async fn connect(target: &Target) -> Result<Connection, Failure> {
    let mut target = target.clone();
    if let Some(options) = &mut target.demo
        && options.runner.is_none()
    {
        options.runner = Some(PodRunner(Arc::new(|pod| Box::pin(check::in_demo(pod)))));
    }
    Ok(cluster::connect(&target).await?)
}
