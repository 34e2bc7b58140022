//! Finding a cluster and connecting to it.
//!
//! In: what a person named (file, context), else the environment. Out: a client and the names under which the cluster is
//! spoken of. No request is sent here, so that "no such context" and "no such server" stay different answers.
//!
//! Every call gets [`ANSWER_LIMIT`] until its headers are there. Bodies have no limit at this place: a watch or a followed
//! log is silent for minutes and healthy; who reads a body sets a limit for it.

use super::{
    ClusterError, ClusterErrorKind,
    services::{HttpAnswer, PlainHttp, Services},
};
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tower::ServiceExt;

/// Until a TCP connection stands.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Until the headers of an answer are there.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Until a credential plugin has printed its token.
const CREDENTIAL_LIMIT: Duration = Duration::from_secs(30);

/// Which cluster.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// `--kubeconfig`; else `KUBECONFIG` (several paths allowed), the default file, or the in-cluster account.
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
}

/// A usable cluster.
#[derive(Clone)]
pub struct Connection {
    pub client: kube::Client,
    /// Context name.
    pub context: String,
    /// Server URL without credentials.
    pub server: String,
    /// How a plain HTTP URL of a Service is fetched.
    pub services: Arc<dyn Services>,
}

/// Reads the configuration and makes a client. No request is sent: the first use tells whether the server is there.
///
/// A credential plugin of the kubeconfig runs here, without a terminal, for at most 30 s.
///
/// # Errors
/// `NoConfig`, `UnknownContext`, and `Unauthorized` when a credential plugin fails.
pub async fn connect(target: &Target) -> Result<Connection, ClusterError> {
    let (config, context) = match find(target)? {
        Found::Files(files) => from_files(&files, target.context.as_deref()).await?,
        Found::InCluster => in_cluster(target.context.as_deref())?,
    };
    let server = without_credentials(&config.cluster_url);
    let at = format!("{context}, {server}");
    let build = tokio::task::spawn_blocking(move || kube::client::ClientBuilder::try_from(config));
    let builder = match tokio::time::timeout(CREDENTIAL_LIMIT, build).await {
        Ok(Ok(Ok(builder))) => builder,
        Ok(Ok(Err(error))) => return Err(ClusterError::from_kube("connect", &at, &error)),
        Ok(Err(_)) => return Err(no_config(at, "the credential plugin could not be run".to_owned(), None)),
        Err(_) => {
            return Err(ClusterError {
                kind: ClusterErrorKind::Timeout,
                doing: "get credentials".to_owned(),
                at,
                found: "the credential plugin of the kubeconfig did not end within 30 s".to_owned(),
                hint: Some("log in with kubectl first, then try again".to_owned()),
            });
        }
    };
    let client = builder
        .with_layer(&tower::layer::layer_fn(|service| {
            ServiceExt::<http::Request<kube::client::Body>>::map_future(service, answered_in_time)
        }))
        .build();
    Ok(Connection { client, context, server, services: Arc::new(PlainHttp) })
}

impl Connection {
    /// Where this is, for messages: `context, server`.
    pub fn at(&self) -> String {
        format!("{}, {}", self.context, self.server)
    }

    /// GETs a plain HTTP URL of a Service, as a pod would. Used by checks, which run inside the cluster.
    ///
    /// # Errors
    /// As [`Services::get`].
    pub async fn http_get(&self, url: &str) -> Result<HttpAnswer, ClusterError> {
        self.services.get(url).await
    }
}

/// No headers came within [`ANSWER_LIMIT`]; travels as the source of a `kube::Error::Service`.
#[derive(Debug)]
pub(super) struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {} s", ANSWER_LIMIT.as_secs())
    }
}

impl std::error::Error for NoAnswer {}

async fn answered_in_time<T>(answer: impl Future<Output = Result<T, tower::BoxError>>) -> Result<T, tower::BoxError> {
    match super::active_time::timeout(ANSWER_LIMIT, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Box::new(NoAnswer)),
    }
}

/// Where a configuration was found.
enum Found {
    /// At least one file; the first to say something wins.
    Files(Vec<PathBuf>),
    InCluster,
}

fn find(target: &Target) -> Result<Found, ClusterError> {
    if let Some(path) = &target.kubeconfig {
        return Ok(Found::Files(vec![path.clone()]));
    }
    if let Some(list) = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        let named: Vec<PathBuf> = std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect();
        // Like kubectl: of several files those that do not exist are passed over.
        let there: Vec<PathBuf> = named.iter().filter(|path| path.exists()).cloned().collect();
        return if there.is_empty() {
            Err(no_config(
                "KUBECONFIG".to_owned(),
                format!("none of these files exists: {}", shown(&named)),
                Some("correct KUBECONFIG, name a file with --kubeconfig, or try --demo".to_owned()),
            ))
        } else {
            Ok(Found::Files(there))
        };
    }
    let default = directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".kube").join("config"));
    if let Some(path) = default.as_ref().filter(|path| path.exists()) {
        return Ok(Found::Files(vec![path.clone()]));
    }
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        return Ok(Found::InCluster);
    }
    let looked = default.map_or("a home folder".to_owned(), |path| format!("`{}`", path.display()));
    Err(no_config(
        "the environment".to_owned(),
        format!("no --kubeconfig, no KUBECONFIG, no {looked}, and this is not a pod"),
        Some("name a file with --kubeconfig, or look around without a cluster: --demo".to_owned()),
    ))
}

async fn from_files(files: &[PathBuf], context: Option<&str>) -> Result<(kube::Config, String), ClusterError> {
    let mut merged = Kubeconfig::default();
    for file in files {
        let next = Kubeconfig::read_from(file).map_err(|error| unreadable(&error, std::slice::from_ref(file)))?;
        merged = merged.merge(next).map_err(|error| unreadable(&error, files))?;
    }
    let names: Vec<&str> = merged.contexts.iter().map(|context| context.name.as_str()).collect();
    let name = match context.or(merged.current_context.as_deref()).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => {
            return Err(no_config(
                shown(files),
                format!("no current-context is set; {}", known(&names)),
                Some("choose one with --context".to_owned()),
            ));
        }
    };
    if !names.contains(&name.as_str()) {
        return Err(ClusterError {
            kind: ClusterErrorKind::UnknownContext,
            doing: "connect".to_owned(),
            at: shown(files),
            found: format!("no context `{name}`; {}", known(&names)),
            hint: Some("choose one with --context".to_owned()),
        });
    }
    for named in &mut merged.auth_infos {
        if let Some(exec) = named.auth_info.as_mut().and_then(|user| user.exec.as_mut()) {
            // The workbench owns the terminal: a plugin that asks there would hang behind the screen.
            if exec.interactive_mode == Some(ExecInteractiveMode::IfAvailable) || exec.interactive_mode.is_none() {
                exec.interactive_mode = Some(ExecInteractiveMode::Never);
            }
        }
    }
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    let mut config =
        kube::Config::from_custom_kubeconfig(merged, &options).await.map_err(|error| unreadable(&error, files))?;
    limit(&mut config);
    Ok((config, name))
}

fn in_cluster(context: Option<&str>) -> Result<(kube::Config, String), ClusterError> {
    let at = "the service account of this pod".to_owned();
    if let Some(name) = context {
        return Err(ClusterError {
            kind: ClusterErrorKind::UnknownContext,
            doing: "connect".to_owned(),
            at,
            found: format!("no context `{name}`: a pod without a kubeconfig knows only its own cluster"),
            hint: Some("leave --context out, or name a file with --kubeconfig".to_owned()),
        });
    }
    let mut config = kube::Config::incluster().map_err(|error| {
        let hint = "is automountServiceAccountToken on for this pod?".to_owned();
        no_config(at, super::error::chain(&error), Some(hint))
    })?;
    limit(&mut config);
    Ok((config, "in-cluster".to_owned()))
}

fn limit(config: &mut kube::Config) {
    config.connect_timeout = Some(CONNECT_LIMIT);
    config.read_timeout = None;
    // A server that says 503 is told as such at once; whoever wants to try again counts the attempts and shows them.
    config.default_retry = false;
}

fn unreadable(error: &KubeconfigError, files: &[PathBuf]) -> ClusterError {
    let hint = match error {
        KubeconfigError::ReadConfig(..) => "name another file with --kubeconfig, or try --demo",
        KubeconfigError::LoadClusterOfContext(_) | KubeconfigError::MissingClusterUrl => {
            "the context names a cluster that the file does not describe; see `kubectl config view`"
        }
        _ => "see `kubectl config view`",
    };
    no_config(shown(files), super::error::chain(error), Some(hint.to_owned()))
}

fn no_config(at: String, found: String, hint: Option<String>) -> ClusterError {
    ClusterError { kind: ClusterErrorKind::NoConfig, doing: "read the kubeconfig".to_owned(), at, found, hint }
}

fn known(names: &[&str]) -> String {
    if names.is_empty() { "the file has no contexts".to_owned() } else { format!("known are: {}", names.join(", ")) }
}

fn shown(files: &[PathBuf]) -> String {
    let files: Vec<String> = files.iter().map(|file: &PathBuf| Path::display(file).to_string()).collect();
    files.join(", ")
}

/// `https://host:port/path`, whatever user and password stood before the host.
fn without_credentials(url: &http::Uri) -> String {
    let host = url.authority().map_or("", |authority| authority.as_str());
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{}://{host}{}", url.scheme_str().unwrap_or("https"), url.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterErrorKind::{NoConfig, UnknownContext};

    const TWO: &str = "{clusters: [{name: c, cluster: {server: 'https://user:secret@192.0.2.1:6443/'}}], \
                       users: [{name: u, user: {}}], \
                       contexts: [{name: one, context: {cluster: c, user: u}}, \
                                  {name: two, context: {cluster: gone, user: u}}]}";

    /// Connects with a kubeconfig of this text; the answer as one line.
    #[track_caller]
    fn check(kubeconfig: &str, context: Option<&str>, expected: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config");
        std::fs::write(&path, kubeconfig).expect("a file");
        let target = Target { kubeconfig: Some(path), context: context.map(str::to_owned) };
        let answer = tokio::runtime::Runtime::new().expect("a runtime").block_on(connect(&target));
        let line = match answer {
            Ok(connection) => format!("{} {}", connection.context, connection.server),
            Err(error) => format!("{:?}: {}", error.kind, error.found),
        };
        assert_eq!(line, expected);
    }

    #[test]
    fn a_named_context_is_used_and_its_password_not_shown() {
        check(TWO, Some("one"), "one https://192.0.2.1:6443");
    }

    #[test]
    fn an_unknown_context_names_the_known_ones() {
        check(TWO, Some("three"), "UnknownContext: no context `three`; known are: one, two");
    }

    #[test]
    fn without_a_current_context_one_must_be_chosen() {
        check(TWO, None, "NoConfig: no current-context is set; known are: one, two");
    }

    #[test]
    fn a_context_without_its_cluster_is_told() {
        check(TWO, Some("two"), "NoConfig: failed to load the cluster of context: gone");
    }

    #[test]
    fn a_folder_or_a_missing_file_is_no_kubeconfig() {
        for path in ["/", "/nonexistent/kubeconfig"] {
            let target = Target { kubeconfig: Some(path.into()), ..Target::default() };
            let error = tokio::runtime::Runtime::new().expect("a runtime").block_on(connect(&target)).err();
            assert_eq!(error.map(|error| error.kind), Some(NoConfig), "{path}");
        }
    }

    #[test]
    fn a_pod_knows_no_contexts() {
        assert_eq!(in_cluster(Some("prod")).err().map(|error| error.kind), Some(UnknownContext));
    }
}
