//! The binary form of answers: the envelope around an object, a list while it is coming, and events of a watch.
//!
//! A list is read as it comes, so that never more of it is held than one object; what an object has beyond the fields that
//! its type declares is skipped. Field numbers are those of the published `generated.proto` files.

use crate::cluster::api_version::Types;
use bytes::{Buf, Bytes, BytesMut};
use kube::core::{Status, TypeMeta, WatchEvent, watch::Bookmark, watch::BookmarkMeta};
use prost::Message;

/// What an envelope begins with.
const MAGIC: &[u8] = b"k8s\0";
/// Fields of an envelope: what the object is, and the object.
const TYPES: u64 = 1;
const RAW: u64 = 2;
/// Fields of a list.
const LIST_META: u64 = 1;
const ITEM: u64 = 2;
/// Of one object or event. The API server stores nothing larger than a few MiB.
pub const LIMIT: usize = 32 << 20;

/// Bytes that are not what Kubernetes sends.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Malformed {
    #[error("it does not begin with `k8s`")]
    NoEnvelope,
    #[error("it ends in the middle")]
    Truncated,
    #[error("one object of more than {} MiB", LIMIT >> 20)]
    TooLarge,
    #[error("a number of more than 10 bytes, or a field of an unknown type")]
    Field,
    #[error("an event of type `{0}`")]
    Event(String),
    #[error(transparent)]
    Message(#[from] prost::DecodeError),
}

/// What tells where a list goes on, and from which version it can be watched.
#[derive(Clone, PartialEq, Message, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListMeta {
    #[prost(string, tag = "3")]
    #[serde(rename = "continue")]
    pub next: String,
    #[prost(string, tag = "2")]
    pub resource_version: String,
}

#[derive(Clone, PartialEq, Message)]
struct TypeMessage {
    #[prost(string, tag = "1")]
    api_version: String,
    #[prost(string, tag = "2")]
    kind: String,
}

#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(bytes = "bytes", tag = "2")]
    raw: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct StatusMessage {
    #[prost(string, tag = "3")]
    message: String,
    #[prost(string, tag = "4")]
    reason: String,
    #[prost(int32, tag = "6")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct EventMessage {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(message, required, tag = "2")]
    object: Extension,
}

#[derive(Clone, PartialEq, Message)]
struct Extension {
    #[prost(bytes = "bytes", tag = "1")]
    raw: Bytes,
}

/// Any object, as far as a bookmark fills it.
#[derive(Clone, PartialEq, Message)]
struct Versioned {
    #[prost(message, required, tag = "1")]
    metadata: VersionedMeta,
}

#[derive(Clone, PartialEq, Message)]
struct VersionedMeta {
    #[prost(string, tag = "6")]
    resource_version: String,
}

/// The object in an envelope.
fn opened<T: Message + Default>(mut bytes: Bytes) -> Result<T, Malformed> {
    if !bytes.starts_with(MAGIC) {
        return Err(Malformed::NoEnvelope);
    }
    bytes.advance(MAGIC.len());
    Ok(T::decode(Envelope::decode(bytes)?.raw)?)
}

/// A `Status` in its envelope: what the server answers instead of what was asked for.
///
/// # Errors
/// Bytes that are something else.
pub fn status(bytes: Bytes) -> Result<Status, Malformed> {
    let StatusMessage { message, reason, code } = opened(bytes)?;
    Ok(Status::failure(&message, &reason).with_code(u16::try_from(code).unwrap_or_default()))
}

/// One part of a list.
#[derive(Debug, PartialEq)]
pub enum Part<T> {
    Meta(ListMeta),
    Item(T),
}

/// Takes a list from bytes as they come.
#[derive(Debug, Default)]
pub struct ListReader {
    buffer: BytesMut,
    place: Place,
    types: Types,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    #[default]
    Start,
    Envelope,
    /// In the list, of which so many bytes are still to come.
    List(usize),
    /// The list is over; what follows says nothing.
    After,
}

impl ListReader {
    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next part, once it is whole.
    ///
    /// # Errors
    /// Bytes that are not a list; nothing useful comes after that.
    pub fn part<T: Message + Default>(&mut self) -> Result<Option<Part<T>>, Malformed> {
        loop {
            match self.place {
                Place::Start => {
                    let length = self.buffer.len().min(MAGIC.len());
                    if self.buffer[..length] != MAGIC[..length] {
                        return Err(Malformed::NoEnvelope);
                    }
                    if length < MAGIC.len() {
                        return Ok(None);
                    }
                    self.buffer.advance(length);
                    self.place = Place::Envelope;
                }
                Place::Envelope => {
                    let Some(field) = Field::of(&self.buffer)? else { return Ok(None) };
                    if field.number == RAW {
                        self.buffer.advance(field.start);
                        self.place = Place::List(field.length);
                    } else if self.buffer.len() < field.end()? {
                        return Ok(None);
                    } else {
                        let end = field.end()?;
                        if field.number == TYPES {
                            let TypeMessage { api_version, kind } =
                                TypeMessage::decode(&self.buffer[field.start..end])?;
                            self.types = Types { api_version, kind };
                        }
                        self.buffer.advance(end);
                    }
                }
                Place::List(0) => self.place = Place::After,
                Place::List(left) => {
                    let Some(field) = Field::of(&self.buffer)? else { return Ok(None) };
                    let end = field.end()?;
                    let left = left.checked_sub(end).ok_or(Malformed::Truncated)?;
                    if self.buffer.len() < end {
                        return Ok(None);
                    }
                    let body = &self.buffer[field.start..end];
                    let part = match field.number {
                        LIST_META => Some(Part::Meta(ListMeta::decode(body)?)),
                        ITEM => Some(Part::Item(T::decode(body)?)),
                        _ => None,
                    };
                    self.buffer.advance(end);
                    self.place = Place::List(left);
                    if part.is_some() {
                        return Ok(part);
                    }
                }
                Place::After => {
                    self.buffer.clear();
                    return Ok(None);
                }
            }
        }
    }

    /// What the list says that it is, as soon as one of its parts has come.
    pub fn types(&self) -> &Types {
        &self.types
    }

    /// Whether the whole list has come.
    pub fn is_whole(&self) -> bool {
        self.place == Place::After
    }
}

/// Takes the next event of a watch from what has come, once it is whole.
///
/// # Errors
/// Bytes that are not an event; nothing useful comes after that.
pub fn event<T: Message + Default>(buffer: &mut BytesMut) -> Result<Option<WatchEvent<T>>, Malformed> {
    let Some((head, _)) = buffer.split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
    if length > LIMIT {
        return Err(Malformed::TooLarge);
    }
    if buffer.len() < head.len() + length {
        return Ok(None);
    }
    buffer.advance(head.len());
    let EventMessage { kind, object } = EventMessage::decode(buffer.split_to(length).freeze())?;
    Ok(Some(match kind.as_str() {
        "ADDED" => WatchEvent::Added(opened(object.raw)?),
        "MODIFIED" => WatchEvent::Modified(opened(object.raw)?),
        "DELETED" => WatchEvent::Deleted(opened(object.raw)?),
        "ERROR" => WatchEvent::Error(status(object.raw)?.boxed()),
        "BOOKMARK" => {
            let VersionedMeta { resource_version } = opened::<Versioned>(object.raw)?.metadata;
            let metadata = BookmarkMeta { resource_version, annotations: Default::default() };
            WatchEvent::Bookmark(Bookmark { types: TypeMeta::default(), metadata })
        }
        _ => return Err(Malformed::Event(kind)),
    }))
}

/// Where a field lies in the bytes that begin with it.
struct Field {
    number: u64,
    start: usize,
    length: usize,
}

impl Field {
    /// `None` until enough of it has come.
    fn of(bytes: &[u8]) -> Result<Option<Field>, Malformed> {
        let Some((key, start)) = varint(bytes)? else { return Ok(None) };
        let number = key >> 3;
        let field = |start, length| Ok(Some(Field { number, start, length }));
        match key & 7 {
            0 => match varint(&bytes[start..])? {
                Some((_, length)) => field(start, length),
                None => Ok(None),
            },
            1 => field(start, 8),
            2 => match varint(&bytes[start..])? {
                Some((length, width)) => {
                    field(start + width, usize::try_from(length).map_err(|_| Malformed::TooLarge)?)
                }
                None => Ok(None),
            },
            5 => field(start, 4),
            _ => Err(Malformed::Field),
        }
    }

    fn end(&self) -> Result<usize, Malformed> {
        if self.length > LIMIT { Err(Malformed::TooLarge) } else { Ok(self.start + self.length) }
    }
}

/// A number and how many bytes it takes; `None` until it is whole.
fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, Malformed> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() < 10 { Ok(None) } else { Err(Malformed::Field) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, body: &[u8]) -> Vec<u8> {
        let length = u8::try_from(body.len()).expect("short");
        assert!(length < 128);
        [&[number << 3 | 2, length], body].concat()
    }

    fn envelope(raw: &[u8]) -> Vec<u8> {
        [MAGIC, &field(1, &[field(1, b"v1"), field(2, b"X")].concat()), &field(2, raw), &field(3, b"")].concat()
    }

    fn item(version: &str) -> Vec<u8> {
        field(1, &field(6, version.as_bytes()))
    }

    fn parts(bytes: &[u8], step: usize) -> Result<(String, bool), Malformed> {
        let (mut reader, mut seen) = (ListReader::default(), Vec::new());
        for chunk in bytes.chunks(step) {
            reader.push(chunk);
            while let Some(part) = reader.part::<Versioned>()? {
                seen.push(match part {
                    Part::Meta(ListMeta { next, resource_version }) => format!("{resource_version}>{next}"),
                    Part::Item(object) => object.metadata.resource_version,
                });
            }
        }
        Ok((seen.join(" "), reader.is_whole()))
    }

    #[test]
    fn a_list_is_read_however_it_is_cut() {
        let meta = field(1, &[field(2, b"7"), field(3, b"next")].concat());
        let unknown = [0x48, 0xFF, 0x01]; // field 9, a number
        let list = [meta, field(2, &item("a")), unknown.to_vec(), field(2, &item("b"))].concat();
        let bytes = envelope(&list);
        for step in 1..=bytes.len() {
            assert_eq!(parts(&bytes, step), Ok(("7>next a b".to_owned(), true)), "{step} bytes at a time");
        }
        for end in 0..bytes.len() - 2 {
            let (_, is_whole) = parts(&bytes[..end], 3).expect("nothing wrong so far");
            assert!(!is_whole, "{end}");
        }
    }

    #[test]
    fn what_is_not_a_list_is_refused_without_being_kept() {
        assert_eq!(parts(b"{\"items\": []}", 1), Err(Malformed::NoEnvelope));
        let beyond = envelope(&[&field(2, &item("a"))[..], &[0x12, 0x50]].concat());
        assert_eq!(parts(&beyond, 1), Err(Malformed::Truncated), "an item that is longer than its list");
        let huge = [MAGIC, &[0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0E]].concat();
        assert_eq!(parts(&huge, 5), Err(Malformed::TooLarge));
        assert_eq!(parts(&[MAGIC, &[0xFF; 11]].concat(), 4), Err(Malformed::Field));
        assert_eq!(parts(&[MAGIC, &[0x0B]].concat(), 4), Err(Malformed::Field), "groups are not used");
    }

    fn frame(kind: &str, object: &[u8]) -> Vec<u8> {
        let body = [field(1, kind.as_bytes()), field(2, &field(1, object))].concat();
        [&u32::try_from(body.len()).expect("short").to_be_bytes()[..], &body].concat()
    }

    #[test]
    fn events_come_one_by_one_and_errors_are_statuses() {
        let failure = [field(3, b"too old"), field(4, b"Expired"), vec![0x30, 0x9A, 0x03]].concat();
        let bytes = [
            frame("ADDED", &envelope(&item("1"))),
            frame("BOOKMARK", &envelope(&item("2"))),
            frame("ERROR", &envelope(&failure)),
        ]
        .concat();
        let (mut buffer, mut seen) = (BytesMut::new(), Vec::new());
        for byte in bytes {
            buffer.extend_from_slice(&[byte]);
            match event::<Versioned>(&mut buffer).expect("events") {
                None => {}
                Some(WatchEvent::Added(object)) => seen.push(object.metadata.resource_version),
                Some(WatchEvent::Bookmark(bookmark)) => seen.push(bookmark.metadata.resource_version),
                Some(WatchEvent::Error(status)) => {
                    seen.push(format!("{} {} {}", status.code, status.reason, status.message));
                }
                Some(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(seen, ["1", "2", "410 Expired too old"]);
        let strange = event::<Versioned>(&mut BytesMut::from(&frame("MOVED", b"")[..]));
        assert_eq!(strange.map(|_| ()), Err(Malformed::Event("MOVED".into())));
        let huge = event::<Versioned>(&mut BytesMut::from(&[0xFF; 5][..]));
        assert_eq!(huge.map(|_| ()), Err(Malformed::TooLarge));
    }
}
