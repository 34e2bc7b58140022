//! The real API server of `tests/cluster`, filled, read and changed over few connections on loopback.

use super::{
    node,
    process::{self, Processors},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
/// Connections of the filler.
const CONNECTIONS: usize = 16;
/// How often an update is tried again that the server was too late for.
const LATE: usize = 30;
/// Nodes in one page of a list, as kubectl and client-go ask for.
const PAGE: usize = 500;

/// An API server with etcd behind it and nothing else; ended when dropped if it was started here.
pub struct Server {
    pub kubeconfig: PathBuf,
    script: PathBuf,
    pki: PathBuf,
    address: String,
    started: bool,
}

impl Server {
    pub fn start() -> Result<Server, String> {
        let script = script();
        let started = ask(&script, "status")?.contains("apiserver stopped");
        ask(&script, "up")?;
        let kubeconfig = PathBuf::from(ask(&script, "kubeconfig")?.trim());
        let text =
            std::fs::read_to_string(&kubeconfig).map_err(|error| format!("{}: {error}", kubeconfig.display()))?;
        let address = text.split("https://").nth(1).and_then(|rest| rest.split('"').next());
        let address = address.ok_or("the kubeconfig names no server")?.to_owned();
        let pki = kubeconfig.parent().ok_or("the kubeconfig has no folder")?.join("pki");
        Ok(Server { kubeconfig, script, pki, address, started })
    }

    /// Lets it run on these processors only.
    pub fn place(&self, on: Processors) -> Result<(), String> {
        for line in ask(&self.script, "status")?.lines() {
            let pid = line.split_once(" running ").and_then(|(_, pid)| pid.trim().parse().ok());
            pid.into_iter().for_each(|pid| process::place(pid, on));
        }
        Ok(())
    }

    /// How what changes its nodes is started (`tests/cluster/node-writer`): the program and its arguments.
    pub fn node_writer(&self) -> Result<Vec<String>, String> {
        ask(&self.script, "node-writer").map(|words| words.split_whitespace().map(str::to_owned).collect())
    }

    /// Makes etcd forget every version of every object but the last: it stops taking updates when it holds 4 GiB of them.
    pub fn compact(&self) -> Result<(), String> {
        ask(&self.script, "compact").map(drop)
    }

    /// Opens one connection with the client certificate of the administrator.
    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(self.pki.join("ca.crt")).map_err(|error| format!("ca.crt: {error}"))?;
        roots.add(ca).map_err(|error| error.to_string())?;
        let certificate = CertificateDer::from_pem_file(self.pki.join("admin.crt")).map_err(|e| e.to_string())?;
        let key = PrivateKeyDer::from_pem_file(self.pki.join("admin.key")).map_err(|e| e.to_string())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_root_certificates(roots).with_client_auth_cert(vec![certificate], key))
            .map_err(|error| error.to_string())?;
        let host = self.address.split(':').next().unwrap_or_default().to_owned();
        let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
        let stream = TcpStream::connect(&self.address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let stream = TokioIo::new(stream.map_err(|error| error.to_string())?);
        let (sender, connection) =
            hyper::client::conn::http1::handshake(stream).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Makes the fleet what it must be: nodes that exist are written again, as they were at the beginning.
    pub async fn fill(&self, nodes: usize) -> Result<(), String> {
        let next = Arc::new(AtomicU64::new(0));
        let workers = (0..CONNECTIONS).map(|_| async {
            let mut connection = self.connect().await?;
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed) as usize;
                if index >= nodes {
                    return Ok::<(), String>(());
                }
                let body = node::body(index, 0);
                let (status, _) = send(&mut connection, Method::POST, "/api/v1/nodes", body.clone()).await?;
                match status {
                    StatusCode::CREATED => {}
                    StatusCode::CONFLICT => put_status(&mut connection, index, body).await?,
                    other => return Err(format!("creating node {index} was answered with {other}")),
                }
            }
        });
        futures::future::try_join_all(workers).await.map(drop)
    }

    /// Reads every node as protobuf in pages: how long that takes, how many bytes came, how many nodes.
    pub async fn read(&self) -> Result<(Duration, usize, usize), String> {
        let begun = Instant::now();
        let mut connection = self.connect().await?;
        let (mut bytes, mut nodes, mut next) = (0, 0, String::new());
        loop {
            let path = format!("/api/v1/nodes?limit={PAGE}{next}");
            let (status, body) = send(&mut connection, Method::GET, &path, Vec::new()).await?;
            if status != StatusCode::OK {
                return Err(format!("listing nodes was answered with {status}"));
            }
            bytes += body.len();
            let (items, token) = page(&body).ok_or("a page is not a protobuf list")?;
            nodes += items;
            if token.is_empty() {
                return Ok((begun.elapsed(), bytes, nodes));
            }
            next = format!("&continue={token}");
        }
    }

    /// Bytes of one node as JSON, as most clients read it.
    pub async fn json_bytes(&self) -> Result<usize, String> {
        let mut connection = self.connect().await?;
        let path = format!("/api/v1/nodes/{}", node::name(0));
        let request = Request::get(&path).header(header::HOST, "fleet").header(header::ACCEPT, "application/json");
        let request = request.body(Full::default()).map_err(|error| error.to_string())?;
        let answer = connection.send_request(request).await.map_err(|error| error.to_string())?;
        Ok(answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes().len())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.started {
            let _ = ask(&self.script, "down");
        }
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/cluster")
}

/// `cluster api VERB`: what it printed.
///
/// What it starts is elsewhere where a fleet is real, and must not take the processor from the program that is measured. The
/// peer is measured in the same way.
fn ask(script: &Path, verb: &str) -> Result<String, String> {
    let output = process::behind(script).args(["api", verb]).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{}: {error}", script.display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("`{} api {verb}` failed with {}", script.display(), output.status))
}

async fn put_status(connection: &mut SendRequest<Full<Bytes>>, index: usize, body: Vec<u8>) -> Result<(), String> {
    let path = format!("/api/v1/nodes/{}/status", node::name(index));
    let mut late = 0;
    loop {
        match send(connection, Method::PUT, &path, body.clone()).await? {
            (StatusCode::OK, _) => return Ok(()),
            // On a machine that does other work too, a server is late now and then.
            (status, _) if status.is_server_error() && late < LATE => {
                late += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            (other, body) => {
                return Err(format!("{path} was answered with {other}: {}", String::from_utf8_lossy(&body)));
            }
        }
    }
}

async fn send(
    connection: &mut SendRequest<Full<Bytes>>,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<(StatusCode, Bytes), String> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "fleet")
        .header(header::ACCEPT, PROTOBUF)
        .header(header::CONTENT_TYPE, PROTOBUF)
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    connection.ready().await.map_err(|error| error.to_string())?;
    let answer = connection.send_request(request).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok((status, body.to_bytes()))
}

/// Items and continue token of a protobuf list.
fn page(body: &[u8]) -> Option<(usize, String)> {
    let list = fields(body.strip_prefix(b"k8s\0")?)?.into_iter().find(|(field, _)| *field == 2)?.1;
    let fields_of_list = fields(list)?;
    let items = fields_of_list.iter().filter(|(field, _)| *field == 2).count();
    let meta = fields_of_list.iter().find(|(field, _)| *field == 1)?.1;
    let token = fields(meta)?.into_iter().find(|(field, _)| *field == 3).map(|(_, token)| token);
    Some((items, String::from_utf8_lossy(token.unwrap_or_default()).into_owned()))
}

/// The fields of a message with their bytes; numbers are empty.
pub fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        match key & 7 {
            0 => {
                varint(&mut bytes)?;
                found.push((key >> 3, &bytes[..0]));
            }
            2 => {
                let length = varint(&mut bytes)? as usize;
                found.push((key >> 3, bytes.get(..length)?));
                bytes = &bytes[length..];
            }
            _ => return None,
        }
    }
    Some(found)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
