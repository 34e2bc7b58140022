//! The catalog as files: the embedded one, and folders layered over it with `--data`.
//!
//! A folder is read whole and checked before anything is believed: regular files only, no link that leads anywhere, no
//! file above 10 MiB, no more than 256 MiB in all. Hidden files and folders (`.git`) and files that no catalog holds
//! (pictures, archives) are passed over. The folder itself may be a link.

use crate::catalog::{self, CatalogError, File, Files};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// The largest catalog file that is read, in bytes.
const LARGEST: u64 = 10 << 20;

/// The most that all folders together may hold, in bytes.
const LARGEST_SUM: u64 = 256 << 20;

/// The embedded catalog with the folders of `data` layered over it, lowest first.
///
/// # Errors
/// A folder that is not there or is none, a link, pipe or device inside, a file that is too large or no UTF-8.
pub fn load(data: &[PathBuf]) -> Result<Files, CatalogError> {
    let mut files = embedded();
    for folder in data {
        layer(&mut files, folder)?;
    }
    Ok(files)
}

/// The embedded catalog.
pub fn embedded() -> Files {
    let mut files = Files::default();
    for (path, text) in super::embedded::catalog().into_iter().filter(|(path, _)| catalog::is_catalog_file(path)) {
        let shown = format!("catalog/{path}").into();
        files.insert(&path, File { text: text.into(), source: 0, shown });
    }
    files
}

/// Only the folder, without the embedded catalog below it.
///
/// # Errors
/// As [`load`].
pub fn alone(folder: &Path) -> Result<Files, CatalogError> {
    let mut files = Files::default();
    layer(&mut files, folder)?;
    Ok(files)
}

fn layer(files: &mut Files, folder: &Path) -> Result<(), CatalogError> {
    let failed = |message: String| CatalogError { at: folder.display().to_string(), message, hint: None };
    let root =
        fs::canonicalize(folder).map_err(|error| failed(format!("the catalog folder cannot be read: {error}")))?;
    if !root.is_dir() {
        let hint = Some("give --data the folder that holds `overlays/`".to_owned());
        return Err(CatalogError { hint, ..failed("the catalog source is not a folder".to_owned()) });
    }
    files.sources.push(folder.display().to_string());
    let source = files.sources.len();
    let bytes = files.files.values().map(|file| file.text.len() as u64).sum();
    walk(&mut Walk { files, source, bytes }, folder, &root, "")
}

/// Where the files of one folder go.
struct Walk<'f> {
    files: &'f mut Files,
    source: usize,
    /// Read so far, lower folders included.
    bytes: u64,
}

fn walk(walked: &mut Walk<'_>, shown: &Path, folder: &Path, prefix: &str) -> Result<(), CatalogError> {
    let failed = |path: &Path, message: String| CatalogError { at: path.display().to_string(), message, hint: None };
    let unreadable = |error: std::io::Error| failed(shown, format!("the folder cannot be read: {error}"));
    let mut entries = fs::read_dir(folder).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let at = shown.join(&name);
        let Some(name) = name.to_str() else { return Err(failed(&at, "the file name is not UTF-8".to_owned())) };
        if name.starts_with('.') {
            continue;
        }
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            walk(walked, &at, &entry.path(), &path)?;
        } else if !kind.is_file() {
            let what = if kind.is_symlink() { "a symbolic link" } else { "neither a file nor a folder" };
            let hint = Some("a catalog holds regular files only: put the file itself there".to_owned());
            return Err(CatalogError { hint, ..failed(&at, format!("found {what}")) });
        } else if catalog::is_catalog_file(&path) {
            let text = read(&entry.path()).map_err(|message| failed(&at, message))?;
            walked.bytes += text.len() as u64;
            if walked.bytes > LARGEST_SUM {
                return Err(failed(&at, format!("the catalog has more than the {LARGEST_SUM} bytes allowed")));
            }
            let shown = at.display().to_string().into();
            walked.files.insert(&path, File { text: text.into(), source: walked.source, shown });
        }
    }
    Ok(())
}

/// A regular file's text; what was swapped for a pipe after the listing is found out before it can block.
fn read(path: &Path) -> Result<String, String> {
    let metadata = fs::symlink_metadata(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("the file was replaced by something else while it was read".to_owned());
    }
    if metadata.len() > LARGEST {
        return Err(format!("the file has {} bytes, more than the {LARGEST} allowed", metadata.len()));
    }
    let file = fs::File::open(path).map_err(|error| format!("the file cannot be opened: {error}"))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| format!("the file cannot be read: {error}"))?;
    String::from_utf8(bytes)
        .map_err(|error| format!("the file is not UTF-8 (byte {})", error.utf8_error().valid_up_to()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with one good overlay, into which a test puts something else.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("overlays")).unwrap();
        fs::write(dir.path().join("overlays/x.yaml"), "kind: RecipeMetadata\nmetadata: {name: x}\n").unwrap();
        dir
    }

    #[track_caller]
    fn refused(dir: &Path, place: &str, part: &str) {
        let error = load(&[dir.to_owned()]).unwrap_err();
        assert!(error.message.contains(part), "{error}");
        assert_eq!(error.at, dir.join(place).display().to_string());
    }

    #[test]
    fn a_folder_needs_no_registry_and_what_is_no_catalog_file_is_passed_over() {
        let dir = folder();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join(".git/config"), b"\xff").unwrap();
        fs::write(dir.path().join("picture.png"), b"\x89PNG\xff").unwrap();
        fs::File::create(dir.path().join("image.tar")).unwrap().set_len(LARGEST * 2).unwrap();
        let files = load(&[dir.path().to_owned()]).unwrap();
        let added: Vec<&str> =
            files.files.iter().filter(|(_, file)| file.source == 1).map(|(path, _)| path.as_str()).collect();
        assert_eq!(added, ["overlays/x.yaml"]);
    }

    #[test]
    fn later_folders_lie_over_earlier_ones() {
        let (lower, upper) = (folder(), folder());
        fs::write(upper.path().join("overlays/x.yaml"), "kind: RecipeMetadata\nmetadata: {name: y}\n").unwrap();
        let files = load(&[lower.path().to_owned(), upper.path().to_owned()]).unwrap();
        assert_eq!((files.files["overlays/x.yaml"].source, files.sources.len()), (2, 2));
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let dir = folder();
        let error = load(&[dir.path().join("missing")]).unwrap_err();
        assert!(error.message.contains("cannot be read"), "{error}");
        let error = load(&[dir.path().join("overlays/x.yaml")]).unwrap_err();
        assert!(error.message.contains("not a folder") && error.hint.is_some(), "{error}");
    }

    #[test]
    fn what_is_too_large_or_no_text_is_refused() {
        let dir = folder();
        fs::File::create(dir.path().join("big.yaml")).unwrap().set_len(LARGEST + 1).unwrap();
        refused(dir.path(), "big.yaml", "more than the 10485760 allowed");
        fs::write(dir.path().join("big.yaml"), b"a: \xff\n").unwrap();
        refused(dir.path(), "big.yaml", "not UTF-8 (byte 3)");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_inside_are_refused_but_the_folder_may_be_a_link() {
        let dir = folder();
        let link = dir.path().join("link");
        let inner = folder();
        std::os::unix::fs::symlink(inner.path(), &link).unwrap();
        assert!(load(std::slice::from_ref(&link)).is_ok());
        refused(dir.path(), "link", "a symbolic link");
        fs::remove_file(&link).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket.yaml")).unwrap();
        refused(dir.path(), "socket.yaml", "neither a file nor a folder");
    }
}
