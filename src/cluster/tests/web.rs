//! Documents from web servers of each kind, over http, https and proxies.

use super::*;
use crate::cluster::{
    tls::Trust,
    web::{Limits, Web, WebError},
};
use std::time::Duration;

const LIMITS: Limits = Limits { answer: Duration::from_secs(20), whole: Duration::from_secs(20), bytes: 1 << 10 };

/// The document behind a URL, or why there is none, under these limits and variables.
async fn fetch(url: &str, trust: Trust, limits: Limits, variables: &[(&str, String)]) -> Result<String, WebError> {
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let bytes = Web { trust, limits, variable: &variable }.get(url).await?;
    Ok(String::from_utf8(bytes).expect("UTF-8"))
}

async fn plain(url: &str) -> Result<String, WebError> {
    fetch(url, Trust::Any, LIMITS, &[]).await
}

fn page(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

/// A server with one document, and redirections to it and away from it.
async fn site() -> (SocketAddr, Log) {
    server(|head| match head.split(' ').nth(1).unwrap_or_default() {
        "/s.yaml" | "/s.yaml?sig=1" => page("200 OK", "", "kind: Snapshot\n"),
        "/moved/here" => page("302 Found", "location: ../s.yaml?sig=1\r\n", ""),
        "/loop" => page("301 Moved", "location: /loop\r\n", ""),
        "/nowhere" => page("307 Moved", "", ""),
        "/ftp" => page("308 Moved", "location: ftp://x.test/a?token=s3cr3t\r\n", ""),
        "/login" => page("200 OK", "content-type: Text/HTML; charset=utf-8\r\n", "<title>Sign in</title>"),
        "/zipped" => page("200 OK", "content-encoding: gzip\r\n", "x"),
        "/cut" => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nkind".to_owned(),
        "/large" => page("200 OK", "", &"x".repeat(1025)),
        "/endless" => format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1025)),
        "/busy" => page("503 Later", "", ""),
        _ => page("404 Not Found", "", ""),
    })
    .await
}

#[tokio::test]
async fn a_document_is_fetched_without_credentials() {
    let (address, log) = site().await;
    assert_eq!(plain(&format!("http://{address}/s.yaml")).await.expect("a document"), "kind: Snapshot\n");
    let head = log.lock().expect("a log")[0].to_ascii_lowercase();
    assert!(head.starts_with("get /s.yaml http/1.1\r\n") && head.contains(&format!("host: {address}\r\n")), "{head}");
    assert!(!head.contains("authorization") && !head.contains("cookie"), "{head}");
}

#[tokio::test]
async fn redirections_are_followed_to_the_document() {
    let (address, log) = site().await;
    assert_eq!(plain(&format!("http://{address}/moved/here")).await.expect("a document"), "kind: Snapshot\n");
    assert_eq!(lines(&log), ["GET /moved/here HTTP/1.1", "GET /s.yaml?sig=1 HTTP/1.1"]);
}

#[tokio::test]
async fn what_is_not_a_document_says_why() {
    let (address, log) = site().await;
    for (path, expected) in [
        ("/missing", "the server answered HTTP 404 Not Found"),
        ("/busy", "the server answered HTTP 503 Service Unavailable"),
        ("/login", "the answer is an HTML page with the title `Sign in`"),
        ("/zipped", "the answer is encoded as `gzip`, which was not asked for"),
        ("/cut", "the connection was lost before the document was complete"),
        ("/large", "it is larger than 0 MiB"),
        ("/endless", "it is larger than 0 MiB"),
        ("/nowhere", "the server answered HTTP 307 Temporary Redirect without a place to go to"),
        (
            "/ftp",
            "the server redirects to ftp://x.test/a?…, where only http and https are followed, and never from https to http",
        ),
        ("/loop", "the server redirected more than 5 times"),
    ] {
        let error = plain(&format!("http://{address}{path}")).await.expect_err(path);
        assert_eq!(error.to_string(), expected, "{path}");
    }
    assert_eq!(lines(&log).iter().filter(|line| line.starts_with("GET /loop ")).count(), 6);
}

#[tokio::test]
async fn a_url_that_cannot_be_asked_for_is_refused_before_anything_is_sent() {
    for (url, expected) in [
        ("https://jane:s3cr3t@127.0.0.1:1/x", "the URL has a login in it, and logins are not sent"),
        ("https:///x", "it is not a URL"),
        ("http://a b/", "it is not a URL"),
    ] {
        let error = plain(url).await.expect_err(url);
        assert_eq!(error.to_string(), expected, "{url}");
        assert!(!format!("{error:?}").contains("s3cr3t"));
    }
}

#[tokio::test]
async fn a_silent_server_and_a_slow_one_have_limits_of_their_own() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", silent.local_addr().expect("an address"));
    let brief = Duration::from_millis(50);
    let error = fetch(&url, Trust::Any, Limits { answer: brief, ..LIMITS }, &[]).await.expect_err("silent");
    assert_eq!(error.to_string(), "no answer within 0.05 s");
    let error = fetch(&url, Trust::Any, Limits { whole: brief, ..LIMITS }, &[]).await.expect_err("slow");
    assert_eq!(error.to_string(), "the document was not complete within 0.05 s");
}

#[tokio::test]
async fn a_server_with_tls_is_judged_by_the_trusted_certificates() {
    let (issuer, authority) = super::tls::ca();
    let address = super::tls::tls_server(&super::tls::signed(&super::tls::params(&["127.0.0.1"]), &issuer), None).await;
    let url = format!("https://{address}/s.yaml");
    let trusted = |pem: &str| Trust::Authority(pem.as_bytes().to_vec());
    assert_eq!(fetch(&url, trusted(&authority), LIMITS, &[]).await.expect("a document"), r#"{"minor": "034"}"#);
    let (_, stranger) = super::tls::ca();
    for (url, trust) in
        [(url.as_str(), trusted(&stranger)), (&url.replace("127.0.0.1", "localhost"), trusted(&authority))]
    {
        let error = fetch(url, trust, LIMITS, &[]).await.expect_err(url);
        assert!(
            matches!(&error, WebError::Dial(dial) if dial.to_string().starts_with("no TLS connection to")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn https_is_never_left_for_http() {
    let (issuer, authority) = super::tls::ca();
    let pair = super::tls::signed(&super::tls::params(&["127.0.0.1"]), &issuer);
    let answer = page("302 Found", "location: http://127.0.0.1:1/s.yaml\r\n", "");
    let address = super::tls::tls_server_that_answers(&pair, None, answer).await;
    let trust = Trust::Authority(authority.into_bytes());
    let error = fetch(&format!("https://{address}/"), trust, LIMITS, &[]).await.expect_err("a downgrade");
    assert!(error.to_string().starts_with("the server redirects to http://127.0.0.1:1/s.yaml"), "{error}");
}

#[tokio::test]
async fn proxies_of_the_environment_are_used_and_no_proxy_is_followed() {
    let (proxy, log) = site().await;
    let variables = [("HTTP_PROXY", format!("http://jane:s%40fe@{proxy}"))];
    let url = "http://docs.private.test/s.yaml";
    // A proxy is asked for the whole URL.
    let error = fetch(url, Trust::Any, LIMITS, &variables).await.expect_err("unknown to the proxy");
    assert_eq!(error.to_string(), "the server answered HTTP 404 Not Found");
    let head = log.lock().expect("a log")[0].to_ascii_lowercase();
    assert!(head.starts_with("get http://docs.private.test/s.yaml http/1.1\r\n"), "{head}");
    assert!(head.contains("host: docs.private.test\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic amfuztpzqgzl"), "{head}");

    let (target, _) = site().await;
    let direct = [("HTTP_PROXY", "http://127.0.0.1:1".to_owned()), ("NO_PROXY", "x".to_owned())];
    let url = format!("http://{target}/s.yaml");
    assert!(fetch(&url, Trust::Any, LIMITS, &direct).await.is_ok(), "loopback needs no proxy");
    let tunnel = [("HTTPS_PROXY", format!("http://{proxy}"))];
    let error = fetch("https://docs.private.test/", Trust::Any, LIMITS, &tunnel).await.expect_err("no tunnel");
    assert!(error.to_string().starts_with("the proxy http://"), "{error}");
    assert_eq!(lines(&log)[1], "CONNECT docs.private.test:443 HTTP/1.1");
}
