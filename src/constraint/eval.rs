//! Does a reading satisfy an expression?
//!
//! The reference's arithmetic at the precision of the shorter side, and beyond it: any number of parts, and a suffix of
//! the operand counts. A suffix on the cluster's side alone makes no version older.

use super::{
    parse::{Expression, ExpressionError, Operator, Version, version, version_of_reference},
    suffix,
};
use std::cmp::Ordering;

/// Reads one side of a comparison.
type Read = fn(&str) -> Result<Version, ExpressionError>;

/// Ordering compares as many parts as the less precise side has, then suffixes where the operand has one.
///
/// # Errors
/// An ordering in which one side is not a version, or whose suffixes have no order; equality with what begins as a version and is
/// none, such as `1.33.x`: it would differ from every version.
pub fn holds(expression: &Expression, actual: &str) -> Result<bool, ExpressionError> {
    decide(expression, actual, version, true)
}

/// As the reference: at most three parts, and suffixes cut off.
///
/// # Errors
/// An ordering in which one side is not a version of at most three parts.
pub fn holds_as_reference(expression: &Expression, actual: &str) -> Result<bool, ExpressionError> {
    decide(expression, actual, version_of_reference, false)
}

fn decide(expression: &Expression, actual: &str, read: Read, is_strict: bool) -> Result<bool, ExpressionError> {
    let actual = actual.trim();
    let operand = &expression.operand;
    let ordering = || {
        let no_order = || ExpressionError::NoOrder { actual: actual.to_owned(), operand: operand.clone() };
        compare(&read(actual)?, &read(operand)?).ok_or_else(no_order)
    };
    match expression.operator {
        Operator::Exactly => Ok(actual == operand),
        Operator::Equal => equal(actual, operand, read, is_strict),
        Operator::NotEqual => Ok(!equal(actual, operand, read, is_strict)?),
        Operator::AtLeast => Ok(ordering()?.is_ge()),
        Operator::AtMost => Ok(ordering()?.is_le()),
        Operator::More => Ok(ordering()?.is_gt()),
        Operator::Less => Ok(ordering()?.is_lt()),
    }
}

/// `None` where the numbers are equal and the operand's suffix has no order with the other.
fn compare(actual: &Version, operand: &Version) -> Option<Ordering> {
    let precision = actual.parts.len().min(operand.parts.len());
    match actual.parts[..precision].cmp(&operand.parts[..precision]) {
        Ordering::Equal if !operand.suffix.is_empty() => suffix::compare(&actual.suffix, &operand.suffix),
        ordering => Some(ordering),
    }
}

/// As versions when the operand looks like one (a digit and a dot) and both sides are; else as texts.
fn equal(actual: &str, operand: &str, read: Read, is_strict: bool) -> Result<bool, ExpressionError> {
    let bare = operand.strip_prefix('v').unwrap_or(operand);
    let looks_like_version = bare.contains('.') && bare.bytes().any(|b| b.is_ascii_digit());
    match (looks_like_version, read(actual), read(operand)) {
        (true, Ok(actual), Ok(operand)) => {
            let part = |version: &Version, part: usize| *version.parts.get(part).unwrap_or(&0);
            let same = |index: usize| part(&actual, index) == part(&operand, index);
            let numbers = (0..actual.parts.len().max(operand.parts.len())).all(same);
            Ok(numbers && (operand.suffix.is_empty() || actual.suffix == operand.suffix))
        }
        (true, Ok(_), Err(error)) if is_strict && bare.starts_with(|c: char| c.is_ascii_digit()) => Err(error),
        _ => Ok(actual == operand),
    }
}

#[cfg(test)]
mod tests {
    use super::super::holds;

    #[track_caller]
    fn check(expression: &str, actual: &str, expected: Result<bool, &str>) {
        let result = holds(expression, actual).map_err(|error| error.to_string());
        match (result, expected) {
            (Ok(result), Ok(expected)) => assert_eq!(result, expected, "{actual} {expression}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (result, expected) => panic!("{actual} {expression}: {result:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn versions_compare_at_the_precision_of_the_shorter_side() {
        check(">= 1.32", "v1.32.0", Ok(true));
        check(">= 1.32.4", "v1.32.5-eks-3025e55", Ok(true));
        check(">= 1.32.4", "v1.30.5-eks-3025e55", Ok(false));
        check(">= 1.32.4", "1.32", Ok(true));
        check("> 1.30", "1.30.5", Ok(false));
        check("< 2", "2.5", Ok(false));
        check("<= 1.33", "1.33.9", Ok(true));
        check("< 1.0.0", "1.0.0-rc1", Ok(false));
        check(">= 1.32.4", "v1.34.0+k3s1", Ok(true));
        for kernel in ["6.8.0-1028-aws", "6.17.0-1016-gcp", "6.12.54-linuxkit"] {
            check(">= 6.8", kernel, Ok(true));
        }
        check(">= 24.04", "24.1", Ok(false));
    }

    #[test]
    fn every_clause_of_a_range_must_hold() {
        for (actual, expected) in [("v1.34.1", true), ("v1.35.9", true), ("v1.36.0", false), ("v1.34.0", false)] {
            check(">= 1.34.1 < 1.36.0", actual, Ok(expected));
        }
        check(">=1.34.1 <1.36.0", "v1.35.0", Ok(true));
        check(">= 1.34.1 <", "v1.35.0", Err("missing version after `<`"));
        check(">= 1.34.1 < x", "v1.35.0", Err("not a number"));
        // A text is compared whole, whatever is in it.
        check("a < b", "a < b", Ok(true));
        check("== <none>", "<none>", Ok(true));
    }

    #[test]
    fn what_follows_an_operator_is_no_part_of_a_text() {
        for range in [">= 1.32, < 1.36", ">=1.32,<1.36", ">= 1.32 , < 1.36,"] {
            check(range, "v1.33.1", Ok(true));
            check(range, "v1.36.1", Ok(false));
        }
        for range in ["!= 1.33.1, < 1.35", "!= 1.33.1 < 1.35", "< 1.35 != 1.33.1"] {
            check(range, "v1.33.1", Ok(false));
            check(range, "v1.33.2", Ok(true));
            check(range, "v1.35.2", Ok(false));
        }
        check("!= 1.33.0, != 1.33.1", "v1.33.0", Ok(false));
        check("!= 1.33.0, != 1.33.1", "v1.33.2", Ok(true));
        check("!= a < b", "a", Err("not a number"));
        check("!= ubuntu, rhel", "ubuntu", Err("missing operator before `rhel`"));
        check("!= 1.33.1 || != 1.34", "v1.33.1", Err("unknown operator `||`"));
    }

    #[test]
    fn ranges_of_other_tools_are_no_texts() {
        for (expression, part) in [
            ("= 1.33.0", "unknown operator `=`"),
            ("=> 1.32", "unknown operator `=>`"),
            ("~> 1.33", "unknown operator `~>`"),
            ("~1.33", "unknown operator `~`"),
            ("^1.33.0", "unknown operator `^`"),
            ("≥ 1.32", "unknown operator `≥`"),
            ("[1.30,1.35)", "unknown operator `[`"),
            ("!1.33.0", "unknown operator `!`"),
            ("'>= 1.34'", "unknown operator `'>=`"),
            ("1.33.x", "`x` is not a number"),
            ("v1.*", "`*` is not a number"),
            ("!= 1.33.x", "`x` is not a number"),
            ("!= ~1.33", "unknown operator `~`"),
            ("== ^1.33.0", "unknown operator `^`"),
            ("1.33 || 1.34", "unknown operator `||`"),
            ("1.30 - 1.35", "unknown operator `-`"),
            ("1.32, 1.33", "unknown operator `,`"),
        ] {
            check(expression, "v1.33.0", Err(part));
        }
        // These are texts that clusters have.
        for text in ["(none)", "[always] madvise never", "=foo", "~"] {
            check(text, text, Ok(true));
            check(text, "other", Ok(false));
        }
    }

    #[test]
    fn equality_is_of_versions_or_of_texts() {
        check("== 1.33", "1.33.0", Ok(true));
        check("== 1.33", "1.33.1", Ok(false));
        check("== 5", "5.0", Ok(false));
        check("!= 1.33", "1.33.1", Ok(true));
        check("1.33", "1.33.0", Ok(false));
        check("ubuntu", " ubuntu ", Ok(true));
    }

    #[test]
    fn text_that_is_not_a_version_is_refused() {
        check(">= 6.8", "6.8rc1", Err("not a number"));
        check(">= 1.0", "V1.0", Err("not a number"));
        check(">= 1.2.x, < 2", "1.2.5", Err("not a number"));
        check(">=", "1", Err("missing version after `>=`"));
        check(" ", "1", Err("empty"));
    }

    #[test]
    fn a_suffix_of_the_operand_counts() {
        check(">= 1.30.2-gke.1587003", "v1.30.2-gke.1394003", Ok(false));
        check(">= 1.30.2-gke.1587003", "v1.30.2-gke.1600000", Ok(true));
        check("> 1.30.2-gke.1587003", "v1.30.2-gke.1587003", Ok(false));
        check("<= 1.30.2-gke.1587003", "v1.30.1-gke.9999999", Ok(true));
        check(">= 1.31.4+rke2r2", "v1.31.4+rke2r1", Ok(false));
        check("!= 1.31.4+k3s1", "v1.31.4+k3s2", Ok(true));
        check("== 1.31.4+k3s1", "v1.31.4+k3s1", Ok(true));
        check("== 1.31.4", "v1.31.4+k3s1", Ok(true));
        check(">= 1.31.4-eks-113cf36", "v1.31.4-eks-7cc42c9", Err("have no order"));
        check(">= 1.31.4-eks-113cf36", "v1.31.5-eks-7cc42c9", Ok(true));
        check(">= 1.31.4-gke.1", "v1.31.4", Err("have no order"));
        for release in ["v1.34.0", "v1.34.0+k3s1", "v1.34.0-eks-abc", "v1.34.0-gke.100", "v1.34.0-rc.2"] {
            check(">= 1.34.0-rc.1", release, Ok(true));
            check(">= 1.34.0-0", release, Ok(true));
            check("< 1.34.0-0", release, Ok(false));
        }
    }

    #[test]
    fn any_number_of_parts_is_a_version() {
        check(">= 5.15", "5.15.167.4-microsoft-standard-WSL2", Ok(true));
        check(">= 5.15.167.5", "5.15.167.4-microsoft-standard-WSL2", Ok(false));
        check(">= 10.0.20348.2700", "10.0.20348.2966", Ok(true));
        check("== 10.0.20348.2966", "10.0.20348.2967", Ok(false));
    }

    #[test]
    fn the_reference_cuts_suffixes_off_and_knows_three_parts() {
        let holds =
            |text: &str, actual: &str| super::holds_as_reference(&crate::constraint::parse::expression(text)?, actual);
        assert_eq!(holds(">= 1.30.2-gke.1587003", "v1.30.2-gke.1394003"), Ok(true));
        assert!(holds(">= 5.15", "5.15.167.4").is_err_and(|error| error.to_string().contains("more than three parts")));
    }
}
