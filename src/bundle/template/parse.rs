//! Text → actions.

use super::{DEEPEST, TemplateError};

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// A pipeline whose value is shown, unless it declares a variable.
    Show(usize, Pipeline),
    Branch {
        line: usize,
        kind: Branch,
        pipeline: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Branch {
    If,
    With,
    Range,
}

impl Branch {
    fn word(self) -> &'static str {
        match self {
            Branch::If => "if",
            Branch::With => "with",
            Branch::Range => "range",
        }
    }
}

/// `$a, $b := first | second`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pipeline {
    pub variables: Vec<String>,
    /// `:=` rather than `=`.
    pub declares: bool,
    pub commands: Vec<Vec<Term>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    Literal(serde_json::Value),
    Nil,
    /// `.` and what is looked up in it.
    Dot(Vec<String>),
    Variable(String, Vec<String>),
    Function(String),
    Nested(Box<Pipeline>, Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    /// `.a`, directly behind something or by itself.
    Field(String),
    Dot,
    Variable(String),
    Literal(serde_json::Value),
    Open,
    Close,
    Pipe,
    Comma,
    Declare,
    Assign,
    /// White space, which parts arguments.
    Space,
}

/// A template as its parts.
pub(super) fn parse(template: &str) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser { pieces: pieces(template)?.into_iter(), depth: 0 };
    match parser.block()? {
        (nodes, None) => Ok(nodes),
        (_, Some((line, word))) => Err(error(line, format!("`{word}` without a beginning"))),
    }
}

fn error(line: usize, problem: impl Into<String>) -> TemplateError {
    TemplateError { line, problem: problem.into() }
}

/// Text, or the inside of an action.
enum Piece {
    Text(String),
    Action(usize, String),
}

/// Splits at `{{` and `}}`, and trims where a mark says so.
fn pieces(template: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let (mut rest, mut line, mut trim_next) = (template, 1, false);
    while let Some(at) = rest.find("{{") {
        let mut text = &rest[..at];
        let lines = text.matches('\n').count();
        if trim_next {
            text = text.trim_start();
        }
        rest = &rest[at + 2..];
        let trims_before = rest.starts_with('-') && rest[1..].starts_with(char::is_whitespace);
        if trims_before {
            text = text.trim_end();
            rest = &rest[1..];
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        line += lines;
        let end = end_of_action(rest).map_err(|problem| error(line, problem))?;
        let inside = &rest[..end];
        trim_next = inside.ends_with('-') && inside[..inside.len() - 1].ends_with(char::is_whitespace);
        let action = if trim_next { &inside[..inside.len() - 1] } else { inside };
        if !action.trim_start().starts_with("/*") {
            pieces.push(Piece::Action(line, action.to_owned()));
        }
        line += inside.matches('\n').count();
        rest = &rest[end + 2..];
    }
    let text = if trim_next { rest.trim_start() } else { rest };
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(pieces)
}

/// Where an action ends, which is not within its strings and comments.
fn end_of_action(text: &str) -> Result<usize, &'static str> {
    let start = text.len() - text.trim_start().len();
    if text[start..].starts_with("/*") {
        let after = text[start..].find("*/").map(|at| start + at + 2).ok_or("a comment is not closed")?;
        let end = text[after..].find("}}").ok_or("an action is not closed with `}}`")?;
        return Ok(after + end);
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if at >= bytes.len() {
                    return Err("a string is not closed");
                }
            }
            b'`' => {
                at += 1 + text[at + 1..].find('`').ok_or("a string is not closed")?;
            }
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    Err("an action is not closed with `}}`")
}

/// What ends a block, and its line.
type End = (usize, String);

struct Parser {
    pieces: std::vec::IntoIter<Piece>,
    depth: usize,
}

impl Parser {
    /// Nodes up to an `else` or `end`, which is handed back with its line.
    fn block(&mut self) -> Result<(Vec<Node>, Option<End>), TemplateError> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let (line, action) = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(line, action) => (line, action),
            };
            let trimmed = action.trim();
            let word: String = trimmed.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
            let kind = match &*word {
                "if" => Branch::If,
                "with" => Branch::With,
                "range" => Branch::Range,
                "end" | "else" => return Ok((nodes, Some((line, trimmed.to_owned())))),
                "define" | "template" | "block" | "break" | "continue" => {
                    return Err(error(line, format!("`{word}` is not supported")));
                }
                _ => {
                    nodes.push(Node::Show(line, pipeline(line, trimmed)?));
                    continue;
                }
            };
            nodes.push(self.branch(line, kind, &trimmed[word.len()..])?);
        }
        Ok((nodes, None))
    }

    fn branch(&mut self, line: usize, kind: Branch, condition: &str) -> Result<Node, TemplateError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(error(line, format!("nested deeper than {DEEPEST} levels")));
        }
        let pipeline = pipeline(line, condition)?;
        let missing = || error(line, format!("`{}` has no `end`", kind.word()));
        let (then, end) = self.block()?;
        let (at, word) = end.ok_or_else(missing)?;
        let otherwise = match word.strip_prefix("else").map(str::trim) {
            None => Vec::new(),
            Some("") => match self.block()? {
                (nodes, Some((_, word))) if word == "end" => nodes,
                (_, Some((at, word))) => return Err(error(at, format!("`{word}` behind `else`"))),
                (_, None) => return Err(missing()),
            },
            // It shares the `end` of the branch that it belongs to.
            Some(chained) => {
                let kind = match chained.split_whitespace().next() {
                    Some("if") => Branch::If,
                    Some("with") => Branch::With,
                    _ => return Err(error(at, format!("`else {chained}` is not supported"))),
                };
                vec![self.branch(at, kind, &chained[kind.word().len()..])?]
            }
        };
        self.depth -= 1;
        Ok(Node::Branch { line, kind, pipeline, then, otherwise })
    }
}

fn pipeline(line: usize, text: &str) -> Result<Pipeline, TemplateError> {
    let tokens = tokens(text).map_err(|problem| error(line, problem))?;
    let mut reader = Reader { tokens: &tokens, at: 0, line, depth: 0 };
    let pipeline = reader.pipeline()?;
    match reader.peek() {
        None => Ok(pipeline),
        Some(Token::Close) => Err(error(line, "a parenthesis is closed that was not opened")),
        Some(other) => Err(error(line, format!("unexpected {}", shown(other)))),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Comma => "`,`".to_owned(),
        Token::Declare => "`:=`".to_owned(),
        Token::Assign => "`=`".to_owned(),
        Token::Field(name) => format!("`.{name}`"),
        Token::Word(name) | Token::Variable(name) => format!("`{name}`"),
        _ => "end of the action".to_owned(),
    }
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    line: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<&Token> {
        while self.tokens.get(self.at) == Some(&Token::Space) {
            self.at += 1;
        }
        self.tokens.get(self.at)
    }

    fn pipeline(&mut self) -> Result<Pipeline, TemplateError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(error(self.line, format!("nested deeper than {DEEPEST} levels")));
        }
        let (variables, declares) = self.variables();
        let mut commands = vec![self.command()?];
        while self.peek() == Some(&Token::Pipe) {
            self.at += 1;
            commands.push(self.command()?);
        }
        for command in &commands[1..] {
            if !matches!(command.first(), Some(Term::Function(_))) {
                let what = match command.first() {
                    Some(Term::Literal(value)) => value.to_string(),
                    _ => "what is behind `|`".to_owned(),
                };
                return Err(error(self.line, format!("`{what}` is not a function")));
            }
        }
        self.depth -= 1;
        Ok(Pipeline { variables, declares, commands })
    }

    /// `$a :=`, `$a, $b :=` or `$a =`, where the pipeline begins so.
    fn variables(&mut self) -> (Vec<String>, bool) {
        let start = self.at;
        let mut names = Vec::new();
        while let Some(Token::Variable(name)) = self.peek() {
            names.push(name.clone());
            self.at += 1;
            match self.peek() {
                Some(Token::Comma) => self.at += 1,
                Some(Token::Declare) => {
                    self.at += 1;
                    return (names, true);
                }
                Some(Token::Assign) => {
                    self.at += 1;
                    return (names, false);
                }
                _ => break,
            }
        }
        self.at = start;
        (Vec::new(), false)
    }

    fn command(&mut self) -> Result<Vec<Term>, TemplateError> {
        let mut terms = Vec::new();
        while let Some(token) = self.peek().cloned() {
            self.at += 1;
            let term = match token {
                Token::Pipe | Token::Close | Token::Comma | Token::Declare | Token::Assign => {
                    self.at -= 1;
                    break;
                }
                Token::Literal(value) => Term::Literal(value),
                Token::Word(word) => match &*word {
                    "true" => Term::Literal(true.into()),
                    "false" => Term::Literal(false.into()),
                    "nil" => Term::Nil,
                    _ => Term::Function(word),
                },
                Token::Dot => Term::Dot(Vec::new()),
                Token::Field(name) => {
                    let mut path = vec![name];
                    path.extend(self.fields());
                    Term::Dot(path)
                }
                Token::Variable(name) => Term::Variable(name, self.fields()),
                Token::Open => {
                    let nested = self.pipeline()?;
                    if self.peek() != Some(&Token::Close) {
                        return Err(error(self.line, "a parenthesis is not closed"));
                    }
                    self.at += 1;
                    Term::Nested(Box::new(nested), self.fields())
                }
                Token::Space => continue,
            };
            terms.push(term);
        }
        if terms.is_empty() { Err(error(self.line, "an action without a value")) } else { Ok(terms) }
    }

    /// `.a.b` directly behind a term.
    fn fields(&mut self) -> Vec<String> {
        let mut path = Vec::new();
        while let Some(Token::Field(name)) = self.tokens.get(self.at) {
            path.push(name.clone());
            self.at += 1;
        }
        path
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let name = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            c if c.is_whitespace() => (Token::Space, c.len_utf8()),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '|' => (Token::Pipe, 1),
            ',' => (Token::Comma, 1),
            '=' => (Token::Assign, 1),
            ':' if rest.starts_with(":=") => (Token::Declare, 2),
            '"' => {
                let end = closing_quote(rest).ok_or("a string is not closed")?;
                (Token::Literal(unescape(&rest[1..end])?.into()), end + 1)
            }
            '`' => {
                let end = rest[1..].find('`').ok_or("a string is not closed")?;
                (Token::Literal(rest[1..=end].into()), end + 2)
            }
            '.' => match name(&rest[1..]) {
                0 => (Token::Dot, 1),
                length => (Token::Field(rest[1..=length].to_owned()), length + 1),
            },
            '$' => {
                let length = name(&rest[1..]);
                (Token::Variable(rest[..=length].to_owned()), length + 1)
            }
            c if c.is_ascii_digit() || matches!(c, '-' | '+') => {
                let length = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '.').map_or(rest.len(), |at| at + 1);
                let number = rest[..length].parse::<i64>().map(serde_json::Value::from);
                let number = number.or_else(|_| rest[..length].parse::<f64>().map(serde_json::Value::from));
                (Token::Literal(number.map_err(|_| format!("`{}` is not a number", &rest[..length]))?), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = name(rest);
                (Token::Word(rest[..length].to_owned()), length)
            }
            c => return Err(format!("unexpected character `{c}`")),
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// Where the string that begins here ends.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().skip(1).find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        plain.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some(c @ ('"' | '\\' | '\'')) => c,
            other => return Err(format!("unknown escape `\\{}` in a string", other.unwrap_or(' '))),
        });
    }
    Ok(plain)
}
