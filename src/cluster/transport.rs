//! Sends requests to one server: the service under `kube::Client`.
//!
//! In: an effective context. Out: a service that adds the server's URL, credentials and impersonation to each request,
//! asks a credential plugin again, once, when the server answers 401, and sends again what [`retry`] says, all within
//! [`ANSWER_LIMIT`] until the headers of an answer are there. Bodies have no limit here: a watch or a followed log is silent for minutes and
//! healthy; who reads a body sets a limit for it.

use super::{
    answer::{self, Answer},
    credentials::{CredentialError, Credentials, Sent, impersonation},
    dial::Dialer,
    exec::{Plugin, PluginOutput},
    kubeconfig::{Content, Effective, Secret},
    proxy::{self, Protocol, ProxyError, port},
    retry::Attempts,
    tls::{self, Identity, TlsError, Trust},
};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    header::{AUTHORIZATION, PROXY_AUTHORIZATION},
};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use percent_encoding::percent_decode_str;
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

/// Redirections within one server that are followed.
const REDIRECTS: u32 = 5;

/// A context that cannot be connected to, before any request is sent.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the server `{server}` is not a URL like https://host:6443")]
    Server { server: String },
    #[error("the server `{server}` has a port that is not a number from 0 to 65535")]
    Port { server: String },
    #[error("the host `{host}` of the server URL is neither a DNS name nor an IP address")]
    Host { host: String },
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

/// Sends requests to one server; cheap to clone.
#[derive(Clone)]
pub struct Transport(Arc<Shared>);

struct Shared {
    server: Uri,
    dialer: Dialer,
    /// Replaced when the client certificate is: open connections belong to the old one.
    http: RwLock<Client<Dialer, Full<Bytes>>>,
    credentials: Credentials,
    /// What a person should know about how requests are sent.
    warnings: Vec<String>,
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
        let (server, login) = server(&cluster.server, has_tls)?;
        if server.scheme_str() == Some("https") && cluster.tls_server_name.is_none() {
            let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
            ServerName::try_from(host).map_err(|_| SetupError::Host { host: host.to_owned() })?;
        }
        let proxy = proxy::for_server(&server, cluster.proxy_url.as_deref(), variable)?;
        let identity = Arc::new(Identity::default());
        if let (Some(certificate), Some(key)) = (&user.client_certificate, &user.client_key) {
            identity.set(&load("client-certificate", certificate)?, &load("client-key", key)?)?;
        }
        let mut warnings = Vec::new();
        let credentials = credentials(context, &server, login, authority.as_deref(), output, &mut warnings)?;
        let is_encrypted = server.scheme_str() == Some("https")
            || proxy.as_ref().is_some_and(|proxy| proxy.protocol == Protocol::Https);
        let trust = match authority {
            _ if cluster.insecure_skip_tls_verify => Trust::Any,
            Some(pem) => Trust::Authority(pem),
            None => Trust::System,
        };
        let config = is_encrypted.then(|| tls::client_config(&trust, Arc::clone(&identity))).transpose()?;
        let name = cluster.tls_server_name.clone().map(|name| {
            // Go takes an address with the brackets of a URL as well.
            let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&name).to_owned();
            ServerName::try_from(bare).map_err(|_| SetupError::ServerName(name))
        });
        let dialer = Dialer::new(proxy, config, name.transpose()?);
        Ok(Transport(Arc::new(Shared {
            server,
            http: RwLock::new(http_client(&dialer)),
            dialer,
            credentials,
            warnings,
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

    /// What a person should know about how requests are sent.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
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

/// As whom requests are sent, by kubectl's order: a login in the server's URL, what the kubeconfig holds, a plugin.
fn credentials(
    context: &Effective,
    server: &Uri,
    login: Option<(String, Secret)>,
    authority: Option<&[u8]>,
    output: PluginOutput,
    warnings: &mut Vec<String>,
) -> Result<Credentials, SetupError> {
    let user = &context.user;
    if let Some((name, password)) = &login {
        return Ok(Credentials::basic(name, password)?);
    }
    // Whoever is on the way reads what goes to an http server. client-go leaves these out as well, and plugins too; those run
    // here, because one that is configured for such a server is there for nothing else.
    let is_in_clear = server.scheme_str() == Some("http");
    let kept_back = match (&user.token, &user.token_file, &user.basic) {
        (Some(_), _, _) => Some("token"),
        (None, Some(_), _) => Some("tokenFile"),
        (None, None, Some(_)) => Some("password"),
        (None, None, None) => None,
    };
    if let Some(what) = kept_back.filter(|_| is_in_clear) {
        let host = server.authority().map_or("", |authority| authority.as_str());
        warnings.push(format!(
            "the {what} of user `{}` is not sent to http://{host}, where it could be read on the way, as kubectl does; \
             a server that needs it must be written as https://",
            user.name
        ));
        return Ok(Credentials::None);
    }
    if let Some(expired) = user.id_token.as_ref().filter(|token| token.is_expired(jiff::Timestamp::now())) {
        let (at, may_be_renewed) = (expired.expires, expired.may_be_renewed);
        return Err(CredentialError::IdTokenExpired { at, may_be_renewed }.into());
    }
    Ok(match (&user.token, &user.token_file, &user.basic, &user.exec) {
        (token, Some(path), _, _) => Credentials::file(path.clone(), token.as_ref())?,
        (Some(token), None, _, _) => Credentials::bearer(token)?,
        (None, None, Some((name, password)), _) => Credentials::basic(name, password)?,
        // Like kubectl: a certificate says who we are, so no plugin is asked.
        (None, None, None, Some(exec)) if user.client_certificate.is_none() => {
            let plugin = Plugin::new(exec.clone(), &context.cluster, authority, output);
            Credentials::Plugin(Box::new(plugin.map_err(CredentialError::from)?))
        }
        (None, None, None, _) => Credentials::None,
    })
}

/// Like kubectl: without a scheme it is https where the context says anything of TLS, else http. A login in the URL is
/// returned beside it: the pool of connections logs what it is keyed by.
fn server(written: &str, has_tls: bool) -> Result<(Uri, Option<(String, Secret)>), SetupError> {
    let scheme = if has_tls { "https" } else { "http" };
    let url = if written.contains("://") { written.to_owned() } else { format!("{scheme}://{written}") };
    let uri: Option<Uri> = url.parse().ok();
    let is_usable = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    };
    // No message shows a login.
    let shown = written.rsplit_once('@').map_or(written, |(_, host)| host);
    let not_a_url = || SetupError::Server { server: shown.to_owned() };
    let uri = uri.filter(is_usable).ok_or_else(not_a_url)?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    port(authority).map_err(|()| SetupError::Port { server: shown.to_owned() })?;
    let Some((login, host)) = authority.rsplit_once('@') else {
        return Ok((uri, None));
    };
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (name, password) = login.split_once(':').unwrap_or((login, ""));
    let login = (!login.is_empty()).then(|| (plain(name), Secret(plain(password))));
    let host = host.parse();
    let mut parts = uri.into_parts();
    parts.authority = host.ok();
    Ok((Uri::from_parts(parts).map_err(|_| not_a_url())?, login))
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
    async fn send(&self, request: Request<kube::client::Body>) -> Result<Answer, BoxError> {
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

    async fn send_as(&self, sent: Sent, parts: &http::request::Parts, body: &Bytes) -> Result<Answer, BoxError> {
        if sent.has_new_certificate {
            *self.http.write().unwrap_or_else(PoisonError::into_inner) = http_client(&self.dialer);
        }
        let begun = tokio::time::Instant::now();
        let (mut attempts, mut moves, mut parts) = (Attempts::default(), 0, parts.clone());
        loop {
            let left = ANSWER_LIMIT.saturating_sub(begun.elapsed());
            let answer = self.attempt(&sent, &parts, body, if left.is_zero() { ANSWER_LIMIT } else { left }).await;
            let wait = match &answer {
                Ok(answer) => attempts.answered(&parts.method, answer.status(), answer.headers()),
                Err(error) => attempts.failed(&parts.method, error.as_ref()),
            };
            if let Some(wait) = wait.filter(|wait| *wait < ANSWER_LIMIT.saturating_sub(begun.elapsed())) {
                tracing::info!(wait_ms = wait.as_millis(), "the request is sent again");
                drop(answer);
                tokio::time::sleep(wait).await;
                continue;
            }
            let answer = answer?;
            let is_question = parts.method == Method::GET || parts.method == Method::HEAD;
            match answer::moved_within(&self.server, &parts.uri, &answer).filter(|_| is_question && moves < REDIRECTS) {
                Some(to) => (parts.uri, moves) = (to, moves + 1),
                None => return Ok(answer::checked(answer, &parts.method, &parts.uri).await?),
            }
        }
    }

    /// One request, until the headers of its answer are there.
    async fn attempt(
        &self,
        sent: &Sent,
        parts: &http::request::Parts,
        body: &Bytes,
        limit: Duration,
    ) -> Result<Response<Incoming>, BoxError> {
        let mut request = Request::from_parts(parts.clone(), Full::new(body.clone()));
        if let Some(header) = &sent.header {
            request.headers_mut().insert(AUTHORIZATION, header.clone());
        }
        if let Some(login) = self.dialer.proxy_login(&self.server) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, login);
        }
        let http = self.http.read().unwrap_or_else(PoisonError::into_inner).clone();
        let begun = tokio::time::Instant::now();
        let answer = match super::active_time::timeout(limit, http.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(NoAnswer.into()),
        };
        log(parts, begun.elapsed(), &answer);
        answer
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

impl Service<Request<kube::client::Body>> for Transport {
    type Response = Answer;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.send(request).await })
    }
}
