//! CTRF JSON, in the reference's shape; what we add stands under `extra`.

use super::Report;
use crate::validate::event::{CheckResult, ReadinessOutcome, Status};
use serde_json::{Value, json};

/// The document. Readiness constraints are tests of the suite `readiness`, but only where one of them stopped the run:
/// otherwise the report counts what the reference's would count.
pub fn to_value(report: &Report) -> Value {
    let not_ready = report.readiness.iter().any(|readiness| readiness.outcome != ReadinessOutcome::Pass);
    let stopped = not_ready && report.results.is_empty();
    let mut tests: Vec<Value> = Vec::new();
    if stopped {
        tests.extend(report.readiness.iter().map(readiness));
    }
    tests.extend(report.in_order().into_iter().map(check));
    let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
    let timestamp = jiff::Timestamp::from_millisecond(i64::try_from(report.stop_ms).unwrap_or(0)).unwrap_or_default();
    json!({
        "reportFormat": "CTRF",
        "specVersion": "0.0.1",
        "timestamp": timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "generatedBy": "aicr",
        "results": {
            "tool": {"name": "aicr", "version": env!("CARGO_PKG_VERSION")},
            "summary": {
                "tests": tests.len(), "passed": count("passed"), "failed": count("failed"), "skipped": count("skipped"),
                "pending": 0, "other": count("other"), "start": report.start_ms, "stop": report.stop_ms,
            },
            "tests": tests,
            "extra": extra(report),
        },
    })
}

/// Indented JSON with a final newline.
pub fn to_json(report: &Report) -> String {
    crate::recipe::format::json_text(&to_value(report))
}

fn extra(report: &Report) -> Value {
    let readiness = report.readiness.iter().map(|readiness| {
        json!({
            "name": readiness.name, "expected": readiness.expected, "outcome": readiness.outcome,
            "actual": readiness.actual, "reason": readiness.reason,
        })
    });
    json!({
        "runId": report.run_id, "context": report.context, "recipe": report.recipe, "verdict": report.verdict,
        "readiness": readiness.collect::<Vec<_>>(), "left": report.left,
    })
}

fn readiness(readiness: &super::Readiness) -> Value {
    let status = match readiness.outcome {
        ReadinessOutcome::Pass => "passed",
        ReadinessOutcome::Fail => "failed",
        ReadinessOutcome::Unknown => "other",
    };
    let mut test = json!({"name": readiness.name, "status": status, "duration": 0, "suite": ["readiness"]});
    let told = match (&readiness.actual, &readiness.reason) {
        (_, Some(reason)) => reason.clone(),
        (Some(actual), None) => format!("expected {}, got {actual}", readiness.expected),
        (None, None) => String::new(),
    };
    if readiness.outcome != ReadinessOutcome::Pass {
        test["message"] = told.into();
    }
    test
}

fn check(result: &CheckResult) -> Value {
    let status = match result.status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Other => "other",
    };
    let mut test = json!({
        "name": result.name, "status": status, "duration": result.run_ms, "suite": [result.phase.name()],
        "start": result.start_ms, "stop": result.stop_ms,
        "extra": {
            "image": result.image, "node": result.node, "exitCode": result.exit_code, "totalMs": result.total_ms,
        },
    });
    if !result.message.is_empty() {
        test["message"] = result.message.as_str().into();
    }
    if !result.stdout.is_empty() {
        test["stdout"] = result.stdout.clone().into();
    }
    test
}
