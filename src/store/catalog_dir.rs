//! The catalog as files: the embedded one or a folder in its place (`--catalog`), and folders layered over it (`--data`).
//!
//! A folder is read whole and checked before anything is believed: regular files only, no link that leads anywhere, no
//! file above 10 MiB, no more than 256 MiB in all. Hidden files and folders (`.git`) and files that no catalog holds
//! (pictures, archives) are passed over. The folder itself may be a link.

use super::{
    embedded::{self, Embedded},
    read::{Encoding, decode},
};
use crate::catalog::{File, Files, paths};
use std::{
    error::Error,
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The largest catalog file that is read, in bytes.
const LARGEST: u64 = 10 << 20;

/// The most that all folders together may hold, in bytes.
const LARGEST_SUM: u64 = 256 << 20;

/// Which files make a catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The folder that takes the place of the embedded catalog.
    pub catalog: Option<PathBuf>,
    /// The folders that are layered over it, lowest first.
    pub data: Vec<PathBuf>,
}

/// A folder that is not a catalog: what is wrong, and with which path.
#[derive(Debug)]
pub struct CatalogDirError {
    /// The folder as typed, and the path below it.
    pub path: PathBuf,
    /// What is wrong there.
    pub problem: CatalogDirProblem,
}

/// What is wrong with a path of a catalog folder.
#[derive(Debug, thiserror::Error)]
pub enum CatalogDirProblem {
    #[error("the catalog folder cannot be read")]
    Folder(#[source] io::Error),
    #[error("the catalog source is not a folder")]
    NotAFolder,
    /// Probably the folder above it or below it was meant.
    #[error("the folder has no file of a catalog")]
    Empty,
    #[error("the file name is not UTF-8")]
    Name,
    /// A link, a pipe, a device.
    #[error("found {0}, expected a regular file")]
    NotAFile(&'static str),
    #[error("the file was replaced by something else while it was read")]
    Replaced,
    #[error("the file cannot be read")]
    File(#[source] io::Error),
    #[error("the file is not text")]
    NotText(#[source] Encoding),
    #[error("the file has {bytes} bytes, more than the {LARGEST} allowed")]
    TooLarge { bytes: u64 },
    #[error("the catalog has more than the {LARGEST_SUM} bytes allowed")]
    SumTooLarge,
}

impl fmt::Display for CatalogDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl Error for CatalogDirError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

impl CatalogDirError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self.problem {
            CatalogDirProblem::NotAFolder | CatalogDirProblem::Empty => {
                Some("give the folder that holds `overlays/` or `registry.yaml`")
            }
            CatalogDirProblem::NotAFile(_) => Some("a catalog holds regular files only: put the file itself there"),
            _ => None,
        }
    }
}

/// The catalog that these sources make.
///
/// # Errors
/// A folder that is not there or is none, a link, pipe or device inside, a file that is too large or no UTF-8.
pub fn load(sources: &Sources) -> Result<Files, CatalogDirError> {
    let mut files = match &sources.catalog {
        Some(folder) => instead(folder)?,
        None => embedded(),
    };
    for folder in &sources.data {
        layer(&mut files, folder)?;
    }
    Ok(files)
}

/// A folder in the place of the embedded catalog.
fn instead(folder: &Path) -> Result<Files, CatalogDirError> {
    let mut files = Files::default();
    files.replaced_by = Some(folder.display().to_string());
    read_folder(&mut files, folder, 0)?;
    Ok(files)
}

/// The embedded catalog.
pub fn embedded() -> Files {
    let mut files = Files::default();
    for Embedded { path, text, packed } in embedded::catalog() {
        let shown = format!("catalog/{path}");
        files.insert(path, File { packed, ..File::new(0, shown, text) });
    }
    files.digested(embedded::catalog_digest())
}

/// Only the folder, without the embedded catalog below it.
///
/// # Errors
/// As [`load`].
pub fn alone(folder: &Path) -> Result<Files, CatalogDirError> {
    let mut files = Files::default();
    layer(&mut files, folder)?;
    Ok(files)
}

fn layer(files: &mut Files, folder: &Path) -> Result<(), CatalogDirError> {
    let source = files.sources.len() + 1;
    read_folder(files, folder, source)?;
    files.sources.push(folder.display().to_string());
    Ok(())
}

fn read_folder(files: &mut Files, folder: &Path, source: usize) -> Result<(), CatalogDirError> {
    let failed = |problem| CatalogDirError { path: folder.to_owned(), problem };
    let root = fs::canonicalize(folder).map_err(|error| failed(CatalogDirProblem::Folder(error)))?;
    if !root.is_dir() {
        return Err(failed(CatalogDirProblem::NotAFolder));
    }
    let bytes = files.iter().map(|(_, file)| file.text.len() as u64).sum();
    let mut walked = Walk { files, source, bytes, found: 0 };
    walk(&mut walked, folder, &root, "")?;
    if walked.found == 0 {
        return Err(failed(CatalogDirProblem::Empty));
    }
    Ok(())
}

/// Where the files of one folder go.
struct Walk<'f> {
    files: &'f mut Files,
    source: usize,
    /// Read so far, lower folders included.
    bytes: u64,
    /// Files of this folder that a catalog holds.
    found: usize,
}

fn walk(walked: &mut Walk<'_>, shown: &Path, folder: &Path, prefix: &str) -> Result<(), CatalogDirError> {
    let failed = |path: &Path, problem| CatalogDirError { path: path.to_owned(), problem };
    let unreadable = |error| failed(shown, CatalogDirProblem::Folder(error));
    let mut entries = fs::read_dir(folder).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let at = shown.join(&name);
        let Some(name) = name.to_str() else { return Err(failed(&at, CatalogDirProblem::Name)) };
        if name.starts_with('.') {
            continue;
        }
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            walk(walked, &at, &entry.path(), &path)?;
        } else if !kind.is_file() {
            let what = if kind.is_symlink() { "a symbolic link" } else { "neither a file nor a folder" };
            return Err(failed(&at, CatalogDirProblem::NotAFile(what)));
        } else if paths::is_catalog_file(&path) {
            let text = read(&entry.path()).map_err(|problem| failed(&at, problem))?;
            walked.bytes += text.len() as u64;
            walked.found += 1;
            if walked.bytes > LARGEST_SUM {
                return Err(failed(&at, CatalogDirProblem::SumTooLarge));
            }
            let shown = at.display().to_string();
            walked.files.insert(&path, File::new(walked.source, shown, text));
        }
    }
    Ok(())
}

/// A regular file's text; what was swapped for a pipe after the listing is found out before it can block.
fn read(path: &Path) -> Result<String, CatalogDirProblem> {
    let metadata = fs::symlink_metadata(path).map_err(CatalogDirProblem::File)?;
    if !metadata.is_file() {
        return Err(CatalogDirProblem::Replaced);
    }
    if metadata.len() > LARGEST {
        return Err(CatalogDirProblem::TooLarge { bytes: metadata.len() });
    }
    let file = fs::File::open(path).map_err(CatalogDirProblem::File)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(CatalogDirProblem::File)?;
    decode(bytes).map_err(CatalogDirProblem::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, overlay::Overlay};

    /// A folder with one good overlay, into which a test puts something else.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("overlays")).unwrap();
        fs::write(dir.path().join("overlays/x.yaml"), "kind: RecipeMetadata\nmetadata: {name: x}\n").unwrap();
        dir
    }

    /// The embedded catalog with these folders over it.
    fn over(data: &[&Path]) -> Sources {
        Sources { catalog: None, data: data.iter().map(|folder| folder.to_path_buf()).collect() }
    }

    #[track_caller]
    fn refused(dir: &Path, place: &str, part: &str) {
        let error = load(&over(&[dir])).unwrap_err();
        let words = crate::text::causes(&error);
        assert!(words.contains(part), "{words}");
        assert_eq!(error.path, dir.join(place));
    }

    #[test]
    fn embedded_trees_are_those_of_the_texts() {
        let files = embedded();
        let mut packed = 0;
        for (path, file) in files.iter().filter(|(_, file)| !file.packed.is_empty()) {
            let parsed = crate::catalog::parse::Document::parse(&file.shown, &file.text).unwrap();
            assert_eq!(file.document().unwrap().root, parsed.root, "{path}");
            packed += 1;
        }
        let unpacked = |path: &&str| {
            let read = ["overlays/", "mixins/", "registry.yaml", "edition.yaml", "validators/"];
            read.iter().any(|start| path.starts_with(start))
                && files.get(path).is_some_and(|file| file.packed.is_empty())
        };
        assert_eq!(
            files.iter().map(|(path, _)| path).find(unpacked),
            None,
            "every document that a start reads is packed"
        );
        assert!(packed > 150, "{packed}");
    }

    #[test]
    fn embedded_catalog_is_the_same_from_trees_and_from_texts() {
        let mut texts = Files::default();
        for (path, file) in embedded().iter() {
            texts.insert(path, File { packed: &[], ..file.clone() });
        }
        let (lazy, parsed) = (Catalog::whole(embedded()).unwrap(), Catalog::whole(texts).unwrap());
        assert_eq!(lazy.digest(), parsed.digest());
        assert_eq!(lazy.overlays.len(), parsed.overlays.len());
        for (own, other) in
            lazy.overlays.values().chain([&lazy.base]).zip(parsed.overlays.values().chain([&parsed.base]))
        {
            let head = |overlay: &Overlay| {
                let Overlay { name, path, parent, criteria, .. } = overlay;
                (name.clone(), path.clone(), parent.clone(), criteria.clone(), overlay.start())
            };
            assert_eq!(head(own), head(other));
            let body = |overlay: &Overlay| (overlay.body().document.root.clone(), format!("{:?}", overlay.body()));
            assert_eq!(body(own), body(other), "{}", own.name);
        }
        assert_eq!(format!("{:?}", lazy.registry), format!("{:?}", parsed.registry));
        assert_eq!(format!("{:?}", lazy.mixins), format!("{:?}", parsed.mixins));
        assert_eq!(lazy.edition, parsed.edition);
    }

    #[test]
    fn a_folder_over_the_embedded_catalog_changes_its_digest() {
        let dir = folder();
        let files = load(&over(&[dir.path()])).unwrap();
        let catalog = Catalog::new(files).unwrap();
        assert_ne!(catalog.digest(), Catalog::new(embedded()).unwrap().digest());
    }

    #[test]
    fn a_folder_needs_no_registry_and_what_is_no_catalog_file_is_passed_over() {
        let dir = folder();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join(".git/config"), b"\xff").unwrap();
        fs::write(dir.path().join("picture.png"), b"\x89PNG\xff").unwrap();
        fs::File::create(dir.path().join("image.tar")).unwrap().set_len(LARGEST * 2).unwrap();
        let files = load(&over(&[dir.path()])).unwrap();
        let added: Vec<&str> = files.iter().filter(|(_, file)| file.source == 1).map(|(path, _)| path).collect();
        assert_eq!(added, ["overlays/x.yaml"]);
    }

    #[test]
    fn later_folders_lie_over_earlier_ones() {
        let (lower, upper) = (folder(), folder());
        fs::write(upper.path().join("overlays/x.yaml"), "kind: RecipeMetadata\nmetadata: {name: y}\n").unwrap();
        let files = load(&over(&[lower.path(), upper.path()])).unwrap();
        assert_eq!((files.get("overlays/x.yaml").map(|file| file.source), files.sources.len()), (Some(2), 2));
    }

    #[test]
    fn a_catalog_folder_takes_the_place_of_the_embedded_catalog() {
        let (base, over) = (folder(), folder());
        fs::write(base.path().join("overlays/base.yaml"), "kind: RecipeMetadata\nmetadata: {name: base}\n").unwrap();
        let sources = Sources { catalog: Some(base.path().to_owned()), data: vec![over.path().to_owned()] };
        let files = load(&sources).unwrap();
        let paths: Vec<(&str, usize)> = files.iter().map(|(path, file)| (path, file.source)).collect();
        assert_eq!(paths, [("overlays/base.yaml", 0), ("overlays/x.yaml", 1)]);
        assert_eq!(files.replaced_by, Some(base.path().display().to_string()));
        assert_eq!(files.sources, [over.path().display().to_string()]);
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let dir = folder();
        let error = load(&over(&[&dir.path().join("missing")])).unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
        let error = load(&over(&[&dir.path().join("overlays/x.yaml")])).unwrap_err();
        assert!(error.to_string().contains("not a folder") && error.hint().is_some(), "{error}");
    }

    #[test]
    fn what_is_too_large_or_no_text_is_refused() {
        let dir = folder();
        fs::File::create(dir.path().join("big.yaml")).unwrap().set_len(LARGEST + 1).unwrap();
        refused(dir.path(), "big.yaml", "more than the 10485760 allowed");
        fs::write(dir.path().join("big.yaml"), b"a: \xff\n").unwrap();
        refused(dir.path(), "big.yaml", "byte 3 is not UTF-8 text");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_inside_are_refused_but_the_folder_may_be_a_link() {
        let dir = folder();
        let link = dir.path().join("link");
        let inner = folder();
        std::os::unix::fs::symlink(inner.path(), &link).unwrap();
        assert!(load(&over(&[&link])).is_ok());
        refused(dir.path(), "link", "a symbolic link");
        fs::remove_file(&link).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket.yaml")).unwrap();
        refused(dir.path(), "socket.yaml", "neither a file nor a folder");
    }
}
