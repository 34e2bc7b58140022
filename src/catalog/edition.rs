//! Which release's facts a catalog holds, how sure they are, and what is missing.
//!
//! In: `edition.yaml` beside the registry. Out: an [`Edition`], which recipes carry and screens show. A catalog may lack one.

use super::{CatalogError, CatalogProblem, parse::Document};
use std::collections::BTreeSet;

/// The file, relative to the catalog.
pub const FILE: &str = "edition.yaml";

/// What a catalog says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edition {
    pub name: String,
    /// Of the reference.
    pub release: String,
    /// When the facts were gathered, as written.
    pub date: String,
    /// What is missing, one sentence each.
    pub gaps: Vec<String>,
    /// Files of which several versions are known, or parts of which were inferred.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unsure: BTreeSet<String>,
    /// Files of which only an older version is known.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub old: BTreeSet<String>,
    /// Of the old ones, values for an older chart than the one that is pinned.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub old_values: BTreeSet<String>,
    /// Overlays whose conformance checks were partly inferred.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub inferred_conformance: BTreeSet<String>,
}

impl Edition {
    /// Reads `edition.yaml`.
    ///
    /// # Errors
    /// Another kind, a missing name, release or date, a list that is none.
    pub fn read(document: &Document) -> Result<Edition, CatalogError> {
        let root = &document.root;
        let kind = document.text(root, "kind")?;
        if kind != "CatalogEdition" {
            return Err(document.error(root.at, CatalogProblem::Kind { expected: "CatalogEdition", found: kind }));
        }
        let needed = |key: &'static str, shown: &'static str| {
            let text = document.text(root, key)?;
            let owner = "an edition".to_owned();
            let missing = || document.error(root.at, CatalogProblem::MissingField { owner, field: shown });
            if text.is_empty() { Err(missing()) } else { Ok(text) }
        };
        let set = |key: &str| -> Result<BTreeSet<String>, CatalogError> {
            Ok(document.texts(root, key)?.into_iter().collect())
        };
        Ok(Edition {
            name: needed("name", "`name`")?,
            release: needed("release", "`release`")?,
            date: needed("date", "`date`")?,
            gaps: document.texts(root, "gaps")?,
            unsure: set("unsure")?,
            old: set("old")?,
            old_values: set("oldValues")?,
            inferred_conformance: set("inferredConformance")?,
        })
    }

    /// The same for a recipe that was made of these files and overlays only.
    pub fn about(&self, files: &BTreeSet<&str>, overlays: &[String]) -> Edition {
        let of = |all: &BTreeSet<String>| all.iter().filter(|path| files.contains(path.as_str())).cloned().collect();
        let inferred = self.inferred_conformance.iter().filter(|name| overlays.contains(name));
        Edition {
            unsure: of(&self.unsure),
            old: of(&self.old),
            old_values: of(&self.old_values),
            inferred_conformance: inferred.cloned().collect(),
            ..self.clone()
        }
    }
}
