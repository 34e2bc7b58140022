//! Servers that answer something else than an API server does.

use super::*;
use crate::cluster::ClusterErrorKind::{self, Protocol, TooManyRequests, Unauthorized, Unreachable};

/// What is reported of a server that answers this.
async fn check(answer: &'static str, kind: ClusterErrorKind, found: &str) {
    let (address, _) = server(|_| answer.to_owned()).await;
    let error = ask(&format!("{{server: 'http://{address}'}}"), "{}", &[]).await.expect_err(answer);
    assert_eq!((error.kind, error.found.as_str()), (kind, found), "{answer}");
    assert!(error.hint.is_some(), "{error}");
}

#[tokio::test]
async fn a_login_page_is_reported_with_its_title() {
    let page =
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n\r\n<html><TITLE lang=en>\n Sign  in </title>";
    check(page, Protocol, "HTTP 200: an HTML page with the title `Sign in`").await;
    let page = "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\n\r\n<html>nginx";
    check(page, Unreachable, "HTTP 502: an HTML page").await;
    let page = "HTTP/1.1 404 No\r\ncontent-type: text/html\r\n\r\n<title>No</title>";
    check(page, Protocol, "HTTP 404: an HTML page with the title `No`").await;
    let page = "HTTP/1.1 302 Found\r\nlocation: https://login.test/?token=secret\r\ncontent-length: 0\r\n\r\n";
    check(page, Protocol, "HTTP 302: a redirection to https://login.test/").await;
}

#[tokio::test]
async fn garbage_and_truncated_answers_are_different_errors() {
    check("SSH-2.0-OpenSSH_9.6\r\n", Protocol, "the answer is not HTTP: invalid HTTP version parsed").await;
    check("", Unreachable, "the server closed the connection before its answer was complete").await;
    check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Protocol, "the answer is empty").await;
    let half = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"minor\": \"3";
    check(half, Unreachable, "the answer ends in the middle (line 1, column 12)").await;
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"minor\": \"3";
    let (address, _) = server(|_| cut.to_owned()).await;
    let error = ask(&format!("{{server: 'http://{address}'}}"), "{}", &[]).await.expect_err("half an answer");
    assert_eq!(error.kind, Unreachable, "{error}");
}

#[tokio::test]
async fn a_status_of_kubernetes_keeps_its_kind() {
    let busy = "HTTP/1.1 429 Too Many\r\ncontent-type: application/json\r\n\r\n{\"kind\": \"Status\", \"message\": \"slow\", \"code\": 429}";
    check(busy, TooManyRequests, "slow (429)").await;
}

#[tokio::test]
async fn without_a_plugin_401_is_asked_once() {
    let (address, log) = server(|_| {
        "HTTP/1.1 401 No\r\ncontent-type: application/json\r\n\r\n{\"kind\": \"Status\", \"message\": \"no\", \"code\": 401}".to_owned()
    })
    .await;
    let error = ask(&format!("{{server: 'http://{address}'}}"), "{token: t}", &[]).await.expect_err("401");
    assert_eq!((error.kind, lines(&log).len()), (Unauthorized, 1));
}

#[tokio::test]
async fn credentials_and_impersonation_are_sent() {
    let (address, log) = api_server().await;
    let user = "{token: ' abc ', as: jane, as-groups: [a, b], as-user-extra: {'x/Y': [1]}}";
    ask(&format!("{{server: 'http://{address}/prefix/'}}"), user, &[]).await.expect("an answer");
    let head = log.lock().unwrap()[0].to_ascii_lowercase();
    for line in [
        "get /prefix/version http/1.1",
        "authorization: bearer abc",
        "impersonate-user: jane",
        "impersonate-group: a",
        "impersonate-group: b",
        "impersonate-extra-x%2fy: 1",
    ] {
        assert!(head.lines().any(|has| has == line), "{line} in {head}");
    }
}

#[tokio::test]
async fn a_token_file_is_read_for_every_request_and_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "first\r\n").unwrap();
    let (address, log) = api_server().await;
    let user = format!("{{tokenFile: '{}', token: inline}}", path.display());
    let transport = transport(&format!("{{server: 'http://{address}'}}"), &user, &[]).unwrap();
    get(&transport).await.expect("an answer");
    std::fs::write(&path, "second").unwrap();
    get(&transport).await.expect("an answer");
    std::fs::remove_file(&path).unwrap();
    get(&transport).await.expect("an answer with the last token");
    let sent: Vec<String> = log
        .lock()
        .unwrap()
        .iter()
        .flat_map(|head| head.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| line.strip_prefix("authorization: Bearer ").map(str::to_owned))
        .collect();
    assert_eq!(sent, ["first", "second", "second"]);
}
