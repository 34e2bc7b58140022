//! Reading from the API server: one object, or a whole list by pages.
//!
//! Objects are read into small types of the caller; each is pruned before the next page is asked for.

use crate::cluster::{ClusterError, ClusterErrorKind, Connection, request::RequestPath};
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;

/// Objects in one answer. More costs memory at once, fewer costs round trips.
const PAGE: usize = 500;
/// For one whole answer; 500 nodes of 26 kB take well under a second on a healthy server.
const LIMIT: Duration = Duration::from_secs(60);

pub use crate::cluster::request::encoded;

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMeta,
    /// `null` in an empty list of metadata.
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageMeta {
    #[serde(rename = "continue")]
    next: String,
    resource_version: String,
}

/// A whole list, with the version at which a watch may take over.
pub struct Listed<K> {
    pub items: Vec<K>,
    pub resource_version: String,
}

/// GETs one object.
pub async fn get<T: DeserializeOwned>(connection: &Connection, doing: &str, path: &str) -> Result<T, ClusterError> {
    request(connection, doing, path, "application/json").await
}

/// GETs a list by pages. A list that grows too old between two pages (410) is begun anew, once.
pub async fn all<T: DeserializeOwned, K>(
    connection: &Connection,
    doing: &str,
    path: &str,
    prune: impl FnMut(T) -> K,
) -> Result<Listed<K>, ClusterError> {
    pages(connection, doing, path, "", "application/json", prune).await
}

/// Like [`all`], for the objects that a label selector names.
pub async fn labelled<T: DeserializeOwned, K>(
    connection: &Connection,
    doing: &str,
    path: &str,
    selector: &str,
    prune: impl FnMut(T) -> K,
) -> Result<Listed<K>, ClusterError> {
    pages(connection, doing, path, selector, "application/json", prune).await
}

/// Like [`all`], for objects of which only the metadata may be sent to us.
pub async fn metadata<T: DeserializeOwned, K>(
    connection: &Connection,
    doing: &str,
    path: &str,
    selector: &str,
    prune: impl FnMut(T) -> K,
) -> Result<Listed<K>, ClusterError> {
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    pages(connection, doing, path, selector, accept, prune).await
}

async fn pages<T: DeserializeOwned, K>(
    connection: &Connection,
    doing: &str,
    path: &str,
    selector: &str,
    accept: &'static str,
    mut prune: impl FnMut(T) -> K,
) -> Result<Listed<K>, ClusterError> {
    let mut listed = Listed { items: Vec::new(), resource_version: String::new() };
    let mut next = String::new();
    let mut begun_anew = false;
    loop {
        let url = RequestPath::new(path)
            .with("limit", PAGE)
            .with_some("labelSelector", selector)
            .with_some("continue", &next);
        match request::<Page<T>>(connection, doing, url.as_str(), accept).await {
            Ok(page) => {
                listed.items.extend(page.items.into_iter().flatten().map(&mut prune));
                listed.resource_version = page.metadata.resource_version;
                next = page.metadata.next;
                if next.is_empty() {
                    return Ok(listed);
                }
            }
            Err(error) if is_too_old(&error) && !next.is_empty() && !begun_anew => {
                begun_anew = true;
                listed.items.clear();
                next.clear();
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_too_old(error: &ClusterError) -> bool {
    error.kind == ClusterErrorKind::Expired
}

async fn request<T: DeserializeOwned>(
    connection: &Connection,
    doing: &str,
    url: &str,
    accept: &'static str,
) -> Result<T, ClusterError> {
    let at = connection.at();
    let request = http::Request::get(url)
        .header(http::header::ACCEPT, accept)
        .body(Vec::new())
        .map_err(|error| ClusterError::from_kube(doing, &at, &kube::Error::HttpError(error)))?;
    match tokio::time::timeout(LIMIT, connection.client.request::<T>(request)).await {
        Ok(answer) => answer.map_err(|error| ClusterError::from_kube(doing, &at, &error)),
        Err(_) => Err(ClusterError::timeout(doing, &at, LIMIT.as_secs())),
    }
}
