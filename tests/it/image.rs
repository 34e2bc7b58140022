//! `aicr image`: what is written is read back, by the program that unpacks archives on every machine, and what is pushed is
//! looked at where it arrived.

use crate::sandbox::{self, Request, Sandbox};
use aicr::bundle::checksum;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

/// A program that ends at once with code 0: an ELF header, one segment, `mov edi, 0; mov eax, 60; syscall`.
fn program(machine: u8, segment: u8) -> Vec<u8> {
    let code = [0xbf, 0, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05];
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(120, 0);
    bytes.extend(code);
    let size = bytes.len() as u64;
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(16, &[2, 0, machine, 0, 1]);
    put(24, &0x0040_0078_u64.to_le_bytes());
    put(32, &64_u64.to_le_bytes());
    put(52, &[64, 0, 56, 0, 1]);
    put(64, &[segment, 0, 0, 0, 5]);
    put(80, &0x0040_0000_u64.to_le_bytes());
    put(96, &size.to_le_bytes());
    put(104, &size.to_le_bytes());
    bytes
}

fn unpack(archive: &Path, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let status = Command::new("tar").arg("-xpf").arg(archive).arg("-C").arg(folder).status().expect("tar runs");
    assert!(status.success(), "{}", archive.display());
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

#[cfg(unix)]
#[test]
fn an_image_is_unpacked_to_the_binary_that_it_was_made_from() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let home = sandbox.home();
    fs::write(home.join("amd64"), program(62, 1)).expect("a file");
    let build =
        |output: &str| sandbox.aicr(&["image", "build", "-o", output, "--binary", "amd64", "--name", "r.io/x:7"]);
    let run = build("check.tar");
    assert_eq!((run.code, &*run.stdout), (0, ""), "{}", run.transcript);
    assert!(run.stderr.starts_with("wrote r.io/x:7 for linux/amd64 to check.tar ("), "{}", run.transcript);
    unpack(&home.join("check.tar"), &home.join("layout"));
    let blob = |digest: &Value| home.join("layout/blobs").join(digest.as_str().expect("a digest").replace(':', "/"));
    let entry = json(&home.join("layout/index.json"))["manifests"][0].clone();
    assert!(run.stderr.contains(entry["digest"].as_str().expect("a digest")), "{}", run.transcript);
    assert_eq!(entry["annotations"]["io.containerd.image.name"], "r.io/x:7");
    let manifest = json(&blob(&entry["digest"]));
    unpack(&blob(&manifest["layers"][0]["digest"]), &home.join("root"));
    let binary = home.join("root/aicr");
    assert_eq!(fs::read(&binary).expect("the binary"), program(62, 1));
    assert_eq!(fs::metadata(&binary).expect("the binary").permissions().mode() & 0o7777, 0o755);
    assert_eq!(json(&blob(&manifest["config"]["digest"]))["config"]["Entrypoint"][0], "/aicr");

    assert_eq!(build("again.tar").code, 0);
    assert_eq!(fs::read(home.join("check.tar")).ok(), fs::read(home.join("again.tar")).ok());
}

#[test]
fn two_architectures_are_in_one_archive() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.home().join("amd64"), program(62, 1)).expect("a file");
    fs::write(sandbox.home().join("arm64"), program(183, 1)).expect("a file");
    let run = sandbox.aicr(&["image", "build", "-o", "c.tar", "--binary", "amd64", "--binary", "arm64"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let expected =
        concat!("wrote docker.io/aicr/check:", env!("CARGO_PKG_VERSION"), " for linux/amd64, linux/arm64 to c.tar");
    assert!(run.stderr.starts_with(expected), "{}", run.transcript);
}

#[test]
fn a_binary_that_would_not_start_is_refused_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.home().join("dynamic"), program(62, 3)).expect("a file");
    sandbox.file("script", "#!/bin/sh\n");
    let refused = |binary: &str, code: i32, words: &[&str]| {
        let run = sandbox.aicr(&["image", "build", "-o", "no.tar", "--binary", binary]);
        assert_eq!(run.code, code, "{}", run.transcript);
        assert!(words.iter().all(|word| run.stderr.contains(word)), "{}", run.transcript);
        assert!(!sandbox.home().join("no.tar").exists());
    };
    refused(
        "dynamic",
        2,
        &["at dynamic", "dynamically linked", "cargo build --release --target x86_64-unknown-linux-musl"],
    );
    refused("script", 2, &["at script", "it is not a Linux binary"]);
    refused("nowhere", 3, &["at nowhere"]);
    let run = sandbox.aicr(&["image", "build", "-o", "script", "--binary", "script"]);
    assert!(run.code == 2 && run.stderr.contains("would replace the binary"), "{}", run.transcript);
}

/// What a registry has, by path, and how many uploads it took.
#[derive(Default)]
struct Kept {
    content: BTreeMap<String, Vec<u8>>,
    uploads: usize,
}

impl Kept {
    /// Status, one header and body for a request, as the distribution API has it: only what is whole is taken.
    fn answer(&mut self, method: &str, path: &str, login: &str, body: Vec<u8>) -> (u16, String, String) {
        let plain = |code: u16| (code, String::new(), String::new());
        if path.starts_with("/token?") {
            let is_asked = path.contains("scope=repository%3Aa%2Fx%3Apull%2Cpush") && path.contains("service=test");
            return match login {
                "Basic dXNlcjpwYXNz" if is_asked => (200, String::new(), json!({"token": "t0k"}).to_string()),
                _ => plain(401),
            };
        }
        match (method, path.split_once("?state=1&digest=sha256%3A")) {
            ("HEAD", _) => plain(if self.content.contains_key(path) { 200 } else { 404 }),
            ("POST", _) => (202, "location: /upload?state=1\r\n".to_owned(), String::new()),
            ("PUT", Some((_, digest))) if checksum::digest(&body) == digest => {
                self.uploads += 1;
                self.content.insert(format!("/v2/a/x/blobs/sha256:{digest}"), body);
                plain(201)
            }
            ("PUT", None) if path.starts_with("/v2/a/x/manifests/") => {
                let manifest: Value = serde_json::from_slice(&body).expect("a manifest");
                let list = |key: &str| manifest[key].as_array().cloned().unwrap_or_default();
                let has = |kind: &str, one: &Value| {
                    self.content.contains_key(&format!("/v2/a/x/{kind}/{}", one["digest"].as_str().expect("a digest")))
                };
                let blobs = [list("layers"), manifest.get("config").cloned().into_iter().collect()].concat();
                let is_whole = blobs.iter().all(|one| has("blobs", one))
                    && list("manifests").iter().all(|one| has("manifests", one));
                if !is_whole {
                    let error = json!({"errors": [{"message": "a blob is missing"}]});
                    return (400, String::new(), error.to_string());
                }
                self.content.insert(path.to_owned(), body);
                plain(201)
            }
            _ => plain(400),
        }
    }
}

/// A registry that takes a token for the login `user:pass`.
fn registry(kept: Arc<Mutex<Kept>>) -> SocketAddr {
    sandbox::service(move |address, Request { method, path, login, body }| {
        let challenge = format!("www-authenticate: Bearer realm=\"http://{address}/token\",service=\"test\"\r\n");
        let (code, header, text) = if login == "Bearer t0k" || path.starts_with("/token?") {
            kept.lock().expect("no panic").answer(&method, &path, &login, body)
        } else {
            (401, challenge, String::new())
        };
        (code, header, text.into_bytes())
    })
}

#[test]
fn what_is_pushed_arrives_whole_under_its_tag_and_only_once() {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let address = registry(Arc::clone(&kept));
    let sandbox = Sandbox::new();
    fs::write(sandbox.home().join("amd64"), program(62, 1)).expect("a file");
    fs::write(sandbox.home().join("arm64"), program(183, 1)).expect("a file");
    let name = format!("{address}/a/x:7");
    let push = || sandbox.aicr(&["image", "push", &name, "--binary", "amd64", "--binary", "arm64"]);

    let run = push();
    assert_eq!(run.code, 4, "{}", run.transcript);
    assert!(run.stderr.contains("the registry asks for a login\n"), "{}", run.transcript);
    assert!(kept.lock().expect("no panic").content.is_empty());

    let login = |word: &str| json!({"auths": {address.to_string(): {"auth": word}}}).to_string();
    sandbox.file(".docker/config.json", &login("d3Jvbmc6cGFzcw=="));
    let run = push();
    assert!(run.code == 4 && run.stderr.contains("refused the configured one"), "{}", run.transcript);

    sandbox.file(".docker/config.json", &login("dXNlcjpwYXNz"));
    let run = push();
    assert_eq!((run.code, &*run.stdout), (0, ""), "{}", run.transcript);
    assert!(
        run.stderr.starts_with(&format!("pushed {name} for linux/amd64, linux/arm64\nsha256:")),
        "{}",
        run.transcript
    );
    {
        let kept = kept.lock().expect("no panic");
        assert_eq!(kept.uploads, 4, "a layer and a config for each architecture");
        let index = &kept.content["/v2/a/x/manifests/7"];
        assert!(run.stderr.contains(&checksum::digest(index)), "{}", run.transcript);
        let index: Value = serde_json::from_slice(index).expect("an index");
        assert_eq!(index["manifests"][1]["platform"]["architecture"], "arm64");
    }

    assert_eq!(push().code, 0);
    assert_eq!(kept.lock().expect("no panic").uploads, 4, "blobs that are there are not sent again");
}
