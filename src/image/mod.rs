//! Binaries → the image that runs checks, as the files of an OCI image layout.
//!
//! In: a name and one static binary per architecture. Out: every file with its bytes; the same input gives the same bytes,
//! because no time and no owner of this machine goes in. `manifest.json` says the same to `docker load`, which may read no
//! OCI layout. A binary that would not start in an empty image is refused.

pub mod elf;
pub mod name;

use crate::bundle::{checksum, tar};
use elf::{Arch, ElfError};
use name::Name;
use serde_json::{Value, json};
use thiserror::Error;

/// Of the image that runs a check: the pods of checks run as this user too.
const USER: &str = "65532:65532";
/// A pod replaces what comes after it by the arguments of its check.
const ENTRYPOINT: [&str; 2] = ["/aicr", "check"];

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A finished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// As a cluster calls it, with its registry.
    pub name: String,
    pub architectures: Vec<Arch>,
    /// Of the manifest, or of the index over several.
    pub digest: String,
    pub files: Vec<File>,
}

/// One file of the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: String,
    /// Of what a registry keeps; none for the files that make a folder a layout.
    pub media_type: Option<&'static str>,
    pub content: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImageError {
    /// Which of the binaries, and why.
    #[error("{1}")]
    Binary(usize, ElfError),
    #[error("two binaries are for {}", .0.name())]
    Twice(Arch),
}

/// What an index or a manifest says of a file.
struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: usize,
}

impl Descriptor {
    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.digest)
    }

    fn value(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": format!("sha256:{}", self.digest), "size": self.size})
    }
}

/// The image of these binaries. The order of the binaries is that of its platforms; the first is the one that `docker load`
/// takes where it reads no OCI layout.
///
/// # Errors
/// A binary that would not start in it; two for one architecture.
pub fn build(name: &Name, binaries: &[Vec<u8>]) -> Result<Image, ImageError> {
    let mut architectures = Vec::new();
    for (index, binary) in binaries.iter().enumerate() {
        let arch = elf::static_program(binary).map_err(|error| ImageError::Binary(index, error))?;
        if architectures.contains(&arch) {
            return Err(ImageError::Twice(arch));
        }
        architectures.push(arch);
    }
    let mut files = Vec::new();
    let mut manifests = Vec::new();
    let mut archive = Vec::new();
    for (arch, binary) in architectures.iter().zip(binaries) {
        let layer = add(&mut files, LAYER, layer(binary));
        let config = add(&mut files, CONFIG, text(&config(*arch, &layer)));
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config.value(), "layers": [layer.value()]});
        let manifest = add(&mut files, MANIFEST, text(&manifest));
        if archive.is_empty() {
            archive.push(json!({"Config": config.path(), "RepoTags": [name.full()], "Layers": [layer.path()]}));
        }
        let mut value = manifest.value();
        value["platform"] = json!({"architecture": arch.name(), "os": "linux"});
        manifests.push((manifest, value));
    }
    // Importers take one entry per name, so that several platforms are one index below the index of the layout.
    let (top, mut entry) = if let [(manifest, value)] = &*manifests {
        (manifest.digest.clone(), value.clone())
    } else {
        let listed: Vec<&Value> = manifests.iter().map(|(_, value)| value).collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed});
        let index = add(&mut files, INDEX, text(&index));
        (index.digest.clone(), index.value())
    };
    entry["annotations"] =
        json!({"io.containerd.image.name": name.full(), "org.opencontainers.image.ref.name": name.tag()});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
    let mut file = |path: &str, content| files.push(File { path: path.to_owned(), media_type: None, content });
    file("index.json", text(&index));
    file("manifest.json", text(&json!(archive)));
    file("oci-layout", text(&json!({"imageLayoutVersion": "1.0.0"})));
    Ok(Image { name: name.full().to_owned(), architectures, digest: format!("sha256:{top}"), files })
}

impl File {
    /// `sha256:…`, for what a registry keeps.
    pub fn digest(&self) -> Option<String> {
        self.path.strip_prefix("blobs/sha256/").map(|digest| format!("sha256:{digest}"))
    }

    /// Whether it names other files, so that a registry takes it after them.
    pub fn is_manifest(&self) -> bool {
        matches!(self.media_type, Some(MANIFEST | INDEX))
    }
}

impl Image {
    /// All files in one tar, which importers read.
    pub fn archive(&self) -> Vec<u8> {
        let mut archive = tar::Archive::default();
        for folder in ["blobs/", "blobs/sha256/"] {
            archive.folder(folder, 0o755);
        }
        for file in &self.files {
            archive.file(&file.path, 0o644, &file.content);
        }
        archive.finish()
    }
}

fn add(files: &mut Vec<File>, media_type: &'static str, content: Vec<u8>) -> Descriptor {
    let descriptor = Descriptor { media_type, digest: checksum::digest(&content), size: content.len() };
    files.push(File { path: descriptor.path(), media_type: Some(media_type), content });
    descriptor
}

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The binary and what a program expects to find: a folder for temporary files, and who it is.
fn layer(binary: &[u8]) -> Vec<u8> {
    let mut archive = tar::Archive::default();
    archive.file("aicr", 0o755, binary);
    archive.folder("etc/", 0o755);
    archive.file("etc/group", 0o644, b"root:x:0:\nnonroot:x:65532:\n");
    archive.file("etc/passwd", 0o644, b"root:x:0:0:root:/:/\nnonroot:x:65532:65532:nonroot:/tmp:/\n");
    archive.folder("tmp/", 0o1777);
    archive.finish()
}

fn config(arch: Arch, layer: &Descriptor) -> Value {
    json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": arch.name(),
        "os": "linux",
        "config": {"User": USER, "Entrypoint": ENTRYPOINT, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", layer.digest)]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "aicr image build"}],
    })
}

#[cfg(test)]
mod tests {
    use super::{elf::sample, *};

    fn image(machines: &[u16]) -> Image {
        let binaries: Vec<Vec<u8>> = machines.iter().map(|machine| sample(*machine, None)).collect();
        build(&Name::parse("aicr/check:1").unwrap(), &binaries).unwrap()
    }

    fn json_of(image: &Image, path: &str) -> Value {
        serde_json::from_slice(content(image, path)).unwrap()
    }

    fn content<'i>(image: &'i Image, path: &str) -> &'i [u8] {
        &image.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}")).content
    }

    /// What a descriptor points to, after its size and digest were compared with the bytes.
    fn follow(image: &Image, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        let bytes = content(image, &format!("blobs/sha256/{digest}"));
        assert_eq!(descriptor["size"], bytes.len());
        assert_eq!(checksum::digest(bytes), digest);
        bytes.to_vec()
    }

    fn followed(image: &Image, descriptor: &Value) -> Value {
        serde_json::from_slice(&follow(image, descriptor)).unwrap()
    }

    #[test]
    fn every_descriptor_has_the_digest_and_the_size_of_its_bytes() {
        let image = image(&[62]);
        let entry = &json_of(&image, "index.json")["manifests"][0];
        assert_eq!(entry["digest"], *image.digest);
        assert_eq!(entry["platform"], json!({"architecture": "amd64", "os": "linux"}));
        assert_eq!(entry["annotations"]["io.containerd.image.name"], "docker.io/aicr/check:1");
        assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], "1");
        let manifest = followed(&image, entry);
        let layer = follow(&image, &manifest["layers"][0]);
        let config = followed(&image, &manifest["config"]);
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", checksum::digest(&layer)));
        assert_eq!(config["config"]["Entrypoint"], json!(["/aicr", "check"]));
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!((&config["architecture"], &config["os"]), (&json!("amd64"), &json!("linux")));
        let archive = &json_of(&image, "manifest.json")[0];
        assert_eq!(archive["RepoTags"], json!(["docker.io/aicr/check:1"]));
        assert_eq!(content(&image, archive["Layers"][0].as_str().unwrap()), layer);
        assert_eq!(json_of(&image, archive["Config"].as_str().unwrap()), config);
    }

    #[test]
    fn several_binaries_are_one_name_with_several_platforms() {
        let image = image(&[62, 183]);
        let entries = json_of(&image, "index.json")["manifests"].clone();
        assert_eq!(entries.as_array().unwrap().len(), 1);
        assert_eq!(entries[0]["mediaType"], INDEX);
        let index = followed(&image, &entries[0]);
        for (number, arch) in ["amd64", "arm64"].into_iter().enumerate() {
            let entry = &index["manifests"][number];
            assert_eq!(entry["platform"]["architecture"], arch);
            let manifest = followed(&image, entry);
            assert_eq!(followed(&image, &manifest["config"])["architecture"], arch);
            follow(&image, &manifest["layers"][0]);
        }
        let twice = build(&Name::parse("x").unwrap(), &[sample(62, None), sample(62, None)]);
        assert_eq!(twice.unwrap_err().to_string(), "two binaries are for amd64");
    }

    #[test]
    fn the_same_binary_gives_the_same_bytes() {
        assert_eq!(image(&[62, 183]).archive(), image(&[62, 183]).archive());
        assert_ne!(image(&[62]).digest, image(&[183]).digest);
    }
}
