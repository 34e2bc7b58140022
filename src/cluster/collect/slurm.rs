//! Slurm clusters of the Slinky operator: how many of each part, and one item for each.

use super::{
    Collector, Update, list,
    operators::{self, Found},
};
use crate::{
    cluster::{ClusterError, ClusterErrorKind, Connection, decode::Meta},
    inventory::{Item, Scalar},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const NAME: &str = "slurm";
const SUBTYPE: &str = "slinky-slurm";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list controllers.slinky.slurm.net",
    concerns_nodes: false,
    unread: Some(|| operators::subtype(SUBTYPE, "unknown", Found::default())),
    read: |connection| Box::pin(read(connection)),
};

/// Resource, the word of its kind in ids and counts.
const PARTS: [(&str, &str); 5] = [
    ("controllers", "controller"),
    ("nodesets", "nodeset"),
    ("loginsets", "loginset"),
    ("restapis", "restapi"),
    ("accountings", "accounting"),
];

#[derive(Deserialize)]
struct Object {
    metadata: Meta,
    #[serde(default)]
    spec: Value,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let served = operators::served(connection, "slinky.slurm.net").await?;
    let mut items = Vec::new();
    let mut counts = BTreeMap::new();
    for (plural, kind) in PARTS {
        let found = match &served {
            Some(version) => parts(connection, version, plural, kind).await?,
            None => Vec::new(),
        };
        counts.insert(kind, found.len());
        items.extend(found);
    }
    let state = match (items.len(), counts["controller"]) {
        (0, _) => "absent",
        (_, 0 | 1) => "detected",
        _ => "unsupported-multicluster",
    };
    let mut data = operators::api(served.as_deref());
    data.insert("detected".to_owned(), Scalar::Bool(!items.is_empty()));
    data.extend(counts.iter().map(|(kind, count)| (format!("{kind}-count"), Scalar::count(*count as u64))));
    Ok(operators::update(NAME, operators::subtype(SUBTYPE, state, Found { data, items })))
}

async fn parts(
    connection: &Connection,
    api_version: &str,
    plural: &str,
    kind: &str,
) -> Result<Vec<Item>, ClusterError> {
    let (doing, path) = (format!("list {plural}.slinky.slurm.net"), format!("/apis/{api_version}/{plural}"));
    let listed = list::all(connection, &doing, &path, |object: Object| item(kind, api_version, &object)).await;
    let mut items = match listed {
        Ok(listed) => listed.items,
        // An older version of the API without this part.
        Err(error) if error.kind == ClusterErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    items.sort_by(|a, b| a.context.get("id").cmp(&b.context.get("id")));
    Ok(items)
}

fn item(kind: &str, api_version: &str, object: &Object) -> Item {
    let Object { metadata: Meta { name, namespace, .. }, spec } = object;
    let text = |text: &str| text.to_owned();
    let mut context = BTreeMap::from([
        (text("id"), format!("{kind}/{namespace}/{name}")),
        (text("kind"), text(kind)),
        (text("namespace"), namespace.clone()),
        (text("name"), name.clone()),
        (text("api-version"), text(api_version)),
    ]);
    if let Some(controller) = spec["controllerRef"]["name"].as_str() {
        let namespace = spec["controllerRef"]["namespace"].as_str().unwrap_or(namespace);
        context.insert(text("controller-id"), format!("controller/{namespace}/{controller}"));
    }
    let mut data = BTreeMap::new();
    if kind == "controller" {
        if let Some(cluster) = spec["clusterName"].as_str() {
            data.insert(text("cluster-name"), Scalar::Text(text(cluster)));
        }
        data.insert(text("external"), Scalar::Bool(spec["external"].as_bool().unwrap_or(false)));
        data.insert(text("accounting-ref-present"), Scalar::Bool(spec["accountingRef"]["name"].is_string()));
    }
    if let Some(enabled) = spec["partition"]["enabled"].as_bool() {
        data.insert(text("partition-enabled"), Scalar::Bool(enabled));
    }
    Item { context, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, object: Value, expected: &str) {
        let item = item(kind, "slinky.slurm.net/v1beta1", &serde_json::from_value(object).unwrap());
        let data: Vec<String> = item.data.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let owner = item.context.get("controller-id").map(String::as_str).unwrap_or_default();
        assert_eq!(format!("{} {owner} {}", item.context["id"], data.join(" ")), expected);
    }

    #[test]
    fn parts_name_their_controller() {
        check(
            "controller",
            serde_json::json!({"metadata": {"name": "a", "namespace": "slurm"},
                "spec": {"clusterName": "c", "accountingRef": {"name": "x"}}}),
            "controller/slurm/a  accounting-ref-present=true cluster-name=c external=false",
        );
        check(
            "nodeset",
            serde_json::json!({"metadata": {"name": "w", "namespace": "slurm"},
                "spec": {"controllerRef": {"name": "a"}, "partition": {"enabled": true}}}),
            "nodeset/slurm/w controller/slurm/a partition-enabled=true",
        );
    }
}
