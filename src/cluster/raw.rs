//! Any object by its path: read, list, apply, create, change, delete.
//!
//! In: a path of the API server. Out: JSON, or `None` where there is nothing. For what has no type of its own here: the
//! objects of releases.

use super::{
    ClusterError, ClusterErrorKind, Connection,
    collect::list::{self, encoded},
    objects::send,
};
use serde_json::{Value, json};

/// One object; `None` when it does not exist.
///
/// # Errors
/// Any other answer of the server.
pub async fn get(connection: &Connection, path: &str) -> Result<Option<Value>, ClusterError> {
    let request = http::Request::get(path).body(Vec::new());
    absent(send(connection, "get an object", path, request).await)
}

/// All objects of a collection that a label selector names; an API that does not exist has none.
///
/// # Errors
/// Any other answer of the server.
pub async fn list(connection: &Connection, path: &str, selector: &str) -> Result<Vec<Value>, ClusterError> {
    let listed = list::labeled(connection, "list objects", path, selector, |item: Value| item).await;
    Ok(absent(listed)?.map(|listed| listed.items).unwrap_or_default())
}

/// Creates or changes an object by server-side apply as this manager, taking over fields of others.
///
/// # Errors
/// What the server refuses.
pub async fn apply(connection: &Connection, path: &str, object: &Value, manager: &str) -> Result<Value, ClusterError> {
    let path = format!("{path}?fieldManager={}&force=true", encoded(manager));
    let request = http::Request::patch(&path)
        .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
        .body(object.to_string().into_bytes());
    send(connection, "apply an object", &path, request).await
}

/// Creates an object in a collection; `None` where one of that name is there already.
///
/// # Errors
/// What the server refuses.
pub async fn create(connection: &Connection, path: &str, object: &Value) -> Result<Option<Value>, ClusterError> {
    let request = http::Request::post(format!("{path}?fieldManager=aicr"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(object.to_string().into_bytes());
    match send(connection, "create an object", path, request).await {
        Ok(created) => Ok(Some(created)),
        Err(error) if error.kind == ClusterErrorKind::Conflict && get_again(connection, path, object).await => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the object that could not be created is there: a conflict may have other causes.
async fn get_again(connection: &Connection, path: &str, object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    matches!(get(connection, &format!("{path}/{name}")).await, Ok(Some(_)))
}

/// Merges into an object; `None` where it does not exist.
///
/// # Errors
/// What the server refuses; a `Conflict` where the patch names a version that is not the current one.
pub async fn merge(connection: &Connection, path: &str, patch: &Value) -> Result<Option<Value>, ClusterError> {
    let request = http::Request::patch(format!("{path}?fieldManager=aicr"))
        .header(http::header::CONTENT_TYPE, "application/merge-patch+json")
        .body(patch.to_string().into_bytes());
    absent(send(connection, "change an object", path, request).await)
}

/// Deletes an object; one that does not exist is fine.
///
/// # Errors
/// What the server refuses.
pub async fn delete(connection: &Connection, path: &str) -> Result<(), ClusterError> {
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
    let request = http::Request::delete(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(options.to_string().into_bytes());
    absent(send(connection, "delete an object", path, request).await).map(drop)
}

fn absent<T>(answer: Result<T, ClusterError>) -> Result<Option<T>, ClusterError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
