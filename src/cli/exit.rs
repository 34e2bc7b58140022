//! What the exit code of the program means: one table, shown by `aicr --help` and in the README.

use crate::{ops, validate::event::Verdict};
use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Good,
    Verdict,
    Usage,
    NotFound,
    Forbidden,
    Timeout,
    Unreachable,
    RateLimited,
    Internal,
    Inconclusive,
    Interrupted,
    ClosedPipe,
}

impl Exit {
    /// By code.
    pub const ALL: [Exit; 12] = [
        Exit::Good,
        Exit::Verdict,
        Exit::Usage,
        Exit::NotFound,
        Exit::Forbidden,
        Exit::Timeout,
        Exit::Unreachable,
        Exit::RateLimited,
        Exit::Internal,
        Exit::Inconclusive,
        Exit::Interrupted,
        Exit::ClosedPipe,
    ];

    /// 2 to 8 are the reference's; it has no code of its own for a verdict.
    pub fn code(self) -> u8 {
        match self {
            Exit::Good => 0,
            Exit::Verdict => 1,
            Exit::Usage => 2,
            Exit::NotFound => 3,
            Exit::Forbidden => 4,
            Exit::Timeout => 5,
            Exit::Unreachable => 6,
            Exit::RateLimited => 7,
            Exit::Internal => 8,
            Exit::Inconclusive => 9,
            Exit::Interrupted => 130,
            Exit::ClosedPipe => 141,
        }
    }

    /// One line for a table.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Good => "done; everything that was judged is good",
            Exit::Verdict => "a verdict: a check failed, the cluster is not ready, or --fail-on-drift found drift",
            Exit::Usage => {
                "bad flags, a bad file or bad criteria; or upgrade-check found a component that needs attention"
            }
            Exit::NotFound => "a file, an object or the target of a selector does not exist",
            Exit::Forbidden => {
                "credentials are missing or expired, or the cluster forbids the verb; or a bundle is not as it was written"
            }
            Exit::Timeout => "the cluster did not answer in time",
            Exit::Unreachable => "the cluster cannot be reached, or cannot do it now",
            Exit::RateLimited => "the cluster asks for fewer requests",
            Exit::Internal => {
                "an internal error, a failure of the local system, or an answer that cannot be understood"
            }
            Exit::Inconclusive => "nothing failed, but a check gave no verdict or none ran",
            Exit::Interrupted => "interrupted; what was created has been removed as far as possible",
            Exit::ClosedPipe => "the reader of standard output went away",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

impl From<ops::Kind> for Exit {
    fn from(kind: ops::Kind) -> Exit {
        match kind {
            ops::Kind::Usage => Exit::Usage,
            ops::Kind::NotFound => Exit::NotFound,
            ops::Kind::Forbidden => Exit::Forbidden,
            ops::Kind::Timeout => Exit::Timeout,
            ops::Kind::Unreachable => Exit::Unreachable,
            ops::Kind::RateLimited => Exit::RateLimited,
            ops::Kind::Interrupted => Exit::Interrupted,
            ops::Kind::Internal => Exit::Internal,
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Exit {
        match verdict {
            Verdict::Passed => Exit::Good,
            Verdict::NotReady | Verdict::Failed => Exit::Verdict,
            Verdict::Inconclusive | Verdict::Skipped => Exit::Inconclusive,
            Verdict::Canceled => Exit::Interrupted,
        }
    }
}

/// The table of `aicr --help`.
pub fn table() -> String {
    let rows = Exit::ALL.map(|exit| format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
    format!("Exit codes:\n{}", rows.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_has_one_meaning() {
        let mut codes = Exit::ALL.map(Exit::code).to_vec();
        assert!(codes.is_sorted());
        codes.dedup();
        assert_eq!(codes.len(), Exit::ALL.len());
    }

    #[test]
    fn a_failed_check_and_a_broken_tool_differ() {
        assert_ne!(Exit::from(Verdict::Failed), Exit::from(ops::Kind::Internal));
        assert_ne!(Exit::from(Verdict::Inconclusive), Exit::from(Verdict::Passed));
    }
}
