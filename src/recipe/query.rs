//! Looking up a path in a resolved document.
//!
//! The reference's grammar (`components.gpu-operator.values.driver.version`, one optional leading dot) plus quoted
//! segments (`"nvidia.com/gpu"`), indexes (`[0]`), list keys (`[name=x]`) and wildcards (`*`).

/// A parsed selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Key(String),
    Index(usize),
    Where { key: String, value: String },
    Any,
}

/// A selector that cannot be read, or one that names nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryError {
    Syntax { selector: String, column: usize, message: String },
    NotFound { selector: String, segment: String, available: Vec<String> },
}
impl std::fmt::Display for QueryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let _ = f;
        todo!("core")
    }
}
impl std::error::Error for QueryError {}

/// Reads a selector; empty or `.` names the whole document.
pub fn parse(text: &str) -> Result<Selector, QueryError> {
    let _ = text;
    todo!("core")
}
