//! Build and push the image that runs checks, from the running program or from binaries that were built for it.

use super::{Failure, Kind, place};
use crate::{
    cluster::registry::{self, Registry, RegistryError},
    image::{self, Image, ImageError, elf::ElfError, name::Name},
    store::{
        read::{self, ReadError},
        tree, write,
    },
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub image: Image,
    pub bytes: usize,
}

/// Builds the image and writes it, whole or not at all; `-` is standard output. Without binaries it holds this program.
///
/// # Errors
/// A binary that cannot be read or would not start in the image; an output that cannot be written, or that would replace a
/// binary.
pub fn build(name: &Name, binaries: &[PathBuf], output: &Path) -> Result<Built, Failure> {
    let image = made(name, binaries, output)?;
    let archive = image.archive();
    write::write(output, &archive).map_err(|error| place::unwritable(&output.display().to_string(), error))?;
    Ok(Built { image, bytes: archive.len() })
}

/// Builds the image and pushes it to the registry of its name, with the login that docker's configuration has for it. Plain
/// http is for registries on this machine, and for others only where `insecure` says so.
///
/// # Errors
/// As [`build`]; what the registry refuses.
pub async fn push(name: &Name, binaries: &[PathBuf], insecure: bool) -> Result<Image, Failure> {
    let image = made(name, binaries, Path::new("-"))?;
    let variable = |name: &str| std::env::var(name).ok();
    let mut registry = registry_of(name, insecure, &variable)?;
    let pushed = async {
        for file in &image.files {
            let (Some(media_type), Some(digest)) = (file.media_type, file.digest()) else { continue };
            if file.is_manifest() {
                registry.manifest(&digest, media_type, &file.content).await?;
                if digest == image.digest {
                    registry.manifest(name.tag(), media_type, &file.content).await?;
                }
            } else {
                registry.blob(&digest, &file.content).await?;
            }
        }
        Ok(())
    };
    pushed.await.map_err(|error: RegistryError| refused_by_registry("push the image", name.full(), error))?;
    Ok(image)
}

/// The registry of a name, with the login that docker's configuration has for it; plain http is for this machine.
pub(super) fn registry_of<'v>(
    name: &Name,
    plain_http: bool,
    variable: &'v (dyn Fn(&str) -> Option<String> + Sync),
) -> Result<Registry<'v>, Failure> {
    let host = if name.registry() == "docker.io" { "registry-1.docker.io" } else { name.registry() };
    let scheme = if plain_http || registry::is_loopback(host) { "http" } else { "https" };
    let login = login(name.registry())?;
    Ok(Registry::new(format!("{scheme}://{host}"), name.repository().to_owned(), login, variable))
}

/// What docker's configuration has for a registry: `user:password` in base 64. Its credential helpers are not run.
fn login(registry: &str) -> Result<Option<String>, Failure> {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".docker")));
    let Some(path) = folder.map(|folder| folder.join("config.json")) else { return Ok(None) };
    let shown = path.display().to_string();
    let failed = |failure: Failure| failure.at(shown.clone()).hint("correct the file, or move it away");
    let doing = "read the logins of registries";
    let text = match read::read(&path) {
        Ok(text) => text,
        Err(ReadError::NotFound) => return Ok(None),
        Err(error) => return Err(failed(Failure::from_error(Kind::Usage, doing, error))),
    };
    // The error of the parser could quote a password.
    let config: serde_json::Value =
        serde_json::from_str(&text).map_err(|_| failed(Failure::new(Kind::Usage, doing, "it is not JSON")))?;
    let docker = "https://index.docker.io/v1/";
    let keys = [
        registry.to_owned(),
        format!("https://{registry}"),
        if registry == "docker.io" { docker } else { "" }.to_owned(),
    ];
    let found = keys.iter().find_map(|key| config["auths"][key.as_str()]["auth"].as_str());
    Ok(found.filter(|login| !login.is_empty()).map(str::to_owned))
}

/// The failure for what a registry said.
pub(super) fn refused_by_registry(doing: &str, name: &str, error: RegistryError) -> Failure {
    let (kind, hint) = match &error {
        RegistryError::Web(error) => (
            place::web_advice(error, "image").0,
            "check the registry's name and port, the network and the proxy; a registry without TLS has to be named so"
                .to_owned(),
        ),
        RegistryError::Login { .. } => (
            Kind::Forbidden,
            "log in with `docker login`, with no credential helper: only `auths` of docker's config.json is read"
                .to_owned(),
        ),
        RegistryError::Status { status, .. } if matches!(status.as_u16(), 401 | 403) => {
            (Kind::Forbidden, "ask for the right to read or push there".to_owned())
        }
        RegistryError::Status { status, .. } if status.as_u16() == 404 => {
            (Kind::NotFound, "correct the name or the tag".to_owned())
        }
        RegistryError::TooLarge(_) => (Kind::Usage, "is it what was meant? Correct the name".to_owned()),
        RegistryError::Digest { .. } => {
            (Kind::Forbidden, "the registry, or something on the way, changed it; try again".to_owned())
        }
        RegistryError::Status { status, .. } if status.as_u16() == 429 => {
            (Kind::RateLimited, "try again in a moment".to_owned())
        }
        RegistryError::Status { status, .. } if status.is_server_error() => {
            (Kind::Unreachable, "the registry, or a proxy in front of it, is not ready; try again".to_owned())
        }
        RegistryError::Status { .. } | RegistryError::Challenge(_) | RegistryError::NoLocation => {
            (Kind::Usage, "is it a registry? Correct the name".to_owned())
        }
    };
    Failure::from_error(kind, doing, error).at(name).hint(hint)
}

/// The image, before it goes to an output that may not be one of its binaries.
fn made(name: &Name, binaries: &[PathBuf], output: &Path) -> Result<Image, Failure> {
    let own = || std::env::current_exe().map_err(|error| unreadable("the running program", error));
    let paths = if binaries.is_empty() { vec![own()?] } else { binaries.to_vec() };
    if let Some(path) = paths.iter().find(|path| tree::is_same_file(path, output)) {
        let because = "the output would replace the binary that it is made from";
        let failure = Failure::new(Kind::Usage, DOING, because).at(path.display().to_string());
        return Err(failure.hint("choose another --output"));
    }
    let read = |path: &PathBuf| fs::read(path).map_err(|error| unreadable(&path.display().to_string(), error));
    let contents = paths.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    image::build(name, &contents).map_err(|error| refused(error, &paths))
}

const DOING: &str = "build the image";

fn unreadable(at: &str, error: io::Error) -> Failure {
    let kind = if error.kind() == io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Usage };
    Failure::from_error(kind, "read the binary", error).at(at).hint("correct the path or its permissions")
}

fn refused(error: ImageError, paths: &[PathBuf]) -> Failure {
    let (at, hint) = match &error {
        ImageError::Binary(index, reason) => {
            let hint = match reason {
                ElfError::Dynamic { arch, .. } => {
                    format!(
                        "build a static one with `cargo build --release --target {}`, and give it with --binary",
                        arch.target()
                    )
                }
                _ => "give a static Linux binary of aicr with --binary".to_owned(),
            };
            (paths.get(*index).map(|path| path.display().to_string()), hint)
        }
        ImageError::Twice(_) => (None, "give one --binary for each architecture".to_owned()),
    };
    Failure { at, ..Failure::from_error(Kind::Usage, DOING, error).hint(hint) }
}
