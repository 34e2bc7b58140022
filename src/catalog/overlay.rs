//! Overlays: layers that apply where their criteria match. The base is one without criteria.
//!
//! An overlay of the program's own catalog is known by its head until somebody asks for its body.

use super::{
    CatalogError, CatalogProblem, File,
    parse::Document,
    profile::{Extension, Profile, ProfileProblem},
};
use crate::{
    criteria::{Criteria, Dimension},
    document::{header, location::Location},
    snapshot::address,
    yaml::{Kind, Node, Position, packed},
};
use std::sync::{Arc, OnceLock};

/// The name of the root of every chain.
pub const BASE: &str = "base";

/// One overlay, or the base: what chooses it, and what it says.
#[derive(Clone, Debug)]
pub struct Overlay {
    pub name: String,
    /// Catalog-relative path.
    pub path: String,
    /// `None` where the parent is the base.
    pub parent: Option<String>,
    /// `None`: never selected by a query, only inherited from.
    pub criteria: Option<Criteria>,
    /// Where its document starts.
    start: Location,
    body: Lazy,
}

/// What an overlay says.
#[derive(Clone, Debug)]
pub struct Body {
    pub document: Document,
    /// Names with the place of their mention.
    pub mixins: Vec<(String, Position)>,
    pub spec: Spec,
    /// What it lets a person choose.
    pub profile: Option<Profile>,
    /// Why it says nothing: see [`Overlay::check`].
    fault: Option<CatalogError>,
}

/// A body that was read with the head, or is read when somebody asks for it.
#[derive(Clone, Debug)]
enum Lazy {
    Read(Body),
    Packed(File, OnceLock<Body>),
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
        let Some(spec) = spec else { return Ok(Spec::NOTHING) };
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
        document.severities(&constraints)?;
        for phase in validation.iter().flat_map(Node::entries) {
            // The name of a phase's rule is a key of its check, unless it is written as a path.
            let rules = document.list(&phase.value, "constraints")?.unwrap_or(&[]);
            let is_path = |rule: &&Node| rule.get("name").and_then(Node::text).is_some_and(address::is_path);
            document.paths(rules.iter().filter(is_path))?;
            document.severities(rules)?;
        }
        Ok(Spec { constraints, components: named("componentRefs")?, validation })
    }
}

impl Spec {
    const NOTHING: Spec = Spec { constraints: Vec::new(), components: Vec::new(), validation: None };
}

impl Body {
    fn read(document: Document) -> Result<Body, CatalogError> {
        document.header(&header::OVERLAY)?;
        let spec = document.field(&document.root, "spec");
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
        Ok(Body { mixins, spec: read, profile, document, fault: None })
    }

    /// A body of the program's own catalog, whose profile nothing completes.
    fn own(file: &File) -> Result<Body, CatalogError> {
        let body = Body::read(file.document()?)?;
        body.check_profile()?;
        Ok(body)
    }

    fn faulty(fault: CatalogError) -> Body {
        let root = Node { at: Position::NONE, kind: Kind::Null };
        let document = Document { shown: fault.at.file.clone(), root };
        Body { document, mixins: Vec::new(), spec: Spec::NOTHING, profile: None, fault: Some(fault) }
    }

    fn check_profile(&self) -> Result<(), CatalogError> {
        self.profile.as_ref().map_or(Ok(()), |profile| profile.check(&self.document))
    }
}

/// Whether the entry with these keys tells what chooses an overlay.
fn is_of_head(keys: &[&str]) -> bool {
    !matches!(keys, ["spec", key, ..] if !["base", "criteria"].contains(key))
}

impl Overlay {
    /// Reads a `RecipeMetadata` document; `None` for a document of another kind, and for one outside `overlays/` that
    /// says neither kind nor name: some other tool's file.
    ///
    /// # Errors
    /// A field of the wrong shape, a missing name.
    pub fn read(path: &str, document: Document) -> Result<Option<Overlay>, CatalogError> {
        let Some(head) = Head::read(path, &document)? else { return Ok(None) };
        Ok(Some(head.with(path, document.start(), Lazy::Read(Body::read(document)?))))
    }

    /// As [`Overlay::read`], but for what the overlay says: that is read from the packed tree when it is asked for.
    ///
    /// # Errors
    /// As [`Overlay::read`]; of what the overlay says, [`Overlay::check`] has them.
    pub fn packed(path: &str, file: &File) -> Result<Option<Overlay>, CatalogError> {
        let document = match packed::unpack_part(file.packed, &is_of_head) {
            Some(root) => Document { shown: file.shown.clone(), root },
            None => file.document()?,
        };
        let head = Head::read(path, &document)?;
        Ok(head.map(|head| head.with(path, document.start(), Lazy::Packed(file.clone(), OnceLock::new()))))
    }

    /// What it says; nothing where that cannot be read, of which [`Overlay::check`] has the reason.
    pub fn body(&self) -> &Body {
        match &self.body {
            Lazy::Read(body) => body,
            Lazy::Packed(file, body) => body.get_or_init(|| Body::own(file).unwrap_or_else(Body::faulty)),
        }
    }

    fn body_mut(&mut self) -> Option<&mut Body> {
        self.body();
        match &mut self.body {
            Lazy::Read(body) => Some(body),
            Lazy::Packed(_, body) => body.get_mut(),
        }
    }

    /// Whether what it says can be read.
    ///
    /// # Errors
    /// A field of the wrong shape in an overlay of which only the head had been read.
    pub fn check(&self) -> Result<(), CatalogError> {
        self.body().fault.clone().map_or(Ok(()), Err)
    }

    /// Whether the profile can be used: [`Profile::check`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_profile(&self) -> Result<(), CatalogError> {
        self.body().check_profile()
    }

    /// Whether it holds a profile and nothing else: then it extends that of the overlay at its path in a lower source.
    pub fn is_extension(&self) -> bool {
        let body = self.body();
        let spec = body.document.root.get("spec").map_or(&[][..], Node::entries);
        body.profile.is_some() && spec.iter().all(|entry| &*entry.key == "profile")
    }

    /// Takes over the profile values that an overlay of a higher source adds.
    ///
    /// # Errors
    /// Anything but new values of the same profile of the same overlay.
    pub fn extend(&mut self, added: &Overlay) -> Result<(), CatalogError> {
        let Body { profile: Some(profile), document, .. } = added.body() else { return Ok(()) };
        if added.name != self.name {
            return Err(added.extends_none(Extension::OtherOverlay(self.name.clone())));
        }
        match self.body_mut().and_then(|body| body.profile.as_mut()) {
            None => Err(added.extends_none(Extension::NoProfile)),
            Some(own) => own.extend(profile.clone(), document),
        }
    }

    /// Why its profile extends none.
    pub fn extends_none(&self, problem: Extension) -> CatalogError {
        let Body { profile, document, .. } = self.body();
        let at = profile.as_ref().map_or(document.root.at, |profile| profile.at);
        document.error(at, CatalogProblem::Profile(ProfileProblem::Extension(problem).into()))
    }

    /// File as messages call it.
    pub fn file(&self) -> &Arc<str> {
        &self.start.file
    }

    /// Where its document starts.
    pub fn start(&self) -> Location {
        self.start.clone()
    }

    /// An error of the overlay as a whole.
    pub fn error(&self, problem: CatalogProblem) -> CatalogError {
        CatalogError { at: self.start(), problem }
    }
}

/// What chooses an overlay.
struct Head {
    name: String,
    parent: Option<String>,
    criteria: Option<Criteria>,
}

impl Head {
    fn read(path: &str, document: &Document) -> Result<Option<Head>, CatalogError> {
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
        let spec = document.field(root, "spec");
        let parent = match spec {
            Some(spec) => Some(document.text(spec, "base")?).filter(|parent| !(parent.is_empty() || parent == BASE)),
            None => None,
        };
        let criteria = match spec.and_then(|spec| document.field(spec, "criteria")) {
            Some(node) => Some(read_criteria(document, node)?),
            None => None,
        };
        Ok(Some(Head { name, parent, criteria }))
    }

    fn with(self, path: &str, start: Location, body: Lazy) -> Overlay {
        let Head { name, parent, criteria } = self;
        Overlay { name, path: path.to_owned(), parent, criteria, start, body }
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
