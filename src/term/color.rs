//! How many colours the terminal gets: asked for, else as the environment says.

/// From none to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    None,
    Ansi16,
    Ansi256,
    True,
}

/// The level that `--color`'s word asks for; `None` for `auto`.
///
/// # Errors
/// The word, when it is none of `auto`, `never`, `16`, `256`, `always` and `true`.
pub fn asked(word: &str) -> Result<Option<Level>, String> {
    match word {
        "auto" => Ok(None),
        "never" | "none" => Ok(Some(Level::None)),
        "16" => Ok(Some(Level::Ansi16)),
        "256" => Ok(Some(Level::Ansi256)),
        "always" | "true" => Ok(Some(Level::True)),
        other => Err(other.to_owned()),
    }
}

/// The level by `NO_COLOR`, `CLICOLOR_FORCE`, `COLORTERM` and `TERM`, in this order.
pub fn level(variable: impl Fn(&str) -> Option<String>) -> Level {
    let stated = |name: &str| variable(name).filter(|value| !value.is_empty());
    if stated("NO_COLOR").is_some() {
        return Level::None;
    }
    let term = stated("TERM").unwrap_or_default();
    let by_terminal = match stated("COLORTERM").as_deref() {
        Some("truecolor" | "24bit") => Level::True,
        _ if term.contains("direct") => Level::True,
        _ if term.contains("256color") => Level::Ansi256,
        _ if term.is_empty() || term == "dumb" => Level::None,
        _ => Level::Ansi16,
    };
    match stated("CLICOLOR_FORCE").as_deref() {
        Some("0") | None => by_terminal,
        Some(_) => by_terminal.max(Level::Ansi16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(environment: &[(&str, &str)], expected: Level) {
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        assert_eq!(level(find), expected);
    }

    #[test]
    fn the_environment_decides_in_the_documented_order() {
        check(&[("TERM", "xterm-256color")], Level::Ansi256);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Level::True);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")], Level::None);
        check(&[("TERM", "xterm"), ("NO_COLOR", "")], Level::Ansi16);
        check(&[("TERM", "linux")], Level::Ansi16);
        check(&[("TERM", "dumb")], Level::None);
        check(&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], Level::Ansi16);
        check(&[], Level::None);
    }
}
