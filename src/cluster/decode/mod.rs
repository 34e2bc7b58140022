//! What is kept of a Kubernetes object.
//!
//! In: the answer of the API server, read straight into types that hold nothing but what we use, so that annotations,
//! managed fields and image lists are never kept. Out: the reports of the inventory. Texts that many objects share are
//! kept once.

pub mod node;
pub mod pod;

use serde::Deserialize;
use std::collections::BTreeMap;

/// Reads `null` as absent: Go writes an empty map or list so.
pub fn nullable<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// What is read of the metadata of any object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    pub name: String,
    pub namespace: String,
    pub uid: String,
    pub resource_version: String,
    #[serde(deserialize_with = "nullable")]
    pub labels: BTreeMap<String, String>,
}

/// Names of a map whose values are not kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Keys(BTreeMap<String, serde::de::IgnoredAny>);

impl Keys {
    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
