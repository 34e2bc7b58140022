//! Where a person has been on each screen: Backspace goes back, `:forward` returns.
//!
//! A view is a panel, what it was restricted to and, where something jumped to another row, the row. Moving the cursor makes
//! no view of its own: one goes back to where it was moved to last.

use super::State;
use crate::{
    inventory::shape::Key,
    workbench::{
        Screen,
        keymap::Action,
        layout::Presence,
        model::Severity,
        panes::{Need, Pane, RowId},
    },
};

/// Views that are kept of a screen; the oldest makes room.
const KEPT: usize = 100;

/// What is looked at on a screen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pane: &'static Pane,
    /// The shape whose nodes alone are listed.
    drilled: Option<Key>,
    row: Option<RowId>,
}

/// The views of one screen.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Oldest first.
    back: Vec<Seen>,
    /// Those that were gone back from, the nearest last.
    forward: Vec<Seen>,
    /// The cursor was put on another row, not moved to it.
    jumped: bool,
    /// What is looked at now is one of these views.
    walked: bool,
}

impl State {
    /// What each screen looks at now.
    pub(super) fn seen(&self) -> [Seen; 5] {
        Screen::ALL.map(|screen| {
            let pane = self.desk.focused_on(screen);
            let drilled = self.model.cluster.drilled.clone().filter(|_| screen == Screen::Cluster);
            Seen { pane, drilled, row: self.desk.table(pane).selected.clone() }
        })
    }

    /// A row was chosen by its name or number: what was looked at before is a view of its own.
    pub(super) fn jumped(&mut self, screen: Screen) {
        self.history[screen.index()].jumped = true;
    }

    /// Keeps the views that are not looked at any more.
    pub(super) fn remember(&mut self, before: [Seen; 5]) {
        let now = self.seen();
        for ((before, now), history) in before.into_iter().zip(&now).zip(&mut self.history) {
            let jumped = std::mem::take(&mut history.jumped) && before.row != now.row;
            if std::mem::take(&mut history.walked) {
                continue;
            }
            if jumped || (before.pane, &before.drilled) != (now.pane, &now.drilled) {
                history.forward.clear();
                history.back.push(before);
                if history.back.len() > KEPT {
                    history.back.remove(0);
                }
            }
        }
    }

    /// Goes to the view before, or to the one that was gone back from.
    pub(super) fn walk(&mut self, back: bool) {
        let screen = self.desk.screen;
        let here = self.seen()[screen.index()].clone();
        loop {
            let history = &mut self.history[screen.index()];
            let from = if back { &mut history.back } else { &mut history.forward };
            let Some(seen) = from.pop() else { break };
            // Its panel is not there any more, or nothing has changed since: the one before it.
            if seen == here || (seen.pane.presence)(&self.model, seen.pane) == Presence::Hidden {
                continue;
            }
            let to = if back { &mut history.forward } else { &mut history.back };
            to.push(here);
            history.walked = true;
            self.show_again(seen);
            return;
        }
        let said = match back {
            true => {
                let key = self.desk.keys.key(Action::PreviousView);
                format!("this screen has no view before this one; {key} goes to the screen before")
            }
            false => "this screen has no view after this one".to_owned(),
        };
        self.say(Severity::Info, said);
    }

    fn show_again(&mut self, seen: Seen) {
        self.desk.focus_on(seen.pane);
        if seen.pane.screen == Screen::Cluster && self.model.cluster.drilled != seen.drilled {
            self.model.cluster.drilled = seen.drilled;
            self.desk.mark(Need::Cluster);
        }
        self.desk.prepare(&self.model);
        if let Some(row) = &seen.row {
            self.desk.table_mut(seen.pane).select(row);
        }
        self.desk.mark(Need::Cursor(seen.pane));
    }
}
