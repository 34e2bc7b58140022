//! What runs pods for others: Deployments that are created later, the autoscaler, and the controller of TrainJobs.
//!
//! Much simpler than theirs: a Deployment has no ReplicaSet and is never rolled out again, an autoscaler knows external
//! metrics only, and a TrainJob runs the pods of its runtime without a JobSet. What a client can read of them has the names
//! and labels of the real ones.

use super::{
    api::{DeleteOptions, Options, Tx},
    http,
    kinds::own,
    state::Cluster,
    store::{Key, Object},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// Between two looks of the autoscaler; the real one takes 15 s.
const AUTOSCALER_SYNC: Duration = Duration::from_millis(1_500);

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn owner(object: &Value, kind: &str, api_version: &str) -> Value {
    let metadata = &object["metadata"];
    json!([{"apiVersion": api_version, "kind": kind, "name": metadata["name"], "uid": metadata["uid"], "controller": true,
            "blockOwnerDeletion": true}])
}

fn pods_of<'t>(tx: &'t Tx, namespace: &str, uid: &str) -> Vec<(&'t Key, &'t Arc<Object>)> {
    let pods = tx.store.range(own("pods"), namespace, None);
    pods.filter(|(_, pod)| !pod.is_deleting && pod.owners.iter().any(|owner| owner == uid)).collect()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// Keeps as many pods as a Deployment asks for, until it is gone.
pub async fn deployment(cluster: Arc<Cluster>, key: Key, uid: String) {
    let mut wakes = cluster.revisions();
    loop {
        wakes.borrow_and_update();
        let goes_on = cluster.write(|tx| sync_deployment(tx, &key, &uid));
        if !goes_on || wakes.changed().await.is_err() {
            return;
        }
    }
}

fn sync_deployment(tx: &mut Tx, key: &Key, uid: &str) -> bool {
    let Some(deployment) = tx.store.get(key).filter(|one| one.uid == uid && !one.is_deleting).map(|one| one.value())
    else {
        return false;
    };
    let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(1) as usize;
    let pods: Vec<Key> = pods_of(tx, &key.namespace, uid).into_iter().map(|(key, _)| key.clone()).collect();
    for pod in pods.iter().skip(wanted) {
        // It may be going already.
        let _ = tx.delete(pod, &DeleteOptions::default());
    }
    for _ in pods.len()..wanted {
        let template = &deployment["spec"]["template"];
        let mut metadata = template["metadata"].clone();
        metadata["generateName"] = json!(format!("{}-", key.name));
        metadata["ownerReferences"] = owner(&deployment, "Deployment", "apps/v1");
        let pod = json!({"metadata": metadata, "spec": template["spec"]});
        if tx.create(own("pods"), &key.namespace, pod, &Options::default()).is_err() {
            break;
        }
    }
    let pods = pods_of(tx, &key.namespace, uid);
    let (replicas, ready) = (pods.len(), pods.iter().filter(|(_, pod)| is_ready(&pod.value())).count());
    tx.change(key, uid, |deployment| {
        let generation = deployment["metadata"]["generation"].clone();
        deployment["status"] = json!({"replicas": replicas, "readyReplicas": ready, "availableReplicas": ready,
            "updatedReplicas": replicas, "observedGeneration": generation});
    });
    true
}

/// Scales the target of a HorizontalPodAutoscaler, until it is gone.
pub async fn autoscaler(cluster: Arc<Cluster>, key: Key, uid: String) {
    loop {
        tokio::time::sleep(AUTOSCALER_SYNC).await;
        let Some(scaler) = cluster.object(&key, &uid) else { return };
        let spec = &scaler["spec"];
        let target = Key::new(own("deployments"), &key.namespace, text(&spec["scaleTargetRef"]["name"]));
        let Ok(deployment) = cluster.get(&target) else { continue };
        let current = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
        let metric = &spec["metrics"][0]["external"];
        let value = external(&cluster, &key.namespace, text(&metric["metric"]["name"]));
        let wanted: Option<f64> = text(&metric["target"]["averageValue"]).parse().ok();
        let desired = value.zip(wanted).map(|(value, wanted)| {
            let most = spec["maxReplicas"].as_u64().unwrap_or(1);
            let least = spec["minReplicas"].as_u64().unwrap_or(1);
            ((value / wanted).ceil() as u64).clamp(least, most)
        });
        cluster.write(|tx| {
            tx.change(&key, &uid, |scaler| {
                scaler["status"]["currentReplicas"] = json!(current);
                scaler["status"]["desiredReplicas"] = json!(desired.unwrap_or(current));
                let (status, reason) =
                    if desired.is_some() { ("True", "ValidMetricFound") } else { ("False", "FailedGetExternalMetric") };
                scaler["status"]["conditions"] = json!([{"type": "ScalingActive", "status": status, "reason": reason,
                    "message": "the HPA was able to compute the replica count or not"}]);
            });
            let scaled = desired.filter(|desired| *desired != current);
            if let (Some(desired), Some(uid)) = (scaled, deployment["metadata"]["uid"].as_str()) {
                tx.change(&target, uid, |deployment| deployment["spec"]["replicas"] = json!(desired));
            }
        });
    }
}

/// The sum of an external metric.
fn external(cluster: &Cluster, namespace: &str, metric: &str) -> Option<f64> {
    let path = format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}");
    let answer = http::metric(cluster, "external.metrics.k8s.io", &path)?;
    let items = answer["items"].as_array().filter(|items| !items.is_empty())?;
    let number = |item: &Value| {
        let value = text(&item["value"]);
        value
            .strip_suffix('m')
            .map_or_else(|| value.parse::<f64>().ok(), |milli| milli.parse::<f64>().ok().map(|m| m / 1_000.0))
    };
    Some(items.iter().filter_map(number).sum())
}

/// Runs the pods of a TrainJob, until its launcher has ended.
pub async fn train_job(cluster: Arc<Cluster>, key: Key, uid: String) {
    let mut wakes = cluster.revisions();
    if !cluster.write(|tx| start_training(tx, &key, &uid)) {
        return;
    }
    loop {
        wakes.borrow_and_update();
        if cluster.write(|tx| end_training(tx, &key, &uid)) || wakes.changed().await.is_err() {
            return;
        }
    }
}

fn start_training(tx: &mut Tx, key: &Key, uid: &str) -> bool {
    let Some(job) = tx.store.get(key).filter(|one| one.uid == uid).map(|one| one.value()) else { return false };
    let runtime = Key::new(own("trainingruntimes"), &key.namespace, text(&job["spec"]["runtimeRef"]["name"]));
    let Some(runtime) = tx.store.get(&runtime).map(|one| one.value()) else { return false };
    let nodes = job["spec"]["trainer"]["numNodes"].as_u64().unwrap_or(1);
    for replicated in runtime["spec"]["template"]["spec"]["replicatedJobs"].as_array().into_iter().flatten() {
        let role = text(&replicated["name"]);
        for index in 0..if role == "node" { nodes } else { 1 } {
            let template = &replicated["template"]["spec"]["template"];
            let mut metadata = template["metadata"].clone();
            metadata["name"] = json!(format!("{}-{role}-0-{index}", key.name));
            metadata["labels"]["jobset.sigs.k8s.io/jobset-name"] = json!(key.name);
            metadata["labels"]["jobset.sigs.k8s.io/replicatedjob-name"] = json!(role);
            metadata["ownerReferences"] = owner(&job, "TrainJob", "trainer.kubeflow.org/v1alpha1");
            let pod = json!({"metadata": metadata, "spec": template["spec"]});
            // A quota may refuse it; then it is not there, as with a JobSet.
            let _ = tx.create(own("pods"), &key.namespace, pod, &Options::default());
        }
    }
    true
}

/// Whether it is over; then the workers go.
fn end_training(tx: &mut Tx, key: &Key, uid: &str) -> bool {
    if tx.store.get(key).is_none_or(|one| one.uid != uid) {
        return true;
    }
    let pods: Vec<(Key, Value)> =
        pods_of(tx, &key.namespace, uid).into_iter().map(|(key, pod)| (key.clone(), pod.value())).collect();
    let is = |pod: &Value, role: &str| pod["metadata"]["labels"]["jobset.sigs.k8s.io/replicatedjob-name"] == role;
    let launcher =
        pods.iter().find(|(_, pod)| is(pod, "launcher")).map(|(_, pod)| text(&pod["status"]["phase"]).to_owned());
    let Some(phase) = launcher.filter(|phase| matches!(phase.as_str(), "Succeeded" | "Failed")) else { return false };
    for (pod, _) in pods.iter().filter(|(_, pod)| is(pod, "node")) {
        let _ = tx.delete(pod, &DeleteOptions::default());
    }
    let kind = if phase == "Succeeded" { "Complete" } else { "Failed" };
    tx.change(key, uid, |job| {
        job["status"]["conditions"] = json!([{"type": kind, "status": "True", "reason": "JobsCompleted"}])
    });
    true
}
