//! Configuration profiles: one coordinate whose provider can run the GPU stack in more than one way.
//!
//! In: `spec.profile` of an overlay, and the values that overlays of external catalogs add to it. Out: a [`Profile`] whose
//! values all assign the same paths, so that no choice leaves a path to whatever lies below. Which value is chosen and
//! what it changes is `resolve::profile`'s work.

use super::{CatalogError, CatalogProblem, parse::Document};
use crate::{
    criteria::is_identifier,
    yaml::{Entry, Kind, Node, Position},
};
use std::collections::{BTreeMap, BTreeSet};

/// A choice that an overlay offers.
#[derive(Clone, Debug)]
pub struct Profile {
    pub name: String,
    pub description: String,
    /// Name of the value that is chosen where nobody does.
    pub default: String,
    /// In the order of the file, added ones behind.
    pub values: Vec<ProfileValue>,
    /// Where `profile` is.
    pub at: Position,
}

/// One way to run the stack.
#[derive(Clone, Debug)]
pub struct ProfileValue {
    pub name: String,
    /// Something outside the recipe advertises the GPUs to Kubernetes.
    pub external_advertiser: bool,
    /// Checked when a recipe is resolved with a snapshot, and before a validation.
    pub constraints: Vec<Node>,
    /// Checked before a validation only.
    pub readiness: Vec<Node>,
    /// What it sets, by component.
    pub overrides: BTreeMap<String, Node>,
    /// The file that has it.
    pub document: Document,
    /// Where its name is.
    pub at: Position,
}

/// What is wrong with a profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileProblem {
    #[error("`{0}` is not a name of a profile or value: only letters, digits, `.`, `_` and `-` are allowed")]
    Identifier(String),
    #[error("the profile `{0}` has no values")]
    NoValues(String),
    #[error("the value `{0}` is the value `{1}` in another case")]
    SameName(String, String),
    #[error("the default `{default}` is not a value of the profile: {}", values.join(", "))]
    Default { default: String, values: Vec<String> },
    #[error("the only advertiser that can be declared is `external`, found `{0}`")]
    Advertiser(String),
    #[error("the constraint `{0}` is listed twice")]
    Constraint(String),
    #[error("the component `{0}` is listed twice")]
    Component(String),
    #[error("a profile cannot set `enabled` of `{0}`: it says how a component runs, not whether")]
    Enabled(String),
    #[error("`{0}` is not a key that a profile can set: it is empty or has a dot")]
    Key(String),
    #[error("`{0}` is an empty mapping, which sets nothing")]
    EmptyMap(String),
    #[error("a profile can set a boolean, a string, a number, a timestamp or a list of these: `{0}` is something else")]
    Leaf(String),
    #[error("every value must set the same paths: `{value}` sets `{path}`, `{other}` does not")]
    NotTotal { value: String, other: String, path: String },
    #[error("the values of the profile `{0}` set nothing, so there is nothing to choose")]
    SetsNothing(String),
    #[error("an external overlay that holds only a profile extends the one of the catalog at the same path, and {0}")]
    Extension(Extension),
}

/// Why an external overlay does not extend a profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Extension {
    #[error("there is none")]
    NoProfile,
    #[error("that one is called `{0}`")]
    OtherProfile(String),
    #[error("that overlay is called `{0}`")]
    OtherOverlay(String),
    #[error("it cannot set `{0}`")]
    Field(&'static str),
    #[error("it adds no value")]
    NoValues,
    #[error("that one has the value `{0}` already")]
    Value(String),
}

/// Integers that every reader of JSON keeps.
const LARGEST_INTEGER: i64 = (1 << 53) - 1;

impl Profile {
    /// Reads `spec.profile` of an overlay, without looking at what its values have in common: see [`Profile::check`].
    ///
    /// # Errors
    /// A field of the wrong shape or with a value that is not allowed.
    pub fn read(document: &Document, node: &Node) -> Result<Profile, CatalogError> {
        let name = document.text(node, "name")?;
        if !is_identifier(&name) {
            return Err(refuse(document, place(node, "name"), ProfileProblem::Identifier(name)));
        }
        let mut values: Vec<ProfileValue> = Vec::new();
        for entry in document.map(node, "values")? {
            let twin = values.iter().find(|known| known.name.eq_ignore_ascii_case(&entry.key));
            if let Some(twin) = twin {
                let problem = ProfileProblem::SameName(entry.key.to_string(), twin.name.clone());
                return Err(refuse(document, entry.key_at, problem));
            }
            values.push(read_value(document, entry)?);
        }
        let (description, default) = (document.text(node, "description")?, document.text(node, "default")?);
        Ok(Profile { name, description, default, values, at: node.at })
    }

    /// Whether it can be used: it has values, the default is one of them, and all set the same paths.
    ///
    /// # Errors
    /// What is wrong, in `document`'s name or that of the value that differs.
    pub fn check(&self, document: &Document) -> Result<(), CatalogError> {
        let Some(first) = self.values.first() else {
            return Err(refuse(document, self.at, ProfileProblem::NoValues(self.name.clone())));
        };
        if self.value(&self.default).is_none() {
            let values = self.values.iter().map(|value| value.name.clone()).collect();
            let problem = ProfileProblem::Default { default: self.default.clone(), values };
            return Err(refuse(document, self.at, problem));
        }
        let paths = first.paths();
        if paths.is_empty() && self.values[1..].iter().all(|value| value.paths().is_empty()) {
            return Err(refuse(document, self.at, ProfileProblem::SetsNothing(self.name.clone())));
        }
        for value in &self.values[1..] {
            let own = value.paths();
            if let Some((component, path)) = own.symmetric_difference(&paths).next() {
                let sets = own.contains(&(component.clone(), path.clone()));
                // Said of the value that has it, so that the sentence reads one way round.
                let (has, lacks) = if sets { (value, first) } else { (first, value) };
                let problem = ProfileProblem::NotTotal {
                    value: has.name.clone(),
                    other: lacks.name.clone(),
                    path: format!("{component}: {path}"),
                };
                return Err(refuse(&value.document, value.at, problem));
            }
        }
        Ok(())
    }

    /// Takes over the values that an overlay of an external catalog adds.
    ///
    /// # Errors
    /// Anything but new values.
    pub fn extend(&mut self, added: Profile, document: &Document) -> Result<(), CatalogError> {
        let refuse = |at, problem| Err(refuse(document, at, ProfileProblem::Extension(problem)));
        if added.name != self.name {
            return refuse(added.at, Extension::OtherProfile(self.name.clone()));
        }
        for (field, text) in [("default", &added.default), ("description", &added.description)] {
            if !text.is_empty() {
                return refuse(added.at, Extension::Field(field));
            }
        }
        if added.values.is_empty() {
            return refuse(added.at, Extension::NoValues);
        }
        for value in added.values {
            if self.values.iter().any(|known| known.name.eq_ignore_ascii_case(&value.name)) {
                return refuse(value.at, Extension::Value(value.name));
            }
            self.values.push(value);
        }
        Ok(())
    }

    /// A value by name.
    pub fn value(&self, name: &str) -> Option<&ProfileValue> {
        self.values.iter().find(|value| value.name == name)
    }

    /// Names of the values, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| value.name.as_str())
    }

    /// What the profile owns, by component: the paths that its values set, and `enabled`; sorted.
    pub fn owned_paths(&self) -> BTreeMap<String, Vec<String>> {
        let mut owned: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (component, path) in self.values.iter().flat_map(ProfileValue::paths) {
            owned.entry(component).or_insert_with(|| BTreeSet::from(["enabled".to_owned()])).insert(path);
        }
        owned.into_iter().map(|(component, paths)| (component, paths.into_iter().collect())).collect()
    }
}

impl ProfileValue {
    /// Component and dotted path of everything it sets.
    fn paths(&self) -> BTreeSet<(String, String)> {
        let mut paths = BTreeSet::new();
        for (component, node) in &self.overrides {
            leaves(node, "", &mut |path, _| paths.extend([(component.clone(), path.to_owned())]));
        }
        paths
    }
}

/// Calls `found` for everything under a mapping that is not a mapping itself.
fn leaves<'n>(node: &'n Node, above: &str, found: &mut impl FnMut(&str, &'n Node)) {
    for entry in node.entries() {
        let path = if above.is_empty() { entry.key.to_string() } else { format!("{above}.{}", entry.key) };
        match &entry.value.kind {
            Kind::Map(entries) if !entries.is_empty() => leaves(&entry.value, &path, found),
            _ => found(&path, &entry.value),
        }
    }
}

fn read_value(document: &Document, entry: &Entry) -> Result<ProfileValue, CatalogError> {
    let (name, node) = (entry.key.to_string(), &entry.value);
    if !is_identifier(&name) {
        return Err(refuse(document, entry.key_at, ProfileProblem::Identifier(name)));
    }
    if !matches!(node.kind, Kind::Map(_) | Kind::Null) {
        return Err(document.wrong(node, &name, "a mapping"));
    }
    let advertiser = document.text(node, "advertiser")?;
    if !matches!(&*advertiser, "" | "external") {
        return Err(refuse(document, place(node, "advertiser"), ProfileProblem::Advertiser(advertiser)));
    }
    let mut overrides = BTreeMap::new();
    for item in document.list(node, "componentRefs")?.unwrap_or(&[]) {
        let component = document.text(item, "name")?;
        if component.is_empty() {
            let owner = "each element of `componentRefs`".to_owned();
            return Err(document.error(item.at, CatalogProblem::MissingField { owner, field: "`name`" }));
        }
        let empty = Node { at: item.at, kind: Kind::Map([].into()) };
        let set = document.field(item, "overrides").unwrap_or(&empty);
        if !matches!(set.kind, Kind::Map(_)) {
            return Err(document.wrong(set, "overrides", "a mapping"));
        }
        if let Some(switch) = set.get("enabled") {
            return Err(refuse(document, switch.at, ProfileProblem::Enabled(component)));
        }
        check_overrides(document, set, "")?;
        if overrides.insert(component.clone(), set.clone()).is_some() {
            return Err(refuse(document, item.at, ProfileProblem::Component(component)));
        }
    }
    let (constraints, readiness) =
        (constraints(document, node, "constraints")?, constraints(document, node, "readinessConstraints")?);
    Ok(ProfileValue {
        name,
        external_advertiser: advertiser == "external",
        constraints,
        readiness,
        overrides,
        document: document.clone(),
        at: entry.key_at,
    })
}

fn constraints(document: &Document, node: &Node, key: &str) -> Result<Vec<Node>, CatalogError> {
    let items = document.list(node, key)?.unwrap_or(&[]);
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let (name, value) = (document.text(item, "name")?, document.text(item, "value")?);
        if name.is_empty() || value.is_empty() {
            let owner = format!("each element of `{key}`");
            return Err(document.error(item.at, CatalogProblem::MissingField { owner, field: "`name` and `value`" }));
        }
        if names.contains(&name) {
            return Err(refuse(document, item.at, ProfileProblem::Constraint(name)));
        }
        names.push(name);
    }
    document.paths(items)?;
    document.severities(items)?;
    Ok(items.to_vec())
}

/// Keys that a dotted path can name, and leaves that two readers agree on.
fn check_overrides(document: &Document, node: &Node, above: &str) -> Result<(), CatalogError> {
    for entry in node.entries() {
        if entry.key.is_empty() || entry.key.contains('.') {
            return Err(refuse(document, entry.key_at, ProfileProblem::Key(entry.key.to_string())));
        }
        let path = if above.is_empty() { entry.key.to_string() } else { format!("{above}.{}", entry.key) };
        match &entry.value.kind {
            Kind::Map(entries) if entries.is_empty() => {
                return Err(refuse(document, entry.value.at, ProfileProblem::EmptyMap(path)));
            }
            Kind::Map(_) => check_overrides(document, &entry.value, &path)?,
            Kind::List(items) if items.iter().all(is_scalar) => {}
            _ if is_scalar(&entry.value) => {}
            _ => return Err(refuse(document, entry.value.at, ProfileProblem::Leaf(path))),
        }
    }
    Ok(())
}

fn is_scalar(node: &Node) -> bool {
    match &node.kind {
        Kind::Bool(..) | Kind::String(_) | Kind::Timestamp(_) => true,
        Kind::Number(number, _) if number.is_f64() => true,
        Kind::Number(number, _) => {
            number.as_i64().is_some_and(|whole| (-LARGEST_INTEGER..=LARGEST_INTEGER).contains(&whole))
        }
        Kind::Null | Kind::NotFinite(_) | Kind::List(_) | Kind::Map(_) => false,
    }
}

fn refuse(document: &Document, at: Position, problem: ProfileProblem) -> CatalogError {
    document.error(at, CatalogProblem::Profile(problem.into()))
}

fn place(node: &Node, key: &str) -> Position {
    node.get(key).map_or(node.at, |value| value.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads and checks a profile whose values are given as YAML in flow style.
    fn read(values: &str) -> Result<Profile, CatalogError> {
        let text = format!("{{name: gpuStack, default: a, values: {values}}}\n");
        let document = Document::parse(&"x.yaml".into(), &text)?;
        let profile = Profile::read(&document, &document.root)?;
        profile.check(&document)?;
        Ok(profile)
    }

    #[track_caller]
    fn refused(values: &str, part: &str) {
        let error = read(values).expect_err("it is refused").to_string();
        assert!(error.contains(part), "{error}");
    }

    /// A value that sets these overrides of `gpu-operator`.
    fn sets(overrides: &str) -> String {
        format!("{{componentRefs: [{{name: gpu-operator, overrides: {overrides}}}]}}")
    }

    #[test]
    fn owned_paths_are_what_the_values_set_and_the_switch_of_each_component() {
        let value = |root: &str| {
            format!(
                "{{componentRefs: [{{name: gpu-operator, overrides: {{driver: {{enabled: true}}, a: [1]}}}}, \
                 {{name: dra, overrides: {{root: {root}}}}}]}}"
            )
        };
        let profile = read(&format!("{{a: {}, b: {}}}", value("/"), value("/run"))).expect("a profile");
        let owned = profile.owned_paths();
        assert_eq!(owned["gpu-operator"], ["a", "driver.enabled", "enabled"]);
        assert_eq!(owned["dra"], ["enabled", "root"]);
    }

    #[test]
    fn every_value_must_set_the_same_paths() {
        let (one, two) = (sets("{driver: {enabled: true}}"), sets("{driver: {enabled: true, root: /}}"));
        refused(&format!("{{a: {one}, b: {two}}}"), "`b` sets `gpu-operator: driver.root`, `a` does not");
        refused(&format!("{{a: {two}, b: {one}}}"), "`a` sets `gpu-operator: driver.root`, `b` does not");
    }

    #[test]
    fn names_defaults_and_advertisers_are_checked() {
        refused("{}", "has no values");
        refused("{b: {}}", "the default `a` is not a value of the profile: b");
        refused("{a: {}, A: {}}", "is the value `a` in another case");
        refused("{a: {}, 'b c': {}}", "not a name of a profile or value");
        refused("{a: {advertiser: internal}}", "`external`, found `internal`");
        // Its recipe would own nothing, which no reader takes.
        refused("{a: {advertiser: external}, b: {}}", "the values of the profile `gpuStack` set nothing");
    }

    #[test]
    fn what_a_value_may_set_is_checked() {
        refused(&format!("{{a: {}}}", sets("{enabled: false}")), "cannot set `enabled` of `gpu-operator`");
        refused(&format!("{{a: {}}}", sets("{'a.b': 1}")), "`a.b` is not a key");
        refused(&format!("{{a: {}}}", sets("{'': 1}")), "is empty or has a dot");
        refused(&format!("{{a: {}}}", sets("{a: {}}")), "`a` is an empty mapping");
        refused(&format!("{{a: {}}}", sets("{a: {b: null}}")), "`a.b` is something else");
        refused(&format!("{{a: {}}}", sets("{a: [{b: 1}]}")), "`a` is something else");
        refused(&format!("{{a: {}}}", sets("{a: .inf}")), "`a` is something else");
        refused(&format!("{{a: {}}}", sets("{a: 9007199254740992}")), "`a` is something else");
        assert!(read(&format!("{{a: {}}}", sets("{a: -9007199254740991, b: 1.5, c: 2026-01-02, d: [x]}"))).is_ok());
        refused("{a: {componentRefs: [{name: x}, {name: x}]}}", "component `x` is listed twice");
        refused("{a: {componentRefs: [{overrides: {}}]}}", "needs `name`");
        refused(
            "{a: {constraints: [{name: K8s.server.version, value: y}, {name: K8s.server.version, value: z}]}}",
            "constraint `K8s.server.version` is listed twice",
        );
        refused("{a: {constraints: [{name: K8s.server.version}]}}", "needs `name` and `value`");
        refused(
            "{a: {readinessConstraints: [{name: K8s.server.version, value: y, severity: banana}]}}",
            "`severity` must be one of error, warning, warn, info, informational, found `banana`",
        );
        let lists = "constraints: [{name: K8s.server.version, value: y}], readinessConstraints: [{name: K8s.server.version, value: y}]";
        let sets = "componentRefs: [{name: gpu-operator, overrides: {driver: {enabled: true}}}]";
        assert!(read(&format!("{{a: {{{lists}, {sets}}}}}")).is_ok());
    }
}
