//! Overlays: layers that apply where their criteria match. The base is one without criteria.

use super::{
    CatalogError, CatalogProblem,
    parse::Document,
    profile::{Extension, Profile, ProfileProblem},
};
use crate::{
    criteria::{Criteria, Dimension},
    document::header,
    snapshot::address,
    yaml::{Node, Position},
};
use std::sync::Arc;

/// The name of the root of every chain.
pub const BASE: &str = "base";

/// One overlay, or the base.
#[derive(Clone, Debug)]
pub struct Overlay {
    pub name: String,
    /// Catalog-relative path.
    pub path: String,
    pub document: Document,
    /// `None` where the parent is the base.
    pub parent: Option<String>,
    /// `None`: never selected by a query, only inherited from.
    pub criteria: Option<Criteria>,
    /// Names with the place of their mention.
    pub mixins: Vec<(String, Position)>,
    pub spec: Spec,
    /// What it lets a person choose.
    pub profile: Option<Profile>,
}

/// What a layer says, still as positioned nodes: merging decides field by field.
#[derive(Clone, Debug)]
pub struct Spec {
    pub constraints: Vec<Node>,
    pub components: Vec<Node>,
    pub validation: Option<Node>,
}

impl Spec {
    /// Reads `spec`; constraints and components must be mappings with a name.
    ///
    /// # Errors
    /// A list that is none, an element without a name.
    pub fn read(document: &Document, spec: Option<&Node>) -> Result<Spec, CatalogError> {
        let Some(spec) = spec else {
            return Ok(Spec { constraints: Vec::new(), components: Vec::new(), validation: None });
        };
        let named = |key: &str| -> Result<Vec<Node>, CatalogError> {
            let items = document.list(spec, key)?.unwrap_or(&[]);
            for item in items {
                if document.text(item, "name")?.is_empty() {
                    let owner = format!("each element of `{key}`");
                    return Err(document.error(item.at, CatalogProblem::MissingField { owner, field: "`name`" }));
                }
            }
            Ok(items.to_vec())
        };
        let validation = document.field(spec, "validation").cloned();
        let constraints = named("constraints")?;
        document.paths(&constraints)?;
        for phase in validation.iter().flat_map(Node::entries) {
            // The name of a phase's rule is a key of its check, unless it is written as a path.
            let rules = document.list(&phase.value, "constraints")?.unwrap_or(&[]).iter();
            let is_path = |rule: &&Node| rule.get("name").and_then(Node::text).is_some_and(address::is_path);
            document.paths(rules.filter(is_path))?;
        }
        Ok(Spec { constraints, components: named("componentRefs")?, validation })
    }
}

impl Overlay {
    /// Reads a `RecipeMetadata` document; `None` for a document of another kind, and for one outside `overlays/` that
    /// says neither kind nor name: some other tool's file.
    ///
    /// # Errors
    /// A field of the wrong shape, a missing name.
    pub fn read(path: &str, document: Document) -> Result<Option<Overlay>, CatalogError> {
        let root = &document.root;
        let kind = document.text(root, "kind")?;
        if !(kind.is_empty() || kind == "RecipeMetadata") {
            return Ok(None);
        }
        let name = match document.field(root, "metadata") {
            Some(metadata) => document.text(metadata, "name")?,
            None => String::new(),
        };
        if name.is_empty() && kind.is_empty() && !path.starts_with("overlays/") {
            return Ok(None);
        }
        if name.is_empty() {
            let owner = "an overlay".to_owned();
            return Err(document.error(root.at, CatalogProblem::MissingField { owner, field: "`metadata.name`" }));
        }
        document.header(&header::OVERLAY)?;
        let spec = document.field(root, "spec");
        let parent = match spec {
            Some(spec) => Some(document.text(spec, "base")?).filter(|parent| !(parent.is_empty() || parent == BASE)),
            None => None,
        };
        let criteria = match spec.and_then(|spec| document.field(spec, "criteria")) {
            Some(node) => Some(read_criteria(&document, node)?),
            None => None,
        };
        let mixins = match spec {
            Some(spec) => {
                let places = document.list(spec, "mixins")?.unwrap_or(&[]).iter().map(|node| node.at);
                document.texts(spec, "mixins")?.into_iter().zip(places).collect()
            }
            None => Vec::new(),
        };
        let read = Spec::read(&document, spec)?;
        let profile = match spec.and_then(|spec| document.field(spec, "profile")) {
            Some(node) => Some(Profile::read(&document, node)?),
            None => None,
        };
        Ok(Some(Overlay { name, path: path.to_owned(), parent, criteria, mixins, spec: read, profile, document }))
    }

    /// Whether it holds a profile and nothing else: then it extends that of the overlay at its path in a lower source.
    pub fn is_extension(&self) -> bool {
        let spec = self.document.root.get("spec").map_or(&[][..], Node::entries);
        self.profile.is_some() && spec.iter().all(|entry| &*entry.key == "profile")
    }

    /// Takes over the profile values that an overlay of a higher source adds.
    ///
    /// # Errors
    /// Anything but new values of the same profile of the same overlay.
    pub fn extend(&mut self, added: Overlay) -> Result<(), CatalogError> {
        let Overlay { name, profile, document, .. } = added;
        let Some(profile) = profile else { return Ok(()) };
        let refuse = |problem| {
            let problem = CatalogProblem::Profile(ProfileProblem::Extension(problem).into());
            Err(document.error(profile.at, problem))
        };
        if name != self.name {
            return refuse(Extension::OtherOverlay(self.name.clone()));
        }
        match &mut self.profile {
            None => refuse(Extension::NoProfile),
            Some(own) => own.extend(profile, &document),
        }
    }

    /// File as messages call it.
    pub fn file(&self) -> &Arc<str> {
        &self.document.shown
    }
}

/// Criteria as an overlay states them, normalized like a query's: `EKS` and ` eks ` are `eks`, `al2` is `amazonlinux`.
fn read_criteria(document: &Document, node: &Node) -> Result<Criteria, CatalogError> {
    let mut criteria = Criteria::default();
    for dimension in Dimension::ALL {
        let text = document.text(node, dimension.name())?;
        if dimension == Dimension::Nodes {
            if !text.is_empty() {
                let at = document.field(node, "nodes").map_or(node.at, |value| value.at);
                criteria.nodes = text.parse().map_err(|_| {
                    let what = "`nodes`".to_owned();
                    let expected = "a whole number from 0";
                    document.error(at, CatalogProblem::Value { what, expected, found: text.clone() })
                })?;
            }
            continue;
        }
        criteria.set(dimension, crate::criteria::normalize(dimension, &text));
    }
    Ok(criteria)
}
