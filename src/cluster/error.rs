//! What can go wrong between us and a cluster, in kinds that lead to an exit code and a hint.
//!
//! Text of the server is kept as it came; whoever shows it escapes it.

use super::{answer, explain};
use std::{error::Error, fmt, sync::Arc};

/// What kind of failure, which leads to an exit code and to what a caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterErrorKind {
    /// No kubeconfig, or one that cannot be used.
    NoConfig,
    UnknownContext,
    /// Refused, reset, DNS, TLS, proxy, or a server that is not ready.
    Unreachable,
    Timeout,
    /// Missing, wrong or expired credentials (401), or a plugin that gives none.
    Unauthorized,
    /// 403.
    Forbidden,
    NotFound,
    /// 409: the object is there already, was changed meanwhile, or is being deleted.
    Conflict,
    /// 410: the version or the page of a list is too old; the list has to be read again.
    Expired,
    /// 413: the object is larger than the server takes.
    TooLarge,
    /// 429: the server asks for fewer requests.
    TooManyRequests,
    /// The server refused what we sent (400, 422, admission).
    Rejected,
    /// An answer that is not Kubernetes', or anything else.
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
    /// What happened, with all its causes, in words.
    pub found: String,
    pub hint: Option<String>,
    pub cause: Option<Cause>,
}

/// The error below, for whoever asks for its type; its words are in `found` already. All causes are equal.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

/// A refusal of the API server with the request that it answers, for whoever looks that up in the server's logs.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Words that the error above it has as well.
    said: String,
    /// `GET /api/v1/nodes?limit=500`.
    pub request: String,
    /// What the server calls the request in its audit log, where it has said that.
    pub audit_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl Error for Refusal {}

impl Refusal {
    fn of(status: &kube::core::Status, said: &str) -> Option<Refusal> {
        let causes = &status.details.as_ref()?.causes;
        let asked = causes.iter().find(|cause| cause.reason == answer::REQUEST)?;
        let audit_id = Some(asked.field.clone()).filter(|id| !id.is_empty());
        Some(Refusal { said: said.to_owned(), request: asked.message.clone(), audit_id })
    }
}

impl PartialEq for Cause {
    fn eq(&self, _: &Cause) -> bool {
        true
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.doing, self.at, self.found)
    }
}

impl Error for ClusterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| &*cause.0 as &(dyn Error + 'static))
    }
}

impl ClusterError {
    pub fn new(kind: ClusterErrorKind, doing: impl Into<String>, at: impl Into<String>) -> ClusterError {
        ClusterError { kind, doing: doing.into(), at: at.into(), found: String::new(), hint: None, cause: None }
    }

    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> ClusterError {
        self.found = found.into();
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> ClusterError {
        self.hint = Some(hint.into());
        self
    }

    /// Takes words and hint from an error; the kind stays.
    #[must_use]
    pub fn caused_by(mut self, error: impl Error + Send + Sync + 'static) -> ClusterError {
        self.found = chain(&error);
        self.hint = explain::explain(&error).map_or(self.hint, |(_, _, hint)| hint);
        self.cause = Some(Cause(Arc::new(error)));
        self
    }

    /// The error of one call: `doing` is its verb and resource (`list nodes`), `at` says where.
    pub fn from_kube(doing: &str, at: &str, error: &kube::Error) -> ClusterError {
        let (kind, found, hint) = match error {
            kube::Error::Api(status) => {
                let (kind, hint) = refusal(doing, status.code, &status.reason, &status.message);
                (kind, status_text(status), hint)
            }
            kube::Error::Service(source) => explain::transport(source.as_ref()),
            kube::Error::HyperError(source) => explain::transport(source),
            kube::Error::ReadEvents(source) => explain::transport(source),
            kube::Error::SerdeError(source) => explain::body(source),
            other => (ClusterErrorKind::Protocol, chain(other), None),
        };
        let hint = if at.starts_with(IN_CLUSTER) { in_pod(kind, hint) } else { hint };
        let refusal = match error {
            kube::Error::Api(status) => Refusal::of(status, &found),
            _ => None,
        };
        let cause = refusal.map(|refusal| Cause(Arc::new(refusal)));
        ClusterError { hint, cause, ..ClusterError::new(kind, doing, at).found(found) }
    }

    /// A call whose body stopped coming.
    pub fn timeout(doing: &str, at: &str, seconds: u64) -> ClusterError {
        let found = format!("the answer was not complete within {seconds} s");
        ClusterError::new(ClusterErrorKind::Timeout, doing, at).found(found).hint(SLOW_HINT)
    }
}

/// How the place of an error begins where the account of a pod is used.
const IN_CLUSTER: &str = "in-cluster, ";

/// A pod has no kubeconfig that could be corrected, and nobody logs in there.
fn in_pod(kind: ClusterErrorKind, hint: Option<String>) -> Option<String> {
    if kind == ClusterErrorKind::Unauthorized {
        let hint = "the server does not accept the token of this pod's service account; was the account made again, or the pod restored elsewhere?";
        return Some(hint.to_owned());
    }
    let of_kubeconfig = |hint: &String| ["kubeconfig", "--context", "log in"].iter().any(|word| hint.contains(word));
    match hint {
        Some(hint) if of_kubeconfig(&hint) => Some(
            "a pod finds its cluster by KUBERNETES_SERVICE_HOST and trusts ca.crt of its service account; see both, and the ConfigMap kube-root-ca.crt of its namespace".to_owned(),
        ),
        hint => hint,
    }
}

pub(super) const SLOW_HINT: &str =
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

/// What an HTTP status means for us, with a hint.
pub(super) fn refusal(doing: &str, code: u16, reason: &str, message: &str) -> (ClusterErrorKind, Option<String>) {
    let hint = |text: &str| Some(text.to_owned());
    match code {
        401 => (
            ClusterErrorKind::Unauthorized,
            hint("the credentials are missing, wrong or expired; log in again, or choose another --context"),
        ),
        // The server's word for it is Forbidden, but no right would help.
        403 if message.contains("because it is being terminated") => {
            (ClusterErrorKind::Conflict, hint("the namespace is being deleted; try again when that is done"))
        }
        403 if message.contains("\"system:anonymous\"") => (
            ClusterErrorKind::Forbidden,
            hint(
                "the server does not know who you are: no credentials were sent, or it does not recognize them; log in again, or choose another --context",
            ),
        ),
        403 => (
            ClusterErrorKind::Forbidden,
            Some(match permission(message) {
                Some(asked) => {
                    format!("ask for the right to {}; check with: kubectl auth can-i {asked}", asked.words())
                }
                None => format!("ask for the right to {doing}"),
            }),
        ),
        // What the API server says of an API that it does not have, in either of its forms.
        404 if message.contains("could not find the requested resource") || message == "404 page not found" => (
            ClusterErrorKind::NotFound,
            hint("the server does not serve this version of the API; see which it does with `kubectl api-versions`"),
        ),
        404 => (ClusterErrorKind::NotFound, None),
        409 => (ClusterErrorKind::Conflict, None),
        410 => (ClusterErrorKind::Expired, hint("the list is too old to be followed; it has to be read again")),
        413 => (ClusterErrorKind::TooLarge, hint("the API server takes objects of about 1.5 MB, ConfigMaps of 1 MiB")),
        429 => (ClusterErrorKind::TooManyRequests, hint("the server asks for fewer requests; try again in a moment")),
        400 if message.contains("to an HTTPS server") => {
            (ClusterErrorKind::Rejected, hint("write https:// in the server URL of the kubeconfig"))
        }
        400 | 405 | 406 | 415 | 422 => (ClusterErrorKind::Rejected, None),
        407 => (ClusterErrorKind::Unreachable, hint(explain::LOGIN_MISSING)),
        408 | 504 => (ClusterErrorKind::Timeout, hint(SLOW_HINT)),
        500..=599 if reason == "Timeout" => (ClusterErrorKind::Timeout, hint(SLOW_HINT)),
        502 | 503 => {
            (ClusterErrorKind::Unreachable, hint("the server, or a proxy in front of it, is not ready; try again"))
        }
        _ => (ClusterErrorKind::Protocol, None),
    }
}

fn status_text(status: &kube::core::Status) -> String {
    match (status.message.is_empty(), status.reason.is_empty()) {
        (false, _) => format!("{} ({})", status.message, status.code),
        (true, false) => format!("{} ({})", status.reason, status.code),
        (true, true) => format!("HTTP {} with an empty body", status.code),
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
        check(
            404,
            "the server could not find the requested resource",
            NotFound,
            "does not serve this version of the API",
        );
        check(404, "404 page not found", NotFound, "kubectl api-versions");
        check(407, "no", Unreachable, "the proxy wants a login");
        check(409, "already exists", Conflict, "");
        check(410, "too old", Expired, "read again");
        check(413, "too large", TooLarge, "1 MiB");
        check(429, "slow down", TooManyRequests, "fewer requests");
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
        check(
            403,
            "nodes is forbidden: User \"system:anonymous\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
            ClusterErrorKind::Forbidden,
            "the server does not know who you are",
        );
        check(403, "x is forbidden: because it is being terminated", ClusterErrorKind::Conflict, "try again");
        check(403, "denied by a webhook", ClusterErrorKind::Forbidden, "ask for the right to list nodes");
    }

    #[test]
    fn a_pod_is_not_told_to_correct_a_kubeconfig() {
        let hint = |at: &str, code: u16, message: &str| {
            let status = kube::core::Status { code, message: message.to_owned(), ..kube::core::Status::default() };
            ClusterError::from_kube("list nodes", at, &kube::Error::Api(Box::new(status))).hint.unwrap_or_default()
        };
        let (pod, context) = ("in-cluster, https://10.0.0.1:443", "prod, https://k8s.test");
        assert!(hint(context, 401, "no").contains("choose another --context"));
        assert!(hint(pod, 401, "no").contains("the token of this pod's service account"));
        let http = "client sent an HTTP request to an HTTPS server";
        assert!(hint(context, 400, http).contains("kubeconfig"));
        assert!(hint(pod, 400, http).contains("KUBERNETES_SERVICE_HOST"));
        assert_eq!(hint(pod, 429, "slow"), hint(context, 429, "slow"));
    }

    #[test]
    fn a_message_cannot_smuggle_a_command_into_the_hint() {
        let message = "x cannot list resource \"nodes; rm -rf /\" in API group \"\" at the cluster scope";
        assert_eq!(permission(message), None);
    }

    #[test]
    fn a_subresource_keeps_its_group() {
        let message = "x cannot get resource \"jobs/status\" in API group \"batch\" at the cluster scope";
        assert_eq!(permission(message).map(|asked| asked.resource).as_deref(), Some("jobs.batch/status"));
    }
}
