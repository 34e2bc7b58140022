//! Where a result goes and in which form: `--output`, `--format`.

use super::{Printer, Stop};
use crate::{
    document::header::Edition,
    ops::place::{self, Place},
};
use std::path::PathBuf;

pub use place::probe;

/// `--output` as a value of clap.
pub fn place(text: &str) -> Result<Place, String> {
    Place::parse(text.trim()).map_err(|failure| match failure.hint {
        Some(hint) => format!("{}: {hint}", failure.because),
        None => failure.because,
    })
}

/// `--format` of the verbs that print a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Yaml,
    Json,
    /// For reading; no program should parse it.
    Table,
}

impl Format {
    /// What was asked for, else what the file's name says, else YAML.
    pub fn of(asked: Option<Format>, place: &Place) -> Format {
        let named_json = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("json"));
        match (asked, place) {
            (Some(format), _) => format,
            (None, Place::File(path)) if named_json(path) => Format::Json,
            (None, _) => Format::Yaml,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_says_its_format_unless_a_person_does() {
        let json = Place::File("x.JSON".into());
        assert_eq!(Format::of(None, &json), Format::Json);
        assert_eq!(Format::of(Some(Format::Yaml), &json), Format::Yaml);
        assert_eq!(Format::of(None, &Place::Standard), Format::Yaml);
    }
}
