//! Creates the objects of a run.

use super::reporter::Reporter;
use crate::{
    cluster::{
        ClusterError, ClusterErrorKind, Connection,
        active_time::{self, RunClock},
        objects,
    },
    validate::{event::Severity, plan::ValidationPlan},
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Milliseconds that a namespace that is being deleted may take to disappear.
const NAMESPACE_LIMIT_MS: u64 = 60_000;

/// What all checks share, as it was created.
pub(super) struct Shared {
    pub(super) made_namespace: bool,
    /// The run's first ConfigMap, which owns the other objects of the namespace.
    pub(super) owner: Value,
}

/// Creates what all checks share, until asked to halt.
pub(super) async fn shared(
    connection: &Connection,
    plan: &ValidationPlan,
    reporter: &mut Reporter,
    halted: &AtomicBool,
) -> Result<Shared, ClusterError> {
    let mut shared = Shared { made_namespace: false, owner: Value::Null };
    for object in &plan.shared {
        if halted.load(Ordering::Relaxed) {
            break;
        }
        if object["kind"] == "Namespace" {
            shared.made_namespace = namespace(connection, object, reporter, halted).await?;
            continue;
        }
        let created = objects::apply(connection, &owned(object, &shared.owner)).await?;
        if shared.owner.is_null() {
            shared.owner = created;
        }
    }
    Ok(shared)
}

/// Makes the namespace unless it exists: an existing one is not ours to label. One that is being deleted, perhaps left by
/// the run before this one, is waited for.
async fn namespace(
    connection: &Connection,
    object: &Value,
    reporter: &mut Reporter,
    halted: &AtomicBool,
) -> Result<bool, ClusterError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let clock = RunClock::start();
    let began = clock.now();
    while let Some(found) = objects::find(connection, "Namespace", "", name).await? {
        let is_ending = found["status"]["phase"] == "Terminating";
        if !is_ending || halted.load(Ordering::Relaxed) || clock.now().since(began) >= NAMESPACE_LIMIT_MS {
            return Ok(false);
        }
        reporter.notice_once(Severity::Info, format!("waiting for namespace {name}, which is being deleted"));
        active_time::sleep(Duration::from_millis(500)).await;
    }
    objects::apply(connection, object).await?;
    Ok(true)
}

/// Creates the objects of one check in order, until asked to halt.
pub(super) async fn all(connection: &Connection, wanted: &[Value], halted: &AtomicBool) -> Result<(), ClusterError> {
    for object in wanted {
        if halted.load(Ordering::Relaxed) {
            return Ok(());
        }
        match objects::apply(connection, object).await {
            // A Role needs a namespace that does not exist; that is for the check to find out and to judge.
            Err(error) if error.kind == ClusterErrorKind::NotFound && is_right(object) => {}
            created => drop(created?),
        }
    }
    Ok(())
}

fn is_right(object: &Value) -> bool {
    object["kind"] == "Role" || object["kind"] == "RoleBinding"
}

/// The object with the run's first ConfigMap as owner, so that deleting that one deletes all. Owners own within their
/// namespace only.
pub(super) fn owned(object: &Value, owner: &Value) -> Value {
    let mut object = object.clone();
    if !owner.is_null() && object["metadata"]["namespace"] == owner["metadata"]["namespace"] {
        object["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        }]);
    }
    object
}
