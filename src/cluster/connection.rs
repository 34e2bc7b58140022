//! Finding a cluster and connecting to it.
//!
//! In: what a person named (file, context), else the environment. Out: a client and the names under which the cluster is
//! spoken of. No request is sent here, so that "no such context" and "no such server" stay different answers.

use super::{
    ClusterError, ClusterErrorKind, PluginOutput,
    credentials::CredentialError,
    kubeconfig::{Cluster, Content, Effective, Kubeconfig, KubeconfigError, User},
    services::{HttpAnswer, PlainHttp, Services},
    transport::{SetupError, Transport},
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Which cluster.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// `--kubeconfig`; else `KUBECONFIG` (several paths allowed), the default file, or the in-cluster account.
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    /// Where credential plugins write to, and whether they may ask.
    pub plugin_output: PluginOutput,
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
/// A credential plugin of the kubeconfig runs here.
///
/// # Errors
/// `NoConfig`, `UnknownContext`, and `Unauthorized` when a credential plugin fails.
pub async fn connect(target: &Target) -> Result<Connection, ClusterError> {
    let (context, files, warnings) = match find(target)? {
        Found::InCluster => (Ok(in_cluster(target.context.as_deref())?), POD.to_owned(), Vec::new()),
        Found::Files(files, kubeconfig) => {
            (kubeconfig.effective(target.context.as_deref()), shown(&files), kubeconfig.warnings().to_vec())
        }
    };
    let context = context.map_err(|error| unusable(error, &files))?;
    let variable = |name: &str| std::env::var(name).ok();
    let transport = Transport::new(&context, target.plugin_output.clone(), &variable)
        .map_err(|error| no_transport(error, &files, &context.context, &context.user.name))?;
    for warning in warnings.iter().chain(transport.warnings()) {
        target.plugin_output.warn(warning);
    }
    let server = transport.server();
    transport.authenticate().await.map_err(|error| no_credentials(error, format!("{}, {server}", context.context)))?;
    let namespace = context.namespace.unwrap_or_else(|| "default".to_owned());
    Ok(Connection {
        client: kube::Client::new(transport, namespace),
        context: context.context,
        server,
        services: Arc::new(PlainHttp),
    })
}

/// The contexts that a person can choose from, and the one that is used without a choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contexts {
    /// Sorted; empty in a pod.
    pub names: Vec<String>,
    pub current: Option<String>,
}

/// Reads the names of all contexts; no request is sent and no plugin runs.
///
/// # Errors
/// `NoConfig`: no kubeconfig, or one that cannot be read.
pub fn contexts(target: &Target) -> Result<Contexts, ClusterError> {
    match find(target)? {
        Found::InCluster => Ok(Contexts::default()),
        Found::Files(_, kubeconfig) => {
            let current = target.context.as_deref().or(kubeconfig.current()).map(str::to_owned);
            Ok(Contexts { names: kubeconfig.contexts().map(str::to_owned).collect(), current })
        }
    }
}

impl Connection {
    /// The same cluster, with a client that sends nothing but questions: whatever else is asked of it is answered here, as a
    /// server answers that forbids it.
    #[must_use]
    pub fn read_only(self) -> Connection {
        Connection { client: super::read_only::client(self.client), ..self }
    }

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

/// Where a configuration was found.
enum Found {
    /// At least one file; the first to say something wins.
    Files(Vec<PathBuf>, Kubeconfig),
    InCluster,
}

fn find(target: &Target) -> Result<Found, ClusterError> {
    let default = directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".kube").join("config"));
    find_among(target, default.as_deref(), &|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

/// By kubectl's order: the file that a person names; `KUBECONFIG`, else the default file; the account of the pod, where
/// those say nothing.
fn find_among(
    target: &Target,
    default: Option<&Path>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Found, ClusterError> {
    if let Some(path) = &target.kubeconfig {
        let files = vec![path.clone()];
        return read(&files).map(|kubeconfig| Found::Files(files, kubeconfig));
    }
    let is_pod =
        ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"].into_iter().all(|name| variable(name).is_some());
    let list = variable("KUBECONFIG");
    let named: Vec<PathBuf> = match &list {
        Some(list) => std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => default.map(Path::to_owned).into_iter().collect(),
    };
    // Like kubectl: of several files those that do not exist are passed over.
    let files: Vec<PathBuf> = named.iter().filter(|path| path.exists()).cloned().collect();
    if !files.is_empty() {
        let kubeconfig = read(&files)?;
        if !(is_pod && kubeconfig.is_empty()) {
            return Ok(Found::Files(files, kubeconfig));
        }
    }
    if is_pod {
        return Ok(Found::InCluster);
    }
    let (at, found, hint) = match &list {
        Some(list) => (
            "KUBECONFIG",
            match named.is_empty() {
                true => format!("KUBECONFIG is `{}`, which names no file", list.to_string_lossy()),
                false => format!("none of these files exists: {}", shown(&named)),
            },
            "correct KUBECONFIG, name a file with --kubeconfig, or try --demo",
        ),
        None => {
            let looked = default.map_or("a home folder".to_owned(), |path| format!("`{}`", path.display()));
            (
                "the environment",
                format!("no --kubeconfig, no KUBECONFIG, no {looked}, and this is not a pod"),
                "name a file with --kubeconfig, or look around without a cluster: --demo",
            )
        }
    };
    Err(no_config(at.to_owned(), found, Some(hint.to_owned())))
}

fn read(files: &[PathBuf]) -> Result<Kubeconfig, ClusterError> {
    let mut kubeconfig = Kubeconfig::default();
    for file in files {
        let at = || file.display().to_string();
        let bytes = std::fs::read(file).map_err(|error| {
            let hint = "name another file with --kubeconfig, or try --demo";
            ClusterError::new(ClusterErrorKind::NoConfig, "read the kubeconfig", at()).caused_by(error).hint(hint)
        })?;
        kubeconfig.add(file, &bytes).map_err(|error| unusable(error, &at()))?;
    }
    Ok(kubeconfig)
}

fn unusable(error: KubeconfigError, files: &str) -> ClusterError {
    let (kind, hint) = match &error {
        // With nothing to choose from, the file is not the right one.
        KubeconfigError::UnknownContext { known, .. } | KubeconfigError::NoCurrentContext { known }
            if known.is_empty() =>
        {
            (ClusterErrorKind::NoConfig, "name another file with --kubeconfig, or try --demo")
        }
        KubeconfigError::UnknownContext { .. } => (ClusterErrorKind::UnknownContext, "choose one with --context"),
        KubeconfigError::NoCurrentContext { .. } => (ClusterErrorKind::NoConfig, "choose one with --context"),
        KubeconfigError::Encoding(_) => {
            (ClusterErrorKind::NoConfig, "save the file as UTF-8; in PowerShell: `Set-Content -Encoding utf8`")
        }
        _ => (ClusterErrorKind::NoConfig, "see `kubectl config view`"),
    };
    ClusterError::new(kind, "read the kubeconfig", files).caused_by(error).hint(hint)
}

/// Each is told where what is wrong is written: a proxy of the environment is in no kubeconfig.
fn no_transport(error: SetupError, files: &str, context: &str, user: &str) -> ClusterError {
    let (at, hint) = match error {
        SetupError::Credentials(error) => return no_credentials(error, format!("{context}, user {user}")),
        SetupError::Proxy(ref error) => match error.variable() {
            Some(name) => (name.to_owned(), format!("correct or unset {name}; a proxy is written as http://host:port")),
            None => {
                (format!("{files}, context {context}"), "correct proxy-url, for example http://host:port".to_owned())
            }
        },
        // There is no kubeconfig to look at.
        _ if files == POD => {
            let hint = "the files of the account are put there by the cluster; see `volumes` of this pod, and its namespace's ConfigMap kube-root-ca.crt";
            (files.to_owned(), hint.to_owned())
        }
        SetupError::Port { .. } | SetupError::Host { .. } => {
            (format!("{files}, context {context}"), "correct the server URL of the kubeconfig".to_owned())
        }
        _ => (format!("{files}, context {context}"), "see `kubectl config view`".to_owned()),
    };
    ClusterError::new(ClusterErrorKind::NoConfig, "connect", at).caused_by(error).hint(hint)
}

fn no_credentials(error: CredentialError, at: String) -> ClusterError {
    ClusterError::new(ClusterErrorKind::Unauthorized, "get credentials", at).caused_by(error)
}

const POD: &str = "the service account of this pod";

fn in_cluster(context: Option<&str>) -> Result<Effective, ClusterError> {
    if let Some(name) = context {
        let found = format!("context `{name}` does not exist: a pod without a kubeconfig knows only its own cluster");
        let hint = "leave --context out, or name a file with --kubeconfig";
        return Err(ClusterError::new(ClusterErrorKind::UnknownContext, "connect", POD).found(found).hint(hint));
    }
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let folder = Path::new("/var/run/secrets/kubernetes.io/serviceaccount");
    let token = folder.join("token");
    if let Err(error) = std::fs::read(&token) {
        let hint = "is automountServiceAccountToken on for this pod?";
        let error = CredentialError::TokenFile { path: token, source: error };
        let failed = ClusterError::new(ClusterErrorKind::NoConfig, "read the kubeconfig", POD);
        return Err(failed.caused_by(error).hint(hint));
    }
    let host = variable("KUBERNETES_SERVICE_HOST");
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Ok(Effective {
        context: "in-cluster".to_owned(),
        namespace: std::fs::read_to_string(folder.join("namespace")).ok().map(|name| name.trim().to_owned()),
        cluster: Cluster {
            server: format!("https://{host}:{}", variable("KUBERNETES_SERVICE_PORT")),
            certificate_authority: Some(Content::File(folder.join("ca.crt"))),
            ..Cluster::default()
        },
        user: User { token_file: Some(token), ..User::default() },
    })
}

fn no_config(at: String, found: String, hint: Option<String>) -> ClusterError {
    ClusterError { hint, ..ClusterError::new(ClusterErrorKind::NoConfig, "read the kubeconfig", at).found(found) }
}

fn shown(files: &[PathBuf]) -> String {
    let files: Vec<String> = files.iter().map(|file: &PathBuf| Path::display(file).to_string()).collect();
    files.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{
        ClusterErrorKind::{NoConfig, UnknownContext},
        proxy::ProxyError,
    };

    const TWO: &str = "{clusters: [{name: c, cluster: {server: 'https://user:secret@192.0.2.1:6443/'}}], \
                       users: [{name: u, user: {}}], \
                       contexts: [{name: one, context: {cluster: c, user: u}}, \
                                  {name: two, context: {cluster: gone, user: u}}]}";

    #[test]
    fn a_proxy_of_the_environment_is_not_looked_for_in_the_kubeconfig() {
        let of = |from: &str| {
            let error = ProxyError::NotAUrl { from: from.to_owned(), problem: "no host".to_owned() };
            no_transport(SetupError::Proxy(error), "~/config", "prod", "jane")
        };
        let error = of("HTTPS_PROXY");
        assert_eq!(
            (error.kind, error.to_string().as_str()),
            (NoConfig, "connect (HTTPS_PROXY): HTTPS_PROXY is not a URL: no host")
        );
        assert_eq!(error.hint.as_deref(), Some("correct or unset HTTPS_PROXY; a proxy is written as http://host:port"));
        let error = of("proxy-url");
        assert_eq!(error.to_string(), "connect (~/config, context prod): proxy-url is not a URL: no host");
        assert_eq!(error.hint.as_deref(), Some("correct proxy-url, for example http://host:port"));
    }

    /// Connects with a kubeconfig of this text; the answer as one line.
    #[track_caller]
    fn check(kubeconfig: &str, context: Option<&str>, expected: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config");
        std::fs::write(&path, kubeconfig).expect("a file");
        let target = Target { kubeconfig: Some(path), context: context.map(str::to_owned), ..Target::default() };
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
        check(TWO, Some("three"), "UnknownContext: context `three` does not exist; known: one, two");
    }

    #[test]
    fn without_a_current_context_one_must_be_chosen() {
        check(TWO, None, "NoConfig: current-context is not set; known: one, two");
    }

    #[test]
    fn a_context_without_its_cluster_is_an_error() {
        check(TWO, Some("two"), "NoConfig: context `two` refers to cluster `gone`, which no file defines");
    }

    #[test]
    fn a_folder_or_a_missing_file_is_no_kubeconfig() {
        for path in ["/", "/nonexistent/kubeconfig"] {
            let target = Target { kubeconfig: Some(path.into()), ..Target::default() };
            let error = tokio::runtime::Runtime::new().expect("a runtime").block_on(connect(&target)).err();
            assert_eq!(error.map(|error| error.kind), Some(NoConfig), "{path}");
        }
    }

    /// What is used with these variables (`NAME=value`, separated by spaces) and this text of the default file.
    #[track_caller]
    fn check_found(variables: &str, default: Option<&str>, expected: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
        file("empty", "");
        file("colors", "{apiVersion: v1, kind: Config, preferences: {}}");
        file("two", TWO);
        if let Some(text) = default {
            file("default", text);
        }
        let variables = variables.replace('~', &folder.path().display().to_string());
        let lookup = |name: &str| {
            let mut pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        let found = match find_among(&Target::default(), Some(&folder.path().join("default")), &lookup) {
            Ok(Found::InCluster) => "pod".to_owned(),
            Ok(Found::Files(files, _)) => shown(&files),
            Err(error) => error.found,
        };
        assert_eq!(found.replace(&folder.path().display().to_string(), "~"), expected, "{variables}");
    }

    #[test]
    fn a_pod_uses_its_account_where_no_kubeconfig_says_anything() {
        const POD: &str = "KUBERNETES_SERVICE_HOST=10.0.0.1 KUBERNETES_SERVICE_PORT=443";
        for kubeconfig in ["", "KUBECONFIG=~/missing", "KUBECONFIG=~/empty", "KUBECONFIG=~/colors", "KUBECONFIG=:"] {
            check_found(&format!("{POD} {kubeconfig}"), None, "pod");
        }
        check_found(POD, Some(""), "pod");
        check_found(POD, Some(TWO), "~/default");
        check_found(&format!("{POD} KUBECONFIG=~/empty:~/two"), None, "~/empty, ~/two");
        check_found("KUBECONFIG=~/empty", None, "~/empty");
        check_found("KUBECONFIG=:", Some(TWO), "KUBECONFIG is `:`, which names no file");
        check_found("KUBECONFIG=~/missing", None, "none of these files exists: ~/missing");
        let not_a_pod = "no --kubeconfig, no KUBECONFIG, no `~/default`, and this is not a pod";
        check_found("KUBERNETES_SERVICE_HOST=10.0.0.1", None, not_a_pod);
        check_found("KUBERNETES_SERVICE_PORT=443", None, not_a_pod);
    }

    #[test]
    fn a_pod_knows_no_contexts() {
        assert_eq!(in_cluster(Some("prod")).err().map(|error| error.kind), Some(UnknownContext));
    }
}
