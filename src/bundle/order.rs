//! In which order the components of a bundle are deployed, and which of them at the same time.
//!
//! In: the enabled components and the order that the recipe gives. Out: an order in which every dependency comes first, as
//! near to the recipe's as that allows, and for each component its level: the longest way to something that depends on
//! nothing. Components of one level do not need each other.

use crate::recipe::{ComponentRef, Recipe};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

/// Where a component stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Into [`Recipe::components`].
    pub component: usize,
    /// From 0.
    pub level: usize,
    /// Positions in the order of what it depends on directly, lowest first.
    pub needs: Vec<usize>,
}

/// Why there is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A dependency that the recipe does not have.
    #[error("the component `{component}` depends on `{dependency}`, which is not in the recipe")]
    Missing {
        /// Who depends.
        component: String,
        /// On what.
        dependency: String,
    },
    /// Components that wait for each other.
    #[error("these components wait for each other: {}", .0.join(", "))]
    Circle(Vec<String>),
}

/// What each enabled component depends on; `all` is the recipe before components were left out. In the place of one of those
/// is what it depends on itself: what comes after it still comes after what it came after.
pub fn dependencies(recipe: &Recipe, all: &Recipe) -> Vec<Vec<String>> {
    let enabled: BTreeSet<&str> = recipe.components.iter().map(|component| &*component.name).collect();
    let left_out: BTreeMap<&str, &ComponentRef> = all
        .components
        .iter()
        .filter(|component| !enabled.contains(&*component.name))
        .map(|component| (&*component.name, component))
        .collect();
    let of = |component: &ComponentRef| {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        let mut open: Vec<&str> = component.dependency_refs.iter().rev().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            match left_out.get(name) {
                _ if !seen.insert(name.to_owned()) => {}
                // What is in neither is named where it is depended on by something that is deployed.
                Some(other) => {
                    let known = |name: &&str| enabled.contains(name) || left_out.contains_key(name);
                    open.extend(other.dependency_refs.iter().rev().map(String::as_str).filter(known));
                }
                None => found.push(name.to_owned()),
            }
        }
        found
    };
    recipe.components.iter().map(of).collect()
}

/// The order of enabled components, whose dependencies are enabled too.
///
/// # Errors
/// A dependency that is not in the recipe, a circle.
pub fn order(recipe: &Recipe) -> Result<Vec<Place>, OrderError> {
    let index: BTreeMap<&str, usize> =
        recipe.components.iter().enumerate().map(|(at, component)| (&*component.name, at)).collect();
    let stated: BTreeMap<&str, usize> =
        recipe.deployment_order.iter().enumerate().map(|(at, name)| (&**name, at)).collect();
    let count = recipe.components.len();
    let (mut waits, mut dependents) = (vec![0_usize; count], vec![Vec::new(); count]);
    for (at, component) in recipe.components.iter().enumerate() {
        for dependency in &component.dependency_refs {
            match index.get(&**dependency) {
                Some(on) if !dependents[*on].contains(&at) => {
                    dependents[*on].push(at);
                    waits[at] += 1;
                }
                Some(_) => {}
                None => {
                    let (component, dependency) = (component.name.clone(), dependency.clone());
                    return Err(OrderError::Missing { component, dependency });
                }
            }
        }
    }
    // The recipe's own order first, then by name.
    let rank = |at: usize| {
        let name = &*recipe.components[at].name;
        (stated.get(name).copied().unwrap_or(usize::MAX), name.to_owned(), at)
    };
    let mut ready: BinaryHeap<Reverse<(usize, String, usize)>> =
        (0..count).filter(|at| waits[*at] == 0).map(|at| Reverse(rank(at))).collect();
    let mut places: Vec<Place> = Vec::with_capacity(count);
    let mut position = vec![usize::MAX; count];
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); count];
    while let Some(Reverse((_, _, at))) = ready.pop() {
        let level = needs[at].iter().map(|on| places[*on].level + 1).max().unwrap_or(0);
        position[at] = places.len();
        needs[at].sort_unstable();
        places.push(Place { component: at, level, needs: needs[at].clone() });
        for dependent in &dependents[at] {
            needs[*dependent].push(position[at]);
            waits[*dependent] -= 1;
            if waits[*dependent] == 0 {
                ready.push(Reverse(rank(*dependent)));
            }
        }
    }
    if places.len() < count {
        let waiting = (0..count).filter(|at| position[*at] == usize::MAX);
        return Err(OrderError::Circle(waiting.map(|at| recipe.components[at].name.clone()).collect()));
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::ComponentRef;

    /// `a; b: a; off?` where `?` is declared and left out, and the stated order behind `|`.
    fn ordered(text: &str) -> Result<String, String> {
        let (edges, stated) = text.split_once('|').unwrap_or((text, ""));
        let component = |edge: &str| {
            let (name, on) = edge.trim().split_once(':').unwrap_or((edge.trim(), ""));
            let dependency_refs = on.split_whitespace().map(str::to_owned).collect();
            ComponentRef { name: name.to_owned(), dependency_refs, ..ComponentRef::default() }
        };
        let all: Vec<ComponentRef> = edges.split(';').map(component).collect();
        let mut left = all.clone();
        left.retain(|component| !component.name.ends_with('?'));
        let of = |components| Recipe {
            components,
            deployment_order: stated.split_whitespace().map(str::to_owned).collect(),
            ..Recipe::default()
        };
        let (mut recipe, all) = (of(left), of(all));
        let dependencies = dependencies(&recipe, &all);
        for (component, names) in recipe.components.iter_mut().zip(dependencies) {
            component.dependency_refs = names;
        }
        let places = order(&recipe).map_err(|error| error.to_string())?;
        let shown = places.iter().map(|place| format!("{}{}", recipe.components[place.component].name, place.level));
        Ok(shown.collect::<Vec<_>>().join(" "))
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        assert_eq!(ordered(text), expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn the_recipes_order_holds_as_far_as_dependencies_allow() {
        check("a; b; c | c a b", Ok("c0 a0 b0"));
        check("a; b: a; c | b c a", Ok("c0 a0 b1"));
        check("c: b; b: a; a; d: a", Ok("a0 b1 c2 d1"));
        check("z; y; x | y", Ok("y0 x0 z0"));
    }

    #[test]
    fn an_edge_to_what_was_left_out_is_satisfied_and_one_to_nothing_is_not() {
        check("a: off?; off?", Ok("a0"));
        check("a: off?; off?: nothing", Ok("a0"));
        check("a: b", Err("the component `a` depends on `b`, which is not in the recipe"));
    }

    #[test]
    fn what_comes_after_something_left_out_comes_after_what_that_came_after() {
        check("a: m?; m?: z; z", Ok("z0 a1"));
        check("a: m? z; m?: n?; n?: z y; z; y: z | z y a", Ok("z0 y1 a2"));
        check("a: m?; m?: n?; n?: m?", Ok("a0"));
        check("a: m?; m?: b; b: a", Err("these components wait for each other: a, b"));
    }

    #[test]
    fn a_circle_names_its_members() {
        check("a: b; b: a; c", Err("these components wait for each other: a, b"));
        check("a: a", Err("these components wait for each other: a"));
    }
}
