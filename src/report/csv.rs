//! Comma-separated values (RFC 4180), for spreadsheets; and a report as a table of them.
//!
//! A cell that a spreadsheet would take for a formula begins with `'`: much of what is written is text of strangers.

use super::{NOT_ENDED, Report, escape, words::Word};
use crate::validate::event::Way;

/// One record, with the end of its line.
pub fn line<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| field(cell.as_ref())).collect();
    format!("{}\n", cells.join(","))
}

/// One cell, with quotes where it needs them.
pub fn field(text: &str) -> String {
    let text = text.trim();
    let is_formula = text.len() > 1 && text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// The report: a line for each constraint, each check and each object that is left, then one for the run.
///
/// Cells of what there is not are empty. A deploy has no checks, and is only that last line.
pub fn render(report: &Report) -> String {
    let mut text = line(["PHASE", "NAME", "VERDICT", "SECONDS", "WHERE", "EXPECTED", "FOUND", "MESSAGE"]);
    let mut row = |cells: [&str; 8]| text.push_str(&line(cells.map(escape::block)));
    for readiness in &report.readiness {
        let (found, reason) = (readiness.actual.as_deref().unwrap_or(""), readiness.reason.as_deref().unwrap_or(""));
        let word = Word::from(readiness.outcome).text();
        row(["readiness", &readiness.name, word, "", "", &readiness.expected, found, reason]);
    }
    for result in report.in_order() {
        let place = match (result.way, &result.node) {
            (Way::InProcess, _) => "in process",
            (Way::Job, node) => node.as_deref().unwrap_or(""),
        };
        let (word, seconds) = (Word::from(result).text(), seconds(result.total_ms));
        row([result.phase.name(), &result.name, word, &seconds, place, "", "", &result.message]);
    }
    for left in &report.left {
        row(["clean-up", left, "left behind", "", "", "", "", ""]);
    }
    let (verdict, said) = match report.verdict {
        Some(verdict) => (Word::from(verdict).text(), ""),
        None => ("not ended", NOT_ENDED),
    };
    let seconds = seconds(report.stop_ms.saturating_sub(report.start_ms));
    row(["run", &report.run_id, verdict, &seconds, &report.context, "", "", said]);
    text
}

/// As spreadsheets count, without a unit.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        for (text, expected) in [
            ("worker-1", "worker-1"),
            ("a, b", "\"a, b\""),
            ("two\nlines", "\"two\nlines\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("-", "-"),
            ("-12.5", "-12.5"),
            ("=HYPERLINK(\"https://evil.example\",1)", "\"'=HYPERLINK(\"\"https://evil.example\"\",1)\""),
            ("@SUM(1)", "'@SUM(1)"),
            ("-1+cmd", "'-1+cmd"),
        ] {
            assert_eq!(field(text), expected);
        }
        assert_eq!(line(["a", "b,c", ""]), "a,\"b,c\",\n");
    }
}
