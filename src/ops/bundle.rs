//! Bundle a recipe, and check a folder with a bundle.

use super::{Failure, Kind};
use crate::{
    bundle::{
        checksum::{self, Difference, Entry},
        deployer::DeployerError,
        plan::{self, BundlePlan, Options, PlanError},
    },
    catalog::Catalog,
    recipe::Recipe,
    store::bundle_dir::{self, FolderError, Found, NewFile},
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
    /// A signature over the list is there.
    pub is_signed: bool,
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
    let failure = |error: io::Error| {
        let (kind, hint) = match error.kind() {
            io::ErrorKind::NotFound => (Kind::NotFound, "correct the path; `aicr bundle -o DIR` makes such a folder"),
            io::ErrorKind::NotADirectory => (Kind::Usage, "give the folder of the bundle"),
            _ => (Kind::Usage, "correct the path or its permissions"),
        };
        Failure::from_error(kind, "verify the bundle", error).at(folder.display().to_string()).hint(hint)
    };
    let scanned = bundle_dir::scan(folder).map_err(failure)?;
    let mut checked = Checked {
        is_signed: checksum::SIGNATURES.iter().any(|path| scanned.contains_key(*path)),
        has_external_data: scanned.contains_key("data"),
        ..Checked::default()
    };
    let list = match scanned.get(checksum::FILE) {
        Some(Found::File) => read(folder, checksum::FILE).map_err(ListFailure::Read),
        Some(_) => Err(ListFailure::NotAFile),
        None => Err(ListFailure::Missing),
    };
    let list = match list.and_then(|text| checksum::parse(&text).map_err(ListFailure::List)) {
        Ok(list) => list,
        Err(failure) => {
            checked.list_problem = text::causes(&failure);
            return Ok(checked);
        }
    };
    checked.files = list.len();
    let found: BTreeMap<String, Entry> =
        scanned.into_iter().map(|(path, found)| (path.clone(), entry(folder, &path, found))).collect();
    checked.differences = checksum::compare(&list, &found);
    // A link or a pipe of that name is a difference, and nothing to read.
    let is_file = matches!(found.get("bundle-info.yaml"), Some(Entry::File(_)));
    let info = is_file.then(|| read(folder, "bundle-info.yaml").ok()).flatten();
    if let Some(info) = info.and_then(|text| yaml::parse(&text).ok()) {
        let info = info.to_value();
        let word = |pointer: &str| info.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        checked.tool = word("/metadata/version");
        checked.deployer = word("/build/deployer");
    }
    Ok(checked)
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

fn read(folder: &Path, name: &str) -> io::Result<String> {
    let path = folder.join(name);
    if path.symlink_metadata()?.len() > LIST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    bundle_dir::read_pieces(&path, |piece| bytes.extend_from_slice(piece))?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn entry(folder: &Path, path: &str, found: Found) -> Entry {
    match found {
        Found::Folder => Entry::Folder,
        Found::Link => Entry::Link,
        Found::Other => Entry::Other,
        Found::Unreadable(why) => Entry::Unreadable(why),
        Found::File => {
            let mut sum = checksum::Sum::default();
            match bundle_dir::read_pieces(&folder.join(path), |piece| sum.add(piece)) {
                Ok(()) => Entry::File(sum.digits()),
                Err(error) => Entry::Unreadable(text::causes(&error)),
            }
        }
    }
}
