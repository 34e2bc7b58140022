//! A report for people: readiness, one line for each check, the reasons of those that did not pass, the verdict.

use super::{
    Report, escape,
    words::{self, Word},
};
use crate::{text::duration, validate::event::ReadinessOutcome};
use std::fmt::Write as _;

/// The report as lines; no colors, nothing unescaped.
pub fn render(report: &Report) -> String {
    if let Some(deploy) = &report.deploy {
        return deploy.text().lines().map(|line| format!("{}\n", escape::line(line))).collect();
    }
    let mut out = String::new();
    for readiness in &report.readiness {
        let (found, reason) = match readiness.outcome {
            ReadinessOutcome::Unknown => (&readiness.reason, None),
            _ => (&readiness.actual, readiness.reason.as_deref()),
        };
        let found = found.as_deref().unwrap_or("-");
        let line = format!("{} {}: {found}", readiness.name, readiness.expected);
        let word = Word::from(readiness.outcome);
        let _ = writeln!(out, "{word:<10} readiness    {}", escape::line(&line));
        for line in reason.into_iter().flat_map(str::lines) {
            let _ = writeln!(out, "{:24}{}", "", escape::line(line));
        }
    }
    for result in report.in_order() {
        // As the screen has it: two roundings of one time look like two times.
        let took = duration(result.total_ms);
        let word = Word::from(result);
        let _ = writeln!(out, "{word:<10} {:<12} {:<24} {took:>8}", result.phase.name(), result.name);
        for line in result.message.lines() {
            let _ = writeln!(out, "{:24}{}", "", escape::line(line));
        }
    }
    for left in &report.left {
        let _ = writeln!(out, "left behind: {}", escape::line(left));
    }
    let verdict = report.verdict.map_or("not ended", |verdict| Word::from(verdict).text());
    let counts = words::summary(&report.results);
    let _ = writeln!(out, "{verdict}: {counts}");
    out
}
