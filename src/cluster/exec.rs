//! Credential plugins: programs that a kubeconfig names, which print a token or a client certificate.
//!
//! In: the plugin's entry and the cluster it is for. Out: credentials, kept until they expire. A plugin runs once per
//! need, however many requests wait for it, and at most [`LIMIT`]; then it is killed. What it writes to standard error
//! goes where [`PluginOutput`] says, as it comes.

use super::kubeconfig::{Cluster, Exec, Interactive, Secret};
use crate::yaml;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;
use std::{
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
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

impl PluginOutput {
    /// Tells a person something about the connection.
    pub(super) fn warn(&self, text: &str) {
        tracing::warn!("{text}");
        match self {
            PluginOutput::Kept => {}
            // A closed standard error keeps nobody from working.
            PluginOutput::Terminal => drop(writeln!(io::stderr(), "warning: {}", visible(text))),
            PluginOutput::Lines(show) => show(format!("warning: {text}")),
        }
    }
}

/// A text whose names others wrote, for a terminal: what is not a visible character is written as `\u{1b}`.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' | '"' | '\\' => shown.push(c),
            c => shown.extend(c.escape_debug()),
        }
    }
    shown
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
    #[error("the credential plugin {} is a script for `{interpreter}`, which was not found", .path.display())]
    Interpreter { path: PathBuf, interpreter: String },
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
        let missing = || ExecError::Missing { command: command(), install_hint: self.exec.install_hint.clone() };
        let path = lookup(&self.exec.command, std::env::var_os("PATH").as_deref()).ok_or_else(missing)?;
        let child = self.start(&path, may_ask, !is_at_terminal).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => match interpreter(&path) {
                Some(interpreter) => ExecError::Interpreter { path, interpreter },
                None => missing(),
            },
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

    fn start(&self, path: &Path, may_ask: bool, has_group: bool) -> io::Result<Child> {
        let mut spec = serde_json::json!({"interactive": may_ask});
        if let Some(cluster) = &self.cluster {
            spec["cluster"] = cluster.clone();
        }
        let info = serde_json::json!({"kind": "ExecCredential", "apiVersion": self.exec.api_version, "spec": spec});
        let mut command = Command::new(path);
        #[cfg(unix)]
        command.arg0(&self.exec.command);
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

/// The file of a command, looked for on our own `PATH` like kubectl does: that of the plugin's `env` is for the plugin.
#[cfg(unix)]
fn lookup(command: &str, path: Option<&std::ffi::OsStr>) -> Option<PathBuf> {
    if command.contains('/') {
        return Some(command.into());
    }
    let may_run = |file: &PathBuf| {
        let mode = std::fs::metadata(file)
            .map(|found| (found.is_file(), std::os::unix::fs::PermissionsExt::mode(&found.permissions())));
        mode.is_ok_and(|(is_file, mode)| is_file && mode & 0o111 != 0)
    };
    std::env::split_paths(path?).map(|folder| folder.join(command)).find(may_run)
}

/// Windows looks on our own `PATH`, and for more names than this one.
#[cfg(not(unix))]
fn lookup(command: &str, _: Option<&std::ffi::OsStr>) -> Option<PathBuf> {
    Some(command.into())
}

/// The program that a script wants to be run by, if the file is a script.
fn interpreter(script: &Path) -> Option<String> {
    let mut beginning = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(std::fs::File::open(script).ok()?, 256), &mut beginning).ok()?;
    let first = String::from_utf8_lossy(beginning.strip_prefix(b"#!")?).lines().next()?.trim().to_owned();
    first.split_whitespace().next().map(str::to_owned)
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
    let printed = document(stdout)?;
    let is_object = |value: &Value| value.is_object() || value.is_null();
    // serde would read lists as objects whose fields have no names.
    if !printed.is_object() || !printed.get("status").is_none_or(is_object) {
        return Err("its output is not an object of JSON or YAML".to_owned());
    }
    let printed: ExecCredential =
        serde_json::from_value(printed).map_err(|_| "a field of its output has the wrong type".to_owned())?;
    if printed.kind != "ExecCredential" {
        return Err(match printed.kind.as_str() {
            "" => "its output has no kind".to_owned(),
            kind => format!("its output has the kind `{kind}`"),
        });
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

/// What a plugin printed, as JSON or YAML; kubectl reads both.
fn document(stdout: &[u8]) -> Result<Value, String> {
    let bytes = stdout.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stdout);
    if bytes.trim_ascii_start().starts_with(b"{") {
        return serde_json::from_slice(bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("its output is not such a JSON object (line {line}, column {column})")
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "its output is not text".to_owned())?;
    // The words of the error may repeat what was printed.
    let found = yaml::first_of_last_keys(text).map_err(|error| {
        format!("its output is neither JSON nor YAML (line {}, column {})", error.at.line, error.at.column)
    })?;
    Ok(found.0.to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_warning_cannot_move_the_cursor() {
        assert_eq!(visible("user `jürgen\u{1b}[31m\u{202e}` \\ \"x\""), "user `jürgen\\u{1b}[31m\\u{202e}` \\ \"x\"");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_is_looked_for_where_it_may_run() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        for (folder, mode) in [(&one, 0o644), (&two, 0o755)] {
            std::fs::create_dir(folder).expect("a folder");
            std::fs::write(folder.join("login"), "#!/bin/sh\n").expect("a file");
            std::fs::set_permissions(folder.join("login"), PermissionsExt::from_mode(mode)).expect("a mode");
        }
        let path = std::env::join_paths([&one, &two]).expect("a path");
        assert_eq!(lookup("login", Some(&path)), Some(two.join("login")));
        assert_eq!(lookup("logout", Some(&path)), None);
        assert_eq!(lookup("/x/login", None), Some("/x/login".into()));
    }
}
