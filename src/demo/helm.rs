//! Releases as Helm keeps them: a secret with base64 of base64 of gzip of JSON.

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Packs the field `release` of a secret, which is how a release can be read and edited in a file.
pub fn pack(object: &mut Value) {
    if object["type"] != "helm.sh/release.v1" {
        return;
    }
    let Some(release) = object.as_object_mut().and_then(|fields| fields.remove("release")) else { return };
    if let Ok(packed) = gzip(release.to_string().as_bytes()) {
        object["data"]["release"] = json!(BASE64_STANDARD.encode(BASE64_STANDARD.encode(packed)));
    }
}

/// Does not fail in memory.
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_release_is_packed_as_helm_does_and_another_secret_left_alone() {
        let mut secret = json!({"type": "helm.sh/release.v1", "release": {"name": "x"}});
        pack(&mut secret);
        let unpacked = |text: &[u8]| BASE64_STANDARD.decode(text).expect("base64");
        let packed = unpacked(&unpacked(secret["data"]["release"].as_str().expect("text").as_bytes()));
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("gzip");
        assert_eq!((text.as_str(), secret.get("release")), ("{\"name\":\"x\"}", None));
        let mut other = json!({"type": "Opaque", "release": "x"});
        pack(&mut other);
        assert_eq!(other["release"], "x");
    }
}
