//! Snapshots of servers that are no API servers, or odd ones.

use super::*;
use crate::cluster::{
    ClusterErrorKind::{Protocol, Unauthorized},
    Target, collect, connect,
};
use crate::inventory::{Inventory, State};

fn answer(status: &str, kind: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A snapshot of a server that answers like this.
async fn snapshot(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Result<Inventory, ClusterError> {
    let (address, _) = server(answer).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    let text = format!(
        "{{clusters: [{{name: c, cluster: {{server: 'http://{address}/wrong'}}}}], users: [], \
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}], current-context: x}}"
    );
    std::fs::write(&path, text).expect("a file");
    let connection = connect(&Target { kubeconfig: Some(path), ..Target::default() }).await.expect("a connection");
    collect::snapshot(&connection, "2026-11-27T21:00:00Z").await
}

const PLAIN: &str = "404 page not found";
const STATUS: &str = "{\"kind\": \"Status\", \"code\": 404, \"reason\": \"NotFound\", \
                      \"message\": \"the server could not find the requested resource\"}";

#[tokio::test]
async fn a_server_that_has_nothing_is_not_a_cluster_without_nodes() {
    for (kind, body, words) in [
        ("text/plain", PLAIN, "404 page not found (404)"),
        ("application/json", STATUS, "the server could not find the requested resource (404)"),
        ("application/json", "{\"error\": \"no such cluster\"}", "no such cluster (404)"),
        ("text/plain", "", "HTTP 404 with an empty body"),
    ] {
        let error = snapshot(move |_| answer("404 No", kind, body)).await.expect_err(body);
        let found = format!("the server does not have `/api/v1/nodes`, which every Kubernetes API server has: {words}");
        assert_eq!((error.kind, error.doing.as_str(), error.found), (Protocol, "list nodes", found));
        assert!(error.hint.is_some_and(|hint| hint.contains("with its whole path")), "{body}");
    }
}

/// A server that has core/v1, with nothing in it, and no other API; `odd` answers first.
fn empty(odd: impl Fn(&str) -> Option<String> + Send + Sync) -> impl Fn(&str) -> String + Send + Sync {
    const JSON: &str = "application/json";
    move |head| {
        let path = head.split(' ').nth(1).unwrap_or_default().trim_start_matches("/wrong");
        let kind = match path.split('?').next().unwrap_or_default() {
            "/version" => return answer("200 OK", JSON, "{\"gitVersion\": \"v1.34.0\"}"),
            path => path.rsplit('/').next().unwrap_or_default(),
        };
        if let Some(answer) = odd(head) {
            return answer;
        }
        let kind = match kind {
            "nodes" => "NodeList",
            "pods" => "PodList",
            "kube-system" => {
                let words = "namespaces \\\"kube-system\\\" not found";
                return answer(
                    "404 No",
                    JSON,
                    &format!("{{\"kind\": \"Status\", \"code\": 404, \"message\": \"{words}\"}}"),
                );
            }
            _ => return answer("404 No", "text/plain", PLAIN),
        };
        let list = format!("{{\"kind\": \"{kind}\", \"apiVersion\": \"v1\", \"metadata\": {{}}, \"items\": []}}");
        answer("200 OK", JSON, &list)
    }
}

#[tokio::test]
async fn nodes_that_are_not_there_are_unread_and_an_api_that_is_not_there_is_not_served() {
    let found = snapshot(empty(|head| {
        let is_of_nodes = head.contains("/api/v1/nodes");
        let gateway =
            head.contains("/apis/resource.k8s.io").then(|| answer("404 No", "application/json", "{\"error\": \"x\"}"));
        if is_of_nodes { Some(answer("404 No", "text/plain", PLAIN)) } else { gateway }
    }))
    .await
    .expect("the rest");
    let state = |name: &str| found.sources.iter().find(|source| source.name == name).map(|source| source.state.clone());
    assert!(
        matches!(state("nodes"), Some(State::Failed(why)) if why.contains("which every Kubernetes API server has"))
    );
    assert_eq!(state("pods"), Some(State::Ok));
    assert_eq!(state("identity"), Some(State::NotServed), "the namespace is not there, the API is");
    assert_eq!(state("slices"), Some(State::NotServed), "{:?}", found.sources);
}

#[tokio::test]
async fn a_server_that_wants_to_be_asked_for_json_alone_is() {
    let found = snapshot(empty(|head| {
        head.contains("protobuf").then(|| answer("406 No", "application/json", "{\"kind\": \"Status\", \"code\": 406}"))
    }))
    .await
    .expect("a snapshot");
    let states: Vec<_> =
        found.sources.iter().filter(|source| ["nodes", "pods"].contains(&source.name.as_str())).collect();
    assert!(states.len() == 2 && states.iter().all(|source| source.state == State::Ok), "{states:?}");
}

#[tokio::test]
async fn a_list_in_place_of_an_object_is_called_one() {
    let error = snapshot(|_| answer("200 OK", "application/json", "[]")).await.expect_err("a list");
    assert_eq!(error.kind, Protocol);
    assert!(error.found.contains("invalid type: sequence") || error.found.contains("expected an object"), "{error}");
    let error = snapshot(|_| answer("401 No", "application/json", "[]")).await.expect_err("a refusal");
    assert_eq!((error.kind, error.found.as_str()), (Unauthorized, "[] (401)"));
}
