//! Writing a log: what is seen of it, what filter and options mean, or all of it, with what only the record of the run still has.

use super::State;
use crate::{
    ops::Failure,
    report::lines::Lines,
    workbench::{
        effect::Effect,
        export::{self, Form},
        log_options::Part,
        model::{CheckView, Severity},
        older::Older,
        overlay::Overlay,
        panes::{self, LOG},
        question::{Answer, Question},
        widgets::text,
    },
};
use std::{path::PathBuf, sync::Arc};

/// What is to be written, and where.
#[derive(Clone, Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    part: Part,
    /// As what; the lines themselves where there is none.
    form: Option<Form>,
}

impl State {
    /// `:export FILE` on a log: where lines are left out of what is shown, which of them are meant is asked.
    pub(super) fn export_log(&mut self, path: &str, form: Form) -> Vec<Effect> {
        let file = LogFile { path: PathBuf::from(path), part: Part::All, form: Some(form) };
        let filter = self.desk.table(&LOG).filter.clone();
        let options = self.desk.log_options.words();
        if filter.is_empty() && options.is_empty() {
            return self.write_log(file);
        }
        let of = panes::lines_of_log(&self.desk.view(&self.model, &LOG));
        let (name, all) = of.unwrap_or_default();
        let meant = [Some(filter).filter(|filter| !filter.is_empty()).map(|filter| format!("`{filter}`"))];
        let meant: Vec<String> = meant.into_iter().flatten().chain(options).collect();
        let lines = [
            format!(
                "The log of {} has {}; {} leaves some out.",
                text::clean(&name),
                text::count(all, "line"),
                meant.join(", ")
            ),
            String::new(),
            "seen      those that the panel shows now".to_owned(),
            format!("filtered  every line that {} means", meant.join(", ")),
            "all       every line, also those that only the record of the run has".to_owned(),
        ];
        let answers = vec![
            Answer::no("write nothing"),
            Answer::to("seen", Question::WriteLog(Part::Seen)),
            Answer::to("filtered", Question::WriteLog(Part::Meant)),
            Answer::to("all", Question::WriteLog(Part::All)),
        ];
        self.asked.log_file = Some(file);
        let question = Question::WriteLog(Part::All);
        self.desk.overlay = Some(Overlay::question_of(question, "write which lines of the log?", &lines, answers));
        Vec::new()
    }

    /// The question was answered.
    pub(super) fn write_part_of_log(&mut self, part: Part) -> Vec<Effect> {
        let file = self.asked.log_file.take();
        file.map_or_else(Vec::new, |file| self.write_log(LogFile { part, ..file }))
    }

    /// `:save-log FILE` of one check: all of its lines.
    pub(super) fn save_log_of_check(&mut self, path: &str) -> Vec<Effect> {
        self.write_log(LogFile { path: PathBuf::from(path), part: Part::All, form: None })
    }

    /// Writes a log, after what memory has no more of it has been read.
    fn write_log(&mut self, file: LogFile) -> Vec<Effect> {
        let run = self.model.run.id.clone();
        let lost = self.logged_check().filter(|check| check.log.dropped() > 0 && self.model.has_record_of_run());
        let lost = lost.map(|check| check.planned.name.clone());
        match lost.filter(|_| file.part != Part::Seen) {
            None => self.write_lines(&file, None),
            Some(check) => {
                self.asked.output += 1;
                self.asked.log_file = Some(file);
                self.say(Severity::Info, "reading the record of the run for all lines");
                vec![Effect::ReadOutput { generation: self.asked.output, run, check }]
            }
        }
    }

    /// The one check whose log is shown; `None` where several share it.
    pub(super) fn logged_check(&self) -> Option<&CheckView> {
        if !self.desk.merge.of(&self.model.run).is_empty() {
            return None;
        }
        self.model.run.check(self.steered()?.check()?)
    }

    /// The whole output of a check has been read from the record of its run.
    pub(super) fn output_read(
        &mut self,
        generation: u64,
        (run, check): (String, String),
        answer: Result<Arc<Lines>, Failure>,
    ) -> Vec<Effect> {
        if generation != self.asked.output || run != self.model.run.id {
            return Vec::new();
        }
        let Some(file) = self.asked.log_file.take() else { return Vec::new() };
        let Some(recorded) = self.good(answer) else { return Vec::new() };
        let mut lines = Arc::unwrap_or_clone(recorded);
        // A run that goes on has written more since.
        if let Some(view) = self.model.run.check(&check) {
            for number in lines.end()..view.log.end() {
                let Some((at_ms, line)) = view.log.get(number) else { continue };
                lines.push_of(at_ms, view.log.source(number), line);
            }
        }
        self.write_lines(&file, Some(Older { run, check, lines: Arc::new(lines) }))
    }

    /// Writes the lines of the log that is shown; those that were read for it take the place of what memory has.
    fn write_lines(&mut self, file: &LogFile, read: Option<Older>) -> Vec<Effect> {
        let LogFile { path, part, form } = file;
        let shown = self.model.records.older.take();
        self.model.records.older = if *part == Part::Seen { shown.clone() } else { read };
        let text = match form {
            Some(form) => {
                self.desk.writes = Some(*part);
                let text = export::document(self, *form);
                self.desk.writes = None;
                text
            }
            None => {
                let check = self.logged_check();
                let log = check.map(|check| &check.log);
                let lines = self.model.records.older.as_ref().map(|older| &*older.lines).or(log);
                let mark = |number| check.map(|check| super::log::mark_of(check, number)).unwrap_or_default();
                lines.map_or_else(String::new, |lines| {
                    super::log::missing(lines, self.model.has_record_of_run())
                        + &lines.text(|number, at_ms| format!("{} {}", panes::log_clock(at_ms), mark(number)))
                })
            }
        };
        self.model.records.older = shown;
        let what = match part {
            Part::Seen => "lines of the log that are seen",
            Part::Meant => "lines of the log that are not left out",
            Part::All if form.is_some() => "log with all its lines",
            Part::All => "log",
        };
        self.save_text(what, text, &path.display().to_string())
    }
}
