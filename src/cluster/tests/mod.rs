//! Real connections on loopback: servers, proxies and plugins that behave in one way each.

mod answers;
mod collect;
mod plugins;
mod proxies;
mod tls;
mod web;

use super::{
    ClusterError, PluginOutput,
    kubeconfig::Kubeconfig,
    transport::{SetupError, Transport},
};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What an API server answers to every request here.
const VERSION: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{\"minor\": \"034\"}";

/// GETs `/version` with a context of this cluster and user (YAML flow mappings) under these variables.
async fn ask(cluster: &str, user: &str, variables: &[(&str, String)]) -> Result<String, ClusterError> {
    get(&transport(cluster, user, variables)?).await
}

fn transport(cluster: &str, user: &str, variables: &[(&str, String)]) -> Result<Transport, ClusterError> {
    let text = format!(
        "{{clusters: [{{name: c, cluster: {cluster}}}], users: [{{name: u, user: {user}}}], \
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}], current-context: x}}"
    );
    let mut kubeconfig = Kubeconfig::default();
    kubeconfig.add(Path::new("/x/config"), text.as_bytes()).expect("a kubeconfig");
    let context = kubeconfig.effective(None).expect("a context");
    let lookup = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let failed = ClusterError::new(super::ClusterErrorKind::NoConfig, "connect", "test");
    Transport::new(&context, PluginOutput::Kept, &lookup).map_err(|error| match error {
        SetupError::Credentials(error) => failed.caused_by(error),
        error => failed.caused_by(error),
    })
}

async fn get(transport: &Transport) -> Result<String, ClusterError> {
    let client = kube::Client::new(transport.clone(), "default");
    let request = http::Request::get("/version").body(Vec::new()).expect("a request");
    let answer = client.request::<serde_json::Value>(request).await;
    answer
        .map(|version| version["minor"].as_str().unwrap_or_default().to_owned())
        .map_err(|error| ClusterError::from_kube("read the version", "test", &error))
}

/// Heads of requests, in the order in which they came.
type Log = Arc<Mutex<Vec<String>>>;

/// A server on loopback that answers every request with `answer(head)` and closes the connection.
async fn server(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let log = Log::default();
    let (seen, answer) = (Arc::clone(&log), Arc::new(answer));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
            tokio::spawn(async move {
                let Some(head) = head(&mut stream).await else { return };
                seen.lock().expect("a log").push(head.clone());
                let _ = stream.write_all(answer(&head).as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (address, log)
}

/// The same behind TLS, with the cluster of a kubeconfig for it. The server ends connections without the end of TLS.
async fn tls_server(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (String, Log) {
    let (issuer, authority) = tls::ca();
    let acceptor = tls::acceptor(&tls::signed(&tls::params(&["127.0.0.1"]), &issuer), None);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let cluster = format!(
        "{{server: 'https://{}/prefix/', certificate-authority-data: {}}}",
        listener.local_addr().expect("an address"),
        tls::data(&authority)
    );
    let log = Log::default();
    let (seen, answer) = (Arc::clone(&log), Arc::new(answer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, answer, acceptor) = (Arc::clone(&seen), Arc::clone(&answer), acceptor.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let Some(head) = head(&mut stream).await else { return };
                seen.lock().expect("a log").push(head.clone());
                let _ = stream.write_all(answer(&head).as_bytes()).await;
                let _ = stream.flush().await;
            });
        }
    });
    (cluster, log)
}

/// What a request of the log says under this name, in lower case; every value of it.
fn headers(log: &Log, name: &str) -> Vec<String> {
    let log = log.lock().expect("a log");
    let lines = log.iter().flat_map(|head| head.lines()).filter_map(|line| line.split_once(": "));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).collect()
}

/// An API server.
async fn api_server() -> (SocketAddr, Log) {
    server(|_| VERSION.to_owned()).await
}

/// Everything up to the empty line.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn lines(log: &Log) -> Vec<String> {
    log.lock().expect("a log").iter().map(|head| head.lines().next().unwrap_or_default().to_owned()).collect()
}
