//! The recipe file: reading a `RecipeResult` (or refusing what is none) and writing it as YAML or JSON.

use super::Recipe;

/// A document that is not a recipe.
#[derive(Clone, Debug, PartialEq)]
pub enum RecipeFormatError {
    Syntax(crate::yaml::YamlError),
    NotARecipe {
        found: String,
    },
    ApiVersion {
        found: String,
    },
    /// A field with the wrong shape: where, and what was expected.
    Field {
        at: crate::yaml::Position,
        message: String,
    },
    /// Refs that contradict themselves, one line each.
    Incoherent(Vec<String>),
}
impl std::fmt::Display for RecipeFormatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let _ = f;
        todo!("core")
    }
}
impl std::error::Error for RecipeFormatError {}

/// Reads YAML or JSON (found by looking, not by file name).
pub fn read(text: &str) -> Result<Recipe, RecipeFormatError> {
    let _ = text;
    todo!("core")
}

/// JSON text in the reference's field order and escaping, two-space indent, final newline.
pub fn to_json(recipe: &Recipe) -> String {
    let _ = recipe;
    todo!("core")
}

/// YAML text with sorted keys.
pub fn to_yaml(recipe: &Recipe) -> String {
    let _ = recipe;
    todo!("core")
}
