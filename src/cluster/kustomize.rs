//! Kustomize: a program of the person who makes a bundle, `kustomize` or else `kubectl kustomize`.
//!
//! In: what to build. Out: the objects as it prints them. It fetches what a source names by itself.

use super::helm::in_path;
use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::Command;

/// For one component, what it fetches included.
const LIMIT: Duration = Duration::from_secs(300);

/// Why there is nothing to build with, or what it said.
#[derive(Debug, thiserror::Error)]
pub enum KustomizeError {
    #[error("neither `kustomize` nor `kubectl` was found in PATH")]
    NotInPath,
    #[error("`{}` cannot be started", file.display())]
    Start { file: PathBuf, source: io::Error },
    #[error("`{}` did not end within {} s", .0.display(), LIMIT.as_secs())]
    Slow(PathBuf),
    #[error("`{}` failed: {said}", file.display())]
    Failed { file: PathBuf, said: String },
    #[error("`{}` printed something that is not UTF-8", file.display())]
    NotText { file: PathBuf, source: std::string::FromUtf8Error },
}

/// Builds a kustomization: a folder, or a source as Kustomize reads it. A folder is taken from `from`.
///
/// # Errors
/// See [`KustomizeError`].
pub async fn build(target: &str, from: &Path) -> Result<String, KustomizeError> {
    let (file, verb) = match in_path("kustomize") {
        Some(file) => (file, "build"),
        None => (in_path("kubectl").ok_or(KustomizeError::NotInPath)?, "kustomize"),
    };
    let file = std::path::absolute(&file).unwrap_or(file);
    let mut command = Command::new(&file);
    command.args([verb, target]).current_dir(from).stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(LIMIT, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(source)) => return Err(KustomizeError::Start { file, source }),
        Err(_) => return Err(KustomizeError::Slow(file)),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let said = if said.is_empty() { output.status.to_string() } else { said };
        return Err(KustomizeError::Failed { file, said });
    }
    String::from_utf8(output.stdout).map_err(|source| KustomizeError::NotText { file, source })
}
