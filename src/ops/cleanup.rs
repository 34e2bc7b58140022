//! Remove what runs created, by label, and name what could not be removed.

use super::{Failure, Kind};
use crate::{
    cluster::{
        ClusterError, Connection,
        active_time::{self, RunClock},
        objects::{self, ObjectRef, Others, Unlisted},
    },
    validate::plan::{NAME_LABEL, NAMESPACE_LABEL, RUN_LABEL},
};
use std::{collections::BTreeSet, time::Duration};

/// Milliseconds that deleted objects may take to disappear.
const PATIENCE_MS: u64 = 20_000;

/// Between two looks at what is left; what is deleted is mostly gone at once, and else waits for a controller.
const SHORTEST_PAUSE: Duration = Duration::from_millis(30);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// What a clean-up did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub removed: usize,
    /// Kind and name of what is still there, or why nobody can tell.
    pub left: Vec<String>,
    /// Kinds of which it is unknown whether there were some.
    pub unlisted: Vec<Unlisted>,
}

/// Removes everything of one run.
pub async fn of_run(connection: &Connection, namespace: &str, run_id: &str) -> Outcome {
    remove(connection, namespace, &format!("{RUN_LABEL}={run_id}")).await
}

/// What the runs of a namespace left there and elsewhere, by run id.
///
/// # Errors
/// A list that is refused.
pub async fn leftovers(connection: &Connection, namespace: &str) -> Result<Vec<ObjectRef>, Failure> {
    Ok(look(connection, namespace).await?.objects)
}

/// The same, and the kinds of which it is unknown.
///
/// # Errors
/// A list of the kinds that every run creates is refused.
pub async fn look(connection: &Connection, namespace: &str) -> Result<Others, Failure> {
    let (key, value) = NAME_LABEL;
    let selector = format!("{key}={value},{RUN_LABEL},{NAMESPACE_LABEL}={namespace}");
    Ok(everything(connection, namespace, &selector).await?)
}

/// Whatever carries the labels, of every kind.
async fn everything(connection: &Connection, namespace: &str, selector: &str) -> Result<Others, ClusterError> {
    let of_runs = objects::list_labeled(connection, namespace, selector);
    let of_checks = async {
        let kinds = objects::other_kinds(connection).await?;
        Ok(objects::list_others(connection, &kinds, namespace, selector).await)
    };
    let (objects, mut others) = futures::future::try_join(of_runs, of_checks).await?;
    others.objects.splice(0..0, objects);
    Ok(others)
}

/// Removes what all runs left, or those of one. A run that still goes on loses its Jobs as well.
///
/// # Errors
/// A list that is refused, or objects that stay.
pub async fn sweep(connection: &Connection, namespace: &str, run_id: Option<&str>) -> Result<Outcome, Failure> {
    let found = look(connection, namespace).await?;
    let runs: BTreeSet<&str> = found
        .objects
        .iter()
        .map(|object| object.run_id.as_str())
        .filter(|run| run_id.is_none_or(|wanted| wanted == *run))
        .collect();
    let mut outcome = Outcome { unlisted: found.unlisted.clone(), ..Outcome::default() };
    for run in runs {
        let of_run = of_run(connection, namespace, run).await;
        outcome.removed += of_run.removed;
        outcome.left.extend(of_run.left);
    }
    if outcome.left.is_empty() {
        return Ok(outcome);
    }
    let failure =
        Failure::new(Kind::Internal, "remove what runs left", format!("still there: {}", outcome.left.join(", ")));
    Err(failure.at(connection.at()).hint("look for finalizers with `kubectl get <kind> <name> -o yaml`"))
}

async fn remove(connection: &Connection, namespace: &str, selector: &str) -> Outcome {
    let clock = RunClock::start();
    let of_runs = || objects::list_labeled(connection, namespace, selector);
    // Asked for once: what is removed makes no new kinds.
    let (mut remaining, kinds) = match futures::future::try_join(of_runs(), objects::other_kinds(connection)).await {
        Ok(found) => found,
        Err(error) => return unknown(&error),
    };
    let of_checks = || objects::list_others(connection, &kinds, namespace, selector);
    let Others { objects, mut unlisted } = of_checks().await;
    let has_others = !objects.is_empty();
    remaining.extend(objects);
    let (known, began, mut pause) = (remaining.len(), clock.now(), SHORTEST_PAUSE);
    loop {
        let refused = objects::delete_all(connection, &remaining).await;
        remaining = match of_runs().await {
            Ok(of_runs) => of_runs,
            Err(error) => return unknown(&error),
        };
        // The many other kinds are looked at again where there was one, and in the end.
        if remaining.is_empty() || has_others || clock.now().since(began) >= PATIENCE_MS {
            let others = of_checks().await;
            remaining.extend(others.objects);
            let is_new = |new: &Unlisted| unlisted.iter().all(|known| known.resource != new.resource);
            let new: Vec<Unlisted> = others.unlisted.into_iter().filter(is_new).collect();
            unlisted.extend(new);
        }
        if remaining.is_empty() || clock.now().since(began) >= PATIENCE_MS {
            let removed = known.saturating_sub(remaining.len());
            let left = remaining.iter().map(ToString::to_string).collect();
            return Outcome { removed, left: if refused.is_empty() { left } else { refused }, unlisted };
        }
        active_time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn unknown(error: &ClusterError) -> Outcome {
    Outcome { left: vec![format!("unknown: {error}")], ..Outcome::default() }
}

/// Removes a namespace that a run made, unless something of ours is in it, a saved snapshot or another run; what stands in
/// the way is returned.
pub async fn of_namespace(connection: &Connection, namespace: &str) -> Option<String> {
    let (key, value) = NAME_LABEL;
    match objects::list_labeled(connection, namespace, &format!("{key}={value}")).await {
        Ok(found) if found.iter().any(|object| object.namespace == namespace) => return None,
        Ok(_) => {}
        Err(error) => return Some(format!("Namespace {namespace} ({})", error.found)),
    }
    let deleted = objects::delete(connection, "Namespace", "", namespace).await;
    deleted.err().map(|error| format!("Namespace {namespace} ({})", error.found))
}
