//! What is kept of a Kubernetes object.
//!
//! In: the answer of the API server, read straight into types that hold nothing but what we use, so that annotations,
//! managed fields and image lists are never kept. Out: the reports of the inventory. Texts that many objects share are
//! kept once.

pub mod node;
pub mod pod;
pub mod proto;

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

/// A quantity as its text.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(transparent)]
pub struct Quantity {
    #[prost(string, tag = "1")]
    pub text: String,
}

/// One entry of a map. Its value is a part of the answer, and is let go with it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Entry {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub value: bytes::Bytes,
}

/// A map of which few entries are kept.
pub type Entries = Vec<Entry>;

/// Reads the entries of a map in JSON, which may be `null`; values only of the keys that `wanted` names, because those of all
/// nodes are megabytes.
pub fn entries<'de, D: serde::Deserializer<'de>>(from: D, wanted: fn(&str) -> bool) -> Result<Entries, D::Error> {
    struct Wanted(fn(&str) -> bool);

    impl<'de> serde::de::Visitor<'de> for Wanted {
        type Value = Entries;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a map of texts, or null")
        }

        fn visit_unit<E>(self) -> Result<Entries, E> {
            Ok(Entries::new())
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
            let mut entries = Entries::new();
            while let Some(key) = map.next_key::<String>()? {
                let value = match self.0(&key) {
                    true => map.next_value::<String>()?.into(),
                    false => map.next_value::<serde::de::IgnoredAny>().map(|_| bytes::Bytes::new())?,
                };
                entries.push(Entry { key, value });
            }
            Ok(entries)
        }
    }

    from.deserialize_any(Wanted(wanted))
}
