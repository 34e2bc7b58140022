//! Whole documents from a file or standard input (`-`).
//!
//! In: a path. Out: its text. Refuses what is no file, no UTF-8, or larger than [`LARGEST`]; what the text means is for
//! `snapshot::format` and `recipe::format`.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

/// The largest document that is read, in bytes: snapshots of clusters with thousands of nodes are tens of megabytes.
pub const LARGEST: u64 = 64 << 20;

/// Why a document could not be read; the path is known to who asked.
#[derive(Debug)]
pub enum ReadError {
    NotFound,
    Directory,
    TooLarge,
    /// The first byte that is no UTF-8.
    NotText {
        byte: usize,
    },
    Io(io::Error),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::NotFound => f.write_str("no such file"),
            ReadError::Directory => f.write_str("it is a directory"),
            ReadError::TooLarge => write!(f, "it is larger than {} MiB", LARGEST >> 20),
            ReadError::NotText { byte } => write!(f, "byte {byte} is not UTF-8 text"),
            ReadError::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReadError::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// The text of a file, or of standard input when the path is `-`.
///
/// # Errors
/// See [`ReadError`]. A pipe or device is read like a file, up to the same size.
pub fn read(path: &Path) -> Result<String, ReadError> {
    if path == Path::new("-") {
        return text(io::stdin().lock());
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::NotFound,
        _ => ReadError::Io(error),
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(ReadError::Directory);
    }
    if metadata.len() > LARGEST {
        return Err(ReadError::TooLarge);
    }
    text(fs::File::open(path).map_err(failed)?)
}

fn text(source: impl Read) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ReadError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| ReadError::NotText { byte: error.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.yaml");
        fs::write(&path, "kind: Snapshot\n").unwrap();
        assert_eq!(read(&path).unwrap(), "kind: Snapshot\n");
    }

    #[test]
    fn what_is_no_document_says_why() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read(&dir.path().join("missing")), Err(ReadError::NotFound)));
        assert!(matches!(read(dir.path()), Err(ReadError::Directory)));
        let binary = dir.path().join("binary");
        fs::write(&binary, b"ab\xff").unwrap();
        assert!(matches!(read(&binary), Err(ReadError::NotText { byte: 2 })));
        let huge = dir.path().join("huge");
        fs::File::create(&huge).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(matches!(read(&huge), Err(ReadError::TooLarge)));
    }

    #[test]
    fn an_endless_source_ends_at_the_limit() {
        assert!(matches!(text(io::repeat(b'a')), Err(ReadError::TooLarge)));
    }
}
