//! The device plugin that older Oracle clusters bring, which would advertise GPUs beside the operator's.

use super::{Collector, Update, list, operators};
use crate::{
    cluster::{ClusterError, ClusterErrorKind, Connection, decode},
    inventory::{Measurement, Scalar, Subtype},
};
use serde::Deserialize;
use std::collections::BTreeMap;

const NAME: &str = "oke-plugin";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "get daemonsets.apps in kube-system",
    concerns_nodes: false,
    unread: Some(|| readings(("unknown", "unknown"))),
    read: |connection| Box::pin(read(connection)),
};

#[derive(Deserialize)]
struct DaemonSet {
    metadata: Marks,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Marks {
    #[serde(deserialize_with = "decode::nullable")]
    labels: BTreeMap<String, String>,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let path = "/apis/apps/v1/namespaces/kube-system/daemonsets/nvidia-gpu-device-plugin";
    let found = match list::get::<DaemonSet>(connection, "read the device plugin of kube-system", path).await {
        Ok(daemon_set) => Some(daemon_set.metadata.labels),
        Err(error) if error.kind == ClusterErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(operators::update(NAME, readings(state(found.as_ref()))))
}

/// Whether the plugin counts, and what its DaemonSet says: only the add-on manager keeps it.
fn state(labels: Option<&BTreeMap<String, String>>) -> (&'static str, &'static str) {
    let Some(labels) = labels else { return ("none", "absent") };
    match labels.get("addonmanager.kubernetes.io/mode").map(String::as_str) {
        Some("Reconcile") => ("active", "active"),
        Some(_) => ("none", "disabled"),
        None => ("none", "unlabeled"),
    }
}

fn readings((plugin, daemon_set): (&str, &str)) -> Vec<Measurement> {
    let text = |text: &str| Scalar::Text(text.to_owned());
    let data = BTreeMap::from([
        ("nvidia-gpu-device-plugin".to_owned(), text(plugin)),
        ("daemonset".to_owned(), text(daemon_set)),
    ]);
    vec![Measurement { kind: "K8s".to_owned(), subtypes: vec![Subtype::of("oke-legacy-plugin", data)] }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_add_on_manager_keeps_is_active() {
        let labels = |mode: &str| BTreeMap::from([("addonmanager.kubernetes.io/mode".to_owned(), mode.to_owned())]);
        assert_eq!(state(Some(&labels("Reconcile"))), ("active", "active"));
        assert_eq!(state(Some(&labels("EnsureExists"))), ("none", "disabled"));
        assert_eq!(state(Some(&BTreeMap::new())), ("none", "unlabeled"));
        assert_eq!(state(None), ("none", "absent"));
    }
}
