//! The namespace that Jobs are created in.

use crate::{
    cluster::{
        ClusterError, Connection,
        active_time::{self, RunClock},
        objects,
    },
    validate::plan::NAME_LABEL,
};
use serde_json::Value;
use std::time::Duration;

/// Milliseconds that a namespace that is being deleted may take to disappear.
const LIMIT_MS: u64 = 60_000;
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(500);

/// Makes the namespace unless it exists: one that no run made is not ours to label. One that is being deleted, perhaps left
/// by the run before this one, is waited for, until somebody calls a halt; `waits` is told at each look.
///
/// Whether it is one that runs made, so that the last one in it removes it.
///
/// # Errors
/// It may not be read or created.
pub(super) async fn make(
    connection: &Connection,
    object: &Value,
    halted: impl Fn() -> bool,
    mut waits: impl FnMut(String),
) -> Result<bool, ClusterError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let clock = RunClock::start();
    let began = clock.now();
    while let Some(found) = objects::find(connection, "Namespace", "", name).await? {
        let is_ending = found["status"]["phase"] == "Terminating";
        if !is_ending || halted() || clock.now().since(began) >= LIMIT_MS {
            return Ok(is_ours(&found));
        }
        waits(format!("waiting for namespace {name}, which is being deleted"));
        active_time::sleep(LOOK).await;
    }
    objects::apply(connection, object).await?;
    Ok(true)
}

/// Whether a namespace is one that runs made; one that cannot be read is not.
pub(super) async fn is_of_runs(connection: &Connection, name: &str) -> bool {
    let found = objects::find(connection, "Namespace", "", name).await;
    matches!(found, Ok(Some(found)) if is_ours(&found))
}

fn is_ours(found: &Value) -> bool {
    found["metadata"]["labels"][NAME_LABEL.0] == NAME_LABEL.1
}
