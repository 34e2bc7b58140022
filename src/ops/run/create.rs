//! Creates the objects of a run.

use super::reporter::Reporter;
use crate::{
    cluster::{
        ClusterError, ClusterErrorKind, Connection,
        objects::{self, title},
    },
    ops::namespace,
    validate::{event::Severity, plan::ValidationPlan},
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

/// How often it is begun again where the namespace disappears meanwhile: the run before this one removes it.
const TRIES: usize = 3;

/// What all checks share, as far as it was created.
#[derive(Default)]
pub(super) struct Shared {
    /// It is a run's own, so it goes with the last run in it.
    pub(super) made_namespace: bool,
    /// The run's first ConfigMap, which owns the other objects of the namespace.
    pub(super) owner: Value,
    /// Why the rest is missing: no Job can be created.
    pub(super) refused: Option<String>,
}

/// Creates what all checks share, until asked to halt.
pub(super) async fn shared(
    connection: &Connection,
    plan: &ValidationPlan,
    reporter: &mut Reporter,
    halted: &AtomicBool,
) -> Shared {
    let mut shared = Shared::default();
    for tries in 1.. {
        shared.owner = Value::Null;
        match each(connection, plan, &mut shared, reporter, halted).await {
            Ok(()) => break,
            Err((_, error)) if is_gone(&error) && tries < TRIES => {}
            Err((object, error)) => {
                // What was refused, with verb and resource.
                shared.refused = Some(format!("cannot create {}: {}", title(object), words(&error)));
                break;
            }
        }
    }
    shared
}

async fn each<'p>(
    connection: &Connection,
    plan: &'p ValidationPlan,
    shared: &mut Shared,
    reporter: &mut Reporter,
    halted: &AtomicBool,
) -> Result<(), (&'p Value, ClusterError)> {
    for object in &plan.shared {
        if halted.load(Ordering::SeqCst) {
            break;
        }
        if object["kind"] == "Namespace" {
            let waits = |text| reporter.notice_once(Severity::Info, text);
            let made = namespace::make(connection, object, || halted.load(Ordering::SeqCst), waits).await;
            // Another run made it: the one that ends last removes it.
            shared.made_namespace |= made.map_err(|error| (object, error))?;
            continue;
        }
        let created =
            objects::apply(connection, &owned(object, &shared.owner)).await.map_err(|error| (object, error))?;
        if shared.owner.is_null() {
            shared.owner = created;
        }
    }
    Ok(())
}

/// The namespace is being deleted, or was.
fn is_gone(error: &ClusterError) -> bool {
    matches!(error.kind, ClusterErrorKind::Conflict | ClusterErrorKind::NotFound)
}

/// A failed call in one line, with what to do.
pub(super) fn words(error: &ClusterError) -> String {
    let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("failed to {}: {}{hint}", error.doing, error.found)
}

/// Creates the objects of one check until it is given up: what stands alone at the same time, then what binds it, then the
/// Job, which finds its rights.
///
/// A request that was under way then may still create the Job, which nobody waits for: it is deleted again, unless everything
/// is kept.
pub(super) async fn of_check(
    connection: &Connection,
    wanted: &[Value],
    given_up: &AtomicBool,
    keeps: bool,
) -> Result<(), ClusterError> {
    for stage in stages(wanted) {
        if given_up.load(Ordering::SeqCst) {
            return Ok(());
        }
        // All of them come to their end, so that nothing appears after the clean-up.
        let created = futures::future::join_all(stage.iter().map(|object| objects::apply(connection, object))).await;
        for (object, created) in stage.into_iter().zip(created) {
            if object["kind"] == "Job" && given_up.load(Ordering::SeqCst) && !keeps {
                let name = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
                return objects::delete(connection, "Job", name("namespace"), name("name")).await;
            }
            match created {
                // A Role needs a namespace that does not exist; that is for the check to find out and to judge.
                Err(error) if error.kind == ClusterErrorKind::NotFound && is_right(object) => {}
                created => drop(created?),
            }
        }
    }
    Ok(())
}

/// Objects that do not need each other, stage by stage. A server that has to ask whether a person may bind a role looks at
/// the role; a pod is refused without its ServiceAccount.
fn stages(wanted: &[Value]) -> [Vec<&Value>; 3] {
    let mut stages = [Vec::new(), Vec::new(), Vec::new()];
    for object in wanted {
        let stage = match object["kind"].as_str().unwrap_or_default() {
            "ServiceAccount" | "Role" | "ClusterRole" => 0,
            "RoleBinding" | "ClusterRoleBinding" => 1,
            _ => 2,
        };
        stages[stage].push(object);
    }
    stages
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_comes_before_its_binding_and_both_before_the_job() {
        let object = |kind: &str, name: &str| json!({"kind": kind, "metadata": {"name": name}});
        let of = [
            "ServiceAccount",
            "ClusterRole",
            "ClusterRoleBinding",
            "Role",
            "RoleBinding",
            "Role",
            "RoleBinding",
            "Job",
        ];
        let wanted: Vec<Value> = of.iter().map(|kind| object(kind, "check")).collect();
        let kinds =
            stages(&wanted).map(|stage| stage.iter().filter_map(|object| object["kind"].as_str()).collect::<Vec<_>>());
        let expected: [&[&str]; 3] = [
            &["ServiceAccount", "ClusterRole", "Role", "Role"],
            &["ClusterRoleBinding", "RoleBinding", "RoleBinding"],
            &["Job"],
        ];
        assert_eq!(kinds, expected);
    }
}
