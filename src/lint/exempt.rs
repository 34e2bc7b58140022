//! Findings that a file justifies: `# lint: allow <rule> (<reason>)`, behind the line or in the comment above it.
//!
//! The reason is part of the form: an exemption that does not say why is itself a finding, and so is one that nothing
//! needs any more.

use super::{Files, Finding, Severity, rules};
use std::collections::BTreeMap;

/// Rule about the comments themselves.
pub(super) const RULE: (&str, &str) =
    ("exemption", "a `# lint: allow` comment without a reason, or one that is not needed");

const MARK: &str = "# lint: allow ";

/// One comment of a file.
struct Exemption<'f> {
    file: &'f str,
    /// Line of the comment, and the first line below it that is no comment; both from 1.
    lines: (usize, usize),
    rule: &'f str,
    reason: &'f str,
    used: bool,
}

/// Takes out what files justify, and adds what is wrong with the justifications.
pub(super) fn apply(files: &Files, findings: Vec<Finding>) -> Vec<Finding> {
    let mut exemptions: BTreeMap<&str, Vec<Exemption<'_>>> = BTreeMap::new();
    for (_, file) in files.iter().filter(|(_, file)| file.text.contains(MARK)) {
        exemptions.insert(&file.shown, read(&file.shown, &file.text));
    }
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        let line = finding.line as usize;
        let justified = exemptions.get_mut(finding.file.as_str()).into_iter().flatten().find(|exemption| {
            exemption.rule == finding.rule && (exemption.lines.0 == line || exemption.lines.1 == line)
        });
        match justified {
            Some(exemption) if !exemption.reason.is_empty() => exemption.used = true,
            _ => kept.push(finding),
        }
    }
    kept.extend(exemptions.values().flatten().filter_map(complaint));
    kept.sort();
    kept
}

fn read<'f>(shown: &'f str, text: &'f str) -> Vec<Exemption<'f>> {
    let lines: Vec<&str> = text.lines().collect();
    let found = lines.iter().enumerate().filter_map(|(index, line)| {
        let (_, rest) = line.split_once(MARK)?;
        let (rule, reason) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let is_comment = |line: &&str| line.trim_start().starts_with('#');
        let below = index + lines[index..].iter().take_while(|line| is_comment(line)).count();
        let reason = reason.trim().trim_start_matches('(').trim_end_matches(')');
        Some(Exemption { file: shown, lines: (index + 1, below + 1), rule, reason, used: false })
    });
    found.collect()
}

fn complaint(exemption: &Exemption<'_>) -> Option<Finding> {
    let Exemption { file, lines, rule, reason, used } = exemption;
    let message = if !rules().any(|(known, _)| known == *rule) {
        format!("unknown rule `{rule}`")
    } else if reason.is_empty() {
        format!("the exemption from `{rule}` does not give a reason")
    } else if !used {
        format!("the exemption from `{rule}` is not needed here")
    } else {
        return None;
    };
    Some(Finding {
        file: (*file).to_owned(),
        line: u32::try_from(lines.0).unwrap_or(u32::MAX),
        column: 1,
        severity: Severity::Warning,
        rule: RULE.0,
        message,
        hint: Some(format!("write `{MARK}<rule> (<reason>)`, or remove the comment")),
    })
}
