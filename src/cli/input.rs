//! Documents that a person named, read from their place and checked to be what the verb wants.

use super::{Printer, cluster, global::Global};
use crate::{
    inventory::Inventory,
    ops::{
        self, Failure, Kind,
        place::{self, Place},
    },
    recipe::{self, Recipe, format::RecipeFormatError},
};

/// A snapshot: from any place: see `ops::place`.
///
/// # Errors
/// Nothing there, no text, no snapshot; with the line where that is known.
pub fn snapshot(source: &str, global: &Global) -> Result<Inventory, Failure> {
    let text = text("snapshot", source, global)?;
    ops::snapshot::parse(&text, &shown(source))
}

/// A recipe, from the same places; for an overlay of a catalog, the recipe that its criteria resolve to.
///
/// # Errors
/// As [`snapshot`]; as [`ops::recipe::of_overlay`].
pub fn recipe(source: &str, global: &Global, printer: &Printer) -> Result<Recipe, Failure> {
    let text = text("recipe", source, global)?;
    if ops::recipe::is_overlay(&text) {
        let (name, resolved) = ops::recipe::of_overlay(&*global.catalog()?, &text, &shown(source))?;
        let recipe = resolved.resolution.recipe;
        printer.warn(format!(
            "{} is the overlay `{name}`: resolved {} with the catalog; what differs in the file changes nothing",
            shown(source),
            recipe.criteria
        ));
        return Ok(recipe);
    }
    recipe::format::read(&text).map_err(|error| {
        let at = error.at().map_or(String::new(), |at| format!(":{at}"));
        let hint = error.hint();
        Failure::from_error(Kind::Usage, "read the recipe", error).at(format!("{}{at}", shown(source))).hint(hint)
    })
}

/// What a comparison reads: a snapshot, or the text of a recipe.
pub enum Document {
    Snapshot(Box<Inventory>),
    Recipe(String),
}

/// A snapshot or a recipe, recognized by its content, of a text that was read already.
///
/// # Errors
/// Neither.
pub fn recognized(text: &str, source: &str) -> Result<Document, Failure> {
    let parsed = ops::snapshot::parse(text, &shown(source));
    match parsed {
        Ok(snapshot) => Ok(Document::Snapshot(Box::new(snapshot))),
        Err(failure) => match recipe::format::read(text) {
            Err(RecipeFormatError::Header(error)) if error.is_other_document() => Err(failure),
            // What is wrong with a recipe is reported where it is read.
            _ => Ok(Document::Recipe(text.to_owned())),
        },
    }
}

/// The text of what is called `what`, from any place.
///
/// # Errors
/// As [`place::read`].
pub fn text(what: &str, source: &str, global: &Global) -> Result<String, Failure> {
    let place = Place::parse(source)?;
    if place.is_local() {
        return place::read_local(&place, what);
    }
    let session = cluster::session(global)?;
    cluster::block_on(global, place::read(&place, what, session))
}

/// What a message calls the place of a document.
pub fn shown(source: &str) -> String {
    Place::parse(source).map_or_else(|_| source.to_owned(), |place| place.source())
}

/// What a result calls it: as typed, without what may be a secret.
pub fn named(source: &str) -> String {
    Place::parse(source).map_or_else(|_| source.to_owned(), |place| place.to_string())
}
