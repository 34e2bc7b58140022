//! The one decision about color: whether an output gets any, and how many.
//!
//! In: `--color`, whether the output is a terminal, the environment. Out: a [`Level`]. In this order:
//!
//! 1. `--color` other than `auto`;
//! 2. `NO_COLOR`, when set and not empty: no color;
//! 3. `CLICOLOR_FORCE`, when set and not `0`: color, on a terminal or not;
//! 4. no terminal, `CLICOLOR=0`, or `TERM=dumb`: no color;
//! 5. else as many as `COLORTERM` and `TERM` promise.

use std::str::FromStr;

/// From none to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    None,
    Ansi16,
    Ansi256,
    True,
}

/// What `--color` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// As the output and the environment say.
    #[default]
    Auto,
    /// As many colors as the environment promises, at least 16.
    Always,
    Exactly(Level),
}

impl When {
    /// The words of `--color`, with what they ask for and how help explains them.
    pub const WORDS: [(&'static str, When, &'static str); 6] = [
        ("auto", When::Auto, "On a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set"),
        ("always", When::Always, "Also when the output is not a terminal"),
        ("never", When::Exactly(Level::None), "No color"),
        ("16", When::Exactly(Level::Ansi16), "The 16 colors of the terminal's own palette"),
        ("256", When::Exactly(Level::Ansi256), "256 colors"),
        ("true", When::Exactly(Level::True), "24 bits for each color"),
    ];
}

/// A word that `--color` does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord(pub String);

impl std::fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = When::WORDS.map(|(word, ..)| word).join(", ");
        write!(f, "`{}` is not one of {words}", self.0)
    }
}

impl std::error::Error for UnknownWord {}

impl FromStr for When {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<When, UnknownWord> {
        let known = When::WORDS.into_iter().find(|(word, ..)| *word == text);
        known.map(|(_, when, _)| when).ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// The level for one output.
pub fn level(when: When, is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Level {
    let stated = |name: &str| variable(name).filter(|value| !value.is_empty());
    let forced = stated("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    match when {
        When::Exactly(level) => level,
        When::Always => promised(&stated).max(Level::Ansi16),
        When::Auto if stated("NO_COLOR").is_some() => Level::None,
        When::Auto if forced => promised(&stated).max(Level::Ansi16),
        When::Auto if !is_terminal || stated("CLICOLOR").as_deref() == Some("0") => Level::None,
        When::Auto => promised(&stated),
    }
}

/// What the terminal says that it can do.
fn promised(stated: &impl Fn(&str) -> Option<String>) -> Level {
    let term = stated("TERM").unwrap_or_default();
    match stated("COLORTERM").as_deref() {
        _ if term == "dumb" => Level::None,
        Some("truecolor" | "24bit") => Level::True,
        _ if term.contains("direct") => Level::True,
        _ if term.contains("256color") => Level::Ansi256,
        // Consoles of Windows set no TERM and know 16 colors.
        _ if term.is_empty() && !cfg!(windows) => Level::None,
        _ => Level::Ansi16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, is_terminal: bool, environment: &[(&str, &str)], expected: Level) {
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        assert_eq!(level(word.parse().unwrap(), is_terminal, find), expected, "{word} {environment:?}");
    }

    const XTERM: (&str, &str) = ("TERM", "xterm-256color");
    const TRUE: (&str, &str) = ("COLORTERM", "truecolor");

    #[test]
    fn a_word_wins_over_the_environment() {
        check("never", true, &[XTERM, ("CLICOLOR_FORCE", "1")], Level::None);
        check("always", false, &[("NO_COLOR", "1")], Level::Ansi16);
        check("always", false, &[XTERM, TRUE], Level::True);
        check("always", true, &[("TERM", "dumb")], Level::Ansi16);
        check("16", false, &[XTERM, TRUE], Level::Ansi16);
        check("256", false, &[("NO_COLOR", "1")], Level::Ansi256);
        check("true", true, &[("TERM", "dumb")], Level::True);
    }

    #[test]
    fn no_color_wins_over_clicolor_force() {
        check("auto", true, &[XTERM, TRUE, ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], Level::None);
        check("auto", true, &[("TERM", "xterm"), ("NO_COLOR", "")], Level::Ansi16);
    }

    #[test]
    fn clicolor_force_wins_over_a_pipe_and_a_dumb_terminal() {
        check("auto", false, &[("CLICOLOR_FORCE", "1")], Level::Ansi16);
        check("auto", true, &[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], Level::Ansi16);
        check("auto", true, &[XTERM, ("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")], Level::Ansi256);
        check("auto", false, &[XTERM, ("CLICOLOR_FORCE", "0")], Level::None);
    }

    #[test]
    fn a_pipe_clicolor_0_and_a_dumb_terminal_get_none() {
        check("auto", false, &[XTERM, TRUE], Level::None);
        check("auto", true, &[XTERM, ("CLICOLOR", "0")], Level::None);
        check("auto", true, &[XTERM, ("CLICOLOR", "1")], Level::Ansi256);
        check("auto", true, &[("TERM", "dumb"), TRUE], Level::None);
    }

    #[test]
    fn a_terminal_gets_what_it_promises() {
        check("auto", true, &[XTERM], Level::Ansi256);
        check("auto", true, &[XTERM, TRUE], Level::True);
        check("auto", true, &[("TERM", "xterm-direct")], Level::True);
        check("auto", true, &[("TERM", "linux")], Level::Ansi16);
    }

    #[cfg(not(windows))]
    #[test]
    fn a_terminal_that_promises_nothing_gets_none() {
        check("auto", true, &[], Level::None);
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_list() {
        let said = "blue".parse::<When>().unwrap_err().to_string();
        assert_eq!(said, "`blue` is not one of auto, always, never, 16, 256, true");
    }
}
