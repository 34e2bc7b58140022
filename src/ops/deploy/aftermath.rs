//! What comes after the releases: the DRA driver is restarted with the driver that is loaded now; namespaces that a deploy has
//! made are removed with the bundle.

use super::{
    Prepared,
    dispatcher::{Interruptions, Told},
    work::{CREATED_BY, Site},
};
use crate::{
    cluster::{ClusterError, active_time, helm_record, raw},
    deploy::{event::Outcome, plan::Release, readiness},
    text,
    validate::event::Severity,
};
use serde_json::{Value, json};
use std::time::Duration;

const DRA: &str = "nvidia-dra-driver-gpu";
/// For the driver to be loaded on every node, and for the plugins to come up again.
const DRIVER_SECONDS: u64 = 900;
const ROLLOUT_SECONDS: u64 = 120;
const LOOK: Duration = Duration::from_secs(2);
const RESTARTED_FOR: &str = "aicr.run/restarted-for";

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// Restarts the plugins of the DRA driver, which keep handles of the NVIDIA driver that they were started with; once for each
/// state of the bundle.
pub(super) async fn restart_dra(site: &Site, prepared: &Prepared, interruptions: &mut Interruptions<'_>) -> Outcome {
    let Some(release) = prepared.plan.releases.iter().find(|release| release.name == DRA) else { return Outcome::Done };
    let why = match interruptions.or(|told| restart(site, release, told)).await {
        None => return Outcome::Canceled,
        Some(Ok(None)) => return Outcome::Done,
        Some(Ok(Some(why))) => why,
        Some(Err(error)) => error.found,
    };
    interruptions.notice(Severity::Warn, format!("the DRA driver was not restarted: {why}"));
    Outcome::RestartWithheld
}

/// Why it was not restarted, where it was to be.
async fn restart(site: &Site, release: &Release, told: Told) -> Result<Option<String>, ClusterError> {
    let connection = &site.connection;
    let everywhere = raw::list(connection, "/apis/apps/v1/daemonsets", "").await?;
    let has_driver = everywhere.iter().any(|daemons| name(daemons) == "nvidia-driver-daemonset");
    let own = everywhere.iter().filter(|daemons| daemons["metadata"]["namespace"] == *release.namespace);
    let plugin = own.into_iter().find(|daemons| name(daemons).contains("kubelet-plugin"));
    let mark = release.mark.replace(' ', "-");
    let Some(plugin) = plugin.filter(|plugin| has_driver && plugin["metadata"]["annotations"][RESTARTED_FOR] != *mark)
    else {
        return Ok(None);
    };
    told.notice(Severity::Info, format!("{DRA}: waiting until the driver is loaded on every node that gets one"));
    let began = site.clock.now();
    loop {
        let nodes = raw::list(connection, "/api/v1/nodes", "nvidia.com/gpu.deploy.driver=true").await?;
        let is_waiting =
            |node: &&Value| node["metadata"]["labels"]["nvidia.com/gpu-driver-upgrade-state"] != "upgrade-done";
        let waiting: Vec<String> = nodes.iter().filter(is_waiting).map(|node| name(node).to_owned()).collect();
        if waiting.is_empty() {
            break;
        }
        if site.clock.now().since(began) >= DRIVER_SECONDS * 1000 {
            let nodes = text::listed(&waiting, 5);
            let path = format!("kubectl rollout restart -n {} daemonset/{}", release.namespace, name(plugin));
            return Ok(Some(format!("the driver is not loaded on {nodes}; when it is: {path}")));
        }
        active_time::sleep(LOOK).await;
    }
    let path = format!("/apis/apps/v1/namespaces/{}/daemonsets/{}", release.namespace, name(plugin));
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let template = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now}}});
    raw::merge(connection, &path, &json!({"spec": {"template": template}})).await?;
    let began = site.clock.now();
    loop {
        let plugin = raw::get(connection, &path).await?;
        let is_updated = |plugin: &Value| {
            plugin["status"]["updatedNumberScheduled"].as_u64() >= plugin["status"]["desiredNumberScheduled"].as_u64()
        };
        let judged = readiness::judge(readiness::Kind::DaemonSet, plugin.as_ref());
        if judged == readiness::Judgment::Ready && plugin.as_ref().is_some_and(is_updated) {
            break;
        }
        if site.clock.now().since(began) >= ROLLOUT_SECONDS * 1000 {
            return Ok(Some(format!("its plugins did not come up again within {ROLLOUT_SECONDS} s")));
        }
        active_time::sleep(LOOK).await;
    }
    raw::merge(connection, &path, &json!({"metadata": {"annotations": {RESTARTED_FOR: mark}}})).await?;
    told.notice(Severity::Info, format!("{DRA}: restarted with the driver that is loaded now"));
    Ok(None)
}

/// Removes the namespaces that a deploy has made and in which no other release, workload or volume claim is; `Failed` where one
/// is left that should not be.
pub(super) async fn namespaces(site: &Site, prepared: &Prepared, interruptions: &mut Interruptions<'_>) -> Outcome {
    let mut outcome = Outcome::Done;
    for namespace in prepared.plan.namespaces() {
        match interruptions.or(|told| namespace_of(site, prepared, namespace, told)).await {
            None => return Outcome::Canceled,
            Some(Ok(())) => {}
            Some(Err(why)) => {
                interruptions.notice(Severity::Error, format!("namespace {namespace}: {why}"));
                outcome = Outcome::Failed;
            }
        }
    }
    outcome
}

/// What runs pods.
const WORKLOADS: [(&str, &str, &str); 8] = [
    ("Deployment", "/apis/apps/v1", "deployments"),
    ("StatefulSet", "/apis/apps/v1", "statefulsets"),
    ("DaemonSet", "/apis/apps/v1", "daemonsets"),
    ("ReplicaSet", "/apis/apps/v1", "replicasets"),
    ("Job", "/apis/batch/v1", "jobs"),
    ("CronJob", "/apis/batch/v1", "cronjobs"),
    ("ReplicationController", "/api/v1", "replicationcontrollers"),
    ("Pod", "/api/v1", "pods"),
];

/// The workloads in a namespace that are neither of these releases nor of something else that is named here or goes anyway.
async fn workloads(site: &Site, prepared: &Prepared, namespace: &str) -> Result<Vec<String>, ClusterError> {
    let is_removed = |annotations: &Value| {
        let of = annotations["meta.helm.sh/release-name"].as_str();
        let release = prepared.plan.releases.iter().find(|release| Some(&*release.name) == of);
        release.is_some_and(|release| annotations["meta.helm.sh/release-namespace"] == *release.namespace)
    };
    let mut found = Vec::new();
    for (kind, api, plural) in WORKLOADS {
        let path = format!("{api}/namespaces/{namespace}/{plural}");
        for object in raw::list(&site.connection, &path, "").await? {
            let metadata = &object["metadata"];
            let is_owned = metadata["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty());
            let is_hook = metadata["annotations"].get("helm.sh/hook").is_some();
            let is_going = metadata["deletionTimestamp"].is_string();
            if !is_owned && !is_hook && !is_going && !is_removed(&metadata["annotations"]) {
                found.push(format!("{kind} {}", name(&object)));
            }
        }
    }
    Ok(found)
}

async fn namespace_of(site: &Site, prepared: &Prepared, namespace: &str, told: Told) -> Result<(), String> {
    let words = |error: ClusterError| error.found;
    let connection = &site.connection;
    let path = format!("/api/v1/namespaces/{namespace}");
    let found = raw::get(connection, &path).await.map_err(words)?;
    let (key, value) = CREATED_BY;
    if found.is_none_or(|found| found["metadata"]["labels"][key] != value) {
        return Ok(());
    }
    let others = helm_record::names(connection, site.kept_in, namespace).await.map_err(words)?;
    let others = match others.is_empty() {
        true => workloads(site, prepared, namespace).await.map_err(words)?,
        false => others,
    };
    let claims = raw::list(connection, &format!("{path}/persistentvolumeclaims"), "").await.map_err(words)?;
    if !others.is_empty() {
        told.notice(Severity::Info, format!("namespace {namespace}: kept, because of {}", text::listed(&others, 5)));
        return Ok(());
    }
    if prepared.wish.delete_pvcs {
        for claim in &claims {
            raw::delete(connection, &format!("{path}/persistentvolumeclaims/{}", name(claim))).await.map_err(words)?;
        }
    }
    if prepared.wish.keep_namespaces {
        return Ok(());
    }
    if !claims.is_empty() && !prepared.wish.delete_pvcs {
        let claims: Vec<&str> = claims.iter().map(name).collect();
        let claims = claims.join(", ");
        let why = format!("because of the volume claims {claims} (--delete-pvcs deletes them)");
        told.notice(Severity::Info, format!("namespace {namespace}: kept, {why}"));
        return Ok(());
    }
    told.notice(Severity::Info, format!("namespace {namespace}: removing"));
    raw::delete(connection, &path).await.map_err(words)?;
    let seconds = prepared.wish.options.timeout_seconds.unwrap_or(300);
    let began = site.clock.now();
    loop {
        let Some(found) = raw::get(connection, &path).await.map_err(words)? else { return Ok(()) };
        if site.clock.now().since(began) >= seconds * 1000 {
            let conditions = found["status"]["conditions"].as_array().into_iter().flatten();
            let holds = conditions
                .filter(|condition| condition["status"] == "True")
                .filter_map(|condition| condition["message"].as_str());
            let holds: Vec<&str> = holds.collect();
            return Err(format!("still there after {seconds} s: {}", holds.join("; ")));
        }
        active_time::sleep(Duration::from_millis(500)).await;
    }
}
