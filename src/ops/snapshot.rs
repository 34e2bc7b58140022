//! Take a snapshot of a cluster; a snapshot as text and back.
//!
//! Where texts come from and go to is `place`'s.

use super::{Failure, Kind, place};
use crate::{
    cluster::{self, Connection},
    document::header::Edition,
    inventory::{Inventory, Subtype},
    snapshot::{
        self, format,
        provider::{self, Dump},
    },
    store::{
        self,
        read::{self, ReadError},
    },
    yaml::stream::Serialized,
};
use std::{
    fmt,
    io::{self, Write as _},
    path::Path,
};

pub use super::place::Format;

/// A snapshot of a live cluster. `now` is RFC 3339.
///
/// # Errors
/// The nodes or the version cannot be read. Any other source that cannot be read is a gap, noted in the snapshot.
pub async fn take(connection: &Connection, now: &str) -> Result<Inventory, Failure> {
    Ok(cluster::collect::snapshot(connection, now).await?)
}

/// The text of a snapshot, with its fingerprint and a final newline.
pub fn text(snapshot: &Inventory, written: Format, edition: Edition) -> String {
    let value = format::to_value(snapshot, edition);
    match written {
        Format::Yaml => crate::yaml::to_string(&value),
        // Pretty printing of a value cannot fail: its keys are texts.
        Format::Json => serde_json::to_string_pretty(&value).unwrap_or_default() + "\n",
    }
}

/// Writes what [`text`] gives, piece by piece: the text of a large cluster is larger than the cluster.
///
/// # Errors
/// Those of the sink.
pub fn stream(snapshot: &Inventory, written: Format, edition: Edition, sink: &mut dyn io::Write) -> io::Result<()> {
    let stream = snapshot::stream(snapshot, edition);
    match written {
        Format::Yaml => {
            let mut sink = Sink { sink, failure: None };
            crate::yaml::write(&mut sink, stream)
                .map_err(|_| sink.failure.take().unwrap_or_else(|| io::ErrorKind::Other.into()))
        }
        Format::Json => {
            let mut sink = io::BufWriter::new(sink);
            serde_json::to_writer_pretty(&mut sink, &Serialized::from(stream))?;
            sink.write_all(b"\n")?;
            sink.flush()
        }
    }
}

/// A sink of bytes for texts; it keeps why it failed.
struct Sink<'s> {
    sink: &'s mut dyn io::Write,
    failure: Option<io::Error>,
}

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.sink.write_all(text.as_bytes()).map_err(|error| {
            self.failure = Some(error);
            fmt::Error
        })
    }
}

/// Writes a snapshot to a file, whole or not at all.
///
/// # Errors
/// What the system says; the file is then as it was.
pub fn write(snapshot: &Inventory, written: Format, edition: Edition, path: &Path) -> Result<(), Failure> {
    store::write::write_with(path, |sink| stream(snapshot, written, edition, sink))
        .map_err(|error| place::unwritable(&path.display().to_string(), error))
}

/// The readings in what a cloud provider's program printed: a regular file of at most 1 MiB.
///
/// # Errors
/// `NotFound`, or `Usage` for what is not such a list.
pub fn dump(dump: Dump, file: &Path) -> Result<Subtype, Failure> {
    let doing = format!("read --{}", dump.name());
    let at = file.display().to_string();
    let hint = || format!("write it with: {} > {at}", dump.command());
    let text = read::small(file, LARGEST_DUMP).map_err(|error| {
        let kind = if matches!(error, ReadError::NotFound) { Kind::NotFound } else { Kind::Usage };
        Failure::from_error(kind, doing.clone(), error).at(&at).hint(hint())
    })?;
    provider::read(dump, &text).map_err(|error| Failure::from_error(Kind::Usage, doing, error).at(&at).hint(hint()))
}

/// In bytes, as the reference limits them.
const LARGEST_DUMP: u64 = 1 << 20;

/// The snapshot that a text holds; `at` names the text in the failure.
///
/// # Errors
/// `Usage` for what is not YAML or JSON, or not a snapshot, with the line where that is known.
pub fn parse(text: &str, at: &str) -> Result<Inventory, Failure> {
    format::read(text).map_err(|error| {
        let at = error.at().map_or(at.to_owned(), |position| format!("{at}:{position}"));
        let hint = error.hint();
        Failure::from_error(Kind::Usage, "read the snapshot", error).at(at).hint(hint)
    })
}
