//! Two version ranges on one reading, as one: what a profile asks for beside what the recipe asks for already.
//!
//! Only ranges are intersected: clauses with `>=`, `>`, `<=`, `<`. Bounds that are written with different numbers of parts
//! are refused, because versions are compared at the precision of the shorter side: `< 2` and `<= 2.5` share every 2.x.

use super::parse::{Expression, ExpressionError, Operator, expressions, version};
use std::cmp::Ordering;

/// Why two expressions have no common range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRange {
    /// Not both are ranges of versions.
    #[error("`{first}` and `{second}` cannot be combined: not both are ranges of versions")]
    Incomparable { first: String, second: String },
    /// No version is in both.
    #[error("no version is within both `{first}` and `{second}`")]
    Unsatisfiable { first: String, second: String },
    /// `>= 1.30` and `< 1.36.0`.
    #[error("`{first}` and `{second}` cannot be combined: they write versions with different numbers of parts")]
    Precision { first: String, second: String },
}

/// The bounds that hold where both expressions do, as one expression; equal to `first` where `second` adds nothing.
///
/// # Errors
/// Something that is not a range, ranges without a common version, bounds of different precision.
pub fn intersect(first: &str, second: &str) -> Result<String, NoRange> {
    let both = || (first.to_owned(), second.to_owned());
    let incomparable = || {
        let (first, second) = both();
        NoRange::Incomparable { first, second }
    };
    let mut bounds = [first, second].map(|text| bounds(text).ok().flatten());
    let (Some(ours), Some(theirs)) = (bounds[0].take(), bounds[1].take()) else { return Err(incomparable()) };
    let parts = |bounds: &[Bound]| bounds.first().map_or(0, |bound| bound.parts.len());
    if ours.iter().chain(&theirs).any(|bound| bound.parts.len() != parts(&ours)) {
        let (first, second) = both();
        return Err(NoRange::Precision { first, second });
    }
    let tightest = |lower: bool, wanted: fn(&Bound) -> bool| {
        // Of equal bounds the first is kept, so that what is said twice stays as it was written.
        let side = ours.iter().chain(&theirs).filter(|bound| bound.is_lower() == lower && wanted(bound));
        side.fold(None, |best: Option<&Bound>, bound| match best {
            Some(best) if bound.tightens(best) => Some(bound),
            Some(best) => Some(best),
            None => Some(bound),
        })
    };
    let (lower, upper) = (tightest(true, |_| true), tightest(false, |_| true));
    if let (Some(lower), Some(upper)) = (lower, upper) {
        let both_include = lower.operator == Operator::AtLeast && upper.operator == Operator::AtMost;
        let empty = match lower.parts.cmp(&upper.parts) {
            Ordering::Less => false,
            Ordering::Equal => !both_include,
            Ordering::Greater => true,
        };
        if empty {
            let (first, second) = both();
            return Err(NoRange::Unsatisfiable { first, second });
        }
    }
    // A reading with fewer parts can satisfy `<= 1.26.1` and not `< 1.34.1` ("1"): what excludes is never left out for what
    // includes.
    let excluding = |is_lower: bool, best: Option<&Bound>| match best {
        Some(best) if !best.excludes() => tightest(is_lower, Bound::excludes),
        _ => None,
    };
    let kept = [lower, excluding(true, lower), upper, excluding(false, upper)];
    let is_ours = |bound: &&Bound| ours.iter().any(|known| std::ptr::eq(known, *bound));
    if kept.into_iter().flatten().all(|bound| is_ours(&bound)) {
        return Ok(first.to_owned());
    }
    let clauses: Vec<String> = kept.into_iter().flatten().map(Bound::text).collect();
    Ok(clauses.join(" "))
}

/// One side of a range.
struct Bound {
    operator: Operator,
    operand: String,
    parts: Vec<u64>,
}

impl Bound {
    fn is_lower(&self) -> bool {
        matches!(self.operator, Operator::AtLeast | Operator::More)
    }

    /// Whether its version itself is outside.
    fn excludes(&self) -> bool {
        matches!(self.operator, Operator::More | Operator::Less)
    }

    /// Whether it admits less than another of the same side.
    fn tightens(&self, other: &Bound) -> bool {
        match self.parts.cmp(&other.parts) {
            Ordering::Equal => self.excludes() && !other.excludes(),
            ordering => (ordering == Ordering::Greater) == self.is_lower(),
        }
    }

    fn text(&self) -> String {
        format!("{} {}", self.operator.symbol(), self.operand)
    }
}

/// The bounds of an expression; `None` for one that is not a range, or whose versions have suffixes.
fn bounds(text: &str) -> Result<Option<Vec<Bound>>, ExpressionError> {
    let bound = |Expression { operator, operand }: Expression| {
        let read = version(&operand)?;
        Ok((operator.is_ordering() && read.suffix.is_empty()).then_some(Bound { operator, operand, parts: read.parts }))
    };
    expressions(text)?.into_iter().map(bound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: &str, second: &str, expected: Result<&str, &str>) {
        let result = intersect(first, second).map_err(|error| error.to_string());
        match (&result, expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            _ => panic!("{first} with {second}: {result:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn the_tighter_bound_of_each_side_is_kept() {
        check(">= 1.34.1", ">= 1.32.4", Ok(">= 1.34.1"));
        check(">= 1.32.4", ">= 1.34.1", Ok(">= 1.34.1"));
        check(">= 1.34.1", "< 1.36.0", Ok(">= 1.34.1 < 1.36.0"));
        check(">= 1.34.1 < 1.36.0", "> 1.34.1 <= 1.36.0", Ok("> 1.34.1 < 1.36.0"));
        check(">=1.34.1   <1.36.0", ">= 1.34.1", Ok(">=1.34.1   <1.36.0"));
    }

    #[test]
    fn a_reading_with_fewer_parts_satisfies_both_or_neither() {
        check("< 1.35.0", "< 1.34.1 <= 1.26.1", Ok("<= 1.26.1 < 1.34.1"));
        check("> 1.20.0", ">= 1.30.0", Ok(">= 1.30.0 > 1.20.0"));
        let holds = |expression: &str, reading: &str| super::super::holds(expression, reading);
        assert_eq!(holds("< 1.34.1", "1"), Ok(false), "compared as far as the shorter side goes");
        assert_eq!(holds("<= 1.26.1 < 1.34.1", "1"), Ok(false));
    }

    #[test]
    fn ranges_without_a_common_version_and_other_expressions_are_refused() {
        check(">= 1.36.0", "< 1.36.0", Err("no version is within both"));
        check(">= 1.36.0", "<= 1.36.0", Ok(">= 1.36.0 <= 1.36.0"));
        check(">= 1.36.0", "== 1.36.0", Err("not both are ranges"));
        check("Install", "None", Err("not both are ranges"));
        check(">= 1.36", "< 1.37.0", Err("different numbers of parts"));
        check(">= 1.30.2-gke.1", "< 1.37.0", Err("not both are ranges"));
    }
}
