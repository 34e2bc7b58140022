//! Servers that answer something else than an API server does.

use super::*;
use crate::cluster::{
    ClusterErrorKind::{self, Forbidden, NoConfig, Protocol, TooManyRequests, Unauthorized, Unreachable},
    Refusal,
};

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
    let (cluster, log) = tls_server(|_| VERSION.to_owned()).await;
    let user = "{token: ' abc ', as: jane, as-groups: [a, b], as-user-extra: {'x/Y': [1]}}";
    ask(&cluster, user, &[]).await.expect("an answer");
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
    let (cluster, log) = tls_server(|_| VERSION.to_owned()).await;
    let user = format!("{{tokenFile: '{}', token: inline}}", path.display());
    let transport = transport(&cluster, &user, &[]).unwrap();
    get(&transport).await.expect("an answer");
    std::fs::write(&path, "second").unwrap();
    get(&transport).await.expect("an answer");
    std::fs::remove_file(&path).unwrap();
    get(&transport).await.expect("an answer with the last token");
    assert_eq!(headers(&log, "authorization"), ["Bearer first", "Bearer second", "Bearer second"]);
}

#[tokio::test]
async fn tokens_and_passwords_are_not_sent_where_others_can_read_them() {
    for (user, what) in [
        ("{token: s3cr3t, as: jane}", "token"),
        ("{tokenFile: /nowhere/token, as: jane}", "tokenFile"),
        ("{username: jane, password: s3cr3t, as: jane}", "password"),
    ] {
        let (address, log) = api_server().await;
        let transport = transport(&format!("{{server: 'http://{address}'}}"), user, &[]).unwrap();
        get(&transport).await.expect("an answer");
        assert!(headers(&log, "authorization").is_empty(), "{user}");
        assert_eq!(headers(&log, "impersonate-user"), ["jane"]);
        let warning = transport.warnings().concat();
        let expected =
            format!("the {what} of user `u` is not sent to http://{address}, where it could be read on the way");
        assert!(warning.starts_with(&expected) && !warning.contains("s3cr3t"), "{warning}");
    }
    let (cluster, _) = tls_server(|_| VERSION.to_owned()).await;
    assert!(transport(&cluster, "{token: t}", &[]).unwrap().warnings().is_empty());
}

#[tokio::test]
async fn a_login_in_the_servers_url_goes_before_others_as_in_go() {
    let (cluster, log) = tls_server(|_| VERSION.to_owned()).await;
    let cluster = cluster.replace("https://", "https://jane:s%40fe@");
    for user in ["{}", "{token: t}", "{username: a, password: b}"] {
        ask(&cluster, user, &[]).await.expect("an answer");
    }
    assert_eq!(headers(&log, "authorization"), ["Basic amFuZTpzQGZl"; 3]);
}

#[tokio::test]
async fn an_id_token_that_expired_is_not_sent() {
    let (cluster, log) = tls_server(|_| VERSION.to_owned()).await;
    // {"exp":1500000000} and {"exp":32503680000}
    let (old, fresh) = ("x.eyJleHAiOjE1MDAwMDAwMDB9.c2ln", "x.eyJleHAiOjMyNTAzNjgwMDAwfQ.c2ln");
    let of =
        |token: &str, more: &str| format!("{{auth-provider: {{name: oidc, config: {{id-token: {token}{more}}}}}}}");
    for (more, hint) in [("", "log in again with the tool"), (", refresh-token: r", "run `kubectl get nodes` once")] {
        let error = ask(&cluster, &of(old, more), &[]).await.expect_err("expired");
        assert_eq!(error.kind, NoConfig, "the kind is chosen where the context is known");
        assert_eq!(error.found, "the id-token of the auth-provider oidc expired on 2017-07-14T02:40:00Z");
        assert!(error.hint.is_some_and(|found| found.contains(hint)), "{hint}");
    }
    ask(&cluster, &of(fresh, ""), &[]).await.expect("an answer");
    ask(&cluster, &of("opaque", ""), &[]).await.expect("an answer");
    let both = format!("{{token: t, {}", &of(old, "")[1..]);
    ask(&cluster, &both, &[]).await.expect("an answer");
    assert_eq!(headers(&log, "authorization"), [&format!("Bearer {fresh}"), "Bearer opaque", "Bearer t"]);
}

#[tokio::test]
async fn a_server_url_that_cannot_be_used_is_refused_before_anything_is_sent() {
    for (server, found) in [
        (
            "https://jane:s3cr3t@k8s.test:65536",
            "the server `k8s.test:65536` has a port that is not a number from 0 to 65535",
        ),
        ("https://127.1:6443", "the host `127.1` of the server URL is neither a DNS name nor an IP address"),
        ("ftp://k8s.test", "the server `ftp://k8s.test` is not a URL like https://host:6443"),
    ] {
        let cluster = format!("{{server: '{server}', insecure-skip-tls-verify: true}}");
        let error = ask(&cluster, "{}", &[]).await.expect_err(server);
        assert_eq!((error.kind, error.found.as_str()), (NoConfig, found));
    }
}

/// Answers in turn; the last one again and again.
fn in_turn(answers: &'static [&'static str]) -> impl Fn(&str) -> String + Send + Sync + 'static {
    let next = std::sync::atomic::AtomicUsize::new(0);
    move |_| {
        let turn = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        answers[turn.min(answers.len() - 1)].to_owned()
    }
}

const BUSY: &str = "HTTP/1.1 429 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn a_server_that_asks_for_patience_or_loses_the_connection_is_asked_again() {
    const LATER: &str = "HTTP/1.1 503 Later\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
    for (answers, requests) in [(&[BUSY, LATER, VERSION][..], 3), (&["", VERSION], 2), (&[LATER, "", BUSY, VERSION], 4)]
    {
        let answers: &'static [&'static str] = Vec::leak(answers.to_vec());
        let (address, log) = server(in_turn(answers)).await;
        let answer = ask(&format!("{{server: 'http://{address}'}}"), "{}", &[]).await;
        assert_eq!((answer.expect("an answer").as_str(), lines(&log).len()), ("034", requests), "{answers:?}");
    }
}

#[tokio::test]
async fn a_server_that_names_no_time_or_one_too_late_is_asked_once() {
    for answer in [
        "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 503 No\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n",
    ] {
        let (address, log) = server(|_| answer.to_owned()).await;
        let error = ask(&format!("{{server: 'http://{address}'}}"), "{}", &[]).await.expect_err("503");
        assert_eq!((error.kind, error.found.as_str()), (Unreachable, "HTTP 503 with an empty body"));
        assert_eq!(lines(&log).len(), 1, "{answer}");
    }
    // What may have been done already is not done again.
    let (address, log) = server(in_turn(&["", VERSION])).await;
    let transport = transport(&format!("{{server: 'http://{address}'}}"), "{}", &[]).unwrap();
    let client = kube::Client::new(transport, "default");
    let request = http::Request::post("/api/v1/pods").body(Vec::new()).unwrap();
    assert!(client.request::<serde_json::Value>(request).await.is_err());
    assert_eq!(lines(&log).len(), 1);
}

#[tokio::test]
async fn an_answer_that_was_cut_is_one_clear_sentence() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"minor\": \"3";
    let (cluster, _) = tls_server(|_| cut.to_owned()).await;
    let error = ask(&cluster, "{}", &[]).await.expect_err("half an answer");
    let found = "the server closed the connection before its answer was complete";
    assert_eq!((error.kind, error.found.as_str()), (Unreachable, found));
    let (cluster, log) = tls_server(|_| String::new()).await;
    let error = ask(&cluster, "{}", &[]).await.expect_err("no answer");
    assert_eq!((error.kind, error.found.as_str()), (Unreachable, found));
    assert_eq!(lines(&log).len(), 4);
}

#[tokio::test]
async fn redirections_are_followed_on_the_same_server_only() {
    let (cluster, log) = tls_server(|head| {
        if head.starts_with("GET /prefix/version ") {
            return "HTTP/1.1 301 Moved\r\nlocation: /other/version?a=1\r\ncontent-length: 0\r\n\r\n".to_owned();
        }
        VERSION.to_owned()
    })
    .await;
    assert_eq!(ask(&cluster, "{token: t}", &[]).await.expect("an answer"), "034");
    assert_eq!(lines(&log), ["GET /prefix/version HTTP/1.1", "GET /other/version?a=1 HTTP/1.1"]);
    assert_eq!(headers(&log, "authorization"), ["Bearer t", "Bearer t"]);

    let (cluster, log) =
        tls_server(|_| "HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let error = ask(&cluster, "{token: t}", &[]).await.expect_err("a circle");
    assert_eq!((error.found.as_str(), lines(&log).len()), ("HTTP 302: a redirection to /again", 6));

    let (other, strange) = api_server().await;
    let location = format!("http://jane:s3cr3t@{other}/version?token=s3cr3t");
    let moved = format!("HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let (cluster, _) = tls_server(move |_| moved.clone()).await;
    let error = ask(&cluster, "{token: t}", &[]).await.expect_err("another server");
    assert_eq!((error.kind, error.found), (Protocol, format!("HTTP 307: a redirection to http://{other}/version")));
    assert!(lines(&strange).is_empty());
}

#[tokio::test]
async fn a_refusal_names_its_request_and_what_the_server_calls_it() {
    let status = "{\"kind\": \"Status\", \"message\": \"no\", \"code\": 403}";
    for (id, expected) in [("audit-id: c0ffee\r\n", Some("c0ffee")), ("", None)] {
        let answer = format!("HTTP/1.1 403 No\r\ncontent-type: application/json\r\n{id}\r\n{status}");
        let (address, _) = server(move |_| answer.clone()).await;
        let error = ask(&format!("{{server: 'http://{address}'}}"), "{}", &[]).await.expect_err("403");
        assert_eq!(error.found, "no (403)");
        let refusal = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<Refusal>());
        let refusal = refusal.expect("a refusal");
        assert_eq!((&*refusal.request, refusal.audit_id.as_deref()), ("GET /version", expected));
    }
}

#[tokio::test]
async fn refusals_of_gateways_keep_their_code_and_their_words() {
    check("HTTP/1.1 403 No\r\n\r\n{\"error\": \"denied by zero trust\"}", Forbidden, "denied by zero trust (403)")
        .await;
    let unauthorized =
        "HTTP/1.1 401 No\r\n\r\n{\"type\": \"error\", \"status\": \"401\", \"message\": \"must authenticate\"}";
    check(unauthorized, Unauthorized, "must authenticate (401)").await;
    let without_code =
        "HTTP/1.1 401 No\r\n\r\n{\"kind\": \"Status\", \"message\": \"no\", \"reason\": \"Unauthorized\"}";
    check(without_code, Unauthorized, "no (401)").await;
    check("HTTP/1.1 503 No\r\n\r\n{\"error\": {\"message\": \"no upstream\"}}", Unreachable, "no upstream (503)").await;
    check("HTTP/1.1 403 No\r\n\r\nRBAC: access denied", Forbidden, "RBAC: access denied (403)").await;
    check("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", Unauthorized, "HTTP 401 with an empty body").await;
    let proxy = "HTTP/1.1 407 No\r\ncontent-type: text/html\r\n\r\n<title>Login</title>";
    check(proxy, Unreachable, "HTTP 407: an HTML page with the title `Login`").await;
}

#[tokio::test]
async fn a_body_that_is_not_http_and_a_place_that_is_not_ascii_are_reported_as_they_are() {
    let (address, _) = server(|_| "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{".to_owned()).await;
    let error = ask(&format!("{{server: 'http://{address}'}}"), "{}", &[]).await.expect_err("no chunk");
    assert_eq!(error.kind, Protocol, "{error}");
    assert!(error.found.starts_with("the answer is not HTTP: ") && error.hint.is_some(), "{error}");
    let place = "HTTP/1.1 302 Found\r\nlocation: https://login.test/büro\r\ncontent-length: 0\r\n\r\n";
    check(place, Protocol, "HTTP 302: a redirection to https://login.test/büro").await;
}

#[tokio::test]
async fn an_answer_in_an_encoding_that_was_not_asked_for_is_named() {
    let zipped = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\r\nxyz";
    check(zipped, Protocol, "HTTP 200: the answer is encoded as `gzip`, which was not asked for").await;
}
