//! Proxies of each kind, willing and not.

use super::tls::{Pair, acceptor, ca, data, params, signed, tls_server};
use super::*;
use crate::cluster::ClusterErrorKind::{NoConfig, Unreachable};
use tokio::io::{AsyncWrite, copy_bidirectional};

/// A proxy for `CONNECT` that leads every name to `target`, or refuses with a status line.
async fn connect_proxy(target: SocketAddr, refusal: Option<&'static str>) -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log = Log::default();
    let seen = Arc::clone(&log);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move { tunnel(&mut stream, target, refusal, &seen).await });
        }
    });
    (address, log)
}

/// One client of a proxy for `CONNECT`.
async fn tunnel(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: SocketAddr,
    refusal: Option<&'static str>,
    seen: &Log,
) {
    let Some(head) = head(stream).await else { return };
    seen.lock().unwrap().push(head);
    if let Some(refusal) = refusal {
        let _ = stream.write_all(format!("HTTP/1.1 {refusal}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
        return;
    }
    let mut server = TcpStream::connect(target).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 ok\r\n\r\n").await.unwrap();
    let _ = copy_bidirectional(stream, &mut server).await;
}

/// The same behind TLS.
async fn tls_proxy(target: SocketAddr, pair: &Pair, clients: Option<&str>) -> (SocketAddr, Log) {
    let acceptor = acceptor(pair, clients);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log = Log::default();
    let seen = Arc::clone(&log);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, acceptor) = (Arc::clone(&seen), acceptor.clone());
            tokio::spawn(async move {
                // A client that does not trust us ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                tunnel(&mut stream, target, None, &seen).await;
            });
        }
    });
    (address, log)
}

#[tokio::test]
async fn a_proxy_with_tls_is_judged_like_the_server_and_leads_to_it() {
    let (issuer, authority) = ca();
    let pair = signed(&params(&["127.0.0.1"]), &issuer);
    let server = tls_server(&signed(&params(&["api.private.test"]), &issuer), None).await;
    let (proxy, log) = tls_proxy(server, &pair, None).await;
    let cluster = |authority: &str| {
        format!("{{server: 'https://api.private.test:8443', certificate-authority-data: {}}}", data(authority))
    };
    let variables = [("HTTPS_PROXY", format!("https://jane:s3cr3t@{proxy}"))];
    assert_eq!(ask(&cluster(&authority), "{}", &variables).await.expect("an answer"), "034");
    let head = log.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.starts_with("connect api.private.test:8443 http/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic"), "{head}");

    let (_, stranger) = ca();
    let error = ask(&cluster(&stranger), "{}", &variables).await.expect_err("not trusted");
    assert_eq!(error.kind, Unreachable, "{error}");
    let named = format!("cannot reach the proxy https://{proxy} (HTTPS_PROXY): no TLS connection to {proxy}: ");
    assert!(error.found.starts_with(&named), "{error}");
    assert!(error.found.contains("is not signed by the certificate-authority of the kubeconfig"), "{error}");
    assert!(!error.found.contains('{') && !format!("{error:?}").contains("s3cr3t"), "{error:?}");
    assert_eq!(log.lock().unwrap().len(), 1, "nothing is said to a proxy that is not trusted");
}

#[tokio::test]
async fn a_proxy_with_tls_forwards_requests_to_a_server_without() {
    let (issuer, authority) = ca();
    let proxy = tls_server(&signed(&params(&["127.0.0.1"]), &issuer), None).await;
    let cluster = format!(
        "{{server: 'http://api.private.test', proxy-url: 'https://{proxy}', certificate-authority-data: {}}}",
        data(&authority)
    );
    assert_eq!(ask(&cluster, "{}", &[]).await.expect("an answer"), "034");
}

#[tokio::test]
async fn a_proxy_without_tls_under_https_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read_u8().await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let cluster =
        format!("{{server: 'https://api.private.test', proxy-url: 'https://{proxy}', insecure-skip-tls-verify: true}}");
    let error = ask(&cluster, "{}", &[]).await.expect_err("no TLS");
    assert_eq!(error.kind, Unreachable, "{error}");
    assert!(error.found.starts_with(&format!("cannot reach the proxy https://{proxy} (proxy-url): ")), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("is the proxy https://")));
}

/// A SOCKS5 proxy that leads every name to `target`; logs the names that it was asked for.
async fn socks_proxy(target: SocketAddr) -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log = Log::default();
    let seen = Arc::clone(&log);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut methods = vec![0; 2];
                stream.read_exact(&mut methods).await.unwrap();
                let mut offered = vec![0; usize::from(methods[1])];
                stream.read_exact(&mut offered).await.unwrap();
                stream.write_all(&[5, 0]).await.unwrap();
                let mut request = [0; 5];
                stream.read_exact(&mut request).await.unwrap();
                assert_eq!(request[3], 3, "the proxy resolves names");
                let mut name = vec![0; usize::from(request[4]) + 2];
                stream.read_exact(&mut name).await.unwrap();
                name.truncate(name.len() - 2);
                seen.lock().unwrap().push(String::from_utf8(name).unwrap());
                let mut server = TcpStream::connect(target).await.unwrap();
                stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (address, log)
}

#[tokio::test]
async fn a_socks5_proxy_is_asked_for_the_servers_name() {
    let (target, _) = api_server().await;
    let (proxy, log) = socks_proxy(target).await;
    let cluster = format!("{{server: 'http://api.private.test:8443', proxy-url: 'socks5://{proxy}'}}");
    assert_eq!(ask(&cluster, "{}", &[]).await.expect("an answer"), "034");
    assert_eq!(lines(&log), ["api.private.test"]);
}

#[tokio::test]
async fn a_socks5_proxy_that_wants_no_login_is_used_with_one_as_well() {
    let (target, _) = api_server().await;
    let (proxy, log) = socks_proxy(target).await;
    let cluster = format!("{{server: 'http://api.private.test:8443', proxy-url: 'socks5://jane:s3cr3t@{proxy}'}}");
    assert_eq!(ask(&cluster, "{}", &[]).await.expect("an answer"), "034");
    assert_eq!(lines(&log), ["api.private.test"]);
}

#[tokio::test]
async fn a_socks5_proxy_that_refuses_the_login_is_not_one_that_refuses_the_server() {
    for (login, answer, found, hint) in [
        (
            "jane:s3cr3t@",
            [5, 2, 1, 1],
            "it did not accept the user and password of its URL",
            "correct user and password",
        ),
        ("", [5, 2, 1, 1], "it wants a login, and its URL has none", "the proxy wants a login"),
        ("", [72, 84, 84, 80], "it does not speak SOCKS5: its answer has version 72", "is it a SOCKS5 proxy?"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.write_all(&answer).await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
        });
        let cluster = format!("{{server: 'http://api.private.test', proxy-url: 'socks5://{login}{proxy}'}}");
        let error = ask(&cluster, "{}", &[]).await.expect_err(found);
        assert!(error.found.ends_with(found) && !format!("{error:?}").contains("s3cr3t"), "{error:?}");
        assert!(error.hint.clone().is_some_and(|words| words.contains(hint)), "{error:?}");
    }
}

#[tokio::test]
async fn an_http_proxy_is_asked_for_the_page_of_an_http_server_with_its_login() {
    let (proxy, log) = api_server().await;
    let variables = [("HTTP_PROXY", format!("http://jane:s%40fe@{proxy}"))];
    assert_eq!(ask("{server: 'http://api.private.test:8001'}", "{}", &variables).await.expect("an answer"), "034");
    let head = log.lock().unwrap()[0].clone();
    assert!(head.starts_with("GET http://api.private.test:8001/version HTTP/1.1"), "{head}");
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic amfuztpzqgzl"), "{head}");
}

#[tokio::test]
async fn a_server_in_no_proxy_is_reached_directly() {
    let (target, log) = api_server().await;
    let variables = [("HTTP_PROXY", "http://proxy.invalid:1".to_owned())];
    ask(&format!("{{server: 'http://{target}'}}"), "{}", &variables).await.expect("loopback needs no proxy");
    assert_eq!(lines(&log), ["GET /version HTTP/1.1"]);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_with_its_answer_and_without_its_login() {
    for (status, hint) in
        [("403 Forbidden", "NO_PROXY"), ("407 Proxy Authentication Required", "did not accept the login")]
    {
        let (proxy, log) = connect_proxy("127.0.0.1:1".parse().unwrap(), Some(status)).await;
        let variables = [("https_proxy", format!("http://jane:hunter2@{proxy}"))];
        let cluster = "{server: 'https://api.private.test', insecure-skip-tls-verify: true}";
        let error = ask(cluster, "{}", &variables).await.expect_err(status);
        assert_eq!(error.kind, Unreachable);
        let expected =
            format!("the proxy http://{proxy} (https_proxy) refused a connection to api.private.test:443: {status}");
        assert_eq!(error.found, expected);
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"));
        assert_eq!(lines(&log), ["CONNECT api.private.test:443 HTTP/1.1"]);
    }
}

#[tokio::test]
async fn no_proxy_is_no_way_around_the_proxy_of_a_kubeconfig() {
    let (proxy, _) = connect_proxy("127.0.0.1:1".parse().unwrap(), Some("403 Forbidden")).await;
    let cluster =
        format!("{{server: 'https://api.private.test', insecure-skip-tls-verify: true, proxy-url: 'http://{proxy}'}}");
    let error = ask(&cluster, "{}", &[]).await.expect_err("it refuses");
    let hint = error.hint.unwrap_or_default();
    assert!(hint.contains("remove proxy-url from the kubeconfig") && !hint.contains("NO_PROXY"), "{hint}");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap();
    let cluster = format!("{{server: 'http://api.private.test', proxy-url: 'http://{closed}'}}");
    let error = ask(&cluster, "{}", &[]).await.expect_err("no proxy");
    assert_eq!(error.kind, Unreachable);
    assert!(error.found.starts_with(&format!("cannot reach the proxy http://{closed} (proxy-url)")), "{}", error.found);
    // NO_PROXY changes nothing about it.
    let hint = error.hint.unwrap_or_default();
    assert!(hint.contains("remove proxy-url from the kubeconfig") && !hint.contains("NO_PROXY"), "{hint}");
    let error = ask("{server: 'http://a', proxy-url: 'ftp://p'}", "{}", &[]).await.expect_err("a bad proxy");
    assert_eq!(error.kind, NoConfig);
}
