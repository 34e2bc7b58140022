//! The snapshot file: versioned shape, YAML and JSON, every `apiVersion`, all absence shapes.

use super::{path::TYPES, record};
use crate::{
    document::{
        header::{self, Edition, HeaderError},
        schema, shape,
    },
    fingerprint,
    inventory::{Inventory, Item, Measurement, Record, Scalar, Subtype},
    yaml::{self, Kind, Node, Position},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// What the reference writes for a reading that its source did not give.
pub const NULL: &str = "<nil>";

/// A document that is not a snapshot.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SnapshotFormatError {
    /// It is something else, or of a version that is not read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A field of the wrong shape: what was expected and found.
    #[error("{message} (line {}, column {})", at.line, at.column)]
    Field {
        /// Where its value is.
        at: Position,
        /// What was expected, and what was found.
        message: String,
    },
}

impl SnapshotFormatError {
    /// Where in the document, when the cause has a place.
    pub fn at(&self) -> Option<Position> {
        match self {
            SnapshotFormatError::Header(error) => error.at(),
            SnapshotFormatError::Field { at, .. } => Some(*at),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            SnapshotFormatError::Header(error) => error.hint().unwrap_or_else(|| TAKE_ONE.to_owned()),
            SnapshotFormatError::Field { .. } => TAKE_ONE.to_owned(),
        }
    }
}

const TAKE_ONE: &str = "take one with `aicr snapshot -o snapshot.yaml` and give that file";

/// Reads YAML or JSON (found by looking, not by file name).
///
/// # Errors
/// Another kind of document, a version nobody knows, a list or mapping of the wrong shape.
pub fn read(text: &str) -> Result<Inventory, SnapshotFormatError> {
    let mut root = header::read(text, &header::SNAPSHOT)?;
    different(&root)?;
    let (metadata, unknown) = (texts(&root, "metadata")?, shape::unknown(&root, &schema::SNAPSHOT));
    let measurements = take(&mut root, "measurements", measurement)?;
    // The typed facts take the place of the tree in memory, instead of coming on top of it.
    drop(root);
    Ok(super::inventory(Record { metadata, measurements, unknown }))
}

/// Of two readings of one name, one would decide and nobody could see which.
fn different(root: &Node) -> Result<(), SnapshotFormatError> {
    let mut known: BTreeMap<(String, String), Position> = BTreeMap::new();
    for measurement in list(root, "measurements")? {
        for subtype in list(measurement, "subtypes")? {
            let name = (text_of(measurement, "type"), text_of(subtype, "subtype"));
            if let Some(first) = known.get(&name) {
                let (kind, subtype_name) = name;
                let message =
                    format!("duplicate subtype `{subtype_name}` of `{kind}`, first defined on line {}", first.line);
                return Err(SnapshotFormatError::Field { at: subtype.at, message });
            }
            known.insert(name, subtype.at);
        }
    }
    Ok(())
}

fn measurement(node: &mut Node) -> Result<Measurement, SnapshotFormatError> {
    Ok(Measurement { kind: text_of(node, "type"), subtypes: take(node, "subtypes", subtype)? })
}

fn subtype(node: &mut Node) -> Result<Subtype, SnapshotFormatError> {
    let item = |node: &mut Node| Ok(Item { context: texts(node, "context")?, data: readings(node)? });
    Ok(Subtype {
        name: text_of(node, "subtype"),
        context: texts(node, "context")?,
        data: readings(node)?,
        items: take(node, "items", item)?,
    })
}

/// Reads the items of a list, each of which leaves the tree when it is read: the file of a fleet has thousands of nodes, and
/// tree and result together are twice what either needs.
fn take<T>(
    node: &mut Node,
    key: &str,
    read: impl Fn(&mut Node) -> Result<T, SnapshotFormatError>,
) -> Result<Vec<T>, SnapshotFormatError> {
    let count = list(node, key)?.len();
    let Some(items) = own(node, key) else {
        // None, or what an alias shares, which stays where it is.
        return list(node, key)?.iter().map(|item| read(&mut item.clone())).collect();
    };
    let mut taken = Vec::with_capacity(count);
    for item in items {
        let at = item.at;
        taken.push(read(&mut std::mem::replace(item, Node { at, kind: Kind::Null }))?);
    }
    Ok(taken)
}

/// The items of a list that nothing else in the tree holds.
fn own<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut [Node]> {
    let Kind::Map(entries) = &mut node.kind else { return None };
    let entry = Arc::get_mut(entries)?.iter_mut().find(|entry| &*entry.key == key)?;
    match &mut entry.value.kind {
        Kind::List(items) => Arc::get_mut(items),
        _ => None,
    }
}

fn text_of(node: &Node, key: &str) -> String {
    node.get(key).and_then(Node::text).unwrap_or_default().to_owned()
}

fn wrong(node: &Node, key: &str, wanted: &str) -> SnapshotFormatError {
    SnapshotFormatError::Field { at: node.at, message: format!("`{key}` must be {wanted}, found {}", node.kind_name()) }
}

fn list<'n>(node: &'n Node, key: &str) -> Result<&'n [Node], SnapshotFormatError> {
    match node.get(key) {
        None | Some(Node { kind: Kind::Null, .. }) => Ok(&[]),
        Some(Node { kind: Kind::List(items), .. }) => Ok(items),
        Some(other) => Err(wrong(other, key, "a list")),
    }
}

fn map<'n>(node: &'n Node, key: &str) -> Result<&'n [yaml::Entry], SnapshotFormatError> {
    match node.get(key) {
        None | Some(Node { kind: Kind::Null, .. }) => Ok(&[]),
        Some(Node { kind: Kind::Map(entries), .. }) => Ok(entries),
        Some(other) => Err(wrong(other, key, "a mapping")),
    }
}

fn texts(node: &Node, key: &str) -> Result<BTreeMap<String, String>, SnapshotFormatError> {
    let entries = map(node, key)?.iter();
    Ok(entries.map(|entry| (entry.key.to_string(), entry.value.text().unwrap_or(NULL).to_owned())).collect())
}

fn readings(node: &Node) -> Result<BTreeMap<String, Scalar>, SnapshotFormatError> {
    Ok(map(node, "data")?.iter().map(|entry| (entry.key.to_string(), scalar(&entry.value))).collect())
}

/// A scalar as it is; whatever else stands there, as text.
fn scalar(node: &Node) -> Scalar {
    match &node.kind {
        Kind::Bool(value, _) => Scalar::Bool(*value),
        Kind::Number(number, _) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => Scalar::Int(value),
            (_, Some(value), _) => Scalar::UInt(value),
            // JSON writers may write integers as floats; a float that is one reads as one.
            (_, _, Some(value)) if value.fract() == 0.0 && value.abs() < 9e15 => Scalar::Int(value as i64),
            (_, _, Some(value)) => Scalar::Float(value),
            _ => Scalar::Text(number.to_string()),
        },
        Kind::Null => Scalar::Text(NULL.to_owned()),
        Kind::List(_) | Kind::Map(_) => Scalar::Text(go_text(node)),
        _ => Scalar::Text(node.to_value().as_str().unwrap_or_default().to_owned()),
    }
}

/// Collections as the reference stringifies them: `[a b]`, `map[k:v]` with sorted keys.
fn go_text(node: &Node) -> String {
    match &node.kind {
        Kind::List(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Kind::Map(entries) => {
            let mut pairs: Vec<String> =
                entries.iter().map(|entry| format!("{}:{}", entry.key, go_text(&entry.value))).collect();
            pairs.sort();
            format!("map[{}]", pairs.join(" "))
        }
        _ => scalar(node).to_string(),
    }
}

/// The document with its fingerprint, as a value; `yaml::to_string` or serde_json writes it.
///
/// Measurements stand in the order of [`TYPES`], whatever order they were found in. What the file had and this program
/// does not know is in it again.
pub fn to_value(inventory: &Inventory, edition: Edition) -> Value {
    let record = record(inventory);
    let Record { metadata, measurements, unknown } = &*record;
    let mut document = json!({
        "apiVersion": api_version(edition),
        "kind": header::SNAPSHOT.kind,
        "metadata": metadata,
        "fingerprint": fingerprint::to_value(&fingerprint::of(inventory)),
        "measurements": measurements.iter().map(measurement_value).collect::<Vec<_>>(),
    });
    // Before the order changes, because places are counted.
    unknown.iter().for_each(|(path, value)| shape::restore(&mut document, path, value));
    if let Some(Value::Array(measurements)) = document.get_mut("measurements") {
        measurements.sort_by_key(|value| rank(value["type"].as_str().unwrap_or_default()));
    }
    document
}

/// A snapshot has a form in every edition that is written.
pub(super) fn api_version(edition: Edition) -> &'static str {
    header::SNAPSHOT.version(edition, false).unwrap_or(&header::SNAPSHOT.versions[0]).name
}

/// The place of a measurement of that type among the others.
pub(super) fn rank(kind: &str) -> usize {
    TYPES.iter().position(|known| *known == kind).unwrap_or(TYPES.len())
}

fn measurement_value(measurement: &Measurement) -> Value {
    let mut value = json!({ "type": measurement.kind });
    if !measurement.subtypes.is_empty() {
        value["subtypes"] = measurement.subtypes.iter().map(subtype_value).collect();
    }
    value
}

pub(super) fn subtype_value(subtype: &Subtype) -> Value {
    let Subtype { name, context, data, items } = subtype;
    let mut fields = Map::new();
    fields.insert("subtype".to_owned(), name.as_str().into());
    put(&mut fields, context, data);
    if !items.is_empty() {
        fields.insert("items".to_owned(), items.iter().map(item_value).collect());
    }
    Value::Object(fields)
}

pub(super) fn item_value(item: &Item) -> Value {
    let mut fields = Map::new();
    put(&mut fields, &item.context, &item.data);
    Value::Object(fields)
}

fn put(fields: &mut Map<String, Value>, context: &BTreeMap<String, String>, data: &BTreeMap<String, Scalar>) {
    if !context.is_empty() {
        fields.insert("context".to_owned(), json!(context));
    }
    if !data.is_empty() {
        fields.insert("data".to_owned(), json!(data));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "
kind: Snapshot
apiVersion: aicr.nvidia.com/v1alpha1
metadata: {timestamp: '2026-06-12T10:41:07Z', version: v0.15.0}
measurements:
  - type: SystemD
  - type: K8s
    subtypes:
      - subtype: policy
      - subtype: server
        data: {version: v1.34.0, platform: null, limit: 18446744073709551615, ratio: 1.5, on: true, odd: [a, b]}
  - type: NetworkTopology
    subtypes:
      - subtype: pfs
        items:
          - {context: {deviceID: \"1023\"}, data: {rail: 0}}
";

    #[test]
    fn two_readings_of_one_name_are_refused_with_both_places() {
        let text = "kind: Snapshot\nmeasurements:\n\
                    - {type: K8s, subtypes: [{subtype: server, data: {version: v1.35.0}}]}\n\
                    - {type: K8s, subtypes: [{subtype: image, data: {}}, {subtype: server, data: {version: v1.30.0}}]}\n";
        let error = read(text).expect_err("one of them would decide");
        assert_eq!(
            error.to_string(),
            "duplicate subtype `server` of `K8s`, first defined on line 3 (line 4, column 54)"
        );
    }

    #[test]
    fn what_an_alias_shares_is_read_wherever_it_is() {
        let text = "kind: Snapshot\napiVersion: aicr.nvidia.com/v1alpha1\nmeasurements:\n- {type: A, subtypes: &same [{subtype: a, \
                    items: [{data: {x: 1}}]}]}\n- {type: B, subtypes: *same}\n";
        let snapshot = read(text).unwrap();
        let [first, second] = &snapshot.record.as_ref().unwrap().measurements[..] else { panic!("two measurements") };
        assert_eq!(first.subtypes, second.subtypes);
        assert_eq!(second.subtypes[0].items.len(), 1);
    }

    #[test]
    fn every_absence_shape_and_reading_survives() {
        let snapshot = read(SMALL).unwrap();
        let record = snapshot.record.as_ref().unwrap();
        let server = record.subtype("K8s", "server").unwrap();
        let shown: Vec<String> = server.data.iter().map(|(key, reading)| format!("{key}={reading}")).collect();
        assert_eq!(
            shown,
            ["limit=18446744073709551615", "odd=[a b]", "on=true", "platform=<nil>", "ratio=1.5", "version=v1.34.0"]
        );
        let written = to_value(&snapshot, Edition::V1);
        assert_eq!(written["measurements"][0]["type"], "K8s");
        let again = read(&yaml::to_string(&written)).unwrap();
        assert_eq!(to_value(&again, Edition::V1), written);
        let json = read(&serde_json::to_string(&written).unwrap()).unwrap();
        assert_eq!(to_value(&json, Edition::V1), written);
    }

    #[test]
    fn unknown_fields_are_written_again() {
        let text = "kind: Snapshot\napiVersion: aicr.run/v1\nnew: {a: 1}\nmeasurements:\n- type: OS\n  seen: twice\n\
                    - type: K8s\n  subtypes: [{subtype: server, data: {version: v1.34.0}, items: [{data: {a: 1}, x: []}]}]\n";
        let snapshot = read(text).unwrap();
        let written = to_value(&snapshot, Edition::V1Alpha2);
        assert_eq!(written["apiVersion"], "aicr.run/v1alpha2");
        assert_eq!(written["new"], json!({"a": 1}));
        assert_eq!(
            (&written["measurements"][0]["type"], &written["measurements"][1]["seen"]),
            (&json!("K8s"), &json!("twice"))
        );
        assert_eq!(written["measurements"][0]["subtypes"][0]["items"][0]["x"], json!([]));
        assert_eq!(to_value(&read(&yaml::to_string(&written)).unwrap(), Edition::V1Alpha2), written);
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn other_documents_are_refused_with_what_they_are() {
        refused("kind: RecipeResult\nmeasurements: []\n", "found `kind: RecipeResult`");
        refused("a: 1\n", "found no `kind`");
        refused("[]", "found a list");
        refused("", "found nothing");
        refused("kind: Snapshot\napiVersion: aicr.run/v9\n", "found `aicr.run/v9`");
        refused("kind: Snapshot\nmeasurements: {}\n", "`measurements` must be a list");
        refused("kind: [", "neither YAML nor JSON");
    }
}
