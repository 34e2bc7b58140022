//! Services inside a cluster, fetched as a pod would fetch them.
//!
//! In: a plain HTTP URL. Out: its status and body, or why there is none. The trait is a seam: the API server and the Services
//! of a cluster in this process are plugged in where a connection is made.

use super::{ClusterError, ClusterErrorKind, dial::CONNECT_LIMIT, explain, transport::ANSWER_LIMIT};
use futures::future::BoxFuture;
use http::uri::InvalidUri;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};

/// Bytes of a body that are kept.
const BODY_LIMIT: usize = 1 << 20;

/// The answer to a GET.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpAnswer {
    pub status: u16,
    /// At most 1 MiB; longer bodies are cut.
    pub body: String,
}

/// How a plain HTTP URL of a Service is fetched.
pub trait Services: Send + Sync {
    /// # Errors
    /// `Rejected` for what is not an `http://` URL, `Unreachable`, and `Timeout`.
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<HttpAnswer, ClusterError>>;
}

/// Over the network: 5 s to connect, 30 s in all.
pub struct PlainHttp;

impl Services for PlainHttp {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<HttpAnswer, ClusterError>> {
        Box::pin(async move {
            tokio::time::timeout(ANSWER_LIMIT, plain_get(url)).await.unwrap_or_else(|_| {
                let found = format!("the answer was not complete within {} s", ANSWER_LIMIT.as_secs());
                Err(failure(ClusterErrorKind::Timeout, url, found))
            })
        })
    }
}

async fn plain_get(url: &str) -> Result<HttpAnswer, ClusterError> {
    let uri: http::Uri = url.parse().map_err(|error: InvalidUri| {
        failure(ClusterErrorKind::Rejected, url, "not a URL".to_owned()).caused_by(error)
    })?;
    if uri.scheme_str() != Some("http") {
        return Err(failure(ClusterErrorKind::Rejected, url, "only http:// URLs are read".to_owned()));
    }
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_LIMIT));
    let client: HttpClient<_, Empty<bytes::Bytes>> = HttpClient::builder(TokioExecutor::new()).build(connector);
    let answer = client
        .get(uri)
        .await
        .map_err(|error| failure(explain::transport(&error).0, url, String::new()).caused_by(error))?;
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| failure(ClusterErrorKind::Unreachable, url, String::new()).caused_by(error))?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(&data[..data.len().min(BODY_LIMIT - bytes.len())]);
        }
        if bytes.len() == BODY_LIMIT {
            break;
        }
    }
    Ok(HttpAnswer { status, body: String::from_utf8_lossy(&bytes).into_owned() })
}

/// Why a page was not read.
pub fn failure(kind: ClusterErrorKind, url: &str, found: String) -> ClusterError {
    ClusterError::new(kind, "get a page of a service", url).found(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_page_is_cut() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 503 No\r\ncontent-length: 2000000\r\n\r\n").await;
            let _ = stream.write_all(&vec![b'x'; 2_000_000]).await;
        });
        let answer = plain_get(&format!("http://{address}/metrics")).await.expect("an answer");
        assert_eq!((answer.status, answer.body.len()), (503, BODY_LIMIT));
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable_and_https_refused() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let url = format!("http://{}/", closed.expect("a port"));
        assert_eq!(plain_get(&url).await.err().map(|error| error.kind), Some(ClusterErrorKind::Unreachable));
        assert_eq!(plain_get("https://x/").await.err().map(|error| error.kind), Some(ClusterErrorKind::Rejected));
    }
}
