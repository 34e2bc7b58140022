//! Where configuration, data, state and cache live on this platform.
//!
//! `AICR_CONFIG_DIR`, `AICR_DATA_DIR`, `AICR_STATE_DIR` and `AICR_CACHE_DIR` win, then the XDG variables (on every
//! system, macOS included), then what the platform says. Nothing is created here.

use directories::ProjectDirs;
use std::{ffi::OsString, path::PathBuf};

/// The four folders, and which word decided each.
#[derive(Clone, Debug, PartialEq)]
pub struct Folders {
    pub config: Folder,
    pub data: Folder,
    pub state: Folder,
    pub cache: Folder,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    /// `None` where neither a variable nor the platform names one (no home directory).
    pub path: Option<PathBuf>,
    /// The variable that named it; `None` for the platform's own place.
    pub named_by: Option<&'static str>,
}

impl Folders {
    /// In the order and with the names in which they are shown.
    pub fn named(&self) -> [(&'static str, &Folder); 4] {
        [("config", &self.config), ("data", &self.data), ("state", &self.state), ("cache", &self.cache)]
    }
}

/// The folders for this process.
pub fn folders() -> Folders {
    of(|name| std::env::var_os(name), ProjectDirs::from("", "", "aicr").as_ref())
}

/// The folders that these variables and this platform name.
///
/// A relative XDG path is passed over, as its specification asks; ours may be relative, because a person typed it.
fn of(variable: impl Fn(&str) -> Option<OsString>, platform: Option<&ProjectDirs>) -> Folders {
    let folder = |own: &'static str, xdg: &'static str, fallback: Option<PathBuf>| {
        if let Some(path) = variable(own).filter(|value| !value.is_empty()) {
            return Folder { path: Some(path.into()), named_by: Some(own) };
        }
        let shared = variable(xdg).map(PathBuf::from).filter(|path| path.is_absolute());
        match shared {
            Some(path) => Folder { path: Some(path.join("aicr")), named_by: Some(xdg) },
            None => Folder { path: fallback, named_by: None },
        }
    };
    let of_platform = |of: fn(&ProjectDirs) -> PathBuf| platform.map(of);
    Folders {
        config: folder("AICR_CONFIG_DIR", "XDG_CONFIG_HOME", of_platform(|dirs| dirs.config_dir().to_owned())),
        data: folder("AICR_DATA_DIR", "XDG_DATA_HOME", of_platform(|dirs| dirs.data_dir().to_owned())),
        // macOS and Windows have no place for state; it then lies with the data.
        state: folder(
            "AICR_STATE_DIR",
            "XDG_STATE_HOME",
            of_platform(|dirs| dirs.state_dir().unwrap_or(dirs.data_dir()).to_owned()),
        ),
        cache: folder("AICR_CACHE_DIR", "XDG_CACHE_HOME", of_platform(|dirs| dirs.cache_dir().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], path: Option<&str>, named_by: Option<&'static str>) {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        let expected = Folder { path: path.map(PathBuf::from), named_by };
        assert_eq!(of(variable, None).config, expected);
    }

    #[test]
    fn our_variable_wins_over_xdg_and_the_platform() {
        let both = [("AICR_CONFIG_DIR", "mine"), ("XDG_CONFIG_HOME", "/xdg")];
        check(&both, Some("mine"), Some("AICR_CONFIG_DIR"));
        check(&both[1..], Some("/xdg/aicr"), Some("XDG_CONFIG_HOME"));
    }

    #[test]
    fn empty_and_relative_words_are_passed_over() {
        check(&[("AICR_CONFIG_DIR", ""), ("XDG_CONFIG_HOME", "relative")], None, None);
    }
}
