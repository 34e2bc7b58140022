//! Files → a ustar archive without times and owners, and back.
//!
//! Ours, because the lock file has no room for a crate and what we write needs one header of sixteen fields: names that we
//! choose, regular files and folders. What is read may be anybody's, and whoever unpacks it uses another reader (Go's for
//! Helm, Argo CD and oras): whatever two readers take differently is refused, whatever is neither a file nor a folder is
//! named as such, and nothing is unpacked.

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use std::collections::{BTreeMap, BTreeSet};

const BLOCK: usize = 512;

#[derive(Clone, Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    /// A folder; its name ends with `/`.
    pub fn folder(&mut self, name: &str, mode: u32) {
        self.header(name, mode, 0, b'5');
    }

    pub fn file(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.header(name, mode, content.len(), b'0');
        self.content(content);
    }

    fn content(&mut self, content: &[u8]) {
        self.bytes.extend(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
    }

    /// The archive with its end: two empty blocks.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK, 0);
        self.bytes
    }

    fn header(&mut self, name: &str, mode: u32, size: usize, kind: u8) {
        // A long name has its first folders in another field.
        let mut slashes = name.match_indices('/').map(|(at, _)| at);
        let cut = slashes.rfind(|at| *at <= 155 && name.len() - at - 1 <= 100 && *at + 1 < name.len());
        let (prefix, name) = match cut {
            _ if name.len() <= 100 => ("", name),
            Some(at) => (&name[..at], &name[at + 1..]),
            // And where that is not enough, in an entry before.
            None => {
                let record = pax_record("path", name);
                self.header("pax", 0o644, record.len(), b'x');
                self.content(&record);
                // Only the record counts.
                ("", "pax")
            }
        };
        debug_assert!(size < 1 << 33, "{name} with {size} bytes needs a longer header");
        let mut block = [0; BLOCK];
        let mut put = |at: usize, value: &[u8]| block[at..at + value.len()].copy_from_slice(value);
        put(0, name.as_bytes());
        put(100, format!("{mode:07o}").as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{size:011o}").as_bytes());
        put(136, b"00000000000");
        // The sum is over a header whose sum is spaces.
        put(148, b"        ");
        put(156, &[kind]);
        put(257, b"ustar\x0000");
        put(329, b"0000000");
        put(337, b"0000000");
        put(345, prefix.as_bytes());
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend(block);
    }
}

/// What an archive has under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File(Vec<u8>),
    Folder,
    Link,
    /// Whatever else, and a name that two entries have.
    Other,
}

/// An archive that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    #[error("it cannot be unpacked: {0}")]
    Gzip(&'static str),
    #[error("it has more than {} MiB", LARGEST >> 20)]
    TooLarge,
    #[error("it is not an archive, or it is cut off: {0}")]
    Format(&'static str),
}

/// Of an archive when it is unpacked.
const LARGEST: u64 = 256 << 20;

/// Compresses an archive; the same bytes give the same bytes.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Without a name and a time, for no system.
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut compress = Compress::new(Compression::default(), false);
    loop {
        packed.reserve(1 << 16);
        let rest = &bytes[usize::try_from(compress.total_in()).unwrap_or(bytes.len()).min(bytes.len())..];
        match compress.compress_vec(rest, &mut packed, FlushCompress::Finish) {
            Ok(Status::Ok | Status::BufError) => {}
            // It fails for no input.
            Ok(Status::StreamEnd) | Err(_) => break,
        }
    }
    let mut crc = Crc::new();
    crc.update(bytes);
    packed.extend(crc.sum().to_le_bytes());
    packed.extend((bytes.len() as u32).to_le_bytes());
    packed
}

/// What was compressed.
fn gunzip(packed: &[u8]) -> Result<Vec<u8>, TarError> {
    const CUT: TarError = TarError::Gzip("it is cut off");
    let mut whole = Vec::new();
    let mut rest = packed;
    loop {
        let (head, flags) = (rest.get(..10).ok_or(CUT)?, rest.get(3).copied().unwrap_or_default());
        if head[..3] != [0x1f, 0x8b, 8] {
            return Err(TarError::Gzip("it is not compressed with gzip"));
        }
        let mut at = 10;
        if flags & 4 != 0 {
            let length = rest.get(at..at + 2).ok_or(CUT)?;
            at += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
        }
        // A name and a comment, each up to a zero.
        for _ in 0..(flags & 24).count_ones() {
            let text = rest.get(at..).ok_or(CUT)?;
            at += text.iter().position(|byte| *byte == 0).ok_or(CUT)? + 1;
        }
        at += if flags & 2 != 0 { 2 } else { 0 };
        let content = rest.get(at..).ok_or(CUT)?;
        let (from, mut inflate) = (whole.len(), Decompress::new(false));
        loop {
            whole.reserve(1 << 16);
            let taken = usize::try_from(inflate.total_in()).unwrap_or(content.len());
            let (before, had) = (whole.len(), taken);
            let status = inflate.decompress_vec(&content[taken..], &mut whole, FlushDecompress::None);
            if whole.len() as u64 > LARGEST {
                return Err(TarError::TooLarge);
            }
            let moved = whole.len() > before || inflate.total_in() > had as u64;
            match status {
                Ok(Status::StreamEnd) => break,
                Ok(_) if moved => {}
                Ok(_) => return Err(CUT),
                Err(_) => return Err(TarError::Gzip("its content is damaged")),
            }
        }
        let end = usize::try_from(inflate.total_in()).unwrap_or(content.len());
        let tail = content.get(end..end + 8).ok_or(CUT)?;
        let mut crc = Crc::new();
        crc.update(&whole[from..]);
        let expected = [crc.sum().to_le_bytes(), ((whole.len() - from) as u32).to_le_bytes()].concat();
        if tail != expected {
            return Err(TarError::Gzip("its sum is wrong"));
        }
        rest = &content[end + 8..];
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(whole);
        }
    }
}

/// `LENGTH KEY=VALUE` and a line's end, where the length counts itself.
fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while length.to_string().len() + rest.len() != length {
        length = length.to_string().len() + rest.len();
    }
    format!("{length}{rest}").into_bytes()
}

/// The entries of a gzipped archive by name as written, without a slash at the end of a folder's.
///
/// # Errors
/// What is not one; what is too large; what other readers take differently.
pub fn read_gzipped(packed: &[u8]) -> Result<BTreeMap<String, Kind>, TarError> {
    read(&gunzip(packed)?)
}

/// What headers before an entry say of it.
#[derive(Default)]
struct Ahead {
    name: Option<String>,
    is_pax: bool,
    is_gnu: bool,
}

fn read(bytes: &[u8]) -> Result<BTreeMap<String, Kind>, TarError> {
    let mut entries = BTreeMap::new();
    let (mut at, mut ahead) = (0, Ahead::default());
    while let Some(block) = bytes.get(at..at + BLOCK) {
        if is_zero(block) {
            let is_end = is_zero(&bytes[at..]) && !ahead.is_pax && !ahead.is_gnu;
            return if is_end { Ok(entries) } else { Err(TarError::Format("something is behind its end")) };
        }
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        let spaces: u32 = block[148..156].iter().map(|byte| u32::from(*byte)).sum();
        if octal(&block[148..156]) != Some((sum - spaces + 8 * 32) as usize) {
            return Err(TarError::Format("the sum of a header is wrong"));
        }
        let size = octal(&block[124..136]).ok_or(TarError::Format("a size is not a number"))?;
        let content = bytes.get(at + BLOCK..).and_then(|rest| rest.get(..size));
        let content = content.ok_or(TarError::Format("an entry is longer than the rest"))?;
        at += BLOCK + size.next_multiple_of(BLOCK);
        let prefix = prefix(block)?;
        let kind = match block[156] {
            // A name that comes before its entry, as GNU and as POSIX write it.
            b'L' if !(ahead.is_pax || ahead.name.is_some()) => {
                ahead = Ahead { name: Some(text(content)?), is_gnu: true, ..ahead };
                continue;
            }
            // Where a link leads, which is of no concern.
            b'K' if !ahead.is_pax => {
                ahead.is_gnu = true;
                continue;
            }
            b'x' if !(ahead.is_pax || ahead.is_gnu) => {
                ahead = Ahead { name: pax_path(content, Reach::Entry)?, is_pax: true, ..ahead };
                continue;
            }
            b'g' if !(ahead.is_pax || ahead.is_gnu) => {
                pax_path(content, Reach::All)?;
                continue;
            }
            b'L' | b'K' | b'x' | b'g' => return Err(TarError::Format("two headers name one entry")),
            0 | b'0' | b'7' => Kind::File(content.to_vec()),
            b'5' => Kind::Folder,
            b'1' | b'2' => Kind::Link,
            b'3' | b'4' | b'6' => Kind::Other,
            _ => return Err(TarError::Format("an entry is of an unknown kind")),
        };
        let name = match (std::mem::take(&mut ahead).name, prefix) {
            (Some(name), _) => name,
            (None, "") => text(&block[..100])?,
            (None, prefix) => format!("{prefix}/{}", text(&block[..100])?),
        };
        let (name, kind) = entry(name, kind, block)?;
        if size > 0 && !matches!(kind, Kind::File(_)) {
            // Some readers take it for the next header.
            return Err(TarError::Format("an entry that is not a file has content"));
        }
        if !(kind == Kind::Folder && name == ".") && entries.insert(name.clone(), kind).is_some() {
            entries.insert(name, Kind::Other);
        }
    }
    Err(TarError::Format("its end is missing"))
}

/// An entry as every reader takes it: a slash behind the name makes a folder of a file, and so may the bits of its mode.
fn entry(name: String, kind: Kind, block: &[u8]) -> Result<(String, Kind), TarError> {
    let mode = octal(&block[100..108]).ok_or(TarError::Format("a mode is not a number"))?;
    let kind = match kind {
        Kind::File(_) if name.ends_with('/') && block[156] == 0 => Kind::Folder,
        _ if name.ends_with('/') && kind != Kind::Folder => Kind::Other,
        kind => kind,
    };
    let expected = match kind {
        Kind::File(_) => 0o100_000,
        Kind::Folder => 0o040_000,
        Kind::Link | Kind::Other => mode & !0o7777,
    };
    if mode & !0o7777 != 0 && mode & !0o7777 != expected {
        return Err(TarError::Format("the mode of an entry is that of another kind"));
    }
    let name = name.trim_end_matches('/').to_owned();
    if name.is_empty() { Err(TarError::Format("an entry has no name")) } else { Ok((name, kind)) }
}

/// The first folders of a name, where the form of the header has a field for them.
fn prefix(block: &[u8]) -> Result<&str, TarError> {
    const FORM: TarError = TarError::Format("a header has an unknown form");
    match &block[257..265] {
        b"ustar\x0000" if is_zero(&block[500..]) => str(&block[345..500]),
        // The older forms have other fields there, which nobody needs.
        b"ustar  \0" if is_zero(&block[345..]) => Ok(""),
        _ if is_zero(&block[257..]) => Ok(""),
        _ => Err(FORM),
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn str(field: &[u8]) -> Result<&str, TarError> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).map_err(|_| TarError::Format("a name is not UTF-8"))
}

fn text(field: &[u8]) -> Result<String, TarError> {
    str(field).map(str::to_owned)
}

/// A number, which spaces may be before, and spaces and zeros behind; none is zero.
fn octal(field: &[u8]) -> Option<usize> {
    let begin = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let end = field.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(begin, |last| last + 1);
    let digits = field.get(begin..end.max(begin))?;
    digits.iter().try_fold(0_usize, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(usize::from(digit - b'0')),
        _ => None,
    })
}

/// Which entries the records of a header are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Entry,
    All,
}

/// The path among records `LENGTH KEY=VALUE`, whose values may have lines of their own.
fn pax_path(records: &[u8], reach: Reach) -> Result<Option<String>, TarError> {
    const DAMAGED: TarError = TarError::Format("a record of a header is damaged");
    /// What changes neither a name nor a length, nor what is in a file.
    const HARMLESS: [&str; 8] = ["comment", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname"];
    const ATTRIBUTES: [&str; 2] = ["SCHILY.xattr.", "LIBARCHIVE."];
    let (mut rest, mut path, mut keys) = (records, None, BTreeSet::new());
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ').ok_or(DAMAGED)?;
        let digits = Some(str(&rest[..space])?).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let length: usize = digits.and_then(|digits| digits.parse().ok()).ok_or(DAMAGED)?;
        let record = rest.get(space + 1..length).and_then(|record| record.strip_suffix(b"\n")).ok_or(DAMAGED)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or(DAMAGED)?;
        let (key, value) = (str(&record[..equals])?, &record[equals + 1..]);
        if !keys.insert(key) {
            return Err(TarError::Format("a header has two records of one key"));
        }
        let is_name = matches!(key, "path" | "linkpath") && reach == Reach::Entry;
        let is_harmless = HARMLESS.contains(&key) || ATTRIBUTES.iter().any(|begin| key.starts_with(begin));
        match key {
            _ if !(is_name || is_harmless) => {
                return Err(TarError::Format("a record of a header changes what is read"));
            }
            "path" if value.is_empty() || value.contains(&0) => return Err(DAMAGED),
            "path" => path = Some(text(value)?),
            _ => {}
        }
        rest = &rest[length..];
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_was_not_is_refused() {
        let long = format!("{}/{}", "a".repeat(90), "b".repeat(60));
        let mut archive = Archive::default();
        archive.file("a", 0o644, b"x");
        archive.folder("b/", 0o755);
        archive.file(&long, 0o600, &[7; 700]);
        let packed = gzip(&archive.clone().finish());
        let entries = read_gzipped(&packed).expect("an archive");
        assert_eq!(entries.len(), 3);
        assert_eq!((&entries["a"], &entries["b"]), (&Kind::File(b"x".to_vec()), &Kind::Folder));
        assert_eq!(entries[&long], Kind::File(vec![7; 700]));
        archive.file("a", 0o644, b"y");
        archive.header("link", 0o777, 0, b'2');
        let entries = read(&archive.clone().finish()).expect("an archive");
        assert_eq!((&entries["a"], &entries["link"]), (&Kind::Other, &Kind::Link));
        let whole = archive.finish();
        for end in (0..whole.len() - 1024).step_by(100) {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        assert!(read(&[1; 1024]).is_err());
        assert!(matches!(read_gzipped(b"not gzip"), Err(TarError::Gzip(_))));
        for end in [0, 5, 12, packed.len() - 9, packed.len() - 1] {
            assert!(matches!(read_gzipped(&packed[..end]), Err(TarError::Gzip(_))), "{end}");
        }
        let mut wrong = packed.clone();
        let last = wrong.len() - 8;
        wrong[last] ^= 1;
        assert!(matches!(read_gzipped(&wrong), Err(TarError::Gzip("its sum is wrong"))));
    }

    /// An entry with another header.
    fn odd(change: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut archive = Archive::default();
        archive.file("a/b", 0o644, b"x");
        change(&mut archive.bytes[..BLOCK]);
        archive.bytes[148..156].fill(b' ');
        let sum: u32 = archive.bytes[..BLOCK].iter().map(|byte| u32::from(*byte)).sum();
        archive.bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.finish()
    }

    #[test]
    fn a_name_of_any_length_is_read_as_it_was_written() {
        let names =
            ["x".repeat(101), format!("{}/y", "x".repeat(200)), "é".repeat(300), format!("a/{}", "z".repeat(98))];
        let mut archive = Archive::default();
        for name in &names {
            archive.file(name, 0o644, name.as_bytes());
        }
        let entries = read(&archive.finish()).expect("an archive");
        assert_eq!(entries.len(), names.len());
        for name in &names {
            assert_eq!(entries[name], Kind::File(name.as_bytes().to_vec()));
        }
    }

    #[test]
    fn a_record_has_the_length_that_it_says() {
        let with = |records: &[Vec<u8>], kind: u8| {
            let mut archive = Archive::default();
            archive.header("h", 0o644, records.concat().len(), kind);
            archive.content(&records.concat());
            archive.file("short", 0o644, b"x");
            read(&archive.finish()).map(|entries| entries.into_keys().collect::<Vec<_>>())
        };
        let hidden = pax_record("comment", "x\n99 path=listed");
        assert_eq!(with(&[hidden, pax_record("path", "moved")], b'x').expect("an archive"), ["moved"]);
        assert_eq!(with(&[pax_record("comment", "of a commit")], b'g').expect("an archive"), ["short"]);
        for records in [
            vec![b"99 path=a\n".to_vec()],
            vec![b"+9 path=a\n".to_vec()],
            vec![b"path=a\n".to_vec()],
            vec![pax_record("path", "a"), pax_record("path", "b")],
            vec![pax_record("path", "")],
            vec![pax_record("path", "a\0b")],
            vec![pax_record("size", "700")],
            vec![pax_record("GNU.sparse.name", "a")],
            vec![pax_record("hdrcharset", "BINARY")],
        ] {
            assert!(with(&records, b'x').is_err(), "{}", String::from_utf8_lossy(&records.concat()));
        }
        assert!(with(&[pax_record("path", "a")], b'g').is_err(), "a name for every entry");
        let mut archive = Archive::default();
        for kind in [b'x', b'L'] {
            archive.header("h", 0o644, 10, kind);
            archive.content(b"10 path=a\n");
        }
        archive.file("short", 0o644, b"x");
        assert!(read(&archive.clone().finish()).is_err(), "two names of one entry");
        let mut alone = Archive::default();
        alone.header("h", 0o644, 10, b'x');
        alone.content(b"10 path=a\n");
        assert!(read(&alone.finish()).is_err(), "a name of no entry");
    }

    #[test]
    fn what_two_readers_take_differently_is_refused() {
        assert_eq!(read(&odd(|_| ())).expect("an archive").into_keys().collect::<Vec<_>>(), ["a/b"]);
        // A form whose prefix has other bytes or another length.
        assert!(read(&odd(|header| header[257..265].copy_from_slice(b"ustar  \0"))).is_ok());
        let gnu = |header: &mut [u8]| {
            header[257..265].copy_from_slice(b"ustar  \0");
            header[345] = b'p';
        };
        assert!(read(&odd(gnu)).is_err());
        assert!(read(&odd(|header| header[508..512].copy_from_slice(b"tar\0"))).is_err());
        assert!(read(&odd(|header| header[257..265].copy_from_slice(b"xstar\x0000"))).is_err());
        // Kinds that have more headers or none that we know, and what makes a folder of a file.
        assert!(read(&odd(|header| header[156] = b'S')).is_err());
        assert!(read(&odd(|header| header[156] = b'5')).is_err(), "a folder with content");
        assert!(read(&odd(|header| header[156] = b'2')).is_err(), "a link with content");
        assert!(read(&odd(|header| header[100..107].copy_from_slice(b"0040644"))).is_err());
        assert!(read(&odd(|header| header[100..107].copy_from_slice(b"0100644"))).is_ok());
        assert!(read(&odd(|header| header[3] = b'/')).is_err(), "a file that is called as a folder");
        assert!(read(&odd(|header| header[124..135].copy_from_slice(b"+0000000001"))).is_err());
        assert!(read(&odd(|header| header[0] = 0xff)).is_err(), "a name that is not UTF-8");
        assert!(read(&odd(|header| header[..3].fill(0))).is_err(), "no name");
        let mut behind = odd(|_| ());
        behind.extend(odd(|_| ()));
        assert!(read(&behind).is_err(), "entries behind the end");
        let whole = odd(|_| ());
        assert_eq!(read(&[&whole[..], &[0; 8192]].concat()).expect("an archive").len(), 1);
    }

    #[test]
    fn a_name_of_any_length_is_kept() {
        let long = |length: usize| format!("d/{}.yaml", "x".repeat(length - 7));
        let deep = vec!["é".repeat(40); 20].join("/");
        let names = [100, 101, 110, 155, 256, 257, 512, 600, 5000].map(long);
        let mut archive = Archive::default();
        for name in names.iter().chain([&deep]) {
            archive.file(name, 0o644, name.as_bytes());
        }
        archive.folder(&format!("{}/", long(300)), 0o755);
        let mut entries = read(&archive.finish()).expect("an archive");
        assert_eq!(entries.remove(&long(300)), Some(Kind::Folder));
        for name in names.iter().chain([&deep]) {
            assert_eq!(entries.remove(name), Some(Kind::File(name.clone().into_bytes())), "{}", name.len());
        }
        assert!(entries.is_empty(), "{:?}", entries.keys());
        for length in 1..2000 {
            let record = String::from_utf8(pax_record("path", &"x".repeat(length))).expect("text");
            assert!(record.starts_with(&format!("{} path=x", record.len())), "{record}");
        }
    }

    #[test]
    fn a_file_is_a_header_and_whole_blocks() {
        let mut archive = Archive::default();
        archive.file("aicr", 0o755, b"x");
        archive.folder("tmp/", 0o1777);
        let bytes = archive.finish();
        assert_eq!(bytes.len(), 5 * BLOCK);
        assert_eq!(
            (&bytes[..5], &bytes[100..108], &bytes[124..136]),
            (&b"aicr\0"[..], &b"0000755\0"[..], &b"00000000001\0"[..])
        );
        assert_eq!((bytes[512], &bytes[513..1024]), (b'x', &[0; 511][..]));
        assert_eq!((&bytes[1024..1029], bytes[1024 + 156]), (&b"tmp/\0"[..], b'5'));
        let sum = |block: &[u8]| -> u32 { block.iter().map(|byte| u32::from(*byte)).sum() };
        let said = u32::from_str_radix(std::str::from_utf8(&bytes[148..154]).unwrap(), 8).unwrap();
        assert_eq!(said, sum(&bytes[..512]) - sum(&bytes[148..156]) + 8 * 32);
    }
}
