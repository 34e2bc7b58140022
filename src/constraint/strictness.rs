//! Two expressions on one reading: does the second admit less than the first?
//!
//! Both are judged on every version at which one of them could change its answer, with the arithmetic that judges clusters. So
//! ranges, equality and bounds of different precision (`>= 1.32` and `>= 1.32.4`) need no rules of their own here. Readings are
//! taken as precise as the most precise bound, which is what clusters reveal.

use super::{holds, parse};

/// What becomes of a constraint whose expression changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Written otherwise, with the same meaning.
    Same,
    /// It admits less.
    Stricter,
    /// It admits more.
    Looser,
    /// It admits other readings, or no order is known.
    Other,
}

/// More than any part of a version.
const MOST: u64 = 999_999;

/// Compares what two expressions admit, from the first to the second.
pub fn compare(first: &str, second: &str) -> Strictness {
    let Some(readings) = readings(first, second) else { return Strictness::Other };
    let (mut only_first, mut only_second) = (false, false);
    for reading in &readings {
        let (Ok(one), Ok(other)) = (holds(first, reading), holds(second, reading)) else { return Strictness::Other };
        only_first |= one && !other;
        only_second |= other && !one;
    }
    match (only_first, only_second) {
        (false, false) => Strictness::Same,
        (true, false) => Strictness::Stricter,
        (false, true) => Strictness::Looser,
        (true, true) => Strictness::Other,
    }
}

/// Readings around every operand; `None` where one is a version with a suffix, of which no order is certain.
fn readings(first: &str, second: &str) -> Option<Vec<String>> {
    let clauses = [first, second].into_iter().map(parse::expressions).collect::<Result<Vec<_>, _>>().ok()?;
    let operands: Vec<String> = clauses.into_iter().flatten().map(|clause| clause.operand).collect();
    let versions: Vec<Option<parse::Version>> = operands.iter().map(|operand| parse::version(operand).ok()).collect();
    if versions.iter().flatten().any(|version| !version.suffix.is_empty()) {
        return None;
    }
    let precision = versions.iter().flatten().map(|version| version.parts.len()).max().unwrap_or(0);
    let mut readings = operands;
    for parts in versions.into_iter().flatten().map(|version| version.parts) {
        let with = |fill: u64| {
            let mut parts = parts.clone();
            parts.resize(precision, fill);
            parts
        };
        let (least, most) = (with(0), with(MOST));
        readings.extend(
            [Some(least.clone()), below(&least), above(&least), Some(most.clone()), above(&most)]
                .into_iter()
                .flatten()
                .map(|parts| text(&parts)),
        );
    }
    Some(readings)
}

fn text(parts: &[u64]) -> String {
    parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// The version right before; `None` before the first one.
fn below(parts: &[u64]) -> Option<Vec<u64>> {
    let at = parts.iter().rposition(|part| *part > 0)?;
    let mut before = parts.to_vec();
    before[at] -= 1;
    before[at + 1..].fill(MOST);
    Some(before)
}

/// The version right behind.
fn above(parts: &[u64]) -> Option<Vec<u64>> {
    let at = parts.iter().rposition(|part| *part < MOST)?;
    let mut next = parts.to_vec();
    next[at] += 1;
    next[at + 1..].fill(0);
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: &str, second: &str, expected: Strictness) {
        assert_eq!(compare(first, second), expected, "{first} to {second}");
        let back = match expected {
            Strictness::Stricter => Strictness::Looser,
            Strictness::Looser => Strictness::Stricter,
            same => same,
        };
        assert_eq!(compare(second, first), back, "{second} to {first}");
    }

    #[test]
    fn a_bound_is_stricter_where_it_admits_less_at_any_precision() {
        check(">= 1.30", ">= 1.32", Strictness::Stricter);
        check(">= 1.32", ">= 1.32.4", Strictness::Stricter);
        check("< 2", "< 2.5", Strictness::Looser);
        check("<= 2", "<= 2.5", Strictness::Stricter);
        check("> 2", ">= 2.0", Strictness::Looser);
        check(">= v24.6.0", ">= v25.10.0", Strictness::Stricter);
        check(">= 9.0", ">= 10.0", Strictness::Stricter);
    }

    #[test]
    fn ranges_and_equality_are_compared_with_bounds() {
        check(">= 1.34.1", ">= 1.34.1 < 1.36.0", Strictness::Stricter);
        check(">= 1.34.1 < 1.36.0", ">= 1.30.0 < 1.40.0", Strictness::Looser);
        check(">= 1.34.1 < 1.36.0", ">= 1.35.0 < 1.37.0", Strictness::Other);
        check(">= 1.30.0", "== 1.31.0", Strictness::Stricter);
        check(">= 1.30.0", "!= 1.31.0", Strictness::Other);
        check(">= 1.30", ">= v1.30", Strictness::Same);
    }

    #[test]
    fn what_has_no_order_is_only_other() {
        check("ubuntu", "rhel", Strictness::Other);
        check("Install", ">= 1.30", Strictness::Other);
        check(">= 1.30.2-gke.1", ">= 1.30.2", Strictness::Other);
        check("ubuntu", "== ubuntu", Strictness::Same);
        check(">=", ">= 1.30", Strictness::Other);
    }
}
