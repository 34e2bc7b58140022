//! All files of a folder, as bytes.
//!
//! Hidden entries and whatever is neither a file nor a folder (links, pipes) are passed over and named.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Tree {
    /// Paths below the folder, in order.
    pub files: Vec<PathBuf>,
    /// Paths below the folder that were not followed.
    pub passed_over: Vec<PathBuf>,
}

/// Lists a folder to its ends.
///
/// # Errors
/// The path that cannot be read, and what the system says.
pub fn list(folder: &Path) -> Result<Tree, (PathBuf, io::Error)> {
    let mut tree = Tree::default();
    walk(folder, Path::new(""), &mut tree)?;
    Ok(tree)
}

fn walk(root: &Path, below: &Path, tree: &mut Tree) -> Result<(), (PathBuf, io::Error)> {
    let folder = root.join(below);
    let failed = |error| (folder.clone(), error);
    let mut entries = fs::read_dir(&folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        let kind = entry.file_type().map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with('.') || !(kind.is_dir() || kind.is_file()) {
            tree.passed_over.push(path);
        } else if kind.is_dir() {
            walk(root, &path, tree)?;
        } else {
            tree.files.push(path);
        }
    }
    Ok(())
}

/// The bytes of a file of at most [`super::read::LARGEST`].
///
/// # Errors
/// What the system says, or that the file is too large.
pub fn content(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > super::read::LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, super::read::ReadError::TooLarge));
    }
    fs::read(path)
}

/// Creates the folders above a file.
///
/// # Errors
/// What the system says.
pub fn make_room(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Whether both paths are the same file.
pub fn is_same_file(left: &Path, right: &Path) -> bool {
    matches!((fs::canonicalize(left), fs::canonicalize(right)), (Ok(left), Ok(right)) if left == right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn files_come_in_order_and_the_rest_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for file in ["b.yaml", "a/z.md", "a/.hidden"] {
            make_room(&root.join(file)).unwrap();
            fs::write(root.join(file), "x").unwrap();
        }
        std::os::unix::fs::symlink("b.yaml", root.join("link")).unwrap();
        let Tree { files, passed_over } = list(root).unwrap();
        assert_eq!(files, [Path::new("a/z.md"), Path::new("b.yaml")]);
        assert_eq!(passed_over, [Path::new("a/.hidden"), Path::new("link")]);
        assert!(is_same_file(&root.join("a/../b.yaml"), &root.join("link")));
        assert_eq!(list(&root.join("no")).unwrap_err().0, root.join("no").join(""));
    }
}
