//! A document that is made while it is written: lists of thousands are never whole in memory.
//!
//! In: a tree whose lists and mappings are iterators. Out: the same text as that of the whole value. A stream is written
//! once, because its iterators are used up by that.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;
use std::{borrow::Cow, cell::Cell, iter};

/// A value, or a collection that comes piece by piece.
pub enum Stream<'s> {
    /// It is there already.
    Whole(Value),
    /// Each key once; sorted by key where the text must be that of a value.
    Map(Box<dyn Iterator<Item = (Cow<'s, str>, Stream<'s>)> + 's>),
    /// In the order of the list.
    List(Box<dyn Iterator<Item = Stream<'s>> + 's>),
}

impl<'s> Stream<'s> {
    /// A mapping of these entries, as [`Stream::Map`] wants them.
    pub fn map(entries: impl IntoIterator<Item = (Cow<'s, str>, Stream<'s>)> + 's) -> Stream<'s> {
        Stream::Map(Box::new(entries.into_iter()))
    }

    /// A list of these items.
    pub fn list(items: impl IntoIterator<Item = Stream<'s>> + 's) -> Stream<'s> {
        Stream::List(Box::new(items.into_iter()))
    }

    /// The same, where an empty collection is whole: writers show those in one line.
    pub fn settled(self) -> Stream<'s> {
        match self {
            Stream::Map(mut entries) => match entries.next() {
                Some(first) => Stream::map(iter::once(first).chain(entries)),
                None => Stream::Whole(Value::Object(serde_json::Map::new())),
            },
            Stream::List(mut items) => match items.next() {
                Some(first) => Stream::list(iter::once(first).chain(items)),
                None => Stream::Whole(Value::Array(Vec::new())),
            },
            whole @ Stream::Whole(_) => whole,
        }
    }
}

impl From<Value> for Stream<'_> {
    fn from(value: Value) -> Self {
        Stream::Whole(value)
    }
}

/// A stream for a serializer.
pub struct Serialized<'s>(Cell<Option<Stream<'s>>>);

impl<'s> From<Stream<'s>> for Serialized<'s> {
    fn from(stream: Stream<'s>) -> Self {
        Serialized(Cell::new(Some(stream)))
    }
}

impl Serialize for Serialized<'_> {
    /// Null from the second time on: the pieces are gone.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.take().map(Stream::settled) {
            None => serializer.serialize_none(),
            Some(Stream::Whole(value)) => value.serialize(serializer),
            Some(Stream::Map(entries)) => {
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in entries {
                    map.serialize_entry(&key, &Serialized::from(value))?;
                }
                map.end()
            }
            Some(Stream::List(items)) => {
                let mut list = serializer.serialize_seq(None)?;
                for item in items {
                    list.serialize_element(&Serialized::from(item))?;
                }
                list.end()
            }
        }
    }
}
