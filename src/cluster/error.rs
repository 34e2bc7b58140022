//! What can go wrong between us and a cluster, in kinds that lead to an exit code and a hint.

use std::fmt;

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

impl std::error::Error for ClusterError {}
