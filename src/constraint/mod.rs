//! Rules on a snapshot: `K8s.server.version` `>= 1.32.4`.
//!
//! In: an expression and a snapshot. Out: a [`Verdict`] with its reason; what the cluster cannot reveal is Unknown,
//! never Fail. The arithmetic is the reference's (comparison at the precision of the shorter side).

pub mod eval;
pub mod parse;

/// What became of a constraint on a snapshot.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    Pass {
        actual: String,
    },
    Fail {
        actual: String,
    },
    /// Not measured, or not comparable: why.
    Unknown {
        reason: String,
    },
}

/// Judges `expression` on the reading that `path` names.
pub fn judge(path: &str, expression: &str, snapshot: &crate::snapshot::Snapshot) -> Verdict {
    let _ = (path, expression, snapshot);
    todo!("core")
}
