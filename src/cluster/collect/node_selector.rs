//! Which nodes a NodeSelector means, as the scheduler reads it: any of its terms, all requirements of that term.
//!
//! A term without requirements, and a selector without terms, mean no node.

use crate::inventory::node::NodeReport;
use serde::Deserialize;

const NAME: &str = "metadata.name";

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSelector {
    node_selector_terms: Vec<Term>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
struct Term {
    /// On labels.
    match_expressions: Vec<Requirement>,
    /// On `metadata.name`, the only field that there is.
    match_fields: Vec<Requirement>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
struct Requirement {
    key: String,
    operator: String,
    values: Vec<String>,
}

impl NodeSelector {
    pub fn means(&self, node: &NodeReport) -> bool {
        self.node_selector_terms.iter().any(|term| term.means(node))
    }
}

impl NodeSelector {
    /// The one name that it asks for, where that is all it says.
    pub fn name(&self) -> Option<&str> {
        let [Term { match_expressions, match_fields }] = self.node_selector_terms.as_slice() else { return None };
        match (match_expressions.as_slice(), match_fields.as_slice()) {
            ([], [Requirement { key, operator, values }]) if key == NAME && operator == "In" => match values.as_slice()
            {
                [name] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Term {
    fn means(&self, node: &NodeReport) -> bool {
        let field = |key: &str| (key == NAME).then_some(&*node.name);
        let is_empty = self.match_expressions.is_empty() && self.match_fields.is_empty();
        !is_empty
            && self
                .match_expressions
                .iter()
                .all(|requirement| requirement.holds(node.labels.get(&requirement.key).map(|value| &**value)))
            && self.match_fields.iter().all(|requirement| requirement.holds(field(&requirement.key)))
    }
}

impl Requirement {
    /// An operator that is not known holds for nothing.
    fn holds(&self, found: Option<&str>) -> bool {
        let is_listed = found.is_some_and(|found| self.values.iter().any(|value| value == found));
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
        let sides = number(found).zip(number(self.values.first().map(String::as_str)));
        match self.operator.as_str() {
            "In" => is_listed,
            "NotIn" => !is_listed,
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            "Gt" => sides.is_some_and(|(found, wanted)| found > wanted),
            "Lt" => sides.is_some_and(|(found, wanted)| found < wanted),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(terms: Value, expected: bool) {
        let selector: NodeSelector = serde_json::from_value(json!({"nodeSelectorTerms": terms})).unwrap();
        let labels = [("zone", "a"), ("gpus", "8")].into_iter().collect();
        let node = NodeReport { name: "gpu-1".into(), labels, ..NodeReport::default() };
        assert_eq!(selector.means(&node), expected, "{selector:?}");
        assert!(selector.name().is_none_or(|name| (name == "gpu-1") == expected), "{selector:?}");
    }

    #[test]
    fn terms_and_requirements_are_read_as_the_scheduler_does() {
        let on =
            |key: &str, operator: &str, values: &[&str]| json!({"key": key, "operator": operator, "values": values});
        let labels = |requirements: &[Value]| json!({"matchExpressions": requirements});
        let names = |operator: &str, names: &[&str]| json!({"matchFields": [on("metadata.name", operator, names)]});
        check(json!([names("In", &["gpu-1", "gpu-2"])]), true);
        check(json!([names("In", &["gpu-1"])]), true);
        check(json!([names("In", &["gpu-2"])]), false);
        check(json!([names("NotIn", &["gpu-2"])]), true);
        check(json!([names("In", &["gpu-2"]), labels(&[on("zone", "In", &["a"])])]), true);
        check(json!([labels(&[on("zone", "In", &["a"]), on("gpus", "Gt", &["8"])])]), false);
        check(json!([labels(&[on("gpus", "Gt", &["7"]), on("gpus", "Lt", &["9"])])]), true);
        check(json!([labels(&[on("zone", "Exists", &[]), on("rack", "DoesNotExist", &[])])]), true);
        check(json!([labels(&[on("rack", "NotIn", &["r1"])])]), true);
        check(json!([labels(&[on("zone", "Near", &["a"])])]), false);
        check(json!([{"matchFields": [on("spec.name", "In", &["gpu-1"])]}]), false);
        check(json!([{}]), false);
        check(json!([]), false);
    }
}
