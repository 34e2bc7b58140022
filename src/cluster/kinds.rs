//! Which kinds of objects a cluster has, for whoever looks for objects of any kind.

use super::{ClusterError, ClusterErrorKind, Connection, collect::list};
use futures::StreamExt;
use serde_json::Value;

/// Documents that are read at a time.
const READS: usize = 16;

/// A kind whose objects are in namespaces and can be listed and deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServedKind {
    pub kind: String,
    /// `/apis/batch/v1`.
    pub api: String,
    pub plural: String,
    /// As messages name it: `jobs.batch`.
    pub resource: String,
}

/// Every such kind once, in the version that the server prefers of those that have it, and what kept a group from saying
/// which it has.
///
/// # Errors
/// The server does not say which groups it has.
pub(super) async fn served(connection: &Connection) -> Result<(Vec<ServedKind>, Vec<ClusterError>), ClusterError> {
    let groups: Value = list::get(connection, "list the groups of the API", "/apis").await?;
    let groups = groups["groups"].as_array().cloned().unwrap_or_default();
    let mut documents = vec![(String::new(), "/api/v1".to_owned())];
    for group in &groups {
        let preferred = &group["preferredVersion"];
        let others = group["versions"].as_array().into_iter().flatten().filter(|version| *version != preferred);
        let versions = std::iter::once(preferred).chain(others);
        let name = group["name"].as_str().unwrap_or_default();
        let of_group = versions.filter_map(|version| version["groupVersion"].as_str());
        documents.extend(of_group.map(|version| (name.to_owned(), format!("/apis/{version}"))));
    }
    // Collected first: a stream over the closure itself could not be sent between threads.
    let reads: Vec<_> = documents.into_iter().map(|(group, api)| kinds_of(connection, group, api)).collect();
    let answers: Vec<_> = futures::stream::iter(reads).buffered(READS).collect().await;
    let (mut kinds, mut failed): (Vec<ServedKind>, Vec<ClusterError>) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok(found) => {
                let is_new = |new: &ServedKind| kinds.iter().all(|known| known.resource != new.resource);
                let new: Vec<ServedKind> = found.into_iter().filter(is_new).collect();
                kinds.extend(new);
            }
            // It was removed since.
            Err(error) if error.kind == ClusterErrorKind::NotFound => {}
            Err(error) => failed.push(error),
        }
    }
    Ok((kinds, failed))
}

async fn kinds_of(connection: &Connection, group: String, api: String) -> Result<Vec<ServedKind>, ClusterError> {
    let document: Value = list::get(connection, &format!("list the kinds of {api}"), &api).await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let has = |resource: &Value, verb: &str| {
        resource["verbs"].as_array().is_some_and(|verbs| verbs.iter().any(|known| known == verb))
    };
    let resources = document["resources"].as_array().into_iter().flatten();
    let kinds = resources.filter(|resource| {
        let is_part = text(&resource["name"]).contains('/');
        !is_part && resource["namespaced"] == true && has(resource, "list") && has(resource, "delete")
    });
    let kind = |resource: &Value| {
        let plural = text(&resource["name"]);
        let qualified = if group.is_empty() { plural.clone() } else { format!("{plural}.{group}") };
        ServedKind { kind: text(&resource["kind"]), api: api.clone(), plural, resource: qualified }
    };
    Ok(kinds.map(kind).collect())
}
