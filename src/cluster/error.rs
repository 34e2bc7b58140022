//! What can go wrong between us and a cluster, in kinds that lead to an exit code and a hint.
//!
//! Text of the server is kept as it came; whoever shows it escapes it.

use std::{error::Error, fmt, io};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterErrorKind {
    /// No kubeconfig, or one that cannot be read.
    NoConfig,
    UnknownContext,
    /// Refused, reset, DNS, TLS, or no answer in time.
    Unreachable,
    Timeout,
    /// Missing, wrong or expired credentials (401).
    Unauthorized,
    /// 403.
    Forbidden,
    NotFound,
    Conflict,
    /// The server refused what we sent (400, 422, admission).
    Rejected,
    /// Anything else.
    Protocol,
}

/// One failed call: what was being done, in which context, what came back, what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterError {
    pub kind: ClusterErrorKind,
    /// Reads after "failed to": `list nodes`.
    pub doing: String,
    /// Context and server; `namespace/name` where one object is meant.
    pub at: String,
    pub found: String,
    pub hint: Option<String>,
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.doing, self.at, self.found)
    }
}

impl Error for ClusterError {}

impl ClusterError {
    /// The error of one call: `doing` is its verb and resource (`list nodes`), `at` says where.
    pub fn from_kube(doing: &str, at: &str, error: &kube::Error) -> ClusterError {
        let (kind, found, hint) = match error {
            kube::Error::Api(status) => {
                let (kind, hint) = refusal(doing, status.code, &status.reason, &status.message);
                (kind, status_text(status), hint)
            }
            kube::Error::Auth(auth) => {
                (ClusterErrorKind::Unauthorized, credentials_text(auth), Some(credentials_hint(auth)))
            }
            kube::Error::Service(source) => transport(source.as_ref()),
            kube::Error::HyperError(source) => transport(source),
            kube::Error::ReadEvents(source) => transport(source),
            kube::Error::RustlsTls(source) => {
                let hint = "the certificates or keys of the kubeconfig cannot be used";
                (ClusterErrorKind::NoConfig, chain(source), Some(hint.to_owned()))
            }
            kube::Error::SerdeError(source) => {
                let hint = "is this the URL of a Kubernetes API server? A proxy may answer in its place";
                (
                    ClusterErrorKind::Protocol,
                    format!("the answer is not what Kubernetes sends: {source}"),
                    Some(hint.into()),
                )
            }
            kube::Error::InferConfig(_) | kube::Error::InferKubeconfig(_) => {
                (ClusterErrorKind::NoConfig, chain(error), None)
            }
            other => (ClusterErrorKind::Protocol, chain(other), None),
        };
        ClusterError { kind, doing: doing.to_owned(), at: at.to_owned(), found, hint }
    }

    /// A call whose body stopped coming.
    pub fn timeout(doing: &str, at: &str, seconds: u64) -> ClusterError {
        ClusterError {
            kind: ClusterErrorKind::Timeout,
            doing: doing.to_owned(),
            at: at.to_owned(),
            found: format!("no whole answer within {seconds} s"),
            hint: Some(SLOW_HINT.to_owned()),
        }
    }
}

const SLOW_HINT: &str =
    "the server is slow or the network drops packets; try again, or look with `kubectl get --raw /readyz`";

/// The message of an error and of everything under it, outermost first, without repetitions.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        next = error.source();
    }
    text
}

/// `Unreachable` or `Timeout`, for an error below HTTP.
pub(super) fn transport_kind(error: &(dyn Error + 'static)) -> ClusterErrorKind {
    transport(error).0
}

/// Causes below HTTP, found by type where there is one and by words where the crate hides it.
fn transport(error: &(dyn Error + 'static)) -> (ClusterErrorKind, String, Option<String>) {
    let text = chain(error);
    if causes(error).any(|cause| cause.is::<super::client::NoAnswer>()) {
        return (ClusterErrorKind::Timeout, super::client::NoAnswer.to_string(), Some(SLOW_HINT.to_owned()));
    }
    if let Some(auth) = causes(error).find_map(|cause| cause.downcast_ref::<kube::client::AuthError>()) {
        return (ClusterErrorKind::Unauthorized, credentials_text(auth), Some(credentials_hint(auth)));
    }
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // A server that wants another client certificate ends the handshake with an alert.
    if has(&["received fatal alert: CertificateExpired", "received fatal alert: BadCertificate", "CertificateRequired"])
    {
        let hint = "the server does not accept the client certificate of the kubeconfig; it may have expired";
        return (ClusterErrorKind::Unauthorized, text, Some(hint.to_owned()));
    }
    if has(&["certificate", "Certificate", "UnknownIssuer", "handshake"]) {
        let hint = if has(&["NotValidForName", "not valid for name"]) {
            "the certificate is for other names; correct the server URL or tls-server-name of the kubeconfig"
        } else if has(&["Expired", "expired"]) {
            "the server's certificate has expired; its operator must renew it"
        } else {
            "the kubeconfig's certificate-authority does not vouch for this server; is it the right cluster?"
        };
        return (ClusterErrorKind::Unreachable, text, Some(hint.to_owned()));
    }
    let io_kind = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).last();
    match io_kind {
        Some(io::ErrorKind::TimedOut) => {
            let hint = "nothing answers at that address; is a VPN or a tunnel down?";
            (ClusterErrorKind::Timeout, text, Some(hint.to_owned()))
        }
        Some(io::ErrorKind::ConnectionRefused) => {
            let hint = "no server listens there; is the cluster running, and is the port right?";
            (ClusterErrorKind::Unreachable, text, Some(hint.to_owned()))
        }
        _ if has(&["dns error", "failed to lookup address"]) => {
            let hint = "the server's name does not resolve; check the URL of the context, the network, the VPN";
            (ClusterErrorKind::Unreachable, text, Some(hint.to_owned()))
        }
        _ if has(&["timed out", "deadline has elapsed"]) => {
            (ClusterErrorKind::Timeout, text, Some(SLOW_HINT.to_owned()))
        }
        _ => (ClusterErrorKind::Unreachable, text, Some("the connection was lost; try again".to_owned())),
    }
}

/// An error and everything under it. `io::Error` shows what it wraps as its own source's source, so it is opened here.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = match this.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => this.source(),
        };
        Some(this)
    })
}

/// What an HTTP status means for us, with a hint.
fn refusal(doing: &str, code: u16, reason: &str, message: &str) -> (ClusterErrorKind, Option<String>) {
    let hint = |text: &str| Some(text.to_owned());
    match code {
        401 => (
            ClusterErrorKind::Unauthorized,
            hint("the credentials are missing, wrong or expired; log in again, or choose another --context"),
        ),
        // The server's word for it is Forbidden, but no right would help.
        403 if message.contains("because it is being terminated") => {
            (ClusterErrorKind::Conflict, hint("the namespace is being deleted; try again when it is gone"))
        }
        403 => (
            ClusterErrorKind::Forbidden,
            Some(match permission(message) {
                Some(asked) => {
                    format!("ask for the right to {}; check with: kubectl auth can-i {asked}", asked.words())
                }
                None => format!("ask for the right to {doing}"),
            }),
        ),
        404 => (ClusterErrorKind::NotFound, None),
        409 => (ClusterErrorKind::Conflict, None),
        410 => (ClusterErrorKind::Protocol, hint("the list is too old to be followed; it has to be read anew")),
        400 if message.contains("to an HTTPS server") => {
            (ClusterErrorKind::Rejected, hint("write https:// in the server URL of the kubeconfig"))
        }
        400 | 405 | 406 | 413 | 415 | 422 => (ClusterErrorKind::Rejected, None),
        408 | 504 => (ClusterErrorKind::Timeout, hint(SLOW_HINT)),
        429 => (ClusterErrorKind::Unreachable, hint("the server asks for fewer requests; try again in a moment")),
        500..=599 if reason == "Timeout" => (ClusterErrorKind::Timeout, hint(SLOW_HINT)),
        502 | 503 => {
            (ClusterErrorKind::Unreachable, hint("the server, or what stands before it, is not ready; try again"))
        }
        _ => (ClusterErrorKind::Protocol, None),
    }
}

fn status_text(status: &kube::core::Status) -> String {
    match (status.message.is_empty(), status.reason.is_empty()) {
        (false, _) => format!("{} ({})", status.message, status.code),
        (true, false) => format!("{} ({})", status.reason, status.code),
        (true, true) => format!("status {} without a word", status.code),
    }
}

/// A verb on a resource, as `kubectl auth can-i` wants it.
#[derive(Debug, PartialEq)]
struct Permission<'m> {
    verb: &'m str,
    /// With its group, if it has one: `jobs.batch`.
    resource: String,
    namespace: Option<&'m str>,
}

impl Permission<'_> {
    fn words(&self) -> String {
        let place = self.namespace.map_or("in the whole cluster".to_owned(), |name| format!("in namespace {name}"));
        format!("{} {} {place}", self.verb, self.resource)
    }
}

impl fmt::Display for Permission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        match self.namespace {
            Some(namespace) => write!(f, " -n {namespace}"),
            None => write!(f, " -A"),
        }
    }
}

/// Read from `… cannot VERB resource "R" in API group "G" in the namespace "N"`, which every Kubernetes since 1.12 says.
fn permission(message: &str) -> Option<Permission<'_>> {
    let rest = message.split_once(" cannot ")?.1;
    let (verb, rest) = rest.split_once(" resource ")?;
    let mut quoted = rest.split('"').skip(1).step_by(2);
    let name = quoted.next()?;
    let group = if rest.contains(" in API group ") { quoted.next()? } else { "" };
    let namespace = if rest.contains(" in the namespace ") { quoted.next() } else { None };
    let words_only = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-./*".contains(c));
    if verb.is_empty() || ![verb, name, group, namespace.unwrap_or_default()].iter().all(|text| words_only(text)) {
        return None;
    }
    let resource = match (name.split_once('/'), group) {
        (_, "") => name.to_owned(),
        (Some((resource, part)), group) => format!("{resource}.{group}/{part}"),
        (None, group) => format!("{name}.{group}"),
    };
    Some(Permission { verb, resource, namespace })
}

/// What went wrong with the credentials. Of a plugin only what it said to people: its output is a token.
fn credentials_text(error: &kube::client::AuthError) -> String {
    let kube::client::AuthError::AuthExecRun { cmd, out } = error else { return chain(error) };
    let said = String::from_utf8_lossy(&out.stderr);
    let said = said.trim();
    let said = if said.is_empty() { "it said nothing" } else { said };
    format!("credential plugin {} ended with {}: {said}", plugin(cmd), out.status)
}

/// The command line of a plugin, without the variable that tells it what the server wants.
fn plugin(command: &str) -> &str {
    match command.strip_prefix("KUBERNETES_EXEC_INFO=") {
        Some(rest) => rest.split_once("}\" ").map_or(command, |(_, plugin)| plugin),
        None => command,
    }
}

fn credentials_hint(error: &kube::client::AuthError) -> String {
    use kube::client::AuthError::{
        AuthExec, AuthExecParse, AuthExecRun, AuthExecStart, ExecPluginFailed, ReadTokenFile,
    };
    match error {
        AuthExecStart(_) => {
            "the credential plugin that the kubeconfig names is not installed or not on PATH".to_owned()
        }
        AuthExecRun { cmd, .. } => {
            format!("run {} by hand to see what it says; you may have to log in again", plugin(cmd))
        }
        AuthExec(_) | AuthExecParse(_) | ExecPluginFailed => {
            "the credential plugin of the kubeconfig did not print credentials; log in with kubectl first".to_owned()
        }
        ReadTokenFile(..) => "the token file that the kubeconfig names cannot be read".to_owned(),
        _ => "the credentials of the kubeconfig cannot be used; log in again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: u16, message: &str, kind: ClusterErrorKind, hint: &str) {
        let status = kube::core::Status { code, message: message.to_owned(), ..kube::core::Status::default() };
        let error = ClusterError::from_kube("list nodes", "test, https://x", &kube::Error::Api(Box::new(status)));
        assert_eq!(error.kind, kind);
        assert!(error.found.contains(message), "{}", error.found);
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{:?}", error.hint);
    }

    #[test]
    fn every_status_has_its_kind() {
        use ClusterErrorKind::*;
        check(401, "Unauthorized", Unauthorized, "log in again");
        check(404, "no such thing", NotFound, "");
        check(409, "already exists", Conflict, "");
        check(410, "too old", Protocol, "read anew");
        check(422, "invalid", Rejected, "");
        check(503, "not ready", Unreachable, "try again");
        check(504, "slow", Timeout, "slow");
        check(418, "teapot", Protocol, "");
    }

    #[test]
    fn a_forbidden_verb_says_how_to_ask_for_it() {
        check(
            403,
            "jobs.batch is forbidden: User \"jane\" cannot create resource \"jobs\" in API group \"batch\" in the namespace \"ml\"",
            ClusterErrorKind::Forbidden,
            "kubectl auth can-i create jobs.batch -n ml",
        );
        check(
            403,
            "nodes is forbidden: User \"jane\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
            ClusterErrorKind::Forbidden,
            "ask for the right to list nodes in the whole cluster; check with: kubectl auth can-i list nodes -A",
        );
        check(403, "x is forbidden: because it is being terminated", ClusterErrorKind::Conflict, "try again");
        check(403, "denied by a webhook", ClusterErrorKind::Forbidden, "ask for the right to list nodes");
    }

    #[test]
    fn a_message_cannot_smuggle_a_command_into_the_hint() {
        let message = "x cannot list resource \"nodes; rm -rf /\" in API group \"\" at the cluster scope";
        assert_eq!(permission(message), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_output_of_a_credential_plugin_is_never_told() {
        use std::os::unix::process::ExitStatusExt;
        let out = std::process::Output {
            status: std::process::ExitStatus::from_raw(256),
            stdout: b"token: secret".to_vec(),
            stderr: b"session expired\n".to_vec(),
        };
        let cmd = "KUBERNETES_EXEC_INFO=\"{\\\"a\\\":{}}\" \"aws\" \"get-token\"".to_owned();
        let error = kube::Error::Auth(kube::client::AuthError::AuthExecRun { cmd, out: Box::new(out) });
        let error = ClusterError::from_kube("connect", "x", &error);
        assert_eq!(error.found, "credential plugin \"aws\" \"get-token\" ended with exit status: 1: session expired");
        assert!(error.hint.is_some_and(|hint| hint.starts_with("run \"aws\" \"get-token\" by hand")));
    }

    #[test]
    fn a_subresource_keeps_its_group() {
        let message = "x cannot get resource \"jobs/status\" in API group \"batch\" at the cluster scope";
        assert_eq!(permission(message).map(|asked| asked.resource).as_deref(), Some("jobs.batch/status"));
    }

    #[test]
    fn a_stalled_server_is_a_timeout_and_a_closed_port_is_not() {
        let stalled = kube::Error::Service(Box::new(super::super::client::NoAnswer));
        assert_eq!(ClusterError::from_kube("list nodes", "x", &stalled).kind, ClusterErrorKind::Timeout);
        let refused = kube::Error::Service(Box::new(io::Error::from(io::ErrorKind::ConnectionRefused)));
        let error = ClusterError::from_kube("list nodes", "x", &refused);
        assert_eq!(error.kind, ClusterErrorKind::Unreachable);
        assert!(error.hint.is_some_and(|hint| hint.contains("no server listens there")));
    }
}
