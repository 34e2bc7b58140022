//! A folder with a bundle: written whole or not at all, and looked at without following anything.

use std::{
    collections::BTreeMap,
    fs, io,
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// One file to write.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'f> {
    /// Below the folder, with `/`.
    pub path: &'f str,
    pub bytes: &'f [u8],
    /// Permissions, where the system has them.
    pub mode: u32,
}

/// Why a folder was not written; it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file is there.
    #[error("there is a file of that name")]
    File,
    /// Something is in it.
    #[error("the folder is not empty: it has `{0}`")]
    NotEmpty(String),
    /// A bundle that cannot make room for another at once.
    #[error("the folder is a mount point, which cannot be renamed, so the bundle in it cannot be replaced")]
    MountPoint,
    /// What the system says.
    #[error("cannot write `{path}`")]
    Io {
        /// Where.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
}

fn failed(path: &Path) -> impl Fn(io::Error) -> FolderError + '_ {
    |source| FolderError::Io { path: path.to_owned(), source }
}

/// Whether a folder could be written: it does not exist, or is empty, or holds what a killed run left.
///
/// # Errors
/// What is there.
pub fn probe(folder: &Path) -> Result<(), FolderError> {
    match fs::metadata(folder) {
        Ok(metadata) if !metadata.is_dir() => Err(FolderError::File),
        Ok(_) => {
            sweep(folder, INSIDE);
            match fs::read_dir(folder).map_err(failed(folder))?.next() {
                None => Ok(()),
                Some(Ok(entry)) => Err(FolderError::NotEmpty(entry.file_name().to_string_lossy().into_owned())),
                Some(Err(error)) => Err(failed(folder)(error)),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(folder)(error)),
    }
}

/// Whether a folder could make room for another one at once: it is not the root of a file system.
///
/// # Errors
/// It is one; what the system says.
pub fn replaceable(folder: &Path) -> Result<(), FolderError> {
    let target = fs::canonicalize(folder).map_err(failed(folder))?;
    match target.parent() {
        Some(above) if !is_mounted(&target, above).map_err(failed(folder))? => Ok(()),
        _ => Err(FolderError::MountPoint),
    }
}

/// Whether something is mounted at a folder.
#[cfg(target_os = "linux")]
fn is_mounted(folder: &Path, above: &Path) -> io::Result<bool> {
    use rustix::{
        fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx},
        io::Errno,
    };
    match statx(CWD, folder, AtFlags::empty(), StatxFlags::empty()) {
        // A folder of the same file system can be mounted, too, and only this tells it.
        Ok(found) if found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) => {
            Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
        }
        Ok(_) | Err(Errno::NOSYS) => is_other_device(folder, above),
        Err(error) => Err(error.into()),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn is_mounted(folder: &Path, above: &Path) -> io::Result<bool> {
    is_other_device(folder, above)
}

#[cfg(unix)]
fn is_other_device(folder: &Path, above: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata(folder)?.dev() != fs::metadata(above)?.dev())
}

#[cfg(not(unix))]
fn is_mounted(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Writes a folder with these files: whole or not at all, also for whoever looks while it is written. It is made beside the
/// target and takes its name when it is complete; an empty folder that is there already is filled from one inside it, so
/// that it may be a mount point, or below a folder that cannot be written. `replaced` says that the target is a bundle that
/// may go.
///
/// # Errors
/// A target with something in it, or one that cannot make room; what the system says. The target is then as it was.
pub fn write(folder: &Path, files: &[NewFile<'_>], replaced: bool) -> Result<(), FolderError> {
    match replaced && folder.is_dir() {
        true => replaceable(folder)?,
        false => probe(folder)?,
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !replaced && folder.is_dir() {
        // A folder that a shell stands in stays the same one, so its entries move in, the list of checksums last.
        let inside = TemporaryFolder::new(folder, INSIDE, SHARED).map_err(failed(folder))?;
        fill(&inside.path, files)?;
        return move_in(&inside.path, folder).map_err(failed(folder));
    }
    fs::create_dir_all(parent).map_err(failed(parent))?;
    // `.` and `..` have no name of their own.
    let target = match fs::canonicalize(folder) {
        Ok(target) => target,
        Err(_) => match (fs::canonicalize(parent), folder.file_name()) {
            (Ok(parent), Some(name)) => parent.join(name),
            _ => folder.to_owned(),
        },
    };
    let above = target.parent().unwrap_or(Path::new("."));
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let beside = TemporaryFolder::new(above, &format!(".{name}."), SHARED).map_err(failed(folder))?;
    fill(&beside.path, files)?;
    if !(replaced && target.is_dir()) {
        return fs::rename(&beside.path, &target).map_err(failed(folder));
    }
    // The old one goes with the folder that was made for the new one.
    if exchange(&beside.path, &target).map_err(failed(folder))? {
        return Ok(());
    }
    let old = TemporaryFolder::new(above, &format!(".{name}."), SHARED).map_err(failed(folder))?;
    let gone = old.path.join("old");
    fs::rename(&target, &gone).map_err(failed(folder))?;
    if let Err(error) = fs::rename(&beside.path, &target) {
        // What was there is put back.
        let _ = fs::rename(&gone, &target);
        return Err(failed(folder)(error));
    }
    Ok(())
}

/// Lets two folders change places at once; whether the file system can.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn exchange(left: &Path, right: &Path) -> io::Result<bool> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };
    match renameat_with(CWD, left, CWD, right, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// What begins the name of a folder inside an empty target.
const INSIDE: &str = ".aicr-bundle.";
/// And what ends it, and that of one beside a target.
const UNFINISHED: &str = ".new";

/// Who may look into a folder that becomes a bundle: whoever the person lets.
const SHARED: u32 = 0o777;
/// Only its owner.
pub const PRIVATE: u32 = 0o700;

/// A new folder for what is not complete, removed when it is no longer needed. It is locked while its process lives, so that
/// the next run removes what a killed one left, and nothing else.
#[derive(Debug)]
pub struct TemporaryFolder {
    path: PathBuf,
    _lock: Option<fs::File>,
}

impl TemporaryFolder {
    /// A folder in another one, whose name begins so; `mode` are its permissions, where the system has them.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(above: &Path, begin: &str, mode: u32) -> io::Result<TemporaryFolder> {
        sweep(above, begin);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, mode);
        #[cfg(not(unix))]
        let _ = (&mut builder, mode);
        let mut attempt = 0;
        loop {
            let path = above.join(format!("{begin}{}-{attempt}{UNFINISHED}", std::process::id()));
            match builder.create(&path) {
                // Another run may take it for one that was left, before it is locked.
                Ok(()) => match (lock(&path), path.is_dir()) {
                    (Ok(lock), true) => return Ok(TemporaryFolder { path, _lock: lock }),
                    _ if attempt < 16 => attempt += 1,
                    _ => return Err(io::ErrorKind::ResourceBusy.into()),
                },
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 16 => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // After the rename nothing is there; whatever else fails adds nothing to what failed before.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Locks a folder; nothing where the system cannot lock folders.
///
/// # Errors
/// Another process has it locked; it is gone.
#[cfg(unix)]
fn lock(folder: &Path) -> io::Result<Option<fs::File>> {
    let file = fs::File::open(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Err(io::ErrorKind::ResourceBusy.into()),
        // A network's file system.
        Err(fs::TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(not(unix))]
fn lock(_: &Path) -> io::Result<Option<fs::File>> {
    Ok(None)
}

fn is_unfinished(name: &std::ffi::OsStr, begin: &str) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(begin) && name.ends_with(UNFINISHED)
}

/// Removes what killed runs left.
fn sweep(above: &Path, begin: &str) {
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        // Without a lock nothing says that its process has ended.
        if is_folder && is_unfinished(&entry.file_name(), begin) && matches!(lock(&entry.path()), Ok(Some(_))) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn fill(folder: &Path, files: &[NewFile<'_>]) -> Result<(), FolderError> {
    let mut made: Option<PathBuf> = None;
    for (index, file) in files.iter().enumerate() {
        let path = folder.join(file.path);
        let above = path.parent().map(Path::to_owned);
        if made != above
            && let Some(above) = above
        {
            fs::create_dir_all(&above).map_err(failed(&path))?;
            made = Some(above);
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, file.mode);
        let write = || -> io::Result<()> {
            let mut opened = options.open(&path)?;
            opened.write_all(file.bytes)?;
            // One wait for the disk instead of a hundred: what a power cut leaves of the others, checksums tell.
            if index + 1 == files.len() { opened.sync_all() } else { Ok(()) }
        };
        write().map_err(failed(&path))?;
    }
    Ok(())
}

fn move_in(from: &Path, to: &Path) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(from)? {
        names.push(entry?.file_name());
    }
    names.sort_by_key(|name| (name == "checksums.txt", name.clone()));
    for (done, name) in names.iter().enumerate() {
        if let Err(error) = fs::rename(from.join(name), to.join(name)) {
            for name in &names[..done] {
                let _ = fs::rename(to.join(name), from.join(name));
            }
            return Err(error);
        }
    }
    Ok(())
}

/// What is at a path of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    File,
    Folder,
    Link,
    Other,
    Unreadable(String),
}

/// Everything in a folder, by its path with `/`: nothing is followed, nothing is passed over.
///
/// # Errors
/// The folder itself cannot be read.
pub fn scan(folder: &Path) -> io::Result<BTreeMap<String, Found>> {
    let mut found = BTreeMap::new();
    walk(folder, "", &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, below: &str, found: &mut BTreeMap<String, Found>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let path = format!("{below}{}", shown(&name));
        let kind = match entry.file_type() {
            // No list names it, and no file is at the path as it is shown.
            Ok(kind) if kind.is_file() && name.to_str().is_none() => {
                Found::Unreadable("its name is not UTF-8".to_owned())
            }
            Ok(kind) if kind.is_symlink() => Found::Link,
            Ok(kind) if kind.is_file() => Found::File,
            Ok(kind) if kind.is_dir() => match walk(&entry.path(), &format!("{path}/"), found) {
                Ok(()) => Found::Folder,
                Err(error) => Found::Unreadable(error.to_string()),
            },
            Ok(_) => Found::Other,
            Err(error) => Found::Unreadable(error.to_string()),
        };
        found.insert(path, kind);
    }
    Ok(())
}

/// A name in text: bytes that are not UTF-8 as `\xFF`, so that two names stay two.
fn shown(name: &std::ffi::OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
    }
    text
}

/// A file in pieces, however large it is.
///
/// # Errors
/// What the system says.
pub fn read_pieces(path: &Path, mut piece: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            length => piece(&buffer[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        scan(folder).unwrap().into_keys().collect()
    }

    const FILES: [NewFile<'static>; 2] =
        [NewFile { path: "a/run.sh", bytes: b"x", mode: 0o755 }, NewFile { path: "b", bytes: b"y", mode: 0o600 }];

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf_8_are_no_others() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        for name in [&b"x\xEF\xBF\xBD"[..], b"x\xFF", b"x\xFE"] {
            fs::write(dir.path().join(std::ffi::OsStr::from_bytes(name)), "1").unwrap();
        }
        fs::create_dir(dir.path().join(std::ffi::OsStr::from_bytes(b"d\xFF"))).unwrap();
        assert_eq!(names(dir.path()), ["d\\xFF", "x\\xFE", "x\\xFF", "x\u{FFFD}"]);
    }

    #[test]
    fn a_folder_is_made_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("deep/bundle");
        write(&target, &FILES, false).unwrap();
        assert_eq!(names(&dir.path().join("deep")), ["bundle", "bundle/a", "bundle/a/run.sh", "bundle/b"]);
        let error = write(&target, &FILES, false).unwrap_err();
        assert!(matches!(error, FolderError::NotEmpty(_)), "{error}");
        write(&target, &FILES[1..], true).unwrap();
        assert_eq!(names(&dir.path().join("deep")), ["bundle", "bundle/b"]);
    }

    #[test]
    fn the_root_of_a_file_system_cannot_make_room() {
        let dir = tempfile::tempdir().unwrap();
        assert!(replaceable(dir.path()).is_ok());
        let mut mounted = vec!["/"];
        if cfg!(target_os = "linux") {
            mounted.push("/proc");
        }
        for folder in mounted {
            assert!(matches!(replaceable(Path::new(folder)), Err(FolderError::MountPoint)), "{folder}");
        }
    }

    #[test]
    fn an_empty_folder_is_filled_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("bundle");
        fs::create_dir(&target).unwrap();
        write(&target, &FILES, false).unwrap();
        assert_eq!(names(dir.path()), ["bundle", "bundle/a", "bundle/a/run.sh", "bundle/b"]);
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(write(&file, &FILES, false), Err(FolderError::File)));
    }

    #[cfg(unix)]
    #[test]
    fn what_a_killed_run_left_is_removed_and_what_a_living_one_has_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("bundle");
        for left in [".bundle.1-0.new/a", "bundle/.aicr-bundle.1-0.new/a", ".other.1-0.new/a"] {
            fs::create_dir_all(dir.path().join(left)).unwrap();
        }
        write(&target, &FILES, false).unwrap();
        write(&target, &FILES, true).unwrap();
        let kept = [".other.1-0.new", ".other.1-0.new/a"];
        assert_eq!(names(dir.path()), [&kept[..], &["bundle", "bundle/a", "bundle/a/run.sh", "bundle/b"]].concat());
        let empty = dir.path().join("empty");
        fs::create_dir_all(&empty).unwrap();
        let living = TemporaryFolder::new(&empty, INSIDE, SHARED).unwrap();
        assert!(matches!(write(&empty, &FILES, false), Err(FolderError::NotEmpty(_))));
        assert!(living.path.is_dir());
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let clash = [FILES[1], FILES[1]];
        assert!(write(&dir.path().join("bundle"), &clash, false).is_err());
        assert_eq!(names(dir.path()), [""; 0]);
    }
}
