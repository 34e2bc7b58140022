//! A client that only reads.
//!
//! In: a client. Out: one that sends GET, HEAD and OPTIONS, and refuses everything else itself, and a GET that opens a way into
//! a pod as well. It is below every use of the cluster, so that nothing has to be trusted to ask before it writes.

use futures::future::{BoxFuture, FutureExt};
use http::{Method, Request, Response};
use kube::client::Body;
use std::task::{Context, Poll};
use tower::{BoxError, Service};

/// A request that was not sent.
#[derive(Debug, thiserror::Error)]
#[error("read-only: {method} {path} was not sent")]
pub(super) struct NotSent {
    method: Method,
    path: String,
}

pub(super) const HINT: &str =
    "start without --read-only, AICR_READ_ONLY and `read-only` in the preferences to change the cluster";

pub(super) fn client(client: kube::Client) -> kube::Client {
    let namespace = client.default_namespace().to_owned();
    kube::Client::new(ReadOnly(client), namespace)
}

#[derive(Clone)]
struct ReadOnly(kube::Client);

impl Service<Request<Body>> for ReadOnly {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let client = self.0.clone();
        async move {
            let path = request.uri().path();
            let enters = ["/exec", "/attach", "/portforward"].iter().any(|end| path.ends_with(end));
            let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
            if !reads || (enters && path.contains("/pods/")) {
                let (method, path) = (request.method().clone(), path.to_owned());
                return Err(NotSent { method, path }.into());
            }
            Ok(client.send(request).await?)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        cluster::{ClusterErrorKind, changes, pod_exec},
        ops::{connect::Target, demo::DemoOptions, session::Session},
    };
    use serde_json::json;

    #[tokio::test]
    async fn reading_goes_through_and_writing_is_refused_before_it_is_sent() {
        let session = Session::new(Target::Demo(DemoOptions::default()));
        let open = session.connection().await.expect("a demo cluster");
        let shut = open.clone().read_only();
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {}});
        let (maps, kept) = ("/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/configmaps/kept");
        for trial in [true, false] {
            let error = changes::create(&shut, maps, &map, trial).await.expect_err("it is refused");
            assert_eq!(error.kind, ClusterErrorKind::Forbidden);
            assert!(error.found.contains("read-only: POST /api/v1/namespaces/default/configmaps"), "{error:?}");
            assert_eq!(error.hint.as_deref(), Some(super::HINT));
        }
        // The demo's cluster takes it, so that the refusal is ours.
        changes::create(&open, maps, &map, false).await.expect("a map");
        assert!(changes::patch(&shut, kept, &json!({"data": {"a": "b"}})).await.is_err());
        assert!(changes::delete(&shut, kept).await.is_err());
        let error = pod_exec::run(&shut, "default", "a", "b", &["true".to_owned()]).await.expect_err("it is refused");
        assert!(error.found.contains("read-only: GET /api/v1/namespaces/default/pods/a/exec"), "{error:?}");
        let read = shut.client.request::<serde_json::Value>(http::Request::get(kept).body(Vec::new()).unwrap()).await;
        assert_eq!(read.expect("the map")["metadata"]["name"], "kept");
    }
}
