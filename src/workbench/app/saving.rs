//! What is written to files: the snapshot, reports, logs; under names that say what they are.

use super::State;
use crate::{
    ops::{Failure, place::Place},
    report::FORMS,
    workbench::{
        Screen, arguments, effect::Effect, model::Severity, msg::Written, overlay::Overlay, question::Question,
        widgets::text,
    },
};
use std::path::PathBuf;

/// Suffixes of a snapshot.
const SNAPSHOT: [&str; 3] = ["yaml", "yml", "json"];

impl State {
    /// `:save FILE`: the snapshot, and nothing else. A name that a person may mean for something else is asked about.
    pub(super) fn save_command(&mut self, name: &str) -> Vec<Effect> {
        let Some(snapshot) = self.model.cluster.snapshot.clone() else {
            self.say(Severity::Info, "no snapshot yet");
            return Vec::new();
        };
        if !self.is_file(name) {
            return Vec::new();
        }
        let path = PathBuf::from(name);
        let suffix = path.extension().map(|suffix| suffix.to_string_lossy().to_lowercase()).unwrap_or_default();
        // Any other is a part of the name: `prod-1.34` is one of YAML.
        if !SNAPSHOT.contains(&suffix.as_str())
            && let Some(command) = self.command_for(&suffix)
        {
            let known = SNAPSHOT.map(|suffix| format!(".{suffix}")).join(", ");
            let does = self.desk.keys.command(&format!("{command} {}", arguments::typed(name)));
            let said =
                format!("not written: a snapshot has no suffix `.{}`, but {known}; {does} does", text::clean(&suffix));
            self.say(Severity::Warn, said);
            return Vec::new();
        }
        let missing = self.model.cluster.missing();
        let effect = Effect::Save { write: 0, snapshot, missing, path, replace: false };
        // A report has this suffix as well, and there is one on the screen.
        let may_be_report = self.desk.screen == Screen::Validate && !self.model.run.report.planned.is_empty();
        if suffix == "json" && may_be_report {
            let [saves, reports] = ["save", "save-report"]
                .map(|word| self.desk.keys.command(&format!("{word} {}", arguments::typed(name))));
            let lines = vec![
                format!("{saves} writes the snapshot of the cluster."),
                format!("{reports} writes the report of the run that is shown."),
            ];
            let choices = ["write nothing", "write the snapshot"];
            self.desk.overlay = Some(Overlay::question(Question::Overwrite, "write the snapshot?", &lines, choices));
            self.overwrites = Some(effect);
            return Vec::new();
        }
        vec![effect]
    }

    /// What writes files of a suffix.
    fn command_for(&self, suffix: &str) -> Option<&'static str> {
        match suffix {
            "log" => Some("save-log"),
            "svg" | "csv" => Some("export"),
            _ if FORMS.iter().any(|form| form.suffix == suffix) => Some("save-report"),
            _ => None,
        }
    }

    pub(super) fn save_text(&mut self, what: &'static str, text: String, path: &str) -> Vec<Effect> {
        match self.is_file(path) {
            true => vec![Effect::SaveText { write: 0, what, text, path: PathBuf::from(path), replace: false }],
            false => Vec::new(),
        }
    }

    /// Whether a name is one of a file; says if not.
    pub(super) fn is_file(&mut self, name: &str) -> bool {
        let is_elsewhere = match Place::parse(name) {
            Ok(Place::File(_) | Place::Standard) => false,
            Ok(Place::ConfigMap { .. } | Place::Web(_) | Place::Kept(_)) | Err(_) => true,
        };
        if is_elsewhere {
            let said = format!("not written: `{}` is not a file, and the workbench writes to files", text::clean(name));
            self.say(Severity::Warn, said);
        }
        !is_elsewhere
    }

    /// What a write came to.
    pub(super) fn written(&mut self, answer: Result<Written, Failure>) {
        match answer {
            Ok(Written::Whole(said)) => self.say(Severity::Ok, said),
            Ok(Written::InPart(said)) => self.say(Severity::Warn, said),
            Ok(Written::WouldReplace(effect)) => self.ask_overwrite(*effect),
            Err(failure) => self.say_failure(failure),
        }
    }

    /// Asks before a file is replaced.
    pub(in crate::workbench) fn ask_overwrite(&mut self, effect: Effect) {
        let (Effect::Save { path, .. } | Effect::SaveText { path, .. } | Effect::Export { path, .. }) = &effect else {
            return;
        };
        let lines = vec![format!("{} is there already.", path.display())];
        let choices = ["keep the file", "replace it"];
        self.desk.overlay = Some(Overlay::question(Question::Overwrite, "replace the file?", &lines, choices));
        self.overwrites = Some(effect);
    }
}
