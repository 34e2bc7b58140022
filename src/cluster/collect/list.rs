//! Reading from the API server: one object, or a whole list by pages.
//!
//! Objects are read into small types of the caller; each is pruned before the next page is asked for.

use crate::cluster::{
    ClusterError, ClusterErrorKind, Connection,
    api_version::{Mismatch, Types},
    forms::{self, Object},
    request::RequestPath,
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::HashSet, time::Duration};

/// Objects in one answer. More costs memory at once, fewer costs round trips.
const PAGE: usize = 500;
/// In the first one, which a person waits for.
const FIRST_PAGE: usize = 100;
/// Of one list: five million objects are more than a Kubernetes cluster can hold.
const MOST_PAGES: usize = 10_000;
/// For one whole answer; 500 nodes of 26 kB take well under a second on a healthy server.
const LIMIT: Duration = Duration::from_secs(60);

pub use crate::cluster::request::encoded;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
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
    request(connection, doing, path, "application/json", |text| {
        serde_json::from_str::<Types>(text).map_err(kube::Error::SerdeError)?.check(path).map_err(mismatch)?;
        serde_json::from_str(text).map_err(kube::Error::SerdeError)
    })
    .await
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
pub async fn labeled<T: DeserializeOwned, K>(
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

/// Every token of a list so far: one that comes again would lead in a circle, and new ones without end nowhere.
#[derive(Default)]
struct Tokens(HashSet<String>);

impl Tokens {
    fn take(&mut self, token: &str) -> Result<(), Mismatch> {
        match self.0.insert(token.to_owned()) {
            false => Err(Mismatch::SameToken),
            true if self.0.len() >= MOST_PAGES => Err(Mismatch::TooManyPages(MOST_PAGES)),
            true => Ok(()),
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }
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
    let mut tokens = Tokens::default();
    let mut begun_anew = false;
    loop {
        let url = RequestPath::new(path)
            .with("limit", PAGE)
            .with_some("labelSelector", selector)
            .with_some("continue", &next);
        let read = |text: &str| {
            let page: Page<T> = serde_json::from_str(text).map_err(kube::Error::SerdeError)?;
            let types = Types { api_version: page.api_version.clone(), kind: page.kind.clone() };
            types.check_list(path, page.items.is_some()).map_err(mismatch)?;
            Ok(page)
        };
        match request(connection, doing, url.as_str(), accept, read).await {
            Ok(page) => {
                listed.items.extend(page.items.into_iter().flatten().map(&mut prune));
                listed.resource_version = page.metadata.resource_version;
                next = page.metadata.next;
                if next.is_empty() {
                    return Ok(listed);
                }
                tokens.take(&next).map_err(|error| refused(connection, doing, error))?;
            }
            Err(error) if is_too_old(&error) && !next.is_empty() && !begun_anew => {
                tracing::info!(path, "list too old; beginning it again");
                begun_anew = true;
                listed.items.clear();
                next.clear();
                tokens.clear();
            }
            Err(error) => return Err(error),
        }
    }
}

/// A list of objects that have two forms, page by page.
pub struct Pages<'c> {
    connection: &'c Connection,
    doing: &'static str,
    path: &'static str,
    next: String,
    tokens: Tokens,
    is_over: bool,
    begun_again: bool,
    /// Room for a page in JSON.
    buffer: Vec<u8>,
    /// The version at which a watch may take over, once the list is whole.
    pub resource_version: String,
}

/// Some objects of a list.
pub struct ObjectPage<K> {
    pub items: Vec<K>,
    /// What came before is void: the list grew too old and was begun again.
    pub is_first: bool,
}

impl<'c> Pages<'c> {
    pub fn new(connection: &'c Connection, doing: &'static str, path: &'static str) -> Pages<'c> {
        let (next, tokens, resource_version) = (String::new(), Tokens::default(), String::new());
        let buffer = Vec::new();
        Pages { connection, doing, path, next, tokens, is_over: false, begun_again: false, resource_version, buffer }
    }

    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// Whatever the API server answers instead of the page; a list that leads in a circle.
    pub async fn next<T: Object, K>(
        &mut self,
        mut keep: impl FnMut(T) -> K,
    ) -> Result<Option<ObjectPage<K>>, ClusterError> {
        if self.is_over {
            return Ok(None);
        }
        loop {
            let is_first = self.next.is_empty();
            let url = RequestPath::new(self.path)
                .with("limit", if is_first { FIRST_PAGE } else { PAGE })
                .with_some("continue", &self.next);
            let mut items = Vec::new();
            let (doing, at) = (self.doing, self.connection.at());
            let client = &self.connection.client;
            let page = forms::page::<T>(client, url.as_str(), &mut self.buffer, |object| items.push(keep(object)));
            let meta = match tokio::time::timeout(LIMIT, page).await {
                Ok(answer) => {
                    answer.map_err(|error| of_every_server(self.path, ClusterError::from_kube(doing, &at, &error)))
                }
                Err(_) => Err(ClusterError::timeout(doing, &at, LIMIT.as_secs())),
            };
            match meta {
                Ok(meta) => {
                    self.is_over = meta.next.is_empty();
                    if !self.is_over {
                        let taken = self.tokens.take(&meta.next);
                        taken.map_err(|error| refused(self.connection, self.doing, error))?;
                    }
                    self.next = meta.next;
                    self.resource_version = meta.resource_version;
                    return Ok(Some(ObjectPage { items, is_first }));
                }
                Err(error) if is_too_old(&error) && !is_first && !self.begun_again => {
                    tracing::info!(path = self.path, "list too old; beginning it again");
                    self.begun_again = true;
                    self.next.clear();
                    self.tokens.clear();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// All pages.
    ///
    /// # Errors
    /// As [`Pages::next`].
    pub async fn all<T: Object, K>(mut self, mut keep: impl FnMut(T) -> K) -> Result<Vec<K>, ClusterError> {
        let mut all = Vec::new();
        while let Some(page) = self.next(&mut keep).await? {
            if page.is_first {
                all.clear();
            }
            all.extend(page.items);
        }
        Ok(all)
    }
}

/// Of what every API server serves (`/version`, core/v1), "not found" can only be said of an object. Anything else that says
/// so is not an API server, or one behind another path; taken for an answer it would be a cluster without nodes.
fn of_every_server(path: &str, error: ClusterError) -> ClusterError {
    let path = path.split('?').next().unwrap_or_default();
    let is_everywhere = path == "/version" || path.starts_with("/api/v1/");
    // `namespaces "kube-system" not found`: the object, in the words of every API server.
    let object = path.rsplit('/').next().unwrap_or_default();
    let is_of_object = error.found.contains(&format!("\"{object}\" not found"));
    if error.kind != ClusterErrorKind::NotFound || !is_everywhere || is_of_object {
        return error;
    }
    let found = format!("the server does not have `{path}`, which every Kubernetes API server has: {}", error.found);
    let hint = "is this the URL of an API server, with its whole path? Compare with `kubectl get --raw /version`";
    ClusterError { kind: ClusterErrorKind::Protocol, found, hint: Some(hint.to_owned()), ..error }
}

fn is_too_old(error: &ClusterError) -> bool {
    error.kind == ClusterErrorKind::Expired
}

/// The error of an answer that is not what was asked for.
pub(super) fn refused(connection: &Connection, doing: &str, error: Mismatch) -> ClusterError {
    ClusterError::from_kube(doing, &connection.at(), &mismatch(error))
}

fn mismatch(error: Mismatch) -> kube::Error {
    kube::Error::Service(Box::new(error))
}

/// Read here and not by our client of Kubernetes, which logs what it cannot read.
async fn request<T>(
    connection: &Connection,
    doing: &str,
    url: &str,
    accept: &'static str,
    read: impl Fn(&str) -> Result<T, kube::Error>,
) -> Result<T, ClusterError> {
    let at = connection.at();
    let request = http::Request::get(url)
        .header(http::header::ACCEPT, accept)
        .body(Vec::new())
        .map_err(|error| ClusterError::from_kube(doing, &at, &kube::Error::HttpError(error)))?;
    match tokio::time::timeout(LIMIT, connection.client.request_text(request)).await {
        Ok(answer) => answer
            .and_then(|text| forms::is_object(text.as_bytes()).and_then(|()| read(&text)))
            .map_err(|error| of_every_server(url, ClusterError::from_kube(doing, &at, &error))),
        Err(_) => Err(ClusterError::timeout(doing, &at, LIMIT.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_PAGES, Mismatch, Tokens};

    #[test]
    fn a_list_ends_or_is_refused() {
        let mut tokens = Tokens::default();
        assert!(tokens.take("a").is_ok() && tokens.take("b").is_ok());
        assert!(matches!(tokens.take("a"), Err(Mismatch::SameToken)));
        let refused = (0..).find_map(|number| tokens.take(&number.to_string()).err().map(|error| (number, error)));
        assert!(matches!(refused, Some((_, Mismatch::TooManyPages(MOST_PAGES)))), "{refused:?}");
        tokens.clear();
        assert!(tokens.take("a").is_ok());
    }
}
