//! Filters with names: saved, listed, applied as `@NAME`, deleted.

use super::State;
use crate::workbench::{effect::Effect, keymap::Action, model::Severity, widgets::text};

/// Before the name of a saved filter.
pub(in crate::workbench) const SIGN: char = '@';

impl State {
    /// What a person means by a filter: the saved one where they name one.
    pub(super) fn meant_filter(&self, typed: String) -> String {
        let saved = typed.strip_prefix(SIGN).and_then(|name| self.desk.saved_filters.get(name.trim()));
        saved.map_or(typed.clone(), str::to_owned)
    }

    /// `:filter WORDS`, `:filter @NAME`.
    pub(super) fn filter_command(&mut self, words: &str) {
        let unknown =
            words.strip_prefix(SIGN).map(str::trim).filter(|name| self.desk.saved_filters.get(name).is_none());
        if let Some(name) = unknown {
            self.say_unknown_filter(name);
            return;
        }
        let table = self.desk.table(self.desk.focused());
        match table.finished(&self.meant_filter(words.to_owned())) {
            Ok(_) => {
                let before = table.selected.clone().filter(|_| table.touched);
                self.set_filter(words.to_owned());
                self.say_hidden(before);
            }
            Err(misread) => self.say(Severity::Warn, format!("invalid filter: {}", misread.why)),
        }
    }

    /// `:filters`: those that are saved, to choose one.
    pub(super) fn filters_command(&mut self) {
        if self.desk.saved_filters.is_empty() {
            let line = self.desk.keys.command("save-filter NAME");
            self.say(Severity::Info, format!("no filter is saved; {line} saves the one of this panel"));
            return;
        }
        self.desk.overlay = Some(self.palette("filter "));
    }

    /// `:save-filter NAME`: the filter of the focused panel; with words after the name, those.
    pub(super) fn save_filter_command(&mut self, rest: &str) -> Vec<Effect> {
        let (name, words) = rest.split_once(' ').map_or((rest, ""), |(name, words)| (name, words.trim()));
        let name = name.trim_start_matches(SIGN);
        let table = self.desk.table(self.desk.focused());
        let filter = if words.is_empty() { table.filter.clone() } else { self.meant_filter(words.to_owned()) };
        if name.is_empty() {
            let line = self.desk.keys.command("save-filter NAME");
            self.say(Severity::Info, format!("a saved filter needs a name: {line}"));
            return Vec::new();
        }
        if filter.is_empty() {
            let key = self.desk.keys.key(Action::Filter);
            let line = self.desk.keys.command(&format!("save-filter {name} WORDS"));
            self.say(Severity::Info, format!("this panel has no filter: {key} sets one, or {line} saves words"));
            return Vec::new();
        }
        if let Err(misread) = table.finished(&filter) {
            self.say(Severity::Warn, format!("not saved: invalid filter: {}", misread.why));
            return Vec::new();
        }
        let shown = text::clean(&filter).into_owned();
        let said = match self.desk.saved_filters.save(name, &filter) {
            Some(before) if before != filter => {
                format!("saved {SIGN}{name}: {shown}; it was: {}", text::clean(&before))
            }
            _ => format!("saved {SIGN}{name}: {shown}"),
        };
        vec![self.keep_session(said)]
    }

    /// `:delete-filter NAME`.
    pub(super) fn delete_filter_command(&mut self, name: &str) -> Vec<Effect> {
        let name = name.trim_start_matches(SIGN);
        match self.desk.saved_filters.delete(name) {
            Some(filter) => {
                let said = format!("deleted {SIGN}{name}: {}", text::clean(&filter));
                vec![self.keep_session(said)]
            }
            None => {
                self.say_unknown_filter(name);
                Vec::new()
            }
        }
    }

    /// What was saved is written at once: a program that is killed later does not lose it.
    fn keep_session(&mut self, said: String) -> Effect {
        Effect::KeepSession { write: 0, session: Box::new(self.session()), said }
    }

    fn say_unknown_filter(&mut self, name: &str) {
        let near = crate::criteria::near_matches(name, self.desk.saved_filters.iter().map(|(name, _)| name));
        let line = self.desk.keys.command("filters");
        let hint = crate::text::did_you_mean(&near).unwrap_or_else(|| format!("{line} lists them"));
        self.say(Severity::Warn, format!("unknown filter `{SIGN}{}`; {hint}", text::clean(name)));
    }
}
