//! `:ops`: the work in the background, and its end by hand.

use super::State;
use crate::{
    cluster::watch::LiveStatus,
    ops::run::record::Record,
    text::seconds,
    workbench::{
        effect::Effect,
        keymap::Action,
        model::{Replay, Severity},
        operations::{DEPLOY, EVALUATE, End, FOLLOW, Key, Operation, RUN, WATCH},
        overlay::{Choice, Content, Kind, Overlay, Row},
        panes,
        theme::Role,
        widgets::{
            bar,
            table::{Cell, Column},
            text,
        },
    },
};

/// Cells of a bar, and of one in a frame without much room.
const BAR: usize = 12;
const SHORT_BAR: usize = 6;

impl State {
    /// `:ops`.
    pub(super) fn operations_command(&mut self) {
        self.desk.overlay = Some(Overlay::operations(self.operations_rows()));
    }

    /// The list follows what goes on while it is shown.
    pub(super) fn refresh_operations(&mut self) {
        let is_shown = self.desk.overlay.as_ref().is_some_and(|overlay| overlay.kind == Kind::Operations);
        if is_shown {
            let content = self.operations_rows();
            if let Some(overlay) = &mut self.desk.overlay {
                // What has ended goes below what runs, and the cursor with it: a second key must not meet another one.
                let selected = overlay.table.row().map(|row| row.id.clone());
                overlay.table.set(content);
                if let Some(selected) = selected {
                    overlay.table.select(&selected);
                }
            }
        }
    }

    /// The list is shown, and something in it goes on.
    pub(super) fn shows_moving_operations(&self) -> bool {
        let is_shown = self.desk.overlay.as_ref().is_some_and(|overlay| overlay.kind == Kind::Operations);
        is_shown && self.operations.is_any_running()
    }

    fn operations_rows(&self) -> Content {
        let now_ms = self.model.now_ms;
        let mut rows: Vec<Row> = Vec::new();
        if let Some(replay) = &self.model.records.replay {
            rows.push(replayed(replay, self.bar()));
        }
        let operations = self.operations.rows();
        let running = operations.iter().filter(|operation| operation.is_running()).count();
        rows.extend(operations.iter().map(|operation| {
            let (role, glyph, word) = match &operation.ended {
                None => (Role::Run, "»", "running"),
                Some((_, End::Done)) => (Role::Ok, "✓", "done"),
                Some((_, End::Failed(_))) => (Role::Fail, "✗", "failed"),
                Some((_, End::Canceled)) => (Role::Skip, "⊘", "canceled"),
            };
            let progress = match &operation.ended {
                None => self.progress_of(operation),
                Some((_, End::Failed(why))) => text::clean(why).into_owned(),
                Some(_) => String::new(),
            };
            let cells = vec![
                Cell::new(role, word),
                Cell::text(took(operation.took_ms(now_ms))),
                Cell::text(text::clean(&operation.doing)),
                Cell::new(Role::Muted, progress),
            ];
            Row { marker: Some((role, glyph)), ..Row::new(Choice::Operation(operation.key.clone()), cells) }
        }));
        Content {
            title: "operations".to_owned(),
            note: format!("{running} running, {} ended", operations.len() - running),
            columns: vec![
                Column::new("STATE", 8, 8),
                Column::new("TIME", 6, 14).right(),
                Column::new("WHAT", 16, 60),
                Column::new("PROGRESS", 10, 10).grows(),
            ],
            says: match rows[..] {
                [] => vec![(Role::Muted, "nothing has been done in the background yet".to_owned())],
                _ => Vec::new(),
            },
            headers: true,
            rows,
            ordered: true,
            ..Content::default()
        }
    }

    fn bar(&self) -> usize {
        if self.desk.width < 100 { SHORT_BAR } else { BAR }
    }

    /// How far it is, where that is known.
    fn progress_of(&self, operation: &Operation) -> String {
        let (model, took_ms) = (&self.model, operation.took_ms(self.model.now_ms));
        let cells = self.bar();
        // Where there is no room, the numbers alone.
        let took_ms = if cells == BAR { took_ms } else { 0 };
        match operation.key.kind {
            WATCH => match &model.cluster.status {
                LiveStatus::Connecting => "connecting".to_owned(),
                LiveStatus::Syncing { done, total } => bar::words((*done, *total), cells, took_ms, "kinds"),
                LiveStatus::Fresh => model.cluster.paused.as_ref().map_or("fresh".to_owned(), |paused| paused.words()),
                LiveStatus::Reconnecting { attempt, next_seconds, .. } => {
                    format!("RECONNECTING {attempt} (next {next_seconds}s)")
                }
                LiveStatus::Failed { .. } => "failed".to_owned(),
            },
            RUN | FOLLOW => {
                let done = model.run.checks.iter().filter(|check| check.result.is_some()).count();
                bar::words((done, model.run.checks.len()), cells, took_ms, "checks")
            }
            DEPLOY => {
                let releases = &model.deploy.progress.releases;
                let over =
                    releases.iter().filter(|release| release.state.as_ref().is_some_and(|state| state.is_over()));
                bar::words((over.count(), releases.len()), cells, took_ms, "releases")
            }
            EVALUATE if model.live.is_evaluating => "evaluating".to_owned(),
            EVALUATE => "waits for the next time".to_owned(),
            _ => String::new(),
        }
    }

    /// Enter: to where it is seen; else all that is known of it.
    pub(super) fn go_to_operation(&mut self, key: &Key) {
        match key.kind {
            WATCH => self.desk.focus_on(&panes::NODES),
            EVALUATE => self.desk.focus_on(&panes::HEALTH),
            RUN | FOLLOW => self.desk.focus_on(&panes::CHECKS),
            DEPLOY => self.desk.focus_on(&panes::DEPLOY),
            _ => {
                let Some(operation) = self.operations.get(key) else { return };
                let mut lines = vec![text::clean(&operation.doing).into_owned(), String::new()];
                lines.push(format!("began {}", panes::log_clock(operation.began_ms)));
                match &operation.ended {
                    None => lines.push("goes on".to_owned()),
                    Some((at, end)) => {
                        let at = panes::log_clock(*at);
                        match end {
                            End::Done => lines.push(format!("done {at}")),
                            End::Canceled => lines.push(format!("canceled {at}")),
                            End::Failed(why) => lines.extend([format!("failed {at}"), text::clean(why).into_owned()]),
                        }
                    }
                }
                let until = operation.ended.as_ref().map_or(self.model.now_ms, |(at, _)| *at);
                let meanwhile = operation.began_ms..=until;
                let said = self.model.messages.iter().filter(|message| meanwhile.contains(&message.at_ms));
                let said = said.map(|message| format!("  {}  {}", message.at, text::clean(&message.text)));
                let said: Vec<String> = said.collect();
                if !said.is_empty() {
                    lines.extend([String::new(), "said meanwhile:".to_owned()]);
                    lines.extend(said);
                }
                self.desk.overlay = Some(Overlay::notice("operation", &lines));
            }
        }
    }

    /// x: asks where it is a run or a deploy, and gives up all else.
    pub(super) fn cancel_operation(&mut self, key: &Key) -> Vec<Effect> {
        let Some(operation) = self.operations.get(key).cloned() else { return Vec::new() };
        if !operation.is_running() {
            self.say(Severity::Info, "this has ended");
            return Vec::new();
        }
        match key.kind {
            RUN => {
                self.desk.overlay = None;
                self.ask_cancel_run();
                Vec::new()
            }
            DEPLOY => {
                self.desk.overlay = None;
                self.ask_cancel_deploy();
                Vec::new()
            }
            FOLLOW => {
                self.desk.overlay = None;
                self.ask_end_follow();
                Vec::new()
            }
            EVALUATE => {
                self.operations.cancel_kind(EVALUATE, self.model.now_ms);
                self.model.live.stop();
                self.desk.mark(panes::Need::LiveChecks);
                self.say(Severity::Info, "the checks are not evaluated any more");
                vec![Effect::EndEvaluation]
            }
            _ => match self.operations.refuse(key) {
                Some(refusal) => {
                    // What follows from it begins there, and not a second time with what follows from this key.
                    let followed = self.update(refusal);
                    self.begun.extend(followed);
                    vec![Effect::Abandon(key.clone())]
                }
                None => {
                    self.say(Severity::Info, format!("this cannot be canceled: {}", operation.doing));
                    Vec::new()
                }
            },
        }
    }

    /// What an action does in the list; `None` where it is not one of its own.
    pub(super) fn act_on_operations(&mut self, overlay: &Overlay, action: Action) -> Option<Vec<Effect>> {
        if overlay.kind != Kind::Operations || action != Action::CancelOperation {
            return None;
        }
        let Some(Choice::Operation(key)) = overlay.choice().cloned() else {
            let key = self.desk.keys.key(Action::Pause);
            self.say(Severity::Info, format!("a recorded run is not canceled; {key} on Validate pauses it"));
            return Some(Vec::new());
        };
        Some(self.cancel_operation(&key))
    }
}

fn replayed(replay: &Replay, cells_of_bar: usize) -> Row {
    let Record { stored, events, .. } = &*replay.record;
    let word = if replay.playing { "playing" } else { "paused" };
    let cells = vec![
        Cell::new(Role::Saved, word),
        Cell::default(),
        Cell::text(format!("replay run {}", stored.name)),
        Cell::new(Role::Muted, bar::words((replay.next, events.len()), cells_of_bar, 0, "events")),
    ];
    Row::new(Choice::Line(0), cells)
}

/// `0.4 s`, `12 s`, `3 min 4 s`.
fn took(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{} s", ms / 1000, ms / 100 % 10),
        ms => seconds(ms / 1000),
    }
}
