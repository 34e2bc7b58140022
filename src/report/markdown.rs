//! A report as Markdown: evidence for people, and the summary of a step on GitHub.
//!
//! Verdicts are those of the one table of words. What gave no verdict is neither a pass nor a failure, and says so; skipped
//! checks are listed with their reason.

use super::{
    Report, escape,
    words::{self, Word},
};
use crate::{
    text::duration,
    validate::event::{CheckResult, Way},
};
use std::fmt::Write as _;

/// Checks and the file of evidence that the reference writes for each; other checks are evidence of no requirement.
pub const REQUIREMENTS: [(&str, &str); 9] = [
    ("dra-support", "dra-support"),
    ("gang-scheduling", "gang-scheduling"),
    ("accelerator-metrics", "accelerator-metrics"),
    ("ai-service-metrics", "ai-service-metrics"),
    ("inference-gateway", "inference-gateway"),
    ("pod-autoscaling", "pod-autoscaling"),
    ("cluster-autoscaling", "cluster-autoscaling"),
    ("robust-controller", "robust-operator"),
    ("secure-accelerator-access", "secure-accelerator-access"),
];

/// The whole report: verdict, readiness, a table of checks, the reasons of those that did not pass.
pub fn render(report: &Report) -> String {
    let verdict = report.verdict.map_or("not ended", |verdict| Word::from(verdict).text());
    let mut out = format!("## Validation: {verdict}\n\n");
    let counts = words::summary(&report.results);
    let _ = writeln!(
        out,
        "{counts}. Run {} of recipe {} on {}, {}.\n",
        inline(&report.run_id),
        inline(&report.recipe),
        inline(&report.context),
        ended(report)
    );
    if !report.readiness.is_empty() {
        out.push_str("| readiness | expected | found | verdict | reason |\n| --- | --- | --- | --- | --- |\n");
        for readiness in &report.readiness {
            let or_dash = |text: Option<&str>| cell(text.unwrap_or("-"));
            let (found, reason) = (or_dash(readiness.actual.as_deref()), or_dash(readiness.reason.as_deref()));
            let word = Word::from(readiness.outcome);
            let (name, expected) = (cell(&readiness.name), cell(&readiness.expected));
            let _ = writeln!(out, "| {name} | {expected} | {found} | {word} | {reason} |");
        }
        out.push('\n');
    }
    if !report.results.is_empty() {
        out.push_str("| phase | check | verdict | time | where |\n| --- | --- | --- | --- | --- |\n");
        for result in report.in_order() {
            let place = match (result.way, &result.node) {
                (Way::InProcess, _) => "in process".to_owned(),
                (Way::Job, Some(node)) => cell(node),
                (Way::Job, None) => "-".to_owned(),
            };
            let time = if result.run_ms == 0 { "-".to_owned() } else { duration(result.run_ms) };
            let (phase, word) = (result.phase.name(), Word::from(result));
            let _ = writeln!(out, "| {phase} | {} | {word} | {time} | {place} |", cell(&result.name));
        }
        out.push('\n');
    }
    for result in report.in_order().into_iter().filter(|result| !result.message.is_empty()) {
        let _ = writeln!(out, "**{}** ({}):\n", inline(&result.name), Word::from(result));
        out.push_str(&fenced(&result.message));
        out.push('\n');
    }
    for left in &report.left {
        let _ = writeln!(out, "- left behind: {}", inline(left));
    }
    out
}

/// One file of evidence for each requirement that a check of the run speaks about, and an index: names and texts.
pub fn evidence(report: &Report) -> Vec<(String, String)> {
    let results = report.in_order();
    let mut files = Vec::new();
    let mut index = format!(
        "# Evidence of run {}\n\nRecipe {} on {}, {}.\n\n| | requirement | verdict | evidence |\n| --- | --- | --- | --- |\n",
        inline(&report.run_id),
        inline(&report.recipe),
        inline(&report.context),
        ended(report)
    );
    for (check, requirement) in REQUIREMENTS {
        let Some(result) = results.iter().find(|result| result.name == check) else { continue };
        let number = files.len() + 1;
        let word = Word::from(*result);
        let _ = writeln!(index, "| {number} | {requirement} | {word} | [{requirement}.md]({requirement}.md) |");
        files.push((format!("{requirement}.md"), of_requirement(requirement, report, result)));
    }
    if files.is_empty() {
        index.push_str("\nNo check of this run is evidence of a requirement.\n");
    }
    files.push(("index.md".to_owned(), index));
    files
}

fn of_requirement(requirement: &str, report: &Report, result: &CheckResult) -> String {
    let way = match (result.way, &result.node) {
        (Way::InProcess, _) => "in process, over the connection of whoever ran it".to_owned(),
        (Way::Job, Some(node)) => format!("in a pod on {}", inline(node)),
        (Way::Job, None) => "no pod ran".to_owned(),
    };
    let mut out = format!(
        "# {requirement}: {}\n\nCheck {} of run {} on {}, {}; {way}.\n",
        Word::from(result),
        inline(&result.name),
        inline(&report.run_id),
        inline(&report.context),
        ended(report)
    );
    if !result.message.is_empty() {
        let _ = write!(out, "\n## Reason\n\n{}", fenced(&result.message));
    }
    let output = if result.stdout.is_empty() {
        "The check wrote nothing.\n".to_owned()
    } else {
        fenced(&result.stdout.join("\n"))
    };
    let _ = write!(out, "\n## Output\n\n{output}");
    out
}

fn ended(report: &Report) -> String {
    let at = i64::try_from(report.stop_ms).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}

/// Text of strangers in a line of Markdown.
pub fn inline(text: &str) -> String {
    let mut out = String::new();
    for letter in escape::line(text).chars() {
        if "\\`*_[]<>|#".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// Text of strangers in one line, of which Markdown takes nothing as its own.
pub fn cell(text: &str) -> String {
    inline(&text.replace('\n', "; "))
}

/// Text of strangers as a block that nothing in it can end.
pub fn fenced(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", escape::block(text).trim_end())
}
