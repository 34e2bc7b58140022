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
    /// A code of the reference, where `--compat-exit-codes` asks for it.
    Reference(u8),
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
            Exit::Reference(code) => code,
        }
    }

    /// One line for a table.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Good => "done; everything that was judged is good",
            Exit::Verdict => {
                "a verdict: a check or a release failed, the cluster is not ready, catalog lint found an error, or --fail-on-drift \
                 found drift"
            }
            Exit::Usage => {
                "bad flags, a bad file or bad criteria; or upgrade-check found a component that needs attention; or verify found a \
                 bundle as it was written, and less trusted than was asked for; or deploy has installed everything and not \
                 restarted the DRA driver"
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
            Exit::Reference(_) => "as the reference",
        }
    }

    /// The code of the reference for a verdict: it has none of its own for most, and says 8 for a check that failed as for a
    /// tool that broke. What is skipped as a whole passes there.
    pub fn of_reference(verdict: Verdict) -> Exit {
        Exit::Reference(match verdict {
            Verdict::Passed | Verdict::Skipped => 0,
            Verdict::NotReady => Exit::OF_DRIFT,
            Verdict::Failed | Verdict::Inconclusive => 8,
            Verdict::Canceled => 9,
        })
    }

    /// The reference's code for drift, and for a cluster that is not ready.
    pub const OF_DRIFT: u8 = 2;
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
    let compat = "With --compat-exit-codes (validate, diff) verdicts are those of the reference: 2 not ready, or drift; 8 a check \
                  failed or gave no verdict; 9 canceled; 0 also where everything was skipped.\n";
    format!("Exit codes:\n{}\n{compat}", rows.concat())
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
    fn codes_of_the_reference_are_asked_for() {
        let codes = [Verdict::Passed, Verdict::NotReady, Verdict::Failed, Verdict::Inconclusive, Verdict::Canceled];
        assert_eq!(codes.map(|verdict| Exit::of_reference(verdict).code()), [0, 2, 8, 8, 9]);
        assert_eq!(codes.map(|verdict| Exit::from(verdict).code()), [0, 1, 1, 9, 130]);
    }

    #[test]
    fn a_failed_check_and_a_broken_tool_differ() {
        assert_ne!(Exit::from(Verdict::Failed), Exit::from(ops::Kind::Internal));
        assert_ne!(Exit::from(Verdict::Inconclusive), Exit::from(Verdict::Passed));
    }
}
