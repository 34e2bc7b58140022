//! Helm releases, from the metadata of the secrets or ConfigMaps that Helm keeps them in. Their content is not asked for.

use super::{Collector, Update, list};
use crate::{
    cluster::{ClusterError, Connection, decode::Meta},
    inventory::release::{HelmRecord, KeptIn},
};
use serde::Deserialize;
use std::collections::BTreeMap;

const NAME: &str = "helm";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list secrets",
    concerns_nodes: false,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

#[derive(Deserialize)]
struct Object {
    metadata: Meta,
}

/// The label of Helm's own objects.
const OWNED: &str = "owner=helm";

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let (doing, path) = ("list secrets", "/api/v1/secrets");
    let secrets = list::metadata(connection, doing, path, OWNED, |object| release(object, KeptIn::Secret)).await?;
    let (doing, path) = ("list configmaps", "/api/v1/configmaps");
    let maps = list::metadata(connection, doing, path, OWNED, |object| release(object, KeptIn::ConfigMap)).await?;
    let records = newest(secrets.items.into_iter().chain(maps.items).flatten());
    Ok(Box::new(move |parts| parts.records = records))
}

fn release(object: Object, kept_in: KeptIn) -> Option<HelmRecord> {
    let Meta { namespace, labels, .. } = object.metadata;
    let label = |key: &str| labels.get(key).cloned();
    Some(HelmRecord {
        kept_in,
        namespace,
        name: label("name")?,
        revision: label("version")?.parse().ok()?,
        status: label("status").unwrap_or_default(),
    })
}

fn newest(releases: impl Iterator<Item = HelmRecord>) -> Vec<HelmRecord> {
    let mut by_name: BTreeMap<(String, String), HelmRecord> = BTreeMap::new();
    for release in releases {
        let key = (release.name.clone(), release.namespace.clone());
        match by_name.get(&key) {
            Some(known) if known.revision >= release.revision => {}
            _ => {
                by_name.insert(key, release);
            }
        }
    }
    by_name.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_revision_of_a_release_counts() {
        let at = |name: &str, revision| HelmRecord {
            kept_in: KeptIn::Secret,
            namespace: "n".into(),
            name: name.into(),
            revision,
            status: "s".into(),
        };
        let kept = newest([at("b", 9), at("a", 2), at("b", 10), at("a", 1)].into_iter());
        assert_eq!(kept, [at("a", 2), at("b", 10)]);
    }
}
