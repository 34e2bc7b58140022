//! Expressions: clauses of an operator and an operand, or a text to be equal to. Versions: numbers, and what a vendor puts behind them.

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
    /// What other tools write for a range: `~> 1.33`, `^1.33`, `[1.30,1.35)`, `||`.
    #[error(
        "unknown operator `{operator}`; there are >=, <=, >, <, ==, !=, and clauses that must all hold: `>= 1.32 < 1.36`"
    )]
    UnknownOperator {
        /// As written.
        operator: String,
    },
    /// A clause behind a comma that begins with no operator: `!= ubuntu, rhel`.
    #[error("missing operator before `{operand}`; each clause has its own: `!= a, != b`")]
    MissingOperator {
        /// What follows the comma.
        operand: String,
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

/// Reads an expression that may be several clauses, all of which must hold; a comma may be between them.
///
/// # Errors
/// As [`expression`], for any clause; operators of other tools, a clause without one.
pub fn expressions(text: &str) -> Result<Vec<Expression>, ExpressionError> {
    let text = text.trim();
    if let Some(error) = foreign(text) {
        return Err(error);
    }
    // A text to be equal to may hold such signs; only what begins with an operator has clauses.
    if !begins(text) {
        return expression(text).map(|only| vec![only]);
    }
    let mut clauses: Vec<String> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if !begins(part) {
            return Err(ExpressionError::MissingOperator { operand: part.to_owned() });
        }
        let mut is_first = true;
        for word in part.split_whitespace() {
            if word == "||" || word == "&&" {
                return Err(ExpressionError::UnknownOperator { operator: word.to_owned() });
            }
            match clauses.last_mut().filter(|_| !is_first) {
                // `== <none>`: what follows an operator is its operand, whatever it begins with.
                Some(clause) if !begins(word) || is_operator(clause) && clause.starts_with(['=', '!']) => {
                    *clause += &format!(" {word}");
                }
                _ => clauses.push(word.to_owned()),
            }
            is_first = false;
        }
    }
    let clauses: Vec<Expression> = clauses.iter().map(|clause| expression(clause)).collect::<Result<_, _>>()?;
    match clauses.iter().find_map(|clause| foreign(&clause.operand)) {
        Some(error) => Err(error),
        None => Ok(clauses),
    }
}

fn begins(text: &str) -> bool {
    Operator::ALL.iter().any(|(symbol, _)| text.starts_with(symbol))
}

fn is_operator(text: &str) -> bool {
    Operator::ALL.iter().any(|(symbol, _)| text == *symbol)
}

/// What is wrong with a text that is meant as a range of versions and is none here. As a text to be equal to it would fail on
/// every cluster, as if that had been measured.
fn foreign(text: &str) -> Option<ExpressionError> {
    let is_version = |text: &str| {
        let bare = text.trim_start();
        bare.strip_prefix('v').unwrap_or(bare).starts_with(|c: char| c.is_ascii_digit())
    };
    let is_sign = |c: char| "=<>!~^≥≤≠[('\"".contains(c);
    let end = text.find(|c: char| !is_sign(c) && !c.is_whitespace()).unwrap_or(text.len());
    let (sign, rest) = (text[..end].trim_end(), &text[end..]);
    if !sign.is_empty() && !begins(sign) && is_version(rest) {
        return Some(ExpressionError::UnknownOperator { operator: sign.to_owned() });
    }
    // Several versions without an operator: `1.33 || 1.34`, `1.30 - 1.35`, `1.32, 1.33`.
    let between = ["||", " - ", ","].into_iter().find(|sign| text.contains(sign));
    if let Some(sign) = between.filter(|sign| text.split(sign).all(|part| version(part).is_ok())) {
        return Some(ExpressionError::UnknownOperator { operator: sign.trim().to_owned() });
    }
    let any = [".x", ".X", ".*"].into_iter().find(|any| text.ends_with(any))?;
    let numbers = text[..text.len() - any.len()].trim_start_matches('v');
    let are_numbers = !numbers.is_empty() && numbers.split('.').all(|part| part.parse::<u64>().is_ok());
    are_numbers.then(|| ExpressionError::NotAVersion {
        text: text.to_owned(),
        reason: VersionProblem::Part(any[1..].to_owned()),
    })
}

/// A version: numbers, and what follows a `-` or `+` behind a digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Any number of them; at least one.
    pub parts: Vec<u64>,
    /// With its separator; empty where nothing follows.
    pub suffix: String,
}

impl Version {
    /// Whether it is one of the versions before a release: `25.10.0-rc.1`.
    pub fn is_pre_release(&self) -> bool {
        super::suffix::is_before_release(&self.suffix)
    }
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
