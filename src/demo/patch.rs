//! Patches that need no history: JSON merge patch (RFC 7386) and JSON patch (RFC 6902).
//!
//! Strategic merge patch is refused with 415, as a real API server does for custom resources: it needs the schema of
//! every type. Server-side apply is in `apply`.

use super::status::Refusal;
use serde_json::{Map, Value};

/// Merges: `null` removes, an object is merged, everything else replaces.
pub fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Some(fields) = into.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Does the operations of a JSON patch in order, all or none.
///
/// # Errors
/// 400 for what is no JSON patch; 422 for an operation that does not fit the object.
pub fn json_patch(into: &mut Value, patch: &Value) -> Result<(), Refusal> {
    let Some(operations) = patch.as_array() else {
        return Err(Refusal::bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
        ));
    };
    let mut result = into.clone();
    for operation in operations {
        step(&mut result, operation)?;
    }
    *into = result;
    Ok(())
}

fn step(object: &mut Value, operation: &Value) -> Result<(), Refusal> {
    let text = |name: &str| operation[name].as_str().unwrap_or_default();
    let path = text("path");
    let missing =
        || Refusal::unprocessable(format!("the server rejected our request due to an error in our request: {path}"));
    match text("op") {
        "add" => insert(object, path, operation["value"].clone()).ok_or_else(missing),
        "remove" => take(object, path).map(drop).ok_or_else(missing),
        "replace" => {
            take(object, path).ok_or_else(missing)?;
            insert(object, path, operation["value"].clone()).ok_or_else(missing)
        }
        "move" => {
            let value = take(object, text("from")).ok_or_else(missing)?;
            insert(object, path, value).ok_or_else(missing)
        }
        "copy" => {
            let value = object.pointer(text("from")).cloned().ok_or_else(missing)?;
            insert(object, path, value).ok_or_else(missing)
        }
        "test" if object.pointer(path) == Some(&operation["value"]) => Ok(()),
        "test" => Err(Refusal::unprocessable(format!("testing path {path} failed"))),
        other => Err(Refusal::bad_request(format!("Unexpected kind: {other}"))),
    }
}

fn parent<'v>(object: &'v mut Value, path: &str) -> Option<(&'v mut Value, String)> {
    let (above, last) = path.rsplit_once('/')?;
    Some((object.pointer_mut(above)?, last.replace("~1", "/").replace("~0", "~")))
}

fn insert(object: &mut Value, path: &str, value: Value) -> Option<()> {
    match parent(object, path)? {
        (Value::Object(fields), name) => {
            fields.insert(name, value);
        }
        (Value::Array(items), last) if last == "-" => items.push(value),
        (Value::Array(items), index) => {
            let index = index.parse().ok().filter(|index| *index <= items.len())?;
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn take(object: &mut Value, path: &str) -> Option<Value> {
    match parent(object, path)? {
        (Value::Object(fields), name) => fields.remove(&name),
        (Value::Array(items), index) => {
            let index = index.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn merged(mut object: Value, patch: Value, expected: Value) {
        merge(&mut object, &patch);
        assert_eq!(object, expected);
    }

    #[test]
    fn merge_patches_as_the_rfc_shows() {
        merged(json!({"a": "b", "c": {"d": 1}}), json!({"a": null, "c": {"e": 2}}), json!({"c": {"d": 1, "e": 2}}));
        merged(json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]}));
        merged(json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1}));
        merged(json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}}));
    }

    #[test]
    fn json_patches_are_done_whole_or_not_at_all() {
        let mut object = json!({"a": {"b/c": [1, 2]}, "x": 1});
        let patch = json!([{"op": "add", "path": "/a/b~1c/1", "value": 9}, {"op": "remove", "path": "/x"},
            {"op": "copy", "from": "/a/b~1c/0", "path": "/y"}, {"op": "test", "path": "/y", "value": 1}]);
        json_patch(&mut object, &patch).expect("it fits");
        assert_eq!(object, json!({"a": {"b/c": [1, 9, 2]}, "y": 1}));
        let bad = json!([{"op": "add", "path": "/z", "value": 1}, {"op": "replace", "path": "/none", "value": 1}]);
        assert_eq!(json_patch(&mut object, &bad).expect_err("no such field").code, 422);
        assert_eq!(object.get("z"), None);
    }
}
