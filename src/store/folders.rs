//! Where this program keeps its own files: one folder for state, which holds the log and reports of panics.
//!
//! `AICR_STATE_DIR` wins, then `XDG_STATE_HOME` (on every system, macOS included), then what the platform says. Nothing is
//! created here.

use directories::ProjectDirs;
use std::{ffi::OsString, path::PathBuf};

/// A folder, and what named it.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    pub path: PathBuf,
    /// The variable that named it; `None` for the platform's own place.
    pub named_by: Option<&'static str>,
}

/// The folder for state; `None` where neither a variable nor the platform names one (no home directory).
pub fn state() -> Option<Folder> {
    of(|name| std::env::var_os(name), ProjectDirs::from("", "", "aicr").as_ref())
}

/// A relative XDG path is passed over, as its specification asks; ours may be relative, because a person typed it.
fn of(variable: impl Fn(&str) -> Option<OsString>, platform: Option<&ProjectDirs>) -> Option<Folder> {
    if let Some(path) = variable("AICR_STATE_DIR").filter(|value| !value.is_empty()) {
        return Some(Folder { path: path.into(), named_by: Some("AICR_STATE_DIR") });
    }
    let shared = variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(path) = shared {
        return Some(Folder { path: path.join("aicr"), named_by: Some("XDG_STATE_HOME") });
    }
    // macOS and Windows have no place for state; it then lies with the data.
    let of_platform = |dirs: &ProjectDirs| dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned();
    platform.map(|dirs| Folder { path: of_platform(dirs), named_by: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: Option<(&str, &'static str)>) {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        let expected = expected.map(|(path, by)| Folder { path: path.into(), named_by: Some(by) });
        assert_eq!(of(variable, None), expected);
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
