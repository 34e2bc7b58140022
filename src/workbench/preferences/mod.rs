//! Preferences of the workbench: which there are, and who set each.
//!
//! In: the text of `config.toml`, variables of the environment, flags. Out: a value for every preference with its origin,
//! and a list of what could not be used. A start never fails because of a preference: what is wrong keeps its default and is
//! reported with its line.

pub mod again;
pub mod file;
mod keys;
pub mod protect;
mod read;
mod schema;
mod session;
mod write;

pub use keys::PRESETS;
pub use schema::schema;
pub use session::{Refused, parse, spoken};
pub use write::template;

use self::protect::Protected;
use super::{Screen, keymap::Keymap, times::Times};
use crate::{report::escape, term::color::When};
use std::{fmt, sync::Arc};

/// The name of the file in the folder for configuration.
pub const FILE: &str = "config.toml";
/// The folder for themes of a person's own, in the folder for configuration.
pub const THEMES: &str = "themes";

/// The table of keys.
pub const KEYS: &str = "keys";

/// What a preference can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Words(&'static [&'static str]),
    /// The name of a theme, or `auto`.
    Theme,
    /// A list of patterns of names; its text has commas between them.
    Patterns,
}

/// One preference.
#[derive(Debug)]
pub struct Preference {
    /// As in the file.
    pub name: &'static str,
    pub values: Values,
    pub default: &'static str,
    /// The variable that wins over the file.
    pub variable: Option<&'static str>,
    /// The flag that wins over both, with its dashes.
    pub flag: Option<&'static str>,
    /// A sentence for the file, without a full stop.
    pub help: &'static str,
}

impl Preference {
    const fn switch(name: &'static str, default: &'static str, help: &'static str) -> Preference {
        Preference { name, values: Values::Switch, default, variable: None, flag: None, help }
    }

    const fn words(name: &'static str, words: &'static [&'static str], help: &'static str) -> Preference {
        // The first word is the default.
        Preference { name, values: Values::Words(words), default: words[0], variable: None, flag: None, help }
    }

    const fn from(self, variable: &'static str, flag: &'static str) -> Preference {
        Preference {
            variable: if variable.is_empty() { None } else { Some(variable) },
            flag: if flag.is_empty() { None } else { Some(flag) },
            ..self
        }
    }
}

pub static THEME: Preference = Preference {
    name: "theme",
    values: Values::Theme,
    default: "auto",
    variable: Some("AICR_THEME"),
    flag: Some("--theme"),
    help: "the theme; auto takes dark or light, as the background of the terminal is",
};
pub static COLOR: Preference =
    Preference::words("color", &["auto", "always", "never", "16", "256", "true"], "how many colors to use")
        .from("", "--color");
pub static ASCII: Preference =
    Preference::words("ascii", &["auto", "on", "off"], "only ASCII characters; auto decides by the locale")
        .from("", "--ascii");
pub static MOUSE: Preference = Preference::switch(
    "mouse",
    "true",
    "take clicks and the wheel; false leaves the mouse to the terminal, for selecting text",
)
.from("AICR_MOUSE", "");
pub static READ_ONLY: Preference =
    Preference::switch("read-only", "false", "refuse everything that would change a cluster")
        .from("AICR_READ_ONLY", "--read-only");
pub static START_SCREEN: Preference = Preference::words(
    "start-screen",
    &["last", "cluster", "recipe", "diff", "validate", "compare"],
    "the screen to start with; last is where the session before ended",
)
.from("", "--screen");
pub static RESTORE: Preference =
    Preference::switch("restore", "true", "begin where the last session with the same cluster ended")
        .from("", "--fresh");
pub static PROTECT: Preference = Preference {
    name: "protect",
    values: Values::Patterns,
    default: "",
    variable: Some("AICR_PROTECT"),
    flag: None,
    help: "contexts whose name has to be typed before anything is created, changed or removed there",
};
pub static HINTS: Preference =
    Preference::switch("hints", "true", "the last line lists keys that do something now; false gives it to the panels");
pub static WRAP: Preference =
    Preference::switch("wrap", "false", "long lines of logs and texts go on below, instead of being scrolled to");
pub static TIMES: Preference = Preference::words(
    "times",
    Times::WORDS,
    "what is before each line of a log: the time of day, also with its date, since the phase began, since the line before",
);
pub static SLOW: Preference = Preference::words(
    "slow",
    &["auto", "on", "off"],
    "draw what no key asked for five times a second at most; auto where the terminal takes long to be written to",
);
pub static LINEAR: Preference =
    Preference::switch("linear", "false", "lines and prompts instead of a full screen, for screen readers")
        .from("AICR_LINEAR", "--linear");
pub static CLIPBOARD: Preference = Preference::words(
    "clipboard",
    &["auto", "native", "osc52", "off"],
    "how to copy: with a program of the system, through the terminal (OSC 52), or not at all",
)
.from("AICR_CLIPBOARD", "");
pub static LINKS: Preference = Preference::words(
    "links",
    &["auto", "on", "off"],
    "links to the documentation of components and to files; auto where the terminal is known to show them, never as lines",
)
.from("AICR_LINKS", "");

/// Every preference but the keys, in the order of the file.
pub static ALL: &[&Preference] = &[
    &THEME,
    &COLOR,
    &ASCII,
    &MOUSE,
    &READ_ONLY,
    &PROTECT,
    &START_SCREEN,
    &RESTORE,
    &LINEAR,
    &CLIPBOARD,
    &LINKS,
    &HINTS,
    &WRAP,
    &TIMES,
    &SLOW,
];

/// Who set a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// The file, by its line.
    File(usize),
    Variable(&'static str),
    Flag(&'static str),
    /// A person, while the workbench runs.
    Session,
}

/// A value and who set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub text: String,
    pub origin: Origin,
}

/// Something that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file with its line, or the variable.
    pub at: String,
    /// In the file; 0 elsewhere.
    pub line: usize,
    pub said: String,
    pub hint: Option<String>,
}

impl Problem {
    /// Whether a preference is not what was written for it: the problem is with its value, or nothing of the file counts.
    pub fn is_with(&self, preference: &Preference) -> bool {
        let of_the_file = [read::NO_TOML, file::UNREADABLE].iter().any(|words| self.said.starts_with(words));
        of_the_file || self.said.contains(&format!("`{}`", preference.name))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.said)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// What counts, and what could not be used.
#[derive(Clone, Debug)]
pub struct Preferences {
    /// As messages call the file; `None` where there is none.
    pub file: Option<Arc<str>>,
    values: Vec<Value>,
    /// The preset of keys.
    pub preset: Value,
    pub keys: Keymap,
    /// Keys that the file binds: the name of the action, the keys as written, the line.
    pub bound: Vec<(&'static str, String, usize)>,
    pub problems: Vec<Problem>,
}

impl Default for Preferences {
    fn default() -> Preferences {
        Preferences::read(None, &|_| None)
    }
}

impl Preferences {
    /// The file, where there is one, and the environment over it.
    pub fn read(file: Option<(&str, &str)>, variable: &dyn Fn(&str) -> Option<String>) -> Preferences {
        read::read(file, variable)
    }

    /// A flag of the command line wins over everything.
    #[must_use]
    pub fn with_flag(mut self, preference: &'static Preference, text: Option<String>) -> Preferences {
        if let Some(text) = text {
            *self.value_mut(preference) = Value { text, origin: Origin::Flag(preference.flag.unwrap_or("--")) };
        }
        self
    }

    pub fn value(&self, preference: &Preference) -> &Value {
        &self.values[place(preference)]
    }

    fn value_mut(&mut self, preference: &Preference) -> &mut Value {
        &mut self.values[place(preference)]
    }

    pub fn text(&self, preference: &Preference) -> &str {
        &self.value(preference).text
    }

    pub fn is_on(&self, preference: &Preference) -> bool {
        matches!(self.text(preference), "true" | "on")
    }

    /// The theme by name; `None` where the background of the terminal decides.
    pub fn theme(&self) -> Option<&str> {
        Some(self.text(&THEME)).filter(|name| *name != "auto")
    }

    pub fn color(&self) -> When {
        self.text(&COLOR).parse().unwrap_or_default()
    }

    /// The screen that was asked for; `None` where the last session decides.
    pub fn screen(&self) -> Option<Screen> {
        Screen::named(self.text(&START_SCREEN))
    }

    /// Contexts that are protected: all of them where it is not known which.
    pub fn protected(&self) -> Protected {
        let is_unknown = self.problems.iter().any(|problem| problem.is_with(&PROTECT));
        if is_unknown { Protected::of("*") } else { Protected::of(self.text(&PROTECT)) }
    }

    /// With what others forbid: whether a cluster may be changed, and in which contexts a name is asked for.
    #[must_use]
    pub fn forbidding_as(mut self, others: &Preferences) -> Preferences {
        let forbids = [&READ_ONLY, &PROTECT];
        for preference in forbids {
            self.values[place(preference)] = others.value(preference).clone();
        }
        let is_of_them = |problem: &&Problem| forbids.iter().any(|preference| problem.is_with(preference));
        self.problems.extend(others.problems.iter().filter(is_of_them).cloned());
        self.file = others.file.clone();
        self
    }

    /// What forbids to change a cluster; `None` where nothing does. A preference of the file that cannot be read forbids it, too:
    /// who wrote one wanted something of it. A flag and a variable are stronger than the file, whatever is in it.
    pub fn read_only_by(&self) -> Option<String> {
        let value = self.value(&READ_ONLY);
        let is_stronger = !matches!(value.origin, Origin::Default | Origin::File(_));
        if let Some(problem) = self.problems.iter().find(|problem| problem.is_with(&READ_ONLY) && !is_stronger) {
            return Some(format!("a fault in the preferences ({})", escape::line(&problem.to_string())));
        }
        let at = escape::line(&self.origin(value)).into_owned();
        self.is_on(&READ_ONLY).then(|| if is_stronger { at } else { format!("`read-only` at {at}") })
    }

    /// Where a value comes from, in words.
    pub fn origin(&self, value: &Value) -> String {
        match value.origin {
            Origin::Default => "default".to_owned(),
            Origin::File(line) => format!("{}:{line}", self.file.as_deref().unwrap_or(FILE)),
            Origin::Variable(name) => name.to_owned(),
            Origin::Flag(flag) => flag.to_owned(),
            Origin::Session => "this session".to_owned(),
        }
    }
}

/// The place of a preference in [`ALL`].
fn place(preference: &Preference) -> usize {
    // Only listed ones are reachable; a test walks them.
    ALL.iter().position(|known| std::ptr::eq(*known, preference)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preference_is_listed_once_and_its_default_is_a_value() {
        for (at, preference) in ALL.iter().enumerate() {
            assert_eq!(place(preference), at, "{}", preference.name);
            assert!(ALL.iter().filter(|other| other.name == preference.name).count() == 1);
            match preference.values {
                Values::Switch => assert!(["true", "false"].contains(&preference.default)),
                Values::Words(words) => assert!(words.contains(&preference.default)),
                Values::Theme => assert_eq!(preference.default, "auto"),
                Values::Patterns => assert_eq!(preference.default, ""),
            }
        }
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_that_over_the_file() {
        let file = Some(("config.toml", "theme = \"light\"\nmouse = false\nread-only = true\n"));
        let variable = |name: &str| (name == "AICR_THEME").then(|| "mono".to_owned());
        let read = Preferences::read(file, &variable);
        assert_eq!(read.problems, []);
        assert_eq!(read.value(&THEME), &Value { text: "mono".into(), origin: Origin::Variable("AICR_THEME") });
        assert_eq!(read.value(&MOUSE), &Value { text: "false".into(), origin: Origin::File(2) });
        assert!(read.is_on(&READ_ONLY) && read.is_on(&RESTORE) && !read.is_on(&LINEAR));
        let read = read.with_flag(&THEME, Some("dark".into()));
        assert_eq!(read.origin(read.value(&THEME)), "--theme");
        assert_eq!(read.origin(read.value(&MOUSE)), "config.toml:2");
    }
}
