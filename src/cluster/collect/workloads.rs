//! Deployments, DaemonSets and StatefulSets that say which component they belong to.
//!
//! A chart leaves its name and version in the label `helm.sh/chart`, its release in annotations; objects without any such
//! mark are somebody's workload and are not kept.

use super::{Collector, Update, list};
use crate::{
    cluster::{ClusterError, Connection, decode},
    inventory::release::Workload,
};
use serde::Deserialize;
use std::collections::BTreeMap;

const NAME: &str = "workloads";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list deployments.apps",
    concerns_nodes: false,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

#[derive(Deserialize)]
struct Object {
    metadata: Marks,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Marks {
    name: String,
    namespace: String,
    #[serde(deserialize_with = "decode::nullable")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "decode::nullable")]
    annotations: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    replicas: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    ready_replicas: u64,
    desired_number_scheduled: u64,
    number_ready: u64,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let read = |kind: &'static str, resource: &'static str| async move {
        let doing = format!("list {resource}.apps");
        let path = format!("/apis/apps/v1/{resource}");
        list::all(connection, &doing, &path, |object| workload(kind, object)).await
    };
    let (deployments, daemon_sets, stateful_sets) = futures::try_join!(
        read("Deployment", "deployments"),
        read("DaemonSet", "daemonsets"),
        read("StatefulSet", "statefulsets")
    )?;
    let mut kept: Vec<Workload> =
        [deployments, daemon_sets, stateful_sets].into_iter().flat_map(|listed| listed.items).flatten().collect();
    kept.sort_by(|a, b| (&a.namespace, &a.name, &a.kind).cmp(&(&b.namespace, &b.name, &b.kind)));
    Ok(Box::new(move |parts| parts.workloads = kept))
}

fn workload(kind: &'static str, object: Object) -> Option<Workload> {
    let Object { metadata: Marks { name, namespace, labels, annotations }, spec, status } = object;
    let label = |key: &str| labels.get(key).filter(|value| !value.is_empty()).cloned();
    let managed_by = label("app.kubernetes.io/managed-by");
    let release = match (annotations.get("meta.helm.sh/release-name"), label("app.kubernetes.io/instance")) {
        (Some(release), _) => {
            let place = annotations.get("meta.helm.sh/release-namespace").unwrap_or(&namespace);
            Some((release.clone(), place.clone()))
        }
        (None, Some(instance)) => Some((instance, namespace.clone())),
        (None, None) => None,
    };
    let chart = label("helm.sh/chart").map(|text| chart(&text));
    let component = label("app.kubernetes.io/name").or_else(|| label("app.kubernetes.io/part-of"));
    if chart.is_none() && release.is_none() && component.is_none() {
        return None;
    }
    let (desired, ready) = match kind {
        "DaemonSet" => (status.desired_number_scheduled, status.number_ready),
        // The API server fills a missing number of replicas with 1.
        _ => (spec.replicas.unwrap_or(1), status.ready_replicas),
    };
    let version = label("app.kubernetes.io/version");
    Some(Workload {
        kind: kind.to_owned(),
        namespace,
        name,
        component,
        chart,
        release,
        version,
        managed_by,
        desired,
        ready,
    })
}

/// Splits `gpu-operator-v25.10.1` before the version; Helm writes `+` as `_` in a label.
pub fn chart(label: &str) -> (String, String) {
    let is_version = |text: &str| {
        let numbers = text.strip_prefix('v').unwrap_or(text);
        let mut parts = numbers.splitn(3, '.');
        let is_number = |part: Option<&str>| {
            part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let starts_as_one =
            |part: Option<&str>| part.is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()));
        is_number(parts.next()) && is_number(parts.next()) && starts_as_one(parts.next())
    };
    let split = label.match_indices('-').find(|(at, _)| is_version(&label[at + 1..]));
    match split {
        Some((at, _)) => (label[..at].to_owned(), label[at + 1..].replace('_', "+")),
        None => (label.to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(label: &str, name: &str, version: &str) {
        assert_eq!(chart(label), (name.to_owned(), version.to_owned()));
    }

    #[test]
    fn a_chart_label_splits_before_its_version() {
        check("gpu-operator-v25.10.1", "gpu-operator", "v25.10.1");
        check("kube-prometheus-stack-80.9.2", "kube-prometheus-stack", "80.9.2");
        check("k8s-1x-thing-1.2.3-rc.1_build", "k8s-1x-thing", "1.2.3-rc.1+build");
        check("unversioned", "unversioned", "");
    }

    fn object(labels: serde_json::Value, annotations: serde_json::Value) -> Object {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": "w", "namespace": "ns", "labels": labels, "annotations": annotations},
            "spec": {"replicas": 2}, "status": {"readyReplicas": 1}}))
        .expect("an object")
    }

    #[test]
    fn an_unmarked_workload_is_somebodys_own() {
        assert_eq!(workload("Deployment", object(serde_json::json!({"app": "mine"}), serde_json::json!({}))), None);
    }

    #[test]
    fn the_release_of_the_annotation_wins() {
        let labels = serde_json::json!({"app.kubernetes.io/instance": "other", "helm.sh/chart": "nfd-0.18.3"});
        let annotations =
            serde_json::json!({"meta.helm.sh/release-name": "nfd", "meta.helm.sh/release-namespace": "r"});
        let kept = workload("Deployment", object(labels, annotations)).expect("a component");
        assert_eq!(kept.release, Some(("nfd".to_owned(), "r".to_owned())));
        assert_eq!((kept.desired, kept.ready), (2, 1));
    }
}
