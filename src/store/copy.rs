//! Private temporary copies: a text that a foreign program may read and change, and that nobody else can.
//!
//! In: a text. Out: a file in a folder of its own, and later what has become of it. The folder goes with the value, with
//! whatever the program has left beside the file.

use super::{
    read::{self, ReadError},
    write,
};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Names that are tried for a folder.
const FOLDERS: u32 = 1000;

/// A file that only its owner reads, until this is dropped.
#[derive(Debug)]
pub struct PrivateCopy {
    folder: PathBuf,
    path: PathBuf,
    text: String,
}

impl PrivateCopy {
    /// Writes a text under a name, which says what it is: `recipe.yaml`.
    ///
    /// # Errors
    /// What the system says; nothing is left then.
    pub fn new(name: &str, text: String) -> io::Result<PrivateCopy> {
        PrivateCopy::within(&std::env::temp_dir(), name, text)
    }

    fn within(parent: &Path, name: &str, text: String) -> io::Result<PrivateCopy> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // Never one that is there already: somebody else may have made it.
        let folder = |number: u32| parent.join(format!("aicr-{}-{number}", std::process::id()));
        let mut number = 0;
        let folder = loop {
            match builder.create(folder(number)) {
                Ok(()) => break folder(number),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < FOLDERS => number += 1,
                Err(error) => return Err(error),
            }
        };
        let path = folder.join(name);
        let copy = PrivateCopy { folder, path, text };
        write::private().write(true).create_new(true).open(&copy.path)?.write_all(copy.text.as_bytes())?;
        Ok(copy)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the file says now, where that is something else; `None` too where it was removed.
    ///
    /// # Errors
    /// As [`read::small`].
    pub fn changed(&self) -> Result<Option<String>, ReadError> {
        match read::small(&self.path, read::LARGEST) {
            Ok(text) => Ok((text != self.text).then_some(text)),
            Err(ReadError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        // What cannot be removed now is in a folder for what is temporary.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_its_owners_and_goes_with_all_that_is_beside_it() {
        let parent = tempfile::tempdir().unwrap();
        let copy = PrivateCopy::within(parent.path(), "recipe.yaml", "a: 1\n".into()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(copy.path()), mode(copy.path().parent().unwrap())), (0o600, 0o700));
        }
        assert!(copy.path().ends_with("recipe.yaml"));
        assert_eq!(copy.changed().unwrap(), None);
        // As editors do: another file takes the name, and a backup stays.
        fs::write(copy.path().with_extension("yaml~"), "a: 1\n").unwrap();
        let other = copy.path().with_extension("new");
        fs::write(&other, "a: 2\n").unwrap();
        fs::rename(&other, copy.path()).unwrap();
        assert_eq!(copy.changed().unwrap().as_deref(), Some("a: 2\n"));
        fs::remove_file(copy.path()).unwrap();
        assert_eq!(copy.changed().unwrap(), None, "nothing is offered of a file that was removed");
        drop(copy);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_name_that_cannot_be_written_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        PrivateCopy::within(parent.path(), "no/such/folder", String::new()).unwrap_err();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
