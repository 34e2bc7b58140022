//! Sends requests to one server: the service under `kube::Client`.
//!
//! In: an effective context. Out: a service that adds the server's URL, credentials and impersonation to each request,
//! and asks a credential plugin again, once, when the server answers 401. Every request gets [`ANSWER_LIMIT`] until the
//! headers of its answer are there. Bodies have no limit here: a watch or a followed log is silent for minutes and
//! healthy; who reads a body sets a limit for it.

use super::{
    credentials::{CredentialError, Credentials, Sent, impersonation},
    dial::Dialer,
    exec::{Plugin, PluginOutput},
    kubeconfig::{Content, Effective},
    proxy::{self, Protocol, ProxyError},
    tls::{self, Identity, TlsError, Trust},
};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{
    HeaderMap, Request, Response, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, PROXY_AUTHORIZATION},
};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use rustls::pki_types::ServerName;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::Duration,
};
use tower::{BoxError, Service};

/// Until the headers of an answer are there.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A context that cannot be connected to, before any request is sent.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the server `{server}` is not a URL like https://host:6443")]
    Server { server: String },
    #[error("the {what} {} cannot be read", .path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the tls-server-name `{0}` is not a host name or IP address")]
    ServerName(String),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Credentials(#[from] CredentialError),
}

/// No headers came within [`ANSWER_LIMIT`].
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", ANSWER_LIMIT.as_secs())]
pub struct NoAnswer;

/// The server did not accept credentials that a plugin made a moment ago.
#[derive(Debug, thiserror::Error)]
#[error("the server answered 401 to new credentials of the plugin `{command}`")]
pub struct PluginRefused {
    command: String,
}

/// An answer that no API server gives: a page for people, or a redirection.
#[derive(Debug, thiserror::Error)]
#[error("HTTP {status}: {found}")]
pub struct NotKubernetes {
    pub status: u16,
    found: String,
}

/// Sends requests to one server; cheap to clone.
#[derive(Clone)]
pub struct Transport(Arc<Shared>);

struct Shared {
    server: Uri,
    dialer: Dialer,
    /// Replaced when the client certificate is: open connections belong to the old one.
    http: RwLock<Client<Dialer, Full<Bytes>>>,
    credentials: Credentials,
    identity: Arc<Identity>,
    /// Impersonation.
    headers: HeaderMap,
}

impl Transport {
    /// Reads the files that the context names. A credential plugin runs with the first request, or in
    /// [`Transport::authenticate`].
    ///
    /// # Errors
    /// A server that is not a URL, files that cannot be read, settings that cannot be used.
    pub fn new(
        context: &Effective,
        output: PluginOutput,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Transport, SetupError> {
        let (cluster, user) = (&context.cluster, &context.user);
        let authority = cluster.certificate_authority.as_ref().map(|content| load("certificate-authority", content));
        let authority = authority.transpose()?;
        let has_tls = authority.is_some() || user.client_certificate.is_some() || cluster.insecure_skip_tls_verify;
        let server = server(&cluster.server, has_tls)?;
        let proxy = proxy::for_server(&server, cluster.proxy_url.as_deref(), variable)?;
        let identity = Arc::new(Identity::default());
        if let (Some(certificate), Some(key)) = (&user.client_certificate, &user.client_key) {
            identity.set(&load("client-certificate", certificate)?, &load("client-key", key)?)?;
        }
        let credentials = match (&user.token, &user.token_file, &user.basic, &user.exec) {
            (token, Some(path), _, _) => Credentials::file(path.clone(), token.as_ref())?,
            (Some(token), None, _, _) => Credentials::bearer(token)?,
            (None, None, Some((name, password)), _) => Credentials::basic(name, password)?,
            (None, None, None, Some(exec)) => {
                let plugin = Plugin::new(exec.clone(), cluster, authority.as_deref(), output);
                Credentials::Plugin(Box::new(plugin.map_err(CredentialError::from)?))
            }
            (None, None, None, None) => Credentials::None,
        };
        let is_encrypted = server.scheme_str() == Some("https")
            || proxy.as_ref().is_some_and(|proxy| proxy.protocol == Protocol::Https);
        let trust = match authority {
            _ if cluster.insecure_skip_tls_verify => Trust::Any,
            Some(pem) => Trust::Authority(pem),
            None => Trust::System,
        };
        let config = is_encrypted.then(|| tls::client_config(&trust, Arc::clone(&identity))).transpose()?;
        let name = cluster
            .tls_server_name
            .clone()
            .map(|name| ServerName::try_from(name.clone()).map_err(|_| SetupError::ServerName(name)));
        let dialer = Dialer::new(proxy, config, name.transpose()?);
        Ok(Transport(Arc::new(Shared {
            server,
            http: RwLock::new(http_client(&dialer)),
            dialer,
            credentials,
            identity,
            headers: impersonation(&user.impersonate)?,
        })))
    }

    /// The server's URL, without a login.
    pub fn server(&self) -> String {
        let url = &self.0.server;
        let host = url.authority().map_or("", |authority| authority.as_str());
        format!("{}://{host}{}", url.scheme_str().unwrap_or("https"), url.path().trim_end_matches('/'))
    }

    /// Gets the credentials that the first request will carry, so that their failure is told as what it is.
    ///
    /// # Errors
    /// As [`Credentials::current`].
    pub async fn authenticate(&self) -> Result<(), CredentialError> {
        self.0.credentials.current(None, &self.0.identity).await.map(|_| ())
    }
}

fn http_client(dialer: &Dialer) -> Client<Dialer, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build(dialer.clone())
}

fn load(what: &'static str, content: &Content) -> Result<Vec<u8>, SetupError> {
    match content {
        Content::Inline(bytes) => Ok(bytes.clone()),
        Content::File(path) => {
            std::fs::read(path).map_err(|source| SetupError::File { what, path: path.clone(), source })
        }
    }
}

/// Like kubectl: without a scheme it is https where the context says anything of TLS, else http.
fn server(written: &str, has_tls: bool) -> Result<Uri, SetupError> {
    let scheme = if has_tls { "https" } else { "http" };
    let url = if written.contains("://") { written.to_owned() } else { format!("{scheme}://{written}") };
    let uri: Option<Uri> = url.parse().ok();
    let is_usable = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    };
    // The URL may hold a login, which no message shows.
    let shown = written.rsplit_once('@').map_or(written, |(_, host)| host);
    let uri = uri.filter(is_usable).ok_or_else(|| SetupError::Server { server: shown.to_owned() })?;
    let Some((_, host)) = uri.authority().and_then(|authority| authority.as_str().rsplit_once('@')) else {
        return Ok(uri);
    };
    // A login in it is not sent, as in Go, and not kept: the pool of connections logs what it is keyed by.
    let host = host.parse();
    let mut parts = uri.into_parts();
    parts.authority = host.ok();
    Uri::from_parts(parts).map_err(|_| SetupError::Server { server: shown.to_owned() })
}

/// One line for each request. Headers are not in it: they hold credentials.
fn log(parts: &http::request::Parts, took: Duration, answer: &Result<Response<Incoming>, BoxError>) {
    let (verb, path, ms) =
        (&parts.method, parts.uri.path_and_query().map_or("/", |path| path.as_str()), took.as_millis());
    match answer {
        Ok(answer) => tracing::debug!(%verb, path, status = answer.status().as_u16(), ms, "request"),
        Err(error) => tracing::warn!(%verb, path, ms, "request failed: {error}"),
    }
}

impl Shared {
    async fn send(&self, request: Request<kube::client::Body>) -> Result<Response<Incoming>, BoxError> {
        let (mut parts, body) = request.into_parts();
        parts.uri = self.absolute(&parts.uri)?;
        for (name, value) in &self.headers {
            parts.headers.append(name.clone(), value.clone());
        }
        let body = body.collect().await?.to_bytes();
        let sent = self.credentials.current(None, &self.identity).await?;
        let number = sent.number;
        let answer = self.send_as(sent, &parts, &body).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || number.is_none() {
            return Ok(answer);
        }
        drop(answer);
        tracing::info!("credentials of the plugin refused; asking it for new ones");
        let sent = self.credentials.current(number, &self.identity).await?;
        let answer = self.send_as(sent, &parts, &body).await?;
        match &self.credentials {
            Credentials::Plugin(plugin) if answer.status() == StatusCode::UNAUTHORIZED => {
                Err(PluginRefused { command: plugin.command().to_owned() }.into())
            }
            _ => Ok(answer),
        }
    }

    async fn send_as(
        &self,
        sent: Sent,
        parts: &http::request::Parts,
        body: &Bytes,
    ) -> Result<Response<Incoming>, BoxError> {
        let mut request = Request::from_parts(parts.clone(), Full::new(body.clone()));
        if let Some(header) = sent.header {
            request.headers_mut().insert(AUTHORIZATION, header);
        }
        if let Some(login) = self.dialer.proxy_login(&self.server) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, login);
        }
        if sent.has_new_certificate {
            *self.http.write().unwrap_or_else(PoisonError::into_inner) = http_client(&self.dialer);
        }
        let http = self.http.read().unwrap_or_else(PoisonError::into_inner).clone();
        let begun = tokio::time::Instant::now();
        let answer = match super::active_time::timeout(ANSWER_LIMIT, http.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(NoAnswer.into()),
        };
        log(parts, begun.elapsed(), &answer);
        checked(answer?).await
    }

    /// The server's URL with the path and query of a request.
    fn absolute(&self, request: &Uri) -> Result<Uri, http::Error> {
        let path = request.path_and_query().map_or("/", |path| path.as_str());
        let mut parts = self.server.clone().into_parts();
        let prefix = self.server.path().trim_end_matches('/');
        parts.path_and_query = Some(format!("{prefix}{path}").parse()?);
        Ok(Uri::from_parts(parts)?)
    }
}

/// Bytes of a page that are searched for its title.
const PAGE_LIMIT: usize = 64 << 10;

/// Refuses what no API server answers.
async fn checked(answer: Response<Incoming>) -> Result<Response<Incoming>, BoxError> {
    let status = answer.status();
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if status.is_redirection() {
        let found = match header(LOCATION) {
            "" => "a redirect without a location".to_owned(),
            place => format!("a redirection to {}", place.split(['?', '#']).next().unwrap_or_default()),
        };
        return Err(NotKubernetes { status: status.as_u16(), found }.into());
    }
    if !header(CONTENT_TYPE).starts_with("text/html") {
        return Ok(answer);
    }
    let mut page = Vec::new();
    let mut body = answer.into_body();
    while page.len() < PAGE_LIMIT {
        let Ok(Some(Ok(frame))) = tokio::time::timeout(ANSWER_LIMIT, body.frame()).await else { break };
        page.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
    }
    let found = match title(&String::from_utf8_lossy(&page)) {
        Some(title) => format!("an HTML page with the title `{title}`"),
        None => "an HTML page".to_owned(),
    };
    Err(NotKubernetes { status: status.as_u16(), found }.into())
}

/// The title of a page, on one line of at most 100 characters.
pub(super) fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find('<')?;
    let words: Vec<&str> = page[start..end].split_whitespace().collect();
    let title: String = words.join(" ").chars().take(100).collect();
    (!title.is_empty()).then_some(title)
}

impl Service<Request<kube::client::Body>> for Transport {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Incoming>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.send(request).await })
    }
}
