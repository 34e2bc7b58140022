//! Snapshots that are kept, below `snapshots/` in the folder for state: contents by their digest, and one small file for each
//! moment that says when a cluster looked like that. Of the newest moment of each cluster also what the next look at the
//! cluster is compared with, line by line, because a content of thousands of nodes takes much memory to read.
//!
//! Equal contents are one file, whatever their times. A moment is written after its content and removed before it, and who
//! changes either holds a lock; so a killed program leaves at most a content that no moment names, which [`sweep`] removes.

use super::{own, write};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashSet},
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Below the folder for state.
pub const FOLDER: &str = "snapshots";
const CONTENTS: &str = "contents";
const MOMENTS: &str = "moments";
const BASELINES: &str = "baselines";
const SUFFIX: &str = "json.gz";

/// What a cluster looked like at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// The version of this form.
    pub moment: String,
    /// Its time and the start of its digest: `20260114-091000-3f9a21c0`.
    pub id: String,
    /// When the snapshot was taken, in RFC 3339.
    pub at: String,
    /// The UID of the cluster; its context where that is not known.
    pub cluster: String,
    pub context: String,
    pub digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it came here: saved, recorded or imported.
    pub how: String,
    pub nodes: usize,
    /// The moment that it was compared with: the one before it of the same cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What differs from that: paths, a node as a whole. Without noise.
    #[serde(default)]
    pub things: Vec<Arc<str>>,
    /// How many readings differ.
    #[serde(default)]
    pub changes: usize,
    /// The first of them in words.
    #[serde(default)]
    pub words: Vec<String>,
}

/// The version of the form of moments.
pub const FORM: &str = "aicr.run/moment-v1";

/// Who may change the store; until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "what it does is to be there")] fs::File);

/// Waits until nobody else changes the store.
///
/// # Errors
/// What the system says.
pub fn lock(folder: &Path) -> io::Result<Lock> {
    write::private_folder(folder)?;
    let file = write::private().write(true).create(true).truncate(false).open(folder.join("lock"))?;
    // Not every file system has locks; a single program works without.
    let _ = file.lock();
    Ok(Lock(file))
}

/// `sha256:…` of a text.
pub fn digest(text: &[u8]) -> String {
    named(Sha256::new_with_prefix(text))
}

fn named(hash: Sha256) -> String {
    hash.finalize().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// How much is handed on at once: what making, hashing and packing it takes is less than a person or a terminal notices.
const PIECE: usize = 1 << 13;

/// Hands on what it is given, and lets whoever waits for the processor go first after each piece: a snapshot of thousands of
/// nodes takes a second or more, and keys are taken meanwhile.
struct InTurns<W>(W);

impl<W: Write> Write for InTurns<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.0.write(bytes)?;
        std::thread::yield_now();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Hands on what it is given, and knows the digest of it.
struct Digesting<W> {
    sink: W,
    hash: Sha256,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.sink.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

fn content_path(folder: &Path, digest: &str) -> PathBuf {
    folder.join(CONTENTS).join(format!("{}.{SUFFIX}", digest.trim_start_matches("sha256:")))
}

fn moment_path(folder: &Path, id: &str) -> PathBuf {
    folder.join(MOMENTS).join(format!("{id}.json"))
}

/// Whether a moment of this id is kept.
pub fn has(folder: &Path, id: &str) -> bool {
    moment_path(folder, id).is_file()
}

/// Keeps a content that is made while it is written; its digest, and whether it is new.
///
/// It is never in memory as a whole: that of thousands of nodes is larger than all else that the program holds.
///
/// # Errors
/// What the system says, and those of `text`.
pub fn keep(
    folder: &Path,
    _lock: &Lock,
    text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<(String, bool)> {
    write::private_folder(&folder.join(CONTENTS))?;
    let incoming = folder.join(CONTENTS).join(format!("incoming.{SUFFIX}"));
    let mut digest = String::new();
    write::write_private_with(&incoming, |sink| {
        let packed = GzEncoder::new(sink, Compression::fast());
        let sink = InTurns(Digesting { sink: packed, hash: Sha256::new() });
        let mut sink = io::BufWriter::with_capacity(PIECE, sink);
        text(&mut sink)?;
        let InTurns(Digesting { sink, hash }) = sink.into_inner().map_err(io::IntoInnerError::into_error)?;
        digest = named(hash);
        sink.finish().map(drop)
    })?;
    let path = content_path(folder, &digest);
    let is_new = !path.is_file();
    // Also in the place of one of that name, of which nothing is known: this one is whole.
    fs::rename(&incoming, &path).map(|()| (digest, is_new))
}

/// A content.
///
/// # Errors
/// What the system says; it is not what its name says.
pub fn content(folder: &Path, wanted: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    GzDecoder::new(fs::File::open(content_path(folder, wanted))?).read_to_end(&mut text)?;
    if digest(&text) != wanted {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the stored content was changed"));
    }
    Ok(text)
}

/// Bytes that a content takes; 0 where it is gone.
pub fn size(folder: &Path, digest: &str) -> u64 {
    fs::metadata(content_path(folder, digest)).map_or(0, |metadata| metadata.len())
}

fn baseline_path(folder: &Path, cluster: &str) -> PathBuf {
    // What a cluster is called can hold anything.
    let name = digest(cluster.as_bytes());
    folder.join(BASELINES).join(format!("{}.{SUFFIX}", name.trim_start_matches("sha256:")))
}

/// Keeps what the next look at a cluster is compared with, in place of what there was.
///
/// # Errors
/// What the system says, and those of `text`.
pub fn put_baseline(
    folder: &Path,
    _lock: &Lock,
    cluster: &str,
    text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    write::private_folder(&folder.join(BASELINES))?;
    write::write_private_with(&baseline_path(folder, cluster), |sink| {
        let sink = InTurns(GzEncoder::new(sink, Compression::fast()));
        let mut sink = io::BufWriter::with_capacity(PIECE, sink);
        text(&mut sink)?;
        let InTurns(sink) = sink.into_inner().map_err(io::IntoInnerError::into_error)?;
        sink.finish().map(drop)
    })
}

/// Reads what [`put_baseline`] kept.
///
/// # Errors
/// What the system says.
pub fn baseline(folder: &Path, cluster: &str) -> io::Result<impl io::BufRead + use<>> {
    Ok(io::BufReader::with_capacity(1 << 16, GzDecoder::new(fs::File::open(baseline_path(folder, cluster))?)))
}

/// Every moment, the oldest first. A file that is not one is left out.
///
/// # Errors
/// What the system says; a folder that does not exist has none.
pub fn list(folder: &Path) -> io::Result<Vec<Moment>> {
    let mut moments = Vec::new();
    // Hundreds of nodes change from moment to moment, and are the same ones all the time.
    let mut names: HashSet<Arc<str>> = HashSet::new();
    for entry in own::entries(&folder.join(MOMENTS))? {
        let path = entry.path();
        if path.extension().is_none_or(|suffix| suffix != "json") {
            continue;
        }
        match fs::read(&path) {
            Ok(text) => {
                let Ok(mut moment) = serde_json::from_slice::<Moment>(&text) else { continue };
                moment.things.iter_mut().for_each(|thing| match names.get(thing) {
                    Some(known) => *thing = Arc::clone(known),
                    None => drop(names.insert(Arc::clone(thing))),
                });
                moments.extend(Some(moment).filter(|moment| moment.moment == FORM));
            }
            // Somebody removed it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    moments.sort_by(|one, other| (&one.at, &one.id).cmp(&(&other.at, &other.id)));
    Ok(moments)
}

/// Writes a moment, or writes it again.
///
/// # Errors
/// What the system says.
pub fn put(folder: &Path, _lock: &Lock, moment: &Moment) -> io::Result<()> {
    write::private_folder(&folder.join(MOMENTS))?;
    let text = serde_json::to_vec_pretty(moment).map_err(io::Error::other)?;
    write::write_private(&moment_path(folder, &moment.id), &text)
}

/// Removes a moment; its content goes with the next [`sweep`].
///
/// # Errors
/// What the system says.
pub fn remove(folder: &Path, _lock: &Lock, id: &str) -> io::Result<()> {
    fs::remove_file(moment_path(folder, id))
}

/// Removes contents that no moment names, and baselines of clusters without moments; how many contents.
///
/// # Errors
/// What the system says.
pub fn sweep(folder: &Path, _lock: &Lock) -> io::Result<usize> {
    let moments = list(folder)?;
    let contents: BTreeSet<PathBuf> = moments.iter().map(|moment| content_path(folder, &moment.digest)).collect();
    let baselines: BTreeSet<PathBuf> = moments.iter().map(|moment| baseline_path(folder, &moment.cluster)).collect();
    remove_others(&folder.join(BASELINES), &baselines)?;
    remove_others(&folder.join(CONTENTS), &contents)
}

/// Removes the files of a folder that are not among these; how many. A folder that does not exist has none.
fn remove_others(folder: &Path, used: &BTreeSet<PathBuf>) -> io::Result<usize> {
    let mut removed = 0;
    for entry in own::entries(folder)? {
        let path = entry.path();
        if !used.contains(&path) {
            fs::remove_file(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(id: &str, digest: &str) -> Moment {
        let at = format!("2026-01-{}T00:00:00Z", &id[6..8]);
        Moment { moment: FORM.into(), id: id.into(), at, digest: digest.into(), ..Moment::default() }
    }

    fn contents(folder: &Path) -> usize {
        fs::read_dir(folder.join(CONTENTS)).unwrap().count()
    }

    /// Of a fleet that changes all the time, hundreds of names in each of hundreds of moments.
    #[test]
    fn a_name_that_is_in_many_moments_is_held_once() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        for id in ["20260114-000000-aaaaaaaa", "20260113-000000-aaaaaaaa"] {
            let moment = Moment { things: vec!["node[gpu-2]".into()], ..moment(id, "one") };
            put(folder.path(), &held, &moment).unwrap();
        }
        let listed = list(folder.path()).unwrap();
        assert!(Arc::ptr_eq(&listed[0].things[0], &listed[1].things[0]));
    }

    #[test]
    fn identical_content_is_one_file_and_goes_with_its_last_moment() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let held = lock(folder).unwrap();
        let name = digest(b"one");
        let one = |sink: &mut dyn Write| sink.write_all(b"one");
        assert_eq!(keep(folder, &held, one).unwrap(), (name.clone(), true));
        assert_eq!(keep(folder, &held, one).unwrap(), (name.clone(), false));
        for id in ["20260114-000000-aaaaaaaa", "20260113-000000-aaaaaaaa"] {
            put(folder, &held, &moment(id, &name)).unwrap();
        }
        let ids = |folder| list(folder).unwrap().into_iter().map(|moment| moment.id).collect::<Vec<_>>();
        assert_eq!(ids(folder), ["20260113-000000-aaaaaaaa", "20260114-000000-aaaaaaaa"], "by time");
        assert_eq!((contents(folder), content(folder, &name).unwrap()), (1, b"one".to_vec()));
        remove(folder, &held, "20260113-000000-aaaaaaaa").unwrap();
        assert_eq!((sweep(folder, &held).unwrap(), contents(folder)), (0, 1));
        remove(folder, &held, "20260114-000000-aaaaaaaa").unwrap();
        assert_eq!((sweep(folder, &held).unwrap(), contents(folder)), (1, 0));
    }

    #[test]
    fn a_content_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let held = lock(folder).unwrap();
        let (name, _) = keep(folder, &held, |sink| sink.write_all(b"two")).unwrap();
        fs::rename(content_path(folder, &name), content_path(folder, &digest(b"one"))).unwrap();
        assert_eq!(content(folder, &digest(b"one")).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_content_that_is_damaged_is_whole_again_when_it_is_kept_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let held = lock(folder).unwrap();
        let one = |sink: &mut dyn Write| sink.write_all(b"one");
        let (name, _) = keep(folder, &held, one).unwrap();
        // What a full disk or a power cut leaves.
        fs::write(content_path(folder, &name), "").unwrap();
        assert!(content(folder, &name).is_err());
        assert_eq!(keep(folder, &held, one).unwrap(), (name.clone(), false));
        assert_eq!((contents(folder), content(folder, &name).unwrap()), (1, b"one".to_vec()));
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_moments() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(list(&folder.path().join("none")).unwrap(), []);
    }
}
