//! Rules on a snapshot: `K8s.server.version` `>= 1.32.4`.
//!
//! In: an expression and a snapshot. Out: a [`Verdict`] with its reason; what the cluster cannot reveal is Unknown,
//! never Fail. The arithmetic is the reference's (comparison at the precision of the shorter side).

pub mod eval;
pub mod parse;

use crate::snapshot::{Snapshot, path};

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
    /// Not measured, or measured and not comparable (then `actual` is there): why.
    Unknown {
        actual: Option<String>,
        reason: String,
    },
}

/// Judges `expression` on the reading that `path` names.
pub fn judge(path: &str, expression: &str, snapshot: &Snapshot) -> Verdict {
    let actual = match path::find(path, snapshot) {
        Ok(reading) => reading,
        Err(missing) => return Verdict::Unknown { actual: None, reason: missing.to_string() },
    };
    let verdict = parse::expression(expression).and_then(|parsed| eval::holds(&parsed, &actual));
    match verdict {
        Ok(true) => Verdict::Pass { actual },
        Ok(false) => Verdict::Fail { actual },
        Err(error) => Verdict::Unknown { actual: Some(actual), reason: error.to_string() },
    }
}

/// Judges `expression` on a text that was read elsewhere (a phase constraint of a check).
///
/// # Errors
/// An expression that cannot be read, or sides that cannot be compared.
pub fn holds(expression: &str, actual: &str) -> Result<bool, parse::ExpressionError> {
    parse::expression(expression).and_then(|parsed| eval::holds(&parsed, actual))
}
