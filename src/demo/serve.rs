//! The demo cluster on a port, for kubectl and other clients.
//!
//! In: a listener. Out: the same answers as inside the process, over plain HTTP/1. Whoever reaches the port may do
//! everything in the demo, so the listener belongs on the loopback address.

use super::{Demo, service::Service};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{io, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};
use tower::Service as _;

/// Until the head of a request is there.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// Before the next try, where the system has no connection to give.
const PAUSE: Duration = Duration::from_millis(100);

impl Demo {
    /// Serves until the future is dropped; connections end with it.
    pub async fn serve(&self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(answer(self.service(), TokioIo::new(stream)));
                    }
                    // The client went away, or there are too many open files: neither ends the server.
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn answer(service: Service, stream: TokioIo<tokio::net::TcpStream>) {
    let service = service_fn(move |request| service.clone().call(request));
    let mut server = http1::Builder::new();
    let served = server.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).serve_connection(stream, service);
    // What a client does wrong is answered to it; a connection that breaks concerns nobody else.
    let _: Result<(), hyper::Error> = served.await;
}

/// A kubeconfig for a demo that listens at `address`.
pub fn kubeconfig(address: std::net::SocketAddr) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: demo\nclusters:\n  - name: demo\n    cluster:\n      \
         server: http://{address}\ncontexts:\n  - name: demo\n    context:\n      cluster: demo\n      user: demo\n\
         users:\n  - name: demo\n    user: {{}}\n"
    )
}

/// A listener on the loopback address; port 0 for any free one.
///
/// # Errors
/// The port is taken, or may not be used.
pub async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).await
}
