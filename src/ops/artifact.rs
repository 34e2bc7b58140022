//! What a bundle has from elsewhere, and where it goes: it is pushed to an OCI registry and read back; charts are fetched,
//! and manifests that the catalog only names.

use super::{Failure, Kind, image, place};
use crate::{
    bundle::{
        checksum,
        plan::BundlePlan,
        supplied::{Manifests, Placeholder, SuppliedError},
        tar::{self, Archive},
        vendor::{self, VendorError, Vendored, Wanted},
    },
    cluster::{
        registry::{Registry, RegistryError},
        tls::Trust,
        web::{self, Limits, Web},
    },
    image::name::Name,
    store::read::{self, ReadError},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// How a registry is reached besides as it should be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access {
    /// Without encryption; on this machine that is so in any case.
    pub plain_http: bool,
    /// With whatever certificate.
    pub insecure_tls: bool,
}

/// An artifact as it is named: `oci://HOST/PATH:TAG` or `oci://HOST/PATH@sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    name: Name,
    digest: Option<String>,
}

impl Reference {
    /// Reads a name; without a tag it is this version's.
    ///
    /// # Errors
    /// Another scheme, no registry, what no registry takes.
    pub fn parse(text: &str) -> Result<Reference, Failure> {
        let doing = "read the name of the artifact";
        let advised = |failure: Failure| {
            let hint = "write oci://HOST/PATH:TAG, for example oci://registry.example.com/team/bundle:1.0.0";
            failure.at(web::shown(text)).hint(hint)
        };
        let wrong = |because: &str| advised(Failure::new(Kind::Usage, doing, because));
        let rest = text.strip_prefix("oci://").ok_or_else(|| wrong("it does not begin with oci://"))?;
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (rest, None),
        };
        let is_digest = |digest: &String| {
            let digits = digest.strip_prefix("sha256:").unwrap_or_default();
            digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        if digest.as_ref().is_some_and(|digest| !is_digest(digest)) {
            return Err(wrong("what is behind `@` is not a digest, or there is a login before it"));
        }
        let host = rest.split_once('/').map_or("", |(host, _)| host);
        if !(host.contains(['.', ':']) || host == "localhost") {
            return Err(wrong("it names no registry"));
        }
        let has_tag = rest.rsplit_once(':').is_some_and(|(_, tag)| !tag.contains('/'));
        let tag = env!("CARGO_PKG_VERSION").replace('+', "_");
        let typed = if has_tag { rest.to_owned() } else { format!("{rest}:{tag}") };
        let name = Name::parse(&typed).map_err(|error| advised(Failure::from_error(Kind::Usage, doing, error)))?;
        Ok(Reference { name, digest })
    }

    /// Without the tag.
    pub fn url(&self) -> String {
        format!("oci://{}/{}", self.name.registry(), self.name.repository())
    }

    pub fn tag(&self) -> &str {
        self.name.tag()
    }

    /// The last part of the path: a chart there has this name, and its archive one folder called so.
    fn last(&self) -> &str {
        let path = self.name.repository();
        path.rsplit_once('/').map_or(path, |(_, last)| last)
    }

    /// Whether it is named by its digest.
    pub fn is_pinned(&self) -> bool {
        self.digest.is_some()
    }
}

const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const BUNDLE: &str = "application/vnd.nvidia.aicr.artifact";
const CHART_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Of a layer and of a chart.
const LARGEST: usize = 256 << 20;

type Variable = dyn Fn(&str) -> Option<String> + Sync;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn registry<'v>(name: &Name, access: Access, variable: &'v Variable) -> Result<Registry<'v>, Failure> {
    let registry = image::registry_of(name, access.plain_http, variable)?;
    Ok(if access.insecure_tls { registry.trusting(Trust::Any) } else { registry })
}

/// Pushes a bundle, and says under which digest. That for Argo CD with Helm is a chart.
///
/// # Errors
/// What the registry refuses.
pub async fn push(plan: &BundlePlan, to: &Reference, access: Access) -> Result<String, Failure> {
    let is_chart = plan.bundle.options.deployer.is_chart();
    let mut archive = Archive::default();
    for file in &plan.files {
        let path = if is_chart { format!("{}/{}", to.last(), file.path) } else { file.path.clone() };
        archive.file(&path, file.mode, &file.bytes);
    }
    let archive = archive.finish();
    let layer = tar::gzip(&archive);
    let chart = plan.files.iter().find(|file| is_chart && file.path == "Chart.yaml");
    let config = match chart.map(|file| crate::yaml::parse(&file.shown())) {
        Some(Ok(chart)) => chart.to_value().to_string(),
        _ => "{}".to_owned(),
    };
    let described = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": format!("sha256:{}", checksum::digest(bytes)), "size": bytes.len()});
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(if is_chart { CHART_CONFIG } else { EMPTY }, config.as_bytes()),
        "layers": [described(if is_chart { CHART } else { LAYER }, &layer)],
    });
    if !is_chart {
        manifest["artifactType"] = BUNDLE.into();
        // Whoever pulls it with oras gets the files: oras takes the title for the folder that every name begins with.
        manifest["layers"][0]["annotations"] = json!({
            "io.deis.oras.content.digest": format!("sha256:{}", checksum::digest(&archive)),
            "io.deis.oras.content.unpack": "true",
            "org.opencontainers.image.title": ".",
        });
    }
    let mut registry = registry(&to.name, access, &variable)?;
    let manifest = manifest.to_string().into_bytes();
    let digest = format!("sha256:{}", checksum::digest(&manifest));
    let pushed = async {
        for bytes in [config.as_bytes(), &layer] {
            registry.blob(&format!("sha256:{}", checksum::digest(bytes)), bytes).await?;
        }
        registry.manifest(to.tag(), MANIFEST, &manifest).await
    };
    pushed.await.map_err(|error| image::refused_by_registry("push the bundle", to.name.full(), error))?;
    Ok(digest)
}

/// What a pushed bundle has, and its digest.
pub struct Pulled {
    pub entries: BTreeMap<String, tar::Kind>,
    pub digest: String,
}

/// Reads a bundle from a registry into memory.
///
/// # Errors
/// What the registry refuses; an artifact that is not a bundle.
pub async fn pull(from: &Reference, access: Access) -> Result<Pulled, Failure> {
    let doing = "read the bundle";
    let at = from.digest.as_ref().map_or(from.name.full().to_owned(), |digest| format!("{}@{digest}", from.url()));
    let failed = |error: RegistryError| image::refused_by_registry(doing, &at, error);
    let mut registry = registry(&from.name, access, &variable)?.reading();
    let (bytes, digest) = registry.manifest_of(from.digest.as_deref().unwrap_or(from.tag())).await.map_err(failed)?;
    let layer = only_layer(&bytes).map_err(|error| {
        Failure::from_error(Kind::Usage, doing, error).at(at.clone()).hint("`aicr bundle -o oci://…` pushes one")
    })?;
    let name = layer["digest"].as_str().unwrap_or_default();
    let packed = registry.blob_of(name, LARGEST).await.map_err(failed)?;
    let entries =
        tar::read_gzipped(&packed).map_err(|error| Failure::from_error(Kind::Usage, doing, error).at(at.clone()))?;
    let inside = match layer["mediaType"] == CHART {
        true => format!("{}/", chart_folder(&entries).unwrap_or(from.last())),
        false => String::new(),
    };
    Ok(Pulled { entries: below(entries, &inside), digest })
}

/// Why an artifact is not a bundle, or not only one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum NotABundle {
    #[error("its manifest cannot be read")]
    Unreadable,
    #[error("its manifest is not read alike by every program")]
    Ambiguous(#[source] crate::yaml::YamlError),
    #[error("its manifest has the unknown field `{0}`, which some programs take for another one")]
    Unknown(String),
    #[error("the artifact is not a bundle: it has no archive of files")]
    NoLayer,
    #[error("the artifact is not only a bundle: it has {0} layers, and whoever pulls it gets them all")]
    Layers(usize),
}

/// The archive of an artifact: whoever pulls it gets every layer, so there must be no other.
fn only_layer(manifest: &[u8]) -> Result<Value, NotABundle> {
    const MANIFEST_KEYS: [&str; 7] =
        ["schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations"];
    const LAYER_KEYS: [&str; 8] =
        ["mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"];
    let value: Value = serde_json::from_slice(manifest).map_err(|_| NotABundle::Unreadable)?;
    // JSON is YAML, and that reader refuses a key that is there twice, of which others take the first or the last.
    let text = std::str::from_utf8(manifest).map_err(|_| NotABundle::Unreadable)?;
    crate::yaml::parse(text).map_err(NotABundle::Ambiguous)?;
    // Go takes `Layers` for `layers`.
    let unknown = |value: &Value, known: &[&str]| {
        let keys = value.as_object().into_iter().flat_map(|entries| entries.keys());
        let mut others = keys.filter(|key| !known.contains(&&***key));
        others.next().map_or(Ok(()), |key| Err(NotABundle::Unknown(key.clone())))
    };
    unknown(&value, &MANIFEST_KEYS)?;
    let layers = value["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    match layers {
        [layer] if [LAYER, CHART].iter().any(|kind| layer["mediaType"] == **kind) => {
            unknown(layer, &LAYER_KEYS).map(|()| layer.clone())
        }
        [] | [_] => Err(NotABundle::NoLayer),
        layers => Err(NotABundle::Layers(layers.len())),
    }
}

/// The folder of a chart in its archive, whatever the artifact is called where it was copied to; `None` where several could be
/// meant.
fn chart_folder(entries: &BTreeMap<String, tar::Kind>) -> Option<&str> {
    let folder =
        |path: &'_ str| path.strip_suffix("/Chart.yaml").map(str::len).filter(|end| !path[..*end].contains('/'));
    let mut folders = entries.keys().filter_map(|path| Some(&path[..folder(path)?]));
    folders.next().filter(|folder| *folder != "." && *folder != ".." && folders.next().is_none())
}

/// The entries below a folder by their names there. What is not below it keeps its place as `../NAME`, which no list has:
/// Helm takes the first folder of a name away, whatever it is called.
fn below(entries: BTreeMap<String, tar::Kind>, folder: &str) -> BTreeMap<String, tar::Kind> {
    let mut inside = BTreeMap::new();
    for (path, kind) in entries {
        let name = match path.strip_prefix(folder) {
            // Tools that archive a folder write its files so.
            Some(name) if folder.is_empty() => name.strip_prefix("./").unwrap_or(name).to_owned(),
            Some(name) => name.to_owned(),
            None if folder.strip_suffix('/') == Some(&*path) && kind == tar::Kind::Folder => continue,
            None => format!("../{path}"),
        };
        if inside.insert(name.clone(), kind).is_some() {
            inside.insert(name, tar::Kind::Other);
        }
    }
    inside
}

const CHARTS: Limits =
    Limits { answer: Duration::from_secs(60), whole: Duration::from_secs(300), bytes: LARGEST as u64 };

/// Fetches charts, each as the repository or registry of the recipe has it.
///
/// # Errors
/// The first that cannot be fetched or is not what was asked for.
pub async fn charts(wanted: impl IntoIterator<Item = Wanted>, access: Access) -> Result<Vendored, Failure> {
    let mut indexes: BTreeMap<String, String> = BTreeMap::new();
    let mut charts = Vendored::new();
    for wanted in wanted {
        let archive = match wanted.url.strip_prefix("oci://") {
            Some(folder) => from_registry(folder, &wanted, access).await?,
            None => from_repository(&wanted, &mut indexes, access).await?,
        };
        charts.insert(wanted, archive);
    }
    Ok(charts)
}

fn unfetched(wanted: &Wanted, error: VendorError) -> Failure {
    let failure = Failure::from_error(Kind::Usage, format!("fetch the chart `{}`", wanted.name), error);
    failure.at(wanted.url.clone()).hint("correct the chart, its version or its source in the recipe")
}

async fn from_registry(folder: &str, wanted: &Wanted, access: Access) -> Result<vendor::Archive, Failure> {
    let doing = format!("fetch the chart `{}`", wanted.name);
    let full = format!("{folder}/{}:{}", wanted.name, wanted.version.replace('+', "_"));
    let name = Name::parse(&full).map_err(|error| Failure::from_error(Kind::Usage, &doing, error))?;
    let failed = |error: RegistryError| image::refused_by_registry(&doing, &full, error);
    let mut registry = registry(&name, access, &variable)?.reading();
    let (bytes, _) = registry.manifest_of(name.tag()).await.map_err(failed)?;
    let manifest: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let layers = manifest["layers"].as_array().into_iter().flatten();
    // A signature may be another layer; of two charts nobody knows which is meant.
    let charts: Vec<&Value> = layers.filter(|layer| layer["mediaType"] == CHART).collect();
    let digest = match *charts {
        [chart] => chart["digest"].as_str(),
        _ => None,
    };
    let digest = digest.ok_or_else(|| unfetched(wanted, VendorError::NoFile(wanted.name.clone())))?;
    let bytes = registry.blob_of(digest, LARGEST).await.map_err(failed)?;
    // The bytes are those of the digest already.
    vendor::check(bytes, wanted, digest.strip_prefix("sha256:")).map_err(|error| unfetched(wanted, error))
}

async fn from_repository(
    wanted: &Wanted,
    indexes: &mut BTreeMap<String, String>,
    access: Access,
) -> Result<vendor::Archive, Failure> {
    let trust = if access.insecure_tls { Trust::Any } else { Trust::System };
    let web = Web { trust, limits: CHARTS, variable: &variable };
    let fetch = async |url: &str| {
        web.get(url).await.map_err(|error| {
            let (kind, hint) = place::web_advice(&error, "chart");
            let doing = format!("fetch the chart `{}`", wanted.name);
            Failure::from_error(kind, &doing, error).at(web::shown(url)).hint(hint)
        })
    };
    let base = wanted.url.trim_end_matches('/');
    if !indexes.contains_key(base) {
        let bytes = fetch(&format!("{base}/index.yaml")).await?;
        indexes.insert(base.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
    }
    let picked = vendor::pick(&indexes[base], wanted).map_err(|error| unfetched(wanted, error))?;
    let url = vendor::resolve(base, &picked.url);
    let bytes = fetch(&url).await?;
    vendor::check(bytes, wanted, picked.digest.as_deref()).map_err(|error| unfetched(wanted, error))
}

/// Of a file of manifests: some have a thousand CRDs' worth of descriptions.
const MANIFESTS: Limits = Limits { answer: Duration::from_secs(60), whole: Duration::from_secs(300), bytes: 32 << 20 };

/// Fetches what the catalog only names, each from the place that the catalog says. What nobody knows the origin of is left out.
///
/// # Errors
/// The first that cannot be fetched, or that is not what the catalog expects.
pub async fn manifests(wanted: &[Placeholder], access: Access) -> Result<Manifests, Failure> {
    let trust = if access.insecure_tls { Trust::Any } else { Trust::System };
    let web = Web { trust, limits: MANIFESTS, variable: &variable };
    let mut supplied = Manifests::new();
    for placeholder in wanted {
        let Some(url) = &placeholder.url else { continue };
        let doing = format!("fetch `{}`", placeholder.path);
        let fetched = web.get(url).await.map_err(|error| {
            let (kind, hint) = place::web_advice(&error, "file");
            Failure::from_error(kind, &doing, error).at(web::shown(url)).hint(format!("{hint}; or use --manifest"))
        })?;
        let text = read::decode(fetched).map_err(|encoding| {
            Failure::from_error(Kind::Usage, &doing, ReadError::NotText(encoding))
                .at(web::shown(url))
                .hint("nothing was written; save it as UTF-8 text, and give it with --manifest")
        })?;
        let accepted = placeholder.accept(&text);
        supplied.insert(placeholder.path.clone(), accepted.map_err(|error| unaccepted(&doing, url, error))?);
    }
    Ok(supplied)
}

/// Reads the files that a person gives for what the catalog only names: `NAME=FILE`, by path or file name.
///
/// # Errors
/// A name that the catalog does not stand in for; a file that cannot be read or is not what the catalog expects.
pub fn given(wanted: &[Placeholder], texts: &[String]) -> Result<Manifests, Failure> {
    let usage = |because: String, hint: String| Failure::new(Kind::Usage, "read --manifest", because).hint(hint);
    let mut supplied = Manifests::new();
    for text in texts {
        let names: Vec<&str> = wanted.iter().map(Placeholder::name).collect();
        let known = match names.is_empty() {
            true => "every manifest of this recipe is in the catalog".to_owned(),
            false => format!("missing manifests: {}", names.join(", ")),
        };
        let Some((name, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
            return Err(usage(format!("`{text}` is not NAME=FILE"), known));
        };
        let is_meant = |placeholder: &&Placeholder| placeholder.path == name || placeholder.name() == name;
        let Some(placeholder) = wanted.iter().find(is_meant) else {
            return Err(usage(format!("unknown manifest `{name}`"), known));
        };
        let content = place::read_local(&place::Place::File(file.into()), "manifest")?;
        let doing = format!("use the file for `{}`", placeholder.path);
        let accepted = placeholder.accept(&content).map_err(|error| unaccepted(&doing, file, error))?;
        if supplied.insert(placeholder.path.clone(), accepted).is_some() {
            return Err(usage(format!("duplicate --manifest `{name}`"), "give one file for it".to_owned()));
        }
    }
    Ok(supplied)
}

fn unaccepted(doing: &str, at: &str, error: SuppliedError) -> Failure {
    let hint = match &error {
        SuppliedError::Digest { .. } => {
            "nothing was written; to use this file all the same, put it under that path below a folder, and give the folder \
             with --data"
        }
        _ => "nothing was written; give the manifests as their owners publish them",
    };
    let kind = if matches!(error, SuppliedError::Digest { .. }) { Kind::Forbidden } else { Kind::Usage };
    Failure::from_error(kind, doing, error).at(web::shown(at)).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_with_more_than_the_archive_is_not_a_bundle() {
        let layer = format!(r#"{{"mediaType":"{LAYER}","digest":"sha256:00","size":1}}"#);
        let read = |text: &str| only_layer(text.as_bytes()).map(|layer| layer["digest"].clone());
        assert_eq!(read(&format!(r#"{{"layers":[{layer}],"config":{{}}}}"#)), Ok("sha256:00".into()));
        assert_eq!(read(&format!(r#"{{"layers":[{layer},{layer}]}}"#)), Err(NotABundle::Layers(2)));
        assert_eq!(
            read(&format!(r#"{{"layers":[{layer},{{"mediaType":"text/plain"}}]}}"#)),
            Err(NotABundle::Layers(2))
        );
        for text in [r#"{"layers":[]}"#, "{}", r#"{"layers":[{"mediaType":"text/plain"}]}"#, r#"{"manifests":[]}"#] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(
            read(&format!(r#"{{"layers":[{layer}],"Layers":[]}}"#)),
            Err(NotABundle::Unknown("Layers".to_owned()))
        );
        let twice = read(&format!(r#"{{"layers":[],"layers":[{layer}]}}"#));
        assert!(matches!(twice, Err(NotABundle::Ambiguous(_))), "{twice:?}");
        let twice = layer.replace("{", r#"{"digest":"sha256:11","#);
        assert!(matches!(read(&format!(r#"{{"layers":[{twice}]}}"#)), Err(NotABundle::Ambiguous(_))));
    }

    #[test]
    fn what_is_not_below_the_folder_of_a_chart_is_at_no_path_of_a_list() {
        let file = |text: &str| tar::Kind::File(text.as_bytes().to_vec());
        let names = |entries: &[(&str, tar::Kind)], folder: &str| {
            let entries = entries.iter().map(|(path, kind)| ((*path).to_owned(), kind.clone())).collect();
            below(entries, folder).into_iter().collect::<Vec<_>>()
        };
        let entries = [
            ("aicr-bundle", tar::Kind::Folder),
            ("aicr-bundle/a", file("good")),
            ("a", file("evil")),
            ("./aicr-bundle/a", file("evil")),
            ("aicr-bundle/../a", file("evil")),
        ];
        let expected = [
            (".././aicr-bundle/a".to_owned(), file("evil")),
            ("../a".to_owned(), tar::Kind::Other),
            ("a".to_owned(), file("good")),
        ];
        assert_eq!(names(&entries, "aicr-bundle/"), expected);
        let named = [("aicr-bundle", file("x"))];
        assert_eq!(names(&named, "aicr-bundle/"), [("../aicr-bundle".to_owned(), file("x"))]);
        let folder = [("./a", file("x")), ("b", file("x")), ("./b", file("y"))];
        assert_eq!(names(&folder, ""), [("a".to_owned(), file("x")), ("b".to_owned(), tar::Kind::Other)]);
    }

    #[test]
    fn the_folder_of_a_chart_is_where_its_only_chart_file_is() {
        let found = |paths: &[&str]| {
            let entries = paths.iter().map(|path| ((*path).to_owned(), tar::Kind::Folder)).collect();
            chart_folder(&entries).map(str::to_owned)
        };
        assert_eq!(found(&["stack/Chart.yaml", "stack/001-a/Chart.yaml", "x"]).as_deref(), Some("stack"));
        assert_eq!(found(&["./stack/Chart.yaml"]), None);
        assert_eq!(found(&["./Chart.yaml"]), None);
        assert_eq!(found(&["stack/Chart.yaml", "evil/Chart.yaml"]), None, "Helm would read both");
    }

    #[test]
    fn an_artifact_is_named_with_its_registry() {
        let read = |text: &str| Reference::parse(text).map(|it| (it.url(), it.tag().to_owned()));
        let there = |url: &str, tag: &str| (url.to_owned(), tag.to_owned());
        assert_eq!(read("oci://r.test/a/b:1.0").ok(), Some(there("oci://r.test/a/b", "1.0")));
        let own = env!("CARGO_PKG_VERSION");
        assert_eq!(read("oci://localhost:5000/b").ok(), Some(there("oci://localhost:5000/b", own)));
        let pinned = Reference::parse(&format!("oci://r.test/a@sha256:{}", "0".repeat(64))).expect("a digest");
        assert!(pinned.is_pinned());
        for text in [
            "https://r.test/a",
            "oci://a/b",
            "oci://r.test/A",
            "oci://me:secret@r.test/a",
            "oci://r.test/a@x",
            "oci://",
        ] {
            let failure = Reference::parse(text).map(|_| ()).expect_err(text);
            assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
        }
    }
}
