//! Which profile value a recipe gets, and what it changes.
//!
//! In: the overlays that match, and what a person chose. Out: the declaration and its value, laid over overlays and mixins
//! as a layer of its own. A snapshot never chooses: it confirms or refutes, or cannot tell.

use super::{
    Build, ResolveError,
    merge::{self, Fields, Merged, Writer},
    select,
};
use crate::{
    catalog::{
        Catalog,
        overlay::Overlay,
        profile::{Profile, ProfileValue},
    },
    constraint::{self, Verdict, range::NoRange},
    criteria::{Criteria, ProfileChoice, Setting},
    document::traced::{Layer, LayerKind, Origin, Traced, TracedValue, Wrote},
    inventory::Inventory,
    recipe::{Locked, SelectedProfile},
    yaml::{Kind, Node, Position},
};
use serde_json::Value;
use std::sync::Arc;

/// The value that applies.
#[derive(Clone, Copy, Debug)]
pub struct Selected<'c> {
    /// The overlay that declares the profile.
    pub overlay: &'c Overlay,
    /// What it declares.
    pub profile: &'c Profile,
    /// What was chosen, or the default.
    pub value: &'c ProfileValue,
}

/// Why a profile cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProfileError {
    #[error("the overlays `{first}` and `{second}` both declare a profile")]
    Twice { first: String, second: String },
    #[error("the overlay `{overlay}`, which declares the profile `{profile}`, is left out: {reason}")]
    Excluded { overlay: String, profile: String, reason: String },
    #[error("no overlay for these criteria declares a profile, so {0} cannot be chosen")]
    Undeclared(ProfileChoice),
    #[error("unknown profile `{}`", .chosen.name)]
    UnknownProfile { chosen: ProfileChoice, known: String, values: Vec<String> },
    #[error("the profile `{}` has no value `{}`", .chosen.name, .chosen.value)]
    UnknownValue { chosen: ProfileChoice, values: Vec<String> },
    #[error("the profile value {choice} sets values of `{component}`, which {problem}")]
    Component { choice: ProfileChoice, component: String, problem: &'static str },
    #[error("the profile value {choice} asks for `{constraint}`: {conflict}")]
    Constraint { choice: ProfileChoice, constraint: String, conflict: NoRange },
    #[error("the profile value {choice} cannot be confirmed: {reason}")]
    Unread { choice: ProfileChoice, constraint: String, reason: String },
    #[error("the cluster contradicts the profile value {choice}: {constraint} must be {expected}, found {actual}")]
    Refuted { choice: ProfileChoice, constraint: String, expected: String, actual: String, others: Vec<String> },
    #[error("{}", .0.join("; "))]
    Advertisers(Vec<String>),
    #[error("cannot set a value of `{component}`, which is not in the recipe")]
    NoComponent { component: String, near: Vec<String> },
    #[error(transparent)]
    Locked(Locked),
}

impl ProfileError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let one_of = |name: &str, values: &[String]| {
            let choices: Vec<String> = values.iter().map(|value| format!("{name}={value}")).collect();
            choices.join(", ")
        };
        match self {
            ProfileError::Undeclared(_) => {
                Some("leave out --profile, or state the criteria that declare one".to_owned())
            }
            ProfileError::UnknownProfile { known, values, .. } => Some(format!("there is: {}", one_of(known, values))),
            ProfileError::UnknownValue { chosen, values } => {
                Some(format!("there is: {}", one_of(&chosen.name, values)))
            }
            ProfileError::Unread { .. } => Some(
                "the snapshot needs this reading: take it with a dump of the provider, or resolve without a snapshot"
                    .to_owned(),
            ),
            ProfileError::Refuted { choice, others, .. } if !others.is_empty() => {
                Some(format!("choose another value: --profile {}", one_of(&choice.name, others)))
            }
            ProfileError::NoComponent { near, .. } => crate::text::did_you_mean(near),
            ProfileError::Locked(locked) => Some(locked.hint().to_owned()),
            _ => None,
        }
    }
}

impl From<ProfileError> for ResolveError {
    fn from(error: ProfileError) -> ResolveError {
        ResolveError::Profile(Box::new(error))
    }
}

impl Selected<'_> {
    /// As a person would choose it.
    pub fn choice(&self) -> ProfileChoice {
        ProfileChoice { name: self.profile.name.clone(), value: self.value.name.clone() }
    }

    /// As a recipe records it.
    pub fn record(&self) -> SelectedProfile {
        SelectedProfile {
            name: self.profile.name.clone(),
            value: self.value.name.clone(),
            advertiser: self.value.external_advertiser.then(|| "external".to_owned()),
            owned_paths: self.profile.owned_paths(),
        }
    }
}

/// The profile that criteria have a choice of; `None` where no overlay declares one, or more than one do.
pub fn offered<'c>(catalog: &'c Catalog, criteria: &Criteria) -> Option<&'c Profile> {
    declaration(catalog, &select::leaves(catalog, criteria)).ok()??.body().profile.as_ref()
}

/// The overlay that declares a profile: the base, or one that the leaves are or build on.
fn declaration<'c>(catalog: &'c Catalog, leaves: &[&'c Overlay]) -> Result<Option<&'c Overlay>, ResolveError> {
    let mut found: Option<&Overlay> = catalog.base.body().profile.as_ref().map(|_| &catalog.base);
    for leaf in leaves {
        for overlay in select::chain(catalog, leaf)?.into_iter().filter(|overlay| overlay.body().profile.is_some()) {
            match found {
                Some(first) if first.name != overlay.name => {
                    let (first, second) = (first.name.clone(), overlay.name.clone());
                    return Err(ProfileError::Twice { first, second }.into());
                }
                _ => found = Some(overlay),
            }
        }
    }
    Ok(found)
}

/// The value that a choice selects among matching overlays; the default without a choice.
///
/// # Errors
/// Two declarations; a choice that nothing offers.
pub(super) fn select<'c>(
    catalog: &'c Catalog,
    leaves: &[&'c Overlay],
    choice: Option<&ProfileChoice>,
) -> Result<Option<Selected<'c>>, ResolveError> {
    let declared = declaration(catalog, leaves)?;
    let Some((overlay, profile)) = declared.and_then(|overlay| Some((overlay, overlay.body().profile.as_ref()?)))
    else {
        return match choice {
            Some(choice) => Err(ProfileError::Undeclared(choice.clone()).into()),
            None => Ok(None),
        };
    };
    let values = || profile.names().map(str::to_owned).collect();
    if let Some(chosen) = choice.filter(|choice| choice.name != profile.name) {
        let (chosen, known) = (chosen.clone(), profile.name.clone());
        return Err(ProfileError::UnknownProfile { chosen, known, values: values() }.into());
    }
    let name = choice.map_or(&profile.default, |choice| &choice.value);
    let Some(value) = profile.value(name) else {
        let chosen = ProfileChoice { name: profile.name.clone(), value: name.clone() };
        return Err(ProfileError::UnknownValue { chosen, values: values() }.into());
    };
    Ok(Some(Selected { overlay, profile, value }))
}

/// A profile never disappears in silence: its overlay must have been applied.
pub(super) fn require_applied(
    selected: &Selected<'_>,
    applied: &[String],
    outcomes: &std::collections::BTreeMap<String, super::Outcome>,
) -> Result<(), ResolveError> {
    let name = &selected.overlay.name;
    if applied.contains(name) {
        return Ok(());
    }
    let reasons = outcomes.iter().map(|(leaf, outcome)| format!("`{leaf}`: {outcome}"));
    let reason = outcomes.get(name).map_or_else(|| reasons.collect::<Vec<_>>().join("; "), ToString::to_string);
    let (overlay, profile) = (name.clone(), selected.profile.name.clone());
    Err(ProfileError::Excluded { overlay, profile, reason }.into())
}

/// Lays a profile value over what overlays and mixins made.
pub(super) fn apply(build: &mut Build<'_>, selected: &Selected<'_>) -> Result<(), ResolveError> {
    let choice = selected.choice();
    let value = selected.value;
    let layer = build.layers.len();
    let document = &value.document;
    build.layers.push(Layer::new(LayerKind::Profile, &choice.to_string(), &document.shown, ""));
    let writer = Writer { layer, document };
    for (component, overrides) in &value.overrides {
        let refuse =
            |problem| ProfileError::Component { choice: choice.clone(), component: component.clone(), problem };
        let fields = build.merged.components.get_mut(component).ok_or_else(|| refuse("is not in the recipe"))?;
        if !super::finish::is_enabled(fields) {
            return Err(refuse("is disabled").into());
        }
        match fields.get_mut("overrides") {
            Some(known) => merge::merge_deep(known, writer, overrides),
            None => drop(fields.insert("overrides", writer.trace(overrides))),
        }
    }
    for node in &value.constraints {
        add_constraint(&mut build.merged, writer, node, &choice)?;
    }
    build.merged.add_readiness(writer, &value.readiness)?;
    build.profile = Some(selected.record());
    Ok(())
}

fn add_constraint(
    merged: &mut Merged,
    writer: Writer<'_>,
    node: &Node,
    choice: &ProfileChoice,
) -> Result<(), ResolveError> {
    let (name, mut constraint) = merge::read_constraint(writer, node)?;
    let text = |constraint: &Traced| constraint.get("value").and_then(Traced::as_text).unwrap_or_default().to_owned();
    let Some(known) = merged.constraints.get_mut(&name) else {
        merged.constraints.insert(name, constraint);
        return Ok(());
    };
    let (first, second) = (text(known), text(&constraint));
    let both = constraint::range::intersect(&first, &second).map_err(|conflict| ProfileError::Constraint {
        choice: choice.clone(),
        constraint: name,
        conflict,
    })?;
    if both == first {
        return Ok(());
    }
    // The range is nobody's text: it stands where the profile narrowed what was there.
    let at = node.get("value").map_or(node.at, |value| value.at);
    let narrowed = Node { at, kind: Kind::String(both.as_str().into()) };
    if let TracedValue::Map(fields) = &mut constraint.value {
        fields.iter_mut().filter(|(key, _)| &**key == "value").for_each(|(_, field)| {
            *field = writer.text(&narrowed, &both);
        });
    }
    merge::replace_constraint(known, constraint);
    Ok(())
}

/// Whether a snapshot confirms a profile value.
///
/// # Errors
/// The first constraint that does not hold, or that it cannot judge.
pub(super) fn confirm(selected: &Selected<'_>, snapshot: &Inventory) -> Result<(), ResolveError> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    for node in &selected.value.constraints {
        let (constraint, expected) = (text(node, "name"), text(node, "value"));
        let choice = selected.choice();
        match constraint::judge(&constraint, &expected, snapshot) {
            Verdict::Pass { .. } => {}
            Verdict::Unknown { reason, .. } => {
                return Err(ProfileError::Unread { choice, constraint, reason }.into());
            }
            Verdict::Fail { actual, .. } => {
                let others = selected.profile.names().filter(|name| *name != choice.value);
                let others = others.map(str::to_owned).collect();
                return Err(ProfileError::Refuted { choice, constraint, expected, actual, others }.into());
            }
        }
    }
    Ok(())
}

/// Lays what a person sets over everything else, component by component.
pub(super) fn set(build: &mut Build<'_>, settings: &[Setting]) -> Result<(), ResolveError> {
    if settings.is_empty() {
        return Ok(());
    }
    let layer = build.layers.len();
    build.layers.push(Layer::new(LayerKind::CommandLine, "command line", "", ""));
    for setting in settings {
        let name = component_of(build, &setting.component)?;
        let Some(fields) = build.merged.components.get_mut(&name) else { continue };
        put(fields, setting, layer);
    }
    Ok(())
}

/// The component that a name or one of its other names in the registry means.
fn component_of(build: &Build<'_>, name: &str) -> Result<String, ResolveError> {
    let registry = &build.catalog.registry.components;
    let also = registry.values().find(|entry| entry.value_override_keys.iter().any(|key| key == name));
    let known = |name: &str| build.merged.components.contains_key(name);
    match also.map(|entry| &entry.name).filter(|other| known(other)) {
        _ if known(name) => Ok(name.to_owned()),
        Some(other) => Ok(other.clone()),
        None => {
            let near = crate::criteria::near_matches(name, build.merged.components.keys().map(String::as_str));
            Err(ProfileError::NoComponent { component: name.to_owned(), near }.into())
        }
    }
}

fn put(fields: &mut Fields, setting: &Setting, layer: usize) {
    let origin = Origin {
        layer,
        file: "".into(),
        at: Position::NONE,
        wrote: match &setting.value {
            Value::Null => Wrote::Removed,
            value => Wrote::Set(value.clone()),
        },
    };
    let mut value = Traced { value: TracedValue::Scalar(setting.value.clone()), history: vec![origin] };
    for key in setting.path.iter().rev() {
        value = Traced { value: TracedValue::Map(vec![(Arc::from(key.as_str()), value)]), history: Vec::new() };
    }
    match fields.get_mut("overrides") {
        Some(known) => merge::lay_over(known, value),
        None => drop(fields.insert("overrides", value)),
    }
}
