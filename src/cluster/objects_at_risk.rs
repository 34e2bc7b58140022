//! Objects of given kinds that no deployer manages: what an upgrade may touch without anybody watching.
//!
//! An object is managed where Helm's label and annotation or Argo CD's tracking annotation say so. Only metadata is read.

use super::{
    ClusterError, ClusterErrorKind, Connection,
    collect::{list, operators},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What was found of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// Whether the cluster has the kind at all.
    pub present: bool,
    /// Objects looked at.
    pub examined: usize,
    /// Namespace (empty for objects of the cluster) and name of those that nobody manages.
    pub unmanaged: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    kind: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl Metadata {
    fn is_managed(&self) -> bool {
        let helm = self.labels.get("app.kubernetes.io/managed-by").is_some_and(|value| value == "Helm")
            && self.annotations.contains_key("meta.helm.sh/release-name");
        helm || self.annotations.contains_key("argocd.argoproj.io/tracking-id")
    }
}

/// Looks at every object of a kind. `group` is empty for the core API.
///
/// # Errors
/// The API server cannot be asked, or forbids the list.
pub async fn examine(connection: &Connection, group: &str, kind: &str) -> Result<Examined, ClusterError> {
    let Some(path) = resource_path(connection, group, kind).await? else { return Ok(Examined::default()) };
    let doing = format!("list objects of kind {kind}");
    let prune = |object: Listed| object.metadata;
    let listed = list::metadata::<Listed, Metadata>(connection, &doing, &path, "", prune).await?.items;
    let unmanaged = listed.iter().filter(|object| !object.is_managed());
    let mut unmanaged: Vec<(String, String)> =
        unmanaged.map(|object| (object.namespace.clone(), object.name.clone())).collect();
    unmanaged.sort_unstable();
    Ok(Examined { present: true, examined: listed.len(), unmanaged })
}

/// The path of the list of a kind in all namespaces; `None` where the cluster does not have it.
async fn resource_path(connection: &Connection, group: &str, kind: &str) -> Result<Option<String>, ClusterError> {
    let root = if group.is_empty() {
        "/api/v1".to_owned()
    } else {
        match operators::served(connection, group).await? {
            Some(version) => format!("/apis/{version}"),
            None => return Ok(None),
        }
    };
    let resources = found(list::get::<Resources>(connection, &format!("find the kind {kind}"), &root).await)?;
    // Subresources have a `/` in their name.
    let resource = resources
        .into_iter()
        .flat_map(|found| found.resources)
        .find(|resource| resource.kind == kind && !resource.name.contains('/'));
    Ok(resource.map(|resource| format!("{root}/{}", resource.name)))
}

/// What does not exist is `None`.
fn found<T>(answer: Result<T, ClusterError>) -> Result<Option<T>, ClusterError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
