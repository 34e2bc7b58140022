//! Findings of the linter as SARIF 2.1.0.

use crate::lint::{Finding, Severity, rules};
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
