//! Stands in for Helm on the demo cluster, which has no charts.
//!
//! A release becomes one Deployment with its name, and a record as Helm writes it; so waiting, resuming and removing are what
//! they are elsewhere, and what a chart would bring is not there. Of a release that the demo has already, the workloads become
//! those of the new chart, and nothing else about them changes.

use crate::{
    cluster::{
        ClusterError, Connection,
        helm_record::{self, Record},
        raw,
    },
    deploy::plan::{Chart, Release},
    inventory::release::KeptIn,
    yaml,
};
use serde_json::{Value, json};

/// The label by which a chart marks its objects; none for a chart in the bundle, which the plan does not read.
fn chart(release: &Release) -> Option<String> {
    match &release.chart {
        Chart::Local => None,
        Chart::Remote { chart, version, .. } => {
            let name = chart.rsplit('/').next().unwrap_or(chart);
            Some(format!("{name}-{version}").replace('+', "_"))
        }
    }
}

fn deployment(release: &Release) -> Value {
    let Release { name, namespace, .. } = release;
    let mut labels = json!({"app.kubernetes.io/instance": name, "app.kubernetes.io/managed-by": "Helm"});
    let selector = labels.clone();
    if let Some(chart) = chart(release) {
        labels["helm.sh/chart"] = chart.into();
    }
    let annotations = json!({"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace});
    let container = json!({"name": "main", "image": format!("demo.aicr.run/{name}:1"), "command": ["/stand-in"]});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations},
        "spec": {"replicas": 1, "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": selector}, "spec": {"containers": [container]}}}})
}

fn path(release: &Release, kind: &str) -> String {
    format!("/apis/apps/v1/namespaces/{}/{kind}", release.namespace)
}

/// The paths of the workloads that carry the name of a release.
async fn workloads(connection: &Connection, release: &Release) -> Result<Vec<String>, ClusterError> {
    let mut found = Vec::new();
    for kind in ["deployments", "daemonsets", "statefulsets"] {
        let path = path(release, kind);
        for object in raw::list(connection, &path, "").await? {
            let Value::Object(annotations) = &object["metadata"]["annotations"] else { continue };
            if annotations.get("meta.helm.sh/release-name").and_then(Value::as_str) == Some(&release.name) {
                found.push(format!("{path}/{}", object["metadata"]["name"].as_str().unwrap_or_default()));
            }
        }
    }
    Ok(found)
}

pub(super) async fn apply(connection: &Connection, release: &Release) -> Result<(), ClusterError> {
    let Release { name, namespace, mark, .. } = release;
    let of_chart = json!({"metadata": {"labels": {"helm.sh/chart": chart(release)}}});
    for workload in workloads(connection, release).await? {
        raw::merge(connection, &workload, &of_chart).await?;
    }
    let deployment = deployment(release);
    raw::create(connection, &path(release, "deployments"), &deployment).await?;
    let before = helm_record::newest(connection, KeptIn::Secret, namespace, name).await?;
    let revision = before.map_or(1, |record| record.revision + 1);
    let record = Record::new(revision, "deployed", mark, yaml::to_string(&deployment));
    helm_record::write(connection, (namespace, name), &record).await
}

pub(super) async fn remove(connection: &Connection, release: &Release) -> Result<(), ClusterError> {
    for workload in workloads(connection, release).await? {
        raw::delete(connection, &workload).await?;
    }
    helm_record::forget_all(connection, &release.namespace, &release.name).await
}
