//! Expressions: an operator and an operand, a range of two of them, or a text to be equal to. Versions: numbers, and what a vendor puts behind them.

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

    /// As it is written; nothing for [`Operator::Exactly`].
    pub fn symbol(self) -> &'static str {
        Operator::ALL.iter().find(|(_, operator)| *operator == self).map_or("", |(symbol, _)| symbol)
    }

    /// Whether it compares versions by their order.
    pub fn is_ordering(self) -> bool {
        matches!(self, Operator::AtLeast | Operator::AtMost | Operator::More | Operator::Less)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    pub operator: Operator,
    pub operand: String,
}

/// Why an expression gives no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// No text at all.
    #[error("the expression is empty")]
    Empty,
    /// An operator that nothing follows.
    #[error("missing version after `{operator}`")]
    MissingOperand {
        /// As written.
        operator: &'static str,
    },
    /// One side of an ordering is not a version.
    #[error("`{text}` is not a version: {reason}")]
    NotAVersion {
        /// The side as written.
        text: String,
        /// What is wrong with it.
        reason: VersionProblem,
    },
    /// Both sides have the same numbers, and what follows them has no order.
    #[error("`{actual}` and `{operand}` cannot be compared: their suffixes have no order")]
    NoOrder {
        /// What the cluster has.
        actual: String,
        /// What the expression asks for.
        operand: String,
    },
}

/// Why a text is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionProblem {
    /// Nothing but a `v` or a suffix.
    #[error("it is empty")]
    Empty,
    /// `6.8.0.1`, for the reference only.
    #[error("it has more than three parts")]
    TooManyParts,
    /// `1.x`.
    #[error("`{0}` is not a number")]
    Part(String),
}

/// Reads an expression.
///
/// # Errors
/// An empty text, or an operator that nothing follows.
pub fn expression(text: &str) -> Result<Expression, ExpressionError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ExpressionError::Empty);
    }
    for (symbol, operator) in Operator::ALL {
        let Some(operand) = text.strip_prefix(symbol) else { continue };
        let operand = operand.trim();
        if operand.is_empty() {
            return Err(ExpressionError::MissingOperand { operator: symbol });
        }
        return Ok(Expression { operator, operand: operand.to_owned() });
    }
    Ok(Expression { operator: Operator::Exactly, operand: text.to_owned() })
}

/// Reads an expression that may be a range: clauses with ordering operators, all of which must hold.
///
/// # Errors
/// As [`expression`], for any clause.
pub fn expressions(text: &str) -> Result<Vec<Expression>, ExpressionError> {
    let mut clauses: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let begins = ["<", ">"].iter().any(|sign| word.starts_with(sign));
        match clauses.last_mut() {
            Some(clause) if !begins || clause.starts_with(['=', '!']) => *clause += &format!(" {word}"),
            _ => clauses.push(word.to_owned()),
        }
    }
    // A text to be equal to may hold such signs; only what begins with one is a range.
    if clauses.len() < 2 || !text.trim_start().starts_with(['<', '>']) {
        return expression(text).map(|only| vec![only]);
    }
    clauses.iter().map(|clause| expression(clause)).collect()
}

/// A version: numbers, and what follows a `-` or `+` behind a digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Any number of them; at least one.
    pub parts: Vec<u64>,
    /// With its separator; empty where nothing follows.
    pub suffix: String,
}

/// Reads `v1.32.4-eks-3025e55` as 1.32.4 and `-eks-3025e55`.
///
/// # Errors
/// An empty text, a part that is not a number.
pub fn version(text: &str) -> Result<Version, ExpressionError> {
    let wrong = |reason| ExpressionError::NotAVersion { text: text.to_owned(), reason };
    let bare = text.trim();
    let bare = bare.strip_prefix('v').unwrap_or(bare);
    let bytes = bare.as_bytes();
    let cut = (1..bytes.len()).find(|index| matches!(bytes[*index], b'-' | b'+') && bytes[index - 1].is_ascii_digit());
    let numbers = &bare[..cut.unwrap_or(bare.len())];
    if numbers.is_empty() {
        return Err(wrong(VersionProblem::Empty));
    }
    let parts: Vec<&str> = numbers.split('.').collect();
    let number = |part: &str| {
        let digits = Some(part).filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| wrong(VersionProblem::Part(part.to_owned())))
    };
    let suffix = bare[cut.unwrap_or(bare.len())..].to_owned();
    Ok(Version { parts: parts.into_iter().map(number).collect::<Result<_, _>>()?, suffix })
}

/// As [`version`], with at most three numbers and without a suffix, as the reference reads it.
///
/// # Errors
/// As [`version`], and more than three numbers.
pub fn version_of_reference(text: &str) -> Result<Version, ExpressionError> {
    let version = version(text)?;
    if version.parts.len() > 3 {
        return Err(ExpressionError::NotAVersion { text: text.to_owned(), reason: VersionProblem::TooManyParts });
    }
    Ok(Version { suffix: String::new(), ..version })
}
