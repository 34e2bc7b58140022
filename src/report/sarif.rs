//! SARIF 2.1.0: findings of the linter, and checks of a run that did not pass.

use super::{Report, escape, words::Word};
use crate::{
    lint::{Finding, Severity, rules},
    validate::event::Status,
};
use serde_json::{Value, json};

/// Findings as SARIF 2.1.0, for code hosts that show them next to the lines.
pub fn to_sarif(findings: &[Finding]) -> Value {
    let rules = rules().map(|(name, text)| json!({"id": name, "shortDescription": {"text": text}}));
    let results = findings.iter().map(|finding| {
        let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        json!({
            "ruleId": finding.rule,
            "level": if finding.severity == Severity::Error { "error" } else { "warning" },
            "message": {"text": format!("{}{hint}", finding.message)},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": finding.file},
                "region": {"startLine": finding.line.max(1), "startColumn": finding.column.max(1)},
            }}],
        })
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "aicr", "version": env!("CARGO_PKG_VERSION"), "rules": rules.collect::<Vec<_>>()}},
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

/// Checks and readiness constraints that did not pass, with the recipe as their place: the file that asks for what is not so.
pub fn of_run(report: &Report) -> String {
    let open = report.verdict.is_none().then(|| ("run/verdict".to_owned(), "warning", super::NOT_ENDED.to_owned()));
    let readiness = report.readiness.iter().filter_map(|readiness| {
        let word = Word::from(readiness.outcome);
        let level = match word {
            Word::Pass => return None,
            Word::Fail => "error",
            _ => "warning",
        };
        Some((format!("readiness/{}", readiness.name), level, format!("{word}: {}", readiness.message())))
    });
    let checks = report.in_order().into_iter().filter_map(|result| {
        let level = match result.status {
            Status::Passed | Status::Skipped => return None,
            Status::Failed => "error",
            Status::Other => "warning",
        };
        let message = format!("{}: {}", Word::from(result), result.message);
        Some((format!("{}/{}", result.phase.name(), result.name), level, message))
    });
    let results = open.into_iter().chain(readiness).chain(checks).map(|(rule, level, message)| {
        json!({
            "ruleId": rule, "level": level, "message": {"text": message},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": report.recipe}, "region": {"startLine": 1, "startColumn": 1},
            }}],
        })
    });
    let about = report.planned.iter().map(|planned| {
        let id = format!("{}/{}", planned.phase.name(), planned.name);
        json!({"id": id, "shortDescription": {"text": planned.description}})
    });
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "aicr", "version": env!("CARGO_PKG_VERSION"), "rules": about.collect::<Vec<_>>(),
            }},
            "results": results.collect::<Vec<_>>(),
        }],
    });
    escape::json(&format!("{document:#}\n"))
}
