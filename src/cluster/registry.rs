//! Images and other artifacts to a registry and from it: the part of the OCI distribution API that this needs.
//!
//! In: the bytes of an artifact, or its name, and perhaps a login. What is read has the digest that it was asked by. The way there is that of documents from the web. A login goes to the
//! registry and to the token server that it names, encrypted wherever the registry is; an upload that the registry sends
//! elsewhere gets none.

use super::{
    active_time,
    tls::Trust,
    web::{self, REDIRECTS, WebError},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use std::{net::IpAddr, time::Duration};

/// Of an answer that is read: a token, or the reason of a refusal.
const ANSWER: usize = 1 << 20;
/// One request; a layer is sent in one.
const LIMIT: Duration = Duration::from_secs(600);

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    Web(#[from] WebError),
    #[error("the registry asks for a login{}", if *.sent { ", and refused the configured one" } else { "" })]
    Login { sent: bool },
    #[error("the registry asks to log in with `{0}`")]
    Challenge(String),
    #[error("the registry answered HTTP {status}{}", if text.is_empty() { String::new() } else { format!(": {text}") })]
    Status { status: StatusCode, text: String },
    #[error("the registry named no place to upload to")]
    NoLocation,
    #[error("the registry sent more than {} MiB", .0 >> 20)]
    TooLarge(usize),
    #[error("what the registry sent as `{expected}` has the digest sha256:{found}")]
    Digest { expected: String, found: String },
}

/// Manifests that are asked for: without a list some registries send what they think we know.
const MANIFESTS: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// Of a manifest.
const MANIFEST: usize = 4 << 20;

/// One repository of a registry.
pub struct Registry<'v> {
    base: String,
    repository: String,
    /// `user:password` in base 64.
    login: Option<String>,
    /// What the registry takes, once that is known.
    authorization: Option<HeaderValue>,
    /// What a token is asked for.
    actions: &'static str,
    trust: Trust,
    variable: &'v (dyn Fn(&str) -> Option<String> + Sync),
}

impl<'v> Registry<'v> {
    /// `base` is `https://host`, or `http://host` where a person wants that.
    pub fn new(
        base: String,
        repository: String,
        login: Option<String>,
        variable: &'v (dyn Fn(&str) -> Option<String> + Sync),
    ) -> Registry<'v> {
        let (actions, trust) = ("pull,push", Trust::System);
        Registry { base, repository, login, authorization: None, actions, trust, variable }
    }

    /// The same for reading only, with these certificates.
    pub fn reading(self) -> Registry<'v> {
        Registry { actions: "pull", ..self }
    }

    /// The same with another trust in certificates.
    pub fn trusting(self, trust: Trust) -> Registry<'v> {
        Registry { trust, ..self }
    }

    /// A manifest under a tag or its digest, and its digest.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub async fn manifest_of(&mut self, reference: &str) -> Result<(Vec<u8>, String), RegistryError> {
        let bytes = self.get(&self.at(&format!("manifests/{reference}")), MANIFESTS, MANIFEST).await?;
        let digest = format!("sha256:{}", sum(&bytes));
        match reference.starts_with("sha256:") && reference != digest {
            true => Err(mismatch(reference, &bytes)),
            false => Ok((bytes, digest)),
        }
    }

    /// A blob of at most so many bytes.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub async fn blob_of(&mut self, digest: &str, limit: usize) -> Result<Vec<u8>, RegistryError> {
        let bytes = self.get(&self.at(&format!("blobs/{digest}")), "", limit).await?;
        match digest.strip_prefix("sha256:") == Some(&*sum(&bytes)) {
            true => Ok(bytes),
            false => Err(mismatch(digest, &bytes)),
        }
    }

    async fn get(&mut self, url: &str, accept: &'static str, limit: usize) -> Result<Vec<u8>, RegistryError> {
        let mut at = url.to_owned();
        for _ in 0..=REDIRECTS {
            let answer = self.send(Method::GET, &at, "", accept, Bytes::new()).await?;
            if answer.status().is_redirection() {
                let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                at = web::destination(&web::parse(&at)?, location.ok_or(RegistryError::NoLocation)?)?.to_string();
                continue;
            }
            if answer.status() != StatusCode::OK {
                return Err(refused(answer).await);
            }
            let mut bytes = Vec::new();
            let mut body = answer.into_body();
            // A body that stops half-way is not a whole one.
            while let Some(frame) =
                active_time::timeout(LIMIT, body.frame()).await.map_err(|_| WebError::Slow(LIMIT))?
            {
                let frame = frame.map_err(WebError::Lost)?;
                bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                if bytes.len() > limit {
                    return Err(RegistryError::TooLarge(limit));
                }
            }
            return Ok(bytes);
        }
        Err(WebError::TooManyRedirects.into())
    }

    /// Uploads a blob; whether it was not there yet.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub async fn blob(&mut self, digest: &str, content: &[u8]) -> Result<bool, RegistryError> {
        let answer = self.ask(Method::HEAD, &self.at(&format!("blobs/{digest}")), "", Bytes::new()).await?;
        match answer.status() {
            StatusCode::OK => return Ok(false),
            // Where it would be is not asked: uploading it is right in either case.
            status if status == StatusCode::NOT_FOUND || status.is_redirection() => {}
            _ => return Err(refused(answer).await),
        }
        let begin = self.at("blobs/uploads/");
        let answer = self.ask(Method::POST, &begin, "", Bytes::new()).await?;
        if answer.status() != StatusCode::ACCEPTED {
            return Err(refused(answer).await);
        }
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = web::destination(&web::parse(&begin)?, location.ok_or(RegistryError::NoLocation)?)?.to_string();
        let mark = if location.contains('?') { '&' } else { '?' };
        let place = format!("{location}{mark}digest={}", utf8_percent_encode(digest, NON_ALPHANUMERIC));
        self.put(&place, "application/octet-stream", content).await.map(|()| true)
    }

    /// Uploads a manifest or an index under a tag or its digest.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub async fn manifest(&mut self, tag: &str, media_type: &str, content: &[u8]) -> Result<(), RegistryError> {
        self.put(&self.at(&format!("manifests/{tag}")), media_type, content).await
    }

    async fn put(&mut self, place: &str, media_type: &str, content: &[u8]) -> Result<(), RegistryError> {
        let answer = self.ask(Method::PUT, place, media_type, Bytes::copy_from_slice(content)).await?;
        if answer.status().is_success() { Ok(()) } else { Err(refused(answer).await) }
    }

    fn at(&self, path: &str) -> String {
        format!("{}/v2/{}/{path}", self.base, self.repository)
    }

    /// One request, and a second one where the first was asked for a login.
    async fn ask(
        &mut self,
        method: Method,
        url: &str,
        media_type: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, RegistryError> {
        self.send(method, url, media_type, "", body).await
    }

    async fn send(
        &mut self,
        method: Method,
        url: &str,
        media_type: &str,
        accept: &'static str,
        body: Bytes,
    ) -> Result<Response<Incoming>, RegistryError> {
        let at = web::parse(url)?;
        let is_ours = at.authority() == web::parse(&self.base)?.authority();
        let send = |authorization: Option<HeaderValue>| {
            let mut request = Request::builder().method(method.clone());
            if !media_type.is_empty() {
                request = request.header(CONTENT_TYPE, media_type);
            }
            if !accept.is_empty() {
                request = request.header(ACCEPT, accept);
            }
            if let Some(value) = authorization.filter(|_| is_ours) {
                request = request.header(AUTHORIZATION, value);
            }
            exchange(&self.trust, &at, request, body.clone(), self.variable)
        };
        let answer = send(self.authorization.clone()).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || !is_ours {
            return Ok(answer);
        }
        let authorization = self.authorization_for(answer.headers()).await?;
        let answer = send(Some(authorization.clone())).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(RegistryError::Login { sent: self.login.is_some() });
        }
        self.authorization = Some(authorization);
        Ok(answer)
    }

    /// What to send to a registry that said this.
    async fn authorization_for(&self, headers: &HeaderMap) -> Result<HeaderValue, RegistryError> {
        let said = headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, parameters) = said.split_once(' ').unwrap_or((said, ""));
        let unknown = || RegistryError::Challenge(said.to_owned());
        let basic =
            self.login.as_ref().map(|login| secret(format!("Basic {login}"))).transpose().map_err(|()| unknown())?;
        if scheme.eq_ignore_ascii_case("basic") {
            return basic.ok_or(RegistryError::Login { sent: false });
        }
        let realm =
            parameter(parameters, "realm").filter(|_| scheme.eq_ignore_ascii_case("bearer")).ok_or_else(unknown)?;
        let scope = format!("repository:{}:{}", self.repository, self.actions);
        let mut query = format!("scope={}", utf8_percent_encode(&scope, NON_ALPHANUMERIC));
        if let Some(service) = parameter(parameters, "service") {
            query += &format!("&service={}", utf8_percent_encode(service, NON_ALPHANUMERIC));
        }
        let mark = if realm.contains('?') { '&' } else { '?' };
        let at = web::destination(&web::parse(&self.base)?, &format!("{realm}{mark}{query}"))?;
        let mut request = Request::builder().method(Method::GET);
        if let Some(value) = basic {
            request = request.header(AUTHORIZATION, value);
        }
        let answer = exchange(&self.trust, &at, request, Bytes::new(), self.variable).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(RegistryError::Login { sent: self.login.is_some() }),
            _ => return Err(refused(answer).await),
        }
        let token: serde_json::Value = serde_json::from_slice(&content(answer).await).map_err(|_| unknown())?;
        let token = token["token"].as_str().or(token["access_token"].as_str()).ok_or_else(unknown)?;
        secret(format!("Bearer {token}")).map_err(|()| unknown())
    }
}

/// Whether a host, perhaps with a port, is this machine by its name or address.
pub fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn exchange(
    trust: &Trust,
    at: &Uri,
    request: http::request::Builder,
    body: Bytes,
    variable: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<Response<Incoming>, RegistryError> {
    let answer = active_time::timeout(LIMIT, web::exchange(trust, variable, at, request, Full::new(body)));
    Ok(answer.await.unwrap_or(Err(WebError::NoAnswer(LIMIT)))?)
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mismatch(expected: &str, bytes: &[u8]) -> RegistryError {
    RegistryError::Digest { expected: expected.to_owned(), found: sum(bytes) }
}

/// A header that no log shows.
fn secret(text: String) -> Result<HeaderValue, ()> {
    let mut value = HeaderValue::try_from(text).map_err(|_| ())?;
    value.set_sensitive(true);
    Ok(value)
}

/// `name="value"` of a challenge.
fn parameter<'p>(parameters: &'p str, name: &str) -> Option<&'p str> {
    let mut rest = parameters;
    while let Some((key, after)) = rest.split_once("=\"") {
        let (value, next) = after.split_once('"')?;
        if key.trim_matches([',', ' ']).eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
    None
}

async fn content(answer: Response<Incoming>) -> Bytes {
    Limited::new(answer.into_body(), ANSWER).collect().await.map(|body| body.to_bytes()).unwrap_or_default()
}

/// The first message of the registry's errors, where it sends some.
async fn refused(answer: Response<Incoming>) -> RegistryError {
    let status = answer.status();
    let said: serde_json::Value = serde_json::from_slice(&content(answer).await).unwrap_or_default();
    let text = said["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
    RegistryError::Status { status, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]", "[::1]:5000"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.test:5000", "127.0.0.1.test", "10.0.0.1:5000", "[fd00::1]:5000"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_challenge_is_read_by_its_names() {
        let said = r#"realm="https://auth.test/token",service="a, b",scope="x:y""#;
        assert_eq!(parameter(said, "realm"), Some("https://auth.test/token"));
        assert_eq!(parameter(said, "service"), Some("a, b"));
        assert_eq!(parameter(said, "scope"), Some("x:y"));
        assert_eq!(parameter(said, "error"), None);
        assert_eq!(parameter("realm=\"cut", "realm"), None);
    }
}
