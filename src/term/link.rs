//! Links in a terminal (OSC 8): which addresses may be one, and which terminals know them.
//!
//! An address is written between two escape sequences, so one that could end them is no address. No crate decides which
//! terminals know links: the one that does reads the environment itself, which nothing here can test.

use ratatui::layout::Rect;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a part of a frame leads to; whether it is shown as a link is decided where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An address as a document gives it.
    Web(Arc<str>),
    /// A file of this machine, as a person named it.
    File(PathBuf),
}

/// A part of one line of a frame, and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub area: Rect,
    pub target: Target,
}

/// An address that can be written to a terminal: printable ASCII, of a scheme that only shows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Arc<str>);

/// Longer ones are cut by terminals.
const LONGEST: usize = 2048;

impl Address {
    /// The address of a page; `None` for anything else, above all for what could steer a terminal.
    pub fn web(text: &str) -> Option<Address> {
        let is_page = text.starts_with("https://") || text.starts_with("http://");
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        (is_page && is_plain && text.len() <= LONGEST).then(|| Address(text.into()))
    }

    /// The address of a file by its whole path.
    pub fn file(path: &Path) -> Option<Address> {
        let text = path.to_str().filter(|_| path.is_absolute())?;
        let escaped = |byte: u8| match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        let address = format!("file://{}", text.bytes().map(escaped).collect::<String>());
        (address.len() <= LONGEST).then(|| Address(address.into()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether to write links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Where the terminal is known to show them.
    #[default]
    Auto,
    On,
    Off,
}

impl std::str::FromStr for When {
    type Err = ();

    fn from_str(word: &str) -> Result<When, ()> {
        match word {
            "auto" => Ok(When::Auto),
            "on" => Ok(When::On),
            "off" => Ok(When::Off),
            _ => Err(()),
        }
    }
}

/// Which links are written to a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Links {
    pub pages: bool,
    /// Files are where the program runs; over SSH the terminal is elsewhere.
    pub files: bool,
}

impl Links {
    pub fn of(when: When, variable: impl Fn(&str) -> Option<String>) -> Links {
        let pages = match when {
            When::On => true,
            When::Off => false,
            When::Auto => is_known(&variable),
        };
        let is_remote = ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| variable(name).is_some());
        Links { pages, files: pages && !is_remote }
    }

    /// The address that is written for a target, where one is.
    pub fn address(self, target: &Target) -> Option<Address> {
        match target {
            Target::Web(text) if self.pages => Address::web(text),
            Target::File(path) if self.files => Address::file(&std::path::absolute(path).ok()?),
            Target::Web(_) | Target::File(_) => None,
        }
    }
}

/// Whether the environment names a terminal that shows links.
fn is_known(variable: &impl Fn(&str) -> Option<String>) -> bool {
    const PROGRAMS: [&str; 8] = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "WarpTerminal", "rio", "Tabby"];
    const TERMS: [&str; 7] = ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "contour", "wezterm", "rio"];
    let number = |name: &str| variable(name).and_then(|text| text.parse::<u32>().ok());
    let term = variable("TERM").unwrap_or_default();
    if term == "dumb" || term == "linux" {
        return false;
    }
    match variable("TERM_PROGRAM").as_deref() {
        // It shows links since 3.4, and leaves them out where the terminal around it does not.
        Some("tmux") => {
            let version = variable("TERM_PROGRAM_VERSION").unwrap_or_default();
            let mut parts = version.split(['.', '-']).map(|part| part.trim_matches(char::is_alphabetic).parse::<u32>());
            let (major, minor) = (parts.next().and_then(Result::ok), parts.next().and_then(Result::ok));
            return major.zip(minor).is_some_and(|version| version >= (3, 4));
        }
        Some(program) if PROGRAMS.contains(&program) => return true,
        _ => {}
    }
    // Inside a multiplexer the variables of the terminal around it say nothing.
    if term.starts_with("screen") || term.starts_with("tmux") {
        return false;
    }
    TERMS.iter().any(|known| term.starts_with(known))
        || number("VTE_VERSION").is_some_and(|version| version >= 5000)
        || number("KONSOLE_VERSION").is_some_and(|version| version >= 201_200)
        || variable("WT_SESSION").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_end_a_link_is_no_address() {
        for text in [
            "https://a.example/\u{1b}]8;;https://b.example",
            "https://a.example/\u{7}",
            "https://a.example/ b",
            "https://a.example/\u{9c}",
            "https://a.example/é",
            "javascript:alert(1)",
            "oci://ghcr.io/charts",
            "file:///etc/passwd",
            "",
        ] {
            assert_eq!(Address::web(text), None, "{text:?}");
        }
        assert_eq!(Address::web(&format!("https://a.example/{}", "x".repeat(LONGEST))), None);
        let address = Address::web("https://a.example/b?c=d#e").map(|address| address.to_string());
        assert_eq!(address.as_deref(), Some("https://a.example/b?c=d#e"));
    }

    #[test]
    fn the_path_of_a_file_is_escaped() {
        let address = |path: &str| Address::file(Path::new(path)).map(|address| address.to_string());
        assert_eq!(address("/tmp/a b\u{1b}é.yaml").as_deref(), Some("file:///tmp/a%20b%1B%C3%A9.yaml"));
        assert_eq!(address("relative.yaml"), None);
    }

    #[test]
    fn links_are_written_where_the_terminal_is_known_to_show_them() {
        let links = |variables: &[(&str, &str)], when| {
            let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
            Links::of(when, |name| found(name).map(|(_, value)| (*value).to_owned()))
        };
        for (variables, expected) in [
            (&[("TERM", "xterm-kitty")][..], true),
            (&[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")], true),
            (&[("TERM", "xterm-256color"), ("VTE_VERSION", "4205")], false),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")], true),
            (&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "tmux"), ("TERM_PROGRAM_VERSION", "3.4")], true),
            (&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "tmux"), ("TERM_PROGRAM_VERSION", "3.5a")], true),
            (&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "tmux"), ("TERM_PROGRAM_VERSION", "3.3a")], false),
            (&[("TERM", "screen-256color"), ("VTE_VERSION", "7600")], false),
            (&[("TERM", "xterm-256color")], false),
            (&[("TERM", "dumb"), ("WT_SESSION", "x")], false),
            (&[], false),
        ] {
            assert_eq!(links(variables, When::Auto).pages, expected, "{variables:?}");
            assert_eq!(links(variables, When::Off), Links::default());
            assert!(links(variables, When::On).pages);
        }
        let remote = links(&[("TERM", "xterm-kitty"), ("SSH_CONNECTION", "a b c d")], When::Auto);
        assert_eq!(remote, Links { pages: true, files: false });
        assert_eq!(remote.address(&Target::File("/tmp/a".into())), None);
        let here = links(&[("TERM", "xterm-kitty")], When::Auto);
        let address = here.address(&Target::File("/tmp/a".into())).map(|address| address.to_string());
        assert_eq!(address.as_deref(), Some("file:///tmp/a"));
    }
}
