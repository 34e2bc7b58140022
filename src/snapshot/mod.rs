//! All measurements of one cluster at one time.
//!
//! The shape is the reference's file: measurements hold subtypes, subtypes hold scalar readings by key. What we add
//! travels in places that the reference carries along unread: the subtype `nodes` of `NodeTopology` has one item per
//! node, the subtype `collection` of `K8s` says for each source whether it could be read.

pub mod format;
pub mod nodes;
pub mod path;

use std::{collections::BTreeMap, fmt};

/// The value of `apiVersion` that we write; the older `aicr.nvidia.com/v1alpha1` is read as well.
pub const API_VERSION: &str = "aicr.run/v1alpha2";

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// `timestamp` (RFC 3339, UTC), `version`, `source-node`, and our `context` and `cluster-uid`.
    pub metadata: BTreeMap<String, String>,
    pub measurements: Vec<Measurement>,
}

/// One measurement; `kind` is `K8s`, `GPU`, `OS`, `SystemD`, `NodeTopology` or `NetworkTopology`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    pub kind: String,
    pub subtypes: Vec<Subtype>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtype {
    pub name: String,
    pub context: BTreeMap<String, String>,
    pub data: BTreeMap<String, Reading>,
    pub items: Vec<Item>,
}

/// One record of an ordered list: descriptive strings and measured scalars.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    pub context: BTreeMap<String, String>,
    pub data: BTreeMap<String, Reading>,
}

/// A measured scalar.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Reading {
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
}

impl fmt::Display for Reading {
    /// The textual form that constraints and diffs compare: integers in decimal, floats as Go prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reading::Bool(value) => write!(f, "{value}"),
            Reading::Int(value) => write!(f, "{value}"),
            Reading::UInt(value) => write!(f, "{value}"),
            Reading::Float(value) => f.write_str(&crate::yaml::go_float(*value)),
            Reading::Text(value) => f.write_str(value),
        }
    }
}

impl Snapshot {
    /// The first measurement of that type.
    pub fn measurement(&self, kind: &str) -> Option<&Measurement> {
        self.measurements.iter().find(|measurement| measurement.kind == kind)
    }

    /// The first subtype of that name in the first measurement of that type.
    pub fn subtype(&self, kind: &str, subtype: &str) -> Option<&Subtype> {
        self.measurement(kind)?.subtypes.iter().find(|candidate| candidate.name == subtype)
    }

    /// One reading by type, subtype and key.
    pub fn reading(&self, kind: &str, subtype: &str, key: &str) -> Option<&Reading> {
        self.subtype(kind, subtype)?.data.get(key)
    }
}
