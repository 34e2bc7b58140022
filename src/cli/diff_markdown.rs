//! A comparison as Markdown, for a review or a ticket: what no longer holds, then what differs, by cause.

use super::diff::{Shown, heading, side};
use crate::{
    diff::{Change, ChangeKind, effects, severity::Severity},
    report::markdown::{cell, inline},
    text::count,
};
use std::fmt::Write as _;

/// The whole comparison; every text of it is data, of which Markdown takes nothing as its own.
pub fn render(shown: &Shown) -> String {
    let Shown { comparison, noise, .. } = shown;
    let graded: Vec<(&Change, Severity)> = comparison.graded(noise).collect();
    let mut out = format!("## {} and {}: ", inline(&comparison.left), inline(&comparison.right));
    match graded.is_empty() {
        true => out.push_str("nothing differs\n"),
        false => {
            let _ = writeln!(out, "{}\n\n{}", count(graded.len(), "change"), heading(&graded).join(", "));
        }
    }
    if !comparison.broken.is_empty() {
        out.push_str("\n### Constraints that no longer hold\n\n");
        for broken in &comparison.broken {
            let _ = writeln!(out, "- {}", cell(&broken.words()));
        }
    }
    if !comparison.effects.is_empty() {
        let _ = write!(out, "\n### Effects\n\n{}\n\n", effects::summary(&comparison.effects));
        for effect in &comparison.effects {
            let _ = writeln!(out, "- {}", cell(&effect.to_string()));
        }
    }
    // In the order in which the causes come, which is that of what matters.
    let mut groups: Vec<(&str, Vec<&(&Change, Severity)>)> = Vec::new();
    for row in &graded {
        let cause = crate::diff::noise::why(row.0).unwrap_or(&row.0.cause);
        match groups.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((cause, vec![row])),
        }
    }
    let is_graded = graded.iter().any(|(_, severity)| *severity != Severity::Info);
    let (head, rule) = if is_graded { ("severity | ", "--- | ") } else { ("", "") };
    for (cause, rows) in &groups {
        if !cause.is_empty() {
            let _ = write!(out, "\n### {} ({})\n", cell(cause), count(rows.len(), "change"));
        }
        let _ = write!(
            out,
            "\n| | {head}path | {} | {} |\n| --- | {rule}--- | --- | --- |\n",
            cell(&comparison.left),
            cell(&comparison.right)
        );
        for (change, severity) in rows {
            let sign = match change.kind {
                ChangeKind::Added => "added",
                ChangeKind::Removed => "removed",
                ChangeKind::Modified => "changed",
                ChangeKind::Moved => "moved",
            };
            let grade = match (is_graded, severity) {
                (false, _) => String::new(),
                (true, Severity::Info) => " |".to_owned(),
                (true, severity) => format!("{} | ", severity.word()),
            };
            let (left, right) = (cell(&side(&change.left)), cell(&side(&change.right)));
            let _ = writeln!(out, "| {sign} | {grade}{} | {left} | {right} |", cell(&change.path));
        }
    }
    let hidden = comparison.changes.len() - graded.len();
    if hidden > 0 {
        let rules = crate::diff::noise::in_words(&comparison.hidden(noise));
        let _ = write!(out, "\nHidden by rules on noise: {}\n", cell(&rules));
    }
    for note in &comparison.notes {
        let _ = write!(out, "\nNot compared: {}\n", cell(note));
    }
    out
}
