//! The content of a Helm release secret: base64 of base64 of gzip of JSON, as Helm keeps it.
//!
//! The gzip stream holds its text uncompressed, which every reader understands; a compressor would be a dependency for
//! twelve secrets.

use serde_json::{Value, json};

/// What `data.release` of the secret holds. `chart` is `name-version`, `config` the values it was installed with.
pub fn release(namespace: &str, name: &str, chart: &str, config: &Value) -> String {
    let (chart_name, version) = chart.rsplit_once('-').unwrap_or((chart, ""));
    let document = json!({"name": name, "namespace": namespace, "version": 1, "config": config,
        "info": {"status": "deployed", "description": "Install complete"},
        "chart": {"metadata": {"name": chart_name, "version": version, "apiVersion": "v2"}}});
    base64(base64(&gzip(document.to_string().as_bytes())).as_bytes())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = bytes.chunks(0xffff).peekable();
    if blocks.peek().is_none() {
        out.extend_from_slice(&[1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        // Chunks are at most this long.
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&crc32(bytes).to_le_bytes());
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = !0_u32;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn letters_and_sums_are_the_standard_ones() {
        assert_eq!(["", "f", "fo", "foo"].map(|text| base64(text.as_bytes())), ["", "Zg==", "Zm8=", "Zm9v"]);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn what_is_packed_unpacks() {
        let text = "x".repeat(70_000);
        let mut back = String::new();
        flate2::read::GzDecoder::new(gzip(text.as_bytes()).as_slice()).read_to_string(&mut back).expect("gzip");
        assert_eq!(back, text);
    }
}
