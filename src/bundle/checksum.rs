//! `checksums.txt`: every file of a bundle with its SHA-256, and what a folder has otherwise.
//!
//! The world of a bundle is closed: a file that is not listed is as wrong as one that differs. Only the list itself and the
//! two signatures over it are exempt.

use super::plan::File;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The list.
pub const FILE: &str = "checksums.txt";

/// Signatures, which are over the list and hence not in it.
pub const SIGNATURES: [&str; 2] =
    ["attestation/bundle-attestation.sigstore.json", "attestation/aicr-attestation.sigstore.json"];

/// SHA-256 in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    let mut sum = Sum::default();
    sum.add(bytes);
    sum.digits()
}

/// SHA-256 of what comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct Sum(Sha256);

impl Sum {
    pub fn add(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// In hexadecimal digits.
    pub fn digits(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The list of these files, sorted by path.
pub fn text(files: &[File]) -> String {
    let mut lines: Vec<(&str, String)> = files.iter().map(|file| (&*file.path, digest(&file.bytes))).collect();
    lines.sort_unstable();
    lines.into_iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect()
}

/// A list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Not a digest, two spaces and a path.
    #[error("line {0} is not a SHA-256, two spaces and a path")]
    Line(usize),
    /// A path that leads out of the bundle, or is written in a way that two systems read differently.
    #[error("line {line} names `{path}`, which is not a path inside the bundle")]
    Outside {
        /// From 1.
        line: usize,
        /// As written.
        path: String,
    },
    /// A path twice.
    #[error("line {line} names `{path}` again")]
    Twice {
        /// From 1.
        line: usize,
        /// As written.
        path: String,
    },
    /// A list of nothing.
    #[error("it lists no file")]
    Empty,
}

/// Reads a list: paths with their digests.
///
/// # Errors
/// A line that is not one, a path that is not inside, a path twice, no line at all.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, ListError> {
    let mut list = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let (digest, path) = line.split_once("  ").ok_or(ListError::Line(number))?;
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_digest || path.is_empty() {
            return Err(ListError::Line(number));
        }
        let inside = path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains(['\\', '\0']);
        if !inside || path == FILE || SIGNATURES.contains(&path) {
            return Err(ListError::Outside { line: number, path: path.to_owned() });
        }
        if list.insert(path.to_owned(), digest.to_ascii_lowercase()).is_some() {
            return Err(ListError::Twice { line: number, path: path.to_owned() });
        }
    }
    if list.is_empty() { Err(ListError::Empty) } else { Ok(list) }
}

/// What is at a path of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file with its digest.
    File(String),
    Folder,
    Link,
    /// A pipe, a socket, a device.
    Other,
    /// What could not be read, and why.
    Unreadable(String),
}

impl Entry {
    /// What is wrong with one that has no content that could be read, whatever a list says; none for files and folders.
    pub fn unread(&self, path: &str) -> Option<Difference> {
        let path = path.to_owned();
        match self {
            Entry::File(_) | Entry::Folder => None,
            Entry::Link => Some(Difference::Link(path)),
            Entry::Other => Some(Difference::NotAFile(path)),
            Entry::Unreadable(why) => Some(Difference::Unreadable { path, why: why.clone() }),
        }
    }
}

/// One way in which a folder is not what its list says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    #[error("changed: `{0}` differs from its checksum")]
    Changed(String),
    #[error("missing: `{0}` is listed and is not there")]
    Missing(String),
    #[error("extra: the file `{0}` is not listed")]
    Extra(String),
    #[error("extra: no listed file is in the folder `{0}`")]
    ExtraFolder(String),
    #[error("link: `{0}` is a symbolic link")]
    Link(String),
    #[error("not a file: `{0}` is neither a file nor a folder")]
    NotAFile(String),
    #[error("unreadable: `{path}`: {why}")]
    Unreadable {
        /// What.
        path: String,
        /// As the system says it.
        why: String,
    },
}

impl Difference {
    /// Where it is.
    pub fn path(&self) -> &str {
        match self {
            Difference::Changed(path)
            | Difference::Missing(path)
            | Difference::Extra(path)
            | Difference::ExtraFolder(path)
            | Difference::Link(path)
            | Difference::NotAFile(path)
            | Difference::Unreadable { path, .. } => path,
        }
    }
}

/// How a folder differs from its list, by path; the list itself and signatures may be there.
pub fn compare(list: &BTreeMap<String, String>, found: &BTreeMap<String, Entry>) -> Vec<Difference> {
    let mut folders: BTreeSet<&str> = BTreeSet::new();
    // The folder of signatures is one of the bundle only where there are signatures.
    let signatures = SIGNATURES.into_iter().filter(|path| found.contains_key(*path));
    for path in list.keys().map(String::as_str).chain(signatures) {
        let ends = path.match_indices('/').map(|(at, _)| at);
        folders.extend(ends.map(|end| &path[..end]));
    }
    let exempt = |path: &str| path == FILE || SIGNATURES.contains(&path);
    let mut differences: Vec<Difference> = Vec::new();
    for (path, entry) in found {
        let named = path.clone();
        match (entry, list.get(path)) {
            (Entry::Link | Entry::Other | Entry::Unreadable(_), _) => differences.extend(entry.unread(path)),
            (Entry::Folder, Some(_)) => differences.push(Difference::NotAFile(named)),
            (Entry::Folder, None) if folders.contains(&**path) => {}
            (Entry::Folder, None) => differences.push(Difference::ExtraFolder(named)),
            (Entry::File(digest), Some(listed)) if digest == listed => {}
            (Entry::File(_), Some(_)) => differences.push(Difference::Changed(named)),
            (Entry::File(_), None) if exempt(path) => {}
            (Entry::File(_), None) => differences.push(Difference::Extra(named)),
        }
    }
    let missing = list.keys().filter(|path| !found.contains_key(*path));
    differences.extend(missing.map(|path| Difference::Missing(path.clone())));
    differences.sort_by(|left, right| left.path().cmp(right.path()));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let files = [File::text("b/c", "2"), File::text("a", "1")];
        let text = text(&files);
        let list = parse(&text).expect("a list");
        assert_eq!(list.keys().collect::<Vec<_>>(), ["a", "b/c"]);
        assert_eq!(list["a"], digest(b"1"));
        assert!(text.ends_with("  b/c\n"));
    }

    #[test]
    fn a_list_that_can_be_read_in_two_ways_is_refused() {
        let sum = digest(b"");
        for path in ["../a", "/a", "a//b", "./a", "a/..", "a\\b", FILE, SIGNATURES[0]] {
            let error = parse(&format!("{sum}  {path}\n")).expect_err(path);
            assert!(matches!(error, ListError::Outside { line: 1, .. }), "{path}: {error}");
        }
        assert_eq!(parse(&format!("{sum}  a\n{sum}  a\n")), Err(ListError::Twice { line: 2, path: "a".into() }));
        assert_eq!(parse(&format!("{sum} a\n")), Err(ListError::Line(1)));
        assert_eq!(parse("00  a\n"), Err(ListError::Line(1)));
        assert_eq!(parse(""), Err(ListError::Empty));
    }
}
