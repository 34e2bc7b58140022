//! CTRF JSON, in the reference's shape and order; what we add stands under `extra`.

use super::{Readiness, Report, escape};
use crate::validate::{
    checks::nccl_runtime,
    coverage::{Nodes, SkipReason},
    curve::Measured,
    event::{CheckResult, ReadinessOutcome, Status, Verdict, Way, Why},
};
use serde::Serialize;

/// The whole document.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub report_format: &'static str,
    pub spec_version: &'static str,
    /// RFC 3339, UTC, whole seconds: when the run ended.
    pub timestamp: String,
    pub generated_by: &'static str,
    pub results: Results,
}

#[derive(Clone, Debug, Serialize)]
pub struct Results {
    pub tool: Tool,
    pub summary: Summary,
    /// In the order of the plan; empty, never null.
    pub tests: Vec<Test>,
    pub extra: RunExtra,
}

#[derive(Clone, Debug, Serialize)]
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
}

/// Counters, and milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    pub tests: usize,
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub pending: usize,
    pub other: usize,
    pub start: u64,
    pub stop: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Test {
    pub name: String,
    pub status: Status,
    /// Milliseconds from the start of the container to its end; scheduling and pulling are in `extra.totalMs`.
    pub duration: u64,
    pub start: u64,
    pub stop: u64,
    /// The phase, or `readiness`.
    pub suite: [&'static str; 1],
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stdout: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<TestExtra>,
}

/// What the reference does not tell of a check.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestExtra {
    pub image: String,
    pub node: Option<String>,
    pub exit_code: Option<i32>,
    pub total_ms: u64,
    pub way: Way,
    /// Why there is no verdict, or why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Why>,
    /// As the reference names it, for the reasons that it has a name for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<&'static str>,
    /// GPU nodes that were judged, and how many there are: decimal text, as the reference writes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes_validated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes_total: Option<String>,
    /// Where the runtime of a benchmark comes from, for one that the recipe brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_source: Option<&'static str>,
    /// Bus bandwidth by message size, of a benchmark.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<Measured>,
}

/// What the reference does not tell of a run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunExtra {
    pub run_id: String,
    pub context: String,
    pub recipe: String,
    /// Null while the run goes on.
    pub verdict: Option<Verdict>,
    pub readiness: Vec<ReadinessExtra>,
    /// Objects that could not be removed.
    pub left: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ReadinessExtra {
    pub name: String,
    pub expected: String,
    pub outcome: ReadinessOutcome,
    pub actual: Option<String>,
    pub reason: Option<String>,
}

/// The document of a report.
///
/// Readiness constraints are tests of the suite `readiness`, but only where one of them stopped the run: otherwise the
/// report counts what the reference's would count.
pub fn document(report: &Report) -> Document {
    let not_ready = report
        .readiness
        .iter()
        .any(|readiness| !matches!(readiness.outcome, ReadinessOutcome::Pass | ReadinessOutcome::Warning));
    let stopped = not_ready && report.results.is_empty();
    let readiness = report.readiness.iter().filter(|_| stopped).map(of_readiness);
    let tests: Vec<Test> = readiness.chain(report.in_order().into_iter().map(of_check)).collect();
    let count = |status: Status| tests.iter().filter(|test| test.status == status).count();
    let ended = jiff::Timestamp::from_millisecond(i64::try_from(report.stop_ms).unwrap_or(0)).unwrap_or_default();
    Document {
        report_format: "CTRF",
        spec_version: "0.0.1",
        timestamp: ended.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        generated_by: "aicr",
        results: Results {
            tool: Tool { name: "aicr", version: env!("CARGO_PKG_VERSION") },
            summary: Summary {
                tests: tests.len(),
                passed: count(Status::Passed),
                failed: count(Status::Failed),
                skipped: count(Status::Skipped),
                pending: 0,
                other: count(Status::Other),
                start: report.start_ms,
                stop: report.stop_ms,
            },
            tests,
            extra: of_run(report),
        },
    }
}

/// Indented JSON with a final newline. Letters stay as they are, where the reference writes `\u003c` for `<`.
pub fn to_json(report: &Report) -> String {
    // Texts, numbers and lists: nothing in it can fail to serialize.
    escape::json(&(serde_json::to_string_pretty(&document(report)).unwrap_or_default() + "\n"))
}

fn of_run(report: &Report) -> RunExtra {
    let readiness = report.readiness.iter().map(|readiness| ReadinessExtra {
        name: readiness.name.clone(),
        expected: readiness.expected.clone(),
        outcome: readiness.outcome,
        actual: readiness.actual.clone(),
        reason: readiness.reason.clone(),
    });
    RunExtra {
        run_id: report.run_id.clone(),
        context: report.context.clone(),
        recipe: report.recipe.clone(),
        verdict: report.verdict,
        readiness: readiness.collect(),
        left: report.left.clone(),
    }
}

fn of_readiness(readiness: &Readiness) -> Test {
    let status = match readiness.outcome {
        ReadinessOutcome::Pass => Status::Passed,
        ReadinessOutcome::Fail => Status::Failed,
        ReadinessOutcome::Unknown | ReadinessOutcome::Warning => Status::Other,
    };
    let message = match (&readiness.actual, &readiness.reason) {
        _ if status == Status::Passed => String::new(),
        (Some(actual), Some(reason)) => format!("expected {}, got {actual}; {reason}", readiness.expected),
        (None, Some(reason)) => reason.clone(),
        (Some(actual), None) => format!("expected {}, got {actual}", readiness.expected),
        (None, None) => String::new(),
    };
    Test {
        name: readiness.name.clone(),
        status,
        duration: 0,
        start: readiness.at_ms,
        stop: readiness.at_ms,
        suite: ["readiness"],
        message,
        stdout: Vec::new(),
        extra: None,
    }
}

fn of_check(result: &CheckResult) -> Test {
    let nodes = result.stdout.iter().find_map(|line| Nodes::of_line(line));
    let of_output = || result.stdout.iter().find_map(|line| SkipReason::of_line(line)).map(SkipReason::name);
    let skip_reason = match result.why {
        Some(Why::NamedInSkipChecks) => Some("named-in-skip-checks"),
        _ if result.status == Status::Skipped => of_output(),
        _ => None,
    };
    Test {
        name: result.name.clone(),
        status: result.status,
        duration: result.run_ms,
        start: result.start_ms,
        stop: result.stop_ms,
        suite: [result.phase.name()],
        message: result.message.clone(),
        stdout: result.stdout.clone(),
        extra: Some(TestExtra {
            image: result.image.clone(),
            node: result.node.clone(),
            exit_code: result.exit_code,
            total_ms: result.total_ms,
            way: result.way,
            reason: result.why,
            skip_reason,
            nodes_validated: nodes.map(|nodes| nodes.validated.to_string()),
            nodes_total: nodes.map(|nodes| nodes.total.to_string()),
            runtime_source: result
                .stdout
                .iter()
                .any(|line| line == nccl_runtime::SOURCE)
                .then_some("recipe-supplied-runtime"),
            curve: result.stdout.iter().filter_map(|line| Measured::of_line(line)).collect(),
        }),
    }
}
