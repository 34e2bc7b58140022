//! Why a use case ended without its result, in the shape in which it is told: what, where, because, hint.

use crate::cluster::{ClusterError, ClusterErrorKind};
use std::fmt;

/// What kind of failure; `cli::exit` maps each to an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bad flags, files, criteria.
    Usage,
    NotFound,
    Forbidden,
    Timeout,
    Unreachable,
    /// The server asks for fewer requests.
    RateLimited,
    Interrupted,
    Internal,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub kind: Kind,
    /// Reads after "failed to".
    pub doing: String,
    /// `file:line:column`, `context, namespace/name`.
    pub at: Option<String>,
    pub because: String,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(kind: Kind, doing: impl Into<String>, because: impl Into<String>) -> Failure {
        Failure { kind, doing: doing.into(), at: None, because: because.into(), hint: None }
    }

    pub fn at(mut self, at: impl Into<String>) -> Failure {
        self.at = Some(at.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}", self.doing)?;
        if let Some(at) = &self.at {
            write!(f, "\n  at {at}")?;
        }
        write!(f, "\n  because: {}", self.because)?;
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Failure {
        let kind = match error.kind {
            ClusterErrorKind::NoConfig
            | ClusterErrorKind::UnknownContext
            | ClusterErrorKind::Rejected
            | ClusterErrorKind::TooLarge => Kind::Usage,
            ClusterErrorKind::Unreachable | ClusterErrorKind::Conflict | ClusterErrorKind::Expired => Kind::Unreachable,
            ClusterErrorKind::TooManyRequests => Kind::RateLimited,
            ClusterErrorKind::Timeout => Kind::Timeout,
            ClusterErrorKind::Unauthorized | ClusterErrorKind::Forbidden => Kind::Forbidden,
            ClusterErrorKind::NotFound => Kind::NotFound,
            ClusterErrorKind::Protocol => Kind::Internal,
        };
        Failure { kind, doing: error.doing, at: Some(error.at), because: error.found, hint: error.hint }
    }
}
