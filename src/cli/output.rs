//! Where a result goes: `--output`.

use super::{Printer, Stop};
use crate::{
    document::header::Edition,
    ops::place::{self, Place},
};

pub use place::probe;

/// `--output` as a value of clap.
pub fn place(text: &str) -> Result<Place, String> {
    // What clap prints of an error is its own words only.
    Place::parse(text.trim()).map_err(|failure| match &failure.hint {
        Some(hint) => format!("{}: {hint}", failure.why()),
        None => failure.why(),
    })
}

/// `--api-version` of the verbs that write a document of the reference.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct EditionArg {
    /// The version of the formats to write: v1 (the reference from 0.22 on), or v1alpha2 for an older one.
    #[arg(long = "api-version", value_name = "VERSION", default_value = Edition::default().name())]
    pub edition: Edition,
}

/// Writes a finished text to standard output or, whole or not at all, to a file.
///
/// # Errors
/// What the system says about the file; a reader of standard output that went away.
pub fn deliver(printer: &Printer, place: &Place, text: &str) -> Result<(), Stop> {
    if *place == Place::Standard {
        return printer.data(text);
    }
    place::write_local(place, text)?;
    printer.note(format!("wrote {place}"));
    Ok(())
}
