//! Whole documents from a file or standard input (`-`).
//!
//! In: a path. Out: its text. Refuses what is not a file, not text, or larger than [`LARGEST`]; what the text means is for
//! `snapshot::format` and `recipe::format`. Text is UTF-8, or UTF-16 with a byte order mark, as PowerShell's `>` writes it.

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
    /// The system refuses us the file or a folder above it.
    Forbidden,
    Directory,
    TooLarge,
    NotText(Encoding),
    Io(io::Error),
}

/// Why bytes are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The first byte that is not UTF-8, counted from 0.
    NotUtf8 {
        byte: usize,
    },
    /// A byte order mark of UTF-16, and half a character at the end.
    OddUtf16 {
        bytes: usize,
    },
    /// The first byte of half a surrogate pair.
    NotUtf16 {
        byte: usize,
    },
    Utf32,
    /// The bytes that gzip begins with.
    Gzip,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::NotFound => f.write_str("no such file"),
            ReadError::Forbidden => f.write_str("permission denied"),
            ReadError::Directory => f.write_str("it is a directory"),
            ReadError::TooLarge => write!(f, "it is larger than {} MiB", LARGEST >> 20),
            ReadError::NotText(encoding) => encoding.fmt(f),
            ReadError::Io(_) => f.write_str("it cannot be read"),
        }
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Encoding::NotUtf8 { byte } => write!(f, "byte {byte} is not UTF-8 text"),
            Encoding::OddUtf16 { bytes } => {
                write!(f, "it begins as UTF-16 text and has an odd number of bytes ({bytes})")
            }
            Encoding::NotUtf16 { byte } => write!(f, "it begins as UTF-16 text, and byte {byte} is not UTF-16"),
            Encoding::Utf32 => f.write_str("it is UTF-32 text; UTF-8 and UTF-16 are read"),
            Encoding::Gzip => f.write_str("it is compressed with gzip; `gunzip` makes text of it"),
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

impl std::error::Error for Encoding {}

/// The text of a file, or of standard input when the path is `-`.
///
/// # Errors
/// See [`ReadError`]. A pipe or device is read like a file, up to the same size.
pub fn read(path: &Path) -> Result<String, ReadError> {
    if path == Path::new("-") {
        return text(io::stdin().lock());
    }
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(ReadError::Directory);
    }
    if metadata.len() > LARGEST {
        return Err(ReadError::TooLarge);
    }
    text(fs::File::open(path).map_err(failed)?)
}

/// The text of a regular file of at most `largest` bytes.
///
/// # Errors
/// See [`ReadError`]; whatever is not a regular file is one of `Io`.
pub fn small(path: &Path, largest: u64) -> Result<String, ReadError> {
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(ReadError::Directory);
    }
    if !metadata.is_file() {
        return Err(ReadError::Io(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
    }
    if metadata.len() > largest {
        let because = format!("it has {} bytes, more than the {largest} allowed", metadata.len());
        return Err(ReadError::Io(io::Error::new(io::ErrorKind::FileTooLarge, because)));
    }
    text(fs::File::open(path).map_err(failed)?)
}

fn failed(error: io::Error) -> ReadError {
    match error.kind() {
        // A part of the path that is a file has nothing below it.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::NotFound,
        io::ErrorKind::PermissionDenied => ReadError::Forbidden,
        _ => ReadError::Io(error),
    }
}

fn text(source: impl Read) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ReadError::TooLarge);
    }
    decode(bytes).map_err(ReadError::NotText)
}

/// The text of a document's bytes, without its byte order mark.
///
/// # Errors
/// See [`Encoding`].
pub fn decode(bytes: Vec<u8>) -> Result<String, Encoding> {
    match *bytes {
        [0x1f, 0x8b, ..] => Err(Encoding::Gzip),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(Encoding::Utf32),
        [0xff, 0xfe, ..] => utf16(&bytes, u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(&bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, ..] => utf8(bytes[3..].to_vec()),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, Encoding> {
    String::from_utf8(bytes).map_err(|error| Encoding::NotUtf8 { byte: error.utf8_error().valid_up_to() })
}

/// `bytes` begin with a byte order mark of two bytes.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Encoding> {
    let (units, rest) = bytes[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Encoding::OddUtf16 { bytes: bytes.len() });
    }
    let mut text = String::with_capacity(units.len());
    let mut byte = 2;
    for decoded in char::decode_utf16(units.iter().map(|two| unit(*two))) {
        let letter = decoded.map_err(|_| Encoding::NotUtf16 { byte })?;
        byte += letter.len_utf16() * 2;
        text.push(letter);
    }
    Ok(text)
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
    fn an_unreadable_document_reports_why() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read(&dir.path().join("missing")), Err(ReadError::NotFound)));
        assert!(matches!(read(dir.path()), Err(ReadError::Directory)));
        let binary = dir.path().join("binary");
        fs::write(&binary, b"ab\xff").unwrap();
        assert!(matches!(read(&binary), Err(ReadError::NotText(Encoding::NotUtf8 { byte: 2 }))));
        let huge = dir.path().join("huge");
        fs::File::create(&huge).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(matches!(read(&huge), Err(ReadError::TooLarge)));
    }

    #[test]
    fn a_path_through_a_file_names_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "x").unwrap();
        assert!(matches!(read(&dir.path().join("file/x.yaml")), Err(ReadError::NotFound)));
    }

    #[track_caller]
    fn decodes(bytes: &[u8], expected: Result<&str, Encoding>) {
        assert_eq!(decode(bytes.to_vec()), expected.map(str::to_owned));
    }

    #[test]
    fn utf_8_and_utf_16_are_told_by_their_byte_order_mark() {
        decodes("a: é\n".as_bytes(), Ok("a: é\n"));
        decodes(b"\xef\xbb\xbfa: 1\n", Ok("a: 1\n"));
        decodes(b"\xff\xfea\0:\0 \0=\xd8\x80\xde", Ok("a: 🚀"));
        decodes(b"\xfe\xff\0a\0:\0 \xd8=\xde\x80", Ok("a: 🚀"));
        decodes(b"\xff\xfe", Ok(""));
        decodes(b"", Ok(""));
    }

    #[test]
    fn broken_text_is_named_by_its_first_bad_byte() {
        decodes(b"\xff\xfea\0\n", Err(Encoding::OddUtf16 { bytes: 5 }));
        decodes(b"\xff\xfea\0\0\xdcb\0", Err(Encoding::NotUtf16 { byte: 4 }));
        decodes(b"\xff\xfe=\xd8", Err(Encoding::NotUtf16 { byte: 2 }));
        decodes(b"\xff\xfe\0\0a\0\0\0", Err(Encoding::Utf32));
        decodes(b"\x1f\x8b\x08\0", Err(Encoding::Gzip));
        decodes(b"ab\xff", Err(Encoding::NotUtf8 { byte: 2 }));
    }

    #[test]
    fn an_endless_source_ends_at_the_limit() {
        assert!(matches!(text(io::repeat(b'a')), Err(ReadError::TooLarge)));
    }
}
