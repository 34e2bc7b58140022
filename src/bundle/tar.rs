//! Files → a ustar archive without times and owners, and back.
//!
//! Ours, because the lock file has no room for a crate and what we write needs one header of sixteen fields: names that we
//! choose, regular files and folders. What is read may be anybody's: whatever is neither a file nor a folder is named as
//! such, and nothing is unpacked.

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use std::collections::BTreeMap;

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
            _ if name.len() <= 100 => ("", name.as_bytes()),
            Some(at) => (&name[..at], &name.as_bytes()[at + 1..]),
            None => {
                // One that fits into neither has a header of its own before.
                let record = record("path", name);
                self.header("pax", 0o644, record.len(), b'x');
                self.bytes.extend(record.as_bytes());
                self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
                ("", &name.as_bytes()[..100])
            }
        };
        debug_assert!(size < 1 << 33, "{size} bytes need a longer header");
        let mut block = [0; BLOCK];
        let mut put = |at: usize, value: &[u8]| block[at..at + value.len()].copy_from_slice(value);
        put(0, name);
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

/// One record of a header of pax: the length of the whole record, a key and a value.
fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + " =\n".len();
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
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

/// The entries of a gzipped archive by name, without a slash at the end.
///
/// # Errors
/// What is not one; what is too large.
pub fn read_gzipped(packed: &[u8]) -> Result<BTreeMap<String, Kind>, TarError> {
    read(&gunzip(packed)?)
}

fn read(bytes: &[u8]) -> Result<BTreeMap<String, Kind>, TarError> {
    let mut entries = BTreeMap::new();
    let (mut at, mut long) = (0, None);
    while let Some(block) = bytes.get(at..at + BLOCK) {
        if block.iter().all(|byte| *byte == 0) {
            return Ok(entries);
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
        let short = match text(&block[345..500]) {
            prefix if !prefix.is_empty() && &block[257..262] == b"ustar" => format!("{prefix}/{}", text(&block[..100])),
            _ => text(&block[..100]),
        };
        let kind = match block[156] {
            // A name that comes before its entry, as GNU and as POSIX write it; what is for all entries is of no concern.
            b'L' => {
                long = Some(text(content));
                continue;
            }
            b'x' => {
                long = pax_path(content).or(long);
                continue;
            }
            b'g' => continue,
            0 | b'0' | b'7' => Kind::File(content.to_vec()),
            b'5' => Kind::Folder,
            b'1' | b'2' => Kind::Link,
            _ => Kind::Other,
        };
        let name = long.take().unwrap_or(short);
        let name = name.strip_prefix("./").unwrap_or(&name).trim_end_matches('/').to_owned();
        if !matches!(&*name, "" | ".") && entries.insert(name.clone(), kind).is_some() {
            entries.insert(name, Kind::Other);
        }
    }
    Err(TarError::Format("its end is missing"))
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn octal(field: &[u8]) -> Option<usize> {
    usize::from_str_radix(text(field).trim(), 8).ok()
}

/// The path among the records `LENGTH KEY=VALUE`.
fn pax_path(records: &[u8]) -> Option<String> {
    let records = String::from_utf8_lossy(records);
    records.lines().find_map(|record| Some(record.split_once(' ')?.1.strip_prefix("path=")?.to_owned()))
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
            let record = record("path", &"x".repeat(length));
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
