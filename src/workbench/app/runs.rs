//! Steering a run, and running parts of one: pause, one check, what failed, another time limit.

use super::State;
use crate::{
    criteria::near_matches,
    ops::run::{Request, Step},
    text::{count, near_or_all},
    workbench::{
        Screen,
        effect::Effect,
        keymap::Action,
        model::{Severity, What},
        overlay::Overlay,
        panes::{CHECK, CHECKS, LOG, Need, RUN_CHANGES, RowId},
        question::Question,
        widgets::text,
    },
};
use std::time::Duration;

impl State {
    /// Whether the shown run is on the screen: its checks, or the output of one of them.
    fn shows_run(&self) -> bool {
        let pane = self.desk.focused();
        pane == &LOG || pane == &CHECK || self.desk.layout.panel(&CHECKS).is_some()
    }

    /// What a key on the run means: the row that a person sees under a cursor.
    pub(super) fn steered(&self) -> Option<&RowId> {
        let pane = match self.desk.focused() {
            pane if pane == &RUN_CHANGES => pane,
            _ if self.shows_run() => &CHECKS,
            _ => return None,
        };
        self.desk.table(pane).row().map(|row| &row.id)
    }

    /// Whether keys that play, step and cancel have a run to act on that is on the screen; says where it is if not.
    pub(super) fn steers_run(&mut self) -> bool {
        let is_seen = self.shows_run() || self.desk.screen != Screen::Validate;
        if !is_seen {
            let key = self.desk.keys.key(Action::Back);
            self.say(Severity::Info, format!("{key} goes back to the run, and it is played and stepped there"));
        }
        is_seen
    }

    /// What `r` runs: the check or the phase under the cursor, else everything.
    pub(super) fn under_cursor(&self) -> What {
        match self.steered() {
            Some(RowId::Check(name) | RowId::Pod { check: name, .. }) => {
                What { only: vec![name.clone()], ..What::default() }
            }
            Some(RowId::Phase(phase)) => What { phases: vec![*phase], ..What::default() },
            _ => What::default(),
        }
    }

    fn failed_checks(&self) -> Vec<String> {
        self.model.run.failed().map(|result| result.name.clone()).collect()
    }

    /// F: runs what failed or gave no verdict in the shown run.
    pub(super) fn run_failed(&mut self) -> Vec<Effect> {
        let only = self.failed_checks();
        if self.says_unable(Action::RunFailed) {
            return Vec::new();
        }
        self.ask_run(What { only, ..What::default() })
    }

    /// p: starts no further check, or goes on; a recorded run plays.
    pub(super) fn pause(&mut self) -> Vec<Effect> {
        // A run of ours is paused from anywhere.
        if !self.model.run.active && self.model.records.replay.is_some() && !self.steers_run() {
            return Vec::new();
        }
        if self.replay_play() {
            return Vec::new();
        }
        if self.says_unable(Action::Pause) {
            return Vec::new();
        }
        vec![Effect::Steer(match self.model.run.paused {
            Some(_) => Request::Continue { to_end: false },
            None => Request::Pause,
        })]
    }

    /// x: asks before the check under the cursor is canceled, or the whole run.
    pub(super) fn ask_cancel(&mut self) {
        if self.says_unable(Action::Cancel) {
            return;
        }
        if !self.model.run.active {
            return self.ask_end_follow();
        }
        let check = match self.steered() {
            Some(row) => row.check().and_then(|name| self.model.run.check(name)).filter(|check| check.result.is_none()),
            None => None,
        };
        if let Some(check) = check {
            let name = check.planned.name.clone();
            let lines = vec![
                format!("{name}: {}", check.state.word()),
                String::new(),
                "Canceling ends its Job, if it has one; the other checks go on.".to_owned(),
                format!("On any other row, {} cancels the whole run.", self.desk.keys.key(Action::Cancel)),
            ];
            let title = format!("cancel {name}?");
            let question = Question::CancelCheck(name);
            self.desk.overlay = Some(Overlay::question(question, &title, &lines, ["keep running", "cancel the check"]));
            return;
        }
        self.ask_cancel_run();
    }

    /// Asks before the whole run is canceled.
    pub(super) fn ask_cancel_run(&mut self) {
        let going = self.model.run.checks.iter().filter(|check| check.result.is_none());
        let going: Vec<&str> = going.map(|check| check.planned.name.as_str()).collect();
        let lines = vec![
            format!("Run {} has not ended.", self.model.run.id),
            format!("No verdict yet: {}", if going.is_empty() { "-".to_owned() } else { going.join(", ") }),
            String::new(),
            "Canceling ends its Jobs and removes what it created; results so far stay here.".to_owned(),
        ];
        self.desk.overlay =
            Some(Overlay::question(Question::CancelRun, "cancel the run?", &lines, ["keep running", "cancel the run"]));
    }

    pub(super) fn cancel_check(&mut self, name: String) -> Vec<Effect> {
        self.say(Severity::Warn, format!("canceling {name}"));
        vec![Effect::Steer(Request::CancelCheck(name))]
    }

    /// `:retry [LIMIT]` runs the check under the cursor, or what failed, with another time limit.
    pub(super) fn retry_command(&mut self, limit: &str) -> Vec<Effect> {
        let timeout_seconds = match limit {
            "" => None,
            text => match crate::catalog::parse::duration_seconds(text).filter(|seconds| *seconds >= 1.0) {
                Some(seconds) => Some(Duration::from_secs_f64(seconds).as_secs()),
                None => {
                    self.say(Severity::Warn, format!("`{text}` is not a duration; write for example 90s or 10m"));
                    return Vec::new();
                }
            },
        };
        if self.say_unable(self.unable_command("retry")) {
            return Vec::new();
        }
        let under_cursor = self.under_cursor();
        if under_cursor.only.is_empty() {
            let only = self.failed_checks();
            if only.is_empty() {
                self.say(Severity::Info, "put the cursor on a check to retry it");
                return Vec::new();
            }
            return self.ask_run(What { only, timeout_seconds, ..What::default() });
        }
        self.ask_run(What { timeout_seconds, ..under_cursor })
    }

    /// `:step [phases|checks|off]`: where the next run stops.
    pub(super) fn step_command(&mut self, mode: &str) -> Vec<Effect> {
        let step = match mode {
            "" | "phases" => Step::Phases,
            "checks" => Step::Checks,
            "off" => Step::None,
            other => {
                self.say(Severity::Warn, format!("`{other}` is not a way to step; there are phases, checks and off"));
                return Vec::new();
            }
        };
        self.model.setup.step = step;
        let key = self.desk.keys.key(Action::Pause);
        let said = match step {
            Step::None => "runs do not stop by themselves".to_owned(),
            Step::Phases => format!("the next run stops before each phase; {key} goes on"),
            Step::Checks => format!("the next run stops before each check; {key} goes on"),
        };
        self.say(Severity::Ok, said);
        self.desk.mark(Need::Run);
        match (step, self.model.run.active) {
            // A run that stops by itself stops no more.
            (Step::None, true) if self.model.run.paused.is_some() => {
                vec![Effect::Steer(Request::Continue { to_end: true })]
            }
            _ => Vec::new(),
        }
    }

    /// `:skip [CHECK …]`: checks that the next runs do not run.
    pub(super) fn skip_command(&mut self, names: &str) {
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        let known = self.model.known_checks();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let near: Vec<String> =
                near_matches(unknown, known.iter().copied()).into_iter().map(|near| format!("`{near}`")).collect();
            let instead = match known.is_empty() {
                true => "there is no recipe yet".to_owned(),
                false => near_or_all(&near, known.into_iter()),
            };
            let said = format!("unknown check `{}`; {instead}", text::clean(unknown));
            return self.say(Severity::Warn, said);
        }
        self.model.setup.skip = names;
        let skip = &self.model.setup.skip;
        let said = match skip.len() {
            0 => "no check is skipped".to_owned(),
            number => format!("{} skipped in the next runs: {}", count(number, "check"), skip.join(", ")),
        };
        self.say(Severity::Ok, said);
        self.desk.mark(Need::Run);
    }

    /// `:in-process [off]`: checks that only read run here, without a pod.
    pub(super) fn in_process_command(&mut self, mode: &str) {
        self.model.setup.in_process = match mode {
            "" | "on" => true,
            "off" => false,
            other => {
                let said = format!("`{}` is neither on nor off", text::clean(other));
                return self.say(Severity::Warn, said);
            }
        };
        let said = match self.model.setup.in_process {
            true => "checks that only read run in this process, with your rights, and create nothing",
            false => "checks run in pods",
        };
        self.say(Severity::Ok, said);
    }
}
