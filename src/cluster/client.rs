//! Finding a cluster and connecting to it.

use super::ClusterError;
use std::path::PathBuf;

/// Which cluster.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// `--kubeconfig`; else `KUBECONFIG` (several paths allowed), the default file, or the in-cluster account.
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    /// Replaces the cluster by the embedded demo.
    pub demo: Option<super::demo::DemoOptions>,
}

/// A usable cluster.
#[derive(Clone)]
pub struct Connection {
    pub client: kube::Client,
    /// Context name; `demo` for the demo cluster.
    pub context: String,
    /// Server URL without credentials.
    pub server: String,
    /// The demo cluster behind `client`, when it is one.
    pub demo: Option<super::demo::Demo>,
}

/// Reads the configuration and makes a client. No request is sent: the first use tells whether the server is there.
pub async fn connect(target: &Target) -> Result<Connection, ClusterError> {
    let _ = target;
    todo!("cluster")
}

/// The answer to a plain HTTP GET of an in-cluster URL.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpAnswer {
    pub status: u16,
    /// At most 1 MiB; longer bodies are cut.
    pub body: String,
}

impl Connection {
    /// GETs a plain HTTP URL of a Service, as a pod would; the demo cluster answers for its own Services.
    ///
    /// 30 s in all, 5 s to connect. Used by checks, which run inside the cluster.
    pub async fn http_get(&self, url: &str) -> Result<HttpAnswer, ClusterError> {
        let _ = url;
        todo!("cluster")
    }
}
