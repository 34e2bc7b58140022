//! Text → typed catalog documents: field access that names file, line and column when a shape is wrong.

use super::{CatalogError, CatalogProblem};
use crate::{
    document::{header, location::Location, schema},
    snapshot::address,
    yaml::{Entry, Kind, Node, Position},
};
use std::{collections::BTreeMap, sync::Arc};

/// A document under reading: the file it came from, for messages.
#[derive(Clone, Debug)]
pub struct Document {
    pub shown: Arc<str>,
    pub root: Node,
}

impl Document {
    /// Parses the only document of a file.
    ///
    /// # Errors
    /// Not YAML, or several documents.
    pub fn parse(shown: &Arc<str>, text: &str) -> Result<Document, CatalogError> {
        let root = crate::yaml::parse(text).map_err(|error| CatalogError {
            at: Location::new(shown, error.at),
            problem: CatalogProblem::Syntax(error.problem),
        })?;
        Ok(Document { shown: shown.clone(), root })
    }

    /// Parses every document of a file that may hold several.
    ///
    /// # Errors
    /// Not YAML.
    pub fn parse_all(shown: &Arc<str>, text: &str) -> Result<Vec<Document>, CatalogError> {
        let roots = crate::yaml::parse_all(text).map_err(|error| CatalogError {
            at: Location::new(shown, error.at),
            problem: CatalogProblem::Syntax(error.problem),
        })?;
        Ok(roots.into_iter().map(|root| Document { shown: shown.clone(), root }).collect())
    }

    /// An error at a place of this document.
    pub fn error(&self, at: Position, problem: CatalogProblem) -> CatalogError {
        CatalogError { at: self.location(at), problem }
    }

    /// Where it starts.
    pub fn start(&self) -> Location {
        self.location(self.root.at)
    }

    /// A place of this document.
    pub fn location(&self, at: Position) -> Location {
        Location::new(&self.shown, at)
    }

    /// Checks that the header of a document of this kind is one that there ever was, and that it may have what it says.
    ///
    /// A document without a header is taken as it is.
    ///
    /// # Errors
    /// An unknown version, or a content that its version cannot have.
    pub fn header(&self, accepted: &header::Accepted) -> Result<(), CatalogError> {
        let checked = accepted.check(&self.root);
        checked.map(drop).map_err(|error| {
            let at = error.at().unwrap_or(self.root.at);
            self.error(at, CatalogProblem::Header(error.into()))
        })
    }

    /// Checks that snapshots can have the readings that constraints name.
    ///
    /// # Errors
    /// The first path with a word that is not known.
    pub fn paths<'n>(&self, constraints: impl IntoIterator<Item = &'n Node>) -> Result<(), CatalogError> {
        for name in constraints.into_iter().filter_map(|constraint| constraint.get("name")) {
            if let Err(error) = address::check(name.text().unwrap_or_default()) {
                return Err(self.error(name.at, CatalogProblem::Path(Box::new(error))));
            }
        }
        Ok(())
    }

    /// Checks that constraints have a severity that there is, or none.
    ///
    /// # Errors
    /// The first one that is unknown: in silence it would count as an error.
    pub fn severities<'n>(&self, constraints: impl IntoIterator<Item = &'n Node>) -> Result<(), CatalogError> {
        for constraint in constraints {
            let found = self.text(constraint, "severity")?;
            if !schema::is_severity(&found) {
                let at = constraint.get("severity").map_or(constraint.at, |severity| severity.at);
                let problem =
                    CatalogProblem::Word { field: "severity".to_owned(), allowed: &schema::SEVERITIES, found };
                return Err(self.error(at, problem));
            }
        }
        Ok(())
    }

    /// A mapping's entry that is present and not null.
    pub fn field<'n>(&self, node: &'n Node, key: &str) -> Option<&'n Node> {
        node.get(key).filter(|value| !value.is_null())
    }

    /// A string field as its source text; empty when absent.
    ///
    /// # Errors
    /// A list or mapping.
    pub fn text(&self, node: &Node, key: &str) -> Result<String, CatalogError> {
        let Some(value) = self.field(node, key) else { return Ok(String::new()) };
        value.text().map(str::to_owned).ok_or_else(|| self.wrong(value, key, "a string"))
    }

    /// A list field; `None` when absent or null, which differs from `[]`.
    ///
    /// # Errors
    /// Not a list.
    pub fn list<'n>(&self, node: &'n Node, key: &str) -> Result<Option<&'n [Node]>, CatalogError> {
        match self.field(node, key) {
            None => Ok(None),
            Some(Node { kind: Kind::List(items), .. }) => Ok(Some(items)),
            Some(other) => Err(self.wrong(other, key, "a list")),
        }
    }

    /// A list of strings; empty when absent.
    ///
    /// # Errors
    /// Not a list, or an element that is no scalar.
    pub fn texts(&self, node: &Node, key: &str) -> Result<Vec<String>, CatalogError> {
        let items = self.list(node, key)?.unwrap_or(&[]);
        let text = |item: &Node| item.text().map(str::to_owned).ok_or_else(|| self.wrong(item, key, "a string"));
        items.iter().map(text).collect()
    }

    /// The entries of a mapping field; empty when absent.
    ///
    /// # Errors
    /// Not a mapping.
    pub fn map<'n>(&self, node: &'n Node, key: &str) -> Result<&'n [Entry], CatalogError> {
        match self.field(node, key) {
            None => Ok(&[]),
            Some(Node { kind: Kind::Map(entries), .. }) => Ok(entries),
            Some(other) => Err(self.wrong(other, key, "a mapping")),
        }
    }

    /// A mapping of strings; empty when absent.
    ///
    /// # Errors
    /// Not a mapping, or a value that is no scalar.
    pub fn text_map(&self, node: &Node, key: &str) -> Result<BTreeMap<String, String>, CatalogError> {
        let pair = |entry: &Entry| match entry.value.text() {
            Some(text) => Ok((entry.key.to_string(), text.to_owned())),
            None => Err(self.wrong(&entry.value, &entry.key, "a string")),
        };
        self.map(node, key)?.iter().map(pair).collect()
    }

    /// A boolean field; false when absent.
    ///
    /// # Errors
    /// Anything that is no boolean.
    pub fn flag(&self, node: &Node, key: &str) -> Result<bool, CatalogError> {
        match self.field(node, key) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(value, key, "true or false")),
        }
    }

    /// An error about the type of a value.
    pub fn wrong(&self, value: &Node, field: &str, expected: &'static str) -> CatalogError {
        let problem = CatalogProblem::Type { field: field.to_owned(), expected, found: value.kind_name() };
        self.error(value.at, problem)
    }
}

/// Seconds of a Go duration: `2m`, `1h30m`, `90s`, `1.5h`; `None` for anything else.
pub fn duration_seconds(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        total += number
            * match &rest[digits..unit_end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::duration_seconds;

    #[test]
    fn durations_read_as_go_writes_them() {
        let read = ["2m", "1h30m", "65m", "1.5s", "300ms"].map(duration_seconds);
        assert_eq!(read, [Some(120.0), Some(5400.0), Some(3900.0), Some(1.5), Some(0.3)]);
        assert_eq!(["", "5", "m", "2 m", "1d"].map(duration_seconds), [None; 5]);
    }
}
