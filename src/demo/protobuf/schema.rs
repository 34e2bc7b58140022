//! The table of messages: what each field is called in JSON, its number, and its type.
//!
//! `schema.txt` is made from the published Go types by `tests/cluster/protobuf-schema`. A section is a group and version, a
//! line a message. Of a field, `name=3:Type` is one value, `*` a list, `%` a map with text keys; `?` at its end says that a
//! zero is left out of JSON. A field called `+` has its fields inlined in JSON; one without a name is a message that is a
//! bare list in JSON.

use std::{collections::HashMap, sync::LazyLock};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    Text,
    Bytes,
    Int,
    Bool,
    /// RFC 3339 in JSON, in seconds or with six digits.
    Time,
    MicroTime,
    /// The bytes of a JSON value.
    Json,
    Quantity,
    IntOrString,
    Message(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cardinality {
    One,
    List,
    Map,
}

#[derive(Debug)]
pub struct Field {
    /// `+` when its fields are inlined; empty when its message is a bare list.
    pub name: &'static str,
    pub number: u64,
    pub cardinality: Cardinality,
    pub of: Type,
    /// A zero and an absent value are the same, and JSON has neither.
    pub drops_zero: bool,
}

#[derive(Debug, Default)]
pub struct Message {
    pub fields: Vec<Field>,
}

pub struct Schema {
    messages: Vec<Message>,
    /// By `group/version.Name`.
    places: HashMap<String, usize>,
}

impl Schema {
    pub fn message(&self, place: usize) -> &Message {
        &self.messages[place]
    }

    /// The message of a kind; `None` where it has only a JSON form. Some kinds belong to every group: a client sends
    /// `DeleteOptions` in the version of what it deletes.
    pub fn find(&self, api_version: &str, kind: &str) -> Option<&Message> {
        let of = |version: &str| self.places.get(&format!("{version}.{kind}"));
        of(api_version).or_else(|| of("meta/v1")).map(|place| self.message(*place))
    }
}

/// The whole table.
///
/// # Panics
/// When `schema.txt` is not such a table: a mistake in this crate, which its test finds.
pub static SCHEMA: LazyLock<Schema> = LazyLock::new(|| read(include_str!("schema.txt")));

fn read(text: &'static str) -> Schema {
    let mut section = "";
    let mut lines: Vec<(&str, &str, &str)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(name) => section = name,
            None => {
                let (name, fields) = line.split_once(' ').unwrap_or((line, ""));
                lines.push((section, name, fields));
            }
        }
    }
    let places: HashMap<String, usize> =
        lines.iter().enumerate().map(|(place, (section, name, _))| (format!("{section}.{name}"), place)).collect();
    let messages = lines.iter().map(|(section, _, fields)| Message {
        fields: fields.split_whitespace().map(|text| field(text, section, &places)).collect(),
    });
    Schema { messages: messages.collect(), places }
}

fn field(text: &'static str, section: &str, places: &HashMap<String, usize>) -> Field {
    let parsed = || {
        let (name, rest) = text.split_once('=')?;
        let sign = rest.find([':', '*', '%'])?;
        let cardinality = match &rest[sign..=sign] {
            ":" => Cardinality::One,
            "*" => Cardinality::List,
            _ => Cardinality::Map,
        };
        let of = rest[sign + 1..].trim_end_matches('?');
        let place = || places.get(of).or_else(|| places.get(&format!("{section}.{of}")));
        let of = match of {
            "string" => Type::Text,
            "bytes" => Type::Bytes,
            "int" => Type::Int,
            "bool" => Type::Bool,
            "Time" => Type::Time,
            "MicroTime" => Type::MicroTime,
            "Json" => Type::Json,
            "Quantity" => Type::Quantity,
            "IntOrString" => Type::IntOrString,
            _ => Type::Message(*place()?),
        };
        Some(Field { name, number: rest[..sign].parse().ok()?, cardinality, of, drops_zero: rest.ends_with('?') })
    };
    parsed().unwrap_or_else(|| panic!("schema.txt: `{text}` in [{section}] is not a field"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kinds::ALL;

    #[test]
    fn every_built_in_kind_but_definitions_has_a_message_and_custom_ones_have_none() {
        for kind in ALL {
            let has_message = SCHEMA.find(&kind.api_version(), kind.kind).is_some();
            let is_expected = !kind.is_custom() && kind.kind != "CustomResourceDefinition";
            assert_eq!(has_message, is_expected, "{}", kind.kind);
            if is_expected && !kind.review {
                assert!(SCHEMA.find(&kind.api_version(), &format!("{}List", kind.kind)).is_some(), "{}", kind.kind);
            }
        }
    }

    #[test]
    fn numbers_are_used_once_in_a_message() {
        for message in &SCHEMA.messages {
            let mut numbers: Vec<u64> = message.fields.iter().map(|field| field.number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), message.fields.len(), "{message:?}");
        }
    }
}
