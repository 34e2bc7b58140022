//! What this program keeps on its own: where, how much, up to which limit, and how it is removed.
//!
//! In: the folder for state. Out: one item for each kind of file. Nothing is created and nothing removed here.

use super::{Failure, Kind, run::record, snapshots::Limits};
use crate::{
    store::{
        folders::{self, PANIC, SESSION},
        log, records, snapshots as moments,
        storage::{self, Held},
    },
    text::{count, size},
};
use std::{io, path::PathBuf};

/// One kind of files.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub what: &'static str,
    pub path: PathBuf,
    /// What is there, where that can be read.
    pub held: Result<Held, Failure>,
    /// What is removed by itself, in words.
    pub limit: String,
    /// What removes it, in words.
    pub removal: &'static str,
}

impl Item {
    /// What is there, in words: `3 files, 41 kB`.
    pub fn holds(&self) -> String {
        match &self.held {
            Ok(Held { files: 0, .. }) => "nothing".to_owned(),
            Ok(held) => format!("{}, {}", count(held.files, "file"), size(held.bytes)),
            Err(failure) => format!("unknown: {}", failure.why()),
        }
    }
}

/// Every kind; none where nothing names a folder for state.
pub fn items() -> Vec<Item> {
    let Some(state) = folders::state().map(|folder| folder.path) else { return Vec::new() };
    let item = |what, name: &str, held: io::Result<Held>, limit, removal| {
        let held = held.map_err(|error| Failure::from_error(Kind::Internal, "look at what is kept", error));
        Item { what, path: state.join(name), held, limit, removal }
    };
    let below = |name: &str| storage::held(&state.join(name));
    let kept = Limits::default();
    vec![
        item("runs", records::FOLDER, below(records::FOLDER), record::LIMITS.words(), "removed by `aicr runs prune`"),
        item(
            "snapshots",
            moments::FOLDER,
            below(moments::FOLDER),
            format!("{} of each cluster, {}; what has a name stays", kept.moments, size(kept.bytes)),
            "removed by `aicr snapshots prune`",
        ),
        item(
            "log",
            log::FILE,
            storage::held_by_name(&state, log::FILE),
            format!("2 files of {}", size(log::LARGEST)),
            "the file may be removed",
        ),
        item("session", SESSION, below(SESSION), "1 file".to_owned(), "`aicr --fresh` begins a new one"),
        item(
            "panics",
            &format!("{PANIC}TIME.txt"),
            storage::held_by_name(&state, PANIC),
            "none".to_owned(),
            "the files may be removed",
        ),
    ]
}

/// As lines for reading.
pub fn lines(items: &[Item]) -> String {
    let of = |item: &Item| {
        let Item { what, path, limit, removal, .. } = item;
        format!("{what}: {}\n  in {}\n  limit: {limit}\n  {removal}\n", item.holds(), path.display())
    };
    items.iter().map(of).collect::<Vec<_>>().join("\n")
}
