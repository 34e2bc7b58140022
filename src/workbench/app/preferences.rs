//! Preferences: what is said of them at the start, and those that change while the workbench runs.

use super::State;
use crate::{
    term::background::Background,
    workbench::{
        model::Severity,
        preferences::{ASCII, COLOR, KEYS, READ_ONLY, THEME, THEMES, again::AT_THE_START, file::Chosen},
        theme::Themes,
    },
};

impl State {
    /// The first one last, because that is what the line of messages shows; the others are in the list of messages.
    pub(super) fn say_notices(&mut self) {
        let notices = std::mem::take(&mut self.notices);
        for notice in notices.iter().skip(1).rev() {
            self.say(Severity::Warn, notice.clone());
        }
        if let Some(first) = notices.first() {
            let more = match notices.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more: {})", self.desk.keys.command("messages")),
            };
            self.say(Severity::Warn, format!("{first}{more}"));
        }
    }

    /// The terminal has said what its background is: the theme follows once, unless a person chose one.
    pub(super) fn background(&mut self, background: Background) {
        let name = match background {
            Background::Dark => "dark",
            Background::Light => "light",
        };
        self.desk.background = Some(name);
        if self.desk.is_theme_chosen || self.desk.theme.name == name {
            self.dirty = false;
            return;
        }
        if let Ok(theme) = self.desk.themes.load(name, self.desk.level) {
            self.desk.theme = theme;
        }
    }

    /// Takes what has changed; the mouse, the clipboard and links are the driver's.
    pub(super) fn take_preferences(&mut self, chosen: Chosen, themes: Themes, changed: &[&'static str]) {
        let is_changed = |name: &str| changed.contains(&name);
        self.desk.themes = themes;
        if [THEME.name, COLOR.name, THEMES].into_iter().any(is_changed) {
            if is_changed(THEME.name) {
                self.desk.is_theme_chosen = chosen.theme.is_some();
            }
            let name = match is_changed(THEME.name) {
                true => chosen.theme.clone().unwrap_or_else(|| self.desk.background.unwrap_or("dark").to_owned()),
                // What a person chose by hand stays.
                false => self.desk.theme.name.clone(),
            };
            if is_changed(COLOR.name) {
                self.desk.level = chosen.level();
            }
            match self.desk.themes.load(&name, self.desk.level) {
                Ok(theme) => self.desk.theme = theme,
                // The theme that was there stays, and so do the other changes.
                Err(error) => self.say(Severity::Warn, error.to_string()),
            }
        }
        if is_changed(ASCII.name) {
            self.desk.ascii = chosen.ascii;
        }
        if is_changed(KEYS) {
            self.desk.keys = chosen.keys;
            self.desk.typed.clear();
        }
        let mut later: Vec<&str> =
            AT_THE_START.iter().map(|preference| preference.name).filter(|name| is_changed(name)).collect();
        if is_changed(READ_ONLY.name) {
            match chosen.read_only {
                true => (self.model.read_only, self.model.read_only_by) = (true, chosen.read_only_by),
                // The connection refuses writes, too, and was made so.
                false => later.push(READ_ONLY.name),
            }
        }
        self.desk.refresh();
        let mut said = format!("preferences read again: {}", changed.join(", "));
        if !later.is_empty() {
            said.push_str(&format!(" (at the next start: {})", later.join(", ")));
        }
        self.say(Severity::Ok, said);
    }

    /// Says where the file is wrong; what counted before counts on.
    pub(super) fn refuse_preferences(&mut self, mut wrong: Vec<String>) {
        let first = wrong.remove(0);
        let more = if wrong.is_empty() { String::new() } else { format!(" (and {} more)", wrong.len()) };
        for other in wrong.into_iter().rev() {
            self.say(Severity::Warn, other);
        }
        self.say(Severity::Warn, format!("preferences stay as they were: {first}{more}"));
    }
}
