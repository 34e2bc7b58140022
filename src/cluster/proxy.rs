//! Which proxy leads to a server: `proxy-url` of the kubeconfig, else the environment, by Go's rules.
//!
//! In: the server's URL, `proxy-url`, a lookup of variables. Out: a proxy, or none. hyper-util's matcher follows curl,
//! which knows no ports in `NO_PROXY` and does proxy loopback; kubectl follows Go.

use super::kubeconfig::Secret;
use http::Uri;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use std::{fmt, net::IpAddr};

/// A proxy that cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProxyError {
    #[error("{from} is not a URL: {problem}")]
    NotAUrl { from: String, problem: String },
    #[error("{from} has the scheme `{scheme}`; http, https and socks5 are supported")]
    Scheme { from: String, scheme: String },
}

/// Who names a proxy, where the environment does not.
const KUBECONFIG: &str = "proxy-url";

impl ProxyError {
    /// The variable that has to be corrected; `None` where it is the kubeconfig.
    pub fn variable(&self) -> Option<&str> {
        let (ProxyError::NotAUrl { from, .. } | ProxyError::Scheme { from, .. }) = self;
        Some(from.as_str()).filter(|from| *from != KUBECONFIG)
    }
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    Https,
    Socks5,
}

/// A proxy, and who named it. `Display` shows no credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct Proxy {
    pub protocol: Protocol,
    /// Without brackets.
    pub host: String,
    pub port: u16,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// `proxy-url`, or the variable.
    pub from: String,
}

/// A proxy as errors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyName {
    shown: String,
    /// `NO_PROXY` is about proxies of the environment only.
    pub of_kubeconfig: bool,
    /// Its URL holds a login.
    pub has_login: bool,
}

impl fmt::Display for ProxyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Proxy {
    /// For errors, which hold no credentials.
    pub fn name(&self) -> ProxyName {
        let (of_kubeconfig, has_login) = (self.from == KUBECONFIG, self.login.is_some());
        ProxyName { shown: self.to_string(), of_kubeconfig, has_login }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            Protocol::Http => "http",
            Protocol::Https => "https",
            Protocol::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{} ({})", authority(&self.host, self.port), self.from)
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The proxy for a server. `server` has a scheme and a host.
///
/// A `proxy-url` is used whatever `NO_PROXY` says; the environment is never used for `localhost` and loopback addresses.
///
/// # Errors
/// A value that is not a URL, or one with another scheme.
pub fn for_server(
    server: &Uri,
    proxy_url: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, ProxyError> {
    if let Some(url) = proxy_url {
        return read(url, KUBECONFIG).map(Some);
    }
    let is_https = server.scheme_str() != Some("http");
    let names = if is_https { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    let said = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| Some((name, variable(name).filter(|value| !value.is_empty())?)))
    };
    let Some((name, url)) = said(names) else { return Ok(None) };
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let port = server.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    let no_proxy = said(["NO_PROXY", "no_proxy"]).map(|(_, list)| list).unwrap_or_default();
    if is_direct(&host, port, &no_proxy) {
        return Ok(None);
    }
    let url = if url.contains("://") { url } else { format!("http://{url}") };
    read(&url, name).map(Some)
}

fn read(url: &str, from: &str) -> Result<Proxy, ProxyError> {
    let not_a_url = |problem: &str| ProxyError::NotAUrl { from: from.to_owned(), problem: problem.to_owned() };
    let uri: Uri = url.trim().parse().map_err(|error: http::uri::InvalidUri| not_a_url(&error.to_string()))?;
    let (Some(scheme), Some(host), Some(authority)) = (uri.scheme_str(), uri.host(), uri.authority()) else {
        return Err(not_a_url("expected a URL like http://proxy:3128"));
    };
    let (protocol, port) = match scheme {
        "http" => (Protocol::Http, 80),
        "https" => (Protocol::Https, 443),
        // Go's environment rules know both names; names of hosts are resolved by the proxy either way.
        "socks5" | "socks5h" if scheme == "socks5" || from != KUBECONFIG => (Protocol::Socks5, 1080),
        _ => return Err(ProxyError::Scheme { from: from.to_owned(), scheme: scheme.to_owned() }),
    };
    let written = self::port(authority.as_str()).map_err(|()| not_a_url("its port is not a number from 0 to 65535"))?;
    let login = authority.as_str().rsplit_once('@').map(|(login, _)| {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let plain = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        (plain(user), Secret(plain(password)))
    });
    Ok(Proxy {
        protocol,
        host: host.trim_matches(['[', ']']).to_owned(),
        port: written.unwrap_or(port),
        login,
        from: from.to_owned(),
    })
}

/// Whether a server is reached without a proxy. `host` is in lower case.
fn is_direct(host: &str, port: u16, no_proxy: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    no_proxy.split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| covers(&entry, host, address, port))
}

/// Whether one entry of `NO_PROXY` names this server.
fn covers(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return address.is_some_and(|address| network.contains(&address.to_canonical()));
    }
    let (name, wanted) = split_port(entry);
    // A port is compared as it is written: `https` is the port of no server.
    if name.is_empty() || !wanted.is_empty() && wanted != port.to_string() {
        return false;
    }
    if let Ok(named) = name.parse::<IpAddr>() {
        return address.is_some_and(|address| address.to_canonical() == named.to_canonical());
    }
    // `.x` and `*.x` are for names below x; `x` is also for x itself.
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

/// `host:port`, `[v6]:port`, or a host alone. Brackets without a port are part of a name, which no server has.
fn split_port(entry: &str) -> (&str, &str) {
    if let Some((name, port)) = entry.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        return (name, port);
    }
    match entry.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, port),
        _ => (entry, ""),
    }
}

/// The port of an authority (`host`, `host:port`, `[v6]:port`, with or without a login).
///
/// # Errors
/// It is not a number, or larger than 65535: `Uri::port_u16` has none then, as if none had been written.
pub(super) fn port(authority: &str) -> Result<Option<u16>, ()> {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let behind_brackets = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    match behind_brackets.split_once(':') {
        None | Some((_, "")) => Ok(None),
        Some((_, port)) => port.parse().map(Some).map_err(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy for a server under variables `NAME=value`, separated by spaces.
    #[track_caller]
    fn check(server: &str, variables: &str, expected: &str) {
        check_url(server, None, variables, expected);
    }

    #[track_caller]
    fn check_url(server: &str, proxy_url: Option<&str>, variables: &str, expected: &str) {
        let lookup = |name: &str| {
            let mut pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        let found = match for_server(&server.parse().unwrap(), proxy_url, &lookup) {
            Ok(Some(proxy)) => proxy.to_string(),
            Ok(None) => "direct".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{server} {variables}");
    }

    #[test]
    fn the_scheme_of_the_server_chooses_the_variable() {
        check("https://k8s.test", "HTTPS_PROXY=http://p:1", "http://p:1 (HTTPS_PROXY)");
        check("https://k8s.test", "https_proxy=http://p:1", "http://p:1 (https_proxy)");
        check("https://k8s.test", "https_proxy=http://low:1 HTTPS_PROXY=http://up:1", "http://up:1 (HTTPS_PROXY)");
        check("https://k8s.test", "HTTP_PROXY=http://p:1", "direct");
        check("http://k8s.test", "HTTPS_PROXY=http://p:1", "direct");
        check("http://k8s.test", "http_proxy=http://p", "http://p:80 (http_proxy)");
        check("https://k8s.test", "HTTPS_PROXY=", "direct");
    }

    #[test]
    fn a_proxy_without_a_scheme_is_an_http_proxy() {
        check("https://k8s.test", "HTTPS_PROXY=p.corp:3128", "http://p.corp:3128 (HTTPS_PROXY)");
        check("https://k8s.test", "HTTPS_PROXY=10.0.0.1", "http://10.0.0.1:80 (HTTPS_PROXY)");
        check("https://k8s.test", "HTTPS_PROXY=socks5h://p", "socks5://p:1080 (HTTPS_PROXY)");
        check(
            "https://k8s.test",
            "HTTPS_PROXY=ftp://p",
            "HTTPS_PROXY has the scheme `ftp`; http, https and socks5 are supported",
        );
    }

    #[test]
    fn loopback_is_never_proxied_by_the_environment() {
        for server in [
            "https://localhost:6443",
            "https://127.0.0.1",
            "https://127.8.9.1:1",
            "https://[::1]:6443",
            "https://LOCALHOST",
        ] {
            check(server, "HTTPS_PROXY=http://p:1", "direct");
            check_url(server, Some("https://q"), "HTTPS_PROXY=http://p:1", "https://q:443 (proxy-url)");
        }
        check("https://localhost.corp", "HTTPS_PROXY=http://p:1", "http://p:1 (HTTPS_PROXY)");
    }

    #[test]
    fn no_proxy_is_about_the_server_by_gos_rules() {
        let rows = [
            ("*", "https://a.b", true),
            ("x, *", "https://a.b", true),
            ("corp.test", "https://corp.test", true),
            ("corp.test", "https://api.corp.test:6443", true),
            ("corp.test", "https://evilcorp.test", false),
            (".corp.test", "https://api.corp.test", true),
            (".corp.test", "https://corp.test", false),
            ("*.corp.test", "https://api.corp.test", true),
            ("*.corp.test", "https://corp.test", false),
            ("CORP.test", "https://Api.Corp.Test", true),
            ("corp.test:6443", "https://api.corp.test:6443", true),
            ("corp.test:6443", "https://api.corp.test", false),
            ("corp.test:443", "https://api.corp.test", true),
            ("10.0.0.0/8", "https://10.96.0.1", true),
            ("10.0.0.0/8", "https://11.96.0.1", false),
            ("10.0.0.0/8", "https://ten.test", false),
            ("10.1.2.3", "https://10.1.2.3:6443", true),
            ("10.1.2.3:6443", "https://10.1.2.3:6443", true),
            ("10.1.2.3:6443", "https://10.1.2.3:8443", false),
            ("10.1.2", "https://10.1.2.3", false),
            ("fd00::/8", "https://[fd12::1]:6443", true),
            ("fd12::1", "https://[fd12::1]", true),
            ("[fd12::1]:6443", "https://[fd12::1]:6443", true),
            ("[fd12::1]", "https://[fd12::1]:6443", false),
            ("::ffff:10.1.2.3", "https://10.1.2.3:6443", true),
            ("10.0.0.0/8", "https://[::ffff:10.1.2.3]", true),
            ("corp.test:https", "https://corp.test", false),
            ("corp.test:", "https://corp.test:6443", true),
            ("corp.test:99999", "https://corp.test", false),
            ("p", "https://k8s.test", false),
            (",,  ,", "https://k8s.test", false),
            (":6443", "https://k8s.test:6443", false),
        ];
        for (list, server, is_direct) in rows {
            let expected = if is_direct { None } else { Some("http://p:1 (HTTPS_PROXY)") };
            let lookup = |name: &str| match name {
                "HTTPS_PROXY" => Some("http://p:1".to_owned()),
                "no_proxy" => Some(list.to_owned()),
                _ => None,
            };
            let found = for_server(&server.parse().unwrap(), None, &lookup).unwrap();
            assert_eq!(found.map(|proxy| proxy.to_string()).as_deref(), expected, "NO_PROXY={list} {server}");
        }
    }

    #[test]
    fn proxy_url_is_used_as_written() {
        check_url("https://k8s.test", Some("socks5://[fd00::1]:9"), "NO_PROXY=*", "socks5://[fd00::1]:9 (proxy-url)");
        check_url(
            "https://k8s.test",
            Some("socks4://p"),
            "",
            "proxy-url has the scheme `socks4`; http, https and socks5 are supported",
        );
        check_url(
            "https://k8s.test",
            Some("p:3128"),
            "",
            "proxy-url is not a URL: expected a URL like http://proxy:3128",
        );
        check_url("https://k8s.test", Some("http://"), "", "proxy-url is not a URL: empty string");
        for port in ["65536", "99999"] {
            let url = format!("http://jane:s3cr3t@p:{port}");
            let expected = "proxy-url is not a URL: its port is not a number from 0 to 65535";
            check_url("https://k8s.test", Some(&url), "", expected);
            let expected = expected.replace("proxy-url", "HTTPS_PROXY");
            check("https://k8s.test", &format!("HTTPS_PROXY={url}"), &expected);
        }
        check_url("https://k8s.test", Some("http://p:65535"), "", "http://p:65535 (proxy-url)");
    }

    #[test]
    fn a_login_is_kept_and_not_shown() {
        let proxy = read("http://jane%40corp:p%3Ass@p:1", "proxy-url").unwrap();
        assert_eq!(proxy.login, Some(("jane@corp".to_owned(), Secret("p:ss".to_owned()))));
        assert_eq!(proxy.to_string(), "http://p:1 (proxy-url)");
        assert!(!format!("{proxy:?}").contains("p:ss"));
    }
}
