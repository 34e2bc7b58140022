//! What a person sets over a recipe when it is bundled, as typed: overrides, dynamic paths, where pods may run.
//!
//! In: the texts of flags. Out: values that are checked as far as the text goes; whether they can take effect is for the
//! recipe to say (`values`). A number is a number only where it prints as it was typed: `1.10` and `010` stay text, which
//! the reference would turn into 1.1 and 10.

use crate::recipe::locks::Input;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// A path of keys in the values of a component. `\.` is a dot in a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValuePath(pub Vec<String>);

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&path_text(&self.0))
    }
}

/// A path as it is typed: a dot or backslash in a key has a backslash before it.
pub fn path_text(path: &[String]) -> String {
    path.iter().map(|key| key.replace('\\', "\\\\").replace('.', "\\.")).collect::<Vec<_>>().join(".")
}

/// A text that is not what its flag wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}: {problem}")]
pub struct FlagError {
    /// As typed.
    pub text: String,
    /// What the flag wants: `COMPONENT:PATH=VALUE`.
    pub expected: &'static str,
    /// Why it is not that.
    pub problem: String,
}

fn wrong(text: &str, expected: &'static str, problem: impl Into<String>) -> FlagError {
    FlagError { text: text.to_owned(), expected, problem: problem.into() }
}

/// One value for one path.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// As typed: the name or an alias.
    pub component: String,
    pub path: ValuePath,
    pub value: Value,
    pub input: Input,
}

/// The component for settings of the deployer.
pub const DEPLOYER: &str = "deployer";

const SET: &str = "COMPONENT:PATH=VALUE";
const SET_JSON: &str = "COMPONENT:PATH=JSON";
const SET_FILE: &str = "COMPONENT:PATH=FILE";
const DYNAMIC: &str = "COMPONENT:PATH";

impl Override {
    /// `--set`.
    ///
    /// # Errors
    /// No component, path or value; a path that cannot be read.
    pub fn set(text: &str) -> Result<Override, FlagError> {
        let (component, path, value) = parts(text, SET)?;
        Ok(Override { component, path, value: scalar(value), input: Input::Set })
    }

    /// `--set-json`.
    ///
    /// # Errors
    /// As [`Override::set`]; what is not JSON.
    pub fn set_json(text: &str) -> Result<Override, FlagError> {
        let (component, path, value) = parts(text, SET_JSON)?;
        let value = serde_json::from_str(value).map_err(|error| wrong(text, SET_JSON, error.to_string()))?;
        let typed = Override { component, path, value, input: Input::SetJson };
        typed.check(text, SET_JSON)
    }

    /// The component, path and file of `--set-file`.
    ///
    /// # Errors
    /// As [`Override::set`].
    pub fn file(text: &str) -> Result<(String, ValuePath, String), FlagError> {
        let (component, path, file) = parts(text, SET_FILE)?;
        Ok((component, path, file.to_owned()))
    }

    /// `--set-file`, once the file was read.
    ///
    /// # Errors
    /// A path that only `--set` may name.
    pub fn set_file(text: &str, value: Value) -> Result<Override, FlagError> {
        let (component, path, _) = parts(text, SET_FILE)?;
        Override { component, path, value, input: Input::SetFile }.check(text, SET_FILE)
    }

    fn check(self, text: &str, expected: &'static str) -> Result<Override, FlagError> {
        if self.component == DEPLOYER {
            return Err(wrong(text, expected, "settings of the deployer are given with --set"));
        }
        if self.path.0 == ["enabled"] {
            return Err(wrong(text, expected, "`enabled` is given with --set"));
        }
        Ok(self)
    }

    /// Whether it switches the whole component, and to what.
    pub fn switch(&self) -> Option<&Value> {
        (self.input == Input::Set && self.path.0 == ["enabled"]).then_some(&self.value)
    }
}

/// A path that is left to the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dynamic {
    /// As typed.
    pub component: String,
    pub path: ValuePath,
}

impl FromStr for Dynamic {
    type Err = FlagError;

    fn from_str(text: &str) -> Result<Dynamic, FlagError> {
        let (component, path) = text.split_once(':').ok_or_else(|| wrong(text, DYNAMIC, "missing `:`"))?;
        if component.is_empty() {
            return Err(wrong(text, DYNAMIC, "missing component"));
        }
        Ok(Dynamic { component: component.to_owned(), path: path_of(path, text, DYNAMIC)? })
    }
}

fn parts<'t>(text: &'t str, expected: &'static str) -> Result<(String, ValuePath, &'t str), FlagError> {
    let missing = |what: &str| wrong(text, expected, format!("missing {what}"));
    let (component, rest) = text.split_once(':').ok_or_else(|| missing("`:` between component and path"))?;
    let (path, value) = rest.split_once('=').ok_or_else(|| missing("`=` between path and value"))?;
    if component.is_empty() {
        return Err(missing("component"));
    }
    if value.is_empty() {
        let hint = if expected == SET { "value; an empty text is `--set-json 'COMPONENT:PATH=\"\"'`" } else { "value" };
        return Err(missing(hint));
    }
    Ok((component.to_owned(), path_of(path, text, expected)?, value))
}

fn path_of(path: &str, text: &str, expected: &'static str) -> Result<ValuePath, FlagError> {
    let mut keys = vec![String::new()];
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        let Some(key) = keys.last_mut() else { break };
        match c {
            '.' => keys.push(String::new()),
            '\\' => match chars.next() {
                Some(c @ ('.' | '\\')) => key.push(c),
                _ => return Err(wrong(text, expected, "`\\` is for a dot or `\\` only")),
            },
            '[' | ']' => {
                let problem = "lists are given whole, with --set-json or --set-file";
                return Err(wrong(text, expected, problem));
            }
            c if c.is_control() => return Err(wrong(text, expected, "a key has a control character")),
            c => key.push(c),
        }
    }
    if keys.iter().any(String::is_empty) {
        return Err(wrong(text, expected, if path.is_empty() { "missing path" } else { "a key of the path is empty" }));
    }
    Ok(ValuePath(keys))
}

/// The value of a text: a boolean or a number where it prints as it was typed, else the text.
fn scalar(text: &str) -> Value {
    match text {
        "true" => return true.into(),
        "false" => return false.into(),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>()
        && number.to_string() == text
    {
        return number.into();
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number.fract() != 0.0 && number.to_string() == text => number.into(),
        _ => text.into(),
    }
}

/// `KEY=VALUE` of a node or workload selector.
///
/// # Errors
/// No key, no `=`, or what cannot be a label.
pub fn selector(text: &str) -> Result<(String, String), FlagError> {
    let expected = "KEY=VALUE";
    let (key, value) = text.split_once('=').ok_or_else(|| wrong(text, expected, "missing `=`"))?;
    label(text, expected, (key, value))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The key of a label: a name, and perhaps a DNS subdomain and `/` before it.
///
/// # Errors
/// What Kubernetes would not take as a key.
pub fn label_key(text: &str) -> Result<String, FlagError> {
    key(text, "the key of a label", text)?;
    Ok(text.to_owned())
}

/// Key and value of a label or a taint, which Kubernetes checks alike.
fn label(text: &str, expected: &'static str, (name, value): (&str, &str)) -> Result<(), FlagError> {
    key(text, expected, name)?;
    if !(value.is_empty() || is_name(value)) {
        let problem = "a value has at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
        return Err(wrong(text, expected, problem));
    }
    Ok(())
}

fn key(text: &str, expected: &'static str, key: &str) -> Result<(), FlagError> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if key.is_empty() {
        return Err(wrong(text, expected, "missing key"));
    }
    if prefix.is_some_and(|prefix| !super::deployer::is_subdomain(prefix)) {
        return Err(wrong(text, expected, "what comes before `/` in the key is not a DNS subdomain"));
    }
    if !is_name(name) {
        let problem = "a key has at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
        return Err(wrong(text, expected, problem));
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let is_inner = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    is_inner && is_end(bytes.first()) && is_end(bytes.last()) && text.len() <= 63
}

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const TOLERATION: &str = "KEY=VALUE:EFFECT, KEY:EFFECT or *";

/// A taint as it is tolerated or kept off by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    pub key: String,
    pub value: String,
    pub effect: String,
}

impl Taint {
    /// As the charts write it in one text.
    pub fn text(&self) -> String {
        match &*self.value {
            "" => format!("{}:{}", self.key, self.effect),
            value => format!("{}={value}:{}", self.key, self.effect),
        }
    }
}

impl FromStr for Taint {
    type Err = FlagError;

    fn from_str(text: &str) -> Result<Taint, FlagError> {
        let expected = "KEY=VALUE:EFFECT or KEY:EFFECT";
        let (taint, effect) = text.rsplit_once(':').ok_or_else(|| wrong(text, expected, "missing `:`"))?;
        if taint.contains(':') {
            return Err(wrong(text, expected, "there is one colon, before the effect"));
        }
        if !EFFECTS.contains(&effect) {
            return Err(wrong(text, expected, format!("the effect is one of {}", EFFECTS.join(", "))));
        }
        let (key, value) = taint.split_once('=').unwrap_or((taint, ""));
        label(text, expected, (key, value))?;
        Ok(Taint { key: key.to_owned(), value: value.to_owned(), effect: effect.to_owned() })
    }
}

/// A toleration as pods have it.
///
/// # Errors
/// Neither a taint nor `*`.
pub fn toleration(text: &str) -> Result<Value, FlagError> {
    if text == "*" {
        return Ok(json!({"operator": "Exists"}));
    }
    let Taint { key, value, effect } =
        text.parse().map_err(|error: FlagError| FlagError { expected: TOLERATION, ..error })?;
    Ok(match &*value {
        "" => json!({"effect": effect, "key": key, "operator": "Exists"}),
        _ => json!({"effect": effect, "key": key, "operator": "Equal", "value": value}),
    })
}

/// Selectors and tolerations of one group of nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nodes {
    /// Empty for none.
    pub selector: BTreeMap<String, String>,
    /// Empty for everything.
    pub tolerations: Vec<Value>,
}

impl Nodes {
    /// The tolerations to write: everything, where none was given.
    pub fn tolerations(&self) -> Vec<Value> {
        if self.tolerations.is_empty() { vec![json!({"operator": "Exists"})] } else { self.tolerations.clone() }
    }
}

/// Where pods may run, and what they run on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheduling {
    pub system: Nodes,
    pub accelerated: Nodes,
    pub workload_gate: Option<Taint>,
    pub workload_selector: BTreeMap<String, String>,
    /// 0 for unset, as in the reference.
    pub nodes: u64,
    pub storage_class: Option<String>,
    pub shared_storage_class: Option<String>,
    /// The label by which nodes are emptied for the DRA driver; without it that is left out.
    pub dra_eviction_node_label: Option<String>,
}

/// A map of texts as a value.
pub(super) fn labels(map: &BTreeMap<String, String>) -> Value {
    Value::Object(map.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect::<Map<_, _>>())
}

/// Everything that is set over a recipe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags {
    /// In the order of the command line.
    pub overrides: Vec<Override>,
    pub dynamic: Vec<Dynamic>,
    pub scheduling: Scheduling,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn set(text: &str, path: &str, value: Value) {
        let read = Override::set(text).expect("it can be read");
        assert_eq!((read.component.as_str(), read.path.to_string().as_str(), read.value), ("c", path, value));
    }

    #[test]
    fn a_value_is_a_number_only_where_it_prints_as_it_was_typed() {
        set("c:a.b=true", "a.b", json!(true));
        set("c:a=3", "a", json!(3));
        set("c:a=-1.5", "a", json!(-1.5));
        for text in ["True", "null", "1.10", "010", "+5", "1e5", "12345678901234567890", "nan", "1_000", " x", "a=b"] {
            set(&format!("c:a={text}"), "a", text.into());
        }
        for path in ["nvidia\\.com/gpu.x", "a\\\\.b", "a\\\\\\.b.c", "\\\\"] {
            set(&format!("c:{path}=1"), path, json!(1));
        }
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(read: Result<T, FlagError>, problem: &str) {
        let error = read.expect_err("it is refused");
        assert!(error.to_string().ends_with(problem), "{error}");
    }

    #[test]
    fn what_cannot_be_read_says_what_is_missing() {
        refused(Override::set("c"), "COMPONENT:PATH=VALUE: missing `:` between component and path");
        refused(Override::set("c:a"), "missing `=` between path and value");
        refused(Override::set(":a=b"), "missing component");
        refused(Override::set("c:=b"), "missing path");
        refused(Override::set("c:a..b=c"), "a key of the path is empty");
        refused(Override::set("c:a="), "an empty text is `--set-json 'COMPONENT:PATH=\"\"'`");
        refused(Override::set("c:a[0]=1"), "lists are given whole, with --set-json or --set-file");
        refused(Override::set("c:a\\b=1"), "`\\` is for a dot or `\\` only");
        refused(Override::set_json("c:a={"), "EOF while parsing an object at line 1 column 1");
        refused(Override::set_json("c:enabled=true"), "`enabled` is given with --set");
        refused(Override::set_json("deployer:project=1"), "settings of the deployer are given with --set");
        refused("c".parse::<Dynamic>(), "COMPONENT:PATH: missing `:`");
    }

    #[test]
    fn a_key_of_a_label_is_one_that_kubernetes_takes() {
        for text in ["a", "role", "nvidia.com/gpu.present", "A_b-c.d"] {
            assert_eq!(label_key(text).as_deref(), Ok(text));
        }
        let long = "x".repeat(64);
        for text in ["", " ", "a b", "a=b", "/a", "a/", "a/b/c", "-a", "a-", "a/-b", "A/b", "a..b/c", "é", &long] {
            assert!(label_key(text).is_err(), "{text}");
        }
    }

    #[test]
    fn taints_and_tolerations() {
        assert_eq!(toleration("*"), Ok(json!({"operator": "Exists"})));
        let exists = json!({"key": "k", "operator": "Exists", "effect": "NoExecute"});
        assert_eq!(toleration("k:NoExecute"), Ok(exists.clone()));
        assert_eq!(toleration("k=:NoExecute"), Ok(exists));
        let equal = json!({"key": "a/k", "operator": "Equal", "value": "v", "effect": "NoSchedule"});
        assert_eq!(toleration("a/k=v:NoSchedule"), Ok(equal));
        refused(toleration("k"), "KEY=VALUE:EFFECT, KEY:EFFECT or *: missing `:`");
        refused(toleration("k:Never"), "the effect is one of NoSchedule, PreferNoSchedule, NoExecute");
        refused(toleration("a:b:NoSchedule"), "there is one colon, before the effect");
        refused("=v:NoSchedule".parse::<Taint>(), "missing key");
        assert_eq!("k=v:NoSchedule".parse::<Taint>().map(|taint| taint.text()), Ok("k=v:NoSchedule".to_owned()));
        assert_eq!(selector("a.b/c=d_e"), Ok(("a.b/c".to_owned(), "d_e".to_owned())));
        assert_eq!(selector("a="), Ok(("a".to_owned(), String::new())));
        refused(selector("a"), "missing `=`");
        refused(selector("=b"), "missing key");
        for value in ["a=b=c", "a=b c", "a=!!/é", "a=-b", &format!("a={}", "b".repeat(64))] {
            refused(
                selector(value),
                "a value has at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
            );
        }
        refused(
            selector("foo/bar/baz=a"),
            "a key has at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
        );
        refused(toleration("!!=x:NoSchedule"), "with a letter or digit at both ends");
        refused(toleration("k=x/y:NoSchedule"), "with a letter or digit at both ends");
        refused("A/k:NoExecute".parse::<Taint>(), "what comes before `/` in the key is not a DNS subdomain");
    }
}
