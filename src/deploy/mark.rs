//! What marks a release as made from the files of its folder: the same text that `deploy.sh` makes with `cksum`.
//!
//! It says whether a release is up to date, and nothing about who made the files; `checksums.txt` is for that.

/// The mark of a folder with these files, by their paths below it.
///
/// A line for each file, sorted by path, with the checksum and the length of the file; then the same of those lines.
/// Files whose name begins with a dot are left out.
pub fn of(files: &[(&str, &[u8])]) -> String {
    let is_hidden = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    let mut files: Vec<(String, &[u8])> =
        files.iter().filter(|(path, _)| !is_hidden(path)).map(|(path, bytes)| (format!("./{path}"), *bytes)).collect();
    files.sort();
    let lines: String =
        files.iter().map(|(path, bytes)| format!("{path} {} {}\n", checksum(bytes), bytes.len())).collect();
    format!("aicr bundle {}-{}", checksum(lines.as_bytes()), lines.len())
}

/// The checksum of POSIX `cksum`: a CRC of the bytes and then of their number.
fn checksum(bytes: &[u8]) -> u32 {
    let mut length = bytes.len();
    let mut sum = bytes.iter().fold(0, |sum, byte| step(sum, *byte));
    while length > 0 {
        sum = step(sum, length.to_le_bytes()[0]);
        length >>= 8;
    }
    !sum
}

fn step(sum: u32, byte: u8) -> u32 {
    (sum << 8) ^ TABLE[usize::from(sum.to_be_bytes()[0] ^ byte)]
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut sum = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000_0000 == 0 { sum << 1 } else { (sum << 1) ^ 0x04C1_1DB7 };
            bit += 1;
        }
        table[index] = sum;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_cksum() {
        // `printf '' | cksum`, `printf 123456789 | cksum`.
        assert_eq!(checksum(b""), 4_294_967_295);
        assert_eq!(checksum(b"123456789"), 930_766_865);
    }

    #[test]
    fn a_mark_changes_with_a_file_and_not_with_their_order_or_hidden_ones() {
        let files: [(&str, &[u8]); 2] = [("values.yaml", b"a: 1\n"), ("templates/x.yaml", b"kind: x\n")];
        let mark = of(&files);
        assert_eq!(mark, of(&[files[1], files[0], (".aicr-chart.tgz", b"x")]));
        assert_ne!(mark, of(&[("values.yaml", b"a: 2\n"), files[1]]));
    }
}
