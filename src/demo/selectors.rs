//! Label and field selectors, as the API server reads them.

use super::{kinds::Kind, status::Refusal};
use serde_json::Value;

/// Which objects a request is about. Empty selects everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    labels: Vec<Requirement>,
    /// Path, whether equal or not, value.
    fields: Vec<(String, bool, String)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

impl Selector {
    /// # Errors
    /// 400, in the words of the API server, for a text that is no selector or a field that the resource cannot be
    /// selected by.
    pub fn parse(kind: &Kind, labels: &str, fields: &str) -> Result<Selector, Refusal> {
        Ok(Selector { labels: parse_labels(labels)?, fields: parse_fields(kind, fields)? })
    }

    pub fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The only name that can match, when the selector says one.
    pub fn name(&self) -> Option<&str> {
        self.fields.iter().find(|(path, equal, _)| *equal && path == "metadata.name").map(|(_, _, name)| name.as_str())
    }

    pub fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|requirement| requirement.matches(labels[&requirement.key].as_str()))
            && self.fields.iter().all(|(path, equal, value)| (field(object, path) == *value) == *equal)
    }
}

/// One `{key, operator, values}` of a label selector or of a node affinity.
fn expression_of(expression: &Value) -> Requirement {
    let values: Vec<String> =
        expression["values"].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    let number = values.first().and_then(|text| text.parse().ok()).unwrap_or_default();
    let rule = match expression["operator"].as_str().unwrap_or_default() {
        "Exists" => Rule::Exists,
        "DoesNotExist" => Rule::Absent,
        "NotIn" => Rule::NotIn(values),
        "Gt" => Rule::Greater(number),
        "Lt" => Rule::Less(number),
        _ => Rule::In(values),
    };
    Requirement { key: expression["key"].as_str().unwrap_or_default().to_owned(), rule }
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|text| text.parse::<i64>().ok());
        match &self.rule {
            Rule::Exists => value.is_some(),
            Rule::Absent => value.is_none(),
            Rule::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            // What has no such label is not in any set.
            Rule::NotIn(values) => value.is_none_or(|value| !values.iter().any(|one| one == value)),
            Rule::Greater(bound) => number().is_some_and(|number| number > *bound),
            Rule::Less(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

fn field(object: &Value, path: &str) -> String {
    let mut at = object;
    for part in path.split('.') {
        at = &at[part];
    }
    match at {
        Value::String(text) => text.clone(),
        Value::Null => match path {
            "status.successful" => "0".to_owned(),
            "spec.unschedulable" => "false".to_owned(),
            _ => String::new(),
        },
        other => other.to_string(),
    }
}

fn parse_fields(kind: &Kind, text: &str) -> Result<Vec<(String, bool, String)>, Refusal> {
    let known: &[&str] = match kind.plural {
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "nodes" => &["spec.unschedulable"],
        "namespaces" => &["status.phase"],
        "secrets" => &["type"],
        "jobs" => &["status.successful"],
        "replicasets" | "replicationcontrollers" => &["status.replicas"],
        _ => &[],
    };
    let mut fields = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (path, equal, value) = if let Some((path, value)) = part.split_once("!=") {
            (path, false, value)
        } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
            (path, true, value)
        } else {
            return Err(Refusal::bad_request(format!("invalid selector: '{part}'; can't understand '{part}'")));
        };
        let general = path == "metadata.name" || path == "metadata.namespace" && kind.namespaced;
        if !general && !known.contains(&path) {
            return Err(Refusal::bad_request(format!("field label not supported: {path}")));
        }
        fields.push((path.to_owned(), equal, value.to_owned()));
    }
    Ok(fields)
}

/// `a=b, c!=d, e in (f, g), h notin (i), j, !k, l>1`.
fn parse_labels(text: &str) -> Result<Vec<Requirement>, Refusal> {
    let mut parser = Parser { tokens: tokens(text), at: 0 };
    let mut requirements = Vec::new();
    while parser.at < parser.tokens.len() {
        requirements.push(parser.requirement()?);
        match parser.next() {
            None => break,
            Some(",") => {}
            Some(other) => return Err(no_selector(other, "',' or 'end of string'")),
        }
    }
    Ok(requirements)
}

fn no_selector(found: &str, expected: &str) -> Refusal {
    Refusal::bad_request(format!("unable to parse requirement: found '{found}', expected: {expected}"))
}

/// Words and the signs `, ( ) = == != ! < >`.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let sign = ["==", "!=", "=", "!", ",", "(", ")", "<", ">"].into_iter().find(|sign| rest.starts_with(sign));
        let length = match sign {
            Some(sign) => sign.len(),
            None => rest.find(|c: char| c.is_whitespace() || "=!,()<>".contains(c)).unwrap_or(rest.len()),
        };
        // A sign is never empty, and a word starts with what is none.
        let length = length.max(first.len_utf8());
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<&str> {
        let token = self.tokens.get(self.at).map(String::as_str);
        self.at += 1;
        token
    }

    fn word(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(word) if !word.starts_with(|c| "=!,()<>".contains(c)) => Ok(word.to_owned()),
            other => Err(no_selector(other.unwrap_or_default(), "identifier")),
        }
    }

    /// A value may be missing: `a=`.
    fn value(&mut self) -> Result<String, Refusal> {
        match self.peek() {
            None | Some(",") => Ok(String::new()),
            _ => self.word(),
        }
    }

    fn requirement(&mut self) -> Result<Requirement, Refusal> {
        if self.peek() == Some("!") {
            self.at += 1;
            return Ok(Requirement { key: self.word()?, rule: Rule::Absent });
        }
        let key = self.word()?;
        let rule = match self.peek() {
            None | Some(",") => Rule::Exists,
            Some("=" | "==") => {
                self.at += 1;
                Rule::In(vec![self.value()?])
            }
            Some("!=") => {
                self.at += 1;
                Rule::NotIn(vec![self.value()?])
            }
            Some("in") => {
                self.at += 1;
                Rule::In(self.set()?)
            }
            Some("notin") => {
                self.at += 1;
                Rule::NotIn(self.set()?)
            }
            Some(sign @ (">" | "<")) => {
                let is_greater = sign == ">";
                self.at += 1;
                let number = self.word()?;
                let number = number.parse().map_err(|_| no_selector(&number, "integer"))?;
                if is_greater { Rule::Greater(number) } else { Rule::Less(number) }
            }
            Some(other) => return Err(no_selector(other, "in, notin, =, ==, !=, gt, lt")),
        };
        Ok(Requirement { key, rule })
    }

    fn set(&mut self) -> Result<Vec<String>, Refusal> {
        if self.next() != Some("(") {
            return Err(no_selector(self.tokens.get(self.at - 1).map_or("", String::as_str), "'('"));
        }
        let mut values = vec![self.value()?];
        loop {
            match self.next() {
                Some(")") => return Ok(values),
                Some(",") => values.push(self.value()?),
                other => return Err(no_selector(other.unwrap_or_default(), "',', or ')'")),
            }
        }
    }
}

/// Whether a node satisfies one term of a node affinity: all its expressions.
pub fn node_term_matches(term: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let on_labels = term["matchExpressions"].as_array().into_iter().flatten().map(expression_of);
    let on_fields = term["matchFields"].as_array().into_iter().flatten().map(expression_of);
    on_labels.into_iter().all(|requirement| requirement.matches(labels[&requirement.key].as_str()))
        && on_fields.into_iter().all(|requirement| requirement.matches(node["metadata"]["name"].as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kinds::{ALL, own};
    use serde_json::json;

    #[track_caller]
    fn check(selector: &str, expected: bool) {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "1", "empty": ""}}});
        let selector = Selector::parse(&ALL[own("pods")], selector, "").expect("a selector");
        assert_eq!(selector.matches(&object), expected);
    }

    #[test]
    fn labels_are_matched_in_all_forms() {
        for selector in
            ["", "app", "app=web", "app==web,tier=1", "app in (db, web)", "!gone", "gone!=x", "empty=", "tier>0"]
        {
            check(selector, true);
        }
        for selector in ["gone", "app=db", "app=web,tier=2", "app notin (web)", "!app", "app!=web", "tier<1", "empty=x"]
        {
            check(selector, false);
        }
    }

    #[track_caller]
    fn refused(labels: &str, fields: &str, message: &str) {
        let refusal = Selector::parse(&ALL[own("pods")], labels, fields).expect_err("no selector");
        assert_eq!((refusal.code, refusal.message()), (400, message));
    }

    #[test]
    fn a_bad_selector_gives_the_error_of_the_api_server() {
        refused("a===b", "", "unable to parse requirement: found '=', expected: identifier");
        refused("", "spec.foo=b", "field label not supported: spec.foo");
        refused("", "metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'");
    }

    #[test]
    fn fields_are_compared_as_text() {
        let pod = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "w"}, "status": {"phase": "Running"}});
        let parse = |fields: &str| Selector::parse(&ALL[own("pods")], "", fields).expect("a selector");
        assert!(parse("spec.nodeName=w,status.phase!=Failed").matches(&pod));
        assert!(!parse("metadata.name!=p").matches(&pod));
        assert_eq!(parse("metadata.name=p").name(), Some("p"));
    }
}
