//! A report as JUnit XML, for CI servers that show test results.
//!
//! One `testsuite` for each phase, readiness among them. What failed is a `failure`, what gave no verdict an `error`, so that
//! a server can tell a measured defect from a check that could not be run. A warning is a passed case whose output says so.

use super::{Report, words::Word};
use crate::validate::event::{CheckResult, ReadinessOutcome, Status};
use std::fmt::Write as _;

/// One case of a suite.
struct Case {
    name: String,
    seconds: f64,
    status: Status,
    word: Word,
    message: String,
    output: String,
}

/// The document, with a final newline.
pub fn to_xml(report: &Report) -> String {
    let mut suites: Vec<(&str, Vec<Case>)> = Vec::new();
    if report.verdict.is_none() {
        suites.push(("run", vec![not_ended()]));
    }
    if !report.readiness.is_empty() {
        suites.push(("readiness", report.readiness.iter().map(of_readiness).collect()));
    }
    for result in report.in_order() {
        let name = result.phase.name();
        match suites.iter_mut().find(|(known, _)| *known == name) {
            Some((_, cases)) => cases.push(of_check(result)),
            None => suites.push((name, vec![of_check(result)])),
        }
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let _ = writeln!(out, "<testsuites name=\"aicr validate {}\" {}>", escaped(&report.run_id), counts(all()));
    for (name, cases) in &suites {
        let _ = writeln!(out, "  <testsuite name=\"{name}\" {}>", counts(cases.iter()));
        for case in cases {
            write_case(&mut out, name, case);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts<'c>(cases: impl Iterator<Item = &'c Case>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped, mut seconds) = (0, 0, 0, 0, 0.0);
    for case in cases {
        tests += 1;
        failures += usize::from(case.status == Status::Failed);
        errors += usize::from(case.status == Status::Other);
        skipped += usize::from(case.status == Status::Skipped);
        seconds += case.seconds;
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{seconds:.3}\"")
}

fn write_case(out: &mut String, suite: &str, case: &Case) {
    let (name, message) = (escaped(&case.name), escaped(&case.message));
    let _ = write!(out, "    <testcase classname=\"{suite}\" name=\"{name}\" time=\"{:.3}\"", case.seconds);
    let element = match case.status {
        Status::Passed => None,
        Status::Failed => Some("failure"),
        Status::Other => Some("error"),
        Status::Skipped => Some("skipped"),
    };
    if element.is_none() && case.output.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str(">\n");
    if let Some(element) = element {
        let first = escaped(case.message.lines().next().unwrap_or_default());
        let kind = if element == "skipped" { String::new() } else { format!(" type=\"{}\"", case.word) };
        let _ = writeln!(out, "      <{element} message=\"{first}\"{kind}>{message}</{element}>");
    }
    if !case.output.is_empty() {
        let _ = writeln!(out, "      <system-out>{}</system-out>", escaped(&case.output));
    }
    out.push_str("    </testcase>\n");
}

/// Without it, a server that counts errors would take a run that has not ended for a good one.
fn not_ended() -> Case {
    Case {
        name: "verdict of the run".to_owned(),
        seconds: 0.0,
        status: Status::Other,
        word: Word::NoVerdict,
        message: super::NOT_ENDED.to_owned(),
        output: String::new(),
    }
}

fn of_readiness(readiness: &super::Readiness) -> Case {
    let status = match readiness.outcome {
        ReadinessOutcome::Pass | ReadinessOutcome::Warning => Status::Passed,
        ReadinessOutcome::Fail => Status::Failed,
        ReadinessOutcome::Unknown => Status::Other,
    };
    let (word, message) = (Word::from(readiness.outcome), readiness.message());
    // JUnit has no warnings: the case passes, because the run goes on, and its output says what is not so.
    let output = if word == Word::Warning { format!("{word}: {message}") } else { String::new() };
    Case { name: readiness.name.clone(), seconds: 0.0, status, word, message, output }
}

fn of_check(result: &CheckResult) -> Case {
    Case {
        name: result.name.clone(),
        seconds: result.run_ms as f64 / 1e3,
        status: result.status,
        word: result.into(),
        message: result.message.clone(),
        output: result.stdout.join("\n"),
    }
}

/// Text for XML 1.0, which has no form at all for most control characters: those are shown as `\u{1b}`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => out.extend(letter.escape_default()),
            letter if letter.is_control() => out.extend(letter.escape_default()),
            letter => out.push(letter),
        }
    }
    out
}
