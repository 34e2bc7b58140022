//! Bundle a recipe, and check a folder with a bundle.

use super::{Failure, Kind, place};
use crate::{
    bundle::{
        checksum::{self, Difference, Entry},
        compare::{Change, There},
        deployer::DeployerError,
        info,
        plan::{self, BundlePlan, Options, PlanError},
        signature::{self, Key, Log, SignatureError},
        tar,
        vendor::Wanted,
    },
    catalog::Catalog,
    diff::text::{Row, side_by_side},
    recipe::Recipe,
    store::{
        bundle_dir::{self, FolderError, Found, NewFile},
        write as files,
    },
    text, yaml,
};
use serde_json::Value;
use std::{collections::BTreeMap, io, path::Path};

/// Everything that a bundle of a recipe is, before a byte is written.
///
/// # Errors
/// `Usage` for what would make it fail or differ from what was asked for.
pub fn plan(catalog: &Catalog, recipe: &Recipe, options: Options) -> Result<BundlePlan, Failure> {
    plan::plan(catalog, recipe, options).map_err(|error: PlanError| {
        let hint = error.hint();
        Failure { hint, ..Failure::from_error(Kind::Usage, "plan the bundle", error) }
    })
}

/// The charts that a plan would fetch when it is deployed.
pub fn wanted(plan: &BundlePlan) -> Vec<Wanted> {
    let upstream = plan.bundle.releases.iter().filter_map(|release| release.chart.upstream());
    let mut wanted: Vec<Wanted> = upstream
        .map(|(name, url, version)| Wanted { name: name.to_owned(), url: url.to_owned(), version: version.to_owned() })
        .collect();
    wanted.sort();
    wanted.dedup();
    wanted
}

/// The failure for a dialect that cannot be used so.
pub fn unsuited(error: DeployerError) -> Failure {
    let hint = error.hint();
    Failure { hint, ..Failure::from_error(Kind::Usage, "choose how the bundle is deployed", error) }
}

/// Finds out before long work that a bundle could not be written there.
///
/// # Errors
/// What is there, unless it is a bundle that is complete and may be replaced.
pub fn probe(folder: &Path, replace: bool) -> Result<(), Failure> {
    match bundle_dir::probe(folder) {
        Err(FolderError::NotEmpty(_)) if replace => {
            // A shell that stands in it would stay in the one that is removed.
            if let (Ok(whole), Ok(here)) = (folder.canonicalize(), Path::new(".").canonicalize())
                && here.starts_with(&whole)
            {
                let because = "the current folder is in it, and would be removed";
                return Err(Failure::new(Kind::Usage, "replace the bundle", because)
                    .at(whole.display().to_string())
                    .hint("change to another folder, and name this one with --output"));
            }
            bundle_dir::replaceable(folder).map_err(|error| unwritten(folder, error))?;
            let checked = check(folder)?;
            match checked.is_intact() {
                true => Ok(()),
                false => {
                    let because = format!("it is not a complete bundle: {}", checked.words());
                    Err(Failure::new(Kind::Usage, "replace the bundle", because)
                        .at(folder.display().to_string())
                        .hint("remove the folder yourself if nothing in it is needed"))
                }
            }
        }
        other => other.map_err(|error| unwritten(folder, error)),
    }
}

/// Writes a bundle into a folder that does not exist or is empty, or in the place of another bundle.
///
/// # Errors
/// As [`probe`]; what the system says. The folder is then as it was.
pub fn write(folder: &Path, plan: &BundlePlan, replace: bool) -> Result<(), Failure> {
    probe(folder, replace)?;
    let is_replaced = replace && bundle_dir::probe(folder).is_err();
    let files: Vec<NewFile<'_>> =
        plan.files.iter().map(|file| NewFile { path: &file.path, bytes: &file.bytes, mode: file.mode }).collect();
    bundle_dir::write(folder, &files, is_replaced).map_err(|error| unwritten(folder, error))
}

fn unwritten(folder: &Path, error: FolderError) -> Failure {
    let (kind, hint) = match &error {
        FolderError::File | FolderError::NotEmpty(_) => (
            Kind::Usage,
            "give a new or empty folder with --output, for example `-o bundle`; --replace replaces a bundle",
        ),
        FolderError::MountPoint => {
            (Kind::Usage, "give a folder inside it with --output, or empty it: one that is empty is filled")
        }
        FolderError::Io { source, .. } => match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                (Kind::Usage, "choose another --output, or ask for the right to write there")
            }
            io::ErrorKind::NotADirectory => (Kind::Usage, "a part of the path is a file; choose another --output"),
            _ => (Kind::Internal, "nothing was left behind; free some space or choose another --output"),
        },
    };
    Failure::from_error(kind, "write the bundle", error).at(folder.display().to_string()).hint(hint)
}

/// What was found in a folder with a bundle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// Files that are listed.
    pub files: usize,
    /// Why the list cannot be used; empty where it can.
    pub list_problem: String,
    pub differences: Vec<Difference>,
    /// The list itself.
    pub list: String,
    /// A signature over the list, or one over the program that made it, is there.
    pub is_signed: bool,
    /// The one over the program is there.
    pub is_program_signed: bool,
    /// The one over the list, if it can be read.
    pub signature: Option<String>,
    /// Files of a catalog that is not the program's own are there.
    pub has_external_data: bool,
    /// `metadata.version` of `bundle-info.yaml`.
    pub tool: Option<String>,
    pub deployer: Option<String>,
}

impl Checked {
    /// Whether every file is as it was written, and no other is there.
    pub fn is_intact(&self) -> bool {
        self.list_problem.is_empty() && self.differences.is_empty()
    }

    /// What is wrong, in one line.
    pub fn words(&self) -> String {
        match (&*self.list_problem, &*self.differences) {
            ("", []) => "every file is as it was written".to_owned(),
            ("", [first]) => first.to_string(),
            ("", [first, rest @ ..]) => format!("{first}, and {} more", rest.len()),
            (problem, _) => problem.to_owned(),
        }
    }
}

/// Compares a folder with its list of checksums.
///
/// # Errors
/// `NotFound` without such a folder; the folder cannot be read.
pub fn check(folder: &Path) -> Result<Checked, Failure> {
    let scanned = bundle_dir::scan(folder).map_err(|error| unreadable(folder, error))?;
    let entry = |path: &str, found: &Found| {
        entry(found, || {
            let mut sum = checksum::Sum::default();
            bundle_dir::read_pieces(&folder.join(path), |piece| sum.add(piece))?;
            Ok(sum.digits())
        })
    };
    Ok(checked(&scanned, &entry, &|name, limit| read_text(folder, name, limit)))
}

fn unreadable(folder: &Path, error: io::Error) -> Failure {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::NotFound => (Kind::NotFound, "correct the path; `aicr bundle -o DIR` makes such a folder"),
        io::ErrorKind::NotADirectory => (Kind::Usage, "give the folder of the bundle"),
        _ => (Kind::Usage, "correct the path or its permissions"),
    };
    Failure::from_error(kind, "verify the bundle", error).at(folder.display().to_string()).hint(hint)
}

/// A bundle that was read once: what is said of it is said of these bytes.
pub struct Read {
    pub checked: Checked,
    /// By path. Of a folder that is not a bundle none: any other may hold more than there is memory for.
    pub files: BTreeMap<String, Vec<u8>>,
    /// By path: what is not a folder and was not read, because it is not a file or because it cannot be.
    pub unread: Vec<Difference>,
}

/// Reads a folder whole and compares it with its list of checksums.
///
/// # Errors
/// As [`check`].
pub fn read(folder: &Path) -> Result<Read, Failure> {
    let scanned = bundle_dir::scan(folder).map_err(|error| unreadable(folder, error))?;
    let is_bundle = [checksum::FILE, info::FILE].iter().any(|name| scanned.get(*name) == Some(&Found::File));
    let mut files = BTreeMap::new();
    let mut entries = BTreeMap::new();
    for (path, found) in scanned.iter().filter(|_| is_bundle) {
        let entry = entry(found, || {
            let mut bytes = Vec::new();
            bundle_dir::read_pieces(&folder.join(path), |piece| bytes.extend_from_slice(piece))?;
            let digest = checksum::digest(&bytes);
            files.insert(path.clone(), bytes);
            Ok(digest)
        });
        entries.insert(path.clone(), entry);
    }
    let entry = |path: &str, _: &Found| entries.get(path).cloned().unwrap_or(Entry::Other);
    let checked = checked(&scanned, &entry, &|name, limit| within(files.get(name), limit));
    let unread = entries.iter().filter_map(|(path, entry)| entry.unread(path)).collect();
    Ok(Read { checked, files, unread })
}

/// The text of a file that is in memory.
fn within(bytes: Option<&Vec<u8>>, limit: u64) -> io::Result<String> {
    match bytes {
        Some(bytes) if bytes.len() as u64 > limit => Err(io::ErrorKind::FileTooLarge.into()),
        Some(bytes) => {
            String::from_utf8(bytes.clone()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        }
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Compares a bundle that was read from a registry with its list of checksums.
pub fn check_artifact(entries: &BTreeMap<String, tar::Kind>) -> Checked {
    let kind = |kind: &tar::Kind| match kind {
        tar::Kind::File(_) => Found::File,
        tar::Kind::Folder => Found::Folder,
        tar::Kind::Link => Found::Link,
        tar::Kind::Other => Found::Other,
    };
    let scanned = entries.iter().map(|(path, entry)| (path.clone(), kind(entry))).collect();
    let entry = |path: &str, found: &Found| match (entries.get(path), found) {
        (Some(tar::Kind::File(bytes)), _) => Entry::File(checksum::digest(bytes)),
        (_, Found::Folder) => Entry::Folder,
        (_, Found::Link) => Entry::Link,
        _ => Entry::Other,
    };
    checked(&scanned, &entry, &|name, limit| {
        let bytes = match entries.get(name) {
            Some(tar::Kind::File(bytes)) => Some(bytes),
            _ => None,
        };
        within(bytes, limit)
    })
}

fn checked(
    scanned: &BTreeMap<String, Found>,
    entry: &dyn Fn(&str, &Found) -> Entry,
    read: &dyn Fn(&str, u64) -> io::Result<String>,
) -> Checked {
    let mut checked = Checked {
        is_signed: checksum::SIGNATURES.iter().any(|path| scanned.contains_key(*path)),
        is_program_signed: scanned.contains_key(checksum::SIGNATURES[1]),
        has_external_data: scanned.contains_key("data"),
        ..Checked::default()
    };
    let list = match scanned.get(checksum::FILE) {
        Some(Found::File) => read(checksum::FILE, LIST).map_err(ListFailure::Read),
        Some(_) => Err(ListFailure::NotAFile),
        None => Err(ListFailure::Missing),
    };
    let list = match list.and_then(|text| Ok((checksum::parse(&text).map_err(ListFailure::List)?, text))) {
        Ok((list, text)) => {
            checked.list = text;
            list
        }
        Err(failure) => {
            checked.list_problem = text::causes(&failure);
            return checked;
        }
    };
    checked.files = list.len();
    let found: BTreeMap<String, Entry> =
        scanned.iter().map(|(path, found)| (path.clone(), entry(path, found))).collect();
    checked.differences = checksum::compare(&list, &found);
    let is_file = |path: &str| matches!(found.get(path), Some(Entry::File(_)));
    if is_file(checksum::SIGNATURES[0]) {
        checked.signature = read(checksum::SIGNATURES[0], SIGNATURE).ok();
    }
    // A link or a pipe of that name is a difference, and nothing to read.
    let info = is_file(info::FILE).then(|| read(info::FILE, LIST).ok()).flatten();
    if let Some(info) = info.and_then(|text| yaml::parse(&text).ok()) {
        let info = info.to_value();
        checked.tool = info_word(&info, "/metadata/version");
        checked.deployer = info_word(&info, DEPLOYER);
    }
    checked
}

const DEPLOYER: &str = "/build/deployer";

/// What `bundle-info.yaml` says there.
fn info_word(info: &Value, pointer: &str) -> Option<String> {
    info.pointer(pointer)?.as_str().map(str::to_owned)
}

/// What is asked of a signature.
#[derive(Clone, Debug)]
pub struct Trust {
    key: Key,
    /// Logs of which one must have it; none where a person said that none needs to.
    logs: Option<Vec<Log>>,
}

impl Trust {
    /// Reads a public key, and perhaps a trusted root.
    ///
    /// # Errors
    /// Files that are not those.
    pub fn read(key: &str, root: Option<&str>, ignores_log: bool) -> Result<Trust, Failure> {
        if key.contains("://") {
            let because = "keys of a key management service are not available yet";
            let failure = Failure::new(Kind::Usage, "read the public key", because).at(key);
            return Err(failure.hint("export the public key in PEM format and give the file"));
        }
        let file = |path: &str, what: &str| place::read_local(&place::Place::File(path.into()), what);
        let text = file(key, "public key")?;
        let key = Key::pem(&text).map_err(|error| {
            let failure = Failure::from_error(Kind::Usage, "read the public key", error).at(key);
            failure.hint("give the file that `cosign generate-key-pair` calls cosign.pub")
        })?;
        let logs = match root {
            Some(path) => signature::logs(&file(path, "trusted root")?).map_err(|error| {
                let failure = Failure::from_error(Kind::Usage, "read the trusted root", error).at(path);
                failure.hint("give a trusted_root.json of Sigstore")
            })?,
            None => Vec::new(),
        };
        Ok(Trust { key, logs: (!ignores_log).then_some(logs) })
    }

    /// Whether the signature of a bundle holds.
    ///
    /// # Errors
    /// Why it does not, or is not known to.
    pub fn judge(&self, checked: &Checked) -> Result<(), SignatureError> {
        let text = checked.signature.as_deref().ok_or(SignatureError::Format("there is no such file"))?;
        let entry = self.logs.as_deref().map_or(signature::Entry::Ignored, signature::Entry::In);
        signature::verify(text, checked.list.as_bytes(), &self.key, entry)
    }
}

/// A bundle that is on disk, with every file.
///
/// # Errors
/// As [`check`].
pub fn there(folder: &Path) -> Result<There, Failure> {
    let doing = "read the bundle";
    let hint = "give the folder that `aicr bundle -o` wrote";
    let read = read(folder).map_err(|failure| Failure { doing: doing.to_owned(), ..failure }.hint(hint))?;
    let unread: BTreeMap<String, Option<Vec<u8>>> =
        read.unread.iter().map(|unread| (unread.path().to_owned(), None)).collect();
    if !read.files.contains_key(checksum::FILE) && !unread.contains_key(checksum::FILE) {
        let because = format!("the folder is not a bundle: it has no `{}`", checksum::FILE);
        return Err(Failure::new(Kind::Usage, doing, because).at(folder.display().to_string()).hint(hint));
    }
    // Also of a bundle whose list is damaged.
    let info = within(read.files.get(info::FILE), LIST).ok();
    let info = info.and_then(|text| yaml::parse(&text).ok()).map(|info| info.to_value()).unwrap_or_default();
    let (deployer, entrypoint) = (info_word(&info, DEPLOYER), info_word(&info, "/layout/entrypoint"));
    let files = read.files.into_iter().map(|(path, bytes)| (path, Some(bytes)));
    Ok(There { files: files.chain(unread).collect(), deployer, entrypoint })
}

/// A file that cannot be compared line by line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCompared {
    #[error("it is a binary file")]
    Binary,
    /// A link, a pipe, something without a right to read it.
    #[error("what is there is not a file, or cannot be read")]
    NotAFile,
}

/// A line that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `-` for one that is there, `+` for one of the plan.
    pub sign: char,
    /// In its own file, from 1.
    pub number: usize,
    pub text: String,
}

/// The lines of a file that differ, in their order. None of a file that only one side has, and none of the list of
/// checksums, in which every digest of a changed file differs.
///
/// # Errors
/// What is there, or what would be, is not text; what is there is not a file.
pub fn lines(change: &Change<'_>) -> Result<Vec<Line>, NotCompared> {
    let Change::Changed(file, there) = change else { return Ok(Vec::new()) };
    let there = there.as_deref().ok_or(NotCompared::NotAFile)?;
    let (old, new) = (std::str::from_utf8(there), std::str::from_utf8(&file.bytes));
    let (Ok(old), Ok(new)) = (old, new) else { return Err(NotCompared::Binary) };
    if file.path == checksum::FILE {
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    for row in side_by_side(old, new) {
        let Row::Changed { left, right } = row else { continue };
        for (sign, side) in [('-', left), ('+', right)] {
            let Some((number, parts)) = side else { continue };
            let text = parts.iter().map(|(_, part)| part.as_str()).collect();
            lines.push(Line { sign, number, text });
        }
    }
    Ok(lines)
}

/// Why the list of checksums cannot be used.
#[derive(Debug, thiserror::Error)]
enum ListFailure {
    #[error("the folder has no `{}`", checksum::FILE)]
    Missing,
    #[error("`{}` is not a file", checksum::FILE)]
    NotAFile,
    #[error("`{}` cannot be read", checksum::FILE)]
    Read(#[source] io::Error),
    #[error("`{}` cannot be used", checksum::FILE)]
    List(#[source] checksum::ListError),
}

/// Largest list of checksums: a hundred thousand files.
const LIST: u64 = 16 << 20;
/// Of a signature.
const SIGNATURE: u64 = 10 << 20;

fn read_text(folder: &Path, name: &str, limit: u64) -> io::Result<String> {
    let path = folder.join(name);
    if path.symlink_metadata()?.len() > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    bundle_dir::read_pieces(&path, |piece| bytes.extend_from_slice(piece))?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// What is at a path; `digest` reads the file that is there.
fn entry(found: &Found, digest: impl FnOnce() -> io::Result<String>) -> Entry {
    match found {
        Found::Folder => Entry::Folder,
        Found::Link => Entry::Link,
        Found::Other => Entry::Other,
        Found::Unreadable(why) => Entry::Unreadable(why.clone()),
        Found::File => digest().map_or_else(|error| Entry::Unreadable(text::causes(&error)), Entry::File),
    }
}

/// Writes a text that only its owner reads, whole or not at all.
///
/// # Errors
/// What the system says.
pub fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    files::write_private(path, text.as_bytes()).map_err(|error| place::unwritable(&path.display().to_string(), error))
}
