//! Two runs, check by check.
//!
//! In: two reports. Out: one [`Row`] for each check that either has, in the order of the later run, with what became of it.

use super::{
    Readiness, Report,
    words::{Tone, Word},
};
use crate::validate::event::CheckResult;
use serde_json::{Value, json};

/// What became of a check from one run to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    Same,
    /// It passes now.
    Better,
    /// It passed before.
    Worse,
    /// Another verdict, or the same one for another reason.
    Other,
    /// Only the later run has it.
    Added,
    /// Only the earlier run has it.
    Removed,
}

impl Became {
    pub const fn word(self) -> &'static str {
        match self {
            Became::Same => "same",
            Became::Better => "better",
            Became::Worse => "worse",
            Became::Other => "changed",
            Became::Added => "added",
            Became::Removed => "removed",
        }
    }
}

/// One check in both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub phase: &'static str,
    pub check: String,
    pub left: Option<Side>,
    pub right: Option<Side>,
    pub became: Became,
}

/// What one run says of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    pub word: Word,
    pub message: String,
    pub run_ms: u64,
}

impl From<&CheckResult> for Side {
    fn from(result: &CheckResult) -> Side {
        Side { word: result.into(), message: result.message.clone(), run_ms: result.run_ms }
    }
}

/// Every check of either run; readiness constraints come first.
pub fn compare(left: &Report, right: &Report) -> Vec<Row> {
    let readiness = |report: &Report| -> Vec<(&'static str, String, Side)> {
        let side = |readiness: &Readiness| Side {
            word: readiness.outcome.into(),
            message: readiness.actual.clone().or_else(|| readiness.reason.clone()).unwrap_or_default(),
            run_ms: 0,
        };
        report.readiness.iter().map(|readiness| ("readiness", readiness.name.clone(), side(readiness))).collect()
    };
    let of = |report: &Report| {
        let results = report.in_order().into_iter();
        let checks = results.map(|result| (result.phase.name(), result.name.clone(), Side::from(result)));
        readiness(report).into_iter().chain(checks).collect::<Vec<_>>()
    };
    let (left, right) = (of(left), of(right));
    let find = |side: &[(&'static str, String, Side)], phase: &str, check: &str| {
        side.iter().find(|(known, name, _)| *known == phase && name == check).map(|(.., side)| side.clone())
    };
    let mut rows: Vec<Row> = right
        .iter()
        .map(|(phase, check, side)| row(phase, check, find(&left, phase, check), Some(side.clone())))
        .collect();
    let gone = left.iter().filter(|(phase, check, _)| find(&right, phase, check).is_none());
    rows.extend(gone.map(|(phase, check, side)| row(phase, check, Some(side.clone()), None)));
    rows
}

fn row(phase: &'static str, check: &str, left: Option<Side>, right: Option<Side>) -> Row {
    let became = match (&left, &right) {
        (None, _) => Became::Added,
        (_, None) => Became::Removed,
        (Some(left), Some(right)) => match (left.word.tone(), right.word.tone()) {
            _ if left.word == right.word && (left.message == right.message || left.word == Word::Pass) => Became::Same,
            (Tone::Good, _) => Became::Worse,
            (_, Tone::Good) => Became::Better,
            _ => Became::Other,
        },
    };
    Row { phase, check: check.to_owned(), left, right, became }
}

/// The comparison for programs.
pub fn to_value((left, right): (&Report, &Report), rows: &[Row]) -> Value {
    let side = |side: &Option<Side>| match side {
        None => Value::Null,
        Some(side) => json!({"verdict": side.word.text(), "message": side.message, "runMs": side.run_ms}),
    };
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "phase": row.phase, "check": row.check, "became": row.became.word(),
                "baseline": side(&row.left), "target": side(&row.right),
            })
        })
        .collect();
    json!({"kind": "RunComparison", "baseline": left.run_id, "target": right.run_id, "checks": rows})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::validator::Phase,
        validate::event::{Status, Way},
    };

    fn report(results: &[(&str, Status, &str)]) -> Report {
        let result = |(name, status, message): &(&str, Status, &str)| CheckResult {
            name: (*name).to_owned(),
            phase: Phase::Conformance,
            status: *status,
            message: (*message).to_owned(),
            exit_code: None,
            node: None,
            image: String::new(),
            total_ms: 1,
            run_ms: 1,
            start_ms: 0,
            stop_ms: 1,
            stdout: Vec::new(),
            why: None,
            way: Way::Job,
        };
        Report { results: results.iter().map(result).collect(), ..Report::default() }
    }

    #[test]
    fn each_check_says_what_became_of_it() {
        let before = report(&[
            ("a", Status::Passed, ""),
            ("b", Status::Failed, "x"),
            ("c", Status::Failed, "x"),
            ("d", Status::Passed, ""),
            ("gone", Status::Skipped, ""),
        ]);
        let after = report(&[
            ("a", Status::Passed, ""),
            ("b", Status::Passed, ""),
            ("c", Status::Failed, "y"),
            ("d", Status::Other, ""),
            ("new", Status::Passed, ""),
        ]);
        let became: Vec<String> =
            compare(&before, &after).iter().map(|row| format!("{} {}", row.check, row.became.word())).collect();
        assert_eq!(became, ["a same", "b better", "c changed", "d worse", "new added", "gone removed"]);
    }
}
