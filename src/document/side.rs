//! What a comparison of recipes looks at: a document whose values may know who wrote them.

use super::traced::{Layer, LayerKind, Traced};
use crate::criteria::Criteria;

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// As `Resolution::document`, or less where this side shows less.
    pub document: Traced,
    /// `Origin::layer` indexes this list.
    pub layers: Vec<Layer>,
    /// What it was resolved for; `None` where that is not known, or means nothing.
    pub criteria: Option<Criteria>,
}

impl Side {
    /// Who wrote a value of this side: the layer, and for a file that was read the line.
    pub fn author(&self, value: &Traced) -> Option<String> {
        let origin = value.origin()?;
        let layer = self.layers.get(origin.layer)?;
        Some(match layer.kind {
            LayerKind::RecipeFile => format!("{}:{}", layer.name, origin.at.line),
            _ => layer.name.clone(),
        })
    }
}
