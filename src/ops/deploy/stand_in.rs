//! Stands in for Helm on the demo cluster, which has no charts.
//!
//! A release becomes one Deployment with its name, and a record as Helm writes it; so waiting, resuming and removing are what
//! they are elsewhere, and what a chart would bring is not there.

use crate::{
    cluster::{
        ClusterError, Connection,
        helm_record::{self, Record},
        raw,
    },
    deploy::plan::Release,
    inventory::release::KeptIn,
    yaml,
};
use serde_json::{Value, json};

fn deployment(release: &Release) -> Value {
    let Release { name, namespace, .. } = release;
    let labels = json!({"app.kubernetes.io/instance": name, "app.kubernetes.io/managed-by": "Helm"});
    let container = json!({"name": "main", "image": format!("demo.aicr.run/{name}:1"), "command": ["/stand-in"]});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}})
}

fn path(release: &Release) -> String {
    format!("/apis/apps/v1/namespaces/{}/deployments", release.namespace)
}

pub(super) async fn apply(connection: &Connection, release: &Release) -> Result<(), ClusterError> {
    let Release { name, namespace, mark, .. } = release;
    let deployment = deployment(release);
    raw::create(connection, &path(release), &deployment).await?;
    let before = helm_record::newest(connection, KeptIn::Secret, namespace, name).await?;
    let revision = before.map_or(1, |record| record.revision + 1);
    let record = Record::new(revision, "deployed", mark, yaml::to_string(&deployment));
    helm_record::write(connection, (namespace, name), &record).await
}

pub(super) async fn remove(connection: &Connection, release: &Release) -> Result<(), ClusterError> {
    raw::delete(connection, &format!("{}/{}", path(release), release.name)).await?;
    helm_record::forget_all(connection, &release.namespace, &release.name).await
}
