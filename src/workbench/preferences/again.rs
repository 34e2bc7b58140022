//! Preferences that are read again while the workbench runs: what has changed, or why it is not taken.

use super::{ALL, KEYS, LINEAR, Origin, Preference, Preferences, RESTORE, START_SCREEN};

/// What reading again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Again {
    Same,
    /// What is wrong in the file that was not before; everything stays as it is.
    Refused(Vec<String>),
    /// Names of preferences with another value; `keys` for the table of them.
    Changed(Vec<&'static str>),
}

/// Preferences that only decide how to start.
pub static AT_THE_START: [&Preference; 3] = [&START_SCREEN, &RESTORE, &LINEAR];

impl Preferences {
    /// What this, just read, says that the one that counts does not.
    pub fn since(&self, counts: &Preferences) -> Again {
        let known = |said: &str| counts.problems.iter().any(|problem| problem.said == said);
        let wrong: Vec<String> =
            self.problems.iter().filter(|problem| !known(&problem.said)).map(ToString::to_string).collect();
        if !wrong.is_empty() {
            return Again::Refused(wrong);
        }
        let differs = |preference: &&&Preference| self.text(preference) != counts.text(preference);
        let mut changed: Vec<&'static str> = ALL.iter().filter(differs).map(|preference| preference.name).collect();
        if self.keys != counts.keys {
            changed.push(KEYS);
        }
        if changed.is_empty() { Again::Same } else { Again::Changed(changed) }
    }

    /// With what wins over every file: the flags that the program was started with, and what a person has set since.
    #[must_use]
    pub fn with_flags_of(mut self, started: &Preferences) -> Preferences {
        for preference in ALL {
            let value = started.value(preference);
            if matches!(value.origin, Origin::Flag(_) | Origin::Session) {
                *self.value_mut(preference) = value.clone();
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::preferences::THEME;

    fn read(text: &str) -> Preferences {
        Preferences::read(Some(("config.toml", text)), &|_| None)
    }

    #[test]
    fn only_what_changed_is_taken_and_flags_still_win() {
        let counts = read("theme = \"dark\"\nmouse = false\n").with_flag(&THEME, Some("mono".into()));
        let check = |text: &str, expected: Again| {
            assert_eq!(read(text).with_flags_of(&counts).since(&counts), expected, "{text}");
        };
        check("theme = \"dark\"\nmouse = false\n", Again::Same);
        check("\n# another comment\nmouse = false\n", Again::Same);
        check("theme = \"light\"\nmouse = true\n", Again::Changed(vec!["mouse"]));
        check("mouse = false\n[keys]\nhelp = \"H\"\n", Again::Changed(vec!["keys"]));
        check("", Again::Changed(vec!["mouse"]));
    }

    #[test]
    fn a_file_with_a_new_fault_is_refused_with_its_line() {
        let counts = read("them = \"dark\"\n");
        let refused = |text: &str| read(text).since(&counts);
        let wrong = "config.toml:2: `mouse` cannot be `fals`; did you mean false?".to_owned();
        assert_eq!(refused("them = \"dark\"\nmouse = \"fals\"\ncolor = 16\n"), Again::Refused(vec![wrong]));
        assert!(
            matches!(refused("mouse = \n"), Again::Refused(wrong) if wrong[0].starts_with("config.toml:1: invalid TOML"))
        );
        // What was wrong at the start was said then.
        assert_eq!(refused("\n\nthem = \"dark\"\ncolor = 16\n"), Again::Changed(vec!["color"]));
    }
}
