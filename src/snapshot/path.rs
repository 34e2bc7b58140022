//! Addresses of readings: `K8s.server.version`, `NetworkTopology.pfs[rail=0].model`.
//!
//! The first dot ends the type. The subtype ends at the next dot or bracket; where no subtype of that name exists, longer
//! names are tried, so that `SystemD.containerd.service.ActiveState` finds the unit `containerd.service`.

use super::{Item, Snapshot};
use std::fmt;

/// The measurement types, in the order in which they are written.
pub const TYPES: [&str; 6] = ["K8s", "GPU", "OS", "SystemD", "NodeTopology", "NetworkTopology"];

/// Why a path names no reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// The path itself is wrong.
    Malformed {
        path: String,
        reason: String,
    },
    NoMeasurement {
        kind: String,
    },
    NoSubtype {
        kind: String,
        subtype: String,
    },
    NoReading {
        path: String,
    },
    /// A predicate that more than one item meets.
    Ambiguous {
        path: String,
        matches: usize,
    },
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathError::Malformed { path, reason } => write!(f, "`{path}` is no measurement path: {reason}"),
            PathError::NoMeasurement { kind } => write!(f, "the snapshot has no {kind} measurement"),
            PathError::NoSubtype { kind, subtype } => write!(f, "the snapshot's {kind} has no `{subtype}`"),
            PathError::NoReading { path } => write!(f, "the snapshot has no reading `{path}`"),
            PathError::Ambiguous { path, matches } => write!(f, "{matches} items match `{path}`"),
        }
    }
}

impl std::error::Error for PathError {}

/// Which item of a subtype.
enum Choice<'p> {
    Index(usize),
    Where(&'p str, &'p str),
}

/// The textual form of the reading that a path names.
///
/// # Errors
/// Every [`PathError`]. A reading that is null in the file counts as missing.
pub fn find(path: &str, snapshot: &Snapshot) -> Result<String, PathError> {
    let malformed = |reason: &str| PathError::Malformed { path: path.to_owned(), reason: reason.to_owned() };
    let (kind, rest) = path.split_once('.').ok_or_else(|| malformed("it has no dot"))?;
    if !TYPES.contains(&kind) {
        return Err(malformed(&format!("the type must be one of {}", TYPES.join(", "))));
    }
    let end = rest.find(['.', '[']).ok_or_else(|| malformed("it names no key"))?;
    if end == 0 {
        return Err(malformed("it names no subtype"));
    }
    let measurement = snapshot.measurement(kind).ok_or_else(|| PathError::NoMeasurement { kind: kind.to_owned() })?;
    let named = |name: &str| measurement.subtypes.iter().find(|subtype| subtype.name == name);
    let (subtype, rest) = match named(&rest[..end]) {
        Some(subtype) => (subtype, &rest[end..]),
        None => longer(rest, end, named)
            .ok_or_else(|| PathError::NoSubtype { kind: kind.to_owned(), subtype: rest[..end].to_owned() })?,
    };
    let missing = || PathError::NoReading { path: path.to_owned() };
    let reading = if let Some(key) = rest.strip_prefix('.') {
        if key.is_empty() {
            return Err(malformed("it names no key"));
        }
        subtype.data.get(key).map(ToString::to_string)
    } else {
        let (choice, key) = selector(rest).map_err(malformed)?;
        let item =
            pick(&subtype.items, &choice).map_err(|matches| PathError::Ambiguous { path: path.to_owned(), matches })?;
        item.and_then(|item| field(item, key))
    };
    reading.filter(|text| text != super::format::NULL).ok_or_else(missing)
}

/// The longest subtype whose name goes on beyond the first dot.
fn longer<'s, 'p>(
    rest: &'p str,
    end: usize,
    named: impl Fn(&str) -> Option<&'s super::Subtype>,
) -> Option<(&'s super::Subtype, &'p str)> {
    let ends = rest.char_indices().filter(|(index, c)| *index > end && matches!(c, '.' | '['));
    ends.filter_map(|(end, _)| Some((named(&rest[..end])?, &rest[end..]))).last()
}

/// `[choice].key`
fn selector(text: &str) -> Result<(Choice<'_>, &str), &'static str> {
    let close = text.find(']').ok_or("the bracket is not closed")?;
    let inner = &text[1..close];
    let key =
        text[close + 1..].strip_prefix('.').filter(|key| !key.is_empty()).ok_or("no `.key` follows the bracket")?;
    let choice = match inner.split_once('=') {
        Some((name, value)) if !(name.is_empty() || value.is_empty()) => Choice::Where(name, value),
        _ => Choice::Index(inner.parse().map_err(|_| "the bracket holds neither an index nor `key=value`")?),
    };
    Ok((choice, key))
}

fn field(item: &Item, key: &str) -> Option<String> {
    item.data.get(key).map(ToString::to_string).or_else(|| item.context.get(key).cloned())
}

fn pick<'i>(items: &'i [Item], choice: &Choice<'_>) -> Result<Option<&'i Item>, usize> {
    match choice {
        Choice::Index(index) => Ok(items.get(*index)),
        Choice::Where(key, value) => {
            let matching: Vec<&Item> =
                items.iter().filter(|item| field(item, key).as_deref() == Some(*value)).collect();
            match matching.as_slice() {
                [] => Ok(None),
                [item] => Ok(Some(item)),
                several => Err(several.len()),
            }
        }
    }
}
