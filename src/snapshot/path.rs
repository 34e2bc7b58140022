//! Addresses of readings: `K8s.server.version`, `NetworkTopology.pfs[rail=0].model`.
//!
//! The first dot ends the type. The subtype ends at the next dot or bracket; where no subtype of that name exists, longer
//! names are tried, so that `SystemD.containerd.service.ActiveState` finds the unit `containerd.service`.

use super::{node_readings, record};
use crate::inventory::{Inventory, Item, Node, Subtype};
use std::{borrow::Cow, fmt};

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
            PathError::Malformed { path, reason } => write!(f, "`{path}` is not a measurement path: {reason}"),
            PathError::NoMeasurement { kind } => write!(f, "the snapshot has no {kind} measurement"),
            PathError::NoSubtype { kind, subtype } => write!(f, "the snapshot's {kind} has no `{subtype}`"),
            PathError::NoReading { path } => write!(f, "the snapshot does not contain the reading `{path}`"),
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

/// A path taken apart: `K8s.node.kubelet-version`.
struct Place<'i, 'p> {
    kind: &'p str,
    name: String,
    subtype: Option<Cow<'i, Subtype>>,
    /// What follows the subtype: `.key` or `[choice].key`.
    rest: &'p str,
}

fn malformed(path: &str, reason: impl Into<String>) -> PathError {
    PathError::Malformed { path: path.to_owned(), reason: reason.into() }
}

fn place<'i, 'p>(path: &'p str, inventory: &'i Inventory) -> Result<Place<'i, 'p>, PathError> {
    let (kind, rest) = path.split_once('.').ok_or_else(|| malformed(path, "missing dot"))?;
    if !TYPES.contains(&kind) {
        return Err(malformed(path, format!("the type must be one of {}", TYPES.join(", "))));
    }
    let end = rest.find(['.', '[']).ok_or_else(|| malformed(path, "missing key"))?;
    if end == 0 {
        return Err(malformed(path, "missing subtype"));
    }
    let named = |name: &str| record::subtype(inventory, kind, name);
    let place = |end: usize, subtype| Place { kind, name: rest[..end].to_owned(), subtype, rest: &rest[end..] };
    if let Some(subtype) = named(&rest[..end]) {
        return Ok(place(end, Some(subtype)));
    }
    // The longest subtype whose name goes on beyond the first dot.
    let ends = rest.char_indices().filter(|(index, c)| *index > end && matches!(c, '.' | '['));
    let longer = ends.filter_map(|(end, _)| Some((end, named(&rest[..end])?))).next_back();
    Ok(longer.map_or_else(|| place(end, None), |(end, subtype)| place(end, Some(subtype))))
}

/// The textual form of the reading that a path names.
///
/// # Errors
/// Every [`PathError`]. A reading that is null in the file counts as missing.
pub fn find(path: &str, inventory: &Inventory) -> Result<String, PathError> {
    let Place { kind, name, subtype, rest } = place(path, inventory)?;
    let Some(subtype) = subtype else {
        return Err(match record::subtype_names(inventory, kind) {
            None => PathError::NoMeasurement { kind: kind.to_owned() },
            Some(_) => PathError::NoSubtype { kind: kind.to_owned(), subtype: name },
        });
    };
    let reading = if let Some(key) = rest.strip_prefix('.') {
        if key.is_empty() {
            return Err(malformed(path, "missing key"));
        }
        subtype.data.get(key).map(ToString::to_string)
    } else {
        let (choice, key) = selector(rest).map_err(|reason| malformed(path, reason))?;
        let item =
            pick(&subtype.items, &choice).map_err(|matches| PathError::Ambiguous { path: path.to_owned(), matches })?;
        item.and_then(|item| field(item, key))
    };
    let missing = || PathError::NoReading { path: path.to_owned() };
    reading.filter(|text| text != super::format::NULL).ok_or_else(missing)
}

/// Whether a path is a reading of nodes rather than one of the cluster.
pub fn is_of_node(path: &str) -> bool {
    let Some((kind, rest)) = path.split_once('.') else { return false };
    node_readings::is_of_node(kind, rest.split(['.', '[']).next().unwrap_or_default())
}

/// What each node says of a reading that belongs to nodes: every node that rules on it concern, with its own reading.
///
/// `None` where the path is not a reading of nodes, or where no node has it: then there is at most the one reading of
/// the file. A file of the reference measured one node; where labels tell the same of others, those are judged too.
pub fn by_node<'i>(path: &str, inventory: &'i Inventory) -> Option<Vec<(&'i Node, Option<String>)>> {
    let (kind, rest) = path.split_once('.')?;
    let (subtype, key) = rest.split_once('.')?;
    if !node_readings::is_of_node(kind, subtype) {
        return None;
    }
    let measured = (!has_nodes(inventory)).then(|| inventory.source_node()).flatten();
    let is_measured = |node: &Node| measured.is_some_and(|measured| measured.name == node.name);
    let read = |node: &'i Node| {
        let text = match is_measured(node) {
            true => find(path, inventory).ok(),
            false => node_readings::reading(node, kind, subtype, key).map(|reading| reading.to_string()),
        };
        (node, text.filter(|text| text != super::format::NULL))
    };
    let readings: Vec<(&Node, Option<String>)> = inventory.concerned().into_iter().map(read).collect();
    readings.iter().any(|(node, reading)| reading.is_some() && !is_measured(node)).then_some(readings)
}

/// Whether the inventory knows its nodes one by one: a live one does, and a file that has our items.
fn has_nodes(inventory: &Inventory) -> bool {
    let items = |record: &crate::inventory::Record| {
        record.subtype("NodeTopology", "nodes").is_some_and(|nodes| !nodes.items.is_empty())
    };
    inventory.record.as_ref().is_none_or(|record| items(record))
}

/// The node whose reading a file has where it has the readings of one node; `None` for a reading of the cluster, and
/// where the cluster has no other node.
pub fn only_node<'i>(path: &str, inventory: &'i Inventory) -> Option<(&'i Node, usize)> {
    let (kind, rest) = path.split_once('.')?;
    let subtype = rest.split(['.', '[']).next()?;
    let unnamed: u64 = inventory.unnamed_accelerated.values().sum();
    let concerned = inventory.concerned().len() + usize::try_from(unnamed).unwrap_or(usize::MAX);
    let source = inventory.source_node().filter(|_| node_readings::is_of_node(kind, subtype))?;
    (concerned > 1).then_some((source, concerned))
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
