//! What is read and written, as text in and text out.

use super::*;
use proptest::prelude::*;
use serde_json::json;

#[track_caller]
fn check(text: &str, expected: Value) {
    assert_eq!(parse(text).map(|node| node.to_value()), Ok(expected), "{text}");
}

#[track_caller]
fn refused(text: &str, at: (u32, u32), part: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!((error.at.line, error.at.column), at, "{error}");
    assert!(error.problem.to_string().contains(part), "{error}");
}

#[test]
fn untyped_scalars_follow_go() {
    check("[010, 0o10, 0x10, 0b11, 1_000, -5, +7]", json!([8, 8, 16, 3, 1000, -5, 7]));
    check("[1.50, 1e3, .5, 18446744073709551615]", json!([1.5, 1000.0, 0.5, 18446744073709551615u64]));
    check("[yes, no, on, off, y, True, FALSE]", json!(["yes", "no", "on", "off", "y", true, false]));
    check("[~, null, '', \"~\", 1.2.3, 12:30]", json!([null, null, "", "~", "1.2.3", "12:30"]));
    check("[2024-01-01, 2024-01-01T10:00:00Z]", json!(["2024-01-01T00:00:00Z", "2024-01-01T10:00:00Z"]));
    check("[2024-1-2, 2024-1-2 3:04:05]", json!(["2024-01-02T00:00:00Z", "2024-01-02T03:04:05Z"]));
    check("[2024-1-2T3:4:5.60+02:00, 9999-12-31]", json!(["2024-01-02T03:04:05.6+02:00", "9999-12-31T00:00:00Z"]));
    check("[2024-01-02 03:04:05 +02:00, 2024-13-01]", json!(["2024-01-02 03:04:05 +02:00", "2024-13-01"]));
    check("[._1, .1_0, !own 12]", json!(["._1", ".1_0", "12"]));
    check("!!str 12", json!("12"));
    check("[!!binary 'aGVs bG8=', !!binary '%', !!binary gIE=]", json!(["hello", "%", "gIE="]));
    check("", json!(null));
    check("# only a comment\n", json!(null));
}

#[test]
fn duplicate_keys_are_refused_or_reported_as_the_reader_wants() {
    refused("a: 1\nb: {c: 1, c: 2}\n", (2, 11), "duplicate key `c`, first defined on line 2");
    let (node, duplicates) = first_of_last_keys("a: 1\nb: {c: 1, c: 2}\na: {<<: {d: 1}, d: 2}\n").unwrap();
    assert_eq!(node.to_value(), json!({"a": {"d": 2}, "b": {"c": 2}}));
    let found: Vec<String> = duplicates.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "duplicate key `c`, first defined on line 2 (line 2, column 11)",
            "duplicate key `a`, first defined on line 1 (line 3, column 1)"
        ]
    );
}

#[test]
fn a_string_field_reads_the_source_text() {
    let node = parse("version: 1.10\nflag: on\nday: 2024-01-01\n").unwrap();
    let texts: Vec<_> = node.entries().iter().filter_map(|entry| entry.value.text()).collect();
    assert_eq!(texts, ["1.10", "on", "2024-01-01"]);
}

#[test]
fn positions_are_those_of_the_text() {
    let node = parse("a:\n  - x\n  - b: 1\n").unwrap();
    let list = node.get("a").unwrap();
    assert_eq!(list.items()[0].at, Position { line: 2, column: 5 });
    let entry = &list.items()[1].entries()[0];
    assert_eq!((entry.key_at, entry.value.at), (Position { line: 3, column: 5 }, Position { line: 3, column: 8 }));
}

#[test]
fn anchors_and_merge_keys_expand() {
    check("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", json!({"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}}));
    check("a: &x [1]\nb: *x\n", json!({"a": [1], "b": [1]}));
}

/// Few keys are searched, many are hashed: both must find what is there.
#[test]
fn large_mappings_find_their_keys() {
    let large: String = (0..40).map(|n| format!("k{n}: {n}\n")).collect();
    for n in [0, 15, 16, 17, 39] {
        refused(&format!("{large}k{n}: again\n"), (41, 1), &format!("first defined on line {}", n + 1));
    }
    let merged: String = (0..40).map(|n| format!("  k{n}: {n}\n")).collect();
    let text = format!("a: &x\n{merged}b:\n  <<: *x\n  k3: own\n  k30: own\n  new: 1\n");
    let node = parse(&text).unwrap();
    let b = node.get("b").unwrap();
    let texts = ["k3", "k30", "k31", "new"].map(|key| b.get(key).and_then(Node::text));
    assert_eq!((b.entries().len(), texts), (41, [Some("own"), Some("own"), Some("31"), Some("1")]));
    refused(&format!("{text}  k30: twice\n"), (47, 3), "first defined on line 45");
}

#[test]
fn files_of_other_systems_read_alike() {
    check("\u{feff}a: 1\r\nb:\r\n  - x\r\n  - |\r\n    l1\r\n    l2\r\n", json!({"a": 1, "b": ["x", "l1\nl2\n"]}));
    check("{\"a\": [1, 2.5, \"\\u00e9\"], \"b\": {\"c\": null}}", json!({"a": [1, 2.5, "é"], "b": {"c": null}}));
    check("%YAML 1.2\n---\na: 1\n...\n", json!({"a": 1}));
}

#[test]
fn second_document_is_refused_at_its_start() {
    refused("a: 1\n---\nb: 2\n", (2, 1), "second document");
    refused("---\na: 1\n---\n---\n# words\nb: 2\n", (4, 1), "second document");
    refused("a: 1\n...\n---\n- b\n", (3, 1), "second document");
    assert_eq!(first("a: 1\n---\nb: [\n").unwrap().document.to_value(), json!({"a": 1}));
    assert_eq!(parse_all("a: 1\n---\nb: 2\n").unwrap().len(), 2);
}

#[test]
fn empty_documents_at_the_beginning_do_not_count() {
    for text in ["---\n---\na: 1\n", "---\n# nothing yet\n---\na: 1\n", "---\na: 1\n"] {
        check(text, json!({"a": 1}));
    }
}

/// A label of a cluster may hold them, and JSON writes them as they are.
#[test]
fn json_may_hold_characters_that_yaml_wants_escaped() {
    let text = json!({"label": "a\u{9b}31m\u{7f}\u{85}\u{2028}\u{fffe}b"});
    check(&text.to_string(), text.clone());
    check(&super::printable(&text.to_string()), text);
    assert!(super::printable("{\"a\": \"ü\"}").contains('ü'));
    // In YAML that begins alike, a string in single quotes has no escapes.
    assert!(!parse("{a: 'x\u{feff}y'}").is_ok_and(|node| node.to_value()["a"] == "x\\ufeffy"));
}

#[test]
fn empty_documents_at_the_end_do_not_count() {
    for text in ["---\na: 1\n---\n", "a: 1\n---\n# only words\n", "a: 1\n---\n---\n...\n"] {
        check(text, json!({"a": 1}));
    }
}

/// A document that ends before its file does would lose the rest.
#[test]
fn what_follows_a_document_is_not_dropped() {
    for text in ["{a: 1}\nb: 2\n", "[1]\n[2]\n", &format!("{}: 1\nb: 2\n", "k".repeat(1100))] {
        assert!(parse(text).is_err(), "{text}");
        assert!(parse_all(text).is_err(), "{text}");
    }
}

#[test]
fn long_keys_read_back() {
    let long = |c: &str| c.repeat(1100);
    let value = json!({long("a"): {"x": [1], "y": "l1\nl2\n"}, long("b"): [{long("c"): null}], long("d: "): [[1]]});
    let text = to_string(&json!([value]));
    assert!(text.contains(&format!("\n  ? {}\n  : - ? {}\n      : null\n", long("b"), long("c"))), "{text}");
    check(&text, json!([value]));
}

#[test]
fn hostile_documents_are_refused_where_they_turn_hostile() {
    refused("a: 1\na: 2\n", (2, 1), "first defined on line 1");
    refused("? [a]\n: 1\n", (1, 3), "a key must be text");
    refused(&"[".repeat(1000), (1, 256), "recursion limit");
    let nested: String = (0..200).map(|depth| format!("{:1$}a:\n", "", depth)).collect();
    refused(&nested, (129, 129), "nested deeper");
    let bomb = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        let before = format!("*a{}", n - 1);
        format!("{text}a{n}: &a{n} [{}]\n", vec![before; 10].join(","))
    });
    assert!(matches!(parse(&bomb).unwrap_err().problem, YamlProblem::TooManyNodes { .. }));
    assert!(parse("a: *missing\n").is_err());
    assert!(parse("a: [1, 2\n").is_err());
}

/// A long text is looked through in pieces.
#[test]
fn what_must_be_escaped_is_found_anywhere_in_a_long_text() {
    for odd in ["\u{1b}", "\u{7f}", "\u{85}", "\u{2028}"] {
        for before in [0, 1, 63, 64, 127, 128, 200] {
            let text = format!("{}{odd}{}", "x".repeat(before), "y".repeat(70));
            let value = json!({"a": text});
            let written = super::to_string(&value);
            assert!(!written.contains(odd), "{before} before {odd:?}");
            check(&written, value);
        }
    }
    let lines = json!({"a": format!("{}\n{}", "x".repeat(100), "y".repeat(100))});
    check(&super::to_string(&lines), lines);
}

#[test]
fn deep_values_are_indented_as_deep() {
    let deep = (0..40).fold(json!(["end"]), |value, _| json!({"a": value}));
    let written = super::to_string(&deep);
    assert!(written.ends_with(&format!("\n{}- end\n", " ".repeat(80))), "{written}");
    check(&written, deep);
}

#[test]
fn output_is_sorted_indented_and_quoted() {
    let value = json!({
        "b": [1, {"y": "24.04", "x": ">= 1.25"}, []], "a": {}, "text": "l1\nl2", "on": "yes", "n": null,
        "time": "12:30", "plain": "a b:c", "f": 1e21, "bus": "0000:64:00.0"
    });
    let text = "a: {}\nb:\n  - 1\n  - x: '>= 1.25'\n    \"y\": \"24.04\"\n  - []\nbus: 0000:64:00.0\nf: 1e+21\n\"n\": null\n\"on\": \"yes\"\n\
                plain: a b:c\ntext: |-\n  l1\n  l2\ntime: \"12:30\"\n";
    assert_eq!(to_string(&value), text);
}

#[test]
fn lines_stay_lines_where_a_block_can_show_them() {
    let value = json!({"a": "#!/bin/sh\n\tls\n", "b": " x\ny", "c": "x \ny", "d": ["\nx\n\n"], "e": "\n"});
    let text = "a: |\n  #!/bin/sh\n  \tls\nb: |2-\n   x\n  y\nc: \"x \\ny\"\nd:\n  - |2+\n\n    x\n\ne: \"\\n\"\n";
    assert_eq!(to_string(&value), text);
    check(text, value);
    assert_eq!(to_string(&json!("x\ny")), "\"x\\ny\"\n");
}

#[test]
fn floats_print_as_go_prints_them() {
    let shown: Vec<_> = [1234567.0, 100000.0, 0.00001, 24.10, 1e6, 1.5e300, 0.1]
        .map(|value| go_number(&Number::from_f64(value).unwrap()))
        .into();
    assert_eq!(shown, ["1.234567e+06", "100000", "1e-05", "24.1", "1e+06", "1.5e+300", "0.1"]);
}

fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ \n\t#:\\-?\\[\\]{}'\"|>&*!%@`,.a-c0-9]{0,12}",
        prop::sample::select(vec!["yes", "~", "1_0", "0x1", "12:30", "---", "...", "- a", "2024-01-01", ".inf", "<<"])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON numbers are finite", |n| n.is_finite()).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Go prints `1` for the float 1.0, so a float may come back as an integer of the same size.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, a), (kb, b))| ka == kb && same(a, b))
        }
        (a, b) => a == b,
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in values()) {
        let text = to_string(&value);
        let read = parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?.to_value();
        prop_assert!(same(&value, &read), "{text}\nread as {read}");
    }

    #[test]
    fn any_text_ends_in_a_node_or_an_error(text in any::<String>()) {
        let _ = parse(&text);
    }
}
