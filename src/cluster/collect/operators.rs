//! What the collectors of operators share: whether an API group is served, and the subtype that says so.
//!
//! Their readings have a word for every outcome: `absent` where the group is not served, `unknown` where that could not
//! be found out. So a missing operator and a missing permission are never the same.

use super::{Update, list};
use crate::{
    cluster::{ClusterError, ClusterErrorKind, Connection, decode::Meta},
    inventory::{Item, Measurement, Scalar, Subtype},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What was found, beside the state.
#[derive(Default)]
pub struct Found {
    pub data: BTreeMap<String, Scalar>,
    pub items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    preferred_version: GroupVersion,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupVersion {
    group_version: String,
}

/// `group/version` that the API server prefers; `None` where it does not serve the group.
pub async fn served(connection: &Connection, group: &str) -> Result<Option<String>, ClusterError> {
    let doing = format!("look for the API {group}");
    match list::get::<Group>(connection, &doing, &format!("/apis/{}", list::encoded(group))).await {
        Ok(group) => Ok(Some(group.preferred_version.group_version)),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// An object of which only its name counts.
#[derive(Deserialize)]
pub struct Named {
    pub metadata: Meta,
}

/// `namespace/name` of every object of a resource; none where the version does not have the resource.
pub async fn names(connection: &Connection, api_version: &str, plural: &str) -> Result<Vec<String>, ClusterError> {
    let doing = format!("list {plural}.{}", api_version.split('/').next().unwrap_or_default());
    let name = |object: Named| format!("{}/{}", object.metadata.namespace, object.metadata.name);
    match list::metadata(connection, &doing, &format!("/apis/{api_version}/{plural}"), "", name).await {
        Ok(listed) => Ok(listed.items),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The subtype of a state.
pub fn subtype(name: &str, state: &str, found: Found) -> Vec<Measurement> {
    let Found { mut data, items } = found;
    data.insert("collection-state".to_owned(), Scalar::Text(state.to_owned()));
    let subtype = Subtype { name: name.to_owned(), data, items, ..Subtype::default() };
    vec![Measurement { kind: "K8s".to_owned(), subtypes: vec![subtype] }]
}

/// Whether the API is there, and in which version.
pub fn api(api_version: Option<&str>) -> BTreeMap<String, Scalar> {
    let mut data = BTreeMap::from([("api-available".to_owned(), Scalar::Bool(api_version.is_some()))]);
    if let Some(version) = api_version {
        data.insert("api-version".to_owned(), Scalar::Text(version.to_owned()));
    }
    data
}

/// Readings of a source under its own name.
pub fn update(source: &'static str, readings: Vec<Measurement>) -> Update {
    Box::new(move |parts| {
        parts.readings.insert(source, readings);
    })
}
