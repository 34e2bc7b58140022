//! Helm: a program of the person who deploys.
//!
//! In: arguments. Out: its lines as they come, and how it ended. It is told which cluster by `KUBECONFIG` and the name of a
//! context, never by credentials, and whatever the environment says about another cluster is kept from it. It runs in our own
//! process group: what ends us from outside ends it too.

use super::{Connection, Target};
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::{mpsc, watch},
    time::Instant,
};

/// Between the signal that asks it to end and the one that ends it.
const GRACE: Duration = Duration::from_secs(30);
/// For `helm version`.
const VERSION_LIMIT: Duration = Duration::from_secs(30);
/// Lines that are kept to say why it failed.
const TAIL: usize = 40;
/// What would lead it to another cluster than ours.
const ELSEWHERE: [&str; 11] = [
    "HELM_KUBEAPISERVER",
    "HELM_KUBEASGROUPS",
    "HELM_KUBEASUSER",
    "HELM_KUBECAFILE",
    "HELM_KUBECONTEXT",
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
    "HELM_KUBETLS_SERVER_NAME",
    "HELM_KUBETOKEN",
    "HELM_NAMESPACE",
    "KUBE_CONTEXT",
    "KUBECONFIG_FLAG",
];

/// A Helm that was found.
#[derive(Clone, Debug)]
pub struct Helm {
    pub file: PathBuf,
    /// `v3.19.0`.
    pub version: String,
    pub major: u32,
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
}

/// Why there is no Helm to use.
#[derive(Debug, thiserror::Error)]
pub enum HelmError {
    #[error("no `helm` was found in PATH")]
    NotInPath,
    #[error("`{}` does not exist", .0.display())]
    Missing(PathBuf),
    #[error("`{}` cannot be started", file.display())]
    Start {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` does not say its version: {said}", file.display())]
    NotHelm { file: PathBuf, said: String },
    #[error("`{}` is Helm {version}", file.display())]
    TooOld { file: PathBuf, version: String },
}

impl Helm {
    /// The Helm in this file, or the first in `PATH`, for the cluster of a connection.
    ///
    /// # Errors
    /// There is none, or it is not Helm 3 or newer.
    pub async fn find(file: Option<&Path>, target: &Target, connection: &Connection) -> Result<Helm, HelmError> {
        let file = match file {
            Some(file) if !file.exists() => return Err(HelmError::Missing(file.to_owned())),
            Some(file) => file.to_owned(),
            None => in_path("helm").ok_or(HelmError::NotInPath)?,
        };
        // A relative path would be looked for in the folder in which it is run.
        let file = std::path::absolute(&file).unwrap_or(file);
        // A pod without a kubeconfig has one cluster and no contexts.
        let is_pod = connection.context == "in-cluster" && target.kubeconfig.is_none();
        let kubeconfig =
            target.kubeconfig.as_deref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        let mut helm = Helm {
            file,
            version: String::new(),
            major: 0,
            kubeconfig,
            context: (!is_pod).then(|| connection.context.clone()),
        };
        let failed = |said: &str| HelmError::NotHelm { file: helm.file.clone(), said: said.trim().to_owned() };
        let asked = helm.output(Path::new("."), &["version", "--template", "{{.Version}}"]);
        let answer = tokio::time::timeout(VERSION_LIMIT, asked).await;
        let version = match answer {
            Err(_) => return Err(failed("it does not answer")),
            Ok(ended) => ended?.map_err(|said| failed(&said))?.trim().to_owned(),
        };
        let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
        let Some(major) = major else { return Err(failed(&version)) };
        if major < 3 {
            return Err(HelmError::TooOld { file: helm.file, version });
        }
        helm.version = version;
        helm.major = major;
        Ok(helm)
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.file);
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in ELSEWHERE {
            command.env_remove(name);
        }
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command
    }

    /// What it prints, byte by byte, for what needs no cluster; or the end of what it said.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn output(&self, folder: &Path, arguments: &[&str]) -> Result<Result<String, String>, HelmError> {
        let output = self.command(folder).args(arguments).output().await;
        let output = output.map_err(|source| HelmError::Start { file: self.file.clone(), source })?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(match (output.status.success(), output.stderr.is_empty()) {
            (true, _) => Ok(text(&output.stdout)),
            (false, false) => Err(text(&output.stderr)),
            (false, true) => Err(ended(output.status)),
        })
    }

    /// Runs it in a folder for our cluster, line by line. `stop` asks it to end; it may take a while to do so.
    ///
    /// # Errors
    /// It cannot be started. How it ended is the value: well, or with the end of what it said.
    pub async fn run(
        &self,
        folder: &Path,
        arguments: &[String],
        stop: &mut watch::Receiver<bool>,
        mut line: impl FnMut(String),
    ) -> Result<Result<(), String>, HelmError> {
        let mut command = self.command(folder);
        command.args(arguments);
        if let Some(context) = &self.context {
            command.args(["--kube-context", context]);
        }
        let started = command.spawn();
        let mut child = started.map_err(|source| HelmError::Start { file: self.file.clone(), source })?;
        let (sender, mut lines) = mpsc::channel(64);
        let readers = [
            tokio::spawn(read(child.stdout.take(), true, sender.clone())),
            tokio::spawn(read(child.stderr.take(), false, sender)),
        ];
        let mut tail: VecDeque<String> = VecDeque::new();
        let mut killed_at: Option<Instant> = None;
        let status = loop {
            let patience = async {
                match killed_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(said) = lines.recv() => keep(&mut tail, &mut line, said),
                () = asked(stop), if killed_at.is_none() => {
                    killed_at = Some(Instant::now() + GRACE);
                    terminate(&child);
                }
                () = patience => {
                    killed_at = Some(Instant::now() + GRACE);
                    // It may have ended by itself.
                    let _ = child.start_kill();
                }
                status = child.wait() => break status,
            }
        };
        // What it started may keep the pipes open: what is there is read, and no more awaited than a moment.
        let rest = async {
            while let Some(said) = lines.recv().await {
                keep(&mut tail, &mut line, said);
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), rest).await;
        readers.iter().for_each(tokio::task::JoinHandle::abort);
        let said = || tail.iter().map(|line| format!("{line}\n")).collect::<String>();
        Ok(match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(if tail.is_empty() { ended(status) } else { said() }),
            Err(error) => Err(error.to_string()),
        })
    }
}

/// Waits until somebody asks to stop; forever where nobody can any more.
pub async fn asked(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

fn keep(tail: &mut VecDeque<String>, line: &mut impl FnMut(String), said: String) {
    if tail.len() == TAIL {
        tail.pop_front();
    }
    tail.push_back(said.clone());
    line(said);
}

fn ended(status: ExitStatus) -> String {
    format!("it ended with {status}")
}

/// The lines of a stream. What a chart has to say to whoever installs it is left out: it may show passwords.
async fn read(stream: Option<impl AsyncRead + Unpin>, until_notes: bool, lines: mpsc::Sender<String>) {
    let Some(stream) = stream else { return };
    let mut stream = BufReader::new(stream);
    let mut bytes = Vec::new();
    let mut quiet = false;
    while stream.read_until(b'\n', &mut bytes).await.is_ok_and(|length| length > 0) {
        let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        bytes.clear();
        quiet |= until_notes && text == "NOTES:";
        // The receiver is gone when nobody listens any more.
        if !quiet && !text.is_empty() && lines.send(text).await.is_err() {
            return;
        }
    }
}

fn terminate(child: &Child) {
    #[cfg(unix)]
    if let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// The first program of a name in `PATH`.
pub(super) fn in_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&folders).map(|folder| folder.join(&name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(file) else { return false };
    #[cfg(unix)]
    let may_run = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_run = true;
    metadata.is_file() && may_run
}
