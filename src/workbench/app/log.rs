//! The log: going to a line, one log of several checks, writing it to a file.

use super::State;
use crate::{
    catalog::validator::Phase,
    criteria::near_matches,
    ops::Failure,
    report::{lines::Lines, merged::Merged},
    text::near_or_all,
    workbench::{
        desk::Naming,
        effect::Effect,
        keymap::Action,
        merge::{Merge, Which},
        model::{CheckView, Severity},
        older::Older,
        overlay::Field,
        panes::{self, CHECKS, LOG, Need, RowId},
        widgets::text,
    },
};
use std::{collections::BTreeSet, sync::Arc};

impl State {
    /// Puts the cursor of the log on a line that may not be among its rows yet.
    pub(super) fn go_to_line(&mut self, number: usize) -> Vec<Effect> {
        if let Some(effect) = self.older(number) {
            return vec![effect];
        }
        self.jumped(LOG.screen);
        let row = panes::log_row_of(&self.desk.view(&self.model, &LOG), number);
        let table = self.desk.table_mut(&LOG);
        (table.follow, table.touched) = (false, true);
        if let Some(row) = &row {
            table.selected = Some(row.clone());
        }
        self.desk.mark(Need::Look);
        self.desk.prepare(&self.model);
        // One that repeats those before it is in their row.
        if let Some(found) = panes::log_row_at(&self.desk.view(&self.model, &LOG), number).or(row) {
            self.desk.table_mut(&LOG).select(&found);
        }
        self.desk.mark(Need::Cursor(&LOG));
        Vec::new()
    }

    /// What reads the line of a number from the record of the run; `None` for one that is in memory, or nowhere.
    fn older(&mut self, number: usize) -> Option<Effect> {
        let Some(check) = panes::older_of_log(&self.desk.view(&self.model, &LOG), number) else {
            // It goes on in memory where what was read from the record ends.
            let is_read = self.model.records.older.as_ref();
            if is_read.is_some_and(|older| !(older.lines.dropped()..older.lines.end()).contains(&number)) {
                self.leave_older();
            }
            return None;
        };
        let run = self.model.run.id.clone();
        self.asked.older += 1;
        self.say(Severity::Info, "reading the record of the run for older lines");
        Some(Effect::ReadOlder { generation: self.asked.older, run, check, number })
    }

    /// The log is what memory has of it again.
    pub(super) fn leave_older(&mut self) {
        self.asked.older += 1;
        if self.model.records.older.take().is_some() {
            self.desk.mark(Need::Look);
        }
    }

    pub(super) fn older_read(
        &mut self,
        generation: u64,
        (run, check): (String, String),
        number: usize,
        answer: Result<Arc<Lines>, Failure>,
    ) -> Vec<Effect> {
        if generation != self.asked.older || run != self.model.run.id {
            return Vec::new();
        }
        let Some(lines) = self.good(answer) else { return Vec::new() };
        let range = format!("{} to {}", text::thousands(lines.dropped() + 1), text::thousands(lines.end()));
        self.model.records.older = Some(Older { run, check, lines });
        self.desk.mark(Need::Look);
        let key = self.desk.keys.key(Action::Newest);
        self.say(Severity::Ok, format!("lines {range} from the record of the run; {key} goes to the newest"));
        self.go_to_line(number)
    }

    /// m on a line: takes its mark away, or asks what the mark is called. Who reads lines types no text into a frame.
    pub(super) fn ask_mark(&mut self, check: &str, line: usize) {
        let is_marked = self.model.run.check(check).is_some_and(|view| view.marks.contains_key(&line));
        if is_marked || self.desk.is_lines {
            let label = (!is_marked).then(String::new);
            return self.mark_line(check, line, label);
        }
        self.desk.naming = Some(Naming { field: Field::default(), check: check.to_owned(), line });
    }

    /// Keys while a mark is being named.
    pub(super) fn act_on_naming(&mut self, action: Action) {
        match action {
            Action::Enter => {
                if let Some(Naming { field, check, line }) = self.desk.naming.take() {
                    self.mark_line(&check, line, Some(field.text.trim().to_owned()));
                }
            }
            Action::Back => self.desk.naming = None,
            _ => {
                self.act_on_field(action);
            }
        }
    }

    /// `:label [TEXT]`: the line under the cursor of the log is marked, and its mark is called that.
    pub(super) fn label_command(&mut self, label: &str) {
        match panes::line_under_cursor(&self.desk.view(&self.model, &LOG)) {
            Some((check, line)) => self.mark_line(&check, line, Some(label.to_owned())),
            None => {
                let key = self.desk.keys.key(Action::GoLog);
                self.say(Severity::Info, format!("no line of a log is selected; {key} goes to the log"));
            }
        }
    }

    /// Marks a line of a check's output; without a label, takes its mark away.
    pub(super) fn mark_line(&mut self, check: &str, line: usize, label: Option<String>) {
        self.model.run.mark(check, line, label.clone());
        let older = self.model.records.older.as_ref().filter(|older| older.check == check);
        let lines = [older.map(|older| &*older.lines), self.model.run.check(check).map(|check| &check.log)];
        let at_ms = lines.into_iter().flatten().find_map(|lines| lines.get(line)).map(|(at_ms, _)| at_ms);
        let at = at_ms.map(|at_ms| format!(" of {}", panes::log_clock(at_ms))).unwrap_or_default();
        let (number, key) = (text::thousands(line + 1), self.desk.keys.key(Action::NextMark));
        self.say(
            Severity::Ok,
            match label.as_deref() {
                Some("") => format!("line {number}{at} is marked; {key} goes to the next mark"),
                Some(label) => {
                    format!("line {number}{at} is marked: {}; {key} goes to the next mark", text::clean(label))
                }
                None => format!("line {number}{at} is no longer marked"),
            },
        );
        self.desk.mark(Need::Run);
    }

    /// The log of the check under the cursor alone.
    pub(super) fn show_log(&mut self) {
        if self.desk.merge.which.is_some() {
            self.share(None);
        }
        self.desk.focus_on(&LOG);
    }

    fn share(&mut self, which: Option<Which>) {
        self.desk.merge.which = which;
        self.desk.mark(Need::Look);
    }

    /// The checks that are marked in the tree, and those of marked phases.
    fn marked_checks(&self) -> BTreeSet<String> {
        let rows: Vec<&RowId> = self.desk.table(&CHECKS).marked_rows().map(|row| &row.id).collect();
        let is_marked = |check: &&CheckView| {
            let planned = &check.planned;
            rows.iter().any(|row| match row {
                RowId::Check(name) => *name == planned.name,
                RowId::Phase(phase) => *phase == planned.phase,
                _ => false,
            })
        };
        self.model.run.checks.iter().filter(is_marked).map(|check| check.planned.name.clone()).collect()
    }

    /// O: one log of the marked checks, or of the phase under the cursor; then of the whole run; then each check has its own.
    pub(super) fn merge_logs(&mut self) {
        if self.says_unable(Action::Merge) {
            return;
        }
        let phase = match self.steered() {
            Some(RowId::Phase(phase)) => Some(*phase),
            Some(row) => row.check().and_then(|name| self.model.run.check(name)).map(|check| check.planned.phase),
            None => None,
        };
        self.desk.merge.marked = self.marked_checks();
        let next = self.desk.merge.next(phase, &self.model.run);
        self.share(next);
        self.say_shared(phase);
    }

    /// Which checks share the log now, and what the key shows next.
    fn say_shared(&mut self, phase: Option<Phase>) {
        let (merge, run, key) = (&self.desk.merge, &self.model.run, self.desk.keys.key(Action::Merge));
        let Some(which) = merge.which else {
            return self.say(Severity::Ok, "the log of one check");
        };
        let said = merge.title(which, run);
        let next = merge.next(phase, run).map_or_else(
            || "one check again".to_owned(),
            |next| format!("all {}", text::count(merge.checks(next, run).len(), "check")),
        );
        self.say(Severity::Ok, format!("log of {said}; {key} shows {next}"));
        if self.desk.layout.panel(&LOG).is_none() {
            self.desk.focus_on(&LOG);
        }
    }

    /// `:merge [all | PHASE | CHECK … | off]`.
    pub(super) fn merge_command(&mut self, names: &str) {
        if self.says_unable(Action::Merge) {
            return;
        }
        let names: Vec<&str> = names.split_whitespace().collect();
        let phase = |name: &str| Phase::ALL.into_iter().find(|phase| phase.name() == name);
        let which = match names[..] {
            [] | ["all"] => Some(Which::All),
            ["off"] => None,
            [name] if phase(name).is_some() => phase(name).map(Which::Phase),
            _ => {
                let known: Vec<&str> = self.model.run.checks.iter().map(|check| &*check.planned.name).collect();
                if let Some(unknown) = names.iter().find(|name| !known.contains(*name)) {
                    let near: Vec<String> =
                        near_matches(unknown, known.iter().copied()).iter().map(|near| format!("`{near}`")).collect();
                    let instead = near_or_all(&near, known.into_iter());
                    let said = format!("the run has no check `{}`; {instead}", text::clean(unknown));
                    return self.say(Severity::Warn, said);
                }
                self.desk.merge.marked = names.iter().map(|name| (*name).to_owned()).collect();
                Some(Which::Marked)
            }
        };
        if let Some(which @ Which::Phase(phase)) = which
            && self.desk.merge.checks(which, &self.model.run).is_empty()
        {
            return self.say(Severity::Info, format!("the run has no checks of {}", phase.name()));
        }
        self.share(which);
        self.say_shared(None);
        self.desk.focus_on(&LOG);
    }

    /// `:save-log [FILE]`: the output of the selected check, or of those that share the log.
    pub(super) fn save_log(&mut self, path: &str) -> Vec<Effect> {
        let is_one = self.desk.merge.of(&self.model.run).is_empty();
        let path = match path {
            "" if is_one => self.file_name("log"),
            "" => self.file_named("several", "log"),
            path => path.to_owned(),
        };
        if !is_one {
            return self.save_text("log", together(&self.desk.merge, self), &path);
        }
        if self.logged_check().is_none_or(|check| check.log.is_empty()) {
            self.say(Severity::Info, "put the cursor on a check that has written something");
            return Vec::new();
        }
        self.save_log_of_check(&path)
    }
}

/// The first line of a file where the log is not whole.
pub(super) fn missing(log: &Lines, has_record: bool) -> String {
    let lines = text::count(log.dropped(), "line");
    match (log.dropped(), has_record) {
        (0, _) => String::new(),
        (_, true) => format!("... {lines} before this: the record of the run has them\n"),
        (_, false) => format!("... {lines} before this were dropped: the run is not recorded\n"),
    }
}

/// What is in front of a marked line where it is saved: `[mark: before the drain] `.
pub(super) fn mark_of(check: &CheckView, line: usize) -> String {
    match check.marks.get(&line).map(String::as_str) {
        None => String::new(),
        Some("") => "[mark] ".to_owned(),
        Some(label) => format!("[mark: {label}] "),
    }
}

/// The lines of several checks, each with its time and what wrote it.
fn together(merge: &Merge, state: &State) -> String {
    let checks = merge.of(&state.model.run);
    let lines = Merged::new(checks.iter().map(|(_, check)| &check.log).collect());
    let has_record = state.model.has_record_of_run();
    let mut text: String = checks.iter().map(|(_, check)| missing(&check.log, has_record)).collect();
    for place in lines.lines(lines.dropped(), usize::MAX) {
        let Some((at_ms, line)) = lines.get(place) else { continue };
        let (check, source) = (&checks[place.log].1.planned.name, lines.source(place));
        let inner = if source.is_empty() { "" } else { "/" };
        let mark = mark_of(checks[place.log].1, place.line);
        text.extend([&panes::log_clock(at_ms), " ", &mark, "[", check, inner, source, "] ", line, "\n"]);
    }
    text
}
