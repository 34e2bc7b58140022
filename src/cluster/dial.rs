//! Opens connections to one server: TCP, through a proxy where there is one, then TLS.
//!
//! Every step that fails says which one it was and whom it spoke to ([`DialError`]); the causes stay below it.

use super::{
    kubeconfig::Secret,
    proxy::{Protocol, Proxy, ProxyName, authority},
    socks,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::Empty;
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector, dns::Name},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::{BoxError, Service};

/// Until a TCP connection is there.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Until a proxy has made its connection, and until a TLS handshake is done.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// A connection that could not be opened. `to` is `host:port`; a proxy is shown without its login.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("cannot look up the host of {to}")]
    Lookup {
        to: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot connect to {to}")]
    Connect {
        to: String,
        #[source]
        source: BoxError,
    },
    #[error("no connection to {to} within {} s", CONNECT_LIMIT.as_secs())]
    ConnectTimeout { to: String },
    #[error("cannot reach the proxy {proxy}")]
    Proxy {
        proxy: ProxyName,
        #[source]
        source: Box<DialError>,
    },
    #[error("the proxy {proxy} refused a connection to {to}: {answer}")]
    ProxyRefused { proxy: ProxyName, to: String, answer: String },
    #[error("the proxy {proxy} did not connect to {to}")]
    ProxyFailed {
        proxy: ProxyName,
        to: String,
        #[source]
        source: BoxError,
    },
    #[error("no TLS connection to {to}")]
    Tls {
        to: String,
        #[source]
        source: io::Error,
    },
    #[error("the TLS handshake with {to} did not finish within {} s", HANDSHAKE_LIMIT.as_secs())]
    TlsTimeout { to: String },
}

/// Opens connections to the server of a URL. Cheap to clone.
#[derive(Clone)]
pub struct Dialer {
    proxy: Option<Arc<Proxy>>,
    /// For `https` servers and proxies.
    tls: Option<Arc<ClientConfig>>,
    /// Checked in place of the URL's host.
    server_name: Option<ServerName<'static>>,
}

impl Dialer {
    pub fn new(
        proxy: Option<Proxy>,
        tls: Option<Arc<ClientConfig>>,
        server_name: Option<ServerName<'static>>,
    ) -> Dialer {
        Dialer { proxy: proxy.map(Arc::new), tls, server_name }
    }

    /// What a proxy that forwards requests to an http server wants to see in each of them.
    pub fn proxy_login(&self, server: &Uri) -> Option<HeaderValue> {
        let proxy = self.proxy.as_deref().filter(|proxy| forwards(proxy, server))?;
        login(proxy)
    }

    async fn dial(self, server: Uri) -> Result<Stream, DialError> {
        let is_https = server.scheme_str() == Some("https");
        let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = server.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let to = authority(&host, port);
        let mut is_forwarded = false;
        let io = match &self.proxy {
            None => tcp(&host, port).await?,
            Some(proxy) => {
                let io = self.to_proxy(proxy).await?;
                is_forwarded = forwards(proxy, &server);
                if is_forwarded { io } else { through(proxy, io, &host, port, &to).await? }
            }
        };
        let io = match (is_https, &self.tls) {
            (true, Some(tls)) => {
                let name = self.server_name.clone().map_or_else(|| ServerName::try_from(host), Ok);
                let name = name.map_err(|error| tls_failed(&to, io::Error::new(io::ErrorKind::InvalidInput, error)))?;
                encrypt(io, tls, name, &to).await?
            }
            _ => io,
        };
        Ok(Stream { io, is_forwarded })
    }

    async fn to_proxy(&self, proxy: &Proxy) -> Result<Box<dyn Io>, DialError> {
        let failed = |source| DialError::Proxy { proxy: proxy.name(), source: Box::new(source) };
        let io = tcp(&proxy.host, proxy.port).await.map_err(failed)?;
        let (Protocol::Https, Some(tls)) = (proxy.protocol, &self.tls) else { return Ok(io) };
        let to = authority(&proxy.host, proxy.port);
        let name = ServerName::try_from(proxy.host.clone())
            .map_err(|error| failed(tls_failed(&to, io::Error::new(io::ErrorKind::InvalidInput, error))))?;
        encrypt(io, tls, name, &to).await.map_err(failed)
    }
}

/// Like Go: a proxy is asked for pages of http servers, and for connections to all others.
fn forwards(proxy: &Proxy, server: &Uri) -> bool {
    server.scheme_str() != Some("https") && proxy.protocol != Protocol::Socks5
}

fn login(proxy: &Proxy) -> Option<HeaderValue> {
    let (user, Secret(password)) = proxy.login.as_ref()?;
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn tls_failed(to: &str, source: io::Error) -> DialError {
    DialError::Tls { to: to.to_owned(), source }
}

/// Addresses of a host. Its errors have a type of their own in the chain, so that nobody has to read words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct LookupFailed(io::Error);

async fn tcp(host: &str, port: u16) -> Result<Box<dyn Io>, DialError> {
    let to = authority(host, port);
    let resolve = tower::service_fn(|name: Name| async move {
        let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(LookupFailed)?;
        Ok::<_, LookupFailed>(found.collect::<Vec<SocketAddr>>().into_iter())
    });
    let mut connector = HttpConnector::new_with_resolver(resolve);
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let connect = connector.call(
        Uri::builder()
            .scheme("http")
            .authority(to.as_str())
            .path_and_query("/")
            .build()
            .map_err(|error| DialError::Connect { to: to.clone(), source: error.into() })?,
    );
    match tokio::time::timeout(CONNECT_LIMIT, connect).await {
        Ok(Ok(stream)) => Ok(Box::new(stream.into_inner())),
        Ok(Err(error)) => {
            let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
            while let Some(at) = cause {
                if let Some(LookupFailed(source)) = at.downcast_ref() {
                    let source = io::Error::new(source.kind(), source.to_string());
                    return Err(DialError::Lookup { to, source });
                }
                cause = at.source();
            }
            Err(DialError::Connect { to, source: error.into() })
        }
        Err(_) => Err(DialError::ConnectTimeout { to }),
    }
}

async fn encrypt(
    io: Box<dyn Io>,
    tls: &Arc<ClientConfig>,
    name: ServerName<'static>,
    to: &str,
) -> Result<Box<dyn Io>, DialError> {
    let handshake = tokio_rustls::TlsConnector::from(Arc::clone(tls)).connect(name, io);
    match tokio::time::timeout(HANDSHAKE_LIMIT, handshake).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(tls_failed(to, error)),
        Err(_) => Err(DialError::TlsTimeout { to: to.to_owned() }),
    }
}

/// Has a proxy make a connection to the server.
async fn through(proxy: &Proxy, io: Box<dyn Io>, host: &str, port: u16, to: &str) -> Result<Box<dyn Io>, DialError> {
    let work = async {
        match proxy.protocol {
            Protocol::Socks5 => socks(proxy, io, host, port).await.map_err(|source| (None, Some(source))),
            Protocol::Http | Protocol::Https => tunnel(proxy, io, to).await,
        }
    };
    let failed = |source: BoxError| DialError::ProxyFailed { proxy: proxy.name(), to: to.to_owned(), source };
    match tokio::time::timeout(HANDSHAKE_LIMIT, work).await {
        Ok(Ok(io)) => Ok(io),
        Ok(Err((Some(answer), _))) => Err(DialError::ProxyRefused { proxy: proxy.name(), to: to.to_owned(), answer }),
        Ok(Err((None, source))) => Err(failed(source.unwrap_or_else(|| "it closed the connection".into()))),
        Err(_) => Err(failed(format!("no answer within {} s", HANDSHAKE_LIMIT.as_secs()).into())),
    }
}

/// The proxy's refusal, or what went wrong before it.
type TunnelFailure = (Option<String>, Option<BoxError>);

async fn tunnel(proxy: &Proxy, io: Box<dyn Io>, to: &str) -> Result<Box<dyn Io>, TunnelFailure> {
    fn broken(error: impl Into<BoxError>) -> TunnelFailure {
        (None, Some(error.into()))
    }
    let mut request = Request::connect(to).header(header::HOST, to);
    if let Some(login) = login(proxy) {
        request = request.header(header::PROXY_AUTHORIZATION, login);
    }
    let request = request.body(Empty::<bytes::Bytes>::new()).map_err(broken)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await.map_err(broken)?;
    tokio::spawn(connection.with_upgrades());
    let answer = sender.send_request(request).await.map_err(broken)?;
    if !answer.status().is_success() {
        return Err((Some(answer.status().to_string()), None));
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(broken)?;
    Ok(Box::new(TokioIo::new(upgraded)))
}

async fn socks(proxy: &Proxy, mut io: Box<dyn Io>, host: &str, port: u16) -> Result<Box<dyn Io>, BoxError> {
    let login = proxy.login.as_ref().map(|(user, Secret(password))| (user.as_str(), password.as_str()));
    socks::connect(&mut io, login, (host, port)).await?;
    Ok(io)
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Stream>;
    type Error = DialError;
    type Future = BoxFuture<'static, Result<Self::Response, DialError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let dialer = self.clone();
        Box::pin(async move { dialer.dial(server).await.map(TokioIo::new) })
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// An open connection.
pub struct Stream {
    io: Box<dyn Io>,
    /// A proxy reads our requests: they name the whole URL.
    is_forwarded: bool,
}

impl Stream {
    /// Whether a proxy reads our requests.
    pub fn is_forwarded(&self) -> bool {
        self.is_forwarded
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_forwarded)
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
