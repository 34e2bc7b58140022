//! The GPU operator's `ClusterPolicy` objects, flattened.
//!
//! Only those of group `nvidia.com`: other products have a kind of the same name, whose settings must not mix with these.

use super::{Collector, Update, list};
use crate::cluster::{ClusterError, Connection, decode::Meta};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const NAME: &str = "policy";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list clusterpolicies.nvidia.com",
    concerns_nodes: false,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

/// One object: its settings under dotted keys, every value as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub name: String,
    pub settings: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Object {
    metadata: Meta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let path = "/apis/nvidia.com/v1/clusterpolicies";
    let mut listed = list::all(connection, "list clusterpolicies.nvidia.com", path, policy).await?.items;
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Box::new(move |parts| parts.policies = listed))
}

fn policy(object: Object) -> Policy {
    let mut settings = BTreeMap::new();
    flatten("", &object.spec, &mut settings);
    if let Some(state) = object.status.get("state").and_then(Value::as_str) {
        settings.insert("status.state".to_owned(), state.to_owned());
    }
    Policy { name: object.metadata.name, settings }
}

/// Maps join with dots; a list becomes JSON text; what is empty vanishes; null is `<nil>`, as the reference writes it.
fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let text = match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&key, value, into);
            }
            return;
        }
        Value::Array(list) if list.is_empty() => return,
        Value::Array(_) => value.to_string(),
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    if !prefix.is_empty() {
        into.insert(prefix.to_owned(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_dotted_keys_with_texts() {
        let object: Object = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "cluster-policy"},
            "spec": {"driver": {"enabled": false, "rdma": {}, "port": 9400}, "args": ["a", "b"], "none": [], "null": null},
            "status": {"state": "ready"}
        }))
        .expect("an object");
        let lines: Vec<String> = policy(object).settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let expected =
            ["args=[\"a\",\"b\"]", "driver.enabled=false", "driver.port=9400", "null=<nil>", "status.state=ready"];
        assert_eq!(lines, expected);
    }

    #[test]
    fn an_object_without_spec_has_no_settings() {
        let object: Object = serde_json::from_value(serde_json::json!({"metadata": {"name": "x"}})).expect("an object");
        assert!(policy(object).settings.is_empty());
    }
}
