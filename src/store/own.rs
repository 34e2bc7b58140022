//! Small files of this program's own, by folder: what a person wrote for it, and what it keeps for itself.

use super::{
    read::{self, ReadError},
    write,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Larger ones are not ours, in bytes.
const LARGEST: u64 = 4 << 20;

/// The text of a file; `None` where there is none.
///
/// # Errors
/// As [`read::small`].
pub fn text(path: &Path) -> Result<Option<String>, ReadError> {
    match read::small(path, LARGEST) {
        Ok(text) => Ok(Some(text)),
        Err(ReadError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Name without its suffix, and text, of every file of a folder with that suffix, by name. What cannot be read is left out,
/// and so is a folder that is not there.
pub fn texts(folder: &Path, suffix: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|found| found == suffix));
    let read = |path: PathBuf| {
        let name = path.file_stem()?.to_str()?.to_owned();
        Some((name, text(&path).ok()??))
    };
    let mut texts: Vec<_> = paths.filter_map(read).collect();
    texts.sort();
    texts
}

/// What is in a folder, in no order; nothing where there is no such folder.
///
/// # Errors
/// What the system says.
pub fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Writes a file that only its owner reads, whole or not at all; makes its folder where there is none.
///
/// # Errors
/// What the system says.
pub fn keep(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        write::folder(folder)?;
    }
    write::write_private(path, text.as_bytes())
}

/// Moves a file that cannot be used out of the way; the new name.
///
/// # Errors
/// What the system says.
pub fn move_aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unusable");
    let aside = path.with_file_name(name);
    fs::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_with_the_suffix_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("b.toml", "two"), ("a.toml", "one"), ("c.txt", "no")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let expected = [("a", "one"), ("b", "two")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(texts(folder.path(), "toml"), expected);
        assert_eq!(texts(&folder.path().join("missing"), "toml"), []);
        assert!(text(&folder.path().join("missing")).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_kept_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/session.json");
        for kept in ["one", "two"] {
            keep(&path, kept).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), kept);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let aside = move_aside(&path).unwrap();
        assert!(!path.exists() && aside.ends_with("session.json.unusable"));
    }
}
