//! Where this program keeps its own files: a folder for state, which holds the log, records of runs, the last session and
//! reports of panics, one for configuration, which a person writes, and one for what can be found out again.
//!
//! `AICR_STATE_DIR` wins, then `XDG_STATE_HOME` (on every system, macOS included), then what the platform says; alike with
//! `AICR_CONFIG_DIR` and `XDG_CONFIG_HOME`. Nothing is created here.

use directories::ProjectDirs;
use std::{ffi::OsString, path::PathBuf};

/// The last session, in the folder for state.
pub const SESSION: &str = "session.json";
/// What terminals can do, in the folder for what can be found out again.
pub const TERMINALS: &str = "terminals.json";
/// What the names of reports of panics begin with, in the folder for state.
pub const PANIC: &str = "panic-";

/// A folder, and what named it.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    pub path: PathBuf,
    /// The variable that named it; `None` for the platform's own place.
    pub named_by: Option<&'static str>,
}

/// The folder for state; `None` where neither a variable nor the platform names one (no home directory).
pub fn state() -> Option<Folder> {
    // macOS and Windows have no place for state; it then lies with the data.
    let of_platform = |dirs: &ProjectDirs| dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned();
    of(["AICR_STATE_DIR", "XDG_STATE_HOME"], |name| std::env::var_os(name), platform().as_ref().map(of_platform))
}

/// The folder for configuration; `None` as for [`state`].
pub fn configuration() -> Option<Folder> {
    let of_platform = |dirs: &ProjectDirs| dirs.config_dir().to_owned();
    of(["AICR_CONFIG_DIR", "XDG_CONFIG_HOME"], |name| std::env::var_os(name), platform().as_ref().map(of_platform))
}

/// The folder for what may be removed at any time; `None` as for [`state`].
pub fn cache() -> Option<Folder> {
    let of_platform = |dirs: &ProjectDirs| dirs.cache_dir().to_owned();
    of(["AICR_CACHE_DIR", "XDG_CACHE_HOME"], |name| std::env::var_os(name), platform().as_ref().map(of_platform))
}

fn platform() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "aicr")
}

/// A relative XDG path is passed over, as its specification asks; ours may be relative, because a person typed it.
fn of(
    [ours, shared]: [&'static str; 2],
    variable: impl Fn(&str) -> Option<OsString>,
    platform: Option<PathBuf>,
) -> Option<Folder> {
    if let Some(path) = variable(ours).filter(|value| !value.is_empty()) {
        return Some(Folder { path: path.into(), named_by: Some(ours) });
    }
    let xdg = variable(shared).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(path) = xdg {
        return Some(Folder { path: path.join("aicr"), named_by: Some(shared) });
    }
    platform.map(|path| Folder { path, named_by: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: Option<(&str, &'static str)>) {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        let expected = expected.map(|(path, by)| Folder { path: path.into(), named_by: Some(by) });
        assert_eq!(of(["AICR_STATE_DIR", "XDG_STATE_HOME"], variable, None), expected);
    }

    #[test]
    fn our_variable_wins_over_xdg_and_the_platform() {
        let both = [("AICR_STATE_DIR", "mine"), ("XDG_STATE_HOME", "/xdg")];
        check(&both, Some(("mine", "AICR_STATE_DIR")));
        check(&both[1..], Some(("/xdg/aicr", "XDG_STATE_HOME")));
    }

    #[test]
    fn empty_and_relative_values_are_passed_over() {
        check(&[("AICR_STATE_DIR", ""), ("XDG_STATE_HOME", "relative")], None);
    }
}
