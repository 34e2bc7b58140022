//! Preferences: what is said of them at the start, and those that change while the workbench runs.

use super::State;
use crate::{
    term::background::Background,
    workbench::{
        effect::Effect,
        model::Severity,
        overlay::Overlay,
        panes::Need,
        preferences::{
            ALL, ASCII, COLOR, FILE, KEYS, Origin, PROTECT, Preference, Preferences, READ_ONLY, Refused, THEME, THEMES,
            TIMES, again::AT_THE_START, file::Chosen, parse, spoken,
        },
        theme::Themes,
        times::Times,
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
    pub(super) fn take_preferences(
        &mut self,
        chosen: Chosen,
        preferences: Preferences,
        themes: Themes,
        changed: &[&'static str],
    ) {
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
                Ok(theme) => {
                    self.desk.theme = theme;
                    for warning in self.desk.themes.warnings(&name) {
                        self.say(Severity::Warn, warning);
                    }
                }
                // The theme that was there stays, and so do the other changes.
                Err(error) => self.say(Severity::Warn, error.to_string()),
            }
        }
        if is_changed(ASCII.name) {
            self.desk.ascii = chosen.ascii;
        }
        if is_changed(KEYS) {
            self.desk.keys = self.desk.keys.chosen_again(chosen.keys);
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
        let by_hand = changed.iter().find_map(|name| {
            let preference = ALL.iter().find(|preference| preference.name == *name)?;
            let value = preferences.value(preference);
            (value.origin == Origin::Session).then(|| format!("{name}: {}", spoken(preference, &value.text)))
        });
        // A file that is broken protects what it protected before.
        if !preferences.problems.iter().any(|problem| problem.is_with(&PROTECT)) {
            self.model.protected = preferences.protected();
        }
        self.desk.prefer(preferences);
        if let Some(set) = by_hand {
            self.say(Severity::Ok, format!("{set}, until this session ends"));
            return;
        }
        let mut said = format!("preferences read again: {}", changed.join(", "));
        if !later.is_empty() {
            said.push_str(&format!(" (at the next start: {})", later.join(", ")));
        }
        self.say(Severity::Ok, said);
    }

    /// `:set NAME VALUE`; without a name all that there are, with who set each.
    pub(super) fn set_command(&mut self, rest: &str) -> Vec<Effect> {
        if rest.is_empty() {
            self.desk.overlay =
                Some(Overlay::preferences(&self.desk.preferences, &self.desk.themes, self.model.read_only));
            return Vec::new();
        }
        let refused = match parse(rest) {
            Ok((preference, text)) => return self.set_preference(preference, text),
            Err(refused) => refused,
        };
        let said = match refused {
            Refused::NoValue(preference) => {
                self.offer(&format!("set {} ", preference.name));
                return Vec::new();
            }
            Refused::Unknown { name, hint } => format!("unknown preference `{name}`; {hint}"),
            Refused::Value { said, hint } => hint.map_or(said.clone(), |hint| format!("{said}; {hint}")),
            Refused::InTheFile(name) => {
                let file = self.desk.preferences.file.as_deref().unwrap_or(FILE);
                format!("`{name}` is not lifted by a slip: it is set in {file}, which is read again when it is written")
            }
            Refused::AtTheStart(name) => {
                let file = self.desk.preferences.file.as_deref().unwrap_or(FILE);
                format!("`{name}` only decides how a session starts; set it in {file}")
            }
        };
        self.say(Severity::Warn, said);
        Vec::new()
    }

    fn set_preference(&mut self, preference: &'static Preference, text: String) -> Vec<Effect> {
        // The connection refuses writes, too, and was made so: by a flag as well, which no preference knows of.
        if preference.name == READ_ONLY.name && self.model.read_only {
            match text.as_str() {
                "true" | "on" => self.say(Severity::Info, "read-only is on already"),
                _ => self.say_read_only(),
            }
            return Vec::new();
        }
        let mut preferences = self.desk.preferences.clone();
        if preferences.text(preference) == text {
            let from = preferences.origin(preferences.value(preference));
            self.say(Severity::Info, format!("{} is {} already ({from})", preference.name, spoken(preference, &text)));
            return Vec::new();
        }
        if preference.name == THEME.name
            && text != THEME.default
            && let Err(error) = self.desk.themes.load(&text, self.desk.level)
        {
            self.say(Severity::Warn, error.to_string());
            return Vec::new();
        }
        preferences.set(preference, text);
        vec![Effect::Prefer { preferences: Box::new(preferences), changed: preference.name }]
    }

    /// `t`: the next one of what may be before each line of a log.
    pub(super) fn next_times(&mut self) {
        let times = self.desk.times.next();
        self.desk.times = times;
        self.desk.preferences.set(&TIMES, times.word().to_owned());
        self.desk.mark(Need::Look);
        let said = match times {
            Times::Off => "no times before the lines of the log",
            Times::Time => "before each line of the log: its time of day in UTC",
            Times::Date => "before each line of the log: its date and time in UTC",
            Times::Relative => "before each line of the log: the time since its phase began",
            Times::Delta => "before each line of the log: the time since the line before it",
        };
        self.say(Severity::Info, said);
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
