//! Files that are written whole or not at all.
//!
//! The text goes to a new file beside the target, reaches the disk, and only then takes the target's name. So a full
//! disk, a kill or a refused directory leaves what was there before.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// Writes a file, or standard output when the path is `-`.
///
/// An existing file keeps its permissions; a link keeps pointing where it points, and what it points to is replaced. A
/// target that is no regular file (a pipe, `/dev/stderr`) cannot be replaced and is written to directly.
///
/// # Errors
/// The step that failed, as the system says it; the target is then as it was.
pub fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    write_with(path, |sink| sink.write_all(text))
}

/// As [`write`], with a text that is made while it is written.
///
/// # Errors
/// As [`write`], and those of `text`.
pub fn write_with(path: &Path, text: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
    write_as(path, text, |before| before)
}

/// As [`write`], to a file that only its owner reads, whatever it was before.
///
/// # Errors
/// As [`write`].
pub fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    write_as(path, |sink| sink.write_all(text), owner_only)
}

/// As [`write_private`], with a text that is made while it is written.
///
/// # Errors
/// As [`write_with`].
pub fn write_private_with(path: &Path, text: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
    write_as(path, text, owner_only)
}

/// Permissions of a file that only its owner reads.
#[cfg(unix)]
fn owner_only(_: Option<fs::Permissions>) -> Option<fs::Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

/// Where the system has none, as it was.
#[cfg(not(unix))]
fn owner_only(before: Option<fs::Permissions>) -> Option<fs::Permissions> {
    before
}

/// Writes with permissions that follow from those before; `None` leaves them to the system.
fn write_as(
    path: &Path,
    text: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    permissions: impl FnOnce(Option<fs::Permissions>) -> Option<fs::Permissions>,
) -> io::Result<()> {
    if path == Path::new("-") {
        let mut out = io::stdout().lock();
        text(&mut out)?;
        return out.flush();
    }
    // A link is followed by hand, because a rename would replace the link itself.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if metadata.is_file() => replace(&target, text, permissions(Some(metadata.permissions()))),
        Ok(_) => text(&mut fs::OpenOptions::new().write(true).open(&target)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(&target, text, permissions(None)),
        Err(error) => Err(error),
    }
}

/// Appends to a file in one piece; makes it where there is none.
///
/// # Errors
/// What the system says.
pub fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text)
}

/// Makes a folder and those that it is in, where they are not there.
///
/// # Errors
/// What the system says.
pub fn folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// As [`folder`]; only its owner enters it, whatever it was before. Where that cannot be said, because the folder belongs to
/// somebody else or its file system has no modes, it stays as it is: what is written into it is its owner's anyway.
///
/// # Errors
/// As [`folder`].
pub fn private_folder(path: &Path) -> io::Result<()> {
    folder(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
        }
    }
    Ok(())
}

/// Options that make a file which only its owner reads.
pub fn private() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether [`write`] could begin; leaves everything as it is.
///
/// # Errors
/// What `write` would say first.
pub fn probe(path: &Path) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if metadata.is_file() && metadata.permissions().readonly() => Err(read_only()),
        Ok(metadata) if !metadata.is_file() => Ok(()),
        _ => {
            let (beside, file) = create_beside(&target, false)?;
            drop(file);
            fs::remove_file(beside)
        }
    }
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only")
}

fn replace(
    target: &Path,
    text: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    permissions: Option<fs::Permissions>,
) -> io::Result<()> {
    // A read-only file in a writable directory could be replaced all the same; whoever made it read-only meant it.
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(read_only());
    }
    let (beside, file) = create_beside(target, permissions.is_some())?;
    let written = fill(file, text, permissions).and_then(|()| fs::rename(&beside, target));
    if let Err(error) = written {
        // The first failure is the one to tell; a leftover that cannot be removed either adds nothing to it.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    sync_directory(target);
    Ok(())
}

/// A new file in the target's directory, so that the rename stays within one file system. One that is to have permissions
/// is its owner's until it has them.
fn create_beside(target: &Path, is_private: bool) -> io::Result<(PathBuf, fs::File)> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_private { 0o600 } else { 0o666 });
    #[cfg(not(unix))]
    let _ = is_private;
    let mut attempt = 0;
    loop {
        let beside = target.with_file_name(format!(".{name}.{}-{attempt}.new", std::process::id()));
        match options.open(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 16 => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

fn fill(
    mut file: fs::File,
    text: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    permissions: Option<fs::Permissions>,
) -> io::Result<()> {
    text(&mut file)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.sync_all()
}

/// Makes the rename last. Not every file system can do that, and the data itself is safe by now.
fn sync_directory(target: &Path) {
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(directory) = fs::File::open(directory) {
        let _ = directory.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_made_and_replaced_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recipe.yaml");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(dir.path()), ["recipe.yaml"]);
    }

    #[test]
    fn a_target_in_no_directory_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = write(&dir.path().join("missing/recipe.yaml"), b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(probe(&dir.path().join("missing/recipe.yaml")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(probe(dir.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        probe(&dir.path().join("recipe.yaml")).unwrap();
        assert_eq!(write(dir.path(), b"x").unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real", &link).unwrap();
        write(&link, b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_private_while_it_is_written() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("session");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for _ in 0..2 {
            let text = |sink: &mut dyn io::Write| {
                sink.write_all(b"secret")?;
                let beside = names(dir.path()).into_iter().find(|name| name.ends_with(".new")).expect("a file");
                assert_eq!(mode(&dir.path().join(beside)), 0o600);
                Ok(())
            };
            write_as(&path, text, owner_only).unwrap();
            assert_eq!(mode(&path), 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        write_private(&path, b"secret").unwrap();
        assert_eq!((mode(&path), names(dir.path())), (0o600, vec!["session".to_owned()]));
    }

    #[test]
    fn a_read_only_file_is_not_replaced_behind_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        fs::write(&path, "one").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert_eq!(write(&path, b"two").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(probe(&path).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(dir.path()), ["kept"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        write(Path::new("/dev/null"), b"x").unwrap();
        assert!(write(Path::new("/dev/full"), b"x").is_err());
        assert!(!fs::metadata("/dev/full").unwrap().is_file());
    }
}
