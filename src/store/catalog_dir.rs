//! The catalog as files: the embedded one, and folders layered over it with `--data`.
//!
//! A folder is read whole and checked before anything is believed: regular files only, no link that leads anywhere, no
//! file above 10 MiB. Hidden files and folders (`.git`) are passed over. The folder itself may be a link.

use crate::catalog::{CatalogError, File, Files};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// The largest catalog file that is read, in bytes.
const LARGEST: u64 = 10 << 20;

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
    for (path, text) in super::embedded::catalog() {
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
    walk(files, folder, &root, "", source)
}

fn walk(files: &mut Files, shown: &Path, folder: &Path, prefix: &str, source: usize) -> Result<(), CatalogError> {
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
            walk(files, &at, &entry.path(), &path, source)?;
        } else if kind.is_file() {
            let text = read(&entry.path()).map_err(|message| failed(&at, message))?;
            files.insert(&path, File { text: text.into(), source, shown: at.display().to_string().into() });
        } else {
            let what = if kind.is_symlink() { "a symbolic link" } else { "neither a file nor a folder" };
            let hint = Some("a catalog holds regular files only: put the file itself there".to_owned());
            return Err(CatalogError { hint, ..failed(&at, format!("found {what}")) });
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
