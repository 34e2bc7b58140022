//! A planned bundle beside one that exists, and beside its plan in another dialect.
//!
//! In: the files of a plan, and those that are there. Out: what writing the plan would change, by path. What is there and
//! cannot be read as a file differs, whatever it is.

use super::plan::{BundlePlan, File};
use std::collections::BTreeMap;

/// One file that would not stay as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'p> {
    /// Only the plan has it.
    New(&'p File),
    /// Only the other one has it.
    Gone(String),
    /// Both have it, with other bytes: those that are there, where they could be read.
    Changed(&'p File, Option<Vec<u8>>),
}

impl Change<'_> {
    pub fn path(&self) -> &str {
        match self {
            Change::New(file) | Change::Changed(file, _) => &file.path,
            Change::Gone(path) => path,
        }
    }

    /// What becomes of it, in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Change::New(_) => "new",
            Change::Gone(_) => "gone",
            Change::Changed(..) => "changed",
        }
    }
}

/// A bundle that is on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct There {
    /// By path; none for what is not a file or cannot be read.
    pub files: BTreeMap<String, Option<Vec<u8>>>,
    /// The dialect that it says it is in.
    pub deployer: Option<String>,
    /// Its first file, as it says: a dialect may have two forms.
    pub entrypoint: Option<String>,
}

/// What the plan would change, by path.
pub fn files<'p>(plan: &'p BundlePlan, there: &BTreeMap<String, Option<Vec<u8>>>) -> Vec<Change<'p>> {
    let mut changes: Vec<Change<'p>> = plan
        .files
        .iter()
        .filter_map(|file| match there.get(&file.path) {
            None => Some(Change::New(file)),
            Some(Some(bytes)) if **bytes == *file.bytes => None,
            Some(bytes) => Some(Change::Changed(file, bytes.clone())),
        })
        .collect();
    let planned: BTreeMap<&str, ()> = plan.files.iter().map(|file| (&*file.path, ())).collect();
    changes.extend(there.keys().filter(|path| !planned.contains_key(&***path)).map(|path| Change::Gone(path.clone())));
    changes.sort_by(|left, right| left.path().cmp(right.path()));
    changes
}

/// One release in two dialects: the files that are its own in each, and what comes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub release: String,
    pub left: Vec<String>,
    pub right: Vec<String>,
}

/// The releases of two plans of one recipe side by side, and at the end what belongs to none.
pub fn dialects(left: &BundlePlan, right: &BundlePlan) -> Vec<Pair> {
    let (mut left_files, mut right_files) = (own(left), own(right));
    let mut pairs: Vec<Pair> = left
        .bundle
        .releases
        .iter()
        .map(|release| Pair {
            release: release.name.clone(),
            left: left_files.remove(&*release.name).unwrap_or_default(),
            right: right_files.remove(&*release.name).unwrap_or_default(),
        })
        .collect();
    let rest = |files: BTreeMap<String, Vec<String>>| files.into_values().flatten().collect();
    pairs.push(Pair { release: "the whole".to_owned(), left: rest(left_files), right: rest(right_files) });
    pairs
}

/// The files of each release of a plan; those of none below an empty name.
fn own(plan: &BundlePlan) -> BTreeMap<String, Vec<String>> {
    let deployer = plan.bundle.options.deployer;
    let folders: BTreeMap<String, &str> =
        plan.bundle.releases.iter().map(|release| (deployer.folder(release), &*release.name)).collect();
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &plan.files {
        let folder = file.path.split_once('/').map_or("", |(folder, _)| folder);
        let stem = file.path.rsplit('/').next().and_then(|name| name.strip_suffix(".yaml")).unwrap_or_default();
        let named = plan.bundle.releases.iter().find(|release| release.name == stem).map(|release| &*release.name);
        let release = folders.get(folder).copied().or(named).unwrap_or_default();
        files.entry(release.to_owned()).or_default().push(file.path.clone());
    }
    files
}
