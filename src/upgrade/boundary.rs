//! One component, two releases and a record: may the one be replaced by the other?
//!
//! A transition is crossed where the source is below the releases of its `to`, and the target is not. Its `from` says
//! only from where somebody has tried it. The rules are those of the reference's `upgrade-check`.

use super::{Reason, Verdict};
use crate::{
    catalog::upgrades::{Recorded, Transition, Upgrades},
    constraint::release::Release,
};

/// What a record says about one upgrade.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement<'r> {
    pub verdict: Verdict,
    pub reason: Reason,
    /// By the releases that they lead to, lowest first.
    pub crossed: Vec<&'r Transition>,
    /// The one that the verdict is about.
    pub transition: Option<&'r Transition>,
    /// The range at which an upgrade in steps has to stop first.
    pub stopped_at: Option<String>,
    /// The distance: `3 patches`.
    pub jump: String,
    /// What the transition of the verdict spans: `1 minor`.
    pub covers: String,
    /// The major version changes, or what takes its place below 1.0.
    pub breaking: bool,
    pub downgrade: bool,
}

/// Judges an upgrade between two versions as written; `None` for a record that does not exist.
pub fn judge<'r>(source: &str, target: &str, record: Option<&'r Upgrades>) -> Judgement<'r> {
    let mut judgement = Judgement {
        verdict: Verdict::Unversioned,
        reason: Reason::NotComparable,
        crossed: Vec::new(),
        transition: None,
        stopped_at: None,
        jump: String::new(),
        covers: String::new(),
        breaking: false,
        downgrade: false,
    };
    let (Some(source), Some(target)) = (Release::parse(source), Release::parse(target)) else { return judgement };
    judgement.jump = distance(&source, &target);
    judgement.breaking = is_breaking(&source, &target);
    judgement.downgrade = target < source;
    let transitions = record.map_or(&[][..], |record| &record.transitions);
    let is_crossed = |transition: &&Transition| transition.to.is_above(&source) && !transition.to.is_above(&target);
    judgement.crossed = transitions.iter().filter(is_crossed).collect();
    let floor = |transition: &Transition| transition.to.lower.as_ref().map(|bound| bound.release.clone());
    judgement.crossed.sort_by_key(|transition| floor(transition));
    let is_covered = |transition: &Transition| transition.from.contains(&source);
    let is_past = |transition: &Transition| transition.to.is_below(&target);
    let recorded = |transition: &Transition| match transition.verdict {
        Recorded::Safe => Verdict::Safe,
        Recorded::Manual => Verdict::Manual,
        Recorded::Blocked => Verdict::Blocked,
    };
    let (verdict, reason, transition) = match judgement.crossed[..] {
        [] if judgement.downgrade => (Verdict::Unknown, Reason::Downgrade, None),
        [] if record.is_none() => (Verdict::Unknown, Reason::NoRecord, None),
        [] if !transitions.is_empty() && transitions.iter().all(is_past) => {
            (Verdict::Blocked, Reason::BeyondRecordCeiling, None)
        }
        [] => (Verdict::Unknown, Reason::NoBoundaryCrossed, None),
        [only] if is_covered(only) && is_past(only) => (Verdict::Blocked, Reason::BeyondRecordCeiling, Some(only)),
        [only] if is_covered(only) => (recorded(only), Reason::Recorded, Some(only)),
        [only] if only.verdict == Recorded::Blocked => (Verdict::Blocked, Reason::RecordBlocks, Some(only)),
        [only] => (Verdict::Blocked, Reason::UndefinedOrigin, Some(only)),
        ref several => match several.iter().find(|transition| transition.verdict == Recorded::Blocked) {
            Some(blocked) => (Verdict::Blocked, Reason::RecordBlocks, Some(*blocked)),
            None => {
                let mut open = several.iter().filter(|transition| transition.verdict != Recorded::Safe);
                match (open.next(), open.next()) {
                    (Some(only), None) if is_covered(only) && !is_past(only) => {
                        (recorded(only), Reason::Recorded, Some(*only))
                    }
                    _ => (Verdict::Blocked, Reason::MultipleBoundaries, None),
                }
            }
        },
    };
    if reason == Reason::RecordBlocks && judgement.crossed.len() > 1 {
        judgement.stopped_at = transition.map(|transition| transition.to.text.clone());
    }
    judgement.covers = transition.and_then(span).unwrap_or_default();
    Judgement { verdict, reason, transition, ..judgement }
}

/// From the lowest release that a transition was tried from to the highest that it leads to.
fn span(transition: &Transition) -> Option<String> {
    let from = transition.from.lower.as_ref().or(transition.from.upper.as_ref())?;
    let to = transition.to.upper.as_ref()?;
    Some(distance(&from.release, &to.release))
}

/// The highest part that differs, and by how much.
fn distance(from: &Release, to: &Release) -> String {
    let names = [("major", "majors"), ("minor", "minors"), ("patch", "patches")];
    let (from_parts, to_parts) = (from.parts(), to.parts());
    for (index, (one, many)) in names.into_iter().enumerate() {
        match from_parts[index].abs_diff(to_parts[index]) {
            0 => {}
            1 => return format!("1 {one}"),
            several => return format!("{} {many}", several),
        }
    }
    if from == to { String::new() } else { "another pre-release".to_owned() }
}

/// Whether SemVer lets the change break its users.
fn is_breaking(from: &Release, to: &Release) -> bool {
    let ([major, minor, patch], [other_major, other_minor, other_patch]) = (from.parts(), to.parts());
    let same_triple = (major, minor, patch) == (other_major, other_minor, other_patch);
    major != other_major
        || (major == 0 && minor != other_minor)
        || (same_triple && from.pre_release() != to.pre_release())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{parse::Document, upgrades};

    fn record(first_from: &str) -> Upgrades {
        let text = format!(
            "apiVersion: aicr.run/v1beta1\nkind: ComponentUpgrades\ncomponent: x\ntransitions:\n\
             - {{from: '{first_from}', to: '>=1.2.0 <2.0.0', verdict: safe, verifiedBy: a run, summary: s}}\n\
             - from: '>=1.2.0 <2.0.0'\n  to: '>=2.0.0 <2.1.0'\n  verdict: manual\n  summary: s\n\
             \x20 stepsByDeployer: [{{steps: [{{id: a, description: d}}]}}]\n"
        );
        upgrades::read(&Document::parse(&"upgrades.yaml".into(), &text).unwrap(), "x").unwrap()
    }

    #[track_caller]
    fn check(record: Option<&Upgrades>, source: &str, target: &str, expected: &str) {
        let judgement = judge(source, target, record);
        assert_eq!(
            format!("{}/{}", judgement.verdict.name(), judgement.reason.code()),
            expected,
            "{source} → {target}"
        );
    }

    /// `spec/v1-delta.md`, 8.11, rows 1 to 8, 11 and 12.
    #[test]
    fn the_vectors_of_the_rules() {
        let known = record("<1.2.0");
        for (source, target, expected) in [
            ("1.1.0", "1.2.3", "safe/recorded"),
            ("1.2.0", "1.9.0", "unknown/no-boundary-crossed"),
            ("v1.2.0", "v2.0.3", "manual/recorded"),
            ("1.1.0", "2.0.3", "blocked/multiple-boundaries"),
            ("1.2.0", "2.5.0", "blocked/beyond-record-ceiling"),
            ("2.0.3", "2.5.0", "blocked/beyond-record-ceiling"),
            ("2.0.3", "2.0.1", "unknown/downgrade"),
            ("1.2", "1.3.0", "unversioned/not-comparable"),
        ] {
            check(Some(&known), source, target, expected);
        }
        check(None, "1.0.0", "2.0.0", "unknown/no-record");
        check(Some(&record(">=1.0.0 <1.2.0")), "0.9.0", "1.2.3", "blocked/undefined-origin");
    }

    #[test]
    fn a_blocked_boundary_stops_an_upgrade_over_several() {
        let mut known = record("<1.2.0");
        known.transitions[1].verdict = Recorded::Blocked;
        check(Some(&known), "1.1.0", "2.0.3", "blocked/record-blocks");
        assert_eq!(judge("1.1.0", "2.0.3", Some(&known)).stopped_at.as_deref(), Some(">=2.0.0 <2.1.0"));
        // Alone and tried from there, it says so itself.
        check(Some(&known), "1.2.0", "2.0.3", "blocked/recorded");
        known.transitions[1].from = crate::constraint::release::ReleaseRange::parse(">=1.9.0 <2.0.0").unwrap();
        check(Some(&known), "1.2.0", "2.0.3", "blocked/record-blocks");
    }

    #[test]
    fn one_open_boundary_among_safe_ones_decides_where_it_was_tried() {
        let mut known = record("<1.2.0");
        known.transitions[1].from = crate::constraint::release::ReleaseRange::parse("<2.0.0").unwrap();
        check(Some(&known), "1.1.0", "2.0.3", "manual/recorded");
        check(Some(&known), "1.1.0", "2.1.0", "blocked/multiple-boundaries");
    }

    #[test]
    fn distances_and_breaking_changes() {
        for (source, target, jump, breaking) in [
            ("1.1.0", "1.1.3", "3 patches", false),
            ("1.1.0", "1.2.3", "1 minor", false),
            ("1.1.0", "3.0.0", "2 majors", true),
            ("0.1.0", "0.2.0", "1 minor", true),
            ("0.1.0-alpha.8", "0.1.0-alpha.13", "another pre-release", true),
            ("v2.2.1", "v1.5.0", "1 major", true),
        ] {
            let judgement = judge(source, target, None);
            assert_eq!((judgement.jump.as_str(), judgement.breaking), (jump, breaking), "{source} → {target}");
        }
        assert!(judge("v2.2.1", "v1.5.0", None).downgrade);
    }
}
