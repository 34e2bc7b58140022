//! A client that only reads.
//!
//! In: a client. Out: one that sends GET, HEAD and OPTIONS, and answers everything else itself with 403 and the reason. It
//! is below every use of the cluster, so that nothing has to be trusted to ask before it writes.

use futures::future::{BoxFuture, FutureExt};
use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use serde_json::json;
use std::task::{Context, Poll};
use tower::{BoxError, Service};

/// How the refusal is told.
pub const REASON: &str = "aicr is read-only here and did not send this; start it without --read-only";

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
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
        async move {
            match reads {
                true => client.send(request).await.map_err(Into::into),
                false => refusal(request.method(), request.uri().path()),
            }
        }
        .boxed()
    }
}

fn refusal(method: &Method, path: &str) -> Result<Response<Body>, BoxError> {
    let message = format!("{REASON} ({method} {path})");
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": message,
    });
    let answer = Response::builder().status(StatusCode::FORBIDDEN).header("content-type", "application/json");
    Ok(answer.body(Body::from(status.to_string().into_bytes()))?)
}

#[cfg(test)]
mod tests {
    use crate::{
        cluster::{ClusterErrorKind, changes},
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
            assert!(error.to_string().contains("read-only") || error.found.contains("read-only"), "{error:?}");
        }
        // The demo's cluster takes it, so that the refusal is ours.
        changes::create(&open, maps, &map, false).await.expect("a map");
        assert!(changes::patch(&shut, kept, &json!({"data": {"a": "b"}})).await.is_err());
        assert!(changes::delete(&shut, kept).await.is_err());
        let read = shut.client.request::<serde_json::Value>(http::Request::get(kept).body(Vec::new()).unwrap()).await;
        assert_eq!(read.expect("the map")["metadata"]["name"], "kept");
    }
}
