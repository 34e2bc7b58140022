//! Files → a ustar archive without times and owners.
//!
//! Ours, because the lock file has no room for a crate and an image needs one header of sixteen fields: short names that we
//! choose, regular files and folders.

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
        debug_assert!(name.len() <= 100 && size < 1 << 33, "{name} with {size} bytes needs a longer header");
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
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
