//! Credential plugins: programs that a kubeconfig names, which print a token or a client certificate.
//!
//! In: the plugin's entry and the cluster it is for. Out: credentials, kept until they expire. A plugin runs once per
//! need, however many requests wait for it, and at most [`LIMIT`]; then it is killed. What it writes to standard error
//! goes where [`PluginOutput`] says, as it comes.

use super::kubeconfig::{Cluster, Exec, Interactive, Secret};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use std::{
    fmt, io,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    sync::Mutex,
};

/// For one run without a person at a terminal.
pub const LIMIT: Duration = Duration::from_secs(30);
/// For one run in which a person may have to log in.
const INTERACTIVE_LIMIT: Duration = Duration::from_secs(300);
/// Of standard output; credentials have a few kilobytes.
const OUTPUT_LIMIT: u64 = 4 << 20;
/// Lines of standard error that an error repeats.
const TAIL: usize = 5;
/// Credentials this close to their end are not sent any more.
const MARGIN: Duration = Duration::from_secs(10);

/// Where a plugin's standard error goes, and whether it may ask a person.
#[derive(Clone, Default)]
pub enum PluginOutput {
    /// Nowhere; an error repeats its last lines.
    #[default]
    Kept,
    /// To our own standard error, byte by byte; the plugin may ask if standard input is a terminal.
    Terminal,
    /// To a function, line by line as they come. Lines are as the plugin wrote them: whoever shows them escapes them.
    Lines(Arc<dyn Fn(String) + Send + Sync>),
}

impl fmt::Debug for PluginOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PluginOutput::Kept => "Kept",
            PluginOutput::Terminal => "Terminal",
            PluginOutput::Lines(_) => "Lines",
        })
    }
}

/// A plugin that gave no credentials. `command` is its name without arguments.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("unknown apiVersion `{version}` of the credential plugin `{command}`: expected {V1} or {V1BETA1}")]
    ApiVersion { command: String, version: String },
    #[error("the credential plugin `{command}` was not found")]
    Missing { command: String, install_hint: Option<String> },
    #[error("the credential plugin `{command}` could not be started")]
    Start {
        command: String,
        #[source]
        source: io::Error,
    },
    #[error("the credential plugin `{command}` needs a terminal (interactiveMode: Always)")]
    NeedsTerminal { command: String },
    #[error("the credential plugin `{command}` ended with {status}{}", last_words(.said))]
    Failed { command: String, status: ExitStatus, said: Vec<String> },
    #[error("the credential plugin `{command}` did not end within {} s and was killed{}", .limit.as_secs(), last_words(.said))]
    Timeout { command: String, limit: Duration, said: Vec<String> },
    #[error("the credential plugin `{command}` did not print an ExecCredential: {problem}")]
    Output { command: String, problem: String },
    #[error("the output of the credential plugin `{command}` cannot be read")]
    Read {
        command: String,
        #[source]
        source: io::Error,
    },
}

fn last_words(lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!(": {}", lines.join("; ")) }
}

const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

/// What a plugin printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    pub token: Option<Secret>,
    /// Certificate and key in PEM.
    pub certificate: Option<(String, Secret)>,
    pub expires: Option<jiff::Timestamp>,
}

impl Credential {
    fn is_fresh(&self, now: jiff::Timestamp) -> bool {
        self.expires.is_none_or(|expires| now + MARGIN < expires)
    }
}

/// A plugin and its last credentials.
pub struct Plugin {
    exec: Exec,
    /// `spec.cluster`, where the plugin wants it.
    cluster: Option<serde_json::Value>,
    output: PluginOutput,
    kept: Mutex<Kept>,
}

/// The last credentials of a plugin.
#[derive(Default)]
struct Kept {
    number: u64,
    credential: Option<Credential>,
    run_for_refusal: Option<tokio::time::Instant>,
}

impl Plugin {
    /// `authority` is the PEM text of the cluster's certificate-authority.
    ///
    /// # Errors
    /// A version of the protocol that is not known.
    pub fn new(
        exec: Exec,
        cluster: &Cluster,
        authority: Option<&[u8]>,
        output: PluginOutput,
    ) -> Result<Plugin, ExecError> {
        if ![V1, V1BETA1].contains(&exec.api_version.as_str()) {
            return Err(ExecError::ApiVersion { command: exec.command, version: exec.api_version });
        }
        let cluster = exec.provide_cluster_info.then(|| cluster_info(cluster, authority));
        Ok(Plugin { exec, cluster, output, kept: Mutex::default() })
    }

    /// As the kubeconfig names it.
    pub fn command(&self) -> &str {
        &self.exec.command
    }

    /// Credentials with a number that changes when they do; the plugin runs if there are none, if they have expired, or if
    /// the server has `refused` those of this number. For refusals it runs at most once in [`LIMIT`]: a login that the
    /// server will never accept must not be made over and over.
    ///
    /// # Errors
    /// A plugin that cannot be run, fails, takes too long, or prints something else.
    pub async fn credential(&self, refused: Option<u64>) -> Result<(u64, Credential), ExecError> {
        let mut kept = self.kept.lock().await;
        let now = tokio::time::Instant::now();
        if let Some(credential) = kept.credential.as_ref().filter(|kept| kept.is_fresh(jiff::Timestamp::now())) {
            let may_run = kept.run_for_refusal.is_none_or(|last| now.duration_since(last) >= LIMIT);
            if refused != Some(kept.number) || !may_run {
                return Ok((kept.number, credential.clone()));
            }
            kept.run_for_refusal = Some(now);
        }
        let credential = self.run().await?;
        kept.number += 1;
        kept.credential = Some(credential.clone());
        Ok((kept.number, credential))
    }

    async fn run(&self) -> Result<Credential, ExecError> {
        let command = || self.exec.command.clone();
        let is_at_terminal = matches!(self.output, PluginOutput::Terminal) && io::IsTerminal::is_terminal(&io::stdin());
        let may_ask = is_at_terminal && self.exec.interactive != Interactive::Never;
        if self.exec.interactive == Interactive::Always && !may_ask {
            return Err(ExecError::NeedsTerminal { command: command() });
        }
        let child = self.start(may_ask, !is_at_terminal).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => {
                ExecError::Missing { command: command(), install_hint: self.exec.install_hint.clone() }
            }
            _ => ExecError::Start { command: command(), source },
        })?;
        let mut run = Run { child, has_group: !is_at_terminal };
        let limit = if may_ask { INTERACTIVE_LIMIT } else { LIMIT };
        let tail = Arc::new(std::sync::Mutex::new(Vec::new()));
        let finished = tokio::time::timeout(limit, run.output(&self.output, &tail)).await;
        drop(run);
        let said = std::mem::take(&mut *tail.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let (status, stdout) = match finished {
            Err(_) => return Err(ExecError::Timeout { command: command(), limit, said }),
            Ok(Err(source)) => return Err(ExecError::Read { command: command(), source }),
            Ok(Ok(output)) => output,
        };
        if !status.success() {
            return Err(ExecError::Failed { command: command(), status, said });
        }
        read(&stdout, &self.exec.api_version).map_err(|problem| ExecError::Output { command: command(), problem })
    }

    fn start(&self, may_ask: bool, has_group: bool) -> io::Result<Child> {
        let mut spec = serde_json::json!({"interactive": may_ask});
        if let Some(cluster) = &self.cluster {
            spec["cluster"] = cluster.clone();
        }
        let info = serde_json::json!({"kind": "ExecCredential", "apiVersion": self.exec.api_version, "spec": spec});
        let mut command = Command::new(&self.exec.command);
        command.args(&self.exec.args).envs(self.exec.env.iter().map(|(name, value)| (name, value)));
        command.env("KUBERNETES_EXEC_INFO", info.to_string());
        command.stdin(if may_ask { Stdio::inherit() } else { Stdio::null() }).stdout(Stdio::piped());
        command.stderr(match self.output {
            PluginOutput::Terminal => Stdio::inherit(),
            _ => Stdio::piped(),
        });
        // In a group of its own it can be killed with all its children. Not at a terminal: there it could not read, and
        // Ctrl-C would pass it by.
        #[cfg(unix)]
        if has_group {
            command.process_group(0);
        }
        command.kill_on_drop(true).spawn()
    }
}

/// A running plugin. Whatever is left of it when this is dropped is killed.
struct Run {
    child: Child,
    has_group: bool,
}

impl Run {
    async fn output(
        &mut self,
        output: &PluginOutput,
        tail: &std::sync::Mutex<Vec<String>>,
    ) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut stdout = Vec::new();
        let (out, err) = (self.child.stdout.take(), self.child.stderr.take());
        let read_out = async {
            match out {
                Some(out) => out.take(OUTPUT_LIMIT).read_to_end(&mut stdout).await,
                None => Ok(0),
            }
        };
        let read_err = async {
            let Some(err) = err else { return };
            let mut lines = BufReader::new(err);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                if text.is_empty() {
                    continue;
                }
                let mut tail = tail.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if tail.len() == TAIL {
                    tail.remove(0);
                }
                tail.push(text.clone());
                if let PluginOutput::Lines(show) = output {
                    show(text);
                }
            }
        };
        let (read, ()) = tokio::join!(read_out, read_err);
        read?;
        Ok((self.child.wait().await?, stdout))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        #[cfg(unix)]
        if self.has_group
            && let Some(pid) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
        {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
    }
}

fn cluster_info(cluster: &Cluster, authority: Option<&[u8]>) -> serde_json::Value {
    let mut info = serde_json::json!({"server": cluster.server});
    let mut add = |key: &str, value: Option<serde_json::Value>| {
        if let Some(value) = value {
            info[key] = value;
        }
    };
    add("tls-server-name", cluster.tls_server_name.clone().map(Into::into));
    add("insecure-skip-tls-verify", cluster.insecure_skip_tls_verify.then_some(true.into()));
    add("certificate-authority-data", authority.map(|pem| STANDARD.encode(pem).into()));
    add("proxy-url", cluster.proxy_url.clone().map(Into::into));
    add("config", cluster.plugin_config.clone());
    info
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    api_version: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Reads what a plugin printed. What it printed is never repeated: it may hold half a token.
fn read(stdout: &[u8], api_version: &str) -> Result<Credential, String> {
    if stdout.iter().all(u8::is_ascii_whitespace) {
        return Err("it printed nothing".to_owned());
    }
    let printed: ExecCredential = serde_json::from_slice(stdout).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("its output is not such a JSON object (line {line}, column {column})")
    })?;
    if printed.kind != "ExecCredential" {
        return Err(format!("its output has the kind `{}`", printed.kind));
    }
    if printed.api_version != api_version {
        return Err(format!("the kubeconfig asks for {api_version}, its output has `{}`", printed.api_version));
    }
    let status = printed.status.ok_or("its output has no status; does it need a terminal?")?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let token = filled(status.token).map(|token| Secret(token.trim().to_owned()));
    let certificate = match (filled(status.client_certificate_data), filled(status.client_key_data)) {
        (Some(certificate), Some(key)) => Some((certificate, Secret(key))),
        (None, None) => None,
        _ => return Err("of clientCertificateData and clientKeyData only one is there".to_owned()),
    };
    if token.is_none() && certificate.is_none() {
        return Err("neither a token nor a client certificate is in it".to_owned());
    }
    let expires = filled(status.expiration_timestamp)
        .map(|text| text.parse().map_err(|_| format!("expirationTimestamp `{text}` is not a time")))
        .transpose()?;
    Ok(Credential { token, certificate, expires })
}
