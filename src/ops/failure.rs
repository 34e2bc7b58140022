//! Why a use case ended without its result: what was being done, where, because of what, and what to do.
//!
//! The error below stays there as the source, whole; its chain is printed once, by the consumer.

use crate::{
    cluster::{ClusterError, ClusterErrorKind, Refusal},
    text,
};
use std::{error::Error, fmt, io, sync::Arc};

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
    /// The error whose words `because` has; what is below it is in [`Failure::why`].
    pub cause: Option<Cause>,
}

/// An error of a lower layer, for whoever asks for its type. Two are equal when their words are.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl PartialEq for Cause {
    fn eq(&self, other: &Cause) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Failure {
    pub fn new(kind: Kind, doing: impl Into<String>, because: impl Into<String>) -> Failure {
        let because = text::reason(&because.into());
        Failure { kind, doing: doing.into(), at: None, because, hint: None, cause: None }
    }

    /// A failure because of an error, which becomes its source.
    pub fn from_error(kind: Kind, doing: impl Into<String>, error: impl Error + Send + Sync + 'static) -> Failure {
        let because = error.to_string();
        Failure { cause: Some(Cause(Arc::new(error))), ..Failure::new(kind, doing, because) }
    }

    pub fn at(mut self, at: impl Into<String>) -> Failure {
        self.at = Some(at.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Why, from the nearest reason to the deepest. Many errors repeat their source in their own words; what was said is
    /// not said again.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = vec![self.because.clone()];
        let mut deeper = self.source().and_then(Error::source);
        while let Some(error) = deeper {
            let words = text::reason(&error.to_string());
            if !reasons.iter().any(|reason| reason.contains(&words)) {
                reasons.push(words);
            }
            deeper = error.source();
        }
        reasons
    }

    /// The request that a server refused, where it is because of one.
    pub fn refusal(&self) -> Option<&Refusal> {
        let mut deeper = self.source();
        while let Some(error) = deeper {
            if let Some(refusal) = error.downcast_ref() {
                return Some(refusal);
            }
            deeper = error.source();
        }
        None
    }

    /// The reasons in one line.
    pub fn why(&self) -> String {
        self.reasons().join(": ")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}", self.doing)?;
        if let Some(at) = &self.at {
            write!(f, "\n  at {at}")?;
        }
        write!(f, "\n  because: {}", self.why())?;
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| &*cause.0 as &(dyn Error + 'static))
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Failure {
        let is_missing_file = |error: &ClusterError| {
            let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
            cause.is_some_and(|cause| cause.kind() == io::ErrorKind::NotFound)
        };
        let kind = match error.kind {
            ClusterErrorKind::NoConfig if is_missing_file(&error) => Kind::NotFound,
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
        Failure {
            kind,
            doing: error.doing.clone(),
            at: Some(error.at.clone()),
            because: text::reason(&error.found),
            hint: error.hint.clone(),
            cause: Some(Cause(Arc::new(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// An error that says its own step only.
    #[derive(Debug)]
    struct Step(&'static str, Option<Box<Step>>);

    impl fmt::Display for Step {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Step {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|below| below as &(dyn Error + 'static))
        }
    }

    #[test]
    fn the_chain_is_printed_once_from_the_nearest_reason_to_the_deepest() {
        let deepest = Step("the disk is full", None);
        let repeating = Step("writing: the disk is full", Some(Box::new(deepest)));
        let error = Step("the file cannot be closed", Some(Box::new(repeating)));
        let failure = Failure::from_error(Kind::Internal, "write x", error);
        assert_eq!(failure.reasons(), ["the file cannot be closed", "writing: the disk is full"]);
        assert_eq!(
            failure.to_string(),
            "failed to write x\n  because: the file cannot be closed: writing: the disk is full"
        );
    }

    #[test]
    fn the_error_below_keeps_its_type() {
        let error = io::Error::from(io::ErrorKind::StorageFull);
        let failure = Failure::from_error(Kind::Internal, "write x", error);
        let source = failure.source().and_then(|source| source.downcast_ref::<io::Error>());
        assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::StorageFull));
    }
}
