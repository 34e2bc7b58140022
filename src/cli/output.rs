//! Where a result goes: `--output`.

use super::{Printer, Stop};
use crate::ops::place::{self, Place};

pub use place::probe;

/// `--output` as a value of clap.
pub fn place(text: &str) -> Result<Place, String> {
    Place::parse(text.trim()).map_err(|failure| match failure.hint {
        Some(hint) => format!("{}: {hint}", failure.because),
        None => failure.because,
    })
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
