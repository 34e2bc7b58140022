//! Where a result goes and in which form: `--output`, `--format`.

use super::{Printer, Stop};
use crate::{
    ops::{Failure, Kind, snapshot::Place},
    store::write,
};
use std::{io, path::PathBuf};

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

/// Writes a finished text to standard output or, whole or not at all, to a file.
///
/// # Errors
/// What the system says about the file; a reader of standard output that went away.
pub fn deliver(printer: &Printer, place: &Place, text: &str) -> Result<(), Stop> {
    match place {
        Place::Standard => printer.data(text),
        Place::File(path) => {
            write::write(path, text.as_bytes()).map_err(|error| unwritable(&path.display().to_string(), &error))?;
            printer.note(format!("wrote {}", path.display()));
            Ok(())
        }
        Place::ConfigMap { .. } => Err(no_config_map(place).into()),
    }
}

/// Finds out before long work that its result could not be written.
///
/// # Errors
/// As [`deliver`] for a file; nothing is changed.
pub fn probe(place: &Place) -> Result<(), Failure> {
    match place {
        Place::File(path) => write::probe(path).map_err(|error| unwritable(&path.display().to_string(), &error)),
        Place::Standard | Place::ConfigMap { .. } => Ok(()),
    }
}

fn no_config_map(place: &Place) -> Failure {
    Failure::new(Kind::Usage, "write the output", "this verb writes to files and standard output only")
        .at(place.to_string())
        .hint("give a file name, or `-`")
}

/// A file that cannot be written; what is there is still as it was.
pub fn unwritable(at: &str, error: &io::Error) -> Failure {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::NotFound => (Kind::Usage, "create its directory first, or choose another --output"),
        io::ErrorKind::IsADirectory => (Kind::Usage, "give the name of a file in it"),
        io::ErrorKind::NotADirectory => (Kind::Usage, "a part of the path is a file; choose another --output"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (Kind::Usage, "choose another --output, or ask for the right to write there")
        }
        _ => (Kind::Internal, "what was there before is unchanged; make room or choose another --output"),
    };
    Failure::new(kind, "write the output", error.to_string()).at(at).hint(hint)
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
