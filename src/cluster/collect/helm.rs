//! Helm releases, from the metadata of the secrets that Helm keeps them in. Their content is not asked for.

use super::{Part, list};
use crate::cluster::{ClusterError, Connection, prune::Meta};
use serde::Deserialize;
use std::collections::BTreeMap;

pub const NAME: &str = "helm";

/// The newest revision of one release.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    pub namespace: String,
    pub name: String,
    pub revision: u64,
    /// Helm's word: `deployed`, `failed`, `pending-upgrade`.
    pub status: String,
}

#[derive(Deserialize)]
struct Object {
    metadata: Meta,
}

pub async fn read(connection: &Connection) -> Result<Part, ClusterError> {
    let listed = list::metadata(connection, "list secrets", "/api/v1/secrets", "owner=helm", release).await?;
    Ok(Part::Releases(newest(listed.items.into_iter().flatten())))
}

fn release(object: Object) -> Option<Release> {
    let Meta { namespace, labels, .. } = object.metadata;
    let label = |key: &str| labels.get(key).cloned();
    Some(Release {
        namespace,
        name: label("name")?,
        revision: label("version")?.parse().ok()?,
        status: label("status").unwrap_or_default(),
    })
}

fn newest(releases: impl Iterator<Item = Release>) -> Vec<Release> {
    let mut by_name: BTreeMap<(String, String), Release> = BTreeMap::new();
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
        let at =
            |name: &str, revision| Release { namespace: "n".into(), name: name.into(), revision, status: "s".into() };
        let kept = newest([at("b", 9), at("a", 2), at("b", 10), at("a", 1)].into_iter());
        assert_eq!(kept, [at("a", 2), at("b", 10)]);
    }
}
