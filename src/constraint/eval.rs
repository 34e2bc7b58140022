//! Does a reading satisfy an expression? The reference's arithmetic, oddities included.

use super::parse::{Expression, ExpressionError, Operator, Version, version};
use std::cmp::Ordering;

/// Ordering compares only as many parts as the less precise side has; equality compares three, missing ones as 0.
///
/// # Errors
/// An ordering in which one side is not a version.
pub fn holds(expression: &Expression, actual: &str) -> Result<bool, ExpressionError> {
    let actual = actual.trim();
    let operand = &expression.operand;
    let ordering = || Ok::<Ordering, ExpressionError>(compare(&version(actual)?, &version(operand)?));
    match expression.operator {
        Operator::Exactly => Ok(actual == operand),
        Operator::Equal => Ok(equal(actual, operand)),
        Operator::NotEqual => Ok(!equal(actual, operand)),
        Operator::AtLeast => Ok(ordering()?.is_ge()),
        Operator::AtMost => Ok(ordering()?.is_le()),
        Operator::More => Ok(ordering()?.is_gt()),
        Operator::Less => Ok(ordering()?.is_lt()),
    }
}

fn compare(left: &Version, right: &Version) -> Ordering {
    let precision = left.parts.len().min(right.parts.len());
    left.parts[..precision].cmp(&right.parts[..precision])
}

/// As versions when the operand looks like one (a digit and a dot) and both sides are; else as texts.
fn equal(actual: &str, operand: &str) -> bool {
    let bare = operand.strip_prefix('v').unwrap_or(operand);
    let looks_like_version = bare.contains('.') && bare.bytes().any(|b| b.is_ascii_digit());
    match (looks_like_version, version(actual), version(operand)) {
        (true, Ok(actual), Ok(operand)) => {
            let padded =
                |version: &Version| std::array::from_fn::<u64, 3, _>(|part| *version.parts.get(part).unwrap_or(&0));
            padded(&actual) == padded(&operand)
        }
        _ => actual == operand,
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
    fn equality_is_of_versions_or_of_texts() {
        check("== 1.33", "1.33.0", Ok(true));
        check("== 1.33", "1.33.1", Ok(false));
        check("== 5", "5.0", Ok(false));
        check("!= 1.33", "1.33.1", Ok(true));
        check("1.33", "1.33.0", Ok(false));
        check("ubuntu", " ubuntu ", Ok(true));
        check("~> 1.2", "1.2", Ok(false));
    }

    #[test]
    fn text_that_is_not_a_version_is_refused() {
        check(">= 6.8", "6.8.0.1-foo", Err("more than three parts"));
        check(">= 6.8", "6.8rc1", Err("not a number"));
        check(">= 1.0", "V1.0", Err("not a number"));
        check(">= 1.2, < 2", "1.5", Err("not a number"));
        check(">=", "1", Err("missing version after `>=`"));
        check(" ", "1", Err("empty"));
    }
}
