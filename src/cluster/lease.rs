//! A lock in the cluster: one Lease, the same that `deploy.sh` of a bundle takes, so that two deploys do not work at once.
//!
//! In: who wants it. Out: the lock, or who has it. One whose holder does not renew it any more is taken over. Clocks of two
//! machines may differ, so nothing is concluded from the time in it: it has to stay the same for as long as it holds.

use super::{ClusterError, ClusterErrorKind, Connection, active_time, raw};
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
const NAME: &str = "aicr-deploy";
/// Until our lock may be taken over when it is not renewed; the lease of another says how long its own holds.
const HOLDS: Duration = Duration::from_secs(15);
/// For one that does not say it.
const LONGEST: Duration = Duration::from_secs(40);
/// Between two renewals.
pub const RENEWAL: Duration = Duration::from_secs(5);
const DOING: &str = "take the lock for deploys";
/// Between two looks at the lock of another.
const LOOK: Duration = Duration::from_millis(500);

/// The lock.
#[derive(Clone)]
pub struct Lease {
    connection: Connection,
    holder: String,
}

fn path() -> String {
    format!("{PATH}/{NAME}")
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn holder(lease: &Value) -> &str {
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default()
}

/// How long a lock holds without being renewed.
fn holds(lease: &Value) -> Duration {
    lease["spec"]["leaseDurationSeconds"].as_u64().map_or(LONGEST, Duration::from_secs)
}

/// Takes the lock. While one that another has left is watched, `said` is told who that was and how long, once.
///
/// # Errors
/// `Conflict` where somebody holds it; what the server refuses.
pub async fn take(
    connection: &Connection,
    wanted: &str,
    mut said: impl FnMut(&str, Duration),
) -> Result<Lease, ClusterError> {
    let spec = |transitions: u64| {
        let seconds = HOLDS.as_secs();
        json!({"holderIdentity": wanted, "leaseDurationSeconds": seconds, "acquireTime": now(), "renewTime": now(),
               "leaseTransitions": transitions})
    };
    let lease = of(connection, wanted);
    let metadata = json!({"name": NAME, "namespace": "kube-system", "labels": {"app.kubernetes.io/name": "aicr"}});
    let object =
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec(0)});
    let mut seen: Option<(Value, Duration)> = None;
    loop {
        if raw::create(connection, PATH, &object).await.map_err(named)?.is_some() {
            return Ok(lease);
        }
        let Some(found) = raw::get(connection, &path()).await.map_err(named)? else { continue };
        let version = found["metadata"]["resourceVersion"].clone();
        match &mut seen {
            Some((known, waited)) if *known == version => *waited += LOOK,
            // It was renewed while we looked: its holder is there.
            Some(_) => return Err(held(connection, &found)),
            None => {
                said(holder(&found), holds(&found));
                seen = Some((version.clone(), Duration::ZERO));
            }
        }
        if seen.as_ref().is_some_and(|(_, waited)| *waited >= holds(&found)) {
            let transitions = found["spec"]["leaseTransitions"].as_u64().unwrap_or(0) + 1;
            let patch = json!({"metadata": {"resourceVersion": version}, "spec": spec(transitions)});
            match raw::merge(connection, &path(), &patch).await {
                Ok(Some(_)) => return Ok(lease),
                Ok(None) => {}
                // Another one was faster.
                Err(error) if error.kind == ClusterErrorKind::Conflict => return Err(held(connection, &found)),
                Err(error) => return Err(named(error)),
            }
        }
        active_time::sleep(LOOK).await;
    }
}

/// The lock of a holder, which may not have it.
pub fn of(connection: &Connection, holder: &str) -> Lease {
    Lease { connection: connection.clone(), holder: holder.to_owned() }
}

/// An error that says what the object is for.
fn named(error: ClusterError) -> ClusterError {
    ClusterError { doing: DOING.to_owned(), ..error }
}

fn held(connection: &Connection, found: &Value) -> ClusterError {
    ClusterError::new(ClusterErrorKind::Conflict, DOING, connection.at())
        .found(format!("held by run {}, which is renewing it", holder(found)))
        .hint("wait until that deploy has ended; `aicr runs follow` shows one of this machine")
}

impl Lease {
    /// Renews it; false where somebody else has it now.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn renew(&self) -> Result<bool, ClusterError> {
        let connection = &self.connection;
        let Some(found) = raw::get(connection, &path()).await? else { return Ok(false) };
        if holder(&found) != self.holder {
            return Ok(false);
        }
        let version = &found["metadata"]["resourceVersion"];
        let patch = json!({"metadata": {"resourceVersion": version}, "spec": {"renewTime": now()}});
        match raw::merge(connection, &path(), &patch).await {
            Ok(changed) => Ok(changed.is_some()),
            Err(error) if error.kind == ClusterErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives it back, unless somebody else has it.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn give_back(self) -> Result<(), ClusterError> {
        let connection = &self.connection;
        match raw::get(connection, &path()).await? {
            Some(found) if holder(&found) == self.holder => raw::delete(connection, &path()).await,
            _ => Ok(()),
        }
    }
}
