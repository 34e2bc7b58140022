//! Actions × object → text.

use super::{
    LARGEST, Read, TemplateError,
    parse::{Branch, Node, Pipeline, Term},
};
use crate::yaml;
use serde_json::Value;
use std::{cmp::Ordering, collections::BTreeSet};

pub(super) fn run(nodes: &[Node], object: &Value) -> Result<(String, BTreeSet<Read>), TemplateError> {
    let object = Found { value: object.clone(), path: Some(Vec::new()) };
    let mut run = Run { out: String::new(), variables: vec![("$".to_owned(), object.clone())], reads: BTreeSet::new() };
    run.block(nodes, &object)?;
    Ok((run.out, run.reads))
}

struct Run {
    out: String,
    /// Innermost last.
    variables: Vec<(String, Found)>,
    reads: BTreeSet<Read>,
}

type Answer = Result<Value, String>;

/// A value, and where in the object it is; nowhere for one that was made.
#[derive(Clone, Default)]
struct Found {
    value: Value,
    path: Option<Vec<String>>,
}

impl Found {
    fn made(value: Value) -> Found {
        Found { value, path: None }
    }

    /// What is below it.
    fn below(&self, keys: &[String]) -> Result<Found, String> {
        let path = self.path.as_ref().map(|path| [path, keys].concat());
        Ok(Found { value: look_up(&self.value, keys)?, path })
    }
}

impl Run {
    /// A block has its own variables.
    fn block(&mut self, nodes: &[Node], dot: &Found) -> Result<(), TemplateError> {
        let outer = self.variables.len();
        for node in nodes {
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Show(line, pipeline) => {
                    let found = self.pipeline(*line, pipeline, dot)?;
                    if pipeline.variables.is_empty() {
                        self.read(&found);
                        if !found.value.is_null() {
                            self.out.push_str(&shown(&found.value));
                        }
                    }
                }
                Node::Branch { line, kind, pipeline, then, otherwise } => {
                    self.branch(*line, *kind, (pipeline, then, otherwise), dot)?;
                }
            }
            if self.out.len() > LARGEST {
                let line = if let Node::Show(line, _) | Node::Branch { line, .. } = node { *line } else { 0 };
                return Err(TemplateError { line, problem: format!("it renders to more than {LARGEST} bytes") });
            }
        }
        self.variables.truncate(outer);
        Ok(())
    }

    fn branch(
        &mut self,
        line: usize,
        kind: Branch,
        (pipeline, then, otherwise): (&Pipeline, &[Node], &[Node]),
        dot: &Found,
    ) -> Result<(), TemplateError> {
        let outer = self.variables.len();
        if kind == Branch::Range {
            let found = self.value(line, pipeline, dot)?;
            self.read(&found);
            let items: Vec<(Value, Value)> = match found.value {
                Value::Array(items) => items.into_iter().enumerate().map(|(at, item)| (at.into(), item)).collect(),
                Value::Object(entries) => entries.into_iter().map(|(key, item)| (key.into(), item)).collect(),
                Value::Null => Vec::new(),
                other => {
                    let problem = format!("cannot range over {}", kind_of(&other));
                    return Err(TemplateError { line, problem });
                }
            };
            if items.is_empty() {
                self.block(otherwise, dot)?;
            }
            for (key, item) in items {
                let (key, item) = (Found::made(key), Found::made(item));
                match &pipeline.variables[..] {
                    [one] => self.variables.push((one.clone(), item.clone())),
                    [first, second, ..] => {
                        self.variables.push((first.clone(), key));
                        self.variables.push((second.clone(), item.clone()));
                    }
                    [] => {}
                }
                self.block(then, &item)?;
                self.variables.truncate(outer);
            }
            return Ok(());
        }
        let found = self.pipeline(line, pipeline, dot)?;
        match (self.truth_of(&found), kind) {
            (true, Branch::With) => self.block(then, &found)?,
            (true, _) => self.block(then, dot)?,
            (false, _) => self.block(otherwise, dot)?,
        }
        self.variables.truncate(outer);
        Ok(())
    }

    /// Notes that everything of a value counts.
    fn read(&mut self, found: &Found) {
        if let Some(path) = &found.path {
            self.reads.insert(Read { path: path.clone(), is_whole: true });
        }
    }

    /// Whether a value is true, which counts; more entries in a mapping that has some would make no difference.
    fn truth_of(&mut self, found: &Found) -> bool {
        let is_true = truth(&found.value);
        if let Some(path) = &found.path {
            let is_whole = !(is_true && found.value.is_object());
            self.reads.insert(Read { path: path.clone(), is_whole });
        }
        is_true
    }

    fn pipeline(&mut self, line: usize, pipeline: &Pipeline, dot: &Found) -> Result<Found, TemplateError> {
        let value = self.value(line, pipeline, dot)?;
        for name in &pipeline.variables {
            if pipeline.declares {
                self.variables.push((name.clone(), value.clone()));
                continue;
            }
            match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
                Some((_, place)) => *place = value.clone(),
                None => return Err(TemplateError { line, problem: format!("unknown variable `{name}`") }),
            }
        }
        Ok(value)
    }

    fn value(&mut self, line: usize, pipeline: &Pipeline, dot: &Found) -> Result<Found, TemplateError> {
        self.commands(pipeline, dot).map_err(|problem| TemplateError { line, problem })
    }

    fn commands(&mut self, pipeline: &Pipeline, dot: &Found) -> Result<Found, String> {
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, last, dot)?);
        }
        Ok(last.unwrap_or_default())
    }

    fn command(&mut self, terms: &[Term], piped: Option<Found>, dot: &Found) -> Result<Found, String> {
        let [first, rest @ ..] = terms else { return Ok(Found::default()) };
        let Term::Function(name) = first else {
            return match (rest, piped) {
                ([], None) => self.term(first, dot),
                _ => Err("a value that is not a function has arguments".to_owned()),
            };
        };
        // These look at their arguments one by one.
        if let "and" | "or" = &**name {
            let mut found = Found::default();
            for term in rest {
                found = self.term(term, dot)?;
                if self.truth_of(&found) == (name == "or") {
                    return Ok(found);
                }
            }
            return Ok(piped.unwrap_or(found));
        }
        let mut arguments = rest.iter().map(|term| self.term(term, dot)).collect::<Result<Vec<_>, _>>()?;
        arguments.extend(piped);
        let values: Vec<Value> = arguments.iter().map(|found| found.value.clone()).collect();
        let value = call(name, &values)?;
        match (&**name, &arguments[..]) {
            ("index", [start, keys @ ..]) => {
                keys.iter().for_each(|key| self.read(key));
                // An item of a list is the list.
                let keys = values[1..].iter().map_while(Value::as_str).map(str::to_owned);
                let path = start.path.clone().map(|path| path.into_iter().chain(keys).collect());
                Ok(Found { value, path })
            }
            ("not", [one]) => {
                self.truth_of(one);
                Ok(Found::made(value))
            }
            _ => {
                arguments.iter().for_each(|argument| self.read(argument));
                Ok(Found::made(value))
            }
        }
    }

    fn term(&mut self, term: &Term, dot: &Found) -> Result<Found, String> {
        match term {
            Term::Literal(value) => Ok(Found::made(value.clone())),
            Term::Nil => Ok(Found::default()),
            Term::Dot(path) => dot.below(path),
            Term::Variable(name, path) => match self.variables.iter().rev().find(|(known, _)| known == name) {
                Some((_, found)) => found.below(path),
                None => Err(format!("unknown variable `{name}`")),
            },
            Term::Function(name) => Ok(Found::made(call(name, &[])?)),
            Term::Nested(pipeline, path) => self.commands(pipeline, dot)?.below(path),
        }
    }
}

/// Keys one after the other; a missing one is nothing, and nothing has no keys.
fn look_up(value: &Value, path: &[String]) -> Answer {
    let mut place = value;
    for key in path {
        place = match place {
            Value::Object(entries) => entries.get(key).unwrap_or(&Value::Null),
            other => return Err(format!("cannot look up `{key}` in {}", kind_of(other))),
        };
    }
    Ok(place.clone())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

/// As Go's `%v` shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => yaml::go_number(number),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(entries) => {
            let pairs: Vec<String> = entries.iter().map(|(key, value)| format!("{key}:{}", shown(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

/// Calls a function with its arguments, the piped one last.
fn call(name: &str, arguments: &[Value]) -> Answer {
    let count = |expected: usize| match arguments.len() == expected {
        true => Ok(()),
        false => Err(format!("`{name}` takes {expected} arguments, found {}", arguments.len())),
    };
    let text = |at: usize| match &arguments[at] {
        Value::String(text) => Ok(text.as_str()),
        other => Err(format!("`{name}` needs a string, found {}", kind_of(other))),
    };
    let number = |at: usize| match arguments[at].as_i64() {
        Some(number) => Ok(number),
        None => Err(format!("`{name}` needs a whole number, found {}", kind_of(&arguments[at]))),
    };
    match name {
        "index" => index(arguments),
        "not" => count(1).map(|()| (!truth(&arguments[0])).into()),
        "eq" => equal(name, arguments).map(Value::from),
        "ne" => count(2).and_then(|()| equal(name, arguments)).map(|same| (!same).into()),
        "lt" | "le" | "gt" | "ge" => {
            count(2)?;
            let order = compare(name, &arguments[0], &arguments[1])?;
            let holds = match name {
                "lt" => order == Ordering::Less,
                "le" => order != Ordering::Greater,
                "gt" => order == Ordering::Greater,
                _ => order != Ordering::Less,
            };
            Ok(holds.into())
        }
        "len" => {
            count(1)?;
            match &arguments[0] {
                Value::String(text) => Ok(text.len().into()),
                Value::Array(items) => Ok(items.len().into()),
                Value::Object(entries) => Ok(entries.len().into()),
                other => Err(format!("`len` of {}", kind_of(other))),
            }
        }
        "printf" => print(arguments),
        "toString" => count(1).map(|()| shown(&arguments[0]).into()),
        "toYaml" => count(1).map(|()| yaml::to_string(&arguments[0]).trim_end_matches('\n').into()),
        "indent" | "nindent" => {
            count(2)?;
            let width = usize::try_from(number(0)?).map_err(|_| format!("`{name}` needs a width"))?.min(256);
            let pad = " ".repeat(width);
            let lines: Vec<String> = text(1)?
                .split('\n')
                .map(|line| if line.is_empty() { String::new() } else { format!("{pad}{line}") })
                .collect();
            let start = if name == "nindent" { "\n" } else { "" };
            Ok(format!("{start}{}", lines.join("\n")).into())
        }
        "default" => {
            count(2)?;
            let is_unset = arguments[1].is_null() || arguments[1] == "";
            Ok(arguments[usize::from(!is_unset)].clone())
        }
        "replace" => count(3).and_then(|()| Ok(text(2)?.replace(text(0)?, text(1)?).into())),
        "trunc" => {
            count(2)?;
            let (length, text) = (number(0)?, text(1)?);
            let keep = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX).min(text.len());
            let cut = if length < 0 { text.len() - keep..text.len() } else { 0..keep };
            text.get(cut).map(Value::from).ok_or_else(|| "`trunc` cuts a character in two".to_owned())
        }
        "trimSuffix" => count(2).and_then(|()| {
            let whole = text(1)?;
            Ok(whole.strip_suffix(text(0)?).unwrap_or(whole).into())
        }),
        "quote" => {
            let given = arguments.iter().filter(|value| !value.is_null());
            Ok(given.map(|value| quoted(&shown(value))).collect::<Vec<_>>().join(" ").into())
        }
        other => Err(format!("unknown function `{other}`")),
    }
}

/// A JSON string is a Go string but for what no manifest holds.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn index(arguments: &[Value]) -> Answer {
    let [start, keys @ ..] = arguments else { return Err("`index` needs a value".to_owned()) };
    let mut place = start;
    for key in keys {
        place = match (place, key) {
            (Value::Object(entries), Value::String(key)) => entries.get(key).unwrap_or(&Value::Null),
            (Value::Object(_), key) => {
                return Err(format!("`index` needs the name of a key, found {}", kind_of(key)));
            }
            (Value::Array(items), Value::Number(at)) => {
                let at = at.as_u64().and_then(|at| usize::try_from(at).ok());
                at.and_then(|at| items.get(at)).ok_or("`index` of a list is out of range")?
            }
            (other, _) => return Err(format!("`index` of {}", kind_of(other))),
        };
    }
    Ok(place.clone())
}

/// Whether the first is one of the others.
fn equal(name: &str, arguments: &[Value]) -> Result<bool, String> {
    let [first, others @ ..] = arguments else { return Err(format!("`{name}` needs two values")) };
    if others.is_empty() {
        return Err(format!("`{name}` needs two values"));
    }
    for other in others {
        let same = match (first, other) {
            (Value::Null, _) | (_, Value::Null) => first == other,
            (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => {
                return Err(format!("`{name}` cannot compare {}", kind_of(first)));
            }
            _ => compare(name, first, other)? == Ordering::Equal,
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compare(name: &str, left: &Value, right: &Value) -> Result<Ordering, String> {
    let order = match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().zip(right.as_f64()).and_then(|(left, right)| left.partial_cmp(&right))
        }
        _ => None,
    };
    order.ok_or_else(|| format!("`{name}` cannot compare {} with {}", kind_of(left), kind_of(right)))
}

fn print(arguments: &[Value]) -> Answer {
    let Some(Value::String(format)) = arguments.first() else { return Err("`printf` needs a format".to_owned()) };
    let mut values = arguments[1..].iter();
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let verb = chars.next().ok_or("`printf` ends with `%`")?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        let value = values.next().ok_or("`printf` has more verbs than values")?;
        match verb {
            's' | 'v' | 'd' | 't' => out.push_str(&shown(value)),
            'q' => out.push_str(&quoted(&shown(value))),
            other => return Err(format!("`printf` does not know `%{other}`")),
        }
    }
    match values.next() {
        None => Ok(out.into()),
        Some(_) => Err("`printf` has more values than verbs".to_owned()),
    }
}
