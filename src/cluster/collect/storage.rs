//! Which StorageClass a claim without one gets.

use super::{
    Collector, Update, list,
    operators::{self, Found},
};
use crate::{
    cluster::{ClusterError, Connection, decode},
    inventory::Scalar,
};
use serde::Deserialize;
use std::collections::BTreeMap;

const NAME: &str = "storage";
const SUBTYPE: &str = "default-storage-class";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list storageclasses.storage.k8s.io",
    concerns_nodes: false,
    unread: Some(|| operators::subtype(SUBTYPE, "unknown", Found::default())),
    read: |connection| Box::pin(read(connection)),
};

#[derive(Deserialize)]
struct Class {
    metadata: Marks,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Marks {
    name: String,
    #[serde(deserialize_with = "decode::nullable")]
    annotations: BTreeMap<String, String>,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let path = "/apis/storage.k8s.io/v1/storageclasses";
    let classes = list::all(connection, "list storageclasses.storage.k8s.io", path, default).await?;
    let mut names: Vec<String> = classes.items.into_iter().flatten().collect();
    names.sort();
    let state = match names.len() {
        0 => "absent",
        1 => "present",
        _ => "multiple",
    };
    let data = BTreeMap::from([
        ("default-count".to_owned(), Scalar::count(names.len() as u64)),
        ("default-classes".to_owned(), Scalar::Text(names.join(","))),
    ]);
    Ok(operators::update(NAME, operators::subtype(SUBTYPE, state, Found { data, ..Found::default() })))
}

/// The name of a class that is a default.
fn default(class: Class) -> Option<String> {
    let marks = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    let is_set = |mark: &str| class.metadata.annotations.get(mark).is_some_and(|value| value == "true");
    marks.into_iter().any(is_set).then_some(class.metadata.name)
}
