//! The newest revision of a Helm release, as Helm keeps it: what it is, what it holds, how far Helm came.
//!
//! Its content may hold passwords. It is read only for a release that a person deploys, and nothing of it is shown but the
//! names and states of objects.

use super::{
    ClusterError, ClusterErrorKind, Connection,
    collect::list::{self, encoded},
    raw, releases,
};
use crate::inventory::release::KeptIn;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;

/// One revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The object that holds it.
    object: String,
    pub revision: u64,
    /// `deployed`, `pending-install`, …
    pub status: String,
    /// What was said with it: `deploy.sh` and we write a mark there.
    pub description: String,
    /// The objects, as YAML.
    pub manifest: String,
    /// Those of its hooks.
    pub hooks: Vec<String>,
}

impl Record {
    /// Helm was at work when this was written.
    pub fn is_half(&self) -> bool {
        self.status.starts_with("pending-") || self.status == "uninstalling"
    }
}

#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    info: Info,
    #[serde(default)]
    manifest: String,
    #[serde(default)]
    hooks: Option<Vec<Hook>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    status: String,
    description: String,
}

#[derive(Deserialize)]
struct Hook {
    #[serde(default)]
    manifest: String,
}

#[derive(Deserialize)]
struct Meta {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

/// Where the environment says that Helm keeps releases.
///
/// # Errors
/// A place that cannot be read through the API server.
pub fn kept_in() -> Result<KeptIn, ClusterError> {
    match std::env::var("HELM_DRIVER").unwrap_or_default().as_str() {
        "" | "secret" | "secrets" => Ok(KeptIn::Secret),
        "configmap" | "configmaps" => Ok(KeptIn::ConfigMap),
        other => Err(ClusterError::new(ClusterErrorKind::NoConfig, "read the releases of Helm", "HELM_DRIVER")
            .found(format!("`{other}` keeps them where the API server cannot be asked for them"))
            .hint("set HELM_DRIVER to secret or configmap, or use deploy.sh")),
    }
}

fn collection(kept_in: KeptIn, namespace: &str) -> String {
    let plural = match kept_in {
        KeptIn::Secret => "secrets",
        KeptIn::ConfigMap => "configmaps",
    };
    format!("/api/v1/namespaces/{}/{plural}", encoded(namespace))
}

/// The newest revision of a release; `None` where there is none.
///
/// # Errors
/// A list or an object that cannot be read.
pub async fn newest(
    connection: &Connection,
    kept_in: KeptIn,
    namespace: &str,
    name: &str,
) -> Result<Option<Record>, ClusterError> {
    let path = collection(kept_in, namespace);
    let doing = format!("list the records of the Helm release {name}");
    let selector = format!("owner=helm,name={name}");
    let listed = list::metadata(connection, &doing, &path, &selector, |meta: Meta| meta.metadata).await?;
    let revision = |metadata: &Metadata| metadata.labels.get("version").and_then(|version| version.parse::<u64>().ok());
    let newest = listed.items.into_iter().filter_map(|metadata| Some((revision(&metadata)?, metadata)));
    let Some((revision, metadata)) = newest.max_by_key(|(revision, _)| *revision) else { return Ok(None) };
    let object = format!("{path}/{}", encoded(&metadata.name));
    // It may have been forgotten meanwhile.
    let Some(found) = raw::get(connection, &object).await? else { return Ok(None) };
    let packed = found["data"]["release"].as_str().unwrap_or_default();
    let unreadable = || {
        ClusterError::new(ClusterErrorKind::Protocol, format!("read the Helm release {name}"), object.clone())
            .found("it is not a record of Helm")
    };
    let packed = match kept_in {
        KeptIn::Secret => BASE64_STANDARD.decode(packed).map_err(|_| unreadable())?,
        KeptIn::ConfigMap => packed.as_bytes().to_vec(),
    };
    let json = releases::unpacked(&packed).ok_or_else(unreadable)?;
    let stored: Stored = serde_json::from_slice(&json).map_err(|_| unreadable())?;
    let hooks = stored.hooks.into_iter().flatten().map(|hook| hook.manifest).collect();
    let Info { status, description } = stored.info;
    Ok(Some(Record { object, revision, status, description, manifest: stored.manifest, hooks }))
}

/// The names of all releases in a namespace, in any state.
///
/// # Errors
/// A list that is refused.
pub async fn names(connection: &Connection, kept_in: KeptIn, namespace: &str) -> Result<Vec<String>, ClusterError> {
    let path = collection(kept_in, namespace);
    let listed =
        list::metadata(connection, "list the releases of Helm", &path, "owner=helm", |meta: Meta| meta.metadata)
            .await?;
    let mut names: Vec<String> =
        listed.items.into_iter().filter_map(|mut metadata| metadata.labels.remove("name")).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Forgets a revision that was left half-way: Helm refuses to go on while it is there. Its objects stay, and are taken over.
///
/// # Errors
/// What the server refuses.
pub async fn forget(connection: &Connection, record: &Record) -> Result<(), ClusterError> {
    raw::delete(connection, &record.object).await
}

/// Forgets every revision of a release.
///
/// # Errors
/// What the server refuses.
pub async fn forget_all(connection: &Connection, namespace: &str, name: &str) -> Result<(), ClusterError> {
    let path = collection(KeptIn::Secret, namespace);
    for secret in raw::list(connection, &path, &format!("owner=helm,name={name}")).await? {
        raw::delete(connection, &format!("{path}/{}", secret["metadata"]["name"].as_str().unwrap_or_default())).await?;
    }
    Ok(())
}

/// Writes a revision as Helm does: for a cluster that has no Helm.
///
/// # Errors
/// What the server refuses.
pub async fn write(
    connection: &Connection,
    (namespace, name): (&str, &str),
    record: &Record,
) -> Result<(), ClusterError> {
    let Record { object: _, revision, status, description, manifest, hooks } = record;
    let hooks: Vec<Value> = hooks.iter().map(|manifest| json!({"manifest": manifest})).collect();
    let release = json!({"name": name, "namespace": namespace, "version": revision, "manifest": manifest, "hooks": hooks,
        "info": {"status": status, "description": description}});
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Memory takes everything.
    let packed = encoder.write_all(release.to_string().as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
    let data = BASE64_STANDARD.encode(BASE64_STANDARD.encode(packed));
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": format!("sh.helm.release.v1.{name}.v{revision}"), "namespace": namespace,
            "labels": {"owner": "helm", "name": name, "status": status, "version": revision.to_string()}},
        "data": {"release": data},
    });
    raw::create(connection, &collection(KeptIn::Secret, namespace), &secret).await.map(drop)
}

impl Record {
    /// A revision that is to be written.
    pub fn new(revision: u64, status: &str, description: &str, manifest: String) -> Record {
        Record {
            object: String::new(),
            revision,
            status: status.to_owned(),
            description: description.to_owned(),
            manifest,
            hooks: Vec::new(),
        }
    }
}
