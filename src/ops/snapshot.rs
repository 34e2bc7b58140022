//! Take a snapshot of a cluster; a snapshot as text and back.
//!
//! Where texts come from and go to is `place`'s.

use super::{Failure, Kind};
use crate::{
    cluster::{self, Connection},
    document::header::Edition,
    inventory::Inventory,
    snapshot::format,
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
