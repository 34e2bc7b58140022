//! Documents from the web: one GET over http or https.
//!
//! In: a URL that a person named. Out: the bytes behind it. The way there is that of requests to an API server: proxies
//! of the environment by Go's rules, the certificates of this system. Nothing else is: no credentials, no cookies, no
//! client certificate are ever sent, and a URL with a login in it is refused. A page for people (`text/html`) is not a
//! document. Redirections are followed [`REDIRECTS`] times, never from https to http. Registries
//! are asked on the same way ([`exchange`]); what they are sent is `registry`'s.

use super::{
    active_time,
    answer::title,
    dial::{DialError, Dialer},
    proxy::{self, Protocol, ProxyError},
    tls::{self, Identity, TlsError, Trust},
};
use bytes::Bytes;
use http::{
    HeaderMap, Request, Response, StatusCode, Uri,
    header::{
        ACCEPT, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, PROXY_AUTHORIZATION,
        USER_AGENT,
    },
    uri::InvalidUri,
};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tower::Service;

/// Redirections that are followed.
pub const REDIRECTS: usize = 5;

/// What a server may take of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until the headers of an answer are there, the connection included, for each redirection.
    pub answer: Duration,
    /// Until the document is complete.
    pub whole: Duration,
    /// Its size.
    pub bytes: u64,
}

/// A document that could not be fetched; the URL is known to who asked.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error("it is not a URL")]
    NotAUrl(#[source] InvalidUri),
    #[error("it is not a URL like https://host/path")]
    NoHost,
    #[error("the URL has a login in it, and logins are not sent")]
    Login,
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error(transparent)]
    Setup(#[from] TlsError),
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("the request cannot be written")]
    Request(#[source] http::Error),
    #[error("the connection was lost before the document was complete")]
    Lost(#[source] hyper::Error),
    #[error("no answer within {} s", .0.as_secs_f64())]
    NoAnswer(Duration),
    #[error("the document was not complete within {} s", .0.as_secs_f64())]
    Slow(Duration),
    #[error("the server answered HTTP {0}")]
    Status(StatusCode),
    #[error("the answer is an HTML page{}", title.as_ref().map(|title| format!(" with the title `{title}`")).unwrap_or_default())]
    Html { title: Option<String> },
    #[error("the answer is encoded as `{0}`, which was not asked for")]
    Encoded(String),
    #[error("it is larger than {} MiB", .0 >> 20)]
    TooLarge(u64),
    #[error("the server redirected more than {REDIRECTS} times")]
    TooManyRedirects,
    #[error("the server answered HTTP {status} without a place to go to")]
    NoLocation { status: StatusCode },
    #[error("the server redirects to {to}, where only http and https are followed, and never from https to http")]
    Redirect { to: String },
}

/// Fetches documents.
pub struct Web<'v> {
    pub trust: Trust,
    pub limits: Limits,
    /// A variable of the environment: proxies.
    pub variable: &'v (dyn Fn(&str) -> Option<String> + Sync),
}

impl Web<'_> {
    /// The bytes behind a URL.
    ///
    /// # Errors
    /// See [`WebError`].
    pub async fn get(&self, url: &str) -> Result<Vec<u8>, WebError> {
        let Limits { whole, .. } = self.limits;
        active_time::timeout(whole, self.follow(url)).await.unwrap_or(Err(WebError::Slow(whole)))
    }

    async fn follow(&self, url: &str) -> Result<Vec<u8>, WebError> {
        let mut at = parse(url)?;
        for _ in 0..=REDIRECTS {
            let begun = tokio::time::Instant::now();
            let answer = active_time::timeout(self.limits.answer, self.ask(&at)).await;
            let answer = answer.unwrap_or(Err(WebError::NoAnswer(self.limits.answer)));
            // A query may hold a token, and so may a path; the host says enough.
            let (host, ms) = (at.host().unwrap_or_default(), begun.elapsed().as_millis());
            match &answer {
                Ok(answer) => tracing::debug!(host, status = answer.status().as_u16(), ms, "document asked for"),
                Err(error) => tracing::warn!(host, ms, "document not received: {}", crate::text::causes(error)),
            }
            let answer = answer?;
            match answer.status() {
                StatusCode::OK => return self.document(answer).await,
                status if is_redirect(status) => at = redirected(&at, status, answer.headers())?,
                status => return Err(WebError::Status(status)),
            }
        }
        Err(WebError::TooManyRedirects)
    }

    /// One GET, until its headers are there.
    async fn ask(&self, at: &Uri) -> Result<Response<Incoming>, WebError> {
        exchange(&self.trust, self.variable, at, Request::builder(), Empty::<Bytes>::new()).await
    }

    async fn document(&self, answer: Response<Incoming>) -> Result<Vec<u8>, WebError> {
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let encoding = header(CONTENT_ENCODING).trim().to_owned();
        if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
            return Err(WebError::Encoded(encoding));
        }
        let kind = header(CONTENT_TYPE).trim_start().to_ascii_lowercase();
        let is_page = kind.starts_with("text/html") || kind.starts_with("application/xhtml");
        let limit = self.limits.bytes;
        let too_large = || if is_page { WebError::Html { title: None } } else { WebError::TooLarge(limit) };
        if header(CONTENT_LENGTH).parse::<u64>().is_ok_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(WebError::Lost)?;
            bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            if bytes.len() as u64 > limit {
                return Err(too_large());
            }
        }
        if is_page { Err(WebError::Html { title: title(&String::from_utf8_lossy(&bytes)) }) } else { Ok(bytes) }
    }
}

/// One request, until the headers of its answer are there.
pub(super) async fn exchange<B>(
    trust: &Trust,
    variable: &(dyn Fn(&str) -> Option<String> + Sync),
    at: &Uri,
    request: http::request::Builder,
    body: B,
) -> Result<Response<Incoming>, WebError>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let proxy = proxy::for_server(at, None, variable)?;
    let is_encrypted =
        at.scheme_str() == Some("https") || proxy.as_ref().is_some_and(|proxy| proxy.protocol == Protocol::Https);
    let config = is_encrypted.then(|| tls::client_config(trust, Arc::new(Identity::default()))).transpose()?;
    let mut dialer = Dialer::new(proxy, config, None);
    let stream = dialer.call(at.clone()).await?;
    let authority = at.authority().map_or("", |authority| authority.as_str());
    let path = at.path_and_query().map_or("/", |path| path.as_str());
    let target = if stream.inner().is_forwarded() { at.to_string() } else { path.to_owned() };
    let mut request = request
        .uri(target)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("aicr/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close");
    if let Some(login) = dialer.proxy_login(at) {
        request = request.header(PROXY_AUTHORIZATION, login);
    }
    let request = request.body(body).map_err(WebError::Request)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.map_err(WebError::Lost)?;
    // Its error is that of the answer, too.
    tokio::spawn(async move { drop(connection.await) });
    sender.send_request(request).await.map_err(WebError::Lost)
}

pub(super) fn parse(url: &str) -> Result<Uri, WebError> {
    let uri: Uri = url.trim().parse().map_err(WebError::NotAUrl)?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => Err(WebError::Login),
        Some(authority) if is_web && !authority.host().is_empty() => Ok(uri),
        _ => Err(WebError::NoHost),
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn redirected(from: &Uri, status: StatusCode, headers: &HeaderMap) -> Result<Uri, WebError> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default();
    if location.is_empty() {
        return Err(WebError::NoLocation { status });
    }
    destination(from, location)
}

/// Where a server sends to: never from https to http.
pub(super) fn destination(from: &Uri, location: &str) -> Result<Uri, WebError> {
    let written = resolve(from, location);
    let refused = || WebError::Redirect { to: shown(&written) };
    let to = parse(&written).map_err(|_| refused())?;
    let is_downgrade = from.scheme_str() == Some("https") && to.scheme_str() != Some("https");
    if is_downgrade { Err(refused()) } else { Ok(to) }
}

/// The place that a `Location` means, seen from where it was said (RFC 3986, 5.2).
fn resolve(from: &Uri, location: &str) -> String {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = from.scheme_str().unwrap_or("http");
    let authority = from.authority().map_or("", |authority| authority.as_str());
    let has_scheme = location.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
    });
    if has_scheme {
        return location.to_owned();
    }
    if let Some(rest) = location.strip_prefix("//") {
        return format!("{scheme}://{rest}");
    }
    let (path, query) = match location.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (location, String::new()),
    };
    let path = match path {
        "" => from.path().to_owned(),
        path if path.starts_with('/') => without_dots(path),
        path => {
            let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            without_dots(&format!("{folder}/{path}"))
        }
    };
    format!("{scheme}://{authority}{path}{query}")
}

/// A path without `.` and `..`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        match *part {
            "." | ".." => {
                if *part == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
}

/// A URL for a message: without a login, and without a query, which may hold a token.
pub fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (place, rest) = url.split_at(end);
    let query = if rest.is_empty() { "" } else { "?…" };
    match place.split_once("://") {
        Some((scheme, place)) => {
            let (host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}{path}{query}")
        }
        None => format!("{place}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn resolves(location: &str, expected: &str) {
        let from: Uri = "https://a.test:8443/b/c/d.yaml?q=1".parse().expect("a URL");
        assert_eq!(resolve(&from, location), expected, "{location}");
    }

    #[test]
    fn a_location_is_read_from_where_it_was_said() {
        resolves("https://x.test/y", "https://x.test/y");
        resolves("//x.test/y?z", "https://x.test/y?z");
        resolves("/y?z=//w", "https://a.test:8443/y?z=//w");
        resolves("e.yaml", "https://a.test:8443/b/c/e.yaml");
        resolves("e:1", "e:1");
        resolves("./../e/./f", "https://a.test:8443/b/e/f");
        resolves("../../../../e", "https://a.test:8443/e");
        resolves("..", "https://a.test:8443/b/");
        resolves("?r=2", "https://a.test:8443/b/c/d.yaml?r=2");
        resolves("#part", "https://a.test:8443/b/c/d.yaml");
        resolves("ftp://x.test/", "ftp://x.test/");
    }

    #[test]
    fn logins_and_queries_are_not_shown() {
        for (url, expected) in [
            ("https://jane:s3cr3t@a.test/x.yaml?sig=s3cr3t#s3cr3t", "https://a.test/x.yaml?…"),
            ("https://a.test/x@y.yaml", "https://a.test/x@y.yaml"),
            ("https://a.test#s3cr3t", "https://a.test?…"),
            ("HTTP://a@b@c.test", "HTTP://c.test"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
