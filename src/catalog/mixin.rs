//! Mixins: fragments that overlays name, applied after all overlays.

use super::{CatalogError, CatalogProblem, overlay::Spec, parse::Document};
use crate::document::header;
use std::sync::Arc;

/// One mixin.
#[derive(Clone, Debug)]
pub struct Mixin {
    pub name: String,
    pub path: String,
    pub document: Document,
    pub spec: Spec,
}

impl Mixin {
    /// Reads a `RecipeMixin` document, strictly: a field that a mixin cannot have is an error.
    ///
    /// # Errors
    /// Another kind, an unknown field, a missing name.
    pub fn read(path: &str, document: Document) -> Result<Mixin, CatalogError> {
        let root = &document.root;
        let kind = document.text(root, "kind")?;
        if kind != "RecipeMixin" {
            return Err(document.error(root.at, CatalogProblem::Kind { expected: "RecipeMixin", found: kind }));
        }
        document.header(&header::MIXIN)?;
        let spec = document.field(root, "spec");
        let known = |entries: &[crate::yaml::Entry], allowed: &[&str]| match entries
            .iter()
            .find(|entry| !allowed.contains(&&*entry.key))
        {
            Some(entry) => {
                let problem = CatalogProblem::UnknownField { owner: "a mixin", field: entry.key.to_string() };
                Err(document.error(entry.key_at, problem))
            }
            None => Ok(()),
        };
        known(root.entries(), &["kind", "apiVersion", "metadata", "spec"])?;
        known(spec.map_or(&[], |spec| spec.entries()), &["constraints", "componentRefs"])?;
        let name = match document.field(root, "metadata") {
            Some(metadata) => document.text(metadata, "name")?,
            None => String::new(),
        };
        if name.is_empty() {
            let owner = "a mixin".to_owned();
            return Err(document.error(root.at, CatalogProblem::MissingField { owner, field: "`metadata.name`" }));
        }
        let spec = Spec::read(&document, spec)?;
        Ok(Mixin { name, path: path.to_owned(), document, spec })
    }

    /// File as messages call it.
    pub fn file(&self) -> &Arc<str> {
        &self.document.shown
    }
}
