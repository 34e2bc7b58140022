//! The file of preferences and the folder of themes: where they are, what they say, and what it comes to on this terminal.

use super::{ASCII, CLIPBOARD, FILE, LINKS, MOUSE, Origin, Preferences, Problem, THEME, THEMES};
use crate::{
    store::{folders, own},
    term::{
        clipboard,
        color::{self, Level, When},
        link::Links,
    },
    text::causes,
    workbench::{keymap::Keymap, theme::Themes},
};
use std::path::PathBuf;

/// Where the file is looked for.
pub fn path() -> Option<PathBuf> {
    folders::configuration().map(|folder| folder.path.join(FILE))
}

/// Folders in which the file and the themes are.
pub fn folders() -> Vec<PathBuf> {
    let folder = folders::configuration().map(|folder| folder.path);
    folder.into_iter().flat_map(|folder| [folder.join(THEMES), folder]).collect()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// How it is said that the file is there and could not be read.
pub(super) const UNREADABLE: &str = "the preferences cannot be read";

/// What the file and the environment say. A file that is not there is fine; one that cannot be read is a problem.
pub fn read() -> Preferences {
    let Some(path) = path() else { return Preferences::read(None, &variable) };
    let shown = path.display().to_string();
    match own::text(&path) {
        Ok(text) => Preferences::read(text.as_deref().map(|text| (shown.as_str(), text)), &variable),
        Err(error) => {
            let mut read = Preferences::read(None, &variable);
            let said = format!("{UNREADABLE}: {}", causes(&error));
            read.problems.push(Problem { at: shown, line: 0, said, hint: None });
            read
        }
    }
}

/// The themes of the program, and those of the folder for themes.
pub fn themes() -> Themes {
    let folder = folders::configuration().map(|folder| folder.path.join(THEMES));
    Themes::with(folder.map(|folder| own::texts(&folder, "toml")).unwrap_or_default())
}

/// What preferences come to on this terminal.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// `None` leaves it to the background of the terminal.
    pub theme: Option<String>,
    /// `None` leaves it to whoever shows the frames.
    pub color: Option<Level>,
    pub ascii: bool,
    pub mouse: bool,
    pub clipboard: clipboard::Choice,
    pub links: Links,
    pub read_only: bool,
    /// Where that was set.
    pub read_only_by: Option<String>,
    pub keys: Keymap,
}

impl Chosen {
    /// What is wrong with the theme. One that a file or a variable names and that cannot be used is not: the default is, so that
    /// it keeps nothing from starting.
    pub fn without_broken_theme(&mut self, preferences: &Preferences, themes: &Themes) -> Vec<String> {
        let Some(name) = self.theme.clone() else { return Vec::new() };
        let value = preferences.value(&THEME);
        match themes.load(&name, Level::True) {
            Ok(_) => themes.warnings(&name),
            // What was asked for just now is answered with an error.
            Err(_) if matches!(value.origin, Origin::Flag(_)) => Vec::new(),
            Err(error) => {
                self.theme = None;
                vec![format!("{}: {error}; the default is used", preferences.origin(value))]
            }
        }
    }

    pub fn of(preferences: &Preferences) -> Chosen {
        let read_only_by = preferences.read_only_by();
        Chosen {
            theme: preferences.theme().map(str::to_owned),
            color: match preferences.color() {
                When::Auto => None,
                when => Some(color::level(when, true, variable)),
            },
            ascii: match preferences.text(&ASCII) {
                "auto" => !utf8(),
                text => text == "on",
            },
            mouse: preferences.is_on(&MOUSE),
            clipboard: preferences.text(&CLIPBOARD).parse().unwrap_or_default(),
            links: Links::of(preferences.text(&LINKS).parse().unwrap_or_default(), variable),
            read_only: read_only_by.is_some(),
            read_only_by,
            keys: preferences.keys.clone(),
        }
    }

    /// How many colors this terminal gets.
    pub fn level(&self) -> Level {
        self.color.unwrap_or_else(|| color::level(When::Auto, true, variable))
    }
}

/// Whether the locale says UTF-8; where it says nothing, most terminals do.
fn utf8() -> bool {
    let named = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
    named.is_none_or(|locale| locale.to_lowercase().replace('-', "").contains("utf8"))
        && variable("TERM").as_deref() != Some("linux")
}
