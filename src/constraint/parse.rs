//! Expressions: an operator and an operand, or a text to be equal to. Versions: one to three numbers.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    AtLeast,
    AtMost,
    NotEqual,
    Equal,
    More,
    Less,
    /// No operator: the same text.
    Exactly,
}

impl Operator {
    /// Tested in this order, so that `>=` is not read as `>`.
    const ALL: [(&'static str, Operator); 6] = [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        ("!=", Operator::NotEqual),
        ("==", Operator::Equal),
        (">", Operator::More),
        ("<", Operator::Less),
    ];
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    pub operator: Operator,
    pub operand: String,
}

/// Why an expression gives no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpressionError {
    Empty,
    NoOperand {
        operator: &'static str,
    },
    /// One side of an ordering is no version.
    NoVersion {
        text: String,
        reason: &'static str,
    },
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpressionError::Empty => f.write_str("the expression is empty"),
            ExpressionError::NoOperand { operator } => write!(f, "nothing stands behind `{operator}`"),
            ExpressionError::NoVersion { text, reason } => write!(f, "`{text}` is no version: {reason}"),
        }
    }
}

impl std::error::Error for ExpressionError {}

/// Reads an expression.
///
/// # Errors
/// An empty text, or an operator without operand.
pub fn expression(text: &str) -> Result<Expression, ExpressionError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ExpressionError::Empty);
    }
    for (symbol, operator) in Operator::ALL {
        let Some(operand) = text.strip_prefix(symbol) else { continue };
        let operand = operand.trim();
        if operand.is_empty() {
            return Err(ExpressionError::NoOperand { operator: symbol });
        }
        return Ok(Expression { operator, operand: operand.to_owned() });
    }
    Ok(Expression { operator: Operator::Exactly, operand: text.to_owned() })
}

/// One to three numbers; what follows a `-` or `+` behind a digit does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub parts: Vec<u64>,
}

/// Reads `v1.32.4-eks-3025e55` as 1.32.4.
///
/// # Errors
/// Nothing, more than three parts, a part that is no number.
pub fn version(text: &str) -> Result<Version, ExpressionError> {
    let wrong = |reason| ExpressionError::NoVersion { text: text.to_owned(), reason };
    let bare = text.trim();
    let bare = bare.strip_prefix('v').unwrap_or(bare);
    let bytes = bare.as_bytes();
    let cut = (1..bytes.len()).find(|index| matches!(bytes[*index], b'-' | b'+') && bytes[index - 1].is_ascii_digit());
    let numbers = &bare[..cut.unwrap_or(bare.len())];
    if numbers.is_empty() {
        return Err(wrong("it is empty"));
    }
    let parts: Vec<&str> = numbers.split('.').collect();
    if parts.len() > 3 {
        return Err(wrong("it has more than three parts"));
    }
    let number = |part: &str| match part.bytes().all(|b| b.is_ascii_digit()) {
        true => part.parse().map_err(|_| wrong("a part of it is no number")),
        false => Err(wrong("a part of it is no number")),
    };
    Ok(Version { parts: parts.into_iter().map(number).collect::<Result<_, _>>()? })
}
