//! Deployment order: the lexicographically smallest order in which every dependency comes first.

use std::collections::{BTreeMap, BTreeSet};

/// Sorts components by dependency. `dependencies` holds enabled components only; edges to others count as satisfied.
///
/// # Errors
/// The members of a circle, in its order, the first one repeated at the end.
pub fn order(dependencies: &BTreeMap<&str, Vec<&str>>) -> Result<Vec<String>, Vec<String>> {
    let mut waiting: BTreeMap<&str, BTreeSet<&str>> = dependencies
        .iter()
        .map(|(name, on)| (*name, on.iter().copied().filter(|other| dependencies.contains_key(other)).collect()))
        .collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(name) = waiting.iter().find(|(_, on)| on.is_empty()).map(|(name, _)| *name) {
        waiting.remove(name);
        for on in waiting.values_mut() {
            on.remove(name);
        }
        order.push(name.to_owned());
    }
    if waiting.is_empty() { Ok(order) } else { Err(cycle(dependencies).unwrap_or_default()) }
}

/// The first circle that a depth-first walk in name order meets; `None` without one.
pub fn cycle(dependencies: &BTreeMap<&str, Vec<&str>>) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    dependencies.keys().find_map(|name| walk(name, dependencies, &mut Vec::new(), &mut done))
}

fn walk<'n>(
    name: &'n str,
    dependencies: &BTreeMap<&'n str, Vec<&'n str>>,
    path: &mut Vec<&'n str>,
    done: &mut BTreeSet<&'n str>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|seen| *seen == name) {
        let circle = path[start..].iter().chain([&name]).map(|name| (*name).to_owned());
        return Some(circle.collect());
    }
    if done.contains(name) {
        return None;
    }
    path.push(name);
    let found = dependencies.get(name).and_then(|on| on.iter().find_map(|other| walk(other, dependencies, path, done)));
    path.pop();
    done.insert(name);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edges: &str, expected: Result<&str, &str>) {
        let parsed: BTreeMap<&str, Vec<&str>> = edges
            .split(';')
            .map(|edge| edge.trim().split_once(':').unwrap_or((edge.trim(), "")))
            .map(|(name, on)| (name, on.split_whitespace().collect()))
            .collect();
        let words = |list: Vec<String>| list.join(" ");
        assert_eq!(order(&parsed).map(words).map_err(words), expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn the_smallest_name_that_is_ready_goes_first() {
        check("b; a; c: a", Ok("a b c"));
        check("a: c; b; c", Ok("b c a"));
        check("a: missing; b", Ok("a b"));
    }

    #[test]
    fn circles_are_named() {
        check("a: b; b: c; c: b", Err("b c b"));
        check("nfd: nfd", Err("nfd nfd"));
    }
}
