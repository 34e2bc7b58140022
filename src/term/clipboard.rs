//! Ways to the clipboard: a program of the system, or the terminal itself (OSC 52).
//!
//! In: what a person prefers, and the environment. Out: the ways to try, in their order. Nothing is ever read from the
//! clipboard.

use std::str::FromStr;

/// What a person prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// A program where there is a display, the terminal over SSH and where no program does it.
    #[default]
    Auto,
    Native,
    Osc52,
    Off,
}

impl FromStr for Choice {
    type Err = ();

    fn from_str(text: &str) -> Result<Choice, ()> {
        match text {
            "auto" => Ok(Choice::Auto),
            "native" => Ok(Choice::Native),
            "osc52" => Ok(Choice::Osc52),
            "off" => Ok(Choice::Off),
            _ => Err(()),
        }
    }
}

/// One way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A program with its arguments that takes the text on its standard input.
    Program(&'static [&'static str]),
    Terminal,
}

/// The ways to try, the first one first.
pub fn ways(choice: Choice, variable: impl Fn(&str) -> Option<String>) -> Vec<Way> {
    let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let is_remote = has("SSH_CONNECTION") || has("SSH_TTY");
    let mut programs: Vec<&'static [&'static str]> = Vec::new();
    // It passes the text on to the terminal that shows it, wherever that is.
    if has("TMUX") {
        programs.push(&["tmux", "load-buffer", "-w", "-"]);
    }
    if !is_remote || choice == Choice::Native {
        if cfg!(target_os = "macos") {
            programs.push(&["pbcopy"]);
        }
        if cfg!(windows) || has("WSL_DISTRO_NAME") {
            programs.push(&["clip.exe"]);
        }
        if has("WAYLAND_DISPLAY") {
            programs.push(&["wl-copy"]);
        }
        if has("DISPLAY") {
            programs.push(&["xclip", "-selection", "clipboard"]);
            programs.push(&["xsel", "--clipboard", "--input"]);
        }
    }
    let programs = programs.into_iter().map(Way::Program);
    match choice {
        Choice::Off => Vec::new(),
        Choice::Osc52 => vec![Way::Terminal],
        Choice::Native => programs.collect(),
        Choice::Auto => programs.chain([Way::Terminal]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(choice: Choice, environment: &[&str], expected: &str) {
        let find = |name: &str| environment.contains(&name).then(|| "x".to_owned());
        let words: Vec<&str> = ways(choice, find)
            .into_iter()
            .map(|way| match way {
                Way::Program(words) => words[0],
                Way::Terminal => "terminal",
            })
            .collect();
        assert_eq!(words.join(" "), expected, "{choice:?} {environment:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_display_has_programs_and_ssh_has_the_terminal() {
        check(Choice::Auto, &[], "terminal");
        check(Choice::Auto, &["WAYLAND_DISPLAY"], "wl-copy terminal");
        check(Choice::Auto, &["DISPLAY"], "xclip xsel terminal");
        check(Choice::Auto, &["DISPLAY", "SSH_CONNECTION"], "terminal");
        check(Choice::Auto, &["TMUX", "SSH_TTY"], "tmux terminal");
        check(Choice::Native, &["DISPLAY", "SSH_CONNECTION"], "xclip xsel");
        check(Choice::Native, &[], "");
        check(Choice::Osc52, &["DISPLAY", "TMUX"], "terminal");
        check(Choice::Off, &["DISPLAY"], "");
    }
}
