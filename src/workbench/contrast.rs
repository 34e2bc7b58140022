//! Two values of one place in words, so that different ones read differently.
//!
//! In: what is on the left and on the right. Out: a line for each side, and for lists all elements in order, each with the side
//! that it is of. Elements of lists without names are compared by what they are.

use crate::diff::ChangeKind;
use serde_json::Value;

/// Lists whose elements are put in an order with each other; the elements of longer ones are only told apart.
const ALIGNED: usize = 400;

/// A value in one line: texts as they are, collections by their size.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.lines().next().unwrap_or_default().to_owned(),
        Value::Array(items) if items.len() > 3 || items.iter().any(is_collection) => {
            format!("[{}]", crate::text::count(items.len(), "item"))
        }
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let names: Vec<&str> = entries.keys().map(String::as_str).collect();
            format!("{{{}}}", names.join(", "))
        }
        other => other.to_string(),
    }
}

fn is_collection(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// What each side has in one line, where it has something. Of lists that are not written out, what only that side has.
pub fn sides(left: Option<&Value>, right: Option<&Value>) -> [Option<String>; 2] {
    let plain = [left, right].map(|side| side.map(shown));
    let (Some(one), Some(other)) = (left, right) else { return plain };
    if one == other {
        return plain;
    }
    match (one, other) {
        (Value::Array(before), Value::Array(after)) if is_told_by_size(one) || is_told_by_size(other) => {
            let [gone, come] = only(before, after);
            // The same elements in another order have nothing of their own; of lists without a common one, the sizes say enough
            // where they differ.
            let is_apart = gone.len() == before.len() && plain[0] != plain[1];
            if is_apart || gone.is_empty() && come.is_empty() {
                return plain;
            }
            [(before, gone), (after, come)].map(|(all, own)| Some(with_own(all.len() - own.len(), &own)))
        }
        (Value::String(before), Value::String(after)) if plain[0] == plain[1] => {
            let differing = before.lines().zip(after.lines()).find(|(before, after)| before != after);
            let count = before.lines().count().min(after.lines().count());
            let rest = |text: &str| text.lines().nth(count).unwrap_or_default().to_owned();
            let lines = differing.map(|(before, after)| [before.to_owned(), after.to_owned()]);
            lines.unwrap_or_else(|| [rest(before), rest(after)]).map(|line| Some(format!("… {}", line.trim())))
        }
        _ => plain,
    }
}

/// Whether a list is shown by how many elements it has.
fn is_told_by_size(value: &Value) -> bool {
    shown(value).ends_with(" item]") || shown(value).ends_with(" items]")
}

/// `[nvidia.com/gpu, 2 same]`: what is cut is not what tells it apart.
fn with_own(same: usize, own: &[&Value]) -> String {
    let same = (same > 0).then(|| format!("{} same", crate::text::thousands(same)));
    let parts: Vec<String> = own.iter().map(|value| flow(value)).chain(same).collect();
    format!("[{}]", parts.join(", "))
}

/// An element in one line, as YAML writes it between braces.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => text.lines().next().unwrap_or_default().to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Elements that only one of the lists has, as often as it has more of them.
fn only<'v>(left: &'v [Value], right: &'v [Value]) -> [Vec<&'v Value>; 2] {
    let less = |all: &'v [Value], other: &[Value]| {
        let mut other: Vec<&Value> = other.iter().collect();
        let is_own = |value: &&Value| match other.iter().position(|known| known == value) {
            Some(at) => {
                other.swap_remove(at);
                false
            }
            None => true,
        };
        all.iter().filter(is_own).collect()
    };
    [less(left, right), less(right, left)]
}

/// The elements of two lists in order: those of both, those that are gone and those that came.
pub fn elements<'v>(left: &'v [Value], right: &'v [Value]) -> Vec<(Option<ChangeKind>, &'v Value)> {
    if left.len().max(right.len()) > ALIGNED {
        let [gone, come] = only(left, right);
        let mark = |kind, values: Vec<&'v Value>| values.into_iter().map(move |value| (Some(kind), value));
        return mark(ChangeKind::Removed, gone).chain(mark(ChangeKind::Added, come)).collect();
    }
    // Lengths of the longest common subsequences of what is left of both.
    let mut longest = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for (at, one) in left.iter().enumerate().rev() {
        for (to, other) in right.iter().enumerate().rev() {
            longest[at][to] = match one == other {
                true => longest[at + 1][to + 1] + 1,
                false => longest[at + 1][to].max(longest[at][to + 1]),
            };
        }
    }
    let (mut at, mut to, mut all) = (0, 0, Vec::with_capacity(left.len().max(right.len())));
    while at < left.len() || to < right.len() {
        match (left.get(at), right.get(to)) {
            (Some(one), Some(other)) if one == other => {
                all.push((None, one));
                (at, to) = (at + 1, to + 1);
            }
            (Some(one), other) if other.is_none() || longest[at + 1][to] >= longest[at][to + 1] => {
                all.push((Some(ChangeKind::Removed), one));
                at += 1;
            }
            (_, Some(other)) => {
                all.push((Some(ChangeKind::Added), other));
                to += 1;
            }
            (_, None) => break,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(left: Value, right: Value, expected: [&str; 2]) {
        assert_eq!(sides(Some(&left), Some(&right)).map(Option::unwrap_or_default), expected);
    }

    #[test]
    fn lists_of_as_many_elements_say_what_only_they_have() {
        let gpu = json!({"key": "nvidia.com/gpu", "operator": "Exists"});
        check(
            json!([gpu, {"key": "old"}]),
            json!([gpu, {"key": "new", "operator": "Exists"}]),
            ["[{key: old}, 1 same]", "[{key: new, operator: Exists}, 1 same]"],
        );
        check(json!(["a", "b", "c", "d"]), json!(["a", "b", "c"]), ["[d, 3 same]", "[3 same]"]);
        check(json!(["a", "b", "c", "d"]), json!([]), ["[4 items]", "[]"]);
        // An element that is there twice is no other one.
        check(json!(["a", "a", "b", "c"]), json!(["a", "b", "c", "x"]), ["[a, 3 same]", "[x, 3 same]"]);
        check(json!(["a"]), json!(["b"]), ["[\"a\"]", "[\"b\"]"]);
    }

    #[test]
    fn texts_that_begin_with_the_same_line_say_the_first_that_differs() {
        check(json!("#!/bin/sh\nset -e\nrun a\n"), json!("#!/bin/sh\nset -e\nrun b\n"), ["… run a", "… run b"]);
        check(json!("one\n"), json!("one\n  two\n"), ["… ", "… two"]);
        check(json!("one"), json!("two"), ["one", "two"]);
        check(json!("one\n"), json!("one\n"), ["one", "one"]);
    }

    #[test]
    fn elements_are_in_the_order_of_both_lists() {
        let words = |left: Value, right: Value| -> String {
            let (left, right) = (left.as_array().unwrap().clone(), right.as_array().unwrap().clone());
            let sign = |kind: &Option<ChangeKind>| kind.map_or(' ', ChangeKind::sign);
            let all = elements(&left, &right);
            all.iter().map(|(kind, value)| format!("{}{}", sign(kind), value.as_str().unwrap())).collect()
        };
        assert_eq!(words(json!(["a", "b", "c"]), json!(["a", "x", "c", "d"])), " a-b+x c+d");
        assert_eq!(words(json!(["a", "b"]), json!(["b", "a"])), "-a b+a");
        assert_eq!(words(json!([]), json!(["b"])), "+b");
        let long: Value = (0..500).map(|at| format!("{at},")).collect::<Vec<_>>().into();
        assert_eq!(
            words(long, json!(["0,", "x"])).len(),
            words(json!([]), json!(["x"])).len() + (1..500).map(|at| format!("-{at},").len()).sum::<usize>()
        );
    }
}
