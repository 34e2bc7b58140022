//! What is done for one release: look, apply, remove.

use super::{Tool, stand_in};
use crate::{
    cluster::{
        ClusterError, Connection,
        active_time::RunClock,
        helm::{self, Helm},
        helm_record::{self, Record},
        raw,
    },
    deploy::{
        event::{Found, Pending},
        plan::{Chart, Files, Release},
        readiness::{self, Around},
    },
    inventory::release::KeptIn,
    ops::{Failure, Kind},
    store::bundle_dir::{self, NewFile, TemporaryFolder},
    text, yaml,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;

/// What all releases of a deploy share.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) connection: Connection,
    pub(super) tool: Tool,
    pub(super) kept_in: KeptIn,
    /// The files of the bundle.
    pub(super) folder: Arc<Folder>,
    pub(super) clock: RunClock,
}

/// A folder among the temporary files that nobody else reads. It goes when this is dropped, and that of a deploy that was
/// killed goes with the next deploy.
pub(super) struct Folder(TemporaryFolder);

impl std::ops::Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.0.path()
    }
}

/// What begins the names of folders of deploys.
const BEGIN: &str = "aicr-deploy.";

impl Folder {
    /// `what` is in its name.
    fn new(above: &Path, what: &str) -> Result<Folder, FolderError> {
        match TemporaryFolder::new(above, &format!("{BEGIN}{what}"), bundle_dir::PRIVATE) {
            Ok(folder) => Ok(Folder(folder)),
            Err(source) => Err(FolderError { path: above.to_owned(), source }),
        }
    }

    /// The files that were checked: whatever becomes of the folder that they were read from.
    pub(super) fn with(files: &Files) -> Result<Folder, Failure> {
        Folder::filled(&std::env::temp_dir(), files)
    }

    fn filled(above: &Path, files: &Files) -> Result<Folder, Failure> {
        let doing = "copy the bundle to a temporary folder";
        let advised = |failure: Failure| failure.hint("free some space there, or name another folder with TMPDIR");
        let folder = Folder::new(above, "").map_err(|error| advised(Failure::from_error(Kind::Usage, doing, error)))?;
        let files: Vec<NewFile<'_>> = files.iter().map(|(path, bytes)| NewFile { path, bytes, mode: 0o600 }).collect();
        let written = bundle_dir::write(&folder, &files, false);
        written.map_err(|error| advised(Failure::from_error(Kind::Usage, doing, error)))?;
        Ok(folder)
    }
}

/// Says that a namespace was made by a deploy, so that removing the bundle removes it.
pub(super) const CREATED_BY: (&str, &str) = ("aicr.run/created-by", "deploy");
/// Between two looks at what Helm waits for.
const LOOK: Duration = Duration::from_secs(2);

/// What the cluster has of a release.
///
/// # Errors
/// Its record cannot be read.
pub(super) async fn look(
    connection: &Connection,
    kept_in: KeptIn,
    release: &Release,
) -> Result<(Found, Option<Record>), ClusterError> {
    let record = helm_record::newest(connection, kept_in, &release.namespace, &release.name).await?;
    let found = match &record {
        None => Found::Absent,
        Some(record) if record.is_half() => Found::Half { status: record.status.clone() },
        Some(record) if record.status == "uninstalled" => Found::Absent,
        Some(record) if record.status == "deployed" && record.description == release.mark => Found::Same,
        Some(_) => Found::Other,
    };
    Ok((found, record))
}

/// The objects of a release as Helm keeps them. Documents that are not YAML are passed over: Helm has applied them.
pub(super) fn objects(manifest: &str) -> Vec<Value> {
    // One document at a time, so that one that we do not read hides no other.
    let documents = manifest.split("\n---").map(|document| document.trim_start_matches("---"));
    let values = documents.filter_map(|document| Some(yaml::parse(document).ok()?.to_value()));
    values.filter(|object| object["kind"].is_string()).collect()
}

fn words(error: &ClusterError) -> String {
    let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("failed to {}: {}{hint}", error.doing, error.found)
}

/// What goes into a log as text.
fn in_words(error: &dyn std::error::Error) -> String {
    text::causes(error)
}

/// Installs or upgrades a release; what went wrong where it did.
pub(super) async fn apply(
    site: &Site,
    release: &Release,
    (found, seconds): (&Found, u64),
    stop: &mut watch::Receiver<bool>,
    line: impl FnMut(String) + Send,
) -> Result<(), String> {
    let prepared = async {
        if let Found::Half { .. } = found
            && let Some(record) = look(&site.connection, site.kept_in, release).await.map_err(|error| words(&error))?.1
            && record.is_half()
        {
            helm_record::forget(&site.connection, &record).await.map_err(|error| words(&error))?;
        }
        make_namespace(&site.connection, release).await.map_err(|error| words(&error))?;
        match &site.tool {
            Tool::Helm(helm) if release.owns_crds => apply_crds(site, helm, release).await,
            _ => Ok(None),
        }
    };
    let pulled = tokio::select! {
        biased;
        () = helm::asked(stop) => return Err("it was stopped before Helm was started".to_owned()),
        prepared = prepared => prepared?,
    };
    let helm = match &site.tool {
        Tool::Helm(helm) => helm,
        Tool::StandIn => return stand_in::apply(&site.connection, release).await.map_err(|error| words(&error)),
    };
    let chart = pulled.as_ref().map(|pulled| pulled.chart.display().to_string());
    let arguments = arguments(helm, release, chart, seconds);
    let ended = helm.run(&site.folder.join(&release.folder), &arguments, stop, line).await;
    ended.map_err(|error| in_words(&error))?
}

/// As `install.sh` calls Helm.
fn arguments(helm: &Helm, release: &Release, pulled: Option<String>, seconds: u64) -> Vec<String> {
    let Release { name, namespace, chart, values, mark, .. } = release;
    let mut arguments: Vec<String> = ["upgrade", "--install", name].map(str::to_owned).into();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
    match (chart, &pulled) {
        (_, Some(file)) => add(&[file]),
        (Chart::Local, None) => add(&["."]),
        (Chart::Remote { chart, .. }, None) => add(&[chart]),
    }
    add(&["--namespace", namespace]);
    if !release.owns_namespace {
        add(&["--create-namespace"]);
    }
    values.iter().for_each(|file| add(&["-f", file]));
    if let (Chart::Remote { repo, version, .. }, None) = (chart, &pulled) {
        if !repo.is_empty() {
            add(&["--repo", repo]);
        }
        if !version.is_empty() {
            add(&["--version", version]);
        }
    }
    // Helm 4 applies on the server, where operators own fields of their webhooks.
    if helm.major >= 4 {
        add(&["--server-side=true", "--force-conflicts"]);
    }
    add(&["--description", mark, "--timeout", &format!("{seconds}s")]);
    arguments
}

/// The namespace of a release, unless it is there. One that the chart owns is Helm's from the start.
async fn make_namespace(connection: &Connection, release: &Release) -> Result<(), ClusterError> {
    let Release { name, namespace, .. } = release;
    let metadata = match release.owns_namespace {
        true => json!({"name": namespace, "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace}}),
        false => json!({"name": namespace, "labels": {CREATED_BY.0: CREATED_BY.1}}),
    };
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
    if raw::get(connection, &format!("/api/v1/namespaces/{namespace}")).await?.is_none() {
        raw::create(connection, "/api/v1/namespaces", &object).await?;
    }
    Ok(())
}

/// A chart that was fetched into a folder of its own.
struct Pulled {
    folder: Folder,
    chart: PathBuf,
}

/// A folder for a chart that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the folder `{}`", path.display())]
struct FolderError {
    path: PathBuf,
    source: std::io::Error,
}

/// Applies the CRDs of a chart, which Helm leaves as they are in an upgrade. One from elsewhere is fetched for that, and
/// installed from the same bytes.
async fn apply_crds(site: &Site, helm: &Arc<Helm>, release: &Release) -> Result<Option<Pulled>, String> {
    let (folder, pulled) = match &release.chart {
        Chart::Local => (site.folder.join(&release.folder).join("charts"), None),
        Chart::Remote { chart, repo, version } => {
            let pulled = fetch(helm, release, (chart, repo, version)).await?;
            (pulled.folder.to_path_buf(), Some(pulled))
        }
    };
    for chart in archives(&folder)? {
        let shown = helm.output(&folder, &["show", "crds", &chart.display().to_string()]).await;
        for crd in objects(&shown.map_err(|error| in_words(&error))??) {
            let name = crd["metadata"]["name"].as_str().unwrap_or_default();
            let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
            raw::apply(&site.connection, &path, &crd, "helm").await.map_err(|error| words(&error))?;
        }
    }
    Ok(pulled)
}

/// The archives in a folder.
fn archives(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder);
    let entries = entries.map_err(|source| text::causes(&FolderError { path: folder.to_owned(), source }))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension().is_some_and(|suffix| suffix == "tgz")).collect())
}

/// Fetches a chart into a new folder.
async fn fetch(
    helm: &Arc<Helm>,
    release: &Release,
    (chart, repo, version): (&str, &str, &str),
) -> Result<Pulled, String> {
    let folder =
        Folder::new(&std::env::temp_dir(), &format!("chart-{}.", release.name)).map_err(|error| in_words(&error))?;
    let shown = folder.display().to_string();
    let mut arguments = vec!["pull", chart, "--version", version, "--destination", &shown];
    if !repo.is_empty() {
        arguments.extend(["--repo", repo]);
    }
    helm.output(&folder, &arguments).await.map_err(|error| in_words(&error))??;
    let chart = archives(&folder)?.pop().ok_or("Helm did not fetch a chart")?;
    Ok(Pulled { folder, chart })
}

/// Uninstalls a release.
pub(super) async fn remove(
    site: &Site,
    release: &Release,
    (hooks, seconds): (bool, u64),
    stop: &mut watch::Receiver<bool>,
    line: impl FnMut(String) + Send,
) -> Result<(), String> {
    let Release { name, namespace, .. } = release;
    let helm = match &site.tool {
        Tool::Helm(helm) => helm,
        Tool::StandIn => return stand_in::remove(&site.connection, release).await.map_err(|error| words(&error)),
    };
    let limit = format!("{seconds}s");
    let mut arguments = vec!["uninstall", name, "--namespace", namespace, "--wait", "--timeout", &limit];
    if !hooks {
        arguments.push("--no-hooks");
    }
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    helm.run(&site.folder, &arguments, stop, line).await.map_err(|error| in_words(&error))?
}

/// Says, as long as it is polled, which hooks of a release Helm waits for, each time that changes.
pub(super) async fn watch_hooks(site: &Site, release: &Release, mut said: impl FnMut(Vec<Pending>) + Send) {
    let mut last = Vec::new();
    loop {
        tokio::time::sleep(LOOK).await;
        // What cannot be read now may be readable at the next look; Helm's own end says what went wrong.
        let Ok((_, Some(record))) = look(&site.connection, site.kept_in, release).await else { continue };
        if !record.is_half() {
            continue;
        }
        let hooks: Vec<Value> = record.hooks.iter().flat_map(|manifest| objects(manifest)).collect();
        let mut waiting = Vec::new();
        for awaited in readiness::awaited(&hooks, &release.namespace) {
            if awaited.kind == readiness::Kind::Job
                && let Ok(Some(pending)) = hook(&site.connection, &awaited).await
            {
                waiting.push(pending);
            }
        }
        if waiting != last {
            said(waiting.clone());
            last = waiting;
        }
    }
}

/// What a hook that has begun waits for; `None` for one that has not, or is done.
async fn hook(connection: &Connection, awaited: &readiness::Awaited) -> Result<Option<Pending>, ClusterError> {
    let (api, plural) = awaited.kind.resource();
    let namespace = &awaited.namespace;
    let path = format!("{api}/namespaces/{namespace}/{plural}/{}", awaited.name);
    let Some(job) = raw::get(connection, &path).await? else { return Ok(None) };
    let readiness::Judgment::NotYet(words) = readiness::judge(awaited.kind, Some(&job)) else { return Ok(None) };
    let selector = format!("job-name={}", awaited.name);
    let pods = raw::list(connection, &format!("/api/v1/namespaces/{namespace}/pods"), &selector).await?;
    let events = raw::list(connection, &format!("/api/v1/namespaces/{namespace}/events"), "").await?;
    Ok(Some(readiness::pending(awaited, &words, Some(&job), &Around::new(&pods, &events))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_deploy_left_goes_with_the_next_one_and_that_of_a_living_one_stays() {
        let above = tempfile::tempdir().unwrap();
        for left in ["aicr-deploy.1-0.new/a", "aicr-deploy.chart-one.1-0.new", "of-somebody"] {
            std::fs::create_dir_all(above.path().join(left)).unwrap();
        }
        let files = Files::from([("001-one/values.yaml".to_owned(), b"a: 1\n".to_vec())]);
        let living = Folder::filled(above.path(), &files).unwrap();
        let next = Folder::filled(above.path(), &files).unwrap();
        for folder in [&living, &next] {
            assert_eq!(std::fs::read(folder.join("001-one/values.yaml")).unwrap(), b"a: 1\n");
            #[cfg(unix)]
            {
                let permissions = std::fs::metadata(&**folder).unwrap().permissions();
                assert_eq!(std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777, 0o700);
            }
        }
        drop((living, next));
        let names: Vec<_> = std::fs::read_dir(above.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["of-somebody"]);
    }
}
