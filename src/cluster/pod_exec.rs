//! A command in a container that runs already: how it ended and what it wrote, by the WebSocket of `pods/exec`.

use super::{ClusterError, ClusterErrorKind, Connection};
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Status};
use kube::{
    Api,
    api::{AttachParams, AttachedProcess},
    client::UpgradeConnectionError,
};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of each output that are kept; a command that writes more is read to its end.
const OUTPUT_BYTES: usize = 1 << 20;

/// A command that ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    pub output: String,
    pub errors: String,
}

/// Runs a command without input and without a terminal, and waits until it ends.
///
/// # Errors
/// A pod or container that is not there, no right to `pods/exec`, and a connection that ends before the command does: then
/// nobody knows whether it runs on.
pub async fn run(
    connection: &Connection,
    namespace: &str,
    pod: &str,
    container: &str,
    command: &[String],
) -> Result<Ran, ClusterError> {
    let at = format!("{namespace}/{pod}, {container}");
    let doing = "create pods/exec";
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), namespace);
    let options = AttachParams::default().stdin(false).stdout(true).stderr(true).container(container);
    let mut process = pods.exec(pod, command, &options).await.map_err(|error| failed(doing, &at, &error))?;
    let (output, errors) = (process.stdout(), process.stderr());
    let (status, output, errors) = tokio::join!(ended(&mut process), text(output), text(errors));
    let broken = |found: &str| ClusterError::new(ClusterErrorKind::Unreachable, doing, &at).found(found);
    let status = status.ok_or_else(|| broken("the connection ended before the command did"))?;
    let code = match status.status.as_deref() {
        Some("Success") => 0,
        _ => code_of(&status)
            .ok_or_else(|| broken(status.message.as_deref().unwrap_or("the command was not started")))?,
    };
    Ok(Ran { code, output, errors })
}

async fn ended(process: &mut AttachedProcess) -> Option<Status> {
    process.take_status()?.await
}

/// The exit code in the status of a command that failed; `None` where it never ran.
fn code_of(status: &Status) -> Option<i32> {
    let causes = status.details.as_ref()?.causes.as_ref()?;
    let cause = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"))?;
    cause.message.as_deref()?.parse().ok()
}

async fn text(from: Option<impl AsyncRead + Unpin>) -> String {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    if let Some(mut from) = from {
        // What cannot be read any more is at its end: how the command ended is told apart from it.
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let room = OUTPUT_BYTES - kept.len();
            kept.extend_from_slice(&buffer[..count.min(room)]);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// An upgrade that the server does not make has a status and no words.
fn failed(doing: &str, at: &str, error: &kube::Error) -> ClusterError {
    let kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) = error else {
        return ClusterError::from_kube(doing, at, error);
    };
    let (kind, found) = match status.as_u16() {
        401 => (ClusterErrorKind::Unauthorized, "the credentials are not accepted".to_owned()),
        403 => (ClusterErrorKind::Forbidden, "no right to run commands in pods (create and get pods/exec)".to_owned()),
        404 => (ClusterErrorKind::NotFound, "the pod does not exist".to_owned()),
        400 => (ClusterErrorKind::Rejected, "the container does not run".to_owned()),
        code => (ClusterErrorKind::Rejected, format!("HTTP {code} instead of a connection to the command")),
    };
    ClusterError::new(kind, doing, at).found(found)
}
