//! Trees without the parsing: bytes from which the same nodes come, positions included.
//!
//! The build script packs the documents of the embedded catalog, so that a start does not parse them again. A part can be
//! taken without making the rest. These bytes are no format: whoever reads them was built together with whoever wrote them.

use super::{Entry, Kind, Node, Position, go::scalar};
use std::{borrow::Cow, sync::Arc};

const NULL: u8 = 0;
/// The dialect says again what kind of value the text is.
const PLAIN: u8 = 1;
const STRING: u8 = 2;
const LIST: u8 = 3;
const MAP: u8 = 4;

/// The bytes of a tree.
pub fn pack(node: &Node) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(node, &mut bytes);
    bytes
}

fn put(node: &Node, bytes: &mut Vec<u8>) {
    let (kind, text) = match &node.kind {
        Kind::Null => (NULL, None),
        Kind::Bool(_, text) | Kind::Number(_, text) | Kind::NotFinite(text) | Kind::Timestamp(text) => {
            (PLAIN, Some(text))
        }
        Kind::String(text) => (STRING, Some(text)),
        Kind::List(_) => (LIST, None),
        Kind::Map(_) => (MAP, None),
    };
    bytes.push(kind);
    put_position(node.at, bytes);
    if let Some(text) = text {
        put_text(text, bytes);
    }
    let mut within = Vec::new();
    let count = match &node.kind {
        Kind::List(items) => {
            items.iter().for_each(|item| put(item, &mut within));
            items.len()
        }
        Kind::Map(entries) => {
            for Entry { key, key_at, value } in entries.iter() {
                put_text(key, &mut within);
                put_position(*key_at, &mut within);
                put(value, &mut within);
            }
            entries.len()
        }
        _ => return,
    };
    // How long it is comes first, so that a reader can pass over it.
    put_number(within.len(), bytes);
    put_number(count, bytes);
    bytes.append(&mut within);
}

fn put_position(at: Position, bytes: &mut Vec<u8>) {
    put_number(at.line as usize, bytes);
    put_number(at.column as usize, bytes);
}

fn put_text(text: &str, bytes: &mut Vec<u8>) {
    put_number(text.len(), bytes);
    bytes.extend_from_slice(text.as_bytes());
}

/// Seven bits a byte, lowest first.
fn put_number(mut number: usize, bytes: &mut Vec<u8>) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The tree of these bytes; `None` for bytes that [`pack`] did not make.
pub fn unpack(bytes: &[u8]) -> Option<Node> {
    unpack_part(bytes, &|_| true)
}

/// The tree without the entries of mappings that `keep` does not want, by the keys that lead to them from the root.
pub fn unpack_part(bytes: &[u8], keep: &dyn Fn(&[&str]) -> bool) -> Option<Node> {
    let mut reader = Reader { bytes, path: Vec::new(), keep };
    let node = reader.node()?;
    reader.bytes.is_empty().then_some(node)
}

struct Reader<'b, 'k> {
    /// What is still to be read.
    bytes: &'b [u8],
    path: Vec<&'b str>,
    keep: &'k dyn Fn(&[&str]) -> bool,
}

impl<'b> Reader<'b, '_> {
    fn node(&mut self) -> Option<Node> {
        let kind = self.byte()?;
        let at = self.position()?;
        let kind = match kind {
            NULL => Kind::Null,
            PLAIN => scalar(Cow::Borrowed(self.text()?), true, None),
            STRING => Kind::String(self.text()?.into()),
            LIST => {
                let (_, count) = (self.number()?, self.number()?);
                let mut items = Vec::with_capacity(count.min(self.bytes.len()));
                for _ in 0..count {
                    items.push(self.node()?);
                }
                Kind::List(items.into())
            }
            MAP => {
                let (_, count) = (self.number()?, self.number()?);
                let mut entries = Vec::with_capacity(count.min(self.bytes.len()));
                for _ in 0..count {
                    entries.extend(self.entry()?);
                }
                Kind::Map(entries.into())
            }
            _ => return None,
        };
        Some(Node { at, kind })
    }

    /// An entry, or that it is not wanted.
    fn entry(&mut self) -> Option<Option<Entry>> {
        let key = self.text()?;
        let key_at = self.position()?;
        self.path.push(key);
        let entry = match (self.keep)(&self.path) {
            true => Some(Entry { key: Arc::from(key), key_at, value: self.node()? }),
            false => {
                self.pass()?;
                None
            }
        };
        self.path.pop();
        Some(entry)
    }

    /// Passes over a node.
    fn pass(&mut self) -> Option<()> {
        let kind = self.byte()?;
        self.position()?;
        match kind {
            NULL => {}
            PLAIN | STRING => drop(self.text()?),
            LIST | MAP => {
                let (length, _) = (self.number()?, self.number()?);
                self.take(length)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn position(&mut self) -> Option<Position> {
        let (line, column) = (self.number()?, self.number()?);
        Some(Position { line: line.try_into().ok()?, column: column.try_into().ok()? })
    }

    fn text(&mut self) -> Option<&'b str> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    const TEXT: &str = "\
a: &shared {b: [1, 0x1F, -2.5, .inf, true, ~, 2024-01-02, 'yes', \"tab\\t\"], 'é': !!int \"012\", c: !own 1}
d: *shared
e:
  <<: *shared
  f: |
    two
    lines
long: [[[[]]], {}, '']
";

    #[test]
    fn unpacked_tree_is_the_parsed_one() {
        let parsed = parse(TEXT).unwrap();
        assert_eq!(unpack(&pack(&parsed)), Some(parsed));
        let large = parse(&format!("a: {}\n{}b: 1\n", "x".repeat(20_000), "\n".repeat(300))).unwrap();
        assert_eq!(unpack(&pack(&large)), Some(large));
        let null = parse("").unwrap();
        assert_eq!(unpack(&pack(&null)), Some(null));
    }

    #[test]
    fn part_has_the_wanted_entries_only() {
        let packed = pack(&parse("a: {b: 1, c: {d: 2}}\ne: [{f: 3, g: 4}]\nh: 5\n").unwrap());
        let part = unpack_part(&packed, &|path| matches!(path, ["a"] | ["a", "b"] | ["e"] | ["e", "g"] | ["h"]));
        let expected = parse("a: {b: 1            }\ne: [{      g: 4}]\nh: 5\n").unwrap();
        assert_eq!(part, Some(expected));
    }

    #[test]
    fn other_bytes_are_no_tree() {
        let packed = pack(&parse(TEXT).unwrap());
        assert_eq!(unpack(&[]), None);
        assert_eq!(unpack(&[9, 1, 1]), None);
        assert_eq!(unpack(&[&packed[..], &[0]].concat()), None);
        for end in 0..packed.len() {
            assert_eq!(unpack(&packed[..end]), None, "{end} bytes");
        }
    }
}
