//! Helm releases, from the metadata of the secrets that Helm keeps them in. Their content is not asked for.

use super::{Collector, Update, list};
use crate::{
    cluster::{ClusterError, Connection, decode::Meta},
    inventory::release::HelmRecord,
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

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let listed = list::metadata(connection, "list secrets", "/api/v1/secrets", "owner=helm", release).await?;
    let records = newest(listed.items.into_iter().flatten());
    Ok(Box::new(move |parts| parts.records = records))
}

fn release(object: Object) -> Option<HelmRecord> {
    let Meta { namespace, labels, .. } = object.metadata;
    let label = |key: &str| labels.get(key).cloned();
    Some(HelmRecord {
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
            namespace: "n".into(),
            name: name.into(),
            revision,
            status: "s".into(),
        };
        let kept = newest([at("b", 9), at("a", 2), at("b", 10), at("a", 1)].into_iter());
        assert_eq!(kept, [at("a", 2), at("b", 10)]);
    }
}
