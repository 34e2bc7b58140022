//! Readings that have no type of their own: tables of scalars by measurement type and subtype.
//!
//! This is also the shape of the snapshot file, so what a file says and this program does not understand is kept as it
//! is and written again.

use crate::document::selector::Selector;
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// Everything that a snapshot file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// `timestamp` (RFC 3339, UTC), `version`, `source-node`, and our `context` and `cluster-uid`.
    pub metadata: BTreeMap<String, String>,
    pub measurements: Vec<Measurement>,
    /// Fields of the file that this program does not know, with their place: they are written again.
    pub unknown: Vec<(Selector, Value)>,
}

/// One measurement; `kind` is `K8s`, `GPU`, `OS`, `SystemD`, `NodeTopology` or `NetworkTopology`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    pub kind: String,
    pub subtypes: Vec<Subtype>,
}

/// A named table of readings, with a list of records where there are several of a kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtype {
    pub name: String,
    /// Descriptive texts; a constraint cannot name them.
    pub context: BTreeMap<String, String>,
    pub data: BTreeMap<String, Scalar>,
    pub items: Vec<Item>,
}

/// One record of an ordered list: descriptive texts and measured scalars.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    pub context: BTreeMap<String, String>,
    pub data: BTreeMap<String, Scalar>,
}

/// A measured scalar.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Scalar {
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// A count; one beyond the range of `i64` stays unsigned.
    pub fn count(value: u64) -> Scalar {
        i64::try_from(value).map_or(Scalar::UInt(value), Scalar::Int)
    }

    /// A count, where the scalar is one.
    pub fn as_count(&self) -> Option<u64> {
        match self {
            Scalar::Int(value) => u64::try_from(*value).ok(),
            Scalar::UInt(value) => Some(*value),
            Scalar::Float(value) if *value >= 0.0 && value.fract() == 0.0 => Some(*value as u64),
            _ => None,
        }
    }
}

impl fmt::Display for Scalar {
    /// The textual form that constraints and diffs compare: integers in decimal, floats as Go prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(value) => write!(f, "{value}"),
            Scalar::Int(value) => write!(f, "{value}"),
            Scalar::UInt(value) => write!(f, "{value}"),
            Scalar::Float(value) => f.write_str(&crate::yaml::go_float(*value)),
            Scalar::Text(value) => f.write_str(value),
        }
    }
}

impl Record {
    /// The first measurement of that type.
    pub fn measurement(&self, kind: &str) -> Option<&Measurement> {
        self.measurements.iter().find(|measurement| measurement.kind == kind)
    }

    /// The first subtype of that name in the first measurement of that type.
    pub fn subtype(&self, kind: &str, subtype: &str) -> Option<&Subtype> {
        self.measurement(kind)?.subtypes.iter().find(|candidate| candidate.name == subtype)
    }

    /// One reading by type, subtype and key.
    pub fn reading(&self, kind: &str, subtype: &str, key: &str) -> Option<&Scalar> {
        self.subtype(kind, subtype)?.data.get(key)
    }
}

impl Subtype {
    /// A subtype of this name with these readings.
    pub fn of(name: &str, data: BTreeMap<String, Scalar>) -> Subtype {
        Subtype { name: name.to_owned(), data, ..Subtype::default() }
    }
}
