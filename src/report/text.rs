//! A report for people: readiness, one line for each check, the reasons of those that did not pass, the verdict.

use super::{Report, escape};
use crate::validate::event::{ReadinessOutcome, Status, Verdict};
use std::fmt::Write as _;

/// The report as lines; no colors, nothing unescaped.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    for readiness in &report.readiness {
        let (word, found) = match readiness.outcome {
            ReadinessOutcome::Pass => ("pass", readiness.actual.as_deref().unwrap_or("-")),
            ReadinessOutcome::Fail => ("FAIL", readiness.actual.as_deref().unwrap_or("-")),
            ReadinessOutcome::Unknown => ("unknown", readiness.reason.as_deref().unwrap_or("-")),
        };
        let line = format!("{} {}: {found}", readiness.name, readiness.expected);
        let _ = writeln!(out, "{word:<8} readiness    {}", escape::line(&line));
    }
    for result in report.in_order() {
        let seconds = result.total_ms as f64 / 1000.0;
        let _ =
            writeln!(out, "{:<8} {:<12} {:<24} {seconds:>6.1}s", word(result.status), result.phase.name(), result.name);
        for line in result.message.lines() {
            let _ = writeln!(out, "{:22}{}", "", escape::line(line));
        }
    }
    for left in &report.left {
        let _ = writeln!(out, "left behind: {}", escape::line(left));
    }
    let count = |status: Status| report.results.iter().filter(|result| result.status == status).count();
    let _ = writeln!(
        out,
        "{}: {} passed, {} failed, {} skipped, {} without a verdict",
        report.verdict.map_or("not ended", told),
        count(Status::Passed),
        count(Status::Failed),
        count(Status::Skipped),
        count(Status::Other),
    );
    out
}

/// The word of a status; failures are upper case, so that no color is needed.
pub fn word(status: Status) -> &'static str {
    match status {
        Status::Passed => "pass",
        Status::Failed => "FAIL",
        Status::Skipped => "skip",
        Status::Other => "OTHER",
    }
}

/// A verdict in words.
pub fn told(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::NotReady => "NOT READY",
        Verdict::Failed => "FAILED",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Skipped => "nothing was checked",
        Verdict::Cancelled => "CANCELLED",
    }
}
