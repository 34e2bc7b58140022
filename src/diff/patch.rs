//! What turns one document into another, as JSON Patch (RFC 6902).
//!
//! In: two values. Out: operations that, applied to the left one in their order, give the right one. Elements of lists are met by
//! their names, else by being equal, so that an element that comes or goes is one operation and not a shift of all behind it.
//! A list of which too much differs is replaced. The order of the keys of a mapping is no difference.

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    Add { path: String, value: Value },
    Remove { path: String },
    Replace { path: String, value: Value },
}

impl Operation {
    pub fn to_value(&self) -> Value {
        match self {
            Operation::Add { path, value } => json!({"op": "add", "path": path, "value": value}),
            Operation::Remove { path } => json!({"op": "remove", "path": path}),
            Operation::Replace { path, value } => json!({"op": "replace", "path": path, "value": value}),
        }
    }
}

/// Pairs of elements that are looked at for one list; beyond it the list is replaced.
const MOST: usize = 4 << 20;

/// The operations from left to right; none where both are equal.
pub fn between(left: &Value, right: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    values("", left, right, &mut operations);
    operations
}

/// A key as part of a pointer (RFC 6901).
fn part(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn values(path: &str, left: &Value, right: &Value, operations: &mut Vec<Operation>) {
    match (left, right) {
        _ if left == right => {}
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                let path = format!("{path}/{}", part(key));
                match after.get(key) {
                    Some(other) => values(&path, value, other, operations),
                    None => operations.push(Operation::Remove { path }),
                }
            }
            for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
                operations.push(Operation::Add { path: format!("{path}/{}", part(key)), value: value.clone() });
            }
        }
        (Value::Array(before), Value::Array(after)) => match aligned(before, after) {
            Some(steps) => list(path, (before, after), &steps, operations),
            None => operations.push(Operation::Replace { path: path.to_owned(), value: right.clone() }),
        },
        _ => operations.push(Operation::Replace { path: path.to_owned(), value: right.clone() }),
    }
}

/// What becomes of the elements of two lists, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The next ones of both are the same thing.
    Both,
    Left,
    Right,
}

fn list(path: &str, (left, right): (&[Value], &[Value]), steps: &[Step], operations: &mut Vec<Operation>) {
    let (mut from, mut to) = (0, 0);
    let mut steps = steps.iter().copied().peekable();
    // Operations act on the list as those before have left it: so far it is as the right one up to `to`.
    while let Some(step) = steps.next() {
        let place = format!("{path}/{to}");
        match step {
            Step::Both => {
                values(&place, &left[from], &right[to], operations);
                (from, to) = (from + 1, to + 1);
            }
            Step::Left if steps.next_if_eq(&Step::Right).is_some() => {
                operations.push(Operation::Replace { path: place, value: right[to].clone() });
                (from, to) = (from + 1, to + 1);
            }
            Step::Left => {
                operations.push(Operation::Remove { path: place });
                from += 1;
            }
            Step::Right => {
                operations.push(Operation::Add { path: place, value: right[to].clone() });
                to += 1;
            }
        }
    }
}

/// What tells the elements of two lists apart: their names, where no other of the same list has it, else all of them.
fn identities(lists: [&[Value]; 2]) -> [Vec<String>; 2] {
    fn name(item: &Value) -> Option<&str> {
        item.get("name").and_then(Value::as_str)
    }
    let mut several = BTreeSet::new();
    for list in lists {
        let mut known = BTreeSet::new();
        several.extend(list.iter().filter_map(name).filter(|name| !known.insert(*name)));
    }
    let identity = |item: &Value| match name(item) {
        Some(name) if !several.contains(name) => format!("name {name}"),
        _ => format!("whole {item}"),
    };
    lists.map(|list| list.iter().map(identity).collect())
}

/// The longest common part of two lists as steps; `None` where they are too long to look for it.
fn aligned(left: &[Value], right: &[Value]) -> Option<Vec<Step>> {
    let [before, after] = identities([left, right]);
    let first = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let behind = before[first..].iter().rev().zip(after[first..].iter().rev());
    let last = behind.take_while(|(one, other)| one == other).count();
    let (one, other) = (&before[first..before.len() - last], &after[first..after.len() - last]);
    if one.len().saturating_mul(other.len()) > MOST {
        return None;
    }
    // Lengths of the longest common part of what is left from each pair on.
    let width = other.len() + 1;
    let mut longest = vec![0_u32; (one.len() + 1) * width];
    for at in (0..one.len()).rev() {
        for place in (0..other.len()).rev() {
            longest[at * width + place] = match one[at] == other[place] {
                true => longest[(at + 1) * width + place + 1] + 1,
                false => longest[(at + 1) * width + place].max(longest[at * width + place + 1]),
            };
        }
    }
    let mut steps = vec![Step::Both; first];
    let (mut at, mut place) = (0, 0);
    while at < one.len() || place < other.len() {
        let is_same = at < one.len() && place < other.len() && one[at] == other[place];
        let goes = at < one.len()
            && (place == other.len() || longest[(at + 1) * width + place] >= longest[at * width + place + 1]);
        match (is_same, goes) {
            (true, _) => {
                steps.push(Step::Both);
                (at, place) = (at + 1, place + 1);
            }
            (false, true) => {
                steps.push(Step::Left);
                at += 1;
            }
            (false, false) => {
                steps.push(Step::Right);
                place += 1;
            }
        }
    }
    steps.extend(vec![Step::Both; last]);
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies operations as RFC 6902 says it; panics where it says that they fail.
    fn apply(document: &mut Value, operations: &[Operation]) {
        let unescaped = |part: &str| part.replace("~1", "/").replace("~0", "~");
        for operation in operations {
            let (Operation::Add { path, .. } | Operation::Remove { path } | Operation::Replace { path, .. }) =
                operation;
            let Some((parent, last)) = path.rsplit_once('/') else {
                let Operation::Replace { value, .. } = operation else { panic!("{operation:?}") };
                *document = value.clone();
                continue;
            };
            let last = unescaped(last);
            let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {path}"));
            match (parent, operation) {
                (Value::Object(map), Operation::Add { value, .. }) => assert_eq!(map.insert(last, value.clone()), None),
                (Value::Object(map), Operation::Remove { .. }) => assert!(map.remove(&last).is_some(), "{path}"),
                (Value::Object(map), Operation::Replace { value, .. }) => {
                    assert!(map.insert(last, value.clone()).is_some(), "{path}");
                }
                (Value::Array(list), operation) => {
                    let at: usize = last.parse().expect("a place");
                    match operation {
                        Operation::Add { value, .. } => list.insert(at, value.clone()),
                        Operation::Remove { .. } => drop(list.remove(at)),
                        Operation::Replace { value, .. } => list[at] = value.clone(),
                    }
                }
                (other, _) => panic!("{path}: {other}"),
            }
        }
    }

    #[track_caller]
    fn check(left: Value, right: Value, most: usize) {
        for (from, to) in [(&left, &right), (&right, &left)] {
            let operations = between(from, to);
            let mut patched = from.clone();
            apply(&mut patched, &operations);
            assert_eq!(patched, *to, "{operations:#?}");
            assert!(operations.len() <= most, "{operations:#?}");
        }
        assert_eq!(between(&left, &left), []);
    }

    #[test]
    fn mappings_are_changed_key_by_key_whatever_keys_are_called() {
        check(json!({"a": 1, "b": {"c": true}}), json!({"b": {"c": null, "d": []}, "e": "x"}), 4);
        check(json!({"a/b": {"~c": 1}, "": 0}), json!({"a/b": {"~c": 2}}), 2);
        check(json!({"a": 1}), json!([1]), 1);
        check(json!("x"), json!(null), 1);
        check(json!({"a": 1.5}), json!({"a": "1.5"}), 1);
    }

    #[test]
    fn elements_that_come_or_go_move_no_others() {
        let list = |names: &[&str]| -> Value { json!({"list": names}) };
        check(list(&["a", "b", "c", "d"]), list(&["x", "a", "c", "d", "y"]), 3);
        check(list(&[]), list(&["a", "b"]), 2);
        check(list(&["a", "a", "b"]), list(&["a", "b", "b", "a"]), 4);
        check(json!([1, [2, 3], {"x": 1}]), json!([[2, 3, 4], {"x": 1}, 5]), 4);
        check(list(&["a", "b"]), list(&["b", "a"]), 2);
    }

    #[test]
    fn elements_with_names_are_changed_in_their_place() {
        let item = |name: &str, value: u8| json!({"name": name, "value": value, "deep": {"list": [value, 9]}});
        check(json!([item("a", 1), item("b", 2), item("c", 3)]), json!([item("b", 2), item("c", 4)]), 3);
        check(json!([item("a", 1), item("a", 2)]), json!([item("a", 2), item("b", 2)]), 2);
    }

    #[test]
    fn random_documents_are_turned_into_each_other() {
        // A small generator, the same on every machine.
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("31 bits") % below
        };
        fn value(depth: u32, next: &mut dyn FnMut(usize) -> usize) -> Value {
            let below = depth.saturating_sub(1);
            match (next(6), depth) {
                (0..=2, 0) | (0, _) => json!(next(4)),
                (1, _) => json!(["a", "b/c", "~"][next(3)]),
                (2, _) | (_, 0) => Value::Null,
                (3, _) => (0..next(6)).map(|_| value(below, next)).collect(),
                (4, _) => (0..next(5))
                    .map(|at| {
                        let name = ["n", "m", "o"][at % 3];
                        json!({"name": name, "x": value(below, next)})
                    })
                    .collect(),
                _ => {
                    let mut entry = |_| (["a", "b", "c/d", "~e"][next(4)].to_owned(), value(below, next));
                    Value::Object([0, 1, 2].map(&mut entry).into_iter().collect())
                }
            }
        }
        for _ in 0..2_000 {
            let (left, right) = (value(4, &mut next), value(4, &mut next));
            let mut patched = left.clone();
            apply(&mut patched, &between(&left, &right));
            assert_eq!(patched, right);
        }
    }

    #[test]
    fn a_list_in_which_too_much_differs_is_replaced() {
        let list = |from: usize| -> Value { (from..from + 3_000).collect() };
        let operations = between(&list(0), &list(10_000));
        assert!(
            matches!(&operations[..], [Operation::Replace { path, .. }] if path.is_empty()),
            "{}",
            operations.len()
        );
        let mut longer = list(0);
        longer.as_array_mut().expect("a list").insert(5, json!("new"));
        assert_eq!(between(&list(0), &longer).len(), 1, "only what differs counts");
    }
}
