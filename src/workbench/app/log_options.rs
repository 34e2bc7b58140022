//! Which lines of a log are shown, and what containers wrote that were restarted.

use super::{State, unable::Unable};
use crate::{
    criteria::near_matches,
    ops::{Failure, run::previous::Earlier},
    text::near_or_all,
    workbench::{
        effect::Effect,
        keymap::Action,
        log_options::{self, LEVELS, LogOptions, MOST_AROUND},
        model::Severity,
        overlay::Overlay,
        panes::{self, LOG, Need, RowId},
        widgets::text,
    },
};
use std::fmt::Write;

impl State {
    /// O: what the log shows, to choose it.
    pub(super) fn list_log_options(&mut self) {
        if self.says_unable(Action::LogOptions) {
            return;
        }
        let view = self.desk.view(&self.model, &LOG);
        let name = panes::lines_of_log(&view).map_or_else(|| "-".to_owned(), |(name, _)| name);
        let offers = log_options::offers(&self.desk.log_options, &name, self.desk.times, &self.sources_of_log());
        self.desk.overlay = Some(Overlay::log_options(&name, offers));
    }

    /// What wrote lines of the log that is shown.
    pub fn sources_of_log(&self) -> Vec<String> {
        panes::sources_of_log(&self.desk.view(&self.model, &LOG))
    }

    /// `:since`, `:level`, `:sources` and `:around`: without a value, all lines.
    pub(super) fn log_option(&mut self, word: &str, typed: &str) {
        if self.says_unable(Action::LogOptions) {
            return;
        }
        let mut options = self.desk.log_options.clone();
        let changed = match word {
            "since" => self.since(typed).map(|since_ms| options.since_ms = since_ms),
            "level" => level(typed).map(|level| options.level = level),
            "sources" => self.sources(typed).map(|sources| options.sources = sources),
            _ => around(typed).map(|around| options.around = around),
        };
        match changed {
            Err(said) => self.say(Severity::Warn, said),
            Ok(()) if word == "around" => self.set_around(options.around),
            Ok(()) => {
                self.show_lines(options);
                let words = self.desk.log_options.words().join(", ");
                let said = if words.is_empty() { "all lines of the log".to_owned() } else { format!("lines {words}") };
                self.say(Severity::Ok, said);
            }
        }
    }

    fn since(&self, typed: &str) -> Result<Option<u64>, String> {
        let model = &self.model;
        // Of a run that has ended, nothing comes after its last event.
        let newest_ms = if model.run_moves() { model.run_now_ms() } else { model.run.last_ms };
        match (typed, log_options::since(typed, newest_ms)) {
            ("" | "all", _) => Ok(None),
            (_, Some(since_ms)) => Ok(Some(since_ms)),
            (_, None) => Err(format!("not a time: `{}`; write 5m, 09:12 or 2026-01-14T09:12:00Z", text::clean(typed))),
        }
    }

    fn sources(&self, typed: &str) -> Result<std::collections::BTreeSet<String>, String> {
        let known = self.sources_of_log();
        let names: Vec<&str> = typed.split_whitespace().collect();
        match names.iter().find(|name| !known.iter().any(|known| known == *name)) {
            None => Ok(names.into_iter().map(str::to_owned).collect()),
            Some(unknown) => {
                let near = near_matches(unknown, known.iter().map(String::as_str));
                let near: Vec<String> = near.iter().map(|near| format!("`{near}`")).collect();
                let instead = near_or_all(&near, known.iter().map(String::as_str));
                Err(format!("no line of the log is from source `{}`; {instead}", text::clean(unknown)))
            }
        }
    }

    fn show_lines(&mut self, options: LogOptions) {
        self.desk.log_options = options;
        self.desk.focus_on(&LOG);
        self.desk.mark(Need::Look);
    }

    /// So many lines around each that is meant.
    pub(super) fn set_around(&mut self, around: usize) {
        if self.says_unable(Action::LogOptions) {
            return;
        }
        self.show_lines(LogOptions { around, ..self.desk.log_options.clone() });
        let is_meant = self.desk.log_options.selects() || !self.desk.table(&LOG).filter.is_empty();
        let lines = text::count(around, "line");
        let said = match is_meant {
            true => format!("{lines} of context around each match"),
            false => format!("{lines} of context around each match of a filter, a level or sources"),
        };
        self.say(Severity::Ok, said);
    }

    /// The check whose containers are looked at.
    fn check_of_log(&self) -> Option<String> {
        match self.steered() {
            Some(RowId::Check(name) | RowId::Pod { check: name, .. }) => Some(name.clone()),
            _ => None,
        }
    }

    pub(super) fn unable_to_read_previous(&self) -> Option<Unable> {
        let model = &self.model;
        if model.run.checks.is_empty() {
            return self.unable(Action::LogOptions);
        }
        if let Some(unable) = self.unable_while_switching() {
            return Some(unable);
        }
        // The pods of a run are removed at its end.
        if model.records.replay.is_some() || (!model.run.active && !model.follows()) {
            return Unable::info("the pods of this run are gone, and a record has no output of earlier containers");
        }
        match self.check_of_log() {
            Some(_) => None,
            None => Unable::info("put the cursor on a check"),
        }
    }

    /// `:previous`: what containers of the selected check wrote before they were restarted.
    pub(super) fn read_previous(&mut self) -> Vec<Effect> {
        if self.say_unable(self.unable_to_read_previous()) {
            return Vec::new();
        }
        let Some(check) = self.check_of_log() else { return Vec::new() };
        self.asked.previous += 1;
        let generation = self.asked.previous;
        let (namespace, run_id) = (self.model.run.namespace.clone(), self.model.run.id.clone());
        vec![Effect::ReadPrevious { generation, namespace, run_id, check }]
    }

    pub(super) fn previous_read(&mut self, generation: u64, check: &str, answer: Result<Vec<Earlier>, Failure>) {
        if generation != self.asked.previous {
            return;
        }
        let Some(containers) = self.good(answer) else { return };
        if containers.is_empty() {
            return self.say(Severity::Info, format!("no container of {check} was restarted"));
        }
        let mut body = String::new();
        for Earlier { namespace, pod, container, restarts, end, text } in &containers {
            let times = text::count(usize::try_from(*restarts).unwrap_or(usize::MAX), "restart");
            // Writing into a String does not fail.
            let _ = writeln!(body, "== {namespace}/{pod}, container {container}: ended with {end}; {times}");
            body += text;
            if !text.ends_with('\n') {
                body.push('\n');
            }
        }
        self.desk.overlay = Some(Overlay::text(&format!("earlier containers of {check}"), &body, 1));
    }
}

fn level(typed: &str) -> Result<Option<crate::report::level::LogLevel>, String> {
    match (typed, log_options::level(typed)) {
        ("" | "all", _) => Ok(None),
        (_, Some(level)) => Ok(Some(level)),
        (_, None) => {
            let known = LEVELS.map(log_options::word).join(", ");
            Err(format!("unknown level `{}`; there are {known}", text::clean(typed)))
        }
    }
}

fn around(typed: &str) -> Result<usize, String> {
    match typed.parse::<usize>() {
        _ if typed.is_empty() => Ok(0),
        Ok(lines) if lines <= MOST_AROUND => Ok(lines),
        _ => Err(format!("not a number from 0 to {MOST_AROUND}: `{}`", text::clean(typed))),
    }
}
