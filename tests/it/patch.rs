//! `aicr diff -t json-patch`: what turns one document into another.

use crate::sandbox::Sandbox;
use serde_json::Value;

/// Applies a patch (RFC 6902) of the operations that we write.
fn apply(document: &mut Value, patch: &Value) {
    for operation in patch.as_array().expect("a list of operations") {
        let (path, value) = (operation["path"].as_str().expect("a path"), operation["value"].clone());
        let Some((parent, last)) = path.rsplit_once('/') else {
            *document = value;
            continue;
        };
        let last = last.replace("~1", "/").replace("~0", "~");
        let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {path}"));
        match (operation["op"].as_str().expect("an operation"), parent) {
            ("add", Value::Object(map)) => assert_eq!(map.insert(last, value), None, "{path}"),
            ("replace", Value::Object(map)) => assert!(map.insert(last, value).is_some(), "{path}"),
            ("remove", Value::Object(map)) => assert!(map.remove(&last).is_some(), "{path}"),
            ("add", Value::Array(list)) => list.insert(last.parse().expect("a place"), value),
            ("replace", Value::Array(list)) => list[last.parse::<usize>().expect("a place")] = value,
            ("remove", Value::Array(list)) => drop(list.remove(last.parse().expect("a place"))),
            (other, parent) => panic!("{other} at {path} of {parent}"),
        }
    }
}

fn read(sandbox: &Sandbox, name: &str) -> Value {
    let text = std::fs::read_to_string(sandbox.home().join(name)).expect("a file");
    aicr::yaml::parse(&text).expect("YAML").to_value()
}

/// Both ways; how many operations there are from the first to the second.
#[track_caller]
fn check(sandbox: &Sandbox, one: &str, other: &str) -> usize {
    let mut count = 0;
    for (from, to) in [(other, one), (one, other)] {
        let run = sandbox.aicr(&["diff", from, to, "-t", "json-patch"]);
        assert_eq!(run.code, 0, "{}", run.transcript);
        let patch: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let mut document = read(sandbox, from);
        apply(&mut document, &patch);
        assert_eq!(document, read(sandbox, to), "{from} to {to}: {patch:#}");
        count = patch.as_array().map_or(0, Vec::len);
        assert!(run.stderr.contains(&format!("{count} operation")), "{}", run.transcript);
    }
    count
}

#[test]
fn a_patch_turns_one_recipe_into_another() {
    let sandbox = Sandbox::new();
    for (name, criteria) in [
        ("kind.yaml", "--service kind --accelerator a100"),
        ("eks.yaml", "--service eks --accelerator h100 --os ubuntu --intent training"),
    ] {
        let words: Vec<&str> = ["recipe"].into_iter().chain(criteria.split(' ')).chain(["-o", name]).collect();
        let run = sandbox.aicr(&words);
        assert_eq!(run.code, 0, "{}", run.transcript);
    }
    let all = check(&sandbox, "kind.yaml", "eks.yaml");
    assert!(all > 20, "{all}");
    // One value of one component is one operation.
    let text = std::fs::read_to_string(sandbox.home().join("kind.yaml")).expect("a recipe");
    let edited = text.replacen("version: v26.7.1", "version: v26.7.0", 1);
    assert_ne!(text, edited);
    sandbox.file("edited.yaml", &edited);
    assert_eq!(check(&sandbox, "kind.yaml", "edited.yaml"), 1);
    // Criteria are the recipe that they resolve to.
    let run =
        sandbox.aicr(&["diff", "kind.yaml", "service=kind,accelerator=a100", "-t", "json-patch", "--fail-on-drift"]);
    let patch: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((patch, run.code), (serde_json::json!([]), 0), "{}", run.stderr);
}

#[test]
fn a_patch_turns_one_snapshot_into_another() {
    let sandbox = Sandbox::new();
    let run = sandbox.aicr(&["--demo", "snapshot", "-o", "demo.yaml"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let run = sandbox.aicr(&["--demo", "--context", "fleet", "snapshot", "-o", "fleet.yaml"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(check(&sandbox, "demo.yaml", "fleet.yaml") > 10);
}

#[test]
fn what_a_patch_cannot_express_is_said_or_refused() {
    let sandbox = Sandbox::new();
    let recipe = |order: &str| {
        format!("# a note\napiVersion: aicr.run/v1\nkind: RecipeResult\n{order}criteria: null\ncomponentRefs: []\n")
    };
    sandbox.file("a.yaml", &recipe("metadata: {version: v1}\n"));
    sandbox.file("b.yaml", &recipe("metadata:\n  version: v1\n").replace("# a note\n", ""));
    let run = sandbox.aicr(&["diff", "a.yaml", "b.yaml", "-t", "json-patch"]);
    assert_eq!((run.stdout.trim(), run.code), ("[]", 0), "{}", run.transcript);
    assert!(run.stderr.contains("comments, the order of keys"), "{}", run.transcript);
    let run = sandbox.aicr(&["--demo", "snapshot", "-o", "s.yaml"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    for (arguments, words) in [
        (&["a.yaml", "s.yaml"][..], "one side is a recipe, the other a snapshot"),
        (
            &["20260714-073000-00000000c0ffee00", "20260714-080000-00000000beefbeef"],
            "recorded runs are compared check by check",
        ),
        (&["a.yaml", "b.yaml", "--values"], "a patch is of two documents as they are"),
        (&["-", "-"], "both sides are standard input"),
        (&["a.yaml", "b.yaml", "-o", "cm://aicr/patch"], "cannot be written to a ConfigMap"),
    ] {
        let run = sandbox.aicr(&[&["diff", "-t", "json-patch"], arguments].concat());
        assert!(run.code == 2 && run.stderr.contains(words), "{words}: {}", run.transcript);
    }
}
