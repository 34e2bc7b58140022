//! Health checks of components: assertion files in the language of Chainsaw, evaluated without its program.
//!
//! In: the text of a file, and what the cluster holds. Out: for each operation whether it holds, and why not. Only `assert`
//! and `error` are known: a file that would change the cluster is refused. Bindings (`->`), CEL and variables are not
//! evaluated, and what needs them has no verdict.

use super::{
    Answer, Facts, Read, Rule,
    facts::{name, text},
};
use crate::{catalog::parse::duration_seconds, text::plural, yaml};
use serde_json::Value;
use std::fmt::Write;

/// Seconds for a file that does not say how long it may take.
const BUDGET_SECONDS: u64 = 360;
/// Seconds after which an object that does not exist is not waited for any longer.
const ABSENCE_SECONDS: u64 = 30;

/// A file, read.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthCheck {
    /// Seconds within which all of it has to hold.
    pub budget: u64,
    pub operations: Vec<Operation>,
}

/// One `assert` or `error`.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The name of its step; empty in a file of bare resources.
    pub step: String,
    /// `error`: no object may match.
    pub is_error: bool,
    /// A part of the object.
    pub resource: Value,
}

/// Why an operation does not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// It does not, and may later.
    Not(String),
    /// There is no such object.
    Absent(String),
    /// Nobody can tell: a rule that cannot be evaluated, or an answer that was refused.
    Unknown(String),
}

impl Trouble {
    pub fn words(&self) -> &str {
        match self {
            Trouble::Not(text) | Trouble::Absent(text) | Trouble::Unknown(text) => text,
        }
    }

    /// Whether it is worth to look again.
    pub fn may_pass(&self, elapsed: u64, budget: u64) -> bool {
        match self {
            Trouble::Not(_) => elapsed < budget,
            Trouble::Absent(_) => elapsed < ABSENCE_SECONDS.min(budget),
            Trouble::Unknown(_) => false,
        }
    }
}

impl HealthCheck {
    /// Reads a file. `namespace` is that of the component in the recipe: a file that speaks of one namespace only means
    /// this one, whatever its author called it.
    ///
    /// # Errors
    /// What is not YAML, and operations that may not be in such a file.
    pub fn parse(text: &str, namespace: &str) -> Result<HealthCheck, String> {
        let documents = yaml::parse_all(text).map_err(|error| error.to_string())?;
        let documents: Vec<Value> = documents.iter().map(|document| document.to_value()).collect();
        let is_test = |document: &&Value| document["kind"] == "Test";
        let mut check = match documents.iter().find(is_test) {
            Some(_) if documents.iter().filter(is_test).count() > 1 => return Err("several tests in one file".into()),
            Some(test) => of_test(test)?,
            None => {
                let resources = documents.into_iter().filter(|document| !document.is_null());
                let operations =
                    resources.map(|resource| Operation { step: String::new(), is_error: false, resource }).collect();
                HealthCheck { budget: BUDGET_SECONDS, operations }
            }
        };
        for operation in &check.operations {
            if self::text(&operation.resource, "/kind").is_empty() || operation.api_version().is_empty() {
                return Err(format!("step `{}`: a resource without apiVersion or kind", operation.step));
            }
        }
        check.rename_namespace(namespace);
        Ok(check)
    }

    fn rename_namespace(&mut self, namespace: &str) {
        let mut named: Vec<String> = self
            .operations
            .iter()
            .map(|operation| operation.namespace().to_owned())
            .filter(|n| !n.is_empty())
            .collect();
        named.sort();
        named.dedup();
        if named.len() != 1 || namespace.is_empty() {
            return;
        }
        for operation in self.operations.iter_mut().filter(|operation| !operation.namespace().is_empty()) {
            operation.resource["metadata"]["namespace"] = namespace.into();
        }
    }
}

fn of_test(test: &Value) -> Result<HealthCheck, String> {
    let spec = &test["spec"];
    if !spec["catch"].is_null() {
        return Err("`catch` is not allowed".into());
    }
    let budget = spec["timeouts"]["assert"].as_str().and_then(duration_seconds).map_or(BUDGET_SECONDS, |seconds| {
        // Whole seconds are enough here.
        seconds.max(0.0) as u64
    });
    let mut operations = Vec::new();
    for step in spec["steps"].as_array().into_iter().flatten() {
        let title = text(step, "/name").to_owned();
        for forbidden in ["catch", "finally", "cleanup"] {
            if !step[forbidden].is_null() {
                return Err(format!("step `{title}`: `{forbidden}` is not allowed"));
            }
        }
        for operation in step["try"].as_array().into_iter().flatten() {
            let fields = operation.as_object().into_iter().flatten();
            for (verb, body) in fields {
                let is_error = match verb.as_str() {
                    "assert" => false,
                    "error" => true,
                    "description" => continue,
                    verb => return Err(format!("step `{title}`: `{verb}` is not allowed, only `assert` and `error`")),
                };
                operations.push(Operation { step: title.clone(), is_error, resource: body["resource"].clone() });
            }
        }
    }
    Ok(HealthCheck { budget, operations })
}

/// What the status of a pod tells about its health; a namespace may have thousands of pods.
const OF_PODS: &[&str] = &[
    "metadata.labels",
    "metadata.deletionTimestamp",
    "spec.nodeName",
    "status.phase",
    "status.reason",
    "status.conditions",
    "status.containerStatuses",
    "status.initContainerStatuses",
];

impl Operation {
    fn api_version(&self) -> &str {
        text(&self.resource, "/apiVersion")
    }

    fn kind(&self) -> &str {
        text(&self.resource, "/kind")
    }

    /// The resource of the kind, named as nearly all are.
    fn plural(&self) -> String {
        plural(2, &self.kind().to_lowercase())
    }

    fn namespace(&self) -> &str {
        text(&self.resource, "/metadata/namespace")
    }

    /// What to read for it.
    pub fn read(&self) -> Read {
        let (version, namespace, plural) = (self.api_version(), self.namespace(), self.plural());
        match name(&self.resource) {
            "" => {
                let labels = self.resource.pointer("/metadata/labels").and_then(Value::as_object);
                let pairs = labels.into_iter().flatten().map(|(key, value)| format!("{key}={}", scalar(value)));
                let list = Read::list(version, namespace, &plural, &pairs.collect::<Vec<_>>().join(","));
                if self.kind() == "Pod" && version == "v1" && self.resource["spec"].is_null() {
                    list.keeping(OF_PODS)
                } else {
                    list
                }
            }
            name => Read::object(version, namespace, &plural, name),
        }
    }

    /// The right to read it.
    pub fn rule(&self) -> Rule {
        let group = self.api_version().rsplit_once('/').map_or("", |(group, _)| group).to_owned();
        let plural = self.plural();
        let rule = match name(&self.resource) {
            "" => Rule::to(&["list"], group, plural),
            name => Rule::get(group, plural, vec![name.to_owned()]),
        };
        rule.within(self.namespace())
    }

    fn title(&self) -> String {
        let mut title = self.kind().to_owned();
        let place = [self.namespace(), name(&self.resource)];
        let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
        if !place.is_empty() {
            let _ = write!(title, " {}", place.join("/"));
        }
        title
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, facts: &Facts) -> Result<(), Trouble> {
        let title = self.title();
        let answer = facts.get(&self.read());
        if let Some(Answer::NoNamespace(text)) = answer {
            return if self.is_error { Ok(()) } else { Err(Trouble::Absent(format!("{title}: {text}"))) };
        }
        match (answer, self.is_error) {
            (Some(Answer::Found(found)), false) => self.matches(found).map_err(|mismatch| mismatch.about(&title)),
            (Some(Answer::Found(found)), true) => match self.matches(found) {
                Ok(()) => Err(Trouble::Not(format!("{title}: is in a state that it must not be in"))),
                Err(mismatch) => mismatch.unless_terminal(&title),
            },
            (Some(Answer::NotFound), false) => Err(Trouble::Absent(format!("{title}: not found"))),
            (Some(Answer::NotFound), true) => Ok(()),
            (Some(Answer::Items(items)), false) => self.any(&title, items),
            (Some(Answer::Items(items)), true) => self.none(items),
            (other, _) => {
                let why = other.and_then(Answer::trouble).unwrap_or("no answer");
                Err(Trouble::Unknown(format!("{title}: {why}")))
            }
        }
    }

    fn any(&self, title: &str, items: &[Value]) -> Result<(), Trouble> {
        let mut last = None;
        for item in items {
            match self.matches(item) {
                Ok(()) => return Ok(()),
                Err(mismatch) => last = Some(mismatch),
            }
        }
        Err(last.map_or_else(|| Trouble::Absent(format!("{title}: none found")), |mismatch| mismatch.about(title)))
    }

    fn none(&self, items: &[Value]) -> Result<(), Trouble> {
        let is_going = |item: &&Value| {
            item.pointer("/metadata/deletionTimestamp").is_some() || text(item, "/status/reason") == "NodeLost"
        };
        for item in items.iter().filter(|item| !is_going(item)) {
            match self.matches(item) {
                Ok(()) => return Err(Trouble::Not(self.offender(item))),
                Err(mismatch) => mismatch.unless_terminal(&self.title())?,
            }
        }
        Ok(())
    }

    /// An object that must not be as it is: its phase, why it waits, and its node.
    fn offender(&self, item: &Value) -> String {
        let mut line = format!("{} {}/{}", self.kind(), text(item, "/metadata/namespace"), name(item));
        let statuses = ["containerStatuses", "initContainerStatuses"].map(|field| item["status"][field].as_array());
        let waiting = statuses.into_iter().flatten().flatten().map(|status| text(status, "/state/waiting/reason"));
        let words = std::iter::once(text(item, "/status/phase")).chain(waiting).filter(|word| !word.is_empty());
        let _ = write!(line, ": {}", words.collect::<Vec<_>>().join(", "));
        match text(item, "/spec/nodeName") {
            "" => line,
            node => format!("{line} on {node}"),
        }
    }

    /// Kind and version are those of the list or the path that was read; the rest of the object is compared.
    fn matches(&self, actual: &Value) -> Result<(), Mismatch> {
        let mut expected = self.resource.clone();
        if let Some(fields) = expected.as_object_mut() {
            fields.remove("apiVersion");
            fields.remove("kind");
        }
        compare(&expected, actual, "")
    }
}

/// Where expected and actual differ.
struct Mismatch {
    at: String,
    text: String,
    /// No state of the object could match.
    is_terminal: bool,
}

impl Mismatch {
    fn new(at: &str, text: impl Into<String>) -> Mismatch {
        Mismatch { at: at.to_owned(), text: text.into(), is_terminal: false }
    }

    fn terminal(at: &str, text: impl Into<String>) -> Mismatch {
        Mismatch { is_terminal: true, ..Mismatch::new(at, text) }
    }

    fn about(self, title: &str) -> Trouble {
        let text = format!("{title}: {}: {}", self.at.trim_start_matches('.'), self.text);
        if self.is_terminal { Trouble::Unknown(text) } else { Trouble::Not(text) }
    }

    /// Of an `error`: that it does not match is what is wanted, unless nobody can tell.
    fn unless_terminal(self, title: &str) -> Result<(), Trouble> {
        if self.is_terminal { Err(self.about(title)) } else { Ok(()) }
    }
}

fn compare(expected: &Value, actual: &Value, at: &str) -> Result<(), Mismatch> {
    match expected {
        Value::Object(fields) => {
            if actual.is_null() {
                return Err(Mismatch::new(at, "is not set"));
            }
            fields.iter().try_for_each(|(key, wanted)| compare_field(key, wanted, actual, at))
        }
        Value::Array(wanted) => match actual {
            Value::Array(items) if items.len() == wanted.len() => wanted
                .iter()
                .zip(items)
                .enumerate()
                .try_for_each(|(index, (wanted, item))| compare(wanted, item, &format!("{at}[{index}]"))),
            Value::Array(items) => {
                Err(Mismatch::new(at, format!("expected {} elements, found {}", wanted.len(), items.len())))
            }
            Value::Null => Err(Mismatch::new(at, "is not set")),
            _ => Err(Mismatch::terminal(at, "is not a list")),
        },
        Value::String(wanted) if is_expression(wanted) => equal(&evaluate(wanted, actual, at)?, actual, at),
        _ => equal(expected, actual, at),
    }
}

fn compare_field(key: &str, wanted: &Value, actual: &Value, at: &str) -> Result<(), Mismatch> {
    let below = format!("{at}.{key}");
    if key.contains("->") {
        return Err(Mismatch::terminal(&below, "bindings are not evaluated"));
    }
    if let Some(rest) = key.strip_prefix('~') {
        let projection = rest.split_once('.').map_or("", |(_, projection)| projection);
        let projected = if projection.is_empty() { actual.clone() } else { project(projection, actual, &below)? };
        return match &projected {
            Value::Array(items) => items.iter().try_for_each(|item| compare(wanted, item, &below)),
            Value::Object(fields) => fields.values().try_for_each(|item| compare(wanted, item, &below)),
            _ => Err(Mismatch::terminal(&below, "is neither a list nor a mapping")),
        };
    }
    compare(wanted, &project(key, actual, &below)?, &below)
}

/// The value that a key speaks of.
fn project(key: &str, actual: &Value, at: &str) -> Result<Value, Mismatch> {
    if is_expression(key) {
        return evaluate(key, actual, at);
    }
    let plain = key.strip_prefix('\\').and_then(|key| key.strip_suffix('\\')).unwrap_or(key);
    match actual {
        Value::Object(fields) => fields.get(plain).cloned().ok_or_else(|| Mismatch::new(at, "is not set")),
        Value::Null => Err(Mismatch::new(at, "is not set")),
        _ => Err(Mismatch::terminal(at, "is in something that is not a mapping")),
    }
}

fn is_expression(text: &str) -> bool {
    text.starts_with('(') && text.ends_with(')')
}

fn evaluate(expression: &str, actual: &Value, at: &str) -> Result<Value, Mismatch> {
    let inner = expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(expression);
    if inner.starts_with("cel;") {
        return Err(Mismatch::terminal(at, "CEL is not evaluated"));
    }
    let inner = inner.strip_prefix("jp;").unwrap_or(inner);
    // A dangling parenthesis tells that the outer pair was not one: `(a || b)[0] > (c)`.
    let failed =
        |error: jmespath::JmespathError| Mismatch::terminal(at, format!("cannot be evaluated: {}", error.reason));
    let compiled = jmespath::compile(inner).or_else(|_| jmespath::compile(expression)).map_err(failed)?;
    let found = compiled.search(actual).map_err(failed)?;
    serde_json::to_value(&*found).map_err(|error| Mismatch::terminal(at, error.to_string()))
}

fn equal(wanted: &Value, actual: &Value, at: &str) -> Result<(), Mismatch> {
    let is_equal = match (wanted, actual) {
        (Value::Number(wanted), Value::Number(actual)) => wanted.as_f64() == actual.as_f64(),
        (wanted, actual) => wanted == actual,
    };
    if is_equal {
        return Ok(());
    }
    let text = format!("expected {}, found {}", scalar(wanted), scalar(actual));
    let of_one_type = std::mem::discriminant(wanted) == std::mem::discriminant(actual);
    if of_one_type || wanted.is_null() || actual.is_null() {
        Err(Mismatch::new(at, text))
    } else {
        Err(Mismatch::terminal(at, text))
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(check: &HealthCheck, answers: &[Answer]) -> Facts {
        let reads = check.operations.iter().map(Operation::read);
        Facts::of(reads.zip(answers.iter().cloned()))
    }

    /// Judges one partial object against another.
    #[track_caller]
    fn check(verb: &str, resource: &str, answer: Answer, expected: &str) {
        let text =
            format!("kind: Test\nspec:\n  steps:\n  - name: s\n    try:\n    - {verb}: {{resource: {resource}}}\n");
        let check = HealthCheck::parse(&text, "").expect("a health check");
        let verdict = match check.operations[0].judge(&facts(&check, &[answer])) {
            Ok(()) => "holds".to_owned(),
            Err(Trouble::Unknown(text)) => format!("unknown: {text}"),
            Err(trouble) => trouble.words().to_owned(),
        };
        assert_eq!(verdict, expected);
    }

    const DEPLOYMENT: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: n}, \
                              status: {\"(availableReplicas > `0`)\": true}}";

    fn found(object: Value) -> Answer {
        Answer::Found(object)
    }

    fn deployment(status: Value) -> Answer {
        found(json!({"metadata": {"name": "d", "namespace": "n"}, "status": status}))
    }

    #[test]
    fn an_assertion_holds_where_the_object_matches() {
        check("assert", DEPLOYMENT, deployment(json!({"availableReplicas": 1})), "holds");
        check(
            "assert",
            DEPLOYMENT,
            deployment(json!({"availableReplicas": 0})),
            "Deployment n/d: status.(availableReplicas > `0`): expected true, found false",
        );
        // Null is not more than nothing: the comparison has no value.
        check(
            "assert",
            DEPLOYMENT,
            deployment(json!({})),
            "Deployment n/d: status.(availableReplicas > `0`): expected true, found null",
        );
        check("assert", DEPLOYMENT, Answer::NotFound, "Deployment n/d: not found");
        check("assert", DEPLOYMENT, Answer::Forbidden("no".into()), "unknown: Deployment n/d: no");
    }

    #[test]
    fn conditions_are_filtered_and_compared_as_lists() {
        let crd = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: x.y}, \
                   status: {\"(conditions[?type == 'Established'])\": [{status: \"True\"}]}}";
        let with =
            |conditions: Value| found(json!({"metadata": {"name": "x.y"}, "status": {"conditions": conditions}}));
        check("assert", crd, with(json!([{"type": "Other"}, {"type": "Established", "status": "True"}])), "holds");
        check(
            "assert",
            crd,
            with(json!([])),
            "CustomResourceDefinition x.y: status.(conditions[?type == 'Established']): expected 1 elements, found 0",
        );
    }

    #[test]
    fn an_error_finds_the_pod_that_must_not_be() {
        let pods = "{apiVersion: v1, kind: Pod, metadata: {namespace: n}, status: {\"((containerStatuses || `[]`)[?state.\
                    waiting.reason == 'CrashLoopBackOff' || state.waiting.reason == 'ErrImagePull'] | length(@) > `0`)\": true}}";
        let pod = |status: Value| json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "w"}, "status": status});
        let crashing = pod(
            json!({"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
        );
        check("error", pods, Answer::Items(vec![pod(json!({"phase": "Running"}))]), "holds");
        check("error", pods, Answer::Items(vec![crashing.clone()]), "Pod n/p: Running, CrashLoopBackOff on w");
        let mut going = crashing;
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        check("error", pods, Answer::Items(vec![going]), "holds");
        check("error", pods, Answer::NotFound, "holds");
    }

    #[test]
    fn what_cannot_be_evaluated_is_unknown() {
        let with = |status: &str| format!("{{apiVersion: v1, kind: Node, metadata: {{name: a}}, status: {status}}}");
        let node = || found(json!({"metadata": {"name": "a"}, "status": {"phase": "x", "list": [1, 2]}}));
        check("assert", &with("{phase: 3}"), node(), "unknown: Node a: status.phase: expected 3, found x");
        check("assert", &with("{\"(cel;1)\": 1}"), node(), "unknown: Node a: status.(cel;1): CEL is not evaluated");
        check(
            "assert",
            &with("{\"phase->p\": x}"),
            node(),
            "unknown: Node a: status.phase->p: bindings are not evaluated",
        );
        check("assert", &with("{\"~.list\": (@)}"), node(), "holds");
        check("assert", &with("{\"~.list\": 1}"), node(), "Node a: status.~.list: expected 1, found 2");
        check("assert", &with("{list: [1.0, 2]}"), node(), "holds");
    }

    #[test]
    fn a_file_that_would_change_the_cluster_is_refused() {
        let of = |step: &str| HealthCheck::parse(&format!("kind: Test\nspec: {{steps: [{{name: s, {step}}}]}}"), "");
        assert_eq!(
            of("try: [{script: {content: x}}]"),
            Err("step `s`: `script` is not allowed, only `assert` and `error`".into())
        );
        assert_eq!(of("catch: [], try: []"), Err("step `s`: `catch` is not allowed".into()));
        assert!(of("try: [{assert: {resource: {kind: Pod}}}]").unwrap_err().contains("without apiVersion"));
    }

    #[test]
    fn the_namespace_of_the_recipe_takes_the_place_of_the_only_one() {
        let check = HealthCheck::parse(DEPLOYMENT, "other").expect("bare resources");
        assert_eq!(check.operations[0].read(), Read::object("apps/v1", "other", "deployments", "d"));
        let two = format!("{DEPLOYMENT}\n---\n{}", DEPLOYMENT.replace("namespace: n", "namespace: m"));
        let check = HealthCheck::parse(&two, "other").expect("bare resources");
        assert_eq!(check.operations[1].read().namespace(), Some("m"));
    }

    #[test]
    fn resources_are_named_like_those_of_the_api() {
        for (kind, expected) in [
            ("ClusterPolicy", "clusterpolicies"),
            ("Prometheus", "prometheuses"),
            ("Gateway", "gateways"),
            ("IngressClass", "ingressclasses"),
            ("NodeFeatureDiscovery", "nodefeaturediscoveries"),
            ("MariaDB", "mariadbs"),
        ] {
            let operation = Operation { step: String::new(), is_error: false, resource: json!({ "kind": kind }) };
            assert_eq!(operation.plural(), expected);
        }
    }
}
