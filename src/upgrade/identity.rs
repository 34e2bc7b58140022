//! Whether an upgraded component is still the same one to Helm and Kubernetes.
//!
//! A chart that moves to another namespace, or names its objects anew, is a second installation next to the first.

use crate::{document::selector::Segment, recipe::ComponentRef};
use serde_json::Value;
use std::collections::BTreeMap;

/// One field that both sides state, and not alike.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct IdentityChange {
    pub field: String,
    pub from: String,
    pub to: String,
}

/// Object names of a release by the path in its values, as a selector: every `fullnameOverride` and `nameOverride` at any depth.
pub type ObjectNames = BTreeMap<String, String>;

/// What moved between two uses of a component. Object names are compared only where the source's are known.
pub fn changes(
    from: &ComponentRef,
    to: &ComponentRef,
    names: Option<(&ObjectNames, &ObjectNames)>,
) -> Vec<IdentityChange> {
    let mut changes = Vec::new();
    let scalars = [
        ("namespace", &from.namespace, &to.namespace),
        ("type", &from.r#type, &to.r#type),
        ("chart", &from.chart, &to.chart),
        ("source", &from.source, &to.source),
        ("path", &from.path, &to.path),
    ];
    // What one side leaves open cannot be said to have moved.
    for (field, from, to) in scalars.into_iter().filter(|(_, from, to)| !from.is_empty() && !to.is_empty()) {
        push(&mut changes, field, from, to);
    }
    let files = [
        ("manifestFiles", &from.manifest_files, &to.manifest_files),
        ("preManifestFiles", &from.pre_manifest_files, &to.pre_manifest_files),
    ];
    for (field, from, to) in files {
        let sorted = |files: &[String]| {
            let mut files = files.to_vec();
            files.sort_unstable();
            files.join(", ")
        };
        push(&mut changes, field, &sorted(from), &sorted(to));
    }
    if let Some((from, to)) = names {
        let paths: std::collections::BTreeSet<&String> = from.keys().chain(to.keys()).collect();
        for path in paths {
            let name = |names: &ObjectNames| names.get(path).cloned().unwrap_or_default();
            push(&mut changes, path, &name(from), &name(to));
        }
    }
    changes
}

fn push(changes: &mut Vec<IdentityChange>, field: &str, from: &str, to: &str) {
    if from != to {
        changes.push(IdentityChange { field: field.to_owned(), from: from.to_owned(), to: to.to_owned() });
    }
}

/// The object names in the values of a release.
pub fn object_names(values: &Value) -> ObjectNames {
    let mut names = ObjectNames::new();
    collect(values, "", &mut names);
    names
}

fn collect(value: &Value, path: &str, names: &mut ObjectNames) {
    let Value::Object(entries) = value else { return };
    for (key, child) in entries {
        let key_of_path = Segment::Key(key.clone());
        let path = if path.is_empty() { key_of_path.to_string() } else { format!("{path}.{key_of_path}") };
        match child {
            Value::String(name) if ["fullnameOverride", "nameOverride"].contains(&&**key) => {
                names.insert(path, name.clone());
            }
            child => collect(child, &path, names),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn component(change: impl FnOnce(&mut ComponentRef)) -> ComponentRef {
        let mut component = ComponentRef { name: "x".into(), namespace: "a".into(), ..ComponentRef::default() };
        change(&mut component);
        component
    }

    #[track_caller]
    fn check(from: &ComponentRef, to: &ComponentRef, expected: &[&str]) {
        let told: Vec<String> = changes(from, to, None)
            .into_iter()
            .map(|IdentityChange { field, from, to }| format!("{field}: {from} → {to}"))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_both_sides_state_can_move() {
        let from = component(|_| {});
        check(&from, &component(|to| to.namespace = "b".into()), &["namespace: a → b"]);
        // Nobody stated a chart before.
        check(&from, &component(|to| to.chart = "c".into()), &[]);
        check(&component(|from| from.manifest_files = vec!["m".into()]), &from, &["manifestFiles: m → "]);
        let order = |names: [&str; 2]| component(|to| to.manifest_files = names.map(str::to_owned).to_vec());
        check(&order(["m", "n"]), &order(["n", "m"]), &[]);
    }

    #[test]
    fn object_names_are_found_at_any_depth() {
        let names = object_names(&json!({"fullnameOverride": "f", "sub": {"nameOverride": "n", "x": 1}}));
        let expected = [("fullnameOverride", "f"), ("sub.nameOverride", "n")];
        assert_eq!(names, expected.map(|(path, name)| (path.to_owned(), name.to_owned())).into());
        let from = component(|_| {});
        let moved = changes(&from, &from, Some((&names, &ObjectNames::new())));
        assert_eq!(moved.len(), 2);
    }
}
