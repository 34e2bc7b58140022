//! Runs as files: one JSON line each for what is known of a run and for every event, below `runs/` in the folder for state.
//!
//! A file grows by whole lines while its run goes on, and whoever writes it holds a lock on it: so a killed program leaves
//! everything that it had written, a reader knows whether more will come, and nothing has to be repaired.

use super::{own, write};
use std::{
    fs, io,
    io::{BufRead, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Below the folder for state.
pub const FOLDER: &str = "runs";
const SUFFIX: &str = "jsonl";

/// The writing end of one record.
#[derive(Debug)]
pub struct Recorder {
    file: fs::File,
    pub path: PathBuf,
}

impl Recorder {
    /// Begins the record of a run; the name of a run is its id.
    ///
    /// # Errors
    /// What the system says; a record of that run exists already.
    pub fn create(folder: &Path, run_id: &str) -> io::Result<Recorder> {
        write::private_folder(folder)?;
        let path = folder.join(format!("{run_id}.{SUFFIX}"));
        let file = write::private().append(true).create_new(true).open(&path)?;
        // Not every file system has locks; without one a run that goes on looks like one that was killed.
        let _ = file.try_lock();
        Ok(Recorder { file, path })
    }

    /// Appends whole lines in one write.
    ///
    /// # Errors
    /// What the system says.
    pub fn append(&mut self, lines: &str) -> io::Result<()> {
        self.file.write_all(lines.as_bytes())
    }
}

/// A record that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The id of its run.
    pub name: String,
    pub path: PathBuf,
    pub bytes: u64,
    /// Somebody writes it now.
    pub is_open: bool,
}

/// Every record of a folder, the newest run first: ids begin with their time.
///
/// # Errors
/// What the system says; a folder that does not exist has none.
pub fn list(folder: &Path) -> io::Result<Vec<Stored>> {
    let mut stored = Vec::new();
    for entry in own::entries(folder)? {
        let path = entry.path();
        let is_record = path.extension().is_some_and(|suffix| suffix == SUFFIX);
        let (true, Some(name)) = (is_record, path.file_stem().and_then(|name| name.to_str())) else { continue };
        stored.push(Stored {
            name: name.to_owned(),
            bytes: fs::metadata(&path).map_or(0, |metadata| metadata.len()),
            is_open: is_open(&path),
            path,
        });
    }
    stored.sort_by(|one, other| other.name.cmp(&one.name));
    Ok(stored)
}

/// Whether somebody writes a record now.
pub fn is_open(path: &Path) -> bool {
    fs::File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}

/// A reader that goes on where it was: each call gives the whole lines that came since.
#[derive(Debug)]
pub struct Lines {
    file: fs::File,
    next: u64,
}

impl Lines {
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Lines> {
        Ok(Lines { file: fs::File::open(path)?, next: 0 })
    }

    /// What came since; a line that is not whole yet is left for later. Bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&mut self) -> io::Result<String> {
        self.file.seek(SeekFrom::Start(self.next))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        bytes.truncate(whole);
        self.next += u64::try_from(whole).unwrap_or(0);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Goes through the whole lines of a file, one at a time, until it is told that no more are wanted. Bytes that are not UTF-8 are
/// replaced.
///
/// # Errors
/// What the system says.
pub fn each_line(path: &Path, mut wants_more: impl FnMut(&str) -> bool) -> io::Result<()> {
    let mut file = io::BufReader::with_capacity(1 << 16, fs::File::open(path)?);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 && line.last() == Some(&b'\n') {
        if !wants_more(String::from_utf8_lossy(&line).trim_end()) {
            break;
        }
        line.clear();
    }
    Ok(())
}

/// Removes a record.
///
/// # Errors
/// What the system says.
pub fn remove(stored: &Stored) -> io::Result<()> {
    fs::remove_file(&stored.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_record_is_its_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("runs");
        let recorder = Recorder::create(&folder, "20260101-000000-00").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&recorder.path)), (0o700, 0o600));
    }

    #[test]
    fn a_record_grows_by_whole_lines_and_shows_whether_more_will_come() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(folder.path(), "20260101-000000-00").unwrap();
        recorder.append("one\n").unwrap();
        let mut lines = Lines::open(&recorder.path).unwrap();
        assert_eq!(lines.read().unwrap(), "one\n");
        recorder.append("two\nthr").unwrap();
        assert_eq!(lines.read().unwrap(), "two\n", "a line that is not whole is left");
        recorder.append("ee\n").unwrap();
        assert_eq!((lines.read().unwrap().as_str(), lines.read().unwrap().as_str()), ("three\n", ""));
        assert!(list(folder.path()).unwrap()[0].is_open);
        drop(recorder);
        assert!(!list(folder.path()).unwrap()[0].is_open);
        assert!(Recorder::create(folder.path(), "20260101-000000-00").is_err(), "a run is recorded once");
        assert_eq!(list(&folder.path().join("none")).unwrap(), []);
    }
}
