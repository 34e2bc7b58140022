//! Recorded runs: their list, one that is shown again as it happened, two beside each other, reports of what is shown.

use super::State;
use crate::{
    ops::{
        Failure,
        run::record::{Record, Summary},
    },
    report::{self, FORMS, compare as runs},
    validate::event::{Body, Status},
    workbench::{
        effect::Effect,
        elsewhere::RunOrigin,
        keymap::Action,
        model::{CheckView, Replay, Run, RunsCompared, Severity},
        overlay::Overlay,
        panes::{CHECKS, COMPARED_RUNS, Need, RUN_CHANGES, RUNS, RowId},
    },
};
use std::{collections::BTreeMap, sync::Arc};

/// The fastest replay.
const FASTEST: u32 = 1000;

impl State {
    pub(super) fn list_runs(&mut self) -> Effect {
        self.desk.mark(Need::Runs);
        Effect::ListRuns { generation: self.model.records.list.start() }
    }

    /// `:runs`: the panel of records, read again.
    pub(super) fn runs_command(&mut self) -> Vec<Effect> {
        self.desk.focus_on(&RUNS);
        vec![self.list_runs()]
    }

    pub(super) fn runs_listed(&mut self, generation: u64, answer: Result<Arc<Vec<Summary>>, Failure>) -> Vec<Effect> {
        self.model.records.list.finish(generation, answer);
        self.asked.runs_read_ms = self.model.now_ms;
        self.desk.mark(Need::Runs);
        self.tell_of_runs()
    }

    pub(super) fn open_run(&mut self, name: String, compare: bool) -> Vec<Effect> {
        if !compare && self.refuses_another_run() {
            return Vec::new();
        }
        if compare && self.model.run.checks.is_empty() {
            let key = self.desk.keys.key(Action::Enter);
            self.say(Severity::Info, format!("{key} shows a run first; another is then compared with it"));
            return Vec::new();
        }
        self.asked.run += 1;
        vec![Effect::OpenRun { generation: self.asked.run, name, compare }]
    }

    pub(super) fn run_opened(
        &mut self,
        generation: u64,
        compare: bool,
        answer: Result<Arc<Record>, Failure>,
    ) -> Vec<Effect> {
        if generation != self.asked.run {
            return Vec::new();
        }
        let is_asked_for = self.asked.quietly.take() != Some(generation);
        match answer {
            // Nobody has asked for it, and it has ended since.
            Err(_) if !is_asked_for => {}
            Ok(record) if !is_asked_for && !record.stored.is_open => {}
            Err(failure) => self.say_failure(failure),
            Ok(record) if compare && record.report().deploy.is_some() => {
                self.say(Severity::Info, "a deploy has no checks to compare");
            }
            Ok(record) if compare => {
                let (shown, other) = (self.model.run.report.clone(), record.report());
                // The earlier run is A: ids begin with their time.
                let (left, right) = if shown.run_id <= other.run_id { (shown, other) } else { (other, shown) };
                let rows = runs::compare(&left, &right);
                self.model.records.compared = Some(RunsCompared { left: left.run_id, right: right.run_id, rows });
                self.desk.mark(Need::Runs);
                self.desk.focus_on(&RUN_CHANGES);
            }
            Ok(record) if record.report().deploy.is_some() => self.show_deploy(&record),
            Ok(record) if record.stored.is_open => return self.follow_record(&record, is_asked_for),
            Ok(record) => {
                let end_follow = self.end_follow();
                let name = record.stored.name.clone();
                let end = record.events.len();
                self.model.records.replay = Some(Replay {
                    record,
                    next: 0,
                    clock_ms: 0,
                    tick_ms: 0,
                    speed: 1,
                    playing: false,
                    marks: BTreeMap::new(),
                });
                self.replay_to(end);
                self.desk.focus_on(&CHECKS);
                self.select_first_failure();
                let [plays, back, on] =
                    [Action::Pause, Action::StepBack, Action::StepOn].map(|action| self.desk.keys.key(action));
                self.say(
                    Severity::Info,
                    format!("run {name} as it was recorded: {plays} plays it, {back} {on} step through it"),
                );
                return end_follow.into_iter().collect();
            }
        }
        Vec::new()
    }

    /// What a record is opened for, where something in it failed.
    fn select_first_failure(&mut self) {
        let is_failed =
            |check: &&CheckView| check.result.as_ref().is_some_and(|result| result.status == Status::Failed);
        let Some(failed) = self.model.run.checks.iter().find(is_failed) else { return };
        let row = RowId::Check(failed.planned.name.clone());
        // Its rows are made before the cursor can go to one.
        self.desk.prepare(&self.model);
        self.desk.table_mut(&CHECKS).select(&row);
        self.desk.mark(Need::Cursor(&CHECKS));
    }

    /// Two runs that were named on the Compare screen, check by check.
    pub(super) fn runs_compared(&mut self, generation: u64, answer: Result<Arc<[Record; 2]>, Failure>) {
        if generation != self.asked.run {
            return;
        }
        match answer {
            Err(failure) => self.say_failure(failure),
            Ok(records) => {
                let [left, right] = [&records[0], &records[1]].map(Record::report);
                let rows = runs::compare(&left, &right);
                self.model.records.compared = Some(RunsCompared { left: left.run_id, right: right.run_id, rows });
                self.desk.mark(Need::Runs);
                self.desk.focus_on(&COMPARED_RUNS);
            }
        }
    }

    /// Shows the run as it was after so many of its events.
    fn replay_to(&mut self, count: usize) {
        // Lines of the record that are shown may lie after the moment that is shown now.
        self.leave_older();
        let Some(replay) = &mut self.model.records.replay else { return };
        let count = count.min(replay.record.events.len());
        // What a person marked stays marked, whichever part of the run is shown.
        let marked = self.model.run.checks.iter_mut();
        replay.marks.extend(marked.map(|check| (check.planned.name.clone(), std::mem::take(&mut check.marks))));
        // Only what is ahead has to be folded; what is behind is folded again from the start.
        if count < replay.next || replay.next == 0 {
            self.model.run = Run {
                follows: true,
                id: replay.record.stored.name.clone(),
                origin: RunOrigin::Record,
                ..Run::default()
            };
            replay.next = 0;
        }
        for event in &replay.record.events[replay.next..count] {
            self.model.run.fold(event.clone());
        }
        for check in &mut self.model.run.checks {
            check.marks = replay.marks.remove(&check.planned.name).unwrap_or_default();
        }
        replay.next = count;
        replay.clock_ms = self.model.run.last_ms;
        self.desk.mark(Need::Run);
        self.desk.mark(Need::Runs);
        self.follow_run();
    }

    /// One event on or back; output goes along with what comes after it.
    pub(super) fn replay_step(&mut self, forward: bool) {
        if self.model.records.replay.is_some() && !self.steers_run() {
            return;
        }
        if self.says_unable(if forward { Action::StepOn } else { Action::StepBack }) {
            return;
        }
        let Some(replay) = &mut self.model.records.replay else { return };
        replay.playing = false;
        let is_step = |place: &usize| !matches!(replay.record.events[*place].body, Body::Log { .. });
        let (next, end) = (replay.next, replay.record.events.len());
        let to = match forward {
            true => (next..end).find(is_step).map_or(end, |place| place + 1),
            false => (0..next.saturating_sub(1)).rev().find(is_step).map_or(0, |place| place + 1),
        };
        self.replay_to(to);
    }

    /// Plays from where it is, or from the start where it is at its end; pauses what plays. False where nothing is replayed.
    pub(super) fn replay_play(&mut self) -> bool {
        let now_ms = self.model.now_ms;
        let Some(replay) = &mut self.model.records.replay else { return false };
        replay.playing = !replay.playing;
        replay.tick_ms = now_ms;
        if replay.playing && replay.next == replay.record.events.len() {
            self.replay_to(0);
            self.replay_step(true);
            if let Some(replay) = &mut self.model.records.replay {
                replay.playing = true;
            }
        }
        self.desk.mark(Need::Run);
        true
    }

    /// Time went by: what happened until now in the run is shown.
    pub(super) fn replay_tick(&mut self) {
        let now_ms = self.model.now_ms;
        let Some(replay) = self.model.records.replay.as_mut().filter(|replay| replay.playing) else { return };
        let passed = now_ms.saturating_sub(replay.tick_ms) * u64::from(replay.speed);
        let clock_ms = replay.clock_ms + passed;
        let events = &replay.record.events;
        let to =
            events[replay.next..].iter().take_while(|event| event.observed_at_ms <= clock_ms).count() + replay.next;
        let at_end = to == events.len();
        self.replay_to(to);
        if let Some(replay) = &mut self.model.records.replay {
            (replay.clock_ms, replay.tick_ms, replay.playing) = (clock_ms, now_ms, !at_end);
        }
        if at_end {
            self.say(Severity::Info, "the end of the recorded run");
        }
    }

    /// `:speed FACTOR`.
    pub(super) fn speed_command(&mut self, factor: &str) {
        let speed = factor.trim_end_matches('x').parse().ok().filter(|speed| (1..=FASTEST).contains(speed));
        match (speed, self.model.records.replay.as_mut()) {
            (None, _) => self.say(Severity::Warn, format!("write a factor from 1 to {FASTEST}, for example 10")),
            (_, None) => drop(self.say_unable(self.unable_command("speed"))),
            (Some(speed), Some(replay)) => {
                replay.speed = speed;
                self.say(Severity::Ok, format!("replay at {speed}x"));
                self.desk.mark(Need::Run);
            }
        }
    }

    /// `:report [FORM]`: the report of the shown run, over the screen.
    pub(super) fn report_command(&mut self, form: &str) {
        let form = if form.is_empty() { "text" } else { form };
        let names: Vec<&str> = FORMS.iter().map(|form| form.name).collect();
        match report::form(form) {
            _ if self.say_unable(self.unable_command("report")) => {}
            None => {
                self.say(Severity::Warn, format!("`{form}` is not a form of reports; there are {}", names.join(", ")))
            }
            Some(form) => {
                let body = (form.render)(&self.model.run.report);
                self.desk.overlay = Some(Overlay::text(&format!("report of run {}", self.model.run.id), &body, 1));
            }
        }
    }

    /// `:save-report FILE`: the report of the shown run, in the form that the file's name says.
    pub(super) fn save_report(&mut self, path: &str) -> Vec<Effect> {
        if self.model.run.report.planned.is_empty() {
            self.say(Severity::Info, "no run is shown, so there is no report to save");
            return Vec::new();
        }
        let suffix = path.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        let Some(form) = FORMS.iter().find(|form| form.suffix == suffix || suffix.is_empty()) else {
            let known: Vec<&str> = FORMS.iter().map(|form| form.suffix).collect();
            let known = known.join(", .");
            self.say(Severity::Warn, format!("`.{suffix}` is not the suffix of a report; there are .{known}"));
            return Vec::new();
        };
        let text = (form.render)(&self.model.run.report);
        self.save_text("report", text, path)
    }

    pub(super) fn forget_compared(&mut self) {
        self.model.records.compared = None;
        self.desk.mark(Need::Runs);
        self.desk.focus_on(&CHECKS);
    }
}
