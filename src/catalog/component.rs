//! The component registry: defaults for what recipes leave open, and where bundles inject settings.

use super::{CatalogError, CatalogProblem, parse::Document};
use crate::{
    document::header,
    yaml::{Node, Position},
};
use std::collections::BTreeMap;

/// One registry entry.
#[derive(Clone, Debug)]
pub struct Component {
    pub name: String,
    pub display_name: String,
    /// File of the entry as messages call it, and where it starts.
    pub file: std::sync::Arc<str>,
    pub at: Position,
    /// The entry itself, for provenance of defaults and for paths that only bundles read.
    pub node: Node,
    /// Catalog-relative path of the health check; empty for none.
    pub assert_file: String,
    pub value_override_keys: Vec<String>,
}

/// Registry entries by name, and their names in file order.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    pub components: BTreeMap<String, Component>,
    pub order: Vec<String>,
}

impl Component {
    /// `Kustomize` when the entry has a Kustomize source, else `Helm`.
    pub fn kind(&self) -> &'static str {
        match self.default("kustomize", "defaultSource") {
            Some(_) => "Kustomize",
            None => "Helm",
        }
    }

    /// The page that explains the component, where the entry names one.
    pub fn documentation(&self) -> Option<&str> {
        self.node.get("documentation")?.text().filter(|text| !text.is_empty())
    }

    /// Override paths that a mixin may set where a recipe has the component already.
    pub fn open_to_mixins(&self) -> Vec<&str> {
        let paths = self.node.get("mixinSafeOverridePaths").map_or(&[][..], Node::items);
        paths.iter().filter_map(Node::text).collect()
    }

    /// A non-empty default: `helm.defaultVersion` and the like.
    pub fn default(&self, group: &str, key: &str) -> Option<&Node> {
        self.node.get(group)?.get(key).filter(|node| node.text().is_some_and(|text| !text.is_empty()))
    }
}

impl Registry {
    /// Adds the entries of one `registry.yaml`; an entry of the same name is replaced as a whole, in its place.
    ///
    /// # Errors
    /// An entry without a name, a name that deployers reserve, a duplicate name in one file, an unknown severity.
    pub fn add(&mut self, document: &Document) -> Result<(), CatalogError> {
        document.header(&header::REGISTRY)?;
        let mut seen: BTreeMap<String, Position> = BTreeMap::new();
        for node in document.list(&document.root, "components")?.unwrap_or(&[]) {
            let name = document.text(node, "name")?;
            if name.is_empty() {
                let owner = "a registry entry".to_owned();
                return Err(document.error(node.at, CatalogProblem::MissingField { owner, field: "`name`" }));
            }
            let value_override_keys = document.texts(node, "valueOverrideKeys")?;
            if name == "deployer" || value_override_keys.iter().any(|key| key == "deployer") {
                let problem = CatalogProblem::Reserved { name: "deployer", purpose: "options of deployers" };
                return Err(document.error(node.at, problem));
            }
            if let Some(first) = seen.insert(name.clone(), node.at) {
                return Err(document.error(node.at, CatalogProblem::DuplicateEntry { what: "component", name, first }));
            }
            let assert_file = match document.field(node, "healthCheck") {
                Some(check) => document.text(check, "assertFile")?,
                None => String::new(),
            };
            document.severities(document.list(node, "validations")?.unwrap_or(&[]))?;
            if !self.components.contains_key(&name) {
                self.order.push(name.clone());
            }
            let component = Component {
                display_name: document.text(node, "displayName")?,
                file: document.shown.clone(),
                at: node.at,
                node: node.clone(),
                assert_file,
                value_override_keys,
                name: name.clone(),
            };
            self.components.insert(name, component);
        }
        Ok(())
    }
}
