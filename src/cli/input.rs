//! Documents that a person named: a file, standard input or a ConfigMap, read and checked to be what the verb wants.

use super::{cluster, global::Global};
use crate::{
    inventory::Inventory,
    ops::{self, Failure, Kind, snapshot::Place},
    recipe::{self, Recipe, format::RecipeFormatError},
    store::read::{self, ReadError},
    text::causes,
    yaml::Position,
};
use std::path::Path;

/// A snapshot: a file, `-` for standard input, or `cm://namespace/name`.
///
/// # Errors
/// Nothing there, no text, no snapshot; with the line where that is known.
pub fn snapshot(source: &str, global: &Global) -> Result<Inventory, Failure> {
    let text = text("snapshot", source, global)?;
    ops::snapshot::parse(&text, shown(source))
}

/// A recipe, from the same places.
///
/// # Errors
/// As [`snapshot`].
pub fn recipe(source: &str, global: &Global) -> Result<Recipe, Failure> {
    let text = text("recipe", source, global)?;
    recipe::format::read(&text).map_err(|error| misread("recipe", source, error.at(), causes(&error), error.hint()))
}

/// What a comparison reads: a snapshot, or the text of a recipe.
pub enum Document {
    Snapshot(Box<Inventory>),
    Recipe(String),
}

/// A snapshot or a recipe, told by its content, from the same places.
///
/// # Errors
/// As [`snapshot`].
pub fn document(source: &str, global: &Global) -> Result<Document, Failure> {
    let text = text("snapshot", source, global)?;
    let parsed = ops::snapshot::parse(&text, shown(source));
    match parsed {
        Ok(snapshot) => Ok(Document::Snapshot(Box::new(snapshot))),
        Err(failure) => match recipe::format::read(&text) {
            Err(RecipeFormatError::Header(error)) if error.is_other_document() => Err(failure),
            // What is wrong with a recipe is told where it is read.
            _ => Ok(Document::Recipe(text)),
        },
    }
}

fn misread(what: &str, source: &str, at: Option<Position>, because: String, hint: &str) -> Failure {
    let place = at.map_or(String::new(), |at| format!(":{at}"));
    Failure::new(Kind::Usage, format!("read the {what}"), because).at(format!("{}{place}", shown(source))).hint(hint)
}

fn text(what: &str, source: &str, global: &Global) -> Result<String, Failure> {
    if let Place::ConfigMap { namespace, name } = Place::parse(source)? {
        return cluster::block_on(async {
            let connection = cluster::connect(global).await?;
            ops::snapshot::read_config_map(&connection, &namespace, &name).await
        });
    }
    if source.starts_with("http://") || source.starts_with("https://") {
        let failure = Failure::new(Kind::Usage, format!("read the {what}"), "nothing is fetched from the network");
        return Err(failure.at(source).hint("download it, look at it, and give the file (or `-` for standard input)"));
    }
    read::read(Path::new(source)).map_err(|error| {
        let kind = if matches!(error, ReadError::NotFound) { Kind::NotFound } else { Kind::Usage };
        let hint = match error {
            ReadError::NotFound => format!("write one with `aicr {what} -o {what}.yaml`, or correct the path"),
            ReadError::Directory => format!("give the {what} file in it"),
            ReadError::TooLarge | ReadError::NotText { .. } => format!("is this really a {what}?"),
            ReadError::Io(_) => "correct the path or its permissions".to_owned(),
        };
        Failure::new(kind, format!("read the {what}"), error.to_string()).at(shown(source)).hint(hint)
    })
}

pub fn shown(source: &str) -> &str {
    if source == "-" { "standard input" } else { source }
}
