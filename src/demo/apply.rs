//! Who owns which field, and server-side apply on top of it.
//!
//! Sets of fields are kept in the shape of `fieldsV1`: `f:` a field, `k:` an item of a list with keys, `v:` an item of a
//! set, `.` the item itself; a leaf is an empty map. Lists without a known key are one value, as in the schema of the API
//! server; which lists have keys is a table here, for the types that clusters tools write.

use super::{kinds::Kind, status::Refusal};
use serde_json::{Map, Value, json};

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub struct Manager<'m> {
    pub name: &'m str,
    /// `status`, or empty.
    pub subresource: &'m str,
    pub now: &'m str,
}

/// Applies a configuration over the live object.
///
/// # Errors
/// 409 naming each field of another manager that would change; not with `force`, which takes those fields over.
pub fn apply(kind: &Kind, live: &Value, config: &Value, manager: Manager, force: bool) -> Result<Value, Refusal> {
    let wanted = fields_of(kind, config);
    let mut entries = entries(live);
    let mine = entries.iter().position(|entry| is_of(entry, manager, "Apply"));
    let before = mine.map_or(json!({}), |at| entries.remove(at)["fieldsV1"].take());

    let mut result = live.clone();
    overlay(kind, &mut result, config, "");
    let mut conflicts = Vec::new();
    for entry in &mut entries {
        let shared = intersection(&wanted, &entry["fieldsV1"]);
        let mut lost = json!({});
        for path in leaves(&shared) {
            if at(live, &path) != at(&result, &path) {
                conflicts.push((owner_of(entry), shown(&path)));
                add(&mut lost, &path);
            }
        }
        entry["fieldsV1"] = without(&entry["fieldsV1"], &lost);
    }
    if !force && !conflicts.is_empty() {
        return Err(Refusal::apply_conflict(&conflicts));
    }

    let others = entries.iter().fold(json!({}), |sum, entry| union(&sum, &entry["fieldsV1"]));
    remove(&mut result, &without(&without(&before, &wanted), &others));

    if !is_leaf(&wanted) {
        entries.push(entry(kind, manager, "Apply", wanted));
    }
    store_entries(&mut result, entries);
    Ok(result)
}

/// Notes what a manager changed by writing a whole object: those fields are its own now.
pub fn track(kind: &Kind, before: Option<&Value>, after: &mut Value, manager: Manager) {
    let now_there = fields_of(kind, after);
    let nothing = Value::Null;
    let old = before.unwrap_or(&nothing);
    let mut changed = json!({});
    for path in leaves(&now_there) {
        if at(old, &path) != at(after, &path) {
            add(&mut changed, &path);
        }
    }
    let mut entries = entries(old);
    let mine = entries.iter().position(|entry| is_of(entry, manager, "Update"));
    let mut own = mine.map_or(json!({}), |at| entries.remove(at)["fieldsV1"].take());
    for entry in &mut entries {
        entry["fieldsV1"] = intersection(&without(&entry["fieldsV1"], &changed), &now_there);
    }
    own = intersection(&union(&own, &changed), &now_there);
    entries.retain(|entry| !is_leaf(&entry["fieldsV1"]));
    if !is_leaf(&own) {
        entries.push(entry(kind, manager, "Update", own));
    }
    store_entries(after, entries);
}

/// As a conflict names it: who wrote whole objects is named with the version that was written.
fn owner_of(entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or_default();
    let mut owner = format!("\"{}\"", text("manager"));
    if !text("subresource").is_empty() {
        owner.push_str(&format!(" with subresource \"{}\"", text("subresource")));
    }
    if text("operation") == "Update" {
        owner.push_str(&format!(" using {}", text("apiVersion")));
    }
    owner
}

fn entries(object: &Value) -> Vec<Value> {
    object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default()
}

fn store_entries(object: &mut Value, entries: Vec<Value>) {
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    let entries: Vec<Value> = entries.into_iter().filter(|entry| !is_leaf(&entry["fieldsV1"])).collect();
    if entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), Value::Array(entries));
    }
}

fn is_of(entry: &Value, manager: Manager, operation: &str) -> bool {
    entry["manager"] == manager.name
        && entry["operation"] == operation
        && entry["subresource"].as_str().unwrap_or_default() == manager.subresource
}

fn entry(kind: &Kind, manager: Manager, operation: &str, fields: Value) -> Value {
    let mut entry = json!({"manager": manager.name, "operation": operation, "apiVersion": kind.api_version(),
        "time": manager.now, "fieldsType": "FieldsV1", "fieldsV1": fields});
    if !manager.subresource.is_empty() {
        entry["subresource"] = json!(manager.subresource);
    }
    entry
}

/// How the items of a list are told apart.
enum Items {
    /// By these fields.
    Keyed(&'static [&'static str]),
    /// By themselves.
    Set,
    /// Not at all: the list is one value.
    Atomic,
}

/// Of a field name; enough context, since these names mean the same in every built-in type.
fn items_of(kind: &Kind, field: &str) -> Items {
    match field {
        "ownerReferences" => Items::Keyed(&["uid"]),
        "finalizers" => Items::Set,
        _ if kind.is_custom() => Items::Atomic,
        "containers" | "initContainers" | "ephemeralContainers" | "volumes" | "env" | "imagePullSecrets" => {
            Items::Keyed(&["name"])
        }
        "secrets" if kind.plural == "serviceaccounts" => Items::Keyed(&["name"]),
        "volumeMounts" => Items::Keyed(&["mountPath"]),
        "conditions" => Items::Keyed(&["type"]),
        "ports" if kind.plural == "services" => Items::Keyed(&["port", "protocol"]),
        "ports" if kind.plural != "networkpolicies" => Items::Keyed(&["containerPort", "protocol"]),
        _ => Items::Atomic,
    }
}

/// The item's step: `k:{"name":"x"}`.
fn key_of(item: &Value, keys: &[&str]) -> String {
    let mut key = Map::new();
    for name in keys {
        let value = match item.get(*name) {
            Some(value) => value.clone(),
            None if *name == "protocol" => json!("TCP"),
            None => continue,
        };
        key.insert((*name).to_owned(), value);
    }
    format!("k:{}", Value::Object(key))
}

/// Fields of an object that can have an owner.
fn fields_of(kind: &Kind, object: &Value) -> Value {
    let mut fields = Map::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                let owned = ["labels", "annotations", "ownerReferences", "finalizers", "generateName"];
                let mut inner = Map::new();
                for name in owned {
                    if let Some(value) = value.get(name) {
                        inner.insert(format!("f:{name}"), tree(kind, name, value));
                    }
                }
                if !inner.is_empty() {
                    fields.insert("f:metadata".to_owned(), Value::Object(inner));
                }
            }
            name => {
                fields.insert(format!("f:{name}"), tree(kind, name, value));
            }
        }
    }
    Value::Object(fields)
}

fn tree(kind: &Kind, field: &str, value: &Value) -> Value {
    let mut steps = Map::new();
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                steps.insert(format!("f:{name}"), tree(kind, name, value));
            }
        }
        Value::Array(items) => match items_of(kind, field) {
            Items::Atomic => {}
            Items::Set => steps.extend(items.iter().map(|item| (format!("v:{item}"), json!({})))),
            Items::Keyed(keys) => {
                for item in items {
                    let mut inner = tree(kind, "", item);
                    inner["."] = json!({});
                    steps.insert(key_of(item, keys), inner);
                }
            }
        },
        _ => {}
    }
    Value::Object(steps)
}

fn is_leaf(tree: &Value) -> bool {
    tree.as_object().is_none_or(Map::is_empty)
}

/// Whether the place itself is in the set, and not only what is below it.
fn is_member(tree: &Value) -> bool {
    is_leaf(tree) || tree.get(".").is_some()
}

fn below(tree: &Value) -> impl Iterator<Item = (&String, &Value)> {
    tree.as_object().into_iter().flatten().filter(|(step, _)| *step != ".")
}

/// A place and what is below it; `None` when neither is in the set.
fn place(is_member: bool, mut steps: Map<String, Value>) -> Option<Value> {
    match (is_member, steps.is_empty()) {
        (false, true) => return None,
        (true, false) => {
            steps.insert(".".to_owned(), json!({}));
        }
        _ => {}
    }
    Some(Value::Object(steps))
}

fn union(a: &Value, b: &Value) -> Value {
    let mut steps: Map<String, Value> = below(a).map(|(step, tree)| (step.clone(), tree.clone())).collect();
    for (step, tree) in below(b) {
        let joined = match steps.get(step) {
            None => tree.clone(),
            Some(known) => {
                let either = is_member(known) || is_member(tree);
                let steps = union(known, tree).as_object().cloned().unwrap_or_default();
                place(either, steps.into_iter().filter(|(step, _)| step != ".").collect()).unwrap_or_default()
            }
        };
        steps.insert(step.clone(), joined);
    }
    Value::Object(steps)
}

fn intersection(a: &Value, b: &Value) -> Value {
    let shared = below(a).filter_map(|(step, tree)| {
        let other = b.get(step)?;
        let steps = intersection(tree, other).as_object().cloned().unwrap_or_default();
        Some((step.clone(), place(is_member(tree) && is_member(other), steps)?))
    });
    Value::Object(shared.collect())
}

fn without(a: &Value, b: &Value) -> Value {
    let left = below(a).filter_map(|(step, tree)| {
        let Some(other) = b.get(step) else { return Some((step.clone(), tree.clone())) };
        let steps = without(tree, other).as_object().cloned().unwrap_or_default();
        Some((step.clone(), place(is_member(tree) && !is_member(other), steps)?))
    });
    Value::Object(left.collect())
}

/// Paths of a tree down to its leaves; the step `.` is not one.
fn leaves(tree: &Value) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    collect(tree, &mut Vec::new(), &mut paths);
    paths
}

fn collect(tree: &Value, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    for (step, below) in tree.as_object().into_iter().flatten() {
        path.push(step.clone());
        if is_leaf(below) {
            paths.push(path.clone());
        } else {
            collect(below, path, paths);
        }
        path.pop();
    }
}

fn add(tree: &mut Value, path: &[String]) {
    let mut at = tree;
    for step in path {
        if at.get(step).is_none() {
            at[step] = json!({});
        }
        at = &mut at[step];
    }
}

/// The value at a path; of an item of a set and of the step `.`, whether it is there.
fn at(object: &Value, path: &[String]) -> Option<Value> {
    let mut here = object;
    for step in path {
        here = match step.split_at(2.min(step.len())) {
            ("f:", name) => here.get(name)?,
            ("k:", key) => find(here, key)?,
            ("v:", item) => return position_in_set(here, item).map(|_| Value::Bool(true)),
            _ => return Some(Value::Bool(true)),
        };
    }
    Some(here.clone())
}

fn find<'v>(list: &'v Value, key: &str) -> Option<&'v Value> {
    list.as_array()?.get(position(list, key)?)
}

fn position(list: &Value, key: &str) -> Option<usize> {
    let key: Value = serde_json::from_str(key).ok()?;
    let keys = key.as_object()?;
    let is_it = |item: &Value| {
        keys.iter().all(|(name, value)| match item.get(name) {
            Some(found) => found == value,
            None => name == "protocol" && value == "TCP",
        })
    };
    list.as_array()?.iter().position(is_it)
}

fn position_in_set(list: &Value, item: &str) -> Option<usize> {
    let item: Value = serde_json::from_str(item).ok()?;
    list.as_array()?.iter().position(|found| *found == item)
}

fn shown(path: &[String]) -> String {
    let mut text = String::new();
    for step in path {
        match step.split_at(2.min(step.len())) {
            ("f:", name) => text.push_str(&format!(".{name}")),
            ("k:", key) => {
                let key: Value = serde_json::from_str(key).unwrap_or_default();
                let parts: Vec<String> =
                    key.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
                text.push_str(&format!("[{}]", parts.join(",")));
            }
            ("v:", item) => text.push_str(&format!("[={item}]")),
            _ => {}
        }
    }
    text
}

/// Lays a configuration over an object.
fn overlay(kind: &Kind, into: &mut Value, config: &Value, field: &str) {
    match (into, config) {
        (Value::Object(into), Value::Object(config)) => {
            for (name, value) in config {
                let at_top = field.is_empty() && matches!(name.as_str(), "apiVersion" | "kind");
                if !at_top {
                    overlay(kind, into.entry(name.clone()).or_insert(Value::Null), value, name);
                }
            }
        }
        (Value::Array(into), Value::Array(config)) => match items_of(kind, field) {
            Items::Atomic => *into = config.clone(),
            Items::Set => {
                for item in config {
                    if !into.contains(item) {
                        into.push(item.clone());
                    }
                }
            }
            Items::Keyed(keys) => {
                for item in config {
                    let key = key_of(item, keys);
                    match into.iter_mut().find(|known| key_of(known, keys) == key) {
                        Some(known) => overlay(kind, known, item, "item"),
                        None => into.push(item.clone()),
                    }
                }
            }
        },
        (into, config) => *into = config.clone(),
    }
}

/// Takes fields away that nobody wants any more, and what becomes empty by it.
fn remove(object: &mut Value, fields: &Value) {
    for (step, below) in fields.as_object().into_iter().flatten() {
        match step.split_at(2.min(step.len())) {
            ("f:", name) => {
                let Some(map) = object.as_object_mut() else { continue };
                let is_empty = match map.get_mut(name) {
                    Some(inner) if !is_leaf(below) => {
                        remove(inner, below);
                        inner.as_object().is_some_and(Map::is_empty) || inner.as_array().is_some_and(Vec::is_empty)
                    }
                    // A map that somebody else filled is his.
                    Some(inner) => inner.as_object().is_none_or(Map::is_empty),
                    None => false,
                };
                if is_empty {
                    map.remove(name);
                }
            }
            ("k:", key) => {
                let Some(index) = position(object, key) else { continue };
                let Some(items) = object.as_array_mut() else { continue };
                if below.get(".").is_some() {
                    items.remove(index);
                } else {
                    remove(&mut items[index], below);
                }
            }
            ("v:", item) => {
                if let (Some(index), Some(items)) = (position_in_set(object, item), object.as_array_mut()) {
                    items.remove(index);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kinds::{ALL, own};

    fn by(name: &str) -> Manager<'_> {
        Manager { name, subresource: "", now: "2026-01-01T00:00:00Z" }
    }

    fn applied(live: &Value, config: Value, name: &str) -> Value {
        apply(&ALL[own("configmaps")], live, &config, by(name), false).expect("no conflict")
    }

    #[test]
    fn what_a_manager_no_longer_wants_goes_unless_another_does() {
        let one = applied(&json!({"metadata": {"name": "x"}}), json!({"data": {"a": "1", "b": "2"}}), "m1");
        let two = applied(&one, json!({"data": {"b": "2", "c": "3"}}), "m2");
        let three = applied(&two, json!({"metadata": {"labels": {"l": "1"}}}), "m1");
        assert_eq!(three["data"], json!({"b": "2", "c": "3"}), "b is wanted by m2");
        let four = applied(&three, json!({}), "m1");
        assert_eq!(four["metadata"].get("labels"), None, "an emptied map goes");
        assert_eq!(four["metadata"]["managedFields"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn a_field_of_another_manager_is_a_conflict_that_force_settles() {
        let kind = &ALL[own("configmaps")];
        let mut live = json!({"metadata": {"name": "x"}, "data": {"ca.crt": "1"}});
        track(kind, None, &mut live, by("writer"));
        let config = json!({"data": {"ca.crt": "2"}});
        let refusal = apply(kind, &live, &config, by("m"), false).expect_err("a conflict");
        assert_eq!(refusal.message(), "Apply failed with 1 conflict: conflict with \"writer\" using v1: .data.ca.crt");
        let forced = apply(kind, &live, &config, by("m"), true).expect("forced");
        assert_eq!(forced["data"]["ca.crt"], "2");
        let owners: Vec<&str> = forced["metadata"]["managedFields"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|e| e["manager"].as_str())
            .collect();
        assert_eq!(owners, ["m"]);
        assert!(
            apply(kind, &live, &json!({"data": {"ca.crt": "1"}}), by("m"), false).is_ok(),
            "the same value is shared"
        );
    }

    #[test]
    fn items_with_keys_are_merged_by_them() {
        let kind = &ALL[own("jobs")];
        let pod = |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let live = apply(
            kind,
            &json!({"metadata": {}}),
            &pod(json!([{"name": "a", "image": "1"}, {"name": "b"}])),
            by("m1"),
            false,
        );
        let live = live.expect("no conflict");
        let two = apply(kind, &live, &pod(json!([{"name": "b", "image": "2"}, {"name": "c"}])), by("m2"), false)
            .expect("no conflict");
        let three = apply(kind, &two, &pod(json!([{"name": "b"}])), by("m1"), false).expect("no conflict");
        assert_eq!(
            three["spec"]["template"]["spec"]["containers"],
            json!([{"name": "b", "image": "2"}, {"name": "c"}])
        );
    }

    #[test]
    fn a_write_takes_what_it_changed_from_its_owner() {
        let kind = &ALL[own("configmaps")];
        let live = applied(&json!({"metadata": {}}), json!({"data": {"a": "1", "b": "1"}}), "m1");
        let mut after = live.clone();
        after["data"]["a"] = json!("2");
        track(kind, Some(&live), &mut after, by("editor"));
        let fields: Vec<Value> = after["metadata"]["managedFields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|e| e["fieldsV1"].clone())
            .collect();
        assert_eq!(fields, [json!({"f:data": {"f:b": {}}}), json!({"f:data": {"f:a": {}}})]);
    }
}
