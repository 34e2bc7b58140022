//! What files take: for the answer to what this program keeps.

use super::own;
use std::{fs, io, path::Path};

/// Files, and what they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub files: usize,
    pub bytes: u64,
}

/// Everything at a path: a file, or all files below a folder. Nothing where nothing is. Links are not followed.
///
/// # Errors
/// What the system says of a folder that cannot be read.
pub fn held(path: &Path) -> io::Result<Held> {
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::default()),
        Err(error) => return Err(error),
    };
    if !about.is_dir() {
        return Ok(Held { files: 1, bytes: about.len() });
    }
    let mut all = Held::default();
    for entry in own::entries(path)? {
        let one = held(&entry.path())?;
        all = Held { files: all.files + one.files, bytes: all.bytes + one.bytes };
    }
    Ok(all)
}

/// Files of a folder, not those below it, whose name begins so.
///
/// # Errors
/// As [`held`].
pub fn held_by_name(folder: &Path, beginning: &str) -> io::Result<Held> {
    let mut all = Held::default();
    for entry in own::entries(folder)? {
        if entry.file_name().to_string_lossy().starts_with(beginning) && entry.file_type()?.is_file() {
            all = Held { files: all.files + 1, bytes: all.bytes + entry.metadata()?.len() };
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_a_folder_are_counted_and_what_is_not_there_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("a/b")).expect("a folder");
        for (name, text) in [("a/one", "12345"), ("a/b/two", "123"), ("log", "1"), ("log.1", "12")] {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        assert_eq!(held(&folder.path().join("a")).unwrap(), Held { files: 2, bytes: 8 });
        assert_eq!(held_by_name(folder.path(), "log").unwrap(), Held { files: 2, bytes: 3 });
        let none = folder.path().join("none");
        assert_eq!((held(&none).unwrap(), held_by_name(&none, "log").unwrap()), (Held::default(), Held::default()));
    }
}
